"""The index calculus: interned, immutable nodes, and the constructors that keep them in normal form.

Glossary   i, j, k: index nodes; f: a node; n: a size; c: an exact coefficient.
A node is one of
  num value | const name | size name | idx (name, size) | el array[terms] | add | mul | pow base, exponent |
  apply function | rel relation | br bracket, 1 or 0 | red (reduction, bound indices) body, condition | deriv body, target
Equality is identity.  Bound indices are renamed on construction to names that depend only on the body, so two
sums that differ in their bound names are the same node.  Sums inside products stay opaque; nothing is multiplied out.
This file knows no function by name and no derivative rule.
"""

from __future__ import annotations

import hashlib
import itertools
import operator
import weakref
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from .affine import AT_LEAST, Poly, decided, digits, minus, nonnegative, polynomial, scaled, standard

Number = int | Fraction

KINDS = ("num", "const", "size", "idx", "br", "el", "pow", "apply", "mul", "add", "red", "rel", "deriv")
RANK = {op: place for place, op in enumerate(KINDS)}


class Node:
    """One node.  Build it with the constructors below, never directly."""

    __slots__ = (
        "__weakref__", "args", "arrays", "attr", "free", "height", "key", "mask", "names", "op", "shifted", "size", "term",
    )  # fmt: skip

    op: str
    args: tuple[Node, ...]
    attr: Any
    free: frozenset[Node]  # index nodes that occur free
    height: int  # depth of nested binders
    size: int  # number of nodes, shared ones counted each time
    key: str  # digest: the same in every run
    names: tuple[str, ...]  # of the indices in it, wherever they occur; no more than tell terms apart
    mask: str  # the same digest with index names hidden
    term: bool  # an index term: made of indices, sizes and integers by sums and products alone
    arrays: frozenset[str]  # what `reads` found
    shifted: bool  # an element with arithmetic in an index, as x[i+1], occurs in it

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args))
        return f"{self.op}({inner})" if self.attr is None else f"{self.op}({self.attr!r}{', ' if inner else ''}{inner})"

    def __lt__(self, other: Node) -> bool:
        return order(self) < order(other)


_TABLE: weakref.WeakValueDictionary[tuple[Any, ...], Node] = weakref.WeakValueDictionary()
_FRESH = itertools.count()
MOST_NAMES = 24


def order(f: Node) -> tuple[Any, ...]:
    """A total order that does not depend on hash seeds.  Index names count only to break ties, and then by age: what
    was named first comes first, however many names were given before."""
    return (RANK[f.op], f.mask, f.names, f.key)


def _is_term(op: str, args: tuple[Node, ...], attr: Any) -> bool:
    if op in ("add", "mul"):
        return all(a.term for a in args)
    if op == "pow":
        return args[0].term and is_integer(args[1]) and args[1].attr > 1
    return op in ("idx", "size") or (op == "num" and isinstance(attr, int))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def make(op: str, args: tuple[Node, ...] = (), attr: Any = None) -> Node:
    """The interned node with exactly these parts; no normal form."""
    spot = (op, attr, args)
    found = _TABLE.get(spot)
    if found is not None:
        return found
    node = Node()
    node.op, node.args, node.attr = op, args, attr
    bound = attr[1] if op == "red" else ()
    free: frozenset[Node] = frozenset().union(*(a.free for a in args)) if args else frozenset()
    if op == "idx":
        free = frozenset((node,)) | attr[1].free
    node.free = free - frozenset(bound) if bound else free
    node.term = _is_term(op, args, attr)
    node.shifted = any(a.shifted or (op == "el" and a.op in ("add", "mul")) for a in args)
    node.names = (attr[0],) if op == "idx" else tuple(n for a in args for n in a.names)[:MOST_NAMES]
    node.height = max((a.height for a in args), default=0) + (1 if bound else 0)
    node.size = 1 + sum(a.size for a in args)
    node.key = _digest(f"{op}|{_attr_key(op, attr, False)}|{','.join(a.key for a in args)}")
    node.mask = _digest(f"{op}|{_attr_key(op, attr, True)}|{','.join(a.mask for a in args)}")
    _TABLE[spot] = node
    return node


