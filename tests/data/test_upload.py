"""Uploaded arrays: the same numbers, and nobody else's memory."""

import jax
import numpy as np
import pytest

from jaxnn.data.upload import upload


@pytest.mark.parametrize("size", [7, 70_000])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bfloat16"])
def test_later_changes_of_the_original_do_not_reach_the_copy(size, dtype):
    array = np.arange(size).astype(dtype).reshape(-1, 1)
    device = upload({"x": array, "y": None})
    before = array.copy()
    array[...] = 1
    assert isinstance(device["x"], jax.Array) and device["x"].dtype == before.dtype and device["y"] is None
    np.testing.assert_array_equal(device["x"], before)


def test_parts_of_arrays_and_arrays_in_another_order_are_taken_as_they_read():
    whole = np.random.default_rng(0).normal(size=(600, 1000)).astype("float32")
    for view in (whole[:, ::2], whole.T, np.asfortranarray(whole)):
        np.testing.assert_array_equal(upload(view), view)
