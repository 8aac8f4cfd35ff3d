"""From what a person hands in, in whatever notation, to a script; and what was understood, to show it back.

notation   iverson, numpy, or auto: iverson where its syntax fits, NumPy where only that does
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import IversonError
from .kinds import Typed, declared, typed
from .surface import Declaration, Script
from .syntax import parse_script

NOTATIONS = ("auto", "iverson", "numpy", "latex")
MOST_BYTES = 100_000

Sizes = Mapping[str, "tuple[str | int, ...]"]


def read(
    source: str | Path | Callable[..., Any],
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Typed:
    """A text, a file that holds one, or a Python function, with every name's kind and size settled."""
    if callable(source):
        text, notation = function_text(source), "numpy" if notation == "auto" else notation
    else:
        text = source_text(source)
    return typed(script_of(text, notation, sizes or {}, kinds or {}), sizes, kinds)


def source_text(source: str | Path) -> str:
    """The text itself, or the content of the file it names."""
    if isinstance(source, Path) or is_path(source):
        path = Path(source)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise IversonError("limit", f"{path} is larger than {MOST_BYTES} bytes.")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise IversonError("usage", f"{path} cannot be read: {error}.") from None
    if not isinstance(source, str):
        raise IversonError(
            "usage",
            f"A loss is given as text, a file or a function, not as {type(source).__name__}.",
        )
    return source


def function_text(function: Callable[..., Any]) -> str:
    """The source of a Python function, its lines moved to the left; decorators are not run again.

    Errors   usage: it has no source, as a builtin or one typed at a prompt, or it is a lambda
    """
    plain = inspect.unwrap(function)
    name = getattr(plain, "__name__", type(plain).__name__)
    if name == "<lambda>":
        raise IversonError("usage", "A lambda has no source of its own.", hint="Write it with def, or give it as text.")
    try:
        return textwrap.dedent(inspect.getsource(plain))
    except (OSError, TypeError):
        raise IversonError(
            "usage", f"The source of {name} cannot be found.", hint="Give the loss as text, or define it in a file."
        ) from None


def is_path(source: object) -> bool:
    """Whether a string names a file: it ends in .iv, .py or .tex and holds no line break."""
    return isinstance(source, str) and source.endswith((".iv", ".py", ".tex")) and "\n" not in source


def script_of(text: str, notation: str, sizes: Sizes, kinds: Mapping[str, str]) -> Script:
    """The script in the notation asked for; `auto` tries iverson notation, then NumPy, by syntax alone."""
    if notation not in NOTATIONS:
        raise IversonError("usage", f"notation is one of {', '.join(NOTATIONS)}, not {notation!r}.")
    if notation == "latex":
        raise IversonError(
            "unsupported", "LaTeX is not read yet.", hint="Write it in iverson notation or as NumPy."
        )
    if notation == "numpy":
        return numpy_script(text, sizes, kinds)
    try:
        return parse_script(text, functions_in(kinds))
    except IversonError as error:
        if notation == "iverson" or error.kind != "syntax":
            raise
        try:
            return numpy_script(text, sizes, kinds)
        except IversonError as second:
            raise (second if "np." in text or "@" in text else error) from None


def functions_in(kinds: Mapping[str, str]) -> list[str]:
    return [n for n, k in kinds.items() if k.strip() == "function"]


def numpy_script(text: str, sizes: Sizes, kinds: Mapping[str, str]) -> Script:
    """A NumPy expression, its names ranked by what is declared."""
    from .numpy_src import parse_numpy

    empty = Script((), (), "")
    rows = declared(empty, sizes, kinds).declarations
    ranks = {d.name: rank for d in rows if (rank := rank_of(d)) is not None}
    script = parse_numpy(
        text, ranks, {n: (s,) if isinstance(s, str | int) else tuple(s) for n, s in sizes.items()}
    )
    return script


def rank_of(d: Declaration) -> int | str | None:
    """The rank of a declared name; "row" for a row."""
    if d.kind == "row":
        return "row"
    if d.dims is not None:
        return len(d.dims) * (2 if d.kind in ("symmetric", "spd") and len(d.dims) == 1 else 1)
    return {"scalar": 0, "vector": 1, "column": 1, "simplex": 1, "matrix": 2, "symmetric": 2, "spd": 2, "label": 1}.get(
        d.kind
    )
