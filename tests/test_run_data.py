"""Data as users have it, and every way it can be wrong, with the place the message must name."""

import io
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from iverson.core.errors import IversonError
from iverson.run import sheet
from iverson.run.data import from_arrays, load
from iverson.run.problem import InputSpec, param_shapes, scalar_values


def specs(*rows):
    return {row[0]: InputSpec(*row) for row in rows}


SOFTMAX = specs(("X", "data", ("N", "D")), ("y", "label", ("N",), "K"), ("W", "param", ("D", "K")),
                ("reg", "scalar", (), None, 1e-3))
TEN = SOFTMAX | specs(("y", "label", ("N",), 10))
LINEAR = specs(("X", "data", ("N", "D")), ("y", "data", ("N",)), ("w", "param", ("D",)))
FACTORS = specs(("u", "label", ("n",), "users"), ("v", "label", ("n",), "items"), ("y", "data", ("n",)),
                ("U", "param", ("users", "r")), ("V", "param", ("items", "r")))
PAIRS = specs(("a", "label", ("n",), "nodes"), ("b", "label", ("n",), "nodes"), ("Z", "param", ("nodes", 2)))
KERNEL = specs(("A", "data", ("N", "D")), ("B", "data", ("M", "D")), ("y", "label", ("N",), "K"))

IRIS = "width,kind,length\n0.5,setosa,1\n1.5,virginica,2e0\n -2 ,setosa,3\n"


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


@pytest.fixture(params=["quick", "by chunks"])
def reader(request, monkeypatch):
    """Both ways through a CSV must read the same."""
    if request.param == "by chunks":
        monkeypatch.setattr(sheet, "_all_numbers", lambda *args: None)
        monkeypatch.setattr(sheet, "CHUNK", 2)


def refusal(*args, **kwargs):
    with pytest.raises(IversonError) as caught:
        load(*args, **kwargs)
    assert caught.value.kind == "data"
    return str(caught.value)


# ---- what is read

def test_label_and_features_in_file_order(csv_file, reader):
    table = load(csv_file("b,t,a\n1,0,2\n3,1,4\n5,2,6\n"), SOFTMAX, "t")
    assert table.arrays["X"].tolist() == [[1, 2], [3, 4], [5, 6]] and table.arrays["X"].dtype == np.float64
    assert table.arrays["y"].tolist() == [0, 1, 2] and table.arrays["y"].dtype == np.int64
    assert table.sizes == {"N": 3, "D": 2, "K": 3} and table.samples == {"N"} and table.n_rows == 3
    assert table.layout.columns == {"y": ("t",), "X": ("b", "a")} and table.layout.target == "y"
    assert table.layout.sizes == {"D": 2, "K": 3}


def test_text_classes_are_numbered_in_sorted_order_and_said(csv_file):
    table = load(csv_file(IRIS), SOFTMAX, "kind")
    assert table.arrays["y"].tolist() == [0, 1, 0]
    assert table.layout.class_names == {"K": ("setosa", "virginica")}
    assert "y: 2 classes, numbered in sorted order: 0 = setosa, 1 = virginica." in table.messages
    assert table.arrays["X"].tolist() == [[0.5, 1], [1.5, 2], [-2, 3]]


def test_a_real_target_is_fed_by_the_label_too(csv_file, reader):
    table = load(csv_file("a,price\n1,2.5\n2,-1\n"), LINEAR, "price")
    assert table.arrays["y"].tolist() == [2.5, -1] and table.arrays["y"].dtype == np.float64


def test_columns_feed_inputs_by_name_and_sizes_come_from_labels(csv_file, reader):
    text = "user,item,clicked,when\n0,4,1,9\n2,0,0,9\n1,1,1,9\n"
    columns = {"u": "user", "v": "item", "y": "clicked"}
    table = load(csv_file(text), FACTORS, columns=columns, sizes={"r": 8})
    assert table.sizes == {"n": 3, "users": 3, "items": 5, "r": 8}
    assert param_shapes(FACTORS, table.sizes) == {"U": (3, 8), "V": (5, 8)}
    assert "Not used: when." in table.messages and "v: no row has the class 2, 3." in table.messages
    assert table.layout.target == "y"


