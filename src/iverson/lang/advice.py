"""What to write instead, where a text in iverson notation cannot be read: from the tokens around the place alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ..core.errors import IversonError, Span
from .ops import OPS, REDUCTIONS
from .surface import Equation, names_in
from .tokens import Token

ODD_NUMBER = re.compile(r"[eE]$|_\d|[xXob][\da-fA-F]+$|\.\d")
MOST_DEPTH = 200  # of parentheses and operators in each other
CALLS_ONLY = "only operators and declared functions are called."
STARTS = {  # what stands where an operand is expected
    "||": "Write abs(a) for a number, norm2(x) for a vector, det(A) for a matrix.",
    "/": "A comment begins with #.",
    "]": "Something is missing in these brackets.",
    "'": "A transpose stands behind its operand: x'.",
    **dict.fromkeys(("*", ".*", "./", "^", ".^"), "A line that goes on ends in its operator."),
}


def missing_operator(tokens: list[Token], at: int, source: str) -> str:
    """Two operands stand side by side, the second at `at`: what could be meant."""
    before = [tokens[max(0, at - back)] for back in (1, 2, 3)]
    now, last = tokens[at], before[0]
    text, left = _written(now, source), _operand(before, source)
    if last.kind == "num" and now.kind in ("num", "name") and last.span.end == now.span.start and ODD_NUMBER.match(text):
        return "A number is written 1000, 0.5 or 1e-3."
    function = next((t for t in (before[2], last) if t.kind == "name" and t.text in OPS), None)
    if last.text == "'" and now.text == "[":
        return "Write (x')[i] for an entry, x'*[k = j] for a product with a bracket."
    if function is not None and (function is last or before[1].text in ("^", ".^")):
        argument = text if text != "(...)" else "..."
        return f"Write {function.text}({argument}){'' if function is last else '^' + last.text}."
    if last.kind == "name" and "_" in last.text and last.text.split("_")[0] in REDUCTIONS:
        kind, _, letters = last.text.partition("_")
        return f"Write {kind}[{','.join(letters)}] {text} for the reduction."
    if before[1].text in ("/", "./") and last.kind != "op":
        top = _written(before[2], source) if before[2].kind != "op" else "(...)"
        return f"It has two readings: write {top}{before[1].text}{left}*{text}, or {top}{before[1].text}({left}*{text})."
    return f"Write {left}*{text} for a product; {CALLS_ONLY}"


def _written(token: Token, source: str) -> str:
    return {"(": "(...)", "[": "[...]"}.get(token.text, source[token.span.start : token.span.end])


def _operand(before: list[Token], source: str) -> str:
    """The end of the operand that these tokens close, last token first."""
    last, inner = before[:2]
    if last.text == "'" and inner.kind == "name":
        return f"{inner.text}'"
    return {")": "(...)", "]": "[...]", "'": "(...)'"}.get(last.text, _written(last, source))


def continued(source: str, first: Token, before: Equation, now: Equation, bare: bool) -> IversonError | None:
    """The error where a line that begins with a sign could go on with the line before; None where it could not.

    A last expression that speaks of what the line before defines is a statement of its own.
    """
    gap = source[before.span.end : first.span.start] if before.span else ";"
    if first.kind != "op" or first.text not in ("+", "-") or ";" in gap.split("#")[0]:
        return None
    deeper = column(source, first.span.start) > column(source, before.span.start if before.span else 0)
    strange = bare and before.name and before.name not in names_in(now.body)
    if first.text == "-" and not deeper and not strange:
        return None
    return IversonError(
        "ambiguous",
        "This line goes on with the one before, or is a statement of its own.",
        first.span,
        hint=f"End the line before in {first.text} to go on; end it in ; to part the two.",
        source=source,
    )


def column(source: str, at: int) -> int:
    """How many characters stand before a place in its line."""
    lines = source[:at].splitlines(keepends=True)
    return len(lines[-1]) if lines and lines[-1].splitlines()[0] == lines[-1] else 0


NO_SIZE = "A size is a name or a positive integer."
SIZES = "Write x: vector[n], x: vector[3] or y: vector[n - w + 1]."
AFTER = {  # what stands behind a whole statement
    "!": "Write gamma(n + 1) for a factorial, [not a < b] for a condition.",
    ",": "Statements are parted by ; or stand on lines of their own.",
    ":": "A declaration has a kind: x: vector[n].",
    ":=": "Only a name, or a name with its indices, is defined: s = ..., s[i] = ...",
}
OTHERS = {  # what other languages call an operator of ours
    "len": "the size of the axis, such as N",
    "dot": "x'*y", "matmul": "A*B", "transpose": "A'", "t": "A'", "Transpose": "A'", "argmax": "argmax[k] s[k]",
    "argmin": "argmin[k] s[k]", "inner": "x'*y", "outer": "x*y'", "trans": "A'", "size": "the size of the axis, such as N",
    "identity": "eye(n)", "I": "eye(n)", "E": "mean[i] x[i]", "if": "where(x > 0, a, b)", "indicator": "[x > 0]", "factorial": "gamma(n + 1)",
    "sigma": "sigmoid(x)", "invert": "inv(A)", "frobenius": "norm2(A)", "rank": "tr(A*pinv(A))", "numel": "the product of its sizes",
}  # fmt: skip


def unknown_function(word: str, functions: Iterable[str]) -> str:
    """What could be meant by a call of something that is no operator."""
    product = f"{word}*(...) for a product, or declare it: {word}: function"
    if word in OTHERS:
        return f"Write {OTHERS[word]}; or {product}"
    near = difflib.get_close_matches(word, [*OPS, *functions], 1, 0.75 if len(word) > 3 else 0.6)
    return f"Did you mean {near[0]}?" if near and len(word) > 2 else f"Write {product}"


def unknown_kind(word: str, kinds: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, kinds, 1)
    return f"Did you mean {near[0]}?" if near else "Kinds: " + ", ".join(kinds)


def too_deep(source: str) -> IversonError:
    hint = "Name a part of it: s = ..."
    return IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.", hint=hint, source=source)


def operand_missing(tokens: list[Token], at: int) -> Span:
    """Where an operand is missing at the end of a statement: under what asks for it."""
    return tokens[max(0, at - 1)].span
