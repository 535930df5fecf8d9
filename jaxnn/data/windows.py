"""Pieces of one long series as rows: what forecasting learns from."""

from typing import Any

import numpy as np

from jaxnn.checks import check_whole, sentence


def windows(series: Any, length: int, horizon: int = 1, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Windows of the series, and what came after each: x (rows, length, series), y (rows, horizon * series).

    series (time,) or (time, series) numbers. Row r is x = series[t : t + length], y = series[t + length : t + length + horizon], step
    by step, with t = r * stride; y is (rows,) where that is one number, as ``Regression`` predicts it. Windows overlap where
    stride < length, so cut the series into training and validation first and make windows of each; a random share of
    windows to validate on would be seen in training. Raises ValueError for whole numbers < 1, a series shorter than one
    window and its horizon, or one of another number of axes, TypeError for one that is not numbers.

    >>> import numpy as np
    >>> x, y = windows(np.arange(6.0), 3)
    >>> x[..., 0].tolist(), y.tolist()
    ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], [3.0, 4.0, 5.0])
    """
    for name, value in (("length", length), ("horizon", horizon), ("stride", stride)):
        check_whole("windows", name, value, low=1)
    values = _as_columns(series)
    if len(values) < length + horizon:
        raise ValueError(sentence("windows", "series", f"of at least length + horizon = {length + horizon} steps", f"{len(values)}"))
    pieces = np.lib.stride_tricks.sliding_window_view(values, length + horizon, axis=0)[::stride].swapaxes(1, 2)
    x, y = pieces[:, :length].copy(), pieces[:, length:].reshape(len(pieces), -1).copy()
    return x, y[:, 0] if y.shape[1] == 1 else y


def _as_columns(series: Any) -> np.ndarray:
    values = np.asarray(series)
    if values.dtype.kind not in "fiu":
        raise TypeError(sentence("windows", "series", "numbers", f"dtype {values.dtype}"))
    if values.ndim not in (1, 2):
        raise ValueError(sentence("windows", "series", "of shape (time,) or (time, series)", f"shape {values.shape}"))
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    return values[:, None] if values.ndim == 1 else values
