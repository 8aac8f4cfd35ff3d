"""What is known of the sign and the finiteness of a node wherever its arrays are finite.

Proofs only: False means that nothing is known.  The functions are rows; knows no derivative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from ..core.node import Node, Number, is_integer
from .naming import everywhere_in

MOST_BRACKETS = 6
NONNEGATIVE = frozenset({"exp", "sigmoid", "softplus", "cosh", "abs", "sech_squared"})
BOUNDED = frozenset({"sin", "cos", "tanh", "sigmoid", "arctan", "erf", "erfc", "sign", "sech_squared"})
UNBOUNDED = frozenset({"log", "log1p", "exp", "expm1", "tan", "sinh", "cosh", "arcsin", "arccos", "entropy", "entropy_complement",
    "arccosh", "arctanh", "erfinv", "gamma", "gammaln", "digamma", "polygamma", "logit", "xlogy"})


def nonnegative(f: Node) -> bool:
    """At least 0, and so without slope where it is 0: even powers, sizes, and sums and products of such."""
    if f.op == "num":
        return f.attr >= 0
    if f.op in ("size", "br", "const"):
        return True
    if f.op == "pow":
        e = f.args[1]
        return (is_integer(e) and e.attr % 2 == 0) or nonnegative(f.args[0])
    if f.op == "apply":
        return f.attr in NONNEGATIVE or (f.attr == "max" and any(map(nonnegative, f.args)))
    if f.op == "red":
        return f.attr[0] in ("sum", "prod", "max", "min") and nonnegative(f.args[0])
    return f.op in ("add", "mul") and all(map(nonnegative, f.args))


def away_from_zero(f: Node) -> bool:
    """More than some positive number, so that it does not underflow either: `1 + exp(x)`, not `exp(x)`."""
    if f.op == "num":
        return f.attr > 0
    if f.op in ("size", "const"):
        return True
    if f.op == "apply":
        return f.attr == "cosh" or (f.attr == "max" and any(map(away_from_zero, f.args)))
    if f.op == "add":
        return nonnegative(f) and any(map(away_from_zero, f.args))
    if f.op == "pow":
        return away_from_zero(f.args[0]) and nonnegative(f.args[1])
    if f.op == "red":
        return f.attr[0] in ("sum", "prod", "max", "min") and away_from_zero(f.args[0]) and f.args[1].op == "num"
    return f.op == "mul" and all(map(away_from_zero, f.args))


def bounded(f: Node) -> bool:
    """Of moderate size whatever its arrays are: numbers, brackets, functions with bounded values, sums and products
    of such."""
    if f.op in ("num", "br", "const"):
        return True
    if f.op == "apply":
        return f.attr in BOUNDED or (f.attr in ("max", "min", "abs") and all(map(bounded, f.args)))
    if f.op == "pow":
        return is_integer(f.args[1]) and f.args[1].attr >= 1 and bounded(f.args[0])
    return f.op in ("add", "mul") and all(map(bounded, f.args))


def tame(f: Node) -> bool:
    """Finite wherever its arrays are, so that 0 times it is 0."""
    return not any(wild(g) for g in everywhere_in(f))


def wild(g: Node) -> bool:
    """An operation that may give inf or nan: a logarithm, what overflows, a power that is not a whole one."""
    if g.op == "apply":
        return g.attr in UNBOUNDED
    return g.op == "pow" and not (is_integer(g.args[1]) and g.args[1].attr >= 1) and not away_from_zero(g.args[0])


def indicator(f: Node) -> bool:
    """0 or 1 by comparing: a bracket, or `[a or b]`, which is a sum of such; not `[a] + [b]`, which may be 2."""
    if f.op == "br":
        return True
    if f.op not in ("add", "mul"):
        return False
    brackets = [g for g in dict.fromkeys(leaves(f)) if g.op == "br"]
    if not 0 < len(brackets) <= MOST_BRACKETS or any(g.op not in ("br", "num") for g in leaves(f)):
        return False
    sides = product((0, 1), repeat=len(brackets))
    return all(worth(f, dict(zip(brackets, side, strict=True))) in (0, 1) for side in sides)


def leaves(f: Node) -> list[Node]:
    """What sums and products of `f` are made of."""
    return [g for a in f.args for g in leaves(a)] if f.op in ("add", "mul") else [f]


def worth(f: Node, sides: Mapping[Node, int]) -> Number:
    """The value of a sum of products of brackets and numbers."""
    if f.op in ("add", "mul"):
        values = [worth(a, sides) for a in f.args]
        return sum(values) if f.op == "add" else prod(values)
    return f.attr if f.op == "num" else sides[f]


def strong(factors: Sequence[Node]) -> tuple[list[Node], list[Node], list[Node]]:
    """(indicators, factors that may be inf or nan, the others) where a false indicator has to win; else two are empty."""
    held = [f for f in factors if indicator(f)]
    loose = [f for f in factors if not indicator(f) and not tame(f)] if held else []
    if not loose:
        return [], [], list(factors)
    return held, loose, [f for f in factors if f not in held and f not in loose]


def pointed(g: Node) -> bool:
    """A root, of what is never negative and can be 0, that comes to its 0 with a slope: of a square, not of a fourth power."""
    if g.op != "pow" or g.args[1].op != "num" or not 0 < g.args[1].attr < 1:
        return False
    base, e = g.args
    return nonnegative(base) and not away_from_zero(base) and degree(base) * e.attr <= 1


def steep(g: Node) -> bool:
    """A broken power that does not come to 0 flat: a root, or one over a root."""
    return g.op == "pow" and g.args[1].op == "num" and bool(g.args[1].attr % 1) and degree(g.args[0]) * g.args[1].attr <= 1


def smoothed(g: Node) -> bool:
    """A power of a pointed root that comes to 0 flat: norm2(x)^2."""
    if g.op != "pow" or g.args[1].op != "num" or not pointed(g.args[0]):
        return False
    base, e = g.args[0].args
    return degree(base) * e.attr * g.args[1].attr > 1


def degree(f: Node) -> Number:
    """The least power with which a sum of powers leaves 0; 1 where it is not known."""
    if f.op == "pow" and f.args[1].op == "num":
        return degree(f.args[0]) * f.args[1].attr
    if f.op in ("add", "red"):
        return min(degree(a) for a in f.args[: 1 if f.op == "red" else None])
    if f.op == "mul":
        return max(degree(a) for a in f.args)
    return 1
