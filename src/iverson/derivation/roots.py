"""Roots that vanish where two indices agree, as distances of a point to itself do.

`(sum[j] (X[i,j] - X[k,j])^2)^0.5` is 0 at i = k whatever X is, so it is `[i != k]*(...)^0.5`; only then is its derivative,
which divides by the root, 0 there and not 0/0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from ..core.node import ZERO, Node, bracket, mul, open_, rebuild, reduce_, rel, substitute, walk
from ..core.program import Definition, inline

MOST_INDICES = 4


def parted(f: Node, definitions: Mapping[str, Definition]) -> Node:
    """`f` with a bracket before every such root."""
    return apart(f, definitions, frozenset()) if any(map(is_root, walk(f))) else f


def apart(f: Node, definitions: Mapping[str, Definition], held: frozenset[frozenset[Node]]) -> Node:
    """The same under brackets that part the pairs `held` already."""
    if not any(map(is_root, walk(f))):
        return f
    if f.op == "red":
        bound, body, condition = open_(f)
        return reduce_(f.attr[0], bound, apart(body, definitions, held), condition)
    inner = held | frozenset(pairs_of(f.args if f.op == "mul" else ()))
    made = rebuild(f, [apart(a, definitions, inner) for a in f.args])
    pairs = agreeing(f, definitions) if is_root(f) else ()
    return mul(*(bracket(rel("!=", i, k)) for i, k in pairs if frozenset((i, k)) not in held), made)


def is_root(f: Node) -> bool:
    return f.op == "pow" and f.args[1].op == "num" and 0 < f.args[1].attr < 1


def pairs_of(factors: Iterable[Node]) -> Iterable[frozenset[Node]]:
    """Pairs of indices that a bracket of a product compares, not by equality."""
    for b in factors:
        if b.op == "br" and b.args[0].attr in ("!=", "<", ">"):
            yield frozenset(x for a in b.args[0].args for x in a.free)


def agreeing(f: Node, definitions: Mapping[str, Definition]) -> Iterable[tuple[Node, Node]]:
    """Pairs of free indices of one size at which the base is 0 where they agree."""
    free = [i for i in f.free if i.op == "idx"]
    if not 2 <= len(free) <= MOST_INDICES:
        return
    base = inline(f.args[0], definitions)
    for i, k in combinations(free, 2):
        if i.attr[1] is k.attr[1] and substitute(base, {k: i}) is ZERO:
            yield i, k
