"""Hypergradients against finite differences in float64, their memory, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import (
    Averaging,
    Classification,
    ClipByLayerNorm,
    ClipByNorm,
    ClipByValue,
    EarlyStopping,
    Recipe,
    fit,
    hypergradient,
    models,
    optimizer,
    optimizers,
    schedules,
    validation_loss,
)
from jaxnn.compiling import compiled
from jaxnn.hypergradients import _loss_and_slopes
from jaxnn.layers import BatchNorm, Chain, Dense, Tanh
from jaxnn.losses import SoftmaxCrossEntropy
from jaxnn.regularisation import mixed
from jaxnn.training import as_data, key_data
from jaxnn.typing import Batch
from tests.programs import quick_jit
from tests.samples import CLASSES, blobs, classification, regression
from tests.tolerances import precision

STEP = 1e-4
MOMENTUM = optimizer(optax.sgd, learning_rate=0.1, momentum=0.7)
ADAM = optimizer(optax.adamw, learning_rate=0.05, b1=0.8, b2=0.95, eps_root=1e-8, weight_decay=0.1)
WARM = optimizer(
    optax.sgd, learning_rate=schedules.WarmUp(schedules.Cosine(0.5, steps=5.5, alpha=0.2), steps=2.5, start=0.01), momentum=0.7
)
SMOOTH = Classification(
    models.mlp((5,), CLASSES, activation="tanh", dropout=0.3), SoftmaxCrossEntropy(label_smoothing=0.1), class_weights=(1.0, 2.0, 0.5)
)
NORMALISED = Classification(Chain((Dense(5), BatchNorm(momentum=0.6, eps=0.1), Tanh(), Dense(CLASSES))))
RECIPES = {
    "sgd, autodiff": classification(optimizer=MOMENTUM, l2=(0.02, 0.5, 0.01), epochs=2, gradients="autodiff"),
    "adam": classification(optimizer=ADAM, l2=0.02, epochs=2),
    "noise, limits and labels": Recipe(
        SMOOTH,
        WARM,
        epochs=2,
        batch_size=4,
        l1=(0.02, 0.1, 0.1, 0.01),
        max_norm=0.9,
        input_noise=0.2,
        clip=ClipByNorm(0.3),
        averaging=Averaging(decay=0.8, start_epoch=0.5),
        norms=True,
    ),
    "batch norm, each layer its own": Recipe(
        NORMALISED,
        optimizers(MOMENTUM, ADAM, None, optimizer(optax.rmsprop, learning_rate=0.02, decay=0.8, eps=1e-3)),
        epochs=2,
        batch_size=4,
        accumulation=2,
        clip=ClipByLayerNorm(0.05),
        averaging=Averaging(decay=0.4, every="epoch", start_epoch=0.5),
    ),
    "clipped by value, a frozen layer": Recipe(
        NORMALISED,
        optimizers(MOMENTUM, None, None, MOMENTUM),
        epochs=2,
        batch_size=8,
        clip=ClipByValue(0.05),
        averaging=Averaging(start_epoch=0.5),
    ),
}
ONLY_COMPARED = {".averaging.start_epoch"}
NO_KERNEL = {".l2[1]", ".l1[1]", ".l1[2]"}
"""Strengths for activations and dropout, which have none."""
FROZEN = {"clipped by value, a frozen layer": {".task.model.layers[1].momentum"}}
loss_and_slopes = compiled(_loss_and_slopes, once=True)


@pytest.mark.parametrize("name", RECIPES)
def test_slopes_by_every_number_are_finite_differences(name):
    with precision("float64"):
        recipe, rows = RECIPES[name], as_data("test", blobs(dtype="float64"), 0.3, key_data(1))
        leaves, structure = jax.tree.flatten(recipe)
        _, slopes = loss_and_slopes(recipe, rows, key_data(1), np.int32(0))
        for place, (path, slope) in enumerate(jax.tree.leaves_with_path(slopes)):
            ends = []
            for sign in (1, -1):
                moved = [leaf * (1 + sign * STEP * (number == place)) for number, leaf in enumerate(leaves)]
                ends.append(float(loss_and_slopes(jax.tree.unflatten(structure, moved), rows, key_data(1), np.int32(0))[0]))
            where = jax.tree_util.keystr(path)
            assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2 * STEP * leaves[place]), rel=1e-4), where
            assert (slope != 0) == (where not in ONLY_COMPARED | NO_KERNEL | FROZEN.get(name, set())), where


SCHEDULES = [
    schedules.Exponential(0.1, steps=5.0, factor=0.6),
    schedules.Staircase(0.1, steps=4.3, factor=0.6),
    schedules.Power(0.1, steps=5.0, power=1.5),
    schedules.Polynomial(0.1, 0.02, steps=20.5, power=1.5),
    schedules.Linear(0.1, 0.02, steps=20.5),
    schedules.Cosine(0.1, steps=20.5, alpha=0.1),
    schedules.WarmUp(schedules.Cosine(0.1, steps=9.5, alpha=0.1), steps=3.5),
    schedules.OneCycle(0.1, steps=20.5),
    schedules.LinearOneCycle(0.1, steps=20.5),
    schedules.Cyclic(0.1, 0.5, steps=3.3, decay=0.7),
    schedules.WarmRestarts(0.1, steps=4.3, growth=1.7, decay=0.7, alpha=0.1),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
def test_slopes_of_schedules_are_finite_differences(schedule):
    """Where a length is rounded to whole steps, both are 0."""

    def rates(leaves):
        return jax.tree.unflatten(structure, leaves)(jnp.arange(12))

    with precision("float64"):
        leaves, structure = jax.tree.flatten(jax.tree.map(jnp.float64, schedule))
        compiled_rates = quick_jit(rates)
        for place, slope in enumerate(quick_jit(jax.jacfwd(rates))(leaves)):
            up, down = (compiled_rates([leaf + sign * 1e-6 * (number == place) for number, leaf in enumerate(leaves)]) for sign in (1, -1))
            np.testing.assert_allclose(slope, (up - down) / 2e-6, rtol=1e-5, atol=1e-8)


def test_the_slope_by_mixups_alpha_is_right_in_the_mean_over_draws():
    """E[lambda (1 - lambda)] of Beta(alpha, alpha) is alpha / (2 (2 alpha + 1))."""
    batch = Batch(jnp.zeros((20_000, 1)), jnp.zeros(20_000), jnp.ones(20_000))

    @quick_jit
    @jax.grad
    def slope(alpha):
        own, other = jnp.split(mixed(jax.random.key(0), batch, alpha).weight, 2)
        return (own * other).mean()

    for alpha in (0.4, 2.0):
        assert float(slope(alpha)) == pytest.approx(0.5 / (2 * alpha + 1) ** 2, rel=0.03)


def test_a_gradient_that_is_0_has_slopes():
    """Where a root of squares would have none: layers that are frozen, neurons without weights, updates at a rate that begins with 0."""
    still = optimizers(None, None, optimizer(optax.sgd, learning_rate=schedules.WarmUp(schedules.Constant(0.1), steps=3.0)))
    recipe = classification(optimizer=still, clip=ClipByLayerNorm(0.1), max_norm=1.0, norms=True)
    _, slopes = loss_and_slopes(recipe, as_data("test", blobs(), 0.3, key_data(1)), key_data(1), np.int32(0))
    assert all(np.isfinite(slope) and slope != 0 for slope in jax.tree.leaves(slopes))


def test_the_loss_is_that_of_fit():
    recipe = classification(dropout=0.2)
    run = fit(recipe, blobs(), key=3, member=2, validation=0.3)
    loss, slopes = hypergradient(recipe, blobs(), key=3, member=2, validation=0.3)
    assert loss == pytest.approx(run.history["validation_loss"][-1], rel=1e-5)
    assert jax.tree.structure(slopes) == jax.tree.structure(recipe)


def temporary_bytes(function, recipe, rows):
    program = quick_jit(jax.grad(function)).lower(recipe, rows, key_data(0)).compile()
    return program.memory_analysis().temp_size_in_bytes


def test_memory_is_a_state_an_epoch():
    """8 more epochs cost 8 more states, not 8 times 3 steps more with what each leaves for its way back."""
    rows = as_data("test", blobs(200), 0.9, key_data(0))
    few, many = (temporary_bytes(validation_loss, classification(width=64, epochs=epochs), rows) for epochs in (8, 16))
    state = 4 * (4 * 64 + 64 + 64 * 3 + 3)
    assert 8 * state <= many - few + 1024 <= 1.5 * 8 * state


def test_a_run_that_diverges_has_no_slopes():
    loss, slopes = hypergradient(regression(learning_rate=1e30), blobs_to_numbers(), validation=0.3)
    assert np.isnan(loss) and np.isnan(slopes.optimizer.numbers["learning_rate"])


def blobs_to_numbers():
    x, y = blobs()
    return x, y.astype(np.float32)


@pytest.mark.parametrize(
    ("recipe", "validation", "words"),
    [
        (classification(early_stopping=EarlyStopping()), 0.3, "recipe.early_stopping must be None"),
        (classification(), None, "validation must be given"),
        (classification(optimizer=optimizer(optax.adam, learning_rate=0.1)), 0.3, "eps_root must be above 0"),
    ],
)
def test_what_has_no_derivative_is_refused(recipe, validation, words):
    with pytest.raises(ValueError, match=f"hypergradient: {words}"):
        hypergradient(recipe, blobs(), validation=validation)
