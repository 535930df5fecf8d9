"""Equinox: a module that is its parameters, and a step under ``filter_jit``."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import lax

from experiments.benchmarks.libraries.loops import step_loop
from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train


class LastOutput(eqx.Module):
    """W4, for one series."""

    cell: eqx.nn.LSTMCell
    out: eqx.nn.Linear

    def __init__(self, key: jax.Array) -> None:
        cell_key, out_key = jax.random.split(key)
        self.cell, self.out = eqx.nn.LSTMCell(1, 64, key=cell_key), eqx.nn.Linear(64, 2, key=out_key)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x (time, 1), y (2,)."""
        (h, _), _ = lax.scan(lambda state, x: (self.cell(x, state), None), (jnp.zeros(64), jnp.zeros(64)), x)
        return self.out(h)


def mlp(key: jax.Array) -> eqx.Module:
    """W2, for one row."""
    keys = jax.random.split(key, 3)
    dense = [eqx.nn.Linear(a, b, key=k) for k, (a, b) in zip(keys, ((784, 256), (256, 128), (128, 10)), strict=True)]
    relu = eqx.nn.Lambda(jax.nn.relu)
    return eqx.nn.Sequential([dense[0], relu, dense[1], relu, dense[2]])


def cnn(key: jax.Array) -> eqx.Module:
    """W3, for one image, channels first as Equinox has them."""
    keys = jax.random.split(key, 4)
    relu, pool = eqx.nn.Lambda(jax.nn.relu), eqx.nn.MaxPool2d(2, 2)
    first: list[Any] = [eqx.nn.Conv2d(1, 16, 3, padding="SAME", key=keys[0]), relu, pool]
    second: list[Any] = [eqx.nn.Conv2d(16, 32, 3, padding="SAME", key=keys[1]), relu, pool]
    last: list[Any] = [eqx.nn.Linear(1568, 64, key=keys[2]), relu, eqx.nn.Linear(64, 10, key=keys[3])]
    return eqx.nn.Sequential([*first, *second, eqx.nn.Lambda(jnp.ravel), *last])


NETWORKS = {"mlp": mlp, "cnn": cnn, "lstm": LastOutput}
ADAM = optax.adam(LEARNING_RATE)


@eqx.filter_jit
def step(state: Any, x: Any, y: Any) -> Any:
    """One update."""
    model, optimizer_state = state

    @eqx.filter_grad
    def gradients(model: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(x), y).mean()

    updates, optimizer_state = ADAM.update(gradients(model), optimizer_state)
    return eqx.apply_updates(model, updates), optimizer_state


def train(work: Work) -> Train:
    """W2, W3 or W4."""
    if work.network == "cnn":
        work = work._replace(x=work.x.transpose(0, 3, 1, 2).copy())

    def start(key: jax.Array) -> Any:
        model = NETWORKS[work.network](key)
        return model, ADAM.init(eqx.filter(model, eqx.is_array))

    return step_loop(work, start, step)
