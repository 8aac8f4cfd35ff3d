"""Shorter forms of nodes: equal parts cancelled, common factors taken out, signs put where they read well.

Glossary   f: an expression; c: the exact number in front of a term; bases: the factors of a term with their exponents.
A product is multiplied out only where the result is shorter.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import gcd, lcm

from ..core.affine import ONE, minus, nonnegative, scaled
from ..core.node import ONE as ONE_
from ..core.node import (
    ZERO,
    Node,
    Number,
    add,
    bracket,
    coefficient,
    facts_of,
    is_integer,
    is_num,
    make,
    mul,
    neg,
    negated,
    num,
    open_,
    order,
    pow_,
    substitute,
    sum_,
    transform,
    walk,
)
from ..rewrite.collapse import contract, merge

MOST_EXPANDED = 48
MOST_SUMS = 4  # in a product that may be multiplied out
MOST_DENOMINATOR = 10_000


def tidy(f: Node) -> Node:
    """The same value, written shorter where one of the rules of this file makes it so."""
    return transform(contract(f), _step)


def _step(f: Node) -> Node | None:
    if f.term:  # arithmetic in an index keeps its one form
        return None
    if f.op == "add":
        return signed(factored(grouped(shorter(opposed(merge(f))))))
    if f.op == "red" and f.attr[0] == "sum":
        return parted(f)
    if f.op == "mul":
        return signed(factored(shorter(trimmed(given(differing(agreeing(f)))))))
    return None


def parted(f: Node) -> Node:
    """A sum whose terms do not all depend on its index, term by term where that is shorter: `sum[i] (z[i] - m)`
    with m the mean of z is 0; or where that parts what runs along it from what does not: `sum[j] (x[i] - x[j])`."""
    bound, body, _ = open_(f)
    if body.op != "add" or all(a.free.intersection(bound) for a in body.args):
        return f
    apart = factored(add(*(sum_(bound, a) for a in body.args)))
    parts = f.free and all(a.free <= frozenset(bound) or not a.free.intersection(bound) for a in body.args)
    return apart if parts or cost(apart) < cost(f) else f


def opposed(f: Node) -> Node:
    """Terms that are alike but for the signs inside them, collected: `sum[j] (x[i] - x[j]) - sum[j] (x[j] - x[i])`."""
    if f.op != "add" or not any(g.op in ("red", "mul") for g in f.args):
        return f
    found: dict[Node, list[tuple[Number, Number, Node]]] = {}
    for t in f.args:
        c, rest = coefficient(t)
        sign, key = coefficient(canonical(rest))
        found.setdefault(key, []).append((c * sign, sign, rest))
    if len(found) == len(f.args):
        return f
    return add(*(mul(num(sum(c for c, _, _ in same)), num(same[0][1]), same[0][2]) for same in found.values()))


def canonical(f: Node) -> Node:
    """`f` with every sum that is a factor written with its first term positive, the sign taken out."""

    def step(g: Node) -> Node | None:
        if g.op == "add" and min(map(coefficient, g.args), key=lambda t: order(t[1]))[0] < 0:
            return make("mul", (num(-1), neg_sum(g)))
        if g.op == "pow" and is_integer(g.args[1]):
            c, base = coefficient(g.args[0])
            return mul(num(Fraction(c) ** g.args[1].attr), pow_(base, g.args[1])) if c == -1 else None
        return None

    return transform(f, step)


def guards(t: Node) -> tuple[Node, ...]:
    """The brackets of a product that say for which values of its indices it counts: `[j >= 1]`, `[i >= j]`."""
    return tuple(x for x in (t.args if t.op == "mul" else (t,)) if guards_range(x))


def guards_range(x: Node) -> bool:
    return x.op == "br" and x.args[0].attr not in ("=", "!=") and all(a.term for a in x.args[0].args)


def grouped(f: Node) -> Node:
    """Terms that count for the same values of the indices, together: `[j >= 1]*(x[j] - x[j-1]) + [j < n-1]*(...)`."""
    if f.op != "add":
        return f
    groups: dict[frozenset[Node], list[Node]] = {}
    for t in f.args:
        groups.setdefault(frozenset(guards(t)), []).append(t)
    if len(groups) < 2 or all(len(g) == 1 for g in groups.values()) :
        return f
    return add(*(mul(*held, factored(add(*(without(t, held) for t in ts)))) for held, ts in groups.items()))


def without(t: Node, held: frozenset[Node]) -> Node:
    return mul(*(x for x in (t.args if t.op == "mul" else (t,)) if x not in held))


def trimmed(f: Node) -> Node:
    """A product without the brackets that follow from its others, 0 where they exclude each other."""
    held = guards(f)
    if len(held) < 2:
        return f
    kept = list(held)
    for b in held:
        others = [p for x in kept if x is not b for p in facts_of(x.args[0])]
        (own,) = facts_of(b.args[0])
        if nonnegative(minus(scaled(own, -1), ONE), others):
            return ZERO
        if nonnegative(own, [p for x in kept if x is not b and x.free <= b.free for p in facts_of(x.args[0])]):
            kept.remove(b)
    return f if len(kept) == len(held) else mul(*kept, without(f, frozenset(held)))


def given(f: Node) -> Node:
    """Beside a bracket that says where a product counts, the same bracket inside another factor is 1, its opposite 0:
    `[i < m]*cos([i < m]*x[i] + [i >= m]*y[i-m])` is `[i < m]*cos(x[i])`."""
    for b in guards(f) if f.op == "mul" else ():
        known = {b: ONE_, bracket(negated(b.args[0])): ZERO}
        others = [x for x in f.args if x is not b]
        new = [transform(x, known.get) if x.op != "br" and any(g in known for g in walk(x)) else x for x in others]
        if any(a is not c for a, c in zip(new, others, strict=True)):
            return given(mul(b, *new))
    return f


def agreeing(f: Node) -> Node:
    """Under a bracket its two sides are the same: `[k = y]*p[k]` is `[k = y]*p[y]`."""
    for b in f.args if f.op == "mul" else ():
        if b.op == "br" and b.args[0].attr == "=":
            i, value = b.args[0].args
            others = [x for x in f.args if x is not b]
            place = value.term or (value.op == "el" and i.op == "idx" and i.attr[1].op != "add")
            index = place or not any(g.op == "el" and i in g.free for x in others for g in walk(x))
            if i.op == "idx" and i not in value.free and index and any(i in x.free for x in others):
                return agreeing(mul(b, *(substitute(x, {i: value}) for x in others)))
    return f


def differing(f: Node) -> Node:
    """Without a bracket that leaves out only what is 0: `[i != j]*(x[i] - x[j])` is `x[i] - x[j]`."""
    for b in f.args if f.op == "mul" else ():
        if b.op == "br" and b.args[0].attr == "!=" and all(a.op == "idx" for a in b.args[0].args):
            i, j = b.args[0].args
            rest = mul(*(x for x in f.args if x is not b))
            if i.attr[1] is j.attr[1] and polynomial(rest) and substitute(rest, {i: j}) is ZERO:
                return differing(rest)
    return f


def polynomial(f: Node) -> bool:
    """Finite wherever its arrays are, by its form."""
    if f.op in ("num", "size", "el"):
        return True
    if f.op == "pow":
        return is_integer(f.args[1]) and f.args[1].attr > 0 and polynomial(f.args[0])
    return f.op in ("add", "mul") and all(map(polynomial, f.args))


def cost(f: Node) -> int:
    """What a reader has to read: arrays, functions and operations; indices are free."""
    if f.op in ("idx", "num", "size", "const", "el"):
        return 0 if is_num(f, 1) or is_num(f, -1) else 1
    return 1 + sum(cost(a) for a in f.args)


def shorter(f: Node) -> Node:
    """Multiplied out, wholly or over one of its sums, when that is shorter: `-y*(1-s) + (1-y)*s` is `s - y`."""
    terms = f.args if f.op == "add" else (f,)
    if len(terms) > MOST_EXPANDED or not any(_has_sum(t) for t in terms):
        return f
    if any(sum(a.op == "add" for a in t.args) > MOST_SUMS for t in terms if t.op == "mul"):
        return f
    parts = [expanded(t) for t in terms]
    ways = [[x for p in parts for x in p]] if sum(len(p) for p in parts) <= MOST_EXPANDED else []
    ways += [over_one(f, a) for a in f.args if a.op == "add"] if f.op == "mul" else []
    best = min((factored(merge(add(*way))) for way in ways), key=cost, default=f)
    return best if cost(best) < cost(f) else f


def over_one(f: Node, a: Node) -> list[Node]:
    """A product multiplied out over one of its sums; a factor that a term divides by cancels there."""
    others = [x for x in f.args if x is not a]
    return [agreeing(mul(x, *others)) for x in a.args]


def _has_sum(t: Node) -> bool:
    return t.op == "mul" and any(a.op == "add" for a in t.args)


def expanded(t: Node) -> list[Node]:
    """The terms of a product of sums."""
    if t.op != "mul":
        return [t]
    terms = [mul(*(a for a in t.args if a.op != "add"))]
    for a in t.args:
        if a.op == "add":
            terms = [agreeing(mul(x, b)) for x in terms for b in a.args]
            if len(terms) > MOST_EXPANDED:
                return [t]
    return terms


def factored(f: Node) -> Node:
    """The factors that all terms share, taken out: `(a - b)/N`, `2*(x + y)`."""
    if f.op != "add":
        return f
    parts = [coefficient(t) for t in f.args]
    shared = _shared([_bases(rest) for _, rest in parts])
    diagonal = frozenset(i for t in f.args for i in _on_diagonal(t))
    shared = {b: e for b, e in shared.items() if not b.free & diagonal}
    held = [frozenset(guards(t)) for t in f.args]
    apart = frozenset(i for h in held if h != held[0] for b in h ^ held[0] for i in b.free)
    shared = {b: e for b, e in shared.items() if not b.free & apart}  # what a bracket keeps in range stays beside it
    c = _content([c for c, _ in parts])
    if not shared and c == 1:
        return f
    out = [pow_(b, num(e)) for b, e in shared.items()]
    inverse = mul(num(Fraction(1) / Fraction(c)), *(pow_(x, num(-1)) for x in out))
    return mul(num(c), *out, add(*(mul(t, inverse) for t in f.args)))


def _on_diagonal(t: Node) -> tuple[Node, ...]:
    """The indices of a bracket [i = j]: `[i = j]*p[i] - p[i]*p[j]` reads as diag(p) - p*p', not with p taken out."""
    for x in t.args if t.op == "mul" else (t,):
        if x.op == "br" and x.args[0].attr == "=" and all(i.op == "idx" for i in x.args[0].args):
            return x.args[0].args
    return ()


