r"""Mixed precision: gradients in half the bits, parameters and optimizer in the bits of the data.

bfloat16 has float32's range. float16 has not: gradients under 6e-8 become 0, so the error at the output is multiplied by a scale and the
gradient divided by it. The scale is halved when a gradient overflows, and that step is left out; after GROW_AFTER good steps it is
doubled. Source: Micikevicius et al. 2018.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
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
    """A loss computed in float32 whose value is as it is and whose gradient is ``scale`` times as large, by either engine."""

    loss: Loss
    scale: Any

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        value = self.loss.value(outputs.astype(jnp.float32), y).astype(outputs.dtype)
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
    """``task.gradients`` computed in that precision; metrics in float32, gradients in the dtypes of the parameters."""
    if scaling is not None:
        task = task.replace(loss=ScaledLoss(task.loss, scaling.scale))  # type: ignore[attr-defined]
    low = _cast((task, params, batch), jnp.dtype(precision))
    metrics, gradients = low[0].gradients(*low[1:], key, engine)
    scale = 1.0 if scaling is None else scaling.scale

    def restore(gradient: jax.Array, param: jax.Array) -> jax.Array:
        return gradient.astype(param.dtype) / jnp.asarray(scale, param.dtype)

    return _cast(metrics, jnp.float32), jax.tree.map(restore, gradients, params)


def all_finite(tree: Any) -> jax.Array:
    """Whether every floating-point number of the tree is finite."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in floats]))


def check_precision(where: str, precision: Precision, task: Task) -> None:
    """Refuses float16 for a task without one loss to scale."""
    if precision == "float16" and not isinstance(getattr(task, "loss", None), Loss):
        advice = "Take 'bfloat16', which needs no scale."
        raise ValueError(
            sentence(where, "precision", f"None or 'bfloat16' for {type(task).__name__}, which has no loss to scale", precision, advice)
        )


def _cast(tree: Any, dtype: Any) -> Any:
    def cast(leaf: Any) -> Any:
        array = jnp.asarray(leaf)
        return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.floating) else array

    return jax.tree.map(cast, tree)
