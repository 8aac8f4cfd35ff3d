"""The least and the largest value that a node may have, by interval arithmetic; declared structure counts.

Proofs only: (-inf, inf) means that nothing is known.  Ends are floats, rounded nowhere that decides a sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from ..core.node import Node, is_integer, open_
from ..core.program import Program
from ..rules.convexity import ENTRIES, THROUGH_ZERO, VALUES

Interval = tuple[float, float]
ANY: Interval = (-inf, inf)


class Intervals:
    """Intervals of the nodes of one program; `known` says more of arrays by name, `sure` of nodes."""

    def __init__(self, program: Program, known: Mapping[str, Interval] | None = None) -> None:
        self.program, self.known = program, known or {}
        self.definitions = {d.name: d for d in program.definitions}
        self.memo: dict[Node, Interval] = {}

    def of(self, f: Node) -> Interval:
        if f not in self.memo:
            self.memo[f] = getattr(self, f"_{f.op}", lambda g: ANY)(f)
        return self.memo[f]

    def nonnegative(self, f: Node) -> bool:
        return self.of(f)[0] >= 0

    def nonpositive(self, f: Node) -> bool:
        return self.of(f)[1] <= 0

    def _num(self, f: Node) -> Interval:
        return float(f.attr), float(f.attr)

    def _const(self, f: Node) -> Interval:
        return (3.0, 4.0) if f.attr == "pi" else ANY

    def _size(self, f: Node) -> Interval:
        return 1.0, inf

    def _idx(self, f: Node) -> Interval:
        return 0.0, inf

    def _br(self, f: Node) -> Interval:
        return 0.0, 1.0

    def _el(self, f: Node) -> Interval:
        if f.attr in self.known:
            return self.known[f.attr]
        if f.attr in self.definitions:
            d = self.definitions[f.attr]
            return self.of_whole(d.body.attr, f) if d.body.op == "tensor" else self.of(d.at(f.args))
        i = self.program.inputs.get(f.attr)
        if i is None:
            return ANY
        if i.type.classes is not None or (i.default is not None and i.default > 0):
            return 0.0, inf
        found = [ENTRIES[x] for x in i.facts if x in ENTRIES]
        if "spd" in i.facts and f.args[0] is f.args[1]:
            found.append((0.0, inf))
        return (max(a for a, _ in found), min(b for _, b in found)) if found else ANY

    def of_whole(self, call: Sequence[str], f: Node) -> Interval:
        """Norms are at least 0, and so is the diagonal of a function of a positive definite matrix."""
        i = self.program.inputs.get(call[1])
        spd = i is not None and "spd" in i.facts
        even = len(f.args) == 2 and f.args[0] is f.args[1]
        norm = call[0] in ("nuclear", "spectral", "trexpm")
        positive = call[0] in ("det", "lambda_max", "lambda_min", "trsqrtm") or (even and call[0] in ("inv", "sqrtm", "expm"))
        return (0.0, inf) if norm or (spd and positive) else ANY

    def _add(self, f: Node) -> Interval:
        ends = [self.of(a) for a in f.args]
        return sum(a for a, _ in ends), sum(b for _, b in ends)

    def _mul(self, f: Node) -> Interval:
        low, high = 1.0, 1.0
        for a in f.args:
            p, q = self.of(a)
            ends = [times(x, y) for x in (low, high) for y in (p, q)]
            low, high = min(ends), max(ends)
        return low, high

    def _pow(self, f: Node) -> Interval:
        base, e = f.args
        low, high = self.of(base)
        if not is_integer(e):
            return (1.0 if low >= 1 and self.nonnegative(e) else 0.0), inf
        if e.attr > 0:
            return whole_power(low, high, e.attr)
        if e.attr % 2 == 0:
            return 0.0, inf
        return (0.0 if low >= 0 else -inf, 0.0 if high <= 0 else 1 / low if low >= 1 else inf)

    def _apply(self, f: Node) -> Interval:
        if f.attr in ("max", "min"):
            ends = [self.of(a) for a in f.args]
            pick = max if f.attr == "max" else min
            return pick(a for a, _ in ends), pick(b for _, b in ends)
        low, high = VALUES.get(f.attr, ANY)
        if f.attr in THROUGH_ZERO:
            a, b = self.of(f.args[0])
            return (0.0 if a >= 0 else low), (0.0 if b <= 0 else high)
        return low, high

    def _red(self, f: Node) -> Interval:
        _, body, condition = open_(f)
        low, high = self.of(body)
        if f.attr[0] == "sum":
            return (0.0 if low >= 0 else -inf), (0.0 if high <= 0 else inf)
        if f.attr[0] in ("max", "min"):
            return (low, high) if condition.op == "num" else ANY
        if f.attr[0] == "prod":
            return (0.0 if low >= 0 else -inf), (1.0 if low >= 0 and high <= 1 else inf)
        return (0.0, inf) if f.attr[0].startswith("arg") else ANY


def times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def whole_power(low: float, high: float, e: int) -> Interval:
    if e % 2:
        return power(low, e), power(high, e)
    least = 0.0 if low <= 0 <= high else min(power(low, e), power(high, e))
    return least, max(power(low, e), power(high, e))


def power(x: float, e: int) -> float:
    try:
        return x**e
    except OverflowError:
        return inf if x > 0 or e % 2 == 0 else -inf


def in_domain(program: Program, wrt: Sequence[str]) -> set[str]:
    """Scalar variables that a logarithm or a root in the result asks to be at least 0, wherever it is."""
    found: set[str] = set()

    def go(f: Node) -> None:
        root = f.op == "pow" and f.args[1].op == "num" and not is_integer(f.args[1])
        if (root or (f.op == "apply" and f.attr == "log")) and f.args[0].op == "el" and f.args[0].attr in wrt and not f.args[0].args:
            found.add(f.args[0].attr)
        if f.op in ("add", "mul", "pow", "apply") and not any(a.op == "br" for a in f.args):
            for a in f.args:
                go(a)

    go(program.definition(program.result).body)
    return found
