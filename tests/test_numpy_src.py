"""NumPy expressions are read with NumPy's own meaning: the tree evaluates to what Python makes of the text.

The texts below are this file's own, so Python's eval may run them for NumPy's answer.  Every function in the
table of numpy_calls stands in one of them.
"""

import random
import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg
from scipy import special
from scipy.special import expit, log_softmax, logsumexp, softmax

from iverson.core.errors import IversonError
from iverson.lang.kinds import typed
from iverson.lang.numpy_calls import BUILTINS, CALLS, METHODS
from iverson.lang.numpy_src import parse_numpy
from iverson.lang.ops import OPS
from iverson.lang.show import show
from iverson.lang.surface import Declaration, walk
from iverson.meaning.surface_eval import evaluate
from numpy_losses import LOSSES
from test_numpy_programs import EXPRESSIONS, PROGRAMS

COUNTS = {"N": 4, "D": 3, "K": 5, "M": 6}
SHAPES = {
    "X": ("N", "D"), "Z": ("M", "D"), "W": ("D", "K"), "S": ("N", "K"), "P": ("K", "D"), "A": ("D", "D"),
    "T": ("N", "D", "K"), "x": ("N",), "r": ("N",), "w": ("D",), "v": ("D",), "s": ("K",), "y": ("N",),
    "u": ("M",), "a": (), "b": (), "c": ()}
RANKS = {n: len(dims) for n, dims in SHAPES.items()}
LABELS = {"y", "u", "c"}
FUNCTIONS = {
    "np": np, "scipy": scipy, "special": special, "expit": expit, "sigmoid": expit, "softmax": softmax,
    "logsumexp": logsumexp, "log_softmax": log_softmax, "erf": special.erf, "exp": np.exp,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "inv": np.linalg.inv,
    "softplus": lambda x: np.logaddexp(0, x), "relu": lambda x: np.maximum(0, x),
    "nn": SimpleNamespace(softmax=lambda x: softmax(x, -1), log_softmax=lambda x: log_softmax(x, -1),
                          silu=lambda x: x * expit(x), log_sigmoid=lambda x: -np.logaddexp(0, -x)), **COUNTS}


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    arrays = {}
    for n, dims in SHAPES.items():
        shape = tuple(COUNTS[d] for d in dims)
        arrays[n] = rng.integers(0, 3, shape) if n in LABELS else rng.uniform(0.1, 1.5, shape)
    arrays["A"] += 3 * np.eye(3)
    return {n: v if v.shape else v[()] for n, v in arrays.items()}


ARRAYS = drawn()


def words(text):
    return set(re.findall(r"(?<![\w.])[A-Za-z]\w*", text))


def sizes_of(text):
    """Sizes of the arrays in the text, and of one array for each size it names."""
    used = words(text) & set(SHAPES)
    for n in words(text) & set(COUNTS):
        if not any(n in SHAPES[u] for u in used):
            used.add({"N": "X", "D": "X", "K": "S", "M": "Z"}[n])
    return {n: SHAPES[n] for n in sorted(used)}


def ours(text, ranks=RANKS, sizes=None):
    """The value of the tree that is read."""
    script = parse_numpy(text, ranks, sizes)
    t = typed(script)
    return np.asarray(evaluate(t, {n: ARRAYS[n] for n in t.inputs}, [script.result])[script.result], float)


def theirs(text):
    return np.asarray(eval(text, {**FUNCTIONS, **ARRAYS}), float)


def agree(text, **how):
    got, want = ours(text, **how), theirs(text)
    assert got.shape == want.shape, f"{text}: shape {got.shape}, not {want.shape}"
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12, err_msg=text)


