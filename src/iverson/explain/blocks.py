"""Lines gathered into blocks for a page: equalities of one chain stand in one aligned display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..lang.show_latex import latex
from .lines import Line
from .wording import shape_text


@dataclass(frozen=True)
class Block:
    """Lines that are set together; `numbered` where several have words of their own."""

    kind: str
    lines: tuple[Line, ...]

    @property
    def reasons(self) -> list[tuple[int, Line]]:
        """The lines with words, by their number in the display."""
        return [(n, x) for n, x in enumerate(self.lines, 1) if x.words]

    @property
    def numbered(self) -> bool:
        return self.kind == "equal" and len(self.lines) > 1


def blocks(lines: list[Line]) -> Iterator[Block]:
    run: list[Line] = []
    for line in lines:
        if run and (
            kind(line) != kind(run[0])
            or line.chain != run[0].chain
            or kind(line) in ("title", "heading", "text")
        ):
            yield Block(kind(run[0]), tuple(run))
            run = []
        run.append(line)
    if run:
        yield Block(kind(run[0]), tuple(run))


def kind(line: Line) -> str:
    return "equal" if line.kind == "matrix" else line.kind


def rows(b: Block, lang: str) -> Iterator[str]:
    """The rows of an aligned environment: left side, sign, right side, and a number or a shape."""
    for n, x in enumerate(b.lines, 1):
        assert x.right is not None
        left = latex(x.left) if x.left is not None else ""
        if x.quotient is not None:
            left += f" = {latex(x.quotient)}"
        tail = rf" && \text{{({n})}}" if b.numbered else ""
        if b.kind in ("given", "result") and x.shape is not None:
            tail = rf" && \text{{{plain(shape_text(x.shape, lang))}}}"
        yield f"{left} &= {latex(x.right)}{tail}".strip()


def plain(text: str) -> str:
    """Names of sizes inside words: what LaTeX reads otherwise."""
    return text.replace("_", r"\_")
