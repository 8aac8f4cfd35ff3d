"""Blocks of code in a note: names without a value, results that are not returned, checks that are printed, gradients beside the formulas."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import IversonError
from ..lang.latex_tree import Tex
from .causes import cause
from .claims import loss_at
from .evaluate import Evaluator
from .findings import Finding
from .instance import Draw, Sizes
from .instance import Reading as Kinds
from .interpreter import MODULES, Interpreter, Tensor, numeric
from .judge import close
from .values import Misfit, Unequal

if TYPE_CHECKING:
    from .lint import Linter

PRINT2 = re.compile(r"""^([ \t]*)print[ \t]+(?!\(.*\)[ \t]*$)((?:[^#'"\n]|"[^"\n]*"|'[^'\n]*')+?)[ \t]*(#[^\n]*)?$""", re.MULTILINE)
CHECKS = re.compile(r"\b(?:check|expected|should be|by hand|analytic)|核对|验证|检查|手算", re.IGNORECASE)
EFFECTS = (ast.Return, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.Raise)


@dataclass
class Block:
    """One block of code with the offset of each of its lines in the note."""

    start: int
    end: int
    tree: ast.Module | None
    starts: list[int]
    error: str = ""
    section: tuple[int, ...] = ()
    functions: list[ast.FunctionDef] = field(default_factory=list)

    def offset(self, node: Any, end: bool = False) -> int:
        line, column = (node.end_lineno, node.end_col_offset) if end else (node.lineno, node.col_offset)
        return self.starts[min(line, len(self.starts)) - 1] + column


def blocks(linter: Linter) -> list[Block]:
    found = []
    path: list[int] = []
    count = 0
    for piece in linter.note.pieces:
        if piece.kind == "heading":
            count += 1
            path = [*path[: piece.level - 1], *[0] * (piece.level - 1 - len(path)), count]
        if piece.kind == "code":
            b = parsed(linter.note.text, piece.start, piece.end)
            b.section = tuple(path)
            found.append(b)
    return found


def parsed(text: str, start: int, end: int) -> Block:
    """The block as a tree; columns are counted without its common indentation, which `starts` takes back in."""
    body = text[start:end]
    plain = dedent(body)
    widths = [len(a) - len(b) for a, b in zip(body.splitlines(), plain.splitlines(), strict=False)]
    starts, at = [], start
    for line, w in zip(body.splitlines(keepends=True), [*widths, *[0] * len(body.splitlines())], strict=False):
        starts.append(at + w)
        at += len(line)
    try:
        tree = ast.parse(PRINT2.sub(r"\1print(\2)", plain))
    except (SyntaxError, ValueError, RecursionError) as error:
        return Block(start, end, None, starts or [start], f"{getattr(error, 'msg', error)}")
    return Block(start, end, tree, starts or [start], functions=[s for s in tree.body if isinstance(s, ast.FunctionDef)])


def findings(linter: Linter, place: Any) -> list[Finding]:
    """All that can be said of the code of a note.  place: makes a finding from offsets."""
    found: list[Finding] = []
    every = blocks(linter)
    known = {n.id for b in every if b.tree is not None for s in b.tree.body if not isinstance(s, ast.FunctionDef)
             for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    run = Interpreter()
    running = True
    for b in every:
        if b.tree is None:
            found.append(place(b.start, b.end, "unreadable", reason=f"This code is not Python: {b.error}.", kind="code"))
            continue
        for f in b.functions:
            found += of_function(linter, b, f, known, every, place)
        if any(not isinstance(s, ast.FunctionDef) for s in b.tree.body) and running:
            running = straight(b, run, place, found)
    return found


# -- functions ------------------------------------------------------------------------------------------------


def of_function(linter: Linter, b: Block, f: ast.FunctionDef, known: set[str], every: list[Block], place: Any) -> list[Finding]:
    found = []
    missing = unassigned(f, known | {g.name for x in every for g in x.functions}, every)
    for node in missing:
        found.append(place(b.offset(node), b.offset(node, True), "wrong", sentence=(("undefined", (("name", node.id),)),), kind="code"))
    values = results(f)
    if values:
        at = b.offset(f)
        found.append(place(at, at + len(f"def {f.name}"), "wrong", kind="code",
                           sentence=(("no-return", (("name", f.name), ("values", ", ".join(values)))),)))
    if not missing:
        found += gradients(linter, b, f, place)
    return found


def unassigned(f: ast.FunctionDef, known: set[str], every: list[Block]) -> list[ast.Name]:
    """Names that are read where nothing has given them a value: a local of another function, or an index."""
    local = {a.arg for a in (*f.args.args, *f.args.kwonlyargs, *f.args.posonlyargs)} | {a.arg for a in (f.args.vararg, f.args.kwarg) if a}
    stored = {n.id for n in ast.walk(f) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    inner = {n.name for s in ast.walk(f) if isinstance(s, ast.Import | ast.ImportFrom) for n in s.names}
    others = {n.id for x in every for g in x.functions if g is not f for n in ast.walk(g) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    called = {id(n.func) for n in ast.walk(f) if isinstance(n, ast.Call)} | {id(n.value) for n in ast.walk(f) if isinstance(n, ast.Attribute)}
    found: dict[str, ast.Name] = {}
    for n in ast.walk(f):
        if not isinstance(n, ast.Name) or not isinstance(n.ctx, ast.Load) or id(n) in called:
            continue
        if n.id in local | stored | known | inner or hasattr(builtins, n.id) or n.id in MODULES:
            continue
        if n.id in others or (len(n.id) == 1 and n.id.islower()):
            found.setdefault(n.id, n)
    return list(found.values())


def results(f: ast.FunctionDef) -> list[str]:
    """What a function computes to no end: it returns nothing and changes nothing."""
    body = [s for s in f.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if not body or not isinstance(body[-1], ast.Assign | ast.AugAssign):
        return []
    params = {a.arg for a in f.args.args}
    for n in ast.walk(f):
        if isinstance(n, EFFECTS) and not (isinstance(n, ast.Return) and n.value is None):
            return []
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call):
            return []
        targets = n.targets if isinstance(n, ast.Assign) else [n.target] if isinstance(n, ast.AugAssign) else []
        for t in targets:
            if isinstance(t, ast.Attribute) or (isinstance(t, ast.Subscript) and root(t) in params):
                return []
    last = body[-1]
    targets = last.targets if isinstance(last, ast.Assign) else [last.target]
    names = [root(t) for t in targets]
    return [n for n in names if n and not (isinstance(last, ast.AugAssign) and n in params)]


def root(t: ast.expr) -> str:
    while isinstance(t, ast.Subscript | ast.Attribute):
        t = t.value
    return t.id if isinstance(t, ast.Name) else ""


def gradients(linter: Linter, b: Block, f: ast.FunctionDef, place: Any) -> list[Finding]:
    """Locals called dW beside the gradient by W of the formulas."""
    found = []
    names = {n.id: n for n in ast.walk(f) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for name, node in names.items():
        if len(name) < 2 or name[0] != "d" or name[1:] not in {a.arg for a in f.args.args}:
            continue
        same = agrees(linter, b, f, name)
        if same is None:
            continue
        loss, zero, equal = same
        other = f"\\partial {loss}/\\partial {name[1:]}"
        if equal:
            conditions = tuple(cause("zero", name=z) for z in zero)
            found.append(place(b.offset(node), b.offset(node, True), "conditional" if zero else "right", conditions=conditions, kind="code"))
        elif not zero:
            found.append(place(b.offset(node), b.offset(node, True), "wrong", kind="code", sentence=(("code", (("name", name), ("other", other))),)))
    return found


def agrees(linter: Linter, b: Block, f: ast.FunctionDef, name: str) -> tuple[str, list[str], bool] | None:
    """The loss of the formulas, the arguments that it does not know and are 0, and whether the two gradients are equal."""
    loss = loss_at(linter.reading, b.start, b.section)
    if loss is None:
        return None
    span = linter.reading.scope.lookup(loss, b.start, b.section).span  # type: ignore[union-attr]
    wanted = Tex("deriv", (Tex("sym", (), loss, span), Tex("sym", (), name[1:], span)), 1, span)
    kinds = linter.judge.known.get(b.section, {}) or next((k for s, k in linter.judge.known.items() if s[: len(b.section)] == b.section), {})
    equal = True
    zero: list[str] = []
    for seed in (1, 2):
        made = both(linter, b, f, name, wanted, dict(kinds), seed)
        if made is None:
            return None
        ours, theirs, zero = made
        if np.shape(ours) != np.shape(theirs):
            return None
        equal = equal and close(np.real(ours), np.real(theirs), 1e-7)
    return loss, zero, equal


def both(linter: Linter, b: Block, f: ast.FunctionDef, name: str, wanted: Tex, kinds: Any, seed: int) -> Any:
    """The gradient of the formulas and that of the code at one instance."""
    reading = Kinds(kinds, replace_sizes(linter))
    for _ in range(20):
        e = Evaluator(linter.reading.scope, reading, Draw(seed), b.start, b.section)
        try:
            with np.errstate(all="ignore"):
                ours = e.value(wanted, {}).a
            break
        except Unequal as sizes:
            try:
                reading.sizes.join(*sizes.pair)
            except Misfit:
                return None
        except (IversonError, np.linalg.LinAlgError, RecursionError):
            return None
    else:
        return None
    given, zero = {}, []
    for a in f.args.args:
        v = argument(e, a.arg)
        if v is None:
            zero.append(a.arg)
        given[a.arg] = 0.0 if v is None else v
    run = Interpreter(given)
    try:
        run.run(f.body)
    except (IversonError, ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, AttributeError):
        return None
    return ours, numeric(run.names.get(name)), zero


def replace_sizes(linter: Linter) -> Any:
    return Sizes(3, frozenset(linter.reading.scope.sizes))


def argument(e: Evaluator, name: str) -> Any:
    """The array of an argument: a symbol of the formulas, samples stacked."""
    use = e.scope.uses.get(name) or e.scope.uses.get(name.lower())
    if use is None:
        return None
    if name in e.scope.labels and use.sampled:
        n, size = e.reading.sizes.value("samples"), e.reading.sizes.value(f"range.{name}")
        return e.labelled(name, (n,), size)
    try:
        return np.array(e.given(name, None).a)  # type: ignore[arg-type]
    except (IversonError, Unequal):
        return None


# -- scripts --------------------------------------------------------------------------------------------------


def straight(b: Block, run: Interpreter, place: Any, found: list[Finding]) -> bool:
    """Carry out a block; whether later ones can go on from it."""
    assert b.tree is not None
    for s in b.tree.body:
        before = len(run.printed)
        try:
            with np.errstate(all="ignore"):
                run.statement(s)
        except (IversonError, ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, AttributeError, RecursionError) as error:
            reason = error.message if isinstance(error, IversonError) else str(error)
            found.append(place(b.offset(s), b.offset(s, True), "unreadable", reason=reason, kind="code"))
            return False
        if len(run.printed) > before and len(run.printed) > 1:
            found += checked(b, s, run, place)
    return True


def checked(b: Block, s: ast.stmt, run: Interpreter, place: Any) -> list[Finding]:
    """A print that says it checks the one before."""
    was, now = run.printed[-2], run.printed[-1]
    if not CHECKS.search(now.label) or CHECKS.search(was.label) or now.node is None or was.node is None:
        return []
    if same(was.value, now.value):
        return [place(b.offset(s), b.offset(s, True), "right", kind="code")]
    return [place(b.offset(s), b.offset(s, True), "wrong", sentence=(why(was, now, run),), kind="code")]


def same(a: Any, b: Any) -> bool:
    try:
        x, y = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    except ValueError:
        return False
    return close(x, y, 1e-6)


def why(was: Any, now: Any, run: Interpreter) -> tuple[str, tuple[tuple[str, str], ...]]:
    """An earlier gradient that was not zeroed, or just a difference."""
    node = was.node
    if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.value, ast.Name):
        leaf = run.names.get(node.value.id)
        if isinstance(leaf, Tensor) and len(leaf.added) > 1 and same(leaf.added[-1][2], now.value):
            others = ", ".join(said for said, _, _ in leaf.added[:-1])
            return "stale", (("name", node.value.id), ("others", others))
    return "printed", (("check", ast.unparse(now.node)), ("value", ast.unparse(was.node)))
