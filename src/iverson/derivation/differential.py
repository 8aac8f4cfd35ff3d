"""The differential of a whole-matrix function as a node, linear in the elements of dA: from its row in TENSOR.

Glossary   A: the argument; F: its function; beside: other functions of A or F that a row reads, such as inv(A).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from ..core.errors import IversonError
from ..core.node import Node, el, fresh, make, open_, reduce_, size, substitute, transform
from ..core.program import Definition, Program, inline
from ..lang.kinds import typed
from ..lang.lower import STEMS, lower, result_axes
from ..lang.ops import OPS
from ..lang.surface import Equation, Surface
from ..lang.syntax import parse_script
from ..rules.calculus import TENSOR, WITHOUT

SQUARE = ("square", "volume", "spectrum")
FORMS = {"volume": "scalar", "measure": "scalar", "flip": "matrix[n, m]", "spectrum": "vector[n]"}


@cache
def _row(name: str) -> Program:
    """The row's text as a program over A, dA and F, and what it reads beside them."""
    shape = OPS[name].shape
    dims = "n, n" if shape in SQUARE else "m, n"
    form = FORMS.get(shape, f"matrix[{dims}]")
    text = TENSOR[name].replace("; ", "\n")
    return lower(typed(parse_script(f"A: matrix[{dims}]\ndA: matrix[{dims}]\nF: {form}\n{text}")))


def differential_of(d: Definition, program: Program) -> Node:
    """`d.body` is f(A): the differential at d's indices, over the program's own names."""
    name, array = d.body.attr
    if name not in TENSOR:
        raise IversonError("unsupported", f"{name} has no derivative rule.", why=WITHOUT.get(name))
    row = _row(name)
    names = {"A": array, "dA": "d" + array, "F": d.name}
    for inner in row.definitions:
        if inner.body.op == "tensor":
            names[inner.name] = beside(inner, names, program)
    lines = {q.name: q for q in row.definitions if q.body.op != "tensor" and q.name != row.result}
    body = inline(row.definition(row.result).at(d.indices), lines)

    def step(g: Node) -> Node | None:
        return el(names[g.attr], g.args) if g.op == "el" and g.attr in names else None

    m, n = dims_of(array, program)
    return resize(transform(body, step), {size("m"): m, size("n"): n})


def dims_of(array: str, program: Program) -> tuple[Node, ...]:
    if array in program.inputs:
        return tuple(program.inputs[array].type.dims)
    return tuple(i.attr[1] for i in program.definition(array).indices)


def beside(inner: Definition, names: Mapping[str, str], program: Program) -> str:
    """The name of the program's definition of what a row reads beside A and F."""
    function, source = inner.body.attr
    wanted = (function, names[source])
    for d in program.definitions:
        if d.body.op == "tensor" and d.body.attr == wanted:
            return d.name
    raise IversonError("unsupported", f"{function} of {wanted[1]} is not a definition.")


def with_beside(program: Program) -> Program:
    """The program with a definition of everything that the differentials of its whole-matrix functions read."""
    definitions: list[Definition] = []
    taken = program.names()
    for d in program.definitions:
        late: list[Definition] = []
        for function, source, inner in readings(d):
            known = (*definitions, *late, *program.definitions)
            if not any(q.body.op == "tensor" and q.body.attr == (function, source) for q in known):
                after = source == d.name
                dims = tuple(i.attr[1] for i in d.indices) if after else dims_of(source, program)
                (late if after else definitions).append(_definition(function, source, dims, inner.form, taken))
        definitions += [d, *late]
    return program.with_definitions(tuple(definitions))


def readings(d: Definition) -> Iterator[tuple[str, str, Definition]]:
    """(function, array, the row's definition) of all that the differential of `d` reads beside A and F."""
    if d.body.op == "tensor" and d.body.attr[0] in TENSOR:
        names = {"A": d.body.attr[1], "F": d.name}
        for inner in _row(d.body.attr[0]).definitions:
            if inner.body.op == "tensor":
                function, source = inner.body.attr
                yield function, names[source], inner


def _definition(function: str, array: str, dims: tuple[Node, ...], form: str, taken: set[str]) -> Definition:
    stem = array + ("i" if function == "inv" else STEMS.get(function, "").lower() or function)
    name = next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 100))) if n not in taken)
    taken.add(name)
    body = make("tensor", (), (function, array))
    written = Equation(name, (), Surface("call", (Surface("name", (), array),), function))
    indices = tuple(fresh(n) for n in result_axes(OPS[function].shape, dims))
    return Definition(name, indices, body, form, introduced=True, written=written)


def resize(f: Node, sizes: Mapping[Node, Node]) -> Node:
    """The row's own sizes replaced by the real ones, in every bound index and every number."""

    def step(g: Node) -> Node | None:
        if g.op == "size":
            return sizes.get(g)
        if g.op != "red":
            return None
        bound, body, condition = open_(g)
        names = {i: fresh(sizes.get(i.attr[1], i.attr[1])) for i in bound}
        return reduce_(g.attr[0], names.values(), substitute(body, names), substitute(condition, names))

    return transform(f, step)