def test_a_column_with_the_name_of_an_input_feeds_it(csv_file):
    table = load(csv_file("u,v,y\n0,1,0.5\n1,0,1\n"), FACTORS)
    assert table.arrays["u"].tolist() == [0, 1] and table.layout.target == "y"


def test_labels_in_one_size_are_numbered_together(csv_file):
    table = load(csv_file("a,b\nx,y\nz,x\n"), PAIRS)
    assert table.arrays["a"].tolist() == [0, 2] and table.arrays["b"].tolist() == [1, 0]
    assert table.layout.class_names == {"nodes": ("x", "y", "z")}


@pytest.mark.parametrize("big", [10**6, 10**18 + 1, 10**30])
def test_sparse_identifiers_are_numbered(csv_file, big):
    table = load(csv_file(f"u,v,y\n{big},0,1\n7,1,1\n{big - 1},1,0\n"), FACTORS)
    assert table.arrays["u"].tolist() == [2, 0, 1]
    assert table.layout.class_names["users"] == ("7", str(big - 1), str(big))


def test_columns_without_any_number_are_left_out_and_said(csv_file):
    table = load(csv_file("name,a,t,note\nann,1,0,\nbob,2,1,x\n"), SOFTMAX, "t")
    assert table.layout.columns["X"] == ("a",)
    assert "Not used: name, note (no numbers)." in table.messages


@pytest.mark.parametrize("text", [
    "a,t\r\n1,0\r\n2,1\r\n", "\ufeffa,t\n1,0\n2,1", '"a","t"\n"1","0"\n"2","1"\n', "a,t\n\n1,0\n\n2,1\n\n",
    " a , t \n 1 , 0 \n 2 , 1 \n", "a,t\n+1.0,0.0\n2e0,1e0\n"])
def test_variants_of_csv(csv_file, reader, text):
    table = load(csv_file(text), SOFTMAX, "t")
    assert table.arrays["X"].tolist() == [[1], [2]] and table.arrays["y"].tolist() == [0, 1]


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a,t\n1,0\n2,1\n"))
    assert load("-", SOFTMAX, "t").arrays["X"].tolist() == [[1], [2]]


def test_a_pipe_is_read_once(tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: Path(path).write_text("a,t\n1,0\n2,1\n"))
    writer.start()
    assert load(path, SOFTMAX, "t").arrays["X"].tolist() == [[1], [2]]
    writer.join()


def test_pandas_style_numbers_as_names(csv_file):
    assert load(csv_file("0,1,t\n5,6,0\n7,8,1\n"), SOFTMAX, "t").layout.columns["X"] == ("0", "1")


def test_wide_and_long_files_are_read_in_reasonable_time(tmp_path):
    path, X = tmp_path / "long.csv", np.random.default_rng(0).normal(size=(60_000, 10))
    y = np.arange(60_000) % 7
    np.savetxt(path, np.c_[X, y], delimiter=",", header=",".join("abcdefghijt"), comments="")
    start = time.perf_counter()
    table = load(str(path), SOFTMAX, "t")
    assert time.perf_counter() - start < 5
    np.testing.assert_array_equal(table.arrays["X"], X)
    np.testing.assert_array_equal(table.arrays["y"], y)


# ---- what is refused: text of the file, what the message must say

