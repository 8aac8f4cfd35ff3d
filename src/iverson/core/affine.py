"""Index terms as polynomials with integer coefficients in indices and sizes, and what can be proved about their signs.

Glossary   p, q: a polynomial, {monomial: coefficient}; a monomial is a tuple of leaves, index and size nodes.
           fact: a polynomial that is at least 0 wherever the term is read.  An index runs from 0 to its size - 1.
A proof replaces one index after the other by a bound that makes the polynomial smaller, until only sizes are left;
every size is at least 1.  What is not proved is not known: nothing is refuted here.  Knows nodes by their parts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Leaf = Any
Monomial = tuple[Leaf, ...]
Poly = dict[Monomial, Any]
Span = Callable[[Leaf], tuple[Poly, Poly | None]]  # the least and the largest value of an index, None where unknown

ONE: Poly = {(): 1}
MOST_BOUNDS = 6  # indices replaced in one proof
MOST_DEGREE = 4


def polynomial(f: Any) -> Poly | None:
    """A node made of numbers, sizes and indices as a polynomial; None for any other."""
    if f.op == "num":
        return {(): f.attr} if f.attr else {}
    if f.op in ("idx", "size"):
        return {(f,): 1}
    if f.op not in ("add", "mul", "pow") or not f.term:
        return None
    if f.op == "pow":
        base = polynomial(f.args[0])
        return None if base is None else product([base] * f.args[1].attr)
    parts = [polynomial(a) for a in f.args]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    return total(known) if f.op == "add" else product(known)


def total(parts: Sequence[Poly]) -> Poly:
    """The sum of polynomials."""
    found: Poly = {}
    for p in parts:
        for m, c in p.items():
            found[m] = found.get(m, 0) + c
    return {m: c for m, c in found.items() if c}


def scaled(p: Poly, c: Any) -> Poly:
    return {m: c * k for m, k in p.items()} if c else {}


def minus(p: Poly, q: Poly) -> Poly:
    """p - q."""
    return total([p, scaled(q, -1)])


def product(parts: Sequence[Poly]) -> Poly:
    """The product of polynomials."""
    found: Poly = {(): 1}
    for p in parts:
        terms = [
            ({tuple(sorted((*m, *n), key=lambda leaf: leaf.key)): a * b})
            for m, a in found.items()
            for n, b in p.items()
        ]
        found = total(terms)
    return found


def constant(p: Poly) -> Any:
    """The number a polynomial is; None when it holds a leaf."""
    return None if any(p) else p.get((), 0)


def leaves(p: Poly, op: str) -> list[Leaf]:
    """The indices, or the sizes, of a polynomial, each once."""
    return list(dict.fromkeys(leaf for m in p for leaf in m if leaf.op == op))


def split(p: Poly, leaf: Leaf) -> tuple[Poly, Poly] | None:
    """(a, b) with p = a*leaf + b, neither of which holds the leaf; None where p is not linear in it."""
    a: Poly = {}
    b: Poly = {}
    for m, c in p.items():
        n = m.count(leaf)
        if n > 1:
            return None
        if n:
            rest = list(m)
            rest.remove(leaf)
            a[tuple(rest)] = c
        else:
            b[m] = c
    return a, b


def replaced(p: Poly, leaf: Leaf, value: Poly) -> Poly:
    """p with a polynomial in place of a leaf."""
    terms = []
    for m, c in p.items():
        rest = tuple(x for x in m if x is not leaf)
        terms.append(product([{rest: c}, *[value] * (len(m) - len(rest))]))
    return total(terms)


def sign(p: Poly) -> int | None:
    """1 or -1 where all coefficients agree, so that the sign of p is known; 0 for 0."""
    if not p:
        return 0
    if all(c > 0 for c in p.values()):
        return 1
    return -1 if all(c < 0 for c in p.values()) else None


def whole_range(i: Leaf) -> tuple[Poly, Poly | None]:
    """An index runs from 0 to its size - 1."""
    n = polynomial(i.attr[1])
    return {}, None if n is None else minus(n, {(): 1})


def nonnegative(p: Poly, facts: Sequence[Poly] = (), span: Span = whole_range, most: int = MOST_BOUNDS) -> bool:
    """Whether p >= 0 follows from the ranges of its indices, from sizes of at least 1 and from the facts."""
    indices = leaves(p, "idx")
    if not indices:
        return positive_sizes(p) or any(positive_sizes(minus(p, f)) for f in facts if not leaves(f, "idx"))
    if most == 0:
        return False
    facts = [*facts, *occupied(indices, span)]
    return any(nonnegative(q, facts, span, most - 1) for i in indices for q in lowered(p, i, facts, span))


def occupied(indices: Sequence[Leaf], span: Span) -> Iterator[Poly]:
    """An index that has a value has a size of at least 1: for i over n - 1, that n >= 2."""
    for i in indices:
        low, high = span(i)
        if high is not None and (low or len(high) > 2 or high.get((), 0) < -1):
            yield minus(high, low)


def lowered(p: Poly, i: Leaf, facts: Sequence[Poly], span: Span) -> Iterator[Poly]:
    """Polynomials without i, at most as large as p: each bound of i on the side where p is smaller."""
    parts = split(p, i)
    if parts is None:
        return
    a, b = parts
    direction = sign(a)
    if direction is None or direction == 0:
        return
    for bound in bounds(i, direction, facts, span):
        q = total([b, product([a, bound])])
        if all(len(m) <= MOST_DEGREE for m in q):
            yield q


def bounds(i: Leaf, direction: int, facts: Sequence[Poly], span: Span) -> Iterator[Poly]:
    """What i is at least (direction 1) or at most (-1)."""
    low, high = span(i)
    own = low if direction > 0 else high
    if own is not None:
        yield own
    for f in facts:
        parts = split(f, i)
        if parts is not None and constant(parts[0]) == direction:
            yield scaled(parts[1], -direction)


def positive_sizes(p: Poly) -> bool:
    """Whether a polynomial in sizes alone is at least 0 for all sizes of at least 1."""
    for n in leaves(p, "size"):
        p = replaced(p, n, {(): 1, (n,): 1})
    return all(c >= 0 for c in p.values())


def value_of(p: Poly, known: Mapping[str, Any]) -> Any:
    """The value of a polynomial from the values of its sizes and indices by name: whole numbers, or arrays of them."""
    result: Any = 0
    for m, c in p.items():
        part: Any = c
        for leaf in m:
            part = part * known[leaf.attr if leaf.op == "size" else leaf.attr[0]]
        result = result + part
    return result


# -- relations between index terms -----------------------------------------------------------------------------

# what is at least 0 exactly when the relation holds between integers, from the gap between its sides
AT_LEAST: dict[str, Callable[[Poly], Poly]] = {
    ">=": lambda g: g,
    ">": lambda g: minus(g, ONE),
    "<=": lambda g: scaled(g, -1),
    "<": lambda g: minus(scaled(g, -1), ONE),
}


def decided(name: str, gap: Poly) -> bool | None:
    """Whether a relation holds wherever its indices have values; None when it depends on them."""
    if name in ("=", "!="):
        apart = any(nonnegative(minus(g, ONE)) for g in (gap, scaled(gap, -1)))
        return (name == "=") is not apart if apart or not gap else None
    holds = AT_LEAST[name](gap)
    if nonnegative(holds):
        return True
    return False if nonnegative(minus(scaled(holds, -1), ONE)) else None


def solved(gap: Poly, i: Leaf) -> Poly | None:
    """The value of an index that makes the polynomial 0; None where it is not an index term."""
    parts = split(gap, i)
    c = None if parts is None else constant(parts[0])
    return scaled(parts[1], -c) if parts is not None and c in (1, -1) else None


def standard(name: str, gap: Poly) -> tuple[Poly, str, Poly]:
    """A relation in one form of many: `[k = i + 1]`, `[j >= 1]`, `[j < n - 1]`, `[i >= j]`, `[k < j + n]`."""
    return equation(name, gap) if name in ("=", "!=") else inequality(AT_LEAST[name](gap))


def equation(name: str, gap: Poly) -> tuple[Poly, str, Poly]:
    """One index alone on the left, as few minus signs on the right as can be."""
    ways = [(i, v) for i in leaves(gap, "idx") if (v := solved(gap, i)) is not None]
    if ways:
        i, v = min(ways, key=lambda way: (sum(c < 0 for c in way[1].values()), way[0].mask, way[0].names))
        return {(i,): 1}, name, v
    left = {m: c for m, c in gap.items() if c > 0}
    return left, name, minus(left, gap)


def inequality(p: Poly) -> tuple[Poly, str, Poly]:
    """p >= 0 with the indices of a plus sign on one side and the others on the other."""
    rest = {m: c for m, c in p.items() if not any(x.op == "idx" for x in m)}
    up = {m: c for m, c in p.items() if m not in rest and c > 0}
    down = minus(up, minus(p, rest))
    if up and down and rest == {(): -1}:
        return up, ">", down
    if not down or (up and sign(rest) in (0, -1)):
        return up, ">=", minus(down, rest)
    return down, "<", total([up, rest, ONE])


def digits(gap: Poly) -> tuple[Poly, Poly] | None:
    """(p, q) where gap = 0 exactly when p = 0 and q = 0: gap = base*p + q with |q| below the base, `i*n + k = j*n + l`."""
    for base in bases(gap):
        ((m, c),) = base.items()
        over = {rest: d // c for n, d in gap.items() if d % c == 0 and (rest := without(n, m)) is not None and (m or n)}
        under = minus(gap, product([base, over]))
        if over and all(nonnegative(minus(minus(base, ONE), scaled(under, way))) for way in (1, -1)):
            return over, under
    return None


def bases(gap: Poly) -> Iterator[Poly]:
    """What multiplies an index: sizes, or numbers above 1."""
    for m, c in gap.items():
        sizes = tuple(x for x in m if x.op == "size")
        if any(x.op == "idx" for x in m) and (sizes or abs(c) > 1):
            yield {sizes: abs(c)}


def without(m: Monomial, part: Monomial) -> Monomial | None:
    """A monomial divided by another; None where it is not divisible."""
    rest = list(m)
    for leaf in part:
        if leaf not in rest:
            return None
        rest.remove(leaf)
    return tuple(rest)
