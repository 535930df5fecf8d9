"""What a schedule is, and the plain ones: constant, in pieces, and a warm-up before another.

Symbols of all schedules: t is the step, counted from 0; ``steps`` are updates of the optimizer, not epochs.
"""

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.records import Record, number


class Schedule(Record, ABC):
    """A number that depends on the step. Call it with the step, counted from 0, any whole number or array of them.

    All numbers of a schedule are hyperparameters, lengths among them: they may be traced, swept and differentiated, and every value
    of them runs in the same program. The result has the dtype of these numbers. optax takes a schedule where it takes its own.
    """

    def __call__(self, step: Any) -> jax.Array:
        """The number at that step, of the step's shape."""
        dtypes = [leaf.dtype for leaf in jax.tree.leaves(self) if jnp.issubdtype(getattr(leaf, "dtype", int), jnp.floating)]
        dtype = jax.dtypes.canonicalize_dtype(dtypes[0] if dtypes else float)
        schedule = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), self)
        return schedule.at(jnp.asarray(step).astype(dtype))

    @abstractmethod
    def at(self, t: jax.Array) -> jax.Array:
        """The number at step t, which is of the dtype of the schedule's own numbers: what a schedule of one's own defines."""


class Constant(Schedule):
    """The same number at every step, for what comes after a ``WarmUp``."""

    learning_rate: float = number(low=0)

    def at(self, t: jax.Array) -> jax.Array:
        return jnp.broadcast_to(self.learning_rate, t.shape)


class Piecewise(Schedule):
    """``values[0]`` before step ``boundaries[0]``, ``values[1]`` from there to ``boundaries[1]``, and so on.

    Raises ValueError unless there is one value more than boundaries, which ascend. How many there are is structure.

    >>> round(float(Piecewise((0.1, 0.01, 0.001), boundaries=(100, 200))(100)), 4)
    0.01
    """

    values: tuple[float, ...] = number(low=0)
    boundaries: tuple[float, ...] = number(low=0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.values, tuple) or not isinstance(self.boundaries, tuple):
            raise TypeError(sentence("Piecewise", "values and boundaries", "tuples of numbers", f"{self.values!r}, {self.boundaries!r}"))
        if len(self.values) != len(self.boundaries) + 1:
            expected = f"{len(self.boundaries) + 1} numbers, one more than boundaries"
            raise ValueError(sentence("Piecewise", "values", expected, len(self.values)))
        known = [boundary for boundary in self.boundaries if isinstance(boundary, int | float)]
        if known != sorted(known):
            raise ValueError(sentence("Piecewise", "boundaries", "ascending", self.boundaries))

    def at(self, t: jax.Array) -> jax.Array:
        value = jnp.broadcast_to(self.values[0], t.shape)
        for boundary, then in zip(self.boundaries, self.values[1:], strict=True):
            value = jnp.where(t >= boundary, then, value)
        return value


class WarmUp(Schedule):
    """Another schedule after ``steps`` steps that lead in a straight line from ``start`` to where it begins.

    ``WarmUp(Cosine(1e-3, steps=900), steps=100)`` is 1,000 steps: the other schedule's first is number 100. steps=0: no warm-up.
    Source: Goyal et al. 2017, section 2.2.

    >>> round(float(WarmUp(Constant(0.1), steps=10)(5)), 4)
    0.05
    """

    then: Schedule
    steps: float = number(low=0, kw_only=True)
    start: float = number(low=0, default=0.0)

    def __post_init__(self) -> None:
        if not isinstance(self.then, Schedule):
            advice = "For a number write Constant(0.1)."
            raise TypeError(sentence("WarmUp", "then", "a schedule", repr(self.then)[:60], advice))

    def at(self, t: jax.Array) -> jax.Array:
        peak = self.then.at(jnp.zeros_like(t))
        rising = line(self.start, peak, t / jnp.maximum(self.steps, 1))
        return jnp.where(t < self.steps, rising, self.then.at(jnp.maximum(t - self.steps, 0)))


def line(start: Any, end: Any, share: jax.Array) -> Any:
    """The number at that share of the straight way from start to end."""
    return start + (end - start) * share


def half_cosine(start: Any, end: Any, share: jax.Array) -> Any:
    """The number at that share of the way from start to end along half a cosine, level at both of them."""
    return end + (start - end) / 2 * (1 + jnp.cos(jnp.pi * share))


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Updates that an epoch makes on so many training rows: ceil(rows / batch_size).

    Rows held out for validation are not training rows; with accumulation, batch_size is that of an update. For schedules as long as a run:

    >>> from jaxnn.schedules import Cosine
    >>> Cosine(1e-3, steps=20 * steps_per_epoch(1000, 32))
    Cosine(0.001, steps=640)
    """
    check_whole("steps_per_epoch", "rows", rows, low=1)
    check_whole("steps_per_epoch", "batch_size", batch_size, low=1)
    return -(-rows // batch_size)