CELLS = [
    ("a,t\n1,0\nnan,1\n",          "data.csv, line 3, column 'a': the value is nan"),
    ("a,t\n1,0\n2,1\n-inf,1\n",    "data.csv, line 4, column 'a': the value is -inf"),
    ("a,t\n1,0\n,1\n",             "data.csv, line 3, column 'a': the cell is empty"),
    ("a,t\n1,0\nx1,1\n",           "data.csv, line 3, column 'a': 'x1' is not a number"),
    ("a,t\nNA,0\n1,1\n",           "data.csv, line 2, column 'a': 'NA' is not a number"),
    ("a,t\n1_000,0\n1,1\n",        "data.csv, line 2, column 'a': '1_000' is not a number"),
    ("a,t\n1,0\n2,1\n3,0\nx,1\n",  "data.csv, line 5, column 'a': 'x' is not a number"),
    ("a,b,t\nx,1,0\ny,1,0\n2,1,1\n3,1,1\n", "column 'a'"),
    ("a,t\n1,0\n2\n",              "data.csv, line 3: 1 cells, but the header names 2 columns"),
    ("a,t\n1,0\n2,1,5\n",          "data.csv, line 3: 3 cells, but the header names 2 columns"),
    ("a,t\n1;0\n2;1\n",            "Cells are separated by commas; this line holds ';'"),
    ('a,t\n"1\n",0\n\nx,1\n',      "data.csv, line 5, column 'a': 'x' is not a number"),
    ('a,t\n1,0\n"2,1\n',           "not readable as CSV: unexpected end of data"),
    ("",                           "data.csv: the file is empty"),
    ("\n\n",                       "data.csv: the file is empty"),
    ("a,t\n",                      "data.csv: the file has a header and no row below it"),
    ("a,t\n\n\n",                  "data.csv: the file has a header and no row below it"),
    ("a,t,a\n1,0,2\n",             "data.csv, line 1: the columns 1 and 3 are both named 'a'"),
    (",a,t\n0,1,0\n",              "data.csv, line 1: column 1 has no name"),
    ("0.5,1.5,0\n1,2,1\n",         "data.csv, line 1: numbers stand where the names"),
    (b"a,t\n\xff,0\n",             "data.csv: not UTF-8 text"),
    ("a,target\n1,0\n",            "data.csv has no column 't', which is to hold y: label[N] in K"),
    ("a,b,tt\n1,0,1\n",            "Did you mean 'tt'?"),
    ("a,t\n1,0\n1,nan\n",          "data.csv, line 3, column 't': the value is nan"),
    ("a,t\n1,0\n1,\n",             "data.csv, line 3, column 't': the cell is empty"),
    ("a,t\n1,0\n1,-1\n",           "data.csv, line 3, column 't': the label -1 is negative"),
    ("a,t\n1,0\n1,1\n1,1.5\n",     "data.csv, line 4, column 't': the label 1.5 is not a whole number"),
    ("a,t\n1,0\n1,inf\n",          "data.csv, line 3, column 't': the label inf is not a whole number"),
    ("a,t\n1,3\n1,3\n",            "column 't': every row has the label 3"),
    ("a,t\n1,cat\n1,cat\n",        "column 't': every row has the label cat"),
    ("t\n1\n0\n",                  "no column of numbers is left for X: data[N, D]"),
    ("a,t\nx,1\ny,0\n",            "no column of numbers is left for X: data[N, D]"),
]


@pytest.mark.parametrize(("text", "said"), CELLS)
def test_a_bad_file_is_refused_at_its_place(csv_file, reader, text, said):
    assert said in refusal(csv_file(text), SOFTMAX, "t")


def test_line_numbers_count_blank_lines_and_line_ends_in_cells(csv_file):
    text = 'n,a,t\n"two\nlines",1,0\n\n\nz,2,1\n"three\r\nmore\r\n",bad,1\n'
    assert "line 7, column 'a': 'bad'" in refusal(csv_file(text), SOFTMAX, "t")


def test_a_label_outside_the_declared_classes(csv_file, reader):
    said = refusal(csv_file("a,t\n1,0\n1,9\n1,10\n"), TEN, "t")
    assert "line 4, column 't': the label 10 is outside the 10 known classes, 0 to 9" in said
    said = refusal(csv_file("a,t\n1,0\n1,5\n"), SOFTMAX, "t", sizes={"K": 4})
    assert "line 3, column 't': the label 5 is outside the 4 known classes" in said


def test_more_text_classes_than_declared(csv_file):
    said = refusal(csv_file("a,t\n1,x\n2,y\n3,z\n"), SOFTMAX, "t", sizes={"K": 2})
    assert "3 different labels, but 2 classes" in said and "x, y, z" in said


def test_known_classes_that_do_not_occur_still_count(csv_file):
    table = load(csv_file("a,t\n1,0\n1,2\n"), SOFTMAX, "t", sizes={"K": 5})
    assert table.sizes["K"] == 5


