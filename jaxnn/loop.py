"""The run itself: ``start`` draws the initial state, ``advance`` takes it some epochs on. Both are pure.

A run is a scan over epochs of a scan over steps. Inside there is no host, no printing and no exception: how a run ends is data,
``State.status``. An epoch is ``epoch_order``, ``train_steps``, ``finish_epoch``; who can't hold all rows runs its steps in pieces.
"""

import functools
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn.averaging import Average, average_with, no_average
from jaxnn.checks import sentence
from jaxnn.data.batching import epoch_batches
from jaxnn.layers.buffers import with_buffers, without_buffers
from jaxnn.measuring import evaluate
from jaxnn.precision import Scaling, all_finite, no_scaling
from jaxnn.recipes import Recipe
from jaxnn.records import Record
from jaxnn.steps import Learner, draws, take_step
from jaxnn.stopping import Best, Plateau, best_after, no_best, no_plateau, plateau_after
from jaxnn.typing import Batch, Metrics, Params


class Status(IntEnum):
    """How a run stands. The sentences for people are in ``Run.outcome``."""

    RUNNING = 0
    STOPPED_EARLY = 1
    DIVERGED = 2


class Data(Record):
    """All examples, shared by every run, and the rows that this run may see: index arrays into x and y.

    x (rows, ...), y (rows, ...) or None; train (train rows,) int32; validation (validation rows,) int32 or None; weight: how much each
    row counts, (rows,), or None where all count the same. Means are divided by the sum of the weights.
    """

    x: Any
    y: Any
    train: Any
    validation: Any = None
    weight: Any = None

    def batch(self, rows: jax.Array | slice, weight: jax.Array) -> Batch:
        """The examples of those rows."""
        x, y, own = jax.tree.map(lambda leaf: jnp.asarray(leaf)[rows], (self.x, self.y, self.weight))
        weight = weight.astype(data_dtype(self.x))
        return Batch(x, y, weight if own is None else weight * own.astype(weight.dtype))


class State(Record):
    """All that the next step needs: from an equal state the rest of a run is equal, bit for bit.

    keys: raw data (2, 2) of the run's two random keys, one for orders of examples and one for what steps draw. epoch: epochs
    behind it. diverged_step: the step, counted from 0 over the whole run, at which a loss (or, at the end of an epoch, a
    parameter) was first not finite; -1 while there is none. What the recipe does not ask for is None.
    """

    params: Params
    optimizer: Any
    keys: jax.Array
    epoch: jax.Array
    status: jax.Array
    diverged_step: jax.Array
    best: Best | None = None
    average: Average | None = None
    plateau: Plateau | None = None
    scaling: Scaling | None = None

    @property
    def result(self) -> Params:
        """The parameters that stand for the run now: the average where one is kept, with the newest of what layers count themselves."""
        return self.params if self.average is None else with_buffers(self.average.params, self.params)


def start(recipe: Recipe, data: Data, key: jax.Array, member: jax.Array) -> State:
    """The initial state. key: raw key data (2,) uint32; member: which member of a population this is, folded into the key."""
    recipe = cast_numbers(recipe, data_dtype(data.x))
    own = jax.random.fold_in(jax.random.wrap_key_data(key), member)
    init_key, *run_keys = jax.random.split(own, 3)
    first = jnp.zeros(1, jnp.int32)
    params = recipe.task.init(init_key, data.batch(first, jnp.ones(1)))
    zero, dtype = jnp.zeros((), jnp.int32), data_dtype(data.x)
    return State(
        params=params,
        optimizer=recipe.optimizer.build().init(without_buffers(params)),
        keys=jnp.stack([jax.random.key_data(run_key) for run_key in run_keys]),
        epoch=zero,
        status=zero + Status.RUNNING,
        diverged_step=zero - 1,
        best=None if recipe.early_stopping is None else no_best(recipe.early_stopping, params, dtype),
        average=None if recipe.averaging is None else no_average(without_buffers(params)),
        plateau=None if recipe.plateau is None else no_plateau(dtype),
        scaling=no_scaling() if recipe.precision == "float16" else None,
    )


