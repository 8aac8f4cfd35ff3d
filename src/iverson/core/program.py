"""A loss as a program: inputs, named definitions in order, and which of them is the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .node import Node, substitute, transform


@dataclass(frozen=True)
class Definition:
    """`name[indices] = body`.

    form        scalar, column, row, matrix or tensor: how it is read in matrix notation
    introduced  not written by the user as a definition
    written     the equation as the user wrote it (lang.surface.Equation), where there is one
    labels      its values are labels below this size (argmax); None otherwise
    """

    name: str
    indices: tuple[Node, ...]
    body: Node
    form: str = "scalar"
    introduced: bool = False
    labels: Node | None = None
    written: Any = None

    def at(self, terms: tuple[Node, ...]) -> Node:
        """The body with `terms` for the indices."""
        return substitute(self.body, dict(zip(self.indices, terms, strict=True)))


@dataclass(frozen=True)
class Program:
    """inputs by name (anything with `.type`), definitions in order of use, the name of the result.

    anonymous     the result was written without a name
    index_names   how the user called the indices over each size
    least   sizes with a smallest allowed value, from constant indices such as Y[7]
    """

    inputs: Mapping[str, Any]
    definitions: tuple[Definition, ...]
    result: str
    least: Mapping[Node, int] = field(default_factory=dict)
    index_names: Mapping[Node, tuple[str, ...]] = field(default_factory=dict)
    anonymous: bool = False

    def definition(self, name: str) -> Definition:
        return next(d for d in self.definitions if d.name == name)

    def names(self) -> set[str]:
        return {*self.inputs, *(d.name for d in self.definitions)}

    def dims(self) -> dict[str, tuple[Node, ...]]:
        """The sizes of every array."""
        return {n: i.type.dims for n, i in self.inputs.items()} | sizes_of(self.definitions)

    def with_definitions(self, definitions: tuple[Definition, ...]) -> Program:
        return replace(self, definitions=definitions)


def sizes_of(definitions: Iterable[Definition]) -> dict[str, tuple[Node, ...]]:
    """The sizes of definitions by name."""
    return {d.name: tuple(i.attr[1] for i in d.indices) for d in definitions}


def inline(f: Node, definitions: Mapping[str, Definition]) -> Node:
    """`f` with the elements of the given definitions replaced by their bodies, until none is left."""

    def step(g: Node) -> Node | None:
        if g.op == "el" and g.attr in definitions:
            return inline(definitions[g.attr].at(g.args), definitions)
        return None

    return transform(f, step)
