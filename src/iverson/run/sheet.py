"""CSV files as columns of numbers and of text, with every complaint at its file, line and column.

Does not know what the columns are for: a plan, made by the caller from the header, says what each must hold.
A file of nothing but numbers goes through NumPy's reader; any other, and any with something wrong in it, goes
through the csv module in chunks.
"""

from __future__ import annotations

import csv
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from iverson.run.problem import MISSING, data_error, listed

# What a column must hold. FEATURE: numbers throughout, or no number at all, and then it is left out.
NUMBER, LABEL, FEATURE = "number", "label", "feature"

Plan = Callable[[list[str]], dict[str, str]]    # names in the header -> what the columns to be read must hold

CHUNK = 20_000               # rows held as text at a time
EXACT = 2.0**53              # integers from here on are not exact in float64
FILL = "Fill the cell or drop the row: a loss has no value where a number is missing."


@dataclass
class Sheet:
    """What was read: columns of numbers (float64, finite) and of text (stripped), all of the same length."""

    path: str
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)    # columns with no number in them
    lines: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))    # line of the file, by row

    def place(self, column: str, row: int) -> str:
        return f"{self.path}, line {self.lines[row]}, column {column!r}"


def read_sheet(path: str, plan: Plan) -> Sheet:
    """Read the columns `plan` names. `path` is a UTF-8 file, or "-" for stdin.

    Errors   IversonError(data), with file, line and column: an unreadable or empty file, a bad header, a row
             of another length, a cell that is not what the plan says (empty, NaN and inf never are)
    """
    with _opened(path) as text, _explained(path, reader := csv.reader(text, strict=True)):
        names = _header(path, reader)
        holds = plan(names)
        quick = _all_numbers(path, names, holds, reader.line_num) if os.path.isfile(path) else None
        return quick or _by_chunks(path, names, holds, reader)


def _opened(path: str):
    if path == "-":
        return nullcontext(sys.stdin)
    check_file(path)
    return open(path, newline="", encoding="utf-8-sig")


def check_file(path: str) -> None:
    """IversonError(data) unless `path` is a file that can be opened."""
    if not os.path.exists(path):
        raise data_error(f"{path} does not exist.")
    if os.path.isdir(path):
        raise data_error(f"{path} is a folder, not a data file.")
    if not os.access(path, os.R_OK):
        raise data_error(f"{path} may not be read.")


@contextmanager
def _explained(path: str, reader) -> Iterator[None]:
    try:
        yield
    except csv.Error as problem:
        raise data_error(f"{path}, line {max(1, reader.line_num)}: not readable as CSV: {problem}.") from None
    except UnicodeDecodeError as problem:
        raise data_error(f"{path}: not UTF-8 text: {problem.reason} at byte {problem.start}.") from None


# ---- the header

def _header(path: str, reader) -> list[str]:
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise data_error(f"{path}: " + ("the first line names no column." if names else "the file is empty."))
    for at, name in enumerate(names):
        if not name:
            raise data_error(f"{path}, line 1: column {at + 1} has no name.",
                             hint="An index written by pandas? Write the file with to_csv(..., index=False).")
        if names.index(name) < at:
            raise data_error(f"{path}, line 1: the columns {names.index(name) + 1} and {at + 1} are both "
                             f"named {name!r}.",
                             hint="The first line must name the columns, each differently.")
    if all(_is_number(name) for name in names) and not all(name.isdigit() for name in names):
        raise data_error(f"{path}, line 1: numbers stand where the names of the columns should be.",
                         hint="Add a first line with a name for each column.")
    return names


# ---- a file of nothing but numbers

