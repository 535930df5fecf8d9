"""fit_stream: a run over data that stay on disk.

Each epoch is drawn from the same key as in memory, read block by block, and every block runs through the same steps: a run equals the one
that ``fit`` makes of the same rows.
"""

import functools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import enough_bits
from jaxnn.checkpoints import Checkpoints, Keeper, check_plan
from jaxnn.checks import check_whole, sentence
from jaxnn.compiling import compiled, make_room
from jaxnn.data.streaming import Source
from jaxnn.data.streaming.blocks import Block, Blocks, Check, Cut, cut, read_ahead
from jaxnn.data.streaming.source import Rows
from jaxnn.examples import not_finite
from jaxnn.host_loop import Callback, check_callback, with_callback, with_checkpoints
from jaxnn.identity import identity
from jaxnn.keys import key_data
from jaxnn.layers.sequences import check_lengths
from jaxnn.loop import Data, State, Status, cast_numbers, data_dtype, train_steps
from jaxnn.pieces import Measured, Piece, Program, Standing, by_pieces
from jaxnn.recipes import Recipe
from jaxnn.runs import Run, as_examples, finished_run, prediction_shape
from jaxnn.training import as_data, check_recipe, check_run, initial, plain_numbers

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
    checkpoints: Checkpoints | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Run:
    """Trains the recipe on a source: the run that ``fit`` makes of the same rows in memory, with a few blocks in memory at a time.

    source: made by one of ``jaxnn.data.streaming``. key, member, callback, checkpoints: as in ``fit``. validation: None, examples as in
    ``fit``, or a Source whose rows fit into memory. block_bytes: about the size of a block, of which about six are in memory.

    Checkpoints: clock and signals are looked at after every block, so that a state may be saved there, whatever ``Checkpoints.steps``. A
    checkpoint is one of another run if the number of rows, their shapes or dtypes, the rows to validate on, or one of up to 512 rows of
    the source have changed: the first 256, and 256 from its first to its last, evenly spread. What has changed between these is not
    noticed, nor what its files are called.

    Raises ImportError without grain, what ``fit`` raises for recipe, key, validation and checkpoints, and, when the first epoch comes to
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
    make_room()
    check_whole("fit_stream", "block_bytes", block_bytes, low=1)
    check_whole("fit_stream", "member", member, low=0)
    check_plan("fit_stream", checkpoints)
    check_callback("fit_stream", callback)
    check_recipe("fit_stream", recipe)
    seed = key_data(key, "fit_stream")
    with enough_bits(recipe.wide):
        data = _known(source, validation, seed, recipe.wide)
        check_run("fit_stream", recipe, data)
        if recipe.measure_training:
            advice = "Give training rows as validation, or evaluate the run on them."
            raise ValueError(sentence("fit_stream", "measure_training", "False, for its rows are not in memory", True, advice))
        like = initial(recipe, data)
        stream = _streamed(recipe, source, data, like, block_bytes)
        begin = functools.partial(Program(stream.recipe, data).begin, seed, member)
        if checkpoints is None:
            now = with_callback(stream.by_blocks, begin, callback)
        else:
            run = identity(stream.recipe, _standing_for(source, data), seed, member, checkpoints.names)
            now = with_checkpoints(stream.by_blocks, recipe.epochs, Keeper(checkpoints, run, "fit_stream"), begin, like, callback)
        if np.isnan(now.history["loss"][0]) and int(now.state.status) != Status.DIVERGED:
            raise ValueError(sentence("fit_stream", "weight", "above 0 for one row at least", "0 for all of them"))
        return replace(finished_run(recipe, now.state, now.history, data, member), seconds=time.perf_counter() - began)


def predict_stream(run: Run, source: Source, *, rows: int = 4096) -> np.ndarray:
    """``run.predict`` of all rows of a source, in their order, with so many of them in memory at a time."""
    check_whole("predict_stream", "rows", rows, low=1)
    pieces = (np.arange(first, min(first + rows, source.rows)) for first in range(0, source.rows, rows))
    return np.concatenate([run.predict(source.read(piece).x) for piece in pieces])


class Streamed(NamedTuple):
    """A run of which rows come in blocks. recipe: with plain numbers; data: what is in memory."""

    recipe: Recipe
    data: Data
    source: Source
    cut: Cut
    check: Check

    def by_blocks(self, now: Standing) -> Iterator[Standing]:
        """What follows, after each block. An epoch that was begun in blocks of another size begins again."""
        cut = self.cut
        if now.steps % cut.length:
            now = now._replace(inside=None)
        blocks = Blocks(self.source, cut, _batching(self.recipe), now.state.keys[0], self.recipe.epochs, self.check)
        with read_ahead(blocks, int(now.state.epoch) * cut.blocks + now.steps // cut.length) as ahead:

            def pieces(now: Standing) -> list[Piece]:
                behind = int(now.state.epoch) * cut.steps
                return [functools.partial(self._on, ahead, np.int32(behind + first)) for first in range(now.steps, cut.steps, cut.length)]

            yield from by_pieces(self.recipe, self.data, now, pieces)

    def _on(self, ahead: Iterator[Block], first_step: np.int32, state: State) -> tuple[State, Measured]:
        return compiled(_steps)(self.recipe, state, jax.device_put(next(ahead)), first_step)


def _steps(recipe: Recipe, state: State, block: Block, first_step: Any) -> tuple[State, Measured]:
    x, y, weight = block.rows
    recipe = cast_numbers(recipe, data_dtype(x))
    indices = jnp.arange(block.weights.size, dtype=jnp.int32).reshape(block.weights.shape)
    return train_steps(recipe, state, Data(x=x, y=y, train=None, weight=weight), indices, jnp.asarray(block.weights), first_step)


def _streamed(recipe: Recipe, source: Source, data: Data, like: State, block_bytes: int) -> Streamed:
    row_bytes = sum(leaf[:1].nbytes for leaf in jax.tree.leaves((data.x, data.y)))
    parts = cut(source.rows, _batching(recipe), block_bytes // max(1, row_bytes))
    predictions = prediction_shape(recipe.task, like.params, data.x)
    return Streamed(plain_numbers(recipe), data, source, parts, _checked(recipe, predictions, source.name, parts, data))


def _batching(recipe: Recipe) -> tuple[int, int]:
    return recipe.batch_size, recipe.accumulation


def _standing_for(source: Source, data: Data) -> Any:
    """What stands for all rows of a source in the identity of a run, for to read them all takes as long as an epoch."""
    spread = np.linspace(0, source.rows - 1, SAMPLE_ROWS).astype(np.int64)
    return np.int64(source.rows), data, source.read(spread)


def _known(source: Source, validation: Any, seed: np.ndarray, wide: bool) -> Data:
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
    return as_data("fit_stream", (first.x, first.y), validation, seed, wide=wide)


def _checked(recipe: Recipe, predictions: Any, name: str, parts: Cut, data: Data) -> Check:
    """Makes rows ready to be computed with; those of the first epoch, which are all there are, are looked at on the way."""
    expected = _described((data.x, data.y))

    def check(rows: Rows, numbers: np.ndarray, step: int) -> Rows:
        rows = Rows(*(as_examples("fit_stream", part, values, wide=recipe.wide) for part, values in zip(Rows._fields, rows, strict=True)))
        if step < parts.steps:
            where = f"the block of {name} that begins with step {step}"
            if _described((rows.x, rows.y)) != expected:
                raise ValueError(sentence("fit_stream", where, f"of rows like the first, {expected}", _described((rows.x, rows.y))))
            for part, array in zip(Rows._fields, rows, strict=True):
                _check_finite(part, array, name, numbers, step, parts.size)
            _check_weight(rows.weight, where)
            try:
                check_lengths("fit_stream", rows.x)
                recipe.task.check(rows.x, rows.y, predictions)
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
    for array in map(np.asarray, jax.tree.leaves(examples)):
        if jnp.issubdtype(array.dtype, jnp.floating) and not_finite(array):
            row = int(np.isfinite(array).reshape(len(array), -1).all(axis=1).argmin())
            got = f"NaN or infinity in row {numbers[row]} of {name}, which step {step + row // size} of the run is the first to take"
            raise ValueError(sentence("fit_stream", part, "finite numbers", got, "Drop or impute them."))
