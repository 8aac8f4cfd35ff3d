"""The C text of the products a kernel is made of: rows by a matrix, and rows by rows added up over the samples.

Glossary   lanes: one vector register of reals; T: samples of a tile; m: those in use; D, K: the sizes of the other two axes;
x: rows as they lie in memory, `ld` apart; a tile buffer holds an array sample by sample in its last axis, K x T.
Samples stand on lanes, so what follows the products is elementwise over whole registers, whatever K is.
"""

from __future__ import annotations

LANES = """
#if defined(__AVX512F__)
#define LANE_BYTES 64
#define MOST 12
#elif defined(__AVX__)
#define LANE_BYTES 32
#define MOST 6
#else
#define LANE_BYTES 16
#define MOST 6
#endif
#define V ((whole)(LANE_BYTES / sizeof(real)))
#define W (2 * V)
#define WIDE 64
#define UNROLL _Pragma("GCC unroll 16")
#define EACH(F, n) switch (n) { case 1: F(1) case 2: F(2) case 3: F(3) case 4: F(4) case 5: F(5) case 6: F(6) \\
  case 7: F(7) case 8: F(8) case 9: F(9) case 10: F(10) case 11: F(11) case 12: F(12) }
typedef SAME same;
typedef real lanes __attribute__((vector_size(LANE_BYTES), aligned(sizeof(real)), may_alias));
INLINE lanes load(const real *p) { return *(const lanes *)p; }
/* of rows that are only read once: the memory is asked for them sooner than the processor foresees */
#define AHEAD 8192
INLINE lanes load_ahead(const real *p) { __builtin_prefetch((const char *)p + AHEAD, 0, 3); return load(p); }
INLINE void store(real *p, lanes v) { *(lanes *)p = v; }
INLINE void near(const void *p, whole bytes) { for (whole k = 0; k < bytes; k += 64) __builtin_prefetch((const char *)p + k, 0, 2); }
INLINE whole least(whole a, whole b) { return a < b ? a : b; }
INLINE whole most(whole a, whole b) { return a > b ? a : b; }
"""

