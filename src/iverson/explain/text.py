"""Lines as plain text: an equality a line, its reason under it."""

from __future__ import annotations

import textwrap

from ..lang.show import show
from ..rules.words import STOPS
from .lines import Line
from .wording import LANGUAGES, say, shape_suffix, shape_text

COLUMN = 88  # where shapes stand, at most
STEP = 4
WIDTH = 110
DEEPEST = 20  # how far reasons are indented at most


def as_text(lines: list[Line], lang: str) -> str:
    """The whole explanation, ending in a newline."""
    return "\n".join(Text(lang).all(lines)) + "\n"


class Text:
    """One document in one language."""

    def __init__(self, lang: str) -> None:
        self.lang, self.out = lang, list[str]()
        self.last, self.margin = "", 0

    def all(self, lines: list[Line]) -> list[str]:
        inputs = [x for x in lines if x.kind == "input"]
        width = max(
            (
                len(f"  {show(x.left)} = {show(x.right)}")
                for x in lines
                if x.kind in ("given", "result") and x.left and x.right
            ),
            default=0,
        )
        self.column = min(COLUMN, width + STEP)
        for line in lines:
            if line.kind != "input":
                self.add(line)
            elif line is inputs[0]:
                self.inputs(inputs)
            self.last = line.kind
        return self.out

    def add(self, line: Line) -> None:
        if line.kind in ("title", "heading", "text"):
            self.head(line)
        elif line.kind in ("given", "result"):
            assert line.left is not None and line.right is not None
            formula = f"  {show(line.left)} = {show(line.right)}"
            self.out.append(f"{formula.ljust(self.column)}  {self.shape(line)}".rstrip())
        else:
            self.equality(line)

    def head(self, line: Line) -> None:
        text = say(line.words, self.lang, show) + shape_suffix(line.shape, self.lang)
        self.out += ([""] if self.out else []) + [text]

    def shape(self, line: Line) -> str:
        return shape_text(line.shape, self.lang)

    def inputs(self, lines: list[Line]) -> None:
        listed = [f"{show(x.left)}: {self.shape(x)}" for x in lines if x.left]
        self.out += textwrap.wrap(
            ("，" if self.lang == "zh" else ", ").join(listed),
            WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
        )

    def equality(self, line: Line) -> None:
        """`left = right`, or an equals sign under the last one; then the words."""
        assert line.right is not None
        left = " " * self.margin
        if line.left is not None:
            left = show(line.left)
            self.margin = len(left)
            self.out += [""] if line.kind == "equal" else []
        self.out.append(f"  {left} = {show(line.right)}")
        self.out += self.reasons(line)

    def reasons(self, line: Line) -> list[str]:
        """The clauses, as many on a line as fit."""
        margin = " " * (5 + min(self.margin, DEEPEST) + STEP)
        rows: list[str] = []
        for clause in line.words:
            text = say((clause,), self.lang, show)
            longer = rows[-1] + STOPS[LANGUAGES.index(self.lang)]["and"] + text if rows else ""
            if rows and len(longer) <= WIDTH:
                rows[-1] = longer
            else:
                rows.append(margin + text)
        return rows
