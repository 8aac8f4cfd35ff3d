"""Text of iverson notation to tokens with spans.

Knows the MATLAB traps of the decimal point (`2.*x` is `2 .* x`) and of the apostrophe (a transpose, never a string).
A newline ends a statement unless a parenthesis is open or the line ends in an operator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from ..core.errors import IversonError, Span

MOST_TEXT = 20_000
MOST_DIGITS = 30

PATTERN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v\u00a0]+|\#[^\n]*)
  | (?P<end>[\n;])
  | (?P<num>(?:\d+(?:\.(?![*/^])\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<op>\.\*|\./|\.\^|\.'|!=|==|<=|>=|\*\*|&&|\|\||[-+*/^'=<>()\[\],:|&!~])
""",
    re.VERBOSE,
)

UNICODE = {
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "−": "-",
    "·": "*",
    "⊙": ".*",
    "×": "*",
    "∧": "&&",
    "∨": "||",
    "¬": "!",
    "ᵀ": "'",
    "²": "^2",
    "³": "^3",
    "Σ": "sum",
    "∑": "sum",
}
SPELLING = {"==": "=", "**": "^", "&": "&&", "|": "||", "~": "!", ".'": "'"}


@dataclass(frozen=True, slots=True)
class Token:
    """kind is num, name, op, end or stop; `value` is the exact number of a num token."""

    kind: str
    text: str
    span: Span
    value: int | Fraction | None = None


def tokenize(source: str) -> list[Token]:
    """All tokens of a text, with one final `stop`.

    >>> [t.text for t in tokenize("2.*x' # twice")]
    ['2', '.*', 'x', "'", '']
    """
    if len(source) > MOST_TEXT:
        raise IversonError("limit", f"The text has {len(source)} characters; at most {MOST_TEXT} are read.")
    tokens: list[Token] = []
    depth, at = 0, 0
    while at < len(source):
        token, at = _next(source, at)
        if token is None:
            continue
        if token.text in "([" and token.kind == "op":
            depth += 1
        elif token.text in ")]" and token.kind == "op":
            depth = max(0, depth - 1)
        if token.kind != "end" or _ends(tokens, depth, token.text):
            tokens.append(token)
    tokens.append(Token("stop", "", Span(len(source), len(source))))
    return tokens


def _ends(tokens: list[Token], depth: int, text: str) -> bool:
    """Whether a newline here ends the statement."""
    if text == ";":
        return True
    if depth or not tokens:
        return False
    last = tokens[-1]
    return last.kind != "op" or last.text in ")]'"


def _next(source: str, at: int) -> tuple[Token | None, int]:
    if source[at] in UNICODE:
        text = UNICODE[source[at]]
        kind = "name" if text.isalpha() else "op"
        return Token(kind, text, Span(at, at + 1)), at + 1
    match = PATTERN.match(source, at)
    if match is None:
        raise IversonError(
            "syntax", f"The character {source[at]!r} has no meaning here.", Span(at, at + 1), source=source
        )
    kind, text = str(match.lastgroup), match.group()
    span = Span(at, match.end())
    if kind == "space":
        return None, match.end()
    if kind == "num":
        return Token(kind, text, span, _number(text, span, source)), match.end()
    return Token(kind, SPELLING.get(text, text) if kind == "op" else text, span), match.end()


def _number(text: str, span: Span, source: str) -> int | Fraction:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MOST_DIGITS or len(exponent) > 4 or abs(int(exponent or 0)) > 400:
        raise IversonError(
            "limit", f"A number may have {MOST_DIGITS} digits and an exponent up to 400.", span, source=source
        )
    exact = Fraction(text if not text.endswith(".") else text + "0")
    return exact.numerator if exact.denominator == 1 else exact
