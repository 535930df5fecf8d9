"""Nets of threshold units with weights set by hand, built from the library's Dense and Step, and how they are drawn.

A unit fires (1) where the sum of its weighted inputs reaches its threshold, else it is silent (0).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch

from jaxnn.layers import Chain, Dense, Step
from jaxnn.plots import BLUE, RED

RADIUS = 0.22


class Unit(NamedTuple):
    """One threshold unit. inhibitory: the inputs whose 1 forbids firing; only units proper have them."""

    weights: tuple[float, ...]
    threshold: float
    inhibitory: frozenset[int] = frozenset()


class Net(NamedTuple):
    """Layers of units, first to last."""

    inputs: tuple[str, ...]
    layers: tuple[tuple[Unit, ...], ...]


def proper(inputs: int, threshold: int, *, excite: Iterable[int] = (), inhibit: Iterable[int] = ()) -> Unit:
    """McCulloch and Pitts's unit of 1943: weight 1 for each exciting input, a whole threshold, absolute inhibition.

    Absolute inhibition is a weight of -inputs: the others, inputs - 1 of weight 1 at most, never make up for one of it.
    """
    exciting, inhibiting = frozenset(excite), frozenset(inhibit)
    weights = [float(index in exciting) - inputs * float(index in inhibiting) for index in range(inputs)]
    return Unit(tuple(weights), threshold, inhibiting)


def build(net: Net) -> tuple[Chain, Any]:
    """The net as a library layer and its parameters: kernel = weights, bias = -threshold, then the step at 0."""
    network: list[Any] = []
    params: list[Any] = []
    for units in net.layers:
        kernel = np.array([unit.weights for unit in units], np.float32).T
        bias = -np.array([unit.threshold for unit in units], np.float32)
        network += [Dense(len(units)), Step()]
        params += [{"kernel": kernel, "bias": bias}, ()]
    return Chain(tuple(network)), tuple(params)


def cube(inputs: int) -> np.ndarray:
    """All 2^inputs rows of 0 and 1, the first input slowest, as truth tables are written."""
    return ((np.arange(2**inputs)[:, None] >> np.arange(inputs)[::-1]) & 1).astype(np.float32)


def truth_table(net: Net) -> tuple[int, ...]:
    """The output of the net's one last unit for every row of the cube."""
    layer, params = build(net)
    return tuple(int(value) for value in layer.apply(params, jnp.asarray(cube(len(net.inputs))))[:, 0])


def run_circle(net: Net, inputs: np.ndarray) -> np.ndarray:
    """States over time (steps,) of a net whose last input is its own output one step before; inputs (steps, ...), start at 0."""
    layer, params = build(net)

    def step(state: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
        state = layer.apply(params, jnp.append(now, state)[None])[0, 0]
        return state, state

    return np.asarray(jax.lax.scan(step, jnp.zeros((), jnp.float32), jnp.asarray(inputs, jnp.float32))[1])


def draw_net(axes: Axes, net: Net, title: str, *, circle: bool = False) -> None:
    """Units as circles with their thresholds; arrows excite, lines that end in a ring inhibit; weights of units proper are left out."""
    names = net.inputs[:-1] if circle else net.inputs
    columns = [_heights(len(names))] + [_heights(len(units)) for units in net.layers]
    for name, height in zip(names, columns[0], strict=True):
        axes.text(0, height, name, ha="right", va="center", fontsize=11)
    for depth, units in enumerate(net.layers, start=1):
        for unit, height in zip(units, columns[depth], strict=True):
            for start, source in enumerate(columns[depth - 1]):
                _connect(axes, (depth - 1, source), (depth, height), unit, start)
            axes.add_patch(Circle((depth, height), RADIUS, facecolor="white", edgecolor="black", zorder=3))
            axes.text(depth, height, f"{unit.threshold:g}".replace("-", "−"), ha="center", va="center", fontsize=11, zorder=4)
    last = len(net.layers)
    if circle:
        _loop(axes, last)
    axes.add_patch(FancyArrowPatch((last + RADIUS, 0), (last + 0.6, 0), arrowstyle="-|>", mutation_scale=11, color="black"))
    axes.set(xlim=(-0.45, last + 0.7), ylim=(-1.15, 1.15), title=title, aspect="equal")
    axes.axis("off")


def _connect(axes: Axes, start: tuple[float, float], end: tuple[float, float], unit: Unit, index: int) -> None:
    weight, inhibits = unit.weights[index], index in unit.inhibitory
    if weight == 0:
        return
    ring = 0.06 if inhibits else 0.0
    direction = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
    tail, tip = start + direction * (RADIUS if start[0] > 0 else 0.06), end - direction * (RADIUS + 2 * ring)
    colour = RED if weight < 0 else BLUE
    style = "-" if inhibits else "-|>"
    axes.add_patch(FancyArrowPatch(tuple(tail), tuple(tip), arrowstyle=style, mutation_scale=11, shrinkA=0, shrinkB=0, color=colour))
    if inhibits:
        axes.add_patch(Circle(tuple(tip + direction * ring), ring, facecolor="white", edgecolor=RED, linewidth=1.3, zorder=3))
    elif weight < 0:
        spot = tail + (tip - tail) * 0.3
        axes.text(spot[0], spot[1] + 0.12, f"−{-weight:g}", ha="center", va="center", color=RED, fontsize=9)


def _loop(axes: Axes, column: float) -> None:
    """The arrow from the unit at (column, 0) back to itself."""
    angles = np.radians(np.linspace(-55, 222, 60))
    across, up = column + 0.2 * np.cos(angles), RADIUS + 0.17 + 0.2 * np.sin(angles)
    axes.plot(across, up, color=BLUE, linewidth=1.3, zorder=2)
    ends = ((across[-2], up[-2]), (across[-1] + 0.02, up[-1] - 0.04))
    axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0, color=BLUE))


def _heights(count: int) -> list[float]:
    return [0.0] if count == 1 else np.linspace(0.6, -0.6, count).tolist()
