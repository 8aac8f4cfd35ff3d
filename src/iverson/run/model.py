"""A trained model: what it holds, its folder on disk, and what it predicts.

A model is a folder of two files, model.json and params.npz, and nothing in them is ever executed. Folders and
files are written beside their place and renamed into it, so that nothing is ever half-written. Does not know
how the parameters were found.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import numpy as np

from iverson.run.data import Layout, Table
from iverson.run.data import load as load_table
from iverson.run.problem import Arrays, InputSpec, Problem, data_error

FORMAT, VERSION = "iverson model", 1
FILES = ("model.json", "params.npz")
LOSS = "L"    # the name under which every problem evaluates its loss

Scales = dict[str, tuple[np.ndarray, np.ndarray]]    # input -> mean and scale of its columns


@dataclass(frozen=True, repr=False)
class Model:
    """A fitted loss and all that is needed to use it on other data.

    params, scalars   the values of the parameters and of the scalars, by input
    layout            how data must be laid out
    standardization   mean and scale of the columns of standardised inputs, applied to all later data
    curve             the loss at the start and after every iteration
    scores            train_loss, heldout_loss, train_accuracy, heldout_accuracy; None where there is none
    """

    source: str
    inputs: dict[str, InputSpec]
    params: Arrays
    scalars: dict[str, float]
    layout: Layout
    standardization: Scales
    settings: dict[str, Any]
    curve: tuple[float, ...]
    scores: dict[str, float | None]
    converged: bool
    message: str

    @property
    def n_iter(self) -> int:
        return len(self.curve) - 1

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes by number, if the target is a label whose classes had to be numbered."""
        spec = self.inputs.get(self.layout.target or "")
        if spec is None or spec.role != "label":
            return None
        return self.layout.class_names.get(spec.classes if isinstance(spec.classes, str) else spec.name)

    def summary(self) -> str:
        """Loss, iterations and accuracy in one line."""
        shown = [f"loss {self.scores['train_loss']:.6g} after {self.n_iter} iterations"]
        for what, name in ((self.scores["heldout_loss"], "held-out loss"),
                           (self.scores["train_accuracy"], "accuracy"),
                           (self.scores["heldout_accuracy"], "held-out accuracy")):
            shown += [] if what is None else [f"{name} {what:.4g}"]
        return ", ".join(shown) + ("" if self.converged else ", not converged")

    @property
    def report(self) -> str:
        """Why the fit stopped, whether that is the global minimum, and which solver ran, a line for each."""
        least = self.settings.get("minimum")
        what = "a stationary point, by all that is known" if least is None else f"the global minimum, because {least}"
        return "\n".join([
            f"stopped: {self.message}", *([f"this is {what}"] if self.converged else []), f"solver: {self.settings.get('solver', '')}"])

    def __repr__(self) -> str:
        params = ", ".join(f"{name} {array.shape}" for name, array in self.params.items())
        return f"Model({params}: {self.summary()})"


# ---- using a model

def table_for(model: Model, path: str, label: str | None = None, columns: Mapping[str, str] | None = None,
              *, target: bool = True) -> Table:
    """Read data laid out as at the fit. `target` False reads data to predict, which may lack the target."""
    return load_table(path, model.inputs, label, columns, layout=model.layout, target=target)


def predict(model: Model, problem: Problem, table: Table) -> np.ndarray:
    """The value of the definition to predict with; int64 class numbers where the target is a label.

    Errors   IversonError(data): no such definition, an input it needs is missing, sizes of another model
    """
    if problem.predict is None:
        raise data_error("This loss says nothing to predict with.",
                         hint="Define it in the source, such as predict = argmax[k] s[i,k].")
    values = _evaluated(problem, problem.predict, _model_arrays(model, table), table.path)
    spec = model.inputs.get(model.layout.target or "")
    if spec is None or spec.role != "label":
        return values
    codes = class_codes(values, class_count(spec, table.sizes))
    return values if codes is None else codes


def score(model: Model, problem: Problem, table: Table) -> dict[str, float | None]:
    """The loss on the data, and the accuracy (None if there are no labels or nothing to predict with)."""
    arrays = _model_arrays(model, table)
    loss = float(_evaluated(problem, LOSS, arrays, table.path))
    return {"loss": loss, "accuracy": accuracy(problem, arrays, model.layout.target, table)}


def _model_arrays(model: Model, table: Table) -> Arrays:
    for name, size in model.layout.sizes.items():
        if table.sizes.get(name, size) != size:
            raise data_error(f"{table.path}: the size {name} is {table.sizes[name]}, "
                             f"but the model was fitted with {size}.")
    if table.layout.class_names != model.layout.class_names:
        raise data_error(f"{table.path}: its classes are not numbered as in the model.",
                         hint="Read the data with the layout of the model, as table_for does.")
    scalars: Arrays = {name: np.asarray(value, np.float64) for name, value in model.scalars.items()}
    return {**standardized(table.arrays, model.standardization), **model.params, **scalars}


