"""Functions of whole matrices in the lowering: their arguments and values become definitions with names.

Glossary   low: the lowering at work; axes: see lower.py; A: the matrix, by the name of its definition.
`f(A)` is the body ("tensor", f, A) of a definition; what stands beside A, as the exponent of a power does, follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import IversonError
from ..core.node import Node, bracket, el, fresh, make, mul, order, reduce_, rel, substitute
from ..core.program import Definition
from .ops import COMPOSED, OPS, WHOLE
from .surface import Equation, Surface, call, name

if TYPE_CHECKING:
    from .lower import Lowering

Axes = tuple[Node, ...]
MOST_REPEATED = 60  # nodes that a matrix power repeats before its base becomes a definition
MOST_POWER = 16
STACKED = ("inv", "det", "logdet", "logabsdet")  # of a stack of matrices too: its indices come first
# the letter that names what a function computes
STEMS = {
    "softmax": "p", "logsoftmax": "logp", "softmin": "p", "inv": "M", "det": "d", "logdet": "h", "logabsdet": "h",
    "cholesky": "C", "pinv": "G", "eigvals": "e", "eigvecs": "Q", "matpow": "E",
}  # fmt: skip


def result_axes(shape: str, dims: Axes) -> Axes:
    """The sizes of a function of a whole matrix with these sizes, by its kind of shape rule in OPS."""
    return {"flip": dims[::-1], "spectrum": dims[:1], "volume": (), "measure": ()}.get(shape, dims)


def whole_function(low: Lowering, function: str, args: tuple[Surface, ...], axes: Axes, scope: dict[str, Node]) -> Node:
    """inv, det and their kind: the arguments and the value become definitions; rules speak of their names."""
    t = low.typed.type_of(args[0])
    rows = tuple(fresh(n) for n in t.dims)
    value = low.at(args[0], rows, scope)
    lead = stack_axes(low, value, rows)
    if lead and (function not in STACKED or (value.shifted and not low.stands_alone(value))):
        raise IversonError(
            "unsupported", f"{function} of a matrix that depends on an index is not supported.", args[0].span
        )
    names = (matrix_name(low, args[0], value, (*lead, *rows), scope), *(scalar_name(low, a, scope) for a in args[1:]))
    indices = tuple(fresh(n) for n in (*(i.attr[1] for i in lead), *result_axes(OPS[function].shape, t.dims)))
    body = make("tensor", (), (function, *names))
    found = next((d.name for d in low.definitions if d.body is body), None)
    if found is None:
        found = low.unused(STEMS.get(function, function[:1]))
        written = None if lead else Equation(found, (), whole_call(function, tuple(map(name, names))))
        form = ("scalar", "column", "matrix", "tensor")[min(len(indices), 3)]
        low.definitions.append(Definition(found, indices, body, form, introduced=True, written=written))
    return el(found, (*lead, *axes))


def stack_axes(low: Lowering, value: Node, rows: Axes) -> Axes:
    """The indices of a stack of matrices, as its array has them, else in their order."""
    free = value.free - frozenset(rows)
    if value.op == "el" and value.args[-2:] == rows and free == frozenset(value.args[:-2]):
        return value.args[:-2]
    return tuple(sorted(free, key=order))


def matrix_name(low: Lowering, tree: Surface, value: Node, rows: Axes, scope: dict[str, Node]) -> str:
    if value.op == "el" and value.args == rows and low.runs_along(value):
        return str(value.attr)
    for d in low.definitions:
        if len(d.indices) == len(rows) and d.body.mask == value.mask and d.at(rows) is value:
            return d.name
    new = low.unused("A")
    written = low.written(new, tree, list(rows), rows, scope) if len(rows) == 2 else None
    low.definitions.append(Definition(new, rows, value, "matrix" if len(rows) == 2 else "tensor", True, written=written))
    return new


def scalar_name(low: Lowering, tree: Surface, scope: dict[str, Node]) -> str:
    """The name of a scalar that a function of a matrix reads beside it."""
    value = low.at(tree, (), scope)
    if value.free:
        raise IversonError("unsupported", "A matrix power whose exponent depends on an index is not supported.", tree.span)
    if value.op == "el" and not value.args:
        return str(value.attr)
    found = next((d.name for d in low.definitions if not d.indices and d.body is value), None)
    if found is None:
        found = low.unused("e")
        low.definitions.append(Definition(found, (), value, "scalar", True, written=Equation(found, (), tree)))
    return found


def matrix_power(low: Lowering, base: Surface, e: Surface, axes: Axes, scope: dict[str, Node]) -> Node:
    """A chain of factors, of the inverse where the exponent is negative; any other exponent is a function of its own."""
    n = whole_number(e)
    if n is None:
        return whole_function(low, "matpow", (base, e), axes, scope)
    if abs(n) > MOST_POWER:
        raise IversonError(
            "unsupported", f"A whole matrix power lies between -{MOST_POWER} and {MOST_POWER}.", e.span
        )
    if n == 0:
        return bracket(rel("=", *axes))
    dims = low.typed.type_of(base).dims
    rows = (fresh(dims[0]), fresh(dims[1]))
    value = whole_function(low, "inv", (base,), rows, scope) if n < 0 else low.at(base, rows, scope)
    if abs(n) * value.size > MOST_REPEATED and not value.free - frozenset(rows):
        value = low.introduce("A", base, value, list(rows), rows, scope)

    def factor(i: Node, j: Node) -> Node:
        return substitute(value, {rows[0]: i, rows[1]: j})

    path = [axes[0], *(fresh(dims[0]) for _ in range(abs(n) - 1)), axes[1]]
    return reduce_("sum", path[1:-1], mul(*(factor(path[p], path[p + 1]) for p in range(abs(n)))))


def whole_number(e: Surface) -> int | None:
    """The exponent as an integer, None for any other."""
    if e.op == "neg":
        n = whole_number(e.args[0])
        return None if n is None else -n
    return e.attr if e.op == "num" and isinstance(e.attr, int) else None


def composed(low: Lowering, tree: Surface, axes: Axes, scope: dict[str, Node]) -> Node | None:
    """tr(expm(A)), max(eigvals(S)) and their kind: functions of the matrix with derivatives of their own."""
    inner = tree.args[0]
    function = OPS[inner.attr].name if inner.op == "call" and inner.attr in OPS else ""
    if inner.op == "pow" and low.rank(inner) == 2 and whole_number(inner.args[1]) is None:
        function = "matpow"
    joint = COMPOSED.get((OPS[tree.attr].name, function))
    if joint is None:
        return None
    if joint in WHOLE:
        return whole_function(low, joint, inner.args, axes, scope)
    return low.at(Surface("call", inner.args, joint, tree.span), axes, scope)


def whole_call(function: str, args: tuple[Surface, ...]) -> Surface:
    """A function of a whole matrix as it is written: a power, tr(expm(A)), or by its name."""
    if function == "matpow":
        return Surface("pow", args)
    inner = next((f for (outer, f), joint in COMPOSED.items() if joint == function == outer + f), None)  # trexpm
    return call("tr", whole_call(inner, args)) if inner else call(function, *args)
