"""A gradient that is a Python function of the user's: called on arrays we draw, in this process, and looked at.

What it may do wrong before its numbers count: raise, return nothing, return something that is no array of numbers,
another shape, change its arguments, keep something between calls.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Fault:
    """What a function did: kind raises, result, shape, changes-input or keeps-state, and a sentence in two languages."""

    kind: str
    words: tuple[str, str]


class Faulty(Exception):
    """Carries a Fault out of a call."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.words[0])
        self.fault = fault


class UserFunction:
    """Calls the function with the inputs it names, copies every time."""

    def __init__(self, f: Callable[..., Any], inputs: Mapping[str, Any]) -> None:
        self.f, self.name = f, getattr(f, "__name__", "the function")
        self.positional, self.names = parameters(f, list(inputs))

    def __call__(self, arrays: Mapping[str, Any], sizes: Any = None) -> np.ndarray:
        value, _ = self.call(arrays)
        return value

    def call(self, arrays: Mapping[str, Any]) -> tuple[np.ndarray, Any]:
        """The result as float64, and as it came."""
        given = {n: fresh_copy(arrays[n]) for n in self.names}
        try:
            raw = self.f(*given.values()) if self.positional else self.f(**given)
        except Exception as error:
            raise Faulty(raised(self.name, error)) from error
        self.unchanged(arrays, given)
        return as_numbers(self.name, raw), raw

    def unchanged(self, arrays: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        for n, v in given.items():
            if isinstance(v, np.ndarray) and not np.array_equal(v, np.asarray(arrays[n]), equal_nan=True):
                raise Faulty(Fault("changes-input", (
                    f"{self.name} changes its argument {n} in place: work on a copy",
                    f"{self.name} 就地修改了参数 {n}：请先复制")))  # fmt: skip


def fresh_copy(v: Any) -> Any:
    """A copy in the layout of a new array; scalars as numbers, a declared function as its first part."""
    if isinstance(v, tuple):
        return v[0]
    made = np.array(v, copy=True)
    return made if made.ndim else made.item()


def parameters(f: Callable[..., Any], inputs: list[str]) -> tuple[bool, list[str]]:
    """Whether to call by position, and the inputs in the order of the call.

    By name where the parameters are names of inputs; by position where there are as many parameters as inputs.
    """
    try:
        rows = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return False, inputs
    if any(r.kind is r.VAR_KEYWORD for r in rows):
        return False, inputs
    plain = [r for r in rows if r.kind in (r.POSITIONAL_ONLY, r.POSITIONAL_OR_KEYWORD, r.KEYWORD_ONLY)]
    needed = [r for r in plain if r.default is r.empty or r.name in inputs]
    if all(r.name in inputs for r in needed):
        return any(r.kind is r.POSITIONAL_ONLY for r in needed), [r.name for r in needed]
    if len(needed) == len(inputs):
        return True, inputs
    unknown = ", ".join(r.name for r in needed if r.name not in inputs)
    raise Faulty(Fault("raises", (
        f"The function asks for {unknown}, which the loss does not have; it has {', '.join(inputs)}",
        f"函数需要 {unknown}，但损失中没有；损失中有 {', '.join(inputs)}")))  # fmt: skip


def raised(name: str, error: Exception) -> Fault:
    text = f"{type(error).__name__}: {str(error)[:200]}"
    return Fault("raises", (f"{name} raises {text}", f"{name} 抛出异常 {text}"))


def as_numbers(name: str, raw: Any) -> np.ndarray:
    """The result as float64."""
    if raw is None:
        raise Faulty(Fault("result", (f"{name} returns None: a return is missing", f"{name} 返回 None：漏了 return")))
    try:
        value = np.asarray(raw)
        if value.dtype.kind not in "biuf":
            raise TypeError(str(value.dtype))
        return value.astype(float)
    except (TypeError, ValueError):
        kind = type(raw).__name__
        raise Faulty(Fault("result", (
            f"{name} returns {kind}, not an array of real numbers", f"{name} 返回的是 {kind}，不是实数数组"))) from None  # fmt: skip


def faults(f: UserFunction, arrays: Mapping[str, Any]) -> list[Fault]:
    """What only several calls show: a memory of earlier calls."""
    first = f(arrays).copy()
    raw = f.call(arrays)[1]
    second = np.asarray(raw, float)
    if first.shape == second.shape and not np.allclose(first, second, rtol=1e-12, atol=0, equal_nan=True):
        grown = np.allclose(second, 2 * first, rtol=1e-9)
        why = ("it adds to the gradient of the call before", "它累加了上一次调用的梯度") if grown else (
            "it keeps something from the call before", "它保留了上一次调用的内容")  # fmt: skip
        return [Fault("stale-accumulation", (
            f"Called twice with the same arrays {f.name} gives two results: {why[0]}",
            f"用相同的数组调用两次，{f.name} 给出不同的结果：{why[1]}"))]  # fmt: skip
    return []


def narrow(raw: Any) -> bool:
    """Whether a result has fewer digits than float64."""
    kind = getattr(raw, "dtype", None)
    return kind is not None and np.dtype(kind).kind == "f" and np.dtype(kind).itemsize < 8
