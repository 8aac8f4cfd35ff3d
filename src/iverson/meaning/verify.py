"""No answer is shown before it has been compared with numbers: the acceptance rule.

Glossary   f: the loss, or a weighted sum of its outputs; x: the arrays derived by; v: a random direction;
           g.v: the derivative the answer gives along v; d: the same from differences of f.
The loss is evaluated from the tree the user wrote, the answer from its printed text, read back.
Differences are of fourth order; two step sizes must agree to 1e-8 or the draw is replaced; then |g.v - d| <= 1e-7 scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..core.node import Node
from ..lang.kinds import Input, Typed, describe, typed
from ..lang.ops import CONSTANTS
from ..lang.show import show, spelled_out
from ..lang.structure import kind_of
from ..lang.surface import Equation, names_in, walk
from ..lang.syntax import parse_script
from .admit import all_sizes
from .sample import instances
from .surface_eval import compile_surface

TOLERANCE = {1: 1e-7, 2: 1e-5, 3: 1e-5, 4: 1e-5}
STEPS_AGREE = 1e-8
NEAR_MISS = 100  # times the tolerance: a comparison that fails by less is repeated in extended precision
FINER = 8  # by how much smaller its steps are then
FAR_OUT = "scale"  # notes of draws where a right formula, evaluated as printed, may overflow or lose its digits
KIND_OF = {"data": "tensor", "param": "tensor", "label": "label", "scalar": "scalar", "function": "function"}


@dataclass(frozen=True)
class Verified:
    """The record of a comparison.

    instances, directions   how many were compared;  worst: largest error relative to the scale of the loss
    domain                  from which the inputs were drawn;  redraws: draws replaced
    sizes                   the sizes of the instances;  unseen: brackets not met on both sides
    """

    instances: int
    directions: int
    worst: float
    domain: str
    redraws: int
    sizes: tuple[Mapping[str, int], ...] = ()
    unseen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.instances > 0

    def __str__(self) -> str:
        text = (
            f"compared with differences of the loss on {self.instances} instances, "
            f"{self.directions} directions each; largest relative error {self.worst:.0e}"
        )
        text += f"; inputs drawn {self.domain}" + (f"; {self.redraws} redrawn" if self.redraws else "")
        return text + (f"; not met on both sides: {', '.join(self.unseen)}" if self.unseen else "")


def line(e: Equation) -> str:
    """An equation as text."""
    return e.name + (f"[{','.join(e.indices)}]" if e.indices else "") + " = " + show(spelled_out(e.body, e.indices or ()))


def declaration(i: Input) -> str:
    """An input as it would be declared with the kind and the sizes that were understood."""
    if i.role == "function":
        return f"{i.name}: function"
    kind = describe(i.type)
    if i.type.classes is not None and not i.type.dims:
        return f"{i.name}: {kind.replace('label', 'label[]', 1)}"
    if i.type.classes is None and i.type.form in ("scalar", "row"):
        return f"{i.name}: {kind}"
    word = kind_of(i.facts) if i.facts else "tensor"
    return f"{i.name}: {kind if i.type.classes is not None else word + kind[len(i.type.form) :]}"


def read_back(
    inputs: Mapping[str, Input],
    equations: Sequence[Equation],
    dims: Mapping[str, tuple[Node, ...]] | None = None,
) -> Typed:
    """Printed equations read again, over inputs whose kinds are known; the last one is the result.

    dims    the sizes of the definitions, where an index that stands only in a bracket does not tell
    Errors  IversonError `unsupported` where no array tells how far an index runs: the text would mean nothing
    """
    sizes = [f"{n}_: data[{n}]" for n in unknown(inputs, equations)]
    text = "\n".join([*map(declaration, inputs.values()), *sizes, *map(line, equations)])
    script = parse_script(text)
    found = typed(replace(script, result=equations[-1].name), dims=dims)
    told = {n for i in found.inputs.values() for n in (*i.type.dims, i.type.classes)}
    told.update(n for ns in (dims or {}).values() for n in ns)
    if any(n.op == "size" and n not in told for n in all_sizes(found)):
        raise IversonError(
            "unsupported",
            "The answer has a sum over an index that no array in it carries, so its text does not say how far it runs.",
            hint="Write the loss so that every index stands in an array.",
        )
    return replace(found, inputs={n: i for n, i in found.inputs.items() if n in inputs})


def unknown(inputs: Mapping[str, Input], equations: Sequence[Equation]) -> list[str]:
    """Names that stand for sizes which no input has."""
    named = {n.attr for i in inputs.values() for n in (*i.type.dims, i.type.classes) if n is not None}
    bound = {i for e in equations for t in walk(e.body) if t.op == "reduce" for i in t.attr[1]}
    known = {*inputs, *named, *bound, *CONSTANTS, *(e.name for e in equations), *(i for e in equations for i in e.indices or ())}
    return sorted({n for e in equations for n in names_in(e.body)} - known)


@dataclass
class Question:
    """What is to be verified: `answer` (the last of its equations) as the derivative of `loss` by `wrt`.

    outputs   how many leading axes of the answer are axes of the loss; upstream: the name of its weights
    tangent   makes a direction one within the structure of x; pairing: how gradient and direction are multiplied
    within    the answer itself is to be one of these directions
    entry     the answer is the derivative by this entry of the input alone
    arranged  brings an answer in another layout to the axes of the loss and of the input, given their sizes
    """

    loss: Typed
    wrt: str
    answer: Typed
    outputs: int = 0
    upstream: str | None = None
    order: int = 1
    pairing: Callable[[Any, Any], Any] | None = None
    tangent: Callable[[Any, Any], Any] | None = None
    entry: tuple[int, ...] | None = None
    within: bool = False
    arranged: Callable[[Any, tuple[int, ...], tuple[int, ...]], Any] | None = None


def verify(q: Question, n: int = 5, directions: int = 2, seed: int = 0) -> Verified:
    """Compare; raises IversonError("verify") when the answer is not the derivative."""
    found = instances(q.loss, seed, n=n, wrt=(q.wrt,), extremes=True)
    f = compile_surface(q.loss, [q.loss.script.result])
    g = compile_surface(q.answer, [q.answer.script.result])
    rng = np.random.default_rng(seed + 1)
    worst, used, dropped = 0.0, 0, 0
    for draw in found.draws:
        error = compare(q, draw, f, g, rng, directions)
        dropped += error is None
        used += error is not None
        worst = max(worst, error or 0.0)
    if not used:
        raise IversonError("verify", "No random instance allowed a comparison.", hint="Give sizes or kinds.")
    unseen = dict.fromkeys(show(t) for t in (*found.never_true, *found.never_false))
    return Verified(
        used,
        directions,
        worst,
        found.domain,
        found.redrawn + dropped,
        tuple(d.sizes for d in found.draws),
        tuple(unseen),
    )


def compare(
    q: Question,
    draw: Any,
    f: Callable[..., Any],
    g: Callable[..., Any],
    rng: np.random.Generator,
    directions: int,
) -> float | None:
    """Largest relative error over the directions on one instance; None when differences are too rough to tell."""
    arrays, sizes = draw.arrays, draw.sizes
    value = np.asarray(f(arrays, sizes)[q.loss.script.result])
    weights = rng.normal(size=value.shape) if q.outputs or q.upstream else np.ones(())
    extra = {q.upstream: weights} if q.upstream else {}
    gradient = np.asarray(g({**arrays, **extra}, sizes)[q.answer.script.result])
    if q.arranged is not None:
        gradient = q.arranged(gradient, value.shape, np.shape(arrays[q.wrt]))
    if draw.note.startswith("size") and not np.isfinite(gradient).all():
        return None  # the spread of one number has no slope
    if q.outputs:
        gradient = np.tensordot(weights, gradient, axes=q.outputs)
    x = np.asarray(arrays[q.wrt], float)
    if q.entry is not None:
        gradient = single(x, q.entry, float(gradient))
    if draw.note and not np.isfinite(gradient).all():
        return None  # at an extreme: a size of 1 can put every x on a kink, as in the deviation of one number
    if gradient.shape != x.shape:
        raise IversonError("verify", f"The answer has shape {gradient.shape}, {q.wrt} has {x.shape}.")
    check_within(q, gradient, x)
    errors = [judged(q, draw, f, g, weights, gradient, x, direction(q, x, rng)) for _ in range(directions)]
    known = [e for e in errors if e is not None]
    return max(known) if known else None


def check_within(q: Question, gradient: Any, x: Any) -> None:
    """A projected gradient does not change when it is projected again."""
    if q.within and q.tangent is not None and np.abs(q.tangent(gradient, x) - gradient).max() > 1e-8 * (1 + np.abs(gradient).max()):
        raise IversonError("verify", f"The answer for {q.wrt} leaves the structure of {q.wrt}.",
                           hint="This is a fault of iverson; please report the loss.")


def direction(q: Question, x: Any, rng: np.random.Generator) -> Any:
    v = rng.normal(size=x.shape)
    if q.entry is not None:
        return single(x, q.entry, 1.0)
    return q.tangent(v, x) if q.tangent else v


def single(x: Any, entry: tuple[int, ...], value: float) -> Any:
    """An array like x that is 0 but for one entry."""
    whole = np.zeros(x.shape)
    whole[entry] = value
    return whole


def verify_along(loss: Typed, names: Mapping[str, str], answer: Typed, n: int = 5, seed: int = 0) -> Verified:
    """Compare a directional derivative with differences along the direction; `names`: input to direction."""
    found = instances(loss, seed, n=n, wrt=tuple(names), extremes=True)
    f, g = (compile_surface(t, [t.script.result]) for t in (loss, answer))
    rng = np.random.default_rng(seed + 1)
    worst, used = 0.0, 0
    for draw in found.draws:
        arrays, sizes = draw.arrays, draw.sizes
        v = {w: rng.normal(size=np.shape(arrays[w])) for w in names}
        given = np.asarray(g({**arrays, **{names[w]: v[w] for w in names}}, sizes)[answer.script.result])
        weights = rng.normal(size=given.shape)

        def along(t: float, arrays: Any = arrays, sizes: Any = sizes, v: Any = v, weights: Any = weights) -> float:
            moved = {w: arrays[w] + t * v[w] for w in v}
            return float(np.sum(weights * f({**arrays, **moved}, sizes)[loss.script.result]))

        h = 1e-3 * max(float(np.mean([np.sqrt(np.mean(np.square(arrays[w]))) for w in names])), 1e-9)
        a, b, rate = difference(along, h), difference(along, h / 2), float(np.sum(weights * given))
        scale = abs(b) + abs(along(0.0)) / (1000 * h)
        if not np.isfinite(a + b + rate) or not scale or abs(a - b) > 0.1 * TOLERANCE[1] * scale:
            continue
        error = abs(rate - b) / scale
        if error > TOLERANCE[1]:
            raise IversonError("verify", f"The answer gives {rate:.9g} along a direction, differences give {b:.9g}.",
                               hint="This is a fault of iverson; please report the loss.")
        worst, used = max(worst, error), used + 1
    if not used:
        raise IversonError("verify", "No random instance allowed a comparison.", hint="Give sizes or kinds.")
    return Verified(used, 1, worst, found.domain, found.redrawn, tuple(d.sizes for d in found.draws))


def judged(
    q: Question,
    draw: Any,
    f: Callable[..., Any],
    g: Callable[..., Any],
    weights: Any,
    gradient: Any,
    x: Any,
    v: Any,
) -> float | None:
    """The relative error along one direction; what is too rough to tell, or a near miss, goes to the referee.

    Far out a miss of any size does, and without a referee's word it does not count.
    """
    error = measured(q, draw.arrays, draw.sizes, f, weights, gradient, x, v)
    if error is not None and error <= TOLERANCE[q.order]:
        return error
    far = draw.note.startswith(FAR_OUT)
    near = error is None or error <= NEAR_MISS * TOLERANCE[q.order]
    settled = referee(q, draw, f, g, weights, x, v) if near or far else None
    if settled is not None and settled <= TOLERANCE[q.order]:
        return settled
    if settled is None and (error is None or far):
        return None
    return one(q, draw.arrays, draw.sizes, f, weights, gradient, x, v)


def referee(
    q: Question, draw: Any, f: Callable[..., Any], g: Callable[..., Any], weights: Any, x: Any, v: Any
) -> float | None:
    """The relative error in extended precision, by smaller steps; None where NumPy has none for what occurs."""
    if np.finfo(np.longdouble).eps >= np.finfo(float).eps:
        return None
    arrays = {n: finer(a) for n, a in draw.arrays.items()}
    extra = {q.upstream: weights} if q.upstream else {}
    try:
        gradient = np.asarray(g({**arrays, **extra}, draw.sizes)[q.answer.script.result])
        if q.arranged is not None:
            gradient = q.arranged(gradient, np.shape(weights), np.shape(x))
        if q.outputs:
            gradient = np.tensordot(weights, gradient, axes=q.outputs)
        return measured(q, arrays, draw.sizes, f, weights, gradient, finer(x), v, FINER)
    except TypeError:
        return None


def finer(a: Any) -> Any:
    """Reals in extended precision; labels and functions as they are."""
    return a.astype(np.longdouble) if isinstance(a, np.ndarray) and a.dtype == np.float64 else a


def one(
    q: Question, arrays: Any, sizes: Any, f: Callable[..., Any], weights: Any, gradient: Any, x: Any, v: Any
) -> float | None:
    """The relative error along one direction; an error where it is larger than the tolerance."""
    error = measured(q, arrays, sizes, f, weights, gradient, x, v)
    if error is not None and not error <= TOLERANCE[q.order]:
        along, h, _ = line_of(q, arrays, sizes, f, weights, x, v)
        rate, b = paired(q, gradient, v), difference(along, h / 2)
        raise IversonError(
            "verify",
            f"The answer for {q.wrt} gives {float(rate):.9g} along a direction, differences give {float(b):.9g}.",
            hint="This is a fault of iverson; please report the loss.",
        )
    return error


def measured(
    q: Question,
    arrays: Any,
    sizes: Any,
    f: Callable[..., Any],
    weights: Any,
    gradient: Any,
    x: Any,
    v: Any,
    division: int = 1,
) -> float | None:
    """The relative error along one direction; None when the differences of two steps do not agree."""
    along, h, length = line_of(q, arrays, sizes, f, weights, x, v)
    rate, h = paired(q, gradient, v), h / division
    with np.errstate(all="ignore"):
        a, b = difference(along, h), difference(along, h / 2)
    scale = abs(b) + abs(along(0.0)) / max(length, 1e-300)
    if not np.isfinite(a + b) or abs(a - b) > max(STEPS_AGREE, 0.1 * TOLERANCE[q.order]) * scale:
        return None
    error = float(abs(rate - b) / scale if scale else abs(rate - b))
    return error if error == error else np.inf


def line_of(
    q: Question, arrays: Any, sizes: Any, f: Callable[..., Any], weights: Any, x: Any, v: Any
) -> tuple[Callable[[Any], Any], Any, Any]:
    """(the loss, weighted if it is an array, as a function of t in x + t*v; the step in t; the length of x)."""

    def along(t: Any) -> Any:
        value = f({**arrays, q.wrt: x + t * v}, sizes)[q.loss.script.result]
        return np.sum(weights * value)

    length = np.sqrt(np.mean(x * x)) if x.size else 1.0
    return along, 1e-3 * (length if length > 0 else 1.0) / max(np.sqrt(np.mean(v * v)), 1e-300), length


def paired(q: Question, gradient: Any, v: Any) -> Any:
    return np.sum(gradient * v) if q.pairing is None else q.pairing(gradient, v)


def difference(f: Callable[[Any], Any], h: Any) -> Any:
    """The derivative of f at 0 by the fourth-order formula."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
