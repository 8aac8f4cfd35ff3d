r"""Sum signs with their limits, and conditions: which letters they bind, where these begin and end.

An index of the text counts from `base`, an index of Surface from 0; what an index reads says how far it runs, and a limit that says
less becomes a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .latex_names import Names, free_letters, scripts_of
from .latex_symbols import Dim, identifier, plain
from .latex_tree import Tex, bare_symbols, inner_of, walk
from .latex_values import Binder, Val, countable, integer, number_of, ones, plus, size_tree
from .surface import Surface, index, name, number

Env = Mapping[str, Val]

def reduction(r: Names, t: Tex, env: Env) -> Val:
    """A sum, product, maximum, ... as a reduction."""
    parts = [x for x in t.sub or () if x.op != "such"]
    letters, lowers, conditions = bound_by(r, parts, t, env)
    if not letters:
        return bare(r, t, env)
    refuse_variables(r, t, letters)
    upper = next((x for k, x in t.sup if k == "power"), None)
    binders = [Binder(x, "", start_of(r, lowers.get(x), env), t.span) for x in letters]
    active = list(r.active)
    for b in binders:
        b.name = r.fresh(b.letter)
        r.active.append(b.name)
        if b.letter in lowers:
            b.lower = r.value(lowers[b.letter], env)
    inner = {**env, **{b.letter: b.val() for b in binders}}
    said = [c for x in conditions if (c := stated(r, x, binders, inner)) is not None]
    entrywise, r.entrywise = r.entrywise, False
    body = number_of(r.value(t.args[0], inner))
    r.entrywise = entrywise
    uppers = upper_limit(upper, len(binders))
    for b, u in zip(binders, uppers, strict=True):
        said = [*limits(r, b, u or set_limit(t, b.letter, r, env), env, t), *said]
        refuse_reversed(r, b, body.tree, t)
    tree, names = body.tree, tuple(b.name for b in binders)
    for b in binders:
        tree = readable(r, b, tree, t)
    r.active = active
    refuse_tail(r, t, letters, inner)
    condition: tuple[Surface, ...] = ()
    if said:
        made = said[0]
        for c in said[1:]:
            made = Surface("and", (made, c), span=t.span)
        condition = (made,)
    if t.attr in ("argmax", "argmin"):
        return Val(Surface("reduce", (tree, *condition), (t.attr, names), t.span), (), what="label")
    return Val(Surface("reduce", (tree, *condition), (t.attr, names), t.span), body.dims, body.row)


def refuse_variables(r: Names, t: Tex, letters: list[str]) -> None:
    """A minimum or maximum over a declared variable that indexes nothing below it is no reduction."""
    if t.attr not in ("max", "min", "argmax", "argmin"):
        return
    for x in letters:
        found = r.symbols.find(Tex("sym", (), x, t.span))
        if found is not None and found[0].given and found[0].kind != "label" and not any(
                y.op == "sym" and str(y.attr) == x for z in walk(t.args[0]) for s in scripts_of(z) for y in walk(s)):
            raise r.error("unsupported", f"{x} is a variable: a {t.attr} over it is a problem within the loss.", t.span,
                          "Only an index is searched over inside a formula.")


def refuse_tail(r: Names, t: Tex, letters: list[str], env: Env) -> None:
    """A product or maximum with factors behind it that do not have its index: where it ends is not clear."""
    body = t.args[0]
    if t.attr not in ("prod", "max", "min"):
        return
    last = body.args[1] if body.op == "op" else body.args[-1] if body.op == "row" else None
    if last is not None and last.op == "fence" and body.op == "row" and (body.args[-2].op == "fn" or body.args[-2].op == "sym"):
        last = body
    if last is None or last.op == "fn" or set(letters) & {str(x.attr) for x in walk(last) if x.op == "sym"}:
        return
    if r.value(last, env).rank == 0:
        what = "divided" if body.op == "op" and body.attr == "slash" else "multiplied"
        raise r.error("ambiguous", f"What is {what} is not clear here: the whole, or each factor.", t.span,
                      r"Put the factor in front, write \frac, or put parentheses around what belongs together.")


def bare(r: Names, t: Tex, env: Env) -> Val:
    """A sum sign without an index: over the one index that is free below it, else over all entries."""
    free = sorted(free_letters(t.args[0], r) - set(env))
    if len(free) == 1 and t.attr in ("sum", "prod", "max", "min", "mean"):
        letter = Tex("sym", (), free[0], t.span)
        r.notes[f"a {t.attr} sign without an index runs over {free[0]}"] = None
        return reduction(r, Tex(t.op, t.args, t.attr, t.span, (letter,), t.sup), env)
    if t.sup or free:
        raise r.error("syntax", "This sign names no index.", t.span, r"Write \sum_i.")
    entrywise, r.entrywise = r.entrywise, True
    body = number_of(r.value(t.args[0], env))
    r.entrywise = entrywise
    if body.rank == 0:
        raise r.error("syntax", "A sum sign without an index stands before a scalar.", t.span, r"Write \sum_i with its index.")
    return Val(Surface("call", (body.tree,), t.attr, t.span))


# -- what is bound ------------------------------------------------------------------------------------------


def bound_by(r: Names, parts: list[Tex], t: Tex, env: Env) -> tuple[list[str], dict[str, Tex], list[Tex]]:
    """The letters a subscript binds, their lower limits, and the conditions it states."""
    letters: list[str] = []
    lowers: dict[str, Tex] = {}
    conditions: list[Tex] = []
    for x in parts:
        if x.op == "fence" and x.args and x.attr == "(":
            x_items = list(x.args)
        else:
            x_items = list(x.args) if x.op == "row" and all(a.op == "sym" and not a.sub for a in x.args) else [x]
        for item in x_items:
            if item.op == "sym" and not item.sub and not item.sup:
                letters.append(str(item.attr))
            elif item.op == "rel" and item.attr == "=" and lower_of(item, letters, t):
                for letter in left_letters(item.args[0]):
                    if letter not in letters:
                        letters.append(letter)
                    lowers[letter] = item.args[1]
            elif item.op == "rel" and item.attr == r"\in" and is_size(r, inner_of(item.args[1]), env):
                letters += left_letters(item.args[0])
            elif item.op in ("rel", "and", "or", "not"):
                conditions.append(item)
            else:
                raise r.error("syntax", "This names no index.", item.span, r"Write \sum_i, \sum_{i=1}^n or \sum_{j \neq i}.")
    lowers |= {a: lowers[b] for b in list(lowers) for a in letters if a not in lowers and len(lowers) == 1 and shared_limit(t, letters)}
    for c in conditions:
        new_letters(r, c, letters, t, env)
    if len(set(letters)) != len(letters):
        raise r.error("syntax", "An index is bound twice here.", t.span)
    return letters, lowers, conditions


def is_size(r: Names, t: Tex, env: Env) -> bool:
    """`j \\in V` where V is the name of a size: j runs over all of it."""
    key = str(t.attr)
    return t.op == "sym" and not t.sub and not t.sup and key not in env and (key in r.sizes or plain(key) in r.sizes) and r.symbols.find(t) is None


def set_limit(t: Tex, letter: str, r: Names, env: Env) -> Tex | None:
    """The size of the set that a sum sign names for an index."""
    for x in t.sub or ():
        if x.op == "rel" and x.attr == r"\in" and letter in left_letters(x.args[0]) and is_size(r, s := inner_of(x.args[1]), env):
            return replace(s, attr=plain(str(s.attr)))
    return None


def shared_limit(t: Tex, letters: list[str]) -> bool:
    """`\\sum_{i,j=1}^n`: the limits are those of both."""
    return len(letters) > 1 and bool(t.sup)


def lower_of(item: Tex, letters: list[str], t: Tex) -> bool:
    """Whether `i = 1` says where i begins: it is no condition on indices bound before, as in `i : i = 1`."""
    own = left_letters(item.args[0])
    return bool(own) and (bool(t.sup) or not set(own) <= set(letters))


def left_letters(x: Tex) -> list[str]:
    items = x.args if x.op == "row" else (x,)
    return [str(a.attr) for a in items if a.op == "sym" and not a.sub and not a.sup] if all(a.op == "sym" for a in items) else []


def new_letters(r: Names, c: Tex, letters: list[str], t: Tex, env: Env) -> None:
    """The letters of a condition that are bound by it: those that nothing binds yet."""
    for x in walk(c):
        if x.op == "rel" and x.attr == r"\in":
            raise r.error("unsupported", "A sum over a set is not read.", c.span, "Write a mask as a factor: [..] or an array of 0 and 1.")
    bare_ones = [str(x.attr) for x in bare_symbols(c)]
    if any(x.op == "sym" and str(x.attr) in letters for x in walk(c)):
        return  # a condition on an index that is bound already
    used = {str(x.attr) for x in walk(t.args[0]) if x.op == "sym"}
    known = {b for b in bare_ones if r.symbols.find(Tex("sym", (), b, c.span)) is not None or b in r.sizes or b in r.aliases}
    fresh = [b for b in dict.fromkeys(bare_ones) if b not in env and b not in known and b not in letters]
    fresh = [b for b in fresh if b in used] or fresh
    if not fresh and bare_ones:
        first = next(iter(b for b in bare_ones if b in used), bare_ones[0])
        fresh = [first]
    if not fresh:
        raise r.error("syntax", "This names no index.", c.span)
    letters += fresh


# -- limits -------------------------------------------------------------------------------------------------


def start_of(r: Names, lower: Tex | None, env: Env) -> int:
    if lower is not None and lower.op == "num" and lower.attr == 0:
        return 0
    return 1 if lower is not None and lower.op == "num" else r.base


def upper_limit(upper: Tex | None, count: int) -> list[Tex | None]:
    return [upper] * count


def linear(tree: Dim) -> dict[str, int] | None:
    """A size as coefficients by name, "" for the constant; None when it is no sum of names."""
    if tree is None:
        return None
    if isinstance(tree, int):
        return {"": tree} if tree else {}
    if isinstance(tree, str):
        return {tree: 1}
    if tree.op == "num":
        return {"": tree.attr} if isinstance(tree.attr, int) and tree.attr else {} if tree.attr == 0 else None
    if tree.op == "name":
        return {tree.attr: 1}
    if tree.op == "neg":
        inner = linear(tree.args[0])
        return None if inner is None else {k: -v for k, v in inner.items()}
    if tree.op == "add":
        total: dict[str, int] = {}
        for a in tree.args:
            part = linear(a)
            if part is None:
                return None
            for k, v in part.items():
                total[k] = total.get(k, 0) + v
        return {k: v for k, v in total.items() if v}
    if tree.op == "mul":
        p, q = (linear(f) for f in tree.args)
        if p is not None and q is not None:
            for x, y in ((p, q), (q, p)):
                if set(x) <= {""}:
                    return {k: v * x.get("", 0) for k, v in y.items() if x.get("", 0)}
    return None


def gap(a: Dim, b: Dim) -> dict[str, int] | None:
    """a - b"""
    x, y = linear(a), linear(b)
    if x is None or y is None:
        return None
    made = {k: x.get(k, 0) - y.get(k, 0) for k in {*x, *y}}
    return {k: v for k, v in made.items() if v}


def limits(r: Names, b: Binder, upper: Tex | None, env: Env, t: Tex) -> list[Surface]:
    """What the limits of a sum say beyond what its reads say."""
    found: list[Surface] = []
    me = name(b.name).at(t.span)
    if b.lower is not None:
        low = counted_from(r, b.lower, b, t)
        refuse_start(r, b, low, t)
        if not (low.op == "num" and isinstance(low.attr, int) and low.attr <= 0):
            found.append(Surface("rel", (me, low), ">=", t.span))
    if upper is None:
        return found
    if upper.op == "sym" and str(upper.attr) == r"\infty":
        raise r.error("unsupported", "An infinite sum is not read.", upper.span)
    key = str(upper.attr) if upper.op == "sym" and not upper.sub and not upper.sup else None
    if key is not None and is_new(r, key, upper, env):
        return found + named_limit(r, b, key, upper, t)
    b.upper = r.value(upper, env)
    last = counted_from(r, b.upper, b, t)
    sizes = [plus(size_tree(n, t.span), -1 - shift) for n, shift, _, _ in b.reads if n is not None]
    gaps = [gap(last, s) for s in sizes]
    if any(g == {} for g in gaps):
        if any(g is not None and set(g) == {""} and g[""] > 0 for g in gaps) and not guarded(b, t):
            raise r.error("shape", f"With {b.letter} up to here an entry behind the last is read.", upper.span,
                          f"Let the sum end earlier, or leave out its limits: \\sum_{b.letter}.")
        return found
    infer(r, b, last, t)
    if gaps:
        refuse_limit(r, last, gaps, upper, b)
    if (not sizes and b.upper.what == "size") or (not sizes and last.op == "num"):
        b.upper = Val(plus(last, 1), what="size")
        return found
    return [*found, Surface("rel", (me, last), "<=", t.span)]


def guarded(b: Binder, t: Tex) -> bool:
    """Whether a condition below the sign, or under it, names its index."""
    places = [x for x in walk(t.args[0]) if x.op in ("cases", "rel")] + [x for s in t.sub or () for x in walk(s) if x.op == "rel" and x.attr != "="]
    return any(y.op == "sym" and str(y.attr) == b.letter for x in places for y in walk(x))


def refuse_start(r: Names, b: Binder, low: Surface, t: Tex) -> None:
    """A lower limit at which an entry before the first is read: the term would be left out without a word."""
    if low.op != "num" or not isinstance(low.attr, int) or guarded(b, t):
        return
    for _, shift, place, _ in b.reads:
        if low.attr + shift < 0:
            of = f" of {place[0].name}" if place is not None and place[0].name else ""
            raise r.error("shape", f"The first term of this sum reads an entry before the first{of}.", t.span,
                          f"Let {b.letter} start later, leave out the limits, or number all entries from 0: \\sum_{{{b.letter}=0}}.")


def refuse_reversed(r: Names, b: Binder, body: Surface, t: Tex) -> None:
    """x_{n-i} up to i = n: at the upper limit an entry before the first is read."""
    if b.upper is None or b.lower is None or guarded(b, t) or not countable(b.upper):
        return
    last = linear(counted_from(r, b.upper, b, t))
    for x in walk_surface(body):
        for place in x.args[1:] if x.op == "index" else ():
            if place.op == "name":
                continue  # no index is taken off here
            terms = linear(place)
            if last is None or terms is None or terms.get(b.name) != -1:
                continue
            least = {k: terms.get(k, 0) - last.get(k, 0) for k in {*terms, *last} - {b.name}}
            if all(not v for k, v in least.items() if k) and least.get("", 0) < 0:
                raise r.error("shape", "The last term of this sum reads an entry before the first.", t.span,
                              f"Let {b.letter} end earlier, or leave out the limits: \\sum_{b.letter}.")


def refuse_limit(r: Names, last: Surface, gaps: list[dict[str, int] | None], upper: Tex, b: Binder) -> None:
    """A limit that is another size than the axis has, or lies behind its end."""
    declared = linear(last)
    if declared is None:
        return
    names = {k for k in declared if k in r.sizes}
    for g in gaps:
        if g is None:
            continue
        beyond = set(g) == {""} and g[""] > 0
        foreign = bool(names & set(g)) or any(k in r.sizes for k in g)
        if beyond or (foreign and names == set(declared) - {""} and not any(k for k in declared if k and k not in r.sizes)):
            raise r.error("shape", "The limit of the sum is another size than that of what it runs over.", upper.span,
                          "Declare one size for both, or write the condition.")


def is_new(r: Names, key: str, t: Tex, env: Env) -> bool:
    return key not in env and key not in r.sizes and key not in r.aliases and r.symbols.find(t) is None


def named_limit(r: Names, b: Binder, key: str, upper: Tex, t: Tex) -> list[Surface]:
    """A limit that nobody declared: it names the size of what the index runs over."""
    for n, shift, *_ in b.reads:
        if n is not None:
            r.aliases[key] = plus(size_tree(n, upper.span), b.base - 1 - shift)
            return []
    own = identifier(key)
    r.aliases[key] = name(own)
    r.sizes.add(own)
    infer(r, b, plus(name(own), -b.base), t)
    return []


def infer(r: Names, b: Binder, last: Surface, t: Tex) -> None:
    """Axes of unknown size that this index runs over: their last entry is where the sum ends."""
    for n, shift, place, _ in b.reads:
        if n is None and place is not None and place[0].kind != "definition":
            r.inferred.setdefault((place[0].name, place[1]), plus(last, 1 + shift))


def counted_from(r: Names, v: Val, b: Binder, t: Tex) -> Surface:
    """A limit as a value of the index in Surface."""
    if v.what == "label":
        return v.tree
    if not countable(v) and v.rank == 0 and (terms := linear(v.tree)) is not None and set(terms) - {""} <= r.sizes:
        v = Val(v.tree, what="size")
    if not countable(v):
        raise r.error("kind", "A limit of a sum is a number, a size or an index.", v.span or t.span)
    if v.what == "":
        return number((integer(v) or 0) - b.base)
    return plus(v.tree, v.offset - b.base)


def readable(r: Names, b: Binder, body: Surface, t: Tex) -> Surface:
    """An index that reads nothing has its size from its limit: ones(n)[i] stands beside the body."""
    if b.reads:
        return body
    if b.upper is None or b.upper.what != "size":
        if b.letter in r.aliases or any(x.op == "name" and x.attr == b.name for x in walk_surface(body)):
            return body
        raise r.error("ambiguous", f"Over what {b.letter} runs is not clear: nothing below the sign has this index.", t.span,
                      "Write its limits, and declare the sizes.")
    n = b.upper.tree
    return Surface("mul", (index(ones(n, t.span).tree, name(b.name)), body), span=t.span)


def walk_surface(tree: Surface) -> Any:
    from .surface import walk as each

    return each(tree)


# -- conditions ---------------------------------------------------------------------------------------------


def stated(r: Names, x: Tex, binders: list[Binder], env: Env) -> Surface | None:
    """A condition of a sum sign; `1 <= i` and `j <= n` say only where an index begins and ends."""
    if x.op == "and":
        parts = [c for a in x.args if (c := stated(r, a, binders, env)) is not None]
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Surface("and", (parts[0], parts[1]), span=x.span)
    if x.op == "rel" and x.attr in ("<=", ">="):
        small, large = x.args if x.attr == "<=" else x.args[::-1]
        mine = {b.letter for b in binders}
        if small.op == "num" and large.op == "sym" and str(large.attr) in mine and small.attr in (0, r.base):
            return None
        if small.op == "sym" and str(small.attr) in mine and large.op == "sym" and not large.sub and (
                str(large.attr) in r.sizes or str(large.attr) in r.aliases or is_new(r, str(large.attr), large, env)):
            b = next(b for b in binders if b.letter == str(small.attr))
            b.upper = r.value(large, env) if not is_new(r, str(large.attr), large, env) else None
            return None
    return condition_of(r, x, env)


def condition_of(r: Names, x: Tex, env: Env) -> Surface:
    """A condition as Surface; indices, labels and constants in it counted from 0."""
    return truth_of(r, x, env).tree


def truth_of(r: Names, x: Tex, env: Env) -> Val:
    """A condition with the axes of what it compares."""
    x = inner_of(x)
    if x.op in ("and", "or"):
        a, b = (truth_of(r, y, env) for y in x.args)
        return replace(larger(a, b), tree=Surface(x.op, (a.tree, b.tree), span=x.span))
    if x.op == "not":
        inner = truth_of(r, x.args[0], env)
        return replace(inner, tree=Surface("not", (inner.tree,), span=x.span))
    if x.op != "rel" or x.attr not in ("=", "!=", "<", "<=", ">", ">="):
        raise r.error("syntax", "A condition is a relation.", x.span)
    a, b = r.value(x.args[0], env), r.value(x.args[1], env)
    shape = larger(a, b)
    return Val(Surface("rel", compared(r, a, b, x), x.attr, x.span), shape.dims, shape.row)


def larger(a: Val, b: Val) -> Val:
    """The one with more axes; axes that are not known count most."""
    return max((a, b), key=lambda v: 9 if v.rank is None else v.rank)


def compared(r: Names, a: Val, b: Val, x: Tex) -> tuple[Surface, Surface]:
    """Both sides of a relation, counted alike."""
    for one, other in ((a, b), (b, a)):
        if one.what == "label" and other.what == "" and (k := integer(other)) is not None and not r.counted:
            raise r.error("ambiguous", f"A label is compared with {k}: the classes count from 0 in data, and from 1 in much of the literature.",
                          x.span, "Compare it with an index, or declare it as a number: kinds={...: 'scalar'}.")
    if a.what == "label" or b.what == "label":
        shift = [v.offset - v.base if v.what == "index" else 0 for v in (a, b)]
        return plus(a.tree, shift[0]), plus(b.tree, shift[1])
    if countable(a) and countable(b) and "index" in (a.what, b.what):
        return balanced(a, b)
    if "index" in (a.what, b.what):
        for v, w in ((a, b), (b, a)):
            if v.what == "index" and w.what == "" and w.tree.op in ("name", "index") and v.offset == v.base:
                return a.tree, b.tree  # a label that nobody declared
    return number_of(a).tree, number_of(b).tree


def balanced(a: Val, b: Val) -> tuple[Surface, Surface]:
    """tree + offset on both sides, the smaller offset taken away."""
    x, y = (v.offset if v.what == "index" else 0 for v in (a, b))
    if a.what == "index" and b.what == "index":
        least = min(x, y)
        return plus(a.tree, x - least), plus(b.tree, y - least)
    if a.what == "index":
        return a.tree, plus(b.tree, -x)
    return plus(a.tree, -y), b.tree
