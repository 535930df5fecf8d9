"""What a threshold on scores gives: true and false positives, precision and recall."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from jaxnn import metrics
from jaxnn.checks import sentence
from jaxnn.plots.style import BLACK, colour, line

MOST_INSIDE = 5
"""Curves whose legend has room among them; the legend of more stands beside the axes."""


class Counts(NamedTuple):
    """At each threshold, from the largest score to the smallest, how many rows reach it: of the class, and of the rest."""

    of_class: np.ndarray
    of_rest: np.ndarray


def roc_curves(axes: Axes, truth: Any, scores: Any, *, names: Sequence[str] | None = None) -> None:
    """The share of a class found (up) against the share of the rest taken for it (across), a point for each threshold on the scores.

    truth: classes (rows,). scores: (rows,) of class 1, any numbers; or (rows, classes), a curve for each class against the rest. names:
    of the curves, for the legend, which tells the area under each (``jaxnn.metrics.roc_auc``). A class that no row has, or all have, is
    left out. Raises ValueError for other shapes.
    """
    for number, (name, true, score) in enumerate(_curves("roc_curves", truth, scores, names)):
        axes.plot(*roc_points(true, score), line(number), color=colour(number), label=f"{name}{metrics.roc_auc(true, score):.3f}")
    axes.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8, linestyle=":")
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    _finish(axes, "area")


def precision_recall_curves(axes: Axes, truth: Any, scores: Any, *, names: Sequence[str] | None = None) -> None:
    """How many of those taken for a class are of it (up) against the share of it found (across), a point for each threshold.

    The legend tells the average precision of each, sum((R_n - R_(n-1)) P_n). Arguments and errors as of ``roc_curves``.
    """
    for number, (name, true, score) in enumerate(_curves("precision_recall_curves", truth, scores, names)):
        label, style = f"{name}{average_precision(true, score):.3f}", line(number)
        axes.plot(*precision_recall_points(true, score), style, color=colour(number), label=label, drawstyle="steps-pre")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    _finish(axes, "average precision")


def roc_points(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rate at each threshold, from (0, 0) to (1, 1). truth (rows,) says which are of the class.

    >>> across, up = roc_points(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> across.tolist(), up.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    counts = _counts(truth, scores)
    across, up = (np.concatenate([[0.0], part / part[-1]]) for part in (counts.of_rest, counts.of_class))
    return across, up


def precision_recall_points(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision at each threshold, from recall 0, where precision is 1 by convention.

    >>> recall, precision = precision_recall_points(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.8]))
    >>> recall.tolist(), precision.round(2).tolist()
    ([0.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.67])
    """
    counts = _counts(truth, scores)
    precision = counts.of_class / (counts.of_class + counts.of_rest)
    return np.concatenate([[0.0], counts.of_class / counts.of_class[-1]]), np.concatenate([[1.0], precision])


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """sum((R_n - R_(n-1)) P_n) over thresholds, as sklearn.metrics.average_precision_score."""
    recall, precision = precision_recall_points(truth, scores)
    return float((np.diff(recall) * precision[1:]).sum())


def _curves(where: str, truth: Any, scores: Any, names: Sequence[str] | None) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Of each class that some rows have and some have not: its name, which rows have it as 1 and 0, and its scores."""
    truth, scores = np.asarray(truth), np.asarray(scores, float)
    if truth.ndim != 1 or scores.ndim not in (1, 2) or len(scores) != len(truth):
        got = f"shapes {truth.shape} and {scores.shape}"
        raise ValueError(sentence(where, "truth and scores", "(rows,) classes, and (rows,) or (rows, classes) numbers", got))
    columns = {1: scores} if scores.ndim == 1 else dict(enumerate(scores.T))
    if names is not None and len(names) != len(columns):
        raise ValueError(sentence(where, "names", f"one for each of the {len(columns)} curves", f"{len(names)} of them"))
    words = names or ([""] if len(columns) == 1 else [str(label) for label in columns])
    found = [
        (f"{word} " if word else "", (truth == label).astype(int), column)
        for word, (label, column) in zip(words, columns.items(), strict=True)
    ]
    return [curve for curve in found if 0 < curve[1].sum() < len(truth)]


def _finish(axes: Axes, title: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    outside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if len(axes.get_lines()) > MOST_INSIDE + 1 else {}
    axes.legend(frameon=False, fontsize=8, title=title, title_fontsize=8, **outside)


def _counts(truth: np.ndarray, scores: np.ndarray) -> Counts:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # rows of one score pass the threshold together
    return Counts(np.cumsum(truth[order] == 1)[ends], np.cumsum(truth[order] != 1)[ends])
