"""Overfitting: what do early stopping, L2 and dropout do against it, each alone and all three together, and what do noise and mixup?

A network that could learn its training rows by heart is given few of them: handwritten digits, some of them with a wrong label.
Each seed is another split of the 1,797 digits: rows to train on, as many to validate on, and the rest, more than a thousand, to
report on, with labels that are right, used once, at the end. All networks are alike and get the same batches.

Strengths of L2, rates of dropout and the like are chosen by mean validation accuracy over the splits, loss deciding between equals;
validation labels are right too. Early stopping ends with the parameters of the epoch that has the lowest validation loss. Loss is
cross-entropy, of training rows by the labels that they were given, and always measured without penalty, noise and mixing, with all
neurons there.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, EarlyStopping, Recipe, Run, fit_many, models, optimizer
from jaxnn.data import load, split_rows
from jaxnn.plots import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY

NONE, STOPPING, L2, DROPOUT, ALL, NOISE, MIXUP = "none", "early stopping", "L2", "dropout", "all three", "input noise", "mixup"
LOOKS = {NONE: BLACK, STOPPING: PURPLE, L2: GREEN, DROPOUT: RED, ALL: BLUE, NOISE: ORANGE, MIXUP: SKY}
STRENGTHS = {L2: ("l2",), DROPOUT: ("dropout",), ALL: ("l2", "dropout"), NOISE: ("input_noise",), MIXUP: ("mixup",)}
"""What each remedy has numbers of, by their names in Config and Recipe."""
WORDS = {"l2": L2, "input_noise": NOISE}


@dataclass(frozen=True)
class Config:
    """rows: to train on, and to validate on. wrong: the share of training labels that are drawn anew. l2, ...: to choose from."""

    seeds: int = 10
    rows: int = 300
    wrong: float = 0.2
    width: int = 128
    epochs: int = 200
    learning_rate: float = 1e-3
    patience: float = 20.0
    remedies: tuple[str, ...] = tuple(LOOKS)
    l2: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)
    dropout: tuple[float, ...] = (0.25, 0.5, 0.75)
    input_noise: tuple[float, ...] = (0.2, 0.4, 0.8)
    mixup: tuple[float, ...] = (0.2, 1.0, 5.0)

    @classmethod
    def smoke(cls) -> "Config":
        """Two splits, three remedies, one strength of each, fewer epochs."""
        return cls(
            seeds=2,
            remedies=(NONE, STOPPING, ALL),
            width=64,
            epochs=50,
            learning_rate=3e-3,
            l2=(1e-2,),
            dropout=(0.5,),
            input_noise=(0.2,),
            mixup=(0.5,),
        )


class Split(NamedTuple):
    """Examples (x, y): to train on, to choose by, to report on."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


