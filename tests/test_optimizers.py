"""Optimizers: what is a number and what is structure, optax's updates from traced numbers, and what is refused."""

import jax
import jax.numpy as jnp
import optax
import pytest

from jaxnn import optimizer
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw

EXAMPLES = {
    "sgd": (optax.sgd, {"learning_rate": 0.1}),
    "momentum": (optax.sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (optax.adam, {"learning_rate": 0.01, "b1": 0.8, "eps": 1e-6}),
    "adamw": (optax.adamw, {"learning_rate": 0.01, "weight_decay": 0.1}),
    "rmsprop": (optax.rmsprop, {"learning_rate": 0.01, "decay": 0.8, "momentum": 0.5}),
    "lion": (optax.lion, {"learning_rate": 0.01}),
    "adagrad": (optax.adagrad, {"learning_rate": 0.5}),
}

every_optimizer = pytest.mark.parametrize(("function", "arguments"), EXAMPLES.values(), ids=EXAMPLES.keys())


@every_optimizer
def test_updates_are_those_of_optax_though_the_numbers_are_traced(function, arguments):
    params, gradients = {"a": draw((3, 2)), "b": draw((2,))}, {"a": draw((3, 2), seed=1), "b": draw((2,), seed=2)}

    def three_steps(transformation):
        with jax.numpy_dtype_promotion("standard"):
            state, moved = transformation.init(params), params
            for _ in range(3):
                updates, state = transformation.update(gradients, state, moved)
                moved = optax.apply_updates(moved, updates)
        return moved

    ours = quick_jit(lambda made: three_steps(made.build()))(optimizer(function, **arguments))
    assert_close(ours, quick_jit(lambda: three_steps(function(**arguments)))(), "float32")


@every_optimizer
def test_equal_ones_are_equal_and_print_as_they_were_written(function, arguments):
    made = optimizer(function, **arguments)
    assert made == optimizer(function, **arguments)
    assert eval(repr(made), {"optimizer": optimizer, "optax": optax}) == made
    assert hash(jax.tree.structure(made)) == hash(jax.tree.structure(optimizer(function, **arguments)))


def test_floats_are_leaves_and_the_rest_is_structure():
    made = optimizer(optax.sgd, learning_rate=0.1, momentum=0.9, nesterov=True, accumulator_dtype=None)
    assert made.numbers == {"learning_rate": 0.1, "momentum": 0.9}
    assert dict(made.options) == {"nesterov": True, "accumulator_dtype": None}
    other = optimizer(optax.sgd, learning_rate=0.2, momentum=0.8, nesterov=True, accumulator_dtype=None)
    assert jax.tree.structure(made) == jax.tree.structure(other)
    assert jax.tree.structure(made) != jax.tree.structure(optimizer(optax.sgd, learning_rate=0.1, momentum=0.9))


def test_a_whole_number_where_optax_has_a_float_is_a_float():
    assert optimizer(optax.adam, learning_rate=1) == optimizer(optax.adam, learning_rate=1.0)
    assert optimizer(optax.adam, learning_rate=jnp.float32(0.5)).numbers["learning_rate"] == 0.5


def test_a_schedule_is_structure():
    schedule = optax.constant_schedule(0.1)
    assert dict(optimizer(optax.sgd, learning_rate=schedule).options) == {"learning_rate": schedule}


@pytest.mark.parametrize(
    ("function", "arguments", "error", "match"),
    [
        (optax.adam(1e-3), {}, TypeError, "optimizer: function must be an optax function, got .* Give the function itself"),
        ("adam", {}, TypeError, "optimizer: function must be an optax function, got 'adam'"),
        (optax.adam, {"learning_rat": 1e-3}, ValueError, r"optimizer: adam has no argument 'learning_rat'\. Did you mean learning_rate"),
        (optax.adam, {}, TypeError, "optimizer: adam can't be called so: .*learning_rate"),
        (optax.squared_error, {"predictions": 1.0}, TypeError, "optimizer: function must be one that returns an optax transformation"),
    ],
)
def test_mistakes(function, arguments, error, match):
    with pytest.raises(error, match=match):
        optimizer(function, **arguments)
