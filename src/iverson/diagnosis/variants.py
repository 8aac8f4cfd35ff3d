"""Formulas with one slip in them, as things that have a value at every draw: of our answer, of the user's, of the loss.

Glossary   side: our formula or the user's, with the definitions it reads;  draw: one random instance, by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np

from ..core.node import Node, reads, walk
from ..core.program import Definition, sizes_of
from ..rules.mistakes import MISTAKES, Mistake
from .slips import Slip, Slips
from .values import TooLarge, Values, names_read

MOST = 1500  # variants of one side
BRACKETED = 0.5  # what it adds that a slip changes nothing but the decision of a bracket
DEEP = 0.04  # what a level of nesting adds to the cost of a slip


@dataclass(frozen=True)
class Variant:
    """A formula with a slip: its row, what fills the gaps of its sentence, its cost and its value at a draw."""

    row: Mistake
    parts: Mapping[str, Any]
    cost: float
    value: Callable[[int], Any] = field(compare=False)
    side: Any = field(default=None, compare=False)


class Side:
    """A formula over its definitions, evaluated at the draws.  wrt: the input that it is the derivative by."""

    def __init__(self, result: Definition, definitions: Sequence[Definition], inputs: Mapping[str, Any], draws: Sequence[Any], wrt: str) -> None:
        self.result, self.inputs, self.draws, self.wrt = result, inputs, draws, wrt
        self.definitions = needed_by(result, definitions)
        self.values = [Values(self.definitions, d.arrays, d.sizes) for d in draws]

    def dims(self, d: Definition) -> dict[str, tuple[Node, ...]]:
        """The sizes of what `d` may read: the inputs and the definitions before it."""
        real = {n: tuple(i.type.dims) for n, i in self.inputs.items() if i.role != "function"}
        place = self.definitions.index(d) if d in self.definitions else len(self.definitions)
        return real | sizes_of(self.definitions[:place])

    @property
    def labels(self) -> frozenset[str]:
        own = {n for n, i in self.inputs.items() if i.type.classes is not None}
        return frozenset(own | {d.name for d in self.definitions if d.labels is not None})

    def variants(self, back: bool = False) -> Iterator[Variant]:
        """The formula with one slip, in itself or in a definition it reads.  back: seen from the user's side."""
        wanted = [self.result, *(d for d in self.definitions if d.body.op != "tensor")]
        decides = self.only_in_brackets
        made = 0
        for d in wanted:
            seen: set[tuple[str, Node]] = set()
            for s in Slips(self.dims(d), self.labels).of(d.body, d.indices):
                if (s.key, s.new) in seen or s.new is d.body:
                    continue
                seen.add((s.key, s.new))
                made += 1
                if made > MOST:
                    return
                row = MISTAKES[self.key_of(s)]
                row = MISTAKES[row.back] if back and row.back else row
                extra = DEEP * s.depth + (0.0 if d is self.result else 0.2) + BRACKETED * (d.name in decides)
                yield Variant(row, s.parts, row.cost + extra, self.evaluator(d, s.new), self)

    def key_of(self, s: Slip) -> str:
        """An array put for a function of it is the function that is missing."""
        if s.key == "other-array" and isinstance(s.parts["other"], Node):
            names = {s.parts["part"].attr, s.parts["other"].attr}
            for d in self.definitions:
                function = d.body.op == "apply" or d.body.op == "tensor"
                if d.name in names and function and names - {d.name} & reads(d.body):
                    return "no-function"
        if s.key == "drop-scalar" and not self.moving.isdisjoint(reads(s.parts["part"])):
            return "drop-factor"
        if s.key in ("index-of-sum", "no-sum") and any(map(normalised, self.read_by(s.parts["part"]))):
            return "cross-terms"
        return s.key

    def read_by(self, f: Node) -> list[Node]:
        """A part and the definitions it reads."""
        return [f, *(d.body for d in self.definitions if d.name in reads(f))]

    @cached_property
    def moving(self) -> set[str]:
        """The input derived by, and the definitions that depend on it."""
        found = {self.wrt}
        for d in self.definitions:
            if not found.isdisjoint(names_read(d)):
                found.add(d.name)
        return found

    @cached_property
    def only_in_brackets(self) -> set[str]:
        """Definitions that only decide brackets: a slip in them is a far-fetched way to say that a bracket is wrong."""
        bodies = [self.result.body, *(d.body for d in self.definitions if d.body.op != "tensor")]
        plain = {g.attr for f in bodies for g in outside_brackets(f) if g.op == "el"}
        whole = {n for d in self.definitions if d.body.op == "tensor" for n in reads(d.body)}
        return {d.name for d in self.definitions} - plain - whole

    def evaluator(self, d: Definition, new: Node) -> Callable[[int], Any]:
        def value(k: int) -> Any:
            at = self.values[k]
            with np.errstate(all="ignore"):
                if d is self.result:
                    return at.of(new)
                changed = at.variant({d.name: replace(d, body=new)})
                return changed.of(self.result.body)

        return value


def normalised(f: Node) -> bool:
    """Whether exponentials are divided by their sum somewhere in `f`."""
    sums = [h for g in walk(f) if g.op == "pow" and g.args[1].op == "num" and g.args[1].attr < 0 for h in walk(g) if h.op == "red"]
    return any(g.op == "apply" and g.attr == "exp" for h in sums for g in walk(h))


def outside_brackets(f: Node) -> Iterator[Node]:
    yield f
    for a in f.args if f.op != "br" else ():
        yield from outside_brackets(a)


def needed_by(result: Definition, pool: Sequence[Definition]) -> list[Definition]:
    """The definitions that the result reads, directly or not, in the order of the pool."""
    wanted, stack = set(), [*names_read(result)]
    byname = {d.name: d for d in pool}
    while stack:
        n = stack.pop()
        if n in byname and n not in wanted:
            wanted.add(n)
            stack.extend(names_read(byname[n]))
    return [d for d in pool if d.name in wanted]


def arrays_of(v: Variant, k: int, side: Side, shape: tuple[int, ...]) -> Iterator[Any]:
    """The values of a variant in the ways in which they can have this shape."""
    at, targets = side.values[k], side.result.indices
    try:
        with np.errstate(all="ignore"):
            axes, value = v.value(k)
        within = set(axes) <= set(targets)
        full = at.full((axes, value), targets) if within else value
        narrow = at.full((axes, value), [i for i in targets if i in axes]) if within else value
    except (TooLarge, KeyError, ValueError, IndexError, FloatingPointError):
        return
    if within:
        yield from (v for v in (full, narrow)[: 1 if full.shape == narrow.shape else 2] if v.shape == shape)
        return
    if np.ndim(value) == len(shape) <= 3:
        for order in permutations(range(len(shape))):
            turned = np.transpose(value, order)
            if turned.shape == shape:
                yield turned
