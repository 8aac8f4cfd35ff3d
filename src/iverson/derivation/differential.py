"""The differential of a whole-matrix function as a node, linear in the elements of dA: from its row in TENSOR.

Glossary   A: the argument; F: its function; p: a scalar beside A; beside: what else a row reads, such as inv(A) or the
exponent p - 1, each a definition of the program, made once and shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from ..core.errors import IversonError
from ..core.node import ZERO, Node, el, fresh, make, open_, reads, reduce_, size, substitute, transform
from ..core.program import Definition, Program, inline
from ..lang.kinds import typed
from ..lang.lower import lower
from ..lang.ops import OPS
from ..lang.surface import Equation, number
from ..lang.surface import name as named
from ..lang.syntax import parse_script
from ..lang.whole import STEMS, whole_call
from ..rules.calculus import SYMMETRIC, TENSOR, WITHOUT
from .extent import Extents, NoExtent
from .polish import put_in

SQUARE = ("square", "volume", "spectrum")
FORMS = {"volume": "scalar", "measure": "scalar", "flip": "matrix[n, m]", "spectrum": "vector[n]"}


@cache
def _row(name: str, text: str) -> Program:
    """The row's text as a program over A, dA and F (and p and dp), and what it reads beside them."""
    shape = OPS[name].shape
    dims = "n, n" if shape in SQUARE else "m, n"
    form = FORMS.get(shape, f"matrix[{dims}]")
    scalar = "p: scalar\ndp: scalar\n" if OPS[name].arity[0] > 1 else ""
    body = text.replace("; ", "\n")
    return lower(typed(parse_script(f"A: matrix[{dims}]\ndA: matrix[{dims}]\nF: {form}\n{scalar}{body}")))


def row_of(name: str) -> Program:
    if name not in TENSOR:
        raise IversonError("unsupported", f"{name} has no derivative rule.", why=WITHOUT.get(name))
    return _row(name, TENSOR[name])


def differential_of(d: Definition, program: Program, by: str) -> Node:
    """`d.body` is f(A): the differential by one array at d's indices, over the program's own names."""
    name, array = d.body.attr[:2]
    row = row_of(name)
    if name in SYMMETRIC and not seen_symmetric(array, program):
        raise _only_symmetric(name, d)
    names = own_names(d)
    for inner in beside(row):
        made = body_of(inner, names, program)
        names[inner.name] = next(q.name for q in program.definitions if q.body is made)
    lines = {q.name: q for q in row.definitions if q.name not in names and q.name != row.result}
    lead = d.indices[: len(dims_of(array, program)) - 2]
    body = inline(row.definition(row.result).at(d.indices[len(lead) :]), lines)
    other = "dp" if by == array else "dA"
    body = transform(body, lambda g: ZERO if g.op == "el" and g.attr == other else None)
    return inline(resize(renamed(body, names, lead), row_sizes(array, program)), numbers(program))


def _only_symmetric(name: str, d: Definition) -> IversonError:
    shown = "A^p" if name == "matpow" else f"{name}(A)"
    return IversonError(
        "unsupported",
        f"{name} of a matrix that is not known to be symmetric has a derivative here only as tr({shown}).",
        why="Otherwise it is an integral or a block matrix of twice the size, not a closed formula.",
        hint=f"Declare the matrix, as in S: symmetric[n]; or write tr({shown}).",
    )


def seen_symmetric(array: str, program: Program) -> bool:
    """Whether a matrix is declared symmetric, or written so that it is: X'*X, A + A', C + Z*Z'."""
    forms = {n: i.type.form for n, i in program.inputs.items()} | {d.name: d.form for d in program.definitions}
    known = Extents(forms, program.dims(), [n for n, i in program.inputs.items() if "symmetric" in i.facts])
    for d in program.definitions:
        tree = d.written.body if d.written is not None and not d.written.indices else None
        try:
            if tree is not None and len(d.indices) == 2 and known.symmetric(tree):
                known.even.add(d.name)
        except NoExtent:
            continue
    return array in known.even


