"""What metrics are computed from: rows of truth, predictions and weights, checked, in NumPy or in JAX as they came."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence


class Rows(NamedTuple):
    """y (rows, ...), predictions (rows, ...) and weight (rows,), and who computes: ``xp`` is numpy or jax.numpy."""

    xp: Any
    y: Any
    predictions: Any
    weight: Any

    def mean(self, values: Any) -> Any:
        """The weighted mean over rows, nan where there is no weight."""
        return ratio(self.xp, (self.weight * floats(self.xp, values)).sum(), self.weight.sum(), np.nan)

    def sums(self, index: Any, values: Any, count: int) -> Any:
        """The sum of the values by their index, 0 to count - 1; of ones, as whole numbers, where values is None."""
        size = {"length" if self.xp is jnp else "minlength": count}
        return self.xp.bincount(index, values, **size)


def rows_of(where: str, y: Any, predictions: Any, weight: Any) -> Rows:
    """The arrays as they are, with weights of 1 where there are none. Raises ValueError unless all have the same rows."""
    xp = computes(y, predictions, weight)
    y, predictions = xp.asarray(y), xp.asarray(predictions)
    if y.ndim == 0 or y.shape[0] == 0 or y.shape[:1] != predictions.shape[:1]:
        got = f"shapes {y.shape} and {predictions.shape}"
        raise ValueError(sentence(where, "y and predictions", "one row for each example, at least one", got))
    weight = xp.ones(y.shape[0]) if weight is None else floats(xp, xp.asarray(weight))
    if weight.shape != y.shape[:1]:
        raise ValueError(sentence(where, "weight", f"of shape {y.shape[:1]}, one for each row", f"shape {weight.shape}"))
    return Rows(xp, y, predictions, weight)


def computes(*arrays: Any) -> Any:
    """jax.numpy where an array is JAX's, else numpy."""
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np


def floats(xp: Any, values: Any) -> Any:
    """In float64 by NumPy, in JAX's default precision by JAX."""
    return values.astype(np.float64 if xp is np else jnp.result_type(float))


def ratio(xp: Any, over: Any, under: Any, empty: float) -> Any:
    """over / under, and ``empty`` where under is 0."""
    none = under == 0
    return xp.where(none, empty, over / xp.where(none, 1.0, under))


def is_float(array: Any) -> bool:
    """Whether the array holds fractions, bfloat16 among them."""
    return bool(jnp.issubdtype(array.dtype, jnp.floating))


def class_numbers(where: str, argument: str, rows: Rows, array: Any, classes: int | None = None) -> Any:
    """The array (rows,) as whole numbers of one dtype. Raises ValueError for fractions, text, other shapes and classes out of range."""
    expected = "(rows,) whole numbers from 0" + (f" to {classes - 1}" if classes else "")
    if array.ndim != 1 or array.dtype.kind not in "iub":
        raise ValueError(sentence(where, argument, expected, f"{array.dtype} of shape {array.shape}"))
    whole = array.astype(np.int64 if rows.xp is np else jnp.result_type(int))
    if not is_traced(whole) and (whole.min() < 0 or (classes and whole.max() >= classes)):
        raise ValueError(sentence(where, argument, expected, f"{whole.min()} to {whole.max()}"))
    return whole


def is_traced(array: Any) -> bool:
    """Whether the values are out of sight, under ``jit`` and the like."""
    return isinstance(array, jax.core.Tracer)


def check_probabilities(where: str, array: Any) -> None:
    """Refuses what is not between 0 and 1, NaN too, where values can be looked at."""
    if not is_traced(array) and not ((array >= 0) & (array <= 1)).all():
        got = f"{array.min()} to {array.max()}"
        raise ValueError(sentence(where, "predictions", "probabilities from 0 to 1", got, "Of log odds take the sigmoid or softmax."))
