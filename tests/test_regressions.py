"""Every fault that was found once stays mended: the answer is verified, and its code agrees."""

import numpy as np
import pytest

import iverson as iv
from iverson.meaning.sample import instances
from iverson.meaning.surface_eval import compile_surface
from iverson.meaning.verify import read_back
from regressions import REGRESSIONS


@pytest.mark.parametrize("row", REGRESSIONS, ids=lambda r: r[2])
def test_a_fault_stays_mended(row):
    text, wrt, _ = row
    d = iv.derive(text, wrt)
    assert d.verified
    lines = read_back(d.derived.program.inputs, d.derived.lines, d.derived.dims)
    for draw in instances(d.loss.typed, 5, n=3, wrt=(wrt,)).draws:
        written = compile_surface(lines, [lines.script.result])(draw.arrays, draw.sizes)[lines.script.result]
        assert np.allclose(d(**draw.arrays, **draw.sizes), written)
