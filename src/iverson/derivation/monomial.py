"""Products of written matrices in normal form: a number, scalars with exponents, and a chain that does not commute.

Glossary   c: the exact number; scalars: base to exponent; chain: matrix factors from left to right.
`a*inv(a*X)'` is 1*inv(X)', `inv(X)*X` is nothing, `X*X*X` is X^3, `S'` is S where S is symmetric.
Sums stay one factor each; what is done with sums is in combine.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ..lang.ops import OPS
from ..lang.surface import Surface, call, number
from .extent import SCALAR, Extents
from .lift import number_parts, product
from .polish import is_identity

HALF = Fraction(1, 2)
MOST_POWER = 16


@dataclass(frozen=True)
class Term:
    """`c * product of scalars * chain`."""

    c: Fraction = Fraction(1)
    scalars: Mapping[Surface, Fraction] = field(default_factory=dict)
    chain: tuple[Surface, ...] = ()

    @property
    def key(self) -> tuple[frozenset[tuple[Surface, Fraction]], tuple[Surface, ...]]:
        """What two like terms have in common."""
        return frozenset(self.scalars.items()), self.chain

    def times(self, c: Fraction | int) -> Term:
        return Term(self.c * c, self.scalars, self.chain)

    def to(self, e: Fraction) -> Term:
        """The power of a term that is a scalar; `e` is an integer, or the term is one base."""
        return Term(self.c ** int(e) if self.c != 1 else self.c, {b: x * e for b, x in self.scalars.items()})


def join(a: Term, b: Term) -> Term:
    """The product of two terms, in this order."""
    scalars = dict(a.scalars)
    for base, e in b.scalars.items():
        scalars[base] = scalars.get(base, Fraction(0)) + e
    return Term(a.c * b.c, {s: e for s, e in scalars.items() if e}, a.chain + b.chain)


class Monomials:
    """Products over arrays whose extents are known; `place` gives the position of an array in the user's text."""

    def __init__(self, extents: Extents, place: Mapping[str, int]) -> None:
        self.extents, self.place = extents, place
        self.used: list[tuple[str, Surface]] | None = None  # rules that were used, where somebody asks
        self.memo: dict[Surface, Term] = {}

    def note(self, rule: str, x: Surface) -> None:
        if self.used is not None:
            self.used.append((rule, x))

    # -- reading ---------------------------------------------------------------------------------------------

    def term(self, t: Surface) -> Term:
        """A tree that is no sum as a term, reduced."""
        if t not in self.memo or self.used is not None:
            handler = READ.get(t.op)
            found = handler(self, t) if handler else None
            self.memo[t] = self.atom(t) if found is None else self.declared(found)
        return self.memo[t]

    def declared(self, t: Term) -> Term:
        """`K'` in a chain is -K where K is declared skew."""
        turned = [x.op == "transpose" and "skew" in self.extents.facts.get(x.args[0].attr, ()) for x in t.chain]
        if not any(turned):
            return t
        chain = tuple(bare(x) if flip else x for x, flip in zip(t.chain, turned, strict=True))
        return Term(t.c * (-1) ** sum(turned), t.scalars, chain)

    def atom(self, t: Surface) -> Term:
        return Term(scalars={t: Fraction(1)}) if self.extents.of(t) == SCALAR else Term(chain=(t,))

    def _num(self, t: Surface) -> Term:
        return Term(Fraction(t.attr))

    def _neg(self, t: Surface) -> Term:
        return self.term(t.args[0]).times(-1)

    def _mul(self, t: Surface) -> Term:
        return self.whole(join(self.term(t.args[0]), self.term(t.args[1])), t)

    def _div(self, t: Surface) -> Term | None:
        a, b = map(self.term, t.args)
        if b.chain or (b.c != 1 and b.c.numerator == 0):
            return None
        return join(a, b.to(Fraction(-1)))

    def _transpose(self, t: Surface) -> Term | None:
        inner = self.term(t.args[0])
        if inner.chain == (t.args[0],):
            turned = self.turned(t.args[0])
            return None if turned == t else Term(chain=(turned,))
        return Term(inner.c, inner.scalars, tuple(self.turned(x) for x in reversed(inner.chain)))

    def _pow(self, t: Surface) -> Term | None:
        base, e = t.args[0], exact(t.args[1])
        if e is None:
            return None
        if self.extents.of(base) != SCALAR:
            if e.denominator != 1 or not 0 < abs(e) <= MOST_POWER or not self.extents.square(base):
                return None
            inner = self.term(base if e > 0 else call("inv", base))
            whole = Term()
            for _ in range(abs(int(e))):
                whole = join(whole, inner)
            return Term(whole.c, whole.scalars, self.reduced(whole.chain))
        inner = self.term(base)
        if e.denominator == 1 or (inner.c == 1 and list(inner.scalars.values()) == [1]):
            return inner.to(e)
        return Term(scalars={base: e})

    def _call(self, t: Surface) -> Term | None:
        name = OPS[t.attr].name if t.attr in OPS else t.attr
        handler = CALLS.get(name)
        return handler(self, t) if handler and len(t.args) == 1 else None

    def _sqrt(self, t: Surface) -> Term | None:
        if self.extents.of(t) != SCALAR:
            return None
        inner = self.term(t.args[0])
        plain = inner.c == 1 and list(inner.scalars.values()) == [1]
        return Term(scalars={next(iter(inner.scalars)) if plain else t.args[0]: HALF})

    def _inv(self, t: Surface) -> Term | None:
        inner = self.term(t.args[0])
        chain = tuple(self.inverse(x) for x in reversed(inner.chain)) if len(inner.chain) == 1 else (
            call("inv", product(inner.chain)),)
        if not inner.scalars and inner.c == 1 and chain == (t,):
            return None
        return join(Term(inner.c, inner.scalars).to(Fraction(-1)), Term(chain=self.reduced(chain)))

    def inverse(self, x: Surface) -> Surface:
        """The inverse of one square factor."""
        if x.op == "transpose":
            return self.turned(self.inverse(x.args[0]))
        if is_call(x, "inv"):
            return x.args[0]
        return x if is_call(x, "eye") else call("inv", x)

    def _det(self, t: Surface) -> Term | None:
        """The determinant of a product of square matrices is a product of determinants."""
        inner = self.term(t.args[0])
        if inner.c != 1 or inner.scalars or not all(map(self.extents.square, inner.chain)):
            return None
        found = Term()
        for x in inner.chain:
            bare = x.args[0] if x.op == "transpose" else x
            inverse = is_call(bare, "inv")
            base = call("det", bare.args[0] if inverse else bare)
            found = join(found, Term(scalars={base: Fraction(-1 if inverse else 1)}))
        if found.scalars == {t: 1}:
            return None
        self.note("det-of-product", t)
        return found

    def _tr(self, t: Surface) -> Term | None:
        inner = self.term(t.args[0])
        return None if inner.chain == (t.args[0],) else self.trace(inner)

    def trace(self, inner: Term) -> Term:
        """The trace of a product, turned round until it is shortest."""
        chain = inner.chain
        while len(chain) > 1:
            turned = self.reduced(chain[1:] + chain[:1])
            if len(turned) >= len(chain):
                break
            chain = turned
        front = Term(inner.c, inner.scalars)
        if len(chain) == 1 and is_call(chain[0], "eye"):
            return join(front, self.atom(chain[0].args[0]) if chain[0].args[0].op != "num" else self.term(chain[0].args[0]))
        starts = [p for p, x in enumerate(chain) if self.row(x)]
        if starts:  # tr(x*y') is y'*x
            p = starts[0]
            return join(front, self.whole(Term(chain=chain[p:] + chain[:p])))
        best = min(self.rotations(chain), key=lambda c: (transposes(c), self.rank(c)))
        return join(front, Term(scalars={call("tr", product(powers(best))): Fraction(1)}))

    def rotations(self, chain: tuple[Surface, ...]) -> list[tuple[Surface, ...]]:
        """The products with the same trace."""
        back = tuple(self.turned(x) for x in reversed(chain))
        return [c[p:] + c[:p] for c in (chain, back) for p in range(len(c))]

    def _total(self, t: Surface) -> Term | None:
        """sum of a product: scalars out, `sum(diagonal(A))` is tr(A), `sum(A*ones(n))` is sum(A)."""
        inner = self.term(t.args[0])
        chain = inner.chain
        front = Term(inner.c, inner.scalars)
        if not chain:
            return None
        if len(chain) == 1 and is_call(chain[0], "diag") and self.extents.rank(chain[0].args[0]) == 2:
            return join(front, self.trace(self.term(chain[0].args[0])))
        if len(chain) == 1 and chain[0].op == "emul":
            a, b = chain[0].args
            one = next(((x, y) for x, y in ((a, b), (b, a)) if x.op == "transpose" and y.op != "transpose"), None)
            if one is not None and self.extents.rank(b) == self.extents.rank(a) == 2:  # sum(A'.*B) is tr(A*B)
                return join(front, self.trace(self.term(Surface("mul", (one[0].args[0], one[1])))))
        while len(chain) > 1 and is_ones(chain[-1], 1):
            chain = chain[:-1]
        while len(chain) > 1 and chain[0].op == "transpose" and is_ones(chain[0].args[0], 1):
            chain = chain[1:]
        if len(chain) == 1 and chain[0].op == "transpose":
            chain = (chain[0].args[0],)
        p = next((p for p in range(1, len(chain)) if self.row(chain[p])), None)
        if p is not None:  # an outer product
            parts = (self.term(call("sum", product(c))) for c in (chain[:p], chain[p:]))
            return join(front, join(*parts))
        if len(chain) == 1 and is_call(chain[0], "ones"):
            sizes = [self.term(a) for a in chain[0].args]
            return join(front, sizes[0] if len(sizes) == 1 else join(*sizes))
        return join(front, Term(scalars={call("sum", product(chain)): Fraction(1)}))

    def _diag(self, t: Surface) -> Term | None:
        inner = self.term(t.args[0])
        if self.extents.rank(t.args[0]) != 1:
            if self.extents.rank(t.args[0]) == 2 and (inner.c != 1 or inner.scalars or inner.chain != (t.args[0],)):
                return Term(inner.c, inner.scalars, (self.diagonal(inner.chain),))
            return None
        chain = inner.chain
        column = product(chain) if self.extents.of(product(chain))[0] is not None else self.turned_product(chain)
        if is_ones(column, 1):
            return Term(inner.c, inner.scalars, (call("eye", column.args[0]),))
        return Term(inner.c, inner.scalars, (call("diag", column),))

    def diagonal(self, chain: tuple[Surface, ...]) -> Surface:
        whole = product(chain)
        if whole.op == "transpose":
            whole = whole.args[0]
        return call("diag", whole)

    def _emul(self, t: Surface) -> Term | None:
        """Elementwise products: scalars out, equal factors as powers, in the order of the text."""
        front, over, under = self.entries(t)
        whole = self.extents.of(t)
        kept = {x: e for x, e in over.items() if not all_ones(x)}
        if not any(self.extents.of(x) == whole for x in kept):
            kept = over
        outer = self._outer_hadamard(kept, under)
        if outer is not None:
            return join(front, outer)
        trees = [powered(x, e) for x, e in sorted(kept.items(), key=self.entry_rank)]
        if not trees and not front.scalars:
            trees, front = [number(abs(front.c))], Term(Fraction(1 if front.c > 0 else -1))
        tree = trees[0] if trees else number(1)
        for x in trees[1:]:
            tree = Surface("emul", (tree, x))
        if under:
            below = [powered(x, e) for x, e in sorted(under.items(), key=self.entry_rank)]
            bottom = below[0]
            for x in below[1:]:
                bottom = Surface("emul", (bottom, x))
            tree = Surface("ediv", (tree, bottom))
        if tree == t:
            return None if front == Term() else join(front, self.atom(tree))
        return join(front, self.atom(tree))

    _ediv = _emul

    def _outer_hadamard(self, over: Mapping[Surface, Fraction], under: Mapping[Surface, Fraction]) -> Term | None:
        """`(x*y').*A` is diag(x)*A*diag(y)."""
        chains = [(x, self.term(x).chain) for x in over]
        outer = next(((x, c) for x, c in chains if len(c) == 2 and self.column(c[0]) and self.row(c[1])), None)
        if outer is None or len(over) != 2 or under or over[outer[0]] != 1 or self.term(outer[0]).scalars:
            return None
        other = next(x for x in over if x != outer[0])
        if self.extents.rank(other) != 2 or over[other] != 1:
            return None
        left, right = outer[1]
        ends = [() if is_ones(v, 1) else (call("diag", v),) for v in (left, self.turned(right))]
        return Term(self.term(outer[0]).c, {}, (*ends[0], other, *ends[1]))

    def entries(self, t: Surface) -> tuple[Term, dict[Surface, Fraction], dict[Surface, Fraction]]:
        """(scalars in front, factors, divisors) of an elementwise product."""
        front = Term()
        over: dict[Surface, Fraction] = {}
        under: dict[Surface, Fraction] = {}
        stack = [(t, 1)]
        while stack:
            x, side = stack.pop()
            if x.op in ("emul", "ediv"):
                stack += [(x.args[1], side if x.op == "emul" else -side), (x.args[0], side)]
                continue
            base, e = (x.args[0], exact(x.args[1])) if x.op == "epow" else (x, Fraction(1))
            if e is None or self.extents.of(x) == SCALAR or (x.op == "epow" and self.term(base).chain != (base,)):
                base, e = x, Fraction(1)
            inner = self.term(base) if x.op != "epow" else self.atom(base)
            if not inner.chain:
                front = join(front, inner.to(Fraction(side)))
                continue
            if e == 1:
                front = join(front, Term(inner.c, inner.scalars).to(Fraction(side)))
                base = product(inner.chain)
            into = over if side > 0 else under
            into[base] = into.get(base, Fraction(0)) + e
        return front, over, under

    # -- chains ----------------------------------------------------------------------------------------------

    def whole(self, t: Term, tree: Surface | None = None) -> Term:
        """A term with its chain reduced, and what is a scalar in it among the scalars."""
        chain, front = self.reduced(t.chain), Term(t.c, t.scalars)
        while True:
            found = self.inner(chain)
            if found is None:
                break
            a, b = found
            front = join(front, self.scalar(chain[a:b]))
            chain = chain[:a] + chain[b:]
        return join(front, self.opposites(chain))

    def opposites(self, chain: tuple[Surface, ...]) -> Term:
        """`(u - s)*(s - u)'` is -(s - u)*(s - u)'."""
        sums = [p for p, x in enumerate(chain) if bare(x).op == "add"]
        for a in sums:
            for b in sums:
                if a != b and negative(bare(chain[a])) == bare(chain[b]):
                    keep, turn = (a, b) if self.rank((bare(chain[a]).args[0],)) < self.rank((bare(chain[b]).args[0],)) else (b, a)
                    base = bare(chain[keep])
                    new = Surface("transpose", (base,)) if chain[turn].op == "transpose" else base
                    return self.opposites((*chain[:turn], new, *chain[turn + 1 :])).times(-1)
        return Term(chain=chain)

    def inner(self, chain: tuple[Surface, ...]) -> tuple[int, int] | None:
        """The first stretch from a row to a column: a scalar inside a product."""
        for b, x in enumerate(chain):
            if self.column(x):
                a = next((a for a in range(b - 1, -1, -1) if self.row(chain[a])), None)
                if a is not None:
                    return a, b + 1
        return None

    def scalar(self, chain: tuple[Surface, ...]) -> Term:
        """row * ... * column, written the way that reads better."""
        if len(chain) == 2:
            a, b = self.turned(chain[0]), chain[1]
            for ones, other in ((a, b), (b, a)):
                if is_ones(ones, 1):
                    return self.term(call("sum", other))
        back = tuple(self.turned(x) for x in reversed(chain))
        best = min((chain, back), key=lambda c: (transposes(c), self.rank(c)))
        return Term(scalars={product(powers(best)): Fraction(1)})

    def column(self, x: Surface) -> bool:
        rows, cols = self.extents.of(x)
        return rows is not None and cols is None

    def row(self, x: Surface) -> bool:
        rows, cols = self.extents.of(x)
        return rows is None and cols is not None

    def turned(self, x: Surface) -> Surface:
        if is_call(x, "eye") or (is_call(x, "diag") and self.extents.rank(x) == 2):
            return x
        new = self.extents.turned(x)
        if x.op != "transpose" and new == x:
            self.note("symmetric-matrix", x)
        return new

    def turned_product(self, chain: tuple[Surface, ...]) -> Surface:
        return product(tuple(self.turned(x) for x in reversed(chain)))

    def reduced(self, chain: tuple[Surface, ...]) -> tuple[Surface, ...]:
        """Neighbours that cancel or merge, until none does; inverses of products are split where that helps."""
        chain = self._merged(chain)
        for p, x in enumerate(chain):
            split = self.split(x)
            if len(split) > 1:
                other = self._merged(chain[:p] + split + chain[p + 1 :])
                if len(other) < len(chain) + (len(split) > 1) and len(other) <= len(chain):
                    return self.reduced(other)
        return chain

    def _merged(self, chain: tuple[Surface, ...]) -> tuple[Surface, ...]:
        done: list[Surface] = []
        for x in chain:
            y = self.turned(self.turned(x))
            done.append(y)
            while len(done) > 1:
                pair = self.pair(done[-2], done[-1])
                if pair is None:
                    break
                done[-2:] = pair
        if len(done) > 1:
            kept = [x for x in done if not is_call(x, "eye")]
            done = kept or done[:1]
        return tuple(done)

    def pair(self, a: Surface, b: Surface) -> list[Surface] | None:
        """What two neighbours come to; None when they stay."""
        if self.extents.square(a) and self.extents.square(b):
            if self.inverse(a) == b or self.inverse(b) == a:
                return [self.identity(a, b)]
        if self.extents.facts and is_identity(Surface("mul", (a, b)), self.extents.facts):
            return [self.identity(a, b)]
        if is_diagonal(a, self) and is_diagonal(b, self):
            return [call("diag", self.hadamard(a.args[0], b.args[0]))]
        if is_diagonal(a, self) and self.column(b):
            return [self.hadamard(a.args[0], b)]
        if is_diagonal(b, self) and self.row(a):
            return [Surface("transpose", (self.hadamard(self.turned(a), b.args[0]),))]
        return None

    def identity(self, a: Surface, b: Surface) -> Surface:
        """What the product of the two is, as it is written."""
        rows = self.extents.of(a)[0]
        assert rows is not None
        self.note("inverse-cancels", Surface("mul", (a, b)))
        return call("eye", number(rows.attr) if rows.op == "num" else Surface("name", (), rows.attr))

    def hadamard(self, a: Surface, b: Surface) -> Surface:
        """Two columns multiplied elementwise, in normal form where no number comes out."""
        tree = Surface("emul", (a, b))
        t = self.term(tree)
        return t.chain[0] if t.c == 1 and not t.scalars and len(t.chain) == 1 else tree

    def split(self, x: Surface) -> tuple[Surface, ...]:
        """The inverse of a product of square matrices as a product of inverses."""
        bare = x.args[0] if x.op == "transpose" else x
        if not is_call(bare, "inv"):
            return (x,)
        inner = self.term(bare.args[0])
        if len(inner.chain) < 2 or inner.scalars or inner.c != 1 or not all(map(self.extents.square, inner.chain)):
            return (x,)
        self.note("inverse-of-product", bare)
        parts = tuple(self.inverse(y) for y in reversed(inner.chain))
        return tuple(self.turned(y) for y in reversed(parts)) if x.op == "transpose" else parts

    # -- writing ---------------------------------------------------------------------------------------------

    def rank(self, chain: Iterable[Surface]) -> tuple[int, ...]:
        """The order in which factors read best: as their arrays stand in the user's text."""
        return tuple(p for x in chain for p in self.places(x))

    def entry_rank(self, power: tuple[Surface, Fraction]) -> tuple[int, tuple[int, ...]]:
        """Arrays before expressions in an elementwise product."""
        return (0 if bare(power[0]).op == "name" else 1, self.rank((power[0],)))

    def places(self, t: Surface) -> list[int]:
        if t.op == "name":
            return [self.place.get(t.attr, len(self.place))]
        return [p for a in t.args for p in self.places(a)]

    def write(self, t: Term) -> Surface:
        """A term as a tree; the sign stands in front."""
        if t.c < 0:
            return Surface("neg", (self.write(t.times(-1)),))
        top, bottom = number_parts(t.c)
        t = roots(self.means(t))
        above = [closed(powered_scalar(b, e)) for b, e in self.sorted(t.scalars) if e > 0]
        below = [powered_scalar(b, -e) for b, e in self.sorted(t.scalars) if e < 0]
        chain = powers(t.chain)
        front = [number(top)] if top != 1 or not (above or chain) else []
        below = ([number(bottom)] if bottom != 1 else []) + below
        if len(front) + len(above) + len(chain) == 1:
            above = [opened(x) for x in above]
        tree = product((*front, *above, *chain))
        return Surface("div", (tree, product(tuple(below)))) if below else tree

    def means(self, t: Term) -> Term:
        """A sum over the number of its entries is a mean."""
        for total in t.scalars:
            if not is_call(total, "sum") or t.scalars[total] != 1:
                continue
            counts = [Surface("name", (), n.attr) for n in self.extents.of(total.args[0]) if n is not None and n.op == "size"]
            if counts and all(t.scalars.get(n) == -1 for n in counts) and len(set(counts)) == len(counts):
                rest = {s: e for s, e in t.scalars.items() if s not in (total, *counts)}
                return self.means(Term(t.c, {**rest, call("mean", *total.args): Fraction(1)}, t.chain))
        return t

    def sorted(self, scalars: Mapping[Surface, Fraction]) -> list[tuple[Surface, Fraction]]:
        return sorted(scalars.items(), key=lambda p: (p[0].op == "add", scalar_rank(p[0]), self.rank((p[0],)), repr(p[0])))


