"""The two evaluators against each other and against NumPy by hand; arrays at the door; random instances.

The evaluators share no code: what they agree on was read, lowered and evaluated in two ways.
"""

from dataclasses import replace

import numpy as np
import pytest

from iverson.core.errors import IversonError
from iverson.core.node import add, apply, bracket, el, idx, make, mul, num, pow_, rel, size, sum_
from iverson.lang.kinds import typed
from iverson.lang.lower import lower
from iverson.lang.ops import ROWS
from iverson.lang.syntax import parse_script
from iverson.meaning import dense
from iverson.meaning import reference as loops
from iverson.meaning.admit import admitted, program_sizes
from iverson.meaning.reference import reference, value_at
from iverson.meaning.sample import DOMAINS, draw_sizes, instances, sample
from iverson.meaning.surface_eval import Watch, compile_surface, evaluate

HEAD = """X: data[N, D];  y: label[N] in K;  W: param[D, K];  w: vector[D];  v: vector[N];  u: vector[K]
c: row[D];  A: matrix[D, D];  z: label[N] in D;  T: tensor[N, D, K];  S: symmetric[D];  p: simplex[K]
a: scalar;  b: scalar = 2.5;  q: label in K;  Y: data[N, K];  f: function
"""

SVM = """X: data[N, D];  y: label[N] in K;  W: param[D, K];  reg: scalar = 1e-3
s = X*W
L = mean[i] sum[k != y[i]] max(0, s[i,k] - s[i,y[i]] + 1) + reg*sum(W.^2)
predict = argmax[k] s[i,k]"""

SOFTMAX = """X: data[N, D];  y: label[N] in K;  W: param[D, K];  reg: scalar = 1e-3
s = X*W
L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + reg*sum(W.^2)"""

EXPRESSIONS = """
sum(X)                    |  X*W                       |  X'*X
X'*v                      |  c*W                       |  w*c
w*v'                      |  v'*X*w                    |  tr(A^3)
A^2*w                     |  A^-1                      |  inv(A)*w
inv(A'*A + eye(D))        |  logdet(A'*A + eye(D))     |  det(A)^2 + 1/det(A)
inv(A)[0,1]               |  diag(w)                   |  diag(diag(A))*w
X + v                     |  X + c                     |  v .* X
X ./ (1 + v.^2)           |  -X.^2                     |  X.^3
2*X - X/3                 |  softmax(X*W)              |  softmax(w)
logsoftmax(X*W)           |  logsumexp(u)              |  softplus(-v)
sigmoid(X*W)              |  relu(X*W)                 |  floor(3*X)
erf(X) + sign(X)          |  max(0, X*W, Y)            |  min(v, X*w)
max(X) - min(X)           |  mean(X)                   |  prod(w)
norm1(X)                  |  norm2(Y - X*W)^2          |  sumsq(X)
onehot(y)'*X              |  onehot(q)                 |  ones(N)'*X
ones(N, D) + X            |  ones(N)*c                 |  zeros(N)'*v
sum[i] X[i,:]             |  sum[i] X[i,:]'*X[i,:]     |  sum[k] W[:,k]*u[k]
mean[i,k] Y[i,k]          |  prod[i] v[i]              |  mean[i] max[k] Y[i,k]
sum[k: k >= 1 and k < 3] u[k]                        |  sum[k: not k = 1] u[k]
mean[i] mean[k != y[i]] Y[i,k]                       |  sum[i,j: i < j] (v[i] - v[j])^2
mean[i,j: i != j] abs(v[i] - v[j])                   |  max[i,j: i != j] v[i]*v[j]
mean[k: u[k] > 0] u[k]^2 + 0*u[q]                    |  prod[m] sum[k != m] u[k]
sum[i,j] v[i]             |  sum[i] [v[i] > 0]*log(v[i])
sum[i] -[v[i] > 0]*log(v[i])/3                       |  sum[i] [not v[i] <= 0]*log(v[i])
sum[i] [v[i] > 0 and v[i] < 1]*log(v[i])             |  sum[i] [v[i] > 0 or v[i] < -1]*sqrt(abs(v[i]))
[v > 0].*X                |  [X > 0 and X < 1]         |  [0 < v < 1]
[X*W > Y].*Y              |  [a > 0]*X                 |  Y[2,1]
Y[:,q]                    |  X[1,:]*w                  |  W[:,2]'*w
sum[i] u[y[i]]            |  sum[i] W[z[i],y[i]]       |  sum[i] W[:,y[i]]*v[i]
(X*W)[1,q]                |  sum[i] (X[i,:]*W)[y[i]]
sum[i] softmax(Y[i,:])[y[i]]                         |  sum[i] X[i,:]*A*X[i,:]'
sum[i] logsumexp(Y[i,:])  |  sum[i,j] exp(-sumsq(X[i,:] - X[j,:]))
sum[i,d,k] T[i,d,k]*X[i,d]*Y[i,k]                    |  sum[i] T[i,1,y[i]]
sum(T.^2)                 |  mean[i] sum[k] T[i,:,k]'*w
sum[i] (i + 1)^2*v[i]     |  sum[i] 1/(i + 1)          |  sum[i] 3
sum[i,k] [k = y[i]]*Y[i,k]                           |  sum[i,j] [y[i] = y[j]]*v[i]*v[j]
argmax[k] u[k]            |  argmin[k] u[k]
mean[i] [y[i] = argmax[k] Y[i,k]]                    |  sum[i] f(v[i])*f'(v[i])
f(X*w)                    |  a^b                       |  u.^-2
2.^u                      |  p'*log(p)                 |  w'*S*w
(X*w - v)'*(X*w - v)      |  (w*c)'                    |  c' .* w
c*A*w                     |  sum[i] (v[i] - mean[j] v[j])^2
sum[i: v[i] > mean(v)] v[i]                          |  max[i] sum[d] abs(X[i,d])
(1/N)*sum(v)              |  onehot(y) .* Y            |  sum[i] [i < 3]*v[i]
sum[i] max(v[i], 0, a)    |  [a < b < 3]               |  spread(v, 0, 3) .* T
sum(spread(w, 1, 2) + X)  |  y + v                     |  [y = 1] .* v
X[:,:]*w                  |  sum[d] X[:,d]'*X[:,d]     |  max[i] (X[i,:] - c)*w
prod[i] a
"""
TEXTS = [text.strip() for text in EXPRESSIONS.replace("\n", "|").split("|") if text.strip()]


