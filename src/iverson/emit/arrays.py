"""Index nodes as array expressions: an index is an axis, a product with a bound index a matrix product.

Glossary   Value: a piece of code and the index of each of its axes; scope: the indices alive, in the order of axes;
rows: the range of a size, for gathers and scatters.
What the library calls its operations is the Dialect's to say.
Nothing larger than the axes of one product is ever made; what has three or more indices goes through einsum.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from ..core.errors import IversonError
from ..core.node import HALF, TWO, Node, add, coefficient, is_integer, is_num, mul, num, open_, pow_
from ..derivation.lift import arranged
from ..derivation.naming import abstract
from ..derivation.signs import strong
from .contractions import Contractions, quotient
from .contractions import factors as factors
from .contractions import scattered as scattered
from .dialects import PLAIN, Dialect
from .plan import Plan, costly
from .reads import ATOM, LOOSE, SUM, TIMES, UNARY, Value, number, whole
from .windows import Dims, Piece, on_terms, risky

SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Arrays(Contractions):
    """Writes the lines of one function.  `names` maps arrays to identifiers, `size` gives the code of a size."""

    def __init__(
        self,
        plan: Plan,
        names: Mapping[str, str],
        size: Callable[[Node], str],
        unused: Callable[[str], str],
        indent: str = "    ",
        dims: Dims | None = None,
        dialect: Dialect = PLAIN,
        labels: Collection[str] = (),
    ) -> None:
        self.dims, self.dialect, self.labels = dims or {}, dialect, set(labels)
        self.plan, self.names, self.size, self.unused, self.indent = plan, names, size, unused, indent
        self.tall: set[str] = set()  # samples x features: products with `params` are made one class a column,
        self.params: set[str] = set()  # so that what runs over classes runs down contiguous memory
        self.functions: set[str] = set()  # of the user: their names come before ours
        self.lines: list[str] = []
        self.shared: dict[Node, tuple[str, tuple[int, ...], bool]] = {}
        self.ranges: dict[Node, str] = {}

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    # -- definitions ---------------------------------------------------------------------------------------

    def define(self, name: str, indices: tuple[Node, ...], body: Node) -> None:
        """`name = ...` with one axis for each index."""
        target = self.names[name]
        if body.op == "tensor":
            self.line(f"{target} = {self.dialect.tensor[body.attr[0]].format(*(self.names[n] for n in body.attr[1:]))}")
        elif name in self.plan.pieces:
            self.assemble(target, indices, self.plan.pieces[name])
        elif not self.scatter(target, indices, body):
            value = self.value(body, indices)
            code = self.full(value, indices)
            shared = name in self.plan.outputs and code.isidentifier()
            self.line(f"{target} = {self.array('own', code) if shared else code}")

    def full(self, v: Value, axes: tuple[Node, ...]) -> str:
        """Code with exactly these axes, spread where the value does not depend on one."""
        if set(v.axes) == set(axes):
            return self.lifted(self.counted(self.aligned(v, axes))).code
        shape = ", ".join(self.size(i.attr[1]) for i in axes) + ("," if len(axes) == 1 else "")
        operation = "filled" if v.number else "spread"
        method = self.dialect.array[operation].startswith("{0}.")
        return self.array(operation, self.aligned(v, axes).at(ATOM if method else LOOSE), shape)

    def counted(self, v: Value) -> Value:
        """A mask as 1.0 and 0.0; anything else as it is."""
        if not v.truth:
            return v
        code = f"float({v.code})" if v.number else self.array("real", v.at(ATOM))
        return Value(code, v.axes, ATOM if code.endswith(")") and "*" not in code[:4] else TIMES, number=v.number)

    def assemble(self, target: str, indices: tuple[Node, ...], parts: Sequence[Piece]) -> None:
        """Terms that count on a part of the axes are added there: `g[1:] += x[1:] - x[:-1]`."""
        self._base(target, indices, [p.term for p in parts if not any(p.windows)])
        for p in (p for p in parts if any(p.windows)):
            minus = coefficient(p.term)[0] < 0
            v = self.aligned(self.value(mul(num(-1), p.term) if minus else p.term, p.own), p.own)
            places = [self.stretch(w.start, w.size, i.attr[1]) if w else ":" for w, i in zip(p.windows, indices, strict=True)]
            while len(places) > 1 and places[-1] == ":":
                places.pop()
            self.line(self.array("subtract" if minus else "add", target, ", ".join(places), v.code))

    def scatter(self, target: str, indices: tuple[Node, ...], body: Node) -> bool:
        """Terms with [k = y[i]] or [k != y[i]] written by assignment to the entries they pick out."""
        if len(indices) != 2:
            return False
        outer, total = outside(body, indices)
        terms = total.args if total.op == "add" else (total,)
        split = [picked(t, indices) for t in terms]
        if not any(s is not None for s in split):
            return False
        plain = [t for t, s in zip(terms, split, strict=True) if s is None]
        masks = [s for s in split if s is not None and s[0] == "!="]
        hits = [s for s in split if s is not None and s[0] == "="]
        if len(masks) > 1 or (masks and plain):
            return False
        base = plain or [masks[0][2]] if plain or masks else []
        self._base(target, indices, base)
        for _, place, _, _ in masks:
            self.line(self.array("set", target, self.place(indices, place)))
        for _, place, f, _ in hits:
            self._hit(target, indices, place, f)
        top, bottom = quotient(outer)
        for sign, part in (("*", top), ("/", bottom)):
            if not is_num(part, 1):
                v = self.value(part, ())
                self.line(self.array("scale", target, sign, v.at(UNARY if "= {2}" not in self.dialect.array["scale"] else LOOSE)))
        return True

    def _base(self, target: str, indices: tuple[Node, ...], base: Sequence[Node]) -> None:
        if not base:
            shape = ", ".join(self.size(i.attr[1]) for i in indices)
            self.line(f"{target} = {self.array('zeros', shape)}")
            return
        v = self.value(add(*base), indices)
        made = Value(self.full(v, indices), indices, SUM if v.level < ATOM and set(v.axes) == set(indices) else ATOM)
        own = v.fresh or v.truth
        if integral(add(*base)) and not v.truth and set(v.axes) == set(indices):
            own, made = True, self.counted(replace(made, truth=True))  # what is added to it need not be a whole number
        operation = "fresh" if own else "copy"
        method = self.dialect.array[operation].startswith("{0}.")
        self.line(f"{target} = {self.array(operation, made.at(ATOM if method else LOOSE))}")

    def _hit(self, target: str, indices: tuple[Node, ...], place: Node, f: Node) -> None:
        c, _ = coefficient(f)
        v = self.value(mul(num(-1), f) if c < 0 else f, (indices[0],))
        self.line(self.array("subtract" if c < 0 else "add", target, self.place(indices, place), v.code))

    def place(self, indices: tuple[Node, ...], label: Node) -> str:
        return f"{self.rows(indices[0].attr[1])}, {self.position(label, (indices[0],)).code}"

    # -- expressions ---------------------------------------------------------------------------------------

    def value(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """`f` as code; a part that is needed again is given a name first."""
        if costly(f):
            key, terms = abstract(f)
            if key in self.shared:
                var, order, truth = self.shared[key]
                return Value(var, tuple(terms[p] for p in order), ATOM, truth, False)
            if self.plan.repeats.get(key, 0) > 1:
                return self._share(f, scope, key, terms)
        v: Value = getattr(self, f"_{f.op}")(f, scope)
        return replace(v, number=True) if not v.axes and number(f) else v

    def _share(self, f: Node, scope: tuple[Node, ...], key: Node, terms: tuple[Node, ...]) -> Value:
        v = getattr(self, f"_{f.op}")(f, scope)
        if v.level == ATOM and not v.fresh:
            return v
        var = self.unused(STEMS.get(f.attr if f.op == "apply" else f.attr[0] if f.op == "red" else f.op, "t"))
        self.line(f"{var} = {self.counted(v).code}")
        self.shared[key] = (var, tuple(terms.index(i) for i in v.axes), False)
        return Value(var, v.axes, ATOM, False, False)

    def _num(self, f: Node, scope: tuple[Node, ...]) -> Value:
        if isinstance(f.attr, int):
            return Value(
                f"{f.attr}.0" if abs(f.attr) < 10**15 else repr(float(f.attr)),
                (),
                ATOM if f.attr >= 0 else SUM,
            )
        exact = Fraction(f.attr)
        if exact.denominator < 1000 and exact.denominator not in (2, 4, 5, 10, 20, 100):
            return Value(f"{exact.numerator}.0/{exact.denominator}.0", (), TIMES if exact > 0 else SUM)
        return Value(repr(float(exact)), (), ATOM if exact >= 0 else SUM)

    def _size(self, f: Node, scope: tuple[Node, ...]) -> Value:
        return Value(self.size(f))

    def _const(self, f: Node, scope: tuple[Node, ...]) -> Value:
        return Value(self.array("constant", f.attr))

    def _idx(self, f: Node, scope: tuple[Node, ...]) -> Value:
        v = self.position(f, scope)
        return replace(v, code=self.array("floats", v.code))

    def _el(self, f: Node, scope: tuple[Node, ...]) -> Value:
        v = self.element(f, scope)
        return replace(v, code=self.array("floats", v.code)) if f.attr in self.labels else v

    def element(self, f: Node, scope: tuple[Node, ...]) -> Value:
        base, terms, sizes = self.names[f.attr], f.args, self.dims.get(f.attr, ())
        if any(t.op in ("add", "mul") or not whole(t, n) for t, n in zip(terms, sizes, strict=False)):
            return self._computed(base, terms, sizes, scope)
        if all(t.op == "idx" for t in terms) and len(set(terms)) == len(terms):
            return Value(base, terms, ATOM, False, False)
        fancy = [t for t in terms if t.op != "idx"]
        plain = [t for t in terms if t.op == "idx"]
        free = {i for t in fancy for i in t.free}
        if (
            len(set(plain)) == len(plain)
            and not free & set(plain)
            and sum(bool(t.free) for t in fancy) <= 1
            and all(len(t.free) <= 1 for t in fancy)
            and (len(fancy) == 1 or not free)
        ):
            return self._sliced(base, terms)
        return self._gathered(base, terms, scope)

    def _sliced(self, base: str, terms: tuple[Node, ...]) -> Value:
        """One axis picked by labels or constants, the others whole: U[u, :]."""
        parts, axes = [], []
        for t in terms:
            parts.append(":" if t.op == "idx" else self.position(t, ()).code)
            axes += [t] if t.op == "idx" else list(self.position(t, ()).axes)
        while parts and parts[-1] == ":" and len(parts) > 1:
            parts.pop()
        return Value(f"{base}[{', '.join(parts)}]", tuple(axes))

    def _gathered(self, base: str, terms: tuple[Node, ...], scope: tuple[Node, ...]) -> Value:
        """Every axis by an array of indices: s[rows, y]."""
        values = [self.position(t, scope) for t in terms]
        shown, axes = self.together(values, scope)
        return Value(f"{base}[{', '.join(v.code for v in shown)}]", axes)

    def _add(self, f: Node, scope: tuple[Node, ...]) -> Value:
        terms = arranged(f.args)
        signs = [coefficient(t)[0] < 0 for t in terms]
        values = [
            self.value(mul(num(-1), t) if minus else t, scope) for t, minus in zip(terms, signs, strict=True)
        ]
        values = [self.counted(v) for v in values]
        shown, axes = self.together(values, scope)
        code = negative(shown[0].at(TIMES)) if signs[0] else shown[0].at(SUM)
        for v, minus in zip(shown[1:], signs[1:], strict=True):
            code += (" - " if minus else " + ") + v.at(SUM + 1)
        return Value(code, axes, SUM)

    def _mul(self, f: Node, scope: tuple[Node, ...]) -> Value:
        c, rest = coefficient(f)
        held = [x for x in factors(f) if on_terms(x)]
        if held and risky(f, self.dims):
            return self.where(held, self.value(mul(*(x for x in factors(f) if x not in held)), scope), scope)
        if c < 0:
            v = self.counted(self.value(mul(num(-c), rest), scope))
            return Value(negative(v.at(TIMES)), v.axes, SUM)
        held, loose, others = strong(factors(f))
        if held:
            return self.times([self.value(x, scope) for x in others] + [self.chosen(held, loose, scope)], scope)
        top, bottom = quotient(f)
        above = [self.value(x, scope) for x in factors(top)]
        below = [self.value(x, scope) for x in factors(bottom)]
        return self.divided(self.times(above, scope), self.times(below, scope) if below else None, scope)

    def chosen(self, held: Sequence[Node], loose: Sequence[Node], scope: tuple[Node, ...]) -> Value:
        """A product that is 0 where one of the indicators is false, were the other factors inf or nan there."""
        truths = [self.truth(x, scope) for x in held]
        rest = self.real(mul(*loose), scope)
        if not any(v.axes for v in (*truths, rest)):
            return self.choice(truths, rest)
        (*shown, v), axes = self.together([*truths, rest], scope)
        asked = shown[0].code if len(shown) == 1 else " & ".join(f"({t.code})" for t in shown)
        return self.kept_where(Value(asked, axes, LOOSE, True, number=all(t.number for t in shown)), v, axes)

    def choice(self, truths: Sequence[Value], v: Value) -> Value:
        """A scalar where scalar conditions hold, 0 elsewhere."""
        if all(t.number for t in truths) or "if" in self.dialect.array["choice"]:
            asked = " and ".join(t.at(SUM) for t in truths)
            return Value(f"{self.lifted(v).at(SUM)} if {asked} else {self.lifted(Value('0.0', number=True)).code}", (), LOOSE)
        asked = " & ".join(self.lifted(t, "condition").at(ATOM) if len(truths) > 1 else t.code for t in truths)
        return Value(self.array("choice", asked, self.lifted(v).code))

    def truth(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """An indicator as a condition."""
        if f.op == "br":
            return self._rel(f.args[0], scope)
        v = self.value(f, scope)
        return Value(f"{v.at(SUM)} != 0.0", v.axes, LOOSE, True)

    def times(self, values: list[Value], scope: tuple[Node, ...]) -> Value:
        """A product, what has the fewest axes first."""
        if not values:
            return Value("1.0")
        if len(values) == 1:
            return values[0]
        ranked = sorted(values, key=lambda v: (v.truth, len(v.axes)))
        if ranked[0].truth and all(v.truth for v in ranked):
            ranked[0] = self.counted(ranked[0])
        shown, axes = self.together(ranked, scope)
        return Value("*".join(v.at(TIMES if p == 0 else TIMES + 1) for p, v in enumerate(shown)), axes, TIMES)

    def divided(self, top: Value, bottom: Value | None, scope: tuple[Node, ...]) -> Value:
        if bottom is None:
            return top
        (a, b), axes = self.together([top, bottom], scope)
        less = not axes and " - " in b.code  # sizes may differ by 0
        below = self.array("divisor", b.code) if less and b.number else b.at(TIMES + 1)
        return Value(f"{a.at(TIMES)}/{below}", axes, TIMES)

    def _pow(self, f: Node, scope: tuple[Node, ...]) -> Value:
        base, e = f.args
        if e.op == "num" and e.attr < 0:
            return self.divided(Value("1.0"), self.real(pow_(base, num(-e.attr)), scope), scope)
        if e is HALF:
            root = self.norm(base, scope)
            if root is not None:
                return root
            v = self.real(base, scope)
            return Value(self.called("sqrt", [v]), v.axes)
        if e.op == "num" and isinstance(e.attr, int):
            v = self.real(base, scope)
            return Value(f"{v.at(ATOM)}**{e.attr}", v.axes, UNARY)
        (a, b), axes = self.together([self.real(base, scope), self.real(e, scope)], scope)
        if a.number and b.number and self.dialect.numbers:
            return Value(f"{a.at(ATOM)}**{b.at(ATOM)}", axes, UNARY)
        return Value(self.array("power", a.code, b.code), axes)

    def norm(self, f: Node, scope: tuple[Node, ...]) -> Value | None:
        """The root of a sum of squares; None where `f` is none."""
        if f.op != "red" or f.attr[0] != "sum":
            return None
        bound, body, _ = open_(f)
        if body.op != "pow" or body.args[1] is not TWO:
            return None
        v = self.real(body.args[0], (*scope, *bound))
        if not set(bound) <= set(v.axes):
            return None
        made = self.along(v, bound, "sum")
        _, total, axis = made.code.rpartition(".sum(")
        if not total or not axis.endswith(")"):
            return None
        axis = axis[:-1]
        return Value(f"_norm({v.code}{', ' if axis else ''}{axis})", made.axes)

    def real(self, f: Node, scope: tuple[Node, ...]) -> Value:
        """The value as floats: NumPy computes functions of booleans in half precision."""
        return self.counted(self.value(f, scope))

    def _apply(self, f: Node, scope: tuple[Node, ...]) -> Value:
        shown, axes = self.together([self.real(a, scope) for a in f.args], scope)
        if f.attr not in self.dialect.functions or f.attr in self.functions:
            name = self.names.get(f.attr.rstrip("'"), f.attr.rstrip("'"))
            return Value(f"{name}{'_prime' if f.attr.endswith(chr(39)) else ''}({shown[0].code})", axes)
        if len(shown) == 1:
            return Value(self.called(f.attr, shown), axes)
        first, *others = sorted(shown, key=lambda v: v.number) if f.attr in ("max", "min") and self.dialect.numbers else shown
        for v in others:
            first = Value(self.called(f.attr, [first, v]), axes, number=first.number and v.number)
        return first

    def called(self, function: str, args: Sequence[Value]) -> str:
        """An elementwise function of arrays, or of Python numbers."""
        d = self.dialect
        if args[-1].number and not args[0].number and f"{function} number" in d.functions:
            return d.functions[f"{function} number"].format(*(v.code for v in args))
        if d.numbers and all(v.number for v in args) and function in d.numbers:
            return d.numbers[function].format(*(v.code for v in args))
        if d.numbers and (len(args) == 1 or function in d.lifted):
            args = [self.lifted(v) for v in args]
        return d.functions[function].format(*(v.code for v in args))

    def _rel(self, f: Node, scope: tuple[Node, ...]) -> Value:
        terms = all(a.term for a in f.args)
        whole = [a for a in f.args if a.op == "idx" or (a.op == "el" and a.attr in self.labels)]
        values = [self.term(a, scope) if terms else self.position(a, scope) if a in whole else self.value(a, scope) for a in f.args]
        shown, axes = self.together(values, scope)
        code = f"{shown[0].at(SUM)} {SIGNS[f.attr]} {shown[1].at(SUM)}"
        return Value(code, axes, LOOSE, True, number=not axes and number(f))

    def _br(self, f: Node, scope: tuple[Node, ...]) -> Value:
        v = self._rel(f.args[0], scope)
        return v if v.axes or not (v.number or not self.dialect.numbers) else Value(f"float({v.code})", number=v.number)

    # -- reductions ----------------------------------------------------------------------------------------

    def _red(self, f: Node, scope: tuple[Node, ...]) -> Value:
        kind = f.attr[0]
        bound, body, condition = open_(f)
        inner = (*scope, *bound)
        if kind == "sum":
            return self.contraction(bound, body, inner)
        v = self.real(body, inner)
        method, neutral = self.dialect.reduce[kind]
        if not is_num(condition, 1):
            c = self.truth(condition, inner)
            (c, v), axes = self.together([c, v], inner)
            v = Value(self.array("otherwise", self.lifted(c, "condition").code, self.lifted(v).code, neutral), axes)
        missing = [i for i in bound if i not in v.axes]
        if missing:
            axes = tuple(i for i in inner if i in v.axes or i in missing)
            v = Value(self.full(v, axes), axes)
        return self.along(v, bound, method)

    def _tensor(self, f: Node, scope: tuple[Node, ...]) -> Value:
        raise IversonError("unsupported", f"{f.attr[0]} stands inside an expression.")


STEMS = {"exp": "e", "max": "m", "log": "l", "sigmoid": "g", "br": "q", "sum": "c"}


def outside(f: Node, indices: Sequence[Node]) -> tuple[Node, Node]:
    """The scalar factors of a product that has one sum in it, and that sum."""
    parts = factors(f)
    scalars = [x for x in parts if not x.free & set(indices)]
    rest = [x for x in parts if x.free & set(indices)]
    return mul(*scalars), mul(*rest)


def picked(t: Node, indices: tuple[Node, ...]) -> tuple[str, Node, Node, Node] | None:
    """(relation, label, the rest of the term, the bracket) of a term with [k = y[i]] or [k != y[i]], k the last axis."""
    i, k = indices
    for b in factors(t):
        if b.op == "br" and b.args[0].attr in ("=", "!=") and b.args[0].args[0] is k:
            label = b.args[0].args[1]
            rest = mul(*(x for x in factors(t) if x is not b))
            if label.op == "el" and label.free == {i} and (b.args[0].attr == "!=" or k not in rest.free):
                return b.args[0].attr, label, rest, b
    return None


def negative(code: str) -> str:
    """A product with a minus; where it begins with parentheses they may hold a mask, which has no negative.  Of a matrix
    product the result is negated, which is the smaller one."""
    head, product, _ = code.partition(" @ ")
    if product and not set("*/") & set(head) and head.count("(") == head.count(")"):
        return f"-({code})"
    return ("-1.0*" if code.startswith("(") else "-") + code


def integral(f: Node) -> bool:
    """Computed in integers: made of sizes, indices, brackets and whole numbers."""
    if f.op == "num":
        return is_integer(f)
    if f.op == "pow":
        return integral(f.args[0]) and is_integer(f.args[1]) and f.args[1].attr > 0
    return f.op in ("size", "idx", "br") or (f.op in ("add", "mul", "red") and integral(f.args[0]) and all(map(integral, f.args)))


