"""Do the toolkit's classifiers predict as well as scikit-learn's MLPClassifier of the same shape?

Breast cancer (one sigmoid output, binary cross-entropy), digits and MNIST (softmax, cross-entropy, the likeliest class). Both libraries
get the same hidden layers, ReLU, Adam with the same learning rate, batch size and epochs, Glorot's first weights, no L2, float32, and the
same splits: each seed is another split of the small sets, stratified, with a fifth held out and the scaling learned on the training
rows; MNIST keeps its own split, and pixels are divided by 255. Nothing is chosen by a score, so the held-out rows are used once, at
the end. Beside that comparison of like with like stands the toolkit's default, first weights by He for ReLU.

Seconds are wall time of one run after the other, each free to use all cores; the toolkit's first run compiles and is told apart.

MNIST is read from mnist.npz in the data folder and left out where there is none.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optax
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.neural_network import MLPClassifier

from experiments.support.runner import Results, Show, command_line, data_folder, ignore, mean_sd
from experiments.support.sklearn_peer import fitted
from jaxnn import BinaryClassification, Classification, Recipe, fit, models, optimizer
from jaxnn.data import split_rows
from jaxnn.data.scaling import standardise
from jaxnn.layers import Chain, Dense
from jaxnn.plots import BLUE, GREEN, RED, confusion_matrix


@dataclass(frozen=True)
class Config:
    """seeds: splits of the small sets. mnist_rows: of MNIST's 50,000. epochs_share: of each set's full number. data: its folder."""

    seeds: int = 20
    mnist_seeds: int = 3
    mnist_rows: int = 50_000
    epochs_share: float = 1.0
    learning_rate: float = 1e-3
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """Two splits, a tenth of the epochs, a corner of MNIST."""
        return cls(seeds=2, mnist_seeds=1, mnist_rows=1000, epochs_share=0.2)


class Split(NamedTuple):
    """Rows to train on and rows held out."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Problem(NamedTuple):
    """A data set with its classes, and the network that both libraries train on it."""

    names: list[str]
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int


class Outcome(NamedTuple):
    """One trained network on its held-out rows."""

    truth: np.ndarray
    predicted: np.ndarray
    seconds: float

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.truth == self.predicted))


Outcomes = dict[str, list[Outcome]]
LIKE, DEFAULT, OTHER = "jaxnn", "jaxnn, He's weights", "scikit-learn"
PROBLEMS = {
    "breast cancer": Problem(["malignant", "benign"], (32,), 40, 32),
    "digits": Problem([str(digit) for digit in range(10)], (64, 64), 40, 32),
    "mnist": Problem([str(digit) for digit in range(10)], (256, 128), 10, 128),
}


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Accuracies and seconds of both libraries on each data set."""
    results: Results = {}
    outcomes: dict[str, Outcomes] = {}
    for name, problem in PROBLEMS.items():
        splits = list(read_splits(name, config))
        if not splits:
            results[name] = {"left out": "there is no mnist.npz: give its folder by --data or JAXNN_DATA"}
            continue
        problem = problem._replace(epochs=max(1, round(problem.epochs * config.epochs_share)))
        outcomes[name] = run_all(problem, splits, config)
        results[name] = compare(problem, splits[0], outcomes[name])
    show("classification", draw(outcomes))
    show("classification_digits", draw_confusion("digits", outcomes["digits"][LIKE]))
    return results


def run_all(problem: Problem, splits: list[Split], config: Config) -> Outcomes:
    """The outcomes of each contestant, one for each split."""
    return {
        LIKE: [train(problem, split, seed, config, glorot=True) for seed, split in enumerate(splits)],
        DEFAULT: [train(problem, split, seed, config, glorot=False) for seed, split in enumerate(splits)],
        OTHER: [train_sklearn(problem, split, seed, config) for seed, split in enumerate(splits)],
    }


def read_splits(name: str, config: Config) -> Iterator[Split]:
    """The splits of a data set, one for each seed; none where its file is missing."""
    if name == "mnist":
        folder = data_folder(config.data)
        if folder is not None and (folder / "mnist.npz").is_file():
            yield from [read_mnist(folder / "mnist.npz", config.mnist_rows)] * config.mnist_seeds
        return
    x, y = {"breast cancer": load_breast_cancer, "digits": load_digits}[name](return_X_y=True)
    for seed in range(config.seeds):
        train_rows, held_out = split_rows(len(x), 0.2, seed=seed, classes=y)
        mean, scale = standardise(x[train_rows])
        scaled = ((x - mean) / scale).astype(np.float32)
        yield Split(scaled[train_rows], y[train_rows].astype(np.int32), scaled[held_out], y[held_out])


def read_mnist(path: Path, rows: int) -> Split:
    """The first training rows and all test rows, pixels from 0 to 1."""
    with np.load(path) as file:
        x, x_test = (file[name].astype(np.float32) / 255 for name in ("x_train", "x_test"))
        return Split(x[:rows], file["y_train"][:rows].astype(np.int32), x_test, file["y_test"])


def train(problem: Problem, split: Split, seed: int, config: Config, *, glorot: bool) -> Outcome:
    """One run of the toolkit; with Glorot's first weights, as scikit-learn has them, or the default of the activation."""
    binary = len(problem.names) == 2
    network = models.mlp(problem.hidden, 1 if binary else len(problem.names))
    if glorot:
        network = Chain(tuple(Dense(layer.features) if isinstance(layer, Dense) else layer for layer in network.layers))
    task = BinaryClassification(network) if binary else Classification(network)
    adam = optimizer(optax.adam, learning_rate=config.learning_rate)
    started = time.perf_counter()
    run = fit(Recipe(task, adam, epochs=problem.epochs, batch_size=problem.batch_size), (split.x, split.y), key=seed)
    seconds = time.perf_counter() - started
    p = run.predict(split.x_test)
    return Outcome(split.y_test, (p > 0.5).astype(int) if binary else p.argmax(axis=1), seconds)


