"""NumPy arrays as functions of index terms: axes and cuts, built into Surface; definitions, indices and sizes.

Glossary   v, x, y: values; size: of one axis; terms: an index for each axis of a value, None where the axis
           stays; real: an axis that is not of size 1 by construction, as x[:,None] and keepdims make them.
A value is cut at terms into a scalar, a column or a matrix of the axes that stay.  Broadcasting from the last
axis is then a matter of handing the terms on, and arrays of any rank are read that are summed down later.
Knows no function by name and no Python; errors carry no span, the reader and `Value.at` put it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as copied
from fractions import Fraction
from typing import Any, TypeVar

from ..core.affine import Poly, constant, nonnegative, polynomial, replaced, sign, split
from ..core.affine import minus as less
from ..core.affine import product as multiplied
from ..core.affine import total as summed
from ..core.errors import IversonError, Span
from ..core.node import ONE as UNIT
from ..core.node import Node, add, fresh, idx, mul, neg, num, size
from .numpy_sizes import Axes, Size, merge, number_poly, poly_tree, size_of
from .surface import Equation, Surface, call, index, name, number, walk

Terms = tuple[Surface | None, ...]
INDICES = ("i", "k", "j", "l", *(f"{c}{n}" for n in range(1, 60) for c in "ikj"))
DEFINED = ("z", "u", "v", "t", *(f"z{n}" for n in range(1, 200)))
SIZES = ("n", "m", "p", "q", *(f"n{n}" for n in range(1, 60)))
MOST_CUTS = 20_000
ALL = Surface("all")
T = TypeVar("T")


def axes_text(n: int) -> str:
    return f"{n} axis" if n == 1 else f"{n} axes"


def unsupported(message: str, hint: str | None = None) -> IversonError:
    return IversonError("unsupported", message, hint=hint)


# -- sizes and names -----------------------------------------------------------------------------------------

@dataclass
class Cell:
    """The index of a Python loop or comprehension: its least and largest value, and what it is at the moment."""

    low: Poly
    high: Poly
    name: str | None = None  # as the user calls it
    node: Node = field(default_factory=lambda: fresh(UNIT))
    current: Surface | None = None
    reads: list[tuple[Poly, Poly]] = field(default_factory=list)  # places proved to be on an axis, and its size


@dataclass
class Book:
    """What one reading makes beside its trees: definitions, and the names of indices and sizes.

    taken   names of the text         scope   index names that are bound around
    labels  arrays used as indices, with the size of what they index
    joined  sizes that had to be the same
    own     sizes that we named; renamed: those that turned out to be others
    assumed what sizes must be so that every axis has entries
    cells   indices of loops, by node; facts: what holds of them here; touched: those that the last cuts read
    """

    taken: set[str]
    equations: list[Equation] = field(default_factory=list)
    labels: dict[str, Size] = field(default_factory=dict)
    scope: list[str] = field(default_factory=list)
    joined: list[Size] = field(default_factory=list)
    memo: dict[Any, Value] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    renamed: dict[str, Poly] = field(default_factory=dict)
    cells: dict[Node, Cell] = field(default_factory=dict)
    facts: list[Poly] = field(default_factory=list)
    assumed: list[Poly] = field(default_factory=list)
    touched: dict[Node, Cell] = field(default_factory=dict)
    axes: dict[str, Axes] = field(default_factory=dict)  # of arrays by name
    depth: int = 0  # loops around
    integers: frozenset[str] = frozenset()  # inputs declared as labels
    reals: list[str] = field(default_factory=list)  # inputs in whose type numbers that are not whole were kept
    cuts: int = 0
    pi: Surface = field(default_factory=lambda: name("pi"))  # another tree where an array bears the name

    def unused(self, names: Iterable[str]) -> str:
        found = next((n for n in names if n not in self.taken), None)
        if found is None:
            raise IversonError("limit", "The formula needs too many names.")
        self.taken.add(found)
        return found

    @contextmanager
    def bound(self, sizes: Sequence[Size], first: int = 0, wanted: Sequence[str] = ()) -> Iterator[list[Surface]]:
        """Index names that nothing around uses, one a size; i for axis 0, k for axis 1, j for axis 2."""
        names: list[str] = []
        for p in range(len(sizes)):
            tried = (*wanted[p:p + 1], INDICES[(first + p) % 3], *INDICES)
            free = (n for n in tried if n in wanted or n not in self.taken)
            names.append(next(n for n in free if n not in (*self.scope, *names)))
        self.scope += names
        yield [name(n) for n in names]
        del self.scope[len(self.scope) - len(names):]

    def whole_type(self, kind: bool | str) -> bool:
        """Whether what `keeps_whole` says is known to mean whole numbers."""
        return kind is True or kind in self.labels or kind in self.integers

    # -- sizes and whole numbers -----------------------------------------------------------------------------

    def size(self, size: Size | None) -> Surface:
        """A size as a number; one that has no name yet gets one."""
        return number(1) if size is None else poly_tree(self.poly(size))

    def poly(self, size: Size | None) -> Poly:
        """A size as a polynomial."""
        if size is None:
            return {(): 1}
        root = size.root()
        if not root.known():
            root.name = self.unused(SIZES)
            self.own.add(root.name)
        return self.settled(root.poly())

    def settled(self, p: Poly) -> Poly:
        """A polynomial with the sizes that turned out to be others."""
        for leaf in [x for m in p for x in m if x.op == "size" and x.attr in self.renamed] if self.renamed else ():
            p = self.settled(replaced(p, leaf, self.renamed[leaf.attr]))
        return p

    def same(self, a: Size | None, b: Size | None) -> bool:
        """Make two sizes one; False where both are known and differ."""
        if a is None or b is None or not (a.known() and b.known()):
            return merge(a, b)
        gap = less(self.poly(a), self.poly(b))
        for leaf in [x for m in gap for x in m if x.op == "size" and x.attr in self.own]:
            parts = split(gap, leaf)
            if parts is not None and constant(parts[0]) in (1, -1):
                self.renamed[leaf.attr] = multiplied([parts[1], {(): -constant(parts[0])}])
                return True
        return not gap

    def same_known(self, a: Size | None, b: Size | None) -> bool:
        """Whether two sizes are one already."""
        return a is b or (a is not None and b is not None and (
            a.root() is b.root() or (a.known() and b.known() and not less(self.poly(a), self.poly(b)))))

    def agree(self, a: Size | None, b: Size | None, rule: str) -> None:
        """Two axes longer than 1 that an operation needs to be of one size."""
        if not self.same(a, b):
            sizes = " and ".join("1" if s is None else s.text() for s in (a, b))
            raise IversonError("shape", f"Sizes differ: {sizes}.", why=rule)
        if a is not None:
            self.joined.append(a)

    def pin(self, size: Size | None) -> None:
        """Name a size that several arrays share, where no index is left to say so."""
        if size is not None and size.root() in [s.root() for s in self.joined]:
            self.size(size)

    def span(self, i: Node) -> tuple[Poly, Poly | None]:
        """The least and the largest value of a loop's index."""
        return self.cells[i].low, self.cells[i].high

    def holds(self, p: Poly) -> bool:
        """Whether a whole number is never negative."""
        return nonnegative(self.settled(p), [*self.facts, *self.assumed], self.span)

    def end(self, p: Poly, direction: int) -> Poly | None:
        """The largest (1) or least (-1) value of a whole number over the loops around, outermost last."""
        for i, cell in reversed(self.cells.items()):
            parts = split(p, i)
            if parts is None or not parts[0]:
                continue
            slope = sign(parts[0])
            if slope is None:
                return None
            p = replaced(p, i, cell.high if slope == direction else cell.low)
        return p

    def tree(self, p: Poly) -> Surface:
        """A whole number as it is written, the indices of loops as they are at the moment."""
        for i in {leaf for m in p for leaf in m if leaf in self.cells}:
            self.touched[i] = self.cells[i]
            current = self.cells[i].current
            assert current is not None
            if p == {(i,): 1}:
                return current
            p = replaced(p, i, self.affine(current))
        return poly_tree(p)

    def affine(self, tree: Surface) -> Poly:
        """A tree of index names, sizes and whole numbers as a polynomial."""
        p = polynomial(self.node(tree))
        assert p is not None
        return p

    def node(self, tree: Surface) -> Node:
        if tree.op == "num" and isinstance(tree.attr, int):
            return num(tree.attr)
        if tree.op == "name":
            return idx(tree.attr, UNIT) if tree.attr in self.scope else size(tree.attr)
        if tree.op not in ("add", "neg", "mul", "emul"):
            raise unsupported("This is not read as an index.", "An index is a sum of indices, sizes and whole numbers.")
        parts = [self.node(a) for a in tree.args]
        return add(*parts) if tree.op == "add" else neg(parts[0]) if tree.op == "neg" else mul(*parts)

    # -- definitions -----------------------------------------------------------------------------------------

    def tied(self, body: Surface, names: Sequence[Surface], sizes: Sequence[Size]) -> Surface:
        """`body` in which each index stands on an axis of its own size, so that its range is known."""
        for i, n in zip(names, sizes, strict=True):
            if not self.standing(body, i, n, {(): 0}):
                body = Surface("mul", (body, index(call("ones", self.size(n)), i)))
        return body

    def limited(self, body: Surface, names: Sequence[Surface], sizes: Sequence[Size]) -> tuple[Surface, list[Surface]]:
        """`body` in which each index stands on some axis, and conditions for those that run less far than it."""
        held = []
        for i, n in zip(names, sizes, strict=True):
            if self.standing(body, i, n, {(): 0}) or self.standing(body, i, n, None):
                continue
            if self.standing(body, i, None, None):
                held.append(Surface("rel", (i, self.size(n)), "<"))
            else:
                body = self.tied(body, [i], [n])
        return body, held

    def standing(self, body: Surface, i: Surface, n: Size | None, shift: Poly | None) -> bool:
        """Whether an index stands on an axis where it runs over n values: alone for no shift, else with any shift."""
        guarded = any(t.op == "bracket" and any(i in r.args for r in walk(t) if r.op == "rel") for t in walk(body))
        for t in walk(body):
            for p, term in enumerate(t.args[1:] if t.op == "index" else ()):
                if term == i and t.args[0].op != "name" and not guarded:
                    return True
                c = self.shift_of(term, i)
                axes = self.axes.get(t.args[0].attr) if t.args[0].op == "name" else None
                if c is None or axes is None or p >= len(axes) or (shift is not None and c):
                    continue
                if n is None or not less(less(self.poly(axes[p]), c), self.poly(n)):
                    return True
        return False

    def shift_of(self, term: Surface, i: Surface) -> Poly | None:
        """c where a term is the index plus c, which holds no other index."""
        if term == i:
            return {}
        if term.op != "add" or i not in term.args:
            return None
        try:
            parts = split(self.affine(term), next(iter(self.affine(i)))[0])
        except IversonError:
            return None
        alone = parts is not None and parts[0] == {(): 1} and not any(x.op == "idx" for m in parts[1] for x in m)
        return parts[1] if alone and parts is not None else None

    def define(self, v: Value, wanted: str | None = None) -> Value:
        """A definition `z = ...` or `z[i,k] = ...` of a value, once; the value that stands for its name.

        A value that depends on the indices of loops around has them as first indices of its definition.
        """
        (indices, body), cells = self.watched(lambda: self.body(v), [])
        loops = [c for c in self.cells.values() if c.node in cells]
        if loops:
            indices, body = self.by_loops(v, loops)
        if (body, wanted) not in self.memo:
            new = wanted or self.unused(DEFINED)
            self.equations.append(Equation(new, indices, body, v.span))
            lead = tuple(size_of(summed([c.high, {(): 1}])) for c in loops)
            self.memo[body, wanted] = replace(stored(self, new, (*lead, *v.sizes())), label=None, simple=True)
        found = at_loops(self.memo[body, wanted], loops)
        if None not in v.axes:
            return found
        places = iter(range(v.rank))
        return arranged(found, [None if a is None else next(places) for a in v.axes])

    def watched(self, build: Callable[[], Any], scope: list[str]) -> tuple[Any, dict[Node, Cell]]:
        """What is built in another scope, and the loops it depends on."""
        outer, self.scope = self.scope, scope
        before, self.touched = self.touched, {}
        try:
            return build(), self.touched
        finally:
            self.scope, self.touched = outer, before | self.touched

    def by_loops(self, v: Value, loops: Sequence[Cell]) -> tuple[tuple[str, ...], Surface]:
        """Indices and body of a definition that depends on loops."""
        if any(c.low or any(x in self.cells for m in c.high for x in m) for c in loops):
            raise unsupported("This depends on a loop whose range is not read here.", "Let the loop start at 0.")
        sizes = [size_of(summed([c.high, {(): 1}])) or Size(1) for c in loops]
        held = [c.current for c in loops]

        def build() -> tuple[tuple[str, ...], Surface]:
            with self.bound([*sizes, *v.sizes()]) as names:
                for c, i in zip(loops, names, strict=False):
                    c.current = i
                rest = iter(names[len(loops):])
                tree = v.number(tuple(None if a is None else next(rest) for a in v.axes))
                return tuple(str(i.attr) for i in names), self.tied(tree, names, [*sizes, *v.sizes()])

        try:
            return self.watched(build, [])[0]
        finally:
            for c, t in zip(loops, held, strict=True):
                c.current = t

    def body(self, v: Value) -> tuple[tuple[str, ...], Surface]:
        """The indices on the left of an equation for a value, and its right side."""
        sizes = v.sizes()
        if len(sizes) <= 2 and not (sizes and v.loose):
            return (), v.number()
        with self.bound(sizes) as names:
            rest = iter(names)
            tree = v.number(tuple(None if a is None else next(rest) for a in v.axes))
            return tuple(str(i.attr) for i in names), self.tied(tree, names, sizes)