def _attr_key(op: str, attr: Any, masked: bool) -> str:
    if op == "idx":
        return ("" if masked else attr[0]) + "@" + attr[1].key
    if op == "red":
        return f"{attr[0]}:{','.join(i.mask if masked else i.key for i in attr[1])}"
    return repr(attr)


# -- leaves ----------------------------------------------------------------------------------------------------

def num(value: Number) -> Node:
    """An exact number."""
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    return make("num", (), value)


ZERO, ONE, TWO, MINUS, HALF = num(0), num(1), num(2), num(-1), num(Fraction(1, 2))


def const(name: str) -> Node:
    """A named real constant: pi or inf."""
    return make("const", (), name)


def size(name: str) -> Node:
    """A symbolic size, as a number."""
    return make("size", (), name)


def idx(name: str, n: Node) -> Node:
    """An index that runs over 0, ..., n-1."""
    return make("idx", (), (name, n))


def fresh(n: Node) -> Node:
    """An index over 0, ..., n-1 that occurs nowhere else."""
    return idx(f"~{next(_FRESH):09d}", n)


def el(name: str, terms: Iterable[Node] = ()) -> Node:
    """An element of an input or a definition; with no terms, a scalar.  Arithmetic in an index has one form."""
    return make("el", tuple(index_term(t) if t.op in ("add", "mul") else t for t in terms), name)


def index_term(t: Node) -> Node:
    """An index term multiplied out: `n - 1 - (i + 1)` is `n - 2 - i`."""
    parts = t.args if t.op == "add" else (t,)
    if not t.term or not any(p.op == "mul" and any(a.op == "add" for a in p.args) for p in parts):
        return t
    p = polynomial(t)
    return t if p is None else of_polynomial(p)


def is_num(f: Node, value: Number | None = None) -> bool:
    return f.op == "num" and (value is None or f.attr == value)


# -- arithmetic ------------------------------------------------------------------------------------------------

def coefficient(f: Node) -> tuple[Number, Node]:
    """`f = c * rest` with the exact number c taken off the front."""
    if f.op == "num":
        return f.attr, ONE
    if f.op == "mul" and f.args[0].op == "num":
        rest = f.args[1:]
        return f.args[0].attr, rest[0] if len(rest) == 1 else make("mul", rest)
    return 1, f


def add(*terms: Node) -> Node:
    """The sum of `terms`: flat, like terms collected, in canonical order."""
    total: dict[Node, Number] = {}
    stack = list(reversed(terms))
    while stack:
        f = stack.pop()
        if f.op == "add":
            stack.extend(reversed(f.args))
            continue
        c, rest = coefficient(f)
        total[rest] = total.get(rest, 0) + c
    parts = [rest if c == 1 else mul(num(c), rest) for rest, c in total.items() if c != 0]
    parts.sort(key=order)
    if not parts:
        return ZERO
    return parts[0] if len(parts) == 1 else make("add", tuple(parts))


def sub(a: Node, b: Node) -> Node:
    return add(a, neg(b))


def neg(a: Node) -> Node:
    return mul(MINUS, a)


def mul(*factors: Node) -> Node:
    """The product: flat, exact numbers and powers of one base collected, brackets idempotent, canonical order."""
    c: Number = 1
    powers: dict[Node, Node] = {}
    stack = list(reversed(factors))
    while stack:
        f = stack.pop()
        if f.op == "num":
            c *= f.attr
        elif f.op == "mul":
            stack.extend(reversed(f.args))
        else:
            base, e = (f.args[0], f.args[1]) if f.op == "pow" else (f, ONE)
            powers[base] = add(powers[base], e) if base in powers else e
    if c == 0 or contradictory(powers):
        return ZERO
    c *= _opposites(powers)
    once = ((base, e is ONE or (base.op == "br" and e.op == "num" and e.attr > 0), e) for base, e in powers.items())
    parts = [base if plain else pow_(base, e) for base, plain, e in once]
    if any(g.op in ("num", "mul") for g in parts):
        return mul(num(c), *parts)
    parts.sort(key=order)
    if c != 1:
        parts.insert(0, num(c))
    if not parts:
        return ONE
    return parts[0] if len(parts) == 1 else make("mul", tuple(parts))