def own_names(d: Definition) -> dict[str, str]:
    """The names of a row for those of the program."""
    array, *scalars = d.body.attr[1:]
    names = {"A": array, "dA": "d" + array, "F": d.name}
    for p in scalars:
        names |= {"p": p, "dp": "d" + p}
    return names


def dims_of(array: str, program: Program) -> tuple[Node, ...]:
    if array in program.inputs:
        return tuple(program.inputs[array].type.dims)
    return tuple(i.attr[1] for i in program.definition(array).indices)


def row_sizes(array: str, program: Program) -> dict[Node, Node]:
    m, n = dims_of(array, program)[-2:]
    return {size("m"): m, size("n"): n}


def beside(row: Program) -> list[Definition]:
    """The definitions of a row that are functions of whole matrices, and the scalars that stand beside these."""
    called = {n for q in row.definitions if q.body.op == "tensor" for n in q.body.attr[1:]}
    return [q for q in row.definitions if q.body.op == "tensor" or q.name in called]


def body_of(inner: Definition, names: Mapping[str, str], program: Program) -> Node:
    """A definition of a row over the names of the program; an exponent that is a number is put in."""
    if inner.body.op == "tensor":
        function, *arrays = inner.body.attr
        return make("tensor", (), (function, *(names[n] for n in arrays)))
    return inline(renamed(inner.body, names), numbers(program))


def numbers(program: Program) -> dict[str, Definition]:
    """The exponents that are numbers, by name."""
    return {d.name: d for d in program.definitions if d.introduced and d.body.op == "num"}


def with_beside(program: Program) -> Program:
    """The program with a definition of everything that the differentials of its whole-matrix functions read."""
    definitions: list[Definition] = []
    taken = program.names()
    for d in program.definitions:
        late: list[Definition] = []
        for inner, names in readings(d):
            known = program.with_definitions((*definitions, *late, *program.definitions))
            body = body_of(inner, names, known)
            found = next((q for q in known.definitions if q.body is body), None)
            if found is None:
                found = _definition(inner, body, names, program, taken)
                (late if d.name in reads(body) or reads(body) & {q.name for q in late} else definitions).append(found)
            names[inner.name] = found.name
        definitions += [d, *late]
    return program.with_definitions(tuple(definitions))


def readings(d: Definition) -> Iterator[tuple[Definition, dict[str, str]]]:
    """What the differential of `d` reads beside A and F, in order, with the names that its row has so far; whoever
    makes one enters its name."""
    if d.body.op == "tensor" and d.body.attr[0] in TENSOR:
        names = own_names(d)
        for inner in beside(row_of(d.body.attr[0])):
            yield inner, names


def _definition(
    inner: Definition, body: Node, names: Mapping[str, str], program: Program, taken: set[str]
) -> Definition:
    """The definition of what a row reads, by the row's names for those of the program."""
    stem, written = inner.name, None
    if body.op == "num":
        written = number(body.attr)
    elif inner.written is not None:
        written = put_in(inner.written.body, {n: named(m) for n, m in names.items()})
    if body.op == "tensor":
        function, array, *_ = body.attr
        stem = array + ("i" if function == "inv" else STEMS.get(function, "").lower() or function)
        written = whole_call(function, tuple(map(named, body.attr[1:])))
    name = next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 100))) if n not in taken)
    taken.add(name)
    sizes, lead = row_sizes(names["A"], program), dims_of(names["A"], program)[:-2]
    indices = tuple(fresh(n) for n in (*lead, *(sizes.get(i.attr[1], i.attr[1]) for i in inner.indices)))
    shown = None if written is None or lead else Equation(name, (), written)
    return Definition(name, indices, body, "tensor" if lead else inner.form, introduced=True, written=shown)


def renamed(f: Node, names: Mapping[str, str], lead: tuple[Node, ...] = ()) -> Node:
    """`f` over other arrays; of stacks of matrices, the one at `lead`."""
    return transform(f, lambda g: el(names[g.attr], (*lead, *g.args)) if g.op == "el" and g.attr in names else None)


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
