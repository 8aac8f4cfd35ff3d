"""The tables are walked: every row is compared with numbers, and every join is total."""

import re

import numpy as np
import pytest

import iverson as iv
from iverson.emit.dialects import HELPERS, NUMPY
from iverson.emit.dialects import TENSOR as SPELLED
from iverson.emit.numpy_code import compiled_definition
from iverson.lang.kinds import typed
from iverson.lang.lower import lower
from iverson.lang.ops import COMPOSED, EVEN, OPS, WHOLE
from iverson.lang.structure import STACKED, STRUCTURES
from iverson.lang.syntax import parse_script
from iverson.meaning.reference import WHOLE as LOOPED
from iverson.meaning.reference import reference
from iverson.meaning.sample import instances
from iverson.meaning.structure import HOLDS, KIN, TANGENT, check_facts, with_facts
from iverson.meaning.surface_eval import admitted, evaluate
from iverson.meaning.whole import WHOLE as DENSE
from iverson.rewrite.rule import Rule, metavariables
from iverson.rules.calculus import CALCULUS, STRICT, SYMMETRIC, TENSOR, WITHOUT
from iverson.rules.exact import EXACT, FUNCTIONS, SLOPES
from iverson.rules.facts import FACTS, NOTES
from iverson.rules.index import AS_BRACKETS
from iverson.rules.matrix import IDENTITY, MATRIX
from iverson.rules.names import ALGEBRA
from iverson.rules.stable import STABLE

DOMAIN = {"positive": (0.1, 3.0), "above -1": (-0.9, 3.0), "between -1 and 1": (-0.9, 0.9), "real": (-2.0, 2.0),
          "above 1": (1.1, 3.0), "between 0 and 1": (0.1, 0.9), "order": (0.5, 3.0)}
RULES = (*ALGEBRA, *AS_BRACKETS, *STABLE)


def value(text, kinds, arrays):
    t = typed(parse_script(text), kinds=kinds)
    return np.asarray(evaluate(t, arrays, [t.script.result])[t.script.result])


def holds(row):
    """The derivative of the row against fourth-order differences, by each argument."""
    rng = np.random.default_rng(0)
    names = "xy"[:len(row.partial)]
    kinds = dict.fromkeys(names, "scalar")
    call = f"{row.name}({', '.join(names)})"
    low, high = DOMAIN[row.domain]
    for _ in range(20):
        at = {n: rng.uniform(low, high) for n in names}
        if row.domain == "order":
            at["x"] = float(rng.integers(1, 4))
        if (len(names) == 2 and abs(at["x"] - at["y"]) < 0.01) or (len(names) == 1 and abs(at["x"]) < 0.01):
            continue
        for n, text in zip(names, row.partial, strict=True):
            if not text:
                continue
            f = lambda t, n=n, at=at: float(value(call, kinds, at | {n: at[n] + t}))
            h = 1e-3
            slope = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
            used = {k: at[k] for k in metavariables(parse_script(text).equations[0].body)}
            given = float(value(text, {k: "scalar" for k in used}, used))
            assert given == pytest.approx(slope, rel=1e-6, abs=1e-8), f"{row.name} by {n} is false at {at}"


@pytest.mark.parametrize("row", [r for r in CALCULUS.values() if r.partial is not None], ids=lambda r: r.name)
def test_a_derivative_is_true(row):
    holds(row)


def test_a_false_derivative_is_caught():
    from iverson.rewrite.rule import Derivative

    with pytest.raises(AssertionError, match="exp by x is false"):
        holds(Derivative("exp", ("2*exp(x)",)))


