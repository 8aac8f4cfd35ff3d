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
}
