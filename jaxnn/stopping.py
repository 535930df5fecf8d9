"""What is decided by a metric after each epoch: to stop, which parameters were the best, and to go on in smaller steps."""

from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn.checks import sentence
from jaxnn.records import Record, number, static
from jaxnn.typing import Metrics, Params

Mode = Literal["min", "max"]


def usual_mode(metric: str) -> Mode:
    """Which way a metric of a task is better: accuracies are to be large, anything else small."""
    return "max" if metric.endswith("accuracy") else "min"


class Monitor(Record):
    """A metric of the history that is watched, until it is small, mode "min", or large, "max".

    mode None: as ``jaxnn.metrics`` knows of its functions; "max" for the accuracies of tasks, "min" for all else that they measure.
    """

    monitor: str = static(default="validation_loss", kw_only=True)
    mode: Mode | None = static(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str):
            raise TypeError(sentence(type(self).__name__, "monitor", "the name of a metric", repr(self.monitor)))
        if self.mode is not None and self.mode not in get_args(Mode):
            raise ValueError(sentence(type(self).__name__, "mode", "'min', 'max' or None", repr(self.mode)))

    @property
    def needs_validation(self) -> bool:
        """Whether only a run with validation rows has the metric."""
        return self.monitor.startswith("validation_")

    def loss(self, metrics: Metrics) -> jax.Array:
        """The metric such that smaller is better."""
        highest = (self.mode or usual_mode(self.monitor)) == "max"
        return -metrics[self.monitor] if highest else metrics[self.monitor]


class EarlyStopping(Monitor):
    """Stops a run whose monitored metric has not improved by more than ``min_delta`` for ``patience`` epochs.

    As Keras's callback of that name, but that a metric of NaN, or an infinite loss, is never the best. baseline: improvements that do
    not pass this value do not count as such for the patience. start_epoch: so many epochs pass before the metric is looked at.
    restore_best: the run ends with the parameters of its best epoch, stopped or not; False: with those of its last. All but monitor,
    mode and restore_best are hyperparameters.
    """

    patience: float = number(low=1, default=10)
    min_delta: float = number(low=0, default=0.0)
    baseline: float | None = number(default=None)
    start_epoch: float = number(low=0, default=0.0)
    restore_best: bool = static(default=True)


class ReduceOnPlateau(Monitor):
    """Divides the steps where the monitored metric has not improved by more than ``min_delta`` for ``patience`` epochs.

    Every update of the optimizer is multiplied by a scale, at first 1, then times ``factor`` at each plateau, never under
    ``min_scale``: for optimizers whose updates are proportional to the learning rate, all of optax's usual ones, that is the learning
    rate. cooldown: epochs after a reduction that are not counted. As Keras's ReduceLROnPlateau.
    """

    factor: float = number(low=0, high=1, open_low=True, open_high=True, default=0.1)
    patience: float = number(low=1, default=10)
    min_delta: float = number(low=0, default=1e-4)
    cooldown: float = number(low=0, default=0.0)
    min_scale: float = number(low=0, high=1, default=0.0)


class Best(Record):
    """The best epoch so far, 0 for none, and how many epochs ago it was; loss: smaller is better; params None: not kept."""

    params: Params
    loss: jax.Array
    epoch: jax.Array
    waited: jax.Array


class Plateau(Record):
    """The scale of updates, and what the next decision about it needs."""

    scale: jax.Array
    loss: jax.Array
    waited: jax.Array
    cooling: jax.Array


def no_best(rule: EarlyStopping, params: Params, dtype: Any) -> Best:
    """Before the first epoch."""
    zero = jnp.zeros((), jnp.int32)
    return Best(params=params if rule.restore_best else None, loss=jnp.full((), jnp.inf, dtype), epoch=zero, waited=zero)


def best_after(rule: EarlyStopping, before: Best, params: Params, metrics: Metrics, epoch: jax.Array) -> tuple[Best, jax.Array]:
    """The best after that epoch, counted from 1, and whether patience has come to its end."""
    loss = rule.loss(metrics).astype(before.loss.dtype)
    looked = (epoch - 1).astype(loss.dtype) >= rule.start_epoch
    improved = looked & (loss < before.loss - rule.min_delta)
    counts = improved
    if rule.baseline is not None:
        counts &= loss < rule.loss({rule.monitor: jnp.asarray(rule.baseline, loss.dtype)}) - rule.min_delta
    waited = jnp.where(counts, 0, before.waited + looked.astype(jnp.int32))
    keep = Best(params=params if rule.restore_best else None, loss=loss, epoch=epoch, waited=waited)
    best = lax.cond(improved, lambda: keep, lambda: before.replace(waited=waited))
    return best, ~improved & (waited.astype(loss.dtype) >= rule.patience) & (epoch > 1)


def no_plateau(dtype: Any) -> Plateau:
    """Before the first epoch."""
    zero = jnp.zeros((), jnp.int32)
    return Plateau(scale=jnp.ones((), dtype), loss=jnp.full((), jnp.inf, dtype), waited=zero, cooling=jnp.zeros((), dtype))


def plateau_after(rule: ReduceOnPlateau, before: Plateau, metrics: Metrics) -> Plateau:
    """After one more epoch."""
    loss = rule.loss(metrics).astype(before.loss.dtype)
    cooling = jnp.maximum(before.cooling - 1, 0)
    improved = loss < before.loss - rule.min_delta
    waited = jnp.where((cooling > 0) | improved, 0, before.waited + 1)
    reduce = ~improved & (waited.astype(loss.dtype) >= rule.patience)
    return Plateau(
        scale=jnp.where(reduce, jnp.maximum(before.scale * rule.factor, rule.min_scale), before.scale),
        loss=jnp.where(improved, loss, before.loss),
        waited=jnp.where(reduce, 0, waited),
        cooling=jnp.where(reduce, rule.cooldown, cooling),
    )
