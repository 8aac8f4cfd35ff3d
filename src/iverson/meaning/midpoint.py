"""Whether a loss lies below its chords: tried on random points, and a counter-example with small numbers where it does not.

Glossary   a, b: two values of the variable (a dict where there are several);  sign: 1 for convex, -1 for concave.
Judges values alone, by the evaluation of the text as it was written; knows no rule of curvature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..lang.kinds import Typed
from ..lang.ops import OPS, WHOLE
from ..lang.surface import walk
from .admit import all_sizes
from .sample import DOMAINS, draw, draw_sizes, instances
from .structure import HOLDS
from .surface_eval import compile_surface

Point = dict[str, Any]
Admits = Callable[[Mapping[str, Any]], bool]
Place = tuple[Point, Point, Point, dict[str, int]]  # two points, the other inputs, the sizes
STEPS = (1.0, 0.3, 3.0, 0.1, 10.0, 0.01)
ROUNDED = (0, 1, 2, 3, 6)
CLEAR = 0.1  # a gap that is seen without counting digits
SHOWN = 12  # of which the simplest is shown
TOLERANCE = 1e-7  # of the values compared: less is rounding


@dataclass(frozen=True)
class Chord:
    """Two points, the other inputs, and the value at the middle beside the mean of the two values (of one entry)."""

    a: Point
    b: Point
    given: Point
    middle: float
    mean: float

    @property
    def gap(self) -> float:
        """How far the middle is from the chord."""
        return abs(self.middle - self.mean)


class Trials:
    """Random chords of a loss by some of its inputs."""

    def __init__(self, typed: Typed, wrt: Sequence[str], seed: int = 0, admits: Admits = lambda arrays: True,
                 again: Callable[..., Any] | None = None) -> None:  # fmt: skip
        self.typed, self.wrt, self.admits, self.again = typed, tuple(wrt), admits, again
        self.rng = np.random.default_rng(seed)
        self.value = compile_surface(typed, [typed.script.result])
        self.whole = any(t.op == "call" and t.attr in OPS and OPS[t.attr].name in WHOLE for e in typed.script.equations for t in walk(e.body))
        self.sizes = self.usual(seed)

    def usual(self, seed: int) -> list[dict[str, int]]:
        """Sizes at which the loss is well conditioned, where it is made of functions of whole matrices."""
        if not self.whole:
            return []
        try:
            return [d.sizes for d in instances(self.typed, seed, 4).draws]
        except IversonError:
            return []

    def at(self, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        try:
            return np.asarray(self.value(arrays, sizes)[self.typed.script.result], float)
        except np.linalg.LinAlgError:
            return np.asarray(np.nan)

    def chords(self, n: int, most: int = 0, domains: Sequence[str] = DOMAINS) -> Iterator[Place]:
        """Pairs of points at several distances, with the other inputs."""
        for k in range(n):
            domain = domains[k % len(domains)]
            try:
                sizes = self.sizes[k % len(self.sizes)] if self.sizes else draw_sizes(self.typed, self.rng, self.smallest(most) if most else None)
            except (IversonError, StopIteration):
                continue
            draws = [{i.name: draw(i, self.rng, domain, sizes) for i in self.typed.inputs.values()} for _ in range(2)]
            step = STEPS[k // len(domains) % len(STEPS)]
            a = {w: draws[0][w] * (1.0 if k % 3 else 3.0) for w in self.wrt}
            b = {w: a[w] + step * (draws[1][w] - a[w]) for w in self.wrt}
            given = {m: v for m, v in draws[0].items() if m not in self.wrt}
            if self.kept({**given, **a}) and self.kept({**given, **b}):
                yield a, b, given, sizes

    def smallest(self, most: int) -> dict[str, int]:
        """Sizes of 1 to `most`, which make examples that can be read."""
        names = [n.attr for n in all_sizes(self.typed) if n.op == "size"]
        return {n: int(self.rng.integers(1, most + 1)) for n in names if all(k.attr != n for k in self.typed.least)}

    def kept(self, arrays: Point) -> bool:
        """Whether a point has the declared structure and meets the conditions."""
        for i in self.typed.inputs.values():
            if i.name in self.wrt and not all(HOLDS[f][0](np.asarray(arrays[i.name])) for f in i.facts if f in HOLDS):
                return False
        return self.admits(arrays)

    def violated(self, place: Place, sign: int) -> Chord | None:
        """The chord, where its middle lies clearly above it in some entry, by two evaluations where there are two."""
        a, b, given, sizes = place
        middle = {w: (a[w] + b[w]) / 2 for w in self.wrt}
        arrays = [{**given, **p} for p in (a, middle, b)]
        found = self.above(place, [sign * self.at(p, sizes) for p in arrays], sign)
        if found is None or self.again is None:
            return found
        return found if self.above(place, [sign * np.asarray(self.again(**p)) for p in arrays], sign) else None

    def above(self, place: Place, values: Sequence[Any], sign: int) -> Chord | None:
        """The chord of three values, where the middle one lies above the mean of the others."""
        a, b, given, _ = place
        if values[0].shape != values[1].shape or values[0].size == 0:
            return None
        fa, fm, fb = values
        with np.errstate(all="ignore"):
            room = TOLERANCE * (1 + np.abs(fa) + np.abs(fb) + np.abs(fm))
            gap = np.where(np.isfinite(fa + fm + fb), fm - (fa + fb) / 2 - room, -np.inf)
        at = np.unravel_index(int(np.argmax(gap)), gap.shape)
        if not gap[at] > 0:
            return None
        return Chord(a, b, given, sign * float(fm[at]), sign * float((fa + fb)[at] / 2))

    def against(self, sign: int, n: int = 240) -> Chord | None:
        """A chord that shows that the loss is not convex (sign 1) or not concave (sign -1): of some the simplest."""
        for most in (1, 2, 0):
            found = []
            for place in self.chords(n // 2, most):
                if self.violated(place, sign) is not None:
                    found.append(self.rounded(place, sign))
                if len(found) >= SHOWN:
                    break
            if found:
                return min(found, key=lambda row: row[0])[1]
        return None

    def rounded(self, place: Place, sign: int) -> tuple[tuple[float, ...], Chord]:
        """The same with as few digits as show it, and how hard it is to read."""
        *points, sizes = place
        for digits in ROUNDED:
            a, b, given = ({m: short(v, digits) for m, v in p.items()} for p in points)
            fits = self.structured(given) and all(self.kept({**given, **p}) for p in (a, b))
            found = self.violated((a, b, given, sizes), sign) if fits else None
            if found is not None and found.gap > 1e-3 * (abs(found.mean) + abs(found.middle)):
                size = sum(float(np.abs(v).sum()) for p in (a, b, given) for v in p.values() if not isinstance(v, tuple))
                return (digits + 2 * (found.gap < CLEAR), size), found
        chord = self.violated(place, sign)
        assert chord is not None
        return (ROUNDED[-1] + 1, 0.0), chord

    def structured(self, given: Point) -> bool:
        """Whether the other inputs have their structure after rounding."""
        return all(HOLDS[f][0](np.asarray(given[i.name])) for i in self.typed.inputs.values() if i.name in given for f in i.facts if f in HOLDS)


def short(v: Any, digits: int) -> Any:
    """An array with so many decimals."""
    return np.round(v, digits) + 0.0 if not isinstance(v, tuple) and np.asarray(v).dtype.kind == "f" else v
