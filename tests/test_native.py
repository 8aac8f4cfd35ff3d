"""Native kernels against the generated NumPy code, which has tests of its own: values, gradients, and what is refused.

The cache of the kernels is a folder of the test run.
"""

import os
import shutil
import stat
import warnings

import numpy as np
import pytest

import iverson as iv
from corpus import CORPUS
from generate import case
from iverson.core.errors import IversonError
from iverson.emit.native_math import NATIVE
from iverson.meaning.sample import instances
from iverson.run import compiler, kernel
from losses import FACTORS, SOFTMAX, SOFTMAX_BY_P, SVM

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

DATA = "X: data[N, D]; y: data[N]; w: param[D]; b: param\n"
LABELS = "X: data[N, D]; y: label[N] in K; W: param[D, K]; c: param[K]\n"
LOSSES = {
    "svm": (SVM, "W"), "softmax": (SOFTMAX, "W"), "softmax by p": (SOFTMAX_BY_P, "W"),
    "factors": (FACTORS, ("U", "V", "a", "c", "b")),
    "logistic": (DATA + "L = mean[i] log(1 + exp(-y[i]*((X*w)[i] + b)))", ("w", "b")),
    "least squares": (DATA + "reg: scalar = 0.1\nL = mean[i] ((X*w)[i] - y[i])^2 + reg*sum(w.^2)", "w"),
    "norm": (DATA + "L = norm2(X*w - y)", "w"), "norm squared": (DATA + "L = norm2(X*w - y)^2", "w"),
    "huber": (DATA + "r = X*w - y\nL = mean[i] (sqrt(1 + r[i]^2) - 1)", "w"),
    "hinge": (DATA + "L = sum[i] max(0, 1 - y[i]*(X*w)[i])^2 + sum(abs(w))", "w"),
    "poisson": (DATA + "L = mean[i] (exp(0.1*(X*w)[i]) - y[i]*(X*w)[i])", "w"),
    "two passes": (DATA + "z = X*w\nm = mean(z)\nL = mean[i] (z[i] - m)^2", "w"),
    "over samples": (DATA + "L = logsumexp(X*w)", "w"),
    "by samples": (DATA + "L = sum[i] tanh(y[i])*(X*w)[i]^2", ("y", "w")),
    "matrix factors": ("norm2(X-U*V')^2", ("U", "V")),
    "distances": ("X: data[N, D]; C: param[K, D]\nL = mean[i] min[k] sum[d] (X[i,d] - C[k,d])^2", "C"),
    "network": ("X: data[N, D]; y: label[N] in K; W: param[D, H]; V: param[H, K]; b: param[H]; c: param[K]\n"
                "h[i,j] = max(0, sum[d] X[i,d]*W[d,j] + b[j])\ns[i,k] = sum[j] h[i,j]*V[j,k] + c[k]\n"
                "L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])", ("W", "V", "b", "c")),
    "classes": (LABELS + "s[i,k] = sum[d] X[i,d]*W[d,k] + c[k]\nL = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])", ("W", "c")),
    "columns": ("X: data[D, N]; w: param[D]; y: data[N]\nL = sum[i] (sum[d] X[d,i]*w[d] - y[i])^2", "w"),
    "gaussian": ("X: data[N, D]; m: param[D]; v: param[D]\nL = sum[i] sum[d] ((X[i,d] - m[d])^2*exp(-v[d]) + v[d])", ("m", "v")),
    "softplus": (DATA + "L = sum[i] log(1 + exp((X*w)[i]))*tanh(y[i])", "w"),
    "two sets": ("X: data[N, D]; Z: data[M, D]; w: param[D]\nL = mean[i] ((X*w)[i] - 1)^2 + mean[j] (Z*w)[j]^2", "w"),
    "triples": ("P: param[A, r]; Q: param[B, r]; u: label[n] in A; v: label[n] in B; t: label[n] in B\n"
                "x[n] = sum[r] P[u[n],r]*(Q[v[n],r] - Q[t[n],r])\nL = sum[n] log(1 + exp(-x[n])) + 0.1*sum(P.^2)", ("P", "Q")),
    "pairs": ("x: param[N]; c: data[N]\nL = sum[i] sum[j] c[i]*c[j]*exp(-(x[i] - x[j])^2)", "x"),
    "later ones": ("s: param[N]\nL = -sum[i] (s[i] - log(sum[k] [k >= i]*exp(s[k])))", "s"),
    "earlier ones": ("s: param[N]; c: data[N]\nL = sum[i] c[i]*(sum[k] [k < i]*sin(s[k]))^2", "s"),
    "standardised": ("A: param[N, D]; B: data[N, D]\nm[d] = mean[i] A[i,d]\nv[d] = mean[i] (A[i,d] - m[d])^2 + 0.1\n"
                     "L = sum[d] sum[e] (mean[i] (A[i,d] - m[d])/sqrt(v[d])*B[i,e])^2", "A"),
    "factors of rows": ("X: data[N, M]; W: param[N, K]; H: param[K, M]\n"
                        "L = sum[i] sum[m] (X[i,m] - sum[k] W[i,k]*H[k,m])^2", ("W", "H")),
}
LIMITS = {"float64": 1e-11, "float32": 2e-5}
SIZES = [1, 7, 33, 64, 1000]


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as m:
        m.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        m.setenv("IVERSON_NATIVE", "now")
        yield


