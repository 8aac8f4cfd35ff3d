r"""What a symbol means where it stands: bound, declared, defined, a constant, or a name that its use introduces.

Glossary   env: what letters mean where a formula is read: bound indices, arguments of a function;  e: the entry of a symbol.
A definition without free letters becomes an equation; one that leans on an index of where it is used is put in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from ..core.errors import IversonError, Span
from .latex_symbols import Dim, Entry, Symbols, identifier, key_of, mark_of, plain, text_of, texts_of
from .latex_tree import Sup, Tex, bound_letters, same, walk
from .latex_values import (
    Binder,
    Val,
    applied,
    const,
    countable,
    eye,
    fail,
    integer,
    number_of,
    ones,
    plus,
    turned,
)
from .surface import Equation, Surface, index, name, number
from .surface import walk as walk_surface

Env = Mapping[str, Val]


class Names:
    """The names of one reading of one text.  `sizes` are the names of declared sizes; `aliases` other names of sizes."""

    def __init__(self, symbols: Symbols, sizes: set[str], source: str) -> None:
        self.symbols, self.sizes, self.source = symbols, sizes, source
        self.aliases: dict[str, Surface] = {}
        self.inferred: dict[tuple[str, int], Surface] = {}
        self.starts: dict[tuple[str, str, int], int] = {}  # what the indices of an axis count from
        self.base = 1
        self.counted = False  # the caller says what constants count from
        self.equations: list[Equation] = []
        self.notes: dict[str, None] = {}
        self.active: list[str] = []  # names of bound indices in force
        self.taken: set[str] = set()
        self.entrywise = False
        self.work = 0
        self.undeclared: dict[str, Entry] = {}
        self.free: dict[int, set[str]] = {}  # by identity of definitions: the indices they lean on

    def error(self, kind: str, message: str, span: Span | None, hint: str | None = None) -> IversonError:
        return IversonError(kind, message, span, hint=hint, source=self.source)

    def value(self, t: Tex, env: Env) -> Val:
        """The value of a tree with its scripts."""
        raise NotImplementedError

    def above(self, v: Val, sup: tuple[Sup, ...], span: Span, env: Env) -> Val:
        """Transposes, inverses and powers, from left to right."""
        raise NotImplementedError

    def indexed(self, v: Val, sub: tuple[Tex, ...], t: Tex, env: Env) -> Val:
        """Entries of an expression."""
        raise NotImplementedError

    def bracket(self, t: Tex, env: Env, span: Span) -> Val:
        """An indicator."""
        raise NotImplementedError

    def inside(self, e: Entry, env: Env) -> Val:
        """The body of a definition, read where it is used."""
        raise NotImplementedError

    def number(self, t: Tex, env: Env) -> Val:
        return number_of(self.value(t, env))

    def picked(self, tree: Surface, places: list[Surface], dims: tuple[Dim, ...], span: Span) -> Val:
        kept = tuple(n for n, p in zip(dims, places, strict=True) if p.op == "all")
        made = Surface("index", (tree, *places), span=span)
        row = len(dims) == 2 and len(kept) == 1 and places[1].op == "all"
        return Val(made, kept, row, loose=row)

    # -- symbols ---------------------------------------------------------------------------------------------

    def symbol(self, t: Tex, env: Env) -> Val:
        """A letter with its scripts: bound, declared, defined, a constant, or a new name."""
        key = str(t.attr)
        found = self.symbols.find(t)
        if t.sub and len(t.sub) == 1 and t.sub[0].op == "plus" and not (found is not None and found[1]):
            v = self.number(Tex("sym", (), t.attr, t.span), env)
            return self.above(Val(Surface("call", (number(0), v.tree), "max", t.span), v.dims), t.sup, t.span, env)
        if key in env and not (t.sub and found is not None and found[1] and found[0].given):
            return self.bound(env[key], t, env)
        if found is not None and not self.is_pi(found[0], t):
            rivals = self.symbols.rivals(t) if not found[1] and found[0].key == key else []
            if len(rivals) == 1 and rivals[0].given and rivals[0].slice is not None:
                found = (rivals[0], *found[1:])
            if len({id(e) for e in rivals}) > 1:
                said = " or ".join(e.name for e in rivals)
                raise self.error("ambiguous", f"{key} with this subscript is an entry of {said}.", t.span, "Give them different symbols.")
            return self.known(found, t, env)
        if key in self.sizes or key in self.aliases:
            tree = name(key).at(t.span) if key in self.sizes else self.aliases[key].at(t.span)
            return self.scripts(Val(tree, what="size"), t, env)
        return self.new(t, env)

    def is_pi(self, e: Entry, t: Tex) -> bool:
        """2\\pi beside weights \\pi_k is the number."""
        return str(t.attr) == r"\pi" and bool(e.dims) and not t.sub and self.near_number(t)

    def near_number(self, t: Tex) -> bool:
        before = self.source[max(0, t.span.start - 4) : t.span.start].rstrip(" {\\,")
        return before[-1:].isdigit()

    def bound(self, v: Val, t: Tex, env: Env) -> Val:
        """A bound index or an argument, with scripts of its own."""
        if v.what == "index" and t.sub:
            raise self.error("ambiguous", f"{t.attr} is bound as an index here and has a subscript.", t.span, "Rename one of them.")
        return self.scripts(v, t, env)

    def scripts(self, v: Val, t: Tex, env: Env, skip: int = -1, terms: tuple[Tex, ...] | None = None) -> Val:
        """What stands below and above a value that is known."""
        sub = t.sub if terms is None else terms
        if sub and any(s.op == "plus" for s in sub):
            v, sub = Val(Surface("call", (number(0), number_of(v).tree), "max", t.span), v.dims), None
        v = v.at(t.span)
        if sub:
            size = self.size_mark(v, sub)
            if size is not None:
                v = size
            elif v.rank == 0 and not v.cells:
                raise self.error("shape", f"{t.attr} is a scalar here and has no entries.", t.span, "Declare its sizes.")
            else:
                v = self.indexed(v, sub, t, env)
        sup = list(t.sup)
        if v.rank and v.rank > 0 and not sub:
            for p, (kind, x) in enumerate(sup):
                if kind == "round" and p != skip:
                    v, sup[p] = self.indexed(v, x, t, env), ("", None)
        return self.above(v, tuple(s for p, s in enumerate(sup) if p != skip), t.span, env)

    def size_mark(self, v: Val, sub: tuple[Tex, ...]) -> Val | None:
        return None

    def known(self, found: tuple[Entry, bool, int], t: Tex, env: Env) -> Val:
        e, named, mark = found
        if e.kind == "definition":
            if e.params and e.body is not None and not self.closed_params(e):
                raise self.error("syntax", f"{t.attr} is a function here and needs its arguments.", t.span)
            return self.definition(e, t, found, env)
        places, rest, sup = self.placed(e, t, named, mark)
        if e.slice is None:
            v = Val(name(e.name).at(t.span), e.dims, e.row, what="label" if e.kind == "label" and not e.dims else "")
            v = replace(v, dims=()) if v.what == "label" and not rest else v
            if rest and e.dims == ():
                raise self.error("shape", f"{e.name} is a scalar and has no entries.", t.span, "Declare its sizes.")
            if rest:
                v = self.array(e, rest, [("sub", p) for p in range(len(rest))], t, env)
                self.refuse_stacked(e, v, sup, t)
            elif e.dims and any(k in ("round", "square") for k, _ in sup):
                p = next(p for p, (k, _) in enumerate(sup) if k in ("round", "square"))
                v = self.array(e, tuple(sup[p][1]), [("sup", 0)], t, env)
                sup = [*sup[:p], *sup[p + 1 :]]
            return self.above(v, tuple(sup), t.span, env)
        return self.above(self.sliced(e, places, rest, t, env), tuple(sup), t.span, env)

    def refuse_stacked(self, e: Entry, v: Val, sup: list, t: Tex) -> None:
        """X^{-1}_{ij}, X^T_{ij}: an entry of the inverse or of the transpose, or the inverse of an entry."""
        if v.rank == 0 and e.dims is not None and len(e.dims) == 2 and any(k in ("T", "inv", "invT") for k, _ in sup):
            raise self.error("ambiguous", f"What is above belongs to {e.name} or to its entry.", t.span,
                             r"Write (X^{-1})_{ij}, (X^\top)_{ij} or \frac{1}{X_{ij}}.")

    def closed_params(self, e: Entry) -> bool:
        """Whether every argument of a definition is a symbol that means the same everywhere."""
        return all(p.op != "sym" or self.symbols.find(p) is not None or str(p.attr) not in free_of(e) for p in e.params or ())

    def placed(self, e: Entry, t: Tex, named: bool, mark: int) -> tuple[list[Tex], tuple[Tex, ...], list]:
        """The indices of a slice, the other subscripts, and what stands above that is no index."""
        terms = list(t.sub or ()) if not named else []
        sup = [s for p, s in enumerate(t.sup) if p != mark]
        chosen: list[Tex] = []
        if "sup" in e.places:
            p = next((p for p, (k, _) in enumerate(sup) if k in ("round", "square") or (k == "power" and e.raised)), None)
            if p is None:
                raise self.error("syntax", f"{t.attr} stands for a {e.slice} of {e.name} and needs its index above.", t.span)
            inner = sup[p][1]
            chosen += self.terms(inner if isinstance(inner, tuple) else (inner,), sum(x == "sup" for x in e.places))
            sup = [*sup[:p], *sup[p + 1 :]]
        wanted = sum(x == "sub" for x in e.places)
        if wanted and terms:
            rank = len(e.dims) if e.dims is not None else wanted
            split: Sequence[Tex] = terms
            if len(terms) == 1 and terms[0].op == "row" and rank > 1:
                split = self.terms(tuple(terms), 2)
            chosen += split[:wanted]
            terms = list(split[wanted:])
        if len(chosen) < len(e.places):
            raise self.error("syntax", f"{t.attr} stands for a {e.slice} of {e.name} and needs its index.", t.span,
                             f"Its symbol has {len(e.places)} ind{'ex' if len(e.places) == 1 else 'ices'}.")
        if e.slice == "column" and terms and "sub" in e.places:
            raise self.error("ambiguous", f"{t.attr} stands for a column of {e.name}; which index is first is not clear.", t.span)
        return chosen, tuple(terms), sup

    def sliced(self, e: Entry, chosen: list[Tex], rest: tuple[Tex, ...], t: Tex, env: Env) -> Val:
        """A row, column or entry of an array."""
        rank = len(e.dims) if e.dims is not None else len(chosen) + (e.slice != "entry")
        others = list(self.terms(rest, rank - len(chosen))) if rest else [Tex("all", span=t.span)] * (rank - len(chosen))
        if len(chosen) + len(others) != rank:
            raise self.error("shape", f"{e.name} has {rank} axes, not {len(chosen) + len(others)}.", t.span)
        ordered = [*others, *chosen] if e.slice == "column" else [*chosen, *others]
        keys = [("sup" if x == "sup" else "sub", p) for p, x in enumerate(e.places)]
        loci = keys + [("rest", p) for p in range(len(others))]
        loci = loci[len(chosen) :] + loci[: len(chosen)] if e.slice == "column" else loci
        v = self.array(e, tuple(ordered), loci, t, env)
        if v.rank == 1 and v.row:
            v = replace(turned(v, t.span), loose=False)
        return replace(v, loose=False)

    def array(self, e: Entry, sub: tuple[Tex, ...], loci: list[tuple[str, int]], t: Tex, env: Env) -> Val:
        """Entries of an array; `loci` says where in the writing each index stands."""
        rank = len(e.dims) if e.dims is not None else None
        terms = list(self.terms(sub, rank if rank is not None else max(len(sub), 1)))
        dims = e.dims if e.dims is not None else (None,) * len(terms)
        if len(terms) == 1 and rank == 2:
            raise self.error("ambiguous", f"{t.attr} with one index is a row of {e.name}, or a column.", t.span,
                             f'Say which: symbols={{"{e.name}": ("{t.attr}_i", "row")}}; or write {t.attr}_{{i,:}}.')
        if len(terms) != len(dims):
            raise self.error("shape", f"{e.name} has {len(dims)} ind{'ex' if len(dims) == 1 else 'ices'}, not {len(terms)}.", t.span)
        loci = [*loci, *(("sub", p) for p in range(len(loci), len(terms)))]
        places = [
            self.term(x, env, n, (e, p), self.axis_base(e, loci[p])) for p, (x, n) in enumerate(zip(terms, dims, strict=True))
        ]
        v = self.picked(name(e.name).at(t.span), places, dims, t.span)
        return replace(v, what="label") if e.kind == "label" and v.rank == 0 else v

    def axis_base(self, e: Entry, locus: tuple[str, int]) -> int:
        for base in (re_base(e.key), e.name):
            if (base, *locus) in self.starts:
                return self.starts[(base, *locus)]
        return self.base

    def terms(self, sub: tuple[Tex, ...], wanted: int) -> tuple[Tex, ...]:
        """The indices in a subscript: between commas, or side by side where several are wanted."""
        if len(sub) == 1 and wanted > 1:
            t = sub[0]
            if t.op == "row" and not t.sup:
                return tuple(x for a in t.args for x in self.digits(a, wanted))
            return tuple(self.digits(t, wanted))
        return sub

    def digits(self, t: Tex, wanted: int) -> list[Tex]:
        if t.op == "num" and isinstance(t.attr, int) and len(str(t.attr)) > 1 and wanted > 1:
            return [Tex("num", (), int(d), t.span) for d in str(t.attr)]
        return [t]

    def term(self, x: Tex, env: Env, size: Dim, place: tuple[Entry, int] | None, base: int | None = None) -> Surface:
        """One index, counted from 0."""
        base = self.base if base is None else base
        if x.op == "all":
            return Surface("all", span=x.span)
        if x.op == "fn" or (x.op == "row" and not x.sub and (text_of(x) or "").isalpha() and not any(str(a.attr) in env for a in x.args)):
            raise self.error("name", f"{text_of(x)} is no index; with it this is a name that is not declared.", x.span,
                             'Declare it: symbols={"x_max": r"x_{\\max}"}.')
        v = self.value(x, env)
        if v.what == "label":
            return v.tree
        if v.what == "" and v.rank == 0 and v.tree.op == "name" and x.op == "sym" and (v.tree.attr in self.undeclared_names() or str(
                x.attr) in env):
            return v.tree  # an undeclared label
        if not countable(v):
            if v.rank == 0 and v.tree.op in ("index", "reduce"):
                return v.tree
            raise self.error("kind", "This is not an index.", x.span, "An index is a bound letter, a number, a label, or a sum of them.")
        if v.what == "":
            k = (integer(v) or 0) - base
            if k < 0:
                raise self.error("shape", f"Indices count from {base} here.", x.span, f"The first entry has the index {base}.")
            return number(k).at(x.span)
        if v.binder is not None:
            v.binder.reads.append((size, v.offset - base, place, base))
        elif v.what == "index" and "neg" not in {n.op for n in walk_surface(v.tree)}:
            pass
        return plus(v.tree, v.offset - base).at(x.span)

    def undeclared_names(self) -> set[str]:
        return {e.name for e in self.undeclared.values()}

    # -- definitions -----------------------------------------------------------------------------------------

    def inlined(self, e: Entry) -> bool:
        """Whether a definition leans on indices of the place where it is used."""
        return bool(self.leaning(e, frozenset()))

    def leaning(self, e: Entry, seen: frozenset[str]) -> set[str]:
        if e.body is None or e.key in seen:
            return set()
        if id(e) not in self.free:
            self.free[id(e)] = set()  # a definition that uses itself is refused elsewhere
            free = free_letters(e.body, self, seen | {e.key})
            self.free[id(e)] = free - set(e.letters) - {str(p.attr) for p in e.params or () if p.op == "sym"}
        return self.free[id(e)]

    def letters(self, e: Entry, t: Tex, found: tuple[Entry, bool, int], env: Env) -> tuple[dict[str, Val], list[Tex], list]:
        """Values of the letters on the left side of a definition at one use, the subscripts left over, and the marks."""
        sup = [s for p, s in enumerate(t.sup) if p != found[2]]
        terms = list(t.sub or ()) if not found[1] else []
        if not e.letters:
            return {}, terms, sup
        values: dict[str, Val] = {}
        given: list[Tex] = []
        wanted_sup = e.places.count("sup")
        if wanted_sup:
            p = next((p for p, (k, _) in enumerate(sup) if k in ("round", "square")), None)
            if p is not None:
                inner = sup[p][1]
                given += self.terms(inner if isinstance(inner, tuple) else (inner,), wanted_sup)
                sup = [*sup[:p], *sup[p + 1 :]]
        wanted = e.places.count("sub")
        if wanted and terms:
            if e.diagonal:
                pair = self.terms(tuple(terms), 2)
                if len(pair) != 2 or not same(*pair):
                    raise self.error("unsupported", f"Only the diagonal of {t.attr} is defined.", t.span,
                                     rf"Its other entries are 0; write {t.attr}_{{ii}}, or {t.attr} itself.")
                terms = list(pair[:1])
            split = list(self.terms(tuple(terms), max(wanted, 2) if len(terms) == 1 and terms[0].op == "row" else wanted))
            given += split[:wanted]
            terms = split[wanted:]
        if not given:
            return {}, terms, sup
        if len(given) != len(e.letters):
            raise self.error("shape", f"{t.attr} is defined with {len(e.letters)} ind{'ex' if len(e.letters) == 1 else 'ices'}.", t.span)
        for letter, x in zip(ordered_letters(e), given, strict=True):
            values[letter] = self.value(x, env) if x.op != "all" else Val(Surface("all", span=x.span))
        return values, terms, sup

    def definition(self, e: Entry, t: Tex, found: tuple[Entry, bool, int], env: Env) -> Val:
        """A use of a definition: a reference to its equation, or its body where it leans on the indices around it."""
        values, rest, sup = self.letters(e, t, found, env)
        if self.inlined(e) or (e.letters and values and self.must_inline(e)):
            outer = {k: v for k, v in env.items() if v.what == "index"}
            if e.letters and not values:
                raise self.error("syntax", f"{t.attr} needs its index.", t.span)
            v = self.inside(e, outer | values)
        else:
            self.equation(e)
            v = self.reference(e, values, t)
        if rest:
            v = self.indexed(v, tuple(rest), t, env) if not any(s.op == "plus" for s in rest) else self.scripts(v, t, env)
        return self.above(v.at(t.span) if not v.cells else v, tuple(sup), t.span, env)

    def must_inline(self, e: Entry) -> bool:
        return False

    def equation(self, e: Entry) -> None:
        """Read a definition once, into an equation of the script."""
        if e.state == "done":
            return
        assert e.body is not None
        if e.fault is not None:
            raise e.fault
        if e.state == "open":
            raise self.error("name", f"{e.name} is defined by itself.", e.body.span)
        e.state = "open"
        active, self.active = self.active, []
        entrywise, self.entrywise = self.entrywise, False
        binders = [Binder(letter, self.fresh(letter), 0 if (e.key, letter) in self.zero_letters() else self.base, e.body.span)
                   for letter in e.letters]
        env = {b.letter: b.val() for b in binders}
        self.active = [b.name for b in binders]
        v = number_of(self.value(e.body, env))
        self.active, self.entrywise = active, entrywise
        if v.what in ("one", "eye") or v.cells:
            raise self.error("unsupported", f"{e.name} is defined by what has no size of its own.", e.body.span)
        tree, dims = v.tree, v.dims
        extra: list[str] = []
        if binders and v.rank:
            taken = [b.name for b in binders]
            tree = tree.args[0] if tree.op == "transpose" and v.rank == 1 else tree
            for _ in v.dims or ():
                extra.append(self.fresh("k", taken + extra))
            tree = index(tree, *map(name, extra))
            e.row = False
        else:
            e.row = v.row
        sizes = tuple(self.binder_size(b) for b in binders)
        e.dims = (*sizes, *(dims or ())) if dims is not None else None
        names = (*(b.name for b in binders), *extra)
        e.bindings = binders
        self.equations.append(Equation(e.name, names or None, tree, e.body.span))
        e.state = "done"

    def zero_letters(self) -> set[tuple[str, str]]:
        return set()

    def binder_size(self, b: Binder) -> Dim:
        """The size of an index of a definition, from what it reads."""
        for size, shift, _, _ in b.reads:
            if size is not None and shift == 0:
                return size
        return None

    def reference(self, e: Entry, values: Mapping[str, Val], t: Tex) -> Val:
        tree = name(e.name).at(t.span)
        if not values and e.diagonal:
            return applied("diag", [Val(tree, e.dims)], t.span)
        if not values:
            return Val(tree, e.dims, e.row)
        places: list[Surface] = []
        for p, b in enumerate(e.bindings):
            v = values[b.letter]
            size = e.dims[p] if e.dims is not None else None
            if v.tree.op == "all":
                places.append(v.tree)
            elif v.what == "label" or (v.what == "" and not countable(v)):
                places.append(v.tree)
            elif v.what == "":
                places.append(number((integer(v) or 0) - b.base))
            else:
                if v.binder is not None:
                    v.binder.reads.append((size, v.offset - b.base, (e, p), b.base))
                places.append(plus(v.tree, v.offset - b.base))
        dims = e.dims if e.dims is not None else (None,) * len(places)
        places += [Surface("all")] * (len(dims) - len(places))
        v = self.picked(tree, places, dims, t.span)
        if v.rank == 1 and v.row:
            return replace(turned(v, t.span), loose=False)
        return replace(v, loose=False)

    def fresh(self, letter: str, more: list[str] | None = None) -> str:
        """A name for a bound index that nothing else has."""
        used = {*self.active, *(more or ()), *self.taken, *self.sizes}
        wished = identifier(letter)
        for candidate in chain((wished, *"ijklmn"), (f"{c}{n}" for n in range(1, 40) for c in "ijkl")):
            if candidate not in used:
                return candidate
        raise fail("limit", "More indices are nested than there are names.", None)

    # -- names nobody declared -------------------------------------------------------------------------------

    def new(self, t: Tex, env: Env) -> Val:
        """A constant, ones, the identity, a Kronecker delta, or a name that the text introduces by using it."""
        key = str(t.attr)
        base = plain(key)
        if base == "e" and not t.sub and not key.startswith("\\mathbf") and "e" not in self.undeclared:
            return self.euler(t, env)
        if key == r"\pi" and not t.sub:
            taken = any(e.name == "pi" for e in self.symbols.all() if e.given)
            tree = Surface("call", (Surface("neg", (number(1),)),), "arccos") if taken else name("pi")
            return self.above(Val(tree.at(t.span)), t.sup, t.span, env)
        if key == r"\infty":
            raise self.error("unsupported", "Infinity is no number here.", t.span)
        if base == r"\delta" and t.sub and len(terms := self.terms(t.sub, 2)) == 2 and not t.sup:
            rel = Tex("rel", terms, "=", t.span)
            return self.bracket(rel, env, t.span)
        special = self.unit_vector(t, env) if base == "e" else self.special(t, env)
        if special is not None:
            return special
        return self.undeclared_value(t, env)

    def euler(self, t: Tex, env: Env) -> Val:
        if t.sup and t.sup[0][0] in ("power", "inv", "T"):
            if t.sup[0][0] == "T":
                raise self.error("ambiguous", "e^T is a transpose, or a power of e.", t.span)
            v = const(-1) if t.sup[0][0] == "inv" else self.number(t.sup[0][1], env)
            if v.rank and v.rank > 1:
                raise self.error("ambiguous", "e to a matrix is the matrix exponential, or the exponentials of its entries.", t.span,
                                 r"Write \exp(A) for the entries.")
            return self.above(applied("exp", [v], t.span), t.sup[1:], t.span, env)
        return self.above(applied("exp", [const(1)], t.span), t.sup, t.span, env)

    def special(self, t: Tex, env: Env) -> Val | None:
        """\\mathbf{1}, I, \\mathbf{0}: with a size below them, or one that follows from what they meet."""
        key = str(t.attr)
        what = {r"\mathbf{1}": "one", r"\mathbb{1}": "one", "I": "eye", r"\mathbf{I}": "eye", r"\mathbb{I}": "eye", r"\mathbf{0}": "zero"}.get(key)
        if what is None or (key == "I" and t.sub and len(self.terms(t.sub, 2)) == 2):
            return None
        if t.sub:
            v = self.value(t.sub[0], env)
            if not countable(v) or v.what == "index":
                return None
            size = v.tree
            if what == "zero":
                return const(0, t.span)
            made = eye(size, t.span) if what == "eye" else ones(size, t.span)
            dim: Dim = size.attr if size.op in ("name", "num") else size
            made = replace(made, dims=(dim,) * len(made.dims or ()))
        else:
            made = Val(name("?" + what).at(t.span), (), what=what)
        return self.above(made, t.sup, t.span, env)

    def unit_vector(self, t: Tex, env: Env) -> Val | None:
        """e_{y_i} of a label, where nothing else is called e."""
        x = t.sub[0] if t.sub and len(t.sub) == 1 else None
        if x is None or x.op != "sym":
            return None
        if str(x.attr) in env and not x.sub and any(e.given and e.dims for e in self.symbols.all()):
            raise self.error("ambiguous", "e with an index is a unit vector, or an array that is called e.", t.span,
                             "Declare e, or write the entries that it picks, A_{kk}.")
        if (found := self.symbols.find(x)) is None or found[0].kind != "label":
            return None
        self.notes["e with a label below is the unit vector of its class"] = None
        return self.above(Val(Surface("call", (self.value(x, env).tree,), "onehot", t.span), (None,)), t.sup, t.span, env)

    def undeclared_value(self, t: Tex, env: Env) -> Val:
        """A name in the sense of iverson notation: its kind follows from use."""
        key = str(t.attr)
        sub = t.sub
        mark = next((p for p, (k, x) in enumerate(t.sup) if k in ("word", "star") or (k in ("round", "square") and (
            texts_of(x) or "").isdigit())), -1)
        named = bool(sub) and not self.index_like(sub or (), env)
        full = key_of(key, texts_of(sub or ()) if named else None, mark_of(*t.sup[mark]) if mark >= 0 else None)
        e = self.undeclared.get(full) or self.undeclared.get(plain(full))
        if e is None:
            e = self.undeclared[full] = Entry(self.unused(identifier(full)), None, key=full)
        return self.known((e, named, mark), t, env)

    def unused(self, wished: str) -> str:
        taken = {e.name for e in (*self.symbols.all(), *self.undeclared.values())} | self.sizes
        while wished in taken:
            wished += "_"
        return wished

    def index_like(self, sub: tuple[Tex, ...], env: Env) -> bool:
        """Whether a subscript holds indices: something bound, a label, a number beside them, a whole axis."""
        for t in sub:
            for x in walk(t):
                if x.op == "all" or (x.op == "sym" and (str(x.attr) in env or str(x.attr) in self.sizes)):
                    return True
                if x.op == "sym" and (found := self.symbols.find(x)) is not None and found[0].kind == "label":
                    return True
        single = [text_of(t) for t in sub]
        return not any((s and len(s) > 2) or (s and s.isdigit()) for s in single) and all(s is not None and s.islower() and s in "ijklmny"
                                                                                     for s in single)


def key_text(t: Tex) -> str:
    return str(t.attr)


def re_base(key: str) -> str:
    return key.split("_{")[0].split("^{")[0]


def text_of_sub(t: Tex) -> str | None:
    return texts_of(t.sub) if t.sub else None


def ordered_letters(e: Entry) -> list[str]:
    """Letters in the order in which `letters` collects them: above first."""
    pairs = list(zip(e.letters, e.places, strict=True))
    return [x for x, p in pairs if p == "sup"] + [x for x, p in pairs if p != "sup"]


def free_of(e: Entry) -> set[str]:
    return {str(x.attr) for x in walk(e.body) if x.op == "sym"} if e.body is not None else set()


def free_letters(t: Tex, r: Names, seen: frozenset[str] = frozenset(), bound: frozenset[str] = frozenset()) -> set[str]:
    """Letters in index positions that nothing around them binds, also by way of definitions."""
    found: set[str] = set()
    if t.op == "num" and not t.sub and not t.sup:
        return found
    inner = bound | bound_letters(t) if t.op == "big" else bound
    own = r.symbols.find(t) if t.op == "sym" else None
    if own is not None and own[2] >= 0:  # w^{(t)} is a name: its mark holds no index
        t = replace(t, sup=tuple(s for p, s in enumerate(t.sup) if p != own[2]))
    for s in scripts_of(t):
        for x in walk(s):
            if x.op == "sym" and not x.sub and str(x.attr) not in inner and is_letter(str(x.attr)):
                e = r.symbols.find(x)
                if e is None and t.op == "sym" and own is not None and own[1]:
                    continue
                if e is None:
                    found.add(str(x.attr))
    if t.op == "sym" and str(t.attr) not in inner:
        if own is not None and own[0].kind == "definition" and own[0].body is not None:
            found |= r.leaning(own[0], seen) - inner
    named = own is not None and own[1]
    for a in (*t.args, *(() if named else t.sub or ()), *(y for k, x in t.sup for y in (x if isinstance(x, tuple) else (x,)) if isinstance(y, Tex))):
        found |= free_letters(a, r, seen, inner)
    return found - r.sizes if t.op != "big" else found


def scripts_of(t: Tex) -> list[Tex]:
    """Where indices stand: subscripts of symbols and fences, raised indices; not limits of sums and not marks of norms."""
    if t.op in ("big", "norm", "fn", "inner"):
        return []
    return [*(t.sub or ()), *(y for k, x in t.sup if k in ("round", "square") for y in x)]


def is_letter(key: str) -> bool:
    return len(key) == 1 and key.isalpha()
