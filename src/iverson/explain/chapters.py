"""The chapters of an explanation: a derivative for each definition on the way back from the result.

Glossary   r: what is derived by; q: a definition that reads it; a pair: the recorded sections of dq/dr and of
dL/dr through q; direct: q is the result L itself, so that the two are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..core.node import Node, add, el, mul, reads, substitute, sum_, walk
from ..core.program import Definition, inline
from ..derivation.answer import Answer
from ..derivation.reverse import Adjoint
from ..derivation.tidy import tidy
from ..lang.shapes import Type, array
from ..lang.surface import name, weight
from ..rewrite.collapse import contract
from ..rewrite.match import everywhere
from ..rewrite.trace import Section, Step
from ..rules.names import ALGEBRA
from .frame import closing, opening
from .lines import Book, Chain, Clause, Line, entry, pending, quotient, titles
from .reasons import Reasons
from .steps import Group, grouped, same_reading

Pair = tuple[Section, Section]
PLAIN = {"linear", "element", "power", "collapse", "tidy"}
SHORT = 12  # the longest result of a derivation that is told in one line


def lines(adjoint: Adjoint, answer: Answer) -> list[Line]:
    """The derivation of one gradient, line by line."""
    return list(Chapters(adjoint, answer).all())


class Chapters:
    """Builds the lines of one derivation, chapter after chapter."""

    def __init__(self, adjoint: Adjoint, answer: Answer) -> None:
        self.book = Book(adjoint, answer)
        self.adjoint, self.answer, self.program = adjoint, answer, adjoint.program
        self.writer, self.result = self.book.writer, self.book.result
        self.reasons = Reasons(self.book)
        self.pairs = self._pairs()

    def _pairs(self) -> dict[str, list[Pair]]:
        """The pairs of sections on the way to the input, by what they derive by, from the result back."""
        pairs = list(zip(self.adjoint.sections[::2], self.adjoint.sections[1::2], strict=True))
        useful = {self.answer.wrt}
        for local, _ in reversed(pairs):
            if local.wrt in useful:
                useful.add(local.subject)
        found: dict[str, list[Pair]] = {}
        order = [d.name for d in reversed(self.program.definitions) if d.name != self.answer.wrt]
        for r in (*(n for n in order if n in useful), self.answer.wrt):
            own = [p for p in pairs if p[0].wrt == r and p[0].subject in useful]
            if own and r not in self.book.roots:
                found[r] = own
        return found

    def all(self) -> Iterator[Line]:
        axes = next(reversed(self.pairs.values()))[0][1].axes if self.pairs else ()
        yield from opening(self.book, list(self.pairs), axes)
        for number, r in enumerate(self.pairs, 1):
            yield from self.chapter(r, number)
        if not self.pairs:
            yield Line("text", words=(titles("independent", L=self.result.name, x=self.answer.wrt),))
        yield from closing(self.book)

    # -- one chapter ----------------------------------------------------------------------------------------

    def chapter(self, r: str, number: int) -> Iterator[Line]:
        """The derivative of the result by `r`."""
        pairs = self.pairs[r]
        self.reasons.told.clear()
        shape = self.shape(r, pairs[0][1].axes)
        if len(self.pairs) > 1 or len(pairs) > 1 or not self.direct(pairs[0]):
            key = "heading-upstream" if self.book.upstream else "heading"
            yield Line("heading", words=(titles(key, number=number, L=self.result.name, x=r),), shape=shape)
        if len(pairs) == 1 and self.direct(pairs[0]):
            chain, total = self.direct_chain(pairs[0], shape)
        else:
            for pair in pairs:
                yield from self.inner(pair)
            chain, total = self.together(r, pairs, shape)
        self.finish(r, chain, total)
        if self.by_convention(r, chain, total):
            chain.lines[0] = replace(chain.lines[0], left=chain.quotient, quotient=None)
        yield from chain.lines
        yield from self.convention(r, chain, total)

    def direct(self, pair: Pair) -> bool:
        return pair[0].subject in self.book.roots and self.book.upstream is None

    def shape(self, r: str, axes: tuple[Node, ...]) -> Type:
        d = self.book.adjoint_of(r)
        dims = tuple(i.attr[1] for i in axes)
        return array(dims) if d is None or self.adjoint.outputs else Type(d.form, dims)

    def chain(self, r: str, axes: tuple[Node, ...], shape: Type) -> Chain:
        """An empty chain for the gradient by `r`."""
        left, of, names = self.book.gradient(r, axes)
        if self.adjoint.outputs and r != self.answer.wrt:
            return Chain(self.book, of, axes, names, shape)
        return Chain(self.book, left, axes, names, shape, of if self.book.upstream is None else None)

    def direct_chain(self, pair: Pair, shape: Type) -> tuple[Chain, Node]:
        """The result itself reads r: one run of equalities."""
        local, chained = pair
        indices = self.program.definition(local.subject).indices
        moved = dict(zip(indices, self.adjoint.outputs, strict=False))
        steps = [
            Step(s.rule, substitute(s.before, moved), substitute(s.after, moved), chained.axes)
            for s in local.steps
        ]
        start = substitute(local.start, moved)
        chain = self.chain(local.wrt, chained.axes, shape)
        if local.target.attr != local.wrt and chain.quotient is not None:
            chain.left, chain.quotient = chain.quotient, None  # dX is the differential here
        if not moved:
            steps += chained.steps
        elif steps and same_reading(Step("tidy", steps[-1].after, chained.end)):
            steps[-1] = replace(steps[-1], after=chained.end)
        self.run(chain, local, start, steps)
        if moved:
            chain.add(chained.end, "tidy", (Clause("tidy"),))
        return chain, chained.end

    def run(self, chain: Chain, s: Section, start: Node, steps: Sequence[Step]) -> None:
        """The lines of one local derivative."""
        if steps and steps[0].rule == "sum" and steps[0].after.op == "deriv":
            start, steps = steps[0].after, steps[1:]
            chain.add(start, "sum", (titles("only-term", q=s.subject, x=s.wrt),), folded=True)
        else:
            chain.add(start, "start", self.reasons.start(s, start, chain))
        for g in grouped(steps):
            chain.add(g.after, "+".join(g.rules), self.reasons.group(g, s, chain), folded=len(g.steps) > 1)

    # -- through other definitions --------------------------------------------------------------------------

    def inner(self, pair: Pair) -> Iterator[Line]:
        """dq/dr, or what of the result reads r directly: in full, or in one line where it is plain."""
        local, _ = pair
        d = self.program.definition(local.subject)
        axes = (*local.target.args, *d.indices)
        names = self.writer.names.assign(axes)
        target = self.book.tree(el(local.wrt, local.target.args), names)
        left = quotient(entry(name(d.name), [name(names[i]) for i in d.indices]), target)
        chain = Chain(self.book, left, axes, names, array(tuple(i.attr[1] for i in axes)))
        if self.plain(local, names):
            yield self.one_line(chain, local, self.direct_part(local) if self.direct(pair) else None)
        else:
            self.run(chain, local, local.start, local.steps)
            yield from chain.lines

    def plain(self, s: Section, names: Mapping[Node, str]) -> bool:
        """Linear or a square, with a short end and no bracket left: nothing to see."""
        kinds = {k for g in grouped(s.steps) for k in g.kinds}
        brackets = any(g.op == "br" for g in walk(s.end)) or s.target.attr != s.wrt
        return kinds <= PLAIN and not brackets and weight(self.book.tree(s.end, names)) <= SHORT

    def one_line(self, chain: Chain, s: Section, part: Node | None) -> Line:
        """A plain derivation told in one line; `part` is what of the result reads r directly."""
        start = s.start if part is None else part
        left = chain.left if part is None else self.book.tree(part, chain.names)
        words = tuple(self.reasons.group(Group(tuple(s.steps)), s, None)) if s.steps else ()
        rule = "+".join(dict.fromkeys(x.rule for x in s.steps))
        return Line(
            "equal",
            left,
            self.book.tree(s.end, chain.names),
            rule,
            words,
            chain.shape,
            chain=chain.number,
            folded=True,
            node=s.end,
            axes=chain.axes,
            opening=start,
        )

    def direct_part(self, s: Section) -> Node:
        """The derivative of what of the result reads r, not carried out."""
        return s.steps[0].after if s.steps and s.steps[0].rule == "sum" else s.start

    def together(self, r: str, pairs: Sequence[Pair], shape: Type) -> tuple[Chain, Node]:
        """The chain rule over everything that reads r."""
        axes = pairs[0][1].axes
        chain = self.chain(r, axes, shape)

        def total(parts: Iterable[Node]) -> Node:
            """The sum over the pairs, all over the same axes."""
            return add(
                *(
                    substitute(f, dict(zip(c.axes, axes, strict=True)))
                    for f, (_, c) in zip(parts, pairs, strict=True)
                )
            )

        through = tuple(name(local.subject) for local, _ in pairs if not self.direct((local, _)))
        key = (
            "chain-direct"
            if len(through) < len(pairs)
            else "chain-upstream"
            if self.book.upstream
            else "chain"
        )
        words = (Clause(key, {"x": name(r), "L": name(self.result.name), "q": through}),)
        chain.add(
            total(self.chain_rule(p, False) for p in pairs),
            "chain",
            words,
            total(self.chain_rule(p, True) for p in pairs),
        )
        found = total(c.start for _, c in pairs)
        chain.add(found, "found", (Clause("found"),))
        end = total(c.end for _, c in pairs)
        self.settle(chain, found, total(after(c, "collapse") for _, c in pairs), end)
        return chain, end

    def chain_rule(self, pair: Pair, display: bool) -> Node:
        """sum over the entries of q of dq times dq/dr, not carried out; `display` with names for both."""
        local, _ = pair
        d = self.program.definition(local.subject)
        if self.direct(pair):
            return substitute(
                self.direct_part(local), dict(zip(d.indices, self.adjoint.outputs, strict=False))
            )
        outer = self.book.adjoint_of(d.name)
        assert outer is not None
        q, by_name = el(d.name, d.indices), el(outer.name, d.indices)
        if not display:
            in_full = self.adjoint.outputs or not outer.indices or outer.body.op in ("num", "el")
            return sum_(d.indices, mul(outer.at(d.indices) if in_full else by_name, local.start))
        if self.adjoint.outputs:
            by_name = pending(el(self.result.name, self.adjoint.outputs), q)
        factor = outer.at(d.indices) if outer.body.op == "el" and not self.adjoint.outputs else by_name
        return sum_(d.indices, mul(factor, pending(q, el(local.wrt, local.target.args))))

    def settle(self, chain: Chain, before: Node, collapsed: Node, total: Node) -> None:
        """From a put-in formula to its short form: what the brackets keep, then what cancels."""
        if collapsed is not before and not same_reading(Step("tidy", collapsed, total)):
            chain.add(collapsed, "collapse", self.reasons.collapsed(chain))
        done = chain.lines[-1].rule == "collapse"
        words = [Clause("tidy")] if done else self.reasons.collapsed(chain)
        chain.add(total, words[0].key, words)

    # -- the end of a chapter -------------------------------------------------------------------------------

    def finish(self, r: str, chain: Chain, total: Node) -> None:
        """Gradients put in, identities, names, and the return to matrices."""
        dr = self.adjoint.names[r]
        known = {n: d for n, d in self.book.bodies.items() if n in reads(total) and n not in self.book.final}
        closed = tidy(total)
        if known:
            put = inline(total, known)
            chain.add(put, "put-in", (Clause("put-in", {"gradients": tuple(map(name, known))}),))
            closed = tidy(put)
            self.settle(chain, put, contract(put), closed)
        elif closed is not total:
            chain.add(closed, "tidy", (Clause("tidy"),))
        closed = self.identities(chain, closed)
        self.book.bodies[dr] = Definition(dr, chain.axes, closed)
        final = self.book.final.get(dr)
        inner = self.adjoint.outputs and r != self.answer.wrt
        if final is None or inner or self.by_convention(r, chain, total):
            return
        self.close(chain, replace(final, indices=chain.axes, body=final.at(chain.axes)))

    def identities(self, chain: Chain, f: Node) -> Node:
        """The rows of ALGEBRA that apply."""
        for row in ALGEBRA:
            new = everywhere((row,), f)
            if new is not f:
                f = tidy(new)
                chain.add(f, row.name, (self.reasons.identity(row),))
        return f

    def close(self, chain: Chain, d: Definition) -> None:
        """The gradient as the answer has it: with its names, and in matrix form where that reads better."""
        chain.add(d.body, "where", self.reasons.named(chain, d))
        last = self.answer.program[-1].name == d.name
        final = self.book.final[d.name]
        e = (self.writer.matrix(final) if last else None) or self.writer.write(final)
        if e.indices or not (d.indices or e.body != chain.tree):
            return
        literal = self.writer.literal(final)
        told = literal is not None and self.reasons.shorter(literal.body, e.body)
        first = literal.body if literal is not None and told else e.body
        chain.put(first, d.body, "matrix", self.reasons.matrix(d, chain), kind="matrix", left=name(d.name))
        if told:
            chain.put(e.body, d.body, "shorter", told, kind="matrix")

    def by_convention(self, r: str, chain: Chain, total: Node) -> bool:
        """Whether the answer's gradient is not the sum of its parts but a convention's choice."""
        given = self.adjoint.gradients.get(r)
        return given is not None and not self.adjoint.outputs and given.at(chain.axes) is not tidy(total)

    def convention(self, r: str, chain: Chain, total: Node) -> Iterator[Line]:
        """What the convention for an input of a declared structure makes of the gradient."""
        if not self.by_convention(r, chain, total):
            return
        final = self.book.final[self.adjoint.names[r]]
        kept = Chain(self.book, chain.left, chain.axes, chain.names, chain.shape)
        kept.add(final.at(chain.axes), "convention", (titles("convention", x=r),))
        self.close(kept, replace(final, indices=chain.axes, body=final.at(chain.axes)))
        yield from kept.lines


def after(s: Section, rule: str) -> Node:
    """The section's formula after its step of this rule, its start where there was none."""
    return next((x.after for x in s.steps if x.rule == rule), s.start)
