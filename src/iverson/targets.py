"""Verified derivatives as modules for other people's programs: NumPy, torch, JAX, objectives for XGBoost and LightGBM.

Nothing here imports a framework.

Glossary   found: derivatives of one loss, by the inputs they are by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .core.errors import IversonError
from .emit.boosting import LIBRARIES, derivatives, objective_module
from .emit.frameworks import FRAMEWORKS, framework_module
from .emit.numpy_code import load, numpy_module
from .emit.rowwise import Rowwise, rowwise
from .meaning.sample import instances

ARRAYS = ("numpy", *FRAMEWORKS)


def module(found: Mapping[str, Any], target: str = "numpy") -> str:
    """A module with the value and the derivatives."""
    if target in LIBRARIES:
        return objective(found, target)
    require_arrays(target)
    first, answers = next(iter(found.values())), answers_of(found)
    formulas = [formula_line(d) for d in found.values()]
    if target == "numpy":
        return numpy_module(first.derived.program, answers, first.loss.source, formulas)
    require_gradient(first, target)
    pulled = products(found)
    return framework_module(first.derived.program, answers, target, first.loss.source, formulas, pulled)


def products(found: Mapping[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    """Of a result that is not scalar: what a framework's backward pass asks for, the derivatives times the gradient by it."""
    first = next(iter(found.values()))
    if not first.loss.program.definition(first.loss.result).indices:
        return None
    rows = first.products(list(found))
    return next(iter(rows.values())).derived.program, answers_of(rows)


def function(found: Mapping[str, Any], target: str, by_name: bool) -> Callable[..., Any]:
    """A function of arrays of torch or JAX, (value, gradient), with the differentiable `loss` beside it."""
    from .emit.framework_calls import FrameworkFunction

    first = next(iter(found.values()))
    require_gradient(first, target)
    return FrameworkFunction(first.derived.program, answers_of(found), target, module(found, target), by_name)


def objective(found: Mapping[str, Any], target: str) -> str:
    """An objective for a boosting library, by the one score derived by."""
    if len(found) != 1:
        raise IversonError("usage", f"{LIBRARIES[target].name} has one raw score; derive by one name.")
    ((score, first),) = found.items()
    require_gradient(first, target)
    if first.outputs:
        raise IversonError("unsupported", f"An objective for {LIBRARIES[target].name} is of a scalar loss.")
    second = first.second()
    row = rowwise(first.derived, second.derived)
    require_equal(row, first, second)
    return objective_module(row, score, target, first.loss.source, (formula_line(first),))


def require_equal(row: Rowwise, first: Any, second: Any) -> None:
    """Derivatives of rows are those of the verified answers, in numbers."""
    code, maker = derivatives(row, ())
    run = load(code, "derivatives")
    for draw in instances(first._judge, 2, n=2, wrt=(first.wrt,)).draws:
        g, h = run(**{maker.names[i.name]: draw.arrays[i.name] for i in maker.inputs})
        n = len(g) if row.mean else 1
        whole = np.asarray(second(**draw.arrays)).reshape(np.size(g), np.size(g))
        same = np.allclose(g, n * first(**draw.arrays), rtol=1e-9, atol=1e-12)
        if row.curvature in ("convex", "unknown"):
            same = same and np.allclose(np.ravel(h), n * np.diagonal(whole), rtol=1e-9, atol=1e-12)
        if not same:
            raise IversonError("verify", "The derivatives of the rows disagree with those of the loss.")


def answers_of(found: Mapping[str, Any]) -> dict[str, Any]:
    return {n: d.derived.answer for n, d in found.items()}


def formula_line(d: Any) -> str:
    """The formula for a docstring, with the gradient's name on its left."""
    return d.text() if d.derived.main.indices else f"d{d.wrt} = {d.text()}"


def require_arrays(target: str) -> None:
    if target not in ARRAYS:
        raise IversonError("unsupported", f"There is no target {target!r}.", hint=", ".join((*ARRAYS, *LIBRARIES)) + "; native, of compile")


def require_gradient(d: Any, target: str) -> None:
    """A module of a framework is of a gradient: the framework takes the derivatives of higher order."""
    if d.order > 1 or d.entry is not None or d.along is not None or d.upstream:
        raise IversonError(
            "unsupported", f"A {target} module holds a plain derivative of order 1.", hint="The framework differentiates its `loss` again."
        )
