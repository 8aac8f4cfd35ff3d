"""NUMPY: how every elementwise function and reduction is spelled; HELPERS: functions a module carries when it uses them."""

from __future__ import annotations

NUMPY = {
    "exp": "np.exp({})", "log": "np.log({})", "log1p": "np.log1p({})", "expm1": "np.expm1({})", "sqrt": "np.sqrt({})",
    "sin": "np.sin({})", "cos": "np.cos({})", "tan": "np.tan({})", "sinh": "np.sinh({})", "cosh": "np.cosh({})",
    "tanh": "np.tanh({})", "arcsin": "np.arcsin({})", "arccos": "np.arccos({})", "arctan": "np.arctan({})",
    "erf": "_erf({})", "sigmoid": "_sigmoid({})", "softplus": "np.logaddexp(0.0, {})", "abs": "np.abs({})",
    "sign": "np.sign({})", "floor": "np.floor({})", "max": "np.maximum({}, {})", "min": "np.minimum({}, {})",
}

# a reduction over axes, and what an entry that does not count is replaced by
REDUCE = {"sum": ("sum", "0.0"), "prod": ("prod", "1.0"), "max": ("max", "-np.inf"), "min": ("min", "np.inf"),
          "argmax": ("argmax", "-np.inf"), "argmin": ("argmin", "np.inf")}

TENSOR = {"inv": "np.linalg.inv({})", "det": "np.linalg.det({})", "logdet": "_logdet({})"}

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
    "_logdet": '''
def _logdet(a):
    """log(det(a)); nan where the determinant is negative."""
    sign, value = np.linalg.slogdet(a)
    return value if sign > 0 else np.nan
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
