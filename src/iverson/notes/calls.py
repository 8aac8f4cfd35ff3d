"""Factors that stand side by side: which of them are functions with their arguments, and which are indicators."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..lang.latex_symbols import plain
from ..lang.latex_tree import Tex, inner_of, same
from ..lang.latex_words import LONG
from .marks import ONES, OPAQUE, STANDARD, Env, unread
from .scope import flat
from .slopes import prime
from .values import Misfit, Val, entrywise, log, powered

if TYPE_CHECKING:
    from .evaluate import Evaluator

LOGICAL = ("rel", "and", "or", "not")


def cross_entropy(y: Val, p: Val) -> Val:
    return Val(-np.sum(entrywise(np.multiply, replace(y, flexible=True), replace(p, a=log(p.a))).a))


NAMED = {"CE": cross_entropy}    # losses that notes call by name
ONE_HOT = ("onehot", "OneHot", "Onehot", "oneHot")


def factor(e: Evaluator, items: list[Tex], at: int, env: Env) -> tuple[Val, int]:
    """The next factor of a row, and where the row goes on."""
    t = items[at]
    following = items[at + 1] if at + 1 < len(items) else None
    if t.op == "fn":
        return function(e, items, at, env)
    free = t.op == "sym" and t.attr in ONES and str(t.attr) not in env and not e.scope.definitions.get(plain(str(t.attr)))
    one = free or (t.op == "num" and t.attr == 1)
    if one and following is not None and following.op == "fence" and len(following.args) == 1 and following.args[0].op in LOGICAL:
        v = Val(np.float64(e.holds(following.args[0], env)))
        return e.above(v, following.sup, env, t.span), at + 2
    if one and t.sub and len(t.sub) == 1 and inner_of(t.sub[0]).op in LOGICAL:
        return Val(np.float64(e.holds(inner_of(t.sub[0]), env))), at + 1
    if t.op == "sym" and following is not None and following.op == "fence" and following.attr in ("(", "[") and is_called(e, t, following, env):
        return called(e, t, following, env), at + 2
    if t.op == "sym" and t.attr in ("E", r"\mathbb{E}", "P") and following is not None and following.op == "fence":
        raise unread("Expectations and probabilities are not read.", t.span)
    return e.value(t, env), at + 1


def is_called(e: Evaluator, t: Tex, fence: Tex, env: Env) -> bool:
    """Whether a symbol and the parentheses behind it are a call."""
    key, terms, _, rest = e.scope.split(t)
    if key in NAMED and len(fence.args) == 2:
        return True
    if (key, e.place) in e.over or str(t.attr) in env:
        return (key, e.place) in e.over and fence.args[0].op == "sym" and key in e.scope.by
    d = e.definition(key)
    bare = all(a.op == "sym" for a in fence.args)
    if d is None and named_one_hot(t) and len(fence.args) == 1:
        return True
    if d is not None:
        return d.args is not None or (key in e.scope.by and bare and not terms)
    if (key in e.scope.by and bare) or key in OPAQUE or (key in STANDARD and not terms):
        return True
    lone = len(fence.args) == 1 and fence.args[0].op == "sym" and not fence.sup
    word = len(str(t.attr)) > 1 and not str(t.attr).startswith("\\")
    if len(fence.args) > 1 or (lone and not rest) or word:
        raise unread(f"{t.attr} is not defined: a function of what stands in parentheses, or a factor?", t.span, "name")
    return False


def called(e: Evaluator, t: Tex, fence: Tex, env: Env) -> Val:
    """The value of a call; primes on the name are derivatives."""
    key, terms, _, rest = e.scope.split(t)
    primes = sum(k == "prime" for k, _ in rest)
    others = tuple(r for r in rest if r[0] != "prime")
    d = e.definition(key)
    if d is None and named_one_hot(t):
        return one_hot(e, fence.args[0], env)
    if d is None and key in NAMED:
        return NAMED[key](*(e.value(a, env) for a in fence.args))
    if d is None and key in e.scope.by:
        return e.whole(key, env, t.span)
    if d is not None and not primes and (d.args is None or all_same(d.args, fence.args)):
        v = e.picked(key, terms, env, t.span)
        return e.above(v, (*rest, *fence.sup), env, t.span)
    if d is None and len(fence.args) != 1:
        raise unread(f"{t.attr} is not given.", t.span, "name")

    def f(v: Val) -> Val:
        if d is not None:
            assert d.args is not None
            names = [str(a.attr) for a in d.args]
            given = {names[0]: v} | {n: e.value(a, env) for n, a in zip(names[1:], fence.args[1:], strict=True)}
            return e.body(d, given)
        if key in STANDARD:
            return e.apply(STANDARD[key], [v], t.span)
        return Val(e.random_function(key, v.a), v.row)

    if d is not None and (any(a.op != "sym" for a in d.args or ()) or len(d.args or ()) != len(fence.args)):
        raise unread(f"{t.attr} is called with other arguments than it is defined for.", t.span)
    if primes > 1:
        raise unread("A second derivative by primes is not read.", t.span)
    v = e.value(fence.args[0], env)
    if primes and v.rank and d is not None:
        raise Misfit("The derivative of a function at an array.", t.span)
    made = prime(e, f, v) if primes else f(v)
    if fence.sub:
        made = e.entries(made, flat(fence.sub), env, t.span)
    return e.above(made, (*others, *fence.sup), env, t.span)


def named_one_hot(t: Tex) -> bool:
    return str(t.attr) in ONE_HOT


def one_hot(e: Evaluator, t: Tex, env: Env) -> Val:
    """The column with 1 at a label."""
    i = e.index(t, env, None)
    if i.size is None:
        raise unread("How many classes there are is not known.", t.span)
    return Val(np.eye(i.size)[i.at])


def all_same(a: tuple[Tex, ...], b: tuple[Tex, ...]) -> bool:
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))


def function(e: Evaluator, items: list[Tex], at: int, env: Env) -> tuple[Val, int]:
    """An operator with its argument: in parentheses, or the next factor where that is one only."""
    f = items[at]
    name = str(f.attr)
    power = None
    for kind, x in f.sup:
        if kind != "power":
            raise unread(f"What stands above {name} is not read.", f.span)
        power = x
    if f.sub is not None:
        if [getattr(s, "attr", None) for s in f.sub] not in ([2], [10]) or name != "log":
            raise unread(f"{name} with a subscript is not read.", f.span)
        name += str(f.sub[0].attr)
    if at + 1 == len(items):
        raise unread(f"{name} has no argument here.", f.span, "syntax")
    arg = items[at + 1]
    stop = at + 2
    if name in ONE_HOT and arg.op == "fence" and len(arg.args) == 1:
        return e.above(one_hot(e, arg.args[0], env), arg.sup, env, f.span), stop
    if name == "softmax" and arg.op == "fence" and len(arg.args) == 1 and arg.args[0].op == "sym" and (place := e.scope.split(arg.args[0])[1]):
        whole = e.apply(name, [e.whole(e.scope.split(arg.args[0])[0], env, arg.span)], f.span)
        return e.entries(whole, place, env, arg.span), stop
    if arg.op == "fence" and arg.attr in ("(", "[", r"\{"):
        args = [e.value(a, env) for a in arg.args]
    elif arg.op == "fn":
        inner, stop = function(e, items, at + 1, env)
        args = [inner]
    else:
        rest = items[at + 2 :]
        indicated = arg.op == "num" and rest and rest[0].op == "fence"
        if (rest and name not in LONG and rest[0].op not in ("fn", "big")) or indicated:
            if not (is_row_call(e, arg, rest[0], env) and len(rest) >= 1):
                raise unread(f"{name} is taken of one factor, or of all that follow.", arg.span, "ambiguous")
            args, stop = [called(e, arg, rest[0], env)], at + 3
        elif rest and name in LONG:
            args, stop = [e.value(Tex("row", tuple(items[at + 1 :]), span=arg.span), env)], len(items)
        else:
            args = [e.value(arg, env)]
    v = e.apply(name, args, f.span)
    if arg.op == "fence" and stop == at + 2:
        if arg.sub:
            v = e.entries(v, flat(arg.sub), env, arg.span)
        if arg.sup and name in ("log",) and any(k == "power" for k, _ in arg.sup):
            raise unread(f"The power belongs to {name}, or to what it is taken of.", arg.span, "ambiguous")
        v = e.above(v, arg.sup, env, arg.span)
    return (powered(v, e.value(power, env)) if power is not None else v), stop


def is_row_call(e: Evaluator, t: Tex, fence: Tex, env: Env) -> bool:
    return t.op == "sym" and fence.op == "fence" and is_called(e, t, fence, env)
