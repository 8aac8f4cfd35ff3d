"""Statements as formulas: what stands on their left, which letters in them are indices, which formula uses which."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import IversonError, Span
from .latex_names import Names
from .latex_parse import TexParser
from .latex_split import Statement
from .latex_symbols import Dim, Entry, plain
from .latex_tokens import tokenize
from .latex_tree import PRIME, Tex, bare_symbols, bound_letters, primed, regrouped, signature, walk


@dataclass
class Formula:
    """A definition or the loss: what stands on its left, if anything, and its body."""

    left: Tex | None
    body: Tex
    statement: Statement
    entry: Entry | None = None
    fault: IversonError | None = None  # why the body could not be read


def formulas_of(found: list[Statement], source: str, given: frozenset[str], chalk: bool) -> list[Formula]:
    """Every formula parsed; names on left sides are known to all."""
    names = set(given)
    plain_formulas = [s for s in found if s.kind == "formula" and s.members]
    for s in plain_formulas:
        if len(s.members) > 1:
            head = [t for t in s.members[0] if t.kind != "line"]
            run = ""
            for t in head:
                if t.kind not in ("sym", "word") or t.text.startswith("\\"):
                    break
                run += t.text
            taken = sum(len(t.text) for t in head[:1]) if head[:1] and head[0].kind == "word" else len(run)
            at = 1 if head[:1] and head[0].kind == "word" else len(run)
            run = run[:taken]
            if len(run) > 1 and (at >= len(head) or head[at].text in ("(", "_", "^", "[")) and run.isalpha():
                names.add(run)
    known = frozenset(names)
    made: list[Formula] = []
    told = [s for s in plain_formulas if not trivial(s)] or [s for s in plain_formulas if len(s.members) == 1 and not numbered(s)][-1:]
    for s in told:
        if len(plain_formulas) > 1 and len(s.members) == 1 and [t.kind for t in s.tokens if t.kind != "line"] == ["num"]:
            raise IversonError("syntax", "A number stands alone here.", s.span, hint="Put what belongs together in parentheses.", source=source)
        left, fault = None, None
        try:
            left = TexParser(s.members[0], source, known, chalk).whole() if len(s.members) > 1 else None
            body = TexParser(s.members[-1], source, known, chalk).whole()
        except IversonError as error:
            if error.kind == "limit" or (left is None and s is plain_formulas[-1]):
                raise
            body, fault = Tex("num", (), 0, s.span), error
        if left is not None and fault is None and not is_left(left) and is_left(body) and body.op != "row" and not is_number(left):
            left, body = body, left
        around = frozenset(given) | (letters_in(left) if left is not None else set())
        made.append(Formula(left, regrouped(primed(body), around), s, fault=fault))
    return made


def single_letters(symbols: Mapping[str, Any]) -> set[str]:
    """The letters and words that symbols of the caller begin with."""
    heads = [str(v if isinstance(v, str) else (v or ("",))[0]) for v in symbols.values()]
    words = [re.match(r"\s*([A-Za-z]+)", h) for h in heads]
    return {h[0] for h in heads if h[:1].isalpha()} | {w[1] for w in words if w}


def trivial(s: Statement) -> bool:
    """A number of an equation, a lone symbol, a range such as i = 1."""
    texts = [t.text for t in s.tokens if t.kind != "line"]
    if len(s.members) == 1:
        return len(s.members[0]) == 0 or (s.display > 0 and len(texts) <= 4 and not set(texts) & {"\\frac", "+", "-", "/"} and any(
            t.kind == "sym" for t in s.tokens) and not any(x in texts for x in ("(", "\\|", "|"))) or (texts[:1] == ["("] and len(texts) == 3)
    left, right = s.members[0], s.members[-1]
    return len(left) == 1 and len(right) == 1 and right[0].kind == "num" and left[0].text in "ijklmn"


def numbered(s: Statement) -> bool:
    """(3): the number of an equation."""
    return not any(t.kind in ("sym", "word") for t in s.tokens)


def is_number(t: Tex) -> bool:
    return t.op == "num"


def is_left(t: Tex) -> bool:
    """What can stand on the left of a definition: a symbol with indices, or with arguments."""
    if t.op == "group" and not t.sub and not t.sup:
        return is_left(t.args[0])
    if t.op in ("sym",):
        return all(k not in ("T", "inv", "invT", "pinv", "epower") for k, _ in t.sup) and not (
            t.sub and any(x.op == "all" for x in t.sub))
    if t.op == "fn":
        return True
    return t.op == "row" and len(t.args) == 2 and is_left(t.args[0]) and t.args[1].op == "fence" and not t.args[1].sup


def bare_head(t: Tex) -> Tex:
    return Tex(t.op, t.args, t.attr, Span(0, 0), t.sub, t.sup)


def signature_key(t: Tex) -> str:
    return f"?{t.attr}"


def letters_in(t: Tex) -> set[str]:
    """Letters that stand in scripts."""
    return {str(y.attr) for x in walk(t) if x.op not in ("big", "norm", "fn") for s in (*(x.sub or ()), *(
        z for k, a in x.sup if k in ("round", "square") for z in a)) for y in walk(s) if y.op == "sym" and not y.sub}


def index_letters(f: Formula) -> set[str]:
    """Letters that sums of a formula bind, that its left side carries, and that stand alone as i, j, ... in scripts."""
    found = {str(y.attr) for x in walk(f.body) if x.op == "big" for s in x.sub or () for y in walk(s) if y.op == "sym" and not y.sub}
    if f.left is not None:
        found |= letters_in(f.left)
    return found | {x for x in letters_in(f.body) if x in "ijklmn"}


def index_places(t: Tex, indices: set[str]) -> tuple[str, ...]:
    """Where the indices of an undeclared symbol stand; () where its scripts are part of its name."""
    found: list[str] = []
    for k, a in t.sup:
        if k in ("round", "square") and any(str(y.attr) in indices for x in a for y in walk(x)):
            found += ["sup"] * len(a)
    terms = [x for s in t.sub or () for x in (s.args if s.op == "row" else (s,))]
    letters = {str(y.attr) for x in terms for y in walk(x) if y.op == "sym"}
    if terms and (letters & indices or any(x.op == "all" for x in terms)):
        one = t.sub is not None and len(t.sub) == 1 and terms and terms[0].op == "num"
        found += ["sub"] * (1 if one else len(terms))
    return tuple(found)


def uses(t: Tex, e: Entry, r: Names) -> bool:
    """Whether a formula uses a definition, also by way of others."""
    stack, seen = [t], set()
    while stack:
        for x in walk(stack.pop()):
            if x.op != "sym" or (found := r.symbols.find(x)) is None:
                continue
            if found[0] is e:
                return True
            if found[0].body is not None and id(found[0]) not in seen:
                seen.add(id(found[0]))
                stack.append(found[0].body)
    return False


def limit_letters(body: Tex) -> set[str]:
    """Letters in the limits of sums that these do not bind: t in \\sum_{k=t}^{T}."""
    found: set[str] = set()
    for x in walk(body):
        if x.op == "big":
            limits = [y.args[1] for y in x.sub or () if y.op == "rel" and len(y.args) == 2] + [a for k, a in x.sup if k == "power"]
            found |= {str(y.attr) for a in limits for y in walk(a) if y.op == "sym"} - bound_letters(x)
    return found


def standing_free(t: Tex, bound: frozenset[str] = frozenset()) -> set[str]:
    """Letters that stand as numbers, and that no sum sign binds: k in [y_i = k]."""
    if t.op == "sym" and not t.sub and not t.sup:
        return {str(t.attr)} - bound
    inner = bound | bound_letters(t) if t.op == "big" else bound
    return {x for a in (*t.args, *(a for k, a in t.sup if k == "power")) for x in standing_free(a, inner)}


def lower_limits(t: Tex) -> dict[str, int]:
    """The numbers at which the indices of a sum sign start."""
    found: dict[str, int] = {}
    for x in t.sub or ():
        if x.op == "rel" and x.attr == "=" and x.args[1].op == "num" and isinstance(x.args[1].attr, int):
            found |= {str(y.attr): x.args[1].attr for y in bare_symbols(x.args[0])}
    return found


def least_index(x: Tex, lows: Mapping[str, int]) -> int | None:
    """The least value of an index that is a number, or a bound letter with a number added."""
    if x.op == "num" and isinstance(x.attr, int):
        return 0 if x.attr == 0 else None
    if x.op == "sym" and not x.sub and not x.sup:
        return lows.get(str(x.attr))
    if x.op == "add" and len(x.args) == 2 and x.args[0].op == "sym" and str(x.args[0].attr) in lows:
        k = x.args[1]
        sign, k = (-1, k.args[0]) if k.op == "neg" else (1, k)
        return lows[str(x.args[0].attr)] + sign * k.attr if k.op == "num" and isinstance(k.attr, int) else None
    return None


def loci_of(t: Tex, r: Names) -> list[tuple[tuple[str, int], Tex]]:
    """The indices of a symbol with the places by which `Names.array` knows them."""
    found = r.symbols.find(t)
    places = found[0].places if found is not None and found[0].slice is not None else ()
    below = [x for s in t.sub or () for x in (s.args if s.op == "row" else (s,))]
    raised = [x for k, a in t.sup if k in ("round", "square") for x in a]
    held = places.count("sub")
    made = [(("sub", p + places.count("sup")) if p < held or not places else ("rest", p - held), x) for p, x in enumerate(below)]
    return made + [(("sup", p), x) for p, x in enumerate(raised)]


def left_written(target: str) -> Any:
    """A target that is written as a whole left side: J(\\theta), R^2."""
    try:
        displays = tokenize(target)
        return signature(TexParser(displays[0], target).whole()) if displays and displays[0] else None
    except IversonError:
        return None


def head_of(left: Tex) -> Tex:
    return left.args[0] if left.op == "row" else left


def derived(f: Formula, heads: set[Any]) -> bool:
    """L' = 2x beside L = x^2 is a claim about a derivative."""
    head = head_of(f.left) if f.left is not None else None
    return head is not None and head.sup[-1:] == PRIME and signature(replace(head, sup=head.sup[:-1], span=Span(0, 0))) in heads


