r"""Convolutions over images (batch, height, width, channels) and series (batch, time, channels): patches with shared weights.

As everywhere in this field the kernel is not turned round before it is laid on: strictly speaking these are correlations.
The rules are in ``correlation``, derived in docs/derivations/convolution.md.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_floating
from jaxnn.layers.correlation import Geometry, correlate, input_cotangent, kernel_cotangent
from jaxnn.layers.windows import Pads, Sizes, check_images, check_window, explicit_pads, sizes_of, transposed_pads
from jaxnn.records import static
from jaxnn.typing import Key, Params


class Convolution(Layer):
    """What a convolution and its transpose have in common: fields, parameters and rule, by how the kernel passes over x."""

    features: int = static()
    window: Sizes = static(default=(3, 3))
    stride: int | Sizes = static(default=1)
    padding: str | int | Pads = static(default="SAME")
    dilation: int | Sizes = static(default=1)
    groups: int = static(default=1)
    initializer: Callable[..., Any] = static(default=jax.nn.initializers.glorot_uniform)

    def __post_init__(self) -> None:
        where = type(self).__name__
        check_whole(where, "features", self.features, low=1)
        check_whole(where, "groups", self.groups, low=1)
        check_window(where, self.window, stride=self.stride, dilation=self.dilation, padding=self.padding)
        if self.features % self.groups:
            raise ValueError(sentence(where, "features", f"a multiple of groups ({self.groups})", self.features))

    @property
    def stacks(self) -> bool:
        return False

    @abstractmethod
    def geometry(self, shape: Sizes) -> Geometry:
        """How the kernel passes over an x of that shape."""

    def init(self, key: Key, x: Any) -> Params:
        where = type(self).__name__
        check_images(where, x, len(self.window))
        check_floating(where, x)
        if x.shape[-1] % self.groups:
            raise ValueError(sentence(where, "groups", f"a divisor of the {x.shape[-1]} channels of x", self.groups))
        self.geometry(x.shape)
        kernel = self.initializer()(key, (*self.window, x.shape[-1] // self.groups, self.features), x.dtype)
        return {"kernel": kernel, "bias": jnp.zeros(self.features, x.dtype)}

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_channels(type(self).__name__, x, params["kernel"].shape[-2] * self.groups, len(self.window))
        return correlate(x, params["kernel"], self.geometry(x.shape)) + params["bias"], x

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        kernel, geometry = params["kernel"], self.geometry(residuals.shape)
        dparams = {
            "kernel": kernel_cotangent(residuals, dy, kernel.shape[:-2], geometry),
            "bias": dy.sum(axis=tuple(range(dy.ndim - 1))),
        }
        return dparams, input_cotangent(dy, kernel, residuals.shape[1:-1], geometry)

    def _sizes(self) -> tuple[Sizes, Sizes]:
        return sizes_of(self.stride, len(self.window)), sizes_of(self.dilation, len(self.window))


class Conv(Convolution):
    r"""Every output looks at a window of the input, with the same weights everywhere: :math:`y = x \star W + b`.

    Shapes: x (batch, n..., inputs), W = ``kernel`` (window..., inputs / groups, features), b = ``bias`` (features,), y (batch,
    m..., features) with m = ceil(n / stride) for "SAME" and ceil((n - (window - 1) dilation) / stride) for "VALID".
    The length of ``window`` says whether x is a series (1), an image (2) or a volume (3). padding: "SAME", "VALID", a whole number for
    all sides, or a pair (before, after) for each axis. groups: channels are split into so many that do not see each other; as
    many as inputs is a depthwise convolution. Rule: :math:`db = \sum dy`, dW is x correlated with dy, dx is dy correlated with the
    kernel turned round; docs/derivations/convolution.md.

    Raises ValueError for an x of another rank, groups that do not divide channels or a window larger than the padded x, TypeError
    for an x that is not floating point. Source: LeCun et al. 1989.

    >>> import jax, jax.numpy as jnp
    >>> x = jnp.ones((5, 28, 28, 1))
    >>> params = Conv(16).init(jax.random.key(0), x)
    >>> params["kernel"].shape, Conv(16, stride=2).apply(params, x).shape
    ((3, 3, 1, 16), (5, 14, 14, 16))
    """

    def geometry(self, shape: Sizes) -> Geometry:
        stride, dilation = self._sizes()
        pads = explicit_pads("Conv", shape[1:-1], self.window, stride, dilation, self.padding)
        return Geometry(stride, (1,) * len(stride), dilation, pads, self.groups)


class ConvTranspose(Convolution):
    r"""A convolution the other way round: each input lays the kernel, times itself, onto a larger output.

    Shapes: x (batch, n..., inputs), ``kernel`` (window..., inputs / groups, features), ``bias`` (features,), y (batch, m..., features),
    k = (window - 1) dilation + 1 what a window reaches over. m = n stride for "SAME" and n stride + max(k - stride, 0) for "VALID". A
    whole number, or a pair (before, after) for each axis, is the padding of the ``Conv`` whose way back this is, so that much of the
    output is cut off: m = (n - 1) stride + k - before - after. groups: as of ``Conv``. It is a correlation of x with stride - 1 zeros
    between its elements, as in ``jax.lax.conv_transpose``; its rules are those of ``Conv`` with stride and spread changing places.

    Raises as ``Conv``, and ValueError where the padding leaves nothing. Source: Zeiler et al. 2010 ("deconvolution").

    >>> import jax, jax.numpy as jnp
    >>> layer, x = ConvTranspose(8, stride=2), jnp.ones((5, 7, 7, 16))
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (5, 14, 14, 8)
    """

    stride: int | Sizes = static(default=2)

    def geometry(self, shape: Sizes) -> Geometry:
        spread, dilation = self._sizes()
        reach = tuple((k - 1) * d + 1 for k, d in zip(self.window, dilation, strict=True))
        pads = transposed_pads("ConvTranspose", shape[1:-1], reach, spread, self.padding)
        return Geometry((1,) * len(spread), spread, dilation, pads, self.groups)


def _check_channels(where: str, x: Any, inputs: int, rank: int) -> None:
    check_images(where, x, rank)
    if x.shape[-1] != inputs:
        raise ValueError(sentence(where, "x", f"of {inputs} channels, as its parameters are", f"shape {x.shape}"))
