"""For each kind of model: are the rules written by hand as good as autodiff, and is a population worth having?

Floor: autodiff does no work twice that it knows of, so by hand is at its best 1.0 of it where XLA sees through both, and less where
autodiff's form is slow on this backend. Prediction before measuring: 0.95 to 1.05 for dense kinds, down to 0.2 for convolution, 0.8
for recurrence; temporary memory 0.5 to 1.1 of autodiff's; first fits within 1.1, for tracing is little of them; fit_many 0.9 a core.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

import jaxnn
from experiments.benchmarks import timing
from jaxnn import models
from jaxnn.compiling import compiled
from jaxnn.keys import key_data
from jaxnn.loop import Data, advance, start
from jaxnn.tasks.base import Engine
from jaxnn.training import as_data, plain_numbers

ENGINES: tuple[Engine, ...] = ("backprop", "autodiff")
CLASSES, MEMBERS = 10, 4


Draw = Callable[[np.random.Generator, int], tuple[Any, Any]]
"""From a generator and how many rows to x and y: noise, for what is learned costs nothing."""


class Kind(NamedTuple):
    """A task, what its rows are, how many, and for how long."""

    task: jaxnn.Task
    draw: Draw
    rows: int
    epochs: int


def noise(*shape: int) -> Draw:
    """x alone."""
    return lambda random, rows: (random.normal(size=(rows, *shape)).astype(np.float32), None)


def labelled(*shape: int) -> Draw:
    """x, and classes that have nothing to do with it."""
    return lambda random, rows: (noise(*shape)(random, rows)[0], _whole(random, rows))


def sentences(source: int, target: int) -> Draw:
    """x: sequences of so many tokens from and into which is translated; y: what comes next in the second."""
    return lambda random, rows: ((_whole(random, rows, source), _whole(random, rows, target)), _whole(random, rows, target))


def kinds() -> dict[str, Kind]:
    """One of each, small."""

    def classifier(model: jaxnn.layers.Layer, shape: tuple[int, ...], rows: int, epochs: int) -> Kind:
        return Kind(jaxnn.Classification(model), labelled(*shape), rows, epochs)

    image, networks, of_images = (16, 16, 1), models.gan((64,), 64), models.conv_gan((8, 16), (16, 16, 1))
    return {
        "mlp": classifier(models.mlp((64, 64), CLASSES), (64,), 2048, 20),
        "cnn": classifier(models.cnn((8, 16), CLASSES), image, 1024, 4),
        "simple rnn": classifier(models.rnn((32,), CLASSES, cell="simple"), (32, 4), 1024, 5),
        "lstm": classifier(models.rnn((32,), CLASSES, cell="lstm"), (32, 4), 1024, 5),
        "gru": classifier(models.rnn((32,), CLASSES, cell="gru"), (32, 4), 1024, 5),
        "transformer": classifier(models.transformer(CLASSES, width=32, depth=2, heads=4), (16, 8), 512, 4),
        "seq2seq": Kind(jaxnn.NextToken(models.seq2seq(CLASSES, CLASSES, (32,))), sentences(16, 12), 1024, 5),
        "autoencoder": Kind(jaxnn.Reconstruction(models.autoencoder((64,), 8, 64)), noise(64), 2048, 20),
        "conv_autoencoder": Kind(jaxnn.Reconstruction(models.conv_autoencoder((8, 16), 8, image)), noise(*image), 1024, 4),
        "variational": Kind(jaxnn.Variational(models.variational_autoencoder((64,), 8, 64)), noise(64), 2048, 20),
        "wide_deep": classifier(models.wide_deep((64, 64), CLASSES), (64,), 2048, 20),
        "residual_mlp": classifier(models.residual_mlp(64, 4, CLASSES), (64,), 1024, 10),
        "gan": Kind(jaxnn.Adversarial(*networks, latent=16), noise(64), 1024, 10),
        "conv_gan": Kind(jaxnn.Adversarial(*of_images, latent=16), noise(*image), 512, 4),
    }


def measure(*, smoke: bool) -> dict[str, float]:
    """Seconds, KiB and ratios, medians over rounds."""
    figures: dict[str, float] = {}
    for name, kind in kinds().items():
        small = kind._replace(rows=128, epochs=1) if smoke else kind
        measured = {**_first(small, 1 if smoke else 3), **_steady(small, 1 if smoke else 15), **_memory(small)}
        measured |= _population(small, 1 if smoke else 7)
        figures |= {f"{name}: {figure}": value for figure, value in measured.items()}
    return figures


def recipe(kind: Kind, engine: Engine, learning_rate: float = 1e-3) -> jaxnn.Recipe:
    """Adam, batches of 64."""
    optimizer = jaxnn.optimizer(optax.adam, learning_rate=learning_rate)
    return jaxnn.Recipe(kind.task, optimizer, epochs=kind.epochs, batch_size=64, gradients=engine)


def rows(kind: Kind) -> tuple[Any, Any]:
    """The same ones each time."""
    return kind.draw(np.random.default_rng(0), kind.rows)


def _whole(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.integers(0, CLASSES, shape).astype(np.int32)


def _fits(kind: Kind, **options: Any) -> dict[str, Callable[[int], None]]:
    data = rows(kind)

    def contender(engine: Engine) -> Callable[[int], None]:
        def run(seed: int) -> None:
            jaxnn.fit(recipe(kind, engine), data, key=seed, **options)

        return run

    return {engine: contender(engine) for engine in ENGINES}


def _steady(kind: Kind, count: int) -> dict[str, float]:
    seconds = timing.rounds(_fits(kind), count)
    return {
        "backprop (s)": statistics.median(seconds["backprop"]),
        "autodiff (s)": statistics.median(seconds["autodiff"]),
        "backprop / autodiff (at most 1.1)": timing.ratio(seconds, "backprop", "autodiff"),
    }


def _first(kind: Kind, count: int) -> dict[str, float]:
    """First fits of a process that has imported everything: nothing traced, nothing compiled."""
    seconds: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for number in range(count):
        for engine, run in _fits(kind).items():
            jax.clear_caches()
            began = time.perf_counter()
            run(number)
            seconds[engine].append(time.perf_counter() - began)
    medians = {f"first fit, {engine} (s)": statistics.median(values) for engine, values in seconds.items()}
    return {**medians, "first fit, backprop / autodiff": timing.ratio(seconds, "backprop", "autodiff")}


def _memory(kind: Kind) -> dict[str, float]:
    """What the program of the run needs beside its arguments and results."""
    data = as_data("benchmark", rows(kind), None, key_data(0))
    sizes = {f"temporary memory, {engine} (KiB)": _temporary(recipe(kind, engine), data) for engine in ENGINES}
    by_hand, autodiff = sizes.values()
    return {**sizes, "temporary memory, backprop / autodiff": by_hand / autodiff}


def _temporary(recipe: jaxnn.Recipe, data: Data) -> float:
    numbers = plain_numbers(recipe)
    state = jax.eval_shape(start, numbers, data, key_data(0), np.int32(0))
    program = compiled(advance, static=("epochs",)).lower(numbers, state, data, epochs=recipe.epochs).compile()
    return float(program.memory_analysis().temp_size_in_bytes / 1024)


def _population(kind: Kind, count: int) -> dict[str, float]:
    data = rows(kind)
    recipes = [recipe(kind, "backprop", rate) for rate in np.geomspace(1e-4, 1e-2, MEMBERS)]

    def alone(seed: int) -> None:
        for one in recipes:
            jaxnn.fit(one, data, key=seed)

    def together(seed: int) -> None:
        jaxnn.fit_many(recipes, data, key=seed)

    seconds = timing.rounds({"one after the other": alone, "fit_many": together}, count)
    return {f"population gain, {MEMBERS} members (at least 1)": timing.ratio(seconds, "one after the other", "fit_many")}
