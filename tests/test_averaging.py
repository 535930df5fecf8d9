"""Averages of parameters, against sums written out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Averaging, Classification, EarlyStopping, Recipe, ReduceOnPlateau, advance, fit, layers, optimizer, start
from jaxnn.averaging import average_with, no_average
from jaxnn.layers import Chain, Dense
from jaxnn.training import as_data, key_data
from tests.samples import CLASSES, blobs, classification
from tests.tolerances import assert_same_bits

STEPS = [{"kernel": jnp.full((2,), float(value))} for value in (1, 5, 2, 8)]
EPOCHS = [0, 0, 1, 1]


def averages(rule):
    average, seen = no_average({"kernel": jnp.zeros(2)}), []
    for params, epoch in zip(STEPS, EPOCHS, strict=True):
        average = average_with(rule, average, params, jnp.asarray(epoch, jnp.int32))
        seen.append(float(average.params["kernel"][0]))
    return seen


def test_the_uniform_average_is_the_mean_of_all_steps():
    assert averages(Averaging()) == pytest.approx([1, 3, 8 / 3, 4], rel=1e-6)


def test_until_the_first_epoch_it_is_the_parameters_themselves():
    assert averages(Averaging(start_epoch=1.0)) == pytest.approx([1, 5, 2, 5], rel=1e-6)


def test_the_exponential_average_is_that_of_optax():
    expected, value = [], jnp.zeros(())
    for params in STEPS:
        value = optax.incremental_update(params["kernel"][0], value, 0.25)
        expected.append(float(value))
    assert averages(Averaging(decay=0.75)) == pytest.approx(expected, rel=1e-6)


def test_a_run_ends_with_the_mean_of_its_epochs_and_validates_it():
    recipe, data = classification(epochs=3), blobs()
    ends = [fit(recipe.replace(epochs=epochs), data, validation=0.3).params for epochs in (2, 3)]
    run = fit(recipe.replace(averaging=Averaging(every="epoch", start_epoch=1.0)), data, validation=0.3)
    jax.tree.map(lambda mean, a, b: np.testing.assert_allclose(mean, (a + b) / 2, rtol=1e-5, atol=1e-6), run.params, *ends)
    plain = fit(recipe, data, validation=0.3)
    np.testing.assert_array_equal(run.history["loss"], plain.history["loss"])  # training itself does not change by it
    assert run.history["validation_loss"][-1] != plain.history["validation_loss"][-1]
    assert_same_bits(run.state.params, plain.state.params)


def test_what_layers_count_themselves_is_the_newest():
    network = Chain((Dense(4), layers.BatchNorm(), Dense(CLASSES)))
    recipe = Recipe(
        Classification(network), optimizer(optax.sgd, learning_rate=0.1), epochs=2, batch_size=8, averaging=Averaging(decay=0.9)
    )
    run = fit(recipe, blobs())
    ours, newest = (jax.tree.leaves(tree[1], is_leaf=is_buffers) for tree in (run.params, run.state.params))
    pairs = [pair for pair in zip(ours, newest, strict=True) if is_buffers(pair[0])]
    assert pairs
    assert_same_bits(*zip(*pairs, strict=True))
    assert not np.array_equal(run.params[0]["kernel"], run.state.params[0]["kernel"])
    assert run.predict(blobs()[0]).shape == (22, CLASSES)


def is_buffers(node):
    return isinstance(node, layers.Buffers)


def test_epochs_are_counted_in_float32_whatever_the_data_are():
    rule = Averaging(start_epoch=jnp.asarray(256, jnp.bfloat16))
    average = no_average({"kernel": jnp.zeros(2)})
    counts = [int(average_with(rule, average, STEPS[0], jnp.asarray(epoch, jnp.int32)).count) for epoch in (255, 256)]
    assert counts == [0, 1]


@pytest.mark.parametrize(
    "rules",
    [{"averaging": Averaging()}, {"early_stopping": EarlyStopping()}, {"plateau": ReduceOnPlateau()}, {"precision": "float16"}],
    ids=lambda rules: next(iter(rules)),
)
def test_a_state_of_other_rules_is_refused(rules):
    data, plain = as_data("test", blobs(), 0.3, key_data(0)), classification()
    for before, after in ((plain, plain.replace(**rules)), (plain.replace(**rules), plain)):
        state = jax.eval_shape(start, before, data, key_data(0), 0)
        with pytest.raises(ValueError, match=rf"advance: state must be of a run whose recipe has (no|this) {next(iter(rules))}, got that"):
            jax.eval_shape(functools.partial(advance, epochs=1), after, state, data)


def test_an_unknown_moment_is_refused():
    with pytest.raises(ValueError, match="Averaging: every must be 'step' or 'epoch', got 'batch'"):
        Averaging(every="batch")
