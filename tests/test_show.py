"""Formulas as text, LaTeX and Unicode: plain text reads back as the same tree, LaTeX compiles."""

import re
import shutil
import subprocess

import pytest

from iverson.lang.show import equation_text, show
from iverson.lang.show_latex import equation_latex, latex
from iverson.lang.show_unicode import equation_unicode, unicode_text
from iverson.lang.surface import call, name
from iverson.lang.syntax import parse_expression, parse_script

FORMULAS = """
X'*W
X'*ds + 2*reg*W
X'*(p - onehot(y))/N
([k != y[i]]*q[i,k] - [k = y[i]]*sum[m != y[i]] q[i,m])/N
(sum[i] X[i,j]*(p[i,k] - [k = y[i]]))/N + 2*W[j,k]*reg
mean[i] sum[k != y[i]] max(0, s[i,k] - s[i,y[i]] + 1) + reg*sum(W.^2)
mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + lambda*sum(W.^2)
exp(s[i,k])/sum[m] exp(s[i,m])
s*(1 - s)*v
-log(sigmoid(u'*v + b))
norm2(A*x - y)^2
X/norm2(X)
2*A'*(A*x - y)
diag(1 - tanh(x).^2)
inv(X)'
-inv(X)[m,j]*inv(X)[i,k]
logdet(X) + det(C)
sum[n] [i = u[n]]*V[v[n],r]*dz[n]
2*[i = 1] - 3*[i = 2] + exp(s[3])*[i = 3]
[x^2 >= exp(y)]*exp(y)
[a < 1 and b >= 2 or not c = 3]
[not (a < b and c < d)]
prod[k: k != i] x[k]
sum[i,j: i < j] (x[i] - x[j])^2
sum[n,m: m != y[n]] q[n,m]
x.^2.*y
x.*y./(1 + z)
x^-1
x^(1/2)
2^3
(a^b)^c
a^(b^c)
-x^2
(-x)^2
-(a + b)
a - (b - c)
a - b - c
a + (b + c)
a/(b*c)
a/b*c
a*(b/c)
a*b/c/d
1/2*x
0.5*x
2*(3/4)
(a + b)*(c + d)
3*2*x
2*(x*y')*z
f'(x)
alpha*beta + theta1*x_2
W1[i,j]*w_0
X[:,1] + X[2,:]'
argmax[k] s[i,k]
max[k] z[k]
abs(x) + norm1(w) + floor(y)
softmax(theta)
-dtheta'*ones(n) + eye(3)*x
sum[i] sum[j] A[i,j]*x[j]
sum[i] (sum[j] A[i,j]*x[j])^2
(sum[i] x[i])*y
(sum[i] x[i])^2
-sum[j] x[j]
-(sum[j] x[j])*y
sum[j] x[j]*y[j]*sum[k] z[k]
sum[k] (a + b[k])
(sum[k] b[k])*[a < b]
mean[k] x[k]/2
(mean[k] x[k])/2
x'*A*x
(A*x)'
a^b'
A*(B*C)
A*B*C
log(x)/log(2)
max(a, b, c)
[a = b]*[b != c]
exp(-x.^2/2)
a*(-b)
y[u[n]]
x[i+1] - x[2*i]
tr(A*X*B)
(-a + b)*c
3 - -x
[i = j]*(1 - tanh(x[i])^2)
""".strip().splitlines()


def parsed(text):
    return parse_expression(text, ["f"])


@pytest.mark.parametrize("text", FORMULAS)
def test_plain_text_reads_back(text):
    tree = parsed(text)
    assert show(tree) == text
    assert parsed(show(tree)) == tree


@pytest.mark.parametrize(("text", "plain"), [
    ("(-a)*b", "-a*b"), ("x^(-1)", "x^-1"), ("1e-7*x", "1e-07*x"), ("(x.*y)./z", "x.*y./z"), ("((a))+(b)", "a + b"),
])
def test_plain_text_settles(text, plain):
    assert show(parsed(text)) == plain == show(parsed(plain))


