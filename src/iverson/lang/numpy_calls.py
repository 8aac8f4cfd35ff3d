"""What NumPy's functions mean: one row for each name, a formula in iverson notation or a function over values.

A function's Python signature is NumPy's own; numpy_src reads each argument as its annotation says: Plain a literal,
Shape sizes, Extent one size, Dtype a number type (checked and dropped), Book the reading itself, else an array.
A name is looked up with its last module first: `nn.softmax` before `softmax`.  Knows no `ast`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ..core.errors import IversonError
from .numpy_arrays import (
    Dtype, Plain, arange, determinant, diag, dot, einsum, expand_dims, eye, flat, full, inner, inv, matmul, matrix_power,
    multi_dot, ones, ones_like, outer, positions, reduced, reshape, solve, squeeze, trace, transposed, vdot, zeros, zeros_like,
)
from .numpy_values import (
    Terms, Value, applied, both, compared, either, extent, flip, inverted, literal, minus, over, pick, plain, plus, power, times,
    unsupported,
)
from .ops import OPS
from .surface import Surface, call
from .syntax import parse_expression

MODULES = frozenset("np numpy jnp jax scipy sp special linalg la LA nn math".split())

FORMULAS = {row.name: f"{row.name}(x)" for row in OPS.values() if row.shape == "map"} | {
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
    "logaddexp":   "log(exp(x) + exp(y))",
    "hypot":       "sqrt(x^2 + y^2)",
    "heaviside":   "[x > 0] + y*[x = 0]",
}

COMPARISONS = {"equal": "=", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}

STEPS: dict[str, Callable[..., Value]] = {
    "add": plus, "neg": minus, "mul": times, "div": over, "pow": power, "bracket": plain}


@lru_cache(maxsize=None)
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
    """The function of one or two arrays that a formula stands for."""
    if re.search(r"\by\b", text):
        return lambda x, y: formula(text, x=x, y=y)
    return lambda x: formula(text, x=x)


# -- reductions ------------------------------------------------------------------------------------------------

def reduction(kind: str) -> Callable[..., Value]:
    def row(x: Value, axis: Plain = None, dtype: Dtype = None, keepdims: Plain = False) -> Value:
        return reduced(kind, x, axis, keepdims)

    return row


def extreme(kind: str) -> Callable[..., Value]:
    def row(x: Value, axis: Plain = None, keepdims: Plain = False) -> Value:
        return reduced(kind, x, axis, keepdims)

    return row


def norm(x: Value, ord: Plain = None, axis: Plain = None, keepdims: Plain = False) -> Value:
    """The 2-norm, Frobenius for a whole matrix, or the 1-norm of vectors."""
    vector = x.rank <= 1 or isinstance(axis, int)
    if not (ord is None or (vector and ord in (1, 2)) or (ord == "fro" and not vector)):
        raise unsupported(f"The norm of order {ord!r} is not read here.", "Orders: 2 and 1 of vectors, 'fro' of a matrix.")
    if ord == 1:
        return reduced("sum", applied("abs", x), axis, keepdims)
    if not x.loose and not keepdims and len(positions(x, axis)) == x.rank and 1 <= len(x.sizes()) <= 2:
        return Value(x.book, (), lambda _: call("norm2", x.number()))
    return applied("sqrt", reduced("sum", power(x, literal(x.book, 2)), axis, keepdims))


def var(x: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
    gap = plus(x, minus(reduced("mean", x, axis, True)))
    return reduced("mean", power(gap, literal(x.book, 2)), axis, keepdims)


def std(x: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
    return applied("sqrt", var(x, axis, keepdims=keepdims))


def logsumexp(x: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
    """The operator of that name where one line of the array is meant, log(sum[k] exp(...)) elsewhere."""
    gone = positions(x, axis)
    out = [p for p in range(x.rank) if keepdims or p not in gone]
    spelled = applied("log", reduced("sum", applied("exp", x), axis, keepdims))
    line = len([p for p in gone if x.axes[p] is not None]) == 1 and not x.loose

    def cut(terms: Terms) -> Surface:
        if line and all(a is None or t is not None for a, t in zip(spelled.axes, terms, strict=True)):
            at = dict(zip(out, terms, strict=True))
            return call("logsumexp", x.number(tuple(None if p in gone else at[p] for p in range(x.rank))))
        return spelled.at(terms)

    return Value(x.book, spelled.axes, cut, loose=spelled.loose)


def softmax(x: Value, axis: Plain = None, *, function: str = "softmax") -> Value:
    """Along one axis.  Without it SciPy means all entries, JAX the last axis: a matrix needs it."""
    if axis is None and x.rank != 1:
        raise IversonError("ambiguous", f"{function} of an array with {x.rank} axes needs its axis.",
                           hint="Write axis=1 for one distribution a row; SciPy's default is all entries, JAX's the last axis.")
    [p] = positions(x, axis)
    if x.axes[p] is None:
        raise unsupported(f"{function} along an axis of size 1 is not read.")

    def cut(terms: Terms) -> Surface:
        inside = tuple(None if q == p else t for q, t in enumerate(terms))
        stay = [q for q, t in enumerate(inside) if x.axes[q] is not None and t is None]
        tree = x.number(inside)
        made = flip(call(function, flip(tree))) if len(stay) == 2 and stay[0] == p else call(function, tree)
        return pick(made, tuple(terms[q] for q in stay)) if terms[p] is not None else made

    return Value(x.book, x.axes, cut, loose=x.loose)


def softmax_row(function: str, default: int | None) -> Callable[..., Value]:
    def row(x: Value, axis: Plain = default) -> Value:
        return softmax(x, axis, function=function)

    return row


# -- choices, sizes, Python's own ------------------------------------------------------------------------------

def where(c: Value, x: Value, y: Value) -> Value:
    """[c]*x + [not c]*y; a branch that is 0 is left out."""
    c = c if c.truth else compared("!=", c, literal(c.book, 0))
    branches = [times(plain(held), plain(v)) for held, v in ((c, x), (inverted(c), y)) if v.exact != 0]
    return plus(*branches) if len(branches) == 2 else branches[0] if branches else times(plain(c), x)


def clip(x: Value, a_min: Value | None = None, a_max: Value | None = None, *, min: Value | None = None,
         max: Value | None = None) -> Value:
    low, high = a_min or min, a_max or max
    raised = applied("max", x, low) if low else x
    return applied("min", raised, high) if high else raised


def determinant_pair(x: Value) -> tuple[Value, Value]:
    """slogdet: the sign, and the logarithm, which logdet is where the determinant is positive."""
    return applied("sign", determinant("det")(x)), determinant("logdet")(x)


def same(x: Value, dtype: Dtype = None) -> Value:
    return x


def length(x: Value) -> Value:
    if not x.rank:
        raise IversonError("shape", "A scalar has no length.")
    return extent(x.book, x.axes[0])


def builtin_sum(x: Value) -> Value:
    if x.rank != 1:
        raise IversonError("ambiguous", f"Python's sum of an array with {x.rank} axes adds along the first only.",
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


CALLS: dict[str, Callable[..., Any]] = {
    **{name: written(text) for name, text in FORMULAS.items()},
    **{name: partial(compared, relation) for name, relation in COMPARISONS.items()},
    "logical_and": both, "logical_or": either, "logical_not": inverted,
    "sum": reduction("sum"), "mean": reduction("mean"), "prod": reduction("prod"),
    "max": extreme("max"), "min": extreme("min"), "amax": extreme("max"), "amin": extreme("min"),
    "var": var, "std": std, "norm": norm, "logsumexp": logsumexp,
    "softmax": softmax_row("softmax", None),
    "log_softmax": softmax_row("logsoftmax", None),
    "nn.softmax": softmax_row("softmax", -1),
    "nn.log_softmax": softmax_row("logsoftmax", -1),
    "where": where, "clip": clip,
    "dot": dot, "matmul": matmul, "inner": inner, "vdot": vdot, "outer": outer, "multi_dot": multi_dot, "einsum": einsum,
    "trace": trace, "transpose": transposed, "diag": diag, "diagonal": diag, "inv": inv, "det": determinant("det"),
    "slogdet": determinant_pair, "solve": solve, "matrix_power": matrix_power,
    "eye": eye, "identity": eye, "ones": ones, "zeros": zeros, "full": full, "ones_like": ones_like, "zeros_like": zeros_like,
    "arange": arange,
    "ravel": flat, "reshape": reshape, "squeeze": squeeze, "expand_dims": expand_dims,
    "array": same, "asarray": same, "copy": same, "float64": same,
}
METHODS = frozenset("sum mean prod max min var std dot trace transpose diagonal ravel reshape squeeze copy clip astype flatten".split())
METHOD_ROWS = {"astype": same, "flatten": flat}
BUILTINS = {"sum": builtin_sum, "max": builtin_extreme("max"), "min": builtin_extreme("min"), "len": length, "float": same}

HINTS = {
    "pinv":        "Write inv(X.T@X)@X.T for full column rank.",
    "xlogy":       "Write x*np.log(y); NumPy's product is nan at x = y = 0.",
    "kron":        "Write the sum with einsum.",
    "concatenate": "Write the parts as separate terms.",
    "cumsum":      "Write it as a product with a triangular matrix of data.",
    "argmax":      "Labels come in as data.",
    "log1mexp":    "Write np.log(1 - np.exp(-x)).",
}
