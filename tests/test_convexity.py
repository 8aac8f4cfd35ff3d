"""Convexity: verdicts on formulas whose curvature is known, certificates, counter-examples that hold, and planted rules."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import iverson as iv
from iverson.core.errors import IversonError
from iverson.derivation.curvature import Curvature
from iverson.faces.cli import iverson as command
from iverson.meaning.midpoint import Trials
from iverson.rules import convexity as rows

LINE = "X: data[N,D]\ny: data[N]\nw: param[D]\n"
CLASSES = "X: data[N,D]\ny: label[N] in K\nW: param[D,K]\ns = X*W\n"
PAIR = "a: positive\nb: positive\n"
PQ = "p: positive[n]\nq: positive[n]\n"

CONVEX = {
    # one number or entry by entry
    "log(1+exp(x))": "x", "sqrt(1+x^2)": "x", "x^4": "x", "exp(x^2)": "x", "exp(-x)": "x", "-log(x)": "x", "x^1.5": "x",
    "x*log(x)": "x", "x: positive\n1/x": "x", "x: positive\n1/x^2": "x", "x: positive\nx^3": "x", "x: positive\nx*exp(x)": "x",
    "x: positive\nx^(-0.5)": "x", "abs(x)^1.5": "x", "(x^2+1)^2": "x", "cos(x)+x^2": "x", "exp(x)+exp(-x)": "x", "cosh(x)": "x",
    "softplus(x)^2": "x", "softplus(x^2)": "x", "log(1+exp(x^2))": "x", "-log(sigmoid(x))": "x", "-log(1-sigmoid(x))": "x",
    "2^x": "x", "exp(exp(x))": "x", "exp(sqrt(1+x^2))": "x", "sqrt(exp(x)+1)": "x", "x - log(x) + 1/x": "x", "x*arctan(x)": "x",
    "x: positive\ngammaln(x)": "x", "elu(x)": "x", "leaky_relu(x)": "x", "relu(x)": "x", "max(0,1-x)": "x", "max(0,1-x)^2": "x",
    "huber(x)": "x", "xlogy(x,x)": "x",
    # vectors
    "norm2(x-y)^2 - norm2(x)^2 + exp(c'*x)": "x",
    "log(sum(exp(x)))": "x", "logsumexp(A*x+b)": "x", "norm2(A*x-y)": "x", "norm2(A*x-y)^2": "x", "norm1(A*x-y)": "x",
    "norminf(A*x-y)": "x", "normp(x,3)": "x", "norm2(x)^3": "x", "std(x)": "x", "var(x)": "x", "max[k] x[k]": "x",
    "max[k] x[k] - min[k] x[k]": "x", "norm1(diff(x))": "x", "sum(cumsum(x).^2)": "x", "sqrt(x'*x+1)": "x", "(a'*x)^2": "x",
    "-sum(log(b-A*x))": "x", "c'*x - sum(log(x))": "x", "sum[i] max[j] (A[i,j]*x[j])": "x", "x'*A'*A*x": "x",
    "Q: spd[n]\nx'*Q*x + b'*x + c": "x", "S: spd[n]\n(x-m)'*inv(S)*(x-m)": "x,m", "log(exp(x)+exp(y))": "x,y",
    "logaddexp(x,y)": "x,y", "(x-y)^2": "x,y", "Q: spd[n]\nsqrt(x'*Q*x)": "x",
    "b: positive\na^2/b": "a,b", PAIR + "a^3/b": "a,b", PAIR + "1/(a*b)": "a,b",
    "x: positive[n]\ny: positive[n]\nsum[i] x[i]*log(x[i]/y[i])": "x,y", "x: simplex[n]\nsum[i] x[i]*log(x[i])": "x",
    PQ + "sum(rel_entr(p,q))": "p,q", PQ + "sum(kl_div(p,q))": "p,q", PQ + "sum[i] (p[i]-q[i])^2/q[i]": "p,q",
    PQ + "sum[i] (sqrt(p[i])-sqrt(q[i]))^2": "p,q", "p: simplex[n]\nq: simplex[n]\n-sum[i] p[i]*log(q[i])": "q",
    "Q: spd[n]\nx'*Q*Q*x": "x", "x^2+y^2-x*y": "x,y", "S: spd[n]\n1/det(S)": "S", "(x+y)^4+(x-y)^4": "x,y",
    # losses
    "norm2(A*x-y)^2 + 0.1*norm1(x)": "x", "lam: scalar = 0.1\nnorm2(A*x-y)^2 + lam*norm1(x)": "x", "norm2(T-U*V')^2": "U",
    LINE + "mean[i] log(1+exp(-y[i]*(X*w)[i]))": "w", LINE + "sum[i] (exp((X*w)[i]) - y[i]*(X*w)[i])": "w",
    LINE + "t = sigmoid(X*w)\n-sum[i] (y[i]*log(t[i]) + (1-y[i])*log(1-t[i]))": "w",
    LINE + "sum[i] (softplus((X*w)[i]) - y[i]*(X*w)[i])": "w", LINE + "sum[i] huber((X*w)[i]-y[i], 2)": "w",
    LINE + "r = y - X*w\nsum[i] max(0.3*r[i], (0.3-1)*r[i])": "w", LINE + "r = y - X*w\nsum[i] r[i]*(0.3 - [r[i] < 0])": "w",
    LINE + "sum[i] log(cosh((X*w)[i]-y[i]))": "w", LINE + "mean[i] -log(normcdf(y[i]*(X*w)[i]))": "w",
    LINE + "sum[i] abs((X*w)[i]-y[i])^3": "w", LINE + "mean[i] max(0, 1 - y[i]*(X*w)[i])^2": "w",
    CLASSES + "mean[i] max[k] ([k!=y[i]] + s[i,k] - s[i,y[i]])": "W", CLASSES + "p = softmax(s)\nmean[i] -log(p[i,y[i]])": "W",
    "X: data[N,D]\nT: onehot[N,K]\nW: param[D,K]\n-sum(T.*log(softmax(X*W)))/N": "W",
    "x: data[D]\ny: scalar\nW: param[H,D]\nv: param[H]\n(v'*relu(W*x)-y)^2": "v",
    # whole matrices
    "S: spd[n]\n-logdet(S)": "S", "S: spd[n]\ntr(inv(S))": "S", "S: spd[n]\nx'*inv(S)*x": "S", "nuclear(X)": "X",
    "S: spd[n]\nC: spd[n]\ntr(C*inv(S))": "S", "S: spd[n]\nC: spd[n]\n-logdet(S)+tr(S*C)": "S", "spectral(A*X-B)": "X",
    "S: symmetric[n]\nlambda_max(S)": "S", "Q: spd[n]\ntr(X'*Q*X)": "X",
}
STRONGLY = {
    "x'*x": "x", "tr(X'*X)": "X", "S: symmetric[n]\ntr(S*S)": "S", "sumsq(A*x-b)+0.5*sumsq(x)": "x", "x^2+y^2": "x,y",
    "norm2(A*x-y)^2/2 + 0.5*(0.3*norm1(x)+0.7/2*norm2(x)^2)": "x", LINE + "mean[i] max(0, 1 - y[i]*(X*w)[i]) + 0.01*norm2(w)^2": "w",
    CLASSES + "mean[i] sum[k!=y[i]] max(0, s[i,k]-s[i,y[i]]+1) + 0.1*sum(W.^2)": "W",
    CLASSES + "mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + 0.1*sum(W.^2)": "W",
}
CONCAVE = {
    "log(x)": "x", "sqrt(x)": "x", "-x*log(x)": "x", "log(log(x))": "x", "log(sigmoid(x))": "x", "x: positive\ntanh(x)": "x",
    "-log(1+exp(x))": "x", "leaky_relu(x,2)": "x", "min[k] x[k]": "x", "-norm2(x)": "x", "sum(x)-log(sum(exp(x)))": "x",
    "exp(mean(log(x)))": "x", "exp(mean(log(b-A*x)))": "x",
    PAIR + "sqrt(a*b)": "a,b", "x: positive[n]\nprod[i] x[i]^(1/n)": "x", "x: positive[3]\n(x[0]*x[1]*x[2])^(1/3)": "x",
    "p: simplex[n]\nq: simplex[n]\nsum[i] sqrt(p[i]*q[i])": "p,q", "S: spd[n]\nlogdet(S)": "S", "S: spd[n]\nlog(det(S))": "S",
    "S: symmetric[n]\nlambda_min(S)": "S", "X: data[N,D]\nw: positive[N]\nlogdet(X'*diag(w)*X)": "w",
}
NEITHER = {
    "sigmoid(x)": "x", "tanh(x)": "x", "1/x": "x", "1/x^2": "x", "x^3": "x", "exp(-x^2)": "x", "x*exp(x)": "x", "x^2*exp(x)": "x",
    "log(1+x^2)": "x", "log(x^2)": "x", "sqrt(abs(x))": "x", "(x^2-1)^2": "x", "x^4-x^2": "x", "sin(x)": "x", "exp(x)-exp(-x)": "x",
    "softplus(-x^2)": "x", "arctan(x)": "x", "x*tanh(x)": "x", "silu(x)": "x", "gelu(x)": "x", "clip(x,0,1)": "x",
    "relu(1-x)-relu(x)": "x", "max(x,0)-max(x-1,0)": "x", "x^2-y^2": "x,y", "(x*y-1)^2": "x,y", "abs(x*y)": "x,y", "a*b": "a,b",
    PAIR + "a*b": "a,b", PAIR + "a/b": "a,b", PAIR + "a^0.5/b": "a,b", "a^2/b": "a,b", "max[k] x[k] - max[k] y[k]": "x,y",
    "1/norm2(x)": "x", "norm2(x)-norm1(x)": "x", "norm1(x)/norm2(x)": "x", "(a'*x)*(b'*x)": "x", "x'*A*x": "x",
    "Q: symmetric[n]\nx'*Q*x": "x", "sum[i,j] K[i,j]*a[i]*a[j]": "a", "tr(X*X)": "X", "x^2+y^2-3*x*y": "x,y",
    "P: spd[n]\nQ: spd[n]\nx'*(P - Q)*x": "x", "sum(softmax(x).*z)": "x", "det(X)": "X", "S: spd[n]\ndet(S)": "S",
    "norm2(T-U*V')^2": "U,V", "norm2(T-U*V')^2 + 0.1*norm2(U)^2+0.1*norm2(V)^2": "U,V",
    "norm2(X*w-y)^2/norm2(w)^2": "w", LINE + "mean[i] (sigmoid((X*w)[i])-y[i])^2": "w",
    "x: data[D]\ny: scalar\nW: param[H,D]\nv: param[H]\n(v'*tanh(W*x)-y)^2": "W,v",
    "x: data[D]\ny: scalar\nW: param[H,D]\nv: param[H]\n(v'*relu(W*x)-y)^2": "W", "u: unit[n]\nsum(u)": "u",
}


def every(table, *kinds):
    return [pytest.param(text, wrt, kinds, id=text[-40:]) for text, wrt in table.items()]


@pytest.mark.parametrize("formula", ["norm2(x-y)^2 - norm2(x)^2", "(x+y)^2 - x^2"])
def test_what_cancels_to_a_line_is_affine(formula):
    assert iv.convexity(formula, "x").kind == "affine"


@pytest.mark.parametrize(("text", "wrt", "kinds"), [
    *every(CONVEX, "convex", "strictly convex"), *every(STRONGLY, "strongly convex"), *every(CONCAVE, "concave"),
    *every(NEITHER, "not convex")])
def test_the_verdict_is_the_known_one(text, wrt, kinds):
    found = iv.convexity(text, wrt)
    assert found.kind in kinds and not found.conditions, found


@pytest.mark.parametrize("text", [t for t in NEITHER if "unit" not in t])
def test_a_counterexample_holds(text):
    found = iv.convexity(text, NEITHER[text])
    c = found.counterexample
    sizes = {n: () for n in found.wrt if np.ndim(c.a[n]) == 0} | {n: () for n, v in c.given.items() if np.ndim(v) == 0}
    declared = set(text.replace(":", " ").split()) if ":" in text else set()
    loss = iv.parse(text, sizes={n: s for n, s in sizes.items() if n not in declared or "positive" in text})
    values = [np.atleast_1d(loss.value(**{**c.given, **p})) for p in (c.a, c.b)]
    middle = np.atleast_1d(loss.value(**c.given, **{n: (c.a[n] + c.b[n]) / 2 for n in c.a}))
    assert (middle > sum(values) / 2 + 1e-7).any()
    assert f"{c.middle:.6g}" in found.reason


@pytest.mark.parametrize(("text", "wrt", "verdict"), [
    ("norm2(A*x-y)^2 + lam*norm1(x)", "x", "convex if lam >= 0"), ("a*x^2", "x", "convex if a >= 0"),
    ("x*log(x/y)", "x,y", "convex if x >= 0 and y >= 0"), ("sum[i] z[i]*exp(x[i])", "x", "convex if z[i] >= 0"),
    ("r*norm1(w) + (1-r)*norm2(w)^2", "w", "convex if r >= 0 and 1 - r >= 0")])
def test_an_unknown_sign_is_a_condition(text, wrt, verdict):
    found = iv.convexity(text, wrt, kinds={"r": "scalar"} if "r*" in text else None)
    assert sorted(found.verdict.split()) == sorted(verdict.split()) and not found.convex


def test_a_declaration_that_would_help_is_named():
    assert "declare A: spd" in iv.convexity("x'*A*x", "x").reason


def test_a_certificate_speaks_of_the_users_pieces():
    found = iv.convexity("norm2(A*x - y)^2 + 0.1*norm1(x)", "x")
    assert [t.strip() for t in found.certificate][:3] == [
        "norm2(A*x - y)^2 + sum(abs(x))/10 is convex: a sum of convex terms",
        "norm2(A*x - y)^2 is convex: a power of a convex piece that is at least 0",
        "norm2(A*x - y) is convex: a root of a sum of powers, as in a norm"]
    hessian = iv.convexity(LINE + "t = sigmoid(X*w)\n-sum[i] (y[i]*log(t[i]) + (1-y[i])*log(1-t[i]))", "w")
    assert "X'*diag(t.*(1 - t))*X" in hessian.certificate[0]


def test_what_is_strict_says_so():
    assert iv.convexity("exp(x) + x", "x", sizes={"x": ()}).kind == "strictly convex"
    assert iv.convexity("c*exp(x)", "x", kinds={"c": "positive", "x": "scalar"}, sizes={"c": ()}).kind == "convex"
    assert iv.convexity("a*b", "a").kind == "affine"


def test_a_wrong_row_is_caught_by_the_trials(monkeypatch):
    wrong = rows.Curve("sin", "convex", rows.UP)
    monkeypatch.setattr("iverson.derivation.curvature.CURVES", (*rows.CURVES, wrong))
    assert iv.convexity("sin(x)", "x").kind == "unknown"


@pytest.mark.parametrize("row", rows.CURVES, ids=lambda r: f"{r.name}-{r.on}")
def test_every_curve_agrees_with_its_function(row):
    domain = {"real": "", "nonnegative": "positive", "nonpositive": "positive"}[row.on]
    argument = {"nonpositive": "-x", "real": "x + 1" if row.name == "arccosh" else "x"}.get(row.on, "x")
    text = f"{row.name}({', '.join([argument, 'y'][: len(row.slope)])})"
    loss = iv.parse(text, sizes={n: () for n in ("x", "y")[: len(row.slope)]}, kinds={"x": domain} if domain else None)
    wrt = ("x", "y")[: len(row.slope)]
    for claim, sign in (("convex", 1), ("concave", -1)):
        if row.curvature == claim:
            assert Trials(loss.typed, wrt).against(sign) is None
        if row.log in (claim, "affine"):
            logged = iv.parse(f"log({text})", sizes={n: () for n in wrt}, kinds={"x": domain} if domain else None)
            assert Trials(logged.typed, wrt).against(sign) is None


@pytest.mark.parametrize("row", rows.PATTERNS, ids=lambda r: f"{r.text[:30]}-{r.curvature}")
def test_every_pattern_is_recognised_and_holds(row):
    names = [n for n in ("x", "y") if n in row.text.replace("exp", "").replace("xlogy", "")]
    kinds = {"x": "positive"} if "log" in row.text and "exp" not in row.text else {}
    kinds |= {"y": "positive"} if "y" in names else {}
    text = row.text if row.curvature else f"log({row.text})"
    if "y" in row.fixed:
        text = text.replace("y", "2" if "y - 1" in row.where else "0.5")
    loss = iv.parse(text, sizes={n: () for n in names if n in text.replace("exp", "").replace("xlogy", "")},
                    kinds={n: k for n, k in kinds.items() if n in text.replace("exp", "").replace("xlogy", "")})
    moved = ("x",) if row.fixed != ("x",) else ("y",)
    claim = row.curvature or row.log
    program = loss.program
    assert Curvature(program, moved).of(program.definition(program.result).body).get(claim)
    assert Trials(loss.typed, moved).against(1 if claim == "convex" else -1) is None


def test_labels_and_unknown_names_are_refused():
    with pytest.raises(IversonError, match="no real input"):
        iv.convexity(CLASSES + "mean[i] s[i,y[i]]", "y")


def test_the_command_line_answers_and_exits_by_the_verdict():
    run = lambda *args: CliRunner().invoke(command, ["convexity", *args])
    assert run("norm2(A*x - y)^2", "--wrt", "x").stdout.startswith("convex in x: ")
    bad = run("norm2(T - U*V')^2", "--wrt", "U,V", "--json")
    record = json.loads(bad.stdout)
    assert bad.exit_code == 1 and record["kind"] == "not convex" and record["counterexample"]["middle"] > record["counterexample"]["mean"]
