"""Weights of rows: a row of weight 2 is there twice, one of weight 0 is not there."""

import numpy as np
import optax
import pytest

from jaxnn import Data, fit, fit_many, optimizer
from jaxnn.training import as_data, key_data
from tests.samples import ROWS, blobs, classification
from tests.tolerances import assert_close, assert_same_bits, precision

COUNTS = np.random.default_rng(3).integers(0, 3, ROWS)


def full_batch(**fields):
    """One step an epoch, so that the order of rows can't matter."""
    return classification(epochs=4, batch_size=200, optimizer=optimizer(optax.adam, learning_rate=0.1), **fields)


@pytest.mark.parametrize("engine", ["autodiff", "backprop"])
def test_a_weight_is_a_number_of_copies(engine):
    with precision("float64"):
        x, y = blobs(dtype="float64")
        rows = np.repeat(np.arange(ROWS), COUNTS)
        weighted = fit(full_batch(gradients=engine), (x, y, COUNTS.astype("float64")), validation=(x, y))
        repeated = fit(full_batch(gradients=engine), (x[rows], y[rows]), validation=(x, y))
        assert_close(weighted.params, repeated.params)
        assert_close(dict(weighted.history), dict(repeated.history))


def test_weights_all_alike_change_nothing_but_rounding():
    plain, weighted = (fit(classification(), data) for data in (blobs(), (*blobs(), np.full(ROWS, 3.0))))
    assert_close(weighted.params, plain.params, "float32")
    assert_close(weighted.history["loss"], plain.history["loss"], "float32")


def test_the_loss_of_an_epoch_is_the_weighted_mean_of_its_rows():
    with precision("float64"):
        x, y = blobs(dtype="float64")
        weight = np.linspace(0, 1, ROWS)
        still = classification(learning_rate=0.0, batch_size=5, epochs=1)  # unequal batches, parameters that stay
        run = fit(still, (x, y, weight), validation=(x, y, weight))
        losses = [fit(still, (x[[row]], y[[row]])).history["loss"][0] for row in range(ROWS)]
        assert run.history["validation_loss"][0] == pytest.approx(run.history["loss"][0], rel=1e-12)
        assert run.history["loss"][0] == pytest.approx(np.average(losses, weights=weight), rel=1e-12)


def test_rows_to_validate_on_count_one_beside_weighted_ones():
    x, y = blobs()
    given = fit(classification(), (x, y, np.ones(ROWS)), validation=(x, y))
    assert_same_bits(given.history, fit(classification(), (x, y, np.ones(ROWS)), validation=(x, y, np.ones(ROWS))).history)


def test_rows_that_are_not_trained_on_keep_their_places_before_those_to_validate_on():
    x, y = blobs()
    data = as_data("fit", Data(x, y, np.arange(5)), (x, y, np.full(ROWS, 2.0)), key_data(0))
    assert data.weight.tolist() == [1] * ROWS + [2] * ROWS


def test_rows_to_validate_on_must_count():
    x, y = blobs()
    with pytest.raises(ValueError, match="fit: weight must be above 0 for a row to validate on at least, got 0 for all"):
        fit(classification(), (x, y), validation=(x, y, np.zeros(ROWS)))


def test_a_batch_without_any_weight_teaches_nothing_and_ends_nothing():
    x, y = blobs()
    weight = np.zeros(ROWS, np.float32)
    weight[0] = 1
    run = fit(classification(batch_size=2, epochs=2), (x, y, weight))
    assert run.outcome == "finished" and np.isfinite(run.history["loss"]).all()


def test_members_of_a_population_share_the_weights():
    data = (*blobs(), COUNTS.astype("float32"))
    recipes = [classification(learning_rate=rate) for rate in (0.1, 0.2)]
    for run in fit_many(recipes, data, folds=2)[:2]:
        assert np.isfinite(run.history["validation_loss"]).all()
    alone = fit_many(recipes, data)[1]
    assert_same_bits(alone.params, fit(recipes[1], data, member=1).params)
    assert_close(fit_many(recipes, data, lanes=2)[1].params, alone.params, "float32")


@pytest.mark.parametrize(
    ("weight", "got"),
    [
        (np.full(ROWS, -1.0), "-1 to -1"),
        (np.full(ROWS, np.nan), "nan to nan"),
        (np.zeros(ROWS), "0 to 0"),
        (np.ones((ROWS, 2)), r"shape \(22, 2\)"),
    ],
)
def test_bad_weights_are_refused(weight, got):
    x, y = blobs()
    for data in ((x, y, weight), Data(x, y, np.arange(ROWS), weight=weight)):
        with pytest.raises(ValueError, match=rf"fit: weight must be one finite number >= 0 for each row, not all 0, got .*{got}"):
            fit(classification(), data)


def test_there_is_one_weight_for_each_row():
    with pytest.raises(ValueError, match="fit: data must be arrays of the same, non-zero number of rows, got 21 and 22"):
        fit(classification(), (*blobs(), np.ones(ROWS - 1)))
