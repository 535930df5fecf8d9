"""One of W2 to W4 among its contenders: the floor, the program by hand, ``jaxnn.fit`` and what other libraries are installed.

Who keeps rows as arrays of its own has them before the clock runs: the program by hand on the device, PyTorch as tensors, ``fit`` as
``jax.Array``. What fit takes longer when it is handed NumPy arrays, which it checks and copies, is a line of its own.
"""

import statistics
from collections.abc import Callable
from typing import Any

import jax
import optax

import jaxnn
from experiments.benchmarks import floors, timing
from experiments.benchmarks.libraries import installed
from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train

OURS = "jaxnn.fit"


def measure(
    work: Work, model: jaxnn.layers.Layer, by_hand: Callable[[int], Any], products: list[floors.Product], *, smoke: bool
) -> dict[str, float]:
    """Medians in seconds over rounds in which all take turns, and medians of ratios within a round."""
    contenders = {
        "matrix products": floors.matrix_products(work, products),
        "by hand": by_hand,
        OURS: with_jaxnn(work, model, jax.device_put((work.x, work.y))),
        f"{OURS} of NumPy arrays": with_jaxnn(work, model, (work.x, work.y)),
        **{name: make(work) for name, make in installed(work).items()},
    }
    seconds = timing.rounds(contenders, 1 if smoke else 7)
    medians = {f"{name} (s)": statistics.median(values) for name, values in seconds.items()}
    others = list(contenders)[3:]
    return {
        **medians,
        f"{OURS} / by hand (at most 1.1)": timing.ratio(seconds, OURS, "by hand"),
        f"{OURS} / matrix products": timing.ratio(seconds, OURS, "matrix products"),
        **{f"{name} / {OURS}": timing.ratio(seconds, name, OURS) for name in others},
    }


def recipe(work: Work, model: jaxnn.layers.Layer) -> jaxnn.Recipe:
    """The recipe, gradients by the rules written by hand."""
    optimizer = jaxnn.optimizer(optax.adam, learning_rate=LEARNING_RATE)
    return jaxnn.Recipe(jaxnn.Classification(model), optimizer, epochs=work.epochs, batch_size=work.batch, gradients="backprop")


def with_jaxnn(work: Work, model: jaxnn.layers.Layer, rows: Any) -> Train:
    """``jaxnn.fit`` on those rows of the work, (x, y)."""

    def train(seed: int) -> None:
        jaxnn.fit(recipe(work, model), rows, key=seed)

    return train
