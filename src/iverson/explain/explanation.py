"""Lines as a document: text, Markdown, LaTeX, in English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import IversonError
from ..core.program import Program
from ..derivation.answer import Answer
from ..derivation.reverse import Adjoint
from ..lang.surface import Surface
from .chapters import lines
from .latex import as_latex
from .lines import Clause, Line
from .markdown import as_markdown
from .text import as_text
from .wording import LANGUAGES

FORMATS = ("text", "markdown", "latex")


def explanation(
    program: Program,
    adjoint: Adjoint,
    answer: Answer,
    lang: str = "en",
    format: str = "text",
    standalone: bool = False,
    jumps: Sequence[Surface] = (),
) -> str:
    """The derivation of one gradient.  lang: en or zh; format: text, markdown or latex.

    standalone   for LaTeX: a whole document, not a body
    jumps        the relations at whose tie the loss is not continuous
    program      the loss as it was given; what is told is the adjoint's, with the inverses that it needed
    """
    if lang not in LANGUAGES or format not in FORMATS:
        raise IversonError(
            "usage", f"lang is one of {', '.join(LANGUAGES)}; format one of {', '.join(FORMATS)}."
        )
    name = adjoint.program.result
    told = [*lines(adjoint, answer), *(Line("text", words=(Clause("jump", {"L": name, "where": t}),)) for t in jumps)]
    if format == "latex":
        return as_latex(told, lang, standalone)
    return as_markdown(told, lang) if format == "markdown" else as_text(told, lang)