def advance(recipe: Recipe, state: State, data: Data, *, epochs: int) -> tuple[State, Metrics]:
    """The state `epochs` further on, and the metrics of each epoch, (epochs,) each.

    ``loss`` is the mean training loss over the epoch's steps, without the L2 term, as the parameters were at each step, and so is what
    else the task measures on the way. The optimizer's ``learning_rate``, and what else of its numbers changes, are those of the last step.
    ``validation_...`` and ``training_...`` are measured at the epoch's end. Epochs after the run has stopped are NaN and leave the state
    as it is.
    """
    return lax.scan(_epoch(recipe, state, data)[0], state, length=epochs)


def advance_some(recipe: Recipe, state: State, data: Data, epochs: jax.Array, *, most: int) -> tuple[State, Metrics]:
    """``advance`` by so many of at most `most` epochs: one program for pieces of any length, with no derivative. Metrics are (most,)."""
    epoch, nothing = _epoch(recipe, state, data)

    def left(carry: tuple[State, Metrics, jax.Array]) -> jax.Array:
        state, _, done = carry
        return (state.status == Status.RUNNING) & (done < epochs)

    def further(carry: tuple[State, Metrics, jax.Array]) -> tuple[State, Metrics, jax.Array]:
        state, history, done = carry
        state, metrics = lax.scan(epoch, state, length=1)  # as in ``advance``: without the scan XLA rounds otherwise
        put = functools.partial(lax.dynamic_update_slice_in_dim, start_index=done, axis=0)
        return state, jax.tree.map(put, history, metrics), done + 1

    history = jax.tree.map(lambda value: jnp.broadcast_to(value, (most, *value.shape)), nothing)
    return lax.while_loop(left, further, (state, history, jnp.zeros((), jnp.int32)))[:2]


def _epoch(recipe: Recipe, state: State, data: Data) -> tuple[Callable[[State, None], tuple[State, Metrics]], Metrics]:
    """From a state to that of the next epoch and its metrics; and the NaN that stand for these once the run has stopped."""
    recipe = cast_numbers(recipe, data_dtype(data.x))
    sets = measured_sets(recipe, data)

    @jax.jit  # not for speed: it is traced once, where its shapes are asked for, and not again where it is called
    def run_epoch(state: State) -> tuple[State, Metrics]:
        indices, weights = epoch_order(recipe, state, data.train)
        after, steps = train_steps(recipe, state, data, indices, weights, state.epoch * indices.shape[0])
        return finish_epoch(recipe, state, after, steps, sets)

    shapes = jax.eval_shape(run_epoch, state)[1]
    nothing = jax.tree.map(lambda metric: jnp.full(metric.shape, jnp.nan, metric.dtype), shapes)

    def epoch(state: State, _: None) -> tuple[State, Metrics]:
        return lax.cond(state.status == Status.RUNNING, run_epoch, lambda state: (state, nothing), state)

    return epoch, nothing


def measured_sets(recipe: Recipe, data: Data) -> dict[str, Batch]:
    """What is measured at the end of each epoch, by the name that its metrics begin with."""
    rows = {"validation": data.validation, "training": data.train if recipe.measure_training else None}
    return {name: data.batch(which, jnp.ones(which.shape)) for name, which in rows.items() if which is not None}


def cast_numbers(recipe: Recipe, dtype: Any) -> Recipe:
    """The recipe with its hyperparameters in the dtype of the data, so that nothing is promoted on the way.

    Raises ValueError for data of fewer bits than the recipe, or 0.999, needs: who holds ``Data`` in hand has to cast them.
    """
    if (recipe.wide and dtype != jnp.float64) or jnp.finfo(dtype).bits < 32:
        expected, advice = "float64, as its precision is" if recipe.wide else "float32 or float64", "Call fit, which casts them."
        raise ValueError(sentence("advance", "data", expected, dtype, advice))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), recipe)


