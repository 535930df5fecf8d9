"""What do shared weights save and bring, and what does a convolutional network make of a digit on its way through it?

A LeNet: windows of 5 x 5 pixels pass over the image, all with the same weights (a feature map each), pooling halves the maps, twice;
what is left is flattened and read by dense layers. Checked are the words of the lecture: that a map is the product of each patch with one
kernel, that stride and padding give maps of the size that the formula says, that a shifted image gives shifted maps. Counted are the
weights, beside those of maps without sharing (each place its own kernel) and of a dense layer to as many numbers.

Then digits are shifted, which no network saw in training. A LeNet, an MLP with as many parameters, and a LeNet whose last
convolution looks everywhere and hands on only its largest answer (global pooling) in place of flattening: on 28 x 28 pixels that one
has exactly the LeNet's parameters. Accuracies are of test rows, mean and standard deviation over first weights and orders of examples;
beyond 4 pixels, MNIST's margin, parts of some digits leave the image.

Without mnist.npz in the data folder the digits are scikit-learn's, of 8 x 8 pixels, and windows 3 x 3.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view

from experiments.support.digits import Digits, read_digits, sizes
from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Recipe, Run, fit_many, optimizer
from jaxnn.layers import Chain, Conv, Dense, Flatten, GlobalMaxPool, Layer, MaxPool, ReLU
from jaxnn.plots import COLOURS, LINES, feature_maps, filters
from jaxnn.typing import Params

LENET, MLP, GLOBAL = "LeNet", "MLP, as many parameters", "LeNet, global pooling"
DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""(down, right)"""


@dataclass(frozen=True)
class Config:
    """rows: to train on. features: of the two convolutions. hidden: dense layers. shifts: pixels. shifted: test rows that are shifted."""

    seeds: int = 3
    rows: int = 10_000
    features: tuple[int, int] = (6, 16)
    hidden: tuple[int, int] = (120, 84)
    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 0.001
    shifts: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    shifted: int = 2000
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """One seed, few rows and epochs, small layers."""
        return cls(
            seeds=1, rows=900, features=(4, 8), hidden=(32, 16), epochs=12, batch_size=16, learning_rate=0.003, shifts=(0, 1), shifted=200
        )


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Sizes, weights and differences; accuracies by shift."""
    digits = read_digits(config.data, config.rows)
    nets = networks(digits, config)
    runs = {name: train(network, digits, config) for name, network in nets.items()}
    accuracy = {name: {shift: shifted_accuracy(group, shift, digits, config) for shift in config.shifts} for name, group in runs.items()}
    lenet, params, example = nets[LENET], runs[LENET][0].params, first_of_class(digits, 5 if digits.name == "MNIST" else 0)
    counts = weights(lenet, example)
    show("feature_maps", draw_maps(lenet, params, example))
    show("feature_maps_filters", draw_filters(params))
    show("feature_maps_shift", draw_shift(counts, accuracy, digits))
    return {
        "data": sizes(digits),
        "layers of the LeNet": layers(lenet, params, example),
        "weights of a convolution": counts,
        "sizes of maps": map_sizes(example.shape[0], _window(example.shape[0])),
        "largest |map - product of patches and kernel|": patches_differ(lenet, params, example),
        "largest |maps of the shifted image - shifted maps|": shifts_differ(lenet, params, example),
        "parameters": {name: _count(group[0].params) for name, group in runs.items()},
        "test accuracy, all test rows": {name: mean_sd(_accuracy(run, *digits.test) for run in group) for name, group in runs.items()},
        "test accuracy by shift": {name: {str(shift): mean_sd(v) for shift, v in rows.items()} for name, rows in accuracy.items()},
    }


def networks(digits: Digits, config: Config) -> dict[str, Chain]:
    """The three networks that read shifted digits."""
    pixels, window = digits.train[0].shape[1:3], (_window(digits.train[0].shape[1]),) * 2
    start = (*_pooled(Conv(config.features[0], window)), *_pooled(Conv(config.features[1], window, padding="VALID")))
    wide, narrow = config.hidden
    end = (Dense(narrow), ReLU(), Dense(10))
    lenet = Chain((*start, Flatten(), Dense(wide), ReLU(), *end))
    anywhere = Chain((*start, Conv(wide, window), GlobalMaxPool(), ReLU(), *end))
    x = jax.ShapeDtypeStruct((1, *pixels, 1), np.float32)
    units = round((_count(jax.eval_shape(lenet.init, jax.random.key(0), x)) - 10) / (math.prod(pixels) + 11))
    return {LENET: lenet, MLP: Chain((Flatten(), Dense(units), ReLU(), Dense(10))), GLOBAL: anywhere}


def _pooled(conv: Conv) -> tuple[Layer, ...]:
    return conv, MaxPool(), ReLU()


def _window(side: int) -> int:
    return 5 if side >= 16 else 3


def _count(params: Params) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def train(network: Layer, digits: Digits, config: Config) -> list[Run]:
    """All seeds of a network, by hand-written backpropagation."""
    adam = optimizer(optax.adam, learning_rate=config.learning_rate)
    recipe = Recipe(Classification(network), adam, epochs=config.epochs, batch_size=config.batch_size, gradients="backprop")
    return fit_many([recipe], digits.train, seeds=config.seeds)


def shifted_accuracy(runs: list[Run], pixels: int, digits: Digits, config: Config) -> list[float]:
    """Of each run, the mean over four directions; what leaves the image is lost, what enters is black."""
    x, y = (part[: config.shifted] for part in digits.test)
    moved = [shift(x, down * pixels, right * pixels) for down, right in DIRECTIONS] if pixels else [x]
    return [float(np.mean([_accuracy(run, image, y) for image in moved])) for run in runs]


def _accuracy(run: Run, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(run.predict(x).argmax(axis=1) == y))


def shift(x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Images (rows, height, width, ...) moved by so many pixels; zeros enter.

    >>> shift(np.array([[[1, 2], [3, 4]]]), 0, 1).tolist()
    [[[0, 1], [0, 3]]]
    """
    margins = [(0, 0), (max(down, 0), max(-down, 0)), (max(right, 0), max(-right, 0)), *[(0, 0)] * (x.ndim - 3)]
    height, width = x.shape[1:3]
    return np.pad(x, margins)[:, max(-down, 0) : max(-down, 0) + height, max(-right, 0) : max(-right, 0) + width]


