"""How far predicted numbers are from the true ones."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from jaxnn import metrics
from jaxnn.checks import sentence
from jaxnn.plots.style import BLACK, BLUE, RED


def predicted_against_true(axes: Axes, truth: Any, predicted: Any) -> None:
    """A point for each number: the true one across, the predicted one up, and the line where they are equal; R2 and RMSE in the title.

    truth, predicted: (rows, ...) of one shape, or (rows,) beside (rows, 1). Raises ValueError for other shapes.
    """
    truth, predicted = _numbers("predicted_against_true", truth, predicted)
    ends = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
    axes.plot(ends, ends, color=BLACK, linewidth=0.8)
    _points(axes, truth, predicted)
    r2, rmse = metrics.r2(truth, predicted), metrics.root_mean_squared_error(truth, predicted)
    axes.set_title(f"R² {r2:.3f}, RMSE {rmse:,.0f}" if rmse >= 1000 else f"R² {r2:.3f}, RMSE {rmse:.3g}", fontsize=9)
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")


def residuals(axes: Axes, truth: Any, predicted: Any, *, bins: int = 10) -> None:
    """True minus predicted against predicted: a point for each number, and the mean in each of ``bins`` equally full ones, as a line, where
    there are fewer of those than points.

    Where a model is right on average the line stays at 0; the spread shows where it is sure. Arguments and errors as of
    ``predicted_against_true``.
    """
    truth, predicted = _numbers("residuals", truth, predicted)
    _points(axes, predicted, truth - predicted)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), bins) if len(part)]
    middles, means = ([values[part].mean() for part in parts] for values in (predicted, truth - predicted))
    if len(parts) < len(truth):  # else each point is its own mean
        axes.plot(middles, means, color=RED, marker="o", markersize=3, label="mean")
        axes.legend(frameon=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true − predicted")


def _points(axes: Axes, across: np.ndarray, up: np.ndarray) -> None:
    """Smaller and paler the more of them there are, so that dense places can be told."""
    axes.scatter(across, up, s=6 if len(across) > 100 else 20, color=BLUE, alpha=min(1.0, max(0.08, 300 / len(across))), linewidths=0)
    axes.spines[["top", "right"]].set_visible(False)


def _numbers(where: str, truth: Any, predicted: Any) -> tuple[np.ndarray, np.ndarray]:
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    if truth.shape != predicted.shape and not (truth.size == predicted.size == len(truth) == len(predicted)):
        raise ValueError(sentence(where, "predicted", f"of shape {truth.shape}, as truth", f"shape {predicted.shape}"))
    return truth.ravel(), predicted.ravel()
