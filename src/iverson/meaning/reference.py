"""Loop evaluation of index-form programs, entry by entry: the slow second oracle.

Glossary   at: the value of each index node in force; f, g: closures from `at` to a number; t: a tuple of index values.
Every node becomes a Python closure, every sum a loop; entries of definitions are kept once computed.  A false bracket
is a strong zero: brackets are read first, and what they multiply is then not evaluated.
Shares no code with the evaluator of Surface trees; knows no derivative rule (a `deriv` node is a difference quotient).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node, is_num
from ..core.program import Definition, Program

At = dict[Node, int]
Fn = Callable[[At], Any]
Spot = tuple[str, tuple[int, ...]]          # one entry of one array


def reference(program: Program, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Every definition, by name: float or float64 array, labels int or int64 array.

    arrays   values of the inputs; a scalar with a default may be left out, a function is a pair (f, f')
    sizes    every size by name
    """
    loops = Loops(arrays, sizes, program)
    with np.errstate(all="ignore"):
        return {d.name: loops.table(d) for d in program.definitions}


def value_at(node: Node, axes: Sequence[Node], arrays: Mapping[str, Any], sizes: Mapping[str, int],
             program: Program | None = None) -> np.ndarray:
    """`node` for all values of the index nodes `axes`: an array with an axis for each of them, in that order.

    `program` gives the definitions that the node reads; without one it reads `arrays` alone.
    """
    loops = Loops(arrays, sizes, program)
    f = loops.closure(node)
    shape = tuple(loops.count(i) for i in axes)
    with np.errstate(all="ignore"):
        entries = [float(f(dict(zip(axes, t, strict=True)))) for t in loops.tuples(axes)]
    return np.array(entries, np.float64).reshape(shape)


# -- numbers -------------------------------------------------------------------------------------------------

def power(a: Any, b: Any) -> float:
    """a to the b over the reals: inf at poles and beyond range, nan where there is no real value."""
    try:
        v = float(a) ** b
    except (OverflowError, ZeroDivisionError):
        return float(np.float64(a) ** np.float64(b))
    return math.nan if isinstance(v, complex) else v


def sign(x: Any) -> float:
    return float(x > 0) - float(x < 0) if x == x else math.nan


def extreme(pick: Callable[..., Any], *xs: Any) -> Any:
    """max or min; nan when one of the numbers is."""
    return math.nan if any(x != x for x in xs) else pick(xs)


def where_extreme(pick: Callable[..., Any], terms: list[tuple[Any, Any]]) -> int:
    """The index of the first best term; 0 where there is none."""
    best = extreme(pick, *(v for _, v in terms)) if terms else 0
    return next((t[0] for t, v in terms if v == best or v != v), 0)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f.__name__: lambda x, f=f: float(f(float(x))) for f in (
        np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh,
        np.arcsin, np.arccos, np.arctan, np.floor)},
    "erf": math.erf, "sign": sign, "abs": abs, "square": lambda x: x * x,
    "sigmoid": lambda x: 1 / (1 + float(np.exp(float(-x)))),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "relu": lambda x: extreme(max, x, 0.0), "max": partial(extreme, max), "min": partial(extreme, min),
}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
WHOLE: dict[str, Callable[[Any], Any]] = {
    "inv": np.linalg.inv, "det": np.linalg.det, "logdet": lambda a: np.log(np.linalg.det(a))}
FOLDS: dict[str, Callable[[list[tuple[Any, Any]]], Any]] = {        # of pairs (index tuple, value)
    "sum": lambda terms: sum(v for _, v in terms), "prod": lambda terms: math.prod(v for _, v in terms),
    "max": lambda terms: extreme(max, -math.inf, *(v for _, v in terms)),
    "min": lambda terms: extreme(min, math.inf, *(v for _, v in terms)),
    "argmax": partial(where_extreme, max), "argmin": partial(where_extreme, min)}
