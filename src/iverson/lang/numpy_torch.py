"""TORCH: what torch's functions and methods mean where NumPy's of the same name mean another thing, or where NumPy has none.

A row is looked up first in a text that speaks torch: one that names torch, gives `dim`, or calls methods that NumPy's
arrays do not have.  JAX's functions mean what NumPy's do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from . import numpy_arrays as arrays
from . import numpy_moves as moves
from .numpy_arrays import Extent, Plain, positions, reduced
from .numpy_calls import CALLS, METHODS, MODULES, Outputs, clip
from .numpy_elementwise import applied, minus, plus, power, times, where
from .numpy_parts import WHOLE, gathered
from .numpy_text import dotted
from .numpy_values import Value, extent, literal, unsupported


def spread_of(kind: str) -> Callable[..., Value]:
    """std and var divide by one less than the number of entries, unless they are told otherwise."""
    def row(input: Value, axis: Plain = None, unbiased: Plain = True, keepdims: Plain = False, *,
            correction: Plain = None) -> Value:
        if isinstance(axis, bool):
            axis, unbiased = None, axis
        ddof = int(unbiased) if correction is None else correction
        return CALLS[kind](input, axis, ddof=ddof, keepdims=keepdims)

    return row


def extreme(kind: str) -> Callable[..., Any]:
    """The largest entry; along an axis, that and its place, which is not read."""
    def row(input: Value, axis: Plain = None, keepdims: Plain = False) -> Any:
        found = reduced(kind, input, axis, keepdims)
        return found if axis is None else Outputs((found, None))  # type: ignore[arg-type]

    return row


def norm(input: Value, p: Plain = 2, axis: Plain = None, keepdims: Plain = False) -> Value:
    """Of all entries as one vector, unless an axis is named."""
    if axis is not None or input.rank < 2:
        return CALLS["norm"](input, 2 if p == "fro" else p, axis, keepdims)
    if p not in (2, "fro") or keepdims:
        raise unsupported("This norm of a matrix is not read.", "Name the axis: dim=1.")
    return CALLS["norm"](input)


def clamp(input: Value, min: Value | None = None, max: Value | None = None) -> Value:
    return clip(input, min=min, max=max)


def size(input: Value, dim: Plain = None) -> Any:
    """A size, or all of them."""
    sizes = tuple(extent(input.book, a) for a in input.axes)
    return sizes if dim is None else sizes[positions(input, dim)[0]]


def masked_fill(input: Value, mask: Value, value: Value) -> Value:
    return where(mask, value, input)


def gather(input: Value, dim: Plain, index: Value) -> Value:
    return moves.take_along_axis(input, index, dim)


def one_hot(x: Value, num_classes: Extent) -> Value:
    """A row for each label."""
    return gathered(arrays.identity(x.book, num_classes), [x, WHOLE])


def of_all(x: Value, reduction: str) -> Value:
    """The mean or the sum of a loss, or all of it."""
    if reduction not in ("mean", "sum", "none"):
        raise unsupported(f"The reduction {reduction!r} is not read.", "Reductions: 'mean', 'sum', 'none'.")
    return x if reduction == "none" else reduced(reduction, x)


def mse_loss(input: Value, target: Value, *, reduction: Plain = "mean") -> Value:
    return of_all(power(plus(input, minus(target)), literal(input.book, 2)), reduction)


def l1_loss(input: Value, target: Value, *, reduction: Plain = "mean") -> Value:
    return of_all(applied("abs", plus(input, minus(target))), reduction)


def logits_loss(input: Value, target: Value, *, reduction: Plain = "mean") -> Value:
    """Binary cross entropy of logits."""
    return of_all(plus(applied("softplus", input), minus(times(input, target))), reduction)


def nll_loss(input: Value, target: Value, *, reduction: Plain = "mean") -> Value:
    """The negative entry of each label, of a matrix with a row for each."""
    if input.rank != 2 or target.rank != 1:
        raise unsupported("This loss is read of a matrix with one label for each row.")
    rows = arrays.arange(input.book, input.axes[0])
    return of_all(minus(gathered(input, [rows, target])), reduction)


def cross_entropy(input: Value, target: Value, *, reduction: Plain = "mean") -> Value:
    return nll_loss(CALLS["nn.log_softmax"](input, 1), target, reduction=reduction)


TORCH: dict[str, Callable[..., Any]] = {
    "std": spread_of("std"), "var": spread_of("var"), "max": extreme("max"), "min": extreme("min"), "norm": norm,
    "clamp": clamp, "clip": clamp, "unsqueeze": arrays.expand_dims, "size": size, "transpose": moves.swapaxes,
    "masked_fill": masked_fill, "gather": gather, "t": arrays.transposed, "mm": arrays.matmul, "bmm": arrays.matmul,
    "mv": arrays.matmul, "view": moves.reshape, "permute": arrays.transposed, "cat": moves.concatenate,
    "inverse": arrays.inv, "logdet": arrays.determinant("logdet"), "one_hot": one_hot, "mse_loss": mse_loss,
    "l1_loss": l1_loss, "binary_cross_entropy_with_logits": logits_loss, "nll_loss": nll_loss,
    "cross_entropy": cross_entropy,
}
OWN = frozenset({*TORCH, *CALLS} - set(METHODS))  # methods that NumPy's arrays do not have
TORCH_WORDS = {"dim": "axis", "keepdim": "keepdims"}


def speaks_torch(nodes: Iterable[ast.AST]) -> bool:
    """Whether a text is about torch arrays."""
    return any(
        (isinstance(n, ast.Name) and n.id == "torch")
        or (isinstance(n, ast.Call) and (any(k.arg in TORCH_WORDS for k in n.keywords) or own_method(n.func)))
        for n in nodes)


def own_method(f: ast.AST) -> bool:
    """Whether what is called is a method that NumPy's arrays do not have."""
    path = dotted(f)
    return isinstance(f, ast.Attribute) and f.attr in OWN and (path is None or path[0] not in MODULES)
