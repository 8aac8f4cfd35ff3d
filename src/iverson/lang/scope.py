"""Names before kinds: which relation binds which index, which names are indices, labels, arrays and of what rank.

Works on the written tree alone, so the same rules hold for every notation.  The letters i to n name indices;
another undeclared name in an index position is a label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..core.errors import IversonError
from .ops import CONSTANTS, OPS
from .surface import Equation, Script, Surface, names_in, walk

INDEX_LETTERS = "ijklmn"


@dataclass
class Uses:
    """What the text does with its undeclared names."""

    ranks: dict[str, int] = field(default_factory=dict)  # indexed with so many terms
    labels: dict[str, int] = field(default_factory=dict)  # used as an index: with so many indices of its own
    arrays: list[str] = field(default_factory=list)  # every other name, in order of appearance
    first: dict[str, Surface] = field(default_factory=dict)  # where each name first stands
    compared: set[str] = field(default_factory=set)  # stands bare in a relation: `k != y`
    turned: set[str] = field(default_factory=set)  # transposed somewhere: no scalar
    scalars: set[str] = field(default_factory=set)  # an exponent or a divisor somewhere


def bind(script: Script) -> Script:
    """The script with every reduction naming its indices, and every free index of a definition on its left."""
    declared = {d.name for d in script.declarations} | sizes_of(script)
    known = set(declared)
    equations = []
    for e in script.equations:
        if e.name in known:
            raise IversonError(
                "name",
                f"{e.name} is defined twice.",
                e.span,
                hint="Give the second one another name.",
                source=script.source,
            )
        scope = known | set(e.indices or ())
        body = _bind(e.body, scope, script)
        if e.indices is None:
            free = _free_indices(body, known)
            if len(free) > 1:
                raise IversonError(
                    "ambiguous",
                    f"{' and '.join(free)} are free in {e.name}.",
                    e.span,
                    hint=f"Put them on the left: {e.name}[{','.join(free)}] = ...",
                    source=script.source,
                )
            if (
                free
                and e.name == script.result
                and e is script.equations[-1]
                and e.name.startswith(("L", "loss"))
            ):
                raise IversonError(
                    "ambiguous",
                    f"The index {free[0]} is not bound.",
                    e.span,
                    hint=f"Sum over it: sum[{free[0]}] ...; or declare it: {free[0]}: label in K",
                    source=script.source,
                )
            e = replace(e, indices=tuple(free))
        equations.append(replace(e, body=body))
        known.add(e.name)
    return replace(script, equations=tuple(equations))


def sizes_of(script: Script) -> set[str]:
    """The sizes that declarations name, and names that nothing but a builder such as eye(n) speaks of."""
    written = [s for d in script.declarations for s in (*(d.dims or ()), d.classes)]
    named = {s for s in written if isinstance(s, str)} | {n for s in written if isinstance(s, Surface) for n in names_in(s)}
    known = named | {d.name for d in script.declarations} | {e.name for e in script.equations}
    return named | {n for e in script.equations for t in walk(e.body) for n in _built(t) if n not in known}


def _built(tree: Surface) -> list[str]:
    """The names that stand as sizes in a call: eye(n), ones(m, n)."""
    row = OPS.get(tree.attr) if tree.op == "call" else None
    return [a.attr for a in tree.args if a.op == "name"] if row is not None and row.shape == "build" else []


def _bind(tree: Surface, scope: set[str], script: Script) -> Surface:
    if tree.op != "reduce":
        args = tuple(_bind(a, scope, script) for a in tree.args)
        return tree if all(a is b for a, b in zip(args, tree.args, strict=True)) else replace(tree, args=args)
    kind, names = tree.attr
    if not names:
        names = (_bound_name(tree, scope, script),)
    for n in names:
        if n in {d.name for d in script.declarations}:
            raise IversonError(
                "name",
                f"{n} is an input and cannot be an index here.",
                tree.span,
                hint="Choose another index name.",
                source=script.source,
            )
    inner = scope | set(names)
    return replace(tree, args=tuple(_bind(a, inner, script) for a in tree.args), attr=(kind, names))


def _bound_name(tree: Surface, scope: set[str], script: Script) -> str:
    """The one name of a relation such as `k != y[i]` that is not in scope."""
    candidates = [n for n in bare_names(tree.args[1]) if n not in scope and n not in CONSTANTS]
    if not candidates:  # a size may lend its name to an index: sum[n < 3] ...
        known = sizes_of(script)
        candidates = [n for n in bare_names(tree.args[1]) if n in known]
    letters = [n for n in candidates if n in INDEX_LETTERS]
    chosen = candidates if len(candidates) == 1 else letters
    if len(chosen) != 1:
        what = f"{' or '.join(candidates)} could be" if candidates else "No new name is"
        raise IversonError(
            "ambiguous",
            f"{what} the index bound here.",
            tree.args[1].span,
            hint="Write it out: sum[k: k != y].",
            source=script.source,
        )
    return chosen[0]


def bare_names(tree: Surface) -> list[str]:
    """Names that stand as numbers in a condition: not the arrays that are indexed."""
    if tree.op == "name":
        return [tree.attr]
    args = tree.args[1:] if tree.op == "index" else tree.args
    return list(dict.fromkeys(n for a in args for n in bare_names(a)))


def _free_indices(tree: Surface, known: set[str]) -> list[str]:
    """Index letters that stand in index positions without being bound or declared."""
    found: dict[str, None] = {}

    def go(t: Surface, scope: set[str]) -> None:
        if t.op == "reduce":
            scope = scope | set(t.attr[1])
        if t.op == "index":
            for term in t.args[1:]:
                for n in bare_names(term):
                    if n in INDEX_LETTERS and n not in scope:
                        found[n] = None
        for a in t.args:
            go(a, scope)

    go(tree, known)
    return list(found)


def uses(script: Script) -> Uses:
    """How the text uses the names that it neither declares nor defines."""
    known = (
        {d.name for d in script.declarations}
        | sizes_of(script)
        | {e.name for e in script.equations}
        | set(CONSTANTS)
    )
    found = Uses()
    for e in script.equations:
        _collect(e.body, known | set(e.indices or ()), found)
    _label_arrays(script.equations, found)
    found.arrays = [n for n in found.arrays if n not in found.ranks and n not in found.labels]
    for n in found.labels:
        found.ranks.pop(n, None)
    return found


def _collect(tree: Surface, scope: set[str], found: Uses) -> None:
    if tree.op == "reduce":
        scope = scope | set(tree.attr[1])
    if tree.op == "rel" and tree.attr in ("=", "!="):
        for a, b in (tree.args, tree.args[::-1]):
            if a.op == "name" and a.attr in scope and a.attr in INDEX_LETTERS and b.op == "index":
                base = b.args[0]
                if base.op == "name" and base.attr not in scope:
                    found.labels[base.attr] = len(b.args) - 1
    if tree.op == "rel":
        found.compared |= {a.attr for a in tree.args if a.op == "name" and a.attr not in scope}
    if tree.op == "transpose" and tree.args[0].op == "name":
        found.turned.add(tree.args[0].attr)
    if tree.op in ("pow", "div"):
        found.scalars |= {n for n in _scalar_names(tree.args[1]) if n not in scope}
    if tree.op == "name" and tree.attr not in scope:
        found.first.setdefault(tree.attr, tree)
        if tree.attr not in found.arrays:
            found.arrays.append(tree.attr)
    if tree.op == "index":
        base, *terms = tree.args
        if base.op == "name" and base.attr not in scope:
            found.first.setdefault(base.attr, base)
            found.ranks[base.attr] = len(terms)
        for term in terms:
            if term.op == "name" and term.attr not in scope and term.attr not in INDEX_LETTERS:
                found.labels[term.attr] = 0
                found.first.setdefault(term.attr, term)
    for a in tree.args:
        _collect(a, scope, found)


def _scalar_names(tree: Surface) -> list[str]:
    """The names that must be scalars for a tree to be one: what is added up and multiplied by scalars."""
    if tree.op == "name":
        return [tree.attr]
    return [n for a in tree.args for n in _scalar_names(a)] if tree.op in ("add", "neg", "pow", "div") else []


def _label_arrays(equations: Iterable[Equation], found: Uses) -> None:
    """`y[i]` in an index position makes y a label vector."""

    def go(tree: Surface, inside: bool) -> None:
        if tree.op == "index":
            base, *terms = tree.args
            if inside and base.op == "name" and base.attr in found.ranks:
                found.labels[base.attr] = len(terms)
            for term in terms:
                go(term, True)
            return
        for a in tree.args:
            go(a, inside and tree.op not in ("call", "reduce"))

    for e in equations:
        go(e.body, False)
