"""Reverse mode over definitions: from the result back to the inputs, one local derivative and one chain at a time.

Glossary   q: a definition; r: something it reads; dq[a]: the gradient of the result by q[a], itself a definition.
dr[b] = sum over q of sum[a] dq[a] * (d q[a] / d r[b]).  What was done is left in `sections`, in the order it was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..core.errors import IversonError
from ..core.node import ONE, Node, add, bracket, el, fresh, mul, reads, rel, sum_
from ..core.program import Definition, Program
from ..lang.shapes import array
from ..rewrite.collapse import collapse
from ..rewrite.trace import Section
from .differential import differential_of, with_beside
from .local import deriv, derive_local, fold
from .recognise import recognised
from .roots import parted
from .tidy import tidy

SHORT = 16  # nodes of a scalar gradient that is put into the next one at once


@dataclass
class Adjoint:
    """The gradients by every definition on the way, and by the inputs asked for.

    forward    the definitions the gradients read, in order;  adjoints: those of the definitions, from the result back
    gradients  by input;  outputs: leading indices of a Jacobian, one for each axis of the result
    """

    program: Program
    adjoints: list[Definition] = field(default_factory=list)
    gradients: dict[str, Definition] = field(default_factory=dict)
    outputs: tuple[Node, ...] = ()
    sections: list[Section] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


def reverse(program: Program, wrt: Sequence[str], upstream: str | None = None) -> Adjoint:
    """Gradients (for a scalar result or an upstream gradient) or Jacobians of the program's result by the inputs `wrt`."""
    run = Reverse(with_beside(program), tuple(wrt), upstream)
    return run.go()


class Reverse:
    """One reverse sweep."""

    def __init__(self, program: Program, wrt: tuple[str, ...], upstream: str | None) -> None:
        self.program, self.wrt, self.upstream = program, wrt, upstream
        self.out = Adjoint(program)
        self.taken = program.names()
        self.known = {d.name: d for d in program.definitions if d.body.op != "tensor"}
        self.parts: dict[str, list[tuple[Definition, Node]]] = {}
        self.useful = self._useful()

    def _useful(self) -> set[str]:
        """Definitions and inputs through which the result depends on an input of `wrt`."""
        useful = set(self.wrt)
        for d in self.program.definitions:
            if d.name not in self.wrt and self._reads(d) & useful:
                useful.add(d.name)
        return useful

    def _reads(self, d: Definition) -> frozenset[str]:
        return reads(d.body)

    def go(self) -> Adjoint:
        result = self.program.definition(self.program.result)
        self._seed(result)
        for d in reversed(self.program.definitions):
            if d.name in self.parts and d.name not in self.wrt:
                self._through(d)
        for name in self.wrt:
            self._finish(name)
        return self.out

    def _seed(self, result: Definition) -> None:
        terms = tuple(fresh(i.attr[1]) for i in result.indices)
        if self.upstream is None:
            self.out.outputs = tuple(fresh(i.attr[1]) for i in result.indices)
        if result.name not in self.useful:
            return
        if self.upstream is not None:
            body = el(self.upstream, terms)
        elif not terms:
            body = ONE
        else:
            body = mul(*(bracket(rel("=", a, b)) for a, b in zip(self.out.outputs, terms, strict=True)))
        self.parts[result.name] = [(Definition("", terms, body), body)]

    def _through(self, d: Definition) -> None:
        """Close the gradient by `d` and pass it on to everything `d` reads."""
        outer = self._close(d.name, d.indices)
        if outer is None:
            return
        for name in sorted(self._reads(d) & self.useful):
            self._pass(d, outer, name)

    def _pass(self, d: Definition, outer: Definition, name: str) -> None:
        indices = tuple(fresh(n) for n in self._dims(name))
        target = el(name, indices)
        body = differential_of(d, self.program, name) if d.body.op == "tensor" else parted(d.body, self.known)
        wanted = el("d" + name, indices) if d.body.op == "tensor" else target
        local = Section("local", d.name, name, wanted, (*d.indices, *indices), deriv(body, wanted))
        if d.body.op != "tensor":
            body = recognised(local, body, wanted)
        jacobian = derive_local(local)
        if not (self.program.anonymous and d.name == self.program.result):
            jacobian = local.step("name", fold(d if d.body.op == "tensor" else replace(d, body=body), jacobian))
        self.out.sections.append(local)
        upstream = self._factor(outer, d.indices)
        about = frozenset((*d.indices, *indices, *self.out.outputs))
        chained = sum_(d.indices, mul(upstream, jacobian))
        chain = Section("chain", d.name, name, target, (*self.out.outputs, *indices), chained)
        part = chain.step("collapse", collapse(chained, about))
        part = chain.step("tidy", tidy(part))
        self.out.sections.append(chain)
        self.parts.setdefault(name, []).append((Definition("", indices, part), part))

    def _factor(self, outer: Definition, indices: tuple[Node, ...]) -> Node:
        """The gradient by q at the definition's own indices: by name, or in full where it is simple."""
        short = outer.body.op in ("num", "el") or (not outer.indices and outer.body.size <= SHORT)
        if self.out.outputs or short:
            return outer.at(indices)
        return el(outer.name, indices)

    def _dims(self, name: str) -> tuple[Node, ...]:
        if name in self.program.inputs:
            return self.program.inputs[name].type.dims
        return tuple(i.attr[1] for i in self.program.definition(name).indices)

    def _close(self, name: str, indices: Iterable[Node]) -> Definition | None:
        """The sum of all contributions to the gradient by `name`, as a definition d<name>."""
        new = tuple(fresh(i.attr[1]) for i in indices)
        total = tidy(add(*(part.at(new) for part, _ in self.parts[name])))
        form = self._form(name)
        closed = Definition(self._name("d" + name, name), new, total, form)
        if name != self.program.result or self.upstream is not None:
            self.out.adjoints.append(closed)
        return closed

    def _form(self, name: str) -> str:
        if name in self.program.inputs:
            return self.program.inputs[name].type.form
        return self.program.definition(name).form

    def _name(self, wanted: str, of: str) -> str:
        name = wanted
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.out.names[of] = name
        return name

    def _finish(self, name: str) -> None:
        indices = tuple(fresh(n) for n in self._dims(name))
        total = tidy(add(*(p.at(indices) for p, _ in self.parts.get(name, []))))
        form = self._form(name)
        if self.out.outputs:
            indices = (*self.out.outputs, *indices)
            form = array(tuple(i.attr[1] for i in indices)).form
        self.out.gradients[name] = Definition(self._name("d" + name, name), indices, total, form)


def require_inputs(program: Program, wrt: Sequence[str]) -> None:
    """Refuse what cannot be derived by, by name."""
    for name in wrt:
        if name not in program.names():
            raise IversonError(
                "name", f"{name} does not occur in the loss.", hint="It has: " + ", ".join(program.inputs)
            )
        if name in program.inputs and program.inputs[name].role in ("label", "function"):
            raise IversonError(
                "kind", f"{name} is a {program.inputs[name].role}; a derivative needs a real input."
            )
