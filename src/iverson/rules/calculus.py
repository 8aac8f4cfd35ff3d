"""CALCULUS: the derivative of every elementwise function, and TENSOR: of every whole-matrix function.

A text is in iverson notation over the arguments x (and y).  Kinks follow one convention: of two, the slope goes to
the first where [a > b], to the second otherwise; a constant takes the tie, so relu and abs have slope 0 at 0.
"""

from __future__ import annotations

from ..rewrite.rule import Derivative

ROWS = (
    Derivative("exp",      ("exp(x)",)),
    Derivative("log",      ("1/x",),                       domain="positive"),
    Derivative("log1p",    ("1/(1 + x)",),                 domain="above -1"),
    Derivative("expm1",    ("exp(x)",)),
    Derivative("sin",      ("cos(x)",)),
    Derivative("cos",      ("-sin(x)",)),
    Derivative("tan",      ("1 + tan(x)^2",)),
    Derivative("sinh",     ("cosh(x)",)),
    Derivative("cosh",     ("sinh(x)",)),
    Derivative("tanh",     ("1 - tanh(x)^2",)),
    Derivative("arcsin",   ("(1 - x^2)^(-1/2)",),          domain="between -1 and 1"),
    Derivative("arccos",   ("-(1 - x^2)^(-1/2)",),         domain="between -1 and 1"),
    Derivative("arctan",   ("1/(1 + x^2)",)),
    Derivative("arcsinh",  ("(1 + x^2)^(-1/2)",)),
    Derivative("arccosh",  ("(x^2 - 1)^(-1/2)",),          domain="above 1"),
    Derivative("arctanh",  ("1/(1 - x^2)",),               domain="between -1 and 1"),
    Derivative("arctan2",  ("y/(x^2 + y^2)", "-x/(x^2 + y^2)")),
    Derivative("erfc",     ("-2*pi^(-1/2)*exp(-x^2)",)),
    Derivative("erfinv",   ("pi^(1/2)*exp(erfinv(x)^2)/2",), domain="between -1 and 1"),
    Derivative("gamma",    ("gamma(x)*digamma(x)",),       domain="positive"),
    Derivative("gammaln",  ("digamma(x)",),                domain="positive"),
    Derivative("digamma",  ("polygamma(1, x)",),           domain="positive"),
    Derivative("polygamma", ("", "polygamma(x + 1, y)"),   domain="order", why="its order is a whole number"),
    Derivative("logit",    ("1/(x*(1 - x))",),             domain="between 0 and 1"),
    Derivative("cbrt",     ("1/(3*cbrt(x)^2)",)),
    Derivative("logaddexp", ("sigmoid(x - y)", "sigmoid(y - x)")),
    Derivative("xlogy",    ("log(y)", "x/y"),              domain="positive"),
    Derivative("erf",      ("2*pi^(-1/2)*exp(-x^2)",)),
    Derivative("sigmoid",  ("sigmoid(x)*(1 - sigmoid(x))",)),
    Derivative("softplus", ("sigmoid(x)",)),
    Derivative("abs",      ("sign(x)",),                   kink="x = 0, slope 0 taken"),
    Derivative("sign",     ("0",),                         kink="x = 0, a jump"),
    Derivative("floor",    None,                           why="it is constant between integers and jumps at them"),
    Derivative("ceil",     None,                           why="it is constant between integers and jumps at them"),
    Derivative("round",    None,                           why="it is constant between its jumps"),
    Derivative("max",      ("[x > y]", "[x <= y]"),        kink="x = y, slope of the second taken"),
    Derivative("min",      ("[x < y]", "[x >= y]"),        kink="x = y, slope of the second taken"),
)

CALCULUS = {row.name: row for row in ROWS}

# a constant takes the tie: the bracket by which the other argument wins strictly
STRICT = {"max": "[x > y]", "min": "[x < y]"}

# the differential of F = f(A), linear in dA, over the names A, dA and F, and p and dp of a scalar beside A; the last
# line is the differential.  Other functions of A or F that a text reads are computed beside it.
SLOPES = "U = eigvecs(A); U*({f}_slopes(A{p}).*(U'*dA*U))*U'{more}"

TENSOR = {
    "inv":       "-F*dA*F",
    "adj":       "tr(inv(A)*dA)*F - inv(A)*dA*F",
    "det":       "F*tr(inv(A)*dA)",
    "logdet":    "tr(inv(A)*dA)",
    "logabsdet": "tr(inv(A)*dA)",
    "pinv":      "-F*dA*F + F*F'*dA'*(eye(m) - A*F) + (eye(n) - F*A)*dA'*F'*F",
    "cholesky":  "P = inv(F)*(dA + dA')*inv(F)'/2; F*(tril(P) - diag(diag(P))/2)",
    "eigvals":   "diag(eigvecs(A)'*((dA + dA')/2)*eigvecs(A))",
    "nuclear":   "tr(polar(A)'*dA)",
    "spectral":  "tr(dominant(A)'*dA)",
    "lambda_max": "eigvec_max(A)'*dA*eigvec_max(A)",
    "lambda_min": "eigvec_min(A)'*dA*eigvec_min(A)",
    "eigvec_max": "gaps_max(A)*(dA + dA')*F/2",
    "eigvec_min": "gaps_min(A)*(dA + dA')*F/2",
    "trexpm":    "tr(expm(A)*dA)",
    "trsqrtm":   "tr(inv(sqrtm(A))*dA)/2",
    "trmatpow":  "p*tr(matpow(A, p - 1)*dA) + tr(logm(A)*matpow(A, p))*dp",
    "expm":      SLOPES.format(f="expm", p="", more=""),
    "logm":      SLOPES.format(f="logm", p="", more=""),
    "sqrtm":     SLOPES.format(f="sqrtm", p="", more=""),
    "matpow":    SLOPES.format(f="matpow", p=", p", more=" + F*logm(A)*dp"),
}

# of these the row holds where A is symmetric
SYMMETRIC = ("expm", "logm", "sqrtm", "matpow")

# what the derivative asks of the matrix A, as a note beside an answer
CONDITION = {
    "eigvals":    "eigenvalues of {A} that differ",
    "lambda_max": "a gap below the largest eigenvalue of {A}",
    "lambda_min": "a gap above the smallest eigenvalue of {A}",
    "spectral":   "a gap below the largest singular value of {A}",
    "nuclear":    "full rank of {A}",
    "pinv":       "full rank of {A}",
}

# functions of a whole matrix that only stand in the differentials of others, and why they have none of their own
WITHOUT = {
    "eigvecs":  "the eigenvectors turn into each other where eigenvalues meet",
    "polar":    "the derivative of the orthogonal factor solves a Sylvester equation",
    "dominant": "singular vectors turn into each other where singular values meet",
    **dict.fromkeys(("expm_slopes", "logm_slopes", "sqrtm_slopes", "matpow_slopes", "gaps_max", "gaps_min"),
                    "it is met in second and third derivatives, which are not supported"),
}
