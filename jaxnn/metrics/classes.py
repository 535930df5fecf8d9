r"""Metrics of the class that is chosen: y (rows,) whole numbers from 0.

predictions: the chosen class, whole numbers (rows,); or what it is chosen by, probabilities or other scores (rows, classes), of which
the largest wins (the first of equals), or p(class 1) (rows,), class 1 where above 1/2. ``classes`` is by default the number of
columns, or else one more than the largest class in sight, which under ``jit`` is out of sight.
"""

from typing import Any, Literal, NamedTuple

from jaxnn.checks import check_whole, sentence
from jaxnn.metrics.rows import Rows, check_probabilities, class_numbers, floats, is_float, is_traced, ratio, rows_of

Average = Literal["binary", "macro", "micro", "weighted"] | None
"""How the scores of classes become one; ``precision`` says which is what."""
AVERAGES = ("binary", "macro", "micro", "weighted", None)


def accuracy(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    """The share of rows whose class is right: sum(w [chosen = y]) / sum(w). As sklearn.metrics.accuracy_score.

    >>> float(accuracy([0, 1, 1], [0, 1, 0], weight=[1, 1, 2]))
    0.5
    """
    rows = rows_of("accuracy", y, predictions, weight)
    true, chosen = _chosen("accuracy", rows)
    return rows.mean(true == chosen)


def top_k_accuracy(y: Any, predictions: Any, *, k: int, weight: Any = None) -> Any:
    """The share of rows whose class is among the k with the largest scores; predictions (rows, classes).

    Of equal scores the later class counts as larger, as in sklearn.metrics.top_k_accuracy_score.

    >>> float(top_k_accuracy([0, 2], [[0.3, 0.5, 0.2], [0.3, 0.5, 0.2]], k=2))
    0.5
    """
    check_whole("top_k_accuracy", "k", k, low=1)
    rows = rows_of("top_k_accuracy", y, predictions, weight)
    if rows.predictions.ndim != 2:
        raise ValueError(sentence("top_k_accuracy", "predictions", "scores (rows, classes)", f"shape {rows.predictions.shape}"))
    classes = rows.xp.arange(rows.predictions.shape[1])
    true = class_numbers("top_k_accuracy", "y", rows, rows.y, len(classes))[:, None]
    score = rows.xp.take_along_axis(rows.predictions, true, axis=1)
    ahead = ~(rows.predictions <= score) | ((rows.predictions == score) & (classes > true))  # NaN is ahead of all: no hit
    return rows.mean(ahead.sum(axis=1) < k)


def confusion_matrix(y: Any, predictions: Any, *, classes: int | None = None, weight: Any = None) -> Any:
    """How many rows of each class (down) were taken for which (across), (classes, classes), as sklearn.metrics.confusion_matrix.

    Whole numbers without weights, else sums of weights. Classes that never occur keep their row and column.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
    [[1, 0], [1, 1]]
    """
    rows = rows_of("confusion_matrix", y, predictions, weight)
    true, chosen = _chosen("confusion_matrix", rows)
    classes = _count("confusion_matrix", rows, true, chosen, classes)
    return rows.sums(true * classes + chosen, None if weight is None else rows.weight, classes**2).reshape(classes, classes)


def precision(y: Any, predictions: Any, *, average: Average = "binary", classes: int | None = None, weight: Any = None) -> Any:
    """Of the rows taken for a class, the share that are: right / taken; 0 for a class that is never chosen.

    average: "binary" (class 1 of two), "macro" (the mean over classes that occur in y or are chosen), "micro" (all rows together),
    "weighted" (the mean by rows of the class), or None: (classes,). As sklearn.metrics.precision_score with zero_division=0.

    >>> float(precision([0, 1, 1, 0], [0, 1, 1, 1]).round(4))
    0.6667
    """
    rows = rows_of("precision", y, predictions, weight)
    counts = _counts("precision", rows, average, classes)
    return _averaged(rows, counts.right, counts.taken, average, counts)


def recall(y: Any, predictions: Any, *, average: Average = "binary", classes: int | None = None, weight: Any = None) -> Any:
    """Of the rows of a class, the share taken for it: right / there; 0 for a class without rows.

    average: as for ``precision``. As sklearn.metrics.recall_score with zero_division=0.

    >>> float(recall([0, 1, 1, 0], [0, 1, 0, 1]))
    0.5
    """
    rows = rows_of("recall", y, predictions, weight)
    counts = _counts("recall", rows, average, classes)
    return _averaged(rows, counts.right, counts.there, average, counts)


def f1(y: Any, predictions: Any, *, average: Average = "binary", classes: int | None = None, weight: Any = None) -> Any:
    """The harmonic mean of precision and recall: 2 right / (taken + there); 0 for a class that neither occurs nor is chosen.

    average: as for ``precision``; "macro" is the mean of the classes' F1. As sklearn.metrics.f1_score with zero_division=0.

    >>> float(f1([0, 1, 1, 0], [0, 1, 1, 1]))
    0.8
    """
    rows = rows_of("f1", y, predictions, weight)
    counts = _counts("f1", rows, average, classes)
    return _averaged(rows, 2 * counts.right, counts.taken + counts.there, average, counts)


def _columns(rows: Rows) -> int | None:
    """How many classes the predictions speak of, None where they are class numbers."""
    if not is_float(rows.predictions):
        return None
    return rows.predictions.shape[1] if rows.predictions.ndim == 2 else 2


def _chosen(where: str, rows: Rows) -> tuple[Any, Any]:
    """The true and the chosen class of each row, (rows,) both."""
    columns, chosen = _columns(rows), rows.predictions
    if columns and chosen.ndim == 2:
        chosen = chosen.argmax(axis=1)
    elif columns and chosen.ndim == 1:
        check_probabilities(where, chosen)
        chosen = chosen > 0.5
    true = class_numbers(where, "y", rows, rows.y, columns)
    return true, class_numbers(where, "predictions", rows, chosen, columns)


def _count(where: str, rows: Rows, true: Any, chosen: Any, classes: int | None, average: Average = None) -> int:
    if average not in AVERAGES:
        raise ValueError(sentence(where, "average", " or ".join(map(repr, AVERAGES)), repr(average)))
    if classes is not None:
        check_whole(where, "classes", classes, low=1)
    count = classes or _columns(rows) or (2 if average == "binary" else None)
    traced = is_traced(true) or is_traced(chosen)
    if count is None and traced:
        raise ValueError(sentence(where, "classes", "given under jit, for shapes follow from it", "None"))
    largest = -1 if traced else max(int(true.max()), int(chosen.max()))
    if average == "binary" and (count != 2 or largest > 1):
        more = f"'binary' and {max(count or 0, largest + 1)} classes"
        raise ValueError(sentence(where, "average", "'macro', 'micro', 'weighted' or None for more than two classes", more))
    count = count or largest + 1
    if largest >= count:
        raise ValueError(sentence(where, "classes", f"more than {largest}, the largest class of y and predictions", count))
    return count


class _Counts(NamedTuple):
    """Of each class, (classes,), the weight of rows taken for it rightly, taken for it, and of it; and whether it occurs at all."""

    right: Any
    taken: Any
    there: Any
    occurs: Any


def _counts(where: str, rows: Rows, average: Average, classes: int | None) -> _Counts:
    true, chosen = _chosen(where, rows)
    count = _count(where, rows, true, chosen, classes, average)
    return _Counts(
        right=rows.sums(true, rows.weight * floats(rows.xp, true == chosen), count),
        taken=rows.sums(chosen, rows.weight, count),
        there=rows.sums(true, rows.weight, count),
        occurs=rows.sums(true, None, count) + rows.sums(chosen, None, count) > 0,
    )


def _averaged(rows: Rows, over: Any, under: Any, average: Average, counts: _Counts) -> Any:
    if average == "micro":
        return ratio(rows.xp, over.sum(), under.sum(), 0.0)
    scores = ratio(rows.xp, over, under, 0.0)
    if average == "binary":
        return scores[1]
    if average is None:
        return scores
    share = counts.there if average == "weighted" else floats(rows.xp, counts.occurs)
    return ratio(rows.xp, (share * scores).sum(), share.sum(), 0.0)