PRODUCTS = """
/* out[k, l] (+)= sum over d < D of a[d, l]*w[d, k], for nk columns k and nl registers of samples */
INLINE void lanes_block(real *restrict out, whole T, const real *restrict a, const real *restrict w, whole ldw, whole D,
                        const int nk, const int nl, whole more) {
  lanes s[12][2];
  UNROLL for (int k = 0; k < nk; k++)
    UNROLL for (int j = 0; j < nl; j++) s[k][j] = more ? load(out + k * T + j * V) : (lanes){0};
  for (whole d = 0; d < D; d++) {
    lanes x[2];
    UNROLL for (int j = 0; j < nl; j++) x[j] = load(a + d * T + j * V);
    UNROLL for (int k = 0; k < nk; k++) {
      real f = w[d * ldw + k];
      UNROLL for (int j = 0; j < nl; j++) s[k][j] += x[j] * f;
    }
  }
  UNROLL for (int k = 0; k < nk; k++)
    UNROLL for (int j = 0; j < nl; j++) store(out + k * T + j * V, s[k][j]);
}
static void lanes_product(real *restrict out, whole T, const real *restrict a, whole m, const real *restrict w, whole ldw, whole D,
                          whole K, whole more) {
  whole blocks = (K + MOST - 1) / MOST;
  for (whole b = 0; b < blocks; b++) {
    whole k = K * b / blocks, n = K * (b + 1) / blocks - k;
    for (whole l = 0; l < m; l += 2 * V)
#define F(N) lanes_block(out + k * T + l, T, a + l, w + k, ldw, D, N, 2, more); break;
      EACH(F, n)
#undef F
  }
}
/* turned[d, l] = x[pick[l], d], or x[l, d] without pick; samples from m to M repeat the last one; `end` reals of x exist */
INLINE void turn_rows(const real *restrict x, whole ld, const same *pick, whole m, whole M, whole D, whole end, real *restrict turned,
                      whole T, const int narrow) {
  for (whole l = 0; l < M; l += V) {
    const real *row[LANE_BYTES / sizeof(real)];
    for (int r = 0; r < V; r++) {
      whole at = least(l + r, m - 1);
      row[r] = x + (pick ? (whole)pick[at] : at) * ld;
    }
    for (whole from = 0; from < D; from += V) {
      const whole d = narrow ? 0 : least(from, D - V);
      lanes t[LANE_BYTES / sizeof(real)];
      if (narrow) {
        for (int r = 0; r < V; r++) {
          real part[LANE_BYTES / sizeof(real)] = {0};
          const int inside = row[r] + V <= x + end;
          if (!inside) memcpy(part, row[r], D * sizeof(real));
          t[r] = load(inside ? row[r] : part);
        }
      } else {
        UNROLL for (int r = 0; r < V; r++) t[r] = load(row[r] + d);
      }
      TRANSPOSE
      UNROLL for (int r = 0; r < V; r++)
        if (!narrow || r < D) store(turned + (d + r) * T + l, t[r]);
    }
  }
}
static void turn(const real *restrict x, whole ld, whole m, whole M, whole D, real *restrict turned, whole T) {
  if (D < V) turn_rows(x, ld, 0, m, M, D, (m - 1) * ld + D, turned, T, 1);
  else turn_rows(x, ld, 0, m, M, D, 0, turned, T, 0);
}
static void turn_picked(const real *restrict x, whole ld, const same *pick, whole m, whole M, whole D, whole end, real *restrict turned,
                        whole T) {
  if (D < V) turn_rows(x, ld, pick, m, M, D, end, turned, T, 1);
  else turn_rows(x, ld, pick, m, M, D, end, turned, T, 0);
}
INLINE real added(lanes v) {
  real s = 0;
  ADD
  return s;
}
/* out[k, l] = sum over d of x[l, d]*w[k, d], four samples at a time */
INLINE void dots_block(real *restrict out, whole T, const real *const *x, const real *restrict w, whole ldw, whole D, const int nk) {
  lanes s[4][6];
  UNROLL for (int r = 0; r < 4; r++) UNROLL for (int k = 0; k < nk; k++) s[r][k] = (lanes){0};
  whole d = 0;
  for (; d + V <= D; d += V) {
    lanes a[4];
    UNROLL for (int r = 0; r < 4; r++) a[r] = load(x[r] + d);
    UNROLL for (int k = 0; k < nk; k++) {
      lanes f = load(w + k * ldw + d);
      UNROLL for (int r = 0; r < 4; r++) s[r][k] += a[r] * f;
    }
  }
  UNROLL for (int k = 0; k < nk; k++)
    UNROLL for (int r = 0; r < 4; r++) {
      real v = added(s[r][k]);
      for (whole e = d; e < D; e++) v += x[r][e] * w[k * ldw + e];
      out[k * T + r] = v;
    }
}
static void dots(real *restrict out, whole T, const real *restrict x, whole ld, whole m, whole M, const real *restrict w, whole D,
                 whole K) {
  whole most_k = MOST > 6 ? 6 : 3, blocks = (K + most_k - 1) / most_k;
  for (whole l = 0; l < M; l += 4) {
    const real *rows[4];
    for (int r = 0; r < 4; r++) rows[r] = x + least(l + r, m - 1) * ld;
    for (whole b = 0; b < blocks; b++) {
      whole k = K * b / blocks, n = K * (b + 1) / blocks - k;
#define F(N) dots_block(out + k * T + l, T, rows, w + k * D, D, D, N); break;
      switch (n) { case 1: F(1) case 2: F(2) case 3: F(3) case 4: F(4) case 5: F(5) case 6: F(6) }
#undef F
    }
  }
}
/* the same for one row of w, a register of samples at a time: their partial sums are added up as a tree */
static void one_dot(real *restrict out, const real *restrict x, whole ld, whole m, whole M, const real *restrict w, whole D) {
  real rest[LANE_BYTES / sizeof(real)] = {0};
  whole end = D / V * V;
  for (whole d = end; d < D; d++) rest[d - D + V] = w[d];
  for (whole l = 0; l < M; l += V) {
    lanes t[LANE_BYTES / sizeof(real)];
    UNROLL for (int r = 0; r < V; r++) {
      const real *row = x + least(l + r, m - 1) * ld;
      lanes s = load_ahead(row) * load(w);
      for (whole d = V; d < end; d += V) s += load_ahead(row + d) * load(w + d);
      t[r] = s;
    }
    if (end < D) {
      lanes f = load(rest);
      UNROLL for (int r = 0; r < V; r++) t[r] += load(x + least(l + r, m - 1) * ld + D - V) * f;
    }
    TREE
    store(out + l, t[0]);
  }
}
/* whether w is wanted as K x D, for `dots`, or as D x K */
INLINE whole by_dots(whole D, whole K) { return D >= V * most(K, 8) || (D >= V && K <= 2); }
static void scores(real *restrict out, whole T, const real *restrict x, whole ld, whole m, whole M, const real *restrict w, whole D,
                   whole K, real *restrict turned) {
  if (D >= V && K <= 2) {
    for (whole k = 0; k < K; k++) one_dot(out + k * T, x, ld, m, M, w + k * D, D);
    return;
  }
  if (by_dots(D, K)) {
    dots(out, T, x, ld, m, M, w, D, K);
    return;
  }
  for (whole d = 0; d < D; d += WIDE) {
    turn(x + d, ld, m, M, least(WIDE, D - d), turned, T);
    lanes_product(out, T, turned, M, w + d * K, K, least(WIDE, D - d), K, d > 0);
  }
}
/* sums[k, d] += sum over l < m of x[l, d]*s[k, l], for nk rows k and nd registers from d on, of which the last `keep` reals count */
INLINE void outer_block(real *restrict sums, whole D, const real *restrict x, whole ld, whole m, const real *restrict s, whole T,
                        const int nk, const int nd, whole keep) {
  lanes a[12][8];
  UNROLL for (int k = 0; k < nk; k++) UNROLL for (int j = 0; j < nd; j++) a[k][j] = (lanes){0};
  for (whole l = 0; l < m; l++) {
    lanes v[8];
    UNROLL for (int j = 0; j < nd; j++) v[j] = load(x + l * ld + j * V);
    UNROLL for (int j = 0; j < nd; j++) __builtin_prefetch(x + (l + m) * ld + j * V, 0, 2);
    UNROLL for (int k = 0; k < nk; k++) {
      real f = s[k * T + l];
      UNROLL for (int j = 0; j < nd; j++) a[k][j] += v[j] * f;
    }
  }
  UNROLL for (int k = 0; k < nk; k++) {
    if (keep == V) {
      UNROLL for (int j = 0; j < nd; j++) store(sums + k * D + j * V, load(sums + k * D + j * V) + a[k][j]);
    } else {
      real last[LANE_BYTES / sizeof(real)];
      store(last, a[k][0]);
      for (whole e = V - keep; e < V; e++) sums[k * D + e] += last[e];
    }
  }
}
INLINE void outer_columns(real *restrict sums, whole D, const real *restrict x, whole ld, whole m, const real *restrict s, whole T,
                          const int nk) {
  whole d = 0;
  if (nk <= 2)
    for (; d + 8 * V <= D; d += 8 * V) outer_block(sums + d, D, x + d, ld, m, s, T, nk, 8, V);
  for (; d + 2 * V <= D; d += 2 * V) outer_block(sums + d, D, x + d, ld, m, s, T, nk, 2, V);
  for (; d + V <= D; d += V) outer_block(sums + d, D, x + d, ld, m, s, T, nk, 1, V);
  if (d < D) outer_block(sums + D - V, D, x + D - V, ld, m, s, T, nk, 1, D - d);
}
/* sums[k, d] += sum over l of x[l, d]*s[k, l]; `padded` has room for T rows of V reals */
static void outer(real *restrict sums, const real *restrict x, whole ld, whole m, const real *restrict s, whole T, whole D, whole K,
                  real *restrict padded) {
  real narrow[12 * LANE_BYTES / sizeof(real)];
  whole blocks = (K + MOST - 1) / MOST;
  if (D < V) {
    for (whole l = 0; l < m; l++)
      for (whole d = 0; d < V; d++) padded[l * V + d] = d < D ? x[l * ld + d] : (real)0;
    x = padded;
    ld = V;
  }
  for (whole b = 0; b < blocks; b++) {
    whole k = K * b / blocks, n = K * (b + 1) / blocks - k;
    if (D < V) memset(narrow, 0, sizeof narrow);
    real *to = D < V ? narrow : sums + k * D;
    whole width = D < V ? V : D;
#define F(N) outer_columns(to, width, x, ld, m, s + k * T, T, N); break;
    EACH(F, n)
#undef F
    if (D < V)
      for (whole c = 0; c < n; c++)
        for (whole d = 0; d < D; d++) sums[(k + c) * D + d] += narrow[c * V + d];
  }
}
/* rows[l, d] = a[d, l]; where D < V a row is stored with what the next one overwrites */
INLINE void unturn_rows(const real *restrict a, whole T, whole m, whole D, real *restrict rows, const int narrow) {
  for (whole l = 0; l < m; l += V)
    for (whole from = 0; from < D; from += V) {
      const whole d = narrow ? 0 : least(from, D - V);
      lanes t[LANE_BYTES / sizeof(real)];
      UNROLL for (int r = 0; r < V; r++) t[r] = !narrow || r < D ? load(a + (d + r) * T + l) : (lanes){0};
      TRANSPOSE
      UNROLL for (int r = 0; r < V; r++)
        if (l + r < m) {
          real *to = rows + (l + r) * D + d;
          if (!narrow || (l + r) * D + V <= m * D) store(to, t[r]);
          else memcpy(to, &t[r], D * sizeof(real));
        }
    }
}
static void unturn(const real *restrict a, whole T, whole m, whole D, real *restrict rows) {
  if (D < V) unturn_rows(a, T, m, D, rows, 1);
  else unturn_rows(a, T, m, D, rows, 0);
}
INLINE void extend(real *restrict to, const real *restrict from, whole m, whole M) {
  for (whole l = 0; l < M; l++) to[l] = from[least(l, m - 1)];
}
"""


