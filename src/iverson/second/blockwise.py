"""Generated NumPy code over blocks of samples: what a block needs is read from memory once.

Glossary   whole: the same code over all samples, which small arrays are given to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.program import Program
from ..emit.numpy_code import Maker, build, load
from ..emit.one_pass import Blocks, blocks
from ..emit.plan import Plan
from .pieces import BLOCK, Array

LEAST = 2**18  # numbers of the widest array, below which blocks do not pay


def blockwise(program: Program, p: Plan, whole: Any) -> Any:
    """`whole`, a Compiled, with large arrays cut along their samples, where the plan is one pass over them and sums of them come out."""
    b = blocks(p, program)
    if b is None or b.given or b.rows:
        return whole
    data = [program.inputs[n] for n, axis in b.axes if axis == 0 and program.inputs[n].role == "data"]
    wide = next((i.name for i in data if i.type.rank > 1), None)
    sums, adder = build(b.program, b.sums, "_sums", (), ())
    closed, closer = build(b.closing, b.closed, "_from_sums", (), ())
    if wide is not None and not adder.asked and not closer.asked:
        whole.run = Loop(b, wide, (load(sums, "_sums"), adder), (load(closed, "_from_sums"), closer), whole)
    return whole


class Loop:
    """The function of arrays by the names of `whole`."""

    def __init__(self, b: Blocks, wide: str, sums: tuple[Any, Maker], closed: tuple[Any, Maker], whole: Any) -> None:
        self.b, self.wide, self.sums, self.closed, self.plain = b, wide, sums, closed, whole.run
        self.names = dict(zip(whole.keys, (i.name for i in whole.inputs), strict=True))

    def __call__(self, **values: Any) -> Any:
        given = {self.names[k]: v for k, v in values.items() if k in self.names}
        x = given[self.wide]
        if x.size < LEAST or len(given) < len(values):
            return self.plain(**values)
        run, maker = self.closed
        totals = dict(zip(self.b.names, self.totals(given, len(x), max(64, BLOCK * len(x) // x.size)), strict=True))
        return run(**{maker.names[i.name]: totals[i.name] if i.name in totals else given[i.name] for i in maker.inputs})

    def totals(self, given: Mapping[str, Any], n: int, step: int) -> tuple[Array, ...]:
        """The sums, block after block."""
        run, maker = self.sums
        axes, count = dict(self.b.axes), self.b.count
        names = {i.name: maker.names[i.name] for i in maker.inputs}
        total: tuple[Array, ...] = ()
        for start in range(0, n, step):
            part = slice(start, start + step)
            found = run(**{code: float(n) if name == count else cut(given[name], axes.get(name), part) for name, code in names.items()})
            found = found if len(self.b.names) > 1 else (found,)
            total = tuple(np.add(a, c) for a, c in zip(total, found, strict=True)) if total else found
        return total


def cut(v: Array, axis: int | None, part: slice) -> Array:
    """The entries of a block, of an array without samples all."""
    return v if axis is None else v[(slice(None),) * axis + (part,)]
