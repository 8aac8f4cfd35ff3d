"""Class labels as files hold them, numbered 0..K-1 as a loss wants them.

Whole numbers from 0 on are used as they are. Anything else is numbered in sorted order, so are identifiers
so sparse that nearly all numbers below the largest would be classes without a row; the names are kept for the
way back. Labels that take their values in one size (two columns of users) are numbered together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from iverson.run.problem import MISSING, data_error, listed

SPARSE = 10          # classes per value that occurs, from which whole numbers are taken for identifiers
SMALL = 1000         # but never below this many classes


@dataclass(frozen=True)
class RawLabel:
    """One label as it was read.

    values  the distinct values as text, numbers in their shortest form
    codes   int64, each row's position in `values`
    place   where a row stands in the file
    """

    name: str
    values: tuple[str, ...]
    codes: np.ndarray
    place: Callable[[int], str]

    def complaint(self, value: str) -> str:
        """Where `value` occurs first."""
        return self.place(int(np.flatnonzero(self.codes.ravel() == self.values.index(value))[0]))


@dataclass(frozen=True)
class Numbered:
    """Labels as int64 in 0..size-1 by input; the names of the classes where they had to be numbered."""

    codes: dict[str, np.ndarray]
    size: int
    names: tuple[str, ...] | None
    messages: tuple[str, ...] = ()


def from_texts(name: str, cells: Sequence[str], place: Callable[[int], str]) -> RawLabel:
    """The label in a column of text."""
    number = {cell: k for k, cell in enumerate(dict.fromkeys(cells))}
    codes = np.fromiter(map(number.__getitem__, cells), np.int64, len(cells))
    return _shortest(RawLabel(name, tuple(number), codes, place))


def from_array(name: str, array: np.ndarray, place: Callable[[int], str]) -> RawLabel:
    """The label in an array of numbers, of booleans or of text."""
    if array.dtype.kind not in "biufUS":
        raise data_error(f"{place(0)}: a label must be whole numbers or text, not {array.dtype}.")
    array = array.astype(np.str_) if array.dtype.kind == "S" else array
    array = array.astype(np.int64) if array.dtype.kind == "b" else array
    values, codes = np.unique(array, return_inverse=True)
    texts = tuple(value.strip() if isinstance(value, str) else _plain(value) for value in values.tolist())
    raw = RawLabel(name, texts, codes.reshape(array.shape).astype(np.int64), place)
    for text in texts:
        if MISSING.fullmatch(text):
            raise data_error(f"{raw.complaint(text)}: the label is {text or 'empty'}.")
    return _shortest(raw)


def _plain(value: float | int) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _shortest(raw: RawLabel) -> RawLabel:
    """Where all values are numbers: 3, 3.0 and 03 are one value."""
    numbers = [_number(value) for value in raw.values]
    if None in numbers:
        return raw
    plain = [_plain(number) for number in numbers if number is not None]
    position = {text: k for k, text in enumerate(dict.fromkeys(plain))}
    again = np.array([position[text] for text in plain], np.int64)
    return RawLabel(raw.name, tuple(position), again[raw.codes], raw.place)


def _number(text: str) -> float | int | None:
    """The text as a number, exact if it is a whole one; None if it is none."""
    if not text.isascii() or "_" in text:
        return None
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


# ---- numbering

def numbered(raws: Sequence[RawLabel], size: int | None, names: tuple[str, ...] | None,
             fresh: bool) -> Numbered:
    """Number the labels that take their values in one size.

    size    the number of classes where something else determines it
    names   the classes of the model, where it had to number them
    fresh   whether this is data to fit to: only then may classes be numbered, and one class alone is refused
    Errors  IversonError(data): a value that is negative, not whole, not below `size`, or unknown to the model
    """
    if fresh:
        _refuse_constant(raws)
    if names is not None:
        return _apply(raws, names, len(names) if size is None else size)
    values = list(dict.fromkeys(value for raw in raws for value in raw.values))
    numbers = [number for number in map(_number, values) if number is not None]
    if len(numbers) < len(values):
        return _by_name(raws, sorted(values), size, fresh)
    _refuse_fractions(raws)
    largest = max(int(number) for number in numbers)
    if size is None and fresh and largest + 1 > max(SMALL, SPARSE * len(values)):
        return _by_name(raws, sorted(values, key=int), size, fresh)
    return _as_they_are(raws, largest + 1 if size is None else size, known=size is not None)


def _refuse_constant(raws: Sequence[RawLabel]) -> None:
    values = {value for raw in raws for value in raw.values}
    if len(values) == 1:
        raise data_error(f"{raws[0].place(0)}: every row has the label {values.pop()}.",
                         why=f"The label {raws[0].name} has one class only: there is nothing to tell apart.")


def _refuse_fractions(raws: Sequence[RawLabel]) -> None:
    for raw in raws:
        for value in raw.values:
            number = _number(value)
            if not isinstance(number, int):
                raise data_error(f"{raw.complaint(value)}: the label {value} is not a whole number.",
                                 hint=f"Declare {raw.name}: data[...] if it is a quantity and not a class.")
            if number < 0:
                raise data_error(f"{raw.complaint(value)}: the label {value} is negative.",
                                 why="Classes are numbered from 0.",
                                 hint=f"Declare {raw.name}: data[...] if the loss computes with -1 and 1.")


def _as_they_are(raws: Sequence[RawLabel], size: int, known: bool) -> Numbered:
    for raw in raws:
        for value in raw.values:
            if int(value) >= size:
                raise data_error(f"{raw.complaint(value)}: the label {value} is outside the {size} known "
                                 f"classes, 0 to {size - 1}.")
    used = {int(value) for raw in raws for value in raw.values}
    unused = [k for k in range(min(size, SMALL * SPARSE)) if k not in used][:9]
    about = ", ".join(raw.name for raw in raws)
    messages = () if known or not unused else (f"{about}: no row has the class {listed(unused)}.",)
    return Numbered({raw.name: _codes(raw, int) for raw in raws}, size, None, messages)


def _by_name(raws: Sequence[RawLabel], names: list[str], size: int | None, fresh: bool) -> Numbered:
    if not fresh:
        unknown = next(value for value in names if not isinstance(_number(value), int))
        raw = next(raw for raw in raws if unknown in raw.values)
        raise data_error(f"{raw.complaint(unknown)}: {unknown!r} is not one of the {size} classes, 0 to "
                         f"{(size or 1) - 1}.", why="The model was fitted to labels that were whole numbers.")
    if size is not None and len(names) > size:
        raise data_error(f"{raws[0].place(0)}: there are {len(names)} different labels, but {size} classes.",
                         hint=f"The labels are {listed(names)}.")
    done = _apply(raws, tuple(names), len(names) if size is None else size)
    shown = listed([f"{k} = {name}" for k, name in enumerate(names)])
    about = ", ".join(raw.name for raw in raws)
    message = f"{about}: {len(names)} classes, numbered in sorted order: {shown}."
    return Numbered(done.codes, done.size, done.names, (message,))


def _apply(raws: Sequence[RawLabel], names: tuple[str, ...], size: int) -> Numbered:
    number = {name: k for k, name in enumerate(names)}
    for raw in raws:
        for value in raw.values:
            if value not in number:
                raise data_error(f"{raw.complaint(value)}: {value!r} is not one of the {len(names)} classes "
                                 "the model was fitted to.", hint=f"They are {listed(names)}.")
    return Numbered({raw.name: _codes(raw, number.__getitem__) for raw in raws}, size, names)


def _codes(raw: RawLabel, number: Callable[[str], int]) -> np.ndarray:
    return np.array([number(value) for value in raw.values], np.int64)[raw.codes]
