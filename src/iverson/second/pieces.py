"""Matrices with a structure, over NumPy arrays: what a second derivative is a sum of.

Glossary   A matrix takes arrays of shape cols to arrays of shape rows; V: such an array with one more axis, a stack;
tied: axes whose row index is their column index; view: the part of a dense array where tied indices are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

Array = np.ndarray
BLOCK = 2**17  # numbers of a block that a pass over samples reads: 1 MiB


def gram(x: Array, d: Array | None = None) -> Array:
    """x' diag(d) x, with half the products where d does not change sign; symmetric to the last digit."""
    if d is None or d.ndim == 0:
        return (x.T @ x) if d is None else (x.T @ x) * d
    half = len(x) // 2
    if half > max(4 * x.shape[1], BLOCK // max(x.shape[1], 1)):
        return gram(x[:half], d[:half]) + gram(x[half:], d[half:])
    low, high = d.min(initial=0.0), d.max(initial=0.0)
    if low < 0.0 < high:
        h = (x.T * d) @ x
        return (h + h.T) / 2.0
    z = x * np.sqrt(d if high > 0.0 else -d)[:, None]
    return z.T @ z if high > 0.0 else -(z.T @ z)


def tied_view(h: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """A view of a dense array on the entries with equal indices: the tied axes first, then the other rows and columns."""
    n = h.ndim // 2
    letters = list(range(n)) + list(range(n, 2 * n))
    for p, q in pairs:
        letters[n + q] = p
    first = [p for p, _ in pairs]
    rest = [c for c in letters if c not in first]
    return np.einsum(h, letters, [*first, *rest])


@dataclass(frozen=True)
class Diagonal:
    """d: of the shape of the rows, or one number for all."""

    d: Array
    dims: tuple[int, ...]

    @property
    def arrays(self) -> list[Array]:
        return [self.d]

    @property
    def text(self) -> str:
        return "diagonal" if self.d.ndim else "multiple of the identity"

    def apply(self, v: Array) -> Array:
        return self.d[..., None] * v

    def add_to(self, h: Array) -> None:
        n = prod(self.dims)
        h.reshape(n, n).reshape(-1)[:: n + 1] += self.d.reshape(-1) if self.d.ndim else self.d

    def diagonal(self) -> Array:
        return np.broadcast_to(self.d, self.dims)


@dataclass(frozen=True)
class Kronecker:
    """For every row axis its column axis and a matrix, a vector (a diagonal matrix) or None (an identity).  scale: a number."""

    factors: tuple[tuple[int, Array | None], ...]
    dims: tuple[int, ...]
    scale: float = 1.0

    @property
    def arrays(self) -> list[Array]:
        return [m for _, m in self.factors if m is not None]

    @property
    def text(self) -> str:
        def one(p: int, m: Array | None) -> str:
            return f"eye({self.dims[p]})" if m is None else f"diagonal({len(m)})" if m.ndim == 1 else "x".join(map(str, m.shape))

        swapped = [q for q, _ in self.factors] != list(range(len(self.factors)))
        return "Kronecker " + " ⊗ ".join(one(p, m) for p, (_, m) in enumerate(self.factors)) + (" with axes swapped" * swapped)

    def apply(self, v: Array) -> Array:
        out = v
        for q, m in self.factors:
            if m is not None and m.ndim == 2:
                out = np.moveaxis(np.tensordot(m, out, (1, q)), 0, q)
            elif m is not None:
                out = out * m.reshape([-1 if a == q else 1 for a in range(out.ndim)])
        out = out.transpose([*(q for q, _ in self.factors), out.ndim - 1])
        return out if self.scale == 1.0 else out * self.scale

    def add_to(self, h: Array) -> None:
        tied = [(p, q) for p, (q, m) in enumerate(self.factors) if m is None or m.ndim == 1]
        view = tied_view(h, tied)
        rows = [p for p, (_, m) in enumerate(self.factors) if m is not None and m.ndim == 2]
        cols = sorted(self.factors[p][0] for p in rows)
        place = {("row", p): len(tied) + a for a, p in enumerate(rows)}
        place |= {("col", q): len(tied) + len(rows) + a for a, q in enumerate(cols)}
        place |= {("row", p): a for a, (p, _) in enumerate(tied)}
        total: Array = np.asarray(self.scale)
        for p, (q, m) in enumerate(self.factors):
            if m is not None:
                axes = [place["row", p]] if m.ndim == 1 else [place["row", p], place["col", q]]
                m = m if axes == sorted(axes) else m.T
                total = total * m.reshape([m.shape[sorted(axes).index(a)] if a in axes else 1 for a in range(view.ndim)])
        view += total

    @property
    def straight(self) -> bool:
        """Every axis goes to itself."""
        return all(p == q for p, (q, _) in enumerate(self.factors))


@dataclass(frozen=True)
class Blocks:
    """array: over the tied axes, the other rows, the other columns; an axis that it does not depend on may have size 1."""

    tied: tuple[int, ...]
    array: Array
    dims: tuple[int, ...]

    @property
    def arrays(self) -> list[Array]:
        return [self.array]

    @property
    def text(self) -> str:
        count, n = prod(self.array.shape[: len(self.tied)]), self.array.ndim
        half = (n - len(self.tied)) // 2 + len(self.tied)
        side = prod(self.array.shape[len(self.tied) : half])
        return f"{count} blocks {side}x{side}" if self.tied else "dense"

    def apply(self, v: Array) -> Array:
        n, t = v.ndim - 1, len(self.tied)
        rest = [p for p in range(n) if p not in self.tied]
        w = v.transpose([*self.tied, *rest, n])
        rows = self.array.shape[t : self.array.ndim - len(rest)]
        blocks = self.array.reshape(*self.array.shape[:t], prod(rows), prod(w.shape[t:n]))
        out = blocks @ w.reshape(*w.shape[:t], -1, w.shape[-1])
        if not t:
            return out.reshape(*rows, -1)
        back = np.argsort([*self.tied, *rest])
        return out.reshape(*w.shape[:t], *rows, -1).transpose([*back, n])

    def add_to(self, h: Array) -> None:
        view = tied_view(h, [(p, p) for p in self.tied]) if self.tied else h
        view += self.array


@dataclass(frozen=True)
class Gram:
    """sum[n] weight * left * right over samples n.

    weight   None, over (samples, *tied) or over none; groups: (axes, left, right) with arrays over (samples, *axes)
    """

    weight: Array | None
    tied: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], Array, Array], ...]
    dims: tuple[int, ...]

    @property
    def samples(self) -> int:
        return len(self.groups[0][1])

    @property
    def arrays(self) -> list[Array]:
        return [*(a for _, x, y in self.groups for a in (x, y)), *([] if self.weight is None else [self.weight])]

    @property
    def held(self) -> int:
        """How many numbers it stores."""
        return sum(a.size for a in {id(a): a for a in self.arrays}.values())

    @property
    def size(self) -> int:
        """How many numbers the same would be, summed."""
        sides = prod(prod(x.shape[1:]) ** 2 for _, x, _ in self.groups)
        return sides * prod(self.dims[p] for p in self.tied)

    @property
    def symmetric(self) -> bool:
        return all(x is y for _, x, y in self.groups)

    @property
    def text(self) -> str:
        return f"rank {self.samples}" + (f" in each of {prod(self.dims[p] for p in self.tied)} blocks" if self.tied else "")

    def apply(self, v: Array) -> Array:
        """One pass over blocks of samples."""
        per = sum(prod(x.shape[1:]) for _, x, _ in self.groups)
        step = max(64, BLOCK // max(per, 1))
        total = self._apply(v, slice(0, step))
        for a in range(step, self.samples, step):
            total = total + self._apply(v, slice(a, a + step))
        return total

    def _apply(self, v: Array, part: slice) -> Array:
        groups = sorted(self.groups, key=lambda g: -g[1][0].size)
        order = [p for axes, _, _ in groups for p in axes]
        w = v.transpose([*order, *self.tied, v.ndim - 1])
        tail = w.shape[len(order) :]
        w = w.reshape(*(prod(self.dims[p] for p in axes) for axes, _, _ in groups), -1)
        flat = [(x[part].reshape(len(x[part]), -1), y[part].reshape(len(y[part]), -1)) for _, x, y in groups]
        t = np.tensordot(flat[0][1], w, (1, 0))
        for _, y in flat[1:]:
            t = np.einsum("nk...,nk->n...", t, y)
        t = t.reshape(len(flat[0][0]), *tail)
        if self.weight is not None:
            weight = self.weight[part] if self.weight.ndim else self.weight
            t = t * weight.reshape(*weight.shape, *(1 for _ in range(t.ndim - weight.ndim)))
        t = t.reshape(len(flat[0][0]), -1)
        for x, _ in flat[:0:-1]:
            t = x.reshape(*x.shape, *(1 for _ in range(t.ndim - 1))) * t[:, None]
        out = np.tensordot(flat[0][0], t, (0, 0)).reshape(*(self.dims[p] for p in order), *tail)
        return out.transpose([*np.argsort([*order, *self.tied]), v.ndim - 1])

    def add_to(self, h: Array) -> None:
        view = tied_view(h, [(p, p) for p in self.tied])
        if self.tied:
            view += self.blocks()
            return
        order = [p for axes, _, _ in self.groups for p in axes]
        back = np.argsort(order)
        out = self.matrix().reshape(*(self.dims[p] for p in order), *(self.dims[p] for p in order))
        view += out.transpose([*back, *(len(order) + back)])

    def blocks(self) -> Array:
        """Over the tied axes, the other rows and columns."""
        shape = tuple(self.dims[p] for p in self.tied)
        order = [p for axes, _, _ in self.groups for p in axes]
        sides = tuple(self.dims[p] for p in order)
        back = np.argsort(order)
        assert self.weight is not None
        weights = np.broadcast_to(self.weight.reshape(self.samples, -1) if self.weight.ndim > 1 else self.weight[:, None],
                                  (self.samples, prod(shape)))  # fmt: skip
        found = [self.matrix(np.ascontiguousarray(w)).reshape(*sides, *sides).transpose([*back, *(len(order) + back)]) for w in weights.T]
        return np.stack(found).reshape(*shape, *found[0].shape)

    def matrix(self, weight: Array | None = None) -> Array:
        """The sum as a matrix, the groups in order; without tied axes, or for one entry of them with its weight."""
        weight = self.weight if weight is None else weight
        if len(self.groups) == 1 and self.symmetric:
            return gram(self.groups[0][1].reshape(self.samples, -1), weight)
        wide = prod(prod(x.shape[1:]) for _, x, _ in self.groups)
        step = max(2 * wide, 2 * BLOCK // max(wide, 1))
        total = np.zeros((wide, wide))
        for a in range(0, self.samples, step):
            part = slice(a, a + step)
            w = weight if weight is None or not weight.ndim else weight[part]
            x = products([x[part] for _, x, _ in self.groups])
            total += gram(x, w) if self.symmetric else weighted(x, products([y[part] for _, _, y in self.groups]), w)
        return total

    @cached_property
    def left(self) -> Array:
        """(samples, all rows) of a Gram matrix with one group and no tied axes."""
        return self.groups[0][1].reshape(self.samples, -1)


def weighted(x: Array, y: Array, w: Array | None) -> Array:
    return x.T @ y if w is None else (x.T * w) @ y


def products(arrays: Sequence[Array]) -> Array:
    """Row by row the outer product of the arrays, flattened."""
    total = arrays[0].reshape(len(arrays[0]), -1)
    for x in arrays[1:]:
        total = (total[:, :, None] * x.reshape(len(x), 1, -1)).reshape(len(x), -1)
    return total


Piece = Diagonal | Kronecker | Blocks | Gram
