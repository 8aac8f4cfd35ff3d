r"""The symbols of a LaTeX text: which letters with which scripts are one name, and what a script of a known name means.

Glossary   key: a letter with its font, accents and those scripts that are part of the name (`\lambda_U`, `q'`, `\pi^{old}`);
letters: index letters on the left side of a definition;  places: where an index stands, "sub" or "sup".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ..core.errors import IversonError
from .latex_parse import TexParser
from .latex_tokens import tokenize
from .latex_tree import Tex, signature
from .latex_words import LETTERS
from .surface import Surface
from .tokens import ALIKE

SLICES = ("row", "column", "entry")
Dim = str | int | Surface | None
FONT = re.compile(r"\\(?:mathbf|mathcal|mathfrak|mathbb)\{((?:[^{}]|\{[^{}]*\})*)\}")
MARK = re.compile(r"\\(hat|tilde|bar|vec|dot|ddot|check|breve|acute|grave|ring)\{((?:[^{}]|\{[^{}]*\})*)\}")


@dataclass
class Entry:
    """What a key stands for: an input array, or a definition with its body.

    dims     sizes of the array, None for one that is not known; the whole is None where not even the rank is
    slice    row, column or entry: the key with its index means that part of the array
    places   for each index of a slice or of a definition, where it is written
    """

    name: str
    dims: tuple[Dim, ...] | None = None
    kind: str = ""
    slice: str | None = None
    places: tuple[str, ...] = ()
    body: Tex | None = None
    params: tuple[Tex, ...] | None = None
    letters: tuple[str, ...] = ()
    key: str = ""
    state: str = ""
    given: bool = False  # by the caller
    weak: bool = False  # a second way to write it: a definition of the text goes before it
    fault: IversonError | None = None  # why its body could not be read
    bindings: list[Any] = field(default_factory=list)
    row: bool = False
    raised: bool = False  # its index stands above without parentheses: x^i
    diagonal: bool = False  # D_{ii} = ...: a diagonal matrix
    placeholders: tuple[str, ...] = ()  # the letters that stand for the indices of a slice in the symbol of the caller


def text_of(t: Tex) -> str | None:
    """The letters of a simple script: `old`, `0`, `(2)`; None for a formula."""
    if t.sup or t.sub:
        return None
    if t.op in ("sym", "fn"):
        return str(t.attr)
    if t.op == "num":
        return str(t.attr)
    if t.op == "plus":
        return "+"
    if t.op == "group":
        return text_of(t.args[0])
    if t.op == "row":
        parts = [text_of(a) for a in t.args]
        return None if any(p is None for p in parts) else "".join(map(str, parts))
    return None


def texts_of(parts: Iterable[Tex]) -> str | None:
    found = [text_of(p) for p in parts]
    return None if not found or any(p is None for p in found) else ",".join(map(str, found))


def mark_of(kind: str, above: Any) -> str | None:
    """A mark above as a part of a name."""
    if kind == "prime":
        return "'"
    if kind == "star":
        return "*"
    if kind in ("word", "pinv", "listed"):
        return str(above)
    if kind == "T":
        return "H" if above == "H" else None
    if kind in ("round", "square"):
        inner = texts_of(above) or shifted(above)
        return None if inner is None else f"({inner})"
    if kind == "power":
        return text_of(above)
    return None


def shifted(above: Any) -> str | None:
    """t-1 of w^{(t-1)}, which may be a part of its name."""
    t = above[0] if len(above) == 1 else None
    if t is None or t.op != "add" or len(t.args) != 2 or t.sup or t.sub:
        return None
    head, step = t.args
    sign, step = ("-", step.args[0]) if step.op == "neg" else ("+", step)
    return f"{text_of(head)}{sign}{step.attr}" if step.op == "num" and text_of(head) is not None else None


def key_of(base: str, sub: str | None = None, sup: str | None = None) -> str:
    return base + (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")


@lru_cache(4096)
def plain(base: str) -> str:
    """A letter without its font.

    >>> plain("\\\\hat{\\\\mathbf{y}}")
    '\\\\hat{y}'
    """
    while "{" in base and (new := FONT.sub(r"\1", base)) != base:
        base = new
    return base


@lru_cache(4096)
def identifier(key: str) -> str:
    """A name in iverson notation for a key.

    >>> identifier("\\\\hat{\\\\mathbf{y}}"), identifier("\\\\lambda_{U}"), identifier("w_{0}"), identifier("q^{'}")
    ('y_hat', 'lambda_U', 'w_0', 'q_prime')
    """
    text = plain(key)
    while (m := MARK.search(text)) is not None:
        text = text[: m.start()] + f"{m[2]}_{m[1]}" + text[m.end() :]
    text = re.sub(r"\\[a-zA-Z]+", lambda m: LETTERS.get(m[0], m[0][1:]), text)
    text = text.replace("'", "_prime").replace("*", "_star").replace("^", "_")
    text = re.sub(r"_+", "_", re.sub(r"[^\w]", "_", text)).strip("_")
    twin = text.translate(ALIKE)
    if twin != text and twin.isascii():  # a Cyrillic or Greek letter that looks Latin is told apart
        text = f"{unicodedata.name(next(c for c in text if not c.isascii())).split()[0].lower()}_{twin}"
    return text if text and not text[0].isdigit() else f"v_{text}"


@lru_cache(1024)
def symbol_tree(text: str) -> Tex:
    """A symbol given by the caller, read as LaTeX."""
    displays = tokenize(text.strip())
    if len(displays) != 1 or not displays[0]:
        raise IversonError("usage", f"symbols: {text!r} is not one symbol.")
    word = re.match(r"\s*([A-Za-z]{2,})", text)
    parser = TexParser(displays[0], text, frozenset([word[1]] if word else []))
    try:
        tree = parser.whole()
    except IversonError as error:
        raise IversonError("usage", f"symbols: {text!r} is not one symbol.", hint=error.message) from None
    if tree.op == "fn":
        tree = Tex("sym", (), tree.attr, tree.span, tree.sub, tree.sup)
    if tree.op == "row" and len(tree.args) == 2 and (pattern := Called.of(*tree.args)) is not None and pattern.letters:
        return pattern.written(tree.args[1])
    if tree.op != "sym":
        raise IversonError("usage", f"symbols: {text!r} is not one symbol.")
    return tree


@dataclass
class Called:
    """A symbol with an index in its argument: f(x_i), k(x_i, x_j), \\pi(a_t | s_t).

    name      what is written without the indices;  letters: the indices, in order, each with its number among those that differ
    """

    name: str
    letters: list[tuple[int, Tex]]

    @staticmethod
    def of(head: Tex, fence: Tex) -> Called | None:
        if head.op != "sym" or fence.op != "fence" or fence.attr != "(" or head.sup or any(x.op != "sym" for x in fence.args):
            return None
        found = [y for x in fence.args for y in (*(x.sub or ()), *(z for k, a in x.sup if k in ("round", "square") for z in a))]
        if any(k not in ("round", "square") for x in fence.args for k, _ in x.sup):
            return None
        known: dict[Any, int] = {}
        letters = [(known.setdefault(signature(y), len(known)), y) for y in found]
        below = texts_of(head.sub) if head.sub else ""
        return None if below is None else Called(f"{head.attr}_{below}({','.join(str(x.attr) for x in fence.args)})", letters)

    def written(self, fence: Tex, slots: list[int] | None = None) -> Tex:
        """As one symbol with its indices below."""
        slots = [p for p, _ in self.letters] if slots is None else slots
        chosen = {p: y for p, (_, y) in zip(slots, self.letters, strict=True)}
        return Tex("sym", (), self.name, fence.span, tuple(chosen.values()), fence.sup)

    def fits(self, slots: list[int]) -> bool:
        """Whether the indices are alike where those of the caller's symbol are."""
        mine: dict[int, int] = {}
        return len(slots) == len(self.letters) and all(mine.setdefault(p, q) == q for p, (q, _) in zip(slots, self.letters, strict=True))


