"""W3: how fast is a convolutional network? Conv 3x3x16, pool, Conv 3x3x32, pool, Dense 64, Dense 10 on 20,000 rows of MNIST.

One epoch, batches of 128, Adam, padding SAME, ReLU. Floor: the convolutions as matrix products of patches that are there already, 0.4 of
the program by hand, for what is not there must be moved. Prediction before measuring: fit 1.0 to 1.2 times the program by hand, which
knows that this pooling follows this activation; PyTorch as fast as that, for its convolutions are tuned; others on JAX, whose
gradients of convolutions are autodiff's, 4 to 6 times as long.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxnn
from experiments.benchmarks import contest
from experiments.benchmarks.floors import Product
from experiments.benchmarks.mnist import mnist
from experiments.benchmarks.whole_run import Params, Work, cross_entropy, draw, whole_run

KERNELS: Mapping[str, tuple[int, ...]] = {"kernel 1": (9, 16), "kernel 2": (144, 32), "kernel 3": (1568, 64), "kernel 4": (64, 10)}
LAYOUT = ("NHWC", "HWIO", "NHWC")
NEIGHBOURS = [(i, j) for i in range(3) for j in range(3)]
NOWHERE = np.uint8(4)
"""In place of the position that won a window of four where the activation cut it off."""


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds and ratios; nothing without the data."""
    work = workload(smoke=smoke)
    if work is None:
        return {}
    rows = {"kernel 1": 784, "kernel 2": 196, "kernel 3": 1, "kernel 4": 1}
    products = [Product(work.batch * rows[name], shape, error=name != "kernel 1") for name, shape in KERNELS.items()]
    return contest.measure(work, model(), by_hand(work), products, smoke=smoke)


def workload(*, smoke: bool) -> Work | None:
    """W3, or None without the data."""
    rows = mnist(300 if smoke else 20_000)
    return None if rows is None else Work("cnn", rows[0].reshape(-1, 28, 28, 1), rows[1], epochs=1, batch=128)


def model() -> jaxnn.layers.Layer:
    """The network of the recipe."""
    return jaxnn.models.cnn((16, 32), 10, hidden=(64,))


def by_hand(work: Work) -> Callable[[int], tuple[Params, jax.Array]]:
    """The best program we could write by hand."""
    return whole_run(work, init, gradients)


def init(key: jax.Array) -> Params:
    """Kernels, those of convolutions as (window * inputs, features), and biases."""
    return draw(key, KERNELS) | {name.replace("kernel", "bias"): jnp.zeros(shape[-1]) for name, shape in KERNELS.items()}


def gradients(params: Params, x: jax.Array, y: jax.Array, share: jax.Array) -> tuple[jax.Array, Params]:
    """The loss and its derivatives: a product of patches for one channel, the library's convolution for sixteen."""
    seen = patches(x)
    x1, won1 = pool((seen @ params["kernel 1"]).reshape(*x.shape[:-1], -1) + params["bias 1"])
    x2, won2 = pool(convolve(x1, params["kernel 2"].reshape(3, 3, 16, 32)) + params["bias 2"])
    read = x2.reshape(len(x), -1)
    x3 = jnp.maximum(read @ params["kernel 3"] + params["bias 3"], 0)
    loss, delta4 = cross_entropy(x3 @ params["kernel 4"] + params["bias 4"], y, share)
    delta3 = jnp.where(x3 > 0, delta4 @ params["kernel 4"].T, 0)
    delta2 = unpool(won2, (delta3 @ params["kernel 3"].T).reshape(x2.shape))
    turned = params["kernel 2"].reshape(3, 3, 16, 32)[::-1, ::-1].swapaxes(2, 3)
    delta1 = unpool(won1, convolve(delta2, turned)).reshape(-1, 16)
    kernel2 = convolve(x1.transpose(3, 1, 2, 0), delta2.transpose(1, 2, 0, 3), ((1, 1), (1, 1))).transpose(1, 2, 0, 3)
    kernels = [seen.T @ delta1, kernel2.reshape(144, 32), read.T @ delta3, x3.T @ delta4]
    changes = dict(zip(KERNELS, kernels, strict=True))
    for number, delta in enumerate((delta1, delta2, delta3, delta4), start=1):
        changes[f"bias {number}"] = delta.sum(axis=tuple(range(delta.ndim - 1)))
    return loss, changes


def patches(x: jax.Array) -> jax.Array:
    """The 3x3 surroundings of every pixel, (batch * height * width, 9 channels)."""
    height, width, channels = x.shape[1:]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    beside = [padded[:, i : i + height, j : j + width] for i, j in NEIGHBOURS]
    return jnp.concatenate(beside, axis=-1).reshape(-1, 9 * channels)


def convolve(x: jax.Array, kernel: jax.Array, padding: str | tuple[tuple[int, int], ...] = "SAME") -> jax.Array:
    """The library's."""
    return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=LAYOUT)


def pool(b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """ReLU and 2x2 pooling in one: y, and which of four positions won, the first of equal ones."""
    best, won = b[:, ::2, ::2], jnp.zeros((), jnp.uint8)
    for number, (i, j) in enumerate(((0, 1), (1, 0), (1, 1)), start=1):
        candidate = b[:, i::2, j::2]
        won = jnp.where(candidate > best, np.uint8(number), won)
        best = jnp.maximum(candidate, best)
    return jnp.maximum(best, 0), jnp.where(best > 0, won, NOWHERE)


def unpool(won: jax.Array, dy: jax.Array) -> jax.Array:
    """db from dy."""
    rows, height, width, channels = dy.shape
    position = jnp.arange(4, dtype=jnp.uint8).reshape(1, 1, 2, 1, 2, 1)
    laid = jnp.where(won[:, :, None, :, None] == position, dy[:, :, None, :, None], 0)
    return laid.reshape(rows, 2 * height, 2 * width, channels)
