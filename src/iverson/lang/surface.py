"""What people write and read: a tree with matrices as matrices, carrying the spans of the user's text.

Knows no shapes and no meaning.  The operations are
  num value | name text | all (a colon in an index) | slice low, high (in an index; all: open end) |
  add | neg | mul (*) | emul (.*) | div (/) | ediv (./) |
  pow (^) | epow (.^) | transpose | call name | index base, terms | reduce (kind, names) body[, condition] |
  bracket condition | rel name | and | or | not
A mul with the attribute "scalar" is a factor that is read as one number: it keeps its parentheses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..core.errors import IversonError, Span


@dataclass(slots=True)     # not frozen, which costs half of the time it takes to make one; nothing changes one
class Surface:
    """One node of a written formula; `span` points into the text and does not count for equality."""

    op: str
    args: tuple[Surface, ...] = ()
    attr: Any = None
    span: Span | None = field(default=None, compare=False)
    hashed: int | None = field(default=None, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        """Counted once: trees are keys of many tables."""
        if self.hashed is None:
            self.hashed = hash((self.op, self.args, self.attr))
        return self.hashed

    def at(self, span: Span | None) -> Surface:
        return self if span is self.span else Surface(self.op, self.args, self.attr, span)


@dataclass(frozen=True, slots=True)
class Declaration:
    """`name: kind[dims] in classes = default`.

    kind   data, param, label, scalar, vector, column, row, matrix, tensor, function, or a name of STRUCTURES
    dims   sizes, each a name, an integer or a tree of them; None when not written
    """

    name: str
    kind: str
    dims: tuple[str | int | Surface, ...] | None = None
    classes: str | int | Surface | None = None
    default: Fraction | int | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Equation:
    """`name[indices] = body`; `indices` is None when none stand on the left."""

    name: str
    indices: tuple[str, ...] | None
    body: Surface
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole text: declarations, equations in order, and the name of the one that is the result."""

    declarations: tuple[Declaration, ...]
    equations: tuple[Equation, ...]
    result: str
    source: str = field(default="", compare=False)
    notation: str = field(default="iverson", compare=False)
    anonymous: bool = field(default=False, compare=False)  # the result was written without a name
    notes: tuple[str, ...] = field(default=(), compare=False)  # readings that do not go without saying


LONGEST = 10**28  # of a numerator or denominator that is written in full

# -- building ---------------------------------------------------------------------------------------------------


def number(value: int | Fraction | float) -> Surface:
    """An exact number; a negative one is written with a minus sign in front."""
    exact = value if isinstance(value, int) else Fraction(value)
    if isinstance(exact, Fraction) and max(exact.numerator, exact.denominator) > LONGEST:
        exact = nearest(exact)  # more digits than a float64 has are nobody's wish
    if exact < 0:
        return Surface("neg", (number(-exact),))
    if isinstance(exact, Fraction) and exact.denominator == 1:
        exact = exact.numerator
    return Surface("num", (), exact)


def nearest(exact: Fraction) -> Fraction:
    """The number as a float64 holds it."""
    try:
        return Fraction(repr(float(exact)))
    except OverflowError:
        raise IversonError("limit", "A number here is larger than 1e308.", hint="Name it, and give its value with the arrays.") from None


def name(text: str) -> Surface:
    return Surface("name", (), text)


def call(function: str, *args: Surface) -> Surface:
    return Surface("call", args, function)


def index(base: Surface, *terms: Surface) -> Surface:
    return Surface("index", (base, *terms))


def conjunction(conditions: Sequence[Surface]) -> Surface:
    """Conditions that all hold."""
    tree, *rest = conditions
    for c in rest:
        tree = Surface("and", (tree, c))
    return tree


def walk(tree: Surface) -> Iterator[Surface]:
    """Every node of the tree, parents first."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.args))


def weight(tree: Surface) -> int:
    """How much a reader has to read: the number of nodes."""
    return sum(1 for _ in walk(tree))


def names_in(tree: Surface) -> set[str]:
    return {node.attr for node in walk(tree) if node.op == "name"}


def depth(tree: Surface) -> int:
    """How deep the tree is, without recursion.

    >>> depth(call("exp", name("x")))
    2
    """
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((a, level + 1) for a in node.args)
    return deepest
