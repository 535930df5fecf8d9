"""Is the hand-written derivative of every activation function the one that automatic differentiation finds?

Every activation of the library, and the two variants of the lecture's figure: leaky ReLU with slope 0.1 (jax.nn and the
library's default have 0.01) and ELU with alpha 0.1 (elsewhere 1). Derivatives are compared with ``jax.grad`` on a grid that
holds 0 and huge numbers, in float32 and float64, and in float64 with central differences away from the kink at 0.

Beyond the grid two facts that training feels: how steep a function is at most (1/4 for the sigmoid: the vanishing gradient), and
the share of a standard normal input on which it is nearly flat.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.looks import tidy
from experiments.support.runner import Results, Show, command_line, ignore
from jaxnn.layers import ACTIVATIONS, ELU, Activation, LeakyReLU
from jaxnn.plots import BLUE, RED

FUNCTIONS: dict[str, Activation] = {name: cls() for name, cls in ACTIVATIONS.items()} | {
    "leaky_relu, slope 0.1": LeakyReLU(slope=0.1),
    "elu, alpha 0.1": ELU(alpha=0.1),
}
IN_THE_LECTURE = ("sigmoid", "tanh", "relu", "leaky_relu, slope 0.1", "elu, alpha 0.1")
EDGES = (0.0, 1e-30, -1e-30, 20.0, -20.0, 100.0, -100.0, 1e4, -1e4)
FLAT = 0.01
STEP_SIZE = 1e-5
NORMAL_DRAWS = 20_000


@dataclass(frozen=True)
class Config:
    """points: of the grid from -reach to reach, to which the edge points are added."""

    points: int = 20_001
    reach: float = 8.0

    @classmethod
    def smoke(cls) -> "Config":
        """A coarser grid."""
        return cls(points=401)


class Curves(NamedTuple):
    """A function at many inputs, and its derivative there in three ways; each (inputs,)."""

    value: np.ndarray
    by_hand: np.ndarray
    autodiff: np.ndarray
    central: np.ndarray


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """The largest differences of each function, in each precision."""
    grid = np.append(np.linspace(-config.reach, config.reach, config.points), EDGES)
    normal = np.random.default_rng(0).standard_normal(NORMAL_DRAWS)
    inputs = np.append(grid, normal)
    single = {name: curves(function, jnp.asarray(inputs, jnp.float32)) for name, function in FUNCTIONS.items()}
    with jax.enable_x64(True):
        double = {name: curves(function, jnp.asarray(inputs, jnp.float64)) for name, function in FUNCTIONS.items()}
    show("activation_functions", draw(grid[: config.points], single))
    return {name: measure(inputs, single[name], double[name]) | {"in the lecture": name in IN_THE_LECTURE} for name in FUNCTIONS}


def measure(inputs: np.ndarray, single: Curves, double: Curves) -> Results:
    """Differences between the derivative by hand and the two others, and what the slope looks like."""
    smooth = (np.abs(inputs) > 2 * STEP_SIZE) & (np.abs(inputs) <= 20)
    slopes = np.abs(double.by_hand[-NORMAL_DRAWS:])
    return {
        "max |by hand - autodiff|, float32": np.max(np.abs(single.by_hand - single.autodiff)),
        "max |by hand - autodiff|, float64": np.max(np.abs(double.by_hand - double.autodiff)),
        "max |by hand - central difference|, float64": np.max(np.abs(double.by_hand - double.central)[smooth]),
        "steepest": np.max(double.by_hand),
        "share of a standard normal input with slope below 0.01": np.mean(slopes < FLAT),
    }


def curves(function: Activation, b: jax.Array) -> Curves:
    """The function and its derivatives at b (inputs,); central differences are to be trusted in float64 only."""
    return Curves(*map(np.asarray, _curves(function, b)))


@jax.jit
def _curves(function: Activation, b: jax.Array) -> Any:
    function = jax.tree.map(lambda leaf: jnp.asarray(leaf, b.dtype), function)
    value = function.value(b)
    central = (function.value(b + STEP_SIZE) - function.value(b - STEP_SIZE)) / (2 * STEP_SIZE)
    return value, function.derivative(b, value), jax.vmap(jax.grad(function.value))(b), central


def draw(b: np.ndarray, curves_of: dict[str, Curves]) -> Figure:
    """Small multiples: function and derivative, the lecture's in the first places and marked."""
    figure = Figure(figsize=(11, 7.6), layout="constrained")
    names = [*IN_THE_LECTURE, *(name for name in curves_of if name not in IN_THE_LECTURE)]
    panels = figure.subplots(3, 5, sharex=True, sharey=True).ravel()
    shown = np.flatnonzero(np.abs(b) <= 4)
    for axes, name in zip(panels, names, strict=False):
        value, slope = (line[shown] for line in curves_of[name][:2])
        draw_one(axes, b[shown], value, slope, name)
    for place, axes in enumerate(panels):
        axes.tick_params(labelbottom=place + 5 >= len(names))
        if place >= len(names):
            axes.axis("off")
    handles, labels = panels[0].get_legend_handles_labels()
    panels[-1].legend(handles, labels, loc="center", frameon=False, fontsize=10, title="grey: in the lecture")
    figure.supxlabel("weighted input b")
    return figure


def draw_one(axes: Axes, b: np.ndarray, value: np.ndarray, slope: np.ndarray, name: str) -> None:
    """One function and its derivative; a jump is a gap, not a slope."""
    for line, label, colour, style in ((value, "σ(b)", BLUE, "-"), (slope, "σ'(b), by hand", RED, "--")):
        jumps = np.flatnonzero(np.abs(np.diff(line)) > 0.5) + 1
        axes.plot(np.insert(b, jumps, np.nan), np.insert(line, jumps, np.nan), style, color=colour, label=label)
    axes.set(title=name, ylim=(-1.9, 2.6), xticks=(-4, -2, 0, 2, 4))
    tidy(axes)
    if name in IN_THE_LECTURE:
        axes.set_facecolor("#EFEFEF")


if __name__ == "__main__":
    command_line(main, Config)
