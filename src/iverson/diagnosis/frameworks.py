"""Candidates made with torch or JAX, seen as functions of NumPy arrays.

Nothing is imported that the caller has not: a framework is looked up among the modules already there.  A layer is a
torch.autograd.Function or a jax.custom_vjp: a function together with a backward pass of the user's own.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np


def torch_module() -> Any:
    return sys.modules.get("torch")


def jax_module() -> Any:
    return sys.modules.get("jax")


def is_layer(candidate: Any) -> bool:
    """Whether a candidate brings a backward pass for all its inputs."""
    return is_autograd(candidate) or is_custom(candidate)


def is_autograd(candidate: Any) -> bool:
    torch = torch_module()
    return torch is not None and isinstance(candidate, type) and issubclass(candidate, torch.autograd.Function)


def is_custom(candidate: Any) -> bool:
    jax = jax_module()
    return jax is not None and isinstance(candidate, (jax.custom_vjp, jax.custom_jvp))


def uses_torch(f: Any) -> bool:
    """Whether the code of a function names torch."""
    code, space = getattr(f, "__code__", None), getattr(f, "__globals__", {})
    torch = torch_module()
    return torch is not None and code is not None and any(space.get(n) is torch for n in code.co_names)


def tensor(v: Any, dtype: Any = None) -> Any:
    """A NumPy value as a tensor of its own memory, its strides kept; labels stay integers."""
    torch = torch_module()
    a = np.asarray(v)
    if a.dtype.kind != "f":
        return torch.tensor(a)
    return torch.from_numpy(np.array(a, copy=True, order="K") if a.ndim else np.array(a)).to(dtype or torch.float64)


def as_array(raw: Any) -> Any:
    """A result as NumPy has it; what is no tensor as it came."""
    return raw.detach().cpu().numpy() if hasattr(raw, "detach") else raw


def full_precision() -> Any:
    """Within it JAX computes in float64, where JAX is there."""
    jax = jax_module()
    switch = getattr(jax, "enable_x64", None) if jax is not None else None
    return switch(True) if switch is not None else nullcontext()


# -- layers ---------------------------------------------------------------------------------------------------


class Layer:
    """A layer's value and gradients.  names: its parameters, as inputs of the loss."""

    def __init__(self, candidate: Any, inputs: Sequence[str]) -> None:
        self.f, self.name = candidate, getattr(candidate, "__name__", "the function")
        self.torch = is_autograd(candidate)
        own = parameters_of(candidate)
        self.names = own if set(own) <= set(inputs) else list(inputs)

    def value(self, arrays: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(self.run(arrays, None, None)[0])

    def gradient(self, arrays: Mapping[str, Any], name: str, upstream: float = 1.0, narrow: bool = False) -> np.ndarray:
        """The gradient by `name`, with the axes of the output first where it has any; zeros where there is none."""
        shape = np.shape(self.value(arrays))
        x = np.shape(arrays[name])
        rows = []
        for place in np.ndindex(*shape):
            u = np.zeros(shape)
            u[place] = upstream
            rows.append(self.run(arrays, name, u, narrow)[1])
        return np.reshape(np.array([np.zeros(x) if r is None else r for r in rows], float), (*shape, *x))

    def run(self, arrays: Mapping[str, Any], name: str | None, u: Any, narrow: bool = False) -> tuple[Any, Any]:
        return (self.torch_run if self.torch else self.jax_run)(arrays, name, u, narrow)

    def torch_run(self, arrays: Mapping[str, Any], name: str | None, u: Any, narrow: bool) -> tuple[Any, Any]:
        dtype = torch_module().float32 if narrow else None
        given = {n: tensor(arrays[n], dtype) for n in self.names}
        if name is not None:
            given[name].requires_grad_(True)
        out = self.f.apply(*given.values())
        if name is None:
            return as_array(out), None
        if out.requires_grad:
            out.backward(gradient=tensor(u, dtype).reshape(out.shape).to(out.dtype))
        found = given[name].grad
        return as_array(out), None if found is None else as_array(found)

    def jax_run(self, arrays: Mapping[str, Any], name: str | None, u: Any, narrow: bool) -> tuple[Any, Any]:
        jax = jax_module()
        with nullcontext() if narrow else full_precision():
            given = [jax.numpy.asarray(arrays[n], None if np.asarray(arrays[n]).dtype.kind != "f" else np.float32 if narrow else float)
                     for n in self.names]  # fmt: skip
            if name is None:
                return np.asarray(self.f(*given)), None
            place = self.names.index(name)
            out, back = jax.vjp(lambda x: self.f(*given[:place], x, *given[place + 1 :]), given[place])
            return np.asarray(out), np.asarray(back(jax.numpy.asarray(np.reshape(u, out.shape), out.dtype))[0])


def parameters_of(candidate: Any) -> list[str]:
    """The parameters of the forward pass, the context left out."""
    if not is_autograd(candidate):
        return list(inspect.signature(candidate).parameters)
    names = list(inspect.signature(candidate.forward).parameters)
    own = candidate.setup_context is not torch_module().autograd.Function.setup_context
    return names if own else names[1:]


def strided(v: Any) -> Any:
    """The same numbers in memory with gaps and turned axes."""
    a = np.asarray(v)
    if a.ndim == 0 or a.dtype.kind != "f":
        return v
    wide = np.zeros(tuple(2 * n for n in a.shape[::-1]))
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)].T
    view[...] = a
    return view

