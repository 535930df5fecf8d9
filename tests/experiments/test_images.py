"""Experiments about images at smoke size: what the syllabus says must come out."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from experiments import feature_maps, mnist, orientation
from experiments.support import oriented
from experiments.support.digits import Digits, read_digits
from tests.experiments.smoke import smoke


@pytest.mark.usefixtures("no_data_folder")
def test_each_kind_of_network_reads_digits() -> None:
    results, figures = smoke(mnist)
    assert results["data"]["name"] == "digits"
    for name in (mnist.MLP, mnist.CNN, mnist.LSTM):
        assert results[name]["test accuracy"]["mean"] > 0.8
        assert "reached" not in results[name]
    assert results[mnist.SHORT]["parameters"] == results[mnist.CNN]["parameters"]
    assert set(figures) == {"mnist", "mnist_confusion", "mnist_misread"}


def test_mnist_is_read_in_three_parts(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = {"train": 30, "val": 7, "test": 5}
    x = {f"x_{part}": random.integers(0, 256, (count, 784), dtype=np.uint8) for part, count in rows.items()}
    np.savez(tmp_path / "mnist.npz", **x, **{f"y_{part}": np.arange(count, dtype=np.uint8) % 10 for part, count in rows.items()})
    digits = read_digits(str(tmp_path), 20)
    assert [part[0].shape for part in digits[1:]] == [(20, 28, 28, 1), (7, 28, 28, 1), (5, 28, 28, 1)]
    np.testing.assert_array_equal(digits.train[0][3, 1, 2, 0], x["x_train"][3, 30] / np.float32(255))
    assert (digits.name, digits.train[0].dtype, digits.train[1].dtype) == ("MNIST", np.float32, np.int32)


@pytest.mark.usefixtures("no_data_folder")
def test_maps_share_their_weights() -> None:
    results, figures = smoke(feature_maps)
    assert results["largest |map - product of patches and kernel|"] < 1e-5
    assert max(results["largest |maps of the shifted image - shifted maps|"].values()) < 1e-6
    assert all(row["side"] == row["by formula"] for row in results["sizes of maps"])
    assert results["weights of a convolution"]["8 × 8 × 1 to 8 × 8 × 4"] == {
        "shared": 40,
        "a kernel for each place": 40 * 64,
        "dense": 65 * 256,
        "dense / shared": 416,
    }
    assert results["test accuracy, all test rows"][feature_maps.LENET]["mean"] > 0.7
    assert set(figures) == {"feature_maps", "feature_maps_filters", "feature_maps_shift"}


def test_global_pooling_takes_as_many_parameters_as_flattening() -> None:
    x, y = np.zeros((1, 28, 28, 1), np.float32), np.zeros(1, np.int32)
    digits = Digits("MNIST", (x, y), (x, y), (x, y))
    counts = {
        name: sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0), x)))
        for name, network in feature_maps.networks(digits, feature_maps.Config()).items()
    }
    assert counts[feature_maps.LENET] == counts[feature_maps.GLOBAL] == 61_706
    assert counts[feature_maps.MLP] == pytest.approx(61_706, rel=0.01)


@pytest.mark.usefixtures("no_data_folder")
def test_units_answer_best_to_bars_of_their_own_orientation() -> None:
    results, figures = smoke(orientation)
    for rows in results["hand-set"].values():
        assert rows["all peaks at their own angle"]
        np.testing.assert_array_equal(rows["peaks of complex cells"], rows["own angles"])
        assert rows["response at right angles, share of the peak"] < 0.1
        assert rows["share of the way at which more than half is answered"]["simple"] < 0.2
        assert rows["share of the way at which more than half is answered"]["complex"] > 0.8
    assert set(results["first layer"]) == {"drawn", "learned"}
    assert set(figures) == {"orientation", "orientation_learned"}


def test_a_bar_lies_where_its_angle_says() -> None:
    flat, upright, rising = (oriented.bar(9, angle, 1.0) for angle in (0, 90, 45))
    np.testing.assert_allclose(flat, np.eye(9)[4][:, None] * np.ones(9))
    np.testing.assert_allclose(upright, flat.T)
    assert rising[8, 0] == rising[0, 8] > 0 == rising[0, 0]
    np.testing.assert_allclose(oriented.bar(9, 0, 1.0, position=2.0), np.roll(flat, -2, axis=0))  # across is up


@pytest.mark.parametrize("angle", [0, 30, 90])
@pytest.mark.parametrize("make", oriented.FILTERS.values(), ids=oriented.FILTERS)
def test_filters_say_nothing_of_even_light(make: Any, angle: int) -> None:
    weights = make(11, angle)
    assert weights.sum() == pytest.approx(0, abs=1e-12) and np.square(weights).sum() == pytest.approx(1)


def test_selectivity_and_width_of_a_known_tuning_curve() -> None:
    angles = np.arange(0, 180, 10)
    curve = np.maximum(0, 1 - np.abs(angles - 90) / 40)  # falls to one half 20 degrees from its peak
    assert orientation.half_width(curve, angles) == pytest.approx(20)
    assert orientation.half_width(np.roll(curve, 9), angles) == pytest.approx(20)
    np.testing.assert_allclose(orientation.selectivity((1 + np.cos(2 * np.deg2rad(angles)))[:, None], angles), 0.5)
