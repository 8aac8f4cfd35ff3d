"""The trace as lines: what is shown, with which words and shape, and the node that each line states.

Glossary   r: what is derived by; q: a definition that reads it; dr, dq: gradients of the result L by them.
A chain is a run of equalities; its lines have one value, so they can be replayed with numbers.  Formulas are
recorded nodes with the answer's names put in; words are keys of WORDS with the formulas that fill their gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.node import Node, el, make, transform
from ..core.program import Definition, Program, inline
from ..derivation.answer import Answer, Writer
from ..derivation.local import fold
from ..derivation.polish import uses_of
from ..derivation.reverse import Adjoint
from ..lang.shapes import Type
from ..lang.show import equation_left
from ..lang.surface import Equation, Surface, index, name


@dataclass(frozen=True)
class Clause:
    """A sentence of WORDS by its key, and what fills its gaps: trees, tuples of trees, plain texts."""

    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line: `left = right` by `rule`, or words alone.

    kind      title, heading, text, input, given, equal, matrix, result; left is None where it goes on
    quotient  the left side as a quotient of differentials;  shape: of what the line states
    chain     lines of one number have one value;  folded: stands for several recorded steps
    node      the value of the right side over `axes`, for replay;  opening: that of an unfinished left side
    """

    kind: str
    left: Surface | None = None
    right: Surface | None = None
    rule: str = ""
    words: tuple[Clause, ...] = ()
    shape: Type | None = None
    quotient: Surface | None = None
    chain: int = 0
    folded: bool = False
    node: Node | None = None
    axes: tuple[Node, ...] = ()
    opening: Node | None = None


class Book:
    """What all parts of one explanation share: names, the writer, what was said already."""

    def __init__(self, adjoint: Adjoint, answer: Answer) -> None:
        self.adjoint, self.answer, self.program = adjoint, answer, adjoint.program
        shown = [*adjoint.adjoints, *answer.program, answer.closed, *answer.where]
        self.writer = Writer(self.program, shown, adjoint.gradients)
        self.result = self.program.definition(self.program.result)
        known = self.program.names() | set(adjoint.names.values())
        self.made = [d for d in answer.program if d.name not in known]
        self.final = {d.name: d for d in answer.program}
        self.bodies: dict[str, Definition] = {}
        self.said: set[str] = set()
        self.chains = 0

    @property
    def roots(self) -> set[str]:
        """The result, and the definition of a whole-matrix function where the result is nothing else."""
        body = self.result.body
        alias = body.op == "el" and any(
            d.name == body.attr and d.introduced for d in self.program.definitions
        )
        return {self.result.name, body.attr} if alias else {self.result.name}

    def gradient(self, r: str, axes: tuple[Node, ...]) -> tuple[Surface, Surface, dict[Node, str]]:
        """The gradient by r over `axes`: as an element `dr[i,k]`, as a quotient, and the names used."""
        names = self.writer.names.assign(axes)
        own = [name(names[i]) for i in axes]
        outputs = len(self.adjoint.outputs)
        of = quotient(entry(name(self.result.name), own[:outputs]), entry(name(r), own[outputs:]))
        return entry(name(self.adjoint.names.get(r, "d" + r)), own), of, names

    @property
    def upstream(self) -> Definition | None:
        """The gradient by the result, where one was given."""
        name = self.adjoint.names.get(self.result.name)
        return next((d for d in self.adjoint.adjoints if d.name == name), None)

    def adjoint_of(self, name: str) -> Definition | None:
        """The gradient by a definition or an input, as reverse mode left it."""
        wanted = self.adjoint.names.get(name)
        pool = (*self.adjoint.adjoints, *self.adjoint.gradients.values())
        return next((d for d in pool if d.name == wanted), None)

    def tree(self, f: Node, names: Mapping[Node, str]) -> Surface:
        """A node as it is shown: the answer's bracket names put in, derivatives left as they are."""
        brackets = [d for d in self.made if d.body.op == "br"]
        return self.writer.index.tree(named(f, brackets) if brackets else f, names)

    def introduced(self, tree: Surface) -> list[Clause]:
        """What a name of the answer stands for, where it is shown for the first time."""
        new = [d for d in self.made if d.name not in self.said and uses_of(tree, d.name)]
        self.said.update(d.name for d in new)
        return [Clause("where", {"equation": relation(self.writer.indexed(d))}) for d in new]

    def number(self) -> int:
        self.chains += 1
        return self.chains


