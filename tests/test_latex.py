"""LaTeX as people write it: read to the same number as NumPy, refused where it is not clear, and read back as it is printed."""

import re
import zlib

import numpy as np
import pytest

import iverson as iv
from iverson.core.errors import IversonError
from latex_texts import TEXTS

NAMES = {"lambda": "lambda_"}     # a word of Python


def declared(text):
    """The arguments of `parse` for one row, and how to draw each array: (name, dims, kind, classes)."""
    sizes, kinds, symbols, rows = {}, {}, {}, []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        head, _, symbol = (p.strip() for p in part.partition(" = "))
        name, _, dims = head.partition(" ")
        name, _, kind = name.partition(":")
        kind = "positive" if name.endswith("+") else kind
        name = name.rstrip("+")
        shape = tuple(int(d) if d.isdigit() else d for d in filter(None, (d.strip() for d in dims.split(","))))
        if kind in ("spd", "symmetric"):
            shape *= 2
        label = bool(kind) and kind not in ("spd", "symmetric", "positive", "scalar", "simplex")
        sizes[name] = shape
        if kind and kind != "scalar":
            kinds[name] = f"label {kind}" if label else kind
        if symbol:
            sign, _, form = (p.strip() for p in symbol.partition(" | "))
            symbols[name] = (sign, form) if form else sign
        rows.append((name, shape, kind, kind if label else None))
    return {"sizes": sizes, "kinds": kinds, "symbols": symbols}, rows


def drawn(rows, rng):
    """Arrays for one row, every size different."""
    names = dict.fromkeys(n for _, shape, _, k in rows for d in (*shape, k or 1) for n in re.findall(r"[A-Za-z]+", str(d)))
    sizes = dict(zip(names, rng.permutation(np.arange(3, 3 + len(names))).tolist(), strict=True))

    def count(d):
        return d if isinstance(d, int) else sum(sizes.get(p, 0) or int(p) for p in d.split("+"))

    arrays = {}
    for name, shape, kind, classes in rows:
        dims = tuple(map(count, shape))
        v = rng.normal(size=dims)
        if classes:
            v = rng.integers(0, count(classes), size=dims)
        elif kind == "positive":
            v = rng.uniform(0.3, 0.9, size=dims)
        elif kind == "spd":
            v = v @ v.T + np.eye(len(v))
        elif kind == "symmetric":
            v = v + v.T
        arrays[name] = v if dims else v.item() if hasattr(v, "item") else v
    return arrays


def value_of(numpy, arrays):
    return eval(numpy, {"np": np, **{NAMES.get(n, n): v for n, v in arrays.items()}})


@pytest.mark.parametrize("row", TEXTS, ids=lambda r: r[0][:60])
def test_a_text_has_the_value_of_its_numpy(row):
    text, said, numpy, *target = row
    arguments, rows = declared(said)
    if numpy is None:
        with pytest.raises(IversonError):
            iv.parse(text, "latex", **arguments)
        return
    loss = iv.parse(text, "latex", target=target[0] if target else None, **arguments)
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    for _ in range(3):
        arrays = drawn(rows, rng)
        with np.errstate(all="ignore"):
            want = value_of(numpy, arrays)
        assert loss.value(**arrays) == pytest.approx(want, rel=1e-9, abs=1e-9, nan_ok=True), loss.reading
    assert loss.program is not None


# -- what is refused ----------------------------------------------------------------------------------------