FEEDING = [    # inputs, label, columns, what is said
    (SOFTMAX, None, {}, "no column feeds y: label[N] in K"),
    (SOFTMAX, None, {"z": "t"}, "no data and no label named z"),
    (SOFTMAX, None, {"W": "t"}, "no data and no label named W"),
    (SOFTMAX, None, {"X": "a"}, "X: data[N, D] does not take one column"),
    (SOFTMAX, None, {"y": "q"}, "has no column 'q', which is to hold y: label[N] in K"),
    (FACTORS, None, {"u": "a", "v": "a"}, "The column 'a' is to feed two inputs"),
    (PAIRS, "t", {}, "--label t: it could feed a, b"),
    (specs(("X", "data", ("N", "D"))), "t", {}, "the loss has no label and no data with one axis"),
    (KERNEL, "t", {}, "a CSV cannot feed A: data[N, D], B: data[M, D]"),
    (specs(("T", "data", ("N", "D", "E"))), None, {}, "a CSV cannot feed T: data[N, D, E]"),
]


@pytest.mark.parametrize(("inputs", "label", "columns", "said"), FEEDING)
def test_what_cannot_be_fed_is_said(csv_file, inputs, label, columns, said):
    assert said in refusal(csv_file("a,t\n1,0\n2,1\n"), inputs, label, columns)


def test_files_that_are_no_files(tmp_path):
    assert "missing.csv does not exist" in refusal(str(tmp_path / "missing.csv"), SOFTMAX, "t")
    assert "is a folder" in refusal(str(tmp_path), SOFTMAX, "t")
    assert "kind '.xlsx' are not read" in refusal(str(tmp_path / "a.xlsx"), SOFTMAX, "t")


def test_sizes_that_disagree_name_both_sides(csv_file):
    said = refusal(csv_file("a,t\n1,0\n2,1\n"), SOFTMAX, "t", sizes={"D": 3})
    assert "D is 3 by --sizes D=3, but 1 by X of shape (2, 1) in" in said
    literal = SOFTMAX | specs(("X", "data", ("N", 64)))
    assert "X has shape (2, 1), but the loss declares X: data[N, 64]" in refusal(
        csv_file("a,t\n1,0\n2,1\n"), literal, "t")
    assert "No input has a size named k" in refusal(csv_file("a,t\n1,0\n2,1\n"), SOFTMAX, "t", sizes={"k": 3})
    assert "K must be a whole number" in refusal(csv_file("a,t\n1,0\n2,1\n"), SOFTMAX, "t", sizes={"K": 0})


def test_a_size_that_nothing_determines_is_named_with_the_way_to_give_it(csv_file):
    table = load(csv_file("u,v,y\n0,1,0.5\n1,0,1\n"), FACTORS)
    with pytest.raises(IversonError, match=r"(?s)size r of the parameter U: param\[users, r\].*--sizes r=8"):
        param_shapes(FACTORS, table.sizes)


def test_scalars():
    assert scalar_values(SOFTMAX, {}) == {"reg": 1e-3} and scalar_values(SOFTMAX, {"reg": 2}) == {"reg": 2.0}
    bare = specs(("c", "scalar"))
    for given, said in (({}, r"scalar c has no value.(?s:.*)--set c=0.01"), ({"d": 1.0}, "no scalar named d"),
                        ({"c": float("nan")}, "finite")):
        with pytest.raises(IversonError, match=said):
            scalar_values(bare, given)


# ---- data for a model that exists

@pytest.fixture
def layout(csv_file):
    return load(csv_file("a,b,kind\n1,2,cat\n3,4,dog\n", "train.csv"), SOFTMAX, "kind").layout


def test_stored_columns_are_picked_by_name_in_stored_order(csv_file, layout):
    table = load(csv_file("kind,extra,b,a\ndog,zzz,2,1\n"), SOFTMAX, layout=layout)
    assert table.arrays["X"].tolist() == [[1, 2]] and table.arrays["y"].tolist() == [1]
    assert table.sizes["K"] == 2 and "Not used: extra." in table.messages


