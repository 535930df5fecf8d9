"""Every layer and model of the catalogue with parameters and an input, and the parts of trees that numbers are in."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn.layers.base import no_cotangent
from tests.catalogue import LAYERS, MODELS, LayerExample
from tests.programs import quick_jit
from tests.tolerances import DTYPES, draw

EXAMPLES = LAYERS | MODELS
BATCH = 6
every_layer = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@functools.cache
def prepared(example: LayerExample, dtype: str, batch: int = BATCH):
    """A layer with parameters, an input and a training key."""
    layer, x = example.make(), inputs(example, dtype, batch)
    params = quick_jit(layer.init)(jax.random.key(1), x)
    if not floats(x)[0]:  # whole numbers name no dtype to compute in, so the parameters do
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
    return layer, params, x, jax.random.key(2)


def inputs(example: LayerExample, dtype: str, batch: int = BATCH, *, seed: int = 0):
    def cast(leaf):
        return jnp.asarray(leaf).astype(dtype if leaf.dtype.kind == "f" else "int32")

    return jax.tree.map(cast, example.inputs(np.random.default_rng(seed), batch))


def floats(tree):
    """The leaves that can be moved a little, and how to put moved ones back."""
    leaves, structure = jax.tree.flatten(tree)
    where = [number for number, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.floating)]

    def rebuild(moved):
        changed = dict(zip(where, moved, strict=True))
        return jax.tree.unflatten(structure, [changed.get(number, leaf) for number, leaf in enumerate(leaves)])

    return [leaves[number] for number in where], rebuild


def cotangents(tree, dtype):
    """Numbers to go backwards with, one for each output."""
    return jax.tree.map(
        lambda leaf: draw(leaf.shape, dtype, seed=3) if jnp.issubdtype(leaf.dtype, jnp.floating) else no_cotangent(leaf), tree
    )


def as_numbers(tree):
    """float0 leaves, which no array can hold, as nothing."""
    return jax.tree.map(lambda leaf: None if leaf.dtype == jax.dtypes.float0 else leaf, tree)
