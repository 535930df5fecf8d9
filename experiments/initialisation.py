"""Which initial weights keep the size of activations and gradients from layer to layer, and is it where theory says?

Networks of 30 hidden layers of equal width, inputs standard normal, biases 0. Forwards the mean square of each layer's outputs, backwards
that of its errors delta = dJ/db, begun with standard normal numbers behind the last hidden layer. Kernels are drawn by zeros, small
(standard deviation 0.01), Glorot, LeCun, He and orthogonal; functions are tanh, ReLU and SELU. All by the layers' own forward and
backward rules, in float64.

Theory, of wide layers (Poole et al. 2016, Schoenholz et al. 2017): with s = inputs times variance of a weight, weighted inputs are normal
with variance q[l] = s E[x[l-1]^2], so E[x[l]^2] = E[sigma(sqrt(q[l]) z)^2], z standard normal; on the way back the mean square of delta is
multiplied by chi[l] = s E[sigma'(b[l])^2]. s is 2 for He, 1 for LeCun and orthogonal, and for Glorot too as widths are equal: his
2 / (inputs + outputs) differs from LeCun's 1 / inputs only where widths do. "Kept" is said of a factor within 6 % of 1 a layer, the
geometric mean over the half of the layers that is far from the input, which has been forgotten there. tanh with s = 1 is the limiting
case: its mean squares change like a power of the layer, so the deeper, the less.

Last, neurons that begin equal: one hidden layer is trained on two moons from zeros, from a constant, and as the library does it. Equal
neurons have equal gradients, so they stay equal and the layer is worth one neuron. With zeros tanh and ReLU have no gradient at all in
the hidden layer, for the way back leads through the output's zeros, and the way there gives it only zeros.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn import initializers
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import BinaryClassification, Recipe, Run, fit_many, optimizer
from jaxnn.data.synthetic import Points, moons
from jaxnn.layers import Activation, Chain, Dense, activation
from jaxnn.plots import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, decision_boundary

FUNCTIONS = ("tanh", "relu", "selu")
SMALL, CONSTANT = 0.01, 0.5
KEPT = (0.94, 1.06)


@dataclass(frozen=True)
class Config:
    """layers, width: of the networks measured, rows: of their input. neurons, epochs, trained: of the layers trained, by function."""

    seeds: int = 10
    layers: int = 30
    width: int = 256
    rows: int = 128
    neurons: int = 8
    epochs: int = 300
    learning_rate: float = 0.1
    training_seeds: int = 5
    trained: tuple[str, ...] = ("sigmoid", "tanh", "relu")

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer and narrower layers, though theory wants wide ones, and fewer seeds and epochs."""
        return cls(seeds=4, layers=10, width=100, rows=50, epochs=10, training_seeds=2, trained=("sigmoid", "relu"))


class Sizes(NamedTuple):
    """Mean squares by layer, first layer first: of outputs x[l], and of errors delta[l]; (layers,) or (seeds, layers)."""

    outputs: np.ndarray
    errors: np.ndarray


def zeros() -> Any:
    """All weights 0."""
    return initializers.zeros


def small() -> Any:
    """Normal weights, the same for every width."""
    return initializers.normal(SMALL)


def constant() -> Any:
    """All weights equal."""
    return initializers.constant(CONSTANT)


