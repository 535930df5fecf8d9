"""Models with numbers that nobody has trained, for what is written does not depend on what was learned."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnn import Model, NextToken, Recipe, Regression, Task, Variational, optimizer
from jaxnn.layers import Layer, VariationalOutput
from jaxnn.typing import Batch, Sequences

ROWS = (1, 3, 300)


def drawn(task: Task, x: Any, y: Any, *, seed: int = 0) -> Model:
    """A Model of the task for examples x and y, its parameters drawn anew: no zeros, and variances above 0."""
    x, y = (jax.tree.map(np.asarray, part) for part in (x, y))
    shapes = jax.eval_shape(task.init, jax.random.key(0), Batch(x, y, jnp.ones(len(jax.tree.leaves(x)[0]))))
    return Model(Recipe(task, optimizer(optax.sgd, learning_rate=0.1)), drawn_params(shapes, seed=seed), (row_of(x), row_of(y)))


def drawn_params(shapes: Any, *, seed: int = 0) -> Any:
    """Parameters of those shapes, no zeros among them, and variances above 0."""
    random = np.random.default_rng(seed)

    def draw(path: Any, spec: Any) -> Any:
        low = 0.5 if "variance" in jax.tree_util.keystr(path) else -0.5
        return random.uniform(low, low + 1, spec.shape).astype(spec.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes)


def model_of(layer: Layer, x: Any) -> Model:
    """The layer as a Model of a task that its outputs suit."""
    outputs = jax.eval_shape(lambda x: layer.apply(layer.init(jax.random.key(0), x), x), x)
    if isinstance(outputs, VariationalOutput):
        return drawn(Variational(layer), x, None)
    if isinstance(outputs, Sequences):
        return drawn(NextToken(layer), x, np.zeros(outputs.values.shape[:2], np.int32))
    return drawn(Regression(layer), x, np.zeros(outputs.shape, outputs.dtype))


def row_of(x: Any) -> Any:
    """Shape and dtype of one row of x."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), x)


def cast(tree: Any, dtype: str = "float32") -> Any:
    """The tree with its floats in that dtype and whole numbers of 32 bits."""
    arrays = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda leaf: leaf.astype(dtype if leaf.dtype.kind == "f" else "int32"), arrays)