def train_sklearn(problem: Problem, split: Split, seed: int, config: Config) -> Outcome:
    """One run of scikit-learn."""
    started = time.perf_counter()
    model = fitted(
        MLPClassifier,
        split.x,
        split.y,
        hidden=problem.hidden,
        epochs=problem.epochs,
        batch_size=problem.batch_size,
        learning_rate=config.learning_rate,
        seed=seed,
    )
    seconds = time.perf_counter() - started
    return Outcome(split.y_test, model.predict(split.x_test), seconds)


def compare(problem: Problem, split: Split, outcomes: Outcomes) -> Results:
    """Means over splits. The difference is paired by split; "at the level" allows two of its standard errors."""
    difference = mean_sd(mine.accuracy - other.accuracy for mine, other in zip(outcomes[LIKE], outcomes[OTHER], strict=True))
    error = difference["sd"] / np.sqrt(difference["n"])
    first, *later = outcomes[LIKE]
    return {
        "training rows, held-out rows": [len(split.x), len(split.x_test)],
        "hidden layers, epochs, batch size": [problem.hidden, problem.epochs, problem.batch_size],
        "test accuracy": {name: mean_sd(outcome.accuracy for outcome in group) for name, group in outcomes.items()},
        "difference, jaxnn - scikit-learn": difference | {"standard error": error},
        "at the level of scikit-learn or better": bool(difference["mean"] >= -2 * error),
        "seconds a run": {
            "jaxnn, the first, compiling": first.seconds,
            "jaxnn, later": mean_sd(outcome.seconds for outcome in later or [first]),
            OTHER: mean_sd(outcome.seconds for outcome in outcomes[OTHER]),
        },
    }


def draw(outcomes: dict[str, Outcomes]) -> Figure:
    """Test accuracies: each seed a dot, mean and standard deviation beside."""
    figure = Figure(figsize=(3.7 * len(outcomes), 3.8), layout="constrained")
    for axes, (name, groups) in zip(np.ravel(figure.subplots(1, len(outcomes))), outcomes.items(), strict=True):
        for place, (group, colour) in enumerate(zip(groups.values(), (BLUE, GREEN, RED), strict=True)):
            _dots(axes, place, [100 * outcome.accuracy for outcome in group], colour)
        labels = ["jaxnn", "jaxnn,\nHe's weights", "scikit-\nlearn"]
        axes.set(title=f"{name}, {len(groups[LIKE])} seeds", xticks=range(3), xticklabels=labels, xlim=(-0.4, 2.75))
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("accuracy on held-out rows, %")
    return figure


def _dots(axes: Axes, place: int, values: list[float], colour: str) -> None:
    spread = mean_sd(values)
    offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
    axes.plot(place + offsets - 0.08, values, "o", color=colour, alpha=0.4, markersize=4, markeredgewidth=0)
    axes.errorbar(place + 0.2, spread["mean"], spread["sd"], fmt="D", markersize=5, color=colour, capsize=4)
    axes.annotate(f"{spread['mean']:.1f}", (place + 0.3, spread["mean"]), va="center", fontsize=9, color=colour)


def draw_confusion(name: str, outcomes: list[Outcome]) -> Figure:
    """All held-out rows of all splits in one matrix."""
    truth, predicted = (np.concatenate([getattr(outcome, field) for outcome in outcomes]) for field in ("truth", "predicted"))
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.subplots()
    confusion_matrix(axes, truth, predicted, PROBLEMS[name].names)
    axes.set_title(f"{name}: held-out rows of {len(outcomes)} splits\nblue: right; shade: share of a row taken for that class", fontsize=10)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
