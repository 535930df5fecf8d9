"""What a model of two inputs predicts all over the plane."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap

from jaxnn.checks import sentence
from jaxnn.plots.style import BLACK, BLUE, RED, WHITE, colour, lightened, shades

Predict = Callable[[np.ndarray], np.ndarray]
"""x (rows, 2) -> p(class 1) (rows,), or probabilities (rows, classes): a run's ``predict``, or scikit-learn's ``predict_proba``."""


def decision_boundary(axes: Axes, predict: Predict, x: np.ndarray, y: np.ndarray, *, resolution: int = 150) -> None:
    """What a model of two inputs predicts all over the plane, with examples x (rows, 2) of classes y (rows,) on top.

    One probability a row is shown as a shade from class 0 (blue) to class 1 (orange), with the line p = 1/2; for more classes the
    regions of the likeliest are shown. resolution: points along each side of the grid.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(sentence("decision_boundary", "x", "of shape (rows, 2)", f"shape {x.shape}", "Choose two of the columns."))
    spread = np.ptp(x, axis=0)
    margin = np.where(spread > 0, 0.08 * spread, 1.0)  # points on a line still lie in a plane
    sides = [np.linspace(low, high, resolution) for low, high in zip(x.min(axis=0) - margin, x.max(axis=0) + margin, strict=True)]
    across, up = np.meshgrid(*sides)
    p = np.asarray(predict(np.column_stack([across.ravel(), up.ravel()]).astype(x.dtype)))
    if p.ndim == 1:
        _shade(axes, across, up, p.reshape(across.shape))
    else:
        palette = ListedColormap([lightened(colour(number)) for number in range(p.shape[1])])
        likeliest = p.argmax(axis=1).reshape(across.shape)
        _paint(axes, across, up, likeliest, palette, (-0.5, p.shape[1] - 0.5))
    for number, label in enumerate(np.unique(y)):
        marker = "o^svDP*X"[number % 8]
        axes.scatter(x[y == label, 0], x[y == label, 1], s=9, c=colour(number), marker=marker, edgecolors="white", linewidths=0.4)
    axes.set_xticks([])
    axes.set_yticks([])


def _shade(axes: Axes, across: np.ndarray, up: np.ndarray, p: np.ndarray) -> None:
    palette = shades(lightened(BLUE), WHITE, lightened(RED))
    _paint(axes, across, up, p, palette, (0, 1))
    if p.min() < 0.5 < p.max():
        axes.contour(across, up, p, levels=[0.5], colors=BLACK, linewidths=1)


def _paint(axes: Axes, across: np.ndarray, up: np.ndarray, values: np.ndarray, palette: Colormap, limits: tuple[float, float]) -> None:
    corners = (across[0, 0], across[0, -1], up[0, 0], up[-1, 0])
    axes.imshow(
        values, cmap=palette, vmin=limits[0], vmax=limits[1], extent=corners, origin="lower", aspect="auto", interpolation="nearest"
    )
