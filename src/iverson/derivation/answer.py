"""From the raw gradients of reverse mode to what a person is given: a short program and one closed formula.

Glossary   dq: the gradient by the definition q.  A gradient is put into the next one where that makes it shorter;
what softmax, sigmoid and repeated brackets are is said once, by name; the closed formula puts the rest back in as far as
matrices reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..core.node import Node, reads, transform
from ..core.program import Definition, Program, inline, sizes_of
from ..lang.surface import Equation, Surface, name, walk, weight
from ..rewrite.match import everywhere, rewrite
from ..rules.facts import FACTS
from ..rules.names import ALGEBRA, NAMED
from .index_form import IndexForm, IndexNames
from .lift import Lift, NoMatrixForm
from .naming import Namer
from .polish import form_of, polish, put_in, reading_cost, uses_of
from .reverse import Adjoint
from .tidy import cost, tidy

LONGEST_CLOSED = 60  # in units of tidy.cost; longer than this a reader wants the program


@dataclass(frozen=True)
class Answer:
    """The gradient by one input.

    program   every definition needed to compute it, in order, the gradient last
    closed    the gradient with definitions put back in;  where: what it still names, in order
    """

    wrt: str
    program: tuple[Definition, ...]
    closed: Definition
    where: tuple[Definition, ...]


def answers(adjoint: Adjoint) -> dict[str, Answer]:
    """The answer for every input that was asked for."""
    return Answers(adjoint).all()


NAMED_CALLS = {n.call for n in NAMED}


class Answers:
    """Shared work on the gradients of one reverse sweep."""

    def __init__(self, adjoint: Adjoint) -> None:
        self.adjoint = adjoint
        self.taken = (
            adjoint.program.names()
            | {d.name for d in adjoint.adjoints}
            | {d.name for d in adjoint.gradients.values()}
            | size_names(adjoint.program)
        )
        self.taken |= {n for names in adjoint.program.index_names.values() for n in names}
        self.forward = list(adjoint.program.definitions)
        bodies = fuse([*adjoint.adjoints, *adjoint.gradients.values()], set(adjoint.gradients))
        bodies = [replace(d, body=tidy(everywhere(ALGEBRA, self.factual(d.body)))) for d in bodies]
        hidden = adjoint.program.result if adjoint.program.anonymous else None
        sizes = list(dict.fromkeys(n for i in adjoint.program.inputs.values() for n in i.type.dims))
        dims = adjoint.program.dims() | sizes_of([*adjoint.adjoints, *adjoint.gradients.values()])
        namer = Namer([d for d in self.forward if d.name != hidden], self.unused, sizes, dims)
        self.bodies = [replace(d, body=tidy(d.body)) for d in namer.name_all(bodies)]
        self.named = namer.made

    def factual(self, f: Node) -> Node:
        """What is declared of the inputs that are not differentiated by: entries that sum to 1."""
        known = {
            n: rule
            for n, i in self.adjoint.program.inputs.items()
            if n not in self.adjoint.gradients
            for fact in i.facts
            for rule in FACTS.get(fact, ())
        }
        for n, rule in known.items():
            f = transform(f, lambda g, n=n, rule=rule: rewrite(rule, g) if about(g, n) else None)  # type: ignore[misc]
        return f

    def unused(self, stem: str) -> str:
        found = next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 1000))) if n not in self.taken)
        self.taken.add(found)
        return found

    def all(self) -> dict[str, Answer]:
        gradients = {d.name: wrt for wrt, d in self.adjoint.gradients.items()}
        found = {gradients[d.name]: d for d in self.bodies if d.name in gradients}
        return {wrt: self.one(wrt, found[wrt]) for wrt in self.adjoint.gradients}

    def one(self, wrt: str, gradient: Definition) -> Answer:
        others = [d for d in self.bodies if d.name not in {g.name for g in self.adjoint.gradients.values()}]
        pool = [*self.forward, *self.named, *others]
        program = (*needed(gradient, pool), gradient)
        closed = inline_unwritten(self.close(gradient, others), self.forward)
        where = [inline_unwritten(d, self.forward) for d in pool]
        return Answer(wrt, program, closed, tuple(needed(closed, where)))

    def close(self, d: Definition, others: Sequence[Definition]) -> Definition:
        """Gradients of definitions put into `d`, as long as it stays a matrix expression of readable length."""
        writer = Writer(self.adjoint.program, [*self.named, *self.bodies])
        for inner in reversed(others):
            if inner.name not in reads(d.body):
                continue
            body = tidy(self.factual(tidy(inline(d.body, {inner.name: inner}))))
            merged = replace(d, body=body)
            if (
                cost(body) <= LONGEST_CLOSED
                and (occurrences(d.body, inner.name) == 1 or cost(inner.body) <= 4)
                and (writer.nice(inner) or not writer.matrix(d))
                and (writer.matrix(merged) or not writer.matrix(d))
            ):
                d = merged
        return d


def about(g: Node, array: str) -> bool:
    """A sum over nothing but one array's entries."""
    return g.op == "red" and g.args[0].op == "el" and g.args[0].attr == array


