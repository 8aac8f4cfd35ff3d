"""OPS: one row per operator a user can call.  Strings only; imports nothing of ours.

name      as it is typed; `aliases` other spellings of the same operator
arity     (least, most) number of arguments
shape     the rule of lang/shapes.py that gives kind and size of the result:
            map      elementwise, the shape of the argument       map2   elementwise, arguments broadcast
            extreme  max and min: of several elementwise, of one over its entries
            total    any array to a scalar                        line   a vector to a scalar
            same     a vector (or each row of a matrix) to the same shape
            square   a square matrix to one like it               volume a square matrix to a scalar
            flip     a matrix to one with the sizes swapped       like   a matrix to one of the same sizes
            spectrum a square matrix to a vector                  measure  a matrix to a scalar
            build    sizes to an array                            diag   vector to matrix, matrix to vector
            mask     a square matrix, entries on one side of the diagonal
            fill     a scalar to an array of that entry, of the size that the place asks for
            onehot   labels to one row each                       spread one axis placed among several
            block    entries moved, joined or reshaped: a row of lang/blocks.py
meaning   what the call stands for, in iverson notation over its arguments x, y, z; `all` is every index of x, k the
          last one.  None: the operator is a primitive (lang/lower.py makes a node of it)
defaults  of the last arguments, where they may be left out
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
    defaults: tuple[str, ...] = ()


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
    Op("arcsinh",   (1, 1), "map",   aliases=("asinh",)),
    Op("arccosh",   (1, 1), "map",   aliases=("acosh",)),
    Op("arctanh",   (1, 1), "map",   aliases=("atanh",)),
    Op("arctan2",   (2, 2), "map2",  aliases=("atan2",)),
    Op("log2",      (1, 1), "map",   "log(x)/log(2)"),
    Op("log10",     (1, 1), "map",   "log(x)/log(10)"),
    Op("exp2",      (1, 1), "map",   "2^x"),
    Op("erf",       (1, 1), "map"),
    Op("erfc",      (1, 1), "map"),
    Op("erfinv",    (1, 1), "map"),
    Op("gamma",     (1, 1), "map"),
    Op("gammaln",   (1, 1), "map",   aliases=("lgamma", "loggamma")),
    Op("digamma",   (1, 1), "map",   aliases=("psi",)),
    Op("polygamma", (2, 2), "map2"),
    Op("betaln",    (2, 2), "map2",  "gammaln(x) + gammaln(y) - gammaln(x + y)"),
    Op("normcdf",   (1, 1), "map",   "erfc(-x/2^(1/2))/2"),
    Op("logit",     (1, 1), "map"),
    Op("logsigmoid", (1, 1), "map",  "-softplus(-x)", aliases=("log_sigmoid",)),
    Op("silu",      (1, 1), "map",   "x*sigmoid(x)", aliases=("swish",)),
    Op("gelu",      (1, 1), "map",   "x*(1 + erf(x/2^(1/2)))/2"),
    Op("gelu_tanh", (1, 1), "map",   "x*(1 + tanh((2/pi)^(1/2)*(x + 0.044715*x^3)))/2"),
    Op("mish",      (1, 1), "map",   "x*tanh(softplus(x))"),
    Op("softsign",  (1, 1), "map",   "x/(1 + abs(x))"),
    Op("tanhshrink", (1, 1), "map",  "x - tanh(x)"),
    Op("elu",       (1, 2), "map2",  "[x > 0]*x + [x <= 0]*y*expm1(x)", defaults=("1",)),
    Op("selu",      (1, 1), "map",   "1.0507009873554805*[x > 0]*x + 1.7580993408473766*[x <= 0]*expm1(x)"),
    Op("celu",      (1, 2), "map2",  "[x > 0]*x + [x <= 0]*y*expm1(x/y)", defaults=("1",)),
    Op("leaky_relu", (1, 2), "map2", "[x > 0]*x + [x <= 0]*y*x", defaults=("0.01",)),
    Op("relu6",     (1, 1), "map",   "[x > 0]*[x < 6]*x + 6*[x >= 6]"),
    Op("clip",      (3, 3), "map2",  "[x < y]*[y <= z]*y + [x >= y]*[x <= z]*x + [x > z]*z + [x <= z]*[y > z]*z", aliases=("clamp",)),
    Op("hardtanh",  (1, 3), "map2",  "[x < y]*[y <= z]*y + [x >= y]*[x <= z]*x + [x > z]*z + [x <= z]*[y > z]*z", defaults=("-1", "1")),
    Op("hardsigmoid", (1, 1), "map", "[x > -3]*[x < 3]*(x/6 + 1/2) + [x >= 3]"),
    Op("hardswish", (1, 1), "map",   "[x > -3]*[x < 3]*x*(x/6 + 1/2) + [x >= 3]*x"),
    Op("huber",     (1, 2), "map2",  "[abs(x) <= y]*x^2/2 + [abs(x) > y]*y*(abs(x) - y/2)", defaults=("1",)),
    Op("softshrink", (1, 2), "map2", "[x > y]*(x - y) + [x < -y]*(x + y)", defaults=("0.5",)),
    Op("step",      (1, 1), "map",   "[x > 0]"),
    Op("cbrt",      (1, 1), "map"),
    Op("rsqrt",     (1, 1), "map",   "x^(-1/2)"),
    Op("reciprocal", (1, 1), "map",  "1/x"),
    Op("power",     (2, 2), "map2",  "x^y", aliases=("pow",)),
    Op("hypot",     (2, 2), "map2",  "(x^2 + y^2)^(1/2)"),
    Op("logaddexp", (2, 2), "map2"),
    Op("xlogy",     (2, 2), "map2"),
    Op("entr",      (1, 1), "map",   "-xlogy(x, x)"),
    Op("rel_entr",  (2, 2), "map2",  "xlogy(x, x) - xlogy(x, y)"),
    Op("kl_div",    (2, 2), "map2",  "xlogy(x, x) - xlogy(x, y) - x + y"),
    Op("sigmoid",   (1, 1), "map",   aliases=("expit",)),
    Op("softplus",  (1, 1), "map"),
    Op("relu",      (1, 1), "map",   "max(0, x)"),
    Op("abs",       (1, 1), "map"),
    Op("sign",      (1, 1), "map"),
    Op("floor",     (1, 1), "map"),
    Op("ceil",      (1, 1), "map"),
    Op("round",     (1, 1), "map"),
    Op("square",    (1, 1), "map",   "x^2"),
    Op("max",       (1, 9), "extreme"),
    Op("min",       (1, 9), "extreme"),
    Op("sum",       (1, 1), "total", "sum[all] x[all]"),
    Op("mean",      (1, 1), "total", "mean[all] x[all]"),
    Op("prod",      (1, 1), "total", "prod[all] x[all]"),
    Op("norm1",     (1, 1), "total", "sum[all] abs(x[all])"),
    Op("norm2",     (1, 1), "total", "(sum[all] x[all]^2)^(1/2)", aliases=("norm", "normF", "fro")),
    Op("norminf",   (1, 1), "total", "max[all] abs(x[all])"),
    Op("normp",     (2, 2), "total", "(sum[all] abs(x[all])^y)^(1/y)"),
    Op("var",       (1, 1), "total", "mean[all] (x[all] - mean[all2] x[all2])^2"),
    Op("std",       (1, 1), "total", "(mean[all] (x[all] - mean[all2] x[all2])^2)^(1/2)"),
    Op("sumsq",     (1, 1), "total", "sum[all] x[all]^2"),
    Op("tr",        (1, 1), "volume", "sum[k] x[k,k]", aliases=("trace",)),
    Op("logsumexp", (1, 1), "line",  "log(sum[k] exp(x[k]))"),
    Op("softmax",   (1, 1), "same",  "exp(x[k])/sum[m] exp(x[m])"),
    Op("logsoftmax", (1, 1), "same", "x[k] - log(sum[m] exp(x[m]))", aliases=("log_softmax",)),
    Op("softmin",   (1, 1), "same",  "exp(-x[k])/sum[m] exp(-x[m])"),
    Op("normalize", (1, 1), "same",  "x[k]/(sum[m] x[m]^2)^(1/2)", aliases=("normalise",)),
    Op("cumsum",    (1, 1), "same",  "sum[m: m <= k] x[m]"),
    Op("cumprod",   (1, 1), "same",  "prod[m: m <= k] x[m]"),
    Op("inv",       (1, 1), "square"),
    Op("adj",       (1, 1), "square", aliases=("adjugate",)),
    Op("det",       (1, 1), "volume"),
    Op("logdet",    (1, 1), "volume"),
    Op("logabsdet", (1, 1), "volume"),
    Op("pinv",      (1, 1), "flip"),
    Op("cholesky",  (1, 1), "square", aliases=("chol",)),
    Op("eigvals",   (1, 1), "spectrum", aliases=("eigvalsh",)),
    Op("eigvecs",   (1, 1), "square"),
    Op("nuclear",   (1, 1), "measure", aliases=("norm_nuc",)),
    Op("spectral",  (1, 1), "measure"),
    Op("polar",     (1, 1), "like"),
    Op("dominant",  (1, 1), "like"),
    Op("expm",      (1, 1), "square"),
    Op("logm",      (1, 1), "square"),
    Op("sqrtm",     (1, 1), "square"),
    Op("matpow",    (2, 2), "square"),
    Op("trexpm",    (1, 1), "volume"),
    Op("trsqrtm",   (1, 1), "volume"),
    Op("trmatpow",  (2, 2), "volume"),
    Op("expm_slopes", (1, 1), "square"),
    Op("logm_slopes", (1, 1), "square"),
    Op("sqrtm_slopes", (1, 1), "square"),
    Op("matpow_slopes", (2, 2), "square"),
    Op("lambda_max", (1, 1), "volume", aliases=("eigmax",)),
    Op("lambda_min", (1, 1), "volume", aliases=("eigmin",)),
    Op("eigvec_max", (1, 1), "spectrum"),
    Op("eigvec_min", (1, 1), "spectrum"),
    Op("gaps_max",  (1, 1), "square"),
    Op("gaps_min",  (1, 1), "square"),
    Op("tril",      (1, 1), "mask",  "[i >= j]*x[i,j]"),
    Op("triu",      (1, 1), "mask",  "[i <= j]*x[i,j]"),
    Op("diag",      (1, 1), "diag", aliases=("diagonal",)),
    Op("eye",       (1, 1), "build", "[i = j]"),
    Op("ones",      (1, 3), "build", "1"),
    Op("zeros",     (1, 3), "build", "0"),
    Op("vector",    (1, 1), "fill",  "x"),
    Op("matrix",    (1, 1), "fill",  "x"),
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
    Op("commutation", (2, 2), "block"),
    Op("vec",       (1, 1), "block"),
    Op("reshape",   (2, 4), "block"),
)

OPS = {spelling: row for row in ROWS for spelling in (row.name, *row.aliases)}

# functions of a whole matrix: each becomes a definition of its own, and its rule speaks of names
WHOLE = tuple(
    row.name
    for row in ROWS
    if row.meaning is None and row.shape in ("square", "volume", "flip", "like", "spectrum", "measure")
)

# functions whose value is symmetric where the matrix is
EVEN = ("inv", "pinv", "expm", "logm", "sqrtm", "matpow", "gaps_max", "gaps_min")

# a reduction of a function of a whole matrix that is a function of its own
COMPOSED = {
    ("tr", "expm"): "trexpm", ("tr", "logm"): "logdet", ("tr", "sqrtm"): "trsqrtm", ("tr", "matpow"): "trmatpow",
    ("max", "eigvals"): "lambda_max", ("min", "eigvals"): "lambda_min", ("sum", "eigvals"): "tr",
}  # fmt: skip

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "argmax", "argmin")

CONSTANTS = ("pi",)
