r"""The gradient penalty of a critic, :math:`\overline{(\|\nabla_x o(x)\|_2 - 1)^2}`, and its gradient by the critic's parameters.

It holds a second derivative, d/d theta of do/dx, for which layers have no rule. None is needed: derivatives may be taken in either
order, so it is the derivative of the first rule, do/d theta, along a direction of x; docs/derivations/adversarial.md shows it.
Without a key, so without dropout and the like: rows stay apart, and Buffers as they are.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.layers import Layer
from jaxnn.layers.buffers import with_buffers, without_buffers
from jaxnn.typing import Params


def penalty(params: Params, critic: Layer, x: jax.Array, share: jax.Array) -> jax.Array:
    """The penalty at the points x (rows, ...), share (rows,) the weight of each, of sum 1."""
    slopes = jax.grad(lambda x: critic.apply(params, x).sum())(x)
    return _value(_norms(slopes), share)


def penalty_by_jax(critic: Layer, params: Params, x: jax.Array, share: jax.Array) -> tuple[jax.Array, Params]:
    """The penalty and its gradient by ``jax.grad``, twice."""
    return jax.value_and_grad(penalty)(params, critic, x, share)


def penalty_by_hand(critic: Layer, params: Params, x: jax.Array, share: jax.Array) -> tuple[jax.Array, Params]:
    r"""The penalty and its gradient from the rule written by hand.

    With g = do/dx and n its norms, dP/dg_i = v_i = 2 share_i (n_i - 1) g_i / n_i, and dP/d theta = d/de (do/d theta)(x + e v) at e = 0.
    """

    def slopes(x: jax.Array) -> tuple[Params, jax.Array]:
        scores, residuals = critic.forward(params, x)
        return critic.backward(params, residuals, jnp.ones_like(scores))

    slope = slopes(x)[1]
    norms = _norms(slope)
    pull = jnp.where(norms > 0, 2 * share * (norms - 1) / jnp.where(norms > 0, norms, 1), 0)
    direction = jnp.expand_dims(pull, tuple(range(1, x.ndim))) * slope
    _, gradient = jax.jvp(lambda x: slopes(x)[0], (x,), (direction,))
    return _value(norms, share), gradient


def add_penalty(gradient: Params, of_penalty: Params, factor: Any) -> Params:
    """gradient + factor of_penalty; Buffers in it, whose "cotangents" are their changes, are left as they are."""
    pairs = without_buffers(gradient), without_buffers(of_penalty)
    return with_buffers(jax.tree.map(lambda of_loss, more: of_loss + jnp.asarray(factor, more.dtype) * more, *pairs), gradient)


def _norms(slopes: jax.Array) -> jax.Array:
    """Euclidean norms of the rows; at 0 the derivative, which there is none, is 0."""
    squares = jnp.square(slopes.reshape(slopes.shape[0], -1)).sum(axis=1)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)


def _value(norms: jax.Array, share: jax.Array) -> jax.Array:
    return jnp.vdot(share, jnp.square(norms - 1))
