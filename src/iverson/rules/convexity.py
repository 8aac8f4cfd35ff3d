"""CURVES, PATTERNS, WHOLE: how functions curve, and COMPOSITION: how the pieces of a formula go together.

curvature   convex, concave or affine;  slope: up, down or "" where it has both
log         curvature of the logarithm of a positive function: more than the curvature itself says
on          where the row holds: real, nonnegative or nonpositive arguments; a function is taken on its own domain
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..lang.ops import OPS


@dataclass(frozen=True, slots=True)
class Curve:
    """An elementwise function; of several arguments jointly, with a slope by each."""

    name: str
    curvature: str
    slope: tuple[str, ...] = ("",)
    log: str = ""
    on: str = "real"
    strict: bool = False


UP, DOWN, EITHER = ("up",), ("down",), ("",)

CURVES = (
    Curve("exp",       "convex",  UP, log="affine", strict=True),
    Curve("expm1",     "convex",  UP, strict=True),
    Curve("log",       "concave", UP, strict=True),
    Curve("log1p",     "concave", UP, strict=True),
    Curve("softplus",  "convex",  UP, log="concave", strict=True),
    Curve("sigmoid",   "",        UP, log="concave"),
    Curve("sigmoid",   "concave", UP, log="concave", on="nonnegative"),
    Curve("sigmoid",   "convex",  UP, log="concave", on="nonpositive"),
    Curve("tanh",      "concave", UP, on="nonnegative"),
    Curve("tanh",      "convex",  UP, on="nonpositive"),
    Curve("arctan",    "concave", UP, on="nonnegative"),
    Curve("arctan",    "convex",  UP, on="nonpositive"),
    Curve("arcsinh",   "concave", UP, on="nonnegative"),
    Curve("arcsinh",   "convex",  UP, on="nonpositive"),
    Curve("erf",       "concave", UP, on="nonnegative"),
    Curve("erf",       "convex",  UP, on="nonpositive"),
    Curve("erfc",      "",        DOWN, log="concave"),
    Curve("erfc",      "convex",  DOWN, log="concave", on="nonnegative"),
    Curve("erfc",      "concave", DOWN, log="concave", on="nonpositive"),
    Curve("cosh",      "convex",  EITHER, log="convex", strict=True),
    Curve("cosh",      "convex",  UP, log="convex", on="nonnegative", strict=True),
    Curve("sinh",      "convex",  UP, on="nonnegative"),
    Curve("sinh",      "concave", UP, on="nonpositive"),
    Curve("cbrt",      "concave", UP, on="nonnegative"),
    Curve("cbrt",      "convex",  UP, on="nonpositive"),
    Curve("arccosh",   "concave", UP),
    Curve("arctanh",   "convex",  UP, on="nonnegative"),
    Curve("arctanh",   "concave", UP, on="nonpositive"),
    Curve("arcsin",    "convex",  UP, on="nonnegative"),
    Curve("arcsin",    "concave", UP, on="nonpositive"),
    Curve("arccos",    "concave", DOWN, on="nonnegative"),
    Curve("arccos",    "convex",  DOWN, on="nonpositive"),
    Curve("gamma",     "convex",  EITHER, log="convex", on="nonnegative", strict=True),
    Curve("gammaln",   "convex",  EITHER, on="nonnegative", strict=True),
    Curve("digamma",   "concave", UP, on="nonnegative"),
    Curve("abs",       "convex",  EITHER),
    Curve("abs",       "convex",  UP, on="nonnegative"),
    Curve("max",       "convex",  ("up", "up")),
    Curve("min",       "concave", ("up", "up")),
    Curve("logaddexp", "convex",  ("up", "up")),
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A formula over x, y that is affine in the variable; `where`: texts that have to be at least 0, `fixed`: names that do not
    move with the variable, `positive`: names that are above 0 (by the formula's own domain where it has one)."""

    text: str
    curvature: str
    where: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    log: str = ""
    why: str = ""


def meaning(name: str) -> str:
    """What a function of the language stands for, over x and y."""
    text = OPS[name].meaning
    assert text is not None
    return text


PATTERNS = (
    Pattern("x*log(x)",                  "convex",  why="negative entropy"),
    Pattern("x*log(x/y)",                "convex",  ("x", "y"), why="relative entropy, the perspective of -log"),
    Pattern("x*log(y/x)",                "concave", ("x", "y"), why="relative entropy, the perspective of log"),
    Pattern("x*(log(x) - log(y))",       "convex",  ("x", "y"), why="relative entropy, the perspective of -log"),
    Pattern("x*(log(y) - log(x))",       "concave", ("x", "y"), why="relative entropy, the perspective of log"),
    Pattern("x*log(x) - x*log(y)",       "convex",  ("x", "y"), why="relative entropy, the perspective of -log"),
    Pattern("xlogy(x, x)",               "convex",  why="negative entropy"),
    Pattern("xlogy(x, y)",               "concave", ("x",), ("x",), why="a logarithm"),
    Pattern("xlogy(x, x) - xlogy(x, y)", "convex",  why="relative entropy"),
    Pattern(meaning("huber"),               "convex",  ("y",), ("y",), why="the Huber function"),
    Pattern(meaning("leaky_relu"),          "convex",  ("1 - y",), ("y",), why="two lines, the second steeper"),
    Pattern(meaning("leaky_relu"),          "concave", ("y - 1",), ("y",), why="two lines, the second less steep"),
    Pattern(meaning("elu"),                 "convex",  ("y", "1 - y"), ("y",), why="its slope rises"),
    Pattern(meaning("celu"),                "convex",  ("y",), ("y",), why="its slope rises"),
    Pattern("[x > 0]*x",                 "convex",  why="max(0, x)"),
    Pattern("[x >= 0]*x",                "convex",  why="max(0, x)"),
    Pattern("[x < 0]*x",                 "concave", why="min(0, x)"),
    Pattern("[x <= 0]*x",                "concave", why="min(0, x)"),
    Pattern("[x > y]*(x - y)",           "convex",  why="max(0, x - y)"),
    Pattern("[x < y]*(y - x)",           "convex",  why="max(0, y - x)"),
    Pattern("[x > 0]*x^2",               "convex",  why="max(0, x)^2"),
    Pattern("[x >= 0]*x^2",              "convex",  why="max(0, x)^2"),
    Pattern("[x < 0]*x^2",               "convex",  why="min(0, x)^2"),
    Pattern("x*(y - [x < 0])",           "convex",  (), ("y",), why="the slope steps up at 0"),
    Pattern("x*(y - [x <= 0])",          "convex",  (), ("y",), why="the slope steps up at 0"),
    Pattern("1 - sigmoid(x)",            "",        log="concave", why="sigmoid(-x)"),
    Pattern("x*arctan(x)",               "convex",  why="its second derivative is 2/(1 + x^2)^2"),
    Pattern("log(exp(x) - 1)",           "concave", why="its slope 1/(1 - exp(-x)) falls"),
)


