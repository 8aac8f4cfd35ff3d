"""Convex or not, with the reason: a certificate by composition or by the Hessian, or a chord that the loss lies above.

Never "convex" without a proof, and no proof is given before random chords have been tried against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from .core.errors import IversonError
from .core.node import Node, add, apply, coefficient, is_integer, is_num, mul, neg, open_, reads, transform, walk
from .core.program import Definition, Program, inline
from .derivation.answer import Writer
from .derivation.curvature import Curvature, Proof, reason
from .derivation.derive import blocks, derive
from .derivation.index_form import IndexForm, IndexNames
from .derivation.interval import Intervals, in_domain
from .derivation.semidefinite import Semidefinite, in_order, symmetric_names
from .derivation.structure import terms
from .diagnosis.counterexample import text
from .emit.numpy_code import compiled_definition
from .lang.kinds import Typed
from .lang.lower import lower
from .lang.scope import uses
from .lang.show import show
from .lang.surface import Surface
from .lang.syntax import parse_script
from .lang.whole import whole_call
from .meaning.midpoint import Chord, Trials
from .meaning.verify import line
from .rewrite.collapse import contract
from .rewrite.match import everywhere
from .rules.convexity import COMPOSITION, CONVEX_SETS
from .rules.stable import STABLE

KINKED = frozenset({"abs", "max", "min", "sign", "floor", "ceil", "round", "cbrt"})
ABOVE_ZERO = frozenset({"exp", "cosh", "softplus", "sigmoid"})
SAME = ("softplus", "softplus-log1p", "logistic-ratio", "logistic", "logistic-less", "complement", "log-sigmoid")
LOGISTIC = tuple(r for r in STABLE if r.name in SAME)
TRIED = 240
MOST_SPREAD = 6
MOST_LINES = 40
LONGEST = 100  # of a piece whose definitions are put in
CLAIMS = ("affine", "convex", "concave")
SIGNS = {"convex": (1,), "concave": (-1,), "affine": (1, -1)}


@dataclass(frozen=True)
class Convexity:
    """A verdict on a loss as a function of `wrt`, the other inputs being whatever they may be.

    kind            affine, strongly convex, strictly convex, convex, concave, not convex or unknown
    reason          one sentence
    conditions      what of the other inputs has to hold for it, in the user's notation
    certificate     the pieces with the rule for each, indented, outermost first
    counterexample  two points whose middle lies above the chord
    holds           whether the conditions are met by given arrays
    """

    wrt: tuple[str, ...]
    kind: str
    reason: str
    conditions: tuple[str, ...] = ()
    certificate: tuple[str, ...] = ()
    counterexample: Chord | None = None
    holds: Callable[[Mapping[str, Any]], bool] = field(default=lambda arrays: True, compare=False, repr=False)

    @property
    def verdict(self) -> str:
        """The kind with its conditions: `convex if lam >= 0`."""
        return self.kind + (f" if {' and '.join(self.conditions)}" if self.conditions else "")

    @property
    def convex(self) -> bool:
        """Whether it is convex whatever the other inputs are."""
        return not self.conditions and self.kind in ("affine", "convex", "strictly convex", "strongly convex")

    def record(self) -> dict[str, Any]:
        """The same as plain values."""
        c = self.counterexample
        points = None if c is None else {
            **{part: {n: plain(v) for n, v in getattr(c, part).items()} for part in ("a", "b", "given")},
            "middle": c.middle, "mean": c.mean,
        }  # fmt: skip
        return {"verdict": self.verdict, "kind": self.kind, "wrt": list(self.wrt), "reason": self.reason,
                "conditions": list(self.conditions), "certificate": list(self.certificate), "counterexample": points}  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join([f"{self.verdict} in {', '.join(self.wrt)}: {self.reason}", *(f"  {t}" for t in self.certificate)])


def plain(v: Any) -> Any:
    return np.asarray(v).tolist() if not isinstance(v, tuple) else "a function"


def judged(typed: Typed, wrt: Sequence[str]) -> Convexity:
    """The verdict on a loss as a function of some of its inputs together."""
    return Judge(typed, tuple(wrt)).verdict()


def numbers_in(text: str, kinds: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The names of a text whose sizes nothing says, as numbers: for formulas such as sqrt(1 + x^2)."""
    script = parse_script(text)
    settled = {d.name for d in script.declarations if d.dims is not None or d.kind in ("label", "function")}
    settled |= {n for n, k in kinds.items() if "[" in k or k.startswith("label")}
    every = dict.fromkeys([*uses(script).first, *(d.name for d in script.declarations)])
    return {n: () for n in every if n not in settled}