def read(text, head=HEAD):
    return typed(parse_script(head + text))


def close(a, b):
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=1e-11)


def differences(t, program, draws):
    """Definitions of the script on which the dense and the loop evaluation differ."""
    return [name for d in draws for name, v in evaluate(t, d.arrays, sizes=d.sizes).items()
            if not close(v, reference(program, d.arrays, d.sizes)[name])]


# -- the two evaluators --------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [*TEXTS, SVM, SOFTMAX])
def test_dense_and_loop_evaluation_agree(text):
    t = read(text, "" if "\n" in text else HEAD)
    draws = instances(t, seed=0, n=2).draws
    assert not differences(t, lower(t), draws)
    dims = t.definitions[t.script.result].dims
    shape = tuple(n.attr if n.op == "num" else draws[0].sizes[n.attr] for n in dims)
    assert np.shape(evaluate(t, draws[0].arrays, sizes=draws[0].sizes)[t.script.result]) == shape


def test_a_wrong_lowering_is_caught():
    t = read("sum[i] X[i,:]*A*X[i,:]'")
    wrong = lower(read("sum[i] X[i,:]*A'*(A*X[i,:]')"))
    assert differences(t, wrong, instances(t, 0, n=1).draws) == ["L"]


def test_svm_as_by_hand():
    t = read(SVM, "")
    X, W, y = arrays(t, "X", "W", "y")
    s = X @ W
    margins = np.maximum(0, s - s[np.arange(len(y)), y][:, None] + 1)
    margins[np.arange(len(y)), y] = 0
    found = evaluate(t, {"X": X, "W": W, "y": y})
    assert close(found["s"], s)
    assert close(found["L"], margins.sum() / len(y) + 1e-3 * (W ** 2).sum())
    assert found["predict"].tolist() == s.argmax(1).tolist() and found["predict"].dtype == np.int64


def test_softmax_loss_as_by_hand():
    t = read(SOFTMAX, "")
    X, W, y = arrays(t, "X", "W", "y")
    e = np.exp(X @ W)
    wanted = -np.log((e / e.sum(1, keepdims=True))[np.arange(len(y)), y]).mean() + 0.5 * (W ** 2).sum()
    assert close(evaluate(t, {"X": X, "W": W, "y": y, "reg": 0.5}, ["L"])["L"], wanted)


