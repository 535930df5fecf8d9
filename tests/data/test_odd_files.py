"""Files to stream from that are odd or made to do harm: refused in a sentence with the file's name."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet as pq

from jaxnn.data import streaming
from jaxnn.data.streaming import Source
from tests.data.files import X, decode, saved, write_records


def write_npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def write_npy(path: Path, shape: str, content: bytes = bytes(96), descr: str = "'<f4'") -> Path:
    """An NPY file whose header is written by hand."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content)
    return path


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def odd_npy(shape: str, **options: object) -> Callable[[Path], object]:
    return lambda folder: streaming.npy(write_npy(folder / "x.npy", shape, **options))


def npz_of(*, x: bytes, flip: int | None = None) -> Callable[[Path], object]:
    def make(folder: Path) -> Source:
        path = write_npz(folder / "a.npz", x=x)
        content = bytearray(path.read_bytes())
        if flip is not None:
            content[flip] ^= 1
        path.write_bytes(content)
        return streaming.npz(path, y=None)

    return make


def records_of(*records: bytes, decode: Callable[[bytes], object], rows: int = 1) -> Callable[[Path], object]:
    """Two files, with the first record in `a` and the others in `b`; that many rows are read."""

    def make(folder: Path) -> object:
        paths = [write_records(folder / "a", list(records[:1])), write_records(folder / "b", list(records[1:]))]
        return streaming.array_record(paths, decode).read(np.arange(rows))

    return make


def table_of(x: object, **columns: object) -> Callable[[Path], object]:
    def make(folder: Path) -> Source:
        pq.write_table(pyarrow.table(columns), folder / "a.parquet")
        return streaming.parquet(folder / "a.parquet", x)

    return make


def corrupt_chunk(folder: Path) -> object:
    paths = [write_records(folder / name, [bytes([value]) * 500 for value in range(9)]) for name in "ab"]
    source = streaming.array_record(paths, lambda record: (np.frombuffer(record, np.uint8),))
    content = paths[1].read_bytes()
    paths[1].write_bytes(content.replace(b"\x07" * 100, b"\x06" * 100))
    return source.read(np.arange(18))


def a_header_of_another_version(folder: Path) -> object:
    content = saved(folder / "x.npy", X).read_bytes()
    (folder / "x.npy").write_bytes(content[:6] + b"\x09" + content[7:])
    return streaming.npy(folder / "x.npy")


