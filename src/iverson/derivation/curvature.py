"""Curvature by composition: convex, concave or affine, with the rule for every piece.

Glossary   f: a node; c: a constant, which does not move with the variable.
Power      what is behind norms, geometric means and log-sum-exp alike.  f >= 0 has convex power p > 0 where f^(1/p) is convex
           (p = inf: its logarithm is), p < 0 where f^(1/p) is concave; a constant has 0.  The order p is stronger from 1 up to
           inf, then from -inf up to 0, which is 1/p falling from 1.  f has concave power q > 0 where f^(1/q) is concave, q = inf
           where its logarithm is, and the smaller q is stronger.  Powers multiply by exponents and add up in products: of
           concave ones any, of convex ones negative ones and at most one above 0.
Demand     a constant that has to be at least 0 for the verdict to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf
from typing import Any

from ..core.node import ONE, Node, add, el, is_integer, is_num, mul, neg, num, open_, reads, substitute, walk
from ..core.program import Program
from ..rewrite.match import match, part
from ..rewrite.rule import instantiate, pattern
from ..rules.convexity import COMPOSITION, CURVES, PATTERNS, WHOLE, Curve, Pattern
from .interval import Intervals, in_domain
from .semidefinite import Semidefinite, pairings
from .signs import away_from_zero
from .ties import moved_by

Order = float | Fraction
MOST_SPREAD = 1200  # nodes to which a product is spread to find a rule
MOST_SQUARED = 3  # terms of a sum whose square is multiplied out
MOST_GUESSED = 8  # constants that are tried for the fixed name of a pattern
OTHER = {"convex": "concave", "concave": "convex"}


@dataclass(frozen=True)
class Proof:
    """One step: what is claimed of a node, by which row of COMPOSITION, from which other steps."""

    f: Node
    claim: str
    rule: str
    words: tuple[tuple[str, str], ...] = ()
    parts: tuple[Proof, ...] = ()
    own: tuple[Node, ...] = ()
    strict: bool = False

    @property
    def demands(self) -> tuple[Node, ...]:
        """The constants that have to be at least 0."""
        return tuple(dict.fromkeys([*self.own, *(d for p in self.parts for d in p.demands)]))


Power = tuple[Order, Proof] | None


@dataclass(frozen=True)
class View:
    """What is known of a node: proofs by claim (constant, affine, convex, concave), powers with their proofs."""

    claims: dict[str, Proof] = field(default_factory=dict)
    vex: Power = None
    cave: Power = None

    def get(self, claim: str) -> Proof | None:
        return self.claims.get(claim)

    @property
    def affine(self) -> bool:
        return "affine" in self.claims


def sure(f: Node) -> bool:
    """Affine in one number with a slope that is not 0."""
    if f.op == "add":
        return sum(map(sure, f.args)) == 1 and all(sure(a) or a.op == "num" for a in f.args)
    return (f.op == "el" and not f.args) or (f.op == "mul" and len(f.args) == 2 and f.args[0].op == "num" and sure(f.args[1]))


def rank(p: Order) -> Order:
    """1/p: the smaller, the stronger a convex power is."""
    return -inf if p == 0 else 0 if p in (inf, -inf) else 1 / Fraction(p)


def order_of(r: Order) -> Order:
    """The power with this rank."""
    return 0 if r == -inf else inf if r == 0 else 1 / Fraction(r)


class Curvature:
    """The views of the nodes of one program, by some of its inputs together."""

    def __init__(self, program: Program, wrt: Sequence[str], lenient: bool = False) -> None:
        self.program, self.wrt, self.lenient = program, tuple(wrt), lenient
        self.moved = frozenset(n for w in wrt for n in moved_by(program, w))
        self.definitions = {d.name: d for d in program.definitions}
        self.intervals = Intervals(program, {n: (0.0, inf) for n in in_domain(program, wrt)})
        self.semidefinite = Semidefinite(program, self.intervals)
        self.memo: dict[Node, View] = {}

    # -- views -----------------------------------------------------------------------------------------------

    def of(self, f: Node) -> View:
        if f not in self.memo:
            self.memo[f] = self.finished(f, self.constant(f) if not reads(f) & self.moved else self.view(f))
        return self.memo[f]

    def view(self, f: Node) -> View:
        found = getattr(self, f"_{f.op}", lambda g: View())(f)
        return found if found.affine else self.patterned(f, found)

    def constant(self, f: Node) -> View:
        p = self.claim(f, "constant", "constant")
        claims = {"constant": p, "affine": p, "convex": p, "concave": p}
        low = self.intervals.nonnegative(f)
        return View(claims, (0, p) if low else None, (0, p) if low else None)

    def finished(self, f: Node, v: View) -> View:
        """With what the powers and the sign say besides."""
        claims, vex, cave = dict(v.claims), v.vex, v.cave
        if "affine" in claims:
            claims = {**claims, "convex": claims["affine"], "concave": claims["affine"]}
        if vex is not None and "convex" not in claims and rank(vex[0]) <= 1:
            claims["convex"] = replace(vex[1], claim="convex")
        if cave is not None and "concave" not in claims and cave[0] <= 1:
            claims["concave"] = replace(cave[1], claim="concave")
        if self.intervals.nonnegative(f):
            if vex is None and "convex" in claims and not claims["convex"].demands:
                vex = (1, claims["convex"])
            if cave is None and "concave" in claims and not claims["concave"].demands:
                cave = (1, claims["concave"])
        return View(claims, vex, cave)

    def claim(self, f: Node, claim: str, rule: str, parts: Iterable[Proof] = (), own: Iterable[Node] = (), strict: bool = False,
              **words: str) -> Proof:  # fmt: skip
        text = {"c": claim, "o": OTHER.get(claim, claim), "wrt": ", ".join(self.wrt), **words}
        return Proof(f, claim, rule, tuple(sorted(text.items())), tuple(parts), tuple(own), strict)

    # -- leaves ----------------------------------------------------------------------------------------------

    def _el(self, f: Node) -> View:
        if any(reads(t) & self.moved for t in f.args):
            return View()
        d = self.definitions.get(f.attr)
        if d is None:
            return View({"affine": self.claim(f, "affine", "affine")})
        if d.body.op == "tensor":
            return self.whole(f, d.body.attr)
        v = self.of(d.at(f.args))
        return View(dict(v.claims), v.vex, v.cave)

    def _red(self, f: Node) -> View:
        kind = f.attr[0]
        _, body, condition = open_(f)
        if reads(condition) & self.moved:
            return View()
        if kind == "sum":
            found = self.added(f, [self.of(body)], lambda claim: self.paired(f, claim))
            form = None if found.claims or found.vex else self.quadratic(f)
            return found if form is None else View({}, (2, form))
        if kind in ("max", "min"):
            return self.extreme(f, [self.of(body)], kind)
        return self.repeated(f, body) if kind == "prod" and is_num(condition, 1) else View()

    def quadratic(self, f: Node) -> Proof | None:
        """u'*Q*u with u affine in the variable and Q a constant semidefinite matrix."""
        bound, body = opened(f)
        factors = body.args if body.op == "mul" else (body,)
        moved = [a for a in factors if reads(a) & self.moved]
        rest = mul(*(a for a in factors if a not in moved))
        if len(moved) != 2 or not all(self.of(a).affine for a in moved):
            return None
        for pairs in pairings(bound):
            for u, v in (moved, moved[::-1]):
                if pairs and substitute(u, dict(pairs)) is v and self.semidefinite.proves(rest, pairs):
                    return self.claim(f, "convex", "form", [self.of(u).claims["affine"]])
        return None

    # -- sums ------------------------------------------------------------------------------------------------

    def _add(self, f: Node) -> View:
        return self.added(f, [self.of(t) for t in f.args], lambda claim: None)

    def added(self, f: Node, views: Sequence[View], otherwise: Callable[[str], Proof | None]) -> View:
        claims: dict[str, Proof] = {}
        for claim in ("affine", "convex", "concave"):
            parts = [v.get(claim) for v in views]
            if all(parts):
                held = [p for p in parts if p is not None]
                own = [p for p in held if p.claim != "constant"]
                kept = [p for p in own if p.claim != "affine"] or own
                strict = claim != "affine" and any(p.strict for p in held)
                single = len(held) == len(views) == 1 and f.op != "red"
                plain = claim == "affine" or all(p.claim in ("affine", "constant") for p in held)
                claims[claim] = kept[0] if single else self.claim(f, claim, "affine") if plain else self.claim(f, claim, "sum", kept, strict=strict)
            elif claim != "affine" and (found := otherwise(claim)) is not None:
                claims[claim] = found
        return View(claims, self.summed_vex(f, views), self.summed_cave(f, views))

    def summed_vex(self, f: Node, views: Sequence[View]) -> Power:
        if not all(v.vex for v in views):
            return None
        rows = [v.vex for v in views if v.vex is not None]
        order = order_of(max(rank(p) for p, _ in rows))
        if rank(order) > 1:
            return None
        parts = [p for _, p in rows if p.claim != "constant"]
        claim = vex_claim(order)
        return order, self.claim(f, claim, "sum", parts)

    def summed_cave(self, f: Node, views: Sequence[View]) -> Power:
        if not all(v.cave for v in views):
            return None
        rows = [v.cave for v in views if v.cave is not None]
        order = max(p for p, _ in rows)
        if order > 1:
            return None
        return order, self.claim(f, "concave", "sum", [p for _, p in rows if p.claim != "constant"])

    def extreme(self, f: Node, views: Sequence[View], kind: str) -> View:
        claim, rule = ("convex", "largest") if kind == "max" else ("concave", "smallest")
        parts = [v.get(claim) for v in views]
        claims = {}
        if all(parts):
            claims[claim] = self.claim(f, claim, rule, [p for p in parts if p is not None and p.claim != "constant"])
        side = [v.vex if kind == "max" else v.cave for v in views]
        found = None
        if all(side):
            rows = [s for s in side if s is not None]
            order = order_of(max(rank(p) for p, _ in rows)) if kind == "max" else max(p for p, _ in rows)
            found = (order, self.claim(f, claim, rule, [p for _, p in rows]))
        return View(claims, found if kind == "max" else None, found if kind == "min" else None)

    def repeated(self, f: Node, body: Node) -> View:
        """A product over an index: of roots whose exponents add up to 1, or of log-concave or log-convex entries."""
        v = self.of(body)
        vex = cave = None
        if v.vex is not None and rank(v.vex[0]) <= 0:
            vex = (inf, self.claim(f, "log-convex", "product", [v.vex[1]]))
        count, e = mul(*(i.attr[1] for i in f.attr[1])), body.args[1] if body.op == "pow" else ONE
        root = self.of(body.args[0]).cave if body.op == "pow" and mul(e, count) is ONE else None
        if root is not None:
            cave = (root[0], self.claim(f, cave_claim(root[0]), *geometric(root[0], [root[1]])))
        elif v.cave is not None:
            order = v.cave[0] * count.attr if count.op == "num" else inf
            cave = (order, self.claim(f, cave_claim(order), *geometric(order, [v.cave[1]])))
        return View({}, vex, cave)

    # -- products --------------------------------------------------------------------------------------------

    def _mul(self, f: Node) -> View:
        fixed = [a for a in f.args if not reads(a) & self.moved]
        rest = [a for a in f.args if reads(a) & self.moved]
        if fixed:
            return self.scaled(f, mul(*fixed), mul(*rest))
        found = self.multiplied(f, [self.of(a) for a in rest])
        return found if found.vex or found.cave else self.spread(f, found)

    def scaled(self, f: Node, c: Node, g: Node) -> View:
        """A piece times a constant; a constant of unknown sign is demanded to have the one that is needed."""
        v = self.of(g)
        if v.affine:
            return View({"affine": self.claim(f, "affine", "affine")})
        low, high = self.intervals.nonnegative(c), self.intervals.nonpositive(c)
        claims: dict[str, Proof] = {}
        for claim in ("convex", "concave"):
            same, other = v.get(claim), v.get(OTHER[claim])
            if not high and same is not None and (low or self.lenient):
                claims[claim] = self.claim(f, claim, "weighted", [same], self.demanded(c), same.strict and away_from_zero(c))
            elif not low and other is not None and (high or self.lenient):
                claims[claim] = self.claim(f, claim, "turned", [other], self.demanded(neg(c)), other.strict and away_from_zero(neg(c)))
        if not low or not self.intervals.nonnegative(f):
            return View(claims)
        vex = None if v.vex is None else (v.vex[0], self.claim(f, v.vex[1].claim, "weighted", [v.vex[1]]))
        cave = None if v.cave is None else (v.cave[0], self.claim(f, v.cave[1].claim, "weighted", [v.cave[1]]))
        return View(claims, vex, cave)

    def multiplied(self, f: Node, views: Sequence[View]) -> View:
        return View({}, self.product_vex(f, views), self.product_cave(f, views))

    def product_vex(self, f: Node, views: Sequence[View]) -> Power:
        rows = [v.vex for v in views if v.vex is not None]
        if len(rows) < len(views):
            return None
        parts, orders = [p for _, p in rows], [p for p, _ in rows]
        above = [p for p in orders if 0 < p < inf]
        if not above:
            if any(p == inf for p in orders):
                return inf, self.claim(f, "log-convex", "product", parts)
            return sum(orders), self.claim(f, "convex", "reciprocal", parts)
        total = sum(orders) if inf not in orders else inf
        if len(above) > 1 or inf in orders or total <= 0:
            return None
        return total, self.claim(f, vex_claim(total), "ratio", parts)

    def product_cave(self, f: Node, views: Sequence[View]) -> Power:
        rows = [v.cave for v in views if v.cave is not None]
        if len(rows) < len(views):
            return None
        total = inf if any(p == inf for p, _ in rows) else sum(p for p, _ in rows)
        return total, self.claim(f, cave_claim(total), *geometric(total, [p for _, p in rows]))

    def spread(self, f: Node, found: View) -> View:
        """A product with a sum among its factors, multiplied out."""
        whole = next((a for a in f.args if a.op == "add"), None)
        if whole is None or len(whole.args) * f.size > MOST_SPREAD or len(whole.args) > 6:
            return found
        rest = [a for a in f.args if a is not whole]
        g = add(*(mul(t, *rest) for t in whole.args))
        return self.of(g) if g is not f and g.op == "add" else found

    # -- powers ----------------------------------------------------------------------------------------------

    def _pow(self, f: Node) -> View:
        base, e = f.args
        if reads(e) & self.moved:
            return self.exponential(f, base, e)
        if e.op != "num":
            return View()
        v = self.of(base)
        if is_integer(e) and e.attr > 0 and e.attr % 2 == 0:
            return self.even(f, base, v, e.attr)
        return self.powered(f, base, v, Fraction(e.attr))

    def exponential(self, f: Node, base: Node, e: Node) -> View:
        if reads(base) & self.moved or not self.intervals.nonnegative(base) or not self.of(e).affine:
            return View()
        parts = [self.of(e).claims["affine"]]
        low, high = (self.claim(f, c, "composed", parts, function="exp") for c in ("log-convex", "log-concave"))
        return View({}, (inf, low), (inf, high))

    def even(self, f: Node, base: Node, v: View, e: int) -> View:
        if v.affine:
            return View({}, (e, self.claim(f, "convex", "even", [v.claims["affine"]], strict=sure(base))))
        if v.vex is not None or v.cave is not None or self.intervals.nonnegative(base):
            return self.powered(f, base, v, Fraction(e))
        concave = v.get("concave")
        if self.intervals.nonpositive(base) and concave is not None and not concave.demands:
            return View({}, (e, self.claim(f, "convex", "power", [concave], a="concave")))
        if e == 2 and base.op == "add" and len(base.args) <= MOST_SQUARED:
            return self.of(add(*(mul(t, u) for t in base.args for u in base.args)))
        return View()

    def powered(self, f: Node, base: Node, v: View, e: Fraction) -> View:
        """A power whose base is at least 0: by its interval, or because a root is defined nowhere else."""
        vex, cave = v.vex, v.cave
        if e.denominator > 1:
            vex = vex or (self.as_power(v.get("convex")) if v.affine else None)
            cave = cave or self.as_power(v.get("concave"))
        found = View()
        for row in (vex and raised_vex(vex[0], e), cave and raised_cave(cave[0], e)):
            part = vex if row is not None and row[2] == "vex" else cave
            if row is not None and part is not None:
                claim = (vex_claim if row[1] == "convex" else cave_claim)(row[0])
                p = self.claim(f, claim, power_rule(e, claim, part[1].claim), [part[1]], a=part[1].claim)
                side = (row[0], p)
                found = View({}, better(found.vex, side), found.cave) if row[1] == "convex" else View({}, found.vex, found.cave or side)
        return found

    def as_power(self, p: Proof | None) -> Power:
        return None if p is None or p.demands else (1, p)

    # -- functions -------------------------------------------------------------------------------------------

    def _apply(self, f: Node) -> View:
        views = [self.of(a) for a in f.args]
        if f.attr in ("max", "min"):
            return self.extreme(f, views, f.attr)
        if f.attr == "log":
            return self.logarithm(f, views[0])
        rows = [r for r in CURVES if r.name == f.attr and len(r.slope) == len(views) and self.on(r, f)]
        found = View()
        for r in rows:
            found = self.joined(found, self.curved(f, r, views))
        return self.joined(found, self.mean_of_logarithms(f)) if f.attr == "exp" else found

    def mean_of_logarithms(self, f: Node) -> View:
        """exp(mean(log(g))) is a geometric mean, and g is positive where it is defined."""
        factors = f.args[0].args if f.args[0].op == "mul" else f.args
        sums = [a for a in factors if a.op == "red" and a.attr[0] == "sum"]
        if len(sums) != 1 or not is_num(sums[0].args[1], 1):
            return View()
        bound, body, _ = open_(sums[0])
        p = self.of(body.args[0]).get("concave") if body.op == "apply" and body.attr == "log" else None
        weights = mul(*(a for a in factors if a is not sums[0]), *(i.attr[1] for i in bound))
        return View() if p is None or p.demands or weights is not ONE else View({"concave": self.claim(f, "concave", "geometric", [p])})

    def joined(self, a: View, b: View) -> View:
        return View({**b.claims, **a.claims}, a.vex or b.vex, a.cave or b.cave)

    def on(self, r: Curve, f: Node) -> bool:
        low, high = self.intervals.of(f.args[0])
        return r.on == "real" or (low >= 0 if r.on == "nonnegative" else high <= 0)

    def curved(self, f: Node, r: Curve, views: Sequence[View]) -> View:
        claims: dict[str, Proof] = {}
        vex = cave = None
        for claim in ("convex", "concave"):
            if r.curvature in (claim, "affine") and (p := self.through(f, r, claim, views)) is not None:
                claims[claim] = p
            if r.log in (claim, "affine") and (p := self.through(f, r, claim, views, "log-")) is not None:
                vex, cave = ((inf, p), cave) if claim == "convex" else (vex, (inf, p))
        return View(claims, vex, cave)

    def through(self, f: Node, r: Curve, claim: str, views: Sequence[View], log: str = "") -> Proof | None:
        """A function of affine arguments, or of ones that curve the way its slope asks for."""
        if all(v.affine for v in views):
            parts = [v.claims["affine"] for v in views if v.claims["affine"].claim != "constant"]
            return self.claim(f, log + claim, "composed", parts, strict=r.strict and all(map(sure, f.args)), function=r.name)
        parts, kinds = [], set()
        for v, slope in zip(views, r.slope, strict=True):
            wanted = claim if slope == "up" else OTHER[claim] if slope == "down" else "affine"
            p = v.get(wanted)
            if p is None:
                return None
            parts.append(p)
            kinds.add((wanted, "rising" if slope == "up" else "falling"))
        wanted, slope = sorted(kinds)[0]
        return self.claim(f, log + claim, "monotone", parts, function=r.name, s=slope, a=wanted)

    def logarithm(self, f: Node, v: View) -> View:
        """The logarithm of a power: of exponentials it is convex, of what is concave and positive it is concave."""
        claims: dict[str, Proof] = {}
        if v.vex is not None and rank(v.vex[0]) <= 0:
            claims["convex"] = self.claim(f, "convex", "logsum", [v.vex[1]])
        if v.cave is not None:
            claims["concave"] = self.claim(f, "concave", "loglow", [v.cave[1]])
        elif (p := v.get("concave")) is not None:
            strict = v.affine and sure(f.args[0])
            claims["concave"] = self.claim(f, "concave", "monotone", [p], strict=strict, function="log", s="rising", a=p.claim)
        if "convex" in claims and "concave" in claims:
            claims["affine"] = replace(claims["convex"], claim="affine")
        return View(claims)

    # -- formulas --------------------------------------------------------------------------------------------

    def patterned(self, f: Node, found: View) -> View:
        """With what the rows of PATTERNS say."""
        for row in PATTERNS:
            if row.curvature in found.claims or (not row.curvature and found.cave):
                continue
            p = self.matched(row, f)
            if p is not None:
                claims = {**found.claims, row.curvature: p} if row.curvature else found.claims
                found = View(claims, found.vex, (inf, p) if row.log == "concave" else found.cave)
        return found

    def matched(self, row: Pattern, f: Node) -> Proof | None:
        """The row for all of a node, or for some terms of a sum the others of which curve the same way."""
        claim = row.curvature or row.log
        for values, rest in self.readings(row, f):
            views = [self.of(v) for v in values.values()]
            others = [self.of(t).get(claim) for t in rest]
            if not all(v.affine for v in views) or not all(others) or any(reads(values[n]) & self.moved for n in row.fixed):
                continue
            demands = [d for t in row.where for d in self.demanded(instantiate(t, values))]
            if (demands and not self.lenient) or (row.log and (rest or not self.intervals.nonnegative(f))):
                continue
            parts = [v.claims["affine"] for v in views if v.claims["affine"].claim != "constant"]
            more = [p for p in others if p is not None and p.claim not in ("constant", "affine")]
            return self.claim(f, row.curvature or f"log-{claim}", "pattern", [*parts, *more], demands, why=row.why)
        return None

    def readings(self, row: Pattern, f: Node) -> Iterator[tuple[dict[str, Node], list[Node]]]:
        """(what x and y stand for, the other terms); a constant that a number may have been folded into is guessed."""
        for root, known in self.roots(row, f):
            if root.op != f.op or (f.op == "apply" and root.attr != f.attr):
                continue
            for env, rest in part(root, f, {}) if f.op == "add" else ((e, []) for e in match(root, f, {})):
                found = {k[1:]: v[1] for k, v in env.items() if k.startswith("?") and isinstance(v, tuple)}
                yield {**found, **known}, rest

    def roots(self, row: Pattern, f: Node) -> Iterator[tuple[Node, dict[str, Node]]]:
        """The pattern, and the same with constants of f for its fixed name."""
        yield pattern(row.text), {}
        if row.fixed and f.op in ("add", "mul"):
            nums = [g for g in walk(f) if g.op == "num" and g.attr > 0]
            for c in list(dict.fromkeys([ONE, *nums]))[:MOST_GUESSED]:
                yield instantiate(row.text, {"x": el("?x"), row.fixed[0]: c}), {row.fixed[0]: c}

    def demanded(self, d: Node) -> list[Node]:
        """A node of unknown sign, without the factors whose sign is known."""
        if self.intervals.nonnegative(d):
            return []
        if d.op != "mul":
            return [d]
        rest = [a for a in d.args if not self.intervals.nonnegative(a) and a.op != "num"]
        sign = -1 if d.args[0].op == "num" and d.args[0].attr < 0 else 1
        return [mul(num(sign), *rest)]

    # -- whole matrices --------------------------------------------------------------------------------------

    def whole(self, f: Node, call: Sequence[Any]) -> View:
        row = next((r for r in WHOLE if r.name == call[0]), None)
        if row is None or not self.matrix_fits(row.needs, call[1]) or self.moved & {*call[2:]}:
            return View()
        if row.diagonal and not (len(f.args) == 2 and f.args[0] is f.args[1]):
            return View()
        p = self.claim(f, row.curvature or f"log-{row.log}", "whole", [], function=row.name, n=WANTED.get(row.needs, "affine"))
        if row.log:
            return View({}, None, (inf, p))
        return View({row.curvature: p}, (1, p) if row.nonnegative else None)

    def matrix_fits(self, needs: str, name: str) -> bool:
        """Whether a matrix is affine in the variable and of the structure that a row needs."""
        if name in self.program.inputs:
            facts = self.program.inputs[name].facts
            return not needs or needs in facts or (needs == "symmetric" and "spd" in facts)
        d = self.definitions[name]
        if d.body.op == "tensor" or not self.of(d.body).affine:
            return False
        return not needs or self.semidefinite.array(name)

    def paired(self, f: Node, claim: str) -> Proof | None:
        """tr(inv(S)*C) with a constant semidefinite C."""
        bound, body = opened(f)
        factors = body.args if body.op == "mul" else (body,)
        moved = [a for a in factors if reads(a) & self.moved]
        if len(moved) != 1 or moved[0].op != "el" or len(moved[0].args) != 2:
            return None
        d = self.definitions.get(moved[0].attr)
        row = next((r for r in WHOLE if d is not None and d.body.op == "tensor" and r.name == d.body.attr[0] and r.diagonal), None)
        if d is None or row is None or row.curvature != claim or not self.matrix_fits(row.needs, d.body.attr[1]):
            return None
        p, q = moved[0].args
        rest = mul(*(a for a in factors if a is not moved[0]))
        if not {p, q} <= set(bound) or not self.semidefinite.proves(rest, ((p, q),)):
            return None
        return self.claim(f, claim, "whole", [], function=row.name, n=WANTED[row.needs])