def _all_numbers(path: str, names: list[str], holds: dict[str, str], above: int) -> Sheet | None:
    """The sheet, if every line below the first `above` holds numbers only; None whatever else there is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = np.loadtxt(os.path.abspath(path), delimiter=",", quotechar='"', comments=None,
                               skiprows=above, ndmin=2, encoding="utf-8")
    except (ValueError, OSError):
        return None
    picked = [names.index(name) for name in holds] if table.shape[1] == len(names) else []
    labels = [names.index(name) for name, what in holds.items() if what == LABEL]
    if not picked or len(table) == 0 or len(table) + above != _count_lines(path):
        return None
    if not np.isfinite(table[:, picked]).all() or (np.abs(table[:, labels]) >= EXACT).any():
        return None
    columns = {names[at]: np.ascontiguousarray(table[:, at]) for at in picked}
    return Sheet(path, columns, lines=np.arange(above + 1, above + 1 + len(table)))


def _count_lines(path: str) -> int:
    """Lines of the file, an unfinished last one included."""
    count, end = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
            end = block[-1:]
    return count + (end != b"\n")


# ---- any other file

def _by_chunks(path: str, names: list[str], holds: dict[str, str], reader) -> Sheet:
    sheet = Sheet(path, texts={name: [] for name, what in holds.items() if what == LABEL})
    parts: dict[str, list[np.ndarray]] = {name: [] for name in holds if name not in sheet.texts}
    lines: list[np.ndarray] = []
    for rows, at in _chunks(path, len(names), reader):
        sheet.lines = at
        lines.append(at)
        cells = dict(zip(names, zip(*rows, strict=True), strict=True))
        for name in sheet.texts:
            sheet.texts[name] += _labels(sheet, name, cells[name])
        for name, what in holds.items():
            if what != LABEL:
                _add_numbers(sheet, name, cells[name], parts[name], what == FEATURE)
    if not lines:
        raise data_error(f"{path}: the file has a header and no row below it.")
    sheet.lines = np.concatenate(lines)
    sheet.numbers = {name: np.concatenate(part) for name, part in parts.items() if part}
    return sheet


def _chunks(path: str, width: int, reader) -> Iterator[tuple[list[list[str]], np.ndarray]]:
    """Rows of `width` cells, at most CHUNK at a time, and the line each starts on, without blank lines."""
    above = reader.line_num
    while rows := list(islice(reader, CHUNK)):
        lines = _starts(rows, above, reader.line_num)
        above = reader.line_num
        for row, line in zip(rows, lines, strict=True):
            if row and len(row) != width:
                raise data_error(f"{path}, line {line}: {len(row)} cells, but the header names {width} "
                                 "columns.", hint=_other_separator(row))
        filled = [k for k, row in enumerate(rows) if row]
        if filled:
            yield [rows[k] for k in filled], lines[filled]


def _starts(rows: list[list[str]], above: int, end: int) -> np.ndarray:
    """The line each row starts on; a row takes more than one where a quoted cell holds line ends."""
    if end - above == len(rows):
        return np.arange(above + 1, end + 1)
    taken = [1 + sum(len(re.findall(r"\r\n|\r|\n", cell)) for cell in row) for row in rows]
    return above + 1 + np.cumsum([0, *taken[:-1]])


def _other_separator(row: list[str]) -> str | None:
    found = [sign for sign in (";", "\t") if any(sign in cell for cell in row)]
    return f"Cells are separated by commas; this line holds {found[0]!r}." if found else None


def _labels(sheet: Sheet, name: str, cells: Sequence[str]) -> list[str]:
    stripped = [cell.strip() for cell in cells]
    absent = {cell for cell in set(stripped) if MISSING.fullmatch(cell)}
    if absent:
        row = next(k for k, cell in enumerate(stripped) if cell in absent)
        raise data_error(f"{sheet.place(name, row)}: {_trouble(stripped[row])}.", hint=FILL)
    return stripped


def _add_numbers(sheet: Sheet, name: str, cells: Sequence[str], parts: list[np.ndarray],
                 may_be_text: bool) -> None:
    """Append the numbers of a chunk, or leave the column out if it may be text and holds no number so far."""
    numbers = _numbers(cells)
    if numbers is not None and name not in sheet.left_out:
        parts.append(numbers)
        return
    if may_be_text and not parts and not any(map(_is_number, cells)):
        sheet.left_out += [] if name in sheet.left_out else [name]
        return
    row = next((k for k, cell in enumerate(cells) if _trouble(cell)), 0)
    trouble = _trouble(cells[row]) or "a number, but the cells above it hold none"
    raise data_error(f"{sheet.place(name, row)}: {trouble}.", hint=FILL)


def _numbers(cells: Sequence[str]) -> np.ndarray | None:
    """The cells as finite numbers; None if one of them is anything else."""
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    text = "".join(cells)
    return numbers if np.isfinite(numbers).all() and text.isascii() and "_" not in text else None


def _is_number(cell: str) -> bool:
    """Whether the cell is written as a number, NaN and inf included.

    >>> [_is_number(cell) for cell in ("1e-3", " nan", "1_000", "", "x")]
    [True, True, False, False, False]
    """
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def _trouble(cell: str) -> str | None:
    """What keeps a cell from being a finite number; None if it is one."""
    if not cell.strip():
        return "the cell is empty"
    if not _is_number(cell):
        return f"{cell.strip()[:40]!r} is not a number"
    return None if np.isfinite(float(cell)) else f"the value is {cell.strip()}"


def named_column(path: str, names: list[str], column: str, purpose: str) -> str:
    """`column`, if the header has it; IversonError(data) that offers what the header has otherwise."""
    if column in names:
        return column
    from difflib import get_close_matches
    near = get_close_matches(column, names, n=1)
    raise data_error(f"{path} has no column {column!r}, which is to hold {purpose}.",
                     hint=f"Did you mean {near[0]!r}?" if near else f"Its columns: {listed(names)}.")


def suffix(path: str) -> str:
    """The kind of file by its name: ".npy", ".npz", or ".csv" for what is read as CSV; refuses the others."""
    ending = Path(path).suffix.lower()
    if ending in (".npy", ".npz"):
        return ending
    if ending not in ("", ".csv", ".txt"):
        raise data_error(f"{path}: files of the kind {ending!r} are not read.",
                         hint="Use .csv with a header, .npz with an array per input, .npy with one matrix.")
    return ".csv"