def arrays(t, *names):
    found = sample(t, np.random.default_rng(3))
    return [found[name] for name in names]


def soft(v):
    e = np.exp(v)
    return e / e.sum(-1, keepdims=True)


BY_HAND = [    # text, the same in NumPy over the arrays of HEAD
    ("X*W",                         lambda g: g.X @ g.W),
    ("w*c",                         lambda g: np.outer(g.w, g.c)),
    ("c*W",                         lambda g: g.c @ g.W),
    ("c*w",                         lambda g: g.c @ g.w),
    ("X + v",                       lambda g: g.X + g.v[:, None]),
    ("X + c",                       lambda g: g.X + g.c),
    ("X .* w'",                     lambda g: g.X * g.w),
    ("(X*W)'",                      lambda g: (g.X @ g.W).T),
    ("A^3",                         lambda g: g.A @ g.A @ g.A),
    ("A.^3",                        lambda g: g.A * g.A * g.A),
    ("-w.^2",                       lambda g: -(g.w ** 2)),
    ("softmax(Y)",                  lambda g: soft(g.Y)),
    ("diag(A)",                     lambda g: np.array([g.A[k, k] for k in range(len(g.A))])),
    ("norm2(X)",                    lambda g: np.linalg.norm(g.X, "fro")),
    ("sum[i] X[i,:]'*X[i,:]",       lambda g: g.X.T @ g.X),
    ("mean[i] Y[i,y[i]]",           lambda g: np.mean([g.Y[n, k] for n, k in enumerate(g.y)])),
    ("u[q] + mean[k != q] u[k]",    lambda g: g.u[g.q] + np.delete(g.u, g.q).mean()),
    ("sum[i,j: i < j] v[i]*v[j]",   lambda g: sum(x * z for n, x in enumerate(g.v) for z in g.v[n + 1:])),
    ("prod[i] 2*v[i]",              lambda g: np.prod(2 * g.v)),
    ("Y[:,q]",                      lambda g: g.Y[:, g.q]),
    ("onehot(y)",                   lambda g: np.eye(len(g.u))[g.y]),
    ("sum[i] i*v[i]",               lambda g: np.arange(len(g.v)) @ g.v),
    ("log(det(A)^2)",               lambda g: 2 * np.log(abs(np.linalg.det(g.A)))),
    ("sum[i: v[i] > 0] log(v[i])",  lambda g: np.log(g.v[g.v > 0]).sum()),
    ("f(w) + f'(w)",                lambda g: g.f[0](g.w) + g.f[1](g.w)),
    ("N*a",                         lambda g: len(g.v) * g.a),
]


class Names:
    def __init__(self, values):
        self.__dict__.update(values)


@pytest.mark.parametrize(("text", "by_hand"), BY_HAND, ids=[text for text, _ in BY_HAND])
def test_dense_evaluation_as_by_hand(text, by_hand):
    t = read(text)
    sizes = draw_sizes(t, np.random.default_rng(1))
    values = sample(t, np.random.default_rng(1), "normal", sizes)
    assert close(evaluate(t, values, sizes=sizes)[t.script.result], by_hand(Names(values)))


def test_a_false_bracket_hides_what_is_not_finite():
    t = read("x: vector[n]\nL = sum[i] [x[i] > 0]*log(x[i])/x[i]")
    assert evaluate(t, {**sample(t, np.random.default_rng(0)), "x": [-1.0, 0.0, 1.0]}, ["L"])["L"] == 0.0


def test_overflow_is_quiet_and_named_operators_are_accurate():
    t = read("x: vector[n]\nr = log(sum(exp(x)))\ng = logsumexp(x)\nh = inv(x*x')\nL = g", "")
    with np.errstate(all="raise"):
        found = evaluate(t, {"x": [1000.0, 1000.0]})
    assert found["r"] == np.inf and close(found["g"], 1000 + np.log(2)) and np.isnan(found["h"]).all()


def test_only_wanted_definitions_are_computed():
    t = read("x: vector[n]\nf: function\nr = f(x)\nL = sum(x)", "")
    pair = (lambda x: 1 / 0, np.cos)
    assert evaluate(t, {"x": [1.0, 2.0], "f": pair}, ["L"]) == {"L": 3.0}


