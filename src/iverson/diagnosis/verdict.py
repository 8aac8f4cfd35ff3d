"""Equal or not: a candidate gradient against the verified one, by exact comparison of values on random instances.

Glossary   yours: the candidate's value; ours: the verified gradient's value; draw: one instance of all inputs.
No differences are taken here: both sides are formulas.  A wrong candidate gets the smallest counter-example found, the
entries that differ, and a cause where one of the rows of rules/mistakes.py fits at every instance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..derivation.derive import Derived
from ..lang.kinds import Typed, typed
from ..lang.show import show
from ..lang.sizes import show_size
from ..lang.surface import Equation, Script, Surface, names_in
from ..lang.syntax import parse_script
from ..meaning.sample import instances
from ..meaning.surface_eval import compile_surface
from ..meaning.verify import declaration, read_back
from ..rules.mistakes import FACTORS, SIZE_FACTORS
from .counterexample import Counterexample, smallest

MOST_TERMS = 16
TOLERANCE = 1e-9

Run = Callable[[Any, Any], np.ndarray]


@dataclass(frozen=True)
class Verdict:
    """ok and kind (equal, layout, factor, missing-term, shape, different), one or two sentences, and the evidence.

    counterexample   arrays by name with `yours` and `ours`; None where there is none to show
    entries          in words, which entries differ
    """

    ok: bool
    kind: str
    message: str
    counterexample: Counterexample | None = None
    entries: str = ""
    notes: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        parts = [self.message, *self.notes]
        return "\n".join(parts)

    def record(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        shown = None if self.counterexample is None else self.counterexample.record()
        return {
            "ok": self.ok,
            "kind": self.kind,
            "message": self.message,
            "entries": self.entries,
            "counterexample": shown,
        }


def judge(loss: Typed, derived: Derived, candidate: str, notation: str = "auto") -> Verdict:
    """The verdict on a candidate text in iverson notation or NumPy.  Errors point into the candidate's text."""
    ours = runner(
        read_back(derived.program.inputs, [*derived.where, derived.main], derived.dims), derived.main.name
    )
    found = readings(loss, derived, candidate, notation)
    verdicts = [verdict(loss, derived, run, ours) for run in found]
    best = next((v for v in verdicts if v.ok), verdicts[0])
    if best.ok and len(found) > 1 and not all(v.ok for v in verdicts):
        best = replace(best, notes=("Read as NumPy; in iverson notation it would not be equal.",))
    return best


# -- reading ---------------------------------------------------------------------------------------------------


def readings(loss: Typed, derived: Derived, text: str, notation: str) -> list[Run]:
    """The candidate as functions: one for each notation in which it can be read."""
    readers = {"iverson": iverson_candidate, "numpy": numpy_candidate}
    if notation != "auto":
        if notation not in readers:
            raise IversonError("unsupported", f"A candidate in {notation} is not read yet.")
        return [readers[notation](loss, derived, text)]
    found: list[Run] = []
    errors: list[IversonError] = []
    for reader in readers.values():
        try:
            found.append(reader(loss, derived, text))
        except IversonError as error:
            errors.append(error)
    if not found:
        raise errors[1] if ("np." in text or "@" in text) and errors[0].kind == "syntax" else errors[0]
    return found


def iverson_candidate(loss: Typed, derived: Derived, text: str) -> Run:
    return assembled(loss, derived, parse_script(text, loss.functions))


def numpy_candidate(loss: Typed, derived: Derived, text: str) -> Run:
    from ..lang.numpy_src import parse_numpy

    types = {n: i.type for n, i in derived.program.inputs.items()} | loss.definitions
    ranks: dict[str, int | str] = {n: "row" if t.form == "row" else t.rank for n, t in types.items()}
    sizes = {n: tuple(k.attr if k.op in ("num", "size") else show_size(k) for k in t.dims) for n, t in types.items() if t.dims}
    script = parse_numpy(text, ranks, sizes)
    return assembled(loss, derived, script)


def assembled(loss: Typed, derived: Derived, candidate: Script) -> Run:
    """The candidate's equations behind the loss's own definitions and the names our answer introduced."""
    own = {e.name for e in candidate.equations}
    inputs = derived.program.inputs
    known = parse_script("\n".join([*map(declaration, inputs.values()), "0"])).declarations
    before = [
        e
        for e in loss.script.equations
        if e.name not in own and e.name != loss.script.result and e.name not in inputs
    ]
    taken = {e.name for e in before} | own | set(inputs)
    before += [e for e in derived.where if e.name not in taken]
    wanted = used_by(candidate.equations, before)
    result = Equation(
        "candidate_",
        candidate.equations[-1].indices,
        candidate.equations[-1].body,
        candidate.equations[-1].span,
    )
    script = Script(
        tuple(known), (*wanted, *candidate.equations[:-1], result), "candidate_", candidate.source
    )
    try:
        t = typed(
            script, dims=derived.dims | {"candidate_": tuple(i.attr[1] for i in derived.gradient.indices)}
        )
    except IversonError as error:
        raise error.located(candidate.source) from None
    return runner(t, "candidate_")


def used_by(equations: tuple[Equation, ...], pool: list[Equation]) -> list[Equation]:
    """The equations of the pool that are read, directly or not, in order."""
    wanted: set[str] = set()
    stack = [e.body for e in equations]
    byname = {e.name: e for e in pool}
    while stack:
        for n in names_in(stack.pop()):
            if n in byname and n not in wanted:
                wanted.add(n)
                stack.append(byname[n].body)
    return [e for e in pool if e.name in wanted]


