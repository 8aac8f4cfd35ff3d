"""The one exception of iverson: what, where, why, what to try, in the user's own words.

Knows nothing of notations: a span is a pair of offsets into the text the user gave.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters `[start, end)` of a source text."""

    start: int
    end: int

    def to(self, other: Span | None) -> Span:
        """The smallest span that holds both.

        >>> Span(2, 3).to(Span(7, 9))
        Span(start=2, end=9)
        """
        if other is None:
            return self
        return Span(min(self.start, other.start), max(self.end, other.end))


class IversonError(Exception):
    """Every error of ours.

    kind     one of syntax, name, kind, shape, ambiguous, unsupported, data, verify, limit, usage
    message  what is wrong, one line
    span     where, in `source`; None when the trouble has no place in a text
    why      the rule that was broken, one line; hint: what to try, one line

    >>> print(IversonError("shape", "Sizes differ.", Span(0, 1), source="X*w"))
    shape: Sizes differ.
      X*w
      ^
    """

    def __init__(
        self,
        kind: str,
        message: str,
        span: Span | None = None,
        why: str | None = None,
        hint: str | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.span = kind, " ".join(message.splitlines()), span
        self.why, self.hint, self.source = why, hint, source

    def located(self, source: str) -> IversonError:
        """The same error, now knowing the text its span points into."""
        if self.source is None:
            self.source = source
        return self

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.message}"]
        if self.span is not None and self.source is not None:
            lines += ["  " + line for line in caret(self.source, self.span)]
        lines += ["  " + text for text in (self.why, self.hint) if text]
        return "\n".join(lines)

    def record(self) -> dict[str, object]:
        """The error as plain data, for `--json`."""
        span = None if self.span is None else [self.span.start, self.span.end]
        return {"kind": self.kind, "message": self.message, "span": span, "why": self.why, "hint": self.hint}


F = TypeVar("F", bound=Callable[..., Any])


def bounded(function: F) -> F:
    """The function, with an error of ours where a formula is too deep for the stack."""

    @wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RecursionError:
            message = "The formula is nested too deeply for this."
            raise IversonError("limit", message, hint="Name a part of it: s = ...") from None

    return cast(F, inner)


LINE_ENDS = "\n\r\x85\u2028\u2029"


def caret(source: str, span: Span) -> list[str]:
    """The line of `source` the span starts in, and carets under the span's part of that line.

    >>> caret("a = b\\nx + y", Span(10, 11))
    ['x + y', '    ^']
    """
    start = min(span.start, len(source))
    left = max(source.rfind(end, 0, start) for end in LINE_ENDS) + 1
    right = min(at if (at := source.find(end, start)) >= 0 else len(source) for end in LINE_ENDS)
    line = "".join(" " if c.isspace() or c < " " else c for c in source[left:right])
    width = max(1, min(span.end, right) - start)
    shown, offset = window(line, start - left, width)
    marked = shown[offset : offset + width]
    return [shown, " " * columns(shown[:offset]) + "^" * max(1, columns(marked))]


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: accents none, Chinese characters two.

    >>> columns("x\u0302 = 损失")
    8
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    none = sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)
    return len(text) + wide - none


def window(line: str, at: int, width: int, most: int = 100) -> tuple[str, int]:
    """A part of a long line around position `at`, and where `at` is in that part."""
    if len(line) <= most:
        return line, at
    left = max(0, min(at - most // 3, len(line) - most))
    part = line[left : left + most]
    head, tail = ("..." if left else ""), ("..." if left + most < len(line) else "")
    return head + part + tail, at - left + len(head)
