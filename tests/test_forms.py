"""What people write, the odd half: every form has the reading of its row and the value of its NumPy, or is refused at its place."""

import zlib

import numpy as np
import pytest
from scipy import special

import iverson as iv
from forms import DECLARED, FORMS, KINDS
from iverson.core.errors import IversonError, Span, caret
from iverson.lang.shapes import show_size
from iverson.lang.show import show
from iverson.lang.syntax import parse_script

REFUSALS = ("syntax", "name", "kind", "shape", "ambiguous", "unsupported", "limit", "usage")


def parsed(notation, text, declared):
    return iv.parse(text, notation, DECLARED if declared else None, KINDS if declared else None)


def drawn(loss, rng):
    """Arrays for the inputs of a loss, every size different, and the sizes."""
    sizes, arrays = {}, {}

    def count(n):
        s = show_size(n)
        return int(s) if s.isdigit() else sizes.setdefault(s, 3 + len(sizes))

    for i in loss.inputs.values():
        v = rng.normal(size=tuple(map(count, i.type.dims)))
        if i.type.classes is not None:
            v = rng.integers(0, count(i.type.classes), size=v.shape)
        elif "simplex" in i.facts:
            v = special.softmax(v)
        arrays[i.name] = v
    return arrays, sizes


@pytest.mark.parametrize("row", [r for r in FORMS if r[3] not in REFUSALS], ids=lambda r: f"{r[0]} {r[1][:50]!r}")
def test_a_form_has_its_reading_and_its_value(row):
    notation, text, declared, reading, numpy = row
    loss = parsed(notation, text, declared)
    assert show(loss.typed.script.equations[-1].body) == reading
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    for _ in range(3):
        arrays, sizes = drawn(loss, rng)
        names = {"np": np, "special": special, "globals": lambda values=arrays: values, **sizes, **arrays}
        with np.errstate(all="ignore"):
            found, wanted = loss.value(**arrays), eval(numpy, names)
        assert np.shape(found) == np.shape(wanted) and np.allclose(found, wanted, rtol=1e-9, atol=1e-12, equal_nan=True)
    if notation == "iverson":
        assert show(parse_script(reading).equations[-1].body) == reading


@pytest.mark.parametrize("row", [r for r in FORMS if r[3] in REFUSALS], ids=lambda r: f"{r[0]} {r[1][:50]!r}")
def test_a_form_is_refused_at_its_place(row):
    notation, text, declared, kind, words, under = row
    with pytest.raises(IversonError) as caught:
        parsed(notation, text, declared)
    error = caught.value
    assert error.kind == kind and words in str(error), str(error)
    assert text[error.span.start : error.span.end] == under
    assert error.hint, f"nothing is said of what to write: {error}"


def test_there_are_as_many_forms_as_asked_for_and_none_twice():
    assert len({r[:3] for r in FORMS}) == len(FORMS) >= 250


# -- one notation against another ---------------------------------------------------------------------------

PAIRS = (     # text, what iverson notation reads, what NumPy reads, what comes of it where no notation is given
    ("A*B", "A*B", "A.*B", None),
    ("a*A*B", "a*A*B", "a*(A.*B)", None),
    ("sum(A*B)", "sum(A*B)", "sum[i] A[i,:]'.*B[i,:]'", None),
    ("A*B + B'", "A*B + B'", None, "A*B + B'"),
    ("A@B", None, "A*B", "A*B"),
    ("A*X'", "A*X'", None, "A*X'"),
    ("X*A", "X*A", None, "X*A"),
    ("tanh(A*x)", "tanh(A*x)", "tanh(A.*x')", "tanh(A*x)"),
    ("sum(x**2)", None, "sum(x.^2)", "sum(x.^2)"),
    ("trace(A*B)", "tr(A*B)", "tr(A.*B)", None),
    ("A*x", "A*x", "A.*x'", "A*x"),
    ("A**2", "A^2", "A.^2", None),
    ("abs(A**2)", "abs(A^2)", "abs(A.^2)", None),
    ("x*y", None, "x.*y", None),
    ("x**2", None, "x.^2", "x.^2"),
    ("A.T", None, "A'", "A'"),
    ("A.T*B", None, "A'.*B", "A'.*B"),
    ("a^b", "a^b", None, "a^b"),
    ("x'*y", "x'*y", None, "x'*y"),
    ("a**2", "a^2", "a^2", "a^2"),
    ("exp(A*B)", "exp(A*B)", "exp(A.*B)", None),
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p[0])
def test_nothing_is_guessed_between_two_notations(pair):
    """A text of two meanings is refused, or is what iverson notation says and states that."""
    text, ours, numpy, auto = pair
    for notation, wanted in (("iverson", ours), ("numpy", numpy), ("auto", auto)):
        if wanted is None:
            with pytest.raises(IversonError):
                parsed(notation, text, True)
        else:
            loss, same = parsed(notation, text, True), parsed("iverson", wanted, True)
            arrays, _ = drawn(loss, np.random.default_rng(0))
            assert np.allclose(loss.value(**arrays), same.value(**arrays))
    if auto is not None and ours is not None and numpy is not None and ours != numpy:
        assert "NumPy would take it entry by entry" in parsed("auto", text, True).reading


# -- the place of an error ----------------------------------------------------------------------------------

PLACES = (     # text, what the line and its carets are
    ("a = 1\nb +* c", ["b +* c", "   ^"]),
    ("a = 1\r\nb +* c\r\n", ["b +* c", "   ^"]),
    ("a = 1\rb +* c", ["b +* c", "   ^"]),
    ("\tx\t+* c", [" x +* c", "    ^"]),
    ("损失 +* c", ["损失 +* c", "      ^"]),
    ("x\u0302 +* c", ["x\u0302 +* c", "   ^"]),
    ("\ufeffa +* c", ["\ufeffa +* c", "   ^"]),
)


@pytest.mark.parametrize("row", PLACES, ids=lambda r: repr(r[0]))
def test_the_caret_stands_under_its_place(row):
    text, lines = row
    with pytest.raises(IversonError) as caught:
        parse_script(text)
    assert caret(text, caught.value.span) == lines


def test_a_caret_under_several_lines_stays_in_the_first():
    assert caret("(a\n+ b)*c", Span(0, 7)) == ["(a", "^^"]


def test_a_name_that_is_almost_a_declared_one_is_pointed_out():
    assert "thata is not declared; did you mean theta?" in iv.parse("theta: vector[n]; thata'*theta").reading
