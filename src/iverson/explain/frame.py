"""What stands before and after the chapters: the loss with its shapes, the plan, the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.node import Node
from ..core.program import Definition
from ..derivation.answer import needed, used, uses
from ..lang.show import equation_left
from ..lang.surface import Equation, Surface, name
from .lines import Book, Clause, Line, titles, type_of


def opening(book: Book, targets: Sequence[str], axes: tuple[Node, ...]) -> Iterator[Line]:
    """Title, loss and plan.  targets: what is derived by, in order; axes: indices of the last gradient."""
    up, result = book.upstream, book.result.name
    key = "title-upstream" if up is not None else "title-jacobian" if book.adjoint.outputs else "title"
    facts = {"delta": up.body.attr} if up is not None else {}
    yield Line("title", words=(titles(key, L=result, x=book.answer.wrt, **facts),))
    yield Line("heading", words=(Clause("given"),))
    yield from given(book)
    if book.adjoint.outputs and targets:
        left, of, _ = book.gradient(targets[-1], axes)
        facts = {"first": left, "L": of.args[0], "by": of.args[1]}
        yield Line("text", words=(Clause("plan-jacobian", facts),))
    elif len(targets) > 1 and up is None:
        order = tuple(name(book.adjoint.names[r]) for r in targets)
        facts = {"first": order[0], "L": name(result), "by": name(targets[0]), "order": order}
        yield Line("text", words=(Clause("plan", facts),))


def given(book: Book) -> Iterator[Line]:
    """The definitions that the result needs, with their shapes, then the inputs."""
    definitions = [*needed(book.result, book.program.definitions), book.result]
    own = [d for d in definitions if d is book.result or d.name not in book.roots]
    for d in own:
        e = as_written(book, d, [q for q in own if q.introduced and q is not d])
        yield Line("given", equation_left(e), e.body, "given", shape=type_of(d))
    read = {n for d in definitions for n in uses(d)}
    for n, i in book.program.inputs.items():
        if n in read:
            yield Line("input", name(n), rule="given", shape=i.type)


def as_written(book: Book, d: Definition, introduced: Sequence[Definition]) -> Equation:
    """A definition in the user's words, with the names that were introduced inside it."""
    e = book.writer.write(d)
    for q in introduced:
        if q.written is not None and not q.written.indices:
            e = replace(e, body=swapped(e.body, q.written.body, name(q.name)))
    return e


def swapped(tree: Surface, part: Surface, by: Surface) -> Surface:
    """A sub-tree replaced wherever it stands."""
    if tree == part:
        return by
    return replace(tree, args=tuple(swapped(a, part, by) for a in tree.args))


def closing(book: Book) -> Iterator[Line]:
    """The program that computes the gradient, and the closed formula where it says more."""
    yield Line("heading", words=(Clause("result"),))
    *before, gradient = book.answer.program
    last = book.writer.matrix(gradient) or book.writer.indexed(gradient)
    introduced = {d.name for d in book.program.definitions if d.introduced}
    types = {d.name: type_of(d) for d in (*book.answer.where, *book.answer.program)}
    program = [*used(last, [book.writer.write(d) for d in before], introduced), last]
    for e in program:
        yield Line("result", equation_left(e), e.body, "result", shape=types[e.name])
    main, where = book.writer.answer(book.answer.closed, book.answer.where)
    if main.body != last.body:
        yield Line("text", words=(Clause("closed"),))
        for e in (main, *(e for e in where if e not in program)):
            yield Line("result", equation_left(e), e.body, "closed", shape=types.get(e.name))