def arrays_of(f, n, seed=0, others=(5, 6, 17, 3, 4)):
    """Values for the inputs of a compiled loss with n samples."""
    rng = np.random.default_rng(seed)
    axis = None if f.kernel is None else f.kernel.axis
    sizes = {}
    for i in f.inputs:
        for m in (*i.type.dims, *([i.type.classes] if i.type.classes is not None else ())):
            if m.op == "size" and m not in sizes:
                sizes[m] = n if m is axis or (axis is None and not sizes) else others[len(sizes) % len(others)]
    made = {}
    for i in f.inputs:
        shape = tuple(m.attr if m.op == "num" else sizes[m] for m in i.type.dims)
        if i.type.classes is not None:
            made[i.name] = rng.integers(0, sizes[i.type.classes], shape)
        else:
            made[i.name] = i.default if i.default is not None else rng.normal(size=shape)
    return made


def near(got, expected, limit):
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0.0) <= limit*scale


def compare(f, plain, arrays, limit):
    value, gradients = f(**arrays)
    expected, wanted = plain(**arrays)
    near(value, expected, limit)
    if isinstance(wanted, dict):
        for n in wanted:
            near(gradients[n], wanted[n], limit)
    else:
        near(gradients, wanted, limit)


def rounded(arrays, dtype):
    """Values that the type holds exactly, so that both codes compute with the same."""
    return {n: np.asarray(v).astype(dtype).astype(float) if np.asarray(v).dtype.kind == "f" and np.ndim(v) else v for n, v in arrays.items()}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_kernel_computes_what_numpy_computes(name, dtype):
    text, wrt = LOSSES[name]
    plain = iv.compile(text, wrt)
    for threads in (1, 3):
        f = iv.compile(text, wrt, target="native", dtype=dtype, threads=threads)
        assert f.info.tier == "native" and os.path.exists(f.info.kernel)
        for n in SIZES:
            compare(f, plain, rounded(arrays_of(f, n), dtype), LIMITS[dtype])
            assert f.info.tier == "native", f.info.why


WIDTHS = [(1, 1, 1), (33, 1, 1), (40, 15, 2), (50, 16, 12), (50, 17, 13), (60, 31, 25), (70, 63, 7), (40, 130, 3), (40, 500, 12), (20, 700, 1)]


