"""The command line as a person and a script meet it: output, messages, exit codes."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from losses import FACTORS, SOFTMAX, SVM


def run(*args, stdin=None, cwd=None):
    return subprocess.run([sys.executable, "-m", "iverson", *args], capture_output=True, text=True, input=stdin, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cli")
    (place / "svm.iv").write_text(SVM)
    (place / "softmax.iv").write_text(SOFTMAX)
    (place / "mf.iv").write_text(FACTORS)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    kinds = np.argmax(X @ rng.normal(size=(4, 3)) + 0.1 * rng.normal(size=(120, 3)), axis=1)
    with (place / "d.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c", "d", "kind"])
        rows.writerows([*x, "xyz"[k]] for x, k in zip(X, kinds, strict=True))
    return place


def test_derive_prints_the_answer_and_nothing_else(folder):
    done = run("derive", "svm.iv", "--wrt", "W", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.startswith("X'*ds + 2*reg*W where s = X*W") and done.stdout.count("\n") == 1
    assert "verified: compared" in done.stderr and "W: matrix[D, K]" in done.stderr


@pytest.mark.parametrize(("form", "start"), [("program", "s = X*W\n"), ("index", "dW[d,k] = "), ("matrix", "X'*ds")])
def test_forms(folder, form, start):
    assert run("derive", "svm.iv", "--wrt", "W", "--form", form, cwd=folder).stdout.startswith(start)


def test_several_names_and_json():
    done = run("derive", "norm2(A*x - y)^2", "--wrt", "x,A", "--json")
    found = json.loads(done.stdout)
    assert found["x"]["formula"] == "2*A'*(A*x - y)" and found["A"]["formula"] == "2*(A*x - y)*x'"


def test_standard_input_and_sizes():
    done = run("derive", "-", "--wrt", "b", "--sizes", "X=N,D; w=D; b=", stdin="sum(X*w + b)")
    assert done.returncode == 0 and done.stdout == "N\n"


def test_without_wrt_the_brackets_are_decided():
    assert run("derive", "sum[i] [i=7]*Y[i]").stdout == "Y[7]\n"


def test_a_numpy_source():
    assert run("derive", "np.sum((A@x-y)**2)", "--wrt", "x", "--sizes", "A=m,n; x=n; y=m").stdout == "2*A'*(A*x - y)\n"


NOTE = r"$J(w) = \frac1N\sum_{i=1}^N (w^\top x_i - y_i)^2$ and then $R = \|w\|^2$"
SAYS = ("--symbols", "X=x_i row", "--sizes", "X=N,D; w=D; y=N")


@pytest.mark.parametrize("formula", ["J", "J(w)"])
@pytest.mark.parametrize(("args", "expected"), [
    (("derive", "--wrt", "w"), "2*X'*"), (("explain", "--wrt", "w"), "The gradient of J by w"), (("convert", "--to", "iverson"), "J = 1/N*sum[i]"),
    (("code", "--wrt", "w", "--target", "torch"), "import torch"), (("check", "--wrt", "w", "--mine", "2/N*X'*(X*w - y)"), "Equal"),
], ids=lambda v: v[0] if isinstance(v, tuple) else "")
def test_every_command_takes_a_formula_and_symbols(args, expected, formula):
    done = run(args[0], NOTE, *args[1:], "--formula", formula, *SAYS)
    assert done.returncode == 0 and expected in done.stdout, done.stderr


def test_a_note_is_trained_and_target_is_another_word_for_formula(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    np.savez(tmp_path / "d.npz", X=X, y=X @ [2.0, -1.0])
    done = run("fit", NOTE, "--data", "d.npz", "--wrt", "w", "--formula", "J", "-o", "m", *SAYS, cwd=tmp_path)
    assert done.returncode == 0 and "written to m" in done.stdout
    assert run("derive", NOTE, "--wrt", "w", "--target", "R", *SAYS).stdout == "2*w\n"
    assert run("derive", NOTE, "--wrt", "w", "--target", "R", "--formula", "J", *SAYS).returncode == 2


def test_syntax_errors_point_at_the_place():
    done = run("derive", "sum(log(1 + x)", "--wrt", "x")
    assert done.returncode == 2 and done.stdout == ""
    assert "This ( is never closed." in done.stderr and "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[2].index("^") == lines[1].index("(")


def test_json_errors_are_json():
    done = run("derive", "x(y)", "--wrt", "x", "--json")
    assert json.loads(done.stdout)["error"]["kind"] == "syntax"


def test_shape_errors_exit_3():
    done = run("derive", "x*W", "--wrt", "x")
    assert done.returncode == 3 and "The sizes fit in x'*W" in done.stderr


def test_an_unsupported_derivative_is_named():
    done = run("derive", "sum(floor(x))", "--wrt", "x")
    assert done.returncode == 2 and "floor has no derivative rule" in done.stderr


def test_check_exits_1_when_not_equal():
    right = run("check", "norm2(A*x-y)^2", "--wrt", "x", "--mine", "2*A'*(A*x-y)")
    wrong = run("check", "norm2(A*x-y)^2", "--wrt", "x", "--mine", "A'*(A*x-y)", "--json")
    assert right.returncode == 0 and right.stdout.startswith("Equal")
    assert wrong.returncode == 1 and json.loads(wrong.stdout)["kind"] == "constant-factor"


def test_explain_in_both_languages(folder):
    assert "The derivative of L by s" in run("explain", "svm.iv", "--wrt", "W", cwd=folder).stdout
    assert "链式法则" in run("explain", "svm.iv", "--wrt", "W", "--lang", "zh", cwd=folder).stdout


def test_code_to_a_file(folder):
    done = run("code", "svm.iv", "--wrt", "W", "-o", "out.py", cwd=folder)
    assert done.returncode == 0 and "def value_and_grad(X, y, W, reg=0.001)" in (folder / "out.py").read_text()


def test_fit_predict_score(folder):
    done = run("fit", "softmax.iv", "--data", "d.csv", "--label", "kind", "-o", "m", "--holdout", "0.25", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"]["heldout_accuracy"] > 0.7
    assert run("predict", "m", "--data", "d.csv", cwd=folder).stdout.split()[0] == "prediction"
    assert set(run("predict", "m", "--data", "d.csv", cwd=folder).stdout.split()[1:]) <= set("xyz")
    assert "accuracy 0." in run("score", "m", "--data", "d.csv", "--label", "kind", cwd=folder).stdout


def test_bad_data_is_refused_with_its_place(folder):
    (folder / "bad.csv").write_text("a,b,c,d,kind\n1,2,3,4,x\n1,oops,3,4,y\n")
    done = run("fit", "softmax.iv", "--data", "bad.csv", "--label", "kind", "-o", "m2", cwd=folder)
    assert done.returncode == 3 and "bad.csv" in done.stderr and "oops" in done.stderr
    assert not (folder / "m2").exists()


def test_fit_pairs_by_columns(folder):
    rng = np.random.default_rng(0)
    rows = [f"{rng.integers(0, 6)},{rng.integers(0, 5)},{rng.integers(0, 2)}" for _ in range(300)]
    (folder / "pairs.csv").write_text("user,item,clicked\n" + "\n".join(rows) + "\n")
    done = run("fit", "mf.iv", "--data", "pairs.csv", "--columns", "u=user,v=item,y=clicked", "--sizes", "r=2",
               "-o", "mf_model", "--max-iter", "50", cwd=folder)
    assert done.returncode == 0, done.stderr


def test_version_and_usage():
    assert run("--help").returncode == 0
    assert run("derive").returncode == 2


def test_bench_times_every_system_on_the_same_arrays(folder, tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "OPENBLAS_CORETYPE": "Haswell"}
    asked = [sys.executable, "-m", "iverson", "bench", "softmax.iv", "--n", "200", "--dims", "D=5", "--dtype", "float32", "--seconds", "0.1"]
    found = json.loads(subprocess.run([*asked, "--json"], capture_output=True, text=True, cwd=folder, env=environment, check=True).stdout)
    assert found["sizes"] == {"N": 200, "D": 5, "K": 10} and found["blas"] and found["floor"]["ms"] > 0
    assert {"numpy whole", "numpy in blocks"} <= set(found["systems"]) and found["best peer"] not in ("native", "numpy in blocks")
    assert all(row["ms"] > 0 and row["difference"] < 1e-2 for row in found["systems"].values())
    alone = {**environment, "IVERSON_NATIVE": "off"}
    table = subprocess.run([*asked[:-1], "0.01"], capture_output=True, text=True, cwd=folder, env=alone, check=True).stdout
    assert "best peer" in table and "floor" in table and "OpenBLAS kernel" in table


def test_bench_refuses_sizes_the_loss_does_not_have(folder):
    done = run("bench", "softmax.iv", "--n", "20", "--dims", "Q=5", cwd=folder)
    assert done.returncode == 2 and "no size Q" in done.stderr
    assert run("bench", "softmax.iv", "--dims", "D=x", cwd=folder).returncode == 2
