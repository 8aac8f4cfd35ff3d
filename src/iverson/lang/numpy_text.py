"""NumPy source before it is read: the text and its places, its limits, and what its names are.

Ranks come from the caller, else from the letter (a-g scalar, h-z vector, capitals matrix), as in iverson
notation.  A word takes its rank from the two uses that leave no choice, `word[i, j]` and the argument of a
function of square matrices; a name where only a size can stand is a size; every other word is refused.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import IversonError, Span
from .surface import Declaration, Equation, names_in
from .syntax import MOST_DEPTH
from .tokens import MOST_TEXT

MOST_NODES = 5_000
SIZED = frozenset({"eye", "identity", "ones", "zeros", "full", "arange"})
SQUARE = frozenset({"inv", "det", "slogdet", "trace", "matrix_power"})


class Text:
    """Places in a text: Python counts lines and bytes after leading blanks, spans count characters."""

    def __init__(self, text: str) -> None:
        self.text, self.body = text, text.lstrip()
        lead = len(text) - len(self.body)
        starts = [lead, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text) if m.end() > lead)]
        ends = [*starts[1:], len(text)]
        self.lines = [(a, text[a:b].encode(errors="replace")) for a, b in zip(starts, ends, strict=True)]

    def place(self, line: int, column: int) -> int:
        start, raw = self.lines[line - 1]
        return start + len(raw[:column].decode(errors="ignore"))

    def span(self, node: Any) -> Span:
        start = self.place(node.lineno, node.col_offset)
        return Span(start, self.place(node.end_lineno, node.end_col_offset))

    def of(self, node: ast.AST) -> str:
        span = self.span(node)
        return self.text[span.start:span.end]


def expression(text: str) -> ast.expr:
    """The syntax tree of a text that is one expression, within the limits; the text is never executed."""
    if len(text) > MOST_TEXT:
        raise IversonError("limit", f"The text has {len(text)} characters; at most {MOST_TEXT} are read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text.lstrip()).body
    except SyntaxError as error:
        raise misread(text, error) from None
    except (RecursionError, MemoryError):
        raise IversonError("limit", "The formula is nested too deep, or has too many terms.") from None
    except ValueError:
        raise IversonError("syntax", "The text has characters that Python does not read.") from None
    if not body:
        raise IversonError("syntax", "There is no formula here.", Span(0, len(text)),
                           hint="Write a loss, such as np.sum((X@w - y)**2).")
    if len(body) > 1 or not isinstance(body[0], ast.Expr):
        last = next((s for s in body if not isinstance(s, ast.Expr)), body[-1])
        raise IversonError("unsupported", "One expression is read here, not statements.",
                           Text(text).span(last), hint="Put the definitions into the expression.")
    limited(body[0].value, text)
    return body[0].value


def misread(text: str, error: SyntaxError) -> IversonError:
    """Python's own message, at its place."""
    message = str(error.msg)
    if "too many nested" in message:
        return IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.")
    if error.lineno is None or error.offset is None:
        return IversonError("syntax", f"Python cannot read this: {message}.")
    lines = Text(text).lines
    start = lines[min(error.lineno, len(lines)) - 1][0] + max(error.offset - 1, 0)
    start = min(start, max(len(text) - 1, 0))
    hint = "Write X.T for the transpose." if "string" in message else None
    return IversonError("syntax", f"Python cannot read this: {message}.", Span(start, start + 1), hint=hint)


def limited(tree: ast.expr, text: str) -> None:
    """Refuse trees too large or too deep; a long sum is not deep."""
    stack: list[tuple[ast.AST, int]] = [(tree, 1)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += isinstance(node, ast.expr)
        if count > MOST_NODES:
            raise IversonError("limit", f"The formula has more than {MOST_NODES} parts.")
        if depth > MOST_DEPTH:
            raise IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.",
                               Text(text).span(node))
        spine = node.left if isinstance(node, ast.BinOp) and summing(node) else None
        stack += [(child, depth + (isinstance(child, ast.expr) and child is not spine))
                  for child in ast.iter_child_nodes(node)]


