"""Lines as Markdown: aligned formulas between double dollars, numbered, and their reasons in a list below."""

from __future__ import annotations

import re

from ..lang.show_latex import latex
from ..lang.surface import Surface
from .blocks import Block, blocks, rows
from .lines import Line
from .wording import say, shape_suffix, shape_text


def as_markdown(lines: list[Line], lang: str) -> str:
    """The whole explanation, ending in a newline."""
    return escaped("\n\n".join(part for b in blocks(lines) for part in shown(b, lang)) + "\n")


def escaped(text: str) -> str:
    """Braces by name: Markdown would take the backslash of the short form away."""
    text = re.sub(r"\\\}(?=[A-Za-z])", r"\\rbrace ", text)
    return text.replace(r"\{", r"\lbrace ").replace(r"\}", r"\rbrace")


def inline(tree: Surface) -> str:
    return f"${latex(tree)}$"


def shown(b: Block, lang: str) -> list[str]:
    """One block: a heading, a sentence, a list of inputs or a display with its reasons."""
    first = b.lines[0]
    if b.kind in ("title", "heading"):
        return [
            ("# " if b.kind == "title" else "## ")
            + say(first.words, lang, inline)
            + shape_suffix(first.shape, lang)
        ]
    if b.kind == "text":
        return [say(first.words, lang, inline)]
    if b.kind == "input":
        return ["\n".join(f"- {inline(x.left)}: {shape_text(x.shape, lang)}" for x in b.lines if x.left)]
    display = "$$\n\\begin{aligned}\n" + " \\\\\n".join(rows(b, lang)) + "\n\\end{aligned}\n$$"
    reasons = [
        f"{n}. {say(x.words, lang, inline)}" if b.numbered else say(x.words, lang, inline)
        for n, x in b.reasons
    ]
    return [display, "\n".join(reasons)] if reasons else [display]
