"""A readable NumPy module with the value and the gradients of a loss, and the same text as a function.

Functions are written in any dialect; frameworks.py puts those of torch and JAX into modules.

Glossary   answers: by input, what derivation/answer.py gives; names: every array's identifier in the code.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..core.affine import constant, nonnegative, polynomial, split, value_of
from ..core.errors import IversonError
from ..core.node import Node, of_polynomial, reads, walk
from ..core.program import Definition, Program, sizes_of
from ..derivation.answer import Answer
from ..derivation.polish import put_in
from ..lang.kinds import Input, describe
from ..lang.show import show
from ..lang.sizes import show_size, size_leaves, size_tree
from ..lang.surface import name as surface_name
from ..meaning.structure import check_facts
from .arrays import Arrays
from .dialects import HELPERS, PLAIN, Dialect
from .plan import Plan, gradient_plan, plan

# where entries that do not count are computed and then passed over, NumPy is not to speak of them
GUARDED = ("np.where(", *(f"{n}(" for n in HELPERS if n not in ("_sigmoid", "_erf", "_gram", "_logdet", "_scatter_add")))
QUIET = '@np.errstate(divide="ignore", invalid="ignore", over="ignore")\n'
RESERVED = {"np", "math", "value", "value_and_grad", *dir(builtins)}


def numpy_module(
    program: Program, answers: Mapping[str, Answer], text: str = "", formulas: Sequence[str] = ()
) -> str:
    """The module: value_and_grad, value, and one function for each definition beside the loss (predict)."""
    body = "\n\n".join(functions(program, answers, formulas))
    return header(text, body) + body


def functions(
    program: Program, answers: Mapping[str, Answer], formulas: Sequence[str], dialect: Dialect = PLAIN
) -> list[str]:
    """value_and_grad; value, of a scalar loss; predict, where it is defined."""
    whole = [function(program, gradient_plan(program, answers, True), "value_and_grad", tuple(answers), formulas, dialect)]
    result = program.definition(program.result)
    if not result.indices:
        whole.append(function(program, plan(program, [result], program.definitions), "value", (), (), dialect))
    for d in program.definitions:
        if d.name == "predict":
            whole.append(function(program, plan(program, [d], program.definitions), d.name, (), (), dialect))
    return whole


def carry(body: str, found: dict[str, str], helpers: Mapping[str, str] = HELPERS) -> None:
    """The helpers a text calls, and those they call."""
    for n, text in helpers.items():
        if n not in found and f"{n}(" in body:
            found[n] = text
            carry(text, found, helpers)


def header(text: str, body: str, dialect: Dialect = PLAIN) -> str:
    quoted = "".join(f"#   {line}\n" for line in printable(text).splitlines() if line.strip())
    wanted: dict[str, str] = {}
    carry(body, wanted, dialect.helpers)
    used = "\n".join(wanted[n] for n in dialect.helpers if n in wanted)
    imports = ("import math\n\n" if "math." in used + body else "") + dialect.imports + "\n"
    return (
        (f"# The loss, as it was written:\n{quoted}" if quoted else "")
        + imports
        + (used + "\n" if used else "")
        + "\n"
    )


def printable(text: str) -> str:
    """User text for a comment or a docstring: nothing that could end it."""
    return text.replace("\\", "/").replace('"""', "'''").replace("\r", "\n")


def function(
    program: Program, p: Plan, name: str, wrt: tuple[str, ...], formulas: Sequence[str] = (), dialect: Dialect = PLAIN
) -> str:
    """One function that computes the outputs of a plan."""
    return build(program, p, name, wrt, formulas, dialect)[0]


def build(
    program: Program, p: Plan, name: str, wrt: tuple[str, ...], formulas: Sequence[str] = (), dialect: Dialect = PLAIN
) -> tuple[str, Maker]:
    """The text of one function, and the names and inputs it came to have."""
    maker = Maker(program, p, dialect, wrt)
    body = maker.body(name in ("value_and_grad", "_from_sums"), wrt)
    signature = ", ".join([*map(maker.parameter, maker.inputs), *maker.asked.values()])
    doc = docstring(program, maker.inputs, name, wrt, formulas)
    guard = QUIET if dialect is PLAIN and any(g in row for row in body for g in GUARDED) else ""
    return f"{guard}def {name}({signature}):\n{doc}" + "\n".join(body) + "\n", maker


