"""An epoch's batches: every row once, the last batch exact."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnn.data.batching import PACKED_ROWS, epoch_batches
from tests.programs import quick_jit

SIZES = st.sampled_from([1, 5, 8, 13])  # few, for each pair of sizes is a program
BATCH_SIZES = st.sampled_from([1, 4, 1000])


@functools.cache
def program(batch_size: int):
    return quick_jit(functools.partial(epoch_batches, batch_size=batch_size))


def batches(count: int, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = 3 * np.arange(count, dtype=np.int32) + 7
    indices, weights = program(batch_size)(jax.random.key(seed), rows)
    return rows, np.asarray(indices), np.asarray(weights)


@settings(deadline=None, max_examples=50)
@given(SIZES, BATCH_SIZES, st.integers(0, 2**32 - 1))
def test_every_row_comes_once_an_epoch(count, batch_size, seed):
    rows, indices, weights = batches(count, batch_size, seed)
    assert sorted(indices[weights == 1]) == list(rows)
    assert set(weights.ravel()) <= {0.0, 1.0} and weights.sum() == count
    assert set(indices.ravel()) <= set(rows)  # the rows that fill up are rows of this run, never another's


@settings(deadline=None, max_examples=50)
@given(SIZES, BATCH_SIZES, st.integers(0, 2**32 - 1))
def test_all_batches_are_full_but_the_last(count, batch_size, seed):
    _, indices, weights = batches(count, batch_size, seed)
    size = min(batch_size, count)
    assert indices.shape == weights.shape == (-(-count // size), size)
    assert np.all(weights[:-1] == 1)
    assert weights[-1].sum() == count - size * (len(weights) - 1) >= 1


def test_keys_decide_the_order():
    _, first, _ = batches(13, 4, 0)
    _, again, _ = batches(13, 4, 0)
    _, other, _ = batches(13, 4, 1)
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_every_order_is_as_likely():
    orders = quick_jit(jax.vmap(lambda key: epoch_batches(key, jnp.arange(3), 3)[0][0]))(jax.random.split(jax.random.key(0), 6000))
    counts = np.unique(np.asarray(orders), axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert np.sum((counts - 1000) ** 2 / 1000) < 20.5  # chi squared with 5 degrees of freedom: one in a thousand


def test_every_row_is_as_likely_in_every_place() -> None:
    draws, rows = 6000, 6
    keys = jax.random.split(jax.random.key(1), draws)
    orders = np.asarray(jax.vmap(lambda key: epoch_batches(key, jnp.arange(rows), rows)[0][0])(keys))
    for place in range(rows):
        counts = np.bincount(orders[:, place], minlength=rows)
        expected = draws / rows
        assert ((counts - expected) ** 2 / expected).sum() < 25.7, "chi-squared with 5 degrees of freedom, p = 1e-4"


def test_large_sets_are_shuffled_too() -> None:
    rows = PACKED_ROWS + 1
    indices = np.asarray(epoch_batches(jax.random.key(0), jnp.arange(rows), rows)[0][0])
    assert sorted(indices) == list(range(rows))
    assert abs(np.corrcoef(indices, np.arange(rows))[0, 1]) < 0.06, "four standard errors"