class Chain:
    """A run of equalities that begins with `left`; a line that reads as the last one is not shown."""

    def __init__(
        self,
        book: Book,
        left: Surface,
        axes: tuple[Node, ...],
        names: Mapping[Node, str],
        shape: Type,
        quotient: Surface | None = None,
    ) -> None:
        self.book, self.left, self.axes, self.names = book, left, axes, names
        self.shape, self.quotient, self.number = shape, quotient, book.number()
        self.lines: list[Line] = []

    def add(
        self,
        node: Node,
        rule: str,
        words: Sequence[Clause] = (),
        shown: Node | None = None,
        folded: bool = False,
    ) -> None:
        """The next line, equal to the last by `rule`; `shown` names what node spells out."""
        tree = self.book.tree(node if shown is None else shown, self.names)
        self.put(tree, node, rule, words, folded)

    def put(
        self,
        tree: Surface,
        node: Node,
        rule: str,
        words: Sequence[Clause],
        folded: bool = False,
        kind: str = "equal",
        left: Surface | None = None,
    ) -> None:
        if kind == "equal" and self.lines and tree == self.tree:
            return
        first = not self.lines
        words = (*words, *self.book.introduced(tree))
        self.lines.append(
            Line(
                kind,
                self.left if first else left,
                tree,
                rule,
                words,
                self.shape,
                self.quotient if first else None,
                self.number,
                folded,
                node,
                self.axes,
            )
        )

    @property
    def tree(self) -> Surface | None:
        """The last line's right side."""
        return self.lines[-1].right if self.lines else None


def named(f: Node, definitions: Sequence[Definition]) -> Node:
    """`f` with values of definitions written by name, except inside derivatives that are not carried out."""
    hidden: dict[str, Definition] = {}

    def hide(g: Node) -> Node | None:
        if g.op != "deriv":
            return None
        indices = tuple(sorted(g.free))
        d = Definition(f"~{len(hidden)}", indices, g)
        hidden[d.name] = d
        return el(d.name, indices)

    f = transform(f, hide)
    for d in definitions:
        f = fold(d, f)
    return inline(f, hidden) if hidden else f


def relation(e: Equation) -> Surface:
    """An equation as a tree."""
    return Surface("rel", (equation_left(e), e.body), "=")


def entry(base: Surface, terms: Sequence[Surface]) -> Surface:
    return index(base, *terms) if terms else base


def quotient(subject: Surface, target: Surface) -> Surface:
    """A derivative that is not carried out, of something by an element."""
    return Surface("call", (subject, target), "D")


def pending(f: Node, x: Node) -> Node:
    return make("deriv", (f, x))


def type_of(d: Definition) -> Type:
    return Type(d.form, tuple(i.attr[1] for i in d.indices), d.labels)


def replay_program(adjoint: Adjoint, answer: Answer) -> Program:
    """The program with all that a line's node may read: gradients by definitions and the answer's names."""
    known = adjoint.program.names()
    gradients = [] if adjoint.outputs else [d for d in adjoint.adjoints if d.name not in known]
    taken = known | set(adjoint.names.values())
    made = [d for d in answer.program if d.name not in taken]
    return adjoint.program.with_definitions((*adjoint.program.definitions, *gradients, *made))


def titles(key: str, **facts: Any) -> Clause:
    return Clause(key, {k: name(v) if isinstance(v, str) and k != "number" else v for k, v in facts.items()})
