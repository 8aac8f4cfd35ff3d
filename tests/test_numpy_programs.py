"""NumPy programs are read with NumPy's own meaning, or refused: functions, loops, slices, masks, entries that are set.

The texts are this file's own, so Python runs them for NumPy's answer.  The losses of numpy_losses are read, their values
compared on arrays of different sizes, and their gradients with central differences.
"""

import re

import numpy as np
import pytest
from scipy import linalg, special
from scipy.stats import norm

import iverson as iv
from iverson.core.errors import IversonError
from numpy_losses import LOSSES

FUNCTIONS = {n: getattr(special, n) for n in (
    "expit", "logit", "logsumexp", "softmax", "log_softmax", "gammaln", "digamma", "psi", "polygamma", "erf", "erfc",
    "xlogy", "xlog1py", "entr", "rel_entr", "log_expit")}
COUNTS = {"N": 4, "D": 3, "K": 5, "M": 6, "B": 2}
SHAPES = {
    "X": ("N", "D"), "Z": ("M", "D"), "W": ("D", "K"), "S": ("N", "K"), "A": ("D", "D"), "T": ("N", "D", "K"),
    "Q": ("B", "N", "D", "K"), "x": ("N",), "r": ("N",), "w": ("D",), "v": ("D",), "s": ("K",), "y": ("N",),
    "u": ("M",), "p": ("N",), "a": (), "b": ()}
KINDS = {"y": "label K", "p": "label N", "u": "label D"}


def drawn(seed):
    rng, arrays = np.random.default_rng(seed), {}
    for n, dims in SHAPES.items():
        shape = tuple(COUNTS[d] for d in dims)
        arrays[n] = rng.integers(0, 3, shape) if n in "yu" else rng.permutation(4) if n == "p" else rng.normal(size=shape)
    arrays["A"] = arrays["A"] @ arrays["A"].T + np.eye(3)
    return arrays


def agree(text, theirs):
    loss = iv.parse(text, notation="numpy", sizes=SHAPES, kinds=KINDS)
    for seed in range(2):
        arrays = drawn(seed)
        want = np.asarray(theirs({n: v.copy() if v.shape else float(v) for n, v in arrays.items()}), float)
        got = np.asarray(loss.value(**{n: v for n, v in arrays.items() if n in loss.inputs}), float)
        assert got.shape == want.shape, f"{text}: shape {got.shape}, not {want.shape}"
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10, err_msg=text + "\n" + loss.reading)


