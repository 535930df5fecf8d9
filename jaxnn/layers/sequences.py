"""What layers over time take, an array (rows, time, ...) or ``Sequences``, and cotangents in the structure of what was taken."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.layers.base import no_cotangent
from jaxnn.typing import Sequences


def as_sequences(x: Any) -> Sequences:
    """x, a plain array as Sequences without lengths and state."""
    return x if isinstance(x, Sequences) else Sequences(x)


def values_of(x: Any) -> Any:
    """The array alone."""
    return as_sequences(x).values


def with_lengths_of(x: Any, y: Any) -> Any:
    """y as Sequences where x has lengths, else y itself: what a layer gives that keeps the steps of x."""
    lengths = as_sequences(x).lengths
    return y if lengths is None else Sequences(y, lengths)


def within(lengths: Any, steps: int) -> jax.Array:
    """Which steps a row really has, (rows, steps).

    >>> within(jnp.array([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return jnp.arange(steps, dtype=jnp.int32) < lengths.astype(jnp.int32)[:, None]


def cotangent_of(x: Any, dvalues: Any, dstate: Any = None) -> Any:
    """dx with the structure of x: lengths are whole numbers and have none; a state that was not used (dstate None) has zeros."""
    if not isinstance(x, Sequences):
        return dvalues
    lengths = None if x.lengths is None else no_cotangent(x.lengths)
    unused = jax.tree.map(jnp.zeros_like, x.state) if dstate is None else dstate
    return Sequences(dvalues, lengths, None if x.state is None else unused)


def check_lengths(where: str, x: Any) -> None:
    """Refuses lengths that the sequences in x can't have: compiled code could not say so, and would take what fills the rows up."""
    for sequences in jax.tree.leaves(x, is_leaf=lambda node: isinstance(node, Sequences)):
        if isinstance(sequences, Sequences) and sequences.lengths is not None:
            lengths, steps = np.asarray(sequences.lengths), sequences.values.shape[1]
            if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
                expected = "whole numbers of shape (rows,), one for each sequence"
                raise TypeError(sentence(where, "lengths", expected, f"{lengths.dtype} of shape {lengths.shape}"))
            if lengths.min() < 1 or lengths.max() > steps:
                raise ValueError(sentence(where, "lengths", f"from 1 to the {steps} steps of x", f"{lengths.min()} to {lengths.max()}"))
