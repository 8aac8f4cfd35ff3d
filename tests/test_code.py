"""Generated NumPy code: the value and the gradient it computes, what it refuses, what it looks like."""

import subprocess
import sys

import numpy as np
import pytest

import iverson as iv
from iverson.emit.dialects import NUMPY
from iverson.lang.ops import OPS
from iverson.meaning.sample import instances
from iverson.meaning.surface_eval import evaluate
from iverson.meaning.verify import read_back
from losses import FACTORS, SOFTMAX, SOFTMAX_BY_P, SVM

LOSSES = [
    (SVM, ("W",), {}), (SOFTMAX, ("W",), {}), (SOFTMAX_BY_P, ("W",), {}), (FACTORS, ("U", "V", "a", "c", "b"), {}),
    ("sigmoid(u'*v + b)", ("u", "v", "b"), {}), ("W*x", ("x",), {}), ("W*x", ("W",), {}), ("x", ("x",), {}),
    ("sigmoid(x)", ("x",), {}), ("relu(x)", ("x",), {}), ("softmax(x)", ("x",), {}), ("inv(X)", ("X",), {}),
    ("logdet(X)", ("X",), {}), ("det(X)", ("X",), {}), ("tr(A*X*B)", ("X",), {}), ("prod(x)", ("x",), {}),
    ("max[i] x[i]", ("x",), {}), ("norm2(A*x-y)^2", ("x", "A"), {}), ("u'*x/norm2(x)", ("x",), {}),
    ("sum(log(1+exp(-y.*(X*w))))", ("w",), {}), ("logsumexp(X*w)", ("w",), {}), ("norm2(X-U*V')^2", ("U", "V"), {}),
    ("2*s[1] - 3*s[2] + exp(s[3])", ("s",), {}), ("sum[i] [i=7]*Y[i]", ("Y",), {}),
    ("sum[i,j: i < j] (x[i]-x[j])^2", ("x",), {}), ("sum[i] sum[j] exp(-(x[i]-x[j])^2)", ("x",), {}),
    ("mean[i] -log(softmax(X*W)[i,y[i]])", ("W",), {"kinds": {"y": "label K"}}),
    ("sum[k != y] max(0, s[k]-s[y]+1)", ("s",), {"kinds": {"y": "label K"}}),
    ("x*W*W'*x'", ("x", "W"), {"kinds": {"x": "row"}}), ("sum[i] abs(x[i] - y[i])^3", ("x",), {}),
]


@pytest.mark.parametrize(("text", "wrt", "options"), LOSSES)
def test_the_code_computes_the_loss_and_the_answer(text, wrt, options):
    found = iv.derive(text, wrt, **options)
    first = found[wrt[0]]
    f = iv.compile(text, wrt, **options)
    for draw in instances(first.loss.typed, 3, n=3, wrt=wrt).draws:
        value, gradients = f(**draw.arrays)
        name = first.loss.result
        expected = evaluate(first.loss.typed, draw.arrays, [name], sizes=draw.sizes)[name]
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12)
        for w, d in found.items():
            again = read_back(d.derived.program.inputs, d.derived.lines, d.derived.dims)
            last = d.derived.lines[-1].name
            answer = evaluate(again, draw.arrays, [last], sizes=draw.sizes)[last]
            assert np.shape(gradients[w]) == np.shape(answer)
            assert gradients[w] == pytest.approx(answer, rel=1e-8, abs=1e-10)


def test_the_module_runs_with_numpy_and_nothing_else(tmp_path):
    (tmp_path / "svm_loss.py").write_text(iv.derive(SVM, "W").code("numpy"))
    program = ("import sys, numpy as np, svm_loss; rng = np.random.default_rng(0);"
               "X = rng.normal(size=(6, 3)); y = rng.integers(0, 4, 6); W = rng.normal(size=(3, 4));"
               "v, g = svm_loss.value_and_grad(X, y, W); assert g.shape == W.shape;"
               "assert abs(v - svm_loss.value(X, y, W)) < 1e-12; assert svm_loss.predict(X, W).shape == (6,);"
               "assert 'iverson' not in sys.modules and 'scipy' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_loop_over_samples_and_no_large_temporary():
    text = iv.derive(SVM, "W").code("numpy")
    assert "for " not in text.split("def value_and_grad")[1] and "einsum" not in text


def test_labels_and_shapes_are_checked_at_the_door():
    f = iv.compile(SVM, "W")
    X, y, W = np.ones((4, 2)), np.array([0, 1, 2, 0]), np.ones((2, 3))
    with pytest.raises(iv.IversonError, match="label 3"):
        f(X=X, y=np.array([0, 1, 3, 0]), W=W)
    with pytest.raises(iv.IversonError, match="label -1"):
        f(X=X, y=np.array([0, -1, 2, 0]), W=W)
    with pytest.raises(iv.IversonError, match="W has size 3"):
        f(X=X, y=y, W=np.ones((3, 3)))
    with pytest.raises(iv.IversonError, match="X has no value"):
        f(y=y, W=W)
    with pytest.raises(iv.IversonError, match="integers"):
        f(X=X, y=np.array([0.5, 1, 2, 0]), W=W)


def test_integers_and_booleans_become_floats():
    value, gradient = iv.compile("sum(x.^2)", "x")(x=np.array([200, 100], dtype=np.uint8))
    assert value == 50000.0 and gradient.tolist() == [400.0, 200.0]


def test_names_that_python_cannot_have():
    value, gradient = iv.compile("lambda*sum(w.^2)", "w", kinds={"lambda": "scalar"})(**{"lambda": 2.0, "w": [1.0, 3.0]})
    assert value == 20.0 and gradient.tolist() == [4.0, 12.0]


def test_every_primitive_has_a_spelling():
    wanted = {row.name for row in OPS.values() if row.shape in ("map", "map2") and row.meaning is None}
    assert wanted <= set(NUMPY)


def test_without_a_name_the_declared_parameters_are_derived_by():
    value, gradient = iv.compile("X: data[N,D]\nw: param[D]\nb: param\nsum((X*w + b).^2)")(X=[[1.0, 2.0]], w=[1.0, 1.0], b=1.0)
    assert value == 16.0 and gradient["w"].tolist() == [8.0, 16.0] and gradient["b"] == 8.0
    with pytest.raises(iv.IversonError, match="No input is a parameter"):
        iv.compile("norm2(A*x - y)^2")


def test_an_index_of_one_factor_is_summed_before_the_product():
    text = ("def loss(X, y, G, W):\n"
            "    g = (lambda Z: np.exp(Z - Z.max(1, keepdims=True))/np.exp(Z - Z.max(1, keepdims=True)).sum(1, keepdims=True))(X @ G)\n"
            "    return np.mean(((g*(X @ W)).sum(1) - y)**2)")
    sizes = {"X": ("N", "D"), "y": ("N",), "G": ("D", "K"), "W": ("D", "K")}
    assert "einsum" not in iv.derive(text, "G", sizes=sizes).code("numpy")
