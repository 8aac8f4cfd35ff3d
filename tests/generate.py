"""Random scripts in iverson notation, well typed by construction: losses that nobody thought of.

Glossary   n: a size by name; shape: the sizes of an expression, () a scalar, (n,) a column; b: nodes left to spend;
           scope: the index names in force with their sizes; r: the random generator.
Operators are taken from OPS by their shape rule, so a new row of a known rule is written from the day it is there;
SHAPED and its kind hold the forms of the notation.  Arguments are kept where an operator is defined and of moderate
size (domains.py), so that nearly every script has numbers to be verified with.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from domains import MAPS, ORDERS, domains, fixed, order_first, rows
from iverson.lang.ops import OPS, Op
from iverson.rules.calculus import CALCULUS, WITHOUT

Shape = tuple[str, ...]
Scope = dict[str, str]

ATOM, POWER, TIMES, REDUCE, SUM, RELATION, NOT, AND, OR = 100, 60, 40, 30, 20, 10, 6, 4, 2
MOST_NODES = 60
NODE = r"[A-Za-z]\w*|\d[\d.]*|\.?[*/^]|[-+'<>=]+"          # about one for each node of the tree


@dataclass(frozen=True)
class Text:
    """An expression and how tightly it binds."""

    text: str
    level: int = ATOM

    def at(self, least: int) -> str:
        return self.text if self.level >= least else f"({self.text})"


@dataclass(frozen=True)
class Case:
    """A script, the input to derive by, and what the text does not declare."""

    text: str
    wrt: str
    kinds: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)


# kind and sizes as declared; the letters give the same kinds where nothing is declared
INPUTS: dict[str, tuple[str, Shape]] = {
    "a": ("scalar", ()), "b": ("scalar", ()), "c": ("scalar", ()),
    "v": ("data", ("N",)), "o": ("data", ("N",)), "w": ("param", ("D",)), "x": ("data", ("D",)), "u": ("param", ("K",)),
    "X": ("data", ("N", "D")), "W": ("param", ("D", "K")), "V": ("param", ("D", "K")), "Y": ("data", ("N", "K")),
    "A": ("data", ("D", "D")), "M": ("data", ("K", "K")),
    "B": ("symmetric", ("D", "D")), "theta": ("simplex", ("K",)), "h": ("positive", ("D",)), "r": ("row", ("D",)),
    "T": ("tensor", ("N", "D", "K")),
}
LABELS: dict[str, tuple[Shape, str]] = {"y": (("N",), "K"), "z": (("N",), "D"), "t": ((), "K")}
BY_LETTER = frozenset("abcvowxuXWVYAMyz")
RARE = ("B", "theta", "h", "r", "T", "c")
SIZES = ("N", "D", "K")
DEFINED = ("s", "q", "p", "g", "Z", "P", "R", "H")
INDICES = "ijklmn"
NUMBERS = ("2", "3", "0.5", "1", "1/3", "1.7", "pi")

# operators that stand often, or seldom because they jump; the others count 1, those without a derivative hardly at all
OFTEN = {"exp": 4, "log": 4, "sigmoid": 3, "sin": 3, "tanh": 3, "cos": 2, "sqrt": 3, "softplus": 2, "relu": 3, "abs": 3,
         "square": 3, "sum": 6, "mean": 4, "norm2": 3, "sumsq": 3, "tr": 5, "logdet": 2, "inv": 4, "softmax": 3, "logsoftmax": 3,
         "sign": 0.3, "step": 0.3, "f": 1}
# operators that stand only in losses whose seed begins with "whole", where they are frequent
BY_EIGENVALUES = ("expm", "logm", "sqrtm", "matpow", "trexpm", "trsqrtm", "trmatpow", "lambda_max", "lambda_min", "eigvec_max",
                  "eigvec_min", "tril", "triu")
SPELLINGS = {row.name: (row.name, *row.aliases) for row in OPS.values()} | {"f": ("f",)}


class Writer:
    """One script in the making: which inputs it uses and which definitions stand so far."""

    def __init__(self, seed: int | str) -> None:
        self.r = random.Random(f"iverson {seed}")
        self.whole = str(seed).startswith("whole")
        self.defined: dict[str, Shape] = {}
        self.lines: list[str] = []

    # -- choices -------------------------------------------------------------------------------------------

    def pick(self, rows: Sequence[tuple[float, Any]]) -> Any:
        return self.r.choices([row for _, row in rows], [w for w, _ in rows])[0]

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    def split(self, b: int) -> tuple[int, int]:
        left = self.r.randint(1, max(1, b - 1))
        return left, max(1, b - left)

    def spelled(self, name: str) -> str:
        return self.r.choice(SPELLINGS[name])

    def call(self, name: str, *args: Text) -> Text:
        return Text(f"{self.spelled(name)}({', '.join(a.text for a in args)})")

    def arrays(self) -> dict[str, Shape]:
        rare = {n for n in RARE if self.chance(0.85)} if not self.chance(0.02) else set()
        given = {n: s for n, (_, s) in INPUTS.items() if n not in rare}
        return {**given, **self.defined}

    def name_among(self, names: Sequence[Any]) -> Any:
        """One of these arrays, (name, shape) or the name alone: definitions three times as often, so that they are shared."""
        plain = [n if isinstance(n, str) else n[0] for n in names]
        return self.r.choices(names, [3.0 if n in self.defined else 1.0 for n in plain])[0]

    # -- expressions ---------------------------------------------------------------------------------------

    def any(self, shape: Shape, b: int, scope: Scope) -> Text:
        """An expression of this shape with about b nodes."""
        if b <= 1:
            return self.leaf(shape, scope)
        rows = [*ELEMENTWISE, *SHAPED[len(shape)], *(INDEXED if not shape and scope else ())]
        rows += WHOLE_SHAPED[len(shape)] if self.whole else ()
        made = self.pick(rows)(self, shape, b - 1, scope)
        return made if made is not None else self.leaf(shape, scope)

    def leaf(self, shape: Shape, scope: Scope) -> Text:
        if not shape:
            return self.scalar_leaf(scope)
        own = [n for n, s in self.arrays().items() if s == shape and n != "r"]
        rows: list[tuple[float, Any]] = [(4, lambda: Text(self.name_among(own)))] if own else []
        if len(shape) == 2:
            turned = [n for n, s in self.arrays().items() if s == shape[::-1]]
            rows += [(1.5 if own else 6, lambda: Text(self.name_among(turned) + "'", POWER))] if turned else []
            rows += [(0.5 if own or turned else 4, lambda: self.outer(shape, 2, scope))]
        else:
            rows += [(1, lambda: self.slice_of(shape, scope) or self.constant(shape))]
            rows += [(0.3, lambda: Text("r'", POWER))] if shape == ("D",) else []
        return self.pick([*rows, (0.3, lambda: self.constant(shape))])()

    def constant(self, shape: Shape) -> Text:
        if len(shape) == 2 and shape[0] == shape[1] and self.chance(0.6):
            return Text(f"eye({shape[0]})")
        if shape == ("N", "K") and self.chance(0.5):
            return Text("onehot(y)")
        name = self.pick([(4, "ones"), (1, "zeros")])
        return Text(f"{self.spelled(name)}({', '.join(shape)})")

    def scalar_leaf(self, scope: Scope) -> Text:
        if scope and self.chance(0.75):
            return self.element(self.r.choice(list(scope)), scope)
        scalars = [n for n, s in self.arrays().items() if not s]
        rows = [(4, lambda: Text(self.name_among(scalars))), (2, self.number), (0.15, lambda: Text(self.r.choice(SIZES))),
                (1, lambda: self.fixed()), (0.15 if scope else 0, lambda: Text(self.r.choice(list(scope))))]
        return self.pick(rows)()

    def number(self) -> Text:
        text = self.r.choice(NUMBERS)
        return Text(text, TIMES if "/" in text else ATOM)

    def fixed(self) -> Text:
        """An entry by constant indices or a scalar label."""
        name, shape = self.r.choice([(n, s) for n, s in self.arrays().items() if s and n != "T"])
        terms = ["t" if n == "K" and self.chance(0.4) else str(self.r.randrange(3)) for n in shape]
        return Text(f"{name}[{','.join(terms)}]")

    def element(self, index: str, scope: Scope) -> Text:
        """An entry of an array that reads the index; other axes take indices, labels or constants."""
        n = scope[index]
        name, shape = self.name_among([(m, s) for m, s in self.arrays().items() if n in s])
        place = self.r.choice([p for p, s in enumerate(shape) if s == n])
        terms = [index if p == place else self.term(s, scope) for p, s in enumerate(shape)]
        return Text(f"{name}[{','.join(terms)}]")

    def term(self, n: str, scope: Scope) -> str:
        own = [i for i, s in scope.items() if s == n]
        labels = [f"{y}[{i}]" for y, (s, k) in LABELS.items() if k == n and s for i, m in scope.items() if (m,) == s]
        rows = [(5, own), (2, labels), (0.5, [str(self.r.randrange(3))]), (0.3 if n == "K" else 0, ["t"])]
        return self.r.choice(self.pick([row for row in rows if row[1]]))

    def slice_of(self, shape: Shape, scope: Scope) -> Text | None:
        """A column or a transposed row of a matrix."""
        whole = [(n, s) for n, s in self.arrays().items() if len(s) == 2 and shape[0] in s]
        name, (m, n) = self.name_among(whole)
        if m == shape[0]:
            return Text(f"{name}[:,{self.term(n, scope)}]")
        return Text(f"{name}[{self.term(m, scope)},:]'", POWER)

    # -- arguments in a domain -----------------------------------------------------------------------------

    def within(self, domain: str, shape: Shape, b: int, scope: Scope) -> Text:
        """An expression with values in a domain: any, tame (moderate), unit (between -1 and 1), positive."""
        if domain == "any" or (domain == "tame" and b <= 2) or (domain == "positive" and self.chance(0.06)):
            return self.any(shape, b, scope)
        dot = "." if shape else ""
        x = self.any(shape, max(1, b - 2), scope)
        forms = {
            "tame": [(3, Text(f"sin({x.text})")), (2, Text(f"{x.at(TIMES)}/4", TIMES)), (2, Text(f"sigmoid({x.text})"))],
            "unit": [(2, Text(f"0.9*tanh({x.text})", TIMES)), (1, Text(f"sin({x.text})/2", TIMES)),
                     (1, Text(f"sigmoid({x.text}) - 0.5", SUM))],
            "above": [(1, Text(f"1.2 + softplus({x.text})", SUM))],
            "between": [(1, Text(f"0.1 + 0.8*sigmoid({x.text})", SUM))],
            "moderate": [(1, Text(f"0.5 + sigmoid({x.text})", SUM)), (1, Text(f"1.5 + sin({x.text})", SUM))],
            "positive": [(2, Text(f"1 + {x.at(ATOM)}{dot}^2", SUM)), (2, Text(f"exp(sin({x.text}))")),
                         (2, Text(f"softplus({x.text})")), (1, Text(f"abs({x.text}) + 0.5", SUM)),
                         (1, Text(f"sigmoid({x.text})")), (1, Text(f"2 + cos({x.text})", SUM))],
        }
        return self.pick(forms[domain])

    def definite(self, n: str, b: int, scope: Scope) -> Text:
        """A square matrix that is well conditioned."""
        m = self.r.choice(SIZES)
        x = self.any((m, n), max(1, b - 4), {})
        bare = {"D": ["A", "B"], "K": ["M"]}.get(n, [])
        if bare and self.chance(0.3):
            return Text(self.r.choice(bare))
        front = self.pick([(2, ""), (1, "2*"), (1, "a^2*")])
        return Text(f"{x.at(POWER)}'*{x.at(POWER + 1)} + {front}eye({n})", SUM)

    def symmetric(self, n: str, b: int) -> Text:
        """A symmetric positive definite matrix."""
        x = self.any((self.r.choice(SIZES), n), max(1, b - 4), {})
        return Text(f"{x.at(POWER)}'*{x.at(POWER + 1)} + eye({n})", SUM)

    # -- elementwise ---------------------------------------------------------------------------------------

    def total(self, shape: Shape, b: int, scope: Scope) -> Text:
        left, right = self.split(b)
        x, y = self.any(shape, left, scope), self.any(shape if self.chance(0.9) else (), right, scope)
        return Text(f"{x.at(SUM)} {self.r.choice('++-')} {y.at(SUM + 1)}", SUM)

    def times(self, shape: Shape, b: int, scope: Scope) -> Text:
        left, right = self.split(b)
        scalar = bool(shape) and self.chance(0.4)
        x, y = self.any(() if scalar else shape, left, scope), self.any(shape, right, scope)
        sign = ".*" if shape and not scalar else "*"
        return product(x, sign, y)

    def over(self, shape: Shape, b: int, scope: Scope) -> Text:
        left, right = self.split(b)
        if shape and self.chance(0.5):
            return product(self.any(shape, left, scope), "./", self.within("positive", shape, right, scope))
        return product(self.any(shape, left, scope), "/", self.within("positive", (), right, scope))

    def power(self, shape: Shape, b: int, scope: Scope) -> Text:
        sign = ".^" if shape else "^"
        e = self.pick([(5, "2"), (2, "3"), (1, "0.5"), (1, "1.5"), (1, "-1"), (0.5, "-2"), (0.5, "a")])
        x = self.any(shape, b, scope) if e in "23" else self.within("positive", shape, b, scope)
        return Text(f"{x.at(ATOM)}{sign}{e}", POWER)

    def minus(self, shape: Shape, b: int, scope: Scope) -> Text:
        x = self.any(shape, b, scope)
        return Text(f"-{x.text if x.level == REDUCE else x.at(TIMES)}", TIMES if x.level != REDUCE else REDUCE)

    def one_of(self, *shapes: str) -> str:
        """An operator of one of these shape rules."""
        return self.pick([(frequency(row.name), row.name) for row in rows(*shapes) if self.known(row.name)])

    def known(self, name: str) -> bool:
        """Whether an operator may stand in this loss."""
        return name not in WITHOUT and (self.whole or name not in BY_EIGENVALUES)

    def function(self, shape: Shape, b: int, scope: Scope) -> Text:
        """An elementwise operator, each argument in its domain; numbers with a default are written or left out."""
        if self.chance(0.02):
            return self.call("f", self.any(shape, b, scope))
        row = OPS[self.one_of(*MAPS)]
        needs = domains(row.name)
        parts = [b] if len(needs) == 1 or order_first(row) else list(self.split(b))
        if order_first(row):
            parts = [1, b]
        args = [Text(self.r.choice(ORDERS)) if d == "order" else self.within(d, self.side(shape, p), n, scope)
                for p, (d, n) in enumerate(zip(needs, parts, strict=True))]
        return self.call(row.name, *args, *self.numbers(row))

    def side(self, shape: Shape, place: int) -> Shape:
        """The shape of an argument: a later one may be a scalar."""
        return () if place and self.chance(0.2) else shape

    def numbers(self, row: Op) -> list[Text]:
        """The arguments that are numbers, those with a default changed or left out."""
        if not row.defaults:
            return [Text(n) for n in fixed(row)]
        factor = self.r.choice((0.5, 1.25, 1.5))
        return [Text(f"{factor*float(n):g}") for n in row.defaults] if self.chance(0.5) else []

    def extreme(self, shape: Shape, b: int, scope: Scope) -> Text:
        """max or min of two or three, in any order; often with a number."""
        left, right = self.split(b)
        other = self.number() if self.chance(0.3) else self.any(shape if self.chance(0.6) else (), right, scope)
        parts = [self.any(shape, left, scope), Text("0") if self.chance(0.1) else other]
        parts += [self.any((), 1, scope)] if self.chance(0.1) else []
        self.r.shuffle(parts)
        return self.call(self.r.choice(("max", "min")), *parts)

    def indicator(self, shape: Shape, b: int, scope: Scope) -> Text:
        """A bracket on values times something."""
        left, right = self.split(b)
        sign = ".*" if shape else "*"
        held = Text(f"[{self.condition(shape, left, scope).text}]")
        return product(held, sign, self.any(shape, right, scope))

    def condition(self, shape: Shape, b: int, scope: Scope) -> Text:
        """Relations between values, joined."""
        left, right = self.split(b)
        if b > 4 and self.chance(0.35):
            p, q = self.condition(shape, left, scope), self.condition(shape, right, scope)
            word, level = self.r.choice((("and", AND), ("or", OR)))
            return Text(f"{p.at(level)} {word} {q.at(level + 1)}", level)
        if self.chance(0.1):
            return Text(f"not {self.condition(shape, b - 1, scope).at(NOT + 1)}", NOT)
        x, y = self.any(shape, left, scope), self.any(() if self.chance(0.5) else shape, right, scope)
        return Text(f"{x.at(SUM)} {self.r.choice(('<', '<=', '>', '>='))} {y.at(SUM)}", RELATION)

    # -- index notation ------------------------------------------------------------------------------------

    def reduce(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        """sum, mean, prod, max or min over one or two indices, with or without a condition."""
        free = [i for i in INDICES if i not in scope]
        count = min(len(free), 2 if self.chance(0.25) else 1)
        if not count:
            return None
        names = self.r.sample(free, count)
        sizes = self.r.choices(SIZES, k=count) if self.chance(0.6) else [self.r.choice(SIZES)] * count
        inner = scope | dict(zip(names, sizes, strict=True))
        kind = self.pick([(6, "sum"), (2, "mean"), (0.7, "prod"), (0.7, "max"), (0.7, "min")])
        binder, settled = self.binder(names, scope, inner, kind)
        body = self.body(shape, [i for i in names if i not in settled or self.chance(0.5)], b - 1, inner)
        return Text(f"{kind}[{binder}] {body.at(REDUCE)}", REDUCE)

    def body(self, shape: Shape, names: Sequence[str], b: int, scope: Scope) -> Text:
        """An expression in which every one of the indices stands in an array, so that its size is known."""
        made = self.any(shape, max(1, b - 2 * len(names)), scope)
        for i in names:
            if re.search(rf"\[(?:[^\[\]]*,)?{i}[,\]]", made.text) and self.chance(0.95):
                continue
            e = self.element(i, scope)
            made = self.pick([(2, lambda e=e, made=made: product(e, "*", made)),
                              (1, lambda e=e, made=made: Text(f"{made.at(SUM)} + {e.text}", SUM))])()
        return made

    def binder(self, names: Sequence[str], scope: Scope, inner: Scope, kind: str) -> tuple[str, set[str]]:
        """What stands in the brackets of a reduction, and the indices whose size it settles.

        The largest of no terms is -inf: under max and min stands no condition that may leave none.
        """
        plain = ",".join(names)
        if not self.chance(0.4):
            return plain, set()
        i, extreme = names[0], kind in ("max", "min")
        made = self.relation(i, inner, ("!=",) if extreme else ())
        if not extreme and self.chance(0.15):
            values = self.condition((), 3, inner)
            return f"{plain}: {values.text}", set()
        text, settles = made
        own = text.startswith(f"{i} ") and len(names) == 1 and self.names_once(text, scope)
        settled = {i} if settles else set()
        return (text if own and self.chance(0.6) else f"{plain}: {text}"), settled

    def names_once(self, text: str, scope: Scope) -> bool:
        """Whether a relation by itself tells which index it binds."""
        bare = re.sub(r"\[[^\]]*\]", "", text)
        return sum(bool(re.search(rf"\b{i}\b", bare)) for i in INDICES if i not in scope) == 1

    def relation(self, i: str, scope: Scope, only: Sequence[str] = ()) -> tuple[str, bool]:
        """A relation between index i and another index, a label or a number; whether it settles the size of i."""
        n = scope[i]
        same = [j for j, m in scope.items() if m == n and j != i]
        labels = [f"{y}[{j}]" for y, (s, k) in LABELS.items() if k == n and s for j, m in scope.items() if (m,) == s]
        labels += ["t"] if n == "K" else []
        rows = [(3, ("<", "!=", "<=", "=", ">"), same, False), (3, ("!=", "!=", "="), labels, True),
                (0.6, ("!=", "=", "<"), ["1"], False)]
        live = [row for row in rows if row[2]]
        signs, others = self.pick([(w, (signs, (others, settles))) for w, signs, others, settles in live])
        return f"{i} {self.r.choice(only or signs)} {self.r.choice(others[0])}", others[1]

    def index_bracket(self, shape: Shape, b: int, scope: Scope) -> Text:
        """A bracket on indices times something."""
        relations = [self.relation(self.r.choice(list(scope)), scope) for _ in range(2)]
        first, second = (text for text, _ in relations)
        held = self.pick([(5, first), (1, f"not {first}"), (1, f"{first} and {second}"), (1, f"{first} or {second}")])
        return product(Text(f"[{held}]"), "*", self.any((), b, scope))

    def entry(self, shape: Shape, b: int, scope: Scope) -> Text:
        """An entry of a matrix expression: (X*W)[i,k]."""
        n = scope[self.r.choice(list(scope))]
        m = self.r.choice([None, *SIZES])
        whole = (n,) if m is None else (m, n)
        x = self.any(whole, b, {})
        return Text(f"{x.at(ATOM)}[{','.join(self.term(s, scope) for s in whole)}]")

    # -- scalars of arrays ---------------------------------------------------------------------------------

    def inner(self, shape: Shape, b: int, scope: Scope) -> Text:
        n = self.r.choice(SIZES)
        left, right = self.split(b)
        return product(Text(self.any((n,), left, scope).at(POWER) + "'", POWER), "*", self.any((n,), right, scope))

    def whole(self, shape: Shape, b: int, scope: Scope) -> Text:
        """An operator that takes an array to a scalar; a second argument is a number."""
        row = OPS[self.pick([(7, self.one_of("total")), (1, "max"), (1, "min")])]
        dims = tuple(self.r.choices(SIZES, k=self.r.choice((1, 1, 2))))
        second = [Text(self.r.choice(("3", "1.5", "4")))] * (row.arity[0] - 1)
        if row.name == "prod":
            return self.call("prod", self.within("tame", dims[:1], b, scope))
        return self.call(row.name, self.any(dims, b, scope), *second)

    def measure(self, shape: Shape, b: int, scope: Scope) -> Text:
        """A number told of a matrix that is not square."""
        return self.call(self.one_of("measure"), self.any(tuple(self.r.sample(SIZES, 2)), b, scope))

    def line(self, shape: Shape, b: int, scope: Scope) -> Text:
        return self.call(self.one_of("line"), self.any((self.r.choice(SIZES),), b, scope))

    def volume(self, shape: Shape, b: int, scope: Scope) -> Text:
        n, name = self.r.choice(SIZES), self.one_of("volume")
        return self.call(name, self.any((n, n), b, scope) if name == "tr" else self.definite(n, b, scope), *self.beside(name))

    def beside(self, name: str) -> list[Text]:
        """The scalars beside the matrix of a whole-matrix function."""
        return [Text(self.r.choice(("1.5", "-1/2", "a")), TIMES)] if OPS[name].arity[0] > 1 else []

    def masked(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        return None if shape[0] != shape[1] else self.call(self.one_of("mask"), self.any(shape, b, scope))

    # -- vectors and matrices ------------------------------------------------------------------------------

    def transposed_row(self, shape: Shape, b: int, scope: Scope) -> Text:
        """(x'*A)' and its kind."""
        m = self.r.choice(SIZES)
        left, right = self.split(b)
        x, y = self.any((m,), left, scope), self.any((m, *shape), right, scope)
        return Text(f"({x.at(POWER)}'*{y.at(TIMES + 1)})'", POWER)

    def matmul(self, shape: Shape, b: int, scope: Scope) -> Text:
        m = self.r.choice(SIZES)
        left, right = self.split(b)
        return product(self.any((shape[0], m), left, scope), "*", self.any((m, *shape[1:]), right, scope))

    def outer(self, shape: Shape, b: int, scope: Scope) -> Text:
        left, right = self.split(b)
        x, y = self.any(shape[:1], left, scope), self.any(shape[1:], right, scope)
        return product(x, "*", Text(y.at(POWER) + "'", POWER))

    def turned(self, shape: Shape, b: int, scope: Scope) -> Text:
        return Text(self.any(shape[::-1], b, scope).at(POWER) + "'", POWER)

    def softmax(self, shape: Shape, b: int, scope: Scope) -> Text:
        return self.call(self.one_of("same"), self.any(shape, b, scope))

    def spectrum(self, shape: Shape, b: int, scope: Scope) -> Text:
        return self.call(self.one_of("spectrum"), self.symmetric(shape[0], b))

    def factored(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        """A matrix to one like it, other than the inverse; of an array, one with the sizes swapped."""
        if shape[0] == shape[1] and self.chance(0.5):
            others = [(1.0, row.name) for row in rows("square") if self.known(row.name) and row.name != "inv"]
            name = self.pick(others) if others else ""
            return self.call(name, self.symmetric(shape[0], b), *self.beside(name)) if others else None
        own = [n for n, s in self.arrays().items() if s == shape[::-1]]
        return self.call(self.one_of("flip"), Text(self.r.choice(own))) if own else None

    def diag_of(self, shape: Shape, b: int, scope: Scope) -> Text:
        return self.call("diag", self.any(shape * 2, b, scope))

    def diagonal(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        """diag(v), alone or scaling a matrix."""
        left, right = self.split(b)
        p = self.r.choice((0, 1))
        d = self.call("diag", self.any((shape[p],), left, scope))
        if shape[0] == shape[1] and self.chance(0.4):
            return d
        x = self.any(shape, right, scope)
        return product(d, "*", x) if p == 0 else product(x, "*", d)

    def solved(self, shape: Shape, b: int, scope: Scope) -> Text:
        """inv(...)*x, or the inverse itself."""
        left, right = self.split(b)
        p = self.definite(shape[0], left, scope)
        inverse = Text(p.at(ATOM) + "^-1", POWER) if self.chance(0.2) else self.call("inv", p)
        if len(shape) == 2 and shape[0] == shape[1] and self.chance(0.6):
            return inverse
        return product(inverse, "*", self.any(shape, right, scope))

    def squared(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        if shape[0] != shape[1]:
            return None
        return Text(self.any(shape, b, scope).at(ATOM) + self.r.choice(("^2", "^3")), POWER)

    def broadcast(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        """A matrix and a vector along one of its axes."""
        if shape[0] == shape[1]:
            return None
        left, right = self.split(b)
        x, v = self.any(shape, left, scope), self.any((self.r.choice(shape),), right, scope)
        return Text(f"{x.at(SUM)} + {v.at(SUM + 1)}", SUM) if self.chance(0.6) else product(x, ".*", v)

    def spread(self, shape: Shape, b: int, scope: Scope) -> Text:
        p = self.r.choice((0, 1))
        left, right = self.split(b)
        v, x = self.any((shape[p],), left, scope), self.any(shape, right, scope)
        return product(x, ".*", Text(f"spread({v.text}, {p}, 2)"))

    def hot(self, shape: Shape, b: int, scope: Scope) -> Text | None:
        labels = {("N", "K"): "y", ("N", "D"): "z", ("K",): "t"}
        return self.call("onehot", Text(labels[shape])) if shape in labels else None

    def moved(self, shape: Shape, b: int, scope: Scope) -> Text:
        """A number from an array that is cut, joined, turned or reshaped."""
        left, right = self.split(b)
        v, o = (self.any(("N",), c, scope).at(ATOM) for c in (left, right))
        return Text(self.r.choice(MOVED).format(v=v, o=o, X=self.any(("N", "D"), left, scope).at(ATOM)), TIMES)

    # -- scripts -------------------------------------------------------------------------------------------

    def define(self, b: int) -> None:
        """One more definition: an array, or entries with indices on the left."""
        name = next((n for n in self.r.sample(DEFINED, len(DEFINED)) if n not in self.defined), None)
        if name is None:
            return
        shape = tuple(self.r.choices(SIZES, k=self.pick([(1, 0), (3, 1), (4, 2)])))
        if shape and self.chance(0.45):
            names = self.r.sample(INDICES, len(shape))
            scope = dict(zip(names, shape, strict=True))
            self.lines.append(f"{name}[{','.join(names)}] = {self.body((), names, b, scope).text}")
        else:
            self.lines.append(f"{name} = {self.any(shape, b, {}).text}")
        self.defined[name] = shape

    def case(self, most: int) -> Case | None:
        """The finished script, None when it came out too long or reads no input."""
        b = max(1, round(self.r.triangular(0, most, most / 5)))
        for _ in range(self.pick([(5, 0), (3, 1), (2, 2)]) if b > 6 else 0):
            self.define(max(1, b // 3))
            b -= b // 3
        shape = self.pick([(12, ()), (1, ("N",)), (0.5, ("D", "K"))]) if b < 15 else ()
        body = self.any(shape, b, {}).text
        self.lines.append(f"L = {body}" if self.chance(0.5) else body)
        text = "\n".join(self.lines)
        if self.lines[:-1] and self.chance(0.1):
            text = f"{body} where " + ", ".join(self.lines[:-1])
        return self.finished(text)

    def finished(self, text: str) -> Case | None:
        words = set(re.findall(r"[A-Za-z]\w*", text))
        used = [n for n in (*INPUTS, *LABELS, "f") if n in words]
        reals = [n for n in used if n in INPUTS]
        if not reals or len(re.findall(NODE, text)) > MOST_NODES:
            return None
        sized = bool(words & set(SIZES))
        wrt = self.r.choice([n for n in reals if n != "c"] or reals)
        way = self.pick([(6, declared), (2, as_arguments), (1 if set(used) <= BY_LETTER and not sized else 0, bare)])
        return way(text, wrt, used, sized)


def frequency(name: str) -> float:
    """How often an operator is chosen beside the others of its kind."""
    found = CALCULUS.get(name)
    return 0.05 if found is not None and found.partial is None else OFTEN.get(name, 1.0)


def product(x: Text, sign: str, y: Text) -> Text:
    """A product or quotient; a sum sign may stand last without parentheses."""
    right = y.text if y.level == REDUCE and sign != "/" and sign != "./" else y.at(TIMES + 1)
    level = REDUCE if y.level == REDUCE and sign not in ("/", "./") else TIMES
    return Text(x.at(TIMES) + sign + right, level)


# one for each row of BLOCKS, and computed indices
MOVED = (
    "sum(square(diff({v})))", "{v}'*flip({o})", "{v}'*roll({o}, 1)", "sum(sin(conv({v}, ones(2))))",
    "sum(sin(correlate({v}, ones(2))))", "logsumexp(concat({v}, {o}))", "sum(sin(vstack({X}, {X})))",
    "norm1(hstack({X}, {v}))", "sum(sin(kron({v}, ones(2))))", "vec({X})'*vec({X})", "vec({X})'*commutation(D, N)*vec({X}')",
    "sum(sin({v} + vector(2)))", "norm1({X} - matrix(1))", "sum(cos(reshape({X}, N*D)))",
    "sum(square({v}[1:] - {o}[:-1]))")

Row = tuple[float, Callable[[Writer, Shape, int, Scope], Any]]

ELEMENTWISE: tuple[Row, ...] = (
    (3, Writer.total), (3, Writer.times), (1.2, Writer.over), (1.5, Writer.power), (0.8, Writer.minus),
    (4.5, Writer.function), (1, Writer.extreme), (0.8, Writer.indicator), (2, Writer.reduce))
INDEXED: tuple[Row, ...] = ((2, Writer.index_bracket), (1, Writer.entry), (2, Writer.reduce))
SHAPED: tuple[tuple[Row, ...], ...] = (
    ((2, Writer.inner), (5, Writer.whole), (1, Writer.line), (1.5, Writer.volume), (0.4, Writer.measure), (3, Writer.reduce),
     (0.5, Writer.moved)),
    ((4, Writer.matmul), (1, Writer.transposed_row), (1.2, Writer.softmax), (0.8, Writer.diag_of), (0.8, Writer.solved),
     (0.3, Writer.hot), (0.3, Writer.spectrum)),
    ((4, Writer.matmul), (1.5, Writer.outer), (1, Writer.turned), (1, Writer.softmax), (1, Writer.diagonal),
     (0.8, Writer.solved), (0.5, Writer.squared), (1, Writer.broadcast), (0.15, Writer.spread), (0.4, Writer.hot),
     (0.4, Writer.factored)))
WHOLE_SHAPED: tuple[tuple[Row, ...], ...] = (
    ((6, Writer.volume),), ((3, Writer.spectrum),), ((5, Writer.factored), (3, Writer.masked)))

# the method that writes operators of a shape rule of OPS
BY_SHAPE: dict[str, Callable[[Writer, Shape, int, Scope], Any]] = {
    **dict.fromkeys(MAPS, Writer.function), "extreme": Writer.extreme, "total": Writer.whole, "line": Writer.line,
    "same": Writer.softmax, "volume": Writer.volume, "square": Writer.solved, "flip": Writer.factored,
    "spectrum": Writer.spectrum, "measure": Writer.measure, "diag": Writer.diagonal, "build": Writer.constant,
    "onehot": Writer.hot, "spread": Writer.spread, "mask": Writer.masked,
}


# -- how the kinds are given -----------------------------------------------------------------------------------

def declaration(name: str) -> str:
    """An input as it is declared in the text."""
    if name == "f":
        return "f: function"
    if name in LABELS:
        shape, classes = LABELS[name]
        return f"{name}: label{dims(shape) or '[]'} in {classes}"
    kind, shape = INPUTS[name]
    return f"{name}: {kind}{dims(shape[:1] if kind == 'symmetric' else shape)}"


def dims(shape: Shape) -> str:
    return f"[{', '.join(shape)}]" if shape else ""


def declared(text: str, wrt: str, used: Sequence[str], sized: bool) -> Case:
    """Everything is declared in the text; a size that the loss names needs an input that has it."""
    names = {*used, *({"X", "Y"} if sized else ())}
    return Case("\n".join([*map(declaration, sorted(names)), text]), wrt)


def as_arguments(text: str, wrt: str, used: Sequence[str], sized: bool) -> Case:
    """The text declares nothing; kinds and sizes come as arguments."""
    kinds, sizes = {}, {}
    for n in sorted({*used, *({"X", "Y"} if sized else ())}):
        kind = declaration(n).partition(": ")[2]
        shape = LABELS[n][0] if n in LABELS else INPUTS[n][1] if n in INPUTS else None
        kinds[n] = re.sub(r"\[.*\]", "", kind)
        if shape is not None:
            sizes[n] = shape
    return Case(text, wrt, kinds, sizes)


def bare(text: str, wrt: str, used: Sequence[str], sized: bool) -> Case:
    """Nothing is declared: letters and uses tell."""
    return Case(text, wrt)


def case(seed: str, most: int = 40) -> Case:
    """The script of one seed, of about `most` nodes at most: the first attempt that reads an input."""
    for attempt in range(100):
        made = Writer(f"{seed}.{attempt}").case(most)
        if made is not None:
            return made
    raise AssertionError(f"no script for {seed}")


def letters_only(text: str) -> set[str]:
    """The words of a text."""
    return set(re.findall(r"[A-Za-z]\w*", text))
