"""TORCH and JAX: the dialects of the two frameworks.  Nothing here imports one.

Code in these dialects is differentiated again by the framework: helpers have no branches on values, no loops over
entries, and every point at which they are put together from two formulas keeps both finite.
"""

from __future__ import annotations

from collections.abc import Mapping

from .dialects import Dialect

# functions of Python numbers, which are made of sizes
NUMBERS = {
    "exp": "math.exp({})", "log": "math.log({})", "log1p": "math.log1p({})", "expm1": "math.expm1({})",
    "sqrt": "math.sqrt({})", "sin": "math.sin({})", "cos": "math.cos({})", "tan": "math.tan({})", "sinh": "math.sinh({})",
    "cosh": "math.cosh({})", "tanh": "math.tanh({})", "arcsin": "math.asin({})", "arccos": "math.acos({})",
    "arctan": "math.atan({})", "erf": "math.erf({})", "erfc": "math.erfc({})", "gamma": "math.gamma({})",
    "gammaln": "math.lgamma({})", "abs": "abs({})", "max": "max({}, {})", "min": "min({}, {})", "floor": "math.floor({})",
}

EXACT = {
    name: f"_{name}({{}})"
    for name in (
        "logit", "entropy", "entropy_complement", "log_cosh", "log_one_less_exp", "sech_squared", "exp_ratio",
        "exp_ratio_slope", "sine_ratio", "sine_ratio_slope", "log_ratio", "log_ratio_slope", "cosine_ratio_slope", "nonzero",
    )
}

PLAIN_NAMES = ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos",
               "arctan", "arcsinh", "arccosh", "arctanh", "abs", "sign", "floor", "ceil", "round")

TORCH_FUNCTIONS = EXACT | {name: f"torch.{name}({{}})" for name in PLAIN_NAMES} | {
    "sigmoid": "torch.sigmoid({})", "softplus": "torch.nn.functional.softplus({}, threshold=50.0)",
    "erf": "torch.erf({})", "erfc": "torch.erfc({})", "erfinv": "torch.erfinv({})", "gamma": "_gamma({})",
    "gammaln": "torch.lgamma({})", "digamma": "torch.digamma({})", "polygamma": "torch.polygamma(int({}), {})",
    "cbrt": "_cbrt({})", "arctan2": "torch.arctan2({}, {})", "logaddexp": "torch.logaddexp({}, {})",
    "xlogy": "torch.xlogy({}, {})", "max": "torch.maximum({}, {})", "min": "torch.minimum({}, {})",
    "max number": "torch.clamp({}, min={})", "min number": "torch.clamp({}, max={})",
}

JAX_FUNCTIONS = EXACT | {name: f"jnp.{name}({{}})" for name in PLAIN_NAMES} | {
    "sigmoid": "jax.nn.sigmoid({})", "softplus": "jax.nn.softplus({})",
    "erf": "jax.scipy.special.erf({})", "erfc": "jax.scipy.special.erfc({})", "erfinv": "jax.scipy.special.erfinv({})",
    "gamma": "jax.scipy.special.gamma({})", "gammaln": "jax.scipy.special.gammaln({})",
    "digamma": "jax.scipy.special.digamma({})", "polygamma": "jax.scipy.special.polygamma({}, {})", "cbrt": "jnp.cbrt({})",
    "arctan2": "jnp.arctan2({}, {})", "logaddexp": "jnp.logaddexp({}, {})", "xlogy": "jax.scipy.special.xlogy({}, {})",
    "max": "jnp.maximum({}, {})", "min": "jnp.minimum({}, {})",
}

TORCH_REDUCE = {"sum": ("sum", "0.0"), "prod": ("prod", "1.0"), "max": ("amax", "-math.inf"), "min": ("amin", "math.inf"),
                "argmax": ("argmax", "-math.inf"), "argmin": ("argmin", "math.inf")}
JAX_REDUCE = {"sum": ("sum", "0.0"), "prod": ("prod", "1.0"), "max": ("max", "-math.inf"), "min": ("min", "math.inf"),
              "argmax": ("argmax", "-math.inf"), "argmin": ("argmin", "math.inf")}

