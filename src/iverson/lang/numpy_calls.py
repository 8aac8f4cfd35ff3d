"""What NumPy's functions mean: a row for each name, a formula in iverson notation or a function over values.

A function's Python signature is NumPy's own; numpy_src reads each argument as its annotation says: Plain a
literal, Extent one size, Axes sizes, Dtype a number type (checked and dropped), Book the reading itself, else
an array.  A name is looked up with its last module first: `nn.softmax` before `softmax`.  Knows no `ast`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial, reduce
from typing import Any

from ..core.errors import IversonError
from . import numpy_arrays as arrays
from .numpy_arrays import Dtype, Extent, Plain, inv, matmul, positions, reduced
from .numpy_text import Axes
from .numpy_values import (
    Book,
    Terms,
    Value,
    applied,
    axes_text,
    both,
    compared,
    either,
    extent,
    flip,
    inverted,
    literal,
    minus,
    opaque,
    over,
    pick,
    plain,
    plus,
    power,
    times,
    unsupported,
)
from .ops import OPS
from .surface import Surface, call
from .syntax import parse_expression

NUMBER_TYPES = frozenset({"float", "np.float64", "numpy.float64", "jnp.float64", "'float64'", "'float'"})
MODULES = frozenset("np numpy jnp jax scipy sp special linalg la LA nn math".split())

FORMULAS = {
    spelling: f"{row.name}({', '.join('xyz'[: row.arity[1]])})"
    for spelling, row in OPS.items()
    if row.shape in ("map", "map2")
} | {
    "absolute":    "abs(x)",
    "fabs":        "abs(x)",
    "expit":       "sigmoid(x)",
    "asin":        "arcsin(x)",
    "acos":        "arccos(x)",
    "atan":        "arctan(x)",
    "negative":    "-x",
    "reciprocal":  "1/x",
    "log2":        "log(x)/log(2)",
    "log10":       "log(x)/log(10)",
    "exp2":        "2^x",
    "logit":       "log(x/(1 - x))",
    "log_expit":   "-softplus(-x)",
    "log_sigmoid": "-softplus(-x)",
    "silu":        "x*sigmoid(x)",
    "add":         "x + y",
    "subtract":    "x - y",
    "multiply":    "x*y",
    "divide":      "x/y",
    "true_divide": "x/y",
    "power":       "x^y",
    "float_power": "x^y",
    "pow":         "x^y",
    "maximum":     "max(x, y)",
    "minimum":     "min(x, y)",
    "hypot":       "sqrt(x^2 + y^2)",
    "heaviside":   "[x > 0] + y*[x = 0]",
}
COMPARISONS = {
    "equal": "=", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
STEPS: dict[str, Callable[..., Value]] = {
    "add": plus, "neg": minus, "mul": times, "div": over, "pow": power, "bracket": plain}


@cache
def parsed(text: str) -> Surface:
    return parse_expression(text)


def formula(text: str, **values: Value) -> Value:
    """A row of FORMULAS at its arguments."""
    def go(tree: Surface) -> Value:
        if tree.op == "name":
            return values[tree.attr]
        if tree.op == "num":
            return literal(values["x"].book, tree.attr)
        args = [go(a) for a in tree.args]
        if tree.op in ("call", "rel"):
            return (applied if tree.op == "call" else compared)(tree.attr, *args)
        return STEPS[tree.op](*args)

    return go(parsed(text))


def written(text: str) -> Callable[..., Value]:
    """The function of up to three arrays that a formula stands for."""
    if re.search(r"\bz\b", text):
        return lambda x, y, z: formula(text, x=x, y=y, z=z)
    if re.search(r"\by\b", text):
        return lambda x, y: formula(text, x=x, y=y)
    return lambda x: formula(text, x=x)


def logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)); with a 0 it is softplus, which does not overflow, as NumPy's does not."""
    for zero, other in ((x, y), (y, x)):
        if zero.exact == 0:
            return applied("softplus", other)
    return applied("logaddexp", x, y)


# -- reductions ----------------------------------------------------------------------------------------------

