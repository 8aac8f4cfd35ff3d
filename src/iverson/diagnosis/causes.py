"""Why a gradient is wrong: the slips that turn the right answer into it, the simplest first.

Glossary   a: the candidate's values, one array for each draw;  b: ours;  c: a factor between two arrays.
Three ways of looking: slips in our answer that give the candidate, slips in the candidate that give our answer, and
slips in the loss or in its derivation that give the candidate.  Two slips at once are found where a slip on our side and
one on the user's give the same values.  Values at one draw propose, those at all draws decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from ..core.node import Node, num
from ..rules.mistakes import CONSTANTS, MISTAKES, Mistake
from .slips import flat
from .variants import Side, Variant, arrays_of

CLOSE = 1e-8  # relative distance of two arrays that are the same
PAIR = 0.35  # what a second mistake adds to the cost
EXCHANGE = {(x, y): 1.2 for x in ("drop-term", "drop-factor") for y in ("extra-term", "extra-factor", "drop-term", "drop-factor")}
SURE = 1.2  # the cost below which slips are looked for no further
PLAIN = 0.9  # the cost below which nothing better is looked for
MOST_PAIRS = 400  # pairs that are looked at
WORTH = 3.9  # the cost beyond which a guess is not worth saying


@dataclass(frozen=True)
class Cause:
    """What was done wrong: rows of MISTAKES with what fills their gaps; `side` knows how to write these."""

    slips: tuple[tuple[Mistake, Mapping[str, Any], Any], ...]
    cost: float

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(row.label for row, _, _ in self.slips)

    def once(self) -> Cause:
        """With a slip that was made in two places told once."""
        kept: dict[Any, Any] = {}
        for s in self.slips:
            kept.setdefault((s[0].label, mask_of(s[1].get("part")), mask_of(s[1].get("other"))), s)
        return self if len(kept) == len(self.slips) else Cause(tuple(kept.values()), self.cost)


def mask_of(part: Any) -> Any:
    return part.mask if isinstance(part, Node) else part


@dataclass
class Evidence:
    """What is known of a wrong candidate: its values and ours at the draws, the name of the input, our side and theirs.

    found_as   our answer before it was made short, where it has another form
    """

    wrt: str
    a: Sequence[Any]
    b: Sequence[Any]
    draws: Sequence[Any]
    ours: Side
    theirs: Side | None = None
    found_as: Side | None = None
    loss: Any = None
    turned: Variant | None = None
    found: list[Cause] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The cost of the most plausible cause so far."""
        return min((c.cost for c in self.found), default=float("inf"))

    def add(self, cost: float, *slips: tuple[str, Mapping[str, Any], Any]) -> None:
        self.found.append(Cause(tuple((MISTAKES[k], p, s) for k, p, s in slips), cost))


def same(a: Any, b: Any, tolerance: float = CLOSE) -> bool:
    """Equal to a relative tolerance, small entries on the scale of the largest."""
    if np.shape(a) != np.shape(b) or not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return False
    top = float(np.max(np.abs(b), initial=0.0))
    return bool(np.all(np.abs(a - b) <= tolerance * (np.abs(b) + 1e-2 * top + 1e-300)))


def causes(e: Evidence) -> list[Cause]:
    """The causes that reproduce the candidate at every draw, the most plausible first."""
    whole(e)
    if e.best < PLAIN:
        return ranked(e.found)
    ours, theirs = pool(e.ours), [] if e.turned is None else [e.turned]
    single(e, ours, e.a, e.ours)
    if e.loss is not None:
        e.loss.search(e)
    if e.theirs is not None and e.best > SURE:
        theirs += pool(e.theirs, True)
        single(e, theirs, e.b, e.theirs)
    if e.found_as is not None and e.best > SURE:
        single(e, pool(e.found_as), e.a, e.found_as)
    if e.loss is not None:
        e.loss.search_further(e)
    if e.best > 2.0:
        pairs(e, ours, theirs)
        sums_of_two(e, ours)
    return ranked(e.found)


def ranked(found: list[Cause]) -> list[Cause]:
    best: dict[tuple[str, ...], Cause] = {}
    for c in sorted(found, key=lambda c: c.cost):
        c = c.once()
        best.setdefault(tuple(sorted(c.labels)), c)
    return [c for c in best.values() if c.cost <= WORTH]


# -- the whole gradient ---------------------------------------------------------------------------------------


