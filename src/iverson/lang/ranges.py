"""The range rule: an index runs over exactly the values at which everything read under it is in range.

Glossary   x[t]: a read, t its term, N the size of its axis.  Its two halves say t >= 0 and N - 1 - t >= 0.
           A half is a polynomial in indices that is at least 0 where the read is in range; home: the innermost
           reduction that binds one of its indices; facts: what the brackets around it say.
An index that a half bounds by sizes alone starts and ends there: `sum[t] x[t]*x[t-1]` is t = 1, ..., n-1.  What depends
on other indices too bounds the outer index, for all values of the inner ones, from above: `y[i] = sum[j] k[j]*x[i+j]`
has i = 0, ..., n-w.  Every other half, as that of `x[i-j]` below 0, is a guard: terms outside count as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..core.affine import (
    ONE,
    Poly,
    constant,
    leaves,
    minus,
    nonnegative,
    polynomial,
    replaced,
    scaled,
    sign,
    split,
    total,
    without,
)
from ..core.errors import IversonError
from ..core.node import Node, idx, of_polynomial
from .ops import OPS
from .surface import Surface, walk

ARITHMETIC = ("add", "neg", "mul", "emul")


@dataclass
class Index:
    """An index with arithmetic in one of its reads.  `size` is the variable that stands for its number of values."""

    name: str
    size: Node
    tree: Surface | None  # the reduction that binds it; None for an index of a definition
    fixed: Node | None = None  # its number of values where that is known beforehand

    @property
    def node(self) -> Node:
        return idx(self.name, self.size)


@dataclass
class Half:
    """One half of a read, as a node that is at least 0 where the read is in range."""

    node: Node
    read: Surface
    facts: tuple[Poly, ...]
    home: Surface | None


@dataclass
class Ranges:
    """The indices with arithmetic of one script, and what their reads ask.

    low      the first value of each index, by its size variable, where it is not 0
    guards   by identity of a reduction: nodes over indices that must be at least 0 for a term to count
    checks   nodes over sizes that must be at least 0 at the door
    """

    find: Callable[[Node], Node]
    equate: Callable[[Node, Node], bool]
    bind: Callable[[Node, Node], None]
    open: dict[Node, Index] = field(default_factory=dict)
    halves: list[Half] = field(default_factory=list)
    equal: list[tuple[Node, Node]] = field(default_factory=list)
    compared: list[tuple[Node, Node]] = field(default_factory=list)
    stated: list[Poly] = field(default_factory=list)
    fixed: dict[Node, Node] = field(default_factory=dict)
    low: dict[Node, Poly] = field(default_factory=dict)
    guards: dict[int, list[Node]] = field(default_factory=dict)
    checks: list[Node] = field(default_factory=list)

    # -- polynomials ---------------------------------------------------------------------------------------

    def poly(self, f: Node) -> Poly:
        """A term with every size settled as far as it is."""
        p = polynomial(f)
        assert p is not None
        for n in leaves(p, "size"):
            if (root := self.find(n)) is not n:
                value = polynomial(root)
                assert value is not None
                p = replaced(p, n, value)
        return p

    def span(self, i: Node) -> tuple[Poly, Poly | None]:
        """The least and the largest value of an index; None for the largest while it is open."""
        n = i.attr[1]
        low = self.low.get(n, {})
        return low, None if n in self.open else minus(total([low, self.poly(n)]), ONE)

    def proved(self, h: Half) -> bool:
        return self.follows(self.poly(h.node), h)

    def follows(self, p: Poly, h: Half) -> bool:
        """Whether a half holds by the ranges and by the brackets that speak of its own indices, or are equations.  Others
        would part from the read when what does not depend on their indices leaves a sum."""
        own = set(leaves(p, "idx"))
        near = [f for f in h.facts if own.issuperset(leaves(f, "idx")) or scaled(f, -1) in h.facts]
        return nonnegative(p, near, self.span)

    # -- settling ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Give every open index its range, then make guards of the halves that do not follow from the ranges."""
        self.fixed = {n: i.fixed for n, i in self.open.items() if i.fixed is not None}
        own = {n: self.own_bounds(i) for n, i in self.open.items()}
        later = [i for n, i in list(self.open.items()) if not self.close(i, *own[n])]
        derived = {i.size for i in later}
        for find in (self.from_others, self.from_stated, self.from_guarded, self.from_compared, self.from_compared):
            later = [i for i in later if not self.close(i, own[i.size][0], find(i))]
        self.open.clear()
        for h in self.halves:
            if not self.proved(h) and not any(i.attr[1] in derived for i in leaves(self.poly(h.node), "idx")):
                self.narrow(h)
            if not self.proved(h):
                self.guard(h)
        self.halves, self.fixed, self.compared, self.stated = [], {}, [], []
        rest, self.equal = self.equal, []
        for m, n in rest:
            if not self.equate(m, n):
                raise IversonError("shape", "Two sizes that must agree differ.", hint="Declare the sizes.")

    def own_bounds(self, i: Index) -> tuple[list[Poly], list[Poly]]:
        """What reads that hold no other index ask of this one: values it is at least, and at most."""
        lower: list[Poly] = [{}]
        upper: list[Poly] = []
        if i.fixed is not None:
            return lower, [minus(self.poly(i.fixed), ONE)]
        if (plain := self.plain_bounds(i)) is not None:
            return lower, plain
        for h in self.halves:
            p = self.poly(h.node)
            if leaves(p, "idx") == [i.node] and not self.follows(p, h):
                below, above = self.bound(p, i)
                lower += below
                upper += above
        upper += [minus(self.poly(b if a is i.size else a), ONE) for a, b in self.equal if i.size in (a, b)]
        self.equal = [pair for pair in self.equal if i.size not in pair]
        return lower, upper

    def plain_bounds(self, i: Index) -> list[Poly] | None:
        """The last values of the axes where every read is of the index itself: it runs over the axis, whatever its sum says
        of it besides.  None where some read is computed, or stands beside a bracket on the index."""
        ends: list[Poly] = []
        for h in self.halves:
            p = self.poly(h.node)
            if i.node not in leaves(p, "idx"):
                continue
            a, b = split(p, i.node) or ({}, {})
            if any(i.node in leaves(f, "idx") and f not in self.stated for f in h.facts):
                return None
            if leaves(p, "idx") != [i.node] or constant(a) not in (1, -1) or (constant(a) == 1 and b):
                return None
            if constant(a) == -1 and b not in ends:
                ends.append(b)
        return ends or None

    def bound(self, p: Poly, i: Index) -> tuple[list[Poly], list[Poly]]:
        """p >= 0 solved for the index: (values it is at least, values it is at most)."""
        parts = split(p, i.node)
        if parts is None:
            return [], []
        a, b = parts
        if a == ONE:
            return [scaled(b, -1)], []
        if sign(a) == -1 and (top := quotient(b, scaled(a, -1))) is not None:
            return [], [top]
        return [], []

    def close(self, i: Index, lower: Sequence[Poly], upper: Sequence[Poly]) -> bool:
        """Settle the range of an index from its bounds; False when nothing bounds it from above."""
        low = tightest(lower, -1)[0]
        ends = tightest(upper, 1)
        if not ends:
            return False
        if low and i.tree is None:
            raise self.starts_late(i, low)
        first, *others = sorted(ends, key=len, reverse=True)
        size = of_polynomial(total([first, scaled(low, -1), ONE]))
        for end in others:
            other = of_polynomial(total([end, scaled(low, -1), ONE]))
            if not self.equate(other, size):
                raise self.differ(i, other, size)
        if low:
            self.low[i.size] = low
        del self.open[i.size]
        self.bind(i.size, size)
        return True

    def from_others(self, i: Index) -> list[Poly]:
        """Bounds of an index from reads with other indices: for all values of those bound inside it, else for any."""
        known = [p for h in self.halves if not self.follows(p := self.poly(h.node), h)]
        ends = [end for p in known for end in self.bound(p, i)[1]]
        for pick in (self.for_all, self.for_any):
            found = [b for end in ends if (b := pick(end, i)) is not None]
            if found:
                return found
        return []

    def for_all(self, bound: Poly, i: Index) -> Poly | None:
        """The largest value of a bound over the outer indices that holds for all inner ones; None where that is 0 at most."""
        inner = [j for j in leaves(bound, "idx") if self.age(j) > self.age(i.node)]
        least = self.extreme(bound, 1, inner)
        if least is None or (inner and nonnegative(scaled(least, -1))):
            return None
        return self.extreme(least, -1)

    def for_any(self, bound: Poly, i: Index) -> Poly | None:
        """The largest value of a bound over the other indices."""
        return self.extreme(bound, -1)

    def extreme(self, p: Poly, direction: int, over: Iterable[Node] | None = None) -> Poly | None:
        """p with every index (of `over`) at the end of its range where p is least (1) or largest (-1)."""
        for i in leaves(p, "idx") if over is None else over:
            parts = split(p, i)
            slope = None if parts is None else sign(parts[0])
            if not slope:
                return None
            low, high = self.span(i)
            end = low if slope == direction else high
            if end is None:
                return None
            p = replaced(p, i, end)
        return p

    def from_guarded(self, i: Index) -> list[Poly]:
        """The ends of the axes that are read only under brackets."""
        found: list[Poly] = []
        for h in self.halves:
            a, b = split(self.poly(h.node), i.node) or ({}, {})
            if sign(a) == -1 and not leaves({**a, **b}, "idx"):
                found.append(quotient(b, scaled(a, -1)) or b)
        ends = [end for h in self.halves for end in self.bound(self.poly(h.node), i)[1]]
        largest = [most for end in ends if (most := self.for_any(end, i)) is not None]
        return found[:1] or largest[:1]

    def from_stated(self, i: Index) -> list[Poly]:
        """What the condition of a sum says of an index: `sum[j: j < n] 1`."""
        return [end for p in self.stated if leaves(p, "idx") == [i.node] for end in self.bound(p, i)[1]][:1]

    def from_compared(self, i: Index) -> list[Poly]:
        """The range of an index that it is compared with."""
        return [minus(self.poly(b), ONE) for a, b in self.compared if a is i.size and b not in self.open][:1]

    def narrow(self, h: Half) -> None:
        """Bound the outermost index of a half for all values of the inner ones, where that leaves it a range.

        Two ends that nothing orders are the same: `y[i] - sum[j] k[j]*x[i+j]` asks that y has n - w + 1 entries.
        """
        p = self.poly(h.node)
        inside = leaves(p, "idx")
        if len(inside) < 2 or h.home is None:
            return
        outer = min(inside, key=self.age)
        parts = split(p, outer)
        if parts is None or constant(parts[0]) != -1:
            return
        least, (_, high) = self.extreme(parts[1], 1), self.span(outer)
        if least is None or high is None or nonnegative(minus(self.span(outer)[0], least)):
            return
        forward = all(sign(q[0]) == -1 for j in inside if (q := split(p, j)) is not None)
        if nonnegative(minus(high, least)):
            if forward and self.fixed.get(outer.attr[1]) is None:
                self.bind(outer.attr[1], of_polynomial(total([least, ONE, scaled(self.span(outer)[0], -1)])))
        elif forward or any(n.attr.startswith("?") for n in leaves(high, "size")):
            self.equate(of_polynomial(total([high, ONE])), of_polynomial(total([least, ONE])))

    def age(self, i: Node) -> int:
        """Outer indices are older: variables are numbered as they are made."""
        return int(i.attr[1].attr[1:]) if i.attr[1].op == "size" and i.attr[1].attr[0] == "?" else -1

    def guard(self, h: Half) -> None:
        """Leave the terms outside out of the innermost reduction, or refuse where there is none."""
        p = self.poly(h.node)
        if not leaves(p, "idx"):
            self.checks.append(h.node)
        elif h.home is None:
            raise self.outside(h)
        else:
            kept = self.guards.setdefault(id(h.home), [])
            if h.node not in kept:
                kept.append(h.node)

    # -- refusals ------------------------------------------------------------------------------------------

    def starts_late(self, i: Index, low: Poly) -> IversonError:
        reads = [h for h in self.halves if leaves(self.poly(h.node), "idx") == [i.node]]
        return IversonError(
            "shape",
            f"At {i.name} = 0 this reads before the start of an array, and an axis counts from 0.",
            next((h.read.span for h in reads if self.bound(self.poly(h.node), i)[0] == [low]), None),
            hint=f"Shift the index, as in x[{i.name}+1] - x[{i.name}]; or say where it counts: [{i.name} >= 1]*(...).",
        )

    def outside(self, h: Half) -> IversonError:
        return IversonError(
            "shape",
            "This read is out of range for some values of its indices.",
            h.read.span,
            hint="Write a bracket for the values that count, as in [i >= j]*x[i-j]; or sum over an index.",
        )

    def differ(self, i: Index, a: Node, b: Node) -> IversonError:
        return IversonError(
            "shape",
            f"The index {i.name} runs over two ranges whose sizes are not related.",
            None if i.tree is None else i.tree.span,
            hint="Declare sizes that agree, as in x: data[n], y: data[n-1].",
        )


