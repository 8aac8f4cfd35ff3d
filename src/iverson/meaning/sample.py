"""Random instances of a script: sizes, values in a domain where the loss is finite, away from kinks.

Sizes are all distinct and at least 2, matrices are not symmetric and values have both signs unless the loss
forbids it: of 169 wrong formulas, five such draws catch all; equal sizes or symmetric matrices do not.
Knows of a formula only its inputs, its value and what a Watch saw; knows no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node
from ..lang.kinds import Input, Typed
from ..lang.sizes import size_leaves
from ..lang.surface import Surface
from .admit import all_sizes, count
from .structure import with_facts
from .surface_eval import compile_surface
from .watch import Sides, Watch

Rng = np.random.Generator

MOST_DRAWS = 200
MOST_SIDES = 30                 # draws after which the other side of a kinked function is no longer looked for
MOST_SIZES = 400                # draws of sizes, where some are made of others
PROBES = 8                      # after so many draws, a domain finite in less than a quarter of them is left
MOST_CONDITION = 1e4            # of a matrix that is inverted: beyond it differences lose too many digits
STRICT = 40                     # draws without one that fits, after which a det may be of a singular matrix
SIDES = ("true", "false")
FIXED = {"simplex", "onehot", "orthonormal", "unit"}    # facts that a multiple does not have
SCALES = (1.0, 3.0, 10.0, 0.3)  # tried in turn when a relation was seen on one side only


@dataclass(frozen=True)
class Draw:
    """One instance: values of all inputs, every size, and what is special about it ("" for nothing)."""

    arrays: dict[str, Any]
    sizes: dict[str, int]
    note: str = ""


@dataclass(frozen=True)
class Instances:
    """Accepted draws and how they were found.

    domain       a row of DOMAINS; redrawn: rejected draws in it (not finite, near a kink, ill-conditioned)
    never_true   relations between values, and calls with a kink (x > 0 in abs(x), a > b in max(a, b)), that
                 no accepted draw saw true; never_false likewise
    dropped      draws of size 1 or of extreme scale that were tried and not kept
    """

    draws: tuple[Draw, ...]
    domain: str
    redrawn: int
    never_true: tuple[Surface, ...] = ()
    never_false: tuple[Surface, ...] = ()
    dropped: int = 0


# -- one draw ------------------------------------------------------------------------------------------------

def positive(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return 0.2 + np.abs(rng.standard_normal(shape))


def definite(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Symmetric positive definite where the last two axes are of one size, positive elsewhere."""
    if len(shape) < 2 or shape[-2] != shape[-1]:
        return positive(rng, shape)
    g = rng.standard_normal(shape)
    return g @ np.swapaxes(g, -1, -2) / shape[-1] + 0.5 * np.eye(shape[-1])


