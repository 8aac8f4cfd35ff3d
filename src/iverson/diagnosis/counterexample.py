"""The smallest instance at which two formulas differ: few entries, small integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..lang.kinds import Typed
from ..lang.sizes import size_leaves
from ..meaning.admit import all_sizes, count
from ..meaning.sample import smooth_pair
from ..meaning.structure import with_facts

Run = Callable[[Any, Any], np.ndarray]
TRIES = 60
SENTENCE = {
    "en": "At {at} you get {yours}, the gradient is {ours}.",
    "zh": "在 {at} 处你得到 {yours}，梯度是 {ours}。",
}


@dataclass(frozen=True)
class Counterexample:
    """Arrays by name, and what the two formulas give there."""

    arrays: Mapping[str, Any]
    yours: np.ndarray
    ours: np.ndarray

    def sentence(self, lang: str = "en") -> str:
        """`At w = (1, -1) you get 2, the gradient is 1.`"""
        at = ", ".join(f"{n} = {text(v)}" for n, v in self.arrays.items() if not isinstance(v, tuple))
        return SENTENCE[lang].format(at=at, yours=text(self.yours), ours=text(self.ours))

    def record(self) -> dict[str, Any]:
        values = {n: np.asarray(v).tolist() for n, v in self.arrays.items() if not isinstance(v, tuple)}
        return {"arrays": values, "yours": self.yours.tolist(), "gradient": self.ours.tolist()}


def text(v: Any) -> str:
    """Numbers as a person writes them: (1, -1) and rows in brackets."""
    v = np.asarray(v)
    if v.ndim == 0:
        return f"{float(v):.6g}"
    inner = ", ".join(text(x) for x in v)
    return f"({inner})" if v.ndim == 1 else f"[{inner}]"


def smallest(t: Typed, yours: Run, ours: Run, same: Callable[[Any, Any], bool]) -> Counterexample | None:
    """The smallest of some tries, sizes from 1 up; None when none differs and is finite."""
    rng = np.random.default_rng(5)
    best: tuple[int, float, Counterexample] | None = None
    for attempt in range(TRIES):
        sizes = small_sizes(t, rng, 1 + attempt // 20)
        arrays = {i.name: small(i, sizes, rng) for i in t.inputs.values()}
        try:
            a, b = yours(arrays, sizes), ours(arrays, sizes)
        except Exception:
            continue
        if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))) or same(a, b) or rounding(a, b):
            continue
        numbers = [np.asarray(v, float) for v in arrays.values() if not isinstance(v, tuple)]
        key = (sum(v.size for v in numbers), float(sum(np.abs(v).sum() for v in numbers)))
        if best is None or key < best[:2]:
            best = (*key, Counterexample(arrays, a, b))
    return None if best is None else best[2]


def rounding(a: Any, b: Any) -> bool:
    """Whether two values of small integers differ by what is left where they cancel."""
    return np.shape(a) == np.shape(b) and bool(np.all(np.abs(a - b) < 1e-13))


def small_sizes(t: Typed, rng: np.random.Generator, most: int) -> dict[str, int]:
    nodes = [*all_sizes(t), *t.checks]
    for more in range(50):
        found = {
            n.attr: max(int(rng.integers(1, most + 2 + more // 10)), t.least.get(n, 1))
            for n in dict.fromkeys(leaf for size in nodes for leaf in size_leaves(size))
        }
        if all(count(n, found) > 0 for n in nodes):
            break
    return found


def small(i: Any, sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    """An input of small integers, with what its declaration asks."""
    if i.role == "function":
        return smooth_pair(rng)
    shape = tuple(count(n, sizes) for n in i.type.dims)
    if i.type.classes is not None:
        return np.asarray(rng.integers(0, count(i.type.classes, sizes), shape), np.int64)
    if i.default is not None:
        return np.asarray(i.default)
    v = np.asarray(rng.integers(-2, 4, shape), float)
    if "positive" in i.facts or "simplex" in i.facts:
        v = np.abs(v) + 1
    if "simplex" in i.facts:
        v = v / v.sum(-1, keepdims=True)
    return with_facts([fact for fact in i.facts if fact not in ("positive", "simplex")], v)
