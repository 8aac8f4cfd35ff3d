r"""What a text says of itself in its first comments: its notation, its inputs, and what formulas leave open.

    % iverson latex, indices from 0, target L
    % X: data[N, D]
    % y: label[N] in K
    % y_hat: data[N] as \mathrm{pred}

`as` names the symbol of an input.  `#` stands for `%` where a notation has that for comments.  Declarations are those of iverson
notation, a line each, up to
the first line that is none.  A comment that does not begin with `iverson` and a notation is the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import IversonError, Span
from .show import show
from .structure import STRUCTURES
from .surface import Declaration, Script, Surface
from .syntax import parse_script

MARKS = {"iverson": "#", "latex": "%", "unicode": "#", "numpy": "#"}
HEAD = re.compile(r"\s*[%#][ \t]*iverson[ \t]+(iverson|latex|unicode|numpy)[ \t]*(?:,([^\n]*))?(?:\n|$)")
LINE = re.compile(r"[ \t]*[%#][ \t]?(\w+[ \t]*:[^\n]*)(?:\n|$)")
OPTION = re.compile(r"indices from (?P<base>[01])|target (?P<target>\w+)")


@dataclass(frozen=True)
class Preamble:
    """notation; declarations by name; base: what constant indices count from; target: the result; end: where it ends;
    symbols: how inputs are written."""

    notation: str
    declarations: tuple[Declaration, ...] = ()
    base: int | None = None
    target: str | None = None
    end: int = 0
    symbols: Mapping[str, str] = field(default_factory=dict)

    def sizes(self) -> dict[str, tuple[Any, ...]]:
        """Axes by name; the one size of a square matrix is that of both."""
        rows = {d.name: tuple(show(s) if isinstance(s, Surface) else s for s in d.dims or ()) for d in self.declarations if d.kind != "function"}
        square = {d.name for d in self.declarations if d.kind in STRUCTURES and STRUCTURES[d.kind].square}
        return {n: dims * 2 if n in square and len(dims) == 1 else dims for n, dims in rows.items()}

    def kinds(self) -> dict[str, str]:
        """Kinds as arguments give them; a plain array has none."""
        return {d.name: kind_of(d) for d in self.declarations if d.kind not in PLAIN}

    def given(self, script: Script) -> Script:
        """The script with these declarations."""
        rows = {d.name: d for d in script.declarations} | {d.name: replace(d, span=None) for d in self.declarations}
        return replace(script, declarations=tuple(rows.values()))


PLAIN = ("data", "param", "scalar", "tensor")


def kind_of(d: Declaration) -> str:
    if d.kind != "label" or d.classes is None:
        return d.kind
    return f"label {show(d.classes) if isinstance(d.classes, Surface) else d.classes}"


def preamble_of(text: str) -> Preamble | None:
    """What the first comments say; None where they do not begin with `iverson` and a notation.

    >>> preamble_of("% iverson latex, target J\\n% w: param[D]\\nJ = w^\\top w").sizes()
    {'w': ('D',)}
    """
    head = HEAD.match(text)
    if head is None:
        return None
    end, options = head.end(), options_of(text, head)
    lines, symbols = [], dict[str, str]()
    while found := LINE.match(text, end):
        said, _, symbol = found[1].partition(" as ")
        lines.append(" " * (found.start(1) - end) + said)
        symbols |= {said.partition(":")[0].strip(): symbol.strip()} if symbol else {}
        end = found.end()
    rows = parse_script("\n".join([" " * (head.end() - 1), *lines, "0"])).declarations if lines else ()
    return Preamble(head[1], rows, options.get("base"), options.get("target"), end, symbols)


def options_of(text: str, head: re.Match[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in (head[2] or "").split(","))):
        option = OPTION.fullmatch(part)
        if option is None:
            at = text.index(part, head.start(2))
            raise IversonError("syntax", f"{part} is no remark on a text.", Span(at, at + len(part)),
                               hint="Write indices from 0, or target L.", source=text)
        found |= {k: int(v) if k == "base" else v for k, v in option.groupdict().items() if v is not None}
    return found


def without_preamble(text: str, p: Preamble) -> str:
    """The text with blanks for its first comments, so that places stay what they are."""
    return re.sub(r"[^\n]", " ", text[: p.end]) + text[p.end :]


def preamble(notation: str, declarations: list[str], options: Mapping[str, Any]) -> str:
    """The first comments of a text, as they are read."""
    mark = MARKS[notation]
    said = [f"indices from {options['base']}"] if options.get("base") is not None else []
    said += [f"target {options['target']}"] if options.get("target") else []
    return "".join(f"{mark} {line}\n" for line in (", ".join([f"iverson {notation}", *said]), *declarations))