EXPRESSIONS = """
x[1:]; x[:-1]; x[1:-1]; x[::-1]; X[1:]; X[:, 1:]; X[:, :2]; X[-1]; X[:, -1]; x[-2]; X[::-1]; X[:, ::-1]; (X@W)[1:, :2]
(x*r)[1:]; x[None, 1:]; T[1:, :, 0]; T[..., -1]; x[2:2+2]; x[len(x)-1]; x[:3].sum(); X[1:3].sum(0); x[0:1]; x[0:1]*X
x[1:]*x[:-1]; x[1:] - x[:-1]; X[1:] - X[:-1]; np.outer(x[1:], w); x[1:]@x[:-1]; X[1:]@w; (X@w)[1:]; X[1:].T; x[1:][1:]
x[::-1][1:]; x[1:][::-1]; np.exp(x)[1:]; x[-3:]; x[-3:-1]; x[:len(x)-1]
np.diff(x); np.diff(x, 2); np.diff(X, axis=0); np.diff(X); np.roll(x, 1); np.roll(x, -2); np.flip(x); np.flip(X, 0)
np.flip(X); np.cumsum(x); np.cumsum(X, axis=1); np.cumsum(X, axis=0); np.cumprod(x); np.flipud(X); np.fliplr(X)
X.cumsum(1)
np.concatenate([x, u]); np.concatenate([X, Z]); np.concatenate([X, S], axis=1); np.hstack([x, w, s])
np.hstack([X, S]); np.vstack([X, Z]); np.vstack([x, r]); np.stack([x, r]); np.stack([x, r], axis=1)
np.column_stack([x, r]); np.column_stack([X, x]); np.append(1, x); np.append(x, r); np.concatenate([x, u])[1:]
np.array([a, b, 1]); np.array([[a, b], [1, 2]]); np.array([x, r])@x; np.stack([x, r, x*r], -1)
np.concatenate((X, x[:, None]), axis=1); np.concatenate([[0], x]); np.concatenate([x, u])@np.concatenate([r, u])
np.concatenate([T, T], axis=1)[:, :, 0]
X.ravel(); X.reshape(-1); X.flatten('F'); X.T.ravel(); X.reshape(X.shape[1], X.shape[0]); x.reshape(-1, 1)
x.reshape(1, -1); X.reshape(-1, 1); X.reshape(N*D); X.reshape((N, D)); X.reshape(N, D, 1)[..., 0]; T[0].reshape(-1)
X.reshape(-1, D)
np.kron(x, w); np.kron(X, A); np.kron(np.eye(2), A); np.tril(A); np.triu(A, 1); np.tril(X, -1); np.tril(S)
np.triu(S, -1); np.eye(4, 3); np.eye(3, k=1); np.eye(D, D)@w; np.identity(3); np.full((2, 3), a); np.full_like(X, 2)
np.ones_like(x); np.zeros((N, D)) + X; np.linspace(0, 1, 5); np.linspace(a, b, N); np.arange(1, 4); np.arange(N)+1
np.arange(2, N); x*np.arange(1, len(x)+1); np.arange(0, N); 2*np.arange(N)
np.linalg.norm(x, np.inf); np.linalg.norm(x, -np.inf); np.linalg.norm(x, 3); np.linalg.norm(X, 1)
np.linalg.norm(X, np.inf); np.linalg.norm(X, 2); np.linalg.norm(X, axis=0); np.linalg.norm(T, axis=2)
np.linalg.norm(T, axis=(1, 2)); np.linalg.norm(X, axis=(0, 1)); np.linalg.norm(x, 0); np.linalg.norm(X, 'nuc')
np.linalg.norm(X, ord='fro'); np.linalg.norm(x, keepdims=True); np.linalg.norm(X, keepdims=True)
np.linalg.norm(X, 2, axis=1); np.linalg.norm(X, 1, 1)
np.var(x, ddof=1); X.var(axis=0, ddof=1); X.std(0, ddof=1, keepdims=True); X.var(); T.var(axis=(0, 1))
np.std(X, axis=1, keepdims=True); np.average(x, weights=np.abs(r)); np.average(X, axis=0); np.count_nonzero(x > 0)
T.sum(axis=(0, -1)); T.max(axis=(1, 2)); T.prod(axis=1)[0]; Q.sum(axis=(0, 3)); Q.sum(); Q.mean(axis=0)[0]; Q[0, 1]
(Q**2).sum(axis=(1, 2, 3)); np.sum(Q*T); Q.transpose(0, 2, 1, 3)[0, :, :, 1]; (Q*s).sum((1, 2))
x[x > 0].sum(); x[x > 0].mean(); X[X > 0].sum(); X[x > 0].sum(); X[x > 0].sum(axis=0); X[x > 0].mean(0)
(x[x > 0]**2).sum(); (x[x > 0] - r[x > 0]).sum(); x[x > 0].max(); np.sum(x[x > 0]*a); X[x > 0, 0].sum()
len(x[x > 0])*a; np.mean(x[y == 1]); np.exp(-x[r > 0]).sum(); np.prod(x[x > 0]); X[X > 0].max(); (X[x > 0] - w).sum(0)
np.linalg.norm(x[x > 0]); x[~(x > 0)].sum(); x[(x > 0) & (r > 0)].sum()
np.tensordot(X, W, 1); np.tensordot(X, X, 2); np.tensordot(X, X); np.tensordot(T, W, axes=([1, 2], [0, 1]))
np.tensordot(X, Z, axes=(1, 1)); np.tensordot(x, r, 1); np.einsum('bndk->nk', Q); np.einsum('ii->i', A)
np.einsum('ij,jk', X, W); np.einsum('nd,nd->n', X, X); np.einsum('i,j->ji', x, w); np.einsum('ij->', X)
np.inner(X, X); np.vdot(X, X); np.outer(x, w); np.swapaxes(T, 0, 2)[0]; np.moveaxis(T, 0, -1)[0]
np.moveaxis(T, -1, 0)[0]; T.swapaxes(0, 1)[0]; np.add.outer(x, w); np.subtract.outer(x, w); T@s
(T.transpose(0, 2, 1)@A)[0]; x@T[:, :, 0]; np.trace(A); T[0]@s
np.take_along_axis(S, y[:, None], axis=1); np.take_along_axis(S, y[:, None], 1).sum(); S[range(len(y)), y]; x[p]; X[p]
x[p]*r; X[p, :]@w; S[p, y]; S[np.arange(N), y][1:]; s[y][1:]; np.eye(K)[y].sum(0); (y[:, None] == y[None, :]).sum()
(y == 2).sum(); (y == 2)*x; np.where(y == 1, x, r)
max(x); min(x); sum(x); max(a, b); min(a, b, 1); sum([a, b]); np.sum([a, b]); np.mean([a, b, 3]); np.max([a, b])
max([a, b]); sum(x[i] for i in range(N)); sum(x[i]*r[i] for i in range(len(x))); sum(x[i] for i in range(1, N))
sum(x[i] for i in range(N-1)); sum(x[i+1]*x[i] for i in range(N-1)); sum(x[i-1]*x[i] for i in range(1, N))
sum(x[-1-i]*x[i] for i in range(N)); sum(x[N-1-i]*r[i] for i in range(N))
sum(x[i]*x[j] for i in range(N) for j in range(i)); sum(x[i]*x[j] for i in range(N) for j in range(i, N))
sum(x[i]*x[j] for i in range(N) for j in range(N) if i != j); sum(x[i] for i in range(N) if y[i] == 1)
sum(x[i] for i in range(N) if x[i] > 0); sum(i*x[i] for i in range(N)); sum(a**i for i in range(N))
sum(a for i in range(N)); np.prod([x[i] for i in range(N)]); max(x[i]*r[i] for i in range(N))
min(x[i] - r[i] for i in range(1, N)); np.mean([x[i]**2 for i in range(N)]); np.mean([x[i] for i in range(1, N)])
np.sum([x[i]*w for i in range(N)], axis=0); np.sum([x[i]*X[i] for i in range(N)]); sum(x[i]*X[i] for i in range(N))
np.array([x[i]**2 for i in range(N)]); np.array([x[i+1] - x[i] for i in range(N-1)])
np.array([x[i] for i in range(1, N)]); np.array([[X[i, j]*x[i] for j in range(D)] for i in range(N)])
np.max([x[i] for i in range(N)]); sum(x[i]*X[i, j] for i in range(N) for j in range(D))
sum(X[i]@X[j] for i in range(N) for j in range(N)); sum(v*c for v, c in zip(x, r)); sum(q@w for q in X)
sum(i*q for i, q in enumerate(x)); sum(x[i]*r[N-1-i] for i in range(N-1, -1, -1)); sum(x[k:].sum() for k in range(N))
sum(x[:k].sum() for k in range(N)); sum(x[:k+1].mean() for k in range(N)); sum(x[k:k+2].sum() for k in range(N-1))
sum(A[i, i] for i in range(D)); sum(A[i, j] for i in range(D) for j in range(i+1))
np.sum([S[i, y[i]] for i in range(N)]); sum(np.log(np.exp(S[i]).sum()) - S[i, y[i]] for i in range(N))
sum(x[k] for k in range(3)); sum(x[k]**k for k in range(4)); sum(w[j]*X[:, j] for j in range(D))
sum(w[j]*X[:, j] for j in range(D))@x; np.sum([np.outer(X[i], X[i]) for i in range(N)], axis=0)
sum(np.outer(X[i], X[i]) for i in range(N)); sum(x[i]*x[i-j] for j in range(N) for i in range(j, N))
sum(x[i]*x[i+j] for j in range(N) for i in range(N-j)); sum(max(0, x[i]) for i in range(N))
sum(x[i] if r[i] > 0 else r[i] for i in range(N)); sum(x[i] if i > 0 else r[i] for i in range(N))
sum(np.dot(X[i], w)**2 for i in range(N))/N; max(S[i, j] for i in range(N) for j in range(K))
sum(max(S[i, j] for j in range(K) if j != y[i]) for i in range(N))
sum(np.max([S[i, j] for j in range(K) if j != y[i]]) for i in range(N))
np.sum(np.array([x[i] for i in range(N) if x[i] > 0])); sum(1 for i in range(N) if x[i] > 0)
sum(X[i].max() for i in range(N)); sum(X[i, 1:].sum() for i in range(N))
sum(T[i, j, k] for i in range(N) for j in range(D) for k in range(K))
np.where(x > 0, x, -np.inf).max(); np.max(np.where(y[:, None] == np.arange(K), -np.inf, S), axis=1)
logsumexp(np.where(x > 0, x, -np.inf)); softmax(np.where(S > 0, S, -np.inf), axis=1)
np.exp(np.where(S > 0, S, -np.inf)).sum(1); logsumexp(np.where(S > 0, S, -np.inf), axis=1)
np.where(x > 0, np.inf, x).min(); (np.where(x > 0, 0, -np.inf) + x).max()
(x > 0)*(r > 0); (x > 0) + 0.0; ((x > 0) & (r > 0)).mean(); np.sign(x)*x; abs(x); a if True else b
a if None is None else b; x.T.T; float(a); np.float64(a); np.square(X).sum(1); np.power(x, 2); np.hypot(x, r)
np.logaddexp(x, r); np.logaddexp.reduce(x); np.log1p(np.exp(x)); np.array(x); np.asarray(X).T; X.T.copy()
x.mean(keepdims=True); x.sum(keepdims=True)*X[:, 0]; X.sum(keepdims=True); x[:, None]@w[None, :]
X.mean(axis=0, keepdims=True); np.squeeze(X[:, :1]); X[:, :1]; X[:, 0:1]*X; X[:1]; np.broadcast_to(x[:, None], (N, D))
np.clip(x, -1, 1); np.clip(x, 0, None); x.clip(min=0); np.maximum(x, 0); np.round(x)
special.ndtr(x); special.pseudo_huber(2.0, x); special.huber(0.5, x); np.deg2rad(x); np.take(x, p)
np.take(X, p, axis=0); x.sum().item()*a; np.empty_like(x)*0; 0*np.empty((N, D)) + X; np.take(S, y, axis=1)
xlogy(np.abs(x), np.abs(r)); xlog1py(np.abs(x), np.abs(r)); psi(np.abs(x)+1); erf(x); erfc(x); logit(expit(x))
polygamma(1, np.abs(x)+1); norm.logpdf(x, r, 2); norm.pdf(x); norm.cdf(x, a); norm.logcdf(x)
linalg.solve_triangular(A, w, lower=True); linalg.solve_triangular(A, w)
"""


