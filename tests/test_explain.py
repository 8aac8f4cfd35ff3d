"""Explanations: every line is true, every rule has words in both languages, and the golden files read well.

`pytest tests/test_explain.py --update` writes the golden files anew; read them before committing.
"""

import re
import shutil
import string
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import iverson as iv
from iverson.core.node import TWO, mul, walk
from iverson.derivation.local import RULES, rule_name
from iverson.explain.chapters import lines
from iverson.explain.explanation import explanation
from iverson.explain.lines import Book, replay_program
from iverson.lang.kinds import Input
from iverson.lang.shapes import array
from iverson.lang.show import show
from iverson.lang.surface import Equation, names_in
from iverson.lang.surface import walk as written
from iverson.meaning.reference import value_at
from iverson.meaning.sample import instances
from iverson.meaning.surface_eval import evaluate
from iverson.meaning.verify import read_back
from iverson.rules.calculus import CALCULUS
from iverson.rules.words import FORMS, WORDS
from losses import BCE, FACTORS, SOFTMAX, SOFTMAX_BY_P, SVM

GOLDEN = Path(__file__).parent / "golden"
NOTES = {"svm": SVM, "softmax1": SOFTMAX, "softmax2": SOFTMAX_BY_P}
SCALARS = {"x": "scalar", "y": "scalar"}
ONE_SAMPLE = "x: vector[D]\nW: param[D, K]\ny: label in K\ns = W'*x\nL = sum[k != y] max(0, s[k] - s[y] + 1)"
LAYERS = "h = tanh(A*x + a)\nz = B*h + c\nL = sum((z - y).^2)"

# a text, what it is derived by, options
LOSSES = [
    (SVM,                                  "W",     {}),
    (SOFTMAX,                              "W",     {}),
    (SOFTMAX_BY_P,                         "W",     {}),
    (ONE_SAMPLE,                           "W",     {}),
    (FACTORS,                              "U",     {}),
    (FACTORS,                              "b",     {}),
    (BCE.replace("z", "(w'*x+b)"),         "w",     {"kinds": {"y": "scalar"}}),
    ("sigmoid(u'*v + b)",                  "u",     {}),
    ("tanh(x)",                            "x",     {}),
    ("W*x",                                "x",     {}),
    ("x*W",                                "x",     {"kinds": {"x": "row"}}),
    ("z = W*x",                            "W",     {"upstream": "delta"}),
    ("z = W*x\nh = tanh(z)",               "W",     {"upstream": "delta"}),
    ("-sum(y.*log(softmax(theta)))",       "theta", {}),
    ("theta: vector[K]\ny: simplex[K]\n-sum(y.*log(softmax(theta)))", "theta", {}),
    ("min(x^2, exp(y))",                   "y",     {"kinds": SCALARS}),
    ("max(0, x^3)",                        "x",     {"kinds": SCALARS}),
    ("2*s[1] - 3*s[2] + exp(s[3])",        "s",     {}),
    ("norm2(A*x - y)^2",                   "x",     {}),
    ("logdet(X)",                          "X",     {}),
    ("inv(X)",                             "X",     {}),
    ("x'*A*x",                             "x",     {}),
    ("sum(log(1 + exp(-y.*(X*w))))",       "w",     {}),
    (LAYERS,                               "A",     {"kinds": {"a": "vector", "c": "vector"}}),
    ("A: symmetric[n]\nB: matrix[n, n]\ntr(A*B)", "A", {"symmetric": "entries"}),
    ("S: symmetric[n]\nB: matrix[n, n]\ntr(B*expm(S))", "S", {}),
    ("S: symmetric[n]\nlambda_max(S) + sum(eigvals(S).^2)", "S", {"symmetric": "projected"}),
    ("S: spd[n]\np: scalar\ntr(S^p)",     "S",      {}),
    ("S: spd[n]\np: scalar\nB: matrix[n, n]\ntr(B*S^p)", "p", {}),
    ("C: spd[n]\nB: matrix[n, n]\ntr(B*cholesky(C))", "C", {}),
    ("Q: orthogonal[n]\nx'*Q*Q'*x",       "x",      {}),
    ("Q: orthonormal[m, n]\nA: matrix[m, n]\ntr(Q'*A)", "Q", {"symmetric": "projected"}),
    ("u: unit[n]\nu'*A*u",                "u",      {"symmetric": "projected"}),
    ("Y: onehot[N, K]\nZ: matrix[N, K]\n-sum(Y.*logsoftmax(Z))", "Z", {}),
    ("L: lower[n]\nB: matrix[n, n]\ntr(B*L*L')", "L", {"symmetric": "projected"}),
    ("prod[i] x[i]",                       "x",     {}),
    ("sum([x > 0])",                       "x",     {}),
    ("f: function\nsum(f(x))",             "x",     {}),
    ("softmax(v*o')*(-v)",                 "v",     {}),
]
NAMES = [f"{text.splitlines()[-1][:30]} by {wrt}" for text, wrt, _ in LOSSES]


def derived(text, wrt, options):
    return iv.derive(text, wrt, verified=False, **options).derived


