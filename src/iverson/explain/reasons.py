"""Why a line holds, as clauses: keys of WORDS with the formulas that fill their gaps.

Glossary   g: the recorded steps that a line shows; s: the section they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from ..core.node import Node, coefficient, mul, reads, walk
from ..core.program import Definition
from ..derivation.combine import cost
from ..derivation.declared import used_facts
from ..derivation.differential import own_names
from ..derivation.local import rule_name
from ..lang.surface import Surface, call, name
from ..lang.syntax import parse_expression, parse_script
from ..lang.whole import whole_call
from ..rewrite.rule import Rule
from ..rewrite.trace import Section
from ..rules.calculus import CALCULUS, STRICT, TENSOR
from ..rules.names import ALGEBRA
from ..rules.words import WORDS
from .lines import Book, Chain, Clause, relation, titles
from .steps import Group, derivatives, kept, replaced

ELSEWHERE = ("linear", "element", "collapse", "tidy", "name")
MOST_ENTRIES = 2


class Reasons:
    """Clauses for the lines of one explanation."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.told: set[str] = set()  # rules that a chapter has named already

    def start(self, s: Section, f: Node, chain: Chain) -> list[Clause]:
        """The first line: what was written, with indices; for a whole-matrix function its differential."""
        d = self.book.program.definition(s.subject)
        if d.body.op == "tensor":
            return self.differential(d, s, chain)
        return [titles("start", q=s.subject)] if any(g.op in ("red", "idx") for g in walk(f)) else []

    def differential(self, d: Definition, s: Section, chain: Chain) -> list[Clause]:
        function, *arrays = d.body.attr
        *inside, last = parse_script(TENSOR[function].replace("; ", "\n")).equations
        whole = last.body
        for e in reversed(inside):
            whole = replaced(whole, {e.name: e.body})
        text = replaced(whole, {n: name(m) for n, m in own_names(d).items()})
        facts = {"f": whole_call(function, tuple(map(name, arrays))), "g": text, "dA": self.book.tree(s.target, chain.names)}
        read = {g.attr for g in walk(s.start) if g.op == "el"}
        inner = [q for q in self.book.program.definitions if q.name in read and q.introduced and q is not d]
        return [
            Clause("differential", facts),
            *(Clause("inner", {"equation": relation(self.book.writer.write(q))}) for q in inner),
        ]

    # -- recorded steps -------------------------------------------------------------------------------------

    def group(self, g: Group, s: Section, chain: Chain | None) -> list[Clause]:
        """The words of the steps of one line; of a whole section told in one line without its chain."""
        kinds = g.kinds
        functions = [k for k in kinds if k not in ELSEWHERE]
        said = [c for k in functions for c in self.function(k, g)]
        if "linear" in kinds and not functions and not ("element" in kinds and "linear" in self.told):
            said.append(self.linear(g, s))
            self.told.add("linear")
        if "element" in kinds and s.target.args and (chain or not said):
            said.append(titles("element-again" if "element" in self.told else "element", x=s.target.attr))
            self.told.add("element")
        if chain and "collapse" in kinds:
            said += self.collapsed(chain)
        elif kinds == ("tidy",):
            said.append(Clause("tidy"))
        return [*said, titles("name", q=s.subject)] if "name" in kinds else said

    def linear(self, g: Group, s: Section) -> Clause:
        rules = [r for r in g.rules if r in ("sum", "sum-of", "product", "bracket")]
        if rules[-1:] == ["bracket"]:
            return Clause("bracket")
        if not derivatives(g.after) and len(g.steps) > 1:
            return Clause("linear")
        if rules == ["sum"] and len(derivatives(g.after)) == len(derivatives(g.before)):
            return titles("drop", x=s.wrt)
        key = "linear" if len(rules) > 1 else "factor" if rules == ["product"] else rules[0]
        return titles(key, x=s.wrt) if key == "factor" else Clause(key)

    def function(self, kind: str, g: Group) -> Iterator[Clause]:
        """The rule of a function: its slope from CALCULUS; for max and min of a constant bracket and tie."""
        word = kind.removeprefix("derivative-of-")
        if word == kind:
            known = next((r for r in ALGEBRA if r.name == kind), None)
            yield Clause(kind) if known is None else self.identity(known)
            return
        u = name("u")
        if word in STRICT:
            bodies = [
                d.args[0]
                for step in g.steps
                for d in derivatives(step.before)
                if rule_name(d.args[0]) == kind
            ]
            constant = next(
                (
                    b.args[0]
                    for b in bodies
                    if len(b.args) == 2 and not reads(b.args[0]) and not b.args[0].free
                ),
                None,
            )
            yield self.one_sided(word, constant) if constant is not None else Clause(kind)
            return
        row = CALCULUS.get(word)
        slope = (
            call(word + "'", u)
            if row is None or row.partial is None
            else replaced(parse_expression(row.partial[0]), {"x": u})
        )
        yield Clause(
            kind if kind in WORDS else "derivative-of-declared", {"f": call(word, u), "slope": slope}
        )

    def one_sided(self, word: str, constant: Node) -> Clause:
        u, c = name("u"), self.book.writer.index.tree(constant, {})
        slope = replaced(parse_expression(STRICT[word]), {"x": u, "y": c})
        return Clause(
            "one-sided", {"f": call(word, c, u), "slope": slope, "tie": Surface("rel", (u, c), "=")}
        )

    def collapsed(self, chain: Chain) -> list[Clause]:
        """What the brackets of the last line keep; nothing kept means that terms were only collected."""
        assert chain.tree is not None
        said: list[Clause] = []
        for k in kept(chain.tree):
            said.append(Clause("collapse", {"brackets": reduce(times, k.brackets), "terms": k.terms}))
            if k.condition:
                said.append(
                    Clause("condition", dict(zip(("condition", "bracket"), k.condition, strict=True)))
                )
        return said or [Clause("tidy")]

    # -- names and matrices ---------------------------------------------------------------------------------

    def identity(self, row: Rule) -> Clause:
        return Clause(
            "identity",
            {"identity": Surface("rel", (parse_expression(row.lhs), parse_expression(row.rhs)), "=")},
        )

    def named(self, chain: Chain, d: Definition) -> list[Clause]:
        """Declared facts that were used before the answer's own names come in; names explain themselves."""
        if not chain.lines or chain.lines[-1].node is None:
            return []
        used = used_facts(chain.lines[-1].node, self.book.program, self.book.adjoint.gradients)
        sides = [[replaced(parse_expression(t), {"x": name(n)}) for t in (rule.lhs, rule.rhs)] for n, rule in used]
        return [Clause("fact", {"identity": Surface("rel", tuple(s), "=")}) for s in sides]

    def matrix(self, d: Definition, chain: Chain) -> list[Clause]:
        """Which entry of which matrix a term is, for the terms where that is not plain."""
        said: list[Clause] = []
        place = ",".join(chain.names[i] for i in d.indices)
        for term in terms(d.body, frozenset(d.indices)):
            own = tuple(i for i in d.indices if i in term.free)
            e = (
                self.book.writer.literal(Definition("", own, term, d.form))
                if own == d.indices and telling(term, own)
                else None
            )
            if e is not None and len(said) < MOST_ENTRIES:
                shown = self.book.tree(term, chain.names)
                said.append(
                    Clause(
                        "entry",
                        {"term": shown, "matrix": e.body, "place": f"({place})" if len(own) > 1 else place},
                    )
                )
        return [Clause("matrix"), *said]


    def shorter(self, literal: Surface, short: Surface) -> list[Clause]:
        """Why the matrix form may be written shorter; nothing where only the order of factors changed."""
        facts = self.book.writer.shortest.reasons(literal)
        if not facts and cost(short) >= cost(literal) - 1:
            return []
        said = [
            Clause(rule, {"x": x, "turned": Surface("transpose", (x,))}) for rule, x in facts[:MOST_ENTRIES]
        ]
        return [*said, Clause("shorter")]


def times(a: Surface, b: Surface) -> Surface:
    return Surface("mul", (a, b))


def terms(f: Node, axes: frozenset[Node]) -> Iterator[Node]:
    """The terms of a sum without their scalar factors, through one product with scalars."""
    if f.op == "add":
        for a in f.args:
            yield from terms(a, axes)
        return
    _, f = coefficient(f)
    factors = [a for a in (f.args if f.op == "mul" else (f,)) if a.free & axes]
    if len(factors) == 1:
        if factors[0].op == "add":
            yield from terms(factors[0], axes)
        else:
            yield factors[0]
    elif factors:
        yield mul(*factors)


def telling(f: Node, own: tuple[Node, ...]) -> bool:
    """A sum, a bracket between indices, or an outer product: a form whose matrix is worth a word."""
    factors = f.args if f.op == "mul" else (f,)
    if any(x.op in ("red", "br") for x in factors):
        return True
    return len(own) == 2 and any(len(x.free & frozenset(own)) == 1 for x in factors)
