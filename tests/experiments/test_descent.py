"""Experiments about steps, rates and batches at smoke size: what the syllabus says must come out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import batch_sizes, gradient_descent, learning_rates, optimizers
from experiments.support.film import Film, save_film
from tests.experiments.smoke import smoke


def test_learning_rates_are_too_small_and_too_large() -> None:
    results, figures = smoke(learning_rates)
    constant, schedules = results["constant"], results["schedules"]
    assert (constant["too small"], constant["best"], constant["too large"]) == ([0.0003], 0.1, [30.0])
    assert set(schedules) == set(learning_rates.Config.smoke().kinds) < set(learning_rates.SCHEDULES)
    assert all(row["diverged"] == 0 and row["test accuracy"]["mean"] > 0.7 for row in schedules.values())
    assert set(figures) == {"learning_rates", "learning_rates_schedules"}


def test_optimizers_find_their_way_down(tmp_path: Path) -> None:
    results, figures = smoke(optimizers)
    ways, ranking = results["on the surface"], results["on the network, best first"]
    assert set(ways) == set(optimizers.ON_SURFACE)
    started = float(optimizers.beale(np.float32(optimizers.START)))
    assert all(way["height at the end"] < started / 10 for way in ways.values())
    losses = [row["training loss"] for row in ranking.values()]
    assert set(ranking) == {"SGD", "Adam"} and losses == sorted(losses)
    assert set(figures) == {"optimizers", "optimizers_descent", "optimizers_surface"}
    film = figures["optimizers_descent"]
    assert isinstance(film, Film)
    save_film(tmp_path / "film.gif", film)
    with Image.open(tmp_path / "film.gif") as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("GIF", film.frames)


def test_beale_has_its_minimum_where_it_is_said_to_be() -> None:
    assert float(optimizers.beale(np.float32(optimizers.END))) == 0
    assert float(optimizers.beale(np.float32([1.0, 1.0]))) == pytest.approx(1.5**2 + 2.25**2 + 2.625**2)


def test_updates_of_an_epoch_are_counted() -> None:
    results, figures = smoke(gradient_descent)
    assert {way: results[way]["updates of an epoch, counted"] for way in ("full", "stochastic", "mini-batch")} == {
        "full": 1,
        "stochastic": 100,
        "mini-batch": 4,
    }
    assert all(row["updates of an epoch, counted"] == row["updates of an epoch, ceil(M / B)"] for row in list(results.values())[1:])
    assert set(figures) == {"gradient_descent"}


def test_batch_sizes_at_equal_epochs_and_equal_time() -> None:
    results, figures = smoke(batch_sizes)
    rows = results["by batch size"]
    assert {size: row["updates of an epoch"] for size, row in rows.items()} == {"32": 5, "128": 2}
    assert all(row["equal epochs"]["epochs"] == 4 and row["equal time"]["epochs"] >= 1 for row in rows.values())
    assert rows["32"]["equal time"]["epochs"] == 4
    assert set(figures) == {"batch_sizes"}