def first_of_class(digits: Digits, label: int) -> np.ndarray:
    """The first test image (height, width, 1) of that digit."""
    x, y = digits.test
    return x[np.flatnonzero(y == label)[0]]


def layers(network: Chain, params: Params, x: np.ndarray) -> list[Results]:
    """Of each layer the shape of what it gives for one image, and its parameters."""
    table, y = [], jnp.asarray(x[None])
    for layer, own in zip(network.layers, params, strict=True):
        y = layer.apply(own, y)
        table.append({"layer": repr(layer), "gives": y.shape[1:], "parameters": _count(own)})
    return table


def weights(network: Chain, x: np.ndarray) -> Results:
    """Parameters of each convolution: shared; with a kernel for each place; dense, each number of the maps from all of the input."""
    table, shape = {}, jax.ShapeDtypeStruct((1, *x.shape), x.dtype)
    for layer in network.layers:
        params = jax.eval_shape(layer.init, jax.random.key(0), shape)
        before, shape = shape, jax.eval_shape(layer.apply, params, shape)
        if isinstance(layer, Conv):
            places, outputs = math.prod(shape.shape[1:-1]), math.prod(shape.shape)
            shared, dense = _count(params), (math.prod(before.shape) + 1) * outputs
            name = " to ".join(" × ".join(map(str, of.shape[1:])) for of in (before, shape))
            table[name] = {"shared": shared, "a kernel for each place": shared * places, "dense": dense, "dense / shared": dense / shared}
    return table


