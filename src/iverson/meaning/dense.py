"""What relations, reductions and the operators of OPS are worth on NumPy arrays, not by way of `Op.meaning`.

Glossary   f, g: closures from the environment to a value; v: a value; d: the evaluator of surface_eval.py;
           depth, lead, rank: see there.
Named operators are computed as accurately as is easy (softmax is shifted); what a user spells out is not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node
from ..lang import ops
from ..lang.blocks import BLOCKS as ROWS
from ..lang.shapes import Type
from ..lang.surface import Surface
from .functions import FUNCTIONS, KINKS, distance
from .whole import WHOLE

if TYPE_CHECKING:
    from .surface_eval import Dense

Env = dict[str, Any]                        # arrays, definitions and sizes by name
Fn = Callable[[Env], Any]
Piece = tuple[Fn, int]                      # a closure, and the lead of its values
Scope = tuple[tuple[str, Node, Node], ...]  # index names, outermost first: how many values, and the first of them


# -- axes ----------------------------------------------------------------------------------------------------

def ones(rank: int) -> tuple[Any, ...]:
    """The index that appends `rank` axes of size 1."""
    return (..., *(None,) * rank)


def filled(v: Any, bound: tuple[int, ...], rank: int) -> Any:
    """`v` with the axes in front of its `rank` matrix axes at the full sizes `bound`."""
    lead = v.ndim - rank
    shape = v.shape[:max(lead - len(bound), 0)] + bound + v.shape[lead:]
    return v if v.shape == shape else np.broadcast_to(v, shape)


def place_of(tree: Surface, scope: Scope) -> int | None:
    """Which of the names in scope a tree is, the innermost of several; None when it is none."""
    names = [i for i, _, _ in scope]
    if tree.op != "name" or tree.attr not in names:
        return None
    return len(names) - 1 - names[::-1].index(tree.attr)


def placed(f: Fn, lead: int, t: Type, whole: Type) -> Fn:
    """`f` with its matrix axes where an elementwise operation with the result `whole` has them."""
    if t.rank == whole.rank or (t.rank == 0 and lead == 0):
        return f
    across = t.rank == 1 and (t.form == "row" or t.dims[0] is not whole.dims[0])
    key = ones(whole.rank) if t.rank == 0 else (..., None, slice(None)) if across else (..., None)
    return lambda env: f(env)[key]


def values_of(n: int, start: int) -> Any:
    """The values of an index: n of them, from `start` on."""
    return np.arange(start, start + max(n, 0))


def within(v: Any, own: tuple[Any, ...], at: list[Any], kept: int) -> Any:
    """Entries of `v` at index terms: nan, or the label 0, outside its axes, where only a bracket may keep them out."""
    ends = v.shape[len(own) : len(own) + len(at)]
    held = [(0 <= a) & (a < n) for a, n in zip(at, ends, strict=True)]
    got = v[(*own, *(np.clip(a, 0, n - 1) for a, n in zip(at, ends, strict=True)))] if all(ends) else np.zeros(())
    return np.where(reduce(np.logical_and, held)[ones(kept)], got, 0 if v.dtype.kind == "i" else np.nan)


# -- values --------------------------------------------------------------------------------------------------

def logsumexp(v: Any) -> Any:
    """log of the sum of exp along the last axis, shifted by the largest entry."""
    top = np.max(v, axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.sum(np.exp(v - top), axis=-1))


def softmax(v: Any) -> Any:
    e = np.exp(v - np.max(v, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


VECTORS: dict[str, Callable[[Any], Any]] = {
    "logsumexp": logsumexp, "softmax": softmax, "softmin": lambda v: softmax(-v),
    "logsoftmax": lambda v: v - logsumexp(v)[..., None],
    "normalize": lambda v: v / np.sqrt(np.sum(v * v, axis=-1, keepdims=True)),
    "cumsum": lambda v: np.cumsum(v, axis=-1), "cumprod": lambda v: np.cumprod(v, axis=-1),
}
MAPS: dict[str, Callable[..., Any]] = {**FUNCTIONS, **VECTORS, **WHOLE}
TOTALS: dict[str, Callable[..., Any]] = {
    "sum": np.add.reduce, "prod": np.multiply.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce,
    "mean": lambda v, axes: np.mean(v, axes),
    "norm1": lambda v, axes: np.add.reduce(np.abs(v), axes),
    "sumsq": lambda v, axes: np.add.reduce(v * v, axes),
    "norm2": lambda v, axes: np.sqrt(np.add.reduce(v * v, axes)),
    "norminf": lambda v, axes: np.maximum.reduce(np.abs(v), axes),
    "normp": lambda v, axes, p: np.add.reduce(np.abs(v) ** p, axes) ** (1 / p),
    "var": lambda v, axes: np.var(v, axes), "std": lambda v, axes: np.std(v, axes),
    "argmax": lambda v, axes: np.argmax(v, axes[0]), "argmin": lambda v, axes: np.argmin(v, axes[0]),
}
NEUTRAL = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -inf, "argmax": -inf, "min": inf, "argmin": inf}
PRODUCTS: dict[tuple[int, int], Callable[[Any, Any], Any]] = {     # matrix products, by the operands' ranks
    (2, 2): np.matmul, (2, 1): lambda a, b: (a @ b[..., None])[..., 0],
    (1, 2): lambda a, b: (a[..., None, :] @ b)[..., 0, :], (1, 1): lambda a, b: np.add.reduce(a * b, -1),
}
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
    ">": np.greater, ">=": np.greater_equal}
CONNECTIVES: dict[str, Callable[..., Any]] = {
    "and": lambda *truths: reduce(np.logical_and, truths), "or": lambda *truths: reduce(np.logical_or, truths),
    "not": np.logical_not}


# -- kinks ---------------------------------------------------------------------------------------------------

def top_gap(v: Any, bound: int, rank: int) -> Any:
    """Distance of the two largest entries over the `bound` axes before the last `rank`; inf if only one."""
    head = v.ndim - bound - rank
    flat = np.moveaxis(v.reshape(*v.shape[:head], -1, *v.shape[head + bound:]), head, -1)
    if flat.shape[-1] < 2:
        return np.full(flat.shape[:-1], inf)
    best = np.partition(flat, (-2, -1), axis=-1)
    return np.where(best[..., -2] == -inf, inf, distance(best[..., -1], best[..., -2]))


def top_place(v: Any, bound: int, rank: int) -> Any:
    """Which entry is the largest, over the same axes as `top_gap`."""
    head = v.ndim - bound - rank
    flat = np.moveaxis(v.reshape(*v.shape[:head], -1, *v.shape[head + bound:]), head, -1)
    return np.argmax(flat, axis=-1)


# -- calls: the closure for each kind of shape rule in OPS ---------------------------------------------------

def call_map(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """An operator of one argument, over the matrix axes."""
    (f, lead), g = d.value(tree.args[0], scope), MAPS[name]
    if name in ops.WHOLE:
        return d.of_matrix(name, f, *(d.value(a, scope)[0] for a in tree.args[1:])), lead
    f = at_zero(d, tree, name, f, scope)
    return (lambda env: g(f(env))), lead


def at_zero(d: Dense, tree: Surface, name: str, f: Fn, scope: Scope) -> Fn:
    """`f`, the argument of `name`, watched for the kinks of `name`."""
    look = d.look(tree, scope, d.type_of(tree.args[0]).rank) if name in KINKS else None
    if look is None:
        return f
    kink = KINKS[name]

    def watched(env: Env) -> Any:
        v = f(env)
        look(*kink(v))
        return v

    return watched


def call_total(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    if len(tree.args) > 1:
        return call_power_norm(d, tree, name, scope)
    (f, lead), rank = d.value(tree.args[0], scope), d.type_of(tree.args[0]).rank
    f, total, axes = at_zero(d, tree, name, f, scope), TOTALS[name], tuple(range(-rank, 0))
    look = d.look(tree, scope, 0) if name in ("max", "min", "norminf") else None

    def g(env: Env) -> Any:
        v = f(env)
        if look is not None:
            w = np.abs(v) if name == "norminf" else v if name == "max" else -v
            look(top_gap(w, rank, 0), None, place=lambda: top_place(w, rank, 0))
        return total(v, axes)

    return g, lead


def call_power_norm(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """normp(x, p): (sum of abs(x)^p)^(1/p)."""
    (f, lead), rank = d.value(tree.args[0], scope), d.type_of(tree.args[0]).rank
    f, (p, _), axes = at_zero(d, tree, "norm1", f, scope), d.value(tree.args[1], ()), tuple(range(-rank, 0))
    return (lambda env: TOTALS[name](f(env), axes, p(env))), lead


def call_map2(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """An operator of several arguments, entry by entry."""
    fs, lead = d.parts(tree, scope)
    g, kink = MAPS[name], KINKS.get(name)
    look = None if kink is None else d.look(tree, scope, d.type_of(tree).rank)

    def f(env: Env) -> Any:
        vs = [h(env) for h in fs]
        if look is not None and kink is not None:
            look(*kink(*vs))
        return g(*vs)

    return f, lead


def call_extreme(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """max or min of two or more; of one argument, over all its entries."""
    if len(tree.args) == 1:
        return call_total(d, tree, name, scope)
    fs, lead = d.parts(tree, scope)
    pick, look = (np.maximum if name == "max" else np.minimum), d.look(tree, scope, d.type_of(tree).rank)

    def f(env: Env) -> Any:
        vs = [g(env) for g in fs]
        if look is not None:
            both = np.stack(np.broadcast_arrays(*vs), -1) * (1.0 if name == "max" else -1.0)
            side = both[..., 0] > both[..., 1] if len(vs) == 2 else None
            look(top_gap(both, 1, 0), side, place=lambda: top_place(both, 1, 0))
        return reduce(pick, vs)

    return f, lead


def call_build(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    full = d.counts(d.type_of(tree).dims)
    if name == "eye":
        return (lambda env: np.eye(full(env)[0])), 0
    return (lambda env: np.full(full(env), 1.0 if name == "ones" else 0.0)), 0


def call_fill(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    (f, lead), full = d.value(tree.args[0], scope), d.counts(d.type_of(tree).dims)

    def g(env: Env) -> Any:
        v, counts = np.asarray(f(env)), full(env)
        return np.broadcast_to(v[(..., *(None,) * len(counts))], v.shape + counts)

    return g, lead


def call_diag(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    f, lead = d.value(tree.args[0], scope)
    if d.type_of(tree.args[0]).rank == 2:
        return (lambda env: np.diagonal(f(env), 0, -2, -1)), lead
    return (lambda env: np.where(np.eye((v := f(env)).shape[-1], dtype=bool), v[..., None], 0.0)), lead


def call_onehot(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    (f, lead), full = d.raw(tree.args[0], scope), d.counts(d.type_of(tree).dims[-1:])
    return (lambda env: (np.asarray(f(env))[..., None] == np.arange(*full(env))) * 1.0), lead


def call_mask(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    (f, lead), keep = d.value(tree.args[0], scope), {"tril": np.tril, "triu": np.triu}[name]
    return (lambda env: keep(f(env))), lead


def call_spread(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """A vector along one of several axes, the same for every value of the others."""
    f, lead = d.value(tree.args[0], scope)
    (axis, rank), full = (a.attr for a in tree.args[1:]), d.counts(d.type_of(tree).dims)
    key = (..., *(slice(None) if p == axis else None for p in range(rank)))

    def g(env: Env) -> Any:
        v = f(env)[key]
        return np.broadcast_to(v, v.shape[:v.ndim - rank] + full(env))

    return g, lead


def leading(v: Any, lead: int, most: int) -> Any:
    """`v` with `most` axes in front of its matrix axes, instead of `lead`."""
    return v.reshape((1,) * (most - lead) + v.shape)


def spread_out(vs: list[Any], ranks: list[int]) -> list[Any]:
    """Values whose axes in front are of one size, for operations that do not broadcast."""
    shape = np.broadcast_shapes(*(v.shape[: v.ndim - r] for v, r in zip(vs, ranks, strict=True)))
    return [np.broadcast_to(v, shape + v.shape[v.ndim - r :]) for v, r in zip(vs, ranks, strict=True)]


def joined(vs: list[Any], axis: int) -> Any:
    """Matrices beside or below each other; a vector is one more column or row."""
    full = spread_out(vs, [2] * len(vs))
    return np.concatenate(full, axis=axis)


def lines(vs: list[Any], ranks: list[int], axis: int) -> list[Any]:
    return [np.expand_dims(v, axis) if r == 1 else v for v, r in zip(vs, ranks, strict=True)]


def windows(x: Any, k: Any) -> Any:
    """sum[j] k[j]*x[i+j] over the last axes."""
    slid = np.lib.stride_tricks.sliding_window_view(x, k.shape[-1], axis=-1)
    return np.add.reduce(slid * k[..., None, :], -1)


def commutation(m: int, n: int) -> Any:
    """The matrix that takes vec(A) to vec(A') for A of m x n."""
    return np.eye(m * n)[np.arange(m * n).reshape(m, n, order="F").ravel()]


def kron(vs: list[Any], rank: int) -> Any:
    a, b = vs
    if rank == 1:
        v = a[..., :, None] * b[..., None, :]
        return v.reshape(*v.shape[:-2], -1)
    v = a[..., :, None, :, None] * b[..., None, :, None, :]
    return v.reshape(*v.shape[:-4], v.shape[-4] * v.shape[-3], -1)


# the values of the arguments, their ranks and the sizes of the result to the value
BLOCKS: dict[str, Callable[[list[Any], list[int], tuple[int, ...]], Any]] = {
    "diff": lambda vs, ranks, out: np.diff(vs[0], axis=-1),
    "flip": lambda vs, ranks, out: vs[0][..., ::-1],
    "roll": lambda vs, ranks, out: np.roll(vs[0], int(vs[1].flat[0]), axis=-1),
    "conv": lambda vs, ranks, out: windows(vs[0], vs[1][..., ::-1]),
    "correlate": lambda vs, ranks, out: windows(*vs),
    "concat": lambda vs, ranks, out: np.concatenate(spread_out(vs, ranks), -1),
    "vstack": lambda vs, ranks, out: joined(lines(vs, ranks, -2), -2),
    "hstack": lambda vs, ranks, out: joined(lines(vs, ranks, -1), -1),
    "kron": lambda vs, ranks, out: kron(vs, ranks[0]),
    "commutation": lambda vs, ranks, out: commutation(int(vs[0].flat[0]), int(vs[1].flat[0])),
    "vec": lambda vs, ranks, out: (v := np.swapaxes(vs[0], -1, -2) if ranks[0] == 2 else vs[0]).reshape(
        *v.shape[: v.ndim - ranks[0]], -1),
    "reshape": lambda vs, ranks, out: vs[0].reshape(*vs[0].shape[: vs[0].ndim - ranks[0]], *out),
}


def call_block(d: Dense, tree: Surface, name: str, scope: Scope) -> Piece:
    """Entries moved, joined or reshaped, whatever axes stand in front."""
    pieces = [d.value(a, scope) for a in tree.args]
    types = [d.type_of(a) for a in tree.args]
    most, ranks = max(lead for _, lead in pieces), [t.rank for t in types]
    full = d.counts(d.type_of(tree).dims)
    g = BLOCKS[name]
    if ROWS[name].lines and len({t.form for t in types}) > 1:
        keys: list[Any] = [(...,) if t.rank == 2 else (..., None, slice(None)) if t.form == "row" else (..., None) for t in types]
        return (lambda env: g([leading(np.asarray(f(env)), lead, most)[key]
                               for (f, lead), key in zip(pieces, keys, strict=True)], [2] * len(keys), full(env))), most
    return (lambda env: g([leading(np.asarray(f(env)), lead, most) for f, lead in pieces], ranks, full(env))), most


CALLS: dict[str, Callable[[Dense, Surface, str, Scope], Piece]] = {
    "map": call_map, "line": call_map, "same": call_map, "square": call_map, "volume": call_map,
    "flip": call_map, "like": call_map, "spectrum": call_map, "measure": call_map,
    "total": call_total, "map2": call_map2, "extreme": call_extreme, "build": call_build, "fill": call_fill, "diag": call_diag, "mask": call_mask,
    "onehot": call_onehot, "spread": call_spread, "block": call_block}
