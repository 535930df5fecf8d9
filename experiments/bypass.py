"""What do ways round layers buy: a wide one beside a deep network on California housing, and one round each block of a very deep network?

Wide and deep: the inputs themselves go to the output beside what hidden layers make of them. It is compared with its deep part alone and
its wide part alone, which is linear regression, solved by least squares besides; all three nets are trained alike. Each seed is another
split of the districts, 60 % to train on, 20 % to validate on, 20 % held out and used once; a run ends with the parameters of its best
epoch by validation loss. Missing numbers are filled in and numbers scaled as the training rows say, text is one-hot, and errors are in
the target's own units. Without housing.csv the bundled diabetes set is used.

Residual: blocks LayerNorm, Dense, ReLU, Dense on handwritten digits, x + f(x) beside the same blocks without the way round, f(x), which
have the same parameters, and beside Dense and ReLU alone, as many layers. The learning rate is chosen for each network and depth by mean
training loss at the end, for the question is what can be fitted at all; the accuracy is of rows held out.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, data_folder, ignore, mean_sd
from jaxnn import Classification, EarlyStopping, Recipe, Regression, Run, fit, fit_many, models, optimizer
from jaxnn.data import Dataset, Preprocessing, load, split_rows
from jaxnn.layers import Chain, Dense, Layer, LayerNorm, ReLU, Repeat
from jaxnn.metrics import r2, root_mean_squared_error
from jaxnn.plots import BLACK, BLUE, GREEN, RED


@dataclass(frozen=True)
class Config:
    """hidden, epochs, learning_rate: of the nets on housing. blocks, width, ...: of the very deep ones. data: housing.csv's folder."""

    seeds: int = 10
    hidden: tuple[int, ...] = (64, 64)
    epochs: int = 60
    learning_rate: float = 2e-3
    batch_size: int = 128
    blocks: tuple[int, ...] = (2, 10, 25)
    width: int = 32
    deep_seeds: int = 5
    deep_epochs: int = 30
    learning_rates: tuple[float, ...] = (0.0001, 0.0003, 0.001, 0.003)
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """Two splits, one depth, one learning rate, few epochs."""
        wide = cls(seeds=2, hidden=(16,), epochs=15, learning_rate=0.01, batch_size=16)
        return replace(wide, blocks=(12,), width=16, deep_seeds=2, deep_epochs=6, learning_rates=(0.003,))


class Score(NamedTuple):
    """One run on its held-out rows."""

    r2: float
    rmse: float


class Chosen(NamedTuple):
    """The runs (seeds) at the learning rate with the lowest training loss, and their accuracies on held-out rows."""

    learning_rate: float
    runs: list[Run]
    accuracies: list[float]


