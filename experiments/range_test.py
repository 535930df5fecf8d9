"""Does the learning rate that a range test suggests train as well as the best one that can be found?

Range tests of 29 rates and 100 steps, each as one population, on four problems and two optimizers. Then every one of those rates, and
the one suggested, is trained in full, 5 seeds each, and what is asked is how far the suggestion is from the best rate of all in
mean validation loss and score at the last epoch. The best is chosen with the answers known, by the numbers it is judged by, so the
comparison favours it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optax
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Regression, Run, fit_many, models, optimizer
from jaxnn.data import load
from jaxnn.diagnostics import RangeTest, range_test
from jaxnn.plots import RED
from jaxnn.plots import range_test as draw_range_test

OPTIMIZERS = {
    "momentum": lambda rate: optimizer(optax.sgd, learning_rate=rate, momentum=0.9),
    "Adam": lambda rate: optimizer(optax.adam, learning_rate=rate),
}
NAMES = ("digits", "breast_cancer", "wine", "diabetes")


@dataclass(frozen=True)
class Config:
    """rates, steps: of the range test. epochs: of the full runs, of which every `every`-th rate of the test is trained."""

    seeds: int = 5
    names: tuple[str, ...] = NAMES
    ways: tuple[str, ...] = tuple(OPTIMIZERS)
    rates: int = 29
    steps: int = 100
    epochs: int = 40
    every: int = 1

    @classmethod
    def smoke(cls) -> "Config":
        """One problem and one optimizer."""
        return cls(seeds=2, names=("breast_cancer",), ways=("Adam",), rates=15, steps=60, epochs=15, every=2)


class Outcome(NamedTuple):
    """The range test, and the full runs: by rate (rates, seeds), and of the suggestion (seeds)."""

    test: RangeTest
    rates: np.ndarray
    runs: list[list[Run]]
    suggested: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Suggested and best rates with their validation losses and scores."""
    outcomes = {name: {way: examine(name, way, config) for way in config.ways} for name in config.names}
    show("range_test", draw(outcomes))
    return {name: {way: compare(outcome) for way, outcome in by_way.items()} for name, by_way in outcomes.items()}


def examine(name: str, way: str, config: Config) -> Outcome:
    """One range test and the full runs of its rates."""
    data = read(name)
    test = range_test(recipe(name, way, 1.0, config), data, validation=0.2, rates=config.rates, steps=config.steps)
    rates = test.learning_rates[:: config.every]
    recipes = [recipe(name, way, float(rate), config) for rate in (test.suggestion, *rates)]
    runs = fit_many(recipes, data, validation=0.2, seeds=config.seeds)
    suggested, *rest = (runs[first : first + config.seeds] for first in range(0, len(runs), config.seeds))
    return Outcome(test, rates, rest, suggested)


def read(name: str) -> Any:
    """Standardised inputs; numbers to learn standardised too."""
    data = load(name)
    x = data.numbers.astype(np.float64)
    x = ((x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-3)).astype(np.float32)
    if name == "diabetes":
        y = data.target.astype(np.float64)
        return x, ((y - y.mean()) / y.std()).astype(np.float32)
    return x, np.unique(data.target, return_inverse=True)[1].astype(np.int32)


def recipe(name: str, way: str, rate: float, config: Config) -> Recipe:
    """A network of two hidden layers of 32."""
    classes = {"digits": 10, "breast_cancer": 2, "wine": 3}
    task = Classification(models.mlp((32, 32), classes[name])) if name in classes else Regression(models.mlp((32, 32), 1))
    return Recipe(task, OPTIMIZERS[way](rate), epochs=config.epochs)


def compare(outcome: Outcome) -> Results:
    """The suggestion beside the rate with the lowest mean validation loss, and the one with the highest mean accuracy."""
    losses = [last(runs, "validation_loss") for runs in outcome.runs]
    best = int(np.nanargmin([np.mean(values) for values in losses]))
    found: Results = {
        "suggested rate": outcome.test.suggestion,
        "rate of the lowest loss": float(outcome.rates[best]),
        "validation loss": {"suggested": mean_sd(last(outcome.suggested, "validation_loss")), "lowest": mean_sd(losses[best])},
        "rates that diverged in the test": int(np.isnan(outcome.test.losses).sum()),
    }
    if "validation_accuracy" in outcome.suggested[0].history:
        scores = [last(runs, "validation_accuracy") for runs in outcome.runs]
        top = int(np.nanargmax([np.mean(values) for values in scores]))
        found["rate of the highest accuracy"] = float(outcome.rates[top])
        found["validation accuracy"] = {
            "suggested": mean_sd(last(outcome.suggested, "validation_accuracy")),
            "highest": mean_sd(scores[top]),
        }
    return found


def last(runs: list[Run], metric: str) -> list[float]:
    """The metric at the last epoch of each run, nan where it diverged."""
    return [np.nan if run.outcome == "diverged" else float(run.history[metric][-1]) for run in runs]


def draw(outcomes: dict[str, dict[str, Outcome]]) -> Figure:
    """A panel for each problem and optimizer: the range test, and what full runs of its rates end with."""
    columns = next(iter(outcomes.values()))
    figure = Figure(figsize=(3.6 * len(outcomes), 3.1 * len(columns)), layout="constrained")
    grid: np.ndarray = figure.subplots(len(columns), len(outcomes), squeeze=False)
    for column, (name, by_way) in zip(grid.T, outcomes.items(), strict=True):
        for axes, (way, outcome) in zip(column, by_way.items(), strict=True):
            draw_one(axes, outcome)
            axes.set_title(f"{name.replace('_', ' ')}, {way}: {outcome.test.suggestion:.2g} suggested", fontsize=10)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, [label.split(":")[0] for label in labels], loc="outside lower center", ncols=4, frameon=False)
    return figure


def draw_one(axes: Axes, outcome: Outcome) -> None:
    """Losses after the test's steps, and at the end of full runs: mean over the seeds."""
    ends = np.array([np.mean(last(runs, "validation_loss")) for runs in outcome.runs])
    axes.plot(outcome.rates, ends, "--", color=RED, linewidth=1.2, label="after a full run")
    draw_range_test(axes, outcome.test)
    axes.set_ylim(min(axes.get_ylim()[0], 0.9 * float(np.nanmin(ends))), None)
    axes.legend().remove()  # one for all panels stands below


if __name__ == "__main__":
    command_line(main, Config)
