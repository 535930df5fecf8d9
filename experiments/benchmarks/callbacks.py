"""What does it cost to look on? A run of about a second with each writer, against the same run without a callback.

Floor: nothing. Prediction before measuring: to begin a piece of the run takes the host 1 ms, which would be half of what an epoch of the
digits takes. Pieces take 0.1 s and the next one is begun before the last is looked at, so what the host does costs only where it has no
core to itself: below 1 %. Writing adds some ten microseconds a line.
"""

import io
import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

import jaxnn
from experiments.benchmarks import timing, workload
from jaxnn import writers
from jaxnn.writers.base import Callback

EPOCHS = 500


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds, and in percent what a run takes longer than without a callback in the same round; 2 is allowed."""
    x, y = workload.digits()
    recipe = workload.recipe().replace(epochs=2 if smoke else EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        watched = {name: _fit(recipe, x, y, make) for name, make in _writers(recipe.epochs, Path(folder)).items()}
        seconds = timing.rounds({"no callback": _fit(recipe, x, y, None), **watched}, 1 if smoke else 21)
    medians = {f"{name} (s)": statistics.median(values) for name, values in seconds.items()}
    return {**medians, **{f"{name} (% more)": 100 * (timing.ratio(seconds, name, "no callback") - 1) for name in watched}}


def _writers(epochs: int, folder: Path) -> dict[str, Callable[[], Callback]]:
    numbers = itertools.count()
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    return {
        "nothing done": lambda: lambda epoch, metrics: None,
        "CSV": lambda: writers.CSV(folder / f"{next(numbers)}.csv"),
        "JSONL": lambda: writers.JSONL(folder / f"{next(numbers)}.jsonl"),
        "TensorBoard": lambda: writers.TensorBoard(folder / str(next(numbers))),
        "Progress": lambda: writers.Progress(epochs, console=terminal),
    }


def _fit(recipe: jaxnn.Recipe, x: np.ndarray, y: np.ndarray, make: Callable[[], Callback] | None) -> workload.Train:
    def train(seed: int) -> None:
        jaxnn.fit(recipe, (x, y), key=seed, callback=make() if make else None)

    return train
