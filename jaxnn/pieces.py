"""A run in pieces: whole epochs, or some steps of one. Between two pieces the host can look, and a run can be left and gone on with."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn.compiling import compiled
from jaxnn.loop import (
    Data,
    State,
    Status,
    advance,
    advance_some,
    cast_numbers,
    data_dtype,
    epoch_order,
    finish_epoch,
    measured_sets,
    start,
    train_steps,
)
from jaxnn.recipes import Recipe
from jaxnn.records import Record
from jaxnn.typing import Batch, Metrics

PIECE_SECONDS = 0.1
"""About as long is a piece of a run that is looked on: to begin one takes the host 1 ms."""
MOST_EPOCHS = 1024
History = dict[str, np.ndarray]
"""Metric name -> (epochs so far,)."""


class Inside(Record):
    """An epoch that is not finished: the state after some of its steps, and what these measured, (steps so far,) each."""

    state: State
    sums: dict[str, Any]
    totals: Any


class Standing(NamedTuple):
    """Where a run stands: the state at the end of its last epoch, the history so far, and the epoch that was begun, if one was."""

    state: State
    history: History
    inside: Inside | None = None

    @property
    def epochs(self) -> int:
        """Epochs that are in the history; one that diverged is, though its state is not kept."""
        return len(next(iter(self.history.values()), ()))

    @property
    def steps(self) -> int:
        """Steps of the epoch that was begun."""
        return 0 if self.inside is None else len(self.inside.totals)

    def ended(self, epochs: int) -> bool:
        """Whether there is nothing left to do in a run of so many epochs."""
        return int(self.state.status) != Status.RUNNING or int(self.state.epoch) >= epochs

    def then(self, state: State, metrics: Mapping[str, np.ndarray]) -> "Standing":
        """After an epoch or some; those after the end of the run are left out of the history."""
        ran = int(state.epoch) + (int(state.status) == Status.DIVERGED)
        history = {name: np.concatenate([self.history.get(name, values[:0]), values])[:ran] for name, values in metrics.items()}
        return Standing(state, history)


class Program(NamedTuple):
    """The compiled parts of one run. recipe: with plain numbers."""

    recipe: Recipe
    data: Data

    def begin(self, seed: np.ndarray, member: int) -> State:
        """The state that the run begins with."""
        return compiled(start, once=True)(self.recipe, self.data, seed, np.int32(member))

    def advance(self, state: State, epochs: int) -> tuple[State, Metrics]:
        """``jaxnn.advance``."""
        return compiled(advance, static=("epochs",))(self.recipe, state, self.data, epochs=epochs)

    def by_epochs(self, now: Standing, length: Callable[[int], int]) -> Iterator[Standing]:
        """What follows, after each piece of so many epochs as `length` says of those behind. An epoch that was begun begins again."""
        while not now.ended(self.recipe.epochs):
            behind = int(now.state.epoch)
            state, metrics = self.advance(now.state, min(length(behind), self.recipe.epochs - behind))
            now = now.then(state, jax.device_get(metrics))
            yield now

    def by_time(self, now: Standing) -> Iterator[Standing]:
        """What follows, after pieces of about PIECE_SECONDS, the first of one epoch.

        The next piece is always under way: what the host does with one costs no time, and after the end of a run a piece does nothing.
        """
        further = compiled(advance_some, static=("most",))
        most = min(self.recipe.epochs, MOST_EPOCHS)
        left, length, state = self.recipe.epochs - now.epochs, 1, now.state
        under_way, began = deque[tuple[int, State, Metrics]](), time.perf_counter()
        while not now.ended(self.recipe.epochs):
            while left > 0 and len(under_way) < 2:
                length = min(length, most, left)
                state, metrics = further(self.recipe, state, self.data, np.int32(length), most=most)
                under_way.append((length, state, metrics))
                left -= length
            ran, reached, metrics = under_way.popleft()
            now = now.then(reached, {name: values[:ran] for name, values in jax.device_get(metrics).items()})
            yield now
            began, took = time.perf_counter(), time.perf_counter() - began
            length = max(1, int(ran * PIECE_SECONDS / took))

    def by_steps(self, now: Standing, steps: int) -> Iterator[Standing]:
        """What follows, after each piece of so many steps, the last one of an epoch being what is left of it."""
        sets = compiled(measured_sets)(self.recipe, self.data)
        while not now.ended(self.recipe.epochs):
            indices, weights = jax.device_get(compiled(epoch_order)(self.recipe, now.state, self.data.train))
            while now.steps < len(weights):
                piece = slice(now.steps, now.steps + steps)
                now = now._replace(inside=self._on(now, indices[piece], weights[piece], len(weights)))
                if now.steps < len(weights):
                    yield now
            state, metrics = compiled(_finish)(self.recipe, now.state, now.inside, sets, self.data)
            now = now.then(state, {name: value[None] for name, value in jax.device_get(metrics).items()})
            yield now

    def _on(self, now: Standing, indices: np.ndarray, weights: np.ndarray, steps: int) -> Inside:
        """Some steps further in an epoch of so many."""
        first = np.int32(int(now.state.epoch) * steps + now.steps)
        state = now.state if now.inside is None else now.inside.state
        state, measured = compiled(_train)(self.recipe, state, self.data, indices, weights, first)
        sums, totals = jax.device_get(measured)
        if now.inside is not None:
            sums, totals = jax.tree.map(lambda *parts: np.concatenate(parts), (now.inside.sums, now.inside.totals), (sums, totals))
        return Inside(state, sums, totals)


def _train(recipe: Recipe, state: State, data: Data, indices: jax.Array, weights: jax.Array, first: jax.Array) -> Any:
    return train_steps(cast_numbers(recipe, data_dtype(data.x)), state, data, indices, weights, first)


def _finish(recipe: Recipe, before: State, inside: Inside, sets: dict[str, Batch], data: Data) -> tuple[State, Metrics]:
    recipe = cast_numbers(recipe, data_dtype(data.x))
    return finish_epoch(recipe, before, inside.state, (inside.sums, inside.totals), sets)