INITIALISERS: dict[str, tuple[Callable[..., Any], Callable[[int], float]]] = {
    "zeros": (zeros, lambda width: 0.0),
    "small": (small, lambda width: SMALL**2 * width),
    "Glorot": (initializers.glorot_uniform, lambda width: 1.0),
    "LeCun": (initializers.lecun_normal, lambda width: 1.0),
    "He": (initializers.he_normal, lambda width: 2.0),
    "orthogonal": (initializers.orthogonal, lambda width: 1.0),
}
"""Each with its s: width times the variance of a weight."""
STARTS: dict[str, Callable[..., Any] | None] = {"zeros": zeros, "constant": constant, "library": None}


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Factors a layer, measured and by theory, and what becomes of neurons that begin equal."""
    drawn = {name: measure(name, config) for name in INITIALISERS}
    measured = {function: {name: drawn[name][function] for name in INITIALISERS} for function in FUNCTIONS}
    predicted = {function: {name: theory(function, name, config) for name in INITIALISERS} for function in FUNCTIONS}
    points = moons(400, noise=0.1)
    runs = {function: train(function, points, config) for function in config.trained}
    show("initialisation", draw(measured, predicted))
    show("initialisation_symmetry", draw_symmetry(runs["sigmoid"], points))
    layers = {
        function: {name: compare(row, predicted[function][name]) for name, row in by_name.items()} for function, by_name in measured.items()
    }
    parts = [part for by_name in layers.values() for row in by_name.values() for part in row.values()]
    return {
        "by layer": layers,
        "kept just where theory says": all(part["kept"] == part["kept by theory"] for part in parts),
        "largest difference of a factor from theory": max(abs(part["factor"]["mean"] - part["by theory"]) for part in parts),
        "neurons that begin equal": {
            function: {start: summary(started, points) for start, started in by_start.items()} for function, by_start in runs.items()
        },
    }


def measure(name: str, config: Config) -> dict[str, Sizes]:
    """For each function mean squares in networks of all seeds, (seeds, layers), of equal kernels and inputs."""
    dense = Dense(config.width, initializer=INITIALISERS[name][0])
    key, x_key, dy_key = jax.random.split(jax.random.key(0), 3)
    with jax.enable_x64(True):
        x, dy = (jax.random.normal(k, (config.rows, config.width), jnp.float64) for k in (x_key, dy_key))
        keys = jax.random.split(key, (config.layers, config.seeds))
        params = [jax.vmap(lambda key: dense.init(key, x))(of_layer) for of_layer in keys]
        measured = {function: _sizes(activation(function), Dense(config.width), params, x, dy) for function in FUNCTIONS}
        return {function: Sizes(*map(np.asarray, sizes)) for function, sizes in measured.items()}


@jax.jit
def _sizes(function: Activation, dense: Dense, params: list[Any], x: jax.Array, dy: jax.Array) -> Any:
    def of_one(params: list[Any]) -> Any:
        y, residuals, outputs = x, [], []
        for of_layer in params:
            b, left = dense.forward(of_layer, y)
            y, kept = function.forward((), b)
            residuals.append((left, kept))
            outputs.append(jnp.mean(jnp.square(y)))
        dx, errors = dy, []
        for of_layer, (left, kept) in zip(params[::-1], residuals[::-1], strict=True):
            _, delta = function.backward((), kept, dx)
            _, dx = dense.backward(of_layer, left, delta)
            errors.append(jnp.mean(jnp.square(delta)))
        return jnp.stack(outputs), jnp.stack(errors[::-1])

    return jax.vmap(of_one)(params)


def theory(function: str, name: str, config: Config) -> Sizes:
    """The mean squares of infinitely wide layers (layers,); integrals over the normal distribution by midpoints, even in number."""
    z = (np.arange(4000) + 0.5) / 200 - 10
    share, layer, s = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum(), activation(function), INITIALISERS[name][1](config.width)
    outputs, slopes = [1.0], []
    with jax.enable_x64(True):
        for _ in range(config.layers):
            b = jnp.asarray(np.sqrt(s * outputs[-1]) * z)
            y = layer.value(b)
            outputs.append(float(share @ np.square(y)))
            slopes.append(float(share @ np.square(layer.derivative(b, y))))
    errors = [slopes[-1]]
    for slope in slopes[-2::-1]:
        errors.insert(0, errors[0] * s * slope)
    return Sizes(np.array(outputs[1:]), np.array(errors))


def compare(measured: Sizes, predicted: Sizes) -> Results:
    """Factors a layer, of outputs on the way there and of errors on the way back, and whether they are near 1."""
    outputs = [factor(row) for row in measured.outputs], factor(predicted.outputs)
    errors = [factor(row, back=True) for row in measured.errors], factor(predicted.errors, back=True)
    return {"outputs": compare_one(*outputs), "errors": compare_one(*errors)}


def compare_one(measured: list[float], predicted: float) -> Results:
    """Mean over seeds beside theory."""
    found = mean_sd(measured)
    return {
        "factor": found,
        "by theory": predicted,
        "kept": KEPT[0] <= found["mean"] <= KEPT[1],
        "kept by theory": KEPT[0] <= predicted <= KEPT[1],
    }


def factor(sizes: np.ndarray, *, back: bool = False) -> float:
    """The geometric mean of what a layer multiplies the mean square by, over the half far from the input; 0 where nothing comes through."""
    half = sizes[len(sizes) // 2 :]
    start, end = (half[-1], half[0]) if back else (half[0], half[-1])
    return 0.0 if end == 0 else float((end / start) ** (1 / (len(half) - 1)))


def train(function: str, points: Points, config: Config) -> dict[str, list[Run]]:
    """One hidden layer from each start, all seeds: of zeros and constants only the order of examples differs."""
    recipes = [recipe(function, initializer, config) for initializer in STARTS.values()]
    runs = fit_many(recipes, points, seeds=config.training_seeds)
    return {start: runs[i * config.training_seeds : (i + 1) * config.training_seeds] for i, start in enumerate(STARTS)}


def recipe(function: str, initializer: Callable[..., Any] | None, config: Config) -> Recipe:
    """Adam, batches of 32; None for the initialiser that the library takes for the function."""
    hidden = activation(function)
    first, last = (type(hidden).initializer, initializers.glorot_uniform) if initializer is None else (initializer, initializer)
    network = Chain((Dense(config.neurons, initializer=first), hidden, Dense(1, initializer=last)))
    return Recipe(BinaryClassification(network), optimizer(optax.adam, learning_rate=config.learning_rate), epochs=config.epochs)


def summary(runs: list[Run], points: Points) -> Results:
    """How far apart the neurons are, how far their weights are from 0, and how well they do."""
    return {
        "largest difference between two neurons": max(float(np.ptp(neurons(run), axis=1).max()) for run in runs),
        "largest weight of a neuron": max(float(np.abs(neurons(run)).max()) for run in runs),
        "training accuracy": mean_sd(run.evaluate(*points)["accuracy"] for run in runs),
    }


def neurons(run: Run) -> np.ndarray:
    """The weights of each hidden neuron in a column (weights, neurons): in, bias, out."""
    hidden, _, output = run.params
    return np.concatenate([hidden["kernel"], hidden["bias"][None], output["kernel"].T])


def draw(measured: dict[str, dict[str, Sizes]], predicted: dict[str, dict[str, Sizes]]) -> Figure:
    """Above outputs, below errors; functions across. Marks are measured, lines are theory."""
    figure = Figure(figsize=(11.5, 7.4), layout="constrained")
    grid: np.ndarray = np.asarray(figure.subplots(2, 3, sharex=True, sharey="row"))
    for column, function in enumerate(FUNCTIONS):
        for row, part in enumerate(("outputs", "errors")):
            for name in INITIALISERS:
                draw_one(grid[row, column], name, getattr(measured[function][name], part), getattr(predicted[function][name], part))
        grid[0, column].set(title={"tanh": "tanh", "relu": "ReLU", "selu": "SELU"}[function], ylim=(1e-12, 1e4))
        grid[1, column].set(xlabel="layer, counted from the input", ylim=(1e-12, 1e4))
    grid[0, 0].set_ylabel("mean square of outputs x")
    grid[1, 0].set_ylabel("mean square of errors δ")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    return figure


def draw_one(axes: Axes, name: str, measured: np.ndarray, predicted: np.ndarray) -> None:
    """One initialiser; of zeros only the legend shows something."""
    colour, marker, size = {
        "zeros": (BLACK, "x", 5),
        "small": (PURPLE, "v", 4),
        "Glorot": (GREEN, "s", 7),
        "LeCun": (BLUE, "o", 5),
        "He": (RED, "^", 5),
        "orthogonal": (ORANGE, ".", 4),
    }[name]
    layers = np.arange(1, len(predicted) + 1)
    label = {"zeros": "zeros: all 0, off the scale", "small": "small, 0.01"}.get(name, name)
    with np.errstate(divide="ignore"):
        typical = np.exp(np.log(measured).mean(axis=0))
    hollow = "none" if name == "Glorot" else colour
    axes.semilogy(layers[::2], typical[::2], marker, color=colour, markersize=size, markerfacecolor=hollow, label=label)
    if name != "zeros":
        axes.semilogy(layers, predicted, color=colour, linewidth=1)
    tidy(axes)


def draw_symmetry(runs: dict[str, list[Run]], points: Points) -> Figure:
    """What sigmoid neurons learn from each start: regions, and the line of each neuron, where its weighted input is 0."""
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    titles = {"zeros": "from zeros", "constant": f"from {CONSTANT:g} everywhere", "library": "from Glorot's"}
    for axes, (start, started) in zip(figure.subplots(1, 3), runs.items(), strict=True):
        run = started[0]
        decision_boundary(axes, run.predict, *points)
        limits, across = (axes.get_xlim(), axes.get_ylim()), np.linspace(-2, 3, 2)
        for first, second, bias, _ in neurons(run).T:
            axes.plot(across, -(bias + first * across) / second, "--", color=GREEN, linewidth=1.1)
        axes.set(xlim=limits[0], ylim=limits[1])
        distinct = len(np.unique(neurons(run), axis=1).T)
        equal = f"all {len(neurons(run).T)} neurons equal" if distinct == 1 else f"{distinct} different neurons"
        axes.set_title(f"{titles[start]}: {100 * run.evaluate(*points)['accuracy']:.1f} %\n{equal}", fontsize=11)
    figure.supxlabel("green, dashed: where a neuron's weighted input is 0; equal neurons lie on one another", fontsize=10)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
