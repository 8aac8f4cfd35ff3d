"""Kinds and symbolic sizes: what every sub-expression is, by unification.

Glossary   m, n, p: sizes (nodes).  A size variable is a size node whose name starts with "?".
Declared sizes are rigid and differ from each other; inferred ones are flexible.  A vector is a column or a row; both are
1-D arrays.  Knows no values and no derivative.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..core.affine import constant
from ..core.errors import IversonError
from ..core.node import ONE, Node
from ..core.node import sub as minus
from .blocks import BLOCKS
from .ops import CONSTANTS, OPS, REDUCTIONS
from .ranges import ARITHMETIC, brackets_of
from .show import show
from .sizes import SCALAR as SCALAR
from .sizes import Sizes, linear, poly
from .sizes import Type as Type
from .sizes import array as array
from .sizes import flexible as flexible
from .sizes import plain as plain
from .sizes import show_size as show_size
from .surface import Surface


class Shapes(Sizes):
    """One inference over one script.  `names` maps inputs and definitions to types; sizes live in `same`."""

    # -- inference -------------------------------------------------------------------------------------------

    def infer(self, tree: Surface, scope: dict[str, Node]) -> Type:
        """The type of a tree; `scope` gives the size each index name runs over."""
        if tree.op in ("rel", "and", "or", "not"):
            raise self.error("syntax", "A relation is a number only in brackets.", tree.span, hint="Write [x < 3].")
        return self.truth(tree, scope)

    def truth(self, tree: Surface, scope: dict[str, Node]) -> Type:
        """The type of a tree that may be a condition."""
        t = getattr(self, f"_{tree.op}")(tree, scope)
        self.types[id(tree)] = t
        return t

    def _num(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return SCALAR

    def _name(self, tree: Surface, scope: dict[str, Node]) -> Type:
        name = tree.attr
        if name in scope:
            return Type("index", (), scope[name])
        if name in self.names:
            if self.names[name].form == "function":
                raise self.error(
                    "kind",
                    f"{name} is a function; it needs an argument.",
                    tree.span,
                    hint=f"Write {name}(x).",
                )
            return self.names[name]
        if name in self.sizes or name in CONSTANTS:
            return SCALAR
        raise self.error(
            "name", f"{name} is not known here.", tree.span, hint=self._known_elsewhere(name)
        )

    def _known_elsewhere(self, name: str) -> str:
        if name in self.later:
            return f"{name} is defined by itself, or further down: put its definition above."
        near = difflib.get_close_matches(name, [*self.names, *self.sizes], 1, 0.7)
        return f"Did you mean {near[0]}?" if near else f"Bind it: sum[{name}] ...; or declare it."

    def _all(self, tree: Surface, scope: dict[str, Node]) -> Type:
        raise self.error("syntax", "A colon stands only in an index.", tree.span)

    def _add(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return self.join(tree, [self.infer(a, scope) for a in tree.args], "+")

    _epow = _add

    def _emul(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return self.join(tree, self.factors(tree, scope), tree.op)

    _ediv = _emul

    def _neg(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return plain(self.infer(tree.args[0], scope))

    def join(self, tree: Surface, types: list[Type], sign: str) -> Type:
        """Elementwise: one shape, scalars broadcast, a vector over a matrix when exactly one axis fits."""
        result = SCALAR
        for a, t in zip(tree.args, types, strict=True):
            if result.rank == 0 or t.rank == 0:
                result = plain(t) if result.rank == 0 else result
            elif result.form == t.form and result.rank == t.rank:
                self._same_dims(tree, result, t, a)
            elif 2 in (result.rank, t.rank) and 1 in (result.rank, t.rank):
                result = self._over_matrix(tree, result, t)
            else:
                raise self.error(
                    "shape",
                    f"A {result.form} and a {t.form} cannot be combined elementwise.",
                    tree.span,
                    hint="Transpose one of them; x*y' is the outer product.",
                )
        return result

    def _same_dims(self, tree: Surface, a: Type, b: Type, at: Surface) -> None:
        for m, n in zip(a.dims, b.dims, strict=True):
            if not self.unify(m, n):
                raise self.error(
                    "shape",
                    f"Sizes differ: {self.describe(a)} against {self.describe(b)}.",
                    at.span,
                    "Elementwise operations need equal sizes.",
                    self._turned_fits(b, a, at),
                )

    def _turned_fits(self, t: Type, wanted: Type, at: Surface) -> str | None:
        dims = [*map(self.find, t.dims)]
        if t.rank != 2 or dims[::-1] != [*map(self.find, wanted.dims)]:
            return "Declare equal sizes, or sum over the axis that is too much."
        return f"The sizes fit with {turned(factor(at))}."

    def _over_matrix(self, tree: Surface, a: Type, b: Type) -> Type:
        matrix, vector = (a, b) if a.rank == 2 else (b, a)
        axis = self.fitting(matrix, vector)
        if axis is None:
            raise self.error(
                "ambiguous",
                f"A {self.describe(vector)} over a {self.describe(matrix)}: not exactly one axis fits.",
                tree.span,
                hint="Say which: A + v*ones(n)' adds v to every column, A + ones(m)*v' to every row.",
            )
        return plain(matrix)

    def fitting(self, matrix: Type, vector: Type) -> int | None:
        """The axis of the matrix a vector runs along: the one whose size is the vector's own."""
        n = self.find(vector.dims[0])
        axes = [p for p in (0, 1) if self.find(matrix.dims[p]) is n and not flexible(n)]
        if vector.form == "row":
            return 1 if 1 in axes else None
        return axes[0] if len(axes) == 1 else None

    def factors(self, tree: Surface, scope: dict[str, Node]) -> list[Type]:
        """The types of the two sides of a product, each read where the brackets of the product hold."""
        with self.under(brackets_of(tree) if self.arithmetic else (), scope):
            return [self.infer(a, scope) for a in tree.args]

    def _mul(self, tree: Surface, scope: dict[str, Node]) -> Type:
        a, b = self.factors(tree, scope)
        self._held(tree)
        if a.rank == 0 or b.rank == 0:
            return plain(b if a.rank == 0 else a)
        if a.rank > 2 or b.rank > 2:
            raise self.error(
                "shape",
                "A tensor has no matrix product.",
                tree.span,
                hint="Write the sum: sum[k] T[i,j,k]*x[k].",
            )
        product = PRODUCTS.get((a.form, b.form))
        if product is None:
            raise self._no_product(tree, a, b)
        result, inner = product
        if inner and not self.unify(a.dims[-1], b.dims[0]):
            raise self._inner_sizes(tree, a, b)
        return self.final(Type(result, tuple((a.dims + b.dims)[p] for p in OUTER[(a.form, b.form)])))

    def _held(self, tree: Surface) -> None:
        """What is made of numbers alone is one that a float64 holds."""
        value = plain_number(tree)
        if value is None or 1e-300 < abs(value) < 1e300 or (value == 0 and any(plain_number(a) == 0 for a in tree.args)):
            return
        hint = "Name it, and give its value with the arrays."
        raise self.error("limit", "This number is beyond what a float64 holds.", tree.span, hint=hint)

    def _no_product(self, tree: Surface, a: Type, b: Type) -> IversonError:
        x, y = (factor(t) for t in tree.args)
        inner, outer = (f"{turned(x)}*{y}", f"{x}*{turned(y)}")[:: 1 if a.form == "column" else -1]
        hint = f"Write {inner} for the inner, {x}.*{y} for the elementwise, {outer} for the outer product."
        if "matrix" in (a.form, b.form):
            hint = self._fitting(tree, a, b)
        if (a.form, b.form) == ("column", "matrix"):
            hint = f"{hint[:-1]}; or declare {x} as a row."
        return self.error("shape", f"A {a.form} times a {b.form} is not defined.", tree.span, hint=hint)

    def _fitting(self, tree: Surface, a: Type, b: Type) -> str:
        """The products of two factors, transposed or exchanged, whose sizes fit."""
        x, y = (factor(t) for t in tree.args)
        sides = ((a, x), (b, y))
        found = [
            f"{s if not p else turned(s)}*{t if not q else turned(t)}"
            for (left, s), (right, t) in (sides, sides[::-1])
            for p, q in ((1, 0), (0, 1), (1, 1), (0, 0))
            if self._multiply(transposed_type(left) if p else left, transposed_type(right) if q else right)
        ]
        if a.form == b.form and a.rank == b.rank and [*map(self.find, a.dims)] == [*map(self.find, b.dims)]:
            found.insert(0, f"{x}.*{y}")
        fits = list(dict.fromkeys(found))
        return f"The sizes fit in {', '.join(fits[:4])}." if fits else "No transpose makes the sizes fit: declare other ones."

    def _multiply(self, a: Type, b: Type) -> bool:
        product = PRODUCTS.get((a.form, b.form))
        if product is None or not product[1]:
            return False
        m, n = self.find(a.dims[-1]), self.find(b.dims[0])
        return m is n or flexible(m) or flexible(n)

    def _inner_sizes(self, tree: Surface, a: Type, b: Type) -> IversonError:
        x, y = (self._text(t) for t in tree.args)
        m, n = self.find(a.dims[-1]), self.find(b.dims[0])
        what = {"matrix": "columns", "row": "entries", "column": "entries"}[a.form]
        also = {"matrix": "rows", "row": "entries", "column": "entries"}[b.form]
        return self.error(
            "shape",
            f"Sizes differ: {x} has {show_size(m)} {what}, {y} has {show_size(n)} {also}.",
            tree.args[1].span,
            "The * sums over the inner index, so both must be the same size.",
            self._fitting(tree, a, b),
        )

    def _div(self, tree: Surface, scope: dict[str, Node]) -> Type:
        a, b = self.factors(tree, scope)
        self._held(tree)
        if b.rank:
            raise self.error(
                "shape",
                f"Division by a {b.form} is not defined.",
                tree.args[1].span,
                hint="Write ./ for elementwise, or inv(A).",
            )
        return plain(a)

    def _pow(self, tree: Surface, scope: dict[str, Node]) -> Type:
        a, e = (self.infer(t, scope) for t in tree.args)
        self._held(tree)
        if e.rank:
            x, y = (factor(t) for t in tree.args)
            raise self.error("shape", "An exponent is a scalar.", tree.args[1].span, hint=f"Write {x}.^{y} for powers entry by entry.")
        if a.form == "matrix":
            if not self.unify(*a.dims):
                raise self.error(
                    "shape",
                    f"A power of a {self.describe(a)}: only square matrices have one.",
                    tree.span,
                    hint="Write .^ for elementwise powers.",
                )
            return plain(a)
        if a.rank:
            x, y = (factor(t) for t in tree.args)
            inner = f"{turned(x)}*{x}" if a.form == "column" else f"{x}*{turned(x)}"
            hint = f"Write {x}.^{y} elementwise, or {inner}." if tree.args[1].attr == 2 else f"Write {x}.^{y} for powers entry by entry."
            hint += f" If {x} is a number, declare {x}: scalar." if tree.args[0].attr in self.assumed else ""
            raise self.error("ambiguous", f"A power of a {a.form} has two readings.", tree.span, hint=hint)
        return SCALAR

    def _transpose(self, tree: Surface, scope: dict[str, Node]) -> Type:
        t = self.infer(tree.args[0], scope)
        if t.form == "tensor":
            raise self.error("shape", "A tensor has no transpose.", tree.span, hint="Write its indices.")
        return transposed_type(t)

    # -- indices ---------------------------------------------------------------------------------------------

    def _index(self, tree: Surface, scope: dict[str, Node]) -> Type:
        base, *terms = tree.args
        t = self.infer(base, scope)
        if len(terms) != t.rank:
            raise self.error(
                "shape",
                f"{self._text(base)} is a {t.form} with {t.rank} ind{'ex' if t.rank == 1 else 'ices'}, not {len(terms)}.",
                tree.span,
                hint=("A scalar has no entries.", f"Write {self._text(base)}[i].", "Write a colon for a whole axis: X[i,:].", None)[min(t.rank, 3)],
            )
        sizes = [self._term(n, term, scope) for n, term in zip(t.dims, terms, strict=True)]
        kept = tuple(n for n in sizes if n is not None)
        if len(kept) == 1 and t.rank == 2:
            return Type("row" if sizes[0] is None else "column", kept)
        return replace(array(kept), classes=t.classes)

    def _term(self, n: Node, term: Surface, scope: dict[str, Node]) -> Node | None:
        """The size of what the term keeps of its axis, None for one entry; relates its range to the size of the axis."""
        if term.op == "all":
            return n
        if term.op == "slice":
            return self._slice(n, term)
        t = self.infer(term, scope)
        lone = term.op == "name" and (t.classes in self.reads.open or (t.classes is None and not t.rank and self.affine(term, scope) is not None))
        if term.op in ARITHMETIC or lone:
            value = self.affine(term, scope)
            if value is None or not linear(value):
                raise self._no_index(term)
            if value.op == "num" and value.attr < 0:
                raise self.error(
                    "shape",
                    f"The index {self._text(term)} lies before the first entry; indices count from 0.",
                    term.span,
                    hint="Count from the end with the size of the axis: x[n-1].",
                )
            behind = constant(poly(self.find(minus(minus(n, ONE), value))))
            if behind is not None and behind < 0:
                raise self.error(
                    "shape",
                    f"The index {self._text(term)} lies behind the last entry; an axis of size {show_size(self.find(n))} ends before it.",
                    term.span,
                    hint=f"Indices count from 0: the last is {show_size(self.find(minus(n, ONE)))}.",
                )
            self.read(n, value, term)
        elif term.op == "num" and isinstance(term.attr, int):
            self.at_least(n, term.attr + 1, term.span)
        elif t.classes is None or t.rank:
            raise self._no_index(term)
        elif not self.unify(t.classes, n) and not self.within(t.classes, n):
            raise self.error(
                "shape",
                f"{self._text(term)} runs over {show_size(self.find(t.classes))}, the axis has size {show_size(self.find(n))}.",
                term.span,
            )
        return None

    def _no_index(self, term: Surface) -> IversonError:
        return self.error(
            "kind",
            f"{self._text(term)} is not an index.",
            term.span,
            hint="An index is a bound name, a number, a label such as y[i], or a sum of names and integers: i+1.",
        )

    def _reduce(self, tree: Surface, scope: dict[str, Node]) -> Type:
        kind, names = tree.attr
        sizes = tuple(self.variable() for _ in names)
        inner = scope | dict(zip(names, sizes, strict=True))
        self.opened(dict(zip(names, sizes, strict=True)), tree, {})
        self.binders += [(n, tree) for n in sizes]
        self.reads.stated += self.said(tree.args[1:], inner) if self.arithmetic else []
        with self.under(tree.args[1:], inner):
            body = self.infer(tree.args[0], inner)
        for condition in tree.args[1:]:
            if self.truth(condition, inner).rank:
                raise self.error(
                    "shape",
                    "The condition of a reduction is one truth value.",
                    condition.span,
                    hint="Declare what is one number: y: label[] in K; or index it: y[i].",
                )
        del self.binders[len(self.binders) - len(sizes) :]
        self.ranges[id(tree)] = sizes
        if kind in ("argmax", "argmin") and (body.rank or len(names) > 1):
            raise self.error(
                "shape", f"{kind} takes one index and a scalar.", tree.span, hint=f"Write {kind}[k] s[i,k]."
            )
        if kind in ("argmax", "argmin"):
            return Type("scalar", (), sizes[0])
        return plain(body)

    def _bracket(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return self.truth(tree.args[0], scope)

    def _rel(self, tree: Surface, scope: dict[str, Node]) -> Type:
        a, b = (self.infer(t, scope) for t in tree.args)
        if a.classes is not None and b.classes is not None and not self._same_classes(a.classes, b.classes):
            self._refuse_labels(tree, scope, (a.classes, b.classes))
        for x, t, sign in ((a, tree.args[1], tree.attr), (b, tree.args[0], MIRRORED.get(tree.attr, tree.attr))):
            if x.classes is not None and t.op == "num" and isinstance(t.attr, int):
                self.asked.append((x.classes, t.attr + (sign in ("=", "!=", "<=", ">")), t))
        return self.join(tree, [plain(a), plain(b)], tree.attr)

    def _refuse_labels(self, tree: Surface, scope: dict[str, Node], classes: tuple[Node, Node]) -> None:
        """An index compared with labels of another range; two indices, or two labels, may have different ones."""
        bound = [t.op == "name" and t.attr in scope for t in tree.args]
        if sum(bound) == 1:
            rows = list(zip(map(self._text, tree.args), classes, strict=True))
            (i, n), (y, k) = rows if bound[0] else rows[::-1]
            raise self.error(
                "shape", f"{i} runs over {show_size(self.find(n))}, {y} has {show_size(self.find(k))} classes.", tree.span,
                hint="Declare equal sizes, or compare with an index that runs over the classes.",
            )

    def _condition(self, tree: Surface, scope: dict[str, Node]) -> Type:
        if tree.op not in ("rel", "and", "or", "not"):
            raise self.error("syntax", "A condition is expected here.", tree.span, hint="Write a relation: x > 0, k != y[i].")
        return self.truth(tree, scope)

    def _not(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return self._condition(tree.args[0], scope)

    def _and(self, tree: Surface, scope: dict[str, Node]) -> Type:
        return self.join(tree, [self._condition(a, scope) for a in tree.args], "and")

    _or = _and

    # -- calls -----------------------------------------------------------------------------------------------

    def _call(self, tree: Surface, scope: dict[str, Node]) -> Type:
        if tree.attr not in OPS:
            function = self.names.get(tree.attr.rstrip("'"))
            if function is None or function.form != "function":
                raise self.error("name", f"{tree.attr} is not known as a function here.", tree.span, hint=f"Declare it: {tree.attr}: function.")
            return plain(self.infer(tree.args[0], scope))
        types = [self.infer(a, scope) for a in tree.args] if OPS[tree.attr].shape != "build" else []
        return getattr(self, f"call_{OPS[tree.attr].shape}")(tree, types)

    def call_map(self, tree: Surface, types: list[Type]) -> Type:
        return plain(types[0])

    def call_map2(self, tree: Surface, types: list[Type]) -> Type:
        return self.join(tree, types, tree.attr)

    def call_extreme(self, tree: Surface, types: list[Type]) -> Type:
        return self.call_total(tree, types) if len(types) == 1 else self.join(tree, types, tree.attr)

    def call_total(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].rank == 0:
            raise self.error(
                "shape",
                f"{tree.attr} reduces an array; this is a scalar.",
                tree.args[0].span,
                hint=f"Write {tree.attr}[k] x[k] to reduce over an index." if tree.attr in REDUCTIONS else "Write abs(x) for a number.",
            )
        if any(t.rank for t in types[1:]):
            raise self.error("shape", f"The second argument of {tree.attr} is a scalar.", tree.args[1].span)
        return SCALAR

    def call_line(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].rank != 1:
            raise self.error(
                "shape",
                f"{tree.attr} takes a vector, not a {types[0].form}.",
                tree.args[0].span,
                hint="Say along which index: log(sum[k] exp(s[i,k])).",
            )
        return SCALAR

    def call_same(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].rank not in (1, 2):
            raise self.error(
                "shape",
                f"{tree.attr} takes a vector, or a matrix row by row, not a {types[0].form}.",
                tree.args[0].span,
            )
        return plain(types[0])

    def call_square(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].form != "matrix" or not self.unify(*types[0].dims):
            raise self.error(
                "shape",
                f"{tree.attr} takes a square matrix, not a {self.describe(types[0])}.",
                tree.args[0].span,
                hint=SQUARED.get(types[0].form, "A number is no matrix here.").format(x=factor(tree.args[0])),
            )
        self._scalars(tree, types[1:])
        return plain(types[0])

    call_mask = call_square

    def _scalars(self, tree: Surface, types: list[Type]) -> None:
        """What stands beside a matrix is a scalar."""
        for a, t in zip(tree.args[1:], types, strict=True):
            if t.rank:
                raise self.error("shape", f"{tree.attr} takes a scalar here, not a {t.form}.", a.span)

    def call_volume(self, tree: Surface, types: list[Type]) -> Type:
        self.call_square(tree, types)
        return SCALAR

    def _matrix(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].form != "matrix":
            raise self.error(
                "shape", f"{tree.attr} takes a matrix, not a {self.describe(types[0])}.", tree.args[0].span
            )
        return types[0]

    def call_flip(self, tree: Surface, types: list[Type]) -> Type:
        return array(self._matrix(tree, types).dims[::-1])

    def call_like(self, tree: Surface, types: list[Type]) -> Type:
        return plain(self._matrix(tree, types))

    def call_measure(self, tree: Surface, types: list[Type]) -> Type:
        self._matrix(tree, types)
        return SCALAR

    def call_spectrum(self, tree: Surface, types: list[Type]) -> Type:
        return array(self.call_square(tree, types).dims[:1])

    def call_diag(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].rank == 1:
            return array(types[0].dims * 2)
        return array(self.call_square(tree, types).dims[:1])

    def call_onehot(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].classes is None:
            raise self.error(
                "kind", "onehot takes labels.", tree.args[0].span, hint="Declare them: y: label[N] in K"
            )
        return array((*types[0].dims, types[0].classes))

    def call_build(self, tree: Surface, types: list[Type]) -> Type:
        dims = tuple(self.size_of(a) for a in tree.args)
        return array(dims * 2 if tree.attr == "eye" else dims)

    def call_fill(self, tree: Surface, types: list[Type]) -> Type:
        if types[0].rank:
            hint = f"Write ones(n) times it, or {self._text(tree.args[0])} alone."
            raise self.error("shape", f"{tree.attr} takes a scalar, not a {types[0].form}.", tree.args[0].span, hint=hint)
        dims = tuple(self.variable() for _ in range(FILLED[tree.attr]))
        self.fills.append((tree, dims))
        return array(dims)

    def call_block(self, tree: Surface, types: list[Type]) -> Type:
        return self.final(BLOCKS[tree.attr].sizes(self, tree, types))

    def call_spread(self, tree: Surface, types: list[Type]) -> Type:
        axis, rank = (a.attr for a in tree.args[1:])
        dims = [self.variable() for _ in range(rank)]
        dims[axis] = types[0].dims[0]
        return array(tuple(dims))


def plain_number(tree: Surface) -> float | None:
    """The value of what is made of numbers alone; infinite where it is too large."""
    if tree.op == "num":
        return float(tree.attr)
    if tree.op not in ARITHMETIC_OF_NUMBERS:
        return None
    known: list[float] = []
    for a in reversed(tree.args):  # the short side of a product first: a long one is left at once
        v = plain_number(a)
        if v is None:
            return None
        known.insert(0, v)
    try:
        return ARITHMETIC_OF_NUMBERS[tree.op](*known)
    except (OverflowError, ZeroDivisionError):
        return math.inf


ARITHMETIC_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "neg": lambda x: -x, "add": lambda *xs: sum(xs), "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
    "pow": lambda x, y: v if isinstance(v := x**y, float) else None,
}  # fmt: skip


def transposed_type(t: Type) -> Type:
    return Type({"column": "row", "row": "column"}.get(t.form, plain(t).form), t.dims[::-1])


def factor(tree: Surface) -> str:
    """An operand as a factor, in iverson notation whatever was read."""
    text = show(tree)
    return text if tree.op in ("name", "num", "index", "call", "transpose") else f"({text})"


def turned(text: str) -> str:
    return text[:-1] if text.endswith("'") and not text.endswith("''") else text + "'"


SQUARED = {  # square matrices that what is none could stand for
    "matrix": "Square are {x}'*{x} and {x}*{x}'.",
    "column": "Square are {x}*{x}' and diag({x}).",
    "row": "Square are {x}'*{x} and diag({x}).",
    "tensor": "Index it down to a matrix.",
}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
FILLED = {"vector": 1, "matrix": 2}
PRODUCTS = {
    ("matrix", "matrix"): ("matrix", True),
    ("matrix", "column"): ("column", True),
    ("row", "matrix"): ("row", True),
    ("row", "column"): ("scalar", True),
    ("column", "row"): ("matrix", False),
}
OUTER = {
    ("matrix", "matrix"): (0, 3),
    ("matrix", "column"): (0,),
    ("row", "matrix"): (2,),
    ("row", "column"): (),
    ("column", "row"): (0, 1),
}
