"""What no reader may do, whatever the text: raise another exception than ours, hang, eat memory, or print what reads back otherwise."""

import resource
import sys

import pytest

import iverson as iv
from forms import FORMS
from fuzzing import Fuzzer, front
from iverson.core.errors import IversonError

FRONTS = ("iverson", "latex", "unicode", "numpy")
MOST_MEGABYTES = 500


def megabytes():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.mark.parametrize("notation", FRONTS)
def test_no_text_breaks_a_reader(notation):
    assert not Fuzzer(front(notation), seed=0, guided=False).run(texts=1500)


@pytest.mark.long
@pytest.mark.parametrize("notation", FRONTS)
def test_no_text_breaks_a_reader_in_ten_minutes(notation):
    """Half of the time by coverage, half at full speed."""
    before = megabytes()
    for guided in (True, False):
        fuzzer = Fuzzer(front(notation), seed=1, guided=guided)
        assert not fuzzer.run(seconds=300), f"after {fuzzer.done} texts"
    assert megabytes() - before < MOST_MEGABYTES


# -- the limits ---------------------------------------------------------------------------------------------

REPEATED = {     # name: (what stands in front, what is repeated, the middle, what is repeated behind, the end)
    "parentheses": ("", "(", "a", ")", ""),
    "brackets": ("", "[", "a<b", "]", ""),
    "minus signs": ("", "-", "a", "", ""),
    "transposes": ("A", "'", "", "", ""),
    "terms": ("", "a+", "a", "", ""),
    "factors": ("", "a*", "a", "", ""),
    "quotients": ("", "a/", "a", "", ""),
    "powers": ("a", "^b", "", "", ""),
    "digits": ("", "1", "", "", ""),
    "decimals": ("0.", "0", "1", "", ""),
    "sums": ("", "sum[i] ", "x[i]", "", ""),
    "calls": ("", "exp(", "a", ")", ""),
    "indices": ("x", "[0]", "", "", ""),
    "negations": ("[", "not ", "a<b", "", "]"),
    "conditions": ("[a<b", " and a<b", "", "", "]"),
    "relations": ("[a", "<a", "", "", "]"),
    "choices": ("", "where(a<b,", "a", ",b)", ""),
    "matrices": ("tr(A", "*A", "", "", ")"),
    "statements": ("", "\n;\n", "a", "", ""),
    "superscripts": ("a", "²", "", "", ""),
    "squares": ("1e200", "^64", "*a", "", ""),
}


@pytest.mark.parametrize("count", [10**5, 6000, 240, 180])
@pytest.mark.parametrize("name", REPEATED)
@pytest.mark.parametrize("notation", [*FRONTS, "auto"])
def test_a_limit_is_an_error_of_ours(notation, name, count):
    start, left, middle, right, end = REPEATED[name]
    text = start + left * count + middle + right * count + end
    try:
        iv.parse(text, notation).program  # noqa: B018
    except IversonError as error:
        assert str(error)
        return
    assert len(text) <= 20_000


POWERS = ("(((1e300^64)^64)^64)*a", "1e300*1e300*a", "1e-300^9*a", "a^(9^9^9)", "2^(9^(9^9))*a",
          "x[1e25]", "sum[i: i < 1e25] x[i]", "x: data[1e30]; x'*x")


@pytest.mark.parametrize("text", POWERS)
def test_no_number_grows_without_bound(text):
    try:
        iv.derive(text, "x" if "x" in text else "a")
    except IversonError as error:
        assert error.kind in ("limit", "syntax", "shape", "data", "verify")


@pytest.mark.parametrize("text", ["exp(" * 150 + "a" + ")" * 150, "*".join("a" * 190), "-" * 190 + "a"], ids=lambda t: t[:9])
def test_deriving_what_is_deep_ends_in_an_answer_or_an_error_of_ours(text):
    try:
        assert iv.derive(text, "a").formula
    except IversonError as error:
        assert error.kind == "limit"


def test_a_planted_fault_is_found(monkeypatch):
    """The fuzzer sees an exception, and a text that is printed as another."""
    import fuzzing

    def broken(text, *rest, **more):
        if "sum" in text:
            raise KeyError(text)
        return real(text, *rest, **more)

    real = fuzzing.read
    monkeypatch.setattr(fuzzing, "read", broken)
    faults = Fuzzer(front("iverson"), seed=0, guided=False).run(texts=300)
    assert faults and all("KeyError" in f for f in faults)
    monkeypatch.setattr(fuzzing, "read", real)
    monkeypatch.setattr(fuzzing, "written", lambda t, to: "\n".join(f"{n}: scalar" for n in t.inputs) + "\nL = 3")
    assert any("another program" in f for f in Fuzzer(front("iverson"), seed=0, guided=False).run(texts=300))


def test_guidance_reaches_more():
    guided = Fuzzer(front("iverson"), seed=0, guided=True)
    seeds = len(guided.pool)
    assert not guided.run(texts=120) and guided.reached and len(guided.pool) > seeds


def test_every_form_is_a_seed():
    assert {r[0] for r in FORMS} - {"auto"} == set(FRONTS)
