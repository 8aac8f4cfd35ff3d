"""One instance of a note's symbols: sizes that differ unless the note says otherwise, and random arrays.

A reading says how many axes the symbols have that nothing declares; sizes that meet are one from then on.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from .scope import Scope
from .values import Misfit, match

Kind = tuple[int, bool]  # axes, and whether a vector lies
MOST_READINGS = 160
VECTORS = (r"\theta", r"\beta", r"\mu", r"\omega", r"\delta", r"\phi")    # Greek letters that are vectors more often than not


class Sizes:
    """Names of sizes in classes, each with a number of its own; `named` are those of the note."""

    def __init__(self, start: int = 3, named: frozenset[str] = frozenset()) -> None:
        self.parent: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.next, self.named = start, named

    def root(self, name: str) -> str:
        while (up := self.parent.get(name, name)) != name:
            name = up
        return name

    def value(self, name: str | int) -> int:
        if isinstance(name, int):
            return name
        root = self.root(name)
        if root not in self.numbers:
            self.numbers[root] = self.next
            self.next += 1
        return self.numbers[root]

    def join(self, p: int, q: int) -> None:
        """Two sizes are one; sizes that the note names apart stay apart."""
        at = {n: r for r, n in self.numbers.items()}
        if p not in at or q not in at:
            raise Misfit(f"Sizes differ: {p} and {q}.")
        a, b = at[p], at[q]
        if self.names(a) and self.names(b):
            raise Misfit(f"Sizes differ: {min(self.names(a))} and {min(self.names(b))}.")
        if self.names(b):
            a, b = b, a
        self.parent[b] = a
        del self.numbers[b]

    def names(self, root: str) -> set[str]:
        return {n for n in self.named if self.root(n) == root}


@dataclass
class Reading:
    """Kinds of the undeclared symbols, as far as they were asked for, and the sizes."""

    kinds: dict[str, Kind]
    sizes: Sizes
    met: dict[str, tuple[Kind, ...]] = field(default_factory=dict)

    def kind(self, key: str, choices: tuple[Kind, ...]) -> Kind:
        self.met.setdefault(key, choices)
        return self.kinds.get(key, choices[0])


def kinds_of(key: str, scope: Scope, section: tuple[int, ...]) -> tuple[Kind, ...]:
    """What an undeclared symbol may be, likeliest first: by the note's indices, its sizes, its letter."""
    dims = scope.dims_at(key, section)
    if key in scope.dims and ":" in key:
        return ((2, False),)
    if dims:
        if len(dims) == 2 and dims[0] == 1:
            return ((1, True),)
        if len(dims) == 2 and dims[1] == 1:
            return ((1, False),)
        return ((len(dims), False),) if len(dims) != 1 else ((1, False), (1, True))
    use = scope.uses.get(key)
    n = use.indices if use else 0
    letter = key.lstrip("\\").removeprefix("hat{").removeprefix("tilde{").removeprefix("bar{")[:1]
    greek = key.startswith("\\") and not key.startswith(("\\hat", "\\tilde", "\\bar", "\\mathbf", "\\vec"))
    if n >= 2:
        return ((n, False), (1, False), (0, False), (1, True))
    if n == 1 and use is not None and use.sliced:
        return ((2, False), (1, False), (1, True), (0, False))
    if n == 1:
        return ((1, False), (1, True), (0, False), (2, False))
    if key in VECTORS:
        return ((1, False), (0, False), (1, True))
    if greek and letter.islower():
        return ((0, False), (1, False), (1, True)) if not (use and use.turned) else ((1, False), (1, True))
    if letter.isupper() and use is not None and use.divides:
        return ((0, False), (2, False), (1, False))
    if letter.isupper():
        return ((2, False), (1, False), (0, False), (1, True))
    if key.startswith(("\\mathbf", "\\vec")) or (use and use.turned):
        return ((1, False), (1, True), (2, False))
    if "a" <= letter <= "g" or (len(key) > 1 and key.isalpha()):
        return ((0, False), (1, False), (1, True))
    return ((1, False), (0, False), (1, True))


def alternatives(met: dict[str, tuple[Kind, ...]]) -> list[dict[str, Kind]]:
    """Other readings, those that depart least from the likeliest first."""
    names = [n for n, c in met.items() if len(c) > 1]
    ranked = sorted(product(*(range(len(met[n])) for n in names[:6])), key=lambda c: (sum(c), max(c, default=0)))
    return [{n: met[n][c] for n, c in zip(names, choice, strict=False)} for choice in ranked[1 : MOST_READINGS]]


@dataclass(frozen=True)
class Draw:
    """How arrays are drawn.

    scale     of reals;  positive: all in (0, 1);  definite: square matrices have a large diagonal;  whole: small integers
    facts     of symbols;  fixed: values of scalars
    """

    seed: int
    scale: float = 1.0
    positive: bool = False
    definite: bool = False
    whole: bool = False
    start: int = 3
    facts: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, float], ...] = ()

    def array(self, key: str, shape: tuple[int, ...]) -> Any:
        rng = np.random.default_rng([self.seed, zlib.crc32(key.encode())])
        for name, value in self.fixed:
            if name == key:
                return np.full(shape, value)
        if self.whole:
            a = np.asarray(rng.integers(1, 4, shape) if self.positive else rng.integers(-3, 4, shape), float)
        elif self.positive:
            a = rng.uniform(0.15, 0.9, shape)
        else:
            a = rng.normal(size=shape) * self.scale
        if self.definite and len(shape) == 2 and shape[0] == shape[1]:
            a = 0.3 * a + shape[0] * np.eye(shape[0])
        for name, fact in self.facts:
            if name == key:
                a = FACTS[fact](a)
        return np.asarray(a, float)

    def label(self, key: str, shape: tuple[int, ...], size: int) -> Any:
        return np.random.default_rng([self.seed, zlib.crc32(key.encode())]).integers(0, size, shape)


def summing_to_one(a: Any) -> Any:
    a = np.abs(a) + 0.1
    return a / a.sum(axis=-1, keepdims=True)


def symmetric(a: Any) -> Any:
    match(*a.shape)
    return a + a.T


FACTS = {"sum": summing_to_one, "symmetric": symmetric}
