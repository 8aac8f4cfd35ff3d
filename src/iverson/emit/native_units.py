"""A kernel as translation units: the products with matrices, which no loss changes, and the rest with the door.

The door is what a call from Python costs.  It reads NumPy arrays and floats where CPython keeps them, compares their type,
dtype, layout and shape with what was prepared, and refuses all else with nan.  Knows no loss.

Glossary   state: the words in `State`'s order;  given, made: tuples of Python, of inputs and of gradients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .native import Native
from .native_math import TYPES
from .native_products import products

HEAVY = ("lanes_product", "dots", "scores", "outer")  # functions that take the compiler long, each a unit of its own
FUNCTION = re.compile(r"^static (void \w+\([^{;]*\)) \{", re.M)

# words of the state before the sizes; then for each input 1, its dtype, its rank and its shape, or 0 for a float;
# for each gradient its dtype, its rank and its shape
HEAD = ("threads", "bytes", "inputs", "gradients", "array", "float", "double", "items", "sizes", "bad")

DOOR = """#include <math.h>
#include <stdint.h>
typedef int64_t whole;
typedef struct { whole count, type; char *data; int32_t rank; whole *shape, *strides; void *base; whole dtype; int32_t flags; } array;
whole run(const whole *n, const void *const *in, void *const *out, whole threads, whole *bytes);
static void *data_of(const whole **expected, whole type, void *object, int32_t flags) {
  const array *a = object;
  const whole *p = *expected;
  if (a->type != type || a->dtype != p[0] || a->rank != p[1] || (a->flags & flags) != flags) return 0;
  for (whole k = 0; k < p[1]; k++)
    if (a->shape[k] != p[2 + k]) return 0;
  *expected = p + 2 + p[1];
  return a->data;
}
double door(whole *s, char *given, char *made) {
  const void *in[64];
  void *out[64];
  double numbers[64], value = NAN;
  void *const *inputs = (void *const *)(given + s[7]), *const *gradients = (void *const *)(made + s[7]);
  const whole *p = s + 10 + s[8];
  s[9] = -1;
  for (whole k = 0; k < s[2]; k++) {
    if (*p++) {
      in[k] = data_of(&p, s[4], inputs[k], 0x101);
    } else {
      const array *a = inputs[k];
      if (a->type != s[5] && a->type != s[6]) return NAN;
      numbers[k] = *(const double *)&a->data;
      in[k] = numbers + k;
    }
    if (!in[k]) return NAN;
  }
  out[0] = &value;
  for (whole k = 0; k < s[3]; k++)
    if (!(out[k + 1] = data_of(&p, s[4], gradients[k], 0x501))) return NAN;
  whole bytes = 0, bad = run(s + 10, in, out, s[0], &bytes);
  s[1] = bytes;
  s[9] = bad;
  return bad ? NAN : value;
}
"""
OUTER = """void outer(real *restrict sums, const real *restrict x, whole ld, whole m, const real *restrict s, whole T, whole D, whole K,
                  real *restrict padded)"""
MANY = "case 9: F(9) case 10: F(10) case 11: F(11) case 12: F(12) }"
ASKING = OUTER + """ {
  whole blocks = (K + MOST - 1) / MOST;
  for (whole b = 0; b < blocks; b++) {
    whole k = K * b / blocks, n = K * (b + 1) / blocks - k;
    (n > 8 ? outer_many : outer_few)(sums + k * D, x, ld, m, s + k * T, T, D, n, padded);
  }
}
"""
MOST_ARRAYS = 60


def units(kernel: Native) -> list[tuple[str, bool, bool]]:
    """(text, whether its vectors are written out, whether other kernels have it too) of each unit of a kernel."""
    common = products(kernel.real)
    door = (DOOR, False, True)
    functions = FUNCTION.findall(common)
    if kernel.text.count(common) != 1 or not set(HEAVY) <= {name_of(f) for f in functions}:
        return [(kernel.text, False, False), door]
    heavy = [f for f in functions if name_of(f) in HEAVY]
    start = TYPES.format(real=kernel.real) + '#pragma GCC visibility push(hidden)\n'
    shared = [(start + part, True, True) for f in heavy for part in parts(apart(common, heavy, f), f)]
    return [(kernel.text.replace(common, apart(common, heavy)), False, False), door, *shared]


def name_of(function: str) -> str:
    return function[len("void ") : function.index("(")]


def parts(text: str, function: str) -> list[str]:
    """A unit whose function has a case for each number of columns, as one for few, one for many, and one that asks them."""
    if function != OUTER or MANY not in text:
        return [text]
    few, many = text.replace(MANY, "}"), re.sub(r"case [1-8]: F\([1-8]\)", "", text)
    named = [t.replace(f"{OUTER} {{", f"{OUTER.replace('outer', name)} {{") for t, name in ((few, "outer_few"), (many, "outer_many"))]
    declared = "".join(f'__attribute__((visibility("hidden"))) {OUTER.replace("outer", name)};\n' for name in ("outer_few", "outer_many"))
    start = text.index(f"{OUTER} {{")
    end = text.index("\n}\n", start) + len("\n}\n")
    return [*named, text[:start] + declared + ASKING + text[end:]]


def apart(text: str, functions: Sequence[str], kept: str = "") -> str:
    """The text with these functions declared only, but for the kept one, which others may call."""
    for f in functions:
        start = text.index(f"static {f} {{")
        end = start if f == kept else text.index("\n}\n", start) + len("\n}\n")
        text = f'{text[:start]}__attribute__((visibility("hidden"))) {f};\n{text[end:]}'
    return text.replace(f"static {kept} {{", f"{kept} {{", 1)
