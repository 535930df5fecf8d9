"""Optimizers: any optax function with its numbers.

The function is structure, its numbers are hyperparameters; each of them may be a schedule, whose numbers are hyperparameters too.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnn.checks import nearest, sentence
from jaxnn.names import public_functions
from jaxnn.records import Record, readable, static
from jaxnn.schedules import Schedule
from jaxnn.typing import Metrics, Params, Range

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


class Scheduled(NamedTuple):
    """The state of an optimizer with schedules: updates made so far, int32, and the state of optax's own."""

    step: jax.Array
    inner: Any


class Optimizer(Record):
    """What ``optimizer`` returns: the optax function, its floats and schedules (leaves) and its other arguments (structure)."""

    function: Callable[..., optax.GradientTransformation] = static()
    numbers: dict[str, Any] = dataclasses.field(default_factory=dict, metadata={"range": RANGES})
    options: tuple[tuple[str, Any], ...] = static(default=())

    def __repr__(self) -> str:
        arguments = (f"{name}={readable(value)}" for name, value in self.arguments.items())
        return f"optimizer({', '.join([readable(self.function), *arguments])})"

    @property
    def arguments(self) -> dict[str, Any]:
        """What the optax function is called with."""
        return self.numbers | dict(self.options)

    @property
    def schedules(self) -> dict[str, Callable[[jax.Array], Any]]:
        """The arguments that depend on the step: schedules, and any function given as the learning rate."""
        arguments = self.arguments.items()
        return {name: given for name, given in arguments if isinstance(given, Schedule) or (name == "learning_rate" and callable(given))}

    def build(self) -> optax.GradientTransformation:
        """The optax transformation; call it inside the traced run, where the numbers are traced."""
        if not self.schedules:
            return self.function(**self.arguments)

        def init(params: Params) -> Scheduled:
            step = jnp.zeros((), jnp.int32)
            return Scheduled(step, self._built_at(step).init(params))

        def update(gradients: Params, state: Scheduled, params: Params = None, **extra: Any) -> tuple[Params, Scheduled]:
            built = optax.with_extra_args_support(self._built_at(state.step))
            updates, inner = built.update(gradients, state.inner, params, **extra)
            return updates, Scheduled(state.step + 1, inner)

        return optax.GradientTransformationExtraArgs(init, update)

    def rates(self, state: Any, scale: Any = None) -> Metrics:
        """The learning rate, where one is given, and what else changes from step to step, as they were in the last update, by name.

        state: of ``build()``, or one that holds it. scale: by what updates are multiplied; the learning rate then is that many times it.
        """
        rates = self._values(jnp.maximum(scheduled_states(state)[0].step - 1, 0)) if self.schedules else {}
        rate = rates.get("learning_rate", self.numbers.get("learning_rate"))
        if rate is not None:
            rates["learning_rate"] = jnp.asarray(rate) if scale is None else jnp.asarray(rate) * scale
        return rates

    @property
    def members(self) -> "tuple[Optimizer, ...]":
        """Itself, as of several the optimizers that they are made of."""
        return (self,)

    def map(self, change: Callable[["Optimizer"], "Optimizer"]) -> "Optimizer":
        """Itself changed, as several with each of their members changed."""
        return change(self)

    def frozen_as(self, source: Params, tree: Params) -> Params:
        """The tree itself: all of it is learned."""
        del source
        return tree

    def _values(self, step: jax.Array) -> Metrics:
        with jax.numpy_dtype_promotion("standard"):  # as optax's schedules need it
            return {name: jnp.asarray(schedule(step)) for name, schedule in self.schedules.items()}

    def _built_at(self, step: jax.Array) -> optax.GradientTransformation:
        return self.function(**(self.arguments | self._values(step)))


