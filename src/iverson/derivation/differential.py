"""The differential of a whole-matrix function as a node, linear in the elements of dA: from its row in TENSOR."""

from __future__ import annotations

from functools import cache

from ..core.errors import IversonError
from ..core.node import Node, el, fresh, make, open_, reduce_, substitute, transform
from ..core.program import Definition, Program
from ..lang.kinds import typed
from ..lang.lower import lower
from ..lang.surface import Equation, Surface
from ..lang.syntax import parse_script
from ..rules.calculus import TENSOR


@cache
def _row(name: str) -> Program:
    """The row's text as a program over A, dA and F (and M = inv(A) where it asks for one)."""
    form = "matrix[n, n]" if name == "inv" else "scalar"
    return lower(typed(parse_script(f"A: matrix[n, n]; dA: matrix[n, n]; F: {form}; {TENSOR[name]}")))


def differential_of(d: Definition, program: Program) -> Node:
    """`d.body` is f(A): the differential at d's indices, over the program's own names."""
    name, array = d.body.attr
    if name not in TENSOR:
        raise IversonError("unsupported", f"{name} has no derivative rule.")
    row = _row(name)
    body = row.definition(row.result).at(d.indices)
    names = {"A": array, "dA": "d" + array, "F": d.name}
    for inner in row.definitions:
        if inner.body.op == "tensor":
            names[inner.name] = inverse_of(array, program)
    n = (
        next(iter(program.inputs[array].type.dims))
        if array in program.inputs
        else program.definition(array).indices[0].attr[1]
    )

    def step(g: Node) -> Node | None:
        return el(names[g.attr], g.args) if g.op == "el" and g.attr in names else None

    return resize(transform(body, step), n)


def with_inverses(program: Program) -> Program:
    """The program with a definition inv(A) before every function of A whose differential reads it."""
    definitions: list[Definition] = []
    taken = program.names()
    for d in program.definitions:
        if d.body.op == "tensor" and d.body.attr[0] != "inv":
            array = d.body.attr[1]
            if not any(
                q.body.op == "tensor" and q.body.attr == ("inv", array)
                for q in (*definitions, *program.definitions)
            ):
                definitions.append(_inverse(array, program, taken))
        definitions.append(d)
    return program.with_definitions(tuple(definitions))


def _inverse(array: str, program: Program, taken: set[str]) -> Definition:
    dims = (
        program.inputs[array].type.dims
        if array in program.inputs
        else tuple(i.attr[1] for i in program.definition(array).indices)
    )
    name = next(n for n in (array + "i", *(f"{array}i{k}" for k in range(1, 100))) if n not in taken)
    taken.add(name)
    body = make("tensor", (), ("inv", array))
    written = Equation(name, (), Surface("call", (Surface("name", (), array),), "inv"))
    return Definition(name, tuple(fresh(n) for n in dims), body, "matrix", introduced=True, written=written)


def inverse_of(array: str, program: Program) -> str:
    """The name of the definition that is the inverse of `array`."""
    for d in program.definitions:
        if d.body.op == "tensor" and d.body.attr == ("inv", array):
            return d.name
    raise IversonError("unsupported", f"The inverse of {array} is not a definition.")


def resize(f: Node, n: Node) -> Node:
    """The row's own size n replaced by the real one, in every bound index."""

    def step(g: Node) -> Node | None:
        if g.op != "red":
            return None
        bound, body, condition = open_(g)
        names = {i: fresh(n) for i in bound}
        return reduce_(g.attr[0], names.values(), substitute(body, names), substitute(condition, names))

    return transform(f, step)
