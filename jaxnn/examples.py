"""What numbers in a run's data are refused before anything is compiled."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.layers.sequences import check_lengths
from jaxnn.loop import Data

PIECE = 1 << 16
"""Numbers that are looked at together when data are checked."""


def check_examples(where: str, data: Data) -> None:
    """Refuses NaN and infinity, weights below 0 or all 0, and lengths that sequences can't have."""
    for name, examples in (("x", data.x), ("y", data.y)):
        for array in map(np.asarray, jax.tree.leaves(examples)):
            bad = not_finite(array) if jnp.issubdtype(array.dtype, jnp.floating) else 0
            if bad:
                raise ValueError(sentence(where, name, "finite numbers", f"{bad} NaN or infinite of {array.size}", "Drop or impute them."))
    _check_weight(where, data)
    check_lengths(where, data.x)


def not_finite(array: np.ndarray) -> int:
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
