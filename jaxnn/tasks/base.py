"""What a task is: it joins models and losses and says what is measured. The training loop knows only this.

``init(key, batch) -> params`` · ``gradients(params, batch, key, engine) -> (metrics, gradients)`` ·
``evaluate(params, batch) -> metrics`` · ``predict(params, x)``. Metrics are means over the batch, weighted as ``total(batch)``
says, so that they can be averaged over batches of any size. ``compared(batch, predictions)`` is what all others are computed from.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers import Layer
from jaxnn.layers.base import check_array, check_floating, children, with_children
from jaxnn.losses import Loss
from jaxnn.records import Record
from jaxnn.typing import Batch, Key, Metrics, Params

Engine = Literal["autodiff", "backprop"]
"""Who computes gradients: ``jax.grad``, or the rules written by hand."""


class Task(Record, ABC):
    """Anything that can be trained by gradients on batches."""

    @property
    def draws(self) -> bool:
        """Whether ``gradients`` makes use of its key; if not, it is given None."""
        return any(layer.draws for layer in children(self).values())

    @property
    def stacks(self) -> bool:
        """Whether its layers do, see ``Layer.stacks``."""
        return all(layer.stacks for layer in children(self).values())

    @property
    def has_one_loss(self) -> bool:
        """Whether all gradients come from a field ``loss``, so that a larger loss in its place makes all of them larger."""
        return isinstance(getattr(self, "loss", None), Loss)

    def with_layers(self, change: Callable[[Layer], Layer]) -> Self:
        """The same task with what `change` makes of each of its layers."""
        return with_children(self, {name: change(layer) for name, layer in children(self).items()})

    @abstractmethod
    def init(self, key: Key, batch: Batch) -> Params:
        """Initial parameters for batches like this one, of which only shapes and dtypes are read."""

    @abstractmethod
    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        """The metrics of a training step and the gradient of its mean loss."""

    @abstractmethod
    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        """Metrics without dropout and the like; ``loss`` is always among them."""

    @abstractmethod
    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        """What a user asks of a trained model, one row for each row of x."""

    def total(self, batch: Batch) -> jax.Array:
        """How much the metrics of this batch count beside those of others: the weights that their means were divided by."""
        return batch.weight.sum()

    def compared(self, batch: Batch, predictions: Any) -> tuple[Any, Any, jax.Array]:
        """What metrics like those of ``jaxnn.metrics`` compare: the truth (rows, ...), the predictions of batch.x beside it, and weights
        (rows,). Raises ValueError for a task whose predictions have no truth."""
        if batch.y is None:
            raise ValueError(sentence(type(self).__name__, "y", "given, for metrics compare predictions with it", "None"))
        return batch.y, predictions, batch.weight

    @abstractmethod
    def check(self, x: Any, y: Any, predictions: Any) -> None:
        """Refuses examples that this task can't learn, before anything is compiled: targets that do not suit it, or inputs where
        they are targets too. Of the predictions only the shape is known."""


def mean(values: jax.Array, weight: jax.Array) -> jax.Array:
    """Weighted mean over a batch: sum(w v) / sum(w); 0 where there is no weight at all, for 0 / 0 would end the run."""
    weight = weight.astype(values.dtype)  # a loss may be in more bits than the network
    return jnp.vdot(weight, values) / _divisor(weight)


def shares(weight: jax.Array, axes: int = 1) -> jax.Array:
    """What each row counts in that mean, w / sum(w), by which its error is multiplied before it goes backwards: (rows, 1, ...)."""
    return jnp.expand_dims(weight / _divisor(weight), tuple(range(1, axes)))


def float_dtype(params: Params) -> Any:
    """The dtype that the parameters compute in."""
    return jnp.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params) if jnp.issubdtype(leaf.dtype, jnp.floating)))


def check_without_targets(where: str, batch: Batch) -> None:
    """Refuses targets, and an x that is not one array of floating point."""
    check_no_targets(where, batch.y)
    check_array(where, batch.x)
    check_floating(where, batch.x)


def check_no_targets(where: str, y: Any) -> None:
    """Refuses targets for a task that learns from x alone."""
    if y is not None:
        raise ValueError(sentence(where, "y", "None, for it learns from x alone", type(y).__name__, "Write fit(recipe, (x, None))."))


def check_output(where: str, outputs: Any, advice: str = "") -> None:
    """Refuses a model whose output is not one array."""
    if not hasattr(outputs, "shape"):
        raise TypeError(sentence(where, "the model's output", "one array", type(outputs).__name__, advice))


def _divisor(weight: jax.Array) -> jax.Array:
    total = weight.sum()
    return jnp.where(total == 0, 1, total)
