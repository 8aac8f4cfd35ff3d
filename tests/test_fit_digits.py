"""The softmax loss on the real digits, trained by its derived gradient, against scikit-learn's optimum."""

import numpy as np
import pytest

import iverson as iv
from losses import SOFTMAX


def test_softmax_reaches_the_optimum_of_logistic_regression():
    datasets = pytest.importorskip("sklearn.datasets")
    linear = pytest.importorskip("sklearn.linear_model")
    X, y = datasets.load_digits(return_X_y=True)
    X, reg = X / 16, 1e-3
    theirs = linear.LogisticRegression(fit_intercept=False, C=1 / (2 * reg * len(y)), tol=1e-12, max_iter=100_000).fit(X, y)
    best = iv.parse(SOFTMAX).value(X=X, y=y, W=theirs.coef_.T, reg=reg)
    model = iv.fit(SOFTMAX, {"X": X, "y": y}, scalars={"reg": reg})
    assert model.scores["train_loss"] <= best * (1 + 1e-8)
    assert np.mean(iv.parse(SOFTMAX).value("predict", X=X, y=y, W=model.params["W"], reg=reg) == y) > 0.95
