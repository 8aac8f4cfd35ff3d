"""NumPy source to Surface: one expression, read through Python's `ast` and never executed.

Every part of the text becomes a value of numpy_values; the last one is cut into the body of the result.  Values that
only elements can say (labels as indices, three axes, a lambda's argument) become definitions before it.
Ranks come from the caller, else from the letter (a-g scalar, h-z vector, capitals matrix), as in iverson notation.
A word takes its rank from the two uses that leave no choice, `word[i,j]` and the argument of a function of square
matrices, and is refused otherwise.  Statements are not read yet: `assign` is where they will begin.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.errors import IversonError, Span
from .numpy_arrays import NEW, WHOLE, gathered, matmul, transposed
from .numpy_calls import BUILTINS, CALLS, HINTS, METHOD_ROWS, METHODS, MODULES, where
from .numpy_values import (
    Book,
    Size,
    Value,
    applied,
    both,
    compared,
    either,
    extent,
    flip,
    inverted,
    literal,
    minus,
    over,
    plain,
    plus,
    power,
    stored,
    times,
    unsupported,
)
from .surface import Declaration, Equation, Script, Surface, call, number
from .surface import name as named
from .syntax import MOST_DEPTH
from .tokens import MOST_TEXT, tokenize

MOST_NODES = 5_000
RELATIONS: dict[type, str] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
OPERATIONS: dict[type, Callable[[Value, Value], Value]] = {
    ast.Mult: times, ast.Div: over, ast.Pow: power, ast.MatMult: matmul, ast.BitAnd: both, ast.BitOr: either,
    ast.FloorDiv: lambda x, y: applied("floor", over(x, y))}
REFUSED: dict[str, tuple[str, str | None]] = {
    "GeneratorExp": ("A Python loop over terms", "Write np.sum over an axis, or einsum."),
    "ListComp":     ("A list comprehension", "Write np.sum over an axis, or einsum."),
    "Lambda":       ("A lambda that is not called at once", "Write (lambda s: ...)(X@w)."),
    "NamedExpr":    ("An assignment inside an expression", None),
    "JoinedStr":    ("A string", None),
    "Dict":         ("A dictionary", None),
    "Set":          ("A set", None),
    "Starred":      ("A starred argument", None),
    "BitXor":       ("The operator ^", "Write ** for a power."),
    "Mod":          ("The operator %", None),
    "LShift":       ("The operator <<", None),
    "RShift":       ("The operator >>", None),
}
SIZED = frozenset({"eye", "identity", "ones", "zeros", "full", "arange"})
SQUARE = frozenset({"inv", "det", "slogdet", "trace", "matrix_power"})
NUMBER_TYPES = frozenset({"float", "np.float64", "numpy.float64", "jnp.float64", "'float64'", "'float'", "None"})
RESULTS = ("L", "loss", "L_", "loss_", *(f"L{n}" for n in range(1, 20)))


def parse_numpy(text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, Sequence[str | int]] | None = None) -> Script:
    """One NumPy expression as a script whose only unnamed part is its result.

    ranks   0 to 3 for each array, or "row" for a 1-D array declared as a row
    sizes   names or numbers of an array's axes; they are declared, and give len(x) and X.shape their names
    Every 1-D array is a column.  Errors carry the text and the span of the exact sub-expression.
    """
    try:
        return Reader(text, ranks, sizes or {}).script()
    except IversonError as error:
        raise error.located(text) from None
    except RecursionError:
        raise IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.", source=text) from None


# -- text ------------------------------------------------------------------------------------------------------

class Text:
    """Places in a text: Python counts lines and bytes, spans count characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]
        self.lines = [(a, text[a:b].encode()) for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]

    def place(self, line: int, column: int) -> int:
        start, raw = self.lines[line - 1]
        return start + len(raw[:column].decode(errors="ignore"))

    def span(self, node: Any) -> Span:
        return Span(self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset))

    def of(self, node: ast.AST) -> str:
        span = self.span(node)
        return self.text[span.start:span.end]


