"""The solvers of the fit, SciPy's but for one: each goes down from a place and reports every iteration to `accept`.

Glossary   f(x): loss and gradient;  accept(x, loss, gradient): called after every iteration, may raise to end the run.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

MEMORY = 60          # pairs of steps and gradients that L-BFGS-B keeps; fewer where they would take more than
MOST_KEPT = 1 << 25  # numbers in all
NEWTON_FROM = 200    # iterations of L-BFGS after which a smooth loss goes on with Newton's method
STANDING = 3         # steps of Newton's method in a row without a gain that end it
SMALLEST = 1e-10     # curvature along a step, relative, below which a pair is not kept
STILL = 1e-15        # relative fall at which a descent stands still
WIDTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)    # over which kinks are rounded off, one after the other

Accept = Callable[[np.ndarray, float, np.ndarray], None]


class NotFinite(ArithmeticError):
    """A loss or a gradient that is not finite; says which."""


class Objective(Protocol):
    """Loss and gradient; the last place is remembered, so that it may be asked for again."""

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]: ...
    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray: ...


def memory(n: int) -> int:
    """How many pairs are kept of n parameters."""
    return min(MEMORY, max(5, MOST_KEPT // (2 * n)))


def options(n: int, tol: float, most: int) -> dict[str, Any]:
    return {"maxcor": memory(n), "ftol": 1e-15, "gtol": tol, "maxiter": most, "maxfun": 21 * most + 100}


def plain_descent(f: Objective, here: np.ndarray, step: float, accept: Accept, tol: float, most: int) -> None:
    """L-BFGS-B in z = (x - here)/step."""
    from scipy.optimize import minimize

    def scaled(z: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = f(here + step * z)
        return loss, step * gradient

    def accepted(z: np.ndarray) -> None:
        x = here + step * z
        accept(x, *f(x))

    minimize(scaled, np.zeros_like(here), jac=True, method="L-BFGS-B", callback=accepted, options=options(len(here), tol * step, most))


class Pairs:
    """The last steps and changes of the gradient, and the inverse Hessian they stand for, in compact form.

    H*g = c*g + S'*R^-T*((D + c*Y*Y')*R^-1*S*g - c*Y*g) - c*Y'*R^-1*S*g  with S, Y a pair a row, R the upper triangle of S*Y',
    D its diagonal and c = s'*y/(y'*y) of the last pair.  R^-1 is kept, as a new pair adds a column and an old one leaves a corner.
    """

    def __init__(self, n: int, most: int) -> None:
        self.steps, self.turns = np.zeros((most, n)), np.zeros((most, n))
        self.inverse, self.squares, self.diagonal = np.zeros((most, most)), np.zeros((most, most)), np.zeros(most)
        self.k, self.most, self.scale = 0, most, 1.0

    def add(self, s: np.ndarray, y: np.ndarray) -> None:
        if self.k == self.most:
            for v in (self.steps, self.turns, self.diagonal):
                v[:-1] = v[1:].copy()
            for v in (self.inverse, self.squares):
                v[:-1, :-1] = v[1:, 1:].copy()
            self.k -= 1
        k, product = self.k, float(s @ y)
        self.inverse[:k, k] = -(self.inverse[:k, :k] @ (self.steps[:k] @ y)) / product
        self.inverse[k, :k], self.inverse[k, k] = 0.0, 1 / product
        self.steps[k], self.turns[k], self.diagonal[k] = s, y, product
        self.squares[: k + 1, k] = self.squares[k, : k + 1] = self.turns[: k + 1] @ y
        self.k, self.scale = k + 1, product / float(self.squares[k, k])

    def direction(self, g: np.ndarray) -> np.ndarray:
        """-H*g."""
        k, c = self.k, self.scale
        inverse = self.inverse[:k, :k]
        u = inverse @ (self.steps[:k] @ g)
        top = inverse.T @ (self.diagonal[:k] * u + c * (self.squares[:k, :k] @ u) - c * (self.turns[:k] @ g))
        return -(c * g + top @ self.steps[:k] - c * (u @ self.turns[:k]))


def quick_descent(f: Objective, here: np.ndarray, accept: Accept, tol: float, most: int) -> None:
    """L-BFGS for smooth losses of small data, where SciPy's L-BFGS-B takes as long as the loss: unit steps are tried first,
    SciPy's line search finds the others.  Ends without a word where that fails; L-BFGS-B takes over from there."""
    x, (loss, g) = here, f(here)
    pairs = Pairs(len(x), memory(len(x)))
    for _ in range(most):
        p = pairs.direction(g) if pairs.k else -g / max(1.0, float(np.linalg.norm(g)))
        slope = float(g @ p)
        if not slope < 0:
            return
        found = stepped(f, x, p, loss, g, slope)
        if found is None:
            return
        new, (fell, turned) = found, f(found)
        s, y = new - x, turned - g
        if s @ y > SMALLEST * float(y @ y):
            pairs.add(s, y)
        gain = loss - fell
        x, loss, g = new, fell, turned
        accept(x, loss, g)
        if np.abs(g).max() <= tol or gain <= STILL * abs(loss):
            return


