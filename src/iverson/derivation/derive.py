"""The pipeline: a typed text to its gradients, as plain records.  Verification and display happen elsewhere.

Glossary   wrt: the inputs derived by; upstream: the name of the gradient by the result, for a vector-Jacobian product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core.errors import IversonError
from ..core.node import Node
from ..core.program import Definition, Program
from ..lang.kinds import Input, Typed
from ..lang.lower import lower
from ..lang.shapes import Type
from ..lang.surface import Equation
from .answer import Answer, Writer, answers, used
from .conventions import convention
from .recognise import joined
from .reverse import Adjoint, require_inputs, reverse

MOST_RESULT_NODES = 50_000


@dataclass(frozen=True)
class Derived:
    """One gradient, Jacobian or Hessian.

    program   the loss (with the upstream gradient among its inputs, where one was named)
    lines     everything needed to compute it, in order, the gradient last
    first     for a second derivative: the gradient it is the derivative of
    main      the closed formula;  where: what it names, in order;  indexed: the closed formula in index form
    """

    wrt: str
    program: Program
    adjoint: Adjoint
    answer: Answer
    lines: tuple[Equation, ...]
    main: Equation
    where: tuple[Equation, ...]
    indexed: Equation
    index_where: tuple[Equation, ...] = ()
    first: Derived | None = None

    @property
    def gradient(self) -> Definition:
        return self.answer.program[-1]

    @property
    def dims(self) -> dict[str, tuple[Node, ...]]:
        """The sizes of every definition."""
        return {
            d.name: tuple(i.attr[1] for i in d.indices) for d in (*self.answer.where, *self.answer.program)
        }

    @property
    def form(self) -> str:
        """matrix, index, or program: a matrix formula over gradients of definitions."""
        if self.main.indices:
            return "index"
        return (
            "program"
            if any(e.indices and e.name in self.adjoint.names.values() for e in self.where)
            else "matrix"
        )


def derive(
    typed: Typed,
    wrt: Sequence[str],
    order: int = 1,
    upstream: str | None = None,
    upstream_form: str | None = None,
    symmetric: str = "ambient",
    prefer: Sequence[str] = (),
    further: bool = False,
) -> dict[str, Derived]:
    """Gradients by each input of `wrt` (order 1) or the second derivative by the one input (order 2)."""
    program = with_upstream(lower(typed), upstream, upstream_form)
    require_inputs(program, wrt)
    program = joined(cut(program, wrt))
    adjoint = reverse(program, wrt, upstream)
    adjoint.gradients = {
        w: convention(d, program.inputs.get(w), symmetric, order) for w, d in adjoint.gradients.items()
    }
    found = answers(adjoint)
    results = {w: derived(program, adjoint, a, prefer, further or order > 1) for w, a in found.items()}
    for k in range(2, order + 1):
        results = {wrt[0]: again(results[wrt[0]], wrt, k < order)[wrt[0]]}
    return results


def again(first: Derived, wrt: Sequence[str], further: bool = False) -> dict[str, Derived]:
    """The derivatives of a derivative by each input of `wrt`; `further`: they will be differentiated again."""
    program = gradient_program(first.program, first.answer)
    adjoint = reverse(program, wrt)
    found = answers(adjoint)
    return {w: replace(derived(program, adjoint, a, further=further), first=first) for w, a in found.items()}


def blocks(typed: Typed, wrt: Sequence[str]) -> dict[tuple[str, str], Derived]:
    """The second derivatives by every pair of inputs: rows by the first, columns by the second."""
    firsts = derive(typed, wrt, further=True)
    return {(a, b): d for a in wrt for b, d in again(firsts[a], wrt).items()}


def derived(
    program: Program, adjoint: Adjoint, a: Answer, prefer: Sequence[str] = (), further: bool = False
) -> Derived:
    """The record of one answer, with its texts written as trees."""
    check_size(a)
    writer = Writer(program, [*a.program, a.closed, *a.where], adjoint.gradients, further)
    main, where = writer.answer(a.closed, a.where)
    indexed = writer.indexed(a.closed, prefer)
    if prefer:
        main = indexed
    last = last_line(writer, a)
    written = tuple(map(writer.write, a.where))
    introduced = {d.name for d in program.definitions if d.introduced}
    lines = (*used(last, [writer.write(d) for d in a.program[:-1]], introduced), last)
    return Derived(a.wrt, program, adjoint, a, lines, main, tuple(where), indexed, written)


def last_line(writer: Writer, a: Answer) -> Equation:
    return writer.matrix(a.program[-1]) or writer.indexed(a.program[-1])


def check_size(a: Answer) -> None:
    size = sum(d.body.size for d in a.program)
    if size > MOST_RESULT_NODES:
        raise IversonError(
            "limit",
            f"The derivative has {size} nodes; at most {MOST_RESULT_NODES} are given.",
            hint="Name intermediate results in the loss.",
        )


def with_upstream(program: Program, name: str | None, form: str | None) -> Program:
    """The program with the gradient by its result as one more input, shaped like the result."""
    if name is None:
        return program
    if name in program.names():
        raise IversonError(
            "name",
            f"{name} is already a name of the loss.",
            hint="Choose another name for the upstream gradient.",
        )
    result = program.definition(program.result)
    t = Type(form if form and result.indices else result.form, tuple(i.attr[1] for i in result.indices))
    return replace(program, inputs={**program.inputs, name: Input(name, "data", t, declared=True)})


def cut(program: Program, wrt: Sequence[str]) -> Program:
    """Deriving by a definition treats it as an input: what it was made from no longer matters."""
    defined = {d.name: d for d in program.definitions}
    inputs: dict[str, Input] = dict(program.inputs)
    for name in wrt:
        if name in defined:
            if name == program.result:
                raise IversonError("usage", f"{name} is the result itself.")
            d = defined[name]
            inputs[name] = Input(name, "data", Type(d.form, tuple(i.attr[1] for i in d.indices)))
    kept = tuple(d for d in program.definitions if d.name not in wrt)
    return replace(program, inputs=inputs, definitions=kept)


def gradient_program(program: Program, a: Answer) -> Program:
    """The gradient as a program of its own, to be differentiated again."""
    own = tuple(d if d.written is not None else replace(d, introduced=True) for d in a.program)
    return replace(program, definitions=own, result=a.program[-1].name, anonymous=False)
