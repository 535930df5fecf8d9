"""Experiments about gradients through layers at smoke size: what the syllabus says must come out."""

import numpy as np
import pytest

from experiments import backpropagation, initialisation, vanishing_gradient
from experiments.support import hand_computed
from tests.experiments.smoke import smoke


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_backpropagation_by_hand_is_autodiff(kind: str) -> None:
    results, figures = smoke(backpropagation)
    for differences in (results[kind]["largest differences"], results[kind]["largest differences, random nets"]):
        assert differences.pop("mean gradient, central differences") < 1e-8
        assert len(differences) >= 4 and max(differences.values()) < 1e-12
    assert results[kind]["one update"]["loss after"] < results[kind]["one update"]["loss before"]
    steps = results[kind]["steps"]
    assert list(steps) == ["sample 1", "sample 2", "sample 3", "all samples"]
    assert steps["sample 1"][0] == "b1[1] = 0.1 + 0.8·1 + 0.4·0.5 = 1.1; x1[1] = sigma(b) = 0.7503"
    assert sum(line.startswith("delta") for line in steps["sample 2"]) == 4 + len(backpropagation.LAST[kind][0])
    assert set(figures) == {"backpropagation", "backpropagation_mean"}


def test_the_last_layer_by_hand() -> None:
    # y = 1, y_hat = 0.2 + 1.5 x1 - 1.1 x2 with x = (0.6, 0.5): delta = -2 (1 - 0.55)
    passed = hand_computed.one_sample([backpropagation.LAST["regression"]], np.array([0.6, 0.5]), 1.0, "regression")
    assert passed.delta == [[pytest.approx(-0.9)]] and passed.loss == pytest.approx(0.45**2)
    np.testing.assert_allclose(passed.gradient[0][:, 0], [-0.9, -0.54, -0.45])


def test_gradients_vanish_through_sigmoid_layers_only() -> None:
    results, figures = smoke(vanishing_gradient)
    rates = {name: rows["12 hidden layers"] for name, rows in results["factor a layer"].items()}
    assert rates["sigmoid"]["mean"] == pytest.approx(results["factor a layer"]["sigmoid"]["theory"], abs=0.02)
    assert rates["sigmoid"]["share of variance explained"] > 0.99
    for name in ("tanh", "relu"):
        assert rates[name]["mean"] == pytest.approx(1, abs=0.15)
        assert results["factor a layer"][name]["theory"] == pytest.approx(1, abs=1e-3)
    accuracy = results["training accuracy"]["gradient descent"]
    assert accuracy["sigmoid"]["6"]["mean"] < 0.7 < 0.9 < accuracy["relu"]["6"]["mean"]
    assert set(figures) == {"vanishing_gradient"}


def test_fitted_lines_find_slopes() -> None:
    assert vanishing_gradient.fit_line(np.array([1.0, 3.0, 5.0, 7.0])) == (pytest.approx(2), pytest.approx(1))


def test_variance_is_kept_where_theory_says() -> None:
    results, figures = smoke(initialisation)
    for by_name in results["by layer"].values():
        for row in by_name.values():
            for part in row.values():
                assert part["factor"]["mean"] == pytest.approx(part["by theory"], abs=0.08)
    for function, name in (("relu", "He"), ("selu", "LeCun"), ("selu", "orthogonal")):
        assert results["by layer"][function][name]["outputs"]["kept by theory"]
    for function, name in (("relu", "Glorot"), ("tanh", "small"), ("selu", "He"), ("tanh", "zeros")):
        assert not results["by layer"][function][name]["outputs"]["kept"]
    assert set(figures) == {"initialisation", "initialisation_symmetry"}
    for rows in results["neurons that begin equal"].values():
        assert rows["zeros"]["largest difference between two neurons"] == rows["constant"]["largest difference between two neurons"] == 0
        assert rows["library"]["largest difference between two neurons"] > 0.1
    assert results["neurons that begin equal"]["relu"]["zeros"]["largest weight of a neuron"] == 0


def test_theory_of_layers_is_exact_for_relu() -> None:
    he, glorot = (initialisation.theory("relu", name, initialisation.Config.smoke()) for name in ("He", "Glorot"))
    np.testing.assert_allclose(he.outputs, 1, rtol=1e-6)
    np.testing.assert_allclose(he.errors, 0.5, rtol=1e-6)
    np.testing.assert_allclose(glorot.outputs, 0.5 ** np.arange(1, 11), rtol=1e-5)
