"""Normalisation against Flax's layers and explicit loops, in narrow dtypes, and at numbers that do not vary."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from hypothesis import given, settings
from hypothesis import strategies as some

from jaxnn.layers import GroupNorm, LayerNorm, RMSNorm
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_finite, draw, precision

drawn = settings(max_examples=12, deadline=None, derandomize=True)
shapes = some.tuples(some.integers(1, 3), some.lists(some.integers(1, 3), max_size=2), some.integers(1, 3), some.integers(1, 3))


def by_flax(layer):
    if isinstance(layer, GroupNorm):
        theirs = linen.GroupNorm(num_groups=layer.groups, epsilon=layer.eps, use_fast_variance=False)
    elif isinstance(layer, RMSNorm):
        theirs = linen.RMSNorm(epsilon=layer.eps)
    else:
        theirs = linen.LayerNorm(epsilon=layer.eps, use_fast_variance=False)

    def apply(params, x):
        with jax.numpy_dtype_promotion("standard"):  # they ask which of two dtypes is wider
            return theirs.apply({"params": params}, x)

    return apply


def output_and_cotangents(apply, params, x, dy):
    y, pull = jax.vjp(apply, params, x)
    return y, *pull(dy)


@drawn
@given(shapes, some.sampled_from([LayerNorm, RMSNorm, GroupNorm]), some.sampled_from([1e-5, 1e-3]))
def test_output_and_cotangents_are_flaxs_from_the_same_parameters(shape, kind, eps):
    batch, positions, groups, size = shape
    with precision("float64"):
        x, dy = draw((2, batch, *positions, groups * size), "float64")
        layer = kind(groups, eps=eps) if kind is GroupNorm else kind(eps=eps)
        params = {name: draw((groups * size,), "float64", seed=seed) for seed, name in enumerate(layer.init(jax.random.key(0), x))}

        @quick_jit
        def both(params, x, dy):
            y, residuals = layer.forward(params, x)
            return (y, *layer.backward(params, residuals, dy)), output_and_cotangents(by_flax(layer), params, x, dy)

        ours, theirs = both(params, x, dy)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), ours, theirs)


@pytest.mark.parametrize("positions", [(), (3,), (2, 3)])
def test_a_group_is_its_channels_at_all_positions(positions):
    with precision("float64"):
        x = np.asarray(draw((2, *positions, 6), "float64"))
        y = np.empty_like(x)
        for row in range(2):
            for group in (slice(0, 2), slice(2, 4), slice(4, 6)):
                numbers = x[row, ..., group]
                y[row, ..., group] = (numbers - numbers.mean()) / np.sqrt(numbers.var() + 1e-5)
        layer = GroupNorm(3)
        assert_close(layer.apply(layer.init(jax.random.key(0), x), jnp.asarray(x)), jnp.asarray(y))


def test_one_group_of_no_positions_is_the_layer_norm():
    with precision("float64"):
        x = draw((3, 4), "float64")
        params = {"scale": draw((4,), "float64", seed=1), "bias": draw((4,), "float64", seed=2)}
        assert_close(GroupNorm(1).apply(params, x), LayerNorm().apply(params, x))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), GroupNorm(2)], ids=lambda layer: type(layer).__name__)
def test_statistics_of_narrow_dtypes_are_taken_in_float32(layer, dtype):
    """The output is that of float32, rounded once: means of 300 numbers, whose squares leave float16, would not be."""
    x, dy = 200 * draw((2, 2, 300)).astype(dtype), draw((2, 300), seed=1).astype(dtype)
    params = layer.init(jax.random.key(0), x)
    wide = jax.tree.map(lambda leaf: leaf.astype("float32"), params)
    y, residuals = layer.forward(params, x)
    exact, kept = layer.forward(wide, x.astype("float32"))
    dy = jnp.stack([dy, dy])
    ours, theirs = (y, layer.backward(params, residuals, dy)), (exact, layer.backward(wide, kept, dy.astype("float32")))
    assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(ours))
    rounding = float(jnp.finfo(dtype).eps)
    compare = lambda a, b: np.testing.assert_allclose(a.astype("float32"), b, rtol=rounding, atol=1e-6)  # noqa: E731
    jax.tree.map(compare, ours, theirs)


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), GroupNorm(2)], ids=lambda layer: type(layer).__name__)
def test_equal_numbers_and_huge_ones_stay_finite(layer):
    for x in (jnp.zeros((2, 4)), jnp.full((2, 4), 7.0), jnp.full((2, 4), 1e15), 1e-30 * draw((2, 4)), 1e15 * draw((2, 4))):
        params = layer.init(jax.random.key(0), x)
        y, residuals = layer.forward(params, x)
        assert_finite((y, layer.backward(params, residuals, jnp.ones_like(x))))


def test_a_large_mean_costs_no_digits():
    x = jnp.array([[4096.0, 4097.0, 4098.0]])
    params = LayerNorm().init(jax.random.key(0), x)
    np.testing.assert_allclose(LayerNorm().apply(params, x), [[-np.sqrt(1.5), 0, np.sqrt(1.5)]], rtol=1e-4)


def test_eps_is_a_number_of_the_program_with_a_gradient():
    x = draw((2, 3, 4))
    outputs = jax.vmap(lambda eps: LayerNorm(eps).apply({"scale": jnp.ones(4), "bias": jnp.zeros(4)}, x))(jnp.array([1e-5, 10.0]))
    assert float(outputs[0].std()) > 2 * float(outputs[1].std())
    assert float(jax.grad(lambda layer: jnp.square(layer.apply({"scale": jnp.ones(4)}, x)).sum())(RMSNorm(0.1)).eps) < 0


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), GroupNorm(2)], ids=lambda layer: type(layer).__name__)
def test_the_rule_can_be_differentiated_itself(layer):
    with precision("float64"):
        x = draw((2, 3, 4), "float64")
        params = layer.init(jax.random.key(0), x)
        by_hand = lambda x: layer.backward(params, layer.forward(params, x)[1], jnp.sin(x))[1]  # noqa: E731
        by_jax = lambda x: jax.vjp(lambda x: layer.apply(params, x), x)[1](jnp.sin(x))[0]  # noqa: E731
        penalties = [jax.grad(lambda x, dx=dx: jnp.square(dx(x)).sum()) for dx in (by_hand, by_jax)]
        assert_close(*quick_jit(lambda x: [penalty(x) for penalty in penalties])(x))


def test_what_does_not_fit_is_refused_by_name():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"LayerNorm: x must be of shape \(batch, \.\.\., channels\), got shape \(4,\)\. Add the batch"):
        LayerNorm().init(key, jnp.ones(4))
    with pytest.raises(TypeError, match="RMSNorm: x must be a floating-point array, got dtype int32"):
        RMSNorm().init(key, jnp.ones((2, 4), jnp.int32))
    with pytest.raises(ValueError, match=r"GroupNorm: groups must be a divisor of the 4 channels of x, got 3\."):
        GroupNorm(3).init(key, jnp.ones((2, 4)))
    with pytest.raises(ValueError, match="GroupNorm: groups must be a whole number >= 1, got 0"):
        GroupNorm(0)
    with pytest.raises(ValueError, match=r"LayerNorm: x must be of shape \(batch, \.\.\., 4\), as its parameters are, got shape \(2, 1\)"):
        LayerNorm().apply(LayerNorm().init(key, jnp.ones((2, 4))), jnp.ones((2, 1)))
