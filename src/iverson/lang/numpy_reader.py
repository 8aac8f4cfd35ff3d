"""NumPy expressions to values, one method for each kind of Python node; never executed.

A name is local (a value, a tuple, a function, a word), an array or scalar that comes in, a size, or a module.
Statements are in numpy_src.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from typing import Any

from ..core.affine import Poly, constant
from ..core.affine import minus as less
from ..core.errors import IversonError
from .numpy_arrays import matmul, transposed
from .numpy_calls import BUILTINS, CALLS, MODULES, Outputs, Triangle
from .numpy_elementwise import applied, both, compared, either, floored, inverted, minus, over, plus, power, times, total, where
from .numpy_loops import Turns, all_turns
from .numpy_moves import column_stack, row_stack, stack, stacked_list
from .numpy_parts import NEW, WHOLE, Slice, gathered
from .numpy_text import Inputs, Text, dotted, summing
from .numpy_values import Book, Value, axes_text, extent, infinite, literal, stored, unsupported
from .ops import CONSTANTS, OPS, REDUCTIONS
from .surface import call, number
from .tokens import tokenize

RELATIONS: dict[type, str] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
OPERATIONS: dict[type, Callable[[Value, Value], Value]] = {
    ast.Add: plus, ast.Sub: lambda x, y: total([x, y], [False, True]),
    ast.Mult: times, ast.Div: over, ast.Pow: power, ast.MatMult: matmul, ast.BitAnd: both, ast.BitOr: either,
    ast.FloorDiv: floored}
REFUSED: dict[str, tuple[str, str | None]] = {
    "Slice":        ("A slice", None),
    "BitXor":       ("The operator ^", "Write ** for a power."),
    "Mod":          ("The operator %", "Write the remainder with np.floor, or let it come in as data."),
    "LShift":       ("The operator <<", None),
    "RShift":       ("The operator >>", None),
    "Dict":         ("A dictionary", "Let its entries come in by name."),
    "DictComp":     ("A dictionary", "Let its entries come in by name."),
    "SetComp":      ("A set", None),
    "JoinedStr":    ("A text", None),
    "Starred":      ("A starred value", None),
    "Yield":        ("A generator", None),
    "Await":        ("An await", None),
}
TOTALS = {"sum": "sum", "mean": "mean", "average": "mean", "prod": "prod", "max": "max", "min": "min", "amax": "max", "amin": "min"}
WORDS = {*REDUCTIONS, *CONSTANTS, *OPS, "and", "or", "not", "where", "in", "lambda", "inf", "nan", "e"}
COMPARED: dict[str | None, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
LOOPED = frozenset({"zip", "enumerate", "abs", "pow"})
CONSTANT_WORDS = frozenset({"pi", "inf", "nan"})
JOINED: dict[str, Callable[[Any], Value]] = {"c_": column_stack, "r_": row_stack}
OUTPUTS = {"values": 0, "sign": 0, "logabsdet": 1, "eigenvalues": 0, "eigenvectors": 1}
LONGEST_NUMBER = 100
MOST_WRITTEN = 10**9  # of an axis, an offset, a count
MOST_TURNS = 64
MOST_ELEMENTS = 4_000
MOST_CALLS = 40


@dataclass(frozen=True)
class Function:
    """A lambda or def, and the names around it."""

    node: ast.Lambda | ast.FunctionDef
    local: dict[str, Any]
    call: object = None  # the call in which it was made, whose names it sees as they are when it is called


@dataclass(frozen=True)
class Word:
    """A value that steers Python alone: a text, True, False or None."""

    value: Any


@dataclass(frozen=True)
class Alias:
    """A function or module under a name of the text: `exp = np.exp`, `R = range`."""

    path: tuple[str, ...]


class Pending:
    """A name whose value depends on the turn before, or on how many turns there were."""

    def __init__(self, why: str) -> None:
        self.why = why


@cache
def number_of(text: str) -> int | Fraction:
    """A number, exactly as it is written."""
    return tokenize(text)[0].value or 0


@cache
def signature_of(row: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(row)


class Reader:
    """One reading of one text; a method for each kind of Python node that is read."""

    def __init__(self, text: Text, inputs: Inputs) -> None:
        self.text, self.inputs = text, inputs
        self.book = Book(inputs.words, integers=inputs.integers)
        if inputs.declared("pi") or "pi" in inputs.params:
            self.book.pi = call("arccos", number(-1))
        self.local: dict[str, Any] = {}
        self.modules: set[str] = set(MODULES)
        self.calls = 0
        self.elements = 0  # of written-out comprehensions
        self.call = object()
        self.names_of: dict[object, dict[str, Any]] = {}
        self.roots: dict[str, Any] = {}
        for n in inputs.first:
            if not n.isascii():
                self.legible(n)
        sizes = [a for dims in inputs.axes.values() for a in dims if a is not None and a.root().form is not None]
        self.book.assumed += [less(a.poly(), {(): 1}) for a in sizes]

    # -- nodes -----------------------------------------------------------------------------------------------

    def read(self, node: ast.AST) -> Any:
        """A value, or a tuple of values for what Python makes a tuple of."""
        method = getattr(self, f"_{type(node).__name__}", self.refuse)
        try:
            made = method(node)
        except IversonError as error:
            error.span = error.span or self.text.span(node)
            raise
        return made.spanning(self.text.span(node)) if isinstance(made, Value) else made

    def refuse(self, node: ast.AST) -> Any:
        what, hint = REFUSED.get(type(node).__name__, ("This kind of expression", None))
        raise unsupported(f"{what} is not read here.", hint)

    def value(self, node: ast.AST) -> Value:
        """An array or a number."""
        return self.as_value(self.read(node), node)

    def as_value(self, made: Any, node: ast.AST) -> Value:
        """What was read at a node, which must be an array or a number."""
        if isinstance(made, Value):
            return made
        if isinstance(made, Word) and isinstance(made.value, bool):
            return literal(self.book, int(made.value))
        if isinstance(made, Alias):
            raise self.error("unsupported", f"{made.path[-1]} is a function, not a number that is read.", node, "Call it.")
        raise self.error("unsupported", "An array is expected here, not a list or a tuple.", node,
                         "Take one part: slogdet(X)[1], X.shape[0].")

    def error(self, kind: str, message: str, node: ast.AST, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, self.text.span(node), hint=hint)

    def _Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, str | bool) or node.value is None:
            return Word(node.value)
        text = self.text.of(node).replace("_", "")
        if type(node.value) not in (int, float):
            raise unsupported(f"{text} is not a number that is read.")
        if text[:2].lower() in ("0x", "0b", "0o"):
            text = str(node.value) if len(text) < LONGEST_NUMBER else "1e999"
        try:
            return literal(self.book, number_of(text))
        except IversonError as error:
            raise IversonError(error.kind, error.message) from None

    def _Name(self, node: ast.Name) -> Any:
        n = node.id
        if n in self.local:
            found = self.local[n]
            if isinstance(found, Pending):
                raise unsupported(f"{n} {found.why}", "A loop is read where its turns can be taken in any order.")
            return found
        if n in self.inputs.named and not self.inputs.declared(n):
            return extent(self.book, self.inputs.named[n])
        if self.foreign(n) and (n in BUILTINS or n in LOOPED or (n in self.modules and n not in CONSTANT_WORDS)):
            return Alias((n,))
        if n in self.modules | {"pi", "inf", "nan"} and not self.inputs.declared(n) and n not in self.inputs.params:
            return self.constant(n)
        return stored(self.book, n, self.inputs.array(n), self.inputs.row(n))

    def legible(self, n: str) -> None:
        """Refuse a name that only looks like a Latin one, at its place."""
        try:
            tokenize(n)
        except IversonError as error:
            raise self.error(error.kind, error.message, self.inputs.first[n], error.hint) from None

    def constant(self, n: str) -> Value:
        if n == "pi":
            return Value(self.book, (), lambda _: self.book.pi)
        if n == "e":
            return applied("exp", literal(self.book, 1))
        if n in ("inf", "Inf", "infty"):
            return infinite(self.book, 1)
        raise unsupported(f"{n} is not a number that is read.", "Constants: np.pi and np.e.")

    def _Attribute(self, node: ast.Attribute) -> Any:
        path = self.module_path(node)
        if path:
            return Alias(tuple(path)) if path[-1] in CALLS else self.constant(path[-1])
        x = self.read(node.value)
        if isinstance(x, Outputs) and node.attr in OUTPUTS and OUTPUTS[node.attr] < len(x):
            return x[OUTPUTS[node.attr]]
        x = self.as_value(x, node.value)
        if node.attr in ("T", "mT"):
            return transposed(x)
        if x.kept is not None and node.attr != "ndim":
            raise unsupported("The number of entries that a mask selects is a sum.", "Write np.sum(mask).")
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
        path = self.path(node)
        return path if path and len(path) > 1 and path[0] in self.modules and self.foreign(path[0]) else None

    def path(self, node: ast.AST) -> list[str] | None:
        """The parts of a dotted name, an alias of the text under its own name."""
        found = dotted(node)
        known = self.local.get(found[0]) if found else None
        return [*known.path, *found[1:]] if found and isinstance(known, Alias) else found

    def foreign(self, n: str) -> bool:
        """Whether a name is neither an array nor local."""
        known = self.inputs.known(n) or n in self.inputs.params
        return n not in self.local and (not known or n in self.inputs.modules)

    def _BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.left, ast.List) or isinstance(node.right, ast.List):
            return self.lists(node)
        if summing(node):
            return self.sum(node)
        if type(node.op) not in OPERATIONS:
            return self.refuse(node.op)
        return OPERATIONS[type(node.op)](self.value(node.left), self.value(node.right))

    def lists(self, node: ast.BinOp) -> tuple[Any, ...]:
        """`[a, b] + [c]` and `[a]*3`."""
        x, y = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Add) and isinstance(x, tuple) and isinstance(y, tuple):
            return (*x, *y)
        items, times_ = (x, y) if isinstance(x, tuple) else (y, x)
        count = times_.exact if isinstance(times_, Value) and not times_.rank else None
        if not isinstance(node.op, ast.Mult) or not isinstance(count, int) or not 0 <= count * len(items) <= MOST_TURNS:
            raise unsupported("A list is joined to a list, or repeated a written number of times.", "Write np.array([...]).")
        return items * count

    def sum(self, node: Any) -> Value:
        """A chain of + and -, however long, as one sum."""
        terms: list[tuple[ast.AST, bool]] = []
        while summing(node):
            terms.append((node.right, isinstance(node.op, ast.Sub)))
            node = node.left
        values = [self.value(node), *(self.value(right) for right, _ in reversed(terms))]
        return total(values, [False, *(less for _, less in reversed(terms))])

    def _UnaryOp(self, node: ast.UnaryOp) -> Value | Word:
        if isinstance(node.op, ast.Not) and (known := self.known(node.operand)) is not None:
            return Word(not known)
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

    def _Compare(self, node: ast.Compare) -> Value | Word:
        known = self.known(node)
        if known is not None:
            return Word(known)
        sides = [node.left, *node.comparators]
        if len(node.ops) > 1 and any(self.value(x).rank for x in sides):
            raise unsupported("A chained comparison is not read.", "Write (a < b) & (b < c).")
        if any(type(op) not in RELATIONS for op in node.ops):
            raise unsupported("`is` and `in` are not read.", "Write == for equality.")
        values = [self.value(x) for x in sides]
        rows = zip(node.ops, values, values[1:], strict=False)
        return reduce(both, [compared(RELATIONS[type(op)], x, y) for op, x, y in rows])

    def known(self, node: ast.AST) -> bool | None:
        """Whether a condition on words and written numbers holds; None where it is about values."""
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self.known_relation(node.ops[0], *map(self.word, (node.left, node.comparators[0])))
        if isinstance(node, ast.BoolOp):
            parts, last = [self.known(v) for v in node.values], isinstance(node.op, ast.Or)
            return last if last in parts else None if None in parts else not last
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.known(node.operand)
            return None if inner is None else not inner
        found = self.word(node)
        return bool(found.value) if isinstance(found, Word) else None

    def known_relation(self, op: ast.cmpop, a: Any, b: Any) -> bool | None:
        steady = isinstance(a, Word) and isinstance(b, Word)
        if isinstance(op, ast.Is | ast.IsNot) and (isinstance(a, Word) or isinstance(b, Word)):
            return (steady and a.value is b.value) is isinstance(op, ast.Is)
        if not steady:
            return None
        sign = RELATIONS.get(type(op))
        if sign is None:
            raise unsupported("This comparison of two constants is not read.")
        return COMPARED[sign](a.value, b.value) if sign in ("=", "!=") or type(a.value) is type(b.value) is int else None

    def word(self, node: ast.AST) -> Any:
        """A word, or a whole number that is written out or a known rank, as one; anything else as it is read."""
        if not isinstance(node, ast.Constant | ast.Name | ast.Attribute):
            return None
        if isinstance(node, ast.Name) and node.id not in self.local:
            return None
        if isinstance(node, ast.Attribute) and node.attr != "ndim":
            return None
        found = self.local[node.id] if isinstance(node, ast.Name) else self.read(node)
        if isinstance(found, Value) and isinstance(found.exact, int) and not found.rank:
            return Word(found.exact)
        return found

    def _IfExp(self, node: ast.IfExp) -> Any:
        known = self.known(node.test)
        if known is not None:
            return self.read(node.body if known else node.orelse)
        test = self.single(self.value(node.test), "if", "Write np.where(c, a, b) for arrays.")
        x, y = self.value(node.body), self.value(node.orelse)
        if x.rank != y.rank:
            raise unsupported("The two branches have different axes.", "Write np.where(c, a, b).")
        self.refuse_sizes(test, node.test)
        return where(test, x, y)

    def refuse_sizes(self, test: Value, node: ast.AST) -> None:
        """A condition on sizes alone is another text for other data."""
        facts = test.facts() if test.facts is not None else []
        if facts and not any(x in self.book.cells for p in facts for m in p for x in m):
            raise self.error("unsupported", "A condition on sizes is not read.", node, "Write the case that is meant.")

    def _Lambda(self, node: ast.Lambda) -> Function:
        return Function(node, self.local, self.call)

    def _Tuple(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        for e in node.elts:
            if isinstance(e, ast.Name):
                self.roots[e.id] = ("listed", e.id)
        return tuple(self.read(e) for e in node.elts)

    _List = _Tuple

    # -- subscripts ------------------------------------------------------------------------------------------

    def _Subscript(self, node: ast.Subscript) -> Any:
        joined = JOINED.get((self.module_path(node.value) or [""])[-1])
        if joined is not None:
            return joined(self._Tuple(node.slice if isinstance(node.slice, ast.Tuple) else ast.Tuple([node.slice], ast.Load())))
        x = self.read(node.value)
        if isinstance(x, Turns):
            x = all_turns(x)
        if not isinstance(x, tuple):
            return self.gathered(self.as_value(x, node.value), node.slice)
        if isinstance(node.slice, ast.Slice):
            ends = [None if e is None else self.literal(e) for e in (node.slice.lower, node.slice.upper, node.slice.step)]
            if any(type(e) not in (int, type(None)) for e in ends):
                raise unsupported("A part of a list is taken by whole numbers.")
            return x[slice(*ends)]
        whole = self.value(node.slice).whole() if not isinstance(node.slice, ast.Tuple) else None
        k = None if whole is None else constant(whole)
        if k is None and not isinstance(x, Outputs):
            found = stacked_list(x)
            return gathered(found, self.items(found, node.slice))
        if k is None or not -len(x) <= k < len(x):
            raise unsupported(f"One of the {len(x)} parts is taken by its number.")
        return x[k]

    def gathered(self, x: Value, node: ast.AST) -> Value:
        """`x[...]`; of a list of places, one part for each."""
        each = node.elts if isinstance(node, ast.Tuple) else [node]
        lists = {q: found for q, e in enumerate(each) if (found := self.places(e)) is not None}
        if not lists:
            return gathered(x, self.items(x, node))
        others = {q: self.item(e) for q, e in enumerate(each) if q not in lists}
        fixed = sorted([*lists, *(q for q, i in others.items() if isinstance(i, Value))])
        if len({len(v) for v in lists.values()}) > 1 or fixed != list(range(fixed[0], fixed[-1] + 1)):
            raise self.error("unsupported", "Lists of places stand beside each other and have one length.", node)
        if any(isinstance(i, tuple) for i in others.values()):
            raise self.error("unsupported", "A list of places holds numbers that are written out.", node)
        if any(i is ... or i is NEW or (isinstance(i, Value) and i.whole() is None) for i in others.values()):
            raise self.error("unsupported", "A list of places stands with colons, slices and numbers.", node)
        turns = [others | dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        whole = [WHOLE] * (x.rank - len(each))
        return stack([gathered(x, [*(turn[q] for q in range(len(each))), *whole]) for turn in turns], fixed[0])

    def places(self, node: ast.AST) -> tuple[Value, ...] | None:
        """The whole numbers of a list that is written out, here or before."""
        if not isinstance(node, ast.List) and not (isinstance(node, ast.Name) and isinstance(self.local.get(node.id), tuple)):
            return None
        made = self.read(node)
        numbers = made and all(isinstance(v, Value) and isinstance(v.exact, int) and not v.rank for v in made)
        return made if numbers and not isinstance(made, Outputs) else None

    def items(self, x: Value, node: ast.AST) -> list[Any]:
        """An item for each axis of x, and NEW where one is added."""
        items = [self.item(e) for e in (node.elts if isinstance(node, ast.Tuple) else [node])]
        items = [part for i in items for part in (i if isinstance(i, tuple) else (i,))]
        used = sum(i.rank if isinstance(i, Value) and i.truth else i is not NEW and i is not ... for i in items)
        missing = x.rank - used
        if missing < 0 or sum(i is ... for i in items) > 1:
            raise self.error("shape", f"Too many indices: the array has {axes_text(x.rank)}.", node)
        at = next((q for q, i in enumerate(items) if i is ...), len(items))
        return [*items[:at], *[WHOLE] * missing, *items[at + 1:]]

    def item(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Slice):
            return self.slice(node)
        if self.text.of(node) in ("None", "..."):
            return NEW if self.text.of(node) == "None" else ...
        path = self.path(node)
        if path and path[-1] == "newaxis" and not self.inputs.declared(path[0]):
            return NEW
        found = self.read(node)
        if isinstance(found, Triangle):
            return found.mask
        if isinstance(found, tuple) and not all(isinstance(v, Value) for v in found):
            raise self.error("unsupported", "An index is a whole number.", node, "A list of places holds numbers.")
        if isinstance(found, tuple) and any(not isinstance(v, Value) or v.rank for v in found):
            return found
        found = self.value(node)
        if found.rank == 0 and found.run is None and found.label is None and (
                found.offset is None) and not found.truth:
            raise self.error("unsupported", "An index is a whole number.", node,
                             "An index is a number, a name of integers, np.arange, a colon or None.")
        return found

    def slice(self, node: ast.Slice) -> Any:
        ends = [None if e is None else self.bound(e) for e in (node.lower, node.upper, node.step)]
        step = 1 if ends[2] is None else constant(ends[2])
        if ends[:2] == [None, None] and step == 1:
            return WHOLE
        return Slice(ends[0], ends[1], step or 0)

    def bound(self, node: ast.AST) -> Poly | None:
        if self.text.of(node) == "None":
            return None
        p = self.value(node).whole()
        if p is None:
            raise self.error("unsupported", "The bounds of a slice are whole numbers.", node,
                             "A bound is made of numbers, sizes and indices of loops.")
        return p

    def literal(self, node: ast.AST, hint: str | None = None) -> Any:
        """A number, a string, True, None or a tuple of them, written out or bound to a name."""
        if isinstance(node, ast.Constant) and node.value is not ...:
            if isinstance(node.value, complex | bytes):
                raise unsupported("Numbers are real here.")
            if type(node.value) is int and abs(node.value) > MOST_WRITTEN:
                raise unsupported("This number is too large to count with.")
            return node.value
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.literal(e) for e in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.literal(node.operand, hint)
            return -inner if type(inner) in (int, float) else inner
        if (self.module_path(node) or [""])[-1] == "inf":
            return float("inf")
        found = self.local.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(found, Word):
            return found.value
        if isinstance(found, Value) and found.whole() is not None and constant(found.whole() or {}) is not None:
            return constant(found.whole() or {})
        raise self.error("unsupported", "This must be written out as a number here.", node, hint)