def shuffle(a: str, b: str, mask: list[int]) -> str:
    return f"__builtin_shufflevector({a}, {b}, {', '.join(map(str, mask))})"


def transposed(n: int) -> str:
    """C that transposes the n registers t[0], ..., t[n-1] of n reals each."""
    text = []
    h = 1
    while h < n:
        low = [p if not p & h else n + p - h for p in range(n)]
        high = [p + h if not p & h else n + p for p in range(n)]
        for r in (r for r in range(n) if not r & h):
            a, b = f"t[{r}]", f"t[{r + h}]"
            text.append(f"{{ lanes p = {shuffle(a, b, low)}, q = {shuffle(a, b, high)}; {a} = p; {b} = q; }}")
        h *= 2
    return " ".join(text)


def tree(n: int) -> str:
    """C that puts the sum of the reals of t[r] into real r of t[0], for each of n registers."""
    text = []
    h = 1
    while h < n:
        low = [p if not p & h else n + p - h for p in range(n)]
        high = [p + h if not p & h else n + p for p in range(n)]
        for r in range(0, n, 2 * h):
            a, b = f"t[{r}]", f"t[{r + h}]"
            text.append(f"{a} = {shuffle(a, b, low)} + {shuffle(a, b, high)};")
        h *= 2
    return " ".join(text)


def added(n: int) -> str:
    """C that adds up the n reals of v into s."""
    text = []
    h = n // 2
    while h:
        text.append(f"v += {shuffle('v', 'v', [(p + h) % n for p in range(n)])};")
        h //= 2
    return " ".join([*text, "s = v[0];"])


def products(real: str) -> str:
    """The C text of the products, for registers of 64, 32 and 16 bytes."""
    size = 4 if real == "float" else 8
    rows = []
    for guard, n in (("#if LANE_BYTES == 64", 64 // size), ("#elif LANE_BYTES == 32", 32 // size), ("#else", 16 // size)):
        rows += [guard, f"#define TRANSPOSE {transposed(n)}", f"#define ADD {added(n)}", f"#define TREE {tree(n)}"]
    lanes = LANES.replace("SAME", "int32_t" if real == "float" else "int64_t")
    return "\n".join([lanes, *rows, "#endif", PRODUCTS])
