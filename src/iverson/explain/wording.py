"""Clauses as sentences: rows of WORDS with their gaps filled, formulas written by whoever renders them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ..lang.kinds import describe
from ..lang.shapes import Type
from ..lang.surface import Surface
from ..lang.syntax import parse_expression
from ..rules.words import FORMS, STOPS, WORDS
from .lines import Clause

LANGUAGES = ("en", "zh")
Formula = Callable[[Surface], str]
TICKS = re.compile(r"`([^`]*)`")


def say(clauses: Sequence[Clause], lang: str, formula: Formula) -> str:
    """The clauses in a row, without a full stop."""
    return STOPS[LANGUAGES.index(lang)]["and"].join(sentence(c, lang, formula) for c in clauses)


def sentence(c: Clause, lang: str, formula: Formula) -> str:
    """One row of WORDS with its formulas.

    >>> from ..lang.show import show
    >>> sentence(Clause("put-in", {"gradients": (parsed("dp"), parsed("ds"))}), "en", show)
    'put in dp, ds'
    """
    filled = {k: fact(v, lang, formula) for k, v in c.facts.items()}
    return TICKS.sub(lambda m: formula(parsed(m[1])), WORDS[c.key][LANGUAGES.index(lang)].format(**filled))


def fact(value: Any, lang: str, formula: Formula) -> str:
    """What fills a gap: a formula, a list of them, a plain text."""
    if isinstance(value, Surface):
        return formula(value)
    if isinstance(value, tuple):
        return STOPS[LANGUAGES.index(lang)]["list"].join(map(formula, value))
    return str(value)


@cache
def parsed(text: str) -> Surface:
    """A formula of a table; a relation such as `u = 0` stands alone."""
    return parse_expression(f"[{text}]").args[0] if re.search(r"[=<>]", text) else parse_expression(text)


def shape_text(t: Type | None, lang: str) -> str:
    """What an array is, with its sizes: `matrix[N, K]`.

    >>> from ..lang.shapes import SCALAR
    >>> shape_text(SCALAR, "zh")
    '标量'
    """
    if t is None:
        return ""
    text, _, classes = describe(t).partition(" in ")
    form = re.match(r"[a-z]*", text)
    assert form is not None
    named = FORMS[form[0]][LANGUAGES.index(lang)] + text[form.end() :]
    return named + (f" in {classes}" if lang == "en" else f"（共 {classes} 类）") * bool(classes)


def shape_suffix(t: Type | None, lang: str) -> str:
    """The shape behind a heading; nothing for a scalar."""
    if t is None or not t.dims:
        return ""
    return f", {shape_text(t, lang)}" if lang == "en" else f"（{shape_text(t, lang)}）"