def docstring(
    program: Program, inputs: Sequence[Input], name: str, wrt: tuple[str, ...], formulas: Sequence[str]
) -> str:
    first = {
        "value_and_grad": f"The value and the gradient by {', '.join(wrt)}.",
        "_sums": "The sums over a block of samples.",
        "_from_sums": f"The value and the gradient by {', '.join(wrt)} from sums over all samples.",
        "pullback": f"The product of the gradient by the value with the derivative by {', '.join(wrt)}.",
        "derivatives": "The gradient and the diagonal of the Hessian of the sum over rows, entry by entry.",
        "value": "The value.",
    }.get(
        name, f"The value of the definition {name}."
    )
    lines = [f'    """{printable(first)}', ""] + [f"    {i.name}   {shape_text(i)}" for i in inputs]
    lines += [f"    {printable(f)}" for f in formulas]
    return "\n".join([*lines, '    """']) + "\n"


def shape_text(i: Input) -> str:
    if i.role == "function":
        return "a pair: the function and its derivative, both elementwise"
    return describe(i.type) + (", integers" if i.type.classes is not None else "")


class Maker:
    """The names and lines of one function."""

    def __init__(self, program: Program, p: Plan, dialect: Dialect = PLAIN, wrt: Sequence[str] = ()) -> None:
        self.program, self.plan, self.dialect, self.wrt = program, p, dialect, wrt
        self.inputs = sorted(self._read(), key=lambda i: i.default is not None)
        self.names: dict[str, str] = {}
        self.taken = RESERVED | dialect.words
        for n in (*(i.name for i in program.inputs.values()), *(d.name for d in p.definitions)):
            self.names[n] = self.unused(n if safe(n) else f"v_{ascii_of(n)}")
        self.sizes: dict[Node, str] = {}
        self.asked: dict[Node, str] = {}

    def _read(self) -> list[Input]:
        used = {n for d in self.plan.definitions for n in names_of(d)}
        return [i for i in self.program.inputs.values() if i.name in used or self._shape_only(i, used)]

    def _shape_only(self, i: Input, used: set[str]) -> bool:
        return (
            i.role in ("param", "label", "data") and not used & set(self.program.inputs) and bool(i.type.dims)
        )

    def unused(self, stem: str) -> str:
        found = next(n for n in (stem, *(f"{stem}{k}" for k in range(1, 10_000))) if n not in self.taken)
        self.taken.add(found)
        return found

    def size(self, n: Node) -> str:
        """The code of a size: a literal, or a variable that is set from a shape."""
        if n.op == "num":
            return str(n.attr)
        if n.op != "size":
            return self.compound(n)
        if n not in self.sizes:
            self.sizes[n] = self.unused(n.attr if safe(n.attr) else "n_")
        return self.sizes[n]

    def compound(self, n: Node) -> str:
        """A size made of others: `(n - w + 1)`; never negative."""
        names = {leaf.attr: self.size(leaf) for leaf in size_leaves(n)}
        text = show(put_in(size_tree(n), {a: surface_name(b) for a, b in names.items()})).replace("^", "**")
        return f"({text})" if nonnegative(polynomial(n) or {}) else f"max({text}, 0)"

    def parameter(self, i: Input) -> str:
        return self.names[i.name] + ("" if i.default is None else f"={i.default!r}")

    def body(self, pair: bool, wrt: tuple[str, ...]) -> list[str]:
        dims = self.program.dims() | sizes_of(self.plan.definitions)
        labels = [i.name for i in self.inputs if i.type.classes is not None]
        labels += [d.name for d in self.plan.definitions if d.labels is not None]
        arrays = Arrays(self.plan, self.names, self.size, self.unused, dims=dims, dialect=self.dialect, labels=labels)
        if self.dialect.transposed:
            arrays.tall = {self.names[i.name] for i in self.inputs if i.role == "data" and i.type.rank == 2}
        arrays.params = {self.names[i.name] for i in self.inputs if i.role == "param" and i.type.rank == 2}
        arrays.functions = {i.name for i in self.inputs if i.role == "function"}
        for d in self.plan.definitions:
            arrays.define(d.name, d.indices, d.body)
        outputs = [self.names[n] for n in self.plan.outputs]
        result = outputs[0] if outputs else "None"
        if pair and len(outputs) > 1:
            gradients = outputs[1:] if len(outputs) > len(wrt) else outputs
            inner = (
                gradients[0]
                if len(wrt) == 1
                else "{" + ", ".join(f"{w!r}: {g}" for w, g in zip(wrt, gradients, strict=True)) + "}"
            )
            result = f"{outputs[0]}, {inner}"
        elif len(outputs) > 1 and not wrt:
            result = ", ".join(outputs)
        elif len(outputs) > 1:
            result = "{" + ", ".join(f"{w!r}: {g}" for w, g in zip(wrt, outputs, strict=True)) + "}"
        shapes = self.shapes()
        functions = [
            f"    {self.names[i.name]}, {self.names[i.name]}_prime = {self.names[i.name]}"
            for i in self.inputs
            if i.role == "function"
        ]
        return [*functions, *self.opening(), *shapes, *arrays.lines, f"    return {result}"]

    def opening(self) -> list[str]:
        """What a function does to its arguments first: one dtype for all that is real, integers for labels."""
        rows = self.dialect.opening
        real = sorted((i for i in self.inputs if i.type.classes is None and i.role != "function"), key=self._leads)
        if not rows or not self.inputs:
            return []
        like = real[0] if real else self.inputs[0]
        lines = [] if like.type.rank else [rows["made"].format(self.names[like.name])]
        lines.append(rows["like"].format(self.names[like.name]))
        lines.append(assignments(rows["array"], [self.names[i.name] for i in self.inputs if i in real and (i.type.rank or i is like)]))
        lines.append(assignments(rows["scalar"], [self.names[i.name] for i in real if not i.type.rank and i is not like]))
        lines.append(assignments(rows["label"], [self.names[i.name] for i in self.inputs if i.type.classes is not None]))
        return [f"    {row}" for row in lines if row]

    def _leads(self, i: Input) -> tuple[bool, bool, bool]:
        return (i.type.rank == 0, i.name not in self.wrt, i.role != "param")

    def shapes(self) -> list[str]:
        """`N = X.shape[0]` for the sizes that the code speaks of.  A size that no input of the code tells is read off
        another input, which becomes an argument; one that none tells is an argument itself.  Never guessed from labels."""
        lines: list[str] = []
        solved: list[str] = []
        for n, var in self._all_sizes():
            place = self._place(n, self.inputs) or self._place(n, list(self.program.inputs.values()))
            if place is None and (found := self._solved(n)) is not None:
                solved.append(f"    {var} = {found}")
                continue
            if place is None:
                self.asked[n] = var
                continue
            if place[0] not in self.inputs:
                self.inputs = sorted([*self.inputs, place[0]], key=lambda i: i.default is not None)
            lines.append(f"    {var} = {self.names[place[0].name]}.shape[{place[1]}]")
        return lines + solved

    def _all_sizes(self) -> Iterator[tuple[Node, str]]:
        """The sizes that are spoken of, those included that come up on the way."""
        done: set[Node] = set()
        while rest := [n for n in self.sizes if n not in done]:
            done.add(rest[0])
            yield rest[0], self.sizes[rest[0]]

    def _solved(self, n: Node) -> str | None:
        """A size from an axis that holds it beside known ones: n of an axis n - 1."""
        for i in self.inputs:
            for axis, m in enumerate(i.type.dims):
                p = polynomial(m)
                parts = split(p, n) if p is not None and m.op == "add" else None
                c = None if parts is None else constant(parts[0])
                others = set(size_leaves(m)) - {n}
                if parts is not None and c in (1, -1) and all(self._place(x, self.inputs) for x in others):
                    shape = f"{self.names[i.name]}.shape[{axis}]"
                    rest = self.compound(of_polynomial(parts[1])) if others else str(parts[1].get((), 0))
                    return f"{shape} - {rest}" if c == 1 else f"{rest} - {shape}"
        return None

    def _place(self, n: Node, inputs: Sequence[Input]) -> tuple[Input, int] | None:
        return next(((i, axis) for i in inputs for axis, m in enumerate(i.type.dims) if m is n), None)


