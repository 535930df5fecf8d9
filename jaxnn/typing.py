"""Words of the project that nearly every file uses. Imports nothing of jaxnn."""

import math
from typing import Any, NamedTuple

import jax

Params = Any
"""A pytree of arrays."""
Key = jax.Array
"""A typed JAX random key."""
Metrics = dict[str, jax.Array]
"""Scalars by name: weighted means over a batch."""


class Batch(NamedTuple):
    """Examples that are worked on together: x (batch, ...), y (batch, ...) or None, weight (batch,).

    A weight of zero marks a row that only pads the batch to its fixed size.
    """

    x: Any
    y: Any
    weight: Any


class Sequences(NamedTuple):
    """Sequences of different lengths in one array: what layers over time take besides a plain array (batch, time, features).

    values (batch, time, ...), of row i only the first ``lengths[i]`` steps are meant; lengths (batch,) whole numbers from 1, or
    None where all steps are; state: what a recurrence begins with, or None for zeros.
    """

    values: Any
    lengths: Any = None
    state: Any = None


class Range(NamedTuple):
    """The interval that a hyperparameter must lie in.

    >>> 0.5 in Range(0, 1), 1 in Range(0, 1, open_high=True), str(Range(0, 1, open_high=True))
    (True, False, '[0, 1)')
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        left = "(" if self.open_low or math.isinf(self.low) else "["
        right = ")" if self.open_high or math.isinf(self.high) else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"