REFUSED = (     # text, declarations, kind of the error, what the caret stands under, a word of the message
    (r"a^T b", "a; b; T", "ambiguous", "a^T", "power"),
    (r"1/2\pi\sigma^2", "sigma+", "ambiguous", r"2\pi\sigma^2", "slash"),
    (r"\|A\|_1", "A m,n", "ambiguous", r"\|A\|_1", "column sum"),
    (r"\|A\|_2^2", "A m,n", "ambiguous", r"\|A\|_2^2", "singular"),
    (r"u \times v", "u 3; v 3", "ambiguous", r"u \times v", "inner"),
    (r"|v|^2", "v n", "ambiguous", "|v|^2", "norm"),
    (r"\log x y", "x; y", "ambiguous", "x y", "one factor"),
    (r"\log p/q", "p+; q+", "ambiguous", r"\log p/q", "above the slash"),
    (r"\log(1+x)^2", "x+", "ambiguous", "(1+x)^2", "power"),
    (r"\sum_i x_i y_i + z_j", "x n; y n; z n", "ambiguous", "j", "not bound"),
    (r"x_i^2", "x n", "ambiguous", "i", "not bound"),
    (r"-\sum_i y_i p_i - c + q_i", "y n; p n; q n; c", "ambiguous", r"\sum_i y_i p_i", "later term"),
    (r"\mathcal{N}(x;\mu,\sigma)", "x; mu; sigma", "name", r"\mathcal{N}", "not defined"),
    (r"\mathbb{E}[x^2]", "x", "name", r"\mathbb{E}", "not defined"),
    (r"\mathrm{Var}(x)", "x n", "name", r"\mathrm{Var}", "not defined"),
    (r"\mathrm{sofmax}(x)^\top y", "x n; y n", "name", r"\mathrm{sofmax}", "not defined"),
    (r"\sum_{i=1}^{M}x_i", "x N; y M", "shape", "M", "another size"),
    (r"\sum_{i\in S}x_i", "x n", "unsupported", r"i\in S", "set"),
    (r"\sum_{i=1}^{\infty}x_i", "x n", "unsupported", r"\infty", "infinite"),
    (r"\sum_i \mathbb{1}\{y_i=1\}x_i", "y:K n; x n", "ambiguous", "y_i=1", "classes"),
    (r"\sum_j W_j^\top x", "W m,n; x n", "ambiguous", r"W_j^\top", "row"),
    (r"x^2", "x n", "ambiguous", "x^2", "two readings"),
    (r"x^10", "x", "ambiguous", "10", "TeX"),
    (r"\frcc{a}{b}", "a; b", "syntax", r"\frcc", "not known"),
    (r"\frac{a", "a", "syntax", "{", "never closed"),
    (r"a + )", "a", "syntax", ")", "closes nothing"),
    (r"\frac{\partial L}{\partial w}=2w", "w n", "unsupported", r"\frac{\partial L}{\partial w}=2w", "derivatives"),
    (r"L=x_1+x_2+\cdots+x_n", "x n", "unsupported", r"L=x_1+x_2+\cdots+x_n", "dots"),
    (r"p=\frac{1}{n}", "p n", None, None, None),
    (r"\frac{a}{\begin{tikzpicture}\end{tikzpicture}}", "a", "unsupported", None, "tikzpicture"),
    (r"\delta x_i", "x n; delta", "ambiguous", "i", "not bound"),
    (r"e^A", "A n,n", "ambiguous", "e^A", "exponential"),
    (r"u \otimes v", "u n; v n", "ambiguous", r"u \otimes v", "Kronecker"),
    (r"\pm x", "x", "unsupported", r"\pm", "two things"),
    (r"L=reg+x", "x", "ambiguous", "reg", "word"),
    (r"\log\sum_j e^{s_j}/n", "s n", "ambiguous", None, "divided"),
    # nothing of a text passes silently
    (r"p_{1,i}=x_i^2\\ L=\sum_i p_{1,i}", "x n", "unsupported", "p_{1,i}", "definition"),
    (r"{p_1}_i=x_i^2\\ L=\sum_i {p_1}_i", "x n", "unsupported", "{p_1}_i", "definition"),
    (r"x_i \leftarrow y_i^2\\ L=\sum_i x_i", "y n", "unsupported", "x_i", "definition"),
    (r"z_i \approx y_i^2\\ L=\sum_i z_i", "y n", "unsupported", "z_i", "definition"),
    (r"a & b", "a; b", "ambiguous", "b", "alone"),
    (r"L=a^2,\quad b", "a; b", "ambiguous", "b", "alone"),
    (r"\begin{aligned} L=a+b", "a; b", "syntax", None, "never ended"),
    (r"\sum_i x_i^2 \text{ times } y", "x n; y", "ambiguous", r"\text{ times }", "word"),
    (r"\sum_i x_i^2 \text{ if } y>0", "x n; y", "unsupported", "y>0", "only under"),
    (r"L=\sum_{i,j}d_{ij},\quad i<j", "d n,n", "ambiguous", "i<j", "sum sign"),
    (r"L=\sum_i x_i,\quad i=2,\dots,n", "x n", "ambiguous", r"i=2,\dots,n", "sum sign"),
    (r"L=\sum_i x_i,\quad i\in S", "x n", "ambiguous", r"i\in S", "sum sign"),
    (r"a \overset{x}{b}", "a; b; x", "unsupported", r"\overset", "another symbol"),
    (r"a^\top(\lambda I)^{-1}b", "a n; b n; lambda+ = \\lambda", "ambiguous", None, "size"),
    (r"\sum_i x^{i,j}", "x n", "unsupported", None, "not clear"),
    (r"\log p (g - b)", "p+; g; b", "ambiguous", None, "one factor"),
)


