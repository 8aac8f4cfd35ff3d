"""What lint says of a note: one finding a step, with its place, its verdict and the reason, in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .causes import Cause

STATUSES = ("right", "wrong", "conditional", "unreadable", "definition")
SAID: dict[str, tuple[str, str]] = {
    "right":       ("right", "正确"),
    "wrong":       ("wrong", "错误"),
    "conditional": ("right if {condition}", "在此条件下正确：{condition}"),
    "unreadable":  ("not readable: {reason}", "无法判断：{reason}"),
    "definition":  ("definition", "定义"),
    "at":          ("At {inputs}: left {left}, right {right}.", "取 {inputs}：左边 {left}，右边 {right}。"),
    "where":       ("At {letters}: ", "取 {letters}："),
    "summary":     ("{right} right, {wrong} wrong, {conditional} conditional, {unreadable} not readable, {definition} definitions",
                    "{right} 处正确，{wrong} 处错误，{conditional} 处有条件，{unreadable} 处无法判断，{definition} 个定义"),
    "undefined":   ("{name} is used before it is given a value.", "{name} 在赋值之前被使用。"),
    "no-return":   ("{name} computes {values} and returns nothing.", "{name} 计算了 {values}，却没有返回值。"),
    "stale":       ("{name}.grad still holds the gradient of {others} from before: backward() adds to it, and it was not zeroed.",
                    "{name}.grad 里还留有之前 {others} 的梯度：backward() 会累加，而它没有清零。"),
    "printed":     ("{check} is printed as a check of {value}, and differs from it.", "{check} 用来核对 {value}，但两者不相等。"),
    "code":        ("{name} in the code is not {other} of the formulas.", "代码里的 {name} 不是公式中的 {other}。"),
}
LANGUAGES = ("en", "zh")


def say(key: str, lang: str, **gaps: Any) -> str:
    return SAID[key][LANGUAGES.index(lang)].format(**gaps)


@dataclass(frozen=True)
class Finding:
    """start, end: offsets in the note; line and column count from 1.  causes: sentences with gaps, so that both languages can be told."""

    status: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    display: bool = False
    causes: tuple[Cause, ...] = ()
    conditions: tuple[Cause, ...] = ()
    reason: str = ""
    sentence: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    evidence: tuple[tuple[str, str], ...] = ()
    kind: str = "formula"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the causes and conditions."""
        return (*(c.name for c in self.causes), *(c.name for c in self.conditions), *(k for k, _ in self.sentence))

    def message(self, lang: str = "en") -> str:
        """One line in the language asked for."""
        gap = " " if lang == "en" else ""
        if self.status == "unreadable":
            return say("unreadable", lang, reason=self.reason)
        if self.status == "conditional":
            joint = " and " if lang == "en" else "；"
            return say("conditional", lang, condition=joint.join(c.condition(lang) for c in self.conditions))
        parts = [say(self.status, lang)]
        if self.status == "wrong":
            parts = [say("wrong", lang) + ("." if lang == "en" else "。"), *(c.text(lang) for c in self.causes)]
            parts += [say(k, lang, **dict(gaps)) for k, gaps in self.sentence]
            parts += [say("at", lang, **dict(self.evidence))] if self.evidence else []
        return gap.join(parts)

    def record(self, lang: str = "en") -> dict[str, Any]:
        """Plain data."""
        return {"status": self.status, "kind": self.kind, "line": self.line, "column": self.column, "end_line": self.end_line,
                "end_column": self.end_column, "text": self.text, "labels": list(self.labels), "message": self.message(lang)}
