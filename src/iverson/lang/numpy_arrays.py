"""Arrays from arrays: reductions, products, einsum, matrices, filled arrays and subscripts.

Glossary   x, y: values; a, b, ...: the letters of einsum; out: what each axis of a result is an axis of.
The rows of numpy_calls name these functions; their annotations say how numpy_src reads an argument (Plain a literal;
Shape sizes; Extent one size; Dtype a number type, checked and dropped).  Knows no `ast`; the reader adds the spans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from ..core.errors import IversonError
from .numpy_values import (
    Book, Size, Terms, Value, arranged, elementwise, flip, merge, opaque, pick, plain, times,
    unsupported,
)
from .surface import Surface, call, number

Plain = Any
Dtype = Any
Extent = Size | None
Shape = tuple[Size | None, ...]
NEW, WHOLE = "new", "whole"      # items of a subscript: np.newaxis and a colon


# -- reductions ------------------------------------------------------------------------------------------------

def positions(x: Value, axis: Plain) -> list[int]:
    """The axes a literal names, counted from 0; None names all."""
    if axis is None:
        return list(range(x.rank))
    wanted = axis if isinstance(axis, tuple) else (axis,)
    if not all(isinstance(p, int) and -x.rank <= p < x.rank for p in wanted):
        raise IversonError("shape", f"There is no axis {axis} in an array with {x.rank} ax{'i' if x.rank == 1 else 'e'}s.",
                           hint="Axes count from 0; -1 is the last.")
    return [p % x.rank for p in wanted]


def reduced(kind: str, x: Value, axis: Plain = None, keepdims: Plain = False) -> Value:
    """sum, mean, prod, max or min over axes: a call over a whole scalar, column or matrix, else an index is bound."""
    gone = positions(x, axis)
    out = [p for p in range(x.rank) if keepdims or p not in gone]
    real = [p for p in gone if x.axes[p] is not None]
    sizes = [a for a in (x.axes[p] for p in gone) if a is not None]
    if not real:
        return arranged(plain(x), [None if p in gone else p for p in out])
    whole = not x.loose and len(real) == len(x.sizes()) <= 2

    def cut(terms: Terms) -> Surface:
        if whole:
            return call(kind, x.number())
        outer = dict(zip(out, terms, strict=True))
        with x.book.bound(sizes) as names:
            at = {p: t for p, t in outer.items() if p not in gone} | dict(zip(real, names, strict=True))
            body = x.book.tied(x.number(tuple(at.get(p) for p in range(x.rank))), names, sizes)
        return Surface("reduce", (body,), (kind, tuple(i.attr for i in names)))

    axes = tuple(None if p in gone else x.axes[p] for p in out)
    return Value(x.book, axes, cut, loose=x.loose and any(axes))


# -- products --------------------------------------------------------------------------------------------------

def matmul(x: Value, y: Value) -> Value:
    """`x @ y` for 1-D and 2-D: a 1-D array is a row on the left and a column on the right."""
    if not (x.rank in (1, 2) and y.rank in (1, 2)):
        raise unsupported(f"@ between arrays with {x.rank} and {y.rank} axes is not read.", "Write * for scalars, einsum for tensors.")
    if x.truth and y.truth:
        raise unsupported("NumPy multiplies two boolean matrices as and/or.", "Write .astype(float).")
    if not merge(x.axes[-1], y.axes[0]) and None in (x.axes[-1], y.axes[0]):
        raise IversonError("shape", "The inner sizes of @ differ: one of them is 1.", hint="A 1-D array needs no [:,None] here.")
    axes = x.axes[:-1] + y.axes[1:]
    row = y.rank == 2 and axes[-1] is not None and not any(x.axes[:-1])

    def build() -> Surface:
        left, right = x.number(), y.number()
        left = flip(left) if x.axes[-1] is not None and not any(x.axes[:-1]) else left
        right = flip(right) if y.rank == 2 and y.axes[0] is None and y.axes[1] is not None else right
        tree = Surface("mul", (left, right))
        return flip(tree) if row else tree

    return opaque(x.book, axes, build)


def dot(x: Value, y: Value) -> Value:
    return matmul(x, y) if x.rank and y.rank else times(x, y)


def inner(x: Value, y: Value) -> Value:
    return dot(x, transposed(y) if y.rank == 2 else y)


def vdot(x: Value, y: Value) -> Value:
    return matmul(x, y) if x.rank == y.rank == 1 else reduced("sum", times(x, y))


def outer(x: Value, y: Value) -> Value:
    return times(arranged(flat(x), [0, None]), arranged(flat(y), [None, 0]))


def multi_dot(arrays: Sequence[Value]) -> Value:
    return reduce(matmul, arrays)


PATTERNS: dict[str, Callable[..., Value]] = {
    "ab,bc->ac": matmul,
    "ab,b->a":   matmul,
    "a,ab->b":   matmul,
    "a,a->":     matmul,
    "ab,cb->ac": inner,
    "ab,ac->bc": lambda x, y: matmul(transposed(x), y),
    "ab,a->b":   lambda x, y: matmul(transposed(x), y),
    "a,b->ab":   outer,
    "a,ab,b->":  lambda x, y, z: matmul(matmul(x, y), z),
    "ab->ba":    lambda x: transposed(x),
    "aa->":      lambda x: trace(x),
    "aa->a":     lambda x: diag(x),
    "a->":       lambda x: reduced("sum", x),
    "ab->":      lambda x: reduced("sum", x),
    "ab->a":     lambda x: reduced("sum", x, 1),
    "ab->b":     lambda x: reduced("sum", x, 0),
    "ab,ab->":   lambda x, y: reduced("sum", times(x, y)),
    "ab,ab->ab": times,
}


def subscripts(text: str, operands: Sequence[Value]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; without -> the result has those that stand once, sorted."""
    left, arrow, output = text.replace(" ", "").partition("->")
    inputs = left.split(",")
    if not all(part.isascii() and part.isalpha() for part in [*inputs, output] if part):
        raise unsupported("These subscripts of einsum are not read.", "Letters, commas and one ->; no ellipsis.")
    if [len(part) for part in inputs] != [x.rank for x in operands]:
        raise IversonError("shape", "einsum needs a letter for every axis of every operand.")
    if not arrow:
        output = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    if len(set(output)) < len(output) or not set(output) <= set(left):
        raise IversonError("shape", "The result of einsum has letters twice, or letters that no operand has.")
    return inputs, output


