"""Flax Linen: a module, a TrainState and a jitted step."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax.training.train_state import TrainState

from experiments.benchmarks.libraries.loops import step_loop
from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train


class MLP(nn.Module):
    """W2."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """x (batch, 784), y (batch, 10)."""
        for width in (256, 128):
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(10)(x)


class CNN(nn.Module):
    """W3."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """x (batch, 28, 28, 1), y (batch, 10)."""
        for features in (16, 32):
            x = nn.max_pool(nn.relu(nn.Conv(features, (3, 3))(x)), (2, 2), (2, 2))
        return nn.Dense(10)(nn.relu(nn.Dense(64)(x.reshape(len(x), -1))))


class LastOutput(nn.Module):
    """W4."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """x (batch, time, 1), y (batch, 2)."""
        return nn.Dense(2)(jnp.asarray(nn.RNN(nn.OptimizedLSTMCell(64))(x))[:, -1])


NETWORKS: dict[str, nn.Module] = {"mlp": MLP(), "cnn": CNN(), "lstm": LastOutput()}


@jax.jit
def step(state: TrainState, x: Any, y: Any) -> TrainState:
    """One update."""

    def loss(params: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn({"params": params}, x), y).mean()

    return state.apply_gradients(grads=jax.grad(loss)(state.params))


def train(work: Work) -> Train:
    """W2, W3 or W4."""
    model, transformation = NETWORKS[work.network], optax.adam(LEARNING_RATE)

    def start(key: jax.Array) -> TrainState:
        params = model.init(key, work.x[:1])["params"]
        return TrainState.create(apply_fn=model.apply, params=params, tx=transformation)

    return step_loop(work, start, step)
