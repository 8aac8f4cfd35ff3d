"""Modules of torch and JAX: the value and the gradient NumPy's module gives, by the framework's own derivatives."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import iverson as iv
from corpus import CORPUS
from frameworks import FRAMEWORKS
from iverson.emit.dialects import PLAIN
from iverson.emit.framework_dialects import JAX, TORCH
from iverson.emit.numpy_code import compiled
from iverson.lang.ops import OPS
from iverson.meaning.sample import instances
from iverson.results import verified
from iverson.rules.exact import FUNCTIONS
from iverson.targets import function
from losses import BCE, FACTORS, SOFTMAX, SOFTMAX_BY_P, SVM

NOTES = [
    (SVM, ("W",), {}), (SOFTMAX, ("W",), {}), (SOFTMAX_BY_P, ("W",), {}), (FACTORS, ("U", "V", "a", "c", "b"), {}),
    (BCE, ("z",), {"kinds": {"z": "scalar", "y": "scalar"}}),
]
OTHERS = [
    ("max[i] x[i]", ("x",), {}), ("prod(x)", ("x",), {}), ("sum[i] [i=7]*Y[i]", ("Y",), {}), ("2*s[1] - 3*s[2] + exp(s[3])", ("s",), {}),
    ("sum[i,j: i < j] (x[i]-x[j])^2", ("x",), {}), ("sum[i] exp(0.1*y[i])*x[i]", ("x",), {"kinds": {"y": "label K"}}),
    ("sum[k != y] max(0, s[k]-s[y]+1)", ("s",), {"kinds": {"y": "label K"}}), ("norm2(X-U*V')^2", ("U", "V"), {}),
    ("sum[i: i < n - 1] (x[i+1] - x[i])^2", ("x",), {"sizes": {"x": ("n",)}}), ("sum(flip(x).*y)", ("x",), {}),
    ("sum(x)/N + log(N)", ("x",), {"sizes": {"x": ("N",)}}), ("sum[i] i*x[i]^2", ("x",), {}), ("x + b", ("x",), {"kinds": {"x": "scalar"}}),
    ("sum(conv(x, c))", ("x", "c"), {}), ("sum[i] [x[i] > 0]*log(x[i])", ("x",), {}), ("sum[i,j,k] A[i,j,k]*x[i]*x[j]*x[k]", ("x",), {}),
    ("z: param[N]; t: data[N]; d: data[N]\nsum[i] d[i]*(log(sum[j] [t[j] >= t[i]]*exp(z[j])) - z[i])", ("z",), {}),
]
SCALAR = [(t, (w,), {"kinds": (o or [{}])[0]}) for t, w, _, *o in CORPUS if not o[1:] and "[" not in w]
ROWS = [*NOTES, *OTHERS, *SCALAR[::8]]
PIECES = ("W*x", "softmax(x)", "inv(X)", "tanh(W*x + b.*x)")


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return FRAMEWORKS[request.param]()


def drawn(text, wrt, target, options, n=1):
    """(function of the framework, NumPy's function, draws) of a scalar loss."""
    found = iv.derive(text, wrt, verified=False, **options)
    first = found[wrt[0]]
    plain = compiled(first.derived.program, {n: d.derived.answer for n, d in found.items()}, by_name=True)
    return function(found, target, True), plain, instances(first.loss.typed, n, n=n, wrt=wrt).draws


@pytest.mark.parametrize(("text", "wrt", "options"), ROWS, ids=lambda r: r if isinstance(r, str) else "")
def test_the_framework_gives_what_numpy_gives(framework, text, wrt, options):
    compare(framework, text, wrt, options)


@pytest.mark.long
@pytest.mark.parametrize("row", SCALAR, ids=lambda r: f"{r[0]} by {r[1][0]}")
def test_the_framework_gives_what_numpy_gives_on_the_corpus(framework, row):
    compare(framework, *row)


def compare(framework, text, wrt, options):
    f, plain, draws = drawn(text, wrt, framework.name, options)
    for draw in draws:
        expected, gradients = plain(**draw.arrays)
        value, found = framework.both(f, {i.name: framework.array(draw.arrays[i.name]) for i in f.inputs})
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12)
        if not value.shape:
            arrays = {i.name: framework.array(draw.arrays[i.name]) for i in f.inputs}
            again, gs = framework.gradients(f.loss, arrays, wrt)
            assert again == pytest.approx(value)
        for w, g in zip(wrt, found.values() if value.shape else gs, strict=True):
            assert g.dtype == found[w].dtype == np.float64 and g.shape == np.shape(gradients[w])
            assert g == pytest.approx(gradients[w], rel=1e-8, abs=1e-10)
            assert found[w] == pytest.approx(g, rel=1e-8, abs=1e-10)


