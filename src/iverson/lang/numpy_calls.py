"""What NumPy's functions mean: a row for each name, a formula in iverson notation or a function over values.

A function's Python signature is NumPy's own; numpy_src reads each argument as its annotation says: Plain a
literal, Extent one size, Axes sizes, Dtype a number type (checked and dropped), Book the reading itself, else
an array.  A name is looked up with its last module first: `nn.softmax` before `softmax`.  Knows no `ast`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, partial, reduce
from typing import Any

from ..core.errors import IversonError
from . import numpy_arrays as arrays
from . import numpy_moves as moves
from . import numpy_series as series
from .numpy_arrays import Dtype, Extent, Plain, inv, matmul, positions, reduced
from .numpy_elementwise import (
    applied,
    both,
    compared,
    either,
    inverted,
    minus,
    over,
    plus,
    power,
    times,
    where,
    with_hole,
)
from .numpy_sizes import Axes
from .numpy_values import Book, Terms, Value, arranged, axes_text, extent, flip, literal, opaque, pick, plain, replace, unsupported
from .ops import OPS, Op
from .surface import Surface, call
from .syntax import parse_expression

NUMBER_TYPES = {spelling: kind for kind, names in {
    "float": "float np.float64 np.double numpy.float64 jnp.float64 torch.float64 torch.double 'float64' 'float' 'd'",
    "bool":  "bool np.bool_ np.bool numpy.bool_ jnp.bool_ torch.bool 'bool'",
    "int":   "int np.int64 np.int_ np.intp numpy.int64 'int' 'int64'",
}.items() for spelling in names.split()}
MODULES = frozenset("np numpy jnp jax scipy sp special linalg la LA nn math torch F functional".split())

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
    "xlog1py":     "xlogy(x, 1 + y)",
    "huber":       "huber(y, x)",
    "pseudo_huber": "x^2*(sqrt(1 + (y/x)^2) - 1)",
    "ndtr":        "normcdf(x)",
    "deg2rad":     "x*pi/180",
    "logsigmoid":  "-softplus(-x)",
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
        if tree.op == "name" and tree.attr == "pi":
            return Value(values["x"].book, (), lambda _: values["x"].book.pi)
        if tree.op == "name":
            return values[tree.attr]
        if tree.op == "num":
            return literal(values["x"].book, tree.attr)
        args = [go(a) for a in tree.args]
        if tree.op in ("call", "rel"):
            return (applied if tree.op == "call" else compared)(tree.attr, *args)
        return STEPS[tree.op](*args)

    return go(parsed(text))


def with_defaults(row: Op) -> Callable[..., Value]:
    """An operator whose last arguments may be left out."""
    rest = [parse_expression(d) for d in row.defaults]

    def call_row(x: Value, y: Value | None = None, z: Value | None = None) -> Value:
        given = [v for v in (x, y, z) if v is not None]
        missing = rest[len(rest) - (row.arity[1] - len(given)):]
        return applied(row.name, *given, *(formula_number(x.book, t) for t in missing))

    return call_row


def formula_number(book: Book, tree: Surface) -> Value:
    return minus(formula_number(book, tree.args[0])) if tree.op == "neg" else literal(book, tree.attr)


def written(text: str) -> Callable[..., Value]:
    """The function of up to three arrays that a formula stands for."""
    if re.search(r"\bz\b", text):
        return lambda x, y, z: formula(text, x=x, y=y, z=z)
    if re.search(r"\by\b", text):
        return lambda x, y: formula(text, x=x, y=y)
    return lambda x: formula(text, x=x)


def exp(x: Value) -> Value:
    """0 where an entry is minus infinity."""
    if x.hole is None or x.hole[1] > 0:
        return applied("exp", x)
    return times(plain(inverted(x.hole[0])), applied("exp", replace(x, hole=None)))


def logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)); with a 0 it is softplus, which does not overflow, as NumPy's does not."""
    for zero, other in ((x, y), (y, x)):
        if zero.exact == 0:
            return applied("softplus", other)
    return applied("logaddexp", x, y)


# -- reductions ----------------------------------------------------------------------------------------------

def reduction(kind: str) -> Callable[..., Value]:
    def row(a: Value, axis: Plain = None, dtype: Dtype = None, *, keepdims: Plain = False) -> Value:
        if dtype not in (None, "float"):
            raise unsupported("Sums are made of float64 numbers here.", "Leave the type out.")
        return reduced(kind, a, axis, keepdims)

    return row


