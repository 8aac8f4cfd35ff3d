"""SciPy's solvers as the fit uses them: each goes down from a place and reports every iteration to `accept`.

Glossary   f(x): loss and gradient;  accept(x, loss, gradient): called after every iteration, may raise to end the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

MEMORY = 40          # pairs of steps and gradients that L-BFGS-B keeps; fewer where they would take more than
MOST_KEPT = 1 << 25  # numbers in all
NEWTON_FROM = 200    # iterations of L-BFGS after which a smooth loss goes on with Newton's method
STANDING = 3         # steps of Newton's method in a row without a gain that end it
WIDTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)    # over which kinks are rounded off, one after the other

Accept = Callable[[np.ndarray, float, np.ndarray], None]


class NotFinite(ArithmeticError):
    """A loss or a gradient that is not finite; says which."""


class Objective(Protocol):
    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]: ...
    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray: ...


class Last:
    """The last evaluation, so that what is accepted is not computed again."""

    def __init__(self, f: Callable[[np.ndarray], tuple[float, np.ndarray]]) -> None:
        self.f, self.seen = f, (np.empty(0), 0.0, np.empty(0))

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        if len(self.seen[0]) != len(x) or (self.seen[0] != x).any():
            self.seen = (x.copy(), *self.f(x))
        return self.seen[1:]


def options(n: int, tol: float, most: int) -> dict[str, Any]:
    return {"maxcor": min(MEMORY, max(5, MOST_KEPT // (2 * n))), "ftol": 1e-15, "gtol": tol, "maxiter": most, "maxfun": 21 * most + 100}


def plain_descent(f: Objective, here: np.ndarray, step: float, accept: Accept, tol: float, most: int) -> None:
    """L-BFGS-B in z = (x - here)/step."""
    from scipy.optimize import minimize

    last = Last(f)

    def scaled(z: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = last(here + step * z)
        return loss, step * gradient

    def accepted(z: np.ndarray) -> None:
        x = here + step * z
        accept(x, *last(x))

    minimize(scaled, np.zeros_like(here), jac=True, method="L-BFGS-B", callback=accepted, options=options(len(here), tol * step, most))


def bounded_descent(f: Objective, here: np.ndarray, weights: np.ndarray, accept: Accept, tol: float, most: int) -> None:
    """L-BFGS-B in x = u - v with u, v >= 0, in which weights*|x| is weights*(u + v), smooth; at the bounds zeros are exact.

    The gradient of f takes slope 0 of |x| at 0.  Entries without a weight are not split.
    """
    from scipy.optimize import minimize

    n, split = len(here), weights > 0
    last = Last(f)

    def joined(z: np.ndarray) -> np.ndarray:
        x = z[:n].copy()
        x[split] -= z[n:]
        return x

    def smooth(z: np.ndarray) -> tuple[float, np.ndarray]:
        x = joined(z)
        loss, gradient = last(x)
        rest = gradient - weights * np.sign(x)
        u, v = z[:n][split], z[n:]
        excess = float(np.sum(weights[split] * (u + v - np.abs(x[split]))))
        return loss + excess, np.concatenate([np.where(split, rest + weights, rest), weights[split] - rest[split]])

    start = np.concatenate([np.where(split, np.maximum(here, 0), here), np.maximum(-here[split], 0)])
    bounds = [(0, None) if s else (None, None) for s in split] + [(0, None)] * int(split.sum())

    def accepted(z: np.ndarray) -> None:
        x = joined(z)
        accept(x, *last(x))

    minimize(smooth, start, jac=True, method="L-BFGS-B", bounds=bounds, callback=accepted, options=options(len(start), tol, most))


def newton_descent(f: Objective, here: np.ndarray, accept: Accept, tol: float, most: int) -> None:
    """Trust-region Newton, whose steps are found by conjugate gradients on Hessian-vector products."""
    from scipy.optimize import minimize

    last, falls = Last(f), [last_loss(f, here)]

    def accepted(x: np.ndarray) -> None:
        loss, gradient = last(x)
        accept(x.copy(), loss, gradient)
        falls.append(loss)
        if len(falls) > STANDING and falls[-STANDING - 1] <= falls[-1]:
            raise StopIteration

    minimize(lambda x: last(x)[0], here, jac=lambda x: last(x)[1], hessp=f.hvp, method="trust-ncg", callback=accepted,
             options={"gtol": tol, "maxiter": most})


def last_loss(f: Objective, x: np.ndarray) -> float:
    return f(x)[0]
