"""Scales of the report's charts: their ticks are few, round and inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn.reports.scales import focused, linear, logarithmic


def test_many_equal_scores_leave_the_others_in_view():
    assert focused([1.0] * 20 + [0.95, 0.9]) == [0.9, 1.0]


ROUNDING = 1e-6  # of a pixel
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, max_size=20), st.booleans(), st.booleans())
def test_linear_ticks_stand_inside_in_order_and_are_few(values, whole, nice):
    scale = linear(values, 200.0, 10.0, whole=whole, nice=nice)
    places = [place for place, _ in scale.ticks]
    assert len(places) <= 13
    assert places == sorted(places, reverse=True)
    assert all(10 - ROUNDING <= place <= 200 + ROUNDING for place in [*places, *map(scale, values)])


@given(st.lists(st.floats(min_value=1e-300, max_value=1e299), max_size=20))
def test_logarithmic_ticks_stand_inside_in_order_and_are_few(values):
    scale = logarithmic(values, 10.0, 200.0)
    places = [place for place, _ in scale.ticks]
    assert len(places) <= 16
    assert places == sorted(places)
    assert all(10 - ROUNDING <= place <= 200 + ROUNDING for place in [*places, *map(scale, values)])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.9, 0.98], ["0.90", "0.92", "0.94", "0.96", "0.98"]),
        ([0, 10], ["0", "2", "4", "6", "8", "10"]),
        ([-250, 250], ["-300", "-200", "-100", "0", "100", "200", "300"]),
    ],
)
def test_ticks_are_round_numbers(values, labels):
    assert [label for _, label in linear(values, 0, 100).ticks] == labels


def test_decades_are_written_plainly():
    assert [label for _, label in logarithmic([1e-6, 1.0], 0, 100).ticks] == ["1e-6", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1"]
