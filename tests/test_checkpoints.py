"""Checkpoints: every state comes back to the bit, a run goes on as if nothing had happened, and what is damaged is never loaded."""

import itertools
import pickle
import sys

import jax
import numpy as np
import optax
import pytest

from jaxnn import Checkpoints, fit, optimizer
from jaxnn.checkpoints import Keeper
from jaxnn.pieces import Standing
from tests.checkpointed import (
    EPOCHS,
    CutError,
    assert_same_run,
    cut_after,
    examples,
    keeping,
    recipe,
    run_in,
    saved,
    straight_run,
    there_and_back,
)
from tests.programs import watched
from tests.samples import plane, regression
from tests.tolerances import assert_same_bits


def test_a_state_of_any_dtype_comes_back(tmp_path, monkeypatch):
    state = {
        "half": jax.numpy.arange(3, dtype="bfloat16"),
        "empty": jax.numpy.zeros((0, 4)),
        "flags": jax.numpy.array([True, False]),
        "random": jax.random.key(3),
        "a/b.c": jax.numpy.array(np.nan),
        "key": jax.random.key_data(jax.random.key(1)),
        "count": jax.numpy.int32(2**31 - 1),
    }

    def refuse(*arguments, **options):
        raise AssertionError("nothing is ever unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    with keeping(tmp_path) as keeper:
        back, history, _ = there_and_back(keeper, Standing(state, {"loss": np.ones(1)}))
    assert_same_bits(jax.random.bits(back.pop("random")), jax.random.bits(state.pop("random")))
    assert_same_bits(back, state)
    assert_same_bits(history, {"loss": np.ones(1)})


# fit ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def straight():
    return straight_run()


@pytest.mark.parametrize("plan", [{"every": 1}, {"every": 2}, {"seconds": 0}, {"every": 4, "seconds": 100}], ids=str)
def test_a_run_that_was_cut_ends_where_the_straight_run_ends(straight, tmp_path, plan):
    for epochs in (1, 2, 5):
        cut_after(tmp_path, epochs, **plan)
    assert_same_run(run_in(tmp_path, **plan), straight)


def test_a_run_that_was_cut_inside_of_an_epoch_ends_where_the_straight_run_ends(straight, tmp_path, monkeypatch):
    """Nine rows in steps of eight: each epoch has two, and every one is saved; the third save ends a run."""
    save, count = Keeper.save, itertools.count(1)

    def save_and_end(keeper, now):
        save(keeper, now)
        if next(count) % 3 == 0:
            raise CutError

    monkeypatch.setattr(Keeper, "save", save_and_end)
    for newest in ("epoch-1.step-1", "epoch-3", "epoch-4.step-1", "epoch-6"):
        with pytest.raises(CutError):
            run_in(tmp_path, steps=1, seconds=0)
        assert newest in saved(tmp_path)
    assert_same_run(run_in(tmp_path, steps=1, seconds=0), straight)


def test_an_epoch_that_was_begun_begins_again_if_steps_are_no_longer_asked_for(straight, tmp_path):
    cut_after(tmp_path, 1, steps=1, seconds=0)
    assert saved(tmp_path) == ["epoch-1", "epoch-1.step-1"]
    assert_same_run(run_in(tmp_path), straight)


def test_a_longer_run_goes_on_from_a_shorter_one(straight, tmp_path):
    run_in(tmp_path, epochs=2, every=2)
    assert_same_run(run_in(tmp_path, every=2), straight)


def test_callbacks_see_the_epochs_that_were_left(straight, tmp_path):
    seen = []
    cut_after(tmp_path, 2)
    run = run_in(tmp_path, callback=lambda epoch, metrics: seen.append(epoch))
    assert_same_run(run, straight)
    assert seen == list(range(3, EPOCHS + 1))


def test_a_run_that_has_ended_is_returned_at_once(straight, tmp_path):
    run_in(tmp_path)
    with watched() as events:
        run = run_in(tmp_path, callback=lambda epoch, metrics: pytest.fail("there is nothing left to do"))
    assert_same_run(run, straight)
    assert not events.compiled


def test_a_run_that_diverges_is_saved_as_such(tmp_path):
    def run(**options):
        with np.errstate(all="ignore"):
            return fit(regression(learning_rate=1e20), plane(), **options)

    with_checkpoints = [run(checkpoints=Checkpoints(tmp_path, every=1)) for _ in range(2)]
    for saved_run in with_checkpoints:
        assert_same_bits((saved_run.state, saved_run.history), (run().state, run().history))
        assert saved_run.outcome == "diverged"


@pytest.mark.parametrize(
    ("plan", "left"), [({"every": 3}, [3, 6]), ({"every": 3, "keep": 3}, [3, 6]), ({}, [6]), ({"keep": 1, "every": 1}, [6])]
)
def test_so_many_are_saved_and_so_many_kept(tmp_path, plan, left):
    fit(regression(epochs=6), plane(), checkpoints=Checkpoints(tmp_path, **plan))
    assert saved(tmp_path) == [f"epoch-{epoch}" for epoch in left]


def test_functions_of_ones_own_have_names_here_too(tmp_path):
    own = optimizer(optax.sgd, learning_rate=optax.exponential_decay(0.1, 5, 0.9))
    with pytest.raises(ValueError, match=r"to_json: .* has no public name"):
        fit(regression(optimizer=own), plane(), checkpoints=Checkpoints(tmp_path))
    named = {"falling": own.options[0][1]}
    assert fit(regression(optimizer=own), plane(), checkpoints=Checkpoints(tmp_path, names=named)).outcome == "finished"


# Another run ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": 5}, r"key is \[0, 4\] there and \[0, 5\] here"),
        ({"member": 1}, "member is 0 there and 1 here"),
        ({"validation": 0.5}, r'data is "\w+\.\.\. there and "\w+\.\.\. here'),
    ],
)
def test_a_folder_of_another_run_is_refused_by_name(tmp_path, change, told):
    cut_after(tmp_path, 1)
    with pytest.raises(ValueError, match=rf"fit: .*epoch-1 is a checkpoint of another run: {told}. Use another folder"):
        run_in(tmp_path, **change)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"optimizer": optimizer(optax.adam, learning_rate=0.06)}, r"recipe.optimizer.numbers.learning_rate is 0.05 there and 0.06 here"),
        ({"l2": None}, "recipe.l2 is 0.001 there and null here"),
        ({"batch_size": 4}, "recipe.batch_size is 8 there and 4 here"),
    ],
)
def test_a_folder_of_another_recipe_is_refused_by_name(tmp_path, fields, told):
    cut_after(tmp_path, 1)
    with pytest.raises(ValueError, match=rf"another run: {told}"):
        fit(recipe().replace(**fields), examples(), validation=0.25, key=4, checkpoints=Checkpoints(tmp_path))


def test_a_shorter_run_is_not_found_in_a_longer_one(tmp_path):
    cut_after(tmp_path, 3)
    with pytest.raises(ValueError, match=r"fit: checkpoints must be of no more than the recipe's 2 epochs, got .*epoch-3"):
        run_in(tmp_path, epochs=2)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"folder": 3}, TypeError, "Checkpoints: folder must be a path, got 3"),
        ({"every": 0}, ValueError, "Checkpoints: every must be a whole number >= 1, got 0"),
        ({"keep": 0}, ValueError, "Checkpoints: keep must be a whole number >= 1, got 0"),
        ({"seconds": -1.0}, ValueError, "Checkpoints: seconds must be a number >= 0, got -1.0"),
    ],
)
def test_plans_that_make_no_sense(options, error, told):
    with pytest.raises(error, match=told):
        Checkpoints(**{"folder": "runs"} | options)


def test_a_path_is_not_yet_a_plan():
    with pytest.raises(TypeError, match=r"fit: checkpoints must be made as in Checkpoints\('runs/digits'\), got 'runs'"):
        fit(recipe(), examples(), checkpoints="runs")


def test_without_orbax(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ImportError, match=r'pip install "jaxnn-toolkit\[checkpoints\]"'):
        run_in(tmp_path)
