"""Convolutional networks: how they are put together, what they hold, and what is refused."""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import models
from jaxnn.layers import ELU, GELU, BatchNorm, Chain, Conv, Dense, LeakyReLU, MaxPool, ReLU, Sigmoid, SiLU
from jaxnn.models.cnn import INCREASING
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw


def names(model):
    return [type(layer).__name__ for layer in model.layers]


def parameters(model, *shape):
    params = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *shape), jnp.float32))
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_the_largest_number_is_found_before_an_increasing_activation_and_after_others():
    assert names(models.cnn((4,), 3, activation="tanh", hidden=()))[:3] == ["Conv", "MaxPool", "Tanh"]
    assert names(models.cnn((4,), 3, activation="silu", hidden=()))[:3] == ["Conv", "SiLU", "MaxPool"]
    assert names(models.cnn((4,), 3, activation=GELU(), hidden=()))[:3] == ["Conv", "GELU", "MaxPool"]


@pytest.mark.parametrize("activation", [*(function() for function in INCREASING), LeakyReLU(0.0), LeakyReLU(2.0), ELU(0.0)], ids=str)
def test_increasing_activations_change_places_with_the_maximum(activation):
    x = draw((2, 4, 6, 3))
    before, after = Chain((activation, MaxPool())), Chain((MaxPool(), activation))
    assert_close(before.apply(((), ()), x), after.apply(((), ()), x), "float32")


def test_several_convolutions_may_stand_before_one_pooling():
    model = models.cnn(((8, 9), 16), 10, norm=BatchNorm(), hidden=(20,), dropout=0.1)
    first = ["Conv", "BatchNorm", "ReLU", "Conv", "BatchNorm", "MaxPool", "ReLU"]
    assert names(model) == [*first, "Conv", "BatchNorm", "MaxPool", "ReLU", "Flatten", "Dense", "ReLU", "Dropout", "Dense"]
    assert [layer.features for layer in model.layers if isinstance(layer, Conv)] == [8, 9, 16]
    assert names(models.cnn((4,), 3, pool=None, hidden=())) == ["Conv", "ReLU", "Flatten", "Dense"]


def test_kernels_are_drawn_as_suits_the_activation():
    for activation in (ReLU(), Sigmoid(), SiLU()):
        drawn = [layer.initializer for layer in models.cnn((4,), 3, activation=activation).layers if isinstance(layer, Conv | Dense)]
        assert drawn == [activation.initializer] * 2 + [Dense(1).initializer]


def test_parameters_are_as_many_as_counted_by_hand():
    lenet = models.cnn((6, 16), 10, window=(5, 5), hidden=(120, 84), activation="tanh")
    dense = (7 * 7 * 16 + 1) * 120 + 121 * 84 + 85 * 10
    assert parameters(lenet, 28, 28, 1) == (25 + 1) * 6 + (25 * 6 + 1) * 16 + dense
    assert parameters(models.cnn((4, 8), 2, window=(5,), pool=3, hidden=()), 27, 3) == (15 + 1) * 4 + (20 + 1) * 8 + (3 * 8 + 1) * 2


def test_it_computes_what_the_same_network_of_flax_does():
    class Theirs(flax.linen.Module):
        @flax.linen.compact
        def __call__(self, x):
            for features in (2, 3):
                x = flax.linen.max_pool(flax.linen.relu(flax.linen.Conv(features, (3, 3))(x)), (2, 2), strides=(2, 2))
            return flax.linen.Dense(4)(x.reshape(x.shape[0], -1))

    x, model = draw((2, 6, 4, 1)), models.cnn((2, 3), 4, hidden=())
    params = quick_jit(model.init)(jax.random.key(0), x)
    named = zip(("Conv_0", "Conv_1", "Dense_0"), (own for own in params if own), strict=True)
    assert_close(model.apply(params, x), quick_jit(Theirs().apply)({"params": dict(named)}, x), "float32")


@pytest.mark.parametrize("features", [16, "16", (), None])
def test_features_are_a_sequence(features):
    with pytest.raises(TypeError, match=r"cnn: features must be a sequence of widths, got .*\. Write \(16, 32\) for two convolutions"):
        models.cnn(features, 10)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="MaxPool: window must be within x of sizes"):
        jax.eval_shape(models.cnn((2, 2, 2), 3).init, jax.random.key(0), np.ones((1, 4, 4, 1), "float32"))
    with pytest.raises(ValueError, match=r"Conv: x must be of shape \(batch, time, channels\), got shape \(1, 4, 4, 1\)"):
        jax.eval_shape(models.cnn((2,), 3, window=(3,)).init, jax.random.key(0), np.ones((1, 4, 4, 1), "float32"))
    with pytest.raises(ValueError, match=r"activation: no function is called 'rellu'\. Did you mean relu"):
        models.cnn((2,), 3, activation="rellu")
    with pytest.raises(ValueError, match=r"cnn: slope must be in \[0, inf\), got -0\.1"):
        models.cnn((2,), 3, activation=LeakyReLU(-0.1))
    assert isinstance(models.cnn((2,), 3), Chain) and MaxPool((3,)) in models.cnn((2,), 3, window=(3,), pool=3).layers
