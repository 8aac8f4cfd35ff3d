"""What shape of matrix a second derivative or a Jacobian is: diagonal, block diagonal, Kronecker, low rank plus diagonal.

Glossary   rows, cols: the indices of the outputs (the first derivative) and those of the input derived by.
Read off the index form: a bracket between a row and a column index is an identity, a factor that only one side touches
is a vector of an outer product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ..core.node import Node, coefficient, mul
from ..core.program import Definition
from ..lang.shapes import show_size


@dataclass(frozen=True)
class Structure:
    """kind is dense, zero, diagonal, block diagonal, kronecker or diagonal plus low rank; `rank` of the low-rank part.

    dims   the sizes of the outputs, then of the input;  stored: those of the numbers that are not zero or repeated
    """

    kind: str
    dims: tuple[Node, ...]
    stored: tuple[tuple[Node, ...], ...] = ()
    rank: int = 0

    @property
    def text(self) -> str:
        """One line: what it is and what a dense copy would hold."""
        whole = "*".join(map(show_size, self.dims)) or "1"
        if self.kind in ("dense", "zero"):
            return f"{self.kind}: {whole} numbers"
        kept = " + ".join("*".join(map(show_size, s)) or "1" for s in self.stored)
        name = f"diagonal plus rank {self.rank}" if self.rank else self.kind
        return f"{name}: {kept} numbers instead of {whole}"

    def nbytes_dense(self, **sizes: int) -> int:
        """The memory of a dense float64 copy, in bytes."""
        return 8 * prod(n.attr if n.op == "num" else sizes[n.attr] for n in self.dims)


def structure(d: Definition, outputs: int) -> Structure:
    """The structure of a derivative whose first `outputs` indices are those of what was derived."""
    rows, cols = d.indices[:outputs], d.indices[outputs:]
    dims = tuple(i.attr[1] for i in d.indices)
    if d.body.op == "num" and d.body.attr == 0:
        return Structure("zero", dims)
    found = [Term(t, rows, cols) for t in terms(d.body)]
    if rows and len(rows) == len(cols):
        tied = [t.tied for t in found]
        every = set.intersection(*map(set, tied)) if tied else set()
        if len(every) == len(rows):
            return Structure("diagonal", dims, (dims[:outputs],))
        if every:
            free = [p for p in range(len(rows)) if p not in every]
            kept = [*(dims[p] for p in sorted(every)), *(dims[p] for p in free), *(dims[outputs + p] for p in free)]
            return Structure("block diagonal", dims, (tuple(kept),))
        if len(rows) == 2 and all(t.kronecker for t in found):
            return Structure("kronecker", dims, tuple((dims[p], dims[outputs + p]) for p in (0, 1)))
        outer = [t for t in found if not t.tied]
        if len(outer) < len(found) and all(t.outer for t in outer):
            half = dims[:outputs]
            return Structure("diagonal plus low rank", dims, (half, *(half for _ in outer)), len(outer))
    return Structure("dense", dims)


def terms(f: Node) -> list[Node]:
    """The terms of a sum, also of one that a common factor stands before."""
    if f.op == "add":
        return [t for a in f.args for t in terms(a)]
    inner = next((x for x in f.args if x.op == "add"), None) if f.op == "mul" else None
    if inner is None:
        return [f]
    others = [x for x in f.args if x is not inner]
    return [t for a in inner.args for t in terms(mul(a, *others))]


@dataclass(frozen=True)
class Term:
    """One term of the index form, seen as a matrix from the columns to the rows."""

    f: Node
    rows: Sequence[Node]
    cols: Sequence[Node]

    @property
    def factors(self) -> tuple[Node, ...]:
        _, rest = coefficient(self.f)
        return rest.args if rest.op == "mul" else (rest,)

    @property
    def tied(self) -> list[int]:
        """The places p at which a bracket says that row p is column p."""
        pairs = [
            set(x.args[0].args) for x in self.factors if x.op == "br" and x.args[0].attr == "="
        ]
        return [p for p, (i, j) in enumerate(zip(self.rows, self.cols, strict=True)) if {i, j} in pairs]

    @property
    def outer(self) -> bool:
        """Every factor touches the rows or the columns, none both."""
        rows, cols = frozenset(self.rows), frozenset(self.cols)
        return not any(x.free & rows and x.free & cols for x in self.factors)

    @property
    def kronecker(self) -> bool:
        """Every factor touches one pair of a row and a column index alone."""
        pairs = [frozenset(p) for p in zip(self.rows, self.cols, strict=True)]
        return all(sum(bool(x.free & p) for p in pairs) <= 1 for x in self.factors)
