"""Why two members of a chain differ: slips that would explain it, tried in order, and conditions under which they are equal.

A cause is a row: a name, what the right side would have to be, and sentences in two languages.  It is named only where it explains every
instance.  Values decide; nothing here knows a loss by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from ..lang.latex_tree import Tex, walk
from .judge import Judge, Outcome, Pair, close
from .marks import free_letters, without_none
from .scope import INDICES, Scope, flat

CAUSES: dict[str, tuple[str, str]] = {
    "sign":      ("The sign is reversed: this is -1 times {left}.", "符号反了：这是 {left} 的 -1 倍。"),
    "factor":    ("This is {factor} times {left}.", "这是 {left} 的 {factor} 倍。"),
    "transpose": ("This is the transpose of {left}.", "这是 {left} 的转置。"),
    "term-sign": ("The term {part} has the wrong sign.", "项 {part} 的符号错了。"),
    "extra":     ("The term {part} does not belong here.", "项 {part} 多余。"),
    "index":     ("{part} stands where {other} is meant.", "{part} 应为 {other}。"),
    "unbound":   ("The index {letter} of {part} is bound by nothing; {other} is meant.", "{part} 的下标 {letter} 没有约束；应为 {other}。"),
    "loose":     ("The index {letter} is bound by nothing: the left side does not have it.", "下标 {letter} 没有约束：左边没有它。"),
    "itself":    ("{name} is defined by itself; the right side is {other}.", "{name} 用自身定义；右边其实是 {other}。"),
    "missing":   ("The derivative of the term {part} is missing.", "缺少项 {part} 的导数。"),
    "of-term":   ("The derivative of the term {part} stands here with the factor {factor}.", "项 {part} 的导数在这里带着因子 {factor}。"),
    "disjoint":  ("[a or b] = [a] + [b] holds only for events that exclude each other; in general [a][b] is to be subtracted.",
                  "[a 或 b] = [a] + [b] 仅对互斥事件成立；一般要减去 [a][b]。"),
    "label":     ("The left side is a number, the right side a vector: it is {other} that is written here.",
                  "左边是数，右边是向量：这里写的其实是 {other}。"),
    "numerator": ("It is {other} that equals the right side, not {left}.", "等于右边的是 {other}，而不是 {left}。"),
    "opposed":   ("{name} lacks its minus sign: the results used for its derivative belong to -{name}.",
                  "{name} 缺少负号：后面使用的导数结果属于 -{name}。"),
    "named":     ("{name} was named {other} in line {line}, and this is -1 times that: the minus sign is missing.",
                  "第 {line} 行说 {name} 是 {other}，这里是它的 -1 倍：缺少负号。"),
    "only-if":   ("This holds only where {condition}.", "仅当 {condition} 时成立。"),
    "turned":    ("{part} is to be transposed.", "{part} 应转置。"),
    "order":     ("The factors of {part} stand in the wrong order: it is {other}.", "{part} 的因子次序反了，应为 {other}。"),
    "power":     ("The exponent of {part} is off: it is {other}.", "{part} 的指数错了，应为 {other}。"),
    "different": ("The two sides differ.", "两边不相等。"),
}
CONDITIONS: dict[str, tuple[str, str]] = {
    "sum":       ("the entries of {name} sum to 1", "{name} 的各元素之和为 1"),
    "symmetric": ("{name} is symmetric", "{name} 是对称矩阵"),
    "row":       ("a derivative by a column is taken as a row here: {name} is a row", "这里把对列向量的导数当作行向量：{name} 为行向量"),
    "layout":    ("the other layout is meant: the two sides are transposes of each other", "采用另一种布局：两边互为转置"),
    "entry":     ("entry {name} is meant", "指的是第 {name} 个元素"),
    "indices":   ("{a} = {b}", "{a} = {b}"),
    "unequal":   ("{a} and {b} differ", "{a} 与 {b} 不相等"),
    "kink":      ("{name} is nowhere an equality; at that kink a subgradient is taken", "{name} 不取等号；在该折点处取的是次梯度"),
    "opposite":  ("-{name} is meant by {name}, which line {line} defines without its minus sign",
                  "{name} 指的是 -{name}，第 {line} 行的定义缺少负号"),
    "zero":      ("{name} = 0: the formulas do not have it", "{name} = 0：公式里没有它"),
    "index":     ("{other} is meant by {part}", "{part} 指的是 {other}"),
}
FACTORS = [Fraction(a, b) for a in range(1, 9) for b in range(1, 9)]


@dataclass(frozen=True)
class Cause:
    """A row of CAUSES or CONDITIONS with its gaps filled."""

    name: str
    gaps: tuple[tuple[str, str], ...] = ()

    def text(self, lang: str) -> str:
        row = CAUSES.get(self.name) or CONDITIONS[self.name]
        return row[("en", "zh").index(lang)].format(**dict(self.gaps))

    def condition(self, lang: str) -> str:
        return CONDITIONS[self.name][("en", "zh").index(lang)].format(**dict(self.gaps))


def cause(name: str, /, **gaps: Any) -> Cause:
    return Cause(name, tuple((k, str(v)) for k, v in gaps.items()))


# -- conditions -----------------------------------------------------------------------------------------------


def condition_for(judge: Judge, pair: Pair, o: Outcome) -> Cause | None:
    """A fact of one symbol under which the two sides are equal."""
    for key, kind in o.kinds.items():
        for fact, rank in (("sum", 1), ("symmetric", 2)):
            if kind[0] == rank and ":" not in key and key in o.inputs and (fact != "symmetric" or square(o.inputs[key])):
                if judge.equal(pair, o, facts=((key, fact),)):
                    return cause(fact, name=key)
    return None


def square(a: Any) -> bool:
    return np.ndim(a) == 2 and a.shape[0] == a.shape[1]


def equal_letters(judge: Judge, pair: Pair, o: Outcome) -> Cause | None:
    """Two free letters that have to be one, or that have to differ."""
    letters = pair.letters(judge.scope)
    for i, a in enumerate(letters):
        for b in letters[i + 1 :]:
            if judge.equal(replace(pair, left=relettered(pair.left, b, a), right=relettered(pair.right, b, a)), o):
                return cause("indices", a=a, b=b)
            if judge.equal(replace(pair, left=apart(pair.left, a, b), right=apart(pair.right, a, b)), o):
                return cause("unequal", a=a, b=b)
    for a in letters:
        for b in judge.labels_of(pair, o):
            if judge.equal(replace(pair, left=apart(pair.left, a, b), right=apart(pair.right, a, b)), o):
                return cause("unequal", a=a, b=b)
    return None


def excluded(judge: Judge, pair: Pair, o: Outcome, apart_at: frozenset[str]) -> Cause | None:
    """A label that none of the terms of a sum has: u_o is not among u_1 ... u_K, as where words are drawn as negatives.

    apart_at   labels by whose entry the note derives separately
    """
    scope = judge.scope
    marked = judge.labels_of(pair, o)
    for letter in judge.bound_of(pair, o):
        for label in marked:
            free = letter in pair.letters(scope)
            here = replace(pair, left=apart(pair.left, letter, label), right=apart(pair.right, letter, label)) if free else pair
            if free and judge.equal(here, o):    # right but for one entry: a mistake, unless the note looks at that entry by itself
                return cause("unequal", a=letter, b=label) if label in apart_at else None
            if judge.equal(replace(here, excluded=((letter, label),)), o):
                return cause("unequal", a=letter, b=label)
    return None


# -- causes ---------------------------------------------------------------------------------------------------


def cause_of(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause:
    """The first slip that explains the difference at every instance."""
    for search in SEARCHES:
        found = search(judge, pair, o, text)
        if found is not None:
            return found
    return cause("different")


def by_loss_term(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """The derivative of one term of the loss, missing or with another factor."""
    t = pair.left
    if t.op != "deriv" or t.args[0] is None or t.args[0].op != "sym" or t.attr != 1:
        return None
    key, terms, _, _ = judge.scope.split(t.args[0])
    d = judge.scope.lookup(key, pair.at, pair.section)
    if d is None or terms or d.body.op != "add":
        return None
    for term in d.body.args:
        own = replace(t, args=(term, *t.args[1:]))
        for f in (Fraction(0), Fraction(-1), Fraction(2), Fraction(1, 2)):
            change = Tex("row", (Tex("num", (), 1 - f, t.span), own), span=t.span)
            left = Tex("add", (t, Tex("neg", (change,), span=t.span)), span=t.span)
            if judge.equal(replace(pair, left=left), o):
                part = shown(term, text)
                return cause("missing", part=part) if f == 0 else cause("of-term", part=part, factor=f)
    return None


def by_fact(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """A sign or factor that shows where the entries of a symbol sum to 1."""
    for key, kind in o.kinds.items():
        if kind[0] == 1 and key in o.inputs:
            tried = judge.compare(pair, facts=((key, "sum"),))
            if tried.kind == "differs" and (found := by_ratio(judge, pair, tried, text)) is not None:
                return found
    return None


def by_ratio(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    left = shown(pair.left, text)
    values = [(np.real(a.a), np.real(b.a)) for a, b in o.samples if np.shape(a.a) == np.shape(b.a)]
    if not values or len(values) < len(o.samples):
        return None
    if all(close(a, -b, 1e-8) for a, b in values):
        return cause("sign", left=left)
    for f in FACTORS:
        for s in (1, -1):
            if f != 1 and all(close(float(f) * s * a, b, 1e-8) for a, b in values):
                return cause("factor", left=left, factor=f * s)
    if all(np.ndim(a) == 2 and a.shape == b.T.shape and close(a, b.T, 1e-8) for a, b in values):
        return cause("transpose", left=left)
    return None


def by_event(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """[a or b] taken as [a] + [b]."""
    if not any(x.op == "or" for x in trees(pair.left)) or pair.right.op != "add" or any(x.op == "or" for x in trees(pair.right)):
        return None
    return cause("disjoint")


def by_index(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """One index for another, on the right side."""
    letters = letters_of(pair, judge.scope)
    loose = set(free_letters(pair.right, judge.scope)) - set(free_letters(pair.left, judge.scope))
    for before, after, made in swaps(pair.right, letters):
        if judge.equal(replace(pair, right=made), o):
            part, old = shown(before, text), str(after[1])
            other = f"{base(before, text)}_{after[2]}"
            if old in loose:
                return cause("unbound", letter=old, part=part, other=other)
            return cause("index", part=part, other=other)
    return None


def swaps(t: Tex, letters: list[str]) -> Iterator[tuple[Tex, tuple[Tex, str, str], Tex]]:
    """Every tree with one index of one symbol replaced by another letter."""
    spots = [(x, y) for x in trees(t) if x.op == "sym" for y in flat(x.sub) if y.op == "sym" and str(y.attr) in letters]
    for x, y in spots[:14]:
        for z in letters:
            if z != y.attr:
                yield x, (y, str(y.attr), z), replaced(t, y, replace(y, attr=z))


def by_term(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """One term of a sum, with the other sign or too many."""
    for x in [y for y in trees(pair.right) if y.op == "add"][:4]:
        for a in x.args:
            turned = a.args[0] if a.op == "neg" else Tex("neg", (a,), span=a.span)
            if judge.equal(replace(pair, right=replaced(pair.right, a, turned)), o):
                return cause("term-sign", part=shown(a, text))
        for p, a in enumerate(x.args):
            rest = (*x.args[:p], *x.args[p + 1 :])
            less = rest[0] if len(rest) == 1 else replace(x, args=rest)
            if judge.equal(replace(pair, right=replaced(pair.right, x, less)), o):
                return cause("extra", part=shown(a, text))
    return None


def by_power(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """An exponent one too large or small."""
    for x in trees(pair.right):
        for k, y in x.sup:
            if k == "power" and isinstance(y, Tex) and y.op == "num" and isinstance(y.attr, int):
                for n in (y.attr - 1, y.attr + 1):
                    made = replaced(pair.right, y, replace(y, attr=n))
                    if judge.equal(replace(pair, right=made), o):
                        return cause("power", part=shown(x, text), other=n)
    return None


def by_transpose(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """One factor with a transpose too many or too few."""
    for x in [y for y in trees(pair.right) if y.op in ("sym", "fence") and not (y.op == "sym" and y.sub)][:10]:
        turned = any(k == "T" for k, _ in x.sup)
        made = replace(x, sup=tuple(s for s in x.sup if s[0] != "T") if turned else (*x.sup, ("T", None)))
        tried = replace(pair, right=replaced(pair.right, x, made))
        if judge.equal(tried, o) if o.kind == "differs" else judge.compare(tried).kind == "equal":
            return cause("turned", part=shown(x, text))
    return None


def by_order(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """Two factors of a product that do not commute, exchanged."""
    for x in [y for y in trees(pair.right) if y.op == "row" and 1 < len(y.args) < 6][:6]:
        for p, (a, b) in enumerate(pairwise(x.args)):
            if a.op in ("num", "fn", "big") or b.op in ("num", "big"):
                continue
            made = replace(x, args=(*x.args[:p], b, a, *x.args[p + 2 :]))
            tried = replace(pair, right=replaced(pair.right, x, made))
            if judge.equal(tried, o) if o.kind == "differs" else judge.compare(tried).kind == "equal":
                return cause("order", part=f"{shown(a, text)} {shown(b, text)}", other=f"{shown(b, text)} {shown(a, text)}")
    return None


def by_loose(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    loose = [x for x in free_letters(pair.right, judge.scope) if x not in free_letters(pair.left, judge.scope)]
    return cause("loose", letter=loose[0]) if loose else None


def relabelled(judge: Judge, pair: Pair, o: Outcome, text: str) -> Cause | None:
    """Another index in a denominator on the left, which only names what is meant."""
    if pair.left.op != "deriv":
        return None
    by = pair.left.args[1]
    for letter in free_letters(pair.right, judge.scope):
        if letter in free_letters(pair.left, judge.scope):
            continue
        for y in flat(by.sub):
            if y.op == "sym":
                made = replaced(pair.left, y, replace(y, attr=letter))
                if judge.equal(replace(pair, left=made), o):
                    return cause("index", part=shown(by, text), other=f"{base(by, text)}_{letter}")
    return None


# -- trees ----------------------------------------------------------------------------------------------------


def trees(t: Tex) -> list[Tex]:
    return list(walk(without_none(t)))


def replaced(t: Tex, old: Tex, new: Tex) -> Tex:
    """The tree with one node, told by its identity and place, replaced."""
    if t is old or (t.op == old.op and t.span == old.span and t.attr == old.attr and t.args == old.args and t.sub == old.sub and t.sup == old.sup):
        return new
    below = None if t.sub is None else tuple(replaced(s, old, new) for s in t.sub)
    above = tuple((k, tuple(replaced(y, old, new) for y in x) if isinstance(x, tuple) else replaced(x, old, new) if isinstance(x, Tex) else x)
                  for k, x in t.sup)
    return replace(t, args=tuple(a if a is None else replaced(a, old, new) for a in t.args), sub=below, sup=above)


def apart(t: Tex, a: str, b: str) -> Tex:
    """The tree where two letters differ, 0 where they are one."""
    letters = tuple(Tex("sym", (), x, t.span) for x in (a, b))
    holds = Tex("fence", (Tex("rel", letters, "!=", t.span),), r"\{", t.span)
    return Tex("row", (Tex("num", (), 1, t.span), holds, Tex("group", (t,), span=t.span)), span=t.span)


def relettered(t: Tex, old: str, new: str) -> Tex:
    if t.op == "sym" and t.attr == old and not t.sub:
        return replace(t, attr=new)
    below = None if t.sub is None else tuple(relettered(s, old, new) for s in t.sub)
    above = tuple((k, tuple(relettered(y, old, new) for y in x) if isinstance(x, tuple) else relettered(x, old, new) if isinstance(x, Tex) else x)
                  for k, x in t.sup)
    return replace(t, args=tuple(a if a is None else relettered(a, old, new) for a in t.args), sub=below, sup=above)


def letters_of(pair: Pair, scope: Scope) -> list[str]:
    """Index letters, bound and free, of both sides, and the labels."""
    found: dict[str, None] = {}
    for side in (pair.left, pair.right):
        for x in trees(side):
            for y in flat(x.sub):
                for z in walk(y):
                    name = str(z.attr)
                    if z.op == "sym" and len(name) == 1 and (name in INDICES or name in scope.labels):
                        found[name] = None
    return list(found)[:6]


def shown(t: Tex, text: str) -> str:
    said = " ".join(text[t.span.start : t.span.end].split())
    return said if len(said) <= 60 else said[:57] + "..."


def base(t: Tex, text: str) -> str:
    return str(t.attr)


Search = Callable[[Judge, Pair, Outcome, str], "Cause | None"]
SEARCHES: tuple[Search, ...] = (by_ratio, by_event, by_index, by_loss_term, by_term, by_transpose, by_order, by_power, by_fact, by_loose)
