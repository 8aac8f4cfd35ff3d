"""The tests of the tests: every row of the rule tables, broken in several ways, is caught by the walk over its table.

A break: the sign turned, a factor 2, something added, an argument replaced, a function replaced.  A break that comes to
the same value is none and is passed over; EQUIVALENT names those that only look different.
"""

import dataclasses
import re

import numpy as np
import pytest

from iverson.lang.syntax import parse_script
from iverson.rewrite.rule import metavariables
from iverson.rules.calculus import CALCULUS, TENSOR
from iverson.rules.matrix import MATRIX
from test_tables import DOMAIN, RULES, holds, rule_holds, value

SWAPS = {"sin": "cos", "cos": "sin", "exp": "sigmoid", "log": "log1p", "sinh": "cosh", "cosh": "sinh", "tanh": "sin",
         "sigmoid": "tanh", "softplus": "exp", "digamma": "log", "tan": "tanh", "cbrt": "tanh", "max": "min", "min": "max",
         "sign": "abs", "abs": "sign", "log1p": "log", "expm1": "exp", "gamma": "exp", "erfinv": "tanh", "polygamma": "max"}
EQUIVALENT: set[tuple[str, str]] = set()


def breaks(text):
    """Texts that say something else, by the kind of break."""
    found = {"sign": f"-({text})", "factor": f"2*({text})", "added": f"({text}) + 1", "square": f"({text})*(1/3 + ({text}))"}
    swapped = re.sub(r"\b([a-z]\w*)\(", lambda m: SWAPS.get(m[1], m[1]) + "(", text, count=1)
    if swapped != text:
        found["function"] = swapped
    elif re.search(r"\bx\b", text):
        found["argument"] = re.sub(r"\bx\b", "(x + 1/7)", text)
    return found


def differs(text, other, domain):
    """Whether two scalar texts have different values somewhere in the domain."""
    rng = np.random.default_rng(3)
    names = metavariables(parse_script(text).equations[0].body) | metavariables(parse_script(other).equations[0].body)
    for _ in range(10):
        at = {n: rng.uniform(*DOMAIN[domain]) for n in names}
        if domain == "order":
            at["x"] = float(rng.integers(1, 4))
        kinds = dict.fromkeys(at, "scalar")
        a, b = (float(value(t, {k: v for k, v in kinds.items() if k in metavariables(parse_script(t).equations[0].body)},
                            {k: v for k, v in at.items() if k in metavariables(parse_script(t).equations[0].body)}))
                for t in (text, other))
        if not np.isclose(a, b, rtol=1e-9, atol=1e-12):
            return True
    return False


def slopes():
    for row in CALCULUS.values():
        for p, text in enumerate(row.partial or ()):
            for kind, other in breaks(text).items() if text else ():
                yield pytest.param(row, p, other, id=f"{row.name}-{p}-{kind}")


@pytest.mark.parametrize(("row", "place", "other"), list(slopes()))
def test_a_broken_slope_is_caught(row, place, other):
    if not differs(row.partial[place], other, row.domain) or (row.name, other) in EQUIVALENT:
        return  # it comes to the same value: no break
    partial = tuple(other if p == place else text for p, text in enumerate(row.partial))
    with pytest.raises(AssertionError):
        holds(dataclasses.replace(row, partial=partial))


def identities():
    for rule in RULES:
        for kind, other in breaks(rule.rhs).items():
            yield pytest.param(rule, other, id=f"{rule.name}-{kind}")


@pytest.mark.parametrize(("rule", "other"), list(identities()))
def test_a_broken_identity_is_caught(rule, other):
    with pytest.raises(AssertionError):
        rule_holds(dataclasses.replace(rule, rhs=other))


@pytest.mark.parametrize("rule", MATRIX, ids=lambda r: r.name)
@pytest.mark.parametrize("kind", ["sign", "factor"])
def test_a_broken_matrix_identity_is_caught(rule, kind):
    from test_tables import test_a_matrix_identity_is_true as walk

    other = dataclasses.replace(rule, rhs=breaks(rule.rhs)[kind])
    with pytest.raises(AssertionError):
        walk(other)


@pytest.mark.parametrize("name", TENSOR)
@pytest.mark.parametrize("how", ["-({})", "2*({})", "({})'"])
def test_a_broken_differential_is_caught(name, how, monkeypatch):
    from iverson.derivation import differential
    from test_tables import test_a_whole_matrix_derivative_is_true as walk

    *before, last = TENSOR[name].split("; ")
    broken = how.format(last) if how != "({})'" else last.replace("dA'", "dA").replace("A)*dA", "A)'*dA").replace("F*dA", "F'*dA")
    if broken == last or name == "eigvals":  # u'*dA*u is u'*dA'*u
        return  # it has no transpose to lose
    monkeypatch.setitem(differential.TENSOR, name, "; ".join([*before, broken]))
    differential._row.cache_clear()
    try:
        with pytest.raises(Exception, match=r"verify|shape|gives|Sizes|A .* times|transpose|differ|square"):
            walk(name)
    finally:
        differential._row.cache_clear()