def at_loops(v: Value, loops: Sequence[Cell]) -> Value:
    """A definition whose first axes are loops, at their indices."""
    if not loops:
        return v

    def cut(terms: Terms) -> Surface:
        return v.cut((*(v.book.tree({(c.node,): 1}) for c in loops), *terms))

    return Value(v.book, v.axes[len(loops):], cut)


# -- values --------------------------------------------------------------------------------------------------

@dataclass(frozen=True, eq=False)
class Value:
    """A NumPy array: its axes and its cuts.

    truth   its cuts are conditions, not numbers     loose     it reads better by elements than as a matrix
    apart   axes that cannot stay in a cut           identity  it is eye(n)
    simple  it needs no name                         fill      what all its entries are
    label   the array it is, when it may be an index: a name, or "" for arange
    offset  the labels and the number of which it is the sum
    exact   its value, if a literal
    run     the least and the largest value of whole numbers, as polynomials; its cuts are index terms
    facts   polynomials that are at least 0 where the condition holds
    counts  the size whose value it is
    integral whether NumPy keeps whole numbers in it, or the input whose type it has; see `keeps_whole`
    hole    where the entries are infinite, and their sign: only what gives them no part reads them
    kept    the entries x[mask] selects, at their places in x: only reductions read them
    """

    book: Book
    axes: Axes
    cut: Callable[[Terms], Surface]
    truth: bool = False
    loose: bool = False
    apart: tuple[int, ...] = ()
    label: str | None = None
    offset: tuple[Value, int] | None = None
    exact: int | Fraction | None = None
    run: Callable[[], tuple[Poly, Poly]] | None = None
    facts: Callable[[], list[Poly]] | None = None
    hole: tuple[Value, int] | None = None
    kept: Value | None = None
    identity: bool = False
    simple: bool = False
    fill: int | None = None
    integral: bool | str = False
    counts: Size | None = None
    span: Span | None = None

    @property
    def rank(self) -> int:
        return len(self.axes)

    def spanning(self, span: Span) -> Value:
        """The same value, read at another place of the text."""
        return replace(self, span=span)

    def sizes(self) -> list[Size]:
        """Of the real axes."""
        return [a for a in self.axes if a is not None]

    def keeps_whole(self) -> bool | str:
        """Whether its entries are whole numbers by type: the name of the input on whose type it depends."""
        return self.integral or self.truth or self.run is not None or self.label or False

    def whole(self) -> Poly | None:
        """The whole number that it is."""
        return self.run()[0] if self.run is not None and self.rank == 0 else None

    def at(self, terms: Terms) -> Surface:
        """The value at `terms`: a scalar, a column or a matrix of the axes that stay."""
        if self.hole is not None:
            raise IversonError("unsupported", "Infinite entries are read in max, min, exp, logsumexp and softmax only.",
                               self.span, hint="Leave the entries out: np.where(mask, x, 0).")
        if self.kept is not None:
            raise IversonError("unsupported", "Entries that a mask selects are read in sums, means, max and min only.",
                               self.span, hint="Multiply by the mask: np.sum(x*(x > 0)); or use np.where.")
        self.book.cuts += 1
        if self.book.cuts > MOST_CUTS:
            raise IversonError("limit", "The formula is too large once it is written out.", self.span)
        try:
            stay = [p for p, a in enumerate(self.axes) if a is not None and terms[p] is None]
            if any(p in self.apart for p in stay):
                return self.book.define(self).at(terms).at(self.span)
            if len(stay) > 2:
                raise unsupported(f"An array with {len(stay)} axes has no matrix form.",
                                  "Sum over some of them, or use einsum.")
            tree = self.cut(terms)
        except IversonError as error:
            error.span = error.span or self.span
            raise
        return tree.at(tree.span or self.span)

    def number(self, terms: Terms | None = None) -> Surface:
        """`at`, with a condition as 1 or 0; the whole array when there are no terms."""
        tree = self.at((None,) * self.rank if terms is None else terms)
        return Surface("bracket", (tree,), span=tree.span) if self.truth else tree