def _opposites(powers: dict[Node, Node]) -> int:
    """Merge a sum with its own negative among the factors, `(1 - s)/(s - 1) = -1`; the sign that comes of it."""
    sign = 1
    sums = [b for b in powers if b.op == "add"]
    for b in sums if len(sums) > 1 else ():
        other = add(*(neg(t) for t in b.args))
        if b in powers and other in powers and other is not b and is_integer(powers[b]):
            e = powers.pop(b)
            sign *= -1 if e.attr % 2 else 1
            powers[other] = add(powers[other], e)
    return sign


def contradictory(factors: Iterable[Node]) -> bool:
    """True when two of the bracket factors exclude each other: `[k = t]*[k != t]`, `[k = 1]*[k = 2]`."""
    relations = [f.args[0] for f in factors if f.op == "br"]
    if len(relations) < 2:
        return False
    held = set(relations)
    if any(negated(r) in held for r in relations):
        return True
    values: dict[Node, Node] = {}
    for r in relations:
        if r.attr == "=":
            for a, b in (r.args, r.args[::-1]):
                if b.op == "num" and values.setdefault(a, b) is not b:
                    return True
    return False


def div(a: Node, b: Node) -> Node:
    return mul(a, pow_(b, MINUS))


def pow_(base: Node, e: Node) -> Node:
    """A power; exact numbers are folded, and only rewritings that hold for every real base are made."""
    if is_num(e, 0) or is_num(base, 1):
        return ONE
    if is_num(e, 1):
        return base
    if base.op == "num" and e.op == "num" and isinstance(e.attr, int) and abs(e.attr) * base.attr.numerator.bit_length() <= 4096:
        if base.attr != 0 or e.attr > 0:
            return num(Fraction(base.attr) ** e.attr)
    if base.op == "pow" and e.op != "num" and _even(base.args[0]):
        return pow_(base.args[0], mul(base.args[1], e))
    if is_integer(e):
        if base.op == "mul":
            return mul(*(pow_(b, e) for b in base.args))
        if base.op == "pow" and (is_integer(base.args[1]) or e.attr % 2 == 1):
            return pow_(base.args[0], mul(base.args[1], e))
        if base.op == "br" and e.attr > 0:
            return base
    return make("pow", (base, e))


def _even(f: Node) -> bool:
    """A square, or a sum of squares: what is at least 0 for every real."""
    inner = f.args[0] if f.op == "red" and f.attr[0] == "sum" else f
    return inner.op == "pow" and is_integer(inner.args[1]) and inner.args[1].attr % 2 == 0


def is_integer(e: Node) -> bool:
    return e.op == "num" and isinstance(e.attr, int)


def apply(name: str, *args: Node) -> Node:
    """An elementwise function of its arguments; the larger and smaller of exact numbers are found."""
    if name in ("max", "min") and args and all(a.op == "num" for a in args):
        return (max if name == "max" else min)(args, key=lambda a: a.attr)
    return make("apply", args, name)


# -- relations and brackets ------------------------------------------------------------------------------------
NEGATION = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
EXACT = dict(zip(NEGATION, (operator.eq, operator.ne, operator.lt, operator.ge, operator.gt, operator.le), strict=True))


def rel(name: str, a: Node, b: Node) -> Node:
    """The relation `a name b`; the two sides of = and != are put in order."""
    if name in ("=", "!=") and order(b) < order(a) and not (a.op == "idx" and b.op != "idx"):
        a, b = b, a
    if name in ("=", "!=") and b.op == "idx" and a.op != "idx":
        a, b = b, a
    return make("rel", (a, b), name)


