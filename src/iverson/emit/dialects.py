"""NUMPY: how every elementwise function and reduction is spelled; HELPERS: functions a module carries when it uses them."""

from __future__ import annotations

NUMPY = {
    "exp": "np.exp({})", "log": "np.log({})", "log1p": "np.log1p({})", "expm1": "np.expm1({})", "sqrt": "np.sqrt({})",
    "sin": "np.sin({})", "cos": "np.cos({})", "tan": "np.tan({})", "sinh": "np.sinh({})", "cosh": "np.cosh({})",
    "tanh": "np.tanh({})", "arcsin": "np.arcsin({})", "arccos": "np.arccos({})", "arctan": "np.arctan({})",
    "erf": "_erf({})", "sigmoid": "_sigmoid({})", "softplus": "np.logaddexp(0.0, {})", "abs": "np.abs({})",
    "arcsinh": "np.arcsinh({})", "arccosh": "np.arccosh({})", "arctanh": "np.arctanh({})",
    "arctan2": "np.arctan2({}, {})", "erfc": "_erfc({})", "erfinv": "_special('erfinv', {})",
    "gamma": "_gamma({})", "gammaln": "_lgamma({})", "digamma": "_special('digamma', {})",
    "polygamma": "_special('polygamma', {}, {})", "logit": "_logit({})", "cbrt": "np.cbrt({})",
    "logaddexp": "np.logaddexp({}, {})", "xlogy": "_xlogy({}, {})", "ceil": "np.ceil({})", "round": "np.round({})",
    "sign": "np.sign({})", "floor": "np.floor({})", "max": "np.maximum({}, {})", "min": "np.minimum({}, {})",
    # functions of rules/exact.py, and what keeps a quotient by 0 at 0
    "entropy": "_entropy({})", "entropy_complement": "_entropy_complement({})", "log_cosh": "_log_cosh({})",
    "log_one_less_exp": "_log_one_less_exp({})", "sech_squared": "_sech_squared({})",
    "exp_ratio": "_exp_ratio({})", "exp_ratio_slope": "_exp_ratio_slope({})", "sine_ratio": "_sine_ratio({})",
    "sine_ratio_slope": "_sine_ratio_slope({})", "log_ratio": "_log_ratio({})",
    "log_ratio_slope": "_log_ratio_slope({})", "cosine_ratio_slope": "_cosine_ratio_slope({})",
    "nonzero": "_nonzero({})",
}

# a reduction over axes, and what an entry that does not count is replaced by
REDUCE = {"sum": ("sum", "0.0"), "prod": ("prod", "1.0"), "max": ("max", "-np.inf"), "min": ("min", "np.inf"),
          "argmax": ("argmax", "-np.inf"), "argmin": ("argmin", "np.inf")}

TENSOR = {
    "inv": "np.linalg.inv({0})", "det": "np.linalg.det({0})", "logdet": "_logdet({0})", "adj": "_adj({0})",
    "logabsdet": "np.linalg.slogdet({0})[1]", "pinv": "np.linalg.pinv({0})",
    "cholesky": "np.linalg.cholesky(({0} + {0}.T)/2)", "eigvals": "np.linalg.eigvalsh(({0} + {0}.T)/2)",
    "eigvecs": "np.linalg.eigh(({0} + {0}.T)/2)[1]", "nuclear": "np.linalg.norm({0}, 'nuc')",
    "spectral": "np.linalg.norm({0}, 2)", "polar": "_polar({0})", "dominant": "_dominant({0})",
}

