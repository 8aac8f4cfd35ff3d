"""FACTORS: constants by which hand-derived gradients are off, with what each usually means."""

from __future__ import annotations

FACTORS = (
    ("-1",  lambda sizes: -1.0, "the sign is reversed"),
    ("2",   lambda sizes: 2.0,  "a factor 1/2 is missing, or a factor 2 is too much"),
    ("1/2", lambda sizes: 0.5,  "you have lost a factor 2, or have a factor 1/2 too much"),
    ("-2",  lambda sizes: -2.0, "the sign is reversed and there is a factor 2 too much"),
    ("-1/2", lambda sizes: -0.5, "the sign is reversed and a factor 2 is lost"),
)

SIZE_FACTORS = (
    ("{0}",   lambda n: float(n), "a factor 1/{0} is missing: a sum where the loss has a mean"),
    ("1/{0}", lambda n: 1.0 / n,  "a factor {0} is missing: a mean where the loss has a sum"),
    ("-{0}",  lambda n: -float(n), "the sign is reversed and a factor 1/{0} is missing"),
)