WAYS = ("residual, x + f(x)", "the same blocks, f(x)", "Dense and ReLU alone")


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Errors of wide, deep, and wide and deep; training losses and accuracies with and without ways round blocks."""
    dataset = read(config)
    scores = wide_and_deep(dataset, config)
    trained = very_deep(config)
    show("bypass", draw_curves(trained, config))
    show("bypass_wide", draw_scores(dataset, scores))
    return {
        "wide and deep": {"data": f"{dataset.name}, {dataset.rows} rows"} | compare(scores),
        "very deep": {
            str(2 * blocks + 2): {way: summary(best) for way, best in by_way.items()} for blocks, by_way in trained.items()
        },
    }  # fmt: skip


def read(config: Config) -> Dataset:
    """California housing where its file is, else diabetes."""
    folder = data_folder(config.data)
    if folder is not None and (folder / "housing.csv").is_file():
        return load(str(folder / "housing.csv"), "median_house_value")
    return load("diabetes")


def wide_and_deep(dataset: Dataset, config: Config) -> dict[str, list[Score]]:
    """Scores of each network, one for each split."""
    networks: dict[str, Layer | None] = {
        "least squares": None,
        "wide": models.mlp((), 1),
        "deep": models.mlp(config.hidden, 1),
        "wide and deep": models.wide_deep(config.hidden, 1),
    }
    return {name: [score(network, dataset, seed, config) for seed in range(config.seeds)] for name, network in networks.items()}


def score(network: Layer | None, dataset: Dataset, seed: int, config: Config) -> Score:
    """One network on one split, None being least squares; all that is learned from rows is learned from those to train on."""
    rest, test = split_rows(dataset.rows, 0.2, seed=seed)
    inner, held_out = split_rows(len(rest), 0.25, seed=seed)
    train, validation = rest[inner], rest[held_out]
    preprocessing = Preprocessing.fit(dataset, train, kind="regression", impute=True)
    x, y = preprocessing.encode(dataset)
    if network is None:
        predicted = least_squares(x[train], y[train], x[test])
    else:
        run = fit(recipe(network, config), (x[train], y[train]), key=seed, validation=(x[validation], y[validation]))
        predicted = run.predict(x[test])
    truth, predicted = dataset.target[test].astype(float), preprocessing.restore(predicted)
    return Score(float(r2(truth, predicted)), float(root_mean_squared_error(truth, predicted)))


def least_squares(x: np.ndarray, y: np.ndarray, x_test: np.ndarray) -> np.ndarray:
    """What the linear function with the smallest squared error on (x, y) says of x_test."""
    x, x_test = (np.column_stack([rows, np.ones(len(rows))]) for rows in (x, x_test))
    return np.asarray(x_test @ np.linalg.lstsq(x, y, rcond=None)[0])


def recipe(network: Layer, config: Config) -> Recipe:
    """Adam; the patience lets every run spend the whole budget, and the best epoch's parameters are kept."""
    return Recipe(
        Regression(network),
        optimizer(optax.adam, learning_rate=config.learning_rate),
        epochs=config.epochs,
        batch_size=config.batch_size,
        early_stopping=EarlyStopping(patience=config.epochs),
        gradients="backprop",
    )


def compare(scores: dict[str, list[Score]]) -> Results:
    """What is written of the scores; both ways beside deep alone split by split."""
    numbers: Results = {
        name: {"test R2": mean_sd(score.r2 for score in group), "test RMSE": mean_sd(score.rmse for score in group)}
        for name, group in scores.items()
    }
    both, deep = scores["wide and deep"], scores["deep"]
    difference = mean_sd(first.r2 - second.r2 for first, second in zip(both, deep, strict=True))
    error = difference["sd"] / np.sqrt(difference["n"])
    return numbers | {"R2, wide and deep - deep, of the same split": difference | {"standard error": error}}


def very_deep(config: Config) -> dict[int, dict[str, Chosen]]:
    """For each number of blocks each network at the rate that trains it best."""
    digits = load("digits")
    train, test = split_rows(digits.rows, 0.3, seed=0, classes=digits.target)
    preprocessing = Preprocessing.fit(digits, train, kind="classification")
    x, y = preprocessing.encode(digits)
    trained: dict[int, dict[str, Chosen]] = {}
    for blocks in config.blocks:
        ways = networks_of(config.width, blocks, len(preprocessing.class_names))
        recipes = [deep_recipe(network, rate, config) for network in ways.values() for rate in config.learning_rates]
        runs = fit_many(recipes, (x[train], y[train]), validation=(x[test], y[test]), seeds=config.deep_seeds)
        groups = np.arange(len(runs)).reshape(len(ways), len(config.learning_rates), config.deep_seeds)
        trained[blocks] = {
            way: choose(config.learning_rates, [[runs[i] for i in of_rate] for of_rate in group])
            for way, group in zip(ways, groups, strict=True)
        }
    return trained


