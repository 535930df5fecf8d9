"""Tasks of the catalogue with parameters and a batch."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.typing import Batch
from tests.catalogue_of_tasks import TaskExample
from tests.programs import quick_jit

ROWS = 8


@functools.cache
def prepared(example: TaskExample, dtype: str = "float64", rows: int = ROWS):
    """The task, its initial parameters and a batch of rows that all count."""

    def cast(leaf):
        return jnp.asarray(leaf, dtype if leaf.dtype.kind == "f" else jnp.int32)

    task, random = example.make(), np.random.default_rng(0)
    x, y = example.inputs(random, rows), None if example.targets is None else example.targets(random, rows)
    batch = Batch(*jax.tree.map(cast, (x, y)), jnp.ones(rows, dtype))
    return task, quick_jit(task.init)(jax.random.key(0), batch), batch


def some(batch: Batch, rows: slice) -> Batch:
    """Those rows of the batch."""
    return jax.tree.map(lambda leaf: leaf[rows], batch)
