"""W1: digits, MLP 64-64-64-10, batches of 32, Adam at 1e-3, 20 epochs, every epoch shuffled, the last partial batch counted.

Every contender does this same work; each is a function that trains once from new weights and returns nothing.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import jaxnn
from jaxnn.data import load

WIDTHS, EPOCHS, BATCH, LEARNING_RATE = (64, 64), 20, 32, 1e-3
Train = Callable[[int], None]
"""Trains from the given seed and returns when it is done."""


def digits() -> tuple[np.ndarray, np.ndarray]:
    """x (1437, 64) scaled to [0, 1] and y (1437,): four fifths of the bundled digits."""
    data = load("digits")
    rows = 4 * len(data.target) // 5
    return (data.numbers[:rows] / 16).astype(np.float32), data.target[:rows].astype(np.int32)


def recipe(learning_rate: float = LEARNING_RATE) -> jaxnn.Recipe:
    """The recipe of W1."""
    task = jaxnn.Classification(jaxnn.models.mlp(WIDTHS, 10))
    return jaxnn.Recipe(task, jaxnn.optimizer(optax.adam, learning_rate=learning_rate), epochs=EPOCHS, batch_size=BATCH)


def with_jaxnn(x: np.ndarray, y: np.ndarray) -> Train:
    """``jaxnn.fit``."""

    def train(seed: int) -> None:
        jaxnn.fit(recipe(), (x, y), key=seed)

    return train


def by_hand(x: np.ndarray, y: np.ndarray) -> Train:
    """The program that a JAX user writes without any library but optax: one jitted function, a scan in a scan."""
    rows, steps = len(x), -(-len(x) // BATCH)
    transformation = optax.adam(LEARNING_RATE)
    sizes = (x.shape[1], *WIDTHS, 10)

    def forward(params: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
        for layer in params[:-1]:
            x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
        return x @ params[-1]["kernel"] + params[-1]["bias"]

    def loss(params: list[dict[str, jax.Array]], x: jax.Array, y: jax.Array, weight: jax.Array) -> jax.Array:
        losses = optax.softmax_cross_entropy_with_integer_labels(forward(params, x), y)
        return jnp.sum(losses * weight) / jnp.sum(weight)

    def init(key: jax.Array) -> list[dict[str, jax.Array]]:
        keys = jax.random.split(key, len(sizes) - 1)
        shapes = zip(keys, sizes[:-1], sizes[1:], strict=True)
        return [{"kernel": jax.nn.initializers.he_normal()(k, (a, b)), "bias": jnp.zeros(b)} for k, a, b in shapes]

    @jax.jit
    def run(x: jax.Array, y: jax.Array, key: jax.Array) -> tuple[list[dict[str, jax.Array]], jax.Array]:
        def epoch(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            order = jnp.pad(jax.random.permutation(key, rows), (0, steps * BATCH - rows)).reshape(steps, BATCH)
            weights = (jnp.arange(steps * BATCH) < rows).astype(x.dtype).reshape(steps, BATCH)

            def step(state: Any, batch: Any) -> tuple[Any, jax.Array]:
                (params, optimizer_state), (index, weight) = state, batch
                value, gradients = jax.value_and_grad(loss)(params, x[index], y[index], weight)
                with jax.numpy_dtype_promotion("standard"):
                    updates, optimizer_state = transformation.update(gradients, optimizer_state)
                return (optax.apply_updates(params, updates), optimizer_state), value

            return lax.scan(step, state, (order, weights))

        init_key, run_key = jax.random.split(key)
        params = init(init_key)
        (params, _), losses = lax.scan(epoch, (params, transformation.init(params)), jax.random.split(run_key, EPOCHS))
        return params, losses

    x, y = jax.device_put((x, y))
    return lambda seed: jax.block_until_ready(run(x, y, jax.random.key(seed)))


def matrix_products(x: np.ndarray, y: np.ndarray) -> Train:
    """The floor: the eight matrix products of each step alone, no gather, no loss, no optimizer, no shuffle."""
    steps, sizes = EPOCHS * -(-len(x) // BATCH), (x.shape[1], *WIDTHS, 10)
    kernels = [jnp.ones((a, b)) / b for a, b in itertools.pairwise(sizes)]

    @partial(jax.jit, static_argnames="steps")
    def run(kernels: list[jax.Array], x: jax.Array, steps: int) -> list[jax.Array]:
        def step(kernels: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
            outputs = [x]
            for kernel in kernels:
                outputs.append(outputs[-1] @ kernel)
            error, changes = outputs[-1], []
            for kernel, inputs in zip(kernels[::-1], outputs[-2::-1], strict=True):
                changes.append(inputs.T @ error)
                error = error @ kernel.T
            return [kernel - 1e-9 * change for kernel, change in zip(kernels, changes[::-1], strict=True)], None

        return lax.scan(step, kernels, length=steps)[0]

    batch = jax.device_put(x[:BATCH])
    return lambda seed: jax.block_until_ready(run(kernels, batch, steps))
