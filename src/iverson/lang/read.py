"""From what a person hands in, in whatever notation, to a script; and what was understood, to show it back.

notation   iverson, numpy, latex, unicode (a chalkboard), or auto: LaTeX by its commands, the chalkboard by its signs, else iverson
           where its syntax fits, and NumPy or the others where only they do
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.errors import IversonError
from .kinds import Typed, declared, typed
from .preamble import Preamble, preamble_of, without_preamble
from .show import show
from .structure import rank_of as structured_rank
from .surface import Declaration, Script, Surface, walk
from .syntax import parse_script

NOTATIONS = ("auto", "iverson", "numpy", "latex", "unicode")
MOST_BYTES = 100_000

COMMAND = re.compile(r"\\(?:[a-zA-Z]{2,}|[|,{\[(])|\$[^$]+\$|[_^]\{")
CHALKED = re.compile("[₀-₉ᵢⱼₖₗₘₙₚₜₛₓₐₑᵣᵤᵥ⁰⁴-⁹⁻ⁿⁱᵀᵗ²³‖∏√𝟙ℝ∈⟨∇½∘⊗]|[∑Σ](?! *\\[)")
OURS = re.compile(r"['^:;\[]|\.[*/]|\b(?:tr|det|logdet|inv|diag|eye|norm[12])\(")  # signs that NumPy does not have
PAPER = re.compile(r"\|\||\^T|'|\|")

Sizes = Mapping[str, "tuple[str | int, ...]"]


def read(
    source: str | Path | Callable[..., Any],
    notation: str = "auto",
    sizes: Sizes | None = None,
    kinds: Mapping[str, str] | None = None,
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
) -> Typed:
    """A text, a file that holds one, or a Python function, with every name's kind and size settled."""
    if callable(source):
        text, notation = function_text(source), "numpy" if notation == "auto" else notation
    else:
        text = source_text(source)
        notation = "latex" if notation == "auto" and str(source).endswith(".tex") else notation
    said = preamble_of(text)
    if said is not None and (notation in ("auto", said.notation) or {notation, said.notation} == {"unicode", "iverson"}):
        return prefaced(text, said, sizes or {}, kinds or {}, symbols, target)
    script = script_of(text, notation, sizes or {}, kinds or {}, symbols, target)
    if notation != "auto" or script.notation != "iverson":
        return typed(script, sizes, kinds)
    try:
        return between_notations(typed(script, sizes, kinds), text, sizes or {}, kinds or {})
    except IversonError as error:
        starred = "**" in text and error.message.startswith("A power of a") and not OURS.search(text)
        if not starred or numpy_reading(text, sizes or {}, kinds or {}) is None:
            raise
        return typed(numpy_script(text, sizes or {}, kinds or {}), sizes, kinds)


def prefaced(
    text: str, said: Preamble, sizes: Sizes, kinds: Mapping[str, str], symbols: Mapping[str, Any] | None, target: str | None
) -> Typed:
    """A text whose first comments say what it leaves open; what the arguments say counts more."""
    every = ({**said.sizes(), **sizes}, {**said.kinds(), **kinds})
    if said.notation in ("latex", "unicode"):
        from .latex import parse_latex

        body = without_preamble(text, said)
        script = parse_latex(body, *every, {**said.symbols, **(symbols or {})}, target or said.target, said.notation == "unicode", said.base)
        script = replace(script, source=text)
    else:
        script = script_of(text, said.notation, *every, symbols, target)
        script = replace(script, result=said.target) if said.target in {e.name for e in script.equations} else script
    return typed(said.given(script), sizes, kinds)


def between_notations(t: Typed, text: str, sizes: Sizes, kinds: Mapping[str, str]) -> Typed:
    """A text that NumPy reads too, otherwise: refused where a sign of NumPy stands in it or both products are of two
    matrices, else its reading is stated.  A text with a sign that only iverson notation has is that."""
    products = [x for x in trees_of(t) if x.op == "mul" and all(rank_in(t, a) for a in x.args)]
    if "**" in text:
        refuse_starred(t, text, products)
    if not products or OURS.search(text):
        return t
    square = [x for x in products if all(rank_in(t, a) == 2 for a in x.args)]
    if square and (other := numpy_reading(text, sizes, kinds)) is not None:
        raise IversonError(
            "ambiguous",
            f"{written_at(t, square[0], text, '*')} has two readings: the matrix product, and in NumPy the product entry by entry, "
            f"{show(other.equations[-1].body)}.",
            square[0].span,
            hint=f"Write {written_at(t, square[0], text, ' @ ')} for the first, {written_at(t, square[0], text, '.*')} for the second; "
            "or give the notation.",
            source=text,
        )
    note = "* is the matrix product, as in iverson notation; NumPy would take it entry by entry"
    t.script = replace(t.script, notes=(*t.script.notes, note))
    return t


def trees_of(t: Typed) -> list[Surface]:
    return [tree for e in t.script.equations for tree in walk(e.body)]


