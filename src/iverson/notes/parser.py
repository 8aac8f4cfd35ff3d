r"""Formulas of notes: the grammar of LaTeX with derivatives, lists with dots and the spellings that notes have and losses have not.

Beside the operations of lang/latex_tree there are
  deriv body, by ...     a derivative; attr is the order, body is absent where a loss is understood
  dots                   what is left out of a list or matrix
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..core.errors import IversonError
from ..lang.latex_parse import TexParser
from ..lang.latex_split import CLOSE, OPEN, parts, top_level, unwrapped
from ..lang.latex_tokens import Shaper, Tok, blanked, expand, preamble, raw
from ..lang.latex_tree import Tex, primed

DOTS = (r"\ldots", ".", "…")
WORDED = ("Loss", "loss", "Cost", "cost", "reg", "NLL", "MSE", "BCE", "CE")
SIGNS = {"neq": "!=", "leq": "<=", "geq": ">="}
DERIVED = re.compile(r"\\(?:partial|nabla(?:_\w|_\{[^{}]*\})?)\s*\{?([A-Z]{2,5})(?![A-Za-z])")    # KL, ELBO: names of losses
NAMED = re.compile(r"[Cc]ross-?\s?[Ee]ntropy")


def tokens_of(text: str, start: int, end: int) -> list[Tok]:
    """The tokens of the formula at this place of a note, with spans into the note."""
    macros, rest = preamble(blanked(text))
    return respelled(Shaper(expand(raw(rest, start, end), macros), text).all(), text)


def respelled(tokens: list[Tok], text: str) -> list[Tok]:
    """Letters that are meant as one sign: `neq` without its backslash, `Cross-entropy`."""
    out: list[Tok] = []
    at = 0
    while at < len(tokens):
        t = tokens[at]
        if [x.text for x in tokens[at : at + 3]] in (["{", s, "}"] for s in ("=", "!=")):
            out.append(tokens[at + 1])
            at += 3
            continue
        if t.kind == "sym" and len(t.text) == 1:
            named = NAMED.match(text, t.start)
            sign = next((w for w in SIGNS if text.startswith(w, t.start) and not text[t.start + len(w)].isalpha()
                         and not text[t.start - 1].isalpha()), None)
            word = named[0] if named else sign
            if word:
                out.append(Tok("word", "CE", t.start, t.start + len(word)) if named else Tok("op", SIGNS[word], t.start, t.start + len(word)))
                while at < len(tokens) and tokens[at].start < t.start + len(word):
                    at += 1
                continue
        out.append(t)
        at += 1
    return out


def statements(tokens: list[Tok], text: str) -> list[list[list[Tok]]]:
    """Each statement as the members that its equality signs part."""
    found = []
    for part, _ in parts(unwrapped(bracketed(tokens), text)):
        level = list(top_level(part))
        stop = next((p for p, t in level if t.text in (r"\in", r"\forall", r"\approx", r"\propto", r"\sim", r"\gets") and p), len(part))
        marks = {p for p, t in level if t.text == "=" and p < stop}
        members: list[list[Tok]] = [[]]
        for p, t in enumerate(part[:stop]):
            if p in marks:
                members.append([])
            elif t.text not in ("\n", r"\quad"):
                members[-1].append(t)
        if marks and not all(members[1:]):
            members = [m for m in members if m]
        found.append(members)
    return found


def bracketed(tokens: list[Tok]) -> list[Tok]:
    r"""`\{^{a, c}_{b, d}` as cases."""
    out: list[Tok] = []
    at = 0
    while at < len(tokens):
        t = tokens[at]
        if t.text == r"\{" and at + 2 < len(tokens) and tokens[at + 1].text in ("^", "_") and tokens[at + 2].text == "{":
            at, made = raw_cases(tokens, at + 1, t)
            out += made
            continue
        out.append(t)
        at += 1
    return out


def raw_cases(tokens: list[Tok], at: int, opened: Tok) -> tuple[int, list[Tok]]:
    def mark(text: str, t: Tok) -> Tok:
        return replace(t, kind="cmd", text=text)

    made = [mark(r"\begin", opened), *(replace(opened, kind="op" if c in "{}" else "sym", text=c) for c in "{cases}")]
    rows = 0
    while at + 1 < len(tokens) and tokens[at].text in ("^", "_") and rows < 2:
        stop, depth = at + 1, 0
        while stop < len(tokens):
            depth += (tokens[stop].text == "{") - (tokens[stop].text == "}")
            stop += 1
            if depth == 0:
                break
        inner = tokens[at + 2 : stop - 1] if tokens[at + 1].text == "{" else tokens[at + 1 : stop]
        depth, split = 0, False
        for t in inner:
            depth += (t.text in OPEN) - (t.text in CLOSE)
            made.append(mark("&", t) if t.text == "," and depth == 0 and not split else t)
            split = split or (t.text == "," and depth == 0)
        made.append(mark(r"\\", tokens[stop - 1]))
        at, rows = stop, rows + 1
    last = tokens[at - 1]
    return at, [*made, mark(r"\end", last), *(replace(last, kind="op" if c in "{}" else "sym", text=c) for c in "{cases}")]


class NoteParser(TexParser):
    """One formula of a note."""

    def __init__(self, tokens: list[Tok], source: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(tokens, source, names)
        self.broken = False  # a denominator without its sign of derivation

    def starts(self) -> bool:
        return self.now.text in (r"\partial", r"\nabla") or (self.now.text in DOTS and self.now.kind != "stop") or super().starts()

    def atom(self) -> Tex:
        t = self.now
        if t.text == r"\frac" and (found := self.quotient()) is not None:
            return found
        if t.text == r"\nabla":
            return self.nabla()
        if t.text == r"\partial":
            return self.inline_derivative()
        if t.text in DOTS and t.kind != "stop":
            while self.is_(*DOTS):
                self.take()
            return Tex("dots", span=t.span)
        return super().atom()

    # -- derivatives -----------------------------------------------------------------------------------------

    def quotient(self) -> Tex | None:
        r"""\frac{\partial L}{\partial w}, \frac{dL}{dw}, \frac{\partial}{\partial w} f; None for a fraction."""
        tokens, start = self.tokens, self.at
        if self.peek().text != "{":
            return None
        sign = tokens[start + 2]
        if sign.text != r"\partial" and not (sign.text == "d" and self.total(start + 2)):
            return None
        opened = self.now
        self.take(), self.take(), self.take()
        order = self.order()
        body = None if self.is_("}") else self.logic()
        self.expect("}", opened)
        by = self.below_line(sign.text, order)
        order = max(order, len(by)) if len(by) > 1 else order
        by = by * order if len(by) == 1 else by
        span = opened.span.to(tokens[self.at - 1].span)
        if body is None:
            body = self.product()
            span = span.to(body.span)
        return Tex("deriv", (body, *by), order, span)

    def total(self, at: int) -> bool:
        """Whether the d here is that of a total derivative: another stands below the line."""
        depth = 0
        for p in range(at, len(self.tokens) - 2):
            depth += (self.tokens[p].text == "{") - (self.tokens[p].text == "}")
            if depth < 0:
                below = [t.text for t in self.tokens[p + 1 : p + 3]]
                return below == ["{", "d"] and self.tokens[p + 3].text != "}"
        return False

    def order(self) -> int:
        if not self.is_("^"):
            return 1
        self.take()
        if self.is_("{"):
            self.take()
            n = self.take()
            self.take()
        else:
            n = self.take()
        if not n.text.isdigit():
            raise self.error("unsupported", "The order of this derivative is not a number.", n.span)
        return int(n.text)

    def below_line(self, sign: str, order: int) -> tuple[Tex, ...]:
        if not self.is_("{"):
            return (self.scripted(),)
        opened = self.take()
        found: list[Tex] = []
        marked = self.is_(sign)
        self.broken = self.broken or not marked
        while not self.is_("}"):
            if self.is_(sign):
                self.take()
            found.append(self.by(order))
        self.expect("}", opened)
        return tuple(found)

    def by(self, order: int) -> Tex:
        """What is derived by: x^2 is x twice in a second derivative, and the square in a first one, as sigma^2 is."""
        t = self.scripted()
        powers = [x for k, x in t.sup if k == "power"]
        if powers and powers[0].op == "num" and order > 1:
            bare = replace(t, sup=tuple(s for s in t.sup if s[0] != "power"))
            if powers[0].attr != 2:
                raise self.error("unsupported", "A derivative of this order is not read.", t.span)
            return bare
        return t

    def nabla(self) -> Tex:
        t = self.take()
        order = 1
        by: tuple[Tex, ...] = ()
        while self.is_("_", "^"):
            if self.is_("_"):
                by = self.below(self.take())
            else:
                order = self.order()
        body = self.scripted()
        if self.is_("("):
            body = Tex("row", (body, self.scripted()), span=body.span)
        by = by * order if len(by) == 1 else by
        return Tex("deriv", (body, *by), order, t.span.to(body.span))

    def inline_derivative(self) -> Tex:
        r"""\partial L/\partial w."""
        t = self.take()
        body = self.scripted()
        if not self.is_("/"):
            raise self.error("unsupported", "A differential by itself is not read.", t.span)
        self.take()
        if self.is_(r"\partial"):
            self.take()
        by = self.scripted()
        return Tex("deriv", (body, by), 1, t.span.to(by.span))

    # -- cells with commas and dots --------------------------------------------------------------------------

    def _cell(self, tokens: list[Tok], span: object) -> Tex:
        while tokens and tokens[-1].text in (",", ";"):
            tokens = tokens[:-1]
        if not tokens or all(t.text in DOTS for t in tokens):
            return Tex("dots", span=tokens[0].span if tokens else span)  # type: ignore[arg-type]
        inner = NoteParser(list(tokens), self.source)
        inner.words, inner.depth, inner.single = self.words, self.depth, self.single
        found = inner.whole()
        self.broken = self.broken or inner.broken
        return found


def parsed(tokens: list[Tok], text: str, names: frozenset[str]) -> Tex:
    """One member of a statement as a tree; a list of conditions behind it is left out."""
    tokens = without_conditions(tokens)
    if not tokens:
        raise IversonError("syntax", "Nothing stands on one side of the equality sign.")
    return primed(NoteParser(list(tokens), text, names).whole())


def without_conditions(tokens: list[Tok]) -> list[Tok]:
    """A formula without a remark behind it such as (k = i, k != i)."""
    if not tokens or tokens[-1].text != ")":
        return tokens
    depth = 0
    for p in range(len(tokens) - 1, 0, -1):
        depth += (tokens[p].text == ")") - (tokens[p].text == "(")
        if depth == 0:
            inner = [t.text for t in tokens[p + 1 : -1]]
            signs = {"+", "-", "{", "^", "(", r"\{", "[", "/", r"\cdot"}
            said = bool({"=", "!="} & set(inner)) and not set(inner) & signs and tokens[p - 1].text not in ("1", r"\mathbb{1}", "I")
            return tokens[:p] if said else tokens
    return tokens


def names_of(text: str) -> frozenset[str]:
    """Names of several letters that a note uses without a font: dW, Loss."""
    found = {w for w in WORDED if re.search(rf"(?<![A-Za-z\\]){w}(?![A-Za-z])", text)}
    found |= {w for w in DERIVED.findall(text) if re.search(rf"(?:\$|\n|\[|&)\s*{w}\s*(?:\([^()]*\))?\s*&?=", text)}
    return frozenset(found | {m[0] for m in re.finditer(r"(?<![A-Za-z\\])d[A-Z](?![A-Za-z])", text)})

