"""Members side by side in one program: ``vmap`` over recipes at one fixed width, for accelerators.

A member's bits change with the width of the program but, at one width, not with who is in the other lanes. So a structure has
one width, which memory decides and the number of members never does; lanes without a member repeat the last one.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.compiling import compiled, make_room
from jaxnn.loop import Data, State, Status, advance, start
from jaxnn.recipes import Recipe
from jaxnn.runs import Run, finished_run
from jaxnn.training import plain_numbers

MOST_LANES = 128
"""Lanes of a structure whose population fits into memory; halved until it does."""
MEMORY_SHARE = 0.8
"""Share of the device's memory that a population may plan with."""
EPOCHS_AT_ONCE = 8
"""Between chunks of this many epochs a population ends early if all of its members have stopped."""

SHARED_DATA = Data(x=None, y=None, train=0, validation=0)
"""vmap's axes: examples are shared by all lanes, rows to train and validate on are each lane's own."""


class Member(NamedTuple):
    """One run of a population; equal (seed, number) means equal randomness, whoever trains beside it."""

    recipe: Recipe
    data: Data
    number: int


def start_lanes(recipes: Recipe, data: Data, key: jax.Array, members: jax.Array) -> State:
    """``start`` for stacked recipes, rows and member numbers."""
    return jax.vmap(start, in_axes=(0, _axes(data), None, 0))(recipes, data, key, members)


def advance_lanes(recipes: Recipe, states: State, data: Data, *, epochs: int) -> Any:
    """``advance`` for stacked recipes, states and rows: (states, metrics), metrics (lanes, epochs)."""
    return jax.vmap(lambda *lane: advance(*lane, epochs=epochs), in_axes=(0, 0, _axes(data)))(recipes, states, data)


def train_lanes(members: Sequence[Member], seed: np.ndarray, most: int, device: jax.Device) -> list[Run]:
    """One Run each for members of one structure, in as many programs of the planned width as it takes."""
    recipe, data, _ = members[0]
    lanes = planned_lanes(recipe, data, seed, most, memory_limit(device))
    runs: list[Run] = []
    for first in range(0, len(members), lanes):
        runs += _train_full(members[first : first + lanes], seed, lanes, device)
    return runs


def planned_lanes(recipe: Recipe, data: Data, seed: np.ndarray, most: int, limit: float) -> int:
    """The largest of most, most/2, most/4, ... whose program, by its own memory analysis, fits into `limit` bytes."""
    if limit == math.inf:
        return most
    leaves, structure = jax.tree.flatten((plain_numbers(recipe), data, seed))
    shapes = tuple(jax.ShapeDtypeStruct(np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    return _fitting_lanes(structure, shapes, most, limit)


def memory_limit(device: jax.Device) -> float:
    """Bytes that a population may use on this device; unlimited where the device does not say."""
    statistics = device.memory_stats() or {}
    return MEMORY_SHARE * statistics.get("bytes_limit", math.inf)


def stack_members(members: Sequence[Member], lanes: int) -> tuple[Recipe, Data, np.ndarray]:
    """Recipes, rows and numbers stacked along a first axis of `lanes`, the last member repeated in lanes that are left."""
    full = [*members, *[members[-1]] * (lanes - len(members))]
    recipes, datas, numbers = zip(*full, strict=True)
    dtype = jnp.result_type(float)
    stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf, dtype) for leaf in leaves]), *map(plain_numbers, recipes))
    rows = [jax.tree.map(lambda *leaves: jnp.stack(leaves), *(getattr(data, name) for data in datas)) for name in ("train", "validation")]
    return stacked, datas[0].replace(train=rows[0], validation=rows[1]), np.asarray(numbers, np.int32)


def _train_full(members: Sequence[Member], seed: np.ndarray, lanes: int, device: jax.Device) -> list[Run]:
    make_room()
    recipes, data, numbers = jax.device_put(stack_members(members, lanes), device)
    states = compiled(start_lanes, once=True)(recipes, data, seed, numbers)
    pieces = []
    for chunk in _cut(members[0][0].epochs):
        states, metrics = compiled(advance_lanes, static=("epochs",))(recipes, states, data, epochs=chunk)
        pieces.append(jax.device_get(metrics))
        if not np.any(np.asarray(states.status) == Status.RUNNING):
            break
    history = {name: np.concatenate([piece[name] for piece in pieces], axis=1) for name in pieces[0]}
    states = jax.device_get(states)
    return [
        finished_run(recipe, _lane(states, lane), _lane(history, lane), data, number, keep_state=False)
        for lane, (recipe, _, number) in enumerate(members)
    ]


@functools.lru_cache(maxsize=256)
def _fitting_lanes(structure: Any, shapes: tuple[jax.ShapeDtypeStruct, ...], most: int, limit: float) -> int:
    recipe, data, seed = jax.tree.unflatten(structure, shapes)  # shapes alone, for every chunk of a structure asks the same
    lanes = most
    while lanes > 1 and _bytes_needed(recipe, data, seed, lanes) > limit:
        lanes //= 2
    return lanes


def _bytes_needed(recipe: Recipe, data: Data, seed: Any, lanes: int) -> float:
    def widen(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((lanes, *leaf.shape), leaf.dtype), tree)

    recipes, stacked = widen(recipe), data.replace(train=widen(data.train), validation=widen(data.validation))
    numbers = jax.ShapeDtypeStruct((lanes,), jnp.int32)
    states = compiled(start_lanes, once=True).eval_shape(recipes, stacked, seed, numbers)
    epochs = _cut(recipe.epochs)[0]
    program = compiled(advance_lanes, static=("epochs",)).lower(recipes, states, stacked, epochs=epochs).compile()
    analysis = program.memory_analysis()
    return float(analysis.temp_size_in_bytes + analysis.argument_size_in_bytes + analysis.output_size_in_bytes)


def _cut(epochs: int) -> list[int]:
    whole, rest = divmod(epochs, EPOCHS_AT_ONCE)
    return [EPOCHS_AT_ONCE] * whole + ([rest] if rest else [])


def _lane(tree: Any, lane: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[lane], tree)


def _axes(data: Data) -> Data:
    return SHARED_DATA if data.validation is not None else SHARED_DATA.replace(validation=None)
