"""Objectives for XGBoost and LightGBM: a function that returns the gradient and the Hessian's diagonal of every row.

Glossary   score: what the trees add up to, before any link;  p: the prediction, link(score).
A library adds rows up, so of a mean the gradient is wanted times n.  Known conventions are accepted and named; what is
not one is told like any wrong gradient, and so is a score that is taken for a prediction, or the other way round.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from .function import Fault, Faulty, as_numbers, raised
from .telling import LANGUAGES
from .verdict import Case, Verdict, at_first, same, wrong

SCORES = {"preds", "pred", "predt", "y_pred", "ypred", "yhat", "y_hat", "score", "scores", "raw", "raw_score", "margin", "approx", "approxes"}
DATA = {"dtrain", "train_data", "train_set", "data", "dataset", "dmat", "dmatrix", "d"}
LABELS = {"y_true", "ytrue", "labels", "label", "target", "targets", "y"}
WEIGHTS = {"weight", "weights", "sample_weight", "w"}
FLOOR = 1e-5  # below which a Hessian may be replaced by a floor
LINKS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda s: 1 / (1 + np.exp(-s)),
    "exp": np.exp,
    "softmax": lambda s: np.exp(s) / np.exp(s).sum(-1, keepdims=True),
}
SLOPES: dict[str, Callable[[Any], Any]] = {"sigmoid": lambda p: p * (1 - p), "exp": lambda p: p}
WORDS: dict[str, tuple[str, str]] = {
    "right": ("Equal to the gradient and the Hessian's diagonal by {wrt} of every row.", "与每一行对 {wrt} 的梯度和 Hessian 对角线相等。"),
    "rows": ("The loss is a mean; libraries add rows up, and yours is {n} times the gradient, as they want it.",
             "损失是平均；库会把各行相加，你的结果是梯度的 {n} 倍，正合要求。"),
    "mean": ("Yours is divided by {n}, as the loss is: min_child_weight and lambda then weigh {n} times as much. Libraries want rows without it.",
             "你的结果和损失一样除以了 {n}：min_child_weight 和 lambda 的作用因此放大 {n} 倍。库要的是不除的各行。"),
    "twice": ("The Hessian is 2 times the diagonal: XGBoost's own softmax objective has this factor too; steps are half as long.",
              "Hessian 是对角线的 2 倍：XGBoost 自带的 softmax 目标也有这个因子；步长减半。"),
    "many": ("The Hessian is K/(K - 1) times the diagonal: LightGBM's own multiclass objective has this factor too.",
             "Hessian 是对角线的 K/(K - 1) 倍：LightGBM 自带的多分类目标也有这个因子。"),
    "constant": ("The Hessian is {c:.6g} for every row, not the second derivative: a leaf takes the mean gradient as its step.",
                 "每一行的 Hessian 都是 {c:.6g}，不是二阶导数：叶子以平均梯度为步长。"),
    "absolute": ("The Hessian is the absolute value of the second derivative, as libraries need it positive.",
                 "Hessian 是二阶导数的绝对值：库要求它为正。"),
    "gradient": ("The gradient: {said}", "梯度：{said}"),
    "hessian": ("The Hessian: {said}", "Hessian：{said}"),
    "both": ("Both are {c} times what the loss asks for: you have lost or gained the factor {c} of the loss; leaves change only by lambda.",
             "两者都是应有的 {c} 倍：损失中的因子 {c} 丢了或多了；叶子只因 lambda 而变。"),
    "raw": ("Not equal. The raw score {wrt} is taken for a prediction: yours is right with {link}({wrt}) in its place. "
            "To change: apply {link} first.",
            "不相等。把原始得分 {wrt} 当成了预测值：换成 {link}({wrt}) 就对了。修改：先作用 {link}。"),
    "by-prediction": ("Not equal. Yours is the gradient by the prediction {link}({wrt}), not by the raw score. "
                      "To change: multiply by the derivative of {link}.",
                      "不相等。你的结果是对预测值 {link}({wrt}) 的梯度，而不是对原始得分的。修改：乘上 {link} 的导数。"),
    "shape": ("Not accepted: {what} has shape {mine} where the scores have {right}.", "不能接受：{what} 的形状是 {mine}，而得分的形状是 {right}。"),
    "pair": ("Not accepted: an objective returns (grad, hess), this one returns {what}.",
             "不能接受：目标函数应返回 (grad, hess)，这里返回的是 {what}。"),
}  # fmt: skip


def is_objective(f: Any, inputs: Mapping[str, Any]) -> bool:
    """Whether a function asks for scores and labels as the libraries hand them over."""
    try:
        names = [n.lower() for n, p in inspect.signature(f).parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)]
    except (TypeError, ValueError):
        return False
    others = set(names) - SCORES
    return 2 <= len(names) <= 4 and len(others) < len(names) and others <= DATA | LABELS | WEIGHTS and not set(names) <= set(inputs)


class Objective:
    """Calls an objective with the scores and labels of a draw."""

    def __init__(self, f: Callable[..., Any], score: str, inputs: Mapping[str, Any]) -> None:
        self.f, self.name, self.score = f, getattr(f, "__name__", "the objective"), score
        self.names = list(inspect.signature(f).parameters)
        rows = inputs[score].type.dims[:1]
        self.label = next((n for n, i in inputs.items() if n != score and i.type.dims == rows), "")
        if not self.label:
            raise IversonError("unsupported", f"An objective needs labels, one for each row of {score}; the loss has none.")

    def pair(self, arrays: Mapping[str, Any], by: Callable[[Any], Any] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(grad, hess) at a draw, of what `by` makes of the scores."""
        s, y = np.array(arrays[self.score], float), np.array(arrays[self.label])
        shape, s = s.shape, s if by is None else by(s)
        data = SimpleNamespace(get_label=lambda: y, get_weight=lambda: None, label=y, num_row=lambda: len(y), get_group=lambda: None)
        given = {n: value for n in self.names for value in [self.argument(n.lower(), s, y, data)] if n.lower() not in WEIGHTS}
        try:
            raw = self.f(**given)
        except Exception as error:
            raise Faulty(raised(self.name, error)) from error
        if not isinstance(raw, (tuple, list)) or len(raw) != 2:
            said = [w.format(what=type(raw).__name__) for w in WORDS["pair"]]
            raise Faulty(Fault("result", (said[0][14:-1], said[1][5:-1])))
        grad, hess = (as_numbers(self.name, r) for r in raw)
        return reshaped(grad, shape), reshaped(hess, shape)

    @staticmethod
    def argument(name: str, s: Any, y: Any, data: Any) -> Any:
        return s if name in SCORES else y if name in LABELS else data


