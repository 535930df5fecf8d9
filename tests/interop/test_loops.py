"""Runs of modules of other libraries against loops written in those libraries, each with its own way of keeping state.

Batches hold all rows, so a step of ours is a step of theirs, up to the order of the rows and rounding.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxnn import Choice, Classification, Grid, Recipe, advance, fit, fit_many, optimizer, optimizers, start, sweep
from jaxnn.compiling import compiled
from jaxnn.layers import Chain, Dense
from jaxnn.training import as_data, key_data
from tests.interop.modules import HAIKU, MOMENTUM, STATEFUL, LinenNet, pair_apply
from tests.samples import CLASSES, ROWS, blobs
from tests.tolerances import assert_close, assert_same_bits

X, Y = blobs()
HELD_OUT = blobs(9, seed=1)
EPOCHS, RATE = 3, 0.3
KEY = jax.random.key(0)

every_library = pytest.mark.parametrize("name", STATEFUL)


def recipe(name, engine="autodiff", rate=RATE):
    descent = optimizer(optax.sgd, learning_rate=rate, momentum=MOMENTUM)
    return Recipe(Classification(STATEFUL[name]()), descent, epochs=EPOCHS, batch_size=ROWS, gradients=engine)


@functools.cache
def trained(name, engine="autodiff"):
    return fit(recipe(name, engine), (X, Y), validation=HELD_OUT)


def initial(name):
    """The numbers that ``fit`` begins with, in the library's own form."""
    data = as_data("fit", (X, Y), HELD_OUT, key_data(0))
    state = compiled(start, once=True)(recipe(name), data, key_data(0), np.int32(0))
    return recipe(name).task.model.variables(state.params)


def cross_entropy(outputs):
    return optax.softmax_cross_entropy_with_integer_labels(outputs, Y).mean()


def descend(loss, learned, state):
    """EPOCHS steps of a loss that gives (value, new state), for libraries whose numbers are plain trees."""
    descent = optax.sgd(RATE, momentum=MOMENTUM)
    memory = descent.init(learned)
    step = jax.jit(jax.grad(loss, has_aux=True))
    for _ in range(EPOCHS):
        gradients, state = step(learned, state)
        updates, memory = descent.update(gradients, memory)
        learned = optax.apply_updates(learned, updates)
    return learned, state


def loop_of_flax(learned, state):
    def loss(learned, state):
        outputs, state = LinenNet().apply({"params": learned, **state}, X, train=True, mutable=["batch_stats"])
        return cross_entropy(outputs), state

    return descend(loss, learned, state)


def loop_of_haiku(learned, state):
    def loss(learned, state):
        outputs, state = HAIKU.apply(learned, state, None, X, is_training=True)
        return cross_entropy(outputs), state

    return descend(loss, learned, state)


def loop_of_pair(learned, state):
    def loss(learned, state):
        outputs, state = pair_apply(learned, state, X, KEY)
        return cross_entropy(outputs), state

    return descend(loss, learned, state)


def loop_of_nnx(learned, state):
    module = STATEFUL["nnx"]().module(learned, state, KEY)
    descent = nnx.Optimizer(module, optax.sgd(RATE, momentum=MOMENTUM), wrt=nnx.Param)

    @nnx.jit
    def step(module, descent):
        descent.update(module, nnx.grad(lambda module: cross_entropy(module(X)))(module))

    for _ in range(EPOCHS):
        step(module, descent)
    _, learned, _, state = nnx.split(module, nnx.Param, nnx.RngState, ...)
    return nnx.to_pure_dict(learned), nnx.to_pure_dict(state)


