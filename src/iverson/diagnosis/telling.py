"""Causes as sentences: rows of MISTAKES with their gaps filled by formulas in the notation of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import IversonError
from ..core.node import Node
from ..core.program import Definition, Program
from ..derivation.answer import Writer
from ..lang.shapes import array
from ..lang.show import show
from ..lang.surface import names_in
from ..rules.mistakes import REASONS, Mistake

LANGUAGES = ("en", "zh")
LONGEST = 160  # characters of a formula in a sentence


class Teller:
    """Writes the parts of one side.  known: names that need no explanation."""

    def __init__(self, program: Program, definitions: list[Definition], known: set[str]) -> None:
        self.writer = Writer(program, definitions)
        self.definitions, self.known = definitions, known

    def formula(self, f: Any, indices: tuple[Node, ...] = ()) -> str:
        """A part as text; a long one, or one that cannot be written, is named by its kind."""
        if isinstance(f, str):
            return f
        if isinstance(f, Definition):
            return self.formula(f.body, f.indices)
        own = (*(i for i in indices if i in f.free), *sorted(f.free - set(indices)))
        d = Definition("part_", own, f, array(tuple(i.attr[1] for i in own)).form)
        try:
            e, lines = self.writer.answer(d, self.definitions)
        except IversonError:
            return "..."
        text = show(e.body)
        wanted = names_in(e.body) - self.known
        where = [f"{q.name} = {show(q.body)}" for q in lines if q.name in wanted]
        return text + (f" (where {', '.join(where)})" if where and len(text) < LONGEST else "")


def sentence(row: Mistake, parts: Mapping[str, Any], teller: Teller, indices: tuple[Node, ...], lang: str) -> tuple[str, str]:
    """What was done wrong, and what to do about it."""
    at = LANGUAGES.index(lang)
    gaps = {k: teller.formula(v, indices) for k, v in parts.items() if k not in ("reason", "slip")}
    gaps["reason"] = REASONS.get(parts.get("reason", ""), ("", ""))[at]
    gaps = {"name": "", "part": "", "other": "", **gaps}
    return row.words[at].format(**gaps), row.change[at].format(**gaps)


