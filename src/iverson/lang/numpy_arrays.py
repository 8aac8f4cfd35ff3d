"""Arrays from arrays: reductions, products, einsum, matrices and filled arrays.

Glossary   x, y: values; a, b, ...: the letters of einsum.
Rows of numpy_calls name these functions, so parameters bear NumPy's names where keywords use them, and their
annotations say how an argument is read.  Knows no `ast`; the reader adds the spans of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from ..core.affine import minus as less
from ..core.errors import IversonError
from .numpy_elementwise import inverted, times
from .numpy_sizes import Axes, Size
from .numpy_values import Book, Terms, Value, arranged, axes_text, flip, opaque, pick, plain, replace, unsupported
from .surface import Surface, call, conjunction, number

Plain = Any                      # a literal
Dtype = Any                      # a number type, checked and dropped
Extent = Size | None             # one size
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


# -- reductions ----------------------------------------------------------------------------------------------

def positions(x: Value, axis: Plain) -> list[int]:
    """The axes a literal names, counted from 0; None names all."""
    if axis is None:
        return list(range(x.rank))
    wanted = axis if isinstance(axis, tuple) else (axis,)
    if not all(type(p) is int and -x.rank <= p < x.rank for p in wanted):
        raise IversonError("shape", f"There is no axis {axis} in an array with {axes_text(x.rank)}.",
                           hint="Axes count from 0; -1 is the last.")
    found = [p % x.rank for p in wanted]
    if len(set(found)) < len(found):
        raise IversonError("shape", "An axis is named twice.")
    return found


def reduced(kind: str, x: Value, axis: Plain = None, keepdims: Plain = False) -> Value:
    """sum, mean, prod, max or min over axes: a call over a whole vector or matrix, else an index is bound."""
    gone = sorted(positions(x, axis))
    out = [p for p in range(x.rank) if keepdims or p not in gone]
    real = [p for p in gone if x.axes[p] is not None]
    sizes = [a for a in (x.axes[p] for p in gone) if a is not None]
    axes = tuple(None if p in gone else x.axes[p] for p in out)
    x, held, lead = counted_entries(kind, x, gone)
    if not real:
        return arranged(plain(x), [None if p in gone else p for p in out])

    def cut(terms: Terms) -> Surface:
        if not x.loose and held is None and len(real) == len(x.sizes()) <= 2:
            return call(kind, x.number())
        at = {p: t for p, t in zip(out, terms, strict=True) if p not in gone}
        with x.book.bound(sizes, real[0]) as names:
            at.update(zip(real, names, strict=True))
            every = tuple(at.get(p) for p in range(x.rank))
            body, truth = x.book.limited(x.number(every), names, sizes)
            truth += [] if held is None else [held.at(every[lead:lead + held.rank])]
        both = [conjunction(truth)] if truth else []
        return Surface("reduce", (body, *both), (kind, tuple(i.attr for i in names)))

    if held is not None:
        return Value(x.book, axes, cut, loose=any(axes), apart=tuple(p for p, a in enumerate(axes) if a is not None))
    return Value(x.book, axes, cut, loose=x.loose and any(axes), kept=x.kept)


def counted_entries(kind: str, x: Value, gone: Sequence[int]) -> tuple[Value, Value | None, int]:
    """The finite entries, the condition under which they count in a reduction, and its first axis."""
    if x.hole is not None and kind == ("max" if x.hole[1] < 0 else "min"):
        return replace(x, hole=None), inverted(x.hole[0]), x.rank - x.hole[0].rank
    if x.kept is not None and set(gone) & set(range(x.kept.rank)):
        if not set(range(x.kept.rank)) <= set(gone):
            raise unsupported("The entries that a mask selects are one axis.", "Reduce over all of them.")
        return replace(x, kept=None), x.kept, 0
    return x, None, 0


# -- products ------------------------------------------------------------------------------------------------

def matmul(x: Value, y: Value) -> Value:
    """`x @ y` for 1-D and 2-D: a 1-D array is a row on the left and a column on the right."""
    if not (x.rank and y.rank):
        ranks = f"{axes_text(x.rank)} and {axes_text(y.rank)}"
        raise unsupported(f"A matrix product of {ranks} is not read.", "Write * for scalars, else einsum.")
    if x.truth and y.truth:
        raise unsupported("NumPy multiplies two boolean matrices as and/or.", "Write .astype(float).")
    if x.rank > 2 or y.rank > 2:
        return stacked(plain(x), plain(y))
    x.book.agree(x.axes[-1], y.axes[0], "A matrix product sums over the last axis and the first.")
    axes, lead = x.axes[:-1] + y.axes[1:], any(x.axes[:-1])

    def build() -> Surface:
        left, right = x.number(), y.number()
        left = flip(left) if x.axes[-1] is not None and not lead else left
        right = flip(right) if y.rank == 2 and y.axes[0] is None and y.axes[1] is not None else right
        tree = Surface("mul", (left, right))
        return flip(tree) if y.rank == 2 and y.axes[1] is not None and not lead else tree

    return opaque(x.book, axes, build)


def stacked(x: Value, y: Value) -> Value:
    """`x @ y` of stacks of matrices: the axes before the last two are broadcast."""
    lead = max(x.rank, y.rank) - 2
    left = LETTERS[lead - max(x.rank - 2, 0):lead] + ("X" if x.rank > 1 else "") + "z"
    right = LETTERS[lead - max(y.rank - 2, 0):lead] + ("zY" if y.rank > 1 else "z")
    output = LETTERS[:lead] + ("X" if x.rank > 1 else "") + ("Y" if y.rank > 1 else "")
    return indexed([left, right], output, [x, y])


def dot(x: Value, y: Value) -> Value:
    if x.rank > 2 or y.rank > 2:
        raise unsupported("np.dot of stacks of matrices is not read.", "Write einsum, or @.")
    return matmul(x, y) if x.rank and y.rank else times(x, y)


def inner(x: Value, y: Value) -> Value:
    return dot(x, transposed(y)) if x.rank else times(x, y)


def outer(x: Value, y: Value) -> Value:
    if x.rank > 1 or y.rank > 1:
        x, y = (v if v.rank < 2 else squeeze(v) for v in (x, y))
    if x.rank != 1 or y.rank != 1:
        raise unsupported("np.outer is read of two vectors.", "Write einsum.")
    return times(arranged(x, [0, None]), arranged(y, [None, 0]))


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


def letters(text: str, operands: Sequence[Value]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; without -> those that stand once, sorted."""
    left, arrow, output = text.replace(" ", "").partition("->")
    inputs = left.split(",")
    if not all(part.isascii() and part.isalpha() for part in [*inputs, output] if part):
        raise unsupported("These subscripts of einsum are not read.", "Letters, commas, one ->; no ellipsis.")
    if [len(part) for part in inputs] != [x.rank for x in operands]:
        raise IversonError("shape", "einsum needs a letter for every axis of every operand.")
    if not arrow:
        output = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    if len(set(output)) < len(output) or not set(output) <= set(left):
        raise IversonError("shape", "The result of einsum has a letter twice, or one that no operand has.")
    return inputs, output


