"""Random losses through the public pipeline: derived, printed, read back, and compared with differences.

Glossary   d: a Derivation; q: a Question, what the loss's differences are compared with; g: an evaluator of a text.
A loss ends in one of: derived; refused (an IversonError, grouped by its reason); unverifiable (no values at which it
is finite and smooth, or too rough for differences); wrong.  `python tests/test_random.py 2000` prints the tally.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import iverson as iv
from generate import BY_SHAPE, Case, case, letters_only
from iverson.core.node import substitute
from iverson.lang.kinds import typed
from iverson.lang.surface import Equation, Surface, names_in, walk
from iverson.meaning.admit import all_sizes
from iverson.meaning.sample import instances
from iverson.meaning.surface_eval import compile_surface
from iverson.meaning.verify import Question, compare, declaration, difference, finer, one, read_back
from iverson.rules.calculus import WITHOUT

BATCH = 100
DRAWS, DIRECTIONS, MOST_SEARCHES = 5, 3, 3
MOST_REFUSED = 0.05
NAMES = r"[?]|\b[A-Za-z]\b"   # what differs between refusals for one reason
ROUNDING = 1e-10           # a loss and a gradient below this are what rounding leaves of 0
SAME_VALUE = 1e-7          # two printed texts of one answer, relative to its largest entry


RUNS_OUT = re.compile("is not a number at this point|cannot be treated")
EXTREME = re.compile("size|scale")     # notes of draws that are tried, and dropped where the numbers run out


class Wrong(AssertionError):
    """An answer that does not hold, or a text that cannot be read back."""


class FarOut(AssertionError):
    """Code that loses its digits with values a thousand times larger or smaller than usual."""


@dataclass
class Tally:
    """What became of a number of losses."""

    ends: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    far: list[str] = field(default_factory=list)
    redraws: int = 0
    overflows: int = 0
    entries: int = 0

    def __str__(self) -> str:
        ends = ", ".join(f"{n} {end}" for end, n in sorted(self.ends.items()))
        text = (f"{sum(self.ends.values())} losses: {ends}; {self.redraws} draws replaced, {self.overflows} texts that "
                f"overflow, {self.entries} entries compared one by one")
        return "\n".join([text, *(f"  {n:4} {reason}" for reason, n in self.refusals.most_common()), *self.far, *self.wrong])

    def end(self, seed: str, c: Case, order: int = 1, every_entry: bool = False) -> None:
        """Carry one loss through and count how it ends."""
        try:
            d = iv.derive(c.text, c.wrt, order=order, kinds=c.kinds, sizes=c.sizes, verified=False)
        except iv.IversonError as error:
            self.refused(error)
        except Exception as error:
            self.fail("crash", seed, c, error)
        else:
            self.judge(d, seed, c, every_entry)

    def refused(self, error: iv.IversonError) -> None:
        self.ends["refused"] += 1
        self.refusals[f"{error.kind}: {re.sub(NAMES, '_', error.message)}"] += 1

    def judge(self, d: Any, seed: str, c: Case, every_entry: bool) -> None:
        try:
            self.ends[Trial(d, c, seed, self).run(every_entry)] += 1
        except FarOut as error:
            self.ends["derived, far out not"] += 1
            self.far.append(reported("far out", seed, c, str(error)))
        except (Wrong, iv.IversonError) as error:
            self.fail("wrong", seed, c, error)
        except Exception as error:
            self.fail("crash", seed, c, error)

    def fail(self, end: str, seed: str, c: Case, error: Exception) -> None:
        if isinstance(error, iv.IversonError) and error.kind in ("unsupported", "limit"):  # what iv.derive refuses after deriving
            self.refused(error)
            return
        if isinstance(error, Wrong) and str(error).startswith("neither"):
            self.ends["unverifiable, not finite"] += 1  # iv.derive refuses the answer where it meets such a point
            return
        self.ends[end] += 1
        what = str(error).splitlines()[0] if isinstance(error, Wrong | iv.IversonError) else repr(error)
        self.wrong.append(reported(end, seed, c, what))


def reported(end: str, seed: str, c: Case, what: str) -> str:
    given = f" {c.kinds} {c.sizes}" if c.kinds else ""
    return f"[{seed}] {end}: {what}\n    by {c.wrt}: {c.text!r}{given}"


class Trial:
    """One answer against numbers: the rule of DESIGN section 6, along three directions."""

    def __init__(self, d: Any, c: Case, seed: str, tally: Tally) -> None:
        self.d, self.c, self.tally = d, c, tally
        self.seed = int.from_bytes(seed.encode()[-6:], "big")
        self.rng = np.random.default_rng(self.seed)
        found, inputs = d.derived, d.derived.program.inputs
        self.texts = {
            "program": read_back(inputs, found.lines, found.dims),
            "formula": read_back(inputs, [*found.where, found.main], found.dims),
            "index form": read_back(inputs, index_lines(d), found.dims)}
        self.judge = d.loss.typed if found.first is None else read_back(inputs, found.first.lines, found.first.dims)
        self.q = Question(self.judge, c.wrt, self.texts["program"], len(found.adjoint.outputs), None, d.order)
        self.f = compile_surface(self.judge, [self.judge.script.result])
        self.g = {k: compile_surface(t, [t.script.result]) for k, t in self.texts.items()}

    def run(self, every_entry: bool) -> str:
        compared = 0
        for search in range(MOST_SEARCHES):
            try:
                found = instances(self.judge, self.seed + search, n=DRAWS, wrt=(self.c.wrt,), extremes=not search)
            except iv.IversonError:
                return "unverifiable, no values" if not search else "unverifiable, rough"
            used = [self.far_out(draw) if EXTREME.match(draw.note) else self.holds(draw) for draw in found.draws]
            self.tally.redraws += found.redrawn + used.count(False)
            compared += used.count(True)
            if every_entry and used[0]:
                self.entries(found.draws[0])
            if compared >= DRAWS:
                return "derived"
        return "derived" if compared else "unverifiable, rough"

    def holds(self, draw: Any) -> bool:
        """Whether the draw could be used; raises Wrong where the answer is not the derivative there."""
        values = self.values(draw)
        if not all(np.isfinite(v).all() for v in values.values()):
            return self.overflowed(draw)
        gradient, scale = values["program"], self.scale(draw, values["program"])
        if scale < ROUNDING:
            return self.vanishes(draw)
        for k, v in values.items():
            if v.shape != gradient.shape or np.max(np.abs(v - gradient), initial=0) > SAME_VALUE * scale:
                if v.shape == gradient.shape and (self.ran_over(draw, k, values, scale) or self.ran_under(draw, k, values)):
                    self.tally.overflows += 1
                    return False
                if v.shape == gradient.shape and any(self.wavers(draw, how) for how in {"program", k}):
                    return False
                raise Wrong(f"the {k} has another value than the program [{draw.note}]: {self.d.text()[:200]}")
        return self.agrees(draw, self.g["program"], "program")

    def agrees(self, draw: Any, g: Any, how: str) -> bool:
        """The acceptance rule along three directions; False where differences are too rough, or rounding decides."""
        try:
            return compare(self.q, draw, self.f, g, self.rng, DIRECTIONS) is not None
        except iv.IversonError:
            if self.wavers(draw, how) or not self.confirmed(draw, g):
                return False
            raise

    def confirmed(self, draw: Any, g: Any) -> bool:
        """Whether differences with much smaller and with larger steps say the same, so that it is not they that are wrong.

        A step may jump over the waves of sin(1e6*x), or be lost in sigmoid(1e-12*x) - 0.5, with both step sizes alike.
        """
        arrays, sizes, x = draw.arrays, draw.sizes, np.asarray(draw.arrays[self.c.wrt], float)
        value = np.asarray(self.f(arrays, sizes)[self.judge.script.result])
        weights = self.rng.normal(size=value.shape) if self.q.outputs else np.ones(())
        gradient = np.asarray(g(arrays, sizes)[self.q.answer.script.result])
        gradient = np.tensordot(weights, gradient, axes=self.q.outputs) if self.q.outputs else gradient
        length = np.sqrt(np.mean(x * x))
        for _ in range(3 * DIRECTIONS):
            v = self.rng.normal(size=x.shape)
            along = lambda t, v=v: float(np.sum(
                weights * self.f({**arrays, self.c.wrt: x + t * length * v}, sizes)[self.judge.script.result]))
            found = [difference(along, h) / length for h in (1.6e-2, 1e-3, 1.2e-4, 1.5e-5)]
            rate = float(np.sum(gradient * v))
            if max(found) - min(found) < 0.1 * min(abs(rate - d) for d in found):
                return True
        return False

    def wavers(self, draw: Any, how: str) -> bool:
        """Whether rounding of the inputs alone moves the answer or the loss by as much as is asked of them."""
        given = self.text_or_code(draw, how), np.asarray(self.f(draw.arrays, draw.sizes)[self.judge.script.result])
        return any(self.moved_by_rounding(draw, how, *given) for _ in range(3))

    def moved_by_rounding(self, draw: Any, how: str, a: np.ndarray, value: np.ndarray) -> bool:
        arrays = {k: v * (1 + 2e-15 * self.rng.choice((-1, 1), np.shape(v))) if is_real(v) else v for k, v in draw.arrays.items()}
        moved = replace(draw, arrays=arrays)
        b, other = self.text_or_code(moved, how), np.asarray(self.f(arrays, draw.sizes)[self.judge.script.result])
        steady = np.max(np.abs(value - other)) <= 1e-12 * np.max(np.abs(value))
        return not (steady and np.max(np.abs(a - b), initial=0) <= 0.1 * SAME_VALUE * self.scale(draw, a))

    def text_or_code(self, draw: Any, how: str) -> np.ndarray:
        return self.code(draw) if how == "code" else self.values(draw)[how]

    def ran_over(self, draw: Any, k: str, values: dict[str, np.ndarray], scale: float) -> bool:
        """Whether a text has the right value in numbers of a wider range, as 1/log(sum(exp(x))) does for large x."""
        how, right = ("program", values["code"]) if k == "code" else (k, values["program"])
        arrays = {k: finer(v) for k, v in draw.arrays.items()}
        try:
            value = np.asarray(self.g[how](arrays, draw.sizes)[self.texts[how].script.result])
        except TypeError:
            return False
        return bool(np.max(np.abs(value - right), initial=0) <= SAME_VALUE * scale)

    def ran_under(self, draw: Any, k: str, values: dict[str, np.ndarray]) -> bool:
        """Whether the texts are 0 by underflow where the code, which is right, is not."""
        vanished = (values["program"] == 0) | (np.abs(values["program"] - values["code"]) <= SAME_VALUE * np.abs(values["code"]))
        return k == "code" and bool(vanished.all()) and self.agrees(draw, self.by_code, "code")

    def vanishes(self, draw: Any) -> bool:
        """A loss that is 0, and so is its derivative."""
        x = np.asarray(draw.arrays[self.c.wrt], float)
        moved = {**draw.arrays, self.c.wrt: x + 1e-3 * self.rng.normal(size=x.shape)}
        return bool(np.max(np.abs(self.f(moved, draw.sizes)[self.judge.script.result])) < ROUNDING)

    def values(self, draw: Any) -> dict[str, np.ndarray]:
        """The answer by each of its texts, and by the generated code."""
        found = {k: np.asarray(g(draw.arrays, draw.sizes)[self.texts[k].script.result]) for k, g in self.g.items()}
        return {**found, "code": self.code(draw)}

    def code(self, draw: Any) -> np.ndarray:
        try:
            return np.asarray(self.d(**draw.arrays, **draw.sizes))
        except iv.IversonError as error:
            if RUNS_OUT.search(error.message):      # far out, where numbers run out: said, not hidden
                return np.asarray(np.nan)
            raise

    def scale(self, draw: Any, gradient: np.ndarray) -> float:
        """What errors are relative to: the gradient, and the loss over the length of what it is derived by."""
        loss = np.max(np.abs(self.f(draw.arrays, draw.sizes)[self.judge.script.result]))
        x = np.asarray(draw.arrays[self.c.wrt], float)
        return float(np.max(np.abs(gradient), initial=0) + loss / max(np.sqrt(np.mean(x * x)), 1e-300))

    def overflowed(self, draw: Any) -> bool:
        """A text may overflow where the loss does not, as exp(x)/sum(exp(x)) does; the code never."""
        self.tally.overflows += 1
        code = self.code(draw)
        if not np.isfinite(code).all():
            raise Wrong(f"neither the text nor the code is finite [{draw.note}]: {self.d.text()[:200]}")
        self.agrees(draw, self.by_code, "code")
        return False

    def far_out(self, draw: Any) -> bool:
        """A size of 1, values scaled by 1e-3 or 1e3: the code is judged, and the draw dropped where it is not finite."""
        code = self.code(draw)
        if not np.isfinite(code).all() or self.scale(draw, code) < ROUNDING:
            return False
        try:
            return not self.jumps() and self.agrees(draw, self.by_code, "code")
        except iv.IversonError as error:
            raise FarOut(f"{error.message} [{draw.note}]") from None

    def jumps(self) -> bool:
        """A loss with a bracket on values: far out, its jumps are nearer than a step of the differences."""
        trees = [t for e in self.judge.script.equations for t in walk(e.body)]
        return any(t.op == "bracket" for t in trees)

    def by_code(self, arrays: Any, sizes: Any) -> dict[str, Any]:
        given = {k: v for k, v in arrays.items() if k in self.judge.inputs}
        return {self.q.answer.script.result: self.d(**given, **sizes)}

    def entries(self, draw: Any) -> None:
        """Every entry of a gradient, by the same rule."""
        gradient = self.values(draw)["program"]
        x = np.asarray(draw.arrays[self.c.wrt], float)
        if self.q.outputs or gradient.shape != x.shape or not np.isfinite(gradient).all():
            return
        for place in np.ndindex(x.shape):
            v = np.zeros(x.shape)
            v[place] = 1.0
            one(self.q, draw.arrays, draw.sizes, self.f, np.ones(()), gradient, x, v)
            self.tally.entries += 1


def is_real(v: Any) -> bool:
    return not isinstance(v, tuple) and np.asarray(v).dtype == np.float64


def index_lines(d: Any) -> list[Equation]:
    """The index form and what it names, as equations."""
    return [*d.derived.index_where, d.derived.indexed]


def run(seeds: range, order: int = 1, name: str = "0", most: int = 40) -> Tally:
    tally = Tally()
    for p in seeds:
        tally.end(f"{name}.{p}", case(f"{name}.{p}", most), order, every_entry=p % 20 == 7)
    print(tally)
    return tally


def check(tally: Tally) -> None:
    total = sum(tally.ends.values())
    unverifiable = sum(n for end, n in tally.ends.items() if end.startswith("unverifiable"))
    assert not tally.wrong, "\n" + "\n".join(tally.wrong)
    scatter = (MOST_REFUSED * total) ** 0.5  # of a number that is small on average
    assert tally.ends["refused"] + unverifiable <= MOST_REFUSED * total + scatter, f"\n{tally}"


@pytest.mark.parametrize("batch", range(20))
def test_random_losses(batch):
    tally = run(range(batch * BATCH, (batch + 1) * BATCH))
    check(tally)
    assert tally.entries


@pytest.mark.long
@pytest.mark.parametrize("batch", range(2, 100))
def test_a_hundred_thousand_random_losses(batch):
    check(run(range(batch * 1000, (batch + 1) * 1000)))


@pytest.mark.long
@pytest.mark.parametrize("batch", range(1, 50))
def test_ten_thousand_second_derivatives(batch):
    check(run(range(batch * 200, (batch + 1) * 200), order=2, name="second", most=8))


@pytest.mark.parametrize("batch", range(4))
def test_random_losses_of_whole_matrices(batch):
    check(run(range(batch * 50, (batch + 1) * 50), name="whole", most=15))


@pytest.mark.parametrize("batch", range(4))
def test_second_derivatives(batch):
    check(run(range(batch * 25, (batch + 1) * 25), order=2, name="second", most=8))


# -- the tests are tested --------------------------------------------------------------------------------------

def test_a_false_answer_is_wrong(monkeypatch):
    from iverson.rewrite.rule import Derivative
    from iverson.rules.calculus import CALCULUS

    monkeypatch.setitem(CALCULUS, "sin", Derivative("sin", ("cos(x) + 1e-5*x",)))
    tally = Tally()
    tally.end("planted", Case("w: param[D]\nsum(sin(w))", "w"))
    assert tally.ends["wrong"] == 1 and "differences give" in tally.wrong[0]


def test_a_lost_transpose_is_wrong(monkeypatch):
    from iverson.derivation import lift

    monkeypatch.setattr(lift, "transposed", lambda x: x)
    tally = Tally()
    tally.end("planted", Case("A: matrix[D, D]\nw: param[D]\nw'*(A*w).^2", "w"))
    assert tally.ends["wrong"] == 1


def test_a_crash_is_no_refusal(monkeypatch):
    monkeypatch.setattr(iv.api, "derive_all", lambda *a, **k: {}["planted"])
    tally = Tally()
    tally.end("planted", Case("w: param[D]\nsum(w)", "w"))
    assert tally.ends == {"crash": 1} and "KeyError('planted')" in tally.wrong[0]


# -- properties ------------------------------------------------------------------------------------------------

def derived(seed: str, most: int = 25) -> tuple[Case, Any] | None:
    """A random case and its derivation; None where it is refused."""
    c = case(seed, most)
    try:
        return c, iv.derive(c.text, c.wrt, kinds=c.kinds, sizes=c.sizes, verified=False)
    except iv.IversonError:
        return None


@pytest.mark.parametrize("batch", range(4))
def test_the_repr_is_a_text_that_means_the_same(batch):
    """repr(d), with the declarations of the inputs in front, is a loss of its own with the value of the derivative."""
    same = sum(repr_means_the_same(f"repr.{p}") for p in range(batch * 50, batch * 50 + 50))
    assert same > 30


def repr_means_the_same(seed: str) -> bool:
    """False where there is nothing to compare: refused, no values, or a size that the text alone does not tell."""
    found = derived(seed)
    if found is None:
        return False
    c, d = found
    head = [declaration(i) for i in d.derived.program.inputs.values()]
    try:
        again = iv.parse("\n".join([*head, repr(d)]), notation="iverson")
    except iv.IversonError as error:
        if error.kind == "shape" and any(q.body.shifted for q in d.derived.answer.program):
            return False  # [n < N - 1]*x[n+1] + [n >= N - 1]*x[n-N+1] alone runs on to 2*N - 2
        raise
    wanted = read_back(d.derived.program.inputs, d.derived.lines, d.derived.dims)
    try:
        draw = instances(d.loss.typed, 0, n=1, wrt=(c.wrt,)).draws[0]
    except iv.IversonError:
        return False
    if any(n.op == "size" and n.attr not in draw.sizes for n in all_sizes(again.typed)):
        return False
    value = compile_surface(again.typed, [again.result])(draw.arrays, draw.sizes)[again.result]
    expected = compile_surface(wanted, [wanted.script.result])(draw.arrays, draw.sizes)[wanted.script.result]
    scale = np.max(np.abs(expected), initial=1e-6)  # a gradient that is 0 is 0 up to rounding
    assert np.shape(value) == np.shape(expected), (c, repr(d))
    assert np.allclose(value, expected, rtol=0, atol=SAME_VALUE * scale, equal_nan=True), (c, repr(d))
    return True


def renamed(tree: Surface, names: dict[str, str], taken: set[str]) -> Surface:
    """Every bound index called i, or the first letter after it that captures nothing."""
    if tree.op == "name":
        return replace(tree, attr=names.get(tree.attr, tree.attr))
    if tree.op != "reduce":
        return replace(tree, args=tuple(renamed(a, names, taken) for a in tree.args))
    bound = tree.attr[1]
    free = set().union(*map(names_in, tree.args)) - set(bound)
    busy = {names.get(n, n) for n in free} | taken
    new = [n for n in "ijklmnabcdefgh" if n not in busy][:len(bound)]
    inner = {**names, **dict(zip(bound, new, strict=True))}
    return replace(tree, args=tuple(renamed(a, inner, taken) for a in tree.args), attr=(tree.attr[0], tuple(new)))


@pytest.mark.parametrize("batch", range(4))
def test_the_names_of_bound_indices_mean_nothing(batch):
    """With every bound index called i, the program and its gradient are the same nodes."""
    for p in range(batch * 50, batch * 50 + 50):
        c = case(f"names.{p}", 25)
        try:
            loss = iv.parse(c.text, kinds=c.kinds, sizes=c.sizes)
        except iv.IversonError:
            continue
        taken = {str(n.attr) for n in all_sizes(loss.typed)} | set(loss.inputs) | set(loss.definitions)
        script = loss.typed.script
        bodies = [renamed(e.body, {}, taken | set(e.indices or ())) for e in script.equations]
        equations = tuple(replace(e, body=b) for e, b in zip(script.equations, bodies, strict=True))
        other = replace(loss, typed=typed(replace(script, equations=equations)))
        same_definitions(loss.program.definitions, other.program.definitions, c)
        same_gradients([loss, other], c)


def same_definitions(ones: Any, others: Any, c: Case) -> None:
    for a, b in zip(ones, others, strict=True):
        indices = dict(zip(b.indices, a.indices, strict=True))
        assert a.name == b.name and a.body is substitute(b.body, indices), f"{a.name} of {c}"


def same_gradients(pair: list[Any], c: Case) -> None:
    try:
        first, second = (iv.derive(loss, c.wrt, verified=False).derived.answer for loss in pair)
    except iv.IversonError:
        return
    same_definitions(first.program, second.program, c)


# -- determinism -----------------------------------------------------------------------------------------------

CHILD = """
import json, sys
import iverson as iv
from generate import case
texts = {}
for p in json.loads(sys.argv[1]):
    c = case(f"same.{p}", 25)
    try:
        d = iv.derive(c.text, c.wrt, kinds=c.kinds, sizes=c.sizes, verified=False)
        texts[p] = [c.text, repr(d), d.index_form, d.program, d.latex, d.explain(), d.explain(lang="zh")]
    except iv.IversonError as error:
        texts[p] = [c.text, str(error)]
    try:
        texts[p].append(d.code())
    except iv.IversonError as error:
        texts[p].append(str(error))
