"""Surface to plain text in iverson notation, which parses back: one walk with the precedences of syntax.py.

A derivative that is not carried out, the call "D" of derivation lines, has a text too: `d/ds[i,k] (...)`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction

from .surface import Equation, Surface, index, name, number, walk

MOST_DIGITS = 30
ATOM, POWER, PREFIX, TIMES, REDUCE, SUM, RELATION, NOT, AND, OR = 100, 60, 50, 40, 30, 20, 10, 6, 4, 2
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi"
).split()
SIGNS = {"mul": "*", "emul": ".*", "div": "/", "ediv": "./"}


def show(tree: Surface) -> str:
    """Plain text in iverson notation; it parses back to an equal tree.

    >>> from .syntax import parse_expression
    >>> show(parse_expression("-x^2 + (a+b)*mean[i] q[i]'"))
    "-x^2 + (a + b)*mean[i] q[i]'"
    """
    return _plain(tree)[0]


def equation_left(e: Equation) -> Surface:
    """What stands before the equality sign: a name, with its indices where it has some."""
    return index(name(e.name), *map(name, e.indices)) if e.indices else name(e.name)


def equation_text(e: Equation) -> str:
    """A definition in one line."""
    return f"{show(equation_left(e))} = {show(spelled_out(e.body, e.indices or ()))}"


def number_text(value: int | Fraction) -> str:
    """The shortest exact spelling: an integer, a short decimal, or a quotient."""
    if isinstance(value, int) or value.denominator == 1:
        text = str(int(value))
        digits = text.rstrip("0")
        return text if len(text) <= MOST_DIGITS else f"{digits}e{len(text) - len(digits)}"
    bottom = value.denominator
    while bottom % 2 == 0:
        bottom //= 2
    while bottom % 5 == 0:
        bottom //= 5
    if bottom == 1:
        decimal = repr(float(value))
        if Fraction(decimal) == value and (value.denominator > 16 or len(decimal) <= 3):
            return decimal
    return powers_of_ten(value) or f"{value.numerator}/{value.denominator}"


def powers_of_ten(value: Fraction) -> str | None:
    """A fraction that is too long to be written as one, with an exponent: 1e-40; None for one that is not."""
    top, bottom = str(value.numerator), str(value.denominator)
    if max(len(top), len(bottom)) <= MOST_DIGITS:
        return None
    for places in range(1, 400):
        scaled = value * Fraction(10) ** places
        if scaled.denominator == 1:
            return f"{scaled.numerator}e-{places}"
    return None


def _wrap(part: tuple[str, int], least: int) -> str:
    text, level = part
    return text if level >= least else f"({text})"


def _plain(t: Surface) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if t.op in _PLAIN:
        return _PLAIN[t.op](t)
    if t.op in SIGNS:
        return _product(t)
    raise AssertionError(t.op)


def _product(t: Surface) -> tuple[str, int]:
    """Two factors; a sum sign on the right takes all that follows, so what is divided by it stands in parentheses."""
    left, right = _plain(t.args[0]), _plain(t.args[1])
    if mixed(t):
        left = f"({left[0]})", ATOM
    if t.op == "div" and t.args[0].op == "call" and t.args[0].attr == "D":
        left = f"({left[0]})", ATOM
    core = t.args[1].args[0] if t.args[1].op == "neg" else t.args[1]
    regrouped = core.op in SIGNS and t.op in ("div", "ediv", *({"mul", "emul"} - {core.op}))
    ends_in_sum = right[1] == REDUCE and not regrouped and not (t.op in ("div", "ediv") and t.args[1].op != "reduce")
    shown = _wrap(right, REDUCE if ends_in_sum else TIMES + 1)
    return _wrap(left, TIMES) + SIGNS[t.op] + shown, REDUCE if ends_in_sum else TIMES


def mixed(t: Surface) -> bool:
    """A matrix product of an elementwise one, or the other way round, or of a scalar that is a product of its own:
    it takes parentheses to be read right."""
    left = t.args[0]
    if t.op == "mul":
        return left.op in ("emul", "ediv") or left.attr == "scalar"
    return t.op in ("emul", "ediv") and left.op == "mul"


def _num(t: Surface) -> tuple[str, int]:
    text = number_text(t.attr)
    return text, TIMES if "/" in text else ATOM


def _sum(t: Surface) -> tuple[str, int]:
    first, *rest = t.args
    text = _wrap(_plain(first), SUM)
    for a in rest:
        minus = a.op == "neg"
        inner = _plain(a.args[0] if minus else a)
        text += (" - " if minus else " + ") + _wrap(inner, SUM + 1)
    return text, SUM


def _neg(t: Surface) -> tuple[str, int]:
    inner = _plain(t.args[0])
    ends_in_sum = inner[1] == REDUCE
    return "-" + _wrap(inner, REDUCE if ends_in_sum else TIMES), REDUCE if ends_in_sum else TIMES


def _power(t: Surface) -> tuple[str, int]:
    base, e = t.args
    sign = "^" if t.op == "pow" else ".^"
    left = _plain(base)
    shown = _plain(e)
    right = (
        "-" + number_text(e.args[0].attr)
        if e.op == "neg" and e.args[0].op == "num" and "/" not in number_text(e.args[0].attr)
        else _wrap(shown, ATOM)
    )
    return _wrap(left, POWER if base.op == "transpose" else ATOM) + sign + right, POWER


def _transpose(t: Surface) -> tuple[str, int]:
    return _wrap(_plain(t.args[0]), POWER) + "'", POWER


def _call(t: Surface) -> tuple[str, int]:
    if t.attr == "D":
        return f"d/d{_plain(t.args[1])[0]} ({_plain(t.args[0])[0]})", ATOM
    return f"{t.attr}({', '.join(_plain(a)[0] for a in t.args)})", ATOM


def _index(t: Surface) -> tuple[str, int]:
    base, *terms = t.args
    return _wrap(_plain(base), ATOM) + f"[{','.join(map(index_text, terms))}]", ATOM


def index_text(term: Surface) -> str:
    """An index term, arithmetic without blanks: `i+1`, `n-1-i`, `1:`."""
    if term.op == "slice":
        low, high = term.args
        start = "" if low == number(0) else index_text(low)
        return f"{start}:{'' if high.op == 'all' else index_text(high)}"
    text = _plain(term)[0]
    return text.replace(" ", "") if term.op in ("add", "mul", "neg") else text


def spelled_out(tree: Surface, bound: Collection[str]) -> Surface:
    """`tree` where these names are bound already: `sum[k != y]` would bind nothing, `sum[k: k != y]` binds anew."""
    if not bound or not any(t.op == "reduce" and len(t.args) > 1 for t in walk(tree)):
        return tree
    args = tuple(spelled_out(a, bound) for a in tree.args)
    if tree.op == "reduce" and len(args) > 1 and binds_itself(tree) and set(tree.attr[1]) & set(bound):
        args = (args[0], Surface("and", args[1:]))
    return replace(tree, args=args)


def _reduce(t: Surface) -> tuple[str, int]:
    kind, names = t.attr
    binder = ",".join(names)
    t = replace(t, args=(spelled_out(t.args[0], names), *t.args[1:]))
    if len(t.args) > 1:
        condition = t.args[1]
        binder = show(condition) if not names or binds_itself(t) else f"{binder}: {show(condition)}"
    return f"{kind}[{binder}] {_wrap(_plain(t.args[0]), REDUCE)}", REDUCE


def binds_itself(t: Surface) -> bool:
    """`sum[k != y[i]]`: the condition is one relation with the one bound name alone on its left."""
    names, condition = t.attr[1], t.args[1]
    left = condition.args[0]
    return (
        len(names) == 1
        and condition.op == "rel"
        and left.op == "name"
        and left.attr == names[0]
        and condition.args[1].op in ("index", "num")
    )


def _bracket(t: Surface) -> tuple[str, int]:
    return f"[{_plain(t.args[0])[0]}]", ATOM


def _rel(t: Surface) -> tuple[str, int]:
    a, b = (_wrap(_plain(x), RELATION + 1) for x in t.args)
    return f"{a} {t.attr} {b}", RELATION


def _logic(t: Surface) -> tuple[str, int]:
    level = AND if t.op == "and" else OR
    return f" {t.op} ".join(_wrap(_plain(a), level + (p > 0)) for p, a in enumerate(t.args)), level


_PLAIN = {
    "num": _num,
    "name": lambda t: (t.attr, ATOM),
    "all": lambda t: (":", ATOM),
    "add": _sum,
    "neg": _neg,
    "pow": _power,
    "epow": _power,
    "transpose": _transpose,
    "call": _call,
    "index": _index,
    "reduce": _reduce,
    "bracket": _bracket,
    "rel": _rel,
    "and": _logic,
    "or": _logic,
    "not": lambda t: ("not " + _wrap(_plain(t.args[0]), NOT), NOT),
}
