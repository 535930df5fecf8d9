"""The range test: each rate is the run that fit would make, divergence harms nobody, and what it suggests trains well."""

import jax
import numpy as np
import optax
import pytest

from jaxnn import Classification, Data, EarlyStopping, Recipe, Reconstruction, fit, fit_many, models, optimizer, optimizers
from jaxnn.data import load
from jaxnn.diagnostics import range_test, suggest
from jaxnn.layers import Autoencoder, Dense
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import assert_same_bits

RATES = np.geomspace(1e-4, 1e4, 17)


@pytest.fixture(scope="module")
def found():
    return range_test(regression(epochs=50), plane(), key=3, low=1e-4, high=1e4, rates=17, steps=5)


def test_each_rate_is_a_run_by_itself(found):
    x, y = plane()
    rows = np.arange(len(x), dtype=np.int32)
    alone = [fit(regression(learning_rate=rate, epochs=2), Data(x, y, rows, rows), key=3) for rate in RATES[4:7]]
    assert_same_bits(found.losses[4:7], np.array([run.history["validation_loss"][-1] for run in alone], float))
    assert found.history.shape == (17, 2)  # 22 rows in batches of 8 are 3 steps an epoch, so 5 steps are 2 epochs
    np.testing.assert_allclose(found.learning_rates, RATES)


def test_rates_that_diverge_are_nan_and_harm_nobody(found):
    assert np.isfinite(found.losses[:12]).all() and np.isnan(found.losses[-1])
    assert found.suggestion == pytest.approx(0.1) and found.losses[6] < 0.1 * found.start


def test_of_many_rows_as_many_are_drawn_as_the_steps_take():
    rows = np.arange(100, dtype=np.int32)
    x, y = plane(100)
    found = range_test(regression(), Data(x, y, rows[:90], rows[90:]), rates=3, steps=2)
    assert found.history.shape == (3, 1)
    assert range_test(regression(), Data(x, y, rows[:90], rows[90:]), rates=3, steps=2, key=1).start != found.start


def test_all_parts_get_the_rate_and_early_stopping_is_put_aside():
    task = Reconstruction(Autoencoder(Dense(2), Dense(4)))
    parts = optimizers(encoder=optimizer(optax.adam, learning_rate=1e-30), decoder=optimizer(optax.sgd, learning_rate=1e-30))
    recipe = Recipe(task, parts, batch_size=8, early_stopping=EarlyStopping(patience=1))
    found = range_test(recipe, (blobs()[0], None), rates=3, low=1e-4, high=1e-1, steps=10)
    assert found.losses[-1] < 0.9 * found.start


def test_what_it_suggests_trains_digits_as_well_as_the_best_rate():
    digits = load("digits")
    data = (digits.numbers[:600].astype(np.float32) / 16, digits.target[:600].astype(np.int32))

    def recipe(rate):
        return Recipe(Classification(models.mlp((32,), 10)), optimizer(optax.adam, learning_rate=rate), epochs=15)

    found = range_test(recipe(1.0), data, validation=0.2, low=1e-5, high=10, rates=13, steps=60)
    rates = [found.suggestion, *found.learning_rates[4:].tolist()]
    losses, accuracies = (
        np.array([run.history[name][-1] for run in fit_many([recipe(rate) for rate in rates], data, validation=0.2)])
        for name in ("validation_loss", "validation_accuracy")
    )
    assert accuracies[0] > accuracies.max() - 0.03
    assert losses[0] < 1.5 * losses.min()


def test_a_recipe_without_a_learning_rate_is_refused():
    recipe = classification(optimizer=optimizer(optax.set_to_zero))
    with pytest.raises(
        ValueError, match=r"range_test: recipe.optimizer must be one with a learning_rate, got optimizer\(optax.set_to_zero\)"
    ):
        range_test(recipe, blobs())


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 1.0), (1.0, np.inf)])
def test_a_range_that_is_none_is_refused(low, high):
    with pytest.raises(ValueError, match="range_test: low and high must be 0 < low < high"):
        range_test(classification(), blobs(), low=low, high=high)


RISING = np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


@pytest.mark.parametrize(
    ("losses", "suggestion", "advice"),
    [
        ([2.3, 1.2, 0.4, 0.3, np.nan], 1e-2, ""),
        ([2.3, 2.2, 2.1, 1.0, 0.2], 1.0, "higher one for high"),
        ([0.1, 0.1, 0.1, 0.1, np.nan], 1e-4, "lower one for low"),
        ([np.nan] * 5, np.nan, "wider range"),
        ([2.4, 2.4, 3.0, 1e30, np.inf], np.nan, "wider range"),
        ([2.3, 0.1, 2.2, 1.5, np.nan], 1e-2, ""),  # one lucky rate among bad ones is not believed
    ],
)
def test_the_rule(losses, suggestion, advice):
    found, said = suggest(RISING, np.array(losses), 2.3)
    assert found == pytest.approx(suggestion, nan_ok=True)
    assert advice in said and bool(advice) == bool(said)


def test_the_loss_before_training_is_that_of_the_first_parameters(found):
    x, y = plane()
    task = regression().task
    still = fit(regression(learning_rate=0.0, epochs=1), (x, y), key=3)
    assert found.start == pytest.approx(still.evaluate(x, y)["loss"], rel=1e-6)
    assert jax.tree.structure(still.recipe.task) == jax.tree.structure(task)
