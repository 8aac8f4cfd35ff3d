"""What is declared of the entries of inputs, used after differentiating: rows that sum to 1, Q'*Q = eye.

Glossary   but: inputs that are differentiated by, of which nothing may be used: it would not hold for their neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from ..core.node import Node, el, mul, open_, reads, sum_, transform
from ..core.program import Program
from ..rewrite.collapse import contract
from ..rewrite.match import fill, match
from ..rewrite.rule import Rule, pattern
from ..rules.facts import FACTS


def factual(f: Node, program: Program, but: Collection[str]) -> Node:
    """`f` shortened by what is declared."""
    for array, rules in rules_of(f, program, but):
        f = contract(transform(f, lambda g, array=array, rules=rules: by_facts(g, array, rules)))  # type: ignore[misc]
    return f


def used_facts(f: Node, program: Program, but: Collection[str]) -> list[tuple[str, Rule]]:
    """The rules, by array, that shorten `f`."""
    pairs = [(array, rule) for array, rules in rules_of(f, program, but) for rule in rules]
    return [(a, r) for a, r in pairs if transform(f, lambda g, a=a, r=r: by_facts(g, a, (r,))) is not f]  # type: ignore[misc]


def rules_of(f: Node, program: Program, but: Collection[str]) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    for n, i in program.inputs.items():
        rules = tuple(rule for fact in i.facts for rule in FACTS.get(fact, ())) if n not in but else ()
        if rules and n in reads(f):
            yield n, rules


def by_facts(g: Node, array: str, rules: tuple[Rule, ...]) -> Node | None:
    """A sum over entries of one array, alone or among other factors, or one entry, by the first rule that fits."""
    for rule in rules:
        made = _whole(g, array, rule) or _inside(g, array, rule)
        if made is not None:
            return made
    return None


def _whole(g: Node, array: str, rule: Rule) -> Node | None:
    env = next(iter(match(_about(rule.lhs, array), g, {})), None)
    if env is None:
        return None
    right = transform(_about(rule.rhs, array), lambda x: env.get(x.attr) if x.op == "el" else None)  # [i = j]
    return fill(right, env)


def _inside(g: Node, array: str, rule: Rule) -> Node | None:
    """The factors of a sum over several indices that one of them binds together."""
    if g.op != "red" or g.attr[0] != "sum":
        return None
    bound, body = opened(g)
    factors = body.args if body.op == "mul" else (body,)
    for k in bound:
        own = [x for x in factors if k in x.free]
        if all(x.op in ("el", "pow") and reads(x) == {array} for x in own) and (len(own) < len(factors) or len(bound) > 1):
            made = _whole(sum_((k,), mul(*own)), array, rule)
            if made is not None:
                return sum_([i for i in bound if i is not k], mul(made, *(x for x in factors if x not in own)))
    return None


def opened(f: Node) -> tuple[tuple[Node, ...], Node]:
    """A sum opened together with the sums among its factors."""
    bound, body, _ = open_(f)
    for x in body.args if body.op == "mul" else (body,):
        if x.op == "red" and x.attr[0] == "sum":
            more, inner, _ = open_(x)
            rest = [y for y in body.args if y is not x] if body.op == "mul" else []
            bound, body = (*bound, *more), mul(inner, *rest)
    return bound, body


@cache
def _about(text: str, array: str) -> Node:
    """The pattern with x standing for this very array."""
    return transform(pattern(text), lambda g: el(array, g.args) if g.op == "el" and g.attr == "?x" else None)
