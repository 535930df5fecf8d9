"""Concat and Parallel against composition by hand."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn.layers import Chain, Concat, Dense, Function, Identity, Parallel, Tanh
from tests.tolerances import assert_close, assert_same_bits, draw, precision


def test_concat_joins_outputs_on_the_last_axis():
    with precision("float64"):
        x = draw((5, 2, 4), "float64")
        layer = Concat((Identity(), Dense(3), Tanh()))
        params = layer.init(jax.random.key(0), x)
        y, residuals = layer.forward(params, x)
        assert_close(y, jnp.concatenate([x, x @ params[1]["kernel"] + params[1]["bias"], jnp.tanh(x)], axis=-1))
        dparams, dx = layer.backward(params, residuals, jnp.ones_like(y))
        by_hand = 1 + params[1]["kernel"].sum(axis=1) + 1 - jnp.tanh(x) ** 2
        assert_close(dx, jnp.broadcast_to(by_hand, x.shape))
        assert_close(dparams[1]["bias"], jnp.full(3, 10.0))


@pytest.mark.parametrize(
    ("other", "got"),
    [
        (Function(jnp.transpose), r"\(2, 4\) and \(4, 2\)"),
        (Function(lambda x: x.astype("bfloat16")), r"\(2, 4\) and \(2, 4\)"),
        (Function(lambda x: (x, x)), r"\(2, 4\) and tuple"),
    ],
)
def test_outputs_that_can_not_be_joined(other, got):
    match = rf"Concat: the layers' outputs must be arrays of one dtype, alike in all axes but the last, got {got}"
    with pytest.raises(ValueError, match=match):
        Concat((Identity(), other)).init(jax.random.key(0), jnp.ones((2, 4)))


def test_parallel_gives_each_layer_its_part():
    x = (draw((5, 4)), draw((5, 2, 3)))
    layer = Parallel((Dense(3), Tanh()))
    params = layer.init(jax.random.key(0), x)
    y, residuals = layer.forward(params, x)
    assert_same_bits(y, (Dense(3).apply(params[0], x[0]), jnp.tanh(x[1])))
    assert_same_bits(layer.apply(params, x), y)
    dparams, dx = layer.backward(params, residuals, y)
    assert_same_bits((dparams[0], dx[0]), Dense(3).backward(params[0], residuals[0], y[0]))
    assert dparams[1] == () and dx[1].shape == x[1].shape


def test_parts_meet_again_in_a_chain():
    """A deep part and a wide part, added: what a wide and deep network is."""
    x = (draw((5, 4)), draw((5, 2)))
    network = Chain((Parallel((Chain((Dense(3), Tanh(), Dense(1))), Dense(1))), Function(sum)))
    params = network.init(jax.random.key(0), x)
    parts = network.layers[0].apply(params[0], x)
    assert_close(network.apply(params, x), parts[0] + parts[1], "float32")


@pytest.mark.parametrize(
    ("x", "got"), [((jnp.ones((2, 3)),), "one of 1"), (jnp.ones((2, 3)), "ArrayImpl"), ([jnp.ones((2, 3)), jnp.ones((2, 3))], "list")]
)
def test_parallel_takes_a_part_for_each(x, got):
    layer, match = Parallel((Dense(3), Tanh())), rf"Parallel: x must be a tuple of 2 parts, one for each layer, got {got}"
    with pytest.raises(ValueError, match=match):
        layer.init(jax.random.key(0), x)
    with pytest.raises(ValueError, match=match):
        layer.forward(((), ()), x)
