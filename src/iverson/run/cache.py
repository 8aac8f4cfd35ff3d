"""The folder where compiled kernels are kept: the user's alone, every file sealed, nothing followed that is a link.

A file ends in the digest of what stands before it, so one that was cut off or changed is not loaded but made again.  What a
compiler leaves is `name.raw` and is sealed by the first process that finds it.  Knows nothing of compilers and losses.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

SEAL = b"iverson-kernel-1"
MOST_FILES = 400
STALE = 3600.0  # seconds after which a folder of a compilation has been left behind


def folder() -> Path:
    """The user's folder of kernels, theirs alone; a new one for this process where that cannot be."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = base / "iverson" / "kernels"
    with suppress(OSError):
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not found.is_symlink():
            os.chmod(found, 0o700)
        if private(found):
            return found
    return own_folder()


def private(found: Path) -> bool:
    """Whether nobody else can write to a folder or replace it."""
    about = os.lstat(found)
    return stat.S_ISDIR(about.st_mode) and owned(about) and not about.st_mode & 0o077 and os.access(found, os.W_OK)


def owned(about: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or about.st_uid == os.getuid()


@cache
def own_folder() -> Path:
    import atexit

    found = tempfile.mkdtemp(prefix="iverson-")
    atexit.register(shutil.rmtree, found, ignore_errors=True)
    return Path(found)


def kept(target: Path) -> bool:
    """Whether a sealed file is there, whole; one that a compiler left is sealed first, a broken one is taken away."""
    data = content(target)
    if data is not None and data[-len(SEAL) - 32 :] == SEAL + hashlib.sha256(data[: -len(SEAL) - 32]).digest():
        return True
    raw = raw_of(target)
    made = content(raw)
    if made:
        seal(target, made)
        with suppress(OSError):
            raw.unlink()
        return True
    if data is not None:
        with suppress(OSError):
            target.unlink()
    return False


def raw_of(target: Path) -> Path:
    """Where a compiler puts the file."""
    return target.with_name(target.name + ".raw")


def content(path: Path) -> bytes | None:
    """What a file of ours holds; None where it is none, or a link, or somebody else's."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or not owned(about) or about.st_mode & 0o022:
            return None
        return file.read()


def seal(target: Path, data: bytes) -> None:
    """Put a file in place whole, with its digest at its end."""
    handle, name = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data + SEAL + hashlib.sha256(data).digest())
    os.chmod(name, 0o700)
    os.replace(name, target)


def workplace(where: Path) -> Path:
    """A new folder for one compilation; what others left behind, and the oldest files of many, are removed."""
    for left in where.glob("work-*"):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > STALE:
                shutil.rmtree(left, ignore_errors=True)
    files = [p for p in where.iterdir() if p.suffix in (".so", ".o")]
    if len(files) > MOST_FILES:
        with suppress(OSError):
            for old in sorted(files, key=lambda p: p.lstat().st_mtime)[: len(files) - MOST_FILES]:
                old.unlink()
    return Path(tempfile.mkdtemp(prefix="work-", dir=where))
