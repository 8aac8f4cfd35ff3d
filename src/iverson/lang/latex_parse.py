r"""Tokens of one formula to a tree.

Binding, loosest first:  or | and | not | relations | + - | explicit products and / | juxtaposition | scripts.
A sum sign takes the rest of its product.  A bar opens where an operand is expected and closes where an operator is.
"""

from __future__ import annotations

from fractions import Fraction

from ..core.errors import Span
from .latex_stream import AXES, BARS, CONSTANTS, OTHERWISE, PAIRS, PARTED, SAID, SIGNS, STARTERS, TURNED, WORDY, Stream, comma_and, joined
from .latex_tokens import Tok
from .latex_tree import Sup, Tex
from .latex_words import ARGS, BIG, FUNCTIONS, RELATIONS
from .syntax import MOST_DEPTH


class TexParser(Stream):
    """One pass over the tokens of one formula."""

    def whole(self) -> Tex:
        """All tokens as one expression."""
        tree = self.logic()
        if self.now.kind != "stop":
            raise self.stray()
        return tree

    # -- logic, sums, products -------------------------------------------------------------------------------

    def logic(self) -> Tex:
        """A condition, or an expression where no relation stands."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.error("limit", f"The formula is nested deeper than {MOST_DEPTH}.", self.now.span)
        left = self.conjunction()
        while self.is_(r"\lor") or self._word("or"):
            self.take()
            right = self.conjunction()
            left = Tex("or", (left, right), span=left.span.to(right.span))
        self.depth -= 1
        return left

    def conjunction(self) -> Tex:
        left = self.negation()
        while self.is_(r"\land", "&&") or self._word("and"):
            self.take()
            right = self.negation()
            left = Tex("and", (left, right), span=left.span.to(right.span))
        return left

    def negation(self) -> Tex:
        if self.is_(r"\neg") or self._word("not"):
            t = self.take()
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise self.error("limit", f"The formula is nested deeper than {MOST_DEPTH}.", t.span)
            inner = self.negation()
            self.depth -= 1
            return Tex("not", (inner,), span=t.span.to(inner.span))
        return self.relation()

    def relation(self) -> Tex:
        first = self.sum()
        made: Tex | None = None
        left = first
        while self.is_(*RELATIONS, r"\in", r"\approx", r"\sim"):
            t = self.take()
            right = self.sum()
            rel = Tex("rel", (left, right), t.text, left.span.to(right.span))
            made = rel if made is None else Tex("and", (made, rel), span=made.span.to(rel.span))
            left = right
        return first if made is None else made

    def sum(self) -> Tex:
        terms: list[Tex] = []
        start = self.now.span
        while True:
            sign = None
            while self.is_("+", "-", r"\pm"):
                t = self.take()
                if t.text == r"\pm":
                    raise self.error("unsupported", r"\pm says two things at once.", t.span, "Write two formulas.")
                sign = t if (t.text == "-") != (sign is not None) else None
            term = self.product()
            terms.append(term if sign is None else Tex("neg", (term,), span=sign.span.to(term.span)))
            if not self.is_("+", "-", r"\pm"):
                break
        if len(terms) == 1:
            return terms[0]
        return Tex("add", tuple(terms), span=start.to(terms[-1].span))

    def product(self) -> Tex:
        left = self.row()
        while self.now.text in SIGNS and self.now.kind != "stop":
            if self.scripts_open and self.now.text in AXES and self.peek().text in ("}", ",", "]"):
                break
            t = self.take()
            if self.is_("+", "-"):
                sign = self.take()
                right = self.row()
                right = Tex("neg", (right,), span=sign.span.to(right.span)) if sign.text == "-" else right
            else:
                right = self.row()
            left = Tex("op", (left, right), SIGNS[t.text], left.span.to(right.span))
        return left

    def row(self) -> Tex:
        """Factors that stand side by side; a sum sign among them takes the rest of the product."""
        items: list[Tex] = []
        while self.starts():
            if items and items[-1].op == "num" and self.now.kind == "num" and not items[-1].sub and not items[-1].sup:
                raise self.error("ambiguous", "Two numbers side by side are one number, or a product.",
                                 items[-1].span.to(self.now.span), r"Write 3000, or 3 \cdot 0.5.")
            items.append(self.scripted())
            if items[-1].op == "big":
                break
        if not items:
            raise self.stray()
        if len(items) == 1:
            return items[0]
        return Tex("row", tuple(items), span=items[0].span.to(items[-1].span))

    def starts(self) -> bool:
        t = self.now
        if t.kind in ("sym", "num") or (t.kind == "word" and t.text not in ("and", "or", "not")):
            return not (self.chalk and t.kind == "sym" and (self._word("and") or self._word("or")))
        if t.text == "\\|" and self.bars[-1:] == ["|"] and self.source[t.start : t.end] == "||" and not self._first:
            return False
        if t.text in BARS and t.kind != "stop":
            return t.side != "r" and (t.side == "l" or not self.bars or self.bars[-1] != t.text or self._first)
        return t.text in STARTERS or (t.kind == "cmd" and t.text[1:] in WORDY)

    @property
    def _first(self) -> bool:
        """Whether an operand is expected here: the token before opens something or is an operator."""
        before = self.tokens[self.at - 1] if self.at else None
        return before is None or before.text in ("+", "-", "(", "[", r"\{", "{", ",", *SIGNS, *RELATIONS, r"\land", r"\lor") or (
            before.text in BARS and self.bars[-1:] == [before.text] and self.opened_at == self.at - 1)

    # -- factors and scripts ---------------------------------------------------------------------------------

    def scripted(self) -> Tex:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.error("limit", f"The formula is nested deeper than {MOST_DEPTH}.", self.now.span)
        atom = self.atom()
        self.depth -= 1
        return atom if atom.op == "big" else self.scripts(atom)

    def scripts(self, base: Tex) -> Tex:
        """`base` with what stands below and above it."""
        sub: tuple[Tex, ...] | None = None
        sup: list[Sup] = []
        end = base.span
        while self.is_("^", "_", "'", ".^", "!") or self._indexed(base, sub):
            t = self.take()
            if t.text == "!":
                base = Tex("factorial", (Tex(base.op, base.args, base.attr, base.span.to(end), sub, tuple(sup)),), span=base.span.to(t.span))
                sub, sup, end = None, [], t.span
                continue
            if t.text == "'":
                sup.append(("prime", None))
            elif t.text == "^":
                raised = self.above(t)
                if sup and sup[-1][0] == "power" and raised[:1] and raised[0][0] == "power" and not self.chalk:
                    raise self.error("syntax", "A second superscript stands here.", t.span, "Write {x^a}^b or x^{a^b}.")
                sup += raised
            elif t.text == ".^":
                sup.append(("epower", self._one(t)))
            else:
                if sub is not None:
                    raise self.error("syntax", "A second subscript stands here.", t.span, "Write x_{i,j}, or {x_i}_j.")
                sub = (self.below(t) or None) if t.text == "_" else self._brackets(t)
            end = self.tokens[self.at - 1].span
        if sub is None and not sup:
            return base
        if base.op == "factorial" or base.sub is not None or base.sup:
            base = Tex("group", (base,), span=base.span)
        return Tex(base.op, base.args, base.attr, base.span.to(end), sub, tuple(sup))

    def _indexed(self, base: Tex, sub: object) -> bool:
        """`x[i]` of a chalkboard: a bracket right behind a name."""
        return self.chalk and sub is None and self.is_("[") and base.op in ("sym", "fence") and self.now.start == base.span.end

    def _brackets(self, opened: Tok) -> tuple[Tex, ...]:
        found = tuple(self.inside(opened, "]", colon=True))
        if not found:
            raise self.error("syntax", "Nothing stands in these brackets.", opened.span, "Write x[i], or x[:, j].")
        return found

    def below(self, t: Tok) -> tuple[Tex, ...]:
        if not self.is_("{"):
            return (self._token(t),)
        opened = self.take()
        found = self.inside(opened, "}", colon=True)
        return tuple(found)

    def inside(self, opened: Tok, close: str, colon: bool = False) -> list[Tex]:
        """Parts between commas up to `close`; a lone dot or colon is a whole axis."""
        self.bars.append(None)
        found: list[Tex] = []
        self.scripts_open += colon
        while not self.is_(close):
            if self.now.kind == "stop":
                raise self.error("syntax", f"This {opened.text} is never closed.", opened.span, f"Add a {close}.")
            if self.is_(",", ";") or (colon and self.now.kind == "speech"):
                self.take()
            elif self.is_(r"\substack") and self.peek().text == "{":
                self.take()
                found += self.inside(self.take(), "}", colon)
            elif colon and (self.is_(":", r"\cdot", ".", r"\bullet") or (self.is_("*", "+", "-") and self.peek().text == close)):
                dot = self.take()
                found.append(Tex("plus", span=dot.span) if dot.text in "+-" else Tex("all", span=dot.span))
            else:
                found.append(self.logic())
                if colon and self.is_(":", r"\mid", "|"):
                    mark = self.take()
                    found.append(Tex("all" if self.is_(close, ",") and mark.text == ":" else "such", span=mark.span))
                elif not self.is_(close, ",", ";") and not (colon and (self.is_(*AXES, ".") or self.now.kind == "speech")):
                    raise self.stray()
        self.take()
        self.bars.pop()
        self.scripts_open -= colon
        return found

    def _one(self, t: Tok) -> Tex:
        """A group in braces, one token or a signed number."""
        if self.is_("{"):
            opened = self.take()
            self.bars.append(None)
            inner = self.logic()
            self.expect("}", opened)
            self.bars.pop()
            return inner
        if self.chalk and self.is_("-", "("):
            return self.sum() if self.is_("(") is False and False else self._signed()
        return self._token(t)

    def _signed(self) -> Tex:
        if self.is_("-"):
            minus = self.take()
            inner = self._token(minus)
            return Tex("neg", (inner,), span=minus.span.to(inner.span))
        return self.atom()

    def _token(self, t: Tok) -> Tex:
        """One token as a script or an argument: TeX takes a single digit."""
        if self.now.kind == "stop":
            raise self.error("syntax", f"Nothing stands behind this {t.text}.", t.span, "It takes an argument: {...}.")
        if self.now.kind == "num" and len(self.now.text) > 1:
            if t.text in ("_", "^", ".^") and not self.chalk:
                raise self.error("ambiguous", f"{t.text}{self.now.text} is {t.text}{self.now.text[0]} beside {self.now.text[1:]} in TeX.",
                                 self.now.span, f"Write {t.text}{{{self.now.text}}} or {t.text}{{{self.now.text[0]}}} {self.now.text[1:]}.")
            if not self.chalk:
                first, rest = self.now.text[0], self.now.text[1:]
                self.put([Tok("num", first, self.now.start, self.now.start + 1), Tok("num", rest, self.now.start + 1, self.now.end)])
        if t.text == "_" and self.is_("+", "*", ":"):
            mark = self.take()
            return Tex("plus" if mark.text == "+" else "all", span=mark.span)
        if self.now.kind == "sym":
            letter = self.take()
            return Tex("sym", (), letter.text, letter.span)
        return self.atom()

    def above(self, t: Tok) -> list[Sup]:
        """The marks above: transposes, inverses, sample indices, powers."""
        if not self.is_("{"):
            for texts in TURNED:
                if self.is_(*texts):
                    self.take()
                    return [("T", texts[0])]
            if self.is_(r"\dagger", "+"):
                return [("pinv", self.take().text)]
            if self.is_("*", r"\star"):
                self.take()
                return [("star", None)]
            if self.is_("'"):
                self.take()
                return [("prime", None)]
            if self.is_("-") and self.peek().kind not in ("num", "sym", "word") and self.peek().text not in ("(", "{"):
                return [("word", self.take().text)]
            if self.chalk and self.is_("-", "("):
                return [("power", self._signed())]
            return [("power", self._token(t))]
        return self._marks()

    def _marks(self) -> list[Sup]:
        opened = self.take()
        found: list[Sup] = []
        self.scripts_open += 1
        while not self.is_("}"):
            if self.now.kind == "stop":
                raise self.error("syntax", f"This {opened.text} is never closed.", opened.span, "Add a }.")
            found.append(self._mark())
        self.take()
        self.scripts_open -= 1
        return found

    def _mark(self) -> Sup:
        """One mark in a raised group."""
        ends = self.peek().text == "}"
        if self.is_("T", "H", r"\top", r"\mathbf{T}") and (ends or self.now.text == r"\top"):
            return "T", self.take().text
        if self.now.kind == "word" and self.now.text in ("T", "t", "tr"):
            self.take()
            return "T", r"\top"
        if self.is_("-") and self.peek().text in ("T", r"\top") and self.peek(2).text == "}":
            self.take(), self.take()
            return "invT", None
        if self.is_("-") and self.peek().text == "1" and self.peek(2).text in ("}", "T", r"\top"):
            self.take(), self.take()
            return "inv", None
        if self.is_(r"\dagger") or (self.is_("+") and ends):
            return "pinv", self.take().text
        if self.is_("-") and ends:
            return "word", self.take().text
        if self.is_("*", r"\star", r"\ast") and ends:
            self.take()
            return "star", None
        if self.is_("'"):
            self.take()
            return "prime", None
        if self.is_(r"\odot", r"\circ"):
            self.take()
            return "epower", self.logic()
        if self.is_("(", "[") and self._closes():
            opened = self.take()
            return {"(": "round", "[": "square"}[opened.text], tuple(self.inside(opened, PAIRS[opened.text]))
        if self.now.kind == "word" and self.now.text not in FUNCTIONS:
            return "word", self.take().text
        return self._listed() or ("power", self.logic())

    def _listed(self) -> Sup | None:
        """w,ref in \\pi^{w,ref}: a part of a name, if it is one."""
        stop = next(p for p in range(self.at, len(self.tokens)) if self.tokens[p].kind not in ("sym", "num", "word") and self.tokens[p].text != ",")
        texts = [t.text for t in self.tokens[self.at : stop]]
        if self.tokens[stop].text != "}" or "," not in texts[1:-1]:
            return None
        for _ in texts:
            self.take()
        return "listed", "".join(texts)

    def _closes(self) -> bool:
        """Whether the parenthesis that opens here ends the group, or a transpose stands behind it."""
        depth = 0
        for p in range(self.at, len(self.tokens)):
            depth += (self.tokens[p].text in ("(", "[")) - (self.tokens[p].text in (")", "]"))
            if depth == 0:
                following = self.tokens[p + 1]
                lone = p == self.at + 2 and self.tokens[self.at + 1].kind in ("sym", "num")
                return following.text in ("}", "T", r"\top", "'") or (lone and following.kind in ("num", "sym"))
        return False

    # -- atoms -----------------------------------------------------------------------------------------------

    def atom(self) -> Tex:
        t = self.now
        if t.kind == "num":
            self.take()
            try:
                value = Fraction(t.text)
            except ValueError:
                raise self.error("syntax", "This is what is left of a number.", t.span, "Put the number in braces: {...}.") from None
            return Tex("num", (), value.numerator if value.denominator == 1 else value, t.span)
        if t.kind in ("sym", "word"):
            return self.letters()
        if t.text in BARS:
            return self.bar()
        if t.text == "{":
            self.take()
            self.bars.append(None)
            inner = self.logic()
            end = self.expect("}", t)
            self.bars.pop()
            return inner if inner.op in ("sym", "num", "fn") else Tex("group", (inner,), span=t.span.to(end.span))
        if t.text in PAIRS:
            return self.fenced()
        if t.text in BIG:
            return self.big(BIG[self.take().text], t)
        if t.text in (r"\frac", r"\binom"):
            self.take()
            a, b = self._one(t), self._one(t)
            return Tex(t.text[1:], (a, b), span=t.span.to(b.span))
        if t.text == r"\sqrt":
            return self.root()
        if t.text == r"\begin":
            return self.environment()
        if t.text == r"\arg":
            self.take()
            if not self.is_(r"\max", r"\min"):
                raise self.stray()
            return self.big("arg" + self.take().text[1:], t)
        if t.kind == "cmd" and t.text[1:] in WORDY:
            self.take()
            return self.function(t.text[1:], t)
        raise self.stray()

    def letters(self) -> Tex:
        """A name: the longest known word that starts here, else one letter."""
        t = self.now
        if t.kind == "word":
            self.take()
            if t.text in CONSTANTS and t.text not in self.words:
                return Tex("dropped", (), t.text, t.span)
            if t.text == "d" and self.now.kind == "sym":
                follows = self.take()
                return Tex("sym", (), "d" + follows.text, t.span.to(follows.span))
            if t.side == "said" and self.at > 1 and t.text not in self.words:
                raise self.error("ambiguous", f"{t.text} is a word of the sentence, or a name.", t.span,
                                 rf"Write \mathrm{{{t.text}}} for a name, and signs for what is done.")
            called = t.text in WORDY or (self.is_("(") and self.operator(t.text) is not None)
            return self.function(t.text, t) if called else Tex("sym", (), t.text, t.span)
        run = ""
        for p in range(self.at, min(self.at + 24, len(self.tokens))):
            if self.tokens[p].kind != "sym" or len(self.tokens[p].text) > 1:
                break
            run += self.tokens[p].text
        joined = self._word_at(run)
        if joined is not None:
            start = self.take()
            while self.now.kind != "stop" and self.now.start < start.start + len(joined):
                self.take()
            span = start.span.to(self.tokens[self.at - 1].span)
            called = joined in WORDY or (self.chalk and self.is_("(") and self.operator(joined) is not None)
            return self.function(joined, Tok("word", joined, span.start, span.end)) if called else Tex("sym", (), joined, span)
        if len(run) > 2 and not self.scripts_open and self.source[t.start : t.start + len(run)] == run and self._is_word(run):
            raise self.error("ambiguous", f"{run} is a word, or a product of {len(run)} letters.", t.span.to(self.peek(len(run) - 1).span),
                             rf"Write \mathrm{{{run}}}, or blanks between the factors.")
        self.take()
        if t.text == r"\Sigma" and self.chalk and self.source[t.start : t.end] == "Σ" and not (
                self.is_("^") or {"Sigma", r"\Sigma"} & set(self.words)):
            return self.big("sum", t)
        return Tex("sym", (), t.text, t.span)

    def function(self, name: str, t: Tok) -> Tex:
        """A function, or a reduction that is written as a word: \\operatorname*{mean}_i."""
        if name in ARGS and (self.is_("_") or name in ("argmax", "argmin") or (self.chalk and self.is_("["))):
            return self.big(name, t)
        return Tex("fn", (), FUNCTIONS.get(name) or self.operator(name) or name, t.span)

    def bar(self) -> Tex:
        t = self.take()
        self.bars.append(t.text)
        self.opened_at = self.at - 1
        inner = self.logic()
        if t.text == "|" and self.is_("\\|") and self.source[self.now.start : self.now.end] == "||":
            double = self.now  # |x||y|: the first bar closes, the second opens
            self.put([Tok("op", "|", double.start, double.start + 1), Tok("op", "|", double.start + 1, double.end, "l")])
        if self.is_(t.text):
            end = self.take()
        else:
            sign = self.source[t.span.start : t.span.end] or t.text
            raise self.error("syntax", f"This {sign} is never closed.", t.span, f"Add a {sign}.")
        self.bars.pop()
        return Tex("norm" if t.text == "\\|" else "bars", (inner,), span=t.span.to(end.span))

    opened_at = -1

    def fenced(self) -> Tex:
        t = self.take()
        close = PAIRS[t.text]
        self.bars.append(None)
        self._commas(close)
        items: list[Tex] = []
        while not self.is_(close):
            if items or self.is_(","):
                self.expect(",", t)
            items.append(self.logic())
            if not self.is_(",", close):
                self.expect(close, t)
        end = self.take()
        self.bars.pop()
        span = t.span.to(end.span)
        if t.text in (r"\lfloor", r"\lceil"):
            return Tex({r"\lfloor": "floor", r"\lceil": "ceil"}[t.text], tuple(items), span=span)
        return Tex("inner" if t.text == r"\langle" else "fence", tuple(items), t.text, span)

    def _commas(self, close: str) -> None:
        """`p(x | \\mu)`, `D(P \\| Q)`, `f(x; W)`: a lone mark between arguments is a comma."""
        depth, marks = 0, []
        for p in range(self.at, len(self.tokens)):
            text = self.tokens[p].text
            if depth == 0 and text == close:
                break
            depth += (text in PAIRS or text in ("{", r"\begin")) - (text in PAIRS.values() or text in ("}", r"\end"))
            if depth == 0 and text in PARTED and self.tokens[p].kind != "stop":
                marks.append(p)
        bars = [p for p in marks if self.tokens[p].text in BARS]
        for p in marks:
            if self.tokens[p].text not in BARS or (len(bars) == 1 and not self.tokens[p].side):
                self.tokens[p] = Tok("op", ",", self.tokens[p].start, self.tokens[p].end)
        self.now = self.tokens[self.at]

    def big(self, name: str, t: Tok) -> Tex:
        """A sum sign with its limits; its body is the rest of the product."""
        sub: tuple[Tex, ...] | None = None
        sup: list[Sup] = []
        if self.chalk and self.is_("["):
            sub = self._brackets(self.take())
        while self.is_("_", "^"):
            mark = self.take()
            if mark.text == "_":
                sub = self.below(mark) or None
            else:
                sup.append(("power", self._one(mark)))
        if sub is None and not sup and name in ("max", "min"):
            return Tex("fn", (), name, t.span)
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.error("limit", f"The formula is nested deeper than {MOST_DEPTH}.", t.span)
        body = self._body()
        self.depth -= 1
        return Tex("big", (body,), name, t.span.to(body.span), sub, tuple(sup))

    def _body(self) -> Tex:
        if self.is_("-", "+"):
            sign = self.take()
            inner = self.product()
            return Tex("neg", (inner,), span=sign.span.to(inner.span)) if sign.text == "-" else inner
        return self.product()

    def root(self) -> Tex:
        t = self.take()
        degree: tuple[Tex, ...] = ()
        if self.is_("[") and not self.chalk:
            opened = self.take()
            degree = (self.logic(),)
            self.expect("]", opened)
        if self.chalk and not self.is_("{"):
            inner = self.scripted()
            if any(kind == "power" for kind, _ in inner.sup):
                raise self.error("ambiguous", "A root of a power, or a power of a root.", t.span.to(inner.span), "Write √(x²) or (√x)².")
        else:
            inner = self._one(t)
        return Tex("sqrt", (inner, *degree), span=t.span.to(inner.span))

    def environment(self) -> Tex:
        t = self.take()
        self.bars.append(None)
        rows: list[list[list[Tok]]] = [[[]]]
        depth = 0
        while depth or not self.is_(r"\end"):
            if self.now.kind == "stop":
                raise self.error("syntax", f"This {t.side} is never ended.", t.span)
            x = self.take()
            depth += (x.text == r"\begin") - (x.text == r"\end")
            if not depth and x.text == "&":
                rows[-1].append([])
            elif not depth and x.text == r"\\":
                rows.append([[]])
            else:
                rows[-1][-1].append(x)
        end = self.take()
        self.bars.pop()
        if self.is_(r"\}"):
            self.take()
        rows = [r for r in rows if any(r)]
        span = t.span.to(end.span)
        return self._cases(rows, span) if t.side == "cases" else self._grid(rows, span, t.side)

    def _cell(self, tokens: list[Tok], span: Span) -> Tex:
        if not tokens:
            raise self.error("syntax", "A cell is empty here.", span)
        inner = TexParser(tokens, self.source, chalk=self.chalk)
        inner.words, inner.depth, inner.single = self.words, self.depth, self.single
        return inner.whole()

    def _grid(self, rows: list[list[list[Tok]]], span: Span, side: str) -> Tex:
        if len({len(r) for r in rows}) != 1:
            raise self.error("syntax", "The rows of this matrix differ in length.", span)
        cells = tuple(self._cell(c, span) for r in rows for c in r)
        return Tex("grid", cells, (len(rows), len(rows[0]), side), span)

    def _cases(self, rows: list[list[list[Tok]]], span: Span) -> Tex:
        """Values and conditions by turns; no condition is the rest."""
        found: list[Tex] = []
        for value, *conditions in rows:
            while value and value[-1].text in (",", ";", "."):
                value = value[:-1]
            tokens = [t for c in conditions for t in c]
            said = any(t.kind in ("word", "speech") and t.text in OTHERWISE for t in tokens) or joined(tokens) in OTHERWISE
            words = [t for t in tokens if not (t.kind in ("word", "speech") and (t.kind == "speech" or t.text in SAID))]
            while words and words[-1].text in (",", ".", ";"):
                words = words[:-1]
            words = comma_and(words)
            if not words and not said and conditions and any(t.kind == "speech" for t in tokens):
                raise self.error("syntax", "This condition is not read.", tokens[0].span)
            found.append(self._cell(value, span))
            found.append(Tex("rest", span=span) if said or not words else self._cell(words, span))
        return Tex("cases", tuple(found), span=span)
