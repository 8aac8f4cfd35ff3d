"""From a wrong candidate to the causes in words.

Knows how the sides are built from an answer and from a text that was read; the search is in causes.py and replay.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import HALF, Node, add, coefficient, neg, transform, walk
from ..core.program import Definition, Program
from ..derivation.derive import Derived
from ..lang.lower import lower
from ..meaning.verify import read_back
from ..rules.mistakes import MISTAKES, SUBJECTS, Mistake
from .candidate import RESULT, Candidate
from .causes import Cause, Evidence, causes
from .replay import Replay
from .telling import Teller, sentence
from .variants import Side, Variant

MOST_CAUSES = 3


@dataclass(frozen=True)
class Told:
    """A cause in words.

    labels   one for each slip;  also: other names that fit;  change: what to do about it;  rows: of MISTAKES
    parts    what each slip is about, as text, under the name of SUBJECTS
    """

    labels: tuple[str, ...]
    sentence: str
    change: str
    also: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    parts: tuple[dict[str, str], ...] = ()

    def record(self) -> dict[str, Any]:
        mistakes = [{"label": n, "row": row, **part} for n, row, part in zip(self.labels, self.rows, self.parts, strict=True)]
        return {
            "labels": list(self.labels),
            "sentence": self.sentence,
            "change": self.change,
            "also": list(self.also),
            "mistakes": mistakes,
        }


def diagnosis(derived: Derived, candidate: Candidate | None, a: Sequence[Any], b: Sequence[Any], draws: Sequence[Any], lang: str) -> list[Told]:
    """The causes that fit, the most plausible first."""
    a, b, draws = telling_first(a, b, draws)
    ours, found_as = our_sides(derived, draws)
    theirs = their_side(derived, candidate, draws)
    replay = Replay(derived.program, derived.wrt, draws) if derived.first is None else None
    e = Evidence(derived.wrt, a, b, draws, ours, theirs, found_as, replay)
    e.turned = turned_variant(e)
    with np.errstate(all="ignore"):
        found = causes(e)
    tell = Telling(derived, ours, theirs, candidate, lang)
    return [tell.told(c) for c in refined(e, found)[:MOST_CAUSES]]


def telling_first(a: Sequence[Any], b: Sequence[Any], draws: Sequence[Any]) -> tuple[Sequence[Any], ...]:
    """The draws at which the gradient is not 0 first: the first one proposes."""
    order = sorted(range(len(b)), key=lambda k: not (np.any(b[k]) and np.any(a[k])))
    return tuple([x[k] for k in order] for x in (a, b, draws))


def our_sides(derived: Derived, draws: Sequence[Any]) -> tuple[Side, Side | None]:
    """The answer as it is printed, and as it was found where that is another form."""
    a, inputs = derived.answer, derived.program.inputs
    found = Side(a.closed, a.where, inputs, draws, derived.wrt)
    try:
        p = lower(read_back(inputs, [*derived.where, derived.main], derived.dims))
    except IversonError:
        return found, None
    printed = Side(p.definition(derived.main.name), p.definitions, inputs, draws, derived.wrt)
    return printed, None if printed.result.body.mask == found.result.body.mask else found


def their_side(derived: Derived, candidate: Candidate | None, draws: Sequence[Any]) -> Side | None:
    if candidate is None or candidate.program is None:
        return None
    p = candidate.program
    return Side(p.definition(RESULT), p.definitions, p.inputs, draws, derived.wrt)


def turned_variant(e: Evidence) -> Variant | None:
    """The user's formula with the difference that is reversed in it put right everywhere."""
    turned = reversed_difference(e)
    if turned is None or e.theirs is None:
        return None
    row, parts, side = turned
    mask = parts["other"].mask

    def right(d: Definition) -> Definition:
        return replace(d, body=transform(d.body, lambda g: negative(g) if g.op == "add" and g.mask == mask else None))

    theirs = e.theirs
    new = Side(right(theirs.result), [d if d.body.op == "tensor" else right(d) for d in theirs.definitions], theirs.inputs, theirs.draws, e.wrt)
    return Variant(row, parts, 0.9, lambda k: new.values[k].of(new.result.body), side)


def refined(e: Evidence, found: list[Cause]) -> list[Cause]:
    """A reversed sign told by the difference that is reversed in the candidate, where one is, and a term that is counted twice by
    the factor 1/2 of the loss, where it has one."""
    if e.loss is not None and halved(e.loss.program):
        found = [Cause(tuple((MISTAKES["twice-again"], *s[1:]) if s[0].key == "double-term" else s for s in c.slips), c.cost) for c in found]
    turned = reversed_difference(e)
    if turned is None:
        return found
    return [
        c if any(s[0].key == "turned-difference" for s in c.slips)
        else Cause(tuple(turned if s[0].key == "sign" else s for s in c.slips), c.cost)
        for c in found
    ]  # fmt: skip


