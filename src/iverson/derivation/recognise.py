"""Functions that a text spells out, seen before differentiating: the logistic function, softmax with its usual shift.

`E = exp(S - max); P = E/sum(E)` is softmax(S) by way of two names and a shift that cancels; derived by way of them, the
gradient carries the derivative of the maximum to the end, where it is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.node import Node, reads
from ..core.program import Definition, Program, inline
from ..rewrite.match import everywhere, part
from ..rewrite.rule import pattern
from ..rewrite.trace import Section
from ..rules.names import ALGEBRA, NAMED, SHIFT
from .local import deriv

MOST_NODES = 400  # of a definition with others put into it
MOST_DEEP = 4     # definitions put into each other


def recognised(section: Section, body: Node, x: Node) -> Node:
    """A definition's body with the functions of ALGEBRA by name, a recorded step each: `1/(1 + exp(-z))` is sigmoid(z)."""
    for row in ALGEBRA:
        new = everywhere((row,), body)
        if new is not body:
            body = new
            section.step(row.name, deriv(body, x))
    return body


def joined(program: Program) -> Program:
    """The program with what makes a softmax put together in one definition, where the text spreads it over several."""
    known: dict[str, Definition] = {}
    for d in program.definitions:
        found = next((b for b in unfolded(d.body, known) if shifted(b)), None)
        if found is None and not softmax_like(d.body):
            found = next((b for b in unfolded(d.body, known) if softmax_like(b)), None)
        known[d.name] = d if found is None else replace(d, body=found)
    return replace(program, definitions=tuple(known.values()))


def unfolded(body: Node, known: dict[str, Definition]) -> Iterator[Node]:
    """A quotient with the definitions it reads put in, one level after the other; not the quotient itself."""
    if not any(g.op == "pow" and g.args[1].op == "num" and g.args[1].attr == -1 for g in (body, *body.args)):
        return
    for _ in range(MOST_DEEP):
        inner = {n: known[n] for n in reads(body) if n in known and known[n].body.op in ("add", "apply", "red")}
        if not inner:
            return
        body = inline(body, inner)
        if body.size > MOST_NODES:
            return
        yield body


def softmax_like(body: Node) -> bool:
    """`exp(x[k])/sum[m] exp(x[m])` and nothing else."""
    return any(not rest for _, rest in part(pattern(NAMED[0].text), body, {}))


def shifted(body: Node) -> bool:
    """A softmax of scores from which something common is taken first."""
    new = everywhere((SHIFT,), body)
    return new is not body and softmax_like(new)
