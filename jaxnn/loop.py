"""The run itself: ``start`` draws the initial state, ``advance`` takes it some epochs on. Both are pure.

A run is a scan over epochs of a scan over steps: batch -> gradients -> optimizer update. Inside there is no host, no
printing and no exception: how a run ends is data, ``State.status``.
"""

from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jaxnn.data.batching import epoch_batches
from jaxnn.layers.buffers import Buffers, with_moved_buffers, without_buffers
from jaxnn.recipes import EarlyStopping, Recipe
from jaxnn.records import Record
from jaxnn.tasks import Task
from jaxnn.typing import Batch, Metrics, Params

EVALUATION_ROWS = 4096
"""Rows evaluated at once; more are evaluated in pieces, so that memory stays bounded."""


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
        weight = weight.astype(_dtype(self.x))
        return Batch(x, y, weight if own is None else weight * own.astype(weight.dtype))


class Best(Record):
    """The best epoch so far, by validation loss, and how many epochs ago it was."""

    params: Params
    loss: jax.Array
    epoch: jax.Array
    waited: jax.Array


class State(Record):
    """All that the next step needs: from an equal state the rest of a run is equal, bit for bit.

    keys: raw data (2, 2) of the run's two random keys, one for orders of examples and one for what steps draw. epoch: epochs
    behind it. diverged_step: the step, counted from 0 over the whole run, at which a loss (or, at the end of an epoch, a
    parameter) was first not finite; -1 while there is none.
    """

    params: Params
    optimizer: Any
    keys: jax.Array
    epoch: jax.Array
    status: jax.Array
    diverged_step: jax.Array
    best: Best | None = None


def start(recipe: Recipe, data: Data, key: jax.Array, member: jax.Array) -> State:
    """The initial state. key: raw key data (2,) uint32; member: which member of a population this is, folded into the key."""
    recipe = cast_numbers(recipe, _dtype(data.x))
    own = jax.random.fold_in(jax.random.wrap_key_data(key), member)
    init_key, *run_keys = jax.random.split(own, 3)
    first = jnp.zeros(1, jnp.int32)
    params = recipe.task.init(init_key, data.batch(first, jnp.ones(1)))
    zero = jnp.zeros((), jnp.int32)
    best = None
    if recipe.early_stopping is not None:
        best = Best(params=params, loss=jnp.full((), jnp.inf, _dtype(data.x)), epoch=zero, waited=zero)
    return State(
        params=params,
        optimizer=recipe.optimizer.build().init(without_buffers(params)),
        keys=jnp.stack([jax.random.key_data(run_key) for run_key in run_keys]),
        epoch=zero,
        status=zero + Status.RUNNING,
        diverged_step=zero - 1,
        best=best,
    )


def advance(recipe: Recipe, state: State, data: Data, *, epochs: int) -> tuple[State, Metrics]:
    """The state `epochs` further on, and the metrics of each epoch, (epochs,) each.

    ``loss`` is the mean training loss over the epoch's steps, without the L2 term, as the parameters were at each step, and so is what
    else the task measures on the way; ``validation_...`` is measured at the epoch's end. Epochs after the run has stopped are NaN and
    leave the state as it is.
    """
    recipe = cast_numbers(recipe, _dtype(data.x))
    validation = None
    if data.validation is not None:
        validation = data.batch(data.validation, jnp.ones(data.validation.shape))

    @jax.jit  # not for speed: it is traced once, where its shapes are asked for, and not again where it is called
    def run_epoch(state: State) -> tuple[State, Metrics]:
        after, metrics = _train_epoch(recipe, state, data)
        if validation is not None:
            measured = evaluate(recipe.task, after.params, validation)
            metrics |= {f"validation_{name}": value for name, value in measured.items()}
        if recipe.early_stopping is not None:
            after = _stop_early(recipe.early_stopping, after, metrics["validation_loss"])
        return _freeze_if_diverged(state, after), metrics

    shapes = jax.eval_shape(run_epoch, state)[1]
    nothing = jax.tree.map(lambda metric: jnp.full(metric.shape, jnp.nan, metric.dtype), shapes)

    def epoch(state: State, _: None) -> tuple[State, Metrics]:
        return lax.cond(state.status == Status.RUNNING, run_epoch, lambda state: (state, nothing), state)

    return lax.scan(epoch, state, length=epochs)


