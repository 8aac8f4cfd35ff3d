"""NumPy source to a script: a function, statements or one expression, read through `ast` and never executed.

Glossary   frame: what the turns of a loop do to names outside it.  root: the array that a name is a view of.
Assignments become definitions of the script under the user's names.  Setting entries of an array makes a new array, so
a name that another one is a view of is not changed: that is refused.  A loop is read where its turns only add up,
multiply, compare or fill an array, so that their order does not matter; a written-out one is unrolled.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.affine import Poly, constant, split
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_arrays import arange, filled
from .numpy_calls import MODULES
from .numpy_elementwise import applied, inverted, minus, over, plus, times, where
from .numpy_loops import Turns, each, over_cell, together
from .numpy_parts import Slice, gathered, updated
from .numpy_reader import OPERATIONS, Function, Pending, Reader, Word
from .numpy_sizes import poly_tree
from .numpy_text import Inputs, Text, dotted, program, source_of
from .numpy_values import Cell, Value, flip, literal, plain, spanned, unsupported, whole_number
from .surface import Equation, Script, Surface, call, names_in, number
from .tokens import tokenize

RESULTS = ("L", "loss", "L_", "loss_", *(f"L{n}" for n in range(1, 20)))
VIEWS = frozenset("reshape ravel view transpose squeeze swapaxes moveaxis asarray diagonal expand_dims flip".split())
BEFORE = "takes its value from the turn before."
AFTER = "has the value of the last turn here."


def parse_numpy(text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, str | int | Sequence[str | int]] | None = None) -> Script:
    """NumPy source as a script; its last equation is the result.

    ranks   0 to 4 for each array, or "row" for a 1-D array declared as a row; see numpy_text for other names
    sizes   names or numbers of an array's axes; they are declared, and give len(x) and X.shape their names
    Every 1-D array is a column.  Errors carry the text and the span of the exact sub-expression.

    >>> from .show import show
    >>> show(parse_numpy("x@A@x", {}).equations[0].body)
    "x'*A*x"
    """
    text = source_of(text)
    try:
        return Statements.reading(text, ranks, sizes or {}).script()
    except IversonError as error:
        raise error.located(text) from None
    except RecursionError:
        raise IversonError("limit", "The formula is nested too deep.", source=text) from None


@dataclass
class Frame:
    """One loop around: names before it, those it changes, how many conditions hold before it, what its turns do."""

    before: dict[str, Any]
    outside: set[str]
    start: int
    effects: list[Effect] = field(default_factory=list)


@dataclass(frozen=True)
class Effect:
    """`name op= value` or `name[items] op= value` of every turn; op is sum, prod, max, min, append or set."""

    name: str
    op: str
    value: Any
    held: Value | None
    items: tuple[Any, ...] | None = None


class Continued(Exception):
    """The turn of an unrolled loop ends here."""


class Returned(Exception):
    """The function is left with a value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def arguments_of(function: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """The arguments of a function and their defaults."""
    a = function.args
    names = [p.arg for p in (*a.posonlyargs, *a.args)]
    given: dict[str, ast.expr | None] = dict.fromkeys(names)
    given |= dict(zip(names[len(names) - len(a.defaults):], a.defaults, strict=True))
    return given | {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)}


