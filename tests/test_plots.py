"""What the figures show: the drawn numbers themselves, not pixels."""

import importlib
import sys

import numpy as np
import optax
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxnn import BinaryClassification, EarlyStopping, Recipe, Run, fit_many, models, optimizer
from jaxnn.data.synthetic import moons
from jaxnn.plots import BLUE, confusion_matrix, decision_boundary, learning_curves


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    recipe = Recipe(
        BinaryClassification(models.mlp((4,), 1)),
        optimizer(optax.adam, learning_rate=0.3),
        epochs=30,
        early_stopping=EarlyStopping(patience=2),
    )
    return fit_many([recipe], moons(60), validation=moons(40, seed=1), seeds=4)


def test_learning_curves_are_means_over_the_runs_that_got_so_far(axes: Axes, runs: list[Run]) -> None:
    lengths = [len(run.history["validation_loss"]) for run in runs]
    assert len(set(lengths)) > 1  # else nothing is tested here
    learning_curves(axes, {"four": runs})
    (line,) = axes.get_lines()
    drawn = np.asarray(line.get_ydata())
    assert len(drawn) == max(lengths)
    assert drawn[0] == pytest.approx(np.mean([run.history["validation_loss"][0] for run in runs]), rel=1e-5)
    last = [run.history["validation_loss"][-1] for run in runs if len(run.history["validation_loss"]) == max(lengths)]
    assert drawn[-1] == pytest.approx(np.mean(last), rel=1e-5)


def test_learning_curves_of_an_unknown_metric_say_which_there_are(axes: Axes, runs: list[Run]) -> None:
    with pytest.raises(ValueError, match=r"learning_curves: metric must be .*'loss' or .*'validation_loss'.*, got 'accuracy'"):
        learning_curves(axes, {"four": runs}, "accuracy")


def test_decision_boundary_of_a_line(axes: Axes) -> None:
    x = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)
    decision_boundary(axes, lambda points: (points[:, 0] > 0).astype(float), x, np.array([0, 1]), resolution=20)
    (image,) = axes.get_images()
    shades = np.asarray(image.get_array())
    assert shades[:, :10].max() == 0 and shades[:, 10:].min() == 1


def test_decision_boundary_of_a_run_and_of_several_classes(axes: Axes, runs: list[Run]) -> None:
    decision_boundary(axes, runs[0].predict, *moons(60), resolution=15)
    x = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    three = Figure().subplots()
    decision_boundary(three, lambda points: np.eye(3)[points[:, 0].round().astype(int).clip(0, 2)], x, np.arange(3), resolution=9)
    assert np.unique(np.asarray(three.get_images()[0].get_array())).tolist() == [0, 1, 2]


def test_decision_boundary_refuses_more_than_two_columns(axes: Axes) -> None:
    with pytest.raises(ValueError, match=r"x must be of shape \(rows, 2\), got shape \(5, 3\)"):
        decision_boundary(axes, lambda points: points[:, 0], np.zeros((5, 3)), np.zeros(5))


def test_confusion_matrix_counts(axes: Axes) -> None:
    confusion_matrix(axes, np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0]), ["a", "b", "c"])
    drawn = [text.get_text() for text in axes.texts]
    assert drawn == ["2", "1", "·", "·", "1", "·", "1", "·", "·"]
    assert axes.texts[0].get_color() == BLUE
    (image,) = axes.get_images()
    np.testing.assert_allclose(np.asarray(image.get_array()), [[0, 1 / 3, 0], [0, 0, 0], [1, 0, 0]])


def test_long_names_of_classes_are_turned(axes: Axes) -> None:
    confusion_matrix(axes, np.array([0, 1]), np.array([0, 1]), ["setosa", "virginica"])
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {45.0}


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    monkeypatch.delitem(sys.modules, "jaxnn.plots")
    with pytest.raises(ImportError, match=r'pip install "jaxnn-toolkit\[plots\]"'):
        importlib.import_module("jaxnn.plots")
