"""Convolutions that halve an image again and again, and those that double it back: what autoencoders and GANs of images are made of."""

import math
from collections.abc import Sequence

from jaxnn.checks import check_sizes, check_whole, sentence
from jaxnn.layers import Activation, Conv, ConvTranspose, Dense, Layer, Reshape

WINDOW = 3


def halving(features: Sequence[int], rank: int, activation: Activation) -> list[Layer]:
    """For each of features a convolution of stride 2 and the activation: each axis is half as long after each."""
    initializer = type(activation).initializer
    return [layer for width in features for layer in (Conv(width, (WINDOW,) * rank, 2, initializer=initializer), activation)]


def doubling(features: Sequence[int], shape: tuple[int, ...], activation: Activation) -> list[Layer]:
    """The way back, from any number of units to rows of that shape (..., channels): a Dense layer, then a transposed convolution of
    stride 2 for each of features, beginning at the last of them; the activation stands between."""
    *sizes, channels = shape
    smallest, window = [size // 2 ** len(features) for size in sizes], (WINDOW,) * len(sizes)
    initializer, first = type(activation).initializer, features[-1]
    layers: list[Layer] = [Dense(math.prod(smallest) * first, initializer=initializer), Reshape((*smallest, first))]
    for width in features[-2::-1]:
        layers += [activation, ConvTranspose(width, window, 2, initializer=initializer)]
    return [*layers, activation, ConvTranspose(channels, window, 2)]


def check_halves(where: str, features: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The shape (..., channels) as a tuple. Refuses features that are no sequence, and sizes that can't be halved so often."""
    check_sizes(where, "features", features, "a sequence of widths", "Write (16, 32) for two convolutions.")
    shape = check_shape(where, shape)
    factor = 2 ** len(features)
    if len(shape) < 2 or any(size % factor for size in shape[:-1]):
        advice = "Pad the images, or take fewer features."
        raise ValueError(sentence(where, "shape", f"(sizes divisible by {factor}, and channels)", shape, advice))
    return shape


def check_shape(where: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    """The shape of a row as a tuple; a number stands for that many numbers."""
    row = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in row:
        check_whole(where, "shape", size, low=1)
    if not row:
        raise ValueError(sentence(where, "shape", "of one axis at least", row, "Write 8 for rows of eight numbers."))
    return row
