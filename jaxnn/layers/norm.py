r"""Normalisation: numbers that are looked at together get mean 0 and variance 1; docs/derivations/norm.md derives the rules.

Symbols: x (batch, ..., channels); :math:`\mu, v` mean and variance of the numbers that are normalised together;
:math:`r = 1/\sqrt{v + \epsilon}` with ``eps`` the :math:`\epsilon`; :math:`z = r\,(x - \mu)`; g = ``scale``, c = ``bias``, both
(channels,), which begin at 1 and 0. A bar is a mean over what is normalised together. Statistics of bfloat16 and float16 are taken
in float32; outputs have the dtype of x. No row of the batch knows of another, so training and prediction are the same.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.precision import widened
from jaxnn.records import number, static
from jaxnn.typing import Key, Params

LAST = (-1,)


class LayerNorm(Layer):
    r"""Each position's channels normalised: :math:`y = g z + c`.

    Shapes: x (batch, ..., channels), y as x. Rule, with :math:`dz = g\,dy`: :math:`dx = r\,(dz - \overline{dz} - z\,\overline{z\,dz})`,
    :math:`dg = \sum z\,dy`, :math:`dc = \sum dy`; derived in docs/derivations/norm.md. Source: Ba, Kiros and Hinton 2016.
    Raises ValueError for an x without a batch axis or of other channels than the parameters, TypeError for one that is not
    floating point.

    >>> import jax, jax.numpy as jnp
    >>> x = jnp.array([[1.0, 2.0, 3.0]])
    >>> [f"{number:.2f}" for number in LayerNorm().apply(LayerNorm().init(jax.random.key(0), x), x)[0]]
    ['-1.22', '0.00', '1.22']
    """

    eps: float = number(low=0, open_low=True, default=1e-5)

    def init(self, key: Key, x: Any) -> Params:
        return _ones("LayerNorm", x) | {"bias": jnp.zeros(x.shape[-1], x.dtype)}

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_channels("LayerNorm", params, x)
        return _forward(params, x, x.shape, LAST, self.eps, centred=True)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return _backward(params, residuals, dy, dy.shape, LAST)


class RMSNorm(Layer):
    r"""Each position's channels divided by their root mean square: :math:`y = g z`, :math:`z = r x`.

    Here :math:`r = 1/\sqrt{\overline{x^2} + \epsilon}`: no mean is taken off, and there is no bias. Shapes: x (batch, ..., channels),
    y as x. Rule, with :math:`dz = g\,dy`: :math:`dx = r\,(dz - z\,\overline{z\,dz})`, :math:`dg = \sum z\,dy`; derived in
    docs/derivations/norm.md. Source: Zhang and Sennrich 2019. Errors: as LayerNorm.

    >>> import jax, jax.numpy as jnp
    >>> x = jnp.array([[3.0, 4.0]])
    >>> [f"{number:.2f}" for number in RMSNorm().apply(RMSNorm().init(jax.random.key(0), x), x)[0]]
    ['0.85', '1.13']
    """

    eps: float = number(low=0, open_low=True, default=1e-5)

    def init(self, key: Key, x: Any) -> Params:
        return _ones("RMSNorm", x)

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_channels("RMSNorm", params, x)
        return _forward(params, x, x.shape, LAST, self.eps, centred=False)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return _backward(params, residuals, dy, dy.shape, LAST)


class GroupNorm(Layer):
    r"""Channels in ``groups`` of neighbours, each group normalised over its channels and all positions: :math:`y = g z + c`.

    Shapes: x (batch, ..., channels), y as x; ``groups`` must divide the channels. One group is the layer norm of whole images, a
    group for each channel the instance norm. Rule: that of LayerNorm, means being over the group; derived in
    docs/derivations/norm.md. Source: Wu and He 2018. Steps over time are positions too, those that only pad among them: for
    sequences of different lengths take LayerNorm. Errors: as LayerNorm, and ValueError for groups that do not divide the channels.

    >>> import jax, jax.numpy as jnp
    >>> x = jnp.array([[1.0, 3.0, 10.0, 20.0]])
    >>> GroupNorm(2).apply(GroupNorm(2).init(jax.random.key(0), x), x).round(2).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    groups: int = static()
    eps: float = number(low=0, open_low=True, default=1e-5)

    def __post_init__(self) -> None:
        check_whole("GroupNorm", "groups", self.groups, low=1)

    def init(self, key: Key, x: Any) -> Params:
        params = _ones("GroupNorm", x) | {"bias": jnp.zeros(x.shape[-1:], x.dtype)}
        if x.shape[-1] % self.groups:
            raise ValueError(sentence("GroupNorm", "groups", f"a divisor of the {x.shape[-1]} channels of x", self.groups))
        return params

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_channels("GroupNorm", params, x)
        return _forward(params, x, self._view(x.shape), (1, 3), self.eps, centred=True)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return _backward(params, residuals, dy, self._view(dy.shape), (1, 3))

    def _view(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(batch, positions, groups, channels of a group)."""
        return shape[0], math.prod(shape[1:-1]), self.groups, shape[-1] // self.groups


def _forward(
    params: Params, x: jax.Array, view: tuple[int, ...], axes: tuple[int, ...], eps: Any, *, centred: bool
) -> tuple[jax.Array, Any]:
    """y, and of the way there x itself, the means (None where none is taken off) and r: z is made again from them, so that no
    second array of x's size is kept."""
    wide = widened(x).reshape(view)
    mean = wide.mean(axes, keepdims=True) if centred else None
    variance = jnp.square(_without(wide, mean)).mean(axes, keepdims=True)
    r = jax.lax.rsqrt(variance + jnp.asarray(eps, wide.dtype))
    y = (_without(wide, mean) * r).reshape(x.shape) * widened(params["scale"])
    return (y + widened(params["bias"]) if centred else y).astype(x.dtype), (x, mean, r)


def _backward(params: Params, residuals: Any, dy: jax.Array, view: tuple[int, ...], axes: tuple[int, ...]) -> tuple[Params, jax.Array]:
    x, mean, r = residuals
    errors, z = widened(dy), _without(widened(x).reshape(view), mean) * r
    dz = (errors * widened(params["scale"])).reshape(view)
    dx = r * (_without(dz, None if mean is None else dz.mean(axes, keepdims=True)) - z * (z * dz).mean(axes, keepdims=True))
    rows = tuple(range(dy.ndim - 1))
    sums = {"scale": (errors * z.reshape(dy.shape)).sum(rows), "bias": errors.sum(rows)}
    return {name: sums[name].astype(value.dtype) for name, value in params.items()}, dx.reshape(dy.shape).astype(dy.dtype)


def _without(x: jax.Array, mean: jax.Array | None) -> jax.Array:
    return x if mean is None else x - mean


def _ones(where: str, x: Any) -> dict[str, jax.Array]:
    check_array(where, x)
    if len(x.shape) < 2:
        raise ValueError(sentence(where, "x", "of shape (batch, ..., channels)", f"shape {x.shape}", "Add the batch axis: x[None]."))
    check_floating(where, x)
    return {"scale": jnp.ones(x.shape[-1], x.dtype)}


def _check_channels(where: str, params: Params, x: jax.Array) -> None:
    channels = params["scale"].shape[0]
    if x.ndim < 2 or x.shape[-1] != channels:
        raise ValueError(sentence(where, "x", f"of shape (batch, ..., {channels}), as its parameters are", f"shape {x.shape}"))
