"""Where randomness comes from: a seed, or a key of JAX."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.typing import Key


def key_data(key: Any, where: str = "fit") -> np.ndarray:
    """The raw data (2,) uint32 of a key, made on the host for a seed, for compiling a program for it would cost a user's time.

    >>> key_data(7).tolist()
    [0, 7]
    """
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return np.array([(int(key) >> 32) & 0xFFFFFFFF, int(key) & 0xFFFFFFFF], np.uint32)
    if isinstance(key, jax.Array) and _is_key(key):
        key = jax.random.key_data(key)
    data = np.asarray(key)
    if data.shape != (2,) or data.dtype != np.uint32:
        advice = "Write key=0 or key=jax.random.key(0)."
        raise TypeError(
            sentence(where, "key", "a whole number or one JAX random key (threefry2x32)", f"{data.dtype} of shape {data.shape}", advice)
        )
    return data


def typed_key(key: Any, where: str) -> Key:
    """The JAX random key of a seed or key. What is traced passes as it is.

    >>> import jax
    >>> typed_key(7, "sample") == jax.random.key(7)
    Array(True, dtype=bool)
    """
    if isinstance(key, jax.core.Tracer) or (isinstance(key, jax.Array) and _is_key(key) and key.ndim == 0):
        return key
    return jax.random.wrap_key_data(jnp.asarray(key_data(key, where)))


def _is_key(array: jax.Array) -> bool:
    return bool(jnp.issubdtype(array.dtype, jax.dtypes.prng_key))
