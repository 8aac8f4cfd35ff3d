"""A slip is answered at its place, in one sentence, with a hint that works."""

import pytest

import iverson as iv
from iverson.core.errors import IversonError, caret
from slips import DECLARED, KINDS, SLIPS


@pytest.mark.parametrize("row", SLIPS, ids=lambda r: f"{r[0]} {r[1]!r}")
def test_a_slip_is_shown_where_it_is(row):
    notation, text, under, words, mended = row
    with pytest.raises(IversonError) as caught:
        iv.parse(text, notation, DECLARED, KINDS)
    error = caught.value
    assert error.source[error.span.start : error.span.end] == under
    assert words in f"{error.message} {error.hint}" and "\n" not in error.message
    if mended is not None:
        assert iv.parse(mended, notation, DECLARED, KINDS).program


def test_there_are_slips_of_every_notation():
    counts = {n: sum(r[0] == n for r in SLIPS) for n in ("iverson", "unicode", "latex", "numpy")}
    assert min(counts.values()) >= 10 and len({r[:2] for r in SLIPS}) == len(SLIPS)


COLUMNS = (     # text, and the column of the caret on a terminal, where a wide sign takes two
    ("损失 = a +* b", 10), ("\ta +* b", 4), ("ab = a\r\nab +* b", 4), ("\ufeffa +* b", 3), ("a\u00a0+* b", 3),
)


@pytest.mark.parametrize("text, column", COLUMNS)
def test_the_caret_stands_in_its_column(text, column):
    with pytest.raises(IversonError) as caught:
        iv.parse(text, "iverson")
    line = caret(text, caught.value.span)[-1]
    assert line.index("^") == column
