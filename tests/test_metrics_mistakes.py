"""What can't be measured is refused in a sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import metrics

HALF = np.full(3, 0.5)
REFUSED = {
    "unequal rows": (lambda: metrics.accuracy([0, 1], [0, 1, 1]), r"accuracy: y and predictions must be one row .*, got shapes \(2,\) and"),
    "no rows": (lambda: metrics.accuracy([], []), "accuracy: y and predictions must be one row for each example, at least one"),
    "weights of another length": (
        lambda: metrics.f1([0, 1], [0, 1], weight=[1.0]),
        r"f1: weight must be of shape \(2,\), one for each row",
    ),
    "fractions as classes": (
        lambda: metrics.accuracy([0.0, 1.0], [0, 1]),
        r"accuracy: y must be \(rows,\) whole numbers from 0, got float64",
    ),
    "text as classes": (lambda: metrics.accuracy(["a"], ["a"]), r"accuracy: y must be \(rows,\) whole numbers from 0, got <U1"),
    "one-hot classes": (
        lambda: metrics.precision(np.eye(3, dtype=int), [0, 1, 2]),
        r"precision: y must be .*, got int64 of shape \(3, 3\)",
    ),
    "classes below 0": (lambda: metrics.recall([0, -1], [0, 1]), "recall: y must be .* whole numbers from 0, got -1 to 0"),
    "classes without a column": (lambda: metrics.log_loss([0, 2], np.full((2, 2), 0.5)), "log_loss: y must be .* from 0 to 1, got 0 to 2"),
    "log odds": (
        lambda: metrics.log_loss([0, 1, 1], [-3.0, 2.0, 1.0]),
        "log_loss: predictions must be probabilities from 0 to 1, got -3.0 to 2",
    ),
    "NaN": (lambda: metrics.accuracy([0, 1, 1], [np.nan, 0.5, 0.5]), "accuracy: predictions must be probabilities from 0 to 1, got nan to"),
    "one column": (lambda: metrics.roc_auc([0, 1, 1], HALF[:, None]), r"roc_auc: predictions must be numbers \(rows,\), of class 1, or"),
    "text": (lambda: metrics.roc_auc([0, 1], ["a", "b"]), "roc_auc: predictions must be numbers .*, got <U1"),
    "one column of scores": (
        lambda: metrics.top_k_accuracy([0, 1, 1], HALF, k=1),
        r"top_k_accuracy: predictions must be scores \(rows, classes\)",
    ),
    "k of 0": (lambda: metrics.top_k_accuracy([0], [[0.5, 0.5]], k=0), "top_k_accuracy: k must be a whole number >= 1, got 0"),
    "bins of 0": (lambda: metrics.calibration_error([0, 1, 1], HALF, bins=0), "calibration_error: bins must be a whole number >= 1, got 0"),
    "three classes as two": (
        lambda: metrics.f1([0, 1, 2], [0, 1, 2]),
        "f1: average must be 'macro', .* for more than two classes, got 'binary'",
    ),
    "no such average": (lambda: metrics.f1([0], [0], average="mean"), "f1: average must be 'binary' or 'macro' .*, got 'mean'"),
    "too few classes": (lambda: metrics.confusion_matrix([0, 2], [0, 0], classes=2), "confusion_matrix: classes must be more than 2"),
    "numbers of another shape": (lambda: metrics.r2(np.ones((2, 3)), np.ones((2, 2))), r"r2: predictions must be of the shape of y, got"),
    "tokens without classes": (
        lambda: metrics.perplexity([[0, 1]], [[0.5, 0.5]]),
        "perplexity: predictions must be of the shape of y and a last",
    ),
    "weights of rows for tokens": (
        lambda: metrics.perplexity([[0, 1]], np.full((1, 2, 2), 0.5), weight=[1.0]),
        r"perplexity: weight must be of shape \(1, 2\), as y is, got shape \(1,\)",
    ),
    "classes out of sight": (
        lambda: jax.eval_shape(metrics.confusion_matrix, jnp.zeros(2, int), jnp.zeros(2, int)),
        "confusion_matrix: classes must be given under jit, for shapes follow from it, got None",
    ),
}


@pytest.mark.parametrize(("mistake", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_measured_is_refused_in_a_sentence(mistake, match):
    with pytest.raises(ValueError, match=match):
        mistake()