def einsum(subscripts: Plain, *operands: Value) -> Value:
    """A matrix form where PATTERNS has one, else a sum over indices of a product of elements."""
    if not isinstance(subscripts, str) or not operands:
        raise unsupported("einsum needs its subscripts as a string, then its operands.")
    inputs, output = letters(subscripts, operands)
    if all(x.truth for x in operands):
        raise unsupported("NumPy sums boolean arrays in einsum as `or`.", "Write .astype(float).")
    names = dict(zip(dict.fromkeys("".join(inputs)), LETTERS, strict=False))
    pattern = ",".join("".join(names[c] for c in part) for part in inputs)
    row = PATTERNS.get(pattern + "->" + "".join(names[c] for c in output))
    if row is not None and not any(None in x.axes for x in operands):
        return row(*(plain(x) for x in operands))
    return indexed(inputs, output, [plain(x) for x in operands])


def indexed(inputs: Sequence[str], output: str, operands: Sequence[Value]) -> Value:
    """The sum over the letters that are not in the output, element by element."""
    sizes: dict[str, Size] = {}
    for part, x in zip(inputs, operands, strict=True):
        for p, (c, a) in enumerate(zip(part, x.axes, strict=True)):
            other = x.axes[part.index(c)] if part.index(c) < p else sizes.get(c) or a
            if a is not None or part.index(c) < p:
                x.book.agree(other, a, f"The letter {c} stands for one size.")
            sizes |= {c: a} if a is not None else {}
    summed = [c for c in sizes if c not in output]
    book, ranges = operands[0].book, [sizes[c] for c in summed]

    def cut(terms: Terms) -> Surface:
        with book.bound(ranges) as names:
            at = dict(zip(output, terms, strict=True)) | dict(zip(summed, names, strict=True))
            factors = [x.number(tuple(at.get(c) for c in part))
                       for part, x in zip(inputs, operands, strict=True)]
            body = book.tied(reduce(lambda a, b: Surface("mul", (a, b)), factors), names, ranges)
        return Surface("reduce", (body,), ("sum", tuple(i.attr for i in names))) if names else body

    axes = tuple(sizes.get(c) for c in output)
    return Value(book, axes, cut, loose=any(axes), apart=tuple(range(len(axes))))


