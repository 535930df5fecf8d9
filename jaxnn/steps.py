"""One step of training: batch -> gradients -> what a recipe does to them -> optimizer -> what it does to parameters."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jaxnn.averaging import Average, average_with
from jaxnn.layers.buffers import with_frozen_buffers, with_moved_buffers, without_buffers
from jaxnn.precision import Scaling, all_finite, low_gradients, scaling_after
from jaxnn.recipes import Recipe
from jaxnn.regularisation import absolute, mixed, noisy, squared, with_penalty, within_max_norm
from jaxnn.typing import Batch, Key, Metrics, Params


class Learner(NamedTuple):
    """What a step changes."""

    params: Params
    optimizer: Any
    average: Average | None = None
    scaling: Scaling | None = None


def draws(recipe: Recipe) -> bool:
    """Whether a step makes use of its key."""
    return recipe.task.draws or recipe.input_noise is not None or recipe.mixup is not None


def take_step(
    recipe: Recipe, learner: Learner, batch: Batch, key: Key | None, epoch: jax.Array, scale: Any
) -> tuple[Learner, Metrics, jax.Array]:
    """One update, in that epoch, counted from 0, what it measured, and how much that counts. scale: of every update, or None."""
    batch, key = _augmented(recipe, batch, key)
    metrics, changes = _changes(recipe, learner, batch, key)
    gradients = without_buffers(changes)
    moved, optimizer, measured = _moved(recipe, learner, gradients, metrics["loss"], scale)
    scaling, average = learner.scaling, learner.average
    if scaling is not None:
        finite = all_finite(gradients)
        before = without_buffers(learner.params), learner.optimizer, jax.tree.map(jnp.zeros_like, measured)
        moved, optimizer, measured = jax.tree.map(lambda new, old: jnp.where(finite, new, old), (moved, optimizer, measured), before)
        scaling, measured["left_out"] = scaling_after(scaling, finite), 1 - finite.astype(metrics["loss"].dtype)
    if average is not None and recipe.averaging is not None and recipe.averaging.every == "step":
        average = average_with(recipe.averaging, average, moved, epoch)
    learner = Learner(with_moved_buffers(moved, learner.params, changes), optimizer, average, scaling)
    return learner, metrics | measured, recipe.task.total(batch)


def _changes(recipe: Recipe, learner: Learner, batch: Batch, key: Key | None) -> tuple[Metrics, Params]:
    """Metrics, and gradients with penalties, or changes of Buffers: both 0 in parts that are frozen."""
    frozen_as = recipe.optimizer.frozen_as
    seen = learner._replace(params=frozen_as(with_frozen_buffers(learner.params), learner.params))
    metrics, changes = _mean_gradients(recipe, seen, batch, key)
    changes = _penalised(recipe, changes, learner.params)
    return metrics, frozen_as(jax.tree.map(jnp.zeros_like, learner.params), changes)


def _moved(recipe: Recipe, learner: Learner, gradients: Params, loss: jax.Array, scale: Any) -> tuple[Params, Any, Metrics]:
    """What is learned after the update, the optimizer's state, and what is measured on the way."""
    learned, measured = without_buffers(learner.params), Metrics()
    if recipe.norms:
        measured["gradient_norm"] = optax.tree.norm(gradients)
    if recipe.clip is not None:
        gradients, measured["clipped"] = recipe.clip(gradients)
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by its integer step count
        transformation = optax.with_extra_args_support(recipe.optimizer.build())
        updates, optimizer = transformation.update(gradients, learner.optimizer, learned, value=loss)
    if scale is not None:
        updates = jax.tree.map(lambda update: update * scale.astype(update.dtype), updates)
    if recipe.norms:
        measured["update_norm"] = optax.tree.norm(updates)
    moved = optax.apply_updates(learned, updates)
    if recipe.max_norm is not None:
        moved = recipe.optimizer.frozen_as(learned, within_max_norm(moved, recipe.max_norm))
    return moved, optimizer, measured


def _augmented(recipe: Recipe, batch: Batch, key: Key | None) -> tuple[Batch, Key | None]:
    """The batch with noise and mixup, and the key that is left for the task."""
    for amount, change in ((recipe.input_noise, noisy), (recipe.mixup, mixed)):
        if amount is not None and key is not None:
            key, own = jax.random.split(key)
            batch = change(own, batch, amount)
    return batch, key if recipe.task.draws else None


def _mean_gradients(recipe: Recipe, learner: Learner, batch: Batch, key: Key | None) -> tuple[Metrics, Params]:
    """Metrics and gradients of the whole batch, computed in as many pieces as the recipe accumulates."""
    if recipe.accumulation == 1:
        return _gradients(recipe, learner, batch, key)
    pieces = jax.tree.map(lambda leaf: leaf.reshape(recipe.accumulation, -1, *leaf.shape[1:]), batch)
    whole = recipe.task.total(batch)

    def add(sums: Params, scanned: Any) -> tuple[Params, Metrics]:
        number, piece = scanned
        own = None if key is None else jax.random.fold_in(key, number)
        metrics, gradients = _gradients(recipe, learner, piece, own)
        share = recipe.task.total(piece) / jnp.where(whole == 0, 1, whole)
        sums = jax.tree.map(lambda sum_, gradient: sum_ + share.astype(gradient.dtype) * gradient, sums, gradients)
        return sums, {name: share.astype(value.dtype) * value for name, value in metrics.items()}

    zeros = jax.tree.map(jnp.zeros_like, learner.params)
    gradients, metrics = lax.scan(add, zeros, (jnp.arange(recipe.accumulation), pieces))
    return {name: values.sum() for name, values in metrics.items()}, gradients


def _gradients(recipe: Recipe, learner: Learner, batch: Batch, key: Key | None) -> tuple[Metrics, Params]:
    if recipe.precision is None or recipe.wide:
        return recipe.task.gradients(learner.params, batch, key, recipe.gradients)
    return low_gradients(recipe.precision, learner.scaling, recipe.task, learner.params, batch, key, recipe.gradients)


def _penalised(recipe: Recipe, gradients: Params, params: Params) -> Params:
    for strength, derivative in ((recipe.l2, squared), (recipe.l1, absolute)):
        if strength is not None:
            gradients = with_penalty(gradients, params, strength, derivative)
    return gradients
