"""Which recorded steps stand together on one shown line, and which terms a line's brackets keep.

Glossary   kind: linear (sums, sums of terms, constant factors), element, collapse, tidy, or the rule's name;
pending: the kinds of the derivatives that a formula still holds.
A line turns what was pending when it began, and carries sums and constant factors along; an entry by an entry
joins any line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.node import Node, reads, walk
from ..derivation.answer import occurrences
from ..derivation.local import rule_name
from ..lang.surface import Surface
from ..lang.surface import walk as written
from ..rewrite.trace import Step

LINEAR = ("sum", "sum-of", "bracket", "num", "size", "const")
LAST = ("collapse", "tidy", "name")


@dataclass(frozen=True)
class Group:
    """Consecutive steps that one line shows; `before = after`."""

    steps: tuple[Step, ...]

    @property
    def before(self) -> Node:
        return self.steps[0].before

    @property
    def after(self) -> Node:
        return self.steps[-1].after

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its steps, each once, in order."""
        return tuple(dict.fromkeys(map(kind, self.steps)))

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.rule for s in self.steps))


def grouped(steps: Sequence[Step]) -> list[Group]:
    """The steps as lines."""
    groups: list[Group] = []
    for step in steps:
        if groups and joins(groups[-1], step):
            groups[-1] = Group((*groups[-1].steps, step))
        else:
            groups.append(Group((step,)))
    return groups


def joins(g: Group, step: Step) -> bool:
    """Whether a step is shown on the same line as those before it."""
    new = kind(step)
    if g.kinds[-1] in LAST or new in LAST:
        return new in ("collapse", "tidy") and g.kinds[-1] in ("collapse", "tidy") and same_reading(step)
    if new == "element" or new in pending(g.before):
        return True
    return new == "linear" and set(g.kinds) <= {"linear", "element"}


def same_reading(step: Step) -> bool:
    """The step only moves common factors: as many entries are read after it as before."""
    return entries(step.before) == entries(step.after)


def entries(f: Node) -> int:
    """How many times arrays are read in `f`."""
    return sum(occurrences(f, a) for a in reads(f))


def derivatives(f: Node) -> list[Node]:
    """The pending derivatives in `f`."""
    return [g for g in walk(f) if g.op == "deriv"]


def kind(step: Step) -> str:
    """What a step is to a reader: a product of which one factor depends on x carries constants along."""
    if step.rule != "product":
        return "linear" if step.rule in LINEAR else step.rule
    return "linear" if all(linear(d) for d in derivatives(step.before)) else "product"


def linear(d: Node) -> bool:
    """Not a product of several factors that depend on what is derived by."""
    body, x = d.args
    return body.op != "mul" or sum(x.attr in reads(a) for a in body.args) <= 1


def pending(f: Node) -> set[str]:
    found = set()
    for d in derivatives(f):
        rule = rule_name(d.args[0])
        found.add("linear" if rule in LINEAR or (rule == "product" and linear(d)) else rule)
    return found


# -- what brackets keep -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """Brackets that decide one sum, the term they keep, and the condition of that sum, before and after."""

    brackets: tuple[Surface, ...]
    terms: tuple[Surface, ...]
    condition: tuple[Surface, Surface] | None


def kept(tree: Surface) -> list[Kept]:
    """What the sums of a formula come to: in `sum[m: m != y] [k = m]*q[m]` the term m = k, where k != y."""
    values: dict[str, Surface] = {}
    found: list[Kept] = []
    for t in written(tree):
        if t.op == "reduce" and t.attr[0] == "sum":
            own = decisions(t)
            values |= {n: v for n, (_, v) in own.items()}
            if own:
                found.append(
                    Kept(
                        tuple(b for b, _ in own.values()),
                        tuple(equal(n, v) for n, (_, v) in own.items()),
                        condition(t, own, values),
                    )
                )
    return list(dict.fromkeys(found))


def equal(n: str, value: Surface) -> Surface:
    return Surface("rel", (Surface("name", (), n), value), "=")


def decisions(t: Surface) -> dict[str, tuple[Surface, Surface]]:
    """By bound name: the first bracket under the sum that sets it equal to something without it, and that."""
    found: dict[str, tuple[Surface, Surface]] = {}
    for b in written(t.args[0]):
        if b.op == "bracket" and b.args[0].op == "rel" and b.args[0].attr == "=":
            sides = b.args[0].args
            for a, other in (sides, sides[::-1]):
                if a.op == "name" and a.attr in t.attr[1] and a not in written(other):
                    found.setdefault(a.attr, (b, other))
    return found


def condition(
    t: Surface, own: Mapping[str, object], values: Mapping[str, Surface]
) -> tuple[Surface, Surface] | None:
    """The condition of a sum whose every bound name is decided, and the bracket it becomes."""
    if len(t.args) == 1 or any(n not in own for n in t.attr[1]):
        return None
    inner = t.args[1]
    for _ in values:
        inner = replaced(inner, values)
    return t.args[1], Surface("bracket", (inner,))


def replaced(tree: Surface, values: Mapping[str, Surface]) -> Surface:
    """Names replaced by what they stand for."""
    if tree.op == "name":
        return values.get(tree.attr, tree)
    return Surface(tree.op, tuple(replaced(a, values) for a in tree.args), tree.attr)
