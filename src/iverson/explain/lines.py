"""The trace as lines: which steps are shown, with which formula, words and shape.

Glossary   node, axes: what a line says, as a function of free indices, so that it can be replayed with numbers.
Consecutive steps of bookkeeping are shown as one; nothing is shown that was not recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.node import Node
from ..core.program import Program
from ..derivation.answer import Answer, Writer
from ..derivation.reverse import Adjoint
from ..lang.shapes import show_size
from ..lang.surface import Equation, Surface, index, name
from ..rewrite.trace import Section, Step
from ..rules.words import FUNCTIONS, WORDS

SMALL = {"sum", "product", "element", "sum-of", "bracket", "power"}
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Line:
    """One line: `left = tree` (left None: the equality goes on), the rule's key, its words, the shape.

    node, axes   the value it states, for replay; None for a heading or an equation in matrix form
    """

    left: Surface | None
    tree: Surface | None
    rule: str
    words: str
    shape: str = ""
    node: Node | None = None
    axes: tuple[Node, ...] = ()

    @property
    def heading(self) -> bool:
        return self.tree is None


class Lines:
    """Builds the lines of one derivation in one language."""

    def __init__(self, program: Program, adjoint: Adjoint, answer: Answer, lang: str) -> None:
        self.program, self.adjoint, self.answer = program, adjoint, answer
        self.lang = LANGUAGES.index(lang)
        self.writer = Writer(program, [*adjoint.adjoints, *answer.program, answer.closed, *answer.where])

    def words(self, rule: str, *parts: str) -> str:
        if rule.startswith("derivative-of-"):
            row = FUNCTIONS.get(
                rule.removeprefix("derivative-of-"), (f"{rule[14:]}' by name", f"{rule[14:]} 的导数")
            )
            return row[self.lang]
        return WORDS[rule][self.lang].format(*parts)

    def all(self) -> Iterator[Line]:
        yield from self.givens()
        wanted = self.sections()
        for section in wanted:
            yield from self.local(section) if section.kind == "local" else self.chain(section)
        yield from self.result()

    def sections(self) -> list[Section]:
        """The sections on the way to this input, in the order in which they were worked."""
        useful = {self.answer.wrt}
        for s in reversed(self.adjoint.sections):
            if s.wrt in useful:
                useful.add(s.subject)
        return [s for s in self.adjoint.sections if s.wrt in useful]

    # -- the parts -----------------------------------------------------------------------------------------

    def givens(self) -> Iterator[Line]:
        yield Line(None, None, "loss", self.words("loss"))
        for d in self.program.definitions:
            if d.name != "predict":
                e = self.writer.write(d)
                yield Line(left_of(e), e.body, "given", "", self.shape(d.indices))

    def local(self, s: Section) -> Iterator[Line]:
        names = self.writer.names.assign(s.axes)
        target = self.element(s.target, names)
        subject = self.subject(s, names)
        yield Line(None, None, "local", self.words("local", s.subject, s.wrt))
        start = self.writer.index.tree(s.start, names)
        yield Line(derivative(subject, target), start, "given", "", self.shape(s.axes), s.start, s.axes)
        for step in folded(s.steps):
            yield self.step(step, names, (s.wrt if step.rule != "name" else s.subject,))

    def chain(self, s: Section) -> Iterator[Line]:
        if not s.steps and s.subject == self.program.result and not self.adjoint.outputs:
            return
        yield Line(None, None, "by", self.words("by", s.wrt))
        names = self.writer.names.assign(s.axes)
        target = self.element(s.target, names)
        words = self.words("chain", s.subject)
        yield Line(
            derivative(name(self.program.result), target),
            self.writer.index.tree(s.start, names),
            "chain",
            words,
            self.shape(s.axes),
            s.start,
            s.axes,
        )
        for step in folded(s.steps):
            yield self.step(step, names, (s.wrt,))

    def step(self, step: Step, names: dict[Node, str], parts: Sequence[str]) -> Line:
        return Line(
            None,
            self.writer.index.tree(step.after, names),
            step.rule,
            self.words(step.rule, *parts),
            self.shape(step.axes),
            step.after,
            step.axes,
        )

    def result(self) -> Iterator[Line]:
        yield Line(None, None, "result", self.words("result"))
        introduced = {d.name for d in self.program.definitions}
        for d in self.answer.program:
            if d.name in introduced and d.written is not None and not d.introduced:
                continue
            e = (
                self.writer.write(d)
                if d is not self.answer.program[-1]
                else self.writer.matrix(d) or self.writer.indexed(d)
            )
            last, gradients = d is self.answer.program[-1], set(self.adjoint.names.values())
            rule = (
                "matrix"
                if last and not e.indices and d.indices
                else "fused"
                if d.name in gradients
                else "given"
            )
            yield Line(
                left_of(e), e.body, rule, self.words(rule) if rule != "given" else "", self.shape(d.indices)
            )

    # -- pieces --------------------------------------------------------------------------------------------

    def element(self, target: Node, names: dict[Node, str]) -> Surface:
        return self.writer.index.tree(target, names)

    def subject(self, s: Section, names: dict[Node, str]) -> Surface:
        d = self.program.definition(s.subject)
        own = [names[i] for i in s.axes[: len(d.indices)]]
        return index(name(d.name), *map(name, own)) if own else name(d.name)

    def shape(self, axes: Sequence[Node]) -> str:
        return " x ".join(show_size(i.attr[1]) for i in axes)


def derivative(subject: Surface, target: Surface) -> Surface:
    """The left side of a line: the derivative of `subject` by `target`, as a quotient that is only displayed."""
    return Surface("call", (subject, target), "D")


def left_of(e: Equation) -> Surface:
    return index(name(e.name), *map(name, e.indices)) if e.indices else name(e.name)


def folded(steps: Sequence[Step]) -> list[Step]:
    """Runs of bookkeeping shown by their last step."""
    shown: list[Step] = []
    for step in steps:
        if shown and step.rule in SMALL and shown[-1].rule in SMALL:
            first = shown.pop()
            step = Step(
                step.rule if step.rule != "bracket" else first.rule, first.before, step.after, step.axes
            )
        shown.append(step)
    return shown
