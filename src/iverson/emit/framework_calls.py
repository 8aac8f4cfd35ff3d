"""A generated module of torch or JAX as a function: arrays are checked at the door, never cast.  Imports the framework."""

from __future__ import annotations

import builtins
import hashlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node
from ..core.program import Program
from ..derivation.answer import Answer
from ..lang.kinds import Input, describe
from ..meaning.structure import check_facts
from .frameworks import FRAMEWORKS
from .numpy_code import build, door_sizes, in_range
from .plan import gradient_plan

WITHHELD = ("eval", "exec", "compile", "open", "input", "breakpoint")  # of the builtins; torch.compile looks up the others


class FrameworkFunction:
    """f(**arrays) is (value, gradient); f.loss(**arrays) is the value, which the framework differentiates by the closed
    form.  `source` is the module."""

    def __init__(self, program: Program, answers: Mapping[str, Answer], target: str, source: str, by_name: bool) -> None:
        self.target, self.source, self.wrt = target, source, tuple(answers)
        self.by_name = by_name and len(answers) == 1
        _, maker = build(program, gradient_plan(program, answers, True), "value_and_grad", self.wrt, (), FRAMEWORKS[target])
        self.inputs, self.keys = maker.inputs, [maker.names[i.name] for i in maker.inputs]
        self.module = load(source, target)

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        value, gradient = self.module["value_and_grad"](**self.admit(args, arrays))
        return value, {self.wrt[0]: gradient} if self.by_name else gradient

    def loss(self, *args: Any, **arrays: Any) -> Any:
        """The value; its gradient by the framework is the closed form."""
        return self.module["loss"](**self.admit(args, arrays))

    def admit(self, args: tuple[Any, ...], arrays: dict[str, Any]) -> dict[str, Any]:
        """Arrays by the names of the module, of the declared ranks, of sizes that agree, with labels in their range."""
        given = {**dict(zip([i.name for i in self.inputs], args, strict=False)), **arrays}
        sizes: dict[Node, tuple[int, str]] = {}
        values = {key: admitted(i, given, sizes) for i, key in zip(self.inputs, self.keys, strict=True)}
        door_sizes(self.inputs, values, sizes)
        for i, v in zip(self.inputs, values.values(), strict=True):
            seen = None if i.type.classes is None and (not i.facts or i.name in self.wrt) else concrete(v)
            if seen is not None and i.type.classes is not None:
                in_range(i, seen, sizes)
            elif seen is not None:
                check_facts(i.name, i.facts, seen)
        return values


def admitted(i: Input, given: Mapping[str, Any], sizes: dict[Node, tuple[int, str]]) -> Any:
    v = given.get(i.name, i.default)
    if v is None:
        raise IversonError("data", f"{i.name} has no value.", hint=f"It is a {describe(i.type)}.")
    shape = tuple(np.shape(v))
    if len(shape) != len(i.type.dims):
        raise IversonError("shape", f"{i.name} has {len(shape)} axes; it is a {describe(i.type)}.")
    for n, k in zip(i.type.dims, shape, strict=True):
        size, other = sizes.setdefault(n, (k, i.name)) if n.op != "num" else (n.attr, "its declaration")
        if size != k:
            raise IversonError("shape", f"{i.name} has size {k} where {other} has {size}.", hint=f"It is a {describe(i.type)}.")
    return v


def concrete(v: Any) -> np.ndarray | None:
    """The values of an array that lies in this machine's memory; None while a program is traced or compiled."""
    try:
        found = np.asarray(v.detach().numpy() if hasattr(v, "detach") and v.device.type == "cpu" else v)
    except Exception:  # every framework has its own error for an array without values
        return None
    return found if found.dtype.kind in "fiub" else None


def load(source: str, target: str) -> dict[str, Any]:
    """Run our own generated module.  It is entered among the modules, where torch.compile looks for what it calls."""
    name = f"iverson_{target}_{hashlib.blake2b(source.encode(), digest_size=8).hexdigest()}"
    made = ModuleType(name)
    space = made.__dict__
    space["__builtins__"] = {n: v for n, v in vars(builtins).items() if n not in WITHHELD}
    try:
        exec(compile(source, f"<{name}>", "exec"), space)
    except ImportError as error:
        raise IversonError("usage", f"{target} is not installed: {error}.", hint=f"pip install {target}") from None
    sys.modules[name] = made
    return space