def loop_of_equinox(learned, state):
    module, own = STATEFUL["equinox"]().module(learned, state)
    descent = optax.sgd(RATE, momentum=MOMENTUM)
    memory = descent.init(eqx.filter(module, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(module, own, memory):
        def loss(module, own):
            outputs, own = jax.vmap(module, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(X, own)
            return cross_entropy(outputs), own

        gradients, own = eqx.filter_grad(loss, has_aux=True)(module, own)
        updates, memory = descent.update(gradients, memory)
        return eqx.apply_updates(module, updates), own, memory

    for _ in range(EPOCHS):
        module, own, memory = step(module, own, memory)
    return jax.tree.leaves(eqx.filter(module, eqx.is_inexact_array)), jax.tree.leaves(own)


LOOPS = {
    "flax": loop_of_flax,
    "nnx": loop_of_nnx,
    "equinox": loop_of_equinox,
    "haiku": loop_of_haiku,
    "pair": loop_of_pair,
}


def in_their_form(name, params):
    learned, state = recipe(name).task.model.variables(params)
    if name != "equinox":
        return learned, state
    module, own = recipe(name).task.model.module(jax.tree.map(jnp.asarray, learned), state)
    return jax.tree.leaves(eqx.filter(module, eqx.is_inexact_array)), jax.tree.leaves(own)


@every_library
@pytest.mark.parametrize("engine", ["autodiff", "backprop"])
def test_a_run_is_the_librarys_own_loop(name, engine):
    run = trained(name, engine)
    assert run.outcome == "finished"
    learned, state = in_their_form(name, run.params)
    with jax.numpy_dtype_promotion("standard"):  # Haiku multiplies floats by whole numbers
        their_learned, their_state = LOOPS[name](*initial(name))
    assert_close(jax.tree.leaves(learned), jax.tree.leaves(their_learned), "float32")
    assert_close(jax.tree.leaves(state), jax.tree.leaves(their_state), "float32")
    assert [leaf.dtype for leaf in jax.tree.leaves(state)] == [leaf.dtype for leaf in jax.tree.leaves(their_state)]


def outputs_of(name, learned, state):
    """What the library itself gives for X in evaluation."""
    layer = recipe(name).task.model
    if name == "flax":
        return LinenNet().apply({"params": learned, **state}, X, train=False)
    if name == "haiku":
        return HAIKU.apply(learned, state, None, X, is_training=False)[0]
    if name == "pair":
        return pair_apply(learned, state, X, None)[0]
    if name == "nnx":
        return layer.module(learned, state)(X)
    module, own = layer.module(learned, state)
    return jax.vmap(eqx.nn.inference_mode(module), axis_name="batch", in_axes=(0, None), out_axes=(0, None))(X, own)[0]


@every_library
def test_a_frozen_module_runs_as_in_evaluation_and_its_state_stays(name):
    """A layer behind it learns from what the library gives for X in evaluation."""
    module, descent = trained(name).params, recipe(name).optimizer
    network = Chain((STATEFUL[name](), Dense(CLASSES)))
    frozen = recipe(name).replace(task=Classification(network), optimizer=optimizers(None, descent))
    data = as_data("fit", (X, Y), None, key_data(0))
    state = compiled(start, once=True)(frozen, data, key_data(0), np.int32(0))
    state = state.replace(params=jax.tree.map(jnp.asarray, (module, state.params[1])))
    after, _ = compiled(advance, once=True, static=("epochs",))(frozen, state, data, epochs=EPOCHS)
    assert_same_bits(after.params[0], state.params[0])
    features = outputs_of(name, *recipe(name).task.model.variables(state.params[0]))

    def loss(learned, _):
        return cross_entropy(features @ learned["kernel"] + learned["bias"]), None

    assert_close(after.params[1], descend(loss, state.params[1], None)[0], "float32")


@every_library
def test_predictions_are_the_librarys(name):
    run = trained(name)
    theirs = jax.nn.softmax(outputs_of(name, *recipe(name).task.model.variables(run.params)))
    assert_close(run.predict(X), theirs, "float32")


@every_library
def test_members_of_a_population_and_trials_of_a_sweep_are_runs_alone(name):
    """Two threads, which share the libraries' own thread-local ways; a sweep builds each recipe anew."""
    runs = fit_many([recipe(name), recipe(name, rate=0.01)], (X, Y), validation=HELD_OUT, workers=2)
    assert_same_bits((runs[0].params, runs[0].history), (trained(name).params, trained(name).history))
    space = {"learning_rate": Choice(RATE, 0.01)}
    found = sweep(lambda learning_rate: recipe(name, rate=learning_rate), space, (X, Y), search=Grid(), validation=HELD_OUT)
    scores = {trial.number: trial.score for trial in found.trials}
    assert scores == {number: run.history["validation_loss"][-1] for number, run in enumerate(runs)}


def test_modules_run_one_after_the_other_in_any_plan():
    runs = fit_many([recipe("flax"), recipe("flax", rate=0.01)], (X, Y), validation=HELD_OUT, lanes=2)
    assert_same_bits(runs[0].params, trained("flax").params)