def rule_holds(rule, n=20):
    rng = np.random.default_rng(1)
    left, right = parse_script(rule.lhs).equations[0].body, parse_script(rule.rhs).equations[0].body
    indexed = {m for m in metavariables(left) | metavariables(right) if re.search(rf"\b{m}\[", rule.lhs + rule.rhs)}
    tables = {m for m in indexed if re.search(rf"\b{m}\[\w+,", rule.lhs)}
    for _ in range(n):
        shapes = {m: (4, 4) if m in tables else (4,) if m in indexed else () for m in sorted(metavariables(left) | metavariables(right))}
        arrays = {m: (rng.uniform(-0.9, 2.0, shape) > 0.0)*1.0 if m in rule.masks else rng.uniform(-0.9, 2.0, shape)
                  for m, shape in shapes.items()}
        arrays = {m: np.abs(v) + 0.1 if rule.name == "log-of-one-plus" else v for m, v in arrays.items()}
        kinds = {m: "matrix[n, n]" if m in tables else "vector[n]" if m in indexed else "scalar" for m in arrays}
        sides = [f"k_[k] = {s}" if "[k]" in s and "sum[k]" not in s and "prod[k]" not in s else s for s in (rule.lhs, rule.rhs)]
        a, b = (value(s, kinds, arrays) for s in sides)
        if not np.isfinite(a).all():  # a rule speaks of values at which its left side is defined
            continue
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12), f"{rule.name} is false at {arrays}"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_an_identity_is_true(rule):
    rule_holds(rule)


def test_a_false_identity_is_caught():
    with pytest.raises(AssertionError, match="false-one is false at"):
        rule_holds(Rule("false-one", "log(exp(x))", "x^2", why="planted"))


@pytest.mark.parametrize("rule", [r for r in STABLE if r.breaks], ids=lambda r: r.name)
def test_the_stable_form_holds_where_the_textbook_breaks(rule):
    kinds = dict.fromkeys(rule.breaks, "scalar")
    stable = value(rule.rhs, kinds, rule.breaks)
    assert np.isfinite(stable)


FUNCTION_CODE = {"exp": np.exp, "log": np.log, "np": np}
exec("".join(HELPERS.values()), FUNCTION_CODE)


def code_of(rule, at):
    """The right side of a row of EXACT, by the functions that generated code carries."""
    text = rule.rhs.replace("^", "**")
    for f in sorted(FUNCTIONS, key=len, reverse=True):
        text = re.sub(rf"(?<!_)\b{f}\(", f"_{f}(", text)
    with np.errstate(all="ignore"):
        return eval(text, FUNCTION_CODE | {"log1p": np.log1p}, at)


@pytest.mark.parametrize("rule", (*SLOPES, *EXACT), ids=lambda r: r.name)
def test_an_exact_form_is_true(rule):
    rng = np.random.default_rng(4)
    compared = 0
    for _ in range(40):
        at = {m: rng.uniform(-3.0, 3.0) for m in metavariables(parse_script(rule.lhs).equations[0].body)}
        a = value(rule.lhs, dict.fromkeys(at, "scalar"), at)
        if np.isfinite(a) and min(map(abs, at.values())) > 0.1:
            compared += 1
            assert code_of(rule, at) == pytest.approx(float(a), rel=1e-11, abs=1e-12), f"{rule.name} is false at {at}"
    assert compared > 5
    assert np.isfinite(code_of(rule, {m: np.float64(v) for m, v in rule.breaks.items()}))


def test_a_false_exact_form_is_caught():
    with pytest.raises(AssertionError, match="planted is false"):
        test_an_exact_form_is_true(Rule("planted", "sin(x)/x", "log_ratio(x)", calls=("log_ratio",)))


def test_every_function_of_generated_code_is_used_and_spelled():
    assert set(FUNCTIONS) == {f for r in (*SLOPES, *EXACT) for f in r.calls}
    assert set(FUNCTIONS) <= set(NUMPY) and {f"_{f}" for f in FUNCTIONS} <= set(HELPERS)


def declared(fact, rank, seed=0):
    """Random values of a structure, and how they are declared."""
    x = with_facts(STRUCTURES[fact].facts, np.random.default_rng(seed).normal(size=(4, 4)[:rank]))
    return {"x": f"{fact}[{'n, n' if rank == 2 else 'n'}]"}, {"x": x}


