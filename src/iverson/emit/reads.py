"""Pieces of code with the indices of their axes, and how computed index terms read: slices, gathers and masks.

Glossary   Value: a piece of code and the index of each of its axes; scope: the indices alive, in the order of axes;
rows: np.arange of a size.
What only a bracket keeps in range is read at the nearest entry and then put to 0: no index leaves its array.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.affine import constant, leaves, minus, nonnegative, polynomial, split
from ..core.node import Node, add, is_num, of_polynomial
from .windows import Dims, in_range, on_terms, risky

LOOSE, SUM, TIMES, UNARY, ATOM = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Value:
    """code with its axes; level: how tightly it binds; truth: a boolean array; fresh: nobody else holds it."""

    code: str
    axes: tuple[Node, ...] = ()
    level: int = ATOM
    truth: bool = False
    fresh: bool = True

    def at(self, level: int) -> str:
        return self.code if self.level >= level else f"({self.code})"


class Reads(ABC):
    """The part of an array writer that knows index terms."""

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

    def rows(self, n: Node) -> str:
        """A name for np.arange(n)."""
        if n not in self.ranges:
            self.ranges[n] = self.unused("rows" if not self.ranges else "cols")
            self.lines.insert(0, f"{self.indent}{self.ranges[n]} = np.arange({self.size(n)})")
        return self.ranges[n]

    def aligned(self, v: Value, axes: Sequence[Node]) -> Value:
        """The value with its axes in the order of `axes`, ones inserted for those it lacks in between."""
        order = [i for i in axes if i in v.axes]
        code, level = v.code, v.level
        if order != list(v.axes):
            turn = (
                ".T" if len(order) == 2 else f".transpose({', '.join(str(v.axes.index(i)) for i in order)})"
            )
            code, level = v.at(ATOM) + turn, ATOM
        first = next((p for p, i in enumerate(axes) if i in order), len(axes))
        places = [":" if i in order else "None" for i in axes[first:]]
        if "None" in places and order:
            code, level = (code if level == ATOM else f"({code})") + f"[{', '.join(places)}]", ATOM
        return Value(code, tuple(axes) if order else (), level, v.truth, v.fresh)

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
            v = Value(str(t.attr)) if t.op == "num" else self.term(t, scope) if t.term else self.value(t, scope)
            inside = not t.term or in_range(t, n)
            values.append(v if inside else Value(f"np.clip({v.code}, 0, {self.size(n)} - 1)", v.axes))
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
        return Value(f"np.where({m.code}, {shown.code}, 0.0)", axes)

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
