"""Whether probabilities can be believed."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from jaxnn import metrics
from jaxnn.plots.style import BLACK, BLUE, PALE


def calibration(axes: Axes, truth: Any, probabilities: Any, *, bins: int = 15) -> None:
    """A reliability diagram: how often what is said with probability p is so, against p, and the share of rows in each bin as grey bars.

    Rows are put into ``bins`` of equal width by p, upper edges included; on the diagonal probabilities are frequencies. In the title the
    expected calibration error, ``jaxnn.metrics.calibration_error``. truth: classes (rows,). probabilities: p(class 1) (rows,), or
    (rows, classes), of which the largest of each row counts, and how often that class is the true one.
    Raises ValueError for other shapes and for numbers that are no probabilities.
    """
    truth, p = np.asarray(truth), np.asarray(probabilities, float)
    error = metrics.calibration_error(truth, p, bins=bins)
    right = truth == 1 if p.ndim == 1 else truth == p.argmax(axis=1)
    p = p if p.ndim == 1 else p.max(axis=1)
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    rows = np.bincount(place, minlength=bins)
    seen = rows > 0
    said, true = (np.bincount(place, values, minlength=bins)[seen] / rows[seen] for values in (p, right.astype(float)))
    axes.bar((np.arange(bins) + 0.5) / bins, rows / rows.sum(), 1 / bins, color=PALE, edgecolor="white", label="share of rows")
    axes.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8)
    axes.plot(said, true, color=BLUE, marker="o", markersize=4, label="frequency")
    axes.set_title(f"calibration error {error:.3f}", fontsize=9)
    axes.set_xlabel("probability")
    axes.set_ylabel("frequency")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(0, 1.2)  # room for the legend above all bars
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.legend(frameon=False, loc="upper left", ncols=2)
