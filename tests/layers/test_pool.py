"""Pooling against Flax and NumPy, ties, padding, and sequences of different lengths."""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnn.layers import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from jaxnn.typing import Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, draw, precision

few = settings(max_examples=10, deadline=None, derandomize=True)


@st.composite
def poolings(draw_from):
    """Window, stride, padding and the shape of an x that they fit."""
    rank = draw_from(st.integers(1, 2))
    axes = lambda low, high: st.tuples(*[st.integers(low, high)] * rank)  # noqa: E731
    window = draw_from(axes(2, 3))
    stride = draw_from(st.one_of(st.none(), axes(1, 3)))
    return (window, stride, draw_from(st.sampled_from(["SAME", "VALID", 1]))), (2, *draw_from(axes(5, 7)), 2)


@few
@given(poolings())
def test_output_is_flaxs_and_backward_the_vjp(case):
    (window, stride, padding), shape = case
    theirs = ((padding, padding),) * len(window) if isinstance(padding, int) else padding
    with precision("float64"):
        x = draw(shape, "float64")
        for layer, pool in (
            (MaxPool(window, stride, padding), flax.linen.max_pool),
            (AveragePool(window, stride, padding), lambda *args, **kwargs: flax.linen.avg_pool(*args, **kwargs, count_include_pad=False)),
        ):

            @quick_jit
            def both(x, layer=layer, pool=pool):
                y, residuals = layer.forward((), x)
                y_theirs, pull = jax.vjp(lambda x: pool(x, window, strides=stride or window, padding=theirs), x)
                dy = jnp.cos(jnp.arange(y.size, dtype=x.dtype)).reshape(y.shape)
                return (y, layer.backward((), residuals, dy)[1]), (y_theirs, pull(dy)[0])

            assert_close(*both(x))


def test_of_equal_numbers_the_first_takes_the_error():
    layer, x = MaxPool((2,)), jnp.zeros((1, 4, 1))
    _, residuals = layer.forward((), x)
    assert layer.backward((), residuals, jnp.array([[[3.0], [5.0]]]))[1].ravel().tolist() == [3, 0, 5, 0]
    assert jax.vjp(lambda x: layer.apply((), x), x)[1](jnp.array([[[3.0], [5.0]]]))[0].ravel().tolist() == [3, 0, 5, 0]


def test_the_order_of_activation_and_max_makes_no_difference():
    x = draw((3, 6, 6, 2))
    assert_same_bits(MaxPool().apply((), jax.nn.relu(x)), jax.nn.relu(MaxPool().apply((), x)))


def test_a_window_of_many_elements_has_its_winner_too():
    y, residuals = MaxPool((300,)).forward((), jnp.arange(600.0)[None, :, None])
    assert y.ravel().tolist() == [299, 599]
    assert np.flatnonzero(MaxPool((300,)).backward((), residuals, jnp.ones_like(y))[1]).tolist() == [299, 599]


def test_rows_that_no_window_reaches_get_no_error():
    layer, x = MaxPool((2, 2)), draw((1, 5, 5, 1))
    y, residuals = layer.forward((), x)
    dx = np.asarray(layer.backward((), residuals, jnp.ones_like(y))[1])[0, :, :, 0]
    assert not dx[4].any() and not dx[:, 4].any() and dx.sum() == 4


def test_global_pooling_is_numpys():
    x = draw((3, 4, 5, 2))
    assert_close(GlobalAveragePool().apply((), x), np.asarray(x).mean(axis=(1, 2)), "float32")
    assert_same_bits(GlobalMaxPool().apply((), x), np.asarray(x).max(axis=(1, 2)))


@pytest.mark.parametrize("layer", [GlobalAveragePool(), GlobalMaxPool()])
def test_steps_beyond_the_length_are_not_there(layer):
    x, lengths = draw((3, 6, 2)), jnp.array([6, 1, 4])
    pooled = layer.apply((), Sequences(x, lengths))
    alone = [layer.apply((), x[row : row + 1, :length]) for row, length in enumerate(lengths.tolist())]
    assert_close(pooled, np.concatenate(alone), "float32")
    filled = Sequences(jnp.where(jnp.arange(6)[None, :, None] < lengths[:, None, None], x, 99.0), lengths)
    assert_same_bits(layer.apply((), filled), pooled)


def test_what_does_not_fit_is_refused():
    key = jax.random.key(0)
    for layer, x, sentence in [
        (MaxPool(), jnp.ones((2, 5, 5)), r"MaxPool: x must be of shape \(batch, height, width, channels\)"),
        (MaxPool((6, 6)), jnp.ones((2, 5, 5, 1)), r"MaxPool: window must be within x of sizes \(5, 5\)"),
        (AveragePool((2, 2), padding=2), jnp.ones((2, 5, 5, 1)), r"AveragePool: padding must be less than the window \(2, 2\), got 2"),
        (MaxPool((2, 2), padding=2), jnp.ones((2, 5, 5, 1)), r"MaxPool: padding must be less than the window \(2, 2\), got 2"),
        (GlobalAveragePool(), jnp.ones((2, 5)), r"GlobalAveragePool: x must be of shape \(batch, \.\.\., channels\)"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            layer.init(key, x)
    with pytest.raises(TypeError, match="MaxPool: x must be a floating-point array, got dtype int32"):
        MaxPool().init(key, jnp.ones((2, 5, 5, 1), "int32"))
    with pytest.raises(ValueError, match="MaxPool: stride must be a whole number >= 1"):
        MaxPool(stride=0)


@pytest.mark.parametrize("row", [[1.0, np.nan], [np.nan, 1.0]])
def test_what_is_no_number_is_not_lost(row):
    assert np.isnan(MaxPool((2,)).apply((), jnp.array(row)[None, :, None])).all()


def test_lengths_are_as_many_as_rows():
    with pytest.raises(ValueError, match=r"GlobalMaxPool: lengths must be one for each of the 3 rows of x, got shape \(2,\)\."):
        GlobalMaxPool().apply((), Sequences(jnp.ones((3, 4, 2)), jnp.array([1, 2])))
