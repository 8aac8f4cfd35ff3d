"""Derivatives exactly at kinks, zeros and far out: by calling an answer, and by the module it writes."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

import iverson as iv
from iverson.meaning.verify import Question, read_back, verify

getcontext().prec = 60


def both(text, at, kind="scalar"):
    """The gradient by x from the answer and from its module."""
    d = iv.derive(text, "x", kinds={"x": kind})
    space = {}
    exec(d.code(), space)
    return d(x=at), space["value_and_grad"](np.asarray(at, float))[1]


# loss, point, least and largest slope that is a slope there
AT_KINKS = [
    ("relu(x)", 0, 0, 1), ("abs(x)", 0, -1, 1), ("max(x, 0)", 0, 0, 1), ("min(x, 0)", 0, 0, 1), ("max(0, 1 - x)^2", 1, 0, 0),
    ("min(max(x, 0), 1)", 0, 0, 1), ("min(max(x, 0), 1)", 1, 0, 1), ("max(min(x, 1), -1)", -1, 0, 1), ("max(x, x)", 2, 1, 1),
    ("max(x, 2*x)", 0, 1, 2), ("max(x, -x)", 0, -1, 1), ("max(x, x^2)", 1, 1, 2), ("x*abs(x)", 0, 0, 0), ("relu(x)^3", 0, 0, 0),
    ("sqrt(x^2)", 0, -1, 1), ("sqrt(x^4)", 0, 0, 0), ("sqrt(x^6)", 0, 0, 0), ("(x^2)^1.5", 0, 0, 0), ("x*[x > 0]", 0, 0, 1),
    ("x*[x >= 0]", 0, 0, 1), ("[x > 0]*x^2", 0, 0, 0), ("abs(abs(x) - 1)", 1, -1, 1), ("abs(abs(x) - 1)", 0, -1, 1),
    ("[abs(x) <= 1]*x^2/2 + [abs(x) > 1]*(abs(x) - 1/2)", 1, 1, 1), ("max(0.01*x, x)", 0, 0.01, 1), ("exp(-abs(x))", 0, -1, 1),
    ("[x > 0]*x + [x <= 0]*(exp(x) - 1)", 0, 1, 1), ("[x > 0]*x + [x <= 0]*(exp(x) - 1)", 800, 1, 1), ("min(abs(x), 1)", 1, 0, 1),
    ("sqrt(abs(x)^3)", 0, 0, 0), ("sqrt(max(0, x))", -1, 0, 0), ("abs(x^3)", 0, 0, 0), ("max(x^2, x^4)", 0, 0, 0),
    ("max(0, x, -x)", 0, -1, 1), ("min(x, 1 - x, 0.5)", 0.5, -1, 1), ("(x - abs(x))/2", 0, 0, 1), ("(1 - x)*log(1 - x)", 0, -1, -1),
]


@pytest.mark.parametrize(("text", "at", "least", "most"), AT_KINKS)
def test_the_slope_at_a_kink_is_one_of_its_slopes(text, at, least, most):
    for slope in both(text, at):
        assert least - 1e-12 <= slope <= most + 1e-12


AT_POINTS = [
    ("norm1(x)", [0.0, 1, -2], [0, 1, -1]), ("norm2(x)", [0.0, 0, 0], [0, 0, 0]), ("exp(-norm2(x))", [0.0, 0], [0, 0]),
    ("max(x)", [1.0, 1, 0], [0.5, 0.5, 0]), ("norm2(x)^3", [0.0, 0], [0, 0]), ("(x'*x)^1.5", [0.0, 0], [0, 0]),
    ("sqrt(sum(x.^2))^2", [0.0, 0], [0, 0]), ("sqrt(norm2(x))*norm2(x)", [0.0, 0], [0, 0]), ("norm2(x)*norm2(x)", [0.0, 0], [0, 0]),
    ("prod(x)", [0.0, 2, 3], [6, 0, 0]), ("prod(x)", [0.0, 0, 3], [0, 0, 0]), ("sum(sqrt(x.^4))", [0.0, 1, 2], [0, 2, 4]),
    ("sum[i] [x[i] > 0]*x[i]*log(x[i])", [-1.0, 0, 1], [0, 0, 1]), ("sum[i] [x[i] > 0]*sqrt(x[i])", [-1.0, 0, 4], [0, 0, 0.25]),
    ("sum[i] ([x[i] > 0]*x[i] + [x[i] <= 0]*(exp(x[i]) - 1))", [-1.0, 0, 900], [np.exp(-1), 1, 1]),
    ("sum[i,j: i != j] 1/(x[i] - x[j])", [1.0, 2, 4], [0, 0, 0]), ("sqrt(mean((x - mean(x)).^2))", [2.0, 2, 2], [0, 0, 0]),
    ("logsumexp(x)", [-1e4, 0.0, 0.0], [0, 0.5, 0.5]), ("norm2(x)", [3e-200, 4e-200], [0.6, 0.8]), ("norm2(x)", [3e200, 4e200], [0.6, 0.8]),
]


@pytest.mark.parametrize(("text", "at", "slopes"), AT_POINTS)
@pytest.mark.filterwarnings("error")
def test_the_gradient_at_a_special_point(text, at, slopes):
    for g in both(text, at, "vector"):
        assert np.asarray(g).tolist() == pytest.approx(slopes, abs=1e-12)


def test_a_zero_probability_costs_nothing():
    value, slope = iv.compile("sum[i] p[i]*log(p[i]/q[i])", "q")(p=[0.0, 1.0], q=[0.5, 0.5])
    assert value == pytest.approx(np.log(2)) and slope.tolist() == [0, -2]
    value, slope = iv.compile("sum(p.*log(p))", "p")(p=[0.0, 1.0])
    assert value == 0 and slope[0] == -np.inf


def test_nan_where_the_loss_is_finite_is_an_error_that_names_the_part():
    for f in (iv.derive("sqrt(x'*A*x)", "x"), iv.compile("sqrt(x'*A*x)", "x")):
        with pytest.raises(iv.IversonError, match=r"(?s)where the loss is 0.*sqrt\(z\).* is not a number there"):
            f(x=[0.0, 0.0], A=np.eye(2))
    assert np.isnan(iv.derive("log(norm2(x))", "x")(x=[0.0, 0.0])).all()        # the loss is -inf there


def test_what_the_loss_itself_divides_by_is_not_guarded():
    value, _ = iv.compile("x'*y/(norm2(x)*norm2(y))", "x")(x=[0.0, 0.0], y=[1.0, 2.0])
    assert np.isnan(value)


def test_a_user_function_keeps_its_name():
    pair = (np.cos, lambda v: -np.sin(v))
    loss = "entropy: function\nL = sum(entropy(x)) + sum(x.*log(x))"
    value, _ = iv.compile(loss, "x")(entropy=pair, x=[1.0, 2.0])
    assert value == pytest.approx(np.cos(1) + np.cos(2) + 2 * np.log(2))


# -- digits lost, against sixty ------------------------------------------------------------------------------

ONE = Decimal(1)
DIGITS = [
    ("log(1 + exp(x))", lambda x: (ONE + x.exp()).ln(), lambda x: ONE / (ONE + (-x).exp()), [-100, -1, 1, 40, 800]),
    ("log(1/(1 + exp(-x)))", lambda x: -(ONE + (-x).exp()).ln(), lambda x: ONE / (ONE + x.exp()), [-800, -40, 40]),
    ("1 - sigmoid(x)", lambda x: ONE / (ONE + x.exp()), lambda x: -x.exp() / (ONE + x.exp()) ** 2, [-40, 1, 40, 700]),
    ("-log(1 - 1/(1 + exp(-x)))", lambda x: (ONE + x.exp()).ln(), lambda x: ONE / (ONE + (-x).exp()), [-30, 30, 800]),
    ("tanh(x)", None, lambda x: 4 / (x.exp() + (-x).exp()) ** 2, [0.5, 20, 300]),
    ("log(cosh(x))", lambda x: ((x.exp() + (-x).exp()) / 2).ln(), None, [1e-9, 0.1, 5, 800, -800]),
    ("log((exp(x) + exp(-x))/2)", lambda x: ((x.exp() + (-x).exp()) / 2).ln(), None, [1e-3, 5, 800]),
    ("log(exp(x) - 1)", lambda x: (x.exp() - 1).ln(), lambda x: ONE / (ONE - (-x).exp()), [1e-9, 1, 800]),
    ("log(1 - exp(x))", lambda x: (ONE - x.exp()).ln(), lambda x: -x.exp() / (ONE - x.exp()), [-1e-12, -1, -40]),
    ("exp(x) - 1", lambda x: x.exp() - 1, lambda x: x.exp(), [1e-17, 1e-9, 1]),
    ("log(1 + x)", lambda x: (ONE + x).ln(), lambda x: ONE / (ONE + x), [1e-17, 1e-9, 1]),
    ("sqrt(x + 1) - sqrt(x)", lambda x: (x + 1).sqrt() - x.sqrt(), lambda x: (ONE / (x + 1).sqrt() - ONE / x.sqrt()) / 2, [1, 1e8, 1e15]),
    ("sqrt(1 + x^2) - 1", lambda x: (1 + x * x).sqrt() - 1, lambda x: x / (1 + x * x).sqrt(), [1e-9, 1e-4, 1]),
    ("(exp(x) - 1)/x", lambda x: (x.exp() - 1) / x, lambda x: (x.exp() - (x.exp() - 1) / x) / x, [1e-12, 1e-5, 0.3, -1, 20]),
    ("log(1 + x)/x", lambda x: (1 + x).ln() / x, lambda x: (1 / (1 + x) - (1 + x).ln() / x) / x, [1e-12, 1e-5, 0.25, -0.4, 20]),
    ("x/(exp(x) - 1)", lambda x: x / (x.exp() - 1), lambda x: (1 - x * x.exp() / (x.exp() - 1)) / (x.exp() - 1), [1e-12, 1e-5, 1]),
    ("x*log(x)", lambda x: x * x.ln(), lambda x: x.ln() + 1, [1e-300, 0.5]),
    ("log(x + 1) - log(x)", lambda x: (1 + 1 / x).ln(), lambda x: 1 / (x + 1) - 1 / x, [1, 1e8, 1e15]),
    ("log(1 + exp(x)) - x", lambda x: (1 + (-x).exp()).ln(), lambda x: -1 / (1 + x.exp()), [-800, 1, 40]),
    ("(1 - sigmoid(x))^2*log(sigmoid(x))", lambda x: -(1 + (-x).exp()).ln() / (1 + x.exp()) ** 2, None, [-700, 1, 40]),
]


def lost(got, exact):
    """Bits lost: log2(1 + distance in units of the last place)."""
    unit = Decimal(float(np.spacing(abs(float(exact)))))
    return float((1 + abs(Decimal(float(got)) - exact) / unit).log10()) * 3.33


@pytest.mark.parametrize(("text", "value", "slope", "points"), DIGITS, ids=lambda v: v if isinstance(v, str) else "")
def test_generated_code_keeps_its_digits(text, value, slope, points):
    f = iv.compile(text, "x", kinds={"x": "scalar"})
    for x in points:
        for got, exact in zip(f(x=x), (value, slope), strict=True):
            if exact is not None:
                assert lost(got, exact(Decimal(x))) < 4, x


def test_ratios_at_zero_are_their_limits():
    for text, value, slope in (("(exp(x) - 1)/x", 1, 0.5), ("sin(x)/x", 1, 0), ("log(1 + x)/x", 1, -0.5), ("x/(exp(x) - 1)", 1, -0.5)):
        assert iv.compile(text, "x", kinds={"x": "scalar"})(x=0.0) == (value, slope)


def test_far_mixtures_and_small_products():
    text = "log(sum[k] w[k]*exp(-(x - m[k])^2/2))"
    value, slope = iv.compile(text, "x", kinds={"x": "scalar"})(x=100.0, w=[0.5, 0.5], m=[0.0, 1.0])
    assert value == pytest.approx(-99**2 / 2 + np.log(0.5)) and slope == pytest.approx(-99.0)
    value, _ = iv.compile("log(prod(x))", "x")(x=[1e-200, 1e-200])
    assert value == pytest.approx(2 * np.log(1e-200))


# -- what is said of kinks and jumps -------------------------------------------------------------------------

def said(text, wrt="x", **kinds):
    d = iv.derive(text, wrt, kinds=kinds or {"x": "scalar"})
    return d.kinks, d.jumps


@pytest.mark.parametrize(("text", "expected"), [
    ("relu(x)", ("at x = 0: slope 0 taken (relu)",)), ("max(0, 1 - x)", ("at 1 - x = 0: slope 0 taken (max)",)),
    ("max(x, 2*x)", ("at x = 2*x: the slope of 2*x taken (max)",)), ("[x > 0]*x", ("at x = 0: the side that [x > 0] takes",)),
    ("max(0, x) - max(0, x - 1e6)", ("at x = 0: slope 0 taken (max)", "at x - 1000000 = 0: slope 0 taken (max)")),
    ("relu(x) - relu(-x)", ()), ("x*abs(x)", ()), ("relu(x)^2", ()), ("abs(x)^1.5", ()), ("max(x, x)", ()), ("sqrt(x^4)", ()),
    ("[x > 0]*x + [x <= 0]*(exp(x) - 1)", ()), ("[abs(x) <= 1]*x^2/2 + [abs(x) > 1]*(abs(x) - 1/2)", ()),
    ("softplus(x) - max(x, 0)", ("at x = 0: slope 0 taken (max)",)), ("sqrt(x^2)", ("at x^2 = 0: slope 0 taken (sqrt)",)),
    ("sqrt(1 + x^2)", ()), ("max(x, 1, 2*x)", ("where several are the largest in max(x, 1, 2*x): the slope of the last of them taken",)),
])
def test_kinks_are_listed_and_what_cancels_is_not(text, expected):
    assert said(text) == (expected, ())


@pytest.mark.parametrize(("text", "where"), [
    ("[x > 0]*(x + 1)", "x = 0"), ("sign(x)", "x = 0"), ("[x > 2]*x^2", "x = 2"), ("[x > 0]*log(x)", "x = 0"),
    ("[x > 100]*x", "x = 100"), ("x*[x^2 < 4]", "x^2 = 4"),
])
def test_a_jump_is_warned_of(text, where):
    assert f"L jumps where {where}: the gradient ignores it" in iv.derive(text, "x", kinds={"x": "scalar"}).notes


def test_a_jump_of_an_input_that_does_not_move_it_is_not():
    assert said("sum[i] [X[i,0] > 0]*w[0]", "w", X="matrix", w="vector") == ((), ())
    assert said("sum[i] [X[i,0] > 0]*w[0]", "X", X="matrix", w="vector")[1]


def test_the_explanation_warns_of_a_jump():
    d = iv.derive("[x > 0]*(x + 1)", "x", kinds={"x": "scalar"})
    for lang, format, text in (("en", "text", "Note: L jumps where x = 0"), ("zh", "text", "x = 0 处跳跃"), ("en", "markdown", "jumps")):
        assert text in d.explain(lang, format)


def test_ties_of_a_maximum_are_named():
    assert said("max(x)", x="vector")[0] == ("where several entries are the largest in max(x): the slope is split evenly",)
    kink = ("at sum[i] x[i]^2 = 0: slope 0 taken (sqrt)",)
    assert said("norm2(x)", x="vector")[0] == said("norm2(x)^2/norm2(x)", x="vector")[0] == kink
    assert said("norm2(x)^2", x="vector")[0] == said("exp(norm2(x)^4) + norm2(x)^3", x="vector")[0] == ()


CANCEL = [("relu(x) - relu(-x)", 1), ("max(x, 3) + min(x, 3)", 1), ("abs(x) - 2*relu(x)", -1), ("max(0, 2*x - 1) - 2*max(0, 1/2 - x)", 2)]


@pytest.mark.parametrize(("text", "slope"), CANCEL)
def test_kinks_that_cancel_leave_the_slope_of_the_sum(text, slope):
    d = iv.derive(text, "x", kinds={"x": "scalar"})
    assert d.formula == str(slope) and d(x=0) == d(x=0.5) == d(x=3) == slope


def test_a_bracket_of_the_user_keeps_its_tie():
    d = iv.derive("([x > 0] + [x < 0])*c", "c", kinds={"x": "scalar", "c": "scalar"})
    assert d(x=0.0, c=1.0) == 0 and d(x=2.0, c=1.0) == 1


def test_kinks_of_different_height_leave_a_slope_of_the_sum():
    for text, kind, at in (("max(x, 0) + 0.1*min(x, 0)", "scalar", 0.0), ("sum(max(x, 0) + 0.1*min(x, 0))", "vector", [0.0, 1.0])):
        slope = iv.derive(text, "x", kinds={"x": kind})(x=at)
        assert 0.1 - 1e-12 <= np.ravel(slope)[0] <= 1


# -- near misses in the comparison ---------------------------------------------------------------------------

def question(loss, answer):
    judge = iv.parse(loss).typed
    return Question(judge, "x", read_back(judge.inputs, iv.parse(answer).typed.script.equations))


EXTENDED = np.finfo(np.longdouble).eps < np.finfo(float).eps


@pytest.mark.skipif(not EXTENDED, reason="no extended precision on this machine")
def test_rounding_is_told_from_a_mistake_in_extended_precision():
    noisy = verify(question("sum(x.^2)", "2*x + (x + 2e9 - 2e9) - x"))
    assert noisy.worst < 1e-7


@pytest.mark.parametrize("answer", ["2.000001*x", "2.1*x", "2*x + 1e-5*x.^3", "x"])
def test_a_near_miss_is_still_a_miss(answer):
    with pytest.raises(iv.IversonError, match="differences give"):
        verify(question("sum(x.^2)", answer))


def test_far_draws_count_where_the_loss_is_finite():
    assert iv.derive("norm2(A*x - y)^2", "x").verified.instances == 8      # five, a size of 1, scales 1e-3 and 1e3
    assert iv.derive("sum(exp(x))", "x").verified.instances == 7           # exp(1000) is not finite


def test_a_deviation_of_one_number_does_not_stop_the_comparison():
    assert iv.derive("sqrt(mean((x - mean(x)).^2))", "x").verified.instances >= 5


def test_a_root_squared_keeps_its_domain():
    f = iv.compile("sqrt(x)^2", "x", kinds={"x": "scalar"})
    assert f(x=4.0)[0] == 4.0 and np.isnan(f(x=-4.0)[0])
    assert iv.derive("log(x^2)", "x", kinds={"x": "scalar"})(x=-4.0) == -0.5
