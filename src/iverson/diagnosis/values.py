"""Dense values of nodes on one instance, kept for every node: a formula and its many variants cost little more than one.

Glossary   axes: the free indices of a node, in the order of the array's axes;  point: arrays and sizes of one instance.
Nodes are interned, so variants share what they have in common.  A false bracket is a strong zero.  Nothing is
verified by these values: they only tell which mistake reproduces a gradient that has been found wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.node import Node, reads
from ..core.program import Definition
from ..meaning.functions import FUNCTIONS
from ..meaning.reference import WHOLE

LARGEST = 400_000  # entries of an intermediate array; what needs more is not tried
CONSTANTS = {"pi": np.pi, "inf": np.inf}
Piece = tuple[tuple[Node, ...], Any]
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
FOLDS: dict[str, tuple[Callable[..., Any], float]] = {
    "sum": (np.sum, 0.0), "prod": (np.prod, 1.0), "max": (np.max, -np.inf), "min": (np.min, np.inf),
    "argmax": (np.argmax, -np.inf), "argmin": (np.argmin, np.inf),
}  # fmt: skip


class TooLarge(Exception):
    """An intermediate array beyond LARGEST."""


class Values:
    """The values of nodes over some definitions at one point.

    pinned   nodes whose value is given, whatever they are made of
    """

    def __init__(self, definitions: Iterable[Definition], arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        self.definitions = {d.name: d for d in definitions}
        self.arrays, self.sizes = arrays, sizes
        self.memo: dict[Node, Piece] = {}
        self.tables: dict[str, Any] = {}
        self.parent: Values | None = None
        self.changed: frozenset[str] = frozenset()
        self.pinned: frozenset[Node] = frozenset()
        self.touched: dict[Node, bool] = {}

    def variant(self, changed: Mapping[str, Definition], pinned: Mapping[Node, Piece] | None = None) -> Values:
        """The same point with other definitions, or with some nodes held: only what rests on these is found anew."""
        new = Values((), self.arrays, self.sizes)
        new.definitions = {**self.definitions, **changed}
        new.parent, new.pinned = self, frozenset(pinned or ())
        new.memo.update(pinned or {})
        moved = set(changed)
        for d in self.definitions.values():
            if not moved.isdisjoint(names_read(d)) or any(g in new.pinned for g in below(d.body)):
                moved.add(d.name)
        new.changed = frozenset(moved)
        return new

    def array(self, f: Node, indices: Sequence[Node]) -> Any:
        """`f` as an array with exactly these axes, in order."""
        with np.errstate(all="ignore"):
            return self.full(self.of(f), indices)

    def full(self, piece: Piece, indices: Sequence[Node]) -> Any:
        shape = tuple(self.count(i.attr[1]) for i in indices)
        return np.broadcast_to(spread(piece, indices), shape)

    def table(self, name: str) -> Any:
        """All entries of an input or a definition."""
        if name not in self.definitions:
            return self.arrays[name]
        if self.parent is not None and name not in self.changed:
            return self.parent.table(name)
        if name not in self.tables:
            d = self.definitions[name]
            self.tables[name] = whole(d, self) if d.body.op == "tensor" else self.full(self.of(d.body), d.indices)
        return self.tables[name]

    def count(self, n: Node) -> int:
        return int(self.of(n)[1]) if n.op not in ("size", "num") else int(n.attr if n.op == "num" else self.sizes[n.attr])

    def of(self, f: Node) -> Piece:
        """(axes, array) of a node."""
        found = self.memo.get(f)
        if found is None:
            if self.parent is not None and not self.rests(f):
                return self.parent.of(f)
            found = getattr(self, f"_{f.op}")(f)
            if np.size(found[1]) > LARGEST:
                raise TooLarge
            self.memo[f] = found
        return found

    def rests(self, f: Node) -> bool:
        """Whether the value of `f` depends on what is changed here."""
        if f not in self.touched:
            self.touched[f] = (
                f in self.pinned or (f.op == "el" and f.attr in self.changed) or any(map(self.rests, f.args))
            )
        return self.touched[f]

    # -- leaves

    def _num(self, f: Node) -> Piece:
        return (), float(f.attr)

    def _const(self, f: Node) -> Piece:
        return (), CONSTANTS[f.attr]

    def _size(self, f: Node) -> Piece:
        return (), float(self.sizes[f.attr])

    def _idx(self, f: Node) -> Piece:
        return (f,), np.arange(self.count(f.attr[1]), dtype=float)

    def _el(self, f: Node) -> Piece:
        base = np.asarray(self.table(f.attr))
        if all(t.op == "idx" for t in f.args) and len(set(f.args)) == len(f.args):
            return f.args, base
        axes, terms = self.aligned(f.args)
        places = [np.rint(t).astype(int) for t in terms]
        inside = [np.clip(p, 0, n - 1) for p, n in zip(places, base.shape, strict=True)]
        out = [p != q for p, q in zip(places, inside, strict=True)]
        value = base[tuple(np.broadcast_arrays(*inside))]
        return axes, np.where(np.logical_or.reduce(np.broadcast_arrays(*out)), 0.0, value)

    # -- arithmetic

    def aligned(self, parts: Sequence[Node]) -> tuple[tuple[Node, ...], list[Any]]:
        pieces = [self.of(p) for p in parts]
        axes = tuple(dict.fromkeys(i for own, _ in pieces for i in own))
        return axes, [spread(p, axes) for p in pieces]

    def _add(self, f: Node) -> Piece:
        axes, parts = self.aligned(f.args)
        total = parts[0]
        for p in parts[1:]:
            total = total + p
        return axes, total

    def _mul(self, f: Node) -> Piece:
        return times([self.of(a) for a in f.args], [a.op == "br" for a in f.args])

    def _pow(self, f: Node) -> Piece:
        axes, (base, e) = self.aligned(f.args)
        return axes, np.float64(base) ** e

    def _apply(self, f: Node) -> Piece:
        axes, parts = self.aligned(f.args)
        return axes, self.function(f.attr)(*parts)

    def function(self, name: str) -> Callable[..., Any]:
        if name in ("max", "min"):
            pick = np.maximum if name == "max" else np.minimum
            return lambda *xs: xs[0] if len(xs) == 1 else pick(xs[0], self.function(name)(*xs[1:]))
        if name.endswith("'"):
            return self.arrays[name[:-1]][1]
        return FUNCTIONS[name] if name in FUNCTIONS else self.arrays[name][0]

    def _br(self, f: Node) -> Piece:
        axes, (a, b) = self.aligned(f.args[0].args)
        return axes, np.asarray(RELATIONS[f.args[0].attr](a, b), float)

    # -- binders

    def _red(self, f: Node) -> Piece:
        kind, bound = f.attr
        body, condition = f.args
        if kind == "sum" and body.op == "mul":
            return self.product_sum(bound, body)
        axes, (value, held) = self.aligned((body, condition))
        fold, neutral = FOLDS[kind]
        axes = (*(i for i in axes if i not in bound), *bound)
        value, held = (spread((tuple(a), v), axes) for a, v in ((self.of(body)[0], self.of(body)[1]), self.of(condition)))
        shape = tuple(self.count(i.attr[1]) for i in axes)
        value = np.broadcast_to(np.where(held, value, neutral) if condition.op != "num" else value, shape)
        places = tuple(range(len(axes) - len(bound), len(axes)))
        rest = axes[: len(axes) - len(bound)]
        if kind.startswith("arg"):
            return rest, np.asarray(fold(value.reshape((*value.shape[: len(rest)], -1)), axis=-1), float)
        return rest, fold(value, axis=places)

    def product_sum(self, bound: Sequence[Node], body: Node) -> Piece:
        """A sum of a product: the bound indices leave one at a time, the cheapest first."""
        pieces = [(self.of(a), a.op == "br") for a in body.args]
        left = list(bound)
        while left:
            i = min(left, key=lambda i: len({j for (axes, _), _ in pieces if i in axes for j in axes}))
            left.remove(i)
            mine = [p for p in pieces if i in p[0][0]]
            pieces = [p for p in pieces if i not in p[0][0]]
            axes, value = times([p for p, _ in mine], [b for _, b in mine])
            total = np.sum(value, axis=axes.index(i)) if mine else self.count(i.attr[1])
            pieces.append(((tuple(j for j in axes if j is not i), total), False))
        return times([p for p, _ in pieces], [b for _, b in pieces])


def spread(piece: Piece, axes: Sequence[Node]) -> Any:
    """The array with its axes in this order, of length 1 where it does not depend on one."""
    own, value = piece
    if not own:
        return value
    order = sorted(range(len(own)), key=lambda p: axes.index(own[p]))
    value = np.transpose(value, order)
    return value[tuple(slice(None) if i in own else None for i in axes)]


def times(pieces: Sequence[Piece], strong: Sequence[bool]) -> Piece:
    axes = tuple(dict.fromkeys(i for own, _ in pieces for i in own))
    value: Any = 1.0
    held: Any = None
    for piece, bracket in zip(pieces, strong, strict=True):
        v = spread(piece, axes)
        if bracket:
            held = v if held is None else held * v
        else:
            value = value * v
        if np.size(value) > LARGEST:
            raise TooLarge
    return axes, value if held is None else np.where(held != 0, value, 0.0) * held


def whole(d: Definition, at: Values) -> Any:
    """A whole-matrix function of the array it names; nan where there is none."""
    function, source = d.body.attr
    a = np.asarray(at.table(source), float)
    try:
        return np.asarray(WHOLE[function](a), float)
    except np.linalg.LinAlgError:
        return np.full(tuple(at.count(i.attr[1]) for i in d.indices), np.nan)


def names_read(d: Definition) -> frozenset[str]:
    return reads(d.body)


def below(f: Node) -> Iterable[Node]:
    seen: set[Node] = set()
    stack = [f]
    while stack:
        g = stack.pop()
        if g not in seen:
            seen.add(g)
            yield g
            stack.extend(g.args)


