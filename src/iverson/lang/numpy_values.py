"""NumPy arrays as functions of index terms: axes, broadcasting, elementwise operations, built into Surface.

Glossary   v, x, y: values; size: of one axis; terms: an index for each axis of a value, None where the axis
           stays; real: an axis that is not of size 1 by construction, as x[:,None] and keepdims make them.
A value is cut at terms into a scalar, a column or a matrix of the axes that stay.  Broadcasting from the last
axis is then a matter of handing the terms on, and arrays of any rank are read that are summed down later.
Knows no function by name and no Python; errors carry no span, the reader and `Value.at` put it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..core.errors import IversonError, Span
from .numpy_text import Axes, Size, merge
from .surface import Equation, Surface, call, index, name, number, walk

Terms = tuple[Surface | None, ...]
INDICES = ("i", "k", "j", "l", *(f"{c}{n}" for n in range(1, 60) for c in "ikj"))
DEFINED = ("z", "u", "v", "t", *(f"z{n}" for n in range(1, 200)))
SIZES = ("n", "m", "p", "q", *(f"n{n}" for n in range(1, 60)))
MOST_CUTS = 20_000
ALL = Surface("all")


def axes_text(n: int) -> str:
    return f"{n} axis" if n == 1 else f"{n} axes"


def unsupported(message: str, hint: str | None = None) -> IversonError:
    return IversonError("unsupported", message, hint=hint)


# -- sizes and names -----------------------------------------------------------------------------------------

@dataclass
class Book:
    """What one reading makes beside its trees: definitions, and the names of indices and sizes.

    taken   names of the text         scope   index names that are bound around
    labels  arrays used as indices, with the size of what they index
    joined  sizes that had to be the same
    """

    taken: set[str]
    equations: list[Equation] = field(default_factory=list)
    labels: dict[str, Size] = field(default_factory=dict)
    scope: list[str] = field(default_factory=list)
    joined: list[Size] = field(default_factory=list)
    memo: dict[tuple[Surface, str | None], Value] = field(default_factory=dict)
    cuts: int = 0

    def unused(self, names: Sequence[str]) -> str:
        found = next((n for n in names if n not in self.taken), None)
        if found is None:
            raise IversonError("limit", "The formula needs too many names.")
        self.taken.add(found)
        return found

    @contextmanager
    def bound(self, sizes: Sequence[Size], first: int = 0) -> Iterator[list[Surface]]:
        """Index names that nothing around uses, one a size; i for axis 0, k for axis 1, j for axis 2."""
        names: list[str] = []
        for p in range(len(sizes)):
            wanted = (INDICES[(first + p) % 3], *INDICES)
            names.append(next(n for n in wanted if n not in self.taken and n not in (*self.scope, *names)))
        self.scope += names
        yield [name(n) for n in names]
        del self.scope[len(self.scope) - len(names):]

    def size(self, size: Size | None) -> Surface:
        """A size as a number; one that has no name yet gets one."""
        if size is None:
            return number(1)
        root = size if size.name is not None else size.root()
        if root.name is None:
            root.name = self.unused(SIZES)
        return name(root.name) if isinstance(root.name, str) else number(root.name)

    def agree(self, a: Size | None, b: Size | None, rule: str) -> None:
        """Two axes longer than 1 that an operation needs to be of one size."""
        if not merge(a, b):
            sizes = " and ".join("1" if s is None else str(s.root().name) for s in (a, b))
            raise IversonError("shape", f"Sizes differ: {sizes}.", why=rule)
        if a is not None:
            self.joined.append(a)

    def pin(self, size: Size | None) -> None:
        """Name a size that several arrays share, where no index is left to say so."""
        if size is not None and size.root() in [s.root() for s in self.joined]:
            self.size(size)

    def tied(self, body: Surface, names: Sequence[Surface], sizes: Sequence[Size]) -> Surface:
        """`body` in which each index stands on an axis, so that its range is known."""
        for i, size in zip(names, sizes, strict=True):
            if not any(t.op == "index" and i in t.args[1:] for t in walk(body)):
                body = Surface("mul", (body, index(call("ones", self.size(size)), i)))
        return body

    def define(self, v: Value, wanted: str | None = None) -> Value:
        """A definition `z = ...` or `z[i,k] = ...` of a value, once; the value that stands for its name."""
        outer, self.scope = self.scope, []
        indices, body = self.body(v)
        self.scope = outer
        if (body, wanted) not in self.memo:
            new = wanted or self.unused(DEFINED)
            self.equations.append(Equation(new, indices, body, v.span))
            self.memo[body, wanted] = replace(stored(self, new, tuple(v.sizes())), label=None)
        places = iter(range(v.rank))
        return arranged(self.memo[body, wanted], [None if a is None else next(places) for a in v.axes])

    def body(self, v: Value) -> tuple[tuple[str, ...], Surface]:
        """The indices on the left of an equation for a value, and its right side."""
        sizes = v.sizes()
        if len(sizes) <= 2 and not (sizes and v.loose):
            return (), v.number()
        with self.bound(sizes) as names:
            rest = iter(names)
            tree = v.number(tuple(None if a is None else next(rest) for a in v.axes))
            return tuple(str(i.attr) for i in names), self.tied(tree, names, sizes)


# -- values --------------------------------------------------------------------------------------------------

@dataclass(frozen=True, eq=False)
class Value:
    """A NumPy array: its axes and its cuts.

    truth   its cuts are conditions, not numbers     loose     it reads better by elements than as a matrix
    apart   axes that cannot stay in a cut           identity  it is eye(n)
    label   the array it is, when it may be an index: a name, or "" for arange
    exact   its value, if a literal                  counts    the size whose value it is
    """

    book: Book
    axes: Axes
    cut: Callable[[Terms], Surface]
    truth: bool = False
    loose: bool = False
    apart: tuple[int, ...] = ()
    label: str | None = None
    exact: int | Fraction | None = None
    counts: Size | None = None
    identity: bool = False
    span: Span | None = None

    @property
    def rank(self) -> int:
        return len(self.axes)

    def sizes(self) -> list[Size]:
        """Of the real axes."""
        return [a for a in self.axes if a is not None]

    def at(self, terms: Terms) -> Surface:
        """The value at `terms`: a scalar, a column or a matrix of the axes that stay."""
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
    """`base` indexed at terms; what stays of a matrix's row becomes a column."""
    if all(t is None for t in terms):
        return base
    tree = index(base, *(ALL if t is None else t for t in terms))
    return flip(tree) if len(terms) == 2 and terms[1] is None else tree


