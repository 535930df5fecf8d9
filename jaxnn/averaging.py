r"""Averaging of parameters along the way: smoother than the last step, at the cost of one copy of them.

Exponential (EMA): :math:`\bar\theta := d\,\bar\theta + (1 - d)\,\theta`. Uniform: the mean of all that were seen, over epochs' ends
stochastic weight averaging (SWA; Izmailov et al. 2018), over steps Polyak and Ruppert's average (Polyak and Juditsky 1992).
"""

from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.records import Record, number, static
from jaxnn.typing import Params

Every = Literal["step", "epoch"]


class Averaging(Record):
    """Which parameters are averaged: validation, early stopping and the finished run take the average.

    decay: d of the exponential average, or None for the uniform one. start_epoch: epochs that pass first, while the average is the
    parameters themselves. every: after each "step" or "epoch". EMA is ``Averaging(decay=0.999)``, SWA
    ``Averaging(every="epoch", start_epoch=15)``, Polyak's ``Averaging()``. What layers count by themselves, such as the means of
    BatchNorm, is not averaged: the newest is taken.
    """

    decay: float | None = number(low=0, high=1, default=None)
    start_epoch: float = number(low=0, default=0.0)
    every: Every = static(default="step")

    def __post_init__(self) -> None:
        if self.every not in get_args(Every):
            raise ValueError(sentence("Averaging", "every", " or ".join(map(repr, get_args(Every))), repr(self.every)))


class Average(Record):
    """The average so far, of what is learned, and how many went into it."""

    params: Params
    count: jax.Array


def no_average(params: Params) -> Average:
    """Before the first step."""
    return Average(params=params, count=jnp.zeros((), jnp.int32))


def average_with(rule: Averaging, average: Average, params: Params, epoch: jax.Array) -> Average:
    """With one more of them, in that epoch, counted from 0. A weight of 1 restarts it: so it does until start_epoch."""
    dtype = jnp.result_type(float)  # that of the data may be narrower
    begun = epoch.astype(dtype) >= jnp.asarray(rule.start_epoch, dtype)
    count = jnp.where(begun, average.count + 1, 0)

    def mix(old: Any, new: Any) -> Any:
        weight = 1 / jnp.maximum(count, 1).astype(new.dtype) if rule.decay is None else 1 - jnp.asarray(rule.decay, new.dtype)
        moved = old + weight * (new - old)  # what stays as it is does so to the bit
        return jnp.where(begun & (count > 1) if rule.decay is None else begun, moved, new)

    return Average(params=jax.tree.map(mix, average.params, params), count=count)
