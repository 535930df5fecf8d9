"""Pairs of networks for adversarial training."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from jaxnn import layers
from jaxnn.layers import Activation, Chain, Dense, Flatten, Identity, Layer, LeakyReLU, Reshape
from jaxnn.models.halving import check_halves, check_shape, doubling, halving
from jaxnn.models.mlp import hidden_layers

LEAKY = LeakyReLU(0.2)
"""Errors pass a unit that is off: the generator learns through the whole of the discriminator (Radford et al. 2016)."""


class Networks(NamedTuple):
    """What ``Adversarial`` begins with: generator, (batch, any latent numbers) to (batch, ...), and discriminator, back to (batch, 1)."""

    generator: Layer
    discriminator: Layer


def gan(
    hidden: Sequence[int],
    shape: int | Sequence[int],
    *,
    output: str | Activation = "identity",
    activation: str | Activation = LEAKY,
    dropout: float | None = None,
) -> Networks:
    """Generator and discriminator of Dense layers: ``Adversarial(*gan((64,), 784, output="sigmoid"), latent=16)``.

    The discriminator has the hidden widths, with dropout if there is a rate, and one output without activation; the generator
    has them in reverse, and ``output`` on rows of ``shape``: "sigmoid" for x in [0, 1], "tanh" for [-1, 1], "identity" for any.
    Source: Goodfellow et al. 2014. Raises as ``mlp``, and ValueError for a shape < 1.

    >>> import jax, jax.numpy as jnp
    >>> networks, z = gan((8,), (4, 4)), jnp.ones((5, 2))
    >>> networks.generator.apply(networks.generator.init(jax.random.key(0), z), z).shape
    (5, 4, 4)
    """
    row = check_shape("gan", shape)
    down = [*hidden_layers("gan", hidden, activation, dropout), Dense(1)]
    up = [*hidden_layers("gan", hidden[::-1], activation, None), Dense(math.prod(row)), *_end(output)]
    if len(row) == 1:
        return Networks(Chain(tuple(up)), Chain(tuple(down)))
    return Networks(Chain((*up, Reshape(row))), Chain((Flatten(), *down)))


def conv_gan(
    features: Sequence[int],
    shape: Sequence[int],
    *,
    output: str | Activation = "identity",
    activation: str | Activation = LEAKY,
) -> Networks:
    """Generator and discriminator of images: transposed convolutions that double, and convolutions that halve, one for each of features.

    ``shape`` (height, width, channels), or (time, channels), as of ``conv_autoencoder``; output and activation as of ``gan``. No batch
    normalisation, which a gradient penalty forbids. Source: Radford et al. 2016. Raises as ``conv_autoencoder``.

    >>> import jax, jax.numpy as jnp
    >>> networks, x = conv_gan((4, 8), (8, 8, 1), output="sigmoid"), jnp.ones((5, 8, 8, 1))
    >>> networks.discriminator.apply(networks.discriminator.init(jax.random.key(0), x), x).shape
    (5, 1)
    """
    row, function = check_halves("conv_gan", features, shape), layers.activation(activation)
    generator = Chain((*doubling(features, row, function), *_end(output)))
    return Networks(generator, Chain((*halving(features, len(row) - 1, function), Flatten(), Dense(1))))


def _end(output: str | Activation) -> list[Layer]:
    function = layers.activation(output)
    return [] if isinstance(function, Identity) else [function]
