"""A loss in another notation: what was read, written again so that it reads the same.

Every text begins with comments that say what formulas leave open, its notation, inputs and result (lang/preamble.py), and is
read back before it is handed out: the inputs and the nodes of every definition are those of the loss, or there is no text.
A notation has several writers, from the way papers write to the words of iverson notation; the first that reads back is taken.
Indices that LaTeX counts from 1 count from 0 here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .core.errors import IversonError
from .core.node import Node, elements, transform, el
from .core.program import Definition, Program
from .lang.kinds import Input, Typed, describe
from .lang.lower import lower
from .lang.preamble import preamble
from .lang.read import read
from .lang.show import equation_text
from .lang.show_latex import equation_latex, worded_latex
from .lang.show_numpy import needed, numpy_text, python_name
from .lang.show_unicode import equation_unicode, worded_unicode
from .lang.sizes import show_size
from .lang.structure import STRUCTURES
from .lang.surface import Equation

Writer = Callable[[Typed], str]
TARGETS = ("iverson", "matrix", "latex", "unicode", "numpy")


def written(typed: Typed, to: str, source: str = "") -> str:
    """A loss that has been read, in another notation; what is given out reads back to the same program.

    Errors   IversonError "unsupported": the notation cannot say this, or what it says would be read as something else
    """
    if to not in TARGETS:
        raise IversonError("usage", f"A loss is converted to {', '.join(TARGETS)}, not to {to!r}.")
    program = lower(typed)
    failure: IversonError | None = None
    for writer in WRITERS[to]:
        try:
            text = writer(typed)
            refuse_other(program, lower(read(text)), text, to)
            return text
        except IversonError as error:
            failure = failure or error
    assert failure is not None
    if failure.kind == "unsupported":
        raise failure
    raise IversonError("unsupported", f"This loss has no {to} text that reads back: {failure.message}", hint=failure.hint)


# -- whether a text reads back -------------------------------------------------------------------------------


def refuse_other(wanted: Program, found: Program, text: str, to: str) -> None:
    """A text that is read as another loss is not given out."""
    rename = python_name if to == "numpy" else str
    used = list(wanted.definitions) if to in ("iverson", "matrix") else reached(wanted)
    for i in wanted.inputs.values():
        other = found.inputs.get(rename(i.name))
        if other is None or (other.type.dims, other.type.classes, other.default) != (i.type.dims, i.type.classes, i.default) or set(other.facts) != set(i.facts):
            raise IversonError("unsupported", f"{i.name} would be read as another input.", source=text)
    rows = {d.name: d for d in found.definitions}
    for d in used:
        own = renamed(d, rename)
        other = rows.get(own.name)
        if other is None or len(other.indices) != len(d.indices) or other.at(d.indices) is not own.body:
            raise IversonError("unsupported", f"{d.name} would be read as another formula.", source=text)
    if rename(wanted.result) != found.result:
        raise IversonError("unsupported", f"{found.result} would be read as the loss.", source=text)


def renamed(d: Definition, rename: Callable[[str], str]) -> Definition:
    def step(f: Node) -> Node | None:
        return el(rename(f.attr), f.args) if f.op == "el" and rename(f.attr) != f.attr else None

    return replace(d, name=rename(d.name), body=transform(d.body, step))


def reached(p: Program) -> list[Definition]:
    """The definitions that the result reads, and the result."""
    rows, found, todo = {d.name: d for d in p.definitions}, dict[str, Definition](), [p.result]
    while todo:
        d = rows.get(todo.pop())
        if d is not None and d.name not in found:
            found[d.name] = d
            todo += [f.attr for f in elements(d.body)]
    return list(found.values())


# -- texts ---------------------------------------------------------------------------------------------------


def declaration(i: Input) -> str:
    """An input as it is declared in a text."""
    dims = ", ".join(map(show_size, i.type.dims))
    default = "" if i.default is None else f" = {i.default!r}"
    if i.role == "function":
        return f"{i.name}: function"
    if i.type.classes is not None:
        return f"{i.name}: label[{dims}] in {show_size(i.type.classes)}"
    row = STRUCTURES.get(i.facts[0]) if i.facts else None
    form = describe(i.type).partition("[")[0]
    kind = row.name if row else "row" if form == "row" else i.role if i.role in ("data", "param") else "scalar"
    if not i.type.dims:
        return f"{i.name}: {kind if row else 'scalar'}{default}"
    return f"{i.name}: {kind}[{show_size(i.type.dims[0]) if row and row.square else dims}]"


def declarations(t: Typed) -> list[str]:
    return list(map(declaration, t.inputs.values()))


def iverson_text(t: Typed) -> str:
    """Declarations and definitions; the result last where it has no name."""
    return "\n".join([*declarations(t), *map(equation_text, t.script.equations)])


def formulas(notation: str, equation: Callable[[Equation], str]) -> Writer:
    """Comments, and a formula a line: the definitions that the loss uses, and the loss."""
    def text(t: Typed) -> str:
        options = {"target": t.script.result if len(needed(t)) > 1 else None, "base": 0}
        return preamble(notation, declarations(t), options) + "\n".join(map(equation, needed(t)))

    return text


def numpy_source(t: Typed) -> str:
    said = [python_name(i.name) + declaration(i)[len(i.name) :] for i in t.inputs.values()]
    return preamble("numpy", said, {}) + numpy_text(t)


# fmt: off
WRITERS: dict[str, Sequence[Writer]] = {
    "iverson": (iverson_text,),
    "latex": (formulas("latex", equation_latex), formulas("latex", worded_latex)),
    "unicode": (formulas("unicode", equation_unicode), formulas("unicode", worded_unicode)),
    "numpy": (numpy_source,),
}
# fmt: on
