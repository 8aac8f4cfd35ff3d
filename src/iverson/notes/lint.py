r"""Lint: every claim of a note judged, in order.

A step is compared with the last one of its chain that held, so that the first wrong line is named even when the end is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..core.errors import IversonError
from ..lang.latex_tree import Tex
from .causes import Cause, by_order, by_transpose, cause, cause_of, condition_for, equal_letters, excluded, relabelled, shown, trees
from .claims import Member, Reading, Statement, gathered, loss_at
from .code import findings as code_findings
from .counterexample import evidence
from .document import Note
from .findings import Finding
from .judge import Judge, Outcome, Pair
from .record import Lint
from .scope import INDICES, Definition, common

SAID_AFTER = re.compile(r"\s*\$*[\s,，]*(?:if|when|for|where|当|若|其中|如果)", re.IGNORECASE)
SAID_BEFORE = re.compile(r"[a-z]\s*(?:=|\\neq?\b|≠)\s*[a-z]\s*\$?[^$]{0,30}\$*\s*$")


@dataclass
class Step:
    """One equality sign of a statement with what was found."""

    statement: Statement
    member: Member
    pair: Pair | None
    outcome: Outcome | None
    status: str
    causes: tuple[Cause, ...] = ()
    conditions: tuple[Cause, ...] = ()
    reason: str = ""
    of: str | None = None  # the name whose derivative stands on the left
    evidence: tuple[tuple[str, str], ...] = ()


@dataclass
class Linter:
    """One pass over a note."""

    note: Note
    reading: Reading = field(init=False)
    judge: Judge = field(init=False)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reading = gathered(self.note)
        self.judge = Judge(self.reading.scope)

    def run(self) -> list[Step]:
        for s in self.reading.statements:
            if len(s.members) > 1:
                self.statement(s)
        for d in sorted((d for ds in self.reading.scope.definitions.values() for d in ds), key=lambda d: d.at):
            self.opposite(d)
        return self.steps

    # -- one chain -------------------------------------------------------------------------------------------

    def statement(self, s: Statement) -> None:
        left = s.members[0]
        known = self.start_of(s)
        if known is None and left.fault is not None:
            self.unreadable(s, s.members[1], left.fault)
        first = True
        reference = known
        for m in s.members[1:]:
            if m.tree is None:
                self.unreadable(s, m, m.fault or IversonError("unsupported", "It is not read."))
            elif reference is None:
                reference = m.tree
            elif s.defines is not None and m.tree is s.defines.body and not first:
                self.steps.append(Step(s, m, None, None, "definition"))
            elif first and s.defines is not None and s.gradient is None:
                reference = self.defined(s, m, reference)
            else:
                step = self.compare(s, m, reference)
                if step.status in ("right", "conditional"):
                    reference = m.tree
            first = False

    def start_of(self, s: Statement) -> Tex | None:
        """The left side; a gradient by its name is that of the loss."""
        left = s.left
        if s.gradient is None or left is None:
            return left
        loss = loss_at(self.reading, s.start, s.section)
        if loss is None:
            return left
        return Tex("deriv", (Tex("sym", (), loss, left.span), Tex("sym", (), s.gradient, left.span)), 1, left.span)

    def defined(self, s: Statement, m: Member, left: Tex) -> Tex:
        """The first step of a statement that defines: compared with an earlier definition of its section, if there is one."""
        d = s.defines
        assert d is not None and m.tree is not None
        scope = self.reading.scope
        if d not in scope.definitions.get(d.key, []):
            return self.by_itself(s, m, left, d)
        earlier = [x for x in scope.definitions[d.key] if x.at < d.at and (common(x.section, d.section) or not d.section)]
        status: str = "definition"
        causes: tuple[Cause, ...] = ()
        if earlier:
            o, pair = self.against(s, m, left, d)
            status = "right" if o.kind == "equal" else "definition"
            if o.kind == "differs" and called_by_name(earlier[-1].body):
                c = cause_of(self.judge, pair, o, self.note.text)
                if c.name == "sign":
                    line = self.note.place(earlier[-1].at)[0]
                    causes = (cause("named", name=d.key, other=shown(earlier[-1].body, self.note.text), line=line),)
                    status = "wrong"
        probe = self.judge.compare(Pair(m.tree, m.tree, s.start, s.section, around=(left,)))
        if probe.kind in ("unread", "misfit") and status == "definition":
            self.unreadable(s, m, probe.error)
        else:
            self.steps.append(Step(s, m, None, None, status, causes))
        return m.tree if not (probe.opaque and status == "definition") else left

    def against(self, s: Statement, m: Member, left: Tex, d: Definition) -> tuple[Outcome, Pair]:
        """A second definition of a name, compared with what the name was before."""
        assert m.tree is not None
        scope = self.reading.scope
        every = scope.definitions[d.key]
        scope.definitions[d.key] = [x for x in every if x.at < d.at]
        scope.found.clear()
        pair = Pair(left, m.tree, s.start, s.section, around=(left,))
        try:
            return self.judge.compare(pair), pair
        finally:
            scope.definitions[d.key] = every
            scope.found.clear()

    def by_itself(self, s: Statement, m: Member, left: Tex, d: Definition) -> Tex:
        """x = f(x)."""
        assert m.tree is not None
        pair = Pair(left, m.tree, s.start, s.section)
        o = self.judge.compare(pair)
        if o.kind != "differs":
            self.add(s, m, pair, o)
            return m.tree
        name = shown(left, self.note.text)
        same = self.same_as(pair, d)
        if same is None:
            self.unreadable(s, m, IversonError("unsupported", f"{name} stands on both sides: an assignment, or an equation to be solved."))
        else:
            self.steps.append(Step(s, m, pair, o, "wrong", (cause("itself", name=name, other=same),)))
        return m.tree

    def same_as(self, pair: Pair, d: Definition) -> str | None:
        """Another symbol of the note that is worth what the right side is."""
        for key, found in self.reading.scope.definitions.items():
            if key == d.key or not any(common(x.section, pair.section) or not x.section for x in found):
                continue
            for letters in ((), d.letters):
                sub = tuple(Tex("sym", (), x, pair.left.span) for x in letters)
                made = Tex("sym", (), key, pair.left.span, sub or None)
                if self.judge.compare(replace(pair, left=made)).kind == "equal":
                    return key + ("_" + ",".join(letters) if letters else "")
        return None

    # -- one step --------------------------------------------------------------------------------------------

    def compare(self, s: Statement, m: Member, reference: Tex) -> Step:
        assert m.tree is not None
        around = tuple(x.tree for x in s.members if x.tree is not None)
        pair = Pair(reference, m.tree, s.start, s.section, around=around)
        o = self.judge.compare(pair)
        if o.kind == "differs" and self.redefined(o, s.start):
            pair = replace(pair, late=True)
            o = self.judge.compare(pair)
        if o.kind in ("unread", "misfit", "shapes") or (o.kind == "differs" and o.foreign):
            apart = self.borrowed(pair, s.section)
            tried = self.judge.compare(replace(pair, hidden=apart)) if apart else o
            if tried.kind in ("equal", "transposed", "entry") or (tried.kind == "differs" and o.kind != "differs" and not tried.foreign):
                pair, o = replace(pair, hidden=apart), tried
        return self.add(s, m, pair, o)

    def borrowed(self, pair: Pair, section: tuple[int, ...]) -> frozenset[str]:
        """Names of a pair that only sections beside this one define: they may mean something else here."""
        scope = self.reading.scope
        keys = {scope.split(x)[0] for side in (pair.left, pair.right) for x in trees(side) if x.op == "sym"}
        found = ((k, scope.definitions.get(k, ())) for k in keys)
        return frozenset(k for k, ds in found if ds and not any(d.section == section[: len(d.section)] for d in ds))

    def redefined(self, o: Outcome, at: int) -> bool:
        """Whether a definition that was used has been replaced by a later one before this place: "if a = relu(z) instead"."""
        return any(d.at < x.at <= at for d in o.used for x in self.reading.scope.definitions.get(d.key, []))

    def add(self, s: Statement, m: Member, pair: Pair, o: Outcome) -> Step:
        step = self.verdict(s, m, pair, o)
        self.steps.append(step)
        return step

    def verdict(self, s: Statement, m: Member, pair: Pair, o: Outcome) -> Step:
        """What a comparison means."""
        text = self.note.text
        step = Step(s, m, pair, o, "right", of=self.derived_name(pair.left))
        if o.kind in ("misfit", "shapes") and (slip := by_transpose(self.judge, pair, o, text) or by_order(self.judge, pair, o, text)) is not None:
            return replace(step, status="wrong", causes=(slip,))
        if o.kind in ("unread", "misfit"):
            return replace(step, status="unreadable", reason=o.error.message if o.error else "")
        if o.kind == "equal":
            conditions = self.conditions(o, pair)
            return replace(step, status="conditional" if conditions else "right", conditions=conditions)
        if o.kind == "transposed":
            return replace(step, status="conditional", conditions=(cause("layout"),))
        if o.kind == "entry":
            return replace(step, status="conditional", conditions=(cause("entry", name=o.entry),))
        if o.kind == "shapes":
            if pair.right.op == "num":
                return self.constant(step)
            other = self.other_numerator(pair)
            if other is not None:
                return replace(step, status="wrong", causes=(other,))
            return replace(step, status="unreadable", reason="The two sides have different shapes under every reading.")
        return self.differs(step, text)

    def differs(self, step: Step, text: str) -> Step:
        pair, o = step.pair, step.outcome
        assert pair is not None and o is not None
        unclear = self.unclear(o, pair)
        if unclear is not None:
            return replace(step, status="unreadable", reason=f"{unclear} is defined more than once elsewhere; which is meant is not clear.")
        if o.opaque:
            return replace(step, status="unreadable", reason=f"{', '.join(o.opaque)} is not given, so that this cannot be decided.")
        raised = layered(pair)
        if raised is not None:
            return replace(step, status="unreadable", reason=f"Whether {shown(raised, text)} is a power or the number of a layer is not clear.")
        if o.foreign and not (pair.right.op == "sym" and self.free_symbol(pair)):
            reason = f"The right side speaks of {', '.join(o.foreign)}, which the left side as it is given here does not contain."
            return replace(step, status="unreadable", reason=reason)
        if pair.right.op == "num" or (pair.right.op == "sym" and self.free_symbol(pair)):
            return self.constant(step)
        found = condition_for(self.judge, pair, o)
        if found is not None:
            return replace(step, status="conditional", conditions=(found, *self.conditions(o, pair)))
        other = excluded(self.judge, pair, o, self.looked_at(pair))
        if other is not None:
            return replace(step, status="conditional", conditions=(other,))
        label = relabelled(self.judge, pair, o, text)
        if label is not None:
            return replace(step, status="conditional", conditions=(label,))
        said = SAID_AFTER.match(text[step.member.end : step.member.end + 30]) or SAID_BEFORE.search(
            text[max(0, step.statement.start - 60) : step.statement.start])
        if said and (c := equal_letters(self.judge, pair, o)):
            return replace(step, status="conditional", conditions=(c,))
        c = cause_of(self.judge, pair, o, text)
        if c.name == "different" and (only := equal_letters(self.judge, pair, o)) is not None:
            c = cause("only-if", condition=only.condition("en"))
        return replace(step, status="wrong", causes=(c,), evidence=evidence(self.judge, pair, o))

    def looked_at(self, pair: Pair) -> frozenset[str]:
        """Labels by whose entry this section derives."""
        return frozenset(str(y.attr) for s in self.reading.statements if s.section == pair.section and s.left is not None and s.left.op == "deriv"
                         for by in s.left.args[1:] for y in by.sub or () if y.op == "sym" and str(y.attr) in self.reading.scope.labels)

    def unclear(self, o: Outcome, pair: Pair) -> str | None:
        """A name that the section does not define and the note defines in several ways."""
        for d in o.used:
            if d.section != pair.section[: len(d.section)] and len({id(x.body) for x in self.reading.scope.definitions[d.key]}) > 1:
                others = {x.section for x in self.reading.scope.definitions[d.key]}
                if len(others) > 1:
                    return d.key
        return None

    def constant(self, step: Step) -> Step:
        """A left side that is said to be a number: an equation to solve, or what holds where words say."""
        assert step.pair is not None and step.outcome is not None
        if step.pair.right.op == "num" and (c := equal_letters(self.judge, step.pair, step.outcome)) is not None:
            return replace(step, status="conditional", conditions=(c,))
        if step.pair.right.op == "sym":
            return replace(step, status="definition")
        return replace(step, status="unreadable", reason="This is an equation to be solved, not an identity.")

    def free_symbol(self, pair: Pair) -> bool:
        """A symbol that nothing defines and the left side does not use: the right side is a name for the left."""
        key = self.reading.scope.split(pair.right)[0]
        return not self.reading.scope.definitions.get(key) and key not in self.reading.scope.by and all(
            x.op != "sym" or x.attr != pair.right.attr for x in trees(pair.left)) and (":" in key or not pair.right.sub)

    def conditions(self, o: Outcome, pair: Pair) -> tuple[Cause, ...]:
        found = []
        if "row" in o.conditions:
            names = [str(x.attr) for x in trees(pair.right) if x.op == "sym" and self.is_slope(x)]
            found.append(cause("row", name=names[0] if names else "it"))
        if o.kinks and o.relations:
            start, end = o.relations[0]
            found.append(cause("kink", name=self.note.text[start:end]))
        return tuple(found)

    def is_slope(self, x: Tex) -> bool:
        d = self.reading.scope.lookup(self.reading.scope.split(x)[0], 10**9, ())
        return d is not None and d.body.op == "deriv"

    def derived_name(self, t: Tex) -> str | None:
        if t.op != "deriv" or t.args[0] is None:
            return None
        body = t.args[0]
        head = body.args[0] if body.op == "row" and body.args[0].op == "sym" else body
        return str(head.attr) if head.op == "sym" else None

    def other_numerator(self, pair: Pair) -> Cause | None:
        """The derivative of something else by the same variable that the right side could be."""
        if pair.left.op != "deriv":
            return None
        found = {}
        for s in self.reading.statements:
            for m in s.members:
                for x in trees(m.tree) if m.tree is not None and s.section == pair.section else ():
                    if x.op == "deriv" and x.args[0] is not None and shown(x.args[-1], self.note.text) == shown(pair.left.args[-1], self.note.text):
                        found[shown(x, self.note.text)] = x
        for name, x in found.items():
            if name != shown(pair.left, self.note.text) and any(
                    self.judge.compare(replace(pair, left=x, slot=slot)).kind == "equal" for slot in (None, *pair.letters(self.reading.scope))):
                return cause("numerator", other=name, left=shown(pair.left, self.note.text))
        return None

    # -- a definition that all results contradict --------------------------------------------------------------

    def opposite(self, d: Definition) -> None:
        """J without its minus sign: the results used hold for -J."""
        about = [t for t in self.steps if t.of == d.key and t.pair is not None and t.statement.start > d.at
                 and self.reading.scope.lookup(d.key, t.statement.start, t.statement.section) is d]
        if not about:
            return
        turned = {id(t): f for t in about if t.status in ("wrong", "conditional") and (f := self.negative(t)) is not None}
        if not turned or id(about[-1]) not in turned or len(turned) < 2:
            return
        line = self.note.place(d.at)[0]
        for p, t in enumerate(self.steps):
            if id(t) in turned:
                at = cause("opposite", name=d.key, line=line)
                self.steps[p] = replace(t, status="conditional", causes=(), evidence=(), conditions=(at, *turned[id(t)]))
            elif t.statement.defines is d and t.member is t.statement.members[1]:
                causes = t.causes or (cause("opposed", name=d.key),)
                self.steps[p] = replace(t, status="wrong", causes=causes)

    def negative(self, t: Step) -> tuple[Cause, ...] | None:
        """The conditions under which a step holds for the negative; None where it does not."""
        assert t.pair is not None
        if t.status == "conditional":
            return None
        pair = replace(t.pair, left=Tex("neg", (t.pair.left,), span=t.pair.left.span))
        o = self.judge.compare(pair)
        if o.kind == "equal":
            return self.conditions(o, pair)
        found = condition_for(self.judge, pair, o) if o.kind == "differs" else None
        return (found,) if found is not None else None

    def unreadable(self, s: Statement, m: Member, error: IversonError | None) -> None:
        self.steps.append(Step(s, m, None, None, "unreadable", reason=error.message if error else "It is not read."))


def layered(pair: Pair) -> Tex | None:
    """A symbol raised to a letter, as in a^l: notes number layers and samples so."""
    for side in (pair.left, pair.right):
        for x in trees(side):
            for k, above in x.sup:
                if k == "power" and x.op == "sym" and x.attr != "e" and isinstance(above, Tex) and any(
                        y.op == "sym" and (str(y.attr) in INDICES or str(y.attr) == "L") for y in trees(above)):
                    return x
    return None


def called_by_name(t: Tex) -> bool:
    return t.op == "row" and t.args[0].op == "sym" and t.args[0].attr == "CE"


def lint(text: str, name: str = "note", lang: str = "en") -> Lint:
    """All findings of a note."""
    note = Note(text, name)
    linter = Linter(note)
    steps = linter.run()
    found = [finding(note, t) for t in steps]
    for start, end, error in linter.reading.unparsed:
        found.append(placed(note, start, end, "unreadable", reason=error.message, display=True))
    found += code_findings(linter, partial(placed, note))
    found.sort(key=lambda f: (f.start, f.end))
    claiming = [d for d in linter.reading.displays if d[2]]
    judged = sum(any(f.status != "unreadable" and a <= f.start < b for f in found) for a, b, _ in claiming)
    return Lint(tuple(found), name, text, lang, len(linter.reading.displays), judged)


def finding(note: Note, t: Step) -> Finding:
    start = t.statement.start if t.member is t.statement.members[1] else t.member.start
    return placed(note, start, t.member.end, t.status, causes=t.causes, conditions=t.conditions, reason=t.reason, evidence=t.evidence,
                  display=t.statement.display)


def placed(note: Note, start: int, end: int, status: str, **rest: Any) -> Finding:
    line, column = note.place(start)
    end_line, end_column = note.place(end)
    return Finding(status, start, end, line, column, end_line, end_column, note.text[start:end], **rest)

