"""A second derivative, or a Jacobian, kept as a sum of structured matrices: products, solutions, a dense copy on request.

Glossary   rows, cols: the shapes of what comes out of a product and of what goes in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..core.errors import IversonError
from .pieces import Array, Blocks, Diagonal, Gram, Kronecker, Piece

DENSE_LIMIT = 4 * 2**30
RESIDUAL = 1e-6  # relative, above which a solution is none


def require_room(shape: Sequence[int], limit: int | None = None) -> None:
    """Refuse a dense array of more bytes than the limit, by default that of the environment, IVERSON_DENSE_LIMIT."""
    own = os.environ.get("IVERSON_DENSE_LIMIT", "")
    most = limit if limit is not None else int(own) if own.isdecimal() else DENSE_LIMIT
    need = 8 * prod(shape)
    if need > most:
        raise IversonError(
            "limit",
            f"A dense {'x'.join(map(str, shape))} array takes {amount(need)}, more than the limit of {amount(most)}.",
            hint="Keep it as it is with .structured(...), which multiplies and solves; or raise the limit: "
            "todense(limit=bytes), IVERSON_DENSE_LIMIT.",
        )


def amount(n: float) -> str:
    """Bytes as a person reads them.

    >>> amount(551e9)
    '551 GB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.4g} TB"


