"""Sweeps: how many, in which order, on what score, what they keep, and how they end."""

import gc
import itertools
import math
import threading
import weakref

import jax
import numpy as np
import optax
import pytest

from jaxnn import Choice, Grid, Random, Uniform, fit, optimizer, sweep
from tests.programs import watched
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import assert_same_bits

DATA = blobs(30)
RATES = {"learning_rate": Uniform(0.01, 0.2)}


def build(learning_rate=0.1, l2=0.0):
    return regression(learning_rate=learning_rate, l2=l2)


def linear(learning_rate):
    return regression(learning_rate=learning_rate, l2=0.0)


def classifier(learning_rate):
    return classification(learning_rate=learning_rate, width=2)


@pytest.fixture(scope="module")
def result():
    return sweep(classifier, RATES | {"learning_rate": Choice(0.0, 0.01, 0.1, 1.0, 3e38)}, DATA, search=Grid(), key=2, keep=2)


def test_a_grid_trains_every_combination_and_random_as_many_as_it_says():
    space = {"learning_rate": Uniform(0.01, 0.2), "l2": Choice(0.0, 0.1)}
    grid = sweep(build, space, plane(), search=Grid(points=3))
    assert len(grid.trials) == 6
    points = {(trial.hyperparameters["learning_rate"], trial.hyperparameters["l2"]) for trial in grid.trials}
    assert points == set(itertools.product(Uniform(0.01, 0.2).grid(3), (0.0, 0.1)))
    assert sorted(trial.number for trial in sweep(build, space, plane(), search=Random(7)).trials) == list(range(7))


def test_the_best_come_first_and_the_diverged_last(result):
    scores = [trial.score for trial in result.trials]
    assert scores[:-1] == sorted(scores[:-1]) and math.isnan(scores[-1])
    assert result.best is result.trials[0] is result.winner
    assert result.trials[-1].outcome == "diverged" and result.trials[-1].hyperparameters == {"learning_rate": 3e38}
    assert [trial.outcome for trial in result.trials[:-1]] == ["finished"] * 4
    for trial in result.trials[:-1]:
        assert trial.score == trial.history["validation_loss"][-1] == trial.validation_loss


def test_a_metric_that_is_no_loss_is_maximised_and_ties_go_by_loss_then_number():
    by_accuracy = sweep(
        classifier, {"learning_rate": Choice(*np.linspace(0, 1, 12).tolist(), 3e38)}, DATA, search=Grid(), metric="validation_accuracy"
    )
    order = [(-trial.score, trial.validation_loss, trial.number) for trial in by_accuracy.trials[:-1]]
    assert order == sorted(order)
    assert len({trial.score for trial in by_accuracy.trials[:-1]}) < 12  # there were ties
    assert by_accuracy.trials[-1].outcome == "diverged"
    assert by_accuracy.best.score == by_accuracy.best.history["validation_accuracy"][-1]


def test_the_order_of_arrival_has_no_say(result):
    for workers in (1, 3):
        again = sweep(classifier, {"learning_rate": Choice(0.0, 0.01, 0.1, 1.0, 3e38)}, DATA, search=Grid(), key=2, workers=workers)
        assert [trial.number for trial in again.trials] == [trial.number for trial in result.trials]
        assert_same_bits([trial.history for trial in again.trials], [trial.history for trial in result.trials])


def test_the_winner_is_reproducible_alone(result):
    (run,) = result.best.runs
    assert run.recipe == classifier(**result.best.hyperparameters) and run.member == result.best.number
    alone = fit(run.recipe, DATA, key=2, validation=0.2, member=run.member)
    assert_same_bits((alone.params, alone.history), (run.params, run.history))


def test_a_score_is_the_mean_over_seeds_and_folds():
    folded = sweep(linear, {"learning_rate": Choice(0.05, 0.1)}, plane(), search=Grid(), seeds=2, folds=3, key=1)
    for trial in folded.trials:
        assert [run.member for run in trial.runs] == [2 * trial.number + seed for seed in (0, 1) for _ in range(3)]
        losses = [run.history["validation_loss"][-1] for run in trial.runs]
        assert len(set(map(float, losses))) == 6
        assert trial.score == pytest.approx(np.mean(losses))
    assert len(folded.ensemble(2).runs) == 12


def test_one_diverged_fold_is_a_lost_trial():
    x, y = plane()
    x[0] *= 1e8  # this row alone makes a step too long; it is in all training sets but one
    result = sweep(linear, {"learning_rate": Choice(0.01, 1e-20)}, (x, y), search=Grid(), folds=4)
    outcomes = {trial.number: sorted(run.outcome for run in trial.runs) for trial in result.trials}
    assert outcomes[1] == ["finished"] * 4 and "diverged" in outcomes[0]
    assert [trial.number for trial in result.trials] == [1, 0] and math.isnan(result.trials[1].score)
    assert result.trials[1].outcome == "diverged"


def test_only_the_best_keep_their_runs_and_memory_stays_flat():
    living = []

    def watch(trial, total):
        assert total == 40
        living.append(weakref.ref(trial.runs[0]))

    result = sweep(linear, RATES, plane(), search=Random(40), keep=3, on_trial=watch, workers=1)
    gc.collect()
    assert [bool(trial.runs) for trial in result.trials] == [True] * 3 + [False] * 37
    assert sum(ref() is not None for ref in living) == 3
    assert len(result.ensemble(3).runs) == 3
    with pytest.raises(ValueError, match=r"ensemble: size must be at most 3, the trials kept, got 4\. Sweep with a larger keep"):
        result.ensemble(4)


