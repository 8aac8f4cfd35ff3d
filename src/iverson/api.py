"""The public functions and objects: parse, derive, check, compile, fit.  Everything shown has been verified.

Glossary   source: a text, a path to one, a Python function, or a Loss from `parse`;  wrt: the input, or inputs, to derive by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .core.errors import IversonError
from .core.node import reads
from .core.program import Program
from .derivation.derive import Derived, blocks
from .derivation.derive import derive as derive_all
from .derivation.index_form import IndexForm, IndexNames
from .derivation.naming import everywhere_in
from .derivation.products import entry
from .derivation.signs import pointed
from .derivation.structure import Structure, structure
from .derivation.tidy import tidy
from .derivation.ties import moved_by
from .lang.kinds import Input, Typed, describe, reading
from .lang.lower import lower
from .lang.read import Sizes, read
from .lang.shapes import show_size
from .lang.show import show
from .meaning.boundary import Change, changes
from .meaning.kinks import jump_text, jumps, kinks
from .meaning.surface_eval import evaluate
from .meaning.undefined import refuse_nan
from .meaning.verify import Question, Verified, line, read_back, verify, verify_along
from .rewrite.collapse import contract
from .rewrite.match import everywhere
from .rules.index import AS_BRACKETS
from .rules.operators import operators as operators

Source = "str | Path | Loss"


@dataclass(frozen=True)
class Loss:
    """A text that has been read: its inputs with kinds and sizes, its definitions, and how it was understood."""

    typed: Typed
    source: str

    @cached_property
    def program(self) -> Program:
        return lower(self.typed)

    @property
    def inputs(self) -> dict[str, Input]:
        return self.typed.inputs

    @property
    def definitions(self) -> dict[str, str]:
        """Every definition with its kind and sizes."""
        return {n: describe(t) for n, t in self.typed.definitions.items()}

    @property
    def result(self) -> str:
        return self.typed.script.result

    @property
    def reading(self) -> str:
        """What was understood, a line for each name, then the formulas with their parentheses."""
        return "\n".join([*reading(self.typed), *map(line, self.typed.script.equations)])

    @property
    def simplified(self) -> str:
        """The loss with max and min as brackets and every sum that a bracket decides carried out, in index form.

        >>> parse("sum[i] [i = 7]*Y[i]").simplified
        'Y[7]'
        """
        return simplified(self.program)

    def value(self, name: str | None = None, **arrays: Any) -> Any:
        """The value of the loss, or of one of its definitions, evaluated as written.

        >>> parse("sum(x.^2)").value(x=[3, 4])
        25.0
        """
        wanted = self.result if name is None else name
        if wanted not in self.typed.definitions:
            raise IversonError(
                "name", f"{wanted} is not a definition.", hint="It has " + ", ".join(self.definitions)
            )
        return evaluate(self.typed, arrays, [wanted])[wanted]

    def __repr__(self) -> str:
        return self.reading


def parse(
    source: Any, notation: str = "auto", sizes: Sizes | None = None, kinds: Mapping[str, str] | None = None
) -> Loss:
    """Read a loss.

    source   a text in iverson notation or NumPy source, a path to a file of either, or a Python function
    sizes    {"X": ("N", "D"), "b": ()}: what the text does not declare; kinds: {"y": "label K", "A": "symmetric"}
    Errors   IversonError, with the text and the place in it
    """
    if isinstance(source, Loss):
        return source
    t = read(source, notation, sizes, kinds)
    return Loss(t, t.script.source)


def derive(
    source: Any,
    wrt: str | Sequence[str],
    order: int = 1,
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    upstream: str | None = None,
    layout: str | None = None,
    symmetric: str = "ambient",
    verified: bool = True,
) -> Any:
    """The gradient of a scalar loss, the Jacobian of a vector or matrix, or the vector-Jacobian product with `upstream`.

    wrt       a name (a Derivation comes back) or a tuple of names (a dict); `s[i]` names the index of the answer,
              X[2,3] is one entry, counted from 0
    order     1, or 2 for the Hessian, up to 4; order 2 by several names gives a dict of blocks by pairs of names
    layout    None, or "transposed" for the transpose of a matrix answer
    symmetric ambient, projected or entries: what the gradient by a symmetric input means
    Errors    IversonError; "verify" would mean that the answer disagreed with numbers, and it is then not given

    >>> derive("norm2(A*x - y)^2", "x").formula
    "2*A'*(A*x - y)"
    """
    kinds = dict(kinds or {})
    form = kinds.pop(upstream, None) if upstream and upstream in kinds else None
    loss = parse(source, notation, sizes, kinds)
    names, prefer = wanted_names(wrt)
    check_options(order, layout, names, upstream)
    if order == 2 and len(names) > 1:
        pairs = blocks(loss.typed, names).items()
        return shown({pair: Derivation(loss, d, order, None, layout, symmetric) for pair, d in pairs}, verified)
    if prefer and all(t.isdecimal() for t in prefer):
        return one_entry(loss, names[0], tuple(map(int, prefer)), order, upstream, form, verified)
    found = derive_all(loss.typed, names, order, upstream, form, symmetric, prefer)
    results = {n: Derivation(loss, d, order, upstream, layout, symmetric) for n, d in found.items()}
    shown(results, verified)
    return results[names[0]] if isinstance(wrt, str) else results


def shown(results: dict[Any, Derivation], verified: bool = True) -> dict[Any, Derivation]:
    """Answers that may be shown: one that disagrees with numbers is an error."""
    for d in results.values() if verified else ():
        d.verified  # noqa: B018
    return results


def one_entry(
    loss: Loss, name: str, at: tuple[int, ...], order: int, upstream: str | None, form: str | None, verified: bool
) -> Derivation:
    """The derivative by one entry of an array."""
    if order != 1:
        raise IversonError("unsupported", "A derivative by one entry has order 1.")
    d = entry(derive_all(loss.typed, [name], 1, upstream, form)[name], at)
    dims = loss.typed.inputs[name].type.dims if name in loss.typed.inputs else ()
    least = dict(loss.typed.least)
    for n, k in zip(dims, at, strict=False):
        least[n] = max(k + 1, least.get(n, 0))
    wide = Loss(replace(loss.typed, least=least), loss.source)
    return shown({name: Derivation(wide, d, 1, upstream, None, "ambient", entry=at)}, verified)[name]


def wanted_names(wrt: str | Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The names in `wrt`, and the index names of `s[i,k]`."""
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    if len(names) == 1 and names[0].endswith("]"):
        name, _, rest = names[0][:-1].partition("[")
        return [name.strip()], tuple(i.strip() for i in rest.split(","))
    return names, ()


