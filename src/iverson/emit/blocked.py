"""A split plan as functions of blocks of samples: what is computed before, for a block in each pass, and after it.

The totals of the blocks are added up by who runs them; the functions are NumPy code, and those of the passes native kernels
too.  What a block cannot know, such as the number of all samples, is an input of its function.

Glossary   stage: one of these functions;  sampled: an input with an axis over the samples;  count: the number of samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.node import HALF, Node, add, bracket, el, mul, pow_, reads, reduce_, rel, transform, walk
from ..core.program import Definition, Program, inline
from ..lang.kinds import Input
from ..lang.sizes import SCALAR, array
from .arrays import factors
from .numpy_code import build, load
from .plan import Plan, worth_sharing
from .split import Split, Step, Unfit, read_by

COUNT = "#count"


@dataclass(frozen=True)
class Stage:
    """The function that computes `outputs` from the inputs of its program."""

    program: Program
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]

    def numpy(self) -> NumpyStage:
        return NumpyStage(self)


@dataclass(frozen=True)
class Blocks:
    """A loss in blocks of samples.

    axes      of a sampled input, which axis its samples are on
    before, after, passes   after[p] follows passes[p]; a stage with nothing to compute is None
    kinds     how the totals of blocks are put together: sum, max or min;  rows: outputs with an axis over samples, and which
    products  sampled inputs that are only multiplied by matrices from either side, so that they may be sparse
    squares   totals a root is taken of;  widths: the axes of every row, beside that of the samples
    """

    axis: Node
    axes: Mapping[str, int]
    before: Stage | None
    passes: tuple[Stage, ...]
    after: tuple[Stage | None, ...]
    kinds: Mapping[str, str]
    rows: Mapping[str, int]
    products: frozenset[str]
    squares: tuple[str, ...]
    outputs: tuple[str, ...]
    widths: tuple[tuple[Node, ...], ...]


def blocks(s: Split, program: Program) -> Blocks:
    """The stages of a split plan; Unfit where a block does not tell all that a step reads."""
    return Blocker(s, program).blocks()


class Blocker:
    """Stages from steps."""

    def __init__(self, s: Split, program: Program) -> None:
        if s.axis is None or any(x.sample is not None and x.sample.attr[1] is not s.axis for x in s.steps.values()):
            raise Unfit("there are not samples of one kind")
        self.split, self.program, self.n = s, program, s.axis
        used = frozenset().union(*(read_by(x) for x in s.steps.values()))
        self.inputs = {i.name: i for i in program.inputs.values() if i.name in used}
        self.axes = {i.name: i.type.dims.index(self.n) for i in self.inputs.values() if self.n in i.type.dims}
        for i in self.inputs.values():
            self.admit(i)
        for x in s.steps.values():
            self.check(x)

    def admit(self, i: Input) -> None:
        dims = i.type.dims
        if i.role == "function" or i.type.classes is self.n or dims.count(self.n) > 1:
            raise Unfit(f"{i.name} is more than values of samples")
        if any(n is not self.n and holds(n, self.n) for n in dims) or (i.facts and i.name in self.axes):
            raise Unfit(f"{i.name} has an axis or a structure that mixes samples")

    def check(self, x: Step) -> None:
        """Samples are read one by one, and only the number of them is known to a block."""
        parts = [x.body, x.condition, *(t.body for t in x.terms), *(t.at[1] for t in x.terms if t.at)]
        if any(self.mixes(f, x.sample) for f in parts) or any(i.attr[1] is not self.n and holds(i.attr[1], self.n) for i in (*x.indices, *x.bound)):
            raise Unfit("a sample is known by its place")

    def mixes(self, f: Node, sample: Node | None) -> bool:
        if f.op == "el" and f.args:
            step = self.split.steps.get(f.attr)
            dims = tuple(i.attr[1] for i in step.indices) if step is not None else self.inputs[f.attr].type.dims
            return any(t is not sample if n is self.n else self.mixes(t, sample) or holds(t, self.n) for t, n in zip(f.args, dims, strict=True))
        return f is sample or any(self.mixes(a, sample) for a in f.args)

    # -- stages --------------------------------------------------------------------------------------------

    def blocks(self) -> Blocks:
        s = self.split
        steps = list(s.steps.values())
        totals = [x for x in steps if x.total]
        passes, after = [], []
        for p in range(1, s.passes + 1):
            of = s.of_pass(p, self.n)
            wanted = [x.name for x in of if x.total] + [n for n in s.outputs if s.steps[n].row and s.steps[n].level == p - 1]
            passes.append(self.stage(of, wanted))
            after.append(self.globals(p))
        rows = {n: [i.attr[1] for i in s.steps[n].indices].index(self.n) for n in s.outputs if s.steps[n].row}
        widths = tuple(tuple(i.attr[1] for i in x.own) for x in steps if x.row)
        before = self.globals(0)
        return Blocks(self.n, self.axes, before, tuple(passes), tuple(after), {x.name: x.kind for x in totals}, rows,
                      frozenset(n for n in self.axes if products(s, n)), tuple(x.name for x in totals if x.squares), s.outputs, widths)

    def globals(self, level: int) -> Stage | None:
        of = self.split.globals_at(level)
        return self.stage(of, [x.name for x in of]) if of else None

    def stage(self, steps: Sequence[Step], wanted: Sequence[str]) -> Stage:
        own = {x.name for x in steps}
        inner = {d.name: d for x in steps if x.row and x.squares and x.name not in wanted for d in [self.definition(x)]}
        made = tuple(replace(d, body=inline(d.body, inner)) for d in map(self.definition, steps) if d.name not in inner)
        needed = frozenset().union(*(read_by(x) for x in steps)) | frozenset().union(*(reads(d.body) for d in made))
        inputs = {n: self.inputs[n] for n in self.inputs if n in needed}
        inputs |= {n: self.input(x) for n, x in self.split.steps.items() if n in needed - own}
        inputs[COUNT] = Input(COUNT, "scalar", SCALAR)
        program = Program(inputs, made, wanted[-1])
        return Stage(program, tuple(wanted), tuple(self.counted(x) for x in steps))

    def input(self, x: Step) -> Input:
        """What another stage computed."""
        return Input(x.name, "param", array(tuple(i.attr[1] for i in x.indices)) if x.indices else SCALAR)

    def counted(self, x: Step) -> Step:
        """A step that takes the number of samples from outside."""
        terms = tuple(replace(t, body=self.count(t.body), left=t.left and self.count(t.left), right=t.right and self.count(t.right)) for t in x.terms)
        return replace(x, body=self.count(x.body), condition=self.count(x.condition), terms=terms, level=int(x.total))

    def count(self, f: Node) -> Node:
        return transform(f, lambda g: el(COUNT) if g is self.n else None)

    def definition(self, x: Step) -> Definition:
        """A step as a definition that arrays can be written for.  A sum of what does not depend on the sample is a
        multiple of the size of the block, so the number of all samples is taken out before."""
        y = self.counted(x)
        if x.total and x.kind == "sum":
            terms = [mul(t.body, bracket(rel("=", *t.at))) if t.at else t.body for t in y.terms]
            f = add(*(reduce_("sum", x.bound, t) for t in terms))
        else:
            f = y.body if x.kind == "map" else reduce_(x.kind, x.bound, y.body, y.condition)
        return Definition(x.name, x.indices, transform(f, lambda g: pow_(g.args[0], HALF) if g.op == "apply" and g.attr == "root" else None))


def holds(f: Node, n: Node) -> bool:
    return any(g is n for g in walk(f))


class NumpyStage:
    """A stage as NumPy code: f(env, sizes) is a dict of its outputs."""

    def __init__(self, stage: Stage) -> None:
        program, self.outputs = stage.program, stage.outputs
        repeats: Counter[Node] = Counter()
        for d in program.definitions:
            repeats.update(worth_sharing(d.body))
        source, maker = build(program, Plan(program.definitions, stage.outputs, repeats), "stage", ())
        self.run: Callable[..., Any] = load(source, "stage")
        self.source = source
        self.keys = [(i.name, maker.names[i.name]) for i in maker.inputs]
        self.reads = {i.name for i in maker.inputs}
        self.asked = list(maker.asked.items())

    def __call__(self, env: Mapping[str, Any], sizes: Mapping[Node, int]) -> dict[str, Any]:
        values = {key: env[n] for n, key in self.keys}
        values.update({var: sizes[n] for n, var in self.asked})
        found = self.run(**values)
        return dict(zip(self.outputs, found if len(self.outputs) > 1 else (found,), strict=True))


def products(s: Split, data: str) -> bool:
    """Whether an input is only multiplied by matrices from either side: X*W and X'*S."""
    for x in s.steps.values():
        for f in [x.body, *(t.body for t in x.terms)]:
            for g in walk(f):
                if g.op == "el" and g.attr == data and not multiplied(x, g):
                    return False
    return True


def multiplied(x: Step, g: Node) -> bool:
    """Whether `g`, of this step, stands in a product whose index is summed, or in one of two rows added up over samples."""
    j = x.sample
    if len(g.args) != 2 or g.args[0] is not j:
        return False
    if x.row and x.kind == "sum":
        parts = factors(x.body)
        return g in parts and x.bound == (g.args[1],) and all(j not in f.free for f in parts if f is not g)
    return x.total and all(t.left is g for t in x.terms if g in set(walk(t.body)))
