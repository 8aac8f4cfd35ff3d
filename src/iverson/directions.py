"""Derivatives times a direction, as verified formulas: Hessian-vector, Jacobian-vector and vector-Jacobian products.

Glossary   v: a direction, shaped like the input derived by;  u: the gradient by the result, shaped like the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from .api import Derivation, Loss, derive, parse, shown, wanted_names
from .core.errors import IversonError
from .core.node import reads
from .derivation.derive import Derived
from .derivation.products import hvp as hessian_products
from .derivation.products import jvp as jacobian_product
from .lang.read import Sizes


class HessianProduct(Derivation):
    """H*v as a formula and as a function: f(v, **arrays), or f(v_x, v_y, **arrays) of several inputs.

    info   of the target native: how it runs, and why where NumPy has to do it; None otherwise
    """

    def __init__(self, loss: Loss, derived: Derived, directions: Mapping[str, str], target: str = "numpy") -> None:
        super().__init__(loss, derived, 2, None, None, "ambient")
        self.directions, self.target = directions, target

    @cached_property
    def _evaluate(self) -> Callable[..., Any]:
        """By the closed form where it is products of inputs alone: matrices are then multiplied in the best order."""
        from .emit.numpy_code import compiled
        from .emit.plan import gradient_plan
        from .second.blockwise import blockwise

        answer, program = self.derived.answer, self.derived.program
        if reads(answer.closed.body) <= set(program.inputs):
            answer = replace(answer, program=(answer.closed,), where=())
        elif self.target == "native":
            return lambda **arrays: self._kernel(**arrays)[1]
        whole = compiled(program, {self.wrt: answer}, value=False, on_nan=self._refuse_nan)
        return blockwise(program, gradient_plan(program, {self.wrt: answer}, False), whole)

    @cached_property
    def _kernel(self) -> Any:
        from .run.kernel import compile_native

        return compile_native(self.derived.program, {self.wrt: self.derived.answer}, "float64", 1, False, self._refuse_nan)

    @property
    def info(self) -> Any:
        return self._kernel.info if self.target == "native" else None

    def __call__(self, *directions: Any, **arrays: Any) -> Any:
        """The product; directions may be given by their names as well."""
        return self._evaluate(**dict(zip(self.directions.values(), directions, strict=False)), **arrays)


def hvp(source: Any, wrt: str | Sequence[str], notation: str = "auto", sizes: Sizes | None = None,
        kinds: Mapping[str, str] | None = None, target: str = "numpy") -> Any:  # fmt: skip
    """The Hessian of a scalar loss times a direction v, as a formula and as a function f(v, **arrays); by several names a
    dict, directions v_x, v_y.

    target   numpy; native, a C kernel that reads the samples once, for the loss's many products in a solver

    >>> hvp("sum(log(1 + exp(A*x)))", "x")
    A'*(s.*(A*v).*(1 - s)) where s = sigmoid(A*x)
    """
    if target not in ("numpy", "native"):
        raise IversonError("unsupported", f"There is no target {target!r} of a product.", hint="numpy or native")
    loss = parse(source, notation, sizes, kinds)
    names, _ = wanted_names(wrt)
    found, along = hessian_products(loss.typed, names)
    results = shown({w: HessianProduct(loss, d, along, target) for w, d in found.items()})
    return results[names[0]] if isinstance(wrt, str) else results


def jvp(source: Any, wrt: str | Sequence[str], notation: str = "auto", sizes: Sizes | None = None,
        kinds: Mapping[str, str] | None = None) -> Derivation:  # fmt: skip
    """The derivative along a direction v of the input (v_x, v_y of several), shaped like the result.

    >>> jvp("tanh(A*x)", "x")
    (A*v).*(1 - h.^2) where h = tanh(A*x)
    """
    loss = parse(source, notation, sizes, kinds)
    names, _ = wanted_names(wrt)
    d, along = jacobian_product(loss.typed, names)
    return shown({0: Derivation(loss, d, 1, None, None, "ambient", along=along)})[0]


def vjp(source: Any, wrt: str | Sequence[str], upstream: str = "u", notation: str = "auto", sizes: Sizes | None = None,
        kinds: Mapping[str, str] | None = None) -> Any:  # fmt: skip
    """The gradient by `wrt` when the gradient by the result is `upstream`, an array shaped like the result.

    >>> vjp("tanh(A*x)", "x")
    A'*(u.*(1 - tanh(A*x).^2))
    """
    return derive(source, wrt, notation=notation, sizes=sizes, kinds=kinds, upstream=upstream)
