"""MATRIX: identities between written matrix expressions; the right side is what a careful person would write.

x, y, A, B stand for any expression; `only` limits a row to one form of x, `bare` to a name alone, `fact` to an input of
which that is declared and by which is not differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MatrixRule:
    """`lhs = rhs`, both in matrix notation."""

    name: str
    lhs: str
    rhs: str
    only: str = ""
    bare: bool = False
    fact: str = ""


COMMUTES = "eigvecs(x)*({}.*(eigvecs(x)'*x*eigvecs(x)))*eigvecs(x)'"

# neighbours in a product that are the identity
IDENTITY = (
    MatrixRule("orthonormal-columns", "x'*x", "1", fact="orthonormal"),
    MatrixRule("orthonormal-rows",    "x*x'", "1", fact="orthogonal"),
)

MATRIX = (
    MatrixRule("softmax",           "exp(x)/sum(exp(x))",  "softmax(x)", only="column"),
    MatrixRule("logsumexp",         "log(sum(exp(x)))",    "logsumexp(x)", only="column"),
    MatrixRule("euclidean-norm",    "sum(x.^2)^0.5",       "norm2(x)"),
    MatrixRule("euclidean-dot",     "(x'*x)^0.5",          "norm2(x)", only="column"),
    MatrixRule("norm-cubed",        "sum(x.^2)^1.5",       "norm2(x)^3"),
    MatrixRule("dot",               "sum(x.^2)",           "x'*x", only="column", bare=True),
    MatrixRule("norm-of-dot",       "(x'*x)^1.5",          "norm2(x)^3", only="column"),
    MatrixRule("norm-power",        "(x'*x)^(y/2 - 1)",    "norm2(x)^(y - 2)", only="column"),
    MatrixRule("norm-power-all",    "sum(x.^2)^(y/2 - 1)", "norm2(x)^(y - 2)"),
    MatrixRule("square-root",       "x^0.5",               "sqrt(x)", only="scalar"),
    MatrixRule("matrix-root",       "x^0.5",               "sqrtm(x)", only="matrix"),
    MatrixRule("square-roots",      "x.^0.5",              "sqrt(x)"),
    MatrixRule("variance",          "mean((x - mean(x)).^2)", "var(x)"),
    MatrixRule("deviation",         "sqrt(var(x))",        "std(x)"),
    MatrixRule("double-transpose",  "x''",                 "x"),
    MatrixRule("diagonal-of-product", "(x.*y')*ones(n)",   "diagonal(x*y)", only="matrix"),
    MatrixRule("product-diagonal",  "(x'.*y)*ones(n)",     "diagonal(y*x)", only="matrix"),
    # U*(slopes.*(U'*A*U))*U', the derivative of tr(A*f(A)) through f: A and f(A) have the same eigenvectors
    MatrixRule("own-exponential",   COMMUTES.format("expm_slopes(x)"), "x*expm(x)"),
    MatrixRule("own-logarithm",     COMMUTES.format("logm_slopes(x)"), "x*inv(x)"),
    MatrixRule("own-root",          COMMUTES.format("sqrtm_slopes(x)"), "sqrtm(x)/2"),
    MatrixRule("own-power",         COMMUTES.format("matpow_slopes(x, y)"), "y*x^y"),
    MatrixRule("lower-part",        "x.*tril(ones(m, n))", "tril(x)", only="matrix"),
    MatrixRule("upper-part",        "x.*triu(ones(m, n))", "triu(x)", only="matrix"),
    MatrixRule("part-lower",        "tril(ones(m, n)).*x", "tril(x)", only="matrix"),
    MatrixRule("part-upper",        "triu(ones(m, n)).*x", "triu(x)", only="matrix"),
    MatrixRule("lower-twice",       "tril(tril(x))",       "tril(x)"),
    MatrixRule("upper-twice",       "triu(triu(x))",       "triu(x)"),
    MatrixRule("lower-alone",       "tril(x)",             "x", fact="lower"),
    MatrixRule("upper-alone",       "triu(x)",             "x", fact="upper"),
    MatrixRule("skew-transpose",    "x'",                  "-x", fact="skew"),
    MatrixRule("orthogonal-inverse", "inv(x)",             "x'", fact="orthogonal"),
    MatrixRule("diagonal-alone",    "diag(diag(x))",       "x", fact="diagonal"),
    MatrixRule("sum-of-ones",       "sum(x*y')",           "sum(x)*sum(y)", only="column"),
)
