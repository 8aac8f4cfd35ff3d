"""Sums, products and maxima over letters: what they bind, how far it runs, and their value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lang.latex_tree import Tex
from .marks import Env, Index, beyond, free_letters, unread
from .scope import flat, plain
from .values import Val, added, larger, match, smaller

if TYPE_CHECKING:
    from .evaluate import Evaluator

REDUCED: dict[str, Callable[[Any, Any], Any]] = {"prod": np.multiply, "max": larger, "min": smaller}


def reduction(e: Evaluator, t: Tex, env: Env) -> Val:
    """The value of a sum, product or maximum over letters."""
    letters, condition, low = binder(e, t, env)
    condition = [*condition, *(apart_from(x, label, t) for x, label in e.excluded if x in letters)]
    ends = [x for k, x in t.sup if k == "power"]
    ranges = [span_of(e, x, t, env, ends[0] if ends and len(letters) == 1 else None) for x in letters]
    first = (low or 1) - 1
    values: list[Val] = []
    for at in np.ndindex(*(n if isinstance(n, int) else n[0] for n in ranges)):
        inner = {**env, **{x: Index(i, n if isinstance(n, int) else None) for x, i, n in zip(letters, at, ranges, strict=True)}}
        if min(at, default=0) < first:
            continue
        if all(e.holds(c, inner) for c in condition):
            values.append(e.value(t.args[0], inner))
    return reduced(str(t.attr), values, t)


def apart_from(letter: str, label: str, t: Tex) -> Tex:
    return Tex("rel", (Tex("sym", (), letter, t.span), Tex("sym", (), label, t.span)), "!=", t.span)


def reduced(kind: str, values: list[Val], t: Tex) -> Val:
    if kind in ("sum", "mean"):
        total = values[0] if values else Val(np.float64(0))
        for v in values[1:]:
            total = added(total, v)
        return total if kind == "sum" else replace(total, a=total.a / len(values))
    if not values or values[0].rank:
        raise unread("This reduction is not read.", t.span)
    f = REDUCED.get(kind)
    if f is None:
        raise unread(f"{kind} is not read.", t.span)
    found = values[0].a
    for v in values[1:]:
        found = f(found, v.a)
    return Val(found)


def binder(e: Evaluator, t: Tex, env: Env) -> tuple[list[str], list[Tex], int | None]:
    """The letters that a sum binds, its conditions, and its lower limit."""
    if not t.sub:
        free = [x for x in free_letters(t.args[0], e.scope) if x not in env]
        if len(free) != 1:
            raise unread("What this sum runs over is not said.", t.span, "ambiguous")
        return free, [], None
    letters: list[str] = []
    conditions: list[Tex] = []
    low = None
    for x in flat(t.sub):
        if x.op == "fence" and all(y.op == "sym" and not y.sub for y in x.args):    # over pairs (u, i)
            letters += [str(y.attr) for y in x.args]
        elif x.op == "sym" and not x.sub:
            letters.append(str(x.attr))
        elif x.op == "rel" and x.args[0].op == "sym":
            name, right = str(x.args[0].attr), x.args[1]
            if x.attr == "=" and right.op == "num":
                letters.append(name)
                low = int(right.attr)
                if low not in (0, 1):
                    conditions.append(Tex("rel", x.args, ">=", x.span))
                    low = None
            elif x.attr in ("!=", "<", ">", "<=", ">=") and right.op == "sym":
                letters += [n for n in (name, str(right.attr)) if n not in env and n not in letters
                            and plain(n) not in e.scope.labels]
                conditions.append(x)
            else:
                raise unread("What this sum runs over is not read.", x.span)
        elif x.op != "such":
            raise unread("What this sum runs over is not read.", x.span)
    return letters, conditions, 1 if low == 0 else low


def span_of(e: Evaluator, letter: str, t: Tex, env: Env, end: Tex | None) -> Any:
    """How far a letter runs."""
    over = e.extent(letter, t.args[0], env)
    if over is None and t.sub:
        over = next((n for x in t.sub if (n := e.extent(letter, x, env)) is not None), None)
    named = None
    if end is not None and end.op == "sym" and str(end.attr) in e.reading.sizes.named:
        named = e.reading.sizes.value(str(end.attr))
    elif end is not None and end.op == "num":
        return (int(end.attr),)
    if named is not None and over is not None:
        match(named, over)
    found = over if over is not None else named
    if found is None:
        found = beyond(letter, t.args[0])
    if found is None and letter.islower():
        raise unread(f"How far {letter} runs is not known.", t.span)
    if found is None:
        raise unread("What this sum runs over is not read.", t.span)
    return found
