"""The toy sets against scikit-learn's curves, and what makes each of them what it is."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_circles, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from jaxnn.data.synthetic import circles, moons, spirals

ALL = pytest.mark.parametrize("make", [moons, circles, spirals])


def in_order(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    table = np.column_stack([y, x]).astype(np.float64).round(5) + 0.0  # -0 becomes 0
    return table[np.lexsort(table.T[::-1])]


def test_moons_are_those_of_scikit_learn() -> None:
    np.testing.assert_allclose(in_order(*moons(40, noise=0)), in_order(*make_moons(40, shuffle=False)), atol=2e-5)


def test_circles_are_those_of_scikit_learn() -> None:
    made = circles(40, factor=0.3, noise=0)
    np.testing.assert_allclose(in_order(*made), in_order(*make_circles(40, factor=0.3, shuffle=False)), atol=2e-5)


def test_spirals_turn_as_often_as_asked() -> None:
    x, y = spirals(2000, turns=2.5, noise=0)
    arm = x[y == 0]
    radius = np.linalg.norm(arm, axis=1)
    order = np.argsort(radius)
    angle = np.unwrap(np.arctan2(*arm[order].T[::-1]))
    assert np.ptp(angle) / (2 * np.pi) == pytest.approx(2.5 * 0.9, abs=1e-3)  # the radius starts at 0.1
    assert (radius.min(), radius.max()) == pytest.approx((0.1, 1.0), abs=1e-6)


def test_spirals_lie_evenly_along_their_arms() -> None:
    x, y = spirals(2000, noise=0)
    arm = x[y == 0].astype(np.float64)
    arm = arm[np.argsort(np.linalg.norm(arm, axis=1))]
    gaps = np.linalg.norm(np.diff(arm, axis=0), axis=1)[200:]  # past the centre, where the arm is nearly straight
    assert gaps.max() / gaps.min() < 1.2


@ALL
@given(rows=st.integers(2, 200), seed=st.integers(0, 10**6))
def test_halves_shapes_and_types(make: Callable[..., tuple[np.ndarray, np.ndarray]], rows: int, seed: int) -> None:
    x, y = make(rows, seed=seed)
    assert x.shape == (rows, 2) and x.dtype == np.float32 and np.isfinite(x).all()
    assert y.dtype == np.int32 and np.bincount(y, minlength=2).tolist() == [rows - rows // 2, rows // 2]


@ALL
def test_an_equal_seed_gives_equal_points_and_another_gives_others(make: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    for first, second in zip(make(50, seed=3), make(50, seed=3), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(make(50, seed=3)[0], make(50, seed=4)[0])


@ALL
def test_rows_come_shuffled(make: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    y = make(200)[1]
    assert 60 < np.count_nonzero(np.diff(y)) < 140


@ALL
def test_no_line_separates_them_but_neighbours_do(make: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    x, y = make(400, noise=0.02)
    assert LogisticRegression().fit(x, y).score(x, y) < 0.92
    assert KNeighborsClassifier(1).fit(x[:200], y[:200]).score(x[200:], y[200:]) > 0.99


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: moons(1), "moons: rows must be a whole number >= 2, got 1."),
        (lambda: circles(10, factor=1.0), "circles: factor must be between 0 and 1, both excluded, got 1.0."),
        (lambda: spirals(10, turns=0), "spirals: turns must be a finite number > 0, got 0."),
        (lambda: spirals(10, noise=-0.1), "spirals: noise must be a finite number >= 0, got -0.1."),
        (lambda: moons(10, noise=float("nan")), "moons: noise must be a finite number >= 0, got nan."),
    ],
)
def test_refusals(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