def whole(e: Evidence) -> None:
    """What is done to the gradient as a whole: transposed, negated, scaled, made symmetric."""
    gradient = {"part": e.ours.result.body, "name": e.wrt}
    if all(not np.any(x) for x in e.a) and any(np.any(y) for y in e.b):
        e.add(MISTAKES["zero"].cost, ("zero", gradient, e.ours))
        return
    for key, make in WHOLES.items():
        if all(np.ndim(y) == 2 for y in e.b):
            made = [make(y) if square(y) or key == "layout" else None for y in e.b]
            for slips, cost in scaled(e, e.a, made):
                e.add(MISTAKES[key].cost + cost, (key, gradient, e.ours), *slips)
    for slips, cost in scaled(e, e.a, list(e.b), free=True):
        if slips:
            e.add(cost, *slips)
    only_if_symmetric(e)
    for side in (e.ours, e.found_as):
        if side is not None:
            commuting(e, side)


WHOLES = {
    "layout": lambda g: g.T,
    "entries": lambda g: g + g.T - np.diag(np.diag(g)),
    "projected": lambda g: (g + g.T) / 2,
    "both-sides": lambda g: g + g.T,
}


def square(y: Any) -> bool:
    return np.ndim(y) == 2 and y.shape[0] == y.shape[1]


def scaled(e: Evidence, a: Sequence[Any], m: Sequence[Any], free: bool = False) -> Iterator[tuple[list[Any], float]]:
    """The slips that make a factor between two lists of arrays, none for the factor 1; nothing where there is no factor."""
    ratios = []
    for x, y in zip(a, m, strict=True):
        if y is None or np.shape(x) != np.shape(y):
            return
        top = np.sum(y * y)
        if top == 0 and not np.any(x):
            ratios.append(np.nan)
            continue
        if not (top > 0 and np.isfinite(top)):
            return
        c = float(np.sum(x * y) / top)
        if not same(x, c * y) or abs(c) < 1e-12:
            return
        ratios.append(c)
    told = [k for k, c in enumerate(ratios) if np.isfinite(c)]
    if told:
        yield from named_factor(e, np.array([ratios[k] for k in told]), [e.draws[k] for k in told], free)


def named_factor(e: Evidence, c: Any, draws: Sequence[Any], free: bool) -> Iterator[tuple[list[Any], float]]:
    """The slips that make the factor c, one number for each draw."""
    for sign in (1.0, -1.0):
        minus: list[Any] = [] if sign > 0 else [("sign", {}, e.ours)]
        extra = 0.0 if sign > 0 else MISTAKES["sign"].cost
        if near(c, sign):
            yield minus, extra
            return
        extra += PAIR if minus else 0.0
        for text, value in CONSTANTS:
            if near(c, sign * float(value)):
                yield [*minus, constant(e, text, value)], extra + MISTAKES["constant"].cost
                return
        for n, sizes in counts(draws).items():
            for key, power in SIZE_POWERS:
                for more, beside in BESIDE_SIZES if "*" not in n else BESIDE_SIZES[:1]:
                    if near(c, sign * float(beside) * sizes**power):
                        slips = [*minus, size_slip(e, n, key, power), *([constant(e, more, beside)] if more else [])]
                        yield slips, extra + MISTAKES[key].cost + (PAIR + MISTAKES["constant"].cost if more else 0.0)
                        return
    if free and near(c, c[0]):
        yield [("constant", {"part": f"{c[0]:.6g}", "other": f"{1 / c[0]:.6g}", "reason": ""}, e.ours)], 0.6


def near(c: Any, v: Any) -> bool:
    """Whether the factors, one for each draw, are these."""
    first = v if isinstance(v, float) else v[0]
    return abs(c[0] - first) <= CLOSE * abs(first) and bool(np.all(np.abs(c - v) <= CLOSE * np.abs(v)))


def named_at_first(draws: Sequence[Any]) -> Any:
    """The sizes of all factors that have a name, at the first draw, and their inverses."""
    sized = [float(c) * float(n[0]) ** power for n in counts(draws[:1]).values() for _, power in SIZE_POWERS for _, c in BESIDE_SIZES]
    found = np.array([1.0, *(float(value) for _, value in CONSTANTS), *sized])
    return np.unique(np.concatenate((found, 1 / found)))


def constant(e: Evidence, text: str, value: Fraction) -> tuple[str, Mapping[str, Any], Any]:
    return "constant", {"part": num(value), "other": num(1 / value), "reason": text}, e.ours


def counts(draws: Sequence[Any]) -> dict[str, Any]:
    """The sizes at every draw, and the products of two."""
    found = {n: np.array([d.sizes[n] for d in draws], float) for n in draws[0].sizes}
    return found | {f"({m}*{n})": found[m] * found[n] for m, n in combinations(found, 2)}


BESIDE_SIZES = (("", Fraction(1)), ("2", Fraction(2)), ("1/2", Fraction(1, 2)))
SIZE_POWERS = (("total", 1), ("average", -1), ("constant", 0.5), ("constant", -0.5), ("constant", 2), ("constant", -2))


