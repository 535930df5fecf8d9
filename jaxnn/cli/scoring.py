"""Scores on the test rows, which took no part in choosing."""

from typing import Any, Protocol

import numpy as np

from jaxnn import metrics
from jaxnn.cli.study import Study


class Predictor(Protocol):
    """A run, an ensemble or a loaded model."""

    def predict(self, x: Any) -> np.ndarray:
        """Probabilities (rows, classes) or standardised numbers (rows,)."""
        ...


def test_score(study: Study, predictor: Predictor) -> float:
    """Accuracy, or R2 = 1 - squared error / variance, on the test rows."""
    predictions, y = predictor.predict(study.data.x[study.test]), study.data.y[study.test]
    if study.kind == "classification":
        return float(metrics.accuracy(y, predictions))
    return float(metrics.r2(y, predictions))


def baseline(study: Study) -> dict[str, float]:
    """What knowing nothing of x scores: always the most frequent class, or always the mean, of the training rows."""
    y, truth = study.data.y[study.data.train], study.data.y[study.test]
    if study.kind == "classification":
        return {"majority class": float(np.mean(truth == np.bincount(y).argmax()))}
    return {"mean of training rows": float(metrics.r2(truth, np.full_like(truth, y.mean())))}


def confusion(study: Study, predictor: Predictor) -> list[list[int]]:
    """Test rows of class i taken for class j; empty for a regression."""
    if study.kind == "regression":
        return []
    truth, predictions = study.data.y[study.test], predictor.predict(study.data.x[study.test])
    return metrics.confusion_matrix(truth, predictions, classes=study.outputs).tolist()


def pairs(study: Study, predictor: Predictor) -> list[tuple[float, float]]:
    """(true, predicted) of the test rows in the target's own units; empty for a classification."""
    if study.kind == "classification":
        return []
    restore = study.preprocessing.restore
    truth, found = restore(study.data.y[study.test]), restore(predictor.predict(study.data.x[study.test]))
    return list(zip(truth.tolist(), found.tolist(), strict=True))
