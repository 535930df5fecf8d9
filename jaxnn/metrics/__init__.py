"""Metrics: how good predictions are, as pure functions ``metric(y, predictions, *, weight=None)``: the truth first, as in scikit-learn.

y (rows, ...) is the truth; predictions (rows, ...) what a task's ``predict`` gives, or class numbers; weight (rows,) >= 0 how much each
row counts, None for all alike. NumPy arrays are worked on by NumPy in float64, JAX arrays by JAX in its default precision, under
``jit`` and ``vmap`` too; then values can't be looked at, so only shapes are checked and ``classes`` has to be given where it matters.
Raises ValueError for shapes that do not fit and for classes or probabilities out of range. Weights that add up to 0 give nan.
"""

from jaxnn.metrics.classes import accuracy, confusion_matrix, f1, precision, recall, top_k_accuracy
from jaxnn.metrics.probabilities import calibration_error, log_loss, perplexity, roc_auc
from jaxnn.metrics.regression import mean_absolute_error, r2, root_mean_squared_error

__all__ = [
    "accuracy",
    "calibration_error",
    "confusion_matrix",
    "f1",
    "log_loss",
    "mean_absolute_error",
    "perplexity",
    "precision",
    "r2",
    "recall",
    "roc_auc",
    "root_mean_squared_error",
    "top_k_accuracy",
]
