"""A loss in another notation: what was read, written again.

The text is that of the formulas as they stand, with the definitions of the user; in iverson notation with the declarations
that make it complete.  Indices that LaTeX counts from 1 count from 0 here.
"""

from __future__ import annotations

from typing import Any

from .api import Loss, parse
from .core.errors import IversonError
from .lang.kinds import Input, describe
from .lang.show import equation_text
from .lang.show_latex import equation_latex
from .lang.show_unicode import equation_unicode
from .lang.sizes import show_size

WRITERS = {"iverson": equation_text, "latex": equation_latex, "unicode": equation_unicode}
TARGETS = (*WRITERS, "numpy")


def convert(source: Any, to: str = "iverson", **reading: Any) -> str:
    r"""The loss as text in another notation: iverson, latex, unicode or numpy.

    reading   notation, sizes, kinds, symbols, target, as of `parse`

    >>> print(convert(r"\sum_i x_i^2", "iverson", sizes={"x": ("n",)}))
    x: data[n]
    L = sum[i] x[i]^2
    """
    if to not in TARGETS:
        raise IversonError("usage", f"A loss is converted to {', '.join(TARGETS)}, not to {to!r}.")
    loss = parse(source, **reading)
    if to == "numpy":
        from .emit.numpy_code import numpy_module

        text = numpy_module(loss.program, {}, loss.source, ())
        return text[: text.index("def value_and_grad")] + text[text.index("def value(") :]
    lines = list(map(WRITERS[to], loss.typed.script.equations))
    return "\n".join([*declarations(loss), *lines] if to == "iverson" else lines)


def declarations(loss: Loss) -> list[str]:
    """What the text itself does not say, a line for each input."""
    return [declaration(i) for i in loss.inputs.values()]


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
