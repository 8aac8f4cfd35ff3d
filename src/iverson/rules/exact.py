"""SLOPES and EXACT: parts of generated code that lose their digits near one point, and the function that does not.

Like STABLE, but the right sides call FUNCTIONS, which only generated code knows: they have no name on paper, and an
answer that is shown keeps the form on the left.  SLOPES come before STABLE, which would take them apart; EXACT after.
"""

from __future__ import annotations

from ..rewrite.rule import Rule

# what each function is, as written; emit/dialects.py holds the code
FUNCTIONS = {
    "entropy":            "x*log(x)",
    "entropy_complement": "(1 + x)*log(1 + x)",
    "log_cosh":           "log(cosh(x))",
    "log_one_less_exp":   "log(1 - exp(x))",
    "sech_squared":       "1/cosh(x)^2",
    "exp_ratio":          "(exp(x) - 1)/x",
    "exp_ratio_slope":    "(exp(x) - (exp(x) - 1)/x)/x",
    "sine_ratio":         "sin(x)/x",
    "sine_ratio_slope":   "(cos(x) - sin(x)/x)/x",
    "log_ratio":          "log(1 + x)/x",
    "log_ratio_slope":    "(1/(1 + x) - log(1 + x)/x)/x",
    "cosine_ratio_slope": "(sin(x) - 2*(1 - cos(x))/x)/x^2",
}

OVER = "exp(x) overflows above x = 710"
NEAR = "the terms cancel near x = 0"


def exact(name: str, lhs: str, rhs: str, why: str, **breaks: float) -> Rule:
    return Rule(name, lhs, rhs, why, breaks, calls=tuple(f for f in FUNCTIONS if f + "(" in rhs))


SLOPES = (
    exact("slope-exp-ratio",     "(1/x + exp(x) - exp(x)/x)/x",         "exp_ratio_slope(x)", NEAR, x=1e-12),
    exact("slope-expm1-ratio",   "(exp(x) - expm1(x)/x)/x",             "exp_ratio_slope(x)", NEAR, x=1e-12),
    exact("slope-exp-quotient",  "(1 - x*exp(x)/(exp(x) - 1))/(exp(x) - 1)", "-exp_ratio_slope(x)/exp_ratio(x)^2", NEAR, x=1e-12),
    exact("slope-sine-ratio",    "(cos(x) - sin(x)/x)/x",               "sine_ratio_slope(x)", NEAR, x=1e-6),
    exact("slope-log-ratio",     "(1/(1 + x) - log(1 + x)/x)/x",        "log_ratio_slope(x)", NEAR, x=1e-9),
    exact("slope-log1p-ratio",   "(1/(1 + x) - log1p(x)/x)/x",          "log_ratio_slope(x)", NEAR, x=1e-9),
    exact("slope-cosine-ratio",  "(sin(x) + 2*(cos(x) - 1)/x)/x^2",     "cosine_ratio_slope(x)", NEAR, x=1e-4),
    exact("sine-ratio",          "sin(x)/x",                            "sine_ratio(x)", "0/0 at 0", x=0.0),
    exact("log-cosh",            "log(cosh(x))",                        "log_cosh(x)", "cosh overflows above x = 710", x=800.0),
    exact("log-two-cosh",        "log(2*cosh(x))",                      "log_cosh(x) + log(2)", "cosh overflows above x = 710", x=800.0),
    exact("log-mean-exp",        "log((exp(x) + exp(-x))/2)",           "log_cosh(x)", OVER, x=800.0),
    exact("log-exp-plus-exp",    "log(exp(x) + exp(-x))",               "log_cosh(x) + log(2)", OVER, x=800.0),
    exact("log-one-less-exp",    "log(1 - exp(x))",                     "log_one_less_exp(x)", "1 - exp(x) cancels near 0", x=-1e-17),
    exact("inverse-softplus",    "log(exp(x) - 1)",                     "x + log_one_less_exp(-x)", OVER, x=800.0),
    exact("log-tanh-slope",      "log(1 - tanh(x)^2)",                  "-2*log_cosh(x)", "tanh(x)^2 is lost beside 1 near x = 0", x=1e-9),
    exact("tanh-slope",          "1 - tanh(x)^2",                       "sech_squared(x)", "tanh(x) is 1 above x = 19", x=40.0),
    exact("tanh-slope-negative", "tanh(x)^2 - 1",                       "-sech_squared(x)", "tanh(x) is 1 above x = 19", x=40.0),
)

EXACT = (
    exact("sigmoid-slope",       "sigmoid(x)*sigmoid(-x)",              "sech_squared(x/2)/4", "one exponential does for two", x=1e-9),
    exact("exp-ratio",           "expm1(x)/x",                          "exp_ratio(x)", "0/0 at 0", x=0.0),
    exact("exp-quotient",        "x/expm1(x)",                          "1/exp_ratio(x)", "0/0 at 0", x=0.0),
    exact("log-ratio",           "log1p(x)/x",                          "log_ratio(x)", "0/0 at 0", x=0.0),
    exact("log-of-successor",    "log1p(x) - log(x)",                   "log1p(1/x)", "the logarithms cancel for large x", x=1e17),
    exact("entropy",             "x*log(x)",                            "entropy(x)", "0*log(0) is 0", x=0.0),
    exact("entropy-of-sum",      "x*(log(x) + y)",                      "entropy(x) + x*y", "0*log(0) is 0", x=0.0, y=1.0),
    exact("relative-entropy",    "x*log(x*y)",                          "entropy(x*y)/y", "0*log(0) is 0", x=0.0, y=1.0),
    exact("entropy-complement",  "(1 + x)*log1p(x)",                    "entropy_complement(x)", "0*log(0) is 0", x=-1.0),
)
