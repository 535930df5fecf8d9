"""CSV and Parquet files, read through Arrow into one array a column.

Whole numbers and fractions become numbers, missing ones NaN; text becomes str, missing text None. Dates, times, nested and
binary columns are refused by name: there is no one right way to turn a date into numbers, so the choice is left to the user.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.data.memory import check_size
from jaxnn.data.table import refuse_repeated
from jaxnn.data.wording import counted

# Kept by table writers for their own row numbers; as a feature it would tell the order of the file.
INDEX_NAMES = ("", "__index_level_0__")
NO_ROWS = "{name} has column names but no rows: expected at least one row."
NOT_TEXT = "{name} is not UTF-8 text. Save it as UTF-8."


def read_csv(path: Path, texts: Collection[str] = ()) -> Any:
    """The Arrow table of a CSV file with a header; the columns named in `texts` stay text even where they look like numbers."""
    pyarrow = _import_pyarrow()
    from pyarrow import csv

    separator = _separator(path)
    try:
        table = csv.read_csv(
            path,
            # One thread, so that an error knows its row.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(texts, pyarrow.string())),
        )
        header = table.column_names
    except (pyarrow.ArrowInvalid, UnicodeDecodeError) as error:
        raise ValueError(_csv_fault(path.name, error)) from None
    _check_header(path.name, header)
    return table


def read_parquet(path: Path, texts: Collection[str] = ()) -> Any:
    """The Arrow table of a Parquet file; the columns named in `texts` are turned into text."""
    pyarrow = _import_pyarrow()
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(path)
        check_size(path.name, metadata.num_rows * metadata.num_columns * 8)
        table = parquet.ParquetFile(path, page_checksum_verification=True).read()
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError):
        raise ValueError(f"{path.name} is damaged or not a Parquet file. Write it again, or use CSV.") from None
    for index, field in enumerate(table.schema):
        if field.name in texts and not _is_text(field.type) and not _kind_fault(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pyarrow.string()))
    return table


def to_arrays(
    table: Any, name: str, *, without: Collection[str] = (), wanted: Collection[str] | None = None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Arrays by column name, and notes. A column outside `wanted` that cannot be read is passed over, one inside is refused."""
    refuse_repeated(name, [column for column in table.column_names if column not in INDEX_NAMES])
    notes: list[str] = []
    arrays: dict[str, np.ndarray] = {}
    for column, values in zip(table.column_names, table.columns, strict=True):
        if column in INDEX_NAMES:
            notes.append(f"A column of {name} without a name is left out: it looks like row numbers.")
        elif column in without:
            continue
        elif not (fault := _kind_fault(values.type)):
            arrays[column] = _to_array(values, f"Column {column!r} of {name}")
            notes.extend(_nearly_numbers(column, arrays[column]))
        elif wanted is None or column in wanted:
            raise ValueError(f"Column {column!r} of {name} holds {fault}. Turn it into numbers or text, or leave it out of the file.")
    return arrays, tuple(notes)


def _import_pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise ImportError('Reading CSV and Parquet files needs pyarrow: pip install "jaxnn-toolkit[cli]".') from None
    return pyarrow


def _separator(path: Path) -> str:
    """The separator that the header has most of; comma where there is none."""
    with path.open("rb") as file:
        header = file.readline(1 << 20)
    if not header.strip():
        raise ValueError(f"{path.name} is empty or starts with an empty line: expected a header with column names, then rows.")
    if b"\0" in header:
        raise ValueError(NOT_TEXT.format(name=path.name))
    outside_quotes = b"".join(header.split(b'"')[::2])
    return max(",;\t|", key=lambda mark: outside_quotes.count(mark.encode()))


def _csv_fault(name: str, error: Exception) -> str:
    text = str(error)
    if "Expected" in text and "columns, got" in text:
        return f"{name} has rows of unequal length: {text.removeprefix('CSV parse error: ')[:160]}. Check separators and quotes there."
    if isinstance(error, UnicodeDecodeError) or "UTF8" in text or "UTF-8" in text:
        return NOT_TEXT.format(name=name)
    if "Empty CSV" in text:
        return NO_ROWS.format(name=name)
    return f"{name} cannot be read as CSV: {text.removeprefix('CSV parse error: ')[:160]}."


def _check_header(name: str, header: list[str]) -> None:
    numbers = [column for column in header if _number(column) is not None]
    # A table without names of its own is often written with the header 0, 1, 2, ...; that is a header.
    if numbers and len(numbers) == len(header) and header != [str(index) for index in range(len(header))]:
        raise ValueError(f"The first line of {name} holds only numbers ({', '.join(header[:4])} ...): expected column names. Add a header.")


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    values = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(values) or types.is_large_string(values) or types.is_string_view(values)


def _kind_fault(kind: Any) -> str:
    """What is wrong with a column of this Arrow type, or nothing."""
    import pyarrow.types as types

    values = kind.value_type if types.is_dictionary(kind) else kind
    readable: tuple[Callable[[Any], bool], ...] = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null)
    if _is_text(kind) or any(test(values) for test in readable):
        return ""
    if types.is_temporal(values):
        return f"dates or times ({values})"
    if types.is_binary(values) or types.is_large_binary(values):
        return "bytes that are not UTF-8 text"
    return f"values of type {values}"


def _to_array(column: Any, what: str) -> np.ndarray:
    import pyarrow
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _is_text(column.type):
        try:
            return np.asarray(column.to_numpy(), dtype=object)
        except pyarrow.ArrowException:
            raise ValueError(f"{what} holds text that is not UTF-8. Write it again.") from None
    if types.is_boolean(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    if types.is_integer(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy())
    if types.is_boolean(column.type):
        column = column.cast(pyarrow.int8())
    return np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(), dtype=np.float64)


def _nearly_numbers(column: str, text: np.ndarray) -> list[str]:
    """A note on a column that would be numbers but for a few cells, such as '?' for missing."""
    if text.dtype.kind != "O":
        return []
    present = [value for value in text if value is not None]
    strays = [value for value in present if _number(value) is None]
    if not strays or 2 * len(strays) > len(present):
        return []
    counts = {value: strays.count(value) for value in list(dict.fromkeys(strays))[:5]}
    return [f"Column {column!r} is read as text, for {len(strays):,} of its values are no numbers: {counted(counts)}."]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
