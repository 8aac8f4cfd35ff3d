"""Indices that are computed: x[i+1], x[i-j], x[n-1-i], slices, and operators that cut, join and reshape.

Each loss is derived with verification on; its value is compared with NumPy's, its answer with the loop evaluator and
with the generated code, where a warning is an error: nothing is read outside its array.
"""

import dataclasses
import warnings

import numpy as np
import pytest

import iverson as iv
from iverson.lang.blocks import BLOCKS
from iverson.lang.ops import OPS
from iverson.meaning.dense import BLOCKS as DENSE
from iverson.meaning.reference import reference
from iverson.meaning.sample import draw_sizes, sample

N = "x: data[n]; "
CONV = "x: data[n]; k: param[w]; "

# loss, input, the answer as it is printed
ANSWERS = (
    ("sum[i] (x[i+1] - x[i])^2", "x", "dx[j] = 2*([j < n - 1]*(x[j] - x[j+1]) + [j >= 1]*(x[j] - x[j-1]))"),
    ("sum[t] (x[t] - x[t-1])^2", "x", "dx[i] = 2*([i < n - 1]*(x[i] - x[i+1]) + [i >= 1]*(x[i] - x[i-1]))"),
    ("sum(diff(x).^2)", "x", "dx[i] = 2*([i < n - 1]*(x[i] - x[i+1]) + [i >= 1]*(x[i] - x[i-1]))"),
    ("sum(abs(x[1:] - x[:-1]))", "x", "dx[i] = [i >= 1]*sign(x[i] - x[i-1]) - [i < n - 1]*sign(x[i+1] - x[i])"),
    ("sum[i] log(1 + exp(x[i+1] - x[i]))", "x",
     "dx[j] = [j >= 1]*s[j-1] - [j < n - 1]*s[j] where s[i] = sigmoid(x[i+1] - x[i])"),
    (N + "sum[i] x[i]*x[n-1-i]", "x", "dx[i] = 2*x[n-1-i]"),
    (CONV + "y[i] = sum[j] k[j]*x[i+j]; sum(y.^2)", "k",
     "dk[j] = 2*sum[i] y[i]*x[i+j] where y[i] = sum[j] k[j]*x[i+j]"),
    (CONV + "y[i] = sum[j] k[j]*x[i-j]; sum(y.^2)", "k", None),
    (CONV + "y: data[p]; sum[i] (y[i] - sum[j] k[j]*x[i+j])^2", "y", "dy[i] = 2*(y[i] - sum[j] k[j]*x[i+j])"),
    ("r[k] = sum[i] x[i]*x[i+k]; sum(r.^2)", "x",
     "dx[k] = 2*sum[i] r[i]*([k + i < n]*x[k+i] + [k >= i]*x[k-i]) where r[k] = sum[i] x[i]*x[i+k]"),
    ("sum[t] (x[t] - a*x[t-1])^2", "a", None),
    ("c[i] = sum[j] x[i-j]; sum(c.^2)", "x", "dx[i] = 2*sum[j: j >= i] c[j] where c[i] = sum[j] x[i-j]"),
    ("x: data[n]; y: data[m]; A: data[p,n+m]; sum((A*concat(x,y)).^2)", "y", None),
    ("X: data[n,d]; w: param[d+1]; y: data[n]; norm2(hstack(X, ones(n))*w - y)^2", "w", None),
    ("A: data[m,n]; B: data[m,n]; vec(A)'*vec(B)", "A", "B"),
    ("A: data[m,n]; sum(exp(vec(A)))", "A", "exp(A)"),
    ("A: data[m,n]; z: data[m*n]; sum(vec(A).*z)", "A", "dA[i,j] = z[i+m*j]"),
    ("x: data[n]; A: data[n,n*n]; x'*A*kron(x,x)", "x", None),
    ("A: data[m,n]; B: data[p,q]; C: data[m*p,n*q]; sum((kron(A,B) - C).^2)", "B", None),
    ("x: data[m*n]; A: data[m,n]; norm2(reshape(x,m,n) - A)^2", "A", "dA[i,j] = 2*(A[i,j] - x[j+n*i])"),
    ("x: data[n]; y: label[n] in K; W: param[K,K]; sum[t] W[y[t],y[t+1]]*x[t]", "W",
     "dW[k,i] = sum[t] [k = y[t]]*[i = y[t+1]]*x[t]"),
    (N + "sum[k] (sum[i] x[i]*x[i+k])^2", "x", None),
    (N + "max[i] (x[i+1] - x[i])^2", "x", None),
    (N + "prod[i] (x[i+1] - x[i])", "x", None),
    (N + "sum[i] (max[j: j <= i] max(0, x[i-j]))^2", "x", None),
    (N + "logsumexp(diff(x))", "x", None),
    (N + "sum[i] x[2*i]^2", "x", None),
    (N + "sum(x.*roll(x, 1))", "x", None),
    ("z: param[n,m]; p = softmax(z); sum[t,k] p[t,k]*log(p[t+1,k])", "z", None),
    ("X: data[m,n]; sum[i,j] sqrt((X[i+1,j] - X[i,j])^2 + (X[i,j+1] - X[i,j])^2 + 0.1)", "X", None),
    ("X: data[P,Q]; K: param[p,q]; Y[i,j] = sum[k,l] K[k,l]*X[i+k,j+l]; sum(Y.^2)", "X", None),
)