print(json.dumps(texts, sort_keys=True))
"""


def child(order: list[int], hash_seed: str) -> dict[str, list[str]]:
    """The texts of 50 answers from a process of its own."""
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps(order)], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path})
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def first_texts():
    return child(list(range(50)), "1")


def test_the_same_text_for_every_hash_seed(first_texts):
    assert child(list(range(50)), "2") == first_texts


def test_the_same_text_whatever_was_derived_before(first_texts):
    assert child(list(range(50))[::-1], "1") == first_texts


def test_the_generator_is_the_same_everywhere(first_texts):
    assert [first_texts[str(p)][0] for p in range(50)] == [case(f"same.{p}", 25).text for p in range(50)]


def test_the_generator_uses_every_operator_and_form():
    """Nothing of the notation is forgotten: every operator, reduction, relation and form occurs."""
    text = "\n".join([*(case(f"0.{p}").text for p in range(8000)), *(case(f"whole.{p}").text for p in range(1000))])
    own = {n for n, row in iv.lang.ops.OPS.items() if row.name not in WITHOUT}
    assert letters_only(text) >= {*own, *iv.lang.ops.REDUCTIONS[:5], "and", "or", "not", "where", "pi"}
    assert {row.shape for row in iv.lang.ops.OPS.values() if row.name not in WITHOUT} <= {*BY_SHAPE, "block", "fill"}
    for form in ("'", ".*", "./", ".^", "^-1", "!=", "<=", ":,", ",:]", "] = ", "[k = ", "*[", "y[", "in K"):
        assert form in text, form


if __name__ == "__main__":
    print(run(range(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)).ends)
