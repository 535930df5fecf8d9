"""A table in memory: its numbers in one matrix, its text column by column, and for a data set the target apart."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from jaxnn.data.wording import listed


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """The feature columns of a file or data set.

    numbers: matrix of shape (rows, numeric columns) in any numeric type, missing values NaN. One matrix and not a column
        each, so that 784 pixels cost what one array costs; small types stay small until they are scaled.
    texts: name -> array of str, shape (rows,), missing values None.
    columns: all names in the order of the file. notes: sentences worth telling the user.

    >>> Table.build("people", {"age": np.array([30, 41]), "city": np.array(["Oslo", None], object)})
    Table(name='people', columns=('age', 'city'), rows=2)
    """

    name: str
    columns: tuple[str, ...]
    numbers: np.ndarray
    number_names: tuple[str, ...]
    texts: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, np.ndarray], *, notes: tuple[str, ...] = ()) -> "Table":
        """Lays out arrays that share their first axis; one of two or more axes becomes columns `name[0]`, `name[1]`, ..."""
        flat = {key: _flatten(array) for key, array in arrays.items()}
        names = {key: _column_names(key, arrays[key], flat[key]) for key in flat}
        refuse_repeated(name, [column for group in names.values() for column in group])
        wide = {key: array for key, array in flat.items() if array.dtype.kind != "O"}
        texts = {
            column: array[:, index] for key, array in flat.items() if array.dtype.kind == "O" for index, column in enumerate(names[key])
        }
        rows = len(next(iter(flat.values()))) if flat else 0
        return cls(
            name=name,
            columns=tuple(column for group in names.values() for column in group),
            numbers=_matrix(list(wide.values()), rows),
            number_names=tuple(column for key in wide for column in names[key]),
            texts=texts,
            notes=notes,
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.numbers.shape[0])

    def column(self, name: str) -> np.ndarray:
        """One column as an array of shape (rows,)."""
        return self.texts[name] if name in self.texts else self.numbers[:, self.number_names.index(name)]

    def missing(self) -> dict[str, int]:
        """Columns with missing values, and in how many rows each."""
        return _positive(self._count(np.isnan) | {name: sum(value is None for value in text) for name, text in self.texts.items()})

    def infinite(self) -> dict[str, int]:
        """Columns with infinity, and in how many rows each."""
        return _positive(self._count(np.isinf))

    def _count(self, test: np.ufunc) -> dict[str, int]:
        if self.numbers.dtype.kind != "f":
            return {}
        return dict(zip(self.number_names, np.count_nonzero(test(self.numbers), axis=0).tolist(), strict=True))

    def __repr__(self) -> str:
        """Names and sizes: the values would fill the screen."""
        shown = repr(self.columns) if len(self.columns) <= 8 else f"<{len(self.columns)} columns>"
        return f"{type(self).__name__}(name={self.name!r}, columns={shown}, rows={self.rows})"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Dataset(Table):
    """A table and the column to learn: `target`, shape (rows,), of int64, float64, bool or str (dtype object)."""

    target: np.ndarray = field(repr=False)
    target_name: str


def _flatten(array: np.ndarray) -> np.ndarray:
    return array.reshape(array.shape[0], math.prod(array.shape[1:]))


def _column_names(key: str, array: np.ndarray, flat: np.ndarray) -> tuple[str, ...]:
    return (key,) if array.ndim == 1 else tuple(f"{key}[{index}]" for index in range(flat.shape[1]))


def refuse_repeated(name: str, columns: list[str]) -> None:
    """Refuses columns of the same name: a model that finds its columns by name could not tell them apart."""
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        raise ValueError(f"{name} has columns of the same name: {listed(repeated)}. Give every column its own name.")


def _matrix(blocks: list[np.ndarray], rows: int) -> np.ndarray:
    """All number columns side by side; a single array is taken as it is, many are float32 where that loses nothing."""
    if len(blocks) == 1 and blocks[0].dtype.kind in "uif":
        return blocks[0]
    wide = sum(block.shape[1] for block in blocks)
    matrix = np.empty((rows, wide), np.float32 if all(map(_fits_float32, blocks)) else np.float64, order="F")
    start = 0
    for block in blocks:
        matrix[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return matrix


def _fits_float32(block: np.ndarray) -> bool:
    values = block.astype(np.float64)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return bool(np.all((narrow == values) | np.isnan(values)))


def _positive(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 0}
