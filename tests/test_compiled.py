"""How compiled losses run: tiers, the cache, calls, blocks of samples, files and sparse matrices."""

import os
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse

import iverson as iv
from generate import case
from iverson.core.errors import IversonError
from iverson.emit import native_units
from iverson.emit.blocked import blocks
from iverson.emit.plan import gradient_plan
from iverson.emit.split import Unfit, split
from iverson.meaning.sample import instances
from iverson.run import blocks as runs
from iverson.run import cache, compiler, kernel, streams
from iverson.run.door import readable
from losses import SOFTMAX, SVM
from test_native import LIMITS, LOSSES, ROWS, arrays_of, compare, near

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as m:
        m.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def problem(n=30, d=5, k=4, dtype=float):
    rng = np.random.default_rng(0)
    return {"X": rng.normal(size=(n, d)).astype(dtype), "y": rng.integers(0, k, n), "W": rng.normal(size=(d, k)).astype(dtype)}


# -- tiers ---------------------------------------------------------------------------------------------------


@needs_cc
def test_numpy_runs_until_the_kernel_is_there(empty_cache):
    f = iv.compile(SOFTMAX, "W", target="native")
    arrays = problem()
    first = f(**arrays)
    info = f.info
    assert info.tier == "native" or "compiled" in info.why
    assert f.wait() is f and f.info.tier == "native" and f.info.why is None and f.info.passes == 1
    near(f(**arrays)[0], first[0], 1e-12)
    near(f(**arrays)[1], first[1], 1e-12)
    assert os.path.exists(f.info.kernel) and f.info.bytes > 0


def test_numpy_code_says_how_often_it_reads_the_samples(monkeypatch):
    monkeypatch.setenv("IVERSON_NATIVE", "off")
    f = iv.compile(SOFTMAX, "W", target="native")
    f(**problem())
    assert (f.info.tier, f.info.passes, f.info.bytes) == ("numpy", None, None)
    f(**problem(n=100_000))
    assert (f.info.tier, f.info.passes, f.info.bytes) == ("numpy", 1, None)


@needs_cc
def test_the_kernel_comes_into_use_without_being_waited_for(empty_cache):
    f = iv.compile(SVM, "W", target="native")
    end = time.monotonic() + 60
    while f.info.tier != "native" and time.monotonic() < end:
        time.sleep(0.02)
    f(**problem())
    assert f.info.tier == "native"


@needs_cc
def test_a_process_that_ends_leaves_a_kernel_for_the_next(empty_cache):
    told = "import iverson as iv, sys; f = iv.compile(sys.argv[1], 'W', target='native'); print(f.info.tier)"
    run = [sys.executable, "-c", told, SOFTMAX]
    started = subprocess.run(run, capture_output=True, text=True, check=True)
    assert started.stdout.strip() == "numpy" and not started.stderr
    end = time.monotonic() + 60
    while not list(empty_cache.rglob("*.so.raw")) and time.monotonic() < end:
        time.sleep(0.05)
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "native"
    while list(empty_cache.rglob("work-*")) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(empty_cache.rglob("work-*"))


@needs_cc
def test_two_who_compile_the_same_at_once_both_have_it(empty_cache):
    found = []
    work = lambda: found.append(iv.compile(SOFTMAX, "W", target="native", wait=True).info)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {i.tier for i in found} == {"native"} and len({i.kernel for i in found}) == 1


@needs_cc
def test_broken_and_foreign_files_of_the_cache_are_made_again(empty_cache):
    made = iv.compile(SVM, "W", target="native", wait=True).info.kernel
    whole = open(made, "rb").read()
    for wrong in (whole[:1000], b"", whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:]):
        with open(made, "wb") as file:
            file.write(wrong)
        assert not cache.kept(cache.Path(made))
    elsewhere = empty_cache / "elsewhere"
    elsewhere.write_bytes(whole)
    os.symlink(elsewhere, made)
    assert not cache.kept(cache.Path(made))
    again = iv.compile(SVM, "W", target="native", wait=True).info
    assert again.tier == "native" and elsewhere.read_bytes() == whole and not os.path.islink(again.kernel)


@needs_cc
def test_texts_do_not_depend_on_the_process(empty_cache):
    told = ("import iverson as iv, hashlib, sys; f = iv.compile(sys.argv[1], 'W', target='native', wait=True); "
            "print(hashlib.sha256(f.source.encode()).hexdigest())")
    texts = {subprocess.run([sys.executable, "-c", told, SOFTMAX], capture_output=True, text=True, check=True,
                            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}).stdout for seed in "12"}
    assert len(texts) == 1


