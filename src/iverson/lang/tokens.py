"""Text of iverson notation to tokens with spans.

Knows the MATLAB traps of the decimal point (`2.*x` is `2 .* x`) and of the apostrophe (a transpose, never a string), and
which signs of Unicode are other spellings of the ASCII ones.  A newline ends a statement unless a parenthesis is open or
the line ends in an operator or in `...`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from ..core.errors import IversonError, Span

MOST_TEXT = 20_000
MOST_DIGITS = 30
LEAST = Fraction(1, 10**300)  # in absolute value, and its inverse the largest: what a float64 holds

# Letters and digits by Python's \w that are no part of a name: superscripts, fractions, Roman and circled numbers.
RAISED = "¹²³⁰ⁱ⁴-⁹ⁿᵀᵗᴴ¼½¾\u2150-\u218f\u2460-\u24ff\u3200-\u33ff"
PATTERN = re.compile(
    rf"""
    (?P<space>(?:(?![\n\r\x1c-\x1e\x85\u2028\u2029])\s|\ufeff)+|\#[^\n\r\x85\u2028\u2029]*|(?:\.\.\.|\\)[ \t]*(?:\#[^\n]*)?\r?\n)
  | (?P<end>[\n\r\x1c-\x1e\x85\u2028\u2029;])
  | (?P<num>(?:[0-9]+(?:\.(?![*/^'])[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<name>[^\W\d{RAISED}](?:[^\W{RAISED}]|[\u0300-\u036f])*)
  | (?P<raised>[⁺⁻]?[⁰¹²³⁴-⁹]+)
  | (?P<op>\.\*|\./|\.\^|\.'|!=|~=|==|<=|>=|:=|=<|=>|<>|\*\*|&&|\|\||[-+*/^'=<>()\[\],:|&!~])
""",
    re.VERBOSE,
)

UNICODE = {
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "⩽": "<=",
    "⩾": ">=",
    "−": "-",
    "–": "-",
    "‐": "-",
    "‑": "-",
    "·": "*",
    "⋅": "*",
    "∙": "*",
    "∗": "*",
    "×": "*",
    "⊙": ".*",
    "∘": ".*",
    "⊘": "./",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "∧": "&&",
    "∨": "||",
    "¬": "!",
    "ᵀ": "'",
    "⊤": "'",
    "′": "'",
    "’": "'",
    "∑": "sum",
    "∏": "prod",
}
SPELLING = {"==": "=", "**": "^", "&": "&&", "|": "||", "~": "!", "~=": "!=", ".'": "'"}

# One character for one, so that spans stay: what an input method for Chinese types, and twins of Greek letters.
TWINS = {**{c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0xB5: 0x3BC, 0x2206: 0x394, 0x2126: 0x3A9}
ALIKE = str.maketrans(
    "аеорсухіјѕԁԛԝһАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "aeopcyxijsdqwhABEKMHOPCTXIJSABEZHIKMNOPTYXo",
)
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

HINTS = {
    "%": "A comment begins with #.",
    "\\": "Write solve(A, b) for inv(A)*b.",
    "{": "Write parentheses, or brackets for an index: x[i].",
    "}": "Write parentheses, or brackets for an index: x[i].",
    "@": "Write * for the matrix product; @ belongs to NumPy.",
    "$": "Formulas in dollar signs are LaTeX.",
    ".": "Write .* ./ .^ for what is done entry by entry, x' for a transpose.",
    "√": "Write sqrt(x).",
    "∛": "Write cbrt(x).",
    "½": "Write 1/2.",
    "∈": "Labels are declared: y: label[N] in K.",
    "∞": "There are no infinite numbers or sizes.",
    "∂": "Write the loss alone; what it is derived by is said beside it.",
    "∇": "Write the loss alone; what it is derived by is said beside it.",
    "⊗": "Write kron(A, B), or x*y' for the outer product of vectors.",
    "⁻": "Write inv(A), or inv(A)' for the inverse transposed.",
    "‖": "Write norm2(x), or norm1(x).",
    "∥": "Write norm2(x), or norm1(x).",
    "—": "Write - for minus.",
    "=<": "Write <=.",
    "=>": "Write >=.",
    "<>": "Write !=.",
}


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
    text = source.translate(TWINS)
    tokens: list[Token] = []
    depth, at = 0, 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        found, at = _next(text, at, source)
        for token in found:
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


def _next(text: str, at: int, source: str) -> tuple[list[Token], int]:
    """The tokens that begin at a place, none for a blank, and where they end."""
    sign = text[at]
    if sign in UNICODE or (sign == "Σ" and SUM.match(text, at)):
        spelled = UNICODE.get(sign, "sum")
        return [Token("name" if spelled.isalpha() else "op", spelled, Span(at, at + 1))], at + 1
    match = PATTERN.match(text, at)
    if match is None:
        raise _meaningless(source, Span(at, at + 1))
    kind, found = str(match.lastgroup), match.group()
    span = Span(at, match.end())
    if kind == "space":
        return [], match.end()
    if kind == "num":
        return [Token(kind, found, span, exact_number(found, span, source))], match.end()
    if kind == "raised":
        return _raised(found.translate(SUPERSCRIPTS), span, source), match.end()
    if kind == "name":
        return [Token(kind, _named(found, span, source), span)], match.end()
    if found in HINTS:
        raise _meaningless(source, span)
    return [Token(kind, SPELLING.get(found, found) if kind == "op" else found, span)], match.end()


SUM = re.compile(r"Σ\s*\[")


def _meaningless(source: str, span: Span) -> IversonError:
    text = source[span.start : span.end]
    return IversonError(
        "syntax",
        f"The {'character' if len(text) == 1 else 'sign'} {text!r} has no meaning here.",
        span,
        hint=HINTS.get(text, "What can be written is in docs/notation.md."),
        source=source,
    )


def _raised(text: str, span: Span, source: str) -> list[Token]:
    """A number in superscripts: `x²`, `A⁻¹`."""
    digits = text.lstrip("+-")
    sign = [Token("op", "-", span)] if text.startswith("-") else []
    return [Token("op", "^", span), *sign, Token("num", digits, span, exact_number(digits, span, source))]


def _named(text: str, span: Span, source: str) -> str:
    """A name, with accents composed; one that only looks like a Latin name is refused."""
    name = unicodedata.normalize("NFC", text)
    twin = name.translate(ALIKE)
    if twin == name or not twin.isascii():
        return name
    odd = next(c for c in name if not c.isascii())
    raise IversonError(
        "syntax",
        f"This looks like {twin}, but holds the {unicodedata.name(odd).capitalize()}.",
        span,
        hint=f"Write {twin} with Latin letters, or choose another name.",
        source=source,
    )


def exact_number(text: str, span: Span, source: str) -> int | Fraction:
    """The value of a numeral; IversonError where it is beyond what a float64 holds."""
    if text.isdigit() and len(text) <= MOST_DIGITS:
        return int(text)
    mantissa, _, exponent = text.lower().partition("e")
    short = len(mantissa) <= MOST_DIGITS and len(exponent) <= 4
    exact = Fraction(text if not text.endswith(".") else text + "0") if short else Fraction(0)
    if not short or (exact and not LEAST <= exact <= 1 / LEAST):
        raise IversonError(
            "limit",
            f"A number may have {MOST_DIGITS} digits and an exponent from -300 to 300.",
            span,
            hint="Name it, and give its value with the arrays.",
            source=source,
        )
    return exact.numerator if exact.denominator == 1 else exact
