"""Spaces and searches, by their properties."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jaxnn.search import Choice, Grid, Integer, LogUniform, Random, Uniform
from tests.catalogue_of_tasks import SEARCHES

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(1e-300, 1e300)
SHARES = st.floats(0, 1, exclude_max=True)
LAST = math.nextafter(1.0, 0.0)
SPACE = {"rate": LogUniform(1e-4, 1e-1), "dropout": Uniform(0, 0.5), "width": Integer(3, 9), "name": Choice("relu", "tanh")}


def uniform(low: float, high: float) -> Uniform:
    assume(low < high)
    return Uniform(low, high)


def log_uniform(low: float, high: float) -> LogUniform:
    assume(low < high)
    return LogUniform(low, high)


INTEGERS = st.tuples(st.integers(-(2**31), 2**31), st.integers(0, 2**31)).map(lambda ends: Integer(ends[0], ends[0] + ends[1]))
UNIFORMS = st.builds(uniform, NUMBERS, NUMBERS)
LOG_UNIFORMS = st.builds(log_uniform, POSITIVE, POSITIVE)


@given(UNIFORMS | LOG_UNIFORMS | INTEGERS, SHARES)
def test_values_lie_between_the_bounds(dimension, u):
    assert dimension.low <= dimension.at(u) <= dimension.high
    assert type(dimension.at(u)) is (int if isinstance(dimension, Integer) else float)


@given(UNIFORMS | LOG_UNIFORMS | INTEGERS)
def test_the_unit_interval_begins_at_low_and_ends_at_high(dimension):
    assert dimension.at(0.0) == pytest.approx(dimension.low, rel=1e-12)
    assert dimension.at(LAST) == pytest.approx(dimension.high, rel=1e-12, abs=1e-12 * abs(dimension.low))


@given(UNIFORMS | LOG_UNIFORMS | INTEGERS, SHARES, SHARES)
def test_order_is_kept(dimension, u, v):
    scale = 1e-12 * max(abs(dimension.low), abs(dimension.high))
    assert dimension.at(min(u, v)) <= dimension.at(max(u, v)) + scale


@given(UNIFORMS | LOG_UNIFORMS | INTEGERS, st.integers(2, 9))
def test_grids_rise_from_end_to_end(dimension, points):
    grid = dimension.grid(points)
    assert grid[0] == pytest.approx(dimension.low, rel=1e-14) and grid[-1] == pytest.approx(dimension.high, rel=1e-14)
    assert grid == sorted(grid) and len(grid) <= points
    assert all(dimension.low <= value <= dimension.high for value in grid)


@given(LOG_UNIFORMS, st.integers(3, 9))
def test_grids_of_scales_are_evenly_spaced_in_the_logarithm(dimension, points):
    logs = np.log(dimension.grid(points))
    assert np.allclose(np.diff(logs), (logs[-1] - logs[0]) / (points - 1), rtol=1e-6, atol=1e-11)


@given(UNIFORMS, st.integers(3, 9))
def test_grids_of_numbers_are_evenly_spaced(dimension, points):
    halves = np.array(dimension.grid(points)) / 2  # half, for the whole range may be more than a float holds
    scale = max(abs(dimension.low), abs(dimension.high))
    assert np.allclose(np.diff(halves), (halves[-1] - halves[0]) / (points - 1), rtol=1e-9, atol=1e-15 * scale)


@given(st.integers(-5, 5), st.integers(0, 6), st.integers(0, 7))
def test_a_small_range_of_integers_is_covered_evenly(low, span, part):
    assume(part <= span)
    values = [Integer(low, low + span).at((index + 0.5) / (10 * (span + 1))) for index in range(10 * (span + 1))]
    assert values.count(low + part) == 10


@given(st.lists(st.integers() | st.text(), min_size=1, max_size=6), SHARES)
def test_choices_are_the_options(options, u):
    choice = Choice(*options)
    assert choice.at(u) in options
    assert choice.at(0.0) == options[0] and choice.at(LAST) == options[-1]
    assert choice.grid(2) == options


def test_round_numbers_stay_round():
    assert LogUniform(1e-4, 1e-1).grid(4) == [1e-4, 1e-3, 1e-2, 1e-1]
    assert Uniform(0, 1).grid(3) == [0.0, 0.5, 1.0]
    assert Integer(1, 4).grid(10) == [1, 2, 3, 4]
    assert [dimension.grid(1) for dimension in (Uniform(0, 1), LogUniform(1e-4, 1), Integer(1, 3))] == [[0.5], [0.01], [2]]


def test_a_grid_is_every_combination_the_last_name_fastest():
    proposals = Grid(points=2).propose(SPACE, seed=0)
    assert len(proposals) == 16 and len({tuple(proposal.values()) for proposal in proposals}) == 16
    assert [proposal["name"] for proposal in proposals[:4]] == ["relu", "tanh", "relu", "tanh"]
    assert proposals[0] == {"rate": 1e-4, "dropout": 0.0, "width": 3, "name": "relu"}
    assert proposals == Grid(points=2).propose(SPACE, seed=1)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_a_longer_random_search_begins_with_the_shorter(short, more, seed):
    shorter = Random(short).propose(SPACE, seed=seed)
    assert Random(short + more).propose(SPACE, seed=seed)[:short] == shorter
    assert len(shorter) == short


def test_random_draws_differ_by_seed_and_by_dimension():
    space = {"a": Uniform(0, 1), "b": Uniform(0, 1)}
    first, second = (Random(50).propose(space, seed=seed) for seed in (0, 1))
    assert first != second
    assert all(point["a"] != point["b"] for point in first)


@pytest.mark.parametrize("make", SEARCHES.values(), ids=SEARCHES.keys())
def test_every_search_proposes_points_of_the_space_for_every_name(make):
    proposals = make().propose(SPACE, seed=3)
    assert proposals == make().propose(SPACE, seed=3)
    for proposal in proposals:
        assert list(proposal) == list(SPACE)
        assert 1e-4 <= proposal["rate"] <= 1e-1 and 0 <= proposal["dropout"] <= 0.5
        assert proposal["width"] in range(3, 10) and proposal["name"] in ("relu", "tanh")


@pytest.mark.parametrize("make", SEARCHES.values(), ids=SEARCHES.keys())
def test_every_search_refuses_what_is_no_space(make):
    name = type(make()).__name__
    with pytest.raises(TypeError, match=rf"{name}: space must be a dictionary of names and dimensions, got 3"):
        make().propose(3, seed=0)
    with pytest.raises(TypeError, match=rf"{name}: space\['rate'\] must be a dimension, got 0\.1\. Use Uniform"):
        make().propose({"rate": 0.1}, seed=0)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Uniform(1, 1), r"Uniform: low and high must be finite numbers with low < high, got 1 and 1"),
        (lambda: Uniform(0, math.inf), "Uniform: low and high must be finite numbers"),
        (lambda: Uniform(math.nan, 1), "Uniform: low and high must be finite numbers"),
        (lambda: LogUniform(0, 1), "LogUniform: low and high must be finite numbers with 0 < low < high, got 0 and 1"),
        (lambda: LogUniform(-1, 1), "LogUniform: low and high must be finite numbers with 0 < low < high"),
        (lambda: Integer(2, 1), r"Integer: low must be at most high \(1\), got 2"),
        (lambda: Choice(), r"Choice: options must be at least one value, got none\. Write Choice\(32, 64\)"),
        (lambda: Grid(points=0), "Grid: points must be a whole number >= 1, got 0"),
        (lambda: Random(0), "Random: trials must be a whole number >= 1, got 0"),
        (lambda: Random(2.5), "Random: trials must be a whole number >= 1, got 2.5"),
    ],
)
def test_bounds_that_can_not_be(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_ends_that_are_no_numbers():
    with pytest.raises(TypeError, match=r"Integer: low and high must be whole numbers, got 1\.5 and 3"):
        Integer(1.5, 3)
    with pytest.raises(TypeError, match=r"Uniform: low and high must be numbers, got '0' and 1"):
        Uniform("0", 1)