@pytest.mark.parametrize("row", [r for r in REFUSED if r[2]], ids=lambda r: r[0][:50])
def test_what_is_not_clear_is_refused_at_its_place(row):
    text, said, kind, under, word = row
    with pytest.raises(IversonError) as caught:
        iv.parse(text, "latex", **declared(said)[0])
    assert caught.value.kind == kind and word in str(caught.value)
    if under is not None:
        span = caught.value.span
        assert text[span.start : span.end] == under


def test_what_the_loss_does_not_use_is_named_in_the_reading():
    loss = iv.parse(r"M=b,\ L=a^2,\quad a>0,\ i=1,\dots,n \text{(3)}", "latex", {"a": (), "b": ()}, target="L")
    assert r"not part of the loss: M=b; a>0; i=1,\dots,n" in loss.reading


def test_two_symbols_with_one_letter_are_told_apart_or_refused():
    sizes = {"X": (3, 4), "x": (15,)}
    with pytest.raises(IversonError, match="entry of X or x"):
        iv.parse("x_{12}", "latex", sizes, symbols={"X": ("x_{ij}", "entry")})


def test_a_reading_that_does_not_go_without_saying_is_said():
    assert "determinant" in iv.parse("|A|", "latex", {"A": ("n", "n")}).reading
    assert "row by row" in iv.parse(r"\mathrm{tr}(\mathrm{softmax}(A))", "latex", {"A": ("n", "n")}).reading
    assert "sigmoid" in iv.parse(r"\sigma(z)", "latex", {"z": ()}).reading
    assert iv.parse(r"\sigma(z+1)", "latex", {"z": (), "sigma": ()}).value(z=1.0, sigma=3.0) == 6.0


@pytest.mark.parametrize("text", [
    "(" * 9_000 + "x" + ")" * 9_000, "{" * 19_000, "x" * 30_000, r"\frac" * 4_000, "1" * 100_000, r"\sqrt{" * 3_000,
    r"\mathbf{" * 2_000, r"x^{" * 4_000, "|" * 9_000, r"\neg " * 3_000, r"\begin{cases}" * 1_000,
    r"\def\a{\a\a}\a", r"\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b\b\b}\def\d{\c\c\c\c\c\c\c\c\c\c\c}\d\d\d",
    r"\newcommand{\f}[1]{#1#1}" + r"\f{" * 40 + "x" + "}" * 40,
], ids=lambda t: t[:20])
@pytest.mark.parametrize("notation", ["latex", "unicode"])
def test_no_text_takes_long_or_breaks_the_reader(text, notation):
    with pytest.raises(IversonError):
        iv.parse(text, notation)


# -- symbols, target, auto ----------------------------------------------------------------------------------

def test_the_target_is_chosen_by_its_letters_or_its_name():
    text = "J = \\sum_i x_i\nK = \\sum_i x_i^2"
    assert iv.parse(text, "latex", target="J").value(x=[1.0, 2.0]) == 3.0
    assert iv.parse(text, "latex").value(x=[1.0, 2.0]) == 5.0
    assert iv.parse(r"\mathcal{L} = x^\top x, \quad R = 2", "latex", target="L").value(x=[1.0, 2.0]) == 5.0
    with pytest.raises(IversonError, match="No formula has Q"):
        iv.parse(text, "latex", target="Q")


