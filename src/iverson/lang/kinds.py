"""From a written script to one whose every name has a kind and a size: declarations, uses, letters, in that order.

What was understood is returned with the result, so that it can always be shown back.  A name that no rule settles
is tried as scalar, vector and matrix; one fitting reading is taken, two are refused and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count, product

from ..core.affine import inequality
from ..core.errors import IversonError
from ..core.node import ONE, ZERO, Node, add, of_polynomial, size, sub
from .advice import too_deep
from .doubts import refuse_doubts, slips_of_names
from .ranges import computes
from .scope import Uses, bind, sizes_of, uses
from .shapes import Shapes, Type, array, flexible, plain, show_size
from .sizes import poly, size_leaves, size_tree
from .structure import STACKED, STRUCTURES, facts_of
from .structure import rank_of as structured_rank
from .surface import Declaration, Equation, Script, Surface, call, names_in, number, walk
from .syntax import parse_script

RANK_OF = {"scalar": 0, "vector": 1, "column": 1, "row": 1, "matrix": 2}
MOST_UNKNOWN = 6
MOST_RANK = 8
SIZE_NAMES = ("n", "m", "p", "q", "r", "t", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9")


@dataclass(frozen=True)
class Input:
    """One array the loss takes.

    role   data, param, label or scalar; facts: what STRUCTURES says of its kind, such as symmetric
    type   form and sizes; default: the declared value of a scalar
    """

    name: str
    role: str
    type: Type
    facts: tuple[str, ...] = ()
    default: float | None = None
    declared: bool = False


@dataclass
class Typed:
    """A script with kinds and sizes settled.  `types` and `ranges` are keyed by the identity of the trees in `script`.

    starts   the first values of the indices a reduction binds, where they are not all 0
    guards   terms over indices that are at least 0 where an entry of a reduction counts
    slices   first entry and number of entries;  aliases: declared sizes that others determine, p = n - w + 1
    checks   sizes that must not be negative
    """

    script: Script
    inputs: dict[str, Input]
    definitions: dict[str, Type]
    types: dict[int, Type]
    ranges: dict[int, tuple[Node, ...]]
    scopes: dict[str, dict[str, Node]]  # per definition: the index names on its left, with sizes
    least: dict[Node, int]
    starts: dict[int, tuple[Node, ...]] = field(default_factory=dict)
    guards: dict[int, tuple[Node, ...]] = field(default_factory=dict)
    slices: dict[int, tuple[Node, Node]] = field(default_factory=dict)
    aliases: dict[str, Node] = field(default_factory=dict)
    checks: tuple[Node, ...] = ()
    functions: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def type_of(self, tree: Surface) -> Type:
        return self.types[id(tree)]


def typed(
    script: Script,
    sizes: Mapping[str, tuple[str | int, ...]] | None = None,
    kinds: Mapping[str, str] | None = None,
    dims: Mapping[str, tuple[Node, ...]] | None = None,
) -> Typed:
    """Settle every name of a script.  `sizes` and `kinds` say what the text does not.

    dims   sizes of definitions that are known beforehand, for an answer whose text alone does not fix them
    """
    try:
        script = bind(declared(script, sizes or {}, kinds or {}))
        if script.notation == "iverson":
            script = identities(script)
            refuse_doubts(script)
            script = replace(script, notes=script.notes + slips_of_names(script))
        return settle(script, dims or {})
    except IversonError as error:
        raise error.located(script.source) from None
    except RecursionError:
        raise too_deep(script.source) from None


def identities(script: Script) -> Script:
    """`eye` without a size, as on matrixcalculus.org: the identity of the size that its place asks for."""
    known = {d.name for d in script.declarations} | {e.name for e in script.equations}
    if "eye" in known or not any(t == EYE for e in script.equations for t in walk(e.body)):
        return script
    spread = with_identities(script, lambda t: call("diag", call("vector", number(1))).at(t.span))
    found = settle(spread, {})
    sizes = iter([found.type_of(t).dims[0] for e in found.script.equations for t in walk(e.body) if t.attr == "diag" and t.args == (ONES,)])
    free = {n.attr for i in found.inputs.values() for n in i.type.dims if n.op == "size"} - known - sizes_of(script)
    named = with_identities(script, lambda t: call("eye", size_tree(next(sizes))).at(t.span))
    return named if not free & names_in_all(script) else spread


def with_identities(script: Script, made: Callable[[Surface], Surface]) -> Script:
    def put(t: Surface) -> Surface:
        return made(t) if t == EYE else Surface(t.op, tuple(map(put, t.args)), t.attr, t.span)

    return replace(script, equations=tuple(replace(e, body=put(e.body)) for e in script.equations))


def names_in_all(script: Script) -> set[str]:
    return set().union(*(names_in(e.body) for e in script.equations))


EYE, ONES = Surface("name", (), "eye"), call("vector", number(1))


def declared(script: Script, sizes: Mapping[str, tuple[str | int, ...]], kinds: Mapping[str, str]) -> Script:
    """The script with the declarations that came as arguments."""
    rows = {d.name: d for d in script.declarations}
    defined = {e.name for e in script.equations}
    for name, kind in kinds.items():
        rows[name] = _kept_sizes(_declaration(name, kind), rows.get(name))
    for name, dims in sizes.items():
        written = (dims,) if isinstance(dims, str | int) else tuple(dims)
        if name in defined:
            at = next(e for e in script.equations if e.name == name)
            raise IversonError(
                "kind",
                f"{name} is a definition; its sizes follow from its inputs.",
                at.span,
                hint=f"Leave {name} out of the sizes, or give the definition another name.",
                source=script.source,
            )
        old = rows.get(name)
        shape = tuple(size_written(s) for s in written)
        rows[name] = (
            replace(old, dims=shape) if old else Declaration(name, "tensor" if shape else "scalar", shape)
        )
    return replace(script, declarations=tuple(rows.values()))


def _kept_sizes(row: Declaration, old: Declaration | None) -> Declaration:
    """A kind that came as an argument, with what the text declares beside the kind."""
    if old is None:
        return row
    fits = row.dims is None and old.dims is not None and RANK_OF.get(row.kind, len(old.dims)) == len(old.dims)
    return replace(
        row,
        dims=old.dims if fits else row.dims,
        classes=old.classes if row.classes is None and row.kind == "label" else row.classes,
        default=old.default if row.default is None else row.default,
    )


def size_written(s: str | int | Surface) -> str | int | Surface:
    """A size given as text: a name, or an expression such as n - w + 1."""
    if not isinstance(s, str) or s.isidentifier():
        return s
    dims = parse_script(f"x: tensor[{s}]\nx").declarations[0].dims
    assert dims is not None
    return dims[0]


def _declaration(name: str, kind: str) -> Declaration:
    """`label K`, `label[N] in K`, `symmetric`, `row[n]`, `data`, ... as it would be declared in the text."""
    head, _, classes = kind.replace(" in ", " ").replace(", ", ",").partition(" ")
    text = f"{name}: {head}" + (f" in {classes}" if classes else "") + f"\n{name}"
    return parse_script(text).declarations[0]


def settle(script: Script, dims: Mapping[str, tuple[Node, ...]]) -> Typed:
    """Infer with the fixed names; try the ranks of the open ones."""
    known = {d.name: _fixed(d, uses(replace(script, declarations=()))) for d in script.declarations}
    found = uses(script)
    letters, open_names = _by_letter(found, script)
    if len(open_names) > MOST_UNKNOWN:
        raise IversonError(
            "ambiguous",
            f"The kinds of {', '.join(open_names)} are not clear.",
            hint="Declare them: theta: vector[n]",
        )
    fits: list[tuple[Typed, dict[str, int]]] = []
    failure: IversonError | None = None
    for ranks in product((0, 1, 2), repeat=len(open_names)):
        guess = dict(zip(open_names, ranks, strict=True))
        try:
            fits.append((_infer(script, known, found, letters | guess, set(guess), dims), guess))
        except IversonError as error:
            failure = failure or error
    if not open_names and not any(f[0].definitions[script.result].rank == 0 for f in fits):
        fits = _as_vectors(script, known, found, letters, dims) or fits
    return _choose(script, fits, failure, found)


def _as_vectors(
    script: Script,
    known: dict[str, Declaration],
    found: Uses,
    letters: dict[str, int],
    dims: Mapping[str, tuple[Node, ...]],
) -> list[tuple[Typed, dict[str, int]]]:
    """The readings in which some of a to g are vectors and the result is a scalar, as in `a'*X*b`."""
    scalars = [n for n, rank in letters.items() if rank == 0 and n not in known]
    fits = []
    for ranks in product((0, 1), repeat=len(scalars)) if len(scalars) <= MOST_UNKNOWN else ():
        guess = dict(zip(scalars, ranks, strict=True))
        try:
            t = _infer(script, known, found, letters | guess, set(), dims)
        except IversonError:
            continue
        if any(ranks) and t.definitions[script.result].rank == 0:
            fits.append((t, guess))
    return fits


def _choose(
    script: Script, fits: list[tuple[Typed, dict[str, int]]], failure: IversonError | None, found: Uses
) -> Typed:
    """The one reading, preferring those in which the result is a scalar."""
    scalar = [f for f in fits if f[0].definitions[script.result].rank == 0]
    rest = scalar or fits
    if not rest:
        assert failure is not None
        raise failure
    if len(rest) > 1:
        names = [n for n in rest[0][1] if len({g[n] for _, g in rest}) > 1]
        forms = " or ".join(sorted({("scalar", "column", "matrix")[g[names[0]]] for _, g in rest}))
        raise IversonError(
            "ambiguous",
            f"{names[0]} could be a {forms}.",
            found.first[names[0]].span,
            hint=f"Declare it, such as {names[0]}: {'vector' if 'column' in forms else 'matrix'}[...].",
            source=script.source,
        )
    return rest[0][0]


def _fixed(d: Declaration, found: Uses) -> Declaration:
    """A declaration without sizes takes its rank from use where its kind does not give it."""
    if d.kind in ("data", "param", "positive", "tensor") and d.dims is None:
        rank = found.ranks.get(d.name)
        return d if rank is None else replace(d, dims=("?",) * rank)
    if d.kind == "label" and d.dims is None:
        unindexed = 0 if d.name in found.compared else 1
        return replace(d, dims=("?",) * found.labels.get(d.name, found.ranks.get(d.name, unindexed)))
    return d


def _by_letter(found: Uses, script: Script) -> tuple[dict[str, int], list[str]]:
    """Ranks by the letter rule (a-g scalar, unless transposed, h-z vector, capitals matrix), and the names it does
    not cover."""
    open_kinds = [
        d.name for d in script.declarations if d.dims is None and d.kind in ("data", "param", "positive")
    ]
    letters: dict[str, int] = {}
    rest: list[str] = []
    for name in (*found.arrays, *(n for n in open_kinds if n not in found.arrays)):
        head = name.rstrip("0123456789_")
        if name in found.ranks:
            continue
        if len(head) == 1 and head.isascii():
            small = head in "abcdefg" and name not in found.turned
            letters[name] = 0 if name in found.scalars else 2 if head.isupper() else 0 if small else 1
        else:
            rest.append(name)
    return letters, rest


def _infer(
    script: Script,
    known: dict[str, Declaration],
    found: Uses,
    ranks: dict[str, int],
    guessed: set[str],
    dims: Mapping[str, tuple[Node, ...]],
) -> Typed:
    shapes = Shapes(script.source, computed(script, dims))
    shapes.later = {e.name for e in script.equations}
    for s in sizes_of(script):
        if s != "?":
            shapes.sizes[s] = size(s)
    inputs: dict[str, Input] = {}
    for name in _input_names(script, known, found):
        inputs[name] = _input(name, known.get(name), found, ranks, shapes)
        shapes.names[name] = inputs[name].type
    shapes.assumed = {n for n in inputs if n not in known}
    scopes: dict[str, dict[str, Node]] = {}
    definitions: dict[str, Type] = {}
    for e in script.equations:
        _refuse_transposed_guess(e.body, guessed, ranks)
        given = dims.get(e.name, ()) if not shapes.arithmetic else ()
        sizes = [*given, *(shapes.variable() for _ in (e.indices or ())[len(given) :])]
        scopes[e.name] = dict(zip(e.indices or (), sizes, strict=False))
        shapes.opened(scopes[e.name], None, dict(zip(e.indices or (), dims.get(e.name, ()), strict=False)))
        definitions[e.name] = shapes.names[e.name] = _definition(e, shapes, scopes[e.name])
        shapes.settle()
        for m, n in zip(definitions[e.name].dims, dims.get(e.name, ()), strict=False):
            shapes.unify(m, n)
    return _finish(script, shapes, inputs, definitions, scopes)


def computed(script: Script, dims: Mapping[str, tuple[Node, ...]]) -> bool:
    """Whether some index or some size is computed: then indices run where their reads are in range."""
    written = any(isinstance(s, Surface) for d in script.declarations for s in d.dims or ())
    known = any(n.op not in ("num", "size") for sizes in dims.values() for n in sizes)
    return written or known or any(computes(e.body) for e in script.equations)


def _refuse_transposed_guess(tree: Surface, guessed: set[str], ranks: dict[str, int]) -> None:
    if (
        tree.op == "transpose"
        and tree.args[0].op == "name"
        and ranks.get(tree.args[0].attr) == 0
        and tree.args[0].attr in guessed
    ):
        raise IversonError(
            "ambiguous", f"{tree.args[0].attr} is transposed, so it is not a scalar.", tree.span
        )
    for a in tree.args:
        _refuse_transposed_guess(a, guessed, ranks)


def _definition(e: Equation, shapes: Shapes, scope: dict[str, Node]) -> Type:
    t = shapes.infer(e.body, scope)
    if not scope:
        return plain(t) if t.classes is None else t
    if t.rank:
        raise shapes.error(
            "shape",
            f"{e.name} has indices on its left, so its right side must be a scalar, not a {t.form}.",
            e.body.span,
            hint=f"Index it too, or define {e.name} = ... as a whole.",
        )
    return replace(array(tuple(scope.values())), classes=t.classes if t.form != "index" else None)


def _input_names(script: Script, known: dict[str, Declaration], found: Uses) -> list[str]:
    used = [n for n in found.first if n in found.arrays or n in found.ranks or n in found.labels]
    return list(dict.fromkeys([*known, *used]))


def _input(name: str, d: Declaration | None, found: Uses, ranks: dict[str, int], shapes: Shapes) -> Input:
    if d is None:
        label = name in found.labels
        if found.ranks.get(name, 0) > MOST_RANK:
            at = found.first[name].span
            raise shapes.error("limit", f"{name} has more than {MOST_RANK} indices.", at, hint="Split it into several arrays.")
        rank = found.labels[name] if label else found.ranks.get(name, ranks.get(name, 0))
        t = array(tuple(shapes.variable() for _ in range(rank)))
        if label:
            return Input(name, "label", replace(t, classes=shapes.variable()))
        return Input(name, "scalar" if rank == 0 else "param" if rank == 2 and name in "WVUB" else "data", t)
    return _declared_input(d, ranks, shapes)


def _declared_input(d: Declaration, ranks: dict[str, int], shapes: Shapes) -> Input:
    if d.kind == "function":
        return Input(d.name, "function", Type("function"), declared=True)
    structure = STRUCTURES.get(d.kind)
    rank = structured_rank(d.kind, None if d.dims is None else len(d.dims))
    if rank is None:
        rank = RANK_OF.get(d.kind, ranks.get(d.name, 0))
    if d.dims is not None and rank > len(d.dims):
        d = replace(d, dims=d.dims * 2)
    wanted = structure.ranks if structure else (RANK_OF[d.kind],) if d.kind in RANK_OF else None
    if wanted is not None and rank not in wanted:
        counts = " or ".join(map(str, sorted(wanted)))
        raise shapes.error(
            "kind", f"{d.name}: a {d.kind} has {counts} size{'s' * (counts != '1')}, not {rank}.", d.span
        )
    dims = tuple(
        shapes.variable() if s == "?" else shapes.declared_size(s)
        for s in d.dims or ("?",) * rank
    )
    if structure and structure.square and not shapes.unify(*dims[-2:]):
        raise shapes.error("shape", f"{d.name}: a {d.kind} matrix is square.", d.span)
    t = Type("row", dims) if d.kind == "row" else array(dims)
    if d.kind == "label":
        classes = (
            shapes.variable() if d.classes is None else shapes.declared_size(d.classes)
        )
        t = replace(t, classes=classes)
    role = d.kind if d.kind in ("data", "param", "label", "scalar") else "scalar" if not dims else "data"
    facts = facts_of(structure, rank) if structure else ()
    return Input(d.name, role, t, facts, None if d.default is None else float(d.default), True)


def _finish(
    script: Script,
    shapes: Shapes,
    inputs: dict[str, Input],
    definitions: dict[str, Type],
    scopes: dict[str, dict[str, Node]],
) -> Typed:
    """Name the sizes that stayed flexible and put the final sizes everywhere."""
    taken = {*shapes.sizes, *inputs, *definitions}
    free = (n for n in chain(SIZE_NAMES, (f"n{k}" for k in count(10))) if n not in taken)
    for t in [
        *(i.type for i in inputs.values()),
        *definitions.values(),
        *(Type("", s) for s in shapes.ranges.values()),
    ]:
        for n in (*t.dims, *((t.classes,) if t.classes is not None else ())):
            for leaf in size_leaves(shapes.find(n)):
                if flexible(leaf):
                    shapes.same[leaf] = size(next(free))
            refuse_empty(shapes, shapes.find(n))
    for tree, dims in shapes.fills:
        if any(flexible(leaf) for n in dims for leaf in size_leaves(shapes.find(n))):
            raise shapes.error("ambiguous", "Nothing here gives this array its size.", tree.span, hint="Write ones(n), or c*ones(m, n).")
    final = shapes.final
    least: dict[Node, int] = {}
    for n, k in shapes.least.items():
        least[shapes.find(n)] = max(k, least.get(shapes.find(n), 0))
        if shapes.find(n).op == "num" and shapes.find(n).attr < k:
            raise shapes.error(
                "shape", f"An index {k - 1} is used on an axis of size {shapes.find(n).attr}.", None
            )
    return Typed(
        script,
        {n: replace(i, type=final(i.type)) for n, i in inputs.items()},
        {n: final(t) for n, t in definitions.items()},
        {k: final(t) for k, t in shapes.types.items()},
        {k: tuple(map(shapes.find, r)) for k, r in shapes.ranges.items()},
        {e: {i: shapes.find(n) for i, n in s.items()} for e, s in scopes.items()},
        least,
        *index_ranges(shapes),
        tuple(n for n, i in inputs.items() if i.role == "function"),
    )


def refuse_empty(shapes: Shapes, n: Node) -> None:
    if n.op == "num" and n.attr < 1:
        raise shapes.error("shape", "The sizes leave an axis without entries.", None, hint="Declare larger sizes.")


Ranged = tuple[
    dict[int, tuple[Node, ...]],
    dict[int, tuple[Node, ...]],
    dict[int, tuple[Node, Node]],
    dict[str, Node],
    tuple[Node, ...],
]


def index_ranges(shapes: Shapes) -> Ranged:
    """Starts, guards, slices, aliases and checks of a script, with every size settled."""

    def settled(f: Node) -> Node:
        return of_polynomial(shapes.reads.poly(f))

    low = {n: of_polynomial(p) for n, p in shapes.reads.low.items()}
    starts = {
        k: tuple(settled(low.get(n, ZERO)) for n in r) for k, r in shapes.ranges.items() if any(n in low for n in r)
    }
    guards = {k: tuple(map(settled, g)) for k, g in shapes.reads.guards.items()}
    slices = {k: (settled(a), settled(b)) for k, (a, b) in shapes.slices.items()}
    aliases = {s: shapes.find(n) for s, n in shapes.sizes.items() if shapes.find(n) is not n}
    return starts, guards, slices, aliases, tuple(dict.fromkeys(map(settled, shapes.reads.checks)))


def describe(t: Type) -> str:
    """A final type as text: `matrix[N, D]`, `label[N] in K`, `scalar`.

    >>> describe(array((size("N"), size("D"))))
    'matrix[N, D]'
    """
    form = "label" if t.classes is not None and t.form != "index" else t.form
    dims = f"[{', '.join(map(show_size, t.dims))}]" if t.dims else ""
    return form + dims + (f" in {show_size(t.classes)}" if t.classes is not None else "")


def reading(t: Typed) -> list[str]:
    """What was understood, a line for each name, as a declaration or a definition's type."""
    lines = []
    for i in t.inputs.values():
        default = "" if i.default is None else f" = {i.default:g}"
        fact = f" ({', '.join(f.removeprefix(STACKED) for f in i.facts)})" if i.facts else ""
        role = f" ({i.role})" if i.role in ("data", "param") and i.declared else ""
        lines.append(f"{i.name}: {describe(i.type)}{default}{fact or role}")
    lines += [f"{name} -> {describe(d)}" for name, d in t.definitions.items()]
    lines += [f"{show_size(n)} >= {k}" for n, k in t.least.items() if n.op != "num"]
    lines += [f"{s} = {show_size(n)}" for s, n in t.aliases.items()]
    return lines + [line for tree in _reductions(t) for line in _runs(t, tree)]


def _reductions(t: Typed) -> list[Surface]:
    return [tree for e in t.script.equations for tree in walk(e.body) if id(tree) in t.ranges]


def _runs(t: Typed, tree: Surface) -> list[str]:
    """Over which values the indices of a reduction run, where that does not go without saying."""
    starts = t.starts.get(id(tree), (ZERO,) * len(tree.attr[1]))
    lines = [
        f"{tree.attr[0]}[{i}]: {i} = {show_size(a)}, ..., {show_size(sub(add(a, n), ONE))}"
        for i, a, n in zip(tree.attr[1], starts, t.ranges[id(tree)], strict=True)
        if a is not ZERO or n.op not in ("num", "size")
    ]
    for g in t.guards.get(id(tree), ()):
        left, sign, right = inequality(poly(g))
        shown = f"{show_size(of_polynomial(left))} {sign} {show_size(of_polynomial(right))}"
        lines.append(f"{tree.attr[0]}[{','.join(tree.attr[1])}]: only terms with {shown} count")
    return lines