def optimizer(function: Callable[..., optax.GradientTransformation] | str, **arguments: Any) -> Optimizer:
    """An optimizer by its optax function or its name, for instance ``optimizer("adamw", learning_rate=1e-3, weight_decay=1e-4)``.

    Floats and schedules become leaves of the recipe, so that every value runs in the same compiled program; so do whole numbers given
    where optax has a float (``learning_rate=1``). Flags, names, None and other whole numbers are structure. Every float may be a
    schedule, whether optax knows of schedules there or not. Names are those of optax's own optimizers; one of ``optax.contrib`` is
    given as a function. The parameters of a run are those that an optimizer trains at: of ``optax.contrib.schedule_free`` take
    ``schedule_free_eval_params(run.state.optimizer, run.params)``.

    Raises TypeError where the function isn't one that makes an optax transformation, ValueError for a name that optax doesn't have,
    or an argument that the function doesn't.

    >>> import optax
    >>> optimizer(optax.sgd, learning_rate=1, nesterov=True)
    optimizer(optax.sgd, learning_rate=1.0, nesterov=True)
    """
    if isinstance(function, str):
        function = _by_name(function)
    if not callable(function) or isinstance(function, optax.GradientTransformation):
        advice = "Give the function itself, optimizer(optax.adam, learning_rate=1e-3), not what it returns."
        raise TypeError(sentence("optimizer", "function", "an optax function", repr(function)[:60], advice))
    parameters = {name: _parameter(function, name) for name in arguments}
    for name, value in arguments.items():
        _check_argument(function, parameters[name], value)
    if function is optax.lbfgs and arguments.get("linesearch", "optax's own") is not None:
        advice = "Write linesearch=None: a step has the gradient of its batch, and no second look at the loss."
        raise ValueError(sentence("optimizer", "linesearch", "None", "optax's own", advice))
    numbers = {name: _number(value) for name, value in arguments.items() if _is_leaf(value, parameters[name])}
    options = tuple(sorted((name, value) for name, value in arguments.items() if name not in numbers))
    made = Optimizer(function=function, numbers=numbers, options=options)
    check_builds(made)
    return made


def named_optimizers() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """optax's own optimizers by name: its public functions that begin with a learning rate, but for the parts of others (scale_by_...)."""
    functions = {name: found for name, found in public_functions(optax).items() if isinstance(found, FunctionType | functools.partial)}
    first = {name: next(iter(inspect.signature(function).parameters), "") for name, function in functions.items()}
    names = [name for name, argument in first.items() if argument.endswith("learning_rate") and not name.startswith("scale_by")]
    return {name: functions[name] for name in sorted(names)}


def _by_name(name: str) -> Callable[..., optax.GradientTransformation]:
    known = named_optimizers()
    if name not in known:
        advice = "One of optax.contrib is given as a function, optimizer(optax.contrib.prodigy)."
        raise ValueError(f"optimizer: optax has no optimizer {name[:60]!r}. {nearest(name.lower(), known)} {advice}")
    return known[name]


def _name(function: Callable[..., Any]) -> str:
    return readable(function).rpartition(".")[2]


def scheduled_states(state: Any) -> list[Scheduled]:
    """The states of schedules within a state, in the order of its leaves, which for parts is that of their names."""
    nodes = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, Scheduled))
    return [node for node in nodes if isinstance(node, Scheduled)]


def _parameter(function: Callable[..., Any], name: str) -> inspect.Parameter:
    """The parameter of that name; of ``**others`` any."""
    known = inspect.signature(function).parameters
    if name in known:
        return known[name]
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        raise ValueError(f"optimizer: {_name(function)} has no argument {name!r}. {nearest(name, known)}")
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)


def _check_argument(function: Callable[..., Any], parameter: inspect.Parameter, value: Any) -> None:
    name = parameter.name
    if value is None and parameter.default is inspect.Parameter.empty:
        raise ValueError(sentence("optimizer", name, "a number", None, f"{_name(function)} can't do without."))
    if isinstance(value, str | bool) and (name == "learning_rate" or isinstance(parameter.default, float)):
        raise TypeError(sentence("optimizer", name, "a number or a schedule", repr(value)))
    if not _is_leaf(value, parameter) and not _has_hash(value):
        advice = "A mask can be a function of the parameters that returns it; a key can be a seed."
        raise TypeError(sentence("optimizer", name, "a number, a schedule, or something that can be hashed", type(value).__name__, advice))


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_leaf(value: Any, parameter: inspect.Parameter) -> bool:
    wants_float = isinstance(parameter.default, float) or parameter.default is inspect.Parameter.empty
    if isinstance(value, int):
        return wants_float and not isinstance(value, bool)
    is_array = isinstance(value, np.ndarray | np.generic | jax.Array) and not jnp.issubdtype(value.dtype, jax.dtypes.extended)
    return is_array or isinstance(value, float | Schedule)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value


def check_builds(made: Optimizer) -> None:
    """Refuses a function or arguments that make no optax transformation, as a file may name them."""
    numbers = dict.fromkeys(made.schedules, 0.1)  # any will do: nothing is computed with it
    try:
        transformation = made.function(**(made.arguments | numbers))
    except TypeError as error:
        raise TypeError(f"optimizer: {_name(made.function)} can't be called so: {error}.") from error
    if not hasattr(transformation, "init") or not hasattr(transformation, "update"):
        advice = "Give a function such as optax.adam."
        raise TypeError(
            sentence("optimizer", "function", "one that returns an optax transformation", type(transformation).__name__, advice)
        )
