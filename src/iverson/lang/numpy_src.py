"""NumPy source to a script: a function, statements or one expression, read through `ast` and never executed.

Glossary   frame: what the turns of a loop do to names outside it.  root: the array that a name is a view of.
Assignments become definitions of the script under the user's names.  Setting entries of an array makes a new array, so
a name that another one is a view of is not changed: that is refused.  A loop is read where its turns only add up,
multiply, compare or fill an array, so that their order does not matter; a written-out one is unrolled.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.errors import IversonError
from .numpy_reader import Word
from .numpy_sizes import poly_tree
from .numpy_statements import Continued, Returned, Statements
from .numpy_text import Inputs, Text, program, source_of
from .numpy_values import Value, flip, spanned, unsupported
from .ops import OPS as OPERATORS
from .surface import Equation, Script, Surface, call, names_in, number
from .tokens import tokenize

RESULTS = ("L", "loss", "L_", "loss_", *(f"L{n}" for n in range(1, 20)))


def parse_numpy(text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, str | int | Sequence[str | int]] | None = None,
                integers: Collection[str] = ()) -> Script:
    """NumPy source as a script; its last equation is the result.

    ranks   0 to 4 for each array, or "row" for a 1-D array declared as a row; see numpy_text for other names
    integers  arrays declared as labels, whose type keeps whole numbers only
    sizes   names or numbers of an array's axes; they are declared, and give len(x) and X.shape their names
    Every 1-D array is a column.  Errors carry the text and the span of the exact sub-expression.

    >>> from .show import show
    >>> show(parse_numpy("x@A@x", {}).equations[0].body)
    "x'*A*x"
    """
    text = source_of(text)
    source = None
    try:
        source = Source.reading(text, ranks, sizes or {}, integers)
        return source.script()
    except IversonError as error:
        missing = source.missing() if source is not None and error.kind != "limit" else []
        if missing:
            one = len(missing) == 1
            error.hint = (f"{', '.join(missing)} {'is' if one else 'are'} not defined in the function: write {missing[0]} = ... before, "
                          f"or make {'it an argument' if one else 'them arguments'}. {error.hint or ''}").strip()
        raise error.located(text) from None
    except RecursionError:
        raise IversonError("limit", "The formula is nested too deep.", source=text) from None


def returns(body: Sequence[ast.stmt]) -> bool:
    """Whether a function gives something back somewhere; one that does not has the value of its last assignment."""
    return any(isinstance(n, ast.Return) for s in body for n in ast.walk(s))


def arguments_of(function: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """The arguments of a function and their defaults."""
    a = function.args
    names = [p.arg for p in (*a.posonlyargs, *a.args)]
    given: dict[str, ast.expr | None] = dict.fromkeys(names)
    given |= dict(zip(names[len(names) - len(a.defaults):], a.defaults, strict=True))
    return given | {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)}


class Source(Statements):
    """One reading of one text."""

    body: list[ast.stmt]
    words: dict[str, Any]  # arguments that are words by default
    function: bool = False  # the text is a function, which returns its value
    before: int = 0  # statements before the function

    @classmethod
    def reading(cls, text: str, ranks: Mapping[str, int | str],
                sizes: Mapping[str, str | int | Sequence[str | int]], integers: Collection[str] = ()) -> Source:
        body, places = program(text), Text(text)
        main = main_function(body)
        params: dict[str, Any] = {}
        words: dict[str, Any] = {}
        for n, default in (arguments_of(main) if main is not None else {}).items():
            declared = n in ranks or n in sizes
            value = default.value if isinstance(default, ast.Constant) else None
            if not declared and isinstance(default, ast.Constant) and (value is None or isinstance(value, str | bool)):
                words[n] = Word(value)
            else:
                params[n] = exact(default, places)
        given = {**ranks, **{n: 0 for n, d in params.items() if d is not None and n not in ranks and n not in sizes}}
        found = cls(places, Inputs(body, given, sizes, params, integers))
        found.body, found.frames, found.held = body, [], []
        found.words = words
        if main is not None:
            found.before = len(body) - 1
            found.refuse_starred(main)
            found.function = True
            found.body = [s for s in body if s is not main] + main.body
        return found

    def refuse_starred(self, main: ast.FunctionDef) -> None:
        if main.args.vararg or main.args.kwarg:
            raise self.error("unsupported", "Starred arguments are not read.", main, "Name every argument.")

    def missing(self) -> list[str]:
        """Names that the function reads, and that nothing gives a value to."""
        known = {*self.inputs.params, *self.inputs.named, *self.modules, *OPERATORS, *dir(builtins)}
        return [n for n in self.inputs.first if n not in known and not self.inputs.declared(n)] if self.function else []

    def script(self) -> Script:
        for n in self.inputs.params:
            if self.inputs.known(n):
                self.inputs.array(n)
        last, anonymous = self.result(self.run())
        for n in self.book.reals:
            if n in self.book.labels:
                raise IversonError("unsupported", f"NumPy keeps whole numbers in an array like {n}, and would cut others off.",
                                   hint=f"Write np.zeros({n}.shape).")
        equations = [replace(e, body=spanned(self.settled(e.body), e.span)) for e in self.book.equations]
        if anonymous:
            equations.append(replace(last, body=spanned(self.settled(last.body), last.span)))
        kept = needed(equations, last.name)
        rows = self.inputs.declarations(self.book.labels, self.book.settled)
        lost = self.inputs.lost_size(kept, rows)
        if lost is not None:
            raise self.error("ambiguous", f"{lost} is used as a size, but no array is known to have it.",
                             self.inputs.first[lost], f"Give the sizes of an array: sizes={{'x': ({lost!r},)}}.")
        return Script(rows, kept, last.name, self.text.text, "numpy", anonymous=anonymous)

    def run(self) -> Value:
        """The value of the text: what is returned, or its last expression or assignment."""
        made: Any = None
        last = self.body[-1]
        try:
            alone = isinstance(last, ast.Expr) and not self.function
            self.block(self.body[:self.before])
            self.enter()
            self.block(self.body[self.before:-1] if alone else self.body[self.before:])
            if isinstance(last, ast.Expr) and alone:
                return self.value(last.value)
        except Returned as end:
            made = end.value
        except Continued:
            raise self.error("syntax", "`continue` stands in a loop only.", last) from None
        else:
            targets = last.targets if isinstance(last, ast.Assign) else [getattr(last, "target", None)]
            if isinstance(targets[0], ast.Name) and not (self.function and returns(self.body)):
                made = self._Name(ast.Name(targets[0].id, ast.Load()))
        if isinstance(made, tuple) and made and isinstance(made[0], Value):
            made = made[0]
        if not isinstance(made, Value):
            raise self.error("unsupported", "The text returns no value.", last, "End with `return loss`.")
        return made

    def enter(self) -> None:
        """Into the function: its arguments hide the names of the text around it."""
        if self.function:
            self.names_of[self.call] = self.local
            self.local = {n: v for n, v in self.local.items() if n not in self.inputs.params} | self.words
            self.call = object()

    def result(self, v: Value) -> tuple[Equation, bool]:
        """The last equation, and whether it was written without a name; axes of size 1 are kept as such."""
        alone = v.label or name_alone(v)
        known = next((e for e in self.book.equations if e.name == alone), None)
        if known is not None and None not in v.axes:
            return known, False
        name = self.book.unused(RESULTS)
        indices, body = self.book.body(v) if None not in v.axes else ((), self.solid(v))
        return Equation(name, indices or None, body, v.span), True

    def solid(self, v: Value) -> Surface:
        """The whole value, its axes of size 1 made real."""
        if v.rank > 2:
            raise unsupported("A result with three axes, one of size 1, is not read.", "Leave out the None.")
        tree, one = v.number(), call("ones", number(1))
        if len(v.sizes()) == 1:
            return Surface("mul", (tree, flip(one)) if v.axes[1] is None else (one, flip(tree)))
        return Surface("mul", (tree, one if v.rank == 1 else call("ones", number(1), number(1))))

    def settled(self, tree: Surface) -> Surface:
        """The tree with the sizes that turned out to be others under their names."""
        if not self.book.renamed:
            return tree
        if tree.op == "name" and tree.attr in self.book.renamed:
            return poly_tree(self.book.settled(self.book.renamed[tree.attr])).at(tree.span)
        return replace(tree, args=tuple(map(self.settled, tree.args)))


def needed(equations: Sequence[Equation], result: str) -> tuple[Equation, ...]:
    """The equations on which the result rests, in order."""
    asked, kept = {result}, []
    for e in reversed(equations):
        if e.name in asked:
            asked |= names_in(e.body)
            kept.append(e)
    return tuple(kept[::-1])


def name_alone(v: Value) -> str | None:
    """The name that a scalar is just the value of."""
    tree = v.cut(()) if v.rank == 0 and v.run is None and v.hole is None else None
    return str(tree.attr) if tree is not None and tree.op == "name" else None


def main_function(body: Sequence[ast.stmt]) -> ast.FunctionDef | None:
    """The function that a text is about: its last, where no other statement comes after it."""
    last = next((s for s in reversed(body) if not isinstance(s, ast.Import | ast.ImportFrom)), None)
    return last if isinstance(last, ast.FunctionDef) else None


def exact(default: ast.expr | None, places: Text) -> Any:
    """The number that an argument is by default."""
    sign = 1
    while isinstance(default, ast.UnaryOp) and isinstance(default.op, ast.USub):
        default, sign = default.operand, -sign
    if not isinstance(default, ast.Constant) or type(default.value) not in (int, float):
        return None
    return sign * (tokenize(places.of(default).replace("_", ""))[0].value or 0)
