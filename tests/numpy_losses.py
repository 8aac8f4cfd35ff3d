"""Losses as people write them in NumPy.  Before each: what it is derived by, and its arguments with their sizes;
`<K` labels below K, `>0` positive, `~01` zero or one, `~p` between 0 and 1, `=c` the number c, `~s` symmetric positive
definite, `~d` distinct, `~pm` -1 or 1, `~c` counts, `~x` summing to 1.
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

# two_layer_in_words W1,W2,b1: X[N,D] y[N]<K W1[D,H] b1[H] W2[H,K] b2[K] reg[]>0
def two_layer(X, y, W1, b1, W2, b2, reg):
    N, D = X.shape
    h1 = np.maximum(0, X.dot(W1) + b1)
    scores = h1.dot(W2) + b2
    probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    loss += 0.5 * reg * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
    return loss

# cofi_in_words X,Theta: X[M,D] Theta[U,D] Y[M,U] R[M,U]~01 lam[]>0
def cofi(X, Theta, Y, R, lam):
    err = (X @ Theta.T - Y) * R
    return 0.5 * (err ** 2).sum() + lam / 2 * (X ** 2).sum() + lam / 2 * (Theta ** 2).sum()

# gmm_nll_in_words mu,Sigma: X[N,D] pi[K]~x mu[K,D] Sigma[K,D,D]~s
def gmm_nll(X, pi, mu, Sigma):
    N, D = X.shape
    K = len(pi)
    ll = 0.0
    for n in range(N):
        p = 0.0
        for k in range(K):
            d = X[n] - mu[k]
            q = d @ np.linalg.inv(Sigma[k]) @ d
            norm = (2 * np.pi) ** (-D / 2) * np.linalg.det(Sigma[k]) ** (-0.5)
            p += pi[k] * norm * np.exp(-0.5 * q)
        ll += np.log(p)
    return -ll

# gmm_chol_in_words mu: X[N,D] logw[K] mu[K,D] L[K,D,D]~s
def gmm_chol(X, logw, mu, L):
    _, logdet = np.linalg.slogdet(L)
    d = X[:, None] - mu
    sol = np.linalg.solve(L, d[..., None])[..., 0]
    q = (d * sol).sum(-1)
    return -logsumexp(logw - 0.5 * (q + logdet), axis=1).mean()

# plain_1 V: V[K,D,D]~s
def loss(V):
    return np.sum(np.log(np.linalg.det(V)))

# plain_2 V: V[K,D,D]~s x[K,D]
def loss(V, x):
    P = np.linalg.inv(V)
    return np.sum(np.einsum('ki,kij,kj->k', x, P, x)) + np.linalg.slogdet(V)[1].sum()

# plain_4 V: V[K,D,D]~s x[K,D]
def loss(V, x):
    sign, ld = np.linalg.slogdet(V)
    return 0.5 * ld.sum() + 0.5 * sum(x[k] @ np.linalg.solve(V[k], x[k]) for k in range(x.shape[0]))

# plain_6 A: A[K,D,D]~s B[K,D,D]
def loss(A, B):
    return np.sum(np.linalg.inv(A) @ B) ** 2

# supcon_in_words Z: Z[N,D] y[N]<K tau[]>0
def supcon(Z, y, tau):
    Zn = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    sim = Zn @ Zn.T / tau
    mask = (y[:, None] == y[None, :]).astype(float)
    np.fill_diagonal(mask, 0)
    notself = 1 - np.eye(len(y))
    logits = sim - sim.max(axis=1, keepdims=True)
    logprob = logits - np.log((np.exp(logits) * notself).sum(1, keepdims=True))
    return -(mask * logprob).sum() / (mask.sum() + 1)

# clip_loss_in_words q,k: q[N,D] k[N,D]
def clip_loss(q, k):
    S = q @ k.T
    lr = np.diag(S - logsumexp(S, axis=1, keepdims=True)).mean()
    lc = np.diag(S - logsumexp(S, axis=0, keepdims=True)).mean()
    return -(lr + lc) / 2

# contrastive_pairs_in_words X: X[N,D] y[N]<K
def contrastive_pairs(X, y, m=1.5):
    n = X.shape[0]
    total = 0.0
    count = 0
    for i in range(n):
        for j in range(i + 1, n):
            d = np.linalg.norm(X[i] - X[j])
            if y[i] == y[j]:
                total += d ** 2
            else:
                total += max(0, m - d) ** 2
            count += 1
    return total / count

# stress_in_words X: X[N,D] D_[N,N]>0
def stress(X, D_):
    n = len(X)
    s = 0
    for i in range(n):
        for j in range(i):
            dij = np.sqrt(((X[i] - X[j]) ** 2).sum())
            s += (dij - D_[i, j]) ** 2
    return s

# kl_mvn_in_words m1,m2,S1: m1[D] m2[D] S1[D,D]~s S2[D,D]~s
def kl_mvn(m1, S1, m2, S2):
    iS2 = np.linalg.inv(S2)
    diff = m2 - m1
    tr = np.trace(iS2 @ S1)
    det = np.log(np.linalg.det(S2) / np.linalg.det(S1))
    return 0.5 * (tr + det + diff.T @ iS2 @ diff - m1.shape[0])

# huber_loop_in_words p: p[N] y[N]
def huber_loop(p, y, delta=1.0):
    out = []
    for yi, pi_ in zip(y, p):
        r = abs(yi - pi_)
        if r <= delta:
            out.append(0.5 * r ** 2)
        else:
            out.append(delta * (r - 0.5 * delta))
    return np.mean(out)

# pinball_in_words f: y[N] f[N] q[]~p
def pinball(y, f, q):
    e = y - f
    return np.mean(np.maximum(q * e, (q - 1) * e))

# poisson_full_in_words eta: y[N]~c eta[N]
def poisson_full(y, eta):
    return np.sum(np.exp(eta) - y * eta + gammaln(y + 1))

# cox_in_words beta: X[N,D] t[N]~d e[N]~01 beta[D]
def cox(beta, X, t, e):
    eta = X @ beta
    risk = (t[None, :] >= t[:, None])
    logrisk = np.log((risk * np.exp(eta)[None, :]).sum(axis=1))
    return -np.sum(e * (eta - logrisk))

# cox_rev_in_words beta: X[N,D] e[N]~01 beta[D]
def cox_rev(beta, X, e):
    h = X.dot(beta)
    logcum = np.log(np.cumsum(np.exp(h)[::-1])[::-1])
    return -((h - logcum) * e).sum()

# plackett_luce_in_words s: s[N]
def plackett_luce(s):
    nll = 0
    for k in range(len(s)):
        nll += np.log(np.sum(np.exp(s[k:]))) - s[k]
    return nll

# nmf_is_in_words W,H: X[N,M]>0 W[N,K]>0 H[K,M]>0
def nmf_is(X, W, H):
    R = X / (W @ H)
    return (R - np.log(R) - 1).sum()

# svd_loss_in_words P,Q: P[U,K] Q[I,K] bu[U] bi[I] mu[] u[T]<U i[T]<I r[T] lam[]>0
def svd_loss(P, Q, bu, bi, mu, u, i, r, lam):
    pred = mu + bu[u] + bi[i] + np.sum(P[u] * Q[i], axis=1)
    err = r - pred
    return np.sum(err ** 2) + lam * (np.sum(P[u] ** 2) + np.sum(Q[i] ** 2) + np.sum(bu[u] ** 2) + np.sum(bi[i] ** 2))

# gp_nll_in_words ell,s: X[N,D] y[N] ell[]>0 s[]>0 noise[]>0
def gp_nll(X, y, ell, s, noise):
    n = len(X)
    sq = np.sum(X ** 2, 1).reshape(-1, 1) + np.sum(X ** 2, 1) - 2 * np.dot(X, X.T)
    K = s ** 2 * np.exp(-0.5 / ell ** 2 * sq) + noise ** 2 * np.eye(n)
    return 0.5 * np.log(np.linalg.det(K)) + 0.5 * y.dot(np.linalg.inv(K).dot(y)) + 0.5 * n * np.log(2 * np.pi)

# gp_chol_in_words ell: X[N,D] y[N] ell[]>0
def gp_chol(X, y, ell):
    d2 = ((X[:, None, :] - X[None, :, :]) ** 2).sum(axis=2)
    K = np.exp(-d2 / (2 * ell ** 2)) + 0.1 * np.eye(len(y))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diag(L))) + len(y) / 2 * np.log(2 * np.pi)

# rof_iso_in_words u: u[M,N] f[M,N]
def rof_iso(u, f):
    gx = u[1:, :-1] - u[:-1, :-1]
    gy = u[:-1, 1:] - u[:-1, :-1]
    return np.sum(np.sqrt(gx ** 2 + gy ** 2 + 1e-6)) + np.sum((u - f) ** 2)

# laplace_in_words U: U[M,N]
def laplace(U):
    lap = np.roll(U, 1, axis=0) + np.roll(U, -1, axis=0) + np.roll(U, 1, axis=1) + np.roll(U, -1, axis=1) - 4 * U
    return 0.5 * np.sum(lap ** 2)

# ordinal_in_words b,f: f[N] b[K-1] y[N]<K
def ordinal(f, b, y):
    cum = expit(b[None, :] - f[:, None])
    cum = np.hstack([np.zeros((len(f), 1)), cum, np.ones((len(f), 1))])
    p = cum[np.arange(len(f)), y + 1] - cum[np.arange(len(f)), y]
    return -np.sum(np.log(np.abs(p) + 1e-3))

# svm_vec_in_words W: X[N,D] y[N]<K W[D,K]
def svm_vec(W, X, y):
    scores = X.dot(W)
    n = X.shape[0]
    correct = scores[np.arange(n), y].reshape(n, 1)
    margin = scores - correct + 1.0
    margin[np.arange(n), y] = 0
    margin[margin < 0] = 0
    return margin.sum() / n

# bce_in_words p: p[N]~p y[N]~01
def bce(p, y, eps=1e-7):
    p = np.clip(p, eps, 1 - eps)
    return -np.average(y * np.log(p) + (1 - y) * np.log(1 - p))

# plain_7 x: A[M,N] x[N] b[M]
def f(x, A, b):
    r = A.dot(x) - b
    return 0.5 * np.inner(r, r)

# rosen_in_words x: x[N]
def rosen(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)

# ackley_in_words x: x[N]
def ackley(x):
    n = len(x)
    return -20 * np.exp(-0.2 * np.sqrt(np.sum(x ** 2) / n)) - np.exp(np.sum(np.cos(2 * np.pi * x)) / n) + 20 + np.e

# styblinski_in_words x: x[N]
def styblinski(x):
    return 0.5 * sum(xi ** 4 - 16 * xi ** 2 + 5 * xi for xi in x)

# forward_in_words W,b: X[N,D] y[N]<K W[D,K] b[K]
def forward(X, y, W, b):
    def softmax_rows(z):
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        return e / e.sum(axis=1, keepdims=True)
    P = softmax_rows(X @ W + b)
    n = len(X)
    return -np.log(P[np.arange(n), y] + 1e-12).sum() / n

# gru_in_words Wz,h: x[D] h[H] Wz[H,D] Uz[H,H] Wr[H,D] Ur[H,H] Wh[H,D] Uh[H,H] t[H]
def gru(x, h, Wz, Uz, Wr, Ur, Wh, Uh, t):
    sig = lambda v: 1 / (1 + np.exp(-v))
    z = sig(Wz @ x + Uz @ h)
    r = sig(Wr @ x + Ur @ h)
    hc = np.tanh(Wh @ x + Uh @ (r * h))
    hn = (1 - z) * h + z * hc
    return np.mean((hn - t) ** 2)

# lstm_in_words W,h: x[D] h[H] c[H] W[4*H,D] U[4*H,H] b[4*H] t[H]
def lstm(x, h, c, W, U, b, t):
    H = len(h)
    a = W @ x + U @ h + b
    i = expit(a[:H])
    f = expit(a[H:2 * H])
    o = expit(a[2 * H:3 * H])
    g = np.tanh(a[3 * H:])
    cn = f * c + i * g
    hn = o * np.tanh(cn)
    return ((hn - t) ** 2).sum()

# crf_in_words E,T: E[4,K] T[K,K] y[4]<K
def crf(E, T, y):
    score = E[0, y[0]]
    for t in range(1, 4):
        score = score + T[y[t - 1], y[t]] + E[t, y[t]]
    alpha = E[0]
    for t in range(1, 4):
        alpha = logsumexp(alpha[:, None] + T, axis=0) + E[t]
    return logsumexp(alpha) - score

# layernorm_in_words X: X[N,D] g[D] b[D] Y[N,D]
def layernorm(X, g, b, Y, eps=1e-5):
    mean = X.mean(-1, keepdims=True)
    var = ((X - mean) ** 2).mean(-1, keepdims=True)
    out = g * (X - mean) / np.sqrt(var + eps) + b
    return np.sum(out * Y)

# bn_in_words X: X[N,D] Y[N,D]
def bn(X, Y):
    Z = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-8)
    return np.sum((Z - Y) ** 2)

# mmd_in_words X: X[N,D] Z[M,D]
def mmd(X, Z, gamma=0.5):
    XX = np.exp(-gamma * ((X[:, None] - X[None]) ** 2).sum(-1))
    ZZ = np.exp(-gamma * ((Z[:, None] - Z[None]) ** 2).sum(-1))
    XZ = np.exp(-gamma * ((X[:, None] - Z[None]) ** 2).sum(-1))
    return XX.mean() + ZZ.mean() - 2 * XZ.mean()

# dual_loop_in_words a: X[N,D] a[N] y[N]~pm
def dual_loop(a, X, y):
    N = len(y)
    s = 0.0
    for i in range(N):
        for j in range(N):
            s += a[i] * a[j] * y[i] * y[j] * np.dot(X[i], X[j])
    return 0.5 * s - np.sum(a)

# ica_in_words W: X[N,D] W[D,D]
def ica(W, X):
    Y = X @ W.T
    return -np.sum(np.log(1 / np.cosh(Y))) - len(X) * np.log(np.abs(np.linalg.det(W)))

# tri_nll_in_words L: X[N,D] L[D,D]
def tri_nll(L, X):
    Lt = np.tril(L)
    z = X @ Lt.T
    return 0.5 * np.sum(z ** 2) / len(X) - np.sum(np.log(np.abs(np.diag(Lt))))

# weibull_in_words k,lam: x[N]>0 k[]>0 lam[]>0
def weibull(k, lam, x):
    return -np.sum(np.log(k / lam) + (k - 1) * np.log(x / lam) - (x / lam) ** k)

# laplace_2 mu,b: x[N] mu[] b[]>0
def laplace(mu, b, x):
    return np.sum(np.abs(x - mu)) / b + len(x) * np.log(2 * b)

# dirmult_in_words a: a[K]>0 c[K]~c
def dirmult(a, c):
    A = a.sum()
    n = c.sum()
    return -(gammaln(A) - gammaln(n + A) + np.sum(gammaln(c + a) - gammaln(a)))

# dice_in_words p: p[N]~p t[N]~01
def dice(p, t, smooth=1.):
    intersection = np.sum(p.flatten() * t.flatten())
    return 1 - (2. * intersection + smooth) / (np.sum(p) + np.sum(t) + smooth)

# style_in_words F: F[C,H,W] G[C,C]
def style(F, G):
    C, H, W = F.shape
    X = F.reshape(C, H * W)
    gram = X @ X.T / (C * H * W)
    return np.sum((gram - G) ** 2)

# reinforce_in_words logits: logits[N,A] a[N]<A R[N]
def reinforce(logits, a, R):
    logp = logits - logsumexp(logits, axis=-1, keepdims=True)
    picked = np.take_along_axis(logp, a[:, None], axis=-1).squeeze(-1)
    return -(picked * (R - R.mean())).mean()

# dqn_in_words q: q[N,A] qn[N,A] a[N]<A r[N] d[N]~01 gamma[]~p
def dqn(q, qn, a, r, d, gamma):
    target = r + gamma * (1 - d) * qn.max(axis=1)
    return ((q[np.arange(len(a)), a] - target) ** 2).mean()

# ranknet_vec_in_words s: s[N] y[N]~d
def ranknet_vec(s, y):
    S = s[:, None] - s[None, :]
    M = y[:, None] > y[None, :]
    return np.sum(np.log1p(np.exp(-S)) * M)

# tv_in_words x: x[N] y[N] lam[]>0
def tv(x, y, lam):
    return 0.5 * ((x - y) ** 2).sum() + lam * np.sum(np.abs(x[1:] - x[:-1]))

# trend_in_words x: x[N] y[N] lam[]>0
def trend(x, y, lam):
    return 0.5 * np.sum((x - y) ** 2) + lam * np.sum(np.abs(np.diff(x, n=2)))

# blurv_in_words k: x[N] k[3] y[N-2]
def blurv(x, k, y):
    z = np.convolve(x, k, mode='valid')
    return np.sum((z - y) ** 2)

# sharpe_in_words w: R[T,N] w[N]
def sharpe(w, R):
    p = R @ w
    return -p.mean() / p.std()

# J1_in_words theta: X[N,D] y[N] theta[D+1]
def J1(theta, X, y):
    Xb = np.c_[np.ones(len(X)), X]
    return np.sum((Xb @ theta - y) ** 2) / (2 * len(y))

# polyfit_in_words c: x[N] y[N] c[4]
def polyfit(c, x, y):
    return ((np.polyval(c, x) - y) ** 2).sum()

# nll_in_words H: x[N] H[M,N] y[M] s[]>0
def nll(x, H, y, s):
    r = (y - H @ x) / s
    return 0.5 * r.T @ r + 0.5 * len(y) * np.log(2 * np.pi * s ** 2)

# ising_in_words x: J[N,N] h[N] x[N]
def ising(x, J, h):
    E = 0
    N = len(x)
    for i in range(N):
        for j in range(i + 1, N):
            E -= J[i, j] * x[i] * x[j]
        E -= h[i] * x[i]
    return E

# mape_in_words w: X[N,D] y[N]>0 w[D]
def mape(w, X, y):
    yhat = X @ w
    return 100 * np.mean(np.abs((y - yhat) / y))

# cosine_in_words a,b: a[N,D] b[N,D]
def cosine(a, b):
    num = (a * b).sum(axis=1)
    den = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (1 - num / den).mean()

# cos_embedding_in_words a: a[N,D] b[N,D] y[N]~pm
def cos_embedding(a, b, y, margin=0.1):
    cos = np.array([np.dot(a[i], b[i]) / (np.linalg.norm(a[i]) * np.linalg.norm(b[i])) for i in range(len(a))])
    pos = 1 - cos
    neg = np.maximum(0, cos - margin)
    return np.mean(np.where(y == 1, pos, neg))

# multilabel_soft_margin_in_words x: x[N,K] y[N,K]~01
def multilabel_soft_margin(x, y):
    C = x.shape[1]
    ls = lambda t: -np.log1p(np.exp(-t))
    loss = -(y * ls(x) + (1 - y) * ls(-x))
    return (loss.sum(axis=1) / C).mean()

# poisson_nll_in_words z: z[N] t[N]>0
def poisson_nll(z, t, log_input=True):
    if log_input:
        return (np.exp(z) - t * z).mean()
    else:
        return (z - t * np.log(z + 1e-8)).mean()

# kl_div_in_words lp: lp[N,K] t[N,K]>0
def kl_div(lp, t, reduction='batchmean'):
    out = t * (np.log(t) - lp)
    if reduction == 'batchmean':
        return out.sum() / lp.shape[0]
    elif reduction == 'sum':
        return out.sum()
    return out.mean()

# label_smooth_in_words z: z[N,K] y[N]<K
def label_smooth(z, y, eps=0.1):
    K = z.shape[-1]
    onehot = np.eye(K)[y] * (1 - eps) + eps / K
    logp = log_softmax(z, axis=-1)
    return -(onehot * logp).sum(-1).mean()

# bce_pos_in_words z: z[N] y[N]~01 p[]>0
def bce_pos(z, y, p):
    lw = 1 + (p - 1) * y
    return np.mean((1 - y) * z + lw * (np.log(1 + np.exp(-np.abs(z))) + np.maximum(-z, 0)))

# align_uniform_in_words x,y: x[N,D] y[N,D]
def align_uniform(x, y, t=2):
    align = ((x - y) ** 2).sum(1).mean()
    sq = ((x[:, None] - x[None, :]) ** 2).sum(-1)
    i, j = 0, 1
    unif = np.log(np.exp(-t * sq).mean())
    return align + unif

# mnrl_in_words a,p: a[N,D] p[N,D] n[N,K,D]
def mnrl(a, p, n, s=2.0):
    pos = np.sum(a * p, axis=-1, keepdims=True) * s
    neg = np.einsum('nd,nkd->nk', a, n) * s
    logits = np.concatenate([pos, neg], axis=1)
    return np.mean(logsumexp(logits, axis=1) - logits[:, 0])

# wmf_in_words U: U[N,K] V[M,K] R[N,M] W[N,M]>0
def wmf(U, V, R, W):
    loss = 0
    N, M = R.shape
    for i in range(N):
        for j in range(M):
            loss += W[i, j] * (R[i, j] - np.dot(U[i, :], V[j, :])) ** 2
    for i in range(N):
        loss += 0.1 * np.dot(U[i], U[i])
    return loss

# cp_in_words A: A[I,R] B[J,R] C[K,R] T[I,J,K]
def cp(A, B, C, T):
    That = np.zeros_like(T)
    for r in range(A.shape[1]):
        That += A[:, r][:, None, None] * B[:, r][None, :, None] * C[:, r][None, None, :]
    return np.sum((T - That) ** 2)

# mha_in_words Q: Q[B,H,N,D] K[B,H,M,D] V[B,H,M,D] G[B,H,N,D]
def mha(Q, K, V, G):
    S = np.einsum('bhnd,bhmd->bhnm', Q, K) / np.sqrt(Q.shape[-1])
    A = np.exp(S) / np.exp(S).sum(axis=-1, keepdims=True)
    O = np.einsum('bhnm,bhmd->bhnd', A, V)
    return np.sum(O * G)

# selfattn_in_words X: X[N,D] Wq[D,P] Wk[D,P] Wv[D,P] Y[N,P]
def selfattn(X, Wq, Wk, Wv, Y):
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    A = softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=-1)
    out = A @ V
    return np.linalg.norm(out - Y) ** 2

# arc_in_words X: X[N,D] W[D,K] y[N]<K
def arc(X, W, y, s=4.0, m=0.3):
    Xn = X / np.sqrt((X ** 2).sum(1, keepdims=True))
    Wn = W / np.sqrt((W ** 2).sum(0, keepdims=True))
    cos = Xn @ Wn
    onehot = np.eye(W.shape[1])[y]
    logits = s * (cos - m * onehot)
    return -np.mean(np.sum(onehot * (logits - logsumexp(logits, axis=1, keepdims=True)), axis=1))

# kmeans_in_words C: X[N,D] C[K,D]
def kmeans(X, C):
    d = ((X[:, None, :] - C[None, :, :]) ** 2).sum(axis=2)
    return d.min(axis=1).sum()

# fcm_in_words C: X[N,D] C[K,D] m[]=2
def fcm(X, C, m):
    d = np.sum((X[:, None] - C[None]) ** 2, axis=-1)
    u = 1 / np.sum((d[:, :, None] / d[:, None, :]) ** (1 / (m - 1)), axis=-1)
    return np.sum(u ** m * d)

# dcg_in_words s: s[N] c[N]>0
def dcg(s, c):
    disc = 1 / np.log2(np.arange(2, len(s) + 2))
    return -np.sum((2 ** c - 1) * s * disc)

# ot_in_words P: P[N,M]>0 C[N,M] a[N]~x b[M]~x
def ot(P, C, a, b, lam=2.0):
    ent = -np.sum(P * (np.log(P) - 1))
    return (P * C).sum() - 0.1 * ent + lam * np.sum((P.sum(1) - a) ** 2) + lam * np.sum((P.sum(0) - b) ** 2)

# coral_in_words X: X[N,D] Z[M,D]
def coral(X, Z):
    n, d = X.shape
    m = Z.shape[0]
    Xm = X - X.mean(0, keepdims=True)
    Zm = Z - Z.mean(0, keepdims=True)
    Cs = Xm.T @ Xm / (n - 1)
    Ct = Zm.T @ Zm / (m - 1)
    return ((Cs - Ct) ** 2).sum() / (4 * d * d)

# hsic_in_words K_: K_[N,N] L_[N,N]
def hsic(K_, L_):
    n = K_.shape[0]
    H = np.eye(n) - np.ones((n, n)) / n
    return np.trace(K_ @ H @ L_ @ H) / (n - 1) ** 2

# notears_in_words W: X[N,D] W[D,D]
def notears(W, X):
    n, d = X.shape
    M = np.eye(d) + W * W / d
    E = np.linalg.matrix_power(M, 3)
    return 0.5 / n * ((X - X @ W) ** 2).sum() + np.trace(E) - d

# stein_in_words Sig: Sig[D,D]~s S[D,D]~s
def stein(Sig, S):
    P = np.linalg.solve(Sig, S)
    return np.trace(P) - np.linalg.slogdet(P)[1] - Sig.shape[0]

# weibull_surv_in_words B: X[N,D] y[N]~01 B[D] t[N]>0
def weibull_surv(X, t, y, B, k=1.5):
    lam = np.exp(X @ B)
    logh = np.log(k) + np.log(lam) + (k - 1) * np.log(t)
    H = lam * t ** k
    return -(y * logh - H).sum()

# by_index_2 W: W[K,D] b[K] X[N,D] y[N]<K
def loop(W, b, X, y):
    R = range
    log, exp = np.log, np.exp
    K, D = W.shape
    N = len(X)
    t = 0
    for i in R(N):
        f = [sum(W[k,d]*X[i,d] for d in R(D))+b[k] for k in R(K)]
        m = max(f)
        t += m+log(sum(exp(v-m) for v in f))-f[y[i]]
    return t/N

# by_index_4 X: X[N,D] W[D,D]
def loop(X, W):
    N, D = X.shape
    C = [[sum(X[n,i]*X[n,j] for n in range(N))/N for j in range(D)] for i in range(D)]
    return sum((C[i][j]-W[i,j])**2 for i in range(D) for j in range(D))

# by_index_5 U: U[N,K] V[M,K] R[N,M] I[N,M]~01
def loop(U, V, R, I):
    s = 0
    for i in range(len(U)):
        for j in range(len(V)):
            if I[i,j] > 0:
                e = R[i,j]-sum(U[i,k]*V[j,k] for k in range(U.shape[1]))
                s += e*e
    return s

# by_index_7 s: s[N]
def loop(s):
    n = len(s)
    p = 1
    for i in range(n):
        p *= np.exp(s[i])/sum(np.exp(s[k]) for k in range(i,n))
    return -np.log(p)

# by_index_9 X: X[N,D] p[N,N]>0
def loop(X, p):
    n, d = X.shape
    num = lambda i, j: 1/(1+sum((X[i,a]-X[j,a])**2 for a in range(d)))
    Z = sum(num(k,l) for k in range(n) for l in range(n) if k != l)
    return sum(p[i,j]*np.log(p[i,j]*Z/num(i,j)) for i in range(n) for j in range(n) if i != j)

# by_index_10 w: X[N,D] y[N]~pm w[D]
def loop(X, y, w):
    sig = lambda t: 1/(1+np.exp(-t))
    return -sum(np.log(sig(y[i]*sum(X[i,d]*w[d] for d in range(len(w))))) for i in range(len(y)))

# by_index_12 X: X[N,D]
def loop(X):
    N, D = X.shape
    m = [sum(X[i,d] for i in range(N))/N for d in range(D)]
    s = [np.sqrt(sum((X[i,d]-m[d])**2 for i in range(N))/N) for d in range(D)]
    return sum(((X[i,d]-m[d])/s[d])**3 for i in range(N) for d in range(D))

# by_index_14 x: x[N] lam[]>0
def loop(x, lam):
    t = 0
    for i in range(1, len(x)):
        t += abs(x[i]-x[i-1])
    for i in range(1, len(x)-1):
        t += lam*(x[i-1]-2*x[i]+x[i+1])**2
    return t

# by_index_15 P: P[N]>0 Q[N]>0
def loop(P, Q):
    return sum(p*np.log(p/q)-p+q for p, q in zip(P, Q))

# by_index_19 S: S[N,K] y[N]<K
def loop(S, y):
    t = 0
    for i, s in enumerate(S):
        t += max(s[k]-s[y[i]]+1 for k in range(len(s)) if k != y[i])
    return t/len(S)

# by_index_20 S: S[N,K] y[N]<K
def loop(S, y):
    return sum(max(0, s[k]-s[t]+1) for s, t in zip(S, y) for k in range(len(s)) if k != t)

# by_index_22 U: U[N,D] V[N,D] tau[]>0
def loop(U, V, tau):
    N = len(U)
    norm = lambda v: np.sqrt(sum(a*a for a in v))
    cos = lambda u, v: sum(a*b for a, b in zip(u, v))/(norm(u)*norm(v))
    t = 0
    for i in range(N):
        t -= np.log(np.exp(cos(U[i],V[i])/tau)/sum(np.exp(cos(U[i],V[j])/tau) for j in range(N)))
    return t/N

# by_index_24 a: x[N] a[3]
def loop(x, a):
    p = len(a)
    return sum((x[t]-sum(a[k]*x[t-1-k] for k in range(p)))**2 for t in range(p, len(x)))

# by_index_25 A: A[I,R] B[J,R] C[K,R] T[I,J,K]
def loop(A, B, C, T):
    I, J, K = T.shape
    return sum((T[i,j,k]-sum(A[i,r]*B[j,r]*C[k,r] for r in range(A.shape[1])))**2 for i in range(I) for j in range(J) for k in range(K))

# by_index_27 X: X[N,D] g[D] b[D] Y[N,D]
def loop(X, g, b, Y):
    N, D = X.shape
    t = 0
    for i in range(N):
        m = sum(X[i])/D
        v = sum((X[i,d]-m)**2 for d in range(D))/D
        t += sum((g[d]*(X[i,d]-m)/(v+1e-5)**.5+b[d]-Y[i,d])**2 for d in range(D))
    return t/N

# by_index_29 p: p[N]~p y[N]~01 g[]=2
def loop(p, y, g):
    t = 0
    for i in range(len(p)):
        pt = p[i] if y[i] == 1 else 1-p[i]
        t -= (1-pt)**g*np.log(pt)
    return t

# by_index_30 W1,W2: X[N,D] W1[H,D] c[H] W2[H] d[] y[N]
def loop(X, W1, c, W2, d, y):
    N, D = X.shape
    H = len(c)
    s = 0
    for i in range(N):
        h = [np.tanh(sum(W1[j,k]*X[i,k] for k in range(D))+c[j]) for j in range(H)]
        out = sum(W2[j]*h[j] for j in range(H))+d
        s += (out-y[i])**2
    return s/(2*N)

# plain_8 x: x[N,D] w[N]>0
def loss(x, w):
    m = np.average(x, axis=0, weights=w)
    return np.average((x-m)**2, axis=0, weights=w).sum()
'''
