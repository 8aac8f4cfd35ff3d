"""What is computed, in which order, in stable form: definitions seen through, stable rows applied, repeats counted.

Glossary   kept: a definition that stays an array of its own because it holds a contraction; the others are put in where
they are used, so that the stable rows see log(sigmoid(z)) and exp(s)/sum exp(s) whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..core.node import Node, add, mul, neg, num, open_, reads, substitute, sum_, transform
from ..core.program import Definition, Program, inline
from ..derivation.answer import Answer, needed
from ..derivation.naming import abstract, everywhere_in
from ..lang.lower import contracts
from ..rewrite.collapse import contract
from ..rewrite.match import everywhere
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
    names = {d.name for d in wanted} | {d.body.attr[1] for d in rows.values() if d.body.op == "tensor"}
    inner = {n: d for n, d in rows.items() if n not in names and not keeps(d)}
    kept = [replace(d, body=stable(inline(d.body, inner))) for n, d in rows.items() if n not in inner]
    live = reached(kept, {d.name for d in wanted})
    counts: Counter[Node] = Counter()
    split = {d.name: found for d in live if d.body.op != "tensor" and (found := pieces(d.body, d.indices))}
    for d in live:
        for body in [p.term for p in split[d.name]] if d.name in split else [d.body]:
            counts.update(worth_sharing(body))
    return Plan(tuple(live), tuple(d.name for d in wanted), counts, split)


def keeps(d: Definition) -> bool:
    """Whether a definition is an array of its own: a contraction, a whole-matrix function, a gradient."""
    if d.body.op == "tensor" or (d.name.startswith("d") and not d.introduced and d.written is None):
        return True
    return any(
        contracts(g) or (g.op == "red" and g.attr[0] in ("prod", "max", "min")) for g in everywhere_in(d.body)
    )


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
            stack.extend(reads(body) | ({body.attr[1]} if body.op == "tensor" else set()))
    return [d for d in definitions if d.name in found]


def stable(f: Node) -> Node:
    """`f` with the stable rows applied and exclusions `[k != t]` under a sum written as a difference."""
    return f if f.op == "tensor" else shortened(excluded(contract(everywhere(STABLE, f))))


def excluded(f: Node) -> Node:
    """`sum[m] [m != t]*g(m)` as `sum[m] g(m) - g(t)`, where g has no way to be infinite at t."""

    def step(g: Node) -> Node | None:
        if g.op != "red" or g.attr[0] != "sum":
            return None
        bound, body, _ = open_(g)
        for b in body.args if body.op == "mul" else ():
            if b.op == "br" and b.args[0].attr == "!=" and b.args[0].args[0] in bound:
                m, t = b.args[0].args
                rest = mul(*(x for x in body.args if x is not b))
                if m not in t.free and t.op in ("el", "num") and tame(rest):
                    others = [i for i in bound if i is not m]
                    return add(sum_(bound, rest), neg(sum_(others, substitute(rest, {m: t}))))
        return None

    return transform(f, step)


def tame(f: Node) -> bool:
    """Finite wherever its arrays are: no logarithm, no power below 1 of anything but a size."""
    return not any(
        (g.op == "apply" and g.attr in ("log", "log1p", "exp", "tan", "sinh", "cosh"))
        or (
            g.op == "pow"
            and not (g.args[1].op == "num" and g.args[1].attr >= 1)
            and g.args[0].op not in ("size", "num")
        )
        for g in everywhere_in(f)
    )


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