@pytest.mark.parametrize("text", [t.strip() for line in EXPRESSIONS.strip().splitlines() for t in line.split(";")])
@pytest.mark.filterwarnings("ignore")
def test_an_expression_means_what_numpy_makes_of_it(text):
    agree(text, lambda arrays: eval(text, {"np": np, "special": special, "linalg": linalg, "norm": norm, **FUNCTIONS, **COUNTS, **arrays}))


PROGRAMS = r'''
def f(x):
    def twice(g):
        k = 5.0
        return g(2.0)
    k = 3.0
    return twice(lambda v: v*k)*x.sum()

def f(x, a):
    k = 1.0
    def g(v):
        return v*k
    if a > 0:
        k = 2.0
    return g(x).sum()

def f(x):
    R, exp = range, np.exp
    e = [exp(x[i]) for i in R(len(x))]
    return sum(v/sum(e) for v in e)*e[0]

def f(x):
    return sum(i*v for i, v in enumerate(x, 1)) + sum(i*v for i, v in enumerate(x, start=2))

def f(X, y):
    m = np.ones(X.shape, dtype=bool)
    m[:, 0] = False
    return X[m].sum() + (X[:, 1] > 0).astype(int).sum() + np.eye(3, dtype=bool).sum()

def f(A, X):
    d = A[np.triu_indices(len(A), 1)].sum() - A[np.tril_indices(len(A))].sum()
    return d + np.cov(X.T)[0, 1] + np.corrcoef(X.T)[0, 1] + np.ptp(X) + np.ndim(X) + np.size(X) + np.shape(X)[0]

def f(x, r):
    z = np.convolve(x, [0.5, 1, 2], mode='same') + np.convolve(x, r)[:len(x)] + np.correlate(x, r, "full")[:len(x)]
    return (z*np.polyval([1, 2, 3], x)).sum() + np.vander(x, 3).sum() + np.c_[x, r].sum() + np.r_[x, r, 1].sum()

def f(x, r):
    return np.add.reduce(x) + np.multiply.reduce(r) + np.maximum.reduce(x) - np.minimum.reduce(r) + np.maximum.outer(x, r).sum()

def f(X, S, y):
    return sum([1, 2] + [3])*S[[0, 2], [1, 1]].sum() + X[[0, 1]].sum() + S[0, [1, 2]].sum() + sum([0.5]*3)

def f(x, r):
    t = x.copy()
    t += r
    return (x*t).sum()

def f(X, x):
    q = X[0].copy()
    X[0, 0] = 3
    return q.sum() + X.sum()

def f(S, y):
    n = np.arange(len(y))
    c = S[n, y]
    S[n, y] = 0
    return (S.sum(1)*c).sum()

def f(S, y):
    S[np.arange(len(y)), y] -= 1
    return (S**2).sum()

def f(S, y):
    S[np.arange(len(y)), y] *= 2
    return (S**2).sum()

def f(S, y):
    S[:, 0] = 0
    S[1] += 2
    S[1:, 1:] *= 3
    return (S**2).sum()

def f(x, r):
    z = np.zeros(len(x))
    z[1:] = r[:-1]
    z[0] = 7
    return (z*x).sum()

def f(x, r):
    z = np.zeros(len(x))
    z[1:] += r[1:]*x[:-1]
    return (z**2).sum()

def f(X):
    X[X < 0] = 0
    return (X**2).sum()

def f(X):
    X[X < 0] *= 0.1
    return (X**2).sum()

def f(x, X):
    X[x > 0] = 1
    return (X**2).sum()

def f(x, X):
    X[x > 0, 1] = 1
    return (X**2).sum()

def f(x):
    s = 0
    for i in range(4):
        s = s*0.5 + x[i]
    return s

def f(x):
    p = 1.0
    for i in range(len(x)):
        p *= 1 + x[i]
    return p

def f(x):
    m = -np.inf
    for i in range(len(x)):
        m = max(m, x[i])
    return m

def f(x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i]**2
    return out.sum()

def f(x):
    out = np.zeros(len(x))
    for i in range(1, len(x)):
        out[i] = x[i]*x[i-1]
    return (out*x).sum()

def f(x):
    out = np.zeros(len(x))
    for i in range(len(x)-1):
        out[i+1] = x[i]
    return (out*x).sum()

def f(X, Z):
    n, m = X.shape[0], Z.shape[0]
    D = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            D[i, j] = np.sum((X[i] - Z[j])**2)
    return np.exp(-D).sum()

def f(X, Z):
    n, m = len(X), len(Z)
    D = np.zeros((n, m))
    for i in range(n):
        D[i] = np.sum((X[i] - Z)**2, axis=1)
    return np.exp(-D).sum()

def f(X, Z):
    n, m = len(X), len(Z)
    D = np.zeros((n, m))
    for j in range(m):
        D[:, j] = np.sum((X - Z[j])**2, axis=1)
    return np.exp(-D).max()

def f(X, y, W):
    dW = np.zeros_like(W)
    S = X@W
    for i in range(len(y)):
        dW[:, y[i]] += X[i]*S[i, y[i]]
    return (dW**2).sum()

def f(X, y, W):
    dW = np.zeros_like(W)
    for i in range(X.shape[0]):
        for j in range(W.shape[1]):
            if j == y[i]:
                dW[:, j] -= X[i]
            else:
                dW[:, j] += 2*X[i]
    return (dW*W).sum()

def f(x, r):
    out = []
    for i in range(len(x)):
        out.append(x[i]*r[i])
    return np.mean(out) + np.sum(out)

def f(x, r):
    out = []
    for i in range(len(x)):
        if x[i] > 0:
            out.append(x[i]*r[i])
    return np.sum(out)

def f(x, a):
    if a > 0:
        z = x*a
    else:
        z = x/2
    return z.sum()

def f(x, a):
    z = x
    if a > 0:
        z = x*a
    return (z*x).sum()

def f(x, r):
    x, r = r, x
    return (x**2).sum() + r.sum()

def f(x, r):
    def g(u, k=2):
        v = u**k
        return v.sum()
    return g(x) + g(r, k=3) + g(u=x)

def f(x):
    g = lambda u: u*u
    u = g(x)
    return g(u).sum()

def f(X):
    X = X - X.mean(0)
    X = X / X.std(0)
    return np.sum(X[:, 0]*X[:, 1])

def f(X, x):
    a, b, c = X.T
    return (a*b - c*x).sum()

def f(w):
    a, b, c = w
    return a*b + c**2

def f(x, y):
    K = 5
    h = np.zeros(K)
    for k in range(K):
        h[k] = x[y == k].sum()
    return (h**2).sum()

def f(x, y, s):
    h = np.zeros_like(s)
    for i in range(len(x)):
        h[y[i]] += x[i]
    return (h*s).sum()

def f(S):
    M = S.max(axis=1)
    E = np.exp(S - M[:, None])
    Z = E.sum(1)
    return (np.log(Z) + M).sum()

def f(A, w):
    L = np.linalg.cholesky(A)
    z = np.linalg.solve(L, w)
    return 0.5*z@z + np.log(np.diag(L)).sum()

def f(A):
    lam, V = np.linalg.eigh(A)
    return np.log(lam).sum()

def f(T, s):
    h = T@s
    return (h**2).sum()

def f(Q):
    m = Q.mean(axis=(0, 1), keepdims=True)
    return ((Q - m)**2).sum()

def f(x, r):
    """doc"""
    # comment
    assert x.shape == r.shape
    with np.errstate(all="ignore"):
        z = x*r
    print(z)
    return z.sum()

def f(x):
    s = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            if i == j:
                continue
            if x[i] > x[j]:
                s += x[i] - x[j]
            elif x[i] < 0:
                s -= 1
    return s

def f(x):
    y = x
    for k in range(3):
        y = np.tanh(y) + x
    return y.sum()

def f(x):
    c = 0
    for i in range(len(x)):
        t = 0
        for j in range(i):
            t += x[j]
        c += t**2
    return c

def f(x):
    c = 0
    for i in range(len(x)):
        t = 1
        for j in range(i + 1):
            t *= 1 + x[j]**2
        c += t
    return c

def f(X, x):
    i = 1
    return X[i, 0] + x[i+1] + x[-i]

def f(x, S, y):
    z = S[np.arange(len(y)), y]
    z += x
    return (z*x).sum() + S.sum()

def f(x, u):
    z = np.concatenate([x, u])
    z[2:] = z[2:]*2
    return (z**2).sum()

def f(X, w):
    R = X.copy()
    for d in range(X.shape[1]):
        R[:, d] += w[d]
    return (R**2).sum()

def f(x):
    t = sum(x) / len(x)
    return sum((v - t)**2 for v in x)

def f(x):
    return np.dot(x, x) ** 0.5 + x.dot(x)

def f(S, y):
    p = np.exp(S)
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return (p**2).sum()

def f(S, y):
    m = np.zeros_like(S)
    m[np.arange(len(y)), y] = 1
    return (S*(1-m)).max(axis=1).sum()

def f(x):
    x[0] += 1
    x[-1] *= 2
    return (x**2).sum()

def f(x, k=2):
    return (x**k).sum()

def f(x, eps=1e-8, scale=-2.5):
    return scale*np.log(x**2 + eps).sum()

def f(x, r):
    _t = x*r
    return _t.sum()

def f(x, r):
    sum_ = x*r
    max = sum_ + 1
    return max.sum()

def f(x, r):
    norm = np.sqrt(x@x)
    exp = x/norm
    log = exp@r
    return log**2

def f(x, r):
    mean = x.mean()
    where = r - mean
    pi = where**2
    return pi.sum()

def f(X):
    i = X.mean(0)
    j = X - i
    k = j.T@j
    return np.trace(k)

def f(X, W):
    N, D = X.shape
    K = W.shape[1]
    L = X@W
    return (L**2).sum()/N/D/K

def f(x):
    and_ = x
    diff = np.diff(and_)
    return (diff**2).sum()

def f(x, r):
    L = x*r
    loss = L.sum()
    L1 = loss**2
    return L1

def f(x, S, y):
    n = len(y)
    m = S[np.arange(n), y].mean()
    n = S.shape[1]
    return m*n + x.sum()

def f(x):
    x = x - x.max()
    e = np.exp(x)
    e = e/e.sum()
    return -(e*np.log(e)).sum()

def f(x):
    t = 0
    for i in range(len(x)):
        s = x[i]**2
        t += np.exp(s) + s
    return t

def f(X, A):
    t = 0
    for i in range(len(X)):
        z = A@X[i]
        t += z@z + np.exp(z).sum()
    return t

def f(X, A, s, T):
    t = 0
    for i in range(len(X)):
        z = A@X[i]
        t += np.log(np.exp(T[i]@s + z).sum())
    return t

def f(X, y, S):
    t = 0
    for i, k in enumerate(y):
        t += S[i, k]**2
    return t

def f(X, y, S):
    return sum(S[i][k] for i, k in enumerate(y))

def f(X, y, W):
    t = 0
    for x_i, y_i in zip(X, y):
        p = x_i@W
        p = np.exp(p - p.max())
        p = p/p.sum()
        t -= np.log(p[y_i])
    return t/len(y)

def f(x):
    n = len(x)
    h = np.zeros(n)
    for i in range(n):
        h[i] = sum(x[j]*x[i-j] for j in range(i+1))
    return (h**2).sum()

def f(x, w):
    n, m = len(x), len(w)
    y = np.zeros(n+m-1)
    for i in range(n):
        for j in range(m):
            y[i+j] += w[j]*x[i]
    return (y**2).sum()

def f(x, w):
    n, m = len(x), len(w)
    y = np.zeros(n+m-1)
    for i in range(n):
        y[i:i+m] += x[i]*w
    return (y**2).sum()

def f(A):
    s = 0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            if i < j:
                s += A[i, j]
            elif i == j:
                s -= A[i, j]**2
            else:
                s += 2*A[i, j]
    return s

def f(A):
    B = A.copy()
    for i in range(len(A)):
        B[i, i] = 0
    return (B**2).sum()

def f(A):
    B = A.copy()
    for i in range(len(A)):
        B[i, i] += 2
    return np.linalg.slogdet(B)[1]

def f(x, r):
    d = np.abs(x[:, None] - r[None, :])
    i = np.arange(len(x))
    return d[i, i].sum() + d[0].sum() + d[:, 0].max()

def f(x, S):
    Z = np.zeros((len(x), 2))
    Z[:, 0] = x
    Z[:, 1] = S[:, 0]*x
    return (Z[:, 0]*Z[:, 1]).sum() + (Z**2).sum()

def f(x, r, u):
    z = np.zeros(len(x) + len(u))
    z[:len(x)] = x*r
    z[len(x):] = u
    return (z**2).sum() + z[0]

def f(S, y):
    S = np.where(np.arange(S.shape[1]) == y[:, None], 0, S)
    return S.max(axis=1).sum()

def f(S, y):
    rows = np.arange(S.shape[0])
    S[rows, y] = S.min() - 1
    return S.max(axis=1).sum()

def f(S, y):
    S = S - S[np.arange(len(S)), y].reshape(-1, 1) + 1
    S[np.arange(len(S)), y] = 0
    S[S < 0] = 0
    return S.sum()

def f(x, a):
    z = x if a > 0 else -x
    return z.sum()

def f(x, r):
    return np.sum(x*r, axis=None) + np.sum(x, keepdims=False)

def f(X):
    return np.sum(np.sum(X, axis=0)**2) + X.sum(axis=1).max() - X.min(axis=-1).sum()

def f(X, Z):
    return np.min(np.sum((X[:, None] - Z)**2, -1), axis=1).sum() + np.min(np.sum((X[:, None] - Z)**2, -1), axis=0).mean()

def f(T, s, w):
    return np.einsum('ndk,k,d->n', T, s, w).sum() + (T*s).sum() + (T*w[:, None]).max()

def f(Q, T):
    return np.sum(Q*T[None]) + np.mean((Q - Q.mean(axis=1, keepdims=True))**2)

def f(Q):
    A = Q @ Q.transpose(0, 1, 3, 2)
    return np.exp(A - A.max(-1, keepdims=True)).sum()

def f(x, r):
    C = np.array([[x@x, x@r], [r@x, r@r]])
    return np.linalg.det(C)

def f(a, b):
    R = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    v = np.array([b, 1.0])
    return (R@v)[0]**2 + (R@R.T).sum()

def f(x, p):
    d = np.diff(x[p])
    return (d**2).sum()

def f(x, y):
    return sum(x[i]*x[j] for i in range(len(x)) for j in range(len(x)) if y[i] == y[j] and i < j)

def f(x, y):
    return np.mean([x[i] for i in range(len(x)) if y[i] != 1])

def f(x):
    return np.std(x)/np.mean(x) + x.var() + np.linalg.norm(x - x.mean())

def f(x):
    i = 0
    t = x[i]
    i += 1
    t = t + x[i]
    i = i + 1
    return t*x[i]

def f(S, y):
    return -np.log(softmax(S, axis=-1))[np.arange(len(y)), y].mean()

def f(S, y):
    T = np.eye(S.shape[1])[y]
    pos = (S*T).sum(1)
    neg = np.max(S - 1e9*T, axis=1)
    return np.maximum(0, 1 + neg - pos).sum()

def f(X):
    m = 0
    for i in range(len(X)):
        m += X[i]
    m /= len(X)
    C = 0
    for i in range(len(X)):
        C += np.outer(X[i] - m, X[i] - m)
    return np.trace(C@C)

def f(X):
    n, d = X.shape
    a, b = X.sum(0), X.sum(1)
    a += n
    b *= d
    return a.sum()*b.sum()

def f(x, r):
    t, u = x.copy(), r
    t += u
    return (t*x).sum()

def f(x, r):
    for i in range(len(x)):
        x[i] += r[i]
    return (x**2).sum()

def f(x):
    s = 0
    for i in range(len(x)):
        i = i + 1
        s += x[i-1]
    return s

def f(x, w):
    s = 0
    for i in range(len(x)):
        for i in range(len(w)):
            s += w[i]
    return s

def f(x):
    a = b = x.sum()
    a += 1
    return a*b

def f(X):
    Y = X.T
    Y = Y - 1
    X[0] = 2
    return (Y**2).sum() + X.sum()

def f(x, r):
    def g(v):
        v = v + 1
        return v.sum()
    return g(x) + x.sum()

def f(x):
    k = 3
    g = lambda v: v**k
    k = 2
    return g(x).sum()

def f(x):
    L = [x, x**2]
    return sum(L).sum() + L[1].sum()

def f(x, r):
    L = [x, r]
    return np.sum([v.sum() for v in L])

def f(x):
    s = 0
    for i in range(len(x)):
        if x[i] > 0 and i > 0:
            s += x[i]*x[i-1]
    return s

def f(x):
    s = 0
    for i in range(len(x)):
        if i > 0:
            s += x[i]*x[i-1]
        else:
            s += x[i]
    return s

def f(x):
    return sum(x[i]*x[i-1] for i in range(len(x)) if i > 0)

def f(x):
    m = x[0]
    for i in range(1, len(x)):
        m = np.maximum(m, x[i])
    return m*2

def f(S):
    p = np.ones(len(S))
    for k in range(S.shape[1]):
        p = p*(1 + S[:, k]**2)
    return p.sum()

def f(S):
    p = np.zeros(len(S))
    for k in range(S.shape[1]):
        p += S[:, k]**2
    return np.sqrt(p).sum()

def f(S):
    p = 0
    for k in range(S.shape[1]):
        p = p + S[:, k]**2
    return np.sqrt(p).sum()

def f(S):
    p = 5
    for k in range(S.shape[1]):
        p = S[:, k]**2 + p
    return np.sqrt(p).sum()

def f(S):
    p = 5
    for k in range(S.shape[1]):
        p -= S[:, k]**2
    return p.sum()

def f(x):
    p = 2.0
    for k in range(len(x)):
        p /= 1 + x[k]**2
    return p

def f(X):
    return sum(np.linalg.norm(X[i] - X[j])**2 for i in range(len(X)) for j in range(len(X)) if i < j)

def f(X, Z):
    d = np.array([[np.sum((a - b)**2) for b in Z] for a in X])
    return np.exp(-d).sum() + d[0, 1]

def f(X, Z):
    d = np.array([min(np.sum((a - b)**2) for b in Z) for a in X])
    return d.sum()

def f(T):
    return sum(np.trace(T[i]@T[i].T) for i in range(len(T)))

def f(T, A):
    return sum(np.log(np.linalg.det(A + T[i]@T[i].T)) for i in range(len(T)))

def f(x, a):
    for _ in range(3):
        a = a - 0.1*(a - x.mean())
    return a

def f(x, r):
    z = np.concatenate([x[:2], r[2:]])
    return (z*x).sum()

def f(x, r):
    z = np.where(np.arange(len(x)) < 2, x, r)
    return (z**2).sum()

def f(x):
    w = np.arange(len(x))/len(x)
    return (w*x).sum() + np.sum(np.arange(1, len(x))*x[1:])

def f(x):
    t = np.linspace(0, 1, len(x))
    return ((x - t)**2).sum()

def f(S):
    return S[S > S.mean()].sum() + S[(S > 0) & (S < 1)].mean()

def f(S, y):
    m = S.copy()
    m[np.arange(len(y)), y] = -np.inf
    return np.log(np.exp(m).sum(axis=1)).sum() + np.max(m)

def f(S, y):
    m = S.copy()
    m[np.arange(len(y)), y] = -np.inf
    return (m - S).max(axis=1).sum()

def f(x):
    y = x.copy()
    y[1:] = y[1:] - y[:-1]
    return (y**2).sum()

def f(x):
    y = x.copy()
    y[1:] -= 0.9*x[:-1]
    y[:-1] += x[1:]
    return (y**2).sum()

def f(x):
    y = x[::-1].copy()
    y[0] = 1
    return (y*x).sum()
'''