def transposes(chain: Iterable[Surface]) -> int:
    return sum(x.op == "transpose" for x in chain)


def scalar_rank(t: Surface) -> int:
    """Brackets first, then names and entries, then functions and products of arrays."""
    return {"bracket": 0, "name": 1, "index": 1}.get(t.op, 2)


def powered_scalar(base: Surface, e: Fraction) -> Surface:
    if e == 1:
        return base
    return call("sqrt", base) if e == HALF else Surface("pow", (base, number(e)))


def roots(t: Term) -> Term:
    """Square roots of positive constants under one sign: sqrt(2*pi)."""
    for sign in (HALF, -HALF):
        found = [b for b, e in t.scalars.items() if e == sign and (b.op == "num" or b == Surface("name", (), "pi"))]
        if len(found) > 1:
            rest = {b: e for b, e in t.scalars.items() if b not in found}
            inner = product(tuple(sorted(found, key=lambda b: b.op != "num")))
            t = Term(t.c, {**rest, inner: sign}, t.chain)
    return t


def closed(x: Surface) -> Surface:
    """A scalar that is a product keeps its parentheses before other factors: `(x'*A*x)*x`."""
    return Surface("mul", x.args, "scalar") if x.op == "mul" else x


def opened(x: Surface) -> Surface:
    return Surface("mul", x.args) if x.op == "mul" else x


