"""The loss around a solution, along one direction or over the plane of two (Li et al. 2018)."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxnn.bits import enough_bits, is_wide
from jaxnn.checks import check_whole, sentence
from jaxnn.compiling import compiled
from jaxnn.keys import key_data, typed_key
from jaxnn.layers.buffers import with_buffers, without_buffers
from jaxnn.loop import Data
from jaxnn.measuring import evaluate
from jaxnn.tasks import Task
from jaxnn.training import as_data
from jaxnn.typing import Batch, Key, Params

TINY = 1e-12
"""Keeps the direction of a filter that is all 0 from being divided by 0."""


@dataclass(frozen=True, eq=False)
class Landscape:
    """losses[i] at params + steps[i] first, (points,); or losses[i, j] at params + steps[i] first + steps[j] second, (points, points)."""

    steps: np.ndarray
    losses: np.ndarray
    directions: tuple[Params, ...]


def landscape(
    task: Task,
    params: Params,
    data: Any,
    *,
    directions: tuple[Params, ...] | None = None,
    dimensions: int = 2,
    span: float = 1.0,
    points: int = 25,
    key: Any = 0,
    at_once: int = 8,
) -> Landscape:
    r"""The mean loss of the task over all rows of data, at params and around them: L(theta + a d1 + b d2), a and b from -span to span.

    data: (x, y), (x, y, weight) or a ``Data``, of which the training rows count. directions: one or two trees like params; by default
    `dimensions` random ones, see ``random_direction``, drawn from key. To look between two solutions give the difference of theirs.
    points: along each direction; an odd number has params themselves in the middle. One program computes all, at_once points side by
    side, so memory does not grow with them. Buffers, such as running means, stay as they are. A loss that overflows is infinite or nan.

    >>> import jaxnn, numpy as np
    >>> task = jaxnn.Regression(jaxnn.layers.Dense(1))
    >>> x, params = np.eye(2, dtype=np.float32), {"kernel": np.ones((2, 1), np.float32), "bias": np.zeros(1, np.float32)}
    >>> along = {"kernel": np.array([[1.0], [0.0]], np.float32), "bias": np.zeros(1, np.float32)}
    >>> landscape(task, params, (x, np.ones(2, np.float32)), directions=(along,), points=3).losses.tolist()
    [0.5, 0.0, 0.5]
    """
    check_whole("landscape", "points", points, low=2)
    check_whole("landscape", "at_once", at_once, low=1)
    with enough_bits(is_wide(params)):
        if directions is None:
            check_whole("landscape", "dimensions", dimensions, low=1)
            keys = jax.random.split(typed_key(key, "landscape"), dimensions)
            directions = tuple(random_direction(own, params) for own in keys)
        _check_directions(directions, params)
        rows = as_data("landscape", data, None, key_data(0), wide=is_wide(params))
        steps = np.linspace(-span, span, points)
        places = np.stack(np.meshgrid(*[steps] * len(directions), indexing="ij"), axis=-1).reshape(-1, len(directions))
        losses = compiled(_losses, static=("at_once",))(task, params, directions, rows, places, at_once=at_once)
        return Landscape(steps, np.asarray(losses).reshape((points,) * len(directions)), directions)


def random_direction(key: Key, params: Params) -> Params:
    r"""A random direction, normalised filter by filter (Li et al. 2018, section 4): :math:`d_f \leftarrow d_f\,\|\theta_f\| / \|d_f\|`.

    d is standard normal. A filter is what leads to one output: all of a kernel but its last axis. So a step of 1 changes each neuron by
    as much as it is large, and networks of different scale can be compared. Vectors (biases, scales) are 0 in it, as there.

    >>> import numpy as np
    >>> kernel = np.array([[3.0, 0.0], [4.0, 1.0]], np.float32)
    >>> drawn = random_direction(jax.random.key(0), {"kernel": kernel, "bias": np.ones(2, np.float32)})
    >>> np.linalg.norm(drawn["kernel"], axis=0).round(4).tolist(), drawn["bias"].tolist()
    ([5.0, 1.0], [0.0, 0.0])
    """
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    drawn = [_normalised(own, jnp.asarray(leaf)) for own, leaf in zip(keys, leaves, strict=True)]
    zeros = jax.tree.map(jnp.zeros_like, params)
    return with_buffers(without_buffers(jax.tree.unflatten(structure, drawn)), zeros)


def _normalised(key: Key, param: jax.Array) -> jax.Array:
    if param.ndim <= 1:
        return jnp.zeros_like(param)
    drawn, axes = jax.random.normal(key, param.shape, param.dtype), tuple(range(param.ndim - 1))
    sizes = [jnp.sqrt(jnp.square(values).sum(axes, keepdims=True)) for values in (param, drawn)]
    return drawn * sizes[0] / (sizes[1] + TINY)


def _losses(task: Task, params: Params, directions: tuple[Params, ...], rows: Data, places: Any, *, at_once: int) -> jax.Array:
    batch: Batch = rows.batch(rows.train, jnp.ones(rows.train.shape))

    def loss(place: jax.Array) -> jax.Array:
        moved = params
        for step, direction in zip(place, directions, strict=True):
            moved = jax.tree.map(lambda param, along, step=step: param + step.astype(param.dtype) * along, moved, direction)
        return evaluate(task, moved, batch)["loss"]

    return lax.map(loss, places, batch_size=at_once)


def _check_directions(directions: tuple[Params, ...], params: Params) -> None:
    expected = jax.tree.map(np.shape, params)
    if not isinstance(directions, tuple) or len(directions) not in (1, 2):
        got = f"{len(directions)} of them" if isinstance(directions, tuple) else type(directions).__name__
        raise ValueError(sentence("landscape", "directions", "a tuple of one or two", got))
    for direction in directions:
        if jax.tree.map(np.shape, direction) != expected:
            advice = "Draw one by random_direction, or give the difference of two solutions."
            raise ValueError(sentence("landscape", "directions", "trees like params", f"{jax.tree.structure(direction)}"[:80], advice))
