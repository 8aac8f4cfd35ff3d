"""One pass over the samples as a C function of a chunk: rows into tile buffers, totals added up, outputs stored.

Samples are computed W at a time, all that can share a loop in one; a tile is filled up to whole registers with its last
sample again, which `live` keeps out of the sums.
Glossary   w: a matrix laid out for a product; q, s: the sums of a chunk, of a product and lane by lane; own: the totals of one
thread; v: rows that stay in registers; t, m: labels, and matrices turned so that samples come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..core.node import Node, el, is_num, mul
from ..lang.kinds import Input
from .arrays import factors
from .native_fusion import Part, entries, grouped, passing
from .native_values import Scope, Values
from .split import Step, Term

NEUTRAL = {"sum": "0", "prod": "1", "max": "-INFINITY", "min": "INFINITY"}
RANGE = {"float": ("1e-30", "1e30"), "double": ("1e-280", "1e280")}  # of what a root is taken of
MOST_ON_LANES = 1  # axes of a total that is added up lane by lane
LANES = "for (whole l = f; l < f + W; l++)"


class Passes(Values):
    """The functions of the passes."""

    axis: Node
    tiles: list[tuple[str, str, str]]

    # -- rows ----------------------------------------------------------------------------------------------

    def row(self, s: Step, p: int) -> list[Part]:
        """The parts that fill a tile buffer."""
        j = s.sample
        assert j is not None
        if s.kind == "sum" and (found := self.score(s)) is not None:
            parts = [Part(j, reads=(found[0],), name=s.name, tile=partial(self.product_of, s, *found))]
        elif s.kind == "map":
            parts = [Part(j, s.own, (s.body,), s.name, s.indices, lambda at: self.made(s, self.value(s.body, at), at))]
        else:
            parts = [Part(j, s.own, (), s.name, s.indices, lambda at: f"{self.at(s, at)} = ({self.real}){NEUTRAL[s.kind]};"),
                     Part(j, (*s.own, *s.bound), (s.body, s.condition), s.name, None,
                          lambda at: self.gathered_up(s.kind, self.at(s, at), self.counted(s, at), "x"))]
        if s.squares:
            low, high = RANGE[self.real]
            parts.append(self.test(s, f"({{0}} > ({self.real}){low}) & ({{0}} < ({self.real}){high})"))
        if self.goes_out(s, p):
            parts += [self.test(s, "{0} - {0} == 0"), Part(j, needs=(s.name,), tile=partial(self.store, s))]
        return parts

    def made(self, s: Step, code: str, scope: Scope) -> str:
        """An entry of a row, in its buffer or in a register."""
        if s.name in self.passing:
            return f"const real v{self.steps[s.name]} = {code};"
        return f"{self.at(s, scope)} = {code};"

    def at(self, s: Step, scope: Scope) -> str:
        if s.name in self.passing:
            return f"v{self.steps[s.name]}"
        where = self.place([i.attr[1] for i in s.own], [scope.indices[i] for i in s.own])
        return f"{self.steps[s.name]}[({where}) * T + l]" if s.own else f"{self.steps[s.name]}[l]"

    def test(self, s: Step, condition: str) -> Part:
        """NumPy computes the loss where this fails."""
        assert s.sample is not None
        return Part(s.sample, s.own, (el(s.name, s.indices),), "", None,
                    lambda at: f"wrong[l - f] |= (same)!({condition.format(self.at(s, at))});")

    def counted(self, s: Step, scope: Scope) -> str:
        """The entry, or the neutral value where the condition fails."""
        code = self.value(s.body, scope)
        if is_num(s.condition, 1):
            return code
        return f"({self.truth(s.condition, scope)} ? {code} : ({scope.kind}){NEUTRAL[s.kind]})"

    def gathered_up(self, kind: str, target: str, code: str, suffix: str) -> str:
        if kind in ("sum", "prod"):
            return f"{target} {'+' if kind == 'sum' else '*'}= {code};"
        return f"{target} = {kind}_{suffix}({target}, {code});"

    def score(self, s: Step) -> tuple[Node, Node] | None:
        """(left, right) of a row of an input, or of a tile, by a matrix that does not depend on the sample."""
        if len(s.bound) != 1 or len(s.own) > 1 or not is_num(s.condition, 1):
            return None
        d, j = s.bound[0], s.sample
        lefts = [x for x in factors(s.body) if j in x.free]
        rest = [x for x in factors(s.body) if j not in x.free]
        if len(lefts) != 1 or lefts[0].op != "el" or not rest or lefts[0].free != {d, j} or len(lefts[0].args) != 2:
            return None
        left = lefts[0]
        given = left.attr in self.arrays
        if given and (left.args != (j, d) or self.dims[left.attr][1] is not d.attr[1]):
            return None
        return (left, mul(*rest)) if given or left.attr in self.rows else None

    def product_of(self, s: Step, left: Node, right: Node) -> None:
        d = s.bound[0]
        out, depth, columns = self.steps[s.name], self.size(d.attr[1]), self.size(s.own[0].attr[1]) if s.own else "1"
        w = f"w{len(self.packs)}"
        buffer = self.turned.get((left.attr, None)) if left.attr in self.arrays else self.steps[left.attr]
        self.packs[w] = (right, s.own, d, buffer is None)
        if buffer is None:
            self.tile("turned", "real", "T * WIDE")
            self.line(f"scores({out}, T, {self.arrays[left.attr]} + b * {depth}, {depth}, m, M, c->{w}, {depth}, {columns}, turned);")
        else:
            self.line(f"lanes_product({out}, T, {buffer}, M, c->{w}, {columns}, {depth}, {columns}, 0);")

    # -- totals --------------------------------------------------------------------------------------------

    def total(self, s: Step) -> list[Part]:
        assert s.sample is not None
        if s.kind != "sum":
            return [self.added_up(s, 0, s.body, s.kind)]
        return [self.term_of(s, p, t) for p, t in enumerate(s.terms)]

    def term_of(self, s: Step, p: int, t: Term) -> Part:
        j = s.sample
        assert j is not None
        if t.at is not None:
            return Part(j, reads=(t.body, t.at[1]), tile=partial(self.scatter, s, t))
        if t.left is not None and t.right is not None:
            return Part(j, reads=(t.left, t.right), tile=partial(self.outer, s, p, t.left, t.right))
        return self.added_up(s, p, t.body, "sum")

    def added_up(self, s: Step, p: int, body: Node, kind: str) -> Part:
        """A total lane by lane where it has few entries, else sample by sample."""
        assert s.sample is not None
        if len(s.indices) > MOST_ON_LANES:
            return Part(s.sample, reads=(body,), tile=partial(self.one_by_one, s, body, kind))
        sums = f"s{self.steps[s.name][1:]}_{p}"
        self.lane_sums.append((s, sums, kind))

        def text(at: Scope) -> str:
            where = self.place([i.attr[1] for i in s.indices], [at.indices[i] for i in s.indices])
            code = self.value(body, at)
            return self.gathered_up(kind, f"{sums}[({where}) * W + l - f]", f"live[l] * {code}" if kind == "sum" else code, "x")

        return Part(s.sample, s.indices, (body,), "", None, text)

    def one_by_one(self, s: Step, body: Node, kind: str) -> None:
        inner = self.loops(s.indices, Scope(self.real, sample=s.sample))
        target = f"{self.steps[s.name]}[{self.position(s, inner)}]"
        if kind == "sum":
            self.line("{ real sum = 0;")
            self.lanes(f"sum += {self.value(body, inner)};", "#pragma omp simd reduction(+ : sum)")
            self.line(f"{target} += sum; }}")
        else:
            self.line(f"for (whole l = 0; l < m; l++) {target} = {kind}_d({target}, {self.value(body, inner)});")
        self.close(len(s.indices))

    def position(self, s: Step, scope: Scope) -> str:
        return self.place([i.attr[1] for i in s.indices], [scope.indices[i] for i in s.indices])

    def scatter(self, s: Step, t: Term) -> None:
        """Each sample added where its label says."""
        assert t.at is not None
        a, label = t.at
        self.line("for (whole l = 0; l < m; l++) {")
        self.depth += 1
        picked = Scope(self.real, {a: "at"}, s.sample, False)
        self.line(f"const whole at = {self.index(label, picked, 'l')};")
        others = [i for i in s.indices if i is not a]
        inner = self.loops(others[:-1], picked)
        if others:
            self.line("#pragma omp simd")
        last = self.loops(others[-1:], inner)
        self.line(f"{self.steps[s.name]}[{self.position(s, last)}] += {self.value(t.body, last)};")
        self.close(len(others) + 1)

    def outer(self, s: Step, p: int, left: Node, right: Node) -> None:
        """sums[k, d] += left[l, d]*right[k, l] over the tile."""
        q = f"q{self.steps[s.name][1:]}_{p}"
        _, columns, depth = self.sides(s, left, right)
        if left.attr in self.arrays:
            rows = f"{self.arrays[left.attr]} + b * {depth}"
        else:
            rows = f"{self.steps[left.attr]}u"
            if all(rows != n for n, _, _ in self.tiles):
                self.line(f"unturn({self.steps[left.attr]}, T, m, {depth}, {rows});")
            self.tile(rows, "real", f"T * {depth}")
        self.tile("padded", "real", "T * V")
        self.line(f"outer({q}, {rows}, {depth}, m, {self.steps[right.attr]}, T, {depth}, {columns}, padded);")

    def sides(self, s: Step, left: Node, right: Node) -> tuple[tuple[Node, ...], str, str]:
        """(axes of the sums as they are kept, the number of right columns, the number of left ones)."""
        j = s.sample
        (d,) = [i for i in left.args if i is not j]
        own = tuple(i for i in right.args if i is not j)
        return (*own, d), self.size(own[0].attr[1]) if own else "1", self.size(d.attr[1])

    # -- what goes out -------------------------------------------------------------------------------------

    def goes_out(self, s: Step, p: int) -> bool:
        return s.name in self.split.outputs and s.level == p - 1

    def out(self, s: Step) -> str:
        return f"c->o{self.split.outputs.index(s.name)}"

    def store(self, s: Step) -> None:
        """A row that is asked for goes out; one without other axes was made where it goes, but for the last samples."""
        out, row, sizes = self.out(s), self.steps[s.name], [i.attr[1] for i in s.own]
        if not s.own:
            self.line(f"if (m < M) memcpy({out} + b, {row}, m * sizeof(real));")
        elif s.indices[0] is s.sample:
            self.line(f"unturn({row}, T, m, {self.volume(sizes)}, {out} + b * {self.volume(sizes)});")
        else:
            scope = self.loops(s.own, Scope(self.real, sample=s.sample))
            terms = ["(b + l)" if i is s.sample else scope.indices[i] for i in s.indices]
            self.line(f"for (whole l = 0; l < m; l++) {out}[{self.place([i.attr[1] for i in s.indices], terms)}] = {self.at(s, scope)};")
            self.close(len(s.own))

    # -- passes --------------------------------------------------------------------------------------------

    def tile(self, name: str, kind: str, size: str) -> None:
        """A buffer of the tile."""
        if all(name != n for n, _, _ in self.tiles):
            self.tiles.append((name, kind, size))

    def groups_of(self, steps: Sequence[Step], p: int) -> list[list[Part]]:
        """The parts of a pass in the loops they share."""
        self.rows = {s.name for s in steps if s.row}
        self.lane_sums: list[tuple[Step, str, str]] = []
        parts = [x for s in steps for x in (self.row(s, p) if s.row else self.total(s))]
        groups = grouped(parts)
        out = frozenset(n for n in self.split.outputs if n in self.rows)
        self.passing = passing(groups, out)
        self.turned = {}
        for x in (x for x in parts if x.tile is None):
            for g in entries(x):
                if (at := self.turned_by(g, x.sample)) is not None:
                    self.turned[g.attr, at[0]] = f"{self.arrays[g.attr]}{'' if at[0] is None else self.arrays[at[0]]}m"
        return groups

    def body(self, groups: Sequence[Sequence[Part]]) -> None:
        """The lines of a tile: what stands in loops over lanes together as far as it goes."""
        inside = False
        for group in groups:
            if group[0].tile is not None:
                if inside:
                    self.close(1)
                inside = False
                group[0].tile()
                continue
            if not inside:
                self.line("for (whole f = 0; f < M; f += W) {")
                self.depth += 1
                inside = True
            self.loops(group[0].loops, Scope(self.real))
            self.line("#pragma omp simd")
            self.line(f"{LANES} {{")
            for x in group:
                assert x.text is not None
                self.line("  " + x.text(Scope(self.real, sample=x.sample).within(x.loops)))
            self.line("}")
            self.close(len(group[0].loops))
        if inside:
            self.close(1)

    def one_pass(self, p: int, level: int, axis: Node) -> str:
        """The function that takes one chunk; p counts the passes, level those that it needs."""
        steps = self.split.of_pass(level, axis)
        self.axis, self.lines, self.depth, self.tiles, self.vectors = axis, [], 2, [], {}
        groups = self.groups_of(steps, level)
        self.body(groups)
        inside, self.lines = self.lines, []
        head, start = self.locals(steps), self.ready(steps)
        buffers = [*self.buffers(steps), *self.tiles]
        lines = [f"static whole pass_{p}(const context *c, whole begin, whole end, char *space, double *own) {{",
                 f"  const whole T = c->T, {', '.join(f'{v} = c->{v}' for v in self.sizes.values())};", "  whole bad = 0;",
                 "  same wrong[2 * LANE_BYTES / sizeof(real)] = {0};"]
        lines += [f"  {h}" for h in head]
        lines += [f"  {kind} *restrict {name} = ({kind} *)space; space += room(({size}) * sizeof({kind}));" for name, kind, size in buffers]
        lines += [f"  memset({name}, 0, ({size}) * sizeof({kind}));" for name, kind, size in buffers if name.startswith("q")]
        lines += ["  for (whole l = 0; l < T; l++) live[l] = 1;"]
        for s, sums, kind in self.lane_sums:
            lines.append(f"  for (whole l = 0; l < ({self.volume([i.attr[1] for i in s.indices])}) * W; l++) {sums}[l] = {NEUTRAL[kind]};")
        for s in (s for s in steps if s.total):
            lines.append(f"  double *restrict {self.steps[s.name]} = own; own += {self.volume([i.attr[1] for i in s.indices])};")
        lines += ["  for (whole b = begin; b < end; b += T) {", "    const whole m = least(T, end - b), M = (m + W - 1) / W * W;",
                  "    for (whole l = m; l < M; l++) live[l] = 0;", *start, *inside, "  }"]
        self.lines, self.depth = [], 1
        self.flushes(steps)
        unused = " ".join(f"(void){v};" for v in self.sizes.values())
        lines += [*self.lines, "  for (whole l = 0; l < W; l++) bad |= wrong[l] != 0;", f"  {unused} (void)own; (void)space;", "  return bad;", "}"]
        return "\n".join([*lines, *self.measures(p, steps, buffers), *self.merge(p, [s for s in steps if s.total])])

    def measures(self, p: int, steps: Sequence[Step], buffers: Sequence[tuple[str, str, str]]) -> list[str]:
        """What a thread needs: bytes of buffers, entries of a sample, totals."""
        room = [f"static whole room_{p}(const context *c, whole T) {{", *self.size_lines()]
        room += [f"  return 0{''.join(f' + room(({size}) * sizeof({kind}))' for _, kind, size in buffers)};", "}"]
        given = [i.type.dims[1:] for i in self.inputs if i.type.dims and i.type.dims[0] is self.axis]
        widths = [size.removeprefix("T * ") if size != "T" else "1" for n, _, size in buffers if size.startswith("T") and n not in (
            "padded", "turned")]
        row = [f"static whole row_{p}(const context *c) {{", *self.size_lines(),
               "  return 1" + "".join(f" + {w}" for w in (*widths, *(self.volume(x) for x in given))) + ";", "}"]
        own = [f"static whole own_{p}(const context *c) {{", *self.size_lines(),
               "  return 0" + "".join(f" + {self.volume([i.attr[1] for i in s.indices])}" for s in steps if s.total) + ";", "}"]
        return [*room, *row, *own]

    def size_lines(self) -> list[str]:
        names = self.sizes.values()
        return ["  (void)c;", *(f"  const whole {v} = c->{v}; (void){v};" for v in names)]

    def tiled(self, i: Input) -> bool:
        return i.type.classes is not None and i.type.dims == (self.axis,)

    def ready(self, steps: Sequence[Step]) -> list[str]:
        """Lines that bring the samples of a tile where they are read, and those of the next one near."""
        lines = []
        for i in self.inputs:
            if self.tiled(i) or i.name in self.vectors:
                a = self.arrays[i.name]
                lines.append(f"    near({a} + b + T, m * sizeof *{a});")
            if self.tiled(i):
                a, k = self.arrays[i.name], self.size(i.type.classes)
                self.tile(f"{a}t", "same", "T")
                lines += ["    { same high = 0;", "    #pragma omp simd reduction(| : high)",
                          f"    for (whole l = 0; l < m; l++) {{ const whole y = {a}[b + l], out = -(whole)((uint64_t)y >= (uint64_t){k});"
                          f" high |= (same)out; {a}t[l] = (same)(y & ~out); }}",
                          f"    for (whole l = m; l < M; l++) {a}t[l] = {a}t[m - 1];", "    bad |= high & 2; }"]
        for name, v in self.vectors.items():
            a = self.arrays[name]
            self.tile(f"{v}s", "real", "T")
            lines += [f"    if (m < M) extend({v}s, {a} + b, m, M);", f"    const real *const {v} = m < M ? {v}s : {a} + b;"]
        for (name, label), buffer in self.turned.items():
            a, dims = self.arrays[name], self.dims[name]
            d = self.volume(dims[1:])
            self.tile(buffer, "real", f"T * ({d})")
            if label is None:
                lines.append(f"    turn({a} + b * ({d}), {d}, m, M, {d}, {buffer}, T);")
            else:
                lines.append(f"    turn_picked({a}, {d}, {self.arrays[label]}t, m, M, {d}, {self.volume(dims)}, {buffer}, T);")
        for s in (s for s in steps if s.row and not s.own and s.name in self.split.outputs):
            row = self.steps[s.name]
            if any(n == f"{row}s" for n, _, _ in self.buffers(steps)):
                lines.append(f"    real *const {row} = m < M ? {row}s : {self.out(s)} + b;")
        return lines

    def locals(self, steps: Sequence[Step]) -> list[str]:
        """Arrays and scalars that a pass reads."""
        head = []
        for i in self.inputs:
            a = self.arrays[i.name]
            if not i.type.dims and i.type.classes is None:
                head.append(f"const real {a} = (real)*c->{a}; (void){a};")
            elif not i.type.dims:
                head.append(f"const whole {a} = *c->{a}; (void){a};")
            else:
                head.append(f"const {'whole' if i.type.classes is not None else 'real'} *restrict {a} = c->{a}; (void){a};")
        own = {s.name for s in steps}
        for s in self.split.steps.values():
            if not s.row and s.name not in own:
                head.append(f"const double *{self.steps[s.name]} = c->{self.steps[s.name]}; (void){self.steps[s.name]};")
        return head

    def buffers(self, steps: Sequence[Step]) -> list[tuple[str, str, str]]:
        """(name, type, number of entries) of what a chunk needs."""
        found = [("live", "real", "T")]
        for s in steps:
            if s.row and s.name not in self.passing:
                direct = not s.own and self.goes_out(s, s.level + 1) and s in steps
                found.append((f"{self.steps[s.name]}{'s' if direct else ''}", "real", f"T * ({self.volume([i.attr[1] for i in s.own])})"))
        found += [(sums, "real", f"({self.volume([i.attr[1] for i in s.indices])}) * W") for s, sums, _ in self.lane_sums]
        for s, q, t in self.products(steps):
            assert t.left is not None and t.right is not None
            found.append((q, "real", self.volume([i.attr[1] for i in self.sides(s, t.left, t.right)[0]])))
        return found

    def products(self, steps: Sequence[Step]) -> list[tuple[Step, str, Term]]:
        return [(s, f"q{self.steps[s.name][1:]}_{p}", t) for s in steps for p, t in enumerate(s.terms) if t.left is not None]

    def flushes(self, steps: Sequence[Step]) -> None:
        """The sums of a chunk added to the thread's own."""
        for s, q, t in self.products(steps):
            self.flush(s, q, t)
        for s, sums, kind in self.lane_sums:
            scope = self.loops(s.indices, Scope("double"))
            where = self.position(s, scope)
            gathered = self.gathered_up(kind, f"{self.steps[s.name]}[{where}]", f"{sums}[({where}) * W + l]", "d")
            self.line(f"for (whole l = 0; l < W; l++) {gathered}")
            self.close(len(s.indices))

    def flush(self, s: Step, q: str, t: Term) -> None:
        """The sums of a product."""
        assert t.left is not None and t.right is not None
        axes, _, _ = self.sides(s, t.left, t.right)
        scope = self.loops(axes, Scope("double"))
        kept = self.place([i.attr[1] for i in axes], [scope.indices[i] for i in axes])
        self.line(f"{self.steps[s.name]}[{self.position(s, scope)}] += {q}[{kept}];")
        self.close(len(axes))

    def merge(self, p: int, totals: Sequence[Step]) -> list[str]:
        """Totals before the first chunk, and those of a thread added to those of all."""
        start = [f"static void start_{p}(const context *c, double *own) {{", *self.size_lines()]
        join = [f"static void join_{p}(const context *c, const double *own) {{", *self.size_lines()]
        for s in totals:
            n = self.volume([i.attr[1] for i in s.indices])
            g = self.steps[s.name]
            start += ["  #pragma omp simd", f"  for (whole i = 0; i < {n}; i++) own[i] = {NEUTRAL[s.kind]};", f"  own += {n};"]
            gathered = self.gathered_up(s.kind, f"c->{g}[i]", "own[i]", "d")
            join += ["  #pragma omp simd", f"  for (whole i = 0; i < {n}; i++) {gathered}", f"  own += {n};"]
        return [*start, "  (void)own;", "}", *join, "  (void)own;", "}"]
