"""W2: how fast is a network whose time goes into matrix products? MLP 784-256-128-10 on MNIST, 3 epochs, batches of 128, Adam.

Floor: the matrix products of the steps alone, 0.9 of the program by hand. Prediction before measuring: fit does what that program
does plus what costs nothing at this size, so a ratio of 1.0 to 1.05; other libraries add 0.2 to 2 ms a step, 1.2 to 3 times as long.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

import jaxnn
from experiments.benchmarks import contest
from experiments.benchmarks.floors import Product
from experiments.benchmarks.mnist import ROWS, mnist
from experiments.benchmarks.whole_run import Params, Work, cross_entropy, draw, whole_run

KERNELS: Mapping[str, tuple[int, ...]] = {"kernel 1": (784, 256), "kernel 2": (256, 128), "kernel 3": (128, 10)}


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds and ratios; nothing without the data."""
    work = workload(smoke=smoke)
    if work is None:
        return {}
    products = [Product(work.batch, shape, error=name != "kernel 1") for name, shape in KERNELS.items()]
    return contest.measure(work, model(), by_hand(work), products, smoke=smoke)


def workload(*, smoke: bool) -> Work | None:
    """W2, or None without the data."""
    rows = mnist(300 if smoke else ROWS)
    return None if rows is None else Work("mlp", *rows, epochs=1 if smoke else 3, batch=128)


def model() -> jaxnn.layers.Layer:
    """The network of the recipe."""
    return jaxnn.models.mlp((256, 128), 10)


def by_hand(work: Work) -> Callable[[int], tuple[Params, jax.Array]]:
    """The best program we could write by hand."""
    return whole_run(work, init, gradients)


def init(key: jax.Array) -> Params:
    """Kernels and biases."""
    return draw(key, KERNELS) | {name.replace("kernel", "bias"): jnp.zeros(shape[-1]) for name, shape in KERNELS.items()}


def gradients(params: Params, x: jax.Array, y: jax.Array, share: jax.Array) -> tuple[jax.Array, Params]:
    """The loss and its derivatives."""
    x1 = jnp.maximum(x @ params["kernel 1"] + params["bias 1"], 0)
    x2 = jnp.maximum(x1 @ params["kernel 2"] + params["bias 2"], 0)
    loss, delta3 = cross_entropy(x2 @ params["kernel 3"] + params["bias 3"], y, share)
    delta2 = jnp.where(x2 > 0, delta3 @ params["kernel 3"].T, 0)
    delta1 = jnp.where(x1 > 0, delta2 @ params["kernel 2"].T, 0)
    changes: Params = {}
    for number, (read, delta) in enumerate(((x, delta1), (x1, delta2), (x2, delta3)), start=1):
        changes |= {f"kernel {number}": read.T @ delta, f"bias {number}": delta.sum(axis=0)}
    return loss, changes