def size_slip(e: Evidence, n: str, key: str, power: float) -> tuple[str, Mapping[str, Any], Any]:
    text = {1: "{}", -1: "1/{}", 0.5: "sqrt({})", -0.5: "1/sqrt({})", 2: "{}^2", -2: "1/{}^2"}[power].format(n)
    return key, {"part": text, "other": inverse(text), "reason": ""}, e.ours


def only_if_symmetric(e: Evidence) -> None:
    """Whether the candidate is right where some square input is symmetric."""
    if e.theirs is None:
        return
    for n, i in e.ours.inputs.items():
        dims = i.type.dims
        if n == e.wrt or len(dims) != 2 or dims[0] is not dims[1] or "symmetric" in i.facts:
            continue
        pairs = []
        for d in e.draws:
            made = {**d.arrays, n: (d.arrays[n] + d.arrays[n].T) / 2}
            values = [other_point(side, made, d.sizes) for side in (e.theirs, e.ours)]
            pairs.append(values)
        if all(same(x, y) for x, y in pairs):
            e.add(MISTAKES["if-symmetric"].cost, ("if-symmetric", {"name": n, "part": e.ours.result.body}, e.ours))


def other_point(side: Side, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    from .values import Values

    return Values(side.definitions, arrays, sizes).array(side.result.body, side.result.indices)


def commuting(e: Evidence, side: Side) -> None:
    """One of several terms of the same factors, taken for all of them."""
    body = side.result.body
    terms = body.args if body.op == "add" else ()
    if len(terms) < 2 or len({signature(u) for u in terms}) > 1:
        return
    for t in terms:
        made = [v.array(t, side.result.indices) * len(terms) for v in side.values]
        for turned in (made, [m.T for m in made]):
            for slips, cost in scaled(e, e.a, turned):
                layout = [] if turned is made else [("layout", {"name": e.wrt}, e.ours)]
                extra = 0.0 if turned is made else MISTAKES["layout"].cost
                rest = [u for u in terms if u is not t]
                key = "commuting" if matrices(t) > 1 or len(rest) > 1 else "one-for-all"
                part, other = (t, rest[0]) if key == "commuting" else (rest[0], t)
                said = {"part": part, "name": str(len(terms)), "other": other}
                e.add(MISTAKES[key].cost + cost + extra + PAIR * len(slips), (key, said, side), *layout, *slips)


def matrices(t: Node) -> int:
    return sum(g.op == "el" and len(g.args) == 2 for g in flat(t)[1])


def signature(t: Node) -> tuple[Any, ...]:
    return tuple(sorted(g.attr if g.op == "el" else g.mask for g in flat(t)[1]))


# -- one slip -------------------------------------------------------------------------------------------------


def pool(side: Side | None, back: bool = False) -> list[Variant]:
    return list(side.variants(back)) if side is not None else []


def single(e: Evidence, variants: Sequence[Variant], goal: Sequence[Any], side: Side) -> None:
    """Variants that are the goal up to a factor that has a name."""
    shape = np.shape(goal[0])
    target, top = direction(goal[0]), float(np.sqrt(np.sum(goal[0] * goal[0])))
    factors = named_at_first(e.draws) if goal[0].size == 1 else None
    for v in variants:
        for turned in (False, True) if len(shape) == 2 else (False,):
            for m in arrays_of(v, 0, side, shape[::-1] if turned else shape):
                if aligned(direction(m.T if turned else m), target) and (factors is None or factor_in(factors, top, m)):
                    confirm(e, v, goal, side, turned)
                    break


def factor_in(factors: Any, top: float, m: Any) -> bool:
    """Whether a number is another one times a factor that has a name: all numbers are aligned."""
    c = top / float(np.sqrt(np.sum(m * m)))
    return bool(np.min(np.abs(factors - c) / c) < 1e-7)


def direction(x: Any) -> Any:
    n = float(np.sqrt(np.sum(x * x)))
    return x / n if n > 0 and np.isfinite(n) else None


def confirm(e: Evidence, v: Variant, goal: Sequence[Any], side: Side, turned: bool) -> None:
    """At every draw; the order of the axes may be any, as long as it gives the goal."""
    made = []
    for k, g in enumerate(goal):
        shape = np.shape(g.T if turned else g)
        fitting = [m.T if turned else m for m in arrays_of(v, k, side, shape)]
        want = direction(g)
        best = [m for m in fitting if aligned(direction(m), want) or not (np.any(m) or np.any(g))]
        if not best:
            return
        made.append(best[0])
    for slips, cost in scaled(e, goal, made):
        layout = [("layout", {"name": e.wrt}, e.ours)] if turned else []
        extra = (MISTAKES["layout"].cost if turned else 0.0) + cost + PAIR * (len(slips) + turned)
        e.add(v.cost + extra, (v.row.key, v.parts, v.side), *layout, *inverted(slips, goal is e.b))


def aligned(x: Any, y: Any) -> bool:
    return x is not None and y is not None and abs(abs(np.sum(x * y)) - 1) < 1e-12


def inverted(slips: list[Any], back: bool) -> list[Any]:
    """A factor found on the way from the user's formula to ours, told the other way round."""
    if not back:
        return slips
    return [(BACK.get(k, k), {**p, "part": p["other"], "other": p["part"]} if "other" in p else p, s) for k, p, s in slips]


BACK = {"total": "average", "average": "total"}


def inverse(text: str) -> str:
    return text[2:] if text.startswith("1/") else f"1/{text}"


# -- two slips ------------------------------------------------------------------------------------------------


def pairs(e: Evidence, ours: Sequence[Variant], theirs: Sequence[Variant]) -> None:
    """A slip on our side and one on the user's that give the same values."""
    left, right = table(e, ours, e.ours), table(e, theirs, e.theirs)
    if not left or not right:
        return
    order = sorted(range(len(right)), key=lambda q: right[q][0])
    keys = np.array([right[q][0] for q in order])
    found = []
    for key, x, v in left:
        slack = 1e-9 * (abs(key) + 1e-9)
        lo, hi = np.searchsorted(keys, key - slack), np.searchsorted(keys, key + slack)
        for q in range(lo, hi):
            _, y, w = right[order[q]]
            if same(x, y):
                found.append((v.cost + w.cost + PAIR + EXCHANGE.get((v.row.key, w.row.key), 0.0), v, w))
    found.sort(key=lambda f: f[0])
    best = min((c.cost for c in e.found), default=WORTH)
    for cost, v, w in found[:MOST_PAIRS]:
        if cost >= best:
            return
        if all(agree(v, e.ours, w, e.theirs, k) for k in range(1, len(e.draws))):
            e.add(cost, (v.row.key, v.parts, v.side), (w.row.key, w.parts, w.side))
            return


def agree(v: Variant, a: Side, w: Variant, b: Any, k: int) -> bool:
    shape = np.shape(a.values[k].array(a.result.body, a.result.indices))
    return any(same(x, y) for x in arrays_of(v, k, a, shape) for y in arrays_of(w, k, b, shape))


def table(e: Evidence, variants: Sequence[Variant], side: Side | None) -> list[tuple[float, Any, Variant]]:
    """(a random projection, the values, the variant) at the first draw, of those shaped like our gradient."""
    if side is None:
        return []
    shape = np.shape(e.b[0])
    p = np.random.default_rng(3).normal(size=shape)
    rows = []
    for v in variants:
        for x in arrays_of(v, 0, side, shape):
            key = float(np.sum(p * x))
            if np.isfinite(key):
                rows.append((key, x, v))
            break
    return rows


def sums_of_two(e: Evidence, ours: Sequence[Variant]) -> None:
    """Two slips in different terms of our answer: their effects add up."""
    if np.shape(e.a[0]) != np.shape(e.b[0]):
        return
    rows = table(e, ours, e.ours)
    p = np.random.default_rng(3).normal(size=np.shape(e.b[0]))
    base, goal = float(np.sum(p * e.b[0])), float(np.sum(p * e.a[0]))
    order = sorted(range(len(rows)), key=lambda q: rows[q][0])
    keys = np.array([rows[q][0] - base for q in order])
    found = []
    for key, _, v in rows:
        rest = (goal - base) - (key - base)
        slack = 1e-9 * (abs(rest) + abs(base) + 1e-9)
        lo, hi = np.searchsorted(keys, rest - slack), np.searchsorted(keys, rest + slack)
        found += [(v.cost + w.cost + EXCHANGE.get((v.row.key, w.row.key), 0.0), v, w) for w in (rows[order[q]][2] for q in range(lo, hi))]
    for cost, v, w in sorted(found, key=lambda f: f[0])[:MOST_PAIRS]:
        if v is not w and all(adds(e, v, w, k) for k in range(len(e.draws))):
            e.add(cost + PAIR, (v.row.key, v.parts, v.side), (w.row.key, w.parts, w.side))
            return


def adds(e: Evidence, v: Variant, w: Variant, k: int) -> bool:
    shape = np.shape(e.b[k])
    x, y = (next(arrays_of(u, k, e.ours, shape), None) for u in (v, w))
    return x is not None and y is not None and same(x + y - e.b[k], e.a[k])


