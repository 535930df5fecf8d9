"""Schedules that rise too: one-cycle, cyclic, warm restarts. Symbols as in ``base``; eta is the result."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.records import number
from jaxnn.schedules.base import Schedule, half_cosine, line

ROUNDING = 1 + 3e-7
"""A share of some steps that should be a whole number may come out a little below it in float32."""


class OneCycle(Schedule):
    """From ``peak`` / ``divide`` up to ``peak`` in the share ``rise`` of the steps, then down to ``peak`` / (divide * divide_last).

    Both ways lie along half a cosine; the peak is at the whole step floor(rise * steps). Source: Smith and Topin 2018.

    >>> round(float(OneCycle(0.1, steps=100)(30)), 4)
    0.1
    """

    peak: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    rise: float = number(low=0, high=1, open_high=True, default=0.3)
    divide: float = number(low=1, default=25.0)
    divide_last: float = number(low=1, default=1e4)

    def at(self, t: jax.Array) -> jax.Array:
        top, first = _part(self.rise, self.steps), self.peak / self.divide
        up = half_cosine(first, self.peak, t / jnp.maximum(top, 1))
        down = half_cosine(self.peak, first / self.divide_last, _share(t, top, self.steps))
        return jnp.where(t < top, up, down)


class LinearOneCycle(Schedule):
    """From ``peak`` / ``divide`` up to ``peak``, back again, and on down to ``peak`` / (divide * divide_last), in straight lines.

    ``rise`` and ``fall`` are the shares of the steps by which it is up, and back again. Source: Smith and Topin 2018.

    >>> round(float(LinearOneCycle(0.1, steps=100)(85)), 4)
    0.004
    """

    peak: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    rise: float = number(low=0, high=1, open_high=True, default=0.3)
    fall: float = number(low=0, high=1, default=0.85)
    divide: float = number(low=1, default=25.0)
    divide_last: float = number(low=1, default=1e4)

    def at(self, t: jax.Array) -> jax.Array:
        top, back, first = _part(self.rise, self.steps), _part(self.fall, self.steps), self.peak / self.divide
        up = line(first, self.peak, t / jnp.maximum(top, 1))
        down = line(self.peak, first, _share(t, top, back))
        away = line(first, first / self.divide_last, _share(t, back, self.steps))
        return jnp.where(t < top, up, jnp.where(t < back, down, away))


class Cyclic(Schedule):
    """Triangles: from ``low`` up to ``high`` in ``steps`` steps, down again in as many, and so on.

    The height of each triangle is ``decay`` times that of the one before: 1/2 is Smith's "triangular2". Source: Smith 2017, section 3.2.

    >>> round(float(Cyclic(0.01, 0.09, steps=10, decay=0.5)(30)), 4)
    0.05
    """

    low: float = number(low=0)
    high: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    decay: float = number(low=0, high=1, open_low=True, default=1.0)

    def at(self, t: jax.Array) -> jax.Array:
        cycle = jnp.floor(t / (2 * self.steps))
        height = 1 - jnp.abs((t - 2 * self.steps * cycle) / self.steps - 1)
        return line(self.low, self.high, height * self.decay**cycle)


class WarmRestarts(Schedule):
    r"""SGDR: half a cosine again and again, from ``learning_rate`` to ``alpha`` times it.

    The first cycle lasts ``steps`` steps, each other one ``growth`` times as long as the one before it, and begins ``decay`` times as high.
    A cycle begins at a whole step, the nearest: cycle i at :math:`\text{steps} (\text{growth}^i - 1) / (\text{growth} - 1)`.
    Source: Loshchilov and Hutter 2017, where growth is T_mult.

    >>> round(float(WarmRestarts(0.1, steps=100, growth=2.0)(300)), 4)
    0.1
    """

    learning_rate: float = number(low=0)
    steps: float = number(low=1, kw_only=True)
    growth: float = number(low=1, default=1.0)
    decay: float = number(low=0, open_low=True, default=1.0)
    alpha: float = number(low=0, high=1, default=0.0)

    def at(self, t: jax.Array) -> jax.Array:
        about = self._cycle(t)
        cycle = about - 1 + (self._start(about) <= t).astype(t.dtype) + (self._start(about + 1) <= t).astype(t.dtype)
        start, peak = self._start(cycle), self.learning_rate * self.decay**cycle
        return half_cosine(peak, self.alpha * peak, _share(t, start, self._start(cycle + 1)))

    def _cycle(self, t: jax.Array) -> jax.Array:
        """The cycle that step t is in, but for rounding: the inverse of ``_start``."""
        more, grown = self._growth()
        return jnp.floor(jnp.where(self.growth > 1, jnp.log1p(t / self.steps * more) / grown, t / self.steps))

    def _start(self, cycle: jax.Array) -> jax.Array:
        more, grown = self._growth()
        return jnp.round(self.steps * jnp.where(self.growth > 1, jnp.expm1(cycle * grown) / more, cycle))

    def _growth(self) -> tuple[jax.Array, jax.Array]:
        """growth - 1, and log(growth); numbers that are of no use but no harm where all cycles are equally long."""
        more = jnp.where(self.growth > 1, self.growth - 1, 1)
        return more, jnp.log1p(more)


def _part(share: Any, steps: Any) -> jax.Array:
    """That share of the steps, as a whole number of them."""
    return jnp.floor(share * steps * ROUNDING)


def _share(t: jax.Array, start: Any, end: Any) -> jax.Array:
    """Which share of the way from start to end step t has gone; 1 after the end."""
    return jnp.clip((t - start) / jnp.maximum(end - start, 1), 0, 1)