def extreme(kind: str) -> Callable[..., Value]:
    def row(a: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
        return reduced(kind, a, axis, keepdims)

    return row


def norm(x: Value, ord: Plain = None, axis: Plain = None, keepdims: Plain = False) -> Value:
    """Norms of vectors and of matrices, as np.linalg.norm has them."""
    lines = positions(x, axis)
    if len(lines) == 2 and ord not in (None, "fro"):
        return matrix_norm(x, ord, lines, keepdims)
    if len(lines) > 2 and ord is not None:
        raise unsupported("A norm of that order has one axis or two.", "Say which: axis=1.")
    if ord in (None, 2, "fro"):
        everything = len(lines) == x.rank and 1 <= len(x.sizes()) <= 2
        if everything and not x.loose and not keepdims and x.kept is None:
            return Value(x.book, (), lambda _: call("norm2", x.number()))
        return applied("sqrt", reduced("sum", power(x, literal(x.book, 2)), axis, keepdims))
    size = applied("abs", x)
    if ord == 1:
        return reduced("sum", size, axis, keepdims)
    if ord in (float("inf"), -float("inf")):
        return reduced("max" if ord > 0 else "min", size, axis, keepdims)
    if ord == 0:
        return reduced("sum", plain(compared("!=", x, literal(x.book, 0))), axis, keepdims)
    if not isinstance(ord, int | float) or ord < 1:
        raise unsupported(f"The norm of order {ord!r} is not read here.", "Orders: numbers from 1, np.inf; 'fro', 'nuc' of a matrix.")
    p = literal(x.book, Fraction(str(ord)))
    return power(reduced("sum", power(size, p), axis, keepdims), over(literal(x.book, 1), p))


def matrix_norm(x: Value, ord: Plain, lines: Sequence[int], keepdims: Plain) -> Value:
    """Of a matrix: nuclear, spectral, the largest sum of a column (1) or a row (inf)."""
    if ord in ("nuc", 2) and x.rank == 2 and not keepdims:
        return opaque(x.book, (), lambda: call("nuclear" if ord == "nuc" else "spectral", x.number()))
    if ord not in (1, float("inf")) or keepdims or x.rank != 2:
        raise unsupported(f"The norm of order {ord!r} is not read here.", "Orders: 1, 2, np.inf, 'fro' and 'nuc' of a matrix.")
    return reduced("max", reduced("sum", applied("abs", x), 0 if ord == 1 else 1))


def var(a: Value, axis: Plain = None, dtype: Dtype = None, *, ddof: Plain = 0, keepdims: Plain = False) -> Value:
    if type(ddof) not in (int, float):
        raise unsupported("ddof is a number that is written out.")
    gap = plus(a, minus(reduced("mean", a, axis, True)))
    squares = power(gap, literal(a.book, 2))
    if ddof == 0:
        return reduced("mean", squares, axis, keepdims)
    if a.kept is not None:
        raise unsupported("The variance of selected entries is read without ddof.")
    count = reduce(times, [extent(a.book, a.axes[p]) for p in positions(a, axis)], literal(a.book, 1))
    return over(reduced("sum", squares, axis, keepdims), plus(count, minus(literal(a.book, ddof))))


def std(a: Value, axis: Plain = None, dtype: Dtype = None, *, ddof: Plain = 0, keepdims: Plain = False) -> Value:
    return applied("sqrt", var(a, axis, ddof=ddof, keepdims=keepdims))


def average(a: Value, axis: Plain = None, weights: Value | None = None) -> Value:
    if weights is None:
        return reduced("mean", a, axis)
    if weights.rank == 1 and a.rank > 1 and isinstance(axis, int):
        [p] = positions(a, axis)
        weights = arranged(weights, [0 if q == p else None for q in range(a.rank)])
        every = times(weights, arrays.filled(a.book, a.axes, 1))
        return over(reduced("sum", times(a, weights), axis), reduced("sum", every, axis))
    if weights.rank != a.rank and a.rank != 1:
        raise unsupported("Weights are read that have the axes of the array.", "Write np.sum(a*w)/np.sum(w).")
    return over(reduced("sum", times(a, weights), axis), reduced("sum", weights, axis))


def count_nonzero(a: Value, axis: Plain = None) -> Value:
    return reduced("sum", plain(a if a.truth else compared("!=", a, literal(a.book, 0))), axis)


def logsumexp(a: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
    """The operator of that name where one line of the array is meant, log(sum[k] exp(...)) elsewhere."""
    gone = positions(a, axis)
    out = [p for p in range(a.rank) if keepdims or p not in gone]
    spelled = applied("log", reduced("sum", exp(a), axis, keepdims))
    line = len([p for p in gone if a.axes[p] is not None]) == 1 and not (a.loose or a.hole or a.kept)

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
        if x.hole is not None:
            return masked_softmax(function, x, p)
        return Value(x.book, x.axes, lambda terms: along(function, x, p, terms), loose=x.loose)

    return row


def masked_softmax(function: str, x: Value, p: int) -> Value:
    """With entries that are minus infinity: they get no part."""
    if function == "softmax":
        return over(exp(x), reduced("sum", exp(x), p, True))
    return plus(x, minus(logsumexp(x, p, keepdims=True)))


def along(function: str, x: Value, p: int, terms: Terms) -> Surface:
    """softmax or logsoftmax along axis p, cut at terms."""
    inside = tuple(None if q == p else t for q, t in enumerate(terms))
    stay = [q for q, t in enumerate(inside) if x.axes[q] is not None and t is None]
    tree = x.number(inside)
    across = len(stay) == 2 and stay[0] == p
    made = flip(call(function, flip(tree))) if across else call(function, tree)
    return made if terms[p] is None else pick(made, tuple(terms[q] for q in stay))


# -- choices, products, sizes, Python's own ------------------------------------------------------------------

def clip(a: Value, a_min: Value | None = None, a_max: Value | None = None, *, min: Value | None = None,
         max: Value | None = None) -> Value:
    low, high = a_min or min, a_max or max
    raised = applied("max", a, low) if low else a
    return applied("min", raised, high) if high else raised


class Outputs(tuple[Value, ...]):
    """What a function returns that has several results."""


def slogdet(a: Value) -> Outputs:
    """The sign of the determinant, and the logarithm of its size."""
    return Outputs(parts_of_determinant(a))


def eigh(a: Value) -> Outputs:
    """The eigenvalues, and the eigenvectors as columns."""
    return Outputs((arrays.whole("eigvals", lambda axes: axes[:1])(a), arrays.whole("eigvecs", tuple)(a)))


def cov(m: Value, *, rowvar: Plain = True, bias: Plain = False, ddof: Plain = None) -> Value:
    """The covariances of the rows of a matrix, or of its columns."""
    if m.rank != 2:
        raise unsupported("np.cov is read of a matrix.", "Write np.var of a vector.")
    x = m if rowvar else arrays.transposed(m)
    gap = plus(x, minus(reduced("mean", x, 1, True)))
    less = ddof if ddof is not None else 0 if bias else 1
    count = extent(x.book, x.axes[1])
    return over(matmul(gap, arrays.transposed(gap)), plus(count, minus(literal(x.book, less))) if less else count)


def reduction_of(operation: str) -> Callable[..., Value]:
    """np.add.reduce and its kind, along the first axis unless another is named."""
    def row(array: Value, axis: Plain = 0, *, keepdims: Plain = False) -> Value:
        return reduced(operation, array, axis, keepdims)

    return row


def shape_of(a: Value) -> tuple[Value, ...]:
    return tuple(extent(a.book, n) for n in entire(a).axes)


def size_of_array(a: Value, axis: Plain = None) -> Value:
    """The number of entries."""
    return reduce(times, [extent(a.book, a.axes[p]) for p in positions(entire(a), axis)], literal(a.book, 1))


def ndim(a: Value) -> Value:
    return literal(a.book, a.rank)


def corrcoef(x: Value, y: Value | None = None, *, rowvar: Plain = True) -> Value:
    """The correlations of the rows of a matrix, or of two vectors."""
    m = x if y is None else moves.stack((x, y))
    c = cov(m, rowvar=rowvar)
    s = applied("sqrt", arrays.diag(c))
    return over(c, times(arranged(s, [0, None]), arranged(s, [None, 0])))


def ptp(a: Value, axis: Plain = None, *, keepdims: Plain = False) -> Value:
    return plus(reduced("max", a, axis, keepdims), minus(reduced("min", a, axis, keepdims)))


class Triangle(Outputs):
    """The places of a triangle, as np.triu_indices gives them: read where they select entries of a matrix."""

    mask: Value


def triangle_places(below: bool) -> Callable[..., Triangle]:
    def row(book: Book, n: Extent, k: Plain = 0) -> Triangle:
        made = Triangle((None, None))  # type: ignore[arg-type]
        places = arrays.arange(book, n)
        rows, columns = arranged(places, [0, None]), arranged(places, [None, 0])
        made.mask = compared(">=" if below else "<=", rows, plus(columns, literal(book, -k)) if k else columns)
        return made

    return row


def parts_of_determinant(a: Value) -> tuple[Value, Value]:
    return applied("sign", arrays.determinant("det")(a)), arrays.determinant("logabsdet")(a)


def vdot(x: Value, y: Value) -> Value:
    return matmul(x, y) if x.rank == y.rank == 1 else reduced("sum", times(x, y))


def solve_triangular(a: Value, b: Value, *, trans: Plain = 0, lower: Plain = False) -> Value:
    """The solution by one triangle of a matrix, whatever stands in the other."""
    half = moves.triangle(bool(lower))(a)
    return solve(arrays.transposed(half) if trans in (1, "T") else half, b)


def density(text: str) -> Callable[..., Value]:
    """A function of scipy.stats.norm, by its formula over the standard score u and the scale s."""
    def row(x: Value, loc: Value | None = None, scale: Value | None = None) -> Value:
        s = scale or literal(x.book, 1)
        return formula(text, x=over(plus(x, minus(loc)) if loc else x, s), y=s)

    return row


def multi_dot(matrices: Sequence[Value]) -> Value:
    return reduce(matmul, moves.listed(matrices))


def solve(a: Value, b: Value) -> Value:
    if a.rank > 2 and b.rank == a.rank - 1 > 1:
        raise IversonError("ambiguous", "NumPy 1 solves for a stack of vectors here, NumPy 2 for a matrix.",
                           hint="Write b[..., None] for vectors, and [..., 0] after it.")
    return matmul(inv(a), b)


def eye(book: Book, N: Extent, M: Extent = None, k: Plain = 0, dtype: Dtype = None) -> Value:
    if type(k) is not int:
        raise unsupported("The diagonal of np.eye is a whole number.")
    if dtype not in (None, "float"):
        return of_type(eye(book, N, M, k), dtype)
    if M is None and k == 0:
        return arrays.identity(book, N)
    columns = arrays.arange(book, N if M is None else M)
    shifted = plus(columns, literal(book, -k)) if k else columns
    return plain(moves.ordered("=", arranged(arrays.arange(book, N), [0, None]), arranged(shifted, [None, 0])))


def of_type(x: Value, dtype: Dtype) -> Value:
    """An array of whole numbers made in a type."""
    return typed(replace(x, integral=True), dtype) if dtype in ("bool", "int") else x


def ones(book: Book, shape: Axes, dtype: Dtype = None) -> Value:
    return of_type(arrays.filled(book, shape, 1), dtype)


def zeros(book: Book, shape: Axes, dtype: Dtype = None) -> Value:
    return of_type(arrays.filled(book, shape, 0), dtype)


def full(book: Book, shape: Axes, fill_value: Value, dtype: Dtype = None) -> Value:
    if fill_value.hole is not None:
        return with_hole(arrays.filled(book, shape, 0), [fill_value.hole])
    found = times(plain(fill_value), arrays.filled(book, shape, 1))
    if dtype is not None:
        return typed(replace(found, integral=fill_value.keeps_whole() is True), dtype)
    return replace(found, integral=fill_value.keeps_whole() is True)


def full_like(a: Value, fill_value: Value, dtype: Dtype = None) -> Value:
    whole = fill_value.keeps_whole() is True
    kind = a.keeps_whole()
    if dtype is None and not whole and a.book.whole_type(kind):
        raise unsupported("NumPy would cut this off to a whole number, as the array's type has it.", "Write np.full(a.shape, value).")
    a.book.reals += [kind] if isinstance(kind, str) and not whole and dtype is None else []
    found = times(plain(fill_value), ones_like(a, "float"))
    return replace(found, integral=a.keeps_whole()) if dtype is None else typed(replace(found, integral=whole), dtype)


def entire(a: Value) -> Value:
    if a.kept is not None:
        raise unsupported("The size of what a mask selects is not known.", "Multiply by the mask.")
    return a


def ones_like(a: Value, dtype: Dtype = None) -> Value:
    found = arrays.filled(a.book, entire(a).axes, 1)
    return of_type(found, "bool" if a.truth else dtype) if dtype or a.truth else replace(found, integral=a.keeps_whole())


def zeros_like(a: Value, dtype: Dtype = None) -> Value:
    found = arrays.filled(a.book, entire(a).axes, 0)
    return of_type(found, dtype or "bool") if dtype or a.truth else replace(found, integral=a.keeps_whole())


def typed(x: Value, dtype: Dtype) -> Value:
    """An array in another type; numbers that would be cut off are refused."""
    if dtype == "bool":
        return x if x.truth else compared("!=", x, literal(x.book, 0))
    whole = x.keeps_whole()
    if dtype == "int" and not x.book.whole_type(whole):
        raise unsupported("Numbers are cut off to whole ones here.", "Write np.floor, or leave the type out.")
    if dtype == "int":
        return replace(plain(x), integral=True) if x.truth else x
    return replace(plain(x), integral=False, run=None) if dtype else x


def same(x: Value, dtype: Dtype = None) -> Value:
    return typed(x, dtype)


def length(x: Value) -> Value:
    if not x.rank:
        raise IversonError("shape", "A scalar has no length.")
    if x.kept is not None:
        return reduced("sum", plain(x.kept))
    return extent(x.book, x.axes[0])


def builtin_sum(x: Value) -> Value:
    if not x.rank:
        raise IversonError("shape", "Python's sum adds up a list, not a number.")
    return reduced("sum", x, 0)


def tensordot(a: Value, b: Value, axes: Plain = 2) -> Value:
    """The sum over the named axes of both."""
    if isinstance(axes, int):
        axes = (tuple(range(a.rank - axes, a.rank)), tuple(range(axes)))
    if not isinstance(axes, tuple) or len(axes) != 2:
        raise unsupported("tensordot takes a number of axes, or those of each array.", "Write axes=1, or axes=([1], [0]).")
    left, right = (positions(v, p) for v, p in zip((a, b), axes, strict=True))
    if len(left) != len(right):
        raise IversonError("shape", "tensordot pairs as many axes of the one as of the other.")
    names, rest = list(arrays.LETTERS[: a.rank]), iter(arrays.LETTERS[a.rank:])
    pairs = dict(zip(right, left, strict=True))
    others = [names[pairs[p]] if p in pairs else next(rest) for p in range(b.rank)]
    output = [c for p, c in enumerate(names) if p not in left] + [c for p, c in enumerate(others) if p not in pairs]
    return arrays.einsum(f"{''.join(names)},{''.join(others)}->{''.join(output)}", a, b)


def outer_of(function: Callable[..., Value]) -> Callable[..., Value]:
    """np.subtract.outer(x, y) and its kind."""
    def row(x: Value, y: Value) -> Value:
        if x.rank != 1 or y.rank != 1:
            raise unsupported("An outer operation is read of two vectors.", "Write x[:, None] and y[None, :].")
        return function(arranged(x, [0, None]), arranged(y, [None, 0]))

    return row


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
    **{name: with_defaults(row) for name, row in OPS.items() if row.defaults and row.shape == "map2" and name != "huber"},
    "exp": exp,
    **{name: partial(compared, relation) for name, relation in COMPARISONS.items()},
    **{name: reduction(name) for name in ("sum", "mean", "prod")},
    **{name: extreme(name[-3:]) for name in ("max", "min", "amax", "amin")},
    "logical_and": both, "logical_or": either, "logical_not": inverted, "where": where, "clip": clip,
    "logaddexp": logaddexp, "logsumexp": logsumexp, "norm": norm, "var": var, "std": std,
    "softmax": softmax("softmax", None),         "log_softmax": softmax("logsoftmax", None),
    "nn.softmax": softmax("softmax", -1),        "nn.log_softmax": softmax("logsoftmax", -1),
    "matmul": matmul, "dot": arrays.dot, "inner": arrays.inner, "vdot": vdot, "outer": arrays.outer,
    "multi_dot": multi_dot, "einsum": arrays.einsum, "inv": inv, "solve": solve, "solve_triangular": solve_triangular,
    "norm.logpdf": density("-x^2/2 - log(y) - log(2*pi)/2"), "norm.pdf": density("exp(-x^2/2)/(y*sqrt(2*pi))"),
    "norm.cdf": density("normcdf(x)"), "norm.logcdf": density("log(normcdf(x))"), "pinv": arrays.whole("pinv", lambda axes: axes[::-1]),
    "cholesky": arrays.whole("cholesky", tuple), "eigvalsh": arrays.whole("eigvals", lambda axes: axes[:1]),
    "expm": arrays.of_square("expm"), "logm": arrays.of_square("logm"), "sqrtm": arrays.of_square("sqrtm"),
    "fractional_matrix_power": arrays.fractional_power,
    "trace": arrays.trace, "det": arrays.determinant("det"), "slogdet": slogdet,
    "matrix_power": arrays.matrix_power, "diag": arrays.diag, "diagonal": arrays.diagonal,
    "transpose": arrays.transposed, "ravel": moves.flat, "reshape": moves.reshape,
    "squeeze": arrays.squeeze, "expand_dims": arrays.expand_dims, "swapaxes": moves.swapaxes, "moveaxis": moves.moveaxis,
    "eye": eye, "identity": arrays.identity, "arange": moves.arange_from, "linspace": moves.linspace, "ones": ones,
    "zeros": zeros, "empty": zeros, "full": full, "full_like": full_like, "empty_like": zeros_like,
    "broadcast_to": moves.broadcast_to, "average": average, "count_nonzero": count_nonzero, "tensordot": tensordot,
    "kron": moves.kron, "diff": moves.diff, "flip": moves.flipped, "flipud": moves.flipud, "fliplr": moves.fliplr,
    "roll": moves.roll, "cumsum": moves.running("cumsum"), "cumprod": moves.running("cumprod"),
    "tril": moves.triangle(True), "triu": moves.triangle(False), "take": moves.take,
    "take_along_axis": moves.take_along_axis, "stack": moves.stack, "concatenate": moves.concatenate,
    "hstack": moves.hstack, "vstack": moves.vstack, "column_stack": moves.column_stack, "append": moves.append,
    "convolve": series.sliding("convolve", "full"), "correlate": series.sliding("correlate", "valid"),
    "vander": series.vander, "polyval": series.polyval,
    "corrcoef": corrcoef, "ptp": ptp, "triu_indices": triangle_places(False), "tril_indices": triangle_places(True),
    **{f"{n}.outer": outer_of(f) for n, f in (
        ("logaddexp", logaddexp), ("maximum", written("max(x, y)")), ("minimum", written("min(x, y)")),
        ("equal", partial(compared, "=")), ("less", partial(compared, "<")), ("greater", partial(compared, ">")))},
    "shape": shape_of, "size": size_of_array, "ndim": ndim,
    **{f"{n}.reduce": reduction_of(kind) for n, kind in (
        ("add", "sum"), ("multiply", "prod"), ("maximum", "max"), ("minimum", "min"))},
    "eigh": eigh, "cov": cov, "add.outer": outer_of(plus), "subtract.outer": outer_of(lambda x, y: plus(x, minus(y))),
    "multiply.outer": outer_of(times), "logaddexp.reduce": logsumexp, "ones_like": ones_like, "zeros_like": zeros_like,
    "array": same, "asarray": same, "copy": same, "float64": same,
}
METHODS: dict[str, Callable[..., Any]] = {
    name: CALLS[name] for name in (
        "sum", "mean", "prod", "max", "min", "var", "std", "dot", "trace", "transpose", "diagonal", "ravel",
        "reshape", "squeeze", "copy", "clip", "swapaxes", "cumsum", "cumprod", "take", "round")} | {
            "astype": same, "flatten": moves.flat, "item": same}
BUILTINS: dict[str, Callable[..., Any]] = {
    "sum": builtin_sum, "max": builtin_extreme("max"), "min": builtin_extreme("min"), "len": length,
    "float": same, "range": moves.arange_from}
HINTS = {
    "svd":         "Singular values are read in np.linalg.norm(X, 'nuc') and norm(X, 2).",
    "sort":        "Let the data come in sorted.",
    "argsort":     "Let the order come in as labels: x[order].",
    "median":      "Quantiles are not read.",
    "any":         "Write np.max of the conditions as numbers.",
    "all":         "Write np.min of the conditions as numbers.",
    "argmin":      "Labels come in as data.",
    "argmax":      "Labels come in as data.",
    "max":         "np.maximum(a, b) works elementwise.",
    "min":         "np.minimum(a, b) works elementwise.",
}
