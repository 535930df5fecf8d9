"""Gradients in half the bits: parameters stay in float32, numbers stay close to it, float16 lives with what overflows."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from jaxnn import Adversarial, Classification, EarlyStopping, Recipe, Variational, fit, layers, models
from jaxnn.losses import SoftmaxCrossEntropy
from jaxnn.precision import FIRST_SCALE, GROW_AFTER, LARGEST_SCALE, Scaling, low_gradients, no_scaling, scaling_after
from jaxnn.runs import NO_STEP
from jaxnn.sweeps import make_trial
from jaxnn.tasks import Regression
from jaxnn.typing import Batch
from tests.catalogue_of_tasks import TASKS
from tests.programs import quick_jit
from tests.samples import CLASSES, blobs, classification, plane, regression
from tests.tolerances import draw

BATCH = Batch(draw((8, 4)), jnp.arange(8, dtype=jnp.int32) % CLASSES, jnp.ones(8))
TASK = Classification(models.mlp((6,), CLASSES, activation="tanh"))
PARAMS = TASK.init(jax.random.key(0), BATCH)


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
@pytest.mark.parametrize(("bits", "tolerance"), [("bfloat16", 3e-2), ("float16", 4e-3)])
def test_gradients_are_those_of_float32_to_the_bits_there_are(bits, tolerance, engine):
    scaling = no_scaling() if bits == "float16" else None
    metrics, gradients = low_gradients(bits, scaling, TASK, PARAMS, BATCH, None, engine)
    exact_metrics, exact = TASK.gradients(PARAMS, BATCH, None, engine)
    assert {leaf.dtype for leaf in jax.tree.leaves((metrics, gradients))} == {np.dtype("float32")}
    assert float(metrics["loss"]) == pytest.approx(float(exact_metrics["loss"]), rel=tolerance)
    for ours, theirs in zip(jax.tree.leaves(gradients), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance * float(abs(theirs).max()))


def test_a_scale_saves_gradients_that_float16_does_not_have():
    """A target a thousandth away, and a thousandth of weight on it: 2e-9 is under float16's smallest number, 6e-8."""
    task = Regression(layers.Chain((layers.Dense(1),)))
    batch = Batch(jnp.full((1, 1), 1e-4), jnp.full((1,), 1e-4), jnp.ones(1))
    params = ({"kernel": jnp.zeros((1, 1)), "bias": jnp.zeros(1)},)
    lost, kept = (
        low_gradients("float16", Scaling(jnp.float32(scale), jnp.int32(0)), task, params, batch, None, "backprop")[1][0]["kernel"]
        for scale in (1.0, FIRST_SCALE)
    )
    assert float(lost[0, 0]) == 0 and float(kept[0, 0]) == pytest.approx(-2e-8, rel=0.02)


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
def test_weights_and_losses_may_be_larger_than_float16_holds(engine):
    batch = BATCH._replace(y=300 + draw((8, 1)), weight=jnp.full(8, 1e4))
    task = Regression(layers.Chain((layers.Dense(1),)))
    params, scaling = task.init(jax.random.key(0), batch), Scaling(jnp.float32(8), jnp.int32(0))
    metrics, gradients = low_gradients("float16", scaling, task, params, batch, None, engine)
    exact_metrics, exact = task.gradients(params, batch, None, engine)
    assert float(exact_metrics["loss"]) > 65504 and float(metrics["loss"]) == pytest.approx(float(exact_metrics["loss"]), rel=1e-3)
    for ours, theirs in zip(jax.tree.leaves(gradients), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=4e-3, atol=4e-3 * float(abs(theirs).max()))


@pytest.mark.parametrize(("bits", "tolerance"), [("bfloat16", 0.03), ("float16", 4e-3)])
def test_what_layers_count_themselves_is_neither_halved_nor_scaled(bits, tolerance):
    task = Classification(layers.Chain((layers.Dense(4), layers.BatchNorm(), layers.Dense(CLASSES))))
    params, key = task.init(jax.random.key(0), BATCH), jax.random.key(1)
    scaling = no_scaling() if bits == "float16" else None
    changes = low_gradients(bits, scaling, task, params, BATCH, key, "backprop")[1][1]["running"].values
    exact = task.gradients(params, BATCH, key, "backprop")[1][1]["running"].values
    jax.tree.map(lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=1e-3), changes, exact)
    assert {leaf.dtype for leaf in jax.tree.leaves(changes)} == {np.dtype("float32")}


