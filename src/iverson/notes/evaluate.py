r"""What a formula of a note is worth at an instance, read as it is written; derivatives by complex steps.

Glossary   env: bound letters, each an Index, and arguments of functions;  over: symbols whose values are set from outside, to derive by them;
sample: the sample that is looked at, as in L^{(i)}.
Values here judge notes and nothing else.  What cannot be read is an IversonError with its span.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import IversonError, Span
from ..lang.latex_symbols import text_of
from ..lang.latex_tree import Tex, inner_of, walk
from ..lang.latex_words import LONG
from .instance import Draw, Reading, kinds_of
from .scope import INDICES, Definition, Scope, flat, plain
from .values import (
    ENTRYWISE,
    SCALARS,
    SQUARE,
    STEP,
    WHOLE,
    Misfit,
    Val,
    added,
    divided,
    entrywise,
    larger,
    match,
    multiplied,
    powered,
    smaller,
    turned,
)

ONES = (r"\mathbb{1}", r"\mathbf{1}", r"\mathbb{I}", r"\mathbf{I}", "I")
OPAQUE = ("f", "g", "h", r"\phi", r"\psi", r"\varphi")
STANDARD = {r"\sigma": "sigmoid"}
DISTANCE = 1e-3
MOST_WORK = 60_000


@dataclass(frozen=True)
class Index:
    """The place of an entry, from 0; size is None where no axis has said it yet."""

    at: int
    size: int | None


Env = dict[str, Any]


def unread(message: str, span: Span | None = None, kind: str = "unsupported") -> IversonError:
    return IversonError(kind, message, span)


class Evaluator:
    """One instance.  at, section: where the formula stands; it decides which definitions hold."""

    def __init__(self, scope: Scope, reading: Reading, draw: Draw, at: int, section: tuple[int, ...]) -> None:
        self.scope, self.reading, self.draw, self.at, self.section = scope, reading, draw, at, section
        self.over: dict[tuple[str, int | None], Val] = {}
        self.sample: Index | None = None
        self.open: list[str] = []
        self.conditions: dict[str, None] = {}
        self.kinks: dict[str, None] = {}
        self.opaque: dict[str, None] = {}
        self.inputs: dict[str, Any] = {}
        self.deriving = 0
        self.work = 0
        self.hidden: frozenset[str] = frozenset()
        self.guessed = False
        self.slot: str | None = None
        self.version = 0
        self.versions = 0
        self.kept: dict[tuple[Any, ...], Val] = {}
        self.drawn: dict[tuple[Any, ...], Any] = {}
        self.relations: dict[tuple[int, int], None] = {}
        self.used: dict[int, Definition] = {}

    # -- one node --------------------------------------------------------------------------------------------

    def value(self, t: Tex, env: Env) -> Val:
        self.work += 1
        if self.work > MOST_WORK:
            raise unread("This formula is too large to be compared.", t.span, "limit")
        if t.op == "sym":
            return self.symbol(t, env)
        if t.op in ("fence", "norm", "bars", "inner", "group", "deriv", "grid", "cases", "frac", "sqrt") and (t.sub or t.sup):
            bare = replace(t, sub=None, sup=())
            v = self.norm(t, env) if t.op == "norm" else getattr(self, f"_{t.op}")(bare, env)
            if t.sub and t.op not in ("norm", "inner"):
                v = self.entries(v, flat(t.sub), env, t.span)
            return self.above(v, t.sup, env, t.span)
        method = getattr(self, f"_{t.op}", None)
        if method is None:
            raise unread("This is not read.", t.span)
        return method(t, env)

    def number(self, t: Tex, env: Env) -> Any:
        v = self.value(t, env)
        if v.rank:
            raise Misfit("A number is expected here.", t.span)
        return v.a

    def above(self, v: Val, sup: tuple[Any, ...], env: Env, span: Span) -> Val:
        for kind, x in sup:
            if kind == "T":
                v = turned(v)
            elif kind in ("inv", "invT"):
                if v.rank == 0:
                    v = Val(1 / v.a)
                    continue
                if v.rank != 2:
                    raise Misfit("The inverse of a vector.", span)
                match(*v.a.shape)
                v = Val(np.linalg.inv(v.a))
                v = turned(v) if kind == "invT" else v
            elif kind == "power":
                v = powered(v, self.value(x, env))
            elif kind == "prime" and v.rank:
                v = turned(v)
            elif kind == "epower":
                n = self.value(x, env)
                v = replace(v, a=v.a ** np.real(n.a))
            else:
                raise unread("What stands above this is not read.", span)
        return v

    def _num(self, t: Tex, env: Env) -> Val:
        return Val(np.float64(float(t.attr)))

    def _group(self, t: Tex, env: Env) -> Val:
        return self.value(t.args[0], env)

    def _fence(self, t: Tex, env: Env) -> Val:
        if len(t.args) == 1:
            inner = t.args[0]
            if inner.op in ("rel", "and", "or", "not"):
                if t.attr == "[":
                    return Val(np.float64(self.holds(inner, env)))
                raise unread("A relation is a number only in an indicator.", t.span)
            return self.value(inner, env)
        from .dots import listed

        return listed(self, t, env)

    def _add(self, t: Tex, env: Env) -> Val:
        found = self.value(t.args[0], env)
        for a in t.args[1:]:
            found = added(found, self.value(a, env))
        return found

    def _neg(self, t: Tex, env: Env) -> Val:
        v = self.value(t.args[0], env)
        return replace(v, a=-v.a)

    def _frac(self, t: Tex, env: Env) -> Val:
        return divided(self.value(t.args[0], env), self.value(t.args[1], env))

    def _sqrt(self, t: Tex, env: Env) -> Val:
        v = self.value(t.args[0], env)
        if len(t.args) == 2:
            return powered(v, Val(1 / self.number(t.args[1], env)))
        return replace(v, a=ENTRYWISE["sqrt"](v.a))

    def _inner(self, t: Tex, env: Env) -> Val:
        if len(t.args) != 2:
            raise unread("An inner product has two factors.", t.span)
        a, b = (self.value(x, env) for x in t.args)
        return Val(np.sum(entrywise(np.multiply, replace(a, flexible=True), b).a))

    def _op(self, t: Tex, env: Env) -> Val:
        a, b = self.value(t.args[0], env), self.value(t.args[1], env)
        if t.attr in ("odot", "oslash"):
            return entrywise(np.multiply if t.attr == "odot" else np.divide, a, b)
        if t.attr == "slash":
            return divided(a, b)
        if t.attr == "otimes":
            raise unread("This product is the outer product or the Kronecker product.", t.span)
        return multiplied(a, b, t.attr == "cdot", lambda: self.taken_as_row(t))

    def taken_as_row(self, t: Tex) -> None:
        """A derivative by a column that stands where only a row fits."""
        self.conditions["row"] = None

    def _dots(self, t: Tex, env: Env) -> Val:
        raise unread("A formula with dots leaves out what it means.", t.span)

    _all = _plus = _such = _rest = _dots

    def _floor(self, t: Tex, env: Env) -> Val:
        raise unread("Rounding is not read.", t.span)

    _ceil = _floor

    def _grid(self, t: Tex, env: Env) -> Val:
        from .dots import gridded

        return gridded(self, t, env)

    def _cases(self, t: Tex, env: Env) -> Val:
        for p in range(0, len(t.args), 2):
            if t.args[p + 1].op == "rest" or self.holds(t.args[p + 1], env):
                return self.value(t.args[p], env)
        return Val(np.float64(0))

    def _bars(self, t: Tex, env: Env) -> Val:
        v = self.value(t.args[0], env)
        if v.rank == 0:
            return Val(ENTRYWISE["abs"](v.a))
        if v.rank == 2:
            match(*v.a.shape)
            return Val(np.linalg.det(v.a))
        raise unread("Bars around a vector are its norm, or the absolute values of its entries.", t.span, "ambiguous")

    def _norm(self, t: Tex, env: Env) -> Val:
        return self.norm(t, env)

    def norm(self, t: Tex, env: Env) -> Val:
        v = self.value(t.args[0], env)
        kind = text_of(t.sub[0]) if t.sub and len(t.sub) == 1 else None if t.sub is None else "?"
        if kind == "1" and v.rank == 1:
            return Val(np.sum(ENTRYWISE["abs"](v.a)))
        if kind in (None, "2", "F") and not (kind == "2" and v.rank == 2):
            return Val(ENTRYWISE["sqrt"](np.sum(v.a * v.a)))
        raise unread("This norm is not read.", t.span)

    # -- conditions ------------------------------------------------------------------------------------------

    def holds(self, t: Tex, env: Env) -> bool:
        t = inner_of(t)
        if t.op == "and":
            return all([self.holds(a, env) for a in t.args])
        if t.op == "or":
            return any([self.holds(a, env) for a in t.args])
        if t.op == "not":
            return not self.holds(t.args[0], env)
        if t.op != "rel":
            raise unread("A condition is expected here.", t.span, "syntax")
        a, b = self.compared(t.args[0], env), self.compared(t.args[1], env)
        if isinstance(a, Index) and isinstance(b, Index) and a.size is not None and b.size is not None:
            match(a.size, b.size)
        x, y = (v.at + 1 if isinstance(v, Index) else v for v in (a, b))
        if np.ndim(x) or np.ndim(y):
            raise Misfit("Arrays are compared.", t.span)
        if (np.iscomplexobj(x) or np.iscomplexobj(y)) and t.attr in ("<", ">", "<=", ">="):
            self.kinks[t.attr] = None
        if t.attr in ("<", ">", "<=", ">=") and not isinstance(a, Index):
            self.relations[t.span.start, t.span.end] = None
        x, y = np.real(x), np.real(y)
        return bool({"=": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[t.attr])

    def compared(self, t: Tex, env: Env) -> Any:
        found = self.index_of(t, env)
        return found if found is not None else self.number(t, env)

    def index_of(self, t: Tex, env: Env) -> Index | None:
        """An index or label as such; None for anything else."""
        t = inner_of(t)
        if t.op != "sym":
            return None
        base = plain(str(t.attr))
        if isinstance(env.get(str(t.attr)), Index) and not t.sub:
            return env[str(t.attr)]
        if base in self.scope.labels and self.scope.lookup(base, self.at, self.section) is None:
            return self.label(t, env)
        return None

    def label(self, t: Tex, env: Env) -> Index:
        key, terms, sample, _ = self.scope.split(t)
        size = self.reading.sizes.value(f"range.{key}")
        use = self.scope.uses.get(key)
        place = self.index(sample, env, None) if sample is not None else self.sample if use and use.sampled else None
        if place is not None:
            n = self.reading.sizes.value("samples")
            match(place.size if place.size is not None else n, n)
            return self.met(key, Index(int(self.labelled(key, (n,), size)[place.at]), size))
        if terms:
            n = self.reading.sizes.value(f"{key}.0")
            at = self.index(terms[0], env, n)
            return self.met(key, Index(int(self.labelled(key, (n,), size)[at.at]), size))
        return self.met(key, Index(int(self.labelled(key, (), size)), size))

    def array(self, key: str, shape: tuple[int, ...]) -> Any:
        if (key, shape) not in self.drawn:
            self.drawn[key, shape] = self.draw.array(key, shape)
        return self.drawn[key, shape]

    def labelled(self, key: str, shape: tuple[int, ...], size: int) -> Any:
        if (key, shape, size) not in self.drawn:
            self.drawn[key, shape, size] = self.draw.label(key, shape, size)
        return self.drawn[key, shape, size]

    def met(self, key: str, i: Index) -> Index:
        self.inputs[key] = i.at + 1
        return i

    def index(self, t: Tex, env: Env, size: int | None) -> Index:
        """A subscript as a place on an axis of this size."""
        found = self.index_of(t, env)
        if found is not None:
            if size is not None and found.size is not None:
                match(found.size, size)
            return Index(found.at, size if size is not None else found.size)
        if t.op == "num" and isinstance(t.attr, int):
            if size is not None and not 1 <= t.attr <= size:
                raise Misfit("A constant index is larger than its axis.", t.span)
            return Index(t.attr - 1, size)
        if t.op == "sym" and str(t.attr) in self.reading.sizes.named and size is not None:
            match(self.reading.sizes.value(str(t.attr)), size)
            return Index(size - 1, size)
        if t.op == "sym":
            raise unread(f"The index {t.attr} is not bound.", t.span, "name")
        raise unread("This index is not read.", t.span)

    # -- symbols ---------------------------------------------------------------------------------------------

    def symbol(self, t: Tex, env: Env) -> Val:
        name = str(t.attr)
        if name in env and not t.sub:
            v = env[name]
            v = Val(np.float64(v.at + 1)) if isinstance(v, Index) else v
            return self.above(v, t.sup, env, t.span)
        if name == "e" and any(k == "power" for k, _ in t.sup) and not self.scope.definitions.get("e"):
            return self.exponential(t, env)
        key, terms, sample, rest = self.scope.split(t)
        if key == r"\delta" and len(terms) == 2 and not self.scope.definitions.get(key):
            a, b = (self.index(x, env, None) for x in terms)
            return Val(np.float64(a.at == b.at))
        if key in self.reading.sizes.named and not terms and key not in self.scope.dims:
            return self.above(Val(np.float64(self.reading.sizes.value(key))), rest, env, t.span)
        before = self.sample
        if sample is not None:
            self.sample = self.index(sample, env, None)
        try:
            v = self.picked(key, terms, env, t.span)
        finally:
            self.sample = before
        return self.above(v, rest, env, t.span)

    def exponential(self, t: Tex, env: Env) -> Val:
        v = Val(np.float64(1))
        for kind, x in t.sup:
            if kind == "power":
                y = self.value(x, env)
                v = replace(y, a=np.exp(y.a))
            elif kind == "inv":
                v = Val(np.exp(-1.0))
            else:
                raise unread("What stands above e is not read.", t.span)
        return v

    def picked(self, key: str, terms: tuple[Tex, ...], env: Env, span: Span) -> Val:
        """The entry, row, column or whole of a symbol."""
        d = None if (key, self.place) in self.over else self.definition(key)
        if d is not None and d.letters and len(terms) == len(d.letters) and all(x.op != "all" for x in terms):
            return self.by_letters(d, terms, env)
        v = self.whole(key, env, span)
        return self.entries(v, terms, env, span) if terms else v

    @property
    def place(self) -> int | None:
        return None if self.sample is None else self.sample.at

    def definition(self, key: str) -> Definition | None:
        return None if key in self.hidden else self.scope.lookup(key, self.at, self.section)

    def by_letters(self, d: Definition, terms: tuple[Tex, ...], env: Env) -> Val:
        inner: Env = {}
        for letter, x in zip(d.letters, terms, strict=True):
            inner[letter] = self.index(x, env, None)
        place = (id(d), tuple((i.at, i.size) for i in inner.values()), self.place, self.version, self.at, self.section)
        if place not in self.kept:
            self.kept[place] = self.body(d, inner)
        return self.kept[place]

    def body(self, d: Definition, env: Env) -> Val:
        if d.key in self.open and self.open.count(d.key) > 2:
            raise unread(f"{d.key} is defined by itself.", d.span, "name")
        if len(self.open) > 30:
            raise unread("Definitions are nested too deep.", d.span, "limit")
        self.open.append(d.key)
        self.used[id(d)] = d
        place = self.at, self.section
        if d.section == self.section[: len(d.section)]:
            self.at = d.at
        try:
            if d.sample is not None and self.sample is not None:
                env = {**env, d.sample: self.sample}
            v = self.value(d.body, env)
            return turned(v) if d.turned else v
        finally:
            self.open.pop()
            self.at, self.section = place

    def whole(self, key: str, env: Env, span: Span) -> Val:
        """A symbol without indices."""
        d = self.definition(key)
        place = (key, id(d), self.place, self.version, None if d is None or not d.section else (self.at, self.section))
        if place not in self.kept:
            self.kept[place] = self.evaluated(key, span)
        return self.kept[place]

    def evaluated(self, key: str, span: Span) -> Val:
        set_ = self.over.get((key, self.place)) or self.over.get((key, None))
        if set_ is not None:
            return set_
        d = self.definition(key)
        if d is None:
            return self.given(key, span)
        if not d.letters:
            return self.body(d, {})
        sizes = [self.extent(x, d.body, {}) for x in d.letters]
        if any(n is None for n in sizes):
            raise unread(f"The size of {key} is not known.", span)
        cells = [self.body(d, {x: Index(i, n) for x, i, n in zip(d.letters, at, sizes, strict=True)}).a for at in np.ndindex(*sizes)]
        return Val(np.array(cells).reshape(tuple(sizes) + np.shape(cells[0])))

    def given(self, key: str, span: Span) -> Val:
        """An input, or a function of the note's that it does not give."""
        if key in self.scope.by:
            return self.unknown(key, span)
        if key == "I":
            return Val(np.eye(self.reading.sizes.value("I.0")))
        kind = self.reading.kind(key, kinds_of(key, self.scope, self.section))
        stacked = self.stacked(key)
        if stacked is not None:
            return stacked
        rank, row = kind
        dims = tuple(n for n in self.scope.dims_at(key, self.section) if n != 1 or rank != 1)
        dims = dims if len(dims) == rank else tuple(f"{key}.{p}" for p in range(rank))
        shape = tuple(self.reading.sizes.value(n) for n in dims)
        use = self.scope.uses.get(key)
        if self.sample is not None and use is not None and use.sampled:
            n = self.reading.sizes.value("samples")
            if self.sample.size is not None:
                match(self.sample.size, n)
            return Val(self.array(key, (n, *shape))[self.sample.at], row)
        a = self.array(key, shape)
        self.inputs[key] = a
        return Val(a if shape else np.float64(a), row)

    def stacked(self, key: str) -> Val | None:
        """X whose rows are the samples x^{(i)}."""
        use = self.scope.uses.get(key.lower())
        if not (len(key) == 1 and key.isupper() and use is not None and use.sampled) or self.definition(key.lower()) is not None:
            return None
        rank, _ = self.reading.kind(key.lower(), kinds_of(key.lower(), self.scope, self.section))
        if rank != 1:
            return None
        n = self.reading.sizes.value("samples")
        dims = [x for x in self.scope.dims_at(key.lower(), self.section) if x != 1] or [f"{key.lower()}.0"]
        return Val(self.array(key.lower(), (n, self.reading.sizes.value(dims[0]))))

    def unknown(self, key: str, span: Span) -> Val:
        """A function of which the note derives without giving it: one of what it is derived by, drawn at random."""
        self.opaque[key] = None
        names = dict.fromkeys(self.scope.split(by)[0] for _, by in self.scope.by[key])
        defined = [n for n in names if self.definition(n) is not None and n not in self.open]
        roots = defined or [n for n in names if n not in self.open]
        if not roots:
            raise unread(f"{key} is not given.", span, "name")
        self.open.append(key)
        total = np.float64(0)
        for n in roots:
            v = self.whole(n, {}, span).a
            a, c = self.array(f"{key}.{n}.a", np.shape(v)), self.array(f"{key}.{n}.c", np.shape(v))
            total = total + np.sum(a * np.sin(v + c)) + np.sum(v) ** 2 / 7
        self.open.pop()
        return Val(total)

    def entries(self, v: Val, terms: tuple[Tex, ...], env: Env, span: Span) -> Val:
        if len(terms) != v.rank:
            if len(terms) == 1 and v.rank == 2:
                at = self.index(terms[0], env, v.a.shape[0])
                return Val(v.a[at.at])
            raise Misfit(f"{v.rank} indices belong here, not {len(terms)}.", span)
        places = tuple(slice(None) if x.op == "all" else self.index(x, env, n).at for x, n in zip(terms, v.a.shape, strict=True))
        made = v.a[places]
        lies = np.ndim(made) == 1 and v.rank == 2 and isinstance(places[1], slice)
        return Val(made if np.ndim(made) else made[()], v.row if v.rank == 1 else lies)

    # -- sizes of letters ------------------------------------------------------------------------------------

    def extent(self, letter: str, t: Tex, env: Env, seen: frozenset[str] = frozenset()) -> int | None:
        """The size of the first axis that a letter stands on."""
        for x in walk(t):
            if x.op == "sym":
                try:
                    key, terms, sample, _ = self.scope.split(x)
                except IversonError:
                    continue
                if sample is not None and str(sample.attr) == letter:
                    return self.reading.sizes.value("samples")
                for p, y in enumerate(terms):
                    if y.op == "sym" and str(y.attr) == letter and (n := self.axis(key, p, len(terms), seen, x)) is not None:
                        return n
        for x in walk(t):
            if x.op == "rel":
                for a, b in (x.args, x.args[::-1]):
                    if a.op == "sym" and str(a.attr) == letter and b.op == "sym" and plain(str(b.attr)) in self.scope.labels:
                        return self.reading.sizes.value(f"range.{self.scope.split(b)[0]}")
        return None

    def axis(self, key: str, p: int, count: int, seen: frozenset[str], x: Tex) -> int | None:
        if key in self.scope.labels:
            return self.reading.sizes.value(f"{key}.{p}")
        d = self.definition(key) if (key, self.place) not in self.over and (key, None) not in self.over else None
        if d is not None and len(d.letters) == count:
            return None if key in seen else self.extent(d.letters[p], d.body, {}, seen | {key})
        if key in self.open and d is not None:
            return None
        before = self.sample
        try:
            v = self.whole(key, {}, x.span)
        finally:
            self.sample = before
        return v.a.shape[p] if v.rank > p else None

    # -- sums ------------------------------------------------------------------------------------------------

    def _big(self, t: Tex, env: Env) -> Val:
        letters, condition, low = self.binder(t, env)
        ends = [x for k, x in t.sup if k == "power"]
        ranges = [self.span_of(x, t, env, ends[0] if ends and len(letters) == 1 else None) for x in letters]
        first = (low or 1) - 1
        values: list[Val] = []
        for at in np.ndindex(*(n if isinstance(n, int) else n[0] for n in ranges)):
            inner = {**env, **{x: Index(i, n if isinstance(n, int) else None) for x, i, n in zip(letters, at, ranges, strict=True)}}
            if min(at, default=0) < first:
                continue
            if all(self.holds(c, inner) for c in condition):
                values.append(self.value(t.args[0], inner))
        return self.reduced(str(t.attr), values, t)

    def reduced(self, kind: str, values: list[Val], t: Tex) -> Val:
        if kind in ("sum", "mean"):
            total = values[0] if values else Val(np.float64(0))
            for v in values[1:]:
                total = added(total, v)
            return total if kind == "sum" else replace(total, a=total.a / len(values))
        if not values or values[0].rank:
            raise unread("This reduction is not read.", t.span)
        f: Callable[[Any, Any], Any] | None = {"prod": np.multiply, "max": larger, "min": smaller}.get(kind)
        if f is None:
            raise unread(f"{kind} is not read.", t.span)
        found = values[0].a
        for v in values[1:]:
            found = f(found, v.a)
        return Val(found)

    def binder(self, t: Tex, env: Env) -> tuple[list[str], list[Tex], int | None]:
        """The letters that a sum binds, its conditions, and its lower limit."""
        if not t.sub:
            free = [x for x in free_letters(t.args[0], self.scope) if x not in env]
            if len(free) != 1:
                raise unread("What this sum runs over is not said.", t.span, "ambiguous")
            return free, [], None
        letters: list[str] = []
        conditions: list[Tex] = []
        low = None
        for x in flat(t.sub):
            if x.op == "sym" and not x.sub:
                letters.append(str(x.attr))
            elif x.op == "rel" and x.args[0].op == "sym":
                name, right = str(x.args[0].attr), x.args[1]
                if x.attr == "=" and right.op == "num":
                    letters.append(name)
                    low = int(right.attr)
                    if low not in (0, 1):
                        conditions.append(Tex("rel", x.args, ">=", x.span))
                        low = None
                elif x.attr in ("!=", "<", ">", "<=", ">=") and right.op == "sym":
                    letters += [n for n in (name, str(right.attr)) if n not in env and n not in letters
                                and plain(n) not in self.scope.labels]
                    conditions.append(x)
                else:
                    raise unread("What this sum runs over is not read.", x.span)
            elif x.op != "such":
                raise unread("What this sum runs over is not read.", x.span)
        return letters, conditions, 1 if low == 0 else low

    def span_of(self, letter: str, t: Tex, env: Env, end: Tex | None) -> Any:
        """How far a letter runs."""
        over = self.extent(letter, t.args[0], env)
        if over is None and t.sub:
            over = next((n for x in t.sub if (n := self.extent(letter, x, env)) is not None), None)
        named = None
        if end is not None and end.op == "sym" and str(end.attr) in self.reading.sizes.named:
            named = self.reading.sizes.value(str(end.attr))
        elif end is not None and end.op == "num":
            return (int(end.attr),)
        if named is not None and over is not None:
            match(named, over)
        found = over if over is not None else named
        if found is None:
            found = beyond(letter, t.args[0])
        if found is None and letter.islower():
            raise unread(f"How far {letter} runs is not known.", t.span)
        if found is None:
            raise unread("What this sum runs over is not read.", t.span)
        return found

    # -- rows of factors and functions -----------------------------------------------------------------------

    def _row(self, t: Tex, env: Env) -> Val:
        from .calls import factor

        items = list(t.args)
        made: Val | None = None
        at = 0
        while at < len(items):
            v, at = factor(self, items, at, env)
            made = v if made is None else multiplied(made, v, False, lambda: self.taken_as_row(t))
        assert made is not None
        return made

    def _fn(self, t: Tex, env: Env) -> Val:
        raise unread(f"{t.attr} has no argument here.", t.span, "syntax")

    def apply(self, f: str, args: list[Val], span: Span) -> Val:
        if f in ("max", "min") and len(args) == 2:
            if any(np.iscomplexobj(v.a) for v in args):
                self.kinks[f] = None
            return entrywise(larger if f == "max" else smaller, *args)
        if len(args) != 1:
            raise unread(f"{f} of {len(args)} arguments is not read.", span)
        v = args[0]
        if f in ENTRYWISE:
            if f in ("relu", "abs") and np.iscomplexobj(v.a):
                self.kinks[f] = None
            return replace(v, a=ENTRYWISE[f](v.a))
        if f not in WHOLE or v.rank == 0:
            raise unread(f"{f} is not read here.", span)
        if f in SQUARE:
            if v.rank != 2:
                raise Misfit(f"{f} takes a matrix.", span)
            match(*v.a.shape)
        if f == "diag" and v.rank != 1:
            raise unread("diag of a matrix is not read.", span)
        return Val(WHOLE[f](v.a)) if f in SCALARS or f in ("diag", "inv") else replace(v, a=WHOLE[f](v.a))

    def random_function(self, key: str, a: Any) -> Any:
        """An unknown function of a number, the same for every entry."""
        p, q, r = (self.array(f"{key}.{n}", ()) for n in "pqr")
        return p * np.sin(a + q) + r * a * a / 5 + a

    # -- derivatives -----------------------------------------------------------------------------------------

    def _deriv(self, t: Tex, env: Env) -> Val:
        from .slopes import derivative

        return derivative(self, t, env)


