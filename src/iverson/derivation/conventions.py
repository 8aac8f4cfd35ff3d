"""CONVENTIONS: what the gradient by an input of a declared structure means, by fact and by name.

ambient     every entry counts on its own: no row
projected   the gradient among arrays of the structure: the ambient one projected on the directions within it
entries     by the free entries of a linear structure
A text is over G, the ambient gradient, and X, the input; where the number of axes matters it stands beside the fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from ..core.errors import IversonError
from ..core.node import el, size, transform
from ..core.program import Definition, Program, inline
from ..lang.kinds import Input, typed
from ..lang.lower import lower
from ..lang.structure import kind_of
from ..lang.syntax import parse_script
from .differential import resize
from .tidy import tidy

CONVENTIONS: Mapping[object, Mapping[str, str]] = {
    "symmetric":      {"projected": "(G + G')/2", "entries": "G + G' - diag(diag(G))"},
    "diagonal":       {"projected": "diag(diag(G))", "entries": "diag(diag(G))"},
    "lower":          {"projected": "tril(G)", "entries": "tril(G)"},
    "upper":          {"projected": "triu(G)", "entries": "triu(G)"},
    "skew":           {"projected": "(G - G')/2", "entries": "G - G'"},
    "orthonormal":    {"projected": "G - X*(X'*G + G'*X)/2"},
    "unit":           {"projected": "G - X*(X'*G)"},
    ("simplex", 1):   {"projected": "G - mean(G)"},
    ("simplex", 2):   {"projected": "P[i,k] = G[i,k] - mean[m] G[i,m]; P"},
    "onehot":         {},
}  # fmt: skip
NAMES = ("ambient", "projected", "entries")
# why a structure has no gradient by this name
WHY = {
    "onehot": "Its values lie apart: no direction leads from one to another.",
    "entries": "Its entries depend on each other, and none of them are chosen to be the free ones.",
}


def fact_of(i: Input | None) -> str | None:
    """The fact of an input on which its convention depends."""
    known = {key[0] if isinstance(key, tuple) else key for key in CONVENTIONS}
    return next((fact for fact in i.facts if fact in known), None) if i is not None else None


def convention(d: Definition, i: Input | None, chosen: str, order: int = 1) -> Definition:
    """The gradient (or Jacobian) `d` by the input `i` under the chosen convention."""
    if chosen not in NAMES:
        raise IversonError("usage", f"symmetric is one of {', '.join(NAMES)}, not {chosen!r}.")
    fact = fact_of(i)
    if chosen == "ambient" or i is None or fact is None:
        return d
    rows = CONVENTIONS.get((fact, i.type.rank), CONVENTIONS.get(fact, {}))
    if chosen not in rows or (order > 1 and "entries" not in rows):
        raise _missing(i, fact, chosen, order if chosen in rows else 1)
    own = d.indices[len(d.indices) - i.type.rank :]
    row = _row(rows[chosen], i.type.rank)
    lines = {q.name: q for q in row.definitions}
    body = inline(row.definition(row.result).at(own), lines)
    body = transform(body, lambda g: el(i.name, g.args) if g.op == "el" and g.attr == "X" else None)
    body = resize(body, dict(zip((size("m"), size("n"))[-i.type.rank :], i.type.dims, strict=True)))
    return replace(d, body=tidy(inline(body, {"G": Definition("G", own, d.body)})))


@cache
def _row(text: str, rank: int) -> Program:
    """A text as a program over G and X; a square matrix is written as one."""
    kind = "vector[n]" if rank == 1 else "matrix[m, n]" if "X*" in text or "[" in text else "matrix[n, n]"
    return lower(typed(parse_script(f"G: {kind}; X: {kind}; {text}")))


def _missing(i: Input, fact: str, chosen: str, order: int) -> IversonError:
    what = f"{chosen} gradient" if order == 1 else f"{chosen} derivative of order {order}"
    return IversonError(
        "unsupported",
        f"There is no {what} by {i.name}, which is declared {kind_of(i.facts)}.",
        why=WHY.get(fact, WHY.get(chosen) if order == 1 else "It depends on how the structure is curved."),
        hint="Take symmetric='ambient': every entry counts on its own.",
    )