@needs_cc
def test_a_compiler_that_fails_is_said_and_numpy_stays(empty_cache, monkeypatch):
    monkeypatch.setenv("CC", "cc --no-such-option")
    f = iv.compile(SOFTMAX, "W", target="native")
    with pytest.warns(RuntimeWarning, match="failed"):
        f.wait()
    assert f.info.tier == "numpy" and "failed" in f.info.why
    compare(f, iv.compile(SOFTMAX, "W"), problem(), 1e-12)


def test_no_compiler_is_said_once(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(kernel, "SAID", set())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for text in (SOFTMAX, SVM):
            f = iv.compile(text, "W", target="native")
            compare(f, iv.compile(text, "W"), problem(), 1e-12)
    assert len(said) == 1 and "no-such-compiler" in str(said[0].message)


def test_the_package_of_a_compiler_is_the_last_choice(monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler.shutil, "which", lambda name: None)
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: name == "ziglang" or None)
    assert compiler.compiler() == (sys.executable, "-m", "ziglang", "cc")
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(compiler.NoCompiler):
        compiler.compiler()


def test_the_way_of_kernels_may_be_set(monkeypatch):
    monkeypatch.setenv("IVERSON_NATIVE", "off")
    monkeypatch.setattr(kernel, "SAID", set())
    with pytest.warns(RuntimeWarning, match="off"):
        assert iv.compile(SVM, "W", target="native").info.tier == "numpy"
    monkeypatch.setenv("IVERSON_NATIVE", "perhaps")
    with pytest.raises(IversonError, match="perhaps"):
        iv.compile(SVM, "W", target="native")


def test_what_no_loss_changes_is_a_unit_of_its_own():
    d = iv.derive(SOFTMAX, "W").derived
    made = kernel.native(split(gradient_plan(d.program, {"W": d.answer}, True), d.program), d.program, "float")
    texts = native_units.units(made)
    assert len(texts) > 4 and sum(shared for _, _, shared in texts) == len(texts) - 1


# -- calls ---------------------------------------------------------------------------------------------------


@needs_cc
@pytest.mark.skipif(not readable(), reason="arrays lie elsewhere in this Python")
def test_what_goes_through_the_door_and_what_does_not():
    f, plain = iv.compile(SOFTMAX, "W", target="native", wait=True), iv.compile(SOFTMAX, "W")
    arrays = problem(60, 10, 4)
    compare(f, plain, arrays, 1e-12)
    assert f.door is not None
    X, y, W = arrays["X"], arrays["y"], arrays["W"]
    steps = f.by_steps
    f.by_steps = lambda *a: pytest.fail("not through the door")
    value = f(**arrays)[0]
    assert f(**arrays, reg=0.001)[0] == value == f(**arrays, reg=np.float64(0.001))[0] and type(value) is np.float64
    f.by_steps = steps
    unaligned = np.frombuffer(b"x" + X.tobytes(), dtype=float, offset=1).reshape(X.shape)
    for other in ({"X": X[::2], "y": y[::2]}, {"X": np.asfortranarray(X)}, {"W": W.tolist()}, {"y": y.astype(np.int16)}, {"X": unaligned},
                  {"X": X.astype(">f8")}, {"X": X.astype("f4").astype(float)}, {"W": W[:, :3], "y": y % 3}, {"reg": 1},
                  {"reg": np.array(0.5)}, {"X": np.ma.array(X)}):
        compare(f, plain, {**arrays, **other}, 1e-12)
    for wrong in ({"X": X[:, :3]}, {"y": y[:5]}, {"y": y + 3}, {"X": None}, {"X": X.astype(object)}):
        with pytest.raises(IversonError):
            f(**{**arrays, **wrong})
    compare(f, plain, arrays, 1e-12)


@needs_cc
def test_gradients_are_new_arrays_unless_given():
    f = iv.compile(SOFTMAX, "W", target="native", wait=True)
    arrays = problem()
    first, second = f(**arrays)[1], f(**{**arrays, "W": 2*arrays["W"]})[1]
    assert not np.shares_memory(first, second) and not np.array_equal(first, second)
    mine = np.empty_like(first)
    assert f(**arrays, out=mine)[1] is mine and np.array_equal(mine, first)
    for wrong in (np.empty((2, 2)), mine.astype("f4"), mine.T, [0.0]):
        with pytest.raises(IversonError, match="gradient by W"):
            f(**arrays, out=wrong)
    with pytest.raises(IversonError, match="overlaps"):
        f(**arrays, out=arrays["W"])
    g = iv.compile(LOSSES["logistic"][0], ("w", "b"), target="native", wait=True)
    arrays = arrays_of(g, 20)
    out = {"w": np.empty(np.shape(arrays["w"])), "b": np.empty(())}
    expected = g(**arrays)[1]
    assert g(**arrays, out=out)[1]["w"] is out["w"] and out["b"] == expected["b"]


