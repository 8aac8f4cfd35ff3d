"""A loss in another notation: what was read, written again so that it reads the same.

Every text begins with comments that say what formulas leave open, its notation, inputs and result (lang/preamble.py), and is
read back before it is handed out: the inputs and the nodes of every definition are those of the loss.  A notation has several
writers, from the way papers write to the words of iverson notation, and the loss several forms, as it was written and by
indices; the first text that reads back is taken.  Where a notation has no other word for it, log(det(X)) for logdet(X), a text
is taken that has the same inputs and the same values at random arguments.  Else there is none.
Indices that LaTeX counts from 1 count from 0 here.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .core.errors import IversonError
from .core.node import Node, el, elements, transform
from .core.program import Definition, Program
from .derivation.answer import Writer as Equations
from .lang.kinds import Input, Typed, describe, typed
from .lang.latex_words import FUNCTIONS as CALLED
from .lang.lower import lower
from .lang.ops import OPS
from .lang.preamble import preamble
from .lang.read import marked, read
from .lang.show import equation_text, show
from .lang.show_latex import ACCENTS, equation_latex, worded_latex
from .lang.show_numpy import needed, numpy_text, python_name
from .lang.show_unicode import equation_unicode, signed, worded_unicode
from .lang.sizes import show_size
from .lang.structure import STRUCTURES, kind_of
from .lang.surface import Equation, Surface, walk
from .lang.syntax import parse_script
from .meaning.sample import instances
from .meaning.surface_eval import compile_surface

DRAWS = 3
Writer = Callable[[Typed], str]
TARGETS = ("iverson", "matrix", "latex", "unicode", "numpy")


def written(t: Typed, to: str, source: str = "") -> str:
    """A loss that has been read, in another notation; what is given out reads back to the same loss.

    Errors   IversonError "unsupported": the notation cannot say this, or what it says would be read as something else
    """
    if to not in TARGETS:
        raise IversonError("usage", f"A loss is converted to {', '.join(TARGETS)}, not to {to!r}.")
    program = lower(t)
    equal: str | None = None
    failure: IversonError | None = None
    for form in FORMS[to]:
        for writer in WRITERS[to]:
            try:
                shown = form(t, program)
                text = writer(shown)
                found = read(text)
                other = difference(program, lower(found), to, names_of(to, shown))
                if other is None:
                    return text
                equal = equal or (text if agrees(t, found, to) else None)
                failure = failure or refusal(to, f"{other} would be read otherwise")
            except IversonError as error:
                failure = failure or (error if error.kind == "unsupported" else refusal(to, error.message.rstrip("."), error.hint))
    if equal is not None:
        return equal
    assert failure is not None
    raise failure


def refusal(to: str, why: str, hint: str | None = None) -> IversonError:
    return IversonError("unsupported", f"This loss has no {to} text that reads back: {why}.", hint=hint)


# -- whether a text reads back -------------------------------------------------------------------------------


def names_of(to: str, t: Typed) -> dict[str, str]:
    """What a notation calls the inputs and definitions of a loss."""
    if to == "numpy":
        return {n: python_name(n) for n in (*t.inputs, *t.definitions)}
    return latex_names(t) if to == "latex" else {}


def difference(wanted: Program, found: Program, to: str, names: Mapping[str, str]) -> str | None:
    """The name of what is another input or another formula in the program that was found; None where nothing is."""
    used = list(wanted.definitions) if to == "iverson" else reached(wanted)
    for i in wanted.inputs.values():
        if not alike(i, found.inputs.get(names.get(i.name, i.name))):
            return i.name
    rows = {d.name: d for d in found.definitions}
    for d in used:
        own = renamed(d, names)
        other = rows.get(own.name)
        if other is None or len(other.indices) != len(d.indices) or other.at(d.indices) is not own.body:
            return d.name
    return None if names.get(wanted.result, wanted.result) == found.result else wanted.result


def alike(i: Input, other: Input | None) -> bool:
    """Whether two inputs are of one kind."""
    if other is None:
        return False
    a, b = ((x.type.dims, x.type.classes, x.default, set(x.facts)) for x in (i, other))
    return a == b


def agrees(t: Typed, found: Typed, to: str) -> bool:
    """Whether two readings have the same inputs and, at random arguments, the same values."""
    rename = python_name if to == "numpy" else str
    if not all(alike(i, found.inputs.get(rename(i.name))) for i in t.inputs.values()):
        return False
    try:
        draws = instances(t, 0, DRAWS).draws
    except IversonError:
        return False
    one, other = compile_surface(t, [t.script.result]), compile_surface(found, [found.script.result])
    for d in draws:
        arrays = {rename(n): v for n, v in d.arrays.items()}
        a, b = one(d.arrays, d.sizes)[t.script.result], other(arrays, d.sizes)[found.script.result]
        if np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-9, atol=1e-12):
            return False
    return bool(draws)


def renamed(d: Definition, names: Mapping[str, str]) -> Definition:
    def step(f: Node) -> Node | None:
        return el(names[f.attr], f.args) if f.op == "el" and names.get(f.attr, f.attr) != f.attr else None

    return replace(d, name=names.get(d.name, d.name), body=transform(d.body, step))


def reached(p: Program) -> list[Definition]:
    """The definitions that the result reads, and the result."""
    rows, found, todo = {d.name: d for d in p.definitions}, dict[str, Definition](), [p.result]
    while todo:
        d = rows.get(todo.pop())
        if d is not None and d.name not in found:
            found[d.name] = d
            todo += [f.attr for f in elements(d.body)]
    return list(found.values())


# -- forms ---------------------------------------------------------------------------------------------------


def as_written(t: Typed, program: Program) -> Typed:
    return t


def by_indices(t: Typed, program: Program) -> Typed:
    """Every definition that the result uses by its entries."""
    used = {d.name for d in reached(program)}
    writer = Equations(program, program.definitions)
    return again(t, program, [writer.matrix(d) or writer.indexed(d) if d.body.op == "tensor" else writer.indexed(d)
                              for d in program.definitions if d.name in used])


def in_matrices(t: Typed, program: Program) -> Typed:
    """Every definition that the result uses in matrix notation.

    Errors   unsupported, at the definition that has no matrix form
    """
    used = {d.name: d for d in reached(program)}
    writer = Equations(program, program.definitions)
    lines = []
    for d in (d for d in program.definitions if d.name in used):
        e = d.written if d.written is not None and of_matrices(d.written) else writer.matrix(d)
        if e is None or not of_matrices(e):
            at = d.written.span if d.written is not None else None
            raise IversonError("unsupported", f"{index_part(writer, d)} has no matrix form.", at,
                               hint="Convert to iverson, which has indices too.", source=t.script.source if at else "")
        lines.append(e)
    main, rest = writer.settle(lines[-1], lines[:-1], {d.name for d in program.definitions if d.introduced})
    return again(t, program, [*rest, main])


def index_part(writer: Equations, d: Definition) -> str:
    """The terms of a definition that only an index form has."""
    terms = d.body.args if d.body.op == "add" else (d.body,)
    held = [g for g in terms if (e := writer.matrix(replace(d, body=g, written=None))) is None or not of_matrices(e)]
    return " and ".join(show(writer.indexed(replace(d, body=g)).body) for g in held or terms)


def of_matrices(e: Equation) -> bool:
    """Without indices and sums over them."""
    return not e.indices and not any(x.op in ("index", "reduce", "bracket") and not whole_row(x) for x in walk(e.body))


def whole_row(x: Surface) -> bool:
    """A bracket of arrays, entry by entry, is matrix notation; a row X[0,:] and an entry are not."""
    return x.op == "bracket" and not any(y.op == "index" for y in walk(x))


def again(t: Typed, program: Program, equations: Sequence[Equation]) -> Typed:
    """Equations over the inputs of the loss."""
    script = replace(t.script, equations=tuple(equations), declarations=(), notation="iverson", notes=())
    text = "\n".join([*declarations(t), *map(equation_text, script.equations)])
    found = parse_script(text, t.functions)
    return typed(replace(found, result=program.result), dims=program.dims())


# -- texts ---------------------------------------------------------------------------------------------------


def declaration(i: Input) -> str:
    """An input as it is declared in a text."""
    dims = ", ".join(map(show_size, i.type.dims))
    default = "" if i.default is None else f" = {i.default!r}"
    if i.role == "function":
        return f"{i.name}: function"
    if i.type.classes is not None:
        return f"{i.name}: label[{dims}] in {show_size(i.type.classes)}"
    row = STRUCTURES.get(kind_of(i.facts)) if i.facts else None
    form = describe(i.type).partition("[")[0]
    kind = row.name if row else "row" if form == "row" else i.role if i.role in ("data", "param") else "scalar"
    if not i.type.dims:
        return f"{i.name}: {f'{kind}[]' if row else 'scalar'}{default}"
    return f"{i.name}: {kind}[{show_size(i.type.dims[0]) if row and row.square and i.type.rank == 2 else dims}]"


def declarations(t: Typed) -> list[str]:
    return list(map(declaration, t.inputs.values()))


def iverson_text(t: Typed) -> str:
    """Declarations and definitions; a comment in front where these alone would be taken for something else."""
    text = "\n".join([*declarations(t), *map(equation_text, t.script.equations)])
    target = t.script.result if t.script.result != "L" and "L" in t.definitions else None
    return text if target is None and marked(text, None, None) == "auto" else preamble("iverson", [], {"target": target}) + text


def latex_text(equation: Callable[[Equation], str]) -> Writer:
    """Comments, and a formula a line: the definitions that the loss uses, and the loss."""
    def text(t: Typed) -> str:
        words = latex_words(t)
        lines = [equation(lettered(e, words)) for e in needed(t)]
        said = [d + (rf" as \mathrm{{{words[n]}}}" if n in words else "") for n, d in zip(t.inputs, declarations(t), strict=True)]
        return preamble("latex", said, options(t, latex_names(t))) + "\n".join(lines)

    return text


def unicode_text(equation: Callable[[Equation], str]) -> Writer:
    """Comments, and a formula a line."""
    def text(t: Typed) -> str:
        return preamble("unicode", declarations(t), options(t, {})) + "\n".join(equation(lettered(e, {})) for e in needed(t))

    return text


def signed_text(t: Typed) -> str:
    """Iverson notation in the signs of a chalkboard."""
    return preamble("iverson", [], {}) + "\n".join([*declarations(t), *(signed(equation_text(e)) for e in t.script.equations)])


def options(t: Typed, names: Mapping[str, str]) -> dict[str, object]:
    return {"target": names.get(t.script.result, t.script.result), "base": 0}


def latex_words(t: Typed) -> dict[str, str]:
    """Words for names that LaTeX would read as something else: an operator, a subscript."""
    taken = {*t.inputs, *t.definitions}
    found: dict[str, str] = {}
    for n in taken:
        stem = n.rstrip("0123456789_")
        given = n in t.inputs
        indexed = stem != n and any(e.name == n and e.indices for e in t.script.equations)
        accented = n.rpartition("_")[2] in ACCENTS
        if stem in OPS or stem in CALLED or n.endswith("_") or indexed or (given and "_" in n and not accented):
            letters = re.sub(r"[^A-Za-z]", "", n) or "v"
            found[n] = next(w for w in (letters + mark * k for k in range(1, 99) for mark in "xz") if w not in taken and w not in found.values())
    return found


def latex_names(t: Typed) -> dict[str, str]:
    """What LaTeX calls the definitions: u1 is u_1."""
    return {n: re.sub(r"(?<=[^\W\d_])(\d+)$", r"_\1", n) for n in t.definitions} | {
        n: w for n, w in latex_words(t).items() if n in t.definitions}


def lettered(e: Equation, words: Mapping[str, str]) -> Equation:
    """Indices by single letters, and other names for some arrays."""
    taken = {x.attr for x in walk(e.body) if x.op == "name"} | set(e.indices or ())
    taken |= {n for x in walk(e.body) if x.op == "reduce" for n in x.attr[1]}
    free = iter([c for c in "ijklmnpqrstuvhgabcdefowxyz" if c not in taken] + [c for c in string.ascii_uppercase if c not in taken])
    long = sorted(n for n in {*(e.indices or ()), *(n for x in walk(e.body) if x.op == "reduce" for n in x.attr[1])} if len(n) > 1)
    every = {**words, **{n: next(free, n) for n in long}}
    if not every:
        return e
    return Equation(every.get(e.name, e.name), tuple(every.get(n, n) for n in e.indices) if e.indices is not None else None,
                    renamed_tree(e.body, every), e.span)


def renamed_tree(x: Surface, words: Mapping[str, str]) -> Surface:
    attr = words.get(x.attr, x.attr) if x.op == "name" else x.attr
    if x.op == "reduce":
        attr = x.attr[0], tuple(words.get(n, n) for n in x.attr[1])
    return Surface(x.op, tuple(renamed_tree(a, words) for a in x.args), attr, x.span)


def numpy_source(t: Typed) -> str:
    said = [python_name(i.name) + declaration(i)[len(i.name) :] for i in t.inputs.values()]
    return preamble("numpy", said, {}) + numpy_text(t)


# fmt: off
FORMS: dict[str, Sequence[Callable[[Typed, Program], Typed]]] = {
    "iverson": (as_written, by_indices), "matrix": (in_matrices,), "latex": (as_written, by_indices),
    "unicode": (as_written, by_indices), "numpy": (as_written, by_indices),
}
WRITERS: dict[str, Sequence[Writer]] = {
    "iverson": (iverson_text,), "matrix": (iverson_text,),
    "latex": (latex_text(equation_latex), latex_text(worded_latex)),
    "unicode": (unicode_text(equation_unicode), unicode_text(worded_unicode), signed_text),
    "numpy": (numpy_source,),
}
# fmt: on
