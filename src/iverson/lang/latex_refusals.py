"""What a text says that has no reading: formulas that could be the loss and are not read, problems within it, sizes left open."""

from __future__ import annotations

from ..core.errors import IversonError, Span
from .doubts import scoped
from .latex_formulas import Formula, head_of, is_number, uses
from .latex_parse import TexParser
from .latex_reader import Reader
from .latex_split import Statement
from .surface import Script, Surface, names_in, walk


class Refusals:
    """The refusals of one text."""

    source: str
    statements: list[Statement]
    formulas: list[Formula]

    def error(self, kind: str, message: str, span: Span | None, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, span, hint=hint, source=self.source)

    def refuse_unread(self, found: Formula) -> None:
        """A formula that is not read and uses the one that would be taken for the loss is the loss itself."""
        if found.left is None:
            return
        head = str(head_of(found.left).attr)
        for f in self.formulas:
            if f.fault is not None and f is not found and any(t.text == head for t in f.statement.tokens):
                raise f.fault
        for s in self.statements:
            texts = [t.text for t in s.tokens]
            if s.kind == "condition" and head in texts and {r"\approx", r"\propto", r"\sim"} & set(texts):
                raise self.error("ambiguous", "This is no equation, and could be the loss.", s.span,
                                 "Write =, or choose the loss with formula=.")

    def refuse_inner(self, f: Formula, goal: Formula, r: Reader) -> None:
        """A minimum over variables that is used by the loss, or is a function of others than it searches: a problem within it."""
        below = [t for t in f.statement.searched if t.kind == "sym"]
        if not below or f.entry is None or f.entry.kind != "definition":
            return
        names = {str(p.attr) for p in f.entry.params or ()}
        if (f is not goal and uses(goal.body, f.entry, r)) or (names and not names & {t.text for t in below}):
            raise self.error("unsupported", "This is a minimum or maximum over variables, a problem within the loss.", f.statement.searched[0].span,
                             "Its value has no formula here; leave out what it is searched over to mean the objective itself.")

    def refuse_conflicts(self, r: Reader, goal: Formula) -> None:
        """A symbol that the caller declares and the text defines."""
        for f in self.formulas:
            if f is goal or f.entry is None or f.entry.kind != "constraint" or f.left is None or f.left.op != "sym" or is_number(f.body):
                continue
            found = r.symbols.find(f.left)
            if found is not None and uses(goal.body, found[0], r):
                raise self.error("ambiguous", f"{found[0].name} is declared, and defined here.", f.left.span, "Leave one of the two out.")

    def refuse_elided(self, r: Reader) -> None:
        """A name whose definition could not be read is no input."""
        elided = [s for s in self.statements if s.kind == "elided"]
        used = {n.attr for q in r.equations for n in walk(q.body) if n.op == "name"} if elided else set()
        for s in elided:
            texts = [t.text for t in s.tokens]
            if "=" in texts:
                try:
                    left = TexParser(s.tokens[: texts.index("=")], self.source).whole()
                except IversonError:
                    continue
                found = r.undeclared.get(str(left.attr)) if left.op == "sym" else None
                if found is not None and found.name in used and r.symbols.find(left) is None:
                    raise self.error("unsupported", "A formula with dots leaves out what it means.", s.span, r"Write it with \sum, or as a sum.")


OPEN = {"?one": "This vector of ones", "?zero": "This zero", "?eye": "This identity", "?square": "This matrix of ones"}


def refuse_open(script: Script, given: set[str]) -> None:
    """What no sum and no size settles: ones without a size, a letter that is an index in one place and free in another."""
    own = given | {e.name for e in script.equations} | {d.name for d in script.declarations}
    bodies = [(e.body, frozenset(e.indices or ())) for e in script.equations]
    found = [x for body, bound in bodies for x in scoped(body, bound)]
    binders = {n for tree, _ in found if tree.op == "reduce" for n in tree.attr[1]}
    for d in script.declarations:
        if any(names_in(s) & binders for s in d.dims or () if isinstance(s, Surface)):
            at = next(tree for tree, _ in found if tree.op == "reduce").span
            hint = "Say over what it runs, or declare sizes."
            raise IversonError("ambiguous", "The limit of a sum depends on an index.", at, hint=hint, source=script.source)
    for tree, bound in found:
        if tree.op != "name":
            continue
        if tree.attr in OPEN:
            raise IversonError(
                "ambiguous", f"{OPEN[tree.attr]} has no size here.", tree.span, hint=r"Write \mathbf{1}_n, 0_n or I_n.", source=script.source
            )
        if tree.attr in binders and tree.attr not in own | bound:
            message = f"{tree.attr} is the index of a sum, and stands free here."
            hint = "Put it under the sum, name it otherwise, or declare it."
            raise IversonError("ambiguous", message, tree.span, hint=hint, source=script.source)
