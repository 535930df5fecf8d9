"""How many neurons does one hidden layer need for a given function, with weights set by hand and with weights learned?

The lecture's exercise: f(x) = 0.2 + 0.4 x^2 + 0.3 x sin 15x + 0.05 cos 50x on [0, 1], weights to be written down. Three ways, with N
hidden neurons that are Dense + Step or Dense + ReLU and an output neuron that adds up:

- steps: neuron k switches on at k / N and lifts the output to f in the middle of its cell. Inside a cell f moves by at most
  max|f'| / (2N) from there, so that is the largest error.
- bumps: two step neurons make a bump, one up and one down, a bump for each of N / 2 cells. Steps whose edges meet can be merged,
  so bumps cost twice the neurons of steps, which is max|f'| / N.
- ReLUs: neuron k bends the line at k / N so that it meets f at all multiples of 1 / N. Between two of them a line is at most
  max|f''| / (8 N^2) away.

The same sizes are then trained, ReLU and, for a step has derivative 0 and learns nothing, sigmoid: Adam with a rate that falls to 0
along a cosine, the rate to begin with chosen by mean training loss over the seeds. Hand-set networks compute in float64, trained
ones in float32. Errors are the largest over a grid that, for hand-set networks, has both sides of every edge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.falling import falling_adam
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Recipe, Regression, Run, fit_many, models, optimizer
from jaxnn.layers import Activation, Chain, Dense, ReLU, Step
from jaxnn.plots import BLUE, GREEN, ORANGE, PURPLE, RED

Net = tuple[Chain, Any]
"""A layer and its params, x (batch, 1) -> y (batch, 1)."""


@dataclass(frozen=True)
class Config:
    """neurons: N of the hand-set networks. trained: N of the trained ones, on ``rows`` evenly spaced points. cell_points: of the grid."""

    seeds: int = 5
    neurons: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)
    trained: tuple[int, ...] = (8, 16, 32, 64, 128, 256)
    cell_points: int = 200
    rows: int = 512
    epochs: int = 3000
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1)

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer sizes, one learning rate and fewer epochs."""
        return cls(seeds=2, neurons=(16, 32, 64, 128), trained=(32,), cell_points=50, rows=128, epochs=150, learning_rates=(0.03,))


class Chosen(NamedTuple):
    """The runs (seeds) of one size at the learning rate with the smallest loss, and their largest errors."""

    learning_rate: float
    runs: list[Run]
    errors: list[float]


def f(x: np.ndarray) -> np.ndarray:
    """The function to be approximated."""
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


def slope(x: np.ndarray) -> np.ndarray:
    """f'."""
    return 0.8 * x + 0.3 * np.sin(15 * x) + 4.5 * x * np.cos(15 * x) - 2.5 * np.sin(50 * x)


def curvature(x: np.ndarray) -> np.ndarray:
    """f''."""
    return 0.8 + 9 * np.cos(15 * x) - 67.5 * x * np.sin(15 * x) - 125 * np.cos(50 * x)


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Largest errors by number of neurons, beside what theory allows, and those of trained networks."""
    fine = np.linspace(0, 1, 1_000_001)
    steepest, most_bent = float(np.abs(slope(fine)).max()), float(np.abs(curvature(fine)).max())
    bounds = {"steps": lambda n: steepest / (2 * n), "bumps": lambda n: steepest / n, "ReLUs": lambda n: most_bent / (8 * n * n)}
    by_hand = {name: [hand_set_error(make(n), n, config) for n in config.neurons] for name, make in HAND_SET.items()}
    allowed = {name: [bounds[name](n) for n in config.neurons] for name in by_hand}
    trained = {name: train(name, config) for name in ("relu", "sigmoid")}
    show("universal_approximator", draw(config, by_hand, allowed, trained))
    show("universal_approximator_weights", draw_weights())
    return {
        "max |f'|": steepest,
        "max |f''|": most_bent,
        "by hand": {name: hand_set_results(config, errors, allowed[name]) for name, errors in by_hand.items()},
        "trained": {name: {str(n): summary(best) for n, best in by_size.items()} for name, by_size in trained.items()},
    }


def steps(n: int) -> Net:
    """Neuron k of n is 1 from k / n on; its output weight is the rise from the middle of the cell before to that of its own."""
    heights = f((np.arange(n) + 0.5) / n)
    return one_hidden_layer(Step(), np.ones(n), -np.arange(n) / n, np.diff(heights, prepend=0.0), 0.0)


def bumps(n: int) -> Net:
    """Two neurons a cell: one up at its left edge, one down, by the same height, at its right; the last stays up to have 1 in."""
    cells = n // 2
    left, heights = np.arange(cells) / cells, f((np.arange(cells) + 0.5) / cells)
    right = np.append(left[1:], 1 + 1 / cells)
    return one_hidden_layer(Step(), np.ones(2 * cells), -np.append(left, right), np.append(heights, -heights), 0.0)


def relus(n: int) -> Net:
    """Neuron k of n bends the line at k / n; its output weight is the change of slope there. The output begins at f(0)."""
    slopes = n * np.diff(f(np.arange(n + 1) / n))
    return one_hidden_layer(ReLU(), np.ones(n), -np.arange(n) / n, np.diff(slopes, prepend=0.0), float(f(np.zeros(1))[0]))


HAND_SET: dict[str, Callable[[int], Net]] = {"steps": steps, "bumps": bumps, "ReLUs": relus}


def one_hidden_layer(function: Activation, kernel: np.ndarray, bias: np.ndarray, heights: np.ndarray, start: float) -> Net:
    """The library's layers with the weights given: kernel, bias and output weights (neurons,), and the output's bias."""
    hidden = {"kernel": kernel[None], "bias": bias}
    return Chain((Dense(len(kernel)), function, Dense(1))), (hidden, (), {"kernel": heights[:, None], "bias": np.full(1, start)})


def evaluate(net: Net, x: np.ndarray) -> np.ndarray:
    """The network's output (points,) at x (points,), in float64."""
    return outputs(net, x)[:, 0]


