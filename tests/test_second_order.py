"""Second derivatives as structured matrices: what is recognised, and that products, solutions and dense copies are right."""

import numpy as np
import pytest

import iverson as iv
from corpus import CORPUS
from iverson.meaning.sample import instances
from iverson.second.matrices import amount
from iverson.second.pieces import gram

LOGISTIC = "X: data[m, n]; y: data[m]; w: param[n]\nmean[i] softplus(-y[i]*sum[j] X[i,j]*w[j])"
RIDGE = "sum(log(1 + exp(-y.*(X*w)))) + c*norm2(w)^2"
SOFTMAX = "X: data[N, D]; y: label[N] in K; W: param[D, K]\ns = X*W\nmean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + 0.1*sum(W.^2)"
FACTORS = "T: data[m, n]; U: param[m, k]; V: param[n, k]\nnorm2(T - U*V')^2"
CASES = [
    (LOGISTIC, "w", 2), (RIDGE, "w", 2), (SOFTMAX, "W", 2), (FACTORS, "U", 2), (FACTORS, "V", 2), ("sum(exp(x))", "x", 2),
    ("tr(X'*A*X*B)", "X", 2), ("logdet(A)", "A", 2), ("tr(X*X)", "X", 2), ("norm2(x)^4", "x", 2), ("norm2(x)", "x", 2),
    ("log(sum[i] exp(x[i]))", "x", 2), ("sum(softplus(X*W))", "W", 2), ("norm2(Y - X*W)^2 + c*norm2(W)^2", "W", 2),
    ("sum(exp(X)) + tr(X'*A*X)", "X", 2), ("x'*A*x", "x", 2), ("sum[i,j] (x[i] - x[j])^4", "x", 2), ("tanh(x)", "x", 1),
    ("tanh(A*X)", "X", 1), ("A*X*B", "X", 1), ("softmax(x)", "x", 1), ("tanh(A*x)", "x", 1), ("x.*x", "x", 2), ("X'", "X", 1),
    ("sum(x.*y)*sum(x.*z)", "x", 2), ("sum(A*x)", "x", 2), ("tr(X)^2*det(X)", "X", 2),
]  # fmt: skip


def drawn(text, wrt, order, n=2):
    d = iv.derive(text, wrt, order=order, notation="iverson")
    return d, instances(d._judge, n, n=n, wrt=(wrt,)).draws


def agrees(a, b):
    return np.allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("text", "wrt", "order"), CASES)
def test_a_structured_matrix_is_the_dense_one(text, wrt, order):
    compare(*drawn(text, wrt, order))


def compare(d, draws):
    for draw in draws:
        found, dense = d.structured(**draw.arrays), np.asarray(d._evaluate(**draw.arrays))
        assert found.shape == dense.shape and found.nbytes_dense == dense.nbytes
        assert agrees(found.todense(), dense) and agrees(d(**draw.arrays), dense)
        matrix = dense.reshape(int(np.prod(found.rows)), -1)
        for shape in (found.cols, (*found.cols, 3), matrix.shape[1:], (matrix.shape[1], 2)):
            v = np.random.default_rng(0).normal(size=shape)
            product = found @ v
            assert agrees(product.reshape(len(matrix), -1), matrix @ v.reshape(matrix.shape[1], -1))
            assert product.shape == (found.rows if shape[: len(found.cols)] == found.cols else matrix.shape[:1]) + v.shape[
                len(found.cols) if shape[: len(found.cols)] == found.cols else 1:]


@pytest.mark.long
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("row", [r for r in CORPUS if "[" not in r[1]], ids=lambda r: f"{r[0]} by {r[1]}")
def test_every_structure_of_the_corpus(row, order):
    text, wrt, _, *options = row
    try:
        d = iv.derive(text, wrt, order=order, kinds=(options or [{}])[0], verified=False)
    except iv.IversonError:
        pytest.skip("it has no such derivative")
    if d.outputs:
        compare(d, instances(d._judge, 1, n=1, wrt=(wrt,)).draws)