def opaque(book: Book, axes: Axes, build: Callable[[], Surface]) -> Value:
    """A value whose elements are taken of the whole tree."""
    def cut(terms: Terms) -> Surface:
        return pick(build(), tuple(t for a, t in zip(axes, terms, strict=True) if a is not None))

    return Value(book, axes, cut)


def stored(book: Book, text: str, axes: Axes, row: bool = False) -> Value:
    """An array by its name."""
    def cut(terms: Terms) -> Surface:
        at = tuple(number(0) if a is None else t for a, t in zip(axes, terms, strict=True))
        return flip(name(text)) if row and at == (None,) else pick(name(text), at)

    return Value(book, axes, cut, label=text)


def literal(book: Book, value: int | Fraction) -> Value:
    return Value(book, (), lambda _: number(value), exact=value)


def extent(book: Book, axis: Size | None) -> Value:
    """The size of an axis, as a number."""
    return literal(book, 1) if axis is None else Value(book, (), lambda _: book.size(axis), counts=axis)


def plain(v: Value) -> Value:
    """A condition as the number 1 or 0."""
    return replace(v, cut=v.number, truth=False) if v.truth else v


# -- elementwise ---------------------------------------------------------------------------------------------

Part = tuple[Surface, tuple[int, ...]]      # a tree, and which of the axes that stay it has


def elementwise(make: Callable[[list[Part], int], Surface], *values: Value, truth: bool = False) -> Value:
    """Broadcast from the last axis; `make` gets each operand's part and the number of axes that stay."""
    axes = broadcast(values)

    def part(v: Value, terms: Terms, stay: list[int]) -> Part:
        missing = len(axes) - v.rank
        own = tuple(q for q, p in enumerate(stay) if p >= missing and v.axes[p - missing] is not None)
        return v.number(terms[missing:]), own

    def cut(terms: Terms) -> Surface:
        stay = [p for p, a in enumerate(axes) if a is not None and terms[p] is None]
        return make([part(v, terms, stay) for v in values], len(stay))

    return Value(values[0].book, axes, cut, truth, any(v.loose and v.sizes() for v in values))


