"""What every layer and model promises, each against JAX's own transformations."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_vjp

from jaxnn import from_json, to_json
from jaxnn.layers.base import no_cotangent
from jaxnn.layers.buffers import has_buffers, with_buffers, without_buffers
from tests.catalogue import LAYERS, MODELS, NAMES, LayerExample
from tests.programs import quick_jit
from tests.tolerances import DTYPES, assert_close, assert_same_bits, draw, precision

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


@every_layer
@every_dtype
def test_backward_is_the_vjp_of_apply(example, dtype):
    with precision(dtype):
        layer, params, x, key = prepared(example, dtype)

        @quick_jit
        def by_hand_and_by_jax(params, x, dy):
            _, residuals = layer.forward(params, x, key)
            by_hand = layer.backward(params, residuals, dy)
            by_jax = jax.vjp(lambda params, x: layer.apply(params, x, key), params, x)[1](dy)
            assert jax.tree.structure(by_hand) == jax.tree.structure(by_jax)
            return as_numbers(by_hand), as_numbers(by_jax)

        dy = cotangents(jax.eval_shape(layer.apply, params, x), dtype)
        assert_close(*by_hand_and_by_jax(params, x, dy), dtype)


@every_layer
def test_backward_is_the_derivative_by_finite_differences(example):
    with precision("float64"):
        layer, params, x, key = prepared(example, "float64")
        moving, rebuild = floats((without_buffers(params), x))  # the "gradient" of Buffers is none

        def moved(moving):
            learned, x = rebuild(moving)
            return with_buffers(learned, params), x

        @quick_jit
        def output(*moving):
            return floats(layer.apply(*moved(moving), key))[0]

        @quick_jit
        def backward(moving, dy):
            params, x = moved(moving)
            y, residuals = layer.forward(params, x, key)
            whole = floats(y)[1](dy)
            dy = jax.tree.map(lambda leaf: leaf if jnp.issubdtype(leaf.dtype, jnp.floating) else no_cotangent(leaf), whole)
            dparams, dx = layer.backward(params, residuals, dy)
            return floats(as_numbers((without_buffers(dparams), dx)))[0]

        by_hand = lambda *at: (output(*at), lambda dy: tuple(backward(at, dy)))  # noqa: E731
        check_vjp(output, by_hand, tuple(moving), atol=1e-6, rtol=1e-6, eps=1e-5)  # blocks with norms are curved


@every_layer
@every_dtype
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_shapes_and_dtypes_go_through(example, dtype, training):
    with precision(dtype):
        layer, params, x, key = prepared(example, dtype)
        key = key if training else None

        def both_ways(params, x, dy):
            y, residuals = layer.forward(params, x, key)
            return y, as_numbers(layer.backward(params, residuals, dy))

        y = jax.eval_shape(layer.apply, params, x)
        shapes, (dparams, dx) = jax.eval_shape(lambda params, x: both_ways(params, x, cotangents(y, dtype)), params, x)
        assert shapes == y
        learned, dlearned = without_buffers(params), without_buffers(dparams)  # statistics may be wider
        assert all(leaf.dtype == dtype for leaf in floats((learned, y))[0] + jax.tree.leaves((dlearned, dx)))
        assert jax.tree.map(jnp.shape, floats((dparams, dx))[0]) == jax.tree.map(jnp.shape, floats((params, x))[0])


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
