r"""Hypergradients: the derivative of a run's validation loss by every number of its recipe, through all of its steps.

Reverse-mode differentiation walks a run backwards and so needs each of its states again (Maclaurin et al. 2015 undo the steps). Here
only the states at the beginnings of epochs are kept, and those within an epoch are computed again, twice over, when its turn comes
(rematerialisation, ``jax.checkpoint``): a run costs two runs more and memory for

.. math:: (\text{epochs} + \text{steps of an epoch}) \cdot \text{one state} + \text{residuals of one step},

a state being the parameters and the optimizer's memory of them; kept whole it would be steps times residuals of a step. Measured (digits,
two layers of 64, momentum, 40 epochs of 45 steps): 7.0 MB, the bound without its last term being 6.1 MB, in place of 425 MB.
"""

import inspect
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnn.bits import enough_bits
from jaxnn.checks import sentence
from jaxnn.compiling import compiled
from jaxnn.keys import key_data
from jaxnn.loop import Data, State, Status, cast_numbers, epoch_order, finish_epoch, start, train_steps
from jaxnn.measuring import evaluate
from jaxnn.optimizers import Optimizer
from jaxnn.precision import all_finite
from jaxnn.recipes import Recipe
from jaxnn.training import as_data, check_recipe, check_run, plain_numbers
from jaxnn.typing import Params


def hypergradient(recipe: Recipe, data: Any, *, key: Any = 0, validation: Any = None, member: int = 0) -> tuple[float, Recipe]:
    """The validation loss at the end of the run, and its derivative by each number of the recipe, in a recipe of the same structure.

    data, key, validation, member: as in ``fit``; the run is the one that ``fit`` trains. A number that is only compared with others,
    such as the ``start_epoch`` of an average, has the derivative 0; one that is compared and computed with, such as a dropout rate, that of
    what is computed, the same units being dropped. The alpha of mixup has that of draws which move as their distribution does: right in
    the mean over keys, and not for the draws of one. All is nan where the run diverges. Derivatives of a run that is near to that, or long,
    are very large, and mean little.

    Raises what ``fit`` raises, and ValueError without rows to validate on, with early stopping or smaller steps on a plateau, whose
    decisions jump, and with an optimizer whose steps have no slope where a gradient is 0: all that take the root of a mean square without
    eps_root above 0, such as Adam, for one such gradient would make all nan. Those that divide by the norm of an array (LARS, LAMB,
    NovoGrad) make all nan where the gradients of a whole array are 0.

    >>> import jaxnn, numpy as np, optax
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> recipe = jaxnn.Recipe(jaxnn.Regression(jaxnn.models.mlp((), 1)), jaxnn.optimizer(optax.sgd, learning_rate=0.01), epochs=3)
    >>> loss, slopes = hypergradient(recipe, (x, 3 * x[:, 0]), validation=0.25)
    >>> slopes.optimizer.numbers["learning_rate"] < 0  # a higher rate would have come further
    True
    """
    check_recipe("hypergradient", recipe)
    seed = key_data(key, "hypergradient")
    with enough_bits(recipe.wide):
        rows = as_data("hypergradient", data, validation, seed, wide=recipe.wide)
        check_run("hypergradient", recipe, rows)
        _check("hypergradient", recipe, rows)
        loss, slopes = compiled(_loss_and_slopes)(plain_numbers(recipe), rows, seed, np.int32(member))
        return float(loss), jax.tree.map(lambda slope: math.nan if math.isnan(loss) else float(slope), slopes)