def outputs(net: Net, x: np.ndarray) -> np.ndarray:
    """What the network's last layer gives (points, neurons), in float64."""
    layer, params = net
    with jax.enable_x64(True):
        return np.asarray(layer.apply(jax.tree.map(jnp.asarray, params), jnp.asarray(x)[:, None]))


def hand_set_error(net: Net, n: int, config: Config) -> float:
    """The largest error over a grid of equal points in each cell, with the last number before each edge besides."""
    edges = np.arange(n + 1) / n
    x = np.concatenate([np.linspace(0, 1, n * config.cell_points + 1), edges, np.nextafter(edges[1:], 0)])
    pieces = np.array_split(x, max(1, len(x) * n // 10_000_000))  # hidden layers of all points at once would fill the memory
    return max(float(np.max(np.abs(evaluate(net, piece) - f(piece)))) for piece in pieces)


def hand_set_results(config: Config, errors: list[float], allowed: list[float]) -> Results:
    """Errors and bounds by N, and by what the error falls as N doubles."""
    rows = {
        str(n): {"error": error, "bound": bound, "met": error <= bound}
        for n, error, bound in zip(config.neurons, errors, allowed, strict=True)
    }
    return {"neurons": rows, "the last doubling divides the error by": errors[-2] / errors[-1]}


def train(function: str, config: Config) -> dict[int, Chosen]:
    """For each size all rates and seeds, then the rate with the smallest mean loss of the last epoch."""
    recipes = [recipe(function, n, rate, config) for n in config.trained for rate in config.learning_rates]
    x = np.linspace(0, 1, config.rows)
    runs = fit_many(recipes, (standardised(x), f(x).astype(np.float32)), seeds=config.seeds)
    groups = np.arange(len(runs)).reshape(len(config.trained), len(config.learning_rates), config.seeds)
    rates = [dict(zip(config.learning_rates, [[runs[i] for i in of_rate] for of_rate in group], strict=True)) for group in groups]
    return {n: choose(by_rate) for n, by_rate in zip(config.trained, rates, strict=True)}


def recipe(function: str, n: int, learning_rate: float, config: Config) -> Recipe:
    """One hidden layer of n, batches of 32."""
    steps = config.epochs * -(-config.rows // 32)  # falling, for a largest error must not depend on the noise of the last step
    descent = optimizer(falling_adam, learning_rate=learning_rate, steps=steps)
    return Recipe(Regression(models.mlp((n,), 1, activation=function)), descent, epochs=config.epochs, batch_size=32)


def standardised(x: np.ndarray) -> np.ndarray:
    """x (points,) as the trained networks see it (points, 1): mean 0 and variance 1 on [0, 1]."""
    return ((x - 0.5) * np.sqrt(12)).astype(np.float32)[:, None]


def choose(by_rate: dict[float, list[Run]]) -> Chosen:
    """The learning rate with the smallest mean loss of the last epoch, its runs, and their largest errors."""
    rate = min(by_rate, key=lambda rate: np.mean([run.history["loss"][-1] for run in by_rate[rate]]))
    x = np.linspace(0, 1, 10_001)
    return Chosen(rate, by_rate[rate], [float(np.max(np.abs(run.predict(standardised(x)) - f(x)))) for run in by_rate[rate]])


def summary(chosen: Chosen) -> Results:
    """What is written of one trained size."""
    rms = mean_sd(float(np.sqrt(run.history["loss"][-1])) for run in chosen.runs)
    return {"learning rate": chosen.learning_rate, "error": mean_sd(chosen.errors), "root mean squared error": rms}


def draw(config: Config, by_hand: Results, allowed: Results, trained: dict[str, dict[int, Chosen]]) -> Figure:
    """Left: what 32 neurons make of f, by hand and trained. Right: errors against the number of neurons."""
    figure = Figure(figsize=(11.5, 6.2), layout="constrained")
    panels = figure.subplot_mosaic([["steps", "errors"], ["ReLUs", "errors"], ["trained", "errors"]], width_ratios=[1, 1.25])
    n = min(config.trained, key=lambda size: abs(size - 32))
    x = np.linspace(0, 1, 2001)
    median = {name: by_size[n].runs[int(np.argsort(by_size[n].errors)[config.seeds // 2])] for name, by_size in trained.items()}
    draw_fit(panels["steps"], x, {f"{n} step neurons, by hand": (BLUE, evaluate(steps(n), x))})
    draw_fit(panels["ReLUs"], x, {f"{n} ReLU neurons, by hand": (GREEN, evaluate(relus(n), x))})
    learned = {"relu": ("ReLU", RED), "sigmoid": ("sigmoid", PURPLE)}
    draw_fit(
        panels["trained"],
        x,
        {f"{n} {word} neurons, trained": (colour, median[name].predict(standardised(x))) for name, (word, colour) in learned.items()},
    )
    panels["steps"].tick_params(labelbottom=False)
    panels["ReLUs"].tick_params(labelbottom=False)
    panels["trained"].set_xlabel("x")
    draw_errors(panels["errors"], config, by_hand, allowed)
    for name, (word, colour) in learned.items():
        rows = [mean_sd(best.errors) for best in trained[name].values()]
        panels["errors"].errorbar(
            list(trained[name]),
            [row["mean"] for row in rows],
            [row["sd"] for row in rows],
            fmt="--s",
            color=colour,
            markersize=5,
            capsize=3,
            label=f"{word}, trained (mean ± sd of {config.seeds} seeds)",
        )
    panels["errors"].legend(frameon=False, fontsize=9, loc="lower left")
    return figure


def draw_fit(axes: Axes, x: np.ndarray, curves: dict[str, tuple[str, np.ndarray]]) -> None:
    """f in grey and the networks over it."""
    axes.plot(x, f(x), color="0.72", linewidth=4, label="f")
    for name, (colour, values) in curves.items():
        axes.plot(x, values, color=colour, linewidth=1.2, label=name)
    axes.set(xlim=(0, 1), ylim=(-0.05, 1.25))
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=1)
    axes.spines[["top", "right"]].set_visible(False)


def draw_errors(axes: Axes, config: Config, by_hand: Results, allowed: Results) -> None:
    """Points are errors, lines are the bounds."""
    labels = {"bumps": "max|f′| / N", "steps": "max|f′| / 2N", "ReLUs": "max|f″| / 8N²"}
    for (name, bound), colour, marker in zip(labels.items(), (ORANGE, BLUE, GREEN), ("v", "o", "^"), strict=True):
        axes.loglog(config.neurons, allowed[name], color=colour, linewidth=1, alpha=0.7)
        axes.loglog(config.neurons, by_hand[name], marker, color=colour, markersize=6, label=f"{name}, by hand; line: {bound}")
    axes.set(xlabel="neurons N of the hidden layer", ylabel="largest error on [0, 1]", ylim=(1e-5, 1.5))
    axes.set_xticks(config.neurons, list(map(str, config.neurons)))
    axes.minorticks_off()
    tidy(axes)


def draw_weights() -> Figure:
    """How bumps, a staircase and a line with bends come out of eight neurons each."""
    figure = Figure(figsize=(11.5, 3.5), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True)
    titles = {
        "bumps": "4 bumps of 2 step neurons each\n(red: the two of the third bump)",
        "steps": "8 step neurons\n(each lifts or lowers all to its right)",
        "ReLUs": "8 ReLU neurons\n(each bends all to its right)",
    }
    x = np.linspace(0, 1, 1601)
    for axes, (name, title), colour in zip(panels, titles.items(), (ORANGE, BLUE, GREEN), strict=True):
        layer, params = HAND_SET[name](8)
        parts = outputs((Chain(layer.layers[:2]), params[:2]), x) * params[2]["kernel"][:, 0]
        axes.plot(x, f(x), color="0.72", linewidth=4)
        if name == "bumps":
            axes.fill_between(x, parts.sum(axis=1), color=colour, alpha=0.3, linewidth=0)
            axes.vlines((0.25, 0.5, 0.75), 0, outputs((layer, params), np.array([0.2, 0.4, 0.9]))[:, 0], color=colour, linewidth=0.8)
            axes.plot(x, parts[:, [2, 6]], color=RED, linewidth=1.2, zorder=3)
        else:
            axes.plot(x, parts, color=colour, linewidth=0.9, alpha=0.7)
        axes.plot(x, parts.sum(axis=1) + params[2]["bias"], color="black", linewidth=1.6)
        axes.set(xlim=(0, 1), ylim=(-1.3, 1.4), xlabel="x")
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
