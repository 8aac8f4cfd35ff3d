"""A loaded kernel and its door: what one call needs to know of arrays, laid out for the C side.

The door reads Python objects where CPython and NumPy keep them; `readable` tries that on an array before it is relied on.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..emit.native_units import HEAD, MOST_ARRAYS
from .compiler import NoCompiler

TYPE, DATA, RANK, SHAPE, DTYPE, FLAGS = 1, 2, 3, 4, 7, 8  # words of an array object


@cache
def loaded(path: Path) -> tuple[Any, Any]:
    """The entry point of a kernel, and its door where it can be used."""
    try:
        library = ctypes.CDLL(str(path))
        run = library.run
    except (OSError, AttributeError) as error:
        raise NoCompiler(f"the kernel cannot be loaded: {error}") from None
    run.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64, ctypes.c_void_p]
    run.restype = ctypes.c_int64
    if not readable():
        return run, None
    door = library.door
    door.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    door.restype = ctypes.c_double
    return run, door


@cache
def readable() -> bool:
    """Whether arrays, floats and tuples lie in memory as the door reads them."""
    ordinary = sys.implementation.name == "cpython" and not hasattr(sys, "gettotalrefcount") and sys.maxsize > 2**32
    if not ordinary or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    a, x = np.zeros((3, 4), np.float32), 0.7254
    words = (ctypes.c_int64 * 9).from_address(id(a))
    shape = (ctypes.c_int64 * 2).from_address(words[SHAPE])
    pair = (a, x)
    items = (ctypes.c_int64 * 2).from_address(id(pair) + first_item())
    return (words[TYPE] == id(np.ndarray) and words[DATA] == a.ctypes.data and words[RANK] & 0xFFFFFFFF == 2 and tuple(shape) == (3, 4)
            and words[DTYPE] == id(a.dtype) and words[FLAGS] & 0xFFFFFFFF == a.flags.num and tuple(items) == (id(a), id(x))
            and all(ctypes.c_double.from_address(id(v) + 16).value == 0.7254 for v in (x, np.float64(x))))


def first_item() -> int:
    """Where the items of a tuple begin."""
    return tuple.__basicsize__


def state(threads: int, sizes: Sequence[int], given: Sequence[np.ndarray | None], made: Sequence[tuple[np.dtype, tuple[int, ...]]]) -> Any:
    """What the door compares a call with: of inputs an array like the expected one, None for a number."""
    words = [0] * len(HEAD)
    types = {"array": id(np.ndarray), "float": id(float), "double": id(np.float64), "items": first_item()}
    counts = {"threads": threads, "inputs": len(given), "gradients": len(made), "sizes": len(sizes)}
    for name, word in {**types, **counts}.items():
        words[HEAD.index(name)] = word
    words += sizes
    for v in given:
        words += [0] if v is None else [1, id(v.dtype), v.ndim, *v.shape]
    for dtype, shape in made:
        words += [id(dtype), len(shape), *shape]
    return (ctypes.c_int64 * len(words))(*words)


def fits(given: Sequence[Any], made: Sequence[Any]) -> bool:
    return len(given) <= MOST_ARRAYS and len(made) <= MOST_ARRAYS