def replace(v: T, **changes: Any) -> T:
    """dataclasses.replace, made fast for a Value: every node of a text makes some."""
    if not isinstance(v, Value):
        return copied(v, **changes)  # type: ignore[type-var]
    found = object.__new__(Value)
    found.__dict__.update(v.__dict__, **changes)
    return found  # type: ignore[return-value]


def flip(tree: Surface) -> Surface:
    """The transpose; a number in front stays in front."""
    if tree.op == "neg" or (tree.op == "mul" and all(t.op in ("num", "neg") for t in walk(tree.args[0]))):
        return Surface(tree.op, (*tree.args[:-1], flip(tree.args[-1])), span=tree.span)
    return tree.args[0] if tree.op == "transpose" else Surface("transpose", (tree,))


def spanned(tree: Surface, span: Span | None) -> Surface:
    """The tree with a span on every node: its own, else its parent's.  No node is shared in the copy."""
    span = tree.span or span
    return Surface(tree.op, tuple([spanned(a, span) for a in tree.args]), tree.attr, span)


def pick(base: Surface, terms: Terms) -> Surface:
    """`base` indexed at terms, a slice for a part of an axis; what stays of a matrix's row becomes a column."""
    if all(t is None for t in terms):
        return base
    tree = index(base, *(ALL if t is None else t for t in terms))
    stay = [t is None or t.op == "slice" for t in terms]
    return flip(tree) if stay == [False, True] else tree