def drawn(loss, seed):
    rng = np.random.default_rng(seed)
    sizes = draw_sizes(loss.typed, rng)
    return sample(loss.typed, rng, "positive", sizes), sizes


@pytest.mark.parametrize(("text", "wrt", "answer"), ANSWERS)
def test_derived_verified_and_compiled(text, wrt, answer):
    d = iv.derive(text, wrt)
    assert answer is None or d.text() == answer
    program = dataclasses.replace(d.derived.program, definitions=d.derived.answer.program)
    f = iv.compile(text, wrt)
    for seed in range(3):
        arrays, sizes = drawn(d.loss, seed)
        value = reference(d.loss.program, arrays, sizes)[d.loss.result]
        assert d.loss.value(**arrays) == pytest.approx(value, rel=1e-12)
        expected = reference(program, arrays, sizes)[program.definitions[-1].name]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            have, gradient = f(**arrays)
        assert have == pytest.approx(value, rel=1e-10)
        assert np.shape(gradient) == np.shape(expected)
        assert gradient == pytest.approx(expected, rel=1e-9, abs=1e-9)


VALUES = (
    ("sum[t] x[t]*x[t-1]", lambda x, k: x[1:] @ x[:-1]),
    ("mean[t] x[t]*x[t-2]", lambda x, k: np.mean(x[2:] * x[:-2])),
    ("sum(correlate(x,k).^2)", lambda x, k: np.sum(np.correlate(x, k, "valid") ** 2)),
    ("sum(conv(x,k).^3)", lambda x, k: np.sum(np.convolve(x, k, "valid") ** 3)),
    ("y[i] = sum[j] k[j]*x[i+j]; sum(y.^2)", lambda x, k: np.sum(np.correlate(x, k, "valid") ** 2)),
    ("y[i] = sum[j] k[j]*x[i-j]; sum(y.^2)", lambda x, k: np.sum(np.convolve(x, k)[: len(x)] ** 2)),
    ("r[m] = sum[i] x[i]*x[i+m]; sum(r.^2)", lambda x, k: np.sum(np.correlate(x, x, "full")[len(x) - 1 :] ** 2)),
    ("c[i] = sum[j] x[i-j]; sum(c.^2)", lambda x, k: np.sum(np.cumsum(x) ** 2)),
    ("sum(roll(x,2).*x)", lambda x, k: np.roll(x, 2) @ x),
    ("sum(roll(x,-1).*x)", lambda x, k: np.roll(x, -1) @ x),
    ("flip(x)'*x", lambda x, k: x[::-1] @ x),
    ("norm2(kron(x,k))", lambda x, k: np.linalg.norm(np.kron(x, k))),
    ("sum(exp(concat(x,k,x)))", lambda x, k: np.sum(np.exp(np.concatenate([x, k, x])))),
    ("A = x*k'; z = vec(A); sum[i] z[i]*z[i+1]",
     lambda x, k: (z := np.outer(x, k).ravel(order="F"))[1:] @ z[:-1]),
    ("A = x*k'; z = reshape(A, n*w); sum[i] z[i]*z[i+1]", lambda x, k: (z := np.outer(x, k).ravel())[1:] @ z[:-1]),
)


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_values_are_numpys(text, expected):
    loss = iv.parse(("x: data[n]; k: data[w]; " if "k" in text else "x: data[n]; ") + text)
    x, k = np.random.default_rng(0).normal(size=7), np.random.default_rng(1).normal(size=3)
    arrays = {"x": x, "k": k} if "k" in loss.inputs else {"x": x}
    assert loss.value(**arrays) == pytest.approx(expected(x, k), rel=1e-12)


