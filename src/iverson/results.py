"""What the public functions give back: a loss that has been read, and a verified derivative of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from .core.errors import IversonError
from .core.node import mul, reads
from .core.program import Program
from .derivation.conventions import fact_of
from .derivation.derive import Derived, derive
from .derivation.einsum import einsum_text
from .derivation.index_form import IndexForm, IndexNames
from .derivation.naming import everywhere_in
from .derivation.notes import notes
from .derivation.signs import pointed, smoothed, steep
from .derivation.structure import Structure, structure
from .derivation.tidy import tidy
from .derivation.ties import moved_by
from .derivation.vectorized import stacked, unstacked
from .lang.kinds import Input, Typed, describe, reading
from .lang.lower import lower
from .lang.shapes import show_size
from .lang.show import show
from .meaning.boundary import Change, changes
from .meaning.kinks import jump_text, jumps, kinks
from .meaning.sample import instances
from .meaning.structure import PAIRING, TANGENT
from .meaning.surface_eval import evaluate
from .meaning.undefined import refuse_nan
from .meaning.verify import Question, Verified, line, read_back, verify, verify_along
from .rewrite.collapse import contract
from .rewrite.match import everywhere
from .rules.index import AS_BRACKETS
from .rules.operators import operators as operators


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
        notes = [f"read: {n}" for n in self.typed.script.notes]
        return "\n".join([*reading(self.typed), *notes, *map(line, self.typed.script.equations)])

    @property
    def simplified(self) -> str:
        """The loss with max and min as brackets and every sum that a bracket decides carried out, in index form.

        >>> from iverson import parse
        >>> parse("sum[i] [i = 7]*Y[i]").simplified
        'Y[7]'
        """
        return simplified(self.program)

    def value(self, name: str | None = None, **arrays: Any) -> Any:
        """The value of the loss, or of one of its definitions, evaluated as written.

        >>> from iverson import parse
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
        dims = [i.attr[1] for i in self.derived.gradient.indices]
        if self.layout == "vec":
            dims = [mul(*part) for part in (dims[: self.outputs], dims[self.outputs :]) if part]
        return tuple(map(show_size, dims))

    @property
    def structure(self) -> Structure:
        """Whether it is diagonal, block diagonal, Kronecker, low rank plus diagonal or dense, and what it stores."""
        return structure(self.derived.answer.closed, len(self.derived.adjoint.outputs))

    @property
    def outputs(self) -> int:
        """How many of the axes are those of what was derived."""
        return len(self.derived.adjoint.outputs)

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
        own = notes(self.loss.inputs, self.wrt, self.symmetric, self.derived.adjoint)
        return tuple([*least, *own, *self.jumps])

    @property
    def latex(self) -> str:
        """The closed formula and what it names, as LaTeX for a displayed equation."""
        from .lang.show_latex import equation_latex, latex

        parts = [latex(self.tree)]
        if self.derived.where:
            parts.append(r",\quad\text{where } " + r",\; ".join(map(equation_latex, self.derived.where)))
        return "".join(parts)

    def text(self, format: str = "text") -> str:
        """The closed formula as plain text, unicode, latex or einsum (one call of np.einsum a term), with what it names."""
        if format == "einsum":
            rest = ", ".join(map(line, self.derived.index_where))
            return einsum_text(self.derived.answer.closed) + (f" where {rest}" if rest else "")
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
        """A readable module with the value and this derivative: numpy; torch or jax, which differentiate its `loss` by
        this formula; xgboost or lightgbm, an objective with the Hessian's diagonal."""
        from .targets import module

        return module({self.wrt: self}, target)

    def products(self, wrt: Sequence[str]) -> dict[str, Derivation]:
        """The derivatives by these inputs times a gradient by the result, each verified."""
        taken = self.loss.program.names()
        name = next(n for n in ("upstream", *(f"upstream{k}" for k in range(1, 100))) if n not in taken)
        found = derive(self.loss.typed, wrt, 1, name, None, self.symmetric)
        rows = {n: Derivation(self.loss, d, 1, name, None, self.symmetric) for n, d in found.items()}
        for d in rows.values():
            d.verified  # noqa: B018
        return rows

    def second(self) -> Derivation:
        """The derivative of this one by the same input, verified."""
        found = derive(self.loss.typed, [self.wrt], self.order + 1)[self.wrt]
        d = Derivation(self.loss, found, self.order + 1, None, None, "ambient")
        d.verified  # noqa: B018
        return d

    def __call__(self, *args: Any, **arrays: Any) -> Any:
        """The derivative at the given arrays, a float or a float64 array.

        Errors   IversonError "limit" where a Hessian or Jacobian would take more bytes than IVERSON_DENSE_LIMIT, 4 GiB by default
        """
        if args:
            arrays = {**dict(zip([i.name for i in self._evaluate.inputs], args, strict=False)), **arrays}
        value = self._dense(arrays) if self.outputs else self._evaluate(**arrays)
        return stacked(value, self.outputs) if self.layout == "vec" else value

    def _dense(self, arrays: Mapping[str, Any]) -> Any:
        """All entries, by the structure where there is one."""
        from .second.assemble import shape_of
        from .second.matrices import require_room

        if self._assembly is not None and not self._assembly.plain:
            found = self._assembly(**arrays)
            if all(isfinite(a.sum()) for a in found.arrays):
                return found.todense()
        require_room(shape_of(self.derived.program, [i.attr[1] for i in self.derived.gradient.indices], arrays))
        return self._evaluate(**arrays)

    def structured(self, **arrays: Any) -> Any:
        """A Hessian or Jacobian at the given arrays as a second.matrices.Structured: what its structure stores, with `@`,
        `solve`, `todense`, `nbytes`, `nbytes_dense`.

        >>> from iverson import derive
        >>> derive("sum(exp(x))", "x", order=2).structured(x=[0.0, 0.0, 0.0])
        3x3: diagonal; 24 B, dense 72 B
        """
        if self._assembly is None:
            raise IversonError("unsupported", "This derivative is no matrix.", hint="derive(source, wrt, order=2) is one.")
        found = self._assembly(**arrays)
        if any(map(holds_nan, found.arrays)):
            self._refuse_nan(self.wrt, arrays)
        return found

    @cached_property
    def _assembly(self) -> Any:
        """The structure as a function of the arrays, compared with the dense code on numbers; None of what is no matrix."""
        if not self.outputs or self.upstream or self.along is not None or self.entry is not None:
            return None
        from .second.assemble import Assembly, require_equal

        made = Assembly(self.derived.program, self.derived.answer, self.outputs)
        require_equal(made, self._evaluate, instances(self._judge, 2, n=2, wrt=(self.wrt,)).draws)
        return made

    @cached_property
    def _evaluate(self) -> Any:
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


