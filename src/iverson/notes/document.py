r"""A note in Markdown or LaTeX as pieces: headings, formulas and blocks of code, each with its place in the text.

Knows where mathematics stands and nothing of what it says.  Offsets are into the text as it was given.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

MATH = r"""
 (?P<fence>^[ \t>]*(?P<ticks>```+|~~~+)[ \t]*(?P<lang>[\w+-]*)[^\n]*\n(?P<code>.*?)^[ \t>]*(?P=ticks)[ \t]*$)
|(?P<verb>\\begin\{(?P<venv>verbatim|lstlisting|minted|python)\}(?:\[[^\]\n]*\])?(?:\{\w+\})?(?P<vcode>.*?)\\end\{(?P=venv)\})
|(?P<comment><!--.*?-->)
|(?P<tick>(?<!`)`[^`\n]+`(?!`))
|(?<!\\)\$\$(?P<a>.*?)(?<!\\)\$\$
|(?<!\\)\\\[(?P<b>.*?)(?<!\\)\\\]
|(?<!\\)\\\((?P<c>.*?)(?<!\\)\\\)
|(?P<e>\\begin\{(?P<env>(?:equation|align|gather|eqnarray|multline|displaymath|math|flalign)\*?)\}.*?\\end\{(?P=env)\})
|<script[^>]*math/tex[^>]*>(?P<s>.*?)</script>
|(?<![\\$])\$(?P<d>(?:[^$\n]|\n(?!\s*\n))+?)(?<!\\)\$(?!\d)
|(?P<head>^(?P<marks>\#{1,6})[ \t]+[^\n]*)
|(?P<sec>\\(?P<level>(?:sub)*section|chapter)\*?\{)
"""
PIECES = re.compile(MATH, re.DOTALL | re.MULTILINE | re.VERBOSE)
MATHS = ("a", "b", "c", "e", "s", "d")
DISPLAYED = ("a", "b", "e")
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
LATEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
MATH_FENCES = ("math", "latex", "tex", "katex")
CODES = ("python", "py", "python3", "python2", "numpy", "")


@dataclass(frozen=True)
class Piece:
    """kind is math, code or heading; start and end are the content's place; level: of a heading, 1 the highest."""

    kind: str
    start: int
    end: int
    display: bool = False
    level: int = 0


class Note:
    """A text with its pieces in order; `name` is what findings call it."""

    def __init__(self, text: str, name: str = "note") -> None:
        self.text, self.name = text, name
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.pieces = tuple(pieces(text))

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1


def pieces(text: str) -> list[Piece]:
    """What a note consists of, less prose."""
    masked = FRONT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    if r"\begin{document}" in masked or r"\section" in masked:
        masked = LATEX_COMMENT.sub(lambda m: " " * len(m[0]), masked)
    found: list[Piece] = []
    at = 0
    while (m := PIECES.search(masked, at)) is not None:
        at = m.end()
        if m["head"] is not None:
            at = m.start("marks") + len(m["marks"])
            found.append(Piece("heading", m.start(), m.end(), level=len(m["marks"])))
        elif m["sec"] is not None:
            found.append(Piece("heading", m.start(), m.end(), level=m["level"].count("sub") + 1 + (m["level"] != "chapter")))
        elif m["fence"] is not None:
            found += fenced(m["lang"].lower(), *m.span("code"))
        elif m["verb"] is not None:
            found.append(Piece("code", *m.span("vcode"), display=True))
        else:
            found += [Piece("math", *m.span(g), display=g in DISPLAYED) for g in MATHS if m[g] is not None and m[g].strip()]
    return found


def fenced(lang: str, start: int, end: int) -> list[Piece]:
    if lang in MATH_FENCES:
        return [Piece("math", start, end, display=True)]
    return [Piece("code", start, end, display=True)] if lang in CODES else []