def einsum(text: Plain, *operands: Value) -> Value:
    """A matrix form where PATTERNS has one, else a sum over indices of a product of elements."""
    if not isinstance(text, str) or not operands:
        raise unsupported("einsum needs its subscripts as a string first.")
    inputs, output = subscripts(text, operands)
    letters = dict.fromkeys("".join(inputs))
    names = {c: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[p] for p, c in enumerate(letters)}
    pattern = ",".join("".join(names[c] for c in part) for part in inputs) + "->" + "".join(names[c] for c in output)
    if pattern in PATTERNS and not any(None in x.axes for x in operands):
        return PATTERNS[pattern](*operands)
    return indexed(inputs, output, [plain(x) for x in operands])


def indexed(inputs: Sequence[str], output: str, operands: Sequence[Value]) -> Value:
    sizes: dict[str, Size] = {}
    for part, x in zip(inputs, operands, strict=True):
        for c, a in zip(part, x.axes, strict=True):
            if a is not None:
                merge(sizes.setdefault(c, a), a)
    summed = [c for c in sizes if c not in output]
    book, axes = operands[0].book, tuple(sizes.get(c) for c in output)

    def cut(terms: Terms) -> Surface:
        if any(a is not None and t is None for a, t in zip(axes, terms, strict=True)):
            return book.define(value).at(terms)
        ranges = [sizes[c] for c in summed]
        with book.bound(ranges) as names:
            at = dict(zip(output, terms, strict=True)) | dict(zip(summed, names, strict=True))
            factors = [x.number(tuple(at.get(c) for c in part)) for part, x in zip(inputs, operands, strict=True)]
            body = book.tied(reduce(lambda a, b: Surface("mul", (a, b)), factors), names, ranges)
        return Surface("reduce", (body,), ("sum", tuple(i.attr for i in names))) if names else body

    value = Value(book, axes, cut, loose=any(axes))
    return value


# -- matrices --------------------------------------------------------------------------------------------------

def matrix(x: Value, square: bool = True) -> Value:
    if x.rank != 2 or None in x.axes:
        raise IversonError("shape", f"A matrix is expected here, not an array with {len(x.sizes())} axes longer than 1.")
    if square:
        merge(*x.axes)
    return x


def determinant(function: str) -> Callable[[Value], Value]:
    """det, tr and logdet: a square matrix to a scalar."""
    return lambda x: opaque(matrix(x).book, (), lambda: call(function, x.number()))


