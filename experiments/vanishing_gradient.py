"""How fast does the gradient vanish on its way back through sigmoid layers, and does it through tanh and ReLU layers?

Networks of 2 to 32 hidden layers of equal width, freshly initialised as the library does it (Glorot for sigmoid and tanh, He for ReLU),
on two noisy moons. The norm of dJ/dtheta[l] is measured for every layer, in float64, by the hand-written backward rules; for the kernels
between hidden layers, which are all of one shape, a straight line is fitted to log norm: norm ~ factor^(layers to the output).

Theory, of wide layers (Schoenholz et al. 2017): delta is multiplied by sqrt(chi) a layer, chi = s E[sigma'(b)^2], b normal with the
variance q that solves q = s E[sigma(b)^2]; s = width times variance of a weight, 1 for Glorot's, 2 for He's. That is at most 1/4 sqrt(s)
for the sigmoid. For ReLU chi = 1 with s = 2. For tanh with s = 1, q goes to 0 like 1 / layers, not exponentially, and chi to 1 with it.

Then networks of the same depths, narrower, are trained, by plain gradient descent (mini-batches of 32) and by Adam, which divides each
gradient by its own size. The learning rate is chosen for each network by mean training accuracy over the seeds, for the question is what
can be fitted at all; nothing is held out.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import BinaryClassification, Recipe, Run, fit_many, models, optimizer
from jaxnn.data.synthetic import Points, moons
from jaxnn.layers import activation
from jaxnn.plots import BLUE, GREEN, RED
from jaxnn.typing import Batch

FUNCTIONS = {"sigmoid": ("sigmoid", RED, "o", 6), "tanh": ("tanh", GREEN, "s", 10), "relu": ("ReLU", BLUE, "^", 5)}
"""Name, colour, marker and its size in figures."""
SPREAD = {"sigmoid": 1.0, "tanh": 1.0, "relu": 2.0}
"""s of the docstring: width times the variance of a weight."""
OPTIMIZERS = {"gradient descent": optax.sgd, "Adam": optax.adam}


@dataclass(frozen=True)
class Config:
    """depths, width: hidden layers of the networks measured. trained, trained_width: of those trained, with rates to choose from."""

    seeds: int = 20
    rows: int = 400
    depths: tuple[int, ...] = (2, 4, 8, 16, 32)
    width: int = 100
    trained: tuple[int, ...] = (1, 2, 4, 8, 16)
    trained_width: int = 16
    training_seeds: int = 5
    epochs: int = 100
    descent_rates: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0)
    adam_rates: tuple[float, ...] = (0.003, 0.01, 0.03)

    @classmethod
    def smoke(cls) -> "Config":
        """One depth, one learning rate, fewer seeds and epochs."""
        return cls(
            seeds=5,
            rows=200,
            depths=(12,),
            width=50,
            trained=(6,),
            training_seeds=2,
            epochs=40,
            descent_rates=(0.3,),
            adam_rates=(0.01,),
        )


class Chosen(NamedTuple):
    """The learning rate with the best mean training accuracy, and the accuracies (seeds) with it."""

    learning_rate: float
    accuracies: list[float]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Norms and fitted factors of every depth, what theory says, and training accuracies."""
    points = moons(config.rows, noise=0.1)
    norms = {name: {depth: gradient_norms(name, depth, points, config) for depth in config.depths} for name in FUNCTIONS}
    trained = {way: {name: train(name, way, points, config) for name in FUNCTIONS} for way in OPTIMIZERS}
    show("vanishing_gradient", draw(norms, trained, config))
    return {
        "factor a layer": {name: factors(name, by_depth) for name, by_depth in norms.items()},
        "first layer's norm, share of the last hidden layer's": {
            name: {str(depth): mean_sd(rows[:, 1] / rows[:, -2]) for depth, rows in by_depth.items()} for name, by_depth in norms.items()
        },
        "training accuracy": {
            way: {
                name: {str(depth): {"learning rate": best.learning_rate} | mean_sd(best.accuracies) for depth, best in by_depth.items()}
                for name, by_depth in by_name.items()
            }
            for way, by_name in trained.items()
        },
    }


def gradient_norms(function: str, depth: int, points: Points, config: Config) -> np.ndarray:
    """Frobenius norms of the kernels' gradients (seeds, depth + 1), first layer first."""
    task = BinaryClassification(models.mlp((config.width,) * depth, 1, activation=function))
    with jax.enable_x64(True):
        batch = Batch(jnp.asarray(points[0], jnp.float64), jnp.asarray(points[1]), jnp.ones(len(points[0]), jnp.float64))
        params = jax.vmap(lambda key: task.init(key, batch))(jax.random.split(jax.random.key(0), config.seeds))
        return np.asarray(_norms(task, params, batch))


@jax.jit
def _norms(task: BinaryClassification, params: Any, batch: Batch) -> jax.Array:
    def of_one(params: Any) -> jax.Array:
        _, gradients = task.gradients(params, batch, None, "backprop")
        return jnp.stack([jnp.sqrt(jnp.sum(jnp.square(layer["kernel"]))) for layer in gradients if layer])

    return jax.vmap(of_one)(params)


def factors(function: str, by_depth: dict[int, np.ndarray]) -> Results:
    """By what the norm is multiplied at each layer on the way back, fitted for every seed, and by theory."""
    fitted: Results = {}
    for depth, norms in by_depth.items():
        if depth > 2:
            slopes, straight = zip(*(fit_line(np.log(row[1:-1])) for row in norms), strict=True)
            fitted[f"{depth} hidden layers"] = mean_sd(np.exp(-np.array(slopes))) | {"share of variance explained": np.mean(straight)}
    return fitted | {"theory": theory(function)}


