r"""What stands in LaTeX, as a tree: juxtaposed factors stay a row, because only the symbols tell a call from a product.

The operations are
  num value | sym key | row items | frac a, b | sqrt a[, n] | fence items (open, close) | bars a | norm a |
  inner items | fn name | big name, body | add terms | neg a | op sign, a, b | rel sign, a, b | and | or | not |
  cases values and conditions | grid cells (rows, columns) | floor a | ceil a | all
`sub` are the parts of a subscript, `sup` the marks above: ("T", None), ("inv", None), ("power", tree), ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import IversonError, Span

Sup = tuple[str, Any]


@dataclass(slots=True, eq=False)     # not frozen, which costs half of the time it takes to make one; nothing changes one
class Tex:
    """One piece of a formula; `sub` is None where nothing stands below."""

    op: str
    args: tuple[Tex, ...] = ()
    attr: Any = None
    span: Span = field(default=Span(0, 0))
    sub: tuple[Tex, ...] | None = None
    sup: tuple[Sup, ...] = ()


def parts_of(t: Tex) -> Iterator[Tex]:
    """The pieces right below: arguments, subscripts, what stands above."""
    yield from t.args
    yield from t.sub or ()
    for _, above in t.sup:
        if isinstance(above, Tex):
            yield above
        elif isinstance(above, tuple):
            yield from above


def walk(t: Tex) -> list[Tex]:
    """All pieces, in the order in which they are written."""
    found, stack = [], [t]
    while stack:
        now = stack.pop()
        found.append(now)
        if now.sub or now.sup:
            stack += [*parts_of(now)][::-1]
        elif now.args:
            stack += now.args[::-1]
    return found


def bare_symbols(t: Tex) -> list[Tex]:
    """Symbols that stand as numbers in a condition, none in scripts."""
    if t.op == "sym":
        return [t] if not t.sub and not t.sup else []
    return [x for a in t.args for x in bare_symbols(a)]


def inner_of(t: Tex) -> Tex:
    while t.op in ("fence", "group") and len(t.args) == 1 and not t.sup and not t.sub:
        t = t.args[0]
    return t


def same(a: Tex, b: Tex) -> bool:
    """Whether two pieces are written alike."""
    return signature(a) == signature(b)


def signature(t: Tex) -> tuple[Any, ...]:
    above = tuple((k, signature(x) if isinstance(x, Tex) else tuple(map(signature, x)) if isinstance(x, tuple) else x) for k, x in t.sup)
    below = None if t.sub is None else tuple(map(signature, t.sub))
    return t.op, t.attr, tuple(map(signature, t.args)), below, above


# -- indices with a prime ------------------------------------------------------------------------------------

PRIME: tuple[Sup, ...] = (("prime", None),)


def primed(t: Tex) -> Tex:
    """The tree with k' as one letter where a sum sign binds it."""
    bound = {x.attr for big in walk(t) if big.op == "big" for s in big.sub or () for x in walk(s) if x.op == "sym" and x.sup == PRIME and not x.sub}
    return with_primes(t, bound) if bound else t


def with_primes(t: Tex, letters: set[str]) -> Tex:
    if t.op == "sym" and t.attr in letters and t.sup == PRIME and not t.sub:
        return Tex("sym", (), f"{t.attr}'", t.span)
    above = tuple((k, with_primes(x, letters) if isinstance(x, Tex) else tuple(with_primes(y, letters) for y in x) if isinstance(x, tuple) else x)
                  for k, x in t.sup)
    below = None if t.sub is None else tuple(with_primes(s, letters) for s in t.sub)
    return replace(t, args=tuple(with_primes(a, letters) for a in t.args), sub=below, sup=above)


# -- what belongs under a sum sign ---------------------------------------------------------------------------


def regrouped(t: Tex, bound: frozenset[str]) -> Tex:
    """The tree with terms under the sum sign before them where they use its index: they would mean nothing outside.

    bound   letters that mean something here: bound around, or given by the caller
    """
    inner = bound | bound_letters(t) if t.op == "big" else bound
    args = tuple(regrouped(a, inner) for a in t.args)
    if any(a is not b for a, b in zip(args, t.args, strict=True)):
        t = replace(t, args=args)
    return joined_sums(t, bound) if t.op == "add" else t


def bound_letters(t: Tex) -> set[str]:
    parts = [s.args[0] if s.op == "rel" and s.attr in ("=", r"\in") and bare_symbols(s.args[0]) else s for s in t.sub or ()]
    return {str(x.attr) for s in parts for x in bare_symbols(s)}


def joined_sums(t: Tex, bound: frozenset[str]) -> Tex:
    terms = list(t.args)
    for p, a in enumerate(terms):
        big = trailing_sum(a)
        if big is None or p + 1 == len(terms):
            continue
        own = bound_letters(big) - bound
        leans = [bool(own & script_letters(b)) for b in terms[p + 1 :]]
        if not any(leans):
            continue
        last = len(leans) - 1 - leans[::-1].index(True)
        if not all(leans[: last + 1]) or a.op not in ("big", "row") or (a.op == "row" and big is not a.args[-1]):
            raise IversonError("ambiguous", "What belongs under the sum sign is not clear: a later term uses its index.", big.span,
                               hint="Put the summand in parentheses.")
        body = Tex("add", (big.args[0], *terms[p + 1 : p + 2 + last]), span=big.args[0].span.to(terms[p + 1 + last].span))
        made = replace(big, args=(body,), span=big.span.to(body.span))
        made = made if a.op == "big" else replace(a, args=(*a.args[:-1], made), span=a.span.to(made.span))
        rest = (*terms[:p], made, *terms[p + 2 + last :])
        return rest[0] if len(rest) == 1 else replace(t, args=rest)
    return t


def trailing_sum(t: Tex) -> Tex | None:
    """The sum sign that a term ends in."""
    while t.op in ("neg", "row", "op") and not t.sub and not t.sup:
        t = t.args[-1]
    return t if t.op == "big" and t.attr in ("sum", "mean") else None


def script_letters(t: Tex) -> set[str]:
    """Letters that stand in scripts and that no sum sign inside binds."""
    found: set[str] = set()
    for x in walk(t):
        for s in (*(x.sub or ()), *(y for k, a in x.sup if k in ("round", "square") for y in a)):
            found |= {str(y.attr) for y in walk(s) if y.op == "sym" and not y.sub}
    bound = {letter for x in walk(t) if x.op == "big" for letter in bound_letters(x)}
    return found - bound