def test_every_function_takes_a_formula_and_symbols():
    text = r"$J(w) = \frac1N\sum_{i=1}^N (w^\top x_i - y_i)^2$ and then $R = \|w\|^2$"
    said = {"sizes": {"X": ("N", "D"), "w": ("D",), "y": ("N",)}, "symbols": {"X": ("x_i", "row")}, "formula": "J"}
    X, y, w = np.arange(6.0).reshape(3, 2), np.ones(3), np.array([1.0, -1.0])
    expected = 2 / 3 * X.T @ (X @ w - y)
    assert np.allclose(iv.derive(text, "w", **said)(X=X, y=y, w=w), expected)
    assert np.allclose(iv.compile(text, "w", **said)(X=X, y=y, w=w)[1], expected)
    assert iv.check(text, "w", "2/N*X'*(X*w - y)", **said).ok
    assert "def value_and_grad(X, w, y)" in iv.derive(text, "w", **said).code("numpy")
    with pytest.raises(IversonError, match="two words"):
        iv.parse(text, target="R", **said)


def test_sizes_come_from_the_limits_where_nobody_declares_them():
    loss = iv.parse(r"\frac{1}{N}\sum_{i=1}^{N}(y_i - w^\top x_i)^2 + \lambda \|w\|^2")
    assert loss.inputs["x"].type.rank == 2 and loss.inputs["y"].type.rank == 1
    X, y, w = np.arange(6.0).reshape(3, 2), np.ones(3), np.array([1.0, -1.0])
    assert loss.value(x=X, y=y, w=w, **{"lambda": 2.0}) == pytest.approx(np.mean((y - X @ w) ** 2) + 4.0)


def test_a_declaration_in_the_text_is_taken():
    loss = iv.parse(r"$L = \|A x\|^2$ with $A \in \mathbb{R}^{m \times n}$, $x \in \mathbb{R}^n$")
    assert loss.definitions["L"] == "scalar" and "matrix[m, n]" in loss.reading


def test_the_same_loss_is_the_same_program_in_every_notation():
    sizes = {"X": ("N", "D"), "y": ("N",), "w": ("D",)}
    bodies = {iv.parse(t, n, sizes).program.definitions[-1].body for t, n in (
        ("sum((X*w - y).^2)", "auto"), (r"\|Xw-y\|^2", "auto"), ("‖Xw − y‖²", "auto"))}
    assert len(bodies) == 1


def test_auto_leaves_iverson_notation_and_numpy_what_they_are():
    assert iv.parse("x_1^2 + x_2", kinds={"x_1": "scalar", "x_2": "scalar"}).value(x_1=2.0, x_2=1.0) == 5.0
    assert "λ" in iv.parse("λ*x'*x").inputs
    assert iv.parse("np.sum(x**2)").value(x=[1.0, 2.0]) == 5.0
    assert iv.parse("x^T A x", sizes={"x": ("n",), "A": ("n", "n")}).value(x=[1.0, 2.0], A=np.eye(2)) == 5.0


# -- the chalkboard -----------------------------------------------------------------------------------------