def negated(r: Node) -> Node:
    """The relation that holds exactly when `r` does not (NaN aside)."""
    return rel(NEGATION[r.attr], *r.args)


def bracket(r: Node) -> Node:
    """The number 1 where the relation holds and 0 where it does not; decided where it can be."""
    a, b = r.args
    if a is b:
        return ONE if r.attr in ("=", "<=", ">=") else ZERO
    if a.op == "num" and b.op == "num":
        return ONE if EXACT[r.attr](a.attr, b.attr) else ZERO
    if a.term and b.term and r.free:
        return _on_indices(r)
    gap = sub(a, b)
    if gap.op == "num":
        return ONE if EXACT[r.attr](gap.attr, 0) else ZERO
    return make("br", (r,))


def facts_of(r: Node) -> list[Poly]:
    """What a relation between index terms says, as polynomials that are at least 0."""
    gap = gap_of(r)
    if gap is None or r.attr == "!=":
        return []
    return [gap, scaled(gap, -1)] if r.attr == "=" else [AT_LEAST[r.attr](gap)]


def gap_of(r: Node) -> Poly | None:
    """The left side of a relation between index terms minus the right one."""
    a, b = (polynomial(x) for x in r.args)
    return None if a is None or b is None else minus(a, b)


def _on_indices(r: Node) -> Node:
    """A bracket between index terms: decided by their ranges where it can be, else in one form."""
    a, b = r.args
    if a.op == b.op == "idx" and a.attr[1] is b.attr[1]:
        return make("br", (r,))
    gap = gap_of(r)
    assert gap is not None
    known = decided(r.attr, gap)
    if known is not None:
        return ONE if known else ZERO
    parts = digits(gap) if r.attr in ("=", "!=") else None
    if parts is not None:
        both = mul(*(bracket(rel("=", of_polynomial(p), ZERO)) for p in parts))
        return both if r.attr == "=" else sub(ONE, both)
    if any(x.op in ("add", "mul") for x in r.args):
        left, name, right = standard(r.attr, gap)
        r = make("rel", (of_polynomial(left), of_polynomial(right)), name)
    return make("br", (r,))


def of_polynomial(p: Poly) -> Node:
    """The node of a polynomial."""
    return add(*(mul(num(c), *m) for m, c in p.items()))


# -- binders ---------------------------------------------------------------------------------------------------

def reduce_(kind: str, bound: Iterable[Node], body: Node, condition: Node = ONE) -> Node:
    """A reduction (sum, prod, max, min, argmax, ...) of `body` over `bound` where `condition`, a 0/1 node, is 1.

    The condition of a sum is a factor of its body; what does not depend on the bound indices leaves a sum.
    """
    bound = tuple(bound)
    if kind == "sum":
        return _sum(bound, mul(condition, body))
    if kind in ("max", "min"):  # what the entries do not depend on changes no maximum
        bound = tuple(i for i in bound if i in body.free or i in condition.free)
    if kind == "prod" and is_num(condition, 0):  # of nothing
        return ONE
    if kind == "prod":  # a factor that does not change is a power
        idle = [i for i in bound if i not in body.free and i not in condition.free]
        if idle:
            rest = reduce_(kind, (i for i in bound if i not in idle), body, condition)
            return pow_(rest, mul(*(i.attr[1] for i in idle)))
    if not bound:
        return body
    return _close(kind, bound, body, condition)


def sum_(bound: Iterable[Node], body: Node) -> Node:
    return reduce_("sum", bound, body)


def _sum(bound: tuple[Node, ...], body: Node) -> Node:
    if is_num(body, 0):
        return ZERO
    idle = [i for i in bound if i not in body.free]
    bound = tuple(i for i in bound if i in body.free)
    counts = [i.attr[1] for i in idle]
    if not bound:
        return mul(*counts, body)
    factors = body.args if body.op == "mul" else (body,)
    outside = [f for f in factors if not f.free.intersection(bound)]
    parts = [_group(tuple(i for i in bound if i in group), factors) for group in _connected(bound, factors)]
    return mul(*counts, *outside, *parts)