def check_options(order: int, layout: str | None, names: list[str], upstream: str | None) -> None:
    if order not in (1, 2, 3, 4):
        raise IversonError("unsupported", f"The order is 1, 2, 3 or 4, not {order!r}.")
    if (order > 1 and upstream) or (order > 2 and len(names) > 1):
        raise IversonError(
            "unsupported", "Orders above 1 take no upstream gradient, those above 2 one input at a time."
        )
    if layout not in (None, "transposed"):
        raise IversonError(
            "unsupported", f"The layout {layout!r} is not supported yet.", hint="None or 'transposed'."
        )


class Derivation:
    """A verified derivative: formula, derivation, code.  Calling it with arrays evaluates it with NumPy."""

    def __init__(
        self,
        loss: Loss,
        derived: Derived,
        order: int,
        upstream: str | None,
        layout: str | None,
        symmetric: str,
        entry: tuple[int, ...] | None = None,
        along: Mapping[str, str] | None = None,
    ) -> None:
        self.entry, self.along = entry, along
        self.loss, self.derived, self.order = loss, derived, order
        self.upstream, self.layout, self.symmetric = upstream, layout, symmetric

    @property
    def wrt(self) -> str:
        return self.derived.wrt

    @property
    def form(self) -> str:
        """matrix, index, or program: a matrix formula over gradients that stand in `where`."""
        return self.derived.form

    @property
    def formula(self) -> str:
        """The closed formula, without what it names."""
        return show(self.tree)

    @property
    def tree(self) -> Any:
        from .derivation.lift import transposed

        body = self.derived.main.body
        return transposed(body) if self.layout == "transposed" and not self.derived.main.indices else body

    @property
    def where(self) -> tuple[str, ...]:
        """The definitions that the formula names, in order."""
        return tuple(map(line, self.derived.where))

    @property
    def index_form(self) -> str:
        """The closed formula in index form, with the indices of the answer on its left and all that it names."""
        rest = ", ".join(map(line, self.derived.index_where))
        return line(self.derived.indexed) + (f" where {rest}" if rest else "")

    @property
    def program(self) -> str:
        """All steps that compute it, a definition a line, the derivative last."""
        return "\n".join(map(line, self.derived.lines))

    @property
    def shape(self) -> tuple[str, ...]:
        """The sizes of the derivative, outputs first."""
        return tuple(show_size(i.attr[1]) for i in self.derived.gradient.indices)

    @property
    def structure(self) -> Structure:
        """Whether it is diagonal, block diagonal, Kronecker, low rank plus diagonal or dense, and what it stores."""
        return structure(self.derived.answer.closed, len(self.derived.adjoint.outputs))

    @property
    def steps(self) -> list[Any]:
        """The recorded steps, section by section."""
        return [s for section in self.derived.adjoint.sections for s in section.steps]

    @cached_property
    def kinks(self) -> tuple[str, ...]:
        """Where the loss is not differentiable, and the slope that was taken there.  What cancels is not listed."""
        return kinks(self._judge, self._changes) + roots(self.loss.program, self.wrt)

    @cached_property
    def jumps(self) -> tuple[str, ...]:
        """Where the loss is not continuous in what it is derived by."""
        return tuple(jump_text(self._judge.script.result, t) for t in jumps(self._changes))

    @cached_property
    def _changes(self) -> list[Change]:
        return changes(self._judge, self.wrt)

    @property
    def _judge(self) -> Typed:
        return cut_typed(self) if self.wrt in self.loss.typed.definitions else self.loss.typed

    @cached_property
    def verified(self) -> Verified:
        """The record of the comparison with numbers."""
        return verified(self)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Conditions of the answer: smallest sizes, declared facts, jumps of the loss."""
        least = [f"{show_size(n)} >= {k}" for n, k in self.loss.typed.least.items() if n.op != "num"]
        facts = [
            f"{i.name} sums to 1"
            for i in self.loss.inputs.values()
            if "simplex" in i.facts and i.name != self.wrt
        ]
        convention = [f"symmetric gradient: {self.symmetric}"] if "symmetric" in self._facts() else []
        return tuple([*least, *facts, *convention, *self.jumps])

    def _facts(self) -> tuple[str, ...]:
        return self.loss.inputs[self.wrt].facts if self.wrt in self.loss.inputs else ()

    @property
    def latex(self) -> str:
        """The closed formula and what it names, as LaTeX for a displayed equation."""
        from .lang.show_latex import equation_latex, latex

        parts = [latex(self.tree)]
        if self.derived.where:
            parts.append(r",\quad\text{where } " + r",\; ".join(map(equation_latex, self.derived.where)))
        return "".join(parts)

    def text(self, format: str = "text") -> str:
        """The closed formula as plain text or Unicode, with what it names."""
        if format == "latex":
            return self.latex
        if format == "unicode":
            from .lang.show_unicode import equation_unicode, unicode_text

            rest = ", ".join(map(equation_unicode, self.derived.where))
            return unicode_text(self.tree) + (f" where {rest}" if rest else "")
        left = f"{line(self.derived.main).partition(' = ')[0]} = " if self.derived.main.indices else ""
        return left + self.formula + (f" where {', '.join(self.where)}" if self.where else "")

    def explain(self, lang: str = "en", format: str = "text") -> str:
        """The derivation line by line: English or Chinese; text, markdown or latex."""
        from .explain.explanation import explanation

        return explanation(
            self.derived.program, self.derived.adjoint, self.derived.answer, lang, format, jumps=jumps(self._changes)
        )

    def code(self, target: str = "numpy") -> str:
        """A readable module with the value and this derivative."""
        if target != "numpy":
            raise IversonError("unsupported", f"The target {target!r} is not supported yet.", hint="numpy")
        from .emit.numpy_code import numpy_module

        formula = f"d{self.wrt} = {self.text()}" if not self.derived.main.indices else self.text()
        return numpy_module(
            self.derived.program, {self.wrt: self.derived.answer}, self.loss.source, (formula,)
        )

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        """The derivative at the given arrays, a float or a float64 array."""
        return self._evaluate(*args, **arrays)

    @cached_property
    def _evaluate(self) -> Callable[..., Any]:
        from .emit.numpy_code import compiled

        return compiled(
            self.derived.program, {self.wrt: self.derived.answer}, value=False, on_nan=self._refuse_nan
        )

    def _refuse_nan(self, wrt: str, arrays: Mapping[str, Any]) -> None:
        """Never nan without a word: an error that names the part of the formula, where the loss is finite."""
        answer = read_back(self.derived.program.inputs, self.derived.lines, self.derived.dims)
        refuse_nan(self._judge, answer, wrt, arrays)

    def __repr__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/latex": self._repr_latex_()}


def simplified(program: Program) -> str:
    """The result with its brackets decided, as text."""
    d = program.definition(program.result)
    body = tidy(everywhere(AS_BRACKETS, contract(d.body)))
    form = IndexForm(IndexNames(program.index_names, program.names()), program.dims())
    return show(form.tree(body, form.names.assign(d.indices)))


def verified(d: Derivation) -> Verified:
    """Compare an answer's printed text with differences of the loss as the user wrote it."""
    inputs = d.derived.program.inputs
    dims = d.derived.dims
    answer = read_back(inputs, [*d.derived.where, d.derived.main], dims)
    if d.along is not None:
        return verify_along(d.loss.typed, d.along, answer)
    program = read_back(inputs, d.derived.lines, dims)
    outputs = len(d.derived.adjoint.outputs)
    first = d.derived.first
    judge = d.loss.typed if first is None else read_back(inputs, first.lines, first.dims)
    judge = judge if d.wrt not in d.loss.typed.definitions else cut_typed(d)
    pairing, tangent = SYMMETRIC[d.symmetric] if "symmetric" in d._facts() else (None, None)
    record = None
    for candidate in (program, answer):
        q = Question(judge, d.wrt, candidate, outputs, d.upstream, d.order, pairing, tangent, d.entry)
        record = verify(q, directions=1 if candidate is program else 2)
    assert record is not None
    return record


