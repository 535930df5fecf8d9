r"""Losses per example, each with its gradient by hand; docs/derivations/losses.md derives them.

Symbols: ``outputs`` (batch, units) what the network gives, no activation on its last layer; y the truth; J the loss of one
example. ``value`` gives J (batch,), ``gradient`` gives dJ/d outputs (batch, units): the error of the last layer,
:math:`\delta^{[L]}` of the lecture. The mean over the batch is taken by the task, so weights come in at one place only.
"""

from abc import ABC, abstractmethod

import jax
import jax.numpy as jnp

from jaxnn.records import Record


class Loss(Record, ABC):
    """A per-example loss and its hand-derived gradient; docs/derivations/losses.md derives each."""

    @abstractmethod
    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        """J of each example, (batch,)."""

    @abstractmethod
    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        """dJ/d outputs of each example, (batch, units)."""


class SquaredError(Loss):
    r"""J = mean over units of (y - \hat y)^2, no factor 1/2, so that dJ/d\hat y = -2 (y - \hat y) / units.

    Shapes: outputs (batch, units); y (batch,) or (batch, units).

    >>> import jax.numpy as jnp
    >>> float(SquaredError().value(jnp.array([[1.0]]), jnp.array([3.0]))[0])
    4.0
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.square(y.reshape(outputs.shape) - outputs).mean(axis=-1)

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return -2 * (y.reshape(outputs.shape) - outputs) / outputs.shape[-1]


class BinaryCrossEntropy(Loss):
    r"""J = -ln p of the true class with p = sigmoid(outputs): J = softplus(o) - y o, dJ/do = p - y.

    Shapes: outputs (batch, 1), the log odds of class 1; y (batch,) of 0 and 1. Finite for every finite output.

    >>> import jax.numpy as jnp
    >>> round(float(BinaryCrossEntropy().value(jnp.array([[0.0]]), jnp.array([1]))[0]), 4)
    0.6931
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        log_odds = outputs[:, 0]
        return jax.nn.softplus(log_odds) - y.astype(outputs.dtype) * log_odds

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(outputs) - y.astype(outputs.dtype)[:, None]


class SoftmaxCrossEntropy(Loss):
    r"""J = -ln p_y with p = softmax(outputs): J = ln sum_k exp o_k - o_y, dJ/do = p - e_y.

    Shapes: outputs (batch, classes); y (batch,) whole numbers from 0. The one-hot code e_y is compared, never gathered: a
    gather's automatic gradient is a scatter.

    >>> import jax.numpy as jnp
    >>> round(float(SoftmaxCrossEntropy().value(jnp.zeros((1, 10)), jnp.array([3]))[0]), 4)
    2.3026
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        truth = jnp.where(_one_hot(outputs, y), outputs, 0).sum(axis=-1)
        return jax.nn.logsumexp(outputs, axis=-1) - truth

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.softmax(outputs, axis=-1) - _one_hot(outputs, y).astype(outputs.dtype)


def _one_hot(outputs: jax.Array, y: jax.Array) -> jax.Array:
    return y.astype(jnp.int32)[:, None] == jnp.arange(outputs.shape[-1], dtype=jnp.int32)  # a narrow dtype of y could wrap round
