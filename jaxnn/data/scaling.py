"""Number columns: missing values filled with the median, then mean 0 and standard deviation 1, learned on training rows only."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jaxnn.data.table import Table
from jaxnn.data.wording import listed

COLUMNS_AT_A_TIME = 64
VALUES_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Scaling:
    """Per column (x - mean) / scale, with missing x = fill first; `fill` is None where missing values are refused.

    scale is the standard deviation over training rows (divided by their number), 1 for a constant column.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    fill: tuple[float, ...] | None

    @classmethod
    def fit(cls, table: Table, rows: np.ndarray, *, impute: bool) -> "Scaling":
        """Learns from the given rows; missing values elsewhere in the table play no part."""
        parts = [_fit_block(block, names, impute) for names, block in _column_blocks(table, rows)]
        fill, mean, scale = (tuple(value for part in parts for value in part[index].tolist()) for index in range(3))
        return cls(names=table.number_names, mean=mean, scale=scale, fill=fill if impute else None)

    def write(self, table: Table, out: np.ndarray) -> None:
        """Fills `out`, float32 of shape (rows, len(names)), a stretch of rows at a time so that little memory is held twice."""
        mean, scale = np.array(self.mean), np.array(self.scale)
        position = {name: index for index, name in enumerate(table.number_names)}
        taken = [position[name] for name in self.names]
        chosen = slice(None) if self.names == table.number_names else np.array(taken, np.int64)  # gathering costs a copy
        stretch = max(1, VALUES_AT_A_TIME // max(1, len(self.names)))
        for start in range(0, table.rows, stretch):
            # Always float64 in between: the bits of a row must not depend on the type its column came in.
            block = table.numbers[start : start + stretch][:, chosen].astype(np.float64)
            if self.fill is not None:
                block = np.where(np.isnan(block), np.array(self.fill), block)
            with np.errstate(over="ignore"):
                out[start : start + stretch] = (block - mean) / scale
        self._refuse_overflow(table, out)

    def _refuse_overflow(self, table: Table, out: np.ndarray) -> None:
        finite = np.isfinite(out).all(axis=0)
        if not finite.all():
            far = [name for name, fine in zip(self.names, finite, strict=True) if not fine]
            raise ValueError(f"{table.name} has values too far from those of training rows to be scaled, in {listed(far)}. Correct them.")


def standardise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation down the rows; a constant column has its own value and 1, without rounding."""
    low, high = values.min(axis=0), values.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(low == high, low, values.mean(axis=0))
        scale = values.std(axis=0)
    # Values that differ by less than a float can square are as good as constant.
    return mean, np.where((low == high) | (scale == 0), 1.0, scale)


def _column_blocks(table: Table, rows: np.ndarray) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
    """A few columns at a time in float64, for the whole matrix in float64 may not fit."""
    for start in range(0, len(table.number_names), COLUMNS_AT_A_TIME):
        columns = slice(start, start + COLUMNS_AT_A_TIME)
        yield table.number_names[columns], table.numbers[:, columns][rows].astype(np.float64)


def _fit_block(block: np.ndarray, names: tuple[str, ...], impute: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fill = np.zeros(block.shape[1])
    if impute:
        holes = np.isnan(block)
        _refuse("no value at all in the training rows", "Leave them out of the file", names, holes.all(axis=0))
        fill = np.nanmedian(block, axis=0)
        block = np.where(holes, fill, block)
    mean, scale = standardise(block)
    _refuse("values too large to be scaled", "Use another unit", names, ~np.isfinite(mean) | ~np.isfinite(scale))
    return fill, mean, scale


def _refuse(what: str, advice: str, names: tuple[str, ...], bad: np.ndarray) -> None:
    if bad.any():
        raise ValueError(f"These columns have {what}: {listed(name for name, hit in zip(names, bad, strict=True) if hit)}. {advice}.")