def evaluate(task: Task, params: Params, batch: Batch) -> Metrics:
    """The task's metrics over a batch of any size, in pieces of EVALUATION_ROWS where it is larger."""
    rows = batch.weight.shape[0]
    if rows <= EVALUATION_ROWS:
        return task.evaluate(params, batch)
    pieces = -(-rows // EVALUATION_ROWS)

    def cut(leaf: jax.Array) -> jax.Array:
        padding = [(0, pieces * EVALUATION_ROWS - rows)] + [(0, 0)] * (leaf.ndim - 1)
        padded = jnp.pad(leaf, padding, mode="edge")  # the last row again: zeros may be no example, such as a length of 0
        return padded.reshape(pieces, EVALUATION_ROWS, *leaf.shape[1:])

    whole = task.total(batch)

    def add(sums: Metrics, piece: Batch) -> tuple[Metrics, None]:
        share = task.total(piece) / whole
        return jax.tree.map(lambda sum_, mean: sum_ + share * mean, sums, task.evaluate(params, piece)), None

    cut_batch = jax.tree.map(cut, batch)
    there = jnp.arange(pieces * EVALUATION_ROWS).reshape(pieces, EVALUATION_ROWS) < rows
    cut_batch = cut_batch._replace(weight=jnp.where(there, cut_batch.weight, 0))
    shapes = jax.eval_shape(task.evaluate, params, jax.tree.map(lambda leaf: leaf[0], cut_batch))
    zeros = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), shapes)
    return lax.scan(add, zeros, cut_batch)[0]


def cast_numbers(recipe: Recipe, dtype: Any) -> Recipe:
    """The recipe with its hyperparameters in the dtype of the data, so that nothing is promoted on the way."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), recipe)


def _train_epoch(recipe: Recipe, state: State, data: Data) -> tuple[State, Metrics]:
    order_key, steps_key = (jax.random.wrap_key_data(raw) for raw in state.keys)
    indices, weights = epoch_batches(jax.random.fold_in(order_key, state.epoch), data.train, recipe.batch_size)
    first_step = state.epoch * indices.shape[0]
    transformation = recipe.optimizer.build()

    def step(carry: Any, scanned: Any) -> tuple[Any, tuple[Metrics, jax.Array]]:
        params, optimizer_state, bad_step = carry
        number, rows, weight = scanned
        batch = data.batch(rows, weight)
        key = jax.random.fold_in(steps_key, first_step + number) if recipe.task.draws else None
        metrics, gradients = recipe.task.gradients(params, batch, key, recipe.gradients)
        if recipe.l2 is not None:
            gradients = _add_l2(gradients, params, recipe.l2)
        learned = without_buffers(params)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by its integer step count
            updates, optimizer_state = transformation.update(without_buffers(gradients), optimizer_state, learned)
        bad_step = jnp.where((bad_step < 0) & ~jnp.isfinite(metrics["loss"]), number, bad_step)
        params = with_moved_buffers(optax.apply_updates(learned, updates), params, gradients)
        total = recipe.task.total(batch)
        return (params, optimizer_state, bad_step), ({name: value * total for name, value in metrics.items()}, total)

    numbers = jnp.arange(indices.shape[0], dtype=jnp.int32)
    carry = (state.params, state.optimizer, jnp.full((), -1, jnp.int32))
    (params, optimizer_state, bad_step), (sums, totals) = lax.scan(step, carry, (numbers, indices, weights))
    bad_step = jnp.where((bad_step < 0) & ~_all_finite(params), indices.shape[0] - 1, bad_step)
    after = state.replace(
        params=params,
        optimizer=optimizer_state,
        epoch=state.epoch + 1,
        diverged_step=jnp.where(bad_step < 0, -1, first_step + bad_step),
    )
    return after, {name: values.sum() / totals.sum() for name, values in sums.items()}


def _add_l2(gradients: Params, params: Params, l2: Any) -> Params:
    """d/d theta of alpha ||theta||^2 is 2 alpha theta; vectors, biases and scales, also those of stacked layers, are left out."""

    def add(path: Any, gradient: Any, param: Any) -> Any:
        name = str(getattr(path[-1], "key", getattr(path[-1], "name", ""))) if path else ""
        free = isinstance(param, Buffers) or param.ndim <= 1 or name in ("bias", "scale")
        return gradient if free else gradient + 2 * l2 * param

    return jax.tree.map_with_path(add, gradients, params, is_leaf=lambda node: isinstance(node, Buffers))


def _stop_early(rule: EarlyStopping, state: State, loss: jax.Array) -> State:
    before = state.best
    assert before is not None  # for the type checker: start made it, for the recipe has early_stopping
    improved = loss < before.loss - rule.min_delta
    waited = jnp.where(improved, 0, before.waited + 1)
    keep = Best(params=state.params, loss=loss, epoch=state.epoch, waited=waited)
    best = lax.cond(improved, lambda: keep, lambda: before.replace(waited=waited))
    patient = waited.astype(loss.dtype) < rule.patience
    return state.replace(best=best, status=jnp.where(patient, state.status, Status.STOPPED_EARLY))


def _freeze_if_diverged(before: State, after: State) -> State:
    """A run that diverged in this epoch keeps the state that the epoch began with, the last that was finite."""
    diverged = after.diverged_step >= 0
    frozen = before.replace(status=jnp.full((), Status.DIVERGED, jnp.int32), diverged_step=after.diverged_step)
    return lax.cond(diverged, lambda: frozen, lambda: after)  # a cond copies; a select would be one more kernel a leaf to compile


def _all_finite(tree: Any) -> jax.Array:
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in floats]))


def _dtype(x: Any) -> Any:
    floats = [leaf.dtype for leaf in jax.tree.leaves(x) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return floats[0] if floats else jnp.result_type(float)
