"""A loss timed beside what else is installed: one process, run in turn, medians; and the floor that the machine sets.

Ours are the native kernel and the NumPy code in blocks; peers are the NumPy code for all samples at once, and the value by
torch and by jitted JAX with their own derivatives.

Glossary   system: a function of nothing that computes the value and the gradients of the same arrays.
"""

from __future__ import annotations

import ctypes
import inspect
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .core.affine import polynomial, value_of
from .core.errors import IversonError
from .core.node import Node, walk
from .emit.numpy_code import Compiled
from .emit.plan import gradient_plan
from .emit.split import Split, Unfit, split
from .lang.kinds import Input
from .lang.sizes import size_leaves
from .run.kernel import Kernel

OURS = ("native", "numpy in blocks")
DEFAULTS = {"classes": 10, "others": 32}
DEAR = ("exp", "log", "sigmoid", "softplus", "tanh", "log1p", "expm1", "logaddexp", "log_cosh", "sin", "cos", "erf")
TOLERANCE = {"float64": 1e-8, "float32": 1e-2}
LEAST_RUNS, MOST_RUNS = 3, 400
System = Callable[[], tuple[Any, Any]]


class Record(dict[str, Any]):
    """What was measured."""

    def text(self) -> str:
        return shown(self)


def bench(f: Kernel, torch: Callable[[], Any], jax: Callable[[], Any], n: int, dims: Mapping[str, int], seconds: float = 8.0) -> Record:
    """A record of the times of every system, of the arrays, the machine and the floor.

    f   the loss with its kernel;  torch, jax: make the functions of the same loss;  n: samples; dims: other sizes;  seconds: how long
    """
    whole = f.plain.whole
    sizes = sizes_of(f, n, dims)
    arrays = drawn(whole, sizes, f.dtype)
    systems, missing = contestants(f, whole, arrays, torch, jax)
    expected = flat(whole(**arrays)[1])
    unlike = {name: difference(flat(run()[1]), expected) for name, run in systems.items()}
    for name in [k for k, d in unlike.items() if not d < TOLERANCE[f.dtype]]:
        missing[name] = f"its gradient differs by {unlike[name]:.1e}"
        del systems[name]
    times = interleaved(systems, seconds)
    medians = {name: statistics.median(t) for name, t in times.items()}
    best = min((name for name in medians if name not in OURS), key=medians.__getitem__, default=None)
    ours = medians.get("native", medians.get("numpy in blocks", math.nan))
    return Record({
        "sizes": {m.attr: k for m, k in sizes.items()}, "dtype": f.dtype, "threads": f.threads, "blas": blas_kernel(), "info": vars(f.info),
        "systems": {name: {"ms": medians[name] * 1e3, "spread": spread(t), "runs": len(t), "over ours": medians[name] / ours,
                           "difference": unlike[name]} for name, t in times.items()},
        "missing": missing, "best peer": best, "best peer over ours": None if best is None else medians[best] / ours,
        "floor": floor(f, sizes, arrays, ours),
    })  # fmt: skip


# -- arrays --------------------------------------------------------------------------------------------------


def sizes_of(f: Kernel, n: int, dims: Mapping[str, int]) -> dict[Node, int]:
    """A number for every size: n for the samples, those given by name, 10 for classes and 32 for the others."""
    axis = f.kernel.axis if f.kernel is not None else f.plain.plan.axis if f.plain.plan is not None else None
    classes = {m for i in f.inputs if i.type.classes is not None for m in size_leaves(i.type.classes)}
    leaves = [m for i in f.inputs for d in (*i.type.dims, *([i.type.classes] if i.type.classes is not None else ())) for m in size_leaves(d)]
    axis = axis or next((m for m in leaves if m.op == "size"), None)
    unknown = set(dims) - {m.attr for m in leaves}
    if unknown:
        raise IversonError("usage", f"The loss has no size {min(unknown)}.", hint=", ".join(sorted({m.attr for m in leaves})))
    return {m: dims.get(m.attr, n if m is axis else DEFAULTS["classes" if m in classes else "others"]) for m in leaves if m.op == "size"}


def drawn(whole: Compiled, sizes: Mapping[Node, int], dtype: str, seed: int = 0) -> dict[str, Any]:
    """Arrays where the loss is finite: normal, positive, or in the unit interval."""
    for domain in (lambda g, s: g.normal(size=s), lambda g, s: 0.5 + g.random(s), lambda g, s: 0.1 + 0.8 * g.random(s)):
        rng = np.random.default_rng(seed)
        arrays = {i.name: values(i, sizes, dtype, rng, domain) for i in whole.inputs}
        try:
            value, gradient = whole(**arrays)
        except IversonError:
            continue
        if np.isfinite(value) and np.isfinite(flat(gradient)).all():
            return arrays
    raise IversonError("data", "No arrays were found where the loss and its gradient are finite.")


