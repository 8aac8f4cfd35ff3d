"""What the turns of a loop do to the names around it, and which name shows whose array.

Glossary   frame: one loop around; effect: what all turns of a loop do to one name; root: the array that a name is a view of.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from ..core.affine import Poly, split
from ..core.affine import minus as less
from ..core.affine import total as summed
from .numpy_arrays import arange, filled
from .numpy_elementwise import applied, minus, over, plus, times, where
from .numpy_invoked import Calling
from .numpy_loops import Turns, each, over_cell, together
from .numpy_parts import Slice, updated
from .numpy_values import Cell, Value, literal, plain, replace, unsupported


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


class Effects(Calling):
    """A reader of what loops do."""

    frames: list[Frame]
    held: list[Value]
    loops: int = 0  # unrolled ones around

    def owned(self, n: str) -> None:
        """Refuse to change an array that another name shows too."""
        root = self.roots.get(n, None if n in self.local else ("input", n))
        if root is None or (isinstance(root, tuple) and root[0] != "input"):
            raise unsupported(f"{n} may show an array that other names show too.", f"Write {n} = {n}.copy() before.")
        others = [m for m in self.local if m != n and self.roots.get(m) == root and isinstance(self.local[m], Value)]
        if isinstance(root, tuple) and root != ("input", n):
            others.append(root[1])
        if others:
            raise unsupported(f"This changes {others[0]} too, which shows the same array.", f"Write {n} = {others[0]}.copy().")

    def inner_held(self) -> list[Value]:
        """The conditions inside the innermost loop."""
        return self.held[self.frames[-1].start:]

    def refuse_mixed(self, frame: Frame) -> None:
        """Turns that do different things to one name depend on their order."""
        for n in {e.name for e in frame.effects}:
            kinds = [e.op for e in frame.effects if e.name == n]
            if len(set(kinds)) > 1 or (kinds[0] in ("set", "append") and len(kinds) > 1):
                raise unsupported(f"A loop does several things to {n}, in an order that counts.", "Use a name for each.")

    def either_way(self, test: Value, yes: list[Effect], no: list[Effect]) -> list[Effect]:
        """What both branches append or set is one of two values in every turn."""
        made: list[Effect] = []
        rest = list(no)
        for e in yes:
            twin = next((w for w in rest if w.name == e.name and w.op == e.op and same_places(w, e)), None)
            if e.op not in ("append", "set") or twin is None or not isinstance(e.value, Value):
                made.append(e)
                continue
            rest.remove(twin)
            made.append(replace(e, value=where(test, e.value, twin.value), held=together(self.inner_held())))
        return made + rest

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
        whole = self.frame_value(e.name, frame)
        if e.op == "set" and e.held is None and all(c == {} for _, c in found) and cell.low == {}:
            ends = [less(less(self.book.poly(whole.axes[p]), {(): 1}), cell.high) for p, _ in found]
            places = {p: arange(self.book, whole.axes[p]) for p, _ in found}
            if found and not any(ends) and not any(depends(i, cell) for p, i in enumerate(e.items) if p not in places):
                diagonal = tuple(places.get(p, i) for p, i in enumerate(e.items))
                return Effect(e.name, "set", each(e.value, cell, 0), None, diagonal)
        if e.op != "sum":
            raise unsupported("A loop is read that sets entry i in turn i.", "Write out[i] = ... for every i.")
        return Effect(e.name, "sum", self.added_entries(whole, e, cell), None)

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


def same_places(a: Effect, b: Effect) -> bool:
    """Whether two effects are on the same entries: each place is one whole number, or the whole axis."""
    if a.items is None or b.items is None:
        return a.items is b.items
    return len(a.items) == len(b.items) and all(
        i is j or (isinstance(i, Value) and isinstance(j, Value) and i.whole() is not None and i.whole() == j.whole())
        for i, j in zip(a.items, b.items, strict=True))


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
