"""The kinks of a loss as its solver sees them: norm1 terms that are split off, and maxima that can be rounded off.

Glossary   width: how far a rounded kink reaches, the name of a scalar in the text;  max(a, b) becomes b + width*softplus((a - b)/width).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .core.node import Node, mul, open_, reads, walk
from .core.program import Definition, Program, inline
from .derivation.structure import terms
from .lang.ops import OPS
from .lang.surface import Script, Surface, call
from .lang.surface import walk as trees

KINKED = frozenset({"abs", "max", "min", "sign", "floor", "ceil", "round"})


def opened(program: Program) -> Node:
    """The loss in one formula, except functions of whole matrices and their arguments."""
    kept = {n for d in program.definitions if d.body.op == "tensor" for n in (d.name, *d.body.attr[1:])}
    loose = {d.name: d for d in program.definitions if d.name not in kept and d.name != program.result}
    return inline(program.definition(program.result).body, loose)


def norm1_terms(f: Node, wrt: Iterable[str]) -> tuple[list[tuple[str, Definition]], list[Node]]:
    """The terms c*norm1(w) with their weights as definitions over the indices of w, by parameter, and the other terms."""
    found, rest = [], []
    for t in terms(f):
        row = next((r for w in wrt if (r := weighted(t, w)) is not None), None)
        if row is None or {*wrt} & reads(row[1].body):
            rest.append(t)
        else:
            found.append(row)
    return found, rest


def weighted(t: Node, w: str) -> tuple[str, Definition] | None:
    """A term as weights times the absolute values of all entries of w."""
    factors = t.args if t.op == "mul" else (t,)
    moved = [a for a in factors if w in reads(a)]
    if len(moved) != 1:
        return None
    f, outer = moved[0], [a for a in factors if a is not moved[0]]
    bound, body, condition = open_(f) if f.op == "red" and f.attr[0] == "sum" else ((), f, None)
    if condition is not None and condition.op != "num":
        return None
    parts = body.args if body.op == "mul" else (body,)
    inner = [a for a in parts if w in reads(a)]
    if len(inner) != 1 or inner[0].op != "apply" or inner[0].attr != "abs":
        return None
    e = inner[0].args[0]
    if e.op != "el" or e.attr != w or len({*e.args}) != len(e.args) or {*e.args} != {*bound}:
        return None
    weights = mul(*outer, *(a for a in parts if a is not inner[0]))
    return w, Definition("", e.args, weights, ("scalar", "column", "matrix", "tensor")[min(len(e.args), 3)])


def kinks_of(f: Node, wrt: Iterable[str]) -> bool:
    """Whether something below f changes sides with a parameter."""
    names = {*wrt}
    sided = (g for g in walk(f) if g.op in ("br", "tensor") or (g.op == "apply" and g.attr in KINKED) or (g.op == "red" and g.attr[0] != "sum"))
    return any(names & reads(g) or g.op == "tensor" for g in sided)


def smooth_script(script: Script) -> tuple[Script, str] | None:
    """The script with its maxima and absolute values rounded off, and the name of their width; None where none can be."""
    taken = {t.attr for e in script.equations for t in trees(e.body) if t.op == "name"} | {d.name for d in script.declarations}
    name = next(n for n in ("width", *(f"width{k}" for k in range(1, 99))) if n not in taken)
    bodies = [rounded(e.body, Surface("name", (), name)) for e in script.equations]
    if all(b is e.body for b, e in zip(bodies, script.equations, strict=True)):
        return None
    return replace(script, equations=tuple(replace(e, body=b) for e, b in zip(script.equations, bodies, strict=True))), name


def rounded(tree: Surface, width: Surface) -> Surface:
    """A tree with every kink that has a smooth neighbour replaced by it."""
    args = tuple(rounded(a, width) for a in tree.args)
    kind = OPS[tree.attr].name if tree.op == "call" and tree.attr in OPS else ""
    if kind == "relu":
        return soft(args[0], width)
    if kind == "abs":
        return plus(Surface("neg", args), soft(times(Surface("num", (), 2), args[0]), width))
    if kind == "norm1":
        return call("sum", rounded(call("abs", *args), width))
    if kind in ("max", "min") and len(args) == 2:
        a, b = args
        gap = plus(a, Surface("neg", (b,))) if kind == "max" else plus(b, Surface("neg", (a,)))
        soft_gap = soft(gap, width)
        return plus(b, soft_gap if kind == "max" else Surface("neg", (soft_gap,)))
    if tree.op == "reduce" and tree.attr[0] == "max":
        total = Surface("reduce", (call("exp", Surface("div", (args[0], width))), *args[1:]), ("sum", tree.attr[1]))
        return times(width, call("log", total))
    return tree if args == tree.args else replace(tree, args=args)


def soft(x: Surface, width: Surface) -> Surface:
    """width*softplus(x/width), which is max(0, x) up to 0.7*width."""
    return times(width, call("softplus", Surface("div", (x, width))))


def plus(a: Surface, b: Surface) -> Surface:
    return Surface("add", (a, b))


def times(a: Surface, b: Surface) -> Surface:
    return Surface("mul", (a, b))