LATEX = [
    ("X'*ds + 2*reg*W",                     r"X^{\top} \mathrm{d}s + 2\,\mathrm{reg}\,W"),
    ("s*(1 - s)*v",                         r"s\,(1 - s)\,v"),
    ("2*A'*(A*x - y)",                      r"2 A^{\top}(A x - y)"),
    ("(p - onehot(y))/N",                   r"\frac{p - \operatorname{onehot}(y)}{N}"),
    ("exp(s[i,k])/sum[m] exp(s[i,m])",      r"\frac{\exp(s_{ik})}{\sum_{m} \exp(s_{im})}"),
    ("(sum[i] X[i,j]*d[i])/N",              r"\frac{1}{N} \sum_{i} X_{ij} d_{i}"),
    ("a/(b/c)",                             r"\frac{a}{b / c}"),
    ("sum[m != y[i]] q[i,m]",               r"\sum_{m \ne y_{i}} q_{im}"),
    ("sum[n,m: m != y[n]] q[n,m]",          r"\sum_{n,\, m \ne y_{n}} q_{nm}"),
    ("sum[i,j: i < j] x[i]",                r"\sum_{i < j} x_{i}"),
    ("s[i,y[i]]",                           r"s_{i, y_{i}}"),
    ("[k = y[i]]*p[i,k]",                   r"\mathbf{1}\{k = y_{i}\}\,p_{ik}"),
    ("[a < b and not c >= d]",              r"\mathbf{1}\{a < b \land \lnot (c \ge d)\}"),
    ("log(sum[k] exp(s[k])) - s[y]",        r"\log \sum_{k} \exp(s_{k}) - s_{y}"),
    ("log(1 + exp(-z))",                    r"\log(1 + \exp(-z))"),
    ("norm2(A*x - y)^2",                    r"\lVert A x - y \rVert_{2}^{2}"),
    ("norm2(X)",                            r"\lVert X \rVert_{F}"),
    ("lambda*sum(W.^2)",                    r"\lambda\,\lVert W \rVert^{2}"),
    ("diag(x)*inv(A)'",                     r"\operatorname{diag}(x)\,A^{-\top}"),
    ("x.*y./z",                             r"x \odot y \oslash z"),
    ("1 - tanh(x).^2",                      r"1 - \tanh(x)^{\odot 2}"),
    ("x^(1/2) + 1/2*y",                     r"\sqrt{x} + \frac{1}{2}\,y"),
    ("1e-3*x*2",                            r"0.001 x \cdot 2"),
    ("1e-7*x",                              r"10^{-7}\,x"),
    ("W1[i,j]*theta2",                      r"{W_{1}}_{ij}\,\theta_{2}"),
    ("argmax[k] s[i,k]",                    r"\operatorname*{arg\,max}_{k} s_{ik}"),
    ("abs(x)*f'(x)",                        r"\lvert x \rvert\,f'(x)"),
    ("eye(n) - ones(n)*ones(n)'",           r"I_{n} - \mathbf{1}_{n}\,\mathbf{1}_{n}^{\top}"),
    ("a*(-sum[j] x[j])",                    r"a\,\left(-\sum_{j} x_{j}\right)"),
    ("sum[j] (-x[j])",                      r"\sum_{j} (-x_{j})"),
    ("-(a + b) - (c - d)",                  r"-(a + b) - (c - d)"),
]


@pytest.mark.parametrize(("text", "expected"), LATEX)
def test_latex(text, expected):
    assert latex(parsed(text)) == expected


UNICODE = [
    ("X'*ds + 2*lambda*W",             "Xᵀ·ds + 2·λ·W"),
    ("x.^2.*y - z^2",                  "x.^2 ⊙ y − z²"),
    ("sum[k != y[i]] q[i,k]",          "Σ[k ≠ y[i]] q[i,k]"),
    ("[a <= b and c >= d]",            "[a ≤ b ∧ c ≥ d]"),
    ("norm2(x)^2 + sum(W.^2)",         "‖x‖² + ‖W‖²"),
    ("-dtheta*f'(x1)/theta2",          "−dθ·f'(x1)/θ2"),
    ("abs(x)*inv(A*B)*inv(C)'",        "|x|·(A·B)⁻¹·C⁻¹ᵀ"),
    ("1e-7*x^-1 + x^23",               "1e-07·x^−1 + x^23"),
]


@pytest.mark.parametrize(("text", "expected"), UNICODE)
def test_unicode(text, expected):
    assert unicode_text(parsed(text)) == expected


def test_unicode_reads_back_where_its_signs_are_read():
    for text in FORMULAS:
        shown = unicode_text(parsed(text))
        if not re.search("[‖|⌊√⁻∂α-ωᵀ²³⊘]", shown):
            assert parsed(shown) == parsed(text), shown


def test_a_pending_derivative():
    inner = parsed("s[i,k] - s[i,y[i]]")
    pending = call("D", inner, parsed("s[n,m]"))
    assert show(pending) == "d/ds[n,m] (s[i,k] - s[i,y[i]])"
    assert unicode_text(pending) == "∂/∂s[n,m] (s[i,k] − s[i,y[i]])"
    assert latex(pending) == r"\frac{\partial}{\partial s_{nm}} (s_{ik} - s_{i, y_{i}})"
    assert latex(call("D", parsed("s[i,k]"), parsed("W[d,k]"))) == r"\frac{\partial s_{ik}}{\partial W_{dk}}"
    assert latex(call("D", parsed("-(sum[i] x[i])/N"), name("x"))).endswith(r"\left(-\frac{1}{N} \sum_{i} x_{i}\right)")
    assert latex(call("D", parsed("exp(x)"), name("x"))) == r"\frac{\partial}{\partial x} \exp(x)"


def test_equations():
    e = parse_script("ds[i,k] = lambda*s[i,k]^2").equations[0]
    assert equation_text(e) == "ds[i,k] = lambda*s[i,k]^2"
    assert equation_latex(e) == r"\mathrm{d}s_{ik} = \lambda s_{ik}^{2}"
    assert equation_unicode(e) == "ds[i,k] = λ·s[i,k]²"


def balanced(text):
    plain = text.replace(r"\{", "").replace(r"\}", "")
    return plain.count("{") == plain.count("}") and text.count(r"\left") == text.count(r"\right")


def test_latex_is_balanced():
    assert all(balanced(latex(parsed(t))) for t in FORMULAS)
    assert not balanced(r"\frac{a}{b")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    rows = [rf"\[{latex(parsed(t))}\]" for t in FORMULAS] + [rf"\[{expected}\]" for _, expected in LATEX]
    page = ["\\documentclass{article}", "\\usepackage{amsmath}", "\\begin{document}", *rows, "\\end{document}"]
    (tmp_path / "t.tex").write_text("\n".join(page))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
