"""What must come out of the three notes: the printed text, and numbers against formulas written out here."""

import numpy as np
import pytest

import iverson as iv
from losses import BCE, FACTORS, HEAD, SOFTMAX, SOFTMAX_BY_P, SVM

ROW = {"x": "row"}
SCALARS = {"x": "scalar", "y": "scalar"}

PRINTED = [
    ("sigmoid(u'*v + b)", "u", {}, "s*(1 - s)*v where s = sigmoid(u'*v + b)"),
    ("sigmoid(u'*v + b)", "v", {}, "s*(1 - s)*u where s = sigmoid(u'*v + b)"),
    ("-log(sigmoid(w'*x + b))", "w", {}, "(s - 1)*x where s = sigmoid(w'*x + b)"),
    ("-log(sigmoid(w'*x + b))", "b", {}, "s - 1 where s = sigmoid(w'*x + b)"),
    ("-log(1 - sigmoid(w'*x + b))", "w", {}, "s*x where s = sigmoid(w'*x + b)"),
    ("-(y*log(sigmoid(w'*x + b)) + (1-y)*log(1-sigmoid(w'*x + b)))", "w", {"kinds": {"y": "scalar"}},
     "(s - y)*x where s = sigmoid(w'*x + b)"),
    ("-(y*log(sigmoid(w'*x + b)) + (1-y)*log(1-sigmoid(w'*x + b)))", "b", {"kinds": {"y": "scalar"}},
     "s - y where s = sigmoid(w'*x + b)"),
    ("W*x", "x", {}, "W"),
    ("x*W", "x", {"kinds": ROW}, "W'"),
    ("x", "x", {}, "eye(n)"),
    ("sigmoid(x)", "x", {}, "diag(s.*(1 - s)) where s = sigmoid(x)"),
    ("tanh(x)", "x", {}, "diag(1 - tanh(x).^2)"),
    ("relu(x)", "x", {}, "diag([x > 0])"),
    ("exp(x)", "x", {}, "diag(exp(x))"),
    ("f: function\nf(x)", "x", {}, "diag(f'(x))"),
    ("z = W*x", "W", {"upstream": "delta"}, "delta*x'"),
    ("z = W*x", "W", {"upstream": "delta", "kinds": {"delta": "row"}}, "delta'*x'"),
    ("z = x*W", "W", {"upstream": "delta", "kinds": ROW}, "x'*delta"),
    ("-sum(y.*log(softmax(theta)))", "theta", {}, "sum(y)*p - y where p = softmax(theta)"),
    ("-sum(y.*log(softmax(theta)))", "theta", {"kinds": {"y": "simplex"}}, "p - y where p = softmax(theta)"),
    ("min(x^2, exp(y))", "x", {"kinds": SCALARS}, "2*[x^2 < exp(y)]*x"),
    ("min(x^2, exp(y))", "y", {"kinds": SCALARS}, "[x^2 >= exp(y)]*exp(y)"),
    ("max(0, x^3)", "x", {"kinds": {"x": "scalar"}}, "3*[x^3 > 0]*x^2"),
    ("2*s[1] - 3*s[2] + exp(s[3])", "s[i]", {}, "ds[i] = 2*[i = 1] - 3*[i = 2] + exp(s[3])*[i = 3]"),
    (SVM, "W", {}, "X'*ds + 2*reg*W where s = X*W, q[i,k] = [s[i,k] - s[i,y[i]] + 1 > 0], "
     "ds[i,k] = ([k != y[i]]*q[i,k] - [k = y[i]]*sum[m != y[i]] q[i,m])/N"),
    (SVM.replace(" + reg*sum(W.^2)", ""), "s", {},
     "ds[i,k] = ([k != y[i]]*q[i,k] - [k = y[i]]*sum[m != y[i]] q[i,m])/N where q[i,k] = [s[i,k] - s[i,y[i]] + 1 > 0]"),
    ("y: label in K\nsum[k != y] max(0, s[k] - s[y] + 1)", "s", {},
     "ds[k] = [k != y]*q[k] - [k = y]*sum[m: m != y] q[m] where q[k] = [s[k] - s[y] + 1 > 0]"),
    (SOFTMAX, "W", {}, "X'*(p - onehot(y))/N + 2*reg*W where s = X*W, p[i,k] = exp(s[i,k])/sum[m] exp(s[i,m])"),
    (SOFTMAX_BY_P, "W", {}, "X'*(p - onehot(y))/N + 2*reg*W where s = X*W, p[i,k] = exp(s[i,k])/sum[m] exp(s[i,m])"),
]


@pytest.mark.parametrize(("text", "wrt", "options", "expected"), PRINTED)
def test_the_printed_answer(text, wrt, options, expected):
    d = iv.derive(text, wrt, **options)
    assert repr(d) == expected
    assert d.verified and d.verified.worst < 1e-7


SIMPLIFIED = [
    ("sum[i] [i=7]*Y[i]", {}, "Y[7]"), ("sum[x] [x=2]*f[x]", {}, "f[2]"),
    ("min(x^2, exp(y))", SCALARS, "[x^2 < exp(y)]*x^2 + [x^2 >= exp(y)]*exp(y)"),
    ("max(0, x^3)", {"x": "scalar"}, "[x^3 > 0]*x^3"),
    ("[x > 5 and x < 10]", {"x": "scalar"}, "[x < 10]*[x > 5]"),
    ("[x > 5 or x < 10]", {"x": "scalar"}, "[x < 10] + [x > 5] - [x < 10]*[x > 5]"),
    ("[not x > 5]", {"x": "scalar"}, "[x <= 5]"),
]


