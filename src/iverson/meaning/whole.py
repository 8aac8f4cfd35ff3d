"""Functions of whole matrices on NumPy arrays, over the last two axes; nan where one has no value.

Glossary   v: a matrix or a stack of them; w, u: eigenvalues, ascending, and eigenvectors; s: singular values.
cholesky and the eigenvalues are those of the symmetric part; expm, logm, sqrtm and powers are those of any matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

MOST_CONDITION = 1e6  # of the eigenvectors of a matrix that is near to one without enough of them
NEAR = 1e-5  # eigenvalues nearer than this share one slope


def logdet(v: Any) -> Any:
    """log(det(v)): nan where the determinant is negative."""
    sign, size = np.linalg.slogdet(v)
    return np.where(sign >= 0, size, np.nan)


def guarded(f: Callable[[Any], Any], v: Any) -> Any:
    """f(v); nan where there is none."""
    try:
        if np.isfinite(v).all():
            return f(v)
    except np.linalg.LinAlgError:
        pass
    return np.full_like(f(np.broadcast_to(np.eye(*v.shape[-2:]), v.shape)), np.nan)


def even(v: Any) -> Any:
    """The symmetric part."""
    return (v + np.swapaxes(v, -1, -2)) / 2


def singular(v: Any) -> Any:
    return guarded(lambda a: np.linalg.svd(a, compute_uv=False), v)


def polar(a: Any) -> Any:
    """U*V' of the thin singular value decomposition."""
    u, _, w = np.linalg.svd(a, full_matrices=False)
    return u @ w


def dominant(a: Any) -> Any:
    """u*v' of the largest singular value."""
    u, _, w = np.linalg.svd(a, full_matrices=False)
    return u[..., :, :1] * w[..., :1, :]


def end_vector(a: Any, end: int) -> Any:
    """The eigenvector of the largest or smallest eigenvalue, its largest entry positive."""
    u = np.linalg.eigh(even(a))[1][..., end]
    top = np.take_along_axis(u, np.argmax(np.abs(u), -1)[..., None], -1)
    return u * np.where(top < 0, -1.0, 1.0)


def end_gaps(a: Any, end: int) -> Any:
    """The inverse of w[end]*I - v on the complement of the eigenvector of w[end], 0 on that eigenvector."""
    w, u = np.linalg.eigh(even(a))
    gaps = w[..., end, None] - w
    gaps[..., end] = np.inf
    return (u / gaps[..., None, :]) @ np.swapaxes(u, -1, -2)


def of_eigenvalues(f: Callable[..., Any], a: Any, *more: Any) -> Any:
    """f of any real matrix, from its complex eigenvalues; nan where it is not real or too near to a Jordan block."""
    w, u = np.linalg.eig(a)
    whole = (u * f(w.astype(complex), *more)[..., None, :]) @ np.linalg.inv(u)
    real = np.abs(whole.imag).max((-1, -2)) <= 1e-10 * (1 + np.abs(whole.real).max((-1, -2)))
    return np.where((real & (np.linalg.cond(u) < MOST_CONDITION))[..., None, None], whole.real, np.nan)


def power(w: Any, p: Any) -> Any:
    return w**p


def matpow(v: Any, p: Any) -> Any:
    """Any power; a whole one by products."""
    if float(p).is_integer() and abs(p) < 64:
        return guarded(lambda a: np.linalg.matrix_power(a, int(p)), v)
    return guarded(lambda a: of_eigenvalues(power, a, p), v)


def slopes(f: Callable[..., Any], slope: Callable[..., Any], v: Any, *more: Any) -> Any:
    """(f(w[i]) - f(w[j]))/(w[i] - w[j]) over the eigenvalues of v, the slope of f where the two are near."""
    w = guarded(np.linalg.eigvalsh, even(v))
    a, b = w[..., :, None], w[..., None, :]
    near = np.abs(a - b) <= NEAR * (np.abs(a) + np.abs(b))
    quotient = (f(a, *more) - f(b, *more)) / np.where(near, 1.0, a - b)
    return np.where(near, slope((a + b) / 2, *more), quotient)


def trace(v: Any) -> Any:
    return np.trace(v, axis1=-2, axis2=-1)


expm, logm, sqrtm = (partial(guarded, partial(of_eigenvalues, f)) for f in (np.exp, np.log, np.sqrt))

def adjugate(a: Any) -> Any:
    """det(a)*inv(a), finite where `a` is singular: for each singular value the product of the others."""
    u, s, w = np.linalg.svd(a)
    sign = (np.linalg.det(u) * np.linalg.det(w))[..., None, None]
    others = np.stack([np.prod(np.delete(s, k, axis=-1), axis=-1) for k in range(s.shape[-1])], axis=-1)
    return sign * (np.swapaxes(w, -1, -2) * others[..., None, :]) @ np.swapaxes(u, -1, -2)


WHOLE: dict[str, Callable[..., Any]] = {
    "adj": partial(guarded, adjugate), "tr": trace, "inv": partial(guarded, np.linalg.inv), "det": np.linalg.det, "logdet": logdet,
    "logabsdet": lambda v: np.linalg.slogdet(v)[1], "pinv": partial(guarded, np.linalg.pinv),
    "cholesky": lambda v: guarded(np.linalg.cholesky, even(v)), "eigvals": lambda v: guarded(np.linalg.eigvalsh, even(v)),
    "eigvecs": lambda v: guarded(lambda a: np.linalg.eigh(a)[1], even(v)), "nuclear": lambda v: np.sum(singular(v), axis=-1),
    "spectral": lambda v: np.max(singular(v), axis=-1), "polar": partial(guarded, polar),
    "dominant": partial(guarded, dominant),
    "lambda_max": lambda v: guarded(np.linalg.eigvalsh, even(v))[..., -1],
    "lambda_min": lambda v: guarded(np.linalg.eigvalsh, even(v))[..., 0],
    "eigvec_max": partial(guarded, partial(end_vector, end=-1)), "eigvec_min": partial(guarded, partial(end_vector, end=0)),
    "gaps_max": partial(guarded, partial(end_gaps, end=-1)), "gaps_min": partial(guarded, partial(end_gaps, end=0)),
    "expm": expm, "logm": logm, "sqrtm": sqrtm, "matpow": matpow,
    "trexpm": lambda v: trace(expm(v)), "trsqrtm": lambda v: trace(sqrtm(v)), "trmatpow": lambda v, p: trace(matpow(v, p)),
    "expm_slopes": partial(slopes, np.exp, np.exp), "logm_slopes": partial(slopes, np.log, lambda w: 1 / w),
    "sqrtm_slopes": partial(slopes, np.sqrt, lambda w: 0.5 / np.sqrt(w)),
    "matpow_slopes": partial(slopes, power, lambda w, p: p * w ** (p - 1)),
}
