"""W2 to W4 by hand: one jitted function, a scan over epochs of a scan over steps, optax's Adam, gradients by rules derived by hand.

What made it fast is in here: compiler options (the toolkit's), one draw for all initial weights, an order by sorting random bits.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jaxnn.compiling import TRAINING

LEARNING_RATE = 1e-3
Params = dict[str, jax.Array]
Gradients = Callable[[Params, jax.Array, jax.Array, jax.Array], tuple[jax.Array, Params]]
"""(params, x, y, share) -> (loss, gradients), share (batch,) what each row counts in the mean."""


class Work(NamedTuple):
    """What every contender does: `epochs` over all rows, each in a new order, in steps of `batch` rows, the last, smaller one too.

    network: "mlp", "cnn" or "lstm"; x (rows, ...) float32; y (rows,) int32, the classes.
    """

    network: str
    x: np.ndarray
    y: np.ndarray
    epochs: int
    batch: int

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.x) // self.batch)


def whole_run(work: Work, init: Callable[[jax.Array], Params], gradients: Gradients) -> Callable[[int], tuple[Params, jax.Array]]:
    """The program as a contender; it returns parameters and the loss of every step, (epochs, steps)."""
    rows, padded = len(work.x), work.steps * work.batch
    transformation = optax.adam(LEARNING_RATE)
    weights = (np.arange(padded) < rows).astype(np.float32).reshape(work.steps, work.batch)
    shares = weights / weights.sum(axis=1, keepdims=True)

    @partial(jax.jit, compiler_options=TRAINING if jax.default_backend() == "cpu" else None)
    def run(x: jax.Array, y: jax.Array, key: jax.Array) -> tuple[Params, jax.Array]:
        def step(state: Any, batch: Any) -> tuple[Any, jax.Array]:
            (params, optimizer_state), (index, share) = state, batch
            loss, changes = gradients(params, x[index], y[index], share)
            with jax.numpy_dtype_promotion("standard"):
                updates, optimizer_state = transformation.update(changes, optimizer_state)
            return (optax.apply_updates(params, updates), optimizer_state), loss

        def epoch(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            order = jnp.argsort(jax.random.bits(key, (rows,)))
            return lax.scan(step, state, (jnp.pad(order, (0, padded - rows)).reshape(shares.shape), shares))

        init_key, *order_keys = jax.random.split(key, 1 + work.epochs)
        params = init(init_key)
        (params, _), losses = lax.scan(epoch, (params, transformation.init(params)), jnp.stack(order_keys))
        return params, losses

    x, y = jax.device_put((work.x, work.y))
    return lambda seed: jax.block_until_ready(run(x, y, jax.random.key(seed)))


def draw(key: jax.Array, kernels: Mapping[str, tuple[int, ...]]) -> Params:
    """Kernels by He's rule, all of them slices of one draw, which compiles sooner than one each."""
    sizes = [math.prod(shape) for shape in kernels.values()]
    parts = jnp.split(jax.random.normal(key, (sum(sizes),)), np.cumsum(sizes)[:-1])
    return {
        name: part.reshape(shape) * math.sqrt(2 / math.prod(shape[:-1])) for (name, shape), part in zip(kernels.items(), parts, strict=True)
    }


def cross_entropy(logits: jax.Array, y: jax.Array, share: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The mean loss, and its derivative by the logits."""
    log_p, truth = jax.nn.log_softmax(logits), jax.nn.one_hot(y, logits.shape[-1])
    return -jnp.vdot(share, (log_p * truth).sum(axis=-1)), (jnp.exp(log_p) - truth) * share[:, None]
