"""Examples on the device."""

import math
from typing import Any

import jax
import numpy as np

ALIGNMENT = 64
"""Bytes: XLA on CPU uses arrays that begin at a multiple of it where they lie."""


def upload(tree: Any) -> Any:
    """The arrays on the default device, as copies that later changes of the originals do not reach.

    On CPU, XLA shares the memory of what begins at a multiple of ALIGNMENT, by chance, so that is copied before. A copy of everything
    into memory aligned by hand was five times as fast as XLA's where that memory had been used before, and four times slower where it
    was new, which in most runs it is.
    """
    return jax.block_until_ready(jax.device_put(jax.tree.map(_unshared, tree)))


def aligned(tree: Any) -> Any:
    """Arrays that nothing will change, placed where XLA on CPU uses them without a copy; those that are there are left."""

    def place(leaf: np.ndarray) -> np.ndarray:
        if leaf.ctypes.data % ALIGNMENT == 0:
            return leaf
        copy = empty(leaf.shape, leaf.dtype)
        copy[...] = leaf
        return copy

    return jax.tree.map(place, tree)


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """``numpy.empty`` that begins at a multiple of ALIGNMENT."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


def _unshared(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) and leaf.ctypes.data % ALIGNMENT == 0 else leaf
