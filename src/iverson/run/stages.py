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
from ..emit.native_units import units
from ..emit.split import Split, Unfit
from .blocks import Engine
from .compiler import NoCompiler, Unit, build
from .door import loaded
from .streams import is_sparse


class NativeStage:
    """A stage as a kernel: f(env, sizes) is a dict of its outputs, or None where NumPy has to do it."""

    def __init__(self, stage: Stage, axis: Node, real: str) -> None:
        steps = {x.name: x for x in stage.steps}
        self.kernel = native(Split(axis, steps, stage.outputs, 1), stage.program, real)
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
        if any(v is None for v in given) or any(n not in sizes for n in self.kernel.sizes):
            return None
        names = {n.attr: k for n, k in sizes.items() if n.op == "size"}
        made = {n: np.empty([k.attr if k.op == "num" else value_of(polynomial(k) or {}, names) for k in dims], t) for n, t, dims in self.outputs}
        ins = (ctypes.c_void_p * (len(given) + 1))(*[v.ctypes.data for v in given], 0)
        outs = (ctypes.c_void_p * len(made))(*[v.ctypes.data for v in made.values()])
        words = (ctypes.c_int64 * len(self.kernel.sizes))(*(sizes[n] for n in self.kernel.sizes))
        return None if self.run(words, ins, outs, 1, ctypes.byref(ctypes.c_int64(0))) else made

    def array(self, i: Any, v: Any) -> Any:
        """As the kernel reads it."""
        v = np.asarray(v)
        label = i.type.classes is not None
        if v.dtype.kind not in "fiub" or (label and v.dtype.kind not in "iu"):
            return None
        return np.require(v, np.int64 if label else self.real if i.type.dims else float, ("C", "A"))


class Passes:
    """The kernels of all passes; `why` NumPy runs, where it does."""

    def __init__(self, plan: Blocks, real: str, wait: bool) -> None:
        self.wait, self.why = wait, None
        self.stages: list[NativeStage] | None = None
        try:
            self.stages = [NativeStage(s, plan.axis, real) for s in plan.passes]
        except (Unfit, NoCompiler, OSError) as error:
            self.why = str(error)

    def engine(self, arrays: Mapping[str, Any]) -> Engine | None:
        """The kernel of each pass that is there by now; None where NumPy has to do all."""
        if any(is_sparse(v) for v in arrays.values()):
            self.why = "a sparse matrix"
            return None
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
