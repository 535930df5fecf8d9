"""Has the loss one minimum or several: that of logistic regression, and that of a small network on the same points?

Two noisy moons, cross-entropy plus a little L2 (0.001 of the squared kernels), which gives every minimum a place, for without it the
kernels of separable points grow for ever. Descents of all rows at once, with momentum, in float64, from many starts; the last bit of
the way, where descent is slow, by Newton's method, until the gradient is next to nothing. At each end the Hessian of what is minimised is
computed whole: where its smallest eigenvalue is above 0 the end is a minimum, and not a saddle that the descent has not left.

Logistic regression is convex: its Hessian has no negative eigenvalue anywhere, so all descents must end in one place. The network is
not: exchange two neurons, or turn the signs of a tanh neuron's weights, and another point has the same loss (of N tanh neurons N! 2^N
points are one function). Those count as one here, for minima are told apart by their loss.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.support.runner import Results, Show, command_line, ignore
from jaxnn import BinaryClassification, Data, Recipe, advance, models, optimizer, start
from jaxnn.data.synthetic import Points, moons
from jaxnn.diagnostics import Landscape
from jaxnn.layers import Layer
from jaxnn.plots import BLUE, GREEN, RED
from jaxnn.plots import landscape as draw_landscape

Objective = Callable[[jax.Array], jax.Array]

SAME = 1e-6
"""Ends whose losses differ by less are the same minimum."""
STILL = 1e-6
"""A descent has arrived where the norm of the gradient is below this."""


@dataclass(frozen=True)
class Config:
    """seeds: starts. epochs: steps of a descent, of which every `every`-th is kept to be drawn; newton: those after it. neurons: of the
    network. spread: standard deviation of the numbers that a descent begins with."""

    seeds: int = 200
    rows: int = 100
    noise: float = 0.25
    neurons: int = 3
    epochs: int = 5_000
    newton: int = 200
    every: int = 100
    learning_rate: float = 0.1
    momentum: float = 0.9
    l2: float = 1e-3
    spread: float = 3.0
    points: int = 61

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer starts and points."""
        return cls(seeds=12, rows=60, neurons=2, epochs=1_000, newton=100, points=15)