def values_for(rule):
    """Kinds and values of the names of a matrix identity: vectors, or what the row asks for."""
    if rule.fact:
        return declared(rule.fact, 2)
    rng, names = np.random.default_rng(2), metavariables(parse_script(rule.lhs).equations[0].body)
    if "slopes" in rule.lhs or "sqrtm" in rule.rhs:  # functions of one definite matrix
        return {"x": "spd", "y": "scalar"}, {"x": declared("spd", 2)[1]["x"], "y": 1.7}
    if "tri" in rule.lhs or "*ones(" in rule.lhs:
        return dict.fromkeys("xy", "matrix[4, 4]"), {n: rng.normal(size=(4, 4)) for n in "xy"}
    scalar = "x^" in rule.lhs and "sum" not in rule.lhs and "'" not in rule.lhs
    kinds = {m: "scalar" if scalar or f"^({m}" in rule.lhs else "vector[n]" if m == "x" else "vector[m]" for m in names}
    return kinds, {m: rng.uniform(0.2, 2.0, {"scalar": (), "vector[n]": 4, "vector[m]": 3}[k]) for m, k in kinds.items()}


def of_size(text):
    """A text with the sizes in it written out."""
    return re.sub(r"\bones\([mn, ]+\)", lambda m: re.sub(r"\b[mn]\b", "4", m[0]), text)


@pytest.mark.parametrize("rule", MATRIX, ids=lambda r: r.name)
def test_a_matrix_identity_is_true(rule):
    kinds, arrays = values_for(rule)
    used = [n for n in kinds if re.search(rf"\b{n}\b", rule.lhs)]
    left, right = (value(of_size(t), {n: kinds[n] for n in used}, {n: arrays[n] for n in used}) for t in (rule.lhs, rule.rhs))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-12), rule.name


@pytest.mark.parametrize("rule", IDENTITY, ids=lambda r: r.name)
def test_a_product_that_is_the_identity_is_it(rule):
    assert value(rule.lhs, *declared(rule.fact, 2)) == pytest.approx(np.eye(4), abs=1e-12), rule.name


def entries(text):
    """A fact about entries as the definition of an array of them."""
    free = sorted({*"".join(re.findall(r"x\[([a-z,]+)\]", text))} - {",", *re.findall(r"sum\[(\w)\]", text)})
    return f"f[{','.join(free)}] = {text}; f" if free else text


@pytest.mark.parametrize(("fact", "rule"), [(f, r) for f, rows in FACTS.items() for r in rows], ids=str)
def test_facts_are_true(fact, rule):
    kinds, arrays = declared(fact, 2 if "," in rule.lhs else 1)
    right = {"[i = j]": np.eye(4), "x[i,k]": arrays["x"]}.get(rule.rhs) if rule.rhs not in "01" else float(rule.rhs)
    assert np.allclose(value(entries(rule.lhs), kinds, arrays), right, rtol=1e-12, atol=1e-12), rule.name


@pytest.mark.parametrize("fact", STRUCTURES)
def test_drawn_values_have_what_is_declared_and_others_are_refused(fact):
    rng = np.random.default_rng(4)
    v = rng.normal(size=(5, 5)[: STRUCTURES[fact].ranks[-1] if fact != "positive" else 2])
    check_facts("A", STRUCTURES[fact].facts, with_facts(STRUCTURES[fact].facts, v))
    with pytest.raises(iv.IversonError, match=f"A .*declared .*{fact if fact != 'orthogonal' else 'ortho'}"):
        check_facts("A", STRUCTURES[fact].facts, v)


def test_every_structure_is_drawn_checked_and_told():
    holds, kin = ({k for k in table if not k.startswith(STACKED)} for table in (HOLDS, KIN))
    assert {STACKED + r.name for r in STRUCTURES.values() if r.square and 3 in r.ranks} == set(HOLDS) - holds == set(KIN) - kin
    assert holds == set(STRUCTURES) and {*FACTS, *(f for f, *_ in map(np.atleast_1d, NOTES))} <= set(STRUCTURES)
    assert set(TANGENT) <= set(STRUCTURES) and kin | {"orthogonal"} == set(STRUCTURES)