AGREE = """
np.linalg.pinv(X); np.linalg.norm(X, 2); np.linalg.norm(X, 'nuc'); np.linalg.eigvalsh(A + A.T)
scipy.linalg.expm(A); scipy.linalg.logm(A@A.T + np.eye(D)); scipy.linalg.sqrtm(A@A.T); np.tril(A); np.triu(A)
scipy.linalg.fractional_matrix_power(A@A.T, 0.3)
np.linalg.cholesky(A@A.T + np.eye(D))
special.gammaln(np.abs(x) + 1); special.digamma(np.abs(x) + 1); special.gamma(np.abs(x) + 1); special.erfc(x)
special.xlogy(np.abs(x), np.abs(r)); special.polygamma(1, np.abs(x) + 1); np.cbrt(x); np.arcsinh(x); np.logaddexp(x, r)
special.entr(np.abs(x)); special.rel_entr(np.abs(x), np.abs(r)); special.betaln(np.abs(x), np.abs(r)); np.arctan2(x, r)
x + r; x - r; x*r; x/r; x**2; x**-0.5; 2**x; x**a; a**b; a/x; x/a; -x; +x; -x**2; x//a; 1 - x; x - (r - a) + b
1_000*x; .5*x; 1e-3*x; 0x10*x; np.pi*x; 2*np.e*x
S*s; s*S; S + s; x[:,None]*S; S/x[:,None]; x[:,None]*s; s*x[:,None]; x[:,None] - s; s - x[:,None] + S
x[:,None] - x
np.sum(x[:,None] - r); x[:,None] + x[None,:]; x[:,np.newaxis]*S; x[..., None]*S; T*W; (T*W)[0]
np.sum(T*x[:,None,None])
(T - W)[:,0]; (S + x[:,None])[0,1]; (x + r)[0]; (S*s)[:,1]
X@w; x@X; x@X@w; X.T@x; w@A@v; X@W; (X@W).T; X@A@W; x@r; A@A.T@w; x[None,:]@X; X@w[:,None]
x[:,None]@s[None,:]
(x[None,:]@X)@w[:,None]; x[:,None]*r[:,None]@s[None,:]; (X@W)[0]; (X@W)[:,0]; (X@W)[0,1]
-0.5*(w - v)@inv(A)@(w - v)
np.outer(x, w); np.outer(x*r, w)@A; np.outer(x > a, s); np.dot(X, W); np.dot(x, r); np.dot(a, x); X.dot(w)
np.inner(X, Z); np.inner(a, X); np.inner(x, r); np.vdot(x, r); np.vdot(S, S); np.matmul(X, W)
np.linalg.multi_dot([X, A, W]); np.linalg.solve(A, w); np.linalg.solve(A, W)
np.trace(A); A.trace(); np.diag(w)@A; np.diag(A); np.diag(A)*w; A.diagonal(); np.diagonal(A)
np.diag(np.diag(A))
np.linalg.inv(A)@w; np.linalg.det(A); np.linalg.slogdet(A)[1]; np.linalg.slogdet(A)[0]
np.linalg.matrix_power(A, 3); np.linalg.matrix_power(A, 0); np.linalg.matrix_power(A, -2)
np.linalg.matrix_power(A, 1)
np.eye(D)@A; np.eye(3); np.identity(D) + A; np.eye(len(A))[0]; np.eye(N)[:,1]; np.eye(N).sum(axis=1)
np.eye(N).sum()
np.ones(N)@x; np.ones((N, K))*x[:,None]; np.ones_like(X)@w; np.zeros(N) + x; np.zeros_like(x); np.full(N, a)
np.ones(3)
np.ones((N, K)).sum(axis=1); np.ones((N, K)).mean(axis=0); np.ones((N, K)).prod(axis=0); np.ones((N, 1))
np.ones((1, 1))
np.ones(X.shape)*a; np.ones(len(x))*a; np.zeros((X.shape[0], K)); np.ones(1); np.zeros(N, dtype=float)
np.sum(x); np.sum(X); np.sum(T); np.sum(X, axis=0); np.sum(X, axis=1); np.sum(X, 1); np.sum(X, axis=-1)
X.sum(0); T.sum(1)
np.sum(X, axis=1, keepdims=True); X.sum(keepdims=True); T.sum(axis=(0, 2)); T.mean(axis=(0, 2))
np.sum(x, dtype=float)
X.mean(); np.mean(X, axis=0); np.prod(x); X.prod(axis=1); np.max(x); np.max(S, axis=1); S.min(0); np.amax(S)
np.amin(S, 0)
S.max(1, keepdims=True); S - S.max(1, keepdims=True); x[:,None].sum(axis=1); x[:,None].sum(axis=0)
x.sum().sum()
np.exp(S)/np.exp(S).sum(1, keepdims=True); S/S.sum(0); S/S.sum(1)[:,None]; (S - S.mean(0))/S.std(0)
np.var(x); np.std(S, axis=0); S.var(1); x.std()
((X[:,None,:] - Z[None,:,:])**2).sum(-1); np.exp(-np.sum((X[:,None] - Z)**2, axis=-1))@Z; T[0]@s
(T*W).sum(axis=0)
np.einsum('nd,dk->nk', X, W); np.einsum('nd,d->n', X, w); np.einsum('n,nd->d', x, X); np.einsum('n,n->', x, r)
np.einsum('ik,jk->ij', X, Z); np.einsum('ij,ik->jk', X, S); np.einsum('ij,i->j', X, x)
np.einsum('i,j->ij', x, w)
np.einsum('i,ij,j->', x, X, w); np.einsum('ij->ji', X); np.einsum('ii->', A); np.einsum('ii->i', A)
np.einsum('i->', x)
np.einsum('ij->', X); np.einsum('ij->i', X); np.einsum('ij->j', X); np.einsum('ij,ij->', X, X)
np.einsum('ij,ij->ij', X, X)
np.einsum('ij,jk', X, W); np.einsum('ba', X); np.einsum('ii', A); np.einsum('i,ij,j', x, X, w)
np.einsum('i,ij->ij', x, X)
np.einsum('ndk,nd->nk', T, X); np.einsum('ndk,nd,k->', T, X, s); np.einsum('ndk->kdn', T)
np.einsum('ij,kj->jik', X, Z)
np.einsum('ij,k->ik', X, np.ones(N)); np.einsum('ik,lj->ijkl', A, A); np.einsum('i,i->i', x, r)[0]
np.einsum('i,ij,i->j', x, X, r)
(x > a)*x; (x[:,None] > s)*S; ~(x > a)*r; np.sum(x > 0.5); np.mean((x > a) & (r < b))
np.mean((x > a) | ~(r < b))
((x[:,None] > s) & (S > 0.5))*1.0; (x[:,None] > s).T*1.0; (x > a)@r; (x > a)*(r > b); 1 - (x > a)
(x == r) | (x > a)
(x >= a)*1; (x <= a)*1; (x != r)*1; np.greater(x, a)*x; np.less(x, a)*x; np.greater_equal(x, a)*x
np.less_equal(x, a)*x
np.equal(x, r)*x; np.not_equal(x, r)*x; np.logical_and(x > a, r > b)*x; np.logical_or(x > a, r > b)*x
np.logical_not(x > a)*x
(x > a)[0]*r; (x > a).sum(); np.abs(0.5 - (x < a))*x**2; (x > a).astype(float)@r
np.where(x > a, x, 0); np.where(x > a, r, x); np.where(S > 1, S, x[:,None]); np.where(x[:,None] > s, 1, 0)
np.where(x, r, 2)
np.where(np.abs(x - r) < a, .5*(x - r)**2/a, np.abs(x - r) - .5*a); x if a > 0 else r
x if a > 0 and not b < 0 else r
x if a > 1 or b > 1 else r
np.maximum(0, x); np.maximum(x[:,None], s); np.minimum(S, s); np.clip(x, .2, .7); np.clip(x, None, .7)
np.clip(x, a, None)
x.clip(.2, .7); np.heaviside(x - a, .5)
np.exp(x); np.log(x); np.log1p(x); np.expm1(x); np.sqrt(x); np.sin(x); np.cos(x); np.tan(x); np.sinh(x)
np.cosh(x); np.tanh(x)
np.tril(A); np.triu(A); scipy.linalg.expm(A); scipy.linalg.sqrtm(A@A.T + np.eye(D))
scipy.linalg.logm(A@A.T + np.eye(D)); scipy.linalg.fractional_matrix_power(A@A.T + np.eye(D), 0.3)
np.arcsin(x/2); np.arccos(x/2); np.arctan(x); asin(x/2); acos(x/2); atan(x); np.log2(x); np.log10(x)
np.exp2(x)
np.abs(x - r); np.absolute(x - r); np.fabs(x - r); abs(x - r); np.sign(x - a); np.floor(3*x); np.square(x)
np.power(x, 3)
np.float_power(x, 2); pow(x, 2); np.reciprocal(x); np.negative(x); np.add(x, a); np.subtract(x, a)
np.multiply(S, s); np.divide(S, x[:,None]); np.true_divide(x, a); np.hypot(x, r); np.copy(x); np.array(x)
np.asarray(x)
np.float64(a)*x; float(a)*x; x.copy(); x.astype(float); x.astype(np.float64)
expit(x); special.expit(x); sigmoid(x); softplus(x); relu(x - a); erf(x); special.erf(x); special.logit(x/2)
nn.silu(x); exp(x)
special.log_expit(x); nn.log_sigmoid(x); np.logaddexp(0, x); np.logaddexp(-x, 0); np.logaddexp(x[:,None], s)
softmax(x); softmax(S, axis=1); softmax(S, axis=0); softmax(X@W, axis=-1)[:,0]; nn.softmax(S)
special.softmax(x); nn.log_softmax(S)
log_softmax(S, axis=1); log_softmax(x); softmax(S, axis=1)[np.arange(N), y]
np.sum(softmax(S, axis=0)[np.arange(N), y])
logsumexp(x); logsumexp(S); logsumexp(S, axis=1); logsumexp(S, axis=0); logsumexp(S, axis=1, keepdims=True)
np.mean(logsumexp(S, axis=1) - S[np.arange(N), y]); S - logsumexp(S, axis=1, keepdims=True)
np.linalg.norm(x); np.linalg.norm(X); np.linalg.norm(X, 'fro'); np.linalg.norm(x, 1); np.linalg.norm(x, 2)
np.linalg.norm(x, ord=1)
np.linalg.norm(X, axis=1); X/np.linalg.norm(X, axis=1, keepdims=True); np.linalg.norm(X, ord=1, axis=0)
X.T; X.transpose(); np.transpose(X); np.transpose(T, (2, 0, 1)); T.transpose(2, 0, 1).sum(axis=0); T.T; x.T
X.T[0]; x.transpose()
x.ravel(); x.flatten()@r; np.ravel(x); x.reshape(-1, 1)*S; np.reshape(x, (1, -1)); x[:,None].ravel()
x.reshape(-1)
np.squeeze(x[:,None]); x[None].squeeze(); np.expand_dims(x, 1)*S; np.expand_dims(x, -2); x[:,None]; x[None,:]
x[None]
X[0]; X[0,1]; X[1,:]; X[:,1]; x[2]; X[:]; X[...,0]; X[...,None,0]; T[0]; T[0,1]; T[:,1,2]; T[0,:,1]; T[:,:,0]
S[np.arange(len(y)), y]; S[np.arange(N), y].sum(); -np.mean(np.log(S[np.arange(N), y])); S[np.arange(N), y]@x
S[np.arange(N), y][:,None]; np.sum(np.maximum(0, S - S[np.arange(N), y][:,None] + 1)) - len(y)
S[np.arange(S.shape[0]), y]
np.mean(np.sum(np.maximum(0, S - S[np.arange(N), y][:,None] + 1), axis=1) - 1); S[np.arange(N), 0]
S[np.arange(N)]
P[y]; P[y]@w; P[y]*X; np.sum(P[y]*X, 1); P[c]; P[c,0]; P[y,0]; P[0,y]; P[:,y]; P[y,:]; S[:,c]; s[y]*x
np.sum(s[y]*x); s[c]; T[:,y]
P[u]@A; np.sum(P[u]*Z); (P*w)[y]; (P@w)[y]; X.T[y]; np.exp(s)[y]
np.eye(K)[y]; np.eye(K)[y]*S; np.eye(K)[c]; np.sum(np.eye(K)[y]*np.log(S)); np.sum(np.eye(K)[y]*S, axis=1)
X.T@(S - np.eye(K)[y])/N; (y[:,None] == np.arange(K))*S; np.sum((y[:,None] == np.arange(K))*S, axis=1)
np.sum(y[:,None] == np.arange(K)); np.arange(N); np.arange(N)*x; np.sum(np.arange(N)*x); np.sum(np.arange(N))
len(x)*a; np.sum(X)/X.size; np.sum(x)/x.shape[0]; S.ndim*a; X.shape[1]*a; np.sum(x)/N; a*K*x
sum(x); max(x); min(x); max(a, b); min(a, b, 0.5)
(lambda q: q*(1 - q))(expit(x)); (lambda q: np.sum(q[np.arange(N), y]))(softmax(S, axis=1))
(lambda p, q: p@q)(x, r)
(lambda q: q*(S - np.sum(q*S, axis=1, keepdims=True)))(np.exp(S)/np.exp(S).sum(1, keepdims=True))
(lambda n: np.sum(S[n, y]))(np.arange(N)); (lambda m: np.sum(m*x))(x > a)
(lambda q: q + q)((lambda q: q*q)(x))
(lambda C: C@C.T + a*np.eye(len(C)))(X)
"""
TEXTS = [text.strip() for line in AGREE.strip().splitlines() for text in line.split(";")]
NEED_SIZES = re.compile(r"\b[NDKM]\b")       # a size's name says nothing without the sizes


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_means_what_numpy_makes_of_it(text):
    agree(text, sizes=sizes_of(text))


