"""Does a unit with an oriented filter answer best to bars of its own orientation, as cells in the cat's visual cortex do?

Hubel and Wiesel (1962) showed bars to a cat. A simple cell of its visual cortex fires when a bar of one orientation lies at one place;
a complex cell has its orientation too, but the bar may lie at any place nearby; they proposed that it collects from simple cells.
Here a simple cell is one place of one map of a convolution with ReLU, its filter set by hand: a bar with dark flanks, or a Gabor function,
exp(-(u^2 + (v / 2)^2) / (2 s^2)) cos(2 pi u / wavelength), u across and v along; and a complex cell is the largest of a map (pooling).
Bars of every orientation drift across the image; the response to an orientation is the largest on the way.

Beside them stand filters that nobody set: the first layer of a small convolutional network trained on digits, each seed's as it was drawn
and as it was learned, tested with the same bars at its own size, without its bias. How much a unit cares for orientation is said by
|sum r exp(2 i angle)| / sum r over its responses r: 0 if all orientations are equal to it, 1 if it answers to a single one. Half
width: how far from its peak a response has fallen to one half.

Without mnist.npz in the data folder the digits are scikit-learn's, of 8 x 8 pixels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.digits import Digits, read_digits, sizes
from experiments.support.looks import tidy
from experiments.support.oriented import FILTERS, bar
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import Classification, Data, Recipe, fit_many, models, optimizer, start
from jaxnn.layers import Chain, Conv, GlobalMaxPool, ReLU
from jaxnn.plots import BLUE, COLOURS, GREEN, LINES, RED, image_grid
from jaxnn.plots.style import SIGNED
from jaxnn.typing import Params


@dataclass(frozen=True)
class Config:
    """step: degrees between bars; apart: between units. side: of hand-set filters; learned: of the trained. rows, epochs: of training."""

    seeds: int = 3
    step: int = 5
    apart: int = 15
    side: int = 15
    learned: int = 9
    features: int = 16
    rows: int = 10_000
    epochs: int = 5
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer orientations, small filters, short training."""
        return cls(seeds=2, step=15, apart=45, side=11, learned=5, features=6, rows=600, epochs=3)


class Responses(NamedTuple):
    """What units answer to bars of all angles at all positions of their way: (angles, positions, units) each."""

    simple: np.ndarray
    complex: np.ndarray

    @property
    def tuning(self) -> np.ndarray:
        """The largest response of each simple cell to each angle (angles, units)."""
        return self.simple.max(axis=1)


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Peaks and widths of the hand-set units, and selectivities of the learned ones."""
    own, angles = np.arange(0, 180, config.apart), np.arange(0, 180, config.step)
    kernels = {name: np.stack([make(config.side, float(angle)) for angle in own], axis=-1)[:, :, None] for name, make in FILTERS.items()}
    responses = {name: respond(kernel, angles, config.side / 5) for name, kernel in kernels.items()}
    digits = read_digits(config.data, config.rows)
    drawn, learned = train(digits, config)
    tunings = {
        name: [respond(kernel, angles, 2 * config.learned / 7).tuning for kernel in group]
        for name, group in (("drawn", drawn), ("learned", learned))
    }
    show("orientation", draw(kernels, responses, own, angles, config))
    show("orientation_learned", draw_learned(learned[0], tunings, angles))
    return {
        "hand-set": {name: summary(group, own, angles) for name, group in responses.items()},
        "data": sizes(digits),
        "first layer": {
            name: {"selectivity, mean over units": mean_sd(float(selectivity(tuning, angles).mean()) for tuning in group)}
            for name, group in tunings.items()
        },
    }


def cells(kernel: np.ndarray) -> tuple[Chain, Params]:
    """A convolution with ReLU and the given kernel (side, side, 1, units), no bias: each place of a map is a simple cell."""
    side, *_, units = kernel.shape
    layer = Chain((Conv(units, (side, side), padding="VALID"), ReLU()))
    return layer, ({"kernel": jnp.asarray(kernel, jnp.float32), "bias": jnp.zeros(units, jnp.float32)}, ())


def respond(kernel: np.ndarray, angles: np.ndarray, width: float) -> Responses:
    """All cells to bars that drift across an image twice the filter's size; the simple cell is the one in the middle."""
    layer, params = cells(kernel)
    side = 2 * len(kernel) - 1
    way = np.linspace(-len(kernel) / 2, len(kernel) / 2, 2 * len(kernel) + 1)
    bars = np.stack([bar(side, float(angle), width, position) for angle in angles for position in way])
    maps = jax.jit(layer.apply)(params, jnp.asarray(bars[..., None], jnp.float32))
    middle, shape = len(kernel) // 2, (len(angles), len(way), kernel.shape[-1])
    return Responses(np.asarray(maps[:, middle, middle]).reshape(shape), np.asarray(GlobalMaxPool().apply((), maps)).reshape(shape))


