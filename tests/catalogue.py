"""Every exported layer, loss, task, model and search once, each with an example; the contract suites run over them.

To add one: write its example here. ``test_catalogue.py`` fails until it is there, and the suites hold it to its contract.
Examples are made by calling, so that a suite can have the same one twice, built apart.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn import layers, losses, models, search, tasks
from jaxnn.layers import Layer
from jaxnn.losses import Loss
from jaxnn.tasks import Task


def normal(*shape: int) -> Callable[[np.random.Generator, int], Any]:
    """Rows of normally distributed numbers."""
    return lambda random, rows: random.normal(size=(rows, *shape))


class LayerExample(NamedTuple):
    """A layer and its inputs for a number of rows: a pytree, whose floats are cast to the dtype of the test."""

    make: Callable[[], Layer]
    inputs: Callable[[np.random.Generator, int], Any] = normal(4)


LAYERS: dict[str, LayerExample] = {
    "Autoencoder": LayerExample(
        lambda: layers.Autoencoder(layers.Dense(2), layers.Chain((layers.Tanh(), layers.Dropout(0.2), layers.Dense(4))))
    ),
    "Chain": LayerExample(lambda: layers.Chain((layers.Dense(3), layers.Tanh(), layers.Dropout(0.25)))),
    "Chain of chains": LayerExample(lambda: layers.Chain((layers.Chain((layers.Dense(3), layers.SiLU())), layers.Chain((layers.ELU(),))))),
    "Dense": LayerExample(lambda: layers.Dense(3)),
    "Dense of rows of rows": LayerExample(lambda: layers.Dense(3, initializer=jax.nn.initializers.he_normal), normal(2, 4)),
    "Dropout": LayerExample(lambda: layers.Dropout(0.3)),
    "ELU": LayerExample(lambda: layers.ELU(0.7)),
    "GELU": LayerExample(layers.GELU),
    "Identity": LayerExample(layers.Identity),
    "LeakyReLU": LayerExample(lambda: layers.LeakyReLU(0.1)),
    "ReLU": LayerExample(layers.ReLU),
    "SELU": LayerExample(layers.SELU),
    "SiLU": LayerExample(layers.SiLU),
    "Sigmoid": LayerExample(layers.Sigmoid),
    "Softplus": LayerExample(layers.Softplus),
    "Step": LayerExample(layers.Step),
    "Tanh": LayerExample(layers.Tanh),
    "VariationalAutoencoder": LayerExample(lambda: layers.VariationalAutoencoder(layers.Dense(4), layers.Dense(3), latent=2)),
}

MODELS: dict[str, LayerExample] = {
    "mlp": LayerExample(lambda: models.mlp((3, 3), 3, activation="selu")),
    "mlp without hidden layers": LayerExample(lambda: models.mlp((), 3)),
}


class LossExample(NamedTuple):
    """A loss, the units of the output it looks at, and targets for a number of rows."""

    make: Callable[[], Loss]
    units: int
    targets: Callable[[np.random.Generator, int], np.ndarray]


def classes(count: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda random, rows: random.integers(0, count, rows)


def numbers(*units: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda random, rows: random.normal(size=(rows, *units))


LOSSES: dict[str, LossExample] = {
    "BinaryCrossEntropy": LossExample(losses.BinaryCrossEntropy, 1, classes(2)),
    "SoftmaxCrossEntropy": LossExample(losses.SoftmaxCrossEntropy, 4, classes(4)),
    "SquaredError": LossExample(losses.SquaredError, 3, numbers(3)),
    "SquaredError of one unit": LossExample(losses.SquaredError, 1, numbers()),
}


class TaskExample(NamedTuple):
    """A task of rows of four numbers, and its targets."""

    make: Callable[[], Task]
    targets: Callable[[np.random.Generator, int], np.ndarray]


TASKS: dict[str, TaskExample] = {
    "BinaryClassification": TaskExample(lambda: tasks.BinaryClassification(models.mlp((5,), 1, activation="tanh")), classes(2)),
    "Classification": TaskExample(lambda: tasks.Classification(models.mlp((5,), 3, dropout=0.1)), classes(3)),
    "Regression": TaskExample(lambda: tasks.Regression(models.mlp((5,), 1, activation="silu")), numbers()),
    "Regression of two numbers": TaskExample(lambda: tasks.Regression(models.mlp((5,), 2, activation="elu")), numbers(2)),
}

SEARCHES: dict[str, Callable[[], Any]] = {
    "Grid": lambda: search.Grid(points=3),
    "Random": lambda: search.Random(5),
}
