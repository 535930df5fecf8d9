r"""Correlation of images or series with a kernel, and its two cotangents, which are correlations again.

Symbols, one spatial axis of several: x (rows, n, inputs), kernel w (k, inputs / groups, features), y (rows, m, features);
s the stride, g the spread of x (its elements are g apart, zeros between them), d the dilation of the kernel, p what is padded in front:

.. math:: y_o = \sum_j \tilde x_{os + jd - p}\, w_j, \qquad \tilde x_{ig} = x_i, \quad 0 \text{ elsewhere} .

Convolution is s >= 1, g = 1; transposed convolution s = 1, g >= 1. docs/derivations/convolution.md derives that the cotangent of x is
dy correlated with the kernel turned round, s and g changing places, and that of the kernel is x correlated with dy.
"""

import itertools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

MOST_TAPS = 9
"""Windows of more elements go to the library: of 5 x 5 it took a third of the taps' time for a whole step (6 maps, pooling behind)."""
SPATIAL = {1: "H", 2: "HW", 3: "HWD"}


class Geometry(NamedTuple):
    """How a kernel passes over x, a number for each spatial axis; pads are (before, after) and may be negative."""

    stride: tuple[int, ...]
    spread: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    groups: int = 1


def correlate(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """y (rows, ..., features) for x (rows, ..., inputs) and kernel (..., inputs / groups, features)."""
    few = math.prod(kernel.shape[:-2]) <= MOST_TAPS
    if x.shape[-1] == 1 and few and set(geometry.spread) == {1} and jax.default_backend() == "cpu":
        return _sum_of_taps(x, kernel, geometry)
    axes = SPATIAL[x.ndim - 2]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=geometry.stride,
        padding=geometry.pads,
        lhs_dilation=geometry.spread,
        rhs_dilation=geometry.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=geometry.groups,
    )


def _sum_of_taps(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The formula as it stands, for one input channel on CPU: XLA makes one loop of it, with what comes behind (pooling) inside.

    The library's product of patches and kernel has nothing to sum over there: it takes a quarter longer for a whole LeNet's step.
    """
    padded = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((before, after, 0) for before, after in geometry.pads), (0, 0, 0)))
    window, total = kernel.shape[:-2], jnp.zeros((), x.dtype)
    reach = [(k - 1) * d for k, d in zip(window, geometry.dilation, strict=True)]
    for position in itertools.product(*map(range, window)):
        starts = [j * d for j, d in zip(position, geometry.dilation, strict=True)]
        cuts = [slice(a, n - r + a, s) for a, n, r, s in zip(starts, padded.shape[1:], reach, geometry.stride, strict=False)]
        total = total + padded[(slice(None), *cuts)] * kernel[position]
    return total


def input_cotangent(dy: jax.Array, kernel: jax.Array, sizes: tuple[int, ...], geometry: Geometry) -> jax.Array:
    """dx from dy: dy spread by the stride, correlated with the kernel turned round; sizes: x's along its spatial axes."""
    axes = tuple(range(kernel.ndim - 2))
    pads = tuple(
        _facing(n, m, k, s, g, d, before)
        for n, m, k, s, g, d, (before, _) in zip(sizes, dy.shape[1:-1], kernel.shape, *geometry[:4], strict=False)
    )
    turned = _swap_groups(kernel[tuple(slice(None, None, -1) for _ in axes)], geometry.groups)
    return correlate(dy, turned, geometry._replace(stride=geometry.spread, spread=geometry.stride, pads=pads))


def kernel_cotangent(x: jax.Array, dy: jax.Array, window: tuple[int, ...], geometry: Geometry) -> jax.Array:
    """dw (..., inputs / groups, features) from dy: x correlated with dy, rows taking the place of inputs."""
    pads = tuple(
        (before, (k - 1) * d + (m - 1) * s - (n - 1) * g - before)
        for k, n, m, s, g, d, (before, _) in zip(window, x.shape[1:-1], dy.shape[1:-1], *geometry[:4], strict=True)
    )
    rank, last = x.ndim - 2, x.ndim - 1
    axes, places = tuple(range(1, last)), tuple(range(rank))
    options: dict[str, Any] = {"lhs_dilation": geometry.spread, "rhs_dilation": geometry.stride, "batch_group_count": geometry.groups}
    if jax.default_backend() != "cpu":
        rows_as_inputs, kernel_again = (last, 0, *axes), (rank, last, *places)
        numbers = lax.ConvDimensionNumbers(rows_as_inputs, rows_as_inputs, kernel_again)
        return lax.conv_general_dilated(x, dy, geometry.dilation, pads, dimension_numbers=numbers, **options)
    # Its library takes axes in one order only, so they are turned by hand: for any other XLA writes a loop, 10 to 20 times slower.
    numbers = lax.ConvDimensionNumbers((0, last, *axes), (last, rank, *places), (0, last, *axes))
    x, dy = x.transpose((last, *axes, 0)), dy.transpose((*axes, 0, last))
    return lax.conv_general_dilated(x, dy, geometry.dilation, pads, dimension_numbers=numbers, **options).transpose((*axes, 0, last))


def _facing(n: int, m: int, k: int, s: int, g: int, d: int, before: int) -> tuple[int, int]:
    """What is padded around dy: in front (k - 1) d - p; behind, so much that n numbers come out."""
    front = (k - 1) * d - before
    return front, (n - 1) * g + (k - 1) * d + 1 - ((m - 1) * s + 1) - front


def _swap_groups(kernel: jax.Array, groups: int) -> jax.Array:
    """The kernel (..., inputs / groups, features) as (..., features / groups, inputs), each group by itself."""
    *window, inputs, features = kernel.shape
    split = kernel.reshape(*window, inputs, groups, features // groups)
    return _last_three(split).reshape(*window, features // groups, groups * inputs)


def _last_three(kernel: Any) -> Any:
    """(..., inputs, groups, features) turned into (..., features, groups, inputs)."""
    return kernel.swapaxes(-1, -3)
