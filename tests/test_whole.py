"""Functions of whole matrices and declared structure, as a user meets them: conventions, values, refusals, notes."""

import numpy as np
import pytest

import iverson as iv
from iverson.derivation.conventions import CONVENTIONS
from iverson.emit.numpy_code import compiled
from iverson.lang.ops import WHOLE
from iverson.lang.structure import STRUCTURES
from iverson.meaning.sample import instances

SYMMETRIC = "S: symmetric[n]; "
DECLARED = [
    ("D: diagonal[n]; tr(D*A)", "D", "projected", "diag(diagonal(A))"),
    ("L: lower[n]; tr(L*A)", "L", "projected", "tril(A')"),
    ("L: lower[n]; tr(L*A)", "L", "ambient", "A'"),
    ("L: lower[n]; norm2(L*x - y)^2", "L", "projected", "2*tril((L*x - y)*x')"),
    ("R: upper[n]; tr(R*A)", "R", "entries", "triu(A')"),
    ("K: skew[n]; tr(K*A)", "K", "projected", "(A' - A)/2"),
    ("K: skew[n]; tr(K*A)", "K", "entries", "A' - A"),
    ("S: spd[n]; logdet(S)", "S", "projected", "inv(S)"),
    ("S: symmetric[n]; B: matrix[n, n]; tr(S*B)", "S", "entries", "B + B' - diag(diagonal(B))"),
    ("Q: orthonormal[m, n]; A: matrix[m, n]; tr(Q'*A)", "Q", "projected", "A - Q*(Q'*A + A'*Q)/2"),
    ("Q: orthonormal[m, n]; A: symmetric[m]; tr(Q'*A*Q)", "Q", "projected", "2*(A - Q*Q'*A)*Q"),
    ("Q: orthogonal[n]; tr(Q*A)", "Q", "projected", "A' - Q*(A*Q + Q'*A')/2"),
    ("u: unit[n]; A: symmetric[n]; u'*A*u", "u", "projected", "2*A*u - 2*(u'*A*u)*u"),
    ("p: simplex[K]; p'*x", "p", "projected", "x - mean(x)"),
    ("P: simplex[N, K]; sum(P.*C)", "P", "projected", "C - C*ones(K)/K"),
]


@pytest.mark.parametrize(("text", "wrt", "chosen", "expected"), DECLARED)
def test_the_convention_for_a_structured_input(text, wrt, chosen, expected):
    d = iv.derive(text, wrt, symmetric=chosen)
    assert d.formula == expected and any(n.endswith(f"gradient: {chosen}") for n in d.notes)


def test_every_convention_has_an_example():
    shown = {(iv.parse(t).inputs[w].facts[0], c) for t, w, c, _ in DECLARED}
    facts = {f for kind, _ in shown for f in STRUCTURES[kind].facts}
    assert {key[0] if isinstance(key, tuple) else key for key, rows in CONVENTIONS.items() if rows} <= facts


@pytest.mark.parametrize(("text", "wrt", "chosen"), [
    ("u: unit[n]; u'*x", "u", "entries"), ("Y: onehot[N, K]; sum(Y.*C)", "Y", "projected"),
    ("p: simplex[K]; sum(log(p))", "p", "entries")])
def test_a_gradient_that_a_structure_does_not_have_is_refused(text, wrt, chosen):
    with pytest.raises(iv.IversonError, match=f"no {chosen} gradient by {wrt}"):
        iv.derive(text, wrt, symmetric=chosen)


def test_a_curved_structure_has_no_projected_hessian():
    with pytest.raises(iv.IversonError, match="no projected derivative of order 2 by u"):
        iv.derive("u: unit[n]; u'*A*u", "u", symmetric="projected", order=2)


@pytest.mark.parametrize("false", ["(G + G')/3", "G", "G + G'"])
def test_a_false_convention_is_caught(false, monkeypatch):
    monkeypatch.setitem(CONVENTIONS, "symmetric", {"projected": false})
    with pytest.raises(iv.IversonError, match="fault of iverson"):
        iv.derive("S: symmetric[n]; tr(S*A)", "S", symmetric="projected")


