r"""What stands in LaTeX, as a tree: juxtaposed factors stay a row, because only the symbols tell a call from a product.

The operations are
  num value | sym key | row items | frac a, b | sqrt a[, n] | fence items (open, close) | bars a | norm a |
  inner items | fn name | big name, body | add terms | neg a | op sign, a, b | rel sign, a, b | and | or | not |
  cases values and conditions | grid cells (rows, columns) | floor a | ceil a | all
`sub` are the parts of a subscript, `sup` the marks above: ("T", None), ("inv", None), ("power", tree), ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import Span

Sup = tuple[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
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


def walk(t: Tex) -> Iterator[Tex]:
    stack = [t]
    while stack:
        now = stack.pop()
        yield now
        stack.extend(reversed(list(parts_of(now))))


def same(a: Tex, b: Tex) -> bool:
    """Whether two pieces are written alike."""
    return signature(a) == signature(b)


def signature(t: Tex) -> tuple[Any, ...]:
    above = tuple((k, signature(x) if isinstance(x, Tex) else tuple(map(signature, x)) if isinstance(x, tuple) else x) for k, x in t.sup)
    below = None if t.sub is None else tuple(map(signature, t.sub))
    return t.op, t.attr, tuple(map(signature, t.args)), below, above