# -- matrices ------------------------------------------------------------------------------------------------

def square(x: Value) -> Value:
    if x.rank != 2 or None in x.axes:
        raise IversonError("shape", f"A square matrix is expected here; this array has {axes_text(x.rank)}"
                           f"{', one of size 1' if None in x.axes else ''}.")
    x.book.agree(x.axes[0], x.axes[1], "The matrix must be square.")
    return x


def determinant(function: str) -> Callable[[Value], Value]:
    """det, tr and logdet: a square matrix to a scalar, a stack of them to an array."""
    return lambda x: of_stack(function, x, ()) if x.rank > 2 else opaque(
        square(x).book, (), lambda: call(function, x.number()))


def of_stack(function: str, x: Value, result: Axes) -> Value:
    """A function of the matrices of a stack, which its last two axes are."""
    lead = x.rank - 2
    square(arranged(x, [lead, lead + 1]))

    def cut(terms: Terms) -> Surface:
        return pick(call(function, x.number((*terms[:lead], None, None))), terms[lead:])

    return Value(x.book, x.axes[:lead] + result, cut, loose=True, apart=tuple(range(lead)))


def trace(a: Value, offset: Plain = 0, axis1: Plain = 0, axis2: Plain = 1) -> Value:
    """The sum of a diagonal; of more than two axes, along the two that are named."""
    if a.rank < 3 and offset == 0 and {axis1, axis2} <= {0, 1, -1, -2}:
        return determinant("tr")(a)
    return reduced("sum", diagonal(a, offset, axis1, axis2), -1)


def diagonal(a: Value, offset: Plain = 0, axis1: Plain = 0, axis2: Plain = 1) -> Value:
    """The main diagonal of two axes, as the last axis."""
    if a.rank < 3 and {axis1, axis2} <= {0, 1, -1, -2}:
        return diag(square(a), offset)
    [p], [q] = positions(a, axis1), positions(a, axis2)
    if offset != 0 or p == q:
        raise unsupported("Only the main diagonal of two axes is read.", "Write the index: X[:, i, i+1].")
    names = [LETTERS[p if r == q else r] for r in range(a.rank)]
    rest = "".join(c for r, c in enumerate(names) if r not in (p, q))
    return indexed(["".join(names)], rest + LETTERS[p], [plain(a)])


def whole(function: str, result: Callable[[Any], Any]) -> Callable[[Value], Value]:
    """A function of a matrix; `result` gives its axes from those of the argument."""
    return lambda x: opaque(x.book, result(x.axes), lambda: call(function, x.number()))


def of_square(function: str) -> Callable[[Value], Value]:
    """A function of a square matrix to one like it."""
    return lambda x: opaque(x.book, square(x).axes, lambda: call(function, x.number()))


def fractional_power(A: Value, t: Value) -> Value:
    """A matrix to a power that is no whole number."""
    if t.rank:
        raise unsupported("The exponent of fractional_matrix_power must be a scalar.")
    return opaque(A.book, square(A).axes, lambda: Surface("pow", (A.number(), t.number())))


