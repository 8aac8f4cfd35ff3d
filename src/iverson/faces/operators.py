"""The table of operators for people, printed from the tables that the engine reads.

`python -m iverson.faces.operators > docs/operators.md` writes the page; a test compares it with the tables.
"""

from __future__ import annotations

from ..api import operators
from ..core.errors import IversonError

HEAD = """# Operators

Printed from the tables of `src/iverson/lang/ops.py` and `src/iverson/rules/`; x, y, z are the arguments in order.
A meaning is the definition of the operator in iverson notation (`all`: every index of x, `k`: the last one); operators
without one are primitives.  Derivatives are by x, then by y.

| operator | also | arguments | meaning | derivative | domain, kink | stable form |
| --- | --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The page as Markdown."""
    rows = [" | ".join(cell(c) for c in row) for row in operators()]
    if not rows:
        raise IversonError("usage", "The table of operators is empty.")
    return HEAD + "".join(f"| {row} |\n" for row in rows)


def cell(text: str) -> str:
    """A cell; what holds a bar or an underscore is code already."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
