"""From every step of a run, with every optimizer and every rule, what was saved goes on to the same state, bit for bit."""

import functools
import itertools

import optax
import pytest

from jaxnn import Averaging, EarlyStopping, ReduceOnPlateau, optimizer, pieces, schedules
from jaxnn.pieces import Program, Standing
from jaxnn.training import as_data, key_data, plain_numbers
from tests.checkpointed import examples, joined, keeping, there_and_back
from tests.programs import quick_jit
from tests.samples import classification
from tests.tolerances import assert_same_bits

OPTIMIZERS = {
    "SGD": (optax.sgd, {}),
    "momentum": (optax.sgd, {"momentum": 0.9}),
    "Nesterov": (optax.sgd, {"momentum": 0.9, "nesterov": True}),
    "Adam": (optax.adam, {}),
    "AdamW": (optax.adamw, {"weight_decay": 1e-2}),
    "RMSProp": (optax.rmsprop, {"momentum": 0.5}),
    "AdaGrad": (optax.adagrad, {}),
    "Nadam": (optax.nadam, {}),
}
PAIRED = {
    "dropout": {"dropout": 0.3},
    "EMA": {"averaging": Averaging(decay=0.9)},
    "schedule": {"learning_rate": schedules.Exponential(0.1, factor=0.7, steps=5)},
    "early stopping": {"early_stopping": EarlyStopping(patience=2)},
}
FURTHER = {"plateau": ReduceOnPlateau(patience=1), "precision": "float16", "batch_size": 3, "accumulation": 2, "norms": True}
RULES = PAIRED | {"all at once": functools.reduce(dict.__or__, PAIRED.values()) | FURTHER}


def small_program(name, rule):
    """Of 9 rows in two steps: a checkpoint inside of each epoch, and one at its end."""
    function, numbers = OPTIMIZERS[name]
    fields = {"width": 2, "epochs": 3, "batch_size": 5} | RULES[rule]
    chosen = optimizer(function, learning_rate=fields.pop("learning_rate", 0.1), **numbers)
    recipe = classification(optimizer=chosen, **fields)
    return Program(plain_numbers(recipe), as_data("test", examples(), 0.25, key_data(0)))


@pytest.fixture
def quick(monkeypatch):
    """What runs once is not compiled, the rest sooner; the cache of the real programs must not see these."""

    @functools.cache
    def program(function, **options):
        return quick_jit(function) if function in (pieces._train, pieces._finish) else function

    monkeypatch.setattr(pieces, "compiled", program)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_from_every_step_a_run_goes_on_to_the_same_state(name, rule, tmp_path, quick):
    """At ends of epochs and inside of each: what is read is what was written, and goes on to the step that followed."""
    program = small_program(name, rule)
    first = Standing(program.begin(key_data(0), 0), {})
    standings = list(program.by_steps(first, 1))
    assert [(now.epochs, now.steps) for now in standings] == [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    with keeping(tmp_path) as keeper:
        for now, following in itertools.pairwise(standings):
            read = there_and_back(keeper, now)
            assert_same_bits(read, joined(now))
            assert_same_bits(joined(next(program.by_steps(read, 1))), joined(following))
