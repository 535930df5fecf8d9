"""What every layer and model promises, each against JAX's own transformations."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_vjp

from jaxnn import from_json, to_json
from tests.catalogue import LAYERS, MODELS, LayerExample
from tests.programs import quick_jit
from tests.tolerances import DTYPES, assert_close, assert_same_bits, draw, precision

EXAMPLES = LAYERS | MODELS
BATCH = 6

every_layer = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@functools.cache
def prepared(example: LayerExample, dtype: str, batch: int = BATCH):
    """A layer with parameters, an input and a training key."""
    layer, x = example.make(), draw((batch, *example.shape), dtype)
    return layer, quick_jit(layer.init)(jax.random.key(1), x), x, jax.random.key(2)


@every_layer
@every_dtype
def test_backward_is_the_vjp_of_apply(example, dtype):
    with precision(dtype):
        layer, params, x, key = prepared(example, dtype)

        @quick_jit
        def by_hand_and_by_jax(params, x, dy):
            _, residuals = layer.forward(params, x, key)
            return layer.backward(params, residuals, dy), jax.vjp(lambda params, x: layer.apply(params, x, key), params, x)[1](dy)

        dy = draw(jax.eval_shape(layer.apply, params, x).shape, dtype, seed=3)
        assert_close(*by_hand_and_by_jax(params, x, dy), dtype)


@every_layer
def test_backward_is_the_derivative_by_finite_differences(example):
    with precision("float64"):
        layer, params, x, key = prepared(example, "float64")
        output = quick_jit(lambda params, x: layer.apply(params, x, key))
        backward = quick_jit(lambda params, x, dy: layer.backward(params, layer.forward(params, x, key)[1], dy))
        by_hand = lambda *at: (output(*at), lambda dy: backward(*at, dy))  # noqa: E731
        check_vjp(output, by_hand, (params, x), atol=1e-6, rtol=1e-6)


@every_layer
@every_dtype
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_shapes_and_dtypes_go_through(example, dtype, training):
    with precision(dtype):
        layer, params, x, key = prepared(example, dtype)

        def both_ways(params, x):
            y, residuals = layer.forward(params, x, key if training else None)
            return y, layer.backward(params, residuals, y)

        y, (dparams, dx) = jax.eval_shape(both_ways, params, x)
        assert y.dtype == dtype and jax.eval_shape(layer.apply, params, x) == y
        assert (dx.shape, dx.dtype) == (x.shape, dtype)
        assert jax.tree.map(jnp.shape, dparams) == jax.tree.map(jnp.shape, params)
        assert all(leaf.dtype == dtype for leaf in jax.tree.leaves((params, dparams)))


@every_layer
def test_apply_gives_the_output_of_forward_eager_and_compiled(example):
    layer, params, x, key = prepared(example, "float32")
    y = layer.apply(params, x, key)
    assert_same_bits(layer.forward(params, x, key)[0], y)
    assert_close(quick_jit(layer.apply)(params, x, key), y, "float32")


@every_layer
def test_equal_one_after_the_other_mapped_and_scanned(example):
    layer, params, _, key = prepared(example, "float32")
    inputs, keys = draw((3, BATCH, *example.shape)), jax.random.split(key, 3)
    apply = quick_jit(layer.apply)
    singly = np.stack([apply(params, x, key) for x, key in zip(inputs, keys, strict=True)])
    mapped = quick_jit(jax.vmap(layer.apply, in_axes=(None, 0, 0)))(params, inputs, keys)
    scanned = quick_jit(lambda steps: jax.lax.scan(lambda carry, step: (carry, layer.apply(params, *step)), 0, steps)[1])((inputs, keys))
    assert_close(mapped, singly, "float32")
    assert_close(scanned, singly, "float32")


@every_layer
def test_rows_do_not_know_of_each_other_and_one_is_enough(example):
    layer, params, x, _ = prepared(example, "float32")
    apply = quick_jit(layer.apply)
    alone = np.concatenate([apply(params, x[row : row + 1]) for row in range(BATCH)])
    assert_close(alone, apply(params, x), "float32")


@every_layer
def test_a_layer_says_whether_it_draws(example):
    layer, params, x, key = prepared(example, "float32")
    apply = quick_jit(layer.apply)
    first, again, other = (apply(params, x, key) for key in (key, key, jax.random.key(77)))
    assert_same_bits(again, first)
    assert layer.draws == (not np.array_equal(first, other))
    if not layer.draws:
        assert_same_bits(first, apply(params, x))


@every_layer
def test_initial_parameters_come_from_key_shape_and_dtype_alone(example):
    layer, params, x, _ = prepared(example, "float32")
    init = quick_jit(lambda key: layer.init(key, jax.ShapeDtypeStruct(x.shape, x.dtype)))
    assert_same_bits(init(jax.random.key(1)), params)
    assert_same_bits(quick_jit(layer.init)(jax.random.key(1), 7 * x), params)


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
    output(example.make(), params, x + 1)
    output(from_json(to_json(layer)), params, x)
    output(jax.tree.map(lambda number: number / 2, layer), params, x)  # its numbers are data
    assert traces == 1


@every_layer
def test_a_layer_is_a_value(example):
    layer = example.make()
    assert layer == example.make() and from_json(to_json(layer)) == layer
    assert jax.tree.structure(layer) == jax.tree.structure(example.make())
