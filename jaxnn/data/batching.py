"""One epoch's order of examples, cut into batches of one fixed size."""

import jax
import jax.numpy as jnp
import numpy as np

PACKED_ROWS = 4096
"""Up to so many rows, a row's number and its random bits share one 32-bit word to be sorted."""


def epoch_batches(key: jax.Array, rows: jax.Array, batch_size: int, pieces: int = 1) -> tuple[jax.Array, jax.Array]:
    """The rows in a fresh random order: (indices, weights), both (steps, rows of a step), a step being `pieces` batches.

    Every row comes exactly once with weight 1. The last batch is filled up with a repeated index of weight 0, so that its
    weighted mean is over exactly the rows that were left. ``rows`` (count,) are indices into the data; a batch_size larger
    than count means one batch of all rows (full gradient descent). With several pieces, a step of all rows is filled up so that it divides.

    >>> import jax, jax.numpy as jnp
    >>> indices, weights = epoch_batches(jax.random.key(0), jnp.arange(5), 2)
    >>> indices.shape, weights.sum(axis=1).tolist()
    ((3, 2), [2.0, 2.0, 1.0])
    """
    count = rows.shape[0]
    size = min(batch_size, -(-count // pieces)) * pieces
    steps = -(-count // size)
    order = jnp.asarray(rows)[_random_order(key, count)]
    indices = jnp.pad(order, (0, steps * size - count), mode="edge").reshape(steps, size)
    weights = (jnp.arange(steps * size) < count).astype(jnp.float32).reshape(steps, size)
    return indices, weights


def _random_order(key: jax.Array, count: int) -> jax.Array:
    """A random permutation of 0 .. count - 1 by one draw and one sort.

    Small sets sort words whose low bits are the row's number: one operand in place of two, a tenth of the whole training time of
    the digits. At least 20 random bits are left; where two rows draw the same, the smaller number comes first.
    """
    bits = jax.random.bits(key, (count,), jnp.uint32)
    if count > PACKED_ROWS:
        return jnp.argsort(bits)
    low = np.uint32((1 << (count - 1).bit_length()) - 1)
    return jnp.sort((bits & ~low) | jnp.arange(count, dtype=jnp.uint32)) & low
