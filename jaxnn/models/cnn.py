"""Convolutional networks."""

from collections.abc import Sequence

from jaxnn import layers
from jaxnn.checks import check_ranges, check_sizes
from jaxnn.layers import (
    ELU,
    SELU,
    Activation,
    Chain,
    Conv,
    Flatten,
    Identity,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Sigmoid,
    Softplus,
    Step,
    Tanh,
)
from jaxnn.models.mlp import mlp

INCREASING = (Identity, Step, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, Softplus)
"""Activations that change places with a maximum: the largest of sigma(b) is sigma of the largest b."""


def cnn(
    features: Sequence[int | Sequence[int]],
    outputs: int,
    *,
    window: tuple[int, ...] = (3, 3),
    pool: int | tuple[int, ...] | None = 2,
    hidden: Sequence[int] = (64,),
    activation: str | Activation = "relu",
    norm: Layer | None = None,
    dropout: float | None = None,
) -> Chain:
    """For each of features a convolution, max pooling and the activation; then Flatten, and an ``mlp`` of hidden and outputs.

    x is (batch, height, width, channels), or (batch, time, channels) with a window of one number. An entry of features may be several
    widths, ((16, 16), 32): so many convolutions, each with its activation, before one pooling. Convolutions keep height and width;
    ``pool`` divides them, a whole number standing for all axes, None leaving the pooling out. ``norm``, for instance
    ``BatchNorm()``, follows each convolution. Kernels are drawn as in ``mlp``; dropout follows the hidden layers.

    The pooling stands before an activation that increases: the same function as behind it, for a quarter of the work. The others,
    GELU, SiLU and those of your own, stand before the pooling. Source: LeCun et al. 1998. Raises TypeError for features
    that are no sequence, ValueError for an activation with a number out of its range; x is refused where pooling leaves less than a
    window of it.

    >>> [type(layer).__name__ for layer in cnn((6, 16), 10, window=(5, 5), hidden=()).layers]
    ['Conv', 'MaxPool', 'ReLU', 'Conv', 'MaxPool', 'ReLU', 'Flatten', 'Dense']
    """
    check_sizes("cnn", "features", features, "a sequence of widths", "Write (16, 32) for two convolutions.")
    function = layers.activation(activation)
    check_ranges("cnn", function)
    pooling: list[Layer] = [] if pool is None else [MaxPool((pool,) * len(window) if isinstance(pool, int) else pool)]
    last = [*pooling, function] if isinstance(function, INCREASING) else [function, *pooling]
    network: list[Layer] = []
    for entry in features:
        widths = (entry,) if isinstance(entry, int) else tuple(entry)
        for number, width in enumerate(widths, start=1):
            network += [Conv(width, window, initializer=type(function).initializer), *([] if norm is None else [norm])]
            network += last if number == len(widths) else [function]
    return Chain((*network, Flatten(), *mlp(hidden, outputs, activation=function, dropout=dropout).layers))