def raised_vex(p: Order, e: Fraction) -> tuple[Order, str, str] | None:
    """(power, claim, "vex") of a convex power raised to e: a negative power of what is convex has none."""
    if p == inf:
        return inf, "convex" if e > 0 else "concave", "vex"
    if e > 0 or p < 0:
        return p * e, "convex" if e > 0 else "concave", "vex"
    return None


def raised_cave(q: Order, e: Fraction) -> tuple[Order, str, str] | None:
    """(power, claim, "cave") of a concave power raised to e."""
    return inf if q == inf else q * e, "concave" if e > 0 else "convex", "cave"


def better(a: Power, b: Power) -> Power:
    """The stronger of two convex powers."""
    return b if a is None or (b is not None and rank(b[0]) < rank(a[0])) else a


def power_rule(e: Fraction, claim: str, part: str) -> str:
    if part.startswith("log"):
        return "power" if e > 0 else "inverse"
    return "reciprocal" if e < 0 else "root" if e < 1 and claim == "convex" else "power"


def vex_claim(p: Order) -> str:
    return "log-convex" if p == inf else "convex" if rank(p) <= 1 else "a root of a convex piece"


def cave_claim(q: Order) -> str:
    return "concave" if q <= 1 else "log-concave"


def geometric(q: Order, parts: list[Proof]) -> tuple[str, list[Proof]]:
    return ("geometric" if q <= 1 else "product"), parts


WANTED = {"spd": "positive definite", "symmetric": "symmetric", "": "affine"}


def opened(f: Node) -> tuple[tuple[Node, ...], Node]:
    """Nested sums of products as one."""
    if f.op == "red" and f.attr[0] == "sum":
        bound, body, _ = open_(f)
        more, inner = opened(body)
        return (*bound, *more), inner
    if f.op == "mul":
        parts = [opened(a) for a in f.args]
        return tuple(i for b, _ in parts for i in b), mul(*(x for _, x in parts))
    return (), f


def reason(p: Proof) -> str:
    """The sentence of a step."""
    return COMPOSITION[p.rule].format(**dict(p.words))