@pytest.mark.parametrize("text", [t for t in TEXTS if not NEED_SIZES.search(t)])
def test_ranks_alone_are_enough(text):
    agree(text)


def test_every_row_stands_in_a_text():
    called = {word for text in (*TEXTS, EXPRESSIONS, PROGRAMS, LOSSES) for word in re.findall(r"(\w+)\(", text)}
    rows = {name.rpartition(".")[2] for name in (*CALLS, *METHODS, *BUILTINS)}
    named_alike = {spelling for spelling, row in OPS.items() if row.shape in ("map", "map2")}  # walked with OPS
    assert not rows - called - named_alike


def test_a_false_row_is_caught(monkeypatch):
    monkeypatch.setitem(CALLS, "tanh", CALLS["sinh"])
    with pytest.raises(AssertionError, match="tanh"):
        agree("np.tanh(x)")


# -- random expressions --------------------------------------------------------------------------------------

LEAVES = ("X", "W", "S", "A", "w", "x", "r", "s", "a", "b", "T", "np.float64(2)", "P[y]", "W[:,y]",
          "S[np.arange(4), y]")
SHELLS = (
    "({} + {})", "({} - {})", "({}*{})", "({}/{})", "({}@{})", "({}@{})", "({}*{})", "(-{})", "np.exp(-{})",
    "{}.T", "{}[:,None]", "{}[None]", "{}[0]", "{}[:,0]", "np.sum({})", "np.sum({}, axis=0)", "np.diag({})",
    "np.mean({}, axis=1, keepdims=True)", "np.max({}, axis=-1)", "np.where({} > {}, {}, 0)",
    "np.maximum({}, {})", "({} > {})*{}", "np.outer({}, {})", "np.inner({}, {})", "softmax({}, axis=-1)",
    "np.einsum('ij,kj->ik', {}, {})", "np.einsum('ij,j->ij', {}, {})", "logsumexp({}, axis=-1)",
    "(lambda q: q - q.mean())({})")