def test_an_ensemble_predicts_the_mean(result):
    x = DATA[0][:5]
    one, two = (trial.runs[0].predict(x) for trial in result.trials[:2])
    assert np.allclose(result.ensemble(2).predict(x), (one + two) / 2)


def test_the_table_has_a_row_for_each_trial(result):
    first = result.table()[0]
    assert first["rank"] == 1 and first["validation_loss"] == result.best.score and first["outcome"] == "finished"
    assert first["learning_rate"] == result.best.hyperparameters["learning_rate"]
    assert [row["rank"] for row in result.table()] == [1, 2, 3, 4, 5]


def test_an_interrupt_keeps_what_has_finished():
    seen = []

    def interrupt(trial, total):
        seen.append(trial.number)
        if len(seen) == 3:
            raise KeyboardInterrupt

    result = sweep(linear, RATES, plane(), search=Random(200), on_trial=interrupt, workers=2)
    assert sorted(trial.number for trial in result.trials) == sorted(seen) and len(seen) == 3
    assert result.best.runs
    assert_all_threads_end()


def test_an_error_of_the_callers_comes_out_and_ends_the_sweep():
    def fail(trial, total):
        raise RuntimeError("the caller's")

    with pytest.raises(RuntimeError, match="the caller's"):
        sweep(linear, RATES, plane(), search=Random(200), on_trial=fail, workers=2)
    assert_all_threads_end()


def assert_all_threads_end():
    for thread in threading.enumerate():
        if thread.name.startswith("jaxnn-population"):
            thread.join(timeout=30)
            assert not thread.is_alive()


def test_if_all_diverge_there_is_no_best():
    result = sweep(linear, {"learning_rate": Choice(1e30, 1e31)}, plane(), search=Grid())
    assert result.winner is None and [trial.outcome for trial in result.trials] == ["diverged"] * 2
    with pytest.raises(ValueError, match=r"sweep: no trial finished with a finite score\. Try lower learning rates, or scale the data"):
        _ = result.best


def test_a_validation_loss_that_is_infinite_never_wins():
    x, y = plane()
    x[-3:] *= 1e25  # rows to validate on, where any weight's square is beyond float32
    data = (x[:-3], y[:-3])
    result = sweep(linear, {"learning_rate": Choice(0.1, 0.01)}, data, search=Grid(), validation=(x[-3:], y[-3:]))
    assert result.winner is None and all(math.isnan(trial.score) for trial in result.trials)
    assert [trial.outcome for trial in result.trials] == ["finished"] * 2


def test_structures_may_be_mixed():
    def any_width(width, learning_rate):
        return classification(width=width, learning_rate=learning_rate)

    with watched() as events:
        result = sweep(any_width, {"width": Choice(3, 4), "learning_rate": Uniform(0.1, 0.5)}, DATA, search=Random(8), key=1)
    assert len(result.trials) == 8
    assert events.traced["advance"] == events.compiled["jit(advance)"] == 2


def test_a_space_without_names_is_one_trial():
    assert len(sweep(lambda: linear(0.1), {}, plane(), search=Grid()).trials) == 1


MISTAKES = {
    "build gives no recipe": (
        {"build": lambda learning_rate: learning_rate},
        TypeError,
        r"sweep: build must be a function that returns a Recipe, got float from \{'learning_rate'",
    ),
    "a misspelt metric": (
        {"metric": "validation_los"},
        ValueError,
        r"sweep: metric must be one of validation_loss, got 'validation_los'\. Did you mean validation_loss\?",
    ),
    "a metric of training": ({"metric": "loss"}, ValueError, "sweep: metric must be one of validation_loss, got 'loss'"),
    "a metric of other tasks": ({"metric": "validation_accuracy"}, ValueError, "sweep: metric must be one of validation_loss"),
    "folds and rows to validate on": ({"folds": 3, "validation": 0.2}, ValueError, "validation must be None where folds are given"),
    "nothing kept": ({"keep": 0}, ValueError, "sweep: keep must be a whole number >= 1, got 0"),
    "no space": ({"space": 3}, TypeError, "Random: space must be a dictionary of names and dimensions, got 3"),
    "a number in the space": ({"space": {"learning_rate": 0.1}}, TypeError, r"Random: space\['learning_rate'\] must be a dimension"),
    "a space out of range": (
        {"space": {"learning_rate": Choice(0.1, -0.1)}, "search": Grid()},
        ValueError,
        r"optimizer\.numbers\.learning_rate must be in \[0, inf\), got -0\.1",
    ),
    "no workers": ({"workers": 0}, ValueError, "workers must be a whole number >= 1, got 0"),
    "data of unequal length": ({"data": (plane()[0], plane()[1][1:])}, ValueError, "data must be arrays of the same"),
}


@pytest.mark.parametrize(("changes", "error", "match"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_named_before_anything_is_compiled(changes, error, match):
    arguments = {"build": linear, "space": RATES, "data": plane(), "search": Random(3)} | changes
    with watched() as events, pytest.raises(error, match=match):
        sweep(arguments.pop("build"), arguments.pop("space"), arguments.pop("data"), **arguments)
    assert not events.compiled


def test_optimizers_may_be_swept_too():
    def any_optimizer(function):
        return regression(optimizer=optimizer(function, learning_rate=0.1))

    result = sweep(any_optimizer, {"function": Choice(optax.sgd, optax.adam)}, plane(), search=Grid())
    assert {trial.hyperparameters["function"] for trial in result.trials} == {optax.sgd, optax.adam}
    assert len({jax.tree.structure(trial.runs[0].recipe) for trial in result.trials}) == 2
