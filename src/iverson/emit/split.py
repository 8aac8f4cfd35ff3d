"""A plan as passes over its samples: what is computed for a sample, what is added up over all, what neither needs.

Glossary   sample axis: a size n over which everything is a sum (or a maximum) of terms that concern one sample each; samples
of several kinds, in arrays of their own, have an axis each;
row: a step with an index over n, computed for a tile of samples at a time; total: a reduction over n;
global: a step without samples, computed between passes; pass: one reading of the samples.
A total that a row reads ends a pass.  What mixes samples (pairs, windows, whole-matrix functions) is `Unfit`, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..core.affine import minus, nonnegative, polynomial
from ..core.node import (
    HALF,
    ONE,
    TWO,
    Node,
    add,
    apply,
    bracket,
    el,
    fresh,
    is_num,
    mul,
    neg,
    num,
    open_,
    pow_,
    reads,
    rebuild,
    reduce_,
    rel,
    substitute,
    sum_,
    walk,
)
from ..core.program import Definition, Program, sizes_of
from ..derivation.naming import abstract
from .arrays import factors, scattered
from .plan import Plan

MOST_PASSES = 3
CHEAP = ("max", "min", "abs", "sign")


class Unfit(Exception):
    """A plan that is no sequence of passes over samples; the message is the reason."""


@dataclass(frozen=True)
class Term:
    """One term of a total: `left` by `right` where it is a product of rows; added at `at` where it is a scatter.

    body    the whole term, the product of all that depends on the sample
    at      (index of the total, the label element that picks its value), or None
    left, right  elements whose product the term is: left[n, a]*right[n, b]; right may lack b, and both are None elsewhere
    """

    body: Node
    at: tuple[Node, Node] | None = None
    left: Node | None = None
    right: Node | None = None


@dataclass(frozen=True)
class Step:
    """One array: `name[indices]` is `body`, reduced over `bound` where `kind` is not "map".

    sample   the index over the samples: free in a row, bound in a total, None in a global
    terms    of a total that is a sum;  squares: a root is taken of it, so it may neither overflow nor vanish
    """

    name: str
    kind: str
    indices: tuple[Node, ...]
    body: Node
    bound: tuple[Node, ...] = ()
    condition: Node = ONE
    sample: Node | None = None
    total: bool = False
    terms: tuple[Term, ...] = ()
    level: int = 0
    squares: bool = False

    @property
    def row(self) -> bool:
        return self.sample is not None and not self.total

    @property
    def own(self) -> tuple[Node, ...]:
        """Its indices without the one over the samples."""
        return tuple(i for i in self.indices if i is not self.sample)


@dataclass(frozen=True)
class Split:
    """Steps in order of computation over the sample axes; `level` of a step: the passes that come before it.

    axis     the first of the axes; None where all is computed at once, without tiles
    """

    axis: Node | None
    steps: Mapping[str, Step]
    outputs: tuple[str, ...]
    passes: int

    @property
    def sweeps(self) -> list[tuple[int, Node]]:
        """(p, axis) of every pass over the samples of an axis, in order."""
        found = [(s.level + s.row, s.sample.attr[1]) for s in self.steps.values()
                 if s.sample is not None and (s.total or s.name in self.outputs)]
        return sorted(dict.fromkeys(found), key=lambda x: x[0])

    def of_pass(self, p: int, axis: Node | None = None) -> list[Step]:
        """Rows, totals and outputs of pass p = 1, 2, ... over an axis, the first one by default, that something needs there."""
        axis = axis or self.axis
        own = {s.name: s for s in self.steps.values() if s.sample is not None and s.sample.attr[1] is axis}
        wanted = {n for n, s in own.items() if s.total and s.level == p}
        wanted |= {n for n in self.outputs if n in own and own[n].row and own[n].level == p - 1}
        for s in reversed(list(own.values())):
            if s.name in wanted:
                wanted |= {n for n in read_by(s) if n in own and own[n].row}
        return [s for s in own.values() if s.name in wanted]

    def globals_at(self, level: int) -> list[Step]:
        return [s for s in self.steps.values() if s.sample is None and s.level == level]


def read_by(s: Step) -> frozenset[str]:
    """The arrays a step reads."""
    parts = [s.body, s.condition]
    for t in s.terms:
        parts += [x for x in (t.body, t.left, t.right, t.at and t.at[1]) if x is not None]
    return frozenset().union(*(reads(x) for x in parts))


def split(p: Plan, program: Program, alone: bool = False) -> Split:
    """The plan over the sample axes that fit it best; Unfit where there are none.

    alone   samples of one kind only
    """
    reasons: list[str] = []
    found: list[Split] = []

    def attempt(ns: Sequence[Node]) -> bool:
        """Whether nothing better needs to be looked for."""
        try:
            found.append(Splitter(p, program, ns).split())
        except Unfit as error:
            reasons.append(str(error))
            return False
        return cost(found[-1]) == 0

    sizes = axes(p, program)
    if not any(attempt([n]) for n in sizes) and not alone and (not found or min(map(cost, found)) > MOST_PASSES):
        any(attempt(ns) for ns in together(sizes, program))
    if not found and not alone:
        attempt([])
    if not found:
        raise Unfit(reasons[0] if reasons else "no array has an axis")
    return min(found, key=cost)


def cost(s: Split) -> int:
    """What the choice of axes costs: passes after the first, steps that go through matrices without the samples, and rows
    that lie across the samples."""
    samples = {x.sample.attr[1] for x in s.steps.values() if x.sample is not None}
    without = sum(1 for x in s.steps.values() if x.sample is None and x.bound and x.indices)
    read = {g for x in s.steps.values() for f in (x.body, *(t.body for t in x.terms)) for g in walk(f) if g.op == "el" and g.attr not in s.steps}
    across = sum(1 for g in read if any(t.op == "idx" and t.attr[1] in samples for t in g.args[1:]))
    return s.passes - 1 + (MOST_PASSES + 1) * (2 * without + across) if s.passes else MOST_PASSES + 2 * without


def axes(p: Plan, program: Program) -> list[Node]:
    """Sizes that may count samples: those of labels and data first."""
    used = frozenset().union(*(reads(d.body) for d in p.definitions))
    roles = ("label", "data")
    inputs = sorted((i for i in program.inputs.values() if i.name in used),
                    key=lambda i: roles.index(i.role) if i.role in roles else len(roles))
    first = [i.type.dims[0] for i in inputs if i.type.dims]
    return [n for n in dict.fromkeys((*first, *(n for i in inputs for n in i.type.dims))) if n.op == "size"]


def together(sizes: Sequence[Node], program: Program) -> Iterator[list[Node]]:
    """Sets of sizes of which no array has two: samples of several kinds."""
    for k, n in enumerate(sizes):
        chosen = [n]
        for m in sizes[k + 1 :]:
            if not any(m in i.type.dims and any(c in i.type.dims for c in chosen) for i in program.inputs.values()):
                chosen.append(m)
        if len(chosen) > 1:
            yield chosen


class Splitter:
    """Steps from definitions, for given sample axes."""

    def __init__(self, p: Plan, program: Program, ns: Sequence[Node]) -> None:
        self.plan, self.program, self.axes = p, program, ns
        self.dims = program.dims() | sizes_of(p.definitions)
        self.labels = {i.name: i.type.classes for i in program.inputs.values() if i.type.classes is not None}
        self.steps: dict[str, Step] = {}
        self.made: dict[Node, str] = {}

    def split(self) -> Split:
        for d in self.plan.definitions:
            self.definition(d)
        levels = [s.level + s.row for s in self.steps.values() if s.total or s.name in self.plan.outputs]
        passes = max(levels, default=0)
        if passes < 1 and self.axes:
            raise Unfit("nothing is added up over samples")
        if passes > MOST_PASSES:
            raise Unfit(f"it reads the samples {passes} times")
        return Split(self.axes[0] if self.axes else None, self.steps, self.plan.outputs, passes)

    def definition(self, d: Definition) -> None:
        if d.body.op == "tensor":
            raise Unfit(f"{d.body.attr[0]} is a function of a whole matrix")
        if d.labels is not None:
            raise Unfit(f"{d.name} has labels for values")
        self.define(d.name, d.indices, d.body)

    # -- steps ---------------------------------------------------------------------------------------------

    def sample_of(self, indices: Sequence[Node]) -> Node | None:
        """The one index over a sample axis."""
        own = [i for i in indices if i.attr[1] in self.axes]
        if len(own) > 1:
            raise Unfit("it compares samples with each other")
        return own[0] if own else None

    def define(self, name: str, indices: tuple[Node, ...], f: Node, squares: bool = False) -> None:
        """The step that computes `f` with these axes."""
        i = self.sample_of(indices)
        if f.op != "red":
            self.keep(Step(name, "map", indices, self.settled(f, frozenset(indices), True), sample=i, squares=squares))
            return
        bound, body, condition = self.over_samples(*open_(f)) if f.attr[0] == "sum" else open_(f)
        kind = f.attr[0]
        j = self.sample_of(bound)
        if kind not in ("sum", "max", "min", "prod"):
            raise Unfit(f"it holds {kind}")
        if j is not None:
            if i is not None and i in f.free:
                raise Unfit("it compares samples with each other")
            self.keep(self.total(name, indices, kind, j, [k for k in bound if k is not j], body, condition, squares))
            return
        scope = frozenset((*indices, *bound))
        if i is not None and kind == "sum":
            body = self.one_row(body, i, bound)
        settled, held = self.settled(body, scope), self.settled(condition, scope)
        self.keep(Step(name, kind, indices, settled, bound, held, sample=i, squares=squares))

    def one_row(self, f: Node, i: Node, bound: Sequence[Node]) -> Node:
        """A product in which all that a sum over a row takes from the sample is one array, so that it is a product with a
        matrix."""
        own = [x for x in factors(f) if i in x.free]
        rest = [x for x in factors(f) if i not in x.free]
        left = mul(*own)
        if len(bound) != 1 or left.free != {i, *bound} or not any(x.free - set(bound) for x in rest) or left.op == "el":
            return f
        return mul(self.named(left, (i, *bound)), *rest)

    def over_samples(self, bound: tuple[Node, ...], body: Node, condition: Node) -> tuple[tuple[Node, ...], Node, Node]:
        """A sum over some of the samples, `g(i + 1)` for i below n - 1, as one over all of them with a bracket."""
        for k in bound:
            size = polynomial(k.attr[1])
            for n in self.axes:
                rest = minus(polynomial(n) or {}, size or {})
                if size is None or k.attr[1] is n or not set(rest) <= {()} or rest.get((), 0) < 0:
                    continue
                start = first_of(body, k)
                if start is not None and is_num(condition, 1):
                    j = fresh(n)
                    inside = bracket(rel(">=", j, num(start))), bracket(rel("<", j, add(num(start), k.attr[1])))
                    return tuple(j if i is k else i for i in bound), mul(*inside, substitute(body, {k: add(j, num(-start))})), condition
        return bound, body, condition

    def keep(self, s: Step) -> None:
        for g in (s.body, s.condition):
            self.check(g)
        level = max((self.steps[n].level for n in read_by(s) if n in self.steps), default=0) + s.total
        self.steps[s.name] = Step(**{**s.__dict__, "level": level})

    def total(
        self, name: str, indices: tuple[Node, ...], kind: str, j: Node, rest: list[Node], body: Node, condition: Node,
        squares: bool
    ) -> Step:
        """A reduction over the samples: one term of each sample, or several."""
        if kind == "prod" or self.sample_of(indices) is not None:
            raise Unfit("it multiplies over samples" if kind == "prod" else "a sum over samples is spread over them")
        if kind != "sum":
            inner = reduce_(kind, rest, body, condition)
            if not is_num(condition, 1) and not rest:
                raise Unfit("a maximum over some of the samples")
            held = self.settled(inner, frozenset((*indices, j)))
            return Step(name, kind, indices, held, (j,), sample=j, total=True, squares=squares)
        parts = body.args if body.op == "add" else (body,)
        terms = tuple(self.term(indices, j, reduce_("sum", rest, t)) for t in parts)
        return Step(name, kind, indices, ONE, (j,), sample=j, total=True, terms=terms, squares=squares)

    def term(self, indices: tuple[Node, ...], j: Node, f: Node) -> Term:
        """A term with its structure: a scatter, a product of two rows, or any other."""
        scope = frozenset((*indices, j))
        hit = scattered((j,), f)
        if hit is not None:
            b, a, label = hit
            rest = mul(*(x for x in factors(f) if x is not b))
            self.check(label)
            return Term(self.settled(rest, scope - {a}), (a, label))
        parts = self.halves(indices, j, f) if indices else None
        if parts is not None:
            left, right = parts
            return Term(mul(left, right), None, left, right)
        settled = self.settled(f, scope)
        self.check(settled)
        return Term(settled)

    def halves(self, indices: tuple[Node, ...], j: Node, f: Node) -> tuple[Node, Node] | None:
        """(left, right) with f = left*right, each with the sample and one index at most; the left one read as it lies in
        memory where it is an input."""
        groups: dict[Node | None, list[Node]] = {}
        for x in factors(f):
            own = [k for k in indices if k in x.free]
            if len(own) > 1 or (own and j not in x.free and x.free != {own[0]}):
                return None
            groups.setdefault(own[0] if own else None, []).append(x)
        sides = [k for k in groups if k is not None]
        if set(sides) != set(indices) or len(sides) > 2 or any(not any(j in x.free for x in groups[k]) for k in sides):
            return None
        sides.sort(key=lambda k: not self.plain(groups[k], j))
        left = sides[0]
        more = groups.get(None, [])
        right = mul(*more, *(groups[sides[1]] if len(sides) == 2 else ()))
        plain = self.plain(groups[left], j)
        return groups[left][0] if plain else self.named(mul(*groups[left]), (j, left)), self.named(
            right, (j, *sides[1:]))

    def plain(self, group: Sequence[Node], j: Node) -> bool:
        """An input whose rows are the samples."""
        x = group[0]
        return (len(group) == 1 and x.op == "el" and x.attr in self.program.inputs and len(x.args) == 2 and x.args[0] is j
                and x.args[1].op == "idx" and self.dims[x.attr][1] is x.args[1].attr[1])

    # -- expressions ---------------------------------------------------------------------------------------

    def settled(self, f: Node, scope: frozenset[Node], whole: bool = False) -> Node:
        """`f` with reductions, repeated parts and what a loop would compute again made steps of their own.

        whole   it is all of a step, so only its parts become others
        """
        if f.op == "pow" and f.args[1].op == "num" and is_squares(f.args[0]):
            return self.root(f, scope)
        if f.op == "pow" and f.args[1] is TWO and f.args[0].op == "pow" and f.args[0].args[1] is HALF and is_squares(f.args[0].args[0]):
            return self.settled(f.args[0].args[0], scope)
        if f.op == "red" or (not whole and self.worth_a_step(f, scope)):
            return self.named(f)
        if f.op == "el":
            return self.one_sample(f)
        return rebuild(f, [self.settled(a, scope) for a in f.args]) if f.args else f

    def one_sample(self, f: Node) -> Node:
        """A row's value for one sample, s[0], as a total that every other sample adds 0 to."""
        step = self.steps.get(f.attr)
        if step is None or not step.row or step.sample is None:
            return f
        p = step.indices.index(step.sample)
        if f.args[p].op != "num":
            return f
        j = fresh(step.sample.attr[1])
        return self.named(sum_((j,), mul(bracket(rel("=", j, f.args[p])), el(f.attr, (*f.args[:p], j, *f.args[p + 1 :])))))

    def worth_a_step(self, f: Node, scope: frozenset[Node]) -> bool:
        """Gathers, functions and quotients that an enclosing loop would compute again, or that stand elsewhere too."""
        gather = f.op == "el" and any(t.op == "el" for t in f.args)
        dear = (f.op == "apply" and f.attr not in CHEAP) or (f.op == "pow" and f.args[1] is not TWO)
        if not gather and not dear:
            return False
        return f.free < scope or (dear and bool(f.free) and self.plan.repeats.get(abstract(f)[0], 0) > 1)

    def root(self, f: Node, scope: frozenset[Node]) -> Node:
        """A power of a sum of squares: a half, and powers of it."""
        base, e = f.args
        s = self.named(base, squares=True)
        twice = e.attr * 2
        if twice == int(twice) and e.attr != int(e.attr):
            return pow_(apply("root", s), num(int(twice)))
        return pow_(s, e)

    def named(self, f: Node, order: tuple[Node, ...] | None = None, squares: bool = False) -> Node:
        """An element of the step that computes `f`."""
        if f.op == "el" and f.attr in self.steps and all(t.op == "idx" for t in f.args) and order in (None, f.args):
            return f
        key, terms = abstract(f)
        if order is not None and set(order) != set(terms):
            terms = order
            key = apply("#spread", key, *(i.attr[1] for i in order))
        found = self.made.get(key)
        if found is None:
            found = f"#{len(self.made)}"
            self.made[key] = found
            own = [fresh(i.attr[1]) for i in terms]
            self.define(found, tuple(own), substitute(f, dict(zip(terms, own, strict=True))), squares)
        elif squares and not self.steps[found].squares:
            self.steps[found] = Step(**{**self.steps[found].__dict__, "squares": True})
        return el(found, terms)

    # -- what may be read ----------------------------------------------------------------------------------

    def check(self, f: Node) -> None:
        """Unfit where an element could lie outside its array, or where a sample reads another one."""
        for g in walk(f):
            if g.op == "tensor" or g.op == "deriv":
                raise Unfit("it is not made of elements")
            if g.op == "el":
                step = self.steps.get(g.attr)
                dims = self.dims[g.attr] if step is None else tuple(i.attr[1] for i in step.indices)
                for t, n in zip(g.args, dims, strict=True):
                    self.check_index(g, t, n)

    def check_index(self, g: Node, t: Node, n: Node) -> None:
        step = self.steps.get(g.attr)
        if step is not None and step.sample is not None and step.row and n is step.sample.attr[1] and t.op != "idx":
            raise Unfit("a sample reads another one")
        if t.op == "num":
            if t.attr < 0:
                raise Unfit("an index below 0")
        elif t.op == "el":
            if self.labels.get(t.attr) is not n:
                raise Unfit(f"{t.attr} does not pick entries of an axis of its classes")
        elif t.op != "idx" or t.attr[1] is not n:
            p, size = polynomial(t), polynomial(n)
            if p is None or size is None or not nonnegative(p) or not nonnegative(minus(minus(size, {(): 1}), p)):
                raise Unfit("an index that only a bracket keeps in range")


def first_of(f: Node, k: Node) -> int | None:
    """c where every element of `f` with k in it is read at k + c; None where there is no such number."""
    shifts = {t for g in walk(f) if g.op == "el" for t in g.args if k in t.free}
    starts = [polynomial(add(t, neg(k))) for t in shifts]
    if not starts or any(p is None or not set(p) <= {()} or p != starts[0] for p in starts):
        return None
    start = (starts[0] or {}).get((), 0)
    return start if start >= 0 else None


def is_squares(f: Node) -> bool:
    """A sum of squares."""
    return f.op == "red" and f.attr[0] == "sum" and f.args[0].op == "pow" and f.args[0].args[1] is TWO
