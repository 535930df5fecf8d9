"""Hypergradients: whose loss it is, memory, and what is refused. Their numbers are in test_slopes.py."""

import jax
import numpy as np
import optax
import pytest

from jaxnn import EarlyStopping, fit, hypergradient, optimizer, validation_loss
from jaxnn.training import as_data, key_data
from tests.programs import quick_jit
from tests.samples import blobs, classification, regression


def test_the_loss_is_that_of_fit():
    recipe = classification(dropout=0.2)
    run = fit(recipe, blobs(), key=3, member=2, validation=0.3)
    loss, slopes = hypergradient(recipe, blobs(), key=3, member=2, validation=0.3)
    assert loss == pytest.approx(run.history["validation_loss"][-1], rel=1e-5)
    assert jax.tree.structure(slopes) == jax.tree.structure(recipe)


def temporary_bytes(function, recipe, rows):
    program = quick_jit(jax.grad(function)).lower(recipe, rows, key_data(0)).compile()
    return program.memory_analysis().temp_size_in_bytes


def test_memory_is_a_state_an_epoch():
    """8 more epochs cost 8 more states, not 8 times 3 steps more with what each leaves for its way back."""
    rows = as_data("test", blobs(200), 0.9, key_data(0))
    few, many = (temporary_bytes(validation_loss, classification(width=64, epochs=epochs), rows) for epochs in (8, 16))
    state = 4 * (4 * 64 + 64 + 64 * 3 + 3)
    assert 8 * state <= many - few + 1024 <= 1.5 * 8 * state


def test_a_run_that_diverges_has_no_slopes():
    loss, slopes = hypergradient(regression(learning_rate=1e30), blobs_to_numbers(), validation=0.3)
    assert np.isnan(loss) and np.isnan(slopes.optimizer.numbers["learning_rate"])


def blobs_to_numbers():
    x, y = blobs()
    return x, y.astype(np.float32)


@pytest.mark.parametrize(
    ("recipe", "validation", "words"),
    [
        (classification(early_stopping=EarlyStopping()), 0.3, "recipe.early_stopping must be None"),
        (classification(), None, "validation must be given"),
        (classification(optimizer=optimizer(optax.adam, learning_rate=0.1)), 0.3, "eps_root must be above 0"),
        (classification(optimizer=optimizer(optax.radam, learning_rate=0.1, eps_root=0.1)), 0.3, "optimizer must be one whose steps have"),
        (
            classification(optimizer=optimizer(optax.rmsprop, learning_rate=0.1, eps_in_sqrt=False)),
            0.3,
            "optimizer must be one whose steps",
        ),
    ],
)
def test_what_has_no_derivative_is_refused(recipe, validation, words):
    with pytest.raises(ValueError, match=f"hypergradient: {words}"):
        hypergradient(recipe, blobs(), validation=validation)
