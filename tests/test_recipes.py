"""Recipes: values that print, compare and travel as JSON; and JSON that must not be believed."""

import builtins
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxnn
from jaxnn import Classification, EarlyStopping, Recipe, from_json, layers, models, optimizer, schedules, to_json
from jaxnn.layers import Activation, Chain, Dense
from jaxnn.names import MODULES, find_function, qualified_name
from jaxnn.records import number
from tests.catalogue import LAYERS, MODELS, NAMES
from tests.catalogue_of_tasks import LOSSES, SCHEDULES, TASKS
from tests.samples import classification, regression

RECIPES = {
    "plain": lambda: regression(),
    "all of it": lambda: classification(
        dropout=0.1,
        l2=1e-4,
        early_stopping=EarlyStopping(patience=3, min_delta=1e-3),
        optimizer=optimizer(optax.adamw, learning_rate=1e-3, weight_decay=1e-2, nesterov=True, mu_dtype=None),
        gradients="autodiff",
        epochs=7,
        batch_size=16,
    ),
    "a schedule": lambda: regression(
        optimizer=optimizer(
            "nadam", learning_rate=schedules.WarmUp(schedules.Cosine(0.1, steps=90), steps=10), b1=schedules.Linear(0.9, steps=5)
        )
    ),
    "initialiser of optax's friends": lambda: Recipe(
        Classification(Chain((Dense(3, initializer=jax.nn.initializers.orthogonal), layers.LeakyReLU(0.2), Dense(3)))),
        optimizer(optax.contrib.prodigy, learning_rate=1.0),
    ),
}

RECORDS = (
    RECIPES
    | {f"layer {name}": example.make for name, example in LAYERS.items()}
    | {f"model {name}": example.make for name, example in MODELS.items()}
    | {f"loss {name}": example.make for name, example in LOSSES.items()}
    | {f"task {name}": example.make for name, example in TASKS.items()}
    | {f"schedule {name}": make for name, make in SCHEDULES.items()}
)

PUBLIC = vars(jaxnn) | vars(layers) | vars(jaxnn.losses) | vars(schedules) | {"jax": jax, "optax": optax}

every_record = pytest.mark.parametrize("make", RECORDS.values(), ids=RECORDS.keys())


@every_record
def test_records_are_values(make):
    assert make() == make()
    assert jax.tree.structure(make()) == jax.tree.structure(make())


@every_record
def test_the_repr_is_code_that_makes_an_equal_record(make):
    assert eval(repr(make()), dict(PUBLIC) | NAMES) == make()


@every_record
def test_json_goes_there_and_back(make):
    record = from_json(to_json(make(), names=NAMES), known=NAMES)
    assert record == make() and type(record) is type(make())
    assert jax.tree.structure(record) == jax.tree.structure(make())


def test_the_repr_leaves_out_what_is_at_its_default():
    recipe = Recipe(Classification(models.mlp((8,), 3)), optimizer(optax.adam, learning_rate=1e-3))
    expected = (
        "Recipe(Classification(Chain((Dense(8, initializer=jax.nn.initializers.he_normal), ReLU(), Dense(3)))), "
        "optimizer(optax.adam, learning_rate=0.001))"
    )
    assert repr(recipe) == expected


def test_numbers_print_as_numbers_whoever_made_them():
    assert repr(layers.Dropout(np.float64(0.25))) == repr(layers.Dropout(jnp.float32(0.25))) == "Dropout(rate=0.25)"


def test_a_recipe_can_be_printed_while_it_is_traced():
    seen = []
    jax.eval_shape(lambda recipe: seen.append(repr(recipe)) or 0.0, classification(dropout=0.1))
    assert "Dropout(rate=JitTracer" in seen[0]


def test_floats_are_leaves_and_all_else_is_structure():
    recipe = RECIPES["all of it"]()
    assert sorted(jax.tree.leaves(recipe)) == sorted([0.1, 1e-4, 3, 1e-3, 0.0, 1e-3, 1e-2])
    structure = jax.tree.structure(recipe)
    assert jax.tree.structure(recipe.replace(l2=0.5, early_stopping=EarlyStopping(patience=9))) == structure
    for other in (recipe.replace(l2=None), recipe.replace(epochs=8), recipe.replace(batch_size=8), recipe.replace(gradients="backprop")):
        assert jax.tree.structure(other) != structure


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"epochs": 0}, "Recipe: epochs must be a whole number >= 1, got 0"),
        ({"epochs": 2.0}, "Recipe: epochs must be a whole number >= 1, got 2.0"),
        ({"batch_size": -1}, "Recipe: batch_size must be a whole number >= 1, got -1"),
        ({"gradients": "numeric"}, "Recipe: gradients must be 'autodiff' or 'backprop', got 'numeric'"),
    ],
)
def test_structure_that_can_not_be(fields, match):
    with pytest.raises(ValueError, match=match):
        regression(**fields)


def test_functions_have_their_public_names():
    assert qualified_name(optax.adam) == "optax.adam"
    assert qualified_name(jax.nn.initializers.he_normal) == "jax.nn.initializers.he_normal"
    assert qualified_name(os.system) is None and qualified_name(lambda: 0) is None
    for path, module in MODULES.items():
        for name in dir(module):
            function = getattr(module, name)
            if callable(function) and (known := qualified_name(function)):
                assert find_function(known, {}) is function, path


