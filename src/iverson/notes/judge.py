"""Whether two members of a chain are equal: at random instances, under the readings that their symbols allow.

A step is wrong only where every reading that fits says so; what has no fitting reading, or speaks of what the note does not give,
is not readable.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..core.errors import IversonError
from ..lang.latex_tree import Tex
from .evaluate import Evaluator
from .instance import MOST_READINGS, Draw, Kind, Reading, Sizes, alternatives
from .marks import Env, Index, free_letters, walk_all
from .scope import Definition, Scope, flat, plain
from .values import Misfit, Unequal, Val

TOLERANCE = 1e-7
SECOND = 1e-5
DRAWS = (Draw(1), Draw(2, 2.0), Draw(3, 0.4), Draw(5, 1.3))
POSITIVE = tuple(Draw(s, positive=True) for s in (1, 2, 3))
MOST_PLACES = 24
MOST_JOINS = 30
MOST_COMPARED = 10


@dataclass
class Pair:
    """Two trees with the place they stand at, and the letters that are free in them."""

    left: Tex
    right: Tex
    at: int
    section: tuple[int, ...]
    hidden: frozenset[str] = frozenset()
    slot: str | None = None  # the letter that says where the entry of a column with dots stands
    excluded: tuple[tuple[str, str], ...] = ()  # letters of sums that are never this label
    late: bool = False  # definitions hold as they stand here, also inside of earlier ones
    around: tuple[Tex, ...] = ()  # where else a letter may stand that says how far it runs

    def letters(self, scope: Scope) -> list[str]:
        return list(dict.fromkeys([*free_letters(self.left, scope), *free_letters(self.right, scope)]))


@dataclass
class Outcome:
    """kind is equal, transposed, entry, differs, shapes, misfit, unread."""

    kind: str
    error: IversonError | None = None
    conditions: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    kinds: dict[str, Kind] = field(default_factory=dict)
    samples: list[tuple[Any, Any]] = field(default_factory=list)  # values of both sides, for looking for a cause
    inputs: dict[str, Any] = field(default_factory=dict)
    relations: tuple[tuple[int, int], ...] = ()
    used: tuple[Definition, ...] = ()
    entry: str = ""
    foreign: tuple[str, ...] = ()  # what only the right side speaks of


def midway(marks: list[float]) -> list[float]:
    """Between all marks and outside of them."""
    return [marks[0] - 1, *((a + b) / 2 for a, b in pairwise(marks)), marks[-1] + 1]


class Judge:
    """Compares members; remembers which kinds of symbols have fitted, so that a note is read in one way."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.known: dict[tuple[int, ...], dict[str, Kind]] = {}
        self.cached: dict[tuple[Any, ...], Outcome] = {}

    def compare(self, pair: Pair, facts: tuple[tuple[str, str], ...] = ()) -> Outcome:
        """The outcome of the likeliest reading that fits; of one that says equal, where one does."""
        found: list[Outcome] = []
        known = self.known.get(pair.section, {})
        queue: list[dict[str, Kind]] = [dict(known), {}]
        first: Outcome | None = None
        met: dict[str, tuple[Kind, ...]] = {}
        tried = 0
        while queue and tried < MOST_READINGS:
            kinds = queue.pop(0)
            tried += 1
            reading = Reading(kinds, self.sizes(pair))
            o = self.under(pair, reading, facts)
            o.kinds = {k: kinds.get(k, c[0]) for k, c in reading.met.items()}
            raised = [k for k, c in reading.met.items() if known.get(k) != o.kinds[k] and (
                (c[0][0] == 0 and o.kinds[k][0] > 0) or (c[0][0] == 2 and o.kinds[k][0] == 0))]
            if o.kind == "differs" and raised:
                o = Outcome("misfit", IversonError("ambiguous", f"Whether {raised[0]} is a number or an array is not clear."))
            if o.kind in ("equal", "transposed", "entry"):
                self.known.setdefault(pair.section, {}).update(o.kinds)
                return o
            if o.kind == "unread":
                return o if first is None or first.kind == "misfit" else first
            if o.kind == "differs" and not any(f.kind == "differs" for f in found):
                first = o
                if facts:
                    return o
            first = first or o
            found.append(o)
            if tried == 2 or (tried == 1 and not kinds):
                met = reading.met
                queue = [k for k in alternatives(met) if self.allowed(k, first)]
            elif set(reading.met) - set(met) and tried < 6:
                met = {**met, **reading.met}
                queue = [k for k in alternatives(met) if self.allowed(k, first)]
            if sum(f.kind == "differs" for f in found) >= MOST_COMPARED:
                break
        assert first is not None
        return next((f for f in found if f.kind == "differs"), next((f for f in found if f.kind == "shapes"), first))

    def equal(self, pair: Pair, like: Outcome, facts: tuple[tuple[str, str], ...] = ()) -> bool:
        """Whether a pair is equal under the reading of an outcome: what a search for causes asks many times."""
        reading = Reading(dict(like.kinds), self.sizes(pair))
        draws = (*DRAWS, *self.around_constants(pair, reading))
        for p, d in enumerate(replace(d, facts=facts) for d in draws):
            o = self.at(pair, reading, d)
            if o.kind == "undefined":
                o = self.positive(pair, reading, p, facts)
            if o.kind != "equal":
                return False
        return True

    def bodies(self, pair: Pair, o: Outcome) -> list[Tex]:
        """Both sides and the definitions that were used."""
        return [pair.left, pair.right, *(d.body for d in o.used)]

    def bound_of(self, pair: Pair, o: Outcome) -> list[str]:
        """Letters that sums bind."""
        return list(dict.fromkeys(str(y.attr) for side in self.bodies(pair, o) for t in walk_all(side) if t.op == "big"
                                  for x in flat(t.sub) for y in ([x] if x.op == "sym" else x.args[:1]) if y.op == "sym"))[:3]

    def labels_of(self, pair: Pair, o: Outcome) -> list[str]:
        """Labels that stand as an index."""
        return list(dict.fromkeys(str(x.attr) for side in self.bodies(pair, o) for t in walk_all(side) if t.op == "sym"
                                  for x in flat(t.sub) if x.op == "sym" and not x.sub and plain(str(x.attr)) in self.scope.labels))[:3]

    def allowed(self, kinds: dict[str, Kind], preferred: Outcome) -> bool:
        """Once a reading fits and says no, a vector is not made a number to save the claim."""
        if preferred.kind != "differs":
            return True
        return all(kinds.get(k, c)[0] >= c[0] for k, c in preferred.kinds.items())

    def sizes(self, pair: Pair) -> Sizes:
        named = [x for side in (pair.left, pair.right) for t in walk_all(side) for x in (*flat(t.sub), *(t.args if t.op == "rel" else ()))
                 if x.op == "num" and isinstance(x.attr, int) and x.attr < 12]
        return Sizes(max([3, *(int(x.attr) + 1 for x in named)]), frozenset(self.scope.sizes))

    def under(self, pair: Pair, reading: Reading, facts: tuple[tuple[str, str], ...]) -> Outcome:
        total = Outcome("equal")
        draws = [replace(d, facts=facts) for d in (*DRAWS, *self.around_constants(pair, reading))]
        for p, d in enumerate(draws):
            if total.kind == "differs" and p > 2:
                break
            o = self.at(pair, reading, d)
            if o.kind == "undefined":
                o = self.positive(pair, reading, p, facts)
            if o.kind != total.kind and o.kind != "equal":
                if total.kind == "differs" and o.kind != "differs":
                    continue
                o.samples = [*total.samples, *o.samples]
                total = o if p == 0 or total.kind == "equal" else total
            else:
                total.samples += o.samples
                total.conditions = tuple(dict.fromkeys((*total.conditions, *o.conditions)))
                total.kinks = tuple(dict.fromkeys((*total.kinks, *o.kinks)))
                total.relations = tuple(dict.fromkeys((*total.relations, *o.relations)))
                total.used = tuple({id(d): d for d in (*total.used, *o.used)}.values())
                total.inputs = total.inputs or o.inputs
                total.opaque = tuple(dict.fromkeys((*total.opaque, *o.opaque)))
            if o.kind in ("misfit", "unread", "shapes"):
                return o
        return total

    def around_constants(self, pair: Pair, reading: Reading) -> list[Draw]:
        """Values on both sides of every constant that a scalar is compared with."""
        found: dict[str, set[float]] = {}
        for side in (pair.left, pair.right):
            for t in walk_all(side):
                if t.op == "rel":
                    for a, b in (t.args, t.args[::-1]):
                        if a.op == "sym" and not a.sub and b.op == "num" and str(a.attr) not in self.scope.labels:
                            found.setdefault(str(a.attr), set()).add(float(b.attr))
        return [Draw(7, fixed=((name, v),)) for name, marks in found.items() for v in midway(sorted(marks))][:16]

    def positive(self, pair: Pair, reading: Reading, p: int, facts: tuple[tuple[str, str], ...]) -> Outcome:
        o = self.at(pair, reading, replace(POSITIVE[p % len(POSITIVE)], seed=p + 20, facts=facts))
        if o.kind == "undefined":
            o = self.at(pair, reading, Draw(p + 30, definite=True, facts=facts))
        if o.kind == "undefined":
            return Outcome("unread", IversonError("unsupported", "No values were found where both sides are defined."))
        return o

    def at(self, pair: Pair, reading: Reading, draw: Draw) -> Outcome:
        """One instance; sizes that meet are joined and the instance is made anew."""
        for _ in range(MOST_JOINS):
            e = Evaluator(self.scope, reading, draw, pair.at, pair.section)
            e.hidden, e.slot, e.late, e.excluded = pair.hidden, pair.slot, pair.late, pair.excluded
            try:
                with np.errstate(all="ignore"):
                    return self.places(pair, e)
            except Unequal as sizes:
                try:
                    reading.sizes.join(*sizes.pair)
                except Misfit as error:
                    return Outcome("misfit", error)
            except Misfit as error:
                return Outcome("misfit", error)
            except IversonError as error:
                return Outcome("unread", error)
            except (np.linalg.LinAlgError, FloatingPointError, OverflowError):
                return Outcome("undefined")
            except RecursionError:
                return Outcome("unread", IversonError("limit", "The formula is nested too deep."))
            except (ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError):  # a text nobody has thought of
                return Outcome("unread", IversonError("unsupported", "This formula is not read."))
        return Outcome("unread", IversonError("limit", "Its sizes could not be settled."))

    def places(self, pair: Pair, e: Evaluator) -> Outcome:
        """Both sides at every value of the free letters."""
        letters = pair.letters(self.scope)
        sizes = []
        for x in letters:
            n = e.extent(x, pair.left, {})
            for side in (pair.right, *pair.around):
                n = e.extent(x, side, {}) if n is None else n
            if n is None:
                raise IversonError("name", f"How far {x} runs is not known.")
            sizes.append(n)
        spots = list(np.ndindex(*sizes))
        if len(spots) > MOST_PLACES:
            step = len(spots) / MOST_PLACES
            spots = [spots[int(i * step)] for i in range(MOST_PLACES)] + [s for s in spots if len(set(s)) < len(s)][:8]
        o = Outcome("equal")
        for spot in spots:
            env: Env = {x: Index(i, n) for x, i, n in zip(letters, spot, sizes, strict=True)}
            samples = sample_letters(pair)
            e.sample = env[samples[0]] if len(samples) == 1 and samples[0] in env else None
            a, b = e.value(pair.left, env), e.value(pair.right, env)
            kind = related(a, b, env, TOLERANCE if not second_order(pair) else SECOND)
            if kind.partition(":")[0] == "entry":
                kind, o.entry = "entry", kind.partition(":")[2]
            o.samples.append((a, b))
            if kind == "differs" and e.guessed:
                raise IversonError("unsupported", "At which place the entry of this list stands is not said.")
            if kind == "undefined":
                return Outcome("undefined")
            if kind != "equal" and o.kind in ("equal", kind):
                o.kind = kind
            elif kind == "differs":
                o.kind = kind
        o.conditions, o.kinks, o.opaque = tuple(e.conditions), tuple(e.kinks), tuple(e.opaque)
        o.foreign = foreign(pair, e, env) if o.kind == "differs" else ()
        o.inputs, o.relations, o.used = dict(e.inputs), tuple(e.relations), tuple(e.used.values())
        return o


