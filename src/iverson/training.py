"""A loss as something to train: from what was read to the Problem that run/ asks for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from .convex import judged
from .core.errors import IversonError
from .core.program import Program
from .derivation.answer import Answer
from .lang.kinds import Input, Typed, describe
from .lang.shapes import show_size
from .lang.structure import kind_of
from .lang.surface import Surface, walk
from .meaning.verify import line
from .run.problem import Arrays, InputSpec, Pair, Traits
from .smoothing import kinks_of, norm1_terms, opened, smooth_script

Gradient = Callable[[tuple[str, ...]], tuple[Program, Mapping[str, Answer]]]
Reread = Callable[[str, tuple[str, ...]], "TrainingProblem"]
NATIVE_FROM = 100_000  # numbers in the largest array from which on a kernel is compiled: 2 to 3 s, once on a machine


def parameters(typed: Typed) -> tuple[str, ...]:
    """The inputs declared as param; a loss without one has to be asked about by name."""
    declared = tuple(n for n, i in typed.inputs.items() if i.role == "param")
    if not declared:
        raise IversonError("usage", "No input is a parameter.", hint="Declare one, W: param[D, K], or name it with --wrt, in Python wrt=\"W\".")
    return declared


class TrainingProblem:
    """The loss with the inputs `wrt` as its parameters; by default those declared as param."""

    def __init__(
        self, typed: Typed, program: Program, gradient: Gradient, wrt: tuple[str, ...] | None = None, reread: Reread | None = None
    ) -> None:
        self.typed, self.program, self.gradient, self.reread = typed, program, gradient, reread
        self.params = wrt or parameters(typed)
        self.inputs = {n: spec(i, n in self.params) for n, i in typed.inputs.items()}
        self.source = full_text(typed, self.params)

    @property
    def predict(self) -> str | None:
        return "predict" if "predict" in self.typed.definitions else None

    @cached_property
    def _derived(self) -> tuple[Program, Mapping[str, Answer]]:
        return self.gradient(self.params)

    def value_and_grad(self, arrays: Arrays) -> tuple[float, Arrays]:
        value, gradient = self._pair(large(arrays))(**arrays)
        return float(value), {n: np.asarray(g) for n, g in gradient.items()}

    def _pair(self, native: bool) -> Callable[..., Any]:
        if native not in self._pairs:
            self._pairs[native] = runner(*self._derived, native)
        return self._pairs[native]

    @cached_property
    def _pairs(self) -> dict[bool, Callable[..., Any]]:
        return {}

    @cached_property
    def traits(self) -> Traits:
        """What solvers may make use of."""
        return Structure(self).traits

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


def large(arrays: Arrays) -> bool:
    """Whether a kernel of its own is worth its compilation: by the numbers alone, so that a fit can be repeated."""
    return max((np.size(v) for v in arrays.values()), default=0) >= NATIVE_FROM


def runner(program: Program, answers: Mapping[str, Answer], native: bool) -> Callable[..., Any]:
    """(value, gradients) as a kernel where one is wanted and can be had, else as NumPy code."""
    from .run.kernel import compile_native, numpy_function

    if native:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            kernel = compile_native(program, answers, "float64", 1, True, None, wait=True)
        if kernel.info.tier == "native":
            return kernel
    return numpy_function(program, answers, True, None)


class Structure:
    """The traits of a training problem, each found when it is first asked for."""

    def __init__(self, problem: TrainingProblem) -> None:
        self.problem, self.params = problem, problem.params
        whole = opened(problem.program)
        self.norms, self.rest = norm1_terms(whole, self.params)

    @property
    def traits(self) -> Traits:
        kinked = any(kinks_of(f, self.params) for f in self.rest)
        can = kinked and self.problem.reread is not None and smooth_script(self.problem.typed.script) is not None
        return Traits(self.least, self.weights, None if kinked or self.norms else self.hvp, self.smoothed if can else None)

    def least(self, arrays: Arrays) -> str | None:
        """`it is convex: ...`, where that is known and its conditions hold at the arrays."""
        found = self.verdict
        if found is None or not found.kind.endswith(("convex", "affine")) or found.kind == "not convex" or not found.holds(arrays):
            return None
        defaults = [float(arrays[n]) for n, i in self.problem.typed.inputs.items() if i.default and i.default > 0 and n in arrays]
        if any(v < 0 for v in defaults):  # what the verdict took from the declared value
            return None
        kind = found.kind if all(v > 0 for v in defaults) else found.kind.removeprefix("strongly ")
        met = f", and {' and '.join(found.conditions)}" if found.conditions else ""
        return f"the loss is {kind} in {', '.join(self.params)}{met}: {found.reason}"

    @cached_property
    def verdict(self) -> Any:
        try:
            return judged(self.problem.typed, self.params)
        except IversonError:
            return None

    def weights(self, arrays: Arrays) -> Arrays | None:
        """Of every parameter in norm1 terms; None where there are none, or where one is negative."""
        total: Arrays = {}
        for name, f in self._weights:
            total[name] = total.get(name, np.zeros(())) + np.asarray(f(**arrays), np.float64)
        return total if total and all((w >= 0).all() for w in total.values()) else None

    @cached_property
    def _weights(self) -> list[tuple[str, Callable[..., Any]]]:
        from .emit.numpy_code import compiled_definition

        found = []
        for k, (name, d) in enumerate(self.norms):
            own = replace(d, name=f"weight{k}_of_{name}")
            wide = self.problem.program.with_definitions((*self.problem.program.definitions, own))
            found.append((name, compiled_definition(wide, own.name)))
        return found

    def hvp(self, arrays: Arrays, directions: Arrays) -> Arrays:
        named = {v: directions[w] for w, v in self._products[1].items()}
        native = large(arrays)
        if native not in self._hvps:
            found = self._products[0]
            program = next(iter(found.values())).program
            self._hvps[native] = runner(program, {w: d.answer for w, d in found.items()}, native)
        return self._hvps[native](**arrays, **named)[1]

    @cached_property
    def _hvps(self) -> dict[bool, Callable[..., Any]]:
        return {}

    @cached_property
    def _products(self) -> tuple[dict[str, Any], dict[str, str]]:
        from .derivation.products import hvp

        return hvp(self.problem.typed, self.params)

    def smoothed(self, width: float) -> Pair:
        other, name = self._rounded

        def pair(arrays: Arrays) -> tuple[float, Arrays]:
            return other.value_and_grad({**arrays, name: np.asarray(width)})

        return pair

    @cached_property
    def _rounded(self) -> tuple[TrainingProblem, str]:
        found = smooth_script(self.problem.typed.script)
        assert found is not None and self.problem.reread is not None
        script, name = found
        lines = [*(declared_text(i, i.name in self.params) for i in self.problem.typed.inputs.values()), f"{name}: scalar = 1"]
        return self.problem.reread("\n".join([*lines, *map(line, script.equations)]) + "\n", self.params), name


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
    kind = kind_of(i.facts) if i.facts and i.type.dims and not param else kind
    dims = f"[{', '.join(map(show_size, i.type.dims))}]" if i.type.dims else ""
    return f"{i.name}: {kind}{dims}" + ("" if i.default is None else f" = {i.default!r}")
