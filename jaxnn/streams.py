"""fit_stream: a run over data that stay on disk.

Each epoch is drawn from the same key as in memory, read block by block, and every block runs through the same steps: a run equals the one
that ``fit`` makes of the same rows.
"""

import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import check_whole, sentence
from jaxnn.compiling import compiled
from jaxnn.data.streaming import Source
from jaxnn.data.streaming.blocks import Block, Blocks, Check, Cut, cut, read_ahead
from jaxnn.data.streaming.source import Rows
from jaxnn.host_loop import Callback
from jaxnn.loop import Data, State, Status, cast_numbers, data_dtype, finish_epoch, measured_sets, start, train_steps
from jaxnn.recipes import Recipe
from jaxnn.runs import Run, as_examples, finished_run, prediction_shape
from jaxnn.tasks import Task
from jaxnn.training import as_data, check_run, key_data, plain_numbers
from jaxnn.typing import Batch

BLOCK_BYTES = 1 << 24
SAMPLE_ROWS = 256
"""Rows that are looked at before anything is compiled."""


def fit_stream(
    recipe: Recipe,
    source: Source,
    *,
    key: Any = 0,
    validation: Any = None,
    member: int = 0,
    callback: Callback | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Run:
    """Trains the recipe on a source: the run that ``fit`` makes of the same rows in memory, with a few blocks in memory at a time.

    source: made by one of ``jaxnn.data.streaming``. key, member, callback: as in ``fit``. validation: None, examples as in ``fit``, or a
    Source whose rows fit into memory. block_bytes: about the size of a block, of which about six are in memory.

    Raises ImportError without grain, what ``fit`` raises for recipe, key and validation, and, when the first epoch comes to
    them, ValueError for rows with NaN or infinity, targets that don't suit the task and rows unlike the first, naming the step.

    >>> import jaxnn, numpy as np, optax
    >>> from jaxnn.data import streaming
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> recipe = jaxnn.Recipe(jaxnn.Regression(jaxnn.models.mlp((), 1)), jaxnn.optimizer(optax.sgd, learning_rate=0.1), batch_size=8)
    >>> run = jaxnn.fit_stream(recipe, streaming.arrays(x, 3 * x[:, 0]))
    >>> run.predict(np.array([[0.5]])).round(2).tolist()
    [1.5]
    """
    began = time.perf_counter()
    check_whole("fit_stream", "block_bytes", block_bytes, low=1)
    seed = key_data(key)
    data = _known(source, validation, seed)
    check_run("fit_stream", recipe, data)
    if recipe.measure_training:
        advice = "Give training rows as validation, or evaluate the run on them."
        raise ValueError(sentence("fit_stream", "measure_training", "False, for its rows are not in memory", True, advice))
    numbers = plain_numbers(recipe)
    state = compiled(start, once=True)(numbers, data, seed, np.int32(member))
    row_bytes = sum(leaf[:1].nbytes for leaf in jax.tree.leaves((data.x, data.y)))
    batching = recipe.batch_size, recipe.accumulation
    parts = cut(source.rows, batching, block_bytes // max(1, row_bytes))
    check = _checked(recipe.task, prediction_shape(recipe.task, state.params, data.x), source.name, parts, data)
    blocks = Blocks(source, parts, batching, state.keys[0], recipe.epochs, check)
    numbers = cast_numbers(numbers, data_dtype(data.x))
    state, history = _run(numbers, state, blocks, compiled(measured_sets)(numbers, data), callback)
    return replace(finished_run(recipe, state, history, data, member), seconds=time.perf_counter() - began)


def predict_stream(run: Run, source: Source, *, rows: int = 4096) -> np.ndarray:
    """``run.predict`` of all rows of a source, in their order, with so many of them in memory at a time."""
    check_whole("predict_stream", "rows", rows, low=1)
    pieces = (np.arange(first, min(first + rows, source.rows)) for first in range(0, source.rows, rows))
    return np.concatenate([run.predict(source.read(piece).x) for piece in pieces])


def _run(
    numbers: Recipe, state: State, blocks: Blocks, sets: dict[str, Batch], callback: Callback | None
) -> tuple[State, dict[str, np.ndarray]]:
    epochs: list[dict[str, np.ndarray]] = []
    with read_ahead(blocks) as ahead:
        while len(epochs) < numbers.epochs and int(state.status) == Status.RUNNING:
            after, measured = state, list[Any]()
            for number in range(blocks.cut.blocks):
                first = np.int32(len(epochs) * blocks.cut.steps + number * blocks.cut.length)
                jax.block_until_ready(measured[-2:-1])  # so that blocks don't pile up on the device
                after, sums = compiled(_steps)(numbers, after, jax.device_put(next(ahead)), first)
                measured.append(sums)
            whole = jax.tree.map(lambda *sums: np.concatenate(sums), *jax.device_get(measured))
            state, metrics = compiled(finish_epoch)(numbers, state, after, whole, sets)
            epochs.append(jax.device_get(metrics))
            if callback is not None:
                callback(len(epochs), {name: float(value) for name, value in epochs[-1].items()})
    return state, {name: np.stack([metrics[name] for metrics in epochs]) for name in epochs[0]}


def _steps(recipe: Recipe, state: State, block: Block, first_step: Any) -> tuple[State, Any]:
    x, y, weight = block.rows
    indices = jnp.arange(block.weights.size, dtype=jnp.int32).reshape(block.weights.shape)
    return train_steps(recipe, state, Data(x=x, y=y, train=None, weight=weight), indices, jnp.asarray(block.weights), first_step)


def _known(source: Source, validation: Any, seed: np.ndarray) -> Data:
    """What is in memory: the first rows, for their shapes and dtypes, and those to validate on."""
    if not isinstance(source, Source):
        made_by = "a Source, for instance jaxnn.data.streaming.npz('train.npz')"
        raise TypeError(sentence("fit_stream", "source", made_by, type(source).__name__))
    if isinstance(validation, float):
        advice = "Cut the source in two by split_rows(source.rows, 0.2, seed=0) and source.take(rows)."
        raise TypeError(sentence("fit_stream", "validation", "examples, a Source or None", validation, advice))
    if isinstance(validation, Source):
        validation = tuple(validation.read(np.arange(validation.rows)))
    first = source.read(np.arange(min(SAMPLE_ROWS, source.rows)))
    return as_data("fit_stream", (first.x, first.y), validation, seed)


def _checked(task: Task, predictions: Any, name: str, parts: Cut, data: Data) -> Check:
    """Makes rows ready to be computed with; those of the first epoch, which are all there are, are looked at on the way."""
    expected = _described((data.x, data.y))

    def check(rows: Rows, numbers: np.ndarray, step: int) -> Rows:
        rows = Rows(*(as_examples("fit_stream", part, values) for part, values in zip(Rows._fields, rows, strict=True)))
        if step < parts.steps:
            where = f"the block of {name} that begins with step {step}"
            if _described((rows.x, rows.y)) != expected:
                raise ValueError(sentence("fit_stream", where, f"of rows like the first, {expected}", _described((rows.x, rows.y))))
            for part, array in zip(Rows._fields, rows, strict=True):
                _check_finite(part, array, name, numbers, step, parts.size)
            _check_weight(rows.weight, where)
            try:
                task.check(rows.x, rows.y, predictions)
            except ValueError as error:
                raise ValueError(f"{error} It is in {where}.") from None
        return rows

    return check


def _check_weight(weight: Any, where: str) -> None:
    if weight is not None and (weight.ndim != 1 or weight.min() < 0):
        got = f"shape {weight.shape}, from {weight.min():g}"
        raise ValueError(sentence("fit_stream", f"weight in {where}", "one number >= 0 for each row", got))


def _described(examples: Any) -> Any:
    return jax.tree.map(lambda leaf: f"{leaf.dtype} {leaf.shape[1:]}", examples)


def _check_finite(part: str, examples: Any, name: str, numbers: np.ndarray, step: int, size: int) -> None:
    for array in jax.tree.leaves(examples):
        if jnp.issubdtype(array.dtype, jnp.floating):
            finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
            if not finite.all():
                row = int(finite.argmin())
                got = f"NaN or infinity in row {numbers[row]} of {name}, which step {step + row // size} of the run is the first to take"
                raise ValueError(sentence("fit_stream", part, "finite numbers", got, "Drop or impute them."))