def door_sizes(inputs: Sequence[Input], values: Mapping[str, Any], sizes: dict[Node, tuple[int, str]]) -> None:
    """Axes whose sizes are made of others agree with them."""
    known = {n.attr: k for n, (k, _) in sizes.items() if n.op == "size"}
    for i, key in zip(inputs, values, strict=False):
        for n, k in zip(i.type.dims, np.shape(values[key]), strict=False):
            leaves_known = n.op not in ("num", "size") and all(leaf.attr in known for leaf in size_leaves(n))
            if leaves_known and value_of(polynomial(n) or {}, known) != k:
                raise IversonError(
                    "shape",
                    f"{i.name} has size {k} where {show_size(n)} is {value_of(polynomial(n) or {}, known)}.",
                    hint=f"It is a {describe(i.type)}.",
                )


def names_of(d: Definition) -> set[str]:
    if d.body.op == "tensor":
        return set(reads(d.body))
    return {g.attr for g in walk(d.body) if g.op == "el"} | {
        g.attr.rstrip("'") for g in walk(d.body) if g.op == "apply"
    }


def assignments(row: str, names: Sequence[str]) -> str:
    """`X, W = X.to(dtype), W.to(dtype)` of the row of one of them."""
    sides = [row.format(n).split(" = ", 1) for n in names]
    return f"{', '.join(a for a, _ in sides)} = {', '.join(b for _, b in sides)}" if sides else ""


