"""Dense evaluation of a typed script, each tree as the user wrote it: the judge of every answer.

Glossary   f, g: closures from the environment to a value; env: arrays, definitions and sizes by name;
           v: a value; lead: how many axes it has for index names; rank: how many as a matrix;
           scope: the index names in force; depth: how many they are.
An index name in scope is an axis in front of the matrix axes.  A value has one for each of the last `lead`
names, of size 1 where it does not depend on the name, then `rank` matrix axes at full size.  Vectors are 1-D.
A false bracket is a strong zero, as Iverson means it: what it multiplies does not count, were it inf or nan.
Shares nothing with the lowering to nodes, so a misread lowering cannot verify itself; knows no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, reduce
from math import prod
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import ZERO, Node
from ..lang.kinds import Typed
from ..lang.ops import OPS
from ..lang.ranges import ARITHMETIC
from ..lang.shapes import Type, flexible
from ..lang.sizes import size_leaves
from ..lang.surface import Equation, Surface, name, names_in
from .admit import admitted, count, program_sizes
from .dense import (
    CALLS,
    CONNECTIVES,
    MAPS,
    NEUTRAL,
    PRODUCTS,
    RELATIONS,
    TOTALS,
    Env,
    Fn,
    Piece,
    Scope,
    distance,
    filled,
    ones,
    place_of,
    placed,
    top_gap,
    top_place,
    values_of,
    within,
)
from .watch import Sides, Watch

__all__ = ["Sides", "Watch", "admitted", "compile_surface", "evaluate", "program_sizes"]

Look = Callable[..., None]      # takes the gaps at a kink, the side, and how to find which of several is the largest


def evaluate(typed: Typed, arrays: Mapping[str, Any], wanted: Iterable[str] | None = None,
             watch: Watch | None = None, sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Values of the wanted definitions (all by default): float or float64 array, labels int or int64 array.

    arrays   values of the inputs by name, checked and cast by `admitted`; sizes: those that no array shows
    watch    is told of kinks and relations as they are met
    Overflow and domain errors give inf and nan; a singular matrix has an inverse of nan.
    """
    return compile_surface(typed, wanted, watch)(*admitted(typed, arrays, sizes))


