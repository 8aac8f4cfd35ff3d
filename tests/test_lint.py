"""Whole notes: every planted slip is named at its line, and nothing that is right is called wrong."""

import json
from pathlib import Path

import pytest

import iverson as iv
from iverson.faces.cli import main
from iverson.notes.causes import CAUSES, CONDITIONS
from iverson.notes.findings import LANGUAGES, SAID, STATUSES

NOTES = Path(__file__).parent / "notes"

# file, line -> what is wrong there; all other lines are right, conditional or definitions
SLIPS = {
    "ridge.md":  {20: "of-term", 22: "factor", 49: "sign", 60: "no-return"},
    "fenlei.md": {21: "index", 30: "sign", 42: "disjoint", 52: "turned", 71: "stale"},
}
CONDITIONAL = {
    "ridge.md":  {32: "symmetric"},
    "fenlei.md": {23: "sum", 26: "sum", 40: "kink"},
}
UNREADABLE = {"ridge.md": {24, 55}, "fenlei.md": set()}


@pytest.fixture(scope="module", params=sorted(SLIPS))
def linted(request):
    return request.param, iv.lint(NOTES / request.param)


def test_every_planted_slip_is_named_and_nothing_else_is_wrong(linted):
    name, found = linted
    assert {f.line: f.labels[0] for f in found.wrong} == SLIPS[name]


def test_conditions_are_named(linted):
    name, found = linted
    assert {f.line: f.labels[0] for f in found.findings if f.status == "conditional"} == CONDITIONAL[name]


def test_what_is_not_readable_says_why(linted):
    name, found = linted
    unread = [f for f in found.findings if f.status == "unreadable"]
    assert {f.line for f in unread} == UNREADABLE[name] and all(f.reason for f in unread)


def test_enough_is_judged(linted):
    _, found = linted
    assert found.judged_displays >= 0.9 * found.displays > 10


def test_the_two_notes_hold_enough_claims():
    assert sum(iv.lint(NOTES / n).counts[s] for n in SLIPS for s in ("right", "wrong", "conditional")) >= 25


# -- single formulas ------------------------------------------------------------------------------------------

