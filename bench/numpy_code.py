"""The generated NumPy code against the code of the note, completed with the value: time and extra memory."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

import iverson as iv

HEAD = "X: data[N, D]; y: label[N] in K; W: param[D, K]; reg: scalar = 1e-3; s = X*W\n"
SVM = HEAD + "L = mean[i] sum[k != y[i]] max(0, s[i,k] - s[i,y[i]] + 1) + reg*sum(W.^2)"
SOFTMAX = HEAD + "L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + reg*sum(W.^2)"


def svm_note(X: np.ndarray, y: np.ndarray, W: np.ndarray, reg: float) -> tuple[float, np.ndarray]:
    """The note's way: an integer mask of violated margins, its rows summed into the label's column."""
    n = len(X)
    scores, rows = X.dot(W), np.arange(n)
    margins = scores - scores[rows, y][:, np.newaxis] + 1
    mask = (margins >= 0).astype("int")
    mask[rows, y] = 0
    value = (np.maximum(margins, 0).sum() - n) / n + reg * np.sum(W**2)
    mask[rows, y] = -mask.sum(axis=-1)
    gradient = X.T.dot(mask) / n
    gradient += reg * 2 * W
    return value, gradient


def softmax_note(X: np.ndarray, y: np.ndarray, W: np.ndarray, reg: float) -> tuple[float, np.ndarray]:
    """The note's way: shifted exponentials, minus a one-hot matrix."""
    n = len(X)
    scores, rows = X.dot(W), np.arange(n)
    top = scores.max(axis=1).reshape((n, 1))
    exponentials = np.exp(scores - top)
    totals = exponentials.sum(axis=1, keepdims=True)
    p = exponentials / totals
    value = np.mean(np.log(totals[:, 0]) + top[:, 0] - scores[rows, y]) + reg * np.sum(W**2)
    hot = np.zeros_like(p)
    hot[rows, y] = 1.0
    gradient = X.T.dot(p - hot) / n
    gradient += reg * 2 * W
    return value, gradient


def interleaved(fs: list[Callable[[], object]], repeats: int) -> list[float]:
    """The median seconds of each, run in turn."""
    times: list[list[float]] = [[] for _ in fs]
    for _ in range(repeats):
        for f, row in zip(fs, times, strict=True):
            start = time.perf_counter()
            f()
            row.append(time.perf_counter() - start)
    return [statistics.median(row) for row in times]


def extra_memory(f: Callable[[], object]) -> float:
    """Peak of what is allocated during a call, in MiB."""
    tracemalloc.start()
    f()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def table(n: int = 50_000, d: int = 500, k: int = 10, repeats: int = 9) -> list[tuple[str, float, float, float, float, float]]:
    """(workload, ours ms, note ms, note/ours, our peak MiB, note's peak MiB), medians."""
    rng = np.random.default_rng(0)
    X, y, W = rng.normal(size=(n, d)), rng.integers(0, k, n), 0.01 * rng.normal(size=(d, k))
    rows = []
    for name, text, note in (("SVM", SVM, svm_note), ("softmax", SOFTMAX, softmax_note)):
        f = iv.compile(text, "W")
        ours, theirs = (lambda f=f: f(X=X, y=y, W=W, reg=1e-3)), (lambda note=note: note(X, y, W, 1e-3))
        assert np.allclose(ours()[1], theirs()[1]) and np.isclose(ours()[0], theirs()[0])
        a, b = interleaved([ours, theirs], repeats)
        rows.append((f"{name} {n}x{d}x{k}", a * 1e3, b * 1e3, b / a, extra_memory(ours), extra_memory(theirs)))
    return rows