@dataclass(frozen=True, slots=True)
class Whole:
    """A function of a whole matrix that is affine in the variable, and what the matrix has to be."""

    name: str
    curvature: str
    needs: str = ""
    diagonal: bool = False  # the row speaks of the diagonal entries of a matrix, and of its products with constant psd matrices
    nonnegative: bool = False
    log: str = ""


WHOLE = (
    Whole("det",        "",        "spd", log="concave"),
    Whole("logdet",     "concave", "spd"),
    Whole("logabsdet",  "concave", "spd"),
    Whole("lambda_max", "convex",  "symmetric"),
    Whole("lambda_min", "concave", "symmetric"),
    Whole("trexpm",     "convex",  "symmetric"),
    Whole("trsqrtm",    "concave", "spd"),
    Whole("nuclear",    "convex",  nonnegative=True),
    Whole("spectral",   "convex",  nonnegative=True),
    Whole("inv",        "convex",  "spd", diagonal=True),
    Whole("logm",       "concave", "spd", diagonal=True),
    Whole("sqrtm",      "concave", "spd", diagonal=True),
)

# what a step of a certificate rests on, by the name of the step
COMPOSITION: Mapping[str, str] = {
    "constant":   "it does not depend on {wrt}",
    "affine":     "it is affine in {wrt}",
    "sum":        "a sum of {c} terms",
    "weighted":   "a {c} piece with a weight that is at least 0",
    "turned":     "a {o} piece with a weight that is at most 0",
    "composed":   "{function} is {c} and its argument is affine",
    "monotone":   "{function} is {c} and {s}, and its argument is {a}",
    "largest":    "the largest of {c} entries",
    "smallest":   "the smallest of {c} entries",
    "power":      "a power of a {a} piece that is at least 0",
    "even":       "an even power of an affine piece",
    "form":       "a quadratic form of affine pieces with a positive semidefinite matrix",
    "root":       "a root of a sum of powers, as in a norm",
    "logsum":     "the logarithm of a log-convex piece, such as a sum of exponentials",
    "loglow":     "the logarithm of a log-concave piece",
    "geometric":  "powers of concave nonnegative pieces whose exponents add up to at most 1",
    "ratio":      "a power of a nonnegative convex piece over powers of concave positive ones",
    "reciprocal": "a negative power of concave positive pieces",
    "inverse":    "a negative power of a {a} piece",
    "product":    "a product of {c} pieces",
    "pattern":    "{why}",
    "whole":      "{function} is {c} where its matrix is {n}",
    "hessian":    "its Hessian is a sum of Gram matrices with weights that are at least 0",
}

# structures whose sets are convex, so that a midpoint is of the structure too
CONVEX_SETS = frozenset({"positive", "simplex", "symmetric", "spd", "skew", "diagonal", "lower", "upper"})

# what a declared structure says of entries: least and largest value
ENTRIES: Mapping[str, tuple[float, float]] = {
    "positive": (0.0, float("inf")), "simplex": (0.0, 1.0), "onehot": (0.0, 1.0), "unit": (-1.0, 1.0),
    "orthonormal": (-1.0, 1.0), "orthogonal": (-1.0, 1.0),
}

# the values of elementwise functions, wherever their arguments are
VALUES: Mapping[str, tuple[float, float]] = {
    "exp": (0.0, float("inf")), "sigmoid": (0.0, 1.0), "softplus": (0.0, float("inf")), "cosh": (1.0, float("inf")),
    "abs": (0.0, float("inf")), "tanh": (-1.0, 1.0), "sin": (-1.0, 1.0), "cos": (-1.0, 1.0), "erf": (-1.0, 1.0),
    "erfc": (0.0, 2.0), "sign": (-1.0, 1.0), "arccosh": (0.0, float("inf")), "arctan": (-1.5707963267948968, 1.5707963267948968),
    "arccos": (0.0, 3.1415926535897936),
}
# rising functions that keep the side of 0 on which their argument lies
THROUGH_ZERO = frozenset({"expm1", "log1p", "tanh", "sinh", "arctan", "arcsinh", "arctanh", "arcsin", "erf", "cbrt", "tan"})