def opaque(book: Book, axes: Axes, build: Callable[[], Surface]) -> Value:
    """A value whose elements are taken of the whole tree."""
    def cut(terms: Terms) -> Surface:
        return pick(build(), tuple(t for a, t in zip(axes, terms, strict=True) if a is not None))

    return Value(book, axes, cut)


def stored(book: Book, text: str, axes: Axes, row: bool = False) -> Value:
    """An array by its name."""
    if not row:
        book.axes[text] = axes

    def cut(terms: Terms) -> Surface:
        at = tuple(number(0) if a is None else t for a, t in zip(axes, terms, strict=True))
        return flip(name(text)) if row and at == (None,) else pick(name(text), at)

    return Value(book, axes, cut, label=text)


def literal(book: Book, value: int | Fraction) -> Value:
    run = None if isinstance(value, Fraction) else lambda: (number_poly(value),) * 2
    return Value(book, (), lambda _: number(value), exact=value, run=run)


def extent(book: Book, axis: Size | None) -> Value:
    """The size of an axis, as a number."""
    known = 1 if axis is None else axis.root().name
    if isinstance(known, int):
        return literal(book, known)
    return Value(book, (), lambda _: book.size(axis), run=lambda: (book.poly(axis),) * 2, counts=axis)


def whole_number(book: Book, p: Poly) -> Value:
    """A whole number of sizes and loop indices."""
    n = constant(p)
    return literal(book, n) if n is not None else Value(book, (), lambda _: book.tree(p), run=lambda: (p, p))


