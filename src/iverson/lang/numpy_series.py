"""Convolutions and polynomials of vectors, and matrices of powers.

Glossary   a: the longer vector; v: the kernel, of w entries; p: coefficients, the highest power first as NumPy has them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.affine import Poly, constant
from ..core.affine import minus as less
from ..core.affine import total as summed
from ..core.errors import IversonError
from .numpy_arrays import Plain, arange, filled, reduced
from .numpy_elementwise import power, times, total
from .numpy_moves import concatenate
from .numpy_parts import Slice, gathered
from .numpy_sizes import number_poly, size_of
from .numpy_values import Value, arranged, opaque, unsupported, whole_number
from .surface import call

ONE: Poly = {(): 1}


def sliding(function: str, default: str) -> Callable[..., Value]:
    """np.convolve and np.correlate of a vector with a kernel that is no longer."""
    def row(a: Value, v: Value, mode: Plain = default) -> Value:
        if a.rank != 1 or v.rank != 1 or None in (*a.axes, *v.axes):
            raise unsupported(f"np.{function} is read of two vectors.")
        if mode not in ("valid", "full", "same"):
            raise unsupported(f"The mode {mode!r} is not read here.", "Modes: 'valid', 'same', 'full'.")
        return windows("conv" if function == "convolve" else "correlate", a, v, mode)

    return row


def windows(name: str, a: Value, v: Value, mode: str) -> Value:
    """Every window that lies in `a`; 0 stands outside it for full, of which same is the middle."""
    book, w, n = a.book, a.book.poly(v.axes[0]), a.book.poly(a.axes[0])
    if mode != "valid":
        border = filled(book, (size_of(less(w, ONE)),), 0)
        a = concatenate([border, a, border])
    size = summed([book.poly(a.axes[0]), ONE, {m: -c for m, c in w.items()}])
    made = opaque(book, (size_of(size),), lambda: call(name, a.number(), v.number()))
    if mode != "same":
        return made
    width = constant(w)
    if width is None:
        raise unsupported("The middle of a convolution needs a kernel of a known size.", "Write mode='valid'.")
    start = number_poly((width - 1) // 2)
    return gathered(made, [Slice(start, summed([start, n]))])


def vander(x: Value, N: Value | None = None, increasing: Plain = False) -> Value:
    """Powers of the entries, a row for each; the highest first, unless they increase."""
    count = x.book.poly(x.axes[0]) if N is None and x.rank else None if N is None else N.whole()
    if x.rank != 1 or count is None or constant(count) == 1:
        raise unsupported("np.vander is read of a vector and a number of columns.")
    return power(arranged(x, [0, None]), powers(x, count, bool(increasing)))


def powers(x: Value, count: Poly, increasing: bool) -> Value:
    """0, 1, ..., or down to 0."""
    up = arange(x.book, size_of(count))
    return up if increasing else total([whole_number(x.book, less(count, ONE)), up], [False, True])


def polyval(p: Value, x: Value) -> Value:
    """p[0]*x**(n-1) + ... + p[n-1] at every entry of x."""
    if p.rank != 1 or p.axes[0] is None:
        raise IversonError("shape", "The coefficients of a polynomial are a vector.")
    raised = power(arranged(x, [*range(x.rank), None]), powers(p, p.book.poly(p.axes[0]), False))
    return reduced("sum", times(raised, p), -1)