def standardized(arrays: Arrays, scales: Scales) -> Arrays:
    """The arrays, with (x - mean)/scale in place of x for each input that has scales."""
    return {name: (array - scales[name][0]) / scales[name][1] if name in scales else array
            for name, array in arrays.items()}


def _evaluated(problem: Problem, name: str, arrays: Arrays, path: str) -> np.ndarray:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(problem.evaluate(name, arrays))
    except KeyError as missing:
        spec = problem.inputs.get(missing.args[0]) if missing.args else None
        if spec is None:
            raise
        raise data_error(f"{path}: {name} needs {spec}, and nothing there feeds it.") from None


def accuracy(problem: Problem, arrays: Arrays, target: str | None, table: Table) -> float | None:
    """The share of rows whose class is predicted; None where classes are not what is predicted.

    Real data counts as classes where target and predictions have two whole numbers for values, such as -1, 1.
    """
    if problem.predict is None or target not in arrays:
        return None
    known, values = arrays[target], _evaluated(problem, problem.predict, arrays, table.path)
    spec = problem.inputs[target]
    if values.shape != known.shape:
        return None
    if spec.role == "label":
        codes = class_codes(values, class_count(spec, table.sizes))
    else:
        both = np.union1d(values, known)
        codes = values if len(both) <= 2 and (both == np.round(both)).all() else None
    return None if codes is None else float(np.mean(codes == known))


def class_count(spec: InputSpec, sizes: Mapping[str, int]) -> int:
    return spec.classes if isinstance(spec.classes, int) else sizes[spec.classes or ""]


def class_codes(values: np.ndarray, size: int) -> np.ndarray | None:
    """The values as int64 if all are whole numbers in 0..size-1; None otherwise."""
    if values.dtype.kind not in "biuf":
        return None
    whole = (values == np.round(values)) & (values >= 0) & (values < size)
    return values.astype(np.int64) if whole.all() else None


def write_predictions(path: str, values: np.ndarray, mapping: Sequence[str] | None = None) -> None:
    """Write predictions as CSV, a row each, under the header "prediction"; "-" is stdout.

    values    (N,) numbers, or (N, K) numbers in columns prediction_0, ...
    mapping   names of the classes: written in place of class numbers (N,), and as names of K columns
    """
    values = np.asarray(values)
    if values.ndim > 2:
        raise data_error(f"Predictions of shape {values.shape} do not fit into a CSV.")
    rows = values.reshape(-1, 1) if values.ndim < 2 else values
    header = ["prediction"] if values.ndim < 2 else _column_names(rows.shape[1], mapping)
    codes = class_codes(rows, len(mapping)) if mapping is not None and values.ndim < 2 else None
    cells = rows.tolist() if codes is None or mapping is None else [[mapping[k]] for k in codes[:, 0]]
    if path == "-":
        _write_rows(sys.stdout, header, cells)
    else:
        with _replaced_file(path) as file:
            _write_rows(file, header, cells)


def _column_names(count: int, mapping: Sequence[str] | None) -> list[str]:
    names = mapping if mapping is not None and len(mapping) == count else range(count)
    return [f"prediction_{name}" for name in names]


