"""What deserves a name of its own in an answer, and ALGEBRA: identities under which it is recognised.

stem      the letter tried first;  text: the expression, in iverson notation
always    named wherever it is more than a function of one of the user's arrays; otherwise only when it is repeated
call      the operator that writes it for a vector
"""

from __future__ import annotations

from dataclasses import dataclass

from ..rewrite.rule import Rule


@dataclass(frozen=True)
class Named:
    """One kind of expression that an answer names once."""

    stem: str
    text: str
    always: bool
    call: str


NAMED = (
    Named("p", "exp(x[k])/sum[m] exp(x[m])", True,  "softmax"),
    Named("s", "sigmoid(x)",                 True,  "sigmoid"),
    Named("h", "tanh(x)",                    False, "tanh"),
)

BRACKET_STEM = "q"

# the largest score is usually taken off first, against overflow
SHIFT = Rule("softmax-shift", "exp(x[k] + a)/sum[m] exp(x[m] + a)", "exp(x[k])/sum[m] exp(x[m])", why="a shift of all scores cancels")

# applied one after the other, in this order: the ratio before its parts
ALGEBRA = (
    SHIFT,
    Rule("logistic-ratio",      "exp(x)/(1 + exp(x))",  "sigmoid(x)",  why="the logistic function, written once"),
    Rule("logistic",            "1/(1 + exp(-x))",      "sigmoid(x)",  why="the logistic function, written once"),
    Rule("logistic-complement", "1/(1 + exp(x))",       "sigmoid(-x)", why="1 - sigmoid(x) is sigmoid(-x)"),
    Rule("tanh-ratio",          "sinh(x)/cosh(x)",      "tanh(x)",     why="tanh is the ratio of sinh and cosh"),
    Rule("tan-ratio",           "sin(x)/cos(x)",        "tan(x)",      why="tan is the ratio of sin and cos"),
    Rule("sign-square",         "sign(x)*abs(x)",       "x",           why="the sign of x times its size is x"),
)
