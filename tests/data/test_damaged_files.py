"""Files to stream from with flipped bits and cut ends: refused in a sentence with the file's name, or read as they are."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet as pq

from jaxnn.data import load, streaming
from jaxnn.data.streaming import Source
from tests.data.files import X, Y, decode, saved, write_records

DAMAGES = int(os.environ.get("JAXNN_FLIPS", 80))
"""Flipped bits and cut ends of each kind of file."""


def write_table(path: Path) -> None:
    table = {**{f"x{index}": column for index, column in enumerate(X.T)}, "y": Y}
    pq.write_table(pyarrow.table(table), path, write_page_checksum=True)


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    *x, y = (column.to_numpy() for column in pq.read_table(path, columns=["x0", "x1", "x2", "y"]).columns)
    return np.stack(x, axis=1), y


Files = dict[str, tuple[Callable[[Path], object], Callable[[Path], Source], Callable[[Path], tuple[np.ndarray, np.ndarray]]]]
FILES: Files = {
    "npy": (lambda path: saved(path, X), lambda path: streaming.npy(path, Path(path.parent, "y.npy")), lambda path: (np.load(path), Y)),
    "npz": (lambda path: np.savez(path, x=X, y=Y), streaming.npz, lambda path: (X, Y)),
    "parquet": (write_table, lambda path: streaming.parquet(path, ["x0", "x1", "x2"], "y"), read_table),
    "array_record": (
        lambda path: write_records(path, [x.tobytes() + y.tobytes() for x, y in zip(X, Y, strict=True)]),
        lambda path: streaming.array_record(path, decode),
        lambda path: (X, Y),
    ),
}
"""How each kind is written, opened, and read by its own library; where there are checksums, what is read is what was written."""


def damages(content: bytes) -> Iterator[bytes]:
    """Copies with a bit flipped, half of them where headers and tables of contents are, or with the end cut off."""
    random = np.random.default_rng(0)
    told = np.flatnonzero(np.frombuffer(content, np.uint8))
    for kind in range(DAMAGES):
        place = int(random.choice((told, told[:128], told[-256:], told)[kind % 4]))
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(random.integers(8))
        yield content[:place] if kind % 8 == 7 else bytes(flipped)


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_told_by_name_or_read_as_they_are(kind, tmp_path):
    write, open_it, read = FILES[kind]
    path, other = tmp_path / f"rows.{kind}", saved(tmp_path / "y.npy", Y)
    write(path)
    content, refused = path.read_bytes(), 0
    for damaged in damages(content):
        path.unlink()  # what is mapped stays as it was
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings(action="ignore"):  # of NumPy, that a header looks like one of Python 2
                source = open_it(path)
            got = source.read(np.arange(source.rows))
        except (ValueError, TypeError) as error:
            assert path.name in str(error) or (other.name in str(error) and kind == "npy")
            refused += 1
        else:
            for mine, theirs in zip(got, read(path), strict=False):
                np.testing.assert_array_equal(mine, theirs)
    assert refused > DAMAGES // 8


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_damaged_files_are_told_by_name_in_memory_too(kind, tmp_path):
    path = tmp_path / f"rows.{kind}"
    write, _, read = FILES[kind]
    write(path)
    same = load(str(path), "y").columns
    compared = 0
    for damaged in damages(path.read_bytes()):
        path.unlink()
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings(action="ignore"):
                dataset = load(str(path), "y")
        except ValueError as error:
            assert path.name in str(error)
        else:
            if dataset.columns == same:  # a name may have another letter
                x, y = read(path)
                np.testing.assert_array_equal(dataset.numbers, x)
                np.testing.assert_array_equal(dataset.target, y)
                compared += 1
    assert compared


def test_text_that_is_not_utf8_is_told_by_its_column(tmp_path):
    text = pyarrow.array([b"a", b"\xff"]).cast(pyarrow.string(), safe=False)
    pq.write_table(pyarrow.table({"t": text, "y": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"Column 't' of a\.parquet holds text that is not UTF-8\. Write it again"):
        load(str(tmp_path / "a.parquet"), "y")
