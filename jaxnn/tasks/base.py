"""What a task is: it joins models and losses and says what is measured. The training loop knows only this.

``init(key, batch) -> params`` · ``gradients(params, batch, key, engine) -> (metrics, gradients)`` ·
``evaluate(params, batch) -> metrics`` · ``predict(params, x)``. Metrics are means over the batch, weighted as ``total(batch)``
says, so that they can be averaged over batches of any size.
"""

from abc import ABC, abstractmethod
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers.base import children
from jaxnn.records import Record
from jaxnn.typing import Batch, Key, Metrics, Params

Engine = Literal["autodiff", "backprop"]
"""Who computes gradients: ``jax.grad``, or the rules written by hand."""


class Task(Record, ABC):
    """Anything that can be trained by gradients on batches."""

    @property
    @abstractmethod
    def draws(self) -> bool:
        """Whether ``gradients`` makes use of its key; if not, it is given None."""

    @property
    def stacks(self) -> bool:
        """Whether its layers do, see ``Layer.stacks``."""
        return all(layer.stacks for layer in children(self).values())

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

    @abstractmethod
    def check(self, y: Any, predictions: Any) -> None:
        """Refuses targets that this task can't learn, before anything is compiled: y is NumPy's, of the predictions only
        the shape is known."""

    def check_inputs(self, x: Any, predictions: Any) -> None:
        """Refuses inputs that are targets too and can't be learned, as ``check`` does targets; x is NumPy's."""


def mean(values: jax.Array, weight: jax.Array) -> jax.Array:
    """Weighted mean over a batch: sum(w v) / sum(w); 0 where there is no weight at all, for 0 / 0 would end the run."""
    return jnp.vdot(weight, values) / _divisor(weight)


def shares(weight: jax.Array) -> jax.Array:
    """What each row counts in that mean: w / sum(w)."""
    return weight / _divisor(weight)


def check_output(where: str, outputs: Any, advice: str = "") -> None:
    """Refuses a model whose output is not one array."""
    if not hasattr(outputs, "shape"):
        raise TypeError(sentence(where, "the model's output", "one array", type(outputs).__name__, advice))


def _divisor(weight: jax.Array) -> jax.Array:
    total = weight.sum()
    return jnp.where(total == 0, 1, total)
