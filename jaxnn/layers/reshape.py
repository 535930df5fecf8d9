"""The same numbers in another shape."""

import math
from typing import Any

import jax

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer, check_array
from jaxnn.records import static
from jaxnn.typing import Key, Params


class Flatten(Layer):
    """All axes but the first as one: x (batch, ...), y (batch, numbers of a row), the last axis running fastest.

    Rule: dx is dy in the shape of x, for each number of y is one number of x: docs/derivations/reshape.md. Any dtype.
    Raises ValueError for an x without axes.

    >>> import jax.numpy as jnp
    >>> Flatten().apply((), jnp.ones((5, 2, 3))).shape
    (5, 6)
    """

    def init(self, key: Key, x: Any) -> Params:
        _row("Flatten", x)
        return ()

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        return x.reshape(x.shape[0], _row("Flatten", x)), x[:0]

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy.reshape(dy.shape[0], *residuals.shape[1:])


class Reshape(Layer):
    """Each row in a new shape: x (batch, ...), y (batch, \\*shape); one -1 in ``shape`` stands for what is left.

    Rule: dx is dy in the shape of x: docs/derivations/reshape.md. Any dtype. Raises ValueError for a ``shape`` that is not a tuple of
    whole numbers >= 1 with at most one -1, or that the numbers of a row do not fill.

    >>> import jax.numpy as jnp
    >>> Reshape((3, -1)).apply((), jnp.ones((5, 12))).shape
    (5, 3, 4)
    """

    shape: tuple[int, ...] = static()

    def __post_init__(self) -> None:
        expected, whole = "a tuple of whole numbers >= 1, one of which may be -1", isinstance(self.shape, tuple)
        if not whole or not all(type(size) is int and (size >= 1 or size == -1) for size in self.shape) or self.shape.count(-1) > 1:
            raise ValueError(sentence("Reshape", "shape", expected, repr(self.shape), "Leave out the batch axis, write (12,) for 12."))

    def init(self, key: Key, x: Any) -> Params:
        self._filled(x)
        return ()

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        return x.reshape(x.shape[0], *self._filled(x)), x[:0]

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy.reshape(dy.shape[0], *residuals.shape[1:])

    def _filled(self, x: Any) -> tuple[int, ...]:
        """``shape`` with the number that its -1 stands for."""
        row, known = _row("Reshape", x), math.prod(size for size in self.shape if size != -1)
        if row % known or (-1 not in self.shape and row != known):
            expected = f"of shape (batch, ...) with {'a multiple of ' if -1 in self.shape else ''}{known} numbers in a row"
            raise ValueError(sentence("Reshape", "x", f"{expected}, to become {self.shape}", f"shape {x.shape}, {row} in a row"))
        return tuple(row // known if size == -1 else size for size in self.shape)


def _row(where: str, x: Any) -> int:
    check_array(where, x)
    if not x.shape:
        raise ValueError(sentence(where, "x", "of shape (batch, ...)", f"shape {x.shape}", "Add the batch axis: x[None]."))
    return math.prod(x.shape[1:])
