r"""Text of LaTeX, or of a chalkboard, to tokens with spans: displays are found, macros expanded within bounds, fonts and accents
made part of a letter.

Glossary   a token's text is canonical (`\leq` is `<=`, `\lVert` is `\|`), its span is where it stands in the user's text;
side: "l" or "r" where a bar opens or closes by its command.
Knows nothing of what a symbol means.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core.errors import IversonError, Span
from .latex_words import (
    ACCENTS,
    ARGS,
    BRACED,
    CHALK,
    CLOSING,
    DROPPED,
    FUNCTIONS,
    IGNORED,
    LETTERS,
    LOWERED,
    MARKS,
    OPENING,
    RAISED,
    SIGNS,
    SPEECH,
    STOPPERS,
    STYLES,
    WORDS,
)
from .tokens import MOST_TEXT, exact_number

MOST_TOKENS = 20_000
MOST_NESTED = 60

DISPLAY = re.compile(
    r"\$\$(?P<a>.*?)\$\$|(?<!\\)\\\[(?P<b>.*?)(?<!\\)\\\]|(?<!\\)\\\((?P<c>.*?)(?<!\\)\\\)|(?<![\\$])\$(?P<d>[^$]*?)(?<!\\)\$"
    r"|(?P<e>\\begin\{(?P<env>equation|align|gather|eqnarray|multline|displaymath|math|flalign)\*?\}.*?\\end\{(?P=env)\*?\})",
    re.DOTALL,
)
MARKED = re.compile(r"(?<!\\)\$|(?<!\\)\\[\[(]")
FENCES = re.compile(r"\{%.*?%\}|```+ *(?:math|latex|tex)?|<br */?>|</?(?:p|div|span|script)[^>]*>|(?<!\\)%[^\n]*")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&nbsp;": " "}
RAW = re.compile(
    r"""(?P<space>[ \t\r\f\v\u00a0\u3000\u2009\u200b]+)|(?P<line>\n)|(?P<cmd>\\(?:[a-zA-Z]+\*?|.|\n))"""
    r"""|(?P<num>\d+(?:\{,\}\d{3})*(?:\.\d+)?(?:e[+-]?\d+(?![\w]))?|\.\d+)"""
    r"""|(?P<said>(?<![a-zA-Z\\_^{])(?:where|with|otherwise|subject\ to|such\ that)(?![a-zA-Z}]))"""
    r"""|(?P<bars>\|\|)|(?P<rel><=|>=|!=|:=|==|\.\*|\./|\.\^|\.\.\.?)|(?P<one>.)""",
    re.DOTALL | re.VERBOSE,
)
POWER_OF_TEN = re.compile(r"e[+-]\d+")
DEFINES = re.compile(
    r"\\(?:re)?(?:new|provide)command\*?\s*\{?\s*(?P<a>\\[a-zA-Z]+)\s*\}?\s*(?:\[(?P<n>\d)\])?\s*|\\(?:g|e|x)?def\s*(?P<b>\\[a-zA-Z]+)(?P<p>(?:#\d)*)\s*"
    r"|\\DeclareMathOperator(?P<s>\*?)\s*\{?\s*(?P<c>\\[a-zA-Z]+)\s*\}?\s*"
)
KNOWN = (*LETTERS, *SIGNS, *IGNORED, *DROPPED, *WORDS, *STYLES, *ACCENTS, *BRACED)


@dataclass(slots=True, unsafe_hash=True)     # not frozen, which costs half of the time it takes to make one; nothing changes one
class Tok:
    """kind is sym (a letter with its font and accents), word, num, op, cmd, line, speech or stop."""

    kind: str
    text: str
    start: int
    end: int
    side: str = ""

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


def tokenize(source: str, chalk: bool = False) -> list[list[Tok]]:
    """The tokens of each display of a text, in order; a text without dollar signs is one.

    >>> [t.text for t in tokenize(r"$\\hat{y}_i \\leq 2$ and words")[0]]
    ['\\\\hat{y}', '_', 'i', '<=', '2']
    """
    if len(source) > MOST_TEXT:
        raise IversonError("limit", f"The text has {len(source)} characters; at most {MOST_TEXT} are read.")
    text = blanked(source)
    macros, text = preamble(text)
    marked = MARKED.search(text) is not None
    found = [Shaper(expand(raw(text, a, b, chalk), macros), source).all() for a, b in displays(text)]
    return [[t for t in tokens if t.kind != "line"] for tokens in found] if marked else found


def blanked(source: str) -> str:
    """The text with wrappers of web pages blanked out, every character at its place."""
    text = FENCES.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source)
    for opening, closing in ((r"\\(", r"\\)"), (r"\\[", r"\\]")):  # Markdown escapes the backslash
        if opening in text and closing in text:
            text = text.replace(opening, " " + opening[1:]).replace(closing, " " + closing[1:])
    return re.sub(r"&(?:lt|gt|amp|nbsp);", lambda m: ENTITIES[m[0]].ljust(len(m[0])), text)


def displays(text: str) -> list[tuple[int, int]]:
    """Where the mathematics stands: all of a text without marks."""
    if not MARKED.search(text):
        return [(0, len(text))]
    return [m.span(str(m.lastgroup) if m.lastgroup != "env" else "e") for m in DISPLAY.finditer(text)]


# -- raw tokens and macros ----------------------------------------------------------------------------------

Macro = tuple[int, list[Tok]]


def raw(text: str, start: int, end: int, chalk: bool = False) -> list[Tok]:
    found: list[Tok] = []
    for m in RAW.finditer(text, start, end):
        kind = str(m.lastgroup)
        if kind == "space":
            continue
        part = m.group()
        if kind == "cmd" or (kind == "one" and part.isascii()):
            found.append(Tok("cmd" if kind == "cmd" else "letter" if part.isalpha() else "op", part, m.start(), m.end()))
            continue
        if kind == "num":
            if (e := POWER_OF_TEN.match(text, m.end(), end)) is not None:
                raise IversonError("ambiguous", f"{part}{e[0]} is a number, or a multiple of e and a difference.", Span(m.start(), e.end()),
                                   hint=r"Write 2 \cdot 10^{-3}, or 2 e - 3.")
            part = part.replace("{,}", "")
            exact_number(part, Span(*m.span()), text)
        if kind == "said":
            found.append(Tok("speech", "s.t." if part in STOPPERS else part, *m.span()))
            continue
        if kind in ("bars", "rel"):
            part = {"||": "\\|", ":=": "=", "==": "=", "...": r"\ldots", "..": r"\ldots"}.get(part, part)
        if kind == "one":
            found += _signs(part, m.start(), found)
            continue
        kind = "op" if kind in ("bars", "rel") else kind
        found.append(Tok(kind, part, *m.span()))
    return found


def _signs(sign: str, at: int, before: list[Tok]) -> list[Tok]:
    """A sign that is no ASCII as the LaTeX that means the same; a mark over the letter before joins it."""
    if sign in MARKS and before:
        last = before.pop()
        return [Tok("sym", f"\\{MARKS[sign]}{{{last.text}}}", last.start, at + 1)]
    for table, script in ((RAISED, "^"), (LOWERED, "_")):
        if sign in table:
            return _script(script, table[sign], at, before)
    if sign in CHALK:
        return [replace(t, start=at, end=at + 1) for t in raw(CHALK[sign], 0, len(CHALK[sign]))]
    if sign in SIGNS:
        return [Tok("op", SIGNS[sign], at, at + 1)]
    base, *marks = list(unicodedata.normalize("NFD", sign))
    if len(marks) == 1 and marks[0] in MARKS and base.isalpha():
        return [Tok("sym", f"\\{MARKS[marks[0]]}{{{base}}}", at, at + 1)]
    plain = unicodedata.normalize("NFKC", sign)
    if plain in "，；。、,;.":
        return [Tok("op", {"，": ",", "；": ";", "。": ".", "、": ","}.get(plain, plain), at, at + 1)]
    if len(plain) == 1 and plain.isascii():
        return [Tok("letter" if plain.isalpha() else "num" if plain.isdigit() else "op", plain, at, at + 1)]
    return [Tok("speech", sign, at, at + 1)]


def _script(script: str, part: str, at: int, before: list[Tok]) -> list[Tok]:
    """A raised or lowered sign: it joins the group that such signs before it have opened."""
    made = [replace(t, start=at, end=at + 1) for t in raw(part, 0, len(part))]
    if len(before) > 2 and before[-1].text == "}" and before[-1].side == script and before[-1].end == at:
        before.pop()
        return [*made, Tok("op", "}", at, at + 1, script)]
    return [Tok("op", script, at, at + 1), Tok("op", "{", at, at + 1), *made, Tok("op", "}", at, at + 1, script)]


def preamble(text: str) -> tuple[dict[str, Macro], str]:
    """Definitions of macros, and the text with them blanked out."""
    macros: dict[str, Macro] = {}
    at = 0
    while (m := DEFINES.search(text, at)) is not None:
        name = m["a"] or m["b"] or m["c"]
        stop = _group_end(text, m.end())
        inner = raw(text, m.end() + 1, stop - 1) if text[m.end() : m.end() + 1] == "{" else raw(text, m.end(), stop)
        if m["c"]:
            word = "".join(t.text for t in inner)
            inner = [Tok("cmd", r"\operatorname", 0, 0), Tok("op", "{", 0, 0), *inner, Tok("op", "}", 0, 0)] if word else []
        macros[name] = (int(m["n"] or 0) or (m["p"] or "").count("#"), inner)
        text = text[: m.start()] + re.sub(r"[^\n]", " ", text[m.start() : stop]) + text[stop:]
        at = stop
    return macros, text


def _group_end(text: str, at: int) -> int:
    """Behind the group, or the command, that starts here."""
    if text[at : at + 1] != "{":
        m = re.compile(r"\\[a-zA-Z]+|\\?.").match(text, at)
        return m.end() if m else len(text)
    depth = 0
    for p in range(at, len(text)):
        depth += (text[p] == "{" and text[p - 1] != "\\") - (text[p] == "}" and text[p - 1] != "\\")
        if depth == 0:
            return p + 1
    raise IversonError("syntax", "This { is never closed.", Span(at, at + 1), source=text)


def expand(tokens: list[Tok], macros: dict[str, Macro]) -> list[Tok]:
    """Macros replaced by what they stand for; what never ends is refused."""
    if not macros:
        return tokens
    out: list[Tok] = []
    stack, work = tokens[::-1], 0
    while stack:
        t = stack.pop()
        work += 1
        if work > MOST_TOKENS or len(stack) > MOST_TOKENS:
            raise IversonError("limit", f"Its macros make {t.text} longer than {MOST_TOKENS} tokens.", t.span)
        if t.kind != "cmd" or t.text not in macros:
            out.append(t)
            continue
        count, body = macros[t.text]
        args = [_argument(stack, t) for _ in range(count)]
        made: list[Tok] = []
        parts = iter(body)
        for b in parts:
            if b.text == "#":
                number = next(parts, b).text
                made += args[int(number) - 1] if number.isdigit() and 0 < int(number) <= count else []
            else:
                made.append(replace(b, start=t.start, end=t.end))
            if len(made) > MOST_TOKENS:
                raise IversonError("limit", f"{t.text} is longer than {MOST_TOKENS} tokens.", t.span)
        stack += made[::-1]
    return out


def _argument(stack: list[Tok], macro: Tok) -> list[Tok]:
    """The next group of a stack of tokens, without its braces."""
    if not stack:
        raise IversonError("syntax", f"An argument of {macro.text} is missing.", macro.span)
    t = stack.pop()
    if t.text != "{":
        return [t]
    found, depth = [t], 1
    while stack and depth:
        t = stack.pop()
        depth += (t.text == "{") - (t.text == "}")
        found.append(t)
    return found[1:-1]


# -- fonts, accents, words ----------------------------------------------------------------------------------


class Shaper:
    """One pass that leaves letters with their fonts and accents, words, numbers, signs and the commands with a grammar."""

    def __init__(self, tokens: Sequence[Tok], source: str, nested: int = 0) -> None:
        self.tokens, self.source, self.at, self.nested = list(tokens), source, 0, nested
        self.out: list[Tok] = []
        if nested > MOST_NESTED:
            raise self.error("limit", f"Commands are nested deeper than {MOST_NESTED}.", self.tokens[0])

    def error(self, kind: str, message: str, t: Tok, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, t.span, hint=hint, source=self.source)

    def all(self) -> list[Tok]:
        while self.at < len(self.tokens):
            t = self.tokens[self.at]
            self.at += 1
            self.one(t)
        return self.out

    def one(self, t: Tok) -> None:
        if t.kind == "letter":
            self.out.append(Tok("sym", t.text, t.start, t.end))
        elif t.kind != "cmd":
            self.out.append(t)
        else:
            self.command(t)

    def command(self, t: Tok) -> None:
        text = t.text if t.text in WORDS or t.text in DROPPED or not t.text.endswith("*") else t.text[:-1]
        if text in LETTERS:
            self.out.append(Tok("sym", text, t.start, t.end))
        elif text in WORDS:
            self.word(t)
        elif text in STYLES:
            made = [styled(x, STYLES[text]) for x in unscripted(self.inner(t))]
            whole = len(made) == 1 and made[0].start >= t.start
            self.out += [replace(made[0], start=t.start, end=self.tokens[self.at - 1].end)] if whole else made
        elif text in ACCENTS:
            self.accent(t, ACCENTS[text])
        elif text in OPENING or text in CLOSING:
            self.fence(text in OPENING)
        elif text in IGNORED:
            return
        elif text in DROPPED:
            for _ in range(DROPPED[text]):
                self.argument(t)
            if text == r"\underset":
                self.splice(t)
            elif text in (r"\overset", r"\stackrel"):
                self.unmarked(t)
        elif text in BRACED:
            self.braced(t, BRACED[text])
        elif text == r"\not":
            self.out.append(replace(t, kind="op", text="!="))
            self.at += 1
        elif text in (r"\_", r"\#", r"\%", r"\$"):
            self.out.append(replace(t, kind="op", text=text[1:]))
        else:
            side = "l" if text in (r"\lVert", r"\lvert") else "r" if text in (r"\rVert", r"\rvert") else ""
            sign = SIGNS.get(text, text)
            if sign:
                self.out.append(Tok("cmd" if sign[0] == "\\" else "op", sign, t.start, t.end, side))

    def splice(self, t: Tok) -> None:
        """\\underset{k}{\\max}: what stands below is a subscript."""
        below, above = self.argument(t), self.argument(t)
        open_, close = replace(t, kind="op", text="{"), replace(t, kind="op", text="}")
        made = [*above, replace(t, kind="op", text="_"), open_, *below, close]
        self.tokens[self.at : self.at] = made

    def unmarked(self, t: Tok) -> None:
        """What a sign carries above it says nothing: \\overset{def}{=}; a letter would be another letter with it."""
        inner = self.argument(t)
        if len(inner) != 1 or inner[0].kind in ("letter", "sym", "num"):
            raise self.error("unsupported", f"{t.text} makes another symbol of what it stands over.", t,
                             r"Write \hat, \tilde or \bar, or a subscript.")
        self.tokens[self.at : self.at] = inner

    def fence(self, opening: bool) -> None:
        """What stands behind \\left or \\right; a bar knows its side, a point is nothing."""
        if self.at >= len(self.tokens):
            return
        t = self.tokens[self.at]
        if t.text == ".":
            self.at += 1
        sign = SIGNS.get(t.text, t.text)
        if sign in ("|", "\\|"):
            self.at += 1
            self.out.append(replace(t, kind="op", text=sign, side="l" if opening else "r"))

    def braced(self, t: Tok, script: str) -> None:
        """The content of an underbrace, without the words below it."""
        if script == "=":
            self.out += self.inner(t)
            return
        inner = self.inner(t)
        open_, close = replace(t, kind="op", text="{"), replace(t, kind="op", text="}")
        self.out += [open_, *inner, close]
        if script and self.at < len(self.tokens) and self.tokens[self.at].text == script:
            self.at += 1
            self.argument(t)

    def argument(self, t: Tok) -> list[Tok]:
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "line":
            self.at += 1
        if self.at >= len(self.tokens):
            raise self.error("syntax", f"An argument of {t.text} is missing.", t)
        first = self.tokens[self.at]
        self.at += 1
        if first.text != "{":
            if first.kind == "cmd" and first.text in (*STYLES, *ACCENTS, *WORDS):
                return [first, *self._grouped(first)]
            if first.kind == "num" and len(first.text) > 1:
                self.at -= 1
                self.tokens[self.at] = replace(first, text=first.text[1:], start=first.start + 1)
                return [replace(first, text=first.text[0], end=first.start + 1)]
            return [first]
        start, depth = self.at, 1
        while self.at < len(self.tokens):
            depth += (self.tokens[self.at].text == "{") - (self.tokens[self.at].text == "}")
            self.at += 1
            if depth == 0:
                return self.tokens[start : self.at - 1]
        raise self.error("syntax", "This { is never closed.", first, "Add a }.")

    def _grouped(self, t: Tok) -> list[Tok]:
        open_, close = replace(t, kind="op", text="{"), replace(t, kind="op", text="}")
        return [open_, *self.argument(t), close]

    def inner(self, t: Tok) -> list[Tok]:
        """The next argument, shaped itself."""
        return Shaper(self.argument(t), self.source, self.nested + 1).all()

    def word(self, t: Tok) -> None:
        """`\\mathrm{softmax}` is one word; words of a language part formulas."""
        at = self.at
        inner = self.argument(t)
        end = max(self.tokens[self.at - 1].end, t.end)
        if any(x.text in ("^", "_", "{") or (x.kind == "cmd" and x.text[1:].isalpha()) for x in inner) and not _spoken(inner):
            self.at = at
            self.out += self.inner(t)
            return
        between = self.source[inner[0].start : inner[-1].end] if inner and inner[0].start >= t.start else ""
        text = "".join(x.text for x in inner if x.kind != "line" and x.text not in IGNORED and x.text != "~")
        said = re.sub(r"[~\s]|\\[,;: ]", " ", between).strip()
        group = self.source[t.end : end].strip().removeprefix("{").removesuffix("}") if between else ""
        if said.lower().rstrip(":.,") in STOPPERS or text.lower() in STOPPERS:
            self.out.append(Tok("speech", "s.t.", t.start, end))
        elif text in FUNCTIONS or text in ARGS:
            self.out.append(Tok("word", text, t.start, end))
        elif not text.strip() or re.fullmatch(r"[,;.:]+", text):
            self.out += [replace(x, kind="op") for x in inner if x.text in ",;."]
        elif " " in said or any(x.kind == "speech" for x in inner) or said.lower().strip(",.:;") in SPEECH or text.startswith(("for ", "if ")):
            self.out.append(Tok("speech", (said or text).strip(" ,.:;"), t.start, end))
        elif re.fullmatch(r"[\d.]+", text):
            self.out.append(Tok("num", text, t.start, end))
        elif text[0] == "(" and text[-1] == ")" and not (self.out and self.out[-1].text in ("{", "_", "^")):
            return  # a remark, or the number of an equation
        elif not any(c.isalpha() or c == "-" for c in text):
            raise self.error("unsupported", "This text is not read.", t, "Write signs and numbers outside of \\text{...}.")
        else:
            self.out.append(Tok("word", text, t.start, end, "said" if group != group.strip(" ~") else ""))

    def accent(self, t: Tok, name: str) -> None:
        """`\\hat{y_i}` is `\\hat{y}_i`."""
        inner = [x for x in self.inner(t) if x.kind != "line"]
        while inner and inner[0].text == "{" and inner[-1].text == "}":
            inner = inner[1:-1]
        word = [x for x in inner if x.kind in ("sym", "word")]
        letters = next((p for p, x in enumerate(inner) if x.kind not in ("sym", "word")), len(inner))
        if not word or letters == 0 or (letters < len(inner) and inner[letters].text not in ("_", "^", "'")):
            raise self.error("unsupported", f"{t.text} stands over a single name here.", t)
        base = "".join(x.text for x in inner[:letters])
        end = self.tokens[self.at - 1].end if letters == len(inner) else inner[letters - 1].end
        kind_text = f"\\{name}{{{base}}}"
        self.out += [Tok("sym", kind_text, t.start, max(end, t.end)), *inner[letters:]]


def _spoken(inner: list[Tok]) -> bool:
    return any(t.kind == "speech" for t in inner)


def unscripted(tokens: list[Tok]) -> list[Tok]:
    return [t for t in tokens if t.kind != "line"]


def styled(t: Tok, style: str) -> Tok:
    """A letter, or the digits 0 and 1, in a font."""
    if t.kind in ("sym", "word") or (t.kind == "num" and t.text in ("0", "1")):
        return replace(t, kind="sym", text=f"{style}{{{t.text}}}")
    return t


def unknown(t: Tok, names: Sequence[str], source: str) -> IversonError:
    """A command that is in no table."""
    near = difflib.get_close_matches(t.text, [*KNOWN, *names], 1, 0.7)
    hint = f"Did you mean {near[0]}?" if near else "Write it with the commands of amsmath, or define it: \\newcommand."
    return IversonError("syntax", f"The command {t.text} is not known.", t.span, hint=hint, source=source)