def test_nothing_is_used_of_the_input_that_is_derived_by():
    for text, wrt in [("Q: orthogonal[n]; tr(Q'*Q*A)", "Q"), ("p: simplex[n]; sum(p)*sum(p.^2)", "p"),
                      ("K: skew[n]; tr(K'*A)", "K"), ("Y: onehot[N, K]; sum(Y.^2)", "Y"), ("u: unit[n]; norm2(u)^3", "u")]:
        plain = iv.derive(text.partition("; ")[2], wrt, kinds={wrt: "vector" if wrt in "pu" else "matrix"}, sizes={
            wrt: ("n",) if wrt in "pu" else ("n", "m") if wrt == "Y" else ("n", "n")})
        assert iv.derive(text, wrt).formula == plain.formula


# ---- values


def slope(f, x, h=1e-5):
    """The gradient of f by differences, entry by entry."""
    g = np.zeros_like(x)
    for t in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[t] = h
        g[t] = (f(x + e) - f(x - e)) / (2 * h)
    return g


CODED = ["tr(expm(A*X))", "C: spd[n]; tr(B*cholesky(C + X'*X))", "C: spd[n]; tr(B*sqrtm(C + X'*X))", "lambda_max(X'*X)",
         "C: spd[n]; tr(B*logm(C + X*X'))", "tr(B*expm(X + X'))", "C: spd[n]; p: scalar; tr((C + X*X')^p)",
         "sum(tril(X).*triu(X*X))", "tr(X^-3)"]


