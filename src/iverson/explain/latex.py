"""Lines as LaTeX: the body of a document that needs amsmath, or a whole document."""

from __future__ import annotations

from ..lang.show_latex import latex
from ..lang.surface import Surface
from .blocks import Block, blocks, plain, rows
from .lines import Line
from .wording import say, shape_suffix, shape_text

HEADS = {"title": r"\section*", "heading": r"\subsection*"}
PAGE = (
    "\\documentclass{{article}}\n\\usepackage{{amsmath}}\n{extra}\\allowdisplaybreaks\n"
    "\\begin{{document}}\n\n{body}\n\\end{{document}}\n"
)
EXTRA = {"en": "", "zh": "\\usepackage{ctex}\n"}


def as_latex(lines: list[Line], lang: str, standalone: bool = False) -> str:
    """The whole explanation; `standalone` adds the document around it (with ctex for Chinese)."""
    body = "\n\n".join(part for b in blocks(lines) for part in shown(b, lang)) + "\n"
    return PAGE.format(extra=EXTRA[lang], body=body) if standalone else body


def inline(tree: Surface) -> str:
    return f"${latex(tree)}$"


def shown(b: Block, lang: str) -> list[str]:
    """One block: a heading, a sentence, a list of inputs or a display with its reasons."""
    first = b.lines[0]
    if b.kind in HEADS:
        return [
            f"{HEADS[b.kind]}{{{say(first.words, lang, inline)}{plain(shape_suffix(first.shape, lang))}}}"
        ]
    if b.kind == "text":
        return [say(first.words, lang, inline)]
    if b.kind == "input":
        return [
            listed(
                [f"\\item {inline(x.left)}: {plain(shape_text(x.shape, lang))}" for x in b.lines if x.left],
                "itemize",
            )
        ]
    display = "\\[\n\\begin{aligned}\n" + " \\\\\n".join(rows(b, lang)) + "\n\\end{aligned}\n\\]"
    if not b.numbered:
        return [display, *(say(x.words, lang, inline) for _, x in b.reasons)]
    reasons = [f"\\item[({n})] {say(x.words, lang, inline)}" for n, x in b.reasons]
    return [display, listed(reasons, "enumerate")] if reasons else [display]


def listed(items: list[str], environment: str) -> str:
    return f"\\begin{{{environment}}}\n" + "\n".join(items) + f"\n\\end{{{environment}}}"
