"""Where computed index terms read: slices and gathers for them, and sums whose brackets leave a shorter range.

Glossary   window: an index with the range that brackets on it alone leave, `[i >= 1]*[i < n - 1]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from ..core.affine import ONE, Poly, constant, leaves, minus, nonnegative, polynomial, scaled, split, total
from ..core.node import ONE as UNIT
from ..core.node import (
    ZERO,
    Node,
    add,
    bracket,
    facts_of,
    fresh,
    mul,
    of_polynomial,
    open_,
    rel,
    substitute,
    sum_,
    transform,
    walk,
)

Dims = Mapping[str, tuple[Node, ...]]


def on_terms(x: Node) -> bool:
    """A bracket that compares index terms, one that bounds them."""
    return x.op == "br" and x.args[0].attr not in ("=", "!=") and all(a.term for a in x.args[0].args)


def in_range(t: Node, n: Node) -> bool:
    """Whether an index term stays on an axis of size n for all values of its indices; constants were checked at the door."""
    if not t.free or (t.op == "idx" and t.attr[1] is n):
        return True
    p, size = polynomial(t), polynomial(n)
    if p is None or size is None:
        return True
    return nonnegative(p) and nonnegative(minus(minus(size, ONE), p))


def risky(f: Node, dims: Dims) -> bool:
    """Holds a read that only a bracket keeps in range."""
    return any(
        g.op == "el" and not all(in_range(t, n) for t, n in zip(g.args, dims.get(g.attr, ()), strict=False))
        for g in walk(f)
    )


@dataclass(frozen=True)
class Window:
    """The values from `start` on, `size` of them."""

    start: Node
    size: Node


def window(i: Node, held: Iterable[Node]) -> tuple[Window, list[Node]] | None:
    """The range that brackets on one index alone leave it, and those brackets; None where they leave all of it."""
    n = polynomial(i.attr[1])
    assert n is not None
    low: list[Poly] = [{}]
    high: list[Poly] = [n]
    used = []
    for b in held:
        (p,) = facts_of(b.args[0])
        parts = split(p, i) if leaves(p, "idx") == [i] else None
        c = None if parts is None else constant(parts[0])
        if parts is None or c not in (1, -1):
            continue
        (low if c == 1 else high).append(scaled(parts[1], -1) if c == 1 else total([parts[1], ONE]))
        used.append(b)
    a, z = last(low, -1), last(high, 1)
    if not used or a is None or z is None:
        return None
    return Window(of_polynomial(a), of_polynomial(minus(z, a))), used


def last(bounds: Sequence[Poly], direction: int) -> Poly | None:
    """The bound that follows from none of the others."""
    return next((p for p in bounds if all(nonnegative(scaled(minus(q, p), direction)) for q in bounds)), None)


def factors(f: Node) -> tuple[Node, ...]:
    return f.args if f.op == "mul" else (f,)


def shortened(f: Node) -> Node:
    """Every sum over the values alone that the brackets on its index leave: nothing is computed to be thrown away."""

    def step(g: Node) -> Node | None:
        if g.op != "red" or g.attr[0] != "sum":
            return None
        bound, body, _ = open_(g)
        parts = terms(body)
        return add(*(moved_sum(bound, t) for t in (parts if any(on_terms(x) for t in parts for x in factors(t)) else [body])))

    return transform(f, step) if any(on_terms(g) for g in walk(f)) else f


def moved_sum(bound: tuple[Node, ...], f: Node) -> Node:
    """A sum with each of its indices moved where that shortens it."""
    own = []
    for i in bound:
        f, j = moved(f, i)
        own.append(j)
    return sum_(own, f)


def moved(f: Node, i: Node) -> tuple[Node, Node]:
    """A product with its index on a window, from 0 on; as it is where there is none."""
    held = [x for x in factors(f) if on_terms(x)]
    found = window(i, held)
    if found is None:
        return along_term(f, i, held) or (f, i)
    w, used = found
    j = fresh(w.size)
    rest = substitute(mul(*(x for x in factors(f) if x not in used)), {i: add(j, w.start)})
    empty = j not in rest.free and not nonnegative(polynomial(w.size) or {})  # its terms are counted, never fewer than none
    return (mul(bracket(rel(">=", w.size, UNIT)), rest) if empty else rest), j


def along_term(f: Node, i: Node, held: Sequence[Node]) -> tuple[Node, Node] | None:
    """`[k >= i]*[k < i + w]*c[k-i]` as a sum over the w entries of c, where the size of i is made of others."""
    simple = sorted(held, key=lambda x: len(facts_of(x.args[0])[0]))
    for x, y in permutations(simple, 2) if i.attr[1].op == "add" else ():
        (p,), (q,) = facts_of(x.args[0]), facts_of(y.args[0])
        size, parts = of_polynomial(total([p, q, ONE])), split(p, i)
        c = None if parts is None else constant(parts[0])
        if parts is None or c not in (1, -1) or size.op not in ("size", "num"):
            continue
        j = fresh(size)
        value = of_polynomial(scaled(minus({(j,): 1}, parts[1]), c))
        rest = substitute(mul(*(z for z in factors(f) if z is not x and z is not y)), {i: value})
        inside = bracket(rel(">=", value, ZERO)), bracket(rel("<", value, i.attr[1]))
        return mul(*inside, rest), j
    return None


@dataclass(frozen=True)
class Piece:
    """A term of a body over windows of its free indices: `own` stands for each of them, counted from the window's start."""

    windows: tuple[Window | None, ...]
    own: tuple[Node, ...]
    term: Node


def pieces(body: Node, indices: tuple[Node, ...]) -> list[Piece] | None:
    """The terms of a body with the windows that their brackets leave; None where there are none."""
    found = [piece(t, indices) for t in terms(body)]
    return found if any(w is not None for p in found for w in p.windows) else None


def piece(t: Node, indices: tuple[Node, ...]) -> Piece:
    windows: list[Window | None] = []
    own: list[Node] = []
    for i in indices:
        found = window(i, [x for x in factors(t) if on_terms(x)])
        windows.append(found[0] if found else None)
        own.append(fresh(found[0].size) if found else i)
        if found:
            rest = mul(*(x for x in factors(t) if x not in found[1]))
            t = substitute(rest, {i: add(own[-1], found[0].start)})
    return Piece(tuple(windows), tuple(own), t)


def terms(f: Node) -> list[Node]:
    """The terms of a sum, also of one that is multiplied by something."""
    if f.op == "add":
        return [t for a in f.args for t in terms(a)]
    sums = [x for x in factors(f) if x.op == "add" and any(on_terms(y) for a in x.args for y in factors(a))]
    if len(sums) != 1:
        return [f]
    rest = [x for x in factors(f) if x is not sums[0]]
    return [t for a in sums[0].args for t in terms(mul(*rest, a))]
