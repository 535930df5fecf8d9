"""Autoencoders, dense and convolutional, with a code or a distribution over codes."""

import math
from collections.abc import Sequence

from jaxnn import layers
from jaxnn.checks import check_whole
from jaxnn.layers import Activation, Autoencoder, Chain, Dense, Flatten, Layer, Reshape, VariationalAutoencoder
from jaxnn.models.halving import check_halves, check_shape, doubling, halving
from jaxnn.models.mlp import hidden_layers


def autoencoder(
    hidden: Sequence[int],
    latent: int,
    shape: int | Sequence[int],
    *,
    activation: str | Activation = "relu",
    dropout: float | None = None,
) -> Autoencoder:
    """Dense layers of the hidden widths down to a code of ``latent`` numbers, and the same widths in reverse back to a row of x.

    x (batch, \\*shape), y as x; ``shape`` is that of a row, 784 or (28, 28). Neither the code nor y has an activation. ``hidden=()`` is
    linear: the best such code is that of PCA. Learnt by ``Reconstruction``, with ``noise`` a denoising one.
    Raises as ``mlp``, and ValueError for a latent or a shape < 1.

    >>> import jax, jax.numpy as jnp
    >>> model, x = autoencoder((16,), 2, (4, 4)), jnp.ones((5, 4, 4))
    >>> params = model.init(jax.random.key(0), x)
    >>> model.encode(params, x).shape, model.apply(params, x).shape
    ((5, 2), (5, 4, 4))
    """
    return Autoencoder(*_dense("autoencoder", hidden, latent, 1, shape, activation, dropout))


def variational_autoencoder(
    hidden: Sequence[int],
    latent: int,
    shape: int | Sequence[int],
    *,
    activation: str | Activation = "relu",
    dropout: float | None = None,
) -> VariationalAutoencoder:
    """As ``autoencoder``, with a distribution over codes: mean and log variance of each of its numbers. Learnt by ``Variational``.

    >>> import jax, jax.numpy as jnp
    >>> model, x = variational_autoencoder((16,), 2, 8), jnp.ones((5, 8))
    >>> model.apply(model.init(jax.random.key(0), x), x).mean.shape
    (5, 2)
    """
    return VariationalAutoencoder(*_dense("variational_autoencoder", hidden, latent, 2, shape, activation, dropout), latent)


def conv_autoencoder(features: Sequence[int], latent: int, shape: Sequence[int], *, activation: str | Activation = "relu") -> Autoencoder:
    """For each of features a convolution that halves the image, a Dense layer to the code, and transposed convolutions back.

    x (batch, \\*shape), y as x; ``shape`` (height, width, channels), or (time, channels), of which each size but the channels must be
    divisible by 2 to the number of features: (28, 28, 1) allows two. Windows are 3 wide, strides 2. Neither the code nor y has
    an activation. Raises TypeError for features that are no sequence, ValueError for other shapes.

    >>> import jax, jax.numpy as jnp
    >>> model, x = conv_autoencoder((4, 8), 2, (8, 8, 1)), jnp.ones((5, 8, 8, 1))
    >>> params = model.init(jax.random.key(0), x)
    >>> model.encode(params, x).shape, model.apply(params, x).shape
    ((5, 2), (5, 8, 8, 1))
    """
    return Autoencoder(*_convolutional("conv_autoencoder", features, latent, 1, shape, activation))


def conv_variational_autoencoder(
    features: Sequence[int], latent: int, shape: Sequence[int], *, activation: str | Activation = "relu"
) -> VariationalAutoencoder:
    """As ``conv_autoencoder``, with a distribution over codes. Learnt by ``Variational``.

    >>> import jax, jax.numpy as jnp
    >>> model, x = conv_variational_autoencoder((4,), 2, (6, 3)), jnp.ones((5, 6, 3))
    >>> model.apply(model.init(jax.random.key(0), x), x).mean.shape
    (5, 2)
    """
    return VariationalAutoencoder(*_convolutional("conv_variational_autoencoder", features, latent, 2, shape, activation), latent)


def _dense(
    where: str,
    hidden: Sequence[int],
    latent: int,
    each: int,
    shape: int | Sequence[int],
    activation: str | Activation,
    dropout: float | None,
) -> tuple[Chain, Chain]:
    """Encoder, to ``each`` numbers for one of the code, and decoder."""
    check_whole(where, "latent", latent, low=1)
    row, down = check_shape(where, shape), hidden_layers(where, hidden, activation, dropout)
    up = hidden_layers(where, hidden[::-1], activation, dropout)
    flatten, reshape = ([Flatten()], [Reshape(row)]) if len(row) > 1 else ([], [])
    return Chain((*flatten, *down, Dense(each * latent))), Chain((*up, Dense(math.prod(row)), *reshape))


def _convolutional(
    where: str, features: Sequence[int], latent: int, each: int, shape: Sequence[int], activation: str | Activation
) -> tuple[Chain, Chain]:
    check_whole(where, "latent", latent, low=1)
    row, function = check_halves(where, features, shape), layers.activation(activation)
    down: list[Layer] = [*halving(features, len(row) - 1, function), Flatten(), Dense(each * latent)]
    return Chain(tuple(down)), Chain(tuple(doubling(features, row, function)))