def broadcast(values: Sequence[Value]) -> Axes:
    """The axes of an elementwise result."""
    axes: list[Size | None] = [None] * max((v.rank for v in values), default=0)
    for v in values:
        for p, a in enumerate(v.axes, len(axes) - v.rank):
            if axes[p] is not None and a is not None:
                v.book.agree(axes[p], a, "NumPy lines axes up from the last; x[:,None] runs down the rows.")
            axes[p] = axes[p] or a
    return tuple(axes)


def level(parts: list[Part], stay: int) -> list[Surface]:
    """The trees of the parts, each with all the axes that stay; scalars as they are."""
    return [call("spread", tree, number(own[0]), number(stay)) if 0 < len(own) < stay else tree
            for tree, own in parts]


def product(parts: list[Part], stay: int) -> Surface:
    (a, p), (b, q) = parts
    if stay == 2 and len(p) == len(q) == 1 and p != q:
        return Surface("mul", (a, flip(b)) if p == (0,) else (b, flip(a)))
    return Surface("emul" if p and q else "mul", tuple(level(parts, stay)))


def ratio(parts: list[Part], stay: int) -> Surface:
    return Surface("ediv" if parts[1][1] else "div", tuple(level(parts, stay)))


def powered(parts: list[Part], stay: int) -> Surface:
    return Surface("epow" if stay else "pow", tuple(level(parts, stay)))


def total(values: Sequence[Value], less: Sequence[bool]) -> Value:
    """A sum whose terms are subtracted where `less` says so."""
    if len(values) > 1 and values[0].truth and values[1].truth:
        raise unsupported("NumPy adds two boolean arrays as `or`, and does not subtract them.",
                          "Write | for or, 1*(a > 0) + 1*(b > 0) for a count.")

    def make(parts: list[Part], stay: int) -> Surface:
        trees = level(parts, stay)
        signed = [Surface("neg", (t,), span=t.span) if m else t for t, m in zip(trees, less, strict=True)]
        return Surface("add", tuple(signed))

    return elementwise(make, *values)


def plus(*values: Value) -> Value:
    return total(values, [False] * len(values))


def minus(x: Value) -> Value:
    if x.truth:
        raise unsupported("NumPy does not negate a boolean array.", "Write ~ for not.")
    return elementwise(lambda parts, _: Surface("neg", (parts[0][0],)), x)


def times(x: Value, y: Value) -> Value:
    return both(x, y) if x.truth and y.truth else elementwise(product, x, y)


def over(x: Value, y: Value) -> Value:
    return elementwise(ratio, x, y)


def power(x: Value, y: Value) -> Value:
    return elementwise(powered, x, y)


def applied(function: str, *values: Value) -> Value:
    """An elementwise operator of OPS."""
    return elementwise(lambda parts, stay: call(function, *level(parts, stay)), *values)


def compared(relation: str, x: Value, y: Value) -> Value:
    def make(parts: list[Part], stay: int) -> Surface:
        return Surface("rel", tuple(level(parts, stay)), relation)

    return elementwise(make, x, y, truth=True)


def condition(tree: Surface) -> Surface:
    """A number 1 or 0 as a condition again."""
    return tree.args[0] if tree.op == "bracket" else Surface("rel", (tree, number(0)), "!=")


def logical(op: str, *values: Value) -> Value:
    if not all(v.truth for v in values):
        raise unsupported("The operators &, | and ~ are read between conditions only.",
                          "Write (a > 0) & (b > 0).")

    def make(parts: list[Part], stay: int) -> Surface:
        trees = [condition(t) for t in level(parts, stay)]
        return trees[0].args[0] if op == trees[0].op == "not" else Surface(op, tuple(trees))

    return elementwise(make, *values, truth=True)


def both(x: Value, y: Value) -> Value:
    return logical("and", x, y)


def either(x: Value, y: Value) -> Value:
    return logical("or", x, y)


def inverted(x: Value) -> Value:
    return logical("not", x)


def arranged(v: Value, order: Sequence[int | None]) -> Value:
    """Axes in another order; None makes a new axis of size 1, and axes of size 1 may be left out."""
    axes = tuple(None if o is None else v.axes[o] for o in order)

    def cut(terms: Terms) -> Surface:
        at = {o: t for o, t in zip(order, terms, strict=True) if o is not None}
        tree = v.number(tuple(at.get(p) for p in range(v.rank)))
        stay = [o for o, t in at.items() if v.axes[o] is not None and t is None]
        tree = flip(tree) if len(stay) == 2 and stay[0] > stay[1] else tree.at(None)
        return condition(tree) if v.truth else tree

    return Value(v.book, axes, cut, v.truth, v.loose)