def members(found: list[Statement], known: Collection[str]) -> dict[str, tuple[Dim, ...]]:
    r"""`x \in \mathbb{R}^{m \times n}` declares an array."""
    made: dict[str, tuple[Dim, ...]] = {}
    for s in found:
        if s.kind != "membership":
            continue
        texts = [t.text for t in s.tokens if t.kind != "line"]
        if r"\in" not in texts or r"\mathbb{R}" not in texts:
            continue
        at = texts.index(r"\in")
        names = [x for x in texts[:at] if x not in (",", r"\forall")]
        rest = texts[texts.index(r"\mathbb{R}") + 1 :]
        if rest[:1] != ["^"]:
            shape: tuple[Dim, ...] = ()
        else:
            inner = [x for x in rest[1:] if x not in ("{", "}")]
            sizes = "".join(inner).split(r"\times")
            if not all(re.fullmatch(r"[A-Za-z]\w*|\d+", x) for x in sizes):
                continue
            shape = tuple(int(x) if x.isdigit() else x for x in sizes)
        shape = shape[:1] if len(shape) == 2 and shape[1] == 1 else shape
        if all(re.fullmatch(r"\\?[A-Za-z]+|\\\w+\{.*\}", x) for x in names):
            for x in names:
                if not any(g == x or plain(x) == g for g in known):
                    made[x] = shape
    return made