def told(d, lang="en", format="text", **options):
    return explanation(d.program, d.adjoint, d.answer, lang, format, **options)


# ---- golden files


@pytest.mark.parametrize("kind", ["txt", "md"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NOTES)
def test_golden(name, lang, kind, request):
    text = told(derived(NOTES[name], "W", {}), lang, {"txt": "text", "md": "markdown"}[kind])
    path = GOLDEN / f"explain_{name}_{lang}.{kind}"
    if request.config.getoption("--update"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_svm_is_told_as_in_the_note():
    text = told(derived(SVM, "W", {}))
    assert 40 <= len(text.splitlines()) <= 60
    for part in (
        "only this term of L contains s",
        "at the kink u = 0 the slope 0 is taken",
        "with q[i,k] = [s[i,k] - s[i,y[i]] + 1 > 0]",
        "[i = n]*[k = m] keeps only the term n = i, m = k",
        "the condition m != y[n] becomes the bracket [k != y[i]]",
        "= ([k != y[i]]*q[i,k] - [k = y[i]]*sum[m != y[i]] q[i,m])/N",
        "chain rule: W enters L through s, and directly",
        "sum[i] X[i,d]*ds[i,k] is entry (d,k) of X'*ds",
        "dW = X'*ds + 2*reg*W",
    ):
        assert part in text


def test_both_methods_end_in_the_same_formula():
    ends = [told(derived(NOTES[n], "W", {})).rstrip().splitlines()[-1].split() for n in ("softmax1", "softmax2")]
    assert ends[0] == ends[1] and ends[0][:2] == ["dW", "="]


# ---- words


def test_every_rule_has_words():
    rules = {f"derivative-of-{f}" for f in CALCULUS}
    rules |= {f"{kind}-of" for kind in ("sum", "prod", "max", "min")}
    rules |= {{"add": "sum", "mul": "product", "pow": "power", "el": "element", "br": "bracket"}.get(op, op)
              for op in RULES if op not in ("apply", "red")}
    assert rules <= set(WORDS)


@pytest.mark.parametrize("row", [*WORDS.items(), *FORMS.items()], ids=lambda r: r[0])
def test_words_in_both_languages(row):
    en, zh = row[1]
    assert en and zh and en.isascii() and not zh.isascii()
    gaps = [{g for _, g, _, _ in string.Formatter().parse(text) if g} for text in (en, zh)]
    assert gaps[0] <= gaps[1] or gaps[1] <= gaps[0]


# ---- truth


def draw_for(text, d, options):
    """Values for every array that a line may read: inputs, and differentials such as dX."""
    loss = iv.parse(text, sizes=options.get("sizes"), kinds=options.get("kinds"))
    draw = instances(loss.typed, 1, n=1).draws[0]
    rng = np.random.default_rng(1)
    arrays = {n: 0.5*v if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for n, v in draw.arrays.items()}
    program = replay_program(d.adjoint, d.answer)
    dims = {n: i.type.dims for n, i in program.inputs.items()}
    dims |= {q.name: tuple(i.attr[1] for i in q.indices) for q in program.definitions}
    wanted = {*program.inputs, *(f"d{n}" for n in dims)} - set(arrays) - {q.name for q in program.definitions}
    for n in wanted:
        shape = [k.attr if k.op == "num" else draw.sizes[k.attr] for k in dims[n if n in dims else n[1:]]]
        arrays[n] = rng.normal(size=shape)
    for n, i in program.inputs.items():
        if i.facts:
            arrays[n] = draw.arrays[n]
    return loss, arrays, draw.sizes, program


def false_line(shown, arrays, sizes, program):
    """The first line whose value is not that of the line before it, or of its own unfinished left side."""
    last = {}
    for x in shown:
        if x.node is None:
            continue
        value = value_at(x.node, x.axes, arrays, sizes, program)
        before = [last[x.chain]] if x.chain in last else []
        before += [value_at(x.opening, x.axes, arrays, sizes, program)] if x.opening is not None else []
        if not all(np.allclose(b, value, rtol=1e-5, atol=1e-6) for b in before):
            return x
        last[x.chain] = value
    return None


LOOPED = ("expm(", "cholesky(")    # lines that loops take a minute for
LINES = [pytest.param(*row, marks=pytest.mark.long if any(f in row[0] for f in LOOPED) else ()) for row in LOSSES]


@pytest.mark.parametrize(("text", "wrt", "options"), LINES, ids=NAMES)
def test_every_line_is_true(text, wrt, options):
    d = derived(text, wrt, options)
    shown = lines(d.adjoint, d.answer)
    assert sum(x.node is not None for x in shown) > 1
    _, arrays, sizes, program = draw_for(text, d, options)
    assert false_line(shown, arrays, sizes, program) is None


def test_a_false_line_is_caught():
    d = derived(SVM, "W", {})
    shown = lines(d.adjoint, d.answer)
    values = draw_for(SVM, d, {})[1:]
    places = [n for n, x in enumerate(shown) if x.node is not None]
    for n in places:
        planted = [*shown[:n], replace(shown[n], node=mul(TWO, shown[n].node)), *shown[n + 1:]]
        alone = sum(x.chain == shown[n].chain for x in shown) == 1 and shown[n].opening is None
        assert (false_line(planted, *values) is None) == alone


@pytest.mark.parametrize(("text", "wrt", "options"), LOSSES[:14], ids=NAMES[:14])
def test_every_printed_formula_says_what_its_node_says(text, wrt, options):
    """The text of each line without a pending derivative is read back and evaluated as a dense formula."""
    d = derived(text, wrt, options)
    book = Book(d.adjoint, d.answer)
    _, arrays, sizes, program = draw_for(text, d, options)
    names = [q for q in program.definitions if q.body.op != "tensor"]
    values = {q.name: value_at(q.body, q.indices, arrays, sizes, program) for q in names}
    inputs = {**program.inputs, **{q.name: q for q in names}}
    count = 0
    for x in lines(d.adjoint, d.answer):
        if x.node is None or x.right is None or any(t.op == "call" and t.attr == "D" for t in written(x.right)):
            continue
        left = tuple(book.writer.names.assign(x.axes)[i] for i in x.axes) if x.kind == "equal" else ()
        asked = Equation("value_", left, x.right)
        known = {n: as_input(n, q) for n, q in inputs.items() if n in names_in(x.right)}
        t = read_back(known, [asked], {"value_": tuple(i.attr[1] for i in x.axes)})
        got = evaluate(t, {n: v for n, v in {**arrays, **values}.items() if n in known}, ["value_"], sizes=sizes)["value_"]
        assert np.allclose(got, value_at(x.node, x.axes, arrays, sizes, program), rtol=1e-9, atol=1e-12), show(x.right)
        count += 1
    assert count


def as_input(name, q):
    return q if isinstance(q, Input) else Input(name, "data", array(tuple(i.attr[1] for i in q.indices)), declared=True)


@pytest.mark.parametrize(("text", "wrt", "options"), LOSSES, ids=NAMES)
def test_lines_tell_only_what_was_recorded(text, wrt, options):
    """Every local line's node is the start or the end of a recorded step; no line repeats the last one."""
    d = derived(text, wrt, options)
    shown = [x for x in lines(d.adjoint, d.answer) if x.right is not None]
    rules = {s.rule for section in d.adjoint.sections for s in section.steps}
    own = {"start", "chain", "found", "put-in", "where", "matrix", "shorter", "convention", "collapse", "tidy", "given", "result",
           "closed", "logistic-ratio", "logistic", "logistic-complement", "sign-square", "tanh-ratio", "tan-ratio", ""}
    for x in shown:
        assert set(x.rule.split("+")) <= rules | own
        assert all(rule_name(g.args[0]) in WORDS or rule_name(g.args[0]).startswith("derivative-of-")
                   for g in walk(x.node) if g.op == "deriv") if x.node is not None else True
    assert all((a.left, a.right) != (b.left, b.right) for a, b in pairwise(shown) if a.chain and a.chain == b.chain)


# ---- pages


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("text", "wrt", "options"), LOSSES, ids=NAMES)
def test_pages_are_well_formed(text, wrt, options, lang):
    d = derived(text, wrt, options)
    page = told(d, lang, "latex")
    for environment in ("aligned", "enumerate", "itemize"):
        assert page.count(rf"\begin{{{environment}}}") == page.count(rf"\end{{{environment}}}")
    plain = page.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}") and page.count(r"\left") == page.count(r"\right")
    assert page.count("$") % 2 == 0 and page.count(r"\[") == page.count(r"\]") > 1
    sheet = told(d, lang, "markdown")
    inline = [x for row in re.sub(r"\$\$.*?\$\$", "", sheet, flags=re.S).splitlines() for x in row.split("$")[1::2]]
    assert inline and all(x == x.strip() for x in inline)
    assert sheet.count("$$\n\\begin{aligned}") == sheet.count("\\end{aligned}\n$$") > 1 and r"\{" not in sheet


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_latex_compiles(lang, tmp_path):
    """Chinese words are replaced by a letter: what is tried is the mathematics, not the fonts."""
    body = "\n".join(told(derived(*loss), lang, "latex") for loss in LOSSES)
    whole = told(derived(*LOSSES[0]), "en", "latex", standalone=True)
    page = re.sub("[^\x00-\x7f]", "x", whole.replace("\\end{document}", body + "\n\\end{document}"))
    (tmp_path / "t.tex").write_text(page)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_chinese_document_loads_ctex():
    page = told(derived(*LOSSES[0]), "zh", "latex", standalone=True)
    assert page.startswith("\\documentclass") and "ctex" in page and page.rstrip().endswith("\\end{document}")


def test_unknown_language_and_format_are_refused():
    d = derived(*LOSSES[0])
    with pytest.raises(iv.IversonError, match="lang is one of"):
        told(d, "fr")
    with pytest.raises(iv.IversonError, match="lang is one of"):
        told(d, "en", "pdf")