class Statements(Reader):
    """One reading of one text with statements; a method for each kind."""

    body: list[ast.stmt]
    frames: list[Frame]
    held: list[Value]
    roots: dict[str, Any]
    loops: int = 0  # unrolled ones around

    @classmethod
    def reading(cls, text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, str | int | Sequence[str | int]]) -> Statements:
        body, places = program(text), Text(text)
        main = main_function(body)
        params: dict[str, Any] = {}
        words: dict[str, Any] = {}
        for n, default in (arguments_of(main) if main else {}).items():
            declared = n in ranks or n in sizes
            value = default.value if isinstance(default, ast.Constant) else None
            if not declared and isinstance(default, ast.Constant) and (value is None or isinstance(value, str | bool)):
                words[n] = Word(value)
            else:
                params[n] = exact(default, places)
        given = {**ranks, **{n: 0 for n, d in params.items() if d is not None and n not in ranks and n not in sizes}}
        found = cls(places, Inputs(body, given, sizes, params))
        found.body, found.frames, found.held, found.roots = body, [], [], {}
        found.local |= words
        if main is not None:
            found.refuse_starred(main)
            found.body = [s for s in body if s is not main] + main.body
        return found

    def refuse_starred(self, main: ast.FunctionDef) -> None:
        if main.args.vararg or main.args.kwarg:
            raise self.error("unsupported", "Starred arguments are not read.", main, "Name every argument.")

    # -- the whole text --------------------------------------------------------------------------------------

    def script(self) -> Script:
        for n in self.inputs.params:
            if self.inputs.known(n):
                self.inputs.array(n)
        last, anonymous = self.result(self.run())
        equations = [replace(e, body=spanned(self.settled(e.body), e.span)) for e in self.book.equations]
        if anonymous:
            equations.append(replace(last, body=spanned(self.settled(last.body), last.span)))
        kept = needed(equations, last.name)
        rows = self.inputs.declarations(self.book.labels, self.book.settled)
        n = self.inputs.lost_size(kept, rows)
        if n is not None:
            raise self.error("ambiguous", f"{n} is used as a size, but no array is known to have it.",
                             self.inputs.first[n], f"Give the sizes of an array: sizes={{'x': ({n!r},)}}.")
        return Script(rows, kept, last.name, self.text.text, "numpy", anonymous=anonymous)

    def run(self) -> Value:
        """The value of the text: what is returned, or its last expression or assignment."""
        made: Any = None
        last = self.body[-1]
        try:
            made = self.block(self.body[:-1] if isinstance(last, ast.Expr) else self.body)
            if isinstance(last, ast.Expr):
                return self.value(last.value)
        except Returned as end:
            made = end.value
        else:
            targets = last.targets if isinstance(last, ast.Assign) else [getattr(last, "target", None)]
            if isinstance(targets[0], ast.Name):
                made = self._Name(ast.Name(targets[0].id, ast.Load()))
        if isinstance(made, tuple) and made and isinstance(made[0], Value):
            made = made[0]
        if not isinstance(made, Value):
            raise self.error("unsupported", "The text returns no value.", last, "End with `return loss`.")
        return made

    def result(self, v: Value) -> tuple[Equation, bool]:
        """The last equation, and whether it was written without a name; axes of size 1 are kept as such."""
        known = next((e for e in self.book.equations if e.name == v.label or
                      (v.rank == 0 and v.hole is None and names_alone(v, e))), None)
        if known is not None and None not in v.axes:
            return known, False
        name = self.book.unused(RESULTS)
        indices, body = self.book.body(v) if None not in v.axes else ((), self.solid(v))
        return Equation(name, indices or None, body, v.span), True

    def solid(self, v: Value) -> Surface:
        """The whole value, its axes of size 1 made real."""
        if v.rank > 2:
            raise unsupported("A result with three axes, one of size 1, is not read.", "Leave out the None.")
        tree, one = v.number(), call("ones", number(1))
        if len(v.sizes()) == 1:
            return Surface("mul", (tree, flip(one)) if v.axes[1] is None else (one, flip(tree)))
        return Surface("mul", (tree, one if v.rank == 1 else call("ones", number(1), number(1))))

    def settled(self, tree: Surface) -> Surface:
        """The tree with the sizes that turned out to be others under their names."""
        if not self.book.renamed:
            return tree
        if tree.op == "name" and tree.attr in self.book.renamed:
            return poly_tree(self.book.settled(self.book.renamed[tree.attr])).at(tree.span)
        return replace(tree, args=tuple(map(self.settled, tree.args)))

    # -- statements ------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt]) -> None:
        for k, node in enumerate(body):
            if isinstance(node, ast.If) and self.branched(node, body[k + 1:]):
                return
            if not isinstance(node, ast.If):
                self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_do_{type(node).__name__}", None)
        try:
            if method is None:
                raise unsupported(f"The statement `{self.text.of(node).split()[0]}` is not read.",
                                  "Assignments, loops over ranges, if, and return are read.")
            method(node)
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
        self.local[node.name] = Function(node, self.local)

    def _do_With(self, node: ast.With) -> None:
        self.block(node.body)

    def _do_Return(self, node: ast.Return) -> None:
        if self.frames:
            raise unsupported("A return inside a loop is not read.", "Return after the loop.")
        raise Returned(None if node.value is None else self.read(node.value))

    def _do_Expr(self, node: ast.Expr) -> None:
        e = node.value
        path = dotted(e.func) if isinstance(e, ast.Call) else None
        if isinstance(e, ast.Constant) or path == ["print"]:
            return
        if path is not None and path[-1] == "fill_diagonal":
            self.fill_diagonal(e)
        elif path is not None and path[-2:] == ["add", "at"] and len(e.args) == 3:
            self.add_at(e)
        elif path is not None and len(path) == 2 and path[1] == "append" and len(e.args) == 1:
            self.appended(path[0], self.value(e.args[0]))
        else:
            raise unsupported("This statement does nothing that is read.", "Assign its value to a name, or return it.")

    def _do_Assign(self, node: ast.Assign) -> None:
        if self.frames and len(node.targets) == 1 and self.grown(node.targets[0], node.value):
            return
        v = self.read(node.value)
        for target in node.targets:
            self.put(target, v, node.value)

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
            for t, part in zip(target.elts, parts, strict=True):
                self.put(t, part, source)
        else:
            raise self.error("unsupported", "This is not a name.", target)

    def as_value(self, v: Any, node: ast.AST) -> Value:
        if isinstance(v, Value):
            return v
        return self.value(node)

    def parts(self, v: Any, count: int, node: ast.AST) -> Sequence[Any]:
        """What a tuple on the left takes."""
        if isinstance(v, Value) and v.rank and v.axes[0] is not None and constant(self.book.poly(v.axes[0])) == count:
            v = tuple(gathered(v, [literal(self.book, k), *["whole"] * (v.rank - 1)]) for k in range(count))
        if not isinstance(v, tuple) or len(v) != count:
            raise self.error("unsupported", f"This does not have {count} parts.", node, "Assign the parts one by one.")
        return v

    def name_it(self, n: str, v: Any, source: ast.AST) -> None:
        if self.frames and n in self.frames[-1].outside:
            if any(e.name == n for e in self.frames[-1].effects):
                raise unsupported(f"{n} is added to and set anew in one loop.", "Use two names.")
            self.frames[-1].outside.discard(n)
        root = self.root(source) if self.roots is not None else None
        self.local[n] = self.assign(n, v)
        self.roots[n] = root or object()

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
        made = self.read(node) if not (isinstance(node, ast.Constant) or dotted(node) == ["np", "newaxis"]) else None
        return isinstance(made, Value) and made.rank > 0

    def owned(self, n: str) -> None:
        """Refuse to change an array that another name shows too."""
        root = self.roots.get(n, ("input", n))
        others = [m for m in self.local if m != n and self.roots.get(m) == root and isinstance(self.local[m], Value)]
        if isinstance(root, tuple) and root != ("input", n):
            others.append(root[1])
        if others:
            raise unsupported(f"This changes {others[0]} too, which shows the same array.", f"Write {n} = {others[0]}.copy().")

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

    # -- entries ---------------------------------------------------------------------------------------------

    def set_entries(self, target: ast.Subscript, v: Value, op: ast.operator | None) -> None:
        """`name[items] = v` or `name[items] op= v`."""
        if not isinstance(target.value, ast.Name):
            raise self.error("unsupported", "Entries are set of a named array.", target, "Name the part first.")
        n = target.value.id
        step = None if op is None else self.operation(op)
        if self.frames and n in self.frames[-1].outside:
            x = self.frame_value(n, self.frames[-1])
            if op is not None and not isinstance(op, ast.Add | ast.Sub):
                raise unsupported("In a loop, entries are set or added to.")
            kind, held = ("set" if op is None else "sum"), together(self.inner_held())
            made = Effect(n, kind, minus(v) if isinstance(op, ast.Sub) else v, held, tuple(self.items(x, target.slice)))
            self.frames[-1].effects.append(made)
            return
        x = self._Name(target.value)
        if not isinstance(x, Value) or x.rank == 0:
            raise unsupported("Entries of an array are set.")
        self.owned(n)
        self.store(n, self.entries_set(x, self.items(x, target.slice), v, op, step), target)

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

    # -- conditions ------------------------------------------------------------------------------------------

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
        before, found = self.local, []
        for body, c in ((yes, test), (no, inverted(test))):
            self.local, known = dict(before), len(self.book.facts)
            self.held.append(c)
            self.book.facts += c.facts() if c.facts is not None else []
            try:
                self.block(body)
            finally:
                self.held.pop()
                del self.book.facts[known:]
            found.append(self.local)
        self.local = dict(before)
        for n in dict.fromkeys([*found[0], *found[1]]):
            v, w = (f.get(n, Pending("has a value under a condition only.")) for f in found)
            if v is not w:
                both_known = isinstance(v, Value) and isinstance(w, Value)
                self.local[n] = self.assign(n, where(test, v, w)) if both_known else Pending(
                    "has a value under a condition only.")

    # -- loops -----------------------------------------------------------------------------------------------

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

    def inner_held(self) -> list[Value]:
        """The conditions inside the innermost loop."""
        return self.held[self.frames[-1].start:]

    def accumulate(self, n: str, op: ast.operator, v: Value) -> None:
        """`n op= v` of every turn."""
        if isinstance(op, ast.Add | ast.Sub):
            made = Effect(n, "sum", plain(v) if isinstance(op, ast.Add) else minus(v), together(self.inner_held()))
        elif isinstance(op, ast.Mult | ast.Div):
            made = Effect(n, "prod", v if isinstance(op, ast.Mult) else over(literal(self.book, 1), v), together(self.inner_held()))
        else:
            raise unsupported("In a loop, a value is added to or multiplied.", "Write +=, -=, *= or /=.")
        self.frames[-1].effects.append(made)

    def applied(self, e: Effect, cell: Cell, frame: Frame) -> None:
        """What all turns of a loop do to a name."""
        if e.items is not None:
            made = self.all_entries(e, cell, frame)
        elif e.op == "append":
            inner = e.value if isinstance(e.value, Turns) else Turns((), e.value)
            made = Effect(e.name, "append", Turns((cell, *inner.cells), inner.value, joined(e.held, inner.held)), None)
        else:
            made = Effect(e.name, e.op, over_cell(e.op, e.value, cell, e.held), None)
        if self.frames and e.name in self.frames[-1].outside:
            made = replace(made, held=joined(together(self.inner_held()), made.held))
            self.frames[-1].effects.append(made)
            return
        old = self.local[e.name]
        if e.op == "append":
            if old != ():
                raise unsupported("A list is filled by one loop.", "Start from an empty list.")
            self.local[e.name] = made.value
            return
        if not isinstance(old, Value):
            raise unsupported(f"{e.name} is not a number or an array before the loop.")
        if old.rank:
            self.owned(e.name)
        if made.items is not None:
            step = plus if made.op == "sum" else None
            new = updated(old, made.items, made.value, step)
        else:
            new = combined(made.op, old, made.value)
        self.local[e.name] = self.assign(e.name, replace(new, span=e.value.span))

    def all_entries(self, e: Effect, cell: Cell, frame: Frame) -> Effect:
        """The entries that all turns of a loop set."""
        assert e.items is not None
        found = [(p, c) for p, i in enumerate(e.items) if (c := beside(i, cell)) is not None]
        others = [i for p, i in enumerate(e.items) if not found or p != found[0][0]]
        if len(found) == 1 and not any(depends(i, cell) for i in others):
            (p, c) = found[0]
            if e.held is not None and e.op != "sum":
                raise unsupported("Entries that are set under a condition in a loop are not read.", "Write np.where.")
            v = e.value if e.held is None else times(plain(e.held), e.value)
            place = sum(not isinstance(i, Value) for i in e.items[:p])
            place = max(v.rank - sum(not isinstance(i, Value) for i in e.items) + place, 0) if v.rank else 0
            items = list(e.items)
            items[p] = Slice(summed([cell.low, c]), summed([cell.high, c, {(): 1}]))
            return Effect(e.name, e.op, each(v, cell, place), None, tuple(items))
        if e.op == "sum" and not any(depends(i, cell) for i in e.items):
            return Effect(e.name, "sum", over_cell("sum", e.value, cell, e.held), None, e.items)
        if e.op != "sum":
            raise unsupported("A loop is read that sets entry i in turn i.", "Write out[i] = ... for every i.")
        return Effect(e.name, "sum", self.added_entries(self.frame_value(e.name, frame), e, cell), None)

    def added_entries(self, x: Value, e: Effect, cell: Cell) -> Value:
        """What all turns add to an array, as one array."""
        assert e.items is not None
        zero = filled(self.book, x.axes, 0)
        return over_cell("sum", updated(zero, e.items, e.value, plus), cell, e.held)

    def frame_value(self, n: str, frame: Frame) -> Value:
        """The array before the loops around."""
        for f in [frame, *reversed(self.frames)]:
            if isinstance(f.before.get(n), Value):
                return f.before[n]
        raise unsupported(f"{n} is not an array before the loop.")

    def appended(self, n: str, v: Value) -> None:
        """`n.append(v)`."""
        if self.frames and n in self.frames[-1].outside:
            self.frames[-1].effects.append(Effect(n, "append", v, together(self.inner_held())))
        elif isinstance(self.local.get(n), tuple):
            self.local[n] = (*self.local[n], v)
        else:
            raise unsupported(f"{n} is not a list.")

    # -- functions of the text -------------------------------------------------------------------------------

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


