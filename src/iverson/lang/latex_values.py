r"""Pieces of a formula with their ranks: products, powers, norms and calls that only ranks tell apart.

Glossary   v: a value; dims: its sizes as far as they are known, None where the rank is not;  a vector is a column unless `row`.
An index, a label or a size has an `offset`: its number in the text is tree + offset, where tree counts from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import IversonError, Span
from .latex_symbols import Dim
from .surface import Surface, call, index, name, number


@dataclass(slots=True, eq=False)     # not frozen, which costs half of the time it takes to make one; nothing changes one
class Val:
    """A tree with what is known of it.  what: "" | index | label | size | one | eye | zero;  cells: an explicit matrix."""

    tree: Surface
    dims: tuple[Dim, ...] | None = ()
    row: bool = False
    what: str = ""
    offset: int = 0
    base: int = 0
    cells: tuple[tuple[Val, ...], ...] = ()
    binder: Any = None
    loose: bool = False  # a row taken out of a matrix: it may stand as a row or as a vector
    numeral: bool = False

    @property
    def rank(self) -> int | None:
        return None if self.dims is None else len(self.dims)

    @property
    def span(self) -> Span | None:
        return self.tree.span

    def at(self, span: Span) -> Val:
        """The same in another place of the text."""
        return Val(self.tree.at(span), self.dims, self.row, self.what, self.offset, self.base, self.cells, self.binder, self.loose, self.numeral)


Read = tuple[Dim, int, Any, int]  # size of an axis, shift of the index there, the axis itself, what the axis counts from


@dataclass
class Binder:
    """A bound letter: its name in Surface, what it counts from, what it reads."""

    letter: str
    name: str
    base: int
    span: Span
    lower: Val | None = None
    upper: Val | None = None
    reads: list[Read] = field(default_factory=list)

    def val(self) -> Val:
        return Val(name(self.name).at(self.span), what="index", offset=self.base, base=self.base, binder=self)


def scalar(tree: Surface) -> Val:
    return Val(tree)


def const(value: int, span: Span | None = None) -> Val:
    return Val(number(value).at(span), numeral=True)


def integer(v: Val) -> int | None:
    """The value of an integer, also of a negative one."""
    t = v.tree
    if v.what in ("", "size") and t.op == "num" and isinstance(t.attr, int):
        return t.attr
    if t.op == "neg" and t.args[0].op == "num" and isinstance(t.args[0].attr, int):
        return -t.args[0].attr
    return None


def countable(v: Val) -> bool:
    return v.what in ("index", "size") or (v.what == "" and integer(v) is not None)


def number_of(v: Val) -> Val:
    """An index or a size as the number that the text means."""
    if v.what == "index":
        tree = v.tree if v.offset == 0 else plus(v.tree, v.offset)
        return Val(tree.at(v.span))
    if v.what in ("label", "size"):
        return replace(v, what="", offset=0)
    return v


def plus(tree: Surface, k: int) -> Surface:
    """tree + k, with a minus sign where k is negative."""
    if k == 0:
        return tree
    if tree.op == "num" and isinstance(tree.attr, int):
        return number(tree.attr + k).at(tree.span)
    head = tree.args if tree.op == "add" else (tree,)
    if head[-1].op == "num" and isinstance(head[-1].attr, int) and len(head) > 1:
        return plus(Surface("add", head[:-1], span=tree.span) if len(head) > 2 else head[0], head[-1].attr + k)
    if len(head) > 1 and head[-1].op == "neg" and head[-1].args[0].op == "num" and isinstance(head[-1].args[0].attr, int):
        return plus(Surface("add", head[:-1], span=tree.span) if len(head) > 2 else head[0], k - head[-1].args[0].attr)
    return Surface("add", (*head, number(k).at(tree.span)), span=tree.span)


def fail(kind: str, message: str, span: Span | None, hint: str | None = None) -> IversonError:
    return IversonError(kind, message, span, hint=hint)


# -- sums and products --------------------------------------------------------------------------------------


def added(values: Sequence[Val], span: Span) -> Val:
    """A sum; of indices, sizes and integers it stays one that can count."""
    if all(countable(v) for v in values) and any(v.what for v in values):
        return counted(values, span)
    values = [number_of(v) for v in values]
    if any(v.cells for v in values):
        return added_cells(values, span)
    if all(unsized(v) for v in values):
        return Val(Surface("add", tuple(v.tree for v in values), span=span), (), what="eye")
    shape = next((v for v in values if v.dims and v.what == ""), None)
    values = [sized(v, shape) for v in values]
    shape = next((v for v in values if v.rank), values[0])
    dims = shape.dims if all(v.dims is not None for v in values) or shape.rank else None
    return Val(Surface("add", tuple(v.tree for v in values), span=span), dims, shape.row)


def counted(values: Sequence[Val], span: Span) -> Val:
    offset = sum(v.offset if v.what else integer(v) or 0 for v in values)
    trees = [v.tree for v in values if v.what]
    base = next((v.base for v in values if v.what == "index"), 0)
    what = "index" if any(v.what == "index" for v in values) else "size"
    single = [v for v in values if v.what]
    tree = trees[0] if len(trees) == 1 else Surface("add", tuple(trees), span=span)
    if what == "size":
        return Val(plus(tree, offset).at(span), what="size")
    return Val(tree.at(span), what="index", offset=offset, base=base, binder=single[0].binder if len(single) == 1 else None)


def sized(v: Val, like: Val | None) -> Val:
    """The identity, or an array of one number, in the size of what it is added to."""
    if v.what not in ("eye", "one", "zero"):
        return v
    if v.dims and v.dims[0] is not None:
        return v
    if v.what == "zero":
        return const(0, v.span)
    if like is None or not like.dims or like.dims[0] is None:
        raise fail("ambiguous", "The size of this is not clear.", v.span, r"Write I_n or \mathbf{1}_n, and declare the sizes.")
    if v.what == "one":
        return const(1, v.span) if v.tree.op == "num" or like.rank == 1 else refuse_one(v)
    return in_size(v, like.dims[0])


def refuse_one(v: Val) -> Val:
    raise fail("ambiguous", "A vector of ones is added to a matrix.", v.span)


def in_size(v: Val, n: Dim) -> Val:
    """What is made of identities and of matrices of ones, n by n."""
    return Val(replaced(v.tree, n), (n, n))


def replaced(tree: Surface, n: Dim) -> Surface:
    """The tree with its identities and matrices of ones of unknown size replaced."""
    if tree.op == "name" and tree.attr == "?eye":
        return eye(n, tree.span).tree
    if tree.op == "name" and tree.attr == "?square":
        o = ones(n, tree.span)
        return Surface("mul", (o.tree, turned(o, tree.span or Span(0, 0)).tree), span=tree.span)
    return replace(tree, args=tuple(replaced(a, n) for a in tree.args))


def unsized(v: Val) -> bool:
    return v.what == "eye" and not v.dims


def size_tree(n: Dim, span: Span | None) -> Surface:
    if isinstance(n, Surface):
        return n
    return (number(n) if isinstance(n, int) else name(str(n))).at(span)


def eye(n: Dim, span: Span | None) -> Val:
    return Val(Surface("call", (size_tree(n, span),), "eye", span), (n, n))


def ones(n: Dim, span: Span | None) -> Val:
    return Val(Surface("call", (size_tree(n, span),), "ones", span), (n,))


def negative(v: Val, span: Span) -> Val:
    if v.what == "index":
        return replace(v, tree=Surface("neg", (v.tree,), span=span), offset=-v.offset, binder=None)
    v = replace(number_of(v), numeral=False)
    if v.cells:
        return grid([[negative(c, span) for c in r] for r in v.cells], span)
    return replace(v, tree=Surface("neg", (v.tree,), span=span))


def multiplied(a: Val, b: Val, span: Span, entrywise: bool = False, inner: bool = False) -> Val:
    """A product as it is written side by side; `inner`: a dot between two vectors; `entrywise`: under a bare sum sign."""
    for x, y in ((a, b), (b, a)):
        if x.what == "index" and (k := integer(y)) is not None and y.what == "":
            return replace(x, tree=Surface("mul", (number(k), x.tree), span=span), offset=k * x.offset, binder=None)
    a, b = number_of(a), number_of(b)
    if a.cells or b.cells:
        return multiplied_cells(a, b, span)
    for x, y, facing in ((a, b, 0), (b, a, -1)):
        if unsized(x) and y.rank and x.tree.op == "name" and x.tree.attr == "?eye":
            return y
        if unsized(x) and y.dims and y.dims[facing] is not None:
            made = in_size(x, y.dims[facing])
            return multiplied(made, b, span) if x is a else multiplied(a, made, span)
        if unsized(x):
            return Val(Surface("mul", (a.tree, b.tree), span=span), None if y.dims is None or y.rank else (), what="eye")
    if a.what == b.what == "one" and not a.dims and not b.dims and b.row and not a.row:
        return Val(name("?square").at(span), (), what="eye")
    if a.what == "one" and not a.dims and a.tree.op == "name":
        return with_ones(a, b, span)
    if b.what == "one" and not b.dims and b.tree.op == "name":
        return with_ones(b, a, span, left=False)
    if entrywise and a.rank and b.rank and a.rank == b.rank and a.row == b.row:
        return Val(Surface("emul", (a.tree, b.tree), span=span), a.dims, a.row)
    if a.rank == 1 and b.rank == 1 and not a.row and not b.row and (inner or a.loose):
        a = turned(a, span)
    if a.rank == 1 and b.rank == 1 and a.row and b.row and b.loose:
        b = turned(b, span)
    if a.loose and a.row is False and b.rank == 2:
        a = turned(a, span)
    if b.loose and b.row and a.rank == 2:
        b = turned(b, span)
    return Val(Surface("mul", (a.tree, b.tree), span=span), *product_dims(a, b))


def product_dims(a: Val, b: Val) -> tuple[tuple[Dim, ...] | None, bool]:
    if a.dims is None or b.dims is None:
        known = next((v for v in (a, b) if v.dims is not None), None)
        return None, bool(known and known.rank == 1 and known.row and a.dims is None)
    if not a.dims or not b.dims:
        v = b if not a.dims else a
        return v.dims, v.row
    if len(a.dims) == 1 and len(b.dims) == 1:
        return ((), False) if a.row else ((a.dims[0], b.dims[0]), False)
    if len(a.dims) == 1:
        return (b.dims[-1],), True
    if len(b.dims) == 1:
        return (a.dims[0],), False
    return (a.dims[0], b.dims[-1]), False


def with_ones(one: Val, v: Val, span: Span, left: bool = True) -> Val:
    """A product with the vector of ones, its size taken from what it meets."""
    if v.rank == 1 and left is one.row and v.row is not left:
        return Val(Surface("call", (v.tree,), "sum", span))
    side = 0 if left else -1
    if v.rank == 2 and v.dims is not None and one.row is left and v.dims[side] is not None:
        o = ones(v.dims[side], one.span)
        o = turned(o, span) if left else o
        return multiplied(o, v, span) if left else multiplied(v, o, span)
    raise fail("ambiguous", "The size of the vector of ones is not clear here.", one.span, r"Write \mathbf{1}_n, and declare the sizes.")


def turned(v: Val, span: Span) -> Val:
    """The transpose."""
    if v.cells:
        return grid([[turned(v.cells[r][c], span) for r in range(len(v.cells))] for c in range(len(v.cells[0]))], span)
    v = number_of(v)
    if v.what == "one" and not v.dims:
        return replace(v, row=not v.row)
    if v.rank == 0 or v.what == "eye":
        return v
    tree = v.tree.args[0] if v.tree.op == "transpose" else Surface("transpose", (v.tree,), span=span)
    dims = v.dims[::-1] if v.dims is not None else None
    return Val(tree, dims, (not v.row) if v.rank == 1 else False, loose=v.loose)


def divided(a: Val, b: Val, span: Span) -> Val:
    """A fraction; of two arrays of one shape, entry by entry."""
    a, b = number_of(a), number_of(b)
    if a.cells:
        return grid([[divided(c, b, span) for c in r] for r in a.cells], span)
    if unsized(a) and b.rank == 0 and not b.what:
        return replace(a, tree=Surface("div", (a.tree, b.tree), span=span))
    if a.rank and b.rank and a.rank == b.rank:
        return Val(Surface("ediv", (a.tree, b.tree), span=span), a.dims, a.row)
    if a.tree.op == "num" and b.tree.op == "num" and a.rank == 0 and b.tree.attr != 0:
        from fractions import Fraction

        return replace(Val(number(Fraction(a.tree.attr) / Fraction(b.tree.attr)).at(span)), numeral=True)
    return Val(Surface("div", (a.tree, b.tree), span=span), a.dims, a.row)


def raised(v: Val, e: Val, span: Span, entrywise: bool = False) -> Val:
    """A power; entry by entry where that is the only reading."""
    v, e = number_of(v), number_of(e)
    if e.rank:
        raise fail("shape", "An exponent is a scalar.", e.span)
    if v.cells:
        raise fail("unsupported", "A power of an explicit matrix is not read.", span)
    if v.rank and (entrywise or v.rank == 1):
        if not entrywise:
            raise fail("ambiguous", "A power of a vector has two readings: entry by entry, or its inner product.", span,
                       r"Write x^{\odot 2}, x^\top x or \|x\|^2.")
        return Val(Surface("epow", (v.tree, e.tree), span=span), v.dims, v.row)
    return Val(Surface("pow", (v.tree, e.tree), span=span), v.dims)


def entrywise_power(v: Val, e: Val, span: Span) -> Val:
    return Val(Surface("epow", (v.tree, number_of(e).tree), span=span), v.dims, v.row)


def inverse(v: Val, span: Span) -> Val:
    """A^{-1}: of a matrix its inverse, of a number the quotient."""
    if v.rank == 2:
        return Val(Surface("call", (v.tree,), "inv", span), v.dims)
    if v.rank == 1:
        raise fail("shape", "A vector has no inverse.", span, r"Write x^{\odot -1} for one over its entries.")
    return Val(Surface("pow", (number_of(v).tree, Surface("neg", (number(1),))), span=span), v.dims)


# -- explicit matrices --------------------------------------------------------------------------------------


def grid(rows: Sequence[Sequence[Val]], span: Span) -> Val:
    """An explicit matrix of scalars; with one entry it is that scalar."""
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    for r in rows:
        for c in r:
            if c.rank is None or c.rank > 0 or c.cells:
                raise fail("unsupported", "An explicit matrix holds numbers here, not arrays.", c.span or span)
    return Val(name("?grid").at(span), (len(rows), len(rows[0])), cells=tuple(tuple(number_of(c) for c in r) for r in rows))


def cells_of(v: Val, span: Span) -> Val:
    """A declared array of known sizes, entry by entry."""
    if v.cells:
        return v
    if v.dims is None or not all(isinstance(n, int) for n in v.dims) or not 1 <= len(v.dims) <= 2:
        raise fail("unsupported", "An explicit matrix meets an array whose sizes are not numbers.", v.span or span)
    m = [int(n) for n in v.dims if isinstance(n, int)]
    if max(m) > 12:
        raise fail("limit", "This array is too large to be written out.", v.span or span)
    if len(m) == 2:
        return grid([[scalar(index(v.tree, number(i), number(j))) for j in range(m[1])] for i in range(m[0])], span)
    entries = [scalar(index(v.tree.args[0] if v.tree.op == "transpose" else v.tree, number(i))) for i in range(m[0])]
    return grid([entries] if v.row else [[e] for e in entries], span)


def added_cells(values: Sequence[Val], span: Span) -> Val:
    grids = [cells_of(v, span) for v in values]
    if len({v.dims for v in grids}) != 1:
        raise fail("shape", "Matrices of different sizes are added.", span)
    rows, columns = len(grids[0].cells), len(grids[0].cells[0])
    return grid([[added([g.cells[i][j] for g in grids], span) for j in range(columns)] for i in range(rows)], span)


def multiplied_cells(a: Val, b: Val, span: Span) -> Val:
    for x, y, first in ((a, b, True), (b, a, False)):
        if x.cells and y.rank == 0:
            return grid([[multiplied(*((c, y) if first else (y, c)), span) for c in r] for r in x.cells], span)
    a, b = cells_of(a, span), cells_of(b, span)
    if len(a.cells[0]) != len(b.cells):
        raise fail("shape", f"Sizes differ: {len(a.cells[0])} columns meet {len(b.cells)} rows.", span)
    if len(a.cells) * len(b.cells) * len(b.cells[0]) > 400:
        raise fail("limit", "This product of explicit matrices is too large.", span)

    def entry(i: int, j: int) -> Val:
        terms = [multiplied(a.cells[i][k], b.cells[k][j], span) for k in range(len(b.cells))]
        return terms[0] if len(terms) == 1 else added(terms, span)

    return grid([[entry(i, j) for j in range(len(b.cells[0]))] for i in range(len(a.cells))], span)


# -- functions of ranks -------------------------------------------------------------------------------------


NORMS_OF_MATRICES = {
    "1": ("the sum of its absolute entries", "the largest column sum"),
    "2": ("the root of its sum of squares", "its largest singular value"),
    r"\infty": ("its largest absolute entry", "the largest row sum"),
}


def norm(v: Val, kind: str | None, span: Span) -> tuple[Val, str | None]:
    """The norm with this subscript, and what was understood where that does not go without saying."""
    note = None
    if v.cells:
        flat = [c.tree for r in v.cells for c in r]
        total = Surface("add", tuple(Surface("pow", (c, number(2)), span=span) for c in flat), span=span)
        if kind in (None, "2", "F"):
            from fractions import Fraction

            return Val(Surface("pow", (total, number(Fraction(1, 2))), span=span)), None
        raise fail("unsupported", "This norm of an explicit matrix is not read.", span)
    v = number_of(v)
    if v.rank == 0:
        return Val(Surface("call", (v.tree,), "abs", span)), None
    if v.rank == 2 and kind in ("1", "2", r"\infty"):
        sense = NORMS_OF_MATRICES[kind]
        raise fail("ambiguous", f"This norm of a matrix is {sense[0]}, or {sense[1]}.", span,
                   r"Write \|A\|_F for the Frobenius norm, or the sum \sum_{i,j} |A_{ij}|.")
    if kind is None and v.rank == 2:
        note = "the norm of a matrix without a subscript is the Frobenius norm"
    table = {None: "norm2", "2": "norm2", "F": "norm2", "fro": "norm2", "1": "norm1", r"\infty": "norminf", "*": "nuclear", "nuc": "nuclear",
             "tr": "nuclear"}
    if kind in table and not (table[kind] == "nuclear" and v.rank == 1):
        return Val(Surface("call", (v.tree,), table[kind], span)), note
    raise fail("unsupported", "This norm is not read.", span, r"Known are \|x\|_1, \|x\|_2, \|x\|_\infty, \|x\|_p, \|X\|_F, \|X\|_*.")


def dotted(a: Val, b: Val, span: Span) -> Val:
    """<a, b>: of vectors a'b, of matrices the sum of the products of their entries."""
    a, b = number_of(a), number_of(b)
    if a.rank == 2 and b.rank == 2:
        return Val(Surface("call", (Surface("emul", (a.tree, b.tree), span=span),), "sum", span))
    if a.rank == 0 and b.rank == 0:
        return multiplied(a, b, span)
    if a.rank == 1 and a.row:
        a = turned(a, span)
    if b.rank == 1 and b.row:
        b = turned(b, span)
    return Val(Surface("mul", (Surface("transpose", (a.tree,), span=a.span), b.tree), span=span))


