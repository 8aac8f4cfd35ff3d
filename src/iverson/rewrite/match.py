"""Matching nodes against patterns: products and sums in any order with a rest, metavariables that depend on indices.

Glossary   p: pattern; f: node; env: what the metavariables and pattern indices stand for so far.
`x[m]` under `sum[m]` binds x to a function of m; `x[k]` with k free then asks for a term t with x(t) equal to the node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..core.node import (
    ONE,
    Node,
    add,
    coefficient,
    fresh,
    mul,
    num,
    open_,
    pow_,
    reduce_,
    substitute,
    transform,
    walk,
)
from .rule import Rule, pattern

Env = dict[str, Any]


def rewrite(rule: Rule, f: Node) -> Node | None:
    """`f` with the rule applied at its root, to a part of a product or sum if need be; None when it does not apply."""
    for env, rest in part(pattern(rule.lhs), f, {}):
        if rule.unless and holds(env, rule.unless):
            continue
        if not all(is_mask(env["?" + n][1]) for n in rule.masks):
            continue
        made = fill(pattern(rule.rhs, rule.calls), env)
        return mul(made, *rest) if f.op == "mul" else add(made, *rest) if f.op == "add" else made
    return None


def holds(env: Env, kind: str) -> bool:
    """Whether what was matched holds a reduction of this kind."""
    bodies = [v[1] for v in env.values() if isinstance(v, tuple)]
    return any(g.op == "red" and g.attr[0] == kind for b in bodies for g in walk(b))


def is_mask(f: Node) -> bool:
    """Whether a node is a product of brackets, 1 or 0."""
    return all(x.op == "br" for x in (f.args if f.op == "mul" else (f,)))


def part(p: Node, f: Node, env: Env) -> Iterator[tuple[Env, list[Node]]]:
    """Matches of `p` with `f` or, for products and sums, with some of its arguments; the others are the rest."""
    if p.op in ("mul", "add") and f.op == p.op:
        yield from _some(_ordered(p), list(f.args), env, p.op)
    elif p.op == "mul" and f.op != "mul":
        yield from _some(_ordered(p), [f], env, p.op)
    else:
        yield from ((e, []) for e in match(p, f, env))


def _ordered(p: Node) -> list[Node]:
    """Arguments that bind the most first: reductions, then functions, then metavariables."""

    def binds(a: Node) -> int:
        if a.op in ("red", "num"):
            return 0
        if a.op == "pow" and a.args[0].op == "red":
            return 0
        return 2 if a.op == "el" else 1

    return sorted(p.args, key=binds)


def _some(
    patterns: list[Node], args: list[Node], env: Env, op: str
) -> Iterator[tuple[Env, list[Node]]]:
    if not patterns:
        yield env, args
        return
    first, *others = patterns
    for n, a in enumerate(args):
        left = args[:n] + args[n + 1 :]
        for e, remains in _factor(first, a) if op == "mul" else ((a, []),):
            for e2 in match(first, e, env):
                yield from _some(others, left + remains, e2, op)


def _factor(p: Node, a: Node) -> Iterator[tuple[Node, list[Node]]]:
    """A factor as it is, or the part of a power that the pattern asks for: z^-2 holds z^-1."""
    yield a, []
    if a.op == "pow" and a.args[1].op == "num":
        wanted = p.args[1].attr if p.op == "pow" and p.args[1].op == "num" else 1 if p.op != "num" else None
        e = a.args[1].attr
        if wanted is not None and wanted != e and e * wanted > 0 and abs(e) > abs(wanted):
            yield pow_(a.args[0], num(wanted)), [pow_(a.args[0], num(e - wanted))]


def match(p: Node, f: Node, env: Env) -> Iterator[Env]:
    """All ways in which `p` stands for `f`."""
    if p.op == "el" and p.attr.startswith("?"):
        yield from _metavariable(p, f, env)
    elif p.op == "idx":
        yield from _index(p, f, env)
    elif p.op != f.op:
        return
    elif p.op == "red":
        yield from _reduction(p, f, env)
    elif p.op in ("mul", "add"):
        yield from _whole(p, f, env)
    elif p.attr == f.attr and len(p.args) == len(f.args):
        yield from _all(list(zip(p.args, f.args, strict=True)), env)


def _whole(p: Node, f: Node, env: Env) -> Iterator[Env]:
    """All of a product or sum: a last metavariable takes everything the others leave."""
    *others, last = _ordered(p)
    absorbs = last.op == "el"
    for e, rest in _some(others if absorbs else [*others, last], list(f.args), env, f.op):
        if absorbs and rest:
            yield from match(last, mul(*rest) if f.op == "mul" else add(*rest), e)
        elif not absorbs and not rest:
            yield e


def _all(pairs: list[tuple[Node, Node]], env: Env) -> Iterator[Env]:
    if not pairs:
        yield env
        return
    for e in match(*pairs[0], env):
        yield from _all(pairs[1:], e)


def _index(p: Node, f: Node, env: Env) -> Iterator[Env]:
    known = env.get(p.attr[0])
    if known is None and p.attr[0].startswith("?"):
        yield env | {p.attr[0]: f}
    elif known is f or p is f:
        yield env


def _reduction(p: Node, f: Node, env: Env) -> Iterator[Env]:
    if p.attr[0] != f.attr[0] or len(p.attr[1]) != len(f.attr[1]):
        return
    bound, body, condition = open_(f)
    names = dict(zip(p.attr[1], bound, strict=True))
    yield from _all([(substitute(p.args[0], names), body), (substitute(p.args[1], names), condition)], env)


def _metavariable(p: Node, f: Node, env: Env) -> Iterator[Env]:
    known = env.get(p.attr)
    terms = [env.get(t.attr[0], t) if t.op == "idx" else t for t in p.args]
    if known is not None:
        yield from _known(known, p, terms, f, env)
    elif all(t.op == "idx" and not t.attr[0].startswith("?") for t in terms):
        yield env | {p.attr: (tuple(terms), f)}


def _known(
    known: tuple[tuple[Node, ...], Node], p: Node, terms: list[Node], f: Node, env: Env
) -> Iterator[Env]:
    names, body = known
    open_terms = {
        n: t for n, t in zip(names, terms, strict=True) if t.op == "idx" and t.attr[0].startswith("?")
    }
    body = substitute(body, {n: t for n, t in zip(names, terms, strict=True) if n not in open_terms})
    if not open_terms:
        if body is f:
            yield env
        return
    for e in solve(body, f, frozenset(open_terms), {}):
        if substitute(body, dict(e)) is f:
            yield env | {open_terms[n].attr[0]: t for n, t in e.items()}


def solve(
    body: Node, f: Node, holes: frozenset[Node], found: Mapping[Node, Node]
) -> Iterator[Mapping[Node, Node]]:
    """Index terms for the holes that make `body` equal to `f`, read off by walking both together."""
    if body in holes:
        if found.get(body, f) is f:
            yield {**found, body: f}
    elif not body.free & holes:
        yield found
    elif body.op == f.op and len(body.args) == len(f.args):
        pairs = [found]
        for a, b in zip(body.args, f.args, strict=True):
            pairs = [e2 for e in pairs for e2 in solve(a, b, holes, e)]
        yield from pairs


def fill(p: Node, env: Env) -> Node:
    """The pattern with what was matched in its place."""
    sizes = [
        i.attr[1] for key, v in env.items() if key.startswith("?") and isinstance(v, tuple) for i in v[0]
    ]

    def step(g: Node) -> Node | None:
        if g.op == "idx" and g.attr[0] in env:
            return env[g.attr[0]]
        if g.op == "el" and g.attr.startswith("?"):
            names, body = env[g.attr]
            return substitute(body, dict(zip(names, g.args, strict=True)))
        if g.op == "br" and g.args[0].attr == "=" and ONE in g.args[0].args:
            return next((a for a in g.args[0].args if a is not ONE and is_mask(a)), None)
        return None

    return transform(_sized(p, sizes), step)


def _sized(p: Node, sizes: list[Node]) -> Node:
    """Bound indices of the pattern take the size of the matched ones."""

    def step(g: Node) -> Node | None:
        if g.op == "red" and sizes:
            bound, body, condition = open_(g)
            names = {i: fresh(sizes[0]) for i in bound}
            return reduce_(g.attr[0], names.values(), substitute(body, names), substitute(condition, names))
        return None

    return transform(p, step)


def everywhere(rules: tuple[Rule, ...], f: Node, most: int = 200) -> Node:
    """One rule after the other, each from the leaves up until it no longer applies; fuel bounds the rest."""
    held = parts(f)
    for rule in rules:
        if asked(rule.lhs) <= held:
            g = _one_rule(rule, f, most)
            f, held = g, held if g is f else parts(g)
    return f


def parts(f: Node) -> frozenset[str]:
    """The functions a node applies and the kinds of its reductions."""
    return frozenset(g.attr if g.op == "apply" else g.attr[0] for g in walk(f) if g.op in ("apply", "red"))


@cache
def asked(lhs: str) -> frozenset[str]:
    """What has to stand in a node for a rule to match a part of it."""
    return parts(pattern(lhs))


def _one_rule(rule: Rule, f: Node, fuel: int) -> Node:
    def step(g: Node) -> Node | None:
        nonlocal fuel
        changed = None
        while fuel and quick(rule, g):
            new = rewrite(rule, g)
            if new is None or new is g:
                return changed
            fuel -= 1
            changed = g = new
        return changed

    return transform(f, step)


def quick(rule: Rule, f: Node) -> bool:
    """A cheap test that a rule could apply: the root operations agree."""
    p = pattern(rule.lhs)
    if p.op == "mul":
        return f.op in ("mul", "pow", "apply")
    return p.op == f.op and (p.op != "apply" or p.attr == f.attr) and coefficient(p)[0] == 1
