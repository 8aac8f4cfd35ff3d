"""From index form back to matrices: a monomial is a graph, and series-parallel reduction reads it as a product.

Glossary   rows, cols: the index a matrix runs over by rows and by columns; a column has only rows, a row only cols.
A factor with two indices is an edge.  Two edges on the same pair are a Hadamard product, a bound index on exactly two
edges is a matrix product, on one edge a row sum, a vector on an index that stays is a scaling, disjoint vectors an outer
product.  The reductions are confluent: they are done greedily, lowest rank first.  What they cannot finish has no
matrix form (NoMatrixForm) and stays in index form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from ..core.node import Node, Number, coefficient, elements, is_num, mul, neg, num, open_, pow_, substitute
from ..core.program import Definition
from ..lang.sizes import size_tree as size_tree_of
from ..lang.surface import LONGEST, Surface, call, index, name, number, walk

TRIANGLES = {">=": "tril", "<=": "triu"}  # of a matrix of ones: the bracket of a row and a column


class NoMatrixForm(Exception):
    """The expression is not series-parallel, or one of its parts has more than two indices."""


@dataclass(frozen=True)
class Mat:
    """A matrix expression with the indices of its axes: a product `chain`, multiplied from left to right."""

    chain: tuple[Surface, ...]
    rows: Node | None = None
    cols: Node | None = None

    @property
    def tree(self) -> Surface:
        return product(self.chain)

    @property
    def indices(self) -> frozenset[Node]:
        return frozenset(i for i in (self.rows, self.cols) if i is not None)

    @property
    def rank(self) -> int:
        return (self.rows is not None) + (self.cols is not None)

    @property
    def t(self) -> Mat:
        """The transpose."""
        return Mat(tuple(transposed(x) for x in reversed(self.chain)), self.cols, self.rows)

    def by(self, rows: Node | None, cols: Node | None) -> Mat:
        """The same, with these axes: transposed if need be."""
        return self if (self.rows, self.cols) == (rows, cols) else self.t


def product(chain: tuple[Surface, ...]) -> Surface:
    tree = chain[0]
    for x in chain[1:]:
        tree = Surface("mul", (tree, x))
    return tree


def transposed(x: Surface) -> Surface:
    """The transpose, pushed to where it reads well."""
    if x.op == "transpose":
        return x.args[0]
    if x.op in ("num", "bracket") and x.op == "num":
        return x
    if x.op == "call" and x.attr in ("diag", "eye"):
        return x
    if is_triangle(x):
        return call("triu" if x.attr == "tril" else "tril", call("ones", *x.args[0].args[::-1]))
    if x.op == "call" and x.attr == "inv" and x.args[0].op == "transpose":
        return Surface("call", (x.args[0].args[0],), "inv")
    return Surface("transpose", (x,))


class Lift:
    """One lifting: `forms` gives the form (column, row, matrix, ...) and size count of every array by name."""

    def __init__(
        self,
        forms: Mapping[str, str],
        symmetric: frozenset[str] = frozenset(),
        dims: Mapping[str, tuple[Node, ...]] | None = None,
    ) -> None:
        self.forms, self.symmetric, self.dims = forms, symmetric, dims or {}
        self.masked = False  # whether a triangle was met

    def matrix(self, f: Node, axes: tuple[Node, ...], row: bool = False) -> Surface:
        """`f` over the axes as a matrix expression, a column for one axis (a row where asked)."""
        if len(axes) > 2:
            raise NoMatrixForm
        m = self.lift(f, axes)
        if self.masked and any(is_triangle(t) for t in walk(m.tree)):
            raise NoMatrixForm  # a sum over j >= i reads better with its indices
        return m.t.tree if row else m.tree

    def reads(self, d: Definition) -> bool:
        """Whether a definition has a matrix form."""
        try:
            self.matrix(d.body, d.indices)
        except NoMatrixForm:
            return False
        return True

    def lift(self, f: Node, axes: tuple[Node, ...]) -> Mat:
        """As a Mat with rows and cols in the order of `axes`; constants are spread over the axes they lack."""
        m = self.add(f, axes) if f.op == "add" else self.monomial(f, axes)
        rows, cols = (*axes, None, None)[:2]
        if m.rank == len(axes):
            return m.by(rows, cols)
        return self.widen(m, rows, cols)

    def widen(self, m: Mat, rows: Node | None, cols: Node | None) -> Mat:
        """A matrix from a vector, or an array from a scalar, by ones."""
        if m.rank == 0:
            if m.chain == (number(0),):
                return Mat(
                    (call("zeros", *(size_tree(i) for i in (rows, cols) if i is not None)),), rows, cols
                )
            tree = call("ones", *(size_tree(i) for i in (rows, cols) if i is not None))
            return Mat(
                m.chain if m.chain[0] == tree else (tree,) if m.chain == (number(1),) else (*m.chain, tree),
                rows,
                cols,
            )
        assert rows is not None and cols is not None
        if m.indices == {rows}:
            return Mat(
                (*m.by(rows, None).chain, Surface("transpose", (call("ones", size_tree(cols)),))), rows, cols
            )
        return Mat((call("ones", size_tree(rows)), *m.by(None, cols).chain), rows, cols)

    # -- sums ------------------------------------------------------------------------------------------------

    def add(self, f: Node, axes: tuple[Node, ...]) -> Mat:
        axes = tuple(i for i in axes if i in f.free)
        terms = arranged(f.args)
        minus = [coefficient(t)[0] < 0 for t in terms]
        trees = self.parts([neg(t) if m else t for t, m in zip(terms, minus, strict=True)], axes)
        parts = [Surface("neg", (t,)) if m else t for t, m in zip(trees, minus, strict=True)]
        rows, cols = (*axes, None, None)[:2]
        return Mat((Surface("add", tuple(parts)),), rows, cols)

    def parts(self, fs: Sequence[Node], axes: tuple[Node, ...]) -> list[Surface]:
        """The parts of an elementwise expression; where none carries both axes, or a column and a row meet before one
        does, the first is spread over them."""
        trees = [self.term(f, axes, len(axes)) for f in fs]
        if len(axes) == 2:
            own = [f.free & set(axes) for f in fs]
            whole = next((p for p, o in enumerate(own) if len(o) == 2), len(fs))
            if whole == len(fs) or len({*filter(None, own[:whole])}) > 1:
                p = next(p for p, o in enumerate(own) if o)
                trees[p] = self.lift(fs[p], axes).tree
        return trees

    def term(self, f: Node, axes: tuple[Node, ...], rank: int) -> Surface:
        """One term of a sum over `axes`: scalars broadcast as they are, a vector where exactly one axis fits."""
        own = tuple(i for i in axes if i in f.free)
        m = self.lift(f, own)
        if len(own) == rank or not own:
            return m.tree
        if axes[0].attr[1] is not axes[1].attr[1]:
            return m.tree if own[0] is axes[0] else m.t.tree
        return self.widen(m, *axes).tree

    # -- products --------------------------------------------------------------------------------------------

    def monomial(self, f: Node, axes: tuple[Node, ...]) -> Mat:
        c, rest = coefficient(f)
        if c < 0:
            m = self.monomial(neg(f), axes)
            return Mat((Surface("neg", (m.tree,)),), m.rows, m.cols)
        scalars: list[Node] = []
        edges: list[Mat] = []
        bound: set[Node] = set()
        if c == 0:
            return Mat((number(0),))
        rest, axes, unit = self._diagonal(rest, axes)
        self._collect(rest, frozenset(axes), bound, scalars, edges)
        edges = reduce_graph(edges, bound)
        core = combine(edges, axes)
        if core is not None and core.rank == len(axes):
            core = core.by(*(*axes, None, None)[:2])
        extra = [e for e in edges if e.rank == 0]
        body = self.scaled(c, scalars, [e.tree for e in extra], core)
        if unit is None:
            return body
        if body.rank == 0:
            eye = call("eye", size_tree(axes[0]))
            return Mat((eye,) if body.chain == (number(1),) else (*body.chain, eye), axes[0], unit)
        return Mat((call("diag", body.by(axes[0], None).tree),), axes[0], unit)

    def _diagonal(self, f: Node, axes: tuple[Node, ...]) -> tuple[Node, tuple[Node, ...], Node | None]:
        """A bracket [i = j] of both axes: the rest is lifted along one of them and put on a diagonal."""
        if len(axes) < 2:
            return f, axes, None
        factors = f.args if f.op == "mul" else (f,)
        for b in factors:
            same = axes[0].attr[1] is axes[1].attr[1]
            if same and b.op == "br" and b.args[0].attr == "=" and set(b.args[0].args) == set(axes):
                rest = mul(*(x for x in factors if x is not b))
                return substitute(rest, {axes[1]: axes[0]}), axes[:1], axes[1]
        return f, axes, None

    def _collect(
        self, f: Node, free: frozenset[Node], bound: set[Node], scalars: list[Node], edges: list[Mat]
    ) -> None:
        for x in f.args if f.op == "mul" else (f,):
            if x.op == "red" and x.attr[0] == "sum":
                inner, body, _ = open_(x)
                bound.update(inner)
                self._collect(body, free | frozenset(inner), bound, scalars, edges)
            elif not x.free & free:
                if not is_num(x, 1):
                    scalars.append(x)
            else:
                edges.append(self.factor(x, free))

    def scaled(self, c: Number, scalars: list[Node], extra: list[Surface], m: Mat | None) -> Mat:
        """The number and the scalars in front, what is divided by behind."""
        above: list[Surface] = []
        below: list[Surface] = []
        exact = Fraction(c)
        for s in scalars:
            power = s.op == "pow" and s.args[1].op == "num" and s.args[1].attr < 0
            target = below if power else above
            target.append(self.scalar(pow_(s.args[0], num(-s.args[1].attr)) if power else s))
        above.sort(key=lambda t: t.op == "add")
        above += extra
        whole = number_parts(exact)
        front = ([number(whole[0])] if whole[0] != 1 or not (above or m) else []) + above
        if whole[1] != 1:
            below.insert(0, number(whole[1]))
        chain = (*front, *(m.chain if m else ()))
        if below:
            bottom = product(tuple(below))
            chain = (Surface("div", (product(chain), bottom)),)
        return Mat(chain, m.rows if m else None, m.cols if m else None)

    def scalar(self, f: Node) -> Surface:
        """A factor without free indices."""
        if f.op in ("add", "mul"):
            return self.lift(f, ()).tree
        return self.factor(f, frozenset()).tree

    # -- factors ---------------------------------------------------------------------------------------------

    def factor(self, f: Node, free: frozenset[Node]) -> Mat:
        """One factor as an edge of the graph: its indices are those of `free` that occur in it."""
        own = oriented(f, f.free & free)
        if len(own) > 2:
            raise NoMatrixForm
        handler = self.HANDLERS.get(f.op)
        if handler is None:
            raise NoMatrixForm
        return handler(self, f, tuple(own))

    def element(self, f: Node, own: tuple[Node, ...]) -> Mat:
        if f.attr not in self.forms:
            raise NoMatrixForm
        base, form = name(f.attr), self.forms[f.attr]
        terms = f.args
        if any(t.op not in ("idx", "num") for t in terms):
            raise NoMatrixForm
        sizes = self.dims.get(f.attr, ())
        if any(t.op == "idx" and t.attr[1] is not n for t, n in zip(terms, sizes, strict=False)):
            raise NoMatrixForm
        if not terms or all(t.op == "num" for t in terms):
            return Mat((index(base, *(number(t.attr) for t in terms)) if terms else base,))
        if len(terms) == 1:
            column = Surface("transpose", (base,)) if form == "row" else base
            return Mat((column,), terms[0], None)
        if len(terms) != 2:
            raise NoMatrixForm
        return self._entry(base, terms)

    def _entry(self, base: Surface, terms: tuple[Node, ...]) -> Mat:
        i, j = terms
        if i is j:
            return Mat((call("diagonal", base),), i, None)
        if i.op == "num":
            return Mat((Surface("transpose", (index(base, number(i.attr), Surface("all")),)),), j, None)
        if j.op == "num":
            return Mat((index(base, Surface("all"), number(j.attr)),), i, None)
        return Mat((base,), i, j)

    def bracket(self, f: Node, own: tuple[Node, ...]) -> Mat:
        relation = f.args[0]
        a, b = relation.args
        if a.op == "idx" or b.op == "idx":
            return self._label(relation, own)
        sides = self.parts((a, b), own)
        return self._shaped(Surface("bracket", (Surface("rel", tuple(sides), relation.attr),)), own)

    def _label(self, relation: Node, own: tuple[Node, ...]) -> Mat:
        """[k = y[i]] is an entry of onehot(y), [i = j] of the identity."""
        for k, y in (relation.args, relation.args[::-1]):
            if k.op == "idx" and y.op == "el" and relation.attr in ("=", "!="):
                if y.args and y.args[0].op == "idx" and self.dims.get(y.attr, (y.args[0].attr[1],))[0] is not y.args[0].attr[1]:
                    break
                hot = call("onehot", name(y.attr))
                if relation.attr == "!=" or any(t.op != "idx" for t in y.args) or len(y.args) > 1:
                    break
                if y.args == (k,):
                    return Mat((call("diagonal", hot),), k, None)
                return Mat((hot,), y.args[0], k) if y.args else Mat((hot,), k, None)
        same = len(own) == 2 and set(own) == set(relation.args) and own[0].attr[1] is own[1].attr[1]
        if relation.attr == "=" and same:
            return Mat((call("eye", size_tree(own[0])),), own[0], own[1])
        self.masked = True
        if relation.attr in TRIANGLES and len(own) == 2 and set(own) == set(relation.args):
            rows, cols = relation.args
            return Mat((call(TRIANGLES[relation.attr], call("ones", size_tree(rows), size_tree(cols))),), rows, cols)
        raise NoMatrixForm

    def power(self, f: Node, own: tuple[Node, ...]) -> Mat:
        base, e = f.args
        if e.free & frozenset(own):
            raise NoMatrixForm
        if is_num(e) and e.attr < 0:
            inner = self.broadcast(pow_(base, num(-e.attr)), own)
            return self._shaped(Surface("ediv", (number(1), inner)), own)
        inner = self.broadcast(base, own)
        return self._shaped(Surface("epow" if own else "pow", (inner, self.scalar(e))), own)

    def function(self, f: Node, own: tuple[Node, ...]) -> Mat:
        args = self.parts(f.args, own)
        return self._shaped(Surface("call", tuple(args), f.attr), own)

    def sum(self, f: Node, own: tuple[Node, ...]) -> Mat:
        return self.lift(f, own)

    def constant(self, f: Node, own: tuple[Node, ...]) -> Mat:
        return Mat((leaf(f),))

    def extreme(self, f: Node, own: tuple[Node, ...]) -> Mat:
        """max over all entries of a vector or matrix; along one axis it stays in index form."""
        if f.attr[0] == "sum":
            return self.monomial(f, own)
        bound, body, condition = open_(f)
        if f.attr[0] not in ("max", "min", "prod") or own or not is_num(condition, 1) or len(bound) > 2:
            raise NoMatrixForm
        return Mat((call(f.attr[0], self.lift(body, bound).tree),))

    def _shaped(self, tree: Surface, own: tuple[Node, ...]) -> Mat:
        rows, cols = (*own, None, None)[:2]
        return Mat((tree,), rows, cols)

    def broadcast(self, f: Node, own: tuple[Node, ...]) -> Surface:
        """A part of an elementwise expression over `own`."""
        return self.term(f, own, len(own))

    HANDLERS: ClassVar[dict[str, Callable[[Lift, Node, tuple[Node, ...]], Mat]]] = {
        "el": element,
        "br": bracket,
        "pow": power,
        "apply": function,
        "add": sum,
        "mul": sum,
        "red": extreme,
        "size": constant,
        "const": constant,
        "num": constant,
    }


def oriented(f: Node, indices: frozenset[Node]) -> list[Node]:
    """The indices in the order in which most arrays of `f` carry them: fewer transposes to read."""
    own = sorted(indices, key=lambda i: i.attr[0])
    if len(own) == 2:
        votes = 0
        for e in elements(f):
            if own[0] in e.args and own[1] in e.args:
                votes += 1 if e.args.index(own[0]) < e.args.index(own[1]) else -1
        return own if votes >= 0 else own[::-1]
    return own


# -- the graph -------------------------------------------------------------------------------------------------


def reduce_graph(edges: list[Mat], bound: set[Node]) -> list[Mat]:
    """Eliminate the bound indices, the cheapest step first, until only free ones are left."""
    edges = list(edges)
    while True:
        edges = [totalled(e, edges, bound) for e in hadamard(edges, bound)]
        live = sorted((i for i in bound if any(i in e.indices for e in edges)), key=lambda i: i.attr[0])
        if not live:
            return edges
        steps = [(rank, p, i) for p, i in enumerate(live) if (rank := elimination_rank(i, edges)) is not None]
        if not steps:
            edges = absorb(edges, live)
            continue
        edges = eliminate(min(steps)[2], edges)


def totalled(e: Mat, edges: list[Mat], bound: set[Node]) -> Mat:
    """A matrix both of whose indices are summed and stand nowhere else: the sum of its entries."""
    if e.rank == 2 and e.indices <= bound and not any(e.indices & o.indices for o in edges if o is not e):
        return Mat((call("sum", e.tree),))
    return e


def elimination_rank(i: Node, edges: list[Mat]) -> int | None:
    """The rank of what is left when a bound index goes; None when it stands in three factors or more."""
    own = [e for e in edges if i in e.indices]
    if len(own) > 2:
        return None
    return len(frozenset().union(*(e.indices for e in own)) - {i})


def eliminate(i: Node, edges: list[Mat]) -> list[Mat]:
    own = [e for e in edges if i in e.indices]
    others = [e for e in edges if i not in e.indices]
    if len(own) == 1:
        return [*others, summed(own[0], i)]
    return [*others, joined(own[0], own[1], i)]


def summed(e: Mat, i: Node) -> Mat:
    """One factor summed over an index: the total of a vector, a product of a matrix with ones."""
    if e.rank == 1:
        return Mat((call("sum", e.by(i, None).tree),))
    j = next(iter(e.indices - {i}))
    return Mat((*e.by(j, i).chain, call("ones", size_tree(i))), j, None)


def joined(a: Mat, b: Mat, i: Node) -> Mat:
    """Two factors with a common bound index: a product."""
    if a.rank == 2 and b.rank == 1:
        a, b = b, a
    if a.rank == 1:
        if b.rank == 1:
            return Mat((*a.by(None, i).chain, *b.by(i, None).chain))
        j = next(iter(b.indices - {i}))
        return Mat((*b.by(j, i).chain, *a.by(i, None).chain), j, None)
    j, k = next(iter(a.indices - {i})), next(iter(b.indices - {i}))
    return Mat((*a.by(j, i).chain, *b.by(i, k).chain), j, k)


def hadamard(edges: list[Mat], bound: set[Node]) -> list[Mat]:
    """Factors on the same two indices, or on the same free index, multiplied elementwise."""
    merged: list[Mat] = []
    counts: dict[Node, int] = {}
    for e in edges:
        for i in e.indices:
            counts[i] = counts.get(i, 0) + 1
    for e in edges:
        partner = next(
            (p for p, m in enumerate(merged) if m.indices == e.indices and mergeable(e, bound, counts)), None
        )
        if partner is None:
            merged.append(e)
        else:
            merged[partner] = elementwise(merged[partner], e)
            for i in e.indices:
                counts[i] -= 1
    return merged


def mergeable(e: Mat, bound: set[Node], counts: Mapping[Node, int]) -> bool:
    """Two vectors on a bound index that nothing else touches are an inner product, not an elementwise one."""
    if e.rank == 2:
        return True
    return e.rank == 1 and (not e.indices & bound or counts[next(iter(e.indices))] > 2)


def elementwise(a: Mat, b: Mat) -> Mat:
    rows, cols = (a.rows, a.cols) if a.rank == 2 or a.rows is not None else (a.cols, None)
    a, b = a.by(rows, cols), b.by(rows, cols)
    for mask, kept in ((a, b), (b, a)):
        if is_triangle(mask.tree):
            return Mat((call(mask.tree.attr, kept.tree),), rows, cols)
    if b.tree.op == "ediv" and b.tree.args[0] == number(1):
        return Mat((Surface("ediv", (a.tree, b.tree.args[1])),), rows, cols)
    if a.tree.op == "ediv" and a.tree.args[0] == number(1):
        return elementwise(b, a)
    return Mat((Surface("emul", (a.tree, b.tree)),), rows, cols)


def absorb(edges: list[Mat], live: list[Node]) -> list[Mat]:
    """A vector on an index of three factors or more scales one of the matrices there."""
    for i in live:
        vector = next((e for e in edges if e.indices == {i}), None)
        matrix = next((e for e in edges if e.rank == 2 and i in e.indices), None)
        if vector is not None and matrix is not None:
            others = [e for e in edges if e is not vector and e is not matrix]
            return [*others, scale(vector, matrix, i)]
    raise NoMatrixForm


def scale(v: Mat, m: Mat, i: Node) -> Mat:
    """diag(v)*M or M*diag(v)."""
    d = call("diag", v.by(i, None).tree)
    if m.rows is i:
        return Mat((d, *m.chain), m.rows, m.cols)
    return Mat((*m.chain, d), m.rows, m.cols)


def combine(edges: list[Mat], axes: tuple[Node, ...]) -> Mat | None:
    """What is left on the free axes: one vector, one matrix with its scalings, or an outer product."""
    left = [e for e in edges if e.rank]
    matrix = next((e for e in left if e.rank == 2), None)
    vectors = [e for e in left if e.rank == 1]
    if matrix is not None:
        if len(vectors) == 2 and is_triangle(matrix.tree):
            return triangle_of(matrix, vectors)
        for v in vectors:
            matrix = scale(v, matrix, next(iter(v.indices)))
        return matrix
    if len(vectors) == 2:
        a, b = sorted(vectors, key=lambda v: axes.index(next(iter(v.indices))))
        return Mat((*a.by(axes[0], None).chain, *b.by(None, axes[1]).chain), axes[0], axes[1])
    return vectors[0] if vectors else None


def is_triangle(x: Surface) -> bool:
    """The lower or upper triangle of a matrix of ones."""
    return x.op == "call" and x.attr in TRIANGLES.values() and x.args[0].op == "call" and x.args[0].attr == "ones"


def triangle_of(m: Mat, vectors: Sequence[Mat]) -> Mat:
    """An outer product, of which the triangle is kept."""
    left, right = sorted(vectors, key=lambda v: m.rows not in v.indices)
    outer = (*left.by(m.rows, None).chain, *right.by(None, m.cols).chain)
    return Mat((call(m.tree.attr, product(outer)),), m.rows, m.cols)


# -- leaves and order ------------------------------------------------------------------------------------------


def size_tree(i: Node) -> Surface:
    """The size an index runs over, as it is written."""
    return leaf(i.attr[1])


def leaf(f: Node) -> Surface:
    """A number, a constant or a size, as it is written."""
    return size_tree_of(f) if f.op in ("add", "mul", "pow") else number(f.attr) if f.op == "num" else name(f.attr)


def number_parts(c: Fraction) -> tuple[int | Fraction, int]:
    """A number as what stands in front and what is divided by: 2/3 is 2 and 3, a short decimal stays one number."""
    if max(abs(c.numerator), c.denominator) > LONGEST:
        return Fraction(repr(float(c))), 1
    bottom = c.denominator
    while bottom % 10 == 0:
        bottom //= 10
    short = c.denominator > 16 and Fraction(str(float(c))) == c and bottom in (1, 2, 4, 5, 8)
    return (c, 1) if short else (c.numerator, c.denominator)


def arranged(terms: tuple[Node, ...]) -> list[Node]:
    """Terms in reading order: positive before negative, longer products before shorter ones, a number last unless it
    is the only positive term; terms that pick out entries, such as `2*[i = 1]`, by entry."""
    parts = [coefficient(t) for t in terms]
    places = [p for p in (_place(rest) for _, rest in parts) if p is not None]
    if len(places) == len(terms):
        return [terms[p] for p in sorted(range(len(terms)), key=lambda p: places[p])]
    lone = not any(c > 0 and not is_num(rest, 1) for c, rest in parts)

    def key(p: int) -> tuple[bool, bool, int, int]:
        c, rest = parts[p]
        number_last = is_num(rest, 1) and not (lone and c > 0)
        return (number_last, c < 0, -rest.height, p)

    return [terms[p] for p in sorted(range(len(terms)), key=key)]


def _place(f: Node) -> int | None:
    """The entry that a bracket [i = 3] of the product picks out."""
    for x in f.args if f.op == "mul" else (f,):
        if x.op == "br" and x.args[0].attr == "=" and x.args[0].args[1].op == "num":
            return int(x.args[0].args[1].attr)
    return None
