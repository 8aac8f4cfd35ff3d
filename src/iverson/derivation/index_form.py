"""Index form as it is read: every node has one, with index names chosen as the user would.

Glossary   names: an index node to its displayed name.  A condition on a bound index goes under the sum sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ..core.affine import minus, polynomial
from ..core.node import Node, coefficient, elements, is_num, make, mul, neg, num, open_, pow_, walk
from ..lang.surface import Surface, call, index, name, number
from .lift import arranged, leaf, number_parts

POOL = ("i", "j", "k", "m", "l", "n", "p", "q", "r", "t", "u", "v", *(f"i{k}" for k in range(1, 40)))


class IndexNames:
    """Chooses names: those the user gave to indices of that size, the letter of the size (d for D), then the pool;
    never a name in use."""

    def __init__(self, preferred: Mapping[Node, Iterable[str]], taken: Iterable[str]) -> None:
        self.taken = frozenset(taken)
        self.preferred = {n: tuple(x for x in p if x not in self.taken) for n, p in preferred.items()}

    def choose(self, n: Node, used: Iterable[str]) -> str:
        """A name for an index over `n`, other than those used in this place."""
        busy = {*used}
        others = {x for m, names in self.preferred.items() if m is not n for x in names}
        own = [x for x in self.preferred.get(n, ()) if x not in busy]
        if own:
            return own[0]
        letter = n.attr.lower() if n.op == "size" and len(n.attr) == 1 and n.attr.isupper() else ""
        if letter and letter not in busy and letter not in self.taken and letter not in others:
            return letter
        free = [x for x in POOL if x not in busy and x not in self.taken]
        return next((x for x in self._order(n) if x in free and x not in others), free[0])

    def _order(self, n: Node) -> tuple[str, ...]:
        return ("m", "j", "l", *POOL) if self.preferred.get(n) else POOL

    def assign(self, indices: Iterable[Node], names: Mapping[Node, str] | None = None) -> dict[Node, str]:
        """Names for free indices, in order."""
        chosen = dict(names or {})
        for i in indices:
            if i not in chosen:
                chosen[i] = self.choose(i.attr[1], chosen.values())
        return chosen


class IndexForm:
    """One rendering of nodes as Surface trees in index form.  `dims` gives the sizes of arrays where they are known;
    computed   some index of the text is: indices then run where their reads are in range"""

    def __init__(
        self, names: IndexNames, dims: Mapping[str, tuple[Node, ...]] | None = None, computed: bool = False
    ) -> None:
        self.names, self.dims, self.computed = names, dims or {}, computed

    def tree(self, f: Node, names: Mapping[Node, str]) -> Surface:
        """`f` with its free indices named."""
        return getattr(self, f"_{f.op}")(f, dict(names))

    def _num(self, f: Node, names: dict[Node, str]) -> Surface:
        return number(f.attr)

    def _size(self, f: Node, names: dict[Node, str]) -> Surface:
        return leaf(f)

    _const = _size

    def _idx(self, f: Node, names: dict[Node, str]) -> Surface:
        return name(names[f])

    def _el(self, f: Node, names: dict[Node, str]) -> Surface:
        base = name(f.attr)
        return index(base, *(self.tree(t, names) for t in f.args)) if f.args else base

    def _add(self, f: Node, names: dict[Node, str]) -> Surface:
        if f.term:
            return self._index_sum(f, names)
        parts = []
        for term in arranged(f.args):
            minus = coefficient(term)[0] < 0
            tree = self.tree(neg(term) if minus else term, names)
            parts.append(Surface("neg", (tree,)) if minus else tree)
        return Surface("add", tuple(parts))

    def _index_sum(self, f: Node, names: dict[Node, str]) -> Surface:
        """An index term: what is added, sizes that are taken away, the number, indices that are taken away: `n - 1 - i`."""
        rank = {(False, False): 0, (True, False): 1, (True, True): 3}
        up = any(coefficient(t)[0] > 0 and t.op != "num" for t in f.args)
        terms = sorted(
            f.args,
            key=lambda t: 2 * up if t.op == "num" else rank.get((coefficient(t)[0] < 0, bool(t.free)), 0),
        )
        minus = [coefficient(t)[0] < 0 for t in terms]
        trees = [self.tree(neg(t) if m else t, names) for t, m in zip(terms, minus, strict=True)]
        return Surface("add", tuple(Surface("neg", (t,)) if m else t for t, m in zip(trees, minus, strict=True)))

    def _mul(self, f: Node, names: dict[Node, str]) -> Surface:
        c, rest = coefficient(f)
        if c < 0:
            return Surface("neg", (self.tree(mul(num(-c), rest), names),))
        top, bottom = number_parts(Fraction(c))
        above = [number(top)] if top != 1 else []
        below = [number(bottom)] if bottom != 1 else []
        for x in self._factors(rest):
            inverse = x.op == "pow" and x.args[1].op == "num" and x.args[1].attr < 0
            side = below if inverse else above
            side.append(self.tree(pow_(x.args[0], num(-x.args[1].attr)) if inverse else x, names))
        tree = _times(above or [number(1)])
        return Surface("div", (tree, _times(below))) if below else tree

    def _factors(self, f: Node) -> list[Node]:
        """Brackets first, then the rest, sums last; a bracket that picks out one entry stands behind."""
        factors = f.args if f.op == "mul" else (f,)
        rank = {"br": 0, "size": 1, "red": 3}
        return sorted(factors, key=lambda x: 4 if picks_entry(x) else rank.get(x.op, 2))

    def _pow(self, f: Node, names: dict[Node, str]) -> Surface:
        base, e = f.args
        if e.op == "num" and e.attr < 0:
            return Surface("div", (number(1), self.tree(pow_(base, num(-e.attr)), names)))
        return Surface("pow", (self.tree(base, names), self.tree(e, names)))

    def _apply(self, f: Node, names: dict[Node, str]) -> Surface:
        return call(f.attr, *(self.tree(a, names) for a in f.args))

    def _rel(self, f: Node, names: dict[Node, str]) -> Surface:
        a, b = f.args
        if (
            a in names
            and b in names
            and f.attr in ("=", "!=")
            and list(names).index(b) < list(names).index(a)
        ):
            a, b = b, a
        return Surface("rel", (self.tree(a, names), self.tree(b, names)), f.attr)

    def _br(self, f: Node, names: dict[Node, str]) -> Surface:
        return Surface("bracket", (self.tree(f.args[0], names),))

    def _red(self, f: Node, names: dict[Node, str]) -> Surface:
        bound, body, condition = open_(f)
        inner = dict(names)
        for i in bound:
            inner[i] = self.names.choose(i.attr[1], inner.values())
        conditions, body = self._conditions(f, bound, body, condition)
        conditions += [rel_bracket(i) for i in bound if not self.exact(i, body, conditions)]
        shown = [self._condition(c, inner) for c in conditions]
        held = (_joined(shown),) if shown else ()
        return Surface("reduce", (self.tree(body, inner), *held), (f.attr[0], tuple(inner[i] for i in bound)))

    def exact(self, i: Node, body: Node, conditions: Iterable[Node]) -> bool:
        """Whether what is read under an index is in range exactly where the index runs, so that no more need be said."""
        n, read = i.attr[1], False
        for g in (e for f in (body, *conditions) for e in elements(f) if i in e.free):
            dims = self.dims.get(g.attr)
            if dims is None:
                return True
            for t, m in zip(g.args, dims, strict=True):
                if t.term and i in t.free and same_end(m, t, n, i):
                    return True
                read = read or i in t.free
        beside = [a for f in (body, *conditions) for b in walk(f) if b.op == "rel" and i in b.args for a in b.args]
        others = [a for a in beside if a is not i and a.op in ("idx", "el")]
        plain = bool(others) and not (read or self.computed)
        return plain and all(n.op in ("size", "num") if a.op == "el" else a.attr[1] is n for a in others)

    def _condition(self, c: Node, names: dict[Node, str]) -> Surface:
        """A 0/1 factor as a relation: a bracket its own, anything else as `c > 0`."""
        if c.op == "br":
            return self.tree(c.args[0], names)
        return Surface("rel", (self.tree(c, names), number(0)), ">")

    def _conditions(
        self, f: Node, bound: tuple[Node, ...], body: Node, condition: Node
    ) -> tuple[list[Node], Node]:
        """The brackets on bound indices alone, which stand under the sign, and the body without them."""
        if f.attr[0] != "sum":
            return (
                [] if is_num(condition, 1) else list(condition.args) if condition.op == "mul" else [condition]
            ), body
        factors = body.args if body.op == "mul" else (body,)
        held = [
            x
            for x in factors
            if x.op == "br" and x.args[0].attr != "=" and under_sign(x, bound)
        ]
        if len(held) == len(factors):
            held = []
        return held, mul(*(x for x in factors if x not in held))

    def _deriv(self, f: Node, names: dict[Node, str]) -> Surface:
        return call("D", self.tree(f.args[0], names), self.tree(f.args[1], names))


def same_end(m: Node, t: Node, n: Node, i: Node) -> bool:
    """Whether a term reaches the end of an axis of size m where its index, over n values, ends."""
    have, read, runs, own = (polynomial(f) for f in (m, t, n, i))
    return None not in (have, read, runs, own) and minus(minus(have, read), minus(runs, own)) == {}  # type: ignore[arg-type]


def under_sign(x: Node, bound: tuple[Node, ...]) -> bool:
    """A bracket on a bound index itself, or between index terms that hold one."""
    a, b = x.args[0].args
    return a in bound or b in bound or (a.term and b.term and bool(x.free & set(bound)))


def rel_bracket(i: Node) -> Node:
    """[i < n] for an index over n, as it is written where what is read does not say so."""
    return make("br", (make("rel", (i, i.attr[1]), "<"),))


def picks_entry(f: Node) -> bool:
    """A bracket such as [i = 3]."""
    return f.op == "br" and f.args[0].attr == "=" and f.args[0].args[1].op == "num"


def _times(parts: list[Surface]) -> Surface:
    tree = parts[0]
    for p in parts[1:]:
        tree = Surface("mul", (tree, p))
    return tree


def _joined(conditions: list[Surface]) -> Surface:
    tree = conditions[0]
    for c in conditions[1:]:
        tree = Surface("and", (tree, c))
    return tree
