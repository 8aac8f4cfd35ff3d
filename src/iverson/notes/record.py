"""The findings of a whole note, and how they are handed out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .findings import STATUSES, Finding
from .report import as_html, as_sarif, as_text


@dataclass(frozen=True)
class Lint:
    """All findings of a note, in order.  ok: nothing is wrong."""

    findings: tuple[Finding, ...]
    name: str
    source: str = field(repr=False)
    lang: str = "en"
    displays: int = 0
    judged_displays: int = 0

    @property
    def ok(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.status == "wrong")

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each status."""
        return {s: sum(f.status == s for f in self.findings) for s in STATUSES}

    def text(self, lang: str | None = None, every: bool = True) -> str:
        """A line a finding, file:line:column first; then the counts.  every: also what is right."""
        return as_text(self, lang or self.lang, every)

    def record(self, lang: str | None = None) -> dict[str, Any]:
        """Plain data, as for JSON."""
        lang = lang or self.lang
        return {"name": self.name, "ok": self.ok, "counts": self.counts, "displays": self.displays, "judged_displays": self.judged_displays,
                "findings": [f.record(lang) for f in self.findings]}

    def sarif(self, lang: str | None = None) -> dict[str, Any]:
        """The findings for code hosts, SARIF 2.1.0."""
        return as_sarif(self, lang or self.lang)

    def html(self, lang: str | None = None) -> str:
        """The note with its findings beside the lines, one file that needs nothing else."""
        return as_html(self, lang or self.lang)

    def __repr__(self) -> str:
        return self.text()
