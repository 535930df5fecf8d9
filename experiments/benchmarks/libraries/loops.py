"""The loop of the tutorials on JAX: a jitted step called from Python, once a batch."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from experiments.benchmarks.whole_run import Work
from experiments.benchmarks.workload import Train


def step_loop(work: Work, start: Callable[[jax.Array], Any], step: Callable[[Any, Any, Any], Any]) -> Train:
    """start(key) -> state; step(state, x, y) -> state, compiled."""

    def run(seed: int) -> None:
        random, state = np.random.default_rng(seed), start(jax.random.key(seed))
        for _ in range(work.epochs):
            order = random.permutation(len(work.x))
            for first in range(0, len(order), work.batch):
                index = order[first : first + work.batch]
                state = step(state, work.x[index], work.y[index])
        jax.block_until_ready(jax.tree.leaves(state))

    return run
