"""Higher orders, blocks, products with directions, single entries, and what a result is like as a matrix."""

import itertools

import numpy as np
import pytest

import iverson as iv

FACTORS = "norm2(A - U*V')^2"


def differences(f, x, h=1e-4):
    """The Jacobian of f by central differences, input axes last."""
    x = np.asarray(x, float)
    columns = [(f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / (2 * h) for e in np.eye(x.size)]
    return np.stack(columns, -1).reshape(*np.shape(columns[0]), *x.shape)


def test_orders_up_to_four_follow_each_other():
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=(3, 2)), rng.normal(size=2)
    found = [iv.derive("sum(exp(A*x)) + sum(x.^5)", "x", order=n) for n in (1, 2, 3, 4)]
    for low, high in itertools.pairwise(found):
        assert np.allclose(high(A=a, x=x), differences(lambda t, low=low: low(A=a, x=t), x), rtol=1e-6)
    with pytest.raises(iv.IversonError, match="1, 2, 3 or 4"):
        iv.derive("sum(exp(x))", "x", order=5)


def test_blocks_of_a_second_derivative():
    rng = np.random.default_rng(1)
    at = {"A": rng.normal(size=(4, 3)), "U": rng.normal(size=(4, 2)), "V": rng.normal(size=(3, 2))}
    found = iv.derive(FACTORS, ("U", "V"), order=2)
    assert set(found) == {("U", "U"), ("U", "V"), ("V", "U"), ("V", "V")}
    for (a, b), d in found.items():
        g = iv.derive(FACTORS, a)
        assert np.allclose(d(**at), differences(lambda t, b=b, g=g: g(**{**at, b: t}), at[b]), atol=1e-6)
    assert np.allclose(found["U", "V"](**at), np.moveaxis(found["V", "U"](**at), (0, 1), (2, 3)))


@pytest.mark.parametrize(("text", "wrt"), [("sum(log(1 + exp(A*x)))", "x"), (FACTORS, "U"), ("logdet(X'*X)", "X")])
def test_a_hessian_times_a_direction(text, wrt):
    rng = np.random.default_rng(2)
    shapes = {"A": (4, 3), "x": (3,), "U": (4, 2), "V": (3, 2), "X": (5, 2)}
    at = {n: rng.normal(size=shapes[n]) for n in iv.parse(text).inputs}
    v = rng.normal(size=at[wrt].shape)
    h = iv.derive(text, wrt, order=2)(**at)
    assert np.allclose(iv.hvp(text, wrt)(**at, v=v), np.tensordot(h, v, v.ndim))


def test_products_read_like_the_gradient():
    assert repr(iv.hvp("norm2(A*x - y)^2", "x")) == "2*A'*A*v"
    assert repr(iv.jvp("A*X*B", "X", "iverson")) == "A*v*B"
    assert repr(iv.jvp("inv(X)", "X")) == "-inv(X)*v*inv(X)"
    both = iv.hvp(FACTORS, ("U", "V"))
    assert set(both) == {"U", "V"} and "v_V" in both["U"].formula
    joint = iv.jvp("u'*v", ("u", "v"))
    assert joint(u=[1.0, 2.0], v=[3.0, 4.0], v_u=[1.0, 0.0], v_v=[0.0, 1.0]) == 5.0


def test_one_entry():
    assert repr(iv.derive("norm2(A*X - B)^2", "X[2,3]")) == "2*(A[:,2]'*(A*X - B)[:,3])"
    d = iv.derive("det(X)", "X[0,1]")
    assert d(X=[[1.0, 2.0], [3.0, 4.0]]) == pytest.approx(-3.0)
    with pytest.raises(iv.IversonError, match="2 indices, not 1"):
        iv.derive("det(X)", "X[0]")


@pytest.mark.parametrize(("text", "wrt", "order", "kind"), [
    ("sum(exp(x))", "x", 2, "diagonal"), ("tanh(X)", "X", 1, "diagonal"), ("softmax(z)", "z", 1, "diagonal plus low rank"),
    ("norm2(x)^4", "x", 2, "diagonal plus low rank"), ("A*X*B", "X", 1, "kronecker"), ("tanh(A*X)", "X", 1, "block diagonal"),
    ("sum(exp(A*x))", "x", 2, "dense"), ("sum(A*x)", "x", 2, "zero")])
def test_what_a_result_is_like(text, wrt, order, kind):
    found = iv.derive(text, wrt, order=order, notation="iverson").structure
    assert found.kind == kind
    assert str(kind.split()[0]) in found.text


def test_the_memory_of_a_dense_copy_is_told():
    found = iv.derive("sum(exp(x))", "x", order=2).structure
    assert found.text == "diagonal: n numbers instead of n*n" and found.nbytes_dense(n=1000) == 8_000_000


def test_chains_of_definitions_grow_no_faster_than_their_length():
    text = "\n".join(["y1 = x*x", *(f"y{k} = y{k - 1}*y{k - 1}" for k in range(2, 61))])
    d = iv.derive(text, "x", kinds={"x": "scalar"}, verified=False)
    assert len(d.program) < 60 * 40


def test_a_hessian_puts_names_back_on_their_own_axes():
    d = iv.derive("X: data[N,D]; (1 + X[2,2]^2)^0.5", "X", order=2)
    x = np.random.default_rng(0).normal(size=(3, 4))
    h = d(X=x)
    assert h.shape == (3, 4, 3, 4)
    assert h[2, 2, 2, 2] == pytest.approx((1 + x[2, 2] ** 2) ** -1.5)


def test_a_log_determinant_keeps_its_name():
    assert repr(iv.derive("logdet(A)^3", "A")) == "3*logdet(A)^2*inv(A)'"
