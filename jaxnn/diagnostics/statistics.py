"""What flows through each layer in one step: size of outputs and gradients, saturated and dead units, and what to do about them."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import enough_bits, is_wide
from jaxnn.diagnostics.advice import advice
from jaxnn.diagnostics.tracing import Owners
from jaxnn.keys import key_data
from jaxnn.layers import Activation, Identity, Layer, Sigmoid, Tanh
from jaxnn.layers.buffers import without_buffers
from jaxnn.loop import Data
from jaxnn.summaries.models import short
from jaxnn.summaries.table import columns, indented
from jaxnn.tasks import Task
from jaxnn.training import as_data
from jaxnn.typing import Key, Params
from jaxnn.watching import Call, watched_inside

FLAT = 0.05
"""A sigmoid or tanh is saturated where its slope is below this share of its steepest."""
DEAD = 1e-3
"""A unit is dead if its slope is not above this for any row."""
HEADS = ("layer", "mean", "sd", "saturated", "dead", "gradient", "rms")


@dataclass(frozen=True)
class LayerStatistics:
    """One layer on one batch. path: as ``summary`` has it, beginning with the network's name in the task.

    mean, sd: of all its outputs. saturated: share of a sigmoid's or tanh's outputs where it is flat. dead: share of the units of
    another activation that are flat for every row (a unit is a place on the last axis: a neuron, a channel). gradient: Euclidean norm
    of dJ/dparams of the layer; gradient_rms: the root mean square over its numbers. None where there is no such thing.
    """

    path: str
    layer: str
    mean: float
    sd: float
    saturated: float | None = None
    dead: float | None = None
    gradient: float | None = None
    gradient_rms: float | None = None


@dataclass(frozen=True, repr=False)
class Statistics:
    """A row for each layer that holds no others or has parameters of its own, in the order they were called; and advice in words."""

    rows: tuple[LayerStatistics, ...]
    loss: float
    advice: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join([*columns([HEADS, *map(_cells, self.rows)], left=1), f"loss {self.loss:.4g}", *self.advice])


def statistics(task: Task, params: Params, data: Any, *, key: Key | None = None) -> Statistics:
    """Statistics of outputs and gradients by layer, for these parameters and these rows, and advice.

    data: a batch (x, y) or (x, y, weight). key: None for the layers as in evaluation; with one they drop out and normalise as in
    training. For parameters as they begin take ``start(...).params``. Nothing is compiled as a whole: each operation runs by itself, so
    that layers inside a scan are seen step by step; what runs inside ``vmap`` is not seen.
    """
    calls: dict[str, tuple[Layer, list[Call]]] = {}
    with enough_bits(is_wide(params)):
        rows = as_data("statistics", data, None, key_data(0), wide=is_wide(params))
        params = jax.tree.map(jnp.asarray, params)
        with jax.disable_jit():
            watching = watched_inside(task, lambda path, layer, call: calls.setdefault(path, (layer, []))[1].append(call))
            metrics, gradients = watching.gradients(params, _batch(rows), key, "backprop")
        owned = _gradients(params, gradients, calls)
        found = tuple(_row(path, layer, seen, owned.get(path, [])) for path, (layer, seen) in calls.items() if _shown(path, calls, owned))
        return Statistics(found, float(metrics["loss"]), advice(found))


def _batch(rows: Data) -> Any:
    return rows.batch(rows.train, jnp.ones(rows.train.shape))


def _gradients(params: Params, gradients: Params, calls: dict[str, tuple[Layer, list[Call]]]) -> dict[str, list[np.ndarray]]:
    """Gradients by the path of the layer whose parameters they are of."""
    owners = Owners()
    for path, (_, seen) in calls.items():
        for call in seen:
            owners.add(path, call)
    names = owners.names(without_buffers(params))
    owned: dict[str, list[np.ndarray]] = {}
    for place, gradient in jax.tree.leaves_with_path(without_buffers(gradients)):
        if jax.tree_util.keystr(place) in names:
            owned.setdefault(names[jax.tree_util.keystr(place)], []).append(np.asarray(gradient, float))
    return owned


def _shown(path: str, calls: dict[str, Any], owned: dict[str, Any]) -> bool:
    return path in owned or not any(other.startswith((f"{path}.", f"{path}[")) for other in calls)


def _row(path: str, layer: Layer, seen: list[Call], gradients: list[np.ndarray]) -> LayerStatistics:
    outputs = np.concatenate([np.zeros(0), *(leaf.ravel() for call in seen for leaf in _floats(call.y))])
    squares = [float(np.square(gradient).sum()) for gradient in gradients]
    size = sum(gradient.size for gradient in gradients)
    return LayerStatistics(
        path,
        short(layer),
        float(outputs.mean()) if outputs.size else np.nan,
        float(outputs.std()) if outputs.size else np.nan,
        gradient=sum(squares) ** 0.5 if size else None,
        gradient_rms=(sum(squares) / size) ** 0.5 if size else None,
        **_flat(layer, seen),
    )


def _flat(layer: Layer, seen: list[Call]) -> dict[str, float]:
    """The share of saturated outputs, or of dead units, of an activation."""
    if not isinstance(layer, Activation) or isinstance(layer, Identity):
        return {}
    slopes = [np.abs(np.asarray(layer.derivative(call.x, call.y), float)) for call in seen if not isinstance(call.y, jax.core.Tracer)]
    if not slopes:
        return {}
    if isinstance(layer, Sigmoid | Tanh):
        steepest = 0.25 if isinstance(layer, Sigmoid) else 1.0
        return {"saturated": float(np.mean(np.concatenate([slope.ravel() for slope in slopes]) < FLAT * steepest))}
    highest = np.max([slope.reshape(-1, slope.shape[-1]).max(axis=0) for slope in slopes], axis=0)
    return {"dead": float(np.mean(highest <= DEAD))}


def _floats(tree: Any) -> list[np.ndarray]:
    arrays = [leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype") and not isinstance(leaf, jax.core.Tracer)]
    return [np.asarray(leaf, float) for leaf in arrays if jnp.issubdtype(leaf.dtype, jnp.floating)]


def _cells(row: LayerStatistics) -> tuple[str, ...]:
    shares = ("" if share is None else f"{100 * share:.1f} %" for share in (row.saturated, row.dead))
    sizes = ("" if size is None else f"{size:.2e}" for size in (row.gradient, row.gradient_rms))
    return (indented(row.path, row.layer), f"{row.mean:.3g}", f"{row.sd:.3g}", *shares, *sizes)