# -- what loops do -------------------------------------------------------------------------------------------

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


def joined(a: Value | None, b: Value | None) -> Value | None:
    return together([c for c in (a, b) if c is not None])


def combined(op: str, old: Value, new: Value) -> Value:
    """What stood before the loop, with what the loop made."""
    if op == "sum":
        return new if old.exact == 0 or (old.fill == 0 and old.rank == new.rank) else plus(old, new)
    if op == "prod":
        return new if old.exact == 1 and not old.rank else times(old, new)
    if old.hole is not None and not old.rank and old.hole[1] == (-1 if op == "max" else 1):
        return new
    return applied(op, old, new)


def beside(item: Any, cell: Cell) -> Poly | None:
    """c where an item is the index of a loop plus c."""
    whole = item.whole() if isinstance(item, Value) and not item.label else None
    parts = None if whole is None else split(whole, cell.node)
    return parts[1] if parts is not None and parts[0] == {(): 1} else None


def depends(item: Any, cell: Cell) -> bool:
    """Whether an item changes with the turns of a loop."""
    if isinstance(item, Slice):
        return any(cell.node in m for p in (item.low, item.high) if p for m in p)
    if not isinstance(item, Value):
        return False
    whole = item.whole()
    if whole is not None and not item.label:
        return any(cell.node in m for m in whole)
    book = item.book
    return cell.node in book.watched(lambda: item.at((None,) * item.rank), list(book.scope))[1]


def needed(equations: Sequence[Equation], result: str) -> tuple[Equation, ...]:
    """The equations on which the result rests, in order."""
    asked, kept = {result}, []
    for e in reversed(equations):
        if e.name in asked:
            asked |= names_in(e.body)
            kept.append(e)
    return tuple(kept[::-1])


def names_alone(v: Value, e: Equation) -> bool:
    """Whether a value is just the name of a definition."""
    return v.label is None and v.cut(()) == Surface("name", (), e.name) if v.rank == 0 and v.run is None else False


def main_function(body: Sequence[ast.stmt]) -> ast.FunctionDef | None:
    """The function that a text is about: its last, where no other statement comes after it."""
    last = next((s for s in reversed(body) if not isinstance(s, ast.Import | ast.ImportFrom)), None)
    return last if isinstance(last, ast.FunctionDef) else None


def exact(default: ast.expr | None, places: Text) -> Any:
    """The number that an argument is by default."""
    sign = 1
    while isinstance(default, ast.UnaryOp) and isinstance(default.op, ast.USub):
        default, sign = default.operand, -sign
    if not isinstance(default, ast.Constant) or type(default.value) not in (int, float):
        return None
    return sign * (tokenize(places.of(default).replace("_", ""))[0].value or 0)
