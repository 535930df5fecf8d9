"""Nothing is exported without standing in the catalogue."""

import inspect
import itertools
from types import ModuleType

import jax
import pytest

from jaxnn import layers, losses, models, schedules, search, tasks
from tests import catalogue, catalogue_of_tasks


def concrete(module: ModuleType, base: type) -> set[str]:
    found = vars(module).items()
    return {name for name, value in found if inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)}


def searches() -> set[str]:
    return {name for name in search.__all__ if callable(getattr(getattr(search, name), "propose", None))}


@pytest.mark.parametrize(
    ("exported", "listed"),
    [
        (concrete(layers, layers.Layer), catalogue.LAYERS),
        (concrete(losses, losses.Loss), catalogue_of_tasks.LOSSES),
        (concrete(tasks, tasks.Task), catalogue_of_tasks.TASKS),
        (set(models.__all__), catalogue.MODELS),
        (concrete(schedules, schedules.Schedule), catalogue_of_tasks.SCHEDULES),
        (searches(), catalogue_of_tasks.SEARCHES),
    ],
    ids=["layers", "losses", "tasks", "models", "schedules", "searches"],
)
def test_everything_exported_is_in_the_catalogue(exported, listed):
    assert exported
    assert exported - {name.split(" ")[0] for name in listed} == set()


def test_the_activations_by_name_are_all_activations():
    exported = concrete(layers, layers.Activation)
    assert {cls.__name__ for cls in layers.ACTIVATIONS.values()} == exported
    assert set(layers.__all__) >= exported


def test_no_two_examples_have_one_structure():
    """JAX's own registration of dataclasses lets Sigmoid() and Tanh() be one structure, and so one compiled program."""
    made = {
        name: example.make() for part in (catalogue.LAYERS, catalogue.MODELS, catalogue_of_tasks.TASKS) for name, example in part.items()
    }
    for (one, first), (other, second) in itertools.combinations(made.items(), 2):
        assert jax.tree.structure(first) != jax.tree.structure(second), (one, other)
        assert first != second
