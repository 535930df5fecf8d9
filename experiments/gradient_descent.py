"""Full, stochastic or in mini-batches: how many updates is an epoch, and which way is the loss down soonest?

One network on scikit-learn's digits (three fifths of them), plain gradient descent. Only the batch size differs: all M rows, one row, and
B rows, the last batch of an epoch being smaller where B does not divide M. Updates are counted by the optimizer itself. Each way has the
learning rate with the lowest training loss after its last epoch, mean over seeds, and as many epochs as it takes to see where it goes.

Seconds are of the processor, whole runs without compiling divided by epochs, the least of ``repeats``.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.support.clock import epoch_seconds
from experiments.support.digits import Examples, flat, read_bundled
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Run, fit, fit_many, models, optimizer
from jaxnn.plots import BLUE, GREEN, RED
from jaxnn.schedules import Constant

LOW = 0.1
"""A loss that is low."""


@dataclass(frozen=True)
class Config:
    """full, stochastic, mini_batch: epochs of each way. batch_size: of mini-batches."""

    seeds: int = 5
    rows: int = 1078
    hidden: tuple[int, ...] = (64, 32)
    batch_size: int = 32
    full: int = 3000
    stochastic: int = 30
    mini_batch: int = 200
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    repeats: int = 3

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer rows, epochs and rates."""
        return cls(2, rows=100, hidden=(16,), full=100, stochastic=4, mini_batch=20, rates=(0.03, 0.3), repeats=1)


class Way(NamedTuple):
    """Runs (seeds) at the best learning rate. updates: of an epoch, as counted. seconds: of an epoch."""

    batch_size: int
    rate: float
    runs: list[Run]
    updates: float
    seconds: float

    def losses(self) -> np.ndarray:
        """The geometric mean over seeds of each epoch's training loss (epochs,)."""
        return np.asarray(np.exp(np.mean([np.log(run.history["loss"]) for run in self.runs], axis=0)))


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Updates counted and by formula, and when the loss is low."""
    data = flat(read_bundled(config.rows).train)
    rows = len(data[1])
    sizes = {"full": (rows, config.full), "stochastic": (1, config.stochastic), "mini-batch": (config.batch_size, config.mini_batch)}
    ways = {name: train(size, epochs, data, config) for name, (size, epochs) in sizes.items()}
    show("gradient_descent", draw(ways))
    return {"rows": rows} | {name: summary(way, rows) for name, way in ways.items()}


def train(batch_size: int, epochs: int, data: Examples, config: Config) -> Way:
    """All learning rates and seeds as one population, then one run of the best for the clock."""
    recipes = [recipe(batch_size, epochs, rate, config) for rate in config.rates]
    runs = fit_many(recipes, data, seeds=config.seeds)
    groups = [runs[i * config.seeds : (i + 1) * config.seeds] for i in range(len(recipes))]
    best = int(np.argmin([np.mean([last_loss(run) for run in group]) for group in groups]))
    state = fit(recipes[best], data).state
    assert state is not None  # for the type checker: a run alone keeps it
    seconds = epoch_seconds(recipes[best], data, config.repeats)
    return Way(batch_size, config.rates[best], groups[best], int(state.optimizer.step) / epochs, seconds)


def recipe(batch_size: int, epochs: int, rate: float, config: Config) -> Recipe:
    """Plain gradient descent; a schedule, though a constant one, has the optimizer count its updates."""
    task = Classification(models.mlp(config.hidden, 10))
    return Recipe(task, optimizer("sgd", learning_rate=Constant(rate)), epochs=epochs, batch_size=batch_size)


def last_loss(run: Run) -> float:
    """The training loss at the end; infinity for a run that diverged."""
    return float("inf") if run.outcome == "diverged" else float(run.history["loss"][-1])


def summary(way: Way, rows: int) -> Results:
    """What is written of one way."""
    low = np.flatnonzero(way.losses() < LOW)
    epochs = int(low[0]) + 1 if len(low) else None
    return {
        "batch size": way.batch_size,
        "learning rate": way.rate,
        "updates of an epoch, counted": way.updates,
        "updates of an epoch, ceil(M / B)": -(-rows // way.batch_size),
        "seconds of an epoch": way.seconds,
        "microseconds of an update": 1e6 * way.seconds / way.updates,
        f"until the loss is below {LOW}": None
        if epochs is None
        else {"epochs": epochs, "updates": epochs * way.updates, "seconds": epochs * way.seconds},
        "epochs": len(way.losses()),
        "training loss at the end": mean_sd(last_loss(run) for run in way.runs),
    }


def draw(ways: dict[str, Way]) -> Figure:
    """Training loss by updates, by epochs and by seconds."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for (name, way), (colour, style) in zip(ways.items(), ((RED, "--"), (GREEN, "-."), (BLUE, "-")), strict=True):
        losses = way.losses()
        epochs = np.arange(1, len(losses) + 1)
        label = f"{name}: B = {way.batch_size:,}, learning rate {way.rate:g}"
        for axes, unit in zip(panels, (way.updates, 1, way.seconds), strict=True):
            axes.loglog(epochs * unit, losses, style, color=colour, label=label)
    for axes, name in zip(panels, ("updates", "epochs", "seconds"), strict=True):
        axes.axhline(LOW, color="0.6", linewidth=0.8)
        axes.set_xlabel(name)
        tidy(axes)
    panels[0].set(ylabel="mean training loss of an epoch", ylim=(1e-4, 3))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