trace = determinant("tr")


def inv(x: Value) -> Value:
    return opaque(x.book, matrix(x).axes, lambda: call("inv", x.number()))


def solve(x: Value, y: Value) -> Value:
    return matmul(inv(x), y)


def matrix_power(x: Value, n: Plain) -> Value:
    if not isinstance(n, int) or isinstance(n, bool):
        raise unsupported("The exponent of matrix_power must be a whole number written out.")
    if n == 0:
        return eye(x.book, matrix(x).axes[0])
    base = inv(x) if n < 0 else matrix(x)
    return base if abs(n) == 1 else opaque(x.book, x.axes, lambda: Surface("pow", (base.number(), number(abs(n)))))


def diag(x: Value) -> Value:
    """A vector to a diagonal matrix, a square matrix to its diagonal."""
    if x.rank == 1 and x.axes[0] is not None:
        return opaque(x.book, x.axes * 2, lambda: call("diag", x.number()))
    axis = matrix(x).axes[0]
    return Value(x.book, (axis,), lambda ts: call("diag", x.number()) if ts[0] is None else x.number(ts * 2), loose=x.loose)


def transposed(x: Value, *axes: Plain) -> Value:
    order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes or tuple(range(x.rank))[::-1]
    if sorted(order) != list(range(x.rank)):
        raise IversonError("shape", f"A transpose of {x.rank} axes needs each of them once.")
    return arranged(x, order)


def flat(x: Value) -> Value:
    """One axis of all entries: read where at most one axis is longer than 1."""
    if len(x.sizes()) > 1:
        raise unsupported("Only an array with one axis longer than 1 is flattened.", "Sum over the axes instead.")
    return arranged(x, [next((p for p, a in enumerate(x.axes) if a is not None), None)]) if x.rank != 1 else x


def reshape(x: Value, *shape: Plain) -> Value:
    wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    if wanted not in ((-1,), (-1, 1), (1, -1)):
        raise unsupported("Only reshape(-1), reshape(-1, 1) and reshape(1, -1) are read.", "Index with None to add axes.")
    return arranged(flat(x), [0 if n == -1 else None for n in wanted])


def squeeze(x: Value, axis: Plain = None) -> Value:
    gone = [p for p in positions(x, axis) if axis is not None or x.axes[p] is None]
    if any(x.axes[p] is not None for p in gone):
        raise IversonError("shape", "squeeze leaves out axes of size 1 only.")
    return arranged(x, [p for p in range(x.rank) if p not in gone])


def expand_dims(x: Value, axis: Plain) -> Value:
    order: list[int | None] = list(range(x.rank))
    order.insert(axis if axis >= 0 else x.rank + 1 + axis, None)
    return arranged(x, order)


# -- arrays from sizes -----------------------------------------------------------------------------------------

def filled(book: Book, axes: Shape, value: int) -> Value:
    """An array of ones or zeros."""
    def cut(terms: Terms) -> Surface:
        stay = [a for a, t in zip(axes, terms, strict=True) if a is not None and t is None]
        return call("ones" if value else "zeros", *map(book.size, stay)) if stay else number(value)

    return Value(book, axes, cut)


def ones(book: Book, shape: Shape, dtype: Dtype = None) -> Value:
    return filled(book, shape, 1)


def zeros(book: Book, shape: Shape, dtype: Dtype = None) -> Value:
    return filled(book, shape, 0)


def full(book: Book, shape: Shape, fill_value: Value, dtype: Dtype = None) -> Value:
    return times(fill_value, filled(book, shape, 1))


def ones_like(x: Value, dtype: Dtype = None) -> Value:
    return filled(x.book, x.axes, 1)


def zeros_like(x: Value, dtype: Dtype = None) -> Value:
    return filled(x.book, x.axes, 0)


def eye(book: Book, n: Extent, dtype: Dtype = None) -> Value:
    if n is None:
        return filled(book, (None, None), 1)

    def cut(terms: Terms) -> Surface:
        if None in terms:
            return pick(call("eye", book.size(n)), terms)
        return Surface("bracket", (Surface("rel", tuple(t for t in terms if t is not None), "="),))

    return Value(book, (n, n), cut, identity=True)


def arange(book: Book, n: Extent) -> Value:
    def cut(terms: Terms) -> Surface:
        return book.define(value).at(terms) if terms[0] is None else terms[0]

    value = Value(book, (n,), cut, loose=True, label="")
    return value