def cut_typed(d: Derivation) -> Typed:
    """The loss with a definition as an input, for deriving by that definition."""
    script = d.loss.typed.script
    others = [e for e in script.equations if e.name not in (d.wrt, script.result)]
    result = [e for e in script.equations if e.name == script.result]
    return read_back(d.derived.program.inputs, [*others, *result])


def _symmetrised(v: Any) -> Any:
    return (v + v.T) / 2


SYMMETRIC: dict[str, tuple[Callable[[Any, Any], Any] | None, Callable[[Any], Any] | None]] = {
    "ambient": (None, None),
    "projected": (None, _symmetrised),
    "entries": (lambda g, v: np.sum(np.triu(g * v)), _symmetrised),
}


def roots(program: Program, wrt: str) -> tuple[str, ...]:
    """The roots of what is never negative, as in norm2(x), where they are 0: kinks that no line meets."""
    form = IndexForm(IndexNames(program.index_names, program.names()), program.dims())
    moved = moved_by(program, wrt)
    found = {g.args[0]: None for d in program.definitions for g in everywhere_in(d.body) if pointed(g)}
    return tuple(
        f"at {show(form.tree(b, form.names.assign(sorted(b.free))))} = 0: slope 0 taken (sqrt)"
        for b in found
        if reads(b) & moved
    )


