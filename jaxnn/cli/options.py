"""What the command line can tune: how a range is written, what is tuned unless said otherwise, and the recipe it builds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from jaxnn import models
from jaxnn.checks import sentence
from jaxnn.layers import ACTIVATIONS
from jaxnn.optimizers import optimizer
from jaxnn.recipes import Recipe
from jaxnn.search import Choice, Dimension, Integer, LogUniform, Uniform
from jaxnn.stopping import EarlyStopping
from jaxnn.tasks import Classification, Regression, Task
from jaxnn.typing import Range


@dataclass(frozen=True)
class Tunable:
    """One hyperparameter: how its values are read, where they must lie, what a range means, what is tuned or used by default."""

    read: Callable[[str], Any]
    allowed: Range
    between: Callable[[Any, Any], Dimension] | None
    swept: str
    alone: str
    help: str
    optional: bool = False  # whether "none" leaves it out altogether


TUNABLES = {
    "learning_rate": Tunable(float, Range(0), LogUniform, "3e-4:3e-2", "1e-3", "Step size of Adam"),
    "l2": Tunable(float, Range(0), LogUniform, "1e-6:1e-2", "1e-4", "Weight of the penalty on squared weights, or none", True),
    "width": Tunable(int, Range(1), Integer, "32,64", "64", "Units of each hidden layer"),
    "depth": Tunable(int, Range(0), Integer, "2", "2", "Hidden layers"),
    "dropout": Tunable(float, Range(0, 1, open_high=True), Uniform, "none", "none", "Share of units dropped in training, or none", True),
    "activation": Tunable(str, Range(), None, "relu", "relu", f"One of {', '.join(ACTIVATIONS)}"),
}


def read_space(texts: dict[str, str]) -> tuple[dict[str, Dimension], dict[str, Any]]:
    """What is tuned and what is fixed: ``low:high`` is a range, ``a,b,c`` a choice, a single value is fixed.

    >>> read_space({"width": "32,64", "depth": "2"})
    ({'width': Choice(options=(32, 64))}, {'depth': 2})
    """
    space: dict[str, Dimension] = {}
    fixed: dict[str, Any] = {}
    for name, text in texts.items():
        value = _read(name, text)
        if isinstance(value, Dimension):
            space[name] = value
        else:
            fixed[name] = value
    return space, fixed


def builder(kind: str, outputs: int, *, epochs: int, batch_size: int, patience: int) -> Callable[..., Recipe]:
    """The function from hyperparameters to a recipe that the sweep searches with."""
    stopping = EarlyStopping(patience=patience) if patience else None

    def build(learning_rate: float, l2: float, width: int, depth: int, dropout: float | None, activation: str) -> Recipe:
        network = models.mlp((width,) * depth, outputs, activation=activation, dropout=dropout)
        task: Task = Classification(network) if kind == "classification" else Regression(network)
        adam = optimizer(optax.adam, learning_rate=learning_rate)
        return Recipe(task, adam, epochs=epochs, batch_size=batch_size, l2=l2, early_stopping=stopping)

    return build


def _read(name: str, text: str) -> Any:
    tunable, option = TUNABLES[name], f"--{name.replace('_', '-')}"
    is_range = ":" in text and tunable.between is not None
    try:
        parts = [part.strip() for part in text.split(":" if is_range else ",")]
        values = [None if part == "none" and tunable.optional else tunable.read(part) for part in parts]
    except ValueError:
        raise ValueError(sentence("jaxnn", option, "a value, a range low:high or a choice a,b,c", repr(text))) from None
    for value in values:
        if isinstance(value, int | float) and value not in tunable.allowed:
            raise ValueError(sentence("jaxnn", option, f"in {tunable.allowed}", value))
    if is_range:
        return _between(option, tunable, values, text)
    return values[0] if len(values) == 1 else Choice(*values)


def _between(option: str, tunable: Tunable, ends: list[Any], text: str) -> Dimension:
    if len(ends) != 2 or None in ends or tunable.between is None:
        raise ValueError(sentence("jaxnn", option, "a range low:high", repr(text)))
    try:
        return tunable.between(*ends)
    except ValueError as error:
        raise ValueError(sentence("jaxnn", option, "a range low:high", repr(text), f"({error})")) from None
