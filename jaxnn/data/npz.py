"""NPZ files: named arrays, of which those with one row per label are the features. Nothing is ever unpickled.

Shapes and types are read from the headers first, so that an array of another length, of Python objects or of a size that
does not fit is dealt with before a byte of it is unpacked.
"""

import lzma
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.checks import nearest
from jaxnn.data.memory import check_size
from jaxnn.data.wording import listed

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(tokenize.TokenError, SyntaxError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, MemoryError, RuntimeError),
)
"""What readers of archives, and of the Python literal that is the header of an array, raise for bytes that are neither."""


@dataclass(frozen=True)
class Header:
    """What an array is, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        """Sizes and type, as in '100 x 28 uint8'."""
        return f"{' x '.join(map(str, self.shape)) or 'one value'} {self.dtype}"


def read_npz(path: Path, target: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The array `target` and all others with as many rows, in the file's order, and a note on those left out."""
    headers = _headers(path)
    if target not in headers:
        raise ValueError(f"{path.name} has no array {target!r} for --target. {nearest(target, headers)}")
    if not headers[target].shape:
        raise ValueError(f"--target {target!r} in {path.name} is one single value: expected an array with a label for each row.")
    rows = headers[target].shape[0]
    chosen = [name for name, header in headers.items() if header.shape[:1] == (rows,)]
    return _arrays(path, headers, chosen), _left_out(path.name, headers, chosen, f"not {rows:,} rows long")


def read_npz_columns(path: Path, wanted: Collection[str], target: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The arrays that hold the `wanted` columns, `name` or `name[0]`, `name[1]`, ..., and a note on the others but `target`."""
    headers = _headers(path)
    bases = dict.fromkeys(re.sub(r"\[\d+\]$", "", column) for column in wanted) | dict.fromkeys(wanted)
    chosen = [name for name in headers if name in bases]
    if not chosen:
        needed = listed(dict.fromkeys(re.sub(r"\[\d+\]$", "", column) for column in wanted))
        held = ", ".join(f"{name} ({header})" for name, header in list(headers.items())[:8])
        raise ValueError(f"{path.name} has none of the arrays the model was trained on ({needed}), only {held}. Rename them to match.")
    if len({headers[name].shape[:1] for name in chosen}) > 1 or not headers[chosen[0]].shape:
        held = ", ".join(f"{name} ({headers[name]})" for name in chosen[:8])
        raise ValueError(f"The arrays of {path.name} differ in length: {held}. Expected one row of each for every prediction.")
    notes = _left_out(path.name, headers, [*chosen, target], "not among the columns the model was trained on")
    return _arrays(path, headers, chosen), notes


def npz_names(path: Path) -> list[str]:
    """The names of the arrays."""
    return list(_headers(path))


def described(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether column by column, and dtype of an array in the NPY format, from its start. Raises one of DAMAGE."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError("version")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if any(isinstance(size, bool) or size < 0 for size in shape):
        raise ValueError("shape")
    return shape, by_columns, dtype


def _headers(path: Path) -> dict[str, Header]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename[:-4]: _header(archive, info) for info in archive.infolist() if info.filename.endswith(".npy")}
    except PermissionError:
        raise
    except DAMAGE:
        raise _damaged(path.name) from None


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    with archive.open(info) as member:
        shape, _, dtype = described(member)
        start = member.tell()
    # Objects are pickled and have no fixed size; every other array must be exactly as long as its header claims.
    if not dtype.hasobject and info.file_size - start != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError("size")
    return Header(shape, dtype)


def _arrays(path: Path, headers: Mapping[str, Header], names: list[str]) -> dict[str, np.ndarray]:
    for name in names:
        _check_type(path.name, name, headers[name].dtype)
    check_size(path.name, sum(headers[name].dtype.itemsize * int(np.prod(headers[name].shape, dtype=object)) for name in names))
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: _as_text(archive[name]) for name in names}
    except DAMAGE:
        raise _damaged(path.name) from None


def _check_type(file: str, name: str, dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise ValueError(
            f"Array {name!r} of {file} holds Python objects, which are never loaded. Save it as numbers or as text (dtype str)."
        )
    if dtype.kind not in "buifUS":
        raise ValueError(f"Array {name!r} of {file} has type {dtype}: expected numbers, booleans or text. Convert it or leave it out.")


def _as_text(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    return array.astype(object) if array.dtype.kind == "U" else array


def _left_out(file: str, headers: Mapping[str, Header], kept: Collection[str], why: str) -> tuple[str, ...]:
    words = [f"{name} ({header})" for name, header in headers.items() if name not in kept]
    return (f"Left out of {file}, {why}: {', '.join(words[:8])}{' ...' if len(words) > 8 else ''}.",) if words else ()


def _damaged(file: str) -> ValueError:
    return ValueError(f"{file} is damaged or not an NPZ file. Write it again with numpy.savez.")
