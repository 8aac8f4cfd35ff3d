"""Surface to Unicode: the plain text with the signs of a chalkboard."""

from __future__ import annotations

import re

from .show import show
from .surface import Equation, Surface

GREEK = dict(zip(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi".split(), "αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΠΣΦΨΩπ", strict=True))

SPELLING = (
    (r"d/d(\w+(?:\[[^\]]*\])?) ", r"∂/∂\1 "), (r"\bsum\[", "Σ["), (r"\bprod\[", "Π["), (r"!=", "≠"), (r"<=", "≤"),
    (r">=", "≥"), (r" - ", " − "), (r"(?<=[\w)\]])'", "ᵀ"), (r"\.\^2\b", "²"), (r"\^2\b", "²"), (r"\^3\b", "³"),
    (r"\.\*", "⊙"), (r"\./", "⊘"), (r"\binv\((\w+)\)", r"\1⁻¹"), (r"\bnorm2\((\w+)\)", r"‖\1‖₂"),
)


def unicode_text(tree: Surface) -> str:
    """The formula in one line.

    >>> from .syntax import parse_expression
    >>> unicode_text(parse_expression("X'*ds + 2*lambda*W.^2"))
    'Xᵀ*ds + 2*λ*W²'
    """
    text = show(tree)
    for pattern, spelling in SPELLING:
        text = re.sub(pattern, spelling, text)
    return re.sub(r"[A-Za-z]+", lambda m: GREEK.get(m[0], m[0]), text)


def equation_unicode(e: Equation) -> str:
    """A definition with its left side."""
    return GREEK.get(e.name, e.name) + (f"[{','.join(e.indices)}]" if e.indices else "") + " = " + unicode_text(e.body)