class Descents(NamedTuple):
    """The ends of all starts: losses with L2 (starts,), norms of the gradient, smallest eigenvalues of the Hessian, numbers
    (starts, parameters), and the ways there (starts, kept steps, parameters); the smallest eigenvalue at any start."""

    losses: np.ndarray
    norms: np.ndarray
    curvatures: np.ndarray
    ends: np.ndarray
    ways: np.ndarray
    lowest_at_starts: float


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Minima found by logistic regression and by the network, and the curvature of logistic regression away from them."""
    with jax.enable_x64(True):
        points = moons(config.rows, noise=config.noise)
        networks = {"logistic regression": models.mlp((), 1), "network": models.mlp((config.neurons,), 1, activation="tanh")}
        descents = {name: descend(network, points, config) for name, network in networks.items()}
        show("nonconvexity", draw(networks, descents, points, config))
        return {name: summary(found) for name, found in descents.items()}


def descend(network: Layer, points: Points, config: Config) -> Descents:
    """All starts side by side in one program."""
    recipe, data = setting(network, points, config)
    first = start(recipe, data, jax.random.key_data(jax.random.key(0)), jnp.int32(0))
    flat, build = ravel_pytree(first.params)

    def way(number: jax.Array) -> Any:
        drawn = config.spread * jax.random.normal(jax.random.key(number), flat.shape, flat.dtype)

        def keep(state: Any, _: None) -> Any:
            return advance(recipe, state, data, epochs=config.every)[0], ravel_pytree(state.params)[0]

        state, kept = jax.lax.scan(keep, first.replace(params=build(drawn)), length=config.epochs // config.every)
        return ravel_pytree(state.params)[0], kept

    value = objective(recipe, data, config.l2, build)
    ends, ways = jax.jit(jax.vmap(way))(jnp.arange(config.seeds))
    ends = jax.jit(jax.vmap(newton(value, config.newton)))(ends)
    looked_at = jax.jit(jax.vmap(at_end(value)))(jnp.concatenate([ends, ways[:, 0]]))
    (losses, _), (norms, _), (curvatures, elsewhere) = (np.split(np.asarray(numbers), 2) for numbers in looked_at)
    return Descents(losses, norms, curvatures, np.asarray(ends), np.asarray(ways), float(elsewhere.min()))


def setting(network: Layer, points: Points, config: Config) -> tuple[Recipe, Data]:
    """Gradient descent with momentum, all rows a step, in float64."""
    descent = optimizer(optax.sgd, learning_rate=config.learning_rate, momentum=config.momentum)
    x, y = points
    data = Data(jnp.asarray(x, jnp.float64), jnp.asarray(y), jnp.arange(len(x), dtype=jnp.int32))
    return Recipe(BinaryClassification(network), descent, batch_size=len(x), l2=config.l2), data


def objective(recipe: Recipe, data: Data, alpha: float, build: Callable[[jax.Array], Any]) -> Objective:
    """What is minimised, of all parameters in one vector: the mean loss and alpha times the squares of the kernels."""
    batch = data.batch(data.train, jnp.ones(len(data.train)))

    def value(flat: jax.Array) -> jax.Array:
        params = build(flat)
        squares = sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(params) if leaf.ndim > 1)
        return recipe.task.evaluate(params, batch)["loss"] + alpha * squares

    return value


def at_end(value: Objective) -> Callable[[jax.Array], Any]:
    """The value, the norm of its gradient and the smallest eigenvalue of its Hessian."""
    return lambda end: (value(end), jnp.linalg.norm(jax.grad(value)(end)), jnp.linalg.eigvalsh(jax.hessian(value)(end))[0])


def newton(value: Objective, steps: int) -> Callable[[jax.Array], jax.Array]:
    """Goes the rest of the way by Newton's method, damped (Levenberg and Marquardt): the damping falls after a step down, else it rises."""

    def step(carry: tuple[jax.Array, jax.Array], _: None) -> Any:
        place, damping = carry
        hessian = jax.hessian(value)(place)
        lowest = jnp.linalg.eigvalsh(hessian)[0]
        shift = jnp.maximum(0.0, -lowest) + damping
        trial = place - jnp.linalg.solve(hessian + shift * jnp.eye(len(place)), jax.grad(value)(place))
        down = value(trial) < value(place)
        return (jnp.where(down, trial, place), jnp.where(down, damping / 4, jnp.minimum(damping * 4, 1e6))), None

    return lambda place: jax.lax.scan(step, (place, jnp.asarray(1e-2, place.dtype)), length=steps)[0][0]


def summary(found: Descents) -> Results:
    """How many arrived, and the different minima among their ends, lowest first."""
    arrived = (found.norms < STILL) & (found.curvatures > 0)
    levels, counts = distinct(found.losses[arrived])
    return {
        "starts": len(found.losses),
        "arrived at a minimum": int(arrived.sum()),
        "stopped at a saddle": int(((found.norms < STILL) & (found.curvatures <= 0)).sum()),
        "different minima": len(levels),
        "their losses": levels,
        "arrivals at each": counts,
        "share of arrivals at the lowest": counts[0] / sum(counts) if counts else 0.0,
        "smallest eigenvalue of the Hessian at a start": found.lowest_at_starts,
        "largest distance between arrivals": float(np.ptp(found.ends[arrived], axis=0).max()) if arrived.any() else 0.0,
    }


def distinct(losses: np.ndarray) -> tuple[list[float], list[int]]:
    """Losses that differ by more than SAME, in rising order, and how often each came.

    >>> distinct(np.array([0.25, 0.5, 0.25]))
    ([0.25, 0.5], [2, 1])
    """
    ordered = np.sort(losses)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > SAME) + 1) if len(ordered) else []
    return [float(group[0]) for group in groups], [len(group) for group in groups]


