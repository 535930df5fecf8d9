"""Run: what is left of a training run, and what can be done with it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import dtype_in_a_run, enough_bits, is_wide
from jaxnn.checks import sentence
from jaxnn.compiling import compiled
from jaxnn.data.casting import cast
from jaxnn.layers.sequences import check_lengths
from jaxnn.loop import Data, State, Status
from jaxnn.measuring import Named, evaluate
from jaxnn.recipes import Recipe
from jaxnn.tasks import Task
from jaxnn.typing import Params

PREDICTION_ROWS = 256
"""Rows predicted at once, always: a row's output never depends on how many rows came with it."""
NO_STEP = "no step could be taken: gradients overflowed float16 at each; scale the data, or take bfloat16"
OUTCOMES = ("finished", "stopped early", NO_STEP, "diverged")
"""How a run may have ended, the best first."""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run. ``fit(run.recipe, data, key=key, member=run.member)`` gives it again.

    params: of the best epoch with early stopping, else of the last (of the last finite one if it diverged).
    history: metric name -> one value an epoch, (epochs run,). outcome: one of OUTCOMES, "finished", "stopped early", "diverged", or that
    float16 let no step be taken, so that params are the initial ones.
    best_epoch: the epoch, counted from 1, that params are of. diverged_step: where a number was first not finite, else None.
    examples: shape and dtype of one example (x, y). seconds: wall time of the run, with its compiling if it was the first of its
    structure; nan where members ran side by side in one program. state: where ``advance`` can go on from; None in a population.
    """

    recipe: Recipe
    params: Params = field(repr=False)
    history: dict[str, np.ndarray] = field(repr=False)
    outcome: str
    epochs: int
    best_epoch: int
    diverged_step: int | None
    examples: Any = field(repr=False)
    member: int = 0
    seconds: float = math.nan
    state: State | None = field(default=None, repr=False)

    def predict(self, x: Any) -> np.ndarray:
        """The task's predictions for x (rows, ...): probabilities (rows, classes), p(class 1) (rows,) or numbers."""
        return predict(self.recipe.task, self.params, x, like=self.examples[0])

    def evaluate(self, x: Any, y: Any) -> dict[str, float]:
        """The metrics of task and recipe on the given examples, ``loss`` among them."""
        with enough_bits(is_wide(self.params, self.examples)):
            x, y = (_like("evaluate", *pair) for pair in zip("xy", (x, y), self.examples, strict=True))
            if not len(jax.tree.leaves(x)[0]):
                raise ValueError(sentence("evaluate", "x", "at least one row", "none"))
            if len({leaf.shape[0] for leaf in jax.tree.leaves((x, y))}) != 1:
                raise ValueError(sentence("evaluate", "y", "one target for each row of x", "another number of them"))
            check_lengths("evaluate", x)
            self.recipe.task.check(x, y, prediction_shape(self.recipe.task, self.params, x))
            measured = compiled(_evaluate)(self.recipe.task, self.params, x, y, self.recipe.metrics)
        return {name: float(value) for name, value in measured.items()}


def finished_run(
    recipe: Recipe, state: State, history: dict[str, np.ndarray], data: Data, member: int = 0, *, keep_state: bool = True
) -> Run:
    """The Run of a final state on that data. history: metric name -> (epochs of the recipe,), NaN after the run had stopped."""
    status, epochs = Status(int(state.status)), int(state.epoch)
    step = int(state.diverged_step)
    ran = epochs + (status == Status.DIVERGED)  # the epoch that diverged is in the history, but not in the state
    history = {name: np.asarray(values)[:ran] for name, values in history.items()}
    outcome = {Status.RUNNING: "finished", Status.STOPPED_EARLY: "stopped early", Status.DIVERGED: "diverged"}[status]
    if status != Status.DIVERGED and ran and "left_out" in history and np.all(history["left_out"] == 1):
        outcome = NO_STEP
    best = state.best if state.best is not None and state.best.params is not None and int(state.best.epoch) else None
    return Run(
        recipe=recipe,
        params=jax.tree.map(np.asarray, state.result if best is None else best.params),
        history=history,
        outcome=outcome,
        epochs=epochs,
        best_epoch=epochs if best is None else int(best.epoch),
        diverged_step=step if step >= 0 else None,
        examples=jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), (data.x, data.y)),
        member=member,
        state=state if keep_state else None,
    )


