"""What training needs to know of a loss: its inputs, their sizes, and two functions to call.

Does not know how a gradient comes about: whoever derives it hands in a `Problem`. A size is a number of rows,
columns or classes with a name (N, D, K); an axis of an input is a size by name or a literal number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from iverson.core.errors import IversonError

Arrays = dict[str, np.ndarray]

MISSING = re.compile(r"(nan)?", re.IGNORECASE)    # text that stands for no value


@dataclass(frozen=True)
class InputSpec:
    """One input of a loss.

    role     "data", "param", "label" or "scalar"
    dims     the axes, sizes by name or literal; () for a scalar
    classes  for a label: the size its values index into, which are 0..size-1
    default  for a scalar: the value the loss declares, None if it declares none
    """

    name: str
    role: str
    dims: tuple[str | int, ...] = ()
    classes: str | int | None = None
    default: float | None = None

    def __str__(self) -> str:
        axes = f"[{', '.join(map(str, self.dims))}]" if self.dims else ""
        return f"{self.name}: {self.role}{axes}" + ("" if self.classes is None else f" in {self.classes}")


Pair = Callable[[Arrays], tuple[float, Arrays]]


@dataclass(frozen=True)
class Traits:
    """What a solver may make use of; a problem may have them as `traits`.

    least     why a stationary point is the global minimum, given the arrays; None where nothing is known
    weights   of the norm1 terms of the loss, by parameter, shaped like it or a number; without such terms None
    hvp       the Hessian times a direction, (arrays, directions by parameter) -> by parameter; None where the loss has kinks
    smoothed  the loss with its kinks rounded off over a width, (width) -> value_and_grad; None where it has none that can be
    """

    least: Callable[[Arrays], str | None] = lambda arrays: None
    weights: Callable[[Arrays], Arrays | None] = lambda arrays: None
    hvp: Callable[[Arrays, Arrays], Arrays] | None = None
    smoothed: Callable[[float], Pair] | None = None


NO_TRAITS = Traits()


class Problem(Protocol):
    """A loss that can be trained.

    source         the text of the loss, stored in the model
    predict        name of the definition to predict with, None if there is none
    value_and_grad the loss, and its gradients by all inputs of role "param", each in the shape of its input
    evaluate       the value of a definition; "L" is the loss. `arrays` may lack inputs the definition does
                   not use; for one that it does use, KeyError(name) or an IversonError
    """

    @property
    def source(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, InputSpec]: ...
    @property
    def predict(self) -> str | None: ...
    def value_and_grad(self, arrays: Arrays) -> tuple[float, Arrays]: ...
    def evaluate(self, name: str, arrays: Arrays) -> np.ndarray: ...


def data_error(message: str, why: str | None = None, hint: str | None = None) -> IversonError:
    return IversonError("data", message, why=why, hint=hint)


def listed(names: Collection[object], most: int = 8) -> str:
    """The names with commas, the tail of a long list as a count.

    >>> listed("abc", most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(map(str, list(names)[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def check_shape(spec: InputSpec, shape: tuple[int, ...], path: str) -> None:
    """IversonError(data) unless `shape` has the axes of the input and agrees with its literal ones."""
    fits = len(shape) == len(spec.dims) and all(
        isinstance(dim, str) or dim == size for dim, size in zip(spec.dims, shape, strict=True))
    if not fits:
        raise data_error(f"{path}: {spec.name} has shape {shape}, but the loss declares {spec}.")
    if 0 in shape:
        raise data_error(f"{path}: {spec.name} has shape {shape}, so it is empty.")


class Sizes(dict[str, int]):
    """Sizes by name, each remembering who said so, so that a disagreement names both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.said_by: dict[str, str] = {}

    def learn(self, name: str, size: int, who: str) -> None:
        """IversonError(data) if somebody said otherwise before."""
        if self.get(name, size) != size:
            raise data_error(f"Sizes disagree: {name} is {self[name]} by {self.said_by[name]}, "
                             f"but {size} by {who}.")
        self[name] = size
        self.said_by.setdefault(name, who)

    def learn_shape(self, spec: InputSpec, shape: tuple[int, ...], path: str) -> None:
        """Take the named axes of an array."""
        check_shape(spec, shape, path)
        for dim, size in zip(spec.dims, shape, strict=True):
            if isinstance(dim, str):
                self.learn(dim, size, f"{spec.name} of shape {shape} in {path}")


def given_sizes(inputs: Mapping[str, InputSpec], given: Mapping[str, int]) -> Sizes:
    """The sizes a caller gave, checked: each names a size of some input and is at least 1."""
    known = {size for spec in inputs.values() for size in (*spec.dims, spec.classes) if isinstance(size, str)}
    sizes = Sizes()
    for name, size in given.items():
        if name not in known:
            raise data_error(f"No input has a size named {name}.",
                             hint=f"The sizes are {listed(sorted(known))}.")
        if isinstance(size, bool) or size != int(size) or size < 1:
            raise data_error(f"The size {name} must be a whole number of at least 1, not {size}.")
        sizes.learn(name, int(size), f"--sizes {name}={int(size)}")
    return sizes


def param_shapes(inputs: Mapping[str, InputSpec], sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter; IversonError(data) names a size that nothing determines."""
    shapes = {}
    for spec in inputs.values():
        if spec.role == "param":
            missing = [dim for dim in spec.dims if isinstance(dim, str) and dim not in sizes]
            if missing:
                raise data_error(f"Nothing determines the size {missing[0]} of the parameter {spec}.",
                                 why="It is on no axis of the data and no label takes its values in it.",
                                 hint=f"Give it: --sizes {missing[0]}=8, or sizes={{{missing[0]!r}: 8}}.")
            shapes[spec.name] = tuple(sizes[dim] if isinstance(dim, str) else dim for dim in spec.dims)
    if not shapes:
        raise data_error("The loss has no parameter, so there is nothing to fit.",
                         hint="Declare one, such as W: param[D, K].")
    return shapes


def scalar_values(inputs: Mapping[str, InputSpec], given: Mapping[str, float]) -> dict[str, float]:
    """The value of every scalar: the given one, else the declared default; IversonError(data) without one."""
    scalars = {spec.name: spec.default for spec in inputs.values() if spec.role == "scalar"}
    for name, value in given.items():
        if name not in scalars:
            raise data_error(f"The loss has no scalar named {name}.",
                             hint=f"It has {listed(scalars) or 'none'}.")
        if not math.isfinite(value):
            raise data_error(f"The scalar {name} must be a finite number, not {value}.")
    values = {}
    for name, default in scalars.items():
        chosen = given[name] if name in given else default
        if chosen is None:
            raise data_error(f"The scalar {name} has no value.",
                             hint=f"Give it: --set {name}=0.01, or declare {name}: scalar = 0.01.")
        values[name] = float(chosen)
    return values