def networks_of(width: int, blocks: int, outputs: int) -> dict[str, Layer]:
    """Three networks with 2 ``blocks`` + 2 Dense layers each; the first two have equal parameters."""
    function = ReLU()
    dense = Dense(width, initializer=ReLU.initializer)
    block, pair = Chain((LayerNorm(), dense, function, Dense(width))), Chain((dense, function, dense, function))
    networks = (
        models.residual_mlp(width, blocks, outputs),
        Chain((Dense(width), Repeat(block, blocks), LayerNorm(), Dense(outputs))),
        Chain((Dense(width), Repeat(pair, blocks), Dense(outputs))),
    )
    return dict(zip(WAYS, networks, strict=True))


def deep_recipe(network: Layer, learning_rate: float, config: Config) -> Recipe:
    """Adam and batches of 32."""
    adam = optimizer(optax.adam, learning_rate=learning_rate)
    return Recipe(Classification(network), adam, epochs=config.deep_epochs, gradients="backprop")


def choose(rates: tuple[float, ...], by_rate: list[list[Run]]) -> Chosen:
    """The rate with the lowest mean training loss in the last epoch."""
    best = int(np.argmin([np.mean([run.history["loss"][-1] for run in runs]) for runs in by_rate]))
    return Chosen(rates[best], by_rate[best], [float(run.history["validation_accuracy"][-1]) for run in by_rate[best]])


def summary(chosen: Chosen) -> Results:
    """What is written of one network."""
    return {
        "learning rate": chosen.learning_rate,
        "training loss": mean_sd(float(run.history["loss"][-1]) for run in chosen.runs),
        "accuracy on held-out rows": mean_sd(chosen.accuracies),
    }


def draw_curves(trained: dict[int, dict[str, Chosen]], config: Config) -> Figure:
    """Training loss by epoch, a panel for each depth."""
    figure = Figure(figsize=(3.6 * len(trained) + 0.6, 4.4), layout="constrained")
    panels = np.ravel(figure.subplots(1, len(trained), sharey=True, squeeze=False))
    for axes, (blocks, by_way) in zip(panels, trained.items(), strict=True):
        for (way, chosen), (colour, style) in zip(by_way.items(), ((BLUE, "-"), (RED, "--"), (GREEN, "-.")), strict=True):
            losses = np.log([run.history["loss"] for run in chosen.runs])
            epochs, mean = np.arange(1, losses.shape[1] + 1), np.exp(losses.mean(axis=0))
            axes.semilogy(epochs, mean, style, color=colour, label=way)
            axes.fill_between(epochs, np.exp(losses.min(axis=0)), np.exp(losses.max(axis=0)), color=colour, alpha=0.15, linewidth=0)
        axes.axhline(np.log(10), color="0.6", linewidth=0.8)
        axes.set(title=f"{2 * blocks + 2} Dense layers of {config.width}", xlabel="epoch")
        tidy(axes)
    panels[0].set_ylabel("training loss; grey: that of guessing")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(WAYS), frameon=False)
    return figure


def draw_scores(dataset: Dataset, scores: dict[str, list[Score]]) -> Figure:
    """R2 on held-out rows: a line for each split, mean and standard deviation beside."""
    figure = Figure(figsize=(6.6, 4), layout="constrained")
    axes = figure.subplots()
    table = np.array([[score.r2 for score in group] for group in scores.values()])
    axes.plot(range(len(scores)), table, "o-", color="0.75", markersize=3, linewidth=0.8)
    labels = []
    for place, (values, colour) in enumerate(zip(table, (BLACK, RED, GREEN, BLUE), strict=True)):
        spread = mean_sd(values)
        axes.errorbar(place + 0.12, spread["mean"], spread["sd"], fmt="D", markersize=6, color=colour, capsize=4, zorder=3)
        labels.append(f"{list(scores)[place]}\n{spread['mean']:.3f} ± {spread['sd']:.3f}")
    axes.set_xticks(range(len(scores)), labels)
    axes.set(
        title=f"{dataset.name}: mean ± standard deviation, {table.shape[1]} splits",
        ylabel="R² on held-out rows",
        xlim=(-0.3, len(scores) - 0.2),
    )
    tidy(axes)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
