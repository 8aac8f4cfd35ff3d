"""Parts of an answer that are named once: softmax, sigmoid, repeated brackets, and the user's own definitions.

Glossary   q: a definition; stem: the letter a new name starts from.
Two occurrences that differ only in their indices are one array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ..core.affine import Poly, leaves, minus, nonnegative, polynomial, scaled, total
from ..core.node import (
    ZERO,
    Node,
    add,
    apply,
    div,
    el,
    elements,
    fresh,
    idx,
    mul,
    of_polynomial,
    open_,
    sub,
    substitute,
    sum_,
    transform,
    walk,
)
from ..core.program import Definition
from ..lang.shapes import array
from ..rewrite.match import part
from ..rewrite.rule import pattern
from ..rules.names import BRACKET_STEM, NAMED, Named


class Namer:
    """Names parts of several bodies; `made` are the definitions that came of it."""

    def __init__(
        self,
        known: Sequence[Definition],
        unused: Callable[[str], str],
        sizes: Sequence[Node] = (),
        dims: Mapping[str, tuple[Node, ...]] | None = None,
    ) -> None:
        self.known, self.unused, self.sizes, self.dims = known, unused, list(sizes), dict(dims or {})
        self.made: list[Definition] = []
        self.keys: dict[Node, str] = {}
        for d in known:
            self._remember(d)

    def _remember(self, d: Definition) -> None:
        key, terms = abstract(d.body)
        if len(terms) == len(d.indices) and d.body.op not in ("el", "num", "size", "tensor"):
            self.keys[key] = d.name

    def name_all(self, bodies: Sequence[Definition]) -> list[Definition]:
        """The bodies with their parts named."""
        rows = [(n, self._repeated(n, bodies)) for n in NAMED]
        rows = [(n, often) for n, often in rows if n.always or often]
        result = [replace(d, body=self._rewrite(d.body, rows)) for d in bodies]
        brackets = self._repeated_brackets(result)
        return [replace(d, body=self._brackets(d.body, brackets)) for d in result]

    def _repeated(self, row: Named, bodies: Sequence[Definition]) -> bool:
        root = pattern(row.text)
        return sum(g.op == root.op and g.attr == root.attr for d in bodies for g in everywhere_in(d.body)) > 1

    def _rewrite(self, f: Node, rows: Sequence[tuple[Named, bool]]) -> Node:
        def step(g: Node) -> Node | None:
            new = g
            for row, often in rows:
                new = self._one(row, new, often)
            return new

        return transform(f, step)

    def _one(self, row: Named, g: Node, often: bool) -> Node:
        p = pattern(row.text)
        if p.op != g.op or (p.op == "apply" and (p.attr != g.attr or (self._bare(g.args[0]) and not often))):
            return g
        for env, rest in part(p, g, {}):
            if p.op == "apply":
                return self._element(g, row.stem)
            names, body = env["?x"]
            whole = self._softmax(names, body, env["?k"], row.stem)
            new = mul(whole, *rest)
            return self._one(row, new, often) if new.op == p.op else new
        return g

    def _bare(self, f: Node) -> bool:
        """An array the user speaks of, by name."""
        return f.op == "el" and not any(d.name == f.attr and d.introduced for d in self.known)

    def _softmax(self, names: tuple[Node, ...], body: Node, term: Node, stem: str) -> Node:
        """The element at `term` of the array exp(x[k])/sum[m] exp(x[m])."""
        k = fresh(names[0].attr[1])
        total = fresh(names[0].attr[1])
        top = apply("exp", substitute(body, {names[0]: k}))
        bottom = sum_((total,), apply("exp", substitute(body, {names[0]: total})))
        array_at_k = self._element(div(top, bottom), stem, last=k)
        return substitute(array_at_k, {k: term})

    def _element(self, f: Node, stem: str, last: Node | None = None) -> Node:
        """`f` as an element of a named array over its free indices; as it is where no array holds all of it."""
        if (moved := shifts(f, self.dims)) is None:
            return f
        if moved and any(g.op == "br" and all(a.term for a in g.args[0].args) for g in walk(f)):
            return f  # its own brackets keep it in range
        if moved:
            whole = {i: fresh(n) for i, (_, n) in moved.items()}
            start = {i: add(j, moved[i][0]) for i, j in whole.items()}
            inner = substitute(f, start)
            if shifts(inner, self.dims) != {}:
                return f
            named = self._element(inner, stem, None if last is None else whole.get(last, last))
            return substitute(named, {j: sub(i, moved[i][0]) for i, j in whole.items()})
        key, terms = abstract(f)
        name = self.keys.get(key)
        if name is None:
            terms = tuple(sorted(terms, key=lambda i: (i is last, self._rank(i))))
            name = self.unused(stem)
            indices = tuple(fresh(i.attr[1]) for i in terms)
            body = substitute(f, dict(zip(terms, indices, strict=True)))
            self.made.append(
                Definition(
                    name, indices, body, array(tuple(i.attr[1] for i in indices)).form, introduced=True
                )
            )
            self.keys[key] = name
            self.dims[name] = tuple(i.attr[1] for i in indices)
            return el(name, terms)
        d = next(d for d in (*self.known, *self.made) if d.name == name)
        order = abstract(d.body)[1]
        return el(name, (dict(zip(order, terms, strict=True))[i] for i in d.indices))

    def _rank(self, i: Node) -> int:
        """Axes stand in the order in which the inputs name their sizes: samples before features before classes."""
        return self.sizes.index(i.attr[1]) if i.attr[1] in self.sizes else len(self.sizes)

    def _repeated_brackets(self, bodies: Sequence[Definition]) -> set[Node]:
        counts: dict[Node, set[Node]] = {}
        for d in bodies:
            for g in everywhere_in(d.body):
                if on_values(g):
                    counts.setdefault(abstract(g)[0], set()).add(g)
        return {key for key, found in counts.items() if len(found) > 1}

    def _brackets(self, f: Node, keys: set[Node]) -> Node:
        if not keys:
            return f
        return transform(
            f, lambda g: self._element(g, BRACKET_STEM) if on_values(g) and abstract(g)[0] in keys else None
        )


Moves = dict[Node, tuple[Node, Node]]


def shifts(f: Node, dims: Mapping[str, tuple[Node, ...]]) -> Moves | None:
    """Where the free indices of f start and how many values they have, for those that do not run where all is in range.

    None where an index has no such range: f is then not an array of its own.
    """
    low: dict[Node, list[Poly]] = {i: [] for i in f.free}
    high: dict[Node, list[Poly]] = {i: [] for i in f.free}
    for g in elements(f):
        for t, n in zip(g.args, dims.get(g.attr, ()), strict=False):
            p, size = polynomial(t), polynomial(n)
            own = [i for i in leaves(p, "idx") if i in f.free] if p is not None else []
            if p is None or size is None or not own:
                continue
            top = minus(minus(size, {(): 1}), p)
            whole = t.op != "idx" or t.attr[1] is n
            if whole and nonnegative(p) and nonnegative(top) and not f.shifted:
                continue
            if leaves(p, "idx") != own or len(own) > 1 or p.get((own[0],)) != 1:
                return None
            low[own[0]].append(minus({(own[0],): 1}, p))
            high[own[0]].append(total([top, {(own[0],): 1}]))
    found: Moves = {}
    for i in f.free:
        a, b = extreme(low[i], -1), extreme(high[i], 1)
        if a is None or b is None:
            return None
        start, n = of_polynomial(a), of_polynomial(total([minus(b, a), {(): 1}])) if high[i] else i.attr[1]
        if start is not ZERO or n is not i.attr[1]:
            if (p := polynomial(n)) is None or nonnegative(scaled(p, -1)):
                return None  # no value of the index is in range for all
            found[i] = start, n
    return found


def extreme(bounds: list[Poly], direction: int) -> Poly | None:
    """The least (1) or largest (-1) of some bounds; 0 for none, None where nothing tells which it is."""
    for p in bounds:
        if all(nonnegative(scaled(minus(q, p), direction)) for q in bounds):
            return p
    return None if bounds else {}


def on_values(g: Node) -> bool:
    """A bracket that compares real numbers, not indices: those say what is in range, and stay where they are."""
    a, b = (g.args[0].args) if g.op == "br" else (g, g)
    return g.op == "br" and not (a.op == "idx" or b.op == "idx" or (a.term and b.term)) and bool(g.free)


def abstract(f: Node) -> tuple[Node, tuple[Node, ...]]:
    """`f` with its free indices renamed by order of occurrence, and those indices in that order."""
    order: dict[Node, None] = {}
    stack = [f]
    while stack:
        g = stack.pop()
        if g.op == "idx" and g in f.free:
            order[g] = None
        stack.extend(a for a in reversed(g.args) if a.free & f.free)
    names = {i: idx(f"${p}", i.attr[1]) for p, i in enumerate(order)}
    return substitute(f, names), tuple(order)


def everywhere_in(f: Node) -> Iterable[Node]:
    """Every node below `f` with bound indices opened, so that free indices are real ones; repeats included."""
    stack = [f]
    while stack:
        g = stack.pop()
        yield g
        if g.op == "red":
            _, body, condition = open_(g)
            stack.extend((body, condition))
        else:
            stack.extend(g.args)
