"""A torch.autograd.Function or a jax.custom_vjp against the verified derivatives by all of its inputs.

Looked at in this order: the forward pass, each gradient with its cause where it is wrong, the gradient that comes in, arrays
that are not contiguous, float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..lang.kinds import Input, Typed
from ..meaning.surface_eval import compile_surface
from .candidate import Run
from .frameworks import Layer, strided
from .telling import LANGUAGES
from .verdict import Case, Verdict, compared, narrowly, same

Ask = Callable[[str], Case]
TWICE = 2.5  # a gradient that comes in, other than 1
WORDS: dict[str, tuple[str, str]] = {
    "right": ("Equal to the gradients by {names}, with arrays that are not contiguous and in float32 too.",
              "与对 {names} 的梯度都相等；不连续的数组和 float32 也检查过。"),
    "at": ("The gradient by {name}: {said}", "对 {name} 的梯度：{said}"),
    "forward": ("Not accepted: the forward pass is not the loss. At one instance it gives {mine}, the loss is {right}.",
                "不能接受：前向计算不是这个损失。在一个实例上它给出 {mine}，损失是 {right}。"),
    "raises": ("Not accepted: {what} raises {error}.", "不能接受：{what} 抛出异常 {error}。"),
    "upstream": ("Not accepted: the gradient by {name} does not follow the gradient that comes in (grad_output): multiply by it.",
                 "不能接受：对 {name} 的梯度没有乘上传入的梯度（grad_output）。"),
    "non-contiguous": ("Not accepted: with the same numbers in arrays that are not contiguous the gradient by {name} is another.",
                       "不能接受：同样的数值放在不连续的数组中，对 {name} 的梯度不同。"),
    "float32": ("Not accepted: in float32 the gradient by {name} is off by more than float32 explains.",
                "不能接受：在 float32 下，对 {name} 的梯度误差超出 float32 的精度。"),
}  # fmt: skip


class Refused(Exception):
    """Carries a verdict out of the checks."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def judge_layer(candidate: Any, loss: Typed, wanted: Sequence[str], ask: Ask, lang: str = "en") -> Verdict:
    """The verdict on a layer by all its real inputs, those wanted first.  ask: the case of one input."""
    layer = Layer(candidate, list(loss.inputs))
    names = [n for n in dict.fromkeys((*wanted, *layer.names)) if real(loss.inputs.get(n)) and n in layer.names]
    say = speaker(lang)
    try:
        for place, n in enumerate(names):
            case = ask(n)
            if place == 0:
                forward(layer, loss, case, say)
            one(layer, n, case, say)
    except Refused as refused:
        return refused.verdict
    return Verdict(True, "equal", say("right", names=", ".join(names)))


def real(i: Input | None) -> bool:
    return i is not None and i.role != "function" and i.type.classes is None


def speaker(lang: str) -> Callable[..., str]:
    return lambda key, **gaps: WORDS[key][LANGUAGES.index(lang)].format(**gaps)


def refuse(kind: str, message: str) -> Refused:
    return Refused(Verdict(False, kind, message))


def forward(layer: Layer, loss: Typed, case: Case, say: Callable[..., str]) -> None:
    value = compile_surface(loss, [loss.script.result])
    for d in case.draws:
        right = np.asarray(value(d.arrays, d.sizes)[loss.script.result], float)
        mine = attempt(partial(layer.value, d.arrays), "forward", say)
        if mine.shape != right.shape or not same(mine, right, 1e-8):
            raise refuse("forward", say("forward", mine=shown(mine), right=shown(right)))


def shown(a: np.ndarray) -> str:
    return f"{float(a):.6g}" if a.ndim == 0 else f"{a.ravel()[:3]}... {a.shape}"


def attempt(run: Callable[[], Any], what: str, say: Callable[..., str]) -> np.ndarray:
    try:
        return np.asarray(run(), float)
    except Exception as error:
        raise refuse("raises", say("raises", what=what, error=f"{type(error).__name__}: {str(error)[:200]}")) from error


def one(layer: Layer, name: str, case: Case, say: Callable[..., str]) -> None:
    """The gradient by one input."""
    yours = gradient_of(layer, name)
    values = [attempt(partial(yours, d.arrays, d.sizes), "backward", say) for d in case.draws]
    verdict = compared(case, yours, values)
    if not verdict.ok:
        said = say("at", name=name, said=verdict.message)
        raise Refused(Verdict(False, verdict.kind, said, verdict.counterexample, verdict.entries, verdict.notes, verdict.causes, verdict.shapes))
    d = case.draws[0]
    more = attempt(lambda: layer.gradient(d.arrays, name, TWICE), "backward", say)
    if not same(more, TWICE * case.b[0], 1e-8):
        raise refuse("upstream", say("upstream", name=name))
    laid = {n: strided(v) if not isinstance(v, tuple) else v for n, v in d.arrays.items()}
    if not same(attempt(lambda: layer.gradient(laid, name), "non-contiguous", say), case.b[0], 1e-8):
        raise refuse("non-contiguous", say("non-contiguous", name=name))
    if not narrowly(case, 0, attempt(lambda: layer.gradient(d.arrays, name, narrow=True), "float32", say)):
        raise refuse("dtype", say("float32", name=name))


def gradient_of(layer: Layer, name: str) -> Run:
    def run(arrays: Mapping[str, Any], sizes: Any = None) -> np.ndarray:
        return np.asarray(layer.gradient(arrays, name), float)

    return run
