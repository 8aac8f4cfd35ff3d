"""OPS: one row per operator a user can call.  Strings only; imports nothing of ours.

name      as it is typed; `aliases` other spellings of the same operator
arity     (least, most) number of arguments
shape     the rule of lang/shapes.py that gives kind and size of the result:
            map      elementwise, the shape of the argument       map2   elementwise, arguments broadcast
            total    any array to a scalar                        line   a vector to a scalar
            same     a vector (or each row of a matrix) to the same shape
            square   a square matrix to one like it               volume a square matrix to a scalar
            build    sizes to an array                            diag   vector to matrix, matrix to vector
            onehot   labels to one row each                       spread one axis placed among several
            block    entries moved, joined or reshaped: a row of lang/blocks.py
meaning   what the call stands for, in iverson notation over its arguments x, y; `all` is every index of x.
          None: the operator is a primitive (lang/lower.py makes a node of it)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Op:
    """One operator of the language."""

    name: str
    arity: tuple[int, int]
    shape: str
    meaning: str | None = None
    aliases: tuple[str, ...] = ()


ROWS = (
    Op("exp",       (1, 1), "map"),
    Op("log",       (1, 1), "map",   aliases=("ln",)),
    Op("log1p",     (1, 1), "map"),
    Op("expm1",     (1, 1), "map"),
    Op("sqrt",      (1, 1), "map",   "x^(1/2)"),
    Op("sin",       (1, 1), "map"),
    Op("cos",       (1, 1), "map"),
    Op("tan",       (1, 1), "map"),
    Op("sinh",      (1, 1), "map"),
    Op("cosh",      (1, 1), "map"),
    Op("tanh",      (1, 1), "map"),
    Op("arcsin",    (1, 1), "map",   aliases=("asin",)),
    Op("arccos",    (1, 1), "map",   aliases=("acos",)),
    Op("arctan",    (1, 1), "map",   aliases=("atan",)),
    Op("erf",       (1, 1), "map"),
    Op("sigmoid",   (1, 1), "map",   aliases=("expit",)),
    Op("softplus",  (1, 1), "map"),
    Op("relu",      (1, 1), "map",   "max(0, x)"),
    Op("abs",       (1, 1), "map"),
    Op("sign",      (1, 1), "map"),
    Op("floor",     (1, 1), "map"),
    Op("square",    (1, 1), "map",   "x^2"),
    Op("max",       (1, 9), "map2"),
    Op("min",       (1, 9), "map2"),
    Op("sum",       (1, 1), "total", "sum[all] x[all]"),
    Op("mean",      (1, 1), "total", "mean[all] x[all]"),
    Op("prod",      (1, 1), "total", "prod[all] x[all]"),
    Op("norm1",     (1, 1), "total", "sum[all] abs(x[all])"),
    Op("norm2",     (1, 1), "total", "(sum[all] x[all]^2)^(1/2)", aliases=("norm",)),
    Op("sumsq",     (1, 1), "total", "sum[all] x[all]^2"),
    Op("tr",        (1, 1), "volume", "sum[k] x[k,k]", aliases=("trace",)),
    Op("logsumexp", (1, 1), "line",  "log(sum[k] exp(x[k]))"),
    Op("softmax",   (1, 1), "same",  "exp(x[k])/sum[m] exp(x[m])"),
    Op("logsoftmax", (1, 1), "same", "x[k] - log(sum[m] exp(x[m]))", aliases=("log_softmax",)),
    Op("inv",       (1, 1), "square"),
    Op("det",       (1, 1), "volume"),
    Op("logdet",    (1, 1), "volume"),
    Op("diag",      (1, 1), "diag", aliases=("diagonal",)),
    Op("eye",       (1, 1), "build", "[i = j]"),
    Op("ones",      (1, 3), "build", "1", aliases=("vector",)),
    Op("zeros",     (1, 3), "build", "0"),
    Op("onehot",    (1, 1), "onehot"),
    Op("spread",    (3, 3), "spread"),
    Op("diff",      (1, 1), "block"),
    Op("flip",      (1, 1), "block"),
    Op("roll",      (2, 2), "block"),
    Op("conv",      (2, 2), "block"),
    Op("correlate", (2, 2), "block"),
    Op("concat",    (2, 9), "block"),
    Op("vstack",    (2, 9), "block"),
    Op("hstack",    (2, 9), "block"),
    Op("kron",      (2, 2), "block"),
    Op("vec",       (1, 1), "block"),
    Op("reshape",   (2, 4), "block"),
)

OPS = {spelling: row for row in ROWS for spelling in (row.name, *row.aliases)}

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "argmax", "argmin")

CONSTANTS = ("pi",)