def grown(rng, depth):
    if depth == 0:
        return rng.choice(LEAVES)
    shell = rng.choice(SHELLS)
    return shell.format(*(grown(rng, rng.randrange(depth)) for _ in range(shell.count("{}"))))


def outcome(run, text, *failures):
    try:
        with np.errstate(all="ignore"):
            return run(text)
    except failures:
        return None


def compared(count, seed):
    """Random texts: how many read, and that none of them means another thing than it means to NumPy."""
    rng, read = random.Random(seed), 0
    for _ in range(count):
        text = grown(rng, rng.randrange(1, 4))
        want = outcome(theirs, text, ValueError, IndexError, TypeError, AttributeError)
        got = outcome(lambda t: ours(t, sizes=SHAPES), text, IversonError)
        if got is not None:
            read += 1
            assert want is not None, f"NumPy refuses {text}"
            assert got.shape == want.shape, text
            finite = np.isfinite(want)
            np.testing.assert_allclose(got[finite], want[finite], rtol=1e-8, atol=1e-9, err_msg=text)
    return read


def test_random_texts():
    assert compared(1500, seed=1) > 300


@pytest.mark.long
def test_many_random_texts():
    assert compared(60_000, seed=2) > 10_000


# -- the trees -----------------------------------------------------------------------------------------------

