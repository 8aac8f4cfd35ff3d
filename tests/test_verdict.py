"""Right gradients are called right however they are written, wrong ones wrong, and the cheap causes are named."""

import pytest

import iverson as iv
from losses import SOFTMAX, SVM

LEAST = "norm2(A*x - y)^2"
LOGISTIC = "X: data[N, D]; t: data[N]; w: param[D]; mean[i] log(1 + exp(-t[i]*(sum[d] X[i,d]*w[d])))"

RIGHT = [
    (LEAST, "x", "2*A'*(A*x - y)"), (LEAST, "x", "2*(A'*A*x - A'*y)"), (LEAST, "x", "2*A.T@(A@x-y)"),
    (LEAST, "x", "2*(A@x-y)@A"), (LEAST, "x", "g[j] = 2*sum[i] A[i,j]*(sum[k] A[i,k]*x[k] - y[i])"),
    (LEAST, "x", "2*A'*r where r = A*x - y"), (LEAST, "A", "2*(A*x - y)*x'"), (LEAST, "A", "2*np.outer(A@x-y, x)"),
    (LEAST, "A", "2*((A@x-y)[:,None]*x)"),
    ("x'*A*x", "x", "(A + A')*x"), ("x'*A*x", "x", "A@x + x@A"), ("x'*A*x", "A", "x*x'"),
    ("sigmoid(u'*v)", "u", "sigmoid(u'*v)*(1 - sigmoid(u'*v))*v"), ("sigmoid(u'*v)", "u", "v/(2 + exp(u'*v) + exp(-u'*v))"),
    ("logdet(X)", "X", "inv(X)'"), ("logdet(X)", "X", "np.linalg.inv(X).T"), ("logdet(X)", "X", "inv(X')"),
    ("norm2(x)", "x", "x/norm2(x)"), ("norm2(x)", "x", "x/np.sqrt(np.sum(x**2))"), ("sum(abs(x))", "x", "sign(x)"),
    ("sum(exp(x))^2", "x", "2*sum(exp(x))*exp(x)"), ("tr(A*X*B)", "X", "(B*A)'"), ("tr(A*X*B)", "X", "A'*B'"),
    (SVM, "W", "X'*ds + 2*reg*W"), (SOFTMAX, "W", "X'*(p - onehot(y))/N + 2*reg*W"),
    (SOFTMAX, "W", "X'*(softmax(s) - onehot(y))/N + 2*reg*W"),
    (LOGISTIC, "w", "-X'*(t.*sigmoid(-t.*(X*w)))/N"),
]
WRONG = [
    (LEAST, "x", "A'*(A*x - y)", "constant-factor"), (LEAST, "x", "-2*A'*(A*x - y)", "sign"), (LEAST, "x", "2*A'*(A*x + y)", None),
    (LEAST, "x", "2.0001*A'*(A*x - y)", "constant-factor"), (LEAST, "A", "2*x*(A*x - y)'", "transposed"),
    ("x'*A*x", "x", "2*A*x", None), ("x'*A*x", "x", "A*x", "dropped-term"), ("x'*A*x", "x", "A'*x", "dropped-term"),
    ("sigmoid(u'*v)", "u", "sigmoid(u'*v)*v", None), ("sigmoid(u'*v)", "u", "sigmoid(u'*v)*(1 - sigmoid(u'*v))*u", None),
    ("logdet(X)", "X", "inv(X)", "transposed"), ("logdet(X)", "X", "X", None), ("norm2(x)", "x", "2*x", None),
    ("norm2(x)", "x", "x/norm2(x)^2", None), ("sum(exp(x))^2", "x", "2*exp(x)", None), ("tr(A*X*B)", "X", "B*A", "transposed"),
    (SVM, "W", "X'*ds", "dropped-term"), (SVM, "W", "X'*ds + reg*W", "constant-factor"), (SVM, "W", "N*X'*ds + 2*reg*W", None),
    (SOFTMAX, "W", "X'*(onehot(y) - p)/N + 2*reg*W", "reversed-difference"), (SOFTMAX, "W", "X'*p/N + 2*reg*W", None),
    (LOGISTIC, "w", "-X'*(t.*sigmoid(-t.*(X*w)))", "constant-factor"), (LOGISTIC, "w", "X'*(t.*sigmoid(-t.*(X*w)))/N", "sign"),
    (LOGISTIC, "w", "-X'*(t.*sigmoid(t.*(X*w)))/N", None), ("sum(abs(x))", "x", "x", None),
    ("sum(x.^3)", "x", "2*x.^2", "constant-factor"), ("sum(x.^3)", "x", "3*x", None),
]


@pytest.mark.parametrize(("loss", "wrt", "mine"), RIGHT)
def test_right_is_called_right(loss, wrt, mine):
    v = iv.check(loss, wrt, mine)
    assert v.ok and v.kind == "equal", repr(v)


@pytest.mark.parametrize(("loss", "wrt", "mine", "kind"), WRONG)
def test_wrong_is_called_wrong(loss, wrt, mine, kind):
    v = iv.check(loss, wrt, mine)
    assert not v.ok, repr(v)
    assert kind is None or v.kind == kind, repr(v)


def test_the_message_shows_a_small_counterexample():
    v = iv.check(LEAST, "x", "A'*(A*x - y)")
    assert "factor 2" in v.message and v.counterexample is not None
    assert all(abs(x) <= 3 for x in v.counterexample.arrays["A"].ravel())


def test_the_lost_term_is_named():
    assert "2*reg*W is missing" in iv.check(SVM, "W", "X'*ds").message


def test_a_candidate_that_cannot_be_read_is_an_error_in_its_own_text():
    with pytest.raises(iv.IversonError) as caught:
        iv.check(LEAST, "x", "2*B'*(A*x - y")
    assert caught.value.source == "2*B'*(A*x - y"


def test_another_shape_is_said():
    assert iv.check(LEAST, "x", "sin(y)").kind == "shape"
