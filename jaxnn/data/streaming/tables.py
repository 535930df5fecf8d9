"""Parquet files. Their columns are compressed in groups of rows, of which a random order would need all at once.

So a file is decoded once, a piece at a time, into files that are mapped into memory; they have no names any more when a run begins, and
go away with the source, or with the process however it ends.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import jax
import numpy as np

from jaxnn.checks import sentence
from jaxnn.data.arrow import to_arrays
from jaxnn.data.casting import cast
from jaxnn.data.streaming.mapped import check_names, existing, npy
from jaxnn.data.streaming.source import Source, check_numbers

PIECE_ROWS = 1 << 16


def parquet(
    path: str | Path, x: str | Sequence[str], y: str | None = None, weight: str | None = None, *, folder: str | Path | None = None
) -> Source:
    """A source of a Parquet file by the names of its columns: x is a matrix (rows, columns) of those listed, or the one named, (rows,).

    folder: on the disk that takes the decoded numbers, 4 or 8 bytes each; by default the system's for temporary files. Raises
    ImportError without pyarrow, FileNotFoundError, TypeError for text, ValueError for a missing column, dates, missing whole numbers,
    numbers too large for that many bytes, and a damaged or empty file. Missing fractions are NaN, which a run refuses.
    """
    path = existing(Path(path))
    columns = {part: names for part, names in (("x", x), ("y", y), ("weight", weight)) if names is not None}
    with tempfile.TemporaryDirectory(prefix="jaxnn-", dir=folder, ignore_cleanup_errors=True) as home:
        _decode(path, columns, Path(home))
        source = npy(**{part: Path(home, f"{part}.npy") for part in columns})
    return replace(source, name=path.name)


def _decode(path: Path, columns: Mapping[str, str | Sequence[str]], home: Path) -> None:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ImportError('Reading Parquet files needs pyarrow: pip install "jaxnn-toolkit[stream]".') from error
    try:
        file = ParquetFile(path)
        types = _types(path.name, file.schema_arrow.empty_table(), columns)
        pieces = file.iter_batches(PIECE_ROWS, columns=list(types))
        with ExitStack() as stack:
            outputs = {part: stack.enter_context((home / f"{part}.npy").open("wb")) for part in columns}
            for part, names in columns.items():
                _write_header(outputs[part], names, types, file.metadata.num_rows)
            for piece in pieces:
                arrays, _ = to_arrays(pyarrow.Table.from_batches([piece]), path.name)
                for part, names in columns.items():
                    outputs[part].write(_joined(path.name, arrays, names, types).tobytes())
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of the file's contents
            raise
        raise ValueError(f"{path.name} is damaged, truncated or not a Parquet file. Write it again.") from None


def _types(name: str, empty: Any, columns: Mapping[str, str | Sequence[str]]) -> dict[str, np.dtype]:
    """The dtype of each column that is wanted, as JAX will compute in it."""
    wanted = list(dict.fromkeys(column for names in columns.values() for column in _listed(names)))
    check_names(name, "column", wanted, empty.column_names)
    arrays, _ = to_arrays(empty.select(wanted), name)
    for column, array in arrays.items():
        check_numbers(name, f"column {column!r}", np.dtype("U") if array.dtype.hasobject else array.dtype)
    return {column: np.dtype(jax.dtypes.canonicalize_dtype(array.dtype)) for column, array in arrays.items()}


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _write_header(file: BinaryIO, names: str | Sequence[str], types: Mapping[str, np.dtype], rows: int) -> None:
    dtype = np.result_type(*(types[name] for name in _listed(names)))
    shape = (rows,) if isinstance(names, str) else (rows, len(names))
    np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})


def _joined(file: str, arrays: Mapping[str, np.ndarray], names: str | Sequence[str], types: Mapping[str, np.dtype]) -> np.ndarray:
    for name in _listed(names):
        if arrays[name].dtype.kind == "f" and types[name].kind != "f":
            advice = "Leave these rows out, or fill them."
            raise ValueError(sentence(file, f"column {name!r}", f"whole numbers ({types[name]})", "some that are missing", advice))
    dtype = np.result_type(*(types[name] for name in _listed(names)))
    columns = [cast(file, f"column {name!r}", arrays[name], dtype) for name in _listed(names)]
    return columns[0] if isinstance(names, str) else np.stack(columns, axis=1)