# xp stands for torch or jnp
TENSOR = {
    "inv": "xp.linalg.inv({0})", "det": "xp.linalg.det({0})", "logdet": "_logdet({0})", "adj": "_adj({0})",
    "logabsdet": "xp.linalg.slogdet({0})[1]", "pinv": "xp.linalg.pinv({0})",
    "cholesky": "xp.linalg.cholesky(({0} + {0}.T)/2)", "eigvals": "xp.linalg.eigvalsh(({0} + {0}.T)/2)",
    "eigvecs": "xp.linalg.eigh(({0} + {0}.T)/2)[1]", "nuclear": "xp.linalg.matrix_norm({0}, ord='nuc')",
    "spectral": "xp.linalg.matrix_norm({0}, ord=2)", "polar": "_polar({0})", "dominant": "_dominant({0})",
    "lambda_max": "xp.linalg.eigvalsh(({0} + {0}.T)/2)[-1]", "lambda_min": "xp.linalg.eigvalsh(({0} + {0}.T)/2)[0]",
    "eigvec_max": "_end_vector({0}, -1)", "eigvec_min": "_end_vector({0}, 0)",
    "gaps_max": "_end_gaps({0}, -1)", "gaps_min": "_end_gaps({0}, 0)",
    "expm": "xp.linalg.matrix_exp({0})", "logm": "_of_eigenvalues(xp.log, {0})", "sqrtm": "_of_eigenvalues(xp.sqrt, {0})",
    "matpow": "_of_eigenvalues(lambda w: w**{1}, {0})", "trexpm": "xp.trace(xp.linalg.matrix_exp({0}))",
    "trsqrtm": "xp.trace(_of_eigenvalues(xp.sqrt, {0}))", "trmatpow": "xp.trace(_of_eigenvalues(lambda w: w**{1}, {0}))",
    "expm_slopes": "_slopes(xp.exp, xp.exp, {0})", "logm_slopes": "_slopes(xp.log, lambda w: 1.0/w, {0})",
    "sqrtm_slopes": "_slopes(xp.sqrt, lambda w: 0.5/xp.sqrt(w), {0})",
    "matpow_slopes": "_slopes(lambda w: w**{1}, lambda w: {1}*w**({1} - 1.0), {0})",
}

