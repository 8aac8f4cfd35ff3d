"""The tokens of one formula, one after another, with the errors that belong to them."""

from __future__ import annotations

import re
from functools import lru_cache

from ..core.errors import IversonError, Span
from .latex_tokens import Tok, unknown
from .latex_words import ARGS, BIG, FUNCTIONS
from .ops import OPS

PAIRS = {"(": ")", "[": "]", r"\{": r"\}", r"\langle": r"\rangle", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
SIGNS = {r"\cdot": "cdot", r"\times": "times", "*": "star", r"\odot": "odot", r"\circ": "odot", r"\otimes": "otimes", "/": "slash",
         r"\div": "slash", r"\oslash": "oslash", ".*": "odot", "./": "oslash"}
BARS = ("|", "\\|")
PARTED = ("|", "\\|", r"\mid", ";", r"\middle")
TURNED = ((r"\top",), ("T",), (r"\mathsf{T}",), (r"\mathbf{T}",), (r"\mathrm{T}",), ("H",))
CONSTANTS = ("const", "const.", "constant", "Const", "cst")  # \\text{const}: an addend that no gradient sees
AXES = (r"\cdot", "*")  # a whole axis at the end of a subscript: W_{i\cdot}
STARTERS = frozenset(["(", "[", "{", r"\{", r"\langle", r"\lfloor", r"\lceil", r"\frac", r"\sqrt", r"\begin", r"\binom", r"\arg", *BIG])
WORDY = frozenset(FUNCTIONS) | frozenset(ARGS)


@lru_cache(256)
def vocabulary(names: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Words, the longest first, and the known single letters."""
    return tuple(sorted({n for n in names if len(n) > 1} | WORDY, key=len, reverse=True)), frozenset(n for n in names if len(n) == 1)


class Stream:
    """A place among the tokens of one formula.  `names` are the multi-letter names that the text or the caller knows."""

    def __init__(self, tokens: list[Tok], source: str, names: frozenset[str] = frozenset(), chalk: bool = False) -> None:
        self.tokens = [t for t in tokens if t.text not in ("\n", r"\quad")]
        end = tokens[-1].end if tokens else 0
        self.tokens.append(Tok("stop", "", end, end))
        self.source, self.at, self.depth, self.chalk = source, 0, 0, chalk
        self.now = self.tokens[0]
        self.bars: list[str | None] = []
        self.words, self.single = vocabulary(names)
        self.names = names
        self.scripts_open = 0

    # -- tokens ----------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 1) -> Tok:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Tok:
        t = self.now
        if t.kind != "stop":
            self.at += 1
            self.now = self.tokens[self.at]
        return t

    def put(self, tokens: list[Tok], taken: int = 1) -> None:
        """Other tokens in the place of the next ones."""
        self.tokens[self.at : self.at + taken] = tokens
        self.now = self.tokens[self.at]

    def is_(self, *texts: str) -> bool:
        return self.now.text in texts and self.now.kind != "stop"

    def expect(self, text: str, opened: Tok) -> Tok:
        if self.is_(text):
            return self.take()
        if self.now.kind == "stop":
            raise self.error("syntax", f"This {opened.text} is never closed.", opened.span, f"Add a {text}.")
        if self.now.text == "%":
            raise self.stray()
        raise self.error("syntax", f"Expected {text} here, not {self.now.text!r}.", self.now.span)

    def error(self, kind: str, message: str, span: Span, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, span, hint=hint, source=self.source)

    def stray(self) -> IversonError:
        t = self.now
        if t.text == "%":
            return self.error("ambiguous", r"100\% is 1, or the number 100 with its unit.", t.span, r"Write 1, or 100 without \%.")
        if t.kind == "stop" and "|" in self.bars:
            return self.error("syntax", "The formula stops here; an operand is missing.", t.span, r"Write \lvert x \rvert for bars in bars.")
        if t.text in (")", "]", "}", r"\}", r"\rangle", *BARS):
            return self.error("syntax", f"This {t.text} closes nothing.", t.span, "Leave it out, or open it before.")
        if t.kind == "stop":
            last = self.tokens[self.at - 1].span if self.at else t.span
            return self.error("syntax", "The formula stops here; an operand is missing.", last, "Write a name, a number or a parenthesis behind it.")
        if t.text in ("^", "_"):
            return self.error("syntax", "Nothing stands before this script.", t.span)
        if t.text in SIGNS:
            sign = self.source[t.start : t.end].strip()
            return self.error("syntax", f"{sign} cannot start an operand.", t.span, "Write a name, a number or a parenthesis before it.")
        if t.text.startswith("\\") and t.text[1:].isalpha() and t.text not in (r"\quad", r"\in", r"\ldots"):
            return unknown(t, list(BIG) + ["\\" + w for w in FUNCTIONS] + list(SIGNS) + [r"\frac", r"\sqrt", r"\begin", r"\end"], self.source)
        return self.error("syntax", f"{t.text!r} is not expected here.", t.span)

    def _word(self, text: str) -> bool:
        if self.now.kind in ("speech", "word") and self.now.text == text:
            return True
        if not self.chalk:
            return False
        letters = self.tokens[self.at : self.at + len(text)]
        return "".join(t.text for t in letters) == text and self._spaced(letters)

    def _spaced(self, letters: list[Tok]) -> bool:
        run = self.source[letters[0].start : letters[-1].end + 1]
        if run[:-1] != "".join(t.text for t in letters) or run[-1:].isalnum():
            return False
        self.put([Tok("word", run[:-1], letters[0].start, letters[-1].end)], len(letters))
        return True

    def _is_word(self, run: str) -> bool:
        return not any(w in run for w in self.words if len(w) > 1) and run.isascii() and not set(run) & self.single and (
            run.islower() and not set(run) <= set("abcxyz"))

    def operator(self, word: str) -> str | None:
        """The operator of iverson notation that a word names, unless the text or the caller has another use for it."""
        spelled = word.replace(r"\_", "_")
        return OPS[spelled].name if spelled in OPS and spelled not in self.names and word not in self.names else None

    def _word_at(self, run: str) -> str | None:
        if len(run) < 2 and not self.chalk:
            return None
        found = IDENTIFIER.match(self.source, self.now.start) if self.chalk else None
        if found is not None and (found[0] in self.words or (self.source[found.end() : found.end() + 1] == "(" and self.operator(found[0]))):
            return found[0]
        if self.chalk:  # digits and underscores belong to names there, as in iverson notation
            text = self.source[self.now.start : self.now.start + len(run)]
            whole = run if text == run else run[: next((p for p, (a, b) in enumerate(zip(run, text, strict=False)) if a != b), 0)]
            if len(whole) > 1 and (whole.islower() or whole in self.words):
                return whole
            run = whole
        return next((w for w in self.words if len(w) > 1 and run.startswith(w)), None)


IDENTIFIER = re.compile(r"[A-Za-z]\w+", re.ASCII)
OTHERWISE = ("otherwise", "else", "其他", "其它", "否则", "o.w.", "others", "elsewhere", "ow")
SAID = ("if", "when", "for", "where", "若", "当")


def joined(tokens: list[Tok]) -> str:
    return "".join(t.text for t in tokens).strip(".,")


def comma_and(tokens: list[Tok]) -> list[Tok]:
    """A comma between conditions says and; the letters `if` say nothing."""
    if [t.text for t in tokens[:2]] == ["i", "f"]:
        tokens = tokens[2:]
    return [Tok("cmd", r"\land", t.start, t.end) if t.text == "," else t for t in tokens]
