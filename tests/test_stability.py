"""Few digits are lost where the form as written loses most of them: NumPy code, kernels of both types."""

import math
import shutil

import numpy as np
import pytest

import iverson as iv
from stability import STABILITY

MOST_BITS = 4
TARGETS = {"numpy": (float, {}), "native": (float, {"target": "native", "wait": True}),
           "native float32": (np.float32, {"target": "native", "wait": True, "dtype": "float32"})}


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as m:
        m.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def bits_lost(got, expected, kind):
    """How many of the bits of the type are wrong; what the type cannot tell from 0 counts as 0."""
    got, about = float(got), np.finfo(kind)
    if got == expected or (max(abs(got), abs(expected)) < 2*about.tiny):
        return 0.0
    return math.log2(abs(got - expected)/max(abs(expected), float(about.tiny))/(float(about.eps)/2)) if math.isfinite(got) else math.inf


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", dict.fromkeys(row[0] for row in STABILITY))
def test_few_bits_are_lost(text, target):
    kind, options = TARGETS[target]
    if options and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    entry = "x: param[n]\nsum[i] (" + text.replace("exp", "EXP").replace("x", "x[i]").replace("EXP", "exp") + ")"
    f = iv.compile(entry, "x", **options)
    for _, x, value, slope in (row for row in STABILITY if row[0] == text):
        got, gradient = f(x=np.array([x], kind))
        assert bits_lost(got, value, kind) <= MOST_BITS, f"the value at {x}: {got}, {value}"
        assert bits_lost(gradient[0], slope, kind) <= MOST_BITS, f"the slope at {x}: {gradient[0]}, {slope}"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("text", "wrt", "arrays", "value", "gradient"), [
    ("x: param[n]\nlog(sum[k] exp(x[k]))", "x", {"x": [-2000.0, -2001.0]}, -1999.6867383124817, [0.7310585786300049, 0.2689414213699951]),
    ("x: param[n]\nlog(sum[k] exp(x[k]))", "x", {"x": [800.0, -800.0]}, 800.0, [1.0, 0.0]),
    ("x: param[n]\nsum[i] (log(sum[k >= i] exp(x[k])) - x[i])", "x", {"x": [2000.0, 0.0, -2000.0]}, 0.0, [0.0, 0.0, 0.0]),
    ("x: param[n]\nlog(sum[k >= 1] exp(x[k]))", "x", {"x": [2000.0, 0.0, -2000.0]}, 0.0, [0.0, 1.0, 0.0]),
    ("x: param[n]; t: data[n]\nsum[i] (log(sum[j] [t[j] >= t[i]]*exp(x[j])) - x[i])", "x", {"x": [-2000.0, 2000.0, 0.0], "t": [1.0, 3.0, 2.0]},
     6000.0, [-1.0, 2.0, -1.0]),
    ("x: param[n]; y: data[n]\nsum(x.^2) - 2*x'*y + sum(y.^2)", "x", {"x": [4097.0, 2.0], "y": [4096.0, 2.0]}, 1.0, [2.0, 0.0]),
    ("x: param[n]\nsum[i] [x[i] > 0]*sqrt(x[i])", "x", {"x": [0.0, 1.0, 4.0]}, 3.0, [0.0, 0.5, 0.25]),
    ("x: param[n]\nsum[i] [x[i] > 0]*log(x[i])", "x", {"x": [-1.0, 0.0, 1.0]}, 0.0, [0.0, 0.0, 1.0]),
    ("x: param[n]; y: data[n]\nsum[i] [y[i] > 0]*y[i]*log(y[i])*x[i]", "x", {"x": [1.0, 1.0], "y": [0.0, 1.0]}, 0.0, [0.0, 0.0]),
    ("x: param[n]\nnorm2(x)", "x", {"x": [0.0, 0.0]}, 0.0, [0.0, 0.0]),
])
def test_masks_and_sums_keep_their_digits(text, wrt, arrays, value, gradient, target):
    kind, options = TARGETS[target]
    if options and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    got, slopes = iv.compile(text, wrt, **options)(**{n: np.array(v, kind) for n, v in arrays.items()})
    assert bits_lost(got, value, kind) <= MOST_BITS
    assert all(bits_lost(a, b, kind) <= MOST_BITS for a, b in zip(slopes, gradient, strict=True))