def test_data_to_predict_may_lack_the_target_or_hold_anything_in_it(csv_file, layout):
    for text in ("b,a\n2,1\n", "b,a,kind\n2,1,?\n", "b,a,kind\n2,1,\n"):
        table = load(csv_file(text), SOFTMAX, layout=layout, target=False)
        assert table.arrays["X"].tolist() == [[1, 2]] and "y" not in table.arrays
        assert table.layout == layout


def test_missing_features_and_targets_are_named(csv_file, layout):
    said = refusal(csv_file("a,kind\n1,cat\n"), SOFTMAX, layout=layout, target=False)
    assert "lacks 1 of the 2 columns that feed X: data[N, D]: b." in said
    assert "has no column 'kind'" in refusal(csv_file("a,b\n1,2\n"), SOFTMAX, layout=layout)


def test_unknown_classes_are_refused_at_their_place(csv_file, layout):
    said = refusal(csv_file("a,b,kind\n1,2,cat\n1,2,cow\n"), SOFTMAX, layout=layout)
    assert "line 3, column 'kind': 'cow' is not one of the 2 classes" in said and "cat, dog" in said


def test_whole_number_classes_of_a_model_are_kept(csv_file, reader):
    layout = load(csv_file("a,t\n1,0\n2,2\n"), SOFTMAX, "t").layout
    assert load(csv_file("a,t\n1,1\n"), SOFTMAX, layout=layout).arrays["y"].tolist() == [1]
    assert "the label 3 is outside the 3 known classes" in refusal(
        csv_file("a,t\n1,3\n"), SOFTMAX, layout=layout)
    said = refusal(csv_file("a,t\n1,x\n"), SOFTMAX, layout=layout)
    assert "line 2, column 't': 'x' is not one of the 3 classes, 0 to 2" in said


def test_arrays_must_have_the_sizes_of_the_model(tmp_path, csv_file, layout):
    np.save(tmp_path / "new.npy", np.ones((4, 2)))
    assert load(str(tmp_path / "new.npy"), SOFTMAX, layout=layout, target=False).sizes["N"] == 4
    np.save(tmp_path / "new.npy", np.ones((4, 3)))
    said = refusal(str(tmp_path / "new.npy"), SOFTMAX, layout=layout, target=False)
    assert "D is 2 by the model, but 3 by X of shape (4, 3)" in said


def test_a_model_fitted_to_arrays_takes_the_features_of_a_csv(csv_file):
    layout = from_arrays({"X": np.eye(3), "y": [0, 1, 2]}, SOFTMAX).layout
    table = load(csv_file("p,q,r,y\n1,2,3,0\n"), SOFTMAX, layout=layout, target=False)
    assert table.arrays["X"].tolist() == [[1, 2, 3]]
    said = refusal(csv_file("p,q\n1,2\n"), SOFTMAX, layout=layout, target=False)
    assert "D is 3 by the model, but 2 by X" in said


# ---- arrays

