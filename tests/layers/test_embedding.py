"""Embeddings against loops, sums of many and of narrow numbers, tokens out of range; positions against the paper's formula."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn.layers import Embedding, LearnedPositions, PositionalEncoding
from jaxnn.layers.embedding import _waves
from tests.tolerances import assert_same_bits, draw, precision

X = np.array([[2, 0, 2], [4, 2, 0]])


def test_rows_are_looked_up_and_errors_added_to_them():
    table, dy = draw((5, 4)), draw((2, 3, 4), seed=1)
    y, residuals = Embedding(5, 4).forward({"table": table}, jnp.asarray(X))
    wanted = np.zeros((5, 4), np.float32)
    for row in range(2):
        for step in range(3):
            assert_same_bits(y[row, step], table[X[row, step]])
            wanted[X[row, step]] += np.asarray(dy)[row, step]
    dparams, dx = Embedding(5, 4).backward({"table": table}, residuals, dy)
    np.testing.assert_allclose(dparams["table"], wanted, rtol=1e-6)
    assert dx.dtype == jax.dtypes.float0 and dx.shape == X.shape
    assert not dparams["table"][1].any() and not dparams["table"][3].any()  # tokens that are not there learn nothing


def test_the_parameters_of_a_run_are_numpys():
    table = np.asarray(draw((5, 4)))
    assert_same_bits(Embedding(5, 4).apply({"table": table}, X), table[X])


def test_it_is_the_product_with_one_hot_codes():
    table, dy = draw((5, 4)), draw((2, 3, 4), seed=1)
    codes = jax.nn.one_hot(X, 5)
    y, residuals = Embedding(5, 4).forward({"table": table}, jnp.asarray(X))
    np.testing.assert_allclose(y, codes @ table, rtol=1e-6)
    dtable = Embedding(5, 4).backward({"table": table}, residuals, dy)[0]["table"]
    np.testing.assert_allclose(dtable, codes.reshape(-1, 5).T @ dy.reshape(-1, 4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_many_errors_of_a_narrow_dtype_add_up(dtype):
    params, x = {"table": jnp.zeros((2, 3), dtype)}, jnp.zeros((3000,), jnp.int32)
    dparams, _ = Embedding(2, 3).backward(params, x, jnp.ones((3000, 3), dtype))
    assert dparams["table"].dtype == dtype
    assert dparams["table"].astype("float32").tolist() == [[jnp.asarray(3000, dtype).astype("float32")] * 3, [0] * 3]


@pytest.mark.parametrize("token", [5, -1, 2**31 - 1, -(2**31)])
def test_a_token_out_of_range_gives_nan_and_learns_nothing(token):
    params = {"table": draw((5, 4))}
    x = jnp.array([[token, 3]])
    y, residuals = Embedding(5, 4).forward(params, x)
    assert jnp.isnan(y[0, 0]).all() and not jnp.isnan(y[0, 1]).any()
    dtable = Embedding(5, 4).backward(params, residuals, jnp.ones((1, 2, 4)))[0]["table"]
    assert dtable.tolist() == [[float(row == 3)] * 4 for row in range(5)]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32", "int64"])
def test_every_dtype_of_whole_numbers_will_do(dtype):
    with precision("float64" if dtype == "int64" else "float32"):
        table = draw((300, 2))
        x = np.array([0, 99, 127], dtype)
        assert_same_bits(Embedding(300, 2).apply({"table": table}, jnp.asarray(x)), table[np.array([0, 99, 127])])


def test_new_rows_have_variance_one_in_jaxs_own_dtype():
    init = lambda: Embedding(300, 20).init(jax.random.key(0), jax.ShapeDtypeStruct((1, 2), "int32"))["table"]  # noqa: E731
    assert init().dtype == "float32" and float(init().std()) == pytest.approx(1, abs=0.05)
    with precision("float64"):
        assert init().dtype == "float64"


def test_positions_are_those_of_the_paper():
    waves = PositionalEncoding().apply((), jnp.zeros((1, 40, 7)))[0]
    for step in (0, 1, 2, 39):
        for pair in range(4):
            angle = step / 10000 ** (2 * pair / 7)
            assert float(waves[step, 2 * pair]) == pytest.approx(math.sin(angle), abs=1e-6)
            if pair < 3:
                assert float(waves[step, 2 * pair + 1]) == pytest.approx(math.cos(angle), abs=1e-6)


def test_positions_are_added_and_far_ones_exact():
    x = draw((2, 3, 4))
    assert_same_bits(PositionalEncoding().apply((), x), x + PositionalEncoding().apply((), jnp.zeros((1, 3, 4))))
    far = PositionalEncoding().apply((), jnp.zeros((1, 20001, 2)))[0, 20000]
    np.testing.assert_allclose(far, [math.sin(20000), math.cos(20000)], atol=1e-6)


def test_learned_positions_are_rows_of_a_table():
    layer, x, dy = LearnedPositions(5), draw((2, 3, 4)), draw((2, 3, 4), seed=1)
    params = layer.init(jax.random.key(0), x)
    assert params["table"].shape == (5, 4) and 0.01 < float(params["table"].std()) < 0.04
    y, residuals = layer.forward(params, x)
    assert_same_bits(y[1, 2], x[1, 2] + params["table"][2])
    dparams, dx = layer.backward(params, residuals, dy)
    assert_same_bits(dx, dy)
    np.testing.assert_allclose(dparams["table"], np.concatenate([np.asarray(dy).sum(axis=0), np.zeros((2, 4))]), rtol=1e-6)


def test_what_does_not_fit_is_refused_by_name():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="Embedding: tokens must be a whole number >= 1, got 0"):
        Embedding(0, 4)
    with pytest.raises(ValueError, match="Embedding: features must be a whole number >= 1, got '4'"):
        Embedding(3, "4")
    with pytest.raises(TypeError, match=r"Embedding: x must be an array of whole numbers, got dtype float32\. Number the tokens from 0"):
        Embedding(3, 4).init(key, jnp.ones((2, 4)))
    with pytest.raises(ValueError, match=r"PositionalEncoding: x must be of shape \(batch, time, features\), got shape \(2, 4\)"):
        PositionalEncoding().init(key, jnp.ones((2, 4)))
    with pytest.raises(TypeError, match="PositionalEncoding: x must be a floating-point array, got dtype int32"):
        PositionalEncoding().init(key, jnp.ones((2, 4, 3), jnp.int32))
    with pytest.raises(ValueError, match=r"LearnedPositions: x must be of at most 3 steps, got 4\. Write LearnedPositions\(4\)"):
        LearnedPositions(3).init(key, jnp.ones((2, 4, 3)))
    with pytest.raises(ValueError, match=r"LearnedPositions: x must be of shape \(batch, time, 3\), got shape \(2, 4, 1\)"):
        LearnedPositions(4).apply(LearnedPositions(4).init(key, jnp.ones((2, 4, 3))), jnp.ones((2, 4, 1)))
    with pytest.raises(ValueError, match="LearnedPositions: most must be a whole number >= 1, got -1"):
        LearnedPositions(-1)


def test_waves_of_many_lengths_do_not_pile_up():
    for time in range(1, 40):
        assert _waves(time, 2).shape == (time, 2)
    assert _waves.cache_info().currsize < 20
