"""NATIVE: how every elementwise function is spelled in C, and the C text of those the language does not have.

Every function exists for `real`, the type of a kernel (suffix _x), and for double (suffix _d).  The loops of the kernels
are left to the compiler to vectorise, so nothing here branches: exp and log are polynomials, choices are conditional values.
Accuracy   exp, log, log1p, expm1: 3 units in the last place; sigmoid, softplus, tanh: 4; log_cosh: 8.  nan and inf as in NumPy.
Knows no loss and no array.
"""

from __future__ import annotations

import re

NATIVE = {
    **{n: f"{n}_@({{}})" for n in ("exp", "log", "log1p", "expm1", "sigmoid", "softplus", "tanh", "entropy", "log_cosh", "nonzero",
                                   "sech_squared", "logit", "sign", "entropy_complement", "log_one_less_exp", "exp_ratio",
                                   "sine_ratio", "log_ratio")},
    **{n: f"{n}_@({{}}, {{}})" for n in ("max", "min", "logaddexp", "xlogy")},
    "root": "sqrt_@({})", "sqrt": "sqrt_@({})", "abs": "fabs_@({})", "sin": "sin_@({})", "cos": "cos_@({})", "tan": "tan_@({})",
    "sinh": "sinh_@({})", "cosh": "cosh_@({})", "arcsin": "asin_@({})", "arccos": "acos_@({})", "arctan": "atan_@({})",
    "arcsinh": "asinh_@({})", "arccosh": "acosh_@({})", "arctanh": "atanh_@({})", "erf": "erf_@({})", "erfc": "erfc_@({})",
    "cbrt": "cbrt_@({})", "gammaln": "lgamma_@({})", "floor": "floor_@({})", "ceil": "ceil_@({})", "round": "rint_@({})",
    "arctan2": "atan2_@({}, {})",
}  # fmt: skip

LIBRARY = ("sqrt", "fabs", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erf", "erfc",
           "cbrt", "lgamma", "floor", "ceil", "rint")

TYPES = """#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef {real} real;
typedef int64_t whole;
#define INLINE static inline __attribute__((always_inline))
"""

# Cody and Waite's reduction by ln 2; the polynomials are Taylor's, long enough for the reduced range
FUNCTIONS = """
INLINE T exp_S(T x) {
  T t = x < (T)LOW ? (T)LOW : x;
  t = t > (T)HIGH ? (T)HIGH : t;
  T n = t * (T)1.4426950408889634 + (T)MAGIC;
  union { T f; I i; } u, a, b;
  u.f = n;
  n -= (T)MAGIC;
  T r = (t - n * (T)LN2_HIGH) - n * (T)LN2_LOW;
  T p = EXP_POLYNOMIAL;
  I k = (I)(u.i - (I)MAGIC_BITS), h = k >> 1;
  a.i = (h + BIAS) << MANTISSA;
  b.i = (k - h + BIAS) << MANTISSA;
  return p * a.f * b.f;
}
INLINE T power_S(T x, const int n) {
  T y = 1;
  for (int k = 0; k < n; k++) y *= x;
  return y;
}
INLINE T log_S(T x) {
  T small = x < (T)LEAST ? (T)SCALE : (T)1, shift = x < (T)LEAST ? (T)MANTISSA : (T)0;
  union { T f; I i; } u;
  u.f = x * small;
  I k = (u.i - (I)ROOT_HALF) >> MANTISSA;
  u.i -= k << MANTISSA;
  T n = (T)k - shift, f = u.f - (T)1, s = f / ((T)2 + f), z = s * s;
  T v = n * (T)LN2_HIGH + ((T)2 * s * (LOG_POLYNOMIAL) + n * (T)LN2_LOW);
  v = x == (T)INFINITY ? (T)INFINITY : v;
  v = x == (T)0 ? -(T)INFINITY : v;
  return x >= (T)0 ? v : (T)NAN;
}
INLINE T log1p_S(T x) {
  T u = (T)1 + x, c = (x - (u - (T)1)) / u;
  T v = log_S(u) + ((u > (T)0) & (u < (T)INFINITY) ? c : (T)0);
  return fabs_S(x) < (T)TINY ? x : v;
}
INLINE T log1p_unit_S(T x) { T u = (T)1 + x; return log_S(u) + (x - (u - (T)1)) / u; }
INLINE T expm1_S(T x) {
  T near = x < (T)-0.5 ? (T)-0.5 : x;
  near = near > (T)0.5 ? (T)0.5 : near;
  T far = exp_S(x) - (T)1, p = near * (EXPM1_POLYNOMIAL);
  return fabs_S(x) < (T)0.5 ? p : far;
}
INLINE T max_S(T a, T b) { T m = a > b ? a : b; return a != a ? a : m; }
INLINE T min_S(T a, T b) { T m = a < b ? a : b; return a != a ? a : m; }
INLINE T sign_S(T x) { T s = (T)(x > (T)0) - (T)(x < (T)0); return x != x ? x : s; }
INLINE T sigmoid_S(T x) { T e = exp_S(-fabs_S(x)); return (x >= (T)0 ? (T)1 : e) / ((T)1 + e); }
INLINE T softplus_S(T x) { return max_S(x, (T)0) + log1p_unit_S(exp_S(-fabs_S(x))); }
INLINE T tanh_S(T x) { T e = expm1_S((T)-2 * fabs_S(x)), t = -e / (e + (T)2); return x < (T)0 ? -t : t; }
INLINE T logaddexp_S(T a, T b) {
  T d = a - b, v = max_S(a, b) + log1p_unit_S(exp_S(-fabs_S(d)));
  return a == b ? a + (T)0.69314718055994530942 : v;
}
INLINE T xlogy_S(T x, T y) { return x == (T)0 ? (T)0 : x * log_S(y); }
INLINE T entropy_S(T x) { return x * log_S(x == (T)0 ? (T)1 : x); }
INLINE T entropy_complement_S(T x) { return ((T)1 + x) * log1p_S(x == (T)-1 ? (T)0 : x); }
INLINE T nonzero_S(T x) { return x == (T)0 ? (T)INFINITY : x; }
INLINE T sech_squared_S(T x) { T e = exp_S((T)-2 * fabs_S(x)), d = (T)1 + e; return (T)4 * e / (d * d); }
INLINE T logit_S(T x) { return log_S(x) - log1p_S(-x); }
INLINE T log_cosh_S(T x) {
  T a = fabs_S(x), m = min_S(a, (T)1), e = expm1_S(m), s = (T)0.5 * e * e / (e + (T)1);
  T far = a + log1p_unit_S(exp_S((T)-2 * a)) - (T)0.69314718055994530942;
  return a < (T)1 ? log1p_S(s) : far;
}
INLINE T log_one_less_exp_S(T x) { T near = log_S(-expm1_S(x)), far = log1p_S(-exp_S(x)); return x > (T)-0.7 ? near : far; }
INLINE T exp_ratio_S(T x) { T d = x == (T)0 ? (T)1 : x, v = expm1_S(x) / d; return x == (T)0 ? (T)1 : v; }
INLINE T sine_ratio_S(T x) { T d = x == (T)0 ? (T)1 : x, v = sin_S(x) / d; return x == (T)0 ? (T)1 : v; }
INLINE T log_ratio_S(T x) { T d = x == (T)0 ? (T)1 : x, v = log1p_S(x) / d; return x == (T)0 ? (T)1 : v; }
"""


