"""What must hold of every gradient of its kind: homogeneity, invariance, symmetry, additivity, and bound names that mean nothing."""

import re

import numpy as np
import pytest

import iverson as iv
from corpus import CORPUS

rng = np.random.default_rng(11)


@pytest.mark.parametrize(("text", "degree"), [
    ("x'*A*x", 2), ("norm2(x)", 1), ("norm1(x)", 1), ("norm2(x)^3", 3), ("sum(x.^4)", 4), ("max(x)", 1), ("x'*A*x/(x'*x)", 0),
    ("sqrt(x'*x)", 1), ("prod(x)", "n"), ("normp(x, 3)", 1), ("sum(abs(x).^1.5)", 1.5), ("std(x)", 1)])
def test_euler(text, degree):
    """x . gradient = k f for a function of degree k."""
    d = iv.derive(text, "x")
    at = {"x": rng.uniform(0.5, 2.0, 4), "A": rng.normal(size=(4, 4))}
    at = {n: v for n, v in at.items() if n in d.loss.inputs}
    k = 4 if degree == "n" else degree
    assert d(**at) @ at["x"] == pytest.approx(k * d.loss.value(**at), abs=1e-12)


@pytest.mark.parametrize("text", ["logsumexp(x) - x[0]", "y'*log(softmax(x))", "var(x)", "sum[i,j] (x[i] - x[j])^2", "max(x) - min(x)"])
def test_what_a_shift_does_not_change_has_a_gradient_across_it(text):
    d = iv.derive(text, "x")
    at = {n: rng.normal(size=5) for n in d.loss.inputs}
    assert abs(np.sum(d(**at))) < 1e-12


@pytest.mark.parametrize("text", ["logsumexp(x)", "sum(tanh(x))^2", "prod(x)", "std(x)", "sum[i,j: i != j] exp(x[i] - x[j])"])
def test_permutations_pass_through(text):
    d, x, order = iv.derive(text, "x"), rng.normal(size=6), rng.permutation(6)
    assert np.allclose(d(x=x[order]), d(x=x)[order])


@pytest.mark.parametrize("text", [
    "X: data[N,D]; y: label[N] in K; W: param[D,K]; S = X*W; sum[i] (logsumexp(S[i,:]) - S[i,y[i]])",
    "X: data[N,D]; y: label[N] in K; W: param[D,K]; S = X*W; sum[i] sum[k != y[i]] max(0, S[i,k] - S[i,y[i]] + 1)"])
def test_the_gradient_of_a_batch_is_the_sum_over_its_samples(text):
    d = iv.derive(text, "W")
    x, y, w = rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 3]), rng.normal(size=(3, 4))
    parts = [d(X=x[i : i + 1], y=y[i : i + 1], W=w) for i in range(5)]
    assert np.allclose(d(X=x, y=y, W=w), sum(parts))
    twice = [0, 1, 1, 2, 3, 4]
    assert np.allclose(d(X=x[twice], y=y[twice], W=w), sum(parts) + parts[1])


@pytest.mark.parametrize("row", [r for r in CORPUS if len(r) > 4 and r[4] == 2], ids=lambda r: r[0])
def test_hessians_are_symmetric(row):
    d = iv.derive(row[0], row[1], order=2)
    n = {n: 4 for n in ("n", "m")}
    at = {name: rng.uniform(0.5, 1.5, tuple(n.get(str(s.attr), 4) for s in i.type.dims)) for name, i in d.loss.inputs.items()}
    h = d(**at)
    assert np.allclose(h, h.T)


@pytest.mark.parametrize("text", [
    "(sum[i] x[i])^2*sum[j] x[j]*y[j]", "sum[i] x[i]*sum[j] y[j]*sum[k] x[k]^2", "sum[i] (x[i]*sum[j] A[i,j]*x[j])*sum[m] y[m]"])
def test_names_of_bound_indices_mean_nothing(text):
    once = re.sub(r"\b[jkm]\b", "i", text) if "A[" not in text else text.replace("sum[m] y[m]", "sum[i] y[i]")
    assert iv.derive(text, "x").text() == iv.derive(once, "x").text()


def test_a_name_that_a_derivation_introduces_is_not_derived_by():
    with pytest.raises(iv.IversonError, match="z does not occur in the loss"):
        iv.derive("norm2(X*w - y)^2", "z")
    with pytest.raises(iv.IversonError, match="Did you mean weight"):
        iv.derive("norm2(X*weight - y)^2", "weigth")
