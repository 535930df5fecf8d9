"""Clipping against optax's, alone and in a run."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import ClipByLayerNorm, ClipByNorm, ClipByValue, Recipe, Regression, fit, models, optimizer
from tests.samples import plane, regression
from tests.tolerances import draw

LAYERS = ({"kernel": draw((3, 4)), "bias": draw((4,), seed=1)}, (), {"kernel": 10 * draw((4, 2), seed=2), "bias": jnp.zeros(2)})
TREE = (*LAYERS, {"encoder": 2 * LAYERS[0]["kernel"], "inner": LAYERS[0]}, draw((3,), seed=3), 4 * draw((3,), seed=4))


def by_optax(transformation, tree=TREE):
    return transformation.update(tree, transformation.init(tree))[0]


def each_layer_by_optax(limit):
    """By hand: which arrays are a layer is written here."""
    first, nothing, second, third, *alone = TREE
    clipped = [by_optax(optax.clip_by_global_norm(limit), tree) for tree in (first, second, third["encoder"], third["inner"], *alone)]
    return (clipped[0], nothing, clipped[1], {"encoder": clipped[2], "inner": clipped[3]}, *clipped[4:])


@pytest.mark.parametrize("limit", [0.01, 1.0, 5.0, 100.0])
def test_each_way_of_clipping_is_that_of_optax(limit):
    expected = {
        ClipByValue: by_optax(optax.clip(limit)),
        ClipByNorm: by_optax(optax.clip_by_global_norm(limit)),
        ClipByLayerNorm: each_layer_by_optax(limit),
    }
    for clip, theirs in expected.items():
        clipped, share = clip(limit)(TREE)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9), clipped, theirs)
        assert 0 <= float(share) <= 1


def test_members_of_a_population_are_clipped_each_by_its_own_norms():
    members = [jax.tree.map(lambda leaf, scale=scale: scale * leaf, TREE) for scale in (0.1, 1.0, 3.0)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    together = jax.vmap(ClipByLayerNorm(1.0))(stacked)
    for number, member in enumerate(members):
        alone = ClipByLayerNorm(1.0)(member)
        jax.tree.map(lambda a, b, row=number: np.testing.assert_allclose(a[row], b, rtol=1e-6), together, alone)


def test_the_share_says_how_much_was_clipped():
    gradients = {"a": jnp.array([3.0, 0.5, -2.0, 0.0]), "b": jnp.zeros(4)}
    assert float(ClipByValue(1.0)(gradients)[1]) == 2 / 8
    assert float(ClipByLayerNorm(1.0)(gradients)[1]) == 1
    assert float(ClipByLayerNorm(1.0)(tuple(gradients.values()))[1]) == 1 / 2
    assert [float(ClipByNorm(limit)(gradients)[1]) for limit in (1.0, 100.0)] == [1.0, 0.0]


def test_a_run_clips_and_says_how_often():
    x, y = plane()
    run = fit(regression(learning_rate=0.01, clip=ClipByNorm(0.5), norms=True, epochs=2), (x, 100 * y))
    assert np.all(run.history["clipped"] == 1) and np.all(run.history["gradient_norm"] > 0.5)
    np.testing.assert_allclose(run.history["update_norm"], 0.01 * 0.5, rtol=1e-5)
    chained = Recipe(Regression(models.mlp((), 1)), optimizer(clipped_descent, learning_rate=0.01, limit=0.5), epochs=2, batch_size=8)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), run.params, fit(chained, (x, 100 * y)).params)


def clipped_descent(learning_rate: float, limit: float = 1.0) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(limit), optax.sgd(learning_rate))


def test_without_norms_and_clip_the_history_has_none_of_it():
    assert set(fit(regression(epochs=1), plane()).history) == {"loss", "learning_rate"}
