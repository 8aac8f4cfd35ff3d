"""Matrix identities on what is written: the last pass before an answer is printed.

Structural matching only: a row's names stand for whole sub-expressions.  Products and sums are matched as written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache

from ..lang.surface import Surface, walk
from ..lang.syntax import parse_expression
from ..rules.matrix import IDENTITY, MATRIX, MatrixRule


@cache
def _sides(rule: MatrixRule) -> tuple[Surface, Surface]:
    return parse_expression(rule.lhs), parse_expression(rule.rhs)


def rows(tree: Surface, form: Callable[[Surface], str], facts: Mapping[str, Collection[str]]) -> Surface:
    """The tree with the first row of MATRIX that fits its root applied; `form` tells a column from a matrix, `facts`
    what is declared of an array."""
    for rule in MATRIX:
        left, right = _sides(rule)
        env = matched(left, tree, {})
        if env is not None and allowed(rule, env["x"], form, facts):
            return filled(right, env)
    return tree


def is_identity(product: Surface, facts: Mapping[str, Collection[str]]) -> bool:
    """Whether a row of IDENTITY says that a product is the identity."""
    for rule in IDENTITY:
        env = matched(_sides(rule)[0], product, {})
        if env is not None and allowed(rule, env["x"], lambda x: "", facts):
            return True
    return False


def allowed(
    rule: MatrixRule, x: Surface, form: Callable[[Surface], str], facts: Mapping[str, Collection[str]]
) -> bool:
    """Whether a row holds of what its x stands for."""
    if (rule.bare or rule.fact) and x.op != "name":
        return False
    return (not rule.only or form(x) == rule.only) and (not rule.fact or rule.fact in facts.get(x.attr, ()))


def matched(p: Surface, tree: Surface, env: Mapping[str, Surface]) -> dict[str, Surface] | None:
    """What the names of the pattern stand for; None when it does not fit."""
    if p.op == "name":
        known = env.get(p.attr)
        return {**env, p.attr: tree} if known is None else dict(env) if known == tree else None
    if p.op != tree.op or (p.attr != tree.attr and p.op != "mul") or len(p.args) != len(tree.args):
        return None
    found = dict(env)
    for a, b in zip(p.args, tree.args, strict=True):
        more = matched(a, b, found)
        if more is None:
            return None
        found = more
    return found


def filled(p: Surface, env: Mapping[str, Surface]) -> Surface:
    if p.op == "name":
        return env[p.attr]
    return Surface(p.op, tuple(filled(a, env) for a in p.args), p.attr)


def put_in(tree: Surface, bodies: Mapping[str, Surface]) -> Surface:
    """Names replaced by the expressions they stand for."""
    if tree.op == "name":
        return bodies.get(tree.attr, tree)
    return Surface(tree.op, tuple(put_in(a, bodies) for a in tree.args), tree.attr)


def uses_of(tree: Surface, name: str) -> int:
    """How often a name is written."""
    return sum(1 for t in walk(tree) if t.op == "name" and t.attr == name)


WORSE = {"ones": 4, "onehot": 1, "diag": 3}


def reading_cost(tree: Surface) -> int:
    """How hard a written form is to read: its size, and more for devices that only move axes."""
    return sum(1 + (WORSE.get(t.attr, 0) if t.op == "call" else 0) for t in walk(tree))
