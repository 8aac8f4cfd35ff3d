"""Comprehensions and the turns of Python loops: over ranges, arrays and what is written out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..core.affine import Poly, constant
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_calls import Outputs
from .numpy_loops import Turns, all_turns, together
from .numpy_moves import stacked_list
from .numpy_parts import WHOLE, gathered
from .numpy_reader import MOST_ELEMENTS, MOST_TURNS, Reader
from .numpy_sizes import number_poly
from .numpy_values import Cell, Value, literal, unsupported, whole_number
from .surface import name as named


class Turning(Reader):
    """A reader of comprehensions."""

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
            value = self.array(node.elt) if isinstance(node.elt, ast.ListComp | ast.List | ast.Tuple) else self.value(node.elt)
            return Turns(tuple(cells), value, together(held))

    _ListComp = _GeneratorExp

    def literal_turns(self, node: ast.GeneratorExp | ast.ListComp) -> tuple[Any, ...] | None:
        """The values of a comprehension over what is written out."""
        found: list[Any] = []
        return tuple(found) if self.taken_in_turn(node.generators, node.elt, found) else None

    def taken_in_turn(self, generators: Sequence[ast.comprehension], element: ast.AST, found: list[Any]) -> bool:
        """Add the elements of written-out turns to `found`; False where something is not written out."""
        if not generators:
            self.elements += 1
            if self.elements > MOST_ELEMENTS:
                raise IversonError("limit", f"The loops write out more than {MOST_ELEMENTS} elements.")
            found.append(self.read(element))
            return len(found) <= MOST_TURNS
        part, *more = generators
        items = self.written_out(part.iter)
        for item in items or ():
            self.give(part.target, item)
            held = [self.known(test) for test in part.ifs]
            if None in held or (all(held) and not self.taken_in_turn(more, element, found)):
                return False
        return items is not None

    def written_out(self, node: ast.AST) -> list[Any] | None:
        """The turns of a loop over a written list, or over few written numbers."""
        if isinstance(node, ast.Call) and self.path(node.func) == ["range"]:
            ends = [self.value(a).whole() for a in node.args]
            if ends and len(ends) < 4 and not node.keywords and all(p is not None and constant(p) is not None for p in ends):
                numbers = range(*(constant(p) for p in ends if p is not None))
                return [literal(self.book, n) for n in numbers] if len(numbers) <= MOST_TURNS else None
            return None
        if isinstance(node, ast.Call) and self.path(node.func) in (["zip"], ["enumerate"]):
            counted = self.path(node.func) == ["enumerate"]
            rows = [self.written_out(a) for a in (node.args[:1] if counted else node.args)]
            if not rows or any(r is None for r in rows):
                return None
            known = [r for r in rows if r is not None]
            if counted:
                start = self.start_of(node)
                return [(whole_number(self.book, summed([start, number_poly(n)])), v) for n, v in enumerate(known[0])]
            return [tuple(row) for row in zip(*known, strict=False)]
        if isinstance(node, ast.List | ast.Tuple):
            return list(self._Tuple(node))
        if isinstance(node, ast.Call) and self.path(node.func) in (["list"], ["tuple"], ["reversed"]) and len(node.args) == 1:
            items = self.written_out(node.args[0])
            return items[::-1] if items is not None and self.path(node.func) == ["reversed"] else items
        base = node.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) else node
        if isinstance(base, ast.Name) and isinstance(self.local.get(base.id), tuple):
            made = self.read(node)
            return list(made) if isinstance(made, tuple) else None
        return None

    def start_of(self, node: ast.Call) -> Poly:
        """Where `enumerate(x, start)` begins to count."""
        given = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "start")]
        start = self.value(given[0]).whole() if given else {}
        if start is None or len(given) > 1 or len(node.keywords) > len([k for k in node.keywords if k.arg == "start"]):
            raise unsupported("enumerate counts from a whole number.", "Write enumerate(x, 1).")
        return start

    def turn(self, target: ast.expr, source: ast.expr) -> Cell:
        """Enter a loop over what is not written out; its target has the value of one turn."""
        if isinstance(source, ast.Call) and self.path(source.func) == ["range"]:
            cell = self.entered(*self.range_of(source), self.loop_name(target))
            self.give(target, whole_number(self.book, {(cell.node,): 1}))
            return cell
        arrays, counted = self.sources(source)
        cell = self.entered({}, less(self.book.poly(arrays[0].axes[0]), {(): 1}), self.loop_name(target))
        place = whole_number(self.book, {(cell.node,): 1})
        rows = [gathered(x, [place, *[WHOLE] * (x.rank - 1)]) for x in arrays]
        made: Any = rows[0] if len(rows) == 1 and not self.zipped(source) else tuple(rows)
        counting = whole_number(self.book, summed([{(cell.node,): 1}, counted])) if counted is not None else None
        self.give(target, made if counting is None else (counting, made))
        return cell

    def zipped(self, source: ast.AST) -> bool:
        if isinstance(source, ast.Call) and self.path(source.func) == ["enumerate"]:
            return self.zipped(source.args[0])
        return isinstance(source, ast.Call) and self.path(source.func) == ["zip"]

    def sources(self, source: ast.expr) -> tuple[list[Value], Poly | None]:
        """The arrays a loop goes along, and where the count of its turns starts; None where they are not counted."""
        if isinstance(source, ast.Call) and self.path(source.func) == ["enumerate"] and source.args:
            return self.sources(source.args[0])[0], self.start_of(source)
        if isinstance(source, ast.Call) and self.path(source.func) == ["zip"] and source.args:
            arrays = [self.array(a) for a in source.args]
        else:
            arrays = [self.array(source)]
        for x in arrays:
            if x.rank == 0 or x.axes[0] is None or x.kept is not None:
                raise unsupported("A loop goes over a range, or over the first axis of an array.", "Write range(len(x)).")
            self.book.agree(arrays[0].axes[0], x.axes[0], "zip goes along arrays of one length.")
        return arrays, None

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
            self.roots.pop(target.id, None)
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

    def array(self, node: ast.AST) -> Value:
        """An argument that may be a list."""
        made = self.read(node)
        if isinstance(made, Turns):
            return all_turns(made)
        if isinstance(made, tuple) and not isinstance(made, Outputs) and made:
            return stacked_list(made)
        return made if isinstance(made, Value) else self.value(node)
