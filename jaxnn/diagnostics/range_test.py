"""The learning-rate range test (Smith 2017), as one population: which learning rates train, which diverge, and which to begin with.

Smith lets the rate grow within one run, so that what is seen at a rate is owed to all rates before it. Here every rate has a run of
its own, from the same parameters and through the same batches.
"""

import inspect
import math
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxnn.bits import enough_bits
from jaxnn.checks import check_whole, sentence
from jaxnn.keys import key_data
from jaxnn.lanes import Member
from jaxnn.loop import Data
from jaxnn.optimizers import Optimizer
from jaxnn.populations import finished, make_members, plan
from jaxnn.recipes import Recipe
from jaxnn.runs import Run
from jaxnn.training import as_data, check_recipe

MEASURED_ROWS = 4096
"""Where no rows are held out, the loss is measured on at most so many of those trained on."""
SHARE = 0.95
"""The suggestion is the lowest rate with so much of the best drop in loss."""


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What came out, rates in rising order. suggestion: the rate to begin with, nan where no rate learned anything.

    learning_rates (rates,); losses (rates,) after the last epoch, nan where the run diverged; start: the loss before training;
    history (rates, epochs): the loss after each epoch. advice: a sentence where the range was too narrow to tell, else "".
    """

    learning_rates: np.ndarray
    losses: np.ndarray
    start: float
    suggestion: float
    history: np.ndarray = field(repr=False)
    advice: str = ""


def range_test(
    recipe: Recipe,
    data: Any,
    *,
    key: Any = 0,
    validation: Any = None,
    low: float = 1e-6,
    high: float = 10.0,
    rates: int = 29,
    steps: int = 100,
    lanes: int | None = None,
    workers: int | None = None,
) -> RangeTest:
    """Trains the recipe for some steps with learning rates from low to high, evenly spaced in their logarithm, and suggests one.

    data, key, validation, lanes, workers: as in ``fit_many``. steps: updates of each run, rounded up to whole epochs; of data with more
    rows than they take, as many as they take are drawn. The recipe's own epochs, early stopping, plateau and learning rates (of all
    parts, where parts have optimizers of their own; a schedule is put aside) play no role. The loss is that of the rows held out or,
    without any, of rows trained on, dropout off.

    The suggestion is the lowest rate that has 0.95 of the best rate's drop in loss, losses being smoothed by the median of three
    neighbours, in which a run that diverged counts as infinite. A higher rate would be hardly faster, and nearer to divergence; Smith
    (2017, section 3.3) takes the rate where the loss stops falling for the upper bound of his, for the same reason.
    Raises ValueError for a recipe whose optimizer has no learning rate, else what ``fit`` raises, before anything is compiled.
    """
    check_whole("range_test", "rates", rates, low=3)
    check_whole("range_test", "steps", steps, low=1)
    if not 0 < low < high < math.inf:
        raise ValueError(sentence("range_test", "low and high", "0 < low < high", f"{low} and {high}"))
    learning_rates = np.geomspace(low, high, rates)
    check_recipe("range_test", recipe)
    seed = key_data(key, "range_test")
    with enough_bits(recipe.wide):
        rows = as_data("range_test", data, validation, seed, wide=recipe.wide)
    rows, epochs = _rows(recipe, rows, steps, seed)
    recipes = [_with_rate(recipe, rate, epochs) for rate in (0.0, *learning_rates.tolist())]
    members = [Member(recipe, data, 0) for recipe, data, _ in make_members(recipes, rows, key=key)]  # number 0: all draw the same
    runs = dict(finished(members, seed, plan(lanes=lanes, workers=workers)))
    history = np.stack([_losses(runs[place], epochs) for place in range(len(members))])
    suggestion, advice = suggest(learning_rates, history[1:, -1], history[0, -1])
    return RangeTest(learning_rates, history[1:, -1], float(history[0, -1]), suggestion, history[1:], advice)


def suggest(learning_rates: np.ndarray, losses: np.ndarray, start: float) -> tuple[float, str]:
    """The rule of ``range_test``: (learning rate or nan, advice).

    >>> suggest(np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0]), np.array([2.3, 1.2, 0.4, 0.3, np.nan]), start=2.3)
    (0.01, '')
    """
    smoothed = _medians(np.where(np.isfinite(losses), losses, np.inf))
    drops = start - smoothed
    best = int(np.argmax(drops))
    if not drops[best] > 0:
        return math.nan, f"No rate from {learning_rates[0]:g} to {learning_rates[-1]:g} lowers the loss: try a wider range or more steps."
    chosen = int(np.argmax(drops >= SHARE * drops[best]))
    if chosen == 0:
        return float(learning_rates[0]), "The lowest rate of all does: try a lower one for low."
    if best == len(losses) - 1:
        return float(learning_rates[chosen]), "The highest rate of all is the best: try a higher one for high."
    return float(learning_rates[chosen]), ""


def _medians(losses: np.ndarray) -> np.ndarray:
    """Of each loss and its two neighbours; beyond the ends stands the last loss again."""
    padded = np.pad(losses, 1, mode="edge")
    return np.median(np.stack([padded[:-2], losses, padded[2:]]), axis=0)


def _rows(recipe: Recipe, data: Data, steps: int, seed: np.ndarray) -> tuple[Data, int]:
    """The rows to train on and to measure on, and how many epochs of them are at least so many steps."""
    train, enough = np.asarray(data.train), steps * recipe.batch_size * recipe.accumulation
    if len(train) > enough:
        train = np.random.default_rng(seed).choice(train, enough, replace=False)
    if data.validation is None:
        data = data.replace(validation=jax.device_put(train[:MEASURED_ROWS]))
    return data.replace(train=jax.device_put(train)), -(-steps // -(-len(train) // (recipe.batch_size * recipe.accumulation)))


def _with_rate(recipe: Recipe, rate: float, epochs: int) -> Recipe:
    given = recipe.optimizer
    if not any(map(_has_rate, given.members)):
        advice = "Take one that has, for instance optimizer(optax.adam, learning_rate=1e-3)."
        raise ValueError(sentence("range_test", "recipe.optimizer", "one with a learning_rate", repr(given)[:60], advice))
    made = given.map(lambda part: _set_rate(part, rate) if _has_rate(part) else part)
    return recipe.replace(optimizer=made, epochs=epochs, early_stopping=None, plateau=None, metrics=None)


def _has_rate(part: Optimizer) -> bool:
    return "learning_rate" in inspect.signature(part.function).parameters


def _set_rate(part: Optimizer, rate: float) -> Optimizer:
    options = tuple((name, value) for name, value in part.options if name != "learning_rate")  # a schedule may be a function
    return part.replace(numbers=part.numbers | {"learning_rate": rate}, options=options)


def _losses(run: Run, epochs: int) -> np.ndarray:
    """The loss after each epoch (epochs,), nan from where it diverged on."""
    losses = np.asarray(run.history["validation_loss"], float)
    return np.pad(losses[: run.epochs], (0, epochs - run.epochs), constant_values=np.nan)
