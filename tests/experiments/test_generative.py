"""Experiments about codes and made-up digits at smoke size: what the syllabus says must come out."""

import numpy as np
import pytest

from experiments import autoencoder, gan
from experiments.support import sampled
from experiments.support.components import Components
from tests.experiments.smoke import smoke


@pytest.mark.usefixtures("no_data_folder")
def test_autoencoders_reconstruct_better_than_principal_components() -> None:
    results, figures = smoke(autoencoder)
    row = results["digits"]
    assert row["test error over PCA's"]["dense"][4] < 1 < row["test error over PCA's"]["linear"][4] < 1.5
    assert row["test error over PCA's"]["convolutional"][4] < 1.05
    assert row["test error, PCA"][4] < row["test error, each pixel its mean"]
    cleaned = results["digits, noise of 0.5, code of 4"]
    assert cleaned["with noise"]["mean"] == pytest.approx(0.25, rel=0.05)
    assert cleaned["denoising autoencoder"]["mean"] < cleaned["autoencoder of clean images"]["mean"]
    assert results["digits, variational, code of 8"]["KL, nats"]["mean"] > 0.5
    assert "JAXNN_DATA" in results["MNIST"]["left out"]
    names = ("", "_images", "_codes", "_noise", "_samples")
    assert set(figures) == {f"autoencoder{name}" for name in names}


def test_components_are_the_best_linear_code_and_the_best_linear_denoiser() -> None:
    random = np.random.default_rng(0)
    x = (random.normal(size=(4000, 6)) * np.array([3, 2, 1, 0.5, 0.2, 0.1])).reshape(4000, 3, 2)
    first = Components(x, 2)
    left_out = np.sort(np.linalg.eigvalsh(np.cov(x.reshape(-1, 6).T)))[:4].sum() / 6
    assert np.mean(np.square(first.predict(x) - x)) == pytest.approx(left_out, rel=1e-3)
    noisy = x + random.normal(size=x.shape)
    design = np.c_[noisy.reshape(-1, 6), np.ones(len(x))]
    fitted = design @ np.linalg.lstsq(design, x.reshape(-1, 6), rcond=None)[0]
    found = Components(x).predict(noisy, 1.0)
    assert np.mean(np.square(found - x)) == pytest.approx(np.mean(np.square(fitted - x.reshape(-1, 6))), rel=0.01)


@pytest.mark.usefixtures("no_data_folder")
def test_a_gan_draws_digits() -> None:
    results, figures = smoke(gan)
    assert results["judge's test accuracy"] > 0.9
    assert results[gan.REAL]["digits covered"]["mean"] == 10 and results[gan.UNTRAINED]["digits covered"]["mean"] < 5
    for name in (gan.SATURATING, gan.WASSERSTEIN):
        assert results[name]["digits covered"]["mean"] > 5
        for part in ("discrepancy", "discrepancy of pixels", "distance from the nearest training image"):
            assert results[gan.REAL][part]["mean"] < results[name][part]["mean"] < results[gan.UNTRAINED][part]["mean"]
    assert set(figures) == {"gan", "gan_scores", "gan_training"}


def test_discrepancy_by_its_sums_and_where_it_is_known() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [4.0]])
    kernel = sampled.Kernel(1.5)
    k = lambda u, v: float(np.exp(-((u - v) ** 2) / (2 * 1.5**2)))  # noqa: E731
    by_hand = k(0, 1) + k(2, 4) - (k(0, 2) + k(0, 4) + k(1, 2) + k(1, 4)) / 2
    assert sampled.discrepancy(kernel, a, b) == pytest.approx(by_hand)
    # of N(0, 1) and N(2, 1) with scale 1 it is 2 (1 - exp(-2²/6)) / sqrt(3)
    random = np.random.default_rng(0)
    drawn = [random.normal(mean, 1, (1500, 1)) for mean in (0, 2, 0)]
    kernel = sampled.Kernel(1.0)
    assert sampled.discrepancy(kernel, drawn[0], drawn[1]) == pytest.approx(2 * (1 - np.exp(-4 / 6)) / np.sqrt(3), abs=0.05)
    assert abs(sampled.discrepancy(kernel, drawn[0], drawn[2])) < 0.005


def test_digits_count_where_the_judge_is_sure() -> None:
    said = sampled.seen(np.array([[0.95, 0.05], [0.4, 0.6], [0.0, 1.0], [0.2, 0.8]]), 0.9)
    assert said["shares"].tolist() == [0.25, 0.25] and said["confidence"] == pytest.approx((0.95 + 0.6 + 1 + 0.8) / 4)
    assert said["effective classes"] == pytest.approx(np.exp(-0.25 * np.log(0.25) - 0.75 * np.log(0.75)))
    assert sampled.nearest(np.array([[0.0], [5.0]]), np.array([[1.0], [2.0]])).tolist() == [1.0, 3.0]