def stepped(f: Objective, x: np.ndarray, p: np.ndarray, loss: float, g: np.ndarray, slope: float) -> np.ndarray | None:
    """A place along p that meets the strong Wolfe conditions; None where none is found."""
    from scipy.optimize import line_search

    new = x + p
    try:
        fell, turned = f(new)
        if fell <= loss + 1e-4 * slope and abs(float(turned @ p)) <= -0.9 * slope:
            return new
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            t = line_search(lambda z: f(z)[0], lambda z: f(z)[1], x, p, g, loss)[0]
    except NotFinite:
        return None
    return None if t is None else x + t * p


def bounded_descent(f: Objective, here: np.ndarray, weights: np.ndarray, accept: Accept, tol: float, most: int) -> None:
    """L-BFGS-B in x = u - v with u, v >= 0, in which weights*|x| is weights*(u + v), smooth; at the bounds zeros are exact.

    The gradient of f takes slope 0 of |x| at 0.  Entries without a weight are not split.
    """
    from scipy.optimize import minimize

    n, split = len(here), weights > 0

    def joined(z: np.ndarray) -> np.ndarray:
        x = z[:n].copy()
        x[split] -= z[n:]
        return x

    def smooth(z: np.ndarray) -> tuple[float, np.ndarray]:
        x = joined(z)
        loss, gradient = f(x)
        rest = gradient - weights * np.sign(x)
        u, v = z[:n][split], z[n:]
        excess = float(np.sum(weights[split] * (u + v - np.abs(x[split]))))
        return loss + excess, np.concatenate([np.where(split, rest + weights, rest), weights[split] - rest[split]])

    start = np.concatenate([np.where(split, np.maximum(here, 0), here), np.maximum(-here[split], 0)])
    bounds = [(0, None) if s else (None, None) for s in split] + [(0, None)] * int(split.sum())

    def accepted(z: np.ndarray) -> None:
        x = joined(z)
        accept(x, *f(x))

    minimize(smooth, start, jac=True, method="L-BFGS-B", bounds=bounds, callback=accepted, options=options(len(start), tol, most))


def newton_descent(f: Objective, here: np.ndarray, accept: Accept, tol: float, most: int) -> None:
    """Trust-region Newton, whose steps are found by conjugate gradients on Hessian-vector products."""
    from scipy.optimize import minimize

    falls = [f(here)[0]]

    def accepted(x: np.ndarray) -> None:
        loss, gradient = f(x)
        accept(x.copy(), loss, gradient)
        falls.append(loss)
        if len(falls) > STANDING and falls[-STANDING - 1] <= falls[-1]:
            raise StopIteration

    minimize(lambda x: f(x)[0], here, jac=lambda x: f(x)[1], hessp=f.hvp, method="trust-ncg", callback=accepted,
             options={"gtol": tol, "maxiter": most})

