"""Dropout: a different thinned network at every step."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import nearest, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.precision import wide
from jaxnn.records import number, static
from jaxnn.typing import Key, Params

OVER = ("units", "channels", "steps")


class Dropout(Layer):
    """Sets what it drops to zero, with probability ``rate``, and scales the rest by 1 / (1 - rate), in training only.

    y = x m / (1 - rate), m ~ Bernoulli(1 - rate); without a key y = x. Rule: dx = dy m / (1 - rate), derived in
    docs/derivations/dropout.md. ``rate`` in [0, 1) is a hyperparameter: every rate runs in the same program. ``over`` says what is
    dropped as one, and so for what m is drawn:

    - "units": each number of x by itself; m has the shape of x (batch, ...).
    - "channels": a channel at all positions of an example, for neighbours in an image tell the same; m (batch, 1, ..., 1, channels).
    - "steps": a time step with all it holds, as a word left out; x (batch, time, ...), m (batch, time, 1, ...).

    Sources: Srivastava et al. 2014, the "inverted" form, in which prediction needs no scaling; for channels Tompson et al. 2015.
    Raises ValueError for another ``over``, and for channels or steps of an x with fewer than three axes, TypeError for an x that is not
    floating point.

    >>> import jax, jax.numpy as jnp
    >>> Dropout(0.5, over="steps").apply((), jnp.ones((1, 4, 2)), jax.random.key(2)).sum(axis=2).tolist()
    [[4.0, 4.0, 0.0, 4.0]]
    """

    rate: float = number(low=0, high=1, open_high=True, default=0.5)
    over: str = static(default="units")

    def __post_init__(self) -> None:
        if self.over not in OVER:
            raise ValueError(sentence("Dropout", "over", f"one of {', '.join(OVER)}", repr(self.over), nearest(str(self.over), OVER)))

    @property
    def draws(self) -> bool:
        return True

    def init(self, key: Key, x: Any) -> Params:
        check_array("Dropout", x)
        check_floating("Dropout", x)
        self._mask_shape(x)
        return ()

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        shape = self._mask_shape(x)
        if key is None:
            return x, None
        rate = jnp.asarray(self.rate, wide(x.dtype))  # bfloat16 has 128 numbers to draw: a rate of 0.01 would drop 2 of them
        kept = jax.random.uniform(key, shape, rate.dtype) >= rate
        scale = (kept.astype(rate.dtype) / (1 - rate)).astype(x.dtype)
        return x * scale, scale

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy if residuals is None else dy * residuals

    def _mask_shape(self, x: Any) -> tuple[int, ...]:
        if self.over == "units":
            return x.shape
        expected = {"channels": "(batch, ..., channels) with positions between", "steps": "(batch, time, ..., features)"}[self.over]
        if len(x.shape) < 3:
            advice = 'Write over="units" for rows of numbers.'
            raise ValueError(sentence(f'Dropout(over="{self.over}")', "x", f"of shape {expected}", f"shape {x.shape}", advice))
        ones = (1,) * (len(x.shape) - 2)
        return (x.shape[0], *ones, x.shape[-1]) if self.over == "channels" else (*x.shape[:2], *ones)
