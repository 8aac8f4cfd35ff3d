"""Compiled losses: NumPy at once, a native kernel as soon as the compiler has made it.

What the kernel cannot do, the NumPy code does: without a compiler, for plans that fit no kernel, and where the numbers leave
the range of the type; `info` says which.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy import empty, float64

from ..core.affine import polynomial, value_of
from ..core.errors import IversonError
from ..core.node import Node
from ..core.program import Program
from ..derivation.answer import Answer
from ..emit.blocked import blocks
from ..emit.native import Native, native
from ..emit.native_units import units
from ..emit.numpy_code import compiled
from ..emit.plan import Plan, gradient_plan
from ..emit.split import Unfit, split
from ..lang.kinds import Input
from ..meaning.structure import check_facts
from .blocks import READ, Blocked
from .compiler import Building, NoCompiler, Unit, build
from .door import fits, loaded, state
from .stages import Passes
from .streams import is_path, is_sparse

REALS = {"float32": "float", "float64": "double"}
OUT_OF_RANGE, LABEL, MEMORY = 1, 2, 4
BYTES, BAD = 1, 9  # words of a door's state
NOT_YET = "the kernel is being compiled"
WAYS = ("background", "now", "off")
SAID: set[str] = set()  # reasons of this machine's, which are said once


@dataclass(frozen=True)
class Info:
    """How a compiled loss runs.

    tier     "native" or "numpy";  why: the reason where it is not native, or was not at the last call
    passes   how often a call reads the samples;  bytes: what the last call took beyond its arrays and results; None where
             NumPy code does not tell either
    kernel   the file of the kernel; None without one
    """

    tier: str
    why: str | None
    dtype: str
    threads: int
    passes: int | None = None
    bytes: int | None = None
    kernel: str | None = None


# -- making --------------------------------------------------------------------------------------------------


def compile_native(
    program: Program,
    answers: Mapping[str, Answer],
    dtype: str,
    threads: int,
    by_name: bool,
    on_nan: Callable[[str, Mapping[str, Any]], None] | None,
    wait: bool = False,
) -> Kernel:
    """The value and the gradients: by NumPy until the kernel is there, or for good, with the reason and a warning."""
    p = gradient_plan(program, answers, True)
    plain = numpy_function(program, answers, by_name, on_nan, p)
    f = Kernel(plain, program, answers, by_name, dtype, threads, way := way_of(wait))
    try:
        if way == "off":
            raise NoCompiler("IVERSON_NATIVE is off")
        made = native(split(p, program), program, REALS[dtype])
        f.awaits(made, build([Unit(*u) for u in units(made)]))
    except (Unfit, NoCompiler, OSError) as error:
        f.stays(str(error), once=not isinstance(error, Unfit), stacklevel=5)
        return f
    return f.wait() if way == "now" else f


def numpy_function(
    program: Program,
    answers: Mapping[str, Answer],
    by_name: bool,
    on_nan: Callable[[str, Mapping[str, Any]], None] | None,
    p: Plan | None = None,
) -> Blocked:
    """The value and the gradients by NumPy, in blocks of samples where that is no slower or memory asks for it."""
    p = p or gradient_plan(program, answers, True)
    whole = compiled(program, answers, by_name=by_name, on_nan=on_nan, p=p)
    return Blocked(whole, lambda: blocks(split(p, program, alone=True), program), tuple(answers), by_name or len(answers) > 1)


def way_of(wait: bool) -> str:
    """Whether the kernel is compiled in the background, waited for, or not made at all."""
    way = "now" if wait else os.environ.get("IVERSON_NATIVE") or "background"
    if way not in WAYS:
        raise IversonError("usage", f"IVERSON_NATIVE is {way!r}.", hint=" or ".join(WAYS))
    return way


@dataclass(frozen=True)
class Call:
    """What a call needs to know of the shapes: the sizes the kernel asks for, and the shapes of its results."""

    sizes: Any
    shapes: list[tuple[int, ...]]


class Kernel:
    """f(**arrays) -> (value, gradient), the gradient in the asked type; `info` tells how it was computed.

    out   an array for the gradient, or a dict of them by name; without it every call makes new ones
    """

    def __init__(
        self, plain: Blocked, program: Program, answers: Mapping[str, Answer], by_name: bool, dtype: str, threads: int, way: str
    ) -> None:
        self.plain, self.program, self.answers, self.by_name, self.wrt = plain, program, answers, by_name, tuple(answers)
        self.dtype, self.threads, self.real = dtype, threads, np.dtype(dtype)
        self.facts = {i.name: i.facts for i in self.inputs if i.facts and i.name not in self.wrt}
        self.way = way
        self.passes: dict[frozenset[str], Passes] = {}  # kernels of blocks, by what of them is sparse
        self.building: Building | None = None
        self.kernel: Native | None = None  # once there is a text; run: once it is loaded
        self.run: Any = None
        self.door: Any = None  # of the shapes of the last call
        self.file: str | None = None  # of the last call; own_file: of whole arrays
        self.own_file: str | None = None
        self.why: str | None = NOT_YET
        self.bytes: int | None = None
        self.call: tuple[Any, Call] | None = None

    # -- tiers ---------------------------------------------------------------------------------------------

    def awaits(self, kernel: Native, building: Building) -> None:
        """A kernel is on its way, or in the cache."""
        self.kernel, self.building = kernel, building
        types = [np.dtype(np.int64) if i.type.classes is not None else self.real if i.type.dims else np.dtype(float) for i in kernel.inputs]
        self.wanted = [(i.name, i.default, t) for i, t in zip(kernel.inputs, types, strict=True)]
        self.names = {i.name for i in kernel.inputs}
        names = [i.name for i in kernel.inputs]
        self.take = itemgetter(*names) if len(names) > 1 else lambda arrays: (arrays[names[0]],)
        self.pointers = ctypes.c_void_p * (len(types) + 1)
        self.targets = ctypes.c_void_p * len(kernel.outputs)
        self.arrives()

    def arrives(self) -> None:
        """Take the kernel into use if it is there.  Never waits."""
        if self.building is not None:
            try:
                if self.building.made():
                    path, self.building = self.building.target, None
                    self.run, self.entry = loaded(path)
                    self.file = self.own_file = str(path)
                    self.why = None
            except NoCompiler as error:
                self.stays(str(error), once=False, stacklevel=4)

    def stays(self, why: str, once: bool, stacklevel: int) -> None:
        """NumPy for good; said once for a process where the reason is not the loss."""
        self.building, self.kernel, self.why = None, None, why
        if not (once and why in SAID):
            warnings.warn(f"The NumPy code runs instead of a native kernel: {why}.", RuntimeWarning, stacklevel=stacklevel)
        if once:
            SAID.add(why)

    def wait(self, seconds: float = 120.0) -> Kernel:
        """This function, with the kernels it asked for compiled if they can be."""
        if self.building is not None:
            try:
                self.building.wait(seconds)
            except NoCompiler as error:
                self.stays(str(error), once=False, stacklevel=3)
            self.arrives()
        for passes in self.passes.values():
            passes.complete()
        return self

    @property
    def info(self) -> Info:
        self.arrives()
        passes = self.plain.passes if self.kernel is None else self.kernel.passes
        tier = "numpy" if self.why is not None else "native"
        taken = self.door[0][BYTES] if self.door is not None and tier == "native" else self.bytes
        return Info(tier, self.why, self.dtype, self.threads, passes, taken, self.file)

    @property
    def inputs(self) -> list[Input]:
        return self.plain.inputs

    @property
    def source(self) -> str:
        return self.plain.source if self.kernel is None else self.kernel.text

    # -- calls ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, out: Any = None, **arrays: Any) -> Any:
        door = self.door
        if door is None or args or out is not None:
            return self.by_steps(args, out, arrays)
        words, enter, shapes, real = door
        try:
            given = self.take(arrays)
        except KeyError:
            given = tuple([arrays.get(n, default) for n, default, _ in self.wanted])
        made = (empty(shapes[0], real),) if len(shapes) == 1 else tuple([empty(shape, real) for shape in shapes])
        value = enter(words, given, made)
        if value != value:
            return self.by_steps(args, out, arrays)
        self.why = None
        return float64(value), dict(zip(self.wrt, made, strict=True)) if self.by_name else made[0]

    def by_steps(self, args: tuple[Any, ...], out: Any, arrays: dict[str, Any]) -> Any:
        """The same for arrays that have not been seen, or have to be cast or checked, and while there is no kernel."""
        if args:
            arrays = {**dict(zip([i.name for i in self.inputs], args, strict=False)), **arrays}
        targets = self.targets_of(out, arrays)
        self.arrives()
        if any(is_path(v) or is_sparse(v) for v in arrays.values()):
            return self.into(targets, self.streamed(arrays))
        if self.run is None:
            return self.into(targets, self.by_numpy(arrays))
        try:
            given = [self.array(n, arrays.get(n, default), wanted) for n, default, wanted in self.wanted]
            key = tuple([v.shape for v in given])
            if self.call is None or self.call[0] != key:
                self.call, self.door = (key, self.prepared(arrays, given)), None
                self.open_door(self.call[1], given)
        except Unfit as error:
            return self.into(targets, self.by_numpy(arrays, str(error)))
        value, gradients, why = self.computed(self.call[1], given, targets)
        if why is not None:
            return self.into(targets, self.by_numpy(arrays, why))
        return value, dict(zip(self.wrt, gradients, strict=True)) if self.by_name else gradients[0]

    def targets_of(self, out: Any, arrays: dict[str, Any]) -> list[np.ndarray] | None:
        """The arrays that the gradients are to be written to; `out` may also be the name of an input."""
        if out is None or any(i.name == "out" for i in self.inputs):
            if out is not None:
                arrays["out"] = out
            return None
        found = [out[n] for n in self.wrt] if self.by_name else [out]
        for n, v in zip(self.wrt, found, strict=True):
            if not isinstance(v, np.ndarray) or v.dtype != self.real or not v.flags.c_contiguous or not v.flags.writeable:
                raise IversonError("data", f"The array for the gradient by {n} is no writable array of {self.dtype} without gaps.")
            if any(isinstance(a, np.ndarray) and np.may_share_memory(a, v) for a in arrays.values()):
                raise IversonError("data", f"The array for the gradient by {n} overlaps an input.")
            if v.shape != np.shape(arrays.get(n, v)):
                raise IversonError("shape", f"The array for the gradient by {n} has the shape {v.shape}, {n} has {np.shape(arrays[n])}.")
        return found

    def into(self, targets: list[np.ndarray] | None, result: tuple[Any, Any]) -> Any:
        """The result with its gradients in the arrays that were given for them."""
        if targets is None:
            return result
        value, gradients = result
        for n, target in zip(self.wrt, targets, strict=True):
            target[...] = gradients[n] if self.by_name else gradients
        return value, dict(zip(self.wrt, targets, strict=True)) if self.by_name else targets[0]

    def open_door(self, call: Call, given: Sequence[np.ndarray]) -> None:
        """What the next call with such arrays goes through."""
        assert self.kernel is not None
        gradients = [(self.real, shape) for shape in call.shapes[1:]]
        if self.entry is None or self.facts or call.shapes[0] or not fits(given, gradients) or any(i.name == "out" for i in self.inputs):
            return
        like = [None if not i.type.dims and i.type.classes is None else v for i, v in zip(self.kernel.inputs, given, strict=True)]
        self.door = state(self.threads, list(call.sizes), like, gradients), self.entry, call.shapes[1:], self.real

    def array(self, name: str, v: Any, wanted: np.dtype) -> np.ndarray:
        """An array as the kernel reads it: of its type, without gaps; Unfit where it cannot be one."""
        if type(v) is not np.ndarray:
            v = np.asarray(v)
        if v.dtype is not wanted or not v.flags.c_contiguous or not v.flags.aligned:
            if v.dtype.kind not in "fiub" or (wanted.kind == "i" and v.dtype.kind not in "iu"):
                raise Unfit("arrays of other kinds")
            v = np.require(v, wanted, ("C", "A"))
        if name in self.facts:
            check_facts(name, self.facts[name], v)
        return v

    def streamed(self, arrays: Mapping[str, Any]) -> Any:
        """The same with samples from files or sparse matrices, block by block; a kernel of each pass takes a block."""
        sparse = frozenset(n for n, v in arrays.items() if is_sparse(v))
        if self.kernel is not None and self.plain.plan is not None and sparse not in self.passes:
            threads = self.threads if sparse else 1  # a sparse matrix is one block, whose kernel has threads of its own
            self.passes[sparse] = Passes(self.plain.plan, REALS[self.dtype], self.way == "now", sparse, threads)
        passes = self.passes.get(sparse)
        result = self.real_of(self.plain.streamed(arrays, self.threads, None if passes is None else passes.engine()))
        if passes is not None:
            self.why, self.file, self.bytes = passes.why, passes.file, None if sparse else self.threads * READ
            self.door = self.call = None
        return result

    def by_numpy(self, arrays: Mapping[str, Any], why: str | None = None) -> Any:
        """The same by the NumPy code, whose errors say what is wrong with the arrays."""
        self.why, self.bytes = why or self.why, None
        return self.real_of(self.plain(**arrays))

    def real_of(self, result: Any) -> Any:
        """A result with its gradients in the asked type."""
        value, g = result
        if isinstance(g, dict):
            return value, {n: np.asarray(x).astype(self.real, copy=False) for n, x in g.items()}
        return value, np.asarray(g).astype(self.real, copy=False)

    def prepared(self, arrays: Mapping[str, Any], given: Sequence[np.ndarray]) -> Call:
        """Sizes and shapes for arrays of these shapes; Unfit where the NumPy code has to say what is wrong."""
        assert self.kernel is not None
        sizes: dict[Node, int] = {}
        shapes = {i.name: v.shape for i, v in zip(self.kernel.inputs, given, strict=True)}
        for i in self.plain.inputs:
            shape = shapes[i.name] if i.name in shapes else np.shape(arrays.get(i.name, i.default))
            if len(shape) != len(i.type.dims):
                raise Unfit("arrays with other axes")
            for n, k in zip(i.type.dims, shape, strict=True):
                if k == 0 or sizes.setdefault(n, k) != k or (n.op == "num" and n.attr != k):
                    raise Unfit("sizes that do not agree, or empty arrays")
        known = self.known(sizes)
        by_name = {n.attr: k for n, k in known.items()}
        out = [tuple(n.attr if n.op == "num" else value_of(polynomial(n) or {}, by_name) for n in dims)
               for _, dims in self.kernel.outputs]
        return Call((ctypes.c_int64 * len(self.kernel.sizes))(*(known[x] for x in self.kernel.sizes)), out)

    def known(self, sizes: Mapping[Node, int]) -> dict[Node, int]:
        """Sizes that are names, large enough for constant indices and in agreement with those made of them."""
        assert self.kernel is not None
        found = {n: k for n, k in sizes.items() if n.op == "size"}
        by_name = {n.attr: k for n, k in found.items()}
        if any(n not in found for n in self.kernel.sizes):
            raise Unfit("a size that no array tells by itself")
        for n, k in sizes.items():
            if n.op not in ("num", "size"):
                try:
                    agrees = value_of(polynomial(n) or {}, by_name) == k
                except KeyError:
                    agrees = False
                if not agrees:
                    raise Unfit("a size that no array tells by itself")
        if any(sizes.get(n, k) < k for n, k in self.program.least.items()):
            raise Unfit("sizes too small for an index")
        return found

    def computed(self, call: Call, given: Sequence[np.ndarray], targets: list[np.ndarray] | None) -> tuple[Any, Any, str | None]:
        """(value, gradients, None), or the reason why NumPy has to do it."""
        value = np.empty(call.shapes[0], float)
        gradients = targets or [np.empty(shape, self.real) for shape in call.shapes[1:]]
        ins = self.pointers(*[v.__array_interface__["data"][0] for v in given], 0)
        outs = self.targets(*[v.__array_interface__["data"][0] for v in (value, *gradients)])
        taken = ctypes.c_int64(0)
        bad = self.run(call.sizes, ins, outs, self.threads, ctypes.byref(taken))
        if bad:
            if bad & MEMORY:
                raise MemoryError("A kernel could not get the memory it needs.")
            return None, None, "a label that is out of range" if bad & LABEL else f"values out of the range of {self.real}, or nan"
        self.why, self.bytes, self.file = None, taken.value, self.own_file
        if self.door is not None:
            self.door[0][BYTES] = taken.value
        return value[()], gradients, None
