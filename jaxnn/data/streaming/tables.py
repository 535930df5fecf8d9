"""Parquet files. Their columns are compressed in groups of rows, of which a random order would need all at once.

So a file is decoded once, a piece at a time, into files that are mapped into memory; they have no names any more when a run begins, and
go away with the source, or with the process however it ends.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnn.checks import check_sizes, sentence
from jaxnn.data.arrow import to_arrays
from jaxnn.data.casting import cast
from jaxnn.data.streaming.mapped import Header, Mapped, check_names, existing
from jaxnn.data.streaming.source import Source, arrays, check_numbers
from jaxnn.data.table import refuse_repeated

PIECE_ROWS = 1 << 16

Columns = Mapping[str, str | Sequence[str]]
"""The names of the columns that make up x, y and weight."""


def parquet(
    path: str | Path, x: str | Sequence[str], y: str | None = None, weight: str | None = None, *, folder: str | Path | None = None
) -> Source:
    """A source of a Parquet file by the names of its columns: x is a matrix (rows, columns) of those listed, or the one named, (rows,).

    folder: on the disk that takes the decoded numbers, 4 or 8 bytes each; by default the system's for temporary files. Raises
    ImportError without pyarrow, FileNotFoundError, TypeError for text, ValueError for a missing column, dates, missing whole numbers,
    numbers too large for that many bytes, and a damaged or empty file, as far as it holds checksums. Missing fractions are NaN, which a
    run refuses.
    """
    path = existing(path)
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f"There is no folder {str(folder)!r} for what {path.name} is decoded into. Make it first.")
    columns = {part: names for part, names in (("x", x), ("y", y), ("weight", weight)) if names is not None}
    for part, names in columns.items():
        if not isinstance(names, str):
            check_sizes(path.name, part, names, "the name of a column, or a list of such", "Name at least one.")
    with tempfile.TemporaryDirectory(prefix="jaxnn-", dir=folder, ignore_cleanup_errors=True) as home:
        headers = _decode(path, columns, Path(home))
        return arrays(**{part: Mapped(Path(home, part), header) for part, header in headers.items()}, name=path.name)


def _decode(path: Path, columns: Columns, home: Path) -> dict[str, Header]:
    """How the parts lie in their files, once they are written."""
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ImportError('Reading Parquet files needs pyarrow: pip install "jaxnn-toolkit[stream]".') from error
    try:
        with ParquetFile(path, page_checksum_verification=True) as file, ExitStack() as stack:
            types = _types(path.name, file.schema_arrow.empty_table(), columns)
            outputs = {part: stack.enter_context((home / part).open("wb")) for part in columns}
            rows = 0
            for piece in file.iter_batches(PIECE_ROWS, columns=list(types)):
                decoded, _ = to_arrays(pyarrow.Table.from_batches([piece]), path.name)
                for part, names in columns.items():
                    outputs[part].write(_joined(path.name, decoded, names, types).tobytes())
                rows += len(piece)
            told = file.metadata.num_rows
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of the file's contents
            raise
        raise _damaged(path.name) from None
    if rows != told:
        raise _damaged(path.name)
    if not rows:
        raise ValueError(sentence(path.name, "rows", "at least one", "none", "Is it the right file?"))
    return {part: _header(names, types, rows) for part, names in columns.items()}


def _types(name: str, empty: Any, columns: Columns) -> dict[str, np.dtype]:
    """The dtype of each column that is wanted, as JAX will compute in it."""
    wanted = list(dict.fromkeys(column for names in columns.values() for column in _listed(names)))
    check_names(name, "column", wanted, empty.column_names)
    refuse_repeated(name, [column for column in empty.column_names if column in wanted])
    arrays, _ = to_arrays(empty.select(wanted), name)
    if nameless := [column for column in wanted if column not in arrays]:
        raise ValueError(sentence(name, "columns", "with a name of their own", f"{nameless[0]!r}, as row numbers are", "Give it one."))
    for column, array in arrays.items():
        check_numbers(name, f"column {column!r}", np.dtype("U") if array.dtype.hasobject else array.dtype)
    return {column: np.dtype(jax.dtypes.canonicalize_dtype(array.dtype)) for column, array in arrays.items()}


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _header(names: str | Sequence[str], types: Mapping[str, np.dtype], rows: int) -> Header:
    shape = (rows,) if isinstance(names, str) else (rows, len(names))
    return Header(shape, _in_common(names, types), offset=0, by_columns=False, compressed=False, whole=True)


def _in_common(names: str | Sequence[str], types: Mapping[str, np.dtype]) -> np.dtype:
    """What NumPy makes of these dtypes, as JAX will compute in it."""
    return np.dtype(jax.dtypes.canonicalize_dtype(np.result_type(*(types[name] for name in _listed(names)))))


def _joined(file: str, arrays: Mapping[str, np.ndarray], names: str | Sequence[str], types: Mapping[str, np.dtype]) -> np.ndarray:
    for name in _listed(names):
        if arrays[name].dtype.kind == "f" and types[name].kind != "f":
            advice = "Leave these rows out, or fill them."
            raise ValueError(sentence(file, f"column {name!r}", f"whole numbers ({types[name]})", "some that are missing", advice))
    dtype = _in_common(names, types)
    columns = [cast(file, f"column {name!r}", arrays[name], dtype) for name in _listed(names)]
    return columns[0] if isinstance(names, str) else np.stack(columns, axis=1)


def _damaged(name: str) -> ValueError:
    return ValueError(f"{name} is damaged, truncated or not a Parquet file. Write it again.")
