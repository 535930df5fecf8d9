"""What does the learning rate do: too small, too large, and falling in one way or another?

Plain gradient descent in batches of 8 on scikit-learn's digits (three fifths to train on, a fifth each to choose by and to report), one
network, one budget of epochs. Every step adds normal noise to the pixels, from 0 to 1, so that gradients never become quiet: without it
the network learns its rows by heart, gradients vanish, and a rate that falls has nothing left to calm.

First, rates that stay as they are. A rate is called too small where the validation loss, the mean over seeds, ends above ``BEHIND`` times
the lowest, and too large where it does on the other side, or where a run diverges.

Then, rates that change from step to step, each kind of schedule over the whole budget: its first (or, where it rises, highest) rate is
chosen by mean validation loss at the end among those of Config, and so is the constant one. Everything else of a schedule is as it stands
in ``SCHEDULES``. The best of several noisy numbers looks too good, most of all where runs are restless: the first part has the same
constant rates with other seeds. How restless a run is: the standard deviation of log10 of the validation loss over the last quarter of the
epochs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.support.digits import Digits, flat, read_bundled
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Run, fit_many, models, optimizer, schedules
from jaxnn.plots import BLACK, BLUE, RED
from jaxnn.plots.style import colour, line
from jaxnn.schedules import Schedule, steps_per_epoch

BEHIND = 2
"""So many times the lowest validation loss is too much."""


@dataclass(frozen=True)
class Config:
    """hidden: of the network. noise: on the pixels. rates: that stay; first_rates: that schedules begin with or peak at."""

    seeds: int = 10
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 30
    batch_size: int = 8
    noise: float = 0.5
    rows: int = 1078
    rates: tuple[float, ...] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    first_rates: tuple[float, ...] = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)
    kinds: tuple[str, ...] = (
        "constant",
        "exponential",
        "power",
        "step",
        "linear",
        "cosine",
        "warm-up, cosine",
        "one-cycle",
        "warm restarts",
    )

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer rows, epochs, seeds, rates and kinds of schedule."""
        kinds = ("constant", "one-cycle")
        return cls(2, hidden=(16,), epochs=8, rows=300, rates=(0.0003, 0.1, 30.0), first_rates=(0.1, 0.3), kinds=kinds)


SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "constant": lambda rate, steps: schedules.Constant(rate),
    "exponential": lambda rate, steps: schedules.Exponential(rate, steps=steps, factor=0.01),
    "power": lambda rate, steps: schedules.Power(rate, steps=steps / 10),
    "step": lambda rate, steps: schedules.Staircase(rate, steps=steps / 4, factor=0.2),
    "linear": lambda rate, steps: schedules.Linear(rate, steps=steps),
    "cosine": lambda rate, steps: schedules.Cosine(rate, steps=steps),
    "warm-up, cosine": lambda rate, steps: schedules.WarmUp(schedules.Cosine(rate, steps=0.9 * steps), steps=0.1 * steps),
    "one-cycle": lambda rate, steps: schedules.OneCycle(rate, steps=steps),
    "warm restarts": lambda rate, steps: schedules.WarmRestarts(rate, steps=steps / 7, growth=2.0),
}
"""Schedules of so many steps, by the rate that they begin with or peak at."""


