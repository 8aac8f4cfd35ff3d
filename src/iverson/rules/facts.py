"""FACTS: what a declared structure says of entries, as shrinking rewrites; NOTES: how an answer names it.

They hold for the values of the input, not for its neighbours, so they are used only after differentiating, and never
for the input that is differentiated by.  What a structure says of whole matrices stands in rules/matrix.py.
"""

from __future__ import annotations

from ..rewrite.rule import Rule

SUMS = (
    Rule("sums-to-one",     "sum[k] x[k]",          "1",       why="the entries sum to 1"),
    Rule("rows-sum-to-one", "sum[k] x[i,k]",        "1",       why="every row sums to 1"),
)

FACTS = {
    "simplex":     SUMS,
    "onehot":      (*SUMS, Rule("zero-or-one", "x[i,k]^2", "x[i,k]", why="the entries are 0 and 1")),
    "orthonormal": (
        Rule("orthonormal",  "sum[k] x[k,i]*x[k,j]", "[i = j]", why="the columns are orthonormal"),
        Rule("unit-columns", "sum[k] x[k,i]^2",      "1",       why="every column has length 1"),
    ),
    "orthogonal":  (
        Rule("orthogonal",   "sum[k] x[i,k]*x[j,k]", "[i = j]", why="the rows are orthonormal"),
        Rule("unit-rows",    "sum[k] x[i,k]^2",      "1",       why="every row has length 1"),
    ),
    "unit":        (Rule("unit-length", "sum[k] x[k]^2", "1",   why="the vector has length 1"),),
    "skew":        (Rule("skew-diagonal", "x[i,i]",  "0",       why="the diagonal of a skew matrix is 0"),),
}

# what answers may rest on, by fact, or by fact and rank where the sentence differs
NOTES: dict[object, str] = {
    "simplex": "{0} sums to 1", ("simplex", 2): "every row of {0} sums to 1",
    "onehot": "{0} is one 1 among 0s", ("onehot", 2): "every row of {0} is one 1 among 0s",
    "orthonormal": "{0}'*{0} = eye",
    "orthogonal": "{0}'*{0} = {0}*{0}' = eye", "unit": "{0} has length 1", "skew": "{0}' = -{0}",
}
