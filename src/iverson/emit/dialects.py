"""NUMPY: how every elementwise function and reduction is spelled; HELPERS: functions a module carries when it uses them.

A Dialect is all that arrays.py knows of the library it writes for; PLAIN is NumPy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """How one array library writes what is asked of it.

    functions  elementwise; under `max number`, the spelling for an array and a Python number
    numbers    functions of Python numbers, where the library's own take arrays alone
    reduce     the method, and what an entry that does not count is replaced by; axis: the keyword
    array      operations on whole arrays, by name
    lifted     functions that take no Python numbers;  stepwise: methods that take one axis at a time
    forward    slices never run backwards;  transposed: products are made one class a contiguous column
    flipped    X'*S of many samples is (S'*X)'
    opening    lines at the top of a function: of every array, of scalars, of labels
    words      names that its modules need for themselves
    """

    name: str
    imports: str
    functions: Mapping[str, str]
    reduce: Mapping[str, tuple[str, str]]
    tensor: Mapping[str, str]
    helpers: Mapping[str, str]
    array: Mapping[str, str]
    numbers: Mapping[str, str] = field(default_factory=dict)
    lifted: frozenset[str] = frozenset()
    stepwise: frozenset[str] = frozenset()
    axis: str = "axis"
    forward: bool = False
    transposed: bool = False
    flipped: bool = False
    opening: Mapping[str, str] = field(default_factory=dict)
    words: frozenset[str] = frozenset()

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
    "lambda_max": "np.linalg.eigvalsh(({0} + {0}.T)/2)[-1]", "lambda_min": "np.linalg.eigvalsh(({0} + {0}.T)/2)[0]",
    "eigvec_max": "_end_vector({0}, -1)", "eigvec_min": "_end_vector({0}, 0)",
    "gaps_max": "_end_gaps({0}, -1)", "gaps_min": "_end_gaps({0}, 0)",
    "expm": "_expm({0})", "logm": "_of_eigenvalues(np.log, {0})", "sqrtm": "_of_eigenvalues(np.sqrt, {0})",
    "matpow": "_of_eigenvalues(lambda w: w**{1}, {0})", "trexpm": "np.trace(_expm({0}))",
    "trsqrtm": "np.trace(_of_eigenvalues(np.sqrt, {0}))", "trmatpow": "np.trace(_of_eigenvalues(lambda w: w**{1}, {0}))",
    "expm_slopes": "_slopes(np.exp, np.exp, {0})", "logm_slopes": "_slopes(np.log, lambda w: 1.0/w, {0})",
    "sqrtm_slopes": "_slopes(np.sqrt, lambda w: 0.5/np.sqrt(w), {0})",
    "matpow_slopes": "_slopes(lambda w: w**{1}, lambda w: {1}*w**({1} - 1.0), {0})",
}

HELPERS = {
    "_sigmoid": '''
def _sigmoid(x):
    """1/(1 + exp(-x)) without overflow on either side."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)
''',
    "_gram": '''
