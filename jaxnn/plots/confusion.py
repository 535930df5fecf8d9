"""Which classes are taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from jaxnn import metrics
from jaxnn.plots.style import BLACK, BLUE, RED, WHITE, shades

LONG = 3
"""Names of more letters would run into each other across; they are turned."""


def confusion_matrix(axes: Axes, truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> None:
    """How many examples of each class (rows) were taken for each (columns); mistakes are shaded by their share of the row.

    truth, predicted: classes (rows,) from 0 to len(names) - 1.
    """
    counts = metrics.confusion_matrix(np.asarray(truth), np.asarray(predicted), classes=len(names))
    mistakes = counts * (1 - np.eye(len(names), dtype=int))
    shares = mistakes / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=shades(WHITE, RED), vmin=0)
    for (row, column), count in np.ndenumerate(counts):
        right = row == column
        axes.text(column, row, str(count) if count else "·", ha="center", va="center", color=BLUE if right else BLACK, fontsize=8)
    axes.set_xticks(range(len(names)), names)
    if max(map(len, names)) > LONG:
        axes.tick_params(axis="x", labelrotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