FORMS = {
    "X@w":                                    "X*w",
    "x@A@x":                                  "x'*A*x",
    "u@v":                                    "u'*v",
    "x@X":                                    "(x'*X)'",
    "np.outer(a, b)":                         "a*b'",
    "X.T@(X@w - y)":                          "X'*(X*w - y)",
    "np.sum((X@w - y)**2)":                   "sum((X*w - y).^2)",
    "np.sum(np.log(1 + np.exp(-y*(X@w))))":   "sum(log(1 + exp(-y.*(X*w))))",
    "np.exp(-0.5*(x - m)@np.linalg.inv(S)@(x - m))": "exp(-0.5*(x - m)'*inv(S)*(x - m))",
    "np.sum(X, axis=1)":                      "sum[k] X[:,k]",
    "np.sum(X, axis=0)":                      "sum[i] X[i,:]'",
    "X + w":                                  "X + spread(w, 1, 2)",
    "x[:,None]*w":                            "x*w'",
    "np.where(x > 0, x, 0)":                  "[x > 0].*x",
    "-np.mean(np.log(P[np.arange(len(y)), y]))": "-mean[i] log(P[i,y[i]])",
    "np.mean(logsumexp(S, axis=1) - S[np.arange(len(y)), y])": "mean[i] (logsumexp(S[i,:]') - S[i,y[i]])",
    "np.sum(P[u]*Q[v])":                      "sum[i,k] P[u[i],k]*Q[v[i],k]",
    "((X[:,None,:] - Z[None,:,:])**2).sum(-1)": "sum[j] (spread(X[:,j], 0, 2) - spread(Z[:,j], 1, 2)).^2",
    "np.linalg.norm(X - U@V)":                "norm2(X - U*V)",
    "np.einsum('ij,jk,kl->', A, B, C)":       "sum[i,k,j,l] A[i,k]*B[k,j]*C[j,l]",
    "np.sum(x)/len(x)":                       "sum(x)/n",
    "i*np.sum(x[:,None]*np.exp(X), axis=1)":  "i.*sum[k] x.*exp(X[:,k])",
    "np.logaddexp(0, -x)":                    "softplus(-x)",
}


@pytest.mark.parametrize("text", FORMS)
def test_the_form_a_person_would_write(text):
    ranks = {"a": 1, "b": 1}
    assert show(parse_numpy(text, ranks).equations[-1].body) == FORMS[text]


def test_what_only_elements_can_say_is_defined_once():
    script = parse_numpy("x@S[np.arange(len(y)), y] + r@S[np.arange(len(y)), y]", {})
    assert [(e.name, e.indices, show(e.body)) for e in script.equations] == [
        ("z", ("i",), "S[i,y[i]]"), ("L", None, "x'*z + r'*z")]


