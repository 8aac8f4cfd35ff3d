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
from .framework_blocks import in_blocks
from .framework_dialects import JAX, TORCH
from .numpy_code import Maker, build, function, functions, header
from .plan import gradient_plan, plan

FRAMEWORKS = {"torch": TORCH, "jax": JAX}

TORCH_CLASS = '''
def _scaled(upstream, gradient):
    """The product; the gradient itself where upstream is known to be 1."""
    if upstream.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
        try:
            if upstream.item() == 1.0:
                return gradient
        except RuntimeError:  # batched by torch.func.vmap
            pass
    return upstream*gradient


# Whether torch.func (grad, vmap and the rest) is at work; where torch does not say, as if it were.
_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)


class ClosedForm(torch.autograd.Function):
    """The loss with its gradient by {by} in closed form; the gradient can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward({all}):
        value, gradient = {whole}({all})
        return value, {gradients}

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*inputs, *output[1:])

    @staticmethod
    def backward(ctx, {up}, *_):
        {saved} = ctx.saved_tensors
        if torch.is_grad_enabled():  # differentiated again: the gradient as an expression of the inputs
            _, gradient = value_and_grad({all})
            {d} = {gradients}
        return {scaled}


class Direct(torch.autograd.Function):
    """ClosedForm where nothing traces or batches: a form that torch calls in half the time."""

    @staticmethod
    def forward(ctx, {all}):
        value, gradient = {whole}({all})
        ctx.save_for_backward({all}, {gradients})
        return value

    backward = staticmethod(ClosedForm.backward)


def loss({signature}):
    """The value of the loss; its backward pass is the gradient by {by} in closed form."""
{opening}    if not torch.is_grad_enabled():
        return value({used})
    for word, array in ({others}):
        if array.requires_grad:
            raise ValueError(f"{{word}} asks for a gradient, and this module has the one by {by} alone: write it by {{word}} as well")
    return ClosedForm.apply({all})[0] if torch.compiler.is_compiling() or _transformed() else Direct.apply({all})
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


def _backward(gradients, {up}):
    {d} = gradients
    if isinstance({up}, jax.custom_derivatives.SymbolicZero):
        return {nothing}
    return {returned}


closed_form.defvjp(_forward, _backward, symbolic_zeros=True)


def loss({signature}):
    """The value of the loss; jax.grad of it is the gradient by {by} in closed form."""
{opening}    return closed_form({all})
'''

TORCH_PRODUCT = '''
# Whether torch.func (grad, vmap and the rest) is at work; where torch does not say, as if it were.
_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)


class ClosedForm(torch.autograd.Function):
    """The definition with its derivative by {by} in closed form; the derivative can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward({all}):
        return value({used})

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, {up}):
        {saved} = ctx.saved_tensors
        gradient = pullback({pulled})
        {d} = {gradients}
        return {returned}


class Direct(torch.autograd.Function):
    """ClosedForm where nothing traces or batches: a form that torch calls in half the time."""

    @staticmethod
    def forward(ctx, {all}):
        ctx.save_for_backward({all})
        return value({used})

    backward = staticmethod(ClosedForm.backward)


def loss({signature}):
    """The value; its backward pass is the derivative by {by} in closed form."""
{opening}    if not torch.is_grad_enabled():
        return value({used})
    for word, array in ({others}):
        if array.requires_grad:
            raise ValueError(f"{{word}} asks for a gradient, and this module has the one by {by} alone: write it by {{word}} as well")
    return (ClosedForm if torch.compiler.is_compiling() or _transformed() else Direct).apply({all})
'''

JAX_PRODUCT = '''
@jax.custom_vjp
def closed_form({all}):
    """The definition with its derivative by {by} in closed form; the derivative can be differentiated again."""
    return value({used})


def _forward({all}):
    for word, array in ({others}):
        if array.perturbed:
            raise TypeError(f"a gradient by {{word}} is asked for, and this module has the one by {by} alone: write it by {{word}} as well")
    {d_all} = {values}
    return value({used}), ({d_all})


def _backward(inputs, {up}):
    {d_all} = inputs
    if isinstance({up}, jax.custom_derivatives.SymbolicZero):
        return {nothing}
    gradient = pullback({pulled})
    {d} = {gradients}
    return {returned}


closed_form.defvjp(_forward, _backward, symbolic_zeros=True)


def loss({signature}):
    """The value; its derivative by {by}, by jax.vjp, is the closed form."""
{opening}    return closed_form({all})
'''
TEMPLATES = {("torch", False): TORCH_CLASS, ("jax", False): JAX_CLASS, ("torch", True): TORCH_PRODUCT, ("jax", True): JAX_PRODUCT}


