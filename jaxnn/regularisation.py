r"""What keeps a network from learning its rows by heart: penalties on kernels, limits of them, and noise on the rows.

Kernels are all arrays of two axes and more but for those named bias or scale, also where layers are stacked.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers import Repeat
from jaxnn.layers.base import children
from jaxnn.layers.buffers import Buffers, is_buffers
from jaxnn.records import Record
from jaxnn.typing import Batch, Key, Params


def with_penalty(gradients: Params, params: Params, strength: Any, derivative: Any) -> Params:
    """Gradients plus strength times the derivative of the penalty, for kernels.

    strength: a number, or a tuple or dictionary with one for each top-level part of the parameters (the layers of a ``Chain``).
    """
    strengths = jax.tree.broadcast(strength, gradients, is_leaf=is_buffers)

    def add(path: Any, gradient: Any, param: Any, strength: Any) -> Any:
        return gradient + strength * derivative(param) if is_kernel(path, param) else gradient

    return jax.tree.map_with_path(add, gradients, params, strengths, is_leaf=is_buffers)


def squared(param: jax.Array) -> jax.Array:
    """d/d theta of ||theta||^2."""
    return 2 * param


def absolute(param: jax.Array) -> jax.Array:
    """d/d theta of |theta|, 0 at 0."""
    return jnp.sign(param)


def within_max_norm(params: Params, limit: Any) -> Params:
    """Each neuron's incoming weights, a kernel's last axis apart, scaled down to the Euclidean norm ``limit`` where it is larger.

    Source: Srivastava et al. 2014, section 5.1; Keras's MaxNorm with all axes but the last. Kernels that ``Repeat`` stacks have one more.
    """

    def scale_down(path: Any, param: Any) -> Any:
        if not is_kernel(path, param):
            return param
        square = jnp.sum(jnp.square(param), axis=tuple(range(param.ndim - 1)), keepdims=True)
        beyond = square > limit * limit  # not the norms, for at 0 a root has no slope
        return param * jnp.where(beyond, limit / jnp.sqrt(jnp.where(beyond, square, 1)), 1)

    return jax.tree.map_with_path(scale_down, params, is_leaf=is_buffers)


def is_kernel(path: Any, param: Any) -> bool:
    """Whether penalties are meant for this array; vectors, biases and scales, also those of stacked layers, are left out."""
    name = str(getattr(path[-1], "key", getattr(path[-1], "name", ""))) if path else ""
    return not (isinstance(param, Buffers) or param.ndim <= 1 or name in ("bias", "scale"))


def noisy(key: Key, batch: Batch, deviation: Any) -> Batch:
    """x + deviation times normal noise, fresh at each step (Bishop 1995: for small noise a penalty on the slope of the network)."""
    return batch._replace(x=batch.x + deviation * jax.random.normal(key, batch.x.shape, batch.x.dtype))


def mixed(key: Key, batch: Batch, alpha: Any) -> Batch:
    r"""mixup: rows between two examples, :math:`\lambda x_i + (1 - \lambda) x_j`, a j for each i.

    :math:`\lambda \sim` Beta(alpha, alpha), one a row. The loss is that of y_i with weight lambda plus that of y_j with 1 - lambda, so the
    batch has twice the rows, whatever the loss is. A row that only pads stays alone. Source: Zhang et al. 2018.
    """
    share_key, order_key = jax.random.split(key)
    rows = batch.weight.shape[0]
    order = jax.random.permutation(order_key, rows)
    there = (batch.weight > 0) & (batch.weight[order] > 0)
    drawn = jax.random.beta(share_key, alpha, alpha, (rows,), batch.x.dtype)
    share = jnp.where(there, drawn, 1)
    wide = share.reshape(rows, *(1,) * (batch.x.ndim - 1))
    x = wide * batch.x + (1 - wide) * batch.x[order]
    own = share.astype(batch.weight.dtype)
    twice = jax.tree.map(lambda y: jnp.concatenate([y, y[order]]), batch.y)
    return Batch(jnp.concatenate([x, x]), twice, jnp.concatenate([batch.weight * own, batch.weight * (1 - own)]))


def check_strength(where: str, argument: str, strength: Any, params: Params) -> None:
    """Refuses strengths for other parts than the parameters have."""
    if isinstance(strength, tuple | list | dict):
        parts = (
            f"a tuple of {len(params)} numbers, one for each layer"
            if isinstance(params, tuple)
            else f"a number for each of {sorted(params)}"
        )
        same = (
            params.keys() == strength.keys() if isinstance(params, dict) and isinstance(strength, dict) else type(params) is type(strength)
        )
        if not same or len(params) != len(strength):
            raise ValueError(sentence(where, argument, f"one number, or {parts}", repr(strength)))


def check_not_stacked(where: str, part: Record, path: str = "task") -> None:
    """Refuses max_norm for layers whose kernels are stacked, for a stack does not show which of its axes that is."""
    for name, layer in children(part).items():
        if isinstance(layer, Repeat):
            raise ValueError(
                sentence(where, "max_norm", "None with Repeat", f"{path}.{name} = {layer!r}"[:80], "Write the layers in a Chain.")
            )
        check_not_stacked(where, layer, f"{path}.{name}")


def check_one_array(where: str, argument: str, x: Any) -> None:
    """Refuses noise and mixup for what can't be moved a little."""
    if not (hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)):
        raise TypeError(sentence(where, argument, "None, unless x is one array of floating point", "another kind of x"))