def epoch_order(recipe: Recipe, state: State, rows: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The rows of each step of the epoch that comes, and their weights, 0 for what only fills the last: both (steps, rows of a step)."""
    key = jax.random.fold_in(jax.random.wrap_key_data(state.keys[0]), state.epoch)
    return epoch_batches(key, rows, recipe.batch_size, recipe.accumulation)


def train_steps(
    recipe: Recipe, state: State, data: Data, indices: jax.Array, weights: jax.Array, first_step: Any
) -> tuple[State, tuple[Metrics, jax.Array]]:
    """The state after so many steps, still in its epoch, and what they measured: sums (steps,) by name, and what each counts (steps,).

    indices: rows of data; first_step: the number of the first of the steps in the whole run. Pieces of an epoch one after the other
    are the epoch, bit for bit.
    """
    _check_kept(recipe, state)
    steps_key = jax.random.wrap_key_data(state.keys[1])
    scale = None if state.plateau is None else state.plateau.scale

    def step(learner: Learner, scanned: Any) -> tuple[Learner, tuple[Metrics, jax.Array]]:
        number, rows, weight = scanned
        batch = data.batch(rows, weight)
        key = jax.random.fold_in(steps_key, first_step + number) if draws(recipe) else None
        learner, metrics, total = take_step(recipe, learner, batch, key, state.epoch, scale)
        return learner, ({name: value * total for name, value in metrics.items()}, total)

    numbers = jnp.arange(indices.shape[0], dtype=jnp.int32)
    learner = Learner(state.params, state.optimizer, state.average, state.scaling)
    learner, measured = lax.scan(step, learner, (numbers, indices, weights))
    return state.replace(**learner._asdict()), measured


def finish_epoch(
    recipe: Recipe, before: State, after: State, measured: tuple[Metrics, jax.Array], sets: Mapping[str, Batch]
) -> tuple[State, Metrics]:
    """The state at the end of the epoch that began with `before`, and its metrics.

    measured: what all its steps measured; sets: examples to evaluate by name.
    """
    sums, totals = measured
    steps = totals.shape[0]
    wrong = ~jnp.isfinite(sums["loss"])
    bad_step = jnp.where(wrong.any(), jnp.argmax(wrong).astype(jnp.int32), -1)
    bad_step = jnp.where((bad_step < 0) & ~all_finite(after.params), steps - 1, bad_step)
    metrics = {name: values.sum() / totals.sum() for name, values in sums.items()}
    metrics |= recipe.optimizer.rates(after.optimizer, None if before.plateau is None else before.plateau.scale)
    after = after.replace(epoch=before.epoch + 1, diverged_step=jnp.where(bad_step < 0, -1, before.epoch * steps + bad_step))
    if after.average is not None and recipe.averaging is not None and recipe.averaging.every == "epoch":
        after = after.replace(average=average_with(recipe.averaging, after.average, without_buffers(after.params), before.epoch))
    for name, batch in sets.items():
        found = evaluate(recipe.task, after.result, batch, recipe.metrics)
        metrics |= {f"{name}_{metric}": value for metric, value in found.items()}
    return _freeze_if_diverged(before, _decided(recipe, after, metrics)), metrics


def _check_kept(recipe: Recipe, state: State) -> None:
    """Refuses the state of a run with other rules: an average that nobody moves would stand for the run."""
    kept = {
        "early_stopping": (recipe.early_stopping, state.best),
        "averaging": (recipe.averaging, state.average),
        "plateau": (recipe.plateau, state.plateau),
        "precision": (recipe.precision == "float16" or None, state.scaling),
    }
    for name, (rule, there) in kept.items():
        if (rule is None) != (there is None):
            expected = f"of a run whose recipe has {'no' if rule is None else 'this'} {name}"
            raise ValueError(sentence("advance", "state", expected, "that of another", "Take start(recipe, ...) for a new one."))


def _decided(recipe: Recipe, state: State, metrics: Metrics) -> State:
    """With what the recipe's rules make of the epoch's metrics."""
    if recipe.early_stopping is not None and state.best is not None:
        best, stop = best_after(recipe.with_mode(recipe.early_stopping), state.best, state.result, metrics, state.epoch)
        state = state.replace(best=best, status=jnp.where(stop, Status.STOPPED_EARLY, state.status))
    if recipe.plateau is not None and state.plateau is not None:
        state = state.replace(plateau=plateau_after(recipe.with_mode(recipe.plateau), state.plateau, metrics))
    return state


def _freeze_if_diverged(before: State, after: State) -> State:
    """A run that diverged in this epoch keeps the state that the epoch began with, the last that was finite."""
    diverged = after.diverged_step >= 0
    frozen = before.replace(status=jnp.full((), Status.DIVERGED, jnp.int32), diverged_step=after.diverged_step)
    return lax.cond(diverged, lambda: frozen, lambda: after)  # a cond copies; a select would be one more kernel a leaf to compile


def data_dtype(x: Any) -> Any:
    """The floating-point dtype that examples of that x are computed in."""
    floats = [leaf.dtype for leaf in jax.tree.leaves(x) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return floats[0] if floats else jnp.result_type(float)
