"""Hypergradients by every number that a recipe may have, against finite differences in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import (
    Adversarial,
    Averaging,
    BinaryClassification,
    Classification,
    ClipByLayerNorm,
    ClipByNorm,
    ClipByValue,
    Recipe,
    Reconstruction,
    Regression,
    Variational,
    models,
    optimizer,
    optimizers,
    schedules,
)
from jaxnn.compiling import compiled
from jaxnn.hypergradients import _loss_and_slopes
from jaxnn.layers import ELU, LSTM, BatchNorm, Chain, Dense, GroupNorm, LayerNorm, LeakyReLU, Recurrent, RMSNorm, Tanh
from jaxnn.losses import BinaryCrossEntropy, Huber, SoftmaxCrossEntropy
from jaxnn.records import Record
from jaxnn.regularisation import mixed
from jaxnn.training import as_data, key_data
from jaxnn.typing import Batch, Range
from tests.programs import quick_jit
from tests.samples import CLASSES, WIDTH, blobs, classification
from tests.tolerances import draw, precision

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


def short(task: object) -> Recipe:
    return Recipe(task, MOMENTUM, epochs=1, batch_size=8)


RECIPES = {
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
        l2=(0.02, 0.1, 0.1, 0.01),
        clip=ClipByLayerNorm(0.05),
        averaging=Averaging(decay=0.4, every="epoch", start_epoch=0.5),
        gradients="autodiff",
    ),
    "clipped by value, a frozen layer": Recipe(
        NORMALISED,
        optimizers(MOMENTUM, None, None, MOMENTUM),
        epochs=2,
        batch_size=8,
        l2=0.02,
        clip=ClipByValue(0.05),
        averaging=Averaging(start_epoch=0.5),
    ),
    "layers": short(
        BinaryClassification(
            Chain((Dense(4), LayerNorm(0.1), LeakyReLU(0.2), Dense(4), RMSNorm(0.1), ELU(0.7), GroupNorm(2, 0.1), Dense(1))),
            BinaryCrossEntropy(label_smoothing=0.1),
        )
    ),
    "recurrence": short(Regression(Chain((Recurrent(LSTM(3, forget_bias=0.5)), Dense(1))), Huber(0.3))),
    "denoising": short(Reconstruction(models.autoencoder((3,), 2, WIDTH), noise=0.2)),
    "variational": short(Variational(models.variational_autoencoder((3,), 2, WIDTH), kl=0.5)),
    "adversarial": short(Adversarial(*models.gan((3,), WIDTH), latent=2, penalty=2.0, label_smoothing=0.1)),
}
ONLY_COMPARED = {".averaging.start_epoch"}
NO_KERNEL = {".l2[1]", ".l2[2]", ".l1[1]", ".l1[2]"}
"""Strengths for activations, dropout and batch norm, which have none."""
FROZEN = {"clipped by value, a frozen layer": {".task.model.layers[1].momentum"}}
loss_and_slopes = compiled(_loss_and_slopes, once=True)


def examples(task):
    x, y = blobs(dtype="float64")
    if isinstance(task, Regression):
        return draw((len(x), 4, 2), "float64"), x[:, 0]
    if isinstance(task, BinaryClassification):
        return x, (y > 0).astype(np.int32)
    return x, y if isinstance(task, Classification) else None


@pytest.mark.parametrize("name", RECIPES)
def test_slopes_by_every_number_are_finite_differences(name):
    with precision("float64"):
        recipe, rows = RECIPES[name], as_data("test", examples(RECIPES[name].task), 0.3, key_data(1))
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
    schedules.Constant(0.1),
    schedules.Piecewise((0.1, 0.05, 0.02), boundaries=(3.5, 7.5)),
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
    batch = Batch(jnp.zeros((5000, 1)), jnp.zeros(5000), jnp.ones(5000))

    @quick_jit
    @jax.grad
    def slope(alpha):
        own, other = jnp.split(mixed(jax.random.key(0), batch, alpha).weight, 2)
        return (own * other).mean()

    for alpha in (0.4, 2.0):
        assert float(slope(alpha)) == pytest.approx(0.5 / (2 * alpha + 1) ** 2, rel=0.06)


def test_slopes_of_a_run_in_half_the_bits_are_those_of_float32_to_the_bits_there_are():
    rows = as_data("test", blobs(60), 0.3, key_data(1))
    recipe = classification(optimizer=MOMENTUM, l2=0.02, epochs=2, input_noise=0.1, dropout=0.2)
    plain, low = (
        np.stack(jax.tree.leaves(loss_and_slopes(recipe.replace(precision=bits), rows, key_data(1), np.int32(0))[1]))
        for bits in (None, "float16")
    )
    np.testing.assert_allclose(low, plain, rtol=0.01, atol=1e-3 * abs(plain).max())
    assert not np.array_equal(low, plain)


def test_a_gradient_that_is_0_has_slopes():
    """Where a root of squares would have none: layers that are frozen, neurons without weights, updates at a rate that begins with 0."""
    still = optimizers(None, None, optimizer(optax.sgd, learning_rate=schedules.WarmUp(schedules.Constant(0.1), steps=3.0)))
    recipe = classification(optimizer=still, clip=ClipByLayerNorm(0.1), max_norm=1.0, norms=True)
    _, slopes = loss_and_slopes(recipe, as_data("test", blobs(), 0.3, key_data(1)), key_data(1), np.int32(0))
    assert all(np.isfinite(slope) and slope != 0 for slope in jax.tree.leaves(slopes))


def declared(cls):
    """(class, field) of every number that a class declares itself."""
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    return {
        (cls.__name__, each.name)
        for each in fields
        if isinstance(each.metadata.get("range"), Range) and each.name in vars(cls)["__annotations__"]
    }


def all_declared(cls):
    """Those of the library."""
    return declared(cls).union(*(all_declared(sub) for sub in cls.__subclasses__() if sub.__module__.startswith("jaxnn.")))


def there(record):
    """Those that are numbers in this record, and in records within it."""
    inner = [leaf for leaf in jax.tree.leaves(vars(record), is_leaf=lambda node: isinstance(node, Record)) if isinstance(leaf, Record)]
    own = {(name, each) for cls in type(record).__mro__ for name, each in declared(cls) if getattr(record, each) is not None}
    return own.union(*map(there, inner))


def test_every_number_is_among_them():
    """But for those of what is refused: decisions that jump."""
    seen = {("Recipe", "mixup")}.union(*map(there, [*RECIPES.values(), *SCHEDULES]))
    assert {name for name, _ in all_declared(Record) - seen} == {"EarlyStopping", "ReduceOnPlateau"}
