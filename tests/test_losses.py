"""Losses against optax and scikit-learn, their gradients against JAX's, and at the ends of the scale."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics import log_loss, mean_squared_error

from jaxnn.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError
from tests.catalogue import LOSSES
from tests.programs import quick_jit
from tests.tolerances import DTYPES, assert_close, assert_finite, assert_same_bits, draw, precision

ROWS = 7

every_loss = pytest.mark.parametrize("example", LOSSES.values(), ids=LOSSES.keys())


def prepared(example, dtype, scale=1.0):
    targets = example.targets(np.random.default_rng(0), ROWS)
    y = jnp.asarray(targets, dtype if targets.dtype.kind == "f" else jnp.int32)
    return example.make(), scale * draw((ROWS, example.units), dtype), y


@functools.cache
def all_of(loss):
    """Value, gradient by hand and gradient by JAX, in one program."""
    return quick_jit(
        lambda outputs, y: (loss.value(outputs, y), loss.gradient(outputs, y), jax.grad(lambda o: loss.value(o, y).sum())(outputs))
    )


@every_loss
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_is_jaxs(example, dtype):
    with precision(dtype):
        loss, outputs, y = prepared(example, dtype)

        value, by_hand, by_jax = all_of(loss)(outputs, y)
        assert by_hand.dtype == value.dtype == outputs.dtype and value.shape == (ROWS,)
        assert_close(by_hand, by_jax, dtype)


@every_loss
def test_finite_at_the_ends_of_the_scale(example):
    for sign in (1, -1):
        loss, outputs, y = prepared(example, "float32")
        outputs = jnp.full_like(outputs, sign * 1e4).at[:, -1].multiply(-1)  # one unit against all others, right and wrong
        value, by_hand, by_jax = all_of(loss)(outputs, y)
        assert_finite((value, by_hand, by_jax))
        assert_close(by_hand, by_jax, "float32")


@every_loss
def test_examples_do_not_know_of_each_other(example):
    loss, outputs, y = prepared(example, "float32")
    alone = np.concatenate([all_of(loss)(outputs[row : row + 1], y[row : row + 1])[0] for row in range(ROWS)])
    assert_close(alone, all_of(loss)(outputs, y)[0], "float32")


def test_squared_error_is_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 3), "float64"), draw((ROWS, 3), "float64", seed=1)
        assert float(SquaredError().value(outputs, y).mean()) == pytest.approx(mean_squared_error(y, outputs), rel=1e-14)
        assert_close(SquaredError().value(outputs[:, :1], y[:, 0]), optax.losses.squared_error(outputs[:, 0], y[:, 0]))


def test_binary_cross_entropy_is_optaxs_and_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 1), "float64"), jnp.arange(ROWS) % 2
        value = BinaryCrossEntropy().value(outputs, y)
        assert_close(value, optax.losses.sigmoid_binary_cross_entropy(outputs[:, 0], y.astype("float64")))
        assert float(value.mean()) == pytest.approx(log_loss(y, jax.nn.sigmoid(outputs[:, 0])), rel=1e-13)


def test_softmax_cross_entropy_is_optaxs_and_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 4), "float64"), jnp.arange(ROWS) % 4
        value = SoftmaxCrossEntropy().value(outputs, y)
        assert_close(value, optax.losses.softmax_cross_entropy_with_integer_labels(outputs, y))
        assert float(value.mean()) == pytest.approx(log_loss(y, jax.nn.softmax(outputs)), rel=1e-13)


def test_exact_values_far_out():
    assert BinaryCrossEntropy().value(jnp.array([[1e4], [-1e4], [1e4]]), jnp.array([0, 1, 1])).tolist() == [1e4, 1e4, 0.0]
    assert SoftmaxCrossEntropy().value(jnp.array([[1e4, -1e4]] * 2), jnp.array([0, 1])).tolist() == [0.0, 2e4]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32"])
def test_classes_of_any_whole_dtype_are_the_same_classes(dtype):
    outputs, y = draw((3, 300)), jnp.array([0, 44, 100])  # 300 units are more than eight bits can number

    @quick_jit
    def both(y):
        return SoftmaxCrossEntropy().value(outputs, y), SoftmaxCrossEntropy().gradient(outputs, y)

    assert_same_bits(both(y.astype(dtype)), both(y))
