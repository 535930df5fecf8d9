"""What do more layers buy, from logistic regression to five hidden layers?

Networks of 0, 1, 2 and 5 hidden layers of the same narrow width on moons, circles and spirals, and beside them one hidden layer
wide enough to have as many parameters as the five: what depth buys must not be mistaken for what parameters buy.

The budget is the same for all: equal epochs, batch size, optimizer, and the same learning rates to choose from. Every run ends with the
weights of its best epoch by validation loss; the rate is chosen for each network and data set by mean validation accuracy over the
seeds. Test points are drawn apart and used once. The standard deviation is over initial weights and orders of examples, for one
draw of the points.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import BinaryClassification, EarlyStopping, Recipe, Run, fit_many, models, optimizer
from jaxnn.data.synthetic import Points, circles, moons, spirals
from jaxnn.plots import decision_boundary, learning_curves


@dataclass(frozen=True)
class Config:
    """depths: numbers of hidden layers. width: of each. wide: of the one layer with the parameters of five. turns: of the spirals."""

    seeds: int = 20
    depths: tuple[int, ...] = (0, 1, 2, 5)
    width: int = 8
    wide: int | None = 80
    turns: float = 2.5
    rows: int = 400
    held_out: int = 2000
    epochs: int = 400
    learning_rates: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)

    @classmethod
    def smoke(cls) -> "Config":
        """Spirals of fewer turns, fewer networks, one learning rate and fewer epochs: depth shows all the same."""
        return cls(seeds=2, depths=(0, 1, 5), wide=None, turns=1.5, rows=200, held_out=500, epochs=120, learning_rates=(0.02,))


class Chosen(NamedTuple):
    """The runs (seeds) of a network at the learning rate that validation chose, and their test accuracies."""

    learning_rate: float
    runs: list[Run]
    validation: list[float]
    test: list[float]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Test accuracies of each network on each data set."""
    sets, networks = data_sets(config), shapes(config)
    chosen = {name: train(networks, points, config) for name, points in sets.items()}
    show("depth", draw(sets, chosen))
    show("depth_curves", draw_curves(chosen["spirals"]))
    results: Results = {name: {network: summary(best) for network, best in by_network.items()} for name, by_network in chosen.items()}
    by_depth = [np.mean(chosen["spirals"][network].test) for network in list(networks)[: len(config.depths)]]
    return results | {"accuracy rises with depth on spirals": bool(np.all(np.diff(by_depth) > 0))}


def data_sets(config: Config) -> dict[str, list[Points]]:
    """For each data set its points to train on, to validate on and to test on, drawn with different seeds."""
    makers: dict[str, Callable[[int, int], Points]] = {
        "moons": lambda rows, seed: moons(rows, noise=0.2, seed=seed),
        "circles": lambda rows, seed: circles(rows, noise=0.1, seed=seed),
        "spirals": lambda rows, seed: spirals(rows, turns=config.turns, noise=0.02, seed=seed),
    }
    sizes = (config.rows, config.held_out, config.held_out)
    return {name: [make(rows, seed) for seed, rows in enumerate(sizes)] for name, make in makers.items()}


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Hidden widths by the name of the network, by depth, the wide one last."""
    networks = {_name(depth): (config.width,) * depth for depth in config.depths}
    return networks if config.wide is None else networks | {"1 wide layer": (config.wide,)}


def _name(depth: int) -> str:
    return "logistic" if depth == 0 else f"{depth} hidden layer{'s' if depth > 1 else ''}"


def train(networks: dict[str, tuple[int, ...]], points: list[Points], config: Config) -> dict[str, Chosen]:
    """All networks at all learning rates with all seeds in one population, then for each network the rate that validates best."""
    recipes = [recipe(hidden, rate, config) for hidden in networks.values() for rate in config.learning_rates]
    runs = fit_many(recipes, points[0], validation=points[1], seeds=config.seeds)
    groups = np.arange(len(runs)).reshape(len(networks), len(config.learning_rates), config.seeds)
    return {
        name: choose([[runs[i] for i in of_rate] for of_rate in group], config.learning_rates, points[2])
        for name, group in zip(networks, groups, strict=True)
    }


def recipe(hidden: tuple[int, ...], learning_rate: float, config: Config) -> Recipe:
    """ReLU layers, Adam, batches of 32; the patience lets every run spend the whole budget."""
    return Recipe(
        BinaryClassification(models.mlp(hidden, 1)),
        optimizer(optax.adam, learning_rate=learning_rate),
        epochs=config.epochs,
        early_stopping=EarlyStopping(patience=config.epochs),
    )


def choose(groups: list[list[Run]], learning_rates: tuple[float, ...], test: Points) -> Chosen:
    """The runs of the rate with the best mean validation accuracy; only they are tested."""
    validation = [[float(run.history["validation_accuracy"][run.best_epoch - 1]) for run in runs] for runs in groups]
    best = int(np.argmax(np.mean(validation, axis=1)))
    tested = [float(np.mean((run.predict(test[0]) > 0.5) == test[1])) for run in groups[best]]
    return Chosen(learning_rates[best], groups[best], validation[best], tested)


def summary(chosen: Chosen) -> Results:
    """What is written of one network."""
    return {
        "parameters": parameters(chosen),
        "learning rate": chosen.learning_rate,
        "validation accuracy": mean_sd(chosen.validation),
        "test accuracy": mean_sd(chosen.test),
    }


def parameters(chosen: Chosen) -> int:
    """Numbers that the network has to learn."""
    return sum(leaf.size for leaf in jax.tree.leaves(chosen.runs[0].params))


def draw(sets: dict[str, list[Points]], chosen: dict[str, dict[str, Chosen]]) -> Figure:
    """Data sets down, networks across; of each the seed whose validation accuracy is the median."""
    networks = list(chosen["spirals"])
    figure = Figure(figsize=(2.5 * len(networks), 8), layout="constrained")
    grid = figure.subplots(len(sets), len(networks), squeeze=False)
    for axes_row, (name, points) in zip(grid, sets.items(), strict=True):
        for axes, network in zip(axes_row, networks, strict=True):
            best = chosen[name][network]
            median = np.argsort(best.validation)[len(best.validation) // 2]
            decision_boundary(axes, best.runs[median].predict, *points[0], resolution=120)
            axes.set_xlabel(f"{100 * np.mean(best.test):.1f} ± {mean_sd(best.test)['sd'] * 100:.1f} %", fontsize=11)
        axes_row[0].set_ylabel(name, fontsize=12)
    for axes, network in zip(grid[0], networks, strict=True):
        axes.set_title(f"{network}\n{parameters(chosen['spirals'][network])} parameters", fontsize=11)
    figure.supxlabel("Below each: test accuracy, mean ± standard deviation over seeds. Shade: p(class 1); line: p = 1/2.", fontsize=10)
    return figure


def draw_curves(by_network: dict[str, Chosen]) -> Figure:
    """Validation accuracy on the spirals, epoch by epoch."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    learning_curves(axes, {name: best.runs for name, best in by_network.items()}, "validation_accuracy")
    axes.set(title="Spirals: mean and one standard deviation over seeds", ylim=(0.45, 1.01))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
