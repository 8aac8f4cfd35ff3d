"""A derivation in steps: the first line of it that disagrees with ours.

A line `dz = ...` claims the derivative of the loss by its definition or input z; a line `z = ...` gives a definition of the
loss again.  Each is compared by value, in the order in which they stand; what follows a wrong one is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..derivation.derive import Derived
from ..lang.kinds import Typed
from ..lang.show import show
from ..lang.sizes import show_size
from ..lang.surface import Equation, Script
from ..meaning.surface_eval import compile_surface
from .candidate import Candidate, assembled, runner

Adjoint = Callable[[str], tuple[Typed, Derived]]
CALLED = ("d{}", "d_{}", "grad_{}", "g_{}", "d{}_", "{}_bar", "{}_grad", "{}bar", "delta_{}", "dLd{}", "dL_d{}")  # names of a derivative by {}


@dataclass(frozen=True)
class Step:
    """A line that disagrees.  text: the line; of: the name it is about; shape: in sizes; loss and derived: of a derivative,
    what it is compared with, at which draws; own: what the loss has, of a definition; candidate: the lines up to it."""

    text: str
    of: str
    shape: str
    candidate: Candidate | None = None
    loss: Typed | None = None
    derived: Derived | None = None
    own: str = ""
    draws: Any = ()


def first_wrong(loss: Typed, derived: Derived, candidate: Candidate, adjoint: Adjoint, draws: Any, same: Callable[[Any, Any], bool]) -> Step | None:
    """The first line before the last that disagrees, None where there is none."""
    script = candidate.script
    if script is None:
        return None
    for place, e in enumerate(script.equations[:-1]):
        try:
            own = written_name(e.name, script.source)
            if own in loss.definitions and own != loss.script.result:
                found = redefined(loss, candidate, e, own, draws, same)
            else:
                found = claimed(loss, script, place, adjoint, draws, same)
        except (IversonError, ValueError, KeyError):
            continue
        if found is not None:
            return found
    return None


def written_name(name: str, source: str) -> str:
    """The name as the user wrote it: a function's own h is told from the loss's by a number, h1."""
    return name if re.search(rf"\b{re.escape(name)}\b", source) else name.rstrip("0123456789")


def redefined(loss: Typed, candidate: Candidate, e: Equation, name: str, draws: Any, same: Callable[[Any, Any], bool]) -> Step | None:
    """A definition of the loss that the candidate gives another value."""
    theirs, right = runner(candidate.typed, e.name), runner(loss, name)
    if all(same(theirs(d.arrays, d.sizes), right(d.arrays, d.sizes)) for d in draws):
        return None
    own = next(q for q in loss.script.equations if q.name == name)
    return Step(line(replace(e, name=name)), name, dims_text(loss, name), own=line(own))


def claimed(loss: Typed, script: Script, place: int, adjoint: Adjoint, draws: Any, same: Callable[[Any, Any], bool]) -> Step | None:
    """A derivative by a definition, or by an input, that is not the right one."""
    e = script.equations[place]
    of = meant(e.name, loss)
    if of is None:
        return None
    its, derived = adjoint(of)
    upto = replace(script, equations=script.equations[: place + 1], result=e.name)
    candidate = Candidate(assembled(its, derived, upto), "steps")
    ours = runner_of(derived)
    value = compile_surface(loss, [of]) if of in loss.definitions else None
    full = [d if value is None else replace(d, arrays={**d.arrays, of: value(d.arrays, d.sizes)[of]}) for d in draws]
    if all(same(candidate.run(d.arrays, d.sizes), ours(d.arrays, d.sizes)) for d in full):
        return None
    return Step(line(e), of, dims_text(loss, of), candidate, its, derived, draws=full)


def runner_of(derived: Derived) -> Callable[[Any, Any], np.ndarray]:
    from ..meaning.verify import read_back

    return runner(read_back(derived.program.inputs, [*derived.where, derived.main], derived.dims), derived.main.name)


def meant(name: str, loss: Typed) -> str | None:
    """What a line of this name is the derivative by."""
    known = [n for n in (*loss.definitions, *loss.inputs) if n != loss.script.result]
    return next((n for n in known for form in CALLED if form.format(n) == name), None)


def line(e: Equation) -> str:
    return f"{e.name} = {show(e.body)}"


def dims_text(loss: Typed, name: str) -> str:
    t = loss.definitions.get(name) or loss.inputs[name].type
    return ", ".join(show_size(n) for n in t.dims)
