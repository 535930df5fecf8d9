"""Does a network without an activation on its output, trained on squared error, predict numbers better than linear regression?

California housing (20,640 districts, the median price of a house) and the bundled diabetes set (442 patients, how far the disease went
in a year). Each seed is another split with a fifth of the rows held out and used once, at the end; missing numbers are filled in, and
numbers and the target are scaled, as the other rows say; text is one-hot; errors are in the target's own units.

The network and scikit-learn's MLPRegressor are alike: hidden layers, ReLU, Adam with the same learning rate, batch size and epochs,
Glorot's first weights, no L2, float32; nothing is chosen by a score. Beside them a network that is held back: a quarter of its training
rows are kept aside, the strength of L2 with the lowest loss on them is taken, and the parameters of the epoch where that was. And
one with tanh on its output: no prediction of it lies further than one standard deviation from the mean.

Housing is read from housing.csv in the data folder and left out where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

from experiments.support.runner import Results, Show, command_line, data_folder, ignore, mean_sd
from experiments.support.sklearn_peer import fitted
from jaxnn import EarlyStopping, Recipe, Regression, fit, fit_many, models, optimizer
from jaxnn.data import Dataset, Preprocessing, load, split_rows
from jaxnn.layers import Chain, Dense, Layer, Tanh
from jaxnn.metrics import mean_absolute_error, r2, root_mean_squared_error
from jaxnn.plots import BLACK, BLUE, GREEN, PURPLE, RED, predicted_against_true, residuals


@dataclass(frozen=True)
class Config:
    """seeds: splits. epochs_share: of each set's full number. l2: strengths to choose from. data: housing.csv's folder."""

    seeds: int = 10
    epochs_share: float = 1.0
    learning_rate: float = 1e-3
    l2: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """Two splits, a fifth of the epochs, two strengths."""
        return cls(seeds=2, epochs_share=0.2, l2=(1e-3, 1e-2))


class Problem(NamedTuple):
    """What both libraries train on a data set."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int


class Split(NamedTuple):
    """Rows to train on, rows held out with their targets as they are, and what turns predictions back into units."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    truth: np.ndarray
    preprocessing: Preprocessing


class Outcome(NamedTuple):
    """What is true of the held-out rows, and what was predicted, (rows,) each, in the target's units."""

    truth: np.ndarray
    predicted: np.ndarray


Contestant = Callable[[Problem, Split, int, Config], np.ndarray]
"""(problem, split, seed, config) -> predictions for the held-out rows, scaled as y is."""
Outcomes = dict[str, list[Outcome]]
LINEAR, LIKE, OTHER, HELD, SQUASHED = "linear regression", "jaxnn", "scikit-learn", "jaxnn, held back", "jaxnn, tanh on the output"
PROBLEMS = {"housing": Problem((64, 64), 50, 128), "diabetes": Problem((64, 64), 100, 32)}


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Errors of all contestants on both sets."""
    results: Results = {}
    outcomes: dict[str, Outcomes] = {}
    for name, problem in PROBLEMS.items():
        dataset = read(name, config)
        if dataset is None:
            results[name] = {"left out": "there is no housing.csv: give its folder by --data or JAXNN_DATA"}
            continue
        problem = problem._replace(epochs=max(1, round(problem.epochs * config.epochs_share)))
        splits = [split_of(dataset, seed) for seed in range(config.seeds)]
        outcomes[name] = {
            contestant: [Outcome(split.truth, restored(split, train(problem, split, seed, config))) for seed, split in enumerate(splits)]
            for contestant, train in CONTESTANTS.items()
        }
        results[name] = compare(problem, splits[0], outcomes[name])
    show("regression", draw_scores(outcomes))
    show("regression_residuals", draw_residuals(*next(iter(outcomes.items()))))
    return results


def read(name: str, config: Config) -> Dataset | None:
    """The data set, or None where its file is missing."""
    if name == "diabetes":
        return load("diabetes")
    folder = data_folder(config.data)
    path = None if folder is None else folder / "housing.csv"
    return load(str(path), "median_house_value") if path is not None and path.is_file() else None


def split_of(dataset: Dataset, seed: int) -> Split:
    """A fifth held out; all that is learned from rows is learned from the others."""
    train, held_out = split_rows(dataset.rows, 0.2, seed=seed)
    preprocessing = Preprocessing.fit(dataset, train, kind="regression", impute=True)
    x, y = preprocessing.encode(dataset)
    return Split(x[train], y[train], x[held_out], dataset.target[held_out].astype(float), preprocessing)


def restored(split: Split, predicted: np.ndarray) -> np.ndarray:
    """Predictions in the target's units."""
    return np.asarray(split.preprocessing.restore(predicted))


def linear(problem: Problem, split: Split, seed: int, config: Config) -> np.ndarray:
    """The linear function with the smallest squared error."""
    return LinearRegression().fit(split.x.astype(float), split.y).predict(split.x_test)


def network(problem: Problem, split: Split, seed: int, config: Config) -> np.ndarray:
    """The network as scikit-learn has it."""
    return fit(recipe(glorot(problem), problem, config), (split.x, split.y), key=seed).predict(split.x_test)


def squashed(problem: Problem, split: Split, seed: int, config: Config) -> np.ndarray:
    """The same with tanh behind its output."""
    return fit(recipe(Chain((glorot(problem), Tanh())), problem, config), (split.x, split.y), key=seed).predict(split.x_test)


