"""Experiments about single units at smoke size: what the syllabus says must come out."""

import jax
import numpy as np
import pytest

from experiments import activation_functions, logistic_neuron, threshold_units
from tests.experiments.smoke import smoke


def test_threshold_units_are_exact() -> None:
    results, figures = smoke(threshold_units)
    assert all(net["exact"] for net in results["nets"].values()) and results["memory"]["exact"]
    assert {name: net["layers"] for name, net in results["nets"].items() if "XOR" in name} == {"XOR, two layers": 2, "XOR, weighted": 2}
    counts = results["functions of one unit"]
    assert [counts[n]["proper"] for n in "1234"] == [counts[n]["proper, by formula"] for n in "1234"] == [4, 11, 36, 125]
    assert [counts[n]["weighted"] for n in "1234"] == [4, 14, 104, 1882]
    assert all(row["found and refuted are all"] for row in counts.values())
    beyond = results["functions of two inputs beyond one unit"]
    assert sorted(beyond["proper"]) == ["NAND", "XNOR", "XOR", "x1 implies x2", "x2 implies x1"]
    assert sorted(beyond["weighted"]) == ["XNOR", "XOR"]
    assert set(figures) == {"threshold_units_nets", "threshold_units_counts"}


def test_hand_set_params_have_the_shape_that_init_would_give() -> None:
    net, _ = threshold_units.NETS["XOR, two layers"]
    layer, params = threshold_units.build(net)
    drawn = layer.init(jax.random.key(0), np.zeros((1, 2), np.float32))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, drawn)


def test_a_sigmoid_neuron_is_logistic_regression() -> None:
    results, _ = smoke(logistic_neuron)
    for row in results.values():
        assert row["max |difference|, float32"]["worst"] < 1e-3
        assert row["max |difference|, float64"] < 1e-6
        assert row["training accuracy"]["neuron"] == pytest.approx(row["training accuracy"]["scikit-learn"], abs=1e-6)


def test_derivatives_by_hand_are_those_of_autodiff() -> None:
    results, _ = smoke(activation_functions)
    for row in results.values():
        assert row["max |by hand - autodiff|, float64"] < 1e-14
        assert row["max |by hand - autodiff|, float32"] < 1e-6
        assert row["max |by hand - central difference|, float64"] < 1e-9
    assert sum(row["in the lecture"] for row in results.values()) == 5
    assert (results["sigmoid"]["steepest"], results["step"]["steepest"]) == (0.25, 0.0)
