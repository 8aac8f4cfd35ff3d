"""Every formula that is one slip away from a given one.

Glossary   f: an expression; scope: the indices in force; key: a row of MISTAKES; parts: the nodes its sentence names.
A maximal product under sums is taken apart into its bound indices and all its factors, so that a slip in a chain of
matrices is a change of one factor or of one index.  Nothing here knows which slip is likely: the rows have a cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

from ..core.node import (
    HALF,
    MINUS,
    ONE,
    TWO,
    ZERO,
    Node,
    add,
    apply,
    bracket,
    coefficient,
    el,
    elements,
    fresh,
    is_num,
    mul,
    neg,
    negated,
    num,
    open_,
    pow_,
    reads,
    rebuild,
    reduce_,
    rel,
    sub,
    substitute,
    sum_,
    transform,
    walk,
)
from ..rules.mistakes import FAMILIES

Parts = Mapping[str, Any]  # gap -> Node, or text
MOST_FACTORS = 9
MOST_TERMS = 6
OF_A_TERM = ("drop-term", "drop-one", "double-term", "halve-term", "scale-term", "unscale-term")


@dataclass(frozen=True)
class Slip:
    """The formula with the slip in it, the row of MISTAKES, and what the row's gaps are filled with.

    depth   how far inside the formula it was made
    """

    key: str
    new: Node
    parts: Parts
    depth: int = 0


class Slips:
    """The slips in expressions over some arrays.  dims: their sizes; labels: those that are not real."""

    def __init__(self, dims: Mapping[str, tuple[Node, ...]], labels: frozenset[str] = frozenset()) -> None:
        self.dims, self.labels = dims, labels

    def of(self, f: Node, scope: Sequence[Node] = ()) -> Iterator[Slip]:
        """All slips in `f`, its own first."""
        scope = tuple(dict.fromkeys((*scope, *f.free)))
        yield from self.inside(f, scope, 0)
        yield from self.repeated(f, scope)
        yield from self.everywhere(f)

    def repeated(self, f: Node, scope: Sequence[Node]) -> Iterator[Slip]:
        """A slip in a function wherever it stands with the same argument, as in the two parts of a softmax, and a
        condition decided wrong in all branches."""
        groups: dict[str, list[Node]] = {}
        relations: dict[Node, Node] = {}
        for g in walk(f):
            if g.op == "apply" and len(g.args) == 1:
                groups.setdefault(g.mask, []).append(g)
            if g.op == "br" and elements(g) and not g.args[0].args[1].op == "idx":
                relations.setdefault(g.args[0], g)
        for first, *more in groups.values():
            rows = self.of_function(first, scope) if more else []
            for key, new, parts in rows:
                yield Slip(key, transform(f, lambda h, g=first, new=new: again(h, g, new)), parts, 1)  # type: ignore[misc]
        for r in relations:
            if negated(r) not in relations or r.attr in (">", ">="):
                yield from self.decided(f, r)

    def everywhere(self, f: Node) -> Iterator[Slip]:
        """A function, or an array, taken for another one wherever it stands."""
        nodes = list(walk(f))
        applied = {g.attr: g for g in nodes if g.op == "apply"}
        for name, g in applied.items():
            if len({h for h in nodes if h.op == "apply" and h.attr == name}) > 1:
                for other in dict.fromkeys(o for family in FAMILIES if name in family for o in family if o != name):
                    yield Slip("other-function", with_names(f, "apply", {name: other}), {"part": g, "other": apply(other, *g.args)}, 1)
        read = {g.attr: g for g in nodes if g.op == "el" and g.attr in self.dims and g.attr not in self.labels}
        for name, other in combinations(read, 2):
            if self.dims[name] == self.dims[other] and len(self.dims[name]) < 2:  # of matrices it is their order
                new = with_names(f, "el", {name: other, other: name})
                yield Slip("exchange-arrays", new, {"part": name, "other": other}, 1)

    def of_function(self, g: Node, scope: Sequence[Node]) -> list[tuple[str, Node, Parts]]:
        """The slips in a function and in what it is a function of."""
        inner = ((s.key, apply(g.attr, s.new), s.parts) for s in self.inside(g.args[0], (*scope, *g.free), 1))
        return [*functions(self, g, scope), *inner]

    def decided(self, f: Node, r: Node) -> Iterator[Slip]:
        """A condition taken as always true, always false, or the other way round, wherever it stands."""
        both = bracket(r), bracket(negated(r))
        branches = any(g.mask == both[1].mask for g in walk(f))
        for key, values in (("one-branch", (ONE, ZERO)), ("one-branch", (ZERO, ONE)), ("turn-bracket", both[::-1])):
            if branches or (key == "one-branch" and values[0] is ONE):
                new = transform(f, lambda h, v=values: swapped_branches(h, r) if v[0] is both[1] else decision(h, r, v))  # type: ignore[misc]
                yield Slip(key if branches else "drop-bracket", new, {"part": both[0]}, 1)

    def inside(self, f: Node, scope: Sequence[Node], depth: int) -> Iterator[Slip]:
        if f.op == "mul" or (f.op == "red" and f.attr[0] == "sum"):
            yield from self.product(f, scope, depth)
            return
        for row in OWN.get(f.op, ()):
            for key, new, parts in row(self, f, scope):
                if key in ("drop-term", "drop-one") and depth and new is ONE:  # of a factor 1 - s all but the 1
                    key, parts = "drop-factor", {"part": f}
                yield Slip(key, new, parts, depth)
        if f.op == "red":
            yield from self.under(f, scope, depth)
        elif f.op not in ("el", "br", "rel"):
            for p, a in enumerate(f.args):
                for s in self.inside(a, scope, depth + 1):
                    yield merged(f, replace(s, new=rebuild(f, (*f.args[:p], s.new, *f.args[p + 1 :]))))

    def under(self, f: Node, scope: Sequence[Node], depth: int) -> Iterator[Slip]:
        bound, body, condition = open_(f)
        for s in self.inside(body, (*scope, *bound), depth + 1):
            yield replace(s, new=reduce_(f.attr[0], bound, s.new, condition))

    def product(self, f: Node, scope: Sequence[Node], depth: int) -> Iterator[Slip]:
        """A sum of a product, taken apart."""
        bound, factors = flat(f)
        inner = (*scope, *bound)
        if len(factors) > MOST_FACTORS + 3:
            return
        for row in PRODUCT:
            for key, new, parts in row(self, bound, factors, inner):
                yield Slip(key, new, parts, depth)
        for p, g in enumerate(factors):
            rest = (*factors[:p], *factors[p + 1 :])
            for s in self.inside(g, inner, depth + 1):
                if s.key == "drop-mean":
                    s = replace(s, key="sum-for-mean")
                if not bound and g.op == "add" and s.key in OF_A_TERM and s.depth == depth + 1:
                    s = replace(s, parts={**s.parts, "part": mul(*rest, s.parts["part"])})
                yield replace(s, new=sum_(bound, mul(*rest, s.new)))

    def others(self, name: str, real: bool = True) -> Iterator[str]:
        """Arrays of the same sizes."""
        for n, dims in self.dims.items():
            if n != name and dims == self.dims.get(name) and (n not in self.labels) == real:
                yield n


def again(h: Node, g: Node, new: Node) -> Node | None:
    """The slip that makes `new` of g, made of h, which is g over other indices."""
    if h.op != "apply" or h.mask != g.mask:
        return None
    pairs = zip((x for x in walk(g) if x.op == "idx"), (x for x in walk(h) if x.op == "idx"), strict=False)
    return substitute(new, {x: y for x, y in pairs if x in g.free and x is not y})


def with_names(f: Node, op: str, names: Mapping[str, str]) -> Node:
    """`f` with functions, or arrays, exchanged by name."""
    make = apply if op == "apply" else lambda name, *args: el(name, args)
    return transform(f, lambda g: make(names[g.attr], *g.args) if g.op == op and g.attr in names else None)


def swapped_branches(h: Node, r: Node) -> Node | None:
    """The negation of a bracket of r, or of its negation."""
    own = h.op == "br" and h.args[0].mask in (r.mask, negated(r).mask)
    return bracket(negated(h.args[0])) if own else None


def decision(h: Node, r: Node, values: tuple[Node, Node]) -> Node | None:
    """A bracket of r, or of its negation, with the value given; a maximum that follows r takes the same side."""
    if h.op == "br" and h.args[0].mask == r.mask:
        return values[0]
    if h.op == "br" and h.args[0].mask == negated(r).mask:
        return values[1]
    if h.op == "apply" and h.attr == "max" and len(h.args) == 2 and values[0] is ONE and r.attr in (">", ">="):
        for a, b in (h.args, h.args[::-1]):
            if sub(a, b).mask == sub(*r.args).mask:
                return a
    return None


def merged(f: Node, s: Slip) -> Slip:
    """A transposition by which two terms became one is what a symmetric array would have allowed."""
    fewer = f.op == "add" and len(s.new.args if s.new.op == "add" else (s.new,)) < len(f.args)
    return replace(s, key="assume-symmetric", parts={"part": bare(s.parts["part"])}) if fewer and s.key == "transpose" else s


def bare(f: Any) -> Any:
    return f.attr if isinstance(f, Node) and f.op == "el" else f


def flat(f: Node) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """(bound indices, factors) of a product under sums, sums inside it opened as well."""
    if f.op == "red" and f.attr[0] == "sum":
        bound, body, _ = open_(f)
        more, factors = flat(body)
        return (*bound, *more), factors
    if f.op == "mul":
        parts = [flat(a) for a in f.args]
        return tuple(i for b, _ in parts for i in b), tuple(g for _, gs in parts for g in gs)
    return (), (f,)


# -- sums of terms --------------------------------------------------------------------------------------------

Found = Iterator[tuple[str, Node, Parts]]


def terms_of(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    if 2 < len(f.args) <= MOST_TERMS:
        for t, u in combinations(f.args, 2):
            yield "drop-term", add(*(v for v in f.args if v is not t and v is not u)), {"part": add(t, u)}
    for p, t in enumerate(f.args):
        rest = (*f.args[:p], *f.args[p + 1 :])
        said = {"part": t}
        number = t.op == "num"
        yield "drop-one" if number else "drop-term", add(*rest), said
        yield "flip-one" if number else "flip-term", add(*rest, neg(t)), {"part": absolute(t)}
        yield "double-term", add(f, t), said
        yield "halve-term", add(*rest, mul(HALF, t)), said
        if coefficient(t)[1].op == "el" and coefficient(t)[1].attr not in slips.labels:
            yield "raise-power", add(*rest, mul(t, coefficient(t)[1])), {"part": coefficient(t)[1], "other": ONE}
        for n in sizes_of(slips):
            yield "scale-term", add(*rest, mul(n, t)), said | {"name": n}
            yield "unscale-term", add(*rest, mul(pow_(n, MINUS), t)), said | {"name": n}


def difference_of(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    signs = {coefficient(t)[0] < 0 for t in f.args}
    if len(signs) == 2:
        target = len(f.args) == 2 and any(coefficient(t)[1].op == "br" for t in f.args)
        yield "turn-target" if target else "turn-difference", neg(f), {"part": f}


def absolute(t: Node) -> Node:
    return neg(t) if coefficient(t)[0] < 0 else t


def sizes_of(slips: Slips) -> list[Node]:
    return list(dict.fromkeys(n for dims in slips.dims.values() for n in dims if n.op == "size"))


# -- powers and functions -------------------------------------------------------------------------------------


def powers(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    base, e = f.args
    said = {"part": base, "other": e}
    if not is_num(e, -1):  # which would be a factor lost, or a fraction turned over
        yield "raise-power", pow_(base, add(e, ONE)), said
        yield "lose-power", base, said
    yield "lower-power", pow_(base, sub(e, ONE)), said
    yield "turn-over", pow_(base, neg(e)), {"part": f}
    if e.op == "num" and e.attr > 1:
        slope = mul(e, pow_(base, sub(e, ONE)))
        yield "its-derivative", slope, {"part": f, "other": slope}
    if e.op == "num":
        for other in (Fraction(2 * e.attr), Fraction(e.attr) / 2):
            if e.attr != 1:
                yield "other-power", pow_(base, num(other)), said | {"other": num(other)}


def functions(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    for family in FAMILIES:
        if f.attr in family:
            for g in family:
                if g != f.attr:
                    new = apply(g, *f.args)
                    yield "other-function", new, {"part": f, "other": new}
    if f.attr in ("max", "min") and len(f.args) == 2:
        for u in f.args:
            if elements(u):
                yield "lose-kink", u, {"part": f, "other": u, "name": f.attr}
    if len(f.args) == 1 and not f.attr.endswith("'"):
        u = f.args[0]
        yield "no-function", u, {"part": f, "other": u}
        yield "turn-argument", apply(f.attr, neg(u)), {"part": f}
        yield "scale-argument", apply(f.attr, mul(TWO, u)), {"part": f, "name": TWO}
        yield "scale-argument", apply(f.attr, mul(HALF, u)), {"part": f, "name": HALF}


# -- elements and brackets ------------------------------------------------------------------------------------


def element(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    if f.attr in slips.labels or f.attr not in slips.dims:
        return
    if len(f.args) == 2 and f.args[0] is not f.args[1]:
        a, b = slips.dims[f.attr]
        if a is b:
            yield "transpose", el(f.attr, f.args[::-1]), {"part": f}
    for other in slips.others(f.attr):
        new = el(other, f.args)
        yield "other-array", new, {"part": f, "other": new}
    for p, t in enumerate(f.args):
        for place in moved(slips, t, ()) if t.op in ("num", "el") else ():
            if place.op == "num" and place.attr < 0:
                continue
            new = el(f.attr, (*f.args[:p], place, *f.args[p + 1 :]))
            yield "move-pick", new, {"part": f, "other": new}
    for p, i in enumerate(f.args):
        for j in scope:
            if j is not i and i.op == "idx" and j.attr[1] is i.attr[1]:
                new = el(f.attr, (*f.args[:p], j, *f.args[p + 1 :]))
                yield "other-index", new, {"part": f, "other": new}


TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def brackets(slips: Slips, f: Node, scope: Sequence[Node]) -> Found:
    r = f.args[0]
    a, b = r.args
    yield "drop-bracket", ONE, {"part": f}
    yield "turn-bracket", bracket(negated(r)), {"part": f}
    if r.attr in TURNED:
        yield "turn-bracket", bracket(rel(TURNED[r.attr], a, b)), {"part": f}
    if r.attr in (">", ">=", "<", "<="):
        gap = sub(a, b) if r.attr[0] == ">" else sub(b, a)
        for new in (apply("max", ZERO, gap), gap):
            yield "value-for-bracket", new, {"part": f, "other": new}
    onehot = r.attr in ("=", "!=") and a.op == "idx"
    key = "move-onehot" if onehot else "move-bracket"
    for other in moved(slips, b, scope) if onehot or b.op in ("num", "size") else ():
        new = bracket(rel(r.attr, a, other))
        yield key, new, {"part": f, "other": new}
    for other in moved(slips, a, scope) if a.op == "num" else ():
        new = bracket(rel(r.attr, other, b))
        yield key, new, {"part": f, "other": new}


def moved(slips: Slips, place: Node, scope: Sequence[Node]) -> Iterator[Node]:
    """Where a one-hot, or a bound, may stand by mistake."""
    if place.op == "num":
        near = (place.attr + 1, place.attr - 1, *range(int(place.attr) - 1))
        yield from (num(c) for c in near if c >= 0 or place.attr == 0)
    if place.op == "el":
        yield from (el(n, place.args) for n in slips.others(place.attr, real=False))
        yield from (add(place, num(c)) for c in (1, -1))
    for j in scope:
        if place.op == "idx" and j is not place and j.attr[1] is place.attr[1]:
            yield j


# -- products -------------------------------------------------------------------------------------------------

Bound = Sequence[Node]


def factors_lost(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    for p, g in enumerate(factors):
        rest = (*factors[:p], *factors[p + 1 :])
        numeric = not any(h.op == "el" for h in elements(g)) and not g.free
        if g.op == "br" or is_num(g, -1):
            continue
        lost = "drop-number" if numeric else "drop-factor"
        if g.op == "pow" and g.args[0].op == "size":
            lost = "drop-mean"
        elif not numeric and not g.free:
            lost = "drop-scalar"
        whole = mul(*rest, *([MINUS] if g.op == "num" and g.attr < 0 else []))
        yield lost, sum_([i for i in bound if i in whole.free], whole), {"part": absolute(g)}
        open_sums = [i for i in bound if i in g.free and i in whole.free]
        if open_sums and len(g.args) == 2 and g.op == "el":
            yield "drop-product", sum_([i for i in bound if i in whole.free and i not in g.free], whole), {"part": g}
        if numeric and g.op != "num":
            for other in sizes_of(slips):
                if other not in (g, g.args[0] if g.args else None):
                    new = transform(g, lambda h, o=other: o if h.op == "size" else None)  # type: ignore[misc]
                    yield "other-size", sum_(bound, mul(*rest, new)), {"part": g, "other": new}
        if numeric:
            yield "double-number", sum_(bound, mul(*factors, TWO)), {"part": g}
            yield "halve-number", sum_(bound, mul(*factors, HALF)), {"part": g}
            if g.op == "num" and g.attr < 0:
                yield "flip-term", sum_(bound, mul(*factors, MINUS)), {"part": g}
        else:
            yield "square-factor", sum_(bound, mul(*factors, g)), {"part": g}
        if g.op != "pow":
            yield "turn-over", sum_(bound, mul(*rest, pow_(g, MINUS))), {"part": g}
        if g.op == "el" and len(g.args) == 2 and g.args[0] is not g.args[1]:
            yield from joined(bound, rest, g)


def factors_together(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    """Two factors lost at once that belong together: both of one argument, or the matrices of one product."""
    for p, g in enumerate(factors):
        for q in range(p + 1, len(factors)):
            h = factors[q]
            if not alike(g, h, bound):
                continue
            whole = mul(*(x for n, x in enumerate(factors) if n not in (p, q)))
            inner = [i for i in bound if i not in whole.free]
            yield "drop-factor", sum_([i for i in bound if i in whole.free], whole), {"part": sum_(inner, mul(g, h))}
    negative = [g for g in factors if g.op == "pow" and is_num(g.args[1], -1) and elements(g)]
    for g in negative:
        for h in factors:
            if h is not g and h.op not in ("num", "br", "pow") and h.free == g.free:
                rest = [x for x in factors if x is not g and x is not h]
                turned = mul(g.args[0], pow_(h, MINUS))
                yield "turn-fraction", sum_(bound, mul(*rest, turned)), {"part": mul(g, h), "other": turned}


def alike(g: Node, h: Node, bound: Bound) -> bool:
    """Whether two factors are functions of one thing, or stand under a sum that holds nothing else."""
    if g.op in ("num", "br") or h.op in ("num", "br"):
        return False
    own = [i for i in bound if i in g.free and i in h.free]
    if g.op == h.op == "el":
        return len(own) == 1 and len(g.args) + len(h.args) == 3 and len(g.free | h.free) == 2
    return g.free == h.free and bool(reads(g) & reads(h)) and not {g.op, h.op} <= {"el", "pow"}


def in_one_term(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    """A factor of a bracketed sum that reaches only some of its terms."""
    for s in factors:
        if s.op != "add" or len(s.args) > 3:
            continue
        for g in factors:
            if g is s or g.op == "br" or not g.free <= s.free:
                continue
            rest = [x for x in factors if x is not s and x is not g]
            for t in s.args:
                left = add(*(u if u is t else mul(u, g) for u in s.args))
                yield "lose-in-term", sum_(bound, mul(*rest, left)), {"part": mul(t, g), "name": absolute(g)}


def joined(bound: Bound, rest: Sequence[Node], g: Node) -> Found:
    """A matrix of a chain left out: its two indices become one."""
    a, b = g.args
    if a.op != "idx" or b.op != "idx" or a.attr[1] is not b.attr[1]:
        return
    gone, stays = (a, b) if a in bound else (b, a)
    if gone in bound:
        new = substitute(mul(*rest), {gone: stays})
        yield "drop-matrix", sum_([i for i in bound if i is not gone], new), {"part": g}
    else:
        yield "drop-matrix", sum_(bound, mul(*rest, bracket(rel("=", a, b)))), {"part": g}


def swapped(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    """Two matrices of a chain exchanged."""
    flat_els = [(p, g) for p, g in enumerate(factors) if g.op == "el" and len(g.args) == 2]
    for n, (p, g) in enumerate(flat_els):
        for q, h in flat_els[n + 1 :]:
            if g.attr == h.attr or slips.dims.get(g.attr) != slips.dims.get(h.attr):
                continue
            for turn in (1, -1):
                new = list(factors)
                new[p], new[q] = el(h.attr, g.args[::turn]), el(g.attr, h.args[::turn])
                yield "swap-factors", sum_(bound, mul(*new)), {"part": g.attr, "other": h.attr}


def sums(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    body = mul(*factors)
    said = {"part": sum_(bound, body)}
    for i in bound:
        rest = [j for j in bound if j is not i]
        size = i.attr[1]
        yield "mean", sum_(bound, mul(pow_(size, MINUS), body)), said | {"name": size}
        yield "no-mean", sum_(bound, mul(size, body)), said | {"name": size}
        yield "no-sum", sum_(rest, body), said
        for s in scope:
            if s not in bound and s.attr[1] is size:
                yield "index-of-sum", sum_(rest, substitute(body, {i: s})), said
        for t in body.free.difference(bound):
            yield from crossed(body, rest, i, t, scope, said)
    if len(bound) > 1:
        counts = [i.attr[1] for i in bound]
        yield "mean", sum_(bound, mul(*(pow_(n, MINUS) for n in counts), body)), said | {"name": mul(*counts)}
    for t in body.free.difference(bound):
        new = fresh(t.attr[1])
        yield "more-sum", sum_((*bound, new), substitute(body, {t: new})), said
        yield "more-sum", sum_((*bound, new), mul(pow_(t.attr[1], MINUS), substitute(body, {t: new}))), said


def crossed(body: Node, rest: Bound, i: Node, t: Node, scope: Sequence[Node], said: Parts) -> Found:
    """The sum over the bound i taken over the free t instead."""
    over = fresh(t.attr[1])
    places = [s for s in scope if s is not i and s is not t and s.attr[1] is i.attr[1] and s not in rest]
    for s in (*places, i, *((t,) if t.attr[1] is i.attr[1] else ())):
        for turned in (body, with_size(body, i.attr[1], t.attr[1])):
            yield "other-axis", sum_((*rest, over), substitute(turned, {i: s, t: over})), said


def with_size(body: Node, old: Node, new: Node) -> Node:
    """A product that is divided by another size, as the mean over the other axis is."""
    return transform(body, lambda h: pow_(new, MINUS) if h is pow_(old, MINUS) else None)


def pointwise(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    """A matrix product of two taken entry by entry, and the other way round."""
    pairs = [g for g in factors if g.op == "el" and len(g.args) == 2 and all(t.op == "idx" for t in g.args)]
    for g in pairs:
        for h in pairs:
            rest = [x for x in factors if x is not g and x is not h]
            if g is h:
                continue
            if g.args[1] is h.args[0] and g.args[1] in bound and slips.dims.get(g.attr) == slips.dims.get(h.attr):
                ends = (g.args[0], h.args[1])
                if ends[0].attr[1] is slips.dims[g.attr][0] and ends[1].attr[1] is slips.dims[g.attr][1]:
                    new = mul(*rest, el(g.attr, ends), el(h.attr, ends))
                    part = sum_((g.args[1],), mul(g, h))
                    yield "pointwise", sum_([i for i in bound if i is not g.args[1]], new), {"part": part}
            if g.args == h.args and g.args[0].attr[1] is g.args[1].attr[1]:
                m = fresh(g.args[0].attr[1])
                new = mul(*rest, el(g.attr, (g.args[0], m)), el(h.attr, (m, g.args[1])))
                yield "matrix-product", sum_((*bound, m), new), {"part": mul(g, h)}


def flipped(slips: Slips, bound: Bound, factors: Sequence[Node], scope: Sequence[Node]) -> Found:
    """The sign of a product that stands inside something else."""
    yield "flip-term", sum_(bound, mul(*factors, MINUS)), {"part": sum_(bound, mul(*factors))}


OWN: dict[str, tuple[Callable[[Slips, Node, Sequence[Node]], Found], ...]] = {
    "add": (terms_of, difference_of),
    "pow": (powers,),
    "apply": (functions,),
    "el": (element,),
    "br": (brackets,),
}

PRODUCT = (factors_lost, factors_together, in_one_term, swapped, sums, pointwise, flipped)
