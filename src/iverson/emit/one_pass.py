"""A plan as one pass over blocks of samples: sums over a block, added up, and what is made of them.

Glossary   n: the size that counts samples; row: a definition with an index over n; sums: the arrays that are added up.
Every block gives the same sums, so a block that stays in the cache is read from memory once however often it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..core.node import Node, el, open_, reads, rebuild, reduce_, sum_, transform, walk
from ..core.program import Definition, Program, sizes_of
from ..lang.kinds import Input
from ..lang.shapes import array
from .plan import Plan, planned


@dataclass(frozen=True)
class Blocks:
    """sums: the plan of a block, with its program;  closed: the plan of the outputs from the sums, with its program.

    rows    (name in `closed`, axis) of outputs with samples, which `sums` returns last: they are put together, not added up
    axes    (input, axis) of every input with samples;  count: the input of `sums` that is their number, if it asks for it
    given   definitions without samples that `sums` takes
    """

    n: Node
    program: Program
    sums: Plan
    closing: Program
    closed: Plan
    axes: tuple[tuple[str, int], ...]
    count: str | None
    given: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays that `closed` takes of `sums`, in order."""
        return (*self.sums.outputs[: len(self.sums.outputs) - len(self.rows)], *(n for n, _ in self.rows))


def blocks(p: Plan, program: Program) -> Blocks | None:
    """The plan as one pass over the first size that allows it; None where there is none."""
    return next((b for n in sizes(program) if (b := Cutter(p, program, n).cut()) is not None), None)


def sizes(program: Program) -> list[Node]:
    """Sizes that may count samples: the first axes of data and labels, then the others."""
    inputs = [i for i in program.inputs.values() if i.role in ("data", "label") and i.type.dims]
    found = dict.fromkeys((*(i.type.dims[0] for i in inputs), *(n for i in inputs for n in i.type.dims)))
    return [n for n in found if n.op == "size"]


class Unfit(Exception):
    """A plan that is no single pass."""


