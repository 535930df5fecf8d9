"""Populations: a member is the same alone and among any neighbours, and structures are compiled once."""

import re
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Data, EarlyStopping, Recipe, Regression, fit, fit_many, models, optimizer, populations
from jaxnn.data.splits import fold_rows
from jaxnn.layers import Chain, Dense, Flatten, Repeat, Residual
from jaxnn.training import as_data, key_data
from tests.programs import watched
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import assert_same_bits, precision

DATA = blobs(30)
DIVERGES_AT_ONCE, NEVER_LEARNS = 1e30, 0.0


def member(learning_rate: float = 0.1, width: int = 5) -> Recipe:
    return classification(
        width=width,
        learning_rate=learning_rate,
        dropout=0.2,
        l2=1e-3,
        epochs=6,
        early_stopping=EarlyStopping(patience=3),
        optimizer=optimizer(optax.sgd, learning_rate=learning_rate, momentum=0.9),
    )


def results(run):
    return run.params, run.history


RECIPES = [member(0.1), member(0.1, width=6), member(DIVERGES_AT_ONCE), member(0.5), member(0.2, width=6), member(NEVER_LEARNS)]


@pytest.fixture(scope="module")
def population():
    return fit_many(RECIPES, DATA, validation=0.25, key=4, seeds=2, workers=2)