HELPERS = {
    "_sigmoid": '''
def _sigmoid(x):
    """1/(1 + exp(-x)) without overflow on either side."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)
''',
    "_erf": '''
def _erf(x):
    """The error function, entry by entry."""
    return np.vectorize(math.erf, otypes=[float])(x)
''',
    "_erfc": '''
def _erfc(x):
    """1 - erf(x), accurate where erf(x) is near 1."""
    return np.vectorize(math.erfc, otypes=[float])(x)
''',
    "_gamma": '''
def _gamma(x):
    """The gamma function, entry by entry."""
    return _special("gamma", x)
''',
    "_lgamma": '''
def _lgamma(x):
    """log(abs(gamma(x))), entry by entry."""
    return _special("gammaln", x)
''',
    "_special": '''
def _special(name, *args):
    """A function of scipy.special."""
    from scipy import special
    return getattr(special, name)(*args)
''',
    "_logit": '''
def _logit(x):
    """log(x/(1 - x))."""
    return np.log(x) - np.log1p(-x)
''',
    "_xlogy": '''
def _xlogy(x, y):
    """x*log(y), and 0 where x is 0."""
    return np.where(x == 0, 0.0, x*np.log(np.where(x == 0, 1.0, y)))
''',
    "_logdet": '''
def _logdet(a):
    """log(det(a)); nan where the determinant is negative."""
    sign, value = np.linalg.slogdet(a)
    return value if sign > 0 else np.nan
''',
    "_adj": '''
def _adj(a):
    """det(a)*inv(a), which stays finite where a is singular."""
    if not np.isfinite(a).all():
        return np.full(a.shape, np.nan)
    u, s, v = np.linalg.svd(a)
    sign = np.linalg.det(u)*np.linalg.det(v)
    others = np.array([np.prod(np.delete(s, k)) for k in range(len(s))])
    return sign*(v.T*others)@u.T
''',
    "_polar": '''
def _polar(a):
    """U*V' of the singular value decomposition of a."""
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return u@v
''',
    "_dominant": '''
def _dominant(a):
    """The outer product of the singular vectors of the largest singular value."""
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return np.outer(u[:, 0], v[0])
''',
    "_scatter_add": '''
def _scatter_add(rows, labels, n):
    """An array of n rows: row i is the sum of the rows whose label is i."""
    if rows.ndim == 1:
        return np.bincount(labels, weights=rows, minlength=n)
    out = np.zeros((n, *rows.shape[1:]))
    if len(labels):
        order = np.argsort(labels, kind="stable")
        found, first = np.unique(labels[order], return_index=True)
        out[found] = np.add.reduceat(rows[order], first, axis=0)
    return out
''',
    "_nonzero": '''
def _nonzero(x):
    """x, but inf where x is 0: what is divided by it is 0 there."""
    return np.where(x == 0.0, np.inf, x)[()]
''',
    "_norm": '''
def _norm(x, axis=None):
    """The root of the sum of squares, also where the squares overflow or underflow."""
    s = (x*x).sum(axis=axis)
    if np.all((s > 1e-280) & (s < 1e280)):
        return np.sqrt(s)
    m = np.abs(x).max(axis=axis, keepdims=True)
    m = np.where((m > 0.0) & (m < np.inf), m, 1.0)
    return (m*np.sqrt(((x/m)**2).sum(axis=axis, keepdims=True))).reshape(np.shape(s))[()]
''',
    "_entropy": '''
def _entropy(x):
    """x*log(x), and 0 where x is 0."""
    return x*np.log(np.where(x == 0.0, 1.0, x))
''',
    "_entropy_complement": '''
def _entropy_complement(x):
    """(1 + x)*log(1 + x), and 0 where x is -1."""
    return (1.0 + x)*np.log1p(np.where(x == -1.0, 0.0, x))
''',
    "_log_cosh": '''
def _log_cosh(x):
    """log(cosh(x)): near 0 by 2*sinh(x/2)^2, elsewhere without overflow."""
    a = np.abs(x)
    near = np.log1p(2.0*np.sinh(0.5*np.minimum(a, 1.0))**2)
    return np.where(a < 1.0, near, a + np.log1p(np.exp(-2.0*a)) - np.log(2.0))[()]
''',
    "_log_one_less_exp": '''
def _log_one_less_exp(x):
    """log(1 - exp(x)) for x < 0."""
    return np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(np.minimum(x, -0.7))))[()]
''',
    "_sech_squared": '''
def _sech_squared(x):
    """1/cosh(x)^2, the slope of tanh."""
    e = np.exp(-2.0*np.abs(x))
    return 4.0*e/(1.0 + e)**2
''',
    "_series": '''
def _series(x, c, far, radius):
    """c[0] + c[1]*x + ... where |x| is below the radius, far(x) elsewhere."""
    near = np.abs(x) < radius
    v = 0.0
    for a in c[::-1]:
        v = a + np.where(near, x, 0.0)*v
    return np.where(near, v, far(np.where(near, radius, x)))[()]
''',
    "_exp_ratio": '''
def _exp_ratio(x):
    """(exp(x) - 1)/x, and 1 at 0."""
    return np.where(x == 0.0, 1.0, np.expm1(x)/np.where(x == 0.0, 1.0, x))[()]
''',
    "_exp_ratio_slope": '''
def _exp_ratio_slope(x):
    """The slope of (exp(x) - 1)/x: the sum of x^k/(k!*(k + 2)) near 0."""
    k = np.arange(20.0)
    c = 1.0/(np.cumprod(np.maximum(k, 1.0))*(k + 2.0))
    return _series(x, c, lambda x: (np.exp(x) - np.expm1(x)/x)/x, 1.0)
''',
    "_sine_ratio": '''
def _sine_ratio(x):
    """sin(x)/x, and 1 at 0."""
    return np.where(x == 0.0, 1.0, np.sin(x)/np.where(x == 0.0, 1.0, x))[()]
''',
    "_sine_ratio_slope": '''
def _sine_ratio_slope(x):
    """The slope of sin(x)/x: the sum of (-1)^m*2*m*x^(2*m - 1)/(2*m + 1)! near 0."""
    k = np.arange(24.0)
    f = np.cumprod(np.maximum(k, 1.0))
    c = np.where(k % 2 == 1.0, 1.0/(f*(k + 2.0)), 0.0)*np.where(k % 4 == 1.0, -1.0, 1.0)
    return _series(x, c, lambda x: (np.cos(x) - np.sin(x)/x)/x, 1.0)
''',
    "_log_ratio": '''
def _log_ratio(x):
    """log(1 + x)/x, and 1 at 0."""
    return np.where(x == 0.0, 1.0, np.log1p(x)/np.where(x == 0.0, 1.0, x))[()]
''',
    "_log_ratio_slope": '''
def _log_ratio_slope(x):
    """The slope of log(1 + x)/x: the sum of (-1)^k*k*x^(k - 1)/(k + 1) near 0."""
    k = np.arange(1.0, 36.0)
    c = np.where(k % 2 == 0.0, 1.0, -1.0)*k/(k + 1.0)
    return _series(x, c, lambda x: (1.0/(1.0 + x) - np.log1p(x)/x)/x, 0.3)
''',
    "_cosine_ratio_slope": '''
def _cosine_ratio_slope(x):
    """The slope of (1 - cos(x))/x^2: the sum of (-1)^m*2*m*x^(2*m - 1)/(2*m + 2)! near 0."""
    k = np.arange(30.0)
    f = np.cumprod(np.maximum(k, 1.0))*(k + 1.0)*(k + 2.0)*(k + 3.0)
    c = np.where(k % 2 == 1.0, (k + 1.0)/f, 0.0)*np.where(k % 4 == 1.0, -1.0, 1.0)
    return _series(x, c, lambda x: (np.sin(x) - 4.0*np.sin(0.5*x)**2/x)/x**2, 2.0)
''',
}