@pytest.mark.parametrize(("text", "wrt"), [(RIDGE, "w"), (SOFTMAX, "W"), ("tr(X'*A*X*B)", "X"), ("sum(exp(X))", "X"), ("logdet(A)", "A"),
                                           ("norm2(Y - X*W)^2 + c*norm2(W)^2", "W"), ("sum(softplus(X*W)) + sum(exp(W))", "W"),
                                           ("sum(exp(x)) + 3*sum(x)^2", "x")])
def test_solve_is_the_inverse_of_a_product(text, wrt):
    d, draws = drawn(text, wrt, 2)
    for draw in draws:
        arrays = {n: np.abs(v) + 0.5 if n == "c" else v for n, v in draw.arrays.items()}
        found = d.structured(**arrays)
        if np.linalg.cond(found.todense().reshape(np.prod(found.rows), -1)) < 1e6:
            for shape in (found.rows, (*found.rows, 2)):
                b = np.random.default_rng(1).normal(size=shape)
                assert np.allclose(found @ found.solve(b), b, atol=1e-7) and found.solve(b).shape == shape


def test_solving_by_few_samples_needs_no_dense_matrix():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(5, 3000)), np.zeros(3000)
    found = iv.derive(RIDGE, "w", order=2).structured(X=X, y=np.ones(5), w=w, c=0.5)
    assert "rank 5" in repr(found) and "multiple of the identity" in repr(found)
    assert found.nbytes < found.nbytes_dense / 100
    b = rng.normal(size=3000)
    assert np.allclose(found.solve(b), np.linalg.solve(X.T @ X / 4 + np.eye(3000), b))


def test_a_singular_matrix_is_told():
    with pytest.raises(iv.IversonError, match="singular"):
        iv.derive("log(sum[i] exp(x[i]))", "x", order=2).structured(x=[0.1, 0.2, 0.5]).solve([1.0, 1.0, 1.0])
    with pytest.raises(iv.IversonError, match="singular"):
        iv.derive("sum(x.^3)", "x", order=2).structured(x=[1.0, 0.0]).solve([1.0, 1.0])


@pytest.mark.parametrize(("text", "wrt", "order", "words"), [
    (FACTORS, "U", 2, "eye(30) ⊗ 2x2"), ("sum(exp(x))", "x", 2, "diagonal"), ("tanh(X)", "X", 1, "diagonal"),
    ("logdet(A)", "A", 2, "Kronecker 30x30 ⊗ 30x30 with axes swapped"), ("sum(softplus(X*W))", "W", 2, "blocks 2x2"),
    ("log(sum[i] exp(x[i]))", "x", 2, "rank 1 + diagonal"), ("x'*A*x", "x", 2, "dense")])
def test_what_is_kept_is_told(text, wrt, order, words):
    sizes = {"X": (30, 2), "W": (2, 30), "U": (30, 2), "V": (30, 2), "T": (30, 30), "A": (30, 30), "x": (30,)}
    rng = np.random.default_rng(0)
    arrays = {n: rng.normal(size=sizes[n]) for n in iv.parse(text, "iverson").inputs}
    found = iv.derive(text, wrt, order=order, notation="iverson").structured(**arrays)
    assert words in repr(found) and amount(found.nbytes_dense) in repr(found)


def test_one_factor_stands_for_all_rows():
    arrays = {"T": np.zeros((100, 100)), "U": np.zeros((100, 10)), "V": np.ones((100, 10))}
    found = iv.derive(FACTORS, "U", order=2).structured(**arrays)
    assert found.nbytes == 800 and found.nbytes_dense == 8_000_000


def test_a_dense_copy_above_the_limit_is_refused(monkeypatch):
    d = iv.derive("sum(exp(x))", "x", order=2)
    x = np.zeros(100_000)
    with pytest.raises(iv.IversonError, match="takes 80 GB, more than the limit of 4") as error:
        d(x=x)
    assert error.value.kind == "limit" and ".structured" in error.value.hint
    assert (d.structured(x=x) @ x).shape == (100_000,)
    monkeypatch.setenv("IVERSON_DENSE_LIMIT", "100")
    with pytest.raises(iv.IversonError, match="128 B"):
        iv.derive("x'*A*x", "x", order=2)(A=np.eye(4), x=np.ones(4))
    assert d.structured(x=np.zeros(4)).todense(limit=1000).shape == (4, 4)


