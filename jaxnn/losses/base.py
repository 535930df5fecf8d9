r"""What a loss is: a number for each example, with its gradient by hand; docs/derivations/losses.md derives them.

Symbols of all losses: ``outputs`` o (rows, ...) what the network gives, no activation on its last layer; y the truth; n the numbers
of o that belong to one row; J the loss of one row. ``value`` gives J (rows,), ``gradient`` gives dJ/do in the shape of o: the error
of the last layer, :math:`\delta^{[L]}` of the lecture. The mean over the batch is taken by the task, so weights come in at one
place only. All raise ValueError for a y whose shape does not fit o, TypeError for one of another kind of number, while tracing.
"""

import math
from abc import ABC, abstractmethod

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.records import Record


class Loss(Record, ABC):
    """A per-example loss and its hand-derived gradient; docs/derivations/losses.md derives each."""

    @abstractmethod
    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        """J of each example, (rows,)."""

    @abstractmethod
    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        """dJ/d outputs of each example, in the shape of the outputs."""


def numbers_beside(where: str, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """y in the shape of the outputs, which it must have, and in their dtype; (rows,) is taken beside (rows, 1)."""
    if y.shape != outputs.shape and (y.shape, outputs.shape[1:]) != (outputs.shape[:1], (1,)):
        raise ValueError(sentence(where, "y", f"of shape {outputs.shape}, as the outputs are", f"shape {y.shape}"))
    return y.reshape(outputs.shape).astype(outputs.dtype)


def check_no_classes(where: str, y: jax.Array) -> None:
    """Refuses classes where numbers are meant."""
    if not jnp.issubdtype(y.dtype, jnp.floating):
        raise TypeError(sentence(where, "y", "floating point", y.dtype, "Where y numbers classes, take SoftmaxCrossEntropy or Hinge."))


def numbers_of_row(outputs: jax.Array) -> int:
    """n: how many numbers of the outputs belong to one row."""
    return math.prod(outputs.shape[1:])


def mean_of_row(values: jax.Array) -> jax.Array:
    """The mean over all axes but the first."""
    return values.mean(axis=tuple(range(1, values.ndim)))
