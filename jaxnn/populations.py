"""fit_many: a list of recipes (times seeds, times folds) in, one Run each out, on every core or accelerator.

Members of equal structure share one compiled program. How they run is planned per backend, as measured: on CPU one member to
a core (``vmap`` gains nothing there and loses once the stacked state leaves the cache), so a member *is* the program of ``fit``
and bit-equal to it; on accelerators ``vmap`` over a fixed number of lanes, so that no member's bits depend on its neighbours.
"""

import os
from collections.abc import Generator, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn.bits import enough_bits
from jaxnn.checks import check_ranges, check_whole, sentence
from jaxnn.compiling import with_settings_of_this_thread
from jaxnn.data.splits import fold_rows
from jaxnn.keys import key_data
from jaxnn.lanes import MOST_LANES, Member, train_lanes
from jaxnn.loop import Data
from jaxnn.recipes import Recipe
from jaxnn.runs import Run
from jaxnn.training import as_data, check_recipe, check_run, classes_of, train


class Plan(NamedTuple):
    """How a population is spread: members side by side in one program (lanes), programs side by side (one a slot)."""

    slots: tuple[jax.Device, ...]
    lanes: int


def plan(*, lanes: int | None = None, workers: int | None = None) -> Plan:
    """The plan for the default backend. CPU: one lane, a slot for each core; else: MOST_LANES lanes, a slot for each device.

    lanes=1 is the exact mode everywhere: each member alone in the program of ``fit``. Members whose task has layers that do not
    stack (``Layer.stacks``: convolutions) run so in any plan.
    """
    for name, value in (("lanes", lanes), ("workers", workers)):
        if value is not None:
            check_whole("fit_many", name, value, low=1)
    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        return Plan((devices[0],) * (workers or _cores()), lanes or 1)
    return Plan(tuple(devices[: workers or len(devices)]), lanes or MOST_LANES)


def fit_many(
    recipes: Sequence[Recipe],
    data: Any,
    *,
    key: Any = 0,
    validation: Any = None,
    seeds: int = 1,
    folds: int | None = None,
    lanes: int | None = None,
    workers: int | None = None,
) -> list[Run]:
    """Trains every recipe, ``seeds`` times each, on each of ``folds`` folds: recipes outermost, folds innermost.

    data, key, validation: as in ``fit``; all members share one split, drawn from key. folds: stratified cross-validation in
    place of validation. Member number i (recipe by recipe, seed by seed; the folds of one share it) equals
    ``fit(recipe, data, key=key, member=i)``: bit for bit on CPU or with lanes=1, to rounding on accelerators.
    A member that diverges is frozen at its last finite epoch and flagged in its Run; nobody else is touched.
    lanes, workers: see ``plan``. Raises what ``fit`` raises, before anything is compiled.
    """
    spread = plan(lanes=lanes, workers=workers)
    members = make_members(recipes, data, key=key, validation=validation, seeds=seeds, folds=folds)
    runs: list[Run | None] = [None] * len(members)
    for index, run in finished(members, key_data(key), spread):
        runs[index] = run
    return [run for run in runs if run is not None]


def make_members(
    recipes: Sequence[Recipe], data: Any, *, key: Any, validation: Any = None, seeds: int = 1, folds: int | None = None
) -> list[Member]:
    """The checked members of a population, in the order of ``fit_many``'s result."""
    check_whole("fit_many", "seeds", seeds, low=1)
    if not isinstance(recipes, Sequence) or not recipes:
        raise ValueError(sentence("fit_many", "recipes", "a list of at least one Recipe", repr(recipes)[:60]))
    seed = key_data(key, "fit_many")
    splits: dict[bool, list[Data]] = {}
    checked: set[Hashable] = set()
    for recipe in recipes:
        check_recipe("fit_many", recipe)
        with enough_bits(recipe.wide):
            if recipe.wide not in splits:
                splits[recipe.wide] = _splits(data, validation, folds, seed, wide=recipe.wide)
            check_member(recipe, splits[recipe.wide][0], checked)
    return [
        Member(recipe, split, number * seeds + repeat)
        for number, recipe in enumerate(recipes)
        for repeat in range(seeds)
        for split in splits[recipe.wide]
    ]


