"""NPY files and uncompressed NPZ files, mapped into memory: the system reads what is touched, and is told to let go of it again.

Pages that were read count as memory of the process until then, and the system maps up to 2 MiB around each row that is touched. So a
file that is larger is let go of each time MAPPED_BYTES of it may have come in; it stays in the system's cache while there is room. Its
rows are taken in the order of the file, in which each part is mapped once for a block: three times as fast as in the order asked for.
"""

import mmap
import os
import struct
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxnn.checks import nearest, sentence
from jaxnn.data.npz import DAMAGE, described
from jaxnn.data.streaming.source import Source, arrays, check_numbers
from jaxnn.data.upload import empty

MAPPED_BYTES = 1 << 28
AROUND = 1 << 21
READ_AT_ONCE = 1 << 20
TOGETHER = 32
"""Rows that are copied at once, so that they stay in the processor's cache on the way."""
NOT_NPZ = "damaged, truncated or not an NPZ file. Write it again with numpy.savez."
LOCAL_HEADER = struct.Struct("<26xHH")
"""What stands before a member of a ZIP archive: 26 bytes, then how long its name is and what else is said of it."""


class Header(NamedTuple):
    """How an array lies in its file: from which byte, whether column by column, whether compressed, whether all of it is there."""

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    by_columns: bool
    compressed: bool
    whole: bool