def made(text):
    names = {"np": np, **FUNCTIONS}
    exec(text, names)
    return names[re.findall(r"^def (\w+)", text, re.M)[-1]]


@pytest.mark.parametrize("text", PROGRAMS.strip("\n").split("\n\n"))
def test_a_program_means_what_python_makes_of_it(text):
    function = made(text)
    wanted = re.search(r"^def f\((.*)\)", text, re.M)[1].split(", ")
    agree(text, lambda arrays: function(**{n: arrays[n] for n in wanted if n in arrays}))


REFUSED = (
    ('def f(x):\n'
     '    z = np.array([0, 0, 0])\n'
     '    z[0] = 0.7\n'
     '    return (z*x[:3]).sum()',
     'z[0]', 'NumPy keeps whole numbers'),
    ('def f(x, y):\n'
     '    z = np.zeros_like(y)\n'
     '    z[:] = x\n'
     '    return (z*x).sum()',
     'z[:]', 'NumPy keeps whole numbers'),
    ('def f(x):\n'
     '    return x.astype(int).sum()',
     'x.astype(int)', 'cut off to whole ones'),
    ('def f(x, r):\n'
     '    t = x\n'
     '    t += r\n'
     '    return (x*t).sum()',
     't += r', 'This changes x too, which'),
    ('def f(X, x):\n'
     '    q = X[0]\n'
     '    X[0, 0] = 3\n'
     '    return q.sum()',
     'X[0, 0] = 3', 'This changes q too, which'),
    ('def f(x):\n'
     '    q = x[1:]\n'
     '    q[0] = 5\n'
     '    return x.sum()',
     'q[0] = 5', 'This changes x too, which'),
    ('def f(x):\n'
     '    s = 0\n'
     '    for i in range(len(x)):\n'
     '        s = s*0.5 + x[i]\n'
     '    return s',
     's', 's takes its value from'),
    ('def f(x):\n'
     '    out = x.copy()\n'
     '    for i in range(1, len(x)):\n'
     '        out[i] = out[i-1] + x[i]\n'
     '    return out.sum()',
     'out', 'out takes its value from'),
    ('def f(x, a):\n'
     '    if len(x) > 2:\n'
     '        return x.sum()\n'
     '    return a',
     'len(x) > 2', 'A condition on sizes is'),
    ('def f(x):\n'
     '    n = len(x)\n'
     '    for i in range(n):\n'
     '        t = x[i]\n'
     '    return t',
     't', 't has the value of'),
    ('def f(x):\n'
     '    for i in range(len(x)):\n'
     '        x[i] = 2*x[i]\n'
     '    return x.sum()',
     'x', 'x takes its value from'),
    ('def f(x):\n'
     '    s = 0\n'
     '    for i in range(len(x)):\n'
     '        if i == 2:\n'
     '            break\n'
     '        s += x[i]\n'
     '    return s',
     'break', 'The statement `break` is not'),
    ('def f(x):\n'
     '    s = 0\n'
     '    i = 0\n'
     '    while i < len(x):\n'
     '        s += x[i]\n'
     '        i += 1\n'
     '    return s',
     'while i < len(x):\n        s += x[i]\n        i += 1', 'The statement `while` is not'),
    ('def f(x, y, s):\n'
     '    h = np.zeros_like(s)\n'
     '    h[y] += x\n'
     '    return (h*s).sum()',
     'h[y] += x', 'Setting entries at places that'),
    ('def f(x, S, y):\n'
     '    z = S[0]\n'
     '    z += 1\n'
     '    return S.sum()',
     'z += 1', 'This changes S too, which'),
    ('def f(x, S, y):\n'
     '    z = S.T\n'
     '    z[0, 0] = 1\n'
     '    return S.sum()',
     'z[0, 0] = 1', 'This changes S too, which'),
    ('def f(x):\n'
     '    z = x.reshape(-1, 1)\n'
     '    z *= 2\n'
     '    return x.sum()',
     'z *= 2', 'This changes x too, which'),
    ('def f(X, w):\n'
     '    R = X.copy()\n'
     '    for d in range(X.shape[1]):\n'
     '        R[:, d] *= w[d]\n'
     '    return R.sum()',
     'R[:, d] *= w[d]', 'In a loop, entries are'),
    ('def f(x, r):\n'
     '    idx = np.argsort(x)\n'
     '    return r[idx].sum()',
     'np.argsort', 'The function np.argsort is not'),
    ('def f(x, *args):\n'
     '    return x.sum()',
     'def f(x, *args):\n    return x.sum()', 'Starred arguments are not read.'),
    ('def f(x):\n'
     '    return np.sort(x)[0]',
     'np.sort', 'The function np.sort is not'),
    ('def f(x, r):\n'
     "    d = {'a': x}\n"
     "    return d['a'].sum()",
     "{'a': x}", 'A dictionary is not read'),
    ('def f(x):\n'
     '    i = len(x) // 2\n'
     '    return x[i]',
     'i', 'An index is a whole'),
    ('def f(x):\n'
     '    return x[::2].sum()',
     'x[::2]', 'Slices are read with step'),
    ('def f(x, w):\n'
     '    n, m = len(x), len(w)\n'
     '    y = np.zeros(n)\n'
     '    for i in range(n):\n'
     '        for j in range(min(m, i+1)):\n'
     '            y[i] += w[j]*x[i-j]\n'
     '    return (y**2).sum()',
     'for j in range(min(m, i+1)):\n            y[i] += w[j]*x[i-j]', 'The ends of a range'),
    ('def f(x, S):\n'
     '    Z = np.zeros((4, 2))\n'
     '    Z[:, 0] = x\n'
     '    Z[:, 1] = S[:, 0]\n'
     '    return (Z**2).sum()',
     'Z[:, 0] = x', 'Sizes differ: N and 4.'),
    ('def f(x):\n'
     '    s = np.sort\n'
     '    return x.sum()',
     'np.sort', 'sort is not a number'),
    ('def f(x, r):\n'
     '    pair = (x*1, r)\n'
     '    t = pair[0]\n'
     '    t += 1\n'
     '    return (pair[0]*r).sum()',
     't += 1', 't may show an array'),
    ('def f(x, r):\n'
     '    x, r = r, x\n'
     '    x += 1\n'
     '    return (x*r).sum()',
     'x += 1', 'x may show an array'),
    ('def f(X):\n'
     '    a, b = X[0], X[1]\n'
     '    a += b\n'
     '    return X.sum()',
     'a += b', 'This changes b too, which'),
    ('def f(x, r):\n'
     '    t, u = x, r\n'
     '    t += 1\n'
     '    return (x*u).sum()',
     't += 1', 't may show an array'),
    ('def f(X):\n'
     '    for row in X:\n'
     '        row += 1\n'
     '    return X.sum()',
     'row += 1', 'row may show an array'),
    ('def f(x, r):\n'
     '    for v in [x, r]:\n'
     '        v += 1\n'
     '    return x.sum()',
     'v += 1', 'v may show an array'),
    ('def f(x):\n'
     '    row = np.zeros(len(x))\n'
     '    out = []\n'
     '    out.append(row)\n'
     '    row += 1\n'
     '    return out[0].sum() + x.sum()',
     'row += 1', 'row may show an array'),
    ('def f(x):\n'
     '    a = np.zeros(len(x))\n'
     '    for i in range(len(x)-1):\n'
     '        a[i] = x[i]\n'
     '        a[i+1] = 2*x[i]\n'
     '    return (a**2).sum()',
     'for i in range(len(x)-1):\n        a[i] = x[i]\n        a[i+1] = 2*x[i]', 'A loop does several things'),
    ('def f(x):\n'
     '    s = 0\n'
     '    for i in range(len(x)):\n'
     '        for j in range(len(x)):\n'
     '            s += x[i]*x[j]\n'
     '        s *= 2\n'
     '    return s',
     'for i in range(len(x)):\n        for j in range(len(x)):\n            s += x[i]*x[j]\n        s *= 2', 'A loop does several things'),
    ('def f(x, r):\n'
     '    y = x\n'
     '    for i in range(len(x)):\n'
     '        y[i] += r[i]\n'
     '    return (x**2).sum()',
     'for i in range(len(x)):\n        y[i] += r[i]', 'This changes x too, which'),
    ('def f(X):\n'
     '    for i in range(len(X)):\n'
     '        X[i] -= X[i].mean()\n'
     '    return (X**2).sum()',
     'X', 'X takes its value from'),
    ('def f(x):\n'
     '    s = 0\n'
     '    for i in range(len(x)):\n'
     '        s += x[i]\n'
     '        s *= 2\n'
     '    return s',
     'for i in range(len(x)):\n        s += x[i]\n        s *= 2', 'A loop does several things'),
    ('def f(x):\n'
     '    s = 0\n'
     '    t = 0\n'
     '    for i in range(len(x)):\n'
     '        s += x[i]\n'
     '        t += s\n'
     '    return t',
     's', 's takes its value from'),
    ('def f(x):\n'
     '    a = b = x*2\n'
     '    a += 1\n'
     '    return (a*b).sum()',
     'a += 1', 'This changes b too, which'),
    ('def f(X):\n'
     '    r = X[1:3]\n'
     '    s = r.sum()\n'
     '    X[1] = 0\n'
     '    return s + X.sum()',
     'X[1] = 0', 'This changes r too, which'),
    ('def f(x, r):\n'
     '    def g(v):\n'
     '        v += 1\n'
     '        return v.sum()\n'
     '    return g(x) + x.sum()',
     'v += 1', 'v may show an array'),
    ('def f(x):\n'
     '    L = [x, x**2]\n'
     '    L[0] = x*3\n'
     '    return L[0].sum()',
     'L[0] = x*3', 'Entries of an array are'),
    ('def f(x):\n'
     '    return sum(x[i]*x[i-1] if i > 0 else x[i] for i in range(len(x)))',
     'x[i-1]', 'This place may lie outside'),
    ('def f(x):\n'
     '    m = x[0]\n'
     '    for i in range(1, len(x)):\n'
     '        if x[i] > m:\n'
     '            m = x[i]\n'
     '    return m',
     'm', 'm takes its value from'),
    ('def f(S):\n'
     '    p = 5\n'
     '    for k in range(S.shape[1]):\n'
     '        p = S[:, k]**2 - p\n'
     '    return p.sum()',
     'p', 'p takes its value from'),
    ('def f(x, y):\n'
     '    c = np.zeros(5)\n'
     '    for k in y:\n'
     '        c[k] += 1\n'
     '    return (c**2).sum() + x.sum()',
     '1', '1 runs over K, the'),
    ('def f(X, y):\n'
     '    M = np.zeros((5, X.shape[1]))\n'
     '    np.add.at(M, y, X)\n'
     '    return (M**2).sum()',
     'np.add.at(M, y, X)', 'np.add.at(M, y, X) runs over'),
    ('def f(x):\n'
     '    out = np.zeros((len(x), len(x)))\n'
     '    for i in range(len(x)):\n'
     '        for j in range(i):\n'
     '            out[i, j] = x[i]*x[j]\n'
     '    return (out**2).sum() + out[1, 0]',
     'for i in range(len(x)):\n        for j in range(i):\n            out[i, j] = x[i]*x[j]', 'A loop is read that'),
    ('def f(x):\n'
     '    out = np.ones((len(x), len(x)))\n'
     '    for i in range(len(x)):\n'
     '        for j in range(i, len(x)):\n'
     '            out[i, j] = x[i]*x[j]\n'
     '            out[j, i] = x[i]*x[j]\n'
     '    return np.linalg.det(out + np.eye(len(x)))',
     'for j in range(i, len(x)):\n            out[i, j] = x[i]*x[j]\n            out[j, i] = x[i]*x[j]', 'A loop does several things'),
    ('def f(x):\n'
     '    n = len(x)\n'
     '    A = np.zeros((n, n))\n'
     '    for i in range(n):\n'
     '        A[i, i] = 2 + x[i]**2\n'
     '    for i in range(n-1):\n'
     '        A[i, i+1] = -1\n'
     '        A[i+1, i] = x[i]\n'
     '    return np.linalg.slogdet(A)[1]',
     'for i in range(n-1):\n        A[i, i+1] = -1\n        A[i+1, i] = x[i]', 'A loop does several things'),
    ('def f(X):\n'
     '    U = np.triu(X[:3, :3], 1)\n'
     '    return (U**2).sum()',
     'np.triu(X[:3, :3], 1)', 'np.triu(X[:3, :3], 1) runs over'),
    ('def f(A):\n'
     '    i, j = np.triu_indices(3, 1)\n'
     '    return A[i, j].sum()',
     'i', 'An array is expected here'),
)


