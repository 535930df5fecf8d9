"""Attention against Flax's from the same parameters, against loops over queries and keys, and what masks must hide."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from hypothesis import given, settings
from hypothesis import strategies as some

from jaxnn.layers import Chain, CrossAttention, LayerNorm, MultiHeadAttention, Residual, Timewise
from jaxnn.typing import Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_finite, assert_same_bits, draw, precision

few = some.integers(1, 3)
drawn = settings(max_examples=12, deadline=None, derandomize=True)


def random_params(layer, x, dtype="float64"):
    """Parameters with biases that are not zero."""
    leaves, structure = jax.tree.flatten(layer.init(jax.random.key(0), x))
    return jax.tree.unflatten(structure, [0.7 * draw(leaf.shape, dtype, seed=seed) for seed, leaf in enumerate(leaves)])


def by_flax(heads, params, queries, memory, mask=None):
    """Flax's multi-head attention; its keys' bias, which ours leaves out for it changes nothing, is drawn and large."""
    queried, inner = queries.shape[-1], params["query"]["kernel"].shape[1]
    theirs = linen.MultiHeadDotProductAttention(num_heads=heads, qkv_features=inner, out_features=queried)
    split = lambda kernel: kernel.reshape(kernel.shape[0], heads, -1)  # noqa: E731
    given_to_them = {
        "query": {"kernel": split(params["query"]["kernel"]), "bias": params["query"]["bias"].reshape(heads, -1)},
        "key": {"kernel": split(params["key"]["kernel"]), "bias": 5 * draw((heads, inner // heads), "float64")},
        "value": {"kernel": split(params["value"]["kernel"]), "bias": params["value"]["bias"].reshape(heads, -1)},
        "out": {"kernel": params["output"]["kernel"].reshape(heads, -1, queried), "bias": params["output"]["bias"]},
    }
    with jax.numpy_dtype_promotion("standard"):
        return theirs.apply({"params": given_to_them}, queries, memory, mask=mask)


def ours_and_theirs(layer, reference, params, x, dy):
    """(y, dparams, dx) by our rules, and by JAX from the reference; dy is that of the values."""

    @quick_jit
    def both(params, x, dy):
        y, residuals = layer.forward(params, x)
        given_back = lambda values: Sequences(values, None) if isinstance(y, Sequences) else values  # noqa: E731
        by_jax, pull = jax.vjp(reference, params, x)
        dparams, dx = layer.backward(params, residuals, given_back(dy))
        floats = lambda tree: [leaf for leaf in jax.tree.leaves(tree) if leaf.dtype == dy.dtype]  # noqa: E731
        return floats((y, dparams, dx)), floats((by_jax, *pull(dy)))

    return both(params, x, dy)


def assert_near(ours, theirs):
    assert len(ours) == len(theirs)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-8, atol=1e-10)


@drawn
@given(few, some.integers(1, 5), few, few, some.booleans(), some.booleans())
def test_self_attention_is_flaxs_from_the_same_parameters(batch, time, heads, size, causal, padded):
    with precision("float64"):
        values, dy = draw((2, batch, time, 2 * heads), "float64")
        lengths = jnp.arange(batch, dtype=jnp.int32) % time + 1
        layer = MultiHeadAttention(heads, head_features=size, causal=causal)
        x = Sequences(values, lengths) if padded else values

        def reference(params, x):
            values = x.values if padded else x
            mask = jnp.tril(jnp.ones((time, time), bool))[None, None] if causal else jnp.ones((1, 1, time, time), bool)
            if padded:
                mask = mask & (jnp.arange(time, dtype=jnp.int32) < lengths[:, None])[:, None, None]
            return by_flax(heads, params, values, values, mask)

        assert_near(*ours_and_theirs(layer, reference, random_params(layer, x), x, dy))


@drawn
@given(few, some.integers(1, 4), some.integers(1, 4), few, some.booleans())
def test_cross_attention_is_flaxs_from_the_same_parameters(batch, time, remembered, heads, padded):
    with precision("float64"):
        queries, dy = draw((2, batch, time, 2 * heads), "float64")
        memory = draw((batch, remembered, 3), "float64", seed=1)
        lengths = jnp.arange(batch, dtype=jnp.int32) % remembered + 1
        layer, x = CrossAttention(heads), (queries, Sequences(memory, lengths) if padded else memory)

        def reference(params, x):
            mask = (jnp.arange(remembered, dtype=jnp.int32) < lengths[:, None])[:, None, None] if padded else None
            return by_flax(heads, params, x[0], x[1].values if padded else x[1], mask)

        assert_near(*ours_and_theirs(layer, reference, random_params(layer, x), x, dy))


def test_the_output_by_loops():
    with precision("float64"):
        x, layer = draw((2, 4, 6), "float64"), MultiHeadAttention(3, causal=True)
        params = random_params(layer, x)
        numbers = jax.tree.map(np.asarray, params)
        y = np.zeros((2, 4, 6))
        for row in range(2):
            of = lambda name, row=row: np.asarray(x)[row] @ numbers[name]["kernel"] + numbers[name].get("bias", 0)  # noqa: E731
            q, k, v = of("query"), of("key"), of("value")
            context = np.zeros((4, 6))
            for head in (slice(0, 2), slice(2, 4), slice(4, 6)):
                for i in range(4):
                    sizes = [np.exp(q[i, head] @ k[j, head] / np.sqrt(2)) for j in range(i + 1)]
                    context[i, head] = sum(size / sum(sizes) * v[j, head] for j, size in enumerate(sizes))
            y[row] = context @ numbers["output"]["kernel"] + numbers["output"]["bias"]
        assert_close(layer.apply(params, x), jnp.asarray(y))


@pytest.mark.parametrize("causal", [False, True])
def test_a_padded_batch_is_its_sequences_one_by_one(causal):
    with precision("float64"):
        values, dy, layer = *draw((2, 3, 5, 4), "float64"), MultiHeadAttention(2, causal=causal)
        lengths = [5, 1, 3]
        params = random_params(layer, values)
        for row, length in enumerate(lengths):  # what pads differs from row to row, and is large
            values, dy = values.at[row, length:].set(1e6 * row + 7), dy.at[row, length:].set(0)
        y, residuals = layer.forward(params, Sequences(values, jnp.array(lengths, jnp.int32)))
        assert_finite(y.values)
        dparams, dx = layer.backward(params, residuals, Sequences(dy, None))
        total = jax.tree.map(jnp.zeros_like, params)
        for row, length in enumerate(lengths):
            alone, kept = layer.forward(params, values[row : row + 1, :length])
            assert_close(y.values[row, :length], alone[0])
            ours, single = layer.backward(params, kept, dy[row : row + 1, :length])
            np.testing.assert_allclose(dx.values[row, :length], single[0], rtol=1e-9, atol=1e-12)
            assert not dx.values[row, length:].any()
            total = jax.tree.map(jnp.add, total, ours)
        jax.tree.map(lambda ours, alone: np.testing.assert_allclose(ours, alone, rtol=1e-8, atol=1e-8), dparams, total)


def test_what_is_hidden_changes_no_bit():
    values, layer = draw((2, 5, 4)), MultiHeadAttention(2, causal=True)
    params = random_params(layer, values, "float32")
    y = layer.apply(params, values)
    assert_same_bits(layer.apply(params, values.at[:, 3:].add(9.0))[:, :3], y[:, :3])  # the future
    lengths = jnp.array([3, 2])
    attend = lambda values: MultiHeadAttention(2).apply(params, Sequences(values, lengths)).values  # noqa: E731
    assert_same_bits(attend(values.at[:, 3:].add(9.0))[:, :3], attend(values)[:, :3])  # the padding


def test_sequences_come_back_as_they_were_given():
    values, lengths, layer = draw((2, 5, 4)), jnp.array([3, 5]), MultiHeadAttention(2)
    params = layer.init(jax.random.key(0), Sequences(values, lengths))
    assert_same_bits(layer.apply(params, Sequences(values, lengths)).lengths, lengths)
    assert_same_bits(layer.apply(params, Sequences(values)), layer.apply(params, values))
    y, residuals = layer.forward(params, Sequences(values))
    assert layer.backward(params, residuals, y)[1]._replace(values=None) == Sequences(None)
    cross = CrossAttention(2)
    x = (Sequences(values, lengths), values)
    y, residuals = cross.forward(cross.init(jax.random.key(0), x), x)
    assert_same_bits(y.lengths, lengths)
    dqueries, dmemory = cross.backward(cross.init(jax.random.key(0), x), residuals, y)[1]
    assert dqueries.lengths.dtype == jax.dtypes.float0 and dmemory.shape == values.shape


def test_self_attention_is_cross_attention_to_oneself():
    x = draw((2, 5, 4))
    params = random_params(MultiHeadAttention(2), x, "float32")
    assert_same_bits(CrossAttention(2).apply(params, (x, x)), MultiHeadAttention(2).apply(params, x))


def test_a_transformers_block_takes_sequences():
    block = Chain((Residual(Chain((Timewise(LayerNorm()), MultiHeadAttention(2)))), Residual(Timewise(LayerNorm()))))
    x = Sequences(draw((2, 5, 4)), jnp.array([3, 5]))
    params = block.init(jax.random.key(0), x)
    assert block.apply(params, x).values.shape == (2, 5, 4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_large_scores_stay_finite(dtype):
    x, layer = 30 * draw((2, 5, 4)).astype(dtype), MultiHeadAttention(2, causal=True)
    params = layer.init(jax.random.key(0), x)
    y, residuals = layer.forward(params, x)
    dparams, dx = layer.backward(params, residuals, jnp.ones_like(y))
    assert_finite((y, dparams, dx))
    assert {leaf.dtype.name for leaf in jax.tree.leaves((params, y, dparams, dx))} == {dtype}


def test_scores_of_narrow_dtypes_are_computed_in_float32():
    """Scores 100 and 100.625 give the second step a weight of sigmoid(0.625); bfloat16 has 100 and 100.5 only."""
    x = jnp.array([[[10.0, 0.0], [10.0625, 1.0]]], "bfloat16")
    first, second = jnp.eye(2, dtype="bfloat16")[:, :, None]
    params = {"query": {"kernel": first}, "key": {"kernel": first}, "value": {"kernel": second}, "output": {"kernel": first.T}}
    y = MultiHeadAttention(1, head_features=1).apply(params, x)
    assert y.dtype == "bfloat16" and float(y[0, 0, 0]) == pytest.approx(0.6514, rel=2**-8)


def test_the_rule_can_be_differentiated_itself():
    with precision("float64"):
        x, layer = draw((2, 4, 4), "float64"), MultiHeadAttention(2, causal=True)
        params = random_params(layer, x)
        by_hand = lambda x: layer.backward(params, layer.forward(params, x)[1], jnp.sin(x))[1]  # noqa: E731
        by_jax = lambda x: jax.vjp(lambda x: layer.apply(params, x), x)[1](jnp.sin(x))[0]  # noqa: E731
        penalties = [jax.grad(lambda x, dx=dx: jnp.square(dx(x)).sum()) for dx in (by_hand, by_jax)]
        assert_close(*quick_jit(lambda x: [penalty(x) for penalty in penalties])(x))


def test_what_does_not_fit_is_refused_by_name():
    key, x, layer = jax.random.key(0), jnp.ones((2, 5, 4)), MultiHeadAttention(2)
    with pytest.raises(ValueError, match="MultiHeadAttention: heads must be a whole number >= 1, got 0"):
        MultiHeadAttention(0)
    with pytest.raises(ValueError, match="CrossAttention: head_features must be a whole number >= 1, got 0"):
        CrossAttention(2, head_features=0)
    with pytest.raises(ValueError, match=r"MultiHeadAttention: heads must be a divisor of the 4 features, got 3\. Give head_features"):
        MultiHeadAttention(3).init(key, x)
    with pytest.raises(ValueError, match=r"MultiHeadAttention: x must be of shape \(batch, time, features\), got shape \(5, 4\)"):
        layer.init(key, x[0])
    with pytest.raises(TypeError, match="MultiHeadAttention: x must be a floating-point array, got dtype int32"):
        layer.init(key, x.astype("int32"))
    with pytest.raises(ValueError, match=r"x must be of shape \(batch, time, 4\), as its parameters are, got shape \(2, 5, 3\)"):
        layer.apply(layer.init(key, x), jnp.ones((2, 5, 3)))
    with pytest.raises(
        TypeError, match=r"lengths of x must be whole numbers of shape \(2,\), one for each sequence, got int32 of shape \(3,\)"
    ):
        layer.init(key, Sequences(x, jnp.ones(3, jnp.int32)))
    with pytest.raises(TypeError, match=r"lengths of x must be whole numbers of shape \(2,\), .* got float32 of shape \(2,\)"):
        layer.init(key, Sequences(x, jnp.ones(2)))
    with pytest.raises(TypeError, match="MultiHeadAttention: x must be without a state, which is for recurrent layers, got one"):
        layer.init(key, Sequences(x, None, jnp.ones(2)))
    with pytest.raises(TypeError, match=r"CrossAttention: x must be the two \(queries, memory\), got Sequences"):
        CrossAttention(2).init(key, Sequences(x))
    with pytest.raises(ValueError, match=r"CrossAttention: memory must be of shape \(batch, time, 4\), as its parameters are"):
        CrossAttention(2).apply(CrossAttention(2).init(key, (x, x)), (x, jnp.ones((2, 5, 3))))
