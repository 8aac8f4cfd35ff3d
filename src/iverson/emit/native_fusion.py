"""Which computations share a loop over the samples of a tile, so that what one makes the next reads from a register.

Glossary   part: one computation; its loops stand around the one over the lanes.  A part with `tile` is done for the whole tile
at once (a product, a scatter, a store) and shares no loop.  group: parts with the same loops, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..core.node import Node, walk
from .native_values import Scope


@dataclass(frozen=True)
class Part:
    """One computation.

    loops    the indices around it;  reads: what it is computed from
    name     the row it makes, with its indices where each entry is made once; none where entries are added to
    text     the statement of one sample;  tile: writes the lines of a whole tile
    """

    sample: Node
    loops: tuple[Node, ...] = ()
    reads: tuple[Node, ...] = ()
    name: str = ""
    indices: tuple[Node, ...] | None = None
    text: Callable[[Scope], str] | None = None
    tile: Callable[[], None] | None = None
    needs: tuple[str, ...] = field(default=())

    @property
    def sizes(self) -> tuple[Node, ...]:
        return tuple(i.attr[1] for i in self.loops)


def entries(p: Part) -> Iterator[Node]:
    for f in p.reads:
        yield from (g for g in walk(f) if g.op == "el")


def grouped(parts: Sequence[Part]) -> list[list[Part]]:
    """Each part in the first group with its loops that comes after what it reads."""
    groups: list[list[Part]] = []
    places: dict[str, tuple[int, Part]] = {}
    for p in parts:
        first = max((places[n][0] + 1 for n in (*p.needs, p.name) if n in places), default=0)
        for g in entries(p):
            if g.attr in places:
                at, maker = places[g.attr]
                first = max(first, at if meets(maker, p, g) else at + 1)
        found = len(groups)
        if p.tile is None:
            found = next((k for k in range(first, len(groups)) if groups[k][0].tile is None and groups[k][0].sizes == p.sizes), found)
        if found == len(groups):
            groups.append([])
        groups[found].append(p)
        if p.name:
            places[p.name] = (found, p)
    return groups


def meets(maker: Part, reader: Part, f: Node) -> bool:
    """Whether the entry that the reader wants is the one that the maker makes in the same turn of the loops."""
    if maker.tile or reader.tile or maker.indices is None or maker.sizes != reader.sizes:
        return False
    for i, t in zip(maker.indices, f.args, strict=True):
        same = t is reader.sample if i is maker.sample else t in reader.loops and maker.loops.index(i) == reader.loops.index(t)
        if not same:
            return False
    return True


def passing(groups: Sequence[Sequence[Part]], kept: frozenset[str]) -> set[str]:
    """Rows that no other group reads: they need no buffer."""
    made = {p.name: k for k, group in enumerate(groups) for p in group if p.name and p.indices is not None and p.tile is None}
    often = {p.name for group in groups for p in group if p.name and p.indices is None}
    elsewhere = {n for k, group in enumerate(groups) for p in group for n in (*p.needs, *(g.attr for g in entries(p))) if made.get(n) != k}
    return set(made) - often - elsewhere - kept