def quotient(b: Poly, a: Poly) -> Poly | None:
    """The whole part of b/a for a positive a, where it is a polynomial for all sizes."""
    for r in ({}, minus(a, ONE)):
        found = divided(minus(b, r), a)
        if found is not None:
            return found
    return None


def divided(b: Poly, a: Poly) -> Poly | None:
    """b/a for a monomial a that divides every term."""
    if len(a) != 1:
        return None
    ((m, c),) = a.items()
    found: Poly = {}
    for n, d in b.items():
        rest = without(n, m)
        if rest is None or d % c:
            return None
        found[rest] = d // c
    return found


def tightest(bounds: Sequence[Poly], direction: int) -> list[Poly]:
    """Upper bounds (1) or lower ones (-1) without those that follow from another; of lower ones that nothing orders, 0."""
    kept: list[Poly] = []
    for p in bounds:
        if not any(nonnegative(scaled(minus(p, q), direction)) for q in kept):
            kept = [q for q in kept if not nonnegative(scaled(minus(q, p), direction))] + [p]
    return kept if direction > 0 or len(kept) == 1 else [{}]


# -- what is written -------------------------------------------------------------------------------------------


def computes(tree: Surface) -> bool:
    """Whether an index is computed somewhere: arithmetic in an index term or under a sum sign, a slice, an array joined."""
    terms = [a for t in walk(tree) if t.op == "index" for a in t.args[1:]]
    terms += [a for t in walk(tree) if t.op == "reduce" for c in t.args[1:] for r in conjuncts(c) for a in r.args]
    moved = any(t.op == "call" and t.attr in OPS and OPS[t.attr].shape == "block" for t in walk(tree))
    return moved or any(a.op in (*ARITHMETIC, "slice") for a in terms)


def brackets_of(tree: Surface) -> list[Surface]:
    """The conditions of the brackets among the factors of a product, which hold wherever the product counts."""
    if tree.op in ("mul", "emul"):
        return [c for a in tree.args for c in brackets_of(a)]
    if tree.op in ("div", "ediv", "neg"):
        return brackets_of(tree.args[0])
    return [tree.args[0]] if tree.op == "bracket" else []


def conjuncts(condition: Surface) -> Iterable[Surface]:
    """The relations that hold where a condition does."""
    if condition.op == "rel":
        yield condition
    elif condition.op == "and":
        for a in condition.args:
            yield from conjuncts(a)
