"""Native kernels: compiled once by the system's C compiler, kept in a folder of the user's, called with arrays.

The compiler sees text of ours only.  The folder is the user's alone (0700), a file in it is put in place whole, and its
name is a digest of the text, the flags, the compiler and the processor.  What the kernel cannot do, the NumPy code does:
without a compiler, for plans that fit no kernel, and where the numbers leave the range of the type; `info` says which.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..core.affine import polynomial, value_of
from ..core.node import Node
from ..core.program import Program
from ..derivation.answer import Answer
from ..emit.native import Native, native
from ..emit.numpy_code import compiled
from ..emit.plan import gradient_plan
from ..emit.split import Unfit, split
from ..lang.kinds import Input
from ..meaning.structure import check_facts

FLAGS = ("-O2", "-march=native", "-fPIC", "-shared", "-pthread", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=fast", "-std=gnu11", "-w")
WIDE = ("-mprefer-vector-width=512",)  # of compilers for x86
SECONDS = 120
REALS = {"float32": "float", "float64": "double"}
OUT_OF_RANGE, LABEL, MEMORY = 1, 2, 4


@dataclass(frozen=True)
class Info:
    """How a compiled loss runs.

    tier     "native" or "numpy";  why: the reason where it is not native, or was not at the last call
    passes   how often a call reads the samples;  bytes: what the last call took beyond its arrays and results
    kernel   the file of the kernel; None without one
    """

    tier: str
    why: str | None
    dtype: str
    threads: int
    passes: int | None = None
    bytes: int = 0
    kernel: str | None = None


class NoCompiler(Exception):
    """No kernel can be built here; the message is the reason."""


# -- building ------------------------------------------------------------------------------------------------


def build(text: str) -> Path:
    """The shared library of a kernel, from the cache or compiled now; NoCompiler where that fails."""
    cc = compiler()
    flags = (*FLAGS, *(WIDE if platform.machine() in ("x86_64", "AMD64") else ()))
    folder = cache_folder()
    digest = hashlib.sha256("\0".join([text, *flags, identity(cc), processor()]).encode()).hexdigest()
    target = folder / f"{digest[:40]}.so"
    if not target.exists():
        compile_into(cc, flags, text, target)
    return target


def compile_into(cc: str, flags: Sequence[str], text: str, target: Path) -> None:
    """Compile beside the target and move it there in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        source, made = Path(work) / "kernel.c", Path(work) / "kernel.so"
        source.write_text(text, "ascii")
        try:
            done = subprocess.run([cc, *flags, "-o", str(made), str(source), "-lm"], capture_output=True, text=True, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompiler(f"{cc} could not be run: {error}") from None
        if done.returncode or not made.exists():
            first = next((x for x in done.stderr.splitlines() if "error" in x), done.stderr.strip()[:200])
            raise NoCompiler(f"{cc} failed: {first}")
        os.replace(made, target)


def compiler() -> str:
    """The C compiler: CC of the environment, or cc."""
    found = shutil.which(os.environ.get("CC") or "cc")
    if found is None:
        raise NoCompiler("there is no C compiler (cc)")
    return found


@cache
def identity(cc: str) -> str:
    """What tells one compiler from another without running it."""
    real = os.path.realpath(cc)
    found = os.stat(real)
    return f"{real} {found.st_size} {found.st_mtime_ns}"


@cache
def processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return "".join(sorted({x for x in lines if x.startswith(("model name", "flags", "Features"))}))
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.node()}"


