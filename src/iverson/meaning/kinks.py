"""The kinks and jumps of a loss in words: where they are, and which slope is taken there."""

from __future__ import annotations

from collections.abc import Iterable

from ..lang.kinds import Typed
from ..lang.show import show
from ..lang.surface import Surface, names_in
from .boundary import Change

AT_ZERO = {"abs": "slope 0 taken", "relu": "slope 0 taken", "norm1": "slope 0 taken", "sign": "sign(0) = 0 taken"}
TIES = {"max": "the largest", "min": "the smallest", "argmax": "the largest", "argmin": "the smallest"}


def kinks(typed: Typed, found: Iterable[Change]) -> tuple[str, ...]:
    """A text for every place at which the loss was seen to have a kink, or was never seen at all."""
    lines = [sentence(typed, c.tree) for c in found if c.kink or (c.looked == 0 and c.tree.op == "call")]
    return tuple(dict.fromkeys(t for t in lines if t))


def jumps(found: Iterable[Change]) -> tuple[Surface, ...]:
    """The relations at whose tie the loss jumps."""
    trees = {show(t): t for t in (place(c.tree) for c in found if c.jump)}
    return tuple(trees.values())


def jump_text(result: str, where: Surface) -> str:
    return f"{result} jumps where {show(where)}: the gradient ignores it"


def place(tree: Surface) -> Surface:
    """What holds where a tree changes sides: a = b, x = 0; a maximum stands for a tie in it."""
    if tree.op == "rel":
        return Surface("rel", tree.args, "=")
    if tree.op == "call" and (tree.attr in AT_ZERO or len(tree.args) == 2):
        a, b = (*tree.args, Surface("num", (), 0))[:2]
        return Surface("rel", (b, a) if a.op == "num" else (a, b), "=")
    return tree


def sentence(typed: Typed, tree: Surface) -> str | None:
    """`at x = 0: slope 0 taken (relu)`; None where two equal arguments make no kink."""
    if tree.op == "rel":
        return f"at {show(place(tree))}: the side that [{show(tree)}] takes"
    if tree.op == "call" and tree.attr in AT_ZERO:
        return f"at {show(place(tree))}: {AT_ZERO[tree.attr]} ({tree.attr})"
    if tree.op == "call" and len(tree.args) > 1:
        return of_several(typed, tree)
    name = tree.attr[0] if tree.op == "reduce" else tree.attr
    split = "the slope is split evenly" if name in ("max", "min") else "the slope of the first taken"
    return f"where several entries are {TIES[name]} in {show(tree)}: {split}"


def of_several(typed: Typed, tree: Surface) -> str | None:
    first, second, *more = map(show, tree.args)
    if more:
        return f"where several are {TIES[tree.attr]} in {show(tree)}: the slope of the last of them taken"
    if first == second:
        return None
    known = {*typed.inputs, *typed.definitions}
    constant = any(not names_in(a) & known for a in tree.args)
    return f"at {show(place(tree))}: {'slope 0' if constant else f'the slope of {second}'} taken ({tree.attr})"
