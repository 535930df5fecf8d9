r"""Losses between numbers and numbers; each is the mean over all that belongs to a row.

Shapes: outputs o (rows, ...), y the same or (rows,) beside (rows, 1), floating point; n the numbers of a row, r = o - y.
"""

import jax
import jax.numpy as jnp

from jaxnn.losses.base import Loss, check_no_classes, mean_of_row, numbers_beside, numbers_of_row
from jaxnn.records import number


class SquaredError(Loss):
    r"""J = mean over the row of r^2, no factor 1/2, so that dJ/do = 2 r / n = -2 (y - o) / n. Its best constant is the mean.

    >>> import jax.numpy as jnp
    >>> float(SquaredError().value(jnp.array([[1.0]]), jnp.array([3.0]))[0])
    4.0
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return mean_of_row(jnp.square(_difference(self, outputs, y)))

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return 2 * _difference(self, outputs, y) / numbers_of_row(outputs)


class AbsoluteError(Loss):
    r"""J = mean over the row of \|r\|, dJ/do = sign(r) / n, 0 at r = 0. Its best constant is the median: outliers weigh little.

    >>> import jax.numpy as jnp
    >>> float(AbsoluteError().value(jnp.array([[1.0]]), jnp.array([3.0]))[0])
    2.0
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        difference = _difference(self, outputs, y)
        return mean_of_row(difference * jnp.sign(difference))  # of jnp.abs JAX takes the derivative 1 at 0

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.sign(_difference(self, outputs, y)) / numbers_of_row(outputs)


class Huber(Loss):
    r"""Squared near the truth, absolute far from it: the mean over the row of r^2 / 2 where \|r\| <= delta, else delta (\|r\| - delta / 2).

    With c = min(\|r\|, delta) both are c (\|r\| - c / 2); dJ/do = min(max(r, -delta), delta) / n. ``delta`` > 0, in units of y, is a
    hyperparameter. Mind the 1/2, which SquaredError has not. Source: Huber 1964, as in optax.losses.huber_loss.

    >>> import jax.numpy as jnp
    >>> Huber(delta=1.0).value(jnp.array([[1.0], [1.0]]), jnp.array([1.5, 4.0])).tolist()
    [0.125, 2.5]
    """

    delta: float = number(low=0, open_low=True, default=1.0)

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        size = jnp.abs(_difference(self, outputs, y))
        near = jnp.minimum(size, jnp.asarray(self.delta, size.dtype))
        return mean_of_row(near * (size - near / 2))

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        delta = jnp.asarray(self.delta, outputs.dtype)
        return jnp.clip(_difference(self, outputs, y), -delta, delta) / numbers_of_row(outputs)


def _difference(loss: Loss, outputs: jax.Array, y: jax.Array) -> jax.Array:
    where = type(loss).__name__
    check_no_classes(where, y)
    return outputs - numbers_beside(where, outputs, y)
