"""What an answer rests on, as sentences beside it: declared structure, the chosen convention, conditions of a derivative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..lang.kinds import Input
from ..lang.show import show
from ..rules.calculus import CONDITION
from ..rules.facts import NOTES
from .conventions import fact_of
from .reverse import Adjoint


def notes(inputs: Mapping[str, Input], wrt: str, chosen: str, adjoint: Adjoint) -> list[str]:
    """The sentences for an answer by `wrt` under the convention `chosen`."""
    fact = fact_of(inputs.get(wrt))
    convention = [f"{fact} gradient: {chosen}"] if fact else []
    return [*declared_facts(i for i in inputs.values() if i.name != wrt), *conditions(adjoint), *convention]


def declared_facts(inputs: Iterable[Input]) -> list[str]:
    """What was declared of the inputs that are not differentiated by."""
    said = [(i.name, NOTES.get((i.facts[0], i.type.rank), NOTES.get(i.facts[0]))) for i in inputs if i.facts]
    return [text.format(n) for n, text in said if text]


def conditions(adjoint: Adjoint) -> list[str]:
    """What the derivatives of the whole-matrix functions on the way ask of their matrices."""
    program = adjoint.program
    made = {d.name: d.written.body for d in program.definitions if d.introduced and d.written is not None}
    asked = [d.body.attr for d in program.definitions if d.body.op == "tensor" and d.name in adjoint.names]
    found = [CONDITION[f].format(A=show(made[array]) if array in made else array) for f, array, *_ in asked if f in CONDITION]
    return [f"it asks for {text}" for text in dict.fromkeys(found)]