SHARED = {
    "_logit": '''
def _logit(x):
    """log(x/(1 - x))."""
    return xp.log(x) - xp.log1p(-x)
''',
    "_logdet": '''
def _logdet(a):
    """log(det(a)); nan where the determinant is negative."""
    sign, value = xp.linalg.slogdet(a)
    return xp.where(sign > 0, value, math.nan)
''',
    "_adj": '''
def _adj(a):
    """det(a)*inv(a), which stays finite where a is singular."""
    u, s, v = xp.linalg.svd(a)
    sign = xp.linalg.det(u)*xp.linalg.det(v)
    one = xp.diag(0.0*s + 1.0) > 0.0
    others = xp.where(one, 1.0, s[None, :]).prod(1)
    return sign*(v.T*others) @ u.T
''',
    "_polar": '''
def _polar(a):
    """U*V' of the singular value decomposition of a."""
    u, _, v = xp.linalg.svd(a, full_matrices=False)
    return u @ v
''',
    "_dominant": '''
def _dominant(a):
    """The outer product of the singular vectors of the largest singular value."""
    u, _, v = xp.linalg.svd(a, full_matrices=False)
    return u[:, :1]*v[0]
''',
    "_end_vector": '''
def _end_vector(a, end):
    """The eigenvector of the largest or smallest eigenvalue of (a + a')/2, its largest entry positive."""
    u = xp.linalg.eigh((a + a.T)/2)[1][:, end]
    return u*xp.where(u[xp.abs(u).argmax()] < 0.0, -1.0, 1.0)
''',
    "_end_gaps": '''
def _end_gaps(a, end):
    """The inverse of w[end]*I - (a + a')/2 where that is regular, 0 on the eigenvector of the eigenvalue w[end]."""
    w, u = xp.linalg.eigh((a + a.T)/2)
    gaps = w[end] - w
    return u*xp.where(gaps == 0.0, 0.0, 1.0/xp.where(gaps == 0.0, 1.0, gaps)) @ u.T
''',
    "_of_eigenvalues": '''
def _of_eigenvalues(f, a):
    """A function of a symmetric matrix: f of its eigenvalues, in its eigenvectors; nan where it is not symmetric."""
    w, u = xp.linalg.eigh((a + a.T)/2)
    even = (xp.abs(a - a.T) <= 1e-6*xp.abs(a).sum()).all()
    return xp.where(even, u*f(w) @ u.T, math.nan)
''',
    "_slopes": '''
def _slopes(f, slope, a):
    """(f(w[i]) - f(w[j]))/(w[i] - w[j]) over the eigenvalues of (a + a')/2, the slope of f where they are near."""
    w = xp.linalg.eigvalsh((a + a.T)/2)
    x, y = w[:, None], w
    near = xp.abs(x - y) <= 1e-5*(xp.abs(x) + xp.abs(y))
    return xp.where(near, slope((x + y)/2.0), (f(x) - f(y))/xp.where(near, 1.0, x - y))
''',
    "_nonzero": '''
def _nonzero(x):
    """x, but inf where x is 0: what is divided by it is 0 there."""
    return xp.where(x == 0.0, math.inf, x)
''',
    "_entropy": '''
def _entropy(x):
    """x*log(x), and 0 where x is 0."""
    return x*xp.log(xp.where(x == 0.0, 1.0, x))
''',
    "_entropy_complement": '''
def _entropy_complement(x):
    """(1 + x)*log(1 + x), and 0 where x is -1."""
    return (1.0 + x)*xp.log1p(xp.where(x == -1.0, 0.0, x))
''',
    "_log_cosh": '''
def _log_cosh(x):
    """log(cosh(x)): near 0 by 2*sinh(x/2)^2, elsewhere without overflow."""
    near = xp.abs(x) < 1.0
    small, a = xp.where(near, x, 0.0), xp.abs(x)
    return xp.where(near, xp.log1p(2.0*xp.sinh(0.5*small)**2), a + xp.log1p(xp.exp(-2.0*a)) - math.log(2.0))
''',
    "_log_one_less_exp": '''
def _log_one_less_exp(x):
    """log(1 - exp(x)) for x < 0."""
    near = x > -0.7
    return xp.where(near, xp.log(-xp.expm1(xp.where(near, x, -0.7))), xp.log1p(-xp.exp(xp.where(near, -0.7, x))))
''',
    "_sech_squared": '''
def _sech_squared(x):
    """1/cosh(x)^2, the slope of tanh."""
    e = xp.exp(-2.0*xp.abs(x))
    return 4.0*e/(1.0 + e)**2
''',
    "_series": '''
def _series(x, c, far, radius):
    """c[0] + c[1]*x + ... where |x| is below the radius, far(x) elsewhere."""
    near = xp.abs(x) < radius
    small, v = xp.where(near, x, 0.0), 0.0
    for a in c[::-1]:
        v = a + small*v
    return xp.where(near, v, far(xp.where(near, radius, x)))
''',
    "_exp_ratio": '''
def _exp_ratio(x):
    """(exp(x) - 1)/x, and 1 at 0."""
    c = [1.0/math.factorial(k + 1) for k in range(20)]
    return _series(x, c, lambda x: xp.expm1(x)/x, 1.0)
''',
    "_exp_ratio_slope": '''
def _exp_ratio_slope(x):
    """The slope of (exp(x) - 1)/x: the sum of x^k/(k!*(k + 2)) near 0."""
    c = [1.0/(math.factorial(k)*(k + 2)) for k in range(20)]
    return _series(x, c, lambda x: (xp.exp(x) - xp.expm1(x)/x)/x, 1.0)
''',
    "_sine_ratio": '''
def _sine_ratio(x):
    """sin(x)/x, and 1 at 0."""
    c = [(1 - k % 4)/math.factorial(k + 1) if k % 2 == 0 else 0.0 for k in range(24)]
    return _series(x, c, lambda x: xp.sin(x)/x, 1.0)
''',
    "_sine_ratio_slope": '''
def _sine_ratio_slope(x):
    """The slope of sin(x)/x: the sum of (-1)^m*2*m*x^(2*m - 1)/(2*m + 1)! near 0."""
    c = [(k % 4 - 2)/(math.factorial(k)*(k + 2)) if k % 2 == 1 else 0.0 for k in range(24)]
    return _series(x, c, lambda x: (xp.cos(x) - xp.sin(x)/x)/x, 1.0)
''',
    "_log_ratio": '''
def _log_ratio(x):
    """log(1 + x)/x, and 1 at 0."""
    c = [(-1)**k/(k + 1) for k in range(36)]
    return _series(x, c, lambda x: xp.log1p(x)/x, 0.3)
''',
    "_log_ratio_slope": '''
def _log_ratio_slope(x):
    """The slope of log(1 + x)/x: the sum of (-1)^k*k*x^(k - 1)/(k + 1) near 0."""
    c = [(-1)**k*k/(k + 1) for k in range(1, 36)]
    return _series(x, c, lambda x: (1.0/(1.0 + x) - xp.log1p(x)/x)/x, 0.3)
''',
    "_cosine_ratio_slope": '''
def _cosine_ratio_slope(x):
    """The slope of (1 - cos(x))/x^2: the sum of (-1)^m*2*m*x^(2*m - 1)/(2*m + 2)! near 0."""
    c = [(k % 4 - 2)*(k + 1)/math.factorial(k + 3) if k % 2 == 1 else 0.0 for k in range(30)]
    return _series(x, c, lambda x: (xp.sin(x) - 4.0*xp.sin(0.5*x)**2/x)/x**2, 2.0)
''',
}

