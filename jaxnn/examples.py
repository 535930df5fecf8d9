"""What numbers in a run's data are refused before anything is compiled."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.loop import Data
from jaxnn.typing import Sequences

PIECE = 1 << 16
"""Numbers that are looked at together when data are checked."""


def check_examples(where: str, data: Data) -> None:
    """Refuses NaN and infinity, weights below 0 or all 0, and lengths that sequences can't have."""
    for name, examples in (("x", data.x), ("y", data.y)):
        for array in map(np.asarray, jax.tree.leaves(examples)):
            bad = _not_finite(array) if jnp.issubdtype(array.dtype, jnp.floating) else 0
            if bad:
                raise ValueError(sentence(where, name, "finite numbers", f"{bad} NaN or infinite of {array.size}", "Drop or impute them."))
    _check_weight(where, data)
    _check_lengths(where, data.x)


def _not_finite(array: np.ndarray) -> int:
    """How many numbers are not, in pieces that stay in the cache. Of a piece with a finite sum all are, which takes a third of the time."""
    flat = array.reshape(-1)
    pieces = (flat[start : start + PIECE] for start in range(0, flat.size, PIECE))
    with np.errstate(over="ignore", invalid="ignore"):
        return sum(int(piece.size - np.isfinite(piece).sum()) for piece in pieces if not np.isfinite(piece.sum()))


def _check_weight(where: str, data: Data) -> None:
    if data.weight is None:
        return
    weight = np.asarray(data.weight)
    if weight.ndim != 1 or not np.isfinite(weight).all() or weight.min() < 0 or not weight[np.asarray(data.train)].any():
        got = f"shape {weight.shape}, {weight.min():g} to {weight.max():g}"
        raise ValueError(sentence(where, "weight", "one finite number >= 0 for each row, not all 0", got))
    if data.validation is not None and not weight[np.asarray(data.validation)].any():
        raise ValueError(sentence(where, "weight", "above 0 for a row to validate on at least", "0 for all of them"))


def _check_lengths(where: str, x: Any) -> None:
    for sequences in jax.tree.leaves(x, is_leaf=lambda node: isinstance(node, Sequences)):
        if isinstance(sequences, Sequences) and sequences.lengths is not None:
            lengths, steps = np.asarray(sequences.lengths), sequences.values.shape[1]
            if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
                expected = "whole numbers of shape (rows,), one for each sequence"
                raise TypeError(sentence(where, "lengths", expected, f"{lengths.dtype} of shape {lengths.shape}"))
            if lengths.min() < 1 or lengths.max() > steps:
                raise ValueError(sentence(where, "lengths", f"from 1 to the {steps} steps of x", f"{lengths.min()} to {lengths.max()}"))
