r"""From the tree of a LaTeX formula to Surface, with the symbols of the text at hand.

Glossary   env: what letters mean where a formula is read: bound indices, arguments of a function;  v: a value with its rank;
found: a key's entry.  What LaTeX leaves open is settled here by what is declared and defined, or refused.
A definition without free letters becomes an equation; one that leans on an index of where it is used is put in.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from itertools import pairwise

from ..core.errors import Span
from .latex_names import Env, Names, key_text, text_of_sub
from .latex_sums import condition_of, reduction, truth_of
from .latex_symbols import Entry, mark_of, plain
from .latex_tree import Tex, inner_of, same
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
    raised,
    turned,
)
from .latex_words import FUNCTIONS, LONG
from .surface import Surface, number

MOST_WORK = 20_000
ONES = (r"\mathbb{1}", r"\mathbf{1}", r"\mathbb{I}", "I", r"\mathbf{I}", "1")
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}
STANDARD = {r"\sigma": "sigmoid", r"\Gamma": "gamma", r"\Phi": "normcdf"}
UNCLEAR = ("log",)  # log(x)^2 is read both ways


class Reader(Names):
    """One reading of one text."""

    # -- one node --------------------------------------------------------------------------------------------

    def value(self, t: Tex, env: Env) -> Val:
        """The value of a tree with its scripts."""
        self.work += 1
        if self.work > MOST_WORK:
            raise self.error("limit", "Its definitions put into each other make the formula too large.", t.span)
        if t.op == "sym":
            return self.symbol(t, env)
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
            if kind in ("T", "prime"):
                self._transposable(v, kind, x, span)
                v = turned(v, span)
            elif kind in ("inv", "invT"):
                v = self._inverse(v, span)
                v = turned(v, span) if kind == "invT" else v
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
        if kind == "prime" and v.rank == 0:
            raise self.error("ambiguous", "A prime on a scalar is a derivative or a part of a name.", span,
                             "Define the name with its prime, or leave it out.")

    def _inverse(self, v: Val, span: Span) -> Val:
        return v if v.what == "eye" else inverse(v, span)

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
        return replace(v, tree=v.tree.at(t.span))

    def _vector(self, t: Tex, env: Env) -> Val:
        raise self.error("unsupported", "A list of numbers is not read.", t.span, r"Write \begin{bmatrix} ... \end{bmatrix}.")

    def _add(self, t: Tex, env: Env) -> Val:
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
        raise self.error("syntax", f"{t.attr} has no argument here.", t.span)

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
        known = t.sub is None or kind in ("1", "2", "F", "fro", "*", "nuc", "tr", r"\infty") or (t.sub and t.sub[0].op == "all")
        if not known and t.sub is not None and len(t.sub) == 1:
            below = self.number(t.sub[0], env)
            if below.rank == 2:
                left = turned(v, t.span)
                square = multiplied(multiplied(left, below, t.span), v, t.span)
                return applied("sqrt", [square], t.span)
            if below.rank == 0 and v.rank == 1 and (below.tree.op == "num" or below.tree.op == "name"):
                return Val(Surface("call", (v.tree, below.tree), "normp", t.span))
            raise self.error("unsupported", "This norm is not read.", t.span)
        if t.sub is None and v.rank and not v.cells and t.sup and t.sup[0][0] == "power" and integer_of(t.sup[0][1]) == 2:
            if v.rank == 2:
                self.notes["the norm of a matrix without a subscript is the Frobenius norm"] = None
            squares = Surface("epow", (number_of(v).tree, number(2)), span=t.span)
            return Val(Surface("call", (squares,), "sum", t.span), what="squared")
        made, note = norm(v, "*" if t.sub and t.sub[0].op == "all" else kind, t.span)
        if note:
            self.notes[note] = None
        return made

    def bars(self, t: Tex, env: Env) -> Val:
        v = self.number(t.args[0], env)
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
        made = values[0]
        for v in values[1:]:
            made = multiplied(made, v, (made.span or t.span).to(v.span), self.entrywise)
        return replace(made, tree=made.tree.at(t.span)) if len(values) > 1 and not made.cells else made

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

    def indicates(self, t: Tex, env: Env) -> bool:
        if t.op == "num":
            return t.attr == 1
        return t.op == "sym" and t.attr in ONES and t.attr not in env and not (
            (found := self.symbols.find(t)) and found[0].given and not t.sub)

    # -- functions -------------------------------------------------------------------------------------------

    def function(self, items: list[Tex], at: int, env: Env) -> tuple[Val, int]:
        """An operator with its argument: in parentheses, or the next factor where that is one only."""
        f, span = items[at], items[at].span
        name_, power = self.head(f, env)
        if at + 1 == len(items):
            return self._fn(f, env), at + 1
        arg = items[at + 1]
        if arg.op == "fence" and arg.attr in ("(", "[", r"\{"):
            args = [self.argument(a, env, name_) for a in arg.args]
            v = self.apply(name_, args, span.to(arg.span), f)
            if arg.sub is not None:
                v = self.indexed(v, arg.sub, arg, env) if v.rank != 0 else self.scripted(arg, env)
            if name_ in UNCLEAR and any(k == "power" for k, _ in arg.sup):
                raise self.error("ambiguous", f"The power belongs to {name_}, or to what it is taken of.", arg.span,
                                 rf"Write \{name_}^2(x), or \{name_}(x^2).")
            return self.above(self.powered(v, power, span, env), arg.sup, span, env), at + 2
        if arg.op == "big" and arg.args[0].op == "op" and arg.args[0].attr == "slash":
            raise self.error("ambiguous", f"What is divided is not clear: what {name_} is taken of, or its value.", arg.args[0].span,
                             r"Write \frac, or parentheses.")
        stop = self.reach(items, at + 1, name_, env)
        inner = items[at + 1] if stop == at + 2 else Tex("row", tuple(items[at + 1 : stop]), span=items[at + 1].span.to(items[stop - 1].span))
        v = self.value(inner, env) if inner.op == "row" or inner.op != "fn" else self._fn(inner, env)
        return self.powered(self.apply(name_, [v], span.to(inner.span), f), power, span, env), stop

    def argument(self, t: Tex, env: Env, f: str) -> Val:
        if logical(t):
            raise self.error("unsupported", f"{f} over a set is not read.", t.span)
        return self.value(t, env)

    def head(self, f: Tex, env: Env) -> tuple[str, Tex | None]:
        """The operator's name with its subscript, as in log_2, and the power it carries: sin^2."""
        name_ = str(f.attr)
        power: Tex | None = None
        for kind, x in f.sup:
            if kind == "inv" and name_ in INVERSES:
                name_ = INVERSES[name_]
            elif kind == "power":
                power = x
            else:
                raise self.error("unsupported", f"What stands above {name_} is not read.", f.span)
        if f.sub is not None:
            base = text_of_sub(f)
            if name_ == "log" and base in ("2", "10"):
                name_ += base
            elif not (name_ == "log" and base in ("e", "{e}")):
                raise self.error("unsupported", f"{name_} with a subscript is not read.", f.span)
        return name_, power

    def powered(self, v: Val, power: Tex | None, span: Span, env: Env) -> Val:
        return v if power is None else raised(v, self.number(power, env), span, self.entrywise)

    def reach(self, items: list[Tex], at: int, f: str, env: Env) -> int:
        """Where the argument of an operator without parentheses ends; refused where it could be one factor or several."""
        if items[at].op == "fn":
            return self.function_end(items, at, env)
        if self.is_call(tuple(items), at, env):
            return at + 2
        stop = at + 1
        if self.indicates(items[at], env) and stop < len(items) and items[stop].op == "fence":
            return at + 2
        ends = ("fn", "big", "fence", "bars", "norm", "inner", "cases")
        while stop < len(items) and items[stop].op not in ends and not self.is_call(tuple(items), stop, env):
            stop += 1
        if stop < len(items) and items[stop].op == "fence" and (f in LONG or (items[at].op == "num" and stop > at + 1)):
            stop += 1
        turned_first = any(k == "T" for k, _ in items[at].sup)
        several = stop > at + 1 or (stop < len(items) and items[stop].op in ("fence", "bars", "norm"))
        if f in LONG or items[at].op == "num" or (turned_first and stop == at + 2) or not several:
            return stop
        if items[at].op in ("frac", "sqrt", "bars", "norm", "inner") and stop == at + 1:
            return at + 1
        raise self.error("ambiguous", f"{f} is taken of one factor, or of all that follow.", items[at].span.to(items[min(stop, len(items)) - 1].span),
                         f"Put its argument in parentheses: {f}(...).")

    def function_end(self, items: list[Tex], at: int, env: Env) -> int:
        if at + 1 < len(items) and items[at + 1].op == "fence":
            return at + 2
        return self.reach(items, at + 1, str(items[at].attr), env) if at + 1 < len(items) else at + 1

    def apply(self, f: str, args: list[Val], span: Span, t: Tex) -> Val:
        from .ops import OPS

        row = OPS.get(f)
        if row is None:
            raise self.error("unsupported", f"{f} is not read.", span)
        least, most = row.arity
        least -= len(row.defaults)
        if not least <= len(args) <= most:
            raise self.error("syntax", f"{f} takes {most} argument{'s' * (most > 1)}, not {len(args)}.", span)
        if args and args[0].rank == 2 and f in ("softmax", "logsoftmax"):
            self.notes[f"{f} of a matrix is taken row by row"] = None
        if args and args[0].rank == 2 and f in ("exp", "log", "sqrt", "sin", "cos"):
            self.notes[f"{f} of a matrix is taken of its entries"] = None
        if f == "abs" and args[0].rank == 2:
            self.notes["abs of a matrix is taken of its entries"] = None
        if f in ("max", "min") and len(args) == 1 and args[0].rank == 0:
            raise self.error("syntax", f"{f} of a single number.", span, rf"Write \{f}_k x_k, or \{f}(0, x).")
        if f == "log" and args[0].tree.op == "call" and args[0].tree.attr == "det":
            return Val(Surface("call", args[0].tree.args, "logdet", span))
        given = [*args]
        for text in row.defaults[len(args) - least :] if row.defaults else ():
            given.append(default_value(text))
        if row.shape == "total" and args[0].rank == 0:
            raise self.error("shape", f"{f} reduces an array; this is a scalar.", span)
        return applied(f, given, span)

    def is_call(self, items: tuple[Tex, ...], at: int, env: Env) -> bool:
        """Whether a symbol and the parentheses behind it are a call."""
        t = items[at]
        if t.op != "sym" or at + 1 >= len(items) or items[at + 1].op != "fence" or items[at + 1].attr not in ("(", "["):
            return False
        if str(t.attr) in env and not (t.sub or t.sup):
            return False
        found = self.symbols.find(t)
        if found is not None or str(t.attr) in self.sizes or str(t.attr) in self.aliases:
            return found is not None and (found[0].kind == "function" or (found[0].kind == "definition" and found[0].params is not None))
        base = plain(str(t.attr))
        if base in STANDARD and not t.sub and items[at + 1].attr == "(" and not any(k in ("T", "inv") for k, _ in t.sup):
            return True
        if not t.sub and not t.sup and self.looks_called(key_text(t), items[at + 1]):
            near = difflib.get_close_matches(base.lstrip("\\"), [*FUNCTIONS], 1, 0.75 if len(base) > 3 else 0.6) if len(base) > 2 else []
            hint = f"Did you mean {near[0]}?" if near else f"Define it, {t.attr}(x) = ..., or declare {t.attr}."
            raise self.error("name", f"{t.attr} is not defined here: a function of what stands in parentheses, or a factor?", t.span, hint)
        return False

    def looks_called(self, key: str, fence: Tex) -> bool:
        """Whether an unknown name before parentheses is more than a factor."""
        base = plain(key)
        if not fence.args or base in ("E", "P", "Pr", "Var", "Cov", r"\Pr") or (len(base) > 1 and not base.startswith("\\")):
            return True
        if fence.attr != "(" or len(fence.args) > 1:
            return fence.attr == "("
        lone = fence.args[0].op == "sym"
        return lone or base in ("f", "g", "h", "p", "q", r"\phi", r"\psi", r"\varphi", "N", "K", "k") or any(e.given for e in self.symbols.all())

    def call(self, t: Tex, fence: Tex, env: Env) -> Val:
        """A call of a function of the text, or of one that everybody writes so."""
        span = t.span.to(fence.span)
        found = self.symbols.find(t)
        if found is None:
            f = STANDARD[plain(str(t.attr))]
            if len(fence.args) != 1:
                raise self.error("syntax", f"{t.attr} takes one argument.", fence.span)
            self.notes[f"{t.attr} is the function {f}"] = None
            v = self.apply(f, [self.value(fence.args[0], env)], span, t)
            for kind, x in t.sup:
                if kind != "power":
                    raise self.error("unsupported", f"What stands above {t.attr} is not read.", t.span)
                v = raised(v, self.number(x, env), span, self.entrywise)
        elif found[0].kind == "function":
            if len(fence.args) != 1:
                raise self.error("syntax", f"{t.attr} takes one argument.", fence.span)
            v = self.declared_call(found[0].name, t, self.number(fence.args[0], env), span)
        else:
            v = self.defined_call(found[0], t, found, fence, env, span)
        if fence.sub is not None:
            v = self.indexed(v, fence.sub, fence, env)
        return self.above(v, fence.sup, span, env)

    def declared_call(self, f: str, t: Tex, x: Val, span: Span) -> Val:
        """A function of the caller, or its derivative, of each entry."""
        primes = sum(k == "prime" for k, _ in t.sup)
        return replace(x, tree=Surface("call", (x.tree,), f + "'" * primes, span))

    def defined_call(self, e: Entry, t: Tex, found: tuple[Entry, bool, int], fence: Tex, env: Env, span: Span) -> Val:
        params = e.params or ()
        if e.body is None:
            raise self.error("name", f"{t.attr} is not defined.", t.span)
        if len(params) == len(fence.args) and all(same(a, b) for a, b in zip(params, fence.args, strict=True)) and not e.letters and not (
                self.inlined(e)) and not any(self.shadowed(p, env) for p in params):
            return self.definition(e, t, found, env)
        if any(p.op != "sym" or p.sub or p.sup for p in params):
            raise self.error("unsupported", f"{t.attr} is called with other arguments than it is defined for.", span,
                             "Define it with plain letters as arguments.")
        if len(params) != len(fence.args):
            raise self.error("syntax", f"{t.attr} is defined with {len(params)} argument{'s' * (len(params) != 1)}, not {len(fence.args)}.", span)
        values = {str(p.attr): self.value(a, env) for p, a in zip(params, fence.args, strict=True)}
        inner = {k: v for k, v in env.items() if v.what == "index" and k not in e.letters} | values
        inner |= self.letters(e, t, found, env)[0]
        v = self.inside(e, inner)
        rest = [(k, x) for p, (k, x) in enumerate(t.sup) if p != found[2] and k not in ("round", "square")]
        return self.above(v, tuple(rest), span, env)

    def shadowed(self, p: Tex, env: Env) -> bool:
        return p.op == "sym" and str(p.attr) in env

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


def default_value(text: str) -> Val:
    from fractions import Fraction

    return Val(number(Fraction(text)))


def logical(t: Tex) -> bool:
    return t.op in ("rel", "and", "or", "not")


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