TORCH_HELPERS = {
    "_scatter_add": '''
def _scatter_add(rows, labels, n):
    """An array of n rows: row i is the sum of the rows whose label is i."""
    return rows.new_zeros((n, *rows.shape[1:])).index_add(0, labels, rows)
''',
    "_norm": '''
def _norm(x, dim=None):
    """The root of the sum of squares, also where the squares overflow or underflow; its slope at 0 is 0."""
    m = x.detach().abs().amax() if dim is None else x.detach().abs().amax(dim=dim, keepdim=True)
    m = torch.where((m > 0.0) & (m < math.inf), m, 1.0)
    s = ((x/m)**2).sum() if dim is None else ((x/m)**2).sum(dim=dim)
    return m.reshape(s.shape)*torch.where(s > 0.0, torch.sqrt(torch.where(s > 0.0, s, 1.0)), s)
''',
    "_gamma": '''
def _gamma(x):
    """The gamma function, entry by entry."""
    return torch.exp(torch.lgamma(x))*torch.where((x < 0.0) & (torch.floor(x) % 2.0 == 1.0), -1.0, 1.0)
''',
    "_cbrt": '''
def _cbrt(x):
    """The real cube root."""
    return torch.sign(x)*torch.abs(x)**(1.0/3.0)
''',
}

JAX_HELPERS = {
    "_scatter_add": '''
def _scatter_add(rows, labels, n):
    """An array of n rows: row i is the sum of the rows whose label is i."""
    return jnp.zeros((n, *rows.shape[1:]), rows.dtype).at[labels].add(rows)
''',
    "_norm": '''
def _norm(x, axis=None):
    """The root of the sum of squares, also where the squares overflow or underflow; its slope at 0 is 0."""
    m = jax.lax.stop_gradient(jnp.abs(x).max(axis=axis, keepdims=axis is not None))
    m = jnp.where((m > 0.0) & (m < math.inf), m, 1.0)
    s = ((x/m)**2).sum(axis=axis)
    return m.reshape(s.shape)*jnp.where(s > 0.0, jnp.sqrt(jnp.where(s > 0.0, s, 1.0)), s)
''',
}

TORCH_ARRAY = {
    "real": "{0}.to(dtype)", "floats": "{0}.to(dtype)", "lifted": "torch.tensor({0}, dtype=dtype, device=device)",
    "condition": "torch.tensor({0}, device=device)", "divisor": "torch.tensor({0}, dtype=dtype, device=device)",
    "spread": "{0}.expand({1})", "filled": "torch.full(({1}), {0}, dtype=dtype, device=device)",
    "zeros": "torch.zeros(({0}), dtype=dtype, device=device)", "range": "torch.arange({0}, device=device)",
    "turn": "{0}.permute({1})", "clip": "torch.clamp({0}, 0, {1} - 1)", "where": "torch.where({0}, {1}, 0.0)",
    "otherwise": "torch.where({0}, {1}, {2})", "choice": "torch.where({0}, {1}, 0.0)", "power": "torch.pow({0}, {1})",
    "constant": "math.{0}", "einsum": "torch.einsum('{0}', {1})",
    "gram": "({0}.T*{1}) @ {0}", "chain": "torch.linalg.multi_dot([{0}])",
    "own": "{0}.clone()", "fresh": "{0}.clone()", "copy": "{0}.clone()",  # what the framework keeps for its own backward is not written to
    "set": "{0}[{1}] = 0.0", "add": "{0}[{1}] += {2}", "subtract": "{0}[{1}] -= {2}", "scale": "{0} = {0}{1}{2}",
}

