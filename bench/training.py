"""Time to 1e-6 of the optimum: `iverson.fit` against every solver of scikit-learn, same loss and regulariser, one thread.

Run as a program: the number of threads has to be set before NumPy is imported.  Each solver runs at the loosest of a row of
tolerances at which it gets there.  A fit of ours is timed whole: reading of the arrays, training, scores.  The loss has been
derived and its kernel compiled before, as in any second fit.  Seconds are of the processor.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_name] = "1"
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

import iverson as iv

NEAR = 1e-6  # of the optimum, relative
RUNS = 3
LONGEST = 10.0  # seconds after which a solver is given up
SOFTMAX = """X: data[N, D]
y: label[N] in K
W: param[D, K]
reg: scalar = 1e-3
s = X*W
L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + reg*sum(W.^2)
"""
LASSO = "X: data[N, D]\ny: data[N]\nw: param[D]\nlam: scalar = 0.05\nL = norm2(X*w - y)^2/(2*N) + lam*norm1(w)"
Row = tuple[str, str, float, float]  # workload, solver, seconds, distance from the optimum
Train = Callable[[float], float]  # at a tolerance, to the loss


def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X / 16, y


def classes(n: int, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(n, d)), rng.normal(size=(d, k))
    return X, np.argmax(X @ W + 2 * rng.gumbel(size=(n, k)), 1)


def sparse(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    return X, X[:, :10] @ rng.normal(size=10) + rng.normal(size=n)


def softmax_solvers(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Train]]:
    from sklearn.linear_model import LogisticRegression

    reg = 1 / (2 * len(y))  # C = 1
    loss = lambda W: iv.parse(SOFTMAX).value(X=X, y=y, W=W, reg=reg)
    yield "iverson", lambda tol: iv.fit(SOFTMAX, {"X": X, "y": y}, scalars={"reg": reg}, tol=tol).scores["train_loss"]
    for solver in ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"):
        def train(tol: float, solver: str = solver) -> np.ndarray:
            return LogisticRegression(solver=solver, tol=tol, max_iter=3000, fit_intercept=False, random_state=0).fit(X, y).coef_.T

        yield solver, Scored(train, loss)


def lasso_solvers(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Train]]:
    from sklearn.linear_model import Lasso

    loss = lambda w: iv.parse(LASSO).value(X=X, y=y, w=w, lam=0.05)
    yield "iverson", lambda tol: iv.fit(LASSO, {"X": X, "y": y}, tol=tol).scores["train_loss"]
    for name, gram in (("Lasso", False), ("Lasso, precomputed", True)):
        def train(tol: float, gram: bool = gram) -> np.ndarray:
            return Lasso(alpha=0.05, fit_intercept=False, tol=tol, max_iter=100_000, precompute=gram).fit(X, y).coef_

        yield name, Scored(train, loss)


class Scored:
    """A peer's training; its loss is computed outside the time that is taken."""

    def __init__(self, train: Callable[[float], np.ndarray], loss: Callable[[np.ndarray], float]) -> None:
        self.train, self.loss = train, loss

    def __call__(self, tol: float) -> float:
        return float(self.loss(self.train(tol)))


def seconds(train: Train, tol: float) -> float:
    work = train.train if isinstance(train, Scored) else train
    start = time.process_time()  # of one thread: the same on a machine that others use
    work(tol)
    return time.process_time() - start


def loosest(train: Train, best: float) -> float | None:
    """The loosest tolerance, to a twelfth of a decade, that gets there; None where none does in time."""
    for k in range(1, 10):
        start = time.perf_counter()
        near = train(10.0**-k) / best - 1 <= NEAR
        took = time.perf_counter() - start
        if near:
            finer = [10.0 ** (-k + j / 12) for j in range(11, 0, -1)] if took < LONGEST / 10 else []
            return next((t for t in finer if train(t) / best - 1 <= NEAR), 10.0**-k)
        if took > LONGEST:
            return None
    return None


def measured(name: str, solvers: dict[str, Train]) -> list[Row]:
    """A row for each solver that gets there; the runs of all are taken in turn."""
    best = min(solvers["iverson"](t) for t in (1e-9, 1e-10))
    found = {s: t for s, train in solvers.items() if (t := loosest(train, best)) is not None}
    times: dict[str, list[float]] = {s: [] for s in found}
    for _ in range(RUNS):
        for s, tol in found.items():
            times[s].append(seconds(solvers[s], tol))
    return [(name, s, statistics.median(times[s]), solvers[s](tol) / best - 1) for s, tol in found.items()]


def table() -> Iterator[list[Row]]:
    warnings.filterwarnings("ignore")
    yield measured("softmax digits", dict(softmax_solvers(*digits())))
    yield measured("softmax 200000x50x10", dict(softmax_solvers(*classes(200_000, 50, 10))))
    yield measured("lasso 20000x200", dict(lasso_solvers(*sparse(20_000, 200))))


def first(source: str, data: dict[str, Any]) -> float:
    """Seconds of the first fit in a process, the kernel being in the cache or not."""
    start = time.perf_counter()
    iv.fit(source, data, max_iter=1)
    return time.perf_counter() - start


def main() -> None:
    X, y = digits()
    print(f"First fit in a process, one iteration on the digits: {first(SOFTMAX, {'X': X, 'y': y}):.2f} s")
    print(f"\nTraining to {NEAR:g} of the optimum (float64, one thread, medians of {RUNS}, scikit-learn at its loosest tolerance)")
    print(f"{'workload':24} {'solver':22} {'ms':>9} {'theirs/ours':>12} {'off by':>9}")
    for rows in table():
        ours = next(r[2] for r in rows if r[1] == "iverson")
        for name, solver, time_, off in rows:
            print(f"{name:24} {solver:22} {1e3 * time_:9.1f} {time_ / ours:12.2f} {off:9.1e}", flush=True)


if __name__ == "__main__":
    main()
