"""Programs are kept, and let go of where a process has nearly no room for more; no number changes by it."""

import pytest

from jaxnn import compiling, fit, fit_many
from tests.programs import watched
from tests.samples import blobs, classification
from tests.tolerances import assert_same_bits


@pytest.fixture
def no_room(monkeypatch):
    monkeypatch.setattr(compiling, "MOST_MAPPED", -1)
    monkeypatch.setattr(compiling, "LOOK_EVERY", 0)


def test_programs_are_let_go_of_where_there_is_no_room(request):
    recipe = classification(width=11)
    first = fit(recipe, blobs())
    with watched() as events:
        fit(recipe, blobs())
    assert not events.compiled
    request.getfixturevalue("no_room")
    with watched() as events:
        again = fit(recipe, blobs())
    assert events.compiled["jit(advance)"] == 1
    assert_same_bits((again.params, again.history), (first.params, first.history))


def test_members_side_by_side_take_programs_from_each_other_and_none_minds(no_room):
    recipes = [classification(width=width) for width in (3, 4)]
    runs = fit_many(recipes, blobs(), seeds=2, workers=2)
    for number, run in enumerate(runs):
        assert_same_bits(run.params, fit(recipes[number // 2], blobs(), member=number).params)


def test_pieces_are_counted_after_new_programs_alone(monkeypatch):
    counts = []
    monkeypatch.setattr(compiling, "mapped", lambda: counts.append(1) or 0)
    monkeypatch.setattr(compiling, "LOOK_EVERY", 1)
    fit(classification(width=12), blobs())
    compiling.make_room()
    counts.clear()
    compiling.make_room()
    fit(classification(width=12), blobs())
    assert not counts