def safe(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


def ascii_of(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum()) else f"u{ord(c):x}" for c in name)


def compiled(
    program: Program,
    answers: Mapping[str, Answer],
    value: bool = True,
    by_name: bool = False,
    on_nan: Callable[[str, Mapping[str, Any]], None] | None = None,
    p: Plan | None = None,
) -> Compiled:
    """The generated code as f(**arrays) -> (value, gradient); without `value`, the gradient alone.

    p         the plan of both, where there is one already
    by_name   the gradients come as a dict even where there is only one
    on_nan    called with the name of the input and the arrays where a gradient holds nan

    Arrays are checked and cast at the door: IversonError `shape` or `data` with the array's name.
    """
    p = p or gradient_plan(program, answers, value)
    name = "value_and_grad" if value else "gradient"
    source, maker = build(program, p, name, tuple(answers) if value else ())
    run = load(source, name)
    if by_name and value and len(answers) == 1:
        only, (wrt,) = run, tuple(answers)

        def run(**arrays: Any) -> Any:
            v, gradient = only(**arrays)
            return v, {wrt: gradient}

    return Compiled(
        run, maker.inputs, [maker.names[i.name] for i in maker.inputs], header("", source) + source,
        maker.asked,
        on_nan and partial(look_for_nan, on_nan, tuple(answers), value),
        tuple(answers),
    )


def look_for_nan(
    report: Callable[[str, Mapping[str, Any]], None], wrt: Sequence[str], value: bool, arrays: Mapping[str, Any],
    result: Any
) -> None:
    """Report the first gradient of a result that holds nan."""
    gradients = result[1] if value else result
    for n in wrt:
        if np.isnan(gradients[n] if isinstance(gradients, dict) else gradients).any():
            report(n, arrays)


def compiled_definition(program: Program, name: str) -> Callable[..., Any]:
    """One definition of the program as a function of the arrays it reads."""
    p = plan(program, [program.definition(name)], program.definitions)
    source, maker = build(program, p, "compute", ())
    return Compiled(
        load(source, "compute"), maker.inputs, [maker.names[i.name] for i in maker.inputs], source, maker.asked,
        by=tuple(program.inputs),
    )


def load(source: str, name: str) -> Callable[..., Any]:
    """Run our own generated text in a namespace that holds NumPy and the helpers only."""
    space: dict[str, Any] = {
        "__builtins__": {"float": float, "int": int, "len": len, "max": max, "range": range, "getattr": getattr, "__import__": __import__}
    }
    text = header("", source) + source
    exec(compile(text, f"<iverson {name}>", "exec"), space)
    return space[name]