def rank_in(t: Typed, tree: Surface) -> int:
    """The number of axes; an index term has none."""
    found = t.types.get(id(tree))
    return 0 if found is None else found.rank


def refuse_starred(t: Typed, text: str, products: Sequence[Surface]) -> None:
    """** and the * beside it mean one thing in NumPy and another in iverson notation."""
    for tree in trees_of(t):
        base = tree.args[0] if tree.op == "pow" else None
        if base is not None and base.span and tree.args[1].span and rank_in(t, base) == 2:
            sign = text[base.span.end : tree.args[1].span.start]
            x = text[base.span.start : base.span.end]
            if "**" in sign:
                raise IversonError(
                    "ambiguous",
                    "** has two readings here: the power of a matrix, and in NumPy that of its entries.",
                    tree.span,
                    hint=f"Write {x}^2 for the first, {x}.^2 for the second; or give the notation.",
                    source=text,
                )
    if products:
        raise IversonError(
            "ambiguous",
            "* has two readings beside **: the matrix product, and in NumPy the product of entries.",
            products[-1].span,
            hint="Write ^ for powers and * or .* for the products; or give the notation.",
            source=text,
        )


def written_at(t: Typed, tree: Surface, text: str, sign: str) -> str:
    """A product of arrays as it stands in the text, with another sign between its factors."""
    if tree.op != "mul" or not all(rank_in(t, x) for x in tree.args):
        return text[tree.span.start : tree.span.end] if tree.span is not None else show(tree)
    left, right = tree.args
    after = f"({written_at(t, right, text, sign)})" if right.op == "mul" else written_at(t, right, text, sign)
    return f"{written_at(t, left, text, sign)}{sign}{after}"


def numpy_reading(text: str, sizes: Sizes, kinds: Mapping[str, str]) -> Script | None:
    """The text as NumPy reads it, where it does and sizes fit."""
    try:
        return typed(numpy_script(text, sizes, kinds), sizes, kinds).script
    except IversonError:
        return None


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


def script_of(
    text: str,
    notation: str,
    sizes: Sizes,
    kinds: Mapping[str, str],
    symbols: Mapping[str, Any] | None = None,
    target: str | None = None,
) -> Script:
    """The script in the notation asked for; `auto` goes by what only one notation has, then by what parses."""
    if notation not in NOTATIONS:
        raise IversonError("usage", f"notation is one of {', '.join(NOTATIONS)}, not {notation!r}.")
    if notation == "auto":
        notation = marked(text, symbols, target)
    if notation in ("latex", "unicode"):
        from .latex import parse_latex

        return parse_latex(text, sizes, kinds, symbols, target, chalk=notation == "unicode")
    if symbols or target:
        raise IversonError("usage", "symbols and target belong to LaTeX and to chalkboard notation.")
    if notation == "numpy":
        return numpy_script(text, sizes, kinds)
    try:
        return parse_script(text, functions_in(kinds))
    except IversonError as error:
        if notation == "iverson" or error.kind != "syntax":
            raise
        return other_script(text, sizes, kinds, error)


def marked(text: str, symbols: object, target: object) -> str:
    """The notation that only can have written a text; auto where none shows."""
    if COMMAND.search(text):
        return "latex"
    if CHALKED.search(text):
        return "unicode"
    return "latex" if symbols or target else "auto"


def other_script(text: str, sizes: Sizes, kinds: Mapping[str, str], error: IversonError) -> Script:
    """What is no iverson notation: NumPy, else the way it stands on paper; the first error where none reads it."""
    try:
        return numpy_script(text, sizes, kinds)
    except IversonError as second:
        if "np." in text or "@" in text:
            raise second from None
    if PAPER.search(text) or not text.isascii():
        from .latex import parse_latex

        try:
            return parse_latex(text, sizes, kinds, chalk=not text.isascii())
        except IversonError as third:
            if third.kind != "syntax":
                raise
    raise error


def functions_in(kinds: Mapping[str, str]) -> list[str]:
    return [n for n, k in kinds.items() if k.strip() == "function"]


def numpy_script(text: str, sizes: Sizes, kinds: Mapping[str, str]) -> Script:
    """A NumPy expression, its names ranked by what is declared."""
    from .numpy_src import parse_numpy

    empty = Script((), (), "")
    rows = declared(empty, sizes, kinds).declarations
    ranks = {d.name: rank for d in rows if (rank := rank_of(d)) is not None}
    script = parse_numpy(
        text, ranks, {n: (s,) if isinstance(s, str | int) else tuple(s) for n, s in sizes.items()},
        [d.name for d in rows if d.kind == "label"],
    )
    return script


def rank_of(d: Declaration) -> int | str | None:
    """The rank of a declared name; "row" for a row."""
    if d.kind == "row":
        return "row"
    known = structured_rank(d.kind, None if d.dims is None else len(d.dims))
    return {"scalar": 0, "vector": 1, "column": 1, "matrix": 2, "label": 1}.get(d.kind) if known is None else known
