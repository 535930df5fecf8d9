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
        factor, beyond = _factor(gradients, self.limit)
        return jax.tree.map(lambda leaf: leaf * factor.astype(leaf.dtype), gradients), beyond.astype(factor.dtype)


class ClipByLayerNorm(Clip):
    r"""The gradient g_l of each layer by itself times :math:`\min(1, c / \lVert g_l \rVert_2)`: its arrays, kernel and bias, together.

    A layer is a dictionary, or a record, that holds arrays; an array that stands in a tuple or alone is one of its own. Identical blocks
    of a ``Repeat``, whose arrays are stacked, count as one block. Each as by ``optax.clip_by_global_norm``.
    """

    limit: float = number(low=0, open_low=True)

    def __call__(self, gradients: Params) -> tuple[Params, jax.Array]:
        layers: dict[Any, list[jax.Array]] = {}
        for path, leaf in jax.tree.leaves_with_path(gradients):
            layers.setdefault(_layer(path), []).append(leaf)
        found = {layer: _factor(arrays, self.limit) for layer, arrays in layers.items()}
        clipped = jax.tree.map_with_path(lambda path, leaf: leaf * found[_layer(path)][0].astype(leaf.dtype), gradients)
        factors, beyond = zip(*found.values(), strict=True)
        return clipped, jnp.mean(jnp.stack(beyond), dtype=factors[0].dtype)


def _layer(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """The place of what holds the array at that place, or the place itself where that is no layer but a tuple of them."""
    return path[:-1] if path and not isinstance(path[-1], jax.tree_util.SequenceKey) else path


def _factor(tree: Params, limit: Any) -> tuple[jax.Array, jax.Array]:
    """min(1, limit / norm), and whether it is less than 1. Squares are compared, for at 0 a root has no slope."""
    square = optax.tree.norm(tree, squared=True)
    limit = _like(limit, square)
    beyond = square > limit * limit
    return jnp.where(beyond, limit / jnp.sqrt(jnp.where(beyond, square, 1)), 1), beyond


def _like(value: Any, leaf: jax.Array) -> jax.Array:
    return jnp.asarray(value, leaf.dtype)
