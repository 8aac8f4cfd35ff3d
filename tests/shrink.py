"""The smallest loss that fails in the same way: trees are replaced by their parts while the failure stays.

Glossary   c: a Case; end: how a loss ends (wrong, crash) and what is said, less the numbers and names.
`python tests/shrink.py 0.1234` prints the smallest failing part of the loss of that seed.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from generate import Case, case
from iverson.core.errors import IversonError
from iverson.lang.show import show
from iverson.lang.surface import Equation, Surface, name, number, weight
from iverson.lang.syntax import parse_script
from iverson.meaning.verify import line

TRUTHS = ("rel", "and", "or", "not")
LEAVES = (number(1), *map(name, "abvwuXWYAM"))
NUMBERS = r"\[.*\]|'[^']*'|[-+]?\d[\d.e+-]*|\b[A-Za-z]{1,2}\b|: [^:]*gives.*"

End = Callable[[Case], str | None]


def parts(tree: Surface) -> Iterator[Surface]:
    """Trees that come of this one by leaving something out."""
    yield from (a for a in tree.args if a.op != "all")
    if tree.op in ("add", "and", "or") and len(tree.args) > 2:
        yield from (replace(tree, args=tree.args[:k] + tree.args[k + 1:]) for k in range(len(tree.args)))
    if tree.op in ("reduce", "call") and len(tree.args) > 1:
        yield replace(tree, args=tree.args[:-1])
    if tree.op not in ("num", "name"):
        yield from LEAVES
    for k, a in enumerate(tree.args):
        yield from (replace(tree, args=(*tree.args[:k], b, *tree.args[k + 1:])) for b in parts(a)
                    if (b.op in TRUTHS) == (a.op in TRUTHS))


def smaller(equations: Sequence[Equation]) -> list[list[Equation]]:
    """Scripts that come of this one by leaving something out, the shortest first."""
    rows = [[*equations[:k], *equations[k + 1:]] for k in range(len(equations) - 1)]
    for k, e in enumerate(equations):
        rows += [[*equations[:k], replace(e, body=b), *equations[k + 1:]] for b in parts(e.body)]
    return sorted((r for r in rows if length(r) < length(equations)), key=length)


def length(equations: Sequence[Equation]) -> int:
    return sum(weight(e.body) for e in equations) + len(equations)


def written(equations: Sequence[Equation], c: Case, anonymous: bool) -> Case:
    """The equations as a case with the declarations of `c` that it needs."""
    lines = [line(e) for e in equations]
    lines[-1] = show(equations[-1].body) if anonymous else lines[-1]
    words = set(re.findall(r"[A-Za-z]\w*", "\n".join(lines)))
    heads = [h for h in c.text.splitlines() if re.match(r"[A-Za-z]\w*: ", h)]
    sized = words & {"N", "D", "K"}
    kept = [h for h in heads if h.partition(":")[0] in {*words, c.wrt} or (sized and h[0] in "XY")]
    return replace(c, text="\n".join([*kept, *lines]))


def shrunk(c: Case, end: End, seconds: float = 60.0) -> Case:
    """The smallest case found in that time that ends as `c` does."""
    wanted, stop = end(c), time.monotonic() + seconds
    script = parse_script(c.text, [n for n, k in c.kinds.items() if k == "function"])
    equations, found = list(script.equations), c
    while wanted is not None:
        rows = ((r, written(r, c, script.anonymous)) for r in smaller(equations) if time.monotonic() < stop)
        better = next((r for r in rows if same(r[1], end, wanted)), None)
        if better is None:
            break
        equations, found = better
    return found


def same(c: Case, end: End, wanted: str) -> bool:
    try:
        return end(c) == wanted
    except IversonError:
        return False


def kind_of(report: str) -> str:
    """What a line of a tally says, less the numbers and names of the one loss."""
    return re.sub(NUMBERS, "_", report.splitlines()[0].partition("] ")[2])


def end_of(seed: str, order: int = 1) -> End:
    """How a case ends when it is judged with the draws of this seed; None when nothing is wrong with it."""
    from test_random import Tally

    def end(c: Case) -> str | None:
        tally = Tally()
        tally.end(seed, c, order)
        return kind_of(tally.wrong[0]) if tally.wrong else None

    return end


def told(seed: str, c: Case, order: int = 1, seconds: float = 60.0) -> str:
    """The smallest failing part of a loss, as a line."""
    small = shrunk(c, end_of(seed, order), seconds)
    return f"[{seed}] smallest: by {small.wrt}: {small.text!r}" + (f" {small.kinds} {small.sizes}" if small.kinds else "")


if __name__ == "__main__":
    for given in sys.argv[1:]:
        whole = case(given)
        reached = end_of(given)(whole)
        print(told(given, whole) if reached else f"[{given}] ends well", f"\n    {reached}", flush=True)
