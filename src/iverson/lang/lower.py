"""Surface to nodes: every matrix operation becomes sums over explicit indices.

Glossary   axes: the index terms at which the value of a tree is asked for, one for each of its axes.
A tree's meaning is a function from axes to a node, so a transpose swaps two axes and a product makes a sum.
Operators with a `meaning` in OPS are expanded from that text; whole-tensor functions become definitions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial

from ..core.affine import ONE as UNIT
from ..core.affine import minus, nonnegative, polynomial
from ..core.errors import IversonError
from ..core.node import (
    HALF,
    MINUS,
    ONE,
    ZERO,
    Node,
    add,
    apply,
    bracket,
    const,
    div,
    el,
    elements,
    facts_of,
    fresh,
    idx,
    mul,
    neg,
    negated,
    num,
    order,
    pow_,
    reads,
    reduce_,
    rel,
    size,
    sub,
    substitute,
    transform,
    walk,
)
from ..core.program import Definition, Program, sizes_of
from .advice import too_deep
from .blocks import BLOCKS, as_line
from .kinds import Typed
from .ops import CONSTANTS, OPS, WHOLE, Op
from .shapes import Type
from .sizes import size_tree
from .surface import Equation, Script, Surface, names_in
from .surface import walk as written
from .syntax import parse_expression
from .whole import STEMS, composed, matrix_power, whole_function

Axes = tuple[Node, ...]


def lower(typed: Typed) -> Program:
    """The program of a typed script: one definition for each equation, plus those that expressions introduce."""
    try:
        return lowered(typed)
    except RecursionError:
        raise too_deep(typed.script.source) from None


def lowered(typed: Typed) -> Program:
    lowering = Lowering(typed)
    for e in typed.script.equations:
        scope = typed.scopes[e.name]
        t = typed.definitions[e.name]
        indices = tuple(fresh(n) for n in t.dims)
        names = dict(zip(scope, indices, strict=True)) if scope else {}
        body = lowering.at(e.body, () if scope else indices, names)
        d = Definition(e.name, indices, body, t.form, labels=t.classes, written=e)
        if e.name == typed.script.result or not lowering.adopted(d):
            lowering.definitions.append(d)
    return Program(
        dict(typed.inputs),
        tuple(lowering.definitions),
        typed.script.result,
        dict(typed.least),
        index_names(typed),
        typed.script.anonymous,
    )


def index_words(script: Script) -> set[str]:
    """Every name that the text gives to an index."""
    left = {i for e in script.equations for i in e.indices or ()}
    return left | {n for e in script.equations for t in written(e.body) if t.op == "reduce" for n in t.attr[1]}


def index_names(typed: Typed) -> dict[Node, tuple[str, ...]]:
    """The names the text gives to indices, by the size they run over, in order of appearance."""
    found: dict[Node, dict[str, None]] = {}
    for e in typed.script.equations:
        for name, n in typed.scopes[e.name].items():
            found.setdefault(n, {})[name] = None
        for tree in written(e.body):
            if tree.op == "reduce":
                for name, n in zip(tree.attr[1], typed.ranges[id(tree)], strict=True):
                    found.setdefault(n, {})[name] = None
    return {n: tuple(names) for n, names in found.items()}


@dataclass
class Lowering:
    """One pass over one typed script."""

    typed: Typed
    definitions: list[Definition] = field(default_factory=list)

    def at(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """The value of `tree` at `axes`, a node."""
        return getattr(self, f"_{tree.op}")(tree, axes, scope)

    def adopted(self, d: Definition) -> bool:
        """Whether `d` only names what an expression introduced, `p = softmax(s)`: that then goes by the user's name."""
        if d.body.op != "el" or d.body.args != d.indices:
            return False
        held = next((q for q in self.definitions if q.introduced and q.name == d.body.attr and q.body.op != "tensor"), None)
        said = {n for q in self.definitions if q.introduced and q.written and q is not held for n in names_in(q.written.body)}
        if held is None or held.name in said:
            return False

        def named(g: Node) -> Node | None:
            return el(d.name, g.args) if g.op == "el" and g.attr == held.name else None

        own = replace(held, name=d.name, form=d.form, introduced=False, written=d.written)
        self.definitions[:] = [own if q is held else replace(q, body=transform(q.body, named)) for q in self.definitions]
        return True

    def rank(self, tree: Surface) -> int:
        return self.typed.type_of(tree).rank

    def part(self, tree: Surface, whole: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """An operand of an elementwise operation: a scalar or a vector drops the axes it does not have."""
        return self.at(tree, self.kept(self.typed.type_of(tree), self.typed.type_of(whole), axes), scope)

    def kept(self, t: Type, whole: Type, axes: Axes) -> Axes:
        if t.rank == whole.rank:
            return axes
        if t.rank == 0:
            return ()
        axis = 1 if t.form == "row" else 0 if t.dims[0] is whole.dims[0] else 1
        return (axes[axis],)

    # -- leaves and arithmetic ---------------------------------------------------------------------------

    def _num(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return num(tree.attr)

    def _name(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        name = tree.attr
        if name in scope:
            return scope[name]
        if name in self.typed.inputs or name in self.typed.definitions:
            return el(name, axes)
        return const(name) if name in CONSTANTS else self.typed.aliases.get(name, size(name))

    def _add(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return add(*(self.part(a, tree, axes, scope) for a in tree.args))

    def _neg(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return neg(self.at(tree.args[0], axes, scope))

    def _emul(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return mul(*(self.part(a, tree, axes, scope) for a in tree.args))

    def _ediv(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return div(*(self.part(a, tree, axes, scope) for a in tree.args))

    _div = _ediv

    def _epow(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return pow_(*(self.part(a, tree, axes, scope) for a in tree.args))

    def _pow(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        base, e = tree.args
        if self.rank(base) == 2:
            return matrix_power(self, base, e, axes, scope)
        return pow_(self.at(base, (), scope), self.at(e, (), scope))

    def _mul(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        a, b = tree.args
        s, t = self.typed.type_of(a), self.typed.type_of(b)
        if s.rank == 0 or t.rank == 0:
            return mul(self.at(a, axes if s.rank else (), scope), self.at(b, axes if t.rank else (), scope))
        if s.form == "column":
            return mul(self.at(a, axes[:1], scope), self.at(b, axes[1:], scope))
        k = fresh(s.dims[-1])
        left = axes[:1] if s.form == "matrix" else ()
        right = axes[-1:] if t.form == "matrix" else ()
        return reduce_("sum", (k,), mul(self.at(a, (*left, k), scope), self.at(b, (k, *right), scope)))

    def _transpose(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return self.at(tree.args[0], axes[::-1], scope)

    # -- indices -----------------------------------------------------------------------------------------

    def _index(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        base, *written = tree.args
        rest = iter(axes)
        terms = tuple(self._term(t, rest, scope) for t in written)
        return self.entry(base, terms, scope)

    def entry(self, tree: Surface, terms: Axes, scope: dict[str, Node]) -> Node:
        """A tree at index terms, computed or not."""
        sizes = self.typed.type_of(tree).dims
        plain = all(t.op in ("num", "el") or (t.op == "idx" and t.attr[1] is n) for t, n in zip(terms, sizes, strict=True))
        return self.at(tree, terms, scope) if plain or tree.op == "name" else self.shifted(tree, terms, scope)

    def shifted(self, tree: Surface, terms: Axes, scope: dict[str, Node]) -> Node:
        """A tree at computed index terms: lowered once over whole axes, so that what it names is named once."""
        whole = tuple(fresh(n) for n in self.typed.type_of(tree).dims)
        return substitute(self.at(tree, whole, scope), dict(zip(whole, terms, strict=True)))

    def _term(self, tree: Surface, rest: Iterator[Node], scope: dict[str, Node]) -> Node:
        """An index term: what is written, or the next axis for a whole axis or a slice of one."""
        if tree.op == "all":
            return next(rest)
        if tree.op == "slice":
            return add(next(rest), self.typed.slices[id(tree)][0])
        return self.at(tree, (), scope)

    def _reduce(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        kind, names = tree.attr
        bound = tuple(fresh(n) for n in self.typed.ranges[id(tree)])
        starts = self.typed.starts.get(id(tree), (ZERO,) * len(bound))
        if kind.startswith("arg") and any(a is not ZERO for a in starts):
            raise IversonError("unsupported", f"{kind} takes an index that counts from 0.", tree.span)
        inner = scope | {n: add(i, a) for n, i, a in zip(names, bound, starts, strict=True)}
        body = self.at(tree.args[0], axes, inner)
        held = mul(*(self.truth(t, (), inner) for t in tree.args[1:]), *self._guards(tree, inner))
        if kind in ("max", "min"):
            inside = [b for b in (held.args if held.op == "mul" else (held,)) if body.shifted and on_terms(b)]
            shown = self._beside(tree.args[0], inside, inner)
            body = self._compared(tree.args[0], mul(*inside, body), axes, inner, shown)
        return reduction(kind, bound, body, held)

    def _guards(self, tree: Surface, scope: dict[str, Node]) -> Iterator[Node]:
        """The range rule as brackets: only terms that are in range count."""
        for g in self.typed.guards.get(id(tree), ()):
            yield bracket(rel(">=", substitute(g, {i: scope[i.attr[0]] for i in g.free}), ZERO))

    def _bracket(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        return self.truth(tree.args[0], axes, scope)

    def truth(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """A condition as a number 0 or 1: `and` a product, `or` a sum minus the product, `not` the complement."""
        if tree.op == "rel":
            a, b = (self.part(t, tree, axes, scope) for t in tree.args)
            return bracket(rel(tree.attr, a, b))
        if tree.op == "not":
            inner = self.truth(tree.args[0], axes, scope)
            return bracket(negated(inner.args[0])) if inner.op == "br" else sub(ONE, inner)
        a, b = (
            self.truth(t, self.kept(self.typed.type_of(t), self.typed.type_of(tree), axes), scope)
            for t in tree.args
        )
        return mul(a, b) if tree.op == "and" else add(a, b, mul(MINUS, a, b))

    # -- calls -------------------------------------------------------------------------------------------

    def _call(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        if tree.attr not in OPS:
            return apply(tree.attr, self.at(tree.args[0], axes, scope))
        row = OPS[tree.attr]
        if row.shape == "build":
            return build(tree, axes)
        if row.shape == "fill":
            return self.at(tree.args[0], (), scope)
        if row.shape == "onehot":
            return bracket(rel("=", axes[-1], self.at(tree.args[0], axes[:-1], scope)))
        if row.shape == "spread":
            return self.at(tree.args[0], (axes[tree.args[1].attr],), scope)
        if row.shape == "block":
            return self._block(tree, axes, scope)
        if row.shape == "diag":
            return self._diag(tree, axes, scope)
        joint = composed(self, tree, axes, scope) if len(tree.args) == 1 else None
        if joint is not None:
            return joint
        if row.name in WHOLE:
            return whole_function(self, row.name, tree.args, axes, scope)
        if row.shape == "mask":
            return self._mask(row, tree, axes, scope)
        if len(tree.args) == 1 and row.shape == "extreme":
            return self._extreme(tree, scope)
        if row.shape in ("map", "map2", "extreme"):
            return self._elementwise(row, tree, axes, scope)
        assert row.meaning is not None
        if row.shape == "same":
            whole = tuple(fresh(n) for n in self.typed.type_of(tree).dims)
            value = self._expand(row.meaning, tree, whole, scope)
            old = sorted(value.free, key=lambda i: (whole.index(i) if i in whole else -1, order(i)))
            named = self.introduce(STEMS.get(row.name, "z"), tree, value, old, whole, scope)
            return substitute(named, dict(zip(whole, axes, strict=True)))
        return self._expand(row.meaning, tree, axes, scope)

    def _elementwise(self, row: Op, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """A function of entries: a node of its own, or the text of its meaning over the arguments."""
        args = [self.part(a, tree, axes, scope) for a in tree.args]
        if row.meaning is None or "(" in row.meaning:
            args = [self._named(a, n, axes, scope) for a, n in zip(tree.args, args, strict=True)]
        if row.meaning is None:
            return apply(row.name, *args)
        values = {
            letter: self._once(a, n, axes, scope) if len(re.findall(rf"\b{letter}\b", row.meaning)) > 1 else n
            for letter, a, n in zip("xyz", tree.args, args, strict=False)
        }

        def leaf(t: Surface, env: Env) -> Node:
            return values[t.attr] if t.attr in values else const(t.attr)

        return formula(parsed(row.meaning), leaf, lambda names: {}, {})

    def _extreme(self, tree: Surface, scope: dict[str, Node]) -> Node:
        """max(A) of one argument: over all entries."""
        bound = tuple(fresh(n) for n in self.typed.type_of(tree.args[0]).dims)
        body = self._compared(tree.args[0], self.at(tree.args[0], bound, scope), bound, scope)
        return reduction(tree.attr, bound, body, ONE)

    def _compared(
        self, tree: Surface, body: Node, axes: Axes, scope: dict[str, Node], shown: Surface | None = None
    ) -> Node:
        """What a maximum is taken of, by name: its derivative asks which entries equal the largest, exactly."""
        if body.op == "el" or not body.free:
            return body
        old = sorted(body.free, key=lambda i: (axes.index(i) if i in axes else -1, order(i)))
        return self.introduce("z", tree, body, old, axes, scope, shown)

    def _beside(self, tree: Surface, held: list[Node], scope: dict[str, Node]) -> Surface:
        """The tree as it is written, beside the brackets that keep it in range."""
        names = {t: idx(n, t.attr[1]) for n, t in scope.items() if t.op == "idx"}
        for b in held:
            a, c = (size_tree(substitute(t, names)) for t in b.args[0].args)
            tree = Surface("mul", (Surface("bracket", (Surface("rel", (a, c), b.args[0].attr),)), tree))
        return tree

    def _named(self, tree: Surface, value: Node, axes: Axes, scope: dict[str, Node]) -> Node:
        """A contraction that feeds an elementwise function gets a definition, so that it is computed and derived once."""
        if value.op == "el" or not any(contracts(g) for g in outside_functions(value)):
            return value
        old = sorted(value.free, key=lambda i: (axes.index(i) if i in axes else -1, order(i)))
        return self.introduce("z", tree, value, old, axes, scope)

    def _once(self, tree: Surface, value: Node, axes: Axes, scope: dict[str, Node]) -> Node:
        """An argument that a meaning reads more than once, by name unless it is as short as one."""
        if value.op in ("el", "num", "size", "const", "idx") or not reads(value):
            return value
        old = sorted(value.free, key=lambda i: (axes.index(i) if i in axes else -1, order(i)))
        return self.introduce("z", tree, value, old, axes, scope)

    def introduce(
        self,
        stem: str,
        tree: Surface,
        value: Node,
        old: list[Node],
        axes: Axes,
        scope: dict[str, Node],
        shown: Surface | None = None,
    ) -> Node:
        """An element of a definition whose body is `value`, an earlier one where there is one."""
        if len(old) > 2 or (value.shifted and not self.stands_alone(value)):
            return value
        new = [fresh(i.attr[1]) for i in old]
        body = substitute(value, dict(zip(old, new, strict=True)))
        for d in self.definitions:
            if len(d.indices) == len(old) and d.body.mask == body.mask and d.at(tuple(new)) is body:
                return el(d.name, old)
        name = self.unused(stem)
        form = (
            self.typed.type_of(tree).form
            if len(old) == self.rank(tree)
            else ("scalar", "column", "matrix")[len(old)]
        )
        written = self.written(name, tree, old, axes, scope)
        if written is not None and shown is not None:
            written = replace(written, body=shown)
        self.definitions.append(Definition(name, tuple(new), body, form, introduced=True, written=written))
        return el(name, old)

    def runs_along(self, f: Node) -> bool:
        """Whether the indices of an element run along the whole axes that they stand on."""
        dims = {n: i.type.dims for n, i in self.typed.inputs.items()} | sizes_of(self.definitions)
        return all(t.op == "idx" and t.attr[1] is n for t, n in zip(f.args, dims.get(f.attr, ()), strict=False))

    def stands_alone(self, f: Node) -> bool:
        """Whether all that `f` reads is in range by its own brackets: those around it do not reach into a definition."""
        dims = {n: i.type.dims for n, i in self.typed.inputs.items()} | sizes_of(self.definitions)
        held = [g for g in walk(f) if on_terms(g)]
        for t, n in ((t, n) for g in elements(f) for t, n in zip(g.args, dims.get(g.attr, ()), strict=False)):
            p, size = polynomial(t), polynomial(n)
            facts = [q for b in held if b.free <= t.free for q in facts_of(b.args[0])]
            if p is not None and size is not None and t.free:
                if not (nonnegative(p, facts) and nonnegative(minus(minus(size, UNIT), p), facts)):
                    return False
        return True

    def written(self, name: str, tree: Surface, free: list[Node], axes: Axes, scope: dict[str, Node]) -> Equation | None:
        """The introduced definition in the user's own words, where its indices have names or are axes; None where the
        words speak of an index on which the value does not depend."""
        names = {i: n for n, i in scope.items()}
        said = names_in(tree) & set(scope)
        if not self.rank(tree) and all(i in names for i in free):
            return Equation(name, tuple(names[i] for i in free), tree) if said <= {names[i] for i in free} else None
        whole = tuple(free) == axes and len(axes) == self.rank(tree)
        return Equation(name, (), tree) if whole and not said else None

    def unused(self, stem: str) -> str:
        """A name near `stem` that the text does not use."""
        taken = {
            *self.typed.inputs,
            *self.typed.definitions,
            *(d.name for d in self.definitions),
            *map(str, self._sizes()),
            *index_words(self.typed.script),
        }
        return next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 1000))) if n not in taken)

    def _sizes(self) -> set[str]:
        return {n.attr for i in self.typed.inputs.values() for n in i.type.dims if n.op == "size"}

    def _block(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """Entries of the arguments, as BLOCKS says which."""
        row, types = BLOCKS[OPS[tree.attr].name], [self.typed.type_of(a) for a in tree.args]
        reads = [partial(self.entry, a, scope=scope) for a in tree.args]
        if not row.lines or len({t.form for t in types}) == 1:
            return row.entry(reads, [t.dims for t in types], axes)

        def line(read: Callable[[Axes], Node], t: Type) -> Callable[[Axes], Node]:
            kept = slice(None) if t.rank == 2 else slice(1, 2) if t.form == "row" else slice(0, 1)
            return lambda terms: read(terms[kept])

        return row.entry([line(r, t) for r, t in zip(reads, types, strict=True)], [as_line(t) for t in types], axes)

    def _diag(self, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        if self.rank(tree.args[0]) == 1:
            return mul(bracket(rel("=", *axes)), self.at(tree.args[0], axes[:1], scope))
        return self.at(tree.args[0], axes * 2, scope)

    def _mask(self, row: Op, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """The entries of a matrix at which the relation of the row's meaning holds."""
        ends = dict(zip("ij", axes, strict=True))

        def leaf(t: Surface, env: Env) -> Node:
            return ends[t.attr] if t.op == "name" else self.at(tree.args[0], axes, scope)

        assert row.meaning is not None
        return formula(parsed(row.meaning), leaf, lambda names: {}, {})

    def _expand(self, meaning: str, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
        """The text of an operator's meaning, with x[...] read as the argument and y as the second one: `all` is every
        index, `k` the last axis."""
        argument, *others = tree.args
        t = self.typed.type_of(argument)
        lead = axes[:-1] if t.rank == 2 and len(axes) == 2 else ()
        whole = tuple(fresh(n) for n in t.dims)
        named = self._named(argument, self.at(argument, whole, scope), whole, scope) if "(" in meaning else None

        def value(terms: Axes) -> Node:
            if named is None:
                return self.at(argument, terms, scope)
            return substitute(named, dict(zip(whole, terms, strict=True)))

        def leaf(tree: Surface, env: Mapping[str, Axes]) -> Node:
            if tree.op == "name" and tree.attr in env:
                return env[tree.attr][0]
            if tree.op == "name" and tree.attr == "y":
                return self.at(others[0], (), scope)
            terms = tuple(i for term in tree.args[1:] for i in env[term.attr]) if tree.op == "index" else axes
            return value((*lead, *terms) if tree.op == "index" and len(terms) < t.rank else terms)

        def bind(names: tuple[str, ...]) -> dict[str, Axes]:
            return {n: tuple(fresh(s) for s in (t.dims if n.startswith("all") else t.dims[-1:])) for n in names}

        return formula(parsed(meaning), leaf, bind, {"k": axes[-1:]})


@cache
def parsed(text: str) -> Surface:
    return parse_expression(text)


Env = Mapping[str, Axes]


def formula(
    tree: Surface,
    leaf: Callable[[Surface, Env], Node],
    bind: Callable[[tuple[str, ...]], dict[str, Axes]],
    env: Env,
) -> Node:
    """A scalar text of a table as a node: `leaf` reads names and indexed names, `bind` makes the indices of a reduction."""

    def go(t: Surface, env: Env) -> Node:
        if t.op in ("index", "name"):
            return leaf(t, env)
        if t.op == "num":
            return num(t.attr)
        if t.op == "reduce":
            inner = {**env, **bind(t.attr[1])}
            bound = tuple(i for n in t.attr[1] for i in inner[n])
            return reduction(
                t.attr[0], bound, go(t.args[0], inner), go(t.args[1], inner) if len(t.args) > 1 else ONE
            )
        if t.op == "rel":
            return bracket(rel(t.attr, *(go(a, env) for a in t.args)))
        args = [go(a, env) for a in t.args]
        if t.op == "call":
            row = OPS.get(t.attr)
            return pow_(args[0], HALF) if row and row.name == "sqrt" else apply(t.attr, *args)
        return args[0] if t.op == "bracket" else MAKE[t.op](*args)

    return go(tree, env)


MAKE: dict[str, Callable[..., Node]] = {
    "add": add,
    "neg": neg,
    "mul": mul,
    "emul": mul,
    "div": div,
    "ediv": div,
    "pow": pow_,
    "epow": pow_,
}


def on_terms(b: Node) -> bool:
    """A bracket that compares index terms: it may keep what stands beside it in range."""
    return b.op == "br" and all(a.term for a in b.args[0].args)


def contracts(f: Node) -> bool:
    """A sum of products of at least two factors that read arrays: `sum[k] X[i,k]*w[k]`."""
    if f.op != "red" or f.attr[0] != "sum" or f.args[0].op != "mul":
        return False
    return sum(bool(a.free) and a.op != "br" for a in f.args[0].args) > 1


def outside_functions(f: Node) -> Iterator[Node]:
    """Every node of `f` that is not inside an elementwise function: those have been named already."""
    stack = [f]
    while stack:
        g = stack.pop()
        yield g
        if g.op != "apply":
            stack.extend(g.args)


def reduction(kind: str, bound: Axes, body: Node, condition: Node) -> Node:
    """A reduction as written; a mean is a sum over the number of its terms."""
    if kind != "mean":
        return reduce_(kind, bound, body, condition)
    return div(reduce_("sum", bound, body, condition), count(bound, condition))


def count(bound: Axes, condition: Node) -> Node:
    """How many terms a reduction has: [k != t] leaves out one."""
    if condition.op == "br" and condition.args[0].attr == "!=" and len(bound) == 1:
        a, b = condition.args[0].args
        other = b if a is bound[0] else a if b is bound[0] else None
        same = other is not None and other.op == "idx" and other.attr[1] is bound[0].attr[1]
        if other is not None and (same or other.op in ("num", "el")) and bound[0] not in other.free:
            return sub(bound[0].attr[1], ONE)
    return reduce_("sum", bound, condition)


def build(tree: Surface, axes: Axes) -> Node:
    if tree.attr == "eye":
        return bracket(rel("=", *axes))
    return ONE if tree.attr == "ones" else ZERO