def powered(x: Surface, e: Fraction) -> Surface:
    if e == 1:
        return x
    return call("sqrt", x) if e == HALF else Surface("epow", (x, number(e)))


def powers(chain: tuple[Surface, ...]) -> tuple[Surface, ...]:
    """Equal neighbours as a power."""
    done: list[tuple[Surface, int]] = []
    for x in chain:
        if done and done[-1][0] == x:
            done[-1] = (x, done[-1][1] + 1)
        else:
            done.append((x, 1))
    return tuple(x if n == 1 else Surface("pow", (x, number(n))) for x, n in done)


def exact(t: Surface) -> Fraction | None:
    """The value of a written number."""
    if t.op == "neg":
        inner = exact(t.args[0])
        return None if inner is None else -inner
    if t.op == "div":
        a, b = map(exact, t.args)
        return None if a is None or b is None or b == 0 else a / b
    return Fraction(t.attr) if t.op == "num" else None


def bare(x: Surface) -> Surface:
    """A factor without its transpose."""
    return x.args[0] if x.op == "transpose" else x


def negative(t: Surface) -> Surface:
    """A sum with every sign turned, in the order in which differences are written: what is positive first."""
    turned = [a.args[0] if a.op == "neg" else Surface("neg", (a,)) for a in t.args]
    return Surface("add", tuple(sorted(turned, key=lambda a: a.op == "neg")))


def is_call(t: Surface, name: str) -> bool:
    return t.op == "call" and t.attr in OPS and OPS[t.attr].name == name


def is_ones(t: Surface, rank: int) -> bool:
    return is_call(t, "ones") and len(t.args) == rank


def all_ones(t: Surface) -> bool:
    return is_call(t, "ones") or (t.op == "transpose" and all_ones(t.args[0])) or (t.op == "num" and t.attr == 1)


def is_diagonal(t: Surface, m: Monomials) -> bool:
    """diag(v), a matrix."""
    return is_call(t, "diag") and m.extents.rank(t.args[0]) == 1


READ = {
    "num": Monomials._num,
    "neg": Monomials._neg,
    "mul": Monomials._mul,
    "div": Monomials._div,
    "transpose": Monomials._transpose,
    "pow": Monomials._pow,
    "emul": Monomials._emul,
    "ediv": Monomials._emul,
    "call": Monomials._call,
}

CALLS = {
    "sqrt": Monomials._sqrt,
    "inv": Monomials._inv,
    "det": Monomials._det,
    "tr": Monomials._tr,
    "sum": Monomials._total,
    "diag": Monomials._diag,
}
