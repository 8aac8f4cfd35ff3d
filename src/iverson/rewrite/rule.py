"""Rows of the tables, written in the user's notation, and how their texts become nodes.

Glossary   x, y, a, b: metavariables; x[k]: an expression that may depend on the index k.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from ..core.errors import IversonError
from ..core.node import Node, const, el, idx, size
from ..lang.lower import Axes, Env, formula
from ..lang.ops import CONSTANTS
from ..lang.surface import Surface, names_in, walk
from ..lang.syntax import parse_expression

WILD = size("?any")


@dataclass(frozen=True)
class Rule:
    """`lhs = rhs` wherever both are defined.

    why      the reason, one sentence; breaks: values at which evaluating `lhs` as written loses its meaning
    unless   not applied where a metavariable already holds a reduction of this kind: a shift is made once
    masks    metavariables, one letter each, that stand for products of brackets only
    calls    functions of generated code that `rhs` names
    """

    name: str
    lhs: str
    rhs: str
    why: str = ""
    breaks: Mapping[str, float] = field(default_factory=dict)
    unless: str = ""
    masks: str = ""
    calls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        left, right = (metavariables(parse_expression(t, self.calls)) for t in (self.lhs, self.rhs))
        left |= {n for t in walk(parse_expression(self.lhs)) if t.op == "index" for n in names_in(t)}
        if right - left:
            raise IversonError(
                "usage", f"{self.name}: {', '.join(sorted(right - left))} stand only on the right."
            )


@dataclass(frozen=True)
class Derivative:
    """The derivative of an elementwise function by each of its arguments, as texts over x (and y).

    partial  one text for each argument, "" where there is none; None: the function has no usable derivative, and
             `why` says so
    kink     where it is not differentiable, as text, and the slope chosen there; domain: where it is defined
    """

    name: str
    partial: tuple[str, ...] | None
    domain: str = "real"
    kink: str = ""
    why: str = ""


def metavariables(tree: Surface) -> set[str]:
    """Names in a rule text that stand for expressions."""
    if tree.op == "name":
        return {tree.attr} - set(CONSTANTS)
    args = tree.args[:1] if tree.op == "index" else tree.args
    names = {n for a in args for n in metavariables(a)}
    return names - set(tree.attr[1]) if tree.op == "reduce" else names


@cache
def pattern(text: str, calls: tuple[str, ...] = ()) -> Node:
    """The node of a rule text: metavariables are elements named "?x", indices have the wild size."""

    def leaf(tree: Surface, env: Env) -> Node:
        if tree.op == "name":
            if tree.attr in env:
                return env[tree.attr][0]
            return const(tree.attr) if tree.attr in CONSTANTS else el("?" + tree.attr)
        terms = tuple(env[t.attr][0] if t.attr in env else idx("?" + t.attr, WILD) for t in tree.args[1:])
        return el("?" + tree.args[0].attr, terms)

    def bind(names: tuple[str, ...]) -> dict[str, Axes]:
        return {n: (idx("!" + n, WILD),) for n in names}

    return formula(parse_expression(text, calls), leaf, bind, {})


def instantiate(text: str, values: Mapping[str, Node]) -> Node:
    """A text over scalar metavariables with nodes in their place: the derivative of exp at u is `exp(x)` with x = u."""

    def leaf(tree: Surface, env: Env) -> Node:
        return values[tree.attr] if tree.attr in values else const(tree.attr)

    return formula(_parsed(text), leaf, lambda names: {}, {})


@cache
def _parsed(text: str) -> Surface:
    return parse_expression(text)