def named_twice(path: Path) -> object:
    pq.write_table(pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"]), path)
    return streaming.parquet(path, "a")


def nowhere(folder: Path) -> object:
    pq.write_table(pyarrow.table({"a": [1]}), folder / "a.parquet")
    return streaming.parquet(folder / "a.parquet", "a", folder="/no/where")


def a_number_for_a_name(folder: Path) -> object:
    np.savez(folder / "x.npz", x=X)
    return streaming.npz(folder / "x.npz", 0)


EMPTY = b""
ODD: dict[str, tuple[type[Exception], str, Callable[[Path], object]]] = {
    "rows below zero": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("(-5, 4)")),
    "both below zero": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("(-6, -4)")),
    "true for one": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("(True, 4)")),
    "a fraction of rows": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("(1.5, 4)")),
    "a single value": (ValueError, r"x\.npy: x must be at least one number for each row, got a single value", odd_npy("()")),
    "no numbers": (ValueError, r"x must be at least one .* got shape \(4611686018427387904, 0\)", odd_npy("(4611686018427387904, 0)")),
    "more than there is": (ValueError, r"x\.npy is truncated: it ends before the last row of x", odd_npy(f"({10**30}, 4)")),
    "unbalanced": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("((6, 4)")),
    "no dtype": (ValueError, r"x\.npy is damaged or not an NPY file", odd_npy("(6, 4)", descr="'<q9'")),
    "sixteen bytes": (TypeError, r"x must be numbers of at most 8 bytes, got float128", odd_npy("(6,)", descr="'<f16'")),
    "fields": (TypeError, r"x\.npy: x must be numbers, got \[\('a', '<f4'\)\]", odd_npy("(6,)", descr="[('a', '<f4')]")),
    "a later version": (ValueError, r"x\.npy is damaged or not an NPY file", a_header_of_another_version),
    "an empty npy": (ValueError, r"x is damaged or not an NPY", lambda folder: streaming.npy(empty(folder / "x"))),
    "an empty npz": (ValueError, r"x is damaged, truncated or not an NPZ", lambda folder: streaming.npz(empty(folder / "x"))),
    "an empty parquet": (ValueError, r"x is damaged, truncated or not a Parq", lambda folder: streaming.parquet(empty(folder / "x"), "a")),
    "an empty record file": (ValueError, r"x is damaged or not", lambda folder: streaming.array_record(empty(folder / "x"), decode)),
    "an empty member": (ValueError, r"a\.npz is damaged, truncated or not an NPZ file", npz_of(x=EMPTY)),
    "a flipped number": (ValueError, r"a\.npz is damaged, truncated or not an NPZ file", npz_of(x=npy_bytes(X), flip=200)),
    "an array": (
        TypeError,
        r"a file must be the path of one, got ndarray\. For arrays .* streaming\.arrays",
        lambda folder: streaming.npy(X),
    ),
    "a number for a name": (TypeError, r"x\.npz: the name of each array must be text, got 0\. Known: x", a_number_for_a_name),
    "no files": (
        ValueError,
        r"array_record: paths must be one file or several, got none",
        lambda folder: streaming.array_record([], decode),
    ),
    "no records": (ValueError, r"a: records must be at least one, got none", records_of(decode=decode)),
    "a corrupt chunk": (ValueError, r"b is damaged: record 7 can't be read\. Write the file again", corrupt_chunk),
    "not decoded": (
        ValueError,
        r"b: record 1 must be bytes that decode can read, got 3 of which it raised ValueError \(buffer is smaller",
        records_of(bytes(16), bytes(16), bytes(3), decode=decode, rows=3),
    ),
    "nothing to decode": (ValueError, r"a: record 0 must be bytes .* got 0 of which", records_of(EMPTY, decode=decode)),
    "no tuple": (
        TypeError,
        r"what decode returns must be a tuple, \(x, y\) or \(x, y, weight\), got ndarray",
        records_of(bytes(8), decode=lambda record: np.frombuffer(record, np.float32)),
    ),
    "a tuple of four": (TypeError, r"must be a tuple, .* got a tuple of 4", records_of(b"", decode=lambda record: (1, 2, 3, 4))),
    "ragged": (
        ValueError,
        r"b: record 0 must be like the first, x \(4,\) uint8, got x \(5,\) uint8\. Pad",
        records_of(bytes(4), bytes(5), decode=lambda record: (np.frombuffer(record, np.uint8),), rows=2),
    ),
    "sometimes a target": (
        ValueError,
        r"b: record 0 must be like the first, x \(\) int64, got x \(\) int64, y \(\) int64",
        records_of(bytes(4), bytes(5), decode=lambda record: (1, None if len(record) == 4 else 2), rows=2),
    ),
    "text in records": (TypeError, r"a: x of a record must be numbers, got text", records_of(b"a", decode=lambda record: (str(record),))),
    "no columns": (TypeError, r"a\.parquet: x must be the name of a column, or a list of such, got \[\]", table_of([], a=[1])),
    "a column by number": (TypeError, r"a\.parquet: the name of each column must be text, got 0\. Known: a", table_of([0], a=[1])),
    "no rows": (ValueError, r"a\.parquet: rows must be at least one, got none", table_of("a", a=pyarrow.array([], pyarrow.int8()))),
    "row numbers": (ValueError, r"columns must be with a name of their own", table_of("__index_level_0__", __index_level_0__=[1])),
    "one name twice": (
        ValueError,
        r"a\.parquet has columns of the same name: 'a'\. Give every column its own name",
        lambda folder: named_twice(folder / "a.parquet"),
    ),
    "no folder": (FileNotFoundError, r"no folder '/no/where' for what a\.parquet is decoded into\. Make it", nowhere),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_refused_by_name(name, tmp_path):
    kind, words, make = ODD[name]
    with pytest.raises(kind, match=words):
        make(tmp_path)


def test_files_without_records_among_others_are_passed_over(tmp_path):
    paths = [write_records(tmp_path / str(number), records) for number, records in enumerate(([], [b"a"], [], [b"b", b"c"]))]
    source = streaming.array_record(paths, lambda record: (np.frombuffer(record, np.uint8)[0],))
    assert source.read(np.array([2, 0, 1])).x.tobytes() == b"cab"


def test_a_table_of_whole_numbers_and_fractions_is_of_float32(tmp_path):
    pq.write_table(pyarrow.table({"a": np.int32([1, 2]), "b": np.float32([0.5, 0.25]), "c": [1, 2]}), tmp_path / "a.parquet")
    x = streaming.parquet(tmp_path / "a.parquet", ["a", "b", "c"]).read(np.array([1, 0])).x
    assert x.dtype == np.float32 and x.tolist() == [[2, 0.25, 2], [1, 0.5, 1]]
