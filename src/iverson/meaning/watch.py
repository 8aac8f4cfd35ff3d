"""What an evaluation meets on its way: kinks and how near they are, exact ties, both sides of every relation.

Glossary   a, b: the two values that meet at a kink; depth, rank: as in surface_eval.
Knows nothing of trees but their identity; it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from ..lang.surface import Surface

TIE = 1e-12         # nearer than this, values are equal by structure, as x[i] and x[i] are, not near a kink


@dataclass
class Sides:
    """Whether a relation between values, or what a kink asks (x > 0 in abs(x)), was seen true and false."""

    tree: Surface
    true: bool = False
    false: bool = False


@dataclass
class Watch:
    """What evaluations met.

    wrt        names the loss is differentiated by: kinks they do not move are passed over; None: all
    nearest    least |a - b|/(1 + |a| + |b|) at a kink a = b that is not a tie
    ties       how many kinks were met exactly, within TIE
    condition  largest condition number of a matrix that was inverted, or whose logdet was taken
    volume     largest condition number of a matrix whose det was taken
    sides      of relations between values and of kinks that have sides, by identity of the tree
    masks      the conditions that hold around what is being evaluated, each with its depth
    `restart` forgets all but wrt.
    """

    wrt: frozenset[str] | None = None
    nearest: float = inf
    ties: int = 0
    condition: float = 1.0
    volume: float = 1.0
    sides: dict[int, Sides] = field(default_factory=dict)
    masks: list[tuple[Any, int]] = field(default_factory=list)

    def restart(self) -> None:
        self.nearest, self.ties, self.condition, self.volume, self.sides = inf, 0, 1.0, 1.0, {}

    def live(self, depth: int, rank: int) -> Any:
        """Where the conditions hold that stand around what is being evaluated."""
        live: Any = np.True_
        for mask, d in self.masks:
            live = live & np.reshape(mask, np.shape(mask) + (1,) * (depth - d + rank))
        return live

    def meet(self, tree: Surface, gap: Any, truth: Any, depth: int, rank: int, moves: bool,
             place: Callable[[], Any] | None = None) -> None:
        """Kinks at distances `gap`, an array; `truth`: on which side, None for a kink that has no sides; `place`
        finds which of several values is the largest."""
        live = self.live(depth, rank)
        if np.isnan(gap).any() and np.any(np.isnan(gap) & live):
            self.nearest = 0.0  # a relation with what is not a number is neither true nor false
        if truth is not None:
            sides = self.sides.setdefault(id(tree), Sides(tree))
            sides.true = sides.true or bool(np.any(truth & live))
            sides.false = sides.false or bool(np.any(~truth & live))
        if moves:
            met = np.where(live, gap, inf)
            self.ties += int(np.count_nonzero(met <= TIE))
            self.nearest = min(self.nearest, float(np.min(met, where=met > TIE, initial=inf)))

    def matrix(self, name: str, v: Any) -> None:
        """A square matrix, or a stack of them, of which inv, logdet or det is about to be taken."""
        s = np.linalg.svd(v, compute_uv=False) if np.isfinite(v).all() else np.array([inf, 1.0])
        worst = float(np.max(s[..., 0] / s[..., -1]))
        if name == "det":
            self.volume = max(self.volume, worst)
        else:
            self.condition = max(self.condition, worst)
