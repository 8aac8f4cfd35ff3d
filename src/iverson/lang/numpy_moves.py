"""Arrays whose entries are moved, joined or laid out anew, as calls of the operators that do it where there are such.

Glossary   x: a value; parts: values that are joined; t: an index term.
The operators of `blocks` work on vectors, some on matrices; what has other axes is said by elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.affine import Poly, constant, product
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_arrays import Plain, arange, filled, positions
from .numpy_elementwise import compared, over, plus, times, total
from .numpy_loops import Turns, all_turns
from .numpy_parts import WHOLE, Slice, gathered
from .numpy_sizes import Axes, Size, number_poly, poly_tree, size_of
from .numpy_values import Book, Terms, Value, arranged, axes_text, flip, literal, opaque, pick, plain, unsupported, whole_number
from .ops import OPS
from .ranges import divided
from .surface import Surface, call, index, number

MOST_DIFFERENCES = 10

ONE: Poly = {(): 1}
Shape = Any                      # sizes, -1 for one that is open


# -- joined --------------------------------------------------------------------------------------------------

def stacked_list(parts: Sequence[Any]) -> Value:
    """np.array([a, b, ...]): a list of values, or of lists of them."""
    values = [stacked_list(p) if isinstance(p, tuple) else p for p in parts]
    if not values or not all(isinstance(v, Value) for v in values):
        raise unsupported("An array is made of numbers and arrays.")
    return stack(values)


def listed(parts: Any) -> Sequence[Value]:
    """Parts that are written out."""
    if isinstance(parts, Turns):
        raise unsupported("A list that a loop makes is not joined here.", "Write np.stack([...]), or np.array([...]).")
    if not parts:
        raise unsupported("There is nothing to join here.")
    return [stacked_list(p) if isinstance(p, tuple) else p for p in parts]


def stack(arrays: Sequence[Value], axis: Plain = 0) -> Value:
    """Arrays of one shape along a new axis."""
    if isinstance(arrays, Turns):
        made = all_turns(arrays)
        return made if axis == 0 else moveaxis(made, 0, axis)
    arrays = listed(arrays)
    first, rank = arrays[0], arrays[0].rank
    if type(axis) is not int or not -rank - 1 <= axis <= rank or any(v.rank != rank for v in arrays):
        raise unsupported("Arrays of one shape are stacked along one axis.")
    place = axis % (rank + 1)
    if len(arrays) == 1:
        return arranged(plain(first), [*range(place), None, *range(place, rank)])
    axes = tuple(common(list(sizes)) for sizes in zip(*(v.axes for v in arrays), strict=True))
    values = [plain(v) for v in arrays]

    def cut(terms: Terms) -> Surface:
        t, rest = terms[place], (*terms[:place], *terms[place + 1:])
        assert t is not None
        if t.op == "num":
            return values[t.attr].number(rest)
        chosen = [Surface("mul", (Surface("bracket", (Surface("rel", (t, number(q)), "="),)), v.number(rest)))
                  for q, v in enumerate(values) if v.exact != 0]
        return Surface("add", tuple(chosen)) if len(chosen) > 1 else chosen[0] if chosen else number(0)

    runs = [v.whole() for v in values]
    whole = all(r is not None and constant(r) is not None for r in runs)
    return Value(first.book, (*axes[:place], Size(len(values)), *axes[place:]), cut, loose=True,
                 apart=(place,), simple=whole, integral=all(v.keeps_whole() is True for v in arrays))


def common(sizes: list[Size | None]) -> Size | None:
    """The size of an axis that all parts have."""
    return sizes[0]


def concatenate(arrays: Sequence[Value], axis: Plain = 0) -> Value:
    """Arrays one after the other along an axis."""
    arrays = listed(arrays)
    values, rank = [plain(v) for v in arrays], arrays[0].rank
    if type(axis) is not int or rank == 0 or not -rank <= axis < rank or any(v.rank != rank for v in values):
        raise IversonError("shape", "Arrays of one rank are joined along one of their axes.")
    if len(values) == 1:
        return values[0]
    place, book = axis % rank, values[0].book
    for v in values[1:]:
        for p in range(rank):
            if p != place:
                book.agree(values[0].axes[p], v.axes[p], "What is joined has the same other axes.")
    sizes = [book.poly(v.axes[place]) for v in values]
    axes = tuple(size_of(summed(sizes)) if p == place else a for p, a in enumerate(values[0].axes))
    real = [p for p, a in enumerate(axes) if a is not None]
    name = "concat" if rank == 1 else "vstack" if place == 0 else "hstack"
    ready = len(values) <= OPS[name].arity[1] and not any(v.loose for v in values) and len(real) == rank <= 2
    ready = ready and (all(None not in v.axes for v in values) or (rank == 2 and any(None not in v.axes for v in values)))
    ready = ready and None not in [a for v in values for p, a in enumerate(v.axes) if p != place]

    def cut(terms: Terms) -> Surface:
        if ready and all(t is None for t in terms):
            return call(name, *(laid(v, place) for v in values))
        return pieced(values, sizes, place, terms)

    return Value(book, axes, cut, loose=not ready, apart=() if ready else (place,))


def laid(v: Value, place: int) -> Surface:
    """A part of a matrix; one row of it lies."""
    tree = v.number()
    return flip(tree) if None in v.axes and place == 0 and v.rank == 2 else tree


def pieced(values: Sequence[Value], sizes: Sequence[Poly], place: int, terms: Terms) -> Surface:
    """`[i < m]*x[i] + [i >= m]*y[i-m]`."""
    book, t = values[0].book, terms[place]
    if t is None:
        name = "concat" if len(terms) == 1 else "vstack" if place == 0 else "hstack"
        whole = call(name, *(laid(v, place) for v in values))
        return pick(whole, terms)
    own, found = book.affine(t), []
    start: Poly = {}
    for q, (v, n) in enumerate(zip(values, sizes, strict=True)):
        end = summed([start, n])
        single = constant(n) == 1
        held = [Surface("rel", (t, poly_tree(start)), ">=")] if q and not single else []
        held += [Surface("rel", (t, poly_tree(end)), "<")] if q < len(values) - 1 and not single else []
        held = [Surface("rel", (t, poly_tree(start)), "=")] if single else held
        inner = poly_tree(less(own, start)) if not single else number(0)
        tree = v.number((*terms[:place], inner, *terms[place + 1:]))
        for c in held:
            tree = Surface("mul", (Surface("bracket", (c,)), tree))
        found.append(tree)
        start = end
    return Surface("mul", (Surface("add", tuple(found)), index(call("ones", poly_tree(start)), t)))


def hstack(tup: Sequence[Value]) -> Value:
    parts = listed(tup)
    return concatenate(parts, 0 if parts[0].rank == 1 else 1)


def vstack(tup: Sequence[Value]) -> Value:
    if isinstance(tup, Turns):
        return stack(tup) if tup.value.rank == 1 else concatenate(tup, 0)
    parts = listed(tup)
    return stack(parts, 0) if all(v.rank == 1 for v in parts) else concatenate(
        [arranged(v, [None, 0]) if v.rank == 1 else v for v in parts], 0)


def column_stack(tup: Sequence[Value]) -> Value:
    if isinstance(tup, Turns):
        return stack(tup, 1) if tup.value.rank == 1 else concatenate(tup, 1)
    parts = listed(tup)
    return stack(parts, 1) if all(v.rank == 1 for v in parts) else concatenate(
        [arranged(v, [0, None]) if v.rank == 1 else v for v in parts], 1)


def row_stack(parts: Sequence[Any]) -> Value:
    """np.r_[a, b]: one after the other, numbers as entries."""
    return concatenate([arranged(v, [None]) if v.rank == 0 else v for v in listed(parts)])


def append(arr: Value, values: Value, axis: Plain = None) -> Value:
    if axis is None and (arr.rank > 1 or values.rank > 1):
        raise unsupported("np.append is read of a vector, or with its axis.", "Write np.concatenate.")
    parts = [arranged(v, [None]) if v.rank == 0 else v for v in (arr, values)]
    return concatenate(parts, 0 if axis is None else axis)


# -- moved ---------------------------------------------------------------------------------------------------

def diff(a: Value, n: Plain = 1, axis: Plain = -1) -> Value:
    [p] = positions(a, axis)
    if type(n) is not int or not 0 <= n <= MOST_DIFFERENCES:
        raise unsupported(f"Differences are taken 0 to {MOST_DIFFERENCES} times.")
    for _ in range(n):
        if a.rank == 1 and not a.loose and a.axes[0] is not None:
            x, size = a, size_of(less(a.book.poly(a.axes[0]), ONE))
            a = opaque(a.book, (size,), lambda x=x: call("diff", x.number()))  # type: ignore[misc]
            continue
        later, former = ([part if q == p else WHOLE for q in range(a.rank)]
                         for part in (Slice(ONE, None), Slice(None, {(): -1})))
        a = total([gathered(a, later), gathered(a, former)], [False, True])
    return a


def flipped(m: Value, axis: Plain = None) -> Value:
    gone = positions(m, axis)
    return gathered(m, [Slice(None, None, -1) if p in gone else WHOLE for p in range(m.rank)])


def flipud(m: Value) -> Value:
    return flipped(m, 0)


def fliplr(m: Value) -> Value:
    return flipped(m, 1)


def roll(a: Value, shift: Plain, axis: Plain = None) -> Value:
    if type(shift) is not int or (axis is None and a.rank != 1):
        raise unsupported("np.roll is read along one axis, by a number that is written out.", "Write np.roll(x, 1, axis=0).")
    [p] = positions(a, axis)
    if a.axes[p] is None or shift == 0:
        return a
    if a.rank > 1:
        last, first = ([part if q == p else WHOLE for q in range(a.rank)]
                       for part in (Slice(number_poly(-shift), None), Slice(None, number_poly(-shift))))
        return concatenate([gathered(a, last), gathered(a, first)], p)
    return opaque(a.book, a.axes, lambda: call("roll", a.number(), number(shift)))


def running(function: str) -> Any:
    """cumsum and cumprod along an axis."""
    def row(a: Value, axis: Plain = None) -> Value:
        if a.rank != 1 and axis is None:
            raise unsupported(f"np.{function} of {axes_text(a.rank)} needs its axis.")
        [p] = positions(a, axis)
        if a.rank > 2 or None in a.axes:
            raise unsupported(f"np.{function} is read of vectors and matrices.")
        across = a.rank == 2 and p == 0

        def build() -> Surface:
            return flip(call(function, flip(a.number()))) if across else call(function, a.number())

        return opaque(a.book, a.axes, build)

    return row


def triangle(below: bool) -> Any:
    """tril and triu."""
    def row(m: Value, k: Plain = 0) -> Value:
        if m.rank != 2 or type(k) is not int:
            raise unsupported("A triangle is read of a matrix.")
        if k == 0 and len(m.sizes()) == 2 and len({a.root() for a in m.sizes()}) == 1:
            return opaque(m.book, m.axes, lambda: call("tril" if below else "triu", m.number()))
        rows, columns = places(m, 0), plus(places(m, 1), literal(m.book, -k)) if k else places(m, 1)
        return times(plain(ordered(">=" if below else "<=", rows, columns)), plain(m))

    return row


def ordered(sign: str, rows: Value, columns: Value) -> Value:
    """A relation of two indices; those of axes of two sizes are compared by their difference."""
    if not rows.sizes() or not columns.sizes():
        raise unsupported("An axis of one entry has no order.", "Leave it out, or give the array another size.")
    a, b = rows.sizes()[0], columns.sizes()[0]
    if not a.known() or not b.known() or not less(rows.book.poly(a), rows.book.poly(b)):
        return compared(sign, rows, columns)
    return compared(sign, total([rows, columns], [False, True]), literal(rows.book, 0))


def places(x: Value, p: int) -> Value:
    """The index of axis p, as an array on the axes of x."""
    return arranged(arange(x.book, x.axes[p]), [0 if q == p else None for q in range(x.rank)])


def kron(a: Value, b: Value) -> Value:
    if a.rank != b.rank or a.rank not in (1, 2) or None in (*a.axes, *b.axes):
        raise unsupported("np.kron is read of two vectors or two matrices.")
    axes = tuple(size_of(product([a.book.poly(m), a.book.poly(n)])) for m, n in zip(a.axes, b.axes, strict=True))
    return opaque(a.book, axes, lambda: call("kron", a.number(), b.number()))


# -- laid out anew -------------------------------------------------------------------------------------------

def flat(x: Value, order: Plain = "C") -> Value:
    """One axis of all entries, row after row, or column after column for order F."""
    if x.rank == 1:
        return x
    real = x.sizes()
    if len(real) < 2:
        return arranged(x, [next((p for p, a in enumerate(x.axes) if a is not None), None)])
    count = size_of(product([x.book.poly(a) for a in real]))
    if order == "F" and x.rank == 2:
        return opaque(x.book, (count,), lambda: call("vec", x.number()))
    if order != "C" or x.rank > 2:
        raise unsupported("A matrix is flattened in order C or F.", "Write einsum.")
    return opaque(x.book, (count,), lambda: call("reshape", x.number(), x.book.size(count)))


def reshape(x: Value, *shape: Shape, order: Plain = "C") -> Value:
    """The entries row after row in another shape; one size may be -1."""
    wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    if any(isinstance(n, tuple) for n in wanted):
        raise unsupported("The sizes of a shape stand in one tuple.", "Write x.reshape(n, m).")
    if order != "C":
        if wanted != (-1,) or order != "F":
            raise unsupported("reshape is read in order C.", "Write x.T.reshape(...).")
        return flat(x, "F")
    every = product([x.book.poly(a) for a in x.axes]) if x.axes else ONE
    known = [n for n in wanted if n != -1]
    polys = [x.book.poly(n) if n is not None else ONE for n in known]
    if len(wanted) - len(known) > 1:
        raise unsupported("One size of a new shape is left open.")
    if len(known) < len(wanted):
        rest = divided(every, product([ONE, *polys]))
        if rest is None:
            raise unsupported("The open size of this shape is not clear.", "Write every size.")
        wanted = tuple(size_of(rest) if n == -1 else n for n in wanted)
    elif less(x.book.settled(every), x.book.settled(product([ONE, *polys]))):
        raise IversonError("shape", "The new shape has another number of entries.")
    return laid_out(x, tuple(wanted))


def laid_out(x: Value, axes: Axes) -> Value:
    real = [a for a in axes if a is not None]
    old = [p for p, a in enumerate(x.axes) if a is not None]
    if len(real) == len(old) and all(x.book.same(x.axes[p], a) for p, a in zip(old, real, strict=True)):
        rest = iter(old)
        return arranged(x, [None if a is None else next(rest) for a in axes])
    lead = next((p for p, (q, a) in enumerate(zip(old, real, strict=False)) if not x.book.same_known(x.axes[q], a)), 0)
    if lead and None not in x.axes:
        return within_parts(x, axes, lead)
    if not 1 <= len(real) <= 3 or len(old) > 2 or not old:
        raise unsupported("This new shape is not read.", "Write einsum, or index with None.")
    made = opaque(x.book, tuple(real), lambda: call("reshape", arranged(x, old).number(), *map(x.book.size, real)))
    rest = iter(range(len(real)))
    return arranged(made, [None if a is None else next(rest) for a in axes])


def within_parts(x: Value, axes: Axes, lead: int) -> Value:
    """A new shape of each part of an array; its first axes stay."""
    def cut(terms: Terms) -> Surface:
        at = [t for t, a in zip(terms, axes, strict=True) if a is not None]
        part = Value(x.book, x.axes[lead:], lambda t: x.number((*at[:lead], *t)), loose=x.loose)
        return laid_out(part, tuple(real[lead:])).number(tuple(at[lead:]))

    real = [a for a in axes if a is not None]
    first = [p for p, a in enumerate(axes) if a is not None][:lead]
    return Value(x.book, axes, cut, loose=True, apart=tuple(first))


def swapaxes(a: Value, axis1: Plain, axis2: Plain) -> Value:
    order: list[int | None] = list(range(a.rank))
    [p], [q] = positions(a, axis1), positions(a, axis2)
    order[p], order[q] = q, p
    return arranged(a, order)


def moveaxis(a: Value, source: Plain, destination: Plain) -> Value:
    [p], [q] = positions(a, source), positions(a, destination)
    order: list[int | None] = [r for r in range(a.rank) if r != p]
    order.insert(q, p)
    return arranged(a, order)


def broadcast_to(array: Value, shape: Axes) -> Value:
    return times(filled(array.book, shape, 1), array)


# -- picked --------------------------------------------------------------------------------------------------

def take_along_axis(arr: Value, indices: Value, axis: Plain) -> Value:
    """One entry of each line: np.take_along_axis(S, y[:,None], axis=1)."""
    [p] = positions(arr, axis)
    if arr.rank != 2 or indices.rank != 2 or indices.axes[p] is not None or not indices.label:
        raise unsupported("take_along_axis is read with one label for each line.", "Write S[np.arange(len(y)), y].")
    other = 1 - p
    line = arange(arr.book, arr.axes[other])
    label = gathered(indices, [WHOLE if q == other else literal(arr.book, 0) for q in range(2)])
    found = gathered(arr, [label if q == p else line for q in range(2)])
    return arranged(found, [0, None] if p == 1 else [None, 0])


def take(a: Value, indices: Value, axis: Plain = None) -> Value:
    if axis is None and a.rank != 1:
        raise unsupported("np.take needs its axis.")
    [p] = positions(a, axis)
    return gathered(a, [indices if q == p else WHOLE for q in range(a.rank)])


def arange_from(book: Book, start: Value, stop: Value | None = None, step: Value | None = None) -> Value:
    """np.arange(stop), np.arange(start, stop)."""
    low, high = ({}, start.whole()) if stop is None else (start.whole(), stop.whole())
    if step is not None and (step.whole() is None or constant(step.whole() or {}) != 1):
        raise unsupported("np.arange is read with steps of 1.", "Multiply it: 2*np.arange(n).")
    if low is None or high is None:
        raise unsupported("np.arange is read with whole numbers.", "Sizes: 3, N, len(x), X.shape[0].")
    if stop is None and start.counts is not None:
        return arange(book, start.counts)
    count = less(high, low)
    if constant(count) is not None and constant(count) < 1:
        raise unsupported("This is not a size.", "Sizes: 3, N, len(x), X.shape[0].")
    found = arange(book, size_of(count))
    return plus(found, whole_number(book, low)) if low else found


def linspace(book: Book, start: Value, stop: Value, num: Value) -> Value:
    count = num.whole()
    if count is None:
        raise unsupported("np.linspace needs its number of points as a size.")
    gap = over(total([stop, start], [False, True]), whole_number(book, less(count, ONE)))
    return plus(start, times(gap, arange(book, size_of(count))))
