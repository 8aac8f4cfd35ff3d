"""Kernels of the passes of a loss in blocks: a block of samples in, its totals out.  Compiled when first wanted.

A worker reads a block and hands it to the kernel, which runs without the interpreter's lock; blocks that a kernel cannot do
are left to the NumPy code.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.affine import polynomial, value_of
from ..core.node import Node
from ..emit.blocked import Blocks, Stage
from ..emit.native import native
from ..emit.native_sparse import sparse_native
from ..emit.native_units import units
from ..emit.split import Split, Unfit
from .blocks import Engine
from .compiler import NoCompiler, Unit, build
from .door import loaded
from .streams import right_rows


class NativeStage:
    """A stage as a kernel: f(env, sizes) is a dict of its outputs, or None where NumPy has to do it."""

    def __init__(self, stage: Stage, axis: Node, real: str, sparse: frozenset[str] = frozenset(), threads: int = 1) -> None:
        steps = {x.name: x for x in stage.steps}
        self.threads, self.sparse = threads, sparse & set(stage.program.inputs)
        one = Split(axis, steps, stage.outputs, 1)
        self.kernel = sparse_native(one, stage.program, real, self.sparse) if self.sparse else native(one, stage.program, real)
        self.building = build([Unit(*u) for u in units(self.kernel)])
        self.run: Any = None
        self.real = np.dtype(np.float32 if real == "float" else np.float64)
        self.outputs = [(n, self.real if p or steps[n].row else np.dtype(float), dims) for p, (n, dims) in enumerate(self.kernel.outputs)]

    def ready(self, wait: bool) -> bool:
        if self.run is None:
            if wait:
                self.building.wait()
            if self.building.made():
                self.run = loaded(self.building.target)[0]
        return self.run is not None

    def __call__(self, env: Mapping[str, Any], sizes: Mapping[Node, int]) -> dict[str, Any] | None:
        given = [self.array(i, env[i.name]) for i in self.kernel.inputs]
        for i in self.kernel.inputs:
            if i.name in self.sparse:
                given += self.places(env[i.name])
        if any(v is None for v in given) or any(n not in sizes for n in self.kernel.sizes):
            return None
        names = {n.attr: k for n, k in sizes.items() if n.op == "size"}
        made = {n: np.empty([k.attr if k.op == "num" else value_of(polynomial(k) or {}, names) for k in dims], t) for n, t, dims in self.outputs}
        ins = (ctypes.c_void_p * (len(given) + 1))(*[v.ctypes.data for v in given], 0)
        outs = (ctypes.c_void_p * len(made))(*[v.ctypes.data for v in made.values()])
        words = (ctypes.c_int64 * len(self.kernel.sizes))(*(sizes[n] for n in self.kernel.sizes))
        return None if self.run(words, ins, outs, self.threads, ctypes.byref(ctypes.c_int64(0))) else made

    def array(self, i: Any, v: Any) -> Any:
        """As the kernel reads it."""
        v = v.data if i.name in self.sparse else np.asarray(v)
        label = i.type.classes is not None
        if v.dtype.kind not in "fiub" or (label and v.dtype.kind not in "iu"):
            return None
        return np.require(v, np.int64 if label else self.real if i.type.dims else float, ("C", "A"))

    def places(self, v: Any) -> list[np.ndarray | None]:
        """The columns of stored numbers and the beginnings of rows; None where they do not fit the numbers."""
        begins = np.require(v.indptr, np.int64, ("C", "A"))
        if not right_rows(v):
            return [None, None]
        return [np.require(v.indices, np.int32, ("C", "A")), begins]


class Passes:
    """The kernels of all passes; `why` NumPy runs, where it does."""

    def __init__(self, plan: Blocks, real: str, wait: bool, sparse: frozenset[str] = frozenset(), threads: int = 1) -> None:
        self.wait = wait
        self.why: str | None = None
        self.stages: list[NativeStage] | None = None
        try:
            self.stages = [NativeStage(s, plan.axis, real, sparse, threads) for s in plan.passes]
        except (Unfit, NoCompiler, OSError) as error:
            self.why = str(error)

    def complete(self) -> None:
        """Wait for the compiler."""
        try:
            for s in self.stages or ():
                s.ready(True)
        except NoCompiler as error:
            self.stages, self.why = None, str(error)

    @property
    def file(self) -> str | None:
        """The kernel of the last pass, once it is there."""
        return str(self.stages[-1].building.target) if self.stages and self.why is None else None

    def engine(self) -> Engine | None:
        """The kernel of each pass that is there by now; None where NumPy has to do all."""
        if self.stages is None:
            return None
        self.why = None
        try:
            ready = [s if s.ready(self.wait) else None for s in self.stages]
        except NoCompiler as error:
            self.stages, self.why = None, str(error)
            return None
        if None in ready:
            self.why = "the kernel is being compiled"
        return ready.__getitem__