def test_a_lambda_names_a_definition():
    script = parse_numpy("(lambda s: s*(1 - s))(X@w)", {})
    assert [(e.name, show(e.body)) for e in script.equations] == [("s", "X*w"), ("L", "s.*(1 - s)")]
    taken = parse_numpy("s@(lambda s: s*(1 - s))(X@w)", {})
    assert [(e.name, show(e.body)) for e in taken.equations] == [("z", "X*w"), ("L", "s'*(z.*(1 - z))")]


def test_new_names_keep_away_from_the_text():
    ranks = {"i": 2, "k": 1, "L": 1, "z": 1, "j": 1}
    script = parse_numpy("L@np.sum(i*k, axis=1) + z@P[y]@j", ranks, {"u": ("l",)})
    assert [(e.name, e.indices, show(e.body)) for e in script.equations] == [
        ("v", ("i1", "k1"), "P[y[i1],k1]"), ("loss", None, "L'*sum[i1] i[:,i1]*k[i1] + z'*v*j")]


def test_numbers_are_exact():
    body = parse_numpy("0.1*x + 1e-3 + 1_0.5 + 0x1F + 3", {}).equations[0].body
    numbers = [t.attr for t in walk(body) if t.op == "num"]
    assert numbers == [Fraction(1, 10), Fraction(1, 1000), Fraction(21, 2), 31, 3]


def test_a_result_keeps_its_axes():
    assert show(parse_numpy("x[:,None]", {}).equations[0].body) == "x*ones(1)'"
    assert parse_numpy("np.einsum('ik,lj->ijkl', A, B)", {}).equations[0].indices == ("i", "k", "j", "l")


# -- what names are ------------------------------------------------------------------------------------------

def declarations(text, ranks=None, sizes=None):
    return {d.name: (d.kind, d.dims, d.classes) for d in parse_numpy(text, ranks or {}, sizes).declarations}


def test_letters_need_no_declaration():
    assert declarations("x@A@x + a") == {}


def test_other_ranks_are_declared():
    assert declarations("a@X@theta", {"a": 1, "theta": 1}) == {
        "a": ("tensor", ("?",), None), "theta": ("tensor", ("?",), None)}
    assert declarations("x*reg", {"reg": 0}) == {"reg": ("scalar", (), None)}


def test_sizes_are_declared():
    assert declarations("X@w", sizes={"X": ("N", "D"), "w": "D"}) == {
        "X": ("tensor", ("N", "D"), None), "w": ("tensor", ("D",), None)}


def test_an_index_array_is_a_label():
    assert declarations("np.sum(S[np.arange(len(y)), y])")["y"][:1] == ("label",)
    named = declarations("np.sum(S[np.arange(len(y)), y])", sizes={"S": ("N", "K")})
    assert named == {"S": ("tensor", ("N", "K"), None), "y": ("label", ("N",), "K")}
    assert declarations("np.eye(K)[y]") == {"y": ("label", ("?",), "K")}


def test_len_names_a_size_that_has_no_name():
    assert declarations("(y - X@w)@r/len(r)") == {
        "X": ("tensor", ("n", "?"), None), "y": ("tensor", ("n",), None), "r": ("tensor", ("n",), None)}


def test_a_declared_row_is_a_column_in_numpy():
    script = parse_numpy("x@A@x + np.sum(x)", {"x": "row"})
    assert script.declarations == (Declaration("x", "row", ("?",)),)
    assert show(script.equations[0].body) == "x*A*x' + sum(x')"
    values = {"x": ARRAYS["w"], "A": ARRAYS["A"]}
    got = evaluate(typed(script), values)["L"]
    assert got == pytest.approx(values["x"] @ values["A"] @ values["x"] + values["x"].sum())


def test_a_literal_size_of_one_broadcasts():
    script = parse_numpy("Y - S", {}, {"Y": ("N", 1), "S": ("N", "K")})
    values = {"Y": ARRAYS["x"][:, None], "S": ARRAYS["S"]}
    np.testing.assert_allclose(evaluate(typed(script), values)["L"], values["Y"] - values["S"])


def test_a_word_takes_the_rank_that_leaves_no_choice():
    assert declarations("Sigma[0, 1] + np.linalg.det(Omega)") == {
        "Sigma": ("tensor", ("?", "?"), None), "Omega": ("tensor", ("?", "?"), None)}


def test_an_array_hides_a_module():
    assert show(parse_numpy("np.T@sp", {"np": 2, "sp": 1}).equations[0].body) == "np'*sp"


# -- refusals ------------------------------------------------------------------------------------------------

