"""LaTeX as people write it: read to the same number as NumPy, refused where it is not clear, and read back as it is printed."""

import re
import zlib

import numpy as np
import pytest

import iverson as iv
from iverson.core.errors import IversonError
from latex_texts import TEXTS

NAMES = {"lambda": "lambda_"}     # a word of Python


def declared(text):
    """The arguments of `parse` for one row, and how to draw each array: (name, dims, kind, classes)."""
    sizes, kinds, symbols, rows = {}, {}, {}, []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        head, _, symbol = (p.strip() for p in part.partition(" = "))
        name, _, dims = head.partition(" ")
        name, _, kind = name.partition(":")
        kind = "positive" if name.endswith("+") else kind
        name = name.rstrip("+")
        shape = tuple(int(d) if d.isdigit() else d for d in filter(None, (d.strip() for d in dims.split(","))))
        if kind in ("spd", "symmetric"):
            shape *= 2
        label = bool(kind) and kind not in ("spd", "symmetric", "positive", "scalar", "simplex")
        sizes[name] = shape
        if kind and kind != "scalar":
            kinds[name] = f"label {kind}" if label else kind
        if symbol:
            sign, _, form = (p.strip() for p in symbol.partition(" | "))
            symbols[name] = (sign, form) if form else sign
        rows.append((name, shape, kind, kind if label else None))
    return {"sizes": sizes, "kinds": kinds, "symbols": symbols}, rows


def drawn(rows, rng):
    """Arrays for one row, every size different."""
    names = dict.fromkeys(n for _, shape, _, k in rows for d in (*shape, k or 1) for n in re.findall(r"[A-Za-z]+", str(d)))
    sizes = dict(zip(names, rng.permutation(np.arange(3, 3 + len(names))).tolist(), strict=True))

    def count(d):
        return d if isinstance(d, int) else sum(sizes.get(p, 0) or int(p) for p in d.split("+"))

    arrays = {}
    for name, shape, kind, classes in rows:
        dims = tuple(map(count, shape))
        v = rng.normal(size=dims)
        if classes:
            v = rng.integers(0, count(classes), size=dims)
        elif kind == "positive":
            v = rng.uniform(0.3, 0.9, size=dims)
        elif kind == "spd":
            v = v @ v.T + np.eye(len(v))
        arrays[name] = v if dims else v.item() if hasattr(v, "item") else v
    return arrays


def value_of(numpy, arrays):
    return eval(numpy, {"np": np, **{NAMES.get(n, n): v for n, v in arrays.items()}})


@pytest.mark.parametrize("row", TEXTS, ids=lambda r: r[0][:60])
def test_a_text_has_the_value_of_its_numpy(row):
    text, said, numpy, *target = row
    arguments, rows = declared(said)
    if numpy is None:
        with pytest.raises(IversonError):
            iv.parse(text, "latex", **arguments)
        return
    loss = iv.parse(text, "latex", target=target[0] if target else None, **arguments)
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    for _ in range(3):
        arrays = drawn(rows, rng)
        with np.errstate(all="ignore"):
            want = value_of(numpy, arrays)
        assert loss.value(**arrays) == pytest.approx(want, rel=1e-9, abs=1e-9, nan_ok=True), loss.reading
    assert loss.program is not None
