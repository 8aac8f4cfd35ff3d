"""A loss in another notation reads back to the same loss, and runs where it is Python."""

import itertools

import numpy as np
import pytest

import iverson as iv
from iverson.conversion import TARGETS, agrees, declaration
from iverson.core.errors import IversonError
from iverson.lang.read import read
from iverson.meaning.sample import instances
from iverson.meaning.surface_eval import compile_surface
from losses import SOFTMAX, SVM
from readings import SOURCES

STEP = 23                       # of the tables, in the fast run; every text in the long one
MOST_REFUSED = {"iverson": 0.005, "latex": 0.02, "unicode": 0.0, "numpy": 0.03}
WHY = ("has no NumPy text", "text that reads back", "has no matrix form", "is not read")


def read_losses(source, step):
    for label, reading in itertools.islice(SOURCES[source](), 0, None, step):
        try:
            loss = reading()
            loss.program  # noqa: B018
        except IversonError:
            continue
        yield label, loss


def refused(losses, to):
    """The texts that have no such text; every other one reads back."""
    found, count = [], 0
    for label, loss in losses:
        count += 1
        try:
            text = iv.convert(loss, to)
        except IversonError as error:
            assert error.kind == "unsupported", (label, str(error))
            found.append(f"{label}: {error.message}")
            continue
        assert text == iv.convert(loss, to)
        back = read(text)
        assert set(back.inputs) == {n + "_" * (n not in back.inputs) for n in loss.inputs}, text
    return found, count


@pytest.mark.parametrize("to", MOST_REFUSED)
@pytest.mark.parametrize("source", SOURCES)
def test_what_is_printed_reads_back(source, to):
    found, count = refused(read_losses(source, STEP), to)
    assert len(found) <= 1 + 4 * MOST_REFUSED[to] * count, found


@pytest.mark.long
@pytest.mark.parametrize("to", MOST_REFUSED)
def test_all_that_is_printed_reads_back(to):
    found, count = refused(itertools.chain(*(read_losses(s, 1) for s in SOURCES)), to)
    assert len(found) <= MOST_REFUSED[to] * count, found


@pytest.mark.parametrize("source", SOURCES)
def test_numpy_text_runs(source):
    """Python gives the value of the loss as it was read."""
    ran = 0
    for label, loss in read_losses(source, 11):
        try:
            text, draws = iv.convert(loss, "numpy"), instances(loss.typed, 1, 2).draws
        except IversonError:
            continue
        names = {}
        exec(text, names)
        for d in draws if not loss.typed.functions else ():
            wanted = compile_surface(loss.typed, [loss.result])(d.arrays, d.sizes)[loss.result]
            arrays = {n + "_" * (n in ("lambda", "value", "sum", "max", "min")): v for n, v in d.arrays.items()}
            code = names["value"].__code__
            arguments = {n: v for n, v in {**d.sizes, **arrays}.items() if n in code.co_varnames[: code.co_argcount]}
            with np.errstate(all="ignore"):
                found = np.asarray(names["value"](**arguments))
            finite = np.isfinite(found)     # what is written out may overflow where the operator does not
            assert np.shape(found) == np.shape(wanted) and np.allclose(found[finite], np.asarray(wanted)[finite], rtol=1e-7), (label, text)
            ran += finite.all()
    assert ran


MATRIX = (
    ("sum[i] (X[i,:]*w - y[i])^2", "L = sum((X*w - y).^2)"),
    ("sum[i,k] A[i,k]*B[k,i]", "L = sum(A'.*B)"),
    ("sum[i] sum[j] x[i]*A[i,j]*y[j]", "L = x'*A*y"),
    ("np.einsum('ij,j->i', A, x) @ y", "L = (A*x)'*y"),
    (r"\sum_{i=1}^{n} x_i^2", "L = x'*x"),
)


@pytest.mark.parametrize("text, wanted", MATRIX)
def test_matrix_notation_has_no_indices(text, wanted):
    text = iv.convert(text, "matrix")
    assert text.splitlines()[-1] == wanted
    assert iv.parse(text).program.result == "L"


def test_what_has_no_matrix_form_is_named():
    with pytest.raises(IversonError) as caught:
        iv.convert("sum[i] x[i]^2 + sum[i,j,k] T[i,j,k]*x[i]*y[j]*z[k]", "matrix")
    assert "T[i,j,k]" in caught.value.message and "x[i]^2" not in caught.value.message


@pytest.mark.parametrize("text", [SVM, SOFTMAX])
@pytest.mark.parametrize("one", ["iverson", "latex", "unicode", "numpy"])
@pytest.mark.parametrize("other", ["iverson", "latex", "unicode", "numpy"])
def test_every_notation_prints_every_other(text, one, other):
    loss = iv.parse(text)
    there = iv.convert(iv.parse(iv.convert(loss, one)), other)
    assert agrees(loss.typed, read(there), other)
    assert {n: declaration(i) for n, i in iv.parse(there).inputs.items()} == {n: declaration(i) for n, i in loss.inputs.items()}


def test_a_text_that_reads_otherwise_is_not_given_out(monkeypatch):
    """A writer that loses a minus sign is caught."""
    from iverson import conversion

    plain = conversion.iverson_text
    monkeypatch.setitem(conversion.WRITERS, "iverson", (lambda t: plain(t).replace("-", "+"),))
    with pytest.raises(IversonError, match="would be read otherwise"):
        iv.convert("sum((A*x - y).^2)", "iverson")


PREFACED = (     # a text that says what it leaves open, and the declarations it is read with
    ("% iverson latex\n% X: data[N, D]\n% w: param[D]\n\\sum_i (w^\\top x_i)^2", None),
    ("% iverson latex, target J\n% w: param[D]\nJ = w^\\top w\n", ["w: param[D]"]),
    ("# iverson numpy\n# y: label[N] in K\n# S: data[N, K]\nnp.sum(S[np.arange(N), y])", ["y: label[N] in K", "S: data[N, K]"]),
    ("# iverson latex, indices from 0\n# x: data[n]\nx_0 + \\sum_i x_i", ["x: data[n]"]),
    ("% iverson latex\n% p: data[n] as \\hat{y}\n\\sum_i \\hat{y}_i^2", ["p: data[n]"]),
)


@pytest.mark.parametrize("text, wanted", PREFACED)
def test_comments_say_what_formulas_leave_open(text, wanted):
    found = [declaration(i) for i in iv.parse(text).inputs.values()]
    assert wanted is None or found == wanted


def test_a_remark_that_is_none_is_refused_at_its_place():
    text = "% iverson latex, indexes from 0\nx_0"
    with pytest.raises(IversonError) as caught:
        iv.parse(text)
    assert text[caught.value.span.start : caught.value.span.end] == "indexes from 0"


def test_a_comment_of_the_user_is_no_preamble():
    assert iv.parse("# iverson is nice\n# x: what comes in\nx'*x").typed.script.equations[-1].body.op == "mul"


assert {*MOST_REFUSED, "matrix"} == set(TARGETS)