def test_every_operator_has_a_dense_and_a_loop_value():
    known = {**dense.MAPS, **dense.TOTALS}
    for row in ROWS:
        assert row.shape in dense.CALLS, row.name
        if row.shape not in ("build", "fill", "diag", "mask", "onehot", "spread", "block"):
            assert row.name in known, row.name
        if row.meaning is None and row.shape in ("map", "map2"):
            assert row.name in loops.FUNCTIONS, row.name
        if row.meaning is None and row.shape in ("square", "volume"):
            assert row.name in loops.WHOLE, row.name


def test_too_deep_a_formula_is_an_error_of_ours():
    t = read("a: scalar\n" + "a*(1 + " * 60 + "a" + ")" * 60, "")
    deep = t.script.equations[0].body
    for _ in range(1000):
        deep = replace(deep, args=(deep, *deep.args[1:]))
        t.types[id(deep)] = t.types[id(t.script.equations[0].body)]
    t.script = replace(t.script, equations=(replace(t.script.equations[0], body=deep),))
    with pytest.raises(IversonError, match="too deeply"):
        compile_surface(t)


# -- nodes ---------------------------------------------------------------------------------------------------

n = size("n")
i, j = idx("i", n), idx("j", n)
x = np.array([0.5, -2.0, 3.0])


def test_value_at_runs_over_the_axes_in_the_order_given():
    f = add(el("x", (i,)), mul(num(10), el("x", (j,))))
    assert close(value_at(f, (i, j), {"x": x}, {"n": 3}), x[:, None] + 10 * x)
    assert close(value_at(f, (j, i), {"x": x}, {"n": 3}), x + 10 * x[:, None])


def test_a_derivative_node_is_a_difference():
    f = sum_((i,), apply("exp", mul(el("x", (i,)), el("x", (i,)))))
    found = value_at(make("deriv", (f, el("x", (j,)))), (j,), {"x": x / 2}, {"n": 3})
    assert np.allclose(found, x * np.exp(x * x / 4), rtol=1e-8)


def test_a_derivative_node_holds_definitions_fixed():
    t = read("x: vector[n]\ns = 2*x\nL = sum(s.*x)", "")
    program = lower(t)
    body = make("deriv", (program.definition("L").body, el("x", (j,))))
    assert close(np.round(value_at(body, (j,), {"x": x}, {"n": 3}, program), 9), 2 * x)
    by_s = make("deriv", (program.definition("L").body, el("s", (j,))))
    assert close(np.round(value_at(by_s, (j,), {"x": x}, {"n": 3}, program), 9), x)


def test_brackets_are_read_first():
    positive = bracket(rel(">", el("x", (i,)), num(0)))
    for f, wanted in ((apply("log", el("x", (i,))), np.log(0.5)), (pow_(el("m", (i,)), num(-1)), 1.0)):
        found = value_at(mul(positive, f), (i,), {"x": x, "m": np.array([1.0, 0.0, 0.5])}, {"n": 3})
        assert close(found[:2], [wanted, 0.0])


def test_an_index_outside_an_array_is_an_error():
    with pytest.raises(IversonError, match=r"x\[-1\] is outside"):
        value_at(el("x", (add(i, num(-1)),)), (i,), {"x": x}, {"n": 3})
    with pytest.raises(IversonError, match="z has no value"):
        value_at(el("z", (i,)), (i,), {"x": x}, {"n": 3})


# -- the door ------------------------------------------------------------------------------------------------

GOOD = {"X": [[1, 2], [3, 4], [5, 6]], "y": [0, 1, 0], "W": np.ones((2, 4))}


def test_sizes_are_read_off_the_arrays_and_values_are_cast():
    t = read(SVM, "")
    values, sizes = admitted(t, {**GOOD, "y": np.array([0.0, 1.0, 3.0])})
    assert sizes == {"N": 3, "D": 2, "K": 4} == program_sizes(t, GOOD)
    assert values["X"].dtype == np.float64 and values["y"].dtype == np.int64 and values["reg"] == 1e-3


BAD = [    # what is given, kind, what the message says
    ({"X": None},                       "data",  "X has no value"),
    ({"X": np.ones((3, 5))},            "shape", "W has the shape (2, 4); axis 0 is D = 5, as in X"),
    ({"X": np.ones(3)},                 "shape", "X is a matrix[N, D] and cannot have the shape (3,)"),
    ({"X": np.ones((0, 2))},            "data",  "X is empty"),
    ({"X": np.ones((3, 2)) * 1j},       "data",  "not real numbers"),
    ({"X": [["a", "b"]] * 3},           "data",  "not real numbers"),
    ({"y": [0, 4, 1]},                  "data",  "y[1] is 4, outside 0..3"),
    ({"y": [0, 1, -1]},                 "data",  "y[2] is -1, outside 0..3"),
    ({"y": [1, 2, 4]},                  "data",  "give y - 1"),
    ({"y": [0, 0.5, 1]},                "data",  "y[1] is 0.5; a label is a whole number"),
    ({"y": np.zeros((3, 1))},           "shape", "Give y.ravel()"),
]


