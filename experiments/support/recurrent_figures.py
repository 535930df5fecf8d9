"""Figures of what recurrent networks learned: forecasts, errors by steps ahead, bits per character, and curves of the adding problem."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.support.looks import tidy
from experiments.support.runner import Results, mean_sd
from experiments.support.traffic import Split, mean_squared
from jaxnn import Run
from jaxnn.plots import BLACK, BLUE, GREEN, RED, learning_curves

STYLES = {"simple RNN": (BLUE, "-"), "GRU": (RED, "--"), "LSTM": (GREEN, "-.")}
"""The colours and lines in which ``learning_curves`` draws the cells, in their order."""
OTHERS = ("0.75", "0.55", "0.3")


def sines(
    series: np.ndarray, start: int, forecasts: Mapping[str, Sequence[np.ndarray]], errors: Mapping[str, np.ndarray], noise: float
) -> Figure:
    """Left: one future and the forecasts of it, each by its first seed. Right: RMSE by steps ahead, the range of the seeds shaded."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    future, by_step = figure.subplots(1, 2)
    ahead = next(iter(errors.values())).shape[1]
    before = np.arange(-min(40, start), ahead)
    future.plot(before, series[start + before], ".", color="0.6", markersize=4, label="series")
    greys = iter(OTHERS)
    for name, rows in errors.items():
        colour, style = STYLES[name] if name in STYLES else (next(greys), ":")
        steps = np.arange(1, ahead + 1)
        by_step.plot(steps, rows.mean(axis=0), style, color=colour, label=name)
        by_step.fill_between(steps, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        if name in STYLES:
            future.plot(np.arange(ahead), forecasts[name][0][0], style, color=colour, linewidth=1.2, label=name)
    by_step.axhline(noise, color=BLACK, linewidth=0.8, label="noise")
    future.axvline(-0.5, color="0.6", linewidth=0.8)
    future.set(title="Forecast from their own forecasts", xlabel="steps ahead", ylabel="sum of three sines")
    by_step.set(title="RMSE over all beginnings held out", xlabel="steps ahead", yscale="log")
    for axes in (future, by_step):
        tidy(axes)
    figure.legend(*by_step.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def traffic(name: str, split: Split, baselines: Mapping[str, float], forecasts: Mapping[str, np.ndarray]) -> Figure:
    """Left: mean squared errors, seeds as dots, their mean forecast as a diamond. Right: three flows and what was forecast of them."""
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    truth, best = (
        split.values[split.test :],
        min(forecasts, key=lambda cell: mean_squared(forecasts[cell].mean(axis=0), split.values[split.test :])),
    )
    mosaic = figure.subplot_mosaic([["errors", "0"], ["errors", "1"], ["errors", "2"]], width_ratios=[1, 1.25])
    axes = mosaic["errors"]
    labels = [*baselines, *forecasts]
    for place, error in enumerate(baselines.values()):
        axes.barh(place, error, color="0.8", height=0.6)
        axes.annotate(f"{error:.3f}", (error, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    for place, (cell, group) in enumerate(forecasts.items(), start=len(baselines)):
        errors, mean = [mean_squared(one, truth) for one in group], mean_squared(group.mean(axis=0), truth)
        axes.plot(errors, np.full(len(errors), place), "o", color=STYLES[cell][0], alpha=0.4, markersize=5, markeredgewidth=0)
        axes.plot(mean, place, "D", color=STYLES[cell][0], markersize=7)
        axes.annotate(
            f"{mean_sd(errors)['mean']:.3f} ± {mean_sd(errors)['sd']:.3f}; together {mean:.3f}",
            (max(errors), place),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set(xlabel="mean squared error, one step ahead", xlim=(0, None), title=f"{name}: last quarter, {truth.shape[1]} flows")
    for number, flow in enumerate(np.argsort(truth.var(axis=0))[::-1][:3]):
        draw_flow(mosaic[str(number)], split, flow, best, forecasts[best].mean(axis=0)[:, flow])
    mosaic["0"].set_title(f"black: log(1 + flow); colour: forecast by the mean of {best}s")
    mosaic["2"].set_xlabel("step")
    tidy(axes)
    return figure


def draw_flow(axes: Axes, split: Split, flow: int, cell: str, forecast: np.ndarray) -> None:
    """A flow from a little before the steps held out, and its forecast."""
    steps = np.arange(split.test - 20, len(split.values))
    axes.plot(steps, split.values[steps, flow], color=BLACK, linewidth=1)
    axes.plot(steps[20:], forecast, color=STYLES[cell][0], linewidth=1.4)
    axes.axvline(split.test - 0.5, color="0.6", linewidth=0.8)
    axes.set_ylabel(f"flow {flow + 1}")
    tidy(axes)


def text(results: Results, cells: Sequence[str], runs: Mapping[str, Sequence[Run]]) -> Figure:
    """Bits per character: n-grams by order, cells as lines with their spread, the grammar's own as the floor."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    bits, curves = figure.subplots(1, 2)
    orders = {int(order): value for order, value in results["n-grams"].items()}
    bits.plot(list(orders), list(orders.values()), "o:", color="0.4", label="n-grams")
    for name in cells:
        mean, sd = results[name]["mean"], results[name]["sd"]
        colour, style = STYLES[name]
        bits.axhline(mean, linestyle=style, color=colour, label=f"{name}: {mean:.3f} ± {sd:.3f}")
    floor = results["entropy of the sentences held out"]
    bits.axhline(floor, color=BLACK, linewidth=0.8, label=f"entropy: {floor:.3f}")
    low, top = floor - 0.05, max(sorted(orders.values())[min(3, len(orders) - 1)], *(results[name]["mean"] for name in cells))
    bits.set(
        title="Sentences held out", xlabel="order n of the n-gram", ylabel="bits per character", ylim=(low, top + 0.15), xticks=list(orders)
    )
    learning_curves(curves, runs)
    curves.set(title="Mean and one standard deviation over seeds", ylabel="validation loss, nats per character")
    bits.legend(frameon=False)
    for axes in (bits, curves):
        tidy(axes)
    return figure


def adding(runs: Mapping[str, Sequence[Run]], length: int) -> Figure:
    """Validation loss by epoch, each seed a line."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, group in runs.items():
        colour, style = STYLES[name]
        for number, run in enumerate(group):
            losses = run.history["validation_loss"]
            label = name if number == 0 else None
            axes.semilogy(np.arange(1, len(losses) + 1), losses, style, color=colour, linewidth=1.2, alpha=0.8, label=label)
    axes.axhline(1 / 6, color=BLACK, linewidth=0.8, label="always 1")
    axes.set(title=f"Adding problem, length {length}: each seed a line", xlabel="epoch", ylabel="mean squared error on validation rows")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    tidy(axes)
    return figure
