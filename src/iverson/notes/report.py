"""Findings as text, SARIF and an annotated page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from .findings import say

if TYPE_CHECKING:
    from .findings import Finding
    from .record import Lint

MARKS = {"right": "ok", "wrong": "WRONG", "conditional": "if", "unreadable": "?", "definition": "def"}
LEVELS = {"wrong": "error", "conditional": "none", "unreadable": "none"}
KINDS = {"wrong": "fail", "conditional": "review", "unreadable": "open"}
RULES = {"wrong": "A step that does not hold.", "conditional": "A step that holds under a condition.", "unreadable": "A step that was not judged."}
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}td{vertical-align:top;padding:0 .6em}td.n{color:#999;text-align:right;font-family:monospace}
td.t{font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere;width:58%}td.m{font-size:13px}
.wrong{background:#ffd9d6}.conditional{background:#fff3c4}.right{background:#ddf4dd}.unreadable{background:#e8e8e8}.definition{background:#e2ecfb}
.m div{margin:0 0 2px;padding:0 .4em;border-radius:3px}"""


def as_text(lint: Lint, lang: str, every: bool = True) -> str:
    shown = [f for f in lint.findings if every or f.status in ("wrong", "conditional", "unreadable")]
    lines = [f"{lint.name}:{f.line}:{f.column}: {f.message(lang)}  [{short(f.text)}]" for f in shown]
    return "\n".join([*lines, say("summary", lang, **lint.counts)])


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else text[:67] + "..."


def as_sarif(lint: Lint, lang: str) -> dict[str, Any]:
    results = [
        {"ruleId": f.status, "level": LEVELS[f.status], "kind": KINDS[f.status], "message": {"text": f.message(lang)},
         "locations": [{"physicalLocation": {
             "artifactLocation": {"uri": lint.name.replace("\\", "/")},
             "region": {"startLine": f.line, "startColumn": f.column, "endLine": f.end_line, "endColumn": f.end_column}}}]}
        for f in lint.findings if f.status in LEVELS
    ]
    rules = [{"id": n, "shortDescription": {"text": text}} for n, text in RULES.items()]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{"tool": {"driver": {"name": "iverson", "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}]}


def as_html(lint: Lint, lang: str) -> str:
    by_line: dict[int, list[Finding]] = {}
    for f in lint.findings:
        by_line.setdefault(f.line, []).append(f)
    rows = []
    start = 0
    for number, line in enumerate(lint.source.splitlines(keepends=True), 1):
        notes = "".join(f'<div class="{f.status}">{f.column}: {escape(f.message(lang))}</div>' for f in by_line.get(number, []))
        rows.append(f'<tr><td class="n">{number}</td><td class="t">{marked(line, start, lint)}</td><td class="m">{notes}</td></tr>')
        start += len(line)
    title = escape(lint.name)
    return (f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>\n'
            f'<body><h1>{title}</h1><p>{escape(say("summary", lang, **lint.counts))}</p>\n<table>\n' + "\n".join(rows) + "\n</table></body></html>\n")


def marked(line: str, start: int, lint: Lint) -> str:
    """A line of the note with the parts that were judged in colour."""
    out, at = [], 0
    for f in sorted(lint.findings, key=lambda f: f.start):
        a, b = max(f.start - start, at), min(f.end - start, len(line.rstrip("\n")))
        if a >= b or f.end <= start or f.start >= start + len(line):
            continue
        out += [escape(line[at:a]), f'<span class="{f.status}">{escape(line[a:b])}</span>']
        at = b
    return "".join([*out, escape(line[at:].rstrip("\n"))])
