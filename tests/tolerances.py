"""How close is close: one table by dtype, and the comparisons that use it."""

from contextlib import AbstractContextManager
from typing import Any

import jax
import numpy as np

RELATIVE = {"float64": 1e-10, "float32": 1e-5, "bfloat16": 6e-2}
"""Largest error of a result, relative to its norm: some ten to a hundred roundings, in float64 more than that."""

DTYPES = tuple(RELATIVE)


def precision(dtype: str) -> AbstractContextManager[Any]:
    """JAX with float64 where the dtype is that, and without where it isn't."""
    return jax.enable_x64(dtype == "float64")


def draw(shape: tuple[int, ...], dtype: str = "float32", *, seed: int = 0) -> jax.Array:
    """Normally distributed numbers, the same in every precision."""
    return jax.numpy.asarray(np.random.default_rng(seed).normal(size=shape)).astype(dtype)


def relative_error(got: Any, wanted: Any) -> float:
    """The largest, over the leaves of two trees, of |got - wanted| / |wanted|, by Euclidean norms in float64."""
    assert jax.tree.structure(got) == jax.tree.structure(wanted)
    errors = [0.0]
    for ours, theirs in zip(map(_numpy, jax.tree.leaves(got)), map(_numpy, jax.tree.leaves(wanted)), strict=True):
        assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
        assert np.all(np.isfinite(ours)) and np.all(np.isfinite(theirs))
        scale = np.linalg.norm(theirs.ravel()) or 1.0
        errors.append(np.linalg.norm((ours - theirs).ravel()) / scale)
    return max(errors)


def assert_close(got: Any, wanted: Any, dtype: str = "float64") -> None:
    """Two trees of equal structure, shapes and, up to the table's tolerance, numbers."""
    error = relative_error(got, wanted)
    assert error < RELATIVE[dtype], f"relative error {error:.3g} >= {RELATIVE[dtype]:g} ({dtype})"


def assert_same_bits(got: Any, wanted: Any) -> None:
    """Two trees of equal structure whose arrays are equal bit for bit, NaN included."""
    assert jax.tree.structure(got) == jax.tree.structure(wanted)
    for (path, ours), theirs in zip(jax.tree.leaves_with_path(got), jax.tree.leaves(wanted), strict=True):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), path
        assert ours.tobytes() == theirs.tobytes(), f"{jax.tree_util.keystr(path)} differs: {ours} and {theirs}"


def assert_finite(tree: Any) -> None:
    assert all(np.all(np.isfinite(_numpy(leaf))) for leaf in jax.tree.leaves(tree))


def _numpy(leaf: Any) -> np.ndarray:
    return np.asarray(leaf).astype(np.float64)
