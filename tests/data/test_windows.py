"""Windows of a series: each against slices of it, every step in its place, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn.data import windows

whole = st.integers(1, 5)


@given(steps=st.integers(10, 30), columns=st.integers(1, 3), length=whole, horizon=whole, stride=whole)
def test_windows_are_slices_of_the_series(steps, columns, length, horizon, stride):
    series = np.random.default_rng(0).normal(size=(steps, columns)).astype(np.float32)
    x, y = windows(series, length, horizon, stride)
    starts = range(0, steps - length - horizon + 1, stride)
    assert x.shape == (len(starts), length, columns) and x.dtype == y.dtype == np.float32
    assert x.flags.c_contiguous and x.flags.owndata and y.base is not series
    for row, start in enumerate(starts):
        assert np.array_equal(x[row], series[start : start + length])
        assert np.array_equal(y[row].ravel(), series[start + length : start + length + horizon].ravel())
    assert y.shape == ((len(starts),) if horizon * columns == 1 else (len(starts), horizon * columns))


def test_a_series_of_one_column_may_be_flat_and_whole():
    flat, column = windows(np.arange(6), 2, 2), windows(np.arange(6.0)[:, None], 2, 2)
    for ours, theirs in zip(flat, column, strict=True):
        assert np.array_equal(ours, theirs) and ours.dtype == np.float64


@pytest.mark.parametrize(
    ("series", "options", "error", "match"),
    [
        (np.ones(5), {"length": 0}, ValueError, "windows: length must be a whole number >= 1, got 0"),
        (np.ones(5), {"length": 2, "stride": 0}, ValueError, "windows: stride must be a whole number >= 1, got 0"),
        (np.ones(5), {"length": 4, "horizon": 2}, ValueError, r"windows: series must be of at least length \+ horizon = 6 steps, got 5"),
        (
            np.ones((5, 1, 1)),
            {"length": 2},
            ValueError,
            r"windows: series must be of shape \(time,\) or \(time, series\), got shape \(5, 1, 1\)",
        ),
        (np.array(["a", "b"]), {"length": 1}, TypeError, "windows: series must be numbers, got dtype <U1"),
    ],
)
def test_mistakes(series, options, error, match):
    with pytest.raises(error, match=match):
        windows(series, **options)
