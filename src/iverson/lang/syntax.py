"""A Pratt parser for iverson notation: matrix and index notation, declarations and definitions, to Surface.

Binding, loosest first:  or | and | not | relations | + - | sum[k] and its kind | * / .* ./ | prefix - | ^ .^ ' | call, index.
Knows no shapes: `*` stays one operation.  What a bound relation such as `sum[k != y]` binds is settled in scope.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from ..core.errors import IversonError, Span
from .advice import AFTER, MOST_DEPTH, NO_SIZE, SIZES, STARTS, continued, missing_operator, operand_missing, too_deep, unknown_function, unknown_kind
from .ops import OPS, REDUCTIONS
from .structure import STRUCTURES
from .surface import Declaration, Equation, Script, Surface, depth
from .tokens import Token, tokenize

RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
INFIX = {
    "+": (20, "add"),
    "-": (20, "sub"),
    "*": (40, "mul"),
    "/": (40, "div"),
    ".*": (40, "emul"),
    "./": (40, "ediv"),
    "^": (60, "pow"),
    ".^": (60, "epow"),
}
OR, AND, NOT, RELATION, SUM, REDUCE, PREFIX, POWER = 2, 4, 6, 10, 20, 30, 39, 60
MOST_TREE = 250  # of the tree: a product of as many factors in a row is as deep
KINDS = {
    "data": "data",
    "param": "param",
    "label": "label",
    "scalar": "scalar",
    "vector": "vector",
    "column": "column",
    "row": "row",
    "matrix": "matrix",
    "tensor": "tensor",
    **{name: name for name in STRUCTURES},
    "function": "function",
}


def parse_script(source: str, functions: Iterable[str] = ()) -> Script:
    """A whole text: declarations, definitions, a last expression.  Errors carry the text and the span.

    >>> [e.name for e in parse_script("s = X*w; sum(exp(s))").equations]
    ['s', 'L']
    """
    try:
        script = Parser(tokenize(source), source, functions).script()
        if any(depth(e.body) > MOST_TREE for e in script.equations):
            raise too_deep(source)
        return script
    except IversonError as error:
        raise error.located(source) from None
    except RecursionError:
        raise too_deep(source) from None


def parse_expression(source: str, functions: Iterable[str] = ()) -> Surface:
    """One expression and nothing else."""
    script = parse_script(source, functions)
    if len(script.equations) != 1 or script.declarations:
        raise IversonError("syntax", "One expression is expected here.", source=source)
    return script.equations[0].body


class Parser:
    """One pass over the tokens of one text."""

    def __init__(self, tokens: list[Token], source: str, functions: Iterable[str]) -> None:
        self.tokens, self.source, self.at, self.depth = tokens, source, 0, 0
        self.closed_by_where = False  # the result is the statement before `where`
        self.closed: dict[int, Surface] = {}  # trees written in parentheses, by identity
        self.functions = set(functions) | self._declared_functions()

    def _declared_functions(self) -> set[str]:
        t = self.tokens
        return {
            t[p].text
            for p in range(len(t) - 2)
            if t[p].kind == "name" and t[p + 1].text == ":" and t[p + 2].text == "function"
        }

    # -- tokens --------------------------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.now
        self.at += token.kind != "stop"
        return token

    def is_op(self, *texts: str) -> bool:
        return self.now.kind == "op" and self.now.text in texts

    def expect(self, text: str, opened: Token | None = None) -> Token:
        if self.is_op(text):
            return self.take()
        if opened is not None and self.now.kind in ("stop", "end"):
            raise self.error(f"This {opened.text} is never closed.", opened.span, hint=f"Add a {text}.")
        raise self.error(f"Expected {text!r} here{self._got()}.", self.now.span, hint=f"Close with {text} first.")

    def _got(self) -> str:
        return ", the text ends" if self.now.kind == "stop" else f", not {self.now.text!r}"

    def error(
        self, message: str, span: Span | None, why: str | None = None, hint: str | None = None
    ) -> IversonError:
        return IversonError("syntax", message, span, why, hint, self.source)

    # -- statements ----------------------------------------------------------------------------------------

    def script(self) -> Script:
        declarations: list[Declaration] = []
        equations: list[Equation] = []
        bare: list[int] = []
        previous: Equation | None = None
        while self.now.kind != "stop":
            if self.now.kind == "end":
                self.take()
                continue
            first = self.now
            statement, named = self._statement()
            if isinstance(statement, Declaration):
                declarations.append(statement)
            else:
                if previous is not None and (error := continued(self.source, first, previous, statement, not named)):
                    raise error
                if not named:
                    bare.append(len(equations))
                equations.append(statement)
            if self.now.kind == "name" and self.now.text == "where" and equations:
                self.closed_by_where = True
                last = equations.pop()
                equations += [*self._where(), last]
                bare = [len(equations) - 1] if not named else bare
            if self.now.kind not in ("end", "stop"):
                raise self._leftover()
            previous = None if isinstance(statement, Declaration) else equations[-1]
        return self._assemble(declarations, equations, bare)

    def _assemble(
        self, declarations: list[Declaration], equations: list[Equation], bare: list[int]
    ) -> Script:
        if not equations:
            raise self.error(
                "There is no formula here.",
                Span(0, len(self.source)),
                hint="Write a loss, such as sum(exp(X*w)).",
            )
        for p in bare[:-1]:
            raise self.error(
                "Only the last expression may stand without a name.",
                equations[p].span,
                hint="Name it: r = ...",
            )
        if bare and bare[0] != len(equations) - 1:
            raise self.error(
                "An expression without a name must be the last statement.",
                equations[bare[0]].span,
                hint="Name it: L = ...",
            )
        taken = {e.name for e in equations} | {d.name for d in declarations}
        if bare:
            last = equations[-1]
            free = next(
                n for n in ("L", "loss", "L_", "loss_", "L__") if n not in taken and n not in self._words()
            )
            equations[-1] = Equation(free, last.indices, last.body, last.span)
            return Script(tuple(declarations), tuple(equations), free, self.source, anonymous=True)
        losses = [e.name for e in equations if e.name == "L" and not self.closed_by_where]
        rest = [e.name for e in equations if e.name != "predict"] or [equations[-1].name]
        return Script(tuple(declarations), tuple(equations), (losses or rest)[-1], self.source)

    def _where(self) -> list[Equation]:
        """`... where s = sigmoid(z), q[i] = ...`: definitions that stand before the last statement."""
        found: list[Equation] = []
        while not found or self.is_op(","):
            self.take()
            statement, named = self._statement()
            if not named or not isinstance(statement, Equation):
                raise self.error("After where stand definitions: where s = ..., p = ...", statement.span)
            found.append(statement)
        return found

    def _words(self) -> set[str]:
        return {t.text for t in self.tokens if t.kind == "name"}

    def _statement(self) -> tuple[Declaration | Equation, bool]:
        start = self.now
        if start.kind == "name" and self.peek().text == ":":
            return self._declaration(), True
        if start.kind == "name" and _defines(self.peek()):
            self.take(), self.take()
            body = self.expression()
            return Equation(start.text, None, body, start.span.to(body.span)), True
        if (
            start.kind == "name"
            and self.peek().text == "["
            and start.text not in REDUCTIONS
            and self._indexed_left()
        ):
            return self._indexed(), True
        body = self.expression()
        return Equation("", None, body, body.span), False

    def _indexed_left(self) -> bool:
        """`name[i, j] =` with plain names inside."""
        p = self.at + 2
        while self.tokens[p].kind == "name" and self.tokens[p + 1].text == ",":
            p += 2
        return (
            self.tokens[p].kind == "name"
            and self.tokens[p + 1].text == "]"
            and _defines(self.tokens[min(p + 2, len(self.tokens) - 1)])
        )

    def _indexed(self) -> Equation:
        start = self.take()
        self.take()
        indices = [self.take().text]
        while self.is_op(","):
            self.take()
            indices.append(self.take().text)
        self.expect("]")
        self.take()
        if len(set(indices)) < len(indices):
            raise self.error("An index stands twice on the left.", start.span, hint="Use different names.")
        body = self.expression()
        return Equation(start.text, tuple(indices), body, start.span.to(body.span))

    def _declaration(self) -> Declaration:
        start = self.take()
        self.take()
        kind = self.take()
        if kind.kind != "name" or kind.text not in KINDS:
            raise self.error(f"{kind.text!r} is not a kind of input.", kind.span, hint=unknown_kind(kind.text, KINDS))
        dims = self._dims() if self.is_op("[") else None
        classes: str | int | Surface | None = None
        default = None
        if self.now.kind == "name" and self.now.text == "in":
            self.take()
            classes = self._size()
        if self.is_op("="):
            self.take()
            minus = self.is_op("-") and self.take()
            value = self.take()
            if value.value is None:
                raise self.error("A default is a number.", value.span)
            default = -value.value if minus else value.value
        return Declaration(
            start.text, kind.text, dims, classes, default, start.span.to(self.tokens[self.at - 1].span)
        )

    def _dims(self) -> tuple[str | int | Surface, ...]:
        opened = self.take()
        if self.is_op("]"):  # a single one: `y: label[] in K`
            self.take()
            return ()
        dims = [self._size()]
        while self.is_op(","):
            self.take()
            dims.append(self._size())
        self.expect("]", opened)
        return tuple(dims)

    def _size(self) -> str | int | Surface:
        """A name, a positive integer, or sums and products of them: `n - w + 1`."""
        token = self.now
        if token.kind not in ("name", "num") and not self.is_op("("):
            raise self.error(NO_SIZE, token.span, hint=SIZES)
        tree = self.expression(RELATION)
        if tree.op == "name":
            return str(tree.attr)
        if tree.op == "num" and isinstance(tree.attr, int) and tree.attr >= 1:
            return tree.attr
        if tree.op in ("add", "mul", "pow"):
            return tree
        raise self.error(NO_SIZE, tree.span, hint=SIZES)

    # -- expressions ---------------------------------------------------------------------------------------

    def expression(self, binding: int = 0) -> Surface:
        """An expression whose operators all bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise IversonError("limit", f"The formula is nested deeper than {MOST_DEPTH}.", self.now.span)
        left = self._prefix(binding)
        while True:
            new = self._infix(left, binding)
            if new is None:
                self.depth -= 1
                return left
            left = new

    def _infix(self, left: Surface, binding: int) -> Surface | None:
        token = self.now
        if token.kind == "name" and token.text in ("and", "or"):
            token = Token("op", {"and": "&&", "or": "||"}[token.text], token.span)
        if token.kind != "op":
            return None
        text = token.text
        if text == "'" and binding < POWER:
            self.take()
            return Surface("transpose", (left,), span=_join(left, token))
        if text in ("&&", "||"):
            return self._logic(left, text, binding)
        if text in RELATIONS and binding < RELATION:
            return self._relation(left)
        if text in INFIX and INFIX[text][0] > binding:
            return self._arithmetic(left, *INFIX[text])
        return None

    def _logic(self, left: Surface, text: str, binding: int) -> Surface | None:
        level, op = (AND, "and") if text == "&&" else (OR, "or")
        if binding >= level:
            return None
        self.take()
        right = self.expression(level)
        return Surface(op, (left, right), span=_to(left, right))

    def _relation(self, left: Surface) -> Surface:
        token = self.take()
        right = self.expression(RELATION)
        made = Surface("rel", (left, right), token.text, _to(left, right))
        if self.is_op(*RELATIONS):
            if "=" in (token.text, self.now.text):
                raise self.error(
                    "Two relations stand in a row.", self.now.span, hint="Join them: [a = b and b = c]."
                )
            following = self._relation(right)
            return Surface("and", (made, following), span=_to(made, following))
        return made

    def _arithmetic(self, left: Surface, level: int, op: str) -> Surface:
        token = self.take()
        if level == POWER:
            right = self._exponent()
            if left.op in ("pow", "epow") and not self._closed(left):
                raise self.error(
                    "A power of a power needs parentheses.", token.span, hint="Write (a^b)^c or a^(b^c)."
                )
            return Surface(op, (left, right), span=_to(left, right))
        right = self.expression(level)
        if op == "sub":
            right = Surface("neg", (right,), span=right.span)
            op = "add"
        if op == "add":
            head = left.args if left.op == "add" and not self._closed(left) else (left,)
            return Surface("add", (*head, right), span=_to(left, right))
        return Surface(op, (left, right), span=_to(left, right))

    def _closed(self, tree: Surface) -> bool:
        return id(tree) in self.closed

    def _exponent(self) -> Surface:
        if self.is_op("-", "+"):
            token = self.take()
            inner = self._exponent()
            return Surface("neg", (inner,), span=_join(inner, token)) if token.text == "-" else inner
        return self._operand()

    def _prefix(self, binding: int) -> Surface:
        token = self.now
        if self.is_op("-"):
            self.take()
            inner = self.expression(max(PREFIX, binding))
            return Surface("neg", (inner,), span=token.span.to(inner.span))
        if self.is_op("+"):
            self.take()
            return self.expression(max(PREFIX, binding))
        if self.is_op("!") or (token.kind == "name" and token.text == "not"):
            self.take()
            inner = self.expression(NOT)
            return Surface("not", (inner,), span=token.span.to(inner.span))
        return self._operand()

    def _operand(self) -> Surface:
        base = self._atom()
        while self.is_op("[", "(") and (base.op != "reduce" or self._closed(base)):
            if self.now.text == "(" or base.op in ("num", "bracket"):
                raise self._missing_times()
            base = self._index(base)
        return base

    def _atom(self) -> Surface:
        token = self.now
        if token.kind == "num":
            self.take()
            return Surface("num", (), token.value, token.span)
        if token.kind == "name" and token.text not in ("and", "or", "not", "in"):
            return self._named()
        if self.is_op("("):
            self.take()
            inner = self.expression()
            end = self.expect(")", token)
            outer = inner.at(token.span.to(end.span))
            self.closed[id(outer)] = outer
            return outer
        if self.is_op("["):
            self.take()
            inner = self.expression()
            end = self.expect("]", token)
            if inner.op not in ("rel", "and", "or", "not"):
                raise self.error("A bracket holds a relation, such as [k = y].", inner.span, hint="Write (...) to group.")
            return Surface("bracket", (inner,), span=token.span.to(end.span))
        if token.kind in ("stop", "end"):
            at = operand_missing(self.tokens, self.at)
            raise self.error("The formula stops here; an operand is missing.", at, hint="Write a name, a number or a parenthesis.")
        text = self.source[token.span.start : token.span.end]
        raise self.error(f"{text!r} cannot start an operand.", token.span, hint=STARTS.get(token.text))

    def _named(self) -> Surface:
        token = self.take()
        if token.text in REDUCTIONS and self.is_op("["):
            return self._reduce(token)
        if self.is_op("'") and token.text in self.functions and self.peek().text == "(":
            self.take()
            return self._call(token, token.text + "'")
        if self.is_op("("):
            if token.text == "where" and token.text not in self.functions:
                return self._choice(token)
            if token.text == "solve" and token.text not in self.functions:
                return self._solve(token)
            if token.text in OPS or token.text in self.functions:
                return self._call(token, token.text if token.text in self.functions else OPS[token.text].name)
            raise self._unknown_function(token)
        return Surface("name", (), token.text, token.span)

    def _call(self, token: Token, name: str) -> Surface:
        opened = self.take()
        args = [self.expression()] if not self.is_op(")") else []
        while self.is_op(","):
            self.take()
            args.append(self.expression())
        end = self.expect(")", opened)
        least, most = OPS[name].arity if name in OPS else (1, 1)
        if not least <= len(args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self.error(
                f"{name} takes {wanted} argument{'s' * (most > 1)}, not {len(args)}.",
                token.span.to(end.span),
                hint=f"Write {name}({', '.join('xyzw'[:least] or 'x')}).",
            )
        if name in OPS:
            given = len(args) - most + len(OPS[name].defaults)
            args += [_default(text) for text in OPS[name].defaults[given:]] if given >= 0 else []
        return Surface("call", tuple(args), name, token.span.to(end.span))

    def _solve(self, token: Token) -> Surface:
        """`solve(A, b)` is inv(A)*b."""
        opened = self.take()
        matrix = self.expression()
        self.expect(",")
        right = self.expression()
        span = token.span.to(self.expect(")", opened).span)
        return Surface("mul", (Surface("call", (matrix,), "inv", span), right), span=span)

    def _choice(self, token: Token) -> Surface:
        """`where(x > 0, a, b)` is [x > 0]*a + [not x > 0]*b: what is not chosen does not count."""
        opened = self.take()
        condition = self.expression()
        if condition.op == "bracket":
            condition = condition.args[0]
        if condition.op not in ("rel", "and", "or", "not"):
            raise self.error("where begins with a relation.", condition.span, hint="Write where(x > 0, a, b).")
        self.expect(",")
        first = self.expression()
        self.expect(",")
        second = self.expression()
        span = token.span.to(self.expect(")", opened).span)
        sides = ((condition, first), (Surface("not", (condition,), span=condition.span), second))
        parts = (
            Surface("emul", (Surface("bracket", (c,), span=c.span), a), span=a.span)
            for c, a in sides
            if not (a.op == "num" and a.attr == 0) or first == second
        )
        return Surface("add", tuple(parts), span=span)

    def _index(self, base: Surface) -> Surface:
        opened = self.take()
        terms = [self._term()]
        while self.is_op(","):
            self.take()
            terms.append(self._term())
        if self.is_op(*RELATIONS):
            raise self.error(
                "An index cannot hold a relation.",
                self.now.span,
                hint="Write * between a factor and a bracket: Y[i]*[k = j].",
            )
        end = self.expect("]", opened)
        return Surface("index", (base, *terms), span=_join(base, end))

    def _term(self) -> Surface:
        """An index, a colon for a whole axis, or a half-open slice `1:`, `:-1`, `a:b` as in Python."""
        start = None if self.is_op(":") else self.expression(RELATION)
        if not self.is_op(":"):
            return start  # type: ignore[return-value]
        colon = self.take()
        whole = Surface("all", span=colon.span)
        end = whole if self.is_op(",", "]", ":") else self.expression(RELATION)
        if self.is_op(":"):
            raise self.error("A slice with a step is not read.", self.now.span, hint="Write x[n-1-i] or x[2*i].")
        if start is None and end is whole:
            return whole
        low = start or Surface("num", (), 0, colon.span)
        return Surface("slice", (low, end), span=_to(low, end))

    def _reduce(self, token: Token) -> Surface:
        """`sum[k] body`, `sum[i,j: i < j] body`, `sum[k != y] body`: names is () when a relation is to bind."""
        opened = self.take()
        names: tuple[str, ...] = ()
        condition: tuple[Surface, ...] = ()
        if self.now.kind == "name" and self.peek().text in (",", "]", ":"):
            names = self._bound_names()
            if self.is_op(":"):
                self.take()
                condition = (self._condition(),)
        else:
            condition = (self._condition(),)
        self.expect("]", opened)
        body = self.expression(REDUCE)
        return Surface("reduce", (body, *condition), (token.text, names), token.span.to(body.span))

    def _condition(self) -> Surface:
        """What stands in the brackets of a reduction beside its names."""
        if self.is_op("]"):
            raise self.error("This names no index.", self.now.span, hint="Write sum[k] or sum[k: k < m].")
        tree = self.expression()
        if self.is_op(":"):
            raise self.error(
                "An index runs over a whole axis; limits are conditions.",
                self.now.span,
                hint="Write sum[i: i >= 1 and i < n]; indices count from 0.",
            )
        if tree.op not in ("rel", "and", "or", "not"):
            raise self.error("This names no index.", tree.span, hint="Write sum[k] or sum[k: k < m].")
        return tree

    def _bound_names(self) -> tuple[str, ...]:
        names = [self.take().text]
        while self.is_op(","):
            self.take()
            token = self.take()
            if token.kind != "name" or token.text in names:
                raise self.error("A list of different index names is expected here.", token.span, hint="Write sum[i,j].")
            names.append(token.text)
        return tuple(names)

    # -- refusals ------------------------------------------------------------------------------------------

    def _leftover(self) -> IversonError:
        token = self.now
        if token.kind in ("name", "num") or token.text in ("(", "["):
            return self._missing_times()
        if token.text in (")", "]"):
            return self.error(f"This {token.text} closes nothing.", token.span, hint="Leave it out, or open it before.")
        return self.error(f"{token.text!r} is not expected here.", token.span, hint=AFTER.get(token.text))

    def _missing_times(self) -> IversonError:
        hint = missing_operator(self.tokens, self.at, self.source)
        return self.error("An operator is missing here.", self.now.span, hint=hint)

    def _unknown_function(self, token: Token) -> IversonError:
        hint = unknown_function(token.text, self.functions)
        return self.error(f"{token.text!r} is not an operator or a declared function.", token.span, hint=hint)


def _defines(token: Token) -> bool:
    """Whether a sign defines what stands before it; == only compares."""
    return token.text == ":=" or (token.text == "=" and token.span.end == token.span.start + 1)


def _default(text: str) -> Surface:
    """A number as a default is written."""
    value = Fraction(text)
    positive = Surface("num", (), abs(value).numerator if value.denominator == 1 else abs(value))
    return Surface("neg", (positive,)) if value < 0 else positive


def _to(a: Surface, b: Surface) -> Span | None:
    return a.span.to(b.span) if a.span else b.span


def _join(a: Surface, token: Token) -> Span | None:
    return a.span.to(token.span) if a.span else token.span