@pytest.mark.parametrize("shape", WIDTHS)
@pytest.mark.parametrize("dtype", LIMITS)
def test_products_of_every_width(shape, dtype):
    n, d, k = shape
    rng = np.random.default_rng(n)
    arrays = rounded({"X": rng.normal(size=(n, d)), "W": rng.normal(size=(d, k))/np.sqrt(d)}, dtype) | {"y": rng.integers(0, k, n)}
    f = iv.compile(SOFTMAX, "W", target="native", dtype=dtype)
    compare(f, iv.compile(SOFTMAX, "W"), arrays, LIMITS[dtype])
    assert f.info.tier == "native"


def test_the_number_of_threads_does_not_change_the_result():
    one = iv.compile(SOFTMAX, "W", target="native", dtype="float32")
    three = iv.compile(SOFTMAX, "W", target="native", dtype="float32", threads=3)
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(40_000, 8)), "y": rng.integers(0, 3, 40_000), "W": rng.normal(size=(8, 3))}
    (a, g), (b, h) = one(**arrays), three(**arrays)
    assert abs(a - b) <= 1e-12*abs(a) and np.abs(g - h).max() <= 1e-7*np.abs(g).max()


def test_threads_change_no_total_by_more_than_rounding():
    rng = np.random.default_rng(1)
    arrays = {"X": rng.normal(size=(30_000, 8)), "y": rng.integers(0, 3, 30_000), "W": rng.normal(size=(8, 3))}
    (a, g), *others = [iv.compile(SVM, "W", target="native", threads=t)(**arrays) for t in (1, 2, 5)]
    for b, h in others:
        assert abs(a - b) <= 1e-12*abs(a) and np.abs(g - h).max() <= 1e-12*np.abs(g).max()


def test_the_first_sample_against_the_others():
    text = "def loss(h, W):\n    s = W @ h\n    return np.logaddexp(0, -s[0]) + np.sum(np.logaddexp(0, s[1:]))"
    options = {"notation": "numpy", "sizes": {"h": ("D",), "W": ("N", "D")}}
    f, plain = (iv.compile(text, ("h", "W"), target=t, **options) for t in ("native", "numpy"))
    rng = np.random.default_rng(0)
    for n in (2, 3, 40, 700):
        compare(f, plain, {"h": rng.normal(size=5), "W": rng.normal(size=(n, 5))}, 1e-12)
        assert f.info.tier == "native" and f.info.passes == 2


@pytest.mark.parametrize("dtype", LIMITS)
def test_large_scores_are_no_overflow(dtype):
    f, plain = iv.compile(SOFTMAX, "W", target="native", dtype=dtype), iv.compile(SOFTMAX, "W")
    rng = np.random.default_rng(0)
    arrays = {"X": 1e4*rng.normal(size=(70, 5)), "y": rng.integers(0, 4, 70), "W": rng.normal(size=(5, 4))}
    compare(f, plain, rounded(arrays, dtype), 1e-3 if dtype == "float32" else 1e-11)
    assert f.info.tier == "native"


@pytest.mark.parametrize(("dtype", "small"), [("float64", 5e-324), ("float32", 1e-45)])
def test_denormal_numbers_are_kept(dtype, small):
    f = iv.compile("x: param[N]; c: data[N]\nL = sum[i] x[i]*c[i]", "x", target="native", dtype=dtype)
    c = np.full(40, small, dtype)
    value, gradient = f(x=np.ones(40, dtype), c=c)
    assert (gradient == c).all() and value == pytest.approx(40*float(c[0])) and f.info.tier == "native"
    assert (np.full(4, 1e-310)*0.5 > 0).all()


def test_no_samples_are_left_to_numpy():
    f = iv.compile("X: data[N, D]; w: param[D]\nL = sum[i] (X*w)[i]^2", "w", target="native")
    value, gradient = f(X=np.ones((0, 2)), w=np.ones(2))
    assert value == 0 and (gradient == 0).all() and f.info.tier == "numpy"


