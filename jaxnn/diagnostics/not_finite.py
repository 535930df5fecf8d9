"""Where a NaN came from: the step, the layer and the quantity of a run that was first not finite."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import enough_bits
from jaxnn.compiling import compiled
from jaxnn.diagnostics.tracing import WatchedOptimizer, WatchedTask, wrong
from jaxnn.keys import key_data
from jaxnn.loop import Data, State, Status, cast_numbers, epoch_order, train_steps
from jaxnn.precision import all_finite
from jaxnn.recipes import Recipe
from jaxnn.runs import Run
from jaxnn.training import as_data, check_recipe, check_run, plain_numbers, train
from jaxnn.typing import Params


@dataclass(frozen=True)
class NotFinite:
    """What was first not finite. step: counted from 0 over the whole run; epoch: counted from 1.

    quantity: "activation" (the output of a layer), "loss", "gradient" (what a layer's backward rule makes of a finite one, by its
    parameters or by its input), "update" (what the optimizer makes of it) or "parameter" (after the update), in the order in which a step
    computes them; gradients come from the last layer to the first. layer: its path, as ``summary`` has it, beginning with the network's
    name in the task; "" where none is to blame, so that a gradient is the loss's own. value: "nan" or "inf".
    """

    step: int
    epoch: int
    quantity: str
    layer: str
    value: str

    def __str__(self) -> str:
        where = f" of {self.layer}" if self.layer else ""
        return f"step {self.step} (epoch {self.epoch}): the {self.quantity}{where} was the first thing not finite, {self.value}"


class Step(NamedTuple):
    """A step and the state before it."""

    number: int
    state: State
    indices: jax.Array
    weights: jax.Array


def first_not_finite(recipe: Recipe, data: Any, *, key: Any = 0, validation: Any = None, member: int = 0) -> NotFinite | None:
    """Trains the run again and says what in it was first not finite; None for a run that does not diverge.

    The arguments of ``fit``, from which a run comes again bit for bit: to its last finite epoch at once, then step by step, and the
    step that went wrong operation by operation, by the hand-written rules, with every layer watched. What runs inside ``vmap``, and
    inside other libraries' differentiation, is not seen; then the next thing that can be seen is named, the loss at the latest.

    >>> import jaxnn, numpy as np, optax
    >>> x = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
    >>> recipe = jaxnn.Recipe(jaxnn.Regression(jaxnn.models.mlp((), 1)), jaxnn.optimizer(optax.sgd, learning_rate=1e38))
    >>> print(first_not_finite(recipe, (x, 90 * x[:, 0])))
    step 0 (epoch 1): the update of model.layers[0] was the first thing not finite, inf
    """
    check_recipe("first_not_finite", recipe)
    seed = key_data(key, "first_not_finite")
    with enough_bits(recipe.wide):
        rows = as_data("first_not_finite", data, validation, seed, wide=recipe.wide)
        check_run("first_not_finite", recipe, rows)
        return _found(recipe, rows, train(recipe, rows, seed, member))


def _found(recipe: Recipe, rows: Data, run: Run) -> NotFinite | None:
    """What the run of these rows came to."""
    if run.diverged_step is None or run.state is None:
        return None
    steps = compiled(epoch_order)(plain_numbers(recipe), run.state, rows.train)
    step = _first_bad_step(recipe, run.state.replace(status=jnp.full_like(run.state.status, Status.RUNNING)), rows, *steps)
    quantity, layer, value = _look_into(recipe, step, rows)
    return NotFinite(step.number, step.number // len(steps[0]) + 1, quantity, layer, value)


def _first_bad_step(recipe: Recipe, state: State, rows: Data, indices: jax.Array, weights: jax.Array) -> Step:
    """The first of the epoch after which the loss or a parameter is not finite."""
    numbers, first = plain_numbers(recipe), int(state.epoch) * len(indices)
    for place in range(len(indices)):
        step = Step(first + place, state, indices[place : place + 1], weights[place : place + 1])
        state, fine = compiled(_take)(numbers, state, rows, step.indices, step.weights, np.int32(step.number))
        if not fine:
            break
    return step


def _take(recipe: Recipe, state: State, rows: Data, indices: jax.Array, weights: jax.Array, number: Any) -> tuple[State, jax.Array]:
    recipe = cast_numbers(recipe, rows.batch(slice(1), jnp.ones(1)).weight.dtype)
    after, (sums, _) = train_steps(recipe, state, rows, indices, weights, number)
    return after, all_finite((after.params, sums["loss"]))


def _look_into(recipe: Recipe, step: Step, rows: Data) -> tuple[str, str, str]:
    """(quantity, layer, value) of the first that is not finite, in the order in which they are computed."""
    found: list[tuple[str, str, str]] = []
    names: dict[str, str] = {}

    def see(quantity: str, layer: str, tree: Any) -> None:
        found.extend((quantity, layer, value) for value in map(wrong, jax.tree.leaves(tree)) if value)

    def see_params(quantity: str, tree: Params) -> None:
        for path, leaf in reversed(jax.tree.leaves_with_path(tree)):
            place = jax.tree_util.keystr(path)
            see(quantity, names.get(place, place), leaf)

    recipe = cast_numbers(recipe, rows.batch(slice(1), jnp.ones(1)).weight.dtype)
    watched = recipe.replace(
        task=WatchedTask(recipe.task, see, see_params, names.update), optimizer=WatchedOptimizer(recipe.optimizer, see_params)
    )
    with jax.disable_jit():
        after, _ = train_steps(watched.replace(gradients="backprop"), step.state, rows, step.indices, step.weights, np.int32(step.number))
    see_params("parameter", after.params)
    return found[0] if found else ("loss", "", "nan")