@pytest.mark.parametrize(("text", "part", "says"), REFUSED, ids=lambda v: repr(v)[:30])
def test_what_is_not_read_is_refused_at_its_place(text, part, says):
    with pytest.raises(IversonError) as caught:
        iv.parse(text, notation="numpy", sizes=SHAPES, kinds=KINDS)
    error = caught.value
    assert text[error.span.start:error.span.end] == part
    assert says in f"{error.message} {error.hint}"


# -- losses --------------------------------------------------------------------------------------------------

def entries():
    for part in re.split(r"\n(?=# \w+ [\w,]+:)", LOSSES.strip()):
        head, _, source = part.partition("\n")
        name, wrt, given = re.match(r"# (\w+) ([\w,]+): (.*)", head).groups()
        rows = [re.match(r"(\w+)\[([^\]]*)\](.*)", word).groups() for word in given.split()]
        dims = {n: (tuple(filter(None, sizes.split(","))), flag) for n, sizes, flag in rows}
        yield pytest.param(source.rstrip() + "\n", [n for n in wrt.split(",") if n in dims], dims, id=name)


def counts(dims, rng):
    """A size for each name, all different, kernels shorter than what they run along."""
    words = [d for sizes, flag in dims.values() for d in (*sizes, flag[1:] if flag[:1] == "<" else "")]
    names = list(dict.fromkeys(n for w in words for n in re.findall(r"[A-Za-z_]\w*", w)))
    found = dict(zip(names, map(int, rng.permutation(np.arange(3, 4 + max(len(names), 3)))), strict=False))
    for short in ("W", "P"):
        if "N" in found and found.get(short, 0) > found["N"]:
            found["N"], found[short] = found[short], found["N"]
    return found


