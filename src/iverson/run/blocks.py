"""A loss over blocks of samples: the blocks stay in cache, and nothing of the number of samples is made.

Arrays are checked as a whole without being copied; a block is cast when its turn comes.  Small problems run as a whole.

Glossary   whole: the generated code for all samples at once;  given: checked arrays, or where samples come from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node
from ..emit.blocked import COUNT, Blocks, NumpyStage
from ..emit.numpy_code import Compiled, admit, cast, door_sizes, in_range
from ..emit.split import Unfit
from ..lang.kinds import Input
from ..meaning.structure import check_facts
from .streams import AHEAD, File, Rows, SparseRows, checked, is_path, is_sparse, whole

BLOCK = 1 << 18  # bytes of the widest rows of a block
FEWEST, MOST = 128, 4096  # rows of a block
LAYER = 48  # columns from which on a product wants many rows
SMALL = 1 << 22  # bytes of rows below which all samples are one block, unless
LONG, LARGE = 256, 1 << 24  # there are so many columns and so many bytes of data that reading them once is worth it
READ = 1 << 22  # bytes of a block that a worker reads from a file
FEW = 1 << 15  # entries of the largest array below which nothing of this is asked
SAFE = (1e-280, 1e280)  # of sums of squares a root is taken of
JOIN: dict[str, Callable[..., Any]] = {"sum": np.add, "max": np.maximum, "min": np.minimum}


class Blocked:
    """f(**arrays) -> (value, gradients), as the whole code computes them; `why` it does not run in blocks, where it does not."""

    def __init__(self, whole: Compiled, make: Callable[[], Blocks], wrt: tuple[str, ...], by_name: bool) -> None:
        self.whole, self.make, self.wrt, self.by_name = whole, make, wrt, by_name
        self.why: str | None = None
        self.passes: int | None = None  # of the last call, where it ran in blocks

    @property
    def inputs(self) -> list[Input]:
        return self.whole.inputs

    @property
    def source(self) -> str:
        return self.whole.source

    @property
    def run(self) -> Callable[..., Any]:
        return self.whole.run

    @cached_property
    def plan(self) -> Blocks | None:
        """None, and `why`, where there are no blocks."""
        try:
            return self.make()
        except Unfit as error:
            self.why = str(error)
            return None

    @cached_property
    def stages(self) -> tuple[list[NumpyStage], list[NumpyStage | None]]:
        """The passes, and what stands before, between and after them."""
        p = self.plan
        assert p is not None
        return [s.numpy() for s in p.passes], [None if s is None else s.numpy() for s in (p.before, *p.after)]

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        if args:
            arrays = {**dict(zip([i.name for i in self.inputs], args, strict=False)), **arrays}
        if any(is_path(v) or is_sparse(v) for v in arrays.values()):
            return self.streamed(arrays)
        found = self.in_blocks(arrays) if max(map(np.size, arrays.values()), default=0) >= FEW and self.plan is not None else None
        if found is None:
            self.passes = None
            return self.whole(**arrays)
        result = self.shaped(found)
        if self.whole.after is not None:
            self.whole.after(arrays, result)
        return result

    def in_blocks(self, arrays: Mapping[str, Any]) -> dict[str, Any] | None:
        """All outputs; None where the whole code does better, or has to."""
        given = self.admitted(arrays)
        return self.over(given) if given is not None and self.worth_it(given.sizes) else None

    def worth_it(self, sizes: Mapping[Node, int]) -> bool:
        """Whether blocks are no slower: the rows of all samples would leave the caches, or the data is long and large."""
        assert self.plan is not None
        n, widest, own = sizes[self.plan.axis], max(self.columns(sizes)), sum(self.widths(sizes))
        return n * own * 8 > SMALL or (widest >= LONG and n * widest * 8 > LARGE)

    def columns(self, sizes: Mapping[Node, int]) -> list[int]:
        """Entries of every sampled input for one sample."""
        assert self.plan is not None
        axes = self.plan.axes
        return [volume([n for k, n in enumerate(i.type.dims) if k != axes[i.name]], sizes) for i in self.inputs if i.name in axes] or [1]

    def widths(self, sizes: Mapping[Node, int]) -> list[int]:
        """Entries of every row for one sample."""
        assert self.plan is not None
        return [volume(dims, sizes) for dims in self.plan.widths] or [1]

    def shaped(self, found: Mapping[str, Any]) -> Any:
        assert self.plan is not None
        value, *gradients = (found[n] for n in self.plan.outputs)
        return value, dict(zip(self.wrt, gradients, strict=True)) if self.by_name else gradients[0]

    # -- the door ------------------------------------------------------------------------------------------

    def admitted(self, arrays: Mapping[str, Any]) -> Given | None:
        """Arrays that agree with each other; None where the whole code does better, or has to say what is wrong."""
        assert self.plan is not None
        env: dict[str, Any] = {}
        sizes: dict[Node, tuple[int, str]] = {}
        try:
            for i in self.inputs:
                v = arrays.get(i.name, i.default)
                if i.name not in self.plan.axes or v is None:
                    env[i.name] = admit(i, {i.name: whole(i.name, v) if is_path(v) else v}, sizes)
                    continue
                env[i.name] = source = self.source_of(i, v)
                if source.dtype.kind not in "fiub":
                    return None
                like = np.broadcast_to(np.zeros((), float if i.type.classes is None else np.int64), source.shape)
                admit(i, {i.name: like}, sizes)
            door_sizes(self.inputs, env, sizes)
            for i in self.inputs:
                if i.facts and i.name not in self.wrt:
                    check_facts(i.name, i.facts, env[i.name])
                if i.type.classes is not None and i.name not in self.plan.axes:
                    in_range(i, env[i.name], sizes)
        except BaseException:
            close(env, quietly=True)
            raise
        known = {n: k for n, (k, _) in sizes.items()}
        if not known.get(self.plan.axis):
            close(env, quietly=True)
            return None
        return Given(env, known, sizes)

    def source_of(self, i: Input, v: Any) -> Rows:
        """Where the samples of an input come from."""
        assert self.plan is not None
        axis = self.plan.axes[i.name]
        if not is_path(v) and not is_sparse(v):
            return Rows(v if hasattr(v, "shape") and hasattr(v, "dtype") else np.asarray(v), axis)
        if axis:
            raise IversonError("unsupported", f"The samples of {i.name} are on its second axis; files and sparse matrices are read by rows.")
        if is_path(v):
            return File(i.name, v)
        if i.name not in self.plan.products:
            raise IversonError("unsupported", f"{i.name} is sparse, and the loss does more with it than {i.name}*W and {i.name}'*S.",
                               hint=f"{i.name}.toarray()")
        return SparseRows(i.name, v)

    # -- blocks --------------------------------------------------------------------------------------------

    def rows_of(self, sizes: Mapping[Node, int]) -> int:
        """How many samples a block has."""
        widths = self.widths(sizes)
        rows = max(FEWEST, BLOCK // (8 * max(self.columns(sizes))))
        if max(widths) >= LAYER:
            rows = max(rows, min(2048, 32 * BLOCK // (8 * sum(widths))))
        return min(rows, MOST)

    def streamed(self, arrays: Mapping[str, Any], threads: int = 1, engine: Engine | None = None) -> Any:
        """The result where some samples come from files or sparse matrices."""
        if self.plan is None:
            names = [n for n, v in arrays.items() if is_path(v) or is_sparse(v)]
            raise IversonError("unsupported", f"{names[0]} cannot be read in blocks: {self.why}.", hint="Give it as an array.")
        given = self.admitted(arrays)
        if given is None:
            raise IversonError("data", "The arrays hold no samples, or no real numbers.")
        try:
            found = self.over(given, threads, engine)
        except BaseException:
            close(given.env, quietly=True)
            raise
        close(given.env)
        if found is None:
            raise IversonError("data", "A sum of squares leaves the range of float64; it cannot be computed in blocks.")
        for n, g in zip(self.wrt, list(found.values())[1:], strict=True):
            if np.isnan(g).any() and not np.isnan(found[self.plan.outputs[0]]):
                raise IversonError("data", f"The gradient by {n} is not a number at this point.")
        return self.shaped(found)

    def over(self, given: Given, threads: int = 1, engine: Engine | None = None) -> dict[str, Any] | None:
        """All that the stages compute; None where sums of squares leave their range."""
        assert self.plan is not None
        plan, env = self.plan, dict(given.env)
        self.passes = len(plan.passes)
        env[COUNT] = float(given.sizes[plan.axis])
        _, between = self.stages
        made: dict[str, Any] = {}
        if between[0] is not None:
            env |= between[0](env, given.sizes)
        for p, after in enumerate(between[1:]):
            totals = self.one_pass(p, env, given, threads, engine)
            made |= {k: v for k, v in totals.items() if k in plan.rows}
            if any(not np.all((np.asarray(totals[k]) > SAFE[0]) & (np.asarray(totals[k]) < SAFE[1])) for k in plan.squares if k in totals):
                return None
            env |= totals
            if after is not None:
                env |= after(env, given.sizes)
        return {k: made[k] if k in made else env[k] for k in plan.outputs}

    def one_pass(self, p: int, env: dict[str, Any], given: Given, threads: int, engine: Engine | None) -> dict[str, Any]:
        """The totals and rows of one pass over the samples."""
        assert self.plan is not None
        files = [v for v in given.env.values() if isinstance(v, File)]
        rows, n = self.rows_of(given.sizes), given.sizes[self.plan.axis]
        kernel = engine(p) if engine else None
        if files:
            rows = max(1, (READ if kernel else READ // 4) // max(f.row for f in files))
        if kernel and any(isinstance(v, SparseRows) for v in given.env.values()):
            rows = n
        work = Pass(self.plan, self.stages[0][p], kernel, env, given, self.inputs, rows)
        count = -(-n // rows)
        for f in files[: AHEAD * threads]:
            f.expect(0, min(n, AHEAD * threads * rows))
        workers = min(threads, count) if files else 1
        if workers == 1:
            return work.result([work.run(iter(range(count)))])
        with ThreadPoolExecutor(workers) as pool:
            turns = iter(range(count))  # a range gives every number once, whoever asks
            return work.result(list(pool.map(work.run, [turns] * workers)))


Engine = Callable[[int], "Callable[[Mapping[str, Any], Mapping[Node, int]], dict[str, Any] | None] | None"]


class Pass:
    """One pass: what every worker does with its blocks."""

    def __init__(
        self, plan: Blocks, stage: NumpyStage, kernel: Any, env: dict[str, Any], given: Given, inputs: Sequence[Input], rows: int
    ) -> None:
        self.plan, self.stage, self.kernel, self.env, self.given, self.rows = plan, stage, kernel, env, given, rows
        self.sampled = [i for i in inputs if i.name in plan.axes and i.name in stage.reads]
        self.count = given.sizes[plan.axis]
        self.made: dict[str, np.ndarray] = {}
        self.lock = Lock()

    def run(self, turns: Iterator[int]) -> dict[str, Any]:
        """The totals of the blocks that fall to one worker."""
        found: dict[str, Any] = {}
        buffers: dict[Any, Any] = {}
        with np.errstate(all="ignore"):
            for turn in turns:
                start = turn * self.rows
                stop = min(self.count, start + self.rows)
                for name, v in self.block(start, stop, buffers).items():
                    if name in self.plan.rows:
                        self.put(name, v, start, stop)
                    elif name not in found:
                        found[name] = np.array(v, float)
                    else:
                        JOIN[self.plan.kinds[name]](found[name], v, out=found[name])
        return found

    def block(self, start: int, stop: int, buffers: dict[Any, Any]) -> dict[str, Any]:
        """What one block gives, by the kernel where there is one and it can."""
        raw = {}
        for i in self.sampled:
            source = self.given.env[i.name]
            raw[i.name] = source.block(start, stop, buffers)
            if isinstance(source, File) and stop < self.count:
                source.expect(min(self.count, stop + AHEAD * self.rows), min(self.count, stop + (AHEAD + 1) * self.rows))
        sizes = self.given.sizes | {self.plan.axis: stop - start}
        found = self.kernel(self.env | raw, sizes) if self.kernel is not None else None
        return self.stage(self.env | {i.name: self.cast(i, raw[i.name]) for i in self.sampled}, sizes) if found is None else found

    def cast(self, i: Input, v: Any) -> Any:
        """Samples as NumPy code takes them: float64 or int64, labels in their range."""
        wanted = np.float64 if i.type.classes is None else np.int64
        if is_sparse(v):
            checked(i.name, v)
        if v.dtype != wanted:
            v = cast(i, v, wanted)
        if i.type.classes is not None:
            in_range(i, v, self.given.told)
        return v

    def put(self, name: str, v: Any, start: int, stop: int) -> None:
        """Rows of an output."""
        axis = self.plan.rows[name]
        with self.lock:
            if name not in self.made:
                shape = list(np.shape(v))
                shape[axis] = self.count
                self.made[name] = np.empty(shape)
        self.made[name][(slice(None),) * axis + (slice(start, stop),)] = v

    def result(self, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The totals of all workers, and the rows."""
        total: dict[str, Any] = {}
        for part in parts:
            for name, v in part.items():
                total[name] = JOIN[self.plan.kinds[name]](total[name], v) if name in total else v
        return {k: v if np.ndim(v) else v[()] for k, v in (total | self.made).items()}


def close(env: Mapping[str, Any], quietly: bool = False) -> None:
    """Close files, and refuse those that have changed."""
    for v in env.values():
        if isinstance(v, File):
            try:
                v.close()
            except IversonError:
                if not quietly:
                    raise


class Given:
    """Arrays of a call with the sizes they tell; `told` says by which array."""

    def __init__(self, env: dict[str, Any], sizes: dict[Node, int], told: dict[Node, tuple[int, str]]) -> None:
        self.env, self.sizes, self.told = env, sizes, told


def volume(dims: Sequence[Node], sizes: Mapping[Node, int]) -> int:
    """The number of entries of an array, at least 1."""
    return max(1, math.prod(n.attr if n.op == "num" else sizes.get(n, 1) for n in dims))
