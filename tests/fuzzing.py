"""Texts nobody would write: mutations of texts people write, kept where they reach lines of the readers that were not reached.

A front is a notation with its seeds.  `examine` says what is wrong with the way one text is read; `Fuzzer` makes the texts.
"""

import random
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import iverson
from corpus import CORPUS
from forms import FORMS
from iverson.conversion import agrees, written
from iverson.core.errors import IversonError
from iverson.lang.lower import lower
from iverson.lang.read import read
from iverson.lang.show import show
from iverson.lang.syntax import parse_script
from latex_texts import TEXTS

MOST_SECONDS = 1.0
LANG = str(Path(iverson.__file__).parent / "lang")
CORE = (
    "( ) [ ] { } ' .' , ; : = == != < <= > >= + - * / ^ .* ./ .^ ** && || ! ~ | || # \n \r\n \t . .. ... @ $ % & ? "
    "\\ _ \" ` \0 \ufeff \u200b "
    "a b c x y z A B X n m i j k 0 1 2 10 1.5 1e3 1e400 .5 007 π Σ σ ² ³ ᵀ ⁻¹ ᵢ ₁ × · ⊙ − ‖ √ ½ é ŷ 损 а 𝐱"
).split(" ")
WORDS = {
    "iverson": (
        "sum[i] sum[i,j] sum[k!=y] mean[i] max[k] argmax[k] prod[i] [i=j] [x>0] x[i] A[i,j] A[:,0] x[1:] x[i+1] x[n-1] "
        "exp( log( tr( inv( det( diag( eye( "
        "ones(n) vector(1) softmax( norm2( max( where( solve( logdet( sigmoid( vec( reshape( conv( not and or where in "
        "label[n]incK :data[m,n] :vector[n] "
        ":scalar=1 :function :spd[n] f( f'( L= s= s[i]= s[i,j]="
    ).split(" "),
    "latex": (
        r"\frac{ \frac12 \sum_i \sum_{i=1}^{n} \sum_{k\neq y} \prod_i \max_k \log \exp e^{ \|x\|^2 \| \lVert \rVert | "
        r"^\top ^T ^{-1} ^{-T} _{ij} _i _{y_i} "
        r"^{(i)} \mathbf{ \mathrm{ \hat{ \operatorname{tr} \text{ \left( \right) \left. \right| \begin{aligned} "
        r"\end{aligned} \begin{cases} \end{cases} & \\ "
        r"\mathbb{1}\{ \} \{ \odot \otimes \times \cdot \sigma \lambda \Sigma \partial \nabla \in\mathbb{R}^{m\times n} "
        r"\newcommand{\a}{ \def\a{ \a #1 $ $$ \[ \] "
        r"\le \neq \land \lnot \quad \, \limits \sqrt{ \sqrt[3]{ \begin{bmatrix} \end{bmatrix} ' ^ _ := \triangleq "
        r"\tag{1} \boxed{ \color{red} % {%raw%}"
    ).split(" "),
    "unicode": (
        "Σᵢ Σ_{i=1}^{n} ∏ᵢ xᵢ xᵢⱼ x₁ ‖x‖² |x| xᵀ A⁻¹ ⊙ · × √( ½ 𝟙[ ∂ ∇ ⟨ ⟩ ≤ ≥ ≠ ∧ ∨ ¬ ∈ ℝ sum( exp( log( tr( mean[i] x[i] max(0, "
        "where( λ μ Σ σ( ŷ ′ ⁻ᵀ ^{ _{"
    ).split(" "),
    "numpy": (
        "np.sum( np.mean( np.exp( np.log( np.maximum(0, np.where( np.einsum( 'ij,jk->ik' np.linalg.inv( np.linalg.norm( "
        "np.arange( np.eye( np.zeros( np.zeros_like( np.array([ np.concatenate([ np.diff( np.roll( np.clip( np.diag( np.pi np.inf "
        ".sum( .mean( .T .T.T .shape .shape[0] .reshape( .max( .copy() .dot( .ravel() .std( .pow( axis=0 axis=1 axis=-1 keepdims=True "
        "dim=1 None : ... [0] [-1] [1:] [:-1] [::-1] [:,None] [None] [np.arange(len(y)),y] [x>0] len( sum( max( min( abs( range( zip( "
        "enumerate( list( for i in range(len(x)): if else return def f(x): lambda v: == != and or not is True False += -= *= /= // @ ** "
        ":= i j n out[i] += out.append( assert pass continue float( int( (x,y) {} [x,r] y=x; 0.5 1e-8 1_000 10**9"
    ).split(" "),
}


@dataclass
class Front:
    """One notation: its seeds and the words its texts are made of."""

    notation: str
    seeds: list[str]
    words: list[str] = field(default_factory=list)


def front(notation: str) -> Front:
    forms = [r[1] for r in FORMS if r[0] == notation]
    more = {"iverson": [r[0] for r in CORPUS], "latex": [r[0] for r in TEXTS], "unicode": [], "numpy": []}[notation]
    if notation == "numpy":
        from test_numpy_programs import EXPRESSIONS, PROGRAMS

        more = [*re.split(r"[;\n]\s*", EXPRESSIONS.strip()), *PROGRAMS.strip().split("\n\n")]
    return Front(notation, [*forms, *more], CORE + WORDS[notation])