def reshaped(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Flat results of several classes in the shape of the scores."""
    return a.reshape(shape) if a.size == np.prod(shape) and a.shape != shape else a


def judge_objective(f: Callable[..., Any], case: Case, second: Callable[[], Case]) -> Verdict:
    """The verdict on an objective.  case: the gradient by the score; second: gives the case of the Hessian."""
    wrt = case.derived.wrt
    objective = Objective(f, wrt, case.derived.program.inputs)

    def say(key: str, **gaps: Any) -> str:
        return WORDS[key][LANGUAGES.index(case.lang)].format(**gaps)

    grads, hesses = zip(*(objective.pair(d.arrays) for d in case.draws), strict=True)
    for what, found in (("grad", grads), ("hess", hesses)):
        bad = next((k for k, g in enumerate(found) if g.shape != case.b[k].shape), None)
        if bad is not None:
            return Verdict(False, "shape", say("shape", what=what, mine=found[bad].shape, right=case.b[bad].shape))
    size = case.loss.inputs[wrt].type.dims[0]
    counts = np.array([len(b) for b in case.b], float)
    name = size.attr if size.op == "size" else str(counts[0])
    averaged = divided(case, second, counts)
    scale = counts if averaged and all(same(g, n * b) for g, n, b in zip(grads, counts, case.b, strict=True)) else np.ones(len(counts))
    notes = [say("rows" if scale[0] != 1 else "mean", n=name)] if averaged else []
    wanted = [n * b for n, b in zip(scale, case.b, strict=True)]
    if not all(map(same, grads, wanted)):
        rows = [g / n for g, n in zip(grads, counts, strict=True)] if averaged else list(grads)
        return scored(objective, case, second, rows, hesses, say, counts if averaged else np.ones(len(counts)))
    return of_hessian(case, second(), list(hesses), scale, notes, say)


def divided(case: Case, second: Any, counts: np.ndarray) -> bool:
    """Whether the loss is a mean over its rows: doubling them halves the gradient of each."""
    wrt, d = case.derived.wrt, case.draws[0]
    size = case.loss.inputs[wrt].type.dims[0]
    if size.op != "size":
        return False
    arrays = {n: np.concatenate([v, v]) if not isinstance(v, tuple) and case.loss.inputs[n].type.dims[:1] == (size,) else v
              for n, v in d.arrays.items()}  # fmt: skip
    try:
        twice = case.ours(arrays, {**d.sizes, size.attr: 2 * d.sizes[size.attr]})
    except Exception:
        return False
    return same(twice[: len(case.b[0])], case.b[0] / 2, 1e-8)


def scored(
    objective: Objective, case: Case, second: Callable[[], Case], grads: list[Any], hesses: Any, say: Callable[..., str], counts: Any
) -> Verdict:
    """A gradient that is wrong: in the space of the scores, or as any gradient may be."""
    wrt = case.derived.wrt
    for link, f in LINKS.items():
        with np.errstate(all="ignore"):
            if link == "softmax" and grads[0].ndim < 2:
                continue
            moved = [objective.pair(d.arrays, f)[0] / n for d, n in zip(case.draws, counts, strict=True)]
            if all(map(same, moved, case.b)):
                return Verdict(False, "score-space", say("raw", wrt=wrt, link=link))
            slopes = [SLOPES[link](f(np.asarray(d.arrays[wrt]))) for d in case.draws] if link in SLOPES else []
            if slopes and all(same(g * s, b, 1e-7) for g, s, b in zip(grads, slopes, case.b, strict=True)):
                return Verdict(False, "score-space", say("by-prediction", wrt=wrt, link=link))

    def yours(arrays: Mapping[str, Any], sizes: Any) -> np.ndarray:
        return objective.pair(arrays)[0] / (len(arrays[wrt]) if counts[0] != 1 else 1.0)

    v = wrong(case, None, yours, at_first(case, yours, grads))
    both = v.labels == ("constant-factor",) and alike(second(), hesses, counts, ratio(grads, case.b))
    hint = f" {say('both', c=ratio(grads, case.b))}" if both else ""
    return replace(v, message=say("gradient", said=v.message) + hint)


def ratio(a: list[Any], b: list[Any]) -> str:
    """How many times the second the first is, as a person writes it."""
    return f"{float(np.sum(a[0] * b[0]) / np.sum(b[0] * b[0])):.6g}"


def alike(second: Case, hesses: Any, counts: Any, c: str) -> bool:
    """Whether the Hessians are as many times the right ones as the gradients."""
    return all(same(h / n, float(c) * diagonal(r), 1e-5) for h, n, r in zip(hesses, counts, second.b, strict=False))


def of_hessian(case: Case, second: Case, hesses: list[np.ndarray], scale: Any, notes: list[str], say: Callable[..., str]) -> Verdict:
    """The Hessian's diagonal, up to the conventions that libraries have."""
    right = [n * diagonal(h) for n, h in zip(scale, second.b, strict=False)][: len(hesses)]
    classes = hesses[0].shape[-1] if hesses[0].ndim == 2 else 0
    known: list[tuple[str, Callable[[Any], Any]]] = [("", lambda h: h), ("absolute", np.abs), ("twice", lambda h: 2 * h)]
    known += [("many", lambda h: h * classes / (classes - 1))] if classes > 1 else []
    for key, make in known:
        if all(floored(h, make(r)) for h, r in zip(hesses, right, strict=True)):
            return Verdict(True, "equal", say("right", wrt=case.derived.wrt), notes=(*notes, *([say(key)] if key else [])))
    flat = np.concatenate([h.ravel() for h in hesses])
    if np.ptp(flat) == 0 and flat[0] > 0:
        return Verdict(True, "equal", say("right", wrt=case.derived.wrt), notes=(*notes, say("constant", c=float(flat[0]))))
    return bent(second, hesses, right, scale, say)


def bent(second: Case, hesses: list[np.ndarray], right: list[np.ndarray], scale: Any, say: Callable[..., str]) -> Verdict:
    """What is wrong with a Hessian: its diagonal put where the right one stands."""
    made = [h_full.copy() for h_full in second.b]
    for h_full, mine, n in zip(made, hesses, scale, strict=True):
        view = h_full.reshape(mine.size, mine.size)
        np.fill_diagonal(view, mine.ravel() / n)
    table = {id(d): m for d, m in zip(second.draws, made, strict=True)}

    def yours(arrays: Mapping[str, Any], sizes: Any) -> np.ndarray:
        return next((table[id(d)] for d in second.draws if d.arrays is arrays), np.array(np.nan))

    v = wrong(second, None, yours, made)
    return replace(v, message=say("hessian", said=v.message))


def diagonal(h: np.ndarray) -> np.ndarray:
    """The diagonal of a Hessian in the shape of the input."""
    shape = h.shape[: h.ndim // 2]
    n = int(np.prod(shape))
    return np.diagonal(h.reshape(n, n)).reshape(shape)


def floored(mine: np.ndarray, right: np.ndarray) -> bool:
    """Equal, small and negative entries possibly put at a floor."""
    low = (right < FLOOR) & (mine >= right) & (mine <= FLOOR)
    return same(np.where(low, right, mine), right, 1e-8)