@pytest.mark.parametrize(("change", "kind", "message"), BAD, ids=[m for _, _, m in BAD])
def test_what_does_not_fit_is_refused_by_name(change, kind, message):
    with pytest.raises(IversonError) as caught:
        evaluate(read(SVM, ""), {**GOOD, **change})
    assert caught.value.kind == kind and message in str(caught.value)


def test_sizes_that_no_array_shows():
    t = read("y: label[N] in K\nsum(onehot(y))/K", "")
    with pytest.raises(IversonError, match="The size K does not follow"):
        evaluate(t, {"y": [0, 1]})
    assert evaluate(t, {"y": [0, 1]}, sizes={"K": 4})["L"] == 0.5
    with pytest.raises(IversonError, match="positive whole number"):
        program_sizes(t, {"y": [0, 1]}, {"K": 0})


def test_a_constant_index_asks_for_a_size():
    with pytest.raises(IversonError, match="n is 3; index 7 is used"):
        evaluate(read("Y: vector[n]\nY[7]", ""), {"Y": [1, 2, 3]})


# -- kinks ---------------------------------------------------------------------------------------------------

WATCHED = [    # text, x, nearest kink, ties
    ("sum(abs(x))",                             [1.0, -3.0],         1 / 2,  0),
    ("sum(relu(x))",                            [0.0, -3.0],         3 / 4,  1),
    ("sum(max(x, 2))",                          [1.0, 5.0],          1 / 4,  0),
    ("max[i] x[i]",                             [1.0, 5.0, 4.0],     1 / 10, 0),
    ("min(x)",                                  [1.0, 5.0, 4.0],     1 / 2,  0),
    ("sum[i,j: i != j] abs(x[i] - x[j])",       [0.0, 1.0],          1 / 2,  0),
    ("sum[i,j] [i != j]*abs(x[i] - x[j])",      [0.0, 1.0],          1 / 2,  0),
    ("sum[i,j] abs(x[i] - x[j])",               [0.0, 1.0],          1 / 2,  2),
    ("sum[i] [x[i] > 1]*x[i]",                  [0.0, 3.0],          2 / 5,  0),
    ("sum[i] [i > 0]*x[i]",                     [0.0, 3.0],          np.inf, 0),
    ("sum(floor(x))",                           [0.75, 2.5],         1 / 4,  0),
]


@pytest.mark.parametrize(("text", "values", "nearest", "ties"), WATCHED, ids=[row[0] for row in WATCHED])
def test_the_watch_sees_the_nearest_kink(text, values, nearest, ties):
    watch = Watch()
    evaluate(read("x: vector[n]\n" + text, ""), {"x": values}, watch=watch)
    assert (watch.nearest, watch.ties) == (pytest.approx(nearest), ties) and not watch.masks


def test_the_watch_sees_both_sides_of_relations_between_values():
    t, watch = read("x: vector[n]\nsum[i: i != 1] [x[i] > 0]*[x[i] < 9]*x[i]", ""), Watch()
    evaluate(t, {"x": [1.0, -1.0, 2.0]}, watch=watch)
    seen = {(s.tree.attr, s.true, s.false) for s in watch.sides.values()}
    assert seen == {(">", True, False), ("<", True, False)}


def test_kinks_that_do_not_move_are_passed_over():
    t, watch = read("s = abs(X)*w\nsum(s.^2)"), Watch(wrt=frozenset({"w"}))
    evaluate(t, sample(t, np.random.default_rng(0)), watch=watch)
    assert watch.nearest == np.inf


def test_the_watch_sees_singular_matrices():
    t, watch = read("logdet(A) + det(A)"), Watch()
    values = sample(t, np.random.default_rng(0))
    evaluate(t, {**values, "A": np.diag([1e-6, *np.ones(len(values["w"]) - 1)])}, watch=watch)
    assert watch.condition == watch.volume == pytest.approx(1e6)


