"""Examples on the device."""

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
    return jax.device_put(jax.tree.map(_aligned, tree) if jax.default_backend() == "cpu" else tree)


def _aligned(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    memory = np.empty(leaf.nbytes + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    copy = memory[first : first + leaf.nbytes].view(leaf.dtype).reshape(leaf.shape)
    copy[...] = leaf
    return copy
