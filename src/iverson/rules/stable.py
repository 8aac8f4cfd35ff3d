"""STABLE: forms that lose no digits, in the order in which they are applied.

breaks   a point at which the left side, evaluated as written, overflows or cancels
"""

from __future__ import annotations

from ..rewrite.rule import Rule

STABLE = (
    Rule("log-softmax",     "log(exp(x[k])/sum[m] exp(x[m]))", "x[k] - log(sum[m] exp(x[m]))",
         why="the quotient is 0 when x[k] is 746 below the largest"),
    Rule("log-sigmoid",     "log(sigmoid(x))", "-softplus(-x)", breaks={"x": -1000.0},
         why="sigmoid(x) is 0 in float64 below x = -746"),
    Rule("log-complement",  "log(1 - sigmoid(x))", "-softplus(x)", breaks={"x": 40.0},
         why="1 - sigmoid(x) is 0 in float64 above x = 37"),
    Rule("log-logistic",    "log(1/(1 + exp(-x)))", "-softplus(-x)", breaks={"x": -1000.0},
         why="exp(-x) overflows below x = -710"),
    Rule("softplus",        "log(1 + exp(x))", "softplus(x)", breaks={"x": 1000.0}, why="exp(x) overflows above x = 710"),
    Rule("softplus-log1p",  "log1p(exp(x))", "softplus(x)", breaks={"x": 1000.0}, why="exp(x) overflows above x = 710"),
    Rule("logistic-ratio",  "exp(x)/(1 + exp(x))", "sigmoid(x)", breaks={"x": 1000.0}, why="exp(x) overflows above x = 710"),
    Rule("logistic",        "1/(1 + exp(-x))", "sigmoid(x)", breaks={"x": -1000.0}, why="exp(-x) overflows below x = -710"),
    Rule("logistic-less",   "1/(1 + exp(x))", "sigmoid(-x)", breaks={"x": 1000.0}, why="exp(x) overflows above x = 710"),
    Rule("complement",      "1 - sigmoid(x)", "sigmoid(-x)", breaks={"x": 40.0}, why="1 - sigmoid(x) cancels above x = 37"),
    Rule("log-sum-exp",     "log(sum[k] exp(x[k]))", "max[m] x[m] + log(sum[k] exp(x[k] - max[m] x[m]))",
         why="exp(x[k]) overflows above x[k] = 710", unless="max"),
    Rule("softmax",         "exp(x[k])/sum[m] exp(x[m])",
         "exp(x[k] - max[j] x[j])/sum[m] exp(x[m] - max[j] x[j])",
         why="exp(x[k]) overflows above x[k] = 710", unless="max"),
    Rule("log-of-one-plus", "log(1 + x)", "log1p(x)", breaks={"x": 1e-18}, why="1 + x is 1 for x below 1e-16"),
    Rule("exp-minus-one",   "exp(x) - 1", "expm1(x)", breaks={"x": 1e-18}, why="exp(x) - 1 cancels near 0"),
)
