"""Chain against composition by hand, and in every grouping."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn.layers import Chain, Dense, Dropout, ReLU, Tanh
from tests.tolerances import assert_close, draw, precision


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
