"""How a run ends: early stopping against a plain loop, divergence at steps known beforehand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Data, EarlyStopping, Status, optimizer
from jaxnn.training import key_data
from tests.loops import MEMBER, begin, go_once, split
from tests.samples import blobs, classification, regression
from tests.tolerances import assert_same_bits

# Early stopping -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data() -> Data:
    return split(*blobs())


@pytest.fixture(scope="module")
def recorded(data) -> tuple[Any, list[float], list[Any]]:
    """A restless recipe, its validation loss after each of 12 epochs, and its parameters then."""
    recipe = classification(learning_rate=1.0, batch_size=4, early_stopping=EarlyStopping(patience=1000))
    state, losses, params = begin(recipe, data, key_data(2), MEMBER), [], []
    for _ in range(12):
        state, metrics = go_once(recipe, state, data, epochs=1)
        losses.append(metrics["validation_loss"][0])
        params.append(state.params)
    return recipe, losses, params


def stop_by_hand(losses: list[float], patience: float, min_delta: float) -> tuple[int, int, bool]:
    """(epochs run, best epoch, stopped early), by the words of EarlyStopping's docstring."""
    best, best_epoch = np.float32(np.inf), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - np.float32(min_delta):
            best, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            return epoch, best_epoch, True
    return len(losses), best_epoch, False


@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (2, 0.0), (3, 0.0), (3, 0.1), (2.5, 0.0), (50, 0.0), (1, 100.0)])
def test_early_stopping_is_that_of_a_plain_loop(data, recorded, patience, min_delta):
    recipe, losses, params = recorded
    recipe = recipe.replace(early_stopping=EarlyStopping(patience=float(patience), min_delta=min_delta))
    state, history = go_once(recipe, begin(recipe, data, key_data(2), MEMBER), data, epochs=12)
    epochs, best_epoch, stopped = stop_by_hand(losses, patience, min_delta)
    assert (int(state.epoch), int(state.best.epoch)) == (epochs, best_epoch)
    assert int(state.status) == (Status.STOPPED_EARLY if stopped else Status.RUNNING)
    assert_same_bits(history["validation_loss"][:epochs], np.asarray(losses[:epochs]))
    assert all(np.all(np.isnan(metric[epochs:])) for metric in history.values())
    assert_same_bits(state.params, params[epochs - 1])
    assert_same_bits(state.best.params, params[best_epoch - 1])
    assert float(state.best.loss) == losses[best_epoch - 1]


def test_the_recorded_losses_do_go_up_and_down(recorded):
    steps = np.diff(recorded[1])
    assert np.any(steps > 0) and np.any(steps < 0) and np.argmin(recorded[1]) not in (0, 11)
    assert stop_by_hand(recorded[1], 3, 0.0) != stop_by_hand(recorded[1], 3, 0.1)


def test_a_loss_that_stays_the_same_is_no_better(data, recorded):
    recipe = recorded[0].replace(optimizer=optimizer(optax.sgd, learning_rate=0.0), early_stopping=EarlyStopping(patience=3.0))
    state, _ = go_once(recipe, begin(recipe, data, key_data(2), MEMBER), data, epochs=12)
    assert (int(state.epoch), int(state.best.epoch), int(state.status)) == (4, 1, Status.STOPPED_EARLY)


# Divergence -----------------------------------------------------------------------------------------------------------------


def doubling(rate: float, rows: int = 3) -> tuple[Any, Any, Data]:
    """One weight, one bias, x = 1 and y = 0, batches of one row: the prediction p is kernel + bias, and every step makes it
    p - 2 (rate 2 p) = (1 - 4 rate) p. It starts at kernel 1, bias 0."""
    recipe = regression(learning_rate=rate, batch_size=1, epochs=5)
    data = jax.device_put(Data(x=np.ones((rows, 1), np.float32), y=np.zeros(rows, np.float32), train=np.arange(rows, dtype=np.int32)))
    state = begin(recipe, data, key_data(0), MEMBER)
    return recipe, state.replace(params=({"kernel": jnp.ones((1, 1)), "bias": jnp.zeros(1)},)), data


def test_a_run_that_diverges_is_frozen_at_its_last_finite_epoch():
    """rate 250: p is (-999)^t before step t. Its square is beyond float32 (3.4e38) once |p| > 1.8e19: 999^6 is 9.9e17, 999^7 is
    9.9e20, so the loss of step 7 is the first that is infinite. With three steps an epoch it is in the third, from 6 to 8."""
    recipe, state, data = doubling(250.0)
    after, history = go_once(recipe, state, data, epochs=5)
    assert (int(after.status), int(after.diverged_step), int(after.epoch)) == (Status.DIVERGED, 7, 2)
    assert float(after.params[0]["kernel"][0, 0] + after.params[0]["bias"][0]) == pytest.approx(999.0**6, rel=1e-5)
    assert np.isfinite(history["loss"]).tolist() == [True, True, False, False, False]
    whole, _ = go_once(recipe, state, data, epochs=2)
    assert_same_bits(after.params, whole.params)
    again, metrics = go_once(recipe, after, data, epochs=2)  # it stays as it is
    assert_same_bits(again, after)
    assert np.all(np.isnan(metrics["loss"]))


def test_parameters_that_overflow_in_the_last_step_of_an_epoch_are_seen_too():
    """rate 3e38: the gradient of step 0 is 2, the step 6e38, beyond float32, though its loss was 1. With one row a step is an epoch."""
    recipe, state, data = doubling(3e38, rows=1)
    after, history = go_once(recipe, state, data, epochs=5)
    assert (int(after.status), int(after.diverged_step), int(after.epoch)) == (Status.DIVERGED, 0, 0)
    assert float(history["loss"][0]) == 1.0
    assert_same_bits(after.params, state.params)


def test_a_run_that_is_large_but_finite_goes_on():
    recipe, state, data = doubling(5.0)  # (-19)^15 is 1.5e19
    after, _ = go_once(recipe, state, data, epochs=5)
    assert (int(after.status), int(after.diverged_step), int(after.epoch)) == (Status.RUNNING, -1, 5)
