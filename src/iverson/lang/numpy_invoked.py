"""Calls: rows of the table of functions, functions of the text, and the names their arguments get."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable
from functools import cached_property, reduce
from typing import Any

from ..core.affine import constant
from .numpy_arrays import reduced
from .numpy_calls import BUILTINS, CALLS, HINTS, METHODS, NUMBER_TYPES
from .numpy_elementwise import applied, over, plus, times
from .numpy_loops import Turns, all_turns, over_turns
from .numpy_reader import MOST_CALLS, TOTALS, WORDS, Function, signature_of
from .numpy_sizes import Size, size_of
from .numpy_torch import TORCH, TORCH_WORDS, one_hot, speaks_torch
from .numpy_turns import Turning
from .numpy_values import Value, literal, replace, unsupported


class Calling(Turning):
    """A reader of calls."""

    def _Call(self, node: ast.Call) -> Any:
        path = self.path(node.func)
        if isinstance(node.func, ast.Lambda):
            return self.called(Function(node.func, self.local, self.call), node)
        if path is not None and len(path) == 1 and isinstance(self.local.get(path[0]), Function):
            return self.called(self.local[path[0]], node)
        if path in (["list"], ["tuple"]) and len(node.args) == 1 and not node.keywords:
            return self.listing(node.args[0])
        loop = self.loop_total(path, node)
        if loop is not None:
            return loop
        if path is not None and (len(path) == 1 or self.foreign(path[0])):
            return self.invoke(self.row(path, node), node, [])
        if not isinstance(node.func, ast.Attribute):
            raise unsupported("Only named functions are called.")
        n = node.func.attr
        found = self.torch(n) or METHODS.get(n) or (CALLS.get(n) if self.in_torch else None)
        if found is None:
            near = difflib.get_close_matches(n, [*METHODS, *(TORCH if self.in_torch else ())], 1, 0.75 if len(n) > 3 else 0.6)
            raise unsupported(f"The method .{n}() is not read.", HINTS.get(n) or (f"Did you mean .{near[0]}()?" if near else None))
        return self.invoke(found, node, [self.value(node.func.value)])

    @cached_property
    def in_torch(self) -> bool:
        """Whether the text is about torch arrays."""
        return speaks_torch(self.inputs.nodes)

    def torch(self, n: str) -> Callable[..., Any] | None:
        """What a function or method means in torch, where that is another thing."""
        return TORCH.get(n) if n in TORCH and self.in_torch else None

    def listing(self, node: ast.AST) -> Any:
        """list(x): what is listed already, or the entries of an array where only those count."""
        made = self.read(node)
        if isinstance(made, Value) and made.label is None and made.run is None:
            raise unsupported("A list of an array's entries is read as an index only.", "Leave out the list: arrays add entry by entry.")
        return made

    def loop_total(self, path: list[str] | None, node: ast.Call) -> Value | None:
        """sum(... for ...), np.mean([... for ...]) and their kind."""
        if path is None or path[-1] not in TOTALS or len(node.args) != 1 or len(path) > 2:
            return None
        arg = node.args[0]
        made = self.read(arg) if isinstance(arg, ast.GeneratorExp | ast.ListComp | ast.List | ast.Tuple) else None
        if isinstance(arg, ast.Name) and isinstance(self.local.get(arg.id), Turns | tuple):
            made = self.local[arg.id]
        kind, python = TOTALS[path[-1]], len(path) == 1
        if isinstance(made, tuple) and not node.keywords and all(isinstance(v, Value) for v in made):
            return self.listed(kind, python, made)
        if not isinstance(made, Turns) or (node.keywords and made.value.rank):
            return None if made is None or isinstance(made, tuple) else self.reduced_array(path, node, made)
        if isinstance(arg, ast.GeneratorExp) and not python and kind != "sum":
            raise unsupported("NumPy does not read a generator.", "Write a list in brackets.")
        python = python or isinstance(arg, ast.GeneratorExp)
        if made.value.rank and not python:
            if kind in ("mean",) and made.held is not None:
                raise unsupported("A mean of selected arrays is not read.", "Divide the sum by the number of its terms.")
            made = replace(made, value=reduced(kind, made.value))
        if made.value.rank and kind in ("max", "min"):
            raise unsupported(f"Python's {kind} does not compare arrays.", f"Write np.{kind}([...], axis=0).")
        return over_turns(kind, made)

    def reduced_array(self, path: list[str], node: ast.Call, made: Turns) -> Value:
        rest = {str(k.arg): self.literal(k.value) for k in node.keywords}
        if not set(rest) <= set(signature_of(CALLS[path[-1]]).parameters):
            raise unsupported(f"{'.'.join(path)} is not read with these arguments.", "Of a list: axis, keepdims.")
        return CALLS[path[-1]](all_turns(made), **rest)

    def listed(self, kind: str, python: bool, parts: tuple[Value, ...]) -> Value:
        """sum([a, b]) and its kind, of what is written out."""
        if python and kind in ("max", "min") and any(v.rank for v in parts):
            raise unsupported(f"Python's {kind} does not compare arrays.", f"Write np.{kind}([...], axis=0).")
        if not python:
            parts = tuple(reduced(kind, v) if v.rank else v for v in parts)
        if not parts:
            raise unsupported("There is nothing to add up here.")
        if kind in ("max", "min"):
            return applied(kind, *parts) if len(parts) > 1 else parts[0]
        made = reduce(times, parts) if kind == "prod" else plus(*parts)
        return over(made, literal(self.book, len(parts))) if kind == "mean" else made

    def row(self, path: list[str], node: ast.Call) -> Callable[..., Any]:
        """The row of a function's name."""
        n = path[-1]
        if not self.foreign(path[0]) and (self.inputs.declared(path[0]) or path[0] in self.local):
            raise unsupported(f"{path[0]} is an array and is not called.", "Write * for a product.")
        if len(path) == 1 and n in BUILTINS:
            return BUILTINS[n]
        name = self.inputs.aliases.get(n, n) if len(path) == 1 else n
        found = CALLS.get(".".join(path[-2:])) or CALLS.get(name)
        own = path[0] in ("torch", "F", "nn") and path[-2:-1] != ["linalg"]
        found = (TORCH.get(n) if own else None) or found or (one_hot if n == "one_hot" else None)
        known = set(path[:-1]) <= self.modules or (".".join(path[-2:]) in CALLS and set(path[:-2]) <= self.modules)
        if found is not None and known:
            return found
        near = [f"Did you mean {m}?" for m in difflib.get_close_matches(n, CALLS, 1, 0.75 if len(n) > 3 else 0.6) if m != n]
        hint = HINTS.get(n) or next(iter(near), None)
        raise self.error("unsupported", f"The function {'.'.join(path)} is not read.", node.func, hint)

    def invoke(self, row: Callable[..., Any], node: ast.Call, given: list[Any]) -> Any:
        """Call a row; its signature says which arguments there are and how each is read."""
        signature = signature_of(row)
        if any(p.annotation == "Book" for p in signature.parameters.values()):
            given = [self.book]
        if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            raise unsupported("Starred arguments are not read.")
        try:
            names = {str(k.arg): k.value for k in node.keywords}
            if "axis" in signature.parameters:
                names = {TORCH_WORDS.get(n, n): v for n, v in names.items()}
            bound = signature.bind(*given, *node.args, **names)
        except TypeError as error:
            message = str(error).replace("'", "")
            known = [n for n, p in signature.parameters.items() if p.annotation != "Book"]
            raise unsupported(f"{self.text.of(node.func)} is not read like this: {message}.",
                              f"Its arguments here: {', '.join(known)}.") from None
        for n, raw in bound.arguments.items():
            kind = str(signature.parameters[n].annotation)
            many = signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL
            hint = HINTS.get((self.path(node.func) or [""])[-1])
            read = [self.argument(kind, a, hint) for a in (raw if many else [raw])]
            bound.arguments[n] = tuple(read) if many else read[0]
        return row(*bound.args, **bound.kwargs)

    def argument(self, kind: str, node: Any, hint: str | None) -> Any:
        """An argument as the annotation of its parameter says."""
        if not isinstance(node, ast.AST):
            return node
        if kind.endswith("| None") and self.text.of(node) == "None":
            return None
        if kind == "Sequence[Value]":
            made = self.read(node)
            if isinstance(made, Turns) or (isinstance(made, tuple) and all(isinstance(v, Value | tuple) for v in made)):
                return made
            raise self.error("unsupported", "A list of arrays is expected here.", node, "Write [a, b].")
        if kind == "Extent":
            return self.size(self.read(node), node)
        if kind == "Plain":
            return self.literal(node, hint)
        read = {"Axes": self.shape, "Dtype": self.number_type, "Shape": self.new_shape}
        return read.get(kind, self.array)(node)

    def shape(self, node: ast.AST) -> tuple[Size | None, ...]:
        made = self.read(node)
        return tuple(self.size(p, node) for p in (made if isinstance(made, tuple) else (made,)))

    def new_shape(self, node: ast.AST) -> Any:
        """Sizes of which one may be -1, or a tuple of them."""
        made = self.read(node)
        if isinstance(made, tuple):
            return tuple(self.open_size(p, node) for p in made)
        return self.open_size(made, node)

    def open_size(self, v: Any, node: ast.AST) -> Any:
        whole = v.whole() if isinstance(v, Value) else None
        return -1 if whole is not None and constant(whole) == -1 else self.size(v, node)

    def size(self, v: Any, node: ast.AST) -> Size | None:
        """A size: a number, a size's name, len(x) or X.shape[0]."""
        if isinstance(v, Value) and v.counts is not None:
            return v.counts
        p = v.whole() if isinstance(v, Value) else None
        if p is None or (constant(p) is not None and constant(p) < 1):
            raise self.error("unsupported", "This is not a size.", node, "Sizes: 3, N, len(x), X.shape[0].")
        return size_of(p)

    def number_type(self, node: ast.AST) -> str:
        found = NUMBER_TYPES.get(self.text.of(node).replace('"', "'"))
        if found is None:
            raise self.error("unsupported", "Numbers are float64 here.", node, "Leave the type out.")
        return found

    def called(self, function: Function, node: ast.Call) -> Any:
        """`(lambda s: body)(value)`, or a function of the text: its arguments become definitions."""
        given = self.arguments(function.node, node)
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise unsupported("Functions that call each other so often are not read.", "Write the loss without recursion.")
        outer, call = self.local, self.call
        self.names_of[call] = outer
        self.local = dict(self.names_of.get(function.call, function.local))
        self.call = object()
        self.local |= {n: self.assign(n, v) for n, v in given.items()}
        try:
            return self.body_of(function.node)
        finally:
            self.names_of[self.call] = self.local
            self.local, self.call = outer, call

    def body_of(self, function: ast.Lambda | ast.FunctionDef) -> Any:
        """The value of a function whose arguments are local names."""
        assert isinstance(function, ast.Lambda)
        return self.read(function.body)

    def arguments(self, function: ast.Lambda | ast.FunctionDef, node: ast.Call) -> dict[str, Any]:
        """The values of a call's arguments by name."""
        a = function.args
        wanted = [p.arg for p in (*a.posonlyargs, *a.args)]
        every = [*wanted, *(p.arg for p in a.kwonlyargs)]
        if a.vararg or a.kwarg or any(k.arg is None for k in node.keywords) or any(
                isinstance(e, ast.Starred) for e in node.args):
            raise unsupported("A function is read with plain arguments, as many as it names.")
        defaults = dict(zip(wanted[len(wanted) - len(a.defaults):], a.defaults, strict=True))
        defaults |= {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None}
        given = dict(zip(wanted, node.args, strict=False)) | {str(k.arg): k.value for k in node.keywords}
        if len(node.args) > len(wanted) or not set(given) <= set(every) or not set(every) <= {*given, *defaults}:
            raise unsupported("A lambda is read with plain arguments, as many as it names." if isinstance(
                function, ast.Lambda) else "This function is called with other arguments than it names.")
        return {n: self.read(given.get(n, defaults.get(n))) for n in every}  # type: ignore[arg-type]

    def assign(self, n: str, v: Any) -> Any:
        """A local name: a definition, or the value itself where that says as much."""
        if isinstance(v, Turns) or not isinstance(v, Value):
            return v
        said = v.truth or v.run is not None or v.label is not None or v.exact is not None or v.identity or v.simple
        if said or v.hole is not None or v.kept is not None or len(v.sizes()) > 2 or self.inside(v):
            return v
        return replace(self.book.define(v, self.version(n)), span=v.span)

    def inside(self, v: Value) -> bool:
        """Whether we are inside a loop, where a definition would have its index."""
        return bool(self.book.depth)

    def version(self, n: str) -> str | None:
        """The name of a definition: the user's own, numbered when it is taken; None leaves the choice."""
        used = {*self.inputs.params, *self.inputs.first, *self.inputs.named, *(e.name for e in self.book.equations)}
        if n in self.inputs.dims or n in self.inputs.ranks:
            used.add(n)
        if n not in used and n not in WORDS:
            return n
        stem = f"{n}_" if n[-1].isdigit() else n
        return self.book.unused(f"{stem}{k}" for k in range(1, 200)) if n in self.inputs.stored else None
