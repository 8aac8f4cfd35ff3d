"""How far a written expression reaches: the sizes of its rows and columns, and whether it is symmetric.

Glossary   extent: (rows, cols), the sizes, None for an axis that is missing: a column is (n, None), a row (None, n).
What a tree says of itself is enough; what is not known raises NoExtent and is then left as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import ClassVar

from ..core.node import Node, num, size
from ..lang.ops import EVEN, OPS
from ..lang.surface import Surface

Extent = tuple[Node | None, Node | None]
SCALAR: Extent = (None, None)


class NoExtent(Exception):
    """The sizes of an expression do not follow from what is known."""


class Extents:
    """Extents of trees over arrays whose forms and sizes are known by name.

    symmetric   names of symmetric matrices;  classes: how many classes the labels of an array have
    facts       what is declared of an array, by name
    """

    def __init__(
        self,
        forms: Mapping[str, str],
        dims: Mapping[str, tuple[Node, ...]],
        symmetric: Iterable[str] = (),
        classes: Mapping[str, Node] | None = None,
        facts: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.forms, self.dims = forms, dims
        self.even = set(symmetric)
        self.classes = classes or {}
        self.facts = facts or {}
        self.memo: dict[Surface, Extent] = {}

    def of(self, tree: Surface) -> Extent:
        """The extent of a tree."""
        if tree not in self.memo:
            handler = self.HANDLERS.get(tree.op)
            if handler is None:
                raise NoExtent
            self.memo[tree] = handler(self, tree)
        return self.memo[tree]

    def rank(self, tree: Surface) -> int:
        return sum(n is not None for n in self.of(tree))

    def square(self, tree: Surface) -> bool:
        rows, cols = self.of(tree)
        return rows is not None and rows is cols

    # -- trees -----------------------------------------------------------------------------------------------

    def _scalar(self, tree: Surface) -> Extent:
        return SCALAR

    def _name(self, tree: Surface) -> Extent:
        form = self.forms.get(tree.attr, "scalar")
        if form == "scalar":
            return SCALAR
        n = self.dims.get(tree.attr)
        if n is None or form not in ("column", "row", "matrix"):
            raise NoExtent
        return {"column": (n[0], None), "row": (None, n[-1]), "matrix": (n[0], n[-1])}[form]

    def _joined(self, tree: Surface) -> Extent:
        found = [self.of(a) for a in tree.args]
        rows = next((r for r, _ in found if r is not None), None)
        cols = next((c for _, c in found if c is not None), None)
        return rows, cols

    def _first(self, tree: Surface) -> Extent:
        return self.of(tree.args[0])

    def _mul(self, tree: Surface) -> Extent:
        a, b = (self.of(t) for t in tree.args)
        if a == SCALAR or b == SCALAR:
            return b if a == SCALAR else a
        if b[0] is None and a[1] is not None:
            raise NoExtent
        return a[0], b[1]

    def _transpose(self, tree: Surface) -> Extent:
        return self.of(tree.args[0])[::-1]

    def _index(self, tree: Surface) -> Extent:
        base, *terms = tree.args
        extent = self.of(base)
        if len(terms) == 1 or all(t.op != "all" for t in terms):
            return SCALAR
        rows, cols = (n if t.op == "all" else None for n, t in zip(extent, terms, strict=True))
        return rows, cols

    def _reduce(self, tree: Surface) -> Extent:
        return self.of(tree.args[0])

    def _call(self, tree: Surface) -> Extent:
        row = OPS.get(tree.attr)
        if row is None:
            return self._first(tree)
        return getattr(self, f"call_{row.shape}", self._unknown)(tree)

    def _unknown(self, tree: Surface) -> Extent:
        raise NoExtent

    call_map = call_same = call_square = call_like = call_mask = _first
    call_total = call_line = call_volume = call_measure = _scalar

    def call_flip(self, tree: Surface) -> Extent:
        return self.of(tree.args[0])[::-1]

    def call_spectrum(self, tree: Surface) -> Extent:
        return self.of(tree.args[0])[0], None

    call_map2 = _joined

    def call_extreme(self, tree: Surface) -> Extent:
        return SCALAR if len(tree.args) == 1 else self._joined(tree)

    def call_diag(self, tree: Surface) -> Extent:
        rows, cols = self.of(tree.args[0])
        if rows is not None and cols is not None:
            return rows, None
        n = rows if rows is not None else cols
        return n, n

    def call_build(self, tree: Surface) -> Extent:
        dims = [num(a.attr) if a.op == "num" else size(a.attr) for a in tree.args]
        if tree.attr == "eye":
            return dims[0], dims[0]
        if len(dims) > 2:
            raise NoExtent
        return (dims[0], dims[1]) if len(dims) == 2 else (dims[0], None)

    def call_onehot(self, tree: Surface) -> Extent:
        labels = tree.args[0]
        rows = self.dims.get(labels.attr, ()) if labels.op == "name" else ()
        if len(rows) > 1 or labels.attr not in self.classes:
            raise NoExtent
        classes = self.classes[labels.attr]
        return (rows[0], classes) if rows else (classes, None)

    HANDLERS: ClassVar[dict[str, Callable[[Extents, Surface], Extent]]] = {
        "num": _scalar,
        "name": _name,
        "add": _joined,
        "neg": _first,
        "mul": _mul,
        "emul": _joined,
        "div": _first,
        "ediv": _joined,
        "pow": _first,
        "epow": _joined,
        "transpose": _transpose,
        "call": _call,
        "index": _index,
        "reduce": _reduce,
        "bracket": _first,
        "rel": _joined,
        "and": _joined,
        "or": _joined,
        "not": _first,
    }

    # -- symmetry --------------------------------------------------------------------------------------------

    def symmetric(self, tree: Surface) -> bool:
        """Whether the matrix equals its transpose, by its look or by what was declared."""
        if not self.square(tree):
            return False
        if tree.op == "name":
            return tree.attr in self.even
        if tree.op in ("transpose", "neg", "pow", "div"):
            return self.symmetric(tree.args[0])
        if tree.op == "call":
            return self._symmetric_call(tree)
        if tree.op == "add":
            return self._closed(tree)
        if tree.op == "mul":
            return self._mirrored(tree)
        if tree.op in ("emul", "ediv", "epow"):
            return all(self.rank(a) == 0 or self.symmetric(a) for a in tree.args)
        return False

    def _symmetric_call(self, tree: Surface) -> bool:
        row = OPS.get(tree.attr)
        if row is not None and row.name in EVEN:
            return self.symmetric(tree.args[0])
        if row is None or row.shape == "map":
            return len(tree.args) == 1 and self.symmetric(tree.args[0])
        return row.name == "eye" or (row.shape == "diag" and self.rank(tree.args[0]) == 1)

    def _closed(self, tree: Surface) -> bool:
        """Every term is symmetric or stands beside its transpose."""
        left = [t for t in tree.args if not (self.rank(t) == 0 or (self.square(t) and self.symmetric(t)))]
        while left:
            t = left.pop()
            twin = mirrored(t)
            if twin not in left:
                return False
            left.remove(twin)
        return True

    def _mirrored(self, tree: Surface) -> bool:
        """`X'*S*X`, `x*x'`: read from the right, transposed, it is the same; scalars do not count."""
        chain = [t for t in factors(tree) if self.rank(t)]
        back = [self.turned(t) for t in reversed(chain)]
        return back == [self.turned(self.turned(t)) for t in chain]

    def turned(self, t: Surface) -> Surface:
        """The transpose of one factor; a symmetric one is its own."""
        inner = t.args[0] if t.op == "transpose" else t
        if self.square(inner) and inner.op != "mul" and self.symmetric(inner):
            return inner
        return inner if t.op == "transpose" else Surface("transpose", (t,))


def factors(tree: Surface) -> list[Surface]:
    """The factors of a matrix product, from left to right."""
    if tree.op != "mul":
        return [tree]
    return [x for a in tree.args for x in factors(a)]


def mirrored(tree: Surface) -> Surface:
    """The transpose of a product, as it would be written."""
    if tree.op == "neg":
        return Surface("neg", (mirrored(tree.args[0]),))
    if tree.op == "transpose":
        return tree.args[0]
    if tree.op != "mul":
        return tree if tree.op == "num" else Surface("transpose", (tree,))
    turned = [mirrored(x) for x in reversed(factors(tree))]
    whole = turned[0]
    for x in turned[1:]:
        whole = Surface("mul", (whole, x))
    return whole
