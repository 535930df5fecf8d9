"""What does each rule of a recipe cost, alone and together: per step, and until the first epoch is there?

W1 with 20 epochs. Floor: the recipe without any. Prediction before measuring: what is done once an epoch (early stopping, plateau,
averages of epochs) 1.00 to 1.03, what is done to each gradient (clipping, norms, penalties, averages of steps) 1.05 to 1.15 each, for
steps of 25 microseconds; noise and mixup draw and so cost 1.3 to 2.5; each 0.02 to 0.15 s of compiling, mixup, which draws from a beta
distribution, more.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

import jaxnn
from experiments.benchmarks import timing, workload

FREE: dict[str, Any] = {
    "early stopping": {"early_stopping": jaxnn.EarlyStopping(patience=1000.0)},
    "plateau": {"plateau": jaxnn.ReduceOnPlateau(patience=1000.0)},
    "clip by norm": {"clip": jaxnn.ClipByNorm(1.0)},
    "schedule": {"optimizer": jaxnn.optimizer(optax.adam, learning_rate=jaxnn.schedules.Cosine(workload.LEARNING_RATE, steps=1000.0))},
}
"""What costs nothing by its nature, and is asked for in the run that has all of it."""
OTHER: dict[str, Any] = {
    "norms": {"norms": True},
    "clip by layer": {"clip": jaxnn.ClipByLayerNorm(1.0)},
    "L1 and L2": {"l1": 1e-5, "l2": 1e-4},
    "max norm": {"max_norm": 3.0},
    "EMA": {"averaging": jaxnn.Averaging(decay=0.99)},
    "SWA": {"averaging": jaxnn.Averaging(every="epoch")},
    "input noise": {"input_noise": 0.1},
    "mixup": {"mixup": 0.2},
    "accumulation of 2": {"accumulation": 2, "batch_size": workload.BATCH // 2},
    "bfloat16": {"precision": "bfloat16"},
    "float16": {"precision": "float16"},
}


def measure(*, smoke: bool) -> dict[str, float]:
    """Ratios to the recipe without rules, and seconds of first fits beyond its own; medians over rounds."""
    x, y = workload.digits()
    variants = FREE | OTHER | {"all that is free": {name: rule for fields in FREE.values() for name, rule in fields.items()}}
    if smoke:
        variants = {name: variants[name] for name in ("clip by norm", "all that is free")}
    contenders = {"none": _fit(x, y, {}), **{name: _fit(x, y, fields) for name, fields in variants.items()}}
    first = _first(contenders, 1 if smoke else 3)
    seconds = timing.rounds(contenders, 1 if smoke else 15)
    figures = {"none (s)": statistics.median(seconds["none"]), "none, first fit (s)": first["none"]}
    for name in variants:
        limit = " (at most 1.1)" if name == "all that is free" else ""
        figures[f"{name} / none{limit}"] = timing.ratio(seconds, name, "none")
        figures[f"{name}, first fit more than none (s)"] = first[name] - first["none"]
    return figures


def _fit(x: np.ndarray, y: np.ndarray, fields: dict[str, Any]) -> Callable[[int], None]:
    """All with the same validation rows, so that nobody is charged for validating."""
    recipe = workload.recipe().replace(**fields)

    def run(seed: int) -> None:
        jaxnn.fit(recipe, (x, y), key=seed, validation=0.2)

    return run


def _first(contenders: dict[str, Callable[[int], None]], count: int) -> dict[str, float]:
    """Seconds of the first fit of a process that has imported everything."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(count):
        for name, run in contenders.items():
            jax.clear_caches()
            began = time.perf_counter()
            run(number)
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}
