"""Hypergradients against finite differences in float64, their memory, and what is refused."""

import jax
import numpy as np
import optax
import pytest

from jaxnn import EarlyStopping, fit, hypergradient, optimizer, validation_loss
from jaxnn.compiling import compiled
from jaxnn.hypergradients import _loss_and_slopes
from jaxnn.training import as_data, key_data
from tests.programs import quick_jit
from tests.samples import blobs, classification, regression
from tests.tolerances import precision

STEP = 1e-4
KINDS = {
    "gradient descent with momentum": optimizer(optax.sgd, learning_rate=0.1, momentum=0.7),
    "adam": optimizer(optax.adamw, learning_rate=0.05, b1=0.8, b2=0.95, eps_root=1e-8, weight_decay=0.1),
}
L2 = {"gradient descent with momentum": (0.02, 0.5, 0.01), "adam": 0.02}
"""By layer, Dense, Tanh, Dense, of which the second has no kernel; and one for all."""
loss_and_slopes = compiled(_loss_and_slopes, once=True)


@pytest.mark.parametrize(("kind", "gradients"), [("gradient descent with momentum", "autodiff"), ("adam", "backprop")])
def test_slopes_are_finite_differences(kind, gradients):
    with precision("float64"):
        recipe = classification(optimizer=KINDS[kind], l2=L2[kind], epochs=2, gradients=gradients)
        rows = as_data("test", blobs(dtype="float64"), 0.3, key_data(1))
        leaves, structure = jax.tree.flatten(recipe)
        _, slopes = loss_and_slopes(recipe, rows, key_data(1), np.int32(0))
        for place, (path, slope) in enumerate(jax.tree.leaves_with_path(slopes)):
            ends = []
            for sign in (1, -1):
                moved = [leaf * (1 + sign * STEP * (number == place)) for number, leaf in enumerate(leaves)]
                ends.append(float(loss_and_slopes(jax.tree.unflatten(structure, moved), rows, key_data(1), np.int32(0))[0]))
            assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2 * STEP * leaves[place]), rel=1e-4), jax.tree_util.keystr(path)
            assert (slope != 0) == (jax.tree_util.keystr(path) != ".l2[1]"), jax.tree_util.keystr(path)


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
    ],
)
def test_what_has_no_derivative_is_refused(recipe, validation, words):
    with pytest.raises(ValueError, match=f"hypergradient: {words}"):
        hypergradient(recipe, blobs(), validation=validation)