def draw(rng, shape, flag, sizes):
    v = rng.normal(size=shape)
    made = {
        "~01": lambda: rng.integers(0, 2, shape) * 1.0, "~p": lambda: rng.uniform(0.1, 0.9, shape),
        "~s": lambda: v @ np.swapaxes(v, -1, -2) + np.eye(shape[-1]), "~d": lambda: rng.permutation(shape[0]) * 1.0,
        "~pm": lambda: rng.integers(0, 2, shape) * 2.0 - 1, "~c": lambda: rng.integers(0, 5, shape) * 1.0,
        "~x": lambda: rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1])}
    if flag in made:
        return made[flag]()
    if flag[:1] == "<":
        return rng.integers(0, sizes[flag[1:]], shape)
    return np.abs(v) + 0.3 if flag == ">0" else np.full(shape, float(flag[1:])) if flag else v


def arrays_of(dims, seed):
    rng = np.random.default_rng(seed)
    sizes, found = counts(dims, rng), {}
    for n, (axes, flag) in dims.items():
        v = draw(rng, tuple(eval(d, {}, sizes) for d in axes), flag, sizes)
        found[n] = v if np.ndim(v) else float(v)
    return found


def copied(arrays):
    return {n: v.copy() if np.ndim(v) else v for n, v in arrays.items()}