def test_functions_of_ones_own_travel_only_by_hand():
    def mine(*args, **options):
        return jax.nn.initializers.he_normal(*args, **options)

    layer = Dense(3, initializer=mine)
    with pytest.raises(ValueError, match=r"to_json: .*mine.* has no public name in jax, optax or jaxnn\. Hand in names="):
        to_json(layer)
    text = to_json(layer, names={"mine": mine})
    with pytest.raises(ValueError, match=r"'mine' is not a public function of .*Hand it in: known=\{its_name: the_function\}"):
        from_json(text)
    assert from_json(text, known={"mine": mine}) == layer


class Cube(Activation):
    scale: float = number(low=0, default=1.0)

    def value(self, b):
        return self.scale * b**3

    def derivative(self, b, y):
        return 3 * self.scale * b**2


def test_records_of_ones_own_travel_only_by_hand():
    text = to_json(Chain((Dense(2), Cube(0.5))))
    with pytest.raises(ValueError, match=r"from_json: there is no record type 'Cube'\. Hand it in: known=\{its_name: its_class\}"):
        from_json(text)
    assert from_json(text, known={"Cube": Cube}) == Chain((Dense(2), Cube(0.5)))


def hostile(**changes: object) -> str:
    """A good recipe's JSON with some fields in place of others."""
    return json.dumps(json.loads(to_json(RECIPES["all of it"]())) | changes)


def dense(**fields: object) -> str:
    return json.dumps({"type": "Dense", "features": 3} | fields)


def function(name: object) -> str:
    return dense(initializer={"function": name})


HOSTILE = {
    "no JSON": "Recipe()",
    "nothing": "",
    "a number": "3",
    "a list": "[]",
    "a name": '"Recipe"',
    "no type": '{"epochs": 3}',
    "an unknown type": '{"type": "Popen", "args": ["touch", "proof"]}',
    "a path of a type": '{"type": "jaxnn.recipes.Recipe"}',
    "an abstract type": '{"type": "Activation"}',
    "a type that is no record": '{"type": "Run"}',
    "a type that is a list": '{"type": []}',
    "os.system": function("os.system"),
    "builtins.eval": function("builtins.eval"),
    "eval": function("eval"),
    "a module": function("jax.config"),
    "a method of the configuration": function("jax.config.update"),
    "a submodule": function("jax.nn.initializers"),
    "through a module": function("jax.nn.initializers.jax"),
    "a private name": function("jax.nn.initializers._compute_fans"),
    "a dunder": function("optax.__builtins__"),
    "a path of dunders": function("optax.__loader__.load_module"),
    "a module's own code": function("optax.__getattr__"),
    "a class": function("optax.GradientTransformation"),
    "a record as a function": function("Dense"),
    "a number as a function": function(3),
    "nested deeply": "[" * 100_000,
    "nested deeply and closed": "[" * 5000 + "]" * 5000,
    "records nested deeply": '{"type": "Chain", "layers": [' * 3000 + "]}" * 3000,
    "NaN": '{"type": "Dropout", "rate": NaN}',
    "NaN in structure": '{"type": "Optimizer", "function": {"function": "optax.sgd"}, "options": [["nesterov", NaN]]}',
    "infinity": '{"type": "Dropout", "rate": -Infinity}',
    "infinity by overflow": '{"type": "Dropout", "rate": 1e999}',
    "an endless number": '{"type": "Dense", "features": ' + "9" * 10_000 + "}",
    "a field too much": dense(bias=True),
    "a field too few": '{"type": "Dense"}',
    "a text where a number should be": dense(features="3"),
    "a flag where a number should be": dense(features=True),
    "a fraction where a whole number should be": dense(features=3.5),
    "a negative width": dense(features=-3),
    "a list where a function should be": dense(initializer=[1]),
    "a text where a function should be": dense(initializer="jax.nn.initializers.he_normal"),
    "a text where a leaf should be": '{"type": "Dropout", "rate": "0.5"}',
    "a leaf out of range": '{"type": "Dropout", "rate": 1.0}',
    "a layer where a task should be": hostile(task=json.loads(dense())),
    "a task where a layer should be": '{"type": "Chain", "layers": [' + to_json(TASKS["Classification"].make()) + "]}",
    "a layer where layers should be": '{"type": "Chain", "layers": ' + dense() + "}",
    "a number where an optimizer should be": hostile(optimizer=0.1),
    "a text among numbers": hostile(
        optimizer={"type": "Optimizer", "function": {"function": "optax.sgd"}, "numbers": {"learning_rate": "x"}}
    ),
    "an unknown engine": hostile(gradients="exec"),
    "no epochs": hostile(epochs=0),
    "a negative learning rate": hostile(l2=-1.0),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_that_is_no_recipe_is_refused_and_runs_nothing(text, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("something ran")

    for module, name in ((os, "system"), (builtins, "eval"), (builtins, "exec"), (jax.config, "update")):
        monkeypatch.setattr(module, name, refuse)
    with pytest.raises(ValueError) as error:
        from_json(text)
    assert len(str(error.value)) < 500


def test_unknown_fields_and_functions_are_named():
    with pytest.raises(ValueError, match=r"from_json: Dense has no field 'bias'; was it saved by a later version\?"):
        from_json(dense(bias=True))
    with pytest.raises(ValueError, match=r"'optax\.adma' is not a public function of .*Did you mean adam"):
        from_json(function("optax.adma"))
    with pytest.raises(ValueError, match=r"from_json: Dense\.features must be of type int, got '3'"):
        from_json(dense(features="3"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_not_written(value):
    with pytest.raises(ValueError):
        to_json(layers.Dropout(value))
