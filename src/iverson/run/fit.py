"""Training: the parameters at which a loss is least, by L-BFGS and its kin on its verified gradient.

The rule, in this order: norm1 terms of the parameters are split off and L-BFGS-B runs with bounds, so that zeros are
exact; every other loss starts with L-BFGS; one that is smooth and not done after NEWTON_FROM iterations goes on with
trust-region Newton on Hessian-vector products; one that stands still at a kink is rounded off, less and less.

The loss is taken as the user wrote it, sum or mean. Does not know where the gradient comes from, nor where
the data did. Glossary: x is the flat vector of all parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from iverson.core.errors import IversonError
from iverson.run.data import Table
from iverson.run.model import LOSS, Model, Scales, accuracy, standardized
from iverson.run.problem import NO_TRAITS, Arrays, InputSpec, Pair, Problem, Traits, data_error, param_shapes, scalar_values
from iverson.run.solvers import NEWTON_FROM, WIDTHS, NotFinite, bounded_descent, newton_descent, plain_descent, quick_descent

__all__ = ["DEFAULTS", "FitResult", "FitSettings", "InputSpec", "Problem", "fit"]

INITS = ("auto", "zero", "normal", "one")
RESTARTS = 5         # of the optimiser, with its memory emptied, while the loss still falls
FALLS = 1e-13        # relative decrease that counts as falling
SHRINKS = 4          # times the steps are made ten times shorter because the loss was not finite
FLAT = 1e-6          # gradient, relative to the first or to the loss, that counts as zero at a standstill
VANISHES = 1e-12     # block of the first gradient, relative to a loss above 1, that counts as zero
WHILE, CRAWL = 200, 1e-6    # so many iterations with a relative decrease below this may walk along a kink;
STEEP = 2.0          # they do if every gradient, relative to the first, is above this times its root

Progress = Callable[[int, float, float], None]    # iteration, loss, largest entry of the gradient


@dataclass(frozen=True)
class FitSettings:
    """How to fit.

    holdout      share of the rows kept out of the fit and scored afterwards, 0 to below 1
    seed         of the split and of a random start
    standardize  whether columns of inputs with two axes get mean 0 and variance 1, as in the rows fitted to
    scalars      values of scalars, in place of their declared defaults
    max_iter     iterations at most
    tol          largest entry of the gradient at which the fit is done
    init         start at "zero", "normal" (0.1 times standard normal) or "one"; "auto" is the first of them
                 at which the loss is finite and the gradient by no parameter vanishes
    """

    holdout: float = 0.0
    seed: int = 0
    standardize: bool = False
    scalars: Mapping[str, float] = field(default_factory=dict)
    max_iter: int = 15_000
    tol: float = 1e-9
    init: str = "auto"

    def __post_init__(self) -> None:
        for wrong, message in (
                (not 0 <= self.holdout < 1, f"holdout must be at least 0 and below 1, not {self.holdout}."),
                (self.seed < 0, f"seed must not be negative: {self.seed}."),
                (self.max_iter < 1, f"max_iter must be at least 1, not {self.max_iter}."),
                (not 0 <= self.tol < math.inf, f"tol must be finite and not negative: {self.tol}."),
                (self.init not in INITS, f"init must be one of {', '.join(INITS)}, not {self.init}.")):
            if wrong:
                raise IversonError("usage", message)


DEFAULTS = FitSettings()


@dataclass(frozen=True, repr=False)
class FitResult:
    """What a fit found: a model, ready to be saved, and how the fit went.

    start    where it started: "zero", "normal" or "one"
    message  why it stopped;  solver: what ran, and why;  minimum: why it is the global minimum, None where it need not be
    """

    model: Model
    start: str

    params           = property(lambda self: self.model.params)
    curve            = property(lambda self: self.model.curve)
    n_iter           = property(lambda self: self.model.n_iter)
    converged        = property(lambda self: self.model.converged)
    message          = property(lambda self: self.model.message)
    solver           = property(lambda self: self.model.settings["solver"])
    minimum          = property(lambda self: self.model.settings["minimum"])
    train_loss       = property(lambda self: self.model.scores["train_loss"])
    heldout_loss     = property(lambda self: self.model.scores["heldout_loss"])
    train_accuracy   = property(lambda self: self.model.scores["train_accuracy"])
    heldout_accuracy = property(lambda self: self.model.scores["heldout_accuracy"])

    def __repr__(self) -> str:
        return f"FitResult({self.model.summary()}: {self.message})"


def fit(problem: Problem, table: Table, *, settings: FitSettings = DEFAULTS,
        progress: Progress | None = None) -> FitResult:
    """Fit the parameters of a loss to data.

    progress  called at the start and after every iteration: iteration, loss, largest entry of the gradient
    Errors    IversonError(data): a size or a scalar that nothing gives, too few rows to hold some out, a loss
              or gradient that is not finite, with its iteration. KeyboardInterrupt passes through.
    Accuracy  at a smooth minimum the loss is the least one L-BFGS can reach in float64
    """
    shapes = param_shapes(problem.inputs, table.sizes)
    scalars = scalar_values(problem.inputs, _stored_scalars(problem, table) | dict(settings.scalars))
    train, heldout = split(problem, table, settings)
    scales = column_scales(problem, train, table.samples) if settings.standardize else {}
    constants: Arrays = {name: np.asarray(value, np.float64) for name, value in scalars.items()}
    ready = lambda arrays: {**standardized(arrays, scales), **constants}
    objective = Objective(problem, ready(train), shapes)
    start, x = initial(objective, settings)
    descent = Descent(objective, x, settings, progress)
    descent.run()
    least = descent.least()
    params = {name: block.copy() for name, block in objective.blocks(descent.x).items()}
    held = None if heldout is None else ready(heldout) | params
    scores = {"train_loss": descent.loss, **_heldout_scores(problem, table, held),
              "train_accuracy": accuracy(problem, objective.data | params, table.layout.target, table)}
    how = {**vars(settings), "scalars": dict(settings.scalars), "start": start, "solver": descent.solver, "minimum": least}
    model = Model(problem.source, dict(problem.inputs), params, scalars, table.layout, scales, how,
                  tuple(descent.curve), scores, descent.converged, descent.message)
    return FitResult(model, start)


def _stored_scalars(problem: Problem, table: Table) -> dict[str, float]:
    """Scalars that came with the data."""
    return {name: float(array) for name, array in table.arrays.items()
            if problem.inputs[name].role == "scalar"}


def _heldout_scores(problem: Problem, table: Table, arrays: Arrays | None) -> dict[str, float | None]:
    if arrays is None:
        return {"heldout_loss": None, "heldout_accuracy": None}
    with np.errstate(all="ignore"):
        loss = float(problem.evaluate(LOSS, arrays))
    return {"heldout_loss": loss, "heldout_accuracy": accuracy(problem, arrays, table.layout.target, table)}


# ---- rows and columns

def split(problem: Problem, table: Table, settings: FitSettings) -> tuple[Arrays, Arrays | None]:
    """The arrays of the rows to fit to, and of those held out (None if there are to be none)."""
    if settings.holdout == 0:
        return table.arrays, None
    n = table.n_rows
    per_row = [spec for spec in problem.inputs.values()
               if spec.role == "param" and table.samples & {*spec.dims}]
    if n is None or per_row:
        why = f"{per_row[0]} has an entry a row." if per_row else "No size with a name counts the rows."
        raise data_error("No rows can be held out of the fit of this loss.", why=why)
    n_out = round(settings.holdout * n)
    if not 0 < n_out < n:
        raise data_error(f"{table.path}: holding out {settings.holdout:g} of {n} rows leaves {n - n_out} to "
                         f"fit to and {n_out} to score.")
    order = np.random.default_rng([settings.seed, 0]).permutation(n)
    return _rows(problem, table, np.sort(order[n_out:])), _rows(problem, table, np.sort(order[:n_out]))


def _rows(problem: Problem, table: Table, rows: np.ndarray) -> Arrays:
    """The arrays at some rows, on every axis that counts rows."""
    arrays = {}
    for name, array in table.arrays.items():
        for axis, dim in enumerate(problem.inputs[name].dims):
            array = np.take(array, rows, axis) if dim in table.samples else array
        arrays[name] = array
    return arrays


def column_scales(problem: Problem, arrays: Arrays, samples: frozenset[str]) -> Scales:
    """Mean and standard deviation of the columns of data with two axes; 0 and 1 for a constant column."""
    scales = {}
    for name, array in arrays.items():
        dims, role = problem.inputs[name].dims, problem.inputs[name].role
        if role == "data" and len(dims) == 2 and dims[0] in samples and dims[1] not in samples:
            varies = np.ptp(array, axis=0) > 0
            mean, scale = np.where(varies, array.mean(axis=0), 0.0), np.where(varies, array.std(axis=0), 1.0)
            usable = np.isfinite(scale) & (scale > 0)
            scales[name] = np.where(usable, mean, 0.0), np.where(usable, scale, 1.0)
    return scales


# ---- the loss as a function of one vector

class Crawling(Exception):
    """The loss falls by next to nothing while the gradient stays large: a walk along a kink."""


class Slow(Exception):
    """Many iterations of L-BFGS on a smooth loss: time for its second derivative."""


class Objective:
    """Loss and gradient as functions of x, the parameters laid end to end."""

    def __init__(self, problem: Problem, data: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.problem, self.data, self.shapes = problem, data, shapes
        self.pair: Pair = problem.value_and_grad
        self.seen: tuple[Pair, np.ndarray, float, np.ndarray] | None = None
        self.ends = [int(n) for n in np.cumsum([math.prod(shape) for shape in shapes.values()])]

    @cached_property
    def traits(self) -> Traits:
        return getattr(self.problem, "traits", NO_TRAITS)

    def flat(self, blocks: Mapping[str, np.ndarray]) -> np.ndarray:
        """Blocks by parameter laid end to end."""
        parts = [np.ravel(blocks[name]) for name in self.shapes]
        return np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts), np.float64)

    def weights(self) -> np.ndarray | None:
        """Of every entry of x in norm1 terms; None without such terms."""
        found = self.traits.weights({**self.data, **self.blocks(np.zeros(self.ends[-1]))})
        if found is None:
            return None
        return self.flat({n: np.broadcast_to(found.get(n, 0.0), shape) for n, shape in self.shapes.items()})

    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian at x times v."""
        assert self.traits.hvp is not None
        with np.errstate(all="ignore"):
            return self.flat(self.traits.hvp(self.data | self.blocks(x), self.blocks(v)))

    def blocks(self, x: np.ndarray) -> Arrays:
        """The parameters in their shapes, as views of x."""
        starts = (0, *self.ends[:-1])
        return {name: x[a:b].reshape(shape) for (name, shape), a, b in zip(self.shapes.items(), starts, self.ends, strict=True)}

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and flat gradient; NotFinite if either is not.  The last place is remembered."""
        if self.seen is None or self.seen[0] is not self.pair or not np.array_equal(self.seen[1], x):
            self.seen = (self.pair, x.copy(), *self.computed(x))
        return self.seen[2:]

    def computed(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):
            value, gradients = self.pair(self.data | self.blocks(x))
        loss = float(value)
        if not math.isfinite(loss):
            raise NotFinite(f"The loss is {loss}")
        flat = self.flat(gradients)
        if not np.isfinite(flat).all():
            bad = next(name for name in self.shapes if not np.isfinite(gradients[name]).all())
            raise NotFinite(f"The gradient by {bad} is not finite")
        return loss, flat


def initial(objective: Objective, settings: FitSettings) -> tuple[str, np.ndarray]:
    """Name and place of the start; with "auto", zero if the gradient by no parameter vanishes there."""
    size = objective.ends[-1]
    normal = lambda: 0.1 * np.random.default_rng([settings.seed, 1]).standard_normal(size)
    places = {"zero": lambda: np.zeros(size), "normal": normal, "one": lambda: np.ones(size)}
    if settings.init != "auto":
        return settings.init, places[settings.init]()
    finite = []
    for name, place in places.items():
        try:
            loss, gradient = objective(place())
        except NotFinite:
            continue
        finite.append(name)
        blocks = objective.blocks(gradient).values()
        if all(np.abs(block).max() > VANISHES * max(1.0, abs(loss)) for block in blocks):
            return name, place()
    start = finite[0] if finite else "zero"
    return start, places[start]()


# ---- the descent

class Descent:
    """SciPy's solvers by the rule above, started again while that helps, with shorter steps where the loss was not finite.

    solver   what ran, and why;  steep(x, gradient): what has to vanish at the end
    """

    def __init__(self, objective: Objective, x: np.ndarray, settings: FitSettings,
                 progress: Progress | None) -> None:
        self.objective, self.settings, self.progress = objective, settings, progress
        self.curve: list[float] = []
        self.slopes: list[float] = []
        self.weights = objective.weights()
        self.newton, self.solver = objective.traits.hvp is not None, "L-BFGS on the gradient"
        self.width = self.rounded_slope = 0.0
        self.endless = False
        try:
            self._accept(x, *objective(x))
        except NotFinite as trouble:
            raise self._error(trouble) from None

    def steep(self, x: np.ndarray, gradient: np.ndarray) -> float:
        """The largest entry of the gradient; with norm1 terms, of the subgradient nearest to 0."""
        if self.weights is not None:
            gradient = np.where(x == 0, np.sign(gradient) * np.maximum(np.abs(gradient) - self.weights, 0), gradient)
        return float(np.abs(gradient).max())

    def least(self) -> str | None:
        """Why this is the global minimum; None where it need not be."""
        if not self.converged:
            return None
        x = self.objective.data | self.objective.blocks(self.x)
        return self.objective.traits.least(x)

    @property
    def n_iter(self) -> int:
        return len(self.curve) - 1

    @property
    def finished(self) -> bool:
        return self.slope <= self.settings.tol or self.n_iter >= self.settings.max_iter

    @property
    def converged(self) -> bool:
        """Whether the gradient is within the tolerance, or as flat as rounding lets it be at a standstill, at a minimum there is."""
        if self.endless:
            return False
        if self.width:
            return self.rounded_slope <= max(self.settings.tol, FLAT * max(self.slopes[0], abs(self.loss)))
        return self.slope <= self.settings.tol or (self.flat and not self.finished)

    @property
    def flat(self) -> bool:
        return self.slope <= FLAT * max(self.slopes[0], abs(self.loss))

    def falls_outwards(self) -> bool:
        """Whether the loss comes to 0 only far out: twice the parameters take half of it or more away, as on separable data."""
        try:
            return 0 < 2 * self.objective(2 * self.x)[0] <= self.loss
        except NotFinite:
            return False

    @property
    def message(self) -> str:
        if self.endless:
            return (f"the loss is {self.loss:.2g} and falls on for as long as the parameters grow, as on separable data: it has no "
                    "minimum; a term such as 0.001*norm2(w)^2 gives it one")
        if self.width:
            return (f"the loss has a kink at its minimum; with kinks rounded off over a width of {self.width:g} the gradient is "
                    f"{self.rounded_slope:.2g}, and the loss is {self.loss:.6g}")
        if self.slope <= self.settings.tol:
            return f"the gradient is within the tolerance {self.settings.tol:g}"
        if self.finished:
            return f"stopped after {self.n_iter} iterations, as max_iter says, with gradient {self.slope:.2g}"
        if self.converged:
            return f"the loss falls no further, with gradient {self.slope:.2g}"
        return (f"the loss hardly falls any further, but the gradient is {self.slope:.2g}, as it can be at a "
                "kink (max, abs) and nowhere else")

    def run(self) -> None:
        """Descend to where nothing is gained any more."""
        if self.weights is not None:
            self.solver = "L-BFGS-B with bounds on the parts above and below 0, because of norm1 terms: zeros are exact"
        step, shrinks, restarts = 1.0, 0, 0
        while not self.finished and restarts <= RESTARTS:
            before, first = self.loss, self.n_iter == 0
            try:
                self._attempt(step)
            except NotFinite as trouble:
                step, shrinks = step / 10, shrinks + 1
                if shrinks > SHRINKS:
                    raise self._error(trouble) from None
                continue
            except Slow:
                self._newton()
                continue
            except Crawling:
                break
            restarts += not first
            if not first and before - self.loss <= FALLS * abs(before):
                break
        if not self.converged and not self.finished and self.objective.traits.smoothed is not None:
            self._round_off()
        self.endless = self.converged and not self.width and self.falls_outwards()

    def _attempt(self, step: float) -> None:
        """One run of L-BFGS-B from where we are, in z = (x - here)/step: the first step has length `step`."""
        left = self.settings.max_iter - self.n_iter
        if self.weights is not None:
            bounded_descent(self.objective, self.x, self.weights, self._accept, self.settings.tol, left)
        elif self.newton and self.n_iter == 0 and step == 1:
            quick_descent(self.objective, self.x, self._accept, self.settings.tol, left)
        else:
            plain_descent(self.objective, self.x, step, self._accept, self.settings.tol, left)

    def _newton(self) -> None:
        """Trust-region Newton from where we are; L-BFGS-B takes over where it stands still."""
        self.newton = False
        self.solver += f", then trust-region Newton with Hessian-vector products, because {NEWTON_FROM} iterations were not enough"
        try:
            newton_descent(self.objective, self.x, self._accept, self.settings.tol, self.settings.max_iter - self.n_iter)
        except (NotFinite, Crawling):
            return

    def _round_off(self) -> None:
        """The loss with its kinks rounded off over smaller and smaller widths; the best place of the loss itself is kept."""
        assert self.objective.traits.smoothed is not None
        x, best = self.x, (self.loss, self.x, *self.objective(self.x))
        other = Objective(self.objective.problem, self.objective.data, self.objective.shapes)
        for width in WIDTHS:
            other.pair = self.objective.traits.smoothed(width)
            places: list[np.ndarray] = [x]
            try:
                plain_descent(other, x, 1.0, lambda z, *_: places.append(z), self.settings.tol, self.settings.max_iter)  # noqa: B023
                x, found = places[-1], self.objective(places[-1])
            except NotFinite:
                break
            self.width, self.rounded_slope = width, float(np.abs(other(x)[1]).max())
            best = min(best, (found[0], x, *found), key=lambda row: row[0])
        self.solver += ", then on the loss with its kinks rounded off"
        self._accept(*best[1:])

    def _accept(self, x: np.ndarray, loss: float, gradient: np.ndarray) -> None:
        self.x, self.loss, self.slope = x, loss, self.steep(x, gradient)
        self.curve.append(loss)
        self.slopes.append(self.slope)
        if self.progress is not None:
            self.progress(self.n_iter, loss, self.slope)
        if self.n_iter % WHILE == 0 and self._crawls():
            raise Crawling
        if self.newton and self.n_iter >= NEWTON_FROM and not self.finished:
            raise Slow

    def _crawls(self) -> bool:
        """Whether the last WHILE iterations walked along a kink.

        Where a loss is smooth, the decrease goes as the gradient squared. Measured at CRAWL: the ratio
        that STEEP bounds is 0.05 to 0.8 for ill-conditioned softmax and matrix factorisation, and 9 to 15 for
        the hinge loss on 150 and 300 digits.
        """
        if self.n_iter < WHILE:
            return False
        fall = (self.curve[-WHILE - 1] - self.loss) / max(abs(self.loss), 1e-300)
        return fall < CRAWL and min(self.slopes[-WHILE:]) > STEEP * max(fall, 1e-12)**0.5 * self.slopes[0]

    def _error(self, trouble: NotFinite) -> IversonError:
        if not self.curve:
            return data_error(f"{trouble} at iteration 0, the start.",
                              why="A logarithm, a root or a quotient may be undefined there.",
                              hint="Try --init normal or --init one, or --standardize.")
        return data_error(f"{trouble} at iteration {self.n_iter + 1}, even with much shorter steps.",
                          why=f"At iteration {self.n_iter} the loss was {self.loss:.6g}.",
                          hint="Try --standardize. A loss without a minimum needs a regulariser.")
