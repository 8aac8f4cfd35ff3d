"""A loss as something to train: from what was read to the Problem that run/ asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from .core.errors import IversonError
from .core.program import Program
from .derivation.answer import Answer
from .lang.kinds import Input, Typed, describe
from .lang.shapes import show_size
from .lang.surface import Surface, walk
from .meaning.verify import line
from .run.problem import Arrays, InputSpec

Gradient = Callable[[tuple[str, ...]], tuple[Program, Mapping[str, Answer]]]


class TrainingProblem:
    """The loss with the inputs `wrt` as its parameters; by default those declared as param."""

    def __init__(
        self, typed: Typed, program: Program, gradient: Gradient, wrt: tuple[str, ...] | None = None
    ) -> None:
        self.typed, self.program, self.gradient = typed, program, gradient
        declared = tuple(n for n, i in typed.inputs.items() if i.role == "param")
        self.params = wrt or declared
        if not self.params:
            raise IversonError(
                "usage",
                "No input is a parameter.",
                hint="Declare one, W: param[D, K], or name it with --wrt.",
            )
        self.inputs = {n: spec(i, n in self.params) for n, i in typed.inputs.items()}
        self.source = full_text(typed, self.params)

    @property
    def predict(self) -> str | None:
        return "predict" if "predict" in self.typed.definitions else None

    @cached_property
    def _pair(self) -> Callable[..., Any]:
        from .run.kernel import numpy_function

        program, answers = self.gradient(self.params)
        return numpy_function(program, answers, True, None)

    def value_and_grad(self, arrays: Arrays) -> tuple[float, Arrays]:
        value, gradient = self._pair(**arrays)
        return float(value), {n: np.asarray(g) for n, g in gradient.items()}

    def evaluate(self, name: str, arrays: Arrays) -> np.ndarray:
        wanted = self.typed.script.result if name == "L" else name
        f = self._definitions.get(wanted)
        if f is None:
            from .emit.numpy_code import compiled_definition

            f = self._definitions[wanted] = compiled_definition(self.program, wanted)
        return np.asarray(f(**arrays))

    @cached_property
    def _definitions(self) -> dict[str, Callable[..., Any]]:
        return {}


def spec(i: Input, param: bool) -> InputSpec:
    """An input as run/ describes it."""
    if i.role == "function":
        raise IversonError("unsupported", f"{i.name} is a function; a loss with one cannot be trained.")
    role = "param" if param else "data" if i.role == "param" else i.role
    if role == "scalar" and i.type.dims:
        role = "data"
    if any(n.op not in ("num", "size") for n in i.type.dims):
        raise IversonError("unsupported", f"{i.name} is a {describe(i.type)}; a size made of others cannot be trained.")
    classes = None if i.type.classes is None else i.type.classes.attr
    return InputSpec(i.name, role, tuple(n.attr for n in i.type.dims), classes, i.default)


def full_text(typed: Typed, params: tuple[str, ...]) -> str:
    """The loss as a text that stands alone: as written where it declares everything, else with declarations."""
    script = typed.script
    same = all(i.declared and (i.role == "param") == (n in params) for n, i in typed.inputs.items())
    if same and script.notation == "iverson" and not any(odd(e.body) for e in script.equations):
        return script.source
    return (
        "\n".join(
            [
                *(declared_text(i, i.name in params) for i in typed.inputs.values()),
                *map(line, script.equations),
            ]
        )
        + "\n"
    )


def odd(tree: Surface) -> bool:
    return any(t.op == "call" and t.attr == "spread" for t in walk(tree))


def declared_text(i: Input, param: bool) -> str:
    if i.type.classes is not None:
        return f"{i.name}: {describe(i.type)}"
    kind = "param" if param else "scalar" if i.type.rank == 0 else "row" if i.type.form == "row" else "data"
    kind = i.facts[0] if i.facts and i.type.dims and not param else kind
    dims = f"[{', '.join(map(show_size, i.type.dims))}]" if i.type.dims else ""
    return f"{i.name}: {kind}{dims}" + ("" if i.default is None else f" = {i.default!r}")
