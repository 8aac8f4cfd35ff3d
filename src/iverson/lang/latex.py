r"""LaTeX, and what stands on a chalkboard, to a script: definitions and the loss found among the formulas of a text.

The loss is the formula called `target`, else the last that no other formula uses.  Claims about derivatives, memberships and conditions
define nothing.  Only definitions that the loss needs are read further.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.errors import IversonError, Span
from .latex_account import account
from .latex_formulas import (
    Formula,
    bare_head,
    derived,
    formulas_of,
    head_of,
    index_letters,
    index_places,
    is_left,
    is_number,
    least_index,
    left_written,
    letters_in,
    limit_letters,
    loci_of,
    lower_limits,
    members,
    signature_key,
    single_letters,
    standing_free,
    uses,
)
from .latex_names import free_letters
from .latex_parse import TexParser
from .latex_reader import Reader
from .latex_refusals import Refusals, refuse_open
from .latex_split import Statement, statements
from .latex_symbols import (
    Dim,
    Entry,
    Symbols,
    called_symbols,
    entries_of,
    identifier,
    key_of,
    keys_of_name,
    mark_of,
    plain,
    symbol_tree,
    text_of,
    with_called,
)
from .latex_tokens import tokenize
from .latex_tree import Tex, bound_letters, parts_of, signature, walk
from .latex_words import RELATIONS
from .surface import Declaration, Script, Surface, depth
from .syntax import MOST_DEPTH, MOST_TREE

RANKS = {"scalar": 0, "vector": 1, "column": 1, "row": 1, "simplex": 1, "matrix": 2, "symmetric": 2, "spd": 2}
MOST_PASSES = 5
PLACES = {"first formula": 0, "last formula": -1}  # a formula without a left side is asked for by its place


def parse_latex(
    source: str,
    sizes: Mapping[str, tuple[Any, ...]] | None = None,
    kinds: Mapping[str, str] | None = None,
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
    chalk: bool = False,
    base: int | None = None,
) -> Script:
    """The script of a text.

    sizes, kinds   what is declared; symbols: {"y_hat": r"\\hat{y}", "X": (r"x^{(i)}", "row")}; target: the left side of the loss
    chalk          signs of Unicode, `x[i]` and the words of iverson notation are read too
    base           what constant indices count from; by default what the sums say, else 1

    >>> parse_latex(r"\\|Xw - y\\|^2").equations[0].body.op
    'pow'
    """
    try:
        return _parse(source, sizes or {}, kinds or {}, symbols or {}, target, chalk, base)
    except IversonError as error:
        raise error.located(source) from None
    except RecursionError:
        raise IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.", source=source) from None


def _parse(
    source: str,
    sizes: Mapping[str, tuple[Any, ...]],
    kinds: Mapping[str, str],
    symbols: Mapping[str, Any],
    target: str | None,
    chalk: bool,
    base: int | None,
) -> Script:
    found = statements(tokenize(source, chalk), source)
    formulas = formulas_of(found, source, frozenset([*sizes, *kinds, *symbols, *single_letters(symbols)]), chalk)
    called = called_symbols(symbol for symbol, _ in entries_of(symbols).values())
    for f in formulas if called else ():
        f.body = with_called(f.body, called)
        f.left = with_called(f.left, called) if f.left is not None else None
    text = Text(source, found, formulas, sizes, kinds, symbols, target)
    text.base = base
    script = text.script()
    refuse_open(script, {*sizes, *kinds, *symbols})
    return script


class Text(Refusals):
    """One text with what the caller says of it."""

    def __init__(
        self,
        source: str,
        found: list[Statement],
        formulas: list[Formula],
        sizes: Mapping[str, tuple[Any, ...]],
        kinds: Mapping[str, str],
        symbols: Mapping[str, Any],
        target: str | None,
    ) -> None:
        self.source, self.statements, self.formulas = source, found, formulas
        self.sizes, self.kinds, self.target = sizes, kinds, target
        self.given = entries_of(symbols)
        self.base: int | None = None
        self.others: list[Formula] = []  # formulas that could be the loss as well

    def script(self) -> Script:
        """Read the loss; again, as long as a reading finds new names of sizes."""
        aliases: dict[str, Surface] = {}
        inferred: dict[tuple[str, int], Surface] = {}
        extra: set[str] = set()
        dims: dict[str, tuple[Dim, ...]] = {}
        for _ in range(MOST_PASSES):
            r = self.reader(aliases, inferred, extra, dims)
            goal = self.goal(r)
            script = self.read(r, goal)
            state = (len(aliases), len(inferred), len(extra), dims)
            aliases, inferred, extra = r.aliases, r.inferred, r.sizes - self.size_names()
            dims = self.ranks(r)
            if (len(aliases), len(inferred), len(extra), dims) == state:
                return script
        return script

    def ranks(self, r: Reader) -> dict[str, tuple[Dim, ...]]:
        """Sizes of the undeclared arrays, as far as sums tell them."""
        found: dict[str, tuple[Dim, ...]] = {}
        for e in r.undeclared.values():
            count = self.uses.get(e.key, 0)
            if count:
                found[e.key] = tuple(r.inferred.get((e.name, p)) for p in range(count))
        return found

    # -- symbols ---------------------------------------------------------------------------------------------

    def size_names(self) -> set[str]:
        found: set[str] = set()
        for value in self.sizes.values():
            for s in (value,) if isinstance(value, str | int) else value:
                if isinstance(s, str):
                    found |= set(re.findall(r"[A-Za-z_]\w*", s))
        for kind in self.kinds.values():
            m = re.search(r"\[(.*?)\]", kind)
            found |= set(re.findall(r"[A-Za-z_]\w*", m[1])) if m else set()
            m = re.search(r"label(?:\[.*\])?\s+(?:in\s+)?([A-Za-z_]\w*)", kind)
            found |= {m[1]} if m and m[1] != "in" else set()
        return found

    def reader(
        self, aliases: dict[str, Surface], inferred: dict[tuple[str, int], Surface], extra: set[str], dims: dict[str, tuple[Dim, ...]]
    ) -> Reader:
        symbols = Symbols()
        declared = members(self.statements, (*self.sizes, *self.given))
        for n in dict.fromkeys((*self.given, *self.sizes, *self.kinds)):
            symbol, form = self.given.get(n, (None, None))
            symbols.given(n, symbol, form, self.dims(n), self.kinds.get(n, "").split("[")[0].split()[0] if self.kinds.get(n) else "")
            self.plain_names(symbols, n, symbol, form)
        r = Reader(symbols, self.size_names() | extra, self.source)
        r.aliases, r.inferred = dict(aliases), dict(inferred)
        r.base = self.counting() if self.base is None else self.base
        r.starts = self.starts(r) if self.base is None else {}
        r.counted = self.base is not None
        self.definitions(r)
        r.taken = {e.name for e in symbols.all()}
        self.uses, self.sliced = self.usage(r)
        for key, count in self.uses.items():
            e = Entry(r.unused(identifier(key)), dims.get(key, (None,) * count), key=key)
            if key in self.sliced:
                e.slice, e.places = "row", self.sliced[key]
            r.undeclared[key] = e
        for key, shape in declared.items():
            e = r.undeclared.setdefault(key, Entry(r.unused(identifier(key)), shape, key=key))
            e.dims = shape
        self.letters(r)
        r.taken = {e.name for e in (*symbols.all(), *r.undeclared.values())}
        return r

    def plain_names(self, symbols: Symbols, n: str, symbol: str | None, form: str | None) -> None:
        """Other ways to write a given name: `w0` as w_0, the array itself where a symbol stands for its rows."""
        for key in keys_of_name(n) if symbol is None else keys_of_name(n)[-1:]:
            if key not in symbols.entries:
                symbols.add(key, Entry(n, self.dims(n), self.kinds.get(n, "").split("[")[0].split(" ")[0], given=True, weak=symbol is not None))

    def dims(self, n: str) -> tuple[Dim, ...] | None:
        from .kinds import size_written

        kind = self.kinds.get(n, "")
        word = kind.split("[")[0].split()[0] if kind.strip() else ""
        if n in self.sizes:
            value = self.sizes[n]
            shape = tuple(size_written(s) for s in ((value,) if isinstance(value, str | int) else tuple(value)))
            return shape * 2 if word in ("symmetric", "spd") and len(shape) == 1 else shape
        m = re.search(r"\[(.*?)\]", kind)
        if m:
            shape = tuple(int(s) if s.strip().isdigit() else s.strip() for s in m[1].split(",")) if m[1].strip() else ()
            return shape * 2 if word in ("symmetric", "spd") and len(shape) == 1 else shape
        if word in RANKS:
            return (None,) * RANKS[word]
        return None

    def counting(self) -> int:
        """What constant indices count from: the smallest lower limit of the sums, else 1."""
        lows = {int(x.args[1].attr) for f in self.formulas for t in walk(f.body) if t.op == "big" for x in t.sub or ()
                if x.op == "rel" and x.attr == "=" and x.args[1].op == "num" and x.args[1].attr in (0, 1)}
        return 0 if lows == {0} else 1

    def starts(self, r: Reader) -> dict[tuple[str, str, int], int]:
        """What the indices of an axis count from, where a sum or a constant says so: the least index that is written."""
        found: dict[tuple[str, str, int], int] = {}
        written: dict[tuple[str, str, int], set[Any]] = {}
        for f in self.formulas:
            stack: list[tuple[Tex, dict[str, int]]] = [(f.body, {})]
            while stack:
                t, lows = stack.pop()
                if t.op == "big":
                    lows = {k: v for k, v in lows.items() if k not in bound_letters(t)} | lower_limits(t)
                if t.op == "sym" and (t.sub or t.sup) and not r.symbols.is_name(t):
                    for locus, x in loci_of(t, r):
                        key = (str(t.attr), *locus)
                        written.setdefault(key, set()).add(x.attr)
                        least = least_index(x, lows)
                        if least is not None and least in (0, 1):
                            found[key] = min(least, found.get(key, 1))
                stack += [(x, lows) for x in (parts_of(t) if t.sub or t.sup else t.args)]
        return {key: least for key, least in found.items() if written[key] != {0}}  # a lone x_0 may be a name of its own

    # -- definitions -----------------------------------------------------------------------------------------

    def definitions(self, r: Reader) -> None:
        """An entry for every formula with a left side."""
        for f in self.formulas:
            f.entry = None
            if f.left is None and f.fault is None:
                continue
            if f.left is None or not is_left(f.left):
                f.entry = Entry("", key="", kind="constraint")
                continue
            head, params = f.left, None
            if head.op == "row":
                head, fence = head.args
                params = fence.args
            while head.op == "group":
                head = head.args[0]
            known = r.symbols.find(head)
            given = known is not None and known[0].given and not known[0].weak
            if known is not None and given and params is None and not (head.sub and not known[1] and (
                    not known[0].dims or self.labelled(head, r))):
                f.entry = Entry("", key="", kind="constraint")
                continue
            if head.op == "fn":
                head = Tex("sym", (), head.attr, head.span, head.sub, head.sup)
            f.entry = Entry("", kind="definition", body=f.body, params=params, key=signature_key(head), fault=f.fault)
        for f in self.formulas:
            if f.entry is not None and f.entry.kind == "definition":
                self.placed(f, r)

    def labelled(self, head: Tex, r: Reader) -> bool:
        """Whether a subscript is a declared array that cannot be an index: K_y beside K and y."""
        below = [x for s in head.sub or () for x in (s.args if s.op == "row" else (s,))]
        found = [r.symbols.find(x) if x.op == "sym" else None for x in below]
        return bool(found) and all(e is not None and e[0].given and e[0].kind != "label" and bool(e[0].dims) for e in found)

    def placed(self, f: Formula, r: Reader) -> None:
        """Which scripts of a left side are indices: those that are free in the body."""
        assert f.left is not None and f.entry is not None
        head = f.left.args[0] if f.left.op == "row" else f.left
        while head.op == "group":
            head = head.args[0]
        terms = [x for s in head.sub or () for x in (s.args if s.op == "row" else (s,))]
        raised = [(p, x) for p, (k, a) in enumerate(head.sup) if k in ("round", "square") for x in a]
        candidates = [(str(x.attr), place) for x, place in [*((x, "sup") for _, x in raised), *((x, "sub") for x in terms)]
                      if x.op == "sym" and not x.sub and len(str(x.attr)) == 1 and not self.declared_array(r, x)]
        if len(candidates) == 2 and candidates[0] == candidates[1] and len(terms) == 2:
            f.entry.diagonal = True
            candidates = candidates[:1]
        f.entry.letters = tuple(x for x, _ in candidates)
        f.entry.places = tuple(p for _, p in candidates)
        count = sum(p == "sub" for _, p in candidates)
        rest = terms if count == 0 else [x for x in terms if not (x.op == "sym" and str(x.attr) in f.entry.letters)]
        sub = "".join(text_of(x) or "" for x in rest) or None
        sup = next((m for p, (k, a) in enumerate(head.sup) if (m := mark_of(k, a)) and not (
            k in ("round", "square") and "sup" in f.entry.places)), None)
        f.entry.bindings = [head, sub, sup]
        key = key_of(str(head.attr), sub, sup)
        self.register(f, key, r)

    def declared_array(self, r: Reader, x: Tex) -> bool:
        found = r.symbols.find(x)
        return found is not None and found[0].kind != "definition"

    def register(self, f: Formula, key: str, r: Reader) -> None:
        assert f.entry is not None
        weak = [e for e in r.symbols.entries.get(key, []) if e.weak]
        if weak:
            r.symbols.entries[key] = [e for e in r.symbols.entries[key] if not e.weak]
            r.symbols.forget()
        same_key = [e for e in r.symbols.entries.get(key, []) if e.kind == "definition" and len(e.letters) == len(f.entry.letters)]
        if same_key:
            old = same_key[0]
            if old.body is not None and signature(old.body) == signature(f.body):
                f.entry = old
                return
            if not f.entry.letters or not old.bindings or signature(old.bindings[0]) == signature(f.entry.bindings[0]):
                old.state = f.entry.state = "twice"
        r.symbols.add(key, f.entry)

    def letters(self, r: Reader) -> None:
        """Settle the letters of definitions by what is free in their bodies; the rest is part of the name."""
        entries = [f for f in self.formulas if f.entry is not None and f.entry.kind == "definition"]
        for f in entries:
            e = f.entry
            assert e is not None and e.body is not None
            if e.name:
                continue
            wished = list(e.letters)
            e.letters = ()
            r.free.clear()
            r.symbols.forget()
            free = {x for x in letters_in(e.body)} if any(x in r.sizes for x in wished) else set()
            free |= free_letters(e.body, r, frozenset([e.key])) | {x for x in wished if x in free}
            free |= {x for x in wished if x not in r.sizes and x in standing_free(e.body)}
            head, sub, sup = e.bindings
            e.bindings = []
            free |= {x for x in wished if x in limit_letters(e.body) and x.islower() and x not in r.sizes}
            kept = [x in free for x in wished]
            places = e.places
            if spelled_out(head) and not all(kept):  # the l of L_{total}
                kept = [k and p == "sup" for k, p in zip(kept, places, strict=True)]
            e.letters = tuple(x for x, k in zip(wished, kept, strict=True) if k)
            e.places = tuple(p for p, k in zip(places, kept, strict=True) if k)
            if not all(kept):
                lost = "".join(x for x, k, p in zip(wished, kept, places, strict=True) if not k and p == "sub")
                raised = "".join(x for x, k, p in zip(wished, kept, places, strict=True) if not k and p == "sup")
                key = key_of(str(head.attr), (lost + (sub or "")) or None, f"({raised})" if raised else sup)
                r.symbols.entries[e.key].remove(e)
                r.symbols.add(key, e)
            r.free.clear()
            r.symbols.forget()
            for other in r.symbols.entries[e.key]:
                if other is not e and other.kind == "definition" and other.name and len(other.letters) == len(e.letters):
                    other.state = e.state = "twice"
            wanted = identifier(e.key)
            taken = {x.name for x in r.symbols.all()} | {x.name for x in r.undeclared.values()} | r.sizes
            while wanted in taken:
                wanted += "_"
            e.name = wanted

    def usage(self, r: Reader) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
        """Undeclared symbols: with how many indices they stand, and which of them are rows: x_i beside w^T, or in a norm."""
        counts: dict[str, int] = {}
        vectors: dict[str, int] = {}
        places: dict[str, tuple[str, ...]] = {}
        new = [f for f in self.formulas if any(t.op == "sym" and (t.sub or t.sup) and r.symbols.find(t) is None for t in walk(f.body))]
        for f in new:
            indices = index_letters(f)
            for t in walk(f.body):
                items = t.args if t.op == "row" else ()
                for p, x in enumerate(items):
                    if x.op == "sym" and p and any(k == "T" for k, _ in items[p - 1].sup):
                        self.note_vector(x, indices, vectors, r)
                if t.op in ("norm", "inner"):
                    for y in [z for a in t.args for z in ([a] if a.op == "sym" else a.args if a.op in ("add",) else ())]:
                        self.note_vector(y.args[0] if y.op == "neg" else y, indices, vectors, r)
                if t.op == "sym" and any(k == "T" for k, _ in t.sup):
                    self.note_vector(t, indices, vectors, r)
                if t.op == "sym" and r.symbols.find(t) is None:
                    spots = index_places(t, indices)
                    key = str(t.attr)
                    if spots and len(spots) >= counts.get(key, 0):
                        counts[key] = len(spots)
                        places[key] = spots
        sliced: dict[str, tuple[str, ...]] = {}
        for key, n in vectors.items():
            if counts.get(key) == n:
                counts[key] = n + 1
                sliced[key] = places[key]
        return counts, sliced

    def note_vector(self, t: Tex, indices: set[str], vectors: dict[str, int], r: Reader) -> None:
        if t.op == "sym" and r.symbols.find(t) is None and (spots := index_places(t, indices)):
            vectors[str(t.attr)] = len(spots)

    # -- the loss --------------------------------------------------------------------------------------------

    def goal(self, r: Reader) -> Formula:
        """The formula that is asked for."""
        if not self.formulas:
            raise self.nothing()
        if self.target is not None:
            return self.targeted(r)
        named = [f for f in self.formulas if f.entry is None or f.entry.kind == "definition"]
        heads = {signature(bare_head(head_of(f.left))) for f in named if f.left is not None}
        named = [f for f in named if not derived(f, heads)] or named
        named = [f for f in named if f.left is None or not is_number(f.body)] or named
        free = [f for f in named if not self.used_by_others(f, named, r)]
        found = (free or named or self.formulas)[-1]
        self.others = [f for f in free if f is not found]
        self.refuse_unread(found)
        if found.entry is not None and found.entry.kind == "constraint" and is_number(found.body):
            raise self.error("syntax", "This is an equation, not a loss.", found.statement.span, "Leave out the side that is a number.")
        return found

    def targeted(self, r: Reader) -> Formula:
        """By the letters of its left side, or by its name in iverson notation."""
        assert self.target is not None
        try:
            wanted = symbol_tree(self.target)
            keys = {signature(bare_head(wanted)), signature(bare_head(Tex("sym", (), plain(str(wanted.attr)))))}
            words = {str(wanted.attr), plain(str(wanted.attr))}
        except IversonError:
            keys, words = set(), {self.target}
        if self.target.strip().lower() in PLACES:
            return self.formulas[PLACES[self.target.strip().lower()]]
        whole = left_written(self.target)
        for f in reversed(self.formulas):
            if f.left is not None and signature(f.left) == whole:
                return f
        for exact in (True, False):
            for f in reversed(self.formulas):
                if f.left is None:
                    continue
                head = f.left.args[0] if f.left.op == "row" else f.left
                key = signature(bare_head(head))
                if key in keys or (not exact and (str(head.attr) in words or plain(str(head.attr)) in words or (
                        f.entry is not None and f.entry.name == self.target))):
                    return f
        lefts = [self.source[f.left.span.start : f.left.span.end] for f in self.formulas if f.left is not None]
        raise self.error("usage", f"No formula has {self.target} on its left side.", None, f"There are {', '.join(lefts) or 'none'}.")

    def nothing(self) -> IversonError:
        for s in self.statements:
            if s.kind == "claim":
                return self.error("unsupported", "These are derivatives; the formula of the loss is missing.", s.span)
            if s.kind == "elided":
                return self.error("unsupported", "A formula with dots leaves out what it means.", s.span, r"Write it with \sum.")
            if s.kind == "condition":
                return self.error("syntax", "This is a condition, not a formula.", s.span, r"A number is \mathbb{1}\{a \le b\}.")
        return self.error("syntax", "There is no formula here.", Span(0, len(self.source)))

    def used_by_others(self, f: Formula, formulas: list[Formula], r: Reader) -> bool:
        if f.entry is None:
            return False
        return any(g is not f and g.entry is not f.entry and uses(g.body, f.entry, r) for g in formulas)

    def read(self, r: Reader, goal: Formula) -> Script:
        """The loss and what it needs as equations."""
        if goal.fault is not None:
            raise goal.fault
        for f in {id(f): f for f in (*self.formulas, goal)}.values():
            self.refuse_searched(f, r)
        e = goal.entry
        anonymous = e is None or e.kind == "constraint"
        if e is None or e.kind == "constraint":
            wanted = next(n for n in ("L", "loss", "L_", "loss_", "L__", "loss__") if n not in r.taken and n not in r.sizes and not any(
                x.name == n for x in r.undeclared.values()))
            e = Entry(wanted, kind="definition", body=goal.body, key="?loss")
            r.free.clear()
        free = r.leaning(e, frozenset()) | set(e.letters)
        if free and not (e.letters and self.target is not None):
            letter = min(free)
            span = next((x.span for x in walk(goal.body) if x.op == "sym" and str(x.attr) == letter), goal.body.span)
            raise self.error("ambiguous", f"The index {letter} is not bound.", span, rf"Sum over it: \sum_{letter}; or define what it means.")
        for f in self.formulas:
            self.refuse_inner(f, goal, r)
        for x in r.symbols.all():
            if x.state == "twice" and (x is e or uses(goal.body, x, r)):
                raise self.error("name", f"{x.name} is defined twice.", x.body.span if x.body else None, "Choose the loss with target=.")
        self.refuse_conflicts(r, goal)
        r.equation(e)
        if self.target is None and self.others and e.dims:
            raise self.error("ambiguous", "The last formula is an array, and another one could be the loss.", goal.statement.span,
                             "Choose the loss with formula=.")
        self.refuse_elided(r)
        account(self.statements, self.formulas, goal, r)
        for q in r.equations:
            if depth(q.body) > MOST_TREE:
                raise self.error("limit", f"The formula is nested deeper than {MOST_TREE}.", q.span)
        notation = "latex"
        return Script(self.declarations(r), tuple(r.equations), e.name, self.source, notation, anonymous, tuple(r.notes))

    def refuse_searched(self, goal: Formula, r: Reader) -> None:
        """In the loss and in every definition: a leading \\min over what is an index of the formula is a minimum, not a task."""
        below = goal.statement.searched
        if not below:
            return
        letters = {t.text for t in below if t.kind == "sym"}
        first = below[0]
        ranged = len(below) <= 3 or any(t.text in RELATIONS for t in below)
        if ranged and any(x in letters_in(goal.body) and r.symbols.find(Tex("sym", (), x, first.span)) is None for x in letters):
            tokens = goal.statement.tokens
            if len(goal.statement.members) == 1:
                goal.body = TexParser(tokens, self.source).whole()
            else:
                cut = next((p for p in range(len(tokens) - 1, -1, -1) if tokens[p].text == "=" and tokens[p].start < first.start), -1)
                if cut < 0:
                    raise self.error("syntax", "This minimum or maximum is of an equation.", first.span, "Leave out what it is searched over.")
                goal.body = TexParser(tokens[cut + 1 :], self.source).whole()
            if goal.entry is not None:
                goal.entry.body = goal.body
            goal.statement.searched = ()

    def declarations(self, r: Reader) -> tuple[Declaration, ...]:
        """What the text itself says of sizes."""
        made: list[Declaration] = []
        if not r.undeclared:
            return ()
        used = {n.attr for q in r.equations for n in surfaces(q.body) if n.op == "name"}
        for e in r.undeclared.values():
            if e.name not in used or e.name in self.sizes or e.name in self.kinds:
                continue
            if e.dims is not None and (any(d is not None for d in e.dims) or e.key in members(self.statements, (*self.sizes, *self.given))):
                made.append(Declaration(e.name, "tensor" if e.dims else "scalar", tuple(written(d) for d in e.dims)))
        return tuple(made)


def spelled_out(head: Tex) -> bool:
    """Whether a subscript is a word: three letters or more without a comma."""
    below = head.sub or ()
    return len(below) == 1 and below[0].op == "row" and len(below[0].args) > 2 and all(x.op == "sym" for x in below[0].args)


def written(d: Dim) -> Any:
    if d is None:
        return "?"
    if isinstance(d, Surface):
        return d.attr if d.op in ("name", "num") else replace(d)
    return d


def surfaces(tree: Surface) -> Any:
    from .surface import walk as each

    return each(tree)
