r"""Batch normalisation: the layer that needs to remember something between steps."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.buffers import Buffers, apply_by_rule
from jaxnn.layers.precision import widened
from jaxnn.records import number
from jaxnn.typing import Key, Params


class BatchNorm(Layer):
    r"""Each feature to mean 0 and variance 1 over the batch, then scaled and shifted: :math:`y = g \hat x + b`,
    :math:`\hat x = (x - \mu) / s`, :math:`s = \sqrt{v + \epsilon}`.

    Shapes: x (batch, ..., features), g = ``scale``, b = ``bias``, mean and variance all (features,), y as x. In training (with a
    key) :math:`\mu` and v are those of the batch, over all axes but the last, v divided by their n elements; without a key they are the
    running ones, Buffers that each step leaves at ``momentum`` old + (1 - ``momentum``) of its batch. In a part that is frozen, see
    ``optimizers``, they stay, and are taken in training too.
    Rule, in training: :math:`db = \sum dy`, :math:`dg = \sum \hat x\,dy`, :math:`dx = (g / s)(dy - db / n - \hat x\,dg / n)`;
    derived in docs/derivations/batch_norm.md. Source: Ioffe and Szegedy 2015; running variance as in Flax, without their n / (n - 1).

    Statistics are taken and kept in float32 at least: in bfloat16 a hundredth of the way from 1 to 1.3 is none. Rows of weight 0,
    which fill up the last batch of an epoch, and steps beyond a sequence's end are seen by those of their batch.
    Raises ValueError for an x without a batch axis, TypeError for one that is not floating point.

    >>> import jax, jax.numpy as jnp
    >>> layer, x = BatchNorm(), jnp.array([[1.0], [3.0]])
    >>> params = layer.init(jax.random.key(0), x)
    >>> layer.apply(params, x, jax.random.key(1)).round(2).tolist()
    [[-1.0], [1.0]]
    """

    momentum: float = number(low=0, high=1, default=0.99)
    eps: float = number(low=0, open_low=True, default=1e-5)

    @property
    def draws(self) -> bool:
        return True  # it makes no use of the key's bits, but a key is how a layer knows that it is trained

    def init(self, key: Key, x: Any) -> Params:
        check_array("BatchNorm", x)
        if len(x.shape) < 2:
            advice = "Add the batch axis: x[None]."
            raise ValueError(sentence("BatchNorm", "x", "of shape (batch, ..., features)", f"shape {x.shape}", advice))
        check_floating("BatchNorm", x)
        zeros, ones = jnp.zeros(x.shape[-1], x.dtype), jnp.ones(x.shape[-1], x.dtype)
        return {"scale": ones, "bias": zeros, "running": Buffers({"mean": widened(zeros), "variance": widened(ones)})}

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        return apply_by_rule(self, params, x, key)

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        features, old, frozen = params["scale"].shape[0], params["running"].values, params["running"].frozen
        if x.shape[-1] != features:
            raise ValueError(sentence("BatchNorm", "x", f"of shape (batch, ..., {features}), as its parameters are", f"shape {x.shape}"))
        used, moved = (old, None) if key is None or frozen else self._statistics(old, x)
        inverse = jax.lax.rsqrt(used["variance"] + jnp.asarray(self.eps, old["variance"].dtype))
        normalised = ((widened(x) - used["mean"]) * inverse).astype(x.dtype)
        return params["scale"] * normalised + params["bias"], (normalised, inverse, moved)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        normalised, inverse, moved = residuals
        over = tuple(range(dy.ndim - 1))
        dbias, dscale = dy.sum(over), (normalised * dy).sum(over)
        factor, mean_part, scale_part = widened(params["scale"]) * inverse, widened(dbias), widened(dscale)
        if moved is None:
            running = params["running"].replace(values={"mean": -factor * mean_part, "variance": -0.5 * factor * inverse * scale_part})
            return {"scale": dscale, "bias": dbias, "running": running}, (factor * widened(dy)).astype(dy.dtype)
        n = dy.size // dy.shape[-1]
        dx = factor * (widened(dy) - mean_part / n - widened(normalised) * (scale_part / n))
        return {"scale": dscale, "bias": dbias, "running": Buffers(moved)}, dx.astype(dy.dtype)

    def _statistics(self, old: Any, x: jax.Array) -> tuple[Any, Any]:
        """Mean and variance of the batch, and by how much the running ones are moved towards them."""
        over, x = tuple(range(x.ndim - 1)), widened(x)
        new = {"mean": x.mean(over), "variance": x.var(over)}
        step = 1 - jnp.asarray(self.momentum, x.dtype)
        return new, jax.tree.map(lambda before, now: step * (now - before), old, new)
