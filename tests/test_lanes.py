"""Members side by side in one program: neighbours change no bit, the width follows memory, empty lanes are harmless."""

import math

import jax
import numpy as np
import optax
import pytest

from jaxnn import EarlyStopping, fit_many, lanes, optimizer
from jaxnn.lanes import Member, planned_lanes, train_lanes
from jaxnn.training import as_data, key_data, train
from tests.programs import watched
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import assert_same_bits

SEED = key_data(3)
DEVICE = jax.local_devices()[0]
EPOCHS = 2 * lanes.EPOCHS_AT_ONCE


@pytest.fixture(scope="module")
def data():
    return as_data("fit", blobs(30), 0.25, SEED)


def recipe(learning_rate: float = 0.1, *, patience: float = 100.0):
    return classification(
        dropout=0.2,
        l2=1e-3,
        epochs=EPOCHS,
        early_stopping=EarlyStopping(patience=patience),
        optimizer=optimizer(optax.sgd, learning_rate=learning_rate, momentum=0.9),
    )


def side_by_side(members, most=4):
    return [(run.params, run.history, run.outcome, run.epochs) for run in train_lanes(members, SEED, most, DEVICE)]


@pytest.fixture(scope="module")
def members(data):
    return [Member(recipe(rate), data, number) for number, rate in enumerate((0.1, 0.2, 0.05, 0.3))]


@pytest.fixture(scope="module")
def together(members):
    return side_by_side(members)


@pytest.mark.parametrize("rate", [np.inf, np.nan, 1e30])
def test_neighbours_that_diverge_change_no_bit(members, together, data, rate):
    diverging = Member(recipe(rate), data, 77)
    runs = side_by_side([members[0], diverging, members[2], diverging._replace(number=78)])
    assert_same_bits((runs[0], runs[2]), (together[0], together[2]))
    assert runs[1][2] == runs[3][2] == "diverged"
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(runs[1][0]))


def test_the_lane_changes_no_bit(members, together):
    runs = side_by_side([members[2], members[0], members[3], members[1]])
    assert_same_bits(runs, [together[2], together[0], together[3], together[1]])


def test_lanes_without_a_member_change_no_bit(members, together):
    assert_same_bits(side_by_side(members[:3]), together[:3])
    assert_same_bits(side_by_side(members[:1]), together[:1])


def test_more_members_than_lanes_take_turns(members, together):
    assert_same_bits(side_by_side([*members, members[1]]), [*together, together[1]])


def test_a_member_is_nearly_the_run_alone(members, together):
    for member, (params, history, outcome, epochs) in zip(members, together, strict=True):
        alone = train(member.recipe, member.data, SEED, member.number)
        assert (outcome, epochs) == (alone.outcome, alone.epochs)
        assert history.keys() == alone.history.keys()
        assert np.allclose(history["loss"], alone.history["loss"], rtol=1e-4)
        for ours, theirs in zip(jax.tree.leaves(params), jax.tree.leaves(alone.params), strict=True):
            assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_population_ends_when_all_its_members_have_stopped(data, monkeypatch):
    chunks, compiled = [], lanes.compiled

    def counted(function, **options):
        program = compiled(function, **options)
        return program if function is lanes.start_lanes else lambda *args, epochs: chunks.append(epochs) or program(*args, epochs=epochs)

    monkeypatch.setattr(lanes, "compiled", counted)
    members = [Member(recipe(0.0, patience=patience), data, number) for number, patience in enumerate((1.0, 2.0, 3.0, 1.0))]
    runs = train_lanes(members, SEED, 4, DEVICE)
    assert [run.outcome for run in runs] == ["stopped early"] * 4
    assert [run.epochs for run in runs] == [2, 3, 4, 2]  # the first epoch is the best, for nothing is learned
    assert [len(run.history["loss"]) for run in runs] == [2, 3, 4, 2]
    assert chunks == [lanes.EPOCHS_AT_ONCE]


def test_fit_many_goes_through_lanes_when_told(data):
    recipes = [recipe(0.1), recipe(0.2), classification(width=3, epochs=2), recipe(0.3), recipe(0.05)]
    runs = fit_many(recipes, data, key=3, lanes=4, workers=2)
    assert [run.recipe for run in runs] == recipes and [run.member for run in runs] == list(range(5))
    expected = train_lanes([Member(recipes[number], data, number) for number in (0, 1, 3, 4)], SEED, 4, DEVICE)
    for number, run in zip((0, 1, 3, 4), expected, strict=True):
        assert_same_bits((runs[number].params, runs[number].history), (run.params, run.history))


def test_the_width_is_halved_until_it_fits_and_asked_for_once(monkeypatch):
    data, linear = as_data("fit", plane(), None, SEED), regression(epochs=1)
    with watched() as events:
        assert planned_lanes(linear, data, SEED, 8, math.inf) == 8
    assert not events.compiled  # a device that does not say how much it has is not asked
    needed = []
    measure = lanes._bytes_needed
    monkeypatch.setattr(lanes, "_bytes_needed", lambda *arguments: needed.append(measure(*arguments)) or needed[-1])
    assert planned_lanes(linear, data, SEED, 8, 1.0) == 1
    assert len(needed) == 3 and needed == sorted(needed, reverse=True)
    assert needed[0] - needed[1] == pytest.approx(2 * (needed[1] - needed[2]), rel=0.2)  # a lane needs as much as another
    assert planned_lanes(linear, data, SEED, 8, needed[0]) == 8
    assert planned_lanes(linear, data, SEED, 8, needed[0] - 1) == 4
    count = len(needed)
    assert planned_lanes(regression(learning_rate=0.7, epochs=1), data, SEED, 8, needed[0] - 1) == 4
    assert len(needed) == count  # it is a matter of structure


def test_a_population_is_planned_for_the_memory_of_its_device(members, together, monkeypatch):
    widths = []
    full = lanes._train_full
    monkeypatch.setattr(lanes, "memory_limit", lambda device: 1.0)
    monkeypatch.setattr(lanes, "planned_lanes", lambda *arguments: arguments[-1] == 1.0 and 4)
    monkeypatch.setattr(
        lanes, "_train_full", lambda members, seed, width, device: widths.append(width) or full(members, seed, width, device)
    )
    assert_same_bits(side_by_side(members, most=64), together)
    assert widths == [4]