def test_labels_and_arrays_of_any_make():
    f, plain = (iv.compile(SOFTMAX, "W", target=t) for t in ("native", "numpy"))
    rng = np.random.default_rng(0)
    X, y, W = rng.normal(size=(60, 10))[::2, ::2], rng.integers(0, 4, 30), rng.normal(size=(4, 5)).T
    for labels in (y, y.astype(np.int32), y.astype(np.int8), np.repeat(y, 2)[::2]):
        compare(f, plain, {"X": X, "y": labels, "W": W}, 1e-12)
        assert f.info.tier == "native"
    compare(f, plain, {"X": np.asfortranarray(X), "y": y.tolist(), "W": W.astype(np.float32)}, 1e-12)


def test_what_is_wrong_with_the_arrays_is_said():
    f = iv.compile(SVM, "W", target="native")
    X, y, W = np.ones((4, 2)), np.array([0, 1, 2, 0]), np.ones((2, 3))
    for wrong, said in (({"y": np.array([0, 1, 3, 0])}, "label 3"), ({"y": np.array([0, -1, 2, 0])}, "label -1"),
                        ({"W": np.ones((3, 3))}, "W has size 3"), ({"X": None}, "X has no value"),
                        ({"y": np.array([0.5, 1, 2, 0])}, "integers"), ({"X": np.ones(4)}, "axes")):
        with pytest.raises(IversonError, match=said):
            f(**{"X": X, "y": y, "W": W, **wrong})


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("name", ["svm", "softmax", "logistic", "least squares", "distances"])
def test_nan_in_gives_nan_out(name, dtype):
    text, wrt = LOSSES[name]
    f = iv.compile(text, wrt, target="native", dtype=dtype)
    arrays = arrays_of(f, 50)
    for place in (0, 49):
        X = arrays["X"].copy()
        X[place, 1] = np.nan
        value, gradients = f(**{**arrays, "X": X})
        assert np.isnan(value) and f.info.tier == "numpy"
        gradients = gradients if isinstance(gradients, dict) else {wrt: gradients}
        assert all(np.isnan(g).any() for g in gradients.values())


def test_where_the_gradient_is_not_a_number_the_error_is_that_of_numpy():
    f = iv.compile(LOSSES["logistic"][0], ("w", "b"), target="native")
    arrays = arrays_of(f, 50)
    arrays["X"][0, 1] = np.inf
    with pytest.raises(IversonError, match="not a number at this point"):
        f(**arrays)


def test_what_leaves_the_range_of_float32_is_computed_by_numpy():
    f = iv.compile("X: data[N, D]; w: param[D]\nL = norm2(X*w)", "w", target="native", dtype="float32")
    X = np.full((3, 2), 1e-25)
    value, gradient = f(X=X, w=np.ones(2))
    assert value == pytest.approx(np.linalg.norm(X @ np.ones(2)), rel=1e-6) and f.info.tier == "numpy"
    assert gradient.dtype == np.float32
    f(X=X*1e25, w=np.ones(2))
    assert f.info.tier == "native"


@pytest.mark.parametrize(("text", "wrt", "why"), [
    ("logdet(X)", "X", "whole matrix"),
    ("x'*logm(eye(4) + x*x')*x", "x", "whole matrix"),
])
def test_what_fits_no_kernel_runs_in_numpy_and_says_why(text, wrt, why):
    with pytest.warns(RuntimeWarning, match=why):
        f = iv.compile(text, wrt, target="native")
    assert f.info.tier == "numpy" and f.info.kernel is None
    compare(f, iv.compile(text, wrt), {f.inputs[0].name: np.eye(4) + 0.1 if wrt == "X" else np.arange(1.0, 5.0)}, 1e-12)


