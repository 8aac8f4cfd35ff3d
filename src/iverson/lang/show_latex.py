r"""Surface to LaTeX as the literature writes it; compiles with amsmath.

Glossary   part: a text and how tightly it binds, on the scale of show.py; small: inside a fraction, an
index or an exponent.  Single letters are multiplied by standing together; a bracket is \mathbf{1}\{...\}; a
large sum over a plain divisor has the divisor in front, as in \frac{1}{N} \sum.  Spellings are tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from .latex_words import FUNCTIONS as CALLED
from .ops import OPS
from .show import (
    AND,
    ATOM,
    GREEK,
    NOT,
    OR,
    POWER,
    REDUCE,
    RELATION,
    SUM,
    TIMES,
    binds_itself,
    equation_left,
    number_text,
)
from .surface import Equation, Surface, number, walk

WORD = "\0"  # behind the name of an operator that is to keep it
HALF, HALVED = number(Fraction(1, 2)), Surface("div", (number(1), number(2)))
Part = tuple[str, int]

# fmt: off
ACCENTS = ("hat", "tilde", "bar")
FUNCTIONS = {n: "\\" + n for n in (
    "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "max", "min",
    "det")}
# fmt: on
RELATIONS = {"=": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
REDUCTIONS = {
    "sum": r"\sum",
    "prod": r"\prod",
    "max": r"\max",
    "min": r"\min",
    "mean": r"\operatorname*{mean}",
    "argmax": r"\operatorname*{arg\,max}",
    "argmin": r"\operatorname*{arg\,min}",
}
TALL = re.compile(r"\\(frac|sum|prod|left|operatorname\*|max_|min_)")


def latex(tree: Surface) -> str:
    r"""The formula for a displayed equation.

    >>> from .syntax import parse_expression
    >>> latex(parse_expression("X'*ds + 2*reg*W"))
    'X^{\\top} \\mathrm{d}s + 2\\,\\mathrm{reg}\\,W'
    """
    return _part(tree, False)[0]


def equation_latex(e: Equation) -> str:
    """A definition with its left side."""
    return f"{latex(equation_left(e))} = {latex(e.body)}"


def worded_latex(e: Equation) -> str:
    """A definition in which operators keep their names: no norm is a fence, no inverse a power."""
    return f"{latex(equation_left(e))} = {latex(worded(e.body))}"


def worded(t: Surface) -> Surface:
    args = tuple(map(worded, t.args))
    if t.op == "call" and t.attr in CALLS:
        return Surface("call", args, t.attr + WORD)
    return Surface(t.op, args, t.attr)


def _part(t: Surface, small: bool) -> Part:
    return WRITERS[t.op](t, small)


def _text(t: Surface, small: bool) -> str:
    return _part(t, small)[0]


def parenthesised(text: str) -> str:
    """In parentheses as tall as they need to be."""
    return rf"\left({text}\right)" if TALL.search(text) else f"({text})"


def _wrap(part: Part, least: int) -> str:
    return part[0] if part[1] >= least else parenthesised(part[0])


def _behind(part: Part) -> str:
    """After a sign that takes all that follows; a minus in front needs parentheses there."""
    return parenthesised(part[0]) if part[0].startswith("-") else _wrap(part, REDUCE)


# -- names and numbers --------------------------------------------------------------------------------------


def symbol(text: str) -> str:
    """A name: Greek words as letters, final digits as an index, `dW` as a gradient, other words upright."""
    found = re.fullmatch(r"(.*?[^\d_])_?(\d+)", text)
    if found:
        return f"{symbol(found[1])}_{{{found[2]}}}"
    head, _, accent = text.rpartition("_")
    if head and accent in ACCENTS and len(symbol(head).lstrip("\\")) < 9:
        return rf"\{accent}{{{symbol(head)}}}"
    if text in GREEK:
        return "\\" + text
    if len(text) == 1:
        return text
    if text[0] == "d" and (len(text) == 2 or text[1:] in GREEK) and text[1].isalpha():
        return rf"\mathrm{{d}}{symbol(text[1:])}"
    return rf"\mathrm{{{text.replace('_', chr(92) + '_')}}}"


def _name(t: Surface, small: bool) -> Part:
    return symbol(t.attr), ATOM


def _num(t: Surface, small: bool) -> Part:
    text = number_text(t.attr)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        front = "" if mantissa == "1" else rf"{mantissa} \cdot "
        return rf"{front}10^{{{int(exponent)}}}", TIMES if front else POWER
    if "/" not in text or small:
        return text, TIMES if "/" in text else ATOM
    return r"\frac{{{0.numerator}}}{{{0.denominator}}}".format(Fraction(t.attr)), POWER


# -- sums and products --------------------------------------------------------------------------------------


def _add(t: Surface, small: bool) -> Part:
    text = _wrap(_part(t.args[0], small), SUM)
    for a in t.args[1:]:
        minus = a.op == "neg"
        term = a.args[0] if minus else a
        text += (" - " if minus else " + ") + _wrap(_part(term, small), SUM + 1 if term.op != "neg" else ATOM)
    return text, SUM


def _neg(t: Surface, small: bool) -> Part:
    inner = _part(t.args[0], small)
    return "-" + _wrap(inner, REDUCE), REDUCE if inner[1] == REDUCE else TIMES


def factors(t: Surface) -> list[Surface]:
    """The factors of a product written from left to right."""
    return [*factors(t.args[0]), t.args[1]] if t.op == "mul" and t.attr != "scalar" else [t]


def _mul(t: Surface, small: bool) -> Part:
    whole = Surface("mul", t.args) if t.attr == "scalar" else t
    *front, last = [_inner(a, small) for a in factors(whole)]
    ends_in_sum = last[1] == REDUCE
    text = _wrap(front[0], TIMES)
    for part in front[1:]:
        text = joined(text, _wrap(part, TIMES + 1))
    shown = _behind(last) if ends_in_sum else _wrap(last, TIMES + 1)
    return joined(text, shown), REDUCE if ends_in_sum and shown == last[0] else TIMES


def _inner(t: Surface, small: bool) -> Part:
    """A factor; an elementwise product or a scalar that is a product stands in parentheses."""
    text, level = _part(t, small)
    return text, SUM if t.op in ("emul", "ediv") or t.attr == "scalar" else level


LETTER = re.compile(r"(\\mathrm\{d\})?(\\[a-zA-Z]+|[^\W\d])((_|\^)\{[^{}]*(\{[^{}]*\})?\})*")


def joined(left: str, right: str) -> str:
    """Two factors: letters stand together, words keep a thin space, numbers a dot between them."""
    if re.match(r"\d|\\frac\{\d+\}\{\d+\}$", right):
        return rf"{left} \cdot {right}"
    tail = re.split(r" |\\,", left)[-1]
    if right.startswith(("(", r"\left(")):
        bare = re.fullmatch(r"[\d.]+", tail) or (tail.endswith("}") and r"\mathrm" not in tail)
        return left + right if bare else rf"{left}\,{right}"
    bare = LETTER.fullmatch(right) and (LETTER.fullmatch(tail) or re.fullmatch(r"[\d.]+", tail))
    return f"{left} {right}" if bare or right.startswith((r"\sum", r"\prod")) else rf"{left}\,{right}"


def _emul(t: Surface, small: bool) -> Part:
    left, right = (_part(a, small) for a in t.args)
    least = TIMES if t.args[0].op == "emul" else TIMES + 1
    return rf"{_wrap(left, least)} \odot {_wrap(right, TIMES + 1)}", TIMES


def _ediv(t: Surface, small: bool) -> Part:
    left, right = (_part(a, small) for a in t.args)
    return rf"{_wrap(left, TIMES)} \oslash {_wrap(right, TIMES + 1)}", TIMES


def _div(t: Surface, small: bool) -> Part:
    """A fraction; inline inside another one; a large numerator over a plain divisor stands behind 1/N."""
    top, bottom = t.args
    if small:
        return f"{_wrap(_part(top, True), TIMES)} / {_wrap(_part(bottom, True), TIMES + 1)}", TIMES
    if big(top) and (not big(bottom) or pending(top)):
        sign = "-" if top.op == "neg" else ""
        inner = _part(top.args[0] if sign else top, False)
        front = rf"{sign}\frac{{1}}{{{_text(bottom, True)}}}"
        wrapped = _wrap(inner, REDUCE if inner[1] == REDUCE else TIMES)
        return joined(front, wrapped), REDUCE if inner[1] == REDUCE else TIMES
    return rf"\frac{{{_text(top, True)}}}{{{_text(bottom, True)}}}", POWER


def big(t: Surface) -> bool:
    """Holds a sum sign or a pending derivative."""
    return any(x.op == "reduce" for x in walk(t)) or pending(t)


def pending(t: Surface) -> bool:
    return any(x.op == "call" and x.attr == "D" for x in walk(t))


def _pow(t: Surface, small: bool) -> Part:
    base, e = t.args
    if t.op == "pow" and (e == HALF or e == HALVED) and not matrix_like(base):
        return rf"\sqrt{{{_text(base, small)}}}", ATOM
    above = _text(e, True) if t.op == "pow" else rf"\odot {_text(e, True)}"
    inner = _part(base, small)
    if base.op == "call" and base.attr == "inv":
        inner = parenthesised(inner[0]), ATOM
    return rf"{_wrap(inner, ATOM)}^{{{above}}}", POWER


def _transpose(t: Surface, small: bool) -> Part:
    inner = t.args[0]
    if inner.op == "call" and inner.attr == "inv":
        return rf"{_wrap(_part(inner.args[0], small), ATOM)}^{{-\top}}", POWER
    return rf"{_wrap(_part(inner, small), ATOM)}^{{\top}}", POWER


# -- calls and indices --------------------------------------------------------------------------------------


def _call(t: Surface, small: bool) -> Part:
    if t.attr in CALLS and len(t.args) == 1:
        made = CALLS[t.attr](t.args[0], small)
        if made is not None:
            return made
    if t.attr == "D":
        return _pending(t, small)
    if t.attr.endswith(WORD):
        inner = ", ".join(_text(a, small) for a in t.args)
        return rf"\operatorname{{{t.attr[:-1].replace('_', chr(92) + '_')}}}{parenthesised(inner)}", ATOM
    inner = ", ".join(_text(a, small) for a in t.args)
    if len(t.args) == 1 and t.args[0].op == "reduce" and t.attr in FUNCTIONS:
        return f"{FUNCTIONS[t.attr]} {inner}", REDUCE
    stem = t.attr.rstrip("'")
    spelled = stem.replace("_", r"\_")
    head = FUNCTIONS.get(stem) or (symbol(stem) if len(stem) == 1 else rf"\operatorname{{{spelled}}}")
    return head + "'" * (len(t.attr) - len(stem)) + parenthesised(inner), ATOM


def _pending(t: Surface, small: bool) -> Part:
    """A derivative not carried out: of a name as one fraction, else in front of it, up to the next sign."""
    body, by = t.args
    below = rf"\partial {_text(by, True)}"
    if body.op in ("name", "index"):
        return rf"\frac{{\partial {_text(body, True)}}}{{{below}}}", ATOM
    return rf"\frac{{\partial}}{{{below}}} {_behind(_part(body, small))}", REDUCE


def _size(word: str) -> Callable[[Surface, bool], Part | None]:
    return lambda a, small: (rf"{word}_{{{_text(a, True)}}}", ATOM)


def _fence(left: str, right: str) -> Callable[[Surface, bool], Part | None]:
    return lambda a, small: (f"{left} {_text(a, small)} {right}", ATOM)


def _function(head: str) -> Callable[[Surface, bool], Part | None]:
    return lambda a, small: (head + parenthesised(_text(a, small)), ATOM)


def _squares(a: Surface, small: bool) -> Part | None:
    """sum(W.^2) as a squared norm."""
    square = a.op == "epow" and a.args[1].op == "num" and a.args[1].attr == 2
    return (rf"\lVert {_text(a.args[0], small)} \rVert^{{2}}", POWER) if square else None


# fmt: off
CALLS: dict[str, Callable[[Surface, bool], Part | None]] = {
    "norm2": lambda a, small: (rf"\lVert {_text(a, small)} \rVert_{{{'2F'[matrix_like(a)]}}}", ATOM),
    "norm1": _fence(r"\lVert", r"\rVert_{1}"), "abs": _fence(r"\lvert", r"\rvert"),
    "floor": _fence(r"\lfloor", r"\rfloor"),
    "sqrt": lambda a, small: (rf"\sqrt{{{_text(a, small)}}}", ATOM),
    "square": lambda a, small: (rf"{_wrap(_part(a, small), ATOM)}^{{\odot 2}}", POWER),
    "sumsq": lambda a, small: (rf"\lVert {_text(a, small)} \rVert^{{2}}", POWER), "sum": _squares,
    "inv": lambda a, small: (rf"{_wrap(_part(a, small), ATOM)}^{{-1}}", POWER),
    "logdet": lambda a, small: (rf"\log \det{parenthesised(_text(a, small))}", ATOM),
    "logabsdet": lambda a, small: (rf"\log \lvert \det{parenthesised(_text(a, small))} \rvert", ATOM),
    "sqrtm": lambda a, small: (rf"{_wrap(_part(a, small), ATOM)}^{{1/2}}", POWER),  # \sqrt is of the entries
    "lambda_max": _function(r"\operatorname{eigmax}"), "lambda_min": _function(r"\operatorname{eigmin}"),
    "eigvec_max": _function(r"\operatorname{eigvec}_{\max}"), "eigvec_min": _function(r"\operatorname{eigvec}_{\min}"),
    "eye": _size("I"), "ones": _size(r"\mathbf{1}"), "zeros": _size(r"\mathbf{0}"),
}
# fmt: on


def matrix_like(t: Surface) -> bool:
    """A matrix by its letters: a capital, unless a vector follows it or precedes it transposed."""
    if t.op == "name":
        return bool(t.attr[-1].isupper() or t.attr[0].isupper())
    if t.op == "call" and t.attr in OPS and OPS[t.attr].shape in ("square", "mask", "like"):
        return matrix_like(t.args[0])
    if t.op == "mul":
        a, b = t.args
        outer = b.op == "transpose" and not matrix_like(b) and a.op != "transpose"
        return outer or (matrix_like(b) and (matrix_like(a) or a.op in ("num", "name")))
    return any(matrix_like(a) for a in t.args) if t.op not in ("index", "call", "num") else False


def _index(t: Surface, small: bool) -> Part:
    base, *terms = t.args
    texts = [_term(x) for x in terms]
    short = len(texts) == 1 or (all(re.fullmatch(r"[^\W\d]|\\[a-z]+", x) for x in texts) and "".join(texts) not in CALLED)
    below = (" " if any("\\" in x for x in texts) else "").join(texts) if short else ", ".join(texts)
    inner = _wrap(_part(base, small), ATOM)
    if (base.op == "name" and "_" in inner) or base.op == "index":
        inner = f"{{{inner}}}"
    return rf"{inner}_{{{below}}}", ATOM


def _term(t: Surface) -> str:
    """An index term: `i+1`; a slice as in the plain text."""
    if t.op == "slice":
        low, high = t.args
        return f"{'' if low == number(0) else _term(low)}:{'' if high.op == 'all' else _term(high)}"
    text = _text(t, True)
    return text.replace(" + ", "+").replace(" - ", "-") if t.op == "add" else text


def _reduce(t: Surface, small: bool) -> Part:
    kind, names = t.attr
    body = _behind(_part(t.args[0], small))
    return f"{REDUCTIONS[kind]}_{{{_below(t, names)}}} {body}", REDUCE


def _below(t: Surface, names: tuple[str, ...]) -> str:
    """What stands under the sign: the names, those with a condition of their own as that condition."""
    if len(t.args) == 1:
        return ", ".join(map(symbol, names))
    condition = t.args[1]
    shown = _text(condition, True)
    bare = {a.attr for a in condition.args if a.op == "name"} if condition.op == "rel" and condition.attr != "=" else set()
    if not names or set(names) <= bare or (binds_itself(t) and condition.attr != "="):
        return shown
    if condition.op == "rel" and condition.attr == "=":
        return rf"{', '.join(map(symbol, names))} :\, {shown}"
    own = condition.args[0].attr if condition.op == "rel" and condition.args[0].op == "name" else None
    if own not in names:
        return rf"{', '.join(map(symbol, names))} :\, {shown}"
    others = [n for n in names if not any(a.op == "name" and a.attr == n for a in condition.args)]
    return r",\, ".join([*map(symbol, others), shown])


# -- relations ----------------------------------------------------------------------------------------------


def _relation(t: Surface, small: bool) -> Part:
    a, b = (_wrap(_part(x, small), RELATION + 1) for x in t.args)
    return f"{a} {RELATIONS[t.attr]} {b}", RELATION


def _logic(t: Surface, small: bool) -> Part:
    level, sign = (AND, r" \land ") if t.op == "and" else (OR, r" \lor ")
    return sign.join(_wrap(_part(a, small), level) for a in t.args), level


def _bracket(t: Surface, small: bool) -> Part:
    return rf"\mathbf{{1}}\{{{_text(t.args[0], small)}\}}", ATOM


# fmt: off
WRITERS: dict[str, Callable[[Surface, bool], Part]] = {
    "num": _num, "name": _name, "all": lambda t, small: (":", ATOM), "add": _add, "neg": _neg, "mul": _mul,
    "emul": _emul, "div": _div, "ediv": _ediv, "pow": _pow, "epow": _pow, "transpose": _transpose,
    "call": _call, "index": _index, "reduce": _reduce, "bracket": _bracket, "rel": _relation, "and": _logic,
    "or": _logic,
    "not": lambda t, small: (rf"\lnot {_wrap(_part(t.args[0], small), ATOM)}", NOT),
}
# fmt: on
