"""Clipping: gradients that are too large are made smaller before the optimizer sees them."""

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxnn.records import Record, number
from jaxnn.typing import Params


class Clip(Record, ABC):
    """What a recipe's ``clip`` is: gradients in, gradients and the share of them that was clipped out."""

    @abstractmethod
    def __call__(self, gradients: Params) -> tuple[Params, jax.Array]:
        """The gradients within the limit, in their own structure, and the share that was not: of numbers, of layers, or 0 or 1."""


class ClipByValue(Clip):
    """Every number of the gradient into [-limit, limit]; its direction may change. As ``optax.clip``."""

    limit: float = number(low=0, open_low=True)

    def __call__(self, gradients: Params) -> tuple[Params, jax.Array]:
        leaves = jax.tree.leaves(gradients)
        beyond = sum(jnp.sum(abs(leaf) > self.limit, dtype=leaf.dtype) for leaf in leaves)
        clipped = jax.tree.map(lambda leaf: jnp.clip(leaf, -_like(self.limit, leaf), _like(self.limit, leaf)), gradients)
        return clipped, beyond / sum(leaf.size for leaf in leaves)


class ClipByNorm(Clip):
    r"""The whole gradient g times :math:`\min(1, c / \lVert g \rVert_2)`: its direction stays. As ``optax.clip_by_global_norm``.

    Source: Pascanu, Mikolov and Bengio 2013.
    """

    limit: float = number(low=0, open_low=True)

    def __call__(self, gradients: Params) -> tuple[Params, jax.Array]:
        norm = optax.tree.norm(gradients)
        factor = _factor(norm, self.limit)
        return jax.tree.map(lambda leaf: leaf * factor.astype(leaf.dtype), gradients), (norm > self.limit).astype(norm.dtype)


class ClipByLayerNorm(Clip):
    r"""Each array of the gradient (each kernel, each bias) by itself times :math:`\min(1, c / \lVert g_l \rVert_2)`."""

    limit: float = number(low=0, open_low=True)

    def __call__(self, gradients: Params) -> tuple[Params, jax.Array]:
        norms = jnp.stack([optax.tree.norm(leaf) for leaf in jax.tree.leaves(gradients)])
        clipped = jax.tree.map(lambda leaf: leaf * _factor(optax.tree.norm(leaf), self.limit).astype(leaf.dtype), gradients)
        return clipped, jnp.mean(norms > self.limit, dtype=norms.dtype)


def _factor(norm: jax.Array, limit: Any) -> jax.Array:
    """min(1, limit / norm), 1 where the norm is 0."""
    return jnp.where(norm > limit, _like(limit, norm) / jnp.where(norm > limit, norm, 1), 1)


def _like(value: Any, leaf: jax.Array) -> jax.Array:
    return jnp.asarray(value, leaf.dtype)
