"""One pass over the samples as a C function of a chunk: rows into tile buffers, totals added up, outputs stored.

Glossary   w: a matrix laid out for a product; q: the sums of a product over a chunk; own: the totals of one thread; o: outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.node import Node, is_num, mul
from ..lang.kinds import Input
from .arrays import factors
from .native_values import Scope, Values
from .split import Step, Term, read_by

NEUTRAL = {"sum": "0", "prod": "1", "max": "-INFINITY", "min": "INFINITY"}
RANGE = {"float": ("1e-30", "1e30"), "double": ("1e-280", "1e280")}  # of what a root is taken of


class Passes(Values):
    """The functions of the passes."""

    # -- rows ----------------------------------------------------------------------------------------------

    def row(self, s: Step) -> None:
        """A tile buffer."""
        scope = Scope(self.real, sample=s.sample)
        if s.kind == "sum" and self.score(s):
            pass
        elif s.kind == "map":
            inner = self.loops(s.own, scope)
            self.lanes(f"{self.at(s, inner)} = {self.value(s.body, inner)};")
            self.close(len(s.own))
        else:
            self.reduced_row(s, scope)
        if s.squares:
            self.checked(s, scope)

    def at(self, s: Step, scope: Scope) -> str:
        where = self.place([i.attr[1] for i in s.own], [scope.indices[i] for i in s.own])
        return f"{self.steps[s.name]}[({where}) * T + l]" if s.own else f"{self.steps[s.name]}[l]"

    def reduced_row(self, s: Step, scope: Scope) -> None:
        outer = self.loops(s.own, scope)
        target = self.at(s, outer)
        self.lanes(f"{target} = ({self.real}){NEUTRAL[s.kind]};")
        inner = self.loops(s.bound, outer)
        self.lanes(self.gathered_up(s.kind, target, self.counted(s, inner), "x"))
        self.close(len(s.bound) + len(s.own))

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

    def checked(self, s: Step, scope: Scope) -> None:
        """What a root is taken of stays away from the ends of the range, or NumPy computes the loss."""
        low, high = RANGE[self.real]
        inner = self.loops(s.own, scope)
        v = self.at(s, inner)
        self.lanes(f"bad |= !(({v} > ({self.real}){low}) & ({v} < ({self.real}){high}));", "")
        self.close(len(s.own))

    def score(self, s: Step) -> bool:
        """A row of an input, or of a tile, by a matrix that does not depend on the sample."""
        if len(s.bound) != 1 or len(s.own) > 1 or not is_num(s.condition, 1):
            return False
        d, j = s.bound[0], s.sample
        lefts = [x for x in factors(s.body) if j in x.free]
        rest = [x for x in factors(s.body) if j not in x.free]
        if len(lefts) != 1 or lefts[0].op != "el" or not rest or lefts[0].free != {d, j} or len(lefts[0].args) != 2:
            return False
        left, right = lefts[0], mul(*rest)
        given = left.attr in self.arrays
        if (given and (left.args != (j, d) or self.dims[left.attr][1] is not d.attr[1])) or (not given and left.attr not in self.rows):
            return False
        out, depth, columns = self.steps[s.name], self.size(d.attr[1]), self.size(s.own[0].attr[1]) if s.own else "1"
        w = f"w{len(self.packs)}"
        self.packs[w] = (right, s.own, d, given)
        if given:
            self.line(f"scores({out}, T, {self.arrays[left.attr]} + b * {depth}, {depth}, m, c->{w}, {depth}, {columns}, turned);")
        else:
            self.line(f"lanes_product({out}, T, {self.steps[left.attr]}, m, c->{w}, {columns}, {depth}, {columns}, 0);")
        return True

    # -- totals --------------------------------------------------------------------------------------------

    def total(self, s: Step) -> None:
        if s.kind != "sum":
            self.extreme(s)
            return
        for p, t in enumerate(s.terms):
            self.term_of(s, p, t)

    def extreme(self, s: Step) -> None:
        scope = self.loops(s.indices, Scope(self.real, sample=s.sample))
        target = f"{self.steps[s.name]}[{self.position(s, scope)}]"
        self.lanes(f"{target} = {s.kind}_d({target}, {self.value(s.body, scope)});", "")
        self.close(len(s.indices))

    def position(self, s: Step, scope: Scope) -> str:
        return self.place([i.attr[1] for i in s.indices], [scope.indices[i] for i in s.indices])

    def term_of(self, s: Step, p: int, t: Term) -> None:
        scope = Scope(self.real, sample=s.sample)
        if t.at is not None:
            self.scatter(s, t, scope)
        elif t.left is not None and t.right is not None:
            self.outer(s, p, t.left, t.right)
        else:
            inner = self.loops(s.indices, scope)
            self.line("{ real sum = 0;")
            self.lanes(f"sum += {self.value(t.body, inner)};", "#pragma omp simd reduction(+ : sum)")
            self.line(f"{self.steps[s.name]}[{self.position(s, inner)}] += sum; }}")
            self.close(len(s.indices))

    def scatter(self, s: Step, t: Term, scope: Scope) -> None:
        """Each sample added where its label says."""
        assert t.at is not None
        a, label = t.at
        self.line("for (whole l = 0; l < m; l++) {")
        self.depth += 1
        picked = Scope(scope.kind, {a: "at"}, scope.sample)
        self.line(f"const whole at = {self.index(label, scope, 'l')};")
        others = [i for i in s.indices if i is not a]
        inner = self.loops(others, picked)
        self.line(f"{self.steps[s.name]}[{self.position(s, inner)}] += {self.value(t.body, inner)};")
        self.close(len(others) + 1)

    def outer(self, s: Step, p: int, left: Node, right: Node) -> None:
        """sums[k, d] += left[l, d]*right[k, l] over the tile."""
        q = f"q{self.steps[s.name][1:]}_{p}"
        _, columns, depth = self.sides(s, left, right)
        if left.attr in self.arrays:
            rows = f"{self.arrays[left.attr]} + b * {depth}"
        else:
            self.line(f"unturn({self.steps[left.attr]}, T, m, {depth}, unturned);")
            rows = "unturned"
        self.line(f"outer({q}, {rows}, {depth}, m, {self.steps[right.attr]}, T, {depth}, {columns}, padded);")

    def sides(self, s: Step, left: Node, right: Node) -> tuple[tuple[Node, ...], str, str]:
        """(axes of the sums as they are kept, the number of right columns, the number of left ones)."""
        j = s.sample
        (d,) = [i for i in left.args if i is not j]
        own = tuple(i for i in right.args if i is not j)
        return (*own, d), self.size(own[0].attr[1]) if own else "1", self.size(d.attr[1])

    # -- passes --------------------------------------------------------------------------------------------

    def one_pass(self, p: int) -> str:
        """The function that takes one chunk."""
        steps = self.split.of_pass(p)
        self.lines, self.depth = [], 2
        self.rows = {s.name for s in steps if s.row}
        for s in steps:
            if s.row:
                self.row(s)
                self.store(s, p)
            else:
                self.total(s)
        inside = self.lines
        buffers, products_, head = self.buffers(steps, p), self.products(steps), self.locals(p)
        labels = [i for i in self.inputs if self.tiled(i)]
        for i in labels:
            a, k = self.arrays[i.name], self.size(i.type.classes)
            buffers.append((f"{a}t", "int32_t", "T"))
            head.append(f"const whole *{a} = c->{a};")
            inside.insert(0, f"    for (whole l = 0; l < m; l++) {{ whole v = {a}[b + l], out = (uint64_t)v >= (uint64_t){k}; "
                             f"bad |= out << 1; {a}t[l] = (int32_t)(out ? 0 : v); }}")
        lines = [f"static whole pass_{p}(const context *c, whole begin, whole end, char *space, double *own) {{",
                 f"  const whole T = c->T, {', '.join(f'{v} = c->{v}' for v in self.sizes.values())};", "  whole bad = 0;"]
        lines += [f"  {h}" for h in head]
        lines += [f"  {kind} *restrict {name} = ({kind} *)space; space += room(({size}) * sizeof({kind}));" for name, kind, size in buffers]
        lines += [f"  memset({name}, 0, ({size}) * sizeof({kind}));" for name, kind, size in buffers if name.startswith("q")]
        for s in (s for s in steps if s.total):
            lines.append(f"  double *restrict {self.steps[s.name]} = own; own += {self.volume([i.attr[1] for i in s.indices])};")
        lines += ["  for (whole b = begin; b < end; b += T) {", "    const whole m = least(T, end - b);", *inside, "  }"]
        self.lines, self.depth = [], 1
        for s, q, t in products_:
            self.flush(s, q, t)
        unused = " ".join(f"(void){v};" for v in self.sizes.values())
        lines += [*self.lines, f"  {unused} (void)own; (void)space;", "  return bad;", "}"]
        room = [f"static whole room_{p}(const context *c, whole T) {{", *self.size_lines()]
        room += [f"  return 0{''.join(f' + room(({size}) * sizeof({kind}))' for _, kind, size in buffers)};", "}"]
        per = [f"static whole row_{p}(const context *c) {{", *self.size_lines(), "  return 1" + "".join(
            f" + {self.volume([i.attr[1] for i in s.own])}" for s in steps if s.row) + "".join(
            f" + {self.volume(i.type.dims[1:])}" for i in self.inputs if i.type.dims and i.type.dims[0] is self.split.axis) + ";", "}"]
        own = [f"static whole own_{p}(const context *c) {{", *self.size_lines(),
               "  return 0" + "".join(f" + {self.volume([i.attr[1] for i in s.indices])}" for s in steps if s.total) + ";", "}"]
        return "\n".join([*lines, *room, *per, *own, *self.merge(p, [s for s in steps if s.total])])

    def size_lines(self) -> list[str]:
        names = self.sizes.values()
        return ["  (void)c;", *(f"  const whole {v} = c->{v}; (void){v};" for v in names)]

    def tiled(self, i: Input) -> bool:
        return i.type.classes is not None and i.type.dims == (self.split.axis,)

    def locals(self, p: int) -> list[str]:
        """Arrays and scalars that a pass reads."""
        head = []
        for i in self.inputs:
            a = self.arrays[i.name]
            if not i.type.dims and i.type.classes is None:
                head.append(f"const real {a} = (real)*c->{a}; (void){a};")
            elif not i.type.dims:
                head.append(f"const whole {a} = *c->{a}; (void){a};")
            elif not self.tiled(i):
                head.append(f"const {'whole' if i.type.classes is not None else 'real'} *restrict {a} = c->{a}; (void){a};")
        for s in self.split.steps.values():
            if s.sample is None:
                head.append(f"const double *{self.steps[s.name]} = c->{self.steps[s.name]}; (void){self.steps[s.name]};")
        read = {n for s in self.split.steps.values() if s.sample is not None for n in read_by(s)}
        for s in self.split.steps.values():
            if s.total and s.level < p and s.name in read:
                head.append(f"const double *{self.steps[s.name]} = c->{self.steps[s.name]};")
        return head

    def buffers(self, steps: Sequence[Step], p: int) -> list[tuple[str, str, str]]:
        """(name, type, number of entries) of what a chunk needs."""
        found = [(self.steps[s.name], "real", f"T * {self.volume([i.attr[1] for i in s.own])}") for s in steps if s.row]
        text = "\n".join(self.lines)
        if "scores(" in text:
            found.append(("turned", "real", "T * WIDE"))
        if "unturn(" in text:
            widths = {self.size(d.attr[1]) for s in steps for t in s.terms if t.left is not None and t.left.attr not in self.arrays
                      for d in t.left.args if d is not s.sample}
            found.append(("unturned", "real", f"T * ({' + '.join(sorted(widths))})"))
        if "outer(" in text:
            found.append(("padded", "real", "T * V"))
        for s, q, t in self.products(steps):
            assert t.left is not None and t.right is not None
            found.append((q, "real", self.volume([i.attr[1] for i in self.sides(s, t.left, t.right)[0]])))
        return found

    def products(self, steps: Sequence[Step]) -> list[tuple[Step, str, Term]]:
        return [(s, f"q{self.steps[s.name][1:]}_{p}", t) for s in steps for p, t in enumerate(s.terms) if t.left is not None]

    def flush(self, s: Step, q: str, t: Term) -> None:
        """The sums of a chunk added to the thread's own."""
        assert t.left is not None and t.right is not None
        axes, _, _ = self.sides(s, t.left, t.right)
        dims = [i.attr[1] for i in axes]
        scope = self.loops(axes, Scope("double"))
        kept = self.place(dims, [scope.indices[i] for i in axes])
        named = {i: scope.indices[a] for a in axes for i in s.indices if i is a}
        where = self.place([i.attr[1] for i in s.indices], [named[i] for i in s.indices])
        self.line(f"{self.steps[s.name]}[{where}] += {q}[{kept}];")
        self.close(len(axes))

    def store(self, s: Step, p: int) -> None:
        """A row that is asked for goes out."""
        if s.name not in self.split.outputs or s.level != p - 1:
            return
        scope = self.loops(s.own, Scope(self.real, sample=s.sample))
        terms = ["(b + l)" if i is s.sample else scope.indices[i] for i in s.indices]
        out = f"c->o{self.split.outputs.index(s.name)}[{self.place([i.attr[1] for i in s.indices], terms)}]"
        v = self.at(s, scope)
        self.lanes(f"{{ {out} = {v}; bad |= !({v} - {v} == 0); }}", "")
        self.close(len(s.own))

    def merge(self, p: int, totals: Sequence[Step]) -> list[str]:
        """Totals before the first chunk, and those of a thread added to those of all."""
        start = [f"static void start_{p}(const context *c, double *own) {{", *self.size_lines()]
        join = [f"static void join_{p}(const context *c, const double *own) {{", *self.size_lines()]
        for s in totals:
            n = self.volume([i.attr[1] for i in s.indices])
            g = self.steps[s.name]
            start.append(f"  for (whole i = 0; i < {n}; i++) *own++ = {NEUTRAL[s.kind]};")
            join.append(f"  for (whole i = 0; i < {n}; i++, own++) {self.gathered_up(s.kind, f'c->{g}[i]', '*own', 'd')}")
        return [*start, "  (void)own;", "}", *join, "  (void)own;", "}"]
