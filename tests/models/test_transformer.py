"""Small transformers: what they hold, what they may not see, and what is refused."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn import models
from jaxnn.layers import Dropout, Repeat, Timewise
from jaxnn.typing import Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, draw


def parameters(model, x):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0), x)))


def test_parameters_are_as_many_as_counted_by_hand():
    attention, feed_forward, norm = 4 * 8 * 8 + 3 * 8, 2 * 8 * 32 + 32 + 8, 2 * 8  # keys have no bias
    block = attention + feed_forward + 2 * norm
    for depth in (1, 5):
        model = models.transformer(3, width=8, depth=depth, heads=2)
        assert parameters(model, jnp.ones((1, 5, 2))) == (2 + 1) * 8 + depth * block + norm + 9 * 3
    model = models.transformer(7, width=8, depth=1, heads=2, tokens=50, returns="all")
    assert parameters(model, jnp.ones((1, 5), jnp.int32)) == 50 * 8 + block + norm + 9 * 7


def test_all_blocks_are_one_loop():
    shallow, deep = (models.transformer(3, width=8, depth=depth, heads=2) for depth in (2, 20))
    assert [layer.times for layer in deep.layers if isinstance(layer, Repeat)] == [20]

    def lines(model):
        x = jax.ShapeDtypeStruct((1, 5, 2), jnp.float32)
        return len(str(jax.make_jaxpr(model.forward)(jax.eval_shape(model.init, jax.random.key(0), x), x)).splitlines())

    assert lines(shallow) == lines(deep)


def test_a_rate_keeps_dropout_in():
    begin = models.transformer(3, width=8, heads=2, dropout=0.0).layers[0]
    assert isinstance(begin, Timewise) and begin.layer.layers[-1] == Dropout(0.0)
    assert models.transformer(3, dropout=0.0).draws and not models.transformer(3).draws


def test_no_step_sees_those_after_it_if_it_must_not():
    model = models.transformer(3, width=4, depth=2, heads=2, causal=True, returns="all")
    x = draw((2, 5, 2))
    params, apply = quick_jit(model.init)(jax.random.key(0), x), quick_jit(model.apply)
    y, changed = apply(params, x), apply(params, x.at[:, 3:].set(7.0))
    assert_same_bits(changed[:, :3], y[:, :3])
    assert not jnp.allclose(changed[:, 3:], y[:, 3:])


@pytest.mark.parametrize("returns", ["mean", "all"])
def test_steps_beyond_the_length_are_not_there(returns):
    model, x, lengths = models.transformer(3, width=4, depth=2, heads=2, returns=returns), draw((3, 5, 2)), jnp.array([5, 1, 4])
    params = quick_jit(model.init)(jax.random.key(0), x)
    apply = quick_jit(model.apply)
    y = apply(params, Sequences(x, lengths))
    for row, length in enumerate(lengths.tolist()):
        alone = apply(params, x[row : row + 1, :length])
        assert_close(y[row : row + 1] if returns == "mean" else y.values[row : row + 1, :length], alone, "float32")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"width": 10, "heads": 4}, r"transformer: width must be a multiple of heads \(4\), got 10"),
        ({"heads": 0}, "transformer: heads must be a whole number >= 1, got 0"),
        ({"feed_forward": 0.5}, "transformer: feed_forward must be a whole number >= 1, got 0.5"),
        ({"returns": "last"}, "transformer: returns must be 'mean' or 'all', got 'last'"),
        ({"depth": 0}, "Repeat: times must be a whole number >= 1, got 0"),
    ],
)
def test_what_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        models.transformer(3, **options)
