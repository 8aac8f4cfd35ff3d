"""Sizes of axes and whole numbers made of them, while NumPy source is read.

Glossary   p: a polynomial of core.affine, over sizes by name and over the indices of loops.
A size has a name, is a number, is made of others, or is not known yet; merged ones share one root.
"""

from __future__ import annotations

from ..core.affine import Poly, constant, minus, product, scaled, total
from ..core.errors import IversonError
from ..core.node import of_polynomial, size
from .sizes import size_tree
from .surface import Surface
from .syntax import parse_expression


class Size:
    """The size of a real axis: a name, a number, a polynomial in others, or not known yet."""

    __slots__ = ("form", "into", "name")

    def __init__(self, name: str | int | None = None, form: Poly | None = None) -> None:
        self.name, self.form, self.into = name, form, self

    def root(self) -> Size:
        found = self
        while found.into is not found:
            found = found.into
        return found

    def known(self) -> bool:
        root = self.root()
        return root.name is not None or root.form is not None

    def poly(self) -> Poly:
        """The size as a polynomial; it must be known."""
        root = self.root()
        if root.form is not None:
            return root.form
        assert root.name is not None
        return number_poly(root.name) if isinstance(root.name, int) else {(size(root.name),): 1}

    def text(self) -> str:
        root = self.root()
        if root.form is not None:
            from .show import show

            return show(poly_tree(root.form))
        return "?" if root.name is None else str(root.name)


Axes = tuple[Size | None, ...]          # None: an axis of size 1


def number_poly(n: int) -> Poly:
    return {(): n} if n else {}


def size_of(p: Poly) -> Size | None:
    """The size that a polynomial is; None where it is 1."""
    n = constant(p)
    if n is not None:
        return None if n == 1 else Size(n)
    if len(p) == 1:
        ((m, c),) = p.items()
        if c == 1 and len(m) == 1 and m[0].op == "size":
            return Size(m[0].attr)
    return Size(form=p)


def poly_tree(p: Poly) -> Surface:
    """A polynomial as it is written."""
    return size_tree(of_polynomial(p))


def merge(a: Size | None, b: Size | None) -> bool:
    """Make two sizes one; False where both are known and differ."""
    if a is None or b is None:
        return a is b
    a, b = a.root(), b.root()
    if a is b:
        return True
    if a.known() and b.known() and minus(a.poly(), b.poly()):
        return False
    kept, gone = (a, b) if a.known() else (b, a)
    gone.into = kept
    return True


def written_size(d: str | int) -> Size | None:
    """A size as it is declared: a name, a number, or an expression such as n - w + 1."""
    if isinstance(d, str) and d.strip().isdecimal():
        d = int(d)
    if isinstance(d, int):
        return None if d == 1 else Size(d)
    if d.isidentifier():
        return Size(d)
    return size_of(size_poly(parse_expression(d)))


def size_poly(tree: Surface) -> Poly:
    """A tree of sizes and whole numbers as a polynomial."""
    if tree.op == "num" and isinstance(tree.attr, int):
        return number_poly(tree.attr)
    if tree.op == "name":
        return {(size(tree.attr),): 1}
    if tree.op not in ("add", "neg", "mul"):
        raise IversonError("usage", "A size is made of names and whole numbers.")
    parts = [size_poly(a) for a in tree.args]
    return total(parts) if tree.op == "add" else scaled(parts[0], -1) if tree.op == "neg" else product(parts)