def inv(x: Value) -> Value:
    if x.rank > 2:
        return of_stack("inv", x, x.axes[-2:])
    return opaque(x.book, square(x).axes, lambda: call("inv", x.number()))


def matrix_power(x: Value, n: Plain) -> Value:
    if type(n) is not int:
        raise unsupported("The exponent of matrix_power must be a whole number written out.")
    if n == 0:
        return identity(x.book, square(x).axes[0])
    base = inv(x) if n < 0 else square(x)
    raised = opaque(x.book, x.axes, lambda: Surface("pow", (base.number(), number(abs(n)))))
    return base if abs(n) == 1 else raised


def diag(x: Value, k: Plain = 0) -> Value:
    """A vector to a diagonal matrix, a square matrix to its diagonal."""
    if k != 0:
        raise unsupported("Only the main diagonal is read.", "Write the index: X[i, i+1].")
    if x.rank == 1 and x.axes[0] is not None:
        return opaque(x.book, x.axes * 2, lambda: call("diag", x.number()))

    def cut(terms: Terms) -> Surface:
        return call("diag", x.number()) if terms[0] is None else x.number(terms * 2)

    return Value(x.book, square(x).axes[:1], cut, loose=x.loose)


def transposed(x: Value, *axes: Plain) -> Value:
    order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes
    found = positions(x, order) if order and order != (None,) else list(range(x.rank))[::-1]
    if len(found) != x.rank:
        raise IversonError("shape", f"A transpose of {axes_text(x.rank)} names each of them once.")
    return arranged(x, found)


def squeeze(x: Value, axis: Plain = None) -> Value:
    gone = [p for p in positions(x, axis) if axis is not None or x.axes[p] is None]
    if any(x.axes[p] is not None for p in gone):
        raise IversonError("shape", "squeeze leaves out axes of size 1 only.")
    return arranged(x, [p for p in range(x.rank) if p not in gone])


def expand_dims(x: Value, axis: Plain) -> Value:
    if type(axis) is not int or not -x.rank - 1 <= axis <= x.rank:
        raise unsupported("A new axis stands at one place among the others.")
    order: list[int | None] = list(range(x.rank))
    order.insert(axis % (x.rank + 1), None)
    return arranged(x, order)


# -- arrays from sizes ---------------------------------------------------------------------------------------

def filled(book: Book, axes: Axes, value: int) -> Value:
    """An array of ones or zeros."""
    def cut(terms: Terms) -> Surface:
        sizes = [book.size(a) for a in axes]
        stay = [n for n, a, t in zip(sizes, axes, terms, strict=True) if a is not None and t is None]
        return call("ones" if value else "zeros", *stay) if stay else number(value)

    return Value(book, axes, cut, simple=True, fill=value)


def identity(book: Book, n: Extent, dtype: Dtype = None) -> Value:
    if n is None:
        return filled(book, (None, None), 1)

    def cut(terms: Terms) -> Surface:
        (i, k), size = terms, book.size(n)
        if i is None or k is None:
            return pick(call("eye", size), terms)
        return Surface("bracket", (Surface("rel", (i, k), "="),))

    return Value(book, (n, n), cut, identity=True)


def arange(book: Book, stop: Extent) -> Value:
    """The values 0, ..., stop-1: an index as a number."""
    if stop is None:
        return replace(filled(book, (None,), 0), run=lambda: ({}, {}))

    def cut(terms: Terms) -> Surface:
        book.size(stop)
        return terms[0] or number(0)

    return Value(book, (stop,), cut, loose=True, apart=(0,), label="",
                 run=lambda: ({}, less(book.poly(stop), {(): 1})))


def onehot(y: Value, n: Size) -> Value:
    """eye(n)[y]: a row for each label."""
    def cut(terms: Terms) -> Surface:
        label, last = y.at(terms[:-1]), terms[-1]
        if last is None:
            return call("onehot", label)
        return Surface("bracket", (Surface("rel", (label, last), "="),))

    return Value(y.book, (*y.axes, n), cut)
