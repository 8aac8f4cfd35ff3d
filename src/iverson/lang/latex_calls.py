r"""Functions and calls in LaTeX: operators with or without parentheses, functions of the text, entries written as calls."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace

from ..core.errors import Span
from .latex_names import Env, Names, key_text, text_of_sub
from .latex_symbols import Entry, plain
from .latex_tree import Tex, same
from .latex_values import Val, applied, raised
from .latex_words import FUNCTIONS, LONG
from .surface import Surface, number

ONES = (r"\mathbb{1}", r"\mathbf{1}", r"\mathbb{I}", "I", r"\mathbf{I}", "1")
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}
STANDARD = {r"\sigma": "sigmoid", r"\Gamma": "gamma", r"\Phi": "normcdf"}
MOMENTS = ("E", "P", "Pr", "Var", "Cov", r"\Pr")
SPACED = re.compile(r"\\[,;:> ]|\\quad|~")  # a blank that is asked for: \log p \, (a - b)
UNCLEAR = ("log",)  # log(x)^2 is read both ways


class Calls(Names):
    """What a function is taken of."""

    def indicates(self, t: Tex, env: Env) -> bool:
        if t.op == "num":
            return t.attr == 1
        return t.op == "sym" and t.attr in ONES and t.attr not in env and not (
            (found := self.symbols.find(t)) and found[0].given and not t.sub)

    def _fn(self, t: Tex, env: Env) -> Val:
        """An operator without an argument."""
        raise NotImplementedError

    def scripted(self, t: Tex, env: Env) -> Val:
        """A piece in parentheses, a norm, ... with what stands below and above it."""
        raise NotImplementedError


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
        if name_ == "log" and arg.op == "num" and arg.attr == 1 and at + 2 == len(items) and not arg.sup:
            raise self.error("ambiguous", "The logarithm of 1 is 0: what it is taken of is more than the 1.", span.to(arg.span),
                             r"Write \log(1 - p).")
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
        if items[at].op == "sym" and str(items[at].attr).endswith(")"):  # a symbol of the caller that is written as a call
            return at + 1
        parted = stop == at + 1 and SPACED.search(self.source, items[at].span.end, items[stop].span.start) is not None
        if stop == at + 1 and (parted or items[at].op in ("frac", "sqrt", "bars", "norm", "inner")):
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
        if self.entry_call(t, items[at + 1], env) or (found is None and self.kronecker(t, items[at + 1])):
            return True
        if found is not None and found[0].kind != "definition":
            self.refuse_value_of(found[0], t, items[at + 1], env)
        if found is not None or str(t.attr) in self.sizes or str(t.attr) in self.aliases:
            return found is not None and (found[0].kind == "function" or (found[0].kind == "definition" and found[0].params is not None))
        base = plain(str(t.attr))
        if base in STANDARD and not t.sub and items[at + 1].attr == "(" and not any(k == "T" for k, _ in t.sup):
            return True
        if not t.sup and (self.looks_indexed_call(base, items[at + 1]) if t.sub else self.looks_called(key_text(t), items[at + 1])):
            near = difflib.get_close_matches(base.lstrip("\\"), [*FUNCTIONS], 1, 0.75 if len(base) > 3 else 0.6) if len(base) > 2 else []
            hint = f"Did you mean {near[0]}?" if near else f"Define it, {t.attr}(x) = ..., or declare {t.attr}."
            raise self.error("name", f"{t.attr} is not defined here: a function of what stands in parentheses, or a factor?", t.span, hint)
        return False

    def looks_indexed_call(self, base: str, fence: Tex) -> bool:
        """E_x[...], and g_k(x) beside declared names."""
        lone = len(fence.args) == 1 and fence.args[0].op == "sym" and fence.attr == "("
        return base in MOMENTS or (lone and any(e.given for e in self.symbols.all()))

    def entry_call(self, t: Tex, fence: Tex, env: Env) -> bool:
        """p(x) under a sum over x: an entry of the declared array p."""
        found = self.symbols.find(t)
        return found is not None and found[0].given and found[0].slice is None and not t.sub and not t.sup and fence.attr == "(" and bool(
            found[0].dims) and len(found[0].dims or ()) == len(fence.args) and all(
            self.indexes(a, env) for a in fence.args)

    def indexes(self, a: Tex, env: Env) -> bool:
        """Whether an argument is an index that is bound, or a label."""
        if a.op != "sym" or a.sup:
            return False
        if str(a.attr) in env:
            return not a.sub and env[str(a.attr)].what == "index"
        found = self.symbols.find(a)
        return found is not None and found[0].kind == "label"

    def refuse_value_of(self, e: Entry, t: Tex, fence: Tex, env: Env) -> None:
        """f(x) of a declared array or number f and a symbol x: a function of x, or a product that nobody writes so."""
        if e.given and e.kind != "label" and fence.attr == "(" and len(fence.args) == 1 and fence.args[0].op == "sym" and not fence.sup and not (
                t.sup or fence.sub) and self.symbols.find(fence.args[0]) is not None:
            raise self.error("ambiguous", f"{e.name} is declared as an array or a number, and stands here as a function.", t.span.to(fence.span),
                             rf"Write {t.attr}_i for an entry, {t.attr} \cdot x for a product, or define {t.attr}(x) = ....")

    def kronecker(self, t: Tex, fence: Tex) -> bool:
        return str(t.attr) == r"\delta" and not t.sub and not t.sup and len(fence.args) == 2 and fence.attr == "("

    def looks_called(self, key: str, fence: Tex) -> bool:
        """Whether an unknown name before parentheses is more than a factor."""
        base = plain(key)
        if not fence.args or base in MOMENTS or (len(base) > 1 and not base.startswith("\\")):
            return True
        if fence.attr != "(" or len(fence.args) > 1:
            return fence.attr == "("
        lone = fence.args[0].op == "sym"
        return lone or base in ("f", "g", "h", "p", "q", r"\phi", r"\psi", r"\varphi", "N", "K", "k") or any(e.given for e in self.symbols.all())

    def call(self, t: Tex, fence: Tex, env: Env) -> Val:
        """A call of a function of the text, or of one that everybody writes so."""
        span = t.span.to(fence.span)
        found = self.symbols.find(t)
        if found is None and self.kronecker(t, fence):
            return self.above(self.bracket(Tex("rel", fence.args, "=", span), env, span), fence.sup, span, env)
        if self.entry_call(t, fence, env):
            self.notes[f"{t.attr}(...) is an entry of {t.attr}"] = None
            return self.value(Tex("sym", (), t.attr, span, fence.args, fence.sup), env)
        if found is None:
            f = STANDARD[plain(str(t.attr))]
            if len(fence.args) != 1:
                raise self.error("syntax", f"{t.attr} takes one argument.", fence.span)
            self.notes[f"{t.attr} is the function {f}"] = None
            if any(kind == "inv" for kind, _ in t.sup):
                raise self.error("ambiguous", f"{t.attr}^{{-1}} is the inverse function, or one over its value.", t.span,
                                 r"Write \operatorname{logit}(p), or \frac{1}{...}.")
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
        if e.body is None:
            raise self.error("name", f"{t.attr} is not defined.", t.span)
        params, given = flat(e.params or ()), flat(fence.args)
        if len(params) == len(given) and all(same(a, b) for a, b in zip(params, given, strict=True)) and not e.letters and not (
                self.inlined(e)) and not any(self.shadowed(p, env) for p in params):
            return self.definition(e, t, found, env)
        if len(params) != len(given):
            raise self.error("syntax", f"{t.attr} is defined with {len(params)} argument{'s' * (len(params) != 1)}, not {len(given)}.", span)
        values: dict[str, Val] = {}
        for p, a in zip(params, given, strict=True):
            if p.op == "sym" and not p.sub and not p.sup:
                values[str(p.attr)] = self.value(a, env)
            elif (letters := matched(p, a)) is None or any(k in values and not same_tree(values[k], self.value(x, env)) for k, x in letters.items()):
                raise self.error("unsupported", f"{t.attr} is called with other arguments than it is defined for.", span,
                                 "Define it with plain letters as arguments.")
            else:
                values |= {k: self.value(x, env) for k, x in letters.items()}
        inner = {k: v for k, v in env.items() if v.what == "index" and k not in e.letters} | values
        inner |= self.letters(e, t, found, env)[0]
        v = self.inside(e, inner)
        rest = [(k, x) for p, (k, x) in enumerate(t.sup) if p != found[2] and k not in ("round", "square")]
        return self.above(v, tuple(rest), span, env)

    def shadowed(self, p: Tex, env: Env) -> bool:
        return p.op == "sym" and str(p.attr) in env


def flat(args: tuple[Tex, ...]) -> tuple[Tex, ...]:
    """Arguments with pairs opened: w; (x, y) are three."""
    def pair(x: Tex) -> bool:
        return x.op == "fence" and x.attr == "(" and len(x.args) > 1 and not x.sub and not x.sup

    return tuple(y for x in args for y in (flat(x.args) if pair(x) else (x,)))


def matched(p: Tex, a: Tex) -> dict[str, Tex] | None:
    """What the index letters of an argument x_i stand for in a call with x_j; None where the call has another form."""
    if p.op != "sym" or a.op != "sym" or p.attr != a.attr:
        return None
    mine, theirs = indices_of(p), indices_of(a)
    if len(mine) != len(theirs) or [k for k, _ in mine] != [k for k, _ in theirs]:
        return None
    found: dict[str, Tex] = {}
    for (_, x), (_, y) in zip(mine, theirs, strict=True):
        if x.op != "sym" or x.sub or x.sup or len(str(x.attr)) > 1 or (str(x.attr) in found and not same(found[str(x.attr)], y)):
            return None
        found[str(x.attr)] = y
    return found


def indices_of(t: Tex) -> list[tuple[str, Tex]]:
    below = [("sub", x) for s in t.sub or () for x in (s.args if s.op == "row" else (s,))]
    return below + [(k, x) for k, above in t.sup for x in (above if isinstance(above, tuple) else (Tex("mark", attr=k),))]


def same_tree(a: Val, b: Val) -> bool:
    return a.tree == b.tree and a.offset == b.offset


def default_value(text: str) -> Val:
    from fractions import Fraction

    return Val(number(Fraction(text)))


def logical(t: Tex) -> bool:
    return t.op in ("rel", "and", "or", "not")