class Chosen(NamedTuple):
    """The strengths that did best on validation rows, and the runs with them, one for each split."""

    strengths: dict[str, float]
    runs: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Losses and errors on training and test rows with each remedy."""
    splits = [split_of(seed, config) for seed in range(config.seeds)]
    chosen = {remedy: choose(remedy, splits, config) for remedy in config.remedies}
    numbers = {remedy: measure(best, splits) for remedy, best in chosen.items()}
    show("overfitting", draw_curves(chosen))
    show("overfitting_errors", draw_errors(numbers))
    return {"rows to train on, to validate on, to test on": [len(part[1]) for part in splits[0]]} | {
        remedy: summary(chosen[remedy], rows, numbers[NONE]) for remedy, rows in numbers.items()
    }


def split_of(seed: int, config: Config) -> Split:
    """Digits by class, pixels from 0 to 1; of the training labels a share is drawn anew from the other classes."""
    digits = load("digits")
    x, y = (digits.numbers / 16).astype(np.float32), digits.target.astype(np.int32)
    rest, train = split_rows(len(x), config.rows / len(x), seed=seed, classes=y)
    inner, validation = split_rows(len(rest), config.rows / len(rest), seed=seed, classes=y[rest])
    random = np.random.default_rng(seed)
    labels = y[train]
    wrong = random.random(len(labels)) < config.wrong
    labels = np.where(wrong, (labels + random.integers(1, 10, len(labels))) % 10, labels).astype(np.int32)
    test, held_out = rest[inner], rest[validation]
    return Split((x[train], labels), (x[held_out], y[held_out]), (x[test], y[test]))


def recipes(remedy: str, config: Config) -> list[tuple[dict[str, float], Recipe]]:
    """The strengths to choose from, and the recipe of each."""
    names = STRENGTHS.get(remedy, ())
    stopping = EarlyStopping(patience=config.patience) if remedy in (STOPPING, ALL) else None
    adam = optimizer(optax.adam, learning_rate=config.learning_rate)
    found = []
    for values in product(*(getattr(config, name) for name in names)):
        strengths = dict(zip(names, values, strict=True))
        fields: dict[str, Any] = {name: value for name, value in strengths.items() if name != "dropout"}
        task = Classification(models.mlp((config.width, config.width), 10, dropout=strengths.get("dropout")))
        found.append((strengths, Recipe(task, adam, epochs=config.epochs, early_stopping=stopping, measure_training=True, **fields)))
    return found


def choose(remedy: str, splits: list[Split], config: Config) -> Chosen:
    """Trains every strength on every split and takes the one that is best on validation rows."""
    strengths, built = zip(*recipes(remedy, config), strict=True)
    by_split = [fit_many(built, split.train, validation=split.validation, key=seed) for seed, split in enumerate(splits)]
    groups = list(zip(*by_split, strict=True))
    best = max(range(len(groups)), key=lambda place: kept(groups[place]))
    return Chosen(strengths[best], list(groups[best]))


def kept(runs: tuple[Run, ...]) -> tuple[float, float]:
    """Mean validation accuracy and minus loss of the parameters that the runs end with."""
    ends = [{name: run.history[f"validation_{name}"][run.best_epoch - 1] for name in ("accuracy", "loss")} for run in runs]
    return float(np.mean([end["accuracy"] for end in ends])), -float(np.mean([end["loss"] for end in ends]))


def measure(chosen: Chosen, splits: list[Split]) -> dict[str, list[float]]:
    """Loss and share of errors on training and on test rows, one for each split."""
    found: dict[str, list[float]] = {}
    for run, split in zip(chosen.runs, splits, strict=True):
        for part in ("train", "test"):
            measured = run.evaluate(*getattr(split, part))
            found.setdefault(f"{part} loss", []).append(measured["loss"])
            found.setdefault(f"{part} error", []).append(1 - measured["accuracy"])
    return found


def summary(chosen: Chosen, numbers: dict[str, list[float]], without: dict[str, list[float]]) -> Results:
    """Means over splits, and by how much the test error is lower than without a remedy on the same split."""
    fall = mean_sd(before - after for before, after in zip(without["test error"], numbers["test error"], strict=True))
    return {
        "strengths chosen": chosen.strengths,
        "epochs": mean_sd(float(run.epochs) for run in chosen.runs),
        "epoch of the parameters": mean_sd(float(run.best_epoch) for run in chosen.runs),
        **{name: mean_sd(values) for name, values in numbers.items()},
        "test error, fall of the same split": fall | {"standard error": fall["sd"] / np.sqrt(fall["n"])},
    }


def draw_curves(chosen: dict[str, Chosen]) -> Figure:
    """Loss by epoch on training and on validation rows, a panel for each remedy."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    grid = figure.subplots(2, -(-len(chosen) // 2), sharey=True, sharex=True)
    for axes, (remedy, best) in zip(grid.ravel(), chosen.items(), strict=False):
        for metric, name, style in (("training_loss", "training", "--"), ("validation_loss", "validation", "-")):
            mean = mean_of([run.history[metric] for run in best.runs])
            axes.plot(range(1, len(mean) + 1), mean, style, color=LOOKS[remedy], label=name)
        strengths = ", ".join(f"{WORDS.get(name, name)} {value:g}" for name, value in best.strengths.items())
        axes.set_title(f"{remedy}: {strengths}" if remedy == ALL else strengths or remedy, fontsize=9)
        axes.legend(frameon=False, fontsize=8)
        tidy(axes)
    for axes in grid.ravel()[len(chosen) :]:
        axes.set_axis_off()
    grid[0, 0].set_ylim(0, 2.5)
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("loss, mean over splits", fontsize=10)
    return figure


def mean_of(curves: list[np.ndarray]) -> np.ndarray:
    """The mean by epoch, of a run that has stopped its last number."""
    longest = max(map(len, curves))
    return np.mean([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves], axis=0)


def draw_errors(numbers: dict[str, dict[str, list[float]]]) -> Figure:
    """Test error and test loss: a line for each split, mean and standard deviation beside."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("test error", "test loss"), strict=True):
        table = np.array([rows[name] for rows in numbers.values()])
        axes.plot(range(len(table)), table, "o-", color="0.75", markersize=3, linewidth=0.8)
        labels = []
        for place, (remedy, values) in enumerate(zip(numbers, table, strict=True)):
            spread = mean_sd(values)
            axes.errorbar(place + 0.12, spread["mean"], spread["sd"], fmt="D", markersize=6, color=LOOKS[remedy], capsize=4, zorder=3)
            labels.append(f"{remedy}\n{spread['mean']:.3f}")
        axes.set_xticks(range(len(table)), labels, fontsize=8)
        axes.set(ylabel=name, xlim=(-0.3, len(table) - 0.6))
        tidy(axes)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
