"""Equal or not: a candidate gradient against the verified one, by exact comparison of values on random instances.

Glossary   yours: the candidate's value; ours: the verified gradient's value; draw: one instance of all inputs.
No differences are taken here: both sides are formulas.  A wrong candidate gets the smallest counter-example found, the
entries that differ, and the causes that reproduce it at every instance (diagnose.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import walk
from ..derivation.derive import Derived
from ..lang.kinds import Typed
from ..meaning.sample import instances
from ..meaning.verify import read_back
from .candidate import Candidate, Run, readings, runner
from .counterexample import Counterexample, smallest, text
from .diagnose import Told, diagnosis
from .function import Fault, Faulty, UserFunction, faults, hints, narrow
from .steps import Adjoint, Step, first_wrong
from .telling import LANGUAGES

TOLERANCE = 1e-9
EPSILON = 2.3e-16
NARROW = 3e-5  # for results in float32
DRAWS = 6
KINKED = ("max", "min", "abs", "sign")
SCALES = (1.0, 0.1, 3.0, 1.0, 0.3, 1.0)
FAR = (30.0, 1000.0)
WORDS: dict[str, tuple[str, str]] = {
    "equal": ("Equal to the gradient by {wrt} on {n} random instances.", "与对 {wrt} 的梯度相等（在 {n} 个随机实例上比较）。"),
    "wrong": ("Not equal.", "不相等。"),
    "shape": ("Yours has shape {mine} where {wrt} asks for {right}.", "你的结果形状是 {mine}，而 {wrt} 要求 {right}。"),
    "layout": ("Right in the other layout: yours is the transpose, {mine} against {right}.", "换一种布局是对的：你的结果是转置，{mine} 与 {right}。"),
    "change": ("To change: {text}.", "修改：{text}。"),
    "step": ("The first line that disagrees is {step}; {of} and the derivative by it have the shape [{shape}]. {said}",
             "第一处不一致的是 {step}；{of} 及对它的导数的形状是 [{shape}]。{said}"),
    "own": ("The loss has {own}.", "损失中是 {own}。"),
    "fault": ("Not accepted: {text}.", "不能接受：{text}。"),
    "other-notation": ("Read as {this}; as {other} it would not be equal.", "按 {this} 记法读；按 {other} 记法则不相等。"),
    "narrow": ("It returns float32; compared as far as float32 reaches.", "返回的是 float32，只比较到它的精度。"),
    "kink": ("At the kink {at} you take {mine}, we take {right}: any subgradient is accepted there.",
             "在不可导点 {at}，你取 {mine}，我们取 {right}：那里任何次梯度都接受。"),
    "unstable": ("Right on paper, but where the inputs are {scale:g} times as large it gives inf or nan, which the code of iverson does not.",
                 "公式是对的，但输入放大 {scale:g} 倍时会得到 inf 或 nan，而 iverson 生成的代码不会。"),
}  # fmt: skip


REMARKS = {"kink": "other-subgradient", "unstable": "unstable-form", "narrow": "float32", "other-notation": "other-notation"}


class Remark(str):
    """A note on a right gradient; label: what kind it is."""

    label = ""


@dataclass(frozen=True)
class Verdict:
    """ok and kind, a message, and the evidence.

    kind             equal; for a wrong gradient the label of its first cause (a row of rules/mistakes.py), shape or
                     different where no cause was found; for a function also raises, result, changes-input
    causes           the causes that fit, the most plausible first; one with two labels is two mistakes at once
    counterexample   arrays by name with `yours` and `ours`; None where there is none to show
    entries          in words, which entries differ;  notes: what is worth knowing of a right gradient
    shapes           of yours and ours at one instance, where they differ
    step             of a candidate in several lines, the first that disagrees; the causes are those of this line
    """

    ok: bool
    kind: str
    message: str
    counterexample: Counterexample | None = None
    entries: str = ""
    notes: tuple[str, ...] = field(default=())
    causes: tuple[Told, ...] = ()
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    step: str = ""

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        parts = [self.message, *self.notes]
        return "\n".join(parts)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the mistakes, one or two."""
        return self.causes[0].labels if self.causes else ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What kind of note each is that has a kind: other-subgradient, unstable-form, ..."""
        return tuple(n.label for n in self.notes if isinstance(n, Remark))

    def record(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        shown = None if self.counterexample is None else self.counterexample.record()
        return {
            "ok": self.ok,
            "kind": self.kind,
            "message": self.message,
            "labels": list(self.labels),
            "causes": [c.record() for c in self.causes],
            "entries": self.entries,
            "step": self.step,
            "counterexample": shown,
            "notes": list(self.notes),
            "remarks": list(self.remarks),
        }


@dataclass
class Case:
    """One question: the loss, its verified derivative, and the language of the answer."""

    loss: Typed
    derived: Derived
    lang: str = "en"
    stable: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            raise IversonError("usage", f"The language is one of {', '.join(LANGUAGES)}, not {self.lang!r}.")
        d = self.derived
        self.ours = runner(read_back(d.program.inputs, [*d.where, d.main], d.dims), d.main.name)
        self.draws = instances(self.loss, 11, n=DRAWS, wrt=(d.wrt,)).draws
        self.b = [self.ours(x.arrays, x.sizes) for x in self.draws]

    @cached_property
    def more(self) -> list[Any]:
        """Draws of other scales, where other sides of a condition hold."""
        found = []
        for k, scale in enumerate(SCALES):
            for d in instances(self.loss, 101 + k, n=DRAWS, wrt=(self.derived.wrt,)).draws:
                x = self.derived.wrt
                free = not self.loss.inputs[x].facts and np.asarray(d.arrays[x]).dtype.kind == "f"
                found.append(replace(d, arrays={**d.arrays, x: d.arrays[x] * scale}) if free else d)
        return found

    def say(self, key: str, **gaps: Any) -> str:
        text = Remark(WORDS[key][LANGUAGES.index(self.lang)].format(**gaps))
        text.label = REMARKS.get(key, "")
        return text if text.label else str(text)


def judge(
    loss: Typed, derived: Derived, candidate: Any, notation: str = "auto", lang: str = "en",
    stable: Callable[..., Any] | None = None, adjoint: Adjoint | None = None,
) -> Verdict:  # fmt: skip
    """The verdict on a candidate: a text in iverson notation, NumPy or LaTeX, or a function of the inputs.

    Errors point into the candidate's text.  stable: gives our gradient as code, for the note on floating point
    adjoint: the derivative by a definition of the loss, for a candidate in several lines
    """
    case = Case(loss, derived, lang, stable)
    if callable(candidate):
        return of_function(case, candidate)
    found = readings(loss, derived, candidate, notation)
    values = [[c.run(d.arrays, d.sizes) for d in case.draws] for c in found]
    right = [equal(case, c.run, a) and differing(case, c.run) is None for c, a in zip(found, values, strict=True)]
    if not any(right):
        whole = wrong(case, found[0], found[0].run, at_first(case, found[0].run, values[0]))
        step = None if adjoint is None else first_wrong(loss, derived, found[0], adjoint, case.draws, same)
        return whole if step is None else stepwise(case, whole, step)
    best = right.index(True)
    notes = remarks(case, found[best].run)
    if len(found) > 1 and not all(right):
        notes = (case.say("other-notation", this=found[best].notation, other=found[1 - best].notation), *notes)
    return accepted(case, notes)


def stepwise(case: Case, whole: Verdict, step: Step) -> Verdict:
    """The verdict on a derivation, told by its first wrong line."""
    evidence = "" if whole.counterexample is None else f" {whole.counterexample.sentence(case.lang)}"
    causes: tuple[Told, ...] = ()
    if step.candidate is None or step.loss is None or step.derived is None:
        said, kind = case.say("own", own=step.own), "operand-or-index-slip"
    else:
        own = Case(step.loss, step.derived, case.lang)
        own.draws, own.b = step.draws, [own.ours(d.arrays, d.sizes) for d in step.draws]
        a = [step.candidate.run(d.arrays, d.sizes) for d in own.draws]
        causes = tuple(diagnosis(own.derived, step.candidate, a, own.b, own.draws, own.lang))
        said = told(own, causes[0]) if causes else ""
        kind = causes[0].labels[0] if causes else "different"
    message = f"{case.say('wrong')}{evidence} {case.say('step', step=step.text, of=step.of, shape=step.shape, said=said)}"
    return replace(whole, kind=kind, message=message.strip(), causes=causes, step=step.text)


def accepted(case: Case, notes: tuple[str, ...] = ()) -> Verdict:
    return Verdict(True, "equal", case.say("equal", wrt=case.derived.wrt, n=len(case.draws)), notes=notes)


# -- functions -------------------------------------------------------------------------------------------------


def of_function(case: Case, f: Callable[..., Any]) -> Verdict:
    """The verdict on a Python function, run in this process."""
    try:
        mine = UserFunction(f, case.derived.program.inputs)
        for fault in faults(mine, case.draws[0].arrays):
            return faulty(case, fault)
        called = [mine.call(d.arrays) for d in case.draws]
    except Faulty as error:
        return faulty(case, error.fault)
    values, short = [v for v, _ in called], any(narrow(raw) for _, raw in called)
    close = [narrowly(case, k, x) for k, x in enumerate(values)] if short else [equal(case, mine, values)]
    if all(close):
        if short or differing(case, mine) is None:
            said = [w[LANGUAGES.index(case.lang)] for w in hints(mine, case.draws[0].arrays)]
            return accepted(case, (case.say("narrow"), *said) if short else (*said, *remarks(case, mine)))
        values = list(at_first(case, mine, values))
    return wrong(case, None, mine, values)


def narrowly(case: Case, k: int, a: np.ndarray) -> bool:
    """Equal as far as float32 can be: to some units in its last place, and to what rounding the inputs to it does to ours."""
    b, d = case.b[k], case.draws[k]
    if a.shape != b.shape:
        return False
    top = np.max(np.abs(b)) if b.size else 0.0
    slack = NARROW * (np.abs(b) + 0.1 * top) + 1e-12
    if np.all(np.abs(a - b) <= slack):
        return True
    rng = np.random.default_rng(1)
    for _ in range(3):
        moved = {n: v if isinstance(v, tuple) or np.asarray(v).dtype.kind != "f" else v * (1 + 6e-8 * rng.choice([-1, 1], np.shape(v)))
                 for n, v in d.arrays.items()}  # fmt: skip
        slack = np.maximum(slack, 10 * np.abs(case.ours(moved, d.sizes) - b))
    return bool(np.all(np.abs(a - b) <= slack))


def differing(case: Case, yours: Run) -> Any:
    """A further draw, of another scale, at which the candidate differs, as a condition may hide a difference; None where
    there is none."""
    if not conditions(case):
        return None
    for d in case.more:
        a, b = yours(d.arrays, d.sizes), case.ours(d.arrays, d.sizes)
        if np.all(np.isfinite(a)) and np.all(np.isfinite(b)) and not (same(a, b) or as_rounded(case, yours, d, a, b)):
            return d
    return None


def at_first(case: Case, yours: Run, values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """The candidate's values, with a draw at which it differs put first where it differs at no other."""
    if not equal(case, yours, values):
        return values
    d = differing(case, yours)
    case.draws, case.b = (d, *case.draws), [case.ours(d.arrays, d.sizes), *case.b]
    return [yours(d.arrays, d.sizes), *values]


