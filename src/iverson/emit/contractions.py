"""Sums of products as matrix products: A @ B, X' diag(d) X by halves, chains in their best order, einsum for the rest.

Glossary   groups: factors multiplied elementwise where they have the same axes; bound: the indices summed over.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction

from ..core.node import Node, is_num, mul, num, open_, pow_
from ..derivation.naming import abstract
from ..derivation.signs import strong
from .plan import Plan
from .reads import ATOM, TIMES, UNARY, Reads, Value
from .windows import on_terms, risky

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Contractions(Reads):
    """The part of an array writer that knows sums of products."""

    plan: Plan
    tall: set[str]
    params: set[str]

    @abstractmethod
    def counted(self, v: Value) -> Value:
        """A mask as 1.0 and 0.0."""

    @abstractmethod
    def full(self, v: Value, axes: tuple[Node, ...]) -> str:
        """Code with exactly these axes."""

    @abstractmethod
    def times(self, values: list[Value], scope: tuple[Node, ...]) -> Value:
        """A product."""

    @abstractmethod
    def divided(self, top: Value, bottom: Value | None, scope: tuple[Node, ...]) -> Value:
        """A quotient."""

    @abstractmethod
    def chosen(self, held: Sequence[Node], loose: Sequence[Node], scope: tuple[Node, ...]) -> Value:
        """A product that is 0 where one of the indicators is false."""

    def along(self, v: Value, bound: Sequence[Node], method: str) -> Value:
        """A method applied over the axes of the bound indices."""
        places = [p for p, i in enumerate(v.axes) if i in bound]
        rest = tuple(i for i in v.axes if i not in bound)
        v = self.counted(v) if self.dialect.numbers else v
        word = f"{self.dialect.axis}="
        if method in self.dialect.stepwise and rest and len(places) > 1:
            return Value(v.at(ATOM) + "".join(f".{method}({word}{p})" for p in places[::-1]), rest)
        axis = "" if not rest else f"{word}{places[0] if len(places) == 1 else tuple(places)}"
        return Value(f"{v.at(ATOM)}.{method}({axis})", rest)

    def contraction(self, bound: Sequence[Node], body: Node, scope: tuple[Node, ...]) -> Value:
        """A sum over the bound indices: a scatter-add, a matrix product, or a plain sum."""
        hit = scattered(bound, body)
        if hit is not None:
            return self.scatter_add(hit, bound, body, scope)
        row = self.row_of(bound, body)
        chained = row and self.chain([self.value(x, scope) for x in row[1]], row[0], (*scope, *row[0]))
        if chained:
            return chained
        held, loose, others = strong(factors(body))
        terms = [x for x in factors(body) if on_terms(x)]
        top, bottom = quotient(mul(*others) if held else body)
        divided = any(b.free & bottom.free for b in terms) and risky(body, self.dims)
        if divided:  # 0/0 where the brackets fail is 0 as well
            top, bottom = body, num(1)
            values = [self.where(terms, self.value(mul(*(x for x in factors(body) if x not in terms)), scope), scope)]
        elif held:
            values = [*self.kept(factors(top), scope), self.chosen(held, loose, scope)]
        else:
            values = self.kept(factors(top), scope)
        lower = [self.value(x, scope) for x in factors(bottom)]
        if len(values) == 2 and not lower:
            made = self.matmul(values[0], values[1], bound, scope)
            if made is not None:
                return made
        groups = self.grouped(values, lower, scope)
        live = {i for g in groups for i in g.axes}
        counts = [self.size(i.attr[1]) for i in bound if i not in live]
        v = self.contracted(groups, bound, scope)
        return Value("*".join([*counts, v.at(TIMES)]), v.axes, TIMES) if counts else v

    def row_of(self, bound: Sequence[Node], body: Node) -> tuple[tuple[Node, ...], list[Node]] | None:
        """The indices and factors of three or more matrices in a product of products, where no part is needed elsewhere."""
        every, found = list(bound), []
        stack = list(factors(body))
        while stack:
            x = stack.pop()
            if x.op == "red" and x.attr[0] == "sum" and self.plan.repeats.get(abstract(x)[0], 0) < 2:
                more, inner, _ = open_(x)
                every += more
                stack += factors(inner)
            elif x.op == "el" and len(x.args) == 2 and all(t.op == "idx" for t in x.args):
                found.append(x)
            else:
                return None
        return (tuple(every), found) if len(found) > 2 else None

    def grouped(self, values: list[Value], lower: list[Value], scope: tuple[Node, ...]) -> list[Value]:
        """Factors on the same axes multiplied elementwise, a smaller one into a larger that holds its axes."""
        groups: list[list[Value]] = []
        for v in sorted(values, key=lambda v: -len(v.axes)):
            home = next((g for g in groups if set(v.axes) == set(g[0].axes)), None) or next(
                (
                    g
                    for g in groups
                    if set(v.axes) <= set(g[0].axes)
                    and (
                        len(groups) > 1
                        or len(v.axes) != 1
                        or len(g[0].axes) == 1
                        or set(v.axes) == set(g[0].axes)
                    )
                ),
                None,
            )
            if home is None or (len(v.axes) == 1 and len(home[0].axes) == 2):
                groups.append([v])
            else:
                home.append(v)
        made = [self.times(g, scope) for g in groups] or [Value("1.0")]
        for d in lower:
            p = next((p for p, g in enumerate(made) if set(d.axes) <= set(g.axes)), 0)
            made[p] = self.divided(made[p], d, scope)
        return made

    def contracted(self, groups: list[Value], bound: Sequence[Node], scope: tuple[Node, ...]) -> Value:
        if len(groups) == 1:
            return self.along(groups[0], bound, "sum")
        groups, bound = self.lone_first(groups, bound)
        if not bound:
            return self.times(groups, scope)
        if len(groups) == 2:
            made = self.matmul(groups[0], groups[1], bound, scope)
            if made is not None:
                return made
        if len({i for g in groups for i in g.axes}) <= 2:
            return self.along(self.times(groups, scope), bound, "sum")
        return self.gram(groups, bound, scope) or self.chain(groups, bound, scope) or self.einsum(groups, bound, scope)

    def lone_first(self, groups: list[Value], bound: Sequence[Node]) -> tuple[list[Value], list[Node]]:
        """The sums over indices of one factor alone taken before the product: einsum would run over all axes at once."""
        lone = [i for i in bound if sum(i in g.axes for g in groups) == 1]
        summed = [self.along(g, own, "sum") if (own := [i for i in lone if i in g.axes]) else g for g in groups]
        return summed, [i for i in bound if i not in lone]

    def gram(self, groups: list[Value], bound: Sequence[Node], scope: tuple[Node, ...]) -> Value | None:
        """X' diag(d) Y over samples: by halves where Y is X."""
        sides, weights = [g for g in groups if len(g.axes) == 2], [g for g in groups if len(g.axes) == 1]
        if len(groups) != 3 or len(sides) != 2 or len(bound) != 1 or weights[0].axes != tuple(bound):
            return None
        (n,) = bound
        if not all(n in g.axes for g in sides):
            return None
        sides.sort(key=lambda g: scope.index(next(i for i in g.axes if i is not n)))
        x, y = (self.counted(self.aligned(g, [n, *(i for i in g.axes if i is not n)])) for g in sides)
        d = self.counted(weights[0])
        if x.code == y.code:
            return Value(self.array("gram", x.code if "{0}," in self.dialect.array["gram"] else x.at(ATOM), d.at(UNARY)), (x.axes[1], y.axes[1]))
        return Value(f"({x.at(ATOM)}.T*{d.at(UNARY)}) @ {y.at(UNARY)}", (x.axes[1], y.axes[1]), TIMES)

    def chain(self, groups: list[Value], bound: Sequence[Node], scope: tuple[Node, ...]) -> Value | None:
        """Matrices in a row, multiplied in the order that takes least."""
        if any(len(g.axes) != 2 for g in groups) or any(sum(i in g.axes for g in groups) != 2 for i in bound):
            return None
        ends = [i for i in scope if i not in bound and sum(i in g.axes for g in groups) == 1]
        if len(ends) != 2 or len({i for g in groups for i in g.axes}) != len(bound) + 2:
            return None
        at, left, row = ends[0], list(groups), []
        while left:
            g = next((g for g in left if at in g.axes), None)
            if g is None:
                return None
            left.remove(g)
            other = next(i for i in g.axes if i is not at)
            row.append(self.counted(self.aligned(g, [at, other])).code)
            at = other
        return Value(self.array("chain", ", ".join(row)), tuple(ends))

    def matmul(self, a: Value, b: Value, bound: Sequence[Node], scope: tuple[Node, ...]) -> Value | None:
        """a @ b over their one common index, which is bound; the result in the order of the scope."""
        common = set(a.axes) & set(b.axes)
        if len(common) != 1 or common != set(bound) or max(len(a.axes), len(b.axes)) > 2:
            return None
        k = next(iter(common))
        left, right = [i for i in a.axes if i is not k], [i for i in b.axes if i is not k]
        if left and right and scope.index(left[0]) > scope.index(right[0]):
            a, b, left, right = b, a, right, left
        if not left and right:  # a matrix times a vector, not a vector times a matrix
            a, b, left, right = b, a, right, left
        straight = a.axes[1:] == (k,) and b.axes[:1] == (k,)
        if straight and a.code in self.tall and b.code in self.params and left and right:
            return Value(f"({b.code}.T @ {a.code}.T).T", (*left, *right))
        x, y = self.aligned(a, [*left, k]), self.aligned(b, [k, *right])
        x, y = self.counted(x), self.counted(y)
        if self.dialect.flipped and a.code in self.tall and a.axes[:1] == (k,) and left and right:
            return Value(f"({y.at(ATOM)}.T @ {a.code}).T", (*left, *right))
        return Value(f"{x.at(UNARY)} @ {y.at(UNARY)}", (*left, *right), TIMES)

    def einsum(self, groups: list[Value], bound: Sequence[Node], scope: tuple[Node, ...]) -> Value:
        axes = tuple(i for i in scope if i not in bound and any(i in g.axes for g in groups))
        letters = {i: LETTERS[p] for p, i in enumerate(dict.fromkeys(i for g in groups for i in g.axes))}
        inputs = ",".join("".join(letters[i] for i in g.axes) for g in groups)
        output = "".join(letters[i] for i in axes)
        shown = ", ".join(self.counted(g).code for g in groups)
        return Value(self.array("einsum", f"{inputs}->{output}", shown), axes)

    def scatter_add(
        self, hit: tuple[Node, Node, Node], bound: Sequence[Node], body: Node, scope: tuple[Node, ...]
    ) -> Value:
        """`sum[n] [i = u[n]]*f[n,...]`: rows added up by label."""
        b, i, label = hit
        n = next(iter(label.free))
        rest = mul(*(x for x in factors(body) if x is not b))
        inner = (n, *(m for m in scope if m is not n))
        others = [m for m in bound if m is not n]
        v = self.contraction(others, rest, inner) if others else self.value(rest, inner)
        axes = (n, *(j for j in v.axes if j is not n))
        shown = self.full(v, axes)
        return Value(
            f"_scatter_add({shown}, {self.position(label, scope).code}, {self.size(i.attr[1])})", (i, *axes[1:])
        )


