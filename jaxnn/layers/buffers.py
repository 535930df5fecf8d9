"""Trees of parameters with Buffers in them: what of a tree is learned, and what a step leaves for the next.

Which of the two a number is stands in the structure of the tree, so it is decided while tracing: a tree without Buffers goes
through all of these as it is.
"""

from typing import Any

import jax

from jaxnn.layers.base import Buffers
from jaxnn.typing import Params

__all__ = ["Buffers", "has_buffers", "with_buffers", "with_moved_buffers", "without_buffers"]


def has_buffers(tree: Any) -> bool:
    """Whether any part of the tree is a Buffers.

    >>> has_buffers(({"kernel": 1.0}, Buffers(0.5))), has_buffers({"kernel": 1.0})
    (True, False)
    """
    return any(map(_is_buffers, jax.tree.leaves(tree, is_leaf=_is_buffers)))


def without_buffers(tree: Params) -> Params:
    """What is learned: the tree with None in place of each Buffers, which an optimizer passes over.

    >>> without_buffers(({"kernel": 1.0}, Buffers(0.5)))
    ({'kernel': 1.0}, None)
    """
    return jax.tree.map(lambda node: None if _is_buffers(node) else node, tree, is_leaf=_is_buffers)


def with_moved_buffers(learned: Params, params: Params, changes: Params) -> Params:
    """The learned parameters with the Buffers of `params`, moved by those of `changes`, in their places.

    >>> with_moved_buffers(({"kernel": 2.0}, None), ({"kernel": 1.0}, Buffers(0.5)), ({"kernel": 9.0}, Buffers(0.25)))
    ({'kernel': 2.0}, Buffers(0.75))
    """

    def moved(mine: Any, old: Any, change: Any) -> Any:
        return jax.tree.map(lambda value, by: value + by, old, change) if _is_buffers(old) else mine

    return jax.tree.map(moved, learned, params, changes, is_leaf=lambda node: node is None)


def with_buffers(learned: Params, source: Params) -> Params:
    """The learned parameters with the Buffers of `source` in their places.

    >>> with_buffers(({"kernel": 2.0}, None), ({"kernel": 1.0}, Buffers(0.5)))
    ({'kernel': 2.0}, Buffers(0.5))
    """
    return jax.tree.map(lambda mine, theirs: theirs if _is_buffers(theirs) else mine, learned, source, is_leaf=lambda node: node is None)


def _is_buffers(node: Any) -> bool:
    return isinstance(node, Buffers)