def compared(case: Case, yours: Run, values: Sequence[np.ndarray]) -> Verdict:
    """The verdict on something that gives values, whatever it is."""
    if equal(case, yours, values) and differing(case, yours) is None:
        return accepted(case)
    return wrong(case, None, yours, at_first(case, yours, values))


def faulty(case: Case, fault: Fault) -> Verdict:
    return Verdict(False, fault.kind, case.say("fault", text=fault.words[LANGUAGES.index(case.lang)]))


# -- comparing -------------------------------------------------------------------------------------------------


def same(a: np.ndarray, b: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Equal to 1e-9 of the entry's size, small entries on the scale of the largest times 1e-3."""
    if a.shape != b.shape:
        return False
    scale = np.abs(b) + 1e-3 * (np.max(np.abs(b)) if b.size else 0.0) + 1e-12
    return bool(np.all(np.abs(a - b) <= tolerance * scale))


def equal(case: Case, yours: Run, values: Sequence[np.ndarray]) -> bool:
    """Whether the candidate is the gradient at every draw."""
    return all(same(x, y) or as_rounded(case, yours, d, x, y) for x, y, d in zip(values, case.b, case.draws, strict=True))


def as_rounded(case: Case, yours: Run, d: Any, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two values differ by no more than what rounding the inputs does to them, as where a gradient cancels to 0."""
    if a.shape != b.shape or not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return False
    rng, slack = np.random.default_rng(2), np.zeros(b.shape)
    for _ in range(3):
        moved = {n: v if isinstance(v, tuple) or np.asarray(v).dtype.kind != "f" else v * (1 + EPSILON * rng.choice([-1, 1], np.shape(v)))
                 for n, v in d.arrays.items()}  # fmt: skip
        for run, x in ((case.ours, b), (yours, a)):
            slack = np.maximum(slack, np.abs(run(moved, d.sizes) - x))
    noise = 10 * float(np.max(slack, initial=0.0))
    small = noise <= 1e-12 + 1e-6 * float(np.max(np.abs(b), initial=0.0))  # not a condition that was decided otherwise
    return small and bool(np.all(np.abs(a - b) <= noise))


def wrong(case: Case, candidate: Candidate | None, yours: Run, a: Sequence[np.ndarray]) -> Verdict:
    """What is to be said of a gradient that is not equal."""
    found = tuple(diagnosis(case.derived, candidate, a, case.b, case.draws, case.lang))
    pairs = list(zip(a, case.b, strict=True))
    if any(x.shape != y.shape for x, y in pairs):
        return misshapen(case, pairs, found)
    shown = smallest(case.loss, yours, case.ours, same)
    entries = where_wrong(pairs)
    evidence = "" if shown is None else f" {shown.sentence(case.lang)}"
    cause = f" {told(case, found[0])}" if found else f" {capital(entries)}." if entries else ""
    return Verdict(False, found[0].labels[0] if found else "different", case.say("wrong") + evidence + cause, shown, entries, causes=found)


def told(case: Case, t: Told) -> str:
    stop = "." if case.lang == "en" else "。"
    return f"{t.sentence}{stop} {case.say('change', text=t.change)}"


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def misshapen(case: Case, pairs: Sequence[tuple[Any, Any]], found: tuple[Told, ...]) -> Verdict:
    a, b = next((x, y) for x, y in pairs if x.shape != y.shape)
    key = "layout" if found and found[0].labels == ("transposed",) else "shape"
    said = case.say(key, mine=a.shape, right=b.shape, wrt=case.derived.wrt)
    cause = f" {told(case, found[0])}" if found else ""
    kind = found[0].labels[0] if found else "shape"
    return Verdict(False, kind, f"{case.say('wrong')} {said}{cause}", causes=found, shapes=(a.shape, b.shape))


def hessian_meant(v: Verdict) -> bool:
    """Whether a candidate that is no gradient has the shape of a Hessian."""
    return v.shapes is not None and bool(v.shapes[1]) and v.shapes[0] == v.shapes[1] * 2


# -- right, with a remark --------------------------------------------------------------------------------------


def remarks(case: Case, yours: Run) -> tuple[str, ...]:
    """What is worth knowing of a right gradient: another subgradient at a kink, a form that overflows."""
    return (*at_kinks(case, yours), *far_out(case, yours))


def at_kinks(case: Case, yours: Run) -> tuple[str, ...]:
    if not conditions(case):
        return ()
    shown = smallest(case.loss, yours, case.ours, same)
    if shown is None:
        return ()
    at = ", ".join(f"{n} = {text(v)}" for n, v in shown.arrays.items() if not isinstance(v, tuple))
    return (case.say("kink", at=at, mine=text(shown.yours), right=text(shown.ours)),)


def conditions(case: Case) -> bool:
    """Whether the loss or its gradient has kinks or cases."""
    bodies = [d.body for d in (*case.derived.program.definitions, *case.derived.answer.program)]
    return any(g.op == "br" or (g.op in ("apply", "red") and kinked(g)) for f in bodies for g in walk(f))


def kinked(g: Any) -> bool:
    return (g.attr if g.op == "apply" else g.attr[0]) in KINKED


def far_out(case: Case, yours: Run) -> tuple[str, ...]:
    """Where the candidate's own operations overflow and our code does not."""
    if case.stable is None:
        return ()
    stable = case.stable()
    for scale in FAR:
        for d in case.draws[:2]:
            x = case.derived.wrt
            arrays = {**d.arrays, x: d.arrays[x] * scale}
            try:
                with np.errstate(all="ignore"):
                    ours, mine = np.asarray(stable(**arrays), float), yours(arrays, d.sizes)
            except Exception:
                continue
            if np.all(np.isfinite(ours)) and not np.all(np.isfinite(mine)):
                return (case.say("unstable", scale=scale),)
    return ()


def where_wrong(pairs: Sequence[Any]) -> str:
    """Which entries differ, in words."""
    a, b = next((x, y) for x, y in pairs if not same(x, y))
    if not b.shape:
        return ""
    wrong = np.abs(a - b) > 1e-9 * (np.abs(b) + 1e-3 * np.max(np.abs(b)) + 1e-12)
    if wrong.all():
        return "every entry differs"
    if b.ndim == 2 and b.shape[0] == b.shape[1] and not wrong[~np.eye(len(b), dtype=bool)].any():
        return "the entries on the diagonal differ"
    places = [tuple(map(int, p)) for p in np.argwhere(wrong)[:4]]
    shown = ", ".join(str(list(p)) for p in places)
    return f"{int(wrong.sum())} of {wrong.size} entries differ, such as {shown}"
