"""Objectives for boosting libraries: a file with the gradient and the diagonal of the Hessian by the raw score.

Glossary   score: what the trees add up to, before any link; row: what rowwise.py gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import IversonError
from ..lang.kinds import Input
from .numpy_code import Maker, build, header, printable
from .plan import plan
from .rowwise import Rowwise


@dataclass(frozen=True)
class Library:
    """How a library calls an objective.  scores: what a prediction is; use: how the objective is handed over."""

    name: str
    train: str
    data: str
    scores: str
    own_factor: str


LIBRARIES = {
    "xgboost": Library(
        "XGBoost", "xgboost.train(params, dtrain, obj=objective)", "dtrain",
        "predict() gives raw scores with an objective of your own; base_score is a raw score too: set it, 0.0 for instance",
        "XGBoost's own multi:softprob has 2.0 here",
    ),
    "lightgbm": Library(
        "LightGBM", 'lightgbm.train({"objective": objective, ...}, train_set)', "train_set",
        "predict() gives raw scores with an objective of your own, and training starts from 0 unless init_score says otherwise",
        "LightGBM's own multiclass has K/(K - 1) here",
    ),
}  # fmt: skip

CURVATURE = {
    "convex": "The Hessian is never negative.",
    "bounded": "The second derivative is {given} or 0; {given}, its largest value, is given everywhere, so that no row is without weight.",
    "none": "The second derivative is 0: 1.0 is given in its place, so a leaf takes the mean of its gradients as a step.",
    "unknown": "Nothing is known of the sign of the second derivative: its absolute value is given.",
}

TEMPLATE = '''
MIN_HESSIAN = 1e-16  # a library divides by sums of these
{factor}

def _rows({score}, {label}, weight{scalars}):
    """Gradient and Hessian of every row, times its weight where there are weights."""
    {score} = np.asarray({score}, dtype=float){reshaped}
    {label} = np.asarray({label}){cast}
    grad, hess = derivatives({called})
    hess = np.maximum({absolute}, MIN_HESSIAN)
    if weight is not None and len(weight):
        weight = np.asarray(weight, dtype=float){spread}
        grad, hess = grad*weight, hess*weight
    return grad, hess


def objective(preds, {data}):
    """For {train}."""
    return _rows(preds, {data}.get_label(), {data}.get_weight())


def sklearn_objective(y_true, y_pred, sample_weight=None):
    """For the estimators with the interface of scikit-learn, as objective=sklearn_objective."""
    return _rows(y_pred, y_true, sample_weight)
'''


def objective_module(row: Rowwise, score: str, target: str, text: str = "", formulas: Sequence[str] = ()) -> str:
    """A self-contained file with `objective` and `sklearn_objective`."""
    library = LIBRARIES[target]
    code, maker = derivatives(row, formulas)
    label, scalars = arguments(maker, row, score, library.name)
    names = {i.name: maker.names[i.name] for i in maker.inputs}
    many = len(row.g.indices) == 2
    body = code + "\n" + TEMPLATE.format(
        score=names[score],
        label=names[label.name],
        scalars="".join(f", {maker.parameter(i)}" for i in scalars),
        called=", ".join(f"{n}={n}" for n in names.values()),
        reshaped=f".reshape(len({names[label.name]}), -1)" if many else "",
        cast=".astype(int)" if label.type.classes is not None else ".astype(float)",
        absolute=("HESSIAN_FACTOR*" if many else "") + ("hess" if row.curvature == "convex" else "np.abs(hess)"),
        spread=".reshape(-1, 1)" if many else "",
        factor=f"HESSIAN_FACTOR = 1.0  # {library.own_factor}\n" if many else "",
        data=library.data,
        train=library.train,
    )  # fmt: skip
    return comment(row, score, library, label) + header(text, body) + body


def derivatives(row: Rowwise, formulas: Sequence[str]) -> tuple[str, Maker]:
    """The function that computes both."""
    p = plan(row.program, [row.g, row.h], row.program.definitions)
    return build(row.program, p, "derivatives", (), formulas)


def arguments(maker: Maker, row: Rowwise, score: str, library: str) -> tuple[Input, list[Input]]:
    """The label, and the scalars, which have values of their own; a library passes nothing else."""
    n = row.g.indices[0].attr[1]
    others = [i for i in maker.inputs if i.name != score]
    scalars = [i for i in others if not i.type.rank and i.type.classes is None]
    labels = [i for i in others if i not in scalars]
    if len(labels) != 1 or labels[0].type.dims != (n,):
        found = ", ".join(i.name for i in labels) or "none"
        raise IversonError("unsupported", f"{library} passes an objective one label for each row; the derivatives read {found}.")
    for i in scalars:
        if i.default is None:
            raise IversonError(
                "unsupported", f"{library} passes an objective no {i.name}.", hint=f"Give it a value: {i.name}: scalar = 1.0"
            )
    if maker.asked:
        raise IversonError("unsupported", f"{library} passes an objective no {next(iter(maker.asked)).attr}.")
    return labels[0], scalars


def comment(row: Rowwise, score: str, library: Library, label: Input) -> str:
    """What a reader has to know of conventions."""
    given = row.h.body.attr if row.h.body.op == "num" else ""
    lines = [
        f"An objective for {library.name}: gradient and diagonal of the Hessian of the loss by {score}, a row each.",
        "Sign: the gradient of what is made smaller, with no minus before it.",
        "Factor: the sum over rows, not the mean" + (
            "; the loss as written divides by their number, these derivatives do not." if row.mean else ", as the loss is written."),
        f"Score: {score} is the raw score, before any link; {library.scores}.",
        f"Label: {label.name} is the label of the data as it is" + (
            ", classes from 0 on." if label.type.classes is not None else "."),
        "Weights of rows multiply both.",
        CURVATURE[row.curvature].format(given=float(given) if given != "" else ""),
    ]  # fmt: skip
    return "".join(f"# {printable(line)}\n" for line in lines)
