"""What the figures of diagnostics show: the drawn numbers themselves, not pixels."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxnn.diagnostics import Landscape, RangeTest
from jaxnn.plots import BLUE, RED, landscape, range_test


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def found(losses: list[float], suggestion: float = 1e-2) -> RangeTest:
    rates = np.geomspace(1e-3, 1e-1, len(losses))
    return RangeTest(rates, np.array(losses), 2.0, suggestion, np.array(losses)[:, None])


def test_a_range_test_shows_losses_the_suggestion_and_what_diverged(axes: Axes) -> None:
    range_test(axes, found([1.5, 0.5, np.nan]))
    curve, crosses, start, suggested = axes.get_lines()
    np.testing.assert_allclose(curve.get_data(), [[1e-3, 1e-2], [1.5, 0.5]])
    assert (np.asarray(crosses.get_xdata()).tolist(), crosses.get_color()) == ([0.1], RED)
    assert np.asarray(start.get_ydata()).tolist() == [2.0, 2.0]
    assert np.asarray(suggested.get_xdata()).tolist() == [0.01, 0.01]
    assert axes.get_xscale() == "log" and axes.get_ylim()[0] < 0.5


def test_a_range_test_in_which_none_diverged_does_not_speak_of_it(axes: Axes) -> None:
    range_test(axes, found([1.5, 0.5, 0.7], np.nan))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["before training"]


def test_a_range_test_in_which_all_diverged_can_be_drawn(axes: Axes) -> None:
    range_test(axes, found([np.nan] * 3, np.nan))
    assert len(np.asarray(axes.get_lines()[1].get_xdata())) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["diverged", "before training"]


def test_losses_along_directions_are_lines(axes: Axes) -> None:
    steps = np.linspace(-1, 1, 3)
    for label, losses in (("one", [1.0, 0.0, 1.0]), ("other", [2.0, np.inf, 2.0])):
        landscape(axes, Landscape(steps, np.array(losses), ({},)), label=label)
    first, second = axes.get_lines()
    assert np.asarray(first.get_ydata()).tolist() == [1, 0, 1] and first.get_color() == BLUE != second.get_color()
    assert np.isnan(np.asarray(second.get_ydata())).tolist() == [False, True, False]


@pytest.mark.parametrize("lowest", [0.1, 0.0, -1.0])
def test_losses_over_a_plane_are_contours_the_first_direction_across(axes: Axes, lowest: float) -> None:
    steps = np.linspace(-1, 1, 5)
    landscape(axes, Landscape(steps, np.add.outer(9 * steps**2, steps**2) + lowest, ({}, {})))
    assert len(axes.collections) == 2 and len(axes.texts) > 0
    drawn = next(path.vertices for path in axes.collections[1].get_paths() if len(path.vertices))
    assert np.ptp(drawn[:, 0]) < 0.5 * np.ptp(drawn[:, 1])  # steeper along the first direction, so contours are narrow there


def test_a_flat_plane_can_be_drawn(axes: Axes) -> None:
    landscape(axes, Landscape(np.linspace(-1, 1, 3), np.ones((3, 3)), ({}, {})))
    assert axes.get_aspect() == 1.0
