"""Experiments about classes, numbers and overfitting at smoke size: what the syllabus says must come out."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from experiments import classification, overfitting, regression
from tests.experiments.smoke import smoke


@pytest.mark.usefixtures("no_data_folder")
def test_classifiers_are_at_the_level_of_scikit_learn() -> None:
    results, figures = smoke(classification)
    assert "JAXNN_DATA" in results["mnist"]["left out"]
    for name in ("breast cancer", "digits"):
        accuracy = results[name]["test accuracy"]
        assert accuracy["jaxnn"]["mean"] > max(0.9, accuracy["scikit-learn"]["mean"] - 0.03)
    assert set(figures) == {"classification", "classification_digits"}


def test_mnist_is_read_where_its_file_is(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {name: random.integers(0, 256, (rows, 784), dtype=np.uint8) for name, rows in (("x_train", 60), ("x_test", 20))}
    np.savez(tmp_path / "mnist.npz", **arrays, y_train=np.arange(60) % 10, y_test=np.arange(20) % 10)
    config = dataclasses.replace(classification.Config.smoke(), data=str(tmp_path), mnist_rows=40)
    (split,) = classification.read_splits("mnist", config)
    assert (split.x.shape, split.x_test.shape, float(split.x.max())) == ((40, 784), (20, 784), 1.0)
    problem = classification.PROBLEMS["mnist"]._replace(hidden=(8,), epochs=1, batch_size=16)
    outcomes = classification.run_all(problem, [split], config)
    assert [len(group) for group in outcomes.values()] == [1, 1, 1]


@pytest.mark.usefixtures("no_data_folder")
def test_networks_predict_numbers_and_scikit_learns_too() -> None:
    results, figures = smoke(regression)
    assert "JAXNN_DATA" in results["housing"]["left out"]
    rows = results["diabetes"]["on held-out rows"]
    assert rows[regression.LINEAR]["R2"]["mean"] == pytest.approx(0.53, abs=0.05)
    assert rows[regression.LIKE]["R2"]["mean"] > rows[regression.OTHER]["R2"]["mean"] - 0.06
    assert set(figures) == {"regression", "regression_residuals"}


@pytest.mark.usefixtures("no_data_folder")
def test_a_network_beats_linear_regression_where_its_file_is(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = random.uniform(-1, 1, (400, 2)).round(4)
    prices = 200_000 + 100_000 * np.sign(columns[:, 0]) * columns[:, 1] ** 2
    rows = [f"{a},{b},{'INLAND' if a > 0 else ''},{price:.2f}" for (a, b), price in zip(columns, prices, strict=True)]
    (tmp_path / "housing.csv").write_text("\n".join(["longitude,latitude,ocean_proximity,median_house_value", *rows]))
    config = dataclasses.replace(regression.Config.smoke(), data=str(tmp_path), learning_rate=0.01)
    dataset = regression.read("housing", config)
    assert dataset is not None
    split, problem = regression.split_of(dataset, 0), regression.PROBLEMS["housing"]._replace(hidden=(16,), epochs=30, batch_size=16)
    errors = [
        np.abs(regression.restored(split, train(problem, split, 0, config)) - split.truth).mean()
        for train in (regression.network, regression.linear, regression.squashed)
    ]
    assert errors[0] < errors[1]
    assert np.abs(regression.squashed(problem, split, 0, config)).max() <= 1


@pytest.mark.usefixtures("no_data_folder")
def test_remedies_make_the_test_error_fall() -> None:
    results, figures = smoke(overfitting)
    without = results[overfitting.NONE]
    assert without["train error"]["mean"] < 0.02 < 0.15 < without["test error"]["mean"]
    for remedy in (overfitting.STOPPING, overfitting.ALL):
        assert results[remedy]["test error"]["mean"] < without["test error"]["mean"] - 0.04
        assert results[remedy]["train loss"]["mean"] > without["train loss"]["mean"]
    assert results[overfitting.STOPPING]["epoch of the parameters"]["mean"] < 40
    assert set(figures) == {"overfitting", "overfitting_errors"}


def test_of_the_training_labels_a_share_is_wrong() -> None:
    config = overfitting.Config(rows=600)
    clean, noisy = (overfitting.split_of(0, dataclasses.replace(config, wrong=wrong)) for wrong in (0.0, 0.2))
    np.testing.assert_array_equal(clean.train[0], noisy.train[0])
    assert np.mean(clean.train[1] != noisy.train[1]) == pytest.approx(0.2, abs=0.04)
    np.testing.assert_array_equal(clean.test[1], noisy.test[1])
    together = np.concatenate([part[0] for part in noisy])
    assert len(together) == 1797 == len(np.unique(together, axis=0))