def test_without_a_compiler_numpy_runs(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(kernel, "SAID", set())
    with pytest.warns(RuntimeWarning, match="no C compiler"):
        f = iv.compile(SOFTMAX, "W", target="native", dtype="float32")
    arrays = arrays_of(f, 20)
    assert f.info.tier == "numpy" and "compiler" in f.info.why
    assert f(**arrays)[1].dtype == np.float32


def test_the_cache_is_the_users_alone_and_is_used_again(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = iv.compile(SOFTMAX, "W", target="native").info.kernel
    folder = os.path.dirname(first)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700 and os.path.basename(first) in os.listdir(folder)
    monkeypatch.setattr(compiler, "start", lambda *a: pytest.fail("compiled again"))
    assert iv.compile(SOFTMAX, "W", target="native").info.kernel == first


def test_a_folder_that_others_could_replace_is_not_used(monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "iverson").mkdir()
    (tmp_path / "iverson" / "kernels").symlink_to(elsewhere)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = iv.compile(SVM, "W", target="native").info.kernel
    assert not made.startswith(str(tmp_path)) and not os.listdir(elsewhere)


def test_options_are_checked():
    for options in ({"target": "cuda"}, {"target": "native", "dtype": "float16"}, {"dtype": "float32"}, {"target": "native", "threads": 0}):
        with pytest.raises(IversonError):
            iv.compile("sum(x.^2)", "x", **options)


def quiet(text, wrt, **options):
    """A native compilation that may fall back, but not because its C is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = iv.compile(text, wrt, target="native", **options)
    assert "failed" not in (f.info.why or ""), f.info.why
    return f


def agrees(text, wrt, seed=0, **options):
    """Whether a kernel was made and ran; it agrees with NumPy on drawn instances."""
    f = quiet(text, wrt, **options)
    if f.kernel is None:
        return False
    ran = False
    plain = iv.compile(text, wrt, **options)
    typed = iv.parse(text, **options).typed
    for draw in instances(typed, seed, n=2, wrt=(wrt,)).draws:
        try:
            expected = plain(**draw.arrays)
        except IversonError:
            continue
        if np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all():
            value, gradient = f(**draw.arrays)
            near(value, expected[0], 1e-9)
            near(gradient, expected[1], 1e-9)
            ran |= f.info.tier == "native"
    return ran


ROWS = [row for row in CORPUS if len(row) < 5 or row[4] == 1]


@pytest.mark.parametrize("part", range(8))
def test_the_corpus(part):
    made = [agrees(row[0], row[1], kinds=row[3] if len(row) > 3 else None) for row in ROWS[part::32]]
    assert any(made)


@pytest.mark.long
@pytest.mark.parametrize("part", range(8, 32))
def test_the_rest_of_the_corpus(part):
    assert any(agrees(row[0], row[1], kinds=row[3] if len(row) > 3 else None) for row in ROWS[part::32])


def random_losses(first, last):
    made = 0
    for seed in range(first, last):
        c = case(f"native {seed}")
        try:
            made += agrees(c.text, c.wrt, seed, kinds=c.kinds, sizes=c.sizes)
        except IversonError:
            continue
    return made


@pytest.mark.parametrize("batch", range(4))
def test_random_losses(batch):
    assert random_losses(batch*10, batch*10 + 10)


@pytest.mark.long
@pytest.mark.parametrize("batch", range(20))
def test_more_random_losses(batch):
    assert random_losses(100 + batch*50, 150 + batch*50)


def test_every_function_has_a_row_that_computes_it():
    """Each row of NATIVE, over the loss sum(f(x)), against NumPy."""
    from iverson.lang.ops import OPS

    starts = {"arccosh": 1.5, "log": 0.5, "sqrt": 0.5, "logit": 0.1, "gammaln": 0.5}
    for row in OPS.values():
        if row.shape == "map" and row.meaning is None and row.name in NATIVE:
            try:
                text = f"sum({row.name}(x))"
                f, plain = quiet(text, "x"), iv.compile(text, "x")
            except IversonError:
                continue
            compare(f, plain, {"x": starts.get(row.name, -0.9) + np.linspace(0.0, 0.8, 37)}, 1e-11)