def applied(f: str, args: Sequence[Val], span: Span) -> Val:
    """An operator of iverson notation on values."""
    from .ops import OPS

    args = [number_of(a) for a in args]
    if any(a.cells for a in args):
        raise fail("unsupported", f"{f} of an explicit matrix is not read.", span)
    row = OPS[f]
    tree = Surface("call", tuple(a.tree for a in args), row.name, span)
    first = args[0]
    if row.shape in ("map", "same", "square", "like", "mask"):
        return Val(tree, first.dims, first.row)
    if row.shape in ("map2", "extreme"):
        if len(args) == 1:
            return Val(tree)
        big = max(args, key=lambda a: -1 if a.rank is None else a.rank)
        return Val(tree, None if any(a.rank is None for a in args) else big.dims, big.row)
    if row.shape == "flip":
        return Val(tree, first.dims[::-1] if first.dims else None)
    if row.shape == "spectrum":
        return Val(tree, first.dims[:1] if first.dims else None)
    if row.shape == "diag":
        return Val(tree, None if first.dims is None else first.dims * 2 if first.rank == 1 else first.dims[:1])
    if row.shape in ("build", "fill", "onehot", "spread", "block"):
        return Val(tree, None)
    return Val(tree)


def called(f: str, *args: Surface) -> Surface:
    return call(f, *args)
