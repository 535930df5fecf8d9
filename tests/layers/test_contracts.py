"""What every layer and model promises of its outputs, each against JAX's own transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import from_json, to_json
from jaxnn.layers.buffers import has_buffers
from tests.catalogue import LAYERS, NAMES
from tests.layers.examples import BATCH, every_layer, inputs, prepared
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits


@pytest.mark.parametrize("example", LAYERS.values(), ids=LAYERS.keys())  # models are made of them, and one by one they cost seconds
def test_apply_gives_the_output_of_forward_eager_and_compiled(example):
    layer, params, x, key = prepared(example, "float32")
    y = layer.apply(params, x, key)
    assert_same_bits(layer.forward(params, x, key)[0], y)
    assert_close(quick_jit(layer.apply)(params, x, key), y, "float32")


@every_layer
def test_equal_one_after_the_other_mapped_and_scanned(example):
    layer, params, _, key = prepared(example, "float32")
    batches, keys = [inputs(example, "float32", seed=seed) for seed in range(3)], jax.random.split(key, 3)
    apply = quick_jit(layer.apply)
    stack = lambda *leaves: jnp.stack(leaves)  # noqa: E731
    singly = jax.tree.map(stack, *[apply(params, x, key) for x, key in zip(batches, keys, strict=True)])
    together = jax.tree.map(stack, *batches)
    mapped = quick_jit(jax.vmap(layer.apply, in_axes=(None, 0, 0)))(params, together, keys)
    scanned = quick_jit(lambda steps: jax.lax.scan(lambda carry, step: (carry, layer.apply(params, *step)), 0, steps)[1])((together, keys))
    assert_close(mapped, singly, "float32")
    assert_close(scanned, singly, "float32")


@every_layer
def test_rows_do_not_know_of_each_other_and_one_is_enough(example):
    layer, params, x, _ = prepared(example, "float32")
    apply = quick_jit(layer.apply)
    rows = [apply(params, jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], x)) for row in range(BATCH)]
    assert_close(jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *rows), apply(params, x), "float32")


@every_layer
def test_a_layer_says_whether_it_draws(example):
    layer, params, x, key = prepared(example, "float32")
    apply = quick_jit(layer.apply)
    first, again, other = (apply(params, x, key) for key in (key, key, jax.random.key(77)))
    assert_same_bits(again, first)
    same = all(jax.tree.leaves(jax.tree.map(np.array_equal, first, other)))
    assert layer.draws == (has_buffers(params) or not same)  # a key is also how a layer with Buffers knows that it is trained
    if not layer.draws:
        assert_same_bits(first, apply(params, x))


@every_layer
def test_initial_parameters_come_from_key_shape_and_dtype_alone(example):
    layer, params, x, _ = prepared(example, "float32")
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), x)
    assert_same_bits(quick_jit(lambda key: layer.init(key, shapes))(jax.random.key(1)), params)
    assert_same_bits(quick_jit(layer.init)(jax.random.key(1), jax.tree.map(lambda leaf: 7 * leaf, x)), params)


@every_layer
def test_an_equal_layer_built_apart_is_not_traced_again(example):
    traces = 0

    @quick_jit
    def output(layer, params, x):
        nonlocal traces
        traces += 1
        return layer.apply(params, x)

    layer, params, x, _ = prepared(example, "float32")
    output(layer, params, x)
    output(example.make(), params, jax.tree.map(lambda leaf: leaf + 0, x))
    output(from_json(to_json(layer, names=NAMES), known=NAMES), params, x)
    output(jax.tree.map(lambda number: number / 2, layer), params, x)  # its numbers are data
    assert traces == 1


@every_layer
def test_a_layer_is_a_value(example):
    layer = example.make()
    assert layer == example.make() and from_json(to_json(layer, names=NAMES), known=NAMES) == layer
    assert jax.tree.structure(layer) == jax.tree.structure(example.make())