CONSTANTS = {"pi": math.pi, "inf": math.inf}
DIFFERENCES = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))      # of fourth order


def indicator(f: Node) -> bool:
    """Made of brackets and numbers alone, as `[a or b]` is after lowering."""
    return f.op == "br" or (f.op in ("add", "mul") and any(g.op == "br" for g in f.args)
                            and all(g.op == "num" or indicator(g) for g in f.args))


# -- nodes to closures -----------------------------------------------------------------------------------------

class Loops:
    """One evaluation: values of inputs, and the entries of definitions computed so far.

    moved   entries that a difference quotient has displaced; definitions never see them
    """

    def __init__(self, arrays: Mapping[str, Any], sizes: Mapping[str, int], program: Program | None = None) -> None:
        self.sizes = sizes
        self.definitions: dict[str, Definition] = {d.name: d for d in program.definitions} if program else {}
        defaults = {n: i.default for n, i in program.inputs.items() if i.default is not None} if program else {}
        self.arrays = {n: v if callable(v) or isinstance(v, tuple) else np.asarray(v)
                       for n, v in {**defaults, **arrays}.items()}
        self.closures: dict[Node, Fn] = {}
        self.entries: dict[Spot, Any] = {}
        self.wholes: dict[Node, Any] = {}
        self.moved: dict[Spot, float] = {}

    def count(self, i: Node) -> int:
        """The size of an index."""
        return int(self.closure(i.attr[1])({}))

    def tuples(self, axes: Iterable[Node]) -> Iterable[tuple[int, ...]]:
        return product(*(range(self.count(i)) for i in axes))

    def table(self, d: Definition) -> Any:
        """All entries of a definition."""
        shape, kind = tuple(self.count(i) for i in d.indices), np.float64 if d.labels is None else np.int64
        entries = [self.entry(d.name, t) for t in self.tuples(d.indices)]
        return np.array(entries, kind).reshape(shape) if shape else kind(entries[0]).item()

    def entry(self, name: str, t: tuple[int, ...]) -> Any:
        """One entry of an array or a definition."""
        if (name, t) in self.moved:
            return self.moved[name, t]
        d = self.definitions.get(name)
        if d is None:
            return self.read(name, t)
        if (name, t) not in self.entries:
            outer, self.moved = self.moved, {}
            self.entries[name, t] = self.compute(d, t)
            self.moved = outer
        return self.entries[name, t]

    def read(self, name: str, t: tuple[int, ...]) -> Any:
        v = self.arrays.get(name)
        if v is None:
            raise IversonError("data", f"{name} has no value.")
        if any(not 0 <= k < n for k, n in zip(t, v.shape, strict=True)):
            raise IversonError("data", f"{name}[{', '.join(map(str, t))}] is outside its shape {v.shape}.")
        return v.item(t)

    def compute(self, d: Definition, t: tuple[int, ...]) -> Any:
        if d.body.op == "tensor":
            return self.whole(d.body)[t].item()
        return self.closure(d.body)(dict(zip(d.indices, t, strict=True)))

    def whole(self, f: Node) -> Any:
        """The value of a whole-tensor function of the array it names; nan where there is none."""
        if f not in self.wholes:
            name, source = f.attr
            if name not in WHOLE:
                raise IversonError("unsupported", f"{name} has no loop evaluation.")
            a = self.table(self.definitions[source]) if source in self.definitions else self.arrays[source]
            try:
                self.wholes[f] = np.asarray(WHOLE[name](a))
            except np.linalg.LinAlgError:
                self.wholes[f] = np.full(np.shape(a), np.nan)
        return self.wholes[f]

    def closure(self, f: Node) -> Fn:
        """A node as a function of the index values in force."""
        if f not in self.closures:
            self.closures[f] = getattr(self, f"_{f.op}")(f)
        return self.closures[f]

    # -- leaves --------------------------------------------------------------------------------------------

    def _num(self, f: Node) -> Fn:
        v = f.attr if isinstance(f.attr, int) else float(f.attr)
        return lambda at: v

    def _const(self, f: Node) -> Fn:
        v = CONSTANTS[f.attr]
        return lambda at: v

    def _size(self, f: Node) -> Fn:
        if f.attr not in self.sizes:
            raise IversonError("shape", f"The size {f.attr} is not given.")
        v = int(self.sizes[f.attr])
        return lambda at: v

    def _idx(self, f: Node) -> Fn:
        return lambda at: at[f]

    def _el(self, f: Node) -> Fn:
        name, terms = f.attr, [self.closure(a) for a in f.args]
        return lambda at: self.entry(name, tuple(int(g(at)) for g in terms))

    # -- arithmetic ----------------------------------------------------------------------------------------

    def _add(self, f: Node) -> Fn:
        gs = [self.closure(a) for a in f.args]
        return lambda at: sum(g(at) for g in gs)

    def _mul(self, f: Node) -> Fn:
        first = [self.closure(a) for a in f.args if indicator(a)]
        rest = [self.closure(a) for a in f.args if not indicator(a)]

        def g(at: At) -> Any:
            v: Any = 1
            for h in first:
                v = v * h(at)
                if v == 0:
                    return 0
            for h in rest:
                v = v * h(at)
            return v

        return g

    def _pow(self, f: Node) -> Fn:
        base, e = map(self.closure, f.args)
        return lambda at: power(base(at), e(at))

    def _apply(self, f: Node) -> Fn:
        g = FUNCTIONS.get(f.attr) or self.declared(f.attr)
        args = [self.closure(a) for a in f.args]
        if len(args) == 1:
            (x,) = args
            return lambda at: g(x(at))
        return lambda at: g(*(x(at) for x in args))

    def declared(self, name: str) -> Callable[..., Any]:
        """A function of the user: f, or its derivative f'."""
        pair = self.arrays.get(name.rstrip("'"))
        if not isinstance(pair, tuple) or len(pair) <= name.count("'"):
            raise IversonError("data", f"The function {name} has no value.")
        return lambda x: float(pair[name.count("'")](np.float64(x)))

    def _rel(self, f: Node) -> Fn:
        compare, (a, b) = RELATIONS[f.attr], map(self.closure, f.args)
        return lambda at: compare(a(at), b(at))

    def _br(self, f: Node) -> Fn:
        g = self.closure(f.args[0])
        return lambda at: 1 if g(at) else 0

    # -- reductions and derivatives ------------------------------------------------------------------------

    def _red(self, f: Node) -> Fn:
        kind, bound = f.attr
        body, condition = map(self.closure, f.args)
        fold, ranges = FOLDS[kind], [range(self.count(i)) for i in bound]
        if is_num(f.args[1], 1):
            condition = None

        def g(at: At) -> Any:
            inner, terms = dict(at), []
            for t in product(*ranges):
                inner.update(zip(bound, t, strict=True))
                if condition is None or condition(inner):
                    terms.append((t, body(inner)))
            return fold(terms)

        return g

    def _deriv(self, f: Node) -> Fn:
        """The partial derivative of the body by one entry: other entries, and all definitions, stay as they are."""
        body, target = self.closure(f.args[0]), f.args[1]
        terms = [self.closure(a) for a in target.args]

        def g(at: At) -> float:
            spot = (target.attr, tuple(int(h(at)) for h in terms))
            x = float(self.entry(*spot))
            step = 1e-3 * max(1.0, abs(x))
            return sum(c * self.displaced(spot, x + k * step, body, at) for k, c in DIFFERENCES) / step

        return g

    def displaced(self, spot: Spot, x: float, body: Fn, at: At) -> float:
        """The body with one entry set to x."""
        outer, self.moved = self.moved, {**self.moved, spot: x}
        try:
            return float(body(at))
        finally:
            self.moved = outer
