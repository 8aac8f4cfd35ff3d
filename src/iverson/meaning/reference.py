"""Loop evaluation of index-form programs, entry by entry: the slow second oracle.

Glossary   at: the values of the index nodes in force; f, g: closures from `at` to a number; t: index values.
Every node becomes a Python closure, every sum a loop; entries of definitions are kept once computed.  A false
bracket is a strong zero: brackets are read first, and what they multiply is then not evaluated.
Shares no code with the evaluator of Surface trees; knows no derivative rule: a `deriv` node is a difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node, is_num, walk
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


def first_best(pick: Callable[..., Any], values: list[Any], places: list[int]) -> int:
    """The index of the first best value; 0 where there is none."""
    best = extreme(pick, *values) if values else 0
    return next((k for k, v in zip(places, values, strict=True) if v == best or v != v), 0)


def special(name: str, *args: Any) -> float:
    """A function of scipy.special, which has digits that we need not earn again."""
    from scipy import special as functions

    return float(getattr(functions, name)(*args))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f.__name__: lambda x, f=f: float(f(float(x))) for f in (
        np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh,
        np.arcsin, np.arccos, np.arctan, np.floor)},
    **{f.__name__: lambda x, f=f: float(f(float(x))) for f in (
        np.arcsinh, np.arccosh, np.arctanh, np.cbrt, np.ceil, np.round)},
    "arctan2": lambda x, y: math.atan2(x, y), "erfc": math.erfc, "logit": lambda x: float(np.log(x / (1 - x))),
    "gamma": lambda x: special("gamma", x), "gammaln": lambda x: special("gammaln", x),
    "digamma": lambda x: special("digamma", x), "polygamma": lambda n, x: special("polygamma", int(n), x),
    "erfinv": lambda x: special("erfinv", x), "xlogy": lambda x, y: 0.0 if x == 0 else x * float(np.log(float(y))),
    "logaddexp": lambda x, y: max(x, y) + math.log1p(math.exp(-abs(x - y))),
    "erf": math.erf, "sign": sign, "abs": abs, "square": lambda x: x * x,
    "sigmoid": lambda x: 1 / (1 + float(np.exp(float(-x)))),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "relu": lambda x: extreme(max, x, 0.0), "max": partial(extreme, max), "min": partial(extreme, min),
}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
def svd(a: Any) -> tuple[Any, Any, Any]:
    u, s, v = np.linalg.svd(a, full_matrices=False)
    return u, s, v


def linear(name: str, a: Any, *more: Any) -> Any:
    """A function of scipy.linalg; nan where it is not real."""
    from scipy import linalg

    v = getattr(linalg, name)(a, *more)
    return v if np.abs(np.imag(v)).max() < 1e-10 * (1 + np.abs(v).max()) else np.full(a.shape, math.nan)


def real(name: str) -> Callable[..., Any]:
    return lambda a, *more: np.real(linear(name, a, *more))


def end_vector(a: Any, k: int) -> Any:
    u = np.linalg.eigh((a + a.T) / 2)[1][:, k]
    return u * (-1 if u[np.argmax(np.abs(u))] < 0 else 1)


def end_gaps(a: Any, k: int) -> Any:
    w, u = np.linalg.eigh((a + a.T) / 2)
    return sum(np.outer(u[:, j], u[:, j]) / (w[k] - w[j]) for j in range(len(w)) if j != k % len(w))


def divided(f: Callable[..., Any]) -> Callable[..., Any]:
    """Divided differences of f over the eigenvalues of a; on the diagonal from a small step."""
    def of(a: Any, *more: float) -> Any:
        w = np.linalg.eigvalsh((a + a.T) / 2)
        step = 1e-5 * np.abs(w).max()

        def quotient(x: Any, y: Any) -> Any:
            return (f(x, *more) - f(y, *more)) / (x - y)

        return np.array([[quotient(x, y) if i != j else quotient(x + step, x - step) for j, y in enumerate(w)]
                         for i, x in enumerate(w)])
    return of


def minors(a: Any) -> Any:
    """The adjugate by its definition: signed determinants without a row and a column."""
    n = range(len(a))
    return np.array([[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, j, 0), i, 1)) for j in n] for i in n])


WHOLE: dict[str, Callable[..., Any]] = {
    "inv": np.linalg.inv, "adj": minors, "det": np.linalg.det, "logdet": lambda a: np.log(np.linalg.det(a)),
    "logabsdet": lambda a: np.log(np.abs(np.linalg.det(a))),
    "pinv": lambda a: np.linalg.lstsq(a, np.eye(len(a)), rcond=None)[0],
    "cholesky": lambda a: np.linalg.cholesky((a + a.T) / 2), "eigvals": lambda a: np.linalg.eigh((a + a.T) / 2)[0],
    "eigvecs": lambda a: np.linalg.eigh((a + a.T) / 2)[1], "nuclear": lambda a: np.linalg.norm(a, "nuc"),
    "spectral": lambda a: np.linalg.norm(a, 2), "polar": lambda a: svd(a)[0] @ svd(a)[2],
    "dominant": lambda a: np.outer(svd(a)[0][:, 0], svd(a)[2][0]),
    "expm": real("expm"), "logm": real("logm"), "sqrtm": real("sqrtm"), "matpow": real("fractional_matrix_power"),
    "trexpm": lambda a: np.trace(real("expm")(a)), "trsqrtm": lambda a: np.trace(real("sqrtm")(a)),
    "trmatpow": lambda a, p: np.trace(real("fractional_matrix_power")(a, p)),
    "lambda_max": lambda a: np.linalg.eigh((a + a.T) / 2)[0][-1], "lambda_min": lambda a: np.linalg.eigh((a + a.T) / 2)[0][0],
    "eigvec_max": partial(end_vector, k=-1), "eigvec_min": partial(end_vector, k=0),
    "gaps_max": partial(end_gaps, k=-1), "gaps_min": partial(end_gaps, k=0),
    "expm_slopes": divided(np.exp), "logm_slopes": divided(np.log), "sqrtm_slopes": divided(np.sqrt),
    "matpow_slopes": divided(lambda x, p: x ** p)}


def whole_value(name: str, a: Any, beside: list[Any]) -> Any:
    """A function of one matrix; nan where it has none."""
    try:
        return np.asarray(WHOLE[name](a, *beside))
    except np.linalg.LinAlgError:
        return np.full(np.shape(WHOLE[name](np.eye(*np.shape(a)), *beside)), np.nan)


FOLDS: dict[str, Callable[[list[Any], list[int]], Any]] = {       # of the values, and the first index of each
    "sum": lambda values, _: sum(values), "prod": lambda values, _: math.prod(values),
    "max": lambda values, _: extreme(max, -math.inf, *values),
    "min": lambda values, _: extreme(min, math.inf, *values),
    "argmax": partial(first_best, max), "argmin": partial(first_best, min)}
CONSTANTS = {"pi": math.pi, "inf": math.inf}
DIFFERENCES = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))      # of fourth order


def indicator(f: Node) -> bool:
    """Made of brackets and numbers alone, as `[a or b]` is after lowering, or the derivative of that."""
    if f.op in ("br", "deriv"):
        return f.op == "br" or indicator(f.args[0])
    return (f.op in ("add", "mul") and any(g.op == "br" for g in f.args)
            and all(g.op == "num" or indicator(g) for g in f.args))


def reads_values(f: Node) -> bool:
    """Whether an indicator reads arrays: those on indices alone come first, they keep what others read in range."""
    return any(g.op == "el" for g in walk(f))


# -- nodes to closures ---------------------------------------------------------------------------------------

class Entries(dict[tuple[int, ...], Any]):
    """The entries of one array by index; an index outside it is an error, never counted from the end."""

    name = ""

    def __missing__(self, t: tuple[int, ...]) -> Any:
        raise IversonError("data", f"{self.name}[{', '.join(map(str, t))}] is outside the array.")


class Loops:
    """One evaluation: values of inputs, and the entries of definitions computed so far.

    moved   entries that a difference quotient has displaced; definitions never see them
    """

    def __init__(self, arrays: Mapping[str, Any], sizes: Mapping[str, int], program: Program | None) -> None:
        self.sizes = sizes
        self.definitions: dict[str, Definition] = {d.name: d for d in program.definitions} if program else {}
        values = {n: getattr(i, "default", None) for n, i in program.inputs.items()} if program else {}
        self.arrays: dict[str, Any] = {n: v if isinstance(v, tuple) else np.asarray(v)
                       for n, v in {**values, **arrays}.items() if v is not None}
        self.closures: dict[Node, Fn] = {}
        self.inputs: dict[str, Entries] = {}
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
        """One entry of an array or a definition, as displaced."""
        if self.moved and (name, t) in self.moved:
            return self.moved[name, t]
        d = self.definitions.get(name)
        if d is None:
            return self.given(name)[t]
        if (name, t) not in self.entries:
            outer, self.moved = self.moved, {}
            self.entries[name, t] = self.compute(d, t)
            self.moved = outer
        return self.entries[name, t]

    def given(self, name: str) -> Entries:
        """The entries of an input."""
        if name not in self.inputs:
            if name not in self.arrays:
                raise IversonError("data", f"{name} has no value.")
            v = self.arrays[name]
            self.inputs[name] = Entries(zip(np.ndindex(v.shape), v.ravel().tolist(), strict=True))
            self.inputs[name].name = name
        return self.inputs[name]

    def compute(self, d: Definition, t: tuple[int, ...]) -> Any:
        if d.body.op == "tensor":
            return self.whole(d.body)[t].item()
        return self.closure(d.body)(dict(zip(d.indices, t, strict=True)))

    def whole(self, f: Node) -> Any:
        """The value of a whole-tensor function of the array it names; nan where there is none."""
        if f not in self.wholes:
            name, source, *more = f.attr
            if name not in WHOLE:
                raise IversonError("unsupported", f"{name} has no loop evaluation.")
            a = self.table(self.definitions[source]) if source in self.definitions else self.arrays[source]
            beside = [self.entry(n, ()) for n in more]
            parts = [whole_value(name, m, beside) for m in np.reshape(a, (-1, *np.shape(a)[-2:]))]
            self.wholes[f] = np.reshape(parts, (*np.shape(a)[:-2], *np.shape(parts[0])))
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
        name, spot = f.attr, self.spot(f.args)
        if name in self.definitions:
            return lambda at: self.entry(name, spot(at))
        entries = self.given(name)
        return lambda at: self.entry(name, spot(at)) if self.moved else entries[spot(at)]

    def spot(self, terms: tuple[Node, ...]) -> Callable[[At], tuple[int, ...]]:
        """The values of index terms."""
        if all(a.op == "idx" for a in terms):
            return lambda at: tuple([at[i] for i in terms])
        gs = [self.closure(a) for a in terms]
        return lambda at: tuple([int(g(at)) for g in gs])

    # -- arithmetic ----------------------------------------------------------------------------------------

    def _add(self, f: Node) -> Fn:
        gs = [self.closure(a) for a in f.args]
        return lambda at: sum(g(at) for g in gs)

    def _mul(self, f: Node) -> Fn:
        held = sorted((a for a in f.args if indicator(a)), key=reads_values)
        first = [self.closure(a) for a in held]
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
        (kind, bound), body = f.attr, self.closure(f.args[0])
        condition = None if is_num(f.args[1], 1) else self.closure(f.args[1])
        fold, ranges = FOLDS[kind], [range(self.count(i)) for i in bound]

        def g(at: At) -> Any:
            inner, values, places = dict(at), [], []
            for t in product(*ranges):
                inner.update(zip(bound, t, strict=True))
                if condition is None or condition(inner):
                    values.append(body(inner))
                    places.append(t[0])
            return fold(values, places)

        return g

    def _deriv(self, f: Node) -> Fn:
        """The partial derivative of the body by one entry; other entries and all definitions stay fixed."""
        body, name, place = self.closure(f.args[0]), f.args[1].attr, self.spot(f.args[1].args)

        def g(at: At) -> float:
            spot = (name, place(at))
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