def forms(program: Program, definitions: Iterable[Definition]) -> dict[str, str]:
    """How every array is read in matrix notation."""
    return {n: i.type.form for n, i in program.inputs.items()} | {
        d.name: d.form for d in (*program.definitions, *definitions)
    }


def size_names(program: Program) -> set[str]:
    found = {
        n.attr
        for i in program.inputs.values()
        for n in (*i.type.dims, *((i.type.classes,) if i.type.classes else ()))
        if n.op == "size"
    }
    return found | {i.attr[1].attr for d in program.definitions for i in d.indices if i.attr[1].op == "size"}


def fuse(bodies: list[Definition], keep: set[str]) -> list[Definition]:
    """Put the gradient by a definition into the next where the two together are hardly longer than one alone."""
    done: list[Definition] = []
    while bodies:
        d, *rest = bodies
        users = [u for u in rest if d.name in reads(u.body)]
        merged = {u.name: replace(u, body=tidy(inline(u.body, {d.name: d}))) for u in users}
        if users and all(cost(merged[u.name].body) <= max(cost(d.body), cost(u.body), 3) + 2 for u in users):
            bodies = [merged.get(u.name, u) for u in rest]
        else:
            done.append(d)
            bodies = rest
    return done


def needed(d: Definition, pool: Sequence[Definition]) -> list[Definition]:
    """The definitions of the pool that `d` reads, directly or not, in the order of the pool."""
    wanted: set[str] = set()
    stack = [d.body]
    byname = {q.name: q for q in pool}
    while stack:
        f = stack.pop()
        for n in reads(f) | ({f.attr[1]} if f.op == "tensor" else set()):
            if n in byname and n not in wanted and n != d.name:
                wanted.add(n)
                stack.append(byname[n].body)
    return ordered([q for q in pool if q.name in wanted])


def ordered(definitions: list[Definition]) -> list[Definition]:
    """Every definition after those it reads."""
    left, names = list(definitions), {d.name for d in definitions}
    done: list[Definition] = []
    while left:
        ready = next((d for d in left if not (uses(d) & names - {q.name for q in done})), left[0])
        left.remove(ready)
        done.append(ready)
    return done


def uses(d: Definition) -> set[str]:
    return reads(d.body) | ({d.body.attr[1]} if d.body.op == "tensor" else set())


def occurrences(f: Node, array: str) -> int:
    """How many times an array is written in `f`."""
    return (f.op == "el" and f.attr == array) + sum(occurrences(a, array) for a in f.args)


def inline_unwritten(d: Definition, forward: Sequence[Definition]) -> Definition:
    """Definitions that nobody wrote in matrix form are put back in where they are used once."""
    inner = {
        q.name: q
        for q in forward
        if q.introduced and q.body.op != "tensor" and not _plain(q) and occurrences(d.body, q.name) == 1
    }
    return replace(d, body=inline(d.body, inner), written=None) if inner and reads(d.body) & set(inner) else d


def _plain(q: Definition) -> bool:
    return q.written is not None and not q.written.indices


