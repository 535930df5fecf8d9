"""fit: what it compiles, what a Run can do, and what form data may come in."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnn import Averaging, Classification, Data, EarlyStopping, Recipe, advance, fit, from_json, models, optimizer, to_json
from jaxnn.compiling import compiled
from jaxnn.keys import key_data
from jaxnn.runs import PREDICTION_ROWS
from jaxnn.training import as_data
from tests.programs import watched
from tests.samples import WIDTH, blobs, classification
from tests.tolerances import assert_same_bits

ROWS = 40


@pytest.fixture(scope="module")
def xy() -> tuple[np.ndarray, np.ndarray]:
    return blobs(ROWS)


@pytest.fixture(scope="module")
def run(xy):
    return fit(stopping(), xy, validation=0.25, key=5, member=2)


def stopping(**fields):
    """A recipe with all that a run can have, that stops early on ``blobs``."""
    rule = EarlyStopping(patience=2)
    return classification(dropout=0.1, l2=1e-4, learning_rate=1.0, epochs=12, early_stopping=rule, **fields)


# What is compiled -----------------------------------------------------------------------------------------------------------


def sized(width: int, **fields):
    return classification(width=width, dropout=0.1, l2=1e-3, early_stopping=EarlyStopping(), epochs=2, **fields)


def test_a_hundred_learning_rates_are_one_program(xy):
    with watched() as events:
        for rate in np.geomspace(1e-4, 1, 100):
            fit(sized(6, learning_rate=rate), xy, validation=0.25)
    assert events.traced["advance"] == events.traced["start"] == 1
    assert events.compiled["jit(advance)"] == events.compiled["jit(start)"] == 1


def test_only_structure_makes_another_program(xy):
    recipe = sized(7)
    fit(recipe, xy, validation=0.25)
    with watched() as events:
        fit(sized(7), xy, validation=0.25)
        fit(from_json(to_json(recipe)), xy, validation=0.25)
        fit(recipe.replace(l2=0.5), xy, validation=0.25)
        fit(recipe.replace(l2=0), xy, validation=0.25)
        fit(recipe.replace(l2=np.float64(0.25)), xy, validation=0.25)
        fit(recipe.replace(l2=jnp.float32(0.25)), xy, validation=0.25)
        fit(recipe.replace(early_stopping=EarlyStopping(patience=1, min_delta=0.5)), xy, validation=0.25)
        fit(recipe.replace(task=classification(width=7, dropout=0.9).task), xy, validation=0.25)
        fit(recipe, xy, validation=0.25, key=jax.random.key(3), member=7)
        fit(recipe, (xy[0] + 1, xy[1]), validation=0.25)
    assert events.traced["advance"] == events.traced["start"] == 0
    assert not events.compiled["jit(advance)"] and not events.compiled["jit(start)"]
    with watched() as events:
        fit(sized(8), xy, validation=0.25)
    assert events.traced["advance"] == events.compiled["jit(advance)"] == 1


# A Run ----------------------------------------------------------------------------------------------------------------------


def test_a_run_is_reproducible_and_key_and_member_matter(xy, run):
    again = fit(run.recipe, xy, validation=0.25, key=jax.random.key(5), member=run.member)
    assert_same_bits((again.params, again.history, again.state), (run.params, run.history, run.state))
    for other in (fit(stopping(), xy, validation=0.25, key=6, member=2), fit(stopping(), xy, validation=0.25, key=5, member=3)):
        assert not np.array_equal(other.params[0]["kernel"], run.params[0]["kernel"])


def test_a_run_that_stopped_early_has_the_best_epochs_parameters_and_a_history_to_its_end(xy, run):
    assert run.outcome == "stopped early" and run.diverged_step is None
    assert {len(values) for values in run.history.values()} == {run.epochs}
    losses = run.history["validation_loss"]
    assert run.epochs == run.best_epoch + 2 < 12 and np.argmin(losses) == run.best_epoch - 1
    held_out = np.asarray(as_held_out(xy))
    measured = run.evaluate(xy[0][held_out], xy[1][held_out])
    assert measured["loss"] == pytest.approx(losses[run.best_epoch - 1], rel=1e-5)
    assert measured["accuracy"] == pytest.approx(run.history["validation_accuracy"][run.best_epoch - 1])


def as_held_out(xy):
    from jaxnn.data.splits import split_rows

    return split_rows(ROWS, 0.25, seed=5, classes=xy[1])[1]


def test_a_run_can_go_on_from_its_state(xy):
    data = Data(x=xy[0], y=xy[1], train=np.arange(ROWS, dtype=np.int32))
    whole, half = fit(regression_of_classes(4), data), fit(regression_of_classes(2), data)
    assert (whole.outcome, whole.epochs, whole.best_epoch) == ("finished", 4, 4)
    state, _ = compiled(advance, static=("epochs",))(half.recipe, half.state, jax.device_put(data), epochs=2)
    assert_same_bits(jax.tree.map(np.asarray, state.params), whole.params)


def regression_of_classes(epochs):
    return Recipe(Classification(models.mlp((), 3)), optimizer(optax.sgd, learning_rate=0.1, momentum=0.9), epochs=epochs)


def test_epochs_that_are_told_of_in_pieces_are_one_program(xy):
    recipe, seen = classification(width=9, epochs=40), []
    with watched() as events:
        told = fit(recipe, xy, callback=lambda epoch, metrics: seen.append((epoch, metrics["loss"])))
    assert events.compiled["jit(advance_some)"] == 1 and not events.compiled["jit(advance)"]
    assert seen == list(enumerate(told.history["loss"].tolist(), start=1)) and told.epochs == 40
    assert_same_bits(told.params, fit(recipe, xy).params)


def test_a_callback_sees_every_epoch_and_changes_no_bit(xy, run):
    seen = []
    watched_run = fit(run.recipe, xy, validation=0.25, key=5, member=2, callback=lambda epoch, metrics: seen.append((epoch, metrics)))
    assert_same_bits((watched_run.params, watched_run.history, watched_run.state), (run.params, run.history, run.state))
    assert [epoch for epoch, _ in seen] == list(range(1, run.epochs + 1))
    assert [metrics["loss"] for _, metrics in seen] == run.history["loss"].tolist()


def test_a_run_that_diverges_raises_nothing(xy):
    diverged = fit(classification(learning_rate=1e38), xy)
    assert diverged.outcome == "diverged" and diverged.diverged_step is not None and diverged.diverged_step < 10
    assert diverged.epochs == diverged.best_epoch == diverged.diverged_step // 5
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(diverged.params))
    assert len(diverged.history["loss"]) == diverged.epochs + 1 and not np.isfinite(diverged.history["loss"][-1])


def test_data_may_come_in_any_form(xy):
    recipe = classification()
    expected = fit(recipe, xy, validation=0.25)
    x, y = xy
    for data in ([x, y], (x.tolist(), y.tolist()), (x.astype("float64"), y.astype("int64")), (jnp.asarray(x), jnp.asarray(y))):
        assert_same_bits(fit(recipe, data, validation=0.25).params, expected.params)


@pytest.mark.parametrize("bits", ["bfloat16", "float16"])
def test_data_in_few_bits_are_computed_with_in_float32(xy, bits):
    """In bfloat16 an average with decay 0.999 would never move."""
    recipe, x = classification(averaging=Averaging(decay=0.999)), jnp.asarray(xy[0], bits)
    few, many = fit(recipe, (x, xy[1]), validation=0.25), fit(recipe, (x.astype("float32"), xy[1]), validation=0.25)
    assert_same_bits((few.params, few.history, few.predict(x)), (many.params, many.history, many.predict(x)))
    assert few.params[0]["kernel"].dtype == few.predict(x).dtype == "float32"


def test_validation_rows_may_be_given(xy):
    (x, y), other = xy, blobs(9, seed=1)
    given = fit(classification(), xy, validation=other)
    assert_same_bits(fit(classification(), xy, validation=[part.tolist() for part in other]).params, given.params)
    joined = Data(
        x=np.concatenate([x, other[0]]),
        y=np.concatenate([y, other[1]]),
        train=np.arange(ROWS, dtype=np.int32),
        validation=np.arange(ROWS, ROWS + 9, dtype=np.int32),
    )
    assert_same_bits(fit(classification(), joined).history, given.history)
    assert_same_bits(fit(classification(), xy).params, given.params)  # they are looked at, never trained on


def test_data_that_names_its_rows_is_split_among_those_rows(xy):
    some = np.arange(ROWS - 1, 9, -1, dtype=np.int32)
    data = as_data("fit", Data(x=xy[0], y=xy[1], train=some), 0.2, key_data(0))
    train, held_out = np.asarray(data.train), np.asarray(data.validation)
    assert len(held_out) == 6 and sorted([*train, *held_out]) == sorted(some)
    assert set(xy[1][held_out]) == {0, 1, 2}
    joined = as_data("fit", Data(x=xy[0].tolist(), y=xy[1], train=some), blobs(9), key_data(0))
    assert np.array_equal(joined.train, some) and np.array_equal(joined.validation, np.arange(ROWS, ROWS + 9))
    assert_same_bits(np.asarray(joined.x)[ROWS:], blobs(9)[0])


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_rows_prediction_is_the_same_in_any_batch(run, draw):
    x = blobs(2 * PREDICTION_ROWS + 50, seed=9)[0]
    whole = run.predict(x)
    count = draw.draw(st.sampled_from([1, 2, 3, 100, PREDICTION_ROWS - 1, PREDICTION_ROWS, PREDICTION_ROWS + 1, len(x)]))
    rows = draw.draw(st.lists(st.integers(0, len(x) - 1), min_size=1, max_size=count))
    assert_same_bits(run.predict(x[rows]), whole[rows])


def test_predictions_take_any_numbers_of_the_right_shape(run, xy):
    x = np.round(xy[0] * 10)
    assert_same_bits(run.predict(x.astype("int64")), run.predict(x))
    assert_same_bits(run.predict(x.tolist()), run.predict(x))
    assert_same_bits(run.predict(jnp.asarray(x)), run.predict(x.astype("float64")))
    assert run.predict(x).shape == (ROWS, 3) and run.predict(x).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        (np.ones((2, WIDTH + 1)), ValueError, r"predict: x must be rows of shape \(4,\), as in training, got rows of shape \(5,\)"),
        (np.ones(WIDTH), ValueError, r"predict: x must be rows of shape \(4,\), as in training, got rows of shape \(\)"),
        (1.0, ValueError, r"predict: x must be rows of shape \(4,\), as in training, got"),
        ([["a"] * WIDTH], TypeError, r"predict: x must be numbers, got dtype <U1\. Encode text as numbers first"),
        (np.full((2, WIDTH), 1e300), ValueError, r"predict: x must be numbers that float32 can hold, got larger ones"),
    ],
)
def test_what_can_not_be_predicted_from(run, x, error, match):
    with pytest.raises(error, match=match):
        run.predict(x)


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.ones((2, 5)), [0, 1], r"evaluate: x must be rows of shape \(4,\), as in training, got rows of shape \(5,\)"),
        (np.ones((2, 4)), [0, 1, 2], r"evaluate: y must be one target for each row of x"),
        (np.ones((2, 4)), [0, 3], r"Classification: y must be \(rows,\) whole numbers from 0 to 2, got 0 to 3"),
        (np.ones((2, 4)), [0, 2**32 + 1], r"evaluate: y must be from -2147483648 to 2147483647, as int32 is, got 0 to 4294967297\. Number"),
        (np.ones((2, 4)), [0.0, 0.5], r"evaluate: y must be int32, as in training, got float32"),
        (np.ones((2, 4)), [[0], [1]], r"evaluate: y must be rows of shape \(\), as in training, got rows of shape \(1,\)"),
    ],
)
def test_what_can_not_be_evaluated(run, x, y, match):
    with pytest.raises(ValueError, match=match):
        run.evaluate(x, y)


def test_runs_print_in_a_line_and_compare_by_identity(run, xy):
    assert "outcome='stopped early'" in repr(run) and len(repr(run)) < 600
    assert run == run and run != fit(classification(), xy)


def test_members_share_nothing_with_each_other_but_the_data(xy):
    runs = [fit(classification(), xy, member=member) for member in range(3)]
    kernels = [run.params[0]["kernel"] for run in runs]
    assert not np.array_equal(kernels[0], kernels[1]) and not np.array_equal(kernels[1], kernels[2])
