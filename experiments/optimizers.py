"""Which way do the optimizers go, and which of them trains a network best?

The way: from one point down Beale's function of two numbers, f(a, b) = (1.5 - a + a b)^2 + (2.25 - a + a b^2)^2 + (2.625 - a + a b^3)^2,
which is steep beside its flat valley and has its minimum 0 at (3, 0.5). Of many learning rates, all of them side by side in one program,
each optimizer goes at the one with which the greatest height over the last quarter of the steps is lowest, among those with which it
never leaves the picture. A film of it is kept.

The network: optimizers of optax, by name, on scikit-learn's digits (three fifths to train on, a fifth to report accuracy on). To make the
training loss small soon is their work, so they are ranked by its geometric mean over all epochs and seeds, and by it each has its learning
rate; all else is optax's default, but for momentum 0.9. "epochs to 0.1" is when the mean training loss of an epoch was first below 0.1;
accuracy is what came of it on rows that had no say.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.digits import Digits, flat, read_bundled
from experiments.support.film import Film
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Optimizer, Recipe, Run, fit_many, models, optimizer
from jaxnn.plots import BLACK
from jaxnn.plots.style import colour, line


@dataclass(frozen=True)
class Config:
    """steps, points, frames: of the way down and its film. rates: powers of ten of learning rates, lowest, highest, how many."""

    seeds: int = 5
    steps: int = 240
    frames: int = 80
    surface_rates: tuple[float, float, int] = (-4.0, 0.5, 46)
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 15
    rows: int = 1078
    rates: tuple[float, float, int] = (-4.0, 1.0, 21)
    named: tuple[str, ...] = (
        "SGD",
        "momentum",
        "Nesterov",
        "AdaGrad",
        "AdaDelta",
        "RMSProp",
        "Adam",
        "AdamW",
        "Nadam",
        "AdaMax",
        "AMSGrad",
        "RAdam",
        "AdaBelief",
        "Yogi",
        "Lion",
        "LAMB",
        "NovoGrad",
        "Adafactor",
    )

    @classmethod
    def smoke(cls) -> "Config":
        """Few frames, rates, epochs and optimizers."""
        few = (-3.0, 0.0, 4)
        surface = (-3.0, 0.0, 13)
        return cls(2, frames=3, surface_rates=surface, hidden=(16,), epochs=5, rows=300, rates=few, named=("SGD", "Adam"))


START, END = (0.7, 1.4), (3.0, 0.5)
BORDERS = ((-0.3, 4.3), (-1.3, 2.1))
SEEN = ((-0.55, 4.3), (-1.45, 2.1))
"""What the film shows: a way may touch the borders, and is seen there whole."""
MOMENTUM = {"momentum": 0.9}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("sgd", {}),
    "momentum": ("sgd", MOMENTUM),
    "Nesterov": ("sgd", MOMENTUM | {"nesterov": True}),
}
"""Those that are one function of optax; the name of any other is its function's in small letters."""
ON_SURFACE = ("SGD", "momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "Nadam")


class Way(NamedTuple):
    """Where an optimizer has been at its best learning rate: points (steps + 1, 2), and heights (steps + 1,)."""

    rate: float
    points: np.ndarray
    heights: np.ndarray


class Trained(NamedTuple):
    """The runs (seeds) at the best learning rate."""

    rate: float
    runs: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Steps that each takes down the surface, and how each trains the network, best first."""
    ways = {name: best_way(name, config) for name in ON_SURFACE}
    show("optimizers_descent", film(ways, config))
    show("optimizers_surface", draw_heights(ways))
    digits = read_bundled(config.rows)
    trained = {name: best_runs(name, digits, config) for name in config.named}
    ranking = sorted(trained, key=lambda name: typical_loss(trained[name].runs))
    show("optimizers", draw_losses(trained, ranking))
    return {
        "on the surface": {name: way_summary(way) for name, way in ways.items()},
        "on the network, best first": {name: summary(trained[name], digits) for name in ranking},
    }


def by_name(name: str, learning_rate: Any) -> Optimizer:
    """The optimizer at that learning rate."""
    function, numbers = OTHERS.get(name, (name.lower(), {}))
    return optimizer(function, learning_rate=learning_rate, **numbers)


def beale(point: jax.Array) -> jax.Array:
    """Beale's function of point (2,). Source: Beale 1958, by Jamil and Yang 2013, number 10."""
    a, b = point
    return sum(jnp.square(c - a + a * b**power) for power, c in ((1, 1.5), (2, 2.25), (3, 2.625)))  # type: ignore[return-value]


def best_way(name: str, config: Config) -> Way:
    """The way down at the best learning rate."""
    low, high, count = config.surface_rates
    rates = np.logspace(low, high, count, dtype=np.float32)
    points, heights = jax.vmap(lambda rate: descend(by_name(name, rate), config.steps))(rates)
    low_corner, high_corner = np.transpose(BORDERS)
    inside = ((np.asarray(points) > low_corner) & (np.asarray(points) < high_corner)).all(axis=(1, 2))
    best = int(np.where(inside, np.asarray(heights)[:, -config.steps // 4 :].max(axis=1), np.inf).argmin())
    return Way(float(rates[best]), np.asarray(points[best]), np.asarray(heights[best]))


def descend(made: Optimizer, steps: int) -> tuple[jax.Array, jax.Array]:
    """Points and their heights, the first before any step."""
    transformation = made.build()

    def step(carry: Any, _: None) -> tuple[Any, tuple[jax.Array, jax.Array]]:
        point, state = carry
        height, gradient = jax.value_and_grad(beale)(point)
        with jax.numpy_dtype_promotion("standard"):
            updates, state = transformation.update(gradient, state, point)
        return (optax.apply_updates(point, updates), state), (point, height)

    start = jnp.asarray(START, jnp.float32)
    return jax.lax.scan(step, (start, transformation.init(start)), length=steps + 1)[1]


def way_summary(way: Way) -> Results:
    """The steps until the point is, and stays, within 0.1 of the minimum; None where it does not."""
    away = np.flatnonzero(np.linalg.norm(way.points - END, axis=1) > 0.1)
    arrived = 0 if len(away) == 0 else int(away[-1]) + 1
    return {
        "learning rate": way.rate,
        "steps to the minimum": arrived if arrived < len(way.points) else None,
        "height at the end": float(way.heights[-1]),
    }


def best_runs(name: str, digits: Digits, config: Config) -> Trained:
    """All learning rates and seeds as one population; the rate with the lowest training loss."""
    low, high, count = config.rates
    rates = np.logspace(low, high, count)
    task = Classification(models.mlp(config.hidden, 10))
    recipes = [Recipe(task, by_name(name, float(rate)), epochs=config.epochs) for rate in rates]
    runs = fit_many(recipes, flat(digits.train), seeds=config.seeds)
    groups = [runs[i * config.seeds : (i + 1) * config.seeds] for i in range(count)]
    best = int(np.argmin([typical_loss(group) for group in groups]))
    return Trained(float(rates[best]), groups[best])


def typical_loss(runs: list[Run]) -> float:
    """The geometric mean of the training loss over epochs and runs; infinity where one of them diverged."""
    diverged = any(run.outcome == "diverged" for run in runs)
    return float("inf") if diverged else float(np.exp(np.mean(np.log([run.history["loss"] for run in runs]))))


def summary(trained: Trained, digits: Digits) -> Results:
    """What is written of one optimizer."""
    losses = np.array([run.history["loss"] for run in trained.runs])
    below = np.flatnonzero(losses.mean(axis=0) < 0.1)
    return {
        "learning rate": trained.rate,
        "training loss": typical_loss(trained.runs),
        "by seed": mean_sd(np.exp(np.log(losses).mean(axis=1))),
        "training loss at the end": mean_sd(losses[:, -1]),
        "epochs to 0.1": int(below[0]) + 1 if len(below) else None,
        "test accuracy": mean_sd(run.evaluate(*flat(digits.test))["accuracy"] for run in trained.runs),
    }


def film(ways: dict[str, Way], config: Config) -> Film:
    """The ways down, over contours of log f."""
    figure = Figure(figsize=(5.6, 4.6), dpi=90, layout="constrained")
    axes = figure.subplots()
    a, b = (np.linspace(*border, 160) for border in SEEN)
    grid = np.stack(np.meshgrid(a, b))
    axes.contour(a, b, np.log10(np.asarray(beale(jnp.asarray(grid))) + 1e-3), levels=np.arange(-2.5, 5, 0.5), colors="0.8", linewidths=0.8)
    axes.plot(*START, "o", color=BLACK, markersize=5)
    axes.plot(*END, "*", color=BLACK, markersize=12)
    traces = [axes.plot([], [], color=colour(number), linewidth=1.6)[0] for number in range(len(ways))]
    heads = [axes.plot([], [], "o", color=colour(number), markersize=7, label=name)[0] for number, name in enumerate(ways)]
    axes.set(xlim=SEEN[0], ylim=SEEN[1], xticks=[], yticks=[])
    axes.legend(loc="lower right", fontsize=9, framealpha=1)
    title = axes.set_title("step 0", fontsize=10)

    def change(number: int) -> None:
        seen = round((number / max(config.frames - 1, 1)) ** 1.5 * config.steps)
        title.set_text(f"step {seen}")
        for way, trace, head in zip(ways.values(), traces, heads, strict=True):
            trace.set_data(*way.points[: seen + 1].T)
            head.set_data(*way.points[seen : seen + 1].T)

    return Film(figure, change, config.frames)


def draw_heights(ways: dict[str, Way]) -> Figure:
    """How high each still is, by step."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, way) in enumerate(ways.items()):
        axes.semilogy(way.heights, line(number), color=colour(number), label=f"{name}, {way.rate:.2g}")
    axes.set(xlabel="step", ylabel="Beale's function", ylim=(1e-9, None))
    figure.legend(loc="outside right upper", title="learning rate", frameon=False)
    tidy(axes)
    return figure


def draw_losses(trained: dict[str, Trained], ranking: list[str]) -> Figure:
    """Left, training loss by epoch of some; right, the mean of all, best first, every seed a point."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    some = [name for name in ON_SURFACE if name in trained]
    for number, name in enumerate(some):
        mean = np.exp(np.mean(np.log([run.history["loss"] for run in trained[name].runs]), axis=0))
        left.semilogy(np.arange(1, len(mean) + 1), mean, line(number), color=colour(number), label=name)
    left.set(xlabel="epoch", ylabel="training loss")
    left.legend(frameon=False)
    for place, name in enumerate(ranking):
        losses = [typical_loss([run]) for run in trained[name].runs]
        shade = colour(some.index(name)) if name in some else "0.5"
        right.semilogx(losses, [place] * len(losses), "o", color=shade, markersize=4, alpha=0.6)
        right.semilogx(typical_loss(trained[name].runs), place, "|", color=shade, markersize=14, markeredgewidth=2)
    right.set_yticks(range(len(ranking)), [f"{name}, {trained[name].rate:.2g}" for name in ranking])
    right.set(title="beside the names: learning rates", xlabel="training loss, geometric mean over epochs", ylim=(len(ranking) - 0.5, -0.5))
    right.title.set_fontsize(10)
    ticks = (0.03, 0.04, 0.06, 0.1)
    right.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    right.minorticks_off()
    for axes in (left, right):
        tidy(axes)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
