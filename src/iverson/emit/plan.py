"""What is computed, in which order, in stable form: definitions seen through, stable rows applied, repeats counted.

Glossary   kept: a definition that stays an array of its own because it holds a contraction; the others are put in where
they are used, so that the stable rows see log(sigmoid(z)) and exp(s)/sum exp(s) whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..core.node import (
    MINUS,
    Node,
    add,
    apply,
    el,
    make,
    mul,
    neg,
    num,
    open_,
    pow_,
    reads,
    substitute,
    sum_,
    transform,
)
from ..core.program import Definition, Program, inline
from ..derivation.answer import Answer, needed
from ..derivation.naming import abstract, everywhere_in
from ..derivation.signs import away_from_zero, bounded, nonnegative, tame
from ..lang.lower import contracts
from ..rewrite.collapse import contract
from ..rewrite.match import everywhere
from ..rules.exact import EXACT, SLOPES
from ..rules.stable import STABLE
from .windows import Piece, pieces, shortened


@dataclass(frozen=True)
class Plan:
    """Definitions in order of computation; `outputs` are the names that are returned; `repeats` counts parts by key.

    pieces   bodies that are put together from terms over parts of their axes, by name
    """

    definitions: tuple[Definition, ...]
    outputs: tuple[str, ...]
    repeats: Mapping[Node, int]
    pieces: Mapping[str, Sequence[Piece]] = field(default_factory=dict)


def plan(program: Program, wanted: Sequence[Definition], pool: Sequence[Definition]) -> Plan:
    """The plan that computes the wanted definitions, reading others from the pool."""
    rows: dict[str, Definition] = {}
    for d in wanted:
        for q in (*needed(d, pool), d):
            rows.setdefault(q.name, q)
    names = {d.name for d in wanted}.union(*(reads(d.body) for d in rows.values() if d.body.op == "tensor"))
    inner = {n: d for n, d in rows.items() if n not in names and not keeps(d)}
    kept = [replace(d, body=stable(inline(d.body, inner), set(program.inputs))) for n, d in rows.items() if n not in inner]
    live = guarded(reached(adjugates(kept), {d.name for d in wanted}), program.definitions)
    return planned(live, [d.name for d in wanted])


def planned(definitions: Sequence[Definition], outputs: Sequence[str]) -> Plan:
    """The plan of definitions as they are, those that the outputs read."""
    live = reached(definitions, outputs)
    counts: Counter[Node] = Counter()
    split = {d.name: found for d in live if d.body.op != "tensor" and (found := pieces(d.body, d.indices))}
    for d in live:
        for body in [p.term for p in split[d.name]] if d.name in split else [d.body]:
            counts.update(worth_sharing(body))
    return Plan(tuple(live), tuple(outputs), counts, split)


def adjugates(definitions: Sequence[Definition]) -> list[Definition]:
    """det(A)*inv(A) computed as the adjugate of A, which is finite where A is singular."""
    dets, inverses = ({d.name: d.body.attr[1] for d in definitions if d.body.op == "tensor" and d.body.attr[0] == f}
                      for f in ("det", "inv"))
    made: dict[str, Definition] = {}
    done: list[Definition] = []
    byname = {d.name: d for d in definitions}

    def step(g: Node) -> Node | None:
        if g.op != "mul":
            return None
        for x in g.args:
            base, e = (x.args[0], x.args[1]) if x.op == "pow" else (x, num(1))
            if base.op != "el" or base.attr not in dets or e.op != "num" or e.attr < 1:
                continue
            for y in g.args:
                if y.op == "el" and y.attr in inverses and inverses[y.attr] == dets[base.attr] and not base.args:
                    source = inverses[y.attr]
                    name = f"adj_{source}"
                    made[name] = replace(byname[y.attr], name=name, body=make("tensor", (), ("adj", source)), written=None)
                    rest = [z for z in g.args if z is not x and z is not y]
                    return mul(el(name, y.args), pow_(base, num(e.attr - 1)), *rest)
        return None

    for d in definitions:
        before = set(made)
        new = d if d.body.op == "tensor" else replace(d, body=transform(d.body, step))
        done += [made[n] for n in made if n not in before]
        done.append(new)
    return done


def keeps(d: Definition) -> bool:
    """Whether a definition is an array of its own: a contraction, a whole-matrix function, a gradient."""
    if d.body.op == "tensor" or (d.name.startswith("d") and not d.introduced and d.written is None):
        return True
    return any(
        (contracts(g) and not weighs(g)) or (g.op == "red" and g.attr[0] in ("prod", "max", "min"))
        for g in everywhere_in(d.body)
    )


def weighs(g: Node) -> bool:
    """A weighted sum of exponentials, which the stable rows have to see under its logarithm."""
    return any(x.op == "apply" and x.attr == "exp" for x in g.args[0].args)


def reached(definitions: Sequence[Definition], names: Iterable[str]) -> list[Definition]:
    """Those that the named ones still read, in order."""
    byname = {d.name: d for d in definitions}
    found: set[str] = set()
    stack = list(names)
    while stack:
        n = stack.pop()
        if n in byname and n not in found:
            found.add(n)
            body = byname[n].body
            stack.extend(reads(body))
    return [d for d in definitions if d.name in found]


def stable(f: Node, taken: Container[str] = ()) -> Node:
    """`f` with the stable rows applied and exclusions `[k != t]` under a sum written as a difference.

    taken   names of the user's functions: rows that call another function of that name are left out
    """
    if f.op == "tensor":
        return f
    before, after = ([r for r in rows if not any(c in taken for c in r.calls)] for rows in (SLOPES, EXACT))
    return merged(shortened(excluded(contract(everywhere((*before, *STABLE, *after), f)))))


def merged(f: Node) -> Node:
    """Products of sums in a sum as one sum, where the inner one would be an array of three axes or more."""

    def step(g: Node) -> Node | None:
        body = g.args[0] if g.op == "red" and g.attr[0] == "sum" else None
        if body is None or body.op != "mul" or not any(wide(x) for x in body.args):
            return None
        bound, body, _ = open_(g)
        inner = next(x for x in body.args if wide(x))
        more, factors, _ = open_(inner)
        return sum_((*bound, *more), mul(factors, *(x for x in body.args if x is not inner)))

    return transform(f, step)


def wide(f: Node) -> bool:
    """A sum of products of entries over more axes than a matrix has."""
    return f.op == "red" and f.attr[0] == "sum" and len(f.free) > 2 and all(x.op == "el" for x in f.args[0].args)


def guarded(definitions: Sequence[Definition], forward: Sequence[Definition]) -> list[Definition]:
    """Slopes of roots are 0 where the root has its least value 0: x/norm2(x) is 0 at x = 0.

    forward   the loss's own definitions, whether or not they are computed: what they divide by is left as it is
    """
    names = {d.name for d in forward}
    own = [*forward, *(d for d in definitions if d.name in names)]
    divided = {b for d in own for b, _ in inverse_roots(d.body)}
    return [d if d.name in names else replace(d, body=without_poles(d.body, divided)) for d in definitions]


def inverse_roots(f: Node) -> Iterable[tuple[Node, Node]]:
    """(key of the base, power) of every negative power of what is at least 0."""
    for g in everywhere_in(f):
        if g.op == "pow" and g.args[1].op == "num" and g.args[1].attr < 0:
            if nonnegative(g.args[0]) and not away_from_zero(g.args[0]):
                yield abstract(g.args[0])[0], g


def without_poles(f: Node, divided: Container[Node]) -> Node:
    poles = {g: pow_(apply("nonzero", pow_(g.args[0], neg(g.args[1]))), MINUS)
             for key, g in inverse_roots(f) if g.args[1].attr >= -1 + (g.args[0].op != "apply") / 4 and key not in divided}
    return transform(f, poles.get) if poles else f


def excluded(f: Node) -> Node:
    """`sum[m] [m != t]*g(m)` as `sum[m] g(m) - g(t)`, where g(t) is bounded: a large one would take the digits of the
    others with it."""

    def step(g: Node) -> Node | None:
        if g.op != "red" or g.attr[0] != "sum":
            return None
        bound, body, _ = open_(g)
        for b in body.args if body.op == "mul" else ():
            if b.op == "br" and b.args[0].attr == "!=" and b.args[0].args[0] in bound:
                m, t = b.args[0].args
                rest = mul(*(x for x in body.args if x is not b))
                left_out = substitute(rest, {m: t})
                if m not in t.free and t.op in ("el", "num") and tame(rest) and (bounded(rest) or bounded(left_out)):
                    others = [i for i in bound if i is not m]
                    return add(sum_(bound, rest), neg(sum_(others, left_out)))
        return None

    return transform(f, step)


def worth_sharing(f: Node) -> Iterable[Node]:
    """Keys of the parts that cost something: functions, sums, powers, differences, value brackets, gathers."""
    for g in everywhere_in(f):
        if costly(g):
            yield abstract(g)[0]


def costly(g: Node) -> bool:
    if g.op in ("apply", "red", "add"):
        return bool(reads(g))
    if g.op == "br":
        return bool(g.free) and all(a.op not in ("idx",) for a in g.args[0].args)
    if g.op == "el":  # rows that labels pick: U[u]
        return len(g.free) > 1 and any(t.op == "el" for t in g.args)
    return g.op == "pow" and bool(g.free) and g.args[1] is not num(2) and g.args[1] is not num(-1)


def gradient_plan(program: Program, answers: Mapping[str, Answer], value: bool) -> Plan:
    """The loss (where asked for) and the gradients together."""
    pool: dict[str, Definition] = {d.name: d for d in program.definitions}
    for a in answers.values():
        for d in a.program:
            pool.setdefault(d.name, d)
    wanted = [program.definition(program.result)] if value else []
    wanted += [a.program[-1] for a in answers.values()]
    return plan(program, wanted, list(pool.values()))