@pytest.mark.parametrize("text", CODED)
def test_generated_code_agrees_with_differences(text):
    loss = iv.parse(text)
    d = iv.derive(loss, "X")
    draw = instances(loss.typed, 7, n=1).draws[0]
    value, gradient = compiled(d.derived.program, {"X": d.derived.answer})(**draw.arrays)
    assert value == pytest.approx(loss.value(**draw.arrays))
    wanted = slope(lambda v: loss.value(**{**draw.arrays, "X": v}), draw.arrays["X"])
    assert gradient == pytest.approx(wanted, rel=1e-5, abs=1e-5 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("text", ["X^-2", "X^3", "X^0", "tril(X) + triu(X)", "expm(X)", "X^0.5"])
def test_matrix_powers_and_triangles_have_their_value(text):
    x = np.random.default_rng(0).normal(size=(4, 4))
    x = x @ x.T + np.eye(4) if text == "X^0.5" else x
    y, (w, u) = np.linalg.inv(x), np.linalg.eig(x)
    wanted = {"X^-2": y @ y, "X^3": x @ x @ x, "X^0": np.eye(4), "tril(X) + triu(X)": np.tril(x) + np.triu(x),
              "expm(X)": ((u * np.exp(w)) @ np.linalg.inv(u)).real, "X^0.5": ((u * np.sqrt(w)) @ np.linalg.inv(u)).real}
    assert iv.parse(text, kinds={"X": "matrix"}).value(X=x) == pytest.approx(wanted[text])


def test_a_function_of_what_is_not_finite_is_not_finite():
    for name in WHOLE:
        two = iv.lang.ops.OPS[name].arity[0] > 1
        loss = iv.parse(f"{name}(A{', p' if two else ''})", kinds={"A": "matrix", **({"p": "scalar"} if two else {})})
        arrays = {"A": np.full((3, 3), np.inf), "p": 1.5}
        assert not np.isfinite(loss.value(**{n: arrays[n] for n in loss.inputs})).all(), name


@pytest.mark.parametrize("text", ["det(X)", SYMMETRIC + "lambda_max(S)", "S: spd[n]; p: scalar; tr(S^p)", SYMMETRIC + "tr(S*S)",
                                  SYMMETRIC + "A: matrix[n, n]; tr(S*S*A)", "D: diagonal[n]; tr(D*D)", "Q: orthonormal[m, n]; tr(Q'*A*Q)"])
def test_second_derivatives_are_verified(text):
    wrt = text[0] if ":" in text else "X"
    assert iv.derive(text, wrt, order=2).verified and iv.hvp(text, wrt).verified


# ---- refusals and notes


@pytest.mark.parametrize("text", ["tr(B*expm(A))", "tr(B*sqrtm(A*A))", "tr(B*A^0.5)", "y'*logm(A)*x"])
def test_a_function_by_eigenvalues_refuses_what_is_not_seen_to_be_symmetric(text):
    with pytest.raises(iv.IversonError, match="not known to be symmetric"):
        iv.derive(text, "A")


@pytest.mark.parametrize(("text", "wrt", "note"), [
    (SYMMETRIC + "lambda_max(S)", "S", "a gap below the largest eigenvalue of S"),
    ("spectral(A*X)", "X", "a gap below the largest singular value of A*X"),
    ("nuclear(X)", "X", "full rank of X"),
    ("Q: orthonormal[m, n]; norm2(Q*x)^2", "x", "Q'*Q = eye"),
    ("Y: onehot[N, K]; Z: matrix[N, K]; sum(Y.*Z)", "Z", "every row of Y is one 1 among 0s"),
    ("y: onehot[K]; y'*x", "x", "y is one 1 among 0s"),
    ("p: simplex[K]; p'*x", "x", "p sums to 1"),
])
def test_the_notes_name_what_the_answer_asks_for(text, wrt, note):
    assert any(note in n for n in iv.derive(text, wrt).notes)


# ---- declared structure at the door


@pytest.mark.parametrize(("kind", "bad"), [
    ("symmetric[n]", [[1, 2], [3, 4]]), ("spd[n]", [[1, 2], [2, 1]]), ("diagonal[n]", [[1, 2], [0, 1]]),
    ("lower[n]", [[1, 2], [0, 1]]), ("upper[n]", [[1, 0], [2, 1]]), ("orthogonal[n]", [[1, 2], [0, 1]]),
    ("orthonormal[m, n]", [[1, 2], [0, 1]]), ("skew[n]", [[1, 0], [0, 1]]), ("onehot[N, K]", [[1, 1], [0, 1]]),
    ("simplex[N, K]", [[0.5, 0.6], [0, 1]]), ("positive[m, n]", [[1, 2], [0, 1]])])
def test_values_without_the_declared_structure_are_refused(kind, bad):
    d = iv.derive(f"A: {kind}; y'*A*x", "x")
    for call in (d, d.loss.value):
        with pytest.raises(iv.IversonError, match=r"A .*declared "):
            call(A=bad, y=[1, 2], **({"x": [1, 2]} if call == d.loss.value else {}))


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_kind_may_be_given_as_an_argument_in_both_notations(kind):
    rank = min(STRUCTURES[kind].ranks[-1], 2)
    for text, notation in (("sum(A.*B)", "iverson"), ("np.sum(A*B)", "numpy")):
        sizes = {"A": ("n", "n")[:rank], "B": ("n", "n")[:rank]}
        loss = iv.parse(text, notation, sizes=sizes, kinds={"A": kind})
        assert loss.inputs["A"].facts == STRUCTURES[kind].facts


def test_the_wrong_number_of_sizes_is_refused():
    with pytest.raises(iv.IversonError, match="unit has 1 size, not 2"):
        iv.parse("u: unit[m, n]; sum(u)")
    with pytest.raises(iv.IversonError, match="simplex has 1 or 2 sizes, not 3"):
        iv.parse("u: simplex[m, n, k]; sum(u)")


def test_the_input_derived_by_may_leave_its_structure():
    d = iv.derive("S: symmetric[n]; A: matrix[n, n]; tr(A*S'*S)", "S")
    s, a = np.random.default_rng(5).normal(size=(2, 3, 3))
    s = (s + s.T) / 2
    assert d(S=s, A=a) == pytest.approx(slope(lambda v: np.trace(a @ v.T @ v), s))
    _, gradient = iv.compile("L: lower[n]; norm2(L)^2", "L")(L=a)
    assert gradient == pytest.approx(2 * a)


def test_a_stack_of_definite_matrices_is_drawn_and_checked_as_one():
    d = iv.derive("S: spd[K,n,n]\nm: data[K,n]\nsum[k] (logdet(S[k,:,:]) + m[k,:]*inv(S[k,:,:])*m[k,:]')", "m")
    assert d.verified.domain == "normal" and "S: tensor[K, n, n] (spd, symmetric)" in d.loss.reading
    with pytest.raises(iv.IversonError, match="has a matrix that is not symmetric positive definite, but it is declared spd"):
        iv.compile("S: spd[K,n,n]\nx: data[n]\nsum[k] x'*inv(S[k,:,:])*x", "x")(S=[[[1.0, 0.0], [0.0, -1.0]]], x=[1.0, 1.0])
