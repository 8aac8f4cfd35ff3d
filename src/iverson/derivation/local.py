"""The derivative of one definition by one element, rule after rule, each application recorded.

Glossary   f: an expression; x: the element derived by, `s[i,j]` with fresh indices; deriv(f, x): not yet carried out.
The expression always stands whole: each recorded step turns every pending derivative of one kind at once, as a person
writes the next line.  Elementwise rules come from CALCULUS; this file knows sums, products and powers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..core.errors import IversonError
from ..core.node import (
    ONE,
    ZERO,
    Node,
    add,
    apply,
    bracket,
    div,
    el,
    idx,
    make,
    mul,
    open_,
    pow_,
    reads,
    reduce_,
    rel,
    sub,
    substitute,
    sum_,
    transform,
)
from ..core.program import Definition
from ..rewrite.collapse import collapse
from ..rewrite.match import part
from ..rewrite.rule import instantiate
from ..rewrite.trace import Section
from ..rules.calculus import CALCULUS, STRICT

MOST_STEPS = 400


def deriv(f: Node, x: Node) -> Node:
    """The pending derivative of `f` by the element `x`; 0 where `f` does not read that array."""
    return make("deriv", (f, x)) if x.attr in reads(f) else ZERO


def derive_local(section: Section) -> Node:
    """Carry the section's pending derivative through to its end, recording each line."""
    f = section.end
    for _ in range(MOST_STEPS):
        kind = _next(f)
        if kind is None:
            break
        f = section.step(kind, transform(f, partial(_apply, kind=kind)))
    return section.step("collapse", collapse(f, frozenset(section.target.free)))


def fold(d: Definition, f: Node) -> Node:
    """`f` with the value of the definition, at whatever indices, written by its name."""
    if d.body.op in ("el", "num", "size", "tensor", "const") or not d.body.free.issuperset(d.indices):
        return f
    holes = {i: idx(f"?{p}", i.attr[1]) for p, i in enumerate(d.indices)}
    body = substitute(d.body, holes)

    def step(g: Node) -> Node | None:
        if g.op == body.op and g.attr == body.attr:
            for env, rest in part(body, g, {}):
                terms = [(env[h.attr[0]], h.attr[1]) for h in holes.values()]
                if any(t.op == "idx" and t.attr[1] is not n for t, n in terms):
                    continue  # an index of another axis
                made = el(d.name, (t for t, _ in terms))
                whole = mul(made, *rest) if g.op == "mul" else add(made, *rest)
                return (step(whole) if whole.op == g.op else None) or whole
        return None

    return transform(f, step)


def _next(f: Node) -> str | None:
    """The rule of the first pending derivative, outermost first."""
    stack = [f]
    while stack:
        g = stack.pop()
        if g.op == "deriv":
            return rule_name(g.args[0])
        stack.extend(reversed(g.args))
    return None


def rule_name(f: Node) -> str:
    """Which rule derives this expression; the key of its words."""
    if f.op == "red":
        return f"{f.attr[0]}-of"
    if f.op == "apply":
        return f"derivative-of-{f.attr}"
    return {"add": "sum", "mul": "product", "pow": "power", "el": "element", "br": "bracket"}.get(f.op, f.op)


def _apply(g: Node, kind: str) -> Node | None:
    if g.op != "deriv" or rule_name(g.args[0]) != kind:
        return None
    f, x = g.args
    rule = RULES.get(f.op)
    if rule is None:
        raise IversonError("unsupported", f"There is no derivative rule for {f.op}.")
    return rule(f, x)


def _sum_rule(f: Node, x: Node) -> Node:
    return add(*(deriv(a, x) for a in f.args))


def _product_rule(f: Node, x: Node) -> Node:
    return add(*(mul(deriv(a, x), *f.args[:p], *f.args[p + 1 :]) for p, a in enumerate(f.args)))


def _power_rule(f: Node, x: Node) -> Node:
    base, e = f.args
    outer = mul(e, pow_(base, sub(e, ONE)), deriv(base, x))
    return add(outer, mul(f, apply("log", base), deriv(e, x)))


def _function_rule(f: Node, x: Node) -> Node:
    if f.attr in STRICT:
        return _choice_rule(f, x)
    row = CALCULUS.get(f.attr)
    if row is None and not f.attr.endswith("'"):
        return mul(apply(f.attr + "'", *f.args), deriv(f.args[0], x))
    if row is None or row.partial is None:
        raise IversonError(
            "unsupported",
            f"{f.attr} has no derivative rule.",
            why=row.why if row else "only f and f' of a declared function are known",
            hint=f"{f.attr} stands on the way from the loss to {x.attr}.",
        )
    values = dict(zip("xy", f.args, strict=False))
    parts = [(text, deriv(a, x)) for text, a in zip(row.partial, f.args, strict=True)]
    if any(not text and d is not ZERO for text, d in parts):
        raise IversonError("unsupported", f"{f.attr} has no derivative by this argument.", why=row.why)
    return add(*(mul(instantiate(text, values), d) for text, d in parts if text))


def _choice_rule(f: Node, x: Node) -> Node:
    """max and min of several: two at a time; an argument without inputs takes a tie."""
    first, *others = f.args
    second = others[0] if len(others) == 1 else apply(f.attr, *others)
    rows = CALCULUS[f.attr].partial
    assert rows is not None
    if not reads(first):
        return mul(instantiate(STRICT[f.attr], {"x": second, "y": first}), deriv(second, x))
    values = {"x": first, "y": second}
    return add(
        *(mul(instantiate(text, values), deriv(a, x)) for text, a in zip(rows, (first, second), strict=True))
    )


def _element_rule(f: Node, x: Node) -> Node:
    """One entry by another of the same array: 1 where all indices agree."""
    return mul(*(bracket(rel("=", a, b)) for a, b in zip(f.args, x.args, strict=True)))


def _reduction_rule(f: Node, x: Node) -> Node:
    bound, body, condition = open_(f)
    if f.attr[0] == "sum":
        return sum_(bound, deriv(body, x))
    if f.attr[0] == "prod":
        return _prod_rule(f, x)
    if f.attr[0] in ("max", "min"):
        best = mul(condition, bracket(rel("=", body, f)))
        return div(sum_(bound, mul(best, deriv(body, x))), sum_(bound, best))
    raise IversonError("unsupported", f"{f.attr[0]} has no derivative; it is an index.")


def _prod_rule(f: Node, x: Node) -> Node:
    """Each factor in turn, times the product of the others: no division, so a zero factor does no harm."""
    bound, body, condition = open_(f)
    others, other_body, other_condition = open_(f)
    equal = mul(*(bracket(rel("=", i, j)) for i, j in zip(others, bound, strict=True)))
    rest = reduce_("prod", others, other_body, mul(other_condition, sub(ONE, equal)))
    if len(bound) == 1:
        rest = reduce_(
            "prod", others, other_body, mul(other_condition, bracket(rel("!=", others[0], bound[0])))
        )
    return sum_(bound, mul(condition, rest, deriv(body, x)))


RULES: dict[str, Callable[[Node, Node], Node]] = {
    "add": _sum_rule,
    "mul": _product_rule,
    "pow": _power_rule,
    "apply": _function_rule,
    "el": _element_rule,
    "red": _reduction_rule,
    "br": lambda f, x: ZERO,
    "num": lambda f, x: ZERO,
    "size": lambda f, x: ZERO,
    "const": lambda f, x: ZERO,
    "idx": lambda f, x: ZERO,
}
