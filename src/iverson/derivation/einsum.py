"""A derivative as np.einsum text: for what no matrix notation reaches, Jacobians of matrices by matrices above all.

Glossary   an operand is an array with one letter for each of its axes; the letters behind the arrow are those of the answer.
"""

from __future__ import annotations

from ..core.errors import IversonError
from ..core.node import Node, coefficient, open_
from ..core.program import Definition
from ..lang.shapes import show_size
from .structure import terms

LETTERS = "ijklmnpqrstuvwxyzabcdefgh"
Operand = tuple[str, tuple[Node, ...]]


def einsum_text(d: Definition) -> str:
    """One call of np.einsum for each term; IversonError where a factor is no array, a power of one, or an identity."""
    return " ".join(_signed(t, d.indices, first=p == 0) for p, t in enumerate(terms(d.body)))


def _signed(t: Node, axes: tuple[Node, ...], first: bool) -> str:
    c, _ = coefficient(t)
    call = _call(t, axes)
    size = "" if abs(c) == 1 else f"{abs(c)}*"
    sign = ("-" if c < 0 else "") if first else ("- " if c < 0 else "+ ")
    return sign + size + call


def _call(t: Node, axes: tuple[Node, ...]) -> str:
    found = operands(coefficient(t)[1])
    held = {i for _, own in found for i in own}
    found += [(f"np.ones({show_size(i.attr[1])})", (i,)) for i in axes if i not in held]
    order = list(dict.fromkeys([*axes, *(i for _, own in found for i in own)]))
    if len(order) > len(LETTERS):
        raise IversonError("limit", "The answer has more indices than einsum has letters.")
    letter = dict(zip(order, LETTERS, strict=False))
    inside = ",".join("".join(letter[i] for i in own) for _, own in found)
    return f"np.einsum('{inside}->{''.join(letter[i] for i in axes)}', {', '.join(text for text, _ in found)})"


def operands(f: Node) -> list[Operand]:
    """The arrays of a product, under its sums too, each with its indices."""
    if f.op == "mul":
        return [x for a in f.args for x in operands(a)]
    if f.op == "red" and f.attr[0] == "sum":
        return operands(open_(f)[1])
    if f.op == "el" and all(i.op == "idx" for i in f.args):
        return [(f.attr, f.args)]
    if f.op == "num" or f.op == "size":
        return [(str(f.attr), ())]
    if f.op == "pow" and f.args[1].op == "num" and f.args[1].attr in (2, 3):
        return operands(f.args[0]) * f.args[1].attr
    if f.op == "br" and f.args[0].attr == "=" and all(i.op == "idx" for i in f.args[0].args):
        i, j = f.args[0].args
        if i.attr[1] is j.attr[1]:
            return [(f"np.eye({show_size(i.attr[1])})", (i, j))]
    raise IversonError(
        "unsupported", "The answer has a factor that is no array, so it has no einsum form.", hint="Its index form is d.index_form."
    )