def expression(text: str) -> ast.expr:
    """The syntax tree of a text that is one expression, within the limits."""
    if len(text) > MOST_TEXT:
        raise IversonError("limit", f"The text has {len(text)} characters; at most {MOST_TEXT} are read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except SyntaxError as error:
        raise misread(text, error) from None
    except (RecursionError, MemoryError):
        raise IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.") from None
    except ValueError:
        raise IversonError("syntax", "The text has characters that Python does not read.") from None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        span = Text(text).span(body[0]) if body else Span(0, len(text))
        raise IversonError("unsupported" if body else "syntax", "One expression is read here, not statements." if body
                           else "There is no formula here.", span, hint="Write a loss, such as np.sum((X@w - y)**2).")
    limited(body[0].value, text)
    return body[0].value


def misread(text: str, error: SyntaxError) -> IversonError:
    message = f"Python cannot read this: {error.msg}."
    if "too many nested" in str(error.msg):
        return IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.")
    if error.lineno is None or error.offset is None:
        return IversonError("syntax", message)
    lines = Text(text).lines
    start = min(lines[min(error.lineno, len(lines)) - 1][0] + max(error.offset - 1, 0), len(text))
    hint = "Write X.T for the transpose." if "string" in str(error.msg) else None
    return IversonError("syntax", message, Span(start, min(start + 1, len(text))), hint=hint)


def limited(tree: ast.expr, text: str) -> None:
    """Refuse trees too large or too deep; a long sum is not deep."""
    stack: list[tuple[ast.AST, int]] = [(tree, 1)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += isinstance(node, ast.expr)
        if depth > MOST_DEPTH or count > MOST_NODES:
            what = f"has more than {MOST_NODES} parts" if count > MOST_NODES else f"is nested deeper than {MOST_DEPTH}"
            raise IversonError("limit", f"The formula {what}.", Text(text).span(node) if depth > MOST_DEPTH else None)
        for child in ast.iter_child_nodes(node):
            level = summing(node) and child is node.left  # type: ignore[attr-defined]
            stack.append((child, depth if level or not isinstance(child, ast.expr) else depth + 1))


def summing(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def dotted(node: ast.AST) -> list[str] | None:
    """The parts of `np.linalg.inv`; None when it is not a plain path."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def free_names(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that no lambda around them binds."""
    if isinstance(node, ast.Name) and node.id not in bound:
        yield node.id
    if isinstance(node, ast.Lambda):
        bound = bound | {a.arg for a in node.args.args}
    for child in ast.iter_child_nodes(node):
        yield from free_names(child, bound)


def filled(tree: Surface, span: Span | None) -> Surface:
    """The tree with a span on every node: its own, else its parent's.  No node is shared in the copy."""
    span = tree.span or span
    return Surface(tree.op, tuple(filled(a, span) for a in tree.args), tree.attr, span)


# -- reading ---------------------------------------------------------------------------------------------------

class Reader:
    """One reading of one text; a method for each kind of Python node that is read."""

    def __init__(self, text: str, ranks: Mapping[str, int | str], sizes: Mapping[str, Sequence[str | int]]) -> None:
        self.tree, self.text, self.ranks = expression(text), Text(text), ranks
        self.declared = {n: (dims,) if isinstance(dims, str | int) else tuple(dims) for n, dims in sizes.items()}
        self.sizes = {d: Size(d) for dims in self.declared.values() for d in dims if isinstance(d, str)}
        self.free = set(free_names(self.tree))
        words = {n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name)}
        self.book = Book(words | set(ranks) | set(self.declared) | set(self.sizes))
        self.arrays: dict[str, Value] = {}
        self.local: dict[str, Any] = {}
        self.hinted: dict[str, int] = {}
        for node in ast.walk(self.tree):
            self.foresee(node)
        for n in self.declared:
            self.array(n)

    def foresee(self, node: ast.AST) -> None:
        """Names whose use leaves no choice: sizes, and ranks of words."""
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Tuple):
            if not any(isinstance(e, ast.Constant) and not isinstance(e.value, int) for e in node.slice.elts):
                self.hinted[node.value.id] = len(node.slice.elts)
        path = dotted(node.func) if isinstance(node, ast.Call) and node.args else None
        if path is None:
            return
        first = node.args[0]  # type: ignore[attr-defined]
        if path[-1] in SQUARE and isinstance(first, ast.Name):
            self.hinted[first.id] = 2
        for e in (first.elts if isinstance(first, ast.Tuple | ast.List) else [first]) if path[-1] in SIZED else []:
            if isinstance(e, ast.Name) and e.id not in self.ranks and e.id not in self.declared:
                self.sizes.setdefault(e.id, Size(e.id))

    def script(self) -> Script:
        equation = self.result(self.value(self.tree))
        equations = [replace(e, body=filled(e.body, e.span)) for e in (*self.book.equations, equation)]
        declarations = tuple(d for n in self.arrays if (d := self.declaration(n)) is not None)
        return Script(declarations, tuple(equations), equation.name, self.text.text, "numpy")

    def result(self, v: Value) -> Equation:
        """The last equation; by indices where a matrix cannot say it, axes of size 1 kept as such."""
        text = self.book.unused(RESULTS)
        by_index = len(v.sizes()) > 2 or (v.loose and v.sizes())
        if by_index and None not in v.axes:
            with self.book.bound(v.sizes()) as names:
                body = self.book.tied(v.number(tuple(names)), names, v.sizes())
            return Equation(text, tuple(i.attr for i in names), body, v.span)
        return Equation(text, None, self.solid(self.book.define(v) if by_index else v), v.span)

    def solid(self, v: Value) -> Surface:
        """The whole value, its axes of size 1 made real."""
        tree, one = v.number(), call("ones", number(1))
        if None not in v.axes:
            return tree
        if v.rank > 2:
            raise unsupported("A result with three axes, one of size 1, is not read.", "Leave out the None.")
        if len(v.sizes()) == 1:
            return Surface("mul", (tree, flip(one)) if v.axes[1] is None else (one, flip(tree)))
        return Surface("mul", (tree, one if v.rank == 1 else call("ones", number(1), number(1))))

    def declaration(self, n: str) -> Declaration | None:
        """What must be said of an input so that its kind and sizes are those it was read with; None: nothing."""
        v, row = self.arrays[n], self.ranks.get(n) == "row"
        dims = tuple(1 if a is None else a.root().name or "?" for a in v.axes)
        if n in self.book.labels:
            return Declaration(n, "label", dims, self.book.labels[n].root().name)
        if not row and n not in self.declared and set(dims) <= {"?"} and letter_rank(n) == v.rank:
            return None
        return Declaration(n, "row" if row else "tensor" if dims else "scalar", dims)

    # -- nodes ---------------------------------------------------------------------------------------------

    def read(self, node: ast.AST) -> Any:
        """A value, or a tuple of values for what Python makes a tuple of."""
        method = getattr(self, f"_{type(node).__name__}", None)
        try:
            made = (method or self.refuse)(node)
        except IversonError as error:
            error.span = error.span or self.text.span(node)
            raise
        return replace(made, span=self.text.span(node)) if isinstance(made, Value) else made

    def refuse(self, node: ast.AST) -> Any:
        what, hint = REFUSED.get(type(node).__name__, ("This kind of expression", None))
        raise unsupported(f"{what} is not read here.", hint)

    def value(self, node: ast.AST) -> Value:
        """An array or a number."""
        made = self.read(node)
        if isinstance(made, Value):
            return made
        hint = "Take one: slogdet(X)[1], X.shape[0]." if not isinstance(node, ast.List | ast.Tuple) else None
        raise IversonError("unsupported", "An array is expected here, not a list or a tuple.", self.text.span(node), hint=hint)

    def _Constant(self, node: ast.Constant) -> Value:
        if type(node.value) not in (int, float):
            raise unsupported(f"{self.text.of(node)} is not a number.", "Write 1 or 0." if isinstance(node.value, bool) else None)
        text = self.text.of(node).replace("_", "")
        if isinstance(node.value, int) and text[:2].lower() in ("0x", "0b", "0o"):
            text = str(node.value)
        return literal(self.book, tokenize(text)[0].value or 0)

    def _Name(self, node: ast.Name) -> Any:
        if node.id in self.local:
            return self.local[node.id]
        if node.id in self.sizes and node.id not in self.ranks:
            return extent(self.book, self.sizes[node.id])
        if node.id == "pi" and node.id not in self.ranks:
            return Value(self.book, (), lambda _: named("pi"))
        if node.id in ("True", "False", "inf", "nan"):
            raise unsupported(f"{node.id} is not read here.")
        return self.array(node.id)

    def array(self, n: str) -> Value:
        """An input of the text."""
        if n not in self.arrays:
            rank = self.ranks.get(n, len(self.declared[n]) if n in self.declared else None)
            rank = self.rank_of(n) if rank is None else rank
            dims: tuple[Any, ...] = self.declared.get(n, (None,) * (1 if rank == "row" else int(rank)))
            if len(dims) != (1 if rank == "row" else rank):
                raise IversonError("usage", f"{n} has {len(dims)} sizes, but its rank is given as {rank}.")
            axes = tuple(self.sizes[d] if isinstance(d, str) else None if d == 1 else Size(d) for d in dims)
            self.arrays[n] = stored(self.book, n, axes, rank == "row")
        return self.arrays[n]

    def rank_of(self, n: str) -> int:
        rank = letter_rank(n)
        rank = self.hinted.get(n) if rank is None else rank
        if rank is None:
            raise IversonError("ambiguous", f"{n} could be a scalar, a vector or a matrix.",
                               hint=f"Declare it: sizes={{{n!r}: ()}} for a scalar, {{{n!r}: ('N',)}} for a vector.")
        return rank

    def _Attribute(self, node: ast.Attribute) -> Any:
        path = self.module_path(node)
        if path is not None:
            return self.constant(path[-1])
        x = self.value(node.value)
        if node.attr in ("T", "mT"):
            return transposed(x)
        if node.attr == "shape":
            return tuple(extent(self.book, a) for a in x.axes)
        if node.attr == "size":
            return self.product([extent(self.book, a) for a in x.axes])
        if node.attr == "ndim":
            return literal(self.book, x.rank)
        raise unsupported(f"The attribute .{node.attr} is not read.", "Attributes: .T, .shape, .size.")

    def product(self, factors: list[Value]) -> Value:
        made = factors[0] if factors else literal(self.book, 1)
        for f in factors[1:]:
            made = times(made, f)
        return made

    def constant(self, n: str) -> Value:
        if n == "pi":
            return Value(self.book, (), lambda _: named("pi"))
        if n == "e":
            return applied("exp", literal(self.book, 1))
        raise unsupported(f"{n} is not a number that is read.", "Constants: np.pi and np.e.")

    def module_path(self, node: ast.AST) -> list[str] | None:
        """The parts of a name that starts with a module; arrays hide modules."""
        path = dotted(node)
        if path is None or len(path) < 2 or path[0] not in MODULES or path[0] in {*self.ranks, *self.declared, *self.local}:
            return None
        return path

    def _BinOp(self, node: ast.BinOp) -> Value:
        if summing(node):
            return self.sum(node)
        if type(node.op) not in OPERATIONS:
            return self.refuse(node.op)
        return OPERATIONS[type(node.op)](self.value(node.left), self.value(node.right))

    def sum(self, node: ast.AST) -> Value:
        """A chain of + and -, however long, as one sum."""
        terms: list[tuple[ast.AST, bool]] = []
        while summing(node):
            terms.append((node.right, isinstance(node.op, ast.Sub)))  # type: ignore[attr-defined]
            node = node.left  # type: ignore[attr-defined]
        values = [self.value(node)]
        for right, less in reversed(terms):
            v = self.value(right)
            v = v if len(values) == 1 and values[0].truth else plain(v)
            values.append(replace(minus(v), span=v.span) if less else v)
        return plus(*values)

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        x = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            self.single(x, "not", "Write ~ for arrays.")
        if isinstance(node.op, ast.UAdd):
            return x
        return minus(x) if isinstance(node.op, ast.USub) else inverted(x)

    def single(self, x: Value, word: str, hint: str) -> Value:
        """A condition without axes, as Python's own words need."""
        if x.rank or not x.truth:
            raise IversonError("unsupported", f"Python's `{word}` works on one condition only.", x.span, hint=hint)
        return x

    def _BoolOp(self, node: ast.BoolOp) -> Value:
        word, join, hint = ("and", both, "Write & for arrays.") if isinstance(node.op, ast.And) else (
            "or", either, "Write | for arrays.")
        return join(*[self.single(self.value(v), word, hint) for v in node.values])

    def _Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            raise unsupported("A chained comparison is not read.", "Write (a < b) & (b < c).")
        if type(node.ops[0]) not in RELATIONS:
            raise unsupported("`is` and `in` are not read.", "Write == for equality.")
        return compared(RELATIONS[type(node.ops[0])], self.value(node.left), self.value(node.comparators[0]))

    def _IfExp(self, node: ast.IfExp) -> Value:
        test = self.single(self.value(node.test), "if", "Write np.where(c, a, b) for arrays.")
        x, y = self.value(node.body), self.value(node.orelse)
        if x.rank != y.rank:
            raise unsupported("The two branches have different axes.", "Write np.where(c, a, b).")
        return where(test, x, y)

    def _Tuple(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        return tuple(self.read(e) for e in node.elts)

    _List = _Tuple

    # -- subscripts ----------------------------------------------------------------------------------------

    def _Subscript(self, node: ast.Subscript) -> Any:
        x = self.read(node.value)
        if isinstance(x, tuple):
            k = self.literal(node.slice)
            if not isinstance(k, int) or not -len(x) <= k < len(x):
                raise unsupported(f"One of the {len(x)} parts is taken by its number.")
            return x[k]
        return gathered(x, self.items(x, node.slice))

    def items(self, x: Value, node: ast.AST) -> list[Any]:
        """An item for each axis of x, and NEW where one is added."""
        items = [self.item(e) for e in (node.elts if isinstance(node, ast.Tuple) else [node])]
        missing = x.rank - sum(i is not NEW and i is not ... for i in items)
        if missing < 0 or items.count(...) > 1:
            raise IversonError("shape", f"Too many indices: the array has {x.rank} ax{'i' if x.rank == 1 else 'e'}s.",
                               self.text.span(node))
        at = items.index(...) if ... in items else len(items)
        return [*items[:at], *[WHOLE] * missing, *items[at + 1:]]

    def item(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Slice):
            if node.lower or node.upper or node.step:
                raise IversonError("unsupported", "A part of an axis is not read.", self.text.span(node),
                                   hint="A colon stands for the whole axis.")
            return WHOLE
        if isinstance(node, ast.Constant) and node.value in (None, ...):
            return NEW if node.value is None else ...
        path = self.module_path(node)
        if path and path[-1] == "newaxis" or (isinstance(node, ast.Name) and node.id == "newaxis"):
            return NEW
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        return self.literal(node) if negative or isinstance(node, ast.Constant) else self.value(node)

    # -- calls ---------------------------------------------------------------------------------------------

    def _Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Lambda):
            return self.called(node.func, node)
        path = [node.func.id] if isinstance(node.func, ast.Name) else self.module_path(node.func)
        if path is None and isinstance(node.func, ast.Attribute):
            n = node.func.attr
            if n not in METHODS:
                raise unsupported(f"The method .{n}() is not read.", HINTS.get(n))
            return self.invoke(METHOD_ROWS.get(n) or CALLS[n], node, [self.value(node.func.value)])
        if path is None:
            raise unsupported("Only named functions are called.")
        return self.invoke(self.row(path, node), node, [])

    def row(self, path: list[str], node: ast.Call) -> Callable[..., Any]:
        """The row of a function's name; other modules than the known ones are refused."""
        n = path[-1]
        if path[0] in self.arrays or path[0] in {*self.ranks, *self.declared, *self.local}:
            raise unsupported(f"{path[0]} is an array and is not called.", "Write * for a product.")
        if len(path) == 1 and n in BUILTINS:
            return BUILTINS[n]
        found = CALLS.get(".".join(path[-2:])) or CALLS.get(n)
        if found is None or not set(path[:-1]) <= MODULES:
            near = difflib.get_close_matches(n, CALLS, 1, 0.8)
            hint = HINTS.get(n) or (f"Did you mean {near[0]}?" if near else None)
            raise IversonError("unsupported", f"The function {'.'.join(path)} is not read.", self.text.span(node.func), hint=hint)
        return found

    def invoke(self, row: Callable[..., Any], node: ast.Call, given: list[Any]) -> Any:
        """Call a row; its signature says which arguments there are and how each is read."""
        signature = inspect.signature(row)
        if "Book" in (p.annotation for p in signature.parameters.values()):
            given = [self.book]
        if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            raise unsupported("Starred arguments are not read.")
        try:
            bound = signature.bind(*given, *node.args, **{str(k.arg): k.value for k in node.keywords})
        except TypeError as error:
            raise unsupported(f"{self.text.of(node.func)}: {str(error).replace(chr(39), '')}.") from None
        for n, raw in bound.arguments.items():
            kind = str(signature.parameters[n].annotation)
            many = signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL
            bound.arguments[n] = tuple(self.argument(kind, a) for a in raw) if many else self.argument(kind, raw)
        return row(*bound.args, **bound.kwargs)

    def argument(self, kind: str, node: Any) -> Any:
        """An argument as the annotation of its parameter says."""
        if not isinstance(node, ast.AST) or (kind.endswith("| None") and isinstance(node, ast.Constant) and node.value is None):
            return node if not isinstance(node, ast.AST) else None
        if kind == "Plain":
            return self.literal(node)
        if kind == "Shape":
            parts = self.read(node)
            return tuple(self.extent(p, node) for p in (parts if isinstance(parts, tuple) else (parts,)))
        if kind == "Extent":
            return self.extent(self.value(node), node)
        if kind == "Dtype":
            return self.number_type(node)
        if kind == "Sequence[Value]" and isinstance(node, ast.List | ast.Tuple):
            return [self.value(e) for e in node.elts]
        return self.value(node)

    def extent(self, v: Any, node: ast.AST) -> Size | None:
        """A size: a number, a size's name, len(x) or X.shape[0]."""
        if isinstance(v, Value) and isinstance(v.exact, int) and v.exact > 0:
            return Size(v.exact) if v.exact > 1 else None
        if not isinstance(v, Value) or v.counts is None:
            raise IversonError("unsupported", "This is not a size.", self.text.span(node), hint="Sizes: 3, N, len(x), X.shape[0].")
        return v.counts

    def number_type(self, node: ast.AST) -> None:
        if self.text.of(node).replace('"', "'") not in NUMBER_TYPES:
            raise IversonError("unsupported", "Numbers are float64 here.", self.text.span(node), hint="Leave the type out.")

    def literal(self, node: ast.AST) -> Any:
        """A number, a string, True, None or a tuple of them, written out."""
        if isinstance(node, ast.Constant) and node.value is not ...:
            return node.value
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.literal(e) for e in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and type(
                inner := self.literal(node.operand)) in (int, float):
            return -inner
        path = self.module_path(node)
        if path and path[-1] == "inf":
            return float("inf")
        raise IversonError("unsupported", "This must be written out as a number here.", self.text.span(node))

    # -- local names ---------------------------------------------------------------------------------------

    def called(self, function: ast.Lambda, node: ast.Call) -> Any:
        """`(lambda s: body)(value)`: its arguments become definitions."""
        wanted = [a.arg for a in function.args.args]
        a = function.args
        if node.keywords or len(wanted) != len(node.args) or a.vararg or a.kwarg or a.kwonlyargs or a.posonlyargs or a.defaults:
            raise unsupported("A lambda is read with plain arguments, as many as it names.")
        values = [self.read(e) for e in node.args]
        outer = self.local
        self.local = outer | {n: self.assign(n, v) for n, v in zip(wanted, values, strict=True)}
        made = self.read(function.body)
        self.local = outer
        return made

    def assign(self, n: str, v: Any) -> Any:
        """A local name: a definition, or the value itself where that says as much."""
        if isinstance(v, tuple) or v.truth or v.label is not None or v.exact is not None or v.counts is not None:
            return v
        used = {*self.free, *self.ranks, *self.declared, *self.sizes, *(e.name for e in self.book.equations)}
        return self.book.define(v, None if n in used else n)


def letter_rank(n: str) -> int | None:
    """The rank a one-letter name has when nothing else is said; None for words."""
    head = n.rstrip("0123456789_")
    if len(head) != 1 or not head.isascii():
        return None
    return 2 if head.isupper() else 0 if head in "abcdefg" else 1