def holds_nan(a: Any) -> bool:
    """Told by one sum where there is none."""
    total = a.sum()
    return bool(total != total) and bool(np.isnan(a).any())


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
    judge = cut_typed(d) if first is None and d.wrt in d.loss.typed.definitions else judge
    pairing, tangent = allowed(d)
    within = d.symmetric == "projected" and tangent is not None and d.order == 1
    record = None
    for candidate in (program, answer):
        arranged = unstacked if d.layout == "vec" and candidate is answer and not d.derived.main.indices else None
        q = Question(judge, d.wrt, candidate, outputs, d.upstream, d.order, pairing, tangent, d.entry, within, arranged)
        record = verify(q, directions=1 if candidate is program else 2)
    assert record is not None
    return record


def cut_typed(d: Derivation) -> Typed:
    """The loss with a definition as an input, for deriving by that definition."""
    script = d.loss.typed.script
    others = [e for e in script.equations if e.name not in (d.wrt, script.result)]
    result = [e for e in script.equations if e.name == script.result]
    return read_back(d.derived.program.inputs, [*others, *result])


def allowed(d: Derivation) -> tuple[Any, Any]:
    """How an answer by a structured input is multiplied with directions, and what makes a direction one within it."""
    fact = None if d.symmetric == "ambient" else fact_of(d.loss.inputs.get(d.wrt))
    return (None, None) if fact is None else (PAIRING.get(fact) if d.symmetric == "entries" else None, TANGENT[fact])


def roots(program: Program, wrt: str) -> tuple[str, ...]:
    """The roots of what is never negative, as in norm2(x), where they are 0: kinks that no line meets."""
    form = IndexForm(IndexNames(program.index_names, program.names()), program.dims())
    moved = moved_by(program, wrt)
    nodes = [g for d in program.definitions for g in everywhere_in(d.body)]
    flat = Counter(g.args[0].args[0] for g in nodes if smoothed(g))
    raised = Counter(g.args[0] for g in nodes if steep(g))
    found = {g.args[0]: None for g in nodes if pointed(g) and raised[g.args[0]] > flat[g.args[0]]}
    return tuple(
        f"at {show(form.tree(b, form.names.assign(sorted(b.free))))} = 0: slope 0 taken (sqrt)"
        for b in found
        if reads(b) & moved
    )