def held_back(problem: Problem, split: Split, seed: int, config: Config) -> np.ndarray:
    """The strength of L2 and the epoch that are best on a quarter of the training rows."""
    plain = recipe(glorot(problem), problem, config).replace(early_stopping=EarlyStopping(patience=problem.epochs))
    recipes = [plain.replace(l2=strength) for strength in config.l2]
    runs = fit_many(recipes, (split.x, split.y), key=seed, validation=0.25)
    return min(runs, key=lambda run: min(run.history["validation_loss"])).predict(split.x_test)


def recipe(layer: Layer, problem: Problem, config: Config) -> Recipe:
    """Squared error, Adam."""
    adam = optimizer(optax.adam, learning_rate=config.learning_rate)
    return Recipe(Regression(layer), adam, epochs=problem.epochs, batch_size=problem.batch_size)


def glorot(problem: Problem) -> Chain:
    """Hidden layers of ReLU with Glorot's first weights in place of He's, and one output without an activation."""
    layers = models.mlp(problem.hidden, 1).layers
    return Chain(tuple(Dense(layer.features) if isinstance(layer, Dense) else layer for layer in layers))


def sklearn_network(problem: Problem, split: Split, seed: int, config: Config) -> np.ndarray:
    """scikit-learn's network of the same shape."""
    model = fitted(
        MLPRegressor,
        split.x,
        split.y,
        hidden=problem.hidden,
        epochs=problem.epochs,
        batch_size=problem.batch_size,
        learning_rate=config.learning_rate,
        seed=seed,
    )
    return model.predict(split.x_test)


CONTESTANTS: dict[str, Contestant] = {LINEAR: linear, LIKE: network, OTHER: sklearn_network, HELD: held_back, SQUASHED: squashed}
LOOKS = {LINEAR: BLACK, LIKE: BLUE, OTHER: RED, HELD: GREEN, SQUASHED: PURPLE}


def compare(problem: Problem, split: Split, outcomes: Outcomes) -> Results:
    """Means over splits; differences in R2 are paired by split, and a verdict allows for two of their standard errors."""
    scores = {name: [float(r2(*outcome)) for outcome in group] for name, group in outcomes.items()}
    return {
        "training rows, held-out rows": [len(split.x), len(split.x_test)],
        "hidden layers, epochs, batch size": [problem.hidden, problem.epochs, problem.batch_size],
        "on held-out rows": {
            name: {
                "R2": mean_sd(scores[name]),
                "RMSE": mean_sd(float(root_mean_squared_error(*outcome)) for outcome in group),
                "mean absolute error": mean_sd(float(mean_absolute_error(*outcome)) for outcome in group),
            }
            for name, group in outcomes.items()
        },
        "R2, of the same split": {
            f"{one} - {other}": difference(scores[one], scores[other]) for one, other in ((LIKE, LINEAR), (HELD, LINEAR), (LIKE, OTHER))
        },
    }


def difference(one: list[float], other: list[float]) -> Results:
    """Mean, its standard error over splits, and who is better by more than two of these."""
    spread = mean_sd(first - second for first, second in zip(one, other, strict=True))
    error = spread["sd"] / np.sqrt(spread["n"])
    verdict = "as good" if abs(spread["mean"]) <= 2 * error else "better" if spread["mean"] > 0 else "worse"
    return spread | {"standard error": error, "the first is": verdict}


def draw_scores(outcomes: dict[str, Outcomes]) -> Figure:
    """R2 on held-out rows: a line for each split, mean and standard deviation beside."""
    figure = Figure(figsize=(6.2 * len(outcomes), 4), layout="constrained")
    for axes, (name, groups) in zip(np.ravel(figure.subplots(1, len(outcomes))), outcomes.items(), strict=True):
        table = np.array([[float(r2(*outcome)) for outcome in group] for group in groups.values()])
        axes.plot(range(len(groups)), table, "o-", color="0.75", markersize=3, linewidth=0.8)
        labels = []
        for place, (contestant, values) in enumerate(zip(groups, table, strict=True)):
            spread = mean_sd(values)
            axes.errorbar(place + 0.12, spread["mean"], spread["sd"], fmt="D", markersize=6, color=LOOKS[contestant], capsize=4, zorder=3)
            words = contestant.replace(", ", ",\n").replace("linear regression", "linear\nregression")
            labels.append(f"{words}\n{spread['mean']:.3f}")
        axes.set_xticks(range(len(groups)), labels, fontsize=8)
        axes.set(title=f"{name}, {table.shape[1]} splits", xlim=(-0.3, len(groups) - 0.6))
        axes.grid(axis="y", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("R² on held-out rows")
    return figure


def draw_residuals(name: str, outcomes: Outcomes) -> Figure:
    """Predicted against true numbers, and what is left, of the first split, a column for each contestant."""
    shown = (LINEAR, LIKE, SQUASHED)
    figure = Figure(figsize=(3.6 * len(shown), 6.8), layout="constrained")
    for (above, below), contestant in zip(figure.subplots(2, len(shown), sharey="row").T, shown, strict=True):
        predicted_against_true(above, *outcomes[contestant][0])
        residuals(below, *outcomes[contestant][0])
        above.set_title(f"{contestant}\n{above.get_title()}", fontsize=9)
        for axes in (above, below):
            axes.locator_params(axis="x", nbins=5)
            axes.set_ylabel(axes.get_ylabel() if contestant == shown[0] else "")
    figure.suptitle(f"{name}, held-out rows of one split", fontsize=10)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
