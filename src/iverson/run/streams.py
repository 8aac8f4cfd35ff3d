"""Where the samples of an input come from, a block at a time: an array, a sparse matrix by rows, a .npy file.

Files are read by position into a buffer of the reader, never mapped into memory: a mapped file that shrinks kills the process.
"""

from __future__ import annotations

import math
import os
import stat
from typing import Any

import numpy as np

from ..core.errors import IversonError

VERSIONS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
AHEAD = 4  # blocks the system is asked to read before they are wanted


class Rows:
    """An array in memory, its samples on `axis`."""

    def __init__(self, v: Any, axis: int) -> None:
        self.v, self.axis, self.shape, self.dtype = v, axis, v.shape, v.dtype

    def block(self, start: int, stop: int, buffers: dict[Any, Any]) -> Any:
        """Samples start, ..., stop-1; `buffers` are the reader's own."""
        return self.v[(slice(None),) * self.axis + (slice(start, stop),)]

    def close(self) -> None:
        """Refuse what has changed meanwhile."""


class SparseRows(Rows):
    """A sparse matrix whose rows are samples."""

    def __init__(self, name: str, v: Any) -> None:
        v = v.tocsr()
        if v.ndim != 2 or v.dtype.kind not in "fiub":
            raise IversonError("data", f"{name} is no sparse matrix of real numbers.")
        self.v, self.axis, self.shape, self.dtype, self.make = v, 0, v.shape, v.dtype, type(v)

    def block(self, start: int, stop: int, buffers: dict[Any, Any]) -> Any:
        if stop - start == self.shape[0]:
            return self.v
        a, b = self.v.indptr[start], self.v.indptr[stop]
        return self.make((self.v.data[a:b], self.v.indices[a:b], self.v.indptr[start : stop + 1] - a), shape=(stop - start, self.shape[1]))


def right_rows(v: Any) -> bool:
    """Whether the rows of a sparse matrix lie within what is stored, and few enough columns for their numbers."""
    begins = v.indptr
    if len(begins) != v.shape[0] + 1 or begins[0] != 0 or begins[-1] > min(len(v.data), len(v.indices)) or v.shape[1] >= 2**31:
        return False
    return bool((begins[1:] >= begins[:-1]).all())


def checked(name: str, v: Any) -> Any:
    """A sparse matrix that reads nothing beside its arrays; SciPy does not look."""
    if not right_rows(v) or (v.nnz and (v.indices.min() < 0 or v.indices.max() >= v.shape[1])):
        raise IversonError("data", f"{name} is sparse, and its columns or the beginnings of its rows lie outside it.")
    return v


class File(Rows):
    """A .npy file with the samples on its first axis."""

    def __init__(self, name: str, path: Any) -> None:
        self.name, self.path, self.axis = name, os.fspath(path), 0
        try:
            self.handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise IversonError("data", f"{name}: {self.path} cannot be read: {error.strerror}.") from None
        try:
            self.shape, self.dtype, self.start = self.header()
        except BaseException:
            os.close(self.handle)
            raise
        self.row = self.dtype.itemsize * math.prod(self.shape[1:])

    def header(self) -> tuple[tuple[int, ...], np.dtype, int]:
        """(shape, dtype, where the numbers begin) of a file that can be read in rows."""
        self.about = os.fstat(self.handle)
        if not stat.S_ISREG(self.about.st_mode):
            raise self.wrong("is no file")
        with os.fdopen(os.dup(self.handle), "rb") as file:
            try:
                shape, by_columns, dtype = VERSIONS[np.lib.format.read_magic(file)](file)
            except (ValueError, KeyError):
                raise self.wrong("is no .npy file") from None
            start = file.tell()
        if dtype.hasobject or dtype.kind not in "fiub":
            raise self.wrong(f"holds {dtype}, not real numbers")
        if not dtype.isnative:
            raise self.wrong("has the bytes of its numbers in the other order", "np.save(path, X.astype(X.dtype.newbyteorder('=')))")
        if by_columns and len(shape) > 1:
            raise self.wrong("is stored by columns (Fortran order)", "np.save(path, np.ascontiguousarray(X))")
        if self.about.st_size < start + dtype.itemsize * math.prod(shape):
            raise self.wrong("is shorter than its header says")
        return shape, dtype, start

    def wrong(self, what: str, hint: str | None = None) -> IversonError:
        return IversonError("data", f"{self.name}: {self.path} {what}.", hint=hint)

    def block(self, start: int, stop: int, buffers: dict[Any, Any]) -> np.ndarray:
        shape = (stop - start, *self.shape[1:])
        buffer = buffers.get(self)
        if buffer is None or buffer.nbytes < (stop - start) * self.row:
            buffer = buffers[self] = np.empty(shape, self.dtype)
        into: Any = buffer.reshape(-1)[: math.prod(shape)]
        self.fill(memoryview(into).cast("B"), self.start + start * self.row)
        return into.reshape(shape)

    def fill(self, view: memoryview, place: int) -> None:
        while len(view):
            got = os.preadv(self.handle, [view], place) if hasattr(os, "preadv") else self.read(view, place)
            if got == 0:
                raise self.wrong("became shorter while it was read")
            view, place = view[got:], place + got

    def read(self, view: memoryview, place: int) -> int:
        found = os.pread(self.handle, len(view), place)
        view[: len(found)] = found
        return len(found)

    def expect(self, start: int, stop: int) -> None:
        """Tell the system that these samples are wanted soon."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.handle, self.start + start * self.row, (stop - start) * self.row, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        now = os.fstat(self.handle)
        os.close(self.handle)
        if (now.st_size, now.st_mtime_ns) != (self.about.st_size, self.about.st_mtime_ns):
            raise self.wrong("changed while it was read")


def whole(name: str, path: Any) -> np.ndarray:
    """All of a file."""
    file = File(name, path)
    try:
        return file.block(0, file.shape[0], {}) if file.shape else np.load(file.path, allow_pickle=False)
    finally:
        file.close()


def is_path(v: Any) -> bool:
    return isinstance(v, (str, os.PathLike))


def is_sparse(v: Any) -> bool:
    return hasattr(v, "tocsr")