def runner(t: Typed, name: str) -> Run:
    f = compile_surface(t, [name])
    return lambda arrays, sizes: np.asarray(f(arrays, sizes)[name], float)


# -- comparing -------------------------------------------------------------------------------------------------


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to 1e-9 of the entry's size, small entries on the scale of the largest times 1e-3."""
    if a.shape != b.shape:
        return False
    scale = np.abs(b) + 1e-3 * (np.max(np.abs(b)) if b.size else 0.0) + 1e-12
    return bool(np.all(np.abs(a - b) <= TOLERANCE * scale))


def verdict(loss: Typed, derived: Derived, yours: Run, ours: Run) -> Verdict:
    draws = instances(loss, 11, n=6, wrt=(derived.wrt,)).draws
    pairs = [(yours(d.arrays, d.sizes), ours(d.arrays, d.sizes), d.sizes) for d in draws]
    if all(same(a, b) for a, b, _ in pairs):
        return Verdict(
            True, "equal", f"Equal to the gradient by {derived.wrt} on {len(pairs)} random instances."
        )
    if any(a.shape != b.shape for a, b, _ in pairs):
        return shape_verdict(derived, pairs)
    shown = smallest(loss, yours, ours, same)
    for cause in (factor_cause, transposed_cause):
        found = cause(pairs)
        if found is not None:
            return Verdict(False, found[0], told(shown, found[1]), shown, where_wrong(pairs))
    missing = missing_term(derived, pairs, draws)
    if missing is not None:
        return Verdict(False, "missing-term", told(shown, missing), shown, where_wrong(pairs))
    return Verdict(False, "different", told(shown, where_wrong(pairs)), shown, where_wrong(pairs))


def told(shown: Counterexample | None, cause: str) -> str:
    evidence = "" if shown is None else f" {shown.sentence()}"
    return f"Not equal.{evidence}{' ' + cause[:1].upper() + cause[1:] + '.' if cause else ''}"


def shape_verdict(derived: Derived, pairs: list[Any]) -> Verdict:
    a, b, _ = pairs[0]
    turned = all(x.T.shape == y.shape and same(x.T, y) for x, y, _ in pairs)
    if turned:
        return Verdict(
            False,
            "layout",
            f"Right in the other layout: yours is the transpose, {a.shape} against {b.shape}. "
            f"The gradient has the shape of {derived.wrt}.",
            entries="all, transposed",
        )
    return Verdict(
        False, "shape", f"Not equal. Yours has shape {a.shape} where {derived.wrt} asks for {b.shape}."
    )


def transposed_cause(pairs: list[Any]) -> tuple[str, str] | None:
    if all(a.ndim == 2 and same(a.T, b) for a, b, _ in pairs):
        return "layout", "yours is the transpose of the gradient"
    return None


def factor_cause(pairs: list[Any]) -> tuple[str, str] | None:
    """One constant factor at every instance, named."""
    for text, value, words in FACTORS:
        if all(same(a, value({}) * b) for a, b, _ in pairs):
            return "factor", f"yours is {text} times the gradient: {words}"
    for n in pairs[0][2]:
        for text, size_value, words in SIZE_FACTORS:
            if all(same(a, size_value(sizes[n]) * b) for a, b, sizes in pairs):
                return "factor", f"yours is {text.format(n)} times the gradient: {words.format(n)}"
    ratios = [
        a.ravel()[np.argmax(np.abs(b))] / b.ravel()[np.argmax(np.abs(b))] for a, b, _ in pairs if np.any(b)
    ]
    if ratios and all(same(a, ratios[0] * b) for a, b, _ in pairs):
        return "factor", f"yours is {ratios[0]:.6g} times the gradient"
    return None


def missing_term(derived: Derived, pairs: list[Any], draws: Any) -> str | None:
    """The term of our formula without which it is yours, or that yours has twice or with the wrong sign."""
    body = derived.main.body
    terms = dict.fromkeys((*(body.args if body.op == "add" else ()), *spread(body)))
    for term in terms if 1 < len(terms) <= MOST_TERMS else ():
        value = runner(
            read_back(
                derived.program.inputs, [*derived.where, replace(derived.main, body=term)], derived.dims
            ),
            derived.main.name,
        )
        parts = [value(d.arrays, d.sizes) for d in draws]
        for count, words in (
            (-1.0, "is missing"),
            (1.0, "is counted twice"),
            (-2.0, "has the wrong sign"),
            (-0.5, "is half of what it should be"),
        ):
            if all(same(a, b + count * p) for (a, b, _), p in zip(pairs, parts, strict=True)):
                return f"the term {show(bare(term))} {words}"
    return None


def spread(tree: Surface) -> list[Surface]:
    """The terms of a formula, multiplied out: `(A + A')*x` is A*x and A'*x."""
    if tree.op == "add":
        return [t for a in tree.args for t in spread(a)]
    if tree.op == "neg":
        return [bare(t) if t.op == "neg" else Surface("neg", (t,)) for t in spread(tree.args[0])]
    if tree.op == "mul":
        return [signed_product(a, b) for a in spread(tree.args[0]) for b in spread(tree.args[1])]
    if tree.op in ("div", "transpose"):
        return [Surface(tree.op, (t, *tree.args[1:])) for t in spread(tree.args[0])]
    return [tree]


def signed_product(a: Surface, b: Surface) -> Surface:
    whole = Surface("mul", (bare(a), bare(b)))
    return whole if (a.op == "neg") == (b.op == "neg") else Surface("neg", (whole,))


def bare(term: Surface) -> Surface:
    return term.args[0] if term.op == "neg" else term


def where_wrong(pairs: list[Any]) -> str:
    """Which entries differ, in words."""
    a, b, _ = pairs[0]
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
