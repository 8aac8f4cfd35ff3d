"""What happens where a loss changes from one piece to another: it jumps, has a kink, or is smooth after all.

Random lines are followed until a relation, a kinked function or a maximum changes sides; the change is pinned down to
two neighbouring numbers, and the values and the slopes on both sides are compared.  So `relu(x) - relu(-x)` has no kink,
and `[x > 0]*(x + 1)` a jump, whatever their text looks like.

Glossary   t: the place on a line; side: what every tree that changes sides says at t; f: the loss, weighted if it is an array.
Knows no derivative; sees only what a Watch sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..lang.kinds import Typed
from ..lang.surface import Surface
from .sample import Draw, instances
from .surface_eval import compile_surface
from .watch import Watch

LINES = 6                       # through every instance
FAR = np.concatenate([-np.geomspace(1e3, 1e-2, 24), np.geomspace(1e-2, 1e3, 24)])   # in units of x
ENOUGH = 3                      # changes of one tree that are looked at
HALVINGS = 80
NEAR, NEARER = 1e-5, 1e-7       # steps of the slopes on both sides
SLOPE, JUMP = 1e-5, 1e-7        # relative: differences below these are rounding
ROUGH = 1e-4                    # a jump, where only values a step away can be had
STAYS = 0.2                     # a difference of slopes that shrinks faster than the step to 0.2 has no kink behind it


@dataclass
class Change:
    """A tree that changes sides, how often that was looked at, and what was found."""

    tree: Surface
    looked: int = 0
    kink: bool = False
    jump: bool = False

    @property
    def settled(self) -> bool:
        return self.jump or self.looked >= ENOUGH


@dataclass
class Sides(Watch):
    """A Watch that keeps on which side of everything that moves an evaluation was."""

    trees: dict[int, Surface] = field(default_factory=dict)
    side: dict[int, bytes] = field(default_factory=dict)

    def meet(self, tree: Surface, gap: Any, truth: Any, depth: int, rank: int, moves: bool,
             place: Callable[[], Any] | None = None) -> None:
        if not moves or (truth is None and place is None):
            return
        found = truth if truth is not None or place is None else place()
        self.trees[id(tree)] = tree
        self.side[id(tree)] = np.where(self.live(depth, rank), found, 0).tobytes()

    def matrix(self, name: str, v: Any) -> None:
        """Nothing changes sides in a matrix."""


def changes(typed: Typed, wrt: str | Iterable[str], seed: int = 0) -> list[Change]:
    """Every tree of the script that changes sides with `wrt`, in the order of evaluation."""
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    watch = Sides(frozenset(names))
    f = compile_surface(typed, [typed.script.result], watch)
    try:
        draws = instances(typed, seed, n=3, wrt=names).draws
    except IversonError:
        return []
    rng = np.random.default_rng(seed)
    found: dict[int, Change] = {}
    for draw in draws:
        for _ in range(LINES):
            way = {n: rng.normal(size=np.shape(draw.arrays[n])) for n in names}
            line = Line(f, watch, draw, way, typed.script.result)
            line.side(0.0)
            found.update({k: Change(t) for k, t in watch.trees.items() if k not in found})
            if all(c.settled for c in found.values()):
                return list(found.values())
            line.look(found)
    return list(found.values())


@dataclass
class Line:
    """The loss along one direction from one instance."""

    f: Callable[..., Any]
    watch: Sides
    draw: Draw
    way: Mapping[str, Any]
    result: str

    def __post_init__(self) -> None:
        own = [np.ravel(self.draw.arrays[n]) for n in self.way]
        size, steps = (float(np.sqrt(np.mean(np.concatenate(v) ** 2))) for v in (own, [*map(np.ravel, self.way.values())]))
        self.length = (size or 1.0) / (steps or 1.0)
        self.weights = np.random.default_rng(0).normal(size=np.shape(self.at(0.0)[self.result]))
        around = np.abs([self.value(c * self.length) for c in (-3.0, -1.0, 0.0, 1.0, 3.0)])
        self.scale = float(np.max(around, where=np.isfinite(around), initial=0.0)) / self.length

    def at(self, t: float) -> Any:
        moved = {n: self.draw.arrays[n] + t * v for n, v in self.way.items()}
        return self.f({**self.draw.arrays, **moved}, self.draw.sizes)

    def value(self, t: float) -> float:
        v = np.asarray(self.at(t)[self.result])
        return float(np.sum(self.weights * v)) if v.ndim else float(v)

    def side(self, t: float) -> dict[int, bytes]:
        self.watch.side = {}
        self.at(t)
        return self.watch.side

    def look(self, found: Mapping[int, Change]) -> None:
        """Compare both sides of every change on the line that is not settled."""
        places = np.sort(np.append(FAR * self.length, 0.0))
        sides = [self.side(t) for t in places]
        for a, b, p, q in zip(places, places[1:], sides, sides[1:], strict=False):
            for k in changed(p, q):
                if not found[k].settled:
                    self.compare(found, *self.pin(float(a), float(b), k))

    def pin(self, a: float, b: float, k: int) -> tuple[float, float]:
        """Two neighbouring places between which the tree changes."""
        left = self.side(a).get(k)
        for _ in range(HALVINGS):
            middle = (a + b) / 2
            if not a < middle < b:
                break
            a, b = (middle, b) if self.side(middle).get(k) == left else (a, middle)
        return a, b

    def compare(self, found: Mapping[int, Change], a: float, b: float) -> None:
        """Values and slopes on both sides, credited to all that changes there."""
        jump = self.jumps(a, b)
        near, nearer = (self.turn(a, b, h * self.length) for h in (NEAR, NEARER))
        for k in changed(self.side(a), self.side(b)):
            c = found[k]
            c.looked += 1
            c.jump = c.jump or jump
            c.kink = c.kink or jump or not (nearer <= SLOPE or nearer <= STAYS * near)

    def jumps(self, a: float, b: float) -> bool:
        """Whether the values differ; a little further out where the place itself has none, as 0*log(0)."""
        low, high, least = self.value(a), self.value(b), JUMP
        if not np.isfinite(low + high):
            h, least = NEARER * self.length, ROUGH
            low, high = self.value(a - h), self.value(b + h)
        return not abs(high - low) <= least * (self.scale * self.length + abs(low) + abs(high))

    def turn(self, a: float, b: float, h: float) -> float:
        """By how much the slope turns, relative to the slopes and the loss, there and at the instance."""
        before, after = (self.value(a) - self.value(a - h)) / h, (self.value(b + h) - self.value(b)) / h
        return abs(after - before) / (abs(before) + abs(after) + abs(self.value(a)) / self.length + self.scale + 1e-300)


def changed(p: Mapping[int, bytes], q: Mapping[int, bytes]) -> Iterator[int]:
    return (k for k in q if k in p and p[k] != q[k])
