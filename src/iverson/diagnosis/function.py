"""A gradient that is a Python function of the user's: called on arrays we draw, in this process, and looked at.

What it may do wrong before its numbers count: raise, return nothing, return something that is no array of numbers,
another shape, change its arguments, keep something between calls, give one array twice, rely on the layout in memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .frameworks import as_array, full_precision, strided, tensor, torch_module, uses_torch


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
        self.make: Callable[[Any], Any] = own_tensor if uses_torch(f) else fresh_copy

    def __call__(self, arrays: Mapping[str, Any], sizes: Any = None) -> np.ndarray:
        value, _ = self.call(arrays)
        return value

    def call(self, arrays: Mapping[str, Any], lay: Callable[[Any], Any] | None = None) -> tuple[np.ndarray, Any]:
        """The result as float64, and as it came.  lay: how the arguments lie in memory, by default like new ones."""
        given = {n: (lay or self.make)(arrays[n]) for n in self.names}
        try:
            raw = self.run(given)
        except Exception as error:
            if self.make is own_tensor or torch_module() is None or lay is not None:
                raise Faulty(raised(self.name, error)) from error
            return self.as_tensors(arrays, error)
        self.unchanged(arrays, given)
        return as_numbers(self.name, as_array(raw)), as_array(raw)

    def run(self, given: Mapping[str, Any]) -> Any:
        with full_precision():
            return self.f(*given.values()) if self.positional else self.f(**given)

    def as_tensors(self, arrays: Mapping[str, Any], error: Exception) -> tuple[np.ndarray, Any]:
        """The call with tensors, after one with arrays has failed; where it fails too the first error counts."""
        try:
            self.run({n: own_tensor(arrays[n]) for n in self.names})
        except Exception:
            raise Faulty(raised(self.name, error)) from error
        self.make = own_tensor
        return self.call(arrays)

    def unchanged(self, arrays: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        for n, v in given.items():
            now = as_array(v)
            if isinstance(now, np.ndarray) and not np.array_equal(now, np.asarray(arrays[n], now.dtype), equal_nan=True):
                raise Faulty(Fault("changes-input", (
                    f"{self.name} changes its argument {n} in place: work on a copy",
                    f"{self.name} 就地修改了参数 {n}：请先复制")))  # fmt: skip


def fresh_copy(v: Any) -> Any:
    """A copy in the layout of a new array; scalars as numbers, a declared function as its first part."""
    if isinstance(v, tuple):
        return v[0]
    made = np.array(v, copy=True)
    return made if made.ndim else made.item()


def own_tensor(v: Any) -> Any:
    """A value as a tensor of its own; a declared function as its first part."""
    return v[0] if isinstance(v, tuple) else tensor(v)


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
        return not any(r.kind is r.KEYWORD_ONLY for r in needed), [r.name for r in needed]
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
    return [*overwritten(f, arrays, raw, first), *laid_out(f, arrays, first)]


def overwritten(f: UserFunction, arrays: Mapping[str, Any], raw: Any, first: np.ndarray) -> list[Fault]:
    """Whether a later call changes the result of an earlier one."""
    if not isinstance(raw, np.ndarray) or raw.ndim == 0:
        return []
    f({n: v * 2.0 if np.asarray(v).dtype.kind == "f" else v for n, v in arrays.items() if not isinstance(v, tuple)}
      | {n: v for n, v in arrays.items() if isinstance(v, tuple)})  # fmt: skip
    if np.array_equal(np.asarray(raw, float), first, equal_nan=True):
        return []
    return [Fault("aliasing", (
        f"{f.name} returns the same array every time: a later call overwrites the gradient of an earlier one; return a new array",
        f"{f.name} 每次返回同一个数组：后一次调用会覆盖前一次的梯度；请返回新的数组"))]  # fmt: skip


def laid_out(f: UserFunction, arrays: Mapping[str, Any], first: np.ndarray) -> list[Fault]:
    """Whether arrays that are not contiguous in memory give another result."""
    lay = strided if f.make is fresh_copy else lambda v: own_tensor(v if isinstance(v, tuple) else strided(v))
    try:
        again, _ = f.call(arrays, lambda v: fresh_copy(v) if isinstance(v, tuple) or not np.ndim(v) else lay(v))
        why = ("gives another result", "给出不同的结果")
        right = np.allclose(again, first, rtol=1e-7, atol=1e-12, equal_nan=True) if again.shape == first.shape else False
    except Faulty as error:
        why, right = error.fault.words, error.fault.kind == "changes-input"
    if right:
        return []
    return [Fault("non-contiguous", (
        f"With the same numbers in arrays that are not contiguous (a transpose, a slice) {f.name} fails: {why[0]}",
        f"同样的数值放在不连续的数组（转置、切片）中，{f.name} 出错：{why[1]}"))]  # fmt: skip


def hints(f: UserFunction, arrays: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is worth knowing of a function that is right: it returns its argument, it cuts decimals off."""
    found = []
    if f.make is fresh_copy:
        given = {n: fresh_copy(arrays[n]) for n in f.names}
        raw = f.run(given)
        for n, v in given.items():
            if isinstance(raw, np.ndarray) and isinstance(v, np.ndarray) and np.shares_memory(raw, v):
                found.append((f"{f.name} returns memory of its argument {n}: who changes the gradient changes {n}.",
                              f"{f.name} 返回的数组与参数 {n} 共用内存：修改梯度就会修改 {n}。"))  # fmt: skip
    return found


def narrow(raw: Any) -> bool:
    """Whether a result has fewer digits than float64."""
    kind = getattr(raw, "dtype", None)
    return kind is not None and np.dtype(kind).kind == "f" and np.dtype(kind).itemsize < 8