def onehot(y: Value, n: Size) -> Value:
    """eye(n)[y]: a row for each label."""
    def cut(terms: Terms) -> Surface:
        label, last = y.at(terms[:-1]), terms[-1]
        return call("onehot", label) if last is None else Surface("bracket", (Surface("rel", (label, last), "="),))

    return Value(y.book, (*y.axes, n), cut)


# -- subscripts ------------------------------------------------------------------------------------------------

def gathered(x: Value, items: Sequence[Any]) -> Value:
    """`x[items]` with an item for each axis: WHOLE, an integer or an index array; NEW adds an axis.

    Index arrays are broadcast together; their axes stand where the first of them stood.
    """
    arrays = [i for i in items if isinstance(i, Value)]
    if x.identity and len(arrays) == 1 and isinstance(items[0], Value) and items[0].label and items[1:] == [WHOLE]:
        related(items[0], x.axes[0])
        return onehot(items[0], x.axes[0])  # type: ignore[arg-type]
    if len(arrays) == 1 and arrays[0].label == "":
        related(arrays[0], x.axes[[i for i in items if i is not NEW].index(arrays[0])])
        items = [WHOLE if isinstance(i, Value) else i for i in items]
    return placed(plain(x), items)


def placed(x: Value, items: Sequence[Any]) -> Value:
    arrays = [i for i in items if isinstance(i, Value)]
    shape = elementwise(lambda parts, _: parts[0][0], *arrays).axes if arrays else ()
    special = [q for q, i in enumerate(items) if i is not WHOLE and i is not NEW]
    if shape and special[-1] - special[0] >= len(special):
        raise unsupported("Index arrays with a colon or None between them are not read.")
    at: dict[int, Any] = {}
    out: list[tuple[str, int]] = []
    for q, item in enumerate(items):
        p = q - list(items[:q]).count(NEW)
        if item is NEW or item is WHOLE:
            out.append((item, p))
            continue
        out += [("array", a) for a in range(len(shape))] if q == special[0] else []
        at[p] = related(item, x.axes[p]) if isinstance(item, Value) else counted(item, x.axes[p])
    kinds = {NEW: lambda p: None, WHOLE: lambda p: x.axes[p], "array": lambda a: shape[a]}
    return taken(x, at, out, tuple(kinds[kind](p) for kind, p in out), len(shape))


def taken(x: Value, at: dict[int, Any], out: list[tuple[str, int]], axes: tuple[Size | None, ...], width: int) -> Value:
    """Elements of x at the fixed terms `at`; `out` says what each axis of the result is."""
    def cut(terms: Terms) -> Surface:
        given = dict(zip(out, terms, strict=True))
        if any(kind == "array" and a is not None and given[kind, p] is None for (kind, p), a in zip(out, axes, strict=True)):
            return x.book.define(value).at(terms)
        shared = tuple(given.get(("array", a)) for a in range(width))
        fixed = {p: i.at(shared[width - i.rank:]) if isinstance(i, Value) else number(i) for p, i in at.items()}
        return x.number(tuple(fixed[p] if p in fixed else given[WHOLE, p] for p in range(x.rank)))

    value = Value(x.book, axes, cut, loose=x.loose or any(kind == "array" for kind, _ in out))
    return value


def related(i: Value, axis: Size | None) -> Value:
    """An index array for an axis: arange runs along all of it, labels are below its size."""
    if i.truth:
        raise unsupported("Selecting by a condition changes sizes and is not read.", "Multiply: np.sum(x*(x > 0)); or np.where.")
    if i.label is None or axis is None:
        raise unsupported("This is not read as an index.", "An index is a number, a name of integers, np.arange, a colon or None.")
    own = i.book.labels.setdefault(i.label, Size()) if i.label else i.axes[0]
    if not merge(own, axis):
        sizes = " and ".join(str(s.root().name) for s in (own, axis) if s)
        raise IversonError("shape", f"The index and the axis differ in size ({sizes}).", i.span)
    return i


def counted(k: int, axis: Size | None) -> int:
    """A constant index from 0; a negative one needs a size that is a number."""
    n = 1 if axis is None else axis.root().name
    if k < 0 and not isinstance(n, int):
        raise unsupported("An index from the end needs a known size.", "Count from 0.")
    if isinstance(n, int) and not -n <= k < n:
        raise IversonError("shape", f"The index {k} is outside an axis of size {n}.")
    return k % n if isinstance(n, int) else k