class Cutter:
    """Definitions of a plan, parted for one size."""

    def __init__(self, p: Plan, program: Program, n: Node) -> None:
        self.plan, self.program, self.n = p, program, n
        self.taken = program.names() | {d.name for d in p.definitions}
        self.dims = program.dims() | sizes_of(p.definitions)
        self.rows: dict[str, Definition] = {}
        self.sums: list[Definition] = []
        self.closed: list[Definition] = []
        self.free: set[str] = set()  # without samples, and not made of sums
        self.count: str | None = None

    def unused(self, stem: str) -> str:
        found = next(f"{stem}{k or ''}" for k in range(10_000) if f"{stem}{k or ''}" not in self.taken)
        self.taken.add(found)
        return found

    def cut(self) -> Blocks | None:
        try:
            for d in self.plan.definitions:
                self.part(d)
        except Unfit:
            return None
        if not self.sums:
            return None
        return self.made()

    def part(self, d: Definition) -> None:
        if d.body.op == "tensor":
            if any(self.n in self.dims.get(a, ()) for a in d.body.attr[1:]) or self.n in sizes_of([d])[d.name]:
                raise Unfit
            self.closed.append(d)
            self.free |= {d.name} if self.is_free(d.body) else set()
            return
        own = [i for i in d.indices if i.attr[1] is self.n]
        if len(own) > 1 or d.labels is not None:
            raise Unfit
        if own:
            self.check(d.body, frozenset(own))
            self.rows[d.name] = replace(d, body=self.counted(d.body))
            return
        body = self.summed(d.body, d.indices)
        if any(self.n in self.dims.get(a, ()) for a in reads(body)):
            raise Unfit
        self.closed.append(replace(d, body=body))
        if self.is_free(body):
            self.free.add(d.name)

    def is_free(self, f: Node) -> bool:
        made = {s.name for s in self.sums} | {d.name for d in self.closed}
        return not (reads(f) & made - self.free)

    def check(self, f: Node, samples: frozenset[Node]) -> None:
        """Every array with samples is read at the one sample, and nothing that is made of sums is read."""
        for g in walk(f):
            bound = g.attr[1] if g.op == "red" else ()
            if any(i.attr[1] is self.n for i in bound) or g.op == "tensor":
                raise Unfit
            if g.op == "idx" and g.attr[1] is self.n and g not in samples:
                raise Unfit
            if g.op == "el":
                self.check_read(g, samples)
            if g.op == "rel" and any(a in samples for a in g.args):
                raise Unfit

    def check_read(self, g: Node, samples: frozenset[Node]) -> None:
        dims = self.dims.get(g.attr, ())
        at = [t for t, m in zip(g.args, dims, strict=True) if m is self.n]
        if len(at) > 1 or any(t not in samples for t in at) or (not at and any(t in samples for t in g.args)):
            raise Unfit
        if g.attr not in self.program.inputs and g.attr not in self.rows and g.attr not in self.free:
            raise Unfit

    def summed(self, f: Node, indices: Sequence[Node]) -> Node:
        """`f` with its sums over samples as elements of what is added up."""

        def go(g: Node) -> Node:
            if g.op == "red":
                bound, body, _ = open_(g)
                own = [i for i in bound if i.attr[1] is self.n]
                if own:
                    if g.attr[0] != "sum" or len(own) > 1:
                        raise Unfit
                    self.check(body, frozenset(own))
                    return self.element(sum_(bound, self.counted(body)), indices)
            return g

        return descend(f, go)

    def element(self, f: Node, indices: Sequence[Node]) -> Node:
        """The element that stands for a sum."""
        free = tuple(i for i in indices if i in f.free) + tuple(sorted(i for i in f.free if i not in indices and i.op == "idx"))
        for s in self.sums:
            if len(s.indices) == len(free) and [i.attr[1] for i in s.indices] == [i.attr[1] for i in free] and s.at(free) is f:
                return el(s.name, free)
        name = self.unused("total")
        self.sums.append(Definition(name, free, f, array(tuple(i.attr[1] for i in free)).form, introduced=True))
        return el(name, free)

    def counted(self, f: Node) -> Node:
        """The number of samples as a scalar that is given: a block has fewer."""

        def step(g: Node) -> Node | None:
            if g is not self.n:
                return None
            self.count = self.count or self.unused("count")
            return el(self.count)

        return transform(f, step) if any(g is self.n for g in walk(f)) else f

    def made(self) -> Blocks:
        rows = [self.rows[o] for o in self.plan.outputs if o in self.rows]
        parts = {d.name: self.unused(f"{d.name}_rows") for d in rows}
        self.closed += [replace(d, body=el(parts[d.name], d.indices)) for d in rows]
        wanted = [*self.sums, *rows]
        pool = list(self.rows.values())
        read = frozenset().union(*(reads(d.body) for d in (*pool, *wanted)))
        given = tuple(d.name for d in self.closed if d.name in read)
        forms = {d.name: d.indices for d in (*self.closed, *wanted)}
        more = {name: Input(name, "data", array(tuple(i.attr[1] for i in forms[name]))) for name in given}
        if self.count is not None:
            more[self.count] = Input(self.count, "data", array(()))
        program = replace(self.program, inputs={**self.program.inputs, **more})
        sums = planned([*pool, *self.sums], [d.name for d in wanted])
        totals = {n: Input(n, "data", array(tuple(i.attr[1] for i in d.indices))) for d in wanted for n in [parts.get(d.name, d.name)]}
        closing = replace(self.program, inputs={**self.program.inputs, **totals})
        axes = tuple((i.name, i.type.dims.index(self.n)) for i in self.program.inputs.values() if self.n in i.type.dims and i.name in read)
        return Blocks(self.n, program, sums, closing, planned(self.closed, self.plan.outputs), axes, self.count, given,
                      tuple((parts[d.name], [i.attr[1] for i in d.indices].index(self.n)) for d in rows))  # fmt: skip


def descend(f: Node, go: Callable[[Node], Node]) -> Node:
    """`go` on every node from the root down, and below it only where it leaves the node as it is."""

    def step(g: Node) -> Node:
        new = go(g)
        if new is not g:
            return new
        if g.op == "red":
            bound, body, condition = open_(g)
            return reduce_(g.attr[0], bound, step(body), step(condition))
        return rebuild(g, [step(a) for a in g.args]) if g.args else g

    return step(f)
