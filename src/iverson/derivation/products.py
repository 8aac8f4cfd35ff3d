"""Derivatives times something: Jacobian-vector and Hessian-vector products, and single entries, as formulas.

Glossary   v: a direction, an input shaped like the one derived by; g: the gradient.
H*v is the gradient of g'*v with v held fixed, so it shares everything with the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..core.errors import IversonError
from ..core.node import add, el, fresh, mul, num, sum_
from ..core.program import Definition, Program
from ..lang.kinds import Typed
from ..lang.shapes import array
from ..lang.surface import Equation, Surface, call, index, name
from ..rewrite.collapse import collapse, contract
from .answer import Answer, Writer, answers, needed
from .derive import Derived, derive, derived, last_line
from .reverse import reverse
from .tidy import tidy


def directions(program: Program, wrt: Sequence[str]) -> dict[str, str]:
    """The name of the direction of every input: v, or v_x and v_y for several."""
    taken = program.names() | {d for d in ("d" + w for w in wrt)}
    found: dict[str, str] = {}
    for w in wrt:
        stem = "v" if len(wrt) == 1 else f"v_{w}"
        found[w] = next(n for n in (stem, stem + "_", *(f"{stem}{k}" for k in range(1, 100))) if n not in taken)
        taken.add(found[w])
    return found


def with_directions(program: Program, names: Mapping[str, str]) -> Program:
    """The program with its directions among the inputs."""
    more = {v: replace(program.inputs[w], name=v, facts=(), default=None) for w, v in names.items()}
    return replace(program, inputs={**program.inputs, **more})


def hvp(typed: Typed, wrt: Sequence[str]) -> tuple[dict[str, Derived], dict[str, str]]:
    """The Hessian times a direction, by each input of `wrt`, and the names of the directions."""
    firsts = derive(typed, wrt, further=True)
    if any(d.gradient.indices[: len(d.adjoint.outputs)] for d in firsts.values()):
        raise IversonError("unsupported", "A Hessian-vector product needs a scalar loss.")
    start = firsts[wrt[0]]
    names = directions(start.program, wrt)
    pool: dict[str, Definition] = {}
    lines: dict[str, Equation] = {}
    for d in firsts.values():
        pool |= {q.name: q for q in d.answer.program}
        lines |= {e.name: e for e in d.lines}
    total = slope(firsts, names, pool)
    program = with_directions(replace(start.program, definitions=(*pool.values(), total), result=total.name), names)
    adjoint = reverse(replace(program, anonymous=True), wrt)
    parts = [dotted(firsts[w].gradient, v) for w, v in names.items()]
    tree = parts[0] if len(parts) == 1 else Surface("add", tuple(parts))
    first = replace(
        start,
        program=program,
        lines=(*lines.values(), Equation(total.name, (), tree)),
        answer=Answer(wrt[0], (*pool.values(), total), total, ()),
    )
    found = {w: replace(derived(program, adjoint, a), first=first) for w, a in answers(adjoint).items()}
    return found, names


def slope(firsts: Mapping[str, Derived], names: Mapping[str, str], pool: Mapping[str, Definition]) -> Definition:
    """g'*v, over all inputs."""
    parts = []
    for w, v in names.items():
        g = firsts[w].gradient
        terms = tuple(fresh(i.attr[1]) for i in g.indices)
        parts.append(sum_(terms, mul(el(g.name, terms), el(v, terms))))
    free = next(n for n in ("slope", *(f"slope{k}" for k in range(1, 100))) if n not in pool)
    return Definition(free, (), add(*parts))


def dotted(g: Definition, v: str) -> Surface:
    """sum(g.*v), written for an array of any rank."""
    if not g.indices:
        return Surface("mul", (name(g.name), name(v)))
    if len(g.indices) < 3:
        turned = Surface("transpose", (name(g.name),)) if g.form == "row" else name(g.name)
        other = Surface("transpose", (name(v),)) if g.form == "row" else name(v)
        return call("sum", Surface("emul", (turned, other)))
    letters = tuple(f"i{p}" for p in range(len(g.indices)))
    entries = (index(name(a), *map(name, letters)) for a in (g.name, v))
    return Surface("reduce", (Surface("mul", tuple(entries)),), ("sum", letters))


def jvp(typed: Typed, wrt: Sequence[str]) -> tuple[Derived, dict[str, str]]:
    """The derivative of the result along a direction of the inputs, and the names of the directions."""
    found = derive(typed, wrt)
    start = found[wrt[0]]
    names = directions(start.program, wrt)
    outputs = start.adjoint.outputs
    new = tuple(fresh(i.attr[1]) for i in outputs)
    parts = []
    for w, v in names.items():
        d = found[w].answer.closed
        terms = tuple(fresh(i.attr[1]) for i in d.indices[len(outputs) :])
        part = sum_(terms, mul(d.at((*new, *terms)), el(v, terms)))
        parts.append(tidy(collapse(part, frozenset((*new, *terms)))))
    pool = {q.name: q for d in found.values() for q in (*d.answer.where, *d.answer.program[:-1])}
    form = array(tuple(i.attr[1] for i in new)).form
    closed = Definition("jvp", new, tidy(add(*parts)), form)
    return rewritten(start, closed, list(pool.values()), with_directions(start.program, names)), names


def entry(d: Derived, terms: Sequence[int]) -> Derived:
    """The derivative by one entry of the input."""
    outputs = len(d.adjoint.outputs)
    closed = d.answer.closed
    if len(closed.indices) - outputs != len(terms):
        raise IversonError("shape", f"{d.wrt} has {len(closed.indices) - outputs} indices, not {len(terms)}.")
    new = tuple(fresh(i.attr[1]) for i in closed.indices[:outputs])
    body = tidy(contract(closed.at((*new, *map(num, terms)))))
    form = array(tuple(i.attr[1] for i in new)).form
    pool = [*d.answer.where, *d.answer.program[:-1]]
    return rewritten(d, Definition(closed.name, new, body, form), pool, d.program)


def rewritten(d: Derived, closed: Definition, pool: Sequence[Definition], program: Program) -> Derived:
    """The record of an answer with another last definition."""
    where = tuple(needed(closed, list({q.name: q for q in pool}.values())))
    a = Answer(d.wrt, (*where, closed), closed, where)
    writer = Writer(program, [*a.program], d.adjoint.gradients)
    main, shown = writer.answer(closed, where)
    lines = (*map(writer.write, where), last_line(writer, a))
    return replace(
        d,
        program=program,
        answer=a,
        lines=lines,
        main=main,
        where=tuple(shown),
        indexed=writer.indexed(closed),
        index_where=tuple(map(writer.write, where)),
    )
