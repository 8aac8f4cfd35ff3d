"""FACTS: what a declared kind of input says, as shrinking rewrites.

They hold for the values of the input, not for its neighbours, so they are used only after differentiating, and never
for the input that is differentiated by.
"""

from __future__ import annotations

from ..rewrite.rule import Rule

FACTS = {
    "simplex": (Rule("sums-to-one", "sum[k] x[k]", "1", why="the entries of a simplex sum to 1"),),
    "symmetric": (),
    "positive": (),
}