def _group(bound: tuple[Node, ...], factors: tuple[Node, ...]) -> Node:
    core = mul(*(f for f in factors if f.free.intersection(bound)))
    if core.op == "red" and core.attr[0] == "sum":
        more, inner, _ = open_(core)
        return _close("sum", bound + more, inner, ONE)
    return _number_of(bound, core) or _close("sum", bound, core, ONE)


def _number_of_pairs(n: Node, sign: str) -> Node | None:
    """How many pairs of values below n stand in an order: n*(n-1)/2 with <."""
    strict = mul(HALF, n, sub(n, ONE))
    return {"<": strict, ">": strict, "<=": add(strict, n), ">=": add(strict, n), "!=": mul(TWO, strict)}.get(sign)


def _number_of(bound: tuple[Node, ...], f: Node) -> Node | None:
    """How many values of one index a relation leaves: `sum[k] [k < 3]` is 3 (sizes are at least that)."""
    if f.op == "br" and len(bound) == 2 and set(f.args[0].args) == set(bound):
        return _number_of_pairs(bound[0].attr[1], f.args[0].attr) if bound[0].attr[1] is bound[1].attr[1] else None
    if f.op != "br" or len(bound) != 1:
        return None
    (a, b), sign = f.args[0].args, f.args[0].attr
    if b is bound[0]:
        a, b, sign = b, a, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
    if a is not bound[0] or not (is_integer(b) or (b.term and a not in b.free and _within(b, a.attr[1], sign))):
        return None
    n, c = bound[0].attr[1], b
    counts = {"=": ONE, "!=": sub(n, ONE), "<": c, "<=": add(c, ONE), ">": sub(n, add(c, ONE)), ">=": sub(n, c)}
    return counts[sign]


def _within(b: Node, n: Node, sign: str) -> bool:
    """Whether a size is one of the values at which a relation with it parts 0..n-1, for all sizes."""
    p, q = polynomial(b), polynomial(n)
    assert p is not None and q is not None
    if sign in ("<=", ">"):
        p = minus(p, {(): -1})
    if sign in ("=", "!="):
        q = minus(q, {(): 1})
    return nonnegative(p) and nonnegative(minus(q, p))


def _connected(bound: tuple[Node, ...], factors: tuple[Node, ...]) -> list[set[Node]]:
    """Bound indices that share factors stay in one sum; the others part: sum[i,m] f[i]*g[m] is a product of sums."""
    groups: list[set[Node]] = [{i} for i in bound]
    for f in factors:
        touched = [g for g in groups if f.free.intersection(g)]
        if len(touched) > 1:
            groups = [g for g in groups if g not in touched] + [set().union(*touched)]
    return sorted(groups, key=lambda g: min(bound.index(i) for i in g))


def _close(kind: str, bound: tuple[Node, ...], body: Node, condition: Node) -> Node:
    """Rename the bound indices to canonical names and build the node."""
    height = max(body.height, condition.height)
    ranked = sorted(bound, key=lambda i: (i.attr[1].key, _colour(i, body, condition)))
    names = {i: idx(f"#{height}.{p}", i.attr[1]) for p, i in enumerate(ranked)}
    return make("red", (renamed(body, names), renamed(condition, names)), (kind, tuple(names.values())))


def _colour(i: Node, *bodies: Node) -> tuple[Any, ...]:
    """Where an index occurs, told without index names: enough to order the bound ones of ordinary sums."""
    found: list[tuple[str, int]] = []
    stack = [b for b in bodies if i in b.free]
    while stack:
        f = stack.pop()
        for p, a in enumerate(f.args):
            if a is i:
                found.append((f.mask, p))
            elif i in a.free:
                stack.append(a)
    return (sorted(found), i.attr[0])


