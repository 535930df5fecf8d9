"""Figures of what was trained, by matplotlib: learning curves, decision regions in the plane, confusion matrices.

Each function draws into the ``Axes`` it is given and returns nothing. Colours are Okabe and Ito's (2008), which people with
any colour vision can tell apart; nothing here touches pyplot's global state.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxnn.checks import sentence
from jaxnn.runs import Run

try:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_hex, to_rgb
except ImportError as error:
    raise ImportError('jaxnn.plots needs matplotlib: pip install "jaxnn-toolkit[plots]"') from error

BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
"""One for each line or class, in this order."""
LINES = ("-", "--", "-.", ":")
"""Line styles go with the colours, so that a figure printed in grey can be read too."""

Predict = Callable[[np.ndarray], np.ndarray]
"""x (rows, 2) -> p(class 1) (rows,), or probabilities (rows, classes): a run's ``predict``, or scikit-learn's ``predict_proba``."""


def learning_curves(axes: Axes, groups: Mapping[str, Sequence[Run]], metric: str = "validation_loss") -> None:
    """A metric against epochs: for each named group of runs (the seeds of one recipe) its mean, one standard deviation around it.

    Runs may have stopped at different epochs; each epoch's mean is over the runs that reached it. Raises ValueError for a metric that the
    runs do not have.
    """
    for number, (name, runs) in enumerate(groups.items()):
        curves = _stacked(runs, metric)
        epochs, mean, sd = np.arange(1, curves.shape[1] + 1), np.nanmean(curves, axis=0), np.nanstd(curves, axis=0)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(epochs, mean, LINES[number % len(LINES)], color=colour, label=name)
        axes.fill_between(epochs, mean - sd, mean + sd, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.replace("_", " "))
    axes.legend(frameon=False)


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
        palette = ListedColormap([_lightened(COLOURS[number % len(COLOURS)]) for number in range(p.shape[1])])
        likeliest = p.argmax(axis=1).reshape(across.shape)
        _paint(axes, across, up, likeliest, palette, (-0.5, p.shape[1] - 0.5))
    for number, label in enumerate(np.unique(y)):
        colour, marker = COLOURS[number % len(COLOURS)], "o^svDP*X"[number % 8]
        axes.scatter(x[y == label, 0], x[y == label, 1], s=9, c=colour, marker=marker, edgecolors="white", linewidths=0.4)
    axes.set_xticks([])
    axes.set_yticks([])


def confusion_matrix(axes: Axes, truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> None:
    """How many examples of each class (rows) were taken for each (columns); mistakes are shaded by their share of the row.

    truth, predicted: classes (rows,) from 0 to len(names) - 1.
    """
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (np.asarray(truth), np.asarray(predicted)), 1)
    mistakes = counts * (1 - np.eye(len(names), dtype=int))
    shares = mistakes / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=LinearSegmentedColormap.from_list("mistakes", ["#FFFFFF", RED]), vmin=0)
    for (row, column), count in np.ndenumerate(counts):
        right = row == column
        axes.text(column, row, str(count) if count else "·", ha="center", va="center", color=BLUE if right else BLACK, fontsize=8)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)


def _stacked(runs: Sequence[Run], metric: str) -> np.ndarray:
    """A metric of several runs (runs, epochs), NaN where a run had ended."""
    for run in runs:
        if metric not in run.history:
            known = " or ".join(map(repr, run.history))
            raise ValueError(sentence("learning_curves", "metric", known, repr(metric), "Validation metrics need validation rows."))
    curves = np.full((len(runs), max(len(run.history[metric]) for run in runs)), np.nan)
    for row, run in zip(curves, runs, strict=True):
        row[: len(run.history[metric])] = run.history[metric]
    return curves


def _shade(axes: Axes, across: np.ndarray, up: np.ndarray, p: np.ndarray) -> None:
    palette = LinearSegmentedColormap.from_list("two classes", [_lightened(BLUE), "#FFFFFF", _lightened(RED)])
    _paint(axes, across, up, p, palette, (0, 1))
    if p.min() < 0.5 < p.max():
        axes.contour(across, up, p, levels=[0.5], colors=BLACK, linewidths=1)


def _paint(axes: Axes, across: np.ndarray, up: np.ndarray, values: np.ndarray, palette: Colormap, limits: tuple[float, float]) -> None:
    corners = (across[0, 0], across[0, -1], up[0, 0], up[-1, 0])
    axes.imshow(
        values, cmap=palette, vmin=limits[0], vmax=limits[1], extent=corners, origin="lower", aspect="auto", interpolation="nearest"
    )


def _lightened(colour: str) -> str:
    red, green, blue = (0.45 * part + 0.55 for part in to_rgb(colour))
    return to_hex((red, green, blue))