REFUSED = [     # text, kind of the error, the part of the text it points at, words of message, why and hint
    ("",                                "syntax",      None,              "no formula"),
    ("x +",                             "syntax",      "+",               "invalid syntax"),
    ("X'*w",                            "syntax",      "'",               "X.T"),
    ("class A: pass",                   "unsupported", "class A: pass",   "not read"),
    ("def f(x):\n    while x > 0:\n        x -= 1\n    return x", "unsupported", None, "while"),
    ("def f(x, *a):\n    return x",     "unsupported", None,              "Name every argument"),
    ("def f(x):\n    x",                "unsupported", "x",               "nothing"),
    ("t = x\nt += 1\nnp.sum(x*t)",     "unsupported", "t += 1",          "copy()"),
    ("s = 0\nfor v in x:\n    s = s/2 + v\ns", "unsupported", "s", "turn before"),
    ("s = 0\nfor v in x:\n    if v > 0:\n        break\n    s += v\ns", "unsupported", "break", "not read"),
    ("sum(x[i-1] for i in range(len(x)))", "unsupported", "x[i-1]",       "end"),
    ("sum(x[i+1] for i in range(len(x)))", "unsupported", "x[i+1]",       "outside"),
    ("sum(x[i:i+2].sum() for i in range(len(x)))", "unsupported", "x[i:i+2]", "cut it off"),
    ("x[y] = 0\nnp.sum(x)",             "unsupported", "x[y] = 0",        "repeat"),
    ("x[::2]",                          "unsupported", "x[::2]",          "step 1"),
    ("np.inf*x",                        "unsupported", "np.inf",          "Infinite"),
    ("lambda s: s",                     "unsupported", "lambda s: s",     "list or a tuple"),
    ("[k for k in x]",                  "unsupported", "[k for k in x]",  "list or a tuple"),
    ("np.linalg.svd(X)",                "unsupported", "np.linalg.svd",   "nuc"),
    ("np.sort(x)[0]",                   "unsupported", "np.sort",         "sorted"),
    ("x % 2",                           "unsupported", "x % 2",           "np.floor"),
    ("x if len(x) > 2 else r",          "unsupported", "len(x) > 2",      "sizes"),
    ("np.summ(x)",                      "unsupported", "np.summ",         "Did you mean sum"),
    ("__import__('os').system('x')",    "unsupported", "__import__('os').system('x')", "not read"),
    ("eval('1')",                       "unsupported", "eval",            "not read"),
    ("x.__class__",                     "unsupported", "x.__class__",     "attribute"),
    ("x.tolist()",                      "unsupported", "x.tolist()",      "method"),
    ("T(r)",                            "unsupported", "T(r)",            "not called"),
    ("f(r)",                            "unsupported", "f",               "not read"),
    ("x[2*r]",                          "unsupported", "x[2*r]",          "index"),
    ("X[0.5]",                          "unsupported", "0.5",             "whole number"),
    ("x[0, 1]",                         "shape",       "0, 1",            "1 axis"),
    ("T[0, :, y]",                      "unsupported", "T[0, :, y]",      "colon"),
    ("np.sum(X, axis=2)",               "shape",       "np.sum(X, axis=2)", "no axis 2"),
    ("np.sum(X, axis=a)",               "unsupported", "a",               "written out"),
    ("np.max(0, x)",                    "unsupported", "x",               "np.maximum"),
    ("np.sum(x, where=r)",              "unsupported", "np.sum(x, where=r)", "where"),
    ("max(0, x)",                       "ambiguous",   "max(0, x)",       "np.maximum"),
    ("softmax(X)",                      "ambiguous",   "softmax(X)",      "axis=1"),
    ("beta*x",                          "ambiguous",   "beta",            "sizes={'beta': ()}"),
    ("a*np.ones(N)",                    "ambiguous",   "N",               "sizes"),
    ("np.eye(a*x)",                     "unsupported", "a*x",             "not a size"),
    ("1 + (0 < x < 1)",                 "unsupported", "0 < x < 1",       "(a < b) & (b < c)"),
    ("(x > 0) + (r > 0)",               "unsupported", "(x > 0) + (r > 0)", "Write |"),
    ("x*-(r > 0)",                      "unsupported", "-(r > 0)",        "~"),
    ("x & r",                           "unsupported", "x & r",           "conditions"),
    ("x > 0 and r > 0",                 "unsupported", "x > 0 and r > 0", "Write &"),
    ("1 if x > 0 else 2",               "unsupported", "1 if x > 0 else 2", "np.where"),
    ("x^2",                             "unsupported", "x^2",             "**"),
    ("a@x",                             "unsupported", "a@x",             "Write * for scalars"),
    ("np.linalg.slogdet(A) + 1",        "unsupported", "np.linalg.slogdet(A)", "slogdet(X)[1]"),
    ("np.linalg.inv(x)",                "shape",       "np.linalg.inv(x)", "square"),
    ("x.astype(int)",                   "unsupported", "x.astype(int)",             "cut off"),
    ("np.einsum('...i->i', X)",         "unsupported", "np.einsum('...i->i', X)", "ellipsis"),
    ("np.einsum('ij->i', x)",           "shape",       "np.einsum('ij->i', x)", "every axis"),
    ("1j*x",                            "unsupported", "1j",              "number"),
    ("1e999*x",                         "limit",       "1e999",           "exponent"),
    ("é + ü1*x",                        "ambiguous",   "é",               "scalar"),
    ("x\x00",                           "syntax",      None,              "null bytes"),
    ("\ud800",                          "syntax",      None,              "characters"),
]


