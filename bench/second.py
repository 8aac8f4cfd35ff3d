"""Second derivatives against jitted JAX: Hessians, Hessian-vector products, Jacobians.  float64, one thread, one process.

Every row is the median of three runs, each the median of interleaved calls; results agree to 1e-10 before anything is timed.
`make bench` runs this file in a process of its own, because threads are bound before NumPy is imported.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if hasattr(os, "sched_setaffinity"):  # JAX has threads of its own that no variable takes away
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import iverson as iv  # noqa: E402

LOGISTIC = "X: data[m, n]; y: data[m]; w: param[n]\nmean[i] softplus(-y[i]*sum[j] X[i,j]*w[j])"
FACTORS = "T: data[m, n]; U: param[m, k]; V: param[n, k]\nnorm2(T - U*V')^2"
SOFTMAX = "X: data[N, D]; y: label[N] in K; W: param[D, K]\ns = X*W\nmean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])"


@dataclass(frozen=True)
class Row:
    """A workload: what was asked of the ratio, our call and the peer's, which give the same array."""

    name: str
    asked: float
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    same: Callable[[], Any] | None = None


def rows() -> Iterator[Row]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(0)

    def product(f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(lambda p, v, *more: jax.jvp(lambda q: jax.grad(f)(q, *more), (p,), (v,))[1])

    def called(f: Callable[..., Any], *arrays: Any) -> Callable[[], Any]:
        given = [jnp.asarray(a) for a in arrays]
        return lambda: jax.block_until_ready(f(*given))

    def logistic(w: Any, X: Any, y: Any) -> Any:
        return jnp.mean(jax.nn.softplus(-y * (X @ w)))

    def factors(U: Any, V: Any, T: Any) -> Any:
        return jnp.sum((T - U @ V.T) ** 2)

    def softmax(W: Any, X: Any, y: Any) -> Any:
        s = X @ W
        return jnp.mean(jax.nn.logsumexp(s, axis=1) - jnp.take_along_axis(s, y[:, None], axis=1)[:, 0])

    h = iv.derive(LOGISTIC, "w", order=2)
    for m, n, asked in ((1000, 100, 2.0), (2000, 1000, 4.0)):
        X, y, w = rng.normal(size=(m, n)), np.sign(rng.normal(size=m)), rng.normal(size=n) / np.sqrt(n)
        yield Row(f"logistic Hessian, m = {m}, n = {n}", asked, lambda X=X, y=y, w=w: h(X=X, y=y, w=w),
                  called(jax.jit(jax.hessian(logistic)), w, X, y))  # fmt: skip
    T, U, V = (rng.normal(size=s) for s in ((100, 100), (100, 10), (100, 10)))
    f, peer = iv.derive(FACTORS, "U", order=2), called(jax.jit(jax.hessian(factors)), U, V, T)
    yield Row("factorisation Hessian 1000x1000, dense", 300.0, lambda: f(T=T, U=U, V=V), peer)
    kept = lambda: f.structured(T=T, U=U, V=V)
    yield Row("factorisation Hessian 1000x1000, compressed", 1500.0, kept, peer, lambda: kept().todense())
    X, y, W = rng.normal(size=(2000, 30)), rng.integers(0, 10, 2000), 0.1 * rng.normal(size=(30, 10))
    s = iv.derive(SOFTMAX, "W", order=2)
    yield Row("softmax Hessian 300x300, N = 2000, K = 10", 6.0, lambda X=X, y=y, W=W: s(X=X, y=y, W=W),
              called(jax.jit(jax.hessian(softmax)), W, X, y))
    X, y, w, v = rng.normal(size=(100_000, 100)), np.sign(rng.normal(size=100_000)), rng.normal(size=100) / 10, rng.normal(size=100)
    p = iv.hvp(LOGISTIC, "w", target="native")
    yield Row("HVP logistic 100000x100", 2.5, lambda X=X, y=y, w=w, v=v: p(v, X=X, y=y, w=w), called(product(logistic), w, v, X, y))
    X, y, W, v = rng.normal(size=(20_000, 100)), rng.integers(0, 10, 20_000), 0.1 * rng.normal(size=(100, 10)), rng.normal(size=(100, 10))
    q = iv.hvp(SOFTMAX, "W", target="native")
    yield Row("HVP softmax 20000x100x10", 1.5, lambda X=X, y=y, W=W, v=v: q(v, X=X, y=y, W=W), called(product(softmax), W, v, X, y))
    T, U, V, v = (rng.normal(size=s) for s in ((2000, 2000), (2000, 20), (2000, 20), (2000, 20)))
    r = iv.hvp(FACTORS, "U")
    yield Row("HVP factorisation 2000x2000x20", 100.0, lambda T=T, U=U, V=V, v=v: r(v, T=T, U=U, V=V), called(product(factors), U, v, V, T))
    W, x = rng.normal(size=(1000, 1000)) / 30, rng.normal(size=1000)
    j, e = iv.derive("tanh(W*x)", "x"), iv.derive("tanh(x)", "x", kinds={"x": "vector"})
    yield Row("Jacobian of tanh(W*x), n = 1000", 20.0, lambda: j(W=W, x=x), called(jax.jit(jax.jacrev(lambda x, W: jnp.tanh(W @ x))), x, W))
    yield Row("tanh entry by entry, n = 1000, kept as a diagonal", 50.0, lambda: e.structured(x=x),
              called(jax.jit(jax.jacrev(jnp.tanh)), x), lambda: e.structured(x=x).todense())


def measured(row: Row) -> tuple[float, float]:
    """Milliseconds of ours and of the peer, of the run with the median ratio."""
    a, b = np.asarray((row.same or row.ours)()), np.asarray(row.peer())
    difference = np.abs(a.reshape(b.shape) - b).max() / np.abs(b).max()
    assert difference < 1e-10, (row.name, difference)
    runs = [tuple(statistics.median(t) * 1e3 for t in turns(row)) for _ in range(3)]
    return sorted(runs, key=lambda r: r[1] / r[0])[1]


def turns(row: Row, seconds: float = 0.6) -> tuple[list[float], list[float]]:
    """Seconds of every call, taken in turns of about 20 ms, so that neither is timed with its memory taken by the other."""
    times: tuple[list[float], list[float]] = ([], [])
    begin = time.perf_counter()
    while len(times[0]) < 5 or time.perf_counter() - begin < seconds:
        for f, found in zip((row.ours, row.peer), times, strict=True):
            start = time.perf_counter()
            while not found or time.perf_counter() - start < 0.02:
                before = time.perf_counter()
                f()
                found.append(time.perf_counter() - before)
    return times


def main() -> None:
    from bench.native import kernel_name

    print(f"\nSecond derivatives against jitted JAX (float64, one thread, medians of three runs, OpenBLAS kernel {kernel_name()})")
    print(f"{'workload':52} {'ours ms':>9} {'JAX ms':>9} {'asked':>7} {'JAX/ours':>9}")
    for row in rows():
        ours, peer = measured(row)
        print(f"{row.name:52} {ours:9.4f} {peer:9.3f} {row.asked:7g} {peer / ours:9.2f}", flush=True)


if __name__ == "__main__":
    main()