def differences(function, arrays, wrt):
    x, step = np.asarray(arrays[wrt], float), 1e-5
    found = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[at] += sign * step
            ends.append(function(**copied({**arrays, wrt: moved if moved.shape else float(moved)})))
        found[at] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize(("source", "wrt", "dims"), list(entries()))
def test_a_loss_is_read_and_derived(source, wrt, dims):
    kinds = {n: f"label {flag[1:]}" for n, (_, flag) in dims.items() if flag[:1] == "<"}
    loss = iv.parse(source, notation="numpy", sizes={n: axes for n, (axes, _) in dims.items()}, kinds=kinds)
    function = made(source)
    for seed in range(2):
        arrays = arrays_of(dims, seed)
        assert loss.value(**arrays) == pytest.approx(function(**copied(arrays)), rel=1e-9, abs=1e-11), loss.reading
    for n in wrt:
        arrays = arrays_of(dims, 10)
        gradient, want = np.asarray(iv.derive(loss, n)(**arrays)), differences(function, arrays, n)
        assert gradient.shape == want.shape
        np.testing.assert_allclose(gradient, want, rtol=1e-4, atol=1e-4 * (1 + np.abs(want).max()), err_msg=loss.reading)


# -- functions and kinds -------------------------------------------------------------------------------------

