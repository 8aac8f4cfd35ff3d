"""A kernel whose data is sparse by rows: products with a matrix, and products added up over samples, over what is stored.

Glossary   at: the columns of the stored numbers;  from: where the rows begin among them;  wide: the columns of a matrix beside
it, filled up to whole registers, or 1;  q: the sums of a product over a chunk, one row for each column of the data.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.node import Node
from ..core.program import Program
from .arrays import factors
from .native import Native, Writer
from .native_values import Scope
from .split import Split, Step, Term, Unfit

SPARSE = """
INLINE whole wide(whole K) { return K == 1 ? 1 : (K + V - 1) / V * V; }
/* out[k, l] = sum over the stored numbers of row l of a*w[at, k]; 8 where a column is none of D */
INLINE void sparse_row(real *restrict s, const real *restrict a, const int32_t *restrict at, whole n, const real *restrict w, whole Kp,
                       const int nv) {
  lanes v[4][4];
  UNROLL for (int r = 0; r < 4; r++) UNROLL for (int j = 0; j < nv; j++) v[r][j] = (lanes){0};
  whole p = 0;
  for (; p + 4 <= n; p += 4) UNROLL for (int r = 0; r < 4; r++) {
    const real *row = w + at[p + r] * Kp;
    UNROLL for (int j = 0; j < nv; j++) v[r][j] += load(row + j * V) * a[p + r];
  }
  for (; p < n; p++)
    UNROLL for (int j = 0; j < nv; j++) v[0][j] += load(w + at[p] * Kp + j * V) * a[p];
  UNROLL for (int j = 0; j < nv; j++) store(s + j * V, (v[0][j] + v[1][j]) + (v[2][j] + v[3][j]));
}
static whole sparse_scores(real *restrict out, whole T, const real *restrict a, const int32_t *restrict at, const whole *restrict from,
                           whole m, whole M, const real *restrict w, whole D, whole K, real *restrict s) {
  const whole Kp = wide(K);
  whole bad = 0;
  for (whole p = from[0]; p < from[m]; p++) bad |= (uint32_t)at[p] >= (uint64_t)D;
  if (bad) return 8;
  for (whole l = 0; l < m; l++) {
    const whole p = from[l], n = from[l + 1] - p;
    if (Kp == 1) {
      real sum = 0;
      for (whole e = p; e < p + n; e++) sum += a[e] * w[at[e]];
      out[l] = sum;
      continue;
    }
    for (whole k = 0; k < Kp; k += 4 * V) switch (least(4, (Kp - k) / V)) {
      case 1: sparse_row(s + k, a + p, at + p, n, w + k, Kp, 1); break;
      case 2: sparse_row(s + k, a + p, at + p, n, w + k, Kp, 2); break;
      case 3: sparse_row(s + k, a + p, at + p, n, w + k, Kp, 3); break;
      case 4: sparse_row(s + k, a + p, at + p, n, w + k, Kp, 4); break;
    }
    for (whole k = 0; k < K; k++) out[k * T + l] = s[k];
  }
  for (whole k = 0; k < K; k++) for (whole l = m; l < M; l++) out[k * T + l] = out[k * T + m - 1];
  return 0;
}
/* q[at, k] += sum over rows l of a*s[k, l] */
INLINE void sparse_add(real *restrict q, const real *restrict a, const int32_t *restrict at, whole n, const real *restrict s, whole Kp,
                       const int nv) {
  lanes v[4];
  UNROLL for (int j = 0; j < nv; j++) v[j] = load(s + j * V);
  for (whole p = 0; p < n; p++) {
    __builtin_prefetch(q + at[least(p + 12, n - 1)] * Kp, 1, 2);
    real *row = q + at[p] * Kp;
    UNROLL for (int j = 0; j < nv; j++) store(row + j * V, load(row + j * V) + v[j] * a[p]);
  }
}
static whole sparse_outer(real *restrict q, const real *restrict a, const int32_t *restrict at, const whole *restrict from, whole m,
                          const real *restrict right, whole T, whole D, whole K, real *restrict s) {
  const whole Kp = wide(K);
  whole bad = 0;
  for (whole p = from[0]; p < from[m]; p++) bad |= (uint32_t)at[p] >= (uint64_t)D;
  if (bad) return 8;
  for (whole k = K; k < Kp; k++) s[k] = 0;
  for (whole l = 0; l < m; l++) {
    const whole p = from[l], n = from[l + 1] - p;
    if (Kp == 1) {
      for (whole e = p; e < p + n; e++) q[at[e]] += a[e] * right[l];
      continue;
    }
    for (whole k = 0; k < K; k++) s[k] = right[k * T + l];
    for (whole k = 0; k < Kp; k += 4 * V) switch (least(4, (Kp - k) / V)) {
      case 1: sparse_add(q + k, a + p, at + p, n, s + k, Kp, 1); break;
      case 2: sparse_add(q + k, a + p, at + p, n, s + k, Kp, 2); break;
      case 3: sparse_add(q + k, a + p, at + p, n, s + k, Kp, 3); break;
      case 4: sparse_add(q + k, a + p, at + p, n, s + k, Kp, 4); break;
    }
  }
  return 0;
}
"""


def sparse_native(s: Split, program: Program, real: str, sparse: frozenset[str]) -> Native:
    """The kernel of a split plan whose inputs `sparse` come by rows: each as its numbers, and after all inputs its columns and
    the beginnings of its rows."""
    return SparseWriter(s, program, real, sparse).native()


class SparseWriter(Writer):
    """The translation unit, with other products where the data is sparse."""

    def __init__(self, s: Split, program: Program, real: str, sparse: frozenset[str]) -> None:
        super().__init__(s, program, real)
        self.sparse = sparse
        self.filled: dict[str, tuple[str, str]] = {}  # matrices and sums by name: (rows, columns)

    def ours(self) -> list[str]:
        return [self.arrays[i.name] for i in self.inputs if i.name in self.sparse]

    def context(self) -> str:
        more = "".join(f"  const int32_t *{a}_at;\n  const whole *{a}_from;\n" for a in self.ours())
        return SPARSE + super().context().replace("typedef struct {\n", f"typedef struct {{\n{more}", 1)

    def run(self) -> str:
        more = "".join(f"  c->{a}_at = in[{len(self.inputs) + 2 * p}]; c->{a}_from = in[{len(self.inputs) + 2 * p + 1}];\n"
                       for p, a in enumerate(self.ours()))
        first, rest = super().run().split("\n  context k = {0}, *c = &k;\n", 1)
        return f"{first}\n  context k = {{0}}, *c = &k;\n{more}{rest}"

    def locals(self, steps: Sequence[Step]) -> list[str]:
        return super().locals(steps) + [f"const int32_t *{a}_at = c->{a}_at; const whole *{a}_from = c->{a}_from; (void){a}_at; (void){a}_from;"
                                    for a in self.ours()]

    def score(self, s: Step) -> tuple[Node, Node] | None:
        found = super().score(s)
        if any(x.op == "el" and x.attr in self.sparse for x in factors(s.body)) and (found is None or found[0].attr not in self.sparse):
            raise Unfit("it does more with sparse data than multiply it")
        return found

    def product_of(self, s: Step, left: Node, right: Node) -> None:
        if left.attr not in self.sparse:
            super().product_of(s, left, right)
            return
        d, a = s.bound[0], self.arrays[left.attr]
        w, depth, columns = f"w{len(self.packs)}", self.size(d.attr[1]), self.size(s.own[0].attr[1]) if s.own else "1"
        self.packs[w], self.filled[w] = (right, s.own, d, False), (depth, columns)
        self.line(f"bad |= sparse_scores({self.steps[s.name]}, T, {a}, {a}_at, {a}_from + b, m, M, c->{w}, {depth}, {columns}, spread);")

    def pack(self, p: int, names: Sequence[str]) -> str:
        """Matrices filled up to whole registers."""
        text = super().pack(p, [w for w in names if w not in self.filled])
        self.lines, self.depth = [], 1
        for w in names:
            if w in self.filled:
                right, own, d, _ = self.packs[w]
                depth, columns = self.filled[w]
                size = f"room({depth} * wide({columns}) * sizeof(real))"  # rows on cache lines
                self.line(f"c->{w} = aligned_alloc(64, {size});")
                self.line(f"if (!c->{w}) return 1;")
                self.line(f"memset(c->{w}, 0, {size});")
                scope = self.loops((d, *own), Scope("double"))
                place = f"{scope.indices[d]} * wide({columns}) + {scope.indices[own[0]] if own else '0'}"
                self.line(f"c->{w}[{place}] = (real){self.value(right, scope)};")
                self.close(len(own) + 1)
        more = "\n".join(self.lines)
        return text.replace("  return 0;\n}", f"{more}\n  return 0;\n}}")

    def outer(self, s: Step, p: int, left: Node, right: Node) -> None:
        if left.attr not in self.sparse:
            super().outer(s, p, left, right)
            return
        q, a = f"q{self.steps[s.name][1:]}_{p}", self.arrays[left.attr]
        _, columns, depth = self.sides(s, left, right)
        self.filled[q] = depth, columns
        self.line(f"bad |= sparse_outer({q}, {a}, {a}_at, {a}_from + b, m, {self.steps[right.attr]}, T, {depth}, {columns}, spread);")

    def buffers(self, steps: Sequence[Step]) -> list[tuple[str, str, str]]:
        found = []
        for name, kind, size in super().buffers(steps):
            depth, columns = self.filled.get(name, ("", ""))
            found.append((name, kind, f"{depth} * wide({columns})" if depth else size))
        widths = sorted({f"wide({columns})" for _, columns in self.filled.values()})
        return found + ([("spread", "real", " + ".join(widths))] if widths else [])

    def flush(self, s: Step, q: str, t: Term) -> None:
        assert t.left is not None and t.right is not None
        if q not in self.filled:
            super().flush(s, q, t)
            return
        axes, columns, _ = self.sides(s, t.left, t.right)
        scope = self.loops(axes[::-1], Scope("double"))
        named = {i: scope.indices[a] for a in axes for i in s.indices if i is a}
        where = self.place([i.attr[1] for i in s.indices], [named[i] for i in s.indices])
        k = scope.indices[axes[0]] if len(axes) == 2 else "0"
        self.line(f"{self.steps[s.name]}[{where}] += {q}[{scope.indices[axes[-1]]} * wide({columns}) + {k}];")
        self.close(len(axes))
