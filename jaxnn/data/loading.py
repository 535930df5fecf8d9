"""From what the user typed, a bundled name or a file, to a table in memory, with every common mistake told in a sentence."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.checks import nearest
from jaxnn.data.arrow import NO_ROWS, read_csv, read_parquet, to_arrays
from jaxnn.data.bundles import bundled, load_bundled
from jaxnn.data.npz import npz_names, read_npz, read_npz_columns
from jaxnn.data.table import Dataset, Table
from jaxnn.data.wording import columns as columns_in_words
from jaxnn.data.wording import listed

SUFFIXES = (".csv", ".parquet", ".npz")


def load(source: str, target: str | None = None) -> Dataset:
    """Reads a data set to learn from: a name from `bundled()`, or a CSV, Parquet or NPZ file and its `target` column.

    In a table every other column is a feature. In an NPZ file `target` names the array of labels, and every other array with
    as many rows is a feature; arrays of two or more axes become the columns `name[0]`, `name[1]`, ...

    Raises `FileNotFoundError` for a missing file, `ImportError` where a reader is not installed, and `ValueError` for
    everything else: an unknown name, a missing or misspelt target, an empty or damaged file, dates, missing targets.

    >>> load("iris")
    Dataset(name='iris', columns=('sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'), rows=150)
    """
    if source in bundled():
        if target not in (None, "target"):
            raise ValueError(f"The bundled data set {source} has a target of its own. Leave --target {target!r} out.")
        return load_bundled(source)
    path = _file(source)
    arrays, notes = _read_labelled(path, target)
    labels = _target(path.name, str(target), arrays.pop(str(target)))
    table = Table.build(path.name, arrays, notes=notes)
    if not table.columns:
        raise ValueError(f"{path.name} has no column besides the target {target!r}: expected at least one to learn from.")
    return Dataset(**vars(table), target=labels, target_name=str(target))


def read_features(source: str, *, columns: Collection[str], texts: Collection[str] = (), target: str = "") -> Table:
    """Reads a table to predict from, by the names of the columns the model knows; which of them are there is not checked here.

    texts: those of the columns that hold text, read as text even where all of it looks like numbers.
    target: left out silently where present.
    """
    if source in bundled():
        return load_bundled(source)
    path = _file(source)
    if path.suffix.lower() == ".npz":
        arrays, notes = read_npz_columns(path, columns, target)
    else:
        arrays, notes = to_arrays(_arrow_table(path, texts), path.name, without=[target], wanted=columns)
    return Table.build(path.name, arrays, notes=notes)


def _file(source: str) -> Path:
    path = Path(source)
    if not path.exists():
        raise _absent(source, path)
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        got = "a folder" if path.is_dir() else f"a {path.suffix} file" if path.suffix else "a file without an ending"
        raise ValueError(f"{source!r} is {got}: expected a file ending in {', '.join(SUFFIXES)}. Convert it to one of these.")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{source!r} may not be read by this user. Change its permissions or copy it.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty: expected a header with column names, then rows.")
    return path


def _absent(source: str, path: Path) -> Exception:
    """A missing file where the source looks like one, an unknown bundled name otherwise."""
    if path.suffix or len(path.parts) > 1:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        return FileNotFoundError(f"There is no file {source!r}.{_near(path.name, siblings)}")
    kinds = f"Bundled are {', '.join(bundled())}; files end in {', '.join(SUFFIXES)}."
    return ValueError(f"{source!r} is neither a bundled data set nor a file.{_near(source, bundled())} {kinds}")


def _near(name: str, known: Collection[str]) -> str:
    advice = nearest(name, known)
    return f" {advice}" if advice.startswith("Did") else ""


def _arrow_table(path: Path, texts: Collection[str] = ()) -> Any:
    table = (read_parquet if path.suffix.lower() == ".parquet" else read_csv)(path, texts)
    if table.num_rows == 0:
        raise ValueError(NO_ROWS.format(name=path.name))
    return table


def _read_labelled(path: Path, target: str | None) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """All columns or arrays by name, the target among them."""
    if path.suffix.lower() == ".npz":
        return read_npz(path, _named(target, path.name, npz_names(path)))
    table = _arrow_table(path)
    _named(target, path.name, table.column_names)
    return to_arrays(table, path.name)


def _named(target: str | None, file: str, names: Collection[str]) -> str:
    if target is None:
        raise ValueError(
            f"{file} needs --target, the name of the column to learn. It has {columns_in_words(len(names))}: {listed(names, 12)}."
        )
    if target not in names:
        raise ValueError(f"{file} has no column {target!r} for --target. {nearest(target, names)}")
    return target


def _target(file: str, name: str, values: np.ndarray) -> np.ndarray:
    """The labels as int64, float64, bool or str, shape (rows,)."""
    if values.size != len(values):
        raise ValueError(
            f"--target {name!r} in {file} has shape {values.shape}: expected one label a row, such as the number of its class."
        )
    values = values.reshape(-1)
    if len(values) == 0:
        raise ValueError(f"--target {name!r} in {file} has no rows: expected at least one.")
    _refuse_holes(file, name, values)
    if values.dtype.kind in "bO":
        return values
    return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)


def _refuse_holes(file: str, name: str, values: np.ndarray) -> None:
    missing = sum(value is None for value in values) if values.dtype.kind == "O" else np.count_nonzero(np.isnan(values))
    if missing:
        where = f"{missing:,} of {len(values):,} rows"
        raise ValueError(f"The target {name!r} of {file} is missing in {where}. Leave these rows out; --impute fills features only.")
    infinite = 0 if values.dtype.kind == "O" else np.count_nonzero(np.isinf(values))
    if infinite:
        raise ValueError(
            f"The target {name!r} of {file} is infinite in {infinite:,} of {len(values):,} rows. Correct or leave out these rows."
        )
