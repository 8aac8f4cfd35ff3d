"""STRUCTURES: what an input can be declared to be beyond its sizes.

name    as it is declared, `S: spd[n]`;  ranks: how many axes it may have, the first where none are written
square  its two axes are one size, which may be written once
facts   what follows from it, itself first: keys of FACTS, of the conventions, and of how values are drawn
        A stack of square matrices, `S: spd[K, n, n]`, has them with STACKED before: they are drawn and checked, and shorten nothing
"""

from __future__ import annotations

from dataclasses import dataclass

STACKED = "stacked "


@dataclass(frozen=True, slots=True)
class Structure:
    """One kind of input with properties of its own."""

    name: str
    ranks: tuple[int, ...]
    square: bool
    facts: tuple[str, ...]


ROWS = (
    Structure("symmetric",   (2, 3),       True,  ("symmetric",)),
    Structure("spd",         (2, 3),       True,  ("spd", "symmetric")),
    Structure("diagonal",    (2,),         True,  ("diagonal", "symmetric")),
    Structure("lower",       (2,),         True,  ("lower",)),
    Structure("upper",       (2,),         True,  ("upper",)),
    Structure("skew",        (2,),         True,  ("skew",)),
    Structure("orthogonal",  (2,),         True,  ("orthogonal", "orthonormal")),
    Structure("orthonormal", (2,),         False, ("orthonormal",)),
    Structure("onehot",      (2, 1),       False, ("onehot",)),
    Structure("unit",        (1,),         False, ("unit",)),
    Structure("simplex",     (1, 2),       False, ("simplex",)),
    Structure("positive",    (0, 1, 2, 3), False, ("positive",)),
)

STRUCTURES = {row.name: row for row in ROWS}


def facts_of(row: Structure, rank: int) -> tuple[str, ...]:
    """What follows from a structure of so many axes."""
    return tuple(STACKED + f for f in row.facts) if row.square and rank == 3 else row.facts


def kind_of(facts: tuple[str, ...]) -> str:
    """The kind that was declared."""
    return facts[0].removeprefix(STACKED)


def rank_of(kind: str, sizes: int | None) -> int | None:
    """How many axes a structured input with so many written sizes has; None for other kinds and where use decides."""
    row = STRUCTURES.get(kind)
    if row is None:
        return sizes
    if sizes is None:
        return row.ranks[0] if row.ranks[0] else None
    return 2 if row.square and sizes == 1 else sizes
