"""Rules of a run: every optional field of a recipe has its examples here, and each of them is held to what recipes promise."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

import jaxnn
from jaxnn import Averaging, ClipByLayerNorm, ClipByNorm, ClipByValue, EarlyStopping, Recipe, ReduceOnPlateau, from_json, metrics, to_json
from jaxnn.clipping import Clip
from jaxnn.lanes import Member, train_lanes
from jaxnn.loop import epoch_order
from jaxnn.regularisation import mixed
from jaxnn.training import as_data, key_data, train
from tests.programs import quick_jit
from tests.samples import blobs, classification

RULES = {
    "accumulation": {"accumulation": 2},
    "l2": {"l2": 1e-3},
    "l2 by layer": {"l2": (1e-3, 0.0, 1e-2)},
    "l1": {"l1": 1e-4},
    "max_norm": {"max_norm": 2.0},
    "input_noise": {"input_noise": 0.1},
    "mixup": {"mixup": 0.2},
    "clip by value": {"clip": ClipByValue(0.1)},
    "clip by norm": {"clip": ClipByNorm(0.5)},
    "clip by layer": {"clip": ClipByLayerNorm(0.5)},
    "averaging": {"averaging": Averaging(decay=0.9, start_epoch=1.0)},
    "averaging of epochs": {"averaging": Averaging(every="epoch")},
    "early_stopping": {"early_stopping": EarlyStopping(patience=3.0, monitor="validation_accuracy", baseline=0.1, restore_best=False)},
    "plateau": {"plateau": ReduceOnPlateau(factor=0.5, patience=1.0, min_delta=0.5, monitor="loss", mode="min")},
    "precision": {"precision": "bfloat16"},
    "precision of float16": {"precision": "float16"},
    "norms": {"norms": True},
    "measure_training": {"measure_training": True},
    "metrics": {"metrics": {"f1": functools.partial(metrics.f1, average="macro"), "surprise": metrics.log_loss}},
}
NAMES = vars(jaxnn) | {"jaxnn": jaxnn, "functools": functools}
PLAIN = {"task", "optimizer", "epochs", "batch_size", "gradients"}
each = pytest.mark.parametrize("fields", RULES.values(), ids=RULES)


def test_every_optional_field_and_every_clip_has_an_example():
    assert {name for fields in RULES.values() for name in fields} == {field.name for field in dataclasses.fields(Recipe)} - PLAIN
    clips = {cls.__name__ for cls in vars(jaxnn).values() if isinstance(cls, type) and issubclass(cls, Clip)}
    assert {type(fields["clip"]).__name__ for fields in RULES.values() if "clip" in fields} == clips


@each
def test_it_prints_as_the_code_that_makes_it_and_travels(fields):
    recipe = classification(**fields)
    assert from_json(to_json(recipe)) == recipe and jax.tree.structure(from_json(to_json(recipe))) == jax.tree.structure(recipe)
    (name,) = fields
    value = repr(getattr(recipe, name))
    assert recipe.replace(**{name: eval(value, NAMES)}) == recipe and f"{name}={value}" in repr(recipe)
    assert recipe != classification() and jax.tree.structure(recipe) != jax.tree.structure(classification())


@pytest.mark.parametrize("precision", [None, "float16"])
def test_all_rules_together_are_the_same_in_a_lane_as_alone(precision):
    together = {name: value for fields in RULES.values() for name, value in fields.items()} | {"precision": precision}
    data, seed = as_data("test", blobs(30), 0.25, key_data(3)), key_data(3)
    members = [Member(classification(epochs=3, **(together | {"mixup": mixup})), data, number) for number, mixup in enumerate((0.2, 0.8))]
    side_by_side = train_lanes(members, seed, 2, jax.local_devices()[0])
    for member, run in zip(members, side_by_side, strict=True):
        alone = train(member.recipe, data, seed, member.number)
        assert run.history.keys() == alone.history.keys() and run.outcome == alone.outcome
        for metric in ("loss",) if precision else ("loss", "validation_surprise"):
            np.testing.assert_allclose(run.history[metric], alone.history[metric], rtol=1e-2 if precision else 1e-4)


def test_the_loss_of_an_epoch_counts_mixed_rows_by_the_weights_of_their_classes():
    """At a learning rate of 0: the mean over all rows that the steps made, each of them weighted as in its step."""
    task = classification().task.replace(class_weights=(1.0, 5.0, 0.2))
    recipe, seed = classification(learning_rate=0.0, epochs=1, mixup=0.5).replace(task=task), key_data(3)
    data = as_data("test", blobs(), None, seed)
    state = quick_jit(jaxnn.start)(recipe, data, seed, 0)
    total = loss = 0.0
    for number, (rows, weight) in enumerate(zip(*epoch_order(recipe, state, data.train), strict=True)):
        key = jax.random.split(jax.random.fold_in(jax.random.wrap_key_data(state.keys[1]), number))[1]
        batch = mixed(key, data.batch(rows, weight), recipe.mixup)
        each = task.weight(batch) * task.loss.value(task.model.apply(state.params, batch.x), batch.y)
        total, loss = total + float(task.weight(batch).sum()), loss + float(each.sum())
    assert jaxnn.fit(recipe, data, key=3).history["loss"][0] == pytest.approx(loss / total, rel=1e-5)
