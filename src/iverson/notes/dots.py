r"""Lists and matrices that are written out, with dots for what is left out.

(a_1, ..., a_K) is read where the last entry has the name of a size and the first a number in the same place; other dots are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lang.latex_tree import Tex, signature, walk
from .marks import Env, Index, unread
from .values import Misfit, Val, match

PLACE, OTHER = "\u03b9", "\u03ba"    # letters that no command of LaTeX gives

if TYPE_CHECKING:
    from .evaluate import Evaluator


def listed(e: Evaluator, t: Tex, env: Env) -> Val:
    """(a, b, c): a row of numbers, or columns side by side."""
    ops = [a.op for a in t.args]
    if ops == ["num", "dots", ops[2] if len(ops) > 2 else "", "dots", "num"] and t.args[0].attr == t.args[4].attr == 0:
        return single(e, t, env)
    items = generic(e, t.args, t, env)
    return beside(items, t)


def single(e: Evaluator, t: Tex, env: Env) -> Val:
    """(0, ..., x, ..., 0): one column at the place that an index around it names."""
    item = t.args[2]
    own = [str(y.attr) for x in walk(item) if x.op == "sym" for s in x.sub or () for y in walk(s) if y.op == "sym"]
    around = [x for x, i in env.items() if isinstance(i, Index)]
    letters = [e.slot] if e.slot in env else [x for x in own if isinstance(env.get(x), Index)][-1:] or around
    if len(set(letters)) != 1 or env[letters[0]].size is None:
        raise unread("At which place this entry stands is not said.", t.span)
    e.guessed = True
    v, i = e.value(item, env), env[letters[0]]
    if v.rank > 1:
        raise Misfit("A list of these is not read.", t.span)
    made = np.zeros((*np.shape(v.a), i.size), dtype=np.asarray(v.a).dtype)
    made[..., i.at] = v.a
    return Val(made, v.rank == 0)


def beside(items: list[Val], t: Tex) -> Val:
    if all(v.rank == 0 for v in items):
        return Val(np.array([v.a for v in items]), True)
    if all(v.rank == 1 for v in items) and not any(v.row and not v.flexible for v in items):
        for v in items[1:]:
            match(v.a.shape[0], items[0].a.shape[0])
        return Val(np.stack([v.a for v in items], axis=1))
    raise Misfit("A list of these is not read.", t.span)


def generic(e: Evaluator, cells: tuple[Tex, ...], t: Tex, env: Env) -> list[Val]:
    """The values of a list, with what the dots stand for."""
    if not any(c.op == "dots" for c in cells):
        return [e.value(c, env) for c in cells]
    real = [c for c in cells if c.op != "dots"]
    if len(real) < 2 or cells[-1].op == "dots" or cells[0].op == "dots":
        raise unread("A formula with dots leaves out what it means.", t.span)
    names = [n for n in e.reading.sizes.named if signature(renamed(real[-1], n, "1")) == signature(as_text(real[0]))]
    if len(names) != 1 or len(real) > 3:
        raise unread("A formula with dots leaves out what it means.", t.span)
    n = e.reading.sizes.value(names[0])
    body = renamed(real[-1], names[0], PLACE)
    return [e.value(body, {**env, PLACE: Index(i, n)}) for i in range(n)]


def as_text(t: Tex) -> Tex:
    """The tree with its numbers 1 in scripts as symbols, so that 1 and K can be compared."""
    return renamed(t, "", "")


def renamed(t: Tex, name: str, to: str, inside: bool = False) -> Tex:
    """A size that stands as an index, replaced."""
    if inside and t.op == "sym" and t.attr == name and name:
        return Tex("sym", (), to, t.span)
    if inside and t.op == "num" and t.attr == 1 and to in ("", "1"):
        return Tex("sym", (), "1", t.span)
    below = None if t.sub is None else tuple(renamed(s, name, to, True) for s in t.sub)
    above = tuple(
        (k, tuple(renamed(y, name, to, True) for y in x) if isinstance(x, tuple) else renamed(x, name, to, inside) if isinstance(x, Tex) else x)
        for k, x in t.sup
    )
    return replace(t, args=tuple(renamed(a, name, to, inside) if a is not None else a for a in t.args), sub=below, sup=above)


def gridded(e: Evaluator, t: Tex, env: Env) -> Val:
    """A matrix written out; one with dots by its corners."""
    rows, columns, side = t.attr
    if side in ("vmatrix", "Vmatrix"):
        raise unread("A determinant of an explicit matrix is not read.", t.span)
    if any(x.op == "dots" for x in t.args):
        return cornered(e, t, env)
    cells = [[e.value(t.args[r * columns + c], env) for c in range(columns)] for r in range(rows)]
    if all(v.rank == 0 for row in cells for v in row):
        a = np.array([[v.a for v in row] for row in cells])
        if columns == 1:
            return Val(a[:, 0])
        return Val(a[0], True) if rows == 1 else Val(a)
    if rows == 1:
        return beside(cells[0], t)
    raise Misfit("A matrix of these is not read.", t.span)


def cornered(e: Evaluator, t: Tex, env: Env) -> Val:
    """Rows and columns left out: the last entry names both sizes."""
    rows, columns, _ = t.attr
    last, first = t.args[-1], t.args[0]
    if last.op == "dots" or first.op == "dots":
        raise unread("A formula with dots leaves out what it means.", t.span)
    names = [n for n in sorted(e.reading.sizes.named) if any(x.op == "sym" and x.attr == n for x in walk(last))]
    ops = [x.op for x in t.args]
    if columns == 1 and rows == 5 and ops[1] == ops[3] == "dots" and t.args[0].attr == t.args[4].attr == 0:
        v = single(e, t, env)
        return replace(v, row=False)
    if rows == 1 or columns == 1:
        return Val(np.array([v.a for v in generic(e, t.args, t, env)]), rows == 1)
    for a in names:
        for b in names:
            if a == b:
                continue
            body = renamed(renamed(last, a, PLACE), b, OTHER)
            if signature(renamed(renamed(body, PLACE, "1"), OTHER, "1")) != signature(as_text(first)):
                continue
            edge = t.args[columns - 1]
            if edge.op == "dots" or signature(renamed(renamed(last, a, "1"), "", "")) != signature(as_text(edge)):
                continue
            m, n = e.reading.sizes.value(a), e.reading.sizes.value(b)
            cells: list[Any] = [[e.value(body, {**env, PLACE: Index(i, m), OTHER: Index(j, n)}).a for j in range(n)] for i in range(m)]
            return Val(np.array(cells))
    raise unread("A formula with dots leaves out what it means.", t.span)