def check(
    source: Any,
    wrt: str,
    candidate: Any,
    candidate_notation: str = "auto",
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Any:
    """Compare a gradient you derived with the verified one: a Verdict with ok, kind, message, counterexample.

    candidate   a formula in iverson notation or a NumPy expression, over the inputs and definitions of the loss
    """
    from .diagnosis.verdict import judge

    d = derive(source, wrt, notation=notation, sizes=sizes, kinds=kinds)
    return judge(d.loss.typed, d.derived, candidate, candidate_notation)


def compile(
    source: Any,
    wrt: str | Sequence[str] = (),
    target: str = "numpy",
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Callable[..., Any]:
    """A function of the arrays that returns (value, gradient), or (value, {name: gradient}) for several names.

    >>> value, gradient = compile("sum(x.^2)", "x")(x=[3.0, 4.0])
    """
    if target != "numpy":
        raise IversonError("unsupported", f"The target {target!r} is not supported yet.", hint="numpy")
    from .emit.numpy_code import compiled

    found = derive(source, wrt, notation=notation, sizes=sizes, kinds=kinds)
    rows = found if isinstance(found, dict) else {str(wrt): found}
    first = next(iter(rows.values()))
    answers = {n: d.derived.answer for n, d in rows.items()}

    def refuse(name: str, arrays: Mapping[str, Any]) -> None:
        rows[name]._refuse_nan(name, arrays)

    return compiled(first.derived.program, answers, by_name=isinstance(found, dict), on_nan=refuse)


def module(source: Any, wrt: str | Sequence[str], target: str = "numpy") -> str:
    """A readable module with the value and the gradients by all of `wrt`."""
    if target != "numpy":
        raise IversonError("unsupported", f"The target {target!r} is not supported yet.", hint="numpy")
    from .emit.numpy_code import numpy_module

    loss = parse(source)
    found = derive(loss, [wrt] if isinstance(wrt, str) else list(wrt))
    formulas = [d.text() if d.derived.main.indices else f"d{n} = {d.text()}" for n, d in found.items()]
    first = next(iter(found.values()))
    return numpy_module(
        first.derived.program, {n: d.derived.answer for n, d in found.items()}, loss.source, formulas
    )


def problem(
    source: Any,
    wrt: str | Sequence[str] | None = None,
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Any:
    """A loss ready for training: what `fit`, `predict` and `score` work on."""
    from .training import TrainingProblem

    loss = parse(source, notation, sizes, kinds)
    names = None if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)

    def gradient(params: tuple[str, ...]) -> tuple[Program, dict[str, Any]]:
        found = derive(loss, params)
        return next(iter(found.values())).derived.program, {n: d.derived.answer for n, d in found.items()}

    return TrainingProblem(loss.typed, loss.program, gradient, names)


def fit(
    source: Any,
    data: Any,
    *,
    label: str | None = None,
    wrt: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    sizes: Mapping[str, Any] | None = None,
    kinds: Mapping[str, str] | None = None,
    notation: str = "auto",
    progress: Callable[[int, float, float], None] | None = None,
    **settings: Any,
) -> Any:
    """Train a loss by L-BFGS on its verified gradient; a Model with params, curve and scores comes back.

    data      a path to .csv, .npy or .npz, or a dict of arrays by input; label: the column to predict
    sizes     dims of inputs, and numbers for sizes that no data determines: {"r": 8}
    settings  of run.fit.FitSettings: holdout, seed, standardize, scalars, max_iter, tol, init
    """
    from .run.data import from_arrays, load
    from .run.fit import FitSettings
    from .run.fit import fit as run_fit

    numbers = {n: v for n, v in (sizes or {}).items() if isinstance(v, int)}
    shapes = {n: v for n, v in (sizes or {}).items() if not isinstance(v, int)}
    p = problem(source, wrt, notation, shapes, kinds)
    if isinstance(data, Mapping):
        table = from_arrays(data, p.inputs, label, sizes=numbers)
    else:
        table = load(str(data), p.inputs, label, columns, sizes=numbers)
    return run_fit(p, table, settings=FitSettings(**settings), progress=progress).model


def save(model: Any, folder: str | Path) -> None:
    """Write a model as JSON and npz; nothing half-written is ever left."""
    from .run.model import save as write

    write(model, str(folder))


def load(folder: str | Path) -> Any:
    """Read a model that `save` wrote."""
    from .run.model import load as read_model

    return read_model(str(folder))


def predict(
    model: Any, data: str, *, columns: Mapping[str, str] | None = None, output: str | None = None
) -> np.ndarray:
    """Predictions for a data file, laid out as at the fit; written as CSV where `output` names a file (- is stdout)."""
    from .run.model import predict as run_predict
    from .run.model import table_for, write_predictions

    values = run_predict(
        model, problem(model.source), table_for(model, str(data), None, columns, target=False)
    )
    if output is not None:
        write_predictions(output, values, model.class_names)
    return values


def score(
    model: Any, data: str, *, label: str | None = None, columns: Mapping[str, str] | None = None
) -> dict[str, float | None]:
    """The loss on a data file and, for labels, the accuracy."""
    from .run.model import score as run_score
    from .run.model import table_for

    return run_score(model, problem(model.source), table_for(model, str(data), label, columns))


def check_model_folder(folder: str) -> None:
    """Refuse a folder that a model could not be written to, before any work is done."""
    from .run.model import check_folder

    check_folder(folder)
