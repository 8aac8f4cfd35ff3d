"""The text of a note: given as text, or by the path of a file."""

from __future__ import annotations

import os
from pathlib import Path

from ..core.errors import IversonError

MOST_BYTES = 400_000
ENDINGS = (".md", ".markdown", ".tex", ".txt", ".rst", ".qmd", ".rmd")


def note_text(source: str | Path) -> tuple[str, str | None]:
    """The text, and the path it came from."""
    if not isinstance(source, Path) and not is_path(source):
        return limited(source), None
    path = Path(source)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise IversonError("limit", f"{path} is larger than {MOST_BYTES} bytes.")
        return path.read_text(encoding="utf-8-sig"), str(source)
    except (OSError, UnicodeDecodeError) as error:
        raise IversonError("usage", f"{path} cannot be read: {error}.") from None


def limited(text: str) -> str:
    if not isinstance(text, str):
        raise IversonError("usage", f"A note is given as text or a file, not as {type(text).__name__}.")
    if len(text) > MOST_BYTES:
        raise IversonError("limit", f"The note has {len(text)} characters; at most {MOST_BYTES} are read.")
    return text


def is_path(text: object) -> bool:
    return isinstance(text, str) and "\n" not in text and "$" not in text and (
        text.lower().endswith(ENDINGS) or (os.path.sep in text and len(text) < 4096 and Path(text).is_file()))