def selectivity(tuning: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """|sum r exp(2 i angle)| / sum r of each unit; 0 of a unit that never answers.

    >>> selectivity(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0, 90])).round(3).tolist()
    [0.0, 1.0]
    """
    total = tuning.sum(axis=0)
    return np.abs(np.exp(2j * np.deg2rad(angles)) @ tuning) / np.where(total > 0, total, 1)


def preferred(tuning: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The angle of the largest response of each unit."""
    return angles[tuning.argmax(axis=0)]


def half_width(tuning: np.ndarray, angles: np.ndarray) -> float:
    """Degrees from the peak of one unit (angles,) to where it has fallen to one half, mean of both sides, straight lines between angles."""
    count, sides = len(tuning), []
    for direction in (1, -1):
        curve = tuning[(int(tuning.argmax()) + direction * np.arange(count)) % count] / tuning.max()
        below = int(np.argmax(curve < 0.5))
        sides.append(below - (0.5 - curve[below]) / (curve[below - 1] - curve[below]))
    return float(np.mean(sides) * (angles[1] - angles[0]))


def summary(responses: Responses, own: np.ndarray, angles: np.ndarray) -> Results:
    """What is written of hand-set units of one kind."""
    tuning, peaks = responses.tuning, preferred(responses.tuning, angles)
    at_own = np.searchsorted(angles, own)
    answered = {
        name: float(np.mean([(at[place, :, unit] > tuning[place, unit] / 2).mean() for unit, place in enumerate(at_own)]))
        for name, at in (("simple", responses.simple), ("complex", responses.complex))
    }
    return {
        "own angles": own,
        "peaks of simple cells": peaks,
        "peaks of complex cells": preferred(responses.complex.max(axis=1), angles),
        "all peaks at their own angle": bool(np.array_equal(peaks, own)),
        "half width, degrees": mean_sd(half_width(tuning[:, unit], angles) for unit in range(len(own))),
        "response at right angles, share of the peak": float(np.mean(_across(tuning, at_own, len(angles)))),
        "selectivity": mean_sd(selectivity(tuning, angles)),
        "share of the way at which more than half is answered": answered,
    }


def _across(tuning: np.ndarray, at_own: np.ndarray, count: int) -> np.ndarray:
    units = np.arange(tuning.shape[1])
    return tuning[(at_own + count // 2) % count, units] / tuning[at_own, units]


def train(digits: Digits, config: Config) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First kernels (side, side, 1, features) of a small network, of each seed as drawn and as learned."""
    network = models.cnn((config.features,), 10, window=(config.learned,) * 2, hidden=())
    task, adam = Classification(network), optimizer(optax.adam, learning_rate=0.002)
    recipe = Recipe(task, adam, epochs=config.epochs, batch_size=64, gradients="backprop")
    data, key = Data(*digits.train, train=np.arange(1)), jax.random.key_data(jax.random.key(0))
    drawn = [start(recipe, data, key, jnp.int32(seed)).params for seed in range(config.seeds)]
    learned = [run.params for run in fit_many([recipe], digits.train, seeds=config.seeds)]
    first, last = ([np.asarray(params[0]["kernel"]) for params in group] for group in (drawn, learned))
    return first, last


def draw(kernels: dict[str, np.ndarray], responses: dict[str, Responses], own: np.ndarray, angles: np.ndarray, config: Config) -> Figure:
    """Above: the filters, and bars. Below: tuning curves of one unit, of all, and the answers of both kinds of cell on the way."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.35), squeeze=False)[:, 0]
    shown = {f"{name} filters": np.moveaxis(kernel[:, :, 0], -1, 0) for name, kernel in kernels.items()}
    shown["bars"] = np.stack([bar(2 * config.side - 1, float(angle), config.side / 5) for angle in own])
    for axes, (name, images) in zip(above.subplots(len(shown), 1), shown.items(), strict=True):
        most = float(np.abs(images).max())
        image_grid(axes, images, columns=len(images), limits=(-most, most), palette=SIGNED, titles=[f"{angle}°" for angle in own])
        axes.set_ylabel(name, fontsize=9)
    one, every, way = below.subplots(1, 3)
    unit = len(own) // 4
    draw_one(one, responses, unit, own[unit], angles)
    for number, angle in enumerate(own):
        style = LINES[number % len(LINES)]
        every.plot(angles, _scaled(responses["Gabor"].tuning[:, number]), style, color=COLOURS[number % 7], linewidth=1.2)
        every.plot(angle, 1, "v", color=COLOURS[number % 7], markersize=6)
    every.set(title="All Gabor units; triangles: own orientations", xlabel="orientation of the bar, degrees")
    draw_way(way, responses["Gabor"], unit, int(np.searchsorted(angles, own[unit])), config.side)
    for axes in (one, every, way):
        axes.set(ylim=(-0.03, 1.6 if axes is way else 1.12), yticks=np.arange(6) / 5)
        axes.title.set_fontsize(10)
        tidy(axes)
    one.set_ylabel("response, share of the largest")
    return figure


def draw_one(axes: Axes, responses: dict[str, Responses], unit: int, angle: int, angles: np.ndarray) -> None:
    """Tuning curves of one unit of each kind."""
    for (name, group), colour, marker in zip(responses.items(), (BLUE, RED), "os", strict=True):
        axes.plot(angles, _scaled(group.tuning[:, unit]), f"-{marker}", color=colour, markersize=3.5, label=f"{name} filter")
    axes.axvline(angle, color="black", linewidth=1, linestyle=":")
    axes.set(title=f"A unit of {angle}°: largest answer on the bar's way", xlabel="orientation of the bar, degrees")
    axes.legend(frameon=False, fontsize=9)


def draw_way(axes: Axes, responses: Responses, unit: int, at: int, side: int) -> None:
    """What a simple and a complex cell answer along the way of a bar at their orientation and of one across."""
    count, steps = responses.simple.shape[:2]
    positions = np.linspace(-side / 2, side / 2, steps)
    for name, cell, colour in (("simple", responses.simple, BLUE), ("complex", responses.complex, GREEN)):
        largest = cell[at, :, unit].max()
        axes.plot(positions, cell[at, :, unit] / largest, color=colour, label=f"{name} cell, own orientation")
        axes.plot(positions, cell[(at + count // 2) % count, :, unit] / largest, ":", color=colour, label=f"{name} cell, at right angles")
    axes.set(title="While a bar drifts by (Gabor unit)", xlabel="place of the bar, pixels beside the middle")
    axes.legend(frameon=False, fontsize=8, loc="upper center")


def _scaled(values: np.ndarray) -> np.ndarray:
    return values / (float(values.max()) or 1.0)


def draw_learned(kernel: np.ndarray, tunings: dict[str, list[np.ndarray]], angles: np.ndarray) -> Figure:
    """Learned filters of the first seed, the choosiest first, each with its tuning curve; beside, selectivities of all seeds."""
    tuning = tunings["learned"][0]
    order = np.argsort(-selectivity(tuning, angles))[:16]
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2.4, 1), squeeze=False)[0]
    rows = -(-len(order) // 4)
    for axes, place in zip(left.subplots(rows, 8, width_ratios=(1, 1.5) * 4).ravel(), range(8 * rows), strict=True):
        axes.axis("off")
        if place // 2 < len(order):
            _draw_unit(axes, kernel[:, :, 0, order[place // 2]], tuning[:, order[place // 2]], angles, curve=place % 2 == 1)
    left.suptitle("Learned filters and their tuning curves, 0° to 180°", fontsize=11)
    axes = right.subplots()
    for number, group in enumerate(tunings.values()):
        values = np.concatenate([selectivity(tuning, angles) for tuning in group])
        axes.plot(number + np.linspace(-0.15, 0.15, len(values)), np.sort(values), "o", color=COLOURS[number], markersize=4, alpha=0.7)
        axes.hlines(values.mean(), number - 0.3, number + 0.3, color=COLOURS[number])
    axes.set(xticks=range(len(tunings)), xticklabels=list(tunings), xlim=(-0.5, len(tunings) - 0.5), ylim=(0, 1))
    axes.set_title("Selectivity of all units, all seeds;\nline: mean", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_unit(axes: Axes, weights: np.ndarray, tuning: np.ndarray, angles: np.ndarray, *, curve: bool) -> None:
    """A filter, or the tuning curve beside it."""
    if not curve:
        most = float(np.abs(weights).max())
        axes.imshow(weights, cmap=SIGNED, vmin=-most, vmax=most)
        return
    axes.axis("on")
    axes.fill_between(angles, _scaled(tuning), color=BLUE, alpha=0.3, linewidth=0)
    axes.plot(angles, _scaled(tuning), color=BLUE, linewidth=1)
    axes.set(xticks=(0, 90, 180), yticks=(), xlim=(0, 180), ylim=(0, 1.1))
    axes.tick_params(labelsize=6, length=2)
    axes.spines[["top", "right", "left"]].set_visible(False)


if __name__ == "__main__":
    command_line(main, Config)
