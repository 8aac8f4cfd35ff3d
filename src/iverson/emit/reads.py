"""Pieces of code with the indices of their axes, and how computed index terms read: slices, gathers and masks.

Glossary   Value: a piece of code and the index of each of its axes; scope: the indices alive, in the order of axes;
rows: np.arange of a size.
What only a bracket keeps in range is read at the nearest entry and then put to 0: no index leaves its array.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..core.affine import constant, leaves, minus, nonnegative, polynomial, split
from ..core.node import Node, add, is_num, of_polynomial, reads, walk
from .dialects import Dialect
from .windows import Dims, in_range, on_terms, risky

LOOSE, SUM, TIMES, UNARY, ATOM = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Value:
    """code with its axes; level: how tightly it binds; truth: a boolean array; fresh: nobody else holds it;
    number: a Python number, no array."""

    code: str
    axes: tuple[Node, ...] = ()
    level: int = ATOM
    truth: bool = False
    fresh: bool = True
    number: bool = False

    def at(self, level: int) -> str:
        return self.code if self.level >= level else f"({self.code})"


class Reads(ABC):
    """The part of an array writer that knows index terms."""

    dialect: Dialect
    labels: set[str]
    size: Callable[[Node], str]
    unused: Callable[[str], str]
    dims: Dims
    lines: list[str]
    ranges: dict[Node, str]
    indent: str

    @abstractmethod
    def value(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """`f` as code."""

    @abstractmethod
    def _rel(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """A relation as a boolean array."""

    @abstractmethod
    def element(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """An entry of an array, or entries, labels as integers."""

    def array(self, operation: str, *args: object) -> str:
        """An operation of the library on whole arrays."""
        return self.dialect.array[operation].format(*args)

    def lifted(self, v: Value, operation: str = "lifted") -> Value:
        """A Python number as an array."""
        return replace(v, code=self.array(operation, v.code), level=ATOM, number=False) if v.number else v

    def position(self, t: Node, scope: tuple[Node, ...]) -> Value:
        """What stands in an index place, as integers."""
        if t.op == "num":
            return Value(str(t.attr))
        if t.op == "idx":
            return Value(self.rows(t.attr[1]), (t,), ATOM, False, False)
        if t.op == "add" and not t.term and all(a.term or (a.op == "el" and a.attr in self.labels) for a in t.args):
            return self.moved_labels(t, scope)
        return self.element(t, scope) if t.op == "el" else self.term(t, scope) if t.term else self.value(t, scope)

    def moved_labels(self, t: Node, scope: tuple[Node, ...]) -> Value:
        """`y - 1` as integers."""
        labels = [self.element(a, scope) for a in t.args if a.op == "el"]
        rest = self.term(add(*(a for a in t.args if a.op != "el")), scope)
        shown, axes = self.together([*labels, rest], scope)
        return Value(" + ".join(v.at(SUM) for v in shown), axes, SUM)

    def rows(self, n: Node) -> str:
        """A name for np.arange(n)."""
        if n not in self.ranges:
            self.ranges[n] = self.unused("rows" if not self.ranges else "cols")
            self.lines.insert(0, f"{self.indent}{self.ranges[n]} = {self.array('range', self.size(n))}")
        return self.ranges[n]

    def aligned(self, v: Value, axes: Sequence[Node]) -> Value:
        """The value with its axes in the order of `axes`, ones inserted for those it lacks in between."""
        order = [i for i in axes if i in v.axes]
        code, level = v.code, v.level
        if order != list(v.axes):
            places = ", ".join(str(v.axes.index(i)) for i in order)
            code = v.at(ATOM) + ".T" if len(order) == 2 else self.array("turn", v.at(ATOM), places)
            level = ATOM
        first = next((p for p, i in enumerate(axes) if i in order), len(axes))
        cuts = [":" if i in order else "None" for i in axes[first:]]
        if "None" in cuts and order:
            code, level = (code if level == ATOM else f"({code})") + f"[{', '.join(cuts)}]", ATOM
        return Value(code, tuple(axes) if order else (), level, v.truth, v.fresh, v.number)

    def together(
        self, values: Sequence[Value], scope: Sequence[Node]
    ) -> tuple[list[Value], tuple[Node, ...]]:
        """Values brought to common axes, in the order of the scope."""
        present = {i for v in values for i in v.axes}
        axes = tuple(i for i in scope if i in present) + tuple(sorted(present - set(scope)))
        return [self.aligned(v, axes) for v in values], axes

    def stretch(self, start: Node, size: Node, n: Node) -> str:
        """A slice of `size` entries from `start` on, of an axis of size n."""
        end = polynomial(add(start, size))
        low = "" if is_num(start, 0) else self.size(start).strip("()")
        if end is not None and of_polynomial(end) is n:
            return f"{low}:"
        sure = (p := polynomial(size)) is not None and nonnegative(p)
        high = self.size(of_polynomial(end)) if end is not None and sure else f"{low or 0} + {self.size(size)}"
        return f"{low}:{high.strip('()') if sure else high}"

    def _computed(
        self, base: str, terms: tuple[Node, ...], sizes: Sequence[Node], scope: tuple[Node, ...]
    ) -> Value:
        """Entries at computed terms: slices where each axis has an index of its own, else a gather that stays inside."""
        free = [i for t in terms for i in t.free]
        cuts = [self.cut(t, n) for t, n in zip(terms, sizes, strict=True)]
        if len(set(free)) == len(free) and None not in cuts:
            while len(cuts) > 1 and cuts[-1] == ":":
                cuts.pop()
            return Value(f"{base}[{', '.join(map(str, cuts))}]", tuple(free), ATOM, False, False)
        values = []
        for t, n in zip(terms, sizes, strict=True):
            v = self.term(t, scope) if t.term and t.op != "num" else self.position(t, scope)
            inside = t.op != "add" if not t.term else in_range(t, n)
            values.append(v if inside else Value(self.array("clip", v.code, self.size(n)), v.axes))
        shown, axes = self.together(values, scope)
        return Value(f"{base}[{', '.join(v.code for v in shown)}]", axes)

    def cut(self, t: Node, n: Node) -> str | None:
        """A slice of an axis of size n; None where a term is not one index, up or down, or leaves the axis."""
        p = polynomial(t)
        if t.op == "num":
            return str(t.attr)
        if p is None or not in_range(t, n):
            return None
        own = leaves(p, "idx")
        parts = split(p, own[0]) if len(own) == 1 else None
        c = None if parts is None else constant(parts[0])
        if not own:
            return self.size(t)
        if parts is None or c not in (1, -1):
            return None
        start, size = of_polynomial(parts[1]), own[0].attr[1]
        if c == 1:
            return ":" if is_num(start, 0) and size is n else self.stretch(start, size, n)
        if self.dialect.forward:
            return None
        end = minus(parts[1], polynomial(size) or {})
        return f"{self.size(start)}:{'' if constant(end) == -1 else self.size(of_polynomial(end))}:-1"

    def term(self, t: Node, scope: tuple[Node, ...]) -> Value:
        """An index term as integers."""
        p = polynomial(t)
        assert p is not None
        values, numbers = [], []
        for m, c in p.items():
            own = [x for x in m if x.op == "idx"]
            sizes = [self.size(x) for x in m if x.op == "size"]
            text = "*".join([*([str(abs(c))] if abs(c) != 1 or not m else []), *sizes])
            if not own:
                numbers.append(f"{'-' if c < 0 else '+'} {text}")
                continue
            values.append((c < 0, Value(self.rows(own[0].attr[1]), (own[0],), ATOM, False, False), text))
        values.sort(key=lambda v: v[0])
        shown, axes = self.together([v for _, v, _ in values], scope)
        code = ""
        for (negative, _, factor), v in zip(values, shown, strict=True):
            own_code = f"{factor}*{v.at(ATOM)}" if factor else v.code
            code += (" - " if code else "-") * negative + (" + " if code and not negative else "") + own_code
        if not values:
            return Value(f"({self.size(t)})")
        return Value(" ".join([code, *numbers]), axes, SUM if numbers or len(values) > 1 else TIMES)

    def where(self, held: Sequence[Node], v: Value, scope: tuple[Node, ...]) -> Value:
        """A value where brackets on indices hold, and 0, whatever it is there, where they do not."""
        masks, axes = self.together([self._rel(b.args[0], scope) for b in held], scope)
        mask = Value(" & ".join(m.at(SUM) for m in masks) if len(masks) > 1 else masks[0].code, axes, LOOSE, True)
        (m, shown), axes = self.together([mask, v], scope)
        return self.kept_where(m, shown, axes)

    def kept_where(self, truth: Value, v: Value, axes: tuple[Node, ...]) -> Value:
        """A value where it counts, 0 elsewhere."""
        return Value(self.array("where", self.lifted(truth, "condition").code, self.lifted(v).code), axes)

    def kept(self, fs: Sequence[Node], scope: tuple[Node, ...]) -> list[Value]:
        """The factors of a contraction; what brackets keep in range is 0 where they fail, and the brackets are then used up."""
        held = [x for x in fs if on_terms(x)]
        if not any(risky(x, self.dims) for x in fs):
            return [self.value(x, scope) for x in fs]
        values, used = [], set()
        for x in (x for x in fs if x not in held):
            own = [b for b in held if b.free & x.free] if risky(x, self.dims) else []
            used |= set(own)
            values.append(self.where(own, self.value(x, scope), scope) if own else self.value(x, scope))
        return values + [self.value(b, scope) for b in held if b not in used]


def whole(t: Node, n: Node) -> bool:
    """Not an index that runs over a part of an axis of size n."""
    return t.op != "idx" or t.attr[1] is n


def number(f: Node) -> bool:
    """Made of numbers and sizes alone: a Python number in code."""
    return not f.free and not reads(f) and all(g.op not in ("idx", "red", "tensor") for g in walk(f))
