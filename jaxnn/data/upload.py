"""Examples on the device."""

import math
from typing import Any

import jax
import numpy as np

ALIGNMENT = 64
"""Bytes: XLA on CPU uses arrays that begin at a multiple of it where they lie."""


def upload(tree: Any) -> Any:
    """The arrays on the default device, as copies that later changes of the originals do not reach.

    On CPU, XLA shares the memory of what begins at a multiple of ALIGNMENT, by chance, and copies anything else page by page. So they
    are copied here: into NumPy's memory, which is asked for in large pages, three times as fast, a twentieth of the whole run of an MLP
    on 50,000 images for 3 epochs.
    """
    return jax.device_put(jax.tree.map(_copy, tree) if jax.default_backend() == "cpu" else tree)


def aligned(tree: Any) -> Any:
    """Arrays that nothing will change, placed where XLA on CPU uses them without a copy; those that are there are left."""
    return jax.tree.map(lambda leaf: leaf if leaf.ctypes.data % ALIGNMENT == 0 else _copy(leaf), tree)


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """``numpy.empty`` that begins at a multiple of ALIGNMENT."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


def _copy(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    copy = empty(leaf.shape, leaf.dtype)
    copy[...] = leaf
    return copy
