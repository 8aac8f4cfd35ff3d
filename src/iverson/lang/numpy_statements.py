"""Python statements: assignments, entries that are set, conditions, loops, functions of the text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..core.affine import constant
from ..core.affine import minus as less
from ..core.errors import IversonError
from .numpy_arrays import arange
from .numpy_calls import MODULES
from .numpy_effects import Effect, Effects, Frame
from .numpy_elementwise import compared, inverted, minus, plus, where
from .numpy_loops import together
from .numpy_parts import gathered, updated
from .numpy_reader import OPERATIONS, Function, Pending
from .numpy_text import dotted
from .numpy_values import Cell, Value, literal, plain, replace, stored, unsupported, whole_number

VIEWS = frozenset("reshape ravel view transpose squeeze swapaxes moveaxis asarray diagonal expand_dims flip".split())
BEFORE = "takes its value from the turn before."
AFTER = "has the value of the last turn here."


class Continued(Exception):
    """The turn of an unrolled loop ends here."""


class Returned(Exception):
    """The function is left with a value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Statements(Effects):
    """A reader of statements; a method for each kind."""

    def block(self, body: Sequence[ast.stmt]) -> None:
        for k, node in enumerate(body):
            if isinstance(node, ast.If) and self.placed_at(node, partial(self.branched, rest=body[k + 1:])):
                return
            if not isinstance(node, ast.If):
                self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_do_{type(node).__name__}", None)
        if method is None:
            raise self.error("unsupported", f"The statement `{self.text.of(node).split()[0]}` is not read.", node,
                             "Assignments, loops over ranges, if, and return are read.")
        self.placed_at(node, method)

    def placed_at(self, node: ast.stmt, method: Callable[[Any], Any]) -> Any:
        """What a method makes of a statement; its errors have a place at least there."""
        try:
            return method(node)
        except IversonError as error:
            error.span = error.span or self.text.span(node)
            raise

    def _do_Pass(self, node: ast.stmt) -> None:
        """Nothing to do."""

    _do_Assert = _do_Global = _do_Nonlocal = _do_Delete = _do_Pass

    def _do_Import(self, node: ast.Import) -> None:
        for a in node.names:
            if a.name.partition(".")[0] in MODULES | {"torch"}:
                self.modules.add(a.asname or a.name.partition(".")[0])

    def _do_ImportFrom(self, node: ast.ImportFrom) -> None:
        for a in node.names:
            if a.asname:
                self.inputs.aliases[a.asname] = a.name
                self.modules.add(a.asname)
            elif a.name in MODULES:
                self.modules.add(a.name)

    def _do_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.local[node.name] = Function(node, self.local, self.call)

    def _do_With(self, node: ast.With) -> None:
        self.block(node.body)

    def _do_Return(self, node: ast.Return) -> None:
        if self.frames:
            raise unsupported("A return inside a loop is not read.", "Return after the loop.")
        raise Returned(None if node.value is None else self.read(node.value))

    def _do_Expr(self, node: ast.Expr) -> None:
        e = node.value
        path = self.path(e.func) if isinstance(e, ast.Call) else None
        if isinstance(e, ast.Constant) or path == ["print"]:
            return
        if not isinstance(e, ast.Call) or path is None:
            raise unsupported("This statement does nothing that is read.", "Assign its value to a name, or return it.")
        if path[-1] == "fill_diagonal":
            self.fill_diagonal(e)
        elif path[-2:] == ["add", "at"] and len(e.args) == 3:
            self.add_at(e)
        elif len(path) == 2 and path[1] == "append" and len(e.args) == 1:
            self.appended(path[0], self._Tuple(ast.Tuple(e.args, ast.Load()))[0])
        else:
            raise unsupported("This statement does nothing that is read.", "Assign its value to a name, or return it.")

    def _do_Assign(self, node: ast.Assign) -> None:
        if self.frames and len(node.targets) == 1 and self.grown(node.targets[0], node.value):
            return
        v = self.read(node.value)
        for target in node.targets:
            self.put(target, v, node.value)
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        self.roots |= {n: self.roots[names[0]] for n in names[1:]}

    def grown(self, target: ast.AST, value: ast.AST) -> bool:
        """`s = s + e` and `m = max(m, e)` in a loop, read like `s += e`."""
        if not isinstance(target, ast.Name) or target.id not in self.frames[-1].outside:
            return False
        mine = [isinstance(e, ast.Name) and e.id == target.id for e in operands(value)]
        if sum(mine) != 1:
            return False
        other = operands(value)[1 - mine.index(True)]
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Mult | ast.Sub) and (
                mine[0] or not isinstance(value.op, ast.Sub)):
            self.accumulate(target.id, value.op, self.value(other))
            return True
        kind = extreme_of(value)
        if kind is not None:
            made = Effect(target.id, kind, self.value(other), together(self.inner_held()))
            self.frames[-1].effects.append(made)
        return kind is not None

    def _NamedExpr(self, node: ast.NamedExpr) -> Any:
        if self.book.depth:
            raise unsupported("An assignment inside an expression is not read in a loop.", "Write it as a statement before.")
        self.name_it(node.target.id, self.read(node.value), node.value)
        return self.read(node.target)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.put(node.target, self.read(node.value), node.value)

    def put(self, target: ast.AST, v: Any, source: ast.AST) -> None:
        """`target = v`."""
        if isinstance(target, ast.Name):
            self.name_it(target.id, v, source)
        elif isinstance(target, ast.Subscript):
            self.set_entries(target, self.as_value(v, source), None)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = self.parts(v, len(target.elts), source)
            alone = isinstance(source, ast.Tuple | ast.List) and len(source.elts) == len(parts)
            sources = source.elts if isinstance(source, ast.Tuple | ast.List) and alone else [source] * len(parts)
            for t, part, own in zip(target.elts, parts, sources, strict=True):
                self.put(t, part, own)
        else:
            raise self.error("unsupported", "This is not a name.", target)

    def parts(self, v: Any, count: int, node: ast.AST) -> Sequence[Any]:
        """What a tuple on the left takes."""
        if isinstance(v, Value) and v.rank and constant(self.book.poly(v.axes[0])) in (None, count):
            v = tuple(gathered(v, [literal(self.book, k), *["whole"] * (v.rank - 1)]) for k in range(count))
        if not isinstance(v, tuple) or len(v) != count:
            raise self.error("unsupported", f"This does not have {count} parts.", node, "Assign the parts one by one.")
        return v

    def name_it(self, n: str, v: Any, source: ast.AST) -> None:
        if self.frames and n in self.frames[-1].outside:
            if any(e.name == n for e in self.frames[-1].effects):
                raise unsupported(f"{n} is added to and set anew in one loop.", "Use two names.")
            self.frames[-1].outside.discard(n)
        root = self.root(source)
        self.local[n] = self.assign(n, v)
        self.roots[n] = ("listed", n) if isinstance(v, tuple) else root or object()

    def root(self, node: ast.AST) -> Any:
        """The array whose entries an expression shows without a copy; None for a new array."""
        if isinstance(node, ast.Name):
            return self.roots.get(node.id, ("input", node.id) if node.id not in self.local else None)
        if isinstance(node, ast.Attribute):
            return self.root(node.value) if node.attr in ("T", "mT", "real", "flat") else None
        if isinstance(node, ast.Subscript):
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            copied = any(not isinstance(e, ast.Slice | ast.Constant | ast.UnaryOp) and self.fancy(e) for e in items)
            return None if copied else self.root(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS:
            return self.root(node.func.value) or (self.root(node.args[0]) if node.args else None)
        return None

    def fancy(self, node: ast.AST) -> bool:
        """Whether an item of a subscript is an array, so that the entries are copied."""
        made = self.read(node) if not (isinstance(node, ast.Constant) or (self.path(node) or [""])[-1] == "newaxis") else None
        return isinstance(made, Value) and made.rank > 0

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        v = self.value(node.value)
        if isinstance(node.target, ast.Subscript):
            self.set_entries(node.target, v, node.op)
            return
        if not isinstance(node.target, ast.Name):
            raise self.error("unsupported", "This is not a name.", node.target)
        n = node.target.id
        if self.frames and n in self.frames[-1].outside:
            self.accumulate(n, node.op, v)
            return
        old = self._Name(node.target)
        if not isinstance(old, Value):
            raise unsupported("Only numbers and arrays are added to.")
        if old.rank:
            self.owned(n)
        new = self.operation(node.op)(old, v)
        if new.axes != old.axes and len(new.axes) != len(old.axes):
            raise IversonError("shape", f"{n} keeps its axes when it is changed in place.")
        root = self.roots.get(n)
        self.name_it(n, replace(new, span=self.text.span(node)), node)
        if root is not None:
            self.roots[n] = root

    def operation(self, op: ast.operator) -> Callable[[Value, Value], Value]:
        if type(op) not in OPERATIONS or isinstance(op, ast.MatMult | ast.FloorDiv):
            raise unsupported("This assignment is not read.", "Write +=, -=, *= or /=.")
        return OPERATIONS[type(op)]

    def set_entries(self, target: ast.Subscript, v: Value, op: ast.operator | None) -> None:
        """`name[items] = v` or `name[items] op= v`."""
        if not isinstance(target.value, ast.Name):
            raise self.error("unsupported", "Entries are set of a named array.", target, "Name the part first.")
        n = target.value.id
        step = None if op is None else self.operation(op)
        if self.frames and n in self.frames[-1].outside:
            x = self.frame_value(n, self.frames[-1])
            self.keep_type(x, v, target)
            if op is not None and not isinstance(op, ast.Add | ast.Sub):
                raise unsupported("In a loop, entries are set or added to.")
            kind, held = ("set" if op is None else "sum"), together(self.inner_held())
            made = Effect(n, kind, minus(v) if isinstance(op, ast.Sub) else v, held, tuple(self.items(x, target.slice)))
            self.frames[-1].effects.append(made)
            return
        x = self._Name(target.value)
        if not isinstance(x, Value) or x.rank == 0:
            raise unsupported("Entries of an array are set.")
        self.keep_type(x, v, target)
        self.owned(n)
        new = self.entries_set(plain(x), self.items(x, target.slice), plain(v), op, step)
        self.store(n, compared("!=", new, literal(self.book, 0)) if x.truth else replace(new, integral=x.keeps_whole()), target)

    def keep_type(self, x: Value, v: Value, node: ast.AST) -> None:
        """Refuse numbers that NumPy would cut off to whole ones, or turn into True."""
        kind, new = x.keeps_whole(), v.keeps_whole()
        if x.truth and not (v.truth or v.exact in (0, 1)):
            raise self.error("unsupported", "NumPy keeps True or False here.", node, "Write 1.0*(...) for numbers.")
        if not kind or new is True or (isinstance(new, str) and new == kind):
            return
        if self.book.whole_type(kind):
            raise self.error("unsupported", "NumPy keeps whole numbers in this array, and would cut this off.", node,
                             "Start from numbers with a point: 0.0, or from np.zeros(n).")
        self.book.reals.append(str(kind))

    def entries_set(self, x: Value, items: Sequence[Any], v: Value, op: ast.operator | None,
                    step: Callable[[Value, Value], Value] | None) -> Value:
        if isinstance(op, ast.Add | ast.Sub):
            return updated(x, items, minus(v) if isinstance(op, ast.Sub) else v, plus)
        return updated(x, items, v, step)

    def store(self, n: str, new: Value, node: ast.AST) -> None:
        """The new array under an old name, which stays the same array to Python."""
        root = self.roots.get(n, ("input", n))
        self.local[n] = self.assign(n, replace(new, span=self.text.span(node)))
        self.roots[n] = root

    def fill_diagonal(self, e: ast.Call) -> None:
        target = e.args[0]
        if not isinstance(target, ast.Name) or len(e.args) != 2:
            raise unsupported("np.fill_diagonal is read of a named matrix.")
        x = self.value(target)
        if x.rank != 2:
            raise unsupported("np.fill_diagonal is read of a square matrix.")
        self.book.agree(x.axes[0], x.axes[1], "The matrix must be square.")
        self.keep_type(x, self.value(e.args[1]), e)
        self.owned(target.id)
        places = arange(self.book, x.axes[0])
        self.store(target.id, updated(x, [places, places], self.value(e.args[1]), None), e)

    def add_at(self, e: ast.Call) -> None:
        """np.add.at(x, places, v): every place counts, however often."""
        target, places, v = e.args[0], e.args[1], self.value(e.args[2])
        if not isinstance(target, ast.Name):
            raise unsupported("np.add.at is read of a named array.")
        x = self.value(target)
        items = self.items(x, places)
        i = items[0]
        if not isinstance(i, Value) or i.rank != 1 or i.axes[0] is None or any(t != "whole" for t in items[1:]):
            raise unsupported("np.add.at is read with one array of places.", "Write a loop over the places.")
        cell = self.entered({}, less(self.book.poly(i.axes[0]), {(): 1}), None)
        row = gathered(v, [self.at(cell), *["whole"] * (v.rank - 1)]) if v.rank == x.rank else v
        added = Effect(target.id, "sum", row, None, (gathered(i, [self.at(cell)]), *items[1:]))
        self.owned(target.id)
        self.store(target.id, plus(x, self.added_entries(x, added, cell)), e)

    def at(self, cell: Cell) -> Value:
        return whole_number(self.book, {(cell.node,): 1})

    def branched(self, node: ast.If, rest: Sequence[ast.stmt]) -> bool:
        """Read an `if`; True when what follows has been read with it."""
        known = self.known(node.test)
        if known is not None:
            self.block(node.body if known else node.orelse)
            return False
        test = self.single(self.value(node.test), "if", "Write np.where(c, a, b) for arrays.")
        self.refuse_sizes(test, node.test)
        last = node.body[-1]
        if isinstance(last, ast.Return) and not (self.frames or self.loops):
            self.either(test, node.body, [*node.orelse, *rest])
        if isinstance(last, ast.Continue):
            self.branches(test, node.body[:-1], [*node.orelse, *rest])
            return True
        self.branches(test, node.body, node.orelse)
        return False

    def either(self, test: Value, yes: Sequence[ast.stmt], no: Sequence[ast.stmt]) -> None:
        """Two ways to return."""
        found: list[Any] = []
        for body in (yes, no):
            outer = dict(self.local), dict(self.roots)
            try:
                self.block(body)
            except Returned as end:
                found.append(end.value)
            self.local, self.roots = outer
        if len(found) != 2 or not all(isinstance(v, Value) for v in found) or found[0].rank != found[1].rank:
            raise unsupported("The two ways to return are not alike.", "Write np.where(c, a, b).")
        raise Returned(where(test, *found))

    def branches(self, test: Value, yes: Sequence[ast.stmt], no: Sequence[ast.stmt]) -> None:
        """Names that a branch gives a value to have one of two values after it."""
        before, found, effects = self.local, [], []
        for body, c in ((yes, test), (no, inverted(test))):
            started = len(self.frames[-1].effects) if self.frames else 0
            self.local, known = dict(before), len(self.book.facts)
            self.held.append(c)
            self.book.facts += c.facts() if c.facts is not None else []
            try:
                self.block(body)
            finally:
                self.held.pop()
                del self.book.facts[known:]
            found.append(self.local)
            if self.frames:
                effects.append(self.frames[-1].effects[started:])
                del self.frames[-1].effects[started:]
        if self.frames:
            self.frames[-1].effects += self.either_way(test, *effects)
        self.local = dict(before)
        for n in dict.fromkeys([*found[0], *found[1]]):
            v, w = (f.get(n, Pending("has a value under a condition only.")) for f in found)
            if v is not w:
                both_known = isinstance(v, Value) and isinstance(w, Value)
                self.local[n] = self.assign(n, where(test, v, w)) if both_known else Pending(
                    "has a value under a condition only.")

    def _do_Continue(self, node: ast.Continue) -> None:
        raise Continued

    def _do_For(self, node: ast.For) -> None:
        if node.orelse:
            raise unsupported("An else after a loop is not read.")
        items = self.written_out(node.iter)
        if items is not None:
            self.unrolled(node, items)
            return
        changed = changed_names(node.body)
        for n in changed - set(self.local):
            if n in self.inputs.params and self.inputs.known(n):
                self.local[n] = stored(self.book, n, self.inputs.array(n), self.inputs.row(n))
                self.roots.setdefault(n, ("input", n))
        before = self.local
        frame = Frame(before, {n for n in changed if n in before}, len(self.held))
        with self.scope():
            cell = self.turn(node.target, node.iter)
            for n in frame.outside:
                self.local[n] = Pending(BEFORE)
            self.frames.append(frame)
            try:
                self.block(node.body)
            except Continued:
                pass
            finally:
                self.frames.pop()
            temporary = {n for n, v in self.local.items() if before.get(n) is not v and n not in frame.outside}
        self.local |= {n: Pending(AFTER) for n in temporary}
        self.refuse_mixed(frame)
        for effect in frame.effects:
            self.applied(effect, cell, frame)

    def unrolled(self, node: ast.For, items: Sequence[Any]) -> None:
        self.loops += 1
        for item in items:
            self.give(node.target, item)
            try:
                self.block(node.body)
            except Continued:
                continue
        self.loops -= 1

    def body_of(self, function: ast.Lambda | ast.FunctionDef) -> Any:
        if isinstance(function, ast.Lambda):
            return self.read(function.body)
        outer = self.roots, self.frames, self.held
        self.roots, self.frames, self.held = {n: ("argument", n) for n in self.local}, [], []
        try:
            self.block(function.body)
        except Returned as end:
            return end.value
        finally:
            self.roots, self.frames, self.held = outer
        raise unsupported(f"{function.name} returns no value.", "End with `return`.")


def changed_names(body: Sequence[ast.stmt]) -> set[str]:
    """Names that statements give a value to, change or fill."""
    found: set[str] = set()
    for node in (n for s in body for n in ast.walk(s)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.add(node.value.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            found |= {node.func.value.id} if isinstance(node.func.value, ast.Name) else set()
    return found


def operands(value: ast.AST) -> list[ast.expr]:
    """The two operands of an operation or of a call."""
    if isinstance(value, ast.BinOp):
        return [value.left, value.right]
    return value.args if isinstance(value, ast.Call) and len(value.args) == 2 and not value.keywords else []


def extreme_of(value: ast.AST) -> str | None:
    """max or min, where a call is one of two things."""
    path = dotted(value.func) if isinstance(value, ast.Call) else None
    return {"max": "max", "min": "min", "maximum": "max", "minimum": "min"}.get(path[-1]) if path else None
