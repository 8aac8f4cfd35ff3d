"""Sums of matrix products in their shortest form: like terms collected, common factors taken out, signs placed.

`A*x + A'*x` is (A + A')*x, `X*S + X*S'` with a symmetric S is 2*X*S.  What a person reads less of is taken; what is
no matrix expression stays as it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, lcm

from ..core.node import Node
from ..lang.surface import Surface, number, walk
from .extent import SCALAR, Extents, NoExtent
from .lift import product
from .monomial import Monomials, Term, bare, is_call, join
from .polish import WORSE, is_identity, rows

LINEAR = ("add", "neg", "mul", "div", "transpose", "pow", "emul", "ediv", "call")
PRODUCTS = ("mul", "div", "neg")
FACTORS = ("mul", "div", "emul", "ediv")
MOST_TERMS = 24
MOST_DENOMINATOR = 10_000
LEAST_SAVED = 4  # parentheses cost a reader too: a flat sum stays flat unless a group is clearly shorter


class Shortest:
    """Shortest forms over arrays known by form, sizes and facts."""

    def __init__(
        self,
        forms: Mapping[str, str],
        dims: Mapping[str, tuple[Node, ...]],
        symmetric: Iterable[str] = (),
        classes: Mapping[str, Node] | None = None,
        place: Mapping[str, int] | None = None,
        facts: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.extents = Extents(forms, dims, symmetric, classes, facts)
        self.monomials = Monomials(self.extents, place or {})
        self.memo: dict[Surface, Surface] = {}
        self.known: set[Surface] = set()

    def recognise(self, trees: Iterable[Surface]) -> None:
        """Remember sums that the text writes: `A*x - b` is then read in an answer, not `b` and `A*x` turned round."""
        for tree in trees:
            new = self.of(tree)
            if new.op == "add":
                self.known.add(new)
        self.memo.clear()
        self.monomials.memo.clear()

    def declare_symmetric(self, name: str, body: Surface) -> None:
        """Remember a name whose matrix is seen to be symmetric."""
        try:
            if self.extents.symmetric(body):
                self.extents.even.add(name)
                self.memo.clear()
                self.monomials.memo.clear()
        except NoExtent:
            pass

    def reasons(self, tree: Surface) -> list[tuple[str, Surface]]:
        """What the shortening of a tree rests on: the rule and the expression it was used on, in order."""
        held, self.memo = self.memo, {}
        used: list[tuple[str, Surface]] = []
        self.monomials.used = used
        self.of(tree)
        self.memo, self.monomials.used = held, None
        seen = set(walk(tree))
        return [
            (rule, x)
            for rule, x in dict.fromkeys(used)
            if rule != "symmetric-matrix" or Surface("transpose", (x,)) in seen
        ]

    def form(self, tree: Surface) -> str:
        """column, row, matrix or scalar; "" where it does not follow."""
        try:
            found = self.extents.of(tree)
        except NoExtent:
            return ""
        return {(False, False): "scalar", (True, False): "column", (False, True): "row", (True, True): "matrix"}[
            (found[0] is not None, found[1] is not None)
        ]

    def of(self, tree: Surface) -> Surface:
        """The shortest form of a tree, leaves first."""
        if tree in self.memo:
            return self.memo[tree]
        new = rows(self.parts(tree), self.form, self.extents.facts)
        if new.op in LINEAR:
            new = self.linear(new)
        self.memo[tree] = self.memo[new] = new
        return new

    def parts(self, tree: Surface) -> Surface:
        """The tree with its parts shortened; a product inside a product is one product and is seen to as a whole."""
        args = tuple(
            self.parts(a)
            if tree.op in PRODUCTS and a.op in PRODUCTS
            else self.numbered(self.of(a))
            if tree.op in FACTORS and a.op == "add"
            else self.of(a)
            for a in tree.args
        )
        return tree if all(a is b for a, b in zip(args, tree.args, strict=True)) else Surface(tree.op, args, tree.attr)

    def numbered(self, tree: Surface) -> Surface:
        """A sum that is a factor, with its common number in front."""
        if tree.op != "add":
            return tree
        try:
            terms = self.terms(tree)
        except NoExtent:
            return tree
        c = content([t.c for t in terms])
        if c == 1:
            return tree
        inner = self.written([t.times(1 / c) for t in terms])
        return self.monomials.write(Term(c, {inner: Fraction(1)}))

    def linear(self, tree: Surface) -> Surface:
        try:
            short = rows(self.sum(self.terms(tree), tree), self.form, self.extents.facts)
        except NoExtent:
            return tree
        return short if short.op == "add" or cost(short) <= cost(tree) + 2 else tree

    # -- terms -----------------------------------------------------------------------------------------------

    def terms(self, tree: Surface) -> list[Term]:
        """The terms of a sum, flat; a sum under a transpose is turned term by term where that is no longer."""
        if tree.op == "add":
            return [t for a in tree.args for t in self.terms(a)]
        if tree.op == "neg":
            return [t.times(-1) for t in self.terms(tree.args[0])]
        if tree.op == "transpose" and tree.args[0].op == "add" and self.uniform(tree.args[0]):
            inner = [self.transposed(t) for t in self.terms(tree.args[0])]
            if cost(self.written(inner)) <= cost(tree) and self.form(tree) == "matrix":
                return inner
        return [x for t in self.opened(self.monomials.term(tree)) for x in self.cancelled(t) if not is_zero(x)]

    def cancelled(self, t: Term) -> list[Term]:
        """A product multiplied out over a sum where what was declared makes that shorter: Q'*(Q*x - y) is x - Q'*y."""
        for p, x in enumerate(t.chain) if self.extents.facts else ():
            if x.op != "add" or not self.uniform(x):
                continue
            left, right = t.chain[:p], t.chain[p + 1 :]
            inside = self.terms(x)
            if any(self.meets(left[-1:], y.chain[:1]) or self.meets(y.chain[-1:], right[:1]) for y in inside):
                whole = collected(
                    self.monomials.whole(join(Term(t.c, t.scalars, left), join(y, Term(chain=right)))) for y in inside
                )
                if not whole or cost(self.written(whole)) <= cost(self.written([t])):
                    return [z for y in whole for z in self.cancelled(y)]
        return [t]

    def meets(self, a: tuple[Surface, ...], b: tuple[Surface, ...]) -> bool:
        """Whether two neighbours are the identity by what was declared."""
        return bool(a and b) and is_identity(Surface("mul", (*a, *b)), self.extents.facts)

    def opened(self, t: Term) -> list[Term]:
        """A number times a sum as its terms; whether the number is taken out again is decided in `common`."""
        if not t.chain and len(t.scalars) == 1:
            (base, e), = t.scalars.items()
            if base.op == "add" and e == 1:
                return [x.times(t.c) for a in base.args for x in self.terms(a)]
        if len(t.chain) != 1 or t.scalars or bare(t.chain[0]).op != "add":
            return [t]
        if t.chain[0].op == "transpose" and not self.uniform(bare(t.chain[0])):
            return [t]
        inner = [x for a in bare(t.chain[0]).args for x in self.terms(a)]
        if t.chain[0].op == "transpose":
            inner = [self.transposed(x) for x in inner]
        return [x.times(t.c) for x in inner]

    def transposed(self, t: Term) -> Term:
        m = self.monomials
        return m.declared(Term(t.c, t.scalars, tuple(m.turned(x) for x in reversed(t.chain))))

    def uniform(self, tree: Surface) -> bool:
        """All terms have the same extent: nothing is broadcast."""
        return len({self.extents.of(a) for a in tree.args}) == 1

    def sum(self, terms: Sequence[Term], tree: Surface) -> Surface:
        """The terms collected, common factors out, as a tree."""
        like = collected(terms)
        if not like:
            return self.zero(tree)
        if len(like) > MOST_TERMS:
            return self.written(like)
        whole = self.extents.of(tree)
        if whole != SCALAR and not self.complete(like, whole):
            made = self.written(like)
            if self.extents.of(made) != whole:  # `A - A + x` reaches further than x
                raise NoExtent
            c = content([t.c for t in like])
            if abs(c) == 1 or len(like) < 2:
                return made
            return self.monomials.write(Term(c, {self.written([t.times(1 / c) for t in like]): Fraction(1)}))
        return self.written(self.factored(like))

    def complete(self, terms: Sequence[Term], whole: tuple[Node | None, Node | None]) -> bool:
        """Every term has the extent of the sum."""
        return all(t.chain and self.extents.of(product(t.chain)) == whole for t in terms)

    def zero(self, tree: Surface) -> Surface:
        rows_, cols = self.extents.of(tree)
        dims = [n for n in (rows_, cols) if n is not None]
        if not dims:
            return number(0)
        trees = tuple(number(n.attr) if n.op == "num" else Surface("name", (), n.attr) for n in dims)
        zeros = Surface("call", trees, "zeros")
        return Surface("transpose", (zeros,)) if rows_ is None else zeros

    # -- common factors --------------------------------------------------------------------------------------

    def factored(self, terms: list[Term]) -> list[Term]:
        """Fewer terms to read: first what all have in common, then what some have."""
        if len(terms) < 2:
            return terms
        best = self.common(terms)
        if best is not None and (cost(self.written(best)) <= cost(self.written(terms)) or self.only_scalars(terms)):
            return best
        return self.some(terms) or terms

    def only_scalars(self, terms: list[Term]) -> bool:
        """Nothing but numbers and scalars in common: that is always taken out."""
        outer, _ = self.shared(terms)
        return outer is not None and not outer[1] and not outer[2]

    def common(self, terms: list[Term]) -> list[Term] | None:
        """The number, scalars, first and last factors of all terms taken out."""
        outer, rest = self.shared(terms)
        if outer is None:
            return None
        front, left, right = outer
        if not front.scalars and not left and not right and not self.plain(front.c, rest):
            return None
        inside = self.factored(collected([x for t in rest for x in self.opened(t)]))
        if not inside:
            return []
        if len(inside) == 1:
            return [self.put(outer, inside[0])]
        tree = self.written(inside)
        if front == Term() and not left and not right:
            return None
        scalar = self.extents.of(tree) == SCALAR
        middle = Term(scalars={tree: Fraction(1)}) if scalar else Term(chain=(tree,))
        return [join(join(front, Term(chain=left)), join(middle, Term(chain=right)))]

    def plain(self, c: Fraction, terms: list[Term]) -> bool:
        """Whether a number alone is taken out: a denominator is, else only before simple terms, `2*(x + y)`."""
        return c.denominator > 1 or all(len(t.chain) + len(t.scalars) < 2 for t in terms)

    def put(self, outer: tuple[Term, tuple[Surface, ...], tuple[Surface, ...]], t: Term) -> Term:
        front, left, right = outer
        return self.monomials.whole(Term(front.c * t.c, join(front, Term(scalars=t.scalars)).scalars, left + t.chain + right))

    def shared(
        self, terms: list[Term]
    ) -> tuple[tuple[Term, tuple[Surface, ...], tuple[Surface, ...]] | None, list[Term]]:
        """((number and scalars, first factors, last factors), what is left of each term)."""
        scalars: dict[Surface, Fraction] = {}
        for base in terms[0].scalars:
            exponents = [t.scalars.get(base, Fraction(0)) for t in terms]
            if all(x > 0 for x in exponents):
                scalars[base] = min(exponents)
            elif all(x < 0 for x in exponents):
                scalars[base] = max(exponents)
        c = content([t.c for t in terms])
        chains = [t.chain for t in terms]
        left = prefix(chains)
        right = prefix([c[len(left) :][::-1] for c in chains])[::-1]
        left, right = self.kept(chains, left, right)
        if c == 1 and not scalars and not left and not right:
            return None, terms
        inverse = Term(scalars={b: -e for b, e in scalars.items()})
        rest = []
        for t in terms:
            inner = join(Term(t.c / c, t.scalars), inverse)
            rest.append(Term(inner.c, inner.scalars, t.chain[len(left) : len(t.chain) - len(right)]))
        return (Term(c, scalars), left, right), rest

    def kept(
        self, chains: Sequence[tuple[Surface, ...]], left: tuple[Surface, ...], right: tuple[Surface, ...]
    ) -> tuple[tuple[Surface, ...], tuple[Surface, ...]]:
        """Common factors only as long as something is left of every chain, unless they are the whole of all."""
        if all(len(c) == len(left) + len(right) for c in chains):
            return left, right
        while any(len(c) <= len(left) + len(right) for c in chains):
            if right:
                right = right[1:]
            elif left:
                left = left[:-1]
            else:
                break
        return left, right

    def some(self, terms: list[Term]) -> list[Term] | None:
        """The group of terms with a first or last factor or with scalars in common that saves the most reading."""
        best: tuple[int, list[Term]] | None = None
        before = cost(self.written(terms))
        for group, least in self.groups(terms):
            found = self.common(group)
            if found is None:
                continue
            made = [*found, *(t for t in terms if t not in group)]
            saved = before - cost(self.written(made))
            if saved >= least and (best is None or saved > best[0]):
                best = saved, made
        return None if best is None else self.factored(best[1])

    def groups(self, terms: list[Term]) -> Iterator[tuple[list[Term], int]]:
        """Some of the terms that may have something in common, and how much reading taking it out must save."""
        for end in (0, -1):
            for key in dict.fromkeys(t.chain[end] for t in terms if len(t.chain) > 1):
                group = [t for t in terms if len(t.chain) > 1 and t.chain[end] == key]
                inside = [t.chain[1:] if end == 0 else t.chain[:-1] for t in group]
                if 1 < len(group) < len(terms):
                    yield group, 1 if all(len(c) < 2 for c in inside) else LEAST_SAVED
        for p, t in enumerate(terms):
            group = [x for x in terms if x.scalars == t.scalars and x.chain]
            if t.scalars and t.chain and 1 < len(group) < len(terms) and terms.index(group[0]) == p:
                yield group, LEAST_SAVED

    # -- writing ---------------------------------------------------------------------------------------------

    def written(self, terms: Sequence[Term]) -> Surface:
        """A sum as a tree: positive terms first, in the order of the text."""
        if len(terms) == 1:
            return self.monomials.write(terms[0])
        trees = [self.monomials.write(t) for t in self.arranged(terms)]
        tree = Surface("add", tuple(trees))
        turned = self.turned(terms, tree) if self.known and tree not in self.known else None
        if turned is not None:
            return turned
        if all(t.chain and self.form(t.chain[0]) == "row" for t in terms):
            rows_ = [self.monomials.write(self.transposed(t)) for t in self.arranged(terms)]
            other = Surface("transpose", (Surface("add", tuple(rows_)),))
            return other if cost(other) <= cost(tree) else tree
        return tree

    def turned(self, terms: Sequence[Term], tree: Surface) -> Surface | None:
        """The sum as the transpose of one that the text writes: `X' - V*U'` is (X - U*V')'."""
        if self.form(tree) != "matrix":
            return None
        other = Surface("add", tuple(map(self.monomials.write, self.arranged([self.transposed(t) for t in terms]))))
        return Surface("transpose", (other,)) if other in self.known else None

    def arranged(self, terms: Sequence[Term]) -> list[Term]:
        lone = not any(t.c > 0 and (t.chain or t.scalars) for t in terms)

        def key(t: Term) -> tuple[object, ...]:
            plain = not t.chain and not t.scalars
            m = self.monomials
            scalars = [p for b, _ in m.sorted(t.scalars) for p in m.places(b)]
            places = (*m.rank(t.chain), *scalars)
            first = tuple(m.places(x)[0] if m.places(x) else 0 for x in t.chain)
            turns = sum(x.op == "transpose" for x in t.chain)
            return (plain and not (lone and t.c > 0), t.c < 0, min(places, default=0), turns, first, places)

        return sorted(terms, key=key)


def is_zero(t: Term) -> bool:
    return any(is_call(bare(x), "zeros") for x in t.chain)


def collected(terms: Iterable[Term]) -> list[Term]:
    """Like terms added."""
    found: dict[object, Term] = {}
    for t in terms:
        old = found.get(t.key)
        found[t.key] = t if old is None else Term(old.c + t.c, t.scalars, t.chain)
    return [t for t in found.values() if t.c]


def prefix(chains: Sequence[tuple[Surface, ...]]) -> tuple[Surface, ...]:
    """The factors with which all chains begin."""
    found: list[Surface] = []
    for column in zip(*chains, strict=False):
        if any(x != column[0] for x in column):
            break
        found.append(column[0])
    return tuple(found)


def content(numbers: Sequence[Fraction]) -> Fraction:
    """The number to take out of a sum: a common divisor or denominator, and the sign when all are negative."""
    sign = -1 if all(c < 0 for c in numbers) else 1
    bottom = reduce(lcm, (c.denominator for c in numbers))
    if bottom > MOST_DENOMINATOR or (bottom > 1 and any(c.denominator == 1 for c in numbers)):
        return Fraction(sign)
    return sign * Fraction(reduce(gcd, (abs(int(c * bottom)) for c in numbers)), bottom)


def cost(tree: Surface) -> int:
    """What a reader has to read."""
    own = 2 if tree.op == "transpose" and tree.args[0].op not in ("name", "call") else 1
    return own + (WORSE.get(tree.attr, 0) if tree.op == "call" else 0) + sum(cost(a) for a in tree.args)
