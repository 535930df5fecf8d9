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