def whole_loss(name):
    """A loss through a function of a whole matrix, and the names it may be derived by."""
    row = OPS[name]
    square = row.shape in ("square", "volume", "spectrum")
    kind = "spd[n]" if name in SYMMETRIC else "matrix[n, n]" if square else "matrix[m, n]"
    kind = "skew[n]; C: spd[n]" if name in ("trsqrtm", "trmatpow") else kind  # a symmetric argument would hide a lost transpose
    matrix = "A + C" if "C:" in kind else "A*A'" if name == "cholesky" else "A"
    weights = {"flip": "B: matrix[n, m]", "spectrum": "b: vector[n]", "volume": "", "measure": ""}
    weight = weights.get(row.shape, f"B: {kind if kind != 'spd[n]' else 'matrix[n, n]'}")
    value = f"{name}({matrix}{', p' if row.arity[0] > 1 else ''})"
    loss = {"B": f"sum(B.*{value})", "b": f"b'*{value}"}.get(weight[:1], value)
    lines = [f"A: {kind}", *(["p: scalar = 1.5"] if row.arity[0] > 1 else []), *([weight] if weight else []), loss]
    return "; ".join(lines), ("A", "p") if row.arity[0] > 1 else ("A",)


@pytest.mark.parametrize("name", TENSOR)
def test_a_whole_matrix_derivative_is_true(name):
    loss, names = whole_loss(name)
    for wrt in names:
        assert iv.derive(loss, wrt).verified


@pytest.mark.parametrize("name", TENSOR)
def test_a_false_whole_matrix_derivative_is_caught(name, monkeypatch):
    monkeypatch.setitem(TENSOR, name, TENSOR[name].replace("dA", "(2*dA)"))
    with pytest.raises(iv.IversonError, match="differences give"):
        iv.derive(whole_loss(name)[0], "A")


@pytest.mark.parametrize("name", WHOLE)
def test_three_evaluations_of_a_whole_matrix_function_agree(name):
    """Dense, by loops, and in generated code."""
    loss, _ = whole_loss(name)
    t = typed(parse_script(loss))
    arrays = instances(t, 3, n=1).draws[0].arrays
    given, sizes = admitted(t, arrays)
    seen, program = evaluate(t, arrays)[t.script.result], lower(t)
    unsigned = np.abs if name == "eigvecs" else np.asarray
    if name != "eigvecs":  # whose signs are free
        assert reference(program, given, sizes)[program.result] == pytest.approx(seen, rel=1e-6)
        assert compiled_definition(program, program.result)(**arrays) == pytest.approx(seen, rel=1e-9)
    assert np.isfinite(unsigned(seen))


def test_joins_are_total():
    functions = {row.name for row in OPS.values() if row.shape in ("map", "map2", "extreme") and row.meaning is None}
    assert functions <= set(CALCULUS) and functions <= set(NUMPY)
    assert set(STRICT) <= set(CALCULUS) and {*TENSOR, *WITHOUT} == set(WHOLE)
    assert set(WHOLE) <= set(LOOPED) and set(WHOLE) <= set(DENSE) and set(WHOLE) | {"adj"} == set(SPELLED)
    assert {*EVEN, *SYMMETRIC} <= set(WHOLE) and {*COMPOSED.values()} <= set(OPS)


def test_a_function_without_a_rule_is_named():
    with pytest.raises(iv.IversonError, match="floor has no derivative rule"):
        iv.derive("sum(floor(x))", "x")


def test_the_page_of_operators_is_printed_from_the_tables():
    from pathlib import Path

    from iverson.faces.operators import page

    committed = Path(__file__).parent.parent / "docs" / "operators.md"
    assert committed.read_text("utf-8") == page(), "run: python -m iverson.faces.operators > docs/operators.md"