def cache_folder() -> Path:
    """The user's folder of kernels, theirs alone; a new one for this process where that cannot be."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "iverson" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
        if private(folder):
            return folder
    except OSError:
        pass
    return own_folder()


def private(folder: Path) -> bool:
    """Whether nobody else can write to a folder or replace it."""
    found = os.lstat(folder)
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & 0o077 and os.access(folder, os.W_OK)


@cache
def own_folder() -> Path:
    import atexit

    folder = tempfile.mkdtemp(prefix="iverson-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def loaded(path: Path) -> Any:
    """The entry point of a kernel."""
    try:
        run = ctypes.CDLL(str(path)).run
    except OSError as error:
        raise NoCompiler(f"the kernel cannot be loaded: {error}") from None
    run.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64, ctypes.c_void_p]
    run.restype = ctypes.c_int64
    return run


# -- calling -------------------------------------------------------------------------------------------------


def compile_native(
    program: Program,
    answers: Mapping[str, Answer],
    dtype: str,
    threads: int,
    by_name: bool,
    on_nan: Callable[[str, Mapping[str, Any]], None] | None,
) -> Kernel:
    """The value and the gradients as a kernel, or as NumPy code with the reason and a warning."""
    plain = compiled(program, answers, by_name=by_name, on_nan=on_nan)
    try:
        kernel = native(split(gradient_plan(program, answers, True), program), program, REALS[dtype])
        path = build(kernel.text)
        return Kernel(plain, Info("native", None, dtype, threads, kernel.passes, 0, str(path)), program, by_name, tuple(answers),
                      kernel, loaded(path))
    except (Unfit, NoCompiler) as error:
        warnings.warn(f"The NumPy code runs instead of a native kernel: {error}.", RuntimeWarning, stacklevel=4)
        return Kernel(plain, Info("numpy", str(error), dtype, threads), program, by_name, tuple(answers))


@dataclass(frozen=True)
class Call:
    """What a call needs to know of the shapes: the sizes the kernel asks for, and the shapes of its results."""

    sizes: Any
    shapes: list[tuple[int, ...]]


class Kernel:
    """f(**arrays) -> (value, gradient), the gradient in the asked type; `info` tells how it was computed."""

    def __init__(
        self,
        plain: Any,
        info: Info,
        program: Program,
        by_name: bool,
        wrt: tuple[str, ...],
        kernel: Native | None = None,
        run: Any = None,
    ) -> None:
        self.plain, self.info, self.program, self.by_name, self.wrt = plain, info, program, by_name, wrt  # plain: a Compiled
        self.kernel, self.run = kernel, run
        self.real = np.dtype(info.dtype)
        self.first = info
        self.calls: dict[Any, Call] = {}  # by shapes: of the last call
        if kernel is not None:
            types = [np.dtype(np.int64) if i.type.classes is not None else self.real if i.type.dims else np.dtype(float) for i in kernel.inputs]
            self.wanted = [(i.name, i.default, t) for i, t in zip(kernel.inputs, types, strict=True)]
            self.pointers = ctypes.c_void_p * (len(types) + 1)
            self.targets = ctypes.c_void_p * len(kernel.outputs)
        self.facts = {i.name: i.facts for i in self.inputs if i.facts and i.name not in wrt}

    @property
    def inputs(self) -> list[Input]:
        return self.plain.inputs

    @property
    def source(self) -> str:
        return self.plain.source if self.kernel is None else self.kernel.text

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        if args:
            arrays = {**dict(zip([i.name for i in self.inputs], args, strict=False)), **arrays}
        if self.kernel is None:
            return self.by_numpy(arrays, None)
        try:
            given = [self.array(n, arrays.get(n, default), wanted) for n, default, wanted in self.wanted]
            key = tuple([v.shape for v in given])
            call = self.calls.get(key)
            if call is None:
                call = self.prepared(arrays, given)
                self.calls = {key: call}
        except Unfit as error:
            return self.by_numpy(arrays, str(error))
        value, gradients, why = self.computed(call, given)
        return (value, gradients) if why is None else self.by_numpy(arrays, why)

    def array(self, name: str, v: Any, wanted: np.dtype) -> np.ndarray:
        """An array as the kernel reads it: of its type, without gaps; Unfit where it cannot be one."""
        if type(v) is not np.ndarray:
            v = np.asarray(v)
        if v.dtype is not wanted or not v.flags.c_contiguous:
            if v.dtype.kind not in "fiub" or (wanted.kind == "i" and v.dtype.kind not in "iu"):
                raise Unfit("arrays of other kinds")
            v = np.asarray(v, wanted, order="C")
        if name in self.facts:
            check_facts(name, self.facts[name], v)
        return v

    def by_numpy(self, arrays: Mapping[str, Any], why: str | None) -> Any:
        """The same by the NumPy code, whose errors say what is wrong with the arrays."""
        if why is not None:
            self.info = Info("numpy", why, self.first.dtype, self.first.threads)
        value, g = self.plain(**arrays)
        if isinstance(g, dict):
            return value, {n: np.asarray(x).astype(self.real, copy=False) for n, x in g.items()}
        return value, np.asarray(g).astype(self.real, copy=False)[()]

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

    def computed(self, call: Call, given: Sequence[np.ndarray]) -> tuple[Any, Any, str | None]:
        """(value, gradients, None), or the reason why NumPy has to do it."""
        value, *gradients = out = [np.empty(shape, self.real if p else float) for p, shape in enumerate(call.shapes)]
        ins = self.pointers(*[v.__array_interface__["data"][0] for v in given], 0)
        outs = self.targets(*[v.__array_interface__["data"][0] for v in out])
        taken = ctypes.c_int64(0)
        bad = self.run(call.sizes, ins, outs, self.first.threads, ctypes.byref(taken))
        if bad:
            if bad & MEMORY:
                raise MemoryError("A kernel could not get the memory it needs.")
            return None, None, "a label that is out of range" if bad & LABEL else f"values out of the range of {self.real}, or nan"
        if taken.value != self.info.bytes or self.info.tier != "native":
            self.info = replace(self.first, bytes=taken.value)
        if self.by_name:
            return value[()], dict(zip(self.wrt, gradients, strict=True)), None
        return value[()], gradients[0][()], None
