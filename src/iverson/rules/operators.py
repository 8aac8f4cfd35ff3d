"""What the tables say of every operator, a row of short texts for each: for people, printed elsewhere."""

from __future__ import annotations

import re

from ..lang.blocks import BLOCKS
from ..lang.ops import OPS
from .calculus import CALCULUS, TENSOR, WITHOUT
from .stable import STABLE


def operators() -> list[tuple[str, ...]]:
    """Every operator: name, aliases, arguments, meaning, derivative, domain and kink, stable form; as Markdown cells."""
    return [operator_row(name) for name in dict.fromkeys(row.name for row in OPS.values())]


def operator_row(name: str) -> tuple[str, ...]:
    row, slope = OPS[name], CALCULUS.get(name)
    least, most = row.arity
    slopes = [f"`{t}`" for t in (slope.partial or ()) if t] if slope else []
    if name in TENSOR:
        slopes = [f"`d{name}(A)` = `{TENSOR[name]}` with F its value"]
    why = slope.why if slope and not slope.partial else WITHOUT.get(name, "")
    where = [slope.domain if slope and slope.domain != "real" else "", slope.kink if slope else ""]
    forms = [f"`{r.lhs}` as `{r.rhs}`" for r in STABLE if re.search(rf"\b{name}\(", r.lhs)]
    arguments = str(least) if least == most else f"{least} to {most}"
    if row.defaults:
        arguments += f" (defaults {', '.join(row.defaults)})"
    return (
        f"`{name}`",
        ", ".join(f"`{a}`" for a in row.aliases),
        arguments,
        f"`{row.meaning}`" if row.meaning else BLOCKS[name].says if name in BLOCKS else "",
        ", ".join(slopes) or why or ("from its meaning" if row.meaning or name in BLOCKS else ""),
        "; ".join(x for x in where if x),
        "; ".join(forms),
    )