class Judge:
    """The work on one question."""

    def __init__(self, typed: Typed, wrt: tuple[str, ...]) -> None:
        self.typed, self.wrt, self.program = typed, wrt, decided(lower(typed))
        for w in wrt:
            i = typed.inputs.get(w)
            if i is None or i.role == "function" or i.type.classes is not None:
                known = [n for n, x in typed.inputs.items() if x.type.classes is None and x.role != "function"]
                raise IversonError("name", f"{w} is no real input of this loss.", hint=f"It has {', '.join(known)}.")
        self.form = IndexForm(IndexNames(self.program.index_names, self.program.names()), self.program.dims())
        self.writer = Writer(self.program, ())
        self.introduced = {d.name: d for d in self.program.definitions if d.introduced and d.body.op != "tensor"}

    def text(self, f: Node) -> str:
        """A piece in the user's notation: as matrices where it is one number, else by its indices."""
        full = inline(f, self.introduced)
        written = None if f.free else self.writer.matrix(Definition("", (), full))
        if written is not None:
            return show(self.spelled(written.body))
        texts = [show(self.spelled(self.form.tree(g, self.form.names.assign(sorted(g.free))))) for g in (full, f)]
        return texts[0] if len(texts[0]) <= LONGEST else texts[1]

    def spelled(self, tree: Surface) -> Surface:
        """With functions of whole matrices written out: logdet(S), not the name it was given."""
        if tree.op == "name":
            d = next((d for d in self.program.definitions if d.name == tree.attr and d.introduced and d.body.op == "tensor"), None)
            return tree if d is None else whole_call(d.body.attr[0], tuple(Surface("name", (), n) for n in d.body.attr[1:]))
        return tree if not tree.args else replace(tree, args=tuple(map(self.spelled, tree.args)))

    def verdict(self) -> Convexity:
        """The strictest proof; else a counter-example; else unknown."""
        curved = [(w, f) for w in self.wrt for f in self.typed.inputs[w].facts if f not in CONVEX_SETS]
        if curved:
            w, fact = curved[0]
            return Convexity(self.wrt, "not convex", f"the middle of two {fact} values of {w} is not {fact}, so its domain is not convex")
        return self.composed(False) or self.by_hessian() or self.by_numbers() or self.composed(True) or self.refuted()

    def composed(self, lenient: bool) -> Convexity | None:
        """By composition, of the definitions as they stand and of the loss with all of them put in."""
        return self.proved(self.program, lenient) or self.proved(self.whole, lenient)

    @cached_property
    def whole(self) -> Program:
        """The loss in one formula, logarithms of sigmoids as softplus, multiplied out."""
        return opened(self.program)

    def proved(self, program: Program, lenient: bool) -> Convexity | None:
        body = program.definition(program.result).body
        view = Curvature(program, self.wrt, lenient).of(body)
        for claim in CLAIMS:
            p = view.get(claim)
            if p is None:
                continue
            found = Convexity(self.wrt, claim, self.sentence(p), self.conditions(p.demands), tuple(self.lines(p))[:MOST_LINES])
            met = Demanded(program, p.demands)
            found = replace(self.sharper(found, p, body), holds=met)
            if self.stands(claim, met):
                return found
            return Convexity(self.wrt, "unknown", f"the rules say {claim}, but a chord says otherwise: please report this")
        return None

    def conditions(self, demands: Sequence[Node]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f"{self.text(d)} >= 0" for d in demands))

    def sentence(self, p: Proof) -> str:
        if p.claim in ("constant", "affine") or p.rule in ("constant", "affine"):
            return reason(p)
        pieces = list(dict.fromkeys(self.text(q.f) for q in p.parts if q.claim != "affine"))
        shown = f": {', '.join(pieces[:3])}" if pieces and sum(map(len, pieces[:3])) < 160 else ""
        return f"{self.text(p.f)}: {reason(p)}{shown}"

    def lines(self, p: Proof, depth: int = 0) -> Iterator[str]:
        """The steps of a certificate."""
        plain_ = p.rule in ("affine", "constant")
        yield f"{'  ' * depth}{self.text(p.f)} is {p.claim}{'' if plain_ else f': {reason(p)}'}"
        for q in () if plain_ else p.parts:
            yield from self.lines(q, depth + 1)

    def sharper(self, found: Convexity, p: Proof, body: Node) -> Convexity:
        """Strongly convex with a squared norm of the whole variable beside convex terms, strictly where one number moves."""
        if found.kind != "convex" or found.conditions:
            return found
        if self.strong(body):
            return replace(found, kind="strongly convex", reason=found.reason + ", with a positive multiple of a squared norm of all of it")
        if p.strict and len(self.wrt) == 1 and not self.typed.inputs[self.wrt[0]].type.dims:
            return replace(found, kind="strictly convex")
        return found

    def strong(self, body: Node) -> bool:
        """Whether some terms are positive multiples of the squares of all entries of each variable."""
        views = Curvature(self.program, self.wrt)
        found = set()
        for t in terms(body):
            factors = t.args if t.op == "mul" else (t,)
            square = [a for a in factors if reads(a) & views.moved]
            rest = [a for a in factors if a not in square]
            if len(square) == 1 and all(self.above_zero(a) for a in rest):
                found |= {w for w in self.wrt if self.is_square_norm(square[0], w)}
        return found == {*self.wrt}

    def above_zero(self, a: Node) -> bool:
        if a.op == "pow":
            return self.above_zero(a.args[0])
        if a.op == "el" and not a.args:
            i = self.program.inputs.get(a.attr)
            return i is not None and ("positive" in i.facts or (i.default is not None and i.default > 0))
        return (a.op == "num" and a.attr > 0) or a.op in ("size", "const")

    def is_square_norm(self, f: Node, w: str) -> bool:
        while f.op == "pow" and f.args[0].op == "pow" and f.args[0].args[0].op == "red":
            f = f.args[0].args[0] if is_num(f.args[1], 2) else f.args[0]
        bound, body, condition = open_(f) if f.op == "red" and f.attr[0] == "sum" else ((), f, None)
        if body.op != "pow" or not is_num(body.args[1], 2) or (condition is not None and condition.op != "num"):
            return False
        e = body.args[0]
        return e.op == "el" and e.attr == w and set(e.args) == set(bound) and len(e.args) == len(bound)

    # -- trials ----------------------------------------------------------------------------------------------

    def stands(self, claim: str, met: Any = lambda arrays: True) -> bool:
        """Whether random chords agree with what was proved."""
        trials = self.trials(met)
        return all(trials.against(sign, TRIED // 2) is None for sign in SIGNS[claim])

    def trials(self, admits: Any = lambda arrays: True) -> Trials:
        """Random chords, judged by the text as written and by the stable code: rounding is no counter-example."""
        return Trials(self.typed, self.wrt, 1, admits, compiled_definition(self.program, self.program.result))

    def refuted(self) -> Convexity:
        """A chord below the loss, or unknown."""
        chord = self.trials().against(1, TRIED)
        if chord is None:
            return Convexity(self.wrt, "unknown", "no rule applies, and no chord was found that it lies above")
        also = self.trials().against(-1, TRIED) is not None
        why = f"{shown_chord(chord, self.wrt)}{'; it is not concave either' if also else ''}"
        hint = self.would_be()
        return Convexity(self.wrt, "not convex", why + hint, counterexample=chord)

    def would_be(self) -> str:
        """A declaration of a matrix that would make it convex."""
        for n, i in self.typed.inputs.items():
            d = i.type.dims
            if n in self.wrt or len(d) != 2 or d[0] is not d[1] or "spd" in i.facts:
                continue
            inputs = {**self.typed.inputs, n: replace(i, facts=("spd", "symmetric"))}
            other = Judge(replace(self.typed, inputs=inputs), self.wrt)
            if other.composed(False) or other.by_hessian():
                return f". It is convex where {n} is positive semidefinite: declare {n}: spd"
        return ""

    # -- the Hessian -----------------------------------------------------------------------------------------

    def by_hessian(self) -> Convexity | None:
        """The second derivative as a sum of Gram matrices, where the loss is smooth on a convex domain."""
        if len(self.wrt) > 1 or self.program.definition(self.program.result).indices or not self.smooth():
            return None
        try:
            d = derive(self.typed, list(self.wrt), 2)[self.wrt[0]]
        except IversonError:
            return None
        program = merged(self.program, [*d.program.definitions, *d.answer.where])
        closed, n = d.answer.closed, len(d.answer.closed.indices) // 2
        if is_num(closed.body, 0) and self.stands("affine"):
            return Convexity(self.wrt, "affine", "its Hessian is 0")
        pairs = tuple(zip(closed.indices[:n], closed.indices[n:], strict=True))
        proofs = Semidefinite(program, Intervals(program, {m: (0.0, inf) for m in in_domain(self.program, self.wrt)}))
        for claim, sign in (("convex", 1), ("concave", -1)):
            parts = [t if sign == 1 else neg(t) for t in terms(closed.body)]
            whole = closed.body if sign == 1 else neg(closed.body)
            if (proofs.proves(whole, pairs) or all(proofs.proves(t, pairs) for t in parts)) and self.stands(claim):
                return self.from_hessian(claim, d)
        return None

    def by_numbers(self) -> Convexity | None:
        """Several numbers together, where all second derivatives are exact numbers: the matrix of them by elimination."""
        if len(self.wrt) < 2 or any(self.typed.inputs[w].type.dims for w in self.wrt) or not self.smooth():
            return None
        try:
            found = blocks(self.typed, self.wrt)
        except IversonError:
            return None
        values = {pair: d.answer.closed.body for pair, d in found.items()}
        if not all(v.op == "num" for v in values.values()):
            return None
        matrix = [[Fraction(values[a, b].attr) for b in self.wrt] for a in self.wrt]
        for claim, sign in (("convex", 1), ("concave", -1)):
            if semidefinite([[sign * v for v in row] for row in matrix]) and self.stands(claim):
                shown = ", ".join(f"({', '.join(map(str, row))})" for row in matrix)
                kind = "positive" if sign == 1 else "negative"
                return Convexity(self.wrt, claim, f"its Hessian is the constant matrix [{shown}], which is {kind} semidefinite")
        return None

    def from_hessian(self, claim: str, d: Any) -> Convexity:
        where = "".join(f", {line(e)}" for e in d.where)
        formula = f"{show(d.main.body)}{' where' + where[1:] if where else ''}"
        why = COMPOSITION["hessian"] if claim == "convex" else "its Hessian is minus a sum of Gram matrices with weights that are at least 0"
        return Convexity(self.wrt, claim, why, (), (f"d2 = {formula}",))

    def smooth(self) -> bool:
        """Whether the loss has no kinks, and its roots, logarithms and quotients a convex domain."""
        views = Curvature(self.whole, self.wrt)
        for d in self.whole.definitions:
            if d.name not in views.moved:
                continue
            if d.body.op == "tensor":
                return False
            for f in walk(d.body):
                if reads(f) & views.moved and not self.smooth_at(f, views):
                    return False
        return True

    def smooth_at(self, f: Node, views: Curvature) -> bool:
        if f.op == "br" or (f.op == "red" and f.attr[0] != "sum") or (f.op == "apply" and f.attr in KINKED):
            return False
        root = f.op == "pow" and not (is_integer(f.args[1]) and f.args[1].attr > 0)
        if root and reads(f.args[1]) & views.moved:
            return False
        base = f.args[0] if root or (f.op == "apply" and f.attr in ("log", "log1p", "logit")) else None
        if base is None or above(base):
            return True
        return views.of(base).get("concave") is not None and (f.op == "apply" or views.intervals.nonnegative(base) or not is_integer(f.args[1]))


def decided(program: Program) -> Program:
    """With the sums that a bracket decides carried out, and entries of symmetric matrices in one form."""
    even = symmetric_names(program)
    return program.with_definitions(tuple(
        d if d.body.op == "tensor" else replace(d, body=in_order(contract(d.body), even)) for d in program.definitions))


def opened(program: Program) -> Program:
    """With every definition put into the result, except functions of whole matrices and their arguments."""
    kept = {d.name for d in program.definitions if d.body.op == "tensor"}
    kept |= {n for d in program.definitions if d.body.op == "tensor" for n in d.body.attr[1:]}
    loose = {d.name: d for d in program.definitions if d.name not in kept and d.name != program.result}
    bodies = [d if d.body.op == "tensor" else replace(d, body=inline(d.body, loose)) for d in program.definitions]
    return program.with_definitions(tuple(
        replace(d, body=multiplied(everywhere(LOGISTIC, d.body))) if d.name == program.result else d for d in bodies if d.name not in loose))


def multiplied(f: Node) -> Node:
    """Products and squares of sums of few terms multiplied out, so that like terms meet; squares of norms without their roots."""

    def step(g: Node) -> Node | None:
        if g.op == "pow" and is_num(g.args[1], 2) and g.args[0].op == "pow" and is_num(g.args[0].args[1], Fraction(1, 2)):
            return g.args[0].args[0] if even_square(g.args[0].args[0]) else None
        if g.op == "apply" and g.attr == "softplus" and coefficient(g.args[0])[0] < 0:
            return add(apply("softplus", neg(g.args[0])), g.args[0])
        whole = next((a for a in g.args if a.op == "add"), None) if g.op == "mul" else None
        if whole is None or len(whole.args) > MOST_SPREAD or g.size > 40 * MOST_SPREAD:
            return None
        rest = [a for a in g.args if a is not whole]
        if all(a.op != "apply" or a.attr not in ("softplus",) for t in whole.args for a in walk(t)):
            return None
        return multiplied(add(*(mul(t, *rest) for t in whole.args)))

    return transform(f, step)


def semidefinite(m: list[list[Fraction]]) -> bool:
    """Whether an exact symmetric matrix is positive semidefinite, by elimination."""
    if not m:
        return True
    if m[0][0] < 0 or (m[0][0] == 0 and any(m[0])):
        return False
    rest = m[1:]
    if m[0][0] > 0:
        rest = [[v - row[0] * top / m[0][0] for v, top in zip(row, m[0], strict=True)] for row in rest]
    return semidefinite([row[1:] for row in rest])


def above(f: Node) -> bool:
    """Above 0 for all real values of what stands in it."""
    if f.op == "num":
        return f.attr > 0
    if f.op in ("size", "const"):
        return True
    if f.op == "apply":
        return f.attr in ABOVE_ZERO
    if f.op == "pow":
        return above(f.args[0])
    if f.op == "mul":
        return all(map(above, f.args))
    if f.op == "add":
        return any(map(above, f.args)) and all(above(a) or even_square(a) for a in f.args)
    return f.op == "red" and f.attr[0] in ("sum", "max") and above(f.args[0]) and is_num(f.args[1], 1)


def even_square(f: Node) -> bool:
    """At least 0: an even power, or a sum or positive multiple of such."""
    if f.op == "mul":
        return all(above(a) or even_square(a) for a in f.args)
    inner = f.args[0] if f.op == "red" and f.attr[0] == "sum" else f
    return inner.op == "pow" and is_integer(inner.args[1]) and inner.args[1].attr % 2 == 0


class Demanded:
    """Whether arrays meet conditions."""

    def __init__(self, program: Program, demands: Sequence[Node]) -> None:
        self.tests = []
        for k, d in enumerate(demands):
            name = next(n for n in (f"condition{k}", *(f"condition{k}_{j}" for j in range(9))) if n not in program.names())
            wide = program.with_definitions((*program.definitions, Definition(name, tuple(sorted(d.free)), d)))
            self.tests.append(compiled_definition(wide, name))

    def __call__(self, arrays: Mapping[str, Any]) -> bool:
        return all(bool((np.asarray(t(**arrays)) >= 0).all()) for t in self.tests)


def merged(program: Program, more: Iterable[Definition]) -> Program:
    own = {d.name: d for d in program.definitions}
    for d in more:
        own.setdefault(d.name, d)
    return program.with_definitions(tuple(own.values()))


def show_line(e: Any) -> str:
    return line(e)


def shown_chord(c: Chord, wrt: Sequence[str]) -> str:
    """`halfway between x = -1 and x = 1 it is 1, above the mean 0.5 of the two ends`."""
    point = lambda p: ", ".join(f"{n} = {text(v)}" for n, v in p.items())
    given = {n: v for n, v in c.given.items() if not isinstance(v, tuple)}
    rest = f" (with {point(given)})" if given else ""
    return f"halfway between {point(c.a)} and {point(c.b)}{rest} it is {c.middle:.6g}, above the mean {c.mean:.6g} of the two ends"