class Chosen(NamedTuple):
    """The schedule whose runs (seeds) have the lowest validation loss at the end."""

    rate: float
    schedule: Schedule
    runs: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Losses by constant rate, and losses and accuracies by schedule."""
    digits = read_bundled(config.rows)
    constant = {rate: runs for rate, (_, runs) in zip(config.rates, train("constant", config.rates, digits, config), strict=True)}
    chosen = {name: choose(name, digits, config) for name in config.kinds}
    show("learning_rates", draw_constant(constant))
    show("learning_rates_schedules", draw_schedules(chosen, steps(config)))
    return {
        "constant": {str(rate): summary(runs, digits) for rate, runs in constant.items()} | judge(constant),
        "schedules": {
            name: {"rate": best.rate, "schedule": repr(best.schedule)} | summary(best.runs, digits) for name, best in chosen.items()
        },
    }


def steps(config: Config) -> int:
    """Updates of a run."""
    return config.epochs * steps_per_epoch(config.rows, config.batch_size)


def train(kind: str, rates: tuple[float, ...], digits: Digits, config: Config) -> list[tuple[Schedule, list[Run]]]:
    """Each schedule and its runs, one a seed."""
    made = [SCHEDULES[kind](rate, steps(config)) for rate in rates]
    recipes = [recipe(schedule, config) for schedule in made]
    runs = fit_many(recipes, flat(digits.train), validation=flat(digits.validation), seeds=config.seeds)
    return [(schedule, runs[i * config.seeds : (i + 1) * config.seeds]) for i, schedule in enumerate(made)]


def recipe(schedule: Schedule, config: Config) -> Recipe:
    """Plain gradient descent."""
    task = Classification(models.mlp(config.hidden, 10))
    descent = optimizer("sgd", learning_rate=schedule)
    return Recipe(task, descent, epochs=config.epochs, batch_size=config.batch_size, input_noise=config.noise)


def choose(kind: str, digits: Digits, config: Config) -> Chosen:
    """The best of a kind."""
    trained = train(kind, config.first_rates, digits, config)
    best = int(np.argmin([np.mean([last(run, "validation_loss") for run in runs]) for _, runs in trained]))
    return Chosen(config.first_rates[best], *trained[best])


def last(run: Run, name: str) -> float:
    """A metric in the last epoch; infinity for a run that diverged."""
    return float("inf") if run.outcome == "diverged" else float(run.history[name][-1])


def summary(runs: list[Run], digits: Digits) -> Results:
    """What is written of the runs of a rate or a schedule; losses of those that did not diverge."""
    finished = [run for run in runs if run.outcome != "diverged"]
    if not finished:
        return {"diverged": len(runs)}
    tested = [run.evaluate(*flat(digits.test)) for run in finished]
    quarter = -max(len(finished[0].history["loss"]) // 4, 2)
    return {
        "diverged": len(runs) - len(finished),
        "training loss": mean_sd(last(run, "loss") for run in finished),
        "validation loss": mean_sd(last(run, "validation_loss") for run in finished),
        "restlessness": mean_sd(np.log10(run.history["validation_loss"][quarter:]).std() for run in finished),
    } | {f"test {name}": mean_sd(row[name] for row in tested) for name in ("loss", "accuracy")}


def judge(constant: dict[float, list[Run]]) -> Results:
    """Which rates are too small, which too large."""
    losses = {rate: float(np.mean([last(run, "validation_loss") for run in runs])) for rate, runs in constant.items()}
    best = min(losses, key=lambda rate: losses[rate])
    behind = [rate for rate, loss in losses.items() if not loss <= BEHIND * losses[best]]
    return {"best": best, "too small": [rate for rate in behind if rate < best], "too large": [rate for rate in behind if rate > best]}


def draw_constant(constant: dict[float, list[Run]]) -> Figure:
    """Left, losses by epoch of three rates; right, the last loss by rate."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    verdict = judge(constant)
    small = [rate for rate in constant if rate < verdict["best"]]
    large = [rate for rate in constant if rate > verdict["best"]]
    shown = (*small[: len(small) // 2 + 1][-1:], verdict["best"], *large[len(large) // 2 :][:1])
    for number, rate in enumerate(shown):
        for i, run in enumerate(constant[rate]):
            losses = run.history["validation_loss"]
            label = f"{rate:g}" + (", the best" if rate == verdict["best"] else "") if i == 0 else None
            left.semilogy(np.arange(1, len(losses) + 1), losses, line(number), color=colour(number), linewidth=1, label=label)
    left.axhline(np.log(10), color="0.6", linewidth=0.8)
    left.set(xlabel="epoch", ylabel="validation loss; grey: that of guessing", ylim=(0.15, 30))
    left.legend(title="learning rate", frameon=False)
    for name, label, shade, marker in (("loss", "training", BLUE, "o"), ("validation_loss", "validation", RED, "s")):
        ends = {rate: [last(run, name) for run in runs] for rate, runs in constant.items()}
        finite = {rate: np.exp(np.mean(np.log(losses))) for rate, losses in ends.items() if np.isfinite(losses).all()}
        right.loglog(list(finite), list(finite.values()), f"-{marker}", color=shade, label=label)
    gone = [rate for rate, runs in constant.items() if any(run.outcome == "diverged" for run in runs)]
    if gone:
        right.loglog(gone, [10.0] * len(gone), "x", color=BLACK, label="diverged")
    right.axhline(np.log(10), color="0.6", linewidth=0.8)
    right.set(xlabel="learning rate", ylabel="loss in the last epoch")
    right.legend(frameon=False)
    for axes in (left, right):
        tidy(axes)
    return figure


def draw_schedules(chosen: dict[str, Chosen], updates: int) -> Figure:
    """Above, learning rates by step; below, validation losses by epoch; a panel for each kind, the constant one in grey."""
    figure = Figure(figsize=(13, 4.8), layout="constrained")
    kinds = [name for name in chosen if name != "constant"]
    grid: np.ndarray = np.asarray(figure.subplots(2, len(kinds), sharex="col", sharey="row", squeeze=False))
    at = np.arange(updates)
    for column, name in enumerate(kinds):
        for kind, shade in (("constant", "0.65"), (name, BLUE)):
            best = chosen[kind]
            grid[0, column].plot(at / updates, best.schedule(at), color=shade, linewidth=1.2)
            mean = np.exp(np.mean([np.log(run.history["validation_loss"]) for run in best.runs if run.outcome != "diverged"], axis=0))
            grid[1, column].semilogy((np.arange(len(mean)) + 1) / len(mean), mean, color=shade, linewidth=1.2)
        grid[0, column].set_title(name, fontsize=11)
        for axes in grid[:, column]:
            tidy(axes)
    grid[0, 0].set_ylabel("learning rate")
    grid[1, 0].set_ylabel("validation loss")
    ticks = (0.2, 0.3, 0.5, 1.0, 2.0)
    grid[1, 0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    grid[1, 0].minorticks_off()
    figure.supxlabel("share of the run; grey: the best constant rate", fontsize=10)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