def _write_rows(file: TextIO, header: list[str], cells: list[list[object]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(cells)


# ---- writing

@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """A free path beside `path` to write to; whatever is left there afterwards is removed."""
    fresh = path.parent / f".{path.name}.{uuid4().hex[:8]}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield fresh
    except OSError as problem:
        raise data_error(f"{path} cannot be written: {problem.strerror or problem}.") from None
    finally:
        if fresh.is_dir():
            shutil.rmtree(fresh, ignore_errors=True)
        elif fresh.exists():
            fresh.unlink()


@contextmanager
def _replaced_file(path: str) -> Iterator[TextIO]:
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise data_error(f"{path} is a folder; predictions are one file.")
    with _written(place) as fresh:
        with open(fresh, "x", newline="", encoding="utf-8") as file:
            yield file
        os.replace(fresh, place)


def check_folder(folder: str) -> Path:
    """Where a model would be written; IversonError(data) if something that is no model stands there.

    Call it before a long fit. A folder counts as a model only if it holds nothing but a model's two files.
    """
    place = Path(os.path.realpath(folder))
    if place.exists() and not place.is_dir():
        raise data_error(f"{folder} is a file; a model is a folder.")
    held = sorted(path.name for path in place.iterdir()) if place.exists() else []
    foreign = [name for name in held if name not in FILES]
    if foreign or (held and not _is_model(place)):
        found = f": it holds {foreign[0]}." if foreign else "."
        raise data_error(f"{folder} exists and is not a model{found}",
                         hint="Name another folder. Only a model is replaced.")
    above = next(path for path in (place, *place.parents) if path.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        raise data_error(f"{folder} cannot be written: nothing may be put into {above}.")
    return place


def _is_model(place: Path) -> bool:
    try:
        return json.loads((place / FILES[0]).read_text("utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def save(model: Model, folder: str) -> None:
    """Write the model. A model that stands there is replaced at the very end; anything else is refused."""
    place = check_folder(folder)
    with _written(place) as fresh:
        fresh.mkdir()
        text = json.dumps(_record(model), indent=1, ensure_ascii=False, allow_nan=False, default=float)
        (fresh / FILES[0]).write_text(text + "\n", "utf-8")
        _write_arrays(fresh / FILES[1], model.params)
        _swap(fresh, place)


def _swap(fresh: Path, place: Path) -> None:
    """Put the folder `fresh` where `place` is; what was there comes back if that fails."""
    old = fresh.with_name(fresh.name + ".old")
    try:
        if place.exists():
            os.rename(place, old)
        os.rename(fresh, place)
    except BaseException:
        if old.exists() and not place.exists():
            os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_arrays(path: Path, arrays: Arrays) -> None:
    """As numpy.savez does, but an array may also be named `file`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _record(model: Model) -> dict[str, Any]:
    """All but the parameters, as JSON holds it."""
    return {
        "format": FORMAT, "version": VERSION,
        "source": model.source,
        "inputs": [asdict(spec) for spec in model.inputs.values()],
        "scalars": model.scalars,
        "layout": asdict(model.layout),
        "standardization": {name: {"mean": mean.tolist(), "scale": scale.tolist()}
                            for name, (mean, scale) in model.standardization.items()},
        "settings": model.settings,
        "scores": {name: _finite(value) for name, value in model.scores.items()},
        "converged": model.converged, "message": model.message,
        "curve": [_finite(value) for value in model.curve],
    }


def _finite(value: float | None) -> float | str | None:
    """JSON has no inf and no nan; they are stored by name."""
    return value if value is None or math.isfinite(value) else str(value)


# ---- reading

def load(folder: str) -> Model:
    """Read a model. IversonError(data) names the file that is missing, damaged, or from something else."""
    place = Path(folder)
    if not place.is_dir():
        trouble = "is a file; a model is a folder" if place.exists() else "does not exist"
        raise data_error(f"{folder} {trouble}.")
    path = place / FILES[0]
    try:
        return _restored(json.loads(path.read_text("utf-8")), path, place / FILES[1])
    except OSError as problem:
        raise data_error(f"{path} cannot be read: {problem.strerror or problem}.",
                         why="A model is a folder with model.json and params.npz.") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise data_error(f"{path} is damaged: {type(problem).__name__}: {str(problem)[:80]}.") from None


def _restored(record: dict[str, Any], path: Path, arrays: Path) -> Model:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise data_error(f"{path} is not the model.json of a model.")
    if record["version"] != VERSION:
        raise data_error(f"{path} has format version {record['version']}, but this iverson reads {VERSION}.")
    inputs = {spec.name: spec for spec in map(_spec, record["inputs"])}
    layout = _layout(record["layout"])
    return Model(
        source=_text(record["source"]), inputs=inputs, layout=layout,
        params=_read_arrays(arrays, {
            spec.name: tuple(dim if isinstance(dim, int) else layout.sizes[dim] for dim in spec.dims)
            for spec in inputs.values() if spec.role == "param"}),
        scalars={name: float(value) for name, value in record["scalars"].items()},
        standardization={name: (np.array(of["mean"], np.float64), np.array(of["scale"], np.float64))
                         for name, of in record["standardization"].items()},
        settings=dict(record["settings"]),
        scores={name: None if value is None else float(value) for name, value in record["scores"].items()},
        converged=bool(record["converged"]), message=_text(record["message"]),
        curve=tuple(map(float, record["curve"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _spec(record: dict[str, Any]) -> InputSpec:
    if record["role"] not in ("data", "param", "label", "scalar"):
        raise ValueError(f"no input has the role {record['role']!r}")
    dims = tuple(dim if isinstance(dim, int) else _text(dim) for dim in record["dims"])
    classes, default = record["classes"], record["default"]
    return InputSpec(_text(record["name"]), record["role"], dims,
                     classes if classes is None or isinstance(classes, int) else _text(classes),
                     None if default is None else float(default))


def _layout(record: dict[str, Any]) -> Layout:
    names = lambda table: {key: tuple(map(_text, values)) for key, values in table.items()}
    return Layout(names(record["columns"]), names(record["class_names"]),
                  None if record["target"] is None else _text(record["target"]),
                  {name: int(size) for name, size in record["sizes"].items()})


def _read_arrays(path: Path, shapes: dict[str, tuple[int, ...]]) -> Arrays:
    """The parameters; IversonError(data) unless there is one of each shape, of finite float64."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            params = {name: archive[name] for name in shapes}
    except (OSError, ValueError, EOFError, KeyError, TypeError, MemoryError, AttributeError,
            zipfile.BadZipFile) as problem:
        raise data_error(f"{path} is damaged or missing: {str(problem)[:80]}.") from None
    for name, shape in shapes.items():
        held = params[name]
        if held.shape != shape or held.dtype != np.float64 or not np.isfinite(held).all():
            raise data_error(f"{path} does not hold {name} as finite float64 numbers of shape {shape}.")
    return params
