"""Answers read as a careful person would write them, on every run."""

import os
import subprocess
import sys

import pytest

import iverson as iv
from corpus import CORPUS


def printed(text, wrt, kinds=None, order=1):
    return iv.derive(text, wrt, kinds=kinds or {}, order=order).text()


@pytest.mark.parametrize("row", CORPUS, ids=lambda r: f"{r[0]} by {r[1]}")
def test_an_answer_is_written_as_a_person_would(row):
    text, wrt, expected, *options = row
    assert printed(text, wrt, *options) == expected


def test_the_corpus_is_large_enough():
    assert len(CORPUS) >= 200 and len({row[:2] for row in CORPUS}) >= 200


@pytest.mark.parametrize("seed", ["1", "4711"])
def test_the_text_does_not_depend_on_the_hash_seed(seed):
    program = (
        "from corpus import CORPUS; import iverson as iv; "
        "print([iv.derive(t, w, kinds=(o or [{}])[0], order=(o[1:] or [1])[0], verified=False).text() == e "
        "for t, w, e, *o in CORPUS[::7]])"
    )
    paths = [p for p in sys.path if p]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)})
    assert "False" not in done.stdout, done.stdout


def test_a_function_of_the_same_loss_written_otherwise_has_the_same_gradient():
    pairs = [("tr(A*X)", "sum[i,j] A[i,j]*X[j,i]"), ("norm2(A*x - y)^2", "sum[i] (sum[j] A[i,j]*x[j] - y[i])^2"),
             ("logdet(eye(n) + X*X')", "logdet(eye(m) + X'*X)"), ("sum((A*B).*X)", "sum((B'*A')'.*X)")]
    for one, other in pairs:
        wrt = "x" if "x" in one and "X" not in one else "X"
        sizes = {"X": ("n", "m")} if "eye" in one else None
        assert iv.check(one, wrt, iv.derive(other, wrt, sizes=sizes).formula if sizes is None else
                        "2*inv(eye(n) + X*X')*X", sizes=sizes).ok
