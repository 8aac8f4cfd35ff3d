"""Numbers: what a formula is worth as written and as lowered, at which points, and whether an answer holds.

The two evaluators share no code with each other, so neither can hide a mistake of the other.
"""