# -- blocks --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 37 samples for whatever is not tiny."""
    for name, value in {"SMALL": 0, "FEW": 0, "FEWEST": 37, "MOST": 37}.items():
        monkeypatch.setattr(runs, name, value)


PAIRED = {"pairs", "later ones", "earlier ones"}    # samples compared with each other, of which a block knows too few


@pytest.mark.parametrize("name", [n for n in LOSSES if n not in PAIRED])
def test_blocks_give_what_the_whole_gives(name, small_blocks):
    text, wrt = LOSSES[name]
    f = iv.compile(text, wrt)
    d = next(iter(d.values())) if isinstance(d := iv.derive(text, wrt), dict) else d
    f.kernel = type("made", (), {"axis": f.plan.axis})
    for n in (36, 200):
        arrays = arrays_of(f, n)
        compare(f, f.whole, arrays, 1e-12)
        assert f.in_blocks(arrays) is not None


@pytest.mark.parametrize(("text", "why"), [
    ("X: data[N, D]; w: param[D]\nL = sum[i] i*(X*w)[i]", "by its place"), ("X: data[N, D]; w: param[D]\nL = sum[i] (X*w)[i]*X[0,0]", "by its place"),
])
def test_what_knows_samples_by_their_place_runs_whole(text, why):
    d = iv.derive(text, "w").derived
    with pytest.raises(Unfit, match=why):
        blocks(split(gradient_plan(d.program, {"w": d.answer}, True), d.program), d.program)


def test_a_large_call_takes_little_memory():
    f = iv.compile(SOFTMAX, "W")
    arrays = problem(200_000, 20, 10, np.float32)
    tracemalloc.start()
    f(**arrays)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
    near(f(**arrays)[1], f.whole(**arrays)[1], 1e-12)


def test_what_is_wrong_with_a_block_is_said(small_blocks):
    f = iv.compile(SVM, "W")
    arrays = problem(200)
    for wrong, said in (({"y": np.where(np.arange(200) == 150, 4, arrays["y"])}, "label 4"), ({"y": arrays["y"] + 0.5}, "integers"),
                        ({"X": arrays["X"][:100]}, "size"), ({"X": arrays["X"].astype(object)}, "real numbers")):
        with pytest.raises(IversonError, match=said):
            f(**{**arrays, **wrong})


def test_a_gradient_that_is_not_a_number_is_an_error_in_blocks_too(small_blocks):
    f = iv.compile(LOSSES["logistic"][0], ("w", "b"))
    f.kernel = type("made", (), {"axis": f.plan.axis})
    arrays = arrays_of(f, 50)
    arrays["X"][0, 1] = np.inf
    with pytest.raises(IversonError, match="not a number at this point"):
        f(**arrays)


# -- files ---------------------------------------------------------------------------------------------------

