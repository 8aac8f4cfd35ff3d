"""Python loops and comprehensions as reductions over an index, and as arrays of what each turn makes.

Glossary   cell: the index of a loop, with its range; turn: one value of it; held: the condition under which a turn counts.
An index of the language runs where everything read under it is in range; a condition says so where Python's range is
less.  Every read was proved to be in range of Python's loop, so the two never differ otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..core.affine import Poly, constant, split
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_elementwise import both, negative
from .numpy_sizes import Size, number_poly, poly_tree, size_of
from .numpy_values import Book, Cell, Terms, Value, unsupported
from .surface import Surface, call, conjunction, index, number, walk

ONE: Poly = {(): 1}


@dataclass(frozen=True)
class Turns:
    """What a comprehension makes: its cells from the outermost, the value of a turn, and when a turn counts."""

    cells: tuple[Cell, ...]
    value: Value
    held: Value | None = None


@contextmanager
def at_turn(book: Book, cell: Cell, i: Surface) -> Iterator[None]:
    """Cut what stands inside a loop at one of its turns: what is cut does not depend on the loop any more."""
    before, known = cell.current, cell.node in book.touched
    cell.current = i
    try:
        yield
    finally:
        cell.current = before
        if not known:
            book.touched.pop(cell.node, None)


def settled(book: Book, p: Poly) -> Poly:
    """A whole number over index names, the indices of loops as they are at the moment."""
    return book.affine(book.tree(p))


def each(v: Value, cell: Cell, place: int = 0) -> Value:
    """An array with an axis for the turns of a loop."""
    size = size_of(summed([less(cell.high, cell.low), ONE]))
    axes = (*v.axes[:place], size, *v.axes[place:])

    def cut(terms: Terms) -> Surface:
        t = terms[place] or number(0)
        with at_turn(v.book, cell, v.book.tree(summed([settled(v.book, cell.low), v.book.affine(t)])) if cell.low else t):
            return v.at((*terms[:place], *terms[place + 1:]))

    return Value(v.book, axes, cut, v.truth, loose=True, apart=(place,))


def all_turns(turns: Turns) -> Value:
    """The array of a comprehension; turns that do not count are left out of its reductions."""
    if len(turns.cells) > 1:
        raise unsupported("An array of two loops in one list is not read.", "Write a list of lists, or sum(...).")
    v, held = each(turns.value, turns.cells[0]), turns.held
    if held is None:
        return v
    held = each(held, turns.cells[0])
    return Value(v.book, v.axes, v.cut, v.truth, loose=True, apart=v.apart, kept=held)


def over_turns(kind: str, turns: Turns) -> Value:
    """sum, prod, max, min or mean of the turns of a comprehension."""
    v = turns.value
    if kind == "mean" and len(turns.cells) > 1:
        raise unsupported("A mean over two loops is not read.", "Divide the sum by the number of its terms.")
    for n, cell in enumerate(reversed(turns.cells)):
        v = over_cell(kind, v, cell, turns.held if n == 0 else None)
    return v


def over_cell(kind: str, v: Value, cell: Cell, held: Value | None = None) -> Value:
    """A reduction over the turns of one loop."""
    book = v.book
    size = size_of(summed([book.end(cell.high, 1) or cell.high, ONE])) or Size(1)

    def cut(terms: Terms) -> Surface:
        with book.bound([size], wanted=[cell.name] if cell.name else []) as [i], at_turn(book, cell, i):
            body = v.number(terms)
            truth = [] if held is None else conjuncts(held.at((None,) * held.rank))
            more, body = ranged(book, cell, i, body, truth, size)
        held_tree = [*more, *truth]
        condition = [conjunction(held_tree)] if held_tree else []
        return Surface("reduce", (body, *condition), (kind, (i.attr,)))

    return Value(book, v.axes, cut, loose=v.loose and bool(v.sizes()),
                 apart=tuple(p for p, a in enumerate(v.axes) if a is not None) if v.loose else ())


def conjuncts(tree: Surface) -> list[Surface]:
    return [c for a in tree.args for c in conjuncts(a)] if tree.op == "and" else [tree]


def ranged(book: Book, cell: Cell, i: Surface, body: Surface, truth: Sequence[Surface], size: Size,
           ) -> tuple[list[Surface], Surface]:
    """The conditions that give an index Python's range, and the body in which it stands on an axis."""
    low, high = settled(book, cell.low), settled(book, cell.high)
    own = next(iter(book.affine(i)))
    alone = shifts(book, [body, *truth], own)
    reads = [(c, n) for c, n in ((shift(p, cell), n) for p, n in cell.reads) if c is not None and frozen(c) in alone]
    tops = [less(less(n, ONE), c) for c, n in reads]
    first = max((constant(negative(c)) or 0 for c, _ in reads), default=0)
    held: list[Surface] = []
    if less(low, number_poly(max(first, 0))):
        held.append(Surface("rel", (i, poly_tree(low)), ">="))
    if not tops and any(beside(book, p, n, cell) for p, n in cell.reads) and with_others(body, i):
        return held, body
    if not tops:
        body = Surface("mul", (body, index(call("ones", book.size(size)), i)))
        tops = [less(book.poly(size), ONE)]
    if all(less(settled(book, t), high) for t in tops):
        held.append(Surface("rel", (i, poly_tree(summed([high, ONE]))), "<"))
    return held, body


def beside(book: Book, p: Poly, n: Poly, cell: Cell) -> bool:
    """Whether a place with an inner loop's index is in range for all of its values just where this loop runs."""
    parts = split(p, cell.node)
    if parts is None or parts[0] != ONE or constant(cell.low) != 0:
        return False
    order = list(book.cells)
    inner = [x for m in parts[1] for x in m if x.op == "idx"]
    if not inner or any(order.index(x) < order.index(cell.node) for x in inner):
        return False
    most = book.end(parts[1], 1)
    return most is not None and not less(less(less(n, ONE), most), cell.high)


def with_others(tree: Surface, i: Surface) -> bool:
    """Whether an index stands in a sum with another in some index term."""
    return any(a.op == "add" and i in a.args for t in walk(tree) if t.op == "index" for a in t.args[1:])


def shift(p: Poly, cell: Cell) -> Poly | None:
    """c where a place is the index of the loop plus c, and no other loop's."""
    parts = split(p, cell.node)
    if parts is None or parts[0] != ONE or any(x.op == "idx" for m in parts[1] for x in m):
        return None
    return parts[1]


def frozen(p: Poly) -> frozenset[object]:
    return frozenset(p.items())


def shifts(book: Book, trees: Sequence[Surface], own: tuple[object, ...]) -> set[frozenset[object]]:
    """What is added to an index where it stands alone with sizes and numbers in an index term."""
    found = set()
    for tree in trees:
        bound = {n for t in walk(tree) if t.op == "reduce" for n in t.attr[1]}
        for term in (a for t in walk(tree) if t.op == "index" for a in t.args[1:]):
            if any(t.op == "name" and t.attr in bound for t in walk(term)):
                continue
            try:
                p = book.affine(term)
            except IversonError:
                continue
            parts = split(p, own[0])
            if parts is not None and parts[0] == ONE and not any(x.op == "idx" for m in parts[1] for x in m):
                found.add(frozen(parts[1]))
    return found


def together(conditions: Sequence[Value]) -> Value | None:
    """Conditions that all hold."""
    found: Value | None = None
    for c in conditions:
        found = c if found is None else both(found, c)
    return found