class Writer:
    """Definitions as equations a person reads: in matrix form where there is one, in index form otherwise."""

    def __init__(self, program: Program, definitions: Iterable[Definition]) -> None:
        definitions = list(definitions)
        taken = program.names() | size_names(program) | {d.name for d in definitions}
        self.names = IndexNames(program.index_names, taken)
        dims = program.dims() | sizes_of(definitions)
        computed = any(d.body.shifted for d in (*program.definitions, *definitions)) or any(
            n.op not in ("num", "size") for sizes in dims.values() for n in sizes
        )
        self.index = IndexForm(self.names, dims, computed)
        self.forms = forms(program, definitions)
        self.lift = Lift(self.forms, dims=dims)
        self.form = form_of(self.forms)

    def matrix(self, d: Definition) -> Equation | None:
        """`name = tree` in matrix form; None where there is none."""
        if d.body.op == "tensor":
            function, array = d.body.attr
            return Equation(d.name, (), Surface("call", (name(array),), function))
        try:
            return Equation(
                d.name, (), polish(self.lift.matrix(d.body, d.indices, row=d.form == "row"), self.form)
            )
        except NoMatrixForm:
            return None

    def indexed(self, d: Definition, prefer: Sequence[str] = ()) -> Equation:
        """`name[i,k] = tree` in index form."""
        names = self.names.assign(d.indices, dict(zip(d.indices, prefer, strict=False)))
        return Equation(d.name, tuple(names[i] for i in d.indices), self.index.tree(d.body, names))

    def write(self, d: Definition) -> Equation:
        """A definition on the way: as the user wrote it, else the form that is easier to read."""
        if d.written is not None and readable(d.written):
            return d.written
        matrix = self.matrix(d)
        if matrix is None or d.body.op == "tensor" or not d.indices:
            return matrix or self.indexed(d)
        indexed = self.indexed(d)
        return matrix if reading_cost(matrix.body) <= reading_cost(indexed.body) + 2 else indexed

    def nice(self, d: Definition) -> bool:
        """Whether its matrix form is the one to read."""
        return not self.write(d).indices

    def answer(self, closed: Definition, where: Sequence[Definition]) -> tuple[Equation, list[Equation]]:
        """The closed formula and what it names; what the user wrote inside an expression goes back where it stood."""
        main = self.matrix(closed) or self.indexed(closed)
        lines = [self.write(d) for d in where]
        introduced = {d.name for d in where if d.introduced and _plain(d)}
        keep = {e.name for e in lines if e.body.op == "call" and e.body.attr in NAMED_CALLS}
        return settle(main, lines, introduced - keep)


def settle(main: Equation, lines: list[Equation], introduced: set[str]) -> tuple[Equation, list[Equation]]:
    """Introduced names that are used once replaced by their expressions."""
    for line in reversed(list(lines)):
        if line.name not in introduced:
            continue
        users = [main, *(e for e in lines if e is not line)]
        if conditioned(line.body) and any(e.indices and uses_of(e.body, line.name) for e in users):
            continue  # `sum[k = 1]` inside an equation with its own k would bind nothing
        if sum(uses_of(e.body, line.name) for e in users) == 1 or weight(line.body) <= 2:
            body = {line.name: line.body}
            main = replace(main, body=put_in(main.body, body))
            lines = [
                replace(e, body=put_in(e.body, body)) if uses_of(e.body, line.name) else e
                for e in lines
                if e is not line
            ]
    return main, used(main, lines, introduced)


def conditioned(tree: Surface) -> bool:
    """Holds a reduction with a condition."""
    return any(t.op == "reduce" and len(t.args) > 1 for t in walk(tree))


def used(main: Equation, lines: list[Equation], introduced: set[str]) -> list[Equation]:
    """Without the introduced definitions that no printed line names."""
    return [
        e
        for e in lines
        if e.name not in introduced or any(uses_of(u.body, e.name) for u in (main, *lines) if u is not e)
    ]


def readable(e: Equation) -> bool:
    """Written in iverson notation: no helper operator of another notation in it."""
    return not any(t.op == "call" and t.attr == "spread" for t in walk(e.body))