RIGHT = [
    r"$$f = \sum_i x_i^2$$ $$\frac{\partial f}{\partial x_k} = 2 x_k$$",
    r"$$f = \log\det(S)$$ $$\frac{\partial f}{\partial S} = S^{-T}$$",
    r"$$z = Wx + b, \quad a = \sigma(z), \quad J = \frac{1}{2}\|a - y\|^2$$ $$\delta = (a - y) \odot a \odot (1 - a)$$"
    r"$$\frac{\partial J}{\partial z} = \delta$$ $$\frac{\partial J}{\partial W} = \delta x^T, \quad \frac{\partial J}{\partial b} = \delta$$",
    r"$$\frac{\partial}{\partial x} e^{2x} = 2 e^{2x}$$",
    r"$$L = \frac{1}{N}\sum_{i=1}^N (w^T x^{(i)} - y^{(i)})^2$$ $$\nabla_w L = \frac{2}{N}\sum_{i=1}^N (w^T x^{(i)} - y^{(i)}) x^{(i)}$$",
    r"$$w = w - \eta \frac{\partial L}{\partial w}$$",
    r"$$\frac{\partial^2}{\partial x^2} x^3 = 6 x$$",
    r"$$\frac{\partial L}{\partial w} = X^T (p - y)$$",      # L is given in words
    r"$$L = \|Xw - y\|^2$$ $$\frac{\partial L}{\partial w} = 0$$",
    r"$$\sum_{i<j} x_i x_j = \frac{1}{2} \left( \left(\sum_i x_i\right)^2 - \sum_i x_i^2 \right)$$",
    r"$$h = \max(0, 1 - t w^T x)$$ $$\frac{\partial h}{\partial w} = -1\{t w^T x < 1\} t x$$",
    r"$$\sigma'(x) = \sigma(x)(1 - \sigma(x))$$",
    r"$$L = \frac{1}{n}\sum_{i=1}^n (\hat{y}_i - y_i)^2$$ $$\frac{\partial L}{\partial w_j} = \frac{2}{n}\sum_{i=1}^n (\hat{y}_i - y_i) x_{ij}$$",
    r"$$L = \frac{1}{n}\sum_{i=1}^n (\hat{y}_i - y_i)^2 = \frac{1}{n}\sum_{i=1}^n (w x_i + b - y_i)^2$$",
    r"$$u^{[1]} = V^{[1]} x, \quad h = \tanh(u^{[1]}), \quad o = \sigma(V^{[2]} h)$$ $$L = -t \log o - (1 - t) \log(1 - o)$$"
    r"$$\delta = o - t$$ $$\frac{\partial L}{\partial V^{[2]}} = \delta h^T$$",
    "$$p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}}$$\nWhen $i = j$:\n$$\\frac{\\partial p_i}{\\partial z_j} = p_i(1 - p_j)$$\n"
    "当 $i \\neq j$ 时：\n$$\\frac{\\partial p_i}{\\partial z_j} = -p_i p_j$$\n$$\\frac{\\partial p_i}{\\partial z_j} = p_i(\\delta_{ij} - p_j)$$",
    r"$$a^l = \tanh(z^l)$$ $$\delta^l = (1 - a^l a^l) d^l = d^l - a^l$$",
    r"$$p_i = \text{softmax}(z_i) = \frac{e^{z_i}}{\sum_k e^{z_k}}$$ $$\frac{\partial p_i}{\partial z_j} = p_i([i{=}j] - p_j)$$",
    r"$$\text{Var}(2 x) = 4 \text{Var}(x)$$",
    r"$$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial a} \cdot \frac{\partial a}{\partial w}$$",
    r"$$h = \frac{1}{2}\|w\|^2 - \sum_{i=1}^n \alpha_i (t_i (w^T x_i + b) - 1)$$ $$\frac{\partial h}{\partial w} = w - \sum_i \alpha_i t_i x_i = 0$$",
]
JUDGED = [    # what is right, and judged: none is left unread
    r"$$a = \tanh(z), \quad L = \frac12\|a - t\|^2$$ $$\frac{\partial L}{\partial z} = (a - t) \odot (1 - a^2)$$",
    r"$$\sigma(z) = \frac{1}{1 + e^{-z}}$$ $$\sigma'(z) = \sigma(z)(1 - \sigma(z))$$",
    r"$$J(\theta) = \|X\theta - y\|^2$$ $$J_r(\theta) = J(\theta) + \lambda\|\theta\|^2$$ "
    r"$$\nabla_\theta J_r = 2X^T(X\theta - y) + 2\lambda\theta$$",
    r"$$f(w) = \|Xw - y\|^2 + \lambda\|w\|^2$$ $$\nabla f(w) = 2X^TXw - 2X^Ty + 2\lambda w$$ $$\nabla^2 f(w) = 2X^TX + 2\lambda I$$",
    r"$$p_k = \frac{e^{s_k}}{\sum_j e^{s_j}}, \quad L = -\log p_y, \quad s = Wx$$ "
    r"$$\frac{\partial L}{\partial W} = (p - \text{onehot}(y))x^\top$$",
    r"$$J = -\log\sigma(u_o^\top v_c) - \sum_{k=1}^K \log\sigma(-u_k^\top v_c)$$ "
    r"$$\frac{\partial J}{\partial u_o} = (\sigma(u_o^\top v_c) - 1)v_c$$ $$\frac{\partial J}{\partial u_k} = (1 - \sigma(-u_k^\top v_c))v_c$$",
    r"$$\log p(x|\mu) = -\frac12\|x - \mu\|^2$$ $$\frac{\partial \log p}{\partial \mu} = x - \mu$$",
    r"$$J(W) = \frac{1}{2N}\|XW - Y\|_F^2$$ $$\nabla_W J = \frac1N X^\top(XW - Y)$$",
    r"$$\mu = \frac1m\sum_{i=1}^m x_i, \quad \sigma^2 = \frac1m\sum_{i=1}^m (x_i - \mu)^2, \quad "
    r"\hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}, \quad y_i = \gamma\hat x_i + \beta$$ "
    r"$$\frac{\partial L}{\partial \gamma} = \sum_{i=1}^m \frac{\partial L}{\partial y_i}\hat x_i$$"
    r"$$\frac{\partial L}{\partial \sigma^2} = "
    r"\sum_{i=1}^m \frac{\partial L}{\partial \hat x_i}(x_i - \mu)\cdot\frac{-1}{2}(\sigma^2 + \epsilon)^{-3/2}$$",
    r"$$KL = -\frac12\sum_j (1 + \log\sigma_j^2 - \mu_j^2 - \sigma_j^2)$$ $$\frac{\partial KL}{\partial \sigma_j} = \sigma_j - \frac{1}{\sigma_j}$$",
    "$a = \\tanh(z)$, $L = \\frac12\\|a - t\\|^2$. With another function, $a = \\sigma(z)$:\n"
    "$$\\frac{\\partial L}{\\partial z} = (a - t) \\odot a \\odot (1 - a)$$",
]
WRONG = [
    (r"$$p_k = \frac{e^{s_k}}{\sum_j e^{s_j}}, \quad L = -\log p_y$$ $$\frac{\partial L}{\partial s_j} = p_j$$", "only-if"),
    (r"$$J(W) = \frac{1}{2N}\|XW - Y\|_F^2$$ $$\nabla_W J = \frac1N (XW - Y)X^\top$$", "order"),
    (r"$W \in \mathbb{R}^{m\times n}$ $$z = Wx, \quad L = \frac12\|z\|^2$$ $$\frac{\partial L}{\partial x} = W z$$", "turned"),
    (r"$$f = \sum_i x_i^2$$ $$\frac{\partial f}{\partial x_k} = x_k$$", "factor"),
    (r"$$\sigma'(x) = \sigma(x)(1 + \sigma(x))$$", "term-sign"),
    (r"$$L = \|Xw - y\|^2 + \lambda \|w\|^2$$ $$\nabla_w L = 2X^T(Xw - y)$$", "missing"),
    (r"$$(a + b)^2 = a^2 + b^2$$", None),
    (r"$$\frac{\partial}{\partial x} x^3 = 3 x^3$$", "power"),
    (r"$$f = \sum_{m} a_m b_m$$ $$\sum_{m} a_m b_m = \sum_m a_j b_m$$", "unbound"),
    (r"$$p_i = \frac{e^{s_i}}{\sum_k e^{s_k}}, \quad s_i = \frac{e^{s_i}}{\sum_k e^{s_k}}$$", "itself"),
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_never_called_wrong(text):
    assert iv.lint(text).ok, iv.lint(text)


@pytest.mark.parametrize("text", JUDGED)
def test_what_is_right_is_judged(text):
    found = iv.lint(text)
    assert found.ok and not found.counts["unreadable"] and found.counts["right"] + found.counts["conditional"], found


def test_the_argument_of_a_function_is_not_what_it_is_solved_for_later():
    text = r"$$f(m) = \sum_i (x_i - m)^2$$ $$\frac{\partial f}{\partial m} = -2\sum_i (x_i - m)$$ $$m = \frac1n\sum_{i=1}^n x_i$$"
    assert [f.status for f in iv.lint(text).findings] == ["definition", "right", "definition"]


def test_the_other_layout_is_a_condition():
    found = iv.lint(r"$$f = x^T A y$$ $$\frac{\partial f}{\partial A} = y x^T$$")
    assert found.ok and found.findings[-1].labels == ("layout",)


@pytest.mark.parametrize(("text", "label"), WRONG)
def test_what_is_wrong_is_called_so_with_its_cause(text, label):
    found = iv.lint(text).wrong
    assert len(found) == 1 and (label is None or label in found[0].labels), iv.lint(text)


def test_the_first_wrong_line_is_named_even_when_the_end_is_right():
    text = "$$\\begin{aligned}\n(a - b)(a + b) &= a^2 + b^2 \\\\\n&= a^2 - b^2\n\\end{aligned}$$"
    assert [f.status for f in iv.lint(text).findings] == ["wrong", "right"]
    assert [f.line for f in iv.lint(text).findings] == [2, 3]


def test_a_counter_example_has_small_integers_and_both_values():
    message = iv.lint(r"$$1\{x > 5 \lor x < 10\} = 1\{x > 5\} + 1\{x < 10\}$$").wrong[0].message()
    assert "At x = 7: left 1, right 2." in message


def test_a_name_without_a_value_is_found_in_a_function():
    code = "```python\ndef f(p, y):\n    q = p.copy()\n    q[i, y] -= 1\n    return q\n```\n"
    found = iv.lint(code).wrong
    assert [(f.line, f.column, f.text) for f in found] == [(4, 7, "i")]


def test_code_is_compared_with_the_formulas():
    note = ("$X \\in \\mathbb{R}^{n \\times d}$, $W \\in \\mathbb{R}^{d \\times k}$\n\n$$L = \\|XW - Y\\|_F^2$$\n\n"
            "$$\\frac{{\\partial L}}{{\\partial W}} = 2 X^T (XW - Y)$$\n\n```python\ndef grad(X, W, Y):\n    dW = {}\n    return dW\n```\n")
    note = note.replace("{{", "{").replace("}}", "}")
    assert iv.lint(note.replace("dW = {}", "dW = 2 * X.T @ (X @ W - Y)")).ok
    assert [f.labels for f in iv.lint(note.replace("dW = {}", "dW = X.T @ (X @ W - Y)")).wrong] == [("code",)]


def test_nothing_in_a_note_is_executed(tmp_path):
    mark = tmp_path / "mark"
    iv.lint(f"```python\nimport os\nopen({str(mark)!r}, 'w')\nos.system('touch {mark}')\n__import__('os').remove('x')\n```\n")
    assert not mark.exists()


STRANGE = [
    "", "no formulas", "$$", "$$\\frac{$$", "$a = $", "```python\ndef f(:\n```", "$$a = b = $$", "$x_{$ $$=$$", "\\begin{align}",
    "$$" + "(" * 300 + "$$ $a=b$", "$$x = " + "+".join("x_i" for _ in range(50)) + "$$",
]


@pytest.mark.parametrize("text", STRANGE)
def test_any_text_is_linted_without_an_exception(text):
    assert iv.lint(text).ok


# -- output ---------------------------------------------------------------------------------------------------

def run(args, capsys):
    try:
        main(args)
        code = 0
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().out


def test_the_command_line_gives_places_and_an_exit_status(capsys, tmp_path):
    code, out = run(["lint", str(NOTES / "ridge.md")], capsys)
    assert code == 1 and f"{NOTES / 'ridge.md'}:49:4: wrong." in out and "definition  [" not in out
    good = tmp_path / "good.md"
    good.write_text("$$(a - b)(a + b) = a^2 - b^2$$")
    assert run(["lint", str(good)], capsys)[0] == 0
    assert run(["lint", str(tmp_path / "none.md")], capsys)[0] == 2


def test_json_sarif_and_html_hold_the_findings(capsys):
    note = str(NOTES / "fenlei.md")
    record = json.loads(run(["lint", note, "--format", "json"], capsys)[1])
    assert record["counts"]["wrong"] == 5 and not record["ok"]
    sarif = json.loads(run(["lint", note, "--format", "sarif", "--lang", "zh"], capsys)[1])
    results = sarif["runs"][0]["results"]
    assert sarif["version"] == "2.1.0" and sum(r["level"] == "error" for r in results) == 5
    assert all(r["locations"][0]["physicalLocation"]["region"]["startLine"] > 0 for r in results)
    page = run(["lint", note, "--format", "html"], capsys)[1]
    assert page.startswith("<!DOCTYPE html>") and page.count('<span class="wrong">') >= 5 and "http" not in page


def test_messages_come_in_two_languages():
    found = iv.lint(NOTES / "fenlei.md", lang="zh")
    assert "错误" in found.text() and "wrong" not in found.text()
    with pytest.raises(iv.IversonError, match="no language"):
        iv.lint("$a = b$", lang="fr")


@pytest.mark.parametrize("table", [CAUSES, CONDITIONS, SAID])
def test_every_sentence_has_both_languages_with_the_same_gaps(table):
    from string import Formatter

    for key, texts in table.items():
        gaps = [{g for _, g, _, _ in Formatter().parse(t) if g} for t in texts]
        assert len(texts) == len(LANGUAGES) and gaps[0] == gaps[1], key
    assert set(STATUSES) <= set(SAID)
