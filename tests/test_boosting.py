"""Objectives for XGBoost and LightGBM: derivatives against differences, and models trained by them."""

import subprocess
import sys

import numpy as np
import pytest

import iverson as iv
from iverson.faces.cli import iverson as command

VECTORS = {"s": "vector", "y": "vector"}
SOFTMAX = "s: param[N, K]\ny: label[N] in K\nmean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])"
PINBALL = "a: scalar = 0.8\nsum[i] max(a*(y[i] - s[i]), (a - 1)*(y[i] - s[i]))"
FOCAL = ("f: scalar = 2\nmean[i] -(y[i]*(1 - sigmoid(s[i]))^f*log(sigmoid(s[i]))"
         " + (1 - y[i])*sigmoid(s[i])^f*log(1 - sigmoid(s[i])))")  # fmt: skip
LOSSES = {
    "squared": "mean[i] (s[i] - y[i])^2/2",
    "logistic": "mean[i] (softplus(s[i]) - y[i]*s[i])",
    "softmax": SOFTMAX,
    "poisson": "sum[i] (exp(s[i]) - y[i]*s[i])",
    "quantile": PINBALL,
    "focal": FOCAL,
    "huber": "sum[i] huber(s[i] - y[i])",
}
LIBRARIES = ("xgboost", "lightgbm")


def objective(name, target):
    """The file's namespace and its text."""
    text = iv.derive(LOSSES[name], "s", kinds=None if name == "softmax" else VECTORS).code(target)
    space = {}
    exec(text, space)
    return space, text


def labels(name, group, rng):
    """Labels whose law depends on a group."""
    n = len(group)
    if name in ("logistic", "focal"):
        return (rng.random(n) < 0.15 + 0.2*group).astype(float)
    if name == "softmax":
        return np.array([rng.choice(3, p=np.roll([0.6, 0.3, 0.1], g)) for g in group]).astype(float)
    return rng.poisson(1.0 + group).astype(float) if name == "poisson" else group + rng.standard_t(3, n)


def mean_loss(name, s, y):
    options = {} if name == "softmax" else {"kinds": VECTORS}
    value = iv.parse(LOSSES[name], **options).value(s=s, y=y.astype(int) if name == "softmax" else y)
    return value if "mean[" in LOSSES[name] else value/len(y)


def optimum(name, group, y):
    """The least mean loss of a score for each group, found without derivatives of ours."""
    from scipy.optimize import minimize

    total = 0.0
    for g in np.unique(group):
        own = y[group == g]
        start = np.zeros(3) if name == "softmax" else np.array([np.median(own)])
        spread = lambda t, own=own: np.tile(t, (len(own), 1)) if name == "softmax" else np.full(len(own), t[0])
        found = minimize(lambda t, own=own, spread=spread: mean_loss(name, spread(t), own), start, method="Nelder-Mead")
        total += found.fun*len(own)
    return total/len(y)


class Xgboost:
    def __init__(self):
        self.x = pytest.importorskip("xgboost")

    def train(self, X, y, objective, rounds, classes=1, weight=None, **more):
        data = self.x.DMatrix(X, y, weight=weight)
        own = callable(objective)
        params = {"eta": 0.3, "max_depth": 3, "lambda": 0.0, "min_child_weight": 0.0, "nthread": 1, "base_score": 0.0, **more}
        params |= {"disable_default_eval_metric": 1} if own else {"objective": objective}
        params |= {"num_class": classes} if classes > 1 else {}
        model = self.x.train(params, data, rounds, obj=objective if own else None)
        return model.predict(data, output_margin=True)


class Lightgbm:
    def __init__(self):
        self.x = pytest.importorskip("lightgbm")

    def train(self, X, y, objective, rounds, classes=1, weight=None, **more):
        params = {"learning_rate": 0.3, "max_depth": 3, "num_leaves": 8, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0,
                  "boost_from_average": False, "num_threads": 1, "verbosity": -1, "objective": objective, **more}  # fmt: skip
        params |= {"num_class": classes} if classes > 1 else {}
        return self.x.train(params, self.x.Dataset(X, y, weight=weight), rounds).predict(X, raw_score=True)


TRAINERS = {"xgboost": Xgboost, "lightgbm": Lightgbm}


def sample(name, n=400):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 4))
    return X, labels(name, (X[:, 0] > 0).astype(int) + 2*(X[:, 1] > 0), rng)


@pytest.mark.parametrize("name", LOSSES)
def test_rows_are_derivatives_of_the_sum(name):
    space, _ = objective(name, "xgboost")
    rng = np.random.default_rng(1)
    s = rng.normal(size=(7, 3) if name == "softmax" else 7)
    y = labels(name, np.arange(7) % 4, rng)
    y = y.astype(int) if name == "softmax" else y
    g, h = space["derivatives"](s, y)
    total = lambda s: mean_loss(name, s, y)*len(y)
    e = 1e-4
    for place in np.ndindex(s.shape):
        d = np.zeros(s.shape)
        d[place] = e
        assert g[place] == pytest.approx((total(s + d) - total(s - d))/(2*e), rel=1e-5, abs=1e-6)
        if name not in ("quantile", "huber"):
            assert h[place] == pytest.approx((total(s + d) - 2*total(s) + total(s - d))/e**2, rel=1e-4, abs=1e-5)
    assert name not in ("quantile", "huber") or np.all(h == 1.0)


@pytest.mark.parametrize("target", LIBRARIES)
@pytest.mark.parametrize("name", LOSSES)
def test_training_comes_to_the_optimum(name, target):
    trainer = TRAINERS[target]()
    rng = np.random.default_rng(2)
    group = rng.integers(0, 4, 400)
    y = labels(name, group, rng)
    space, _ = objective(name, target)
    s = trainer.train(group[:, None].astype(float), y, space["objective"], 120, classes=3 if name == "softmax" else 1)
    best = optimum(name, group, y)
    assert mean_loss(name, s, y) <= best + 0.01*abs(best)


