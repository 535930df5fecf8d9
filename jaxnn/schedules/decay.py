"""Schedules that only fall: exponential, power, staircase, polynomial, linear, cosine. Symbols as in ``base``; eta is the result."""

import jax
import jax.numpy as jnp

from jaxnn.records import number
from jaxnn.schedules.base import Schedule, half_cosine, line


class Exponential(Schedule):
    r"""Multiplied by ``factor`` in every ``steps`` steps: :math:`\eta = \text{learning\_rate} \cdot \text{factor}^{t / \text{steps}}`.

    >>> round(float(Exponential(0.1, steps=100, factor=0.5)(200)), 4)
    0.025
    """

    learning_rate: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    factor: float = number(low=0, open_low=True, default=0.1)

    def at(self, t: jax.Array) -> jax.Array:
        return self.learning_rate * self.factor ** (t / self.steps)


class Staircase(Schedule):
    r"""Step decay: multiplied by ``factor`` at the end of every ``steps`` steps, and level between.

    :math:`\eta = \text{learning\_rate} \cdot \text{factor}^{\lfloor t / \text{steps} \rfloor}`.

    >>> round(float(Staircase(0.1, steps=100, factor=0.5)(199)), 4)
    0.05
    """

    learning_rate: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    factor: float = number(low=0, open_low=True, default=0.1)

    def at(self, t: jax.Array) -> jax.Array:
        return self.learning_rate * self.factor ** jnp.floor(t / self.steps)


class Power(Schedule):
    r"""Inverse time, to a power: :math:`\eta = \text{learning\_rate} / (1 + t / \text{steps})^{\text{power}}`.

    With the power 1, a half after ``steps`` steps and a third after twice as many.

    >>> round(float(Power(0.1, steps=100)(300)), 4)
    0.025
    """

    learning_rate: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    power: float = number(low=0, default=1.0)

    def at(self, t: jax.Array) -> jax.Array:
        return self.learning_rate / (1 + t / self.steps) ** self.power


class Polynomial(Schedule):
    r"""From ``start`` to ``end`` in ``steps`` steps, then ``end``.

    :math:`\eta = \text{end} + (\text{start} - \text{end}) (1 - t / \text{steps})^{\text{power}}`.

    >>> round(float(Polynomial(0.1, steps=100, power=2.0)(50)), 4)
    0.025
    """

    start: float = number(low=0)
    end: float = number(low=0, default=0.0)
    steps: float = number(low=1, kw_only=True)
    power: float = number(low=0, open_low=True, default=1.0)

    def at(self, t: jax.Array) -> jax.Array:
        left = 1 - jnp.minimum(t / self.steps, 1)
        share = jnp.where(left > 0, jnp.where(left > 0, left, 1) ** self.power, 0)  # twice, for 0 ** 0.5 has no finite slope
        return self.end + (self.start - self.end) * share


class Linear(Schedule):
    """In a straight line from ``start`` to ``end`` in ``steps`` steps, then ``end``.

    >>> round(float(Linear(0.1, 0.02, steps=100)(50)), 4)
    0.06
    """

    start: float = number(low=0)
    end: float = number(low=0, default=0.0)
    steps: float = number(low=1, kw_only=True)

    def at(self, t: jax.Array) -> jax.Array:
        return line(self.start, self.end, jnp.minimum(t / self.steps, 1))


class Cosine(Schedule):
    r"""Along half a cosine to ``alpha`` times the learning rate in ``steps`` steps, and there it stays.

    :math:`\eta = \text{learning\_rate} (\alpha + (1 - \alpha) (1 + \cos \pi t / \text{steps}) / 2)`. Source: Loshchilov and Hutter 2017,
    equation 5, one cycle.

    >>> round(float(Cosine(0.1, steps=100)(50)), 4)
    0.05
    """

    learning_rate: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    alpha: float = number(low=0, high=1, default=0.0)

    def at(self, t: jax.Array) -> jax.Array:
        return half_cosine(self.learning_rate, self.alpha * self.learning_rate, jnp.minimum(t / self.steps, 1))
