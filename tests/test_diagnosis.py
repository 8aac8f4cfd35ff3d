"""Planted mistakes are called wrong and by their name; functions are run and looked at; right gradients pass."""

import numpy as np
import pytest

import iverson as iv
from iverson.diagnosis.replay import differential
from iverson.diagnosis.telling import LANGUAGES
from iverson.rules.mistakes import DIFFERENTIALS, MISTAKES, ROWS, SLOPES
from iverson.testing import assert_gradient
from mistakes import BY_ROW, HARDLY, LEAST, PLANTED, RIDGE
from mistakes_numpy import ROWS as IN_NUMPY


@pytest.mark.parametrize(("loss", "wrt", "mine", "wanted"), PLANTED)
def test_the_mistake_is_named(loss, wrt, mine, wanted):
    v = iv.check(loss, wrt, mine)
    assert not v.ok, repr(v)
    names = [sorted(w.strip().split(" + ")) for w in wanted.split(" | ")]
    assert sorted(v.labels) in names or [v.kind] in names, repr(v)


@pytest.mark.parametrize("row", IN_NUMPY, ids=lambda r: r[0][:60])
def test_mistakes_in_numpy_are_named_and_right_forms_pass(row):
    loss, sizes, kinds, wrt, order, mistakes, right = row
    ask = {"notation": "numpy", "candidate_notation": "numpy", "sizes": sizes, "kinds": kinds, "order": order}
    for mine, wanted in mistakes:
        v = iv.check(loss, wrt, mine, **ask)
        assert not v.ok, mine
        assert sorted(v.labels) == sorted(wanted.split(" + ")), f"{mine}: {v!r}"
    for mine in right:
        assert iv.check(loss, wrt, mine, **ask).ok, mine


@pytest.mark.parametrize("key", BY_ROW)
def test_a_row_is_found_where_it_was_planted(key):
    loss, wrt, mine, *numpy = BY_ROW[key]
    ask = {"notation": "numpy", "candidate_notation": "numpy", "sizes": numpy[0], "kinds": numpy[1]} if numpy else {}
    v = iv.check(loss, wrt, mine, **ask)
    assert any(key in c.rows for c in v.causes), repr(v)


def test_every_row_is_planted():
    assert set(MISTAKES) == set(BY_ROW) | HARDLY


@pytest.mark.parametrize(("f", "slope"), [(f, s) for f, rows in SLOPES.items() for s in rows])
def test_a_wrong_slope_of_the_table_is_told(f, slope):
    mine = elementwise(slope)
    kind = "positive" if f == "log" else "param"
    v = iv.check(f"x: {kind}[n]; v: vector; v'*{f}(x)", "x", f"v.*({mine})")
    assert not v.ok and v.causes, repr(v)
    told = {c.labels[0] for c in v.causes} | {a for c in v.causes for a in c.also}
    assert told & {"wrong-inner-derivative", "wrong-function", "missing-inner-derivative", "sign", "power-off-by-one"}, repr(v)


def elementwise(text):
    return text.replace("^", ".^").replace("*", ".*").replace("/", "./")


def differentials():
    return [(f, text) for f, (_, *rows) in DIFFERENTIALS.items() for _, text in rows]


@pytest.mark.parametrize(("f", "text"), differentials())
def test_a_differential_of_the_table_can_be_read(f, text):
    a, da = np.array([[2.0, 0.3], [-0.4, 1.5]]), np.array([[0.2, -0.1], [0.3, 0.7]])
    right = differential(DIFFERENTIALS[f][0])(a, da)
    wrong = differential(text)(a, da)
    assert np.shape(wrong) == np.shape(right) and not np.allclose(wrong, right)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.key)
def test_every_row_has_its_sentences(row):
    gaps = {"part": "P", "other": "O", "name": "N", "reason": ""}
    assert len(row.words) == len(row.change) == len(LANGUAGES)
    assert all(text.format(**gaps) for text in (*row.words, *row.change))
    assert not row.back or row.back in MISTAKES


def test_the_term_and_what_to_change_are_in_the_message():
    v = iv.check(RIDGE, "x", "2*A'*(A*x - y)")
    assert "2*lam*x is missing" in v.message and "add it" in v.message
    assert v.causes[0].labels == ("dropped-term",) and v.record()["labels"] == ["dropped-term"]


def test_the_sentences_are_there_in_chinese():
    v = iv.check(RIDGE, "x", "2*A'*(A*x - y)", lang="zh")
    assert "漏掉了 2*lam*x 这一项" in v.message


def test_a_small_error_is_found_and_small_entries_count():
    assert not iv.check("x'*A*x/1000000", "x", "(A + A')*x*1.0001/1000000").ok
    assert iv.check("x'*A*x/1000000", "x", "(A*x + A'*x)/1000000").ok


def test_a_hessian_is_known_by_its_shape():
    assert iv.check("x'*A*x", "x", "A + A'").ok
    assert iv.check("x'*A*x", "x", "2*A").labels == ("symmetric-convention",)


def test_another_subgradient_is_accepted_with_a_note():
    v = iv.check("sum(abs(x))", "x", lambda x: np.where(x >= 0, 1.0, -1.0))
    assert v.ok and "kink" in v.notes[0]


def test_a_form_that_overflows_is_right_with_a_note():
    v = iv.check("sum(log(1 + exp(x)))", "x", "exp(x)./(1 + exp(x))")
    assert v.ok and "inf or nan" in v.notes[0]


def residual(A, x, y):
    return A @ x - y


def test_a_function_is_called_with_the_inputs_it_names():
    assert iv.check(LEAST, "x", lambda y, x, A: 2 * A.T @ residual(A, x, y)).ok
    assert iv.check(LEAST, "x", lambda y, x, A: A.T @ residual(A, x, y)).labels == ("constant-factor",)
    assert iv.check(RIDGE, "x", lambda A, x, y, lam: 2 * A.T @ residual(A, x, y)).labels == ("dropped-term",)
    assert iv.check(RIDGE, "x", lambda A, x, y, lam: A.T @ residual(A, x, y) + lam * x).ok is False


def in_place(A, x, y):
    x *= 2
    return A.T @ (A @ x - 2 * y)


class Stale:
    """A gradient that is never zeroed."""

    def __init__(self):
        self.grad = 0.0

    def __call__(self, x):
        self.grad = self.grad + 2 * x
        return self.grad


@pytest.mark.parametrize(("loss", "candidate", "kind"), [
    (LEAST, in_place, "changes-input"),
    (LEAST, lambda A, x, y: 1 / 0, "raises"),
    (LEAST, lambda A, q: A, "raises"),
    (LEAST, lambda A, x, y: None, "result"),
    (LEAST, lambda A, x, y: "no", "result"),
    (LEAST, lambda A, x, y: 2 * A @ x, "shape"),
    ("sum(x.^2)", Stale(), "stale-accumulation"),
])
def test_faults_of_functions_are_told(loss, candidate, kind):
    try:
        v = iv.check(loss, "x", candidate)
    except iv.IversonError as error:
        pytest.fail(str(error))
    assert not v.ok and (v.kind == kind or (kind == "shape" and v.shapes)), repr(v)


def test_a_narrow_result_is_compared_as_such():
    v = iv.check("sum(x.^2)", "x", lambda x: (2 * x).astype(np.float32))
    assert v.ok and "float32" in v.notes[0]


def test_the_assertion_prints_the_diagnosis():
    assert_gradient("sum(x.^2)", "x", lambda x: 2 * x)
    with pytest.raises(AssertionError, match="sign is reversed"):
        assert_gradient("sum(x.^2)", "x", lambda x: -2 * x)
