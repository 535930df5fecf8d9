"""Numbers that a training step leaves for the next, among those that are learned: their record, their rule, and trees with them.

Which of the two a number is stands in the structure of the tree, so it is decided while tracing: a tree without Buffers goes
through all of these as it is.
"""

from typing import Any

import jax

from jaxnn.layers.base import Layer
from jaxnn.records import Record, static
from jaxnn.typing import Key, Params


class Buffers(Record):
    """Numbers among the parameters that are not learned but left by a training step for the next, such as running means.

    values: a pytree of floats. With a key, in training, the "cotangent" of a Buffers is its change, new minus old: ``backward`` returns
    Buffers(changes) at its place in dparams, ``apply_by_rule`` makes ``jax.grad`` do the same, and the loop adds it. Without a key
    buffers are numbers like any other, and their cotangent is the derivative. docs/design.md says why.

    frozen: nobody moves them, so that a layer takes them in training as it does without a key; a step says so of parts that are frozen.
    """

    values: Any
    frozen: bool = static(default=False)


def apply_by_rule(layer: Layer, params: Params, x: Any, key: Key | None) -> Any:
    """What a layer with Buffers makes its ``apply``: the output of ``forward``, differentiated in training by ``backward``."""
    return layer.forward(params, x)[0] if key is None else _output(layer, params, x, key)


@jax.custom_vjp
def _output(layer: Layer, params: Params, x: Any, key: Key) -> Any:
    return layer.forward(params, x, key)[0]


def _output_and_kept(layer: Layer, params: Params, x: Any, key: Key) -> tuple[Any, Any]:
    y, by_numbers, residuals = jax.vjp(lambda layer: layer.forward(params, x, key), layer, has_aux=True)
    return y, (layer, params, residuals, by_numbers)


def _cotangents(kept: Any, dy: Any) -> tuple[Any, ...]:
    layer, params, residuals, by_numbers = kept
    return (*by_numbers(dy), *layer.backward(params, residuals, dy), None)


_output.defvjp(_output_and_kept, _cotangents)


def has_buffers(tree: Any) -> bool:
    """Whether any part of the tree is a Buffers.

    >>> has_buffers(({"kernel": 1.0}, Buffers(0.5))), has_buffers({"kernel": 1.0})
    (True, False)
    """
    return any(map(is_buffers, jax.tree.leaves(tree, is_leaf=is_buffers)))


def without_buffers(tree: Params) -> Params:
    """What is learned: the tree with None in place of each Buffers, which an optimizer passes over.

    >>> without_buffers(({"kernel": 1.0}, Buffers(0.5)))
    ({'kernel': 1.0}, None)
    """
    return jax.tree.map(lambda node: None if is_buffers(node) else node, tree, is_leaf=is_buffers)


def with_moved_buffers(learned: Params, params: Params, changes: Params) -> Params:
    """The learned parameters with the Buffers of `params`, moved by those of `changes`, in their places.

    >>> with_moved_buffers(({"kernel": 2.0}, None), ({"kernel": 1.0}, Buffers(0.5)), ({"kernel": 9.0}, Buffers(0.25)))
    ({'kernel': 2.0}, Buffers(0.75))
    """

    def moved(mine: Any, old: Any, change: Any) -> Any:
        return jax.tree.map(lambda value, by: value + by, old, change) if is_buffers(old) else mine

    return jax.tree.map(moved, learned, params, changes, is_leaf=lambda node: node is None)


def with_buffers(learned: Params, source: Params) -> Params:
    """The learned parameters with the Buffers of `source` in their places.

    >>> with_buffers(({"kernel": 2.0}, None), ({"kernel": 1.0}, Buffers(0.5)))
    ({'kernel': 2.0}, Buffers(0.5))
    """
    return jax.tree.map(lambda mine, theirs: theirs if is_buffers(theirs) else mine, learned, source, is_leaf=lambda node: node is None)


def with_frozen_buffers(tree: Params) -> Params:
    """The tree as layers see it that are not to move their Buffers.

    >>> with_frozen_buffers(({"kernel": 2.0}, Buffers(0.5)))
    ({'kernel': 2.0}, Buffers(0.5, frozen=True))
    """
    return jax.tree.map(lambda node: node.replace(frozen=True) if is_buffers(node) else node, tree, is_leaf=is_buffers)


def is_buffers(node: Any) -> bool:
    """Whether the node is what a layer counts itself: where walks of a tree stop."""
    return isinstance(node, Buffers)
