"""The torch modules against torch's own derivatives of the loss as its users write it, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import iverson as iv

from .numpy_code import SOFTMAX, SVM

LOGISTIC = "mean[i] log(1 + exp(-y[i]*sum[d] X[i,d]*w[d]))"


def median(f: Callable[[], Any], times: int = 5) -> float:
    f()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return sorted(found)[times // 2]


def table() -> Iterator[tuple[str, float, float]]:
    """(workload, ms of the closed form, ms of autograd), medians of three runs by their ratio."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, text, wrt, arrays, theirs in workloads(torch):
        loss = iv.compile(text, wrt, target="torch").module["loss"]
        given = arrays[wrt].requires_grad_()
        ours = lambda loss=loss, arrays=arrays, given=given: torch.autograd.grad(loss(**arrays), given)
        own = lambda theirs=theirs, arrays=arrays, given=given: torch.autograd.grad(theirs(**arrays), given)
        assert torch.allclose(ours()[0], own()[0], rtol=1e-7, atol=1e-10), name
        runs = sorted(((median(ours), median(own)) for _ in range(3)), key=lambda r: r[1] / r[0])
        yield name, runs[1][0] * 1e3, runs[1][1] * 1e3


def workloads(torch: Any) -> Iterator[tuple[str, str, str, dict[str, Any], Callable[..., Any]]]:
    normal = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    X, y, w = normal(1_000_000, 50), torch.sign(normal(1_000_000)), normal(50)
    yield "logistic 1e6 x 50", LOGISTIC, "w", {"X": X, "y": y, "w": w}, lambda X, y, w: torch.log(1 + torch.exp(-y * (X @ w))).mean()
    for n, d in ((50_000, 500), (200_000, 50)):
        X, y, W = normal(n, d), torch.randint(0, 10, (n,)), 0.05 * normal(d, 10)
        cross = lambda X, y, W: torch.nn.functional.cross_entropy(X @ W, y) + 1e-3 * (W**2).sum()
        yield f"softmax {n} x {d} x 10", SOFTMAX, "W", {"X": X, "y": y, "W": W}, cross
        yield f"SVM {n} x {d} x 10", SVM, "W", {"X": X, "y": y, "W": W}, hinge


def hinge(X: Any, y: Any, W: Any) -> Any:
    scores = X @ W
    margins = (scores - scores.gather(1, y[:, None]) + 1).clamp(min=0).scatter(1, y[:, None], 0.0)
    return margins.sum() / len(y) + 1e-3 * (W**2).sum()