class Mapped:
    """An array in a file, of which ``array[rows]`` is a copy of some rows."""

    def __init__(self, path: Path, header: Header) -> None:
        with path.open("rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.shape, self.dtype = header.shape, header.dtype
        width = _bytes(header.shape[1:], header.dtype)
        # As bytes, for NumPy would copy the whole of an array whose numbers don't begin at a multiple of their size, as in NPZ files.
        self.bytes: np.ndarray = np.ndarray((header.shape[0], width), np.uint8, self.map, header.offset)
        self.large = self.bytes.nbytes > MAPPED_BYTES and hasattr(mmap, "MADV_DONTNEED")  # not every system has it
        self.mapped, self.lock = 0, threading.Lock()

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        taken = empty((len(rows), self.bytes.shape[1]), np.uint8)
        if self.large:
            self._take_in_order(rows, taken)
        else:
            np.take(self.bytes, rows, axis=0, out=taken, mode="clip")
        numbers = taken.view(self.dtype).reshape(len(rows), *self.shape[1:])
        return numbers.astype(self.dtype.newbyteorder("="), copy=False)

    def _take_in_order(self, rows: np.ndarray, taken: np.ndarray) -> None:
        """The rows in the order of the file, which is let go of each time MAPPED_BYTES of it may have come in."""
        order, width = np.argsort(rows), self.bytes.shape[1]
        for start in range(0, len(rows), TOGETHER):
            few = order[start : start + TOGETHER]
            taken[few] = self.bytes[rows[few]]
            self._count(min(int(rows[few[-1]] - rows[few[0]]) * width, len(few) * max(AROUND, width)))

    def _count(self, touched: int) -> None:
        with self.lock:  # threads share the map, and so what may be in memory of it
            self.mapped += touched
            if self.mapped > MAPPED_BYTES:
                self.map.madvise(mmap.MADV_DONTNEED)
                self.mapped = 0


def npy(x: str | Path, y: str | Path | None = None, weight: str | Path | None = None) -> Source:
    """A source of NPY files, one an array.

    Raises FileNotFoundError, TypeError for text or objects, and ValueError for a damaged or truncated file, arrays of different
    numbers of rows, and an array that was saved column by column. The format has no checksum: a flipped bit in a number is not seen.
    """
    paths = {part: existing(path) for part, path in (("x", x), ("y", y), ("weight", weight)) if path is not None}
    mapped = {part: Mapped(path, _checked(path.name, part, _npy_header(path))) for part, path in paths.items()}
    return arrays(**mapped, name=paths["x"].name)


def npz(path: str | Path, x: str = "x", y: str | None = "y", weight: str | None = None) -> Source:
    """A source of arrays of an NPZ file by their names, written by ``numpy.savez``; errors as for ``npy``.

    A compressed file can't be read from the middle: that is a ValueError, and so is a name that the file has not. The arrays are read
    once through, about a second a gigabyte, to compare them with their checksums.
    """
    path = existing(path)
    headers = _npz_headers(path)
    names = {part: name for part, name in (("x", x), ("y", y), ("weight", weight)) if name is not None}
    check_names(path.name, "array", names.values(), headers)
    checked = {part: _checked(path.name, name, headers[name]) for part, name in names.items()}
    _compare_with_checksums(path, names.values())
    return arrays(**{part: Mapped(path, header) for part, header in checked.items()}, name=path.name)


def existing(path: Any) -> Path:
    """The path. Raises TypeError for what is none, and FileNotFoundError where there is no such file."""
    if not isinstance(path, str | os.PathLike):
        got = type(path).__name__
        raise TypeError(sentence("streaming", "a file", "the path of one", got, "For arrays in memory there is streaming.arrays."))
    path = Path(path)
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        advice = nearest(path.name, siblings) if siblings else ""
        raise FileNotFoundError(f"There is no file {str(path)!r}. {advice if advice.startswith('Did') else ''}".rstrip())
    return path


def check_names(file: str, what: str, wanted: Any, known: Any) -> None:
    """Refuses names that the file has not. Raises ValueError, and TypeError for what is no name."""
    for name in wanted:
        if not isinstance(name, str):
            raise TypeError(sentence(file, f"the name of each {what}", "text", repr(name), nearest("", known)))
        if name not in known:
            raise ValueError(f"{file} has no {what} {name!r}. {nearest(name, known)}")


def _checked(file: str, name: str, header: Header) -> Header:
    check_numbers(file, name, header.dtype)
    if not header.shape or 0 in header.shape[1:]:
        got = f"shape {header.shape}" if header.shape else "a single value"
        raise ValueError(sentence(file, name, "at least one number for each row", got, "Write the array again by rows."))
    if header.compressed:
        raise ValueError(sentence(file, name, "stored as it is", "compressed", "Write the file by numpy.savez, not savez_compressed."))
    if header.by_columns:
        advice = "Save numpy.ascontiguousarray of it."
        raise ValueError(sentence(file, name, "saved row by row", "column by column (Fortran order)", advice))
    if not header.whole:
        raise ValueError(f"{file} is truncated: it ends before the last row of {name}. Write it again.")
    return header


def _npy_header(path: Path) -> Header:
    with _told(path.name, "damaged or not an NPY file. Write it again with numpy.save."), path.open("rb") as file:
        shape, by_columns, dtype = described(file)
        size = path.stat().st_size - file.tell()
        return Header(shape, dtype, file.tell(), by_columns and len(shape) > 1, False, size >= _bytes(shape, dtype))


def _npz_headers(path: Path) -> Mapping[str, Header]:
    with _told(path.name, NOT_NPZ), zipfile.ZipFile(path) as archive, path.open("rb") as file:
        return {info.filename[:-4]: _member(archive, info, file) for info in archive.infolist() if info.filename.endswith(".npy")}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Any) -> Header:
    file.seek(info.header_offset)
    begin = info.header_offset + LOCAL_HEADER.size + sum(LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size)))
    with archive.open(info) as member:
        shape, by_columns, dtype = described(member)
        offset = member.tell()
    whole = dtype.hasobject or info.file_size - offset == _bytes(shape, dtype)
    compressed = info.compress_type != zipfile.ZIP_STORED
    return Header(shape, dtype, begin + offset, by_columns and len(shape) > 1, compressed, whole)


def _compare_with_checksums(path: Path, names: Iterable[str]) -> None:
    """Reads the members through. Raises ValueError where they are not what was written."""
    with _told(path.name, NOT_NPZ), zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(f"{name}.npy") as member:
                while member.read(READ_AT_ONCE):
                    pass


@contextmanager
def _told(file: str, what: str) -> Iterator[None]:
    """Says so, whatever the readers of the format stumble over; a file that must not be read is no damaged one."""
    try:
        yield
    except PermissionError:
        raise
    except DAMAGE:
        raise ValueError(f"{file} is {what}") from None


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return dtype.itemsize * int(np.prod(shape, dtype=object))
