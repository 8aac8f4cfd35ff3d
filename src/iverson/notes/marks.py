r"""What all that reads formulas of notes shares: places of entries, refusals, walks over trees, letters that nothing binds.

ONES are signs of indicators, OPAQUE letters that name functions, STANDARD those that everybody uses for one function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import IversonError, Span
from ..lang.latex_tree import Tex, walk
from .scope import INDICES, Scope, flat

ONES = (r"\mathbb{1}", r"\mathbf{1}", r"\mathbb{I}", r"\mathbf{I}", "I")
OPAQUE = ("f", "g", "h", r"\phi", r"\psi", r"\varphi")
STANDARD = {r"\sigma": "sigmoid"}
Env = dict[str, Any]


@dataclass(frozen=True)
class Index:
    """The place of an entry, from 0; size is None where no axis has said it yet."""

    at: int
    size: int | None


def unread(message: str, span: Span | None = None, kind: str = "unsupported") -> IversonError:
    return IversonError(kind, message, span)


def walk_all(t: Tex) -> Iterator[Tex]:
    yield from walk(without_none(t))


def without_none(t: Tex) -> Tex:
    """The tree with a derivative's missing body as nothing and norms without their names, so that its symbols can be walked."""
    args = tuple(Tex("num", (), 0, t.span) if a is None else without_none(a) for a in t.args)
    if t.op == "norm":
        return replace(t, args=args, sub=None)
    return t if all(a is b for a, b in zip(args, t.args, strict=True)) else replace(t, args=args)


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