# -- what is wrong with a reading ---------------------------------------------------------------------------


def examine(notation: str, text: str) -> str | None:
    """A sentence where a text is read badly, else None: another exception, a place outside the text, no round trip."""
    try:
        t = read(text, notation)
        program = lower(t)
    except IversonError as error:
        return misplaced(error, text)
    bodies = [(d.name, d.indices, d.body) for d in program.definitions]
    try:
        printed = written(t, "iverson")
    except IversonError as error:
        return f"not printed: {error}"
    if len(printed) > 20_000:
        return None
    try:
        back = read(printed)
        again = lower(back)
    except IversonError as error:
        return f"printed as {printed!r}, which is refused: {error}"
    if [d.at(indices) if len(d.indices) == len(indices) else None for d, (_, indices, _) in zip(again.definitions, bodies, strict=False)] != [
        body for _, _, body in bodies
    ] and not agrees(t, back, "iverson"):
        return f"printed as {printed!r}, which is another program"
    for e in t.script.equations if notation == "iverson" else ():
        once = show(e.body)
        twice = show(parse_script(once, t.functions).equations[-1].body)
        if show(parse_script(twice, t.functions).equations[-1].body) != twice:
            return f"{once!r} is printed as {twice!r}"
    return None


def misplaced(error: IversonError, text: str) -> str | None:
    """An error whose text cannot be shown, or whose place is not in the text."""
    shown = str(error)
    if not shown or "\n\n" in error.message:
        return "an empty message"
    if error.span is not None and not 0 <= error.span.start <= error.span.end <= len(text) and error.source == text:
        return f"the span {error.span} lies outside"
    return None


# -- making texts -------------------------------------------------------------------------------------------


class Fuzzer:
    """Texts from seeds; those that reach new lines of the readers become seeds."""

    def __init__(self, front: Front, seed: int, guided: bool) -> None:
        self.front, self.rng, self.guided = front, random.Random(seed), guided
        self.pool = [s for s in front.seeds if len(s) < 400]
        self.reached: set[tuple[str, int, int]] = set()
        self.slowest = (0.0, "")

    def text(self) -> str:
        r = self.rng
        text = r.choice(self.pool)
        for _ in range(r.choice((1, 1, 2, 3, 6))):
            text = self.mutated(text)
        return text[:20_001]

    def mutated(self, text: str) -> str:
        r = self.rng
        pieces = re.findall(r"\\?\w+|\s+|.", text, re.DOTALL)
        at = r.randrange(len(pieces) + 1)
        to = min(len(pieces), at + r.choice((1, 1, 2, 4)))
        match r.randrange(8):
            case 0:
                pieces[at:to] = []
            case 1:
                pieces[at:at] = [r.choice(self.front.words)]
            case 2:
                pieces[at:to] = [r.choice(self.front.words)]
            case 3:
                pieces[at:at] = pieces[at:to] * r.choice((1, 2, 30))
            case 4:
                other = re.findall(r"\\?\w+|\s+|.", r.choice(self.pool), re.DOTALL)
                pieces[at:] = other[r.randrange(len(other) + 1) :]
            case 5 if pieces:
                p, q = r.randrange(len(pieces)), r.randrange(len(pieces))
                pieces[p], pieces[q] = pieces[q], pieces[p]
            case 6:
                pieces[at:to] = [r.choice("([{|"), *pieces[at:to], r.choice(")]}|")]
            case _:
                pieces[at:at] = [chr(r.choice((r.randrange(32, 127), r.randrange(0x2000, 0x2BFF), r.randrange(0x370, 0x500))))]
        return "".join(pieces)

    def one(self) -> str | None:
        """Read one text; what is wrong with it, if anything."""
        text = self.text()
        start = time.process_time()
        new: set[tuple[str, int, int]] = set()
        try:
            if self.guided:
                sys.settrace(tracer(new))
            found = examine(self.front.notation, text)
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        finally:
            sys.settrace(None)
        seconds = time.process_time() - start
        if new - self.reached:
            self.reached |= new
            self.pool.append(text[:400])
        if seconds > self.slowest[0]:
            self.slowest = (seconds, text)
        if found is None and seconds > MOST_SECONDS * (10 if self.guided else 1):
            found = f"it took {seconds:.1f} s"
        return None if found is None else f"{self.front.notation} {text!r}: {found}"

    def run(self, seconds: float = 0.0, texts: int = 0) -> list[str]:
        """What is wrong with so many texts, or with those of so many seconds; at most 20 of them."""
        faults: list[str] = []
        end, done = time.monotonic() + seconds, 0
        while len(faults) < 20 and (done < texts if texts else time.monotonic() < end):
            faults += [f for f in (self.one(),) if f is not None]
            done += 1
        self.done = done
        return faults


def tracer(reached: set[tuple[str, int, int]]):
    """A trace function that notes from which line to which the readers went."""

    def lines(frame, event, arg):
        if event == "line":
            key = frame.f_code.co_name, last.get(id(frame), 0), frame.f_lineno
            last[id(frame)] = frame.f_lineno
            reached.add(key)
        return lines

    def calls(frame, event, arg):
        return lines if frame.f_code.co_filename.startswith(LANG) else None

    last: dict[int, int] = {}
    return calls
