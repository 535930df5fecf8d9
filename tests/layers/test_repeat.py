"""Repeat against a chain of as many layers, and its program, which must not grow."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn.layers import Chain, Dense, Dropout, Function, Repeat, Residual, Tanh
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw, precision

BLOCK = Residual(Chain((Dense(4), Tanh())))


def unstacked(params, times):
    return tuple(jax.tree.map(lambda leaf, number=number: leaf[number], params) for number in range(times))


def test_it_is_a_chain_of_so_many():
    with precision("float64"):
        x, dy = draw((6, 4), "float64"), draw((6, 4), "float64", seed=1)
        loop, chain = Repeat(BLOCK, 3), Chain((BLOCK,) * 3)
        params = quick_jit(loop.init)(jax.random.key(0), x)
        pieces = unstacked(params, 3)
        assert not jnp.array_equal(pieces[0][0][0]["kernel"], pieces[1][0][0]["kernel"])

        def both_ways(layer, params):
            y, residuals = layer.forward(params, x)
            return y, layer.backward(params, residuals, dy)

        y, (dparams, dx) = both_ways(loop, params)
        expected, (dpieces, dx_of_chain) = both_ways(chain, pieces)
        assert_close((y, dx), (expected, dx_of_chain))
        assert_close(unstacked(dparams, 3), dpieces)


def test_dropout_draws_anew_in_each_block():
    y = Repeat(Dropout(0.5), 3).apply((), jnp.ones((4000, 1)), jax.random.key(0))
    assert float((y == 8).mean()) == pytest.approx(1 / 8, abs=0.03)


def test_the_program_does_not_grow_with_depth():
    traces = []

    def counted(x):
        traces.append(1)
        return jnp.sin(x)

    def size_and_traces(times):
        layer, x = Repeat(Chain((Dense(4), Function(counted))), times), jnp.ones((2, 4))
        traces.clear()
        params = jax.eval_shape(layer.init, jax.random.key(0), x)

        def step(params, x):
            y, residuals = layer.forward(params, x)
            return layer.backward(params, residuals, y), jax.grad(lambda params: layer.apply(params, x).sum())(params)

        return str(jax.make_jaxpr(step)(params, x)).replace(str(times), "n").count("\n"), len(traces)

    assert size_and_traces(2) == size_and_traces(50)


@pytest.mark.parametrize("times", [0, -1, 2.0, True])
def test_times_must_be_a_whole_number(times):
    with pytest.raises(ValueError, match="Repeat: times must be a whole number >= 1"):
        Repeat(BLOCK, times)


def test_the_output_must_be_as_the_input():
    match = (
        r"Repeat: the layer's output must be float32 of shape \(2, 4\), as its input, got float32 of shape \(2, 3\)\. Put a layer before"
    )
    with pytest.raises(ValueError, match=match):
        Repeat(Dense(3), 2).init(jax.random.key(0), jnp.ones((2, 4)))
    with pytest.raises(ValueError, match=r"got bfloat16 of shape \(2, 4\)"):
        Repeat(Function(lambda x: x.astype("bfloat16")), 2).init(jax.random.key(0), jnp.ones((2, 4)))