def beyond(letter: str, t: Tex) -> int | None:
    """A range for a letter that no axis bounds, where it is compared with a number: two more than that."""
    found = [x.args[1].attr for x in walk(t) if x.op == "rel" and x.args[0].op == "sym" and x.args[0].attr == letter and x.args[1].op == "num"]
    return int(max(found)) + 2 if found else None


def free_letters(t: Tex, scope: Scope, bound: frozenset[str] = frozenset()) -> list[str]:
    """Letters in index positions that no sum of the formula binds, in order."""
    found: dict[str, None] = {}
    inner = bound
    if t.op == "big":
        inner = bound | {str(y.attr) for x in flat(t.sub) for y in ([x] if x.op == "sym" else walk(x)) if y.op == "sym" and not y.sub
                         and str(y.attr) not in scope.labels}
        if not t.sub:
            own = free_letters(t.args[0], scope, bound)
            inner = bound | set(own[-1:])
    if t.op == "sym":
        try:
            _, terms, sample, _ = scope.split(t)
        except IversonError:
            terms, sample = (), None
        for x in (*terms, *((sample,) if sample is not None else ())):
            for y in walk(x):
                if y.op == "sym" and not y.sub and is_letter(y, scope) and str(y.attr) not in inner:
                    found[str(y.attr)] = None
    if t.op == "fence" and t.sub:
        for x in flat(t.sub):
            if x.op == "sym" and is_letter(x, scope) and str(x.attr) not in inner:
                found[str(x.attr)] = None
    if t.op == "rel":
        for x in t.args:
            if x.op == "sym" and not x.sub and str(x.attr) in INDICES and str(x.attr) not in inner and str(x.attr) not in scope.sizes:
                found[str(x.attr)] = None
    for a in (*t.args, *(y for s in t.sub or () for y in [s] if t.op != "big" and s.op == "sym" and s.sub),
              *(y for k, x in t.sup if k in ("power", "epower") and t.op != "big" for y in ([x] if isinstance(x, Tex) else []))):
        found |= dict.fromkeys(free_letters(a, scope, frozenset(inner)))
    return [x for x in found if x not in bound]


def is_letter(t: Tex, scope: Scope) -> bool:
    name = str(t.attr)
    return len(name.strip("'")) == 1 and name[0].islower() and name not in scope.labels and not scope.definitions.get(name)


__all__ = ["DISTANCE", "LONG", "OPAQUE", "STANDARD", "STEP", "Evaluator", "Index", "free_letters", "unread"]
