"""A candidate gradient as something that has a value: a formula in some notation, or a function of the user's.

Glossary   run: the candidate as a function of admitted arrays and all sizes;  program: its definitions as nodes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.program import Program
from ..derivation.derive import Derived
from ..lang.kinds import Typed, typed
from ..lang.lower import lower
from ..lang.read import COMMAND
from ..lang.sizes import show_size
from ..lang.surface import Equation, Script, Surface, names_in
from ..lang.syntax import parse_script
from ..meaning.surface_eval import compile_surface
from ..meaning.verify import declaration

Run = Callable[[Any, Any], np.ndarray]
RESULT = "candidate_"
GREEK = {"lam": "lambda", "lmbda": "lambda", "sig": "sigma", "eps": "epsilon", "th": "theta", "al": "alpha", "be": "beta", "ga": "gamma"}
SIDE = re.compile(r"^\s*(?:\\(?:frac|dfrac|tfrac)\{\\?(?:partial|d|mathrm\{d\})[^=]*|\\nabla[^=]*|d[A-Z]\w*\s*/\s*d[^=]*|\\partial[^=]*)&?=&?")


@dataclass
class Candidate:
    """A formula that was read.  script: as it was written; `program` is None where it cannot be written with indices."""

    typed: Typed
    notation: str
    script: Script | None = None

    @cached_property
    def run(self) -> Run:
        return runner(self.typed, RESULT)

    @cached_property
    def program(self) -> Program | None:
        try:
            return lower(self.typed)
        except IversonError:
            return None


def readings(loss: Typed, derived: Derived, text: str, notation: str) -> list[Candidate]:
    """The candidate as functions: one for each notation in which it can be read."""
    readers = {"iverson": iverson_candidate, "numpy": numpy_candidate, "latex": latex_candidate}
    if notation == "auto" and COMMAND.search(text):
        notation = "latex"
    if notation != "auto":
        if notation not in readers:
            raise IversonError("unsupported", f"A candidate in {notation} is not read yet.")
        return [readers[notation](loss, derived, text)]
    found: list[Candidate] = []
    errors: list[IversonError] = []
    for reader in (iverson_candidate, numpy_candidate):
        try:
            found.append(reader(loss, derived, text))
        except IversonError as error:
            errors.append(error)
    if not found:
        raise errors[1] if ("np." in text or "@" in text) and errors[0].kind == "syntax" else errors[0]
    return found


def iverson_candidate(loss: Typed, derived: Derived, text: str) -> Candidate:
    script = parse_script(text, loss.functions)
    return Candidate(assembled(loss, derived, script), "iverson", script)


def latex_candidate(loss: Typed, derived: Derived, text: str) -> Candidate:
    """A formula in LaTeX over the names of the loss, with or without a left side such as `\\nabla_x L =`."""
    from ..lang.latex import parse_latex

    text = "\\\\".join(SIDE.sub("", row) for row in re.split(r"\\\\", text.strip().strip("$")))
    inputs = {n: i for n, i in derived.program.inputs.items() if i.role != "function"}
    sizes = {spelled(n): tuple(k.attr if k.op in ("num", "size") else show_size(k) for k in i.type.dims) for n, i in inputs.items()}
    script = parse_latex(text, sizes, {}, None, None)
    names = {spelled(n): n for n in inputs if spelled(n) != n}
    equations = tuple(replace(e, name=names.get(e.name, e.name), body=renamed(e.body, names)) for e in script.equations)
    script = replace(script, equations=equations)
    return Candidate(assembled(loss, derived, script), "latex", script)


def spelled(name: str) -> str:
    """What LaTeX calls an input: lam is \\lambda."""
    return GREEK.get(name, name)


def renamed(f: Surface, names: Mapping[str, str]) -> Surface:
    args = tuple(renamed(a, names) for a in f.args)
    attr = names.get(f.attr, f.attr) if f.op == "name" else f.attr
    return replace(f, args=args, attr=attr)


def numpy_candidate(loss: Typed, derived: Derived, text: str) -> Candidate:
    from ..lang.numpy_src import parse_numpy

    types = {n: i.type for n, i in derived.program.inputs.items()} | loss.definitions
    ranks: dict[str, int | str] = {n: "row" if t.form == "row" else t.rank for n, t in types.items()}
    sizes = {n: tuple(k.attr if k.op in ("num", "size") else show_size(k) for k in t.dims) for n, t in types.items() if t.dims}
    script = parse_numpy(text, ranks, sizes)
    return Candidate(assembled(loss, derived, script), "numpy", script)


def assembled(loss: Typed, derived: Derived, candidate: Script) -> Typed:
    """The candidate's equations behind the loss's own definitions and the names our answer introduced."""
    own = {e.name for e in candidate.equations}
    inputs = derived.program.inputs
    known = parse_script("\n".join([*map(declaration, inputs.values()), "0"])).declarations
    before = [
        e
        for e in loss.script.equations
        if e.name not in own and e.name != loss.script.result and e.name not in inputs
    ]
    taken = {e.name for e in before} | own | set(inputs)
    before += [e for e in derived.where if e.name not in taken]
    wanted = used_by(candidate.equations, before)
    result = Equation(
        RESULT,
        candidate.equations[-1].indices,
        candidate.equations[-1].body,
        candidate.equations[-1].span,
    )
    script = Script(
        tuple(known), (*wanted, *candidate.equations[:-1], result), RESULT, candidate.source
    )
    try:
        return typed(script, dims=derived.dims | {RESULT: tuple(i.attr[1] for i in derived.gradient.indices)})
    except IversonError as error:
        raise error.located(candidate.source) from None


def used_by(equations: tuple[Equation, ...], pool: list[Equation]) -> list[Equation]:
    """The equations of the pool that are read, directly or not, in order."""
    wanted: set[str] = set()
    stack = [e.body for e in equations]
    byname = {e.name: e for e in pool}
    while stack:
        for n in names_in(stack.pop()):
            if n in byname and n not in wanted:
                wanted.add(n)
                stack.append(byname[n].body)
    return [e for e in pool if e.name in wanted]


def runner(t: Typed, name: str) -> Run:
    f = compile_surface(t, [name])
    return lambda arrays, sizes: np.asarray(f(arrays, sizes)[name], float)
