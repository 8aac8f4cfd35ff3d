"""A network and a factorisation of pairs, for bench/native.py: ours, PyTorch, JAX, and NumPy or SciPy written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import iverson as iv
from bench.native import floor

NETWORK = """X: data[N, D]
y: label[N] in K
W: param[D, H]
V: param[H, K]
b: param[H]
c: param[K]
h[i,j] = max(0, sum[d] X[i,d]*W[d,j] + b[j])
s[i,k] = sum[j] h[i,j]*V[j,k] + c[k]
L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])
"""
PAIRS = """u: label[n] in users
v: label[n] in items
y: data[n]
U: param[users, r]
V: param[items, r]
z[n] = sum[r] U[u[n],r]*V[v[n],r]
L = mean[n] (log(1 + exp(z[n])) - y[n]*z[n])
"""
BLOCK = 2048  # samples
Call = Callable[[], tuple[Any, Any]]


def rows(dtype: str) -> Iterator[tuple[str, dict[str, Call], float]]:
    if dtype == "float32":
        yield network(60_000, 784, 128, 10, dtype)
    yield pairs(1_000_000, 10_000, 10_000, 16, dtype)


def network(n: int, d: int, h: int, k: int, dtype: str) -> tuple[str, dict[str, Call], float]:
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal(shape, dtype=dtype)
    given = {"X": normal(n, d), "y": rng.integers(0, k, n), "W": 0.03 * normal(d, h), "V": 0.1 * normal(h, k), "b": 0.1 * normal(h),
             "c": 0.1 * normal(k)}
    wrt = ("W", "V", "b", "c")

    def torch_loss(X: Any, y: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
        import torch

        return torch.nn.functional.cross_entropy(torch.relu(X @ W + b) @ V + c, y)

    def jax_loss(X: Any, y: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
        import jax
        import jax.numpy as jnp

        s = jnp.maximum(0, X @ W + b) @ V + c
        return jnp.mean(jax.nn.logsumexp(s, axis=1) - jnp.take_along_axis(s, y[:, None], axis=1)[:, 0])

    calls = systems(NETWORK, wrt, given, dtype, torch_loss, jax_loss)
    calls["numpy note in blocks"] = lambda: network_by_hand(**given)
    least = floor(dtype, given["X"].nbytes, 2 * n * (d * h + h * k) + n * h * k, n * k)
    return f"network {d}-{h}-{k}, {n} rows, {dtype}", calls, least


def network_by_hand(X: Any, y: Any, W: Any, V: Any, b: Any, c: Any) -> tuple[float, dict[str, Any]]:
    total, n = 0.0, X.dtype.type(len(X))
    g = {"W": np.zeros_like(W), "V": np.zeros_like(V), "b": np.zeros_like(b), "c": np.zeros_like(c)}
    for at in range(0, len(X), BLOCK):
        x, t = X[at : at + BLOCK], y[at : at + BLOCK]
        i = np.arange(len(x))
        hidden = np.maximum(x @ W + b, 0)
        s = hidden @ V + c
        s -= s.max(axis=1, keepdims=True)
        picked = s[i, t].sum()
        np.exp(s, out=s)
        sums = s.sum(axis=1, keepdims=True)
        total += float(np.log(sums).sum() - picked)
        s /= sums
        s[i, t] -= 1
        s /= n
        back = (s @ V.T) * (hidden > 0)
        g["W"] += x.T @ back
        g["V"] += hidden.T @ s
        g["b"] += back.sum(axis=0)
        g["c"] += s.sum(axis=0)
    return total / len(X), g


def pairs(n: int, users: int, items: int, r: int, dtype: str) -> tuple[str, dict[str, Call], float]:
    """Pairs grouped by user; the grouping is not timed."""
    rng = np.random.default_rng(0)
    given = {"u": np.sort(rng.integers(0, users, n)), "v": rng.integers(0, items, n), "y": (rng.random(n) < 0.5).astype(dtype),
             "U": 0.2 * rng.standard_normal((users, r), dtype=dtype), "V": 0.2 * rng.standard_normal((items, r), dtype=dtype)}

    def torch_loss(u: Any, v: Any, y: Any, U: Any, V: Any) -> Any:
        import torch

        return torch.nn.functional.binary_cross_entropy_with_logits((U[u] * V[v]).sum(1), y)

    def jax_loss(u: Any, v: Any, y: Any, U: Any, V: Any) -> Any:
        import jax
        import jax.numpy as jnp

        z = (U[u] * V[v]).sum(1)
        return jnp.mean(jax.nn.softplus(z) - y * z)

    calls = systems(PAIRS, ("U", "V"), given, dtype, torch_loss, jax_loss)
    try:
        calls["SciPy by hand"] = pairs_by_hand(**given)
    except ImportError:
        pass
    size = sum(given[x].nbytes for x in ("u", "v", "y"))
    return f"factorisation, {n} pairs, rank {r}, {dtype}", calls, floor(dtype, size, 3 * n * r, n)


def pairs_by_hand(u: Any, v: Any, y: Any, U: Any, V: Any) -> Call:
    from scipy.sparse import csr_matrix

    starts = np.searchsorted(u, np.arange(len(U) + 1))

    def call() -> tuple[Any, Any]:
        z = np.einsum("ij,ij->i", U[u], V[v])
        e = np.exp(-np.abs(z))
        slope = ((np.where(z >= 0, 1, e) / (1 + e) - y) / len(y)).astype(y.dtype)
        m = csr_matrix((slope, v, starts), (len(U), len(V)))
        return np.mean(np.maximum(z, 0) + np.log1p(e) - y * z), {"U": m @ V, "V": m.T @ U}

    return call


def systems(text: str, wrt: tuple[str, ...], given: dict[str, Any], dtype: str, torch_loss: Any, jax_loss: Any) -> dict[str, Call]:
    f = iv.compile(text, wrt, target="native", dtype=dtype)
    assert f.info.tier == "native", f.info.why
    found: dict[str, Call] = {"native": lambda: f(**given)}
    for name, make, loss in (("torch", by_torch, torch_loss), ("jax", by_jax, jax_loss)):
        try:
            found[name] = make(loss, wrt, given)
        except ImportError:
            continue
    return found


def by_torch(loss: Any, wrt: tuple[str, ...], given: dict[str, Any]) -> Call:
    import torch

    torch.set_num_threads(1)
    t = {n: torch.from_numpy(np.asarray(v)) for n, v in given.items()}
    for n in wrt:
        t[n].requires_grad_(True)

    def call() -> tuple[Any, Any]:
        for n in wrt:
            t[n].grad = None
        v = loss(**t)
        v.backward()
        return v.item(), {n: t[n].grad.numpy() for n in wrt}

    return call


def by_jax(loss: Any, wrt: tuple[str, ...], given: dict[str, Any]) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    t = {n: jnp.asarray(v) for n, v in given.items()}
    both = jax.jit(jax.value_and_grad(lambda p, rest: loss(**p, **rest)))
    parameters, rest = {n: t[n] for n in wrt}, {n: v for n, v in t.items() if n not in wrt}

    def call() -> tuple[Any, Any]:
        v, g = both(parameters, rest)
        return float(v), {n: np.asarray(g[n]) for n in wrt}

    return call
