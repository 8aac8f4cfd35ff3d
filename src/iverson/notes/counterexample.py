"""A small instance at which two members differ: few and small integers, shown with what both sides are worth there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from .evaluate import Evaluator
from .instance import Draw, Reading
from .judge import Judge, Outcome, Pair, close, sample_letters
from .marks import Env, Index
from .values import Misfit, Unequal

LONGEST = 150
WHOLE = 13


def evidence(judge: Judge, pair: Pair, o: Outcome) -> tuple[tuple[str, str], ...]:
    """inputs, left and right of the smallest instance found; () where none is short enough to be shown."""
    scalars = [k for k, kind in o.kinds.items() if kind[0] == 0]
    if len(scalars) == len(o.kinds) == 1 and not pair.letters(judge.scope):
        name = scalars[0]
        found = [x for n in range(WHOLE) if (x := at(judge, pair, o, Draw(1, fixed=((name, float(n)),)))) is not None]
        if found:
            return found[(len(found) - 1) // 2]
    best: tuple[tuple[str, str], ...] = ()
    for seed in range(1, 13):
        for positive in (False, True):
            x = at(judge, pair, o, Draw(seed, whole=True, positive=positive))
            if x is not None and (not best or sum(len(v) for _, v in x) < sum(len(v) for _, v in best)):
                best = x
        if best and seed > 5:
            break
    return best


def at(judge: Judge, pair: Pair, o: Outcome, draw: Draw) -> tuple[tuple[str, str], ...] | None:
    reading = Reading(dict(o.kinds), judge.sizes(replace(pair)))
    reading.sizes.next = min(reading.sizes.next, 3) - (1 if reading.sizes.next <= 3 else 0)
    for _ in range(20):
        e = Evaluator(judge.scope, reading, draw, pair.at, pair.section)
        e.late = pair.late
        try:
            with np.errstate(all="ignore"):
                return differing(judge, pair, e)
        except Unequal as sizes:
            try:
                reading.sizes.join(*sizes.pair)
            except Misfit:
                return None
        except (IversonError, np.linalg.LinAlgError, RecursionError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError):
            return None
    return None


def differing(judge: Judge, pair: Pair, e: Evaluator) -> tuple[tuple[str, str], ...] | None:
    letters = pair.letters(judge.scope)
    sizes = [next((n for side in (pair.left, pair.right, *pair.around) if (n := e.extent(x, side, {})) is not None), 1) for x in letters]
    for spot in np.ndindex(*sizes):
        env: Env = {x: Index(i, n) for x, i, n in zip(letters, spot, sizes, strict=True)}
        samples = sample_letters(pair)
        e.sample = env[samples[0]] if len(samples) == 1 and samples[0] in env else None
        a, b = np.real(e.value(pair.left, env).a), np.real(e.value(pair.right, env).a)
        if np.shape(a) == np.shape(b) and np.all(np.isfinite(a)) and np.all(np.isfinite(b)) and not close(a, b, 1e-6):
            inputs = {x: i + 1 for x, i in zip(letters, spot, strict=True)} | e.inputs
            said = ", ".join(f"{k} = {plain(v)}" for k, v in inputs.items())
            if len(said) > LONGEST:
                return None
            return (("inputs", said), ("left", plain(a)), ("right", plain(b)))
    return None


def plain(a: Any) -> str:
    """A number, list or matrix, short."""
    if np.ndim(a) == 0:
        return f"{float(np.real(a)):.6g}"
    return "(" + ", ".join(plain(x) for x in a) + ")"
