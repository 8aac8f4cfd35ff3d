"""A typed script to NumPy source that runs, and that numpy_src reads back: what is written, operation by operation.

Glossary   part: a text and how tightly Python binds it.  Vectors are 1-D, so a transpose of one leaves no trace; sums over an
index are generators, definitions with indices are comprehensions.  Spellings are the tables at the end.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from fractions import Fraction

from ..core.errors import IversonError
from ..core.node import ZERO, Node, add
from .kinds import Typed
from .ops import OPS
from .show import number_text
from .sizes import SCALAR, show_size, size_leaves, size_tree
from .surface import Equation, Surface, names_in

Part = tuple[str, int]
ATOM, POWER, UNARY, TIMES, SUM, BITS, RELATION, NOT, AND, OR = 100, 60, 55, 50, 40, 30, 20, 10, 6, 4
BUSY = frozenset({"np", "special", "linalg", "sum", "max", "min", "len", "range", "value"})
RELATIONS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def python_name(n: str) -> str:
    """A name that Python takes: lambda as lambda_."""
    return n + "_" if keyword.iskeyword(n) or n in BUSY else n


def numpy_text(t: Typed) -> str:
    """The result as a Python function `value` of the inputs, with the definitions it uses."""
    writer = Writer(t)
    equations = needed(t)
    lines = [line for e in equations[:-1] for line in writer.definition(e)]
    last = writer.array(equations[-1])
    sizes, asked = writer.size_lines()
    plain = [python_name(i.name) for i in t.inputs.values() if i.default is None]
    given = [f"{python_name(i.name)}={i.default!r}" for i in t.inputs.values() if i.default is not None]
    every = "\n".join([*sizes, *lines, last])
    imports = ["import numpy as np", *(text for word, text in IMPORTS.items() if f"{word}." in every.replace("np.linalg.", ""))]
    body = "\n".join(f"    {line}" for line in [*sizes, *lines, f"return {last}"])
    return "\n".join([*imports, "", "", f"def value({', '.join([*plain, *asked, *given])}):", body]) + "\n"


def needed(t: Typed) -> list[Equation]:
    """The result last, before it the definitions it uses."""
    rows = {e.name: e for e in t.script.equations}
    used = {t.script.result}
    for e in reversed(t.script.equations):
        used |= names_in(e.body) & set(rows) if e.name in used else set()
    return [*(e for e in t.script.equations if e.name in used and e.name != t.script.result), rows[t.script.result]]


class Writer:
    """One writing of one script; `sizes` are the size names that its text came to use."""

    def __init__(self, t: Typed) -> None:
        self.typed, self.sizes = t, dict[str, None]()
        self.arrays = {*t.inputs, *t.definitions}

    def definition(self, e: Equation) -> list[str]:
        return [f"{python_name(e.name)} = {self.array(e)}"]

    def array(self, e: Equation) -> str:
        """The right side; one with indices as comprehensions, the last index innermost."""
        text = self.at(e.body, OR)
        turns = [*self.typed.scopes[e.name].items()] if e.indices else []
        for i, n in reversed(turns):
            text = f"[{text} for {python_name(i)} in {self.span(ZERO, n)}]"
        return f"np.array({text})" if turns else text

    def size_lines(self) -> tuple[list[str], list[str]]:
        """Where the sizes come from: lines, and those that no array has, which are arguments."""
        lines, asked = [], []
        for n in [n for n in self.sizes if n not in self.arrays]:
            found = next(((i.name, p) for i in self.typed.inputs.values() for p, d in enumerate(i.type.dims)
                          if d.op == "size" and d.attr == n), None)
            if found is None:
                asked.append(n)
            else:
                lines.append(f"{python_name(n)} = {python_name(found[0])}.shape[{found[1]}]")
        return lines, asked

    # -- parts -----------------------------------------------------------------------------------------------

    def part(self, t: Surface) -> Part:
        made: Part = getattr(self, f"_{t.op}")(t)
        return made

    def at(self, t: Surface, least: int) -> str:
        text, level = self.part(t)
        return text if level >= least else f"({text})"

    def rank(self, t: Surface) -> int:
        return self.typed.types.get(id(t), SCALAR).rank

    def refused(self, t: Surface, what: str, hint: str | None = None) -> IversonError:
        return IversonError("unsupported", f"{what} has no NumPy text that is read back.", t.span, hint=hint,
                            source=self.typed.script.source)

    def size(self, n: Node) -> Part:
        """A size as Python writes it."""
        self.sizes |= dict.fromkeys(str(leaf.attr) for leaf in size_leaves(n))
        text = show_size(n).replace("^", "**")
        tree = size_tree(n)
        return text, {"name": ATOM, "num": ATOM, "add": SUM, "mul": TIMES}.get(tree.op, POWER)

    def span(self, low: Node, n: Node) -> str:
        high = self.size(add(low, n))[0]
        return f"range({high})" if low is ZERO else f"range({self.size(low)[0]}, {high})"

    def _num(self, t: Surface) -> Part:
        text = number_text(t.attr)
        if "/" not in text:
            return text, ATOM
        value = Fraction(t.attr)
        return f"{value.numerator}/{value.denominator}", TIMES

    def _name(self, t: Surface) -> Part:
        if t.attr == "pi" and "pi" not in self.arrays:
            return "np.pi", ATOM
        if t.attr in self.known_sizes() and t.attr not in self.arrays:
            self.sizes[t.attr] = None
        return python_name(t.attr), ATOM

    def known_sizes(self) -> set[str]:
        return {str(leaf.attr) for i in self.typed.inputs.values() for n in (*i.type.dims, *filter(None, (i.type.classes,)))
                for leaf in size_leaves(n)}

    def _all(self, t: Surface) -> Part:
        return ":", ATOM

    def _slice(self, t: Surface) -> Part:
        low, high = t.args
        start = "" if low.op == "num" and low.attr == 0 else self.at(low, SUM)
        return f"{start}:{'' if high.op == 'all' else self.at(high, SUM)}", ATOM

    def joined(self, t: Surface, a: Surface, least: int) -> str:
        """A part of what works entry by entry; a vector down the rows of a matrix gets a second axis."""
        if id(t) not in self.typed.types or id(a) not in self.typed.types:
            return self.at(a, least)  # an index term
        whole, own = self.typed.type_of(t), self.typed.type_of(a)
        down = whole.rank == 2 and own.rank == 1 and own.form != "row" and own.dims[0] is whole.dims[0]
        return f"{self.at(a, ATOM)}[:, None]" if down else self.at(a, least)

    def _add(self, t: Surface) -> Part:
        text = self.joined(t, t.args[0], SUM)
        for a in t.args[1:]:
            minus = a.op == "neg"
            text += (" - " if minus else " + ") + self.joined(t, a.args[0] if minus else a, SUM + 1)
        return text, SUM

    def _neg(self, t: Surface) -> Part:
        return "-" + self.at(t.args[0], UNARY), UNARY

    def _mul(self, t: Surface) -> Part:
        a, b = (self.typed.types.get(id(x), SCALAR) for x in t.args)
        if (a.form, b.form) == ("column", "row"):
            return f"np.outer({', '.join(self.at(x, OR) for x in t.args)})", ATOM
        sign = "*" if not a.rank or not b.rank else "@"
        if sign == "*" and (held := self.chosen(t)) is not None:
            return held
        spaced = f" {sign} " if sign == "@" else sign
        return f"{self.at(t.args[0], TIMES)}{spaced}{self.at(t.args[1], TIMES + 1)}", TIMES

    def chosen(self, t: Surface) -> Part | None:
        """A bracket beside a factor chooses it: where the bracket is 0, the factor may be no number."""
        a, b = t.args
        for held, x in ((a, b), (b, a)):
            if held.op == "bracket":
                condition = self.joined(t, held.args[0], OR)
                return f"np.where({condition}, {self.joined(t, x, OR)}, 0)", ATOM
        return None

    def _emul(self, t: Surface) -> Part:
        sign = "*" if t.op == "emul" else "/"
        if t.op == "emul" and (held := self.chosen(t)) is not None:
            return held
        return f"{self.joined(t, t.args[0], TIMES)}{sign}{self.joined(t, t.args[1], TIMES + 1)}", TIMES

    _div = _ediv = _emul

    def _pow(self, t: Surface) -> Part:
        base, e = t.args
        if self.rank(base) != 2:
            return self._epow(t)
        sign, whole = (-1, e.args[0]) if e.op == "neg" else (1, e)
        if whole.op == "num" and isinstance(whole.attr, int):
            return f"np.linalg.matrix_power({self.at(base, OR)}, {sign * whole.attr})", ATOM
        return f"linalg.fractional_matrix_power({self.at(base, OR)}, {self.at(e, OR)})", ATOM

    def _epow(self, t: Surface) -> Part:
        base, e = t.args
        return f"{self.joined(t, base, ATOM)}**{self.joined(t, e, UNARY)}", POWER

    def _transpose(self, t: Surface) -> Part:
        return (f"{self.at(t.args[0], ATOM)}.T", ATOM) if self.rank(t.args[0]) == 2 else self.part(t.args[0])

    def _index(self, t: Surface) -> Part:
        base, *terms = t.args
        return f"{self.at(base, ATOM)}[{', '.join(self.at(x, SUM) for x in terms)}]", ATOM

    def _call(self, t: Surface) -> Part:
        if t.attr not in OPS:
            raise self.refused(t, f"The declared function {t.attr}", "Write what it stands for.")
        row = OPS[t.attr]
        made = CALLS[row.name](self, t) if row.name in CALLS else None
        if made is None and row.shape in ("map", "map2"):
            made = self.by_meaning(t)
        if made is None:
            raise self.refused(t, row.name)
        return made

    def by_meaning(self, t: Surface) -> Part | None:
        """An operator that NumPy lacks as what it stands for."""
        spelled = ELEMENTWISE.get(OPS[t.attr].name)
        if spelled is None:
            return None
        args = [self.joined(t, a, RELATION + 1) for a in t.args]
        return spelled.format(*args, *OPS[t.attr].defaults[len(t.args) - OPS[t.attr].arity[1] :]), ATOM

    # -- conditions and reductions ---------------------------------------------------------------------------

    def _bracket(self, t: Surface) -> Part:
        return f"np.where({self.at(t.args[0], OR)}, 1, 0)", ATOM

    def _rel(self, t: Surface) -> Part:
        a, b = (self.joined(t, x, RELATION + 1) for x in t.args)
        return f"{a} {RELATIONS[t.attr]} {b}", RELATION

    def _and(self, t: Surface) -> Part:
        word, level = ("and", AND) if t.op == "and" else ("or", OR)
        if not self.rank(t):
            return f" {word} ".join(self.at(a, level + (p > 0)) for p, a in enumerate(t.args)), level
        return (" & " if t.op == "and" else " | ").join(self.joined(t, a, ATOM) for a in t.args), BITS

    _or = _and

    def _not(self, t: Surface) -> Part:
        return (f"~{self.at(t.args[0], ATOM)}", UNARY) if self.rank(t.args[0]) else (f"not {self.at(t.args[0], NOT)}", NOT)

    def _reduce(self, t: Surface) -> Part:
        kind, names = t.attr
        if kind not in TOTALS:
            raise self.refused(t, kind)
        low = self.typed.starts.get(id(t), (ZERO,) * len(names))
        turns = [f"for {python_name(i)} in {self.span(a, n)}" for i, a, n in zip(names, low, self.typed.ranges[id(t)], strict=True)]
        held = [self.at(c, AND) for c in t.args[1:]]
        test = [f"if {' and '.join(held)}"] if held else []
        body = " ".join([self.at(t.args[0], OR), *turns, *test])
        return TOTALS[kind][self.rank(t.args[0]) > 0].format(body), ATOM


def plainly(text: str) -> Callable[[Writer, Surface], Part | None]:
    """A spelling over the arguments."""
    return lambda w, t: (text.format(*(w.at(a, OR) for a in t.args)), ATOM)


def of_total(vector: str, matrix: str | None = None) -> Callable[[Writer, Surface], Part | None]:
    """A spelling that depends on the number of axes."""
    return lambda w, t: plainly(vector if w.rank(t.args[0]) == 1 or matrix is None else matrix)(w, t)


def extreme(w: Writer, t: Surface) -> Part | None:
    """Over all entries; of several, in pairs."""
    if len(t.args) == 1:
        return f"np.{t.attr}({w.at(t.args[0], OR)})", ATOM
    text = w.joined(t, t.args[0], OR)
    for a in t.args[1:]:
        text = f"np.{t.attr}imum({text}, {w.joined(t, a, OR)})"
    return text, ATOM


def along(function: str) -> Callable[[Writer, Surface], Part | None]:
    """Along the only axis, or the last of two."""
    return lambda w, t: (f"{function}({w.at(t.args[0], OR)}, axis={w.rank(t.args[0]) - 1})", ATOM)


def built(function: str) -> Callable[[Writer, Surface], Part | None]:
    """An array of given sizes."""
    def row(w: Writer, t: Surface) -> Part | None:
        sizes = ", ".join(w.at(a, OR) for a in t.args)
        return f"np.{function}({f'({sizes})' if len(t.args) > 1 else sizes})", ATOM

    return row


def symmetric_part(text: str) -> Callable[[Writer, Surface], Part | None]:
    """A function of the symmetric part of its argument."""
    def row(w: Writer, t: Surface) -> Part | None:
        a = w.at(t.args[0], SUM)
        return text.format(f"({a} + {w.at(t.args[0], ATOM)}.T)/2"), ATOM

    return row


def reshaped(w: Writer, t: Surface) -> Part | None:
    base, *sizes = t.args
    return f"np.reshape({w.at(base, OR)}, ({', '.join(w.at(a, OR) for a in sizes)},))", ATOM


def onehot(w: Writer, t: Surface) -> Part | None:
    classes = w.typed.type_of(t).dims[-1]
    return f"np.eye({w.size(classes)[0]})[{w.at(t.args[0], OR)}]", ATOM


# fmt: off
IMPORTS = {"special": "from scipy import special", "linalg": "from scipy import linalg"}
TOTALS = {     # of numbers, of arrays
    "sum": ("sum({})", "sum({})"), "mean": ("np.mean([{}])", "np.mean([{}], axis=0)"),
    "prod": ("np.prod([{}])", "np.prod([{}], axis=0)"), "max": ("np.max([{}])", "np.max([{}], axis=0)"),
    "min": ("np.min([{}])", "np.min([{}], axis=0)"),
}
ELEMENTWISE = {
    **{n: f"np.{n}({{}})" for n in (
        "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan",
        "arcsinh", "arccosh", "arctanh", "log2", "log10", "exp2", "abs", "sign", "floor", "ceil", "round", "square", "cbrt")},
    **{n: f"special.{n}({{}})" for n in ("erf", "erfc", "erfinv", "gamma", "gammaln", "digamma", "logit", "entr")},
    "sigmoid": "special.expit({})", "softplus": "np.logaddexp(0, {})", "relu": "np.maximum(0, {})",
    "arctan2": "np.arctan2({}, {})", "polygamma": "special.polygamma({}, {})", "betaln": "special.betaln({}, {})",
    "normcdf": "special.ndtr({})", "logsigmoid": "special.log_expit({})", "silu": "(({0})*special.expit({0}))",
    "rsqrt": "(({})**(-1/2))", "reciprocal": "(1/({}))", "power": "(({})**({}))", "hypot": "np.hypot({}, {})",
    "logaddexp": "np.logaddexp({}, {})", "xlogy": "special.xlogy({}, {})", "rel_entr": "special.rel_entr({}, {})",
    "kl_div": "special.kl_div({}, {})", "step": "np.where({} > 0, 1, 0)", "clip": "np.clip({}, {}, {})",
    "leaky_relu": "np.where({0} > 0, {0}, ({1})*({0}))", "elu": "np.where({0} > 0, {0}, ({1})*np.expm1({0}))",
    "celu": "np.where({0} > 0, {0}, ({1})*np.expm1(({0})/({1})))", "huber": "special.huber({1}, {0})",
    "selu": "np.where({0} > 0, 1.0507009873554805*({0}), 1.7580993408473766*np.expm1({0}))",
    "relu6": "np.clip({}, 0, 6)", "hardtanh": "np.clip({}, {}, {})", "hardsigmoid": "np.clip(({})/6 + 1/2, 0, 1)",
    "hardswish": "(({0})*np.clip(({0})/6 + 1/2, 0, 1))", "mish": "(({0})*np.tanh(np.logaddexp(0, {0})))",
    "gelu": "(({0})*special.ndtr({0}))", "gelu_tanh": "(({0})*(1 + np.tanh((2/np.pi)**(1/2)*(({0}) + 0.044715*({0})**3)))/2)",
    "softshrink": "(np.maximum(({0}) - ({1}), 0) - np.maximum(-({0}) - ({1}), 0))",
    "softsign": "(({0})/(1 + np.abs({0})))", "tanhshrink": "(({0}) - np.tanh({0}))",
}
CALLS: dict[str, Callable[[Writer, Surface], Part | None]] = {
    "max": extreme, "min": extreme,
    "sum": plainly("np.sum({})"), "mean": plainly("np.mean({})"), "prod": plainly("np.prod({})"),
    "norm2": plainly("np.linalg.norm({})"), "norm1": plainly("np.sum(np.abs({}))"), "norminf": plainly("np.max(np.abs({}))"),
    "sumsq": plainly("np.sum(({})**2)"), "var": plainly("np.var({})"), "std": plainly("np.std({})"),
    "normp": plainly("np.sum(np.abs({0})**({1}))**(1/({1}))"),
    "tr": plainly("np.trace({})"), "inv": plainly("np.linalg.inv({})"), "det": plainly("np.linalg.det({})"),
    "logdet": plainly("np.log(np.linalg.det({}))"), "logabsdet": plainly("np.linalg.slogdet({})[1]"),
    "pinv": plainly("np.linalg.pinv({})"), "nuclear": plainly("np.linalg.norm({}, 'nuc')"),
    "spectral": plainly("np.linalg.norm({}, 2)"), "expm": plainly("linalg.expm({})"), "logm": plainly("linalg.logm({})"),
    "sqrtm": plainly("linalg.sqrtm({})"), "matpow": plainly("linalg.fractional_matrix_power({}, {})"),
    "cholesky": symmetric_part("np.linalg.cholesky({})"), "eigvals": symmetric_part("np.linalg.eigvalsh({})"),
    "lambda_max": symmetric_part("np.max(np.linalg.eigvalsh({}))"), "lambda_min": symmetric_part("np.min(np.linalg.eigvalsh({}))"),
    "logsumexp": plainly("special.logsumexp({})"), "softmax": along("special.softmax"),
    "logsoftmax": along("special.log_softmax"),
    "softmin": lambda w, t: (f"special.softmax(-{w.at(t.args[0], UNARY)}, axis={w.rank(t.args[0]) - 1})", ATOM),
    "normalize": lambda w, t: (f"{{0}}/np.linalg.norm({{0}}, axis={w.rank(t.args[0]) - 1}, keepdims=True)".format(w.at(t.args[0], TIMES + 1)), TIMES),
    "cumsum": along("np.cumsum"), "cumprod": along("np.cumprod"),
    "tril": plainly("np.tril({})"), "triu": plainly("np.triu({})"), "diag": plainly("np.diag({})"),
    "eye": built("eye"), "ones": built("ones"), "zeros": built("zeros"), "onehot": onehot,
    "diff": plainly("np.diff({})"), "flip": plainly("np.flip({})"), "roll": plainly("np.roll({}, {})"),
    "conv": plainly("np.convolve({}, {}, mode='valid')"), "correlate": plainly("np.correlate({}, {}, mode='valid')"),
    "kron": plainly("np.kron({}, {})"), "vec": plainly("np.ravel({}.T)"), "reshape": reshaped,
    "concat": lambda w, t: (f"np.concatenate([{', '.join(w.at(a, OR) for a in t.args)}])", ATOM),
    "vstack": lambda w, t: (f"np.vstack([{', '.join(w.at(a, OR) for a in t.args)}])", ATOM),
    "hstack": lambda w, t: (f"np.hstack([{', '.join(w.at(a, OR) for a in t.args)}])", ATOM),
}
# fmt: on
