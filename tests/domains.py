"""Where every elementwise operator is defined and of moderate size, found out by trying: a new row is covered as it is.

Glossary   domain: a word for a range of arguments; RANGES: the ranges, the widest first; row: a row of OPS.
An argument that is no expression is a number: one with a default, one whose CALCULUS text is empty (an order), and the
bounds of an operator of three arguments.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from iverson.lang.kinds import typed
from iverson.lang.ops import OPS, Op
from iverson.lang.syntax import parse_script
from iverson.meaning.surface_eval import evaluate
from iverson.rules.calculus import CALCULUS

RANGES = {
    "any": (-30.0, 30.0), "tame": (-2.0, 2.0), "positive": (0.02, 30.0), "moderate": (0.5, 2.5), "unit": (-0.95, 0.95),
    "between": (0.05, 0.95), "above": (1.1, 30.0),
}
LARGEST, TRIED = 1000.0, 3000       # a function may grow to so much; at so many points
ORDERS = ("1", "2", "3")
MAPS = ("map", "map2")


def rows(*shapes: str) -> list[Op]:
    """The operators of these shape rules, each once, those without a derivative of their own left in."""
    return [row for name, row in OPS.items() if name == row.name and row.shape in shapes]


def variables(row: Op) -> int:
    """How many leading arguments are expressions; the others are numbers."""
    most = row.arity[1]
    return 1 if most > 2 or row.defaults or most == 1 else 2


def order_first(row: Op) -> bool:
    """Whether the first argument is a whole number, by which nothing is differentiated."""
    found = CALCULUS.get(row.name)
    return found is not None and found.partial is not None and not found.partial[0]


def fixed(row: Op) -> tuple[str, ...]:
    """Numbers for the arguments after the expressions; nothing where they may be left out."""
    if row.defaults:
        return row.defaults
    return ("-0.6", "1.1") if row.arity[1] == 3 else ()


@cache
def domains(name: str) -> tuple[str, ...]:
    """The widest range for each argument on which the operator is finite and moderate."""
    row = OPS[name]
    if order_first(row):
        return ("order", next(d for d in RANGES if moderate(row, (d,), ("1",))))
    rank = {d: p for p, d in enumerate(RANGES)}
    tried = sorted(product(RANGES, repeat=variables(row)), key=lambda ds: sum(rank[d] for d in ds))
    return next((ds for ds in tried if moderate(row, ds)), ("moderate",) * variables(row))


def moderate(row: Op, ds: tuple[str, ...], front: tuple[str, ...] = ()) -> bool:
    """Whether the operator is finite and not large at random arguments and at the ends of the ranges."""
    rng = np.random.default_rng(0)
    names = "xyz"[:len(ds)]
    arrays = {n: np.concatenate([RANGES[d], rng.uniform(*RANGES[d], TRIED)]) for n, d in zip(names, ds, strict=True)}
    for v in arrays.values():
        rng.shuffle(v)
    call = f"{row.name}({', '.join((*front, *names, *fixed(row)))})"
    values = evaluate(typed(parse_script(call), kinds=dict.fromkeys(names, "vector[n]")), arrays)["L"]
    return bool(np.isfinite(values).all() and np.max(np.abs(values)) <= LARGEST)
