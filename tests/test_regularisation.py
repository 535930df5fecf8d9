"""Penalties, limits, noise and mixup, against what they are written out; accumulation against the batch as a whole."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import (
    Averaging,
    ClipByNorm,
    EarlyStopping,
    Recipe,
    Reconstruction,
    ReduceOnPlateau,
    Regression,
    fit,
    from_json,
    layers,
    models,
    optimizer,
    to_json,
)
from jaxnn.regularisation import absolute, mixed, noisy, squared, with_penalty, within_max_norm
from jaxnn.schedules import Constant
from jaxnn.typing import Batch
from tests.programs import watched
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import draw, precision

KEY = jax.random.key(0)
PARAMS = ({"kernel": draw((3, 4)), "bias": draw((4,), seed=1)}, (), {"kernel": draw((4, 2), seed=2), "bias": draw((2,), seed=3)})


def penalty(params, l1, l2):
    """The term of the loss itself, one strength for each layer."""
    kernels = [(strengths, layer["kernel"]) for strengths, layer in zip(zip(l1, l2, strict=True), params, strict=True) if layer]
    return sum(one * jnp.abs(kernel).sum() + two * jnp.square(kernel).sum() for (one, two), kernel in kernels)


@pytest.mark.parametrize(("l1", "l2"), [((0.1, 0.0, 0.1), (0.3, 0.0, 0.3)), ((0.2, 0.0, 0.0), (0.0, 0.0, 0.5))])
def test_penalties_are_the_gradients_of_their_terms(l1, l2):
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    ours = with_penalty(with_penalty(zeros, PARAMS, l2, squared), PARAMS, l1, absolute)
    expected = jax.grad(penalty)(PARAMS, l1, l2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, expected)


def test_one_strength_is_the_same_one_for_each_layer():
    each = fit(classification(l2=(0.1, 0.0, 0.1), l1=(0.01, 0.0, 0.01)), blobs())
    one = fit(classification(l2=0.1, l1=0.01), blobs())
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), each.params, one.params)


def test_max_norm_limits_what_comes_into_each_neuron():
    limited = within_max_norm(PARAMS, 1.0)
    norms = np.linalg.norm(PARAMS[0]["kernel"], axis=0)
    expected = PARAMS[0]["kernel"] * np.minimum(1, 1.0 / norms)
    np.testing.assert_allclose(limited[0]["kernel"], expected, rtol=1e-6)
    assert norms.min() < 1.0 < norms.max() and limited[0]["bias"] is PARAMS[0]["bias"]
    run = fit(classification(max_norm=0.5, learning_rate=1.0), blobs())
    assert all(np.linalg.norm(layer["kernel"], axis=0).max() <= 0.5 + 1e-6 for layer in run.params if layer)


def test_max_norm_is_refused_where_kernels_are_stacked():
    network = layers.Chain((layers.Dense(4), layers.Repeat(layers.Residual(layers.Dense(4)), 3), layers.Dense(1)))
    recipe = Recipe(Regression(network), optimizer(optax.sgd, learning_rate=0.1), max_norm=1.0)
    with pytest.raises(ValueError, match=r"fit: max_norm must be None with Repeat, got task\.model\.layers\[1\] = Repeat.*in a Chain"):
        fit(recipe, plane())


def test_noise_has_its_deviation_and_leaves_the_targets():
    batch = Batch(jnp.zeros((400, 50)), jnp.arange(400), jnp.ones(400))
    moved = noisy(KEY, batch, 0.3)
    assert float(moved.x.std()) == pytest.approx(0.3, rel=0.02) and abs(float(moved.x.mean())) < 0.01
    assert moved.y is batch.y and moved.weight is batch.weight


def test_mixup_is_the_loss_of_both_targets_by_their_shares():
    """For a loss that is linear in the truth, cross-entropy, that is the loss of the mixed truth."""
    batch = Batch(draw((6, 3)), jnp.array([0, 1, 2, 0, 1, 2]), jnp.array([1.0, 1, 1, 1, 1, 0]))
    mix = mixed(KEY, batch, 0.4)
    first, second = np.split(np.asarray(mix.weight), 2)
    np.testing.assert_allclose(first + second, batch.weight, rtol=1e-6)
    assert np.any((first > 0.01) & (first < 0.99))
    np.testing.assert_array_equal(mix.x[:6], mix.x[6:])
    partner = [int(np.flatnonzero(np.asarray(mix.y[6:])[i] == np.asarray(batch.y))[0]) for i in range(6)]
    for i in range(6):
        between = [first[i] * batch.x[i] + second[i] * batch.x[j] for j in range(6) if int(batch.y[j]) == int(batch.y[partner[i]])]
        assert batch.weight[i] == 0 or any(np.allclose(mix.x[i], row, atol=1e-5) for row in between)


def test_noise_and_mixup_change_training_and_nothing_else():
    data = blobs()
    plain = fit(classification(epochs=1), data, validation=0.3)
    for remedy in ({"input_noise": 0.5}, {"mixup": 0.3}):
        run = fit(classification(epochs=1, **remedy), data, validation=0.3)
        assert run.history["loss"][0] != plain.history["loss"][0]
        again = fit(classification(epochs=1, **remedy), data, validation=0.3)
        assert run.history["loss"][0] == again.history["loss"][0]
    none = fit(classification(epochs=1, input_noise=0.0), data, validation=0.3)
    np.testing.assert_allclose(none.history["loss"], plain.history["loss"], rtol=1e-6)


def test_noise_on_whole_numbers_is_refused():
    tokens = Recipe(
        Regression(layers.Chain((layers.Embedding(5, 3), layers.Flatten(), layers.Dense(1)))), optimizer(optax.sgd, learning_rate=0.1)
    )
    with pytest.raises(TypeError, match="fit: input_noise and mixup must be None, unless x is one array of floating point"):
        fit(tokens.replace(input_noise=0.1), (np.zeros((4, 2), np.int32), np.zeros(4, np.float32)))


@pytest.mark.parametrize("engine", ["backprop", "autodiff"])
def test_accumulated_batches_are_one_large_batch(engine):
    """22 rows in steps of 4 x 3 = 12: the last step has ten rows, of which its last batch has two."""
    with precision("float64"):
        data = plane(dtype="float64")
        large = fit(regression(batch_size=12, gradients=engine), data)
        pieces = fit(regression(batch_size=3, accumulation=4, gradients=engine), data)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), pieces.params, large.params)
        np.testing.assert_allclose(pieces.history["loss"], large.history["loss"], rtol=1e-12)


def test_more_accumulated_rows_than_there_are_is_full_gradient_descent():
    full, pieces = (fit(regression(**fields), plane()) for fields in ({"batch_size": 22}, {"batch_size": 100, "accumulation": 4}))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), pieces.params, full.params)


def everything(**numbers):
    """All rules at once."""
    rules = {"clip": ClipByNorm(1.0), "averaging": Averaging(decay=0.9), "early_stopping": EarlyStopping(patience=5.0)}
    remedies = {"l2": 1e-3, "l1": 1e-4, "max_norm": 3.0, "input_noise": 0.1, "mixup": 0.2}
    return classification(epochs=2, norms=True, plateau=ReduceOnPlateau(patience=2.0), **rules, **remedies).replace(**numbers)


def test_every_number_of_every_rule_runs_in_one_program():
    fit(everything(), blobs(), validation=0.3)
    with watched() as events:
        for numbers in (
            {"l2": 0.2, "l1": 0.3, "max_norm": 1.0, "input_noise": 0.3, "mixup": 1.0},
            {"clip": ClipByNorm(0.1), "averaging": Averaging(decay=0.5, start_epoch=1.0)},
            {"early_stopping": EarlyStopping(patience=1.0, min_delta=0.1, start_epoch=3.0), "plateau": ReduceOnPlateau(factor=0.3)},
        ):
            run = fit(everything(**numbers), blobs(), validation=0.3)
            assert run.outcome in ("finished", "stopped early")
    assert not events.compiled


def test_a_recipe_with_every_rule_prints_compares_and_travels():
    recipe = everything(l2=(0.1, 0.0, 0.2))
    assert from_json(to_json(recipe)) == recipe
    assert "averaging=Averaging(decay=0.9)" in repr(recipe) and "clip=ClipByNorm(1.0)" in repr(recipe)
    assert {field.name for field in dataclasses.fields(recipe)} >= {"clip", "averaging", "plateau", "precision", "accumulation"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_norm": 0.0}, r"fit: max_norm must be in \(0, inf\), got 0"),
        ({"mixup": -1.0}, r"fit: mixup must be in \(0, inf\), got -1"),
        ({"l2": (0.1, -0.1, 0.0)}, r"fit: l2\[1\] must be in \[0, inf\), got -0.1"),
        ({"l2": [0.1, 0.1, 0.0]}, r"fit: l2 must be one number, or a tuple of 3 numbers, one for each layer, got \[0.1, 0.1, 0.0\]"),
        ({"l2": np.ones(2)}, r"fit: l2 must be one number, got array"),
        ({"l2": Constant(0.1)}, r"fit: l2 must be one number, got Constant\(0.1\)"),
        ({"clip": ClipByNorm(None)}, "fit: clip.limit must be one number, got None"),
        ({"early_stopping": EarlyStopping(patience=None)}, "fit: early_stopping.patience must be one number, got None"),
        ({"clip": 1.0}, r"fit: clip must be made as in ClipByNorm\(1.0\), got 1.0"),
        ({"averaging": 0.9}, r"fit: averaging must be made as in Averaging\(decay=0.999\), got 0.9"),
    ],
    ids=str,
)
def test_rules_out_of_range_are_refused_by_name(fields, words):
    with pytest.raises((ValueError, TypeError), match=words):
        fit(classification(**fields), blobs(), validation=0.3)


def test_what_is_no_flag_and_no_name_is_refused():
    with pytest.raises(TypeError, match="Recipe: norms must be True or False, got 'no'"):
        classification(norms="no")
    with pytest.raises(TypeError, match="EarlyStopping: monitor must be the name of a metric, got 3"):
        EarlyStopping(monitor=3)
    with pytest.raises(TypeError, match="optimizer: learning_rate must be a number or a schedule, got 'fast'"):
        optimizer("adam", learning_rate="fast")


def test_penalties_of_another_number_of_parts_are_refused():
    with pytest.raises(ValueError, match="l2 must be"):
        fit(classification(l2=(0.1, 0.2)), blobs())


def test_parts_with_names_take_strengths_by_name():
    params = {"encoder": PARAMS[:1], "decoder": PARAMS[2:]}
    zeros = jax.tree.map(jnp.zeros_like, params)
    added = with_penalty(zeros, params, {"encoder": 0.5, "decoder": 0.0}, squared)
    np.testing.assert_allclose(added["encoder"][0]["kernel"], PARAMS[0]["kernel"], rtol=1e-6)
    assert not np.any(added["decoder"][0]["kernel"]) and not np.any(added["encoder"][0]["bias"])
    task = Reconstruction(models.autoencoder((3,), 2, 4))
    recipe = Recipe(task, optimizer(optax.sgd, learning_rate=0.01), epochs=1, l2={"encoder": 0.1, "decoder": 0.0})
    run, plain = (fit(one, (blobs()[0], None)) for one in (recipe, recipe.replace(l2=None)))
    assert np.abs(run.params["encoder"][0]["kernel"] - plain.params["encoder"][0]["kernel"]).max() > 1e-4
    with pytest.raises(ValueError, match=r"fit: l2 must be one number, or a number for each of \['decoder', 'encoder'\]"):
        fit(recipe.replace(l2={"encoder": 0.1}), (blobs()[0], None))
