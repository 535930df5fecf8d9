"""Loss landscapes against the losses of a loop, and the normalisation of directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import Classification, models
from jaxnn.diagnostics import landscape, random_direction
from jaxnn.layers import BatchNorm, Chain, Dense
from jaxnn.layers.buffers import Buffers
from jaxnn.typing import Batch
from tests.samples import blobs
from tests.tolerances import precision

TASK = Classification(models.mlp((5,), 3, activation="tanh"))


def setting(dtype="float64"):
    x, y = blobs(dtype=dtype)
    batch = Batch(jnp.asarray(x), jnp.asarray(y), jnp.ones(len(x), dtype))
    return (x, y), batch, TASK.init(jax.random.key(0), batch)


@pytest.mark.parametrize(("dimensions", "at_once"), [(1, 2), (2, 4)])
def test_a_surface_is_the_losses_of_a_loop(dimensions, at_once):
    with precision("float64"):
        data, batch, params = setting()
        found = landscape(TASK, params, data, dimensions=dimensions, points=3, span=0.5, key=1, at_once=at_once)
        for place in np.ndindex(found.losses.shape):
            moved = params
            for step, direction in zip(place, found.directions, strict=True):
                moved = jax.tree.map(lambda p, d, a=found.steps[step]: p + a * d, moved, direction)
            assert found.losses[place] == pytest.approx(float(TASK.evaluate(moved, batch)["loss"]), rel=1e-12)
        assert found.steps.tolist() == [-0.5, 0, 0.5]


def test_between_two_solutions():
    data, batch, params = setting("float32")
    other = TASK.init(jax.random.key(5), batch)
    along = jax.tree.map(jnp.subtract, other, params)
    found = landscape(TASK, params, data, directions=(along,), points=3)
    ends = [float(TASK.evaluate(tree, batch)["loss"]) for tree in (params, other)]
    assert found.losses[1:].tolist() == pytest.approx(ends, rel=1e-5)


def test_each_filter_of_a_random_direction_is_as_long_as_its_own():
    _, _, params = setting("float32")
    drawn = random_direction(jax.random.key(0), params)
    for layer, along in zip(params, drawn, strict=True):
        if layer:
            np.testing.assert_allclose(*(np.linalg.norm(tree["kernel"], axis=0) for tree in (layer, along)), rtol=1e-5)
            assert not np.any(along["bias"])


def test_buffers_stay_as_they_are():
    x = jnp.ones((2, 3))
    params = Chain((Dense(2), BatchNorm())).init(jax.random.key(0), x)
    drawn = random_direction(jax.random.key(0), params)
    buffers = [node for node in jax.tree.leaves(drawn, is_leaf=lambda node: isinstance(node, Buffers)) if isinstance(node, Buffers)]
    assert buffers and not any(np.any(leaf) for leaf in jax.tree.leaves(buffers))


def test_directions_of_another_shape_are_refused():
    data, _, params = setting("float32")
    with pytest.raises(ValueError, match="landscape: directions must be trees like params"):
        landscape(TASK, params, data, directions=(params[0],))
    with pytest.raises(ValueError, match="landscape: directions must be a tuple of one or two, got 3 of them"):
        landscape(TASK, params, data, directions=(params,) * 3)
