"""From a verified derivative to the function that gives it as a sum of structured matrices.

Glossary   parts: what derivation/parts.py read off the index form; arrays: the small definitions they are made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.affine import polynomial, value_of
from ..core.errors import IversonError
from ..core.node import Node
from ..core.program import Program
from ..derivation import parts as plans
from ..derivation.answer import Answer
from ..emit.numpy_code import Compiled, Maker, header, load
from ..emit.plan import plan
from ..lang.sizes import size_leaves
from .matrices import Structured, require_room
from .pieces import Array, Blocks, Diagonal, Gram, Kronecker, Piece

ANY = 2**62


class Assembly:
    """f(**arrays) is a Structured; `source` is the generated code of its arrays.  plain: nothing was recognised."""

    def __init__(self, program: Program, answer: Answer, outputs: int) -> None:
        self.program, self.indices, self.outputs = program, answer.closed.indices, outputs
        pool = {d.name: d for d in (*program.definitions, *answer.where, *answer.program[:-1])}
        self.parts = plans.parts(answer.closed, outputs, {*program.names(), *pool})
        self.plain = self.parts.plain
        self.names = [d.name for d in self.parts.arrays]
        self.large = [d for d in self.parts.arrays if len(d.indices) > 2 or len(self.indices) == len(d.indices)]
        p = plan(program, self.parts.arrays, list(pool.values()))
        self.run = compiled(program, p, self.names, self.dims)

    @property
    def dims(self) -> tuple[Node, ...]:
        return tuple(i.attr[1] for i in self.indices)

    @property
    def source(self) -> str:
        return self.run.source

    def __call__(self, **arrays: Any) -> Structured:
        return self.at(arrays)

    def at(self, arrays: Mapping[str, Any], limit: int | None = None) -> Structured:
        """The matrix; what of it is dense may take `limit` bytes."""
        for d in self.large:
            require_room(shape_of(self.program, [i.attr[1] for i in d.indices], arrays), limit)
        values, shape = self.run(**arrays)
        found = dict(zip(self.names, values, strict=True))
        rows, cols = shape[: self.outputs], shape[self.outputs :]
        return Structured([piece(p, found, rows) for p in self.parts.parts], rows, cols)


def compiled(program: Program, p: Any, names: Sequence[str], dims: Sequence[Node]) -> Compiled:
    """The generated function that returns the arrays and the shape."""
    maker = Maker(program, p)
    shape = "".join(f"{maker.size(n)}, " for n in dims)
    body = maker.body(False, ())
    body[-1] = f"    return ({''.join(f'{maker.names[n]}, ' for n in names)}), ({shape})"
    signature = ", ".join([*map(maker.parameter, maker.inputs), *maker.asked.values()])
    source = f'def arrays({signature}):\n    """The arrays of a structured derivative, and its shape."""\n' + "\n".join(body) + "\n"
    return Compiled(
        load(source, "arrays"), maker.inputs, [maker.names[i.name] for i in maker.inputs], header("", source) + source, maker.asked,
        by=tuple(program.inputs),
    )


def shape_of(program: Program, dims: Sequence[Node], arrays: Mapping[str, Any]) -> tuple[int, ...]:
    """Sizes as the given arrays tell them; 1 for those that none tells."""
    known: dict[str, int] = {}
    for i in program.inputs.values():
        if i.name in arrays and i.role != "function":
            known |= {n.attr: k for n, k in zip(i.type.dims, np.shape(arrays[i.name]), strict=False) if n.op == "size"}
    known |= {n.attr: arrays[n.attr] for d in dims for n in size_leaves(d) if n.attr in arrays and n.attr not in known}
    return tuple(value_of(polynomial(n) or {}, {leaf.attr: known.get(leaf.attr, 1) for leaf in size_leaves(n)}) for n in dims)


def piece(p: plans.Part, values: Mapping[str, Array], dims: tuple[int, ...]) -> Piece:
    """The matrix of a part; a Gram matrix that is smaller than its factors is summed."""
    if isinstance(p, plans.Diagonal):
        return Diagonal(np.asarray(values[p.array]), dims)
    if isinstance(p, plans.Kronecker):
        factors = tuple((q, None if n is None else values[n]) for q, n in p.factors)
        return Kronecker(factors, dims, 1.0 if p.scale is None else float(values[p.scale]))
    if isinstance(p, plans.Blocks):
        return Blocks(p.tied, np.asarray(values[p.array]), dims)
    return summed(gram_of(p, values, dims), dims)


def gram_of(p: plans.Gram, values: Mapping[str, Array], dims: tuple[int, ...]) -> Gram:
    def held(n: str) -> Array:
        return values[n] if p.sampled else values[n][None]

    weight = None if p.weight is None else np.asarray(values[p.weight])
    if weight is not None and weight.ndim == len(p.tied) > 0:
        weight = weight[None]
    arrays = {n: held(n) for _, x, y in p.groups for n in (x, y)}
    return Gram(weight, p.tied, tuple((axes, arrays[x], arrays[y]) for axes, x, y in p.groups), dims)


def summed(g: Gram, dims: tuple[int, ...]) -> Piece:
    if g.size > g.held:
        return g
    if g.tied:
        return Blocks(g.tied, g.blocks(), dims)
    h = np.zeros((*dims, *dims))
    g.add_to(h)
    return Blocks((), h, dims)


def require_equal(f: Assembly, dense: Any, draws: Sequence[Any]) -> None:
    """The structure gives the entries of the dense code."""
    for draw in draws:
        with np.errstate(all="ignore"):
            expected, found = np.asarray(dense(**draw.arrays)), f.at(draw.arrays, ANY).todense(ANY)
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-9, atol=1e-11, equal_nan=True):
            raise IversonError("verify", "The structured derivative disagrees with the dense one.")
