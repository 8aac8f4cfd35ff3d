"""NumPy expressions to values, one method for each kind of Python node; never executed.

A name is local (a value, a tuple, a function, a word), an array or scalar that comes in, a size, or a module.
Statements are in numpy_src.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import Any

from ..core.affine import Poly, constant
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_arrays import matmul, reduced, transposed
from .numpy_calls import BUILTINS, CALLS, HINTS, METHODS, MODULES, NUMBER_TYPES, TORCH_DIFFERS, Outputs
from .numpy_elementwise import applied, both, compared, either, inverted, minus, over, plus, power, times, total, where
from .numpy_loops import Turns, all_turns, over_turns, together
from .numpy_moves import stacked_list
from .numpy_parts import NEW, WHOLE, Slice, gathered
from .numpy_sizes import Size, size_of
from .numpy_text import Inputs, Text, dotted, summing
from .numpy_values import Book, Cell, Value, axes_text, extent, infinite, literal, stored, unsupported, whole_number
from .ops import CONSTANTS, OPS, REDUCTIONS
from .surface import name as named
from .tokens import tokenize

RELATIONS: dict[type, str] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
OPERATIONS: dict[type, Callable[[Value, Value], Value]] = {
    ast.Add: plus, ast.Sub: lambda x, y: total([x, y], [False, True]),
    ast.Mult: times, ast.Div: over, ast.Pow: power, ast.MatMult: matmul, ast.BitAnd: both, ast.BitOr: either,
    ast.FloorDiv: lambda x, y: applied("floor", over(x, y))}
REFUSED: dict[str, tuple[str, str | None]] = {
    "NamedExpr":    ("An assignment inside an expression", "Write it as a statement before."),
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
TORCH_WORDS = {"dim": "axis", "keepdim": "keepdims"}
WORDS = {*REDUCTIONS, *CONSTANTS, *OPS, "and", "or", "not", "where", "in", "lambda", "inf", "nan", "e"}
COMPARED: dict[str | None, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
MOST_TURNS = 64
MOST_CALLS = 40


@dataclass(frozen=True)
class Function:
    """A lambda or def, and the names around it."""

    node: ast.Lambda | ast.FunctionDef
    local: dict[str, Any]


@dataclass(frozen=True)
class Word:
    """A value that steers Python alone: a text, True, False or None."""

    value: Any


class Pending:
    """A name whose value depends on the turn before, or on how many turns there were."""

    def __init__(self, why: str) -> None:
        self.why = why


@cache
def signature_of(row: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(row)


class Reader:
    """One reading of one text; a method for each kind of Python node that is read."""

    def __init__(self, text: Text, inputs: Inputs) -> None:
        self.text, self.inputs = text, inputs
        self.book = Book(inputs.words)
        self.local: dict[str, Any] = {}
        self.modules: set[str] = set(MODULES)
        self.calls = 0
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
        return replace(made, span=self.text.span(node)) if isinstance(made, Value) else made

    def refuse(self, node: ast.AST) -> Any:
        what, hint = REFUSED.get(type(node).__name__, ("This kind of expression", None))
        raise unsupported(f"{what} is not read here.", hint)

    def value(self, node: ast.AST) -> Value:
        """An array or a number."""
        made = self.read(node)
        if isinstance(made, Value):
            return made
        if isinstance(made, Word) and isinstance(made.value, bool):
            return literal(self.book, int(made.value))
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
            text = str(node.value)
        try:
            return literal(self.book, tokenize(text)[0].value or 0)
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
        if n in self.modules | {"pi", "inf", "nan"} and not self.inputs.declared(n):
            return self.constant(n)
        return stored(self.book, n, self.inputs.array(n), self.inputs.row(n))

    def constant(self, n: str) -> Value:
        if n == "pi":
            return Value(self.book, (), lambda _: named("pi"))
        if n == "e":
            return applied("exp", literal(self.book, 1))
        if n in ("inf", "Inf", "infty"):
            return infinite(self.book, 1)
        raise unsupported(f"{n} is not a number that is read.", "Constants: np.pi and np.e.")

    def _Attribute(self, node: ast.Attribute) -> Any:
        path = self.module_path(node)
        if path:
            return self.constant(path[-1])
        x = self.value(node.value)
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
        path = dotted(node)
        return path if path and len(path) > 1 and path[0] in self.modules and self.foreign(path[0]) else None

    def foreign(self, n: str) -> bool:
        """Whether a name is neither an array nor local."""
        return n not in self.local and (not self.inputs.known(n) or n in self.inputs.modules)

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
        return Function(node, self.local)

    def _Tuple(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        return tuple(self.read(e) for e in node.elts)

    _List = _Tuple

    # -- loops -----------------------------------------------------------------------------------------------

    def _GeneratorExp(self, node: ast.GeneratorExp | ast.ListComp) -> Any:
        with self.scope():
            turns = self.literal_turns(node)
            if turns is not None:
                return turns
            cells: list[Cell] = []
            held: list[Value] = []
            for part in node.generators:
                cell = self.turn(part.target, part.iter)
                cells.append(cell)
                for test in part.ifs:
                    c = self.single(self.value(test), "if", "A filter is one condition.")
                    held.append(c)
                    self.book.facts += c.facts() if c.facts is not None else []
            value = self.value(node.elt)
            return Turns(tuple(cells), value, together(held))

    _ListComp = _GeneratorExp

    def literal_turns(self, node: ast.GeneratorExp | ast.ListComp) -> tuple[Any, ...] | None:
        """The values of a comprehension over what is written out."""
        [part, *more] = node.generators
        items = self.written_out(part.iter)
        if items is None or more or part.ifs:
            return None
        found = []
        for item in items:
            self.give(part.target, item)
            found.append(self.read(node.elt))
        return tuple(found)

    def written_out(self, node: ast.AST) -> list[Any] | None:
        """The turns of a loop over a written list, or over few written numbers."""
        if isinstance(node, ast.Call) and dotted(node.func) == ["range"]:
            ends = [self.value(a).whole() for a in node.args]
            if all(p is not None and constant(p) is not None for p in ends):
                numbers = range(*(constant(p) for p in ends if p is not None))
                return [literal(self.book, n) for n in numbers] if len(numbers) <= MOST_TURNS else None
            return None
        if isinstance(node, ast.Call) and dotted(node.func) in (["zip"], ["enumerate"]):
            rows = [self.written_out(a) for a in node.args]
            if any(r is None for r in rows):
                return None
            known = [r for r in rows if r is not None]
            if dotted(node.func) == ["enumerate"]:
                return [(literal(self.book, n), v) for n, v in enumerate(known[0])]
            return [tuple(row) for row in zip(*known, strict=False)]
        if isinstance(node, ast.List | ast.Tuple):
            return list(self._Tuple(node))
        if isinstance(node, ast.Name) and isinstance(self.local.get(node.id), tuple):
            return list(self.local[node.id])
        return None

    def turn(self, target: ast.expr, source: ast.expr) -> Cell:
        """Enter a loop over what is not written out; its target has the value of one turn."""
        if isinstance(source, ast.Call) and dotted(source.func) == ["range"]:
            cell = self.entered(*self.range_of(source), self.loop_name(target))
            self.give(target, whole_number(self.book, {(cell.node,): 1}))
            return cell
        arrays, counted = self.sources(source)
        cell = self.entered({}, less(self.book.poly(arrays[0].axes[0]), {(): 1}), self.loop_name(target))
        place = whole_number(self.book, {(cell.node,): 1})
        rows = [gathered(x, [place, *[WHOLE] * (x.rank - 1)]) for x in arrays]
        made: Any = rows[0] if len(rows) == 1 and not self.zipped(source) else tuple(rows)
        self.give(target, (place, made) if counted else made)
        return cell

    def zipped(self, source: ast.AST) -> bool:
        if isinstance(source, ast.Call) and dotted(source.func) == ["enumerate"]:
            return self.zipped(source.args[0])
        return isinstance(source, ast.Call) and dotted(source.func) == ["zip"]

    def sources(self, source: ast.expr) -> tuple[list[Value], bool]:
        """The arrays a loop goes along, and whether its turns are counted."""
        if isinstance(source, ast.Call) and dotted(source.func) == ["enumerate"] and len(source.args) == 1:
            return self.sources(source.args[0])[0], True
        if isinstance(source, ast.Call) and dotted(source.func) == ["zip"]:
            arrays = [self.value(a) for a in source.args]
        else:
            arrays = [self.value(source)]
        for x in arrays:
            if x.rank == 0 or x.axes[0] is None or x.kept is not None:
                raise unsupported("A loop goes over a range, or over the first axis of an array.", "Write range(len(x)).")
            self.book.agree(arrays[0].axes[0], x.axes[0], "zip goes along arrays of one length.")
        return arrays, False

    def range_of(self, node: ast.Call) -> tuple[Poly, Poly]:
        """The least and the largest value of a range."""
        ends = [self.value(a).whole() for a in node.args]
        known = [p for p in ends if p is not None]
        if len(known) < len(ends) or not 1 <= len(ends) <= 3 or node.keywords:
            raise unsupported("The ends of a range are whole numbers.", "Write range(n), range(1, n), range(len(x)).")
        step = constant(known[2]) if len(known) == 3 else 1
        low, high = (known[0], known[1]) if len(known) > 1 else ({}, known[0])
        if step == -1:
            return summed([high, {(): 1}]), low
        if step != 1:
            raise unsupported("A range is read with steps of 1 or -1.", "Compute the index: x[2*i].")
        return low, less(high, {(): 1})

    def entered(self, low: Poly, high: Poly, name: str | None) -> Cell:
        cell = Cell(low, high, name)
        self.book.cells[cell.node] = cell
        cell.current = named("?")
        return cell

    def loop_name(self, target: ast.AST) -> str | None:
        """What the user calls the index, where nothing else bears the name."""
        n = target.id if isinstance(target, ast.Name) else None
        if isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
            n = target.elts[0].id
        taken = {*self.inputs.axes, *self.inputs.named, *self.inputs.params, *(e.name for e in self.book.equations)}
        return n if n is not None and len(n) == 1 and n not in taken and not self.inputs.declared(n) else None

    def give(self, target: ast.AST, value: Any) -> None:
        """Bind the names of a target to the parts of a value."""
        if isinstance(target, ast.Name):
            self.local[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, tuple) and len(value) == len(target.elts):
            for t, v in zip(target.elts, value, strict=True):
                self.give(t, v)
        else:
            raise self.error("unsupported", "This is not what a turn of the loop is made of.", target)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Names bound inside are forgotten outside."""
        outer, known = self.local, len(self.book.facts)
        self.local = dict(outer)
        self.book.depth += 1
        try:
            yield
        finally:
            self.local = outer
            self.book.depth -= 1
            del self.book.facts[known:]

    # -- subscripts ------------------------------------------------------------------------------------------

    def _Subscript(self, node: ast.Subscript) -> Any:
        x = self.read(node.value)
        if isinstance(x, Turns):
            x = all_turns(x)
        if not isinstance(x, tuple):
            return gathered(x, self.items(x, node.slice))
        if isinstance(node.slice, ast.Slice):
            ends = [None if e is None else self.literal(e) for e in (node.slice.lower, node.slice.upper, node.slice.step)]
            return x[slice(*ends)]
        whole = self.value(node.slice).whole()
        k = None if whole is None else constant(whole)
        if k is None or not -len(x) <= k < len(x):
            raise unsupported(f"One of the {len(x)} parts is taken by its number.")
        return x[k]

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
        path = self.module_path(node) or dotted(node)
        if path and path[-1] == "newaxis" and not self.inputs.declared(path[0]):
            return NEW
        found = self.read(node)
        if isinstance(found, tuple) and any(not isinstance(v, Value) or v.rank for v in found):
            return found
        found = self.value(node)
        if found.rank == 0 and found.run is None and found.label is None and not found.truth:
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

    # -- calls -----------------------------------------------------------------------------------------------

    def _Call(self, node: ast.Call) -> Any:
        path = dotted(node.func)
        if isinstance(node.func, ast.Lambda):
            return self.called(Function(node.func, self.local), node)
        if path is not None and len(path) == 1 and isinstance(self.local.get(path[0]), Function):
            return self.called(self.local[path[0]], node)
        loop = self.loop_total(path, node)
        if loop is not None:
            return loop
        if path is not None and (len(path) == 1 or self.foreign(path[0])):
            return self.invoke(self.row(path, node), node, [])
        if not isinstance(node.func, ast.Attribute):
            raise unsupported("Only named functions are called.")
        n = node.func.attr
        if n not in METHODS:
            raise unsupported(f"The method .{n}() is not read.", HINTS.get(n))
        return self.invoke(METHODS[n], node, [self.value(node.func.value)])

    def loop_total(self, path: list[str] | None, node: ast.Call) -> Value | None:
        """sum(... for ...), np.mean([... for ...]) and their kind."""
        if path is None or path[-1] not in TOTALS or len(node.args) != 1 or len(path) > 2:
            return None
        arg = node.args[0]
        made = self.read(arg) if isinstance(arg, ast.GeneratorExp | ast.ListComp | ast.List | ast.Tuple) else None
        if isinstance(arg, ast.Name) and isinstance(self.local.get(arg.id), Turns | tuple):
            made = self.local[arg.id]
        kind, python = TOTALS[path[-1]], len(path) == 1
        if isinstance(made, tuple) and not node.keywords and all(isinstance(v, Value) for v in made):
            return self.listed(kind, python, made)
        if not isinstance(made, Turns) or (node.keywords and made.value.rank):
            return None if made is None or isinstance(made, tuple) else self.reduced_array(path, node, made)
        if isinstance(arg, ast.GeneratorExp) and not python:
            raise unsupported("NumPy does not add up a generator.", "Write sum(...), or a list in brackets.")
        if made.value.rank and not python:
            if kind in ("mean",) and made.held is not None:
                raise unsupported("A mean of selected arrays is not read.", "Divide the sum by the number of its terms.")
            made = replace(made, value=reduced(kind, made.value))
        if made.value.rank and kind in ("max", "min"):
            raise unsupported(f"Python's {kind} does not compare arrays.", f"Write np.{kind}([...], axis=0).")
        return over_turns(kind, made)

    def reduced_array(self, path: list[str], node: ast.Call, made: Turns) -> Value:
        rest = {str(k.arg): self.literal(k.value) for k in node.keywords}
        return CALLS[path[-1]](all_turns(made), **rest)

    def listed(self, kind: str, python: bool, parts: tuple[Value, ...]) -> Value:
        """sum([a, b]) and its kind, of what is written out."""
        if python and kind in ("max", "min") and any(v.rank for v in parts):
            raise unsupported(f"Python's {kind} does not compare arrays.", f"Write np.{kind}([...], axis=0).")
        if not python:
            parts = tuple(reduced(kind, v) if v.rank else v for v in parts)
        if not parts:
            raise unsupported("There is nothing to add up here.")
        if kind in ("max", "min"):
            return applied(kind, *parts) if len(parts) > 1 else parts[0]
        made = reduce(times, parts) if kind == "prod" else plus(*parts)
        return over(made, literal(self.book, len(parts))) if kind == "mean" else made

    def row(self, path: list[str], node: ast.Call) -> Callable[..., Any]:
        """The row of a function's name."""
        n = path[-1]
        if self.inputs.declared(path[0]) or path[0] in self.local:
            raise unsupported(f"{path[0]} is an array and is not called.", "Write * for a product.")
        if len(path) == 1 and n in BUILTINS:
            return BUILTINS[n]
        name = self.inputs.aliases.get(n, n) if len(path) == 1 else n
        found = CALLS.get(".".join(path[-2:])) or CALLS.get(name)
        if path[0] in ("torch", "F") and n in TORCH_DIFFERS:
            raise unsupported(f"{'.'.join(path)} means another thing than NumPy's {n}.", TORCH_DIFFERS[n])
        if found is not None and set(path[:-1]) <= self.modules:
            return found
        near = [f"Did you mean {m}?" for m in difflib.get_close_matches(n, CALLS, 1, 0.8) if m != n]
        hint = HINTS.get(n) or next(iter(near), None)
        raise self.error("unsupported", f"The function {'.'.join(path)} is not read.", node.func, hint)

    def invoke(self, row: Callable[..., Any], node: ast.Call, given: list[Any]) -> Any:
        """Call a row; its signature says which arguments there are and how each is read."""
        signature = signature_of(row)
        if any(p.annotation == "Book" for p in signature.parameters.values()):
            given = [self.book]
        if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            raise unsupported("Starred arguments are not read.")
        try:
            names = {str(k.arg): k.value for k in node.keywords}
            if "axis" in signature.parameters:
                names = {TORCH_WORDS.get(n, n): v for n, v in names.items()}
            bound = signature.bind(*given, *node.args, **names)
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
            made = self.read(node)
            if isinstance(made, Turns) or (isinstance(made, tuple) and all(isinstance(v, Value) for v in made)):
                return made
            raise self.error("unsupported", "A list of arrays is expected here.", node, "Write [a, b].")
        if kind == "Extent":
            return self.size(self.read(node), node)
        if kind == "Plain":
            return self.literal(node, hint)
        read = {"Axes": self.shape, "Dtype": self.number_type, "Shape": self.new_shape}
        return read.get(kind, self.array)(node)

    def array(self, node: ast.AST) -> Value:
        """An argument that may be a list."""
        made = self.read(node)
        if isinstance(made, Turns):
            return all_turns(made)
        if isinstance(made, tuple) and not isinstance(made, Outputs) and made:
            return stacked_list(made)
        return made if isinstance(made, Value) else self.value(node)

    def shape(self, node: ast.AST) -> tuple[Size | None, ...]:
        made = self.read(node)
        return tuple(self.size(p, node) for p in (made if isinstance(made, tuple) else (made,)))

    def new_shape(self, node: ast.AST) -> Any:
        """Sizes of which one may be -1, or a tuple of them."""
        made = self.read(node)
        if isinstance(made, tuple):
            return tuple(self.open_size(p, node) for p in made)
        return self.open_size(made, node)

    def open_size(self, v: Any, node: ast.AST) -> Any:
        whole = v.whole() if isinstance(v, Value) else None
        return -1 if whole is not None and constant(whole) == -1 else self.size(v, node)

    def size(self, v: Any, node: ast.AST) -> Size | None:
        """A size: a number, a size's name, len(x) or X.shape[0]."""
        if isinstance(v, Value) and v.counts is not None:
            return v.counts
        p = v.whole() if isinstance(v, Value) else None
        if p is None or (constant(p) is not None and constant(p) < 1):
            raise self.error("unsupported", "This is not a size.", node, "Sizes: 3, N, len(x), X.shape[0].")
        return size_of(p)

    def number_type(self, node: ast.AST) -> bool:
        if self.text.of(node).replace('"', "'") not in NUMBER_TYPES:
            raise self.error("unsupported", "Numbers are float64 here.", node, "Leave the type out.")
        return True

    def literal(self, node: ast.AST, hint: str | None = None) -> Any:
        """A number, a string, True, None or a tuple of them, written out or bound to a name."""
        if isinstance(node, ast.Constant) and node.value is not ...:
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

    # -- local names -----------------------------------------------------------------------------------------

    def called(self, function: Function, node: ast.Call) -> Any:
        """`(lambda s: body)(value)`, or a function of the text: its arguments become definitions."""
        given = self.arguments(function.node, node)
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise unsupported("Functions that call each other so often are not read.", "Write the loss without recursion.")
        outer = self.local
        self.local = dict(function.local) if isinstance(function.node, ast.FunctionDef) else function.local | outer
        self.local |= {n: self.assign(n, v) for n, v in given.items()}
        try:
            return self.body_of(function.node)
        finally:
            self.local = outer

    def body_of(self, function: ast.Lambda | ast.FunctionDef) -> Any:
        """The value of a function whose arguments are local names."""
        assert isinstance(function, ast.Lambda)
        return self.read(function.body)

    def arguments(self, function: ast.Lambda | ast.FunctionDef, node: ast.Call) -> dict[str, Any]:
        """The values of a call's arguments by name."""
        a = function.args
        wanted = [p.arg for p in (*a.posonlyargs, *a.args)]
        every = [*wanted, *(p.arg for p in a.kwonlyargs)]
        if a.vararg or a.kwarg or any(k.arg is None for k in node.keywords) or any(
                isinstance(e, ast.Starred) for e in node.args):
            raise unsupported("A function is read with plain arguments, as many as it names.")
        defaults = dict(zip(wanted[len(wanted) - len(a.defaults):], a.defaults, strict=True))
        defaults |= {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None}
        given = dict(zip(wanted, node.args, strict=False)) | {str(k.arg): k.value for k in node.keywords}
        if len(node.args) > len(wanted) or not set(given) <= set(every) or not set(every) <= {*given, *defaults}:
            raise unsupported("A lambda is read with plain arguments, as many as it names." if isinstance(
                function, ast.Lambda) else "This function is called with other arguments than it names.")
        return {n: self.read(given.get(n, defaults.get(n))) for n in every}  # type: ignore[arg-type]

    def assign(self, n: str, v: Any) -> Any:
        """A local name: a definition, or the value itself where that says as much."""
        if isinstance(v, Turns) or not isinstance(v, Value):
            return v
        said = v.truth or v.run is not None or v.label is not None or v.exact is not None or v.identity or v.simple
        if said or v.hole is not None or v.kept is not None or len(v.sizes()) > 2 or self.inside(v):
            return v
        return replace(self.book.define(v, self.version(n)), span=v.span)

    def inside(self, v: Value) -> bool:
        """Whether we are inside a loop, where a definition would have its index."""
        return bool(self.book.depth)

    def version(self, n: str) -> str | None:
        """The name of a definition: the user's own, numbered when it is taken; None leaves the choice."""
        used = {*self.inputs.params, *self.inputs.first, *self.inputs.named, *(e.name for e in self.book.equations)}
        if n in self.inputs.dims or n in self.inputs.ranks:
            used.add(n)
        if n not in used and n not in WORDS:
            return n
        stem = f"{n}_" if n[-1].isdigit() else n
        return self.book.unused(f"{stem}{k}" for k in range(1, 200)) if n in self.inputs.stored else None
