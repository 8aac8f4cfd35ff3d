"""Kinks of one place that lie in several terms: at a tie the derivative takes one side for all of them.

Every kinked function has its own slope at its kink, and a sum of such slopes need not be a slope of the sum: with slope 0
at 0 for both, `relu(x) - relu(-x)`, which is x, would have the slope 0 there.  Where the terms of a derivative disagree so,
they are written by one bracket, and by none where both sides are equal.

Glossary   gap: what changes its sign at the kink, scaled to a positive lead; left, right, tie: the factor of the term
where the gap is negative, positive, 0.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction

from ..core.node import ZERO, Node, Number, add, bracket, coefficient, mul, num, reads, rel, sub, transform
from ..core.program import Program

# left, right, tie of a bracket on the gap, by its relation to 0
SIDES = {">": (0, 1, 0), ">=": (0, 1, 1), "<": (1, 0, 0), "<=": (1, 0, 1), "!=": (1, 1, 0)}
MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "!=": "!="}


@dataclass(frozen=True)
class Piece:
    """A term `factor * others`, the factor by the side on which the gap is."""

    gap: Node
    others: Node
    left: Number
    right: Number
    tie: Number


def moved_by(program: Program, name: str) -> set[str]:
    """The name and every definition that depends on it."""
    moved = {name}
    for d in program.definitions:
        if moved & reads(d.body):
            moved.add(d.name)
    return moved


def one_sided(f: Node, moved: Set[str]) -> Node:
    """A derivative with its ties settled, in brackets whose place moves with one of the names."""
    return transform(f, lambda g: settled(g, moved) if g.op == "add" else None)


def settled(f: Node, moved: Set[str]) -> Node | None:
    groups: dict[tuple[Node, Node], list[tuple[Node, Piece]]] = {}
    for t in f.args:
        p = piece(t, moved)
        if p is not None:
            groups.setdefault((p.gap, p.others), []).append((t, p))
    for rows in groups.values():
        left, right, tie = (sum(getattr(p, side) for _, p in rows) for side in ("left", "right", "tie"))
        if len(rows) > 1 and not min(left, right) <= tie <= max(left, right):
            gap, others = rows[0][1].gap, rows[0][1].others
            taken = [t for t, _ in rows]
            jump = mul(num(right - left), bracket(rel(">", gap, ZERO)), others)
            rest = [t for t in f.args if t not in taken]
            whole = add(*rest, mul(num(left), others), jump)
            return (settled(whole, moved) if whole.op == "add" else None) or whole
    return None


def piece(t: Node, moved: Set[str]) -> Piece | None:
    """A term as a piece; None where it has no bracket that moves, or several."""
    c, rest = coefficient(t)
    factors = rest.args if rest.op == "mul" else (rest,)
    found = [(x, s) for x in factors if (s := sides(x, moved)) is not None]
    if len(found) != 1:
        return None
    ((x, (gap, (left, right, tie))),) = found
    return Piece(gap, mul(*(g for g in factors if g is not x)), c * left, c * right, c * tie)


def sides(x: Node, moved: Set[str]) -> tuple[Node, tuple[int, int, int]] | None:
    """(gap, (left, right, tie)) of a bracket between values, or of a sign."""
    if x.op == "apply" and x.attr == "sign" and reads(x) & moved:
        gap, flipped = scaled(x.args[0])
        return gap, (1, -1, 0) if flipped else (-1, 1, 0)
    if x.op != "br" or x.args[0].attr not in SIDES or not reads(x) & moved:
        return None
    r = x.args[0]
    gap, flipped = scaled(sub(*r.args))
    return gap, SIDES[MIRROR[r.attr] if flipped else r.attr]


def scaled(gap: Node) -> tuple[Node, bool]:
    """The gap with 1 for its first coefficient, and whether that turned its sign."""
    terms = gap.args if gap.op == "add" else (gap,)
    c, _ = coefficient(terms[0])
    return add(*(mul(num(Fraction(1) / Fraction(c)), t) for t in terms)), c < 0