def values(i: Input, sizes: Mapping[Node, int], dtype: str, rng: np.random.Generator, domain: Callable[..., Any]) -> Any:
    shape = tuple(size_value(m, sizes) for m in i.type.dims)
    if i.role == "function" or i.facts:
        raise IversonError("unsupported", f"{i.name} is no plain array, and is not drawn.")
    if i.type.classes is not None:
        return rng.integers(0, size_value(i.type.classes, sizes), shape)
    if i.default is not None:
        return i.default
    scale = 0.1 if i.role == "param" else 1.0
    return (scale * domain(rng, shape)).astype(dtype) if shape else float(scale * domain(rng, ()))


def size_value(m: Node, sizes: Mapping[Node, int]) -> int:
    return m.attr if m.op == "num" else max(0, int(value_of(polynomial(m) or {}, {s.attr: k for s, k in sizes.items()})))


# -- systems -------------------------------------------------------------------------------------------------


def contestants(
    f: Kernel, whole: Compiled, arrays: Mapping[str, Any], torch: Callable[[], Any], jax: Callable[[], Any]
) -> tuple[dict[str, System], dict[str, str]]:
    """The systems that run here, and why the others do not."""
    keys = {i.name: key for i, key in zip(whole.inputs, whole.keys, strict=True)}
    raw = {keys[n]: v for n, v in arrays.items()}
    found: dict[str, System] = {}
    missing: dict[str, str] = {}
    if f.info.tier == "native":
        found["native"] = lambda: f(**arrays)
    else:
        missing["native"] = f.info.why or ""
    if f.plain.plan is not None:
        found["numpy in blocks"] = lambda: f.plain(**arrays)
    if not whole.asked:
        found["numpy whole"] = lambda: whole.run(**raw)
    for name, make, pair in (("torch", torch, torch_pair), ("jax", jax, jax_pair)):
        try:
            found[name] = pair(make(), arrays, f.wrt, f.threads)
            found[name]()
        except (ImportError, IversonError) as error:
            found.pop(name, None)
            missing[name] = str(error).splitlines()[0]
    return found, missing


def asked(value: Callable[..., Any], function: Any, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a framework's `value`, by its own names."""
    names = {key: i.name for i, key in zip(function.inputs, function.keys, strict=True)}
    return {key: arrays[names[key]] for key in inspect.signature(value).parameters if names[key] in arrays}


def torch_pair(function: Any, arrays: Mapping[str, Any], wrt: Sequence[str], threads: int) -> System:
    import torch

    torch.set_num_threads(threads)
    value = function.module["value"]
    tensors = {n: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for n, v in arrays.items()}
    params = [torch.as_tensor(tensors[n], dtype=None if isinstance(tensors[n], torch.Tensor) else torch.float64) for n in wrt]
    for p in params:
        p.requires_grad_(True)
    given = asked(value, function, {**tensors, **dict(zip(wrt, params, strict=True))})

    def call() -> tuple[Any, Any]:
        v = value(**given)
        return v.item(), [g.numpy() for g in torch.autograd.grad(v, params)]

    return call


def jax_pair(function: Any, arrays: Mapping[str, Any], wrt: Sequence[str], threads: int) -> System:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    value = function.module["value"]
    given = asked(value, function, {n: jnp.asarray(v) if isinstance(v, np.ndarray) or n in wrt else v for n, v in arrays.items()})
    keys = [key for w in wrt for i, key in zip(function.inputs, function.keys, strict=True) if i.name == w]
    rest = {k: v for k, v in given.items() if k not in keys}
    both = jax.jit(jax.value_and_grad(lambda params, rest: value(**params, **rest)))

    def call() -> tuple[Any, Any]:
        v, g = both({k: given[k] for k in keys}, rest)
        return float(v), [np.asarray(g[k]) for k in keys]

    return call


def interleaved(systems: Mapping[str, System], seconds: float) -> dict[str, list[float]]:
    """Seconds of every run of every system, in turn."""
    times: dict[str, list[float]] = {name: [] for name in systems}
    end = time.perf_counter() + seconds
    for run in range(MOST_RUNS):
        for name, call in systems.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
        if run + 1 >= LEAST_RUNS and time.perf_counter() > end:
            break
    return times


def spread(times: Sequence[float]) -> float:
    """How far the middle half of the times lies apart, as a part of the median."""
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / middle


def flat(gradient: Any) -> np.ndarray:
    parts = list(gradient.values()) if isinstance(gradient, dict) else gradient if isinstance(gradient, list) else [gradient]
    return np.concatenate([np.ravel(np.asarray(p, float)) for p in parts])


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), 1e-300))


# -- the floor -----------------------------------------------------------------------------------------------


