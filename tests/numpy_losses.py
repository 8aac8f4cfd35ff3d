"""Losses as people write them in NumPy.  Before each: what it is derived by, and its arguments with their sizes;
`<K` labels below K, `>0` positive, `~01` zero or one, `~p` between 0 and 1, `=c` the number c, `~s` symmetric positive
definite, `~d` distinct.
"""

LOSSES = r'''
# ridge w: X[N,D] y[N] w[D] lam[]>0
def loss(X, y, w, lam):
    """Ridge regression."""
    n = len(y)
    residual = X @ w - y
    return residual @ residual / n + lam * np.sum(w ** 2)

# lasso w: X[N,D] y[N] w[D] lam[]>0
def lasso(X, y, w, lam):
    n, d = X.shape
    return np.linalg.norm(X.dot(w) - y) ** 2 / (2 * n) + lam * np.linalg.norm(w, 1)

# elastic_net w,b: X[N,D] y[N] w[D] b[] alpha[]>0 rho[]~p
def elastic(X, y, w, b, alpha, rho):
    r = y - (X @ w + b)
    penalty = rho * np.abs(w).sum() + 0.5 * (1 - rho) * w.dot(w)
    return 0.5 * np.mean(r ** 2) + alpha * penalty

# cross_entropy W: X[N,D] y[N]<K W[D,K]
def loss(X, y, W):
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -np.log(probs[np.arange(len(y)), y]).mean()

# cross_entropy_onehot W,b: X[N,D] Y[N,K]>0 W[D,K] b[K]
def loss(X, Y, W, b):
    z = X @ W + b
    logp = z - np.log(np.exp(z).sum(axis=1))[:, None]
    return -np.sum(Y * logp) / X.shape[0]

# label_smoothing z: z[N,K] y[N]<K eps[]~p
def loss(z, y, eps):
    n, k = z.shape
    t = np.full((n, k), eps / k)
    t[np.arange(n), y] += 1 - eps
    logp = z - logsumexp(z, axis=1, keepdims=True)
    return -(t * logp).sum(axis=1).mean()

# focal z: z[N,K] y[N]<K gamma[]=2
def focal(z, y, gamma):
    p = softmax(z, axis=1)
    pt = p[np.arange(len(y)), y]
    return np.mean(-(1 - pt) ** gamma * np.log(pt))

# focal_binary x: x[N] y[N]~01 alpha[]~p gamma[]=2
def focal(x, y, alpha, gamma):
    p = 1 / (1 + np.exp(-x))
    pt = np.where(y == 1, p, 1 - p)
    at = np.where(y == 1, alpha, 1 - alpha)
    return np.sum(-at * (1 - pt) ** gamma * np.log(pt))

# hinge_naive W: X[N,D] y[N]<K W[D,K] reg[]>0
def svm_loss_naive(W, X, y, reg):
    loss = 0.0
    num_train = X.shape[0]
    num_classes = W.shape[1]
    for i in range(num_train):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                loss += margin
    loss /= num_train
    loss += reg * np.sum(W * W)
    return loss

# hinge_vectorised W: X[N,D] y[N]<K W[D,K] reg[]>0
def svm(W, X, y, reg):
    S = X.dot(W)
    n = np.arange(len(y))
    margins = np.maximum(0, S - S[n, y][:, np.newaxis] + 1)
    margins[n, y] = 0
    return margins.sum() / len(y) + reg * np.sum(W * W)

# softmax_naive W: X[N,D] y[N]<K W[D,K]
def softmax_loss(W, X, y):
    loss = 0.0
    for i in range(X.shape[0]):
        f = X[i] @ W
        loss += -f[y[i]] + np.log(np.sum(np.exp(f)))
    return loss / X.shape[0]

# binary_hinge w: X[N,D] y[N] w[D] C[]>0
def loss(X, y, w, C):
    margins = 1 - y * (X @ w)
    return 0.5 * w @ w + C * np.maximum(margins, 0).sum()

# squared_hinge w: X[N,D] y[N] w[D]
def loss(X, y, w):
    m = np.maximum(0, 1 - y * (X @ w))
    return np.mean(np.square(m))

# logistic w: X[N,D] y[N] w[D]
def loss(X, y, w):
    return np.sum(np.log1p(np.exp(-y * (X @ w)))) / len(X)

# crammer_singer W: X[N,D] y[N]<K W[D,K]
def loss(X, y, W):
    S = X @ W
    correct = S[np.arange(len(y)), y]
    rest = S.copy()
    rest[np.arange(len(y)), y] = -np.inf
    return np.mean(np.maximum(0, 1 + rest.max(axis=1) - correct))

# contrastive A,B: A[N,D] B[N,D] y[N]~01 m[]=1.5
def contrastive(A, B, y, m):
    d = np.sqrt(np.sum((A - B) ** 2, axis=1))
    return np.mean(y * d ** 2 + (1 - y) * np.maximum(m - d, 0) ** 2)

# triplet a: a[N,D] p[N,D] n[N,D] margin[]>0
def triplet(a, p, n, margin):
    dp = ((a - p) ** 2).sum(1)
    dn = ((a - n) ** 2).sum(1)
    return np.maximum(dp - dn + margin, 0).mean()

# dice x: x[N] t[N]~01
def dice(x, t, eps=1e-6):
    p = expit(x)
    inter = (p * t).sum()
    return 1 - (2 * inter + eps) / (p.sum() + t.sum() + eps)

# tversky p: p[N]~p t[N]~01 a[]~p b[]~p
def tversky(p, t, a, b):
    tp = np.sum(p * t)
    fp = np.sum(p * (1 - t))
    fn = np.sum((1 - p) * t)
    return 1 - tp / (tp + a * fp + b * fn)

# iou p: p[N]~p t[N]~01
def soft_iou(p, t):
    inter = np.dot(p, t)
    union = np.sum(p + t - p * t)
    return 1.0 - inter / union

# huber w: X[N,D] y[N] w[D] delta[]=0.7
def huber(X, y, w, delta):
    r = y - X @ w
    a = np.abs(r)
    quad = np.minimum(a, delta)
    lin = a - quad
    return np.sum(0.5 * quad ** 2 + delta * lin)

# huber_where r: r[N] delta[]=0.6
def huber(r, delta):
    small = np.abs(r) <= delta
    return np.mean(np.where(small, 0.5 * r ** 2, delta * (np.abs(r) - 0.5 * delta)))

# huber_mask r: r[N] d[]=0.6
def huber(r, d):
    a = np.abs(r)
    out = d * (a - d / 2)
    mask = a <= d
    out[mask] = 0.5 * r[mask] ** 2
    return out.sum()

# logcosh p: p[N] y[N]
def logcosh(p, y):
    e = p - y
    return np.mean(np.logaddexp(e, -e) - np.log(2))

# quantile w: X[N,D] y[N] w[D] q[]~p
def pinball(X, y, w, q):
    e = y - X @ w
    return np.mean(np.maximum(q * e, (q - 1) * e))

# poisson_nll w,b: X[N,D] y[N]>0 w[D] b[]
def nll(X, y, w, b):
    eta = X @ w + b
    return np.sum(np.exp(eta) - y * eta + gammaln(y + 1))

# gaussian_nll mu,logvar: mu[N] logvar[N] y[N]
def nll(mu, logvar, y):
    var = np.exp(logvar)
    return 0.5 * np.mean(logvar + (y - mu) ** 2 / var + np.log(2 * np.pi))

# mvn_nll mu,S: X[N,D] mu[D] S[D,D]~s
def nll(X, mu, S):
    n, d = X.shape
    diff = X - mu
    P = np.linalg.inv(S)
    maha = np.sum((diff @ P) * diff, axis=1)
    sign, logdet = np.linalg.slogdet(S)
    return 0.5 * (maha.sum() + n * logdet + n * d * np.log(2 * np.pi))

# mvn_loop mu: X[N,D] mu[D] S[D,D]~s
def nll(X, mu, S):
    P = np.linalg.inv(S)
    total = 0
    for x in X:
        d = x - mu
        total += 0.5 * d @ P @ d
    return total

# gamma_nll a,b: y[N]>0 a[]>0 b[]>0
def nll(y, a, b):
    return -np.sum(a * np.log(b) - gammaln(a) + (a - 1) * np.log(y) - b * y)

# beta_nll a: x[N]~p a[]>0 b[]>0
def nll(x, a, b):
    lbeta = gammaln(a) + gammaln(b) - gammaln(a + b)
    return -np.mean((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - lbeta)

# negative_binomial eta: y[N]>0 eta[N] r[]>0
def nb(y, eta, r):
    mu = np.exp(eta)
    ll = gammaln(y + r) - gammaln(r) - gammaln(y + 1) + r * np.log(r / (r + mu)) + y * np.log(mu / (r + mu))
    return -ll.sum()

# dirichlet alpha: P[N,K]~p alpha[K]>0
def nll(P, alpha):
    n = len(P)
    return -(n * gammaln(alpha.sum()) - n * gammaln(alpha).sum() + ((alpha - 1) * np.log(P)).sum())

# student_t mu: x[N] mu[] nu[]>0
def nll(x, mu, nu):
    return 0.5 * (nu + 1) * np.sum(np.log1p((x - mu) ** 2 / nu))

# cauchy r: r[N] c[]>0
def robust(r, c):
    return np.sum(c ** 2 / 2 * np.log(1 + (r / c) ** 2))

# welsch r: r[N] c[]>0
def robust(r, c):
    return np.sum(1 - np.exp(-0.5 * (r / c) ** 2))

# tukey r: r[N] c[]=1.3
def robust(r, c):
    u = r / c
    rho = np.where(np.abs(u) <= 1, 1 - (1 - u ** 2) ** 3, np.ones_like(u))
    return c ** 2 / 6 * rho.sum()

# kl p: p[K]~p q[K]~p
def kl(p, q):
    return np.sum(rel_entr(p, q))

# kl_logits z: z[N,K] t[N,K]
def distill(z, t, T=2.0):
    logp = log_softmax(z / T, axis=1)
    q = softmax(t / T, axis=1)
    return T ** 2 * np.sum(q * (np.log(q) - logp)) / len(z)

# js p: p[K]~p q[K]~p
def js(p, q):
    m = 0.5 * (p + q)
    kl = lambda a, b: np.sum(a * np.log(a / b))
    return 0.5 * kl(p, m) + 0.5 * kl(q, m)

# js_def a: a[K] b[K]
def softmax_(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()

def kl(p, q):
    return np.sum(p * (np.log(p) - np.log(q)))

def js(a, b):
    p, q = softmax_(a), softmax_(b)
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2

# vae mu,logvar: x[N,D]~01 xhat[N,D] mu[N,K] logvar[N,K] beta[]>0
def elbo(x, xhat, mu, logvar, beta):
    rec = np.sum(np.logaddexp(0, xhat) - x * xhat, axis=1)
    kld = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar), axis=1)
    return np.mean(rec + beta * kld)

# matrix_factorisation U,V: R[N,M] M_[N,M]~01 U[N,K] V[M,K] lam[]>0
def mf(R, M_, U, V, lam):
    E = M_ * (R - U @ V.T)
    return np.sum(E ** 2) + lam * (np.linalg.norm(U) ** 2 + np.linalg.norm(V) ** 2)

# matrix_factorisation_loops U,V: R[N,M] U[N,K] V[M,K] lam[]>0
def mf(R, U, V, lam):
    loss = 0
    for i in range(R.shape[0]):
        for j in range(R.shape[1]):
            pred = np.dot(U[i], V[j])
            loss += (R[i, j] - pred) ** 2
    return loss + lam * (np.sum(U ** 2) + np.sum(V ** 2))

# triples P,Q: u[T]<U i[T]<I r[T] P[U,K] Q[I,K] bu[U] bi[I]
def sgd_loss(u, i, r, P, Q, bu, bi):
    pred = bu[u] + bi[i] + (P[u] * Q[i]).sum(axis=1)
    return ((r - pred) ** 2).sum()

# factorisation_machine w,V: X[N,D] y[N] w[D] V[D,K]
def fm(X, y, w, V):
    linear = X @ w
    inter = 0.5 * np.sum((X @ V) ** 2 - (X ** 2) @ (V ** 2), axis=1)
    return np.mean((linear + inter - y) ** 2)

# attention Q: Q[N,D] K_[M,D] V[M,P] Y[N,P]
def attention(Q, K_, V, Y):
    d = Q.shape[1]
    S = Q @ K_.T / np.sqrt(d)
    A = np.exp(S - S.max(axis=-1, keepdims=True))
    A = A / A.sum(axis=-1, keepdims=True)
    out = A @ V
    return np.sum((out - Y) ** 2)

# causal_attention Q,K_: Q[N,D] K_[N,D] V[N,D]
def attention(Q, K_, V):
    n, d = Q.shape
    S = Q @ K_.T / d ** 0.5
    mask = np.tril(np.ones((n, n)))
    S = np.where(mask == 0, -np.inf, S)
    A = softmax(S, axis=1)
    return np.sum((A @ V) ** 2)

# batched_attention Q: Q[B,N,D] K_[B,M,D] V[B,M,D]
def attention(Q, K_, V):
    S = Q @ K_.transpose(0, 2, 1)
    A = np.exp(S) / np.exp(S).sum(-1, keepdims=True)
    return ((A @ V) ** 2).mean()

# layer_norm x: x[N,D] g[D] b[D] y[N,D]
def layer_norm(x, g, b, y, eps=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    xhat = (x - mu) / np.sqrt(var + eps)
    return 0.5 * np.sum((g * xhat + b - y) ** 2)

# batch_norm x,gamma: x[N,D] gamma[D] beta[D] y[N,D]
def batch_norm(x, gamma, beta, y):
    mean = np.mean(x, axis=0)
    var = np.mean((x - mean) ** 2, axis=0)
    out = gamma * (x - mean) / np.sqrt(var + 1e-5) + beta
    return np.sum((out - y) ** 2)

# rms_norm x: x[N,D] g[D]
def rms(x, g):
    r = np.sqrt(np.mean(x ** 2, axis=1, keepdims=True))
    return np.sum((g * x / r) ** 4)

# mahalanobis_metric L: X[N,D] Z[N,D] L[P,D] y[N]~01
def metric(X, Z, L, y):
    d2 = np.sum(((X - Z) @ L.T) ** 2, axis=1)
    return np.mean(y * d2 + (1 - y) * np.exp(-d2))

# nca A: X[N,D] y[N]~01 A[P,D]
def nca(X, y, A):
    Z = X @ A.T
    D = ((Z[:, None, :] - Z[None, :, :]) ** 2).sum(-1)
    np.fill_diagonal(D, np.inf)
    P = softmax(-D, axis=1)
    same = (y[:, None] == y[None, :]).astype(float)
    return -np.sum(P * same)

# nt_xent z: z[N,D] w[N,D] tau[]>0
def nt_xent(z, w, tau):
    a = z / np.linalg.norm(z, axis=1, keepdims=True)
    b = w / np.linalg.norm(w, axis=1, keepdims=True)
    sim = a @ b.T / tau
    return -np.mean(np.diag(sim) - logsumexp(sim, axis=1))

# simclr z: z[N,D] tau[]=0.7 p[N]<N
def simclr(z, tau, p):
    u = z / np.sqrt((z ** 2).sum(1, keepdims=True))
    sim = u @ u.T / tau
    np.fill_diagonal(sim, -np.inf)
    logits = sim[np.arange(len(z)), 0] if False else (u * u[p]).sum(1) / tau
    return np.mean(logsumexp(sim, axis=1) - logits)

# clip A,B: A[N,D] B[N,D] t[]
def clip_loss(A, B, t):
    logits = np.exp(t) * A @ B.T
    n = len(A)
    lab = np.arange(n)
    l1 = -np.mean(log_softmax(logits, axis=1)[lab, lab])
    l2 = -np.mean(log_softmax(logits, axis=0)[lab, lab])
    return (l1 + l2) / 2

# barlow A: A[N,D] B[N,D] lam[]>0
def barlow(A, B, lam):
    n, d = A.shape
    a = (A - A.mean(0)) / A.std(0)
    b = (B - B.mean(0)) / B.std(0)
    c = a.T @ b / n
    on = ((np.diagonal(c) - 1) ** 2).sum()
    off = (c ** 2).sum() - (np.diagonal(c) ** 2).sum()
    return on + lam * off

# vicreg A: A[N,D] B[N,D]
def vicreg(A, B, gamma=1.0, eps=1e-4):
    n, d = A.shape
    inv = np.mean((A - B) ** 2)
    std = np.sqrt(A.var(axis=0, ddof=1) + eps)
    v = np.mean(np.maximum(0, gamma - std))
    Ac = A - A.mean(axis=0)
    cov = Ac.T @ Ac / (n - 1)
    off = cov * (1 - np.eye(d))
    return 25 * inv + 25 * v + np.sum(off ** 2) / d

# byol q: q[N,D] z[N,D]
def byol(q, z):
    qn = q / np.linalg.norm(q, axis=-1, keepdims=True)
    zn = z / np.linalg.norm(z, axis=-1, keepdims=True)
    return 2 - 2 * (qn * zn).sum(axis=-1).mean()

# cosine a: a[D] b[D]
def cosine(a, b):
    return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

# cox beta: X[N,D] beta[D] e[N]~01
def cox(X, beta, e):
    """Partial likelihood; the rows are sorted by time, the last to die first."""
    eta = X @ beta
    risk = np.log(np.cumsum(np.exp(eta)))
    return -np.sum(e * (eta - risk))

# cox_loop beta: X[N,D] beta[D] e[N]~01
def cox(X, beta, e):
    n = X.shape[0]
    eta = X @ beta
    loss = 0.0
    for i in range(n):
        loss -= e[i] * (eta[i] - np.log(np.sum(np.exp(eta[i:]))))
    return loss

# cox_mask beta: X[N,D] beta[D] e[N]~01 t[N]~d
def cox(X, beta, e, t):
    eta = X @ beta
    at_risk = (t[None, :] >= t[:, None]).astype(float)
    return -np.sum(e * (eta - np.log(at_risk @ np.exp(eta))))

# center X: X[N,D] y[N]<K C[K,D]
def center(X, y, C):
    return 0.5 * np.sum((X - C[y]) ** 2) / len(X)

# arcface W: X[N,D] y[N]<K W[D,K] s[]=4 m[]=0.2
def arcface(X, y, W, s, m):
    Xn = X / np.linalg.norm(X, axis=1, keepdims=True)
    Wn = W / np.linalg.norm(W, axis=0, keepdims=True)
    cos = Xn @ Wn
    n = np.arange(len(y))
    theta = np.arccos(cos[n, y])
    logits = s * cos
    logits[n, y] = s * np.cos(theta + m)
    return np.mean(logsumexp(logits, axis=1) - logits[n, y])

# cosface W: X[N,D] y[N]<K W[D,K] s[]=3 m[]=0.3
def cosface(X, y, W, s, m):
    Xn = X / np.linalg.norm(X, axis=1)[:, None]
    Wn = W / np.linalg.norm(W, axis=0)
    logits = s * (Xn @ Wn - m * np.eye(W.shape[1])[y])
    return -np.mean(log_softmax(logits, axis=1)[np.arange(len(y)), y])

# mixup W: X[N,D] ya[N]<K yb[N]<K W[D,K] lam[]~p
def mixup(X, ya, yb, W, lam):
    logp = log_softmax(X @ W, axis=1)
    n = np.arange(len(X))
    return -np.mean(lam * logp[n, ya] + (1 - lam) * logp[n, yb])

# ranknet s: s[N] y[N]~d
def ranknet(s, y):
    diff = s[:, None] - s[None, :]
    pairs = y[:, None] > y[None, :]
    return np.sum(pairs * np.log1p(np.exp(-diff)))

# ranknet_loops s: s[N]
def ranknet(s):
    n = len(s)
    loss = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            loss += np.logaddexp(0, s[j] - s[i])
    return loss

# margin_ranking a: a[N] b[N] y[N]
def margin_ranking(a, b, y, margin=0.3):
    return np.maximum(0, -y * (a - b) + margin).mean()

# listmle s: s[N]
def listmle(s):
    total = 0.0
    for i in range(len(s)):
        total += np.log(np.exp(s[i:]).sum()) - s[i]
    return total

# listmle_generator s: s[N]
def listmle(s):
    return sum(np.log(sum(np.exp(s[k]) for k in range(i, len(s)))) - s[i] for i in range(len(s)))

# dcg s: s[N] rel[N]>0
def soft_dcg(s, rel):
    n = len(s)
    rank = 0.5 + expit(s[None, :] - s[:, None]).sum(axis=1)
    return -np.sum((2 ** rel - 1) / np.log2(1 + rank))

# bpr P: P[U,K] Q[I,K] u[T]<U i[T]<I j[T]<I
def bpr(P, Q, u, i, j):
    x = np.sum(P[u] * (Q[i] - Q[j]), axis=1)
    return -np.sum(np.log(expit(x)))

# warp s: s[N,K] y[N]<K
def multilabel_margin(s, y):
    n, k = s.shape
    loss = 0
    for i in range(n):
        loss += sum(max(0, 1 - s[i, y[i]] + s[i, j]) for j in range(k) if j != y[i]) / k
    return loss / n

# total_variation x: x[N] y[N] lam[]>0
def tv(x, y, lam):
    return 0.5 * np.sum((x - y) ** 2) + lam * np.sum(np.abs(x[1:] - x[:-1]))

# fused_lasso x: x[N] y[N] lam[]>0
def fused(x, y, lam):
    return 0.5 * np.sum((x - y) ** 2) + lam * np.abs(np.diff(x)).sum()

# tv_image U: U[M,N] F_[M,N]
def tv(U, F_, eps=1e-2):
    dx = U[1:, :-1] - U[:-1, :-1]
    dy = U[:-1, 1:] - U[:-1, :-1]
    return np.sum(np.sqrt(dx ** 2 + dy ** 2 + eps)) + 0.5 * np.sum((U - F_) ** 2)

# smooth_second x: x[N] y[N]
def trend(x, y):
    d2 = x[2:] - 2 * x[1:-1] + x[:-2]
    return np.sum((x - y) ** 2) + 10 * np.sum(d2 ** 2)

# hodrick_loop x: x[N] y[N] lam[]>0
def hp(x, y, lam):
    n = len(x)
    fit = sum((y[t] - x[t]) ** 2 for t in range(n))
    bend = sum((x[t + 1] - 2 * x[t] + x[t - 1]) ** 2 for t in range(1, n - 1))
    return fit + lam * bend

# ar1 phi,c: x[N] phi[] c[]
def ar(x, phi, c):
    e = x[1:] - c - phi * x[:-1]
    return np.mean(e ** 2)

# ar_p a: x[N] a[P]
def ar(x, a):
    n, p = len(x), len(a)
    loss = 0.0
    for t in range(p, n):
        pred = sum(a[k] * x[t - 1 - k] for k in range(p))
        loss += (x[t] - pred) ** 2
    return loss

# convolution k: k[W] x[N] y[N-W+1]
def conv(k, x, y):
    n, w = len(x), len(k)
    out = sum(k[j] * x[j:j + n - w + 1] for j in range(w))
    return np.sum((out - y) ** 2)

# convolution_array x: k[W] x[N] y[N-W+1]
def conv(k, x, y):
    n, w = len(x), len(k)
    out = np.array([np.dot(k, x[i:i + w]) for i in range(n - w + 1)])
    return np.mean((out - y) ** 2)

# convolution_fill k: k[W] x[N] y[N-W+1]
def conv(k, x, y):
    m = len(x) - len(k) + 1
    out = np.zeros(m)
    for i in range(m):
        for j in range(len(k)):
            out[i] += k[j] * x[i + j]
    return 0.5 * np.sum((out - y) ** 2)

# autocorrelation x: x[N]
def ac(x):
    n = len(x)
    return sum(sum(x[i] * x[i + k] for i in range(n - k)) ** 2 for k in range(1, n))

# pairwise_distance X: X[N,D]
def repulsion(X):
    n = len(X)
    e = 0.0
    for i in range(n):
        for j in range(i):
            e += 1 / np.sum((X[i] - X[j]) ** 2)
    return e

# stress X: X[N,D] D_[N,N]
def mds(X, D_):
    n = X.shape[0]
    return sum((D_[i, j] - np.linalg.norm(X[i] - X[j])) ** 2 for i in range(n) for j in range(i))

# tsne Y: P[N,N]>0 Y[N,D]
def tsne(P, Y):
    d = np.sum((Y[:, None] - Y[None]) ** 2, axis=2)
    num = 1 / (1 + d)
    num[np.arange(len(Y)), np.arange(len(Y))] = 0
    Q = num / num.sum()
    n = len(Y)
    mask = 1 - np.eye(n)
    return np.sum(P * mask * np.log((P + np.eye(n)) / (Q + np.eye(n))))

# kernel_ridge a: K_[N,N]~s a[N] y[N] lam[]>0
def krr(K_, a, y, lam):
    f = K_ @ a
    return np.sum((f - y) ** 2) + lam * a @ K_ @ a

# gp noise,ell: X[N,D] y[N] ell[]=1.2 noise[]=0.5
def gp_nll(X, y, ell, noise):
    n = len(y)
    d2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    K_ = np.exp(-0.5 * d2 / ell ** 2) + noise * np.eye(n)
    sign, ld = np.linalg.slogdet(K_)
    return 0.5 * y @ np.linalg.solve(K_, y) + 0.5 * ld + 0.5 * n * np.log(2 * np.pi)

# gmm mu: X[N,D] mu[K,D] logpi[K] s[]>0
def gmm(X, mu, logpi, s):
    n, d = X.shape
    logw = logpi - logsumexp(logpi)
    d2 = ((X[:, None, :] - mu[None, :, :]) ** 2).sum(axis=2)
    logp = logw - 0.5 * d2 / s ** 2 - d * np.log(s)
    return -logsumexp(logp, axis=1).sum()

# kmeans_soft C: X[N,D] C[K,D] beta[]>0
def soft_kmeans(X, C, beta):
    D2 = np.stack([np.sum((X - c) ** 2, axis=1) for c in C], axis=1)
    return -np.sum(np.log(np.exp(-beta * D2).sum(axis=1))) / beta

# pca W: X[N,D] W[D,K]
def pca(X, W):
    Xc = X - X.mean(axis=0)
    return np.linalg.norm(Xc - Xc @ W @ W.T, 'fro') ** 2 / len(X)

# ica W: X[N,D] W[D,D]
def ica(X, W):
    S = X @ W.T
    return np.mean(np.sum(np.log(np.cosh(S)), axis=1)) - np.linalg.slogdet(W)[1]

# cca a: X[N,D] Y[N,P] a[D] b[P]
def cca(X, Y, a, b):
    u = X @ a
    v = Y @ b
    u = u - u.mean()
    v = v - v.mean()
    return -np.sum(u * v) / np.sqrt(np.sum(u ** 2) * np.sum(v ** 2))

# lda_fisher w: X[N,D] Z[M,D] w[D]
def fisher(X, Z, w):
    m1, m2 = X.mean(0), Z.mean(0)
    S1 = (X - m1).T @ (X - m1)
    S2 = (Z - m2).T @ (Z - m2)
    return -(w @ (m1 - m2)) ** 2 / (w @ (S1 + S2) @ w)

# group_lasso W: X[N,D] Y[N,K] W[D,K] lam[]>0
def loss(X, Y, W, lam):
    return 0.5 * np.linalg.norm(Y - X @ W) ** 2 + lam * np.sum(np.linalg.norm(W, axis=1))

# nuclear_norm X: X[M,N] M_[M,N]~01 Y[M,N] lam[]>0
def completion(X, M_, Y, lam):
    return 0.5 * np.sum((M_ * (X - Y)) ** 2) + lam * np.linalg.norm(X, ord='nuc')

# graphical_lasso T_: S[D,D]~s T_[D,D]~s lam[]>0
def glasso(S, T_, lam):
    return np.trace(S @ T_) - np.linalg.slogdet(T_)[1] + lam * np.sum(np.abs(T_ - np.diag(np.diag(T_))))

# portfolio w: w[D] mu[D] S[D,D]~s g[]>0
def portfolio(w, mu, S, g):
    return 0.5 * g * w.T @ S @ w - mu @ w

# two_layer W1,b2: X[N,D] y[N] W1[D,H] b1[H] w2[H] b2[]
def mlp(X, y, W1, b1, w2, b2):
    h = np.tanh(X @ W1 + b1)
    out = h @ w2 + b2
    return np.mean((out - y) ** 2)

# two_layer_relu W1,W2: X[N,D] y[N]<K W1[D,H] b1[H] W2[H,K] b2[K] reg[]>0
def two_layer_net(X, y, W1, b1, W2, b2, reg):
    N, D = X.shape
    h1 = np.maximum(0, X.dot(W1) + b1)
    scores = h1.dot(W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[range(N), y])
    data_loss = np.sum(correct_logprobs) / N
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss
    return loss

# autoencoder W: X[N,D] W[D,K] b[K] c[D]
def autoencoder(X, W, b, c):
    H = 1 / (1 + np.exp(-(X @ W + b)))
    R = H @ W.T + c
    return ((R - X) ** 2).sum() / (2 * X.shape[0])

# gru_step h: h[D] x[P] Wz[D,D] Uz[D,P] y[D]
def step(h, x, Wz, Uz, y):
    z = expit(Wz @ h + Uz @ x)
    new = (1 - z) * h + z * np.tanh(Uz @ x)
    return np.sum((new - y) ** 2)

# rnn_unrolled W: W[D,D] U[D,P] x[P] y[D]
def rnn(W, U, x, y):
    h = np.zeros(W.shape[0])
    for t in range(3):
        h = np.tanh(W @ h + U @ x)
    return 0.5 * np.sum((h - y) ** 2)

# skipgram V,U: U[V_,D] V[V_,D] c[T]<V_ o[T]<V_
def skipgram(U, V, c, o):
    S = V[c] @ U.T
    return -np.mean(S[np.arange(len(c)), o] - logsumexp(S, axis=1))

# glove W,C: W[N,D] C[M,D] b[N] c[M] X[N,M]>0
def glove(W, C, b, c, X, xmax=2.0, alpha=0.75):
    f = np.where(X < xmax, (X / xmax) ** alpha, 1.0)
    E = W @ C.T + b[:, None] + c[None, :] - np.log(X)
    return np.sum(f * E ** 2)

# transe E,R: E[V_,D] R[P,D] h[T]<V_ r[T]<P t[T]<V_
def transe(E, R, h, r, t):
    d = E[h] + R[r] - E[t]
    return np.sum(np.sqrt(np.sum(d ** 2, axis=-1)))

# distmult E: E[V_,D] R[P,D] h[T]<V_ r[T]<P t[T]<V_ y[T]
def distmult(E, R, h, r, t, y):
    s = np.einsum('ij,ij,ij->i', E[h], R[r], E[t])
    return np.mean(np.log(1 + np.exp(-y * s)))

# bilinear W: A[N,D] B[N,P] W[D,P] y[N]
def bilinear(A, B, W, y):
    s = np.einsum('nd,dp,np->n', A, W, B)
    return 0.5 * ((s - y) ** 2).sum()

# tucker G: G[P,Q,R] A[I,P] B[J,Q] C[K,R] T[I,J,K]
def tucker(G, A, B, C, T):
    est = np.einsum('pqr,ip,jq,kr->ijk', G, A, B, C)
    return np.sum((T - est) ** 2)

# cp A: A[I,R] B[J,R] C[K,R] T[I,J,K]
def cp(A, B, C, T):
    est = np.einsum('ir,jr,kr->ijk', A, B, C)
    return np.linalg.norm((est - T).ravel()) ** 2 if False else np.sum((est - T) ** 2)

# sinkhorn_dual f,g: f[N] g[M] C[N,M] eps[]>0
def dual(f, g, C, eps):
    K_ = np.exp((f[:, None] + g[None, :] - C) / eps)
    return -np.mean(f) - np.mean(g) + eps * np.mean(K_)

# mmd X: X[N,D] Z[M,D] s[]>0
def mmd(X, Z, s):
    k = lambda A, B: np.exp(-((A[:, None, :] - B[None, :, :]) ** 2).sum(2) / (2 * s ** 2))
    return k(X, X).mean() + k(Z, Z).mean() - 2 * k(X, Z).mean()

# hsic X: X[N,D] Z[N,P]
def hsic(X, Z):
    n = len(X)
    H = np.eye(n) - np.ones((n, n)) / n
    return np.trace(X @ X.T @ H @ Z @ Z.T @ H) / (n - 1) ** 2

# coral X: X[N,D] Z[M,D]
def coral(X, Z):
    cov = lambda A: (A - A.mean(0)).T @ (A - A.mean(0)) / (len(A) - 1)
    return np.sum((cov(X) - cov(Z)) ** 2) / (4 * X.shape[1] ** 2)

# gram_style F_: F_[C_,P] G[C_,C_]
def style(F_, G):
    c, p = F_.shape
    A = F_ @ F_.T / (c * p)
    return np.sum((A - G) ** 2)

# gan_generator z: z[N]
def generator(z):
    return -np.mean(np.log(1 / (1 + np.exp(-z))))

# wgan_penalty g: g[N,D]
def penalty(g, lam=10.0):
    norms = np.sqrt(np.sum(g ** 2, axis=1) + 1e-12)
    return lam * np.mean((norms - 1) ** 2)

# policy_gradient theta: S[N,D] a[N]<K R[N] theta[D,K]
def reinforce(S, a, R, theta):
    logits = S @ theta
    logp = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    chosen = logp[np.arange(len(a)), a]
    return -np.mean(chosen * R)

# ppo z: z[N,K] a[N]<K old[N] adv[N]
def ppo(z, a, old, adv, eps=0.2):
    logp = log_softmax(z, axis=1)[np.arange(len(a)), a]
    ratio = np.exp(logp - old)
    return -np.mean(np.minimum(ratio * adv, np.clip(ratio, 1 - eps, 1 + eps) * adv))

# td w: F_[N,D] G[N,D] r[N] w[D] gamma[]~p
def td(F_, G, r, w, gamma):
    delta = r + gamma * G @ w - F_ @ w
    return 0.5 * np.sum(delta ** 2)

# dpo a: a[N] b[N] ra[N] rb[N] beta[]>0
def dpo(a, b, ra, rb, beta):
    h = beta * ((a - ra) - (b - rb))
    return -np.mean(log_expit(h))

# sigmoid_bce_eps p: p[N]~p y[N]~01
def bce(p, y, eps=1e-9):
    return -(y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps)).mean()

# hsigmoid W: x[D] W[M,D] s[M]
def hierarchical(x, W, s):
    return sum(np.logaddexp(0, -s[m] * (W[m] @ x)) for m in range(len(s)))

# ordinal f,b: f[N] b[K] y[N]<K
def ordinal(f, b, y):
    s = f[:, None] - b[None, :]
    t = (np.arange(len(b))[None, :] < y[:, None]) * 1.0
    return np.sum(np.logaddexp(0, s) - t * s)

# multitask w: X[N,D] Y[N,K] W[D,K] w[K]
def uncertainty(X, Y, W, w):
    mse = ((X @ W - Y) ** 2).mean(axis=0)
    return np.sum(np.exp(-w) * mse + w)

# weighted_classes z: z[N,K] y[N]<K w[K]>0
def weighted(z, y, w):
    logp = log_softmax(z, axis=1)
    n = np.arange(len(y))
    return -np.sum(w[y] * logp[n, y]) / np.sum(w[y])

# smooth_l1_masked p: p[N] y[N] m[N]~01
def masked(p, y, m):
    d = p - y
    valid = m == 1
    return np.sum(np.abs(d[valid])) / m.sum()

# positive_part x: x[N]
def positive(x):
    return x[x > 0].sum() + (x[x < 0] ** 2).sum()

# conditional r: r[] d[]=0.5
def huber(r, d):
    if abs(r) <= d:
        return 0.5 * r ** 2
    return d * (abs(r) - 0.5 * d)

# zip_loss w: X[N,D] y[N] w[D]
def loss(X, y, w):
    total = 0
    for xi, yi in zip(X, y):
        total += np.log(1 + np.exp(-yi * np.dot(xi, w)))
    return total / len(y)

# enumerate_loss a: a[N] x[N]
def loss(a, x):
    return sum(ai * x[i] ** 2 for i, ai in enumerate(a))

# vandermonde c: x[N] y[N] c[]
def loss(x, y, c):
    p = np.zeros_like(x)
    for k in range(4):
        p += c ** k * x ** k / (k + 1)
    return ((p - y) ** 2).sum()

# polynomial c: x[N] y[N] c[4]
def loss(x, y, c):
    pred = sum(c[k] * x ** k for k in range(4))
    return np.mean((pred - y) ** 2)

# ls_gan D: D[N] E_[M]
def lsgan(D, E_):
    real, fake = np.mean((D - 1) ** 2), np.mean(E_ ** 2)
    return 0.5 * (real + fake)

# reduction_word z: z[N] y[N]~01
def bce(z, y, reduction='mean', weight=None):
    l = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
    if weight is not None:
        l = l * weight
    if reduction == 'mean':
        return l.mean()
    elif reduction == 'sum':
        return l.sum()
    return l

# laplacian x: x[N] A_[N,N]>0
def smooth(x, A_):
    d = A_.sum(axis=1)
    Lap = np.diag(d) - A_
    return x @ Lap @ x

# ising J: J[N,N] h[N] s[N]
def energy(J, h, s):
    n = len(s)
    e = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            e -= J[i, j] * s[i] * s[j]
        e -= h[i] * s[i]
    return e

# rbm W: v[N]~01 W[N,M] a[N] b[M]
def free_energy(v, W, a, b):
    return -a @ v - np.sum(np.log(1 + np.exp(b + v @ W)))

# energy_hopfield x: x[D] X[N,D] beta[]>0
def hopfield(x, X, beta):
    return -np.log(np.sum(np.exp(beta * X @ x))) / beta + 0.5 * x @ x

# prod_loss x: x[N]>0
def geometric(x):
    return np.prod(x) ** (1 / len(x)) + np.prod([1 + x[i] for i in range(len(x))])

# concat_loss u,v: u[N] v[M] y[N+M]
def joined(u, v, y):
    z = np.concatenate([u, v])
    return np.sum((z - y) ** 2)

# bias_column W: X[N,D] y[N] W[D+1]
def augmented(X, y, W):
    Xb = np.hstack([X, np.ones((X.shape[0], 1))])
    return np.mean((Xb @ W - y) ** 2)

# kron_loss A: A[P,Q] B[R,S] X[P*R,Q*S]
def kron(A, B, X):
    return np.sum((np.kron(A, B) - X) ** 2)

# vec_loss X: A[P,P] X[P,Q] c[P*Q]
def vec(A, X, c):
    return c @ (A @ X).flatten(order='F') + np.sum((A @ X).ravel() ** 2)

# add_at x: x[N] y[N]<K t[K]
def histogram(x, y, t):
    h = np.zeros(len(t))
    np.add.at(h, y, x)
    return np.sum((h - t) ** 2)

# class_means X: X[N,D] y[N]<K C[K,D]
def means(X, y, C):
    M = np.eye(len(C))[y]
    return np.sum((M.T @ X - C) ** 2)

# moment x: x[N]
def moments(x):
    m = x.mean()
    s = x.std(ddof=1)
    z = (x - m) / s
    return np.mean(z ** 3) ** 2 + (np.mean(z ** 4) - 3) ** 2

# svm_dual a: a[N] y[N] X[N,D]
def dual(a, y, X):
    v = (a * y) @ X
    return 0.5 * v @ v - a.sum()

# circle s: sp[N] sn[M] m[]=0.25 g[]=2
def circle(sp, sn, m, g):
    ap = np.maximum(0, 1 + m - sp)
    an = np.maximum(0, sn + m)
    lp = logsumexp(-g * ap * (sp - 1 + m))
    ln = logsumexp(g * an * (sn - m))
    return np.logaddexp(0, lp + ln)

# npair A: A[N,D] P[N,D]
def npair(A, P):
    S = A @ P.T
    d = np.diag(S)
    E = np.exp(S - d[:, None])
    return np.mean(np.log(E.sum(axis=1))) + 0.01 * np.sum(A ** 2)

# sparsity rho: H[N,K]~p rho[]~p
def sparsity(H, rho):
    r = H.mean(axis=0)
    return np.sum(rho * np.log(rho / r) + (1 - rho) * np.log((1 - rho) / (1 - r)))

# max_entropy w: F_[N,D] w[D] m[D]
def maxent(F_, w, m):
    return np.log(np.sum(np.exp(F_ @ w))) - w @ m
'''