CHALK = (
    ("‖Xw − y‖²", "X N,D; w D; y N", "np.sum((X@w-y)**2)"),
    ("½‖y − Xw‖₂² + λ‖w‖₁", "X N,D; w D; y N; lambda", "np.sum((X@w-y)**2)/2+lambda_*np.abs(w).sum()"),
    ("Σᵢ (yᵢ − wᵀxᵢ)²", "X N,D = x_i | row; w D; y N", "np.sum((X@w-y)**2)"),
    ("Σᵢ Σⱼ Aᵢⱼ·xᵢ·xⱼ", "A n,n; x n", "x@A@x"),
    ("xᵀAx + bᵀx", "A n,n; x n; b n", "x@A@x+b@x"),
    ("Σᵢ 𝟙[yᵢ = k]·xᵢ", "y:K n; x n; k:K", "np.sum((y==k)*x)"),
    ("log Σₖ exp(sₖ) − sᵧ", "s K; gamma:K", "np.log(np.exp(s).sum())-s[gamma]"),
    ("Σ_{i=1}^{n} √(1 + xᵢ²)", "x n", "np.sum(np.sqrt(1+x**2))"),
    ("∏ᵢ (1 + xᵢ)", "x n", "np.prod(1+x)"),
    ("tr(XᵀAX)", "X n,m; A n,n", "np.trace(X.T@A@X)"),
    ("(x − μ)ᵀΣ⁻¹(x − μ)", "x n; mu n; Sigma:spd n", "(x-mu)@np.linalg.inv(Sigma)@(x-mu)"),
    ("‖M ⊙ (X − UVᵀ)‖²", "M m,n; X m,n; U m,k; V n,k", "np.sum((M*(X-U@V.T))**2)"),
    ("−Σᵢ (yᵢ·log(pᵢ) + (1 − yᵢ)·log(1 − pᵢ)), p = σ(Xw)", "X N,D; w D; y N", "np.sum(np.logaddexp(0,X@w)-y*(X@w))"),
    ("Σ_{k≠y} max(0, sₖ − s_y + 1)", "s K; y:K", "np.sum(np.maximum(0,s-s[y]+1))-1"),
    ("mean[i] Σ[k ≠ y[i]] max(0, s[i,k] − s[i,y[i]] + 1)", "s N,K; y:K N",
     "np.sum(np.maximum(0,s-s[np.arange(len(y)),y][:,None]+1)*(1-np.eye(s.shape[1])[y]))/len(y)"),
    ("Σᵢ |xᵢ| + ⟨x, y⟩", "x n; y n", "np.abs(x).sum()+x@y"),
    ("Σᵢ ŷᵢ²", "y_hat n", "y_hat@y_hat"),
)


@pytest.mark.parametrize("row", CHALK, ids=lambda r: r[0])
def test_a_chalkboard_has_the_value_of_its_numpy(row):
    text, said, numpy = row
    arguments, rows = declared(said)
    loss = iv.parse(text, "unicode", **arguments)
    arrays = drawn(rows, np.random.default_rng(5))
    assert loss.value(**arrays) == pytest.approx(value_of(numpy, arrays), rel=1e-9), loss.reading


# -- what is printed reads back -----------------------------------------------------------------------------

@pytest.mark.parametrize("sign", ["max", "min"])
def test_an_extreme_at_the_head_of_a_definition_is_taken(sign):
    """And not for a task, `\\min_w L(w)`, whose sign is left out."""
    text = rf"m_i = \{sign}_{{k}} S_{{ik}}" + "\n" + r"L = \sum_i (m_i - \frac12 m_i^2)"
    s = np.random.default_rng(0).normal(size=(4, 3))
    m = s.max(1) if sign == "max" else s.min(1)
    assert iv.parse(text, "latex", sizes={"S": ("N", "K")}).value(S=s) == pytest.approx(np.sum(m - m**2 / 2))


def test_a_loss_is_converted():
    sizes = {"X": ("N", "D"), "y": ("N",), "w": ("D",)}
    text = iv.convert(r"\frac1N\sum_{i=1}^N(w^\top x_i-y_i)^2", sizes=sizes, symbols={"X": ("x_i", "row")})
    assert text.splitlines()[-1] == "L = 1/N*sum[i] (w'*X[i,:]' - y[i])^2"
    back = iv.parse(text)
    arrays = {"X": np.arange(6.0).reshape(3, 2), "y": np.ones(3), "w": np.ones(2)}
    assert back.value(**arrays) == pytest.approx(np.mean((arrays["X"] @ arrays["w"] - 1) ** 2))
    assert "def value(" in iv.convert(text, "numpy") and "\\sum" in iv.convert(text, "latex") and "Σ" in iv.convert(text, "unicode")


def test_where_a_sum_ends_is_said_where_it_could_be_asked():
    said = "a sum ends before the + or - that follows it"
    assert said in iv.parse(r"\sum_i a_i + b", "latex", sizes={"a": ("n",), "b": ()}).reading
    assert said not in iv.parse(r"\sum_i a_i + \lambda\|w\|^2", "latex", sizes={"a": ("n",), "w": ("d",), "lambda": ()}).reading
