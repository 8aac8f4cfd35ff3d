"""Where data comes from: columns of a CSV, arrays of an .npz or .npy, and which of them feeds which input.

In a CSV, named columns feed the inputs with one axis, and all other columns of numbers, in file order, the
one input with two. Does not number labels or compare sizes: it hands over what was found, with its places.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from iverson.run.labels import RawLabel, from_array, from_texts
from iverson.run.problem import Arrays, InputSpec, check_shape, data_error, listed
from iverson.run.sheet import FEATURE, LABEL, NUMBER, Sheet, check_file, named_column, read_sheet

Feeds = dict[str, tuple[str, ...]]    # input -> its columns


@dataclass(frozen=True)
class Layout:
    """How the data of a fit was laid out, so that later data can be laid out the same.

    columns      input -> the columns of the CSV it was read from
    class_names  size (or label, where its size is a literal) -> its classes, where they had to be numbered
    target       the input that the loss is to predict, None if that is not known
    sizes        all sizes that later data must have too: not the number of rows
    """

    columns: Feeds = field(default_factory=dict)
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    target: str | None = None
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass
class Found:
    """What a source holds, by input, before labels are numbered and sizes compared."""

    path: str
    arrays: Arrays = field(default_factory=dict)
    labels: dict[str, RawLabel] = field(default_factory=dict)
    columns: Feeds = field(default_factory=dict)
    by_rows: bool = False    # whether every array has the rows of one sheet
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """What is asked of a source; the parameters of `load`."""

    inputs: Mapping[str, InputSpec]
    label: str | None
    columns: Mapping[str, str]
    layout: Layout | None
    target: bool

    @property
    def wanted(self) -> dict[str, InputSpec]:
        skip = None if self.target or self.layout is None else self.layout.target
        return {name: spec for name, spec in self.inputs.items()
                if spec.role in ("data", "label") and name != skip}

    @property
    def vectors(self) -> dict[str, InputSpec]:
        return {name: spec for name, spec in self.wanted.items() if len(spec.dims) == 1}


# ---- which column feeds which input

def check_names(request: Request) -> None:
    """IversonError(data) for a column given to an input that cannot take it, or to two inputs."""
    for name, column in request.columns.items():
        spec = request.inputs.get(name)
        if spec is None or spec.role not in ("data", "label"):
            raise data_error(f"The loss has no data and no label named {name}.",
                             hint=f"Its data: {listed(list(request.wanted)) or 'none'}.")
        if len(spec.dims) != 1:
            raise data_error(f"{spec} does not take one column.",
                             why="An input with two axes takes all columns of numbers that are left.")
        if [*request.columns.values(), request.label].count(column) > 1:
            raise data_error(f"The column {column!r} is to feed two inputs.",
                             hint="Give each input a column of its own.")


def target_of(request: Request) -> str | None:
    """The input to predict: the one --label feeds, else the one named y, else the only vector."""
    if request.layout is not None:
        return request.layout.target
    free = {name: spec for name, spec in request.vectors.items() if name not in request.columns}
    labels = [name for name, spec in free.items() if spec.role == "label"]
    if request.label is None:
        vectors = list(request.vectors)
        return "y" if "y" in vectors else vectors[0] if len(vectors) == 1 else None
    if request.label in free:
        return request.label
    for pool in (labels, list(free)):
        if len(pool) == 1 or "y" in pool:
            return pool[0] if len(pool) == 1 else "y"
    raise data_error(f"--label {request.label}: " + (f"it could feed {listed(list(free))}." if free else
                     "the loss has no label and no data with one axis for it to feed."),
                     hint="Say which column feeds which input: --columns NAME=COLUMN,..." if free else None)


def _feeds(path: str, names: list[str], request: Request) -> Feeds:
    """Input -> its columns, but for a matrix that is to take what is left."""
    feeds = dict(request.layout.columns) if request.layout else {}
    feeds |= {name: (column,) for name, column in request.columns.items()}
    target = target_of(request)
    if request.label is not None and target is not None:
        feeds[target] = (request.label,)
    for name in request.vectors:
        if name not in feeds and name in names:
            feeds[name] = (name,)
    may_lack = set() if request.target else set(request.vectors) - set(request.columns)
    return {name: _present(path, names, request.inputs[name], feeds[name]) for name in request.wanted
            if name in feeds and not (name in may_lack and feeds[name][0] not in names)}


def _present(path: str, names: list[str], spec: InputSpec, columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(columns) == 1:
        return (named_column(path, names, columns[0], str(spec)),)
    missing = [column for column in columns if column not in names]
    if missing:
        raise data_error(f"{path} lacks {len(missing)} of the {len(columns)} columns that feed {spec}: "
                         f"{listed(missing)}.", hint=f"Its columns: {listed(names)}.")
    return columns


def _matrix(path: str, request: Request) -> str | None:
    """The one input with two axes; IversonError(data) for inputs that no CSV can feed."""
    others = [spec for name, spec in request.wanted.items() if name not in request.vectors]
    if len(others) > 1 or any(len(spec.dims) != 2 or spec.role == "label" for spec in others):
        raise data_error(f"{path}: a CSV cannot feed {listed(others)}.",
                         why="It feeds inputs with one axis, a column each, and one input with two.",
                         hint="Put the arrays into one file: numpy.savez('data.npz', X=..., y=...).")
    return others[0].name if others else None


def from_csv(path: str, request: Request) -> Found:
    """Read the columns that feed the inputs asked for."""
    matrix = _matrix(path, request)
    feeds: Feeds = {}
    rest: list[str] = []

    def plan(names: list[str]) -> dict[str, str]:
        feeds.update(_feeds(path, names, request))
        _check_fed(path, names, feeds, request)
        taken = {column for columns in feeds.values() for column in columns} | _left_alone(request)
        rest.extend(name for name in names if name not in taken)
        holds = dict.fromkeys(rest, FEATURE) if matrix and matrix not in feeds else {}
        for name, columns in feeds.items():
            holds |= dict.fromkeys(columns, LABEL if request.inputs[name].role == "label" else NUMBER)
        return holds

    sheet = read_sheet(path, plan)
    return _sorted_out(sheet, feeds, rest, matrix, request)


def _left_alone(request: Request) -> set[str]:
    """Columns that are no features even where nothing reads them: those of the target."""
    if request.layout is None or request.layout.target is None:
        return set()
    target = request.layout.target
    return {*request.layout.columns.get(target, (target,)), *filter(None, [request.label])}


def _check_fed(path: str, names: list[str], feeds: Feeds, request: Request) -> None:
    for name, spec in request.vectors.items():
        if name not in feeds and request.target:
            raise data_error(f"{path}: no column feeds {spec}.",
                             hint=f"Say which: --label COLUMN or --columns {name}=COLUMN. "
                                  f"The columns are {listed(names)}.")


def _sorted_out(sheet: Sheet, feeds: Feeds, rest: list[str], matrix: str | None,
                request: Request) -> Found:
    """The columns of a sheet by the inputs they feed."""
    found = Found(sheet.path)
    if matrix and matrix not in feeds:
        feeds[matrix] = tuple(name for name in rest if name in sheet.numbers)
        if not feeds[matrix]:
            raise data_error(f"{sheet.path}: no column of numbers is left for {request.inputs[matrix]}.")
        rest = sheet.left_out
    for name, columns in feeds.items():
        if request.inputs[name].role == "label":
            found.labels[name] = _label_of(sheet, name, columns[0])
        elif name == matrix:
            found.arrays[name] = np.stack([sheet.numbers[column] for column in columns], axis=1)
        else:
            found.arrays[name] = sheet.numbers[columns[0]]
        found.messages.append(f"{name}: {len(columns)} columns, {listed(columns)}." if len(columns) > 1 else
                              f"{name}: the column {columns[0]!r}.")
    found.columns, found.by_rows = feeds, True
    if rest:
        found.messages.append(f"Not used: {listed(rest)}" + (" (no numbers)." if sheet.left_out else "."))
    return found


def _label_of(sheet: Sheet, name: str, column: str) -> RawLabel:
    place = lambda row: sheet.place(column, row)
    if column in sheet.texts:
        return from_texts(name, sheet.texts[column], place)
    return from_array(name, sheet.numbers[column], place)


# ---- arrays

def from_npy(path: str, request: Request) -> Found:
    """Read the one matrix of a loss that takes nothing else."""
    array = _opened(path)
    wanted = [spec for spec in request.wanted.values() if request.target or len(spec.dims) != 1]
    if len(wanted) != 1 or wanted[0].role != "data" or request.label or not isinstance(array, np.ndarray):
        raise data_error(f"{path} holds one matrix, but the loss takes {listed(wanted) or 'no data'}.",
                         hint="Put the arrays into one file: numpy.savez('data.npz', X=..., y=...).")
    found = Found(path)
    found.arrays[wanted[0].name] = _real(path, wanted[0], array)
    return found


def from_npz(path: str, request: Request) -> Found:
    """Read the arrays by the names of the inputs, or by those that `columns` and `label` give them."""
    opened = _opened(path)
    if isinstance(opened, np.ndarray):
        raise data_error(f"{path}: this is one array, not the archive of named arrays that .npz stands for.")
    with opened:
        renamed = _renamed(path, opened.files, request)
        of = {name: renamed.get(name, name) for name in request.inputs}
        held = {name: _member(path, opened, of[name]) for name in of if of[name] in opened.files}
        unused = [name for name in opened.files if name not in of.values()]
    found = Found(path, columns={name: (stored,) for name, stored in renamed.items()})
    found.messages += [f"Not used: {listed(unused)}."] if unused else []
    take_arrays(found, held, request)
    return found


def _renamed(path: str, names: list[str], request: Request) -> dict[str, str]:
    """Input -> the array that feeds it, where that has another name: by the model, --label and --columns."""
    target = target_of(request)
    given = ({target: request.label} if request.label and target else {}) | dict(request.columns)
    for name, stored in given.items():
        named_column(path, names, stored, str(request.inputs[name]))
    before = request.layout.columns if request.layout else {}
    kept = {name: columns[0] for name, columns in before.items() if len(columns) == 1 and columns[0] in names}
    return kept | given


def _opened(path: str):
    check_file(path)
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as problem:
        raise data_error(f"{path} is not a file that NumPy can load: {_first_line(problem)}") from None


def _member(path: str, archive, name: str) -> np.ndarray:
    try:
        return np.asarray(archive[name])
    except (OSError, ValueError, EOFError, MemoryError, KeyError, zipfile.BadZipFile) as problem:
        raise data_error(f"{path}: the array {name} cannot be read: {_first_line(problem)}") from None


def _first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def take_arrays(found: Found, held: Mapping[str, np.ndarray], request: Request) -> None:
    """Take what the loss wants; scalars too, where they are stored as arrays without an axis."""
    for name, spec in request.wanted.items():
        if name in held:
            _take(found, spec, held[name])
        elif request.target or len(spec.dims) != 1:
            raise data_error(f"{found.path}: there is no array for {spec}.",
                             why="Arrays are found by the names of the inputs.",
                             hint=f"Those found: {listed(list(held))}." if held else None)
    for name, spec in request.inputs.items():
        if spec.role == "scalar" and name in held:
            _take(found, spec, held[name])


def _take(found: Found, spec: InputSpec, array: np.ndarray) -> None:
    check_shape(spec, array.shape, found.path)
    if spec.role == "label":
        place = lambda row: _entry(found.path, spec, array, row)
        found.labels[spec.name] = from_array(spec.name, array, place)
    else:
        found.arrays[spec.name] = _real(found.path, spec, array)


def _entry(path: str, spec: InputSpec, array: np.ndarray, flat: int) -> str:
    where = ", ".join(map(str, np.unravel_index(flat, array.shape)))
    return f"{path}, {spec.name}[{where}]" if where else f"{path}, {spec.name}"


def _real(path: str, spec: InputSpec, array: np.ndarray) -> np.ndarray:
    """As float64; IversonError(data) for anything but finite real numbers."""
    if array.dtype.kind not in "biuf":
        raise data_error(f"{path}: {spec.name} must hold real numbers, not {array.dtype}.")
    check_shape(spec, array.shape, path)
    real = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    bad = np.flatnonzero(~np.isfinite(real))
    if bad.size:
        raise data_error(f"{_entry(path, spec, real, int(bad[0]))}: the value is {real.flat[bad[0]]} "
                         f"({bad.size} of {real.size} are not finite).")
    return real


