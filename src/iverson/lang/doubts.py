"""What parses and still has a second reading: such a text is refused, and both readings are shown.

Works on the written tree and on the names that nobody declares; a declaration settles every one of these doubts.
Only what is typed as iverson notation is looked at: the other notations settle these questions as they read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ..core.errors import IversonError
from .ops import OPS, REDUCTIONS
from .scope import INDEX_LETTERS, bare_names, sizes_of, uses
from .surface import Script, Surface, names_in, walk

TURNED = ("T", "H")  # raised, they read as a transpose
TURNED_BIG = (*TURNED, "t", "top")  # raised over a capital
GREEK_OPERATORS = ("gamma", "psi")  # letters of their own
NUMBERS = ("inf", "Inf", "infty", "nan", "NaN", "None", "true", "false", "True", "False")
LOWERED = re.compile(r"^([^\W\d_]+)_([^\W\d_]+)$|^([^\W\d_]+?)([ᵢⱼₖₗₘₙ]+)$")
SUBSCRIPTS = str.maketrans("ᵢⱼₖₗₘₙ", "ijklmn")


def refuse_doubts(script: Script) -> None:
    """Raise for the first form that has two readings."""
    known = {d.name for d in script.declarations} | {e.name for e in script.equations} | sizes_of(script)
    found = uses(script)
    arrays = {"π"} & (found.turned | set(found.ranks))
    open_names = set(found.first) - known - arrays
    if not open_names:
        return
    binders = {n for e in script.equations for t in walk(e.body) if t.op == "reduce" for n in t.attr[1]}
    for e in script.equations:
        for tree, bound in scoped(e.body, frozenset(e.indices or ())):
            free = open_names - bound
            if tree.op == "name" and tree.attr in free & binders:
                message = f"{tree.attr} is the index of a sum, and stands free here."
                raise IversonError("ambiguous", message, tree.span, source=script.source,
                                   hint="Put it under the sum in parentheses, name it otherwise, or declare it.")
            row = next((row for test in DOUBTS if (row := test(tree, free, bound)) is not None), None)
            if row is not None:
                kind, message, hint = row
                raise IversonError(kind, message, tree.span, hint=hint, source=script.source)


def scoped(tree: Surface, bound: frozenset[str]) -> Iterator[tuple[Surface, frozenset[str]]]:
    """Every node of a tree with the indices that are bound there."""
    stack = [(tree, bound)]
    while stack:
        node, inside = stack.pop()
        yield node, inside
        inner = inside | set(node.attr[1]) if node.op == "reduce" else inside
        stack.extend((a, inner) for a in reversed(node.args))


Row = tuple[str, str, str]


def raised_t(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    """`X^T`: a transpose, or a power with the exponent T."""
    if tree.op not in ("pow", "epow"):
        return None
    base, e = tree.args
    e = e.args[0] if e.op == "neg" else e
    big = base.op == "name" and base.attr[:1].isupper()
    if e.op != "name" or e.attr not in free or e.attr not in (TURNED_BIG if big else TURNED):
        return None
    x = base.attr if base.op == "name" else "(...)"
    turned = f"inv({x})' for the inverse transposed" if tree.args[1].op == "neg" else f"{x}' for the transpose"
    return "ambiguous", f"The {e.attr} raised here turns {x}, or is an exponent.", f"Write {turned}; for the power declare {e.attr}: scalar."


def euler(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    """`e^x`: the exponential, or a power of a scalar e."""
    if tree.op not in ("pow", "epow") or tree.args[0].op != "name" or tree.args[0].attr != "e" or "e" not in free:
        return None
    return "ambiguous", "e is Euler's number here, or a scalar of yours.", "Write exp(x) for the first; for the second declare e: scalar."


def circle(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    if tree.op != "name" or tree.attr != "π" or "π" not in free:
        return None
    return "ambiguous", "π is the number, or an input of yours.", "Write pi for the number; for an input declare it: π: scalar, π: simplex[K]."


def operator(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    """The name of an operator without its argument."""
    if tree.op != "name" or tree.attr not in free or tree.attr in GREEK_OPERATORS:
        return None
    word = tree.attr
    if word in NUMBERS:
        return "name", f"{word} is no number here.", "Numbers are finite; conditions stand in brackets: [x > 0]."
    if word not in OPS and word not in REDUCTIONS:
        return None
    sized = word in OPS and OPS[word].shape == "build"
    hint = f"Write {word}({'n' if sized else 'x'}); or declare it: {word}: scalar."
    return "name", f"{word} is an operator and stands here without its argument.", hint


def lowered(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    """`x_i` where i is bound: an entry of x, or a name."""
    if tree.op != "name" or tree.attr not in free:
        return None
    match = LOWERED.match(tree.attr)
    if match is None:
        return None
    base, letters = match[1] or match[3], (match[2] or match[4]).translate(SUBSCRIPTS)
    entry, declare = f"{base}[{','.join(letters)}]", f"or declare it: {tree.attr}: scalar."
    if base in REDUCTIONS and not bound:
        return "ambiguous", f"{tree.attr} is one name here.", f"Write {entry} ... for the reduction; {declare}"
    if not set(letters) & bound or not all(c in bound or c in INDEX_LETTERS for c in letters):
        return None
    return "ambiguous", f"{tree.attr} is an entry of {base}, or a name of its own.", f"Write {entry} for the entry; {declare}"


def unbound(tree: Surface, free: set[str], bound: frozenset[str]) -> Row | None:
    """`[y[i] = k]` with a k that nothing binds: an index, or an array."""
    if tree.op != "rel":
        return None
    letter = next((n for a in tree.args for n in bare_names(a) if n in free and n in INDEX_LETTERS and a.op in ("name", "add", "neg")), None)
    if letter is None:
        return None
    return (
        "ambiguous", f"{letter} is an index that nothing binds, or an input of yours.",
        f"Bind it: sum[{letter}] ..., or L[{letter}] = ...; or declare it: {letter}: scalar, {letter}: label[] in K.",
    )


DOUBTS = (raised_t, euler, circle, operator, lowered, unbound)


def slips_of_names(script: Script) -> tuple[str, ...]:
    """Undeclared names that are hardly to be told from declared ones: a line for each, to be shown with the reading."""
    known = {d.name for d in script.declarations} | {e.name for e in script.equations}
    used = set().union(*(names_in(t) for e in script.equations for t in walk(e.body) if t.op == "name"))
    found = []
    for n in sorted(used - known - sizes_of(script)):
        near = difflib.get_close_matches(n, [k for k in known if len(k) > 3], 1, 0.8) if len(n) > 3 and n.isalpha() else []
        found += [f"{n} is not declared; did you mean {near[0]}?"] if near else []
    return tuple(found)
