"""C for a split plan: one translation unit that computes the value and the gradients in tiles of samples.

Glossary   tile: T samples; a row is a tile buffer, samples in its last axis; a chunk: what one thread takes at a time;
own: the totals of one thread, in double; g: the totals and globals of all, in double; x and d: the suffixes of functions of
reals and of doubles; n: sizes, a: arrays as they were given, y: labels, w: parameters laid out for a product, o: outputs.
Names in the text are made here: nothing of the user's stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.node import Node, is_num, mul
from ..core.program import Program
from ..lang.kinds import Input
from .arrays import factors
from .native_math import functions
from .native_passes import NEUTRAL, RANGE, Passes
from .native_products import products
from .native_run import CONTEXT, RUN
from .native_values import Scope
from .split import Split, Step, Unfit

MOST_LOOPS = 2  # of a global: a product of matrices without samples is left to BLAS


@dataclass(frozen=True)
class Native:
    """The text of a kernel and how it is called.

    inputs   in the order in which it takes them; sizes: the leaves it asks for
    outputs  names and sizes of axes; the first is the value, in double; the others are reals
    """

    text: str
    real: str
    inputs: tuple[Input, ...]
    sizes: tuple[Node, ...]
    outputs: tuple[tuple[str, tuple[Node, ...]], ...]
    passes: int
    axis: Node | None


def native(s: Split, program: Program, real: str) -> Native:
    """The kernel of a split plan, for `real` float or double; Unfit where something has no form in C."""
    return Writer(s, program, real).native()


class Writer(Passes):
    """The whole translation unit."""

    # -- before, between and after the passes --------------------------------------------------------------

    def global_step(self, s: Step) -> None:
        """A step without samples, in double; its last loop is one of lanes."""
        loops = len(s.indices) + len(s.bound)
        if s.kind != "map" and loops > MOST_LOOPS and all(x.op == "el" for x in factors(s.body)):
            raise Unfit("a product of matrices without samples")
        if (order := ordered(s)) is not None:
            self.running(s, *order)
            return
        if s.kind == "map":
            outer = self.loops(s.indices[:-1], Scope("double"))
            if s.indices:
                self.line("#pragma omp simd")
            scope = self.loops(s.indices[-1:], outer)
            self.line(f"{self.steps[s.name]}[{self.position(s, scope)}] = {self.value(s.body, scope)};")
            self.close(len(s.indices))
            return
        scope = self.loops(s.indices, Scope("double"))
        self.line(f"{{ double total = {NEUTRAL[s.kind]};")
        outer = self.loops(s.bound[:-1], scope)
        if s.kind == "sum":
            self.line("#pragma omp simd reduction(+ : total)")
        inner = self.loops(s.bound[-1:], outer)
        self.line(self.gathered_up(s.kind, "total", self.counted(s, inner), "d"))
        self.close(len(s.bound))
        self.line(f"{self.steps[s.name]}[{self.position(s, scope)}] = total; }}")
        self.close(len(s.indices))

    def running(self, s: Step, i: Node, k: Node, relation: str, body: Node) -> None:
        """Sums over all k that come before or after i, of what does not depend on i: one addition for each."""
        others = [x for x in s.indices if x is not i]
        scope = self.loops(others, Scope("double"))
        n = self.size(i.attr[1])
        at = Scope("double", scope.indices | {i: "at", k: "at"})
        forward = relation in ("<", "<=")
        self.line("{ double total = 0;")
        self.line(f"for (whole at = 0; at < {n}; at++) {{" if forward else f"for (whole at = {n} - 1; at >= 0; at--) {{")
        lines = [f"total += {self.value(body, at)};", f"{self.steps[s.name]}[{self.position(s, at)}] = total;"]
        for text in lines if "=" in relation else lines[::-1]:
            self.line("  " + text)
        self.line("}}")
        self.close(len(others))

    def check_total(self, s: Step) -> None:
        low, high = RANGE[self.real]
        n = self.volume([i.attr[1] for i in s.indices])
        g = self.steps[s.name]
        self.line(f"for (whole i = 0; i < {n}; i++) c->bad |= !(({g}[i] > {low}) & ({g}[i] < {high}));")

    def between(self, level: int) -> str:
        """The globals that the first `level` passes make possible."""
        self.lines, self.depth = [], 1
        for s in self.split.steps.values():
            if s.level == level and s.sample is None:
                self.global_step(s)
            if s.level == level and (s.total or s.sample is None) and s.squares:
                self.check_total(s)
        body = self.lines
        head = [f"static void between_{level}(context *c) {{", *self.size_lines()]
        head += [f"  {h}" for h in self.double_locals()]
        return "\n".join([*head, *body, "}"])

    def double_locals(self) -> list[str]:
        head = []
        for i in self.inputs:
            a, kind = self.arrays[i.name], "whole" if i.type.classes is not None else "real" if i.type.dims else "double"
            head.append(f"const {kind} {'*' if i.type.dims else ''}{a} = {'' if i.type.dims else '*'}c->{a}; (void){a};")
        return head + [f"double *restrict {g} = c->{g}; (void){g};" for g in (
            self.steps[s.name] for s in self.split.steps.values() if not s.row)]

    def pack(self, p: int, names: Sequence[str]) -> str:
        """Matrices laid out for the products of a pass."""
        self.lines, self.depth = [], 1
        for w in names:
            right, own, d, given = self.packs[w]
            dims = [i.attr[1] for i in (*own, d)]
            depth, columns = self.size(d.attr[1]), self.size(own[0].attr[1]) if own else "1"
            self.line(f"c->{w} = calloc(most(1, {self.volume(dims)}), sizeof(real));")
            self.line(f"if (!c->{w}) return 1;")
            scope = self.loops((*own, d), Scope("double"))
            k, e = scope.indices[own[0]] if own else "0", scope.indices[d]
            straight = f"{e} * {columns} + {k}"
            where = f"by_dots({depth}, {columns}) ? {k} * {depth} + {e} : {straight}" if given else straight
            self.line(f"c->{w}[{where}] = (real){self.value(right, scope)};")
            self.close(len(own) + 1)
        body = self.lines
        head = [f"static whole pack_{p}(context *c) {{", *self.size_lines(), *(f"  {h}" for h in self.double_locals())]
        return "\n".join([*head, *body, "  return 0;", "}"])

    # -- the whole -----------------------------------------------------------------------------------------

    def native(self) -> Native:
        passes, parts = self.split.passes, []
        for p, (level, axis) in enumerate(self.split.sweeps):
            before = set(self.packs)
            text = self.one_pass(p, level, axis)
            parts += [text, self.pack(p, [w for w in self.packs if w not in before])]
        parts += [self.between(level) for level in range(passes + 1)]
        outputs = tuple((n, tuple(i.attr[1] for i in self.split.steps[n].indices)) for n in self.split.outputs)
        text = "\n".join([functions(self.real), products(self.real), self.context(), RUN, *parts, self.run(), ""])
        leaves = tuple(self.sizes)
        told = {n for i in self.inputs for n in i.type.dims}
        if any(n not in told for n in leaves):
            raise Unfit("a size that no array it reads tells")
        return Native(text, self.real, tuple(self.inputs), leaves, outputs, passes, self.split.axis)

    def context(self) -> str:
        fields = [f"  whole {v};" for v in self.sizes.values()]
        for i in self.inputs:
            kind = "whole" if i.type.classes is not None else "real" if i.type.dims else "double"
            fields.append(f"  const {kind} *{self.arrays[i.name]};")
        fields += [f"  double *{self.steps[s.name]};" for s in self.split.steps.values() if not s.row]
        fields += [f"  real *{w};" for w in self.packs]
        fields += [f"  {'real' if self.split.steps[n].row else 'void'} *o{k};" for k, n in enumerate(self.split.outputs)]
        return CONTEXT.replace("FIELDS", "\n".join(fields))

    def run(self) -> str:
        """The entry point."""
        lines = ["whole run(const whole *n, const void *const *in, void *const *out, whole threads, whole *bytes) {",
                 "  context k = {0}, *c = &k;"]
        lines += [f"  c->{v} = n[{p}];" for p, v in enumerate(self.sizes.values())]
        lines += self.size_lines()[1:]
        lines += [f"  c->{self.arrays[i.name]} = in[{p}];" for p, i in enumerate(self.inputs)]
        lines += [f"  c->o{p} = out[{p}];" for p in range(len(self.split.outputs))]
        steps = [s for s in self.split.steps.values() if not s.row]
        sizes = [self.volume([i.attr[1] for i in s.indices]) for s in steps]
        lines += [f"  double *g = malloc(sizeof(double) * (1{''.join(f' + {x}' for x in sizes)}));", "  if (!g) return 4;",
                  "  void *start = g;"]
        for s, x in zip(steps, sizes, strict=True):
            fill = f" for (whole i = 0; i < {x}; i++) g[i] = {NEUTRAL[s.kind]};" if s.total else ""
            lines.append(f"  c->{self.steps[s.name]} = g;{fill} g += {x};")
        lines += [f"  {x}" for x in self.label_checks()]
        lines += ["  between_0(c);"]
        sweeps = self.split.sweeps
        for p, (level, axis) in enumerate(sweeps):
            lines.append(f"  if (!c->bad && (pack_{p}(c) || sweep(c, {self.size(axis)}, threads, pass_{p}, room_{p}, row_{p}, own_{p}, "
                         f"start_{p}, join_{p}))) c->bad |= 4;")
            if p + 1 == len(sweeps) or sweeps[p + 1][0] > level:
                lines.append(f"  if (!c->bad) between_{level}(c);")
        lines += ["  if (!c->bad) {", *(f"    {x}" for x in self.outputs()), "  }"]
        lines += [f"  free(c->{w});" for w in self.packs]
        lines += ["  *bytes = c->bytes;", "  free(start);", "  return c->bad;", "}"]
        return "\n".join(lines)

    def outputs(self) -> list[str]:
        lines = []
        for p, n in enumerate(self.split.outputs):
            s = self.split.steps[n]
            if not s.row:
                kind = "double" if p == 0 else "real"
                lines += ["{ whole wrong = 0;", "#pragma omp simd reduction(| : wrong)",
                          f"for (whole i = 0; i < {self.volume([i.attr[1] for i in s.indices])}; i++) {{ const {kind} v = "
                          f"({kind})c->{self.steps[n]}[i]; (({kind} *)c->o{p})[i] = v; wrong |= !(v - v == 0); }}", "c->bad |= wrong; }"]
        return lines

    def label_checks(self) -> list[str]:
        """Labels that no tile looks at are looked at before."""
        lines = []
        for i in self.inputs:
            if i.type.classes is not None and not any(i.type.dims == (axis,) for _, axis in self.split.sweeps):
                a, k = self.arrays[i.name], self.size(i.type.classes)
                lines.append(f"for (whole i = 0; i < {self.volume(i.type.dims)}; i++) if ((uint64_t)c->{a}[i] >= (uint64_t){k}) c->bad |= 2;")
        return lines


def ordered(s: Step) -> tuple[Node, Node, str, Node] | None:
    """(i, k, relation, body) where a step is the sum over k of [k relation i]*body and the body does not depend on i."""
    if s.kind != "sum" or len(s.bound) != 1 or not is_num(s.condition, 1):
        return None
    (k,) = s.bound
    for b in factors(s.body):
        if b.op == "br" and b.args[0].attr in SWAPPED:
            left, right = b.args[0].args
            relation = b.args[0].attr if left is k else SWAPPED[b.args[0].attr]
            i = right if left is k else left
            body = mul(*(x for x in factors(s.body) if x is not b))
            if k in (left, right) and i in s.indices and i.attr[1] is k.attr[1] and i not in body.free:
                return i, k, relation, body
    return None


SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