@pytest.mark.parametrize(("text", "kinds", "expected"), SIMPLIFIED)
def test_brackets_are_decided(text, kinds, expected):
    assert iv.parse(text, kinds=kinds).simplified == expected


def test_the_or_rule_of_the_note_is_corrected():
    loss = iv.parse("[x > 5 or x < 10]", kinds={"x": "scalar"})
    assert loss.value(x=7.0) == 1.0


def test_a_constant_index_asks_for_a_size():
    assert "n >= 8" in iv.derive("sum[i] [i=7]*Y[i]", "Y").notes
    with pytest.raises(iv.IversonError, match="n"):
        iv.parse("sum[i] [i=7]*Y[i]").value(Y=np.ones(5))


def test_a_relation_keeps_the_form_that_was_written():
    text = "y: label in K\nsum[k != y] [s[k] - s[y] + 1 >= 0]*(s[k] - s[y] + 1)"
    assert ">= 0" in repr(iv.derive(text, "s"))


def svm_by_loops(X, y, W, reg):
    n, gradient, value = len(X), 2 * reg * W, reg * np.sum(W**2)
    for i in range(n):
        s = X[i] @ W
        for k in range(W.shape[1]):
            margin = s[k] - s[y[i]] + 1
            if k != y[i] and margin > 0:
                value += margin / n
                gradient[:, k] += X[i] / n
                gradient[:, y[i]] -= X[i] / n
    return value, gradient


def softmax_by_loops(X, y, W, reg):
    n, gradient, value = len(X), 2 * reg * W, reg * np.sum(W**2)
    for i in range(n):
        s = X[i] @ W
        p = np.exp(s - s.max()) / np.sum(np.exp(s - s.max()))
        value -= np.log(p[y[i]]) / n
        for k in range(W.shape[1]):
            gradient[:, k] += X[i] * (p[k] - (k == y[i])) / n
    return value, gradient


@pytest.mark.parametrize(("text", "reference"), [(SVM, svm_by_loops), (SOFTMAX, softmax_by_loops), (SOFTMAX_BY_P, softmax_by_loops)])
def test_numbers_against_loops(text, reference):
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(7, 4)), "y": rng.integers(0, 3, 7), "W": rng.normal(size=(4, 3)), "reg": 0.1}
    value, gradient = iv.compile(text, "W")(**arrays)
    expected_value, expected = reference(**{k: np.copy(v) for k, v in arrays.items()})
    assert value == pytest.approx(expected_value, rel=1e-12)
    assert gradient == pytest.approx(expected, rel=1e-11, abs=1e-14)
    assert iv.derive(text, "W")(**arrays) == pytest.approx(expected, rel=1e-11, abs=1e-14)


FINITE = [
    "-(y*log(sigmoid(w'*x + b)) + (1-y)*log(1-sigmoid(w'*x + b)))",
    "z = w'*x + b\nL = " + BCE,
    "z = w'*x + b\ns = sigmoid(z)\nL = -(y*log(s) + (1-y)*log(1-s))",
]


@pytest.mark.parametrize("text", FINITE)
@pytest.mark.parametrize(("z", "y"), [(1000.0, 0.0), (-1000.0, 1.0), (1000.0, 1.0), (-1000.0, 0.0)])
def test_cross_entropy_is_finite_far_out(text, z, y):
    f = iv.compile(text, ("w", "b"), kinds={"y": "scalar"})
    value, gradient = f(w=np.array([1.0]), x=np.array([z]), b=0.0, y=y)
    wrong = (z > 0) != (y == 1)
    assert value == pytest.approx(1000.0 if wrong else 0.0)
    assert gradient["b"] == pytest.approx((1.0 if z > 0 else 0.0) - y)


@pytest.mark.parametrize("text", [SOFTMAX, SOFTMAX_BY_P])
def test_softmax_is_finite_far_out(text):
    X, W = np.eye(3), np.diag([1000.0, 0.0, -1000.0])
    value, gradient = iv.compile(text, "W")(X=X, y=np.array([1, 1, 0]), W=W, reg=0.0)
    assert np.isfinite(value) and np.all(np.isfinite(gradient))


def test_frozen_inputs_are_simply_not_derived():
    found = iv.derive(FACTORS, ("U", "V"))
    assert set(found) == {"U", "V"}
    assert found["U"].index_form.startswith("dU[i,j] = (sum[")


def test_factorisation_recovers_a_planted_ranking():
    rng = np.random.default_rng(1)
    users, items, r, n = 30, 25, 3, 6000
    score = rng.normal(size=(users, r)) @ rng.normal(size=(items, r)).T * 1.5
    u, v = rng.integers(0, users, n), rng.integers(0, items, n)
    u[:users], v[:items] = np.arange(users), np.arange(items)
    y = (rng.random(n) < 1 / (1 + np.exp(-score[u, v]))).astype(float)
    text = FACTORS.replace("L = ", "L = 1e-3*sum(U.^2) + 1e-3*sum(V.^2) + ").replace(" = -mean", " -mean")
    model = iv.fit(text, {"u": u, "v": v, "y": y}, sizes={"r": r}, max_iter=300)
    found = model.params["U"] @ model.params["V"].T + model.params["a"][:, None] + model.params["c"]
    assert np.corrcoef(found.ravel(), score.ravel())[0, 1] > 0.8


def test_head_is_shared():
    assert SVM.startswith(HEAD) and SOFTMAX.startswith(HEAD)
