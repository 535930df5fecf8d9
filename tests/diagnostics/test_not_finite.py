"""Where a NaN came from: planted ones are found, in the step, layer and quantity where they were planted."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import ClipByNorm, Recipe, Regression, fit, optimizer
from jaxnn.diagnostics import first_not_finite
from jaxnn.layers import Chain, Dense, Dropout, Function, Repeat, Residual
from jaxnn.losses import SquaredError
from tests.samples import blobs, classification, plane, regression

COLUMN = np.linspace(-1, 1, 16, dtype=np.float32)[:, None]


def root_of_nothing(x):
    return jnp.sqrt(x - jax.lax.stop_gradient(x))


class Steep(Residual):
    """A combinator that spoils what it hands to its layer."""

    def backward(self, params, residuals, dy):
        return super().backward(params, residuals, dy * jnp.inf)


class RootError(SquaredError):
    """A loss of infinite slope."""

    def gradient(self, outputs, y):
        return jnp.full_like(outputs, jnp.inf)


def descent(*layers, rate=1e-3, scale=1.0, loss=None, **fields):
    """A regression and its data."""
    recipe = Recipe(
        Regression(Chain(layers), loss or SquaredError()), optimizer(optax.sgd, learning_rate=rate), batch_size=8, epochs=2, **fields
    )
    return recipe, (COLUMN * np.float32(scale), COLUMN[:, 0])


PLANTED = {
    "the logarithm of a number below 0": (descent(Dense(3), Function(jnp.log), Dense(1)), "activation", "model.layers[1]", "nan"),
    "deep inside": (descent(Residual(Chain((Dense(1), Function(jnp.log))))), "activation", "model.layers[0].layer.layers[1]", "nan"),
    "a square too large": (descent(Dense(1), scale=1e30), "loss", "", "inf"),
    "the slope of a root at 0": (descent(Dense(3), Function(root_of_nothing), Dense(1)), "gradient", "model.layers[1]", "inf"),
    "a slope deep inside": (
        descent(Dense(3), Residual(Chain((Function(root_of_nothing), Dense(3)))), Dense(1)),
        "gradient",
        "model.layers[1].layer.layers[0]",
        "inf",
    ),
    "a slope inside a scan": (
        descent(Dense(3), Repeat(Function(root_of_nothing), 2), Dense(1)),
        "gradient",
        "model.layers[1].layer",
        "inf",
    ),
    "the combinator's own slope": (descent(Dense(1), Steep(Dense(1))), "gradient", "model.layers[1]", "nan"),
    "the slope of the loss": (descent(Dense(1), loss=RootError()), "gradient", "", "inf"),
    "a step too large": (descent(Dense(1), rate=1e38, scale=100), "update", "model.layers[0]", "inf"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_found(name):
    (recipe, data), *planted = PLANTED[name]
    found = first_not_finite(recipe, data)
    assert [found.quantity, found.layer, found.value] == planted
    assert (found.step, found.epoch) == (0, 1)


def test_a_run_that_grows_out_of_bounds_is_followed_to_its_last_step():
    recipe, data = regression(learning_rate=3.0, epochs=30), plane()
    run = fit(recipe, data, key=2, member=1)
    found = first_not_finite(recipe, data, key=2, member=1)
    assert run.diverged_step > 3
    assert found.step == run.diverged_step and found.epoch == run.diverged_step // 3 + 1 == run.epochs + 1
    assert (found.quantity, found.layer) == ("loss", "")  # its square overflows first
    assert str(found) == f"step {found.step} (epoch {found.epoch}): the loss was the first thing not finite, inf"


def test_with_all_that_a_recipe_can_do():
    parts = {"l2": (1e-3, 0.0, 0.0, 0.0), "input_noise": 0.1, "clip": ClipByNorm(1.0), "precision": "float16"}
    recipe, data = descent(Dense(3), Dropout(0.1), Function(jnp.log), Dense(1), **parts)
    found = first_not_finite(recipe, data)
    assert (found.quantity, found.layer, found.step) == ("activation", "model.layers[2]", 0)


def test_a_run_that_ends_well_has_none():
    assert first_not_finite(classification(), blobs()) is None
