"""Arithmetic of what a formula of a note is worth at one instance: arrays that know whether they stand as a row.

Glossary   v: a value; row: a vector that lies; flexible: the derivative of a scalar by a vector, which notes write either way.
A complex array carries a derivative: its imaginary part, times 1/STEP.  Comparisons look at the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError, Span

STEP = 1e-100


class Unequal(Exception):
    """Two sizes meet that were not known to be one."""

    def __init__(self, a: int, b: int) -> None:
        self.pair = (a, b)


class Misfit(IversonError):
    """The kinds of two values do not go together; another reading of a symbol may."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__("shape", message, span)


@dataclass(frozen=True)
class Val:
    """A value with its axes."""

    a: Any
    row: bool = False
    flexible: bool = False

    @property
    def rank(self) -> int:
        return getattr(self.a, "ndim", 0)


def match(p: int, q: int) -> None:
    if p != q:
        raise Unequal(p, q)


def turned(v: Val) -> Val:
    if v.rank <= 1:
        return replace(v, row=not v.row) if v.rank else v
    if v.rank > 2:
        raise Misfit("A transpose of more than two axes is not read.")
    return Val(v.a.T)


def added(x: Val, y: Val, sign: int = 1) -> Val:
    if x.rank and y.rank:
        if x.rank != y.rank:
            raise Misfit("Arrays with different numbers of axes are added.")
        for p, q in zip(x.a.shape, y.a.shape, strict=True):
            match(p, q)
        if x.rank == 1 and x.row != y.row and not (x.flexible or y.flexible):
            raise Misfit("A row and a column are added.")
    shape = (y if x.flexible else x) if x.rank else y
    return Val(x.a + sign * y.a, shape.row, x.flexible and (y.flexible or not y.rank))


def entrywise(f: Any, x: Val, y: Val) -> Val:
    if x.rank and y.rank:
        if x.rank != y.rank:
            raise Misfit("The factors of an entrywise product differ in their axes.")
        for p, q in zip(x.a.shape, y.a.shape, strict=True):
            match(p, q)
    shape = (y if x.flexible else x) if x.rank else y
    return Val(f(x.a, y.a), shape.row, x.flexible and (y.flexible or not y.rank))


def multiplied(x: Val, y: Val, dot: bool = False, said: Any = None) -> Val:
    """The product of two values side by side; with a dot between them two columns have an inner product."""
    if not x.rank or not y.rank:
        shape = x if x.rank else y
        return Val(x.a * y.a, shape.row, shape.flexible)
    if x.rank > 2 or y.rank > 2:
        match(x.a.shape[-1], y.a.shape[0])
        return Val(np.tensordot(x.a, y.a, 1), x.rank == 1)
    if x.rank == 2 and y.rank == 2:
        match(x.a.shape[1], y.a.shape[0])
        return Val(x.a @ y.a)
    if x.rank == 2:
        if y.row and not y.flexible:
            raise Misfit("A matrix is multiplied by a row.")
        match(x.a.shape[1], y.a.shape[0])
        return Val(x.a @ y.a)
    if y.rank == 2:
        if not x.row and not x.flexible:
            raise Misfit("A column stands before a matrix.")
        if not x.row and said:
            said()
        match(x.a.shape[0], y.a.shape[0])
        return Val(x.a @ y.a, True)
    return of_vectors(x, y, dot, said)


def of_vectors(x: Val, y: Val, dot: bool, said: Any) -> Val:
    if x.flexible and y.flexible and x.row == y.row:
        x, y = replace(x, row=True), replace(y, row=False)
    elif x.row == y.row and (x.flexible or y.flexible):
        if said:
            said()
        x, y = (replace(x, row=not x.row), y) if x.flexible else (x, replace(y, row=not y.row))
    if x.row and not y.row:
        match(x.a.shape[0], y.a.shape[0])
        return Val(x.a @ y.a)
    if not x.row and y.row:
        return Val(np.outer(x.a, y.a))
    if dot:
        match(x.a.shape[0], y.a.shape[0])
        return Val(x.a @ y.a)
    raise Misfit("Two columns, or two rows, stand side by side.")


def divided(x: Val, y: Val) -> Val:
    if y.rank == 0:
        return replace(x, a=x.a / y.a)
    if x.rank == y.rank:
        return entrywise(np.divide, x, y)
    raise Misfit("It is divided by an array.")


def powered(x: Val, n: Val) -> Val:
    if n.rank:
        raise Misfit("An exponent is an array.")
    k = n.a
    whole = np.imag(k) == 0 and float(np.real(k)).is_integer()
    if x.rank == 2 and whole:
        match(*x.a.shape)
        return Val(np.linalg.matrix_power(x.a, int(np.real(k))))
    if x.rank == 2:
        raise Misfit("A power of a matrix that is no whole number is not read.")
    return replace(x, a=entry_power(x.a, k))


def entry_power(a: Any, k: Any) -> Any:
    """a^k of numbers; a vector's power is that of its entries, which is all that notes can mean by it."""
    whole = np.imag(k) == 0 and float(np.real(k)).is_integer()
    return a ** int(np.real(k)) if whole else np.exp(k * log(a))


# -- functions of entries -------------------------------------------------------------------------------------


def log(a: Any) -> Any:
    real = np.real(a)
    with np.errstate(all="ignore"):
        return np.where(real > 0, np.log(np.where(real > 0, a, 1)), np.nan)


def larger(a: Any, b: Any) -> Any:
    return np.where(np.real(a) > np.real(b), a, b)


def smaller(a: Any, b: Any) -> Any:
    return np.where(np.real(a) < np.real(b), a, b)


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def softmax(a: Any) -> Any:
    e = np.exp(a - np.max(np.real(a), axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def absolute(a: Any) -> Any:
    return np.where(np.real(a) < 0, -a, a)


def root(a: Any) -> Any:
    return np.where(np.real(a) >= 0, np.sqrt(np.where(np.real(a) >= 0, a, 1)), np.nan)


ENTRYWISE: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": log, "sqrt": root, "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "sinh": np.sinh,
    "cosh": np.cosh, "sigmoid": sigmoid, "abs": absolute, "log1p": lambda a: log(1 + a), "expm1": lambda a: np.exp(a) - 1,
    "softplus": lambda a: larger(a, 0) + np.log(1 + np.exp(-absolute(a))), "relu": lambda a: larger(a, 0 * a),
    "log2": lambda a: log(a) / np.log(2), "log10": lambda a: log(a) / np.log(10), "sign": lambda a: np.sign(np.real(a)),
}
WHOLE: dict[str, Callable[..., Any]] = {
    "softmax": softmax, "logsumexp": lambda a: np.log(np.sum(np.exp(a))), "tr": np.trace, "det": np.linalg.det,
    "logdet": lambda a: log(np.linalg.det(a)), "inv": np.linalg.inv, "sum": np.sum, "mean": np.mean,
    "logsoftmax": lambda a: np.log(softmax(a)), "diag": np.diag,
}
SQUARE = ("tr", "det", "logdet", "inv")
SCALARS = ("logsumexp", "tr", "det", "logdet", "sum", "mean")
