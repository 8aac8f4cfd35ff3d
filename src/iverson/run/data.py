"""Data for a loss: files and arrays in, float64 data and int64 labels with their sizes out.

Does not know the loss: it sees the inputs and their axes only. What is wrong with data is said here and in
the files above, with file, line and column, because after this nobody knows where a number came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from iverson.run.labels import RawLabel, numbered
from iverson.run.problem import Arrays, InputSpec, Sizes, data_error, given_sizes, listed
from iverson.run.sheet import suffix
from iverson.run.sources import (
    Found,
    Layout,
    Request,
    check_names,
    from_csv,
    from_npy,
    from_npz,
    take_arrays,
    target_of,
)


@dataclass(frozen=True)
class Table:
    """Data that is ready for a loss.

    arrays    float64 data and int64 labels by input, finite and of shapes that agree
    sizes     every size the data determines or the caller gave
    samples   names of the size that counts the rows; none where it is a literal or there is no data
    messages  what the user should know of how the data was read
    """

    path: str
    arrays: Arrays
    sizes: dict[str, int]
    samples: frozenset[str]
    layout: Layout
    messages: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int | None:
        return next((self.sizes[name] for name in self.samples), None)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.arrays.items())
        return f"Table({self.path}: {shapes})"


def load(path: str, inputs: Mapping[str, InputSpec], label: str | None = None,
         columns: Mapping[str, str] | None = None, *, sizes: Mapping[str, int] | None = None,
         layout: Layout | None = None, target: bool = True) -> Table:
    """Read the data of a loss from .csv (UTF-8, a header; "-" is stdin), .npz (an array per input) or .npy.

    label    the column (array) that holds what is to be predicted
    columns  input -> column (array), for inputs with one axis
    sizes    sizes no data determines, such as a rank
    layout   of the model, for data to predict or score: the same columns, classes and sizes are then expected
    target   False reads data to predict: the target is left alone, and other vectors may be missing
    Errors   IversonError(data), with file, line and column
    """
    request = Request(inputs, label, columns or {}, layout, target)
    check_names(request)
    source = {".csv": from_csv, ".npz": from_npz, ".npy": from_npy}[suffix(str(path))]
    return _table(source(str(path), request), request, sizes or {})


def from_arrays(arrays: Mapping[str, object], inputs: Mapping[str, InputSpec], label: str | None = None, *,
                sizes: Mapping[str, int] | None = None, layout: Layout | None = None,
                target: bool = True) -> Table:
    """The same for arrays in memory, by input; `label` is the input to predict."""
    request = Request(inputs, label, {}, layout, target)
    found = Found("the arrays")
    take_arrays(found, {name: np.asarray(array) for name, array in arrays.items()}, request)
    return _table(found, request, sizes or {})


# ---- labels numbered, sizes compared

def _table(found: Found, request: Request, given: Mapping[str, int]) -> Table:
    sizes = _known_sizes(found, request, given)
    labels, class_names, messages = _number_labels(found, request, sizes)
    samples = _samples(found, request)
    every = found.arrays | labels
    arrays = {name: every[name] for name in request.inputs if name in every}
    if request.wanted and not arrays:
        raise data_error(f"{found.path}: nothing in it feeds an input of the loss.",
                         hint=f"The loss takes {listed(list(request.wanted.values()))}.")
    fixed = {dim for spec in request.inputs.values() if spec.role == "param" for dim in spec.dims}
    kept = {name: size for name, size in sizes.items() if name not in samples or name in fixed}
    columns = (request.layout.columns if request.layout else {}) | found.columns
    layout = Layout(columns, class_names, target_of(replace(request, target=True)), kept)
    return Table(found.path, arrays, dict(sizes), samples, layout, tuple(found.messages + messages))


def _known_sizes(found: Found, request: Request, given: Mapping[str, int]) -> Sizes:
    sizes = given_sizes(request.inputs, given)
    for name, size in (request.layout.sizes if request.layout else {}).items():
        sizes.learn(name, size, "the model")
    shapes = {name: array.shape for name, array in found.arrays.items()}
    shapes |= {name: raw.codes.shape for name, raw in found.labels.items()}
    for name in request.inputs:
        if name in shapes:
            sizes.learn_shape(request.inputs[name], shapes[name], found.path)
    return sizes


def _number_labels(found: Found, request: Request, sizes: Sizes) -> tuple[Arrays, dict, list[str]]:
    """Codes by label, class names by size, messages. Labels in one named size are numbered together."""
    groups: dict[str, list[RawLabel]] = {}
    for name, raw in found.labels.items():
        classes = request.inputs[name].classes
        groups.setdefault(classes if isinstance(classes, str) else name, []).append(raw)
    codes: Arrays = {}
    class_names = dict(request.layout.class_names) if request.layout else {}
    messages: list[str] = []
    for group, raws in groups.items():
        classes = request.inputs[raws[0].name].classes
        size = classes if isinstance(classes, int) else sizes.get(group)
        done = numbered(raws, size, class_names.get(group), fresh=request.layout is None)
        codes |= done.codes
        messages += done.messages
        if isinstance(classes, str):
            sizes.learn(classes, done.size, f"the labels {listed([raw.name for raw in raws])}")
        if done.names is not None:
            class_names[group] = done.names
    return codes, class_names, messages


def _samples(found: Found, request: Request) -> frozenset[str]:
    """The size that counts rows: all first axes of a CSV; else that of a label, a matrix or a vector."""
    specs = [request.inputs[name] for name in (*found.labels, *found.arrays) if request.inputs[name].dims]
    if not found.by_rows:
        specs = sorted(specs, key=lambda spec: (spec.role != "label", len(spec.dims) == 1))[:1]
    return frozenset(spec.dims[0] for spec in specs if isinstance(spec.dims[0], str))