def horner(x: str, coefficients: list[float]) -> str:
    """c[0] + x*(c[1] + x*(...)) as C."""
    text = f"(T){coefficients[-1]!r}"
    for c in coefficients[-2::-1]:
        text = f"((T){c!r} + {x} * {text})"
    return text


def factorials(n: int) -> list[float]:
    found = [1.0]
    for k in range(1, n + 1):
        found.append(found[-1] * k)
    return found


# by type: mantissa bits, and how long the polynomials are
FLOATS = {
    "float": {"I": "int32_t", "LOW": "-104.0", "HIGH": "89.0", "MAGIC_BITS": "0x4B400000", "MAGIC": "12582912.0", "LN2_HIGH": "0.693359375",
              "LN2_LOW": "-2.12194440e-4", "BIAS": "127", "MANTISSA": "23", "LEAST": "1.17549435e-38", "SCALE": "8388608.0",
              "ROOT_HALF": "0x3F3504F3", "TINY": "1e-8"},
    "double": {"I": "int64_t", "LOW": "-746.0", "HIGH": "710.0", "MAGIC_BITS": "0x4338000000000000", "MAGIC": "6755399441055744.0",
               "LN2_HIGH": "6.93147180369123816490e-01", "LN2_LOW": "1.90821492927058770002e-10", "BIAS": "1023", "MANTISSA": "52",
               "LEAST": "2.2250738585072014e-308", "SCALE": "4503599627370496.0", "ROOT_HALF": "0x3FE6A09E667F3BCD",
               "TINY": "1e-17"},
}  # fmt: skip
DEGREES = {"float": (7, 5, 9), "double": (13, 11, 15)}


def functions(real: str) -> str:
    """The C text of every function, for double and for `real`."""
    both = [instance("double", "d")]
    both.append(instance("float", "x") if real == "float" else aliases())
    return TYPES.format(real=real) + "".join(both)


def instance(kind: str, suffix: str) -> str:
    """FUNCTIONS for one floating type."""
    e, z, m = DEGREES[kind]
    f = factorials(m + 1)
    text = FUNCTIONS.replace("EXP_POLYNOMIAL", horner("r", [1.0 / f[k] for k in range(e + 1)]))
    text = text.replace("LOG_POLYNOMIAL", horner("z", [1.0 / (2 * k + 1) for k in range(z + 1)]))
    text = text.replace("EXPM1_POLYNOMIAL", horner("near", [1.0 / f[k + 1] for k in range(m)]))
    for name, value in FLOATS[kind].items():
        text = re.sub(rf"\b{name}\b", value, text)
    c = "f" if kind == "float" else ""
    library = "".join(f"INLINE T {n}_S(T x) {{ return {n}{c}(x); }}\n" for n in LIBRARY)
    library += f"INLINE T atan2_S(T x, T y) {{ return atan2{c}(x, y); }}\nINLINE T pow_S(T x, T y) {{ return pow{c}(x, y); }}\n"
    text = library + text
    return re.sub(r"\bT\b", kind, text.replace("_S(", f"_{suffix}("))


def aliases() -> str:
    names = sorted({v[: v.index("_@")] for v in NATIVE.values()} | {"pow", "power"})
    return "".join(f"#define {n}_x {n}_d\n" for n in names)
