"""From the raw gradients of reverse mode to what a person is given: a short program and one closed formula.

Glossary   dq: the gradient by the definition q.  A gradient is put into the next one where that makes it shorter;
what softmax, sigmoid and repeated brackets are is said once, by name; the closed formula puts the rest back in as far as
matrices reach.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.affine import ONE as UNIT
from ..core.affine import minus, nonnegative, polynomial, total
from ..core.node import ONE, ZERO, Node, add, mul, open_, reads, substitute, sum_, transform
from ..core.node import walk as walk_nodes
from ..core.program import Definition, Program, inline, sizes_of
from ..lang.surface import Equation, Surface, call, index, name, names_in, walk
from ..lang.whole import whole_call
from ..rewrite.match import everywhere, part
from ..rewrite.rule import pattern
from ..rules.names import ALGEBRA, NAMED, SHIFT
from .combine import Shortest
from .combine import cost as length
from .declared import factual
from .index_form import IndexForm, IndexNames
from .lift import Lift, NoMatrixForm
from .naming import Namer
from .polish import put_in, reading_cost, uses_of
from .reverse import Adjoint
from .tidy import cost, tidy
from .ties import moved_by, one_sided

ALL = Surface("all")
LONGEST_LINE = 90  # in units of combine.cost
MOST_SPELLED = 6  # terms of a sum under a sum sign that are spelled out to find a matrix form
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
NAMED_WORDS = {*NAMED_CALLS, "logsumexp", "logsoftmax"}


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
        self.classes = {n: i.type.classes for n, i in adjoint.program.inputs.items() if i.type.classes is not None}
        everything = [*adjoint.adjoints, *adjoint.gradients.values()]
        bodies = fuse(everything, Lift(forms(adjoint.program, everything)))
        moved = {d: moved_by(adjoint.program, n) for n, d in adjoint.names.items()}
        bodies = [replace(d, body=one_sided(d.body, moved[d.name])) for d in bodies]
        bodies = [replace(d, body=tidy(everywhere(ALGEBRA, self.factual(d.body)))) for d in bodies]
        hidden = adjoint.program.result if adjoint.program.anonymous else None
        sizes = list(dict.fromkeys(n for i in adjoint.program.inputs.values() for n in i.type.dims))
        dims = adjoint.program.dims() | sizes_of([*adjoint.adjoints, *adjoint.gradients.values()])
        namer = Namer([d for d in self.forward if d.name != hidden], self.unused, sizes, dims)
        self.bodies = [replace(d, body=tidy(d.body)) for d in namer.name_all(bodies)]
        self.named = namer.made

    def factual(self, f: Node) -> Node:
        """`f` shortened by what is declared of the inputs: a label lies in its range; and by what is declared of those that
        are not differentiated by."""
        f = transform(f, self.labelled) if self.classes else f
        return factual(f, self.adjoint.program, self.adjoint.gradients)

    def labelled(self, b: Node) -> Node | None:
        """A bracket that says that a label lies in its range, or beyond it, is 1 or 0."""
        y, n = b.args[0].args if b.op == "br" else (b, b)
        if y.op != "el" or y.attr not in self.classes or not n.term:
            return None
        most, end, sign = polynomial(self.classes[y.attr]), polynomial(n), b.args[0].attr
        if most is None or end is None:
            return None
        if n is ZERO and sign in (">=", "<"):
            return ONE if sign == ">=" else ZERO
        beyond = nonnegative(minus(end, most) if sign in ("<", ">=") else minus(total([end, UNIT]), most))
        return {"<": ONE, "<=": ONE, ">=": ZERO, ">": ZERO}.get(sign) if beyond else None

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
        writer = Writer(self.adjoint.program, [*self.named, *self.bodies], self.adjoint.gradients)
        for inner in reversed(others):
            if inner.name not in reads(d.body):
                continue
            if cost(d.body) + occurrences(d.body, inner.name) * cost(inner.body) > LONGEST_CLOSED + 20:
                break
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
    found |= {i.attr[1].attr for d in program.definitions for i in d.indices if i.attr[1].op == "size"}
    return found | {g.attr for d in program.definitions for g in walk_nodes(d.body) if g.op == "size"}


def fuse(bodies: list[Definition], lift: Lift) -> list[Definition]:
    """Put the gradient by a definition into the next where the two together are hardly longer than one alone, or where
    something cancels, and where no matrix form is lost."""
    done: list[Definition] = []
    while bodies:
        d, *rest = bodies
        users = [u for u in rest if d.name in reads(u.body)]
        merged = {u.name: replace(u, body=tidy(inline(u.body, {d.name: d}))) for u in users}
        kept = {u.name: lift.reads(merged[u.name]) or not lift.reads(u) for u in users}
        if users and all(kept[u.name] and together(d, u, merged[u.name]) for u in users):
            bodies = [merged.get(u.name, u) for u in rest]
        else:
            done.append(d)
            shorter = {u.name for u in users if kept[u.name] and cost(merged[u.name].body) < cost(u.body)}
            bodies = [merged[u.name] if u.name in shorter else u for u in rest]
    return done


def together(d: Definition, u: Definition, merged: Definition) -> bool:
    """Whether `merged` reads better than `d` and its user `u`: hardly longer than one of them, or no longer than both
    though `d` stands in `u` more than once."""
    own, other, both = cost(d.body), cost(u.body), cost(merged.body)
    return both <= max(own, other, 3) + 2 or (occurrences(u.body, d.name) > 1 and both <= own + other)


def needed(d: Definition, pool: Sequence[Definition]) -> list[Definition]:
    """The definitions of the pool that `d` reads, directly or not, in the order of the pool."""
    wanted: set[str] = set()
    stack: list[Iterable[str]] = [uses(d)]
    byname = {q.name: q for q in pool}
    while stack:
        for n in stack.pop():
            if n in byname and n not in wanted and n != d.name:
                wanted.add(n)
                q = byname[n]  # its text may name more than its node, where `[Z < Z]` came to 0
                said = set(names_of(q.written.body)) if q.written is not None else set()
                stack.append(uses(q) | said if uses(q) <= said else uses(q))  # else it was put together from others
    return ordered([q for q in pool if q.name in wanted])


def ordered(definitions: list[Definition]) -> list[Definition]:
    """Every definition after those it reads."""
    left, open_names = list(definitions), {d.name for d in definitions}
    done: list[Definition] = []
    while left:
        ready = next((d for d in left if uses(d).isdisjoint(open_names)), left[0])
        left.remove(ready)
        open_names.discard(ready.name)
        done.append(ready)
    return done


def uses(d: Definition) -> frozenset[str]:
    return reads(d.body)


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


def spelled_out(f: Node) -> Node:
    """Every sum over a sum term by term, `sum[k] (A[k,k]*B[j,i] - A[j,k]*B[k,i])`: a product may hide in each term alone."""

    def step(g: Node) -> Node | None:
        if g.op != "red" or g.attr[0] != "sum":
            return None
        bound, body, _ = open_(g)
        inner = next((x for x in body.args if x.op == "add"), None) if body.op == "mul" else body
        if inner is None or inner.op != "add" or len(inner.args) > MOST_SPELLED:
            return None
        rest = [x for x in body.args if x is not inner] if body.op == "mul" else []
        return add(*(sum_(bound, mul(t, *rest)) for t in inner.args))

    return transform(f, step)


class Writer:
    """Definitions as equations a person reads: in matrix form where there is one, in index form otherwise.

    by        the inputs that are differentiated by: only that they are symmetric is made use of
    further   what is written will be differentiated again: not even that
    """

    def __init__(
        self, program: Program, definitions: Iterable[Definition], by: Collection[str] = (), further: bool = False
    ) -> None:
        definitions = list(definitions)
        taken = program.names() | size_names(program) | {d.name for d in definitions}
        self.names = IndexNames(program.index_names, taken)
        self.dims = dims = program.dims() | sizes_of(definitions)
        computed = any(d.body.shifted for d in (*program.definitions, *definitions)) or any(
            n.op not in ("num", "size") for sizes in dims.values() for n in sizes
        )
        self.index = IndexForm(self.names, dims, computed)
        self.forms = forms(program, definitions)
        self.written = {d.name for d in program.definitions if not d.introduced}
        self.forward = program.definitions
        said = {t.attr[0] if t.op == "reduce" else t.attr
                for d in program.definitions if d.written is not None for t in walk(d.written.body)}
        # of softmax by name, or of a maximum that keeps its exponentials small; else it is spelled out as in the text
        self.speaks = not said.isdisjoint({*NAMED_WORDS, "max"})
        self.lift = Lift(self.forms, dims=dims)
        self.shortest = shortest(program, definitions, self.forms, by, by if further else ())
        for d in program.definitions:
            self._see_symmetry(d)
        self.shortest.recognise(t for d in program.definitions if d.written for t in walk(d.written.body) if t.op == "add")

    def _see_symmetry(self, d: Definition) -> None:
        """`A = X'*X` is symmetric, and so is inv(A)."""
        if len(d.indices) == 2 and d.indices[0].attr[1] is d.indices[1].attr[1]:
            e = d.written if d.written is not None and not d.written.indices else self.matrix(d)
            if e is not None:
                self.shortest.declare_symmetric(d.name, e.body)

    def matrix(self, d: Definition) -> Equation | None:
        """`name = tree` in matrix form; None where there is none."""
        literal = self.literal(d)
        return None if literal is None else replace(literal, body=self.shortest.of(literal.body))

    def literal(self, d: Definition) -> Equation | None:
        """The matrix form as it comes out of the index form, before it is shortened."""
        if d.body.op == "tensor":
            function, *arrays = d.body.attr
            found = Equation(d.name, (), whole_call(function, tuple(map(name, arrays))))
            lead = len(self.dims[arrays[0]]) - 2
            return found if lead == 0 else self.stack(d, lead)
        named = self.named_rows(d) if self.speaks else None
        if named is None and d.written is not None and not self.own_words(d):  # put together from several definitions
            named = self.named_rows(replace(d, body=everywhere((SHIFT,), d.body)))
        for body in (d.body, spelled_out(d.body)) if named is None else ():
            try:
                return Equation(d.name, (), self.lift.matrix(body, d.indices, row=d.form == "row"))
            except NoMatrixForm:
                continue
        return None if named is None else Equation(d.name, (), named)

    def stack(self, d: Definition, lead: int) -> Equation:
        """`M[k,i,j] = inv(A[k,:,:])[i,j]` of a stack of matrices."""
        function, array = d.body.attr
        names = self.names.assign(d.indices, {})
        indices = tuple(names[i] for i in d.indices)
        tree = call(function, index(name(array), *map(name, indices[:lead]), ALL, ALL))
        return Equation(d.name, indices, index(tree, *map(name, indices[lead:])) if indices[lead:] else tree)

    def named_rows(self, d: Definition) -> Surface | None:
        """`exp(s[i,k])/sum[m] exp(s[i,m])` is softmax(s), row by row."""
        for row in NAMED:
            for env, rest in part(pattern(row.text), d.body, {}) if d.indices else ():
                bodies = [v for v in env.values() if isinstance(v, tuple)]
                if rest or len(bodies) != 1 or env.get("?k") is not d.indices[-1]:
                    continue
                (last,), body = bodies[0]
                inner = Definition("", d.indices, substitute(body, {last: d.indices[-1]}), d.form)
                found = self.literal(inner)
                if found is not None:
                    return Surface("call", (found.body,), row.call)
        return None

    def indexed(self, d: Definition, prefer: Sequence[str] = ()) -> Equation:
        """`name[i,k] = tree` in index form."""
        names = self.names.assign(d.indices, dict(zip(d.indices, prefer, strict=False)))
        return Equation(d.name, tuple(names[i] for i in d.indices), self.index.tree(d.body, names))

    def write(self, d: Definition) -> Equation:
        """A definition on the way: as the user wrote it, else the form that is easier to read."""
        if d.written is not None and readable(d.written) and self.own_words(d):
            return d.written
        matrix = self.matrix(d)
        if matrix is None or d.body.op == "tensor" or not d.indices:
            return matrix or self.indexed(d)
        indexed = self.indexed(d)
        return matrix if reading_cost(matrix.body) <= reading_cost(indexed.body) + 2 else indexed

    def own_words(self, d: Definition) -> bool:
        """Whether the user's text speaks only of definitions on which the value rests: [p >= p] rests on no p."""
        return d.written is not None and names_in(d.written.body) & self.written <= {q.name for q in needed(d, self.forward)}

    def nice(self, d: Definition) -> bool:
        """Whether its matrix form is the one to read."""
        return not self.write(d).indices

    def answer(
        self, closed: Definition, where: Sequence[Definition], main: Equation | None = None
    ) -> tuple[Equation, list[Equation]]:
        """The closed formula (or `main`, another form of it) and what it names; what the user wrote inside an expression
        goes back where it stood."""
        main = main or self.matrix(closed) or self.indexed(closed)
        lines = [self.write(d) for d in where]
        introduced = {e.name for d, e in zip(where, lines, strict=True)
                      if not e.indices and ((d.introduced and _plain(d)) or e.name not in self.written)}
        keep = {e.name for e in lines if e.body.op == "call" and e.body.attr in NAMED_CALLS}
        return self.settle(main, lines, introduced - keep)

    def settle(
        self, main: Equation, lines: list[Equation], introduced: set[str]
    ) -> tuple[Equation, list[Equation]]:
        """Names that nobody wrote replaced by their expressions, where there is no more to read afterwards."""
        for line in reversed(list(lines)):
            users = [e for e in (main, *lines) if e is not line and uses_of(e.body, line.name)]
            if line.name not in introduced:
                continue
            if line.body.op in ("bracket", "num") and any(indexed_by(e.body, line.name) for e in users):
                continue  # `[x > 0][n]` is no entry
            grown = [length(e.body) + uses_of(e.body, line.name) * length(line.body) for e in users]
            if any(n > 2 * LONGEST_LINE for n in grown):
                continue
            put = [self.with_line(e, line) for e in users]
            before = length(line.body) + 2 + sum(length(e.body) for e in users)
            if sum(length(e.body) for e in put) <= before and all(length(e.body) <= LONGEST_LINE for e in put):
                new = {e.name: e for e in put}
                main = new.get(main.name, main)
                lines = [new.get(e.name, e) for e in lines if e is not line]
        return main, used(main, lines, introduced)

    def with_line(self, e: Equation, line: Equation) -> Equation:
        body = put_in(e.body, {line.name: line.body})
        return replace(e, body=body if e.indices else self.shortest.of(body))


