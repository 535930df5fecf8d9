"""Runs with checkpoints, small, and what is read of a state that was written."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
import optax

from jaxnn import Checkpoints, EarlyStopping, Recipe, Run, fit, optimizer
from jaxnn.checkpoints import Keeper
from jaxnn.pieces import Standing
from tests.samples import blobs, classification
from tests.tolerances import assert_same_bits

EPOCHS = 7


def recipe(**fields: Any) -> Recipe:
    """Everything that a run can have."""
    adam = optimizer(optax.adam, learning_rate=0.05)
    return classification(
        dropout=0.2, l2=1e-3, optimizer=adam, early_stopping=EarlyStopping(patience=EPOCHS), **{"epochs": EPOCHS} | fields
    )


def examples() -> Any:
    return blobs(12)


def straight_run(**options: Any) -> Run:
    """The run without checkpoints."""
    return fit(recipe(), examples(), **{"validation": 0.25, "key": 4} | options)


def run_in(folder: Path, *, epochs: int = EPOCHS, **options: Any) -> Run:
    """The same run with checkpoints in that folder, to that epoch, each epoch unless the plan is another."""
    plan = {"every": 1} | {name: options.pop(name) for name in ("every", "seconds", "steps", "keep") if name in options}
    return fit(recipe(epochs=epochs), examples(), **{"validation": 0.25, "key": 4} | options, checkpoints=Checkpoints(folder, **plan))


class CutError(Exception):
    """What ends a run that is cut."""


def cut_after(folder: Path, epochs: int, **options: Any) -> None:
    """Trains the run in that folder as far as its checkpoint of that epoch. It stays the same program: a shorter recipe is another."""

    def callback(epoch: int, metrics: Any) -> None:
        if epoch > epochs:
            raise CutError

    with suppress(CutError):
        run_in(folder, callback=callback, **options)


def assert_same_run(run: Run, straight: Run) -> None:
    assert_same_bits((run.params, run.state, run.history), (straight.params, straight.state, straight.history))
    assert (run.outcome, run.epochs, run.best_epoch) == (straight.outcome, straight.epochs, straight.best_epoch)


def joined(now: Standing) -> Standing:
    """With what the pieces of the epoch that was begun have measured as one, as it is read."""
    return now if now.inside is None else now._replace(inside=now.inside.replace(pieces=(now.inside.measured,)))


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def keeping(folder: Path, **options: Any) -> Iterator[Keeper]:
    keeper = Keeper(Checkpoints(folder, **options), {"of": "a test"})
    try:
        yield keeper
    finally:
        keeper.close()


def there_and_back(keeper: Keeper, now: Standing) -> Standing | None:
    """What is read of what was written."""
    keeper.save(now)
    keeper.wait()
    return keeper.latest(jax.eval_shape(lambda: now.state), 1000)