def factors(f: Node) -> tuple[Node, ...]:
    if is_num(f, 1):
        return ()
    return f.args if f.op == "mul" else (f,)


def quotient(f: Node) -> tuple[Node, Node]:
    """Numerator and denominator of a product."""
    top, bottom = [], []
    for x in factors(f):
        if x.op == "pow" and x.args[1].op == "num" and x.args[1].attr < 0:
            bottom.append(pow_(x.args[0], num(-x.args[1].attr)))
        elif x.op == "num" and isinstance(x.attr, Fraction) and abs(x.attr.numerator) == 1:
            bottom.append(num(x.attr.denominator))
            top += [] if x.attr > 0 else [num(-1)]
        else:
            top.append(x)
    return mul(*top), mul(*bottom)


def scattered(bound: Sequence[Node], body: Node) -> tuple[Node, Node, Node] | None:
    """(bracket, i, label) where the body holds [i = u[n]] with n bound and i not."""
    for b in factors(body):
        if b.op == "br" and b.args[0].attr == "=":
            i, label = b.args[0].args
            if (
                i.op == "idx"
                and i not in bound
                and label.op == "el"
                and len(label.free) == 1
                and label.free <= set(bound)
            ):
                others = [x for x in factors(body) if x is not b]
                if not any(i in x.free for x in others):
                    return b, i, label
    return None
