"""What does each rule of a recipe cost, alone and together: per step, and until the first epoch is there?

W1 with 20 epochs. Floor: the recipe without any. Prediction before measuring: what is done once an epoch (early stopping, plateau,
averages of epochs) 1.00 to 1.03, what is done to each gradient (clipping, norms, penalties, averages of steps) 1.05 to 1.15 each, for
steps of 25 microseconds; noise and mixup draw and so cost 1.3 to 2.5; each 0.02 to 0.15 s of compiling, mixup, which draws from a beta
distribution, more.
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from typing import Any

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


CODE = """
import time
import jax, jaxnn
from experiments.benchmarks import features
jaxnn.enable_compilation_cache()
run = features.contenders()[{name!r}]
jax.devices()
began = time.perf_counter()
run(0)
print(time.perf_counter() - began)
"""


def measure(*, smoke: bool) -> dict[str, float]:
    """Ratios to the recipe without rules, and seconds of first fits beyond its own; medians over rounds."""
    known = contenders()
    names = ["none", "clip by norm", "all that is free"] if smoke else list(known)
    seconds = timing.rounds({name: known[name] for name in names}, 1 if smoke else 15)
    cold, warm = _first(names, 1 if smoke else 3)
    figures = {"none (s)": statistics.median(seconds["none"]), "none, first fit (s)": cold["none"], "none, later process (s)": warm["none"]}
    for name in names[1:]:
        limit = " (at most 1.1)" if name == "all that is free" else ""
        figures[f"{name} / none{limit}"] = timing.ratio(seconds, name, "none")
        figures[f"{name}, first fit, more than none (s)"] = cold[name] - cold["none"]
        figures[f"{name}, later process, more than none (s)"] = warm[name] - warm["none"]
    return figures


def contenders() -> dict[str, Callable[[int], None]]:
    """A fit for each rule, one without any and one with all that is free, all with the same rows held out to validate on."""
    x, y = workload.digits()
    together = {name: rule for fields in FREE.values() for name, rule in fields.items()}
    variants: dict[str, dict[str, Any]] = {"none": {}, **FREE, **OTHER, "all that is free": together}

    def contender(fields: dict[str, Any]) -> Callable[[int], None]:
        recipe = workload.recipe().replace(**fields)

        def run(seed: int) -> None:
            jaxnn.fit(recipe, (x, y), key=seed, validation=0.2)

        return run

    return {name: contender(fields) for name, fields in variants.items()}


def _first(names: list[str], count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of the first fits of processes: with nothing in the cache, and with what that one left there."""
    cold: dict[str, list[float]] = {name: [] for name in names}
    warm: dict[str, list[float]] = {name: [] for name in names}
    for name in names * count:
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "JAXNN_CACHE_DIR": folder}
            for seconds in (cold, warm):
                seconds[name].append(timing.printed_seconds(CODE.format(name=name), environment))
    return _medians(cold), _medians(warm)


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in seconds.items()}
