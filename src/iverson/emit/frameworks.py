"""Modules that paste into a project of torch or JAX: a loss whose gradient is the closed form.

Glossary   answers: by input, what derivation/answer.py gives; pair: the function value_and_grad.
Of a scalar loss the gradient is found on the way forward, with the value.  What the backward pass returns is an
expression of the inputs, so the framework differentiates it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.errors import IversonError
from ..core.program import Program
from ..derivation.answer import Answer
from ..lang.kinds import Input
from .dialects import Dialect
from .framework_dialects import JAX, TORCH
from .numpy_code import Maker, build, functions, header
from .plan import gradient_plan

FRAMEWORKS = {"torch": TORCH, "jax": JAX}

TORCH_CLASS = '''
class ClosedForm(torch.autograd.Function):
    """The loss with its gradient by {by} in closed form; the gradient can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward({all}):
        value, gradient = value_and_grad({all})
        return value, {gradients}

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*inputs, *output[1:])

    @staticmethod
    def backward(ctx, upstream, *_):
        {saved} = ctx.saved_tensors
        if torch.is_grad_enabled():  # differentiated again: the gradient as an expression of the inputs
            _, gradient = value_and_grad({all})
            {d} = {gradients}
        return {returned}


def loss({signature}):
    """The value of the loss; its backward pass is the gradient by {by} in closed form."""
{opening}    if not torch.is_grad_enabled():
        return value({used})
    for word, array in ({others}):
        if array.requires_grad:
            raise ValueError(f"{{word}} asks for a gradient, and this module has the one by {by} alone: write it by {{word}} as well")
    return ClosedForm.apply({all})[0]
'''

JAX_CLASS = '''
@jax.custom_vjp
def closed_form({all}):
    """The loss with its gradient by {by} in closed form; the gradient can be differentiated again."""
    return value({used})


def _forward({all}):
    for word, array in ({others}):
        if array.perturbed:
            raise TypeError(f"a gradient by {{word}} is asked for, and this module has the one by {by} alone: write it by {{word}} as well")
    value, gradient = value_and_grad({values})
    return value, ({gradients})


def _backward(gradients, upstream):
    {d} = gradients
    if isinstance(upstream, jax.custom_derivatives.SymbolicZero):
        return {nothing}
    return {returned}


closed_form.defvjp(_forward, _backward, symbolic_zeros=True)


def loss({signature}):
    """The value of the loss; jax.grad of it is the gradient by {by} in closed form."""
{opening}    return closed_form({all})
'''
TEMPLATES = {"torch": TORCH_CLASS, "jax": JAX_CLASS}


def framework_module(
    program: Program, answers: Mapping[str, Answer], target: str, text: str = "", formulas: Sequence[str] = ()
) -> str:
    """The module: value_and_grad, value, predict, and `loss`, which the framework differentiates by the closed form."""
    dialect = FRAMEWORKS[target]
    refuse_functions(program, target)
    wrt = tuple(answers)
    _, maker = build(program, gradient_plan(program, answers, True), "value_and_grad", wrt, (), dialect)
    whole = [*functions(program, answers, formulas, dialect), wrapper(maker, target, wrt, program)]
    body = "\n\n".join(part.strip("\n") + "\n" for part in whole)
    return header(text, body, dialect) + body


def refuse_functions(program: Program, target: str) -> None:
    found = [i.name for i in program.inputs.values() if i.role == "function"]
    if found:
        raise IversonError(
            "unsupported", f"{found[0]} is a function, which no {target} module takes.", hint="Write the function out, or use the target numpy."
        )


def wrapper(maker: Maker, target: str, wrt: Sequence[str], program: Program) -> str:
    """The function that the framework differentiates."""
    if maker.asked:
        n = next(iter(maker.asked))
        raise IversonError("unsupported", f"No array tells the size {n.attr}, which a {target} module has to know.", hint="Declare its value.")
    names = {i.name: maker.names[i.name] for i in maker.inputs}
    names_of_inputs = {n: w for w, n in names.items()}
    d = {w: maker.unused(f"d_{names[w]}") for w in wrt}
    gradients = ", ".join(f"gradient[{w!r}]" for w in wrt) if len(wrt) > 1 else "gradient"
    others = [n for i, n in zip(maker.inputs, names.values(), strict=True) if i.name not in wrt and i.type.classes is None]
    value_inputs = build_inputs(program, maker)
    return TEMPLATES[target].format(
        all=", ".join(names.values()),
        by=", ".join(wrt),
        used=", ".join(value_inputs),
        values=", ".join(f"{n}.value" for n in names.values()),
        gradients=gradients + ("," if target == "jax" and len(wrt) == 1 else ""),
        saved=", ".join([*names.values(), *d.values()]),
        d=", ".join(d.values()) + ("," if len(wrt) == 1 and target == "jax" else ""),
        nothing=", ".join("None" for _ in names),
        returned=", ".join(f"upstream*{d[names_of_inputs[n]]}" if names_of_inputs[n] in d else "None" for n in names.values()) + ("," if len(names) == 1 and target == "jax" else ""),
        signature=", ".join(map(maker.parameter, maker.inputs)),
        opening="".join(f"{row}\n" for row in maker.opening()),
        others=", ".join(f'("{n}", {n})' for n in others) + ("," if len(others) == 1 else ""),
    )


def build_inputs(program: Program, maker: Maker) -> list[str]:
    """The arguments of `value`, by the names they have in the pair."""
    from .plan import plan

    value = Maker(program, plan(program, [program.definition(program.result)], program.definitions), maker.dialect)
    value.body(False, ())
    return [maker.names[i.name] for i in value.inputs]