JAX_ARRAY = {
    "real": "{0}.astype(dtype)", "floats": "{0}.astype(dtype)", "lifted": "jnp.asarray({0}, dtype)",
    "condition": "jnp.asarray({0})", "divisor": "jnp.asarray({0}, dtype)",
    "spread": "jnp.broadcast_to({0}, ({1}))", "filled": "jnp.full(({1}), {0}, dtype)",
    "zeros": "jnp.zeros(({0}), dtype)", "range": "jnp.arange({0})",
    "turn": "{0}.transpose({1})", "clip": "jnp.clip({0}, 0, {1} - 1)", "where": "jnp.where({0}, {1}, 0.0)",
    "otherwise": "jnp.where({0}, {1}, {2})", "choice": "jnp.where({0}, {1}, 0.0)", "power": "jnp.power({0}, {1})",
    "constant": "math.{0}", "einsum": "jnp.einsum('{0}', {1})",
    "gram": "({0}.T*{1}) @ {0}", "chain": "jnp.linalg.multi_dot([{0}])",
    "own": "{0}", "fresh": "{0}", "copy": "{0}",
    "set": "{0} = {0}.at[{1}].set(0.0)", "add": "{0} = {0}.at[{1}].add({2})", "subtract": "{0} = {0}.at[{1}].add(-({2}))",
    "scale": "{0} = {0}{1}{2}",
}

TORCH_OPENING = {
    "like": "dtype, device = {0}.dtype if {0}.is_floating_point() else torch.get_default_dtype(), {0}.device",
    "made": "{0} = torch.as_tensor({0})",
    "array": "{0} = {0}.to(dtype)",
    "scalar": "{0} = torch.as_tensor({0}, dtype=dtype, device=device)",
    "label": "{0} = torch.as_tensor({0}, device=device).long()",
}
JAX_OPENING = {
    "like": "dtype = jnp.result_type({0}, float)",
    "made": "{0} = jnp.asarray({0})",
    "array": "{0} = jnp.asarray({0}, dtype)",
    "scalar": "{0} = jnp.asarray({0}, dtype)",
    "label": "{0} = jnp.asarray({0})",
}


def spelled(rows: Mapping[str, str], module: str) -> dict[str, str]:
    """Rows with the framework's module for xp."""
    return {n: text.replace("xp.", f"{module}.") for n, text in rows.items()}


WORDS = frozenset(
    "torch jax jnp dtype device ctx inputs output gradient gradients word array closed_form loss found totals block column start step".split()
)
LIFTED = frozenset({"max", "min", "logaddexp", "arctan2", "xlogy"})
TORCH = Dialect(
    "torch", "import torch\n", TORCH_FUNCTIONS, TORCH_REDUCE, spelled(TENSOR, "torch"),
    spelled(SHARED, "torch") | TORCH_HELPERS, TORCH_ARRAY, NUMBERS, LIFTED, frozenset({"prod"}), "dim", True,
    transposed=True, flipped=True, opening=TORCH_OPENING, words=WORDS,
)  # fmt: skip
JAX = Dialect(
    "jax", "import jax\nimport jax.numpy as jnp\n", JAX_FUNCTIONS, JAX_REDUCE,
    spelled(TENSOR, "jnp") | {"expm": "jax.scipy.linalg.expm({0})", "trexpm": "jnp.trace(jax.scipy.linalg.expm({0}))"},
    spelled(SHARED, "jnp") | JAX_HELPERS, JAX_ARRAY, NUMBERS, opening=JAX_OPENING, words=WORDS,
)  # fmt: skip