def rounded(tree):
    return jax.tree.map(lambda leaf: leaf.astype("bfloat16"), tree)


def softplus(scores):
    return np.logaddexp(0, np.asarray(scores, float))


def in_both(task, params, batch, engine):
    """Metrics and gradients in bfloat16, and in float32, with what is drawn in evaluation."""
    low = quick_jit(lambda params, batch: low_gradients("bfloat16", None, task, params, batch, None, engine))
    return low(params, batch), quick_jit(lambda params, batch: task.gradients(params, batch, None, engine))(params, batch)


def assert_near(ours, theirs):
    """To the two or three digits of bfloat16."""
    largest = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(theirs))
    assert {leaf.dtype for leaf in jax.tree.leaves(ours)} == {np.dtype("float32")}
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=0.05 * largest), ours, theirs)


def variational_loss(task, params, x):
    """By NumPy, in float64, from what the network gives in bfloat16."""
    outputs = quick_jit(task.model.apply)(rounded(params), rounded(x))
    reconstruction, mean, log_variance = (np.asarray(part, float) for part in outputs)
    kl = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2
    return (np.square(reconstruction - x).mean(axis=1) + task.kl * kl / x.shape[1]).mean()


def adversarial_loss(task, params, x):
    latent = jax.random.normal(jax.random.split(jax.random.key(0), 2)[0], (len(x), task.latent))
    fake = quick_jit(task.generator.apply)(rounded(params["generator"]), rounded(latent))
    real, fake = (quick_jit(task.discriminator.apply)(rounded(params["discriminator"]), rows) for rows in (rounded(x), fake))
    return softplus(-real).mean() + softplus(fake).mean()


TWO_PARTS = {
    "variational": (Variational(models.variational_autoencoder((6,), 2, 4), kl=0.7), variational_loss),
    "adversarial": (Adversarial(*models.gan((6,), 4), latent=2), adversarial_loss),
}


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
@pytest.mark.parametrize("name", TWO_PARTS)
def test_losses_of_several_parts_are_computed_in_float32(name, engine):
    """In bfloat16 a loss has three digits."""
    (task, by_numpy), batch = TWO_PARTS[name], BATCH._replace(y=None)
    params = quick_jit(task.init)(jax.random.key(0), batch)
    low, exact = in_both(task, params, batch, engine)
    assert float(low[0]["loss"]) == pytest.approx(by_numpy(task, params, batch.x), rel=1e-6)
    assert_near(low, exact)


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
def test_numbers_of_tasks_and_losses_are_not_rounded(engine):
    """0.1 is 0.1001 in bfloat16: smoothing and class weights stay as they are."""
    smooth = SoftmaxCrossEntropy(label_smoothing=0.1)
    task = Classification(layers.Chain((layers.Dense(CLASSES),)), loss=smooth, class_weights=(0.1, 0.3, 1.7))
    params = task.init(jax.random.key(0), BATCH)
    (metrics, _), _ = in_both(task, params, BATCH, engine)
    logits = np.asarray(task.model.apply(rounded(params), rounded(BATCH.x)), float)
    truth = 0.9 * np.eye(CLASSES)[BATCH.y] + 0.1 / CLASSES
    losses, weight = scipy.special.logsumexp(logits, axis=1) - (truth * logits).sum(axis=1), np.array([0.1, 0.3, 1.7])[BATCH.y]
    assert float(metrics["loss"]) == pytest.approx(np.average(losses, weights=weight), rel=1e-6)


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
def test_the_penalty_of_a_critic(engine):
    task, batch = Adversarial(*models.gan((6,), 4), latent=2, objective="wasserstein", penalty=0.1), BATCH._replace(y=None)
    assert_near(*in_both(task, quick_jit(task.init)(jax.random.key(0), batch), batch, engine))


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
@pytest.mark.parametrize("name", TASKS)
def test_every_task_gives_metrics_and_gradients_in_float32(name, engine):
    """Traced alone, under strict promotion: a number of many bits meets one of few nowhere."""
    example, random = TASKS[name], np.random.default_rng(0)
    task = example.make()
    x, y = example.inputs(random, 8), None if example.targets is None else example.targets(random, 8)
    batch = Batch(*jax.tree.map(lambda leaf: jnp.asarray(leaf, "float32" if leaf.dtype.kind == "f" else "int32"), (x, y)), jnp.ones(8))
    params = jax.eval_shape(task.init, jax.random.key(0), batch)
    for bits, scaling in (("bfloat16", None), ("float16", no_scaling())):
        if scaling is None or task.has_one_loss:
            gradients = functools.partial(low_gradients, bits, scaling, task, engine=engine)
            made = jax.eval_shape(lambda params, key, of=gradients: of(params, batch, key), params, jax.random.key(0))
            assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {np.dtype("float32")}