@pytest.mark.parametrize(("text", "kind", "part", "says"), REFUSED, ids=lambda v: repr(v)[:40])
def test_refusals_point_at_the_part(text, kind, part, says):
    with pytest.raises(IversonError) as caught:
        parse_numpy(text, {"T": 3})
    error = caught.value
    assert error.kind == kind
    assert part is None or text[error.span.start:error.span.end] == part
    assert says in f"{error.message} {error.why} {error.hint}"
    assert error.source == text and str(error)


def test_sizes_that_differ_are_seen_as_numpy_would():
    with pytest.raises(IversonError, match="N and K") as caught:
        parse_numpy("np.sum(x*S)", {}, {"x": ("N",), "S": ("N", "K")})
    assert "last" in caught.value.why and caught.value.span.start == 7
    with pytest.raises(IversonError, match="Sizes differ: K and N"):
        parse_numpy("(S@x)[0]", {}, {"x": ("N",), "S": ("N", "K")})


def test_ranks_and_sizes_must_fit():
    with pytest.raises(IversonError, match="its rank is 1"):
        parse_numpy("X", {"X": 1}, {"X": ("N", "D")})


LARGE = ["x+" * 12_000 + "x", "(" * 250 + "x" + ")" * 250, "-" * 900 + "a", "x*" * 900 + "x",
         "np.exp(" * 199 + "x" + ")" * 199, "x+" * 6_000 + "x", "1" * 40 + "*x", "+".join(["a*x"] * 2_000)]


@pytest.mark.parametrize("text", LARGE, ids=lambda t: f"{t[:12]}... {len(t)}")
def test_large_texts_meet_a_limit_not_the_interpreter(text):
    with pytest.raises(IversonError) as caught:
        parse_numpy(text, {})
    assert caught.value.kind == "limit"


def test_repeated_choices_do_not_explode():
    text = "x"
    for _ in range(40):
        text = f"np.where({text}, r, x)"
    with pytest.raises(IversonError, match="too large"):
        parse_numpy(text, {})


def test_a_long_sum_is_not_deep():
    assert len(parse_numpy("+".join(["x"] * 1_000), {}).equations[0].body.args) == 1_000


# -- spans ---------------------------------------------------------------------------------------------------

SPANNED = ["x@A@x", "  np.sum(np.log(1 + np.exp(-y*(X@w))))", "np.mean(S[np.arange(len(y)), y])",
           "é1*x\\\n + é1*w", "(x\r\n + r)", "X[0] + X.T[1]", "np.where(x > 0, x, r)",
           "(lambda q: q*q)(x[:,None] - w)"]


@pytest.mark.parametrize("text", SPANNED)
def test_every_node_knows_its_part_of_the_text(text):
    for equation in parse_numpy(text, {"é1": 0}).equations:
        for node in walk(equation.body):
            part = text[node.span.start:node.span.end]
            assert part
            if node.op == "name" and node.attr not in ("i", "k", "n", "q"):
                assert node.attr in part
            if node.op == "num" and str(node.attr) in text:
                assert str(node.attr) in part


def test_spans_are_exact():
    tree = parse_numpy("np.exp(a*x) + (X @ w)", {}).equations[0].body
    spans = {node.op: node.span for node in walk(tree)}
    text = "np.exp(a*x) + (X @ w)"
    found = [(node.op, text[node.span.start:node.span.end]) for node in walk(tree)]
    assert spans["add"].end == len(text)
    assert found == [("add", text), ("call", "np.exp(a*x)"), ("mul", "a*x"), ("name", "a"), ("name", "x"),
                     ("mul", "X @ w"), ("name", "X"), ("name", "w")]


def test_a_gather_points_at_itself():
    text = "x@S[np.arange(len(y)), y]"
    body = parse_numpy(text, {}).equations[0].body
    assert text[body.span.start:body.span.end] == "S[np.arange(len(y)), y]"
