"""float64 where a recipe or its parameters ask for it, whatever JAX's own setting is.

JAX makes float32 of every float64 unless ``jax_enable_x64`` is on. A thread can have it on for a block, and that is what all do that
compute with a recipe or with what is left of its run: ``fit`` and its kin around the whole of it, ``predict`` and its kin by the
parameters they are given. Programs of either kind are kept apart by JAX.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def enough_bits(wide: bool) -> AbstractContextManager[Any, None]:
    """A block in which JAX computes in float64 if that is wanted; if not, it is as it was.

    >>> with enough_bits(True):
    ...     print(jnp.ones(1).dtype)
    float64
    """
    return jax.enable_x64(True) if wide else nullcontext()


def is_wide(*left: Any) -> bool:
    """Whether there is a float64 in what is left of a run, parameters and the dtypes of its examples, which then computed in them.

    >>> is_wide({"kernel": np.ones(2), "bias": np.ones(1, np.float32)}), is_wide(np.ones(2, np.float32))
    (True, False)
    """
    return any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(left))


def dtype_in_a_run(dtype: Any, wide: bool) -> Any:
    """What numbers of that dtype are computed with in: floats in float64 if wide, else in what JAX takes them for but float32 at least.

    With fewer bits 0.999, a decay, would be 1. Gradients are computed in them by a recipe's precision.

    >>> [dtype_in_a_run(np.dtype(name), wide=False).name for name in ("float16", "float64", "uint8")]
    ['float32', 'float32', 'uint8']
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        return jax.dtypes.canonicalize_dtype(dtype)
    if wide:
        return np.dtype(np.float64)
    return jax.dtypes.canonicalize_dtype(dtype if jnp.finfo(dtype).bits >= 32 else np.float32)
