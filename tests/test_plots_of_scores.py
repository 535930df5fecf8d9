"""Figures of how good predictions are: what is drawn, against scikit-learn's numbers."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve

from jaxnn import layers, models
from jaxnn.metrics import calibration_error
from jaxnn.plots import (
    activation_histograms,
    calibration,
    precision_recall_curves,
    predicted_against_true,
    residuals,
    roc_curves,
    weight_histograms,
)
from jaxnn.plots.style import colour, line
from tests.tolerances import draw

random = np.random.default_rng(0)
TRUTH = random.integers(0, 3, 200)
P = random.dirichlet(np.ones(3), 200) * 0.5 + 0.5 * np.eye(3)[TRUTH] * random.uniform(size=(200, 1))
P = P / P.sum(axis=1, keepdims=True)
SCORES = np.round(random.normal(size=200) + (TRUTH == 1), 1)
"""Scores with ties, of class 1 against the rest."""
BINARY = (TRUTH == 1).astype(int)


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def points(line) -> np.ndarray:
    return np.column_stack([line.get_xdata(), line.get_ydata()])


def test_predicted_against_true_draws_each_pair(axes: Axes) -> None:
    truth, predicted = random.normal(size=20), random.normal(size=(20, 1))
    predicted_against_true(axes, truth, predicted)
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.column_stack([truth, predicted]))
    rmse = theirs.root_mean_squared_error(truth, predicted[:, 0])
    assert axes.get_title() == f"R² {theirs.r2_score(truth, predicted):.3f}, RMSE {rmse:.3g}"
    with pytest.raises(ValueError, match=r"predicted_against_true: predicted must be of shape \(20,\), as truth, got shape \(19,\)"):
        predicted_against_true(axes, truth, truth[:19])


def test_residuals_and_their_means(axes: Axes) -> None:
    truth, predicted = random.normal(size=40), random.permutation(40.0 * np.arange(40))
    residuals(axes, truth, predicted, bins=4)
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.column_stack([predicted, truth - predicted]))
    order = np.argsort(predicted)
    mean = points(next(line for line in axes.get_lines() if line.get_label() == "mean"))
    np.testing.assert_allclose(mean[:, 0], predicted[order].reshape(4, 10).mean(axis=1))
    np.testing.assert_allclose(mean[:, 1], (truth - predicted)[order].reshape(4, 10).mean(axis=1))


def test_residuals_of_few_rows_are_points_without_a_line(axes: Axes) -> None:
    residuals(axes, np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]))
    assert len(axes.collections[0].get_offsets()) == 3 and axes.get_legend() is None


@pytest.mark.parametrize("bins", [5, 10])
def test_calibration_is_that_of_scikit_learn(axes: Axes, bins: int) -> None:
    p = P[:, 1]
    calibration(axes, BINARY, p, bins=bins)
    drawn = points(next(line for line in axes.get_lines() if line.get_label() == "frequency"))
    true, said = calibration_curve(BINARY, p, n_bins=bins)
    np.testing.assert_allclose(drawn, np.column_stack([said, true]))
    assert axes.get_title() == f"calibration error {calibration_error(BINARY, p, bins=bins):.3f}"
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_calibration_of_classes_is_that_of_the_likeliest(axes: Axes) -> None:
    calibration(axes, TRUTH, P, bins=6)
    drawn = points(next(line for line in axes.get_lines() if line.get_label() == "frequency"))
    true, said = calibration_curve(P.argmax(axis=1) == TRUTH, P.max(axis=1), n_bins=6)
    np.testing.assert_allclose(drawn, np.column_stack([said, true]))


def test_roc_curve_is_that_of_scikit_learn(axes: Axes) -> None:
    roc_curves(axes, BINARY, SCORES)
    across, up, _ = theirs.roc_curve(BINARY, SCORES, drop_intermediate=False)
    np.testing.assert_allclose(points(axes.get_lines()[0]), np.column_stack([across, up]))
    assert axes.get_lines()[0].get_label() == f"{theirs.roc_auc_score(BINARY, SCORES):.3f}"


def test_precision_recall_curve_is_that_of_scikit_learn(axes: Axes) -> None:
    precision_recall_curves(axes, BINARY, SCORES)
    precision, recall, _ = theirs.precision_recall_curve(BINARY, SCORES)
    np.testing.assert_allclose(points(axes.get_lines()[0]), np.column_stack([recall, precision])[::-1])
    assert axes.get_lines()[0].get_label() == f"{theirs.average_precision_score(BINARY, SCORES):.3f}"


@pytest.mark.parametrize("curves", [roc_curves, precision_recall_curves])
def test_a_curve_for_each_class_that_is_there(axes: Axes, curves) -> None:
    four = np.column_stack([P, np.zeros(200)])
    curves(axes, TRUTH, four, names=["a", "b", "c", "nobody"])
    area = {roc_curves: theirs.roc_auc_score, precision_recall_curves: theirs.average_precision_score}[curves]
    labels = [line.get_label() for line in axes.get_lines()[:3]]
    assert labels == [f"{name} {area(number == TRUTH, P[:, number]):.3f}" for number, name in enumerate("abc")]
    assert not [line for line in axes.get_lines() if "nobody" in line.get_label()]
    with pytest.raises(ValueError, match=rf"{curves.__name__}: names must be one for each of the 4 curves, got 2 of them"):
        curves(axes, TRUTH, four, names=["a", "b"])
    with pytest.raises(ValueError, match=rf"{curves.__name__}: truth and scores must be .*, got shapes \(200,\) and \(199, 3\)"):
        curves(axes, TRUTH, P[:199])


def test_no_two_of_32_curves_are_drawn_alike_and_the_legend_of_many_stands_outside(axes: Axes) -> None:
    assert len({(colour(number), line(number)) for number in range(32)}) == 32
    roc_curves(axes, TRUTH, P)
    assert axes.get_legend().get_bbox_to_anchor().x0 < axes.bbox.x1
    roc_curves(axes, np.arange(200) % 10, np.tile(SCORES[:, None], 10))
    assert axes.get_legend().get_bbox_to_anchor().x0 == axes.bbox.x1


def test_weight_histograms_are_of_kernels() -> None:
    figure = Figure()
    params = ({"kernel": draw((30, 20)), "bias": draw((20,))}, (), {"kernel": draw((20, 5), seed=1), "bias": draw((5,))})
    weight_histograms(figure, params, bins=7)
    first, second = figure.axes
    assert [sum(bar.get_height() for bar in panel.patches) for panel in (first, second)] == [600, 100]
    kernel = np.asarray(params[0]["kernel"])
    assert first.get_title() == f"[0]['kernel']\n{kernel.mean():.2g} ± {kernel.std():.2g}"
    counts = [bar.get_height() for bar in first.patches]
    np.testing.assert_array_equal(counts, np.histogram(kernel, 7)[0])
    with pytest.raises(ValueError, match=r"params must be a tree with arrays of two axes or more, got none"):
        weight_histograms(figure, {"bias": np.ones(3)})


def test_activation_histograms_are_of_the_layers_in_order() -> None:
    figure, x = Figure(), draw((50, 4))
    network = models.mlp((6, 6, 6), 2, dropout=0.5)
    params = tuple(
        {"kernel": draw(size), "bias": draw(size[1:])} if size else () for size in ((4, 6), 0, 0, (6, 6), 0, 0, (6, 6), 0, 0, (6, 2))
    )
    activation_histograms(figure, network, params, x)
    assert len(figure.axes) == 10
    dense, relu = figure.axes[:2]
    b = np.asarray(network.layers[0].apply(params[0], x))
    assert dense.get_title().startswith("layers[0] Dense\n")
    assert relu.get_title().endswith(f", {(b <= 0).mean():.0%} are 0")
    with pytest.raises(ValueError, match=r"layer must be one whose layers give floating point, got Flatten\(\)"):
        activation_histograms(figure, layers.Flatten(), (), np.ones((2, 3), int))
