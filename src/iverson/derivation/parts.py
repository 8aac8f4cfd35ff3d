"""A second derivative, or a Jacobian, as a sum of structured matrices, each told by the small arrays it is made of.

Glossary   rows, cols: the indices of the outputs and of the input derived by, axis by axis; tied: an axis whose row index is
its column index; array: a definition that is computed; samples: the index a Gram matrix is summed over.
Read off the index form: a bracket between a row and a column index ties or pairs axes, factors that share no index part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..core.node import Node, add, coefficient, is_num, mul, num, open_, substitute, sum_
from ..core.program import Definition
from ..rewrite.collapse import contract
from .structure import terms
from .tidy import tidy


@dataclass(frozen=True)
class Diagonal:
    """array: over the row axes, or over none where every entry is the same."""

    array: str


@dataclass(frozen=True)
class Kronecker:
    """For every row axis p: (column axis, array over (row, column), over the tied axis, or None for an identity).

    scale   a number that no factor holds
    """

    factors: tuple[tuple[int, str | None], ...]
    scale: str | None = None


@dataclass(frozen=True)
class Gram:
    """sum over samples of weight * left * right, left and right products of factors over groups of axes.

    weight   over (samples, *tied), over the tied axes, or None;  sampled: the arrays have an axis of samples, the first one
    groups   (axes, array of the rows, array of the columns), one array where the matrix is symmetric in them
    """

    weight: str | None
    sampled: bool
    tied: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], str, str], ...]


@dataclass(frozen=True)
class Blocks:
    """array: over the tied axes, the other rows, the other columns; no tied axes: any matrix."""

    tied: tuple[int, ...]
    array: str


Part = Diagonal | Kronecker | Gram | Blocks


@dataclass(frozen=True)
class Parts:
    """parts: a sum; arrays: the definitions of what they name."""

    parts: tuple[Part, ...]
    arrays: tuple[Definition, ...]

    @property
    def plain(self) -> bool:
        """Nothing was recognised."""
        return all(isinstance(p, Blocks) and not p.tied for p in self.parts)


def parts(d: Definition, outputs: int, taken: Iterable[str] = ()) -> Parts:
    """The structured sum of a derivative whose first `outputs` indices are those of what was derived."""
    return Reader(d, outputs, taken).read()


class Reader:
    """Reads terms; equal arrays are made once."""

    def __init__(self, d: Definition, outputs: int, taken: Iterable[str]) -> None:
        self.d, self.taken = d, set(taken)
        self.rows, self.cols = d.indices[:outputs], d.indices[outputs:]
        self.square = [i.attr[1] for i in self.rows] == [j.attr[1] for j in self.cols]
        self.made: list[Definition] = []

    def read(self) -> Parts:
        if is_num(self.d.body, 0):
            return Parts((), ())
        if not self.rows or len(self.rows) != len(self.cols):
            found: list[Part] = [Blocks((), self.array(self.d.indices, self.d.body, "dense"))]
            return Parts(tuple(found), tuple(self.made))
        diagonal: list[Node] = []
        blocks: dict[tuple[int, ...], list[Node]] = {}
        found = []
        for f in terms(self.d.body):
            t = Term(f, self.rows, self.cols)
            if self.square and len(t.tied) == len(self.rows):
                diagonal.append(t.rest)
                continue
            part: Part | None = self.kronecker(t) if len(self.rows) > 1 else None
            part = part or (self.gram(t) if self.square else None)
            if part is None:
                blocks.setdefault(t.tied if self.square else (), []).append(t.rest if self.square else f)
            else:
                found.append(part)
        if diagonal:
            found.append(Diagonal(self.diagonal(tidy(add(*diagonal)))))
        return Parts((*found, *(self.blocks(t, add(*fs)) for t, fs in blocks.items())), tuple(self.made))

    def diagonal(self, f: Node) -> str:
        return self.array(self.rows if f.free & frozenset(self.rows) else (), f, "diagonal")

    def blocks(self, tied: tuple[int, ...], f: Node) -> Blocks:
        own = [self.rows[p] for p in tied]
        free = [side[p] for side in (self.rows, self.cols) for p in range(len(self.rows)) if p not in tied]
        return Blocks(tied, self.array((*own, *free), f, "blocks"))

    def array(self, indices: Sequence[Node], f: Node, stem: str) -> str:
        """The name of the definition `[indices] = f`."""
        for d in self.made:
            if [i.attr[1] for i in d.indices] == [i.attr[1] for i in indices] and d.at(tuple(indices)) is f:
                return d.name
        free = next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 1000))) if n not in self.taken)
        self.taken.add(free)
        self.made.append(Definition(free, tuple(indices), f, introduced=True))
        return free

    # -- kinds of terms ------------------------------------------------------------------------------------

    def kronecker(self, t: Term) -> Kronecker | None:
        """Every axis has factors of its own."""
        factors: list[tuple[int, str | None]] = []
        common = t.scalar
        parted = connected([{r, c} for r, c in t.pairs], t.factors)
        if parted is None:
            return None
        for (r, c), group in zip(t.pairs, parted, strict=True):
            own = mul(*group)
            if r is c or not group:
                if not group and r is not c:
                    return None
                place = self.cols.index(t.column(r)) if r is c else 0
                factors.append((place, self.array((r,), mul(common, own), "weights") if group else None))
            elif not own.free >= {r, c}:
                return None
            else:
                factors.append((self.cols.index(c), self.array((r, c), mul(common, own), "factor")))
            common = num(1) if group else common
        return Kronecker(tuple(factors), None if is_num(common, 1) else self.array((), common, "scale"))

    def gram(self, t: Term) -> Gram | None:
        """A sum over samples of products that part into rows and columns, or one such product."""
        held = frozenset(i for p in t.pairs for i in p)
        loose = [x for x in t.factors if not x.free & frozenset(t.tied_rows)] if t.tied else list(t.factors)
        sums = [x for x in loose if x.op == "red" and x.attr[0] == "sum" and x.free & held]
        if len(sums) > 1 or any(r is not c and self.rows.index(r) != self.cols.index(c) for r, c in t.pairs):
            return self.summed(t, None, ()) if not sums else None
        if not sums:
            sums = [x for x in t.factors if x.op == "red" and x.attr[0] == "sum"]
        if len(sums) != 1:
            return self.summed(t, None, t.factors)
        bound, body, _ = open_(sums[0])
        inner = [*factors_of(body), *(x for x in t.factors if x is not sums[0])]
        candidates = (self.summed(t, n, inner, [b for b in bound if b is not n]) for n in bound)
        return next((g for g in candidates if g is not None), None) or self.summed(t, None, t.factors)

    def summed(self, t: Term, n: Node | None, factors: Sequence[Node], others: Sequence[Node] = ()) -> Gram | None:
        """The Gram matrix over the samples n, or of one sample."""
        rows = [r for r, c in t.pairs if r is not c]
        cols = [c for r, c in t.pairs if r is not c]
        if not rows or not factors:
            return None
        groups = components([*rows, *cols, *others], factors)
        weight = [x for x in factors if not x.free & frozenset((*rows, *cols, *others))]
        left: dict[tuple[int, ...], Node] = {}
        right: dict[tuple[int, ...], Node] = {}
        for indices, group in groups:
            touched = mul(*group)
            sides = [s for s in (rows, cols) if touched.free & frozenset(s)]
            body = sum_([b for b in others if b in indices], touched)
            if not sides:
                weight.append(body)
                continue
            if len(sides) > 1 or touched.free & frozenset(t.tied_rows) or (n is not None and n not in touched.free):
                return None
            axes = tuple(p for p, i in enumerate(self.rows if sides[0] is rows else self.cols) if i in indices)
            (left if sides[0] is rows else right)[axes] = body
        if set(left) != set(right) or {p for a in left for p in a} != {self.rows.index(r) for r in rows}:
            return None
        first = () if n is None else (n,)
        found = []
        for axes, f in left.items():
            g = substitute(right[axes], {self.cols[p]: self.rows[p] for p in axes})
            own = (*first, *(self.rows[p] for p in axes))
            found.append((axes, self.array(own, f, "rows"), self.array(own, g, "rows")))
        total = mul(t.scalar, *weight)
        spread = n is not None and n in total.free
        over = (*(first if spread else ()), *t.tied_rows) if total.free & frozenset((*first, *t.tied_rows)) else ()
        if n is not None and over and not spread:
            over, spread = (n, *over), True
        name = None if is_num(total, 1) else self.array(over, total, "weight")
        return Gram(name, n is not None, t.tied, tuple(found))


@dataclass(frozen=True)
class Term:
    """One term: rest is the term with tied column indices named as their rows and without the brackets that tie."""

    f: Node
    rows: Sequence[Node]
    cols: Sequence[Node]

    @property
    def brackets(self) -> dict[Node, Node]:
        """Row index -> the column index that a bracket says it equals."""
        found: dict[Node, Node] = {}
        for x in factors_of(self.f):
            if x.op == "br" and x.args[0].attr == "=":
                i, j = x.args[0].args
                for r, c in ((i, j), (j, i)):
                    if r in self.rows and c in self.cols and r not in found and c not in found.values():
                        found[r] = c
        return found

    def column(self, r: Node) -> Node:
        """The column index of a row index."""
        return self.brackets.get(r, self.cols[list(self.rows).index(r)])

    @property
    def tied(self) -> tuple[int, ...]:
        """Axes whose row index is their own column index."""
        held = self.brackets
        return tuple(p for p, (r, c) in enumerate(zip(self.rows, self.cols, strict=True)) if held.get(r) is c)

    @property
    def tied_rows(self) -> tuple[Node, ...]:
        return tuple(self.rows[p] for p in self.tied)

    @property
    def rest(self) -> Node:
        """The term without the brackets that tie axes to themselves."""
        names = {self.cols[p]: self.rows[p] for p in self.tied}
        return contract(substitute(self.f, names)) if names else self.f

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        """Row index and column index of every row axis; a tied row stands for both."""
        held = self.brackets
        left = [c for c in self.cols if c not in held.values()]
        found: dict[Node, Node] = {}
        for r, c in map(self._joined, self.factors):
            if r is not None and r not in held and r not in found and c in left:
                found[r] = c
                left.remove(c)
        for p, r in enumerate(self.rows):
            if r not in held and r not in found:
                found[r] = self.cols[p] if self.cols[p] in left else left[0]
                left.remove(found[r])
        return [(r, r) if r in held else (r, found[r]) for r in self.rows]

    def _joined(self, x: Node) -> tuple[Node | None, Node]:
        """The one row and the one column index of a factor that has both."""
        r, c = [i for i in self.rows if i in x.free], [j for j in self.cols if j in x.free]
        return (r[0], c[0]) if len(r) == len(c) == 1 else (None, x)

    @property
    def factors(self) -> list[Node]:
        """The factors that hold an index, with tied columns named as their rows."""
        held = self.brackets
        names = {c: r for r, c in held.items()}
        every = frozenset((*self.rows, *self.cols))
        found = [substitute(x, names) for x in factors_of(self.f) if not self._ties(x)]
        return [x for x in found if x.free & every]

    @property
    def scalar(self) -> Node:
        c, _ = coefficient(self.f)
        every = frozenset((*self.rows, *self.cols))
        return mul(num(c), *(x for x in factors_of(self.f) if x.op != "num" and not x.free & every))

    def _ties(self, x: Node) -> bool:
        if x.op != "br" or x.args[0].attr != "=":
            return False
        i, j = x.args[0].args
        held = self.brackets
        return held.get(i) is j or held.get(j) is i


def factors_of(f: Node) -> tuple[Node, ...]:
    return f.args if f.op == "mul" else (f,)


def connected(axes: Sequence[set[Node]], factors: Sequence[Node]) -> list[list[Node]] | None:
    """The factors of every axis; None where one touches two of them."""
    found: list[list[Node]] = [[] for _ in axes]
    for x in factors:
        touched = [p for p, a in enumerate(axes) if x.free & a]
        if len(touched) != 1:
            return None
        found[touched[0]].append(x)
    return found


def components(indices: Sequence[Node], factors: Sequence[Node]) -> Iterator[tuple[set[Node], list[Node]]]:
    """Indices that share factors, with those factors."""
    groups: list[tuple[set[Node], list[Node]]] = [({i}, []) for i in indices]
    for x in factors:
        touched = [g for g in groups if x.free & g[0]]
        if touched:
            rest = [g for g in groups if g not in touched]
            joined = set().union(*(g[0] for g in touched)), [y for g in touched for y in g[1]] + [x]
            groups = [*rest, joined]
    return iter(groups)
