"""W4: how fast is a recurrent network? LSTM 64, the last output to 2 classes, on 4,096 series of 40 steps of one number.

5 epochs, batches of 64, Adam. Synthetic: which of two waves is under the noise. Floor: the products of the steps through time alone, one
after the other, 0.75 of the program by hand. Prediction before measuring: fit 1.0 to 1.15 times the program by hand; PyTorch, with
a kernel for the gates, 0.85 times; others on JAX 1.7 to 3.4 times.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxnn
from experiments.benchmarks import contest
from experiments.benchmarks.floors import Product
from experiments.benchmarks.whole_run import Params, Work, cross_entropy, draw, whole_run

UNITS, TIME = 64, 40
KERNELS: Mapping[str, tuple[int, ...]] = {"kernel": (1, 4 * UNITS), "recurrent": (UNITS, 4 * UNITS), "out": (UNITS, 2)}


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds and ratios."""
    work = workload(smoke=smoke)
    products = [Product(work.batch, KERNELS["recurrent"], times=TIME), Product(work.batch, KERNELS["out"])]
    return contest.measure(work, model(), by_hand(work), products, smoke=smoke)


def workload(*, smoke: bool) -> Work:
    """W4."""
    return Work("lstm", *series(100 if smoke else 4096), epochs=1 if smoke else 5, batch=64)


def series(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, TIME, 1), waves of one of two lengths and any phase under noise of the same size, and y (rows,), which length."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, rows)
    angle = 2 * np.pi * (np.arange(TIME) / np.where(y, 8, 12)[:, None] + random.uniform(size=(rows, 1)))
    return (np.sin(angle) + random.normal(size=(rows, TIME)))[..., None].astype(np.float32), y.astype(np.int32)


def model() -> jaxnn.layers.Layer:
    """The network of the recipe."""
    return jaxnn.models.rnn((UNITS,), 2)


def by_hand(work: Work) -> Callable[[int], tuple[Params, jax.Array]]:
    """The best program we could write by hand."""
    return whole_run(work, init, gradients)


def init(key: jax.Array) -> Params:
    """Kernels and biases; gates in the order i, f, g, o."""
    return draw(key, KERNELS) | {"bias": jnp.zeros(4 * UNITS).at[UNITS : 2 * UNITS].set(1.0), "out bias": jnp.zeros(2)}


def gradients(params: Params, x: jax.Array, y: jax.Array, share: jax.Array) -> tuple[jax.Array, Params]:
    """The loss and its derivatives: errors backwards through time, then one product for all steps."""
    x = x.swapaxes(0, 1)
    zeros = jnp.zeros((x.shape[1], UNITS), x.dtype)
    (h, _), (hs, cs, *kept) = lax.scan(lambda state, x: forward(params, state, x), (zeros, zeros), x)
    loss, delta = cross_entropy(h @ params["out"] + params["out bias"], y, share)
    turned = params["recurrent"].T
    _, errors = lax.scan(lambda d, kept: backward(turned, d, kept), (delta @ params["out"].T, zeros), (cs, *kept), reverse=True)
    errors = errors.reshape(-1, 4 * UNITS)
    kernels = {"kernel": x.reshape(-1, 1).T @ errors, "recurrent": hs.reshape(-1, UNITS).T @ errors, "out": h.T @ delta}
    return loss, kernels | {"bias": errors.sum(axis=0), "out bias": delta.sum(axis=0)}


def forward(params: Params, state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, ...]]:
    """One step, and what the step back reads."""
    h, c = state
    i, f, g, o = jnp.split(h @ params["recurrent"] + (x * params["kernel"] + params["bias"]), 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), jnp.tanh(g), sigmoid(o)
    after = f * c + i * g
    read = jnp.tanh(after)
    return (o * read, after), (h, c, i, f, g, o, read)


def backward(
    turned: jax.Array, d: tuple[jax.Array, jax.Array], kept: tuple[jax.Array, ...]
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    """One step back: the errors of its gates, and those of the state before."""
    (dh, dc), (c, i, f, g, o, read) = d, kept
    dc = dc + dh * o * (1 - read * read)
    errors = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * read * o * (1 - o))
    delta = jnp.concatenate(errors, axis=-1)
    return (delta @ turned, dc * f), delta


def sigmoid(b: jax.Array) -> jax.Array:
    """By tanh, which XLA has in vectors on CPU."""
    return 0.5 * jnp.tanh(0.5 * b) + 0.5
