"""Whether a matrix in index form is positive semidefinite, for all values of what stands in it.

Glossary   pairs: (row, column) index nodes that belong together.
Rows: a Gram product with weights that are at least 0, an identity, a declared matrix or the inverse of one; sums, products
entry by entry (Schur) and congruences of such.  False means that nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import permutations

from ..core.node import Node, el, is_integer, mul, open_, order, substitute, transform
from ..core.program import Program
from ..lang.ops import EVEN
from .interval import Intervals

Pairs = tuple[tuple[Node, Node], ...]
MOST_TERMS = 40
MOST_BOUND = 4
KEEP = frozenset({"inv", "sqrtm", "pinv"})  # functions whose value is positive semidefinite where the matrix is


class Semidefinite:
    """Proofs for the matrices of one program."""

    def __init__(self, program: Program, intervals: Intervals) -> None:
        self.program, self.intervals = program, intervals
        self.definitions = {d.name: d for d in program.definitions}

    def proves(self, f: Node, pairs: Pairs) -> bool:
        """Whether f, as a matrix from the column indices to the row indices, is positive semidefinite."""
        if not f.free & {i for pair in pairs for i in pair}:
            return self.intervals.nonnegative(f)
        found = getattr(self, f"_{f.op}", None)
        return found is not None and found(f, pairs)

    def array(self, name: str) -> bool:
        """Whether an array is a positive semidefinite matrix."""
        if name in self.program.inputs:
            return "spd" in self.program.inputs[name].facts
        d = self.definitions.get(name)
        if d is None or len(d.indices) != 2 or d.indices[0].attr[1] is not d.indices[1].attr[1]:
            return False
        if d.body.op == "tensor":
            return d.body.attr[0] in KEEP and self.array(d.body.attr[1])
        return self.proves(d.body, ((d.indices[0], d.indices[1]),))

    def _el(self, f: Node, pairs: Pairs) -> bool:
        d = self.definitions.get(f.attr)
        if d is not None and d.body.op != "tensor":
            return self.proves(d.at(f.args), pairs)
        return len(f.args) == 2 and any(set(f.args) == set(p) for p in pairs) and self.array(f.attr)

    def _br(self, f: Node, pairs: Pairs) -> bool:
        return f.args[0].attr == "=" and any(set(f.args[0].args) == set(p) for p in pairs)

    def _pow(self, f: Node, pairs: Pairs) -> bool:
        return is_integer(f.args[1]) and f.args[1].attr > 0 and self.proves(f.args[0], pairs)

    def _add(self, f: Node, pairs: Pairs) -> bool:
        return all(self.proves(t, pairs) for t in f.args)

    def _mul(self, f: Node, pairs: Pairs) -> bool:
        bound, body = drawn(f, pairs)
        if bound:
            return self.summed(bound, body, pairs)
        if self.product(f, pairs):
            return True
        touched = {i for p in pairs for i in p}
        whole = next((a for a in f.args if a.op == "add" and a.free & touched), None)
        if whole is None or len(whole.args) * len(f.args) > MOST_TERMS:
            return False
        rest = [a for a in f.args if a is not whole]
        return all(self.proves(mul(t, *rest), pairs) for t in whole.args)

    def product(self, f: Node, pairs: Pairs) -> bool:
        """Row factors times their mirrors, weights, and factors that are semidefinite by themselves."""
        rows, cols = frozenset(p for p, _ in pairs), frozenset(q for _, q in pairs)
        left = [a for a in f.args if a.free & rows and not a.free & cols]
        right = [a for a in f.args if a.free & cols and not a.free & rows]
        mixed = [a for a in f.args if a.free & rows and a.free & cols]
        weights = [a for a in f.args if not a.free & (rows | cols)]
        mirrored = self.even(substitute(mul(*left), dict(pairs))) is self.even(mul(*right))
        return mirrored and self.intervals.nonnegative(mul(*weights)) and all(self.proves(a, pairs) for a in mixed)

    def even(self, f: Node) -> Node:
        """With the indices of symmetric arrays in order."""
        return in_order(f, self.symmetric)

    @cached_property
    def symmetric(self) -> frozenset[str]:
        return symmetric_names(self.program)

    def _red(self, f: Node, pairs: Pairs) -> bool:
        return f.attr[0] == "sum" and self.summed(*drawn(f, pairs), pairs)

    def summed(self, bound: tuple[Node, ...], body: Node, pairs: Pairs) -> bool:
        """A sum over all bound indices; some of them may be the rows and columns of a form in between."""
        return any(self.proves(body, (*pairs, *more)) for more in pairings(bound))


def symmetric_names(program: Program) -> frozenset[str]:
    """The inputs declared symmetric, and the functions of them that are."""
    found = {n for n, i in program.inputs.items() if "symmetric" in i.facts}
    for d in program.definitions:
        if d.body.op == "tensor" and len(d.indices) == 2 and d.body.attr[0] in EVEN and d.body.attr[1] in found:
            found.add(d.name)
    return frozenset(found)


def in_order(f: Node, symmetric: frozenset[str]) -> Node:
    """Entries of symmetric matrices with their indices in order: S[j,i] is S[i,j]."""
    return transform(f, lambda g: el(g.attr, sorted(g.args, key=order)) if g.op == "el" and g.attr in symmetric else None) if symmetric else f


def pairings(bound: tuple[Node, ...]) -> Iterator[Pairs]:
    """Ways to read some bound indices as rows and columns of a form in between."""
    yield ()
    for n in range(1, len(bound) // 2 + 1) if len(bound) <= MOST_BOUND else ():
        for chosen in permutations(bound, 2 * n):
            pairs = tuple(zip(chosen[::2], chosen[1::2], strict=True))
            if all(p.attr[1] is q.attr[1] for p, q in pairs):
                yield pairs


def drawn(f: Node, pairs: Pairs) -> tuple[tuple[Node, ...], Node]:
    """(bound indices, body) of nested sums and products of sums that touch a row or a column."""
    if f.op == "red" and f.attr[0] == "sum" and f.free & {i for p in pairs for i in p}:
        bound, body, _ = open_(f)
        more, inner = drawn(body, pairs)
        return (*bound, *more), inner
    if f.op == "mul":
        parts = [drawn(a, pairs) for a in f.args]
        return tuple(i for b, _ in parts for i in b), mul(*(x for _, x in parts))
    return (), f