FUNCTIONS = [{"target": "numpy"}, *([{"target": "native", "threads": t, "wait": True} for t in (1, 3)] if shutil.which("cc") else [])]


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Arrays and paths to the same; blocks of few samples."""
    monkeypatch.setattr(runs, "READ", 4000)
    arrays = problem(3000, 5, 4)
    for n, v in arrays.items():
        np.save(tmp_path / f"{n}.npy", v)
    return arrays, {n: str(tmp_path / f"{n}.npy") for n in arrays}


@pytest.mark.parametrize("options", FUNCTIONS, ids=str)
def test_a_path_stands_for_an_array(saved, options):
    arrays, paths = saved
    f = iv.compile(SOFTMAX, "W", **options)
    expected = iv.compile(SOFTMAX, "W")(**arrays)
    for given in (paths, {**arrays, "X": paths["X"]}, {**arrays, "y": paths["y"], "W": streams.os.fsencode(paths["W"]).decode()}):
        value, gradient = f(**given)
        near(value, expected[0], 1e-12)
        near(gradient, expected[1], 1e-12)
    if options["target"] == "native":
        assert f.info.tier == "native"


@pytest.mark.parametrize("name", ["two passes", "over samples", "norm", "by samples", "classes"])
def test_every_pass_reads_the_file(name, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "READ", 2000)
    text, wrt = LOSSES[name]
    f = iv.compile(text, wrt)
    f.kernel = type("made", (), {"axis": f.plan.axis})
    arrays = arrays_of(f, 500)
    np.save(tmp_path / "X.npy", arrays["X"])
    compare(f, f.whole, arrays, 1e-12)
    value, gradients = f(**{**arrays, "X": tmp_path / "X.npy"})
    expected = f.whole(**arrays)
    near(value, expected[0], 1e-12)
    for n in [wrt] if isinstance(wrt, str) else wrt:
        near(gradients if isinstance(wrt, str) else gradients[n], expected[1] if isinstance(wrt, str) else expected[1][n], 1e-12)


def test_files_that_cannot_be_read_in_rows_are_refused(saved, tmp_path):
    arrays, paths = saved
    f, X = iv.compile(SOFTMAX, "W"), arrays["X"]
    bad = tmp_path / "bad.npy"
    for made, said in ((np.asfortranarray(X), "by columns"), (X.astype(">f8"), "other order"), (np.array([[None]]), "object"),
                       (X.astype(complex), "complex"), (X[:, :3], "size"), (X[:50], "size"), (X[0], "axes")):
        np.save(bad, made, allow_pickle=True)
        with pytest.raises(IversonError, match=said):
            f(**{**paths, "X": bad})
    whole = open(paths["X"], "rb").read()
    for content, said in ((b"", "no .npy"), (b"a,b\n1,2\n", "no .npy"), (whole[:60], "no .npy"), (whole[:-8], "shorter")):
        bad.write_bytes(content)
        with pytest.raises(IversonError, match=said):
            f(**{**paths, "X": bad})
    for path, said in ((tmp_path, "no file"), (tmp_path / "none.npy", "cannot be read")):
        with pytest.raises(IversonError, match=said):
            f(**{**paths, "X": path})
    with pytest.raises(IversonError, match="in blocks"):
        iv.compile("logdet(A)", "A")(A=paths["X"])


@pytest.mark.parametrize("options", FUNCTIONS, ids=str)
@pytest.mark.parametrize("change", ["cut", "written"])
def test_a_file_that_changes_meanwhile_is_an_error(saved, options, change, monkeypatch):
    _, paths = saved
    f = iv.compile(SOFTMAX, "W", **options)
    fill, times = streams.File.fill, []

    def changing(self, view, place):
        if len(times) == 3:
            if change == "cut":
                os.truncate(paths["X"], 5000)
            else:
                with open(paths["X"], "r+b") as file:
                    file.seek(5000)
                    file.write(b"\0"*8)
                os.utime(paths["X"], ns=(1, 1))
        times.append(place)
        fill(self, view, place)

    monkeypatch.setattr(streams.File, "fill", changing)
    with pytest.raises(IversonError, match=r"shorter|changed"):
        f(**{**paths, "y": np.load(paths["y"])})
    assert not os.path.exists("/proc/self/fd") or not any(
        os.path.realpath(f"/proc/self/fd/{n}") == paths["X"] for n in os.listdir("/proc/self/fd"))


@needs_cc
def test_the_kernel_of_blocks_is_waited_for_too(saved, empty_cache):
    arrays, paths = saved
    f = iv.compile(SOFTMAX, "W", target="native")
    first = f(**paths)
    assert f.wait()(**paths)[0] == pytest.approx(first[0], rel=1e-12) and f.info.tier == "native"
    near(f(**arrays)[1], first[1], 1e-12)
    assert f.info.tier == "native"


# -- sparse matrices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [*FUNCTIONS, *({**o, "dtype": "float32"} for o in FUNCTIONS[1:2])], ids=str)
@pytest.mark.parametrize("name", ["softmax", "svm", "logistic", "classes", "least squares"])
def test_a_sparse_matrix_stands_for_an_array(name, options, small_blocks):
    text, wrt = LOSSES[name]
    f, plain = iv.compile(text, wrt, **options), iv.compile(text, wrt)
    rng = np.random.default_rng(0)
    for n, d, k in ((1, 3, 2), (150, 40, 10), (60, 50, 33), (100, 20, 70), (80, 9, 1)):
        S = scipy.sparse.random(n, d, 0.2, format="csr", random_state=0)
        arrays = {"X": S, "y": rng.integers(0, k, n), "W": rng.normal(size=(d, k)), "c": rng.normal(size=k)}
        if "W" not in wrt:
            arrays = {"X": S, "y": rng.normal(size=n), "w": rng.normal(size=d), "b": 0.3}
        expected = plain.whole(**{**arrays, "X": S.toarray()})
        for made in (S, scipy.sparse.csr_array(S), S.tocsc()):
            value, gradients = f(**{**arrays, "X": made})
            limit = LIMITS[options.get("dtype", "float64")]
            near(value, expected[0], limit)
            got, wanted = ((r if isinstance(r, dict) else {wrt: r}) for r in (gradients, expected[1]))
            for p in got:
                near(got[p], wanted[p], limit)
        assert options["target"] == "numpy" or f.info.tier == "native"


@pytest.mark.parametrize("options", FUNCTIONS[:2], ids=str)
def test_a_sparse_matrix_that_is_broken_or_used_otherwise_is_refused(options):
    rng = np.random.default_rng(0)
    arrays = {"X": scipy.sparse.random(50, 9, 0.3, format="csr", random_state=0), "y": rng.normal(size=50), "w": rng.normal(size=9), "b": 0.1}
    f = iv.compile(LOSSES["logistic"][0], "w", **options)
    f(**arrays)
    for part, place, value in (("indices", 3, 9), ("indices", 3, -1), ("indptr", 5, 10**6), ("indptr", 50, 10**6)):
        S = arrays["X"].copy()
        getattr(S, part)[place] = value
        with pytest.raises(IversonError, match="outside it"):
            f(**{**arrays, "X": S})
    g = iv.compile("X: data[N, D]; w: param[D]\nL = sum[i] sum[d] exp(X[i,d]*w[d])", "w", **options)
    with pytest.raises(IversonError, match=r"X\*W and X'\*S"):
        g(**arrays)


@needs_cc
def test_busy_processors_change_nothing():
    """More threads than processors, several calls at once: the same results, and no thread is left."""
    f = iv.compile(SOFTMAX, "W", target="native", threads=16, wait=True)
    arrays = problem(60_000, 6, 3)
    expected = iv.compile(SOFTMAX, "W", target="native", wait=True)(**arrays)
    wrong = []

    def call():
        for _ in range(20):
            value, gradient = f(**arrays)
            if abs(value - expected[0]) > 1e-12*abs(expected[0]) or np.abs(gradient - expected[1]).max() > 1e-12:
                wrong.append(value)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert not wrong
    end = time.monotonic() + 30
    while os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")) > 40 and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.isdir("/proc/self/task") or len(os.listdir("/proc/self/task")) <= 40


# -- losses nobody chose -------------------------------------------------------------------------------------


def in_blocks_of_two(text, wrt, seed=0, **options):
    """Whether a loss runs in blocks of two samples; it agrees with the whole code on drawn instances."""
    f = iv.compile(text, wrt, **options)
    ran = False
    for draw in instances(iv.parse(text, **options).typed, seed, n=2, wrt=(wrt,)).draws:
        arrays = {i.name: draw.arrays[i.name] for i in f.inputs}
        if f.plan is None:
            return False
        try:
            expected = f.whole(**arrays)
        except IversonError:
            continue
        if np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all():
            found = f.in_blocks(arrays)
            if found is not None:
                value, gradient = f.shaped(found)
                near(value, expected[0], 1e-10)
                near(gradient, expected[1], 1e-10)
                ran = True
    return ran


@pytest.fixture
def blocks_of_two(small_blocks, monkeypatch):
    for name in ("FEWEST", "MOST"):
        monkeypatch.setattr(runs, name, 2)


@pytest.mark.parametrize("part", range(4))
def test_the_corpus_in_blocks(part, blocks_of_two):
    made = [in_blocks_of_two(row[0], row[1], kinds=row[3] if len(row) > 3 else None) for row in ROWS[part::16]]
    assert any(made)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4, 16))
def test_the_rest_of_the_corpus_in_blocks(part, blocks_of_two):
    assert any(in_blocks_of_two(row[0], row[1], kinds=row[3] if len(row) > 3 else None) for row in ROWS[part::16])


@pytest.mark.parametrize("batch", range(3))
def test_random_losses_in_blocks(batch, blocks_of_two):
    for seed in range(batch*15, batch*15 + 15):
        c = case(f"blocks {seed}")
        try:
            in_blocks_of_two(c.text, c.wrt, seed, kinds=c.kinds, sizes=c.sizes)
        except IversonError:
            continue