def _gram(x, d):
    """x.T @ diag(d) @ x, with half the products where d does not change sign."""
    half = len(x)//2
    if half > max(4*x.shape[1], 2**17//max(x.shape[1], 1)):  # blocks that stay in the cache
        return _gram(x[:half], d[:half]) + _gram(x[half:], d[half:])
    if d.min(initial=0.0) < 0.0 < d.max(initial=0.0):
        return (x.T*d) @ x
    z = x*np.sqrt(np.abs(d))[:, None]
    return z.T @ z if d.max(initial=0.0) > 0.0 else -(z.T @ z)
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
    return np.where(sign > 0, value, np.nan)[()]
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
    "_end_vector": '''
def _end_vector(a, end):
    """The eigenvector of the largest or smallest eigenvalue of (a + a')/2, its largest entry positive."""
    u = np.linalg.eigh((a + a.T)/2)[1][:, end]
    return -u if u[np.abs(u).argmax()] < 0.0 else u
''',
    "_end_gaps": '''
def _end_gaps(a, end):
    """The inverse of w[end]*I - (a + a')/2 where that is regular, 0 on the eigenvector of the eigenvalue w[end]."""
    w, u = np.linalg.eigh((a + a.T)/2)
    gaps = w[end] - w
    gaps[end] = np.inf
    return u/gaps @ u.T
''',
    "_expm": '''
def _expm(a):
    """The exponential of a matrix: scaling, an approximation of degree 13 and squaring (Higham 2005)."""
    b = (64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
         10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0)
    k = max(0, int(np.ceil(np.log2(max(np.abs(a).sum(axis=0).max(), 1e-300)/5.37))))
    a = a/2.0**k
    i, a2 = np.eye(len(a)), a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    u = a @ (a6 @ (b[13]*a6 + b[11]*a4 + b[9]*a2) + b[7]*a6 + b[5]*a4 + b[3]*a2 + b[1]*i)
    v = a6 @ (b[12]*a6 + b[10]*a4 + b[8]*a2) + b[6]*a6 + b[4]*a4 + b[2]*a2 + b[0]*i
    return np.linalg.matrix_power(np.linalg.solve(v - u, v + u), 2**k)
''',
    "_of_eigenvalues": '''
def _of_eigenvalues(f, a):
    """A function of a matrix: f of its eigenvalues, in its eigenvectors; nan where that is not real."""
    if np.allclose(a, a.T, rtol=1e-12, atol=0.0):
        w, u = np.linalg.eigh((a + a.T)/2)
        return u*f(w) @ u.T
    w, u = np.linalg.eig(a)
    v = u*f(w + 0j) @ np.linalg.inv(u)
    return np.where(np.abs(v.imag).max() < 1e-8*(1.0 + np.abs(v.real).max()), v.real, np.nan)
''',
    "_slopes": '''
def _slopes(f, slope, a):
    """(f(w[i]) - f(w[j]))/(w[i] - w[j]) over the eigenvalues of (a + a')/2, the slope of f where they are near."""
    w = np.linalg.eigvalsh((a + a.T)/2)
    x, y = w[:, None], w
    near = np.abs(x - y) <= 1e-5*(np.abs(x) + np.abs(y))
    return np.where(near, slope((x + y)/2.0), (f(x) - f(y))/np.where(near, 1.0, x - y))
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

# {0} is the array, unless said otherwise
ARRAY = {
    "real": "1.0*{0}",                                           # a mask
    "floats": "{0}",                                             # integers
    "lifted": "{0}",                                             # a Python number as an array
    "condition": "{0}",                                          # a Python truth as an array
    "divisor": "np.float64({0})",                                # a Python number that may be 0
    "spread": "np.broadcast_to({0}, ({1})).astype(float)",       # over sizes
    "filled": "np.broadcast_to({0}, ({1})).astype(float)",       # a Python number over sizes
    "zeros": "np.zeros(({0}))",
    "range": "np.arange({0})",
    "turn": "{0}.transpose({1})",
    "clip": "np.clip({0}, 0, {1} - 1)",
    "where": "np.where({0}, {1}, 0.0)",
    "otherwise": "np.where({0}, {1}, {2})",
    "choice": "{1} if {0} else 0.0",                             # of scalars
    "power": "np.power({0}, {1})",
    "constant": "np.{0}",
    "einsum": "np.einsum('{0}', {1}, optimize=True)",
    "gram": "_gram({0}, {1})",                                   # X' diag(d) X
    "chain": "np.linalg.multi_dot([{0}])",
    "own": "{0}",                                                # to be returned, held by others
    "fresh": "{0}",                                              # to be written to, held by nobody else
    "copy": "{0}.copy(order='K')",                               # to be written to, held by others
    "set": "{0}[{1}] = 0.0",
    "add": "{0}[{1}] += {2}",
    "subtract": "{0}[{1}] -= {2}",
    "scale": "{0} {1}= {2}",                                     # by * or /
}

PLAIN = Dialect("numpy", "import numpy as np\n", NUMPY, REDUCE, TENSOR, HELPERS, ARRAY, transposed=True)
