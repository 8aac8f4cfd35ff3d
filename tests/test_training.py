"""What a fit promises: exact zeros, the global minimum where it says so, kinks rounded off, Newton where it is slow."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import iverson as iv
from iverson.api import problem
from iverson.faces.cli import iverson as command
from iverson.run import fit as run_fit

DATA = "X: data[N,D]\ny: data[N]\nw: param[D]\n"
LASSO = DATA + "lam: scalar = 0.1\nL = norm2(X*w - y)^2/(2*N) + lam*norm1(w)"
NET = DATA + "L = norm2(X*w - y)^2/(2*N) + 0.1*(0.3*norm1(w) + 0.7/2*norm2(w)^2)"
SVM = DATA + "L = mean[i] max(0, 1 - y[i]*(X*w)[i]) + 0.01*norm2(w)^2"
LOGISTIC = DATA + "reg: scalar = 1e-3\nL = mean[i] log(1 + exp(-y[i]*(X*w)[i])) + reg*norm2(w)^2"
SOFTMAX = """X: data[N, D]
y: label[N] in K
W: param[D, K]
L = mean[i] (log(sum[k] exp((X*W)[i,k])) - (X*W)[i,y[i]]) + 0.01*sum(abs(W))
"""


def regression(n=200, d=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3)
    return X, X[:, :3] @ [1.0, -2.0, 0.5] + rng.normal(size=n)


def signs(n=200, d=6, seed=0):
    X, y = regression(n, d, seed)
    return X, np.where(y > 0, 1.0, -1.0)


# ---- norm1 terms

@pytest.mark.parametrize(("text", "peer", "options"), [
    (LASSO, "Lasso", {"alpha": 0.1}), (NET, "ElasticNet", {"alpha": 0.1, "l1_ratio": 0.3})])
def test_the_zeros_of_the_lasso_are_exact_and_the_rest_is_that_of_scikit_learn(text, peer, options):
    linear = pytest.importorskip("sklearn.linear_model")
    X, y = regression()
    model = iv.fit(text, {"X": X, "y": y})
    theirs = getattr(linear, peer)(fit_intercept=False, tol=1e-14, max_iter=100_000, **options).fit(X, y).coef_
    np.testing.assert_allclose(model.params["w"], theirs, atol=1e-6)
    assert ((model.params["w"] == 0) == (theirs == 0)).all() and (theirs == 0).any()
    assert model.converged and "zeros are exact" in model.settings["solver"]


def test_weights_of_entries_are_their_own():
    X, y = regression()
    text = DATA + "c: data[D]\nL = norm2(X*w - y)^2/(2*N) + sum[d] c[d]*abs(w[d])"
    c = np.r_[np.zeros(6), np.full(6, 10.0)]
    w = iv.fit(text, {"X": X, "y": y, "c": c}).params["w"]
    assert (w[6:] == 0).all()
    np.testing.assert_allclose(w[:6], np.linalg.lstsq(X[:, :6], y, rcond=None)[0], atol=1e-6)


def test_a_matrix_of_parameters_has_exact_zeros_too():
    X, _ = regression()
    y = np.argmax(X[:, :3], 1)
    model = iv.fit(SOFTMAX, {"X": X, "y": y})
    assert model.converged and 0 < (model.params["W"] == 0).mean() < 1


def test_a_negative_weight_is_no_norm():
    X, y = regression()
    model = iv.fit(LASSO, {"X": X, "y": y}, scalars={"lam": -0.1})
    assert "zeros are exact" not in model.settings["solver"] and model.settings["minimum"] is None


# ---- what the report says

def test_a_convex_loss_reaches_the_global_minimum_and_says_why():
    X, y = signs()
    model = iv.fit(LOGISTIC, {"X": X, "y": y})
    assert model.settings["minimum"].startswith("the loss is strongly convex in w: ")
    assert "this is the global minimum, because the loss is strongly convex" in model.report
    assert "strongly" not in iv.fit(LOGISTIC, {"X": X, "y": y}, scalars={"reg": 0.0}).settings["minimum"]


def test_a_condition_is_looked_up_in_the_data():
    X, y = signs()
    weighted = DATA + "c: data[N]\nL = sum[i] c[i]*log(1 + exp(-y[i]*(X*w)[i])) + norm2(w)^2"
    good = iv.fit(weighted, {"X": X, "y": y, "c": np.ones(len(y))})
    bad = iv.fit(weighted, {"X": X, "y": y, "c": np.r_[-0.01, np.ones(len(y) - 1)]})
    assert "c[i] >= 0" in good.settings["minimum"] and bad.settings["minimum"] is None


def test_a_factorisation_is_a_stationary_point():
    T = np.random.default_rng(0).normal(size=(20, 15))
    model = iv.fit("T: data[n,m]\nU: param[n,r]\nV: param[m,r]\nL = norm2(T - U*V')^2 + norm2(U)^2 + norm2(V)^2", {"T": T}, sizes={"r": 3})
    assert model.converged and model.settings["minimum"] is None and "a stationary point" in model.report


# ---- kinks

def test_a_kink_at_the_optimum_is_named_and_does_not_keep_the_fit_from_it():
    X, y = signs()
    model = iv.fit(SVM, {"X": X, "y": y})
    svm = pytest.importorskip("sklearn.svm")
    theirs = svm.LinearSVC(loss="hinge", C=1 / (0.02 * len(y)), fit_intercept=False, tol=1e-10, max_iter=10**7).fit(X, y)
    best = iv.parse(SVM).value(X=X, y=y, w=theirs.coef_[0])
    assert model.scores["train_loss"] <= best * (1 + 1e-6)
    assert "kink at its minimum" in model.message and "rounded off" in model.settings["solver"]
    assert model.converged and model.settings["minimum"] is not None


@pytest.mark.parametrize("loss", ["mean[i] abs((X*w)[i] - y[i])", "mean[i] max(0.3*(y[i]-(X*w)[i]), -0.7*(y[i]-(X*w)[i]))"])
def test_medians_and_quantiles_are_those_of_scikit_learn(loss):
    linear = pytest.importorskip("sklearn.linear_model")
    X, y = regression(d=4)
    q = 0.5 if "abs" in loss else 0.3
    theirs = linear.QuantileRegressor(quantile=q, alpha=0, fit_intercept=False).fit(X, y).coef_
    best = iv.parse(DATA + loss).value(X=X, y=y, w=theirs)
    assert iv.fit(DATA + "L = " + loss, {"X": X, "y": y}).scores["train_loss"] <= best * (1 + 1e-5)


# ---- slow losses

def test_an_ill_conditioned_loss_goes_on_with_newton(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8)) @ np.linalg.qr(rng.normal(size=(8, 8)))[0] * np.logspace(0, -3, 8)
    y = np.sign(X @ rng.normal(size=8) + 0.1 * rng.normal(size=300))
    text = LOGISTIC.replace("1e-3", "1e-7")
    monkeypatch.setattr(run_fit, "NEWTON_FROM", 10)
    model = iv.fit(text, {"X": X, "y": y})
    assert "trust-region Newton" in model.settings["solver"] and model.converged
    monkeypatch.setattr(run_fit, "NEWTON_FROM", 10**9)
    other = iv.fit(text, {"X": X, "y": y})
    assert model.scores["train_loss"] <= other.scores["train_loss"] * (1 + 1e-10) and model.n_iter < other.n_iter


def test_several_parameters_take_newton_steps_together(monkeypatch):
    monkeypatch.setattr(run_fit, "NEWTON_FROM", 5)
    X, y = regression()
    model = iv.fit("X: data[N,D]\ny: data[N]\nw: param[D]\nb: param[]\nL = mean[i] log(cosh((X*w)[i] + b - y[i]))", {"X": X, "y": y})
    assert model.converged and "Newton" in model.settings["solver"]


# ---- the rest

def test_large_data_run_in_a_kernel_and_come_to_the_same():
    X, y = signs(30_000, 4)
    p = problem(LOGISTIC)
    arrays = {"X": X, "y": y, "w": np.full(4, 0.1), "reg": np.asarray(1e-3)}
    value, gradient = p.value_and_grad(arrays)
    plain_value, plain = p._pair(False)(**arrays)
    assert value == pytest.approx(plain_value, rel=1e-12)
    np.testing.assert_allclose(gradient["w"], plain["w"], rtol=1e-10)


def test_a_fit_can_be_repeated_to_the_last_digit():
    X, y = signs()
    first, second = (iv.fit(SVM, {"X": X, "y": y}) for _ in range(2))
    assert (first.params["w"] == second.params["w"]).all() and first.curve == second.curve


def test_the_command_line_tells_the_solver_and_the_minimum(tmp_path):
    X, y = regression(40, 3)
    np.savez(tmp_path / "d.npz", X=X, y=y)
    (tmp_path / "l.iv").write_text(LASSO)
    run = CliRunner().invoke(command, ["fit", str(tmp_path / "l.iv"), "--data", str(tmp_path / "d.npz"), "-o", str(tmp_path / "m"), "--json"])
    record = json.loads(run.stdout[run.stdout.index("{"):])
    assert "zeros are exact" in record["solver"] and record["minimum"].startswith("the loss is convex")


def test_a_loss_without_a_minimum_is_not_said_to_have_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.sign(X @ np.array([1.0, -2.0, 0.5]))
    text = "X: data[N, D]\ny: data[N]\nw: param[D]\nc: scalar = {}\nmean[i] log(1 + exp(-y[i]*sum[d] X[i,d]*w[d])) + c*norm2(w)^2"
    endless, penalised = (iv.fit(text.format(c), {"X": X, "y": y}) for c in (0, 0.001))
    assert not endless.converged and "no minimum" in endless.report and "global" not in endless.report
    assert penalised.converged and "the global minimum" in penalised.report


def test_a_text_is_derived_once_and_mappings_may_hold_lists():
    text = "mean[i] (s[i] - y[i])^2 + 0.1*sum[i] s[i]^2"
    first, again = (problem(text, "s", sizes={"s": ["n"], "y": ["n"]}) for _ in range(2))
    assert first is again and problem(text, "s", sizes={"s": ("m",), "y": ("m",)}) is not first
