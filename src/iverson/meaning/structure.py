"""Declared structure on numbers: how values that have it are drawn, and whether given values have it.

Glossary   v: an array;  KIN: an array of the structure near v;  HOLDS: whether v is of the structure.
TANGENT    the directions in which an array x can move within its structure: the nearest of them to a direction v
PAIRING    how a gradient by the free entries and a direction are multiplied
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..lang.structure import STACKED, kind_of

TOLERANCE = 1e-8  # of the largest entry

Linear = Callable[[Any], Any]


def even(v: Any) -> Any:
    return (v + v.T) / 2


def odd(v: Any) -> Any:
    return (v - v.T) / 2


def diagonal(v: Any) -> Any:
    return np.diag(np.diag(v))


LINEAR: Mapping[str, Linear] = {
    "diagonal": diagonal, "symmetric": even, "lower": np.tril, "upper": np.triu, "skew": odd,
}


def within(f: Linear) -> Callable[[Any, Any], Any]:
    """The directions within a linear structure, the same at every x."""
    return lambda v, x: f(v)


TANGENT: Mapping[str, Callable[[Any, Any], Any]] = {
    **{fact: within(f) for fact, f in LINEAR.items()},
    "orthonormal": lambda v, x: v - x @ even(x.T @ v),
    "unit": lambda v, x: v - x * (x @ v),
    "simplex": lambda v, x: v - v.mean(-1, keepdims=True),
}
PAIRING: Mapping[str, Callable[[Any, Any], Any]] = {
    "symmetric": lambda g, v: np.sum(np.triu(g * v)),
    "skew": lambda g, v: np.sum(np.tril(g * v, -1)),
}


def positive(v: Any) -> Any:
    return np.abs(v) + 0.2 * np.abs(v).max() if (v <= 0).any() else v


def simplex(v: Any) -> Any:
    v = np.abs(v) + 0.1 * np.abs(v).max()
    return v / v.sum(-1, keepdims=True)


def definite(v: Any) -> Any:
    return v @ v.T / len(v) + 0.5 * np.mean(v * v) * np.eye(len(v))


def orthonormal(v: Any) -> Any:
    """nan where there are more columns than rows: no such matrix has orthonormal columns."""
    return np.linalg.qr(v)[0] if v.shape[0] >= v.shape[1] else np.full(v.shape, np.nan)


def onehot(v: Any) -> Any:
    return np.eye(v.shape[-1])[np.argmax(v, -1)]


def unit(v: Any) -> Any:
    size = np.linalg.norm(v)
    return v / size if size > 0 else np.eye(1, len(v))[0]


KIN: Mapping[str, Linear] = {
    "positive": positive, "simplex": simplex, "spd": definite, "orthonormal": orthonormal, "onehot": onehot,
    "unit": unit, **LINEAR,
}


def each(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A property of a matrix, of all of a stack."""
    return lambda v: all(map(holds, v))


def stacked(f: Linear) -> Linear:
    """A function of a matrix, of every one of a stack."""
    return lambda v: np.array([f(x) for x in v]).reshape(v.shape)


KIN = {**KIN, **{STACKED + fact: stacked(KIN[fact]) for fact in ("symmetric", "spd")}}


def with_facts(facts: Iterable[str], v: Any) -> Any:
    """An array near `v` that has the declared properties."""
    for fact in facts:
        v = KIN[fact](v) if fact in KIN else v
    return v


def close(a: Any, b: Any) -> bool:
    return bool(np.all(np.abs(a - b) <= TOLERANCE * (np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0))))


def has_cholesky(v: Any) -> bool:
    try:
        np.linalg.cholesky(v)
    except np.linalg.LinAlgError:
        return False
    return True


HOLDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "positive": (lambda v: bool((v > 0).all()), "has an entry that is not positive"),
    "simplex": (
        lambda v: bool((v >= -TOLERANCE).all()) and close(v.sum(-1), np.ones(v.shape[:-1])),
        "does not hold numbers from 0 on that sum to 1",
    ),
    "symmetric": (lambda v: close(v, v.T), "is not symmetric"),
    "spd": (lambda v: close(v, v.T) and has_cholesky(even(v)), "is not symmetric positive definite"),
    "orthonormal": (lambda v: close(v.T @ v, np.eye(v.shape[1])), "has columns that are not orthonormal"),
    "orthogonal": (lambda v: close(v.T @ v, np.eye(len(v))), "is not orthogonal"),
    "onehot": (
        lambda v: bool(((v == 0) | (v == 1)).all() and (v.sum(-1) == 1).all()),
        "has a row that is not one 1 among 0s",
    ),
    "unit": (lambda v: close(np.linalg.norm(v), 1.0), "does not have length 1"),
    "skew": (lambda v: close(v, -v.T), "is not skew"),
    "diagonal": (lambda v: close(v, diagonal(v)), "has an entry off the diagonal"),
    "lower": (lambda v: close(v, np.tril(v)), "has an entry above the diagonal"),
    "upper": (lambda v: close(v, np.triu(v)), "has an entry below the diagonal"),
}

HOLDS = {**HOLDS, **{STACKED + fact: (each(HOLDS[fact][0]), f"has a matrix that {HOLDS[fact][1]}") for fact in ("symmetric", "spd")}}


def check_facts(name: str, facts: Iterable[str], v: Any) -> None:
    """IversonError `data` where the values do not have what was declared; nan and inf are let through."""
    for fact in facts:
        holds, text = HOLDS[fact]
        if not np.isfinite(v).all() or holds(v):
            continue
        raise IversonError(
            "data", f"{name} {text}, but it is declared {kind_of((fact,))}.", hint="Formulas and code make use of what is declared."
        )
