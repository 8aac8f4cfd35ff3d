"""NumPy source to Surface: one expression, read through Python's `ast` and never executed.

Every part of the text becomes a value of numpy_values; the last one is cut into the body of the result.
Values that only elements can say (labels as indices, three axes) and a lambda's arguments become definitions
before it.  Statements are not read yet: `assign` is where they will begin.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from ..core.errors import IversonError
from .numpy_arrays import NEW, WHOLE, gathered, matmul, transposed
from .numpy_calls import BUILTINS, CALLS, HINTS, METHODS, MODULES, NUMBER_TYPES, where
from .numpy_text import Inputs, Size, Text, dotted, expression, summing
from .numpy_values import (
    Book,
    Value,
    applied,
    axes_text,
    both,
    compared,
    either,
    extent,
    flip,
    inverted,
    literal,
    minus,
    over,
    power,
    spanned,
    stored,
    times,
    total,
    unsupported,
)
from .surface import Equation, Script, Surface, call, number
from .surface import name as named
from .tokens import tokenize

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
    "Slice":        ("A part of an axis", "A colon stands for the whole axis."),
    "BitXor":       ("The operator ^", "Write ** for a power."),
    "Mod":          ("The operator %", None),
}
RESULTS = ("L", "loss", "L_", "loss_", *(f"L{n}" for n in range(1, 20)))


def parse_numpy(text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, str | int | Sequence[str | int]] | None = None) -> Script:
    """One NumPy expression as a script; its last equation is the result.

    ranks   0 to 3 for each array, or "row" for a 1-D array declared as a row; see numpy_text for other names
    sizes   names or numbers of an array's axes; they are declared, and give len(x) and X.shape their names
    Every 1-D array is a column.  Errors carry the text and the span of the exact sub-expression.

    >>> from .show import show
    >>> show(parse_numpy("x@A@x", {}).equations[0].body)
    "x'*A*x"
    """
    try:
        return Reader(text, ranks, sizes or {}).script()
    except IversonError as error:
        raise error.located(text) from None
    except RecursionError:
        raise IversonError("limit", "The formula is nested too deep.", source=text) from None


class Reader:
    """One reading of one text; a method for each kind of Python node that is read."""

    def __init__(self, text: str, ranks: Mapping[str, int | str],
                 sizes: Mapping[str, str | int | Sequence[str | int]]) -> None:
        self.tree, self.text = expression(text), Text(text)
        self.inputs = Inputs(self.tree, ranks, sizes)
        self.book = Book(self.inputs.words)
        self.local: dict[str, Any] = {}

    def script(self) -> Script:
        last = self.result(self.value(self.tree))
        equations = tuple(replace(e, body=spanned(e.body, e.span)) for e in (*self.book.equations, last))
        rows = self.inputs.declarations(self.book.labels)
        n = self.inputs.lost_size(equations, rows)
        if n is not None:
            raise self.error("ambiguous", f"{n} is used as a size, but no array is known to have it.",
                             self.inputs.first[n], f"Give the sizes of an array: sizes={{'x': ({n!r},)}}.")
        return Script(rows, equations, last.name, self.text.text, "numpy", anonymous=True)

    def result(self, v: Value) -> Equation:
        """The last equation; axes of size 1 are kept as such."""
        name = self.book.unused(RESULTS)
        indices, body = self.book.body(v) if None not in v.axes else ((), self.solid(v))
        return Equation(name, indices or None, body, v.span)

    def solid(self, v: Value) -> Surface:
        """The whole value, its axes of size 1 made real."""
        if v.rank > 2:
            raise unsupported("A result with three axes, one of size 1, is not read.", "Leave out the None.")
        tree, one = v.number(), call("ones", number(1))
        if len(v.sizes()) == 1:
            return Surface("mul", (tree, flip(one)) if v.axes[1] is None else (one, flip(tree)))
        return Surface("mul", (tree, one if v.rank == 1 else call("ones", number(1), number(1))))

    # -- nodes -----------------------------------------------------------------------------------------------

    def read(self, node: ast.AST) -> Any:
        """A value, or a tuple of values for what Python makes a tuple of."""
        method = getattr(self, f"_{type(node).__name__}", self.refuse)
        try:
            made = method(node)
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
        raise self.error("unsupported", "An array is expected here, not a list or a tuple.", node,
                         "Take one part: slogdet(X)[1], X.shape[0].")

    def error(self, kind: str, message: str, node: ast.AST, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, self.text.span(node), hint=hint)

    def _Constant(self, node: ast.Constant) -> Value:
        text = self.text.of(node).replace("_", "")
        if type(node.value) not in (int, float):
            raise unsupported(f"{text} is not a number that is read.")
        if text[:2].lower() in ("0x", "0b", "0o"):
            text = str(node.value)
        try:
            return literal(self.book, tokenize(text)[0].value or 0)
        except IversonError as error:
            raise IversonError(error.kind, error.message) from None

    def _Name(self, node: ast.Name) -> Any:
        n = node.id
        if n in self.local:
            return self.local[n]
        if n in self.inputs.named and not self.inputs.declared(n):
            return extent(self.book, self.inputs.named[n])
        if n in MODULES | {"pi", "inf", "nan"} and not self.inputs.declared(n):
            return self.constant(n)
        return stored(self.book, n, self.inputs.array(n), self.inputs.row(n))

    def constant(self, n: str) -> Value:
        if n == "pi":
            return Value(self.book, (), lambda _: named("pi"))
        if n == "e":
            return applied("exp", literal(self.book, 1))
        raise unsupported(f"{n} is not a number that is read.", "Constants: np.pi and np.e.")

    def _Attribute(self, node: ast.Attribute) -> Any:
        path = self.module_path(node)
        if path:
            return self.constant(path[-1])
        x = self.value(node.value)
        if node.attr in ("T", "mT"):
            return transposed(x)
        sizes = tuple(extent(self.book, a) for a in x.axes)
        if node.attr == "shape":
            return sizes
        if node.attr == "size":
            return reduce(times, sizes) if sizes else literal(self.book, 1)
        if node.attr == "ndim":
            return literal(self.book, x.rank)
        raise unsupported(f"The attribute .{node.attr} is not read.", "Attributes: .T, .shape, .size, .ndim.")

    def module_path(self, node: ast.AST) -> list[str] | None:
        """The parts of a name that starts with a module; arrays hide modules."""
        path = dotted(node)
        return path if path and len(path) > 1 and path[0] in MODULES and self.foreign(path[0]) else None

    def foreign(self, n: str) -> bool:
        """Whether a name is neither an array nor local."""
        return n not in self.local and not self.inputs.known(n)

    def _BinOp(self, node: ast.BinOp) -> Value:
        if summing(node):
            return self.sum(node)
        if type(node.op) not in OPERATIONS:
            return self.refuse(node.op)
        return OPERATIONS[type(node.op)](self.value(node.left), self.value(node.right))

    def sum(self, node: Any) -> Value:
        """A chain of + and -, however long, as one sum."""
        terms: list[tuple[ast.AST, bool]] = []
        while summing(node):
            terms.append((node.right, isinstance(node.op, ast.Sub)))
            node = node.left
        values = [self.value(node), *(self.value(right) for right, _ in reversed(terms))]
        return total(values, [False, *(less for _, less in reversed(terms))])

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        x = self.value(node.operand)
        if isinstance(node.op, ast.UAdd | ast.USub):
            return x if isinstance(node.op, ast.UAdd) else minus(x)
        return inverted(self.single(x, "not", "Write ~ for arrays.") if isinstance(node.op, ast.Not) else x)

    def single(self, x: Value, word: str, hint: str) -> Value:
        """A condition without axes, as Python's own words need."""
        if x.rank or not x.truth:
            raise unsupported(f"Python's `{word}` works on one condition only.", hint)
        return x

    def _BoolOp(self, node: ast.BoolOp) -> Value:
        word, join, sign = ("and", both, "&") if isinstance(node.op, ast.And) else ("or", either, "|")
        parts = [self.single(self.value(v), word, f"Write {sign} for arrays.") for v in node.values]
        return reduce(join, parts)

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

    # -- subscripts ------------------------------------------------------------------------------------------

    def _Subscript(self, node: ast.Subscript) -> Any:
        x = self.read(node.value)
        if not isinstance(x, tuple):
            return gathered(x, self.items(x, node.slice))
        k = self.literal(node.slice)
        if type(k) is not int or not -len(x) <= k < len(x):
            raise unsupported(f"One of the {len(x)} parts is taken by its number.")
        return x[k]

    def items(self, x: Value, node: ast.AST) -> list[Any]:
        """An item for each axis of x, and NEW where one is added."""
        items = [self.item(e) for e in (node.elts if isinstance(node, ast.Tuple) else [node])]
        missing = x.rank - sum(i is not NEW and i is not ... for i in items)
        if missing < 0 or sum(i is ... for i in items) > 1:
            raise self.error("shape", f"Too many indices: the array has {axes_text(x.rank)}.", node)
        at = next((q for q, i in enumerate(items) if i is ...), len(items))
        return [*items[:at], *[WHOLE] * missing, *items[at + 1:]]

    def item(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Slice):
            return WHOLE if not (node.lower or node.upper or node.step) else self.read(node)
        if self.text.of(node) in ("None", "..."):
            return NEW if self.text.of(node) == "None" else ...
        path = self.module_path(node) or dotted(node)
        if path and path[-1] == "newaxis" and not self.inputs.declared(path[0]):
            return NEW
        if not isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant):
            return self.value(node)
        k = self.literal(node)
        if type(k) is not int:
            raise self.error("unsupported", "An index is a whole number.", node)
        return k

    # -- calls -----------------------------------------------------------------------------------------------

    def _Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Lambda):
            return self.called(node.func, node)
        path = dotted(node.func)
        if path is not None and (len(path) == 1 or self.foreign(path[0])):
            return self.invoke(self.row(path, node), node, [])
        if not isinstance(node.func, ast.Attribute):
            raise unsupported("Only named functions are called.")
        n = node.func.attr
        if n not in METHODS:
            raise unsupported(f"The method .{n}() is not read.", HINTS.get(n))
        return self.invoke(METHODS[n], node, [self.value(node.func.value)])

    def row(self, path: list[str], node: ast.Call) -> Callable[..., Any]:
        """The row of a function's name."""
        n = path[-1]
        if self.inputs.declared(path[0]) or path[0] in self.local:
            raise unsupported(f"{path[0]} is an array and is not called.", "Write * for a product.")
        if len(path) == 1 and n in BUILTINS:
            return BUILTINS[n]
        found = CALLS.get(".".join(path[-2:])) or CALLS.get(n)
        if found is not None and set(path[:-1]) <= MODULES:
            return found
        near = [f"Did you mean {m}?" for m in difflib.get_close_matches(n, CALLS, 1, 0.8) if m != n]
        hint = HINTS.get(n) or next(iter(near), None)
        raise self.error("unsupported", f"The function {'.'.join(path)} is not read.", node.func, hint)

    def invoke(self, row: Callable[..., Any], node: ast.Call, given: list[Any]) -> Any:
        """Call a row; its signature says which arguments there are and how each is read."""
        signature = inspect.signature(row)
        if any(p.annotation == "Book" for p in signature.parameters.values()):
            given = [self.book]
        if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            raise unsupported("Starred arguments are not read.")
        try:
            bound = signature.bind(*given, *node.args, **{str(k.arg): k.value for k in node.keywords})
        except TypeError as error:
            message = str(error).replace("'", "")
            raise unsupported(f"{self.text.of(node.func)} is not read like this: {message}.") from None
        for n, raw in bound.arguments.items():
            kind = str(signature.parameters[n].annotation)
            many = signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL
            hint = HINTS.get((dotted(node.func) or [""])[-1])
            read = [self.argument(kind, a, hint) for a in (raw if many else [raw])]
            bound.arguments[n] = tuple(read) if many else read[0]
        return row(*bound.args, **bound.kwargs)

    def argument(self, kind: str, node: Any, hint: str | None) -> Any:
        """An argument as the annotation of its parameter says."""
        if not isinstance(node, ast.AST):
            return node
        if kind.endswith("| None") and self.text.of(node) == "None":
            return None
        if kind == "Sequence[Value]":
            return [self.value(e) for e in (node.elts if isinstance(node, ast.List | ast.Tuple) else [node])]
        if kind == "Extent":
            return self.size(self.read(node), node)
        if kind == "Plain":
            return self.literal(node, hint)
        read = {"Axes": self.shape, "Dtype": self.number_type}
        return read.get(kind, self.value)(node)

    def shape(self, node: ast.AST) -> tuple[Size | None, ...]:
        made = self.read(node)
        return tuple(self.size(p, node) for p in (made if isinstance(made, tuple) else (made,)))

    def size(self, v: Any, node: ast.AST) -> Size | None:
        """A size: a number, a size's name, len(x) or X.shape[0]."""
        if isinstance(v, Value) and isinstance(v.exact, int) and v.exact > 0:
            return Size(v.exact) if v.exact > 1 else None
        if not isinstance(v, Value) or v.counts is None:
            raise self.error("unsupported", "This is not a size.", node, "Sizes: 3, N, len(x), X.shape[0].")
        return v.counts

    def number_type(self, node: ast.AST) -> bool:
        if self.text.of(node).replace('"', "'") not in NUMBER_TYPES:
            raise self.error("unsupported", "Numbers are float64 here.", node, "Leave the type out.")
        return True

    def literal(self, node: ast.AST, hint: str | None = None) -> Any:
        """A number, a string, True, None or a tuple of them, written out."""
        if isinstance(node, ast.Constant) and node.value is not ...:
            return node.value
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.literal(e) for e in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.literal(node.operand, hint)
            return -inner if type(inner) in (int, float) else inner
        if (self.module_path(node) or [""])[-1] == "inf":
            return float("inf")
        raise self.error("unsupported", "This must be written out as a number here.", node, hint)

    # -- local names -----------------------------------------------------------------------------------------

    def called(self, function: ast.Lambda, node: ast.Call) -> Any:
        """`(lambda s: body)(value)`: its arguments become definitions."""
        a = function.args
        wanted = [p.arg for p in a.args]
        odd = a.vararg or a.kwarg or a.kwonlyargs or a.posonlyargs or a.defaults or node.keywords
        if odd or len(wanted) != len(node.args):
            raise unsupported("A lambda is read with plain arguments, as many as it names.")
        values = [self.read(e) for e in node.args]
        outer = self.local
        self.local = outer | {n: self.assign(n, v) for n, v in zip(wanted, values, strict=True)}
        made, self.local = self.read(function.body), outer
        return made

    def assign(self, n: str, v: Any) -> Any:
        """A local name: a definition, or the value itself where that says as much."""
        if isinstance(v, tuple) or v.truth or v.counts or v.label is not None or v.exact is not None:
            return v
        used = {*self.inputs.first, *self.inputs.named, *(e.name for e in self.book.equations)}
        return self.book.define(v, None if n in used or self.inputs.declared(n) else n)
