"""What does it cost not to scale the inputs, and is it saturation that costs it?

Two sets with columns in their raw units, of sizes from 0.001 to 1,000 (breast cancer, wine), each with and without standardisation by the
training rows. Networks of two hidden layers of 16, sigmoid, tanh or ReLU, trained by plain gradient descent in batches of 32 and by
Adam. The learning rate is chosen for each by the mean validation loss over the seeds, from a fifth of the training rows, so that neither
side has the rate of the other; accuracies are of rows that took no part. A sigmoid or tanh output is saturated where its slope is
below a twentieth of its steepest; a ReLU unit is dead where it is flat for every training row.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Run, fit_many, models, optimizer
from jaxnn.data import load
from jaxnn.data.splits import split_rows
from jaxnn.diagnostics import statistics
from jaxnn.plots import BLUE, RED
from jaxnn.typing import Batch

SETS = ("breast_cancer", "wine")
FUNCTIONS = ("sigmoid", "tanh", "relu")
OPTIMIZERS = {"gradient descent": optax.sgd, "Adam": optax.adam}
INPUTS = ("raw", "standardised")


@dataclass(frozen=True)
class Config:
    """rates: to choose from, for each optimizer. seeds: first weights and orders; the split into training and test rows is one."""

    seeds: int = 5
    epochs: int = 100
    sets: tuple[str, ...] = SETS
    functions: tuple[str, ...] = FUNCTIONS
    descent_rates: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    adam_rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)

    @classmethod
    def smoke(cls) -> "Config":
        """One set, one function, one optimizer, fewer rates, seeds and epochs."""
        return cls(seeds=2, epochs=30, sets=("breast_cancer",), functions=("sigmoid",), descent_rates=(1e-3, 1e-1), adam_rates=())


class Rows(NamedTuple):
    """Training and test rows of a set."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Chosen(NamedTuple):
    """The runs (seeds) of the learning rate with the lowest mean validation loss, and their shares of flat outputs or units."""

    learning_rate: float
    runs: list[Run]
    flat_before: list[float]
    flat_after: list[float]
    accuracies: list[float]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Test accuracies, learning rates and shares of saturated outputs (dead units of ReLU), by set, function, optimizer and inputs."""
    chosen = {
        name: {
            function: {way: {inputs: train(name, function, way, inputs, config) for inputs in INPUTS} for way in rates_of(config)}
            for function in config.functions
        }
        for name in config.sets
    }
    show("scaling", draw(chosen))
    return {
        name: {
            function: {way: {inputs: summary(best) for inputs, best in by_inputs.items()} for way, by_inputs in by_way.items()}
            for function, by_way in by_function.items()
        }
        for name, by_function in chosen.items()
    }


def rates_of(config: Config) -> dict[str, tuple[float, ...]]:
    """Learning rates to choose from, by optimizer; one without any is left out."""
    return {way: rates for way, rates in zip(OPTIMIZERS, (config.descent_rates, config.adam_rates), strict=True) if rates}


def read(name: str, inputs: str) -> Rows:
    """A fifth of the rows to test on; standardised by mean and standard deviation of the others."""
    data = load(name)
    x, y = data.numbers.astype(np.float64), np.unique(data.target, return_inverse=True)[1].astype(np.int32)
    train, test = split_rows(len(x), 0.2, seed=0, classes=y)
    if inputs == "standardised":
        x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    x = x.astype(np.float32)
    return Rows(x[train], y[train], x[test], y[test])


def train(name: str, function: str, way: str, inputs: str, config: Config) -> Chosen:
    """All rates and seeds, then the rate with the lowest mean validation loss; one that diverges with any seed is out."""
    rows = read(name, inputs)
    task = Classification(models.mlp((16, 16), int(rows.y.max()) + 1, activation=function))
    rates = rates_of(config)[way]
    recipes = [Recipe(task, optimizer(OPTIMIZERS[way], learning_rate=rate), epochs=config.epochs) for rate in rates]
    runs = fit_many(recipes, (rows.x, rows.y), validation=0.25, seeds=config.seeds)
    groups = [runs[first : first + config.seeds] for first in range(0, len(runs), config.seeds)]
    losses = [np.mean([run.history["validation_loss"][-1] for run in group]) for group in groups]
    best = int(np.nanargmin(losses))
    return Chosen(
        rates[best],
        groups[best],
        [flat(task, first_params(task, rows, seed), rows) for seed in range(config.seeds)],
        [flat(task, run.params, rows) for run in groups[best]],
        [run.evaluate(rows.x_test, rows.y_test)["accuracy"] for run in groups[best]],
    )


def first_params(task: Classification, rows: Rows, seed: int) -> Any:
    """Parameters as they begin."""
    return task.init(jax.random.key(seed), Batch(jnp.asarray(rows.x), jnp.asarray(rows.y), jnp.ones(len(rows.x))))


def flat(task: Classification, params: Any, rows: Rows) -> float:
    """The share of saturated outputs, or of dead units, of the first hidden layer."""
    shares = [row.saturated if row.dead is None else row.dead for row in statistics(task, params, (rows.x, rows.y)).rows]
    return next(share for share in shares if share is not None)


def summary(best: Chosen) -> Results:
    """Means over seeds."""
    return {
        "learning rate": best.learning_rate,
        "test accuracy": mean_sd(best.accuracies),
        "validation loss": mean_sd(run.history["validation_loss"][-1] for run in best.runs),
        "flat in the first layer, before": mean_sd(best.flat_before),
        "flat in the first layer, after": mean_sd(best.flat_after),
    }


def draw(chosen: dict[str, dict[str, dict[str, dict[str, Chosen]]]]) -> Figure:
    """Validation loss by epoch, a row for each set, a panel for each function and optimizer; shares of flat outputs in the legend."""
    columns = [(function, way) for function, by_way in next(iter(chosen.values())).items() for way in by_way]
    figure = Figure(figsize=(2.6 * len(columns), 3.6 * len(chosen)), layout=ConstrainedLayoutEngine(h_pad=0.12))
    grid: np.ndarray = figure.subplots(len(chosen), len(columns), sharex=False, sharey="row", squeeze=False)
    for row, (name, by_function) in zip(grid, chosen.items(), strict=True):
        for axes, (function, way) in zip(row, columns, strict=True):
            for (inputs, best), colour, style in zip(by_function[function][way].items(), (RED, BLUE), ("--", "-"), strict=True):
                curves = np.stack([run.history["validation_loss"] for run in best.runs])
                label = f"{inputs}: {100 * np.mean(best.flat_before):.0f} % flat, {100 * np.mean(best.accuracies):.1f} % right"
                axes.plot(np.arange(1, curves.shape[1] + 1), curves.mean(axis=0), style, color=colour, label=label)
                axes.fill_between(np.arange(1, curves.shape[1] + 1), curves.min(axis=0), curves.max(axis=0), color=colour, alpha=0.15)
            axes.set_title(f"{name.replace('_', ' ')}: {function}\n{way}", fontsize=9)
            axes.set_yscale("log")
            axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2))
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlabel("epoch", fontsize=8)
        row[0].set_ylabel("validation loss")
    return figure


if __name__ == "__main__":
    command_line(main, Config)
