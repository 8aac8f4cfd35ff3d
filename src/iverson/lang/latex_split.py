r"""The tokens of a display to statements: environments unwrapped, lines joined, what is a formula told from what is not.

A statement is `left = body`, of a chain the last member; a membership, a condition or a claim about a derivative defines nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..core.errors import IversonError, Span
from .latex_tokens import Tok
from .latex_words import CASES, GRIDS, LISTS, PREFIXES, RELATIONS

STOP, UPDATE = "s.t.", r"\gets"
OPEN, CLOSE = frozenset(["(", "[", "{", r"\{", r"\langle", r"\begin"]), frozenset([")", "]", "}", r"\}", r"\rangle", r"\end"])
JOINS = frozenset(["+", "-", r"\cdot", r"\times", "*", r"\odot", r"\circ", r"\otimes", "/", *RELATIONS])
PARTS = frozenset([",", ";", ".", r"\\", "\n", r"\quad", r"\Rightarrow", "、"])
RELATIONAL = frozenset(["<", ">", "<=", ">=", "!=", r"\in"])
LOOSE = (r"\approx", r"\propto", r"\sim", "<", ">", "<=", ">=", "!=", r"\succ", r"\succeq", r"\preceq", r"\prec", r"\perp", r"\subset")


@dataclass
class Statement:
    """kind is formula, membership, condition, claim, constraint, update or elided.

    members   what equality signs part, the first is the left;  after: the words before it, s.t. among them
    """

    kind: str
    tokens: list[Tok]
    members: list[list[Tok]] = field(default_factory=list)
    searched: tuple[Tok, ...] = ()  # the symbols under a leading \min
    display: int = 0
    after: str = ""

    @property
    def span(self) -> Span:
        return self.tokens[0].span.to(self.tokens[-1].span)


def statements(displays: Iterable[list[Tok]], source: str) -> list[Statement]:
    """Every statement of a text, in order."""
    found = []
    for number, tokens in enumerate(displays):
        for part, after in parts(unwrapped(whole_ranges(tokens), source)):
            s = classified(part)
            s.display, s.after = number, after
            if STOP in after:
                s.kind, s.searched = "constraint", ()
            found.append(s)
    return found


def whole_ranges(tokens: list[Tok]) -> list[Tok]:
    """`k \\in \\{1, \\dots, K\\}` as `k \\in [K]`."""
    out: list[Tok] = []
    at = 0
    while at < len(tokens):
        t = tokens[at]
        out.append(t)
        at += 1
        if t.text == "=" and len(out) > 2 and out[-3].text == "{" and out[-2].kind == "sym" and (stop := range_end(tokens, at)) is not None:
            last = next(p for p in range(stop - 1, at, -1) if tokens[p].text == ",") + 1
            out[-2:] = [tokens[at], replace(t, text="<="), out[-2], replace(t, text="<="), *tokens[last:stop]]
            at = stop
        if t.text != r"\in" or at >= len(tokens) or tokens[at].text != r"\{":
            continue
        stop = next((p for p in range(at, min(at + 16, len(tokens))) if tokens[p].text == r"\}"), None)
        inner = [x.text for x in tokens[at + 1 : stop]] if stop is not None else []
        if inner[:2] == ["1", ","] and inner[-3:-1] == [r"\ldots", ","] and inner[2:-3] in ([], ["2", ","], ["2", ",", "3", ","]) and stop:
            out += [replace(tokens[at], text="["), tokens[stop - 1], replace(tokens[stop], text="]")]
            at = stop + 1
    return out


def range_end(tokens: list[Tok], at: int) -> int | None:
    """Where 1, \\dots, m} ends, if that stands here."""
    stop = next((p for p in range(at, min(at + 16, len(tokens))) if tokens[p].text == "}"), None)
    inner = [x.text for x in tokens[at:stop]] if stop is not None else []
    return stop if inner[:2] == ["1", ","] and r"\ldots" in inner[2:5] and "," in inner[3:] else None


# -- environments -------------------------------------------------------------------------------------------


def unwrapped(tokens: list[Tok], source: str) -> list[Tok]:
    """Environments that only set lines are gone; those that mean something are \\begin and \\end tokens that know their name."""
    out: list[Tok] = []
    stack: list[str] = []
    opened: list[tuple[str, Span]] = []
    braces = [0]
    at = 0
    while at < len(tokens):
        t = tokens[at]
        at += 1
        if t.text in (r"\begin", r"\end"):
            name, at = _name(tokens, at, source)
            opened = [*opened, (name, t.span)] if t.text == r"\begin" else opened[:-1]
            at = _environment(t, name, out, stack, braces, tokens, at, source)
            continue
        if t.kind == "line" and stack:
            continue
        braces[-1] += (t.text == "{") - (t.text == "}")
        if t.text == r"\\":
            at = _after_break(tokens, at)
            if braces[-1] > 0:
                t = replace(t, text=",", kind="op")
        elif t.text == "&" and (not stack or stack[-1] == "list"):
            if _aligned(out, tokens, at):
                continue
            t = replace(t, text=r"\quad", kind="cmd")  # a column of another formula
        out.append(replace(t, text="\n") if t.kind == "line" and t.text == "\n" else t)
    if stack:
        raise IversonError("syntax", f"This \\begin{{{opened[-1][0]}}} is never ended.", opened[-1][1],
                           hint=f"Add \\end{{{opened[-1][0]}}}.", source=source)
    return out


def _aligned(out: list[Tok], tokens: list[Tok], at: int) -> bool:
    """Whether the & before `at` stands where a line starts, or beside a sign: it sets a line and says nothing else."""
    before = next((t for t in reversed(out) if t.kind != "line"), None)
    after = next((t for t in tokens[at:] if t.kind != "line"), None)
    if before is None or after is None or before.kind == "speech" or after.kind == "speech":
        return True
    row = next((p for p in range(len(out) - 1, -1, -1) if out[p].text == r"\\"), -1) + 1
    return before.text in (*PARTS, *JOINS) or after.text in (*PARTS, *JOINS, *LOOSE, "&", r"\in", r"\end") or out[row].text in PREFIXES


def _environment(
    t: Tok, name: str, out: list[Tok], stack: list[str], braces: list[int], tokens: list[Tok], at: int, source: str
) -> int:
    if t.text == r"\end":
        if not stack:
            raise IversonError("syntax", f"This \\end{{{name}}} closes nothing.", t.span, source=source)
        what = stack.pop()
        braces.pop()
        if what != "list":
            out.append(replace(t, text=r"\end", side=what))
        else:
            out.append(replace(t, kind="cmd", text=r"\\"))
        return at
    braces.append(0)
    if name in ("array", "alignat", "alignedat", "tabular") and at < len(tokens) and tokens[at].text == "{":
        while at < len(tokens) and tokens[at].text != "}":
            at += 1
        at += 1
    previous = next((x for x in reversed(out) if x.kind != "line"), None)
    if name in CASES or (previous is not None and previous.text == r"\{" and name in (LISTS | GRIDS)):
        if name not in CASES and previous is not None:
            del out[len(out) - 1 - out[::-1].index(previous)]
        what = "cases"
    elif name in GRIDS:
        what = name
    elif name in LISTS:
        stack.append("list")
        out.append(replace(t, kind="cmd", text=r"\\")) if not _under_way(out) else None
        return at
    else:
        raise IversonError("unsupported", f"The environment {name} is not read.", t.span, source=source)
    stack.append(what)
    out.append(replace(t, text=r"\begin", side=what))
    return at


def _under_way(out: list[Tok]) -> bool:
    """Whether the environment continues a formula: `L = \\begin{aligned} ...`."""
    return bool(out) and out[-1].text not in (*PARTS, r"\\")


def _name(tokens: list[Tok], at: int, source: str) -> tuple[str, int]:
    letters = []
    start = at
    while at < len(tokens) and tokens[at].text != "}":
        letters.append(tokens[at].text)
        at += 1
    if at >= len(tokens) or not letters or letters[0] != "{":
        raise IversonError("syntax", "\\begin and \\end take the name of an environment in braces.",
                           tokens[min(start, len(tokens)) - 1].span, source=source)
    return "".join(letters[1:]).rstrip("*"), at + 1


def _after_break(tokens: list[Tok], at: int) -> int:
    """Behind the length in `\\\\[2pt]`."""
    if at + 1 < len(tokens) and tokens[at].text == "[" and tokens[at + 1].kind in ("num", "op") and tokens[at + 1].text[0] in "0123456789.-":
        for p in range(at, min(at + 6, len(tokens))):
            if tokens[p].text == "]":
                return p + 1
    return at


# -- parts --------------------------------------------------------------------------------------------------


def parts(tokens: list[Tok]) -> list[tuple[list[Tok], str]]:
    """The statements of one display with the words before each; what follows `s.t.` are constraints, to the end."""
    found: list[list[Tok]] = []
    words: list[str] = []
    said, stopped = "", False
    now: list[Tok] = []
    depth, sign = 0, "start"

    def close() -> None:
        _close(found, now, sign)
        words.extend([said] * (len(found) - len(words)))

    skip = 0
    for at, t in enumerate(tokens):
        if skip:
            skip -= 1
            continue
        subject = not stopped and _subject(tokens, at)
        if subject or (t.kind == "speech" and t.text == STOP):
            close()
            now, sign, depth, said, stopped, skip = [], "speech", 0, STOP, True, 2 if subject else 0
            continue
        depth = max(0, depth + (t.text in OPEN) - (t.text in CLOSE))
        if t.text == r"\forall" and not depth:
            close()
            now, sign = [t], "forall"
            continue
        if depth and t.text in ("\n", r"\quad"):
            continue
        if not depth and t.text in (",", "、") and _elided(tokens, at):
            now.append(t)
            continue
        if not depth and (t.text in PARTS or t.kind == "speech"):
            close()
            before = STOP if stopped else said if not now else ""
            said = f"{before} {t.text}".strip() if t.kind == "speech" else before
            now, sign = [], _stronger(sign, t) if not now else t.text if t.kind != "speech" else "speech"
        else:
            now.append(t)
    close()
    return list(zip(found, words, strict=True))


def _elided(tokens: list[Tok], at: int) -> bool:
    """A comma of a range, i = 1, ..., n; one within a number is refused."""
    near = [t for t in (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2])]
    ahead = [t.text for t in tokens[at + 1 : at + 8]]
    if any(t.text == r"\ldots" for t in near) or (r"\ldots" in ahead and all(x == "," or x.isdigit() for x in ahead[: ahead.index(r"\ldots")])):
        return True  # 1, 2, ..., n
    if len(near) == 2 and near[0].kind == near[1].kind == "num" and near[1].end - near[0].start == len(near[0].text) + len(near[1].text) + 1:
        raise IversonError("ambiguous", "A comma parts two formulas, or belongs to a number.", near[0].span.to(near[1].span),
                           hint=r"Write 1000 or 1{,}000, and 0.5 with a point.")
    return False


def _stronger(sign: str, t: Tok) -> str:
    """Of two marks in a row, the one that parts more."""
    new = "speech" if t.kind == "speech" else t.text
    order = ("start", r"\quad", r"\\", "\n", ",", ";", ".", "、", r"\Rightarrow", "speech")
    return max(sign, new, key=order.index) if sign in order and new in order else new


def _subject(tokens: list[Tok], at: int) -> bool:
    """The letters `s.t.`"""
    return tokens[at].text == "s" and [t.text for t in tokens[at : at + 3]] == ["s", ".", "t"] and tokens[at + 2].end - tokens[at].start <= 5


def _without_range(tokens: list[Tok]) -> list[Tok]:
    """A formula without the range of its index behind it: (i = 1, ..., n)."""
    if len(tokens) < 5 or tokens[-1].text != ")":
        return tokens
    depth = 0
    for p in range(len(tokens) - 1, 0, -1):
        depth += (tokens[p].text == ")") - (tokens[p].text == "(")
        if depth == 0:
            inner = [t.text for t in tokens[p + 1 : -1]]
            ranged = (inner[1:2] == ["="] and r"\ldots" in inner) or r"\in" in inner[1:3]
            return tokens[:p] if ranged else tokens
    return tokens


def _close(found: list[list[Tok]], now: list[Tok], sign: str) -> None:
    now = _without_range([t for t in now if t.text != "\n"] or now)
    if not now or all(t.text == "\n" for t in now):
        return
    starts = now[0].text
    joined = bool(found) and (
        (sign in (r"\\", "\n", r"\quad", ",") and starts == "=")
        or (sign in (r"\\", r"\quad") and starts in JOINS)
        or (sign == "\n" and starts in JOINS and starts != "-")
        or (sign in (r"\\", "\n", r"\quad") and found[-1][-1].text in JOINS)
    )
    if joined:
        found[-1] += now
    else:
        found.append(now)


def classified(tokens: list[Tok]) -> Statement:
    """What kind of statement these tokens are."""
    searched, rest = searched_for(tokens)
    texts = {t.text for t in rest}
    if texts & {r"\partial", r"\nabla"} or _total(rest):
        return Statement("claim", tokens)
    while len(rest) > 2 and rest[0].text == "(" and _closing(rest) == len(rest) - 1 and {t.text for t in rest} & RELATIONAL:
        rest = rest[1:-1]
    level = list(top_level(rest))
    at_top = {t.text for _, t in level}
    if r"\in" in at_top or r"\forall" in at_top or r"\subseteq" in at_top:
        return Statement("membership", tokens)
    if UPDATE in at_top:
        return Statement("update", tokens)
    if r"\ldots" in texts or "\u2026" in texts:
        return Statement("elided", tokens)
    if at_top & set(LOOSE):
        return Statement("condition", tokens)
    members: list[list[Tok]] = [[]]
    marks = {p for p, t in level if t.text == "="}
    for p, t in enumerate(rest):
        if p in marks:
            members.append([])
        else:
            members[-1].append(t)
    members = [m for m in members if m]
    if len(members) > 1:
        more, members[-1] = searched_for(members[-1])
        searched = searched or more
    return Statement("formula", tokens, [m for m in members if m], searched)


def _closing(tokens: list[Tok]) -> int:
    """Where the parenthesis closes that opens first."""
    depth = 0
    for p, t in enumerate(tokens):
        depth += (t.text in OPEN) - (t.text in CLOSE)
        if depth == 0:
            return p
    return -1


def top_level(tokens: list[Tok]) -> Iterable[tuple[int, Tok]]:
    depth = 0
    for p, t in enumerate(tokens):
        depth = max(0, depth - (t.text in CLOSE))
        if depth == 0:
            yield p, t
        depth += t.text in OPEN


def _total(tokens: list[Tok]) -> bool:
    r"""A total derivative, \frac{dL}{dw}."""
    texts = [t.text for t in tokens]
    return any(
        texts[p] == r"\frac" and texts[p + 1 : p + 3] == ["{", "d"] and ["}", "{", "d"] in [texts[q : q + 3] for q in range(p + 3, p + 14)]
        for p in range(len(texts) - 3)
    )


def searched_for(tokens: list[Tok]) -> tuple[tuple[Tok, ...], list[Tok]]:
    r"""A leading `\min_{w, b}` and the rest; what it searches for is judged by the caller."""
    at = 0
    while at < len(tokens) and (tokens[at].text in PREFIXES or tokens[at].text.replace(" ", "") in PREFIXES):
        at += 1
    if at == 0 or at >= len(tokens) or tokens[at].text != "_":
        return (), tokens
    at += 1
    if at >= len(tokens):
        return (), tokens
    if tokens[at].text != "{":
        below, at = tokens[at : at + 1], at + 1
    else:
        depth, start = 0, at
        while at < len(tokens):
            depth += (tokens[at].text == "{") - (tokens[at].text == "}")
            at += 1
            if depth == 0:
                break
        below = tokens[start + 1 : at - 1]
    return tuple(below), tokens[at:]