def shortest(
    program: Program,
    definitions: Iterable[Definition],
    forms: Mapping[str, str],
    by: Collection[str],
    uneven: Collection[str],
) -> Shortest:
    """The matrix algebra of a program: what its arrays are, and in which order the text names them."""
    dims = {n: i.type.dims for n, i in program.inputs.items()} | {
        d.name: tuple(i.attr[1] for i in d.indices) for d in (*program.definitions, *definitions)
    }
    classes = {n: i.type.classes for n, i in program.inputs.items() if i.type.classes is not None}
    symmetric = [n for n, i in program.inputs.items() if "symmetric" in i.facts and n not in uneven]
    facts = {n: i.facts for n, i in program.inputs.items() if i.facts and n not in by}
    said = [n for d in program.definitions if d.written is not None for n in names_of(d.written.body)]
    place = {n: p for p, n in enumerate(dict.fromkeys((*said, *program.inputs)))}
    return Shortest(forms, dims, symmetric, classes, place, facts)


def indexed_by(tree: Surface, array: str) -> bool:
    """Whether an entry of the array is taken."""
    return any(t.op == "index" and t.args[0] == name(array) for t in walk(tree))


def names_of(tree: Surface) -> list[str]:
    """The names of a tree, from left to right."""
    return [t.attr for t in walk(tree) if t.op == "name"]


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
