"""Index nodes as C expressions: where an entry lies, and what is computed from it.

Glossary   x and d: the suffixes of functions of reals and of doubles; n: sizes, a: arrays as they were given, y: labels;
r: tile buffers, samples in their last axis; g: totals and globals, in double; b: the first sample of the tile, l: one of it.
Names in the text are made here: nothing of the user's stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..core.affine import Poly, nonnegative, polynomial
from ..core.node import HALF, Node, neg, pow_
from ..core.program import Program
from ..derivation.signs import strong
from ..lang.kinds import Input
from .arrays import SIGNS, factors
from .native_math import NATIVE
from .split import Split, Unfit, read_by

MOST_POWER = 8


@dataclass
class Scope:
    """Where an expression stands: its indices, the type it is computed in, the sample index and the pass, if any.

    ready    whether inputs are read from the tile; elsewhere each sample is read from where it was given
    """

    kind: str
    indices: dict[Node, str] = field(default_factory=dict)
    sample: Node | None = None
    ready: bool = True

    def within(self, indices: Iterable[Node]) -> Scope:
        more = {i: f"i{len(self.indices) + p}" for p, i in enumerate(indices)}
        return Scope(self.kind, self.indices | more, self.sample, self.ready)


class Values:
    """Names and expressions of one kernel, and the loops they stand in."""

    def __init__(self, s: Split, program: Program, real: str) -> None:
        self.split, self.program, self.real = s, program, real
        used: frozenset[str] = frozenset().union(*(read_by(x) for x in s.steps.values()))
        self.inputs = [i for i in program.inputs.values() if i.name in used]
        self.sizes: dict[Node, str] = {}
        self.arrays = {i.name: f"{'y' if i.type.classes is not None else 'a'}{p}" for p, i in enumerate(self.inputs)}
        self.steps = {name: f"{'r' if x.row else 'g'}{p}" for p, (name, x) in enumerate(s.steps.items())}
        self.dims = {i.name: i.type.dims for i in self.inputs} | {
            n: tuple(i.attr[1] for i in x.indices) for n, x in s.steps.items()}
        self.packs: dict[str, tuple[Node, tuple[Node, ...], Node, bool]] = {}
        self.lines: list[str] = []
        self.depth = 1
        self.rows: set[str] = set()
        self.passing: set[str] = set()
        self.vectors: dict[str, str] = {}
        self.turned: dict[tuple[str, str | None], str] = {}
        if s.axis is not None:
            self.size(s.axis)
        for i in self.inputs:
            self.admit(i)

    def admit(self, i: Input) -> None:
        if i.role == "function":
            raise Unfit(f"{i.name} is a function of the user")
        for n in (*i.type.dims, *([i.type.classes] if i.type.classes is not None else ())):
            self.size(n)

    # -- sizes and indices ---------------------------------------------------------------------------------

    def size(self, n: Node) -> str:
        """A size as C, at least 0."""
        if n.op == "num":
            return str(n.attr)
        if n.op == "size":
            return self.sizes.setdefault(n, f"n{len(self.sizes)}")
        p = polynomial(n)
        if p is None:
            raise Unfit("a size that is no polynomial")
        code = self.term(p)
        return code if nonnegative(p) else f"most({code}, 0)"

    def term(self, p: Poly, scope: Scope | None = None) -> str:
        """A polynomial in sizes and indices as C."""
        parts = []
        for m, c in p.items():
            if c != int(c):
                raise Unfit("a size that is a fraction")
            names = [scope.indices[x] if scope and x.op == "idx" else self.size(x) for x in m]
            parts.append("*".join([f"(whole){int(c)}", *names]))
        return f"({' + '.join(parts) or '0'})"

    def volume(self, dims: Sequence[Node]) -> str:
        return " * ".join(self.size(n) for n in dims) or "1"

    def place(self, dims: Sequence[Node], terms: Sequence[str]) -> str:
        """The position of an entry, last axis fastest."""
        code = ""
        for n, t in zip(dims, terms, strict=True):
            code = f"({code}) * {self.size(n)} + {t}" if code else t
        return code or "0"

    def index(self, t: Node, scope: Scope, sample: str) -> str:
        if t is scope.sample:
            return sample
        if t.op == "idx":
            return scope.indices[t]
        if t.op == "el":
            return f"(whole){self.element(t, scope)}"
        p = polynomial(t)
        if p is None or (scope.sample is not None and scope.sample in t.free):
            raise Unfit("a computed index over samples")
        return self.term(p, scope)

    # -- expressions ---------------------------------------------------------------------------------------

    def element(self, f: Node, scope: Scope) -> str:
        name, dims = f.attr, self.dims[f.attr]
        if name in self.arrays:
            return self.given(f, scope)
        step = self.split.steps[name]
        if name in self.passing:
            return f"v{self.steps[name]}"
        terms = [self.index(t, scope, "l") for t in f.args]
        if not step.row:
            return f"({scope.kind}){self.steps[name]}[{self.place(dims, terms)}]"
        if scope.sample is None or not any(t is scope.sample for t in f.args):
            raise Unfit("a sample is read outside the samples")
        own = [(n, t) for n, t, i in zip(dims, terms, step.indices, strict=True) if i is not step.sample]
        where = self.place([n for n, _ in own], [t for _, t in own])
        return f"{self.steps[name]}[({where}) * T + l]" if own else f"{self.steps[name]}[l]"

    def given(self, f: Node, scope: Scope) -> str:
        """An entry of an input."""
        name, dims = f.attr, self.dims[f.attr]
        a, label = self.arrays[name], name in self.labels()
        if scope.sample is not None and f.args == (scope.sample,) and (label or scope.ready):
            return f"{a}t[l]" if label else f"{self.vectors.setdefault(name, f'{a}v')}[l]"
        at = self.turned_by(f, scope.sample) if scope.ready else None
        if at is not None and (name, at[0]) in self.turned:
            rest = [self.index(t, scope, "l") for t in f.args[1:]]
            return f"{self.turned[name, at[0]]}[({self.place(dims[1:], rest)}) * T + l]"
        sample = f"least(b + l, {self.size(scope.sample.attr[1])} - 1)" if scope.sample is not None and scope.ready else "(b + l)"
        terms = [self.index(t, scope, sample) for t in f.args]
        code = f"{a}[{self.place(dims, terms)}]" if dims else a
        return code if label or scope.kind == self.real else f"({scope.kind}){code}"

    def turned_by(self, f: Node, sample: Node | None) -> tuple[str | None] | None:
        """Whether rows of a matrix are read entry by entry for the samples: (the label that picks them, or None for the
        samples in turn), or None where they are not."""
        if sample is None or len(f.args) < 2 or f.attr not in self.arrays or f.attr in self.labels():
            return None
        first, rest = f.args[0], f.args[1:]
        if not all(t.op == "idx" and t is not sample for t in rest):
            return None
        if first is sample:
            return (None,)
        return (first.attr,) if first.op == "el" and first.args == (sample,) else None

    def labels(self) -> set[str]:
        return {i.name for i in self.inputs if i.type.classes is not None}

    def value(self, f: Node, scope: Scope) -> str:
        """An expression as C, an atom."""
        return getattr(self, f"_{f.op}")(f, scope)

    def _num(self, f: Node, scope: Scope) -> str:
        return f"({scope.kind}){float(f.attr)!r}" if f.attr >= 0 else f"(-({scope.kind}){-float(f.attr)!r})"

    def _const(self, f: Node, scope: Scope) -> str:
        if f.attr == "inf":
            return f"({scope.kind})INFINITY"
        values = {"pi": "3.141592653589793", "e": "2.718281828459045"}
        if f.attr not in values:
            raise Unfit(f"the constant {f.attr}")
        return f"({scope.kind}){values[f.attr]}"

    def _size(self, f: Node, scope: Scope) -> str:
        return f"({scope.kind}){self.size(f)}"

    def _idx(self, f: Node, scope: Scope) -> str:
        return f"({scope.kind}){'(b + l)' if f is scope.sample else scope.indices[f]}"

    def _el(self, f: Node, scope: Scope) -> str:
        return f"({scope.kind}){self.element(f, scope)}" if f.attr in self.labels() else self.element(f, scope)

    def _add(self, f: Node, scope: Scope) -> str:
        return f"({' + '.join(self.value(a, scope) for a in f.args)})"

    def _mul(self, f: Node, scope: Scope) -> str:
        """A product; a false bracket wins over factors that may be inf or nan."""
        held, loose, others = strong(factors(f))
        if held:
            asked = " & ".join(self.truth(x, scope) for x in held)
            inner = f"({asked} ? {self.product(loose, scope)} : ({scope.kind})0)"
            return f"({self.product(others, scope)} * {inner})" if others else inner
        return self.product(others, scope)

    def product(self, parts: Sequence[Node], scope: Scope) -> str:
        """Factors, truths together, quotients last."""
        held = [x for x in parts if x.op == "br"]
        top = [x for x in parts if x not in held and not divides(x)]
        codes = [self.value(x, scope) for x in top]
        if held:
            codes.append(f"({scope.kind})({' & '.join(self.truth(x, scope) for x in held)})")
        code = " * ".join(codes) or f"({scope.kind})1"
        for x in parts:
            if divides(x):
                code += f" / {self.value(pow_(x.args[0], neg(x.args[1])), scope)}"
        return f"({code})"

    def truth(self, f: Node, scope: Scope) -> str:
        if f.op == "br":
            return self.relation(f.args[0], scope)
        return f"({self.value(f, scope)} != 0)"

    def relation(self, r: Node, scope: Scope) -> str:
        if all(a.term or (a.op == "el" and a.attr in self.labels()) for a in r.args):
            a, b = (self.whole(x, scope) for x in r.args)
        else:
            a, b = (self.value(x, scope) for x in r.args)
        return f"({a} {SIGNS[r.attr]} {b})"

    def whole(self, f: Node, scope: Scope) -> str:
        """An index term or a label as an integer, of the width of a tile's labels where it is one index."""
        if f.op == "idx":
            return f"(same){scope.indices[f]}" if f is not scope.sample else "(b + l)"
        if f.op == "el":
            return self.element(f, scope)
        p = polynomial(f)
        assert p is not None
        if scope.sample is not None:
            return self.term(p, Scope(scope.kind, scope.indices | {scope.sample: "(b + l)"}))
        return self.term(p, scope)

    def _pow(self, f: Node, scope: Scope) -> str:
        base, e = f.args
        s = "x" if scope.kind == self.real and scope.sample is not None else "d"
        if divides(f):
            return f"(({scope.kind})1 / {self.value(pow_(base, neg(e)), scope)})"
        if e is HALF:
            return f"sqrt_{s}({self.value(base, scope)})"
        if e.op == "num" and isinstance(e.attr, int) and e.attr <= MOST_POWER:
            return f"power_{s}({self.value(base, scope)}, {e.attr})"
        return f"pow_{s}({self.value(base, scope)}, {self.value(e, scope)})"

    def _apply(self, f: Node, scope: Scope) -> str:
        row = NATIVE.get(f.attr)
        if row is None or f.attr in self.program.inputs:
            raise Unfit(f"{f.attr} has no form in C")
        row = row.replace("@", "x" if scope.sample is not None else "d")
        code, *others = (self.value(a, scope) for a in f.args)
        if not others:
            return row.format(code)
        for other in others:
            code = row.format(code, other)
        return code

    def _br(self, f: Node, scope: Scope) -> str:
        return f"({scope.kind}){self.relation(f.args[0], scope)}"

    def _red(self, f: Node, scope: Scope) -> str:
        raise Unfit("a reduction inside an expression")

    _rel = _tensor = _deriv = _red

    # -- lines ---------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def loops(self, indices: Sequence[Node], scope: Scope) -> Scope:
        """Opens a loop for each index."""
        inner = scope.within(indices)
        for i in indices:
            v = inner.indices[i]
            self.line(f"for (whole {v} = 0; {v} < {self.size(i.attr[1])}; {v}++) {{")
            self.depth += 1
        return inner

    def close(self, n: int) -> None:
        for _ in range(n):
            self.depth -= 1
            self.line("}")

    def lanes(self, text: str, pragma: str = "#pragma omp simd") -> None:
        """A loop over the samples of the tile."""
        self.line(pragma)
        self.line(f"for (whole l = 0; l < m; l++) {text}")


def divides(f: Node) -> bool:
    return f.op == "pow" and f.args[1].op == "num" and f.args[1].attr < 0