def floor(f: Kernel, sizes: Mapping[Node, int], arrays: Mapping[str, Any], ours: float) -> dict[str, Any] | None:
    """The time that reading the samples once, the products or the functions take at the speeds measured here, whichever is
    the largest; speeds are those of one thread times the threads, memory's excepted."""
    try:
        s = split(gradient_plan(f.program, f.answers, True), f.program)
    except Unfit:
        return None
    data = sum(v.nbytes for n, v in arrays.items() if isinstance(v, np.ndarray) and s.axis in f.program.inputs[n].type.dims)
    flops, dear = work(s, sizes)
    rates = speeds(f.dtype)
    parts = {"read": s.passes * data / rates["bytes"], "products": flops / (rates["flops"] * f.threads),
             "functions": dear / (rates["exps"] * f.threads)}  # fmt: skip
    ms = max(parts.values()) * 1e3
    return {"ms": ms, "ours over it": ours * 1e3 / ms if ms else None, "parts ms": {k: v * 1e3 for k, v in parts.items()},
            "GB/s": rates["bytes"] / 1e9, "gemm GFLOP/s": rates["flops"] / 1e9, "exp 1e9/s": rates["exps"] / 1e9}  # fmt: skip


def work(s: Split, sizes: Mapping[Node, int]) -> tuple[float, float]:
    """Multiplications and additions of the products over samples, and functions computed."""
    flops = dear = 0.0
    for x in s.steps.values():
        if x.sample is None:
            continue
        entries = math.prod(size_value(i.attr[1], sizes) for i in {*x.indices, *x.bound})
        if x.bound and x.kind == "sum":
            flops += 2 * entries
        for body in [x.body, *(t.body for t in x.terms)]:
            own = math.prod(size_value(i.attr[1], sizes) for i in body.free)
            dear += own * sum(g.op == "apply" and g.attr in DEAR for g in walk(body))
    return flops, dear


def speeds(dtype: str) -> dict[str, float]:
    """Bytes read, flops of a large product and exponentials, each a second, as NumPy reaches them here."""
    rng = np.random.default_rng(0)
    long, square, short = (rng.random(k).astype(dtype) for k in ((1 << 28) // np.dtype(dtype).itemsize, 768 * 768, 1 << 14))
    m = square.reshape(768, 768)
    out = np.empty_like(short)
    return {"bytes": long.nbytes / fastest(lambda: long @ long, 5), "flops": 2 * 768**3 / fastest(lambda: m @ m, 9),
            "exps": short.size / fastest(lambda: np.exp(short, out=out), 99)}  # fmt: skip


def fastest(f: Callable[[], Any], times: int) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return min(found)


def blas_kernel() -> str:
    """The kernel that NumPy's OpenBLAS chose."""
    try:
        paths = {x.split()[-1] for x in Path("/proc/self/maps").read_text().splitlines() if "openblas" in x}
        library = ctypes.CDLL(sorted(paths, key=lambda p: "numpy" not in p)[0])
    except (OSError, IndexError):
        return "unknown"
    for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename64_", "openblas_get_corename"):
        corename = getattr(library, name, None)
        if corename is not None:
            corename.restype = ctypes.c_char_p
            return corename().decode()
    return "unknown"


# -- showing -------------------------------------------------------------------------------------------------


def shown(record: Mapping[str, Any]) -> str:
    """A table for people."""
    sizes = ", ".join(f"{n} = {k}" for n, k in record["sizes"].items())
    lines = [f"{sizes}; {record['dtype']}, threads {record['threads']}, OpenBLAS kernel {record['blas']}",
             f"{'system':18} {'median ms':>12} {'spread':>8} {'over ours':>10} {'gradient differs by':>20}"]
    for name, row in record["systems"].items():
        lines.append(f"{name:18} {row['ms']:12.4g} {row['spread']:8.0%} {row['over ours']:10.2f} {row['difference']:20.1e}")
    lines += [f"{name:18} not run: {why}" for name, why in record["missing"].items()]
    if record["best peer"] is not None:
        lines.append(f"best peer: {record['best peer']}, {record['best peer over ours']:.2f} times our time")
    if record["floor"] is not None:
        parts = ", ".join(f"{k} {v:.3g}" for k, v in record["floor"]["parts ms"].items())
        lines.append(f"floor: {record['floor']['ms']:.3g} ms ({parts}), ours {record['floor']['ours over it'] or math.nan:.2f} times that")
    return "\n".join(lines)


# -- the environment -----------------------------------------------------------------------------------------

MARK = "IVERSON_BENCH_THREADS"


def environment(threads: int) -> dict[str, str] | None:
    """The environment in which every system has as many threads; None where this process has it.  It has to be there
    before NumPy is, and OpenBLAS is to choose its own kernel."""
    if os.environ.get(MARK) == str(threads) and "OPENBLAS_CORETYPE" not in os.environ:
        return None
    wanted = {n: v for n, v in os.environ.items() if n != "OPENBLAS_CORETYPE"}
    wanted |= {n: str(threads) for n in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", MARK)}
    if threads == 1:
        wanted["XLA_FLAGS"] = f"{wanted.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1".strip()
    return wanted


def confined(threads: int) -> None:
    """Keep this process to as many processors as threads: JAX takes no other word for it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[-threads:]))