def test_wrong_shapes_are_refused():
    found = iv.derive("sum(exp(x))", "x", order=2).structured(x=np.zeros(3))
    with pytest.raises(iv.IversonError, match="does not fit"):
        found @ np.zeros(4)
    with pytest.raises(iv.IversonError, match="no matrix"):
        iv.derive("sum(exp(x))", "x").structured(x=np.zeros(3))


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_a_gram_matrix_by_halves(sign):
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(9000, 40)), rng.normal(size=9000)
    d = np.abs(d) * sign if sign else d
    h = gram(x, d)
    assert np.allclose(h, (x.T * d) @ x) and np.array_equal(h, h.T)


@pytest.mark.parametrize("text", [LOGISTIC, SOFTMAX, FACTORS])
@pytest.mark.parametrize("target", ["numpy", "native"])
def test_products_with_directions(text, target):
    wrt = next(n for n, i in iv.parse(text).inputs.items() if i.role == "param")
    draw = drawn(text, wrt, 2, 1)[1][0]
    v = np.random.default_rng(3).normal(size=np.shape(draw.arrays[wrt]))
    f = iv.hvp(text, wrt, target=target)
    h = iv.derive(text, wrt, order=2)(**draw.arrays)
    assert agrees(f(v, **draw.arrays), np.tensordot(h, v, v.ndim)) and agrees(f(v=v, **draw.arrays), f(v, **draw.arrays))


@pytest.mark.parametrize("text", [LOGISTIC, SOFTMAX, RIDGE, "X: data[N, D]; Z: data[N, D]; w: param[D]\nmean(exp(X*w).*(Z*w))"])
def test_large_arrays_are_read_in_blocks_with_the_same_result(text):
    inputs = iv.parse(text).inputs
    wrt = next(n for n in ("w", "W") if n in inputs)
    sizes, rng = {"m": 3001, "N": 3001, "n": 100, "D": 100, "K": 5}, np.random.default_rng(0)
    dims = {n: [sizes[s.attr] for s in i.type.dims] for n, i in inputs.items()}
    if text == RIDGE:
        dims = {"X": [3001, 100], "y": [3001], "w": [100], "c": []}
    arrays = {n: rng.integers(0, 5, s) if inputs[n].type.classes is not None else 0.1*rng.normal(size=s) for n, s in dims.items()}
    v, f = rng.normal(size=dims[wrt]), iv.hvp(text, wrt)
    code = f._evaluate
    assert type(code.run).__name__ == "Loop"
    by = {n: k for n, k in zip([i.name for i in code.inputs], code.keys, strict=True)}
    whole = code.run.plain(**{by[n]: a for n, a in {**arrays, "v": v}.items() if n in by})
    assert np.allclose(f(v, **arrays), whole, rtol=1e-10, atol=1e-13)


def test_a_product_multiplies_small_matrices_first():
    assert "multi_dot([v, V.T, V])" in iv.hvp(FACTORS, "U")._evaluate.source
    assert "_gram(X, " in iv.derive(RIDGE, "w", order=2).code()
    assert "[:, None]*A" in iv.derive("tanh(A*x)", "x").code()


def test_several_inputs():
    both = iv.hvp(FACTORS, ("U", "V"))
    rng = np.random.default_rng(0)
    at = {"T": rng.normal(size=(4, 3)), "U": rng.normal(size=(4, 2)), "V": rng.normal(size=(3, 2))}
    u, v = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
    blocks = iv.derive(FACTORS, ("U", "V"), order=2)
    expected = np.tensordot(blocks["U", "U"](**at), u, 2) + np.tensordot(blocks["U", "V"](**at), v, 2)
    assert agrees(both["U"](u, v, **at), expected)