def test_the_range_of_an_index_is_shown_back():
    assert "sum[t]: t = 1, ..., n - 1" in iv.parse("sum[t] (x[t] - x[t-1])^2").reading
    assert "sum[j]: only terms with i >= j count" in iv.parse(CONV + "y[i] = sum[j] k[j]*x[i-j]; sum(y)").reading


def test_sizes_that_follow_from_others_are_compared_at_the_door():
    loss = iv.parse(CONV + "y: data[p]; sum[i] (y[i] - sum[j] k[j]*x[i+j])^2/p")
    assert "p = n - w + 1" in loss.reading
    x, k = np.ones(7), np.ones(3)
    assert loss.value(x=x, k=k, y=np.zeros(5)) == pytest.approx(9.0)
    for f in (loss.value, iv.compile(loss, "k")):
        with pytest.raises(iv.IversonError, match="n - w \\+ 1 is 5") as caught:
            f(x=x, k=k, y=np.zeros(7))
        assert caught.value.kind == "shape"
    with pytest.raises(iv.IversonError, match="cannot be negative"):
        iv.parse(CONV + "sum(correlate(x,k))").value(x=np.ones(2), k=np.ones(4))


REFUSED = (
    ("d[t] = x[t] - x[t-1]; sum(d)", "before the start of an array", "x[t-1]"),
    ("H[i,j] = x[i+j]; sum(H)", "out of range for some values", "x[i+j]"),
    ("x: data[n]; y: label[n] in K; sum[i] x[y[i]+1]", "not an index", "y[i]+1"),
    ("sum[i] x[i/2]", "not an index", "i/2"),
    ("sum(x[::2])", "step", ":"),
    ("x: data[3]; sum(x[2:5])", "does not fit", "2:5"),
    ("A: data[m,n]; sum(diff(A))", "diff takes a vector", "A"),
    ("sum(hstack(x, y))", "joins matrices", "hstack(x, y)"),
    ("x: data[n]; sum(reshape(x, n, n))", "another number of entries", "reshape"),
)


@pytest.mark.parametrize(("text", "message", "at"), REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(text, message, at):
    with pytest.raises(iv.IversonError, match=message) as caught:
        iv.parse(text)
    span = caught.value.span
    assert span is not None and text[span.start : span.end].strip("[]") in text and (at in text)


def test_a_bracket_that_keeps_a_read_in_range_is_a_strong_zero():
    loss = iv.parse("x: positive[n]; z[i] = [i >= 1]*log(x[i] - x[i-1]); sum(z)")
    x = np.array([1.0, 2.0, 4.0])
    assert loss.value(x=x) == pytest.approx(np.log(2.0))
    assert iv.derive(loss, "x", verified=False)(x=x) == pytest.approx([-1.0, 0.5, 0.5])


def test_one_entry_leaves_a_sum_over_differences_empty():
    f = iv.compile("sum[i] (x[i+1] - x[i])^2", "x")
    value, gradient = f(x=np.array([3.0]))
    assert value == 0.0 and gradient.tolist() == [0.0]


@pytest.mark.parametrize("text", ["sum[i] (x[i+1] - x[i])^2", "x: data[n]; sum[i] exp(x[i+1]*x[i])"])
def test_second_derivatives(text):
    assert iv.derive(text, "x", order=2).verified


@pytest.mark.parametrize(("text", "wrt", "answer"), [
    ("diff(x).^2", "x", None),
    ("x: data[n]; k: data[w]; conv(x,k)", "k", "dk[i,j] = x[w+i-1-j]"),
    ("x: data[n]; exp(flip(x))", "x", None),
    ("A: data[m,n]; vec(A)", "A", "dA[i,j,k] = [i = j + m*k]"),
    ("A: data[m,n]; B: data[p,q]; kron(A,B)", "A", None),
])
def test_jacobians(text, wrt, answer):
    d = iv.derive(text, wrt)
    assert d.verified and (answer is None or d.text() == answer)


def test_a_hand_derived_gradient_is_checked():
    loss = "x: data[n]; sum[i] (x[i+1] - x[i])^2"
    right = "dx[j] = 2*[j >= 1]*(x[j] - x[j-1]) - 2*[j < n-1]*(x[j+1] - x[j])"
    assert iv.check(loss, "x", right).ok
    assert not iv.check(loss, "x", right.replace("j >= 1", "j >= 2")).ok


def test_joins_are_total():
    names = {row.name for row in OPS.values() if row.shape == "block"}
    assert names == set(BLOCKS) == set(DENSE)
