"""Fits of losses with gradients derived by hand, models on disk, predictions, and what is refused.

The problems here stand for what iverson derives: values and gradients in NumPy, from the seeds' formulas.
"""

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from iverson.core.errors import IversonError
from iverson.run.data import from_arrays, load
from iverson.run.fit import FitSettings, InputSpec, fit
from iverson.run.model import (
    check_folder,
    predict,
    save,
    score,
    table_for,
    write_predictions,
)
from iverson.run.model import load as load_model

# ---- losses with their gradients

X_DATA, Y_LABEL = InputSpec("X", "data", ("N", "D")), InputSpec("y", "label", ("N",), "K")
Y_DATA, REG = InputSpec("y", "data", ("N",)), InputSpec("reg", "scalar", (), None, 1e-3)


@dataclass
class Loss:
    """A problem made of functions of the arrays: loss and gradients, and the prediction if there is one."""

    specs: tuple
    compute: object
    answer: object = None
    source: str = "L = ..."

    @property
    def inputs(self):
        return {spec.name: spec for spec in self.specs}

    @property
    def predict(self):
        return None if self.answer is None else "predict"

    def value_and_grad(self, arrays):
        return self.compute(**arrays)

    def evaluate(self, name, arrays):
        if name == "L":
            for needed in self.inputs:
                arrays[needed]
            return np.asarray(self.compute(**arrays)[0])
        return np.asarray(self.answer(arrays))


def softmax(X, y, W, reg):
    s, rows = X @ W, np.arange(len(y))
    s = s - s.max(axis=1, keepdims=True)
    p = np.exp(s)
    z = p.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(z[:, 0]) - s[rows, y]) + reg * np.sum(W * W)
    p /= z
    p[rows, y] -= 1
    return loss, {"W": X.T @ p / len(y) + 2 * reg * W}


def hinge(X, y, W, reg):
    s, rows = X @ W, np.arange(len(y))
    margin = s - s[rows, y][:, None] + 1
    margin[rows, y] = 0
    ds = (margin > 0).astype(float)
    ds[rows, y] = -ds.sum(axis=1)
    return np.maximum(margin, 0).sum() / len(y) + reg * np.sum(W * W), {"W": X.T @ ds / len(y) + 2 * reg * W}


def factors(u, v, y, U, V, reg):
    e = np.sum(U[u] * V[v], axis=1) - y
    dU, dV = 2 * reg * U, 2 * reg * V
    np.add.at(dU, u, 2 * e[:, None] * V[v])
    np.add.at(dV, v, 2 * e[:, None] * U[u])
    return np.sum(e**2) + reg * (np.sum(U**2) + np.sum(V**2)), {"U": dU, "V": dV}


def squares(X, y, w, b):
    e = X @ w + b - y
    return np.mean(e**2), {"w": 2 * X.T @ e / len(y), "b": 2 * np.mean(e)}


def poisson(X, y, w):
    s = X @ w
    return np.mean(np.exp(s) - y * s), {"w": X.T @ (np.exp(s) - y) / len(y)}


SCORES = (X_DATA, Y_LABEL, InputSpec("W", "param", ("D", "K")), REG)
ARGMAX = lambda arrays: (arrays["X"] @ arrays["W"]).argmax(axis=1)
SOFTMAX = Loss(SCORES, softmax, ARGMAX, source="L = mean[i] -log(softmax(X*W)[i,y[i]]) + reg*sum(W.^2)")
HINGE = Loss(SCORES, hinge, ARGMAX)
FACTORS = Loss((InputSpec("u", "label", ("n",), "users"), InputSpec("v", "label", ("n",), "items"),
                InputSpec("y", "data", ("n",)), InputSpec("U", "param", ("users", "r")),
                InputSpec("V", "param", ("items", "r")), REG), factors,
               lambda a: np.sum(a["U"][a["u"]] * a["V"][a["v"]], axis=1))
