"""Are mini-batches best no larger than 32, at equal epochs and at equal time?

"Friends don't let friends use minibatches larger than 32" (LeCun of Masters and Luschi 2018). One network on scikit-learn's digits (three
fifths to train on, a fifth each to choose by and to report), plain gradient descent as there, batch sizes from 1 to nearly all rows.
Each batch size has the learning rate, of one grid for all, with the lowest mean validation loss at the end; accuracies are of the test
rows.

Equal epochs: every size sees the rows as often. Equal time: every size has the seconds that batches of ``standard`` rows take for
``standard_epochs`` epochs, so it has the fewer epochs, the smaller the batch. Seconds are of the processor, whole runs without compiling
divided by epochs, the least of ``repeats``.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.support.clock import epoch_seconds
from experiments.support.digits import Digits, flat, read_bundled
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Run, fit_many, models, optimizer
from jaxnn.plots import BLUE, RED
from jaxnn.schedules import steps_per_epoch


@dataclass(frozen=True)
class Config:
    """sizes: of batches. epochs: of all at equal epochs. rates: powers of ten of learning rates, lowest, highest, how many."""

    seeds: int = 5
    rows: int = 1078
    hidden: tuple[int, ...] = (64, 32)
    sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    epochs: int = 20
    standard: int = 32
    standard_epochs: int = 50
    rates: tuple[float, float, int] = (-3.0, 0.5, 15)
    repeats: int = 10

    @classmethod
    def smoke(cls) -> "Config":
        """Two sizes, fewer rows, epochs and rates."""
        return cls(2, 150, (16,), sizes=(32, 128), epochs=4, standard_epochs=4, rates=(-2.0, 0.0, 3), repeats=1)


class Trained(NamedTuple):
    """The runs (seeds) of one batch size at its best learning rate."""

    rate: float
    runs: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """A row for each batch size."""
    digits = read_bundled(config.rows)
    seconds = {size: epoch_seconds(recipe(size, config.epochs, 0.01, config), flat(digits.train), config.repeats) for size in config.sizes}
    budget = config.standard_epochs * seconds[config.standard]
    epochs = {size: max(1, round(budget / seconds[size])) for size in config.sizes}
    same_epochs = {size: train(size, config.epochs, digits, config) for size in config.sizes}
    same_time = {size: train(size, epochs[size], digits, config) for size in config.sizes}
    both = {"epochs": same_epochs, "time": same_time}
    accuracies = {name: {size: accuracy(one, digits) for size, one in trained.items()} for name, trained in both.items()}
    show("batch_sizes", draw(both, accuracies, config, budget))
    rows = len(digits.train[1])
    return {
        "rows": rows,
        "seconds of each at equal time": budget,
        "by batch size": {
            str(size): {"updates of an epoch": steps_per_epoch(rows, size), "seconds of an epoch": seconds[size]}
            | {f"equal {name}": summary(trained[size], accuracies[name][size]) for name, trained in both.items()}
            for size in config.sizes
        },
    }


def recipe(batch_size: int, epochs: int, rate: float, config: Config) -> Recipe:
    """Plain gradient descent."""
    task = Classification(models.mlp(config.hidden, 10))
    return Recipe(task, optimizer("sgd", learning_rate=rate), epochs=epochs, batch_size=batch_size)


def train(batch_size: int, epochs: int, digits: Digits, config: Config) -> Trained:
    """All learning rates and seeds as one population; the rate with the lowest mean validation loss at the end."""
    low, high, count = config.rates
    rates = np.logspace(low, high, count)
    recipes = [recipe(batch_size, epochs, float(rate), config) for rate in rates]
    runs = fit_many(recipes, flat(digits.train), validation=flat(digits.validation), seeds=config.seeds)
    groups = [runs[i * config.seeds : (i + 1) * config.seeds] for i in range(count)]
    best = int(np.argmin([np.mean([last_loss(run) for run in group]) for group in groups]))
    return Trained(float(rates[best]), groups[best])


def last_loss(run: Run) -> float:
    """The validation loss at the end; infinity for a run that diverged."""
    return float("inf") if run.outcome == "diverged" else float(run.history["validation_loss"][-1])


def accuracy(trained: Trained, digits: Digits) -> list[float]:
    """On test rows, by seed."""
    return [run.evaluate(*flat(digits.test))["accuracy"] for run in trained.runs]


def summary(trained: Trained, accuracies: list[float]) -> Results:
    """What is written of one batch size."""
    return {
        "epochs": trained.runs[0].epochs,
        "learning rate": trained.rate,
        "training loss": mean_sd(float(run.history["loss"][-1]) for run in trained.runs),
        "validation loss": mean_sd(last_loss(run) for run in trained.runs),
        "test accuracy": mean_sd(accuracies),
    }


def draw(both: dict[str, dict[int, Trained]], accuracies: dict[str, dict[int, list[float]]], config: Config, budget: float) -> Figure:
    """Test accuracy, validation loss and learning rate by batch size."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    names = {"epochs": f"{config.epochs} epochs each", "time": f"{budget:.2g} seconds each"}
    for (kind, trained), (colour, style) in zip(both.items(), ((BLUE, "-o"), (RED, "--s")), strict=True):
        sizes = list(trained)
        of_seeds = np.array([accuracies[kind][size] for size in sizes])
        losses = np.array([[last_loss(run) for run in trained[size].runs] for size in sizes])
        for axes, values in zip(panels, (of_seeds, losses), strict=False):
            error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            axes.errorbar(sizes, values.mean(axis=1), error, fmt=style, color=colour, capsize=3, markersize=4, label=names[kind])
        panels[2].loglog(sizes, [trained[size].rate for size in sizes], style, color=colour, markersize=4)
    labels = ("test accuracy", "validation loss", "learning rate chosen")
    for axes, label in zip(panels, labels, strict=True):
        axes.set(xlabel="batch size; bars: standard error" if axes is not panels[2] else "batch size", ylabel=label)
        axes.set_xscale("log", base=2)
        axes.axvline(config.standard, color="0.6", linewidth=0.8)
        tidy(axes)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
