"""Straight-line NumPy and torch code of a note, carried out by a table of operations; nothing of it is ever executed by Python.

A tensor is a function of its leaves, so that backward() can be carried out by complex steps, adding into .grad as torch does.
What is in no table stops the run with an IversonError.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.errors import IversonError
from .values import ENTRYWISE, STEP, softmax

MOST_STEPS = 20_000
MOST_ENTRIES = 200_000
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.MatMult: operator.matmul, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}
COMPARED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}
AXES = ("axis", "keepdims")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: ENTRYWISE[n] for n in ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "sigmoid", "relu", "log1p", "expm1", "softplus")},
    "maximum": lambda a, b: np.where(np.real(a) > np.real(b), a, b), "minimum": lambda a, b: np.where(np.real(a) < np.real(b), a, b),
    "dot": np.dot, "matmul": np.matmul, "outer": np.outer, "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "zeros_like": np.zeros_like,
    "ones_like": np.ones_like, "zeros": np.zeros, "ones": np.ones, "arange": np.arange, "eye": np.eye, "array": np.array, "square": np.square,
    "argmax": np.argmax, "transpose": np.transpose, "diag": np.diag, "trace": np.trace, "inv": np.linalg.inv, "where": np.where,
    "softmax": softmax, "reshape": np.reshape, "float64": np.float64, "asarray": np.asarray, "norm": np.linalg.norm,
}
METHODS: dict[str, Callable[..., Any]] = {
    "dot": np.dot, "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "transpose": np.transpose, "copy": np.copy, "argmax": np.argmax,
    "exp": np.exp, "log": ENTRYWISE["log"], "sigmoid": ENTRYWISE["sigmoid"], "mm": np.matmul, "matmul": np.matmul,
}
MODULES = ("np", "numpy", "torch", "math", "F", "nn")
TORCH = {"Tensor": np.array, "tensor": np.array, "FloatTensor": np.array, "DoubleTensor": np.array}
BUILTINS: dict[str, Callable[..., Any]] = {"len": len, "range": range, "float": float, "int": int, "abs": abs, "sum": sum, "max": max, "min": min}
TYPES = {"int": float, "float": float, "float64": float, "float32": float, "bool": bool}


def stop(node: ast.AST, message: str) -> IversonError:
    return IversonError("unsupported", f"{message} (line {getattr(node, 'lineno', 0)} of the code)")


@dataclass(eq=False)
class Tensor:
    """A value as a function of what leaves are set to; a leaf that is derived by keeps what backward() has added, and from what."""

    value: Callable[[dict[int, Any]], Any]
    leaf: bool = False
    added: list[tuple[str, int, Any]] = field(default_factory=list)
    leaves: tuple[Tensor, ...] = ()

    @property
    def grad(self) -> Any:
        return sum((a for _, _, a in self.added), np.zeros(np.shape(self.value({}))))

    def number(self) -> Any:
        return self.value({})


@dataclass
class Gradient:
    """`x.grad`, which zero_() empties."""

    of: Tensor


@dataclass
class Printed:
    """One print: its words and the value of its last argument."""

    label: str
    node: ast.expr | None
    value: Any
    line: int


class Interpreter:
    """One run.  functions of the note are not called."""

    def __init__(self, names: dict[str, Any] | None = None) -> None:
        self.names: dict[str, Any] = dict(names or {})
        self.printed: list[Printed] = []
        self.returned: Any = None
        self.work = 0

    def run(self, body: list[ast.stmt]) -> None:
        with np.errstate(all="ignore"):
            for s in body:
                self.statement(s)

    def statement(self, s: ast.stmt) -> None:
        self.work += 1
        if self.work > MOST_STEPS:
            raise stop(s, "This code runs too long")
        match s:
            case ast.Assign(targets=targets, value=value):
                v = self.value(value)
                for t in targets:
                    self.assign(t, v)
            case ast.AugAssign(target=target, op=op, value=value):
                self.assign(target, self.binary(op, self.value(as_loaded(target)), self.value(value), s))
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value))
            case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.Pass():
                pass
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
                self.print(args, s)
            case ast.Expr(value=value):
                self.value(value)
            case ast.Return(value=value):
                self.returned = None if value is None else self.value(value)
            case ast.For(target=target, iter=it, body=body, orelse=[]):
                for x in self.value(it):
                    self.assign(target, x)
                    for inner in body:
                        self.statement(inner)
            case _:
                raise stop(s, f"{type(s).__name__} is not read in code")

    def print(self, args: list[ast.expr], s: ast.stmt) -> None:
        label = " ".join(str(a.value) for a in args if isinstance(a, ast.Constant))
        rest = [a for a in args if not isinstance(a, ast.Constant)]
        value = numeric(self.value(rest[-1])) if rest else None
        self.printed.append(Printed(label, rest[-1] if rest else None, value, s.lineno))

    def assign(self, target: ast.expr, v: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.names[name] = v
            case ast.Tuple(elts=elts) if len(elts) == len(v):
                for t, x in zip(elts, v, strict=True):
                    self.assign(t, x)
            case ast.Subscript(value=ast.Name(id=name), slice=part) if isinstance(self.names.get(name), np.ndarray):
                a = np.array(self.names[name])
                a[self.place(part)] = v
                self.names[name] = a
            case _:
                raise stop(target, "This assignment is not read")

    # -- expressions -----------------------------------------------------------------------------------------

    def value(self, e: ast.expr) -> Any:
        self.work += 1
        match e:
            case ast.Constant(value=v) if isinstance(v, int | float | str | bool) or v is None:
                return v
            case ast.Name(id=name):
                if name not in self.names:
                    raise IversonError("name", f"{name} has no value here.")
                return self.names[name]
            case ast.List(elts=elts) | ast.Tuple(elts=elts):
                made = [self.value(x) for x in elts]
                return made if isinstance(e, ast.List) else tuple(made)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(op, self.value(left), self.value(right), e)
            case ast.UnaryOp(op=ast.USub(), operand=x):
                return self.lifted(operator.neg, [self.value(x)])
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
                return COMPARED[type(op)](np.real(numeric(self.value(left))), np.real(numeric(self.value(right))))
            case ast.Subscript(value=base, slice=part):
                place = self.place(part)
                return self.lifted(lambda a: a[place], [self.value(base)])
            case ast.Attribute():
                return self.attribute(e)
            case ast.Call():
                return self.call(e)
        raise stop(e, "This expression is not read")

    def place(self, part: ast.expr) -> Any:
        match part:
            case ast.Tuple(elts=elts):
                return tuple(self.place(x) for x in elts)
            case ast.Slice(lower=a, upper=b, step=c):
                return slice(*(None if x is None else self.value(x) for x in (a, b, c)))
            case ast.Attribute(attr="newaxis"):
                return None
        return self.value(part)

    def binary(self, op: ast.operator, a: Any, b: Any, node: ast.AST) -> Any:
        f = OPERATORS.get(type(op))
        if f is None:
            raise stop(node, "This operator is not read")
        return self.lifted(f, [a, b])

    def lifted(self, f: Callable[..., Any], args: list[Any], **more: Any) -> Any:
        """An operation on numbers, or on tensors as functions of their leaves."""
        if any(isinstance(a, Tensor) for a in args):
            leaves = tuple({id(x): x for a in args if isinstance(a, Tensor) for x in (a.leaves or (a,))}.values())
            return Tensor(lambda p: f(*(a.value(p) if isinstance(a, Tensor) else numeric(a) for a in args), **more), leaves=leaves)
        made = f(*(numeric(a) for a in args), **more)
        if isinstance(made, np.ndarray) and made.size > MOST_ENTRIES:
            raise IversonError("limit", "An array of this code is too large.")
        return made

    def attribute(self, e: ast.Attribute) -> Any:
        if isinstance(e.value, ast.Name) and e.value.id in MODULES and e.value.id not in self.names:
            if e.attr in ("pi", "e", "inf"):
                return getattr(np, e.attr)
            raise stop(e, f"{e.attr} is not read in code")
        v = self.value(e.value)
        if isinstance(v, Tensor) and e.attr == "grad":
            return Gradient(v)
        if e.attr == "data":
            return v
        if e.attr == "shape":
            return np.shape(numeric(v))
        if e.attr == "size":
            return int(np.size(numeric(v)))
        if e.attr == "T":
            return self.lifted(np.transpose, [v])
        raise stop(e, f".{e.attr} is not read in code")

    def call(self, e: ast.Call) -> Any:
        more = {k.arg: self.value(k.value) for k in e.keywords if k.arg in (*AXES, "requires_grad", "dim", "dtype")}
        if any(k.arg not in (*AXES, "requires_grad", "dim", "dtype") for k in e.keywords):
            raise stop(e, "An argument of this call is not read")
        more.pop("dtype", None)
        if "dim" in more:
            more["axis"] = more.pop("dim")
        f = e.func
        if isinstance(f, ast.Name):
            return self.by_name(f.id, e, more)
        if not isinstance(f, ast.Attribute):
            raise stop(e, "This call is not read")
        if self.is_module(f.value):
            return self.by_name(f.attr, e, more)
        return self.method(f.attr, self.value(f.value), e, more)

    def is_module(self, e: ast.expr) -> bool:
        if isinstance(e, ast.Attribute):
            return e.attr in ("functional", "linalg", "special", "nn") and self.is_module(e.value)
        return isinstance(e, ast.Name) and e.id in MODULES and e.id not in self.names

    def by_name(self, name: str, e: ast.Call, more: dict[str, Any]) -> Any:
        wanted = bool(more.pop("requires_grad", False))
        args = [self.value(a) for a in e.args]
        if name in ("Variable", "Parameter") or name in TORCH:
            return self.tensor(args[0], wanted or name == "Parameter")
        if name in FUNCTIONS and (not isinstance(e.func, ast.Name) or name not in BUILTINS):
            return self.lifted(FUNCTIONS[name], args, **more)
        if name in BUILTINS and isinstance(e.func, ast.Name) and not more:
            return BUILTINS[name](*args)
        raise stop(e, f"{name} is not read in code")

    def tensor(self, v: Any, wanted: bool) -> Tensor:
        a = np.asarray(numeric(v), float)
        t = Tensor(lambda p: a, leaf=wanted)
        if wanted:
            t.value = lambda p: p.get(id(t), a)
        t.leaves = (t,)
        return t

    def method(self, name: str, v: Any, e: ast.Call, more: dict[str, Any]) -> Any:
        if name == "backward" and isinstance(v, Tensor):
            return self.backward(v, e)
        if name == "zero_" and isinstance(v, Gradient):
            v.of.added.clear()
            return None
        if name in ("item", "numpy", "detach", "cpu", "double", "float", "clone"):
            return v
        args = [self.value(a) for a in e.args]
        if name == "reshape" or name == "view":
            shape = args[0] if len(args) == 1 and isinstance(args[0], tuple) else tuple(args)
            return self.lifted(lambda a: np.reshape(a, shape), [v])
        if name == "astype":
            return np.asarray(numeric(v), TYPES.get(str(args[0]) if isinstance(args[0], str) else "float", float))
        if name == "t":
            return self.lifted(np.transpose, [v])
        if name in METHODS:
            return self.lifted(METHODS[name], [v, *args], **more)
        raise stop(e, f".{name}() is not read in code")

    def backward(self, v: Tensor, e: ast.Call) -> None:
        """Add the derivative to every leaf, as torch does."""
        if np.size(v.number()) != 1 or e.args:
            raise stop(e, "backward() is read for a single number")
        said = ast.unparse(e.func.value) if isinstance(e.func, ast.Attribute) else ""
        for x in v.leaves:
            if not x.leaf:
                continue
            a = np.asarray(x.number(), complex)
            made = np.zeros(a.shape)
            for at in np.ndindex(*a.shape):
                b = a.copy()
                b[at] += 1j * STEP
                made[at] = float(np.imag(np.sum(v.value({id(x): b}))) / STEP)
            x.added.append((said, e.lineno, made))


def numeric(v: Any) -> Any:
    """The numbers of a value."""
    if isinstance(v, Tensor):
        return v.number()
    if isinstance(v, Gradient):
        return v.of.grad
    return np.asarray(v, float) if isinstance(v, list) else v


def as_loaded(target: ast.expr) -> ast.expr:
    made = ast.parse(ast.unparse(target), mode="eval").body
    return ast.copy_location(made, target)