BUILT_IN = [
    ("xgboost", "squared", "reg:squarederror", {}), ("xgboost", "logistic", "binary:logistic", {"base_score": 0.5}),
    ("xgboost", "softmax", "multi:softprob", {"base_score": 0.5}), ("lightgbm", "squared", "regression", {}),
    ("lightgbm", "logistic", "binary", {}), ("lightgbm", "poisson", "poisson", {"poisson_max_delta_step": 1e-9}),
    ("lightgbm", "huber", "huber", {"alpha": 1.0}), ("lightgbm", "softmax", "multiclass", {}),
]  # fmt: skip


@pytest.mark.parametrize(("target", "name", "theirs", "more"), BUILT_IN)
def test_training_equals_the_objective_of_the_library(target, name, theirs, more):
    trainer = TRAINERS[target]()
    X, y = sample(name)
    space, text = objective(name, target)
    classes = 3 if name == "softmax" else 1
    if name == "softmax":
        assert "HESSIAN_FACTOR = 1.0" in text
        space["HESSIAN_FACTOR"] = 2.0 if target == "xgboost" else 1.5
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    ours = trainer.train(X, y, space["objective"], 20, classes, weight)
    built = trainer.train(X, y, theirs, 20, classes, weight, **more)
    assert mean_loss(name, ours, y) == pytest.approx(mean_loss(name, built, y), rel=0.01)


def test_poisson_of_xgboost_has_a_larger_hessian_and_a_bounded_step():
    trainer, step = Xgboost(), 0.7  # its max_delta_step where none is given
    X, y = sample("poisson")
    own = objective("poisson", "xgboost")[0]["objective"]

    def larger(preds, data):
        g, h = own(preds, data)
        return g, h*np.exp(step)

    ours = trainer.train(X, y, larger, 20, max_delta_step=step)
    built = trainer.train(X, y, "count:poisson", 20, base_score=1.0)
    assert mean_loss("poisson", ours, y) == pytest.approx(mean_loss("poisson", built, y), rel=0.01)


def test_the_estimators_of_scikit_learn_take_it():
    X, y = sample("logistic")
    for target, kind in (("xgboost", "XGBRegressor"), ("lightgbm", "LGBMRegressor")):
        library = pytest.importorskip(target)
        space, _ = objective("logistic", target)
        quiet = {"verbosity": -1} if target == "lightgbm" else {"base_score": 0.0}
        model = getattr(library, kind)(objective=space["sklearn_objective"], n_estimators=30, n_jobs=1, **quiet).fit(X, y)
        assert mean_loss("logistic", model.predict(X), y) < mean_loss("logistic", np.zeros(len(y)), y)/1.2


def test_conventions_are_named():
    _, text = objective("softmax", "xgboost")
    assert "sum over rows, not the mean; the loss as written divides" in text and "no minus" in text and "raw score" in text
    assert "multi:softprob has 2.0" in text and "K/(K - 1)" in objective("softmax", "lightgbm")[1]
    assert "1.0 is given in its place" in objective("quantile", "xgboost")[1]
    assert "its largest value, is given everywhere" in objective("huber", "xgboost")[1]
    assert "absolute value" in objective("focal", "xgboost")[1] and "never negative" in objective("logistic", "xgboost")[1]


@pytest.mark.parametrize(("text", "kinds", "said"), [
    ("norm2(s - y)", VECTORS, "depends on other rows"), ("sum[i,j] max(0, 1 - s[i] + s[j])", {"s": "vector"}, "depends on other rows"),
    ("sum[i] w[i]*(s[i] - y[i])^2", VECTORS | {"w": "vector"}, "read w, y|read y, w"), ("sum(exp(s).^2)", {"s": "vector"}, "read none"),
    ("sum[i] a*(s[i] - y[i])^2", VECTORS | {"a": "scalar"}, "no a"), ("s.*y", VECTORS, "of a scalar loss"),
    ("(sum[i] (s[i] - y[i])^2)/(n - 1)", VECTORS | {"n": "size"}, "other"),
])  # fmt: skip
def test_what_is_no_sum_over_rows_is_refused(text, kinds, said):
    kinds = {n: k for n, k in kinds.items() if k != "size"}
    sizes = {"s": ("n",)} if "n - 1" in text else None
    with pytest.raises(iv.IversonError, match=said):
        iv.derive(text, "s", kinds=kinds, sizes=sizes).code("xgboost")


def test_a_score_that_is_a_definition():
    text = "X: data[N, D]\ny: data[N]\nw: param[D]\ns = X*w\nmean[i] (s[i] - y[i])^2 + 0.1*sum(w.^2)"
    code = iv.derive(text, "s").code("lightgbm")
    space = {}
    exec(code, space)
    g, h = space["derivatives"](s=np.array([1.0, 2.0]), y=np.array([0.0, 4.0]))
    assert g.tolist() == [2.0, -4.0] and np.all(h == 2.0)


def test_the_command_line_writes_an_objective(tmp_path):
    from click.testing import CliRunner

    done = CliRunner().invoke(command, ["code", LOSSES["logistic"], "--wrt", "s", "--kinds", "s=vector; y=vector", "--target", "xgboost"])
    assert done.exit_code == 0 and "def objective(preds, dtrain)" in done.output
    (tmp_path / "own.py").write_text(done.output)
    program = "import sys, own, numpy as np; own.sklearn_objective(np.ones(3), np.zeros(3)); assert 'iverson' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