def check_member(recipe: Recipe, data: Data, checked: set[Hashable]) -> None:
    """``check_run`` once for each structure; recipes of a structure that was checked differ in their numbers alone."""
    structure = jax.tree.structure(recipe)
    if structure in checked:
        check_ranges("fit_many", recipe)
    else:
        check_run("fit_many", recipe, data)
        checked.add(structure)


def finished(members: Sequence[Member], seed: np.ndarray, spread: Plan) -> Generator[tuple[int, Run], None, None]:
    """(index, Run) of each member as it finishes, in no fixed order. Closing the iterator drops those not yet begun.

    The first of each structure goes first, so that structures compile side by side and none is compiled twice.
    """
    chunks = _chunks(members, spread)
    leaders = {structure: parts.pop(0) for structure, parts in chunks.items()}
    slots = list(spread.slots)
    pool = ThreadPoolExecutor(len(slots), thread_name_prefix="jaxnn-population")

    @with_settings_of_this_thread
    def work(indices: list[int]) -> list[tuple[int, Run]]:
        device = slots.pop()  # list.pop and append are atomic, and there are as many slots as threads
        try:
            return list(zip(indices, _train_chunk([members[index] for index in indices], seed, spread, device), strict=True))
        finally:
            slots.append(device)

    try:
        waiting: dict[Future[list[tuple[int, Run]]], Hashable] = {pool.submit(work, part): name for name, part in leaders.items()}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                waiting |= {pool.submit(work, part): None for part in chunks.pop(waiting.pop(future), [])}
                yield from future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupted user is not kept waiting for members half way


def _train_chunk(members: list[Member], seed: np.ndarray, spread: Plan, device: jax.Device) -> list[Run]:
    lanes, member = _width(members[0], spread), members[0]
    with enough_bits(member.recipe.wide):
        if lanes > 1:
            return train_lanes(members, seed, lanes, device)
        data = member.data if device.platform == "cpu" else jax.device_put(member.data, device)
        return [train(member.recipe, data, seed, member.number, keep_state=False)]


def _chunks(members: Sequence[Member], spread: Plan) -> dict[Hashable, list[list[int]]]:
    """Indices of members by structure, in parts of as many as run side by side."""
    groups: dict[Hashable, list[int]] = {}
    for index, member in enumerate(members):
        shapes = tuple(leaf.shape for leaf in jax.tree.leaves(member.data))
        groups.setdefault((jax.tree.structure(member.recipe), shapes), []).append(index)
    return {structure: _parts(indices, _width(members[indices[0]], spread)) for structure, indices in groups.items()}


def _parts(indices: list[int], size: int) -> list[list[int]]:
    return [indices[first : first + size] for first in range(0, len(indices), size)]


def _width(member: Member, spread: Plan) -> int:
    """Lanes of the member's program: one where its layers are slower side by side than one after the other."""
    return spread.lanes if member.recipe.task.stacks else 1


def _splits(data: Any, validation: Any, folds: int | None, seed: np.ndarray, *, wide: bool) -> list[Data]:
    rows = as_data("fit_many", data, validation, seed, wide=wide)
    return [rows] if folds is None else _fold(rows, folds, seed)


def _fold(data: Data, folds: int, seed: np.ndarray) -> list[Data]:
    if data.validation is not None:
        raise ValueError(sentence("fit_many", "validation", "None where folds are given", "both", "Folds bring their own validation rows."))
    rows, classes = np.asarray(data.train), classes_of(data.y)
    pairs = fold_rows(len(rows), folds, seed=int(seed[1]), classes=None if classes is None else classes[rows])
    return [data.replace(train=jax.device_put(rows[train]), validation=jax.device_put(rows[held_out])) for train, held_out in pairs]


def _cores() -> int:
    """Cores that this process may use: fewer than the machine's in a container or under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