class Structured:
    """H with `@`, `solve`, `todense`; `nbytes` it holds and `nbytes_dense` a dense copy would.

    v of a product has the shape of the variable, or that flattened to a vector, or either with one more axis at the
    end: a stack.  The result has the same form.
    """

    __array_ufunc__ = None  # so that NumPy leaves `array @ H` to us, and we to its error

    def __init__(self, pieces: Sequence[Piece], rows: tuple[int, ...], cols: tuple[int, ...]) -> None:
        self.pieces, self.rows, self.cols = tuple(pieces), rows, cols

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the dense array: rows, then columns."""
        return (*self.rows, *self.cols)

    @property
    def arrays(self) -> list[Array]:
        """What it holds."""
        return [a for p in self.pieces for a in p.arrays]

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for a in {id(a): a for a in self.arrays}.values())

    @property
    def nbytes_dense(self) -> int:
        return 8 * prod(self.shape)

    def __repr__(self) -> str:
        kinds = " + ".join(dict.fromkeys(p.text for p in self.pieces)) or "zero"
        return f"{'x'.join(map(str, self.shape))}: {kinds}; {amount(self.nbytes)}, dense {amount(self.nbytes_dense)}"

    def __matmul__(self, v: Any) -> Array:
        return self._through(v, self.cols, self.rows, self._apply)

    def solve(self, b: Any) -> Array:
        """x with H x = b, by the structure where there is a way, else by a dense copy within the limit.

        Errors   IversonError "data" where H is singular
        """
        b = np.asarray(b, dtype=float)
        if self.rows != self.cols:
            raise IversonError("shape", f"A {self.rows} by {self.cols} matrix has no inverse.")
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for way in (self._solve, self._dense_solve):
                try:
                    x = self._through(b, self.rows, self.cols, way)
                except np.linalg.LinAlgError:
                    continue
                rest = self @ x - b
                if np.linalg.norm(rest) <= RESIDUAL * np.linalg.norm(b):
                    return x
                if way is self._solve and 8 * prod(self.shape) > 2**24:
                    break
        raise IversonError(
            "data", "The matrix is singular here, or nearly so.", hint="Add a multiple of the identity: reg*norm2(w)^2 in the loss."
        )

    def todense(self, limit: int | None = None) -> Array:
        """The dense array, of the shape `shape`.  Errors: IversonError "limit" above `limit` bytes."""
        require_room(self.shape, limit)
        first = self.pieces[0] if len(self.pieces) == 1 else None
        if isinstance(first, Blocks) and not first.tied:
            return np.array(first.array)
        if isinstance(first, Gram) and len(self.rows) == 1:
            return first.matrix()
        start = next((p for p in self.pieces if isinstance(p, Gram) and len(self.rows) == 1), None)
        h = np.zeros(self.shape) if start is None else start.matrix()
        for p in self.pieces:
            if p is not start:
                p.add_to(h)
        return h

    # -- forms of arguments ------------------------------------------------------------------------------

    def _through(self, v: Any, before: tuple[int, ...], after: tuple[int, ...], f: Any) -> Array:
        v = np.asarray(v, dtype=float)
        n = len(before)
        if v.shape[:n] == before and v.ndim in (n, n + 1):
            shape = after + v.shape[n:]
        elif v.shape[:1] == (prod(before),) and v.ndim in (1, 2):
            shape = (prod(after), *v.shape[1:])
        else:
            raise IversonError(
                "shape", f"An array of shape {v.shape} does not fit a matrix for {before}.",
                hint="It has the shape of the variable, flattened or not, and may have one more axis at the end.",
            )
        return f(v.reshape(*before, -1)).reshape(shape)

    def _apply(self, v: Array) -> Array:
        if not self.pieces:
            return np.zeros((*self.rows, v.shape[-1]))
        total = self.pieces[0].apply(v)
        for p in self.pieces[1:]:
            total = total + p.apply(v)
        return total

    # -- solving -----------------------------------------------------------------------------------------

    def _solve(self, b: Array) -> Array:
        diagonals = [p for p in self.pieces if isinstance(p, Diagonal)]
        others = [p for p in self.pieces if not isinstance(p, Diagonal)]
        d = sum((p.diagonal() for p in diagonals), np.zeros(self.rows))
        if not others:
            return b / d[..., None]
        only = others[0] if len(others) == 1 else None
        if isinstance(only, Kronecker) and not diagonals:
            return self._by_factors(only, b)
        thin = [p for p in others if isinstance(p, Gram) and not p.tied and len(p.groups) == 1 and p.symmetric]
        if len(thin) == len(others) and sum(p.samples for p in thin) < d.size and np.all(d != 0.0):
            return refined(self, lambda c: low_rank(d.reshape(-1), thin, c), b)
        tied = self._tied(others)
        return self._by_blocks(tied, b) if tied else self._dense_solve(b)

    def _by_factors(self, k: Kronecker, b: Array) -> Array:
        back = {q: (p, m) for p, (q, m) in enumerate(k.factors)}
        out = b / k.scale
        for p, (_, m) in enumerate(k.factors):
            if m is not None and m.ndim == 2:
                moved = np.moveaxis(out, p, 0)
                out = np.moveaxis(np.linalg.solve(m, moved.reshape(len(m), -1)).reshape(moved.shape), 0, p)
            elif m is not None:
                out = out / m.reshape([-1 if a == p else 1 for a in range(out.ndim)])
        return out.transpose([*(back[q][0] for q in range(len(back))), out.ndim - 1])

    def _tied(self, others: Sequence[Piece]) -> tuple[int, ...]:
        """Axes that every piece ties."""
        common = set(range(len(self.rows)))
        for p in others:
            if isinstance(p, Kronecker) and p.straight:
                common &= {a for a, (_, m) in enumerate(p.factors) if m is None or m.ndim == 1}
            else:
                common &= set(p.tied) if isinstance(p, (Blocks, Gram)) else set()
        return tuple(sorted(common))

    def _by_blocks(self, tied: tuple[int, ...], b: Array) -> Array:
        """Solutions block by block; blocks that are all the same are one."""
        rest = [p for p in range(len(self.rows)) if p not in tied]
        same = all(p.d.ndim == 0 if isinstance(p, Diagonal) else isinstance(p, Kronecker) and
                   all(m is None for a, (_, m) in enumerate(p.factors) if a in tied) for p in self.pieces)  # fmt: skip
        sizes = [1 if same else self.rows[p] for p in tied]
        side = prod(self.rows[p] for p in rest)
        require_room((*sizes, side, side))
        blocks = np.zeros((*sizes, *(self.rows[p] for p in rest), *(self.rows[p] for p in rest)))
        for p in self.pieces:
            add_blocks(p, blocks, tied, rest, same)
        w = b.transpose([*tied, *rest, b.ndim - 1])
        flat = blocks.reshape(*sizes, side, side)
        if same:
            moved = np.moveaxis(w.reshape(-1, side, w.shape[-1]), 1, 0).reshape(side, -1)
            out = np.linalg.solve(flat.reshape(side, side), moved).reshape(side, -1, w.shape[-1])
            out = np.moveaxis(out, 0, 1)
        else:
            out = np.linalg.solve(flat, w.reshape(*sizes, side, -1))
        return out.reshape(w.shape).transpose([*np.argsort([*tied, *rest]), b.ndim - 1])

    def _dense_solve(self, b: Array) -> Array:
        n = prod(self.rows)
        return np.linalg.solve(self.todense().reshape(n, n), b.reshape(n, -1)).reshape(b.shape)


def add_blocks(p: Piece, blocks: Array, tied: Sequence[int], rest: Sequence[int], same: bool) -> None:
    """Add a piece that ties `tied` to its blocks."""
    n = len(tied)
    own = blocks.reshape(*blocks.shape[:n], *blocks.shape[n:])
    if isinstance(p, Diagonal):
        view = np.einsum(own, [*range(n), *(n + a for a in range(len(rest)))] + [n + a for a in range(len(rest))], [*range(n + len(rest))])
        view += p.d.transpose([*tied, *rest]) if p.d.ndim else p.d
    elif isinstance(p, Kronecker):
        dims = tuple(p.dims[a] for a in rest)
        inner = np.zeros((*dims, *dims))
        Kronecker(tuple((place, p.factors[a][1]) for place, a in enumerate(rest)), dims, p.scale).add_to(inner)
        scale: Array = np.ones(())
        for place, a in enumerate(tied):
            m = p.factors[a][1]
            scale = scale * (np.ones(()) if m is None else m.reshape([-1 if k == place else 1 for k in range(n)]))
        blocks += scale.reshape(*(scale.shape or (1,) * n), *(1 for _ in inner.shape)) * inner
    else:
        piece = p.blocks() if isinstance(p, Gram) else p.array
        extra = [a for a in p.tied if a not in tied]
        view = blocks
        if extra:  # tied within the blocks as well
            letters = [*range(n), *(n + k for k in range(len(rest)))]
            letters += [n + k if a in extra else n + len(rest) + k for k, a in enumerate(rest)]
            free = [n + k for k, a in enumerate(rest) if a not in extra] + [n + len(rest) + k for k, a in enumerate(rest) if a not in extra]
            order = [tied.index(a) if a in tied else n + list(rest).index(a) for a in p.tied]
            view = np.einsum(blocks, letters, [*order, *free])
        else:
            view = blocks.transpose([*(list(tied).index(a) for a in p.tied), *range(n, blocks.ndim)])
        view += piece


def low_rank(d: Array, thin: Sequence[Gram], b: Array) -> Array:
    """Solution with diag(d) + sum of F' W F, by Woodbury's identity."""
    F = np.concatenate([p.left for p in thin])
    W = np.concatenate([np.broadcast_to(1.0 if p.weight is None else p.weight, (p.samples,)) for p in thin])
    flat = b.reshape(len(d), -1) / d[:, None]
    inner = np.eye(len(F)) + W[:, None] * ((F / d) @ F.T)
    out = flat - (F.T @ np.linalg.solve(inner, W[:, None] * (F @ flat))) / d[:, None]
    return out.reshape(b.shape)


def refined(h: Structured, solve: Any, b: Array) -> Array:
    """A solution with one correction by its own residual."""
    x = solve(b)
    return x + solve(b - h._apply(x))
