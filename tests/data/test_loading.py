"""Tables from files: what comes out of good ones, and the sentence for each kind of bad one."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxnn.data import Dataset, load
from jaxnn.data.loading import read_features

GOOD = "size,hue,flag,count,label\n1.5,red,true,3,yes\n,blue,false,4,no\n2.5,,true,5,yes\n"


@pytest.fixture
def csv(tmp_path, monkeypatch):
    """Writes text to data.csv in an empty current folder; returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "data.csv") -> str:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    return write


def values(dataset: Dataset) -> dict[str, list]:
    """Columns as lists, missing numbers as None."""
    return {name: [None if value != value else value for value in dataset.column(name).tolist()] for name in dataset.columns}


def test_csv_of_every_kind(csv):
    dataset = load(csv(GOOD), "label")
    assert values(dataset) == {
        "size": [1.5, None, 2.5],
        "hue": ["red", "blue", None],
        "flag": [1.0, 0.0, 1.0],
        "count": [3.0, 4.0, 5.0],
    }
    assert dataset.target.tolist() == ["yes", "no", "yes"]
    assert (dataset.name, dataset.rows, dataset.target_name, dataset.notes) == ("data.csv", 3, "label", ())


def test_parquet_of_every_kind(tmp_path):
    table = pa.table(
        {
            "size": pa.array([1.5, None, 2.5], pa.float32()),
            "hue": pa.array(["red", "blue", None]).dictionary_encode(),
            "flag": pa.array([True, None, True]),
            "price": pa.array([None, 2, 3], pa.decimal128(10, 2)),
            "small": pa.array([1, 2, 3], pa.uint8()),
            "empty": pa.nulls(3),
            "label": [0, 1, 1],
            "__index_level_0__": [7, 8, 9],
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")
    dataset = load(str(tmp_path / "data.parquet"), "label")
    assert values(dataset) == {
        "size": [1.5, None, 2.5],
        "hue": ["red", "blue", None],
        "flag": [1.0, None, 1.0],
        "price": [None, 2.0, 3.0],
        "small": [1.0, 2.0, 3.0],
        "empty": [None, None, None],
    }
    assert dataset.target.dtype == np.int64
    assert dataset.notes == ("A column of data.parquet without a name is left out: it looks like row numbers.",)


@pytest.mark.parametrize(
    ("column", "dtype", "expected"),
    [("size", np.float64, [1.5, 2.5]), ("count", np.int64, [3, 4]), ("flag", np.bool_, [True, False]), ("hue", object, ["red", "blue"])],
)
def test_target_types(csv, column, dtype, expected):
    dataset = load(csv("size,hue,flag,count\n1.5,red,true,3\n2.5,blue,false,4\n"), column)
    assert dataset.target.dtype == dtype
    assert dataset.target.tolist() == expected
    assert column not in dataset.columns


def test_numbers_are_small_where_that_is_exact(csv):
    assert load(csv("a,b,y\n0.5,255,1\n0.25,3,2\n"), "y").numbers.dtype == np.float32
    assert load(csv("a,b,y\n0.1,255,1\n0.2,3,2\n"), "y").numbers.dtype == np.float64
    assert load(csv("a,b,y\n16777217,1,1\n1,1,2\n"), "y").column("a").tolist() == [16777217.0, 1.0]


def test_separator_quotes_and_byte_order_mark(csv):
    dataset = load(csv('\ufeff"a;1";b;y\n1;"x\ny";0\n2;z;1\n'), "y")
    assert values(dataset) == {"a;1": [1.0, 2.0], "b": ["x\ny", "z"]}
    assert load(csv("a\tb\n1\t2\n3\t4\n"), "b").columns == ("a",)


def test_text_that_comes_late_makes_the_whole_column_text(csv):
    dataset = load(csv("a,y\n" + "1,2\n" * 600_000 + "x,3\n"), "y")
    assert dataset.texts["a"][0] == "1" and dataset.texts["a"][-1] == "x"


def test_strays_in_a_column_of_numbers_are_noted(csv):
    dataset = load(csv("a,y\n1,0\n?,1\n3,0\n?,1\n4,1\n"), "y")
    assert dataset.notes == ("Column 'a' is read as text, for 2 of its values are no numbers: '?' (2 rows).",)


def test_row_numbers_without_a_name_are_left_out(csv):
    dataset = load(csv(",a,y\n0,5,1\n1,6,0\n"), "y")
    assert dataset.columns == ("a",)
    assert dataset.notes == ("A column of data.csv without a name is left out: it looks like row numbers.",)


def test_a_header_of_counted_columns_is_a_header(csv):
    assert load(csv("0,1,2\n5,6,0\n7,8,1\n"), "2").columns == ("0", "1")


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            GOOD,
            None,
            "data.csv needs --target, the name of the column to learn. It has 5 columns: 'size', 'hue', 'flag', 'count', 'label'.",
        ),
        (GOOD, "lable", "data.csv has no column 'lable' for --target. Did you mean label?"),
        ("", "y", "data.csv is empty: expected a header with column names, then rows."),
        ("\n\n", "y", "data.csv is empty or starts with an empty line: expected a header with column names, then rows."),
        ("a,y\n", "y", "data.csv has column names but no rows: expected at least one row."),
        ("a,y", "y", "data.csv has column names but no rows: expected at least one row."),
        (
            "a,y\n1,2\n1,2,3\n",
            "y",
            "data.csv has rows of unequal length: Row #3: Expected 2 columns, got 3: 1,2,3. Check separators and quotes there.",
        ),
        ("a,a,y\n1,2,3\n", "y", "data.csv has columns of the same name: 'a'. Give every column its own name."),
        (
            "1.5,2,0\n2.5,3,1\n",
            "y",
            "The first line of data.csv holds only numbers (1.5, 2, 0 ...): expected column names. Add a header.",
        ),
        ("y\n1\n2\n", "y", "data.csv has no column besides the target 'y': expected at least one to learn from."),
        (
            "a,y\n2024-01-31,1\n2024-02-01,2\n",
            "y",
            "Column 'a' of data.csv holds dates or times (date32[day]). Turn it into numbers or text, or leave it out of the file.",
        ),
        (
            "a,y\n1,2\n3,\n5,NA\n",
            "y",
            "The target 'y' of data.csv is missing in 2 of 3 rows. Leave these rows out; --impute fills features only.",
        ),
        (
            "a,y\n1,x\n3,\n",
            "y",
            "The target 'y' of data.csv is missing in 1 of 2 rows. Leave these rows out; --impute fills features only.",
        ),
        ("a,y\n1,2.5\n3,inf\n", "y", "The target 'y' of data.csv is infinite in 1 of 2 rows. Correct or leave out these rows."),
        (
            "a,y\n1,é\n".encode("latin-1"),
            "y",
            "Column 'y' of data.csv holds bytes that are not UTF-8 text. Turn it into numbers or text, or leave it out of the file.",
        ),
        ("é,y\n1,2\n".encode("latin-1"), "y", "data.csv is not UTF-8 text. Save it as UTF-8."),
        ("a,y\n1,2\n".encode("utf-16"), "y", "data.csv is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_bad_csv(csv, text, target, message):
    with pytest.raises(ValueError) as error:
        load(csv(text), target)
    assert str(error.value) == message


def test_a_ragged_row_far_down_is_named(csv):
    with pytest.raises(ValueError, match=r"Row #300002: Expected 2 columns, got 1: 7\."):
        load(csv("a,y\n" + "1,2\n" * 300_000 + "7\n" + "1,2\n" * 10), "y")


def test_a_wide_table_is_not_recited(csv):
    header = ",".join(f"pixel{index}" for index in range(200))
    with pytest.raises(ValueError) as error:
        load(csv(f"{header}\n{','.join('1' * 200)}\n"), "zzz")
    assert str(error.value).startswith("data.csv has no column 'zzz' for --target. Known: pixel0, pixel1, ")
    assert str(error.value).endswith(" and 180 more.")


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (
            "digts",
            ValueError,
            "'digts' is neither a bundled data set nor a file. Did you mean digits or diabetes? "
            "Bundled are digits, iris, wine, breast_cancer, diabetes; files end in .csv, .parquet, .npz.",
        ),
        (
            "zzzzz",
            ValueError,
            "'zzzzz' is neither a bundled data set nor a file. "
            "Bundled are digits, iris, wine, breast_cancer, diabetes; files end in .csv, .parquet, .npz.",
        ),
        ("dta.csv", FileNotFoundError, "There is no file 'dta.csv'. Did you mean data.csv?"),
        ("nowhere/x.csv", FileNotFoundError, "There is no file 'nowhere/x.csv'."),
        ("folder", ValueError, "'folder' is a folder: expected a file ending in .csv, .parquet, .npz. Convert it to one of these."),
        ("a.xlsx", ValueError, "'a.xlsx' is a .xlsx file: expected a file ending in .csv, .parquet, .npz. Convert it to one of these."),
        (
            "plain",
            ValueError,
            "'plain' is a file without an ending: expected a file ending in .csv, .parquet, .npz. Convert it to one of these.",
        ),
    ],
)
def test_bad_source(csv, tmp_path, source, kind, message):
    for name in ("data.csv", "a.xlsx", "plain"):
        csv(GOOD, name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(kind) as error:
        load(source, "label")
    assert str(error.value) == message


def test_unreadable_file(csv, monkeypatch):
    name = csv(GOOD)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # a test run by root could read anything
    with pytest.raises(ValueError, match=r"'data\.csv' may not be read by this user\. Change its permissions or copy it\."):
        load(name, "label")


def test_bad_parquet(csv, tmp_path):
    with pytest.raises(ValueError, match=r"^data\.parquet is damaged or not a Parquet file\. Write it again, or use CSV\.$"):
        load(csv(GOOD, "data.parquet"), "label")
    pq.write_table(pa.table({"a": [[1, 2], [3]], "y": [0, 1]}), tmp_path / "nested.parquet")
    with pytest.raises(ValueError, match=r"Column 'a' of nested\.parquet holds values of type list<.*>\. Turn it into numbers or text"):
        load("nested.parquet", "y")


def test_flipped_and_cut_parquet_never_gets_past_with_another_error(csv, tmp_path):
    pq.write_table(pa.table({"a": np.arange(50.0), "t": ["x", "y"] * 25, "y": [0, 1] * 25}), tmp_path / "good.parquet")
    content = (tmp_path / "good.parquet").read_bytes()
    for position in range(0, len(content), 37):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        for broken in (bytes(damaged), content[:position]):
            try:
                load(csv(broken, "bad.parquet"), "y")
            except ValueError as error:
                assert "bad.parquet" in str(error)


def test_too_large_parquet_is_refused_before_it_is_read(csv, tmp_path, monkeypatch):
    pq.write_table(pa.table({"a": [0.0] * 1000, "y": [0, 1] * 500}), tmp_path / "big.parquet")
    monkeypatch.setattr("jaxnn.data.memory.memory_limit", lambda: 10_000)
    with pytest.raises(ValueError, match=r"big\.parquet unpacks to 0\.0 GB, and this machine can spare 0\.0 GB for it\. Use fewer rows"):
        load(str(tmp_path / "big.parquet"), "y")


def test_without_pyarrow_the_extra_is_named(csv, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'Reading CSV and Parquet files needs pyarrow: pip install "jaxnn-toolkit\[cli\]"\.'):
        load(csv(GOOD), "label")


def test_features_are_read_without_a_target(csv):
    source = csv("day,size,code,y\n2024-01-31,1,1,9\n2024-01-31,2,2,9\n")
    table = read_features(source, columns=["size", "code"], texts=["code"], target="y")
    assert table.columns == ("size", "code")
    assert table.texts["code"].tolist() == ["1", "2"]


def test_parquet_numbers_become_text_where_the_model_knows_text(tmp_path):
    pq.write_table(pa.table({"code": [1, 2]}), tmp_path / "data.parquet")
    assert read_features(str(tmp_path / "data.parquet"), columns=["code"], texts=["code"]).texts["code"].tolist() == ["1", "2"]