def open_(f: Node) -> tuple[tuple[Node, ...], Node, Node]:
    """(indices, body, condition) of a reduction, its bound indices renamed fresh: the only way to look inside one."""
    names = {i: fresh(i.attr[1]) for i in f.attr[1]}
    return tuple(names.values()), renamed(f.args[0], names), renamed(f.args[1], names)


# -- walking ---------------------------------------------------------------------------------------------------

def rebuild(f: Node, args: Iterable[Node]) -> Node:
    """The node of the same kind with other arguments, in normal form.  Reductions: the bound names must still be free."""
    new = tuple(args)
    if all(a is b for a, b in zip(new, f.args, strict=True)):
        return f
    return BUILD[f.op](f, new)


BUILD: dict[str, Callable[[Node, tuple[Node, ...]], Node]] = {
    "add": lambda f, a: add(*a),
    "mul": lambda f, a: mul(*a),
    "pow": lambda f, a: pow_(*a),
    "apply": lambda f, a: apply(f.attr, *a),
    "el": lambda f, a: el(f.attr, a),
    "rel": lambda f, a: rel(f.attr, *a),
    "br": lambda f, a: bracket(a[0]) if a[0].op == "rel" else a[0],
    "red": lambda f, a: reduce_(f.attr[0], f.attr[1], *a),
    "deriv": lambda f, a: make("deriv", a, f.attr),
}


def substitute(f: Node, names: Mapping[Node, Node]) -> Node:
    """`f` with index nodes replaced by index terms."""
    if not names:
        return f
    keys = frozenset(names)
    memo: dict[Node, Node] = {}

    def go(g: Node) -> Node:
        if not g.free.intersection(keys):
            return g
        if g.op == "idx":
            return names.get(g, g)
        if g not in memo:
            memo[g] = rebuild(g, (go(a) for a in g.args)) if g.op != "red" else _under(g, go)
        return memo[g]

    return go(f)


def renamed(f: Node, names: Mapping[Node, Node]) -> Node:
    """`f` with free indices renamed one to one, to names that occur nowhere in it: what is bound inside stays as it is."""
    keys = frozenset(names)
    memo: dict[Node, Node] = {}

    def go(g: Node) -> Node:
        if not g.free.intersection(keys):
            return g
        if g.op == "idx":
            return names.get(g, g)
        if g not in memo:
            args = tuple(map(go, g.args))
            memo[g] = make("red", args, g.attr) if g.op == "red" else BUILD[g.op](g, args)
        return memo[g]

    return go(f)


def _under(g: Node, go: Callable[[Node], Node]) -> Node:
    bound, body, condition = open_(g)
    new, held = go(body), go(condition)
    return g if new is body and held is condition else reduce_(g.attr[0], bound, new, held)


def transform(f: Node, step: Callable[[Node], Node | None]) -> Node:
    """Rewrite from the leaves up: `step` sees each node once and returns its replacement or None."""
    memo: dict[Node, Node] = {}

    def go(g: Node) -> Node:
        if g not in memo:
            if g.op == "red":
                new = _under(g, go)
            else:
                new = rebuild(g, [go(a) for a in g.args]) if g.args else g
            memo[g] = step(new) or new
        return memo[g]

    return go(f)


def walk(f: Node) -> Iterable[Node]:
    """Every distinct node below and including `f`, parents first."""
    seen: set[Node] = set()
    stack = [f]
    while stack:
        g = stack.pop()
        if g not in seen:
            seen.add(g)
            yield g
            stack.extend(reversed(g.args))


def elements(f: Node, name: str | None = None) -> list[Node]:
    """The distinct elements of one array (or of any) that `f` reads."""
    return [g for g in walk(f) if g.op == "el" and (name is None or g.attr == name)]


def reads(f: Node) -> frozenset[str]:
    """The arrays whose values or labels `f` reads, or that a function of a whole matrix is of."""
    if not hasattr(f, "arrays"):
        f.arrays = frozenset(f.attr[1:] if f.op == "tensor" else (g.attr for g in walk(f) if g.op == "el"))
    return f.arrays
