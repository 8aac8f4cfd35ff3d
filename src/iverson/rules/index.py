"""AS_BRACKETS: piecewise functions as products of brackets, the form in which they are differentiated by hand."""

from __future__ import annotations

from ..rewrite.rule import Rule

AS_BRACKETS = (
    Rule("positive-part", "max(0, x)", "[x > 0]*x",               why="the larger of 0 and x is x where x is positive"),
    Rule("negative-part", "min(0, x)", "[x < 0]*x",               why="the smaller of 0 and x is x where x is negative"),
    Rule("max-of-two",    "max(x, y)", "[x > y]*x + [x <= y]*y",  why="the first where it is larger, else the second"),
    Rule("min-of-two",    "min(x, y)", "[x < y]*x + [x >= y]*y",  why="the first where it is smaller, else the second"),
    Rule("size",          "abs(x)",    "[x > 0]*x - [x < 0]*x",   why="x where positive, -x where negative"),
)