def called_symbols(symbols: Iterable[str | None]) -> dict[str, list[int]]:
    """The symbols of the caller that are written as calls: which of their indices are alike."""
    found = {}
    for text in symbols:
        if text is not None and "(" in text:
            displays = tokenize(text.strip())
            tree = TexParser(displays[0], text).whole() if displays and displays[0] else None
            if tree is not None and tree.op == "row" and len(tree.args) == 2 and (c := Called.of(*tree.args)) is not None:
                found[c.name] = [p for p, _ in c.letters]
    return found


def with_called(t: Tex, known: Mapping[str, list[int]]) -> Tex:
    """The tree with those calls as symbols."""
    args: list[Tex] = []
    for a in t.args:
        a = with_called(a, known)
        made = Called.of(args[-1], a) if t.op == "row" and args else None
        if made is not None and made.name in known and made.fits(known[made.name]):
            head = args.pop()
            sym = made.written(a, known[made.name])
            a = replace(sym, span=head.span.to(a.span))
        args.append(a)
    above = tuple((k, with_called(x, known) if isinstance(x, Tex) else x) for k, x in t.sup)
    if t.op == "row" and len(args) == 1 and len(t.args) > 1:
        return replace(args[0], sup=(*args[0].sup, *above))
    return replace(t, args=tuple(args), sup=above)


