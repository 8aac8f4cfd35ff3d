"""The derivation made again with a slip in it: a part held constant, a slope taken wrong, another loss.

Glossary   p: a random direction;  L': the derivative of a loss along p, by differences;  g: a part of the loss.
A part is held, or given a wrong slope, by giving it its value while the input moves.  Only the derivative along p is
compared, with the candidate times p: a slip that agrees along random directions at every draw gives the candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from ..core.node import ONE, ZERO, Node, apply, el, is_num, mul, neg, pow_, reads, sub, substitute, transform, walk
from ..core.program import Definition, Program, sizes_of
from ..lang.kinds import typed
from ..lang.syntax import parse_script
from ..meaning.surface_eval import compile_surface
from ..rewrite.match import quick, rewrite
from ..rewrite.rule import Rule, instantiate
from ..rules.calculus import CALCULUS
from ..rules.mistakes import DIFFERENTIALS, FAMILIES, MISTAKES, RELATIVES, SLOPES
from .causes import PAIR, Evidence
from .slips import Slips
from .values import TooLarge, Values, below, names_read
from .variants import DEEP

STEPS = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))
ROUGH = 2e-6
ODD = 0.07  # what it adds that a wrong slope stands later in its row
REVERSED = 0.35  # an inner derivative of -1 that is lost is told as a sign
ITSELF = 0.4  # a function that is its own derivative hardly loses it
MOST_LOSSES = 260


@dataclass
class Trial:
    """One derivation with a slip: the row, what it names, and the loss along the line at one draw and one step."""

    key: str
    parts: Mapping[str, Any]
    cost: float
    at: Callable[[Line, float], float]


class Line:
    """The loss at x + t*p for the steps of one difference, at one draw."""

    def __init__(self, replay: Replay, k: int, seed: int) -> None:
        d = replay.draws[k]
        x = np.asarray(d.arrays[replay.wrt], float)
        self.p = np.random.default_rng(seed).normal(size=x.shape)
        self.h = 1e-3 * (float(np.sqrt(np.mean(x * x))) if x.size else 1.0) / max(float(np.sqrt(np.mean(self.p**2))), 1e-9)
        self.rest = Values(replay.program.definitions, d.arrays, d.sizes)
        self.points = {
            s: Values(replay.program.definitions, {**d.arrays, replay.wrt: x + s * self.h * self.p}, d.sizes) for s, _ in STEPS
        }

    def slope(self, trial: Trial) -> float:
        with np.errstate(all="ignore"):
            return float(sum(w * trial.at(self, s) for s, w in STEPS) / self.h)


class Replay:
    """The slips in the derivation of one gradient."""

    def __init__(self, program: Program, wrt: str, draws: Sequence[Any]) -> None:
        self.program, self.wrt, self.draws = program, wrt, draws
        self.result = program.definition(program.result)
        self.moving = {wrt}
        for d in program.definitions:
            if not self.moving.isdisjoint(names_read(d)):
                self.moving.add(d.name)

    def search(self, e: Evidence) -> None:
        """Add to the evidence the slips in the derivation that reproduce the candidate."""
        ways = self.ways(e)
        if ways:
            line = Line(self, 0, 17)
            self.try_all(e, self.relatives(), line, ways)
            if e.best > MISTAKES["family-loss"].cost:
                self.try_all(e, self.derivations(), line, ways)

    def search_further(self, e: Evidence) -> None:
        """Add other losses and other inputs, where nothing better was found."""
        if e.best > MISTAKES["other-loss"].cost:
            self.try_all(e, self.losses(), Line(self, 0, 17), self.ways(e))
        if e.best > MISTAKES["other-input"].cost and not self.result.indices:
            self.other_inputs(e)

    def ways(self, e: Evidence) -> list[tuple[Sequence[Any], list[Any], float]]:
        """The candidate as it is, and transposed, as far as it has the shape of the gradient of a scalar."""
        shape = np.shape(e.b[0])
        if self.result.indices:
            return []
        ways: list[tuple[Sequence[Any], list[Any], float]] = [(e.a, [], 0.0)] if np.shape(e.a[0]) == shape else []
        if len(shape) == 2 and np.shape(e.a[0])[::-1] == shape:
            ways.append(([x.T for x in e.a], [("layout", {"name": self.wrt}, e.ours)], MISTAKES["layout"].cost + PAIR))
        return ways

    def try_all(self, e: Evidence, trials: Iterator[Trial], line: Line, ways: Sequence[Any]) -> None:
        for trial in trials if ways else ():
            slope = self.slope(trial, line)
            for a, layout, extra in ways:
                self.compare(e, trial, slope, a, float(np.sum(line.p * a[0])), layout, extra)

    def other_inputs(self, e: Evidence) -> None:
        """Whether the candidate is the gradient by another input."""
        plain = Trial("", {}, 0.0, lambda line, s: float(line.points[int(s)].table(self.result.name)))
        shape = np.shape(e.a[0])
        for n, i in self.program.inputs.items():
            if n == self.wrt or i.role == "function" or i.type.classes is not None or np.shape(e.draws[0].arrays[n]) != shape:
                continue
            other = Replay(self.program, n, self.draws)
            line = Line(other, 0, 17)
            slope, goal = other.slope(plain, line), float(np.sum(line.p * e.a[0]))
            for c, slips, cost in beside(e):
                if n in other.moving and abs(goal) > 1e-9 and close(slope, c * goal) and other.holds(e.a, plain, c):
                    parts = {"part": el(n), "name": self.wrt}
                    e.add(MISTAKES["other-input"].cost + cost, ("other-input", parts, self), *slips)
                    break

    def compare(
        self, e: Evidence, trial: Trial, slope: float, a: Sequence[Any], goal: float, layout: list[Any], extra: float
    ) -> None:
        for c, slips, cost in beside(e):
            if close(slope, c * goal) and self.holds(a, trial, c):
                if not (trial.key in ("other-loss", "family-loss") and (slips or layout)):
                    e.add(trial.cost + cost + extra, (trial.key, trial.parts, self), *layout, *slips)
                return

    def slope(self, trial: Trial, line: Line) -> float:
        try:
            return line.slope(trial)
        except (TooLarge, KeyError, ValueError, IndexError, TypeError):
            return np.nan

    def holds(self, a: Sequence[Any], trial: Trial, c: float) -> bool:
        for k in range(len(self.draws)):
            line = Line(self, k, 29 + k)
            if not close(line.slope(trial), c * float(np.sum(line.p * a[k]))):
                return False
        return True

    def derivations(self) -> Iterator[Trial]:
        for d in self.program.definitions:
            if d.name in self.moving:
                yield from self.held(d)
                yield from self.slopes(d)

    # -- a part that does not move

    def held(self, d: Definition) -> Iterator[Trial]:
        if d.name != self.result.name:
            yield Trial("constant-part", {"part": el(d.name, d.indices), "name": self.wrt}, MISTAKES["constant-part"].cost, self.with_table(d.name))
        if d.body.op == "tensor":
            return
        for g, under in parts_of(d.body, self.moves):
            if (g is d.body and d is self.result) or not self.moves(g) or g.op in ("idx", "el", "num", "br", "rel"):
                continue
            key = "constant-normaliser" if under else "constant-part"
            yield Trial(key, {"part": g, "name": self.wrt}, MISTAKES[key].cost + DEEP, self.with_node(g, still))

    def moves(self, g: Node) -> bool:
        return not self.moving.isdisjoint(reads(g))

    def with_table(self, name: str) -> Callable[[Line, float], float]:
        def at(line: Line, s: float) -> float:
            new = line.points[int(s)].variant({})
            new.changed = frozenset(self.after(name))
            new.tables[name] = line.rest.table(name)
            return float(new.table(self.result.name))

        return at

    def after(self, name: str) -> set[str]:
        moved = {name}
        for d in self.program.definitions:
            if not moved.isdisjoint(names_read(d)):
                moved.add(d.name)
        return moved

    def with_node(self, g: Node, value: Callable[[Line, float, Node], Any]) -> Callable[[Line, float], float]:
        def at(line: Line, s: float) -> float:
            axes, _ = line.rest.of(g)
            pinned = line.points[int(s)].variant({}, {g: (axes, value(line, s, g))})
            return float(pinned.table(self.result.name))

        return at

    # -- a slope that is wrong

    def slopes(self, d: Definition) -> Iterator[Trial]:
        if d.body.op == "tensor":
            yield from self.whole_slopes(d)
            return
        for g, _ in parts_of(d.body, self.moves):
            if not self.moves(g) or g.op not in ("apply", "pow"):
                continue
            u = g.args[0]
            for key, name, slope, odd in self.wrong_slopes(g, u):
                parts = {"part": g, "name": name, "other": right_slope(g)}
                cost = MISTAKES[key].cost + (ITSELF if right_slope(g) is g else 0.0) + ODD * odd
                yield Trial(key, parts, cost, self.with_node(g, tangent(u, slope)))
            yield from self.inner(g, u)

    def whole_slopes(self, d: Definition) -> Iterator[Trial]:
        """A whole-matrix function with a wrong differential."""
        function, source, *_ = d.body.attr
        right, *wrong = DIFFERENTIALS.get(function, ("",))
        for key, text in wrong:
            def at(line: Line, s: float, text: str = text) -> float:
                new = line.points[int(s)].variant({})
                new.changed = frozenset(self.after(d.name))
                a, f = np.asarray(line.rest.table(source)), np.asarray(line.rest.table(d.name))
                new.tables[d.name] = f + differential(text)(a, np.asarray(line.points[int(s)].table(source)) - a)
                return float(new.table(self.result.name))

            yield Trial(key, {"part": el(d.name, d.indices), "name": text, "other": right}, MISTAKES[key].cost, at)

    def wrong_slopes(self, g: Node, u: Node) -> Iterator[tuple[str, Any, Node, int]]:
        if g.op == "pow":
            base, e = g.args
            lower = pow_(base, sub(e, ONE))
            rows = (("no-slope", ONE), ("slope-power", mul(e, g)), ("no-slope", e), ("slope-number", lower))
            yield from ((key, slope, slope, 0) for key, slope in rows[: 1 if is_num(e, -1) else None])
            return
        if len(g.args) != 1:
            return
        yield "no-slope", ONE, ONE, 0
        inside = g in right_slope(g).args
        yield ("no-slope" if inside else "slope-itself"), g, g, 0
        taken = [apply(f, u) for family in FAMILIES if g.attr in family for f in family if f != g.attr]
        others = [right_slope(f) for f in taken if right_slope(f) not in (f, ZERO)]
        for place, slope in enumerate(others):
            yield "slope-of-other", slope, slope, place
        for place, text in enumerate(SLOPES.get(g.attr, ())):
            slope = instantiate(text, {"x": u})
            if slope not in others:
                yield "wrong-slope", slope, slope, place

    def inner(self, g: Node, u: Node) -> Iterator[Trial]:
        """What stands inside, differentiated as if it were the input itself."""
        found = [x for x in below(u) if x.op == "el" and x.attr == self.wrt and x is not u]
        for x in found:
            if set(x.free) == set(u.free):
                at = self.with_node(u, lambda line, s, u, x=x: as_input(line, s, u, x))  # type: ignore[misc]
                reversed_ = (u.op == "add" and neg(x) in u.args) or u is neg(x)
                yield Trial("no-inner", {"part": u, "name": self.wrt}, MISTAKES["no-inner"].cost + REVERSED * reversed_, at)

    # -- another loss

    def relatives(self) -> Iterator[Trial]:
        """Losses that are taken for this one."""
        cost = MISTAKES["family-loss"].cost
        for d in self.program.definitions:
            if d.body.op == "tensor" or d.name not in self.moving or any(g.op == "br" for g in walk(d.body)):
                continue
            for body in dict.fromkeys((d.body, self.inlined(d) if d is self.result else d.body)):
                for rule in family_rules():
                    new = transform(body, lambda g, r=rule: self.relative(r, g))  # type: ignore[misc]
                    if new is not body:
                        changed = replace(d, body=new)
                        yield Trial("family-loss", {"part": changed, "other": d}, cost, self.with_body(d.name, changed))

    def relative(self, rule: Rule, g: Node) -> Node | None:
        return rewrite(rule, g) if quick(rule, g) and self.moves(g) else None

    def inlined(self, d: Definition) -> Node:
        """What `d` says without the definitions before it."""
        body = d.body
        for q in reversed(self.program.definitions[: self.program.definitions.index(d)]):
            if q.body.op != "tensor":
                body = transform(body, lambda g, q=q: at_indices(q, g) if g.op == "el" and g.attr == q.name else None)  # type: ignore[misc]
        return body

    def losses(self) -> Iterator[Trial]:
        inputs = {n: tuple(i.type.dims) for n, i in self.program.inputs.items() if i.role != "function"}
        labels = {n for n, i in self.program.inputs.items() if i.type.classes is not None}
        made = 0
        for place, d in enumerate(self.program.definitions):
            dims = inputs | sizes_of(self.program.definitions[:place])
            if d.body.op == "tensor" or d.name not in self.moving:
                continue
            for s in Slips(dims, frozenset(labels)).of(d.body, d.indices):
                made += 1
                if made > MOST_LOSSES:
                    return
                if frozenset(s.new.free) <= frozenset(d.indices):
                    new = replace(d, body=s.new)
                    parts = {"part": new, "other": d, "slip": s.key}
                    cost = MISTAKES["other-loss"].cost + 0.1 * (MISTAKES[s.key].cost - 1) + DEEP * s.depth
                    yield Trial("other-loss", parts, cost, self.with_body(d.name, new))

    def with_body(self, name: str, new: Definition) -> Callable[[Line, float], float]:
        def at(line: Line, s: float) -> float:
            return float(line.points[int(s)].variant({name: new}).table(self.result.name))

        return at


def at_indices(d: Definition, g: Node) -> Node:
    return substitute(d.body, dict(zip(d.indices, g.args, strict=True)))


@cache
def family_rules() -> tuple[Rule, ...]:
    return tuple(Rule(f"{a} as {b}", a, b) for a, b in RELATIVES)


@cache
def differential(text: str) -> Callable[[Any, Any], Any]:
    """A row of DIFFERENTIALS as a function of A and dA."""
    f = compile_surface(typed(parse_script(f"A: matrix[n, n]\ndA: matrix[n, n]\nd = {text}")), ["d"])
    return lambda a, da: np.asarray(f({"A": a, "dA": da}, {"n": len(a)})["d"])


def still(line: Line, s: float, g: Node) -> Any:
    return line.rest.of(g)[1]


def tangent(u: Node, slope: Node) -> Callable[[Line, float, Node], Any]:
    """The value with the slope, however wrong, in front of the change of u."""

    def value(line: Line, s: float, g: Node) -> Any:
        axes = line.rest.of(g)[0]
        here, there = (line.rest.array(u, axes), line.points[int(s)].array(u, axes))
        return line.rest.array(g, axes) + line.rest.array(slope, axes) * (there - here)

    return value


def as_input(line: Line, s: float, u: Node, x: Node) -> Any:
    axes = line.rest.of(u)[0]
    return line.rest.array(u, axes) + line.points[int(s)].array(x, axes) - line.rest.array(x, axes)


def right_slope(g: Node) -> Node:
    if g.op == "pow":
        base, e = g.args
        return mul(e, pow_(base, sub(e, ONE)))
    row = CALCULUS.get(g.attr)
    if row is None or row.partial is None or len(g.args) != 1:
        return g
    return instantiate(row.partial[0], {"x": g.args[0]})


def parts_of(f: Node, moves: Callable[[Node], bool]) -> Iterator[tuple[Node, bool]]:
    """Every node below, and whether it stands under something that moves as well: is part of a normaliser."""
    seen: set[Node] = set()
    stack = [(f, False)]
    while stack:
        g, under = stack.pop()
        if g in seen:
            continue
        seen.add(g)
        yield g, under
        for a in g.args:
            divides = g.op == "mul" and negative(a) and any(moves(h) for h in g.args if h is not a)
            stack.append((a, under or divides))


def negative(g: Node) -> bool:
    return g.op == "pow" and g.args[1].op == "num" and g.args[1].attr < 0


def close(x: float, y: float) -> bool:
    return bool(np.isfinite(x)) and abs(x - y) <= ROUGH * abs(y) + 1e-12


def beside(e: Evidence) -> Iterator[tuple[float, list[Any], float]]:
    """Factors that may stand beside a slip in the derivation: none, or the sign, or 2."""
    yield 1.0, [], 0.0
    yield -1.0, [("sign", {}, e.ours)], MISTAKES["sign"].cost + PAIR
    two = MISTAKES["constant"].cost + PAIR
    for c, text, other in ((0.5, "2", "1/2"), (2.0, "1/2", "2")):
        said = {"part": text, "other": other, "reason": text}
        yield c, [("constant", said, e.ours)], two
        yield -c, [("sign", {}, e.ours), ("constant", said, e.ours)], two + PAIR

