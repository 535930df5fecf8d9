"""What a user hands in: which layer is meant, which input, and how a layer is named in a row."""

import copy
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.layers import Layer
from jaxnn.layers.base import children
from jaxnn.model_files import Model
from jaxnn.recipes import Recipe
from jaxnn.runs import Run
from jaxnn.tasks import Task


class _Elsewhere:
    """Stands in the code of a layer for the layers inside, which have rows of their own."""

    def __repr__(self) -> str:
        return "…"


def layer_of(model: Any) -> Layer:
    """The network that is meant. Raises TypeError where there is none, or more than one."""
    if isinstance(model, Run | Model):
        model = model.recipe
    if isinstance(model, Recipe):
        model = model.task
    if isinstance(model, Layer):
        return model
    networks = children(model) if isinstance(model, Task) else {}
    if len(networks) == 1:
        return next(iter(networks.values()))
    got, advice = repr(model), "Give an instance, for instance models.mlp((64,), 10)."
    if networks:
        got, advice = (
            f"{type(model).__name__} with {' and '.join(networks)}",
            f"Ask for one at a time: summary(task.{next(iter(networks))}, x).",
        )
    raise TypeError(sentence("summary", "model", "a layer, or a task, recipe or run of one", got, advice))


def batch_of(model: Any) -> Any:
    """The shapes of a batch as a trained model had it. Raises TypeError for a model that has not been trained."""
    if not isinstance(model, Run | Model):
        raise TypeError(sentence("summary", "x", "a batch or its shape", None, "Only a run or a loaded model knows its examples."))
    rows = model.recipe.batch_size
    return jax.tree.map(lambda example: jax.ShapeDtypeStruct((rows, *example.shape), example.dtype), model.examples[0])


def shapes(x: Any) -> Any:
    """Shapes and dtypes, as JAX would compute with them, of a pytree of arrays, of shapes, or of tuples of whole numbers."""
    return jax.tree.map(_given, x, is_leaf=lambda node: isinstance(node, list) or _is_shape(node))


def shape(array: Any) -> jax.ShapeDtypeStruct:
    """Shape and dtype of an array, a tracer or a number."""
    return jax.ShapeDtypeStruct(jnp.shape(array), array.dtype if hasattr(array, "dtype") else jax.dtypes.result_type(array))


def short(layer: Layer) -> str:
    """The code of a layer, functions by their last name, with … for the layers inside.

    >>> from jaxnn.layers import Chain, Dense
    >>> short(Dense(3, initializer=jax.nn.initializers.he_normal)), short(Chain((Dense(3),)))
    ('Dense(3, initializer=he_normal)', 'Chain(…)')
    """
    outside = copy.copy(layer)
    outside.__dict__.update({name.split("[")[0]: _Elsewhere() for name in children(layer)})
    return re.sub(r"\b(?:[^\W\d]\w*\.)+(?=[^\W\d])", "", repr(outside))


def _given(leaf: Any) -> jax.ShapeDtypeStruct:
    if _is_shape(leaf):
        return jax.ShapeDtypeStruct(leaf, jax.dtypes.canonicalize_dtype(float))
    array = leaf if hasattr(leaf, "shape") and hasattr(leaf, "dtype") else np.asarray(leaf)
    if not (jnp.issubdtype(array.dtype, jnp.number) or jnp.issubdtype(array.dtype, bool)):
        raise TypeError(sentence("summary", "x", "numbers, or shapes such as (32, 784)", f"dtype {array.dtype}"))
    return jax.ShapeDtypeStruct(array.shape, jax.dtypes.canonicalize_dtype(array.dtype))


def _is_shape(node: Any) -> bool:
    return type(node) is tuple and bool(node) and all(isinstance(size, int) and not isinstance(size, bool) for size in node)
