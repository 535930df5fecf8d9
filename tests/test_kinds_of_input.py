"""Runs whose inputs are no plain table: images, sequences of different lengths, tokens; from fit to file and back."""

import jax
import numpy as np
import optax
import pytest

from jaxnn import Classification, Recipe, fit, fit_many, load_model, optimizer, save_model
from jaxnn.layers import GRU, Chain, Conv, Dense, Embedding, Flatten, MaxPool, Recurrent, ReLU, Timewise
from jaxnn.model_files import _read_examples, _write_examples
from jaxnn.typing import Sequences
from tests.tolerances import assert_same_bits

ROWS = 12
RANDOM = np.random.default_rng(0)
Y = (np.arange(ROWS) % 2).astype(np.int32)
LENGTHS = RANDOM.integers(1, 6, ROWS).astype(np.int32)
INPUTS = {
    "images": (Chain((Conv(2), MaxPool(), ReLU(), Flatten(), Dense(2))), RANDOM.normal(size=(ROWS, 4, 4, 1)).astype("float32")),
    "sequences": (Chain((Recurrent(GRU(3)), Dense(2))), Sequences(RANDOM.normal(size=(ROWS, 5, 2)).astype("float32"), LENGTHS)),
    "tokens": (
        Chain((Timewise(Embedding(7, 3)), Recurrent(GRU(3)), Dense(2))),
        Sequences(RANDOM.integers(0, 7, (ROWS, 5)).astype(np.int32), LENGTHS),
    ),
}
kinds = pytest.mark.parametrize("kind", INPUTS)


def recipe(kind, learning_rate=0.05):
    return Recipe(Classification(INPUTS[kind][0]), optimizer(optax.adam, learning_rate=learning_rate), epochs=2, batch_size=8)


@kinds
def test_a_model_file_gives_the_predictions_again(kind, tmp_path):
    x = INPUTS[kind][1]
    run = fit(recipe(kind), (x, Y), validation=0.25)
    assert run.outcome == "finished"
    model = load_model(save_model(tmp_path / "model.safetensors", run))
    assert jax.tree.structure(model.examples) == jax.tree.structure(run.examples)
    assert_same_bits(model.predict(x), run.predict(x))
    some = jax.tree.map(lambda leaf: leaf[:3], x)
    assert_same_bits(model.predict(some), run.predict(x)[:3])


@kinds
def test_members_are_the_run_alone_and_lanes_are_for_layers_that_stack(kind):
    x = INPUTS[kind][1]
    recipes = [recipe(kind, rate) for rate in (0.05, 0.1)]
    alone = fit(recipes[1], (x, Y), member=1)
    assert_same_bits(fit_many(recipes, (x, Y))[1].params, alone.params)
    assert recipes[0].task.stacks == (kind != "images")
    side_by_side = fit_many(recipes, (x, Y), lanes=2)[1]
    if kind == "images":  # one after the other in any plan, so the program of fit
        assert_same_bits(side_by_side.params, alone.params)
    else:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), side_by_side.params, alone.params)


@pytest.mark.parametrize(("lengths", "match"), [([0, 6] * 6, "from 1 to the 5 steps of x, got 0 to 6"), ([1.5] * ROWS, "whole numbers")])
def test_lengths_that_can_not_be_are_refused(lengths, match):
    with pytest.raises((TypeError, ValueError), match=f"fit: lengths must be {match}"):
        fit(recipe("sequences"), (INPUTS["sequences"][1]._replace(lengths=np.array(lengths)), Y))


def test_lengths_that_can_not_be_are_refused_after_training_too():
    x = INPUTS["sequences"][1]
    run = fit(recipe("sequences"), (x, Y))
    match = "lengths must be from 1 to the 5 steps of x, got 0 to 6"
    for lengths in (np.array([0, 6] * 6), np.array([0, 6] * 6).astype(np.int8)):
        with pytest.raises(ValueError, match=f"predict: {match}"):
            run.predict(x._replace(lengths=lengths))
        with pytest.raises(ValueError, match=f"evaluate: {match}"):
            run.evaluate(x._replace(lengths=lengths), Y)
    with pytest.raises(ValueError, match="predict: x must be arrays of the same number of rows, got 3 and 12"):
        run.predict(x._replace(lengths=LENGTHS[:3]))


@pytest.mark.parametrize("name", ["sequences", "shape", "fields"])
def test_inputs_by_name_may_have_any_names(name):
    examples = ({name: jax.ShapeDtypeStruct((2,), "float32")}, None)
    assert _read_examples(_write_examples(examples)) == examples
