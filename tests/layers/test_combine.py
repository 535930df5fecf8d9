"""Chain, Residual and Timewise against composition by hand, and chains in every grouping."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn.layers import (
    GRU,
    BatchNorm,
    Chain,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Identity,
    LayerNorm,
    LearnedPositions,
    MaxPool,
    MultiHeadAttention,
    Parallel,
    PositionalEncoding,
    Recurrent,
    ReLU,
    Repeat,
    Reshape,
    Residual,
    RMSNorm,
    Tanh,
    Timewise,
)
from jaxnn.typing import Sequences
from tests.tolerances import assert_close, assert_same_bits, draw, precision


def test_it_is_composition():
    with precision("float64"):
        x = draw((6, 4), "float64")
        chain = Chain((Dense(3), Tanh(), Dense(2)))
        params = chain.init(jax.random.key(0), x)
        assert params[1] == ()
        by_hand = jnp.tanh(x @ params[0]["kernel"] + params[0]["bias"]) @ params[2]["kernel"] + params[2]["bias"]
        assert_close(chain.apply(params, x), by_hand)


def test_grouping_makes_no_difference():
    with precision("float64"):
        x = draw((6, 4), "float64")
        a, b, c = Dense(3), Tanh(), Dense(2)
        flat, left, right = Chain((a, b, c)), Chain((Chain((a, b)), c)), Chain((a, Chain((b, c))))
        first, second, third = flat.init(jax.random.key(0), x)
        grouped = ((left, ((first, second), third)), (right, (first, (second, third))))
        y, residuals = flat.forward((first, second, third), x)
        dparams, dx = flat.backward((first, second, third), residuals, jnp.ones_like(y))
        for chain, params in grouped:
            got, residuals = chain.forward(params, x)
            assert_close(got, y)
            dgrouped, got = chain.backward(params, residuals, jnp.ones_like(y))
            assert_close(got, dx)
            assert_close(jax.tree.leaves(dgrouped), jax.tree.leaves(dparams))


def test_layers_draw_apart():
    x = jnp.ones((2000, 1))
    both = Chain((Dropout(0.5), Dropout(0.5))).apply(((), ()), x, jax.random.key(0))
    assert float((both > 0).mean()) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("layers", [(), [Dense(3)], (Dense(3), ReLU), Dense(3), None])
def test_it_takes_a_tuple_of_layers(layers):
    with pytest.raises(TypeError, match=r"Chain: layers must be a tuple of at least one Layer, got .*Write Chain\("):
        Chain(layers).init(jax.random.key(0), jnp.ones((1, 2)))


# Residual --------------------------------------------------------------------------------------------------------------------


def test_a_residual_adds_its_two_ways():
    with precision("float64"):
        x = draw((6, 4), "float64")
        block, wider = Residual(Chain((Dense(4), Tanh()))), Residual(Chain((Dense(3), Tanh())), Dense(3))
        inner, nothing = params = block.init(jax.random.key(0), x)
        assert nothing == ()
        assert_close(block.apply(params, x), x + jnp.tanh(x @ inner[0]["kernel"] + inner[0]["bias"]))
        (inner, _), shortcut = params = wider.init(jax.random.key(0), x)
        by_hand = x @ shortcut["kernel"] + shortcut["bias"] + jnp.tanh(x @ inner["kernel"] + inner["bias"])
        assert_close(wider.apply(params, x), by_hand)


def test_part_of_the_error_arrives_whole_however_deep():
    x = draw((3, 4))
    saturated = Chain(tuple(Residual(Chain((Dense(4), Tanh()))) for _ in range(30)))
    params = jax.tree.map(lambda leaf: jnp.full_like(leaf, 50.0), saturated.init(jax.random.key(0), x))
    _, dx = saturated.backward(params, saturated.forward(params, jnp.ones_like(x))[1], jnp.ones_like(x))
    assert_close(dx, jnp.ones_like(x), "float32")


@pytest.mark.parametrize(
    ("block", "match"),
    [
        (
            Residual(Dense(3)),
            r"Residual: the layer's output must be float32 of shape \(2, 4\), as its shortcut's, got float32 of shape \(2, 3\)",
        ),
        (
            Residual(Dense(3), Dense(2)),
            r"must be float32 of shape \(2, 2\), as its shortcut's, got .*\. Give a shortcut .*Dense\(features\)",
        ),
    ],
)
def test_ways_that_do_not_meet(block, match):
    with pytest.raises(ValueError, match=match):
        block.init(jax.random.key(0), jnp.ones((2, 4)))


# Timewise --------------------------------------------------------------------------------------------------------------------


def test_timewise_hands_lengths_on():
    layer, values = Timewise(Dense(3)), draw((4, 5, 2))
    lengths = jnp.array([5, 1, 2, 3], jnp.int32)
    params = layer.init(jax.random.key(0), Sequences(values, lengths))
    plain = Dense(3).apply(params, values)
    y = layer.apply(params, Sequences(values, lengths, state=draw((4, 3))))
    assert y.state is None
    assert_same_bits((y.values, y.lengths), (plain, lengths))
    assert_same_bits(layer.apply(params, values), plain)
    assert_same_bits(layer.apply(params, Sequences(values)), plain)


# Keys and mistakes -----------------------------------------------------------------------------------------------------------

RANDOM = {"random_bits", "random_fold_in", "random_split"}
COMBINE = {
    "Chain": lambda layer: Chain((layer, layer)),
    "Concat": lambda layer: Concat((layer, layer)),
    "Parallel": lambda layer: Parallel((layer, layer)),
    "Repeat": lambda layer: Repeat(layer, 2),
    "Residual": lambda layer: Residual(layer, layer),
    "Timewise": lambda layer: Timewise(layer),
}


@pytest.mark.parametrize("make", COMBINE.values(), ids=COMBINE)
def test_no_key_is_derived_where_nothing_draws(make):
    def program(layer):
        x = jnp.ones((2, 3))
        x = (x, x) if isinstance(layer, Parallel) else x
        params = layer.init(jax.random.key(0), x)
        return str(jax.make_jaxpr(lambda x, key: layer.forward(params, x, key))(x, jax.random.key(1)))

    assert not any(name in program(make(Tanh())) for name in RANDOM)
    assert "random_bits" in program(make(Dropout(0.5)))


@pytest.mark.parametrize("make", [COMBINE[name] for name in ("Chain", "Repeat", "Residual", "Concat", "Parallel")])
def test_each_layer_draws_for_itself(make):
    x, layer = jnp.ones((4000, 1)), make(Dropout(0.5))
    y = layer.apply(
        layer.init(jax.random.key(0), (x, x)) if isinstance(layer, Parallel) else layer.init(jax.random.key(0), x), *given(layer, x)
    )
    both = jnp.hstack(y) if isinstance(y, tuple) else y
    kept = both.all(axis=-1) if both.shape[-1] == 2 else both == 4.0
    assert float(kept.mean()) == pytest.approx(0.25, abs=0.04)


def given(layer, x):
    return ((x, x) if isinstance(layer, Parallel) else x, jax.random.key(1))


def test_layers_that_do_not_draw_leave_the_draws_of_others_as_they_are():
    x, key = jnp.ones((50, 4)), jax.random.key(0)
    with_one = Chain((Tanh(), Dropout(0.5))).apply(((), ()), x, key)
    assert_same_bits(Chain((Identity(), Dropout(0.5))).apply(((), ()), jnp.tanh(x), key), with_one)


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (Residual(Dense), r"Residual: layer and shortcut must be of type Layer, got .*Write Residual\(Dense\(8\)\)"),
        (Residual(Dense(2), ReLU), "Residual: layer and shortcut must be of type Layer"),
        (Timewise(None), r"Timewise: layer must be of type Layer, got .*Write Timewise\("),
        (Repeat(Dense, 2), r"Repeat: layer must be of type Layer, got .*Write Repeat\("),
        (Concat(()), r"Concat: layers must be a tuple of at least one Layer, got .*Write Concat\("),
        (Concat([Dense(3)]), r"Concat: layers must be a tuple of at least one Layer, got \['Dense'\]"),
        (Parallel(()), r"Parallel: layers must be a tuple of at least one Layer, got .*Write Parallel\("),
        (Parallel((Dense(3), ReLU)), "Parallel: layers must be a tuple of at least one Layer"),
    ],
)
def test_only_layers_can_be_combined(layer, match):
    with pytest.raises(TypeError, match=match):
        layer.init(jax.random.key(0), jnp.ones((1, 2)))


@pytest.mark.parametrize(
    "layer",
    [
        *(Dense(3), LayerNorm(), RMSNorm(), GroupNorm(1), BatchNorm(), PositionalEncoding(), LearnedPositions(9)),
        *(Conv(2, (3,)), MaxPool((2,)), Dropout(), Flatten(), Reshape((4, 5)), Tanh()),
    ],
)
def test_layers_of_one_array_tell_that_sequences_go_through_timewise(layer):
    x = Sequences(draw((2, 5, 4)), jnp.array([5, 2]))
    with pytest.raises(TypeError, match=rf"{type(layer).__name__}: x must be one array, got Sequences\. .*Timewise\(\.\.\.\)"):
        layer.init(jax.random.key(0), x)
    Timewise(layer).init(jax.random.key(0), x)


@pytest.mark.parametrize("layer", [Recurrent(GRU(2)), MultiHeadAttention(2), GlobalAveragePool()])
def test_layers_over_time_take_no_tuples(layer):
    with pytest.raises(TypeError, match=f"{type(layer).__name__}: x must be one array, got tuple"):
        layer.init(jax.random.key(0), (draw((2, 5, 4)),))
