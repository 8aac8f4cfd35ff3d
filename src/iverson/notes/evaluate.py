r"""What a formula of a note is worth at an instance, read as it is written; derivatives by complex steps.

Glossary   env: bound letters, each an Index, and arguments of functions;  over: symbols whose values are set from outside, to derive by them;
sample: the sample that is looked at, as in L^{(i)}.
Values here judge notes and nothing else.  What cannot be read is an IversonError with its span.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..core.errors import IversonError, Span
from ..lang.latex_symbols import text_of
from ..lang.latex_tree import Tex, inner_of, walk
from .calls import factor
from .dots import gridded, listed
from .instance import Draw, Reading, kinds_of
from .marks import Env, Index, unread
from .scope import Definition, Scope, flat, plain
from .slopes import derivative
from .sums import reduction
from .values import (
    ENTRYWISE,
    SCALARS,
    SQUARE,
    WHOLE,
    Misfit,
    Val,
    added,
    divided,
    entry_power,
    entrywise,
    larger,
    match,
    multiplied,
    powered,
    smaller,
    turned,
)

MOST_WORK = 60_000


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
        self.late = False
        self.excluded: tuple[tuple[str, str], ...] = ()
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
        return listed(self, t, env)

    def _add(self, t: Tex, env: Env) -> Val:
        beside = any(inner_of(a).op == "num" and inner_of(a).attr != 0 for a in t.args)
        terms = [self.entry_power(a, env) if beside else self.value(a, env) for a in t.args]
        found = terms[0]
        for v in terms[1:]:
            found = added(found, v)
        return found

    def entry_power(self, t: Tex, env: Env) -> Val:
        """A term beside a number: in 1 - H^2 the power of a matrix is that of its entries."""
        if t.op == "neg":
            v = self.entry_power(t.args[0], env)
            return replace(v, a=-v.a)
        if t.op in ("sym", "fence") and t.sup and t.sup[-1][0] == "power" and t.attr != "e":
            below = self.value(replace(t, sup=t.sup[:-1]), env)
            if below.rank == 2:
                return replace(below, a=entry_power(below.a, self.number(t.sup[-1][1], env)))
        return self.value(t, env)

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
        if name == "e" and not t.sub and any(k == "power" for k, _ in t.sup) and not any(not d.letters for d in self.scope.definitions.get("e", ())):
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
        if d.section == self.section[: len(d.section)] and not self.late:
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
        known = [self.extent(x, d.body, {}) for x in d.letters]
        sizes = [n for n in known if n is not None]
        if len(sizes) < len(known):
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
            self.inputs[key] = self.array(key, (n, *shape))
            return Val(self.inputs[key][self.sample.at], row)
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
        defined = [n for n in defined if not any(n in self.reached(m) for m in defined if m != n)]
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

    def reached(self, key: str) -> set[str]:
        """The symbols that a definition depends on."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            d = self.definition(waiting.pop())
            for x in walk(d.body) if d is not None else ():
                if x.op == "sym" and (name := self.scope.split(x)[0]) not in found:
                    found.add(name)
                    waiting.append(name)
        return found

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

    def _big(self, t: Tex, env: Env) -> Val:
        return reduction(self, t, env)

    # -- rows of factors and functions -----------------------------------------------------------------------

    def _row(self, t: Tex, env: Env) -> Val:
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
        return derivative(self, t, env)
