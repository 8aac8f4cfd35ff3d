"""Surface to one line of Unicode: the plain text with its signs respelled, letter by letter.

`unicode_text` is made to be read; `worded_unicode` and `signed` keep words where signs would be read otherwise.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .show import GREEK, equation_left, equation_text, show
from .surface import Equation, Surface, name

LETTERS = dict(zip(GREEK, "αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΠΣΦΨΩπ", strict=True))
FENCES = {
    "norm2": ("‖", "‖"),
    "norm1": ("‖", "‖₁"),
    "abs": ("|", "|"),
    "floor": ("⌊", "⌋"),
    "sqrt": ("√(", ")"),
    "sumsq": ("‖", "‖²"),
}
SIGNS = {
    ".*": " ⊙ ",
    "./": " ⊘ ",
    "*": "·",
    "!=": "≠",
    "<=": "≤",
    ">=": "≥",
    "'": "ᵀ",
    "^2": "²",
    "^3": "³",
    "sum[": "Σ[",
    "d/d": "∂/∂",
    "-": "−",
    " and ": " ∧ ",
    " or ": " ∨ ",
    "not ": "¬",
}
PIECE = re.compile(
    r"\.\*|\./|\.\^|!=|<=|>=|[*-]|'(?!\()|\^[23](?![\d.])|\b(?:sum\[|d/d|not )| (?:and|or) "
    r"|\d+(?:\.(?![*/^])\d*)?(?:e[+-]?\d+)?|\w+"
)


def unicode_text(tree: Surface) -> str:
    """The formula in one line.

    >>> from .syntax import parse_expression
    >>> unicode_text(parse_expression("X'*ds + 2*lambda*W.^2 - norm2(x - y)"))
    'Xᵀ·ds + 2·λ·W.^2 − ‖x − y‖'
    """
    return PIECE.sub(lambda m: SIGNS.get(m[0], m[0]), show(_spelled(tree)))


def worded_unicode(e: Equation) -> str:
    """A definition in which only signs are respelled: operators and Greek letters keep their names."""
    return PIECE.sub(lambda m: SIGNS.get(m[0], m[0]), equation_text(e))


def signed(text: str) -> str:
    """Iverson notation in its signs of Unicode, which it takes as well."""
    return PIECE.sub(lambda m: m[0] if m[0] in ("sum[", "./") else SIGNS.get(m[0], m[0]), text)


def equation_unicode(e: Equation) -> str:
    """A definition with its left side."""
    return f"{unicode_text(equation_left(e))} = {unicode_text(e.body)}"


def _spelled(t: Surface) -> Surface:
    """The tree with Greek names as letters, and calls that have a sign as one name."""
    if t.op == "name":
        return name(spelled_name(t.attr))
    if t.op == "call" and t.attr in FENCES:
        left, right = FENCES[t.attr]
        return name(left + unicode_text(t.args[0]) + right)
    if t.op == "call" and t.attr == "sum" and t.args[0].op == "epow" and t.args[0].args[1].attr == 2:
        return name(f"‖{unicode_text(t.args[0].args[0])}‖²")
    if t.op == "call" and t.attr == "inv":
        inner = show(_spelled(t.args[0]))
        return name(f"{inner if t.args[0].op == 'name' else f'({unicode_text(t.args[0])})'}⁻¹")
    if t.op in ("pow", "epow"):
        base, e = t.args
        root = base.op == "call" and base.attr == "sqrt"
        return replace(t, args=(fenced(base) if root else _spelled(base), fenced(e) if e.op == "index" else _spelled(e)))
    attr = (t.attr[0], tuple(map(spelled_name, t.attr[1]))) if t.op == "reduce" else t.attr
    return replace(t, args=tuple(map(_spelled, t.args)), attr=attr)


def fenced(t: Surface) -> Surface:
    """In parentheses, as a root that is raised and an entry that is an exponent."""
    return name(f"({unicode_text(t)})")


def spelled_name(text: str) -> str:
    """lambda as λ, dtheta as dθ."""
    found = re.fullmatch(r"(d?)([A-Za-z]+?)(_?\d*)", text)
    if found and found[2] in LETTERS:
        return found[1] + LETTERS[found[2]] + found[3]
    return text
