"""Can a learning rate and an L2 for each layer be tuned by gradient descent, through the whole run?

Digits in few rows, so that L2 matters; a network of two hidden layers of 32, gradient descent with momentum. Tuned are the learning rate
and alpha, the strength of L2, of each of the three layers. ``hypergradient`` gives the validation loss at the end of the whole run and its
derivative by each of them, and Adam (optax) walks on their logarithms, another seed each step so that it learns no seed by heart. Beside
it random search, with three runs for each step of the walk, which take longer (a hypergradient takes 2.2 times as long as its run);
numbers are drawn evenly on logarithms over the ranges in which walks begin.

Both choose on the same validation rows. What they chose is then trained with fresh seeds and read on test rows that took no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Data, Recipe, fit_many, hypergradient, models, optimizer
from jaxnn.data import load
from jaxnn.plots import BLUE, COLOURS, LINES, RED

NAMES = ("learning_rate", "first", "second", "third")
"""The numbers that are tuned; the last three are alpha, by layer."""

LAST = 10


@dataclass(frozen=True)
class Config:
    """steps: of a walk. rate: of Adam, on natural logarithms. low, high: of the learning rate and of every alpha, where walks begin."""

    seeds: int = 5
    rows: int = 150
    validation_rows: int = 400
    epochs: int = 40
    steps: int = 40
    rate: float = 0.2
    low: tuple[float, float] = (1e-4, 1e-6)
    high: tuple[float, float] = (1e-1, 1e-1)

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer seeds, steps and epochs."""
        return cls(seeds=2, epochs=8, steps=8)


class Walk(NamedTuple):
    """Numbers (steps, 4), validation losses (steps,) and the numbers chosen: the geometric mean of the last LAST."""

    numbers: np.ndarray
    losses: np.ndarray
    chosen: np.ndarray


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Walks from several beginnings, random search, and what both are worth on test rows."""
    data, x_test, y_test = read(config)
    random = np.random.default_rng(0)
    begun = draw_numbers(random, config.seeds, config)
    walks = [walk(numbers, data, config, place) for place, numbers in enumerate(begun)]
    searched = [search(random, data, config, place) for place in range(config.seeds)]
    worth = {
        "as it began": score(begun, data, x_test, y_test, config),
        "by gradient": score([found.chosen for found in walks], data, x_test, y_test, config),
        "by random search": score(searched, data, x_test, y_test, config),
    }
    show("hypergradients", draw(walks))
    return {
        "test": worth,
        "validation loss, first step and last": [mean_sd(found.losses[place] for found in walks) for place in (0, -1)],
        "numbers by gradient": {name: mean_sd(found.chosen[i] for found in walks) for i, name in enumerate(NAMES)},
        "numbers by random search": {name: mean_sd(numbers[i] for numbers in searched) for i, name in enumerate(NAMES)},
    }


def read(config: Config) -> tuple[Data, np.ndarray, np.ndarray]:
    """Few rows to train on, more to validate on, all others to test on."""
    digits = load("digits")
    x, y = (digits.numbers / 16).astype(np.float32), digits.target.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(x)).astype(np.int32)
    train, held_out, test = np.split(order, [config.rows, config.rows + config.validation_rows])
    return Data(x, y, train, held_out), x[test], y[test]


def recipe(numbers: Sequence[float] | np.ndarray, config: Config) -> Recipe:
    """The run of these numbers."""
    rate, first, second, third = map(float, numbers)
    network = models.mlp((32, 32), 10, activation="tanh")  # Dense, Tanh, Dense, Tanh, Dense: an alpha for each of the five
    descent = optimizer(optax.sgd, learning_rate=rate, momentum=0.9)
    return Recipe(Classification(network), descent, epochs=config.epochs, l2=(first, 0.0, second, 0.0, third))


def draw_numbers(random: np.random.Generator, count: int, config: Config) -> np.ndarray:
    """So many sets of numbers (count, 4), evenly on logarithms."""
    low, high = (np.log([rate, alpha, alpha, alpha]) for rate, alpha in (config.low, config.high))
    return np.exp(random.uniform(low, high, (count, len(NAMES))))


def walk(numbers: np.ndarray, data: Data, config: Config, number: int) -> Walk:
    """Adam on the logarithms: d loss / d log a = a d loss / d a."""
    adam = optax.adam(config.rate)
    logs = jnp.log(numbers)
    memory, seen, losses = adam.init(logs), [], []
    for step in range(config.steps):
        now = np.exp(np.asarray(logs, float))
        loss, slopes = hypergradient(recipe(now, config), data, key=1000 * number + step)
        of_rate, of_layers = (jax.tree.leaves(part) for part in (slopes.optimizer, slopes.l2))
        slope = now * np.array([of_rate[0], *of_layers[::2]])
        with jax.numpy_dtype_promotion("standard"):
            updates, memory = adam.update(jnp.asarray(slope), memory)
        logs = optax.apply_updates(logs, updates)
        seen.append(now)
        losses.append(loss)
    return Walk(np.stack(seen), np.array(losses), np.exp(np.log(seen[-LAST:]).mean(axis=0)))


def search(random: np.random.Generator, data: Data, config: Config, number: int) -> np.ndarray:
    """The best of three runs for each step of a walk."""
    drawn = draw_numbers(random, 3 * config.steps, config)
    runs = fit_many([recipe(numbers, config) for numbers in drawn], data, key=1000 * number)
    losses = [np.inf if run.outcome == "diverged" else run.history["validation_loss"][-1] for run in runs]
    return np.asarray(drawn[int(np.argmin(losses))])


def score(chosen: Sequence[np.ndarray] | np.ndarray, data: Data, x_test: np.ndarray, y_test: np.ndarray, config: Config) -> Results:
    """Mean test loss and accuracy of each, over fresh seeds; then mean and sd over those chosen."""
    runs = fit_many([recipe(numbers, config) for numbers in chosen], data, key=77, seeds=config.seeds)
    tested = [run.evaluate(x_test, y_test) for run in runs]
    by_chosen = np.reshape([[found["loss"], found["accuracy"]] for found in tested], (len(chosen), config.seeds, 2)).mean(axis=1)
    return {"loss": mean_sd(by_chosen[:, 0]), "accuracy": mean_sd(by_chosen[:, 1])}


def draw(walks: list[Walk]) -> Figure:
    """The validation loss of every walk, and of the first where its numbers go."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for found in walks:
        left.semilogy(found.losses, color=BLUE, linewidth=1.2)
    left.set(xlabel="step", ylabel="validation loss of the whole run", title=f"Walks from {len(walks)} beginnings")
    for place, name in enumerate(NAMES):
        for number, found in enumerate(walks):
            label = {"learning_rate": "learning rate"}.get(name, f"alpha, {name} layer") if number == 0 else None
            right.semilogy(found.numbers[:, place], LINES[place], color=(RED, *COLOURS[2:])[place], linewidth=1.2, label=label)
    right.set(xlabel="step", title="Their numbers")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=4, frameon=False, fontsize=9)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
