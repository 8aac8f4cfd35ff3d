"""Sizes by unification, and what index terms ask of them; types.

Glossary   m, n, p: sizes (nodes).  A size variable is a size node whose name starts with "?".
A size is a name, a number, or a sum or product of them, as n - w + 1.  Declared sizes are rigid and differ from each other;
inferred ones are flexible.  A declared size that is equated with others, p = n - w + 1, stands for them from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from ..core.affine import Poly, constant, leaves, nonnegative, polynomial, solved, split
from ..core.errors import IversonError, Span
from ..core.node import ONE, Node, add, coefficient, facts_of, idx, mul, neg, num, of_polynomial, rel, size, sub, transform
from .ranges import ARITHMETIC, Half, Index, Ranges, conjuncts
from .show import show
from .surface import Surface, name, number


@dataclass(frozen=True, slots=True)
class Type:
    """form is scalar, column, row, matrix, tensor, index or function; `classes` bounds the values of a label."""

    form: str
    dims: tuple[Node, ...] = ()
    classes: Node | None = None

    @property
    def rank(self) -> int:
        return len(self.dims)


SCALAR = Type("scalar")
FORMS = ("scalar", "column", "matrix")


def array(dims: tuple[Node, ...]) -> Type:
    """The type of an array with these axes; one axis makes a column."""
    return Type(FORMS[len(dims)] if len(dims) < 3 else "tensor", dims)


def show_size(n: Node) -> str:
    """A size as text: `n`, `3`, `n - w + 1`."""
    return show(size_tree(n))


def size_tree(n: Node) -> Surface:
    """A size as it is written, what is added before what is taken away."""
    if n.op in ("num", "size", "idx"):
        return number(n.attr) if n.op == "num" else name(n.attr if n.op == "size" else n.attr[0])
    if n.op == "add":
        up = any(coefficient(t)[0] > 0 and t.op != "num" for t in n.args)
        terms = sorted(n.args, key=lambda t: (up and t.op == "num", coefficient(t)[0] < 0))
        parts = [(coefficient(t)[0] < 0, size_tree(neg(t) if coefficient(t)[0] < 0 else t)) for t in terms]
        return Surface("add", tuple(Surface("neg", (t,)) if minus else t for minus, t in parts))
    if n.op == "pow":
        return Surface("pow", (size_tree(n.args[0]), number(n.args[1].attr)))
    tree, *rest = [size_tree(a) for a in n.args]
    for t in rest:
        tree = Surface("mul", (tree, t))
    return tree


MOST_CONSTANT = 1_000_000
MOST_SIZE = 10_000_000
SLICES = "A slice x[a:b] holds the entries a, ..., b-1, at least one."


class Sizes:
    """The sizes of one script: `sizes` by name, `same` what each has been found to be."""

    def __init__(self, source: str, arithmetic: bool = False) -> None:
        self.source = source
        self.arithmetic = arithmetic  # somewhere an index is computed
        self.names: dict[str, Type] = {}
        self.sizes: dict[str, Node] = {}
        self.later: set[str] = set()  # names of all definitions
        self.assumed: set[str] = set()  # inputs whose rank is read off their letter or their use
        self.same: dict[Node, Node] = {}
        self.least: dict[Node, int] = {}
        self.types: dict[int, Type] = {}  # by identity of the tree's nodes
        self.ranges: dict[int, tuple[Node, ...]] = {}  # sizes of the indices a reduction binds
        self.slices: dict[int, tuple[Node, Node]] = {}  # first index and size of a slice
        self.fills: list[tuple[Surface, tuple[Node, ...]]] = []  # arrays of one entry, whose place gives the size
        self.reads = Ranges(self.find, self.unify, self.same.__setitem__)
        self.binders: list[tuple[Node, Surface]] = []  # indices with arithmetic in scope, by their reductions
        self.facts: list[Poly] = []  # what the brackets around say of indices
        self.asked: list[tuple[Node, int, Surface]] = []  # ranges that hold so many values, for the constants they meet
        self._new: Iterator[int] = count()

    # -- sizes -----------------------------------------------------------------------------------------------

    def variable(self) -> Node:
        """A size not known yet."""
        return size(f"?{next(self._new)}")

    def find(self, n: Node) -> Node:
        while n in self.same:
            n = self.same[n]
        if n.op in ("add", "mul", "pow"):
            return transform(n, lambda f: self.find(f) if f.op == "size" and f in self.same else None)
        return n

    def unify(self, m: Node, n: Node) -> bool:
        """Make two sizes the same where that is allowed."""
        m, n = self.find(m), self.find(n)
        if m is n:
            return True
        if m.op == n.op == "pow" and m.args[1] is n.args[1]:
            return self.unify(m.args[0], n.args[0])
        for a, b in ((m, n), (n, m)):
            if flexible(a) and a not in self.reads.open and a not in leaves(poly(b), "size"):
                self.same[a] = b
                return True
        if any(x in self.reads.open for f in (m, n) for x in leaves(poly(f), "size")):
            self.reads.equal.append((m, n))
            return True
        return bool(compound(m) or compound(n)) and self.solve(m, n)

    def solve(self, m: Node, n: Node) -> bool:
        """Make two sizes the same by way of one that only one term of them holds: one that is inferred, else a whole side."""
        gap = poly(sub(m, n))
        rigid = [a for a, b in ((m, n), (n, m)) if a.op == "size" and a not in leaves(poly(b), "size")]
        for leaf in [*filter(flexible, leaves(gap, "size")), *rigid]:
            value = solved(gap, leaf)
            if value is not None and leaf not in leaves(value, "size"):
                self.same[leaf] = of_polynomial(value)
                return True
        return False

    def final(self, t: Type) -> Type:
        classes = None if t.classes is None else self.find(t.classes)
        return Type(t.form, tuple(self.find(n) for n in t.dims), classes)

    def describe(self, t: Type) -> str:
        """A type as a person says it: `matrix N x D`."""
        t = self.final(t)
        dims = " x ".join("?" if flexible(n) else show_size(n) for n in t.dims)
        return f"{t.form} {dims}" if dims else t.form

    def error(
        self, kind: str, message: str, span: Span | None, why: str | None = None, hint: str | None = None
    ) -> IversonError:
        return IversonError(kind, message, span, why, hint, self.source)

    def _text(self, tree: Surface) -> str:
        text = self.source[tree.span.start : tree.span.end] if tree.span else tree.op
        return text if len(text) <= 30 else text[:27] + "..."

    # -- index terms -----------------------------------------------------------------------------------------

    def opened(self, names: Mapping[str, Node], tree: Surface | None, fixed: Mapping[str, Node]) -> None:
        """Names just bound: where indices are computed somewhere, their ranges follow from what is read under them."""
        for n, variable in names.items() if self.arithmetic else ():
            self.reads.open[variable] = Index(n, variable, tree, fixed.get(n))

    def settle(self) -> None:
        """Give the indices of one definition their ranges, and the ranges what was compared with them: labels that nothing
        else tells the number of classes of, constants."""
        compared = list(self.reads.compared)
        self.reads.settle()
        for m, n in compared:
            if flexible(self.find(m)) or flexible(self.find(n)):
                self.unify(m, n)
        for n, k, tree in self.asked:
            if compound(self.find(n)):
                self.at_least_zero(sub(self.find(n), num(k)), n, tree)
            else:
                self.at_least(n, k, tree.span)
        self.asked.clear()

    def affine(self, tree: Surface, scope: dict[str, Node]) -> Node | None:
        """An index term as a node over index names, sizes and integers; None for anything else."""
        if tree.op == "num":
            return num(tree.attr) if isinstance(tree.attr, int) else None
        if tree.op == "name":
            if tree.attr in scope:
                return idx(tree.attr, scope[tree.attr])
            return self.sizes.get(tree.attr)
        if tree.op == "pow" and literal_power(tree.args[1]):
            base = self.affine(tree.args[0], scope)
            return None if base is None else mul(*[base] * tree.args[1].attr)
        if tree.op not in ARITHMETIC:
            return None
        parts = [self.affine(a, scope) for a in tree.args]
        known = [p for p in parts if p is not None]
        if len(known) < len(parts):
            return None
        return add(*known) if tree.op == "add" else neg(known[0]) if tree.op == "neg" else mul(*known)

    def said(self, conditions: Iterable[Surface], scope: dict[str, Node]) -> list[Poly]:
        """What conditions say of indices."""
        found: list[Poly] = []
        for r in (r for c in conditions for r in conjuncts(c)):
            a, b = (self.affine(t, scope) for t in r.args)
            if a is not None and b is not None:
                found += facts_of(rel(r.attr, a, b))
        return found

    @contextmanager
    def under(self, conditions: Iterable[Surface], scope: dict[str, Node]) -> Iterator[None]:
        """Read what stands beside brackets, which say where it counts."""
        known = len(self.facts)
        if self.arithmetic:
            self.facts += self.said(conditions, scope)
        yield
        del self.facts[known:]

    def read(self, n: Node, t: Node, tree: Surface) -> None:
        """Ask that the term t is in range on an axis of size n."""
        own = set(leaves(poly(t), "idx"))
        home = next((r for i, r in reversed(self.binders) if any(x.attr[1] is i for x in own)), None)
        for half in (t, sub(sub(n, ONE), t)):
            self.reads.halves.append(Half(half, tree, tuple(self.facts), home))

    def _slice(self, n: Node, term: Surface) -> Node:
        """The number of entries from low up to, not including, high; a negative bound counts from the end."""
        ends = [self.affine(t, {}) if t.op != "all" else n for t in term.args]
        if any(e is None for e in ends):
            raise self.error(
                "kind", "The bounds of a slice are integers and sizes.", term.span, hint="Write sum[i: i < j] x[i]."
            )
        low, high = (add(n, e) if e.op == "num" and e.attr < 0 else e for e in ends if e is not None)
        for least in (low, sub(n, high), sub(sub(high, low), ONE)):
            self.at_least_zero(least, n, term)
        self.slices[id(term)] = (low, sub(high, low))
        return sub(high, low)

    def at_least_zero(self, f: Node, n: Node, term: Surface) -> None:
        """A size that must not be negative, at the door where it is not so for all sizes."""
        p = poly(self.find(f))
        c = p.get((), 0)
        if constant(p) is not None and c < 0:
            raise self.error("shape", f"The slice does not fit an axis of size {show_size(self.find(n))}.", term.span, hint=SLICES)
        if split(p, self.find(n)) == ({(): 1}, {(): c}) and c < 0:
            self.at_least(n, -c, term.span)
        elif not nonnegative(p):
            self.reads.checks.append(f)

    def at_least(self, n: Node, k: int, span: Span | None) -> None:
        """A constant index asks for a size of at least k."""
        n = self.find(n)
        if k > MOST_CONSTANT:
            raise self.error("limit", f"A constant index lies below {MOST_CONSTANT}.", span, hint="Name it: y: label[] in K.")
        if n.op == "num" and n.attr < k:
            raise self.error(
                "shape",
                f"The index {k - 1} is outside an axis of size {n.attr}; indices count from 0.",
                span,
                hint=f"The last one is {n.attr - 1}.",
            )
        self.least[n] = max(k, self.least.get(n, 0))

    def _same_classes(self, m: Node, n: Node) -> bool:
        """Indices that are compared run over one range, unless what they read says over which.  False: they cannot."""
        self.reads.compared += [(m, n), (n, m)]
        later = flexible(self.find(m)) and flexible(self.find(n))
        return later or m in self.reads.open or n in self.reads.open or self.unify(m, n)

    def within(self, n: Node, most: Node) -> bool:
        """Whether a size is at most another one, made of it: labels of D classes are places on an axis of size D + 1."""
        return compound(self.find(most)) and nonnegative(poly(sub(self.find(most), self.find(n))))

    def declared_size(self, s: str | int | Surface) -> Node:
        """A size as a declaration writes it."""
        if isinstance(s, Surface):
            return self.size_of(s)
        if isinstance(s, int) and s > MOST_SIZE:
            raise self.error("limit", f"A size is at most {MOST_SIZE}.", None, hint="Name it: x: vector[n].")
        return num(s) if isinstance(s, int) else self.sizes.setdefault(s, size(s))

    def size_of(self, tree: Surface) -> Node:
        n = self.affine(tree, {})
        if n is not None and not (n.op == "num" and n.attr <= 0):
            return n
        raise self.error(
            "shape",
            f"{self._text(tree)} is not a size.",
            tree.span,
            hint="A size is a positive integer or a size that a declaration names.",
        )


def literal_power(e: Surface) -> bool:
    return e.op == "num" and isinstance(e.attr, int) and 1 <= e.attr <= 4


def poly(n: Node) -> Poly:
    """A size or an index term as a polynomial."""
    p = polynomial(n)
    assert p is not None
    return p


def size_leaves(n: Node) -> list[Node]:
    """The sizes that a size is made of."""
    return leaves(poly(n), "size")


def compound(n: Node) -> bool:
    """A size made of others."""
    return n.op not in ("num", "size")


def linear(t: Node) -> bool:
    """No index of the term is multiplied by an index."""
    return all(sum(leaf.op == "idx" for leaf in m) <= 1 for m in poly(t))


def flexible(n: Node) -> bool:
    return n.op == "size" and n.attr.startswith("?")


def plain(t: Type) -> Type:
    """The type of a number computed from `t`: no label any more."""
    return Type("scalar" if t.form == "index" else t.form, t.dims)