def map_sizes(n: int, k: int) -> list[Results]:
    """Side of the map of n x n pixels under a window k: what the layer gives, and floor((n + pads - k) / stride) + 1."""
    x, table = jax.ShapeDtypeStruct((1, n, n, 1), np.float32), []
    for padding in ("VALID", "SAME", k - 1):
        for stride in (1, 2):
            layer = Conv(1, (k, k), stride=stride, padding=padding)
            side = jax.eval_shape(lambda x, layer=layer: layer.apply(layer.init(jax.random.key(0), x), x), x).shape[1]
            same = max((math.ceil(n / stride) - 1) * stride + k - n, 0)
            pads = {"VALID": 0, "SAME": same}.get(str(padding), 2 * (k - 1))
            table.append({"padding": padding, "stride": stride, "side": side, "by formula": (n + pads - k) // stride + 1})
    return table


def patches_differ(network: Chain, params: Params, x: np.ndarray) -> float:
    """The second convolution (no padding) beside an explicit product of all patches of its input with its kernel."""
    conv, own = network.layers[3], params[3]
    maps = Chain(network.layers[:3]).apply(params[:3], jnp.asarray(x[None]))
    seen = np.asarray(maps[0], np.float64)
    patches = sliding_window_view(seen, own["kernel"].shape[:2], axis=(0, 1))  # (height, width, channels, window, window)
    products = np.einsum("hwcij,ijcf->hwf", patches, own["kernel"].astype(np.float64)) + own["bias"]
    return float(np.abs(products - np.asarray(conv.apply(own, maps))[0]).max())


def shifts_differ(network: Chain, params: Params, x: np.ndarray) -> Results:
    """An image moved by 2 pixels gives maps moved by 2, and pooled maps moved by 1; but where windows reach what left the image."""
    differences, safe = {}, len(x) - params[0]["kernel"].shape[0] // 2
    for name, count, halved in (("convolution", 1, 1), ("convolution, pooling, ReLU", 3, 2)):
        start, own, moved = Chain(network.layers[:count]), params[:count], 2 // halved
        maps, maps_of_moved = (np.asarray(start.apply(own, jnp.asarray(image))) for image in (x[None], shift(x[None], 2, 2)))
        inside = slice(moved, safe // halved)
        differences[name] = float(np.abs(maps_of_moved - shift(maps, moved, moved))[:, inside, inside].max())
    return differences


def draw_maps(network: Layer, params: Params, x: np.ndarray) -> Figure:
    """One digit after both convolutions, and after pooling and ReLU each time."""
    figure = Figure(figsize=(10, 7.2), layout="constrained")
    feature_maps(figure, network, params, x, after=(0, 2, 3, 5))
    return figure


def draw_filters(params: Params) -> Figure:
    """The kernels of both convolutions."""
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 2.6))
    filters(above, params[0]["kernel"], columns=params[0]["kernel"].shape[-1])
    filters(below, params[3]["kernel"])
    above.set_title("First convolution: one kernel for each map, the same at every place", fontsize=10)
    below.set_title("Second convolution: a map sums over all maps before it (a column: one map's kernel)", fontsize=10)
    return figure


def draw_shift(counts: Results, accuracy: dict[str, dict[int, list[float]]], digits: Digits) -> Figure:
    """Left: weights with and without sharing. Right: accuracy by shift."""
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_counts(left, counts)
    for number, (name, rows) in enumerate(accuracy.items()):
        mean, sd = ([100 * mean_sd(values)[key] for values in rows.values()] for key in ("mean", "sd"))
        right.errorbar(list(rows), mean, sd, fmt=f"o{LINES[number]}", color=COLOURS[number], capsize=3, markersize=4, label=name)
    right.set(title=f"{digits.name}: test digits shifted, in training not", xlabel="shift, pixels", ylabel="accuracy, %", ylim=(0, 102))
    right.set_xticks(list(next(iter(accuracy.values()))))
    right.legend(frameon=False, loc="lower left")
    tidy(right)
    return figure


def draw_counts(axes: Axes, counts: Results) -> None:
    """Parameters of each convolution, logarithmic."""
    kinds = ("shared", "a kernel for each place", "dense")
    for number, kind in enumerate(kinds):
        values = [row[kind] for row in counts.values()]
        bars = axes.bar(np.arange(len(values)) + 0.27 * (number - 1), values, 0.25, color=COLOURS[number], label=kind)
        axes.bar_label(bars, [f"{value:,}" for value in values], fontsize=7.5)
    labels = [name.replace(" to ", "\nto ") for name in counts]
    axes.set(yscale="log", xticks=range(len(counts)), xticklabels=labels, title="Parameters of a convolution", ylabel="numbers to learn")
    axes.set_ylim(10, 3e8)
    axes.legend(frameon=False, loc="upper left", ncols=3, fontsize=8, columnspacing=1)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    command_line(main, Config)