@pytest.fixture
def npz_file(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return str(tmp_path / "data.npz")
    return write


def test_arrays_by_the_names_of_the_inputs(npz_file):
    path = npz_file(X=np.ones((3, 2), np.float32), y=np.array([0, 1, 1], np.uint8), reg=0.5, other=1)
    table = load(path, SOFTMAX)
    assert table.arrays["X"].dtype == np.float64 and table.arrays["y"].dtype == np.int64
    assert table.sizes == {"N": 3, "D": 2, "K": 2} and "Not used: other." in table.messages
    assert float(table.arrays["reg"]) == 0.5


def test_arrays_by_other_names_are_found_again(npz_file):
    path = npz_file(X=np.eye(2), target=np.array(["no", "yes"]))
    table = load(path, SOFTMAX, "target")
    assert table.arrays["y"].tolist() == [0, 1] and table.layout.class_names == {"K": ("no", "yes")}
    assert load(path, SOFTMAX, layout=table.layout).arrays["y"].tolist() == [0, 1]


def test_boolean_and_whole_float_labels():
    assert from_arrays({"X": np.eye(2), "y": [True, False]}, SOFTMAX).arrays["y"].tolist() == [1, 0]
    assert from_arrays({"X": np.eye(2), "y": [1.0, 0.0]}, SOFTMAX).arrays["y"].tolist() == [1, 0]


X3, Y3 = np.eye(3), np.array([0, 1, 2])
BAD_ARRAYS = [
    ({"X": X3}, "there is no array for y: label[N] in K"),
    ({"X": X3, "y": Y3[:2]}, "N is 3 by X of shape (3, 3) in"),
    ({"X": X3, "y": Y3[:2]}, "but 2 by y of shape (2,)"),
    ({"X": X3[0], "y": Y3}, "X has shape (3,), but the loss declares X: data[N, D]"),
    ({"X": np.zeros((0, 3)), "y": Y3[:0]}, "X has shape (0, 3), so it is empty"),
    ({"X": X3 * [1, np.nan, 1], "y": Y3}, "X[0, 1]: the value is nan (3 of 9 are not finite)"),
    ({"X": X3 * 1j, "y": Y3}, "X must hold real numbers, not complex128"),
    ({"X": X3.astype(str), "y": Y3}, "X must hold real numbers, not <U"),
    ({"X": X3, "y": Y3 - 1}, "y[0]: the label -1 is negative"),
    ({"X": X3, "y": Y3 / 2}, "y[1]: the label 0.5 is not a whole number"),
    ({"X": X3, "y": np.array([0, np.nan, 1])}, "y[1]: the label is nan"),
    ({"X": X3, "y": Y3 * 0}, "every row has the label 0"),
    ({"X": X3, "y": Y3 * 1j}, "a label must be whole numbers or text"),
]


@pytest.mark.parametrize(("arrays", "said"), BAD_ARRAYS)
def test_bad_arrays_are_refused(npz_file, arrays, said):
    path = npz_file(**arrays)
    assert said in (text := refusal(path, SOFTMAX)) and "data.npz" in text
    with pytest.raises(IversonError):
        from_arrays(arrays, SOFTMAX)


def test_objects_are_never_unpickled(tmp_path, npz_file):
    assert "the array y cannot be read: Object arrays" in refusal(
        npz_file(X=X3, y=np.array([0, None, 1], object)), SOFTMAX)
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    assert "o.npy is not a file that NumPy can load" in refusal(str(tmp_path / "o.npy"), LINEAR)
    with pytest.raises(IversonError, match="not object"):
        from_arrays({"X": np.array([[None]]), "y": [1.0]}, LINEAR)


def test_one_matrix_in_npy(tmp_path):
    np.save(tmp_path / "X.npy", X3)
    only = specs(("X", "data", ("N", "D")), ("c", "param", ("D",)))
    assert load(str(tmp_path / "X.npy"), only).sizes == {"N": 3, "D": 3}
    for inputs, label in ((SOFTMAX, "t"), (SOFTMAX, None), (only, "t")):
        said = refusal(str(tmp_path / "X.npy"), inputs, label)
        assert "X.npy holds one matrix" in said and "numpy.savez" in said


@pytest.mark.parametrize("name", ["bad.npz", "bad.npy"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x93NUMPY\x01\x00"])
def test_damaged_arrays(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert f"{name} is not a file that NumPy can load" in refusal(str(tmp_path / name), SOFTMAX)


def test_one_array_named_npz(tmp_path):
    with open(tmp_path / "x.npz", "wb") as file:
        np.save(file, X3)
    assert "one array, not the archive" in refusal(str(tmp_path / "x.npz"), SOFTMAX)


def test_rows_are_counted_by_labels_then_matrices_then_vectors():
    mean = specs(("mu", "data", ("D",)), ("X", "data", ("N", "D")), ("w", "param", ("D",)))
    assert from_arrays({"mu": [1, 2], "X": np.ones((5, 2))}, mean).samples == {"N"}
    across = specs(("X", "data", ("D", "N")), ("y", "label", ("N",), "K"))
    assert from_arrays({"X": np.ones((5, 2)), "y": [0, 1]}, across).samples == {"N"}


def test_a_loss_without_data_has_an_empty_table():
    table = from_arrays({}, specs(("x", "param", ("n",))), sizes={"n": 4})
    assert table.arrays == {} and table.sizes == {"n": 4} and table.n_rows is None
