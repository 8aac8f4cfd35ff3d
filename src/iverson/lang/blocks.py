"""BLOCKS: operators that move, join or reshape arrays, each by the sizes of its value and by one entry of it.

Glossary   reads: for each argument, its entry at index terms; dims: the sizes of each argument; axes: the terms asked for.
A read that is out of range for some of the values stands beside a bracket that says so.
The pair of indices behind an axis of a product size: `vec` counts down the columns, i + j*m; `kron` and `reshape` along the
rows, i*p + k, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from ..core.affine import ONE as UNIT
from ..core.affine import Poly, minus, nonnegative, polynomial, product, without
from ..core.node import ONE, ZERO, Node, add, bracket, fresh, mul, of_polynomial, rel, sub, sum_
from .sizes import Type, array
from .surface import Surface

if TYPE_CHECKING:
    from .shapes import Shapes

Read = Callable[[tuple[Node, ...]], Node]
Dims = tuple[Node, ...]
Sizing = Callable[["Shapes", Surface, Sequence[Type]], Type]
Entry = Callable[[Sequence[Read], Sequence[Dims], tuple[Node, ...]], Node]


@dataclass(frozen=True)
class Block:
    """One operator.  says: its entry at i (and j), for people; lines: beside a matrix, a vector is a matrix of one column
    or row."""

    sizes: Sizing
    entry: Entry
    says: str
    lines: bool = False


# -- sizes -----------------------------------------------------------------------------------------------------


def vector(shapes: Shapes, tree: Surface, t: Type, at: int = 0) -> Node:
    """The size of an argument that must be a vector."""
    if t.rank != 1:
        raise shapes.error(
            "shape",
            f"{tree.attr} takes a vector, not a {t.form}.",
            tree.args[at].span,
            hint="Of a matrix, write the rows or columns meant: X[1:,:] - X[:-1,:].",
        )
    return t.dims[0]


def diff_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    n = vector(shapes, tree, types[0])
    shapes.at_least(n, 2, tree.span)
    return Type(types[0].form, (sub(n, ONE),))


def same_size(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    vector(shapes, tree, types[0])
    return Type(types[0].form, types[0].dims)


def rolled_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    n, step = vector(shapes, tree, types[0]), literal(tree.args[1])
    if step is None:
        raise shapes.error("kind", "roll takes a vector and an integer.", tree.args[1].span)
    shapes.at_least(n, abs(step), tree.span)
    return Type(types[0].form, types[0].dims)


def literal(tree: Surface) -> int | None:
    """The integer that is written, with its sign."""
    if tree.op == "neg":
        inner = literal(tree.args[0])
        return None if inner is None else -inner
    return tree.attr if tree.op == "num" and isinstance(tree.attr, int) else None


def valid_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    n, w = vector(shapes, tree, types[0]), vector(shapes, tree, types[1], 1)
    shapes.at_least_zero(sub(n, w), n, tree)
    return array((add(sub(n, w), ONE),))


def chained_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    return array((add(*(vector(shapes, tree, t, p) for p, t in enumerate(types))),))


def beside_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    return joined_sizes(shapes, tree, types, 1)


def below_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    return joined_sizes(shapes, tree, types, 0)


def joined_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type], axis: int) -> Type:
    """Matrices side by side (axis 1) or below each other (0); beside one, a vector is one more column or row."""
    line = ("row", "column")[axis]
    if not any(t.rank == 2 for t in types) or any(t.form not in ("matrix", line) for t in types):
        raise shapes.error(
            "shape",
            f"{tree.attr} joins matrices, and a {line} to a matrix.",
            tree.span,
            hint="Write concat(x, y) for one vector after the other.",
        )
    common = [t.dims[1 - axis] if t.rank == 2 else t.dims[0] for t in types]
    if not all(shapes.unify(common[0], n) for n in common[1:]):
        raise shapes.error("shape", f"The parts of {tree.attr} do not fit: {', '.join(map(shapes.describe, types))}.",
                           tree.span)  # fmt: skip
    whole = add(*(t.dims[axis] if t.rank == 2 else ONE for t in types))
    return array((whole, common[0]) if axis == 0 else (common[0], whole))


def product_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    a, b = types
    if not (a.rank in (1, 2) and b.rank in (1, 2)):
        raise shapes.error("shape", f"kron takes vectors and matrices, not a {a.form} and a {b.form}.", tree.span)
    both = [t.dims if a.form == b.form else as_line(t) for t in types]
    sizes = tuple(mul(shapes.find(m), shapes.find(n)) for m, n in zip(*both, strict=True))
    return Type(a.form, sizes) if a.form == b.form else array(sizes)


def as_line(t: Type) -> Dims:
    """The sizes of a vector as a matrix of one column or row, of a matrix as they are."""
    return t.dims if t.rank == 2 else (ONE, *t.dims) if t.form == "row" else (*t.dims, ONE)


def commuting_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    return array((mul(*map(shapes.size_of, tree.args)),) * 2)


def stacked_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    if types[0].rank not in (1, 2):
        raise shapes.error("shape", f"vec takes a matrix, not a {types[0].form}.", tree.args[0].span)
    return array((mul(*map(shapes.find, types[0].dims)),))


def reshaped_sizes(shapes: Shapes, tree: Surface, types: Sequence[Type]) -> Type:
    old, new = mul(*map(shapes.find, types[0].dims)), tuple(shapes.size_of(a) for a in tree.args[1:])
    if types[0].rank == 0 or not shapes.unify(old, mul(*new)):
        raise shapes.error("shape", f"A {shapes.describe(types[0])} has another number of entries.", tree.span)
    return array(new)


# -- entries ---------------------------------------------------------------------------------------------------


def diff_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    (x,), (i,) = reads, axes
    return sub(x((add(i, ONE),)), x((i,)))


def flipped_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    return reads[0]((sub(sub(dims[0][0], ONE), axes[0]),))


def rolled_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    """x[i - s], counted from the other end where that is outside."""
    x, step, (n,), (i,) = reads[0], reads[1](()), dims[0], axes
    start = step if step.attr >= 0 else add(n, step)
    wrapped = mul(bracket(rel("<", i, start)), x((add(sub(i, start), n),)))
    return add(mul(bracket(rel(">=", i, start)), x((sub(i, start),))), wrapped)


def convolved_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    (x, k), ((_,), (w,)), (i,) = reads, dims, axes
    j = fresh(w)
    return sum_((j,), mul(k((j,)), x((sub(add(i, w), add(j, ONE)),))))


def correlated_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    (x, k), ((_,), (w,)), (i,) = reads, dims, axes
    j = fresh(w)
    return sum_((j,), mul(k((j,)), x((add(i, j),))))


def joined_entry(axis: int) -> Entry:
    """Each part where its turn is: `[i < m]*x[i] + [i >= m]*y[i-m]`."""

    def entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
        parts, start = [], ZERO
        for p, (read, own) in enumerate(zip(reads, dims, strict=True)):
            single = len(own) < len(axes)
            end = add(start, ONE if single else own[axis])
            terms = list(axes)
            terms[axis] = sub(axes[axis], start)
            held = [bracket(rel(">=", axes[axis], start))] if p else []
            held += [bracket(rel("<", axes[axis], end))] if p < len(reads) - 1 else []
            parts.append(mul(*held, read(tuple(t for q, t in enumerate(terms) if not (single and q == axis)))))
            start = end
        return add(*parts)

    return entry


def product_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    """kron: the first argument at the quotients by the sizes of the second, the second at the remainders."""

    def at(left: tuple[Node, ...], right: tuple[Node, ...]) -> Node:
        p = len(left)
        if p == len(axes):
            return mul(reads[0](left), reads[1](right))
        return digits(axes[p], dims[0][p], dims[1][p], lambda a, b: at((*left, a), (*right, b)))

    return at((), ())


def stacked_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    """Column after column: entry i + j*m is A[i,j]."""
    if len(dims[0]) == 1:
        return reads[0](axes)
    m, n = dims[0]
    return digits(axes[0], n, m, lambda j, i: reads[0]((i, j)))


def commuting_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    """1 where row j + i*n and column i + j*m are of the same i and j."""
    m, n = (read(()) for read in reads)
    same = lambda i, j, k, l: mul(bracket(rel("=", i, k)), bracket(rel("=", j, l)))
    return digits(axes[0], m, n, lambda i, j: digits(axes[1], n, m, lambda l, k: same(i, j, k, l)))


def reshaped_entry(reads: Sequence[Read], dims: Sequence[Dims], axes: tuple[Node, ...]) -> Node:
    """Row by row, as NumPy does."""
    new = [read(()) for read in reads[1:]]
    place = reduce(lambda t, row: add(mul(t, row[1]), row[0]), zip(axes, new, strict=True), ZERO)
    return unfolded(place, dims[0], (), reads[0])


def unfolded(t: Node, dims: Dims, done: tuple[Node, ...], read: Read) -> Node:
    """The entry whose place is t when an array is read row by row."""
    if len(dims) == 1:
        return read((*done, t))
    return digits(t, dims[0], mul(*dims[1:]), lambda a, b: unfolded(b, dims[1:], (*done, a), read))


def digits(t: Node, count: Node, base: Node, f: Callable[[Node, Node], Node]) -> Node:
    """f(a, b) for t = a*base + b with 0 <= b < base: read off the term, else the one pair of a sum that fits."""
    found = parted(t, base)
    if found is not None:
        return f(*found)
    a, b = fresh(count), fresh(base)
    return sum_((a, b), mul(bracket(rel("=", t, add(mul(a, base), b))), f(a, b)))


def parted(t: Node, base: Node) -> tuple[Node, Node] | None:
    """Quotient and remainder of a term by a size, where they can be read off it."""
    p, q = polynomial(t), polynomial(base)
    if p is None or q is None or len(q) != 1:
        return None
    ((m, c),) = q.items()
    over: Poly = {rest: d // c for n, d in p.items() if d % c == 0 and (m or n) and (rest := without(n, m)) is not None}
    under = minus(p, product([q, over]))
    if nonnegative(under) and nonnegative(minus(minus(q, UNIT), under)):
        return of_polynomial(over), of_polynomial(under)
    return None


# fmt: off
BLOCKS = {
    "diff":      Block(diff_sizes,     diff_entry,       "x[i+1] - x[i]"),
    "flip":      Block(same_size,      flipped_entry,    "x[n-1-i]"),
    "roll":      Block(rolled_sizes,   rolled_entry,     "x[i-y], counted from the other end where that is outside"),
    "conv":      Block(valid_sizes,    convolved_entry,  "sum[j] y[j]*x[i+w-1-j]"),
    "correlate": Block(valid_sizes,    correlated_entry, "sum[j] y[j]*x[i+j]"),
    "concat":    Block(chained_sizes,  joined_entry(0),  "x[i] for i < m, else y[i-m]"),
    "vstack":    Block(below_sizes,    joined_entry(0),  "x[i,j] for i < m, else y[i-m,j]"),
    "hstack":    Block(beside_sizes,   joined_entry(1),  "x[i,j] for j < n, else y[i,j-n]"),
    "kron":      Block(product_sizes,  product_entry,    "x[i,j]*y[k,l] at [i*p+k,j*q+l]", lines=True),
    "commutation": Block(commuting_sizes, commuting_entry, "the matrix with commutation(m,n)*vec(A) = vec(A') for A of m x n"),
    "vec":       Block(stacked_sizes,  stacked_entry,    "x[i,j] at i+j*m: column after column"),
    "reshape":   Block(reshaped_sizes, reshaped_entry,   "row after row, as NumPy"),
}
# fmt: on
