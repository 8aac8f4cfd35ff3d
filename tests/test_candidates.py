"""Candidates that are not formulas: functions and layers of torch and JAX, boosting objectives; LaTeX; derivations in steps."""

import numpy as np
import pytest

import iverson as iv
from mistakes import LEAST, RIDGE

LAYERS = "z = X*W\nh = tanh(z)\nL = norm2(h*V - Y)^2"
SCORES = {"s": "vector", "y": "vector"}
LOGISTIC = "sum[i] (softplus(s[i]) - y[i]*s[i])"


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


# -- LaTeX and steps


@pytest.mark.parametrize("mine", [
    r"2A^\top(Ax-y)+2\lambda x", r"\nabla_x L = 2A^T(Ax-y) + 2\lambda x", r"$2A^\top A x - 2A^\top y + 2\lambda x$",
])
def test_latex_is_read(mine):
    assert iv.check(RIDGE, "x", mine).ok


def test_a_mistake_in_latex_is_named():
    v = iv.check(RIDGE, "x", r"\frac{\partial L}{\partial x} = 2A^\top(Ax-y)")
    assert v.labels == ("dropped-term",) and "2*lam*x is missing" in v.message


@pytest.mark.parametrize(("mine", "step", "label"), [
    ("dO = 2*(h*V - Y)\ndh = dO*V'\ndz = dh.*(1 - h)\ndW = X'*dz", "dz = ", "power-off-by-one"),
    ("dO = 2*(h*V - Y)\ndh = -dO*V'\ndz = dh.*(1 - h.^2)\ndW = X'*dz", "dh = ", "sign"),
    ("h = sigmoid(z)\ndh = 2*(h*V - Y)*V'\ndz = dh.*(1 - h.^2)\ndW = X'*dz", "h = ", ""),
    ("dh = 2*(h*V - Y)*V'\ndz = dh.*(1 - h.^2)\ndW = -X'*dz", "", "sign"),
])
def test_the_first_wrong_step_is_named(mine, step, label):
    v = iv.check(LAYERS, "W", mine)
    assert not v.ok and v.step.startswith(step) and bool(v.step) == bool(step), repr(v)
    assert not label or v.labels == (label,), repr(v)


def test_the_steps_of_a_numpy_function_are_followed():
    mine = "def grad(X, W, V, Y):\n    h = np.tanh(X@W)\n    dO = 2*(h@V - Y)\n    dh = dO@V.T\n    dz = dh*(1 - h)\n    return X.T@dz"
    v = iv.check(LAYERS, "W", mine)
    assert v.step.startswith("dz = ") and v.labels == ("power-off-by-one",)
    assert iv.check(LAYERS, "W", mine.replace("1 - h", "1 - h**2")).ok


# -- functions


class Buffer:
    """Writes every gradient into the same array."""

    def __init__(self):
        self.made = {}

    def __call__(self, x):
        out = self.made.setdefault(x.shape, np.zeros(x.shape))
        out[:] = 2 * x
        return out


def flat(A, x, y):
    A.shape = (A.size,)  # only arrays that are contiguous can be given another shape
    A.shape = (len(y), len(x))
    return 2 * A.T @ (A @ x - y)


@pytest.mark.parametrize(("loss", "mine", "kind"), [
    ("sum(x.^2)", Buffer(), "aliasing"),
    (LEAST, flat, "non-contiguous"),
])
def test_faults_that_values_do_not_show(loss, mine, kind):
    assert iv.check(loss, "x", mine).kind == kind


def test_float32_is_judged_as_far_as_it_reaches():
    assert iv.check(LEAST, "x", lambda A, x, y: (2 * A.T @ (A @ x - y)).astype(np.float32)).ok
    assert not iv.check(LEAST, "x", lambda A, x, y: (2.0004 * A.T @ (A @ x - y)).astype(np.float32)).ok


def test_an_argument_that_is_returned_is_noted():
    assert "memory of its argument B" in repr(iv.check("sum(A.*B)", "A", lambda B: B))


def test_functions_of_torch_are_called_with_tensors():
    torch = pytest.importorskip("torch")

    def half(A, x, y):
        return torch.mv(A.T, torch.mv(A, x) - y)

    assert iv.check(LEAST, "x", half).labels == ("constant-factor",)
    assert iv.check(LEAST, "x", lambda A, x, y: 2 * half(A, x, y)).ok


def test_functions_of_jax_are_compared_in_full_precision():
    jax = pytest.importorskip("jax")
    assert iv.check(LEAST, "x", jax.grad(lambda A, x, y: jax.numpy.sum((A @ x - y) ** 2), 1)).ok
    off = iv.check(LEAST, "x", lambda A, x, y: 2.0002 * jax.numpy.dot(A.T, jax.numpy.dot(A, x) - y))
    assert off.labels == ("constant-factor",) and "1.0001 times" in off.message