class Compiled:
    """A generated function with its door: f(**arrays) or f(*arrays) in the order of `inputs`."""

    def __init__(
        self,
        run: Callable[..., Any],
        inputs: Sequence[Input],
        keys: Sequence[str],
        source: str,
        asked: Mapping[Node, str],
        after: Callable[[Mapping[str, Any], Any], None] | None = None,
        by: Collection[str] = (),
    ) -> None:
        self.after = after
        self.by = frozenset(by)  # nothing that is declared of these is asked: they are varied
        self.run, self.inputs, self.keys, self.source = run, list(inputs), list(keys), source
        self.asked = dict(asked)
        self.labels = [(i, key) for i, key in zip(self.inputs, keys, strict=True) if i.type.classes is not None]
        self.facts = [(i, key) for i, key in zip(self.inputs, keys, strict=True) if i.facts and i.name not in self.by]
        self.made = any(n.op not in ("num", "size") for i in self.inputs for n in i.type.dims)

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        if args:
            arrays = {**dict(zip([i.name for i in self.inputs], args, strict=False)), **arrays}
        sizes: dict[Node, tuple[int, str]] = {}
        values = {key: admit(i, arrays, sizes) for i, key in zip(self.inputs, self.keys, strict=True)}
        if self.made:
            door_sizes(self.inputs, values, sizes)
        for i, key in self.labels:
            in_range(i, values[key], sizes)
        for i, key in self.facts:
            check_facts(i.name, i.facts, values[key])
        for n, var in self.asked.items():
            values[var] = arrays.get(n.attr)
            if values[var] is None:
                raise IversonError("shape", f"No array tells the size {n.attr}.", hint=f"Give it: {n.attr}=...")
        try:
            with np.errstate(all="ignore"):
                result = self.run(**values)
        except np.linalg.LinAlgError as error:
            raise IversonError(
                "data", f"A matrix on the way cannot be treated: {error}.", hint="Is one of them singular?"
            ) from None
        if self.after is not None:
            self.after(arrays, result)
        return result


def admit(i: Input, arrays: Mapping[str, Any], sizes: dict[Node, tuple[int, str]]) -> Any:
    """One array at the door, float64 or int64, of the declared rank and of sizes that agree."""
    given = arrays.get(i.name, i.default)
    if given is None:
        raise IversonError("data", f"{i.name} has no value.", hint=f"It is a {describe(i.type)}.")
    if i.role == "function":
        return given
    v = np.asarray(given)
    wanted = np.int64 if i.type.classes is not None else np.float64
    if v.dtype != wanted:
        v = cast(i, v, wanted)
    if v.ndim != len(i.type.dims):
        raise IversonError("shape", f"{i.name} has {v.ndim} axes; it is a {describe(i.type)}.")
    for n, k in zip(i.type.dims, v.shape, strict=True):
        known = sizes.setdefault(n, (k, i.name)) if n.op != "num" else (n.attr, "its declaration")
        if known[0] != k:
            raise IversonError(
                "shape",
                f"{i.name} has size {k} where {known[1]} has {known[0]}.",
                hint=f"It is a {describe(i.type)}.",
            )
    return v


def cast(i: Input, v: np.ndarray, wanted: type) -> np.ndarray:
    if v.dtype.kind not in "fiub" or (
        wanted is np.int64 and v.dtype.kind == "f" and not np.all(v == np.floor(v))
    ):
        raise IversonError(
            "data",
            f"{i.name} must hold {'integers' if wanted is np.int64 else 'real numbers'}, not {v.dtype}.",
        )
    return v.astype(wanted)


def in_range(i: Input, v: np.ndarray, sizes: Mapping[Node, tuple[int, str]]) -> None:
    """Labels lie in 0..K-1."""
    n = i.type.classes
    assert n is not None
    top = n.attr if n.op == "num" else sizes.get(n, (None,))[0]
    low, high = (v.min(), v.max()) if v.size else (0, 0)
    if low < 0 or (top is not None and high >= top):
        bad = int(low if low < 0 else high)
        raise IversonError(
            "data", f"{i.name} holds the label {bad}; labels run from 0 to {top - 1 if top else 'K - 1'}."
        )