def summing(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def dotted(node: ast.AST) -> list[str] | None:
    """The parts of `np.linalg.inv`; None when it is not a plain path."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def free_names(tree: ast.AST) -> Iterator[ast.Name]:
    """Names that no lambda around them binds."""
    stack: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, ast.Name) and node.id not in bound:
            yield node
        if isinstance(node, ast.Lambda):
            bound = bound | {a.arg for a in node.args.args}
        stack.extend((child, bound) for child in ast.iter_child_nodes(node))


def letter_rank(n: str) -> int | None:
    """The rank a one-letter name has when nothing else is said; None for words."""
    head = n.rstrip("0123456789_")
    if len(head) != 1 or not head.isascii():
        return None
    return 2 if head.isupper() else 0 if head in "abcdefg" else 1


# -- names ---------------------------------------------------------------------------------------------------

class Size:
    """The size of a real axis: a name, a number, or not known yet.  Merged sizes share one root."""

    __slots__ = ("into", "name")

    def __init__(self, name: str | int | None = None) -> None:
        self.name, self.into = name, self

    def root(self) -> Size:
        found = self
        while found.into is not found:
            found = found.into
        return found


Axes = tuple[Size | None, ...]          # None: an axis of size 1


def merge(a: Size | None, b: Size | None) -> bool:
    """Make two sizes one; False where both are known and differ."""
    if a is None or b is None:
        return a is b
    a, b = a.root(), b.root()
    if a is not b and a.name is not None and b.name is not None and a.name != b.name:
        return False
    kept, gone = (b, a) if a.name is None else (a, b)
    gone.into = kept
    return True


class Inputs:
    """The names of one text: arrays with their axes, and sizes.

    ranks, sizes   as parse_numpy takes them         axes    of the arrays read so far
    named          sizes by name                     first   where a name stands that no lambda binds
    """

    def __init__(self, tree: ast.expr, ranks: Mapping[str, int | str],
                 sizes: Mapping[str, str | int | Sequence[str | int]]) -> None:
        self.ranks = ranks
        self.dims = {n: (d,) if isinstance(d, str | int) else tuple(d) for n, d in sizes.items()}
        self.named = {d: Size(d) for dims in self.dims.values() for d in dims if isinstance(d, str)}
        self.first = {n.id: n for n in reversed(list(free_names(tree)))}
        self.axes: dict[str, Axes] = {}
        self.seen: dict[str, int] = {}
        for node in ast.walk(tree):
            self.foresee(node)
        for n in self.dims:
            self.array(n)
        words = {str(getattr(n, "id", None) or getattr(n, "arg", None)) for n in ast.walk(tree)}
        self.words = {*words, *ranks, *self.dims, *self.named}

    def declared(self, n: str) -> bool:
        return n in self.ranks or n in self.dims

    def known(self, n: str) -> bool:
        """Whether a name is an array: declared, or by its letter or its use."""
        return self.declared(n) or letter_rank(n) is not None or n in self.seen

    def foresee(self, node: ast.AST) -> None:
        """Uses that leave no choice."""
        match node:
            case ast.Subscript(value=ast.Name(id=n), slice=ast.Tuple(elts=items)):
                if not any(isinstance(e, ast.Constant) and not isinstance(e.value, int) for e in items):
                    self.seen[n] = len(items)
        path = dotted(node.func) if isinstance(node, ast.Call) and node.args else None
        if not isinstance(node, ast.Call) or path is None:
            return
        first = node.args[0]
        if path[-1] in SQUARE and isinstance(first, ast.Name):
            self.seen[first.id] = 2
        sizes = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]
        for e in sizes if path[-1] in SIZED else []:
            if isinstance(e, ast.Name) and not self.declared(e.id) and e.id in self.first:
                self.named.setdefault(e.id, Size(e.id))

    def row(self, n: str) -> bool:
        return self.ranks.get(n) == "row"

    def array(self, n: str) -> Axes:
        """The axes of an array."""
        if n not in self.axes:
            rank = self.rank(n)
            dims: tuple[str | int | None, ...] = self.dims.get(n, (None,) * rank)
            if len(dims) != rank:
                raise IversonError("usage", f"{n} has {len(dims)} sizes, but its rank is {rank}.")
            self.axes[n] = tuple(
                self.named[d] if isinstance(d, str) else None if d == 1 else Size(d) for d in dims)
        return self.axes[n]

    def rank(self, n: str) -> int:
        """Declared, by its letter, or by a use that leaves no choice."""
        default = len(self.dims[n]) if n in self.dims else letter_rank(n)
        found = 1 if self.row(n) else self.ranks.get(n, self.seen.get(n) if default is None else default)
        if found is None:
            raise IversonError("ambiguous", f"{n} could be a scalar, a vector or a matrix.",
                               hint=f"Say which: sizes={{{n!r}: ()}} a scalar, {{{n!r}: ('N',)}} a vector.")
        return int(found)

    def declarations(self, labels: Mapping[str, Size]) -> tuple[Declaration, ...]:
        """What must be said of the inputs so that they have the kinds and sizes they were read with."""
        return tuple(d for n in self.axes if (d := self.declaration(n, labels.get(n))) is not None)

    def declaration(self, n: str, classes: Size | None) -> Declaration | None:
        """None where the letter says all that is known."""
        dims = tuple(1 if a is None else a.root().name or "?" for a in self.axes[n])
        if classes is not None:
            return Declaration(n, "label", dims, classes.root().name)
        if not self.row(n) and n not in self.dims and set(dims) <= {"?"} and letter_rank(n) == len(dims):
            return None
        return Declaration(n, "row" if self.row(n) else "tensor" if dims else "scalar", dims)

    def lost_size(self, equations: Sequence[Equation], rows: Sequence[Declaration]) -> str | None:
        """A size the equations name that no declaration ties to an array."""
        known = {s for d in rows for s in (*(d.dims or ()), d.classes)}
        used = {n for e in equations for n in names_in(e.body)}
        return next((n for n in self.named if n in used and n not in known and not self.declared(n)), None)
