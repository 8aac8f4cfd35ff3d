"""Native kernels against the best NumPy code, PyTorch and JAX where they are installed: one thread, one process, interleaved.

Run as a program: the numbers of threads have to be set before NumPy is imported.  Peers are at their best settings known
here: NumPy is the best of the generated code, the same in blocks, and the notes' own code; JAX is jitted; PyTorch is eager.
Every system is called twice in its turn and timed the second time, so that nobody pays for what the one before left behind.
"best" is the fastest of all others, our own NumPy code among them, "outside" the fastest that is not ours.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_name] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ.pop("OPENBLAS_CORETYPE", None)
    os.environ["IVERSON_NATIVE"] = "now"
    if hasattr(os, "sched_setaffinity"):  # JAX takes no other word for one thread
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

import iverson as iv
from bench.numpy_code import SOFTMAX, SVM, softmax_note, svm_note

LOGISTIC = "X: data[N, D]; y: data[N]; w: param[D]\nL = mean[i] log(1 + exp(-y[i]*(X*w)[i]))"
SQUARES = "X: data[N, D]; y: data[N]; w: param[D]\nL = mean[i] ((X*w)[i] - y[i])^2"
LOSSES = {"softmax + L2": SOFTMAX, "multiclass SVM + L2": SVM, "logistic": LOGISTIC, "least squares": SQUARES}
BLOCK = 1 << 18  # bytes of X
Pair = Callable[[], tuple[Any, Any]]
OURS = ("numpy generated", "numpy in blocks")  # code of ours in NumPy


def logistic_note(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
    z = y * (X @ w)
    e = np.exp(-np.abs(z))
    slope = -y * np.where(z >= 0, e, X.dtype.type(1)) / (1 + e)
    return np.mean(np.log1p(e) + np.maximum(-z, 0)), slope @ X / X.dtype.type(len(X))


def squares_note(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
    r = X @ w - y
    return r @ r / len(X), (2 / X.dtype.type(len(X))) * (r @ X)


NOTES = {"softmax + L2": softmax_note, "multiclass SVM + L2": svm_note, "logistic": logistic_note, "least squares": squares_note}


def arrays(name: str, n: int, d: int, k: int, dtype: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal(size=(n, d), dtype=dtype)
    if "L2" in name:
        return {"X": X, "y": rng.integers(0, k, n), "W": 0.1 * rng.standard_normal(size=(d, k), dtype=dtype), "reg": 1e-3}
    y = np.where(rng.random(n) < 0.5, -1, 1).astype(dtype)
    return {"X": X, "y": y, "w": 0.1 * rng.standard_normal(size=d, dtype=dtype)}


def param(given: dict[str, Any]) -> str:
    return "W" if "W" in given else "w"


def in_blocks(run: Callable[..., Any], given: dict[str, Any]) -> Pair:
    """The generated code on blocks of samples, which stay in cache."""
    X, y, p = given["X"], given["y"], param(given)
    rows = max(1, BLOCK // (X.shape[1] * X.itemsize))
    rest = {"reg": 0.0} if "reg" in given else {}

    def call() -> tuple[Any, Any]:
        value, gradient = 0.0, np.zeros_like(given[p])
        for b in range(0, len(X), rows):
            v, g = run(X=X[b : b + rows], y=y[b : b + rows], **{p: given[p]}, **rest)
            part = len(X[b : b + rows]) / len(X)
            value, gradient = value + part * v, gradient + given[p].dtype.type(part) * g
        reg = given.get("reg", 0.0)
        return value + reg * np.sum(given[p] ** 2), gradient + given[p].dtype.type(2 * reg) * given[p]

    return call


def torch_pair(name: str, given: dict[str, Any]) -> Pair:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    t = {n: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for n, v in given.items()}
    p = t[param(given)].requires_grad_(True)

    def loss() -> Any:
        s = t["X"] @ p
        if name.startswith("softmax"):
            return F.cross_entropy(s, t["y"]) + t["reg"] * (p**2).sum()
        if "SVM" in name:
            return F.multi_margin_loss(s, t["y"]) * s.shape[1] + t["reg"] * (p**2).sum()
        return F.softplus(-t["y"] * s).mean() if name == "logistic" else ((s - t["y"]) ** 2).mean()

    def call() -> tuple[Any, Any]:
        p.grad = None
        v = loss()
        v.backward()
        return v.item(), p.grad.numpy()

    return call


def jax_pair(name: str, given: dict[str, Any]) -> Pair:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    t = {n: jnp.asarray(v) for n, v in given.items() if isinstance(v, np.ndarray)}
    p = t.pop(param(given))
    reg = given.get("reg", 0.0)

    def loss(p: Any, X: Any, y: Any) -> Any:
        s = X @ p
        if name.startswith("softmax"):
            picked = jnp.take_along_axis(s, y[:, None], axis=1)[:, 0]
            return jnp.mean(jax.nn.logsumexp(s, axis=1) - picked) + reg * jnp.sum(p**2)
        if "SVM" in name:
            picked = jnp.take_along_axis(s, y[:, None], axis=1)
            return jnp.mean(jnp.sum(jnp.maximum(s - picked + 1, 0), axis=1) - 1) + reg * jnp.sum(p**2)
        return jnp.mean(jax.nn.softplus(-y * s)) if name == "logistic" else jnp.mean((s - y) ** 2)

    both = jax.jit(jax.value_and_grad(loss))

    def call() -> tuple[Any, Any]:
        v, g = both(p, t["X"], t["y"])
        return float(v), np.asarray(g)

    return call


def contestants(name: str, given: dict[str, Any], dtype: str) -> dict[str, Pair]:
    text, p = LOSSES[name], param(given)
    f, run, note = iv.compile(text, p, target="native", dtype=dtype, wait=True), iv.compile(text, p).run, NOTES[name]
    assert f.info.tier == "native", f.info.why
    found: dict[str, Pair] = {
        "native": lambda: f(**given),
        "numpy generated": lambda: run(**given),
        "numpy in blocks": in_blocks(run, given),
        "numpy note": lambda: note(**given),
    }
    for peer, pair in (("torch", torch_pair), ("jax", jax_pair)):
        try:
            found[peer] = pair(name, given)
        except ImportError:
            continue
    return found


def timed(calls: dict[str, Pair], repeats: int, limit: float) -> dict[str, list[float]]:
    """Seconds of every contestant, run in turn; all give the same gradients."""
    expected = gradients(calls["native"]())
    for other, call in calls.items():
        for g, e in zip(gradients(call()), expected, strict=True):
            difference = np.abs(g - e).max() / max(np.abs(e).max(), 1e-30)
            assert difference < limit, (other, difference)
    times: dict[str, list[float]] = {c: [] for c in calls}
    for _ in range(repeats):
        for c, call in calls.items():
            call()
            start = time.perf_counter()
            call()
            times[c].append(time.perf_counter() - start)
    return times


def gradients(result: tuple[Any, Any]) -> list[np.ndarray]:
    g = result[1]
    return [np.asarray(x, float) for x in (g.values() if isinstance(g, dict) else (g,))]


@cache
def speeds(dtype: str) -> tuple[float, float, float]:
    """Bytes, multiply-adds and exponentials in a second, on one core: the best of several."""
    A, x = np.ones((1024, 1024), dtype), np.linspace(-1, 1, 1 << 14, dtype=dtype)
    big, out = np.ones(1 << 26, np.uint8), np.empty_like(x)
    found = []
    for call, amount in ((lambda: big.view(np.int64).max(), big.nbytes), (lambda: A @ A, 1024**3), (lambda: np.exp(x, out=out), x.size)):
        best = np.inf
        for _ in range(20):
            start = time.perf_counter()
            call()
            best = min(best, time.perf_counter() - start)
        found.append(amount / best)
    return found[0], found[1], found[2]


def floor(dtype: str, size: float, products: float, exps: float) -> float:
    """Seconds that reading so many bytes, so many multiply-adds or so many exponentials take at least."""
    return max(a / b for a, b in zip((size, products, exps), speeds(dtype), strict=True))


def shown(title: str, times: dict[str, list[float]], least: float | None = None) -> None:
    middle = {c: statistics.median(t) for c, t in times.items()}
    ours = middle.pop("native")
    spread = (max(times["native"]) - min(times["native"])) / ours
    best = min(middle.values()) / ours
    outside = min((t for c, t in middle.items() if c not in OURS), default=np.nan) / ours
    rest = "  ".join(f"{c} {t / ours:.2f}" for c, t in middle.items())
    over = "" if least is None else f"{ours / least:.1f}"
    print(f"{title:46} {ours * 1e3:9.3f} {spread:6.0%} {best:6.2f} {outside:8.2f} {over:>6}  {rest}", flush=True)


def kernel_name() -> str:
    """The kernel OpenBLAS chose."""
    try:
        paths = {x.split()[-1] for x in Path("/proc/self/maps").read_text().splitlines() if "openblas" in x}
        f = ctypes.CDLL(sorted(paths)[0]).scipy_openblas_get_corename64_
        f.restype = ctypes.c_char_p
        return f().decode()
    except (OSError, IndexError, AttributeError):
        return "unknown"


def of_notes(n: int, d: int, k: int, dtype: str, repeats: int) -> None:
    for name in LOSSES:
        given = arrays(name, n, d, k, dtype)
        columns = k if "L2" in name else 1
        exps = n * columns if name == "softmax + L2" else n if name == "logistic" else 0
        least = floor(dtype, given["X"].nbytes, 2 * n * d * columns, exps)
        times = timed(contestants(name, given, dtype), repeats if n > 1000 else 300, 1e-3 if dtype == "float32" else 1e-9)
        shown(f"{name} {n}x{d}{f'x{k}' if columns > 1 else ''} {dtype}", times, least if n > 1000 else None)


def main(repeats: int = 9) -> None:
    from bench import native_losses, native_models

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\nNative kernels, one thread, medians of {repeats} interleaved runs, OpenBLAS kernel {kernel_name()}{load}")
    print(f"{'workload':46} {'ms':>9} {'spread':>6} {'best':>6} {'outside':>8} {'floors':>6}  their time over ours")
    for n, d, k in ((1_000_000, 32, 10), (49_000, 3073, 10), (60_000, 784, 10), (500, 20, 5)):
        for dtype in ("float32", "float64"):
            if n * d < 100_000_000 or dtype == "float32":
                of_notes(n, d, k, dtype, repeats)
    for dtype in ("float32", "float64"):
        for title, calls, least in native_models.rows(dtype):
            shown(title, timed(calls, max(3, repeats // 3), 1e-3 if dtype == "float32" else 1e-9), least)
        for title, calls in native_losses.rows(dtype):
            shown(title, timed(calls, max(3, repeats // 3), 1e-3 if dtype == "float32" else 1e-8))


if __name__ == "__main__":
    sys.modules["bench.native"] = sys.modules["__main__"]
    main(*map(int, sys.argv[1:]))