CHECKED = [NOTES[1], NOTES[3], *OTHERS[:3], ("logdet(X'*X)", ("X",), {}), ("norm2(A*x - y)", ("x",), {}), ("sum(log(cosh(A*x)))", ("x",), {})]


@pytest.mark.parametrize(("text", "wrt", "options"), CHECKED, ids=lambda r: r if isinstance(r, str) else "")
def test_derivatives_of_order_two_agree_with_differences(framework, text, wrt, options):
    f, _, draws = drawn(text, wrt, framework.name, options)
    framework.check(f.loss, {i.name: framework.array(draws[0].arrays[i.name]) for i in f.inputs}, wrt)


@pytest.mark.parametrize("text", PIECES)
def test_a_piece_of_a_network_is_differentiated_by_products(framework, text):
    wrt = tuple(n for n in ("W", "x", "X") if n in iv.parse(text).inputs)
    f = iv.compile(text, wrt, target=framework.name)
    draw = instances(iv.parse(text).typed, 1, n=1, wrt=wrt).draws[0]
    arrays = {n: framework.array(v) for n, v in draw.arrays.items()}
    framework.check(f.loss, arrays, wrt)
    expected, jacobians = iv.compile(text, wrt)(**draw.arrays)
    value, found = framework.both(f, {n: framework.array(v) for n, v in draw.arrays.items()})
    assert value == pytest.approx(expected)
    for w in wrt:
        assert found[w] == pytest.approx(jacobians[w])


