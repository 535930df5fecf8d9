"""Sums in narrow dtypes are taken in a wider one: in bfloat16, 256 + 1 is 256."""

from typing import Any

import jax
import jax.numpy as jnp


def widened(x: jax.Array) -> jax.Array:
    """x in float32 if its own dtype is narrower than that.

    >>> import jax.numpy as jnp
    >>> widened(jnp.ones(1, jnp.bfloat16)).dtype, widened(jnp.ones(1, jnp.float32)).dtype
    (dtype('float32'), dtype('float32'))
    """
    return x.astype(wide(x.dtype))


def wide(dtype: Any) -> Any:
    """float32 in place of a float dtype narrower than that."""
    return jnp.dtype(jnp.float32) if jnp.finfo(dtype).bits < 32 else dtype
