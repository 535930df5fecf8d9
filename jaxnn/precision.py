r"""Mixed precision: layers in half the bits, parameters, optimizer and losses in the bits of the data. For "float64" see ``bits``.

bfloat16 has float32's range. float16 has not: gradients under 6e-8 become 0, so the error at the output is multiplied by a scale and the
gradient divided by it. The scale is halved when a gradient overflows, and that step is left out, of which ``left_out`` in the history is
the share; after GROW_AFTER good steps it is doubled. Source: Micikevicius et al. 2018.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers import BatchNorm, Layer
from jaxnn.layers.buffers import with_buffers, without_buffers
from jaxnn.losses import Loss
from jaxnn.records import Record, static
from jaxnn.tasks import Engine, Task
from jaxnn.typing import Batch, Key, Metrics, Params

Precision = Literal["bfloat16", "float16", "float64"]
FIRST_SCALE, LARGEST_SCALE = 2.0**12, 2.0**15
GROW_AFTER = 1000


class Scaling(Record):
    """The scale of float16 gradients, and how many steps have been good with it."""

    scale: jax.Array
    good: jax.Array


class ScaledLoss(Loss):
    """A loss whose value is as it is and whose gradient is ``scale`` times as large, by either engine."""

    loss: Loss
    scale: Any

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        value = self.loss.value(outputs, y)
        fixed = jax.lax.stop_gradient(value)
        return fixed + self.scale.astype(value.dtype) * (value - fixed)

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return self.loss.gradient(outputs, y) * self.scale.astype(outputs.dtype)


class Narrow(Layer):
    """A layer whose parameters are in ``low``: x and dy are cast to that on their way in, y and dx to ``high`` on theirs out."""

    layer: Layer
    low: str = static()
    high: str = static()

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        return _cast(self.layer.apply(params, _cast(x, self.low), key), self.high)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        y, residuals = self.layer.forward(params, _cast(x, self.low), key)
        return _cast(y, self.high), (y, residuals)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        y, inner = residuals
        errors = jax.tree.map(lambda error, output: _cast(error, output.dtype), dy, y)
        dparams, dx = self.layer.backward(params, inner, errors)
        return dparams, _cast(dx, self.high)


def no_scaling() -> Scaling:
    """Before the first step."""
    return Scaling(scale=jnp.full((), FIRST_SCALE, jnp.float32), good=jnp.zeros((), jnp.int32))


def scaling_after(before: Scaling, finite: jax.Array) -> Scaling:
    """After a step whose gradients were finite, or not."""
    good = jnp.where(finite, before.good + 1, 0)
    grow = good >= GROW_AFTER
    larger = jnp.where(grow, jnp.minimum(2 * before.scale, LARGEST_SCALE), before.scale)
    return Scaling(scale=jnp.where(finite, larger, jnp.maximum(before.scale / 2, 1)), good=jnp.where(grow, 0, good))


def low_gradients(
    precision: Precision, scaling: Scaling | None, task: Task, params: Params, batch: Batch, key: Key | None, engine: Engine
) -> tuple[Metrics, Params]:
    """``task.gradients`` with its layers computed in that precision; gradients in the dtypes of the parameters.

    Targets, weights, losses and all that a task computes itself, and what layers count, stay in the dtype of the weights.
    """
    low, high = jnp.dtype(precision).name, batch.weight.dtype.name
    scale = jnp.ones((), jnp.float32) if scaling is None else scaling.scale
    narrow: Any = _with_numbers_of_layers(task, low).with_layers(lambda layer: Narrow(layer, low, high))
    if scaling is not None:
        narrow = narrow.replace(loss=ScaledLoss(narrow.loss, scale))
    low_params = with_buffers(_cast(without_buffers(params), low), params)
    metrics, gradients = narrow.gradients(low_params, batch, key, engine)

    def restore(gradient: jax.Array, param: jax.Array) -> jax.Array:
        return gradient.astype(param.dtype) / scale.astype(param.dtype)

    learned = jax.tree.map(restore, without_buffers(gradients), without_buffers(params))
    return _cast(metrics, high), with_buffers(learned, gradients)


def all_finite(tree: Any) -> jax.Array:
    """Whether every floating-point number of the tree is finite."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in floats]))


def check_precision(where: str, precision: Precision, task: Task) -> None:
    """Refuses float16 for a task without one loss to scale."""
    if precision == "float16" and not getattr(task, "has_one_loss", False):
        advice = "Take 'bfloat16', which needs no scale."
        raise ValueError(
            sentence(where, "precision", f"None or 'bfloat16' for {type(task).__name__}, which has no one loss to scale", precision, advice)
        )


def _with_numbers_of_layers(task: Task, dtype: str) -> Task:
    """The task with the numbers of its layers in that dtype, but for those that meet what a layer counts itself."""

    def change(node: Any) -> Any:
        return node if isinstance(node, BatchNorm) else _cast(node, dtype)

    def in_layer(node: Any) -> Any:
        return jax.tree.map(change, node, is_leaf=lambda part: isinstance(part, BatchNorm)) if isinstance(node, Layer) else node

    changed: Task = jax.tree.map(in_layer, task, is_leaf=lambda node: isinstance(node, Layer))
    return changed


def _cast(tree: Any, dtype: Any) -> Any:
    """With floats in that dtype; whole numbers, and cotangents of these, stay."""

    def cast(leaf: Any) -> Any:
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(getattr(leaf, "dtype", float), jnp.floating) else leaf

    return jax.tree.map(cast, tree)
