"""NumPy source before it is read: the text and its places, its limits, and what its names are.

Ranks come from the caller, else from the letter (a-g scalar, h-z vector, capitals matrix), as in iverson
notation.  A word takes its rank from the two uses that leave no choice, `word[i, j]` and the argument of a
function of square matrices; a name where only a size can stand is a size; every other word is refused.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..core.affine import Poly
from ..core.errors import IversonError, Span
from .numpy_sizes import Axes, Size, poly_tree, written_size
from .ops import REDUCTIONS
from .surface import Declaration, Equation, Surface, names_in
from .syntax import MOST_DEPTH
from .tokens import MOST_TEXT

Settled = Callable[[Poly], Poly]
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


def program(text: str) -> list[ast.stmt]:
    """The statements of a text, within the limits; the text is never executed."""
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
    limited(body, text)
    return body


def source_of(text: str) -> str:
    """The text without the blanks that all of its lines start with."""
    return textwrap.dedent(text).lstrip("\n") if "\n" in text and text[:1].isspace() else text


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


def limited(body: Sequence[ast.stmt], text: str) -> None:
    """Refuse trees too large or too deep; a long sum is not deep."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0) for tree in body]
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
                  for child in children(node)]


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes right below one, without those that only say whether a name is read or set."""
    for field in node._fields:
        found = getattr(node, field, None) if field != "ctx" else None
        if type(found) is list:
            for child in found:
                if isinstance(child, ast.AST):
                    yield child
        elif isinstance(found, ast.AST):
            yield found


def every_node(body: Sequence[ast.AST]) -> list[ast.AST]:
    """The nodes of a text, level by level."""
    found = list(body)
    for node in found:
        found += children(node)
    return found


def summing(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def dotted(node: ast.AST) -> list[str] | None:
    """The parts of `np.linalg.inv`; None when it is not a plain path."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def stored_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Names that statements, loops and functions of the text give a value to."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            found |= {node.name, *(a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(a.asname or a.name).partition(".")[0] for a in node.names}
    return found


def free_names(body: Sequence[ast.AST]) -> Iterator[ast.Name]:
    """Names that no lambda around them binds."""
    stack: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset()) for tree in body]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, ast.Name) and node.id not in bound:
            yield node
        if isinstance(node, ast.Lambda):
            bound = bound | {a.arg for a in node.args.args}
        stack.extend([(child, bound) for child in children(node)])


def letter_rank(n: str) -> int | None:
    """The rank a one-letter name has when nothing else is said; None for words."""
    head = n.rstrip("0123456789_")
    if len(head) != 1 or not head.isascii():
        return None
    return 2 if head.isupper() else 0 if head in "abcdefg" else 1


def bare_names(nodes: Sequence[ast.AST]) -> Iterator[ast.Name]:
    """Names that stand otherwise than before a point, as np in np.sum does."""
    before = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
    return (n for n in nodes if isinstance(n, ast.Name) and id(n) not in before)


# -- names ---------------------------------------------------------------------------------------------------

def dimension(a: Size | None, settled: Settled) -> str | int | Surface:
    """A size as a declaration writes it."""
    if a is None or not a.known():
        return 1 if a is None else "?"
    tree = poly_tree(settled(a.poly()))
    return tree.attr if tree.op in ("name", "num") else tree


