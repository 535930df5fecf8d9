"""Optimizers: any optax function with its numbers, for all parameters or for each part of them.

The function is structure, its numbers are hyperparameters.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import optax

from jaxnn.checks import nearest, sentence
from jaxnn.records import Record, readable, static
from jaxnn.typing import Params, Range

NOT_NEGATIVE, SHARE = Range(low=0), Range(low=0, high=1, open_high=True)
RANGES = {
    "learning_rate": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "eps": NOT_NEGATIVE,
    "eps_root": NOT_NEGATIVE,
    "momentum": SHARE,
    "decay": SHARE,
    "b1": SHARE,
    "b2": SHARE,
}
"""Where the numbers of optax's optimizers must lie; a name that is not here may be any finite number."""


class Optimizer(Record):
    """What ``optimizer`` returns: the optax function, its floats (leaves) and its other arguments (structure)."""

    function: Callable[..., optax.GradientTransformation] = static()
    numbers: dict[str, Any] = dataclasses.field(default_factory=dict, metadata={"range": RANGES})
    options: tuple[tuple[str, Any], ...] = static(default=())

    def __repr__(self) -> str:
        arguments = self.numbers | dict(self.options)
        return f"optimizer({', '.join([readable(self.function), *(f'{name}={readable(value)}' for name, value in arguments.items())])})"

    def build(self) -> optax.GradientTransformation:
        """The optax transformation; call it inside the traced run, where the numbers are traced."""
        return self.function(**self.numbers, **dict(self.options))


def optimizer(function: Callable[..., optax.GradientTransformation], **arguments: Any) -> Optimizer:
    """An optimizer by its optax function, for instance ``optimizer(optax.adamw, learning_rate=1e-3, weight_decay=1e-4)``.

    Floats become leaves of the recipe, so that every value runs in the same compiled program; so do whole numbers given
    where optax has a float (``learning_rate=1``). Flags, names, None and other whole numbers are structure. Raises TypeError
    where the function isn't one that makes an optax transformation, ValueError for an argument that it doesn't have.

    >>> import optax
    >>> optimizer(optax.sgd, learning_rate=1, nesterov=True)
    optimizer(optax.sgd, learning_rate=1.0, nesterov=True)
    """
    if not callable(function) or isinstance(function, optax.GradientTransformation):
        advice = "Give the function itself, optimizer(optax.adam, learning_rate=1e-3), not what it returns."
        raise TypeError(sentence("optimizer", "function", "an optax function", repr(function)[:60], advice))
    parameters = inspect.signature(function).parameters
    for name in arguments:
        if name not in parameters:
            raise ValueError(f"optimizer: {function.__name__} has no argument {name!r}. {nearest(name, parameters)}")
        if arguments[name] is None and parameters[name].default is inspect.Parameter.empty:
            raise ValueError(sentence("optimizer", name, "a number", None, f"{function.__name__} can't do without."))
    numbers = {name: _number(value) for name, value in arguments.items() if _is_leaf(value, parameters[name])}
    options = tuple(sorted((name, value) for name, value in arguments.items() if name not in numbers))
    made = Optimizer(function=function, numbers=numbers, options=options)
    _check_builds(made)
    return made


class Optimizers(Record):
    """What ``optimizers`` returns: an optimizer for each top-level part of the parameters, None for one that stays as it is."""

    parts: dict[str, Optimizer | None]

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers of each part that has an optimizer, by its name."""
        return {name: part.numbers for name, part in self.parts.items() if part is not None}

    def __repr__(self) -> str:
        return f"optimizers({', '.join(f'{name}={readable(part)}' for name, part in self.parts.items())})"

    def build(self) -> optax.GradientTransformation:
        """The optax transformation of all parts; its ``init`` refuses parameters with other parts than these."""
        transformations = {name: optax.set_to_zero() if part is None else part.build() for name, part in self.parts.items()}
        return optax.partition(transformations, self._labels)

    def _labels(self, params: Params) -> dict[str, str]:
        known, advice = ", ".join(self.parts), "For all parameters together write optimizer(...)."
        if not isinstance(params, dict):
            raise ValueError(sentence("optimizers", "the parameters", f"of the parts {known}", f"a {type(params).__name__}", advice))
        for name in self.parts.keys() - params.keys():
            raise ValueError(f"optimizers: the parameters have no part {name!r}. {nearest(name, params)}")
        for name in params.keys() - self.parts.keys():
            raise ValueError(f"optimizers: the part {name!r} of the parameters has no optimizer. Write {name}=None to leave it as it is.")
        return {name: name for name in params}


def optimizers(**parts: Optimizer | None) -> Optimizers:
    """An optimizer for each top-level part of the parameters, None for a part that stays as it is.

    The parts are those of the task's parameters: generator and discriminator of ``Adversarial``, encoder and decoder of an
    ``Autoencoder``. All numbers are leaves of the recipe. Raises TypeError for a part that ``optimizer`` did not make, and, before
    anything is compiled, ValueError for a part that the parameters do not have, or that is missing.

    >>> import optax
    >>> optimizers(generator=optimizer(optax.adam, learning_rate=1e-4), discriminator=None)
    optimizers(discriminator=None, generator=optimizer(optax.adam, learning_rate=0.0001))
    """
    advice = "Write optimizers(generator=optimizer(optax.adam, learning_rate=1e-4), discriminator=None)."
    if not parts:
        raise TypeError(sentence("optimizers", "parts", "given by name", "none", advice))
    for name, part in parts.items():
        if not isinstance(part, Optimizer | None):
            raise TypeError(sentence("optimizers", name, "made by optimizer, or None", repr(part)[:60], advice))
    return Optimizers(dict(sorted(parts.items())))


def _is_leaf(value: Any, parameter: inspect.Parameter) -> bool:
    if isinstance(value, bool | str) or value is None or callable(value):
        return False
    wants_float = isinstance(parameter.default, float) or parameter.default is inspect.Parameter.empty
    return not isinstance(value, int) or wants_float


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value


def _check_builds(made: Optimizer) -> None:
    try:
        transformation = made.build()
    except TypeError as error:
        raise TypeError(f"optimizer: {made.function.__name__} can't be called so: {error}.") from error
    if not hasattr(transformation, "init") or not hasattr(transformation, "update"):
        advice = "Give a function such as optax.adam."
        raise TypeError(
            sentence("optimizer", "function", "one that returns an optax transformation", type(transformation).__name__, advice)
        )