def validation_loss(recipe: Recipe, data: Data, key: jax.Array, member: Any = 0) -> jax.Array:
    """The loss on the validation rows at the end of the run, nan if it diverged: pure, to be differentiated, compiled and mapped.

    ``jax.grad(validation_loss)(recipe, data, key)`` is a recipe of derivatives. data, key, member: as in ``start``; data name rows to
    validate on. For its memory see the module. Raises ValueError as ``hypergradient`` does.
    """
    _check("validation_loss", recipe, data)
    held_out = data.batch(data.validation, jnp.ones(data.validation.shape))
    recipe = recipe.replace(norms=False)  # nobody looks at them, and at 0 a norm has no slope
    state, recipe = start(recipe, data, key, member), cast_numbers(recipe, held_out.weight.dtype)

    @jax.checkpoint
    def step(state: State, scanned: Any) -> tuple[State, Any]:
        number, rows, weight = scanned
        return train_steps(recipe, state, data, rows[None], weight[None], number)

    def epoch(before: State) -> State:
        indices, weights = epoch_order(recipe, before, data.train)
        numbers = before.epoch * indices.shape[0] + jnp.arange(indices.shape[0], dtype=jnp.int32)
        after, measured = jax.lax.scan(step, before, (numbers, indices, weights))
        return finish_epoch(recipe, before, after, jax.tree.map(jnp.ravel, measured), {})[0]

    @jax.checkpoint  # around the cond, which would keep the data of each epoch for its way back
    def epoch_or_none(state: State, _: None) -> tuple[State, None]:
        return jax.lax.cond(state.status == Status.RUNNING, epoch, lambda state: state, state), None

    state, _ = jax.lax.scan(epoch_or_none, state, length=recipe.epochs)
    loss = evaluate(recipe.task, state.result, held_out)["loss"]
    return jnp.where(state.status == Status.DIVERGED, jnp.nan, loss)


def _loss_and_slopes(recipe: Recipe, data: Data, key: jax.Array, member: jax.Array) -> tuple[jax.Array, Recipe]:
    with jax.numpy_dtype_promotion("standard"):  # optax's powers of whole step counts are differentiated here, not where they stand
        return jax.value_and_grad(validation_loss)(recipe, data, key, member)


def _check(where: str, recipe: Recipe, data: Data) -> None:
    for name, rule in recipe.monitors.items():
        advice = "What it decides jumps as numbers change: fix epochs and learning rates."
        raise ValueError(sentence(where, f"recipe.{name}", "None", repr(rule), advice))
    if data.validation is None:
        expected = "given, for its loss is what is differentiated"
        raise ValueError(sentence(where, "validation", expected, "None", "For instance validation=0.2."))
    for part in recipe.optimizer.members:
        if not _has_slopes(part):
            if "eps_root" in inspect.signature(part.function).parameters and not part.arguments.get("eps_root"):
                advice = "Write eps_root=1e-8 beside the learning rate."
                raise ValueError(sentence(where, "eps_root", "above 0, for the slope of a root is infinite at 0", repr(part), advice))
            advice = 'Take optimizer("adam", eps_root=1e-8, learning_rate=...), or "sgd".'
            raise ValueError(sentence(where, "optimizer", "one whose steps have slopes where a gradient is 0", repr(part), advice))


def _has_slopes(part: Optimizer) -> bool:
    """Whether steps have finite slopes where a gradient is 0: tried, with 0.1 for numbers that are only traced, or that may diverge."""

    def end(numbers: Any, start: Params) -> jax.Array:
        transformation = optax.with_extra_args_support(part.replace(numbers=numbers).build())
        params, state = start, transformation.init(start)
        for _ in range(4):  # rectified Adam needs four to come to what it is
            updates, state = transformation.update(jnp.arange(3.0) * params, state, params, value=jnp.ones(()))
            params = optax.apply_updates(params, updates)
        return params.sum()

    with jax.ensure_compile_time_eval(), jax.numpy_dtype_promotion("standard"):
        numbers = jax.tree.map(lambda leaf: 0.1 if isinstance(leaf, jax.core.Tracer) or leaf > 1 else float(leaf), part.numbers)
        return bool(all_finite(jax.grad(end, argnums=(0, 1))(numbers, jnp.ones(3))))
