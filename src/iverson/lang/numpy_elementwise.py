"""NumPy's elementwise operations over values: broadcasting, arithmetic, comparisons, conditions.

Glossary   x, y: values; part: the tree of an operand and the axes it has; hole: infinite entries.
Infinite entries are carried through sums alone.  Knows no function by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from ..core.affine import AT_LEAST, Poly
from ..core.affine import minus as less_of
from ..core.affine import product as multiplied
from ..core.affine import total as summed
from .numpy_sizes import Axes, Size, number_poly
from .numpy_values import Terms, Value, condition, flip, literal, plain, replace, unsupported, whole_number
from .ranges import divided
from .surface import Surface, call, number

# -- whole numbers -------------------------------------------------------------------------------------------

def joined_run(values: Sequence[Value], signs: Sequence[int]) -> Callable[[], tuple[Poly, Poly]] | None:
    """The range of a sum of whole numbers."""
    runs = [v.run for v in values]
    if not all(runs):
        return None

    def run() -> tuple[Poly, Poly]:
        ends = [r() for r in runs if r is not None]
        low = [e[0] if s > 0 else negative(e[1]) for e, s in zip(ends, signs, strict=True)]
        high = [e[1] if s > 0 else negative(e[0]) for e, s in zip(ends, signs, strict=True)]
        return summed(low), summed(high)

    return run


def negative(p: Poly) -> Poly:
    return {m: -c for m, c in p.items()}


def scaled_run(x: Value, y: Value) -> Callable[[], tuple[Poly, Poly]] | None:
    """The range of a product of whole numbers, one of which is written out or both of which are one number."""
    r, q = x.run, y.run
    if r is None or q is None or (x.rank and y.rank):
        return None
    if not x.rank and not y.rank:
        return lambda: (multiplied([r()[0], q()[0]]),) * 2
    n, other = (x.exact, q) if not x.rank else (y.exact, r)
    if not isinstance(n, int):
        return None
    return lambda: tuple(multiplied([number_poly(n), p]) for p in other()[::1 if n >= 0 else -1])  # type: ignore[return-value]


def as_index(v: Value) -> Value:
    """A scalar whole number written in one form."""
    if v.rank or v.run is None or v.exact is not None:
        return v
    run = v.run
    return replace(v, cut=lambda _: v.book.tree(run()[0]))


# -- elementwise ---------------------------------------------------------------------------------------------

Part = tuple[Surface, tuple[int, ...]]      # a tree, and which of the axes that stay it has


def elementwise(make: Callable[[list[Part], int], Surface], *values: Value, truth: bool = False) -> Value:
    """Broadcast from the last axis; `make` gets each operand's part and the number of axes that stay."""
    axes, kept = broadcast(values), selection(values)
    values = tuple(replace(v, kept=None) if v.kept else v for v in values)

    def part(v: Value, terms: Terms, stay: list[int]) -> Part:
        missing = len(axes) - v.rank
        own = tuple(q for q, p in enumerate(stay) if p >= missing and v.axes[p - missing] is not None)
        return v.number(terms[missing:]), own

    def cut(terms: Terms) -> Surface:
        stay = [p for p, a in enumerate(axes) if a is not None and terms[p] is None]
        return make([part(v, terms, stay) for v in values], len(stay))

    return Value(values[0].book, axes, cut, truth, any(v.loose and v.sizes() for v in values), kept=kept)


def selection(values: Sequence[Value]) -> Value | None:
    """The mask by which the operands are selected: one for all that have axes."""
    masks = [v.kept for v in values if v.kept is not None]
    if not masks:
        return None
    same = {m.book.watched(m.number, list(m.book.scope))[0] for m in masks}
    rank = max(v.rank for v in values)
    if len(same) > 1 or any(v.kept is None and any(v.axes[:max(masks[0].rank + v.rank - rank, 0)]) for v in values):
        raise unsupported("These are selected by different masks.", "Select all operands by one mask.")
    return masks[0]


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

    signs = [-1 if m else 1 for m in less]
    found = replace(elementwise(make, *map(bare, values)), run=joined_run(values, signs), offset=offset_of(values, signs))
    return with_hole(as_index(found), [(v.hole[0], v.hole[1] * s) for v, s in zip(values, signs, strict=True) if v.hole])


def offset_of(values: Sequence[Value], signs: Sequence[int]) -> tuple[Value, int] | None:
    """Labels and a whole number that are added up, as `y + 1` is."""
    labels = [v for v, s in zip(values, signs, strict=True) if v.label and not v.truth and s == 1]
    others = [v.exact * s for v, s in zip(values, signs, strict=True) if isinstance(v.exact, int) and not v.rank]
    return (labels[0], sum(others)) if len(labels) == 1 and len(others) == len(values) - 1 else None