def _bases(f: Node) -> dict[Node, Number]:
    found: dict[Node, Number] = {}
    for a in f.args if f.op == "mul" else (f,):
        if a.op == "pow" and is_integer(a.args[1]):
            found[a.args[0]] = a.args[1].attr
        elif not is_num(a):
            found[a] = 1
    return found


def _shared(terms: list[dict[Node, Number]]) -> dict[Node, Number]:
    first, *others = terms
    shared = {}
    for base, e in first.items():
        exponents = [e, *(t.get(base, 0) for t in others)]
        if all(x > 0 for x in exponents):
            shared[base] = min(exponents)
        elif all(x < 0 for x in exponents):
            shared[base] = max(exponents)
    return shared


def _content(numbers: list[Number]) -> Number:
    """The number to take out of a sum: a common divisor, a common denominator, the sign when all are negative."""
    sign = -1 if all(c < 0 for c in numbers) else 1
    exact = [Fraction(c) for c in numbers]
    bottom = reduce(lcm, (c.denominator for c in exact))
    if bottom > MOST_DENOMINATOR:
        return sign
    top = reduce(gcd, (abs(c.numerator * (bottom // c.denominator)) for c in exact))
    if bottom > 1 and any(c.denominator == 1 for c in exact):
        return sign
    value = sign * Fraction(top, bottom)
    return value.numerator if value.denominator == 1 else value


def signed(f: Node) -> Node:
    """A minus in front of a product goes into a difference: `-(1 - s)*x` is `(s - 1)*x`."""
    if f.op != "mul":
        return f
    c, _ = coefficient(f)
    if c >= 0:
        return f
    for a in f.args:
        if a.op == "add" and any(coefficient(t)[0] < 0 for t in a.args):
            others = [x for x in f.args[1:] if x is not a]
            return mul(num(-c), *others, neg_sum(a))
    return f


def neg_sum(a: Node) -> Node:
    return add(*(neg(t) for t in a.args))
