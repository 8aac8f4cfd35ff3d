"""What happened: the steps of a computation, as nodes.  Texts are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core.node import Node


@dataclass(frozen=True, slots=True)
class Step:
    """`before = after` by `rule`; `axes` are the free indices both sides are functions of."""

    rule: str
    before: Node
    after: Node
    axes: tuple[Node, ...] = ()


@dataclass
class Section:
    """The steps that lead from one question to its answer.

    kind      local: the derivative of definition `subject` by an element of `wrt`
              chain: the gradient by `wrt`, from the gradients of the definitions that use it
    target    the element of `wrt` that is derived by; axes: the free indices of the first and every later line
    """

    kind: str
    subject: str
    wrt: str
    target: Node
    axes: tuple[Node, ...]
    start: Node
    steps: list[Step] = field(default_factory=list)

    def step(self, rule: str, after: Node) -> Node:
        """Record that the last line equals `after`; a line that changes nothing is not recorded."""
        before = self.end
        if after is not before:
            self.steps.append(Step(rule, before, after, self.axes))
        return after

    @property
    def end(self) -> Node:
        return self.steps[-1].after if self.steps else self.start
