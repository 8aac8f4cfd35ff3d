"""Surface to LaTeX as the literature writes it; compiles with amsmath.

One walk with the precedences of syntax.py; spellings of functions and signs are tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from .show import ATOM, POWER, REDUCE, RELATION, SUM, TIMES, number_text
from .surface import Equation, Surface, name

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi".split()
)
FUNCTIONS = {
    "exp": r"\exp", "log": r"\log", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh",
    "tanh": r"\tanh", "arcsin": r"\arcsin", "arccos": r"\arccos", "arctan": r"\arctan", "max": r"\max", "min": r"\min",
    "det": r"\det",
}
RELATIONS = {"=": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
REDUCTIONS = {
    "sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min", "mean": r"\operatorname*{mean}",
    "argmax": r"\operatorname*{arg\,max}", "argmin": r"\operatorname*{arg\,min}",
}

Part = tuple[str, int]


def latex(tree: Surface) -> str:
    r"""The formula for a displayed equation.

    >>> from .syntax import parse_expression
    >>> latex(parse_expression("X'*ds + 2*reg*W"))
    'X^{\\top} \\mathrm{d}s + 2\\, \\mathit{reg}\\, W'
    """
    return _part(tree)[0]


def equation_latex(e: Equation) -> str:
    """A definition with its left side."""
    left = Surface("index", (name(e.name), *map(name, e.indices))) if e.indices else name(e.name)
    return f"{latex(left)} = {latex(e.body)}"


def symbol(text: str) -> str:
    """A name: Greek letters, trailing digits as subscripts, longer words upright or italic."""
    match = re.fullmatch(r"(.*?)(\d+)", text)
    if match and match[1]:
        return f"{symbol(match[1])}_{{{match[2]}}}"
    stem = text.rstrip("_'")
    if stem in GREEK:
        return "\\" + stem
    if len(stem) == 1:
        return stem
    if stem.startswith("d") and (len(stem) == 2 or stem[1:] in GREEK):
        return rf"\mathrm{{d}}{symbol(stem[1:])}"
    return rf"\mathit{{{stem.replace('_', chr(92) + '_')}}}"


def _part(t: Surface) -> Part:
    return WRITERS[t.op](t)


def _wrap(part: Part, least: int) -> str:
    return part[0] if part[1] >= least else rf"\left({part[0]}\right)"


def _number(t: Surface) -> Part:
    if isinstance(t.attr, Fraction) and "/" in number_text(t.attr):
        return rf"\frac{{{t.attr.numerator}}}{{{t.attr.denominator}}}", ATOM
    text = number_text(t.attr)
    mantissa, _, exponent = text.partition("e")
    return (rf"{mantissa}\cdot 10^{{{int(exponent)}}}", TIMES) if exponent else (text, ATOM)


def _add(t: Surface) -> Part:
    text = _wrap(_part(t.args[0]), SUM)
    for a in t.args[1:]:
        minus = a.op == "neg"
        text += (" - " if minus else " + ") + _wrap(_part(a.args[0] if minus else a), SUM + 1)
    return text, SUM


def _mul(t: Surface) -> Part:
    a, b = t.args
    left, right = _part(a), _part(b)
    first = _wrap(left, TIMES if left[1] != REDUCE else ATOM)
    second = _wrap(right, TIMES + 1 if right[1] != REDUCE else REDUCE)
    thin = r"\, " if re.search(r"[\w}]$", first) and b.op not in ("add",) and not first.endswith("top}") else " "
    if b.op == "num":
        thin = r" \cdot "
    return first + thin + second, TIMES if right[1] != REDUCE else REDUCE


def _emul(t: Surface) -> Part:
    left, right = (_wrap(_part(a), TIMES + p) for p, a in enumerate(t.args))
    return rf"{left} \odot {right}", TIMES


def _quotient(t: Surface) -> Part:
    return rf"\frac{{{latex(t.args[0])}}}{{{latex(t.args[1])}}}", ATOM


def _power(t: Surface) -> Part:
    base, e = t.args
    above = latex(e) if t.op == "pow" else rf"\circ {latex(e)}"
    return rf"{_wrap(_part(base), ATOM)}^{{{above}}}", POWER


def _transpose(t: Surface) -> Part:
    inner = t.args[0]
    if inner.op == "call" and inner.attr == "inv":
        return rf"{_wrap(_part(inner.args[0]), ATOM)}^{{-\top}}", POWER
    return rf"{_wrap(_part(inner), ATOM)}^{{\top}}", POWER


def _call(t: Surface) -> Part:
    if t.attr in CALLS:
        return CALLS[t.attr](t)
    head = FUNCTIONS.get(t.attr) or (symbol(t.attr) if len(t.attr.rstrip("'")) == 1 else rf"\operatorname{{{t.attr}}}")
    if t.attr.endswith("'") and len(t.attr) == 2:
        head += "'"
    return rf"{head}\left({', '.join(map(latex, t.args))}\right)", ATOM


def _pending(t: Surface) -> Part:
    return rf"\frac{{\partial}}{{\partial {latex(t.args[1])}}} \left({latex(t.args[0])}\right)", TIMES


CALLS: dict[str, Callable[[Surface], Part]] = {
    "D": _pending,
    "norm2": lambda t: (rf"\lVert {latex(t.args[0])} \rVert_2", ATOM),
    "norm1": lambda t: (rf"\lVert {latex(t.args[0])} \rVert_1", ATOM),
    "abs": lambda t: (rf"\lvert {latex(t.args[0])} \rvert", ATOM),
    "sqrt": lambda t: (rf"\sqrt{{{latex(t.args[0])}}}", ATOM),
    "inv": lambda t: (rf"{_wrap(_part(t.args[0]), ATOM)}^{{-1}}", POWER),
    "eye": lambda t: (rf"I_{{{latex(t.args[0])}}}", ATOM),
    "ones": lambda t: (rf"\mathbf{{1}}_{{{', '.join(map(latex, t.args))}}}", ATOM),
    "zeros": lambda t: (rf"\mathbf{{0}}_{{{', '.join(map(latex, t.args))}}}", ATOM),
}


def _index(t: Surface) -> Part:
    base, *terms = t.args
    texts = [latex(x) if x.op != "all" else ":" for x in terms]
    inner = " ".join(texts) if all(len(x) == 1 for x in texts) else ", ".join(texts)
    return rf"{_wrap(_part(base), ATOM)}_{{{inner}}}", ATOM


def _reduce(t: Surface) -> Part:
    kind, names = t.attr
    below = ", ".join(map(symbol, names))
    if len(t.args) > 1:
        condition = latex(t.args[1])
        alone = len(names) == 1 and condition.startswith(symbol(names[0]) + " ")
        below = condition if alone else rf"{below}:\, {condition}"
    return rf"{REDUCTIONS[kind]}_{{{below}}} {_wrap(_part(t.args[0]), REDUCE)}", REDUCE


def _relation(t: Surface) -> Part:
    a, b = (_wrap(_part(x), RELATION + 1) for x in t.args)
    return f"{a} {RELATIONS[t.attr]} {b}", RELATION


WRITERS: dict[str, Callable[[Surface], Part]] = {
    "num": _number, "name": lambda t: (symbol(t.attr), ATOM), "all": lambda t: (":", ATOM), "add": _add, "mul": _mul,
    "neg": lambda t: ("-" + _wrap(_part(t.args[0]), REDUCE), TIMES), "emul": _emul, "div": _quotient, "ediv": _quotient,
    "pow": _power, "epow": _power, "transpose": _transpose, "call": _call, "index": _index, "reduce": _reduce,
    "bracket": lambda t: (rf"\mathbf{{1}}\{{{latex(t.args[0])}\}}", ATOM), "rel": _relation,
    "and": lambda t: (r" \land ".join(latex(a) for a in t.args), 4), "or": lambda t: (r" \lor ".join(latex(a) for a in t.args), 2),
    "not": lambda t: (rf"\lnot ({latex(t.args[0])})", 6),
}