# -- layers


def layer(backward):
    """A torch function of the squared residual with this backward pass."""
    torch = pytest.importorskip("torch")

    class Squared(torch.autograd.Function):
        @staticmethod
        def forward(ctx, A, x, y):
            r = A @ x - y
            ctx.save_for_backward(A, x, r)
            return (r**2).sum()

    Squared.backward = staticmethod(lambda ctx, g: backward(torch, g, *ctx.saved_tensors))
    return Squared


@pytest.mark.parametrize(("backward", "kind", "said"), [
    (lambda t, g, A, x, r: (2*g*t.outer(r, x), 2*g*(A.T @ r), -2*g*r), "equal", ""),
    (lambda t, g, A, x, r: (2*t.outer(r, x), 2*A.T @ r, -2*r), "upstream", "grad_output"),
    (lambda t, g, A, x, r: (2*g*t.outer(r, x), 2*g*(A.T @ r), 2*g*r), "sign", "by y"),
    (lambda t, g, A, x, r: (2*g*t.outer(r, x), 2*g*(A.T @ r), None), "dropped-term", "by y"),
    (lambda t, g, A, x, r: (2*g*t.outer(x, r), 2*g*(A.T @ r), -2*g*r), "raises", "shape"),
    (lambda t, g, A, x, r: (2*g*t.outer(r, x), 2*g*(A.view(-1).view(A.shape).T @ r), -2*g*r), "raises", "stride"),
])  # fmt: skip
def test_a_torch_layer_is_checked_by_all_its_inputs(backward, kind, said):
    v = iv.check(LEAST, "x", layer(backward))
    assert v.kind == kind and said in v.message, repr(v)


def test_a_forward_pass_that_is_another_loss_is_refused():
    right = layer(lambda t, g, A, x, r: (2*g*t.outer(r, x), 2*g*(A.T @ r), -2*g*r))
    assert iv.check("norm2(A*x - y)^2/2", "x", right).kind == "forward"


def test_a_jax_custom_vjp_is_checked_by_all_its_inputs():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def made(c):
        f = jax.custom_vjp(lambda A, x, y: jnp.sum((A @ x - y) ** 2))
        f.defvjp(lambda A, x, y: (jnp.sum((A @ x - y) ** 2), (A, x, A @ x - y)),
                 lambda saved, g: (2*g*jnp.outer(saved[2], saved[1]), c*g*saved[0].T @ saved[2], -2*g*saved[2]))
        return f

    assert iv.check(LEAST, "A", made(2)).ok
    v = iv.check(LEAST, "A", made(1))
    assert v.labels == ("constant-factor",) and "by x" in v.message


# -- objectives


def objective(of_p):
    def train(preds, dtrain):
        y, p = dtrain.get_label(), sigmoid(preds)
        return of_p(preds, y, p)

    return train


@pytest.mark.parametrize(("of_p", "kind", "said"), [
    (lambda s, y, p: (p - y, p*(1 - p)), "equal", ""),
    (lambda s, y, p: (p - y, 2*p*(1 - p)), "equal", "2 times the diagonal"),
    (lambda s, y, p: (p - y, np.ones(len(p))), "equal", "1 for every row"),
    (lambda s, y, p: (p - y, np.maximum(p*(1 - p), 1e-16)), "equal", ""),
    (lambda s, y, p: (y - p, p*(1 - p)), "sign", "gradient"),
    (lambda s, y, p: (2*(p - y), 2*p*(1 - p)), "constant-factor", "Both are 2 times"),
    (lambda s, y, p: (s - y, s*(1 - s)), "score-space", "taken for a prediction"),
    (lambda s, y, p: ((p - y)/(p*(1 - p)), p*(1 - p)), "score-space", "by the prediction"),
    (lambda s, y, p: (p - y, -p*(1 - p)), "sign", "Hessian"),
    (lambda s, y, p: (p - y, p), "missing-inner-derivative", "Hessian"),
    (lambda s, y, p: p - y, "result", "(grad, hess)"),
])  # fmt: skip
def test_an_objective_is_checked_row_by_row(of_p, kind, said):
    v = iv.check(LOGISTIC, "s", objective(of_p), kinds=SCORES)
    assert v.kind == kind and said in repr(v), repr(v)


def test_of_a_mean_rows_are_wanted_without_the_division():
    mean = LOGISTIC.replace("sum[i]", "mean[i]")
    assert "as they want it" in repr(iv.check(mean, "s", objective(lambda s, y, p: (p - y, p*(1 - p))), kinds=SCORES))
    assert "Libraries want" in repr(iv.check(mean, "s", lambda y_true, y_pred: (
        (sigmoid(y_pred) - y_true)/len(y_true), sigmoid(y_pred)*sigmoid(-y_pred)/len(y_true)), kinds=SCORES))