def predict(task: Task, params: Params, x: Any, *, like: Any) -> np.ndarray:
    """``task.predict`` for any number of rows, in padded batches of one fixed size, so that rows can't influence each other.

    like: shape and dtype of one example of the training data, which x (rows, ...) must have; numbers are cast to the dtype.
    """
    with enough_bits(is_wide(params, like)):
        x = _like("predict", "x", x, like)
        rows, *others = {len(leaf) for leaf in jax.tree.leaves(x)}
        if others:
            raise ValueError(sentence("predict", "x", "arrays of the same number of rows", " and ".join(map(str, sorted((rows, *others))))))
        if rows == 0:
            shape = prediction_shape(task, params, x)
            return np.empty((0, *shape.shape[1:]), shape.dtype)
        check_lengths("predict", x)
        program = compiled(_predict)
        pieces = [program(task, params, _padded(x, start)) for start in range(0, rows, PREDICTION_ROWS)]
    return np.concatenate([np.asarray(piece) for piece in pieces])[:rows]


def prediction_shape(task: Task, params: Params, x: Any) -> Any:
    """Shape and dtype of what ``predict`` gives for one batch, found by tracing alone."""
    batch = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((PREDICTION_ROWS, *leaf.shape[1:]), leaf.dtype), x)
    return compiled(_predict).eval_shape(task, params, batch)


def as_examples(where: str, argument: str, values: Any, *, wide: bool = False) -> Any:
    """A pytree of NumPy or JAX arrays in the precision that a run computes in.

    Raises TypeError for anything but numbers, ValueError for numbers too large for that precision.
    """

    def convert(path: Any, leaf: Any) -> Any:
        array, name = leaf if isinstance(leaf, jax.Array) else _array(where, argument, leaf), argument + jax.tree_util.keystr(path)
        if array.dtype.kind not in "fiub" and not jnp.issubdtype(array.dtype, jnp.floating):
            advice = "Encode text as numbers first."
            raise TypeError(sentence(where, name, "numbers", f"dtype {array.dtype}", advice))
        dtype = dtype_in_a_run(array.dtype, wide)
        return array.astype(dtype) if isinstance(array, jax.Array) else cast(where, name, array, dtype)

    def is_list(node: Any) -> bool:
        return isinstance(node, Sequence) and not isinstance(node, tuple)

    return jax.tree.map_with_path(convert, values, is_leaf=is_list)


def _array(where: str, argument: str, leaf: Any) -> np.ndarray:
    try:
        return np.asarray(leaf)
    except ValueError:  # rows of different lengths
        advice = "Pad sequences and give Sequences(values, lengths)."
        raise ValueError(sentence(where, argument, "rows of one shape", "a list of different ones", advice)) from None


def _like(where: str, argument: str, values: Any, like: Any) -> Any:
    """The values in the dtypes of `like`.

    Raises ValueError for rows of another shape, fractions where whole numbers were, and numbers too large for those dtypes.
    """

    def convert(leaf: Any, spec: Any) -> Any:
        if jnp.issubdtype(leaf.dtype, jnp.floating) and not jnp.issubdtype(spec.dtype, jnp.floating):
            raise ValueError(sentence(where, argument, f"{spec.dtype}, as in training", leaf.dtype))
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf.astype(spec.dtype)
        return cast(where, argument, np.asarray(leaf), spec.dtype)

    arrays = as_examples(where, argument, values)
    shapes = [jax.tree.map(lambda leaf: leaf.shape[1:] if leaf.ndim else "one number", arrays), jax.tree.map(lambda spec: spec.shape, like)]
    if shapes[0] != shapes[1]:
        raise ValueError(sentence(where, argument, f"rows of shape {shapes[1]}, as in training", f"rows of shape {shapes[0]}"))
    return jax.tree.map(convert, arrays, like)


def _padded(x: Any, start: int) -> Any:
    def cut(leaf: Any) -> Any:
        piece = np.asarray(leaf[start : start + PREDICTION_ROWS])
        return np.pad(piece, [(0, PREDICTION_ROWS - len(piece))] + [(0, 0)] * (piece.ndim - 1))

    return jax.tree.map(cut, x)


def _predict(task: Task, params: Params, x: Any) -> Any:
    return task.predict(params, x)


def _evaluate(task: Task, params: Params, x: Any, y: Any, named: Named | None) -> Any:
    return evaluate(task, params, Data(x=x, y=y, train=None).batch(slice(None), jnp.ones(len(jax.tree.leaves(x)[0]))), named)