def draw(networks: Mapping[str, Layer], descents: dict[str, Descents], points: Points, config: Config) -> Figure:
    """The surface of logistic regression with ways from many starts; a plane through three minima of the network; losses of all ends."""
    figure = Figure(figsize=(13, 4.3), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1))
    logistic, network = descents.values()
    draw_ways(left, networks["logistic regression"], logistic, points, config)
    draw_minima(middle, networks["network"], network, points, config)
    for (name, found), colour, style in zip(descents.items(), (BLUE, RED), ("-", "--"), strict=True):
        arrived = np.sort(found.losses[(found.norms < STILL) & (found.curvatures > 0)])
        right.plot(np.linspace(0, 100, len(arrived)), arrived, style, color=colour, label=name)
    right.set(xlabel="% of the descents that arrived at a minimum", ylabel="loss there", title="Where descents end, sorted")
    right.legend(frameon=False)
    right.grid(alpha=0.3)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def draw_ways(axes: Axes, network: Layer, found: Descents, points: Points, config: Config) -> None:
    """The plane of the two weights, the bias being the best one; the ways of a dozen starts, seen from above."""
    end = found.ends[np.argmin(found.losses)]
    weights = [place for place in range(len(end)) if place != bias_place(network, points, config)]
    directions = np.eye(len(end))[weights]
    span = 1.1 * float(np.abs(found.ways[:12, 0][:, weights] - end[weights]).max())
    draw_surface(axes, network, end, directions, span, points, config)
    for way in found.ways[:12]:
        seen = (np.concatenate([way, end[None]]) - end)[:, weights]
        axes.plot(*seen.T, color=GREEN, linewidth=1)
        axes.plot(*seen[0], "o", color=GREEN, markersize=4)
    axes.set(title="Logistic regression: all ways lead to one minimum", xlabel="first weight, from the minimum", ylabel="second weight")


def bias_place(network: Layer, points: Points, config: Config) -> int:
    """Where in the vector of all parameters of a logistic regression its bias stands."""
    recipe, data = setting(network, points, config)
    params = start(recipe, data, jax.random.key_data(jax.random.key(0)), jnp.int32(0)).params
    marked = jax.tree.map(lambda leaf: jnp.full(leaf.shape, leaf.ndim == 1, bool), params)
    return int(np.argmax(ravel_pytree(marked)[0]))


def draw_minima(axes: Axes, network: Layer, found: Descents, points: Points, config: Config) -> None:
    """The plane through the three lowest different minima."""
    arrived = np.flatnonzero((found.norms < STILL) & (found.curvatures > 0))
    levels, _ = distinct(found.losses[arrived])
    if len(levels) < 3:
        axes.set_title(f"{len(levels)} minima: no plane through three")
        return
    ends = np.stack([found.ends[arrived[np.argmin(np.abs(found.losses[arrived] - level))]] for level in levels[:3]])
    centre = ends.mean(axis=0)
    directions = np.linalg.qr((ends[1:] - ends[0]).T)[0].T
    places = (ends - centre) @ directions.T
    draw_surface(axes, network, centre, directions, 1.35 * float(np.abs(places).max()), points, config)
    for place, level in zip(places, levels, strict=False):
        axes.plot(*place, "o", color=RED, markersize=5)
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
        axes.annotate(f"{level:.3f}", place, textcoords="offset points", xytext=(7, 7), fontsize=9, color=RED, bbox=paper, zorder=6)
    axes.set(title=f"Network: three of its {len(levels)} minima", xlabel="in the plane through them", ylabel="")


def draw_surface(
    axes: Axes, network: Layer, centre: np.ndarray, directions: np.ndarray, span: float, points: Points, config: Config
) -> None:
    """Contours of what is minimised, in the plane of two directions."""
    recipe, data = setting(network, points, config)
    first = start(recipe, data, jax.random.key_data(jax.random.key(0)), jnp.int32(0))
    value = objective(recipe, data, config.l2, ravel_pytree(first.params)[1])
    steps = np.linspace(-span, span, config.points)
    places = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) @ directions + centre
    losses = jax.jit(jax.vmap(jax.vmap(value)))(jnp.asarray(places))
    draw_landscape(axes, Landscape(steps, np.asarray(losses), tuple(directions)), centre=False)


if __name__ == "__main__":
    command_line(main, Config)