class Symbols:
    """Everything a key can stand for, exact keys before keys without their fonts."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Entry]] = {}
        self._found: dict[int, tuple[Tex, tuple[Entry, bool, int] | None]] = {}  # the tree is kept, so its id stays its own

    def forget(self) -> None:
        """Entries were changed: what was found is looked up again."""
        self._found.clear()

    def add(self, key: str, entry: Entry) -> Entry:
        self.forget()
        entry.key = key
        self.entries.setdefault(key, []).append(entry)
        return entry

    def all(self) -> list[Entry]:
        return [e for found in self.entries.values() for e in found]

    def given(self, name: str, symbol: str | None, form: str | None, dims: tuple[Dim, ...] | None, kind: str) -> None:
        """An input of the caller, under the symbol that the text writes for it."""
        if form is not None and form not in SLICES:
            raise IversonError("usage", f"symbols: {name} is a {form}; a symbol stands for a row, a column or an entry.")
        tree = symbol_tree(symbol if symbol is not None else default_symbol(name))
        count = 0 if form is None else 1 if form in ("row", "column") else len(dims or ()) or 1
        if form == "row" and dims is not None and len(dims) > 2:  # x_{it}: the row of an array with three axes
            below = [x for part in tree.sub or () for x in (part.args if part.op == "row" else (part,))]
            count = max(1, min(len(dims) - 1, sum(x.op == "sym" and str(x.attr).islower() for x in below)))
        entry = Entry(name, dims, kind, form, given=True)
        base, sub, sups = str(tree.attr), tree.sub, list(tree.sup)
        places: list[str] = []
        raised = False
        for p, (mark, above) in enumerate(list(sups)):
            if len(places) < count and (mark in ("round", "square") or (mark == "power" and sub is None)) and (texts_of(
                    above if isinstance(above, tuple) else (above,)) or "0").isdigit() is False:
                places.append("sup")
                raised = mark == "power"
                sups[p] = ("", None)
        terms = [x for part in sub or () for x in (part.args if part.op == "row" else (part,))]
        wanted = min(count - len(places), len(terms))
        if wanted < count - len(places):
            raise IversonError("usage", f"symbols: {symbol!r} has no index that could stand for the {form}.")
        places += ["sub"] * wanted
        left = terms[: len(terms) - wanted]
        name_sub = "".join(text_of(x) or "" for x in left) if left else None
        name_sup = next((m for k, a in sups if k and (m := mark_of(k, a))), None)
        entry.places, entry.raised = tuple(places), raised
        entry.placeholders = tuple(text_of(x) or "" for x in terms[len(left) :])
        self.add(key_of(base, name_sub, name_sup), entry)

    def find(self, t: Tex) -> tuple[Entry, bool, int] | None:
        """The entry of a symbol with its scripts: whether the subscript is part of the name, and which mark above (-1: none)."""
        known = self._found.get(id(t))
        if known is None:
            known = self._found[id(t)] = t, self._find(t)
        return known[1]

    def _find(self, t: Tex) -> tuple[Entry, bool, int] | None:
        key = str(t.attr)
        for base in (key,) if "{" not in key else dict.fromkeys((key, plain(key))):
            found = self._entries(t, base)
            if found is not None:
                return found
        return None

    def _entries(self, t: Tex, base: str) -> tuple[Entry, bool, int] | None:
        sub = texts_of(t.sub) if t.sub else None
        marks = [(p, m) for p, (k, a) in enumerate(t.sup) if (m := mark_of(k, a))] if t.sup else []
        below = () if not sub else (sub,) if "," not in sub else (sub, sub.replace(",", ""))
        tries: list[tuple[str | None, int, str]] = [(s, p, m) for s in below for p, m in marks]
        tries += [(s, -1, "") for s in below]
        tries += [(None, p, m) for p, m in marks]
        for s, p, m in (*tries, (None, -1, "")):
            found = self.entries.get(key_of(base, s, m))
            if found:
                fits = [e for e in found if suits(e, t, s is not None)]
                if len(fits) > 1:
                    fits.sort(key=lambda e: bool(e.letters) != bool((t.sub and s is None) or t.sup))
                return (fits or found)[0], s is not None, p
        return None

    def is_name(self, t: Tex) -> bool:
        """Whether the scripts of an occurrence are part of its name."""
        found = self.find(t)
        return found is not None and found[1]

    def rivals(self, t: Tex) -> list[Entry]:
        """All entries that share the letter and have room for the subscript; one alone if its index letters are just these."""
        found = [e for e in self.entries.get(str(t.attr), []) if e.given and suits(e, t, False) and not (t.sub and overfull(e, t.sub))]
        if len(found) < 2:
            return found
        below = [text_of(x) for s in t.sub or () for x in (s.args if s.op == "row" else (s,))]
        exact = [e for e in found if e.placeholders and list(e.placeholders) == below]
        return exact if len(exact) == 1 and all(e.placeholders for e in found) else found


def overfull(e: Entry, sub: tuple[Tex, ...]) -> bool:
    """Whether an array has no entries with such a subscript: a scalar, or a matrix with a single letter."""
    single = len(sub) == 1 and sub[0].op == "sym"
    return e.slice is None and e.dims is not None and (not e.dims or (len(e.dims) > 1 and single))


def suits(e: Entry, t: Tex, named: bool) -> bool:
    """Whether the scripts of an occurrence stand where those of the entry do."""
    sub = "sub" in e.places and not named
    sup = "sup" in e.places
    has_sup = any(k in ("round", "square") or (k == "power" and e.raised) for k, _ in t.sup)
    return (not sub or bool(t.sub)) and (not sup or has_sup) and not (e.places and not t.sub and not t.sup)


@lru_cache(1024)
def default_symbol(name: str) -> str:
    r"""How a name is written where the caller does not say: `alpha` as \alpha, `y_hat` as \hat{y}, `w0` as it stands."""
    if other_symbols(name):
        return other_symbols(name)[0]
    head, _, tail = name.partition("_")
    if "\\" + head in LETTERS:
        head = "\\" + head
    if tail in ("hat", "tilde", "bar", "vec", "dot"):
        return rf"\{tail}{{{head}}}"
    if tail:
        return rf"{head}_{{\mathrm{{{tail}}}}}" if len(tail) > 1 else f"{head}_{{{tail}}}"
    return head


def other_symbols(name: str) -> list[str]:
    """Further ways in which a name of the caller may stand in the text."""
    m = re.fullmatch(r"([A-Za-z]+)(\d+)", name)
    if m:
        head = "\\" + m[1] if "\\" + m[1] in LETTERS else m[1]
        return [f"{head}_{m[2]}"]
    return []


@lru_cache(1024)
def keys_of_name(name: str) -> tuple[str, ...]:
    """The keys under which a name of the caller is found: other symbols for it, then the name as it stands."""
    made = []
    for way in (*other_symbols(name), name):
        try:
            tree = symbol_tree(way)
            made.append(key_of(str(tree.attr), "".join(text_of(x) or "" for x in tree.sub or ()) or None))
        except IversonError:
            made.append(way)
    return tuple(made)


def entries_of(symbols: Mapping[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    """The argument `symbols` as symbol and slice by name."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name, value in symbols.items():
        if isinstance(value, str):
            found[name] = (value, None)
        elif isinstance(value, tuple | list) and len(value) == 2 and all(x is None or isinstance(x, str) for x in value):
            found[name] = (value[0], value[1])
        else:
            raise IversonError("usage", f"symbols: {name} takes a symbol, or a symbol with row, column or entry.")
    return found
