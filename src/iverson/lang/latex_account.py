"""Nothing of a text passes silently: a statement is the loss, is used by it, is refused, or is named in the reading.

A statement that the loss does not use is refused where the loss would mean something else with it: it says over what an index of the loss
runs, it says when the loss holds, or it defines, in a form that is not read, what the loss would take for an input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.errors import IversonError, Span
from .latex_formulas import Formula, uses
from .latex_names import re_base
from .latex_parse import TexParser
from .latex_reader import Reader
from .latex_split import UPDATE, Statement, top_level
from .latex_symbols import plain
from .latex_tokens import Tok
from .latex_tree import Tex, walk
from .surface import names_in

HELD = ("if", "when", "unless", "whenever", "provided", "otherwise", "else", "若", "当", "如果")  # words that say when a formula holds
DEFINING = ("=", r"\approx", UPDATE)
MOST_SHOWN, MOST_LEFT_OUT = 60, 8


def account(found: Sequence[Statement], formulas: Sequence[Formula], goal: Formula, r: Reader) -> None:
    """Refuse what a statement outside of the loss would change; note the others in the reading."""
    used = [f for f in formulas if f is goal or (f.entry is not None and f.entry.kind == "definition" and uses(goal.body, f.entry, r))]
    own = {id(f.statement) for f in used}
    free = running_free(used)
    read = {n for q in r.equations for n in names_in(q.body)} if r.undeclared else set()
    inputs = {re_base(plain(e.key)): e.name for e in r.undeclared.values() if e.name in read}
    heads = {head for f in used if f.left is not None and (head := symbol_on_left(f.left))}
    displays = {f.statement.display for f in used}
    left_out: list[str] = []
    for p, s in enumerate(found):
        if id(s) in own:
            continue
        if s.display in displays:
            refuse_condition(s, r)
        refuse_range(s, found[p - 1] if p else s, free, r)
        refuse_lost(s, {k: v for k, v in inputs.items() if k not in heads}, r)
        left_out += [shown(s, r.source)] if counts(s) else []
    refuse_lone(goal, [f for f in formulas if id(f.statement) not in own], r)
    if left_out:
        more = f"; and {len(left_out) - MOST_LEFT_OUT} more" if len(left_out) > MOST_LEFT_OUT else ""
        r.notes[f"not part of the loss: {'; '.join(left_out[:MOST_LEFT_OUT])}{more}"] = None


def counts(s: Statement) -> bool:
    """Whether a statement says more than where a symbol lives, which derivative it has, or what number it goes by."""
    signs = [t for t in s.tokens if t.kind not in ("line", "num", "word", "speech") and t.text not in ("(", ")", ".", ",")]
    return s.kind not in ("claim", "membership") and len(signs) > 1


def shown(s: Statement, source: str) -> str:
    text = " ".join(source[s.span.start : s.span.end].split())
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."


# -- what the loss would mean otherwise --------------------------------------------------------------------------


def refuse_condition(s: Statement, r: Reader) -> None:
    """`L = x^2 if y > 0`: the formula before holds only then, or the one behind only otherwise."""
    word = s.after.split(" ")[0].lower() if s.after else ""
    if word in HELD:
        raise r.error("unsupported", "The formula before holds only under this condition.", s.span,
                      r"Write \begin{cases} ... \end{cases}, or an indicator \mathbb{1}\{...\}; or leave the condition out.")


def running_free(used: Sequence[Formula]) -> set[str]:
    r"""Letters under sum signs that say nothing of a range: \sum_i, \sum_{i,j}."""
    found: set[str] = set()
    for f in used:
        for t in walk(f.body):
            if t.op == "big" and t.sub and not t.sup:
                parts = [x for s in t.sub for x in (s.args if s.op == "row" else (s,))]
                if all(x.op == "sym" and not x.sub and not x.sup for x in parts):
                    found |= {str(x.attr) for x in parts}
    return found


def refuse_range(s: Statement, before: Statement, free: set[str], r: Reader) -> None:
    r"""\sum_{i,j} x_{ij} with i < j behind it: the sum runs over less."""
    if s.kind not in ("condition", "membership", "elided", "formula"):
        return
    plainly = [t for t in s.tokens if t.kind not in ("line", "speech", "word")]
    if not free & {t.text for t in unscripted(plainly)} or whole_range([t.text for t in plainly]) or (
            shortened([t.text for t in plainly], [t.text for t in before.tokens])):
        return
    if s.kind == "formula" and not (len(s.members) == 2 and [t.text for t in s.members[0]] in [[x] for x in free]):
        return
    raise r.error("ambiguous", "This says over what an index runs, apart from its sum sign.", s.span,
                  r"Write it under the sum: \sum_{i<j}, \sum_{i=2}^{n}.")


def unscripted(tokens: list[Tok]) -> Iterator[Tok]:
    """Symbols outside of scripts and parentheses, and those of a leading pair (i, j)."""
    before = ""
    for _, t in top_level([t for t in tokens if t.text not in ("(", ")")] if tokens and tokens[0].text == "(" else tokens):
        if t.kind == "sym" and before not in ("_", "^"):
            yield t
        before = t.text


def whole_range(texts: list[str]) -> bool:
    r"""i = 1, ..., n and its like: all that an index can be."""
    while texts and texts[0] == r"\forall":
        texts = texts[1:]
    while len(texts) > 2 and texts[0] == "(" and texts[-1] == ")":
        texts = texts[1:-1]
    if not any(x in ("=", "<", "<=", ">", ">=", "!=", r"\in") for x in texts):
        return True  # \forall i, and letters alone
    if r"\in" in texts:
        rest = texts[texts.index(r"\in") + 1 :]
        return (rest[:1] == ["["] and rest[-1:] == ["]"] and len(rest) == 3) or rest[:1] == [r"\mathbb{N}"] or (
            r"\ldots" in rest and rest[:2] in ([r"\{", "1"], [r"\{", "0"]))
    if r"\ldots" in texts:
        low, last = ends(texts)
        return (low in ("0", "1") and len(last) == 1) or (low == "0" and last[1:] == ["-", "1"])
    return len(texts) == 5 and texts[0] in ("0", "1") and texts[1] == texts[3] == "<="


def ends(texts: list[str]) -> tuple[str, list[str]]:
    """The first number of a range with dots, and what stands behind the dots."""
    at = texts.index("=") + 1 if "=" in texts else len(texts)
    last = texts[len(texts) - texts[::-1].index(r"\ldots") :]
    return texts[at] if at < len(texts) else "", last[1:] if last[:1] == [","] else last


def shortened(texts: list[str], before: list[str]) -> bool:
    """i = 1, ..., n - 1 behind a formula that reads i + 1."""
    texts = [x for x in texts if x not in ("(", ")")]
    if r"\ldots" not in texts:
        return False
    low, last = ends(texts)
    step = [texts[0], "+", *last[2:]]
    return low == "1" and len(last) == 3 and last[1] == "-" and any(before[p : p + 3] == step for p in range(len(before)))


def symbol_on_left(t: Tex) -> str | None:
    """The letter of what a left side defines."""
    if t.op == "row" and len(t.args) == 2 and t.args[1].op == "fence":
        t = t.args[0]
    while t.op == "group":
        t = t.args[0]
    return plain(str(t.attr)) if t.op == "sym" else None


def refuse_lost(s: Statement, inputs: dict[str, str], r: Reader) -> None:
    """A definition in a form that is not read, of a name that would become an input of the loss."""
    at = next((p for p, t in top_level(s.tokens) if t.text in DEFINING), None)
    if not at or s.kind in ("claim", "membership"):
        return
    try:
        head = symbol_on_left(TexParser(s.tokens[:at], r.source).whole())
    except IversonError:
        return
    if head in inputs:
        span = s.tokens[0].span.to(s.tokens[at - 1].span)
        raise r.error("unsupported", "The loss uses what stands here, and this definition of it is not read.", span,
                      "Define it as p_i = ..., or as p = ...; declare it with symbols= if it is an input.")


def refuse_lone(goal: Formula, others: list[Formula], r: Reader) -> None:
    """`L = x^2, y`: a symbol alone behind a formula is hardly the loss."""
    t = goal.body
    if goal.left is None and others and t.op in ("sym", "num", "group", "fence") and not any(x.op in ("add", "row", "op", "frac") for x in walk(t)):
        span: Span = goal.statement.span
        raise r.error("ambiguous", "A symbol stands alone here, and another formula could be the loss.", span, "Choose the loss with formula=.")
