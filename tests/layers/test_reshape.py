"""Shapes against NumPy's reshape, and what can't be reshaped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn.layers import Flatten, Reshape
from jaxnn.layers.base import no_cotangent
from tests.tolerances import assert_same_bits, draw


@pytest.mark.parametrize(
    ("layer", "shape", "became"),
    [
        (Flatten(), (2, 3, 4), (2, 12)),
        (Flatten(), (2, 5), (2, 5)),
        (Flatten(), (2,), (2, 1)),
        (Flatten(), (0, 3, 4), (0, 12)),
        (Reshape((12,)), (2, 3, 4), (2, 12)),
        (Reshape((2, -1, 2)), (1, 3, 4), (1, 2, 3, 2)),
        (Reshape((-1,)), (0, 3, 4), (0, 12)),
        (Reshape(()), (2, 1), (2,)),
    ],
)
def test_numbers_stay_in_numpys_order_and_errors_go_back(layer, shape, became):
    x = draw(shape)
    y, residuals = layer.forward(layer.init(jax.random.key(0), x), x)
    assert_same_bits(y, np.asarray(x).reshape(became))
    assert_same_bits(layer.backward((), residuals, y), ((), x))
    assert jax.tree.leaves(residuals)[0].size == 0  # nothing is kept in memory


def test_reshaping_back_and_forth_is_nothing():
    x = draw((2, 3, 4))
    assert_same_bits(Reshape((3, 4)).apply((), Flatten().apply((), x)), x)


def test_whole_numbers_go_through():
    x = jnp.arange(12).reshape(2, 6)
    y, residuals = Reshape((2, -1)).forward((), x)
    assert y.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    _, dx = Reshape((2, -1)).backward((), residuals, no_cotangent(y))
    assert dx.shape == x.shape and dx.dtype == jax.dtypes.float0


@pytest.mark.parametrize("shape", [12, [3, 4], (3, 0), (-1, -1), (-2,), (3.0,), (True, 12), None])
def test_a_shape_is_a_tuple_of_whole_numbers(shape):
    with pytest.raises(ValueError, match=r"Reshape: shape must be a tuple of whole numbers >= 1, one of which may be -1, got .*batch axis"):
        Reshape(shape)


def test_rows_that_do_not_fill_the_shape_are_refused():
    message = r"Reshape: x must be of shape \(batch, \.\.\.\) with 12 numbers in a row, to become \(3, 4\), got shape \(2, 5\), 5 in a row"
    with pytest.raises(ValueError, match=message):
        Reshape((3, 4)).init(jax.random.key(0), jnp.ones((2, 5)))
    with pytest.raises(ValueError, match=r"with a multiple of 3 numbers in a row, to become \(3, -1\), got shape \(2, 5\)"):
        Reshape((3, -1)).apply((), jnp.ones((2, 5)))
    with pytest.raises(ValueError, match=r"Flatten: x must be of shape \(batch, \.\.\.\), got shape \(\)\. Add the batch axis"):
        Flatten().init(jax.random.key(0), jnp.ones(()))
