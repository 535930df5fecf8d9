"""Dropout: what it does on average, and that a rate is a number of the program, not its structure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn.layers import Dropout
from tests.tolerances import assert_same_bits, draw

X = draw((400, 50))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_units_are_zero_at_the_rate_and_the_others_scaled(rate):
    y = np.asarray(Dropout(rate).apply((), X, jax.random.key(0)))
    kept = y != 0
    assert kept.mean() == pytest.approx(1 - rate, abs=0.015)  # 20,000 draws: four standard deviations
    assert np.allclose(y[kept], np.asarray(X)[kept] / (1 - rate), rtol=1e-6)


def test_the_mean_is_kept():
    y = Dropout(0.5).apply((), jnp.ones((400, 50)), jax.random.key(0))
    assert float(y.mean()) == pytest.approx(1.0, abs=0.03)


def test_a_rate_of_zero_and_evaluation_change_nothing():
    assert_same_bits(Dropout(0.0).apply((), X, jax.random.key(0)), X)
    assert_same_bits(Dropout(0.9).apply((), X), X)


def test_backward_goes_through_the_same_mask():
    y, residuals = Dropout(0.5).forward((), X, jax.random.key(0))
    _, dx = Dropout(0.5).backward((), residuals, jnp.ones_like(X))
    assert_same_bits(np.asarray(dx) != 0, np.asarray(y) != 0)


def test_keys_draw_different_masks():
    first, second = (Dropout(0.5).apply((), X, jax.random.key(seed)) for seed in (0, 1))
    assert 0.4 < float(((first == 0) == (second == 0)).mean()) < 0.6


def test_a_channel_goes_at_all_its_positions():
    y = np.asarray(Dropout(0.25, over="channels").apply((), jnp.ones((60, 3, 2, 50)), jax.random.key(0)))
    assert np.all(y == y[:, :1, :1])
    assert np.allclose(np.unique(y), [0, 4 / 3])
    assert (y[:, 0, 0] != 0).mean() == pytest.approx(0.75, abs=0.03)  # 3,000 draws


def test_a_step_goes_with_all_it_holds():
    y = np.asarray(Dropout(0.25, over="steps").apply((), jnp.ones((60, 50, 3, 2)), jax.random.key(0)))
    assert np.all(y == y[:, :, :1, :1])
    assert np.allclose(np.unique(y), [0, 4 / 3])
    assert (y[:, :, 0, 0] != 0).mean() == pytest.approx(0.75, abs=0.03)
    assert len({tuple(row) for row in (y[:, :, 0, 0] != 0).tolist()}) > 50  # each example has its own


@pytest.mark.parametrize(("over", "shape"), [("units", (2, 5, 3)), ("channels", (2, 1, 3)), ("steps", (2, 5, 1))])
def test_the_mask_is_what_is_kept_and_errors_go_through_it(over, shape):
    x, layer = draw((2, 5, 3)), Dropout(0.5, over=over)
    y, mask = layer.forward((), x, jax.random.key(0))
    assert mask.shape == shape
    assert_same_bits(layer.backward((), mask, x)[1], y)
    assert_same_bits(layer.apply((), x), x)


def test_rates_in_float32_serve_narrow_dtypes():
    drop = jax.vmap(lambda rate: Dropout(rate).apply((), jnp.ones((50, 20), "bfloat16"), jax.random.key(0)))
    shares = (drop(jnp.array([0.25, 0.75])) == 0).mean(axis=(1, 2))
    assert shares.tolist() == pytest.approx([0.25, 0.75], abs=0.06)


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_narrow_dtypes_drop_what_float32_drops(rate):
    """A draw in bfloat16 is one of 128 numbers: 2 of them lie below 0.01, and so 1.6 % would be dropped."""
    x = jnp.ones((1000, 200))
    wide = Dropout(rate).apply((), x, jax.random.key(0))
    assert float((wide == 0).mean()) == pytest.approx(rate, rel=0.1)  # 200,000 draws: 2,000 zeros, deviation 45
    for dtype in ("bfloat16", "float16"):
        narrow = Dropout(rate).apply((), x.astype(dtype), jax.random.key(0))
        assert narrow.dtype == dtype
        assert_same_bits(narrow, wide.astype(dtype))


def test_what_is_dropped_must_be_there():
    with pytest.raises(ValueError, match=r"Dropout: over must be one of units, channels, steps, got 'chanels'\. Did you mean channels"):
        Dropout(0.5, over="chanels")
    message = (
        r'Dropout\(over="channels"\): x must be of shape \(batch, \.\.\., channels\) with positions between, got shape \(2, 5\)\. Write'
    )
    with pytest.raises(ValueError, match=message):
        Dropout(0.5, over="channels").init(jax.random.key(0), jnp.ones((2, 5)))
    with pytest.raises(
        ValueError, match=r'Dropout\(over="steps"\): x must be of shape \(batch, time, \.\.\., features\), got shape \(2, 5\)'
    ):
        Dropout(0.5, over="steps").apply((), jnp.ones((2, 5)))