def fit_line(values: np.ndarray) -> tuple[float, float]:
    """The slope of a straight line through the values (layers,), and the share of their variance that it explains."""
    layers = np.arange(len(values))
    slope, start = np.polyfit(layers, values, 1)
    return float(slope), float(1 - np.var(values - slope * layers - start) / np.var(values))


def theory(function: str) -> float:
    """sqrt(chi) at the q that very many layers lead to; integrals over the normal distribution by midpoints, even in number."""
    z = (np.arange(4000) + 0.5) / 200 - 10
    share, layer, q = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum(), activation(function), 1.0
    with jax.enable_x64(True):
        for _ in range(2000):
            b = jnp.asarray(np.sqrt(q) * z)
            y = layer.value(b)
            q = SPREAD[function] * float(share @ np.square(y))
        return float(np.sqrt(SPREAD[function] * share @ np.square(layer.derivative(b, y))))


def train(function: str, way: str, points: Points, config: Config) -> dict[int, Chosen]:
    """For each depth all rates and seeds, then the rate that trains best."""
    rates = config.descent_rates if way == "gradient descent" else config.adam_rates
    recipes = [recipe(function, depth, way, rate, config) for depth in config.trained for rate in rates]
    runs = fit_many(recipes, points, seeds=config.training_seeds)
    groups = np.arange(len(runs)).reshape(len(config.trained), len(rates), config.training_seeds)
    return {
        depth: choose(rates, [[runs[i] for i in of_rate] for of_rate in group], points)
        for depth, group in zip(config.trained, groups, strict=True)
    }


def recipe(function: str, depth: int, way: str, learning_rate: float, config: Config) -> Recipe:
    """The network of that depth, trained that way."""
    network = models.mlp((config.trained_width,) * depth, 1, activation=function)
    return Recipe(BinaryClassification(network), optimizer(OPTIMIZERS[way], learning_rate=learning_rate), epochs=config.epochs)


def choose(rates: tuple[float, ...], by_rate: list[list[Run]], points: Points) -> Chosen:
    """The rate with the best mean training accuracy; a run that diverged counts with what it was before."""
    accuracies = [[run.evaluate(*points)["accuracy"] for run in runs] for runs in by_rate]
    best = int(np.argmax(np.mean(accuracies, axis=1)))
    return Chosen(rates[best], accuracies[best])


def draw(norms: dict[str, dict[int, np.ndarray]], trained: dict[str, dict[str, dict[int, Chosen]]], config: Config) -> Figure:
    """Above: norms by layer, a panel for each function, a line for each depth. Below: training accuracies by depth."""
    figure = Figure(figsize=(11, 7.4), layout="constrained")
    names, ways = list(norms), list(trained)
    panels = figure.subplot_mosaic([[name for name in names for _ in "12"], [way for way in ways for _ in "123"]], height_ratios=[1.15, 1])
    for name in names:
        panels[name].sharey(panels[names[0]])
        draw_norms(panels[name], name, norms[name])
    for way in ways:
        for name, by_depth in trained[way].items():
            draw_accuracy(panels[way], name, by_depth)
        panels[way].set_title(f"Trained by {way}", fontsize=11)
        panels[way].set_xticks(config.trained, list(map(str, config.trained)))
    panels[names[0]].set_ylabel("norm of ∂J/∂θ of a layer")
    panels[ways[0]].set_ylabel("training accuracy")
    panels[ways[0]].legend(frameon=False, loc="lower left")
    return figure


def draw_norms(axes: Axes, name: str, by_depth: dict[int, np.ndarray]) -> None:
    """Geometric mean over seeds, and the range of all of them shaded."""
    title, colour, marker, _ = FUNCTIONS[name]
    for number, (depth, rows) in enumerate(by_depth.items()):
        layers, shade = np.arange(1, depth + 2), 0.35 + 0.65 * (number + 1) / len(by_depth)
        axes.semilogy(layers, np.exp(np.log(rows).mean(axis=0)), color=colour, alpha=shade, linewidth=1.5)
        axes.semilogy(1, np.exp(np.log(rows[:, 0]).mean()), marker, color=colour, alpha=shade, markersize=5)
        axes.fill_between(layers, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.1, linewidth=0)
    slopes = [fit_line(np.log(row[1:-1]))[0] for row in by_depth[max(by_depth)]]
    axes.set_title(f"{title}: × {np.mean(np.exp(-np.array(slopes))):.3f} a layer on the way back", fontsize=11)
    axes.set_xlabel("layer, counted from the input")
    tidy(axes)


def draw_accuracy(axes: Axes, name: str, by_depth: dict[int, Chosen]) -> None:
    """Mean and standard deviation over seeds."""
    title, colour, marker, size = FUNCTIONS[name]
    rows = [mean_sd(best.accuracies) for best in by_depth.values()]
    mean, sd = ([row[key] for row in rows] for key in ("mean", "sd"))
    style: dict[str, Any] = {"color": colour, "markersize": size, "markerfacecolor": "white" if name == "tanh" else colour, "label": title}
    axes.errorbar(list(by_depth), mean, sd, fmt=f"-{marker}", capsize=3, **style)
    axes.set(xscale="log", xlabel="hidden layers", ylim=(0.45, 1.03))
    axes.minorticks_off()
    tidy(axes)


if __name__ == "__main__":
    command_line(main, Config)
