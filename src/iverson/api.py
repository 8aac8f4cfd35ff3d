"""The public functions and objects: parse, derive, check, compile, fit.  Everything shown has been verified.

Glossary   source: a text, a path to one, a Python function, or a Loss from `parse`;  wrt: the input, or inputs, to derive by.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .core.errors import IversonError, bounded
from .core.program import Program
from .derivation.derive import Derived, blocks
from .derivation.derive import derive as derive_all
from .derivation.products import entry
from .derivation.vectorized import in_vec
from .lang.read import Sizes, read
from .results import Derivation, Loss
from .rules.operators import operators as operators

Source = "str | Path | Loss"
UNFORESEEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, AssertionError)    # a fault of a reader, found by a text
Plain = tuple[tuple[str, Any], ...]


def parse(
    source: Any,
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
    formula: str | None = None,
) -> Loss:
    """Read a loss.

    source   a text in iverson notation, NumPy, LaTeX or as it stands on a chalkboard, a path to a file of one (.iv, .py, .tex),
             or a Python function
    sizes    {"X": ("N", "D"), "b": ()}: what the text does not declare; kinds: {"y": "label K", "A": "symmetric"}
    symbols  of LaTeX: {"y_hat": r"\\hat{y}", "X": (r"x^{(i)}", "row")}
    formula  the left side of the formula that is the loss; target is another word for it, where nothing else has that name
    Errors   IversonError, with the text and the place in it
    """
    if isinstance(source, Loss):
        return source
    if target is not None and formula is not None and target != formula:
        raise IversonError("usage", "target and formula are two words for one thing here.", hint="Give one of them.")
    try:
        t = read(source, notation, sizes, kinds, symbols, target if formula is None else formula)
    except UNFORESEEN as error:
        raise IversonError("unsupported", "This text is not read: it has a form that was not foreseen.",
                           hint="Write it another way; or an argument beside it is not of its type.") from error
    return Loss(t, t.script.source)


@bounded
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
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
    formula: str | None = None,
) -> Any:
    """The gradient of a scalar loss, the Jacobian of a vector or matrix, or the vector-Jacobian product with `upstream`.

    wrt       a name (a Derivation comes back) or a tuple of names (a dict); `s[i]` names the index of the answer,
              X[2,3] is one entry, counted from 0
    order     1, or 2 for the Hessian, up to 4; order 2 by several names gives a dict of blocks by pairs of names
    layout    None; "transposed" for the transpose of a matrix answer; "vec" for the matrix from vec(input) to vec(output)
              of Magnus and Neudecker, in Kronecker products, where vec stacks columns
    symmetric ambient, projected or entries: what the gradient by an input of a declared structure means
    Errors    IversonError; "verify" would mean that the answer disagreed with numbers, and it is then not given

    >>> derive("norm2(A*x - y)^2", "x").formula
    "2*A'*(A*x - y)"
    """
    kinds = dict(kinds or {})
    form = kinds.pop(upstream, None) if upstream and upstream in kinds else None
    loss = parse(source, notation, sizes, kinds, symbols, target, formula)
    names, prefer = wanted_names(wrt)
    require_known(loss, names)
    check_options(order, layout, names, upstream)
    laid: Callable[[Derived], Derived] = in_vec if layout == "vec" else lambda d: d
    if order == 2 and len(names) > 1:
        pairs = blocks(loss.typed, names).items()
        return shown({pair: Derivation(loss, laid(d), order, None, layout, symmetric) for pair, d in pairs}, verified)
    if prefer and all(t.isdecimal() for t in prefer):
        return one_entry(loss, names[0], tuple(map(int, prefer)), order, upstream, form, verified)
    found = derive_all(loss.typed, names, order, upstream, form, symmetric, prefer)
    results = {n: Derivation(loss, laid(d), order, upstream, layout, symmetric) for n, d in found.items()}
    shown(results, verified)
    return results[names[0]] if isinstance(wrt, str) else results


def require_known(loss: Loss, names: Sequence[str]) -> None:
    """Names of the text: those that a derivation introduces are not asked for."""
    for n in names:
        if n not in loss.typed.inputs and n not in loss.typed.definitions:
            near = difflib.get_close_matches(n, [*loss.typed.inputs, *loss.typed.definitions], 1, 0.7)
            hint = "It has: " + ", ".join(loss.typed.inputs) + (f". Did you mean {near[0]}?" if near else "")
            raise IversonError("name", f"{n} does not occur in the loss.", hint=hint)


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
        raise IversonError("unsupported", "Orders above 1 take no upstream gradient, those above 2 one input at a time.")
    if layout not in (None, "transposed", "vec"):
        raise IversonError("unsupported", f"There is no layout {layout!r}.", hint="None, 'transposed' or 'vec'.")


@bounded
def check(
    source: Any,
    wrt: str,
    candidate: Any,
    candidate_notation: str = "auto",
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    order: int | None = None,
    lang: str = "en",
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
    formula: str | None = None,
) -> Any:
    """Compare a gradient you derived with the verified one: a Verdict with ok, kind, message, causes, counterexample.

    candidate   a formula in iverson notation, NumPy or LaTeX; a function of the inputs by name, of NumPy arrays, torch tensors
                or JAX arrays, which is called here; a torch.autograd.Function or a jax.custom_vjp, checked by all its inputs;
                an objective for XGBoost or LightGBM that returns (grad, hess) of every row by the raw score `wrt`
    order       2 for a Hessian; by default told from the candidate's shape;  lang: en or zh
    """
    from .diagnosis.frameworks import is_layer
    from .diagnosis.objectives import is_objective
    from .diagnosis.verdict import hessian_meant, judge

    loss = parse(source, notation, sizes, kinds, symbols, target, formula)
    if is_layer(candidate):
        return check_layer(loss, [wrt] if isinstance(wrt, str) else wrt, candidate, lang)
    if callable(candidate) and is_objective(candidate, loss.inputs):
        return check_objective(loss, wrt, candidate, lang)

    def adjoint(name: str) -> tuple[Any, Derived]:
        d = derive(loss, name)
        return d._judge, d.derived

    def ask(n: int) -> Any:
        d = derive(loss, wrt, n)
        return judge(d._judge, d.derived, candidate, candidate_notation, lang, lambda: d._evaluate, adjoint if n == 1 else None)

    found = ask(order or 1)
    return ask(2) if order is None and hessian_meant(found) else found


@bounded
def convexity(
    source: Any,
    wrt: str | Sequence[str],
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Any:
    """Whether a loss is convex in `wrt`, an input or several together: a Convexity with verdict, reason, certificate, counterexample.

    The other inputs are whatever their declarations allow; a sign that nothing declares becomes a condition. A result with
    entries is judged entry by entry. Names without sizes are numbers where the text has no reading with vectors.

    >>> convexity("norm2(A*x - y)^2 + lam*norm1(x)", "x").verdict
    'convex if lam >= 0'
    """
    from .convex import judged, numbers_in

    names = [n.strip() for w in ([wrt] if isinstance(wrt, str) else wrt) for n in w.split(",")]
    try:
        loss = parse(source, notation, sizes, kinds)
    except IversonError as error:
        if error.kind not in ("ambiguous", "shape") or not isinstance(source, str) or sizes:
            raise
        try:
            loss = parse(source, notation, numbers_in(source, kinds or {}), kinds)
        except IversonError:
            raise error from None
    return judged(loss.typed, names)


def check_objective(loss: Loss, score: str, candidate: Any, lang: str) -> Any:
    """The verdict on an objective of a boosting library."""
    from .diagnosis.function import Faulty
    from .diagnosis.objectives import judge_objective
    from .diagnosis.verdict import Case, faulty

    def case(order: int) -> Case:
        d = derive(loss, score, order)
        return Case(d._judge, d.derived, lang)

    first = case(1)
    try:
        return judge_objective(candidate, first, lambda: case(2))
    except Faulty as error:
        return faulty(first, error.fault)


def check_layer(loss: Loss, wanted: Sequence[str], candidate: Any, lang: str) -> Any:
    """The verdict on a layer by all its inputs."""
    from .diagnosis.layers import judge_layer
    from .diagnosis.verdict import Case

    def case(name: str) -> Case:
        d = derive(loss, name)
        return Case(d._judge, d.derived, lang)

    return judge_layer(candidate, loss.typed, wanted, case, lang)


def compile(
    source: Any,
    wrt: str | Sequence[str] | None = None,
    target: str = "numpy",
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    dtype: str = "float64",
    threads: int = 1,
    wait: bool = False,
    symbols: Mapping[str, Any] | None = None,
    formula: str | None = None,
) -> Any:
    """A function of the arrays that returns (value, gradient), or (value, {name: gradient}) for several names.

    wrt       a name, or several; by default every input that is declared as param
    target    numpy, torch or jax; of torch and jax the arrays are tensors, dtype and device follow them, and the function has
              another, `loss`, whose backward pass is the closed form.  native: a C kernel made for the loss, which reads the
              samples once and keeps no array of their number; NumPy runs until the compiler, in the background, has made it.
              `f.info` says how it runs, and why where NumPy has to do it; f(..., out=array) writes the gradient there
    dtype     of the arrays and gradients of a native kernel: float64 or float32; values and sums over samples are float64
    threads   of a native kernel; the result does not depend on it
    wait      for the native kernel to be compiled, as f.wait() does
    symbols, formula   as of `parse`

    >>> value, gradient = compile("sum(x.^2)", "x")(x=[3.0, 4.0])
    """
    check_target(target, dtype, threads)
    loss = parse(source, notation, sizes, kinds, symbols, formula=formula)
    if wrt is None:
        from .training import parameters

        wrt = parameters(loss.typed)
    return runnable(derive(loss, wrt), wrt, target, dtype, threads, wait)


def runnable(found: Any, wrt: str | Sequence[str], target: str, dtype: str = "float64", threads: int = 1, wait: bool = False) -> Any:
    """The function of what was derived, which `compile` returns."""
    rows = found if isinstance(found, dict) else {str(wrt): found}
    if target in ("torch", "jax"):
        from .targets import function

        return function(rows, target, isinstance(found, dict))
    program = next(iter(rows.values())).derived.program
    answers = {n: d.derived.answer for n, d in rows.items()}

    def refuse(name: str, arrays: Mapping[str, Any]) -> None:
        rows[name]._refuse_nan(name, arrays)

    from .run.kernel import compile_native, numpy_function

    if target == "native":
        return compile_native(program, answers, dtype, threads, isinstance(found, dict), refuse, wait)
    return numpy_function(program, answers, isinstance(found, dict), refuse)


def bench(
    source: Any,
    wrt: str | Sequence[str],
    n: int = 1_000_000,
    dims: Mapping[str, int] | None = None,
    dtype: str = "float64",
    threads: int = 1,
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    seconds: float = 8.0,
) -> Any:
    """A record of times, a dict with text(): our kernel and NumPy code, and every system installed, on drawn arrays, run in turn.

    n      samples;  dims: other sizes by name, by default 10 classes and 32 of everything else
    """
    from .benchmark import bench as measured

    check_target("native", dtype, threads)
    found = derive(source, wrt, notation=notation, sizes=sizes, kinds=kinds)
    f = runnable(found, wrt, "native", dtype, threads, wait=True)
    return measured(f, lambda: runnable(found, wrt, "torch"), lambda: runnable(found, wrt, "jax"), n, dims or {}, seconds)


def bench_environment(threads: int = 1) -> dict[str, str] | None:
    """The environment a process is to start in for `bench`; None where this one did, and it is then confined to `threads`."""
    from .benchmark import confined, environment

    wanted = environment(threads)
    if wanted is None:
        confined(threads)
    return wanted


def check_target(target: str, dtype: str, threads: int) -> None:
    if target != "native":
        from .targets import require_arrays

        require_arrays(target)
    if dtype not in ("float64", "float32") or (target != "native" and dtype != "float64"):
        raise IversonError("unsupported", f"The target {target} has no kernels of {dtype}.", hint="float64; native: float32 too")
    if not isinstance(threads, int) or threads < 1:
        raise IversonError("usage", f"The number of threads is 1 or more, not {threads!r}.")


def module(source: Any, wrt: str | Sequence[str], target: str = "numpy", **reading: Any) -> str:
    """A readable module with the value and the gradients by all of `wrt`; `reading` as of `parse`, without target."""
    from .targets import module as module_of

    loss = parse(source, **reading)
    return module_of(derive(loss, [wrt] if isinstance(wrt, str) else list(wrt)), target)


def problem(
    source: Any,
    wrt: str | Sequence[str] | None = None,
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    symbols: Mapping[str, Any] | None = None,
    formula: str | None = None,
) -> Any:
    """A loss ready for training: what `fit`, `predict` and `score` work on.  The last few texts are not derived again."""
    plain = plain_items(sizes), plain_items(kinds), plain_items(symbols)
    names = None if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)
    if isinstance(source, str) and not source.endswith((".iv", ".py", ".tex")):
        return problem_of_text(source, names, notation, *plain, formula)
    return made_problem(source, names, notation, *plain, formula)


def plain_items(mapping: Mapping[str, Any] | None) -> Plain:
    """A mapping as plain values."""
    return tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in (mapping or {}).items())


def made_problem(
    source: Any, names: tuple[str, ...] | None, notation: str, sizes: Plain, kinds: Plain, symbols: Plain, formula: str | None
) -> Any:
    """The training problem of a loss."""
    from .training import TrainingProblem

    loss = parse(source, notation, dict(sizes), dict(kinds), dict(symbols), formula=formula)

    def gradient(params: tuple[str, ...]) -> tuple[Program, dict[str, Any]]:
        found = derive(loss, params)
        return next(iter(found.values())).derived.program, {n: d.derived.answer for n, d in found.items()}

    def reread(text: str, params: tuple[str, ...]) -> Any:
        return problem(text, params, "iverson")

    return TrainingProblem(loss.typed, loss.program, gradient, names, reread)


problem_of_text = lru_cache(maxsize=8)(made_problem)  # a text is derived and its kernel found once, however often it is trained


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
    symbols: Mapping[str, Any] | None = None,
    formula: str | None = None,
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
    p = problem(source, wrt, notation, shapes, kinds, symbols, formula)
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


def predict(model: Any, data: str, *, columns: Mapping[str, str] | None = None, output: str | None = None) -> np.ndarray:
    """Predictions for a data file, laid out as at the fit; written as CSV where `output` names a file (- is stdout)."""
    from .run.model import predict as run_predict
    from .run.model import table_for, write_predictions

    values = run_predict(model, problem(model.source), table_for(model, str(data), None, columns, target=False))
    if output is not None:
        write_predictions(output, values, model.class_names)
    return values


def score(model: Any, data: str, *, label: str | None = None, columns: Mapping[str, str] | None = None) -> dict[str, float | None]:
    """The loss on a data file and, for labels, the accuracy."""
    from .run.model import score as run_score
    from .run.model import table_for

    return run_score(model, problem(model.source), table_for(model, str(data), label, columns))


def convert(source: Any, to: str = "iverson", **reading: Any) -> str:
    """A loss in another notation: iverson, latex, unicode or numpy; `reading` as of `parse`."""
    from .conversion import written

    loss = parse(source, **reading)
    return written(loss.typed, to, loss.source)


def lint(source: str | Path, lang: str = "en", name: str | None = None) -> Any:
    """Judge every claim of a note, Markdown or LaTeX, in English or Chinese: a Lint with findings, counts, ok, text(), html(), sarif().

    source   a text, or a path to a file;  name: what findings call it, by default the path
    lang     en or zh: the language of the messages, not of the note
    Nothing in the note is executed.  Errors: IversonError "usage" for a file that cannot be read, "limit" for one that is too large

    >>> found = lint("$$L = (w - 3)^2$$ and $$\\\\frac{dL}{dw} = w - 3$$")
    >>> found.counts["wrong"], found.wrong[0].labels
    (1, ('factor',))
    """
    from .notes.lint import lint as judged
    from .notes.source import note_text

    if lang not in ("en", "zh"):
        raise IversonError("usage", f"There is no language {lang!r}.", hint="en or zh")
    text, path = note_text(source)
    return judged(text, name or path or "note", lang)


def check_model_folder(folder: str) -> None:
    """Refuse a folder that a model could not be written to, before any work is done."""
    from .run.model import check_folder

    check_folder(folder)
