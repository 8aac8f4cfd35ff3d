"""The torch functions that find a value and its gradient over blocks of samples, for processors with a cache.

Every sum over samples is added up over blocks that stay in the cache, so X is read from memory once and no temporary of the
number of samples is made.  Where the framework compiles, batches or runs elsewhere, the whole arrays are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.program import Program
from .framework_dialects import TORCH
from .numpy_code import Maker, build
from .one_pass import Blocks, blocks
from .plan import Plan

GIVEN = replace(TORCH, array={**TORCH.array, "own": "{0}"})  # what the blocks have made is nobody else's
AHEAD = "        {}.sum()  # brings the block into the cache, sooner than a product with a vector does\n"
DRIVER = '''
def _blocks_pay({all}):
    """Whether the arrays are large, in the memory of a processor, and not traced."""
    return {wide}.device.type == "cpu" and {wide}.numel() > {least} and not torch.compiler.is_compiling()


def _in_blocks({all}):
    """value_and_grad, over blocks of samples that stay in the cache."""
    {count} = {wide}.shape[{axis}]
    step = max(1, {size}*torch.get_num_threads()*{count}//({wide}.numel()*{wide}.element_size()))
    found = []
    for start in range(0, {count}, step):
{ahead}        found.append({sums})
    totals = {totals}
    return _from_sums({closed})
'''


def in_blocks(program: Program, p: Plan, maker: Maker, wrt: Sequence[str]) -> str | None:
    """The functions, for a loss that is a pass over samples with matrices of data; None for others."""
    b = blocks(p, program)
    if b is None or b.given:
        return None
    inputs = {i.name: i for i in maker.inputs}
    real = [(n, axis) for n, axis in b.axes if n in inputs and inputs[n].type.classes is None]
    tall = [(n, axis) for n, axis in real if inputs[n].type.rank > 1]
    if not real or (not tall and any(d.indices for d in b.sums.definitions if d.name in b.names)):
        return None
    sums, adder = build(b.program, b.sums, "_sums", (), (), TORCH)
    closed, closer = build(b.closing, b.closed, "_from_sums", tuple(wrt), (), GIVEN)
    if adder.asked or closer.asked:
        return None
    return "\n\n".join([sums, closed, driver(b, maker, adder, closer, (tall or real)[0], bool(tall))])


def driver(b: Blocks, maker: Maker, adder: Maker, closer: Maker, wide: tuple[str, int], tall: bool) -> str:
    """The loop over blocks."""
    axes = dict(b.axes)
    count = next(n for n in ("count", *(f"count{k}" for k in range(1, 100))) if n not in maker.taken)

    def block(name: str) -> str:
        code = maker.names[name]
        return f"{code}[{':, ' * axes[name]}start:start + step]" if name in axes else code

    given = {i.name: count if i.name == b.count else block(i.name) for i in adder.inputs}
    sums = f"_sums({', '.join(f'{adder.names[n]}={code}' for n, code in given.items())})"
    places = {n: f"totals[{p}]" for p, n in enumerate(b.names)}
    added, joined = len(b.names) - len(b.rows), [axis for _, axis in b.rows]
    parts = ", ".join(f"torch.cat([block[{added + p}] for block in found], {axis})" for p, axis in enumerate(joined))
    totals = f"[sum(column) for column in {'zip(*found)' if not joined else f'list(zip(*found))[:{added}]'}]"
    closed = ", ".join(f"{closer.names[i.name]}={places.get(i.name) or maker.names[i.name]}" for i in closer.inputs)
    return DRIVER.format(
        all=", ".join(maker.names[i.name] for i in maker.inputs), wide=maker.names[wide[0]], axis=wide[1], count=count,
        ahead=AHEAD.format(block(wide[0])) if tall and all(len(s.indices) < 2 for s in b.sums.definitions) else "",
        size="2**21" if tall else "2**17", least="2**18" if tall else "2**16",
        totals=f"{totals} + [{parts}]" if joined else totals,
        sums=sums if len(b.names) > 1 else f"({sums},)", closed=closed,
    )  # fmt: skip
