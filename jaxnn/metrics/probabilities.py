r"""Metrics of probabilities: y whole numbers from 0, predictions p(class 1) (rows,) or one column a class (rows, classes)."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import check_whole, sentence
from jaxnn.metrics.rows import Rows, check_probabilities, class_numbers, computes, floats, is_float, ratio, rows_of


def roc_auc(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    """The chance that a row of the class has a larger score than a row of another, ties counting half: the area under the ROC curve.

    sum(w_i w_j ([s_i > s_j] + [s_i = s_j] / 2)) / sum(w_i w_j) over rows i of the class and j of others, by one sort. predictions:
    (rows,) scores of class 1, any numbers; or (rows, classes), the mean over classes, each against the rest ("ovr", "macro").
    nan where a class, or all others, are not in y, and for scores that are nan. As sklearn.metrics.roc_auc_score.
    Source: Hanley & McNeil 1982.

    >>> float(roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    rows = _scored("roc_auc", y, predictions, weight)
    if rows.predictions.ndim == 1:
        return _area(rows.xp, rows.predictions, rows.y == 1, rows.weight)
    columns, classes = rows.predictions.T, rows.predictions.shape[1]
    truth = rows.y == rows.xp.arange(classes)[:, None]
    area = functools.partial(_area, rows.xp)
    if rows.xp is jnp:
        return jax.vmap(area, in_axes=(0, 0, None))(columns, truth, rows.weight).mean()
    return np.mean([area(column, true, rows.weight) for column, true in zip(columns, truth, strict=True)])


def log_loss(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    """Minus the logarithm of the probability of the true class, its mean over rows: sum(w (-ln p_y)) / sum(w).

    Probabilities are held eps away from 0 and 1 first, the eps of their precision, so that the result is finite. As
    sklearn.metrics.log_loss.

    >>> float(log_loss([0, 1], [[0.5, 0.5], [0.75, 0.25]]).round(4))
    1.0397
    """
    rows = _scored("log_loss", y, predictions, weight, between=True)
    if rows.predictions.ndim == 1:
        true = rows.xp.where(rows.y == 1, rows.predictions, 1 - rows.predictions)
    else:
        true = rows.xp.take_along_axis(rows.predictions, rows.y[:, None], axis=1)[:, 0]
    eps = _eps(predictions)
    return rows.mean(-rows.xp.log(rows.xp.clip(true, eps, 1 - eps)))


def perplexity(y: Any, predictions: Any, *, weight: Any = None) -> Any:
    """exp of the log loss: among how many equally likely classes, or tokens, the choice is as hard.

    predictions (rows, ..., classes), y and weight (rows, ...): with (batch, time, tokens) a weight of 0 leaves padding out.

    >>> float(perplexity([[0, 1]], [[[0.5, 0.5], [0.5, 0.5]]]))
    2.0
    """
    xp = computes(y, predictions, weight)
    y, predictions = xp.asarray(y), xp.asarray(predictions)
    if predictions.ndim < 2 or predictions.shape[:-1] != y.shape:
        got = f"shape {predictions.shape} beside y of shape {y.shape}"
        raise ValueError(sentence("perplexity", "predictions", "of the shape of y and a last axis of classes", got))
    if weight is not None and np.shape(weight) != y.shape:
        raise ValueError(sentence("perplexity", "weight", f"of shape {y.shape}, as y is", f"shape {np.shape(weight)}"))
    flat = None if weight is None else xp.asarray(weight).reshape(-1)
    return xp.exp(log_loss(y.reshape(-1), predictions.reshape(-1, predictions.shape[-1]), weight=flat))


def calibration_error(y: Any, predictions: Any, *, bins: int = 15, weight: Any = None) -> Any:
    r"""How far probabilities are from frequencies: the expected calibration error.

    Rows are put into ``bins`` of equal width by their probability p, upper edges included; the error is the mean, by rows in a bin, of
    \|frequency - mean p\|. (rows,): p and frequency of class 1; (rows, classes): p of the most probable class and how often that is
    the true one. As from sklearn.calibration.calibration_curve. Source: Naeini et al. 2015; Guo et al. 2017, equation 3.

    >>> float(calibration_error([1, 1, 0, 1], [0.75, 0.75, 0.75, 0.75], bins=2))
    0.0
    """
    check_whole("calibration_error", "bins", bins, low=1)
    rows = _scored("calibration_error", y, predictions, weight, between=True)
    p, right = rows.predictions, rows.y == 1
    if p.ndim == 2:
        p, right = p.max(axis=1), p.argmax(axis=1).astype(rows.y.dtype) == rows.y
    edges = rows.xp.linspace(0.0, 1.0, bins + 1)[1:-1]
    excess = rows.sums(rows.xp.searchsorted(edges, p), rows.weight * (floats(rows.xp, right) - p), bins)
    return ratio(rows.xp, rows.xp.abs(excess).sum(), rows.weight.sum(), np.nan)


def _scored(where: str, y: Any, predictions: Any, weight: Any, *, between: bool = False) -> Rows:
    """Rows with y as class numbers and predictions as floats (rows,) or (rows, classes), from 0 to 1 where ``between`` is said."""
    rows = rows_of(where, y, predictions, weight)
    shape = rows.predictions.shape
    if len(shape) > 2 or shape[1:] == (1,) or rows.predictions.dtype.kind in "OSU":
        got = f"{rows.predictions.dtype} of shape {shape}"
        raise ValueError(sentence(where, "predictions", "numbers (rows,), of class 1, or (rows, classes >= 2)", got))
    true = class_numbers(where, "y", rows, rows.y, shape[1] if len(shape) == 2 else 2)
    if between:
        check_probabilities(where, rows.predictions)
    return rows._replace(y=true, predictions=floats(rows.xp, rows.predictions))


def _eps(predictions: Any) -> float:
    """The eps of the precision that probabilities came in; of half precisions that of single."""
    array = predictions if hasattr(predictions, "dtype") else np.asarray(predictions)
    return min(float(jnp.finfo(array.dtype).eps), float(jnp.finfo(jnp.float32).eps)) if is_float(array) else float(jnp.finfo(float).eps)


def _area(xp: Any, scores: Any, true: Any, weight: Any) -> Any:
    """The area under the ROC curve of one class, (rows,) all."""
    order = xp.argsort(scores)
    scores, true, weight = scores[order], true[order], weight[order]
    of_class, of_rest = xp.where(true, weight, 0.0), xp.where(true, 0.0, weight)
    passed = xp.concatenate([xp.zeros(1, weight.dtype), xp.cumsum(of_rest)])
    below, up_to = (passed[xp.searchsorted(scores, scores, side=side)] for side in ("left", "right"))
    share = ratio(xp, of_class, of_class.sum(), np.nan)
    area = (share * ratio(xp, (below + up_to) / 2, of_rest.sum(), np.nan)).sum()
    return xp.where(xp.isnan(scores).any(), np.nan, area)
