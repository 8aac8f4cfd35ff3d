"""For tests of your own: an assertion that a hand-written gradient is right, which prints the diagnosis where it is not."""

from __future__ import annotations

from typing import Any

from .api import check


def assert_gradient(loss: Any, wrt: str, candidate: Any, **options: Any) -> None:
    """Raise AssertionError with the diagnosis unless `candidate` is the gradient of `loss` by `wrt`.

    candidate   a formula, or a Python function that takes inputs of the loss by name and returns the gradient
    options     those of `check`: notation, sizes, kinds, order, lang, candidate_notation

    >>> assert_gradient("sum(x.^2)", "x", lambda x: 2*x)
    """
    __tracebackhide__ = True
    verdict = check(loss, wrt, candidate, **options)
    if not verdict:
        raise AssertionError(repr(verdict))