def foreign(pair: Pair, e: Evaluator, env: Env) -> tuple[str, ...]:
    """Symbols that only the right side speaks of."""
    alone = Evaluator(e.scope, e.reading, e.draw, e.at, e.section)
    alone.sample = e.sample
    alone.value(pair.left, env)
    return tuple(k for k in e.inputs if k not in alone.inputs)


def sample_letters(pair: Pair) -> list[str]:
    """Letters of samples, as in L^{(i)}, anywhere in the two sides."""
    return list(dict.fromkeys(str(y.attr) for side in (pair.left, pair.right) for t in walk_all(side) if t.op == "sym"
                              for k, x in t.sup if k == "round" and len(x) == 1 for y in x if y.op == "sym"))


def second_order(pair: Pair) -> bool:
    def nested(t: Tex) -> bool:
        return any(x.op == "deriv" and (x.attr > 1 or any(y.op == "deriv" for a in x.args[:1] if a is not None for y in walk_all(a)))
                   for x in walk_all(t))

    return nested(pair.left) or nested(pair.right)


def close(a: Any, b: Any, tolerance: float) -> bool:
    scale = np.maximum(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    return bool(np.all(np.abs(a - b) <= tolerance * (np.maximum(np.abs(a), np.abs(b)) + 1e-3 * scale + 1e-5)))


def related(x: Val, y: Val, env: Env, tolerance: float) -> str:
    """How two values stand to each other."""
    a, b = np.real(x.a), np.real(y.a)
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return "undefined"
    if np.shape(a) == np.shape(b):
        return "equal" if close(a, b, tolerance) else "differs"
    if np.ndim(a) == np.ndim(b) == 2 and a.shape == b.shape[::-1]:
        return "transposed" if close(a, b.T, tolerance) else "shapes"
    if np.ndim(a) == np.ndim(b):
        for p, q in zip(np.shape(a), np.shape(b), strict=True):
            if p != q:
                raise Unequal(p, q)
    if np.ndim(b) == np.ndim(a) + 1:
        for name, i in env.items():
            if i.size == b.shape[-1] and np.ndim(a) == 0 and close(a, b[i.at], tolerance):
                return f"entry:{name}"
    if np.ndim(a) == 1 and np.ndim(b) == 0:
        for name, i in env.items():
            if i.size == a.shape[0] and close(a[i.at], b, tolerance):
                return f"entry:{name}"
    return "shapes"
