"""Tests of the tests: a broken step and a false table row are caught before an answer is given."""

import pytest

import iverson as iv
from iverson.rewrite.trace import Section
from iverson.rules.calculus import CALCULUS
from losses import SOFTMAX, SOFTMAX_BY_P, SVM


def test_both_methods_end_in_the_same_closed_form():
    assert repr(iv.derive(SOFTMAX, "W")) == repr(iv.derive(SOFTMAX_BY_P, "W"))


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
