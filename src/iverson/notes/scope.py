r"""What the symbols of a note stand for: keys, definitions with their place, and how its formulas use what nothing defines.

Glossary   key: a letter with its font, accents and those scripts that are part of its name;  terms: the scripts that are indices.
A definition counts for the section it stands in; without one there the nearest before counts, else the first behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..core.errors import IversonError
from ..lang.latex_symbols import key_of, mark_of, text_of
from ..lang.latex_symbols import plain as plain_letter
from ..lang.latex_tree import Tex, walk

INDICES = "ijklmnpqrst"
plain = lru_cache(4096)(plain_letter)


@dataclass
class Definition:
    """`key_letters = body`; args are those of a function.  turned: its transpose is defined.  at: offset in the note."""

    key: str
    letters: tuple[str, ...]
    body: Tex
    at: int
    section: tuple[int, ...]
    args: tuple[Tex, ...] | None = None
    sample: str | None = None
    turned: bool = False
    named: bool = False  # by words, such as cross-entropy
    span: Any = None


@dataclass
class Use:
    """How the note writes a symbol: the most indices it has, whether a sample index stands above, whether it is transposed."""

    indices: int = 0
    sampled: bool = False
    turned: bool = False
    divides: bool = False  # stands alone, or as a factor, in a denominator
    sliced: bool = False  # stands with its index beside a transposed vector: w^T x_i


@dataclass
class Scope:
    """All that a note says of its symbols.  dims: sizes by `x \\in R^n`; row: declared as `1 x n`."""

    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    dims: dict[str, list[tuple[tuple[int, ...], tuple[str | int, ...]]]] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    sizes: set[str] = field(default_factory=set)
    faults: dict[str, IversonError] = field(default_factory=dict)  # definitions that could not be read
    by: dict[str, list[tuple[int, Tex]]] = field(default_factory=dict)  # what a name is derived by, with the place
    variables: dict[str, int] = field(default_factory=dict)  # arguments of functions that are defined, with the first place

    tags: set[tuple[str, str | None]] = field(default_factory=set)  # a letter and its subscript, where that is part of the name: J_r

    seen: dict[Tex, Any] = field(default_factory=dict)
    found: dict[tuple[Any, ...], Definition | None] = field(default_factory=dict)

    def settled(self) -> None:
        """Nothing more is learned: what was looked up before is forgotten."""
        self.seen.clear()
        self.found.clear()

    # -- scripts ---------------------------------------------------------------------------------------------

    def split(self, t: Tex) -> tuple[str, tuple[Tex, ...], Tex | None, tuple[Any, ...]]:
        """Key, index terms, sample index and remaining marks of a symbol."""
        known = self.seen.get(t)
        if known is None:
            known = self.seen[t] = self.parted(t)
        return known

    def parted(self, t: Tex) -> tuple[str, tuple[Tex, ...], Tex | None, tuple[Any, ...]]:
        terms = flat(t.sub)
        sample, rest, mark = None, [], None
        for kind, x in t.sup:
            if kind == "round" and len(x) == 1 and self.is_index(x[0], sampled=True):
                sample = x[0]
            elif kind in ("T", "power", "inv", "invT", "prime", "epower", "pinv"):
                rest.append((kind, x))
            else:
                mark = mark_of(kind, x)
                if mark is None:
                    raise IversonError("unsupported", "What stands above this symbol is not read.", t.span)
        base = plain(str(t.attr))
        tagged = bool(terms) and (base, text_of(terms[0])) in self.tags
        if terms and not tagged and all(self.is_index(x) for x in terms) and (self.used(base, mark) or not all(x.op == "num" for x in terms)):
            return key_of(base, None, mark), terms, sample, tuple(rest)
        if terms and terms[-1].op == "fence":
            return self.sized(base, terms[-1]), (), sample, tuple(rest)
        if not terms:
            return key_of(base, None, mark), (), sample, tuple(rest)
        names = [text_of(x) for x in terms]
        if any(n is None for n in names):
            raise IversonError("unsupported", "The subscript of this symbol is not read.", t.span)
        return key_of(base, ",".join(map(str, names)), mark), (), sample, tuple(rest)

    def sized(self, base: str, fence: Tex) -> str:
        r"""A symbol with its sizes below, X_{(1 \times D)}: a name of its own."""
        sizes = fence.args[0]
        if sizes.op != "op" or sizes.attr != "times" or any(x.op not in ("sym", "num") for x in sizes.args):
            raise IversonError("unsupported", "The subscript of this symbol is not read.", fence.span)
        shape = tuple(int(x.attr) if x.op == "num" else str(x.attr) for x in sizes.args)
        self.sizes |= {n for n in shape if isinstance(n, str)}
        key = f"{base}:{shape[0]}x{shape[1]}"
        self.dims[key] = [((), shape)]
        return key

    def dims_at(self, key: str, section: tuple[int, ...]) -> tuple[str | int, ...]:
        """The sizes declared for a symbol in this section or one around it."""
        found = [d for own, d in self.dims.get(key, []) if own == section[: len(own)]]
        return found[-1] if found else ()

    def used(self, base: str, mark: str | None) -> bool:
        use = self.uses.get(key_of(base, None, mark))
        return use is not None and use.indices > 0

    def is_index(self, t: Tex, sampled: bool = False) -> bool:
        if t.op in ("all", "num"):
            return t.op == "all" or isinstance(t.attr, int)
        if t.op == "sym":
            base = plain(str(t.attr))
            return len(base.strip("'")) == 1 and base[0].isalpha()
        return t.op in ("add", "neg") and all(self.is_index(a) for a in t.args)

    # -- what the note says ----------------------------------------------------------------------------------

    def note_uses(self, t: Tex) -> None:
        """Count indices, samples and transposes in a formula."""
        for x in walk(t):
            if x.op == "sym":
                self.note_symbol(x)
            elif x.op == "rel":
                self.note_labels(x)
            elif x.op == "row":
                self.note_slices(x)
            elif x.op == "frac":
                self.note_divisors(x.args[1])

    def note_symbol(self, x: Tex) -> None:
        try:
            key, terms, sample, rest = self.split(x)
        except IversonError:
            return
        letters = flat(x.sub)
        tagged = bool(letters) and (plain(str(x.attr)), text_of(letters[0])) in self.tags
        lettered = bool(letters) and not tagged and all(self.is_index(y) for y in letters) and any(y.op != "num" for y in letters)
        if lettered and not terms:
            key = plain(str(x.attr))
        use = self.uses.setdefault(key, Use())
        if lettered or terms:
            use.indices = max(use.indices, len(letters))
        use.sampled = use.sampled or sample is not None
        use.turned = use.turned or any(k == "T" for k, _ in rest)
        for y in letters if lettered else ():
            if y.op == "sym" and plain(str(y.attr)) not in INDICES and str(y.attr).islower():
                self.labels.add(plain(str(y.attr)))

    def note_divisors(self, below: Tex) -> None:
        for x in below.args if below.op == "row" else (below,):
            if x.op == "sym" and not x.sub:
                self.uses.setdefault(plain(str(x.attr)), Use()).divides = True

    def note_slices(self, x: Tex) -> None:
        for a, b in zip(x.args, x.args[1:], strict=False):
            if a.op == b.op == "sym" and any(k == "T" for k, _ in a.sup) and not any(k == "T" for k, _ in b.sup) and len(flat(b.sub)) == 1:
                try:
                    self.uses.setdefault(self.split(b)[0], Use()).sliced = True
                except IversonError:
                    continue

    def note_labels(self, x: Tex) -> None:
        """`k \\neq y`: what is compared with an index is one, or a label."""
        a, b = x.args
        for p, q in ((a, b), (b, a)):
            if x.attr in ("=", "!=") and p.op == "sym" and q.op == "sym" and str(p.attr) in INDICES and not p.sub and not p.sup:
                base = plain(str(q.attr))
                if base not in INDICES and base.islower():
                    self.labels.add(base)

    def define(self, d: Definition) -> None:
        self.definitions.setdefault(d.key, []).append(d)

    def lookup(self, key: str, at: int, section: tuple[int, ...]) -> Definition | None:
        """The definition that holds at a place."""
        if key not in self.definitions:
            return None
        place = (key, at, section)
        if place not in self.found:
            self.found[place] = self.nearest(key, at, section)
        return self.found[place]

    def nearest(self, key: str, at: int, section: tuple[int, ...]) -> Definition | None:
        found = [d for d in self.definitions.get(key, []) if d.at <= at or common(d.section, section) or not d.section]
        if (free := self.variables.get(key)) is not None:    # mu = mean(x) behind L(mu) is what solves it, not what it was
            found = [d for d in found if d.at <= max(at, free)]
        if not found:
            return None

        def order(d: Definition) -> tuple[Any, ...]:
            shared = common(d.section, section)
            return (-shared, d.at > at, abs(d.at - at))

        return min(found, key=order)


def common(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def flat(sub: Iterable[Tex] | None) -> tuple[Tex, ...]:
    """The parts of a subscript: W_{ij} has two."""
    return tuple(x for s in sub or () for x in (s.args if s.op == "row" else (s,)))
