"""Experiments about minima, scaling, learning rates and hypergradients at smoke size: what the syllabus says must come out."""

from experiments import hypergradients, nonconvexity, range_test, scaling
from tests.experiments.smoke import smoke


def test_logistic_regression_has_one_minimum_and_a_network_several() -> None:
    results, figures = smoke(nonconvexity)
    logistic, network = results.values()
    assert logistic["arrived at a minimum"] == logistic["starts"] and logistic["different minima"] == 1
    assert logistic["largest distance between arrivals"] < 1e-4
    assert network["different minima"] > 1
    assert logistic["smallest eigenvalue of the Hessian at a start"] > 0 > network["smallest eigenvalue of the Hessian at a start"]
    assert set(figures) == {"nonconvexity"}


def test_scaling_wins_and_without_it_sigmoids_saturate() -> None:
    results, figures = smoke(scaling)
    for by_inputs in results["breast_cancer"]["sigmoid"].values():
        raw, standardised = by_inputs["raw"], by_inputs["standardised"]
        assert standardised["test accuracy"]["mean"] > raw["test accuracy"]["mean"]
        assert standardised["validation loss"]["mean"] < raw["validation loss"]["mean"]
        assert raw["flat in the first layer, before"]["mean"] > 0.8 > 0.1 > standardised["flat in the first layer, before"]["mean"]
    assert set(figures) == {"scaling"}


def test_the_pick_of_a_range_test_trains_well() -> None:
    results, figures = smoke(range_test)
    found = results["breast_cancer"]["Adam"]
    assert found["validation accuracy"]["suggested"]["mean"] > found["validation accuracy"]["highest"]["mean"] - 0.03
    assert set(figures) == {"range_test"}


def test_walks_along_hypergradients_lead_down() -> None:
    results, figures = smoke(hypergradients)
    first, last = results["validation loss, first step and last"]
    assert last["mean"] < 0.8 * first["mean"]
    assert results["test"]["by gradient"]["loss"]["mean"] < results["test"]["as it began"]["loss"]["mean"]
    assert set(figures) == {"hypergradients"}