def reversed_difference(e: Evidence) -> tuple[Mistake, Any, Any] | None:
    """A difference of ours, or of the loss, that the candidate has the other way round."""


    if e.theirs is None:
        return None
    masks = {h.mask for h in differences(e.theirs)}
    written = differences(e.loss) if e.loss is not None else []
    told = {h.mask for g in written for h in (g, negative(g))}
    whole = e.ours.result.body
    own = [g for g in differences(e.ours) if g.mask not in told and not (g is whole and compound(g))]
    for side, pool in ((e.loss, written), (e.ours, own)):
        for g in pool:
            if negative(g).mask in masks and g.mask not in masks:
                return MISTAKES["turned-difference"], {"part": g, "other": negative(g)}, side
    return None


def halved(program: Program) -> bool:
    halves = (HALF, neg(HALF))
    return any(g.op == "mul" and not set(halves).isdisjoint(g.args) for d in program.definitions for g in walk(d.body))


def compound(f: Node) -> bool:
    """Whether a term of a sum is itself a sum of products, so that nobody would speak of a difference."""
    return any(g.op == "red" for t in f.args for g in walk(t))


def negative(f: Node) -> Node:
    """A sum with every term negated."""
    return add(*(neg(t) for t in f.args))


def differences(side: Any) -> list[Node]:
    bodies = [d.body for d in (side.definitions if isinstance(side, Side) else side.program.definitions)]
    if isinstance(side, Side):
        bodies.append(side.result.body)


    found = [g for f in bodies for g in walk(f) if g.op == "add"]
    return [g for g in found if len({coefficient(t)[0] < 0 for t in g.args}) == 2]


class Telling:
    """Writers for the sides from which the parts of a cause may come."""

    def __init__(self, derived: Derived, ours: Side, theirs: Side | None, candidate: Candidate | None, lang: str) -> None:
        self.derived, self.lang, self.theirs = derived, lang, theirs
        written = {d.name for d in derived.program.definitions if not d.introduced}
        self.known = {*derived.program.inputs, *written} | size_names(derived.program)
        self.ours = Teller(derived.program, [*ours.definitions], self.known)
        self.answer, self.found = ours, Teller(derived.program, [*derived.answer.where], self.known)
        self.loss = Teller(derived.program, list(derived.program.definitions), self.known)
        self.user = None
        if theirs is not None and candidate is not None and candidate.program is not None:
            self.user = Teller(candidate.program, list(candidate.program.definitions), self.known | own_names(candidate))

    def told(self, c: Cause) -> Told:
        said = [sentence(row, parts, self.teller(side), self.indices(side), self.lang) for row, parts, side in c.slips]
        between = " and " if self.lang == "en" else "；并且"
        inner = [MISTAKES[p["slip"]].label for _, p, _ in c.slips if "slip" in p]
        also = tuple(dict.fromkeys([*(x for row, _, _ in c.slips for x in row.also), *inner]))
        changes = dict.fromkeys(change for _, change in said)
        words = between.join(w for w, _ in said)
        first = c.slips[0][0].words[0]
        words = words if first.startswith("{") else words[:1].upper() + words[1:]
        rows, parts = tuple(s[0].key for s in c.slips), tuple(map(self.about, c.slips))
        return Told(c.labels, words, ("; " if self.lang == "en" else "；").join(changes), also, rows, parts)

    def about(self, slip: tuple[Mistake, Any, Any]) -> dict[str, str]:
        """What a slip is about, as text; where the whole gradient is meant, its input."""
        row, parts, side = slip
        subject = SUBJECTS.get(row.key, SUBJECTS.get(row.label, "of"))
        part = parts.get("part", parts.get("name", self.answer.result.body))
        return {subject: self.teller(side).formula(part, self.indices(side))}

    def teller(self, side: Any) -> Teller:
        if isinstance(side, Replay):
            return self.loss
        if side is self.theirs and self.user is not None:
            return self.user
        return self.ours if side is self.answer else self.found

    def indices(self, side: Any) -> tuple[Node, ...]:
        return () if isinstance(side, Replay) or side is None else side.result.indices


def own_names(candidate: Candidate) -> set[str]:
    p = candidate.program
    return {d.name for d in p.definitions if not d.introduced} if p is not None else set()


def size_names(program: Program) -> set[str]:
    return {n.attr for i in program.inputs.values() for n in i.type.dims if n.op == "size"}


