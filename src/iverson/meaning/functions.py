"""What the elementwise operators of OPS are worth on NumPy arrays, and where they have kinks.

Glossary   v, x, y: arrays;  a gap: how far arguments are from a kink, relative to their size.
Written without a look at `Op.meaning`, so that the two can be compared.  SciPy is loaded when one of its functions is met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def scipy_special(name: str) -> Callable[..., Any]:
    """A function of scipy.special, looked up when it is called."""

    def f(*args: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*args)

    return f


def defined(name: str) -> Callable[..., Any]:
    """The same, undefined where an argument is negative: SciPy extends entropies by infinities, which a later function
    could hide."""
    f = scipy_special(name)
    return lambda *args: np.where(np.logical_or.reduce(np.broadcast_arrays(*(a < 0 for a in args))), np.nan, f(*args))


def polygamma(n: Any, x: Any) -> Any:
    from scipy import special

    return special.polygamma(np.asarray(np.rint(n), int), x)


def elu(x: Any, a: Any) -> Any:
    return np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


def huber(x: Any, d: Any) -> Any:
    return np.where(np.abs(x) <= d, x * x / 2, d * (np.abs(x) - d / 2))


erf = scipy_special("erf")
SELU = (1.0507009873554805, 1.6732632423543772)

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "arctan2": np.arctan2,
    "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "log2": np.log2, "log10": np.log10, "exp2": np.exp2, "power": lambda x, y: x ** y,
    "erf": erf, "erfc": scipy_special("erfc"), "erfinv": scipy_special("erfinv"), "normcdf": scipy_special("ndtr"),
    "gamma": scipy_special("gamma"), "gammaln": scipy_special("gammaln"), "digamma": scipy_special("digamma"),
    "polygamma": polygamma, "betaln": scipy_special("betaln"),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)), "softplus": lambda v: np.logaddexp(0, v),
    "logit": lambda v: np.log(v / (1 - v)), "logsigmoid": lambda v: -np.logaddexp(0, -v),
    "relu": lambda v: np.maximum(0, v), "relu6": lambda v: np.clip(v, 0, 6),
    "leaky_relu": lambda x, a: np.where(x > 0, x, a * x), "elu": elu, "celu": lambda x, a: elu(x / a, 1.0) * a,
    "selu": lambda x: SELU[0] * elu(x, SELU[1]), "silu": lambda v: v / (1 + np.exp(-v)),
    "gelu": lambda v: v * scipy_special("ndtr")(v),
    "gelu_tanh": lambda v: 0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v ** 3))),
    "mish": lambda v: v * np.tanh(np.logaddexp(0, v)), "softsign": lambda v: v / (1 + np.abs(v)),
    "tanhshrink": lambda v: v - np.tanh(v), "clip": np.clip, "hardtanh": np.clip,
    "hardsigmoid": lambda v: np.clip(v / 6 + 0.5, 0, 1), "hardswish": lambda v: v * np.clip(v / 6 + 0.5, 0, 1),
    "huber": huber, "softshrink": lambda x, y: np.sign(x) * np.maximum(np.abs(x) - y, 0), "step": lambda v: (v > 0) * 1.0,
    "abs": np.abs, "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "round": np.round, "square": np.square,
    "cbrt": np.cbrt, "rsqrt": lambda v: 1 / np.sqrt(v), "reciprocal": lambda v: 1 / v, "hypot": np.hypot,
    "logaddexp": np.logaddexp, "xlogy": scipy_special("xlogy"), "entr": defined("entr"),
    "rel_entr": defined("rel_entr"), "kl_div": defined("kl_div"),
}


def distance(a: Any, b: Any) -> Any:
    """How far two values are apart, relative to their size."""
    return np.abs(a - b) / (1 + np.abs(a) + np.abs(b))


Gap = tuple[Any, Any]


def at_zero(v: Any, *_: Any) -> Gap:
    return distance(v, 0.0), v > 0


def at_ends(v: Any, low: Any, high: Any) -> Gap:
    return np.minimum(distance(v, low), distance(v, high)), None


def at_size(v: Any, d: Any) -> Gap:
    return distance(np.abs(v), d), np.abs(v) > d


def at_integers(v: Any) -> Gap:
    return np.abs(v - np.rint(v)), None


def at_halves(v: Any) -> Gap:
    return np.abs(np.abs(v - np.rint(v)) - 0.5), None


# the gap to the nearest kink or jump, and on which side; None where there are more than two
KINKS: dict[str, Callable[..., Gap]] = {
    **dict.fromkeys(("abs", "relu", "sign", "norm1", "norminf", "step", "leaky_relu", "elu", "celu", "selu", "softsign"),
                    at_zero),
    "floor": at_integers, "ceil": at_integers, "round": at_halves, "clip": at_ends, "hardtanh": at_ends,
    "relu6": lambda v: at_ends(v, 0.0, 6.0), "hardsigmoid": lambda v: at_ends(v, -3.0, 3.0),
    "hardswish": lambda v: at_ends(v, -3.0, 3.0), "huber": at_size, "softshrink": at_size, "cbrt": at_zero,
}
