"""Derivatives in formulas of notes, by complex steps; a second one by differences of first ones.

The derivative of a number has the shape of what it is derived by; of an array, its axes come first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lang.latex_tree import Tex
from .marks import Env, unread
from .values import STEP, Misfit, Val

if TYPE_CHECKING:
    from .evaluate import Evaluator

FAR = 1e-3
NUMBERS = ("L", "J", r"\mathcal{L}", "Loss", "loss", "Cost", "cost")    # names of losses, which are numbers
WEIGHTS = ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0))  # of a difference of fourth order, over 12 FAR


def derivative(e: Evaluator, t: Tex, env: Env) -> Val:
    body, *by = t.args
    if body is not None and not by:
        by = [own_variable(e, body, t)] * t.attr
    if body is None or not by:
        raise unread("What is derived, or by what, is not said.", t.span)
    if len(by) > 2 or (len(by) == 2 and len(by) != t.attr):
        raise unread("A derivative of this order is not read.", t.span)
    if len(by) == 2:
        return second(e, body, by, env)
    name = str(body.attr) if body.op == "sym" and not body.sub else ""
    return slope(e, by[0], env, lambda: e.value(body, env), bool(e.deriving), name)


def own_variable(e: Evaluator, body: Tex, t: Tex) -> Tex:
    r"""What \nabla f is by: the argument that f is written or defined with."""
    args: tuple[Tex, ...] = ()
    if body.op == "row" and len(body.args) == 2 and body.args[1].op == "fence":
        args = body.args[1].args
    elif body.op == "sym" and (d := e.definition(e.scope.split(body)[0])) is not None:
        args = d.args or ()
    if len(args) != 1 or args[0].op != "sym":
        raise unread("By what it is derived is not said.", t.span, "ambiguous")
    return args[0]


def second(e: Evaluator, body: Tex, by: list[Tex], env: Env) -> Val:
    """The Hessian, the last index of each variable last."""
    bare = [replace(x, sup=tuple(s for s in x.sup if s[0] != "T")) for x in by]
    return slope(e, bare[1], env, lambda: slope(e, bare[0], env, lambda: e.value(body, env), False), True)


def slope(e: Evaluator, by: Tex, env: Env, f: Callable[[], Val], finite: bool, name: str = "") -> Val:
    """The derivative of a value by a symbol, or by a part of it; name: of what is derived."""
    if by.op == "row" and len(by.args) == 2 and by.args[1].op == "fence":
        by = by.args[0]
    if by.op == "group":
        by = by.args[0]
    if by.op == "fence" and by.sub and len(by.args) == 1:
        by = replace(by.args[0], sub=by.sub)
    if by.op != "sym":
        raise unread("It is derived by a formula.", by.span)
    if by.sup and by.sup[-1][0] == "power" and getattr(by.sup[-1][1], "attr", None) == 2:
        return by_square(e, replace(by, sup=by.sup[:-1]), env, f, finite, name)
    key, terms, sample, rest = e.scope.split(by)
    if any(k not in ("T",) for k, _ in rest):
        raise unread("It is derived by a formula.", by.span)
    before = e.sample
    if sample is not None:
        e.sample = e.index(sample, env, None)
    try:
        place = e.place
        base = e.whole(key, env, by.span)
        if str(by.attr) in env and not terms:
            raise unread("It is derived by an index.", by.span)
        if terms and len(terms) != base.rank:
            raise Misfit(f"{base.rank} indices belong here, not {len(terms)}.", by.span)
        picks = [range(n) if x.op == "all" else [e.index(x, env, n).at] for x, n in zip(terms, np.shape(base.a), strict=True)] if terms else [
            range(n) for n in np.shape(base.a)]
        kept = tuple(len(p) for p, x in zip(picks, terms, strict=True) if x.op == "all") if terms else np.shape(base.a)
    finally:
        e.sample = before
    old, version = e.over.get((key, place)), e.version
    found: list[Any] = []
    shape: Val = Val(0.0)
    e.deriving += not finite
    try:
        for at in np.ndindex(*map(len, picks)):
            spot = tuple(p[i] for p, i in zip(picks, at, strict=True))
            d, shape = along(e, key, place, base, spot, f, finite)
            found.append(d)
    finally:
        e.deriving -= not finite
        e.version = version
        if old is None:
            e.over.pop((key, place), None)
        else:
            e.over[(key, place)] = old
    inner = np.shape(shape.a)
    if inner and name in NUMBERS:
        raise Misfit(f"{name} is no number under this reading.", by.span)
    made = np.moveaxis(np.array(found).reshape((*kept, *inner)), range(len(kept)), range(len(inner), len(inner) + len(kept)))
    if not inner:
        row = base.row if len(kept) == base.rank else bool(terms) and terms[-1].op == "all" and base.rank == 2
        return Val(made if kept else made[()], row and len(kept) == 1, len(kept) == 1)
    return Val(made, shape.row if not kept else False, not kept and len(inner) == 1)


def by_square(e: Evaluator, by: Tex, env: Env, f: Callable[[], Val], finite: bool, name: str) -> Val:
    r"""The derivative by \sigma^2: that by \sigma, over 2\sigma."""
    base, v = e.value(by, env), slope(e, by, env, f, finite, name)
    if base.rank and v.rank != base.rank:
        raise unread("A derivative of an array by squares is not read.", by.span)
    return replace(v, a=v.a / (2 * base.a))


def along(e: Evaluator, key: str, place: int | None, base: Val, spot: tuple[int, ...], f: Callable[[], Val], finite: bool) -> tuple[Any, Val]:
    """The derivative along one entry, and the value it has the shape of."""
    def moved(by: Any) -> Val:
        a = np.array(base.a, dtype=complex if np.iscomplexobj(by) or np.iscomplexobj(base.a) else float)
        a[spot] += by
        e.over[(key, place)] = replace(base, a=a if a.shape else a[()])
        e.versions += 1
        e.version = e.versions
        return f()

    if not finite:
        v = moved(1j * STEP)
        return np.where(np.isfinite(np.real(v.a)), np.imag(v.a) / STEP, np.nan), v
    total: Any = 0.0
    for k, w in WEIGHTS:
        v = moved(k * FAR)
        total = total + w * v.a
    return total / (12 * FAR), v


def prime(e: Evaluator, f: Callable[[Val], Val], v: Val) -> Val:
    """f'(v) of a function of entries."""
    if np.iscomplexobj(v.a):
        h = FAR
        total: Any = 0.0
        for k, w in WEIGHTS:
            total = total + w * f(replace(v, a=v.a + k * h)).a
        return replace(v, a=total / (12 * h))
    made = f(replace(v, a=v.a + 1j * STEP)).a
    return replace(v, a=np.where(np.isfinite(np.real(made)), np.imag(made) / STEP, np.nan)[()])

