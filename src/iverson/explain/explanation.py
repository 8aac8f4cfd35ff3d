"""Lines of a derivation as text, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..core.errors import IversonError
from ..core.program import Program
from ..derivation.answer import Answer
from ..derivation.reverse import Adjoint
from ..lang.show import show
from ..lang.surface import Surface
from .lines import LANGUAGES, Line, Lines

COLUMN = 64


def explanation(
    program: Program, adjoint: Adjoint, answer: Answer, lang: str = "en", format: str = "text"
) -> str:
    """The derivation of one gradient.  lang: en or zh; format: text, markdown or latex."""
    if lang not in LANGUAGES or format not in FORMATS:
        raise IversonError(
            "usage", f"lang is one of {', '.join(LANGUAGES)}; format one of {', '.join(FORMATS)}."
        )
    return FORMATS[format](Lines(program, adjoint, answer, lang).all())


def left_text(left: Surface) -> str:
    if left.op == "call" and left.attr == "D":
        return f"d{show(left.args[0])}/d{show(left.args[1])}"
    return show(left)


def as_text(lines: Iterable[Line]) -> str:
    """Plain text: a heading, then one equality a line with its reason behind."""
    out: list[str] = []
    margin = 0
    for line in lines:
        if line.tree is None:
            out += ["", line.words] if out else [line.words]
            continue
        if line.left is not None:
            left = left_text(line.left)
            margin = len(left)
        else:
            left = " " * margin
        formula = f"  {left} = {show(line.tree)}"
        note = "; ".join(x for x in (line.words, f"[{line.shape}]" if line.shape else "") if x)
        out.append(f"{formula.ljust(COLUMN)}  {note}".rstrip())
    return "\n".join(out) + "\n"


def left_latex(left: Surface) -> str:
    from ..lang.show_latex import latex

    if left.op == "call" and left.attr == "D":
        return rf"\frac{{\partial {latex(left.args[0])}}}{{\partial {latex(left.args[1])}}}"
    return latex(left)


def blocks(lines: Iterable[Line], heading: Callable[[str], str], opening: str, closing: str) -> str:
    """Headings, and between them one aligned block each."""
    from ..lang.show_latex import latex

    out: list[str] = []
    rows: list[str] = []

    def flush() -> None:
        if rows:
            out.append(opening + "\n" + " \\\\\n".join(rows) + "\n" + closing)
            rows.clear()

    for line in lines:
        if line.tree is None:
            flush()
            out.append(heading(line.words))
        else:
            left = left_latex(line.left) if line.left is not None else ""
            reason = rf" && \text{{{escaped(line.words)}}}" if line.words else ""
            rows.append(f"{left} &= {latex(line.tree)}{reason}")
    flush()
    return "\n\n".join(out) + "\n"


def escaped(text: str) -> str:
    """Words for \\text: the signs that LaTeX reads otherwise."""
    for sign, spelling in (
        ("\\", r"\textbackslash "),
        ("^", r"\textasciicircum "),
        ("_", r"\_"),
        ("%", r"\%"),
        ("&", r"\&"),
        ("#", r"\#"),
        ("{", r"\{"),
        ("}", r"\}"),
    ):
        text = text.replace(sign, spelling) if sign not in "{}" or "\\" not in text else text
    return text


def as_markdown(lines: Iterable[Line]) -> str:
    return blocks(lines, lambda words: f"### {words}", "$$\n\\begin{aligned}", "\\end{aligned}\n$$")


def as_latex(lines: Iterable[Line]) -> str:
    return blocks(lines, lambda words: f"\\paragraph{{{escaped(words)}}}", "\\begin{align*}", "\\end{align*}")


FORMATS: dict[str, Callable[[Iterable[Line]], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "latex": as_latex,
}