def framework_module(
    program: Program,
    answers: Mapping[str, Answer],
    target: str,
    text: str = "",
    formulas: Sequence[str] = (),
    products: tuple[Program, Mapping[str, Answer]] | None = None,
) -> str:
    """The module: value_and_grad, value, predict, and `loss`, which the framework differentiates by the closed form.

    products   of a result that is not scalar: the program and the answers of the products with the gradient by it
    """
    dialect = FRAMEWORKS[target]
    refuse_functions(program, target)
    wrt = tuple(answers)
    _, maker = build(program, gradient_plan(program, answers, True), "value_and_grad", wrt, (), dialect)
    whole = functions(program, answers, formulas, dialect)
    result = program.definition(program.result)
    if products is None:
        blocked = in_blocks(program, gradient_plan(program, answers, True), maker, wrt) if target == "torch" else None
        whole += [blocked] if blocked else []
        called = "(_in_blocks if _blocks_pay({}) else value_and_grad)".format(", ".join(maker.names[i.name] for i in maker.inputs))
        name = called if blocked else "value_and_grad"
        whole.append(TEMPLATES[target, False].format(**words(maker, target, wrt, program), whole=name))
    else:
        pulled_program, pulled = products
        whole.append(function(program, plan(program, [result], program.definitions), "value", wrt, (), dialect))
        p = gradient_plan(pulled_program, pulled, False)
        text_of, puller = build(pulled_program, p, "pullback", wrt, (), dialect)
        whole.append(text_of)
        whole.append(TEMPLATES[target, True].format(**words(maker, target, wrt, program, puller)))
    body = "\n\n".join(part.strip("\n") + "\n" for part in whole)
    return header(text, body, dialect) + body


def refuse_functions(program: Program, target: str) -> None:
    found = [i.name for i in program.inputs.values() if i.role == "function"]
    if found:
        raise IversonError(
            "unsupported",
            f"{found[0]} is a function, which no {target} module takes.",
            hint="Write the function out, or use the target numpy.",
        )


def words(
    maker: Maker, target: str, wrt: Sequence[str], program: Program, puller: Maker | None = None
) -> dict[str, str]:
    """What stands in the places of a template."""
    for n in {**maker.asked, **(puller.asked if puller else {})}:
        raise IversonError(
            "unsupported", f"No array tells the size {n.attr}, which a {target} module has to know.", hint="Declare its value."
        )
    missing = [w for w in wrt if w not in {i.name for i in maker.inputs}]
    if missing:
        raise IversonError("unsupported", f"The loss does not depend on {missing[0]}: there is nothing to differentiate.")
    names = {i.name: maker.names[i.name] for i in maker.inputs}
    up, one = maker.unused("upstream"), len(wrt) == 1
    d = {w: maker.unused(f"d_{names[w]}") for w in wrt}
    others = [names[i.name] for i in maker.inputs if i.name not in wrt and i.type.classes is None]
    own = "" if puller else f"{up}*"
    ended = "," if target == "jax" else ""
    saved = [*names.values(), *([] if puller else d.values())]
    called = [names[i.name] for i in reading(program, maker)]
    return {
        "all": ", ".join(names.values()),
        "by": ", ".join(wrt),
        "up": up,
        "used": ", ".join(called),
        "pulled": ", ".join(f"{puller.names[i.name]}={names.get(i.name, up)}" for i in puller.inputs) if puller else "",
        "values": ", ".join(f"{n}.value" for n in names.values()) + ended * (puller is not None),
        "gradients": "gradient" + ended * (not puller) if one else ", ".join(f"gradient[{w!r}]" for w in wrt),
        "saved": ", ".join(saved) + "," * (len(saved) == 1),
        "d_all": ", ".join(names.values()) + ",",
        "d": ", ".join(d.values()) + (ended * (not puller) if one else ""),
        "nothing": ", ".join("None" for _ in names) + ",",
        "returned": ", ".join(f"{own}{d[w]}" if w in d else "None" for w in names) + ended * (len(names) == 1),
        "scaled": ", ".join(f"_scaled({up}, {d[w]})" if w in d else "None" for w in names),
        "signature": ", ".join(map(maker.parameter, maker.inputs)),
        "opening": "".join(f"{row}\n" for row in maker.opening()),
        "others": ", ".join(f'("{n}", {n})' for n in others) + "," * (len(others) == 1),
    }


def reading(program: Program, maker: Maker) -> list[Input]:
    """The inputs that `value` takes."""
    value = Maker(program, plan(program, [program.definition(program.result)], program.definitions), maker.dialect, maker.wrt)
    value.body(False, ())
    return value.inputs
