"""What every layer and model promises of its backward rule: it is the derivative, in every shape and dtype."""

import jax
import jax.numpy as jnp
import pytest
from jax.test_util import check_vjp

from jaxnn.layers.base import no_cotangent
from jaxnn.layers.buffers import with_buffers, without_buffers
from tests.layers.examples import as_numbers, cotangents, every_dtype, every_layer, floats, prepared
from tests.programs import quick_jit
from tests.tolerances import assert_close, precision


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