@pytest.mark.parametrize("bits", ["bfloat16", "float16"])
def test_a_run_learns_what_it_learns_in_float32(bits):
    data = blobs(60)
    plain, low = (fit(classification(epochs=8, precision=bit), data, validation=0.3) for bit in (None, bits))
    assert {leaf.dtype for leaf in jax.tree.leaves((low.params, low.history))} == {np.dtype("float32")}
    np.testing.assert_allclose(low.history["loss"], plain.history["loss"], rtol=0.05)
    assert not np.array_equal(low.history["loss"], plain.history["loss"])


def test_the_scale_falls_where_gradients_overflow_and_rises_again():
    state = no_scaling()
    halved = scaling_after(state, jnp.asarray(False))
    assert (float(halved.scale), int(halved.good)) == (FIRST_SCALE / 2, 0)
    grown = scaling_after(halved.replace(good=jnp.int32(GROW_AFTER - 1)), jnp.asarray(True))
    assert (float(grown.scale), int(grown.good)) == (FIRST_SCALE, 0)
    top = scaling_after(Scaling(jnp.float32(LARGEST_SCALE), jnp.int32(GROW_AFTER)), jnp.asarray(True))
    assert float(top.scale) == LARGEST_SCALE


def test_a_step_that_overflows_is_left_out_and_the_run_goes_on():
    """Errors of about 20 times 2^12 are beyond float16 (65504) until the scale has come down."""
    x, y = plane()
    run = fit(regression(precision="float16", learning_rate=1e-6, epochs=6, norms=True), (10 * x, 10 * y))
    assert run.outcome == "finished" and float(run.state.scaling.scale) < FIRST_SCALE
    assert all(np.isfinite(values).all() for values in run.history.values())
    assert run.history["left_out"][0] > run.history["left_out"][-1] == 0


def test_a_run_in_which_every_step_overflows_says_that_none_was_taken():
    """An error of 1e7 is beyond float16 (65504) at any scale, and the loss, in float32, is finite all the same."""
    x, y = plane()
    recipe = regression(precision="float16", learning_rate=1e-6, epochs=4, early_stopping=EarlyStopping(patience=2))
    run = fit(recipe, (x, 1e7 * y), validation=0.3)
    assert run.outcome == NO_STEP and run.epochs == 3 and np.all(run.history["left_out"] == 1)
    assert len(set(run.history["validation_loss"])) == 1
    assert make_trial(0, {}, [run, dataclasses.replace(run, outcome="stopped early")], "validation_loss").outcome == NO_STEP


def test_what_can_not_be_is_refused():
    with pytest.raises(ValueError, match="Recipe: precision must be 'bfloat16', 'float16', 'float64' or None, got 'half'"):
        classification(precision="half")
    task = Adversarial(*models.gan((4,), 4), latent=2)
    with pytest.raises(ValueError, match="Recipe: precision must be None or 'bfloat16' for Adversarial, which has no one loss to scale"):
        Recipe(task, classification().optimizer, precision="float16")
    task = Variational(models.variational_autoencoder((4,), 2, 3))
    with pytest.raises(ValueError, match="for Variational, which has no one loss to scale"):
        Recipe(task, classification().optimizer, precision="float16")
