"""What the operators of OPS are worth on NumPy arrays: the evaluator's own tables, not derived from `Op.meaning`.

Glossary   v: a value whose matrix axes trail; axes: the axes a total runs over.
Named operators are computed as accurately as is easy (softmax shifted); what a user spells out is not.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np


def erf(v: Any) -> Any:
    from scipy import special
    return special.erf(v)


def logsumexp(v: Any) -> Any:
    """log of the sum of exp along the last axis, shifted by the largest entry."""
    top = np.max(v, axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.sum(np.exp(v - top), axis=-1))


def softmax(v: Any) -> Any:
    e = np.exp(v - np.max(v, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def logdet(v: Any) -> Any:
    """log(det(v)): nan where the determinant is negative."""
    sign, size = np.linalg.slogdet(v)
    return np.where(sign >= 0, size, np.nan)


def inverse(v: Any) -> Any:
    """The inverse; nan where there is none."""
    try:
        return np.linalg.inv(v)
    except np.linalg.LinAlgError:
        return np.full(np.shape(v), np.nan)


def diagonal_matrix(v: Any) -> Any:
    return np.where(np.eye(v.shape[-1], dtype=bool), v[..., None], 0.0)


MAPS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "erf": erf,
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)), "softplus": lambda v: np.logaddexp(0, v),
    "relu": lambda v: np.maximum(0, v), "abs": np.abs, "sign": np.sign, "floor": np.floor, "square": np.square,
    "logsumexp": logsumexp, "softmax": softmax, "logsoftmax": lambda v: v - logsumexp(v)[..., None],
    "tr": lambda v: np.trace(v, axis1=-2, axis2=-1), "inv": inverse, "det": np.linalg.det, "logdet": logdet,
}
TOTALS: dict[str, Callable[[Any, tuple[int, ...]], Any]] = {
    "sum": np.add.reduce, "prod": np.multiply.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce,
    "mean": lambda v, axes: np.mean(v, axes),
    "norm1": lambda v, axes: np.add.reduce(np.abs(v), axes), "sumsq": lambda v, axes: np.add.reduce(v * v, axes),
    "norm2": lambda v, axes: np.sqrt(np.add.reduce(v * v, axes)),
    "argmax": lambda v, axes: np.argmax(v, axes[0]), "argmin": lambda v, axes: np.argmin(v, axes[0]),
}
NEUTRAL = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -inf, "argmax": -inf, "min": inf, "argmin": inf}
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
KINKS = ("abs", "relu", "sign", "norm1")        # a kink or a jump at 0
INVERTS = ("inv", "logdet")
