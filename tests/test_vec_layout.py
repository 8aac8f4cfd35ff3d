"""The layout of Magnus and Neudecker: Jacobians and Hessians from vec(input) to vec(output), in Kronecker products."""

import numpy as np
import pytest

import iverson as iv

SIZES = {"A": (2, 3), "X": (3, 4), "B": (4, 5), "C": (2, 4), "D": (3, 5), "z": (4,), "x": (3,)}

# the loss, its input, the formula, how many axes the loss has
FORMS = [
    ("A*X*B", "X", "kron(B', A)", 2),
    ("A*X*B + C*X'*D", "X", "kron(D', C)*commutation(m, p) + kron(B', A)", 2),
    ("X'", "X", "commutation(n, m)", 2),
    ("3*X", "X", "3*eye(m*n)", 2),
    ("X.*X", "X", "2*diag(vec(X))", 2),
    ("exp(X)", "X", "diag(vec(exp(X)))", 2),
    ("X'*X", "X", "kron(X', eye(m))*commutation(n, m) + kron(eye(m), X')", 2),
    ("X*z", "X", "kron(z', eye(n))", 1),
    ("z*x'", "x", "kron(eye(m), z)", 2),
    ("A*x", "x", "A", 1),
    ("sum(X.^2)", "X", "2*vec(X)'", 0),
    ("norm2(X)^2*X", "X", "norm2(X)^2*eye(m*n) + 2*vec(X)*vec(X)'", 2),
]
SQUARE = [
    ("inv(X)", "-kron(inv(X)', inv(X))"),
    ("X*X", "kron(X', eye(n)) + kron(eye(n), X)"),
    ("det(X)*X", "det(X)*eye(n^2) + det(X)*vec(X)*vec(inv(X)')'"),
]
HESSIANS = [
    ("tr(X'*A*X*B)", "kron(B, A') + kron(B', A)"),
    ("logdet(X)", "-kron(inv(X), inv(X)')*commutation(n, n)"),
    ("sum(exp(X))", "diag(vec(exp(X)))"),
]


def vec(v):
    return np.ravel(v, order="F")


@pytest.mark.parametrize(("text", "wrt", "formula", "rank"), FORMS)
def test_a_jacobian_in_the_vec_layout(text, wrt, formula, rank):
    rng = np.random.default_rng(0)
    shapes = SIZES | ({"X": (4, 3), "B": (3, 5), "D": (4, 5), "C": (2, 3), "A": (2, 4)} if "X'*D" in text else {})
    at = {n: rng.normal(size=shapes[n]) for n in iv.parse(text, "iverson").inputs}
    d = iv.derive(text, wrt, layout="vec", notation="iverson")
    loss, v, h = iv.parse(text, "iverson"), rng.normal(size=at[wrt].shape), 1e-6
    slope = (np.asarray(loss.value(**at | {wrt: at[wrt] + h * v})) - loss.value(**at | {wrt: at[wrt] - h * v})) / (2 * h)
    assert np.allclose(d(**at) @ vec(v), vec(slope) if rank else slope, rtol=1e-6, atol=1e-6)
    assert d.formula == formula


@pytest.mark.parametrize(("text", "formula"), SQUARE)
def test_functions_of_square_matrices(text, formula):
    d = iv.derive(text, "X", layout="vec", notation="iverson")
    x = np.random.default_rng(1).normal(size=(3, 3))
    plain = iv.derive(text, "X", notation="iverson")(X=x)
    assert d.formula == formula
    assert np.allclose(d(X=x), plain.transpose(1, 0, 3, 2).reshape(9, 9))
    assert d.shape == ("n^2", "n^2")


@pytest.mark.parametrize(("text", "formula"), HESSIANS)
def test_a_hessian_in_the_vec_layout(text, formula):
    assert iv.derive(text, "X", order=2, layout="vec", notation="iverson").formula == formula


def test_what_is_no_product_of_two_stays_in_index_form_and_is_stacked_all_the_same():
    d = iv.derive("X*diag(x)", "x", layout="vec")
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=3)
    assert d.form == "index"
    assert np.allclose(d(X=x, x=y) @ y, vec(x * y))


def test_a_wrong_layout_is_refused():
    with pytest.raises(iv.IversonError, match="There is no layout 'columns'"):
        iv.derive("A*x", "x", layout="columns")


def test_the_commutation_matrix_turns_a_stacked_matrix():
    a = np.arange(6.0).reshape(2, 3)
    value = iv.parse("A: data[m,n]; commutation(m,n)*vec(A)").value(A=a)
    assert np.array_equal(value, vec(a.T))


@pytest.mark.parametrize(("text", "wrt"), [("A*X*B", "X"), ("inv(X)", "X"), ("X'*X", "X"), ("x*x'*z", "x"), ("X.*X.*Z - X", "X")])
def test_an_answer_as_einsum_is_numpy(text, wrt):
    rng = np.random.default_rng(3)
    shapes = {"A": (2, 3), "X": (3, 3), "B": (3, 5), "x": (3,), "z": (3,), "Z": (3, 3)}
    at = {n: rng.normal(size=shapes[n]) for n in iv.parse(text, "iverson").inputs}
    d = iv.derive(text, wrt, notation="iverson")
    formula, _, where = d.text("einsum").partition(" where ")
    names = {"M": np.linalg.inv(at["X"])} if where else {}
    value = eval(formula, {"np": np, **dict.fromkeys("mnpq", 3), **at, **names})
    assert np.allclose(value, d(**at))


def test_what_einsum_cannot_say_is_refused():
    with pytest.raises(iv.IversonError, match="no einsum form"):
        iv.derive("exp(X)", "X").text("einsum")
