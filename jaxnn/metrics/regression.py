"""Metrics of numbers: y and predictions (rows, ...) of one shape, or (rows,) beside (rows, 1)."""

from typing import Any

from jaxnn.checks import sentence
from jaxnn.metrics.rows import Rows, floats, ratio, rows_of


def r2(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    r"""The share of variance explained: 1 - sum(w (y - \hat y)^2) / sum(w (y - mean y)^2), the mean over the numbers of a row.

    1 is perfect, 0 what the mean of y would reach. For a constant y it is 1 where predictions are exact, else 0; for a single row nan.
    As sklearn.metrics.r2_score.

    >>> float(r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]))
    0.5
    """
    rows = _numbers("r2", y, predictions, weight)
    xp, share = rows.xp, _share(rows)
    unexplained = (share * xp.square(rows.y - rows.predictions)).sum(axis=0)
    variance = (share * xp.square(rows.y - (share * rows.y).sum(axis=0))).sum(axis=0)
    left = xp.where(variance == 0, floats(xp, unexplained != 0), ratio(xp, unexplained, variance, 0.0))
    return (1 - left).mean() if len(share) > 1 else xp.full((), xp.nan)


def mean_absolute_error(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    r"""The mean of \|y - \hat y\|, in units of y. As sklearn.metrics.mean_absolute_error.

    >>> float(mean_absolute_error([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    rows = _numbers("mean_absolute_error", y, predictions, weight)
    return (_share(rows) * rows.xp.abs(rows.y - rows.predictions)).sum(axis=0).mean()


def root_mean_squared_error(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    r"""The root of the mean of (y - \hat y)^2, in units of y; of several numbers a row the mean of their roots.

    As sklearn.metrics.root_mean_squared_error.

    >>> float(root_mean_squared_error([1.0, 2.0], [1.0, 4.0]).round(4))
    1.4142
    """
    rows = _numbers("root_mean_squared_error", y, predictions, weight)
    return rows.xp.sqrt((_share(rows) * rows.xp.square(rows.y - rows.predictions)).sum(axis=0)).mean()


def _numbers(where: str, y: Any, predictions: Any, weight: Any) -> Rows:
    """Rows with y and predictions as floats (rows, numbers of a row)."""
    rows = rows_of(where, y, predictions, weight)
    count = rows.y.shape[0]
    if rows.y.shape != rows.predictions.shape and not rows.y.size == rows.predictions.size == count:
        got = f"shape {rows.predictions.shape} beside {rows.y.shape}"
        raise ValueError(sentence(where, "predictions", "of the shape of y", got))
    y, predictions = (floats(rows.xp, array).reshape(count, -1) for array in (rows.y, rows.predictions))
    return rows._replace(y=y, predictions=predictions)


def _share(rows: Rows) -> Any:
    """What each row counts, (rows, 1), nan where there is no weight."""
    return ratio(rows.xp, rows.weight, rows.weight.sum(), rows.xp.nan)[:, None]
