"""A run in pieces: whole epochs, or some steps of one. Between two pieces the host can look, and a run can be left and gone on with."""

import functools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from jaxnn.records import Record, static
from jaxnn.typing import Batch, Metrics

PIECE_SECONDS = 0.1
"""About as long is a piece of a run that is looked on: to begin one takes the host 1 ms."""
MOST_EPOCHS = 1024
History = dict[str, np.ndarray]
"""Metric name -> (epochs so far,)."""
Measured = tuple[dict[str, Any], Any]
"""What some steps measured: sums by name, and what each counts, (steps,) each."""
Piece = Callable[[State], tuple[State, Measured]]
"""Some steps of an epoch: from the state before them to the state after them."""


class Inside(Record):
    """An epoch that is not finished: the state after so many of its steps, and what the pieces measured that these came in."""

    state: State
    steps: int = static(default=0)
    pieces: tuple[Measured, ...] = ()

    @property
    def measured(self) -> Measured:
        """What all its steps measured, on the host."""
        return jax.tree.map(lambda *parts: np.concatenate(parts), *jax.device_get(self.pieces))

    def then(self, state: State, measured: Measured) -> "Inside":
        """After one more piece. Waits for the one before it: so far may the host be ahead of the device."""
        before = *self.pieces[:-1], *jax.device_get(self.pieces[-1:])
        return Inside(state, self.steps + len(measured[1]), (*before, measured))


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
        """Steps that are behind in the epoch that was begun."""
        return 0 if self.inside is None else self.inside.steps

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

    def by_time(self, now: Standing, ahead: Callable[[int], int] | None = None) -> Iterator[Standing]:
        """What follows, after pieces of about PIECE_SECONDS, the first of one epoch. An epoch that was begun begins again.

        ahead: how many epochs a piece may have after so many. The next piece is always under way: what the host does with one costs no
        time, and after the end of a run a piece does nothing.
        """
        further, epochs = compiled(advance_some, static=("most",)), self.recipe.epochs
        most, length, begun, state = min(epochs, MOST_EPOCHS), 1, now.epochs, now.state
        under_way, began = deque[tuple[int, State, Metrics]](), time.perf_counter()
        while not now.ended(epochs):
            while begun < epochs and len(under_way) < 2:
                longest = min(most, epochs - begun, epochs if ahead is None else ahead(begun))
                ran = min(length, longest)
                state, metrics = further(self.recipe, state, self.data, np.int32(ran), most=most)
                under_way.append((ran, state, metrics))
                begun += ran
            ran, reached, metrics = under_way.popleft()
            now = now.then(reached, {name: values[:ran] for name, values in jax.device_get(metrics).items()})
            yield now
            began, took = time.perf_counter(), time.perf_counter() - began
            length = max(1, int(ran * PIECE_SECONDS / took))

    def by_steps(self, now: Standing, steps: int) -> Iterator[Standing]:
        """What follows, after each piece of so many steps, the last one of an epoch being what is left of it."""

        def pieces(now: Standing) -> list[Piece]:
            indices, weights = jax.device_get(compiled(epoch_order)(self.recipe, now.state, self.data.train))
            behind = int(now.state.epoch) * len(indices)
            cuts = (slice(first, first + steps) for first in range(now.steps, len(indices), steps))
            return [functools.partial(self._on, indices[cut], weights[cut], np.int32(behind + cut.start)) for cut in cuts]

        return by_pieces(self.recipe, self.data, now, pieces)

    def _on(self, indices: np.ndarray, weights: np.ndarray, first_step: np.int32, state: State) -> tuple[State, Measured]:
        return compiled(_train)(self.recipe, state, self.data, indices, weights, first_step)


def by_pieces(recipe: Recipe, data: Data, now: Standing, pieces: Callable[[Standing], Sequence[Piece]]) -> Iterator[Standing]:
    """What follows, after each piece. pieces: what is left of the epoch that was begun, or else all of the next; data: to measure on."""
    sets = compiled(measured_sets)(recipe, data)
    while not now.ended(recipe.epochs):
        left = pieces(now)
        inside = now.inside or Inside(now.state)
        for number, piece in enumerate(left, start=1):
            inside = inside.then(*piece(inside.state))
            if number < len(left):
                yield now._replace(inside=inside)
        state, metrics = compiled(_finish)(recipe, now.state, inside.state, inside.measured, sets, data)
        now = now.then(state, {name: value[None] for name, value in jax.device_get(metrics).items()})
        yield now


def _train(recipe: Recipe, state: State, data: Data, indices: jax.Array, weights: jax.Array, first: jax.Array) -> Any:
    return train_steps(cast_numbers(recipe, data_dtype(data.x)), state, data, indices, weights, first)


def _finish(recipe: Recipe, before: State, after: State, measured: Measured, sets: dict[str, Batch], data: Data) -> tuple[State, Metrics]:
    return finish_epoch(cast_numbers(recipe, data_dtype(data.x)), before, after, measured, sets)
