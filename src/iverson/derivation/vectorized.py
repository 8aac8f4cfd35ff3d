"""Derivatives in the layout of Magnus and Neudecker: a matrix from vec(input) to vec(output), in Kronecker products.

Glossary   i, j: the row and the column index of the output; k, l: those of the input; p x q: the size of the input.
vec stacks columns, so entry [i,j,k,l] of a Jacobian stands in row i + j*m and column k + l*p.  A term is a Kronecker
product where its factors fall into two groups: {j,l} and {i,k}; with {j,k} and {i,l} it is one times the commutation
matrix, for which commutation(p, q)*vec(X) = vec(X').  A vector has no column index and a scalar none at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.node import Node, bracket, coefficient, mul, num, rel, substitute
from ..core.program import Definition
from ..lang.surface import Equation, Surface, call, number
from .answer import Writer
from .derive import Derived
from .lift import Lift, Mat, NoMatrixForm, product, size_tree
from .structure import terms

Pair = tuple[Node | None, Node | None]


def in_vec(d: Derived) -> Derived:
    """The record of an answer with its closed formula in this layout; it stays in index form where there is no other."""
    a, outputs = d.answer, len(d.adjoint.outputs)
    writer = Writer(d.program, [*a.program, a.closed, *a.where])
    whole = max(outputs, len(a.closed.indices) - outputs) < 2
    try:
        tree = writer.lift.matrix(a.closed.body, a.closed.indices, not outputs) if whole else vectorized(a.closed, outputs, writer.lift)
    except NoMatrixForm:
        return d
    main, where = writer.answer(a.closed, a.where, Equation(a.closed.name, (), writer.shortest.of(tree)))
    return replace(d, main=main, where=tuple(where))


def vectorized(d: Definition, outputs: int, lift: Lift) -> Surface:
    """A derivative whose first `outputs` indices are those of the output, as a matrix; NoMatrixForm where there is none."""
    if outputs > 2 or len(d.indices) - outputs > 2:
        raise NoMatrixForm
    form = Vectorized(lift, d.indices[:outputs], d.indices[outputs:])
    trees = [form.term(t) for t in terms(d.body)]
    return trees[0] if len(trees) == 1 else Surface("add", tuple(trees))


class Vectorized:
    """The terms of one derivative, with the indices of its output and of its input."""

    def __init__(self, lift: Lift, rows: Sequence[Node], cols: Sequence[Node]) -> None:
        self.lift, self.rows, self.cols = lift, tuple(rows), tuple(cols)
        self.all = frozenset((*rows, *cols))

    def term(self, t: Node) -> Surface:
        """A number and scalars in front of the first of the forms that fits."""
        c, rest = coefficient(t)
        factors = rest.args if rest.op == "mul" else (rest,)
        front = mul(num(c if c > 0 else -c), *(x for x in factors if not x.free & self.all))
        others = [x for x in factors if x.free & self.all]
        chain = next((found for form in FORMS if (found := form(self, others)) is not None), None)
        if chain is None:
            raise NoMatrixForm
        whole = product(chain if front is num(1) else (*self.lift.lift(front, ()).chain, *chain))
        return Surface("neg", (whole,)) if c < 0 else whole

    def pairs(self, crossed: bool) -> tuple[Pair, Pair]:
        """The indices of the left and of the right factor of a Kronecker product."""
        (i, j), (k, l) = ((*axes, None, None)[:2] for axes in (self.rows, self.cols))
        return ((j, k), (i, l)) if crossed else ((j, l), (i, k))

    def straight(self, factors: list[Node]) -> tuple[Surface, ...] | None:
        return self.kronecker(factors, self.pairs(crossed=False))

    def crossed(self, factors: list[Node]) -> tuple[Surface, ...] | None:
        """The same with the columns of the input in the other order."""
        found = self.kronecker(factors, self.pairs(crossed=True)) if max(len(self.rows), len(self.cols)) == 2 else None
        if not found or len(self.cols) < 2:
            return found
        identity = found[0].op == "call" and found[0].attr == "eye"
        return (*(() if identity else found), self.commutation())

    def kronecker(self, factors: list[Node], pairs: tuple[Pair, Pair]) -> tuple[Surface, ...] | None:
        groups = [[x for x in factors if x.free & frozenset(filter(None, p))] for p in pairs]
        if any(x in groups[1] for x in groups[0]):
            return None
        left, right = (self.lifted(g, p) for g, p in zip(groups, pairs, strict=True))
        if left is None or right is None:
            return (left or right or number(1),)
        if all(f.op == "call" and f.attr == "eye" for f in (left, right)):
            return (call("eye", Surface("mul", (left.args[0], right.args[0]))),)
        return (call("kron", left, right),)

    def lifted(self, factors: list[Node], pair: Pair) -> Surface | None:
        """The factors over a row and a column index, of which either may be missing."""
        i, k = pair
        if i is None and k is None:
            return None
        if i is None or k is None:
            m = self.lift.lift(mul(*factors), tuple(filter(None, pair)))
            return (m if k is None else m.t).tree
        return self.lift.lift(mul(*factors), (i, k)).tree

    def commutation(self) -> Surface:
        return call("commutation", *map(size_tree, self.cols))

    def diagonal(self, factors: list[Node]) -> tuple[Surface, ...] | None:
        """[i = k]*[j = l]*F[i,j], and [i = l]*[j = k]*F[i,j] with the columns in the other order."""
        if len(self.rows) != 2 or len(self.cols) != 2:
            return None
        for cols, last in ((self.cols, ()), (self.cols[::-1], (self.commutation(),))):
            ties = [bracket(rel("=", r, c)) for r, c in zip(self.rows, cols, strict=True)]
            rest = [x for x in factors if x not in ties]
            if len(rest) == len(factors) - 2 and rest:
                inner = substitute(mul(*rest), dict(zip(cols, self.rows, strict=True)))
                return (call("diag", call("vec", self.lift.lift(inner, self.rows).tree)), *last)
        return None

    def outer(self, factors: list[Node]) -> tuple[Surface, ...] | None:
        """F[i,j]*G[k,l], a column times a row."""
        above, below = ([x for x in factors if x.free & frozenset(axes)] for axes in (self.rows, self.cols))
        if any(x in below for x in above):
            return None
        left = self.stacked(above, self.rows)
        return (*left, Surface("transpose", (product(self.stacked(below, self.cols)),))) if self.cols else left

    def stacked(self, factors: list[Node], axes: tuple[Node, ...]) -> tuple[Surface, ...]:
        if not axes:
            return ()
        m: Mat = self.lift.lift(mul(*factors), axes)
        return (call("vec", m.tree),) if len(axes) == 2 else m.chain


FORMS: tuple[Callable[[Vectorized, list[Node]], tuple[Surface, ...] | None], ...] = (
    Vectorized.diagonal, Vectorized.straight, Vectorized.crossed, Vectorized.outer,
)  # fmt: skip


def stacked(v: Any, outputs: int) -> Any:
    """The same derivative as numbers: the axes of the output stacked into rows, those of the input into columns."""
    v = np.asarray(v)
    rows = v.shape[:outputs]
    return v.reshape(*([int(np.prod(rows))] if rows else []), *([-1] if v.ndim > outputs else []), order="F")


def unstacked(v: Any, output: tuple[int, ...], wrt: tuple[int, ...]) -> Any:
    """Back to the axes of the output and then those of the input."""
    return np.asarray(v).reshape(*output, *wrt, order="F")
