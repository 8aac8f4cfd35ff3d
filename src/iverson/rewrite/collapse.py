"""The algebra of brackets: products are spread over sums, and a sum that a bracket has decided keeps one term.

Glossary   a Term is c * sum[bound] product of factors; free indices are those of the question.
`sum[m] [m = j]*q[m] = q[j]`, through inner sums too; `[k != y]*[k = y] = 0`; `[r]*f + [not r]*f = f`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from ..core.affine import solved
from ..core.node import (
    ONE,
    ZERO,
    Node,
    add,
    bracket,
    coefficient,
    gap_of,
    is_integer,
    mul,
    negated,
    num,
    of_polynomial,
    open_,
    rel,
    substitute,
    sum_,
    transform,
    walk,
)

MOST_TERMS = 2000


@dataclass(frozen=True)
class Term:
    """`sum[bound] product(factors)`; the number in front is a factor."""

    bound: tuple[Node, ...]
    factors: tuple[Node, ...]

    def node(self) -> Node:
        return sum_(self.bound, mul(*self.factors))


def spread(f: Node, about: frozenset[Node]) -> list[Term]:
    """`f` as terms: products over sums multiplied out wherever a bracket in them could decide about the indices."""
    if not f.free & about or not holds_bracket(f) or (f.shifted and f.op != "mul" and not decides(f, about)):
        return [Term((), (f,))]
    if f.op == "add":
        return [t for a in f.args for t in spread(a, about)]
    if f.op == "mul":
        return _product([spread(a, about) for a in f.args])
    if f.op == "red" and f.attr[0] == "sum":
        bound, body, _ = open_(f)
        return [Term(bound + t.bound, t.factors) for t in spread(body, about)]
    if (
        f.op == "pow"
        and is_integer(f.args[1])
        and 2 <= f.args[1].attr <= 4
        and f.args[0].op in ("add", "red")
    ):
        return _product([spread(f.args[0], about) for _ in range(f.args[1].attr)])
    return [Term((), (f,))]


def holds_bracket(f: Node) -> bool:
    """Whether a bracket that compares indices stands anywhere in `f`."""
    if f.op in ("br", "deriv"):
        return True
    return f.op in ("add", "mul", "pow", "red") and any(map(holds_bracket, f.args))


def decides(f: Node, about: frozenset[Node]) -> bool:
    """Whether a bracket in `f` could settle one of the indices."""
    return any(g.op == "br" and g.args[0].attr == "=" and g.free & about for g in walk(f))


def _product(parts: list[list[Term]]) -> list[Term]:
    size = 1
    for p in parts:
        size *= len(p)
    if size > MOST_TERMS:
        return [Term((), tuple(sum_terms(p) for p in parts))]
    return [
        Term(tuple(i for t in choice for i in t.bound), tuple(x for t in choice for x in t.factors))
        for choice in product(*parts)
    ]


def sum_terms(terms: Iterable[Term]) -> Node:
    return add(*(t.node() for t in terms))


def decide(t: Term) -> Term:
    """Carry out every sum of the term that one of its brackets has decided."""
    bound, body = list(t.bound), mul(*t.factors)
    while True:
        found = _decision(bound, body)
        if found is None:
            return Term(tuple(bound), (body,))
        i, value = found
        bound.remove(i)
        body = mul(in_range(i, value), substitute(body, {i: value}))


def _decision(bound: list[Node], body: Node) -> tuple[Node, Node] | None:
    """A bound index that a bracket of the product sets equal to something else.

    Not to a label where the index runs along a part of an axis: the label would stand where it may be out of range."""
    for f in body.args if body.op == "mul" else (body,):
        if f.op == "br" and f.args[0].attr == "=":
            a, b = f.args[0].args
            for i, value in ((a, b), (b, a)):
                if i in bound and i not in value.free and (value.term or (value.op == "el" and i.attr[1].op != "add")):
                    return i, value
            gap = gap_of(f.args[0]) if a.op == "add" or b.op == "add" else None
            for i in bound if gap is not None else ():
                solution = solved(gap or {}, i) if i in f.free else None
                if solution is not None:
                    return i, of_polynomial(solution)
    return None


def in_range(i: Node, value: Node) -> Node:
    """1 where the value lies in the range of the index, 0 elsewhere: `[k >= 1]` where i + 1 = k.

    An index of the same size lies in it; so do a label and a constant where it is the range of a whole axis."""
    if value.op == "idx" and value.attr[1] is i.attr[1]:
        return ONE
    if value.op in ("num", "el") and i.attr[1].op == "size":
        return ONE
    return mul(bracket(rel(">=", value, ZERO)), bracket(rel("<", value, i.attr[1])))


def collapse(f: Node, about: frozenset[Node]) -> Node:
    """`f` with its brackets on the indices `about` used wherever they decide a sum."""
    return merge(add(*(decide(t).node() for t in spread(f, about))))


def merge(f: Node) -> Node:
    """`[r]*g + [not r]*g = g`, as often as it applies."""
    if f.op != "add":
        return f
    args = list(f.args)
    for p, a in enumerate(args):
        c, rest = coefficient(a)
        factors = rest.args if rest.op == "mul" else (rest,)
        for b in (x for x in factors if x.op == "br"):
            others = mul(*(x for x in factors if x is not b))
            twin = mul(num(c), _complement(b), others)
            if twin in args[p + 1 :] or twin in args[:p]:
                args.remove(a)
                args.remove(twin)
                return merge(add(*args, mul(num(c), others)))
    return f


def _complement(b: Node) -> Node:
    return bracket(negated(b.args[0]))


def contract(f: Node) -> Node:
    """Carry out every sum in `f`, at any depth, that a bracket has decided: `sum[i] [i = 7]*Y[i] = Y[7]`."""

    def step(g: Node) -> Node | None:
        if g.op == "add":
            return merge(g)
        if g.op != "red" or g.attr[0] != "sum":
            return None
        bound, body, _ = open_(g)
        about = _bracketed(bound, body)
        return sum_terms(decide(Term(bound + t.bound, t.factors)) for t in spread(body, about))

    return transform(f, step)


def _bracketed(bound: tuple[Node, ...], body: Node) -> frozenset[Node]:
    """Bound indices on which a bracket inside a sum of the body could decide."""
    found: set[Node] = set()
    for f in body.args if body.op == "mul" else (body,):
        if f.op == "add":
            for g in walk(f):
                if g.op == "br" and g.args[0].attr == "=":
                    a, b = g.args[0].args
                    found.update(i for i in bound if i in (a, b) or (a.term and b.term and i in g.free))
    return frozenset(found)
