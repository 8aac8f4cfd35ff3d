"""A loss as a sum over rows of a function of each row's score: its gradient and second derivatives, row by row.

Glossary   score: the input or definition derived by, one entry or one row for a sample; n: the number of rows;
g, h: the first and the second derivative of the sum by the score, entry by entry.
What a row's derivative reads of the score must be that row alone; anything else is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.errors import IversonError
from ..core.node import Node, coefficient, elements, is_num, mul, num, substitute, walk
from ..core.program import Definition, Program, inline
from ..derivation.derive import Derived
from ..derivation.signs import nonnegative
from ..derivation.structure import structure
from ..derivation.tidy import tidy
from ..lang.shapes import show_size
from ..rewrite.collapse import contract
from .plan import stable


@dataclass(frozen=True)
class Rowwise:
    """program and the definitions of g and h in it; mean: the loss divides by the number of rows, which g and h do not.

    curvature   convex: h is never negative; bounded: h is a constant where the loss is curved, and that constant is given;
                none: h is 0, and 1 is given; unknown: nothing is known of the sign of h
    """

    program: Program
    g: Definition
    h: Definition
    mean: bool
    curvature: str


def rowwise(first: Derived, second: Derived) -> Rowwise:
    """The gradient and the diagonal of the Hessian of a scalar loss by a score, per row."""
    score, program = first.wrt, first.program
    g, h = first.answer.closed, second.answer.closed
    if not g.indices or len(g.indices) > 2:
        raise refused(f"{score} has {len(g.indices)} axes; a score has one entry or one row of classes for a sample.")
    pool = {d.name: d for d in (*program.definitions, *first.answer.where, *second.answer.where)}
    require_own_rows(g, pool, score)
    shape = structure(h, len(g.indices))
    if shape.kind not in ("diagonal", "block diagonal", "zero"):
        raise refused(f"the Hessian by {score} is {shape.text}")
    rows, cols = h.indices[: len(g.indices)], h.indices[len(g.indices) :]
    diagonal = tidy(contract(substitute(h.body, dict(zip(cols, rows, strict=True)))))
    n = g.indices[0].attr[1]
    mean = speaks(inline(g.body, pool), n)
    scale = n if mean else num(1)
    if n.op != "size" or (mean and speaks(tidy(mul(n, inline(g.body, pool))), n)):
        raise refused(f"its factor holds the number of rows, {show_size(n)}, otherwise than as a mean does")
    whole = tidy(mul(scale, diagonal))
    curvature, given = curved(whole, inline(whole, pool))
    names = [next(f"{stem}{end}" for end in ("", "_", "__") if f"{stem}{end}" not in {*program.names(), *pool}) for stem in ("grad", "hess")]
    made = Definition(names[0], g.indices, tidy(mul(scale, g.body)), g.form), Definition(names[1], rows, given, g.form)
    return Rowwise(program.with_definitions(tuple(pool.values())), *made, mean, curvature)


def speaks(f: Node, n: Node) -> bool:
    """Whether a size is one of the numbers of an expression."""
    return any(g is n for g in walk(f))


def refused(why: str) -> IversonError:
    return IversonError(
        "unsupported",
        f"The loss is not a sum over rows of a function of the row's score: {why}.",
        hint="Boosting needs one; name the score, as in s = X*W, and derive by it.",
    )


def require_own_rows(g: Definition, pool: Mapping[str, Definition], score: str) -> None:
    """Row i of the gradient reads row i of the score and no other."""
    body = inline(g.body, pool)
    if any(e.args[0] is not g.indices[0] for e in elements(body, score)):
        raise refused(f"the gradient by one row of {score} depends on other rows")


def curved(h: Node, seen: Node) -> tuple[str, Node]:
    """What is known of the second derivative, and the one that is given."""
    if is_num(h, 0):
        return "none", num(1)
    c, rest = coefficient(seen)
    if rest.op == "br" or (rest.op == "mul" and all(f.op == "br" for f in rest.args)):
        return "bounded", num(max(c, -c))
    return "convex" if nonnegative(stable(seen)) else "unknown", h