def infinite(book: Book, sign: int) -> Value:
    """np.inf and -np.inf."""
    return Value(book, (), lambda _: number(0), hole=(always(book), sign))


def always(book: Book) -> Value:
    """The condition that holds everywhere."""
    return Value(book, (), lambda _: Surface("rel", (number(0), number(0)), "="), truth=True)


def plain(v: Value) -> Value:
    """A condition as the number 1 or 0."""
    return replace(v, cut=v.number, truth=False, facts=None) if v.truth else v


# -- other axes ----------------------------------------------------------------------------------------------

def condition(tree: Surface) -> Surface:
    """A number 1 or 0 as a condition again."""
    return tree.args[0] if tree.op == "bracket" else Surface("rel", (tree, number(0)), "!=")


def arranged(v: Value, order: Sequence[int | None]) -> Value:
    """Axes in another order; None makes a new axis of size 1, and axes of size 1 may be left out."""
    axes = tuple(None if o is None else v.axes[o] for o in order)

    def cut(terms: Terms) -> Surface:
        at = {o: t for o, t in zip(order, terms, strict=True) if o is not None}
        tree = v.number(tuple(at.get(p) for p in range(v.rank)))
        stay = [o for o, t in at.items() if v.axes[o] is not None and t is None]
        tree = flip(tree) if len(stay) == 2 and stay[0] > stay[1] else tree.at(None)
        return condition(tree) if v.truth else tree

    real = [o for o in order if o is not None and v.axes[o] is not None]
    label = (v.label or None) if real == sorted(real) else None
    return Value(v.book, axes, cut, v.truth, v.loose, run=v.run if not v.truth else None, label=label)
