"""Arrays at the door: shapes, sizes, label ranges and dtypes are checked once; what is behind relies on it.

Knows nothing of values but what their declarations ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..core.affine import polynomial, split, value_of
from ..core.errors import IversonError
from ..core.node import Node
from ..lang.kinds import Input, Typed, describe
from ..lang.shapes import show_size
from ..lang.sizes import size_leaves
from ..lang.surface import names_in
from .structure import check_facts


def program_sizes(typed: Typed, arrays: Mapping[str, Any],
                  sizes: Mapping[str, int] | None = None) -> dict[str, int]:
    """All sizes by name, read off the arrays.  Errors as `admitted`."""
    return admitted(typed, arrays, sizes)[1]


def admitted(typed: Typed, arrays: Mapping[str, Any],
             sizes: Mapping[str, int] | None = None) -> tuple[dict[str, Any], dict[str, int]]:
    """(values, sizes): every input as a float64 array, labels as int64, scalars with a default filled in.

    sizes    those that no array shows
    Errors   IversonError: `data` for a missing value, a value that is no real number, a label out of range, values
             without the declared structure;
             `shape` for sizes that disagree, are too small for a constant index, or follow from nothing
    """
    values: dict[str, Any] = {}
    known = {name: (whole(name, n), "as given") for name, n in (sizes or {}).items()}
    for i in typed.inputs.values():
        given = arrays.get(i.name, i.default)
        if given is None:
            raise IversonError("data", f"{i.name} has no value.", hint=f"It is a {describe(i.type)}.")
        values[i.name] = pair(i, given) if i.role == "function" else cast(i, given)
        for axis, n in enumerate(i.type.dims):
            if n.op in ("num", "size"):
                measure(i, values[i.name], axis, n, known)
    solve_sizes(typed, values, known)
    found = {name: n for name, (n, _) in known.items()}
    count_classes(typed, values, found)
    complete(typed, found)
    compare_sizes(typed, values, found)
    for i in typed.inputs.values():
        if i.type.classes is not None:
            check_labels(i, values[i.name], count(i.type.classes, found))
        check_facts(i.name, i.facts, values[i.name])
    return values, found


def whole(name: str, n: Any) -> int:
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
        raise IversonError("shape", f"The size {name} is {n}; a size is a positive whole number.")
    return int(n)


def pair(i: Input, given: Any) -> Any:
    """A declared function: (f, f'), two callables that take arrays."""
    if not isinstance(given, tuple | list) or len(given) < 2 or not all(map(callable, given)):
        raise IversonError("data", f"{i.name} must be a pair of functions, itself and its derivative.",
                           hint=f"{i.name}=(np.tanh, lambda x: 1 - np.tanh(x)**2)")
    return tuple(given)


def cast(i: Input, given: Any) -> np.ndarray:
    """The value of one input as float64, or int64 for labels, with the right number of axes."""
    v = np.asarray(given)
    if v.dtype.kind not in "buif":
        raise IversonError("data", f"{i.name} holds {v.dtype.name} values, not real numbers.")
    if v.ndim != i.type.rank:
        flat = v.ndim == 2 and i.type.rank == 1 and 1 in v.shape
        raise IversonError("shape", f"{i.name} is a {describe(i.type)} and cannot have the shape {v.shape}.",
                           hint=f"Give {i.name}.ravel(): vectors are 1-D." if flat else None)
    if i.type.classes is None:
        return v if v.dtype == np.float64 else v.astype(np.float64)
    if v.dtype.kind == "f" and (broken := np.flatnonzero(np.rint(v) != v)).size:
        p = int(broken[0])
        raise IversonError("data", f"{spot(i, v, p)} is {v.flat[p]:g}; a label is a whole number.")
    return v if v.dtype == np.int64 else v.astype(np.int64)


def measure(i: Input, v: np.ndarray, axis: int, n: Node, known: dict[str, tuple[int, str]]) -> None:
    """Take the size of an axis, or compare it with what is known."""
    have = v.shape[axis]
    if have == 0:
        raise IversonError("data", f"{i.name} is empty: its shape is {v.shape}.")
    declared = n.op == "num"
    seen = (have, f"as in {i.name}")
    wanted, source = (n.attr, "as declared") if declared else known.setdefault(n.attr, seen)
    if have != wanted:
        size = str(wanted) if declared else f"{show_size(n)} = {wanted}"
        raise IversonError("shape", f"{i.name} has the shape {v.shape}; axis {axis} is {size}, {source}.",
                           hint=f"It is a {describe(i.type)}.")


def compounds(typed: Typed, values: Mapping[str, Any]) -> Iterator[tuple[Input, int, Node]]:
    """The axes whose sizes are made of others, with what is made of them."""
    for i in typed.inputs.values():
        for axis, n in enumerate(i.type.dims):
            if n.op not in ("num", "size"):
                yield i, values[i.name].shape[axis], n


def solve_sizes(typed: Typed, values: Mapping[str, Any], known: dict[str, tuple[int, str]]) -> None:
    """A size that stands only in sums with known ones: m of an axis m + 1."""
    for i, have, n in compounds(typed, values):
        open_ = [leaf for leaf in size_leaves(n) if leaf.attr not in known]
        parts = split(polynomial(n) or {}, open_[0]) if len(open_) == 1 else None
        if parts is None:
            continue
        slope, rest = (value_of(p, {m: k for m, (k, _) in known.items()}) for p in parts)
        if slope and (have - rest) % slope == 0 and (have - rest) // slope > 0:
            known[open_[0].attr] = ((have - rest) // slope, f"as in {i.name}")


def compare_sizes(typed: Typed, values: Mapping[str, Any], known: Mapping[str, int]) -> None:
    """Axes whose sizes are made of others agree with them; no size is negative."""
    for i, have, n in compounds(typed, values):
        if have != count(n, known):
            raise IversonError("shape", f"{i.name} has {have} entries where {show_size(n)} is {count(n, known)}.",
                               hint=f"It is a {describe(i.type)}.")
    for n in (*all_sizes(typed), *typed.checks):
        if count(n, known) < 0:
            raise IversonError("shape", f"{show_size(n)} is {count(n, known)}; it cannot be negative.",
                               hint="Give larger arrays.")


def count_classes(typed: Typed, values: Mapping[str, Any], known: dict[str, int]) -> None:
    """A number of classes on which nothing depends: labels that are only compared have as many as they show."""
    types = [*(i.type for i in typed.inputs.values()), *typed.definitions.values()]
    groups = [*(t.dims for t in types), *typed.ranges.values(), *(pair for pair in typed.slices.values())]
    asked = {leaf.attr for group in groups for n in group for leaf in size_leaves(n)}
    asked |= {n for e in typed.script.equations for n in names_in(e.body)}
    for i in typed.inputs.values():
        n = i.type.classes
        if n is not None and n.op == "size" and n.attr not in asked and values[i.name].size:
            known.setdefault(n.attr, max(int(values[i.name].max()) + 1, known.get(n.attr, 1)))


def complete(typed: Typed, known: Mapping[str, int]) -> None:
    """Every size has a value, and one that a constant index allows."""
    for n in (leaf for size in all_sizes(typed) for leaf in size_leaves(size)):
        if n.attr not in known:
            raise IversonError("shape", f"The size {n.attr} does not follow from the arrays.",
                               hint=f"Give it: sizes={{{n.attr!r}: ...}}")
    for n, least in typed.least.items():
        if count(n, known) < least:
            raise IversonError("shape", f"{show_size(n)} is {count(n, known)}; index {least - 1} is used.",
                               why="Indices count from 0.")


def all_sizes(typed: Typed) -> dict[Node, None]:
    """The sizes of a script, each once, in order."""
    types = [*(i.type for i in typed.inputs.values()), *typed.definitions.values()]
    groups = [*(t.dims for t in types), *((t.classes,) for t in types if t.classes), *typed.ranges.values()]
    return dict.fromkeys([*(n for group in groups for n in group), *(n for _, n in typed.slices.values())])


def count(n: Node, known: Mapping[str, Any]) -> Any:
    """The value of a size; of an index term, where `known` gives values of indices too."""
    if n.op in ("num", "size"):
        return n.attr if n.op == "num" else known[n.attr]
    p = polynomial(n)
    assert p is not None
    return value_of(p, known)


def check_labels(i: Input, v: np.ndarray, classes: int) -> None:
    if v.size and (v.min() < 0 or v.max() >= classes):
        p = int(np.flatnonzero((v < 0) | (v >= classes))[0])
        from_one = v.min() == 1 and v.max() == classes
        raise IversonError("data", f"{spot(i, v, p)} is {v.flat[p]}, outside 0..{classes - 1}.",
                           why="Labels count from 0 and stay below the number of classes.",
                           hint=f"If your labels count from 1, give {i.name} - 1." if from_one else None)


def spot(i: Input, v: np.ndarray, p: int) -> str:
    """The name of one entry, counted from 0: y[3]."""
    at = ", ".join(map(str, np.unravel_index(p, v.shape)))
    return f"{i.name}[{at}]" if v.ndim else i.name