def data(framework, dtype="float64"):
    rng = np.random.default_rng(3)
    X, W = rng.normal(size=(6, 3)), rng.normal(size=(3, 4))
    return {"X": framework.array(X, dtype), "y": framework.array(rng.integers(0, 4, 6)), "W": framework.array(W, dtype)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_follows_the_inputs(framework, dtype):
    arrays = data(framework, dtype)
    value, gradient = iv.compile(SVM, "W", target=framework.name)(**arrays)
    assert str(value.dtype).endswith(dtype) and str(gradient.dtype).endswith(dtype) and gradient.shape == (3, 4)


def test_arrays_that_are_not_contiguous():
    frame = FRAMEWORKS["torch"]()
    a, f = data(frame), iv.compile(SOFTMAX, "W", target="torch")
    _, expected = f(**a)
    turned = {"X": a["X"].T.contiguous().T, "y": frame.torch.stack([a["y"], a["y"]], 1)[:, 0], "W": a["W"].T.contiguous().T}
    assert not turned["X"].is_contiguous()
    _, found = frame.gradients(f.loss, turned, ("W",))
    assert found[0] == pytest.approx(expected.numpy())


def test_small_integers_are_labels_and_not_masks():
    frame = FRAMEWORKS["torch"]()
    a, f = data(frame), iv.compile(SOFTMAX, "W", target="torch")
    _, expected = f(**a)
    for kind in ("uint8", "int32"):
        _, found = f(**{**a, "y": a["y"].to(getattr(frame.torch, kind))})
        assert frame.torch.equal(found, expected)


def test_torch_compile_gives_the_same_gradients():
    frame = FRAMEWORKS["torch"]()
    for text in (SVM, SOFTMAX):
        arrays, f = data(frame), iv.compile(text, "W", target="torch")
        _, expected = f(**arrays)
        fast = frame.torch.compile(f.module["loss"], fullgraph=True, backend="aot_eager")
        _, found = frame.gradients(fast, arrays, ("W",))
        assert found[0] == pytest.approx(expected.numpy())


def test_jit_gives_the_same_gradients():
    frame = FRAMEWORKS["jax"]()
    for text in (SVM, SOFTMAX):
        arrays, f = data(frame), iv.compile(text, "W", target="jax")
        _, expected = f(**arrays)
        g = frame.jax.jit(frame.jax.grad(lambda W, X, y, f=f: f.loss(X=X, y=y, W=W)))(arrays["W"], arrays["X"], arrays["y"])
        assert np.asarray(g) == pytest.approx(np.asarray(expected))


@pytest.mark.parametrize("text", [
    SVM, SOFTMAX, "X: data[N, D]; y: data[N]; w: param[D]\nmean[i] softplus(-y[i]*sum[d] X[i,d]*w[d]) + 0.1*sum(w.^2)",
    "p: param[N]; y: data[N]\nmean[i] huber(p[i] - y[i])", "X: data[N, D]; Z: data[M, D]; w: param[D]\nmean((X*w - 1).^2) + mean((Z*w).^2)",
    "X: data[N, D]; y: data[N]; w: param[D]; b: param\nmean((tanh(X*w + b) - y).^2)",
    "X: data[D, N]; w: param[D]\nsum(exp(0.01*X'*w))"])
def test_large_arrays_are_read_in_blocks_with_the_same_result(text):
    torch = FRAMEWORKS["torch"]().torch
    wrt = tuple(n for n, i in iv.parse(text).inputs.items() if i.role == "param")
    f, generator = iv.compile(text, wrt, target="torch"), torch.Generator().manual_seed(0)
    sizes = {"N": 100_003, "M": 50_001, "D": 3, "K": 4}
    arrays = {}
    for i in f.inputs:
        shape = [sizes[n.attr] for n in i.type.dims]
        labels = i.type.classes is not None
        arrays[i.name] = torch.randint(0, 4, shape, generator=generator) if labels else torch.randn(shape, generator=generator, dtype=torch.float64)
    assert "_in_blocks" in f.source and f.module["_blocks_pay"](*(arrays[i.name] for i in f.inputs))
    value, expected = f(**arrays)
    given = {n: a.requires_grad_() if n in wrt else a for n, a in arrays.items()}
    found = f.loss(**given)
    assert torch.allclose(found, value)
    for w, g in zip(wrt, torch.autograd.grad(3.0*found, [given[w] for w in wrt]), strict=True):
        assert torch.allclose(g, 3.0*expected[w], rtol=1e-9, atol=1e-12)


def test_a_gradient_that_is_kept_is_not_changed_by_a_second_pass():
    frame = FRAMEWORKS["torch"]()
    a, f = data(frame), iv.compile(SOFTMAX, "W", target="torch")
    a["W"].requires_grad_()
    loss = f.loss(**a)
    loss.backward(retain_graph=True)
    once = a["W"].grad.clone()
    loss.backward()
    assert frame.torch.allclose(a["W"].grad, 2.0*once)


@pytest.mark.parametrize("text", [SVM, SOFTMAX, "logdet(X'*X)", "norm2(A*x - y)", "sum[i,j] exp(-norm2(X[i,:] - X[j,:])^2)"])
def test_a_module_makes_every_array_where_its_inputs_are(text):
    """No device is at hand here: what is checked is that the code names none, and gives one to everything it makes."""
    source = iv.derive(text, next(n for n, i in iv.parse(text).inputs.items() if i.role == "param" or n in "xX")).code("torch")
    assert "cuda" not in source
    for made in ("torch.zeros(", "torch.arange(", "torch.full(", "torch.tensor(", "torch.eye(", "torch.ones(", "torch.empty("):
        for piece in source.split(made)[1:]:
            assert "device=" in piece.split("\n")[0], piece.split("\n")[0]
    assert all('.device.type == "cpu"' in row for row in source.splitlines() if "device.type" in row)


def test_many_models_at_once():
    frame = FRAMEWORKS["torch"]()
    func, a = frame.torch.func, data(frame)
    f = iv.compile(SOFTMAX, "W", target="torch")
    one = lambda W: f.module["loss"](a["X"], a["y"], W)
    both = frame.torch.stack([a["W"], 2*a["W"]])
    found = func.vmap(func.grad(one))(both)
    assert frame.torch.allclose(found[1], f(**{**a, "W": both[1]})[1])
    jax = FRAMEWORKS["jax"]()
    b, h = data(jax), iv.compile(SOFTMAX, "W", target="jax")
    found = jax.jax.vmap(jax.jax.grad(lambda W: h.module["loss"](b["X"], b["y"], W)))(jax.jax.numpy.stack([b["W"], 2*b["W"]]))
    assert np.asarray(found[1]) == pytest.approx(np.asarray(h(**{**b, "W": 2*b["W"]})[1]))


def test_a_gradient_that_the_module_does_not_have_is_refused():
    frame = FRAMEWORKS["torch"]()
    a, f = data(frame), iv.compile(SOFTMAX, "W", target="torch")
    with pytest.raises(ValueError, match="X asks for a gradient"):
        f.loss(**{**a, "X": a["X"].requires_grad_()})
    jax = FRAMEWORKS["jax"]()
    b, h = data(jax), iv.compile(SOFTMAX, "W", target="jax")
    with pytest.raises(TypeError, match="gradient by X is asked"):
        jax.jax.grad(lambda X: h.loss(**{**b, "X": X}))(b["X"])


def test_arrays_are_checked_at_the_door(framework):
    arrays, f = data(framework), iv.compile(SVM, "W", target=framework.name)
    with pytest.raises(iv.IversonError, match="label 4"):
        f(**{**arrays, "y": framework.array(np.array([0, 1, 4, 2, 0, 1]))})
    with pytest.raises(iv.IversonError, match="label -1"):
        f.loss(**{**arrays, "y": framework.array(np.array([0, 1, -1, 2, 0, 1]))})
    with pytest.raises(iv.IversonError, match="W has size 3 where X has 2"):
        f(**{**arrays, "X": framework.array(np.ones((6, 2)))})


def test_the_module_runs_with_the_framework_and_nothing_else(framework, tmp_path):
    (tmp_path / "svm_loss.py").write_text(iv.derive(SVM, "W").code(framework.name))
    kind = "torch.tensor" if framework.name == "torch" else "jax.numpy.asarray"
    program = (f"import sys, numpy as np, {framework.name}, svm_loss; rng = np.random.default_rng(0); a = {kind};"
               "X = a(rng.normal(size=(6, 3))); y = a(rng.integers(0, 4, 6)); W = a(rng.normal(size=(3, 4)));"
               "v, g = svm_loss.value_and_grad(X, y, W); assert g.shape == W.shape;"
               "assert abs(v - svm_loss.loss(X, y, W)) < 1e-6; assert svm_loss.predict(X, W).shape == (6,);"
               "assert 'iverson' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_names_that_the_modules_use_themselves(framework):
    text = "sum((g.*ctx - word).^2) + sum(dtype.^2)"
    f = iv.compile(text, ("g", "dtype"), target=framework.name, kinds=dict.fromkeys(("g", "ctx", "word", "dtype"), "vector"))
    arrays = {n: framework.array(np.arange(1.0, 4.0) + p) for p, n in enumerate(("g", "ctx", "word", "dtype"))}
    _, found = framework.gradients(f.loss, arrays, ("g", "dtype"))
    assert f.inputs and found[0].tolist() == [2*2*(1*2 - 3), 2*3*(2*3 - 4), 2*4*(3*4 - 5)] and found[1].tolist() == [8.0, 10.0, 12.0]


def test_what_no_framework_module_is_written_for(framework):
    with pytest.raises(iv.IversonError, match="order 1"):
        iv.derive("sum(x.^3)", "x", order=2).code(framework.name)
    with pytest.raises(iv.IversonError, match="no target"):
        iv.compile("sum(x.^3)", "x", target="tensorflow")
    with pytest.raises(iv.IversonError, match="f is a function"):
        iv.derive("f: function\nsum(f(x))", "x").code(framework.name)


@pytest.mark.parametrize("dialect", [TORCH, JAX], ids=lambda d: d.name)
def test_a_dialect_spells_all_that_numpy_spells(dialect):
    wanted = {row.name for row in OPS.values() if row.shape in ("map", "map2") and row.meaning is None} | set(FUNCTIONS)
    assert wanted <= set(dialect.functions)
    for table in ("reduce", "tensor", "array"):
        assert set(getattr(dialect, table)) == set(getattr(PLAIN, table)), table


@pytest.mark.parametrize("name", [n for n in PLAIN.functions if n != "nonzero"])
def test_every_function_has_numpys_values(framework, name):
    d = {"torch": TORCH, "jax": JAX}[framework.name]
    x = np.array([0.31, 0.62, 0.93]) if name != "arccosh" else np.array([1.3, 2.0, 4.0])
    x = -x if name == "log_one_less_exp" else x
    pair = PLAIN.functions[name].count("{}") == 2
    args = (np.array([0.5, 1.5, 2.5]), x) if pair else (x,)
    if name == "polygamma":
        args = (1, x)
    assert run(d, name, [a if isinstance(a, int) else framework.array(a) for a in args]) == pytest.approx(
        run(PLAIN, name, args), rel=1e-8 if name == "polygamma" else 1e-12)  # torch computes polygamma to 9 digits


def run(dialect, name, args):
    from iverson.emit.numpy_code import header

    names = ("x", "y")[: len(args)]
    text = f"def f({', '.join(names)}):\n    return {dialect.functions[name].format(*names)}\n"
    space = {}
    exec(header("", text, dialect) + text, space)
    return np.asarray(space["f"](*args))


def test_a_product_is_verified_like_an_answer():
    assert all(verified(d) for d in iv.derive("W*x", "x").products(["x"]).values())
    FRAMEWORKS["torch"]()
    assert "upstream" in inspect.signature(iv.compile("W*x", "x", target="torch").module["pullback"]).parameters


def test_no_framework_is_imported_before_it_is_asked_for():
    program = "import sys, iverson as iv; iv.derive('sum(x.^2)', 'x').code('torch'); print({'torch', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": ":".join(p for p in sys.path if p)})
    assert done.stdout.strip() == "set()", done.stderr