def plus(*values: Value) -> Value:
    return total(values, [False] * len(values))


def minus(x: Value) -> Value:
    if x.truth:
        raise unsupported("NumPy does not negate a boolean array.", "Write ~ for not.")
    found = replace(elementwise(lambda parts, _: Surface("neg", (parts[0][0],)), bare(x)), run=joined_run([x], [-1]))
    return with_hole(as_index(found), [(x.hole[0], -x.hole[1])] if x.hole else [])


def times(x: Value, y: Value) -> Value:
    if x.truth and y.truth:
        return both(x, y)
    return as_index(replace(elementwise(product, x, y), run=scaled_run(x, y)))


def bare(v: Value) -> Value:
    """The entries that are finite."""
    return replace(v, hole=None) if v.hole else v


def with_hole(v: Value, holes: Sequence[tuple[Value, int]]) -> Value:
    """A value with infinite entries."""
    if not holes:
        return v
    if len({s for _, s in holes}) > 1:
        raise unsupported("Infinite entries of both signs are not read.", "Leave the entries out: np.where(mask, x, 0).")
    return replace(v, hole=(reduce(either, [c for c, _ in holes]), holes[0][1]))


def over(x: Value, y: Value) -> Value:
    return elementwise(ratio, x, y)


def floored(x: Value, y: Value) -> Value:
    """`x // y`; of sizes a whole number where it leaves no rest."""
    p, q = x.whole(), y.whole()
    found = divided(p, q) if p and q else None
    if found is not None:
        return whole_number(x.book, found)
    if isinstance(x.exact, int) and isinstance(y.exact, int) and y.exact and not (x.rank or y.rank):
        return literal(x.book, x.exact // y.exact)
    return applied("floor", over(x, y))


def power(x: Value, y: Value) -> Value:
    return elementwise(powered, x, y)


def applied(function: str, *values: Value) -> Value:
    """An elementwise operator of OPS."""
    return elementwise(lambda parts, stay: call(function, *level(parts, stay)), *values)


def compared(relation: str, x: Value, y: Value) -> Value:
    def make(parts: list[Part], stay: int) -> Surface:
        return Surface("rel", tuple(level(parts, stay)), relation)

    found = elementwise(make, x, y, truth=True)
    p, q = x.run, y.run
    if x.rank or y.rank or p is None or q is None or relation == "!=":
        return found

    def facts() -> list[Poly]:
        gap = less_of(p()[0], q()[0])
        return [gap, negative(gap)] if relation == "=" else [AT_LEAST[relation](gap)]

    return replace(found, facts=facts)


def logical(op: str, *values: Value) -> Value:
    if not all(v.truth for v in values):
        raise unsupported("The operators &, | and ~ are read between conditions only.",
                          "Write (a > 0) & (b > 0).")

    def make(parts: list[Part], stay: int) -> Surface:
        trees = [condition(t) for t in level(parts, stay)]
        return trees[0].args[0] if op == trees[0].op == "not" else Surface(op, tuple(trees))

    found = elementwise(make, *values, truth=True)
    if op != "and":
        return found
    return replace(found, facts=lambda: [p for v in values if v.facts is not None for p in v.facts()])


def both(x: Value, y: Value) -> Value:
    return logical("and", x, y)


def either(x: Value, y: Value) -> Value:
    return logical("or", x, y)


def inverted(x: Value) -> Value:
    return logical("not", x)


def where(condition: Value, x: Value, y: Value) -> Value:
    """[c]*x + [not c]*y; a branch that is 0 is left out, and a factor 1; an infinite branch makes infinite entries."""
    c = condition if condition.truth else compared("!=", condition, literal(condition.book, 0))
    for v, other, held in ((x, y, c), (y, x, inverted(c))):
        if v.hole is not None and not v.rank:
            if held.rank > other.rank > 0:
                raise unsupported("A condition has no more axes than the finite branch here.", "Broadcast the finite branch first.")
            return with_hole(other, [(held, v.hole[1]), *([other.hole] if other.hole else [])])
    branches = [plain(held) if v.exact == 1 else times(plain(held), plain(v))
                for held, v in ((c, x), (inverted(c), y)) if v.exact != 0]
    return plus(*branches) if len(branches) == 2 else branches[0] if branches else times(plain(c), x)