DRAWS: dict[str, Callable[[Rng, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "positive": positive,
    "unit": lambda rng, shape: rng.uniform(0.1, 0.9, shape),
    "spd": definite,
    "small": lambda rng, shape: 0.1 * rng.standard_normal(shape),
}
DOMAINS = tuple(DRAWS)


def sample(typed: Typed, rng: Rng, domain: str = "normal",
           sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Values of all inputs, admitted.  `sizes` fixes some sizes; `draw_sizes` draws the others."""
    known = draw_sizes(typed, rng, sizes)
    return {i.name: draw(i, rng, domain, known) for i in typed.inputs.values()}


def draw_sizes(typed: Typed, rng: Rng, sizes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Every size by name: distinct, from 2 to 8, larger where a constant index or many sizes ask for it."""
    nodes = all_sizes(typed)
    made = [n for n in (*nodes, *typed.checks) if n.op not in ("num", "size")]
    for attempt in range(MOST_SIZES):
        known = distinct_sizes(typed, nodes, rng, sizes, 9 + attempt // 40)
        values = [count(n, known) for n in made]
        least = [typed.least.get(n, 1) for n in made]
        smallest = 2 if attempt < MOST_SIZES // 2 and not sizes else 1
        if all(v >= max(k, smallest) for v, k in zip(values, least, strict=True)) and tall(typed, known):
            return known
    raise IversonError("verify", "No sizes were found that leave every array an entry.", hint="Declare other sizes.")


def tall(typed: Typed, known: Mapping[str, int]) -> bool:
    """No matrix with orthonormal columns has more columns than rows."""
    dims = (i.type.dims for i in typed.inputs.values() if "orthonormal" in i.facts)
    return all(count(m, known) >= count(n, known) for m, n in dims)


def distinct_sizes(typed: Typed, nodes: Iterable[Node], rng: Rng, sizes: Mapping[str, int] | None,
                   most: int) -> dict[str, int]:
    """One draw of all named sizes, none twice."""
    known = dict(sizes or {})
    taken = {*known.values(), *(n.attr for n in nodes if n.op == "num")}
    near = [*map(int, rng.permutation(np.arange(2, most)))]
    for n in dict.fromkeys(leaf for size in nodes for leaf in size_leaves(size)):
        if n.attr not in known:
            least = typed.least.get(n, 2)
            known[n.attr] = next(k for k in chain(near, range(most, 10_000)) if k >= least and k not in taken)
            taken.add(known[n.attr])
    return known


def draw(i: Input, rng: Rng, domain: str, sizes: Mapping[str, int]) -> Any:
    """One input.  A scalar with a default is drawn near it, whatever the domain."""
    if i.role == "function":
        return smooth_pair(rng)
    shape = tuple(count(n, sizes) for n in i.type.dims)
    if i.type.classes is not None:
        return np.asarray(rng.integers(0, count(i.type.classes, sizes), shape), np.int64)
    if i.default is not None:
        near = 0.3 * rng.standard_normal(shape)
        return np.asarray(i.default * np.exp(near) if i.default else near)
    return with_facts(i.facts, np.asarray(DRAWS[domain](rng, shape)))


def smooth_pair(rng: Rng) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """A function with no symmetry and no oscillation at any scale, and its derivative.

    f(x) = a*x/sqrt(1 + b^2 x^2) + c*sqrt(1 + x^2) + x/4
    """
    a, b, c = rng.uniform(0.5, 1.5, 3) * [1.0, 1.0, 0.3]

    def f(x: Any) -> Any:
        return a * x / np.sqrt(1 + (b * x) ** 2) + c * np.sqrt(1 + np.square(x)) + x / 4

    def slope(x: Any) -> Any:
        return a * (1 + (b * x) ** 2) ** -1.5 + c * x / np.sqrt(1 + np.square(x)) + 0.25

    return f, slope


def scales(i: Input) -> bool:
    """Whether an input may be multiplied by a number."""
    return i.role != "function" and i.type.classes is None and i.default is None and not FIXED & set(i.facts)


# -- many ----------------------------------------------------------------------------------------------------

def instances(typed: Typed, seed: int, n: int = 5, wrt: str | Iterable[str] | None = None,
              smooth: float = 1e-2, extremes: bool = False) -> Instances:
    """`n` draws in the first domain where the loss is finite, none nearer than `smooth` to a kink.

    A few draws come on top where it took more to see a relation on both sides.
    seed       the same seed gives the same draws
    wrt        kinks that do not move with these inputs are passed over; None: every kink counts
    extremes   also a draw with a size of 1, and two with values scaled by 1e-3 and 1e3, where the loss allows
    Errors     IversonError `verify` when 200 draws hold none that will do; fewer than `n` may come back
    """
    search = Search(typed, seed, wrt, smooth)
    search.climb(n)
    search.other_sides()
    kept = len(search.draws)
    tries = search.extremes() if extremes else 0
    one_sided = [s for s in search.sides.values() if not (s.true and s.false)]
    never_true, never_false = (tuple(s.tree for s in one_sided if not getattr(s, side)) for side in SIDES)
    return Instances(tuple(search.draws), search.domain, search.redrawn, never_true, never_false,
                     tries - (len(search.draws) - kept))


@dataclass
class Search:
    """The state of one search for instances."""

    typed: Typed
    seed: int
    wrt: str | Iterable[str] | None
    smooth: float
    draws: list[Draw] = field(default_factory=list)
    sides: dict[int, Sides] = field(default_factory=dict)       # of accepted draws, by id of the tree
    domain: str = ""
    redrawn: int = 0
    made: int = 0
    loose: bool = False         # a det of a singular matrix is let through

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        names = (self.wrt,) if isinstance(self.wrt, str) else self.wrt
        self.watch = Watch(None if names is None else frozenset(names))
        self.result = self.typed.script.result
        self.loss = compile_surface(self.typed, (self.result,), self.watch)

    def climb(self, n: int) -> None:
        """Fill `draws` from the first domain that will do, or from the one that came nearest to it."""
        best: tuple[list[Draw], dict[int, Sides], str, int] = ([], {}, "", 0)
        for self.domain in DOMAINS:
            self.draws, self.sides, self.redrawn = [], {}, 0
            self.fill(n)
            if len(self.draws) > len(best[0]):
                best = self.draws, self.sides, self.domain, self.redrawn
            if len(self.draws) == n or self.made >= MOST_DRAWS:
                break
        self.draws, self.sides, self.domain, self.redrawn = best
        if not self.draws:
            raise IversonError("verify", f"No values were found at which {self.result} is finite and smooth.",
                               why=f"Tried {self.made} random draws: {', '.join(DOMAINS)}.",
                               hint="Declare what the inputs satisfy, as in x: positive[n].")

    def fill(self, n: int) -> None:
        """Draw in the present domain until there are `n`, or the loss turns out not to be finite there."""
        tried = finite = 0
        while len(self.draws) < n and self.made < MOST_DRAWS and (tried < PROBES or finite >= tried / 4):
            new, was_finite = self.attempt()
            tried, finite = tried + 1, finite + was_finite
            if new is None:
                self.redrawn += 1
            else:
                self.accept(new)

    def attempt(self, scale: float = 1.0, sizes: Mapping[str, int] | None = None,
                note: str = "") -> tuple[Draw | None, bool]:
        """A draw, None when it will not do, and whether the loss was finite there."""
        self.made += 1
        try:
            known = draw_sizes(self.typed, self.rng, sizes)
        except IversonError:
            if sizes:
                return None, False
            raise
        arrays = sample(self.typed, self.rng, self.domain, known)
        if scale != 1.0:
            arrays = {name: v * scale if scales(self.typed.inputs[name]) else v for name, v in arrays.items()}
        self.watch.restart()
        finite = bool(np.isfinite(self.loss(arrays, known)[self.result]).all())
        return (Draw(arrays, known, note) if finite and self.fits() else None), finite

    def fits(self) -> bool:
        """Away from kinks and singular matrices; of a det only if not every draw's is, as in det(x*x')."""
        w = self.watch
        self.loose = self.loose or (self.made > STRICT and not self.draws)
        regular = w.condition <= MOST_CONDITION and (w.volume <= MOST_CONDITION or self.loose)
        return regular and w.nearest >= self.smooth

    def accept(self, new: Draw) -> None:
        self.draws.append(new)
        for key, s in self.watch.sides.items():
            seen = self.sides.setdefault(key, Sides(s.tree))
            seen.true, seen.false = seen.true or s.true, seen.false or s.false

    def other_sides(self) -> None:
        """Draw on, at several scales, for relations seen on one side only; keep what shows the other."""
        while self.made < MOST_DRAWS and (missing := self.missing()):
            new, _ = self.attempt(SCALES[self.made % len(SCALES)], note="other side of a bracket")
            if new is not None and any(getattr(self.watch.sides[key], side) for key, side in missing):
                self.accept(new)

    def missing(self) -> list[tuple[int, str]]:
        """The unseen sides of relations that random values can show: never that two reals are equal."""
        hopeless = {"=": "true", "!=": "false"}
        kinds = ("rel",) if self.made > MOST_SIDES else ("rel", "call")
        return [(key, side) for key, s in self.sides.items() for side in SIDES
                if s.tree.op in kinds and not getattr(s, side) and hopeless.get(s.tree.attr) != side]

    def extremes(self) -> int:
        """Add draws of size 1 and of extreme scale where they will do; how many were tried."""
        free = [n for n in all_sizes(self.typed) if n.op == "size"]
        names = [n.attr for n in free if self.typed.least.get(n, 1) <= 1]
        one = [{str(self.rng.choice(names)): 1}] if names else []
        tries = [self.attempt(sizes=s, note=f"size {next(iter(s))} = 1") for s in one]
        tries += [self.attempt(scale, note=f"scale {scale:g}") for scale in (1e-3, 1e3)]
        self.draws += [new for new, _ in tries if new is not None]
        return len(tries)
