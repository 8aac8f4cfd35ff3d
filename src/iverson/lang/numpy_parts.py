"""Subscripts: elements, slices, index arrays and masks of an array, and arrays with some entries set anew.

Glossary   item: what stands for an axis in a subscript: WHOLE, NEW, a Slice, a whole number or an array of indices;
           out: what each axis of a result is an axis of; p: a whole number as a polynomial.
Every place that is read is proved to be in range; one that may count from the end is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ..core.affine import Poly, constant
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_arrays import arange, filled, onehot
from .numpy_elementwise import both, broadcast, compared, negative, plus, times, where, with_hole
from .numpy_sizes import Axes, Size, number_poly, poly_tree, size_of
from .numpy_values import ALL, Book, Terms, Value, arranged, axes_text, literal, plain, replace, unsupported, whole_number
from .surface import Surface, call, conjunction, index, number

NEW, WHOLE = "new", "whole"      # items of a subscript: np.newaxis and a colon
ONE: Poly = {(): 1}
OUTSIDE = "Count from 0, and let the loop end where the array does."


@dataclass(frozen=True)
class Slice:
    """`low:high:step` in a subscript; None for an open end."""

    low: Poly | None
    high: Poly | None
    step: int = 1


@dataclass(frozen=True)
class Part:
    """A slice of a known axis: its first entry, its size, its direction, and the size of the axis."""

    low: Poly
    size: Poly
    step: int
    axis: Poly

    def place(self, book: Book, t: Surface) -> Surface:
        """Where entry t of the part stands."""
        own = book.affine(t)
        return book.tree(summed([self.low, own if self.step > 0 else negative(own)]))

    def tree(self) -> Surface:
        """The part as a slice in an index."""
        end = summed([self.low, self.size])
        back = constant(less(end, self.axis))
        last = poly_tree(end) if back is None else number(back) if back else ALL
        return Surface("slice", (poly_tree(self.low), last))


def has_loops(book: Book, p: Poly) -> bool:
    return any(leaf in book.cells for m in p for leaf in m)


# -- reading -------------------------------------------------------------------------------------------------

def gathered(x: Value, items: Sequence[Any]) -> Value:
    """`x[items]` with an item for each axis: WHOLE, a Slice, a whole number or an index array; NEW adds an axis.

    Index arrays are broadcast together, and their axes stand where the first of them stood.
    """
    arrays = [i for i in items if isinstance(i, Value)]
    if any(i.truth for i in arrays):
        return selected(x, items)
    if len(arrays) == 1 and arrays[0].rank:
        [only] = arrays
        axis = x.axes[[i for i in items if i is not NEW].index(only)]
        if x.identity and axis is not None and only.label and list(items) == [only, WHOLE]:
            return onehot(related(only, axis), axis)
        if only.label == "" and only.rank == 1 and axis is not None and x.book.same(only.axes[0], axis):
            items = [WHOLE if i is only else i for i in items]
    if sum(i is not NEW and i is not ... for i in items) > x.rank:
        raise unsupported(f"{x.rank} indices belong here, not more.")
    return placed(plain(x), items)


def selected(x: Value, items: Sequence[Any]) -> Value:
    """`x[mask]`: the entries stay where they are, and reductions count those of the mask."""
    mask = items[0]
    if isinstance(mask, Value) and mask.truth and any(i is not WHOLE for i in items[1:]):
        rest = [*[WHOLE] * mask.rank, *items[1:]]
        if all(i is WHOLE or (isinstance(i, Value) and i.whole() is not None and not i.label) for i in rest):
            return selected(placed(plain(x), rest), [mask])
    if not (isinstance(mask, Value) and mask.truth) or any(i is not WHOLE for i in items[1:]) or x.kept is not None:
        raise unsupported("A mask is read in front, with whole axes after it.", "Write np.where, or multiply by the mask.")
    for a, b in zip(mask.axes, x.axes, strict=False):
        x.book.agree(a, b, "A mask has the sizes of the axes it selects from.")
    return replace(plain(x), kept=mask, label=None, run=None)


def placed(x: Value, items: Sequence[Any]) -> Value:
    shape = broadcast([i for i in items if isinstance(i, Value)])
    fixed = [q for q, i in enumerate(items) if isinstance(i, Value)]
    if shape and fixed[-1] - fixed[0] >= len(fixed):
        raise unsupported("Index arrays with a colon or None between them are not read.")
    at: dict[int, Any] = {}
    parts: dict[int, Part] = {}
    out: list[tuple[str, int]] = []
    for q, item in enumerate(items):
        p = q - sum(i is NEW for i in items[:q])
        if item is WHOLE or item is NEW:
            out.append((item, p))
        elif isinstance(item, Slice):
            part = cut_out(x.book, item, x.axes[p])
            if has_loops(x.book, part.size):
                return placed(between(x, p, part), [WHOLE if i is item else i for i in items])
            single = constant(part.size) == 1
            out.append((NEW if single else "part", p))
            if single:
                at[p] = part.low
            else:
                parts[p] = part
        else:
            out += [("array", a) for a in range(len(shape))] if shape and q == fixed[0] else []
            whole = item.whole()
            at[p] = related(item, x.axes[p]) if whole is None or item.label else within(x.book, whole, x.axes[p])
    if all(k is WHOLE for k, _ in out) and not at:
        return x
    found = taken(x, at, parts, out, shape)
    integer = x.label and all(i.label is not None or i.run is not None for i in at.values() if isinstance(i, Value))
    return replace(found, label=x.label or None) if integer else found


def between(x: Value, p: int, part: Part) -> Value:
    """A slice whose size depends on a loop: the entries of the axis that lie in it."""
    axis = x.axes[p]
    if p != 0 or part.step < 0:
        raise unsupported("A part whose size depends on a loop is read on the first axis only.", "Sum over an index.")
    places, mask = arange(x.book, axis), None
    end = summed([part.low, part.size])
    if part.low:
        mask = compared(">=", places, whole_number(x.book, part.low))
    if less(end, x.book.poly(axis)):
        below = compared("<", places, whole_number(x.book, end))
        mask = below if mask is None else both(mask, below)
    return replace(x, kept=mask, label=None)


def taken(x: Value, at: dict[int, Any], parts: dict[int, Part], out: list[tuple[str, int]], shape: Axes) -> Value:
    """Elements of x at the fixed terms `at`; `out` says what each axis of the result is."""
    def cut(terms: Terms) -> Surface:
        given = dict(zip(out, terms, strict=True))
        shared = tuple(given.get(("array", a)) for a in range(len(shape)))
        every: list[Surface | None] = [given.get((WHOLE, p)) for p in range(x.rank)]
        open_parts: dict[int, Part] = {}
        for p, part in parts.items():
            t = given["part", p]
            every[p] = None if t is None else part.place(x.book, t)
            open_parts |= {p: part} if t is None else {}
        moved = {p: i for p, i in at.items() if isinstance(i, Value) and i.offset is not None and i.run is None}
        with x.book.bound([size for p in moved if (size := x.axes[p]) is not None]) as names:
            for p, i in at.items():
                every[p] = None if p in moved else indexing(i, shared) if isinstance(i, Value) else x.book.tree(i)
            held = [standing(i, k, shared) for i, k in zip(moved.values(), names, strict=True)]
            every = [next(rest) if p in moved else t for rest in [iter(names)] for p, t in enumerate(every)]
            body = (sliced(x, every, open_parts) if open_parts else x.number(tuple(every))).at(None)
        return Surface("reduce", (body, conjunction(held)), ("sum", tuple(k.attr for k in names))) if held else body

    axis: dict[str, Callable[[int], Size | None]] = {
        NEW: lambda p: None, WHOLE: lambda p: x.axes[p], "array": lambda a: shape[a],
        "part": lambda p: size_of(parts[p].size)}
    apart = tuple(q for q, (kind, p) in enumerate(out)
                  if kind == "array" or (kind == "part" and (parts[p].step < 0 or has_loops(x.book, parts[p].low))))
    axes = tuple(axis[kind](p) for kind, p in out)
    if x.rank == 1 and apart == (0,) and parts and parts[0].step < 0 and x.axes[0] is not None and not x.loose:
        return Value(x.book, axes, lambda t: call("flip", x.number()) if t[0] is None else cut(t), kept=x.kept)
    return Value(x.book, axes, cut, loose=x.loose or apart != (), apart=apart, kept=x.kept if not shape else None)


def sliced(x: Value, every: Sequence[Surface | None], parts: dict[int, Part]) -> Surface:
    """A value of which some axes stay in part."""
    if x.label and x.book.axes.get(x.label) is x.axes and None not in x.axes:
        return x.number(tuple(parts[p].tree() if p in parts else t for p, t in enumerate(every)))
    stay = [p for p, t in enumerate(every) if t is None and x.axes[p] is not None]
    return index(x.number(tuple(every)), *(parts[p].tree() if p in parts else ALL for p in stay))


def standing(i: Value, k: Surface, terms: Terms) -> Surface:
    """The condition under which an index is the sum of a label and a number: `k - 1 = y[i]`."""
    assert i.offset is not None
    labels, c = i.offset
    place = i.book.tree(less(i.book.affine(k), number_poly(c)))
    return Surface("rel", (place, labels.at(terms[len(terms) - i.rank:])), "=")


def indexing(i: Value, terms: Terms) -> Surface | None:
    """The index term that an index array is at `terms`, the last of which are its own."""
    own = terms[len(terms) - i.rank:]
    if i.label == "" and own:
        return own[0]
    return i.at(own) if i.run is None else i.book.tree(i.book.affine(i.at(own)))


def related(i: Value, axis: Size | None) -> Value:
    """An index array for an axis: arange runs along all of it, labels are below its size."""
    if i.offset is not None and i.run is None:
        return moved_labels(i, axis)
    if i.run is not None and i.label != "":
        low, high = i.run()
        within(i.book, low, axis)
        within(i.book, high, axis)
        if constant(low) is not None and constant(low) < 0:
            raise unsupported("An index array that counts from the end is not read.", "Count from 0.")
        return i
    if i.label is None or axis is None:
        raise unsupported("This is not read as an index.",
                          "An index is a number, a name of integers, np.arange, a colon or None.")
    own = i.book.labels.setdefault(i.label, Size()) if i.label else i.axes[0]
    if i.label and own is not None and own.known() and axis.known() and less(i.book.poly(axis), i.book.poly(own)) and (
            i.book.holds(less(i.book.poly(axis), i.book.poly(own)))):
        return replace(i, offset=(i, 0))  # labels of fewer classes than the axis has entries
    i.book.agree(own, axis, "An index runs along the axis it stands on; a label is below its size.")
    return i


def moved_labels(i: Value, axis: Size | None) -> Value:
    """Labels and a number from 0 on, as an index array for an axis on which their sum lies."""
    assert i.offset is not None
    labels, c = i.offset
    book, n = i.book, i.book.poly(axis)
    classes = book.labels.setdefault(str(labels.label), Size())
    if c < 0:
        raise unsupported("This place may count from the end of the array.", "Let the labels come in as they are used.")
    if not classes.known():
        book.same(classes, size_of(less(n, number_poly(c))))
    if not book.holds(less(less(n, number_poly(c)), book.poly(classes))):
        raise unsupported("This place may lie outside the array.", "The labels and the number stay below the size of the axis.")
    return i


def within(book: Book, p: Poly, axis: Size | None) -> Poly:
    """A whole number as a place on an axis, counted from 0; it is proved to be on it."""
    k = constant(p)
    book.pin(axis)
    if axis is not None and not axis.known():
        if k is not None and k >= 0:
            return p
        top = book.end(p, 1)
        if k is None and top is not None and book.holds(p):
            book.same(axis, size_of(summed([top, ONE])))
    n = book.poly(axis)
    if k is not None:
        size = constant(n)
        if size is not None and not -size <= k < size:
            raise IversonError("shape", f"The index {k} is outside an axis of size {size}.")
        return p if k >= 0 else summed([n, p])
    if book.holds(less(negative(p), ONE)):
        p = summed([n, p])
    if not (book.holds(p) and book.holds(less(less(n, ONE), p))):
        raise unsupported("This place may lie outside the array, or count from its end.", OUTSIDE)
    for i, cell in book.cells.items():
        if any(i in m for m in p):
            cell.reads.append((p, n))
    return p


def cut_out(book: Book, item: Slice, axis: Size | None) -> Part:
    """A slice of an axis, as NumPy counts it."""
    n = book.poly(axis)
    if item.step == -1 and item.low is None and item.high is None:
        return Part(less(n, ONE), n, -1, n)
    if item.step != 1:
        raise unsupported("Slices are read with step 1, and x[::-1].", "Take the entries that count by an index.")
    assume_entries(book, item)
    low = {} if item.low is None else bound_of(book, item.low, n)
    high = n if item.high is None else bound_of(book, item.high, n)
    if book.holds(less(high, n)):
        high = n
    size = less(high, low)
    loops = has_loops(book, low) or has_loops(book, high)
    if loops and not (book.holds(less(n, high)) and book.holds(size)):
        raise unsupported("This part may leave the array, and NumPy would cut it off.", OUTSIDE)
    k = constant(size)
    if k is not None and k < 1:
        raise IversonError("shape", "This part of the array is empty.")
    return Part(low, size, 1, n)


def assume_entries(book: Book, item: Slice) -> None:
    """A part as long in every turn of the loops around has an entry: x[j:j+n-w+1] says that w <= n."""
    if item.low is None or item.high is None or not has_loops(book, item.low) or not book.holds(item.low):
        return
    size = less(item.high, item.low)
    if not has_loops(book, size) and constant(size) is None:
        book.assumed.append(less(size, ONE))


def bound_of(book: Book, p: Poly, n: Poly) -> Poly:
    """A bound of a slice counted from the start."""
    if book.holds(p):
        return p
    if book.holds(less(negative(p), ONE)):
        return summed([n, p])
    if has_loops(book, p):
        raise unsupported("This bound may count from the end for some turns of the loop.", OUTSIDE)
    return p


# -- setting entries -----------------------------------------------------------------------------------------

def updated(x: Value, items: Sequence[Any], value: Value, step: Callable[[Value, Value], Value] | None) -> Value:
    """The array after `x[items] = value`, or after `x[items] += value` for step plus."""
    if (x.hole is not None and value.hole is None) or x.kept is not None:
        raise unsupported("Setting entries of this array is not read.", "Set the entries before they become infinite.")
    if value.hole is not None:
        held = masked(x, items, zero(x))[0] if masks(items) else located(x, items, zero(x))[0]
        if value.rank or step is not None or held is None:
            raise unsupported("Infinite entries are set as np.inf or -np.inf.")
        return with_hole(x, [(held, value.hole[1]), *([x.hole] if x.hole else [])])
    x = plain(x)
    held, value = masked(x, items, value) if masks(items) else located(x, items, value)
    if held is None:
        new = value if step is None else step(x, value)
        whole = all((a is None) == (b is None) for a, b in zip(new.axes, x.axes, strict=False))
        return new if whole and new.rank == x.rank else plus(filled(x.book, x.axes, 0), new)
    if step is plus:
        return plus(x, times(plain(held), value))
    if step is not None:
        return where(held, step(x, value), x)
    return where(held, value, x)


def zero(x: Value) -> Value:
    return literal(x.book, 0)


def masks(items: Sequence[Any]) -> bool:
    return any(isinstance(i, Value) and i.truth for i in items)


def masked(x: Value, items: Sequence[Any], value: Value) -> tuple[Value, Value]:
    """The condition and the value of `x[mask] = value`."""
    mask, rest = items[0], items[1:]
    if any(i is not WHOLE for i in rest):
        if value.rank or not isinstance(mask, Value) or not mask.truth:
            raise unsupported("What a mask selects is set to one number.", "Write np.where(mask, a, x).")
        other, value = located(x, [*[WHOLE] * mask.rank, *rest], value)
        own = arranged(mask, [*range(mask.rank), *[None] * (x.rank - mask.rank)])
        return own if other is None else both(own, other), value
    mask = selected(x, items).kept
    assert mask is not None
    if value.kept is not None:
        same = {m.book.watched(m.number, list(m.book.scope))[0] for m in (mask, value.kept)}
        value = replace(value, kept=None) if len(same) == 1 else value
    elif value.rank:
        raise unsupported("What a mask selects is set to one number.", "Write np.where(mask, a, x).")
    return arranged(mask, [*range(mask.rank), *[None] * (x.rank - mask.rank)]), value


def located(x: Value, items: Sequence[Any], value: Value) -> tuple[Value | None, Value]:
    """The condition under which an entry is one of `x[items]`, and the new value there, on the axes of x."""
    if NEW in [i for i in items if isinstance(i, str)]:
        raise unsupported("Entries are set without new axes.")
    lead = next((p for p, i in enumerate(items) if along_axis(x, p, i)), None)
    order: list[int | None] = []
    held: list[Value] = []
    taken_axes = 0
    shifts: dict[int, Part] = {}
    for p, item in enumerate(items):
        places = on_axis(x, arange(x.book, x.axes[p]), p)
        if item is WHOLE or p == lead:
            order.append(taken_axes)
        elif isinstance(item, Slice):
            part = cut_out(x.book, item, x.axes[p])
            order.append(taken_axes)
            shifts[taken_axes] = part
            held += range_held(x.book, places, part, x.axes[p])
        else:
            order.append(None)
            held.append(compared("=", places, entry_of(x, item, p, lead)))
        taken_axes += order[-1] is not None
    value = arranged(moved(value, taken_axes, shifts), order)
    for a, b in zip(value.axes, x.axes, strict=True):
        if a is not None:
            x.book.agree(a, b, "A value has the sizes of the part that it is put in.")
    return (reduce(both, held) if held else None), value


def along_axis(x: Value, p: int, item: Any) -> bool:
    """Whether an item is np.arange over the whole axis."""
    if not isinstance(item, Value) or item.label != "" or item.rank != 1 or x.axes[p] is None:
        return False
    return x.book.same(item.axes[0], x.axes[p])


def on_axis(x: Value, v: Value, p: int | None) -> Value:
    """A vector put on axis p of x."""
    return arranged(v, [0 if q == p else None for q in range(x.rank)]) if v.rank else v


def entry_of(x: Value, item: Value, p: int, lead: int | None) -> Value:
    """The place on axis p that is set: one number, or one for each entry of the axis `lead`."""
    whole = item.whole()
    if whole is not None and not item.label:
        return whole_number(x.book, within(x.book, whole, x.axes[p]))
    found = related(item, x.axes[p])
    if found.rank and (lead is None or found.rank > 1):
        raise unsupported("Setting entries at places that may repeat is not read.", "Write T[np.arange(len(y)), y] = 0.")
    if found.rank:
        x.book.agree(found.axes[0], x.axes[lead or 0], "Index arrays have one size.")
    return on_axis(x, found, lead)


def range_held(book: Book, places: Value, part: Part, axis: Size | None) -> list[Value]:
    """The conditions that a place lies in a slice."""
    if part.step < 0:
        raise unsupported("Entries are set in order.", "Reverse the value instead.")
    end = summed([part.low, part.size])
    held = [compared(">=", places, whole_number(book, part.low))] if part.low else []
    return held + ([compared("<", places, whole_number(book, end))] if less(end, book.poly(axis)) else [])


def moved(value: Value, axes: int, shifts: dict[int, Part]) -> Value:
    """A value broadcast to so many axes, its entries where the slices put them."""
    if value.rank > axes:
        raise IversonError("shape", f"A value with {axes_text(value.rank)} does not fit {axes_text(axes)} here.")
    missing = axes - value.rank
    value = arranged(plain(value), [*[None] * missing, *range(value.rank)])
    real = {p: s for p, s in shifts.items() if value.axes[p] is not None}
    for p, s in shifts.items():
        if value.axes[p] is not None:
            value.book.agree(value.axes[p], size_of(s.size), "A value has the sizes of the part that it is put in.")

    def cut(terms: Terms) -> Surface:
        book = value.book
        return value.number(tuple(
            book.tree(less(book.affine(t), real[p].low)) if p in real and t is not None else t
            for p, t in enumerate(terms)))

    if not shifts:
        return value
    sized = tuple(a if p not in real else Size() for p, a in enumerate(value.axes))
    return Value(value.book, sized, cut, loose=True, apart=tuple(real))

