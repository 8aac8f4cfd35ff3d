"""Where a derivative is not a number although the loss is: the smallest expression that went wrong, by name.

Glossary   f: a closure from the environment to a value; env: arrays, definitions and sizes by name.
Looks only when asked, after the fact; knows no derivative and no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import ZERO
from ..lang.kinds import Typed
from ..lang.show import show
from ..lang.surface import Surface
from .admit import admitted
from .surface_eval import Dense, evaluate, needed


def finite(v: Any) -> bool:
    return bool(np.isfinite(v).all())


def refuse_nan(loss: Typed, answer: Typed, wrt: str, arrays: Mapping[str, Any]) -> None:
    """Raise IversonError `data` where every value of the loss is finite; return where one is not.

    answer   the printed equations of the derivative, read back
    """
    try:
        value = evaluate(loss, arrays, [loss.script.result])[loss.script.result]
    except IversonError:
        return
    if finite(value):
        raise IversonError(
            "data",
            f"The derivative by {wrt} is not a number at this point, where the loss is {shown(value)}.",
            why=culprit(answer, *admitted(loss, arrays)),
            hint=f"Move {wrt} off this point, or write the loss so that it has a slope there.",
        )


def shown(v: Any) -> str:
    return f"{v:g}" if np.ndim(v) == 0 else "finite"


def culprit(answer: Typed, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> str | None:
    """`x/norm2(x)` of the answer is not finite: the first part that goes wrong while its own parts do not."""
    env, dense = {**sizes, **arrays}, Dense(answer, None)
    with np.errstate(all="ignore"):
        for e in needed(answer, [answer.script.result]):
            scope = tuple((index, n, ZERO) for index, n in answer.scopes[e.name].items())
            env[e.name] = dense.definition(e)(env)
            if not finite(env[e.name]):
                worst = smallest(e.body, lambda t, scope=scope: dense.value(t, scope)[0](env))  # type: ignore[misc]
                return f"{show(worst)} is {kind_of(dense.value(worst, scope)[0](env))} there."
    return None


def smallest(tree: Surface, value: Callable[[Surface], Any]) -> Surface:
    """The part of a tree that is not finite and has only finite parts, as far as they stand outside reductions."""
    for a in tree.args if tree.op != "reduce" else ():
        if a.op in ("num", "name", "rel", "index") or not isinstance(a, Surface):
            continue
        if not finite(value(a)):
            return smallest(a, value)
    return tree


def kind_of(v: Any) -> str:
    return "not a number" if np.isnan(v).any() else "infinite"
