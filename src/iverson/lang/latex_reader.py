r"""From the tree of a LaTeX formula to Surface, with the symbols of the text at hand.

Glossary   env: what letters mean where a formula is read: bound indices, arguments of a function;  v: a value with its rank;
found: a key's entry.  What LaTeX leaves open is settled here by what is declared and defined, or refused.
A definition without free letters becomes an equation; one that leans on an index of where it is used is put in.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ..core.errors import Span
from .latex_calls import Calls, logical
from .latex_names import Env, text_of_sub
from .latex_sums import condition_of, reduction, truth_of
from .latex_symbols import Entry, mark_of, plain
from .latex_tree import Tex, inner_of, trailing_sum
from .latex_values import (
    Val,
    added,
    applied,
    const,
    divided,
    dotted,
    entrywise_power,
    grid,
    inverse,
    multiplied,
    negative,
    norm,
    number_of,
    plus,
    raised,
    turned,
)
from .surface import Surface, names_in, number

MOST_WORK = 20_000
KNOWN_NORMS = r"Known are \|x\|_1, \|x\|_2, \|x\|_\infty, \|x\|_p, \|X\|_F, \|X\|_*, \|X\|_{1,1} and \|x\|_A of a matrix A."


class Reader(Calls):
    """One reading of one text."""

    # -- one node --------------------------------------------------------------------------------------------

    def value(self, t: Tex, env: Env) -> Val:
        """The value of a tree with its scripts."""
        self.work += 1
        if self.work > MOST_WORK:
            raise self.error("limit", "Its definitions put into each other make the formula too large.", t.span)
        if t.op in ("sym", "num") and t.sub is not None and self.indicates(t, env) and len(t.sub) == 1 and logical(inner_of(t.sub[0])):
            return self.above(self.bracket(inner_of(t.sub[0]), env, t.span), t.sup, t.span, env)
        if t.op == "sym":
            return self.symbol(t, env)
        if t.op == "num" and t.attr in (0, 1) and t.sub and (made := self.special(replace(t, attr=rf"\mathbf{{{t.attr}}}"), env)) is not None:
            return made
        if t.op != "big" and (t.op in ("fence", "norm", "bars") or t.sub is not None or t.sup):
            return self.scripted(t, env)
        return getattr(self, f"_{t.op}")(t, env)

    def scripted(self, t: Tex, env: Env) -> Val:
        """A piece in parentheses, a norm, ... with what stands below and above it."""
        bare = Tex(t.op, t.args, t.attr, t.span)
        sub = t.sub
        if t.op == "norm":
            v, sub = self.norm(t, env), None
            if v.what == "squared":
                return self.above(replace(v, what=""), t.sup[1:], t.span, env)
        elif t.op == "bars":
            v, sub = self.bars(t, env), None
        elif t.op == "inner":
            v, sub = self._inner(bare, env), None if text_of_sub(t) in ("F", "2") else t.sub
        elif t.op == "fence":
            v = self.fence(bare, env)
        else:
            v = getattr(self, f"_{t.op}")(bare, env)
        if sub is not None and any(s.op == "plus" for s in sub):
            v, sub = Val(Surface("call", (number(0), number_of(v).tree), "max", t.span), v.dims, v.row), None
        if sub is not None:
            if v.rank == 0 and not v.cells:
                raise self.error("syntax", "A subscript on a scalar is not read.", t.span)
            v = self.indexed(v, sub, t, env)
        return self.above(v, t.sup, t.span, env)

    def above(self, v: Val, sup: tuple, span: Span, env: Env) -> Val:
        """Transposes, inverses and powers, from left to right."""
        for kind, x in sup:
            if kind == "T" and x == "H" and not v.rank:
                v = raised(v, self.number(Tex("sym", (), "H", span), env), span, self.entrywise)
            elif kind in ("T", "prime"):
                self._transposable(v, kind, x, span)
                v = turned(v, span)
            elif kind in ("inv", "invT"):
                v = self._inverse(v, span)
                v = turned(v, span) if kind == "invT" else v
            elif kind == "pinv" and x == "+" and v.rank == 0:
                v = Val(Surface("call", (number(0), number_of(v).tree), "max", span))
            elif kind == "pinv":
                v = applied("pinv", [v], span)
            elif kind == "epower":
                v = entrywise_power(v, self.number(x, env), span)
            elif kind == "power":
                v = raised(v, self.number(x, env), span, self.entrywise)
            elif kind:
                shown = mark_of(kind, x) or kind
                raise self.error("unsupported", f"What ^{{{shown}}} means here is not clear.", span,
                                 "Say it with symbols=, or write a subscript for an index.")
        return v

    def _transposable(self, v: Val, kind: str, letter: object, span: Span) -> None:
        if kind == "T" and letter == "T" and v.rank == 0 and (self.symbols.entries.get("T") or "T" in self.sizes):
            raise self.error("ambiguous", "^T is a transpose of a scalar, or a power by T.", span, r"Write ^\top or ^{(T)}, or rename T.")
        if letter == "H":
            self.notes["^H is the transpose: everything here is real"] = None
        if kind == "prime" and v.rank == 0:
            raise self.error("ambiguous", "A prime on a scalar is a derivative or a part of a name.", span,
                             "Define the name with its prime, or leave it out.")

    def _inverse(self, v: Val, span: Span) -> Val:
        if v.what == "eye" and not v.dims and v.tree.op != "name":
            raise self.error("ambiguous", "The size of this is not clear.", span, r"Write I_n, and declare the sizes.")
        return v if v.what == "eye" and v.tree.attr in ("?eye", "eye") else inverse(v, span)

    def indexed(self, v: Val, sub: tuple[Tex, ...], t: Tex, env: Env) -> Val:
        """(A)_{ij}: entries of an expression."""
        if v.cells:
            raise self.error("unsupported", "An entry of an explicit matrix is not read.", t.span)
        rank = v.rank
        terms = self.terms(sub, rank if rank is not None else max(len(sub), 1))
        dims = v.dims if v.dims is not None else (None,) * len(terms)
        if len(terms) != len(dims):
            raise self.error("shape", f"{len(dims)} ind{'ex' if len(dims) == 1 else 'ices'} belong here, not {len(terms)}.", t.span)
        tree = v.tree.args[0] if v.tree.op == "transpose" and len(dims) == 1 else v.tree
        places = [self.term(x, env, n, None) for x, n in zip(terms, dims, strict=True)]
        return self.picked(tree, places, dims, t.span)

    # -- plain nodes -----------------------------------------------------------------------------------------

    def _num(self, t: Tex, env: Env) -> Val:
        return Val(number(t.attr).at(t.span), numeral=True)

    def _group(self, t: Tex, env: Env) -> Val:
        return self.value(t.args[0], env)

    def fence(self, t: Tex, env: Env) -> Val:
        if len(t.args) != 1:
            if t.args and t.attr == "(":
                return self._vector(t, env)
            raise self.error("syntax", "One expression is expected between these.", t.span)
        if t.args[0].op in ("rel", "and", "or", "not"):
            if t.attr == "[":
                return self.bracket(t.args[0], env, t.span)
            raise self.error("syntax", "A relation is a number only in an indicator.", t.span, r"Write \mathbb{1}\{...\} or [...].")
        v = self.value(t.args[0], env)
        return v.at(t.span)

    def _vector(self, t: Tex, env: Env) -> Val:
        raise self.error("unsupported", "A list of numbers is not read.", t.span, r"Write \begin{bmatrix} ... \end{bmatrix}.")

    def _add(self, t: Tex, env: Env) -> Val:
        for a, b in pairwise(t.args):
            if trailing_sum(a) is not None and inner_of(b).op in ("sym", "num"):
                self.notes["a sum ends before the + or - that follows it"] = None
        return added([self.value(a, env) for a in t.args], t.span)

    def _neg(self, t: Tex, env: Env) -> Val:
        return negative(self.value(t.args[0], env), t.span)

    def _frac(self, t: Tex, env: Env) -> Val:
        return divided(self.value(t.args[0], env), self.value(t.args[1], env), t.span)

    def _sqrt(self, t: Tex, env: Env) -> Val:
        v = self.number(t.args[0], env)
        if len(t.args) == 2:
            if t.args[1].op == "num" and t.args[1].attr == 3:
                return applied("cbrt", [v], t.span)  # of negative numbers too
            return raised(v, divided(const(1), self.number(t.args[1], env), t.span), t.span)
        return applied("sqrt", [v], t.span)

    def _floor(self, t: Tex, env: Env) -> Val:
        return applied(t.op, [self.value(t.args[0], env)], t.span)

    _ceil = _floor

    def _inner(self, t: Tex, env: Env) -> Val:
        if len(t.args) != 2:
            raise self.error("syntax", "An inner product has two factors.", t.span)
        return dotted(self.value(t.args[0], env), self.value(t.args[1], env), t.span)

    def _op(self, t: Tex, env: Env) -> Val:
        left, right = t.args
        if t.attr == "slash":
            return self.slash(t, env)
        a, b = self.value(left, env), self.value(right, env)
        if t.attr in ("odot", "oslash"):
            return self.entry_product(t.attr, a, b, t.span)
        if t.attr == "otimes":
            return self.outer(a, b, t.span)
        if a.rank == 1 and b.rank == 1 and not a.row and not b.row and not self.entrywise and t.attr != "cdot":
            x = "The cross product, the inner product or the product of entries"
            raise self.error("ambiguous", f"{x} of two vectors could be meant.", t.span, r"Write u^\top v, u \cdot v or u \odot v.")
        return multiplied(a, b, t.span, self.entrywise, inner=t.attr == "cdot")

    def entry_product(self, sign: str, a: Val, b: Val, span: Span) -> Val:
        a, b = number_of(a), number_of(b)
        big = max((a, b), key=lambda v: v.rank or 0)
        return Val(Surface("emul" if sign == "odot" else "ediv", (a.tree, b.tree), span=span), big.dims, big.row)

    def outer(self, a: Val, b: Val, span: Span) -> Val:
        if a.rank == 1 and b.rank == 1:
            raise self.error("ambiguous", r"\otimes of two vectors is the outer product or the Kronecker product.", span, r"Write u v^\top.")
        return Val(Surface("call", (a.tree, b.tree), "kron", span), (None, None))

    def slash(self, t: Tex, env: Env) -> Val:
        """a/b; 1/2 \\|w\\|^2 is half the norm, and 1/2 a is refused."""
        left, right = t.args
        if left.op == "row" and self.open_function(left.args):
            raise self.error("ambiguous", "What stands above the slash is not clear: log a/b is log(a/b), or log(a)/b.", t.span,
                             "Put the argument in parentheses.")
        if right.op == "row":
            first, rest = right.args[0], right.args[1:]
            lone = first.op in ("num", "sym") and not first.sup
            half = first.op == "num" and left.op == "num"
            if (lone and rest[0].op in ("big", "norm")) or (half and rest[0].op in ("fence", "bars", "frac")):
                quotient = divided(self.value(left, env), self.value(first, env), left.span.to(first.span))
                tail = rest[0] if len(rest) == 1 else Tex("row", rest, span=rest[0].span.to(rest[-1].span))
                return multiplied(quotient, self.value(tail, env), t.span)
            call = first.op == "fn" or self.is_call(right.args, 0, env)
            if not (call and len(right.args) == 2 and rest[0].op == "fence"):
                raise self.error("ambiguous", "What stands below the slash is not clear: a/bc is a/(bc), or (a/b)c.", right.span,
                                 r"Write \frac{a}{bc} or \frac{a}{b} c.")
        return divided(self.value(left, env), self.value(right, env), t.span)

    def open_function(self, items: tuple[Tex, ...]) -> bool:
        """Whether a row ends in an operator with its argument unparenthesised."""
        return (len(items) > 1 and items[-2].op == "fn" and items[-1].op in ("sym", "num", "big")) or (
            len(items) > 2 and items[-3].op == "fn" and items[-1].op in ("sym", "num"))

    def _rel(self, t: Tex, env: Env) -> Val:
        raise self.error("syntax", "A relation is a number only in an indicator.", t.span, r"Write \mathbb{1}\{...\}.")

    _and = _or = _not = _rel

    def _all(self, t: Tex, env: Env) -> Val:
        raise self.error("syntax", "A colon or a dot stands only in an index.", t.span)

    _plus = _such = _rest = _all

    def _grid(self, t: Tex, env: Env) -> Val:
        rows, columns, side = t.attr
        cells = [[self.value(t.args[r * columns + c], env) for c in range(columns)] for r in range(rows)]
        if side in ("vmatrix", "Vmatrix"):
            raise self.error("unsupported", "A determinant of an explicit matrix is not read.", t.span)
        return grid(cells, t.span)

    def _fn(self, t: Tex, env: Env) -> Val:
        raise self.error("syntax", f"{t.attr} has no argument here.", t.span,
                         f"Put what it is taken of in parentheses: {t.attr}(...).")

    def _dropped(self, t: Tex, env: Env) -> Val:
        self.notes[f"{t.attr} is left out"] = None
        return const(0, t.span)

    def _factorial(self, t: Tex, env: Env) -> Val:
        v = self.number(t.args[0], env)
        if v.rank != 0:
            raise self.error("shape", "A factorial is taken of a number.", t.span)
        return Val(Surface("call", (plus(v.tree, 1),), "gamma", t.span))

    def _binom(self, t: Tex, env: Env) -> Val:
        n, k = (self.number(a, env) for a in t.args)
        if n.rank != 0 or k.rank != 0:
            raise self.error("shape", "A binomial is taken of two numbers.", t.span)
        less = Surface("add", (n.tree, Surface("neg", (k.tree,))))
        logs = [Surface("call", (plus(x, 1),), "gammaln", t.span) for x in (n.tree, k.tree, less)]
        signed = (logs[0], *(Surface("neg", (x,)) for x in logs[1:]))
        return Val(Surface("call", (Surface("add", signed, span=t.span),), "exp", t.span))

    def _big(self, t: Tex, env: Env) -> Val:
        return reduction(self, t, env)

    def _cases(self, t: Tex, env: Env) -> Val:
        """A value where its condition holds and none before it."""
        terms: list[Surface] = []
        before: list[Surface] = []
        shape = Val(number(0))
        for p in range(0, len(t.args), 2):
            v = self.number(t.args[p], env)
            rest = t.args[p + 1].op == "rest"
            own = [] if rest else [condition_of(self, t.args[p + 1], env)]
            if rest and (p + 2 < len(t.args) or p == 0):
                raise self.error("syntax", "Only the last of several cases stands without a condition.", t.args[p].span)
            after = [] if own and before and complementary(own[0], before) else [Surface("not", (c,), span=c.span) for c in before]
            holds = conjunction([*own, *after])
            if not (v.tree.op == "num" and v.tree.attr == 0):
                terms.append(Surface("emul", (Surface("bracket", (holds,), span=holds.span), v.tree), span=v.span))
            before += own
            shape = v if v.rank else shape
        if not terms:
            return const(0, t.span)
        return Val(terms[0] if len(terms) == 1 else Surface("add", tuple(terms), span=t.span), shape.dims, shape.row)

    def bracket(self, t: Tex, env: Env, span: Span) -> Val:
        truth = truth_of(self, t, env)
        return Val(Surface("bracket", (truth.tree,), span=span), truth.dims, truth.row)

    # -- norms and bars --------------------------------------------------------------------------------------

    def norm(self, t: Tex, env: Env) -> Val:
        v = self.value(t.args[0], env)
        kind = text_of_sub(t)
        kind = "F" if kind in ("Fro", "fro", "Frob", "frob") else kind
        known = t.sub is None or kind in ("1", "2", "F", "fro", "*", "nuc", "tr", r"\infty") or (t.sub and t.sub[0].op == "all")
        if kind == "0":
            raise self.error("unsupported", "The number of entries that are not 0 has no slope.", t.span, r"Write \|x\|_1.")
        if kind in ("1,1", "11") and v.rank == 2:
            return Val(Surface("call", (Surface("call", (number_of(v).tree,), "abs", t.span),), "sum", t.span))
        if kind in ("2,1", "21", "1,2", "12") and v.rank == 2:
            raise self.error("ambiguous", "This norm sums the norms of the rows, or of the columns.", t.span,
                             r"Write \sum_i \|X_{i,:}\|_2 or \sum_j \|X_{:,j}\|_2.")
        if not known and t.sub is not None and len(t.sub) == 1:
            below = self.number(t.sub[0], env)
            if below.rank == 2:
                left = turned(v, t.span)
                square = multiplied(multiplied(left, below, t.span), v, t.span)
                return applied("sqrt", [square], t.span)
            if below.rank == 0 and v.rank == 1 and (below.tree.op == "num" or below.tree.op == "name"):
                return Val(Surface("call", (v.tree, below.tree), "normp", t.span))
            raise self.error("unsupported", "This norm is not read.", t.span, KNOWN_NORMS)
        if t.sub is None and v.rank and not v.cells and t.sup and t.sup[0][0] == "power" and integer_of(t.sup[0][1]) == 2:
            if v.rank == 2:
                self.notes["the norm of a matrix without a subscript is the Frobenius norm"] = None
            squares = Surface("epow", (number_of(v).tree, number(2)), span=t.span)
            return Val(Surface("call", (squares,), "sum", t.span), what="squared")
        made, note = norm(v, "*" if t.sub and t.sub[0].op == "all" else kind, t.span)
        if note:
            self.notes[note] = None
        return made

    def set_name(self, t: Tex, env: Env) -> Tex:
        """|\\mathcal{D}| where D is a size: the number of its elements."""
        base = plain(str(t.attr))
        lone = t.op == "sym" and not t.sub and not t.sup and str(t.attr) not in env and self.symbols.find(t) is None
        return replace(t, attr=base) if lone and base in self.sizes else t

    def bars(self, t: Tex, env: Env) -> Val:
        v = self.value(self.set_name(t.args[0], env), env)
        if v.what == "size" and t.sub is None:
            return v
        v = number_of(v)
        kind = text_of_sub(t)
        if kind == "1" and v.rank == 1:
            return norm(v, "1", t.span)[0]
        if t.sub is not None and not (kind == "+" or t.sub[0].op == "plus"):
            raise self.error("unsupported", "Bars with this subscript are not read.", t.span)
        if v.rank == 2:
            self.notes["bars around a matrix are its determinant"] = None
            return applied("det", [v], t.span)
        if v.rank == 1:
            raise self.error("ambiguous", "Bars around a vector are its norm, or the absolute values of its entries.", t.span,
                             r"Write \|x\|_2, or the sum \sum_i |x_i|.")
        if v.rank is None and any(n[:1].isupper() for n in names_in(v.tree)):
            raise self.error("ambiguous", "Bars are the determinant of a matrix, or the absolute value of a number.", t.span,
                             "Say what stands between them: sizes={...}, or write \\det.")
        return Val(Surface("call", (v.tree,), "abs", t.span), v.dims)

    # -- rows of factors -------------------------------------------------------------------------------------

    def _row(self, t: Tex, env: Env) -> Val:
        """Factors side by side, calls among them."""
        items = list(t.args)
        values: list[Val] = []
        at = 0
        for a, b in pairwise(items):
            if a.op == b.op == "num" and not (a.sup or a.sub):
                raise self.error("syntax", "Two numbers stand side by side.", a.span.to(b.span), "Write a sign between them.")
        while at < len(items):
            v, at = self.factor(items, at, env)
            values.append(v)
        first = next((p for p, v in enumerate(values) if v.what == "one" and not v.dims), 0)
        made = self.product(values[first:], t.span)
        if first:  # the size of the ones follows from what stands behind them
            made = multiplied(self.product(values[:first], t.span), made, t.span, self.entrywise)
        return made.at(t.span) if len(values) > 1 and not made.cells else made

    def product(self, values: list[Val], span: Span) -> Val:
        made = values[0]
        for v in values[1:]:
            made = multiplied(made, v, (made.span or span).to(v.span), self.entrywise)
        return made

    def factor(self, items: list[Tex], at: int, env: Env) -> tuple[Val, int]:
        """The next factor of a row, and where the row goes on."""
        t = items[at]
        following = items[at + 1] if at + 1 < len(items) else None
        if t.op == "fn":
            return self.function(items, at, env)
        if self.indicates(t, env):
            if following is not None and following.op == "fence" and len(following.args) == 1 and logical(following.args[0]):
                v = self.bracket(following.args[0], env, t.span.to(following.span))
                return self.above(v, following.sup, t.span, env), at + 2
            if t.sub is not None and len(t.sub) == 1 and logical(inner_of(t.sub[0])):
                return self.above(self.bracket(inner_of(t.sub[0]), env, t.span), t.sup, t.span, env), at + 1
        if self.is_call(tuple(items), at, env):
            return self.call(t, items[at + 1], env), at + 2
        return self.value(t, env), at + 1

    def inside(self, e: Entry, env: Env) -> Val:
        """The body of a definition, read where it is used."""
        assert e.body is not None
        if e.fault is not None:
            raise e.fault
        if e.state == "open":
            raise self.error("name", f"{e.name} is defined by itself.", e.body.span)
        before, e.state = e.state, "open"
        try:
            return self.value(e.body, env)
        finally:
            e.state = before


def integer_of(t: Tex) -> int | None:
    t = inner_of(t)
    return t.attr if t.op == "num" and isinstance(t.attr, int) else None


def conjunction(conditions: list[Surface]) -> Surface:
    made = conditions[0]
    for c in conditions[1:]:
        made = Surface("and", (made, c), span=made.span)
    return made


def complementary(own: Surface, before: list[Surface]) -> bool:
    """Whether a condition says just that the only one before it does not hold."""
    from .latex_words import NEGATED

    if len(before) != 1 or own.op != "rel" or before[0].op != "rel":
        return False
    mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    other = before[0]
    return (own.args == other.args and own.attr == NEGATED[other.attr]) or (
        own.args == other.args[::-1] and mirrored.get(own.attr, own.attr) == NEGATED[other.attr])
