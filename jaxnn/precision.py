r"""Mixed precision: gradients in half the bits, parameters and optimizer in the bits of the data.

bfloat16 has float32's range. float16 has not: gradients under 6e-8 become 0, so the error at the output is multiplied by a scale and the
gradient divided by it. The scale is halved when a gradient overflows, and that step is left out, of which ``left_out`` in the history is
the share; after GROW_AFTER good steps it is doubled. Source: Micikevicius et al. 2018.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers.buffers import with_buffers, without_buffers
from jaxnn.losses import Loss
from jaxnn.records import Record
from jaxnn.tasks import Engine, Task
from jaxnn.typing import Batch, Key, Metrics, Params

Precision = Literal["bfloat16", "float16"]
FIRST_SCALE, LARGEST_SCALE = 2.0**12, 2.0**15
GROW_AFTER = 1000


class Scaling(Record):
    """The scale of float16 gradients, and how many steps have been good with it."""

    scale: jax.Array
    good: jax.Array


class ScaledLoss(Loss):
    """A loss computed in float32 whose value is as it is and whose gradient is ``scale`` times as large, by either engine.

    The value stays in float32, for a loss of 65504 is none in float16; the gradient is in the dtype of the outputs.
    """

    loss: Loss
    scale: Any

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        value = self.loss.value(outputs.astype(jnp.float32), y)
        fixed = jax.lax.stop_gradient(value)
        return fixed + self.scale.astype(value.dtype) * (value - fixed)

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        scaled = self.loss.gradient(outputs.astype(jnp.float32), y) * self.scale.astype(jnp.float32)
        return scaled.astype(outputs.dtype)


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
    """``task.gradients`` computed in that precision; metrics in the dtype of the weights, gradients in the dtypes of the parameters.

    Targets, and what layers count themselves, are not cast. Weights are made shares of their sum first, which float16 may not hold.
    """
    dtype, low = batch.weight.dtype, jnp.dtype(precision)
    scale = jnp.ones((), jnp.float32) if scaling is None else scaling.scale
    total = task.total(batch)
    batch = batch._replace(weight=batch.weight / jnp.where(total == 0, 1, total))
    low_task, low_x, low_weight = _cast((task, batch.x, batch.weight), low)
    if task.has_one_loss:
        low_task = low_task.replace(loss=ScaledLoss(low_task.loss, scale))
    low_params = with_buffers(_cast(without_buffers(params), low), params)
    metrics, gradients = low_task.gradients(low_params, Batch(low_x, batch.y, low_weight), key, engine)

    def restore(gradient: jax.Array, param: jax.Array) -> jax.Array:
        return gradient.astype(param.dtype) / scale.astype(param.dtype)

    learned = jax.tree.map(restore, without_buffers(gradients), without_buffers(params))
    return _cast(metrics, dtype), with_buffers(learned, gradients)


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


def _cast(tree: Any, dtype: Any) -> Any:
    def cast(leaf: Any) -> Any:
        array = jnp.asarray(leaf)
        return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.floating) else array

    return jax.tree.map(cast, tree)