class Inputs:
    """The names of one text: arrays with their axes, and sizes.

    ranks, sizes   as parse_numpy takes them         axes    of the arrays read so far
    named          sizes by name                     first   where a name stands that the text does not bind
    params         the arguments of the function that is read, and what they are by default
    stored         names that the text gives a value to
    integers       arrays that are declared as labels
    """

    def __init__(self, body: Sequence[ast.AST], ranks: Mapping[str, int | str],
                 sizes: Mapping[str, str | int | Sequence[str | int]], params: Mapping[str, Any] | None = None,
                 integers: Collection[str] = ()) -> None:
        self.ranks, self.params, self.integers = ranks, params or {}, frozenset(integers)
        given = {n: (d,) if isinstance(d, str | int) else tuple(d) for n, d in sizes.items()}
        self.dims: dict[str, Axes] = {n: tuple(map(written_size, dims)) for n, dims in given.items()}
        self.named = {x.attr: Size(x.attr) for dims in self.dims.values() for d in dims if d is not None
                      for m in d.poly() for x in m}
        nodes = every_node(body)
        self.nodes = nodes
        self.stored = stored_names(nodes)
        self.first = {n.id: n for n in reversed(list(free_names(body))) if n.id not in self.stored}
        self.axes: dict[str, Axes] = {}
        self.seen: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self.modules = {n for n in ("F",) if n not in self.params and not self.declared(n)} - {
            n.id for n in bare_names(nodes)}
        for node in nodes:
            self.foresee(node)
        for n in self.dims:
            self.array(n)
        words = {str(getattr(n, "id", None) or getattr(n, "arg", None)) for n in nodes}
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
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(
                node.value, ast.Attribute) and node.value.attr == "shape" and isinstance(node.value.value, ast.Name):
            self.seen.setdefault(node.value.value.id, len(node.targets[0].elts))
        if not isinstance(node, ast.Call) or path is None:
            return
        first = node.args[0]
        if path[-1] in SQUARE and isinstance(first, ast.Name):
            self.seen[first.id] = 2
        sizes = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]
        for e in sizes if path[-1] in SIZED else node.args if path == ["range"] else []:
            if isinstance(e, ast.Name) and not self.declared(e.id) and e.id in self.first:
                self.named.setdefault(e.id, Size(e.id))

    def row(self, n: str) -> bool:
        return self.ranks.get(n) == "row"

    def array(self, n: str) -> Axes:
        """The axes of an array."""
        if n not in self.axes:
            if n in REDUCTIONS:
                raise IversonError("name", f"{n} is a function here, not an array.", hint="Give the array another name.")
            rank = self.rank(n)
            dims = self.dims.get(n, ())
            if n in self.dims and len(dims) != rank:
                raise IversonError("usage", f"{n} has {len(dims)} sizes, but its rank is {rank}.")
            own: Axes = tuple(d if d is None or not isinstance(d.name, str) else self.named[d.name] for d in dims)
            self.axes[n] = own if n in self.dims else tuple(Size() for _ in range(rank))
        return self.axes[n]

    def rank(self, n: str) -> int:
        """Declared, by its letter, or by a use that leaves no choice."""
        default = len(self.dims[n]) if n in self.dims else letter_rank(n)
        found = 1 if self.row(n) else self.ranks.get(n, self.seen.get(n) if default is None else default)
        if found is None:
            raise IversonError("ambiguous", f"{n} could be a scalar, a vector or a matrix.",
                               hint=f"Say which: sizes={{{n!r}: ()}} a scalar, {{{n!r}: ('N',)}} a vector.")
        return int(found)

    def declarations(self, labels: Mapping[str, Size], settled: Settled) -> tuple[Declaration, ...]:
        """What must be said of the inputs so that they have the kinds and sizes they were read with."""
        return tuple(d for n in self.axes if (d := self.declaration(n, labels.get(n), settled)) is not None)

    def declaration(self, n: str, classes: Size | None, settled: Settled) -> Declaration | None:
        """None where the letter says all that is known."""
        dims = tuple(dimension(a, settled) for a in self.axes[n])
        default = self.params.get(n)
        if classes is not None:
            return Declaration(n, "label", dims, None if not classes.known() else dimension(classes, settled))
        if default is not None:
            return Declaration(n, "scalar", dims, default=default)
        if not self.row(n) and n not in self.dims and set(dims) <= {"?"} and letter_rank(n) == len(dims):
            return None
        return Declaration(n, "row" if self.row(n) else "tensor" if dims else "scalar", dims)

    def lost_size(self, equations: Sequence[Equation], rows: Sequence[Declaration]) -> str | None:
        """A size the equations name that no declaration ties to an array."""
        known = {n for d in rows for s in (*(d.dims or ()), d.classes)
                 for n in (names_in(s) if isinstance(s, Surface) else [s])}
        used = {n for e in equations for n in names_in(e.body)}
        return next((n for n in self.named if n in used and n not in known and not self.declared(n)), None)
