"""Dropout: a different thinned network at every step."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.layers.base import Layer
from jaxnn.records import number
from jaxnn.typing import Key, Params


class Dropout(Layer):
    """Sets each unit to zero with probability ``rate`` and scales the others by 1 / (1 - rate), in training only.

    y = x m / (1 - rate), m ~ Bernoulli(1 - rate) drawn for each element; without a key y = x. Rule: dx = dy m / (1 - rate).
    ``rate`` in [0, 1) is a hyperparameter: every rate runs in the same program. Source: Srivastava et al. 2014, the
    "inverted" form, in which prediction needs no scaling. The rule is derived in docs/derivations/dropout.md.
    """

    rate: float = number(low=0, high=1, open_high=True, default=0.5)

    @property
    def draws(self) -> bool:
        return True

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        if key is None:
            return x, None
        kept = jax.random.uniform(key, x.shape, x.dtype) >= self.rate
        scale = kept.astype(x.dtype) / jnp.asarray(1 - self.rate, x.dtype)
        return x * scale, scale

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy if residuals is None else dy * residuals