def wrapped(function):
    def inner(*args):
        return function(*args)

    inner.__wrapped__ = function
    return inner


@wrapped
def ridge(X, y, w, reg=0.1):
    """A loss with a decorator."""
    r = X @ w - y
    return np.mean(r**2) + reg * w @ w


def test_a_python_function_is_read_by_its_source():
    d = iv.derive(ridge, "w")
    assert d.text() == "2*X'*r/n + 2*reg*w where r = X*w - y"
    assert d.loss.inputs["reg"].default == 0.1


@pytest.mark.parametrize(("source", "says"), [(lambda x: x, "def"), (len, "file"), (3, "function")])
def test_what_has_no_source_is_refused(source, says):
    with pytest.raises(IversonError, match=r"source|given") as caught:
        iv.parse(source)
    assert says in str(caught.value)


def test_a_kind_given_by_argument_keeps_the_sizes():
    assert iv.parse("x: data[N]\nsum(x.^2)", kinds={"x": "param"}).reading.startswith("x: column[N] (param)")
    loss = iv.parse("np.sum(x)", notation="numpy", sizes={"x": ("N",)}, kinds={"x": "data"})
    assert loss.reading.startswith("x: column[N] (data)")


READINGS = {
    "def f(X, y, W):\n    S = X @ W\n    n = np.arange(len(y))\n    T = S.copy()\n    T[n, y] = -np.inf\n    return T.max(1).sum()":
        ["S = X*W", "L = sum[i] max[k: not k = y[i]] S[i,k]"],
    "def f(k, x):\n    n, w = len(x), len(k)\n    return sum((sum(k[j]*x[i+j] for j in range(w)))**2 for i in range(n-w+1))":
        ["L = sum[i] (sum[j] k[j]*x[i+j])^2"],
    "def f(x):\n    s = 0\n    for i in range(len(x)):\n        for j in range(i):\n            s += x[i]*x[j]\n    return s":
        ["s = sum[i] sum[j: j < i] x[i]*x[j]"],
    "def f(x):\n    return sum(x[i] for i in range(len(x) - 1))": ["L = sum[i: i < n - 1] x[i]"],
    "def f(x):\n    return np.sum((x[1:] - x[:-1])**2)": ["L = sum((x[1:] - x[:-1]).^2)"],
    "def f(x, w):\n    x = x - w\n    x = x**2\n    return x.sum()": ["x1 = x - w", "x2 = x1.^2", "L = sum(x2)"],
}


@pytest.mark.parametrize("text", READINGS)
def test_the_reading_is_a_persons_notation(text):
    lines = iv.parse(text, notation="numpy").reading.splitlines()
    assert [line for line in lines if " = " in line and ":" not in line.partition(" = ")[0]] == READINGS[text]