def reduction(kind: str) -> Callable[..., Value]:
    def row(a: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
        return reduced(kind, a, axis, keepdims)

    return row


def extreme(kind: str) -> Callable[..., Value]:
    def row(a: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
        return reduced(kind, a, axis, keepdims)

    return row


def norm(x: Value, ord: Plain = None, axis: Plain = None, keepdims: Plain = False) -> Value:
    """The 2-norm, Frobenius for a whole matrix, or the 1-norm of vectors."""
    vector = x.rank <= 1 or isinstance(axis, int)
    if not vector and axis is None and not keepdims and ord in ("nuc", 2):
        return opaque(x.book, (), lambda: call("nuclear" if ord == "nuc" else "spectral", x.number()))
    if not (ord is None or (vector and ord in (1, 2)) or (ord == "fro" and not vector)):
        raise unsupported(f"The norm of order {ord!r} is not read here.",
                          "Orders: 2 and 1 of vectors, 'fro' of a matrix.")
    if ord == 1:
        return reduced("sum", applied("abs", x), axis, keepdims)
    everything = len(positions(x, axis)) == x.rank and 1 <= len(x.sizes()) <= 2
    if everything and not x.loose and not keepdims:
        return Value(x.book, (), lambda _: call("norm2", x.number()))
    return applied("sqrt", reduced("sum", power(x, literal(x.book, 2)), axis, keepdims))


def var(a: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
    gap = plus(a, minus(reduced("mean", a, axis, True)))
    return reduced("mean", power(gap, literal(a.book, 2)), axis, keepdims)


def std(a: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
    return applied("sqrt", var(a, axis, keepdims=keepdims))


def logsumexp(a: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
    """The operator of that name where one line of the array is meant, log(sum[k] exp(...)) elsewhere."""
    gone = positions(a, axis)
    out = [p for p in range(a.rank) if keepdims or p not in gone]
    spelled = applied("log", reduced("sum", applied("exp", a), axis, keepdims))
    line = len([p for p in gone if a.axes[p] is not None]) == 1 and not a.loose

    def cut(terms: Terms) -> Surface:
        if line and all(s is None or t is not None for s, t in zip(spelled.axes, terms, strict=True)):
            at = dict(zip(out, terms, strict=True))
            return call("logsumexp", a.number(tuple(None if p in gone else at[p] for p in range(a.rank))))
        return spelled.at(terms)

    return Value(a.book, spelled.axes, cut, loose=spelled.loose)


def softmax(function: str, default: int | None) -> Callable[..., Value]:
    """Along one axis.  Without it SciPy means all entries and JAX the last axis, so a matrix needs it."""
    def row(x: Value, axis: Plain = default) -> Value:
        if not isinstance(axis, int) and x.rank != 1:
            raise IversonError("ambiguous", f"{function} of an array with {axes_text(x.rank)}"
                               " needs its axis.", hint="Write axis=1 for one distribution a row.")
        [p] = positions(x, axis)
        if x.axes[p] is None:
            raise unsupported(f"{function} along an axis of size 1 is not read.")
        return Value(x.book, x.axes, lambda terms: along(function, x, p, terms), loose=x.loose)

    return row


def along(function: str, x: Value, p: int, terms: Terms) -> Surface:
    """softmax or logsoftmax along axis p, cut at terms."""
    inside = tuple(None if q == p else t for q, t in enumerate(terms))
    stay = [q for q, t in enumerate(inside) if x.axes[q] is not None and t is None]
    tree = x.number(inside)
    across = len(stay) == 2 and stay[0] == p
    made = flip(call(function, flip(tree))) if across else call(function, tree)
    return made if terms[p] is None else pick(made, tuple(terms[q] for q in stay))


# -- choices, products, sizes, Python's own ------------------------------------------------------------------

def where(condition: Value, x: Value, y: Value) -> Value:
    """[c]*x + [not c]*y; a branch that is 0 is left out, and a factor 1."""
    c = condition if condition.truth else compared("!=", condition, literal(condition.book, 0))
    branches = [plain(held) if v.exact == 1 else times(plain(held), plain(v))
                for held, v in ((c, x), (inverted(c), y)) if v.exact != 0]
    return plus(*branches) if len(branches) == 2 else branches[0] if branches else times(plain(c), x)


def clip(a: Value, a_min: Value | None = None, a_max: Value | None = None, *, min: Value | None = None,
         max: Value | None = None) -> Value:
    low, high = a_min or min, a_max or max
    raised = applied("max", a, low) if low else a
    return applied("min", raised, high) if high else raised


def slogdet(a: Value) -> tuple[Value, Value]:
    """The sign of the determinant, and the logarithm of its size."""
    return applied("sign", arrays.determinant("det")(a)), arrays.determinant("logabsdet")(a)


def vdot(x: Value, y: Value) -> Value:
    return matmul(x, y) if x.rank == y.rank == 1 else reduced("sum", times(x, y))


def multi_dot(matrices: Sequence[Value]) -> Value:
    return reduce(matmul, matrices)


def solve(a: Value, b: Value) -> Value:
    return matmul(inv(a), b)


def eye(book: Book, N: Extent, M: Value | None = None, k: Plain = 0, dtype: Dtype = None) -> Value:
    if M is not None or k != 0:
        raise unsupported("eye is read with one size and its main diagonal.")
    return arrays.identity(book, N)


def ones(book: Book, shape: Axes, dtype: Dtype = None) -> Value:
    return arrays.filled(book, shape, 1)


def zeros(book: Book, shape: Axes, dtype: Dtype = None) -> Value:
    return arrays.filled(book, shape, 0)


def full(book: Book, shape: Axes, fill_value: Value, dtype: Dtype = None) -> Value:
    return times(plain(fill_value), arrays.filled(book, shape, 1))


def ones_like(a: Value, dtype: Dtype = None) -> Value:
    return arrays.filled(a.book, a.axes, 1)


def zeros_like(a: Value, dtype: Dtype = None) -> Value:
    return arrays.filled(a.book, a.axes, 0)


def same(x: Value, dtype: Dtype = None) -> Value:
    return plain(x) if dtype else x


def length(x: Value) -> Value:
    if not x.rank:
        raise IversonError("shape", "A scalar has no length.")
    return extent(x.book, x.axes[0])


def builtin_sum(x: Value) -> Value:
    if x.rank != 1:
        raise IversonError("ambiguous", "Python's sum adds along the first axis only.",
                           hint="Write np.sum(A), or np.sum(A, axis=0).")
    return reduced("sum", x)


def builtin_extreme(kind: str) -> Callable[..., Value]:
    def row(*values: Value) -> Value:
        if len(values) == 1 and values[0].rank == 1:
            return reduced(kind, *values)
        if len(values) < 2 or any(v.rank for v in values):
            raise IversonError("ambiguous", f"Python's {kind} does not work elementwise on arrays.",
                               hint=f"Write np.{kind}imum(a, b) elementwise, np.{kind}(A) over all entries.")
        return applied(kind, *values)

    return row


# -- the table -----------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[..., Any]] = {
    **{name: written(text) for name, text in FORMULAS.items()},
    **{name: partial(compared, relation) for name, relation in COMPARISONS.items()},
    **{name: reduction(name) for name in ("sum", "mean", "prod")},
    **{name: extreme(name[-3:]) for name in ("max", "min", "amax", "amin")},
    "logical_and": both, "logical_or": either, "logical_not": inverted, "where": where, "clip": clip,
    "logaddexp": logaddexp, "logsumexp": logsumexp, "norm": norm, "var": var, "std": std,
    "softmax": softmax("softmax", None),         "log_softmax": softmax("logsoftmax", None),
    "nn.softmax": softmax("softmax", -1),        "nn.log_softmax": softmax("logsoftmax", -1),
    "matmul": matmul, "dot": arrays.dot, "inner": arrays.inner, "vdot": vdot, "outer": arrays.outer,
    "multi_dot": multi_dot, "einsum": arrays.einsum, "inv": inv, "solve": solve, "pinv": arrays.whole("pinv", lambda axes: axes[::-1]),
    "cholesky": arrays.whole("cholesky", tuple), "eigvalsh": arrays.whole("eigvals", lambda axes: axes[:1]),
    "expm": arrays.of_square("expm"), "logm": arrays.of_square("logm"), "sqrtm": arrays.of_square("sqrtm"),
    "fractional_matrix_power": arrays.fractional_power, "tril": arrays.triangle("tril"), "triu": arrays.triangle("triu"),
    "trace": arrays.trace, "det": arrays.determinant("det"), "slogdet": slogdet,
    "matrix_power": arrays.matrix_power, "diag": arrays.diag, "diagonal": arrays.diag,
    "transpose": arrays.transposed, "ravel": arrays.flat, "reshape": arrays.reshape,
    "squeeze": arrays.squeeze, "expand_dims": arrays.expand_dims,
    "eye": eye, "identity": arrays.identity, "arange": arrays.arange, "ones": ones, "zeros": zeros,
    "full": full, "ones_like": ones_like, "zeros_like": zeros_like,
    "array": same, "asarray": same, "copy": same, "float64": same,
}
METHODS: dict[str, Callable[..., Any]] = {
    name: CALLS[name] for name in (
        "sum", "mean", "prod", "max", "min", "var", "std", "dot", "trace", "transpose", "diagonal", "ravel",
        "reshape", "squeeze", "copy", "clip")} | {"astype": same, "flatten": arrays.flat}
BUILTINS: dict[str, Callable[..., Any]] = {
    "sum": builtin_sum, "max": builtin_extreme("max"), "min": builtin_extreme("min"), "len": length,
    "float": same}
HINTS = {
    "kron":        "Write the sum with einsum.",
    "concatenate": "Write the parts as separate terms.",
    "cumsum":      "Write a product with a triangular matrix that comes in as data.",
    "argmax":      "Labels come in as data.",
    "max":         "np.maximum(a, b) works elementwise.",
    "min":         "np.minimum(a, b) works elementwise.",
}