LINE = (X_DATA, Y_DATA, InputSpec("w", "param", ("D",)), InputSpec("b", "param"))
SQUARES = Loss(LINE, squares, lambda a: a["X"] @ a["w"] + a["b"])
SIGN = Loss(LINE, squares, lambda a: np.sign(a["X"] @ a["w"] + a["b"]))
POISSON = Loss(LINE[:3], poisson)


def blobs(n=120, seed=0):
    """Three classes that a plane nearly separates, with a column of ones."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return {"X": np.c_[rng.normal(size=(n, 2)) + 2 * np.eye(3)[y, :2], np.ones(n)], "y": y}


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits
    X, y = load_digits(return_X_y=True)
    return {"X": X, "y": y}


@pytest.fixture(scope="module")
def fitted():
    return fit(SOFTMAX, from_arrays(blobs(), SOFTMAX.inputs))


# ---- the minimum

@pytest.mark.parametrize("scale", [16, pytest.param(1, marks=pytest.mark.long)])
def test_softmax_on_digits_reaches_the_optimum_of_scikit_learn(digits, scale):
    from sklearn.linear_model import LogisticRegression
    X, y, reg = digits["X"] / scale, digits["y"], 1e-2
    theirs = LogisticRegression(fit_intercept=False, tol=1e-12, C=1 / (2 * reg * len(y)), max_iter=100_000)
    best, _ = softmax(X, y, theirs.fit(X, y).coef_.T, reg)
    table = from_arrays({"X": X, "y": y}, SOFTMAX.inputs)
    found = fit(SOFTMAX, table, settings=FitSettings(scalars={"reg": reg}))
    assert found.train_loss <= best * (1 + 1e-8) and found.train_loss >= best * (1 - 1e-8)
    assert found.converged and found.train_accuracy == theirs.score(X, y)


def test_least_squares_reaches_the_exact_solution():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(50, 4)), rng.normal(size=50)
    found = fit(SQUARES, from_arrays({"X": X, "y": y}, SQUARES.inputs))
    exact = np.linalg.lstsq(np.c_[X, np.ones(50)], y, rcond=None)[0]
    np.testing.assert_allclose([*found.params["w"], found.params["b"]], exact, rtol=1e-7, atol=1e-9)
    assert found.params["b"].shape == () and found.train_accuracy is None


def test_a_kink_at_the_minimum_is_said(digits):
    rows = slice(0, 150)
    table = from_arrays({"X": digits["X"][rows] / 16, "y": digits["y"][rows]}, HINGE.inputs)
    found = fit(HINGE, table, settings=FitSettings(scalars={"reg": 1e-2}))
    assert found.train_accuracy > 0.97 and not found.converged and "kink" in found.message
    assert found.n_iter < 10_000


def test_a_smooth_crawl_is_not_taken_for_a_kink():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 30)) * np.logspace(-4, 3, 30)
    found = fit(SOFTMAX, from_arrays({"X": X, "y": rng.integers(0, 3, 80)}, SOFTMAX.inputs))
    assert found.n_iter > 400 and found.converged


@pytest.mark.parametrize("seed", range(3))
def test_least_absolute_deviations_come_near_the_linear_program(seed):
    from scipy.optimize import linprog
    rng = np.random.default_rng(seed)
    X, y = np.c_[rng.normal(size=(60, 3)), np.ones(60)], rng.normal(size=60)
    problem = Loss(LINE[:3],
                   lambda X, y, w: (np.mean(abs(X @ w - y)), {"w": X.T @ np.sign(X @ w - y) / len(y)}))
    found, eye = fit(problem, from_arrays({"X": X, "y": y}, problem.inputs)), np.eye(60)
    best = linprog(np.r_[np.zeros(4), np.ones(60) / 60], A_ub=np.block([[X, -eye], [-X, -eye]]),
                   b_ub=np.r_[y, -y], bounds=[(None, None)] * 4 + [(0, None)] * 60).fun
    assert best * (1 - 1e-12) <= found.train_loss <= best * (1 + 1e-3) and "kink" in found.message


def test_factorisation_leaves_the_saddle_at_zero():
    rng = np.random.default_rng(2)
    u, v = rng.integers(0, 12, 200), rng.integers(0, 9, 200)
    U, V = rng.normal(size=(12, 2)), rng.normal(size=(9, 2))
    arrays = {"u": u, "v": v, "y": np.sum(U[u] * V[v], axis=1)}
    table = from_arrays(arrays, FACTORS.inputs, sizes={"r": 2})
    found = fit(FACTORS, table, settings=FitSettings(scalars={"reg": 1e-6}))
    assert found.start == "normal" and found.params["U"].shape == (12, 2)
    assert found.train_loss < 1e-3 and found.train_accuracy is None
    stuck = fit(FACTORS, table, settings=FitSettings(init="zero"))
    assert stuck.start == "zero" and stuck.n_iter == 0


def test_one_vanishing_block_makes_a_saddle():
    two = Loss((InputSpec("a", "param", ("n",)), InputSpec("c", "param", ("n",))),
               lambda a, c: (np.sum((a - 1)**2) + np.sum(c**2 * (c**2 - 2)),
                             {"a": 2 * (a - 1), "c": 4 * c**3 - 4 * c}))
    found = fit(two, from_arrays({}, two.inputs, sizes={"n": 3}))
    assert found.start == "normal" and found.train_loss == pytest.approx(-3, abs=1e-12)


def test_a_start_where_the_loss_is_defined_is_found():
    spread = Loss((InputSpec("s", "param", ("n",)),),
                  lambda s: (np.sum(np.log(s) + 2 / s), {"s": 1 / s - 2 / s**2}))
    found = fit(spread, from_arrays({}, spread.inputs, sizes={"n": 5}))
    assert found.start == "one"
    np.testing.assert_allclose(found.params["s"], 2, rtol=1e-6)


def test_a_loss_that_overflows_on_a_long_step_is_fitted_with_shorter_ones():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2)) * 3000
    y = rng.poisson(np.exp(X @ [1e-4, -2e-4])).astype(float)
    found = fit(POISSON, from_arrays({"X": X, "y": y}, POISSON.inputs))
    np.testing.assert_allclose(poisson(X, y, found.params["w"])[1]["w"], 0, atol=1e-4)
    assert found.converged


def test_the_same_seed_gives_the_same_fit():
    table = from_arrays(blobs(), SOFTMAX.inputs)
    settings = FitSettings(holdout=0.3, seed=5, init="normal")
    first, second = fit(SOFTMAX, table, settings=settings), fit(SOFTMAX, table, settings=settings)
    np.testing.assert_array_equal(first.params["W"], second.params["W"])
    other = fit(SOFTMAX, table, settings=FitSettings(holdout=0.3, seed=6, init="normal"))
    assert other.heldout_loss != first.heldout_loss


# ---- what is reported

def test_progress_and_curve_run_from_the_start_to_the_end(fitted):
    seen = []
    found = fit(SOFTMAX, from_arrays(blobs(), SOFTMAX.inputs), progress=lambda *row: seen.append(row))
    assert [k for k, _, _ in seen] == list(range(found.n_iter + 1))
    assert tuple(loss for _, loss, _ in seen) == found.curve == fitted.curve
    assert seen[0][1] == pytest.approx(np.log(3)) and seen[-1][2] <= 1e-9
    assert found.curve[-1] == found.train_loss
    assert all(after <= before for before, after in zip(found.curve, found.curve[1:], strict=False))


def test_repr_is_good_in_a_terminal(fitted):
    assert repr(fitted).startswith("FitResult(loss 0.") and " iterations, accuracy 0." in repr(fitted)
    assert "the gradient is within the tolerance 1e-09" in repr(fitted)
    assert repr(fitted.model).startswith("Model(W (3, 3): loss 0.")
    assert repr(from_arrays(blobs(), SOFTMAX.inputs)) == "Table(the arrays: X (120, 3), y (120,))"


def test_max_iter_is_kept_and_said():
    found = fit(SOFTMAX, from_arrays(blobs(), SOFTMAX.inputs), settings=FitSettings(max_iter=3))
    assert found.n_iter == 3 and not found.converged and "stopped after 3 iterations" in found.message
    assert "not converged" in repr(found)


def test_rows_held_out_are_not_fitted_to():
    table = from_arrays(blobs(), SOFTMAX.inputs)
    found = fit(SOFTMAX, table, settings=FitSettings(holdout=0.25, seed=1))
    order = np.random.default_rng([1, 0]).permutation(120)
    held, kept = np.sort(order[:30]), np.sort(order[30:])
    X, y, W = table.arrays["X"], table.arrays["y"], found.params["W"]
    assert found.train_loss == pytest.approx(softmax(X[kept], y[kept], W, 1e-3)[0], rel=1e-12)
    assert found.heldout_loss == pytest.approx(softmax(X[held], y[held], W, 1e-3)[0], rel=1e-12)
    assert found.heldout_accuracy == np.mean((X[held] @ W).argmax(axis=1) == y[held])
    assert "held-out accuracy" in repr(found)


def test_rows_are_held_out_on_every_axis_that_counts_them():
    across = Loss((InputSpec("X", "data", ("D", "N")), Y_LABEL, InputSpec("W", "param", ("D", "K")), REG),
                  lambda X, **rest: softmax(X.T, **rest))
    found = fit(across, from_arrays({"X": blobs()["X"].T, "y": blobs()["y"]}, across.inputs),
                settings=FitSettings(holdout=0.25, seed=1))
    same = fit(SOFTMAX, from_arrays(blobs(), SOFTMAX.inputs), settings=FitSettings(holdout=0.25, seed=1))
    assert found.heldout_loss == pytest.approx(same.heldout_loss, rel=1e-9)


def test_two_valued_real_targets_have_an_accuracy():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 2))
    y = np.sign(X @ [1, -1] + 0.1)
    assert fit(SIGN, from_arrays({"X": X, "y": y}, SIGN.inputs)).train_accuracy > 0.9
    assert fit(SQUARES, from_arrays({"X": X, "y": y}, SQUARES.inputs)).train_accuracy is None


def test_standardisation_uses_the_rows_fitted_to_and_leaves_constants_alone():
    arrays = blobs()
    arrays["X"] = arrays["X"] * [100, 1, 1] + [5, 0, 0]
    table = from_arrays(arrays, SOFTMAX.inputs)
    found = fit(SOFTMAX, table, settings=FitSettings(standardize=True, holdout=0.5))
    mean, scale = found.model.standardization["X"]
    kept = table.arrays["X"][np.random.default_rng([0, 0]).permutation(120)[60:]]
    np.testing.assert_allclose(mean, [*kept.mean(axis=0)[:2], 0])
    np.testing.assert_allclose(scale, [*kept.std(axis=0)[:2], 1])
    values = predict(found.model, SOFTMAX, table)
    np.testing.assert_array_equal(values, (((arrays["X"] - mean) / scale) @ found.params["W"]).argmax(axis=1))


# ---- what is refused

def refusal(call, *args, **kwargs):
    with pytest.raises(IversonError) as caught:
        call(*args, **kwargs)
    return caught.value


@pytest.mark.parametrize("bad", [
    {"holdout": 1.0}, {"holdout": -0.1}, {"holdout": float("nan")}, {"seed": -1}, {"max_iter": 0},
    {"tol": -1.0}, {"tol": float("nan")}, {"init": "random"}])
def test_settings_out_of_range(bad):
    error = refusal(FitSettings, **bad)
    assert error.kind == "usage" and next(iter(bad)) in error.message


def test_a_missing_scalar_or_size_is_named():
    bare = Loss((X_DATA, Y_LABEL, SCORES[2], InputSpec("reg", "scalar")), softmax)
    assert "--set reg=" in str(refusal(fit, bare, from_arrays(blobs(), bare.inputs)))
    table = from_arrays({"u": [0, 1], "v": [1, 0], "y": [1, 2]}, FACTORS.inputs)
    assert "--sizes r=8" in str(refusal(fit, FACTORS, table))
    nothing = Loss((X_DATA,), softmax)
    assert "nothing to fit" in str(refusal(fit, nothing, from_arrays({"X": np.eye(2)}, nothing.inputs)))


@pytest.mark.parametrize(("holdout", "said"), [(0.01, "leaves 3 to fit to and 0 to score"),
                                               (0.99, "leaves 0 to fit to and 3 to score")])
def test_too_few_rows_to_hold_out(holdout, said):
    table = from_arrays({"X": np.eye(3), "y": [0, 1, 2]}, SOFTMAX.inputs)
    error = refusal(fit, SOFTMAX, table, settings=FitSettings(holdout=holdout))
    assert error.kind == "data" and said in error.message


def test_rows_with_parameters_of_their_own_cannot_be_held_out():
    own = Loss((X_DATA, InputSpec("a", "param", ("N",))), None)
    error = refusal(fit, own, from_arrays({"X": np.eye(3)}, own.inputs), settings=FitSettings(holdout=0.3))
    assert "a: param[N] has an entry a row" in str(error)


def after(calls, what):
    """Least squares whose loss or gradient breaks after some calls."""
    made = []

    def broken(X, y, w, b):
        made.append(1)
        loss, gradients = squares(X, y, w, b)
        if len(made) > calls:
            return (what, gradients) if isinstance(what, float) else (loss, gradients | what)
        return loss, gradients
    return Loss(LINE, broken)


@pytest.mark.parametrize(("calls", "what", "said"), [
    (0, float("nan"), "The loss is nan at iteration 0, the start."),
    (0, {"w": np.array([np.inf, 0, 0])}, "The gradient by w is not finite at iteration 0"),
    (4, float("-inf"), "The loss is -inf at iteration"),
    (4, {"b": np.nan}, "The gradient by b is not finite at iteration")])
def test_what_is_not_finite_is_refused_with_its_iteration(calls, what, said):
    problem, seen = after(calls, what), []
    rng = np.random.default_rng(0)
    table = from_arrays({"X": rng.normal(size=(20, 3)), "y": rng.normal(size=20)}, problem.inputs)
    error = refusal(fit, problem, table, progress=lambda k, *rest: seen.append(k))
    assert error.kind == "data" and said in error.message
    if seen:
        assert f"at iteration {seen[-1] + 1}" in error.message and seen[-1] >= 1


def test_an_interrupt_passes_through():
    def stop(iteration, loss, slope):
        if iteration == 2:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        fit(SOFTMAX, from_arrays(blobs(), SOFTMAX.inputs), progress=stop)


# ---- models on disk

def test_a_model_comes_back_as_it_was(fitted, tmp_path):
    save(fitted.model, str(tmp_path / "deep" / "model"))
    again = load_model(str(tmp_path / "deep" / "model"))
    np.testing.assert_array_equal(again.params["W"], fitted.params["W"])
    for name in ("source", "inputs", "scalars", "layout", "curve", "scores", "converged", "message"):
        assert getattr(again, name) == getattr(fitted.model, name), name
    assert repr(again) == repr(fitted.model) and again.settings["start"] == "zero"
    assert sorted(os.listdir(tmp_path / "deep" / "model")) == ["model.json", "params.npz"]
    assert os.listdir(tmp_path / "deep") == ["model"]
    assert json.loads((tmp_path / "deep" / "model" / "model.json").read_text())["version"] == 1
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "deep" / "model").stat().st_mode) == 0o777 & ~umask


def test_params_may_have_any_name(tmp_path):
    odd = Loss((InputSpec("file", "param", ("n",)), InputSpec("θ", "param")),
               lambda file, θ: (np.sum((file - 1)**2) + θ**2, {"file": 2 * (file - 1), "θ": 2 * θ}))
    found = fit(odd, from_arrays({}, odd.inputs, sizes={"n": 2}))
    save(found.model, str(tmp_path / "m"))
    np.testing.assert_allclose(load_model(str(tmp_path / "m")).params["file"], 1)
    assert load_model(str(tmp_path / "m")).params["θ"].shape == ()


def test_an_existing_model_is_replaced(fitted, tmp_path):
    folder = str(tmp_path / "m")
    save(fitted.model, folder)
    other = fit(SOFTMAX, from_arrays(blobs(seed=1), SOFTMAX.inputs)).model
    save(other, folder)
    np.testing.assert_array_equal(load_model(folder).params["W"], other.params["W"])
    assert os.listdir(tmp_path) == ["m"]
    (tmp_path / "empty").mkdir()
    save(other, str(tmp_path / "empty"))


def test_a_folder_that_is_no_model_is_never_replaced(fitted, tmp_path):
    folder = tmp_path / "m"
    save(fitted.model, str(folder))
    (folder / "notes.txt").write_text("mine")
    error = refusal(save, fitted.model, str(folder))
    assert "m exists and is not a model: it holds notes.txt." in error.message and error.kind == "data"
    assert (folder / "notes.txt").read_text() == "mine" and load_model(str(folder))
    (folder / "notes.txt").unlink()
    (folder / "model.json").write_text('{"format": "other"}')
    assert "is not a model" in refusal(check_folder, str(folder)).message
    (tmp_path / "file").write_text("x")
    assert "is a file" in refusal(save, fitted.model, str(tmp_path / "file")).message
    assert "cannot be written" in refusal(save, fitted.model, str(tmp_path / "file" / "m")).message


@pytest.mark.parametrize("place", ["_write_arrays", "_swap", "rename"])
def test_an_interrupted_save_leaves_the_old_model(fitted, tmp_path, monkeypatch, place):
    from iverson.run import model as module
    save(fitted.model, str(tmp_path / "m"))
    before = (tmp_path / "m" / "model.json").read_text()
    renames = []

    def interrupted(*args):
        renames.append(args)
        if place != "rename" or len(renames) == 2:
            raise KeyboardInterrupt
        return os.replace(*args)
    monkeypatch.setattr(*((module.os, "rename") if place == "rename" else (module, place)), interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(fitted.model, str(tmp_path / "m"))
    assert os.listdir(tmp_path) == ["m"] and (tmp_path / "m" / "model.json").read_text() == before


def edited(**changes):
    return lambda text: json.dumps(json.loads(text) | changes)


DAMAGES = [
    ("model.json", lambda text: text[:200], "model.json is damaged"),
    ("model.json", lambda text: "", "model.json is damaged"),
    ("model.json", lambda text: "[" * 100_000, "model.json is damaged"),
    ("model.json", lambda text: "[1]", "model.json is not the model.json of a model"),
    ("model.json", lambda text: '{"a": 1}', "model.json is not the model.json of a model"),
    ("model.json", edited(version=99), "model.json has format version 99"),
    ("model.json", edited(curve=["x"]), "model.json is damaged"),
    ("model.json", edited(layout=None), "model.json is damaged"),
    ("model.json", edited(inputs=[{"name": "W"}]), "model.json is damaged"),
    ("model.json", edited(source=3), "model.json is damaged"),
    ("params.npz", lambda text: "not a zip", "params.npz is damaged or missing"),
]


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGES)
def test_damaged_models_name_the_file(fitted, tmp_path, name, damage, said):
    save(fitted.model, str(tmp_path / "m"))
    path = tmp_path / "m" / name
    path.write_text(damage(path.read_text() if name == "model.json" else ""))
    error = refusal(load_model, str(tmp_path / "m"))
    assert error.kind == "data" and said in error.message and str(tmp_path) in error.message


def test_missing_and_foreign_parts_of_models(fitted, tmp_path):
    assert "does not exist" in refusal(load_model, str(tmp_path / "none")).message
    assert "model.json cannot be read" in refusal(load_model, str(tmp_path)).message
    save(fitted.model, str(tmp_path / "m"))
    for arrays in ({"W": np.ones((3, 4))}, {"W": np.full((3, 3), np.nan)}, {"W": np.ones((3, 3), int)}):
        np.savez(tmp_path / "m" / "params.npz", **arrays)
        assert "params.npz does not hold W" in refusal(load_model, str(tmp_path / "m")).message
    np.savez(tmp_path / "m" / "params.npz", W=np.array([None]))
    assert "params.npz is damaged" in refusal(load_model, str(tmp_path / "m")).message
    np.savez(tmp_path / "m" / "params.npz", V=np.ones(3))
    assert "params.npz is damaged" in refusal(load_model, str(tmp_path / "m")).message


def test_a_held_out_loss_that_is_infinite_survives(fitted, tmp_path):
    fitted.model.scores["heldout_loss"] = float("inf")
    try:
        save(fitted.model, str(tmp_path / "m"))
        assert load_model(str(tmp_path / "m")).scores["heldout_loss"] == float("inf")
    finally:
        fitted.model.scores["heldout_loss"] = None


# ---- predictions, from files to files

TRAIN = "a,b,kind\n" + "".join(f"{a},{b},{'cat' if a > b else 'dog'}\n"
                               for a in range(6) for b in range(6) if a != b)


@pytest.fixture
def animals(tmp_path):
    (tmp_path / "train.csv").write_text(TRAIN)
    table = load(str(tmp_path / "train.csv"), SOFTMAX.inputs, "kind")
    save(fit(SOFTMAX, table, settings=FitSettings(standardize=True)).model, str(tmp_path / "m"))
    return load_model(str(tmp_path / "m"))


def test_from_csv_to_predictions_in_the_words_of_the_data(animals, tmp_path):
    (tmp_path / "new.csv").write_text("id,b,a\nx,1,9\ny,9,1\n")
    values = predict(animals, SOFTMAX, table_for(animals, str(tmp_path / "new.csv"), target=False))
    assert values.tolist() == [0, 1] and values.dtype == np.int64
    write_predictions(str(tmp_path / "out.csv"), values, animals.class_names)
    assert (tmp_path / "out.csv").read_text() == "prediction\ncat\ndog\n"


def test_score(animals, tmp_path):
    (tmp_path / "test.csv").write_text("b,a,kind\n1,9,cat\n9,1,dog\n9,1,cat\n9,2,dog\n")
    table = table_for(animals, str(tmp_path / "test.csv"))
    found = score(animals, SOFTMAX, table)
    mean, scale = animals.standardization["X"]
    loss, _ = softmax((table.arrays["X"] - mean) / scale, table.arrays["y"], animals.params["W"], 1e-3)
    assert found == {"loss": pytest.approx(loss), "accuracy": 0.75}
    (tmp_path / "test.csv").write_text("b,a\n1,9\n")
    assert "no column 'kind'" in refusal(table_for, animals, str(tmp_path / "test.csv")).message
    unlabelled = table_for(animals, str(tmp_path / "test.csv"), target=False)
    assert "L needs y: label[N] in K, and nothing there feeds it" in refusal(
        score, animals, SOFTMAX, unlabelled).message


def test_scores_of_the_training_data_are_those_of_the_fit(animals, tmp_path):
    found = score(animals, SOFTMAX, table_for(animals, str(tmp_path / "train.csv")))
    assert found["loss"] == pytest.approx(animals.scores["train_loss"], rel=1e-12)
    assert found["accuracy"] == animals.scores["train_accuracy"]


def test_factorisation_from_csv_to_predictions(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"user{a},item{b},{(a - 2) * (b - 1.5):g}\n"
            for a in range(5) for b in range(4) if rng.random() < 0.95]
    (tmp_path / "r.csv").write_text("user,item,rating\n" + "".join(rows))
    columns = {"u": "user", "v": "item", "y": "rating"}
    table = load(str(tmp_path / "r.csv"), FACTORS.inputs, columns=columns, sizes={"r": 1})
    model = fit(FACTORS, table, settings=FitSettings(scalars={"reg": 1e-9})).model
    (tmp_path / "new.csv").write_text("item,user\nitem0,user0\nitem3,user4\n")
    values = predict(model, FACTORS, table_for(model, str(tmp_path / "new.csv"), target=False))
    np.testing.assert_allclose(values, [3, 3], atol=1e-3)
    assert model.class_names is None and score(model, FACTORS, table)["accuracy"] is None
    (tmp_path / "new.csv").write_text("item,user\nitem0,stranger\n")
    assert "line 2, column 'user': 'stranger' is not one of the 5 classes" in refusal(
        table_for, model, str(tmp_path / "new.csv"), target=False).message
    (tmp_path / "new.csv").write_text("item\nitem0\n")
    table = table_for(model, str(tmp_path / "new.csv"), target=False)
    assert "predict needs u: label[n] in users" in refusal(predict, model, FACTORS, table).message


def test_data_of_another_layout_is_refused(fitted, animals):
    wide = from_arrays({"X": np.ones((2, 4)), "y": [0, 1]}, SOFTMAX.inputs)
    assert "the size D is 4, but the model was fitted with 3" in refusal(
        predict, fitted.model, SOFTMAX, wide).message
    plain = from_arrays({"X": np.ones((2, 2)), "y": [0, 1]}, SOFTMAX.inputs)
    assert "not numbered as in the model" in refusal(predict, animals, SOFTMAX, plain).message


def test_a_loss_without_a_prediction_says_so(fitted):
    table, silent = from_arrays(blobs(), SOFTMAX.inputs), Loss(SCORES, softmax)
    assert "nothing to predict with" in refusal(predict, fitted.model, silent, table).message
    assert score(fitted.model, silent, table)["accuracy"] is None
    assert fit(silent, table).train_accuracy is None


WRITTEN = [
    (np.array([0.1, -2.0, 1e300]), None, "prediction\n0.1\n-2.0\n1e+300\n"),
    (np.array([1, 0]), None, "prediction\n1\n0\n"),
    (np.array([1, 0]), ("no", "yes, sir"), 'prediction\n"yes, sir"\nno\n'),
    (np.array([0.25, 0.5]), ("no", "yes"), "prediction\n0.25\n0.5\n"),
    (np.array([[0.25, 0.75]]), ("no", "yes"), "prediction_no,prediction_yes\n0.25,0.75\n"),
    (np.array([[1, 2, 3]]), None, "prediction_0,prediction_1,prediction_2\n1,2,3\n"),
    (np.float64(3.5), None, "prediction\n3.5\n"),
]


@pytest.mark.parametrize(("values", "mapping", "text"), WRITTEN)
def test_predictions_as_csv(tmp_path, capsys, values, mapping, text):
    write_predictions(str(tmp_path / "p.csv"), values, mapping)
    assert (tmp_path / "p.csv").read_text() == text
    write_predictions("-", values, mapping)
    assert capsys.readouterr().out == text
    assert os.listdir(tmp_path) == ["p.csv"]


def test_predictions_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    from iverson.run import model as module
    (tmp_path / "p.csv").write_text("old")

    def interrupted(*args):
        raise KeyboardInterrupt
    monkeypatch.setattr(module, "_write_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(str(tmp_path / "p.csv"), np.ones(3))
    assert (tmp_path / "p.csv").read_text() == "old" and os.listdir(tmp_path) == ["p.csv"]
    assert "is a folder" in refusal(write_predictions, str(tmp_path), np.ones(3)).message
    assert "shape (1, 1, 1)" in refusal(write_predictions, str(tmp_path / "q"), np.ones((1, 1, 1))).message


def test_run_imports_scipy_only_to_fit():
    text = "import sys, iverson.run.fit; sys.exit('scipy' in sys.modules)"
    source = str(Path(__file__).parents[1] / "src")
    done = subprocess.run([sys.executable, "-c", text], env=os.environ | {"PYTHONPATH": source})
    assert done.returncode == 0