# -- instances -----------------------------------------------------------------------------------------------

def test_sizes_are_distinct_and_values_have_both_signs():
    t = read(SVM, "")
    found = instances(t, seed=0)
    assert len(found.draws) == 5 and found.domain == "normal" and not found.never_true
    for d in found.draws:
        assert len(set(d.sizes.values())) == 3 and min(d.sizes.values()) >= 2 and max(d.sizes.values()) <= 8
        assert d.arrays["W"].min() < 0 < d.arrays["W"].max()
        assert 0 <= d.arrays["y"].min() and d.arrays["y"].max() < d.sizes["K"]
        assert 1e-4 < d.arrays["reg"] < 1e-2
    assert len({tuple(d.sizes.values()) for d in found.draws}) > 1


def test_the_same_seed_gives_the_same_draws():
    t = read(SVM, "")
    first, again, other = (instances(t, seed=s, extremes=True).draws for s in (1, 1, 2))
    assert all((a.arrays["X"] == b.arrays["X"]).all() for a, b in zip(first, again, strict=True))
    assert first[0].arrays["X"].ravel()[0] != other[0].arrays["X"].ravel()[0]


def test_facts_hold_in_every_domain():
    t = read("theta: positive[n]\nsum(theta) + p'*u + tr(S)")
    for domain in DOMAINS:
        v = sample(t, np.random.default_rng(0), domain)
        assert (v["S"] == v["S"].T).all() and (v["theta"] > 0).all()
        assert close(v["p"].sum(), 1.0) and (v["p"] > 0).all()


LADDER = [    # text, domain
    ("sum(x)",                              "normal"),
    ("log(x'*A*x)",                         "normal"),
    ("logdet(X'*X)",                        "normal"),
    ("sum(log(z))",                         "positive"),
    ("log(1 - x'*x) + sum(sqrt(x))",        "unit"),
    ("sum(log(diag(inv(B)))) + logdet(B)",  "spd"),
    ("log(1 - sum(A.^2))",                  "small"),
]


@pytest.mark.parametrize(("text", "domain"), LADDER)
def test_the_first_domain_where_the_loss_is_finite(text, domain):
    head = "x: vector[n]; z: vector[9]; X: matrix[N, n]; A: matrix[n, n]; B: matrix[5, 5]\n"
    found = instances(read(text, head), seed=0)
    assert found.domain == domain and len(found.draws) == 5


def test_no_draw_is_near_a_kink_or_a_singular_matrix():
    t, watch = read("sum(abs(X)) + sum(inv(X'*X))"), Watch()
    found = instances(t, seed=0, smooth=0.05)
    assert found.redrawn > 0
    for d in found.draws:
        watch.restart()
        compile_surface(t, None, watch)(d.arrays, d.sizes)
        assert watch.nearest >= 0.05 and watch.condition <= 1e4 and d.sizes["N"] >= d.sizes["D"]


def test_a_determinant_that_is_always_zero_has_instances():
    assert len(instances(read("det(w*w')"), seed=0).draws) == 5


def test_the_other_side_of_a_bracket_is_searched_for():
    found = instances(read("sum[i] [v[i] > 5]*v[i]^2"), seed=0)
    assert len(found.draws) > 5 and not found.never_true and not found.never_false
    assert found.draws[-1].note == "other side of a bracket"


def test_a_bracket_that_is_never_false_is_reported():
    found = instances(read("[v'*v > -1]*sum(v)"), seed=0)
    assert [t.op for t in found.never_false] == ["rel"] and not found.never_true


def test_extreme_draws_come_on_top_where_the_loss_allows():
    kept = instances(read("sum(v)^2"), seed=0, extremes=True)
    assert [d.note.split(" ")[0] for d in kept.draws] == [""] * 5 + ["size", "scale", "scale"]
    overflows = instances(read("sum(exp(v.^2))"), seed=0, extremes=True)
    assert overflows.dropped == 1 and overflows.draws[-1].note == "scale 0.001"


def test_a_loss_that_is_never_finite_is_an_error():
    with pytest.raises(IversonError, match="No values were found") as caught:
        instances(read("log(-v'*v)"), seed=0)
    assert caught.value.kind == "verify"


def test_constant_indices_are_honoured():
    found = instances(read("Y: vector[m]\nY[11] + Y[3]", ""), seed=0)
    assert all(d.sizes["m"] >= 12 for d in found.draws)