def compile_surface(typed: Typed, wanted: Iterable[str] | None = None, watch: Watch | None = None,
                    ) -> Callable[[Mapping[str, Any], Mapping[str, int]], dict[str, Any]]:
    """The script as a function of admitted arrays and all sizes, to the wanted values alone."""
    names = [e.name for e in typed.script.equations] if wanted is None else list(wanted)
    dense = Dense(typed, watch)
    with shallow():
        steps = [(e.name, dense.definition(e)) for e in needed(typed, names)]

    def run(arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
        env = {**sizes, **arrays}
        with np.errstate(all="ignore"), shallow():
            try:
                for name, f in steps:
                    env[name] = f(env)
            except KeyError as error:
                raise IversonError("shape", f"The size {error.args[0]} does not follow from the text.") from None
        return {name: env[name] if np.ndim(env[name]) else env[name].item() for name in names}

    return run


@contextmanager
def shallow() -> Iterator[None]:
    """A formula too deep for the interpreter is an error of ours."""
    try:
        yield
    except RecursionError:
        raise IversonError("limit", "The formula is nested too deeply to be evaluated.") from None


def as_it_is(v: Any) -> Any:
    return v


def needed(typed: Typed, names: Iterable[str]) -> list[Equation]:
    """The equations on which the named definitions rest, in order."""
    asked, kept = set(names), []
    for e in reversed(typed.script.equations):
        if e.name in asked:
            asked |= names_in(e.body)
            kept.append(e)
    return kept[::-1]


class Dense:
    """Trees of one script to closures, a method for each operation of Surface."""

    def __init__(self, typed: Typed, watch: Watch | None) -> None:
        self.typed, self.watch = typed, watch
        self.moving = None if watch is None or watch.wrt is None else set(watch.wrt)

    def definition(self, e: Equation) -> Fn:
        """The value of a definition; the indices on its left become axes."""
        scope = tuple((name, n, ZERO) for name, n in self.typed.scopes[e.name].items())
        read = self.value if self.typed.definitions[e.name].classes is None else self.raw
        f, _ = read(e.body, scope)
        if self.moving is not None and self.moves(e.body):
            self.moving.add(e.name)
        full = self.counts(tuple(n for _, n, _ in scope))
        return (lambda env: filled(f(env), full(env), 0)) if scope else f

    def moves(self, tree: Surface) -> bool:
        return self.moving is None or not self.moving.isdisjoint(names_in(tree))

    def look(self, tree: Surface, scope: Scope, rank: int) -> Look | None:
        """Where to report the kinks of a tree; None when nobody watches."""
        if self.watch is None:
            return None
        return partial(self.watch.meet, tree, depth=len(scope), rank=rank, moves=self.moves(tree))

    def type_of(self, tree: Surface) -> Type:
        return self.typed.types[id(tree)]

    def raw(self, tree: Surface, scope: Scope) -> Piece:
        """The value of a tree, indices and labels as integers."""
        return getattr(self, f"_{tree.op}")(tree, scope)

    def value(self, tree: Surface, scope: Scope) -> Piece:
        """The value of a tree as a real number."""
        f, lead = self.raw(tree, scope)
        return (f, lead) if self.type_of(tree).classes is None else (lambda env: f(env) * 1.0, lead)

    def counts(self, sizes: tuple[Node, ...]) -> Callable[[Env], tuple[int, ...]]:
        """Sizes as integers, from the environment."""
        if any(flexible(leaf) for n in sizes for leaf in size_leaves(n)):
            raise IversonError("shape", "The size of an axis does not follow from the text.")
        if all(n.op in ("num", "size") for n in sizes):
            rows = [(n.op == "num", n.attr) for n in sizes]

            def full(env: Env) -> tuple[int, ...]:
                try:
                    return tuple(a if known else env[a] for known, a in rows)
                except KeyError as error:
                    raise IversonError("shape", f"The size {error} does not follow from the arrays.") from None

            return full
        return lambda env: tuple(max(count(n, env), 0) for n in sizes)

    def parts(self, tree: Surface, scope: Scope, read: Callable[[Surface, Scope], Piece] | None = None,
              among: Iterable[Surface] | None = None) -> tuple[list[Fn], int]:
        """The operands of an elementwise operation, the matrix axes of each put where the whole has them."""
        whole, pieces = self.type_of(tree), []
        for a in tree.args if among is None else among:
            f, lead = (read or self.value)(a, scope)
            pieces.append((placed(f, lead, self.type_of(a), whole), lead))
        return [f for f, _ in pieces], max((lead for _, lead in pieces), default=0)

    # -- leaves --------------------------------------------------------------------------------------------

    def _num(self, tree: Surface, scope: Scope) -> Piece:
        v = np.float64(tree.attr)
        return (lambda env: v), 0

    def _name(self, tree: Surface, scope: Scope) -> Piece:
        name, place = tree.attr, place_of(tree, scope)
        if place is not None:
            _, n, start = scope[place]
            full, key = self.counts((n, start)), ones(len(scope) - 1 - place)
            return (lambda env: values_of(*full(env))[key]), len(scope) - place
        if name in self.typed.inputs or name in self.typed.definitions:
            return (lambda env: env[name]), 0
        v = np.float64(np.pi)
        if name in self.typed.aliases:
            full_size = self.counts((self.typed.aliases[name],))
            return (lambda env: np.float64(full_size(env)[0])), 0
        return (lambda env: v) if name == "pi" else (lambda env: np.float64(env[name])), 0

    # -- arithmetic ----------------------------------------------------------------------------------------

    def _add(self, tree: Surface, scope: Scope) -> Piece:
        fs, lead = self.parts(tree, scope)
        return (lambda env: reduce(np.add, [f(env) for f in fs])), lead

    def _neg(self, tree: Surface, scope: Scope) -> Piece:
        f, lead = self.value(tree.args[0], scope)
        return (lambda env: -f(env)), lead

    def _emul(self, tree: Surface, scope: Scope) -> Piece:
        over, under, sign = self.factors(tree)
        if any(t.op == "bracket" for t in over):
            return self.bracketed(tree, over, under, sign, scope)
        steps: list[tuple[Callable[[Any, Any], Any], Surface]] = []
        first = tree
        while self.elementwise(first):
            steps.append((np.multiply if first.op in ("mul", "emul") else np.divide, first.args[1]))
            first = first.args[0]
        (f, *gs), lead = self.parts(tree, scope, None, [first, *(t for _, t in steps[::-1])])
        rest = list(zip([step for step, _ in steps[::-1]], gs, strict=True))
        return (lambda env: reduce(lambda v, row: row[0](v, row[1](env)), rest, f(env))), lead

    _ediv = _div = _emul

    def elementwise(self, tree: Surface) -> bool:
        """A product or quotient of entries: `*` is one where a factor is a scalar."""
        return tree.op in ("emul", "ediv", "div") or (
            tree.op == "mul" and not all(self.type_of(a).rank for a in tree.args))

    def factors(self, tree: Surface) -> tuple[list[Surface], list[Surface], int]:
        """An elementwise product as (factors, divisors, sign)."""
        if tree.op == "neg":
            over, under, sign = self.factors(tree.args[0])
            return over, under, -sign
        if not self.elementwise(tree):
            return [tree], [], 1
        over, under, sign = self.factors(tree.args[0])
        if tree.op in ("div", "ediv"):
            return over, [*under, tree.args[1]], sign
        more, below, turn = self.factors(tree.args[1])
        return over + more, under + below, sign * turn

    def bracketed(self, tree: Surface, over: list[Surface], under: list[Surface], sign: int,
                  scope: Scope) -> Piece:
        """A product with brackets: 0 where one of them is false, whatever the other factors are there."""
        held, hl = self.parts(tree, scope, self.truth, [t.args[0] for t in over if t.op == "bracket"])
        fs, fl = self.parts(tree, scope, None, [t for t in over if t.op != "bracket"])
        gs, gl = self.parts(tree, scope, None, under)

        def product(env: Env) -> Any:
            v = reduce(np.multiply, [f(env) for f in fs], np.float64(sign))
            return reduce(np.divide, [g(env) for g in gs], v)

        inside = self.inside(product, len(scope), self.type_of(tree).rank)

        def f(env: Env) -> Any:
            mask = reduce(np.logical_and, [h(env) for h in held])
            return np.where(mask, inside(env, mask), 0.0)

        return f, max(hl, fl, gl)

    def inside(self, f: Fn, depth: int, rank: int = 0) -> Callable[[Env, Any], Any]:
        """`f` where a mask holds: kinks elsewhere are not met.  Masks on matrix axes are not followed."""
        watch = self.watch
        if watch is None or rank:
            return lambda env, mask: f(env)

        def g(env: Env, mask: Any) -> Any:
            watch.masks.append((mask, depth))
            v = f(env)
            watch.masks.pop()
            return v

        return g

    def _epow(self, tree: Surface, scope: Scope) -> Piece:
        (f, g), lead = self.parts(tree, scope)
        return (lambda env: f(env) ** g(env)), lead

    def _pow(self, tree: Surface, scope: Scope) -> Piece:
        base, e = tree.args
        if self.type_of(base).rank == 0:
            return self._epow(tree, scope)
        (f, lead), (p, own) = self.value(base, scope), self.value(e, scope)
        if own:
            raise IversonError("unsupported", "A matrix power whose exponent depends on an index is not supported.", e.span)
        return self.of_matrix("matpow", self.of_matrix("inv", f, value=False) if e.op == "neg" else f, p), lead

    def of_matrix(self, name: str, f: Fn, *more: Fn, value: bool = True) -> Fn:
        """A function of a whole matrix, or the matrix itself, watched for singular ones."""
        watch, g = self.watch, MAPS[name] if value else as_it_is
        if watch is None or (name == "matpow" and value):
            return lambda env: g(f(env), *(h(env) for h in more))

        def watched(env: Env) -> Any:
            v = f(env)
            watch.matrix(name, v)
            return g(v, *(h(env) for h in more))

        return watched

    def _mul(self, tree: Surface, scope: Scope) -> Piece:
        if self.elementwise(tree):
            return self._emul(tree, scope)
        (f, m), (g, n) = (self.value(a, scope) for a in tree.args)
        s, t = (self.type_of(a) for a in tree.args)
        if s.form == "column":
            return (lambda env: f(env)[..., :, None] * g(env)[..., None, :]), max(m, n)
        product = np.matmul if m == n == 0 else PRODUCTS[s.rank, t.rank]
        return (lambda env: product(f(env), g(env))), max(m, n)

    def _transpose(self, tree: Surface, scope: Scope) -> Piece:
        f, lead = self.value(tree.args[0], scope)
        return ((lambda env: np.swapaxes(f(env), -1, -2)) if self.type_of(tree).rank == 2 else f), lead

    # -- indices -------------------------------------------------------------------------------------------

    def _index(self, tree: Surface, scope: Scope) -> Piece:
        base, *terms = tree.args
        f, lead = self.raw(base, scope)
        f = self.sliced(f, terms)
        fixed = [p for p, t in enumerate(terms) if t.op not in ("all", "slice")]
        kept = [p for p, t in enumerate(terms) if t.op in ("all", "slice")]
        named = [(p, at) for p in fixed if (at := place_of(terms[p], scope)) is not None]
        loose = [self.loose(terms[p], self.type_of(base).dims[p], scope) for p in fixed]
        if fixed and lead == 0 and len({at for _, at in named}) == len(fixed) and not any(loose):
            return self.view(f, named, kept, len(scope))
        pieces = [self.integer(terms[p], scope) for p in fixed]
        order = (*range(lead), *(lead + p for p in (*fixed, *kept)))

        def gather(env: Env) -> Any:
            v = f(env).transpose(order)
            own = (np.arange(v.shape[q])[ones(lead - 1 - q)] for q in range(lead))
            at = [g(env) for g, _ in pieces]
            if not any(loose):
                return v[(*own, *at)]
            return within(v, tuple(own), at, len(kept))

        return gather, max([lead, *(n for _, n in pieces)])

    def sliced(self, f: Fn, terms: list[Surface]) -> Fn:
        """`f` with the slices among its index terms cut out of its last axes."""
        if not any(t.op == "slice" for t in terms):
            return f
        ends = [self.typed.slices.get(id(t)) for t in terms]
        full = self.counts(tuple(n for e in ends if e is not None for n in e))

        def cut(env: Env) -> Any:
            rest = iter(full(env))
            return f(env)[(..., *(slice(a := next(rest), a + next(rest)) if e else slice(None) for e in ends))]

        return cut

    def loose(self, term: Surface, n: Node, scope: Scope) -> bool:
        """Whether a term may leave an axis of size n, where brackets and conditions keep what is read there from counting."""
        place = place_of(term, scope)
        return term.op in ARITHMETIC if place is None else scope[place][1:] != (n, ZERO)

    def view(self, f: Fn, fixed: list[tuple[int, int]], kept: list[int], depth: int) -> Piece:
        """X[i,d] with different index names: no copy, the axes of X in the order of the names."""
        order = (*(p for p, _ in sorted(fixed, key=lambda pair: pair[1])), *kept)
        used = {at for _, at in fixed}
        key = (*(slice(None) if at in used else None for at in range(min(used), depth)), ...)
        return (lambda env: f(env).transpose(order)[key]), depth - min(used)

    def integer(self, tree: Surface, scope: Scope) -> Piece:
        """An index term as integers."""
        if tree.op not in ARITHMETIC:
            f, lead = self.raw(tree, scope)
            return ((lambda env: int(f(env))) if tree.op == "num" or lead == 0 else f), lead
        pieces, sign = [self.integer(a, scope) for a in tree.args], -1 if tree.op == "neg" else 1
        step = np.add if tree.op == "add" else np.multiply
        return (lambda env: sign * reduce(step, [g(env) for g, _ in pieces])), max(n for _, n in pieces)

    def in_range(self, tree: Surface, scope: Scope) -> Piece | None:
        """Where the terms of a reduction are in range, as far as its indices alone do not settle that."""
        guards = self.typed.guards.get(id(tree), ())
        if not guards:
            return None
        own = {i: self._name(name(i), scope)[0] for i, _, _ in scope}

        def f(env: Env) -> Any:
            known = {**env, **{i: g(env) for i, g in own.items()}}
            return reduce(np.logical_and, [count(g, known) >= 0 for g in guards])

        return f, len(scope)

    def _reduce(self, tree: Surface, scope: Scope) -> Piece:
        (kind, names), sizes, rank = tree.attr, self.typed.ranges[id(tree)], self.type_of(tree.args[0]).rank
        if kind.startswith("arg") and (rank or len(names) > 1):
            raise IversonError("unsupported", f"{kind} takes one index and a scalar.", tree.span)
        starts = self.typed.starts.get(id(tree), (ZERO,) * len(names))
        inner = (*scope, *zip(names, sizes, starts, strict=True))
        body, lead = self.value(tree.args[0], inner)
        truth, held = self.condition(tree, inner)
        terms = self.terms(body, truth, len(inner), rank, self.counts(sizes), NEUTRAL[kind])
        total, look = TOTALS["sum" if kind == "mean" else kind], self.look(tree, scope, rank)
        axes = tuple(range(-rank - len(names), -rank))

        def f(env: Env) -> Any:
            v, number = terms(env)
            if v.size == 0 and kind in ("max", "min"):
                return np.full(v.shape[: v.ndim - rank - len(names)] + v.shape[v.ndim - rank :], NEUTRAL[kind])
            if look is not None and kind[-3:] in ("max", "min"):
                w = v if kind[-3:] == "max" else -v
                look(top_gap(w, len(names), rank), None, place=lambda: top_place(w, len(names), rank))
            return total(v, axes) / number() if kind == "mean" else total(v, axes)

        return f, max(lead - len(names), held - len(names), 0)

    def condition(self, tree: Surface, scope: Scope) -> tuple[Fn | None, int]:
        """Which terms of a reduction count: those of its own condition, and in range."""
        pieces = [self.truth(t, scope) for t in tree.args[1:]]
        inside = self.in_range(tree, scope)
        pieces += [inside] if inside is not None else []
        if not pieces:
            return None, 0
        return (lambda env: reduce(np.logical_and, [f(env) for f, _ in pieces])), max(n for _, n in pieces)

    def terms(self, body: Fn, truth: Fn | None, depth: int, rank: int, full: Callable[[Env], tuple[int, ...]],
              neutral: float) -> Callable[[Env], tuple[Any, Callable[[], Any]]]:
        """The terms of a reduction, neutral where its condition fails, and how many hold."""
        if truth is None:
            return lambda env: (filled(body(env), bound := full(env), rank), lambda: prod(bound))
        inside = self.inside(body, depth)

        def f(env: Env) -> tuple[Any, Callable[[], Any]]:
            mask, bound = truth(env), full(env)
            v = np.where(mask[ones(rank)], inside(env, mask), neutral)
            axes = tuple(range(-len(bound), 0))
            return filled(v, bound, rank), lambda: np.add.reduce(filled(mask, bound, 0), axes)[ones(rank)]

        return f

    # -- truth ---------------------------------------------------------------------------------------------

    def _bracket(self, tree: Surface, scope: Scope) -> Piece:
        f, lead = self.truth(tree.args[0], scope)
        return (lambda env: f(env) * 1.0), lead

    def truth(self, tree: Surface, scope: Scope) -> Piece:
        """A condition as booleans."""
        if tree.op == "rel":
            return self.relation(tree, scope)
        fs, lead = self.parts(tree, scope, self.truth)
        connect = CONNECTIVES[tree.op]
        return (lambda env: connect(*(f(env) for f in fs))), lead

    def relation(self, tree: Surface, scope: Scope) -> Piece:
        (f, g), lead = self.parts(tree, scope, self.raw)
        compare = RELATIONS[tree.attr]
        look = None if all(map(self.discrete, tree.args)) else self.look(tree, scope, self.type_of(tree).rank)
        if look is None:
            return (lambda env: compare(f(env), g(env))), lead

        def watched(env: Env) -> Any:
            a, b = f(env), g(env)
            look(distance(a, b), truth := compare(a, b))
            return truth

        return watched, lead

    def discrete(self, tree: Surface) -> bool:
        """A value made of indices, labels, sizes and numbers, which no real input moves."""
        if tree.op in ("num", "bracket") or self.type_of(tree).classes is not None:
            return True
        if tree.op == "name":
            return tree.attr not in (*self.typed.inputs, *self.typed.definitions, "pi")
        return tree.op in ("add", "neg", "mul", "emul", "reduce") and all(map(self.discrete, tree.args[:2]))

    def _call(self, tree: Surface, scope: Scope) -> Piece:
        if tree.attr in OPS:
            return CALLS[OPS[tree.attr].shape](self, tree, OPS[tree.attr].name, scope)
        name, primes = tree.attr.rstrip("'"), tree.attr.count("'")
        f, lead = self.value(tree.args[0], scope)
        return (lambda env: np.asarray(env[name][primes](f(env)), np.float64)), lead
