r"""The formulas of a note as definitions and claims.

A chain a = b = c has a step for each equality sign.  A symbol on the left that nothing in the section has defined before is defined by it;
everything else claims something.  Symbols are gathered over the whole note first: definitions may come behind their use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ..core.errors import IversonError, Span
from ..lang.latex_tokens import Tok
from ..lang.latex_tree import Tex
from .document import Note
from .marks import OPAQUE, walk_all, without_none
from .parser import names_of, parsed, statements, tokens_of
from .scope import INDICES, Definition, Scope, plain

LOSSES = ("Loss", "L", "J", r"\mathcal{L}", "loss", "Cost", "C", "E", r"\ell", "l")


@dataclass
class Member:
    """One side of an equality sign; fault: why it could not be read."""

    tree: Tex | None
    start: int
    end: int
    fault: IversonError | None = None
    broken: bool = False


@dataclass
class Statement:
    """A chain of members; `defines` is the definition that its first step is, `letters` are free in it."""

    members: list[Member]
    section: tuple[int, ...]
    display: bool
    start: int
    defines: Definition | None = None
    gradient: str | None = None

    @property
    def left(self) -> Tex | None:
        return self.members[0].tree


@dataclass
class Reading:
    """A whole note: its statements in order, and what they say of symbols."""

    scope: Scope
    statements: list[Statement] = field(default_factory=list)
    displays: list[tuple[int, int, bool]] = field(default_factory=list)  # displayed formulas; whether one claims something
    unparsed: list[tuple[int, int, IversonError]] = field(default_factory=list)


def gathered(note: Note) -> Reading:
    """Every statement of a note."""
    found = Reading(Scope())
    names = names_of(note.text)
    path: list[int] = []
    count = 0
    for piece in note.pieces:
        if piece.kind == "heading":
            count += 1
            path = [*path[: piece.level - 1], *[0] * (piece.level - 1 - len(path)), count]
        elif piece.kind == "math":
            made = in_piece(note.text, piece.start, piece.end, names, tuple(path), piece.display, found)
            found.statements += made
            if piece.display:
                found.displays.append((piece.start, piece.end, any(len(s.members) > 1 for s in made)))
    learn(found, note.text)
    return found


def in_piece(text: str, start: int, end: int, names: frozenset[str], section: tuple[int, ...], display: bool, found: Reading) -> list[Statement]:
    try:
        parts = statements(tokens_of(text, start, end), text)
    except IversonError as error:
        found.unparsed.append((start, end, error))
        return []
    made = []
    for members in parts:
        members = [m for m in members if m] if len(members) > 2 else members
        if len(members) == 1:
            made.append(Statement([member(members[0], text, names)], section, display, members[0][0].start)) if members[0] else None
            continue
        if not all(members) or only_indices(members):
            continue
        made.append(Statement([member(m, text, names) for m in members], section, display, members[0][0].start))
    declared_sizes(text[start:end], found.scope, section)
    return made


def member(tokens: list[Tok], text: str, names: frozenset[str]) -> Member:
    if not tokens:
        return Member(None, 0, 0, IversonError("syntax", "Nothing stands here."))
    start, end = tokens[0].start, tokens[-1].end
    try:
        return Member(parsed(tokens, text, names), start, end)
    except IversonError as error:
        return Member(None, start, end, error)
    except (RecursionError, IndexError, ValueError):
        return Member(None, start, end, IversonError("syntax", "This formula is not read.", Span(start, end)))


def only_indices(members: list[list[Tok]]) -> bool:
    """`j = l`, `i = 1`: conditions on indices, which claim nothing."""
    return all(len(m) == 1 and (m[0].text in (*INDICES, "c") or m[0].kind == "num") for m in members)


DIMS = re.compile(
    r"((?:\\[a-zA-Z]+(?:\{\w+\})?|[A-Za-z])(?:\s*,\s*(?:[A-Za-z]))*)"
    r"\s*\\in\s*\\(?:mathbb\s*\{?\s*R\s*\}?|R\b|Re\b)\s*(?:\^\s*(\{[^{}]*\}|\w))?"
)


def declared_sizes(text: str, scope: Scope, section: tuple[int, ...]) -> None:
    r"""`W \in \mathbb R^{n \times m}`."""
    for m in DIMS.finditer(text):
        sizes = re.split(r"\\times|\s*,\s*", (m[2] or "").strip("{} "))
        shape = [s.strip(" ()") for s in sizes if s.strip(" ()")]
        if not all(re.fullmatch(r"[A-Za-z]|\d+", s) for s in shape) or len(shape) > 2:
            continue
        before = text[: m.start()].rstrip()
        if before.endswith(("}", "_", "^", ")", "=")):
            continue
        for name in re.split(r"\s*,\s*", m[1]):
            scope.dims.setdefault(plain(name.strip()), []).append((section, tuple(int(s) if s.isdigit() else s for s in shape)))
            scope.sizes |= {s for s in shape if not s.isdigit()}


# -- what the note says of its symbols ------------------------------------------------------------------------


def learn(found: Reading, text: str) -> None:
    scope = found.scope
    trees = [m.tree for s in found.statements for m in s.members if m.tree is not None]
    for t in trees:
        for x in walk_all(t):
            if x.op == "big":
                scope.sizes |= {str(y.attr) for k, y in x.sup if k == "power" and y.op == "sym" and not y.sub}
    scope.tags = tags_of(found, trees)
    scope.settled()
    for _ in range(2):
        for t in trees:
            scope.note_uses(without_none(t))
        scope.settled()
    scope.labels -= scope.sizes
    scope.settled()
    for s in found.statements:
        for m in s.members:
            for x in walk_all(m.tree) if m.tree is not None else ():
                if x.op == "deriv" and x.args[0] is not None and len(x.args) > 1:
                    derived_by(x, m.start, scope)
    for s in found.statements:
        if len(s.members) > 1:
            define(s, found)
    for s in found.statements:
        if len(s.members) > 1 and s.left is not None:
            s.gradient = gradient_of(s.left, found)
            if s.gradient and s.defines is not None:
                scope.definitions[s.defines.key].remove(s.defines)
                s.defines = None
    scope.settled()


def tags_of(found: Reading, trees: list[Tex]) -> set[tuple[str, str | None]]:
    """J_r = J + ...: a subscript that a definition has on its left, that nothing else in the note has, and that no sum binds, is no index."""
    holders: dict[str, set[str]] = {}
    for t in trees:
        for x in walk_all(t):
            for y in (z for s in (*(x.sub or ()), *(a for k, a in x.sup if isinstance(a, Tex))) for z in walk_all(s)):
                if y.op == "sym":
                    holders.setdefault(str(y.attr), set()).add("" if x.op == "big" else plain(str(x.attr)))
            if x.op == "rel":
                for y in x.args:
                    holders.setdefault(str(y.attr), set()).add("")
            for _, above in x.sup:
                if isinstance(above, tuple):
                    for y in above:
                        holders.setdefault(str(y.attr), set()).add("")
    named = {str(s.left.attr) for s in found.statements if len(s.members) > 1 and s.left is not None and s.left.op == "sym" and not s.left.sub}
    gates = {x for x, by in holders.items() if x in named and "" not in by and x not in INDICES and x.isalpha() and len(by) > 1}
    tagged = {(base, x) for x in gates for base in holders[x]}
    heads = (s.left for s in found.statements if len(s.members) > 1 and s.left is not None)
    heads = (h.args[0] if h.op == "row" and len(h.args) == 2 and h.args[1].op == "fence" else h for h in heads)
    return tagged | {(plain(str(h.attr)), str(h.sub[0].attr)) for h in heads
            if h.op == "sym" and h.sub and len(h.sub) == 1 and h.sub[0].op == "sym" and len(str(h.sub[0].attr)) == 1
            and holders[str(h.sub[0].attr)] == {plain(str(h.attr))}}


def derived_by(x: Tex, at: int, scope: Scope) -> None:
    """What a name is derived by."""
    body, by = x.args[0], x.args[1]
    head = body.args[0] if body.op == "row" and len(body.args) == 2 and body.args[1].op == "fence" else body
    if head.op != "sym" or by.op != "sym":
        return
    try:
        key, terms, _, _ = scope.split(head)
        other = scope.split(by)[0]
    except IversonError:
        return
    if head is not body and key in OPAQUE:
        return
    if not terms and key != other and not any(k == "power" for k, _ in head.sup):
        scope.by.setdefault(key, []).append((at, by))


def define(s: Statement, found: Reading) -> None:
    """The definition that a statement makes."""
    left = s.left
    if left is None:
        return
    head, args, is_turned = left, None, False
    logged = head.op == "row" and head.args[0].op == "fn" and head.args[0].attr == "log" and not head.args[0].sup and len(head.args) in (2, 3)
    if logged:    # log p(x | mu) = ... defines p
        head = head.args[1] if len(head.args) == 2 else replace(head, args=head.args[1:])
    if head.op == "row" and len(head.args) == 2 and head.args[0].op == "sym" and head.args[1].op == "fence" and not head.args[1].sup:
        head, args = head.args[0], head.args[1].args
    if head.op == "fence" and len(head.args) == 1 and head.args[0].op == "sym" and head.sub and not head.sup:
        head = Tex("sym", (), head.args[0].attr, head.span, head.sub)
    if head.op != "sym":
        return
    try:
        key, terms, sample, rest = found.scope.split(head)
    except IversonError:
        return
    squared = [(k, getattr(x, "attr", None)) for k, x in rest] == [("power", 2)]
    if rest and not squared and [k for k, _ in rest] != ["T"]:
        return
    is_turned = bool(rest) and not squared
    if any(x.op != "sym" or str(x.attr) in found.scope.sizes for x in terms):
        return
    bodies = [m for m in s.members[1:] if m.tree is not None]
    if not bodies:
        found.scope.faults.setdefault(key, s.members[1].fault or IversonError("unsupported", "It is not read."))
        return
    body = next((m.tree for m in bodies if m.tree is not None and not named_only(m.tree)), bodies[0].tree)
    assert body is not None
    if named_only(body):
        return
    if squared and found.scope.definitions.get(key):
        return
    if squared:    # sigma^2 = ... defines sigma, which is not negative
        body = Tex("sqrt", (body,), None, body.span)
    if logged:
        body = Tex("row", (Tex("fn", (), "exp", body.span), Tex("fence", (body,), "(", body.span)), span=body.span)
    if body.op == "num" and not terms and key.islower():
        return
    letters = tuple(str(x.attr) for x in terms)
    own = mentions(body, key, found.scope)
    for x in args or ():
        if x.op == "sym" and not x.sub:
            found.scope.variables.setdefault(str(x.attr), s.start)
    d = Definition(key, letters, body, s.start, s.section, args, str(sample.attr) if sample is not None else None, is_turned, span=left.span)
    s.defines = d
    if not own:
        found.scope.define(d)


def named_only(t: Tex) -> bool:
    """f(x; W): a function by its name, which says nothing of its value."""
    return t.op == "row" and len(t.args) == 2 and t.args[0].op == "sym" and t.args[1].op == "fence" and (
        len(t.args[1].args) > 1 and t.args[0].attr != "CE")


def mentions(t: Tex, key: str, scope: Scope) -> bool:
    marks = {id(y) for x in walk_all(t) if x.op == "sym" for y in x.sub or () if (plain(str(x.attr)), str(y.attr)) in scope.tags}
    for x in walk_all(t):
        if x.op == "sym" and id(x) not in marks:
            try:
                if scope.split(x)[0] == key:
                    return True
            except IversonError:
                continue
    return False


def gradient_of(left: Tex, found: Reading) -> str | None:
    r"""dW as the gradient by W, where W is a symbol of the note."""
    head = left
    name = str(head.attr) if head.op == "sym" and not head.sub and not head.sup else ""
    if re.fullmatch(r"d[A-Z]", name) and name[1] in found.scope.uses and any(x in found.scope.definitions for x in LOSSES):
        return name[1]
    return None


def loss_at(found: Reading, at: int, section: tuple[int, ...]) -> str | None:
    """The loss that a bare gradient is of: the one defined nearest before, else behind."""
    known = [n for n in LOSSES if found.scope.lookup(n, at, section) is not None]
    return known[0] if known else None

