"""Losses for which no kernel was tuned, as people write them in NumPy: ours, the generated NumPy code, and the text in JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import iverson as iv
from bench.native_models import by_jax

SIZES = {"N": 1_000_000, "M": 1_000_000, "D": 32, "K": 10, "A": 10_000, "B": 10_000, "r": 16}
X = {"X": ("N", "D"), "y": ("N",), "w": ("D",)}
# the result, by what, the arguments: labels are those that are given their classes in place of an axis
LOSSES: dict[str, tuple[str, tuple[str, ...], dict[str, tuple[str, ...]], dict[str, str]]] = {
    "pinball": ("np.mean(np.maximum(0.3*(y - X@w), -0.7*(y - X@w)))", ("w",), X, {}),
    "huber": ("np.mean(np.sqrt(1 + (X@w - y)**2) - 1)", ("w",), X, {}),
    "squared hinge": ("np.mean(np.maximum(0, 1 - y*(X@w))**2) + 0.01*np.sum(w**2)", ("w",), X, {}),
    "gamma": ("np.mean(X@w + np.abs(y)*np.exp(-(X@w)))", ("w",), X, {}),
    "log cosh of predictions": ("np.mean(np.log(np.cosh(p - y)))", ("p",), {"p": ("N",), "y": ("N",)}, {}),
    "cross entropy of predictions": ("np.mean(np.logaddexp(0, p) - y*p)", ("p",), {"p": ("N",), "y": ("N",)}, {}),
    "softmax of predictions": ("np.mean(np.log(np.exp(S).sum(1)) - (S*Y).sum(1))", ("S",), {"S": ("N", "K"), "Y": ("N", "K")}, {}),
    "mixture": ("np.sum((X@W1 - np.log(np.exp(X@W1).sum(1))[:, None])*(X@W2))/len(X)", ("W1", "W2"),
                {"X": ("N", "D"), "W1": ("D", "K"), "W2": ("D", "K")}, {}),
    "two sets": ("np.mean((X@w - 1)**2) + np.mean((Z@w)**2)", ("w",), {"X": ("N", "D"), "Z": ("M", "D"), "w": ("D",)}, {}),
    "triples": ("np.sum(np.logaddexp(0, -np.sum(P[u]*(Q[v] - Q[t]), axis=1)))", ("P", "Q"),
                {"P": ("A", "r"), "Q": ("B", "r"), "u": ("N",), "v": ("N",), "t": ("N",)}, {"u": "A", "v": "B", "t": "B"}),
    "factors": ("np.sum((X - W@H)**2)", ("W", "H"), {"X": ("N", "D"), "W": ("N", "K"), "H": ("K", "D")}, {}),
}


def rows(dtype: str) -> Iterator[tuple[str, dict[str, Callable[[], Any]]]]:
    for name, (text, wrt, dims, labels) in LOSSES.items():
        given = arrays(dims, labels, dtype)
        source = f"def loss({', '.join(dims)}):\n    return {text}"
        options: dict[str, Any] = {"notation": "numpy", "sizes": dims, "kinds": {n: "label" for n in labels}}
        f, plain = (iv.compile(source, wrt, target=t, **options, **more) for t, more in (("native", {"dtype": dtype}), ("numpy", {})))
        assert f.info.tier == "native", (name, f.info.why)
        calls: dict[str, Callable[[], Any]] = {"native": calling(f, given), "numpy generated": calling(plain, given)}
        try:
            calls["jax"] = by_jax(in_jax(source), wrt, given)
        except ImportError:
            pass
        yield f"{name} {dtype}", calls


def calling(f: Any, given: dict[str, Any]) -> Callable[[], Any]:
    return lambda: f(**given)


def in_jax(source: str) -> Any:
    import jax.numpy as jnp

    names: dict[str, Any] = {"np": jnp}
    exec(source, names)
    return names["loss"]


def arrays(dims: dict[str, tuple[str, ...]], labels: dict[str, str], dtype: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    made: dict[str, Any] = {}
    for n, axes in dims.items():
        shape = tuple(SIZES[a] for a in axes)
        made[n] = rng.integers(0, SIZES[labels[n]], shape) if n in labels else 0.3 * rng.standard_normal(shape, dtype=dtype)
    return made
