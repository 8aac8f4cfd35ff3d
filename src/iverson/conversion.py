"""A loss in another notation: what was read, written again.

The text is that of the formulas as they stand, with the definitions of the user; in iverson notation with the declarations
that make it complete.  Indices that LaTeX counts from 1 count from 0 here.
"""

from __future__ import annotations

from .core.errors import IversonError
from .emit.numpy_code import numpy_module
from .lang.kinds import Input, Typed, describe
from .lang.lower import lower
from .lang.show import equation_text
from .lang.show_latex import equation_latex
from .lang.show_unicode import equation_unicode
from .lang.sizes import show_size

WRITERS = {"iverson": equation_text, "latex": equation_latex, "unicode": equation_unicode}
TARGETS = (*WRITERS, "numpy")


def written(typed: Typed, to: str, source: str = "") -> str:
    """A loss that has been read, in another notation: iverson, latex, unicode or numpy."""
    if to not in TARGETS:
        raise IversonError("usage", f"A loss is converted to {', '.join(TARGETS)}, not to {to!r}.")
    if to == "numpy":
        text = numpy_module(lower(typed), {}, source, ())
        return text[: text.index("def value_and_grad")] + text[text.index("def value(") :]
    lines = list(map(WRITERS[to], typed.script.equations))
    return "\n".join([*map(declaration, typed.inputs.values()), *lines] if to == "iverson" else lines)


def declaration(i: Input) -> str:
    """An input as it is declared in a text."""
    dims = ", ".join(map(show_size, i.type.dims))
    if i.type.classes is not None:
        return f"{i.name}: label[{dims}] in {show_size(i.type.classes)}"
    word = describe(i.type).partition("[")[0]
    fact = next((f for f in ("definite", "symmetric", "simplex", "positive") if f in i.facts), "")
    kind = {"definite": "spd"}.get(fact, fact) or ("row" if word == "row" else "data" if i.role not in ("param", "function") else i.role)
    default = "" if i.default is None else f" = {i.default:g}"
    if i.role == "function" or not i.type.dims:
        return f"{i.name}: {'function' if i.role == 'function' else kind if fact else 'scalar'}{default}"
    return f"{i.name}: {kind}[{show_size(i.type.dims[0]) if kind in ('spd', 'symmetric') else dims}]"
