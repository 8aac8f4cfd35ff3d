"""Explanations that a reader can enjoy, kept as files: `pytest tests/test_golden.py --update` writes them anew."""

from pathlib import Path

import numpy as np
import pytest

import iverson as iv
from iverson.explain.lines import Lines
from iverson.meaning.reference import value_at
from iverson.rewrite.trace import Section
from iverson.rules.calculus import CALCULUS
from iverson.rules.words import FUNCTIONS, WORDS
from losses import SOFTMAX, SOFTMAX_BY_P, SVM

GOLDEN = Path(__file__).parent / "golden"
LOSSES = {"svm": SVM, "softmax_by_log_sum_exp": SOFTMAX, "softmax_by_p": SOFTMAX_BY_P}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", LOSSES)
def test_explanation(name, lang, request):
    text = iv.derive(LOSSES[name], "W").explain(lang)
    path = GOLDEN / f"{name}_{lang}.txt"
    if request.config.getoption("--update"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def lines_of(text, wrt, lang="en"):
    d = iv.derive(text, wrt).derived
    return d, list(Lines(d.program, d.adjoint, d.answer, lang).all())


def test_both_methods_end_in_the_same_closed_form():
    assert repr(iv.derive(SOFTMAX, "W")) == repr(iv.derive(SOFTMAX_BY_P, "W"))


def test_both_languages_say_every_rule():
    assert {f"derivative-of-{n}" for n in CALCULUS} == {f"derivative-of-{n}" for n in FUNCTIONS}
    assert all(len(row) == 2 and all(row) for row in (*WORDS.values(), *FUNCTIONS.values()))


def replayed(d, lines, seed=0):
    """Whether consecutive lines of each chain of equalities have the same value; the first line where they do not."""
    from iverson.meaning.sample import instances

    typed = iv.parse(SVM if "q" in d.dims else SOFTMAX).typed
    draw = instances(typed, seed, n=1).draws[0]
    arrays = dict(draw.arrays)
    rng = np.random.default_rng(seed)
    for name, dims in d.dims.items():
        if name not in arrays:
            arrays[name] = rng.normal(size=[draw.sizes[n.attr] for n in dims]) if name.startswith("d") else None
    last = None
    for line in lines:
        if line.node is None:
            continue
        known = {k: v for k, v in arrays.items() if v is not None}
        value = value_at(line.node, line.axes, known, draw.sizes, d.program)
        if line.left is None and not np.allclose(value, last, rtol=1e-6, atol=1e-8):
            return line
        last = value
    return None


@pytest.mark.parametrize("text", [SVM, SOFTMAX])
def test_every_line_is_true(text):
    d, lines = lines_of(text, "W")
    assert sum(line.node is not None for line in lines) > 10
    assert replayed(d, lines) is None


def test_a_broken_step_is_caught(monkeypatch):
    from iverson.core.node import TWO, mul

    honest = Section.step

    def broken(self, rule, after):
        return honest(self, rule, mul(TWO, after) if rule == "collapse" else after)

    monkeypatch.setattr(Section, "step", broken)
    with pytest.raises(iv.IversonError, match="differences give"):
        iv.derive(SVM, "W")


def test_a_false_derivative_row_is_caught(monkeypatch):
    from iverson.rewrite.rule import Derivative

    monkeypatch.setitem(CALCULUS, "exp", Derivative("exp", ("2*exp(x)",)))
    with pytest.raises(iv.IversonError, match="differences give"):
        iv.derive("sum(exp(A*x))", "x")


def test_markdown_and_latex():
    d = iv.derive(SVM, "W")
    for format, block in (("markdown", "aligned"), ("latex", "align*")):
        text = d.explain("en", format)
        assert text.count(f"\\begin{{{block}}}") == text.count(f"\\end{{{block}}}") > 3
        assert text.count("{") == text.count("}")


def test_the_text_does_not_depend_on_what_came_before():
    before = iv.derive(SOFTMAX_BY_P, "W").explain()
    for text in ("sum(exp(A*x))", "x'*A*x", "logsumexp(X*w)"):
        iv.derive(text, "w" if "w" in text else "x")
    assert iv.derive(SOFTMAX_BY_P, "W").explain() == before


@pytest.mark.parametrize("text", ["(-sum[i] x[i])*y[0]", "a/(b*sum[i] x[i])", "(sum[i] x[i])*b", "-sum[i] x[i]*b"])
def test_a_sum_sign_keeps_its_parentheses(text):
    from iverson.lang.show import show
    from iverson.lang.syntax import parse_expression

    assert show(parse_expression(show(parse_expression(text)))) == show(parse_expression(text))
    arrays = {"x": [2.0, 3.0], "y": [5.0], "a": 7.0, "b": 2.0}
    used = {n: v for n, v in arrays.items() if n in text}
    kinds = {n: "vector" if n in "xy" else "scalar" for n in used}
    assert iv.parse(show(parse_expression(text)), kinds=kinds).value(**used) == iv.parse(text, kinds=kinds).value(**used)
