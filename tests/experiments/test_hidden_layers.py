"""Experiments about what hidden layers can do, at smoke size: what the syllabus says must come out."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import bypass, depth, universal_approximator
from tests.experiments.smoke import smoke


def test_accuracy_rises_with_depth_on_spirals() -> None:
    results, _ = smoke(depth)
    assert results["accuracy rises with depth on spirals"]
    assert results["circles"]["logistic"]["test accuracy"]["mean"] < 0.65 < results["circles"]["1 hidden layer"]["test accuracy"]["mean"]


def test_the_wide_layer_has_as_many_parameters_as_five() -> None:
    config = depth.Config()
    assert config.wide is not None
    counts = [sum((a + 1) * b for a, b in zip((2, *hidden), (*hidden, 1), strict=True)) for hidden in depth.shapes(config).values()]
    assert counts[-1] == counts[-2]


def test_hand_set_networks_meet_their_bounds() -> None:
    results, figures = smoke(universal_approximator)
    assert (results["max |f'|"], results["max |f''|"]) == (pytest.approx(6.996, abs=1e-3), pytest.approx(170.5, abs=0.1))
    for kind, rate in (("steps", 2), ("bumps", 2), ("ReLUs", 4)):
        rows = results["by hand"][kind]
        assert all(row["met"] for row in rows["neurons"].values())
        assert rows["the last doubling divides the error by"] == pytest.approx(rate, rel=0.1)
    assert results["trained"]["relu"]["32"]["error"]["mean"] < 0.2
    assert set(figures) == {"universal_approximator", "universal_approximator_weights"}


def test_bumps_are_steps_of_half_as_many_cells() -> None:
    x = np.linspace(0, 1, 999)
    staircases = [universal_approximator.evaluate(net, x) for net in (universal_approximator.bumps(32), universal_approximator.steps(16))]
    np.testing.assert_allclose(*staircases, rtol=0, atol=1e-14)


def test_relus_meet_the_function_at_their_bends() -> None:
    bends = np.arange(17) / 16
    np.testing.assert_allclose(
        universal_approximator.evaluate(universal_approximator.relus(16), bends), universal_approximator.f(bends), rtol=0, atol=1e-13
    )


def test_slopes_are_derivatives_of_the_function() -> None:
    x = np.linspace(0, 1, 101)
    for function, derivative in (
        (universal_approximator.f, universal_approximator.slope),
        (universal_approximator.slope, universal_approximator.curvature),
    ):
        np.testing.assert_allclose((function(x + 1e-6) - function(x - 1e-6)) / 2e-6, derivative(x), rtol=0, atol=1e-6)


@pytest.mark.usefixtures("no_data_folder")
def test_very_deep_networks_train_with_ways_round_their_blocks() -> None:
    results, figures = smoke(bypass)
    wide = results["wide and deep"]
    assert wide["data"] == "diabetes, 442 rows"
    assert wide["wide"]["test R2"]["mean"] == pytest.approx(wide["least squares"]["test R2"]["mean"], abs=0.1)
    residual, blocks, dense = results["very deep"]["26"].values()
    assert residual["training loss"]["mean"] < 0.3 < 0.9 < min(row["training loss"]["mean"] for row in (blocks, dense))
    assert set(figures) == {"bypass", "bypass_wide"}


def test_blocks_with_and_without_a_way_round_have_equal_parameters() -> None:
    x = jax.ShapeDtypeStruct((1, 6), np.dtype(np.float32))
    residual, blocks, dense = (layer.init(jax.random.key(0), x) for layer in bypass.networks_of(4, 3, 2).values())
    assert [leaf.shape for leaf in jax.tree.leaves(residual)] == [leaf.shape for leaf in jax.tree.leaves(blocks)]
    kernels = [leaf for leaf in jax.tree.leaves(dense) if leaf.ndim > 1 and leaf.shape[-2:] == (4, 4)]
    assert sum(len(leaf) for leaf in kernels) == 2 * 3


def test_housing_is_read_where_its_file_is(tmp_path: Path) -> None:
    lines = [
        "rooms,place,median_house_value",
        *(f"{'' if i == 3 else i % 7},{'INLAND' if i % 2 else 'ISLAND'},{100 * i}.0" for i in range(60)),
    ]
    (tmp_path / "housing.csv").write_text("\n".join(lines), encoding="utf-8")
    config = dataclasses.replace(bypass.Config.smoke(), data=str(tmp_path), seeds=1)
    dataset = bypass.read(config)
    assert (dataset.rows, dataset.target_name) == (60, "median_house_value")
    assert bypass.score(None, dataset, 0, config).r2 < 1