def test_a_member_is_the_run_alone_bit_for_bit(population):
    for number, run in enumerate(population):
        alone = fit(RECIPES[number // 2], DATA, validation=0.25, key=4, member=number)
        assert (run.member, run.recipe, run.outcome) == (number, RECIPES[number // 2], alone.outcome)
        assert (run.epochs, run.best_epoch, run.diverged_step) == (alone.epochs, alone.best_epoch, alone.diverged_step)
        assert_same_bits(results(run), results(alone))
        assert run.state is None


def test_neighbours_and_workers_change_no_bit(population):
    neighbours = [member(DIVERGES_AT_ONCE), *RECIPES[1:5], member(DIVERGES_AT_ONCE)]
    for workers in (1, 3):
        others = fit_many(neighbours, DATA, validation=0.25, key=4, seeds=2, workers=workers)
        for number in range(2, 10):
            assert_same_bits(results(others[number]), results(population[number]))


def test_those_that_diverge_are_flagged_and_nobody_else(population):
    outcomes = [run.outcome for run in population]
    assert [index for index, outcome in enumerate(outcomes) if outcome == "diverged"] == [4, 5]
    assert all(np.all(np.isfinite(leaf)) for run in population for leaf in jax.tree.leaves(run.params))


def test_one_that_diverges_late_keeps_its_last_finite_epoch():
    recipes = [regression(learning_rate=rate, epochs=12) for rate in (0.05, 1.5, 0.1)]
    calm, late, last = fit_many(recipes, plane(30))
    assert (calm.outcome, late.outcome, last.outcome) == ("finished", "diverged", "finished")
    assert 2 < late.epochs == late.best_epoch == late.diverged_step // 4 < 12
    until_then = fit(recipes[1].replace(epochs=late.epochs), plane(30), member=1)
    assert until_then.outcome == "finished"
    assert_same_bits(late.params, until_then.params)
    for number, run in ((0, calm), (2, last)):
        assert_same_bits(results(run), results(fit(recipes[number], plane(30), member=number)))


def test_two_structures_are_two_programs():
    recipes = [classification(learning_rate=rate, width=width) for rate in np.geomspace(1e-3, 1, 16) for width in (7, 8)]
    with watched() as events:
        runs = fit_many(recipes, DATA, workers=2)
    assert len(runs) == 32 and [run.recipe for run in runs] == recipes
    assert events.compiled["jit(advance)"] == events.compiled["jit(start)"] == 2
    assert events.traced["advance"] == events.traced["start"] == 2


def test_folds_are_the_members_rows_and_share_its_randomness():
    recipes = [classification(), classification(learning_rate=0.3)]
    runs = fit_many(recipes, DATA, key=1, seeds=2, folds=3)
    assert len(runs) == 12 and [run.member for run in runs] == [number for number in range(4) for _ in range(3)]
    for fold, (train, held_out) in enumerate(fold_rows(30, 3, seed=1, classes=DATA[1])):
        alone = fit(recipes[1], Data(x=DATA[0], y=DATA[1], train=train, validation=held_out), key=1, member=3)
        assert_same_bits(results(runs[9 + fold]), results(alone))


@pytest.mark.parametrize(("make", "recipe"), [(blobs, classification()), (plane, regression())], ids=["classes", "numbers"])
def test_folds_of_some_rows_are_of_those_rows(make, recipe):
    x, y = make(30)
    some = np.arange(29, 5, -1, dtype=np.int32)
    members = populations.make_members([recipe], Data(x=x, y=y, train=some), key=0, folds=4)
    held_out = np.concatenate([np.asarray(one.data.validation) for one in members])
    assert sorted(held_out) == sorted(some)
    for one in members:
        assert sorted([*np.asarray(one.data.train), *np.asarray(one.data.validation)]) == sorted(some)


def test_float64_reaches_the_workers():
    with precision("float64"):
        x, y = plane(dtype="float64")
        (run,) = fit_many([regression()], (x, y))
        assert run.params[0]["kernel"].dtype == np.float64
        assert_same_bits(results(run), results(fit(regression(), (x, y))))


def test_an_error_in_a_worker_comes_out_and_ends_the_others(monkeypatch):
    trained = []

    def train(recipe, data, seed, number, **options):
        trained.append(number)
        raise MemoryError(f"member {number}")

    monkeypatch.setattr(populations, "train", train)
    with pytest.raises(MemoryError, match="member"):
        fit_many([regression()] * 50, plane(), workers=2)
    assert len(trained) < 50


def test_closing_early_drops_those_not_begun_and_leaves_no_thread():
    recipes = [regression(learning_rate=rate) for rate in np.linspace(0.01, 0.1, 20)]
    members = populations.make_members(recipes, plane(), key=0)
    before = {thread.name for thread in threading.enumerate()}
    arrivals = populations.finished(members, key_data(0), populations.plan(workers=1))
    index, run = next(arrivals)
    arrivals.close()
    assert run.recipe == recipes[index]
    for thread in threading.enumerate():
        if thread.name not in before:
            thread.join(timeout=30)
            assert not thread.is_alive()


def test_the_plan_of_a_cpu_is_a_core_a_member():
    spread = populations.plan()
    assert spread.lanes == 1 and len(spread.slots) >= 1
    assert len(populations.plan(workers=3).slots) == 3 and populations.plan(lanes=4).lanes == 4


MISTAKES = {
    "no recipes": ([], {}, ValueError, r"fit_many: recipes must be a list of at least one Recipe, got \[\]"),
    "a recipe": (regression(), {}, ValueError, r"fit_many: recipes must be a list of at least one Recipe, got Recipe\("),
    "no list of recipes": ([3], {}, TypeError, "fit_many: recipe must be a Recipe, got int"),
    "no seeds": ([regression()], {"seeds": 0}, ValueError, "fit_many: seeds must be a whole number >= 1, got 0"),
    "no workers": ([regression()], {"workers": 0}, ValueError, "fit_many: workers must be a whole number >= 1, got 0"),
    "no lanes": ([regression()], {"lanes": 0}, ValueError, "fit_many: lanes must be a whole number >= 1, got 0"),
    "one fold": ([regression()], {"folds": 1}, ValueError, r"folds must be a whole number from 2 to the number of rows \(22\), got 1"),
    "more folds than rows": ([regression()], {"folds": 23}, ValueError, "folds must be a whole number from 2 to the number of rows"),
    "folds and validation": ([regression()], {"folds": 3, "validation": 0.2}, ValueError, "fit_many: validation must be None where folds"),
    "the last recipe out of range": (
        [regression(), regression(learning_rate=0.2), regression(learning_rate=-1.0)],
        {},
        ValueError,
        r"fit_many: optimizer\.numbers\.learning_rate must be in \[0, inf\), got -1",
    ),
    "one of many that does not fit": (
        [regression(), Recipe(Regression(models.mlp((), 2)), regression().optimizer)],
        {},
        ValueError,
        r"Regression: the model's output must be of shape \(batch, 1\)",
    ),
    "early stopping without validation": (
        [regression(early_stopping=EarlyStopping())],
        {},
        ValueError,
        "fit_many: validation must be given",
    ),
}


@pytest.mark.parametrize(("recipes", "options", "error", "match"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_named_before_anything_is_compiled(recipes, options, error, match):
    with watched() as events, pytest.raises(error, match=match):
        fit_many(recipes, plane(), **options)
    assert not events.compiled


def test_examples_are_uploaded_once():
    members = populations.make_members([regression(), regression(learning_rate=0.2)], plane(), key=0, seeds=3, folds=2)
    assert len({id(member.data.x) for member in members}) == 1
    data = as_data("fit", plane(), None, key_data(0))
    assert populations.make_members([regression()], data, key=0)[0].data.x is data.x


@pytest.mark.parametrize(
    "network",
    [
        models.rnn((3,), 2),
        Chain((Flatten(), Dense(3), Repeat(Residual(Dense(3, initializer=jax.nn.initializers.orthogonal)), 4), Dense(2))),
    ],
    ids=["recurrent", "repeated"],
)
def test_no_initialiser_waits_for_the_pool_that_it_runs_in(network):
    """LAPACK on several matrices at once waits for threads of XLA's own pool: two members that begin together never end."""
    program = jax.make_jaxpr(network.init)(jax.random.key(0), jnp.ones((1, 4, 2)))
    assert not decompositions_of_several_matrices(program)


def test_a_decomposition_of_several_matrices_is_seen():
    assert decompositions_of_several_matrices(jax.make_jaxpr(jnp.linalg.qr)(jnp.ones((4, 3, 3))))
    assert not decompositions_of_several_matrices(jax.make_jaxpr(jnp.linalg.qr)(jnp.ones((3, 3))))


def decompositions_of_several_matrices(program):
    return re.findall(r"f32\[\d+,\d+,\d+\][^=\n]* = (geqrf|qr|householder_product)\b", str(program))
