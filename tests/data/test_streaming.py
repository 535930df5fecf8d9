"""Sources: every kind of file gives the rows that were written, in any order; what is wrong with a file is told by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow
import pytest
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from jaxnn.data import streaming
from jaxnn.data.batching import epoch_batches
from jaxnn.data.streaming import Source, mapped
from jaxnn.data.streaming.blocks import Blocks, cut, read_ahead
from jaxnn.data.streaming.source import Rows
from tests.samples import WIDTH, blobs

ROWS = 50
NAMES = [f"x{index}" for index in range(WIDTH)]


def decode(record: bytes) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(record, np.float32, WIDTH), np.frombuffer(record, np.int32, 1, 4 * WIDTH)[0]


def from_npy(folder: Path, x: np.ndarray, y: np.ndarray) -> Source:
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return streaming.npy(folder / "x.npy", str(folder / "y.npy"))


def from_npz(folder: Path, x: np.ndarray, y: np.ndarray) -> Source:
    np.savez(folder / "rows.npz", other=np.zeros(3), labels=y, pixels=x)
    return streaming.npz(folder / "rows.npz", x="pixels", y="labels")


def from_parquet(folder: Path, x: np.ndarray, y: np.ndarray) -> Source:
    table = pyarrow.table({**dict(zip(NAMES, x.T, strict=True)), "text": ["a"] * len(x), "label": y})
    pq.write_table(table, folder / "rows.parquet", row_group_size=7)
    return streaming.parquet(folder / "rows.parquet", NAMES, "label", folder=folder)


def from_array_record(folder: Path, x: np.ndarray, y: np.ndarray) -> Source:
    paths = [folder / "rows-0.array_record", folder / "rows-1.array_record"]
    for path, part in zip(paths, (slice(0, 20), slice(20, None)), strict=True):
        writer = ArrayRecordWriter(str(path), "group_size:1")
        for row, label in zip(x[part], y[part], strict=True):
            writer.write(row.tobytes() + label.tobytes())
        writer.close()
    return streaming.array_record(paths, decode)


KINDS = {"npy": from_npy, "npz": from_npz, "parquet": from_parquet, "array_record": from_array_record}


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_reads_the_rows_that_are_asked_for(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "MAPPED_BYTES", 100)
    monkeypatch.setattr(mapped, "AROUND", 25)  # lets go of the file after every four rows
    x, y = blobs(ROWS)
    source = KINDS[kind](tmp_path, x, y)
    rows = np.random.default_rng(0).integers(0, ROWS, 30)
    got = source.read(rows)
    assert source.rows == ROWS and got.weight is None
    np.testing.assert_array_equal(got.x, x[rows])
    np.testing.assert_array_equal(got.y, y[rows])
    assert (got.x.dtype, got.y.dtype) == (x.dtype, y.dtype)


def test_parquet_leaves_nothing_in_the_folder(tmp_path):
    source = from_parquet(tmp_path, *blobs(ROWS))
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.parquet"] and repr(source) == "Source(name='rows.parquet', rows=50)"


def test_parquet_widens_columns_to_what_they_have_in_common(tmp_path):
    table = pyarrow.table({"a": pyarrow.array([1, 2], pyarrow.int8()), "b": [0.5, None], "c": [True, False], "w": [1, 3]})
    pq.write_table(table, tmp_path / "rows.parquet")
    source = streaming.parquet(tmp_path / "rows.parquet", ["a", "b", "c"], weight="w")
    x, y, weight = source.read(np.array([1, 0]))
    np.testing.assert_array_equal(x, np.float32([[2, np.nan, 0], [1, 0.5, 1]]))
    assert y is None and weight.tolist() == [3, 1] and x.dtype == np.float32
    assert streaming.parquet(tmp_path / "rows.parquet", "a").read(np.array([0])).x.tolist() == [1]


def test_numbers_of_the_other_byte_order_come_in_this_one(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3, dtype=">f4"))
    x = streaming.npy(tmp_path / "x.npy").read(np.array([2])).x
    assert x.dtype == np.float32 and x.tolist() == [2]


def test_map_and_weights():
    source = streaming.arrays(np.arange(4), np.arange(4) * 2, np.arange(4) * 3.0).map(lambda x, y: (x + 1, y + x))
    assert [part.tolist() for part in source.read(np.array([3, 1]))] == [[4, 2], [9, 3], [9, 3]]


# Mistakes -------------------------------------------------------------------------------------------------------------------

Make = Callable[[Path], object]
SIX, FIVE, TEXT = np.zeros((6, 2)), np.zeros(5), np.array(["a"])


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def shortened(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-10])
    return path


def npy(x: np.ndarray, y: np.ndarray | None = None) -> Make:
    return lambda folder: streaming.npy(saved(folder / "x.npy", x), None if y is None else saved(folder / "y.npy", y))


def npz(x: str, save: Callable[..., None] = np.savez, /, **arrays: np.ndarray) -> Make:
    def make(folder: Path) -> Source:
        save(folder / "a.npz", **arrays)
        return streaming.npz(folder / "a.npz", x, y="y" if "y" in arrays else None)

    return make


def parquet(x: str, /, **columns: object) -> Make:
    def make(folder: Path) -> Source:
        pq.write_table(pyarrow.table(columns), folder / "a.parquet")
        return streaming.parquet(folder / "a.parquet", [x])

    return make


def truncated(make: Make, name: str, open_again: Make) -> Make:
    def both(folder: Path) -> object:
        make(folder)
        shortened(folder / name)
        return open_again(folder)

    return both


def damaged(name: str, open_it: Make) -> Make:
    def make(folder: Path) -> object:
        (folder / name).write_bytes(b"a" * 100)
        return open_it(folder)

    return make


def mapped_by(function: Any) -> Make:
    return lambda folder: streaming.arrays(SIX, SIX).map(function).read(np.arange(2))


MISTAKES: dict[str, tuple[type[Exception], str, Make]] = {
    "no npy": (FileNotFoundError, r"no file '.*/x\.npy'", lambda folder: streaming.npy(folder / "x.npy")),
    "no npz": (FileNotFoundError, r"no file '.*/x\.npz'", lambda folder: streaming.npz(folder / "x.npz")),
    "no parquet": (FileNotFoundError, "no file", lambda folder: streaming.parquet(folder / "rows", ["a"])),
    "no array record": (FileNotFoundError, "no file", lambda folder: streaming.array_record([folder / "rows"], decode)),
    "array": (ValueError, r"a\.npz has no array 'label'. Did you mean labels", npz("label", labels=FIVE)),
    "column": (ValueError, r"a\.parquet has no column 'hight'. Did you mean height", parquet("hight", height=FIVE)),
    "rows": (ValueError, r"x\.npy: arrays must be of the same, .* rows, got x 6, y 5", npy(SIX, FIVE)),
    "rows in npz": (ValueError, r"a\.npz: arrays must be .* got x 6, y 5", npz("x", x=SIX, y=FIVE)),
    "no rows": (ValueError, r"x\.npy: arrays must be .* got x 0", npy(SIX[:0])),
    "text": (TypeError, r"x\.npy: x must be numbers, got text \(<U1\)\. Encode", npy(TEXT)),
    "text in npz": (TypeError, r"a\.npz: x must be numbers, got text", npz("x", x=TEXT)),
    "text in parquet": (TypeError, r"a\.parquet: column 'x' must be numbers, got text", parquet("x", x=["a"])),
    "objects": (TypeError, "Python objects, which are never loaded", npy(np.array([{}], object))),
    "dates": (ValueError, "holds dates or times", parquet("x", x=np.array(["2020"], "M8[s]"))),
    "missing whole numbers": (ValueError, r"column 'x' must be whole numbers \(int32\), got some that", parquet("x", x=[1, None])),
    "too large a number": (
        ValueError,
        r"column 'x' must be from -2147483648 to 2147483647, as int32 is, got 1 to 3000000000\. Number",
        parquet("x", x=[1, 3_000_000_000]),
    ),
    "too large a number without sign": (
        ValueError,
        r"column 'x' must be from 0 to 4294967295, as uint32 is, got 1 to 18446744073709551615",
        parquet("x", x=np.array([1, 2**64 - 1], np.uint64)),
    ),
    "too large a fraction": (ValueError, r"column 'x' must be numbers that float32 can hold, got larger ones", parquet("x", x=[1e300])),
    "compressed": (ValueError, r"x must be stored as it is, got compressed\. .*numpy\.savez,", npz("x", np.savez_compressed, x=SIX)),
    "by columns": (ValueError, r"x\.npy: x must be saved row by row", npy(np.asfortranarray(SIX))),
    "truncated npy": (
        ValueError,
        r"x\.npy is truncated: it ends before the last row of x",
        truncated(npy(SIX), "x.npy", lambda folder: streaming.npy(folder / "x.npy")),
    ),
    "truncated npz": (
        ValueError,
        r"a\.npz is damaged, truncated or not",
        truncated(npz("x", x=SIX), "a.npz", lambda folder: streaming.npz(folder / "a.npz")),
    ),
    "truncated parquet": (
        ValueError,
        r"a\.parquet is damaged, truncated or not",
        truncated(parquet("x", x=FIVE), "a.parquet", lambda folder: streaming.parquet(folder / "a.parquet", "x")),
    ),
    "no NPY at all": (ValueError, r"x is damaged or not an NPY file", damaged("x", lambda folder: streaming.npy(folder / "x"))),
    "no ArrayRecord at all": (
        ValueError,
        r"x is damaged or not an ArrayRecord",
        damaged("x", lambda folder: streaming.array_record(folder / "x", decode)),
    ),
    "list": (TypeError, r"arrays: x must be an array, got list\. Take numpy\.asarray", lambda folder: streaming.arrays([1, 2])),
    "map by no function": (TypeError, r"Source\.map: function must be a function of \(x, y\), got 5", mapped_by(5)),
    "map to no pair": (TypeError, r"function returns must be a pair \(x, y\), got ndarray", mapped_by(lambda x, y: x)),
    "map to other rows": (ValueError, r"a row for each of 2 that it was given, got 1 and 2", mapped_by(lambda x, y: (x[:1], y))),
    "map to a mean": (ValueError, r"for each of 2 .* got a single number and 2", mapped_by(lambda x, y: (x.mean(), y))),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_with_a_file_is_told_by_name(name, tmp_path):
    kind, words, make = MISTAKES[name]
    with pytest.raises(kind, match=words):
        make(tmp_path)


# Blocks ---------------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)  # each shape is traced
@given(st.integers(1, 300), st.integers(1, 50), st.integers(1, 400))
def test_a_cut_covers_every_step_once(rows, batch_size, most_rows):
    made = cut(rows, (batch_size, 1), most_rows)
    assert made.size == min(batch_size, rows) and made.steps == -(-rows // made.size)
    assert (made.blocks - 1) * made.length < made.steps <= made.blocks * made.length
    assert made.length * made.size <= max(most_rows, made.size)


@pytest.mark.parametrize("rows", [11, 5000])  # the order of up to 4096 rows is drawn in another way
def test_the_blocks_of_a_run_are_the_batches_of_its_epochs(rows):
    key = jax.random.key_data(jax.random.key(3))
    made = cut(rows, (4, 1), 12)
    blocks = Blocks(streaming.arrays(np.arange(rows)), made, (4, 1), key, 2, lambda rows, numbers, step: Rows(rows.x, np.full(1, step)))
    with read_ahead(blocks) as ahead:
        read = list(ahead)
    firsts = [epoch * made.steps + step for epoch in (0, 1) for step in range(0, made.steps, made.length)]
    assert [int(block.rows.y[0]) for block in read] == firsts
    for epoch in (0, 1):
        part = read[epoch * made.blocks : (epoch + 1) * made.blocks]
        own = jax.random.fold_in(jax.random.wrap_key_data(key), epoch)
        indices, weights = epoch_batches(own, jnp.arange(rows, dtype=jnp.int32), 4)
        np.testing.assert_array_equal(np.concatenate([block.rows.x for block in part]), indices.reshape(-1))
        np.testing.assert_array_equal(np.concatenate([block.weights for block in part]), weights)
