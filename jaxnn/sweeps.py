"""sweep: a space of hyperparameters in, trained and ranked trials out."""

import math
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, get_args

import jax
import numpy as np

from jaxnn.bits import enough_bits
from jaxnn.checks import check_whole, nearest, sentence
from jaxnn.keys import key_data
from jaxnn.lanes import Member
from jaxnn.loop import Data
from jaxnn.measuring import mode_of
from jaxnn.populations import finished, make_members, plan
from jaxnn.recipes import Recipe
from jaxnn.runs import OUTCOMES, Run
from jaxnn.search.space import Space
from jaxnn.stopping import Mode
from jaxnn.training import validation_metrics

SHARE = 0.2
"""Of the rows, to validate on where nothing else is said."""


class Search(Protocol):
    """Anything that proposes trials: ``Grid``, ``Random``."""

    def propose(self, space: Space, *, seed: int) -> list[dict[str, Any]]:
        """The hyperparameters of every trial."""
        ...


@dataclass(frozen=True, eq=False)
class Trial:
    """One set of hyperparameters and how it did. score and validation_loss are means over its seeds and folds, nan if one
    of them diverged; a score is nan too where the validation loss is infinite. seconds: the sum of its runs'.

    runs: its trained runs while it is among the best that the sweep keeps, else empty, so that memory does not grow with trials.
    """

    number: int
    hyperparameters: dict[str, Any]
    score: float
    validation_loss: float
    outcome: str
    epochs: int
    best_epoch: int
    seconds: float
    history: dict[str, np.ndarray] = field(repr=False)
    runs: tuple[Run, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Sweep:
    """The finished trials of a sweep, best first; diverged ones last. metric: what scores are; higher or lower is better."""

    trials: list[Trial]
    metric: str
    space: Space

    @property
    def winner(self) -> Trial | None:
        """The trial with the best score; None if all have diverged."""
        return self.trials[0] if self.trials and not math.isnan(self.trials[0].score) else None

    @property
    def best(self) -> Trial:
        """The winner. Raises ValueError if there is none."""
        if self.winner is None:
            raise ValueError("sweep: no trial finished with a finite score. Try lower learning rates, or scale the data.")
        return self.winner

    def table(self) -> list[dict[str, Any]]:
        """One dictionary a trial, best first: rank, trial, score, outcome, epochs and the hyperparameters."""
        return [
            {"rank": rank, "trial": trial.number, self.metric: trial.score, "outcome": trial.outcome, "epochs": trial.best_epoch}
            | trial.hyperparameters
            for rank, trial in enumerate(self.trials, start=1)
        ]

    def ensemble(self, size: int) -> "Ensemble":
        """The best `size` trials together. Raises ValueError for more than the sweep has kept."""
        kept = [trial for trial in self.trials[:size] if trial.runs and not math.isnan(trial.score)]
        if len(kept) < min(size, len(self.trials)):
            raise ValueError(sentence("ensemble", "size", f"at most {len(kept)}, the trials kept", size, "Sweep with a larger keep."))
        return Ensemble(tuple(run for trial in kept for run in trial.runs))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Runs that predict together, by the mean of their predictions."""

    runs: tuple[Run, ...]

    def predict(self, x: Any) -> np.ndarray:
        """Mean of ``Run.predict`` over the runs."""
        return np.mean([run.predict(x) for run in self.runs], axis=0)


def sweep(
    build: Callable[..., Recipe],
    space: Space,
    data: Any,
    *,
    search: Search,
    key: Any = 0,
    validation: Any = None,
    seeds: int = 1,
    folds: int | None = None,
    metric: str = "validation_loss",
    mode: Mode | None = None,
    keep: int = 5,
    on_trial: Callable[[Trial, int], None] | None = None,
    workers: int | None = None,
    lanes: int | None = None,
) -> Sweep:
    """Trains ``build(**hyperparameters)`` for every proposal of the search and ranks them by their validation score.

    data, key, validation, seeds, folds, workers, lanes: as in ``fit_many``, but that 0.2 of the rows are validated on where none of
    data, validation and folds says which. metric: a name of the history that starts with ``validation_``. mode: "min" or "max" for a
    metric that is a function of your own; of others it is known, as for ``EarlyStopping``. A trial's score is its metric at the epoch
    its parameters are of. keep: how many of the best keep their trained runs. on_trial: called with each trial as it finishes and the
    number of all. A KeyboardInterrupt ends the sweep with the trials that have finished.
    """
    proposals = search.propose(space, seed=int(key_data(key, "sweep")[1]))
    recipes = [_built(build, proposal) for proposal in proposals]
    if validation is None and folds is None and not (isinstance(data, Data) and data.validation is not None):
        validation = SHARE
    members = make_members(recipes, data, key=key, validation=validation, seeds=seeds, folds=folds)
    mode = _checked_mode(metric, mode, members)
    check_whole("sweep", "keep", keep, low=1)
    ranking, spread = _Ranking(metric, mode, keep), plan(lanes=lanes, workers=workers)
    with suppress(KeyboardInterrupt), closing(finished(members, key_data(key), spread)) as arrivals:
        for number, runs in _complete(arrivals, len(members) // len(recipes)):
            trial = ranking.add(number, proposals[number], runs)
            if on_trial is not None:
                on_trial(trial, len(proposals))
    return Sweep(trials=ranking.trials, metric=metric, space=dict(space))


def make_trial(number: int, hyperparameters: dict[str, Any], runs: Sequence[Run], metric: str) -> Trial:
    """The trial of these runs (seeds and folds of one recipe), scored by that metric of their histories."""
    loss = _mean_at_best(runs, "validation_loss")
    return Trial(
        number=number,
        hyperparameters=hyperparameters,
        score=_mean_at_best(runs, metric) if math.isfinite(loss) else math.nan,
        validation_loss=loss,
        outcome=max((run.outcome for run in runs), key=OUTCOMES.index),
        epochs=max(run.epochs for run in runs),
        best_epoch=runs[0].best_epoch,
        seconds=sum(run.seconds for run in runs),
        history=runs[0].history,
        runs=tuple(runs),
    )


class _Ranking:
    """Trials in order of their score, trained runs kept for the best only."""

    def __init__(self, metric: str, mode: Mode, keep: int) -> None:
        self.trials: list[Trial] = []
        self.metric, self.keep = metric, keep
        self.sign = 1.0 if mode == "min" else -1.0

    def add(self, number: int, hyperparameters: dict[str, Any], runs: Sequence[Run]) -> Trial:
        trial = make_trial(number, hyperparameters, runs, self.metric)
        place = bisect(self.trials, self._order(trial), key=self._order)
        self.trials.insert(place, trial)
        dropped = max(place, self.keep)  # the new one, or the one that it has pushed out; those behind have lost their runs already
        if dropped < len(self.trials):
            self.trials[dropped] = replace(self.trials[dropped], runs=())
        return trial

    def _order(self, trial: Trial) -> tuple[bool, float, float, int]:
        """Best first; a score that is not a number comes last; equal scores by loss, then by number, for arrival order is chance."""
        if math.isnan(trial.score):
            return True, 0.0, 0.0, trial.number
        return False, self.sign * trial.score, trial.validation_loss, trial.number


def _mean_at_best(runs: Sequence[Run], metric: str) -> float:
    """Mean over runs of the metric at the epoch that their parameters are of; nan if one diverged."""
    return float(np.mean([math.nan if run.outcome == "diverged" else run.history[metric][run.best_epoch - 1] for run in runs]))


def _checked_mode(metric: str, mode: Mode | None, members: Sequence[Member]) -> Mode:
    """Which way the metric, which all members have, is better."""
    by_metrics = {jax.tree.structure((member.recipe.task, member.recipe.metrics)): member for member in members}
    for recipe, data, _ in by_metrics.values():
        with enough_bits(recipe.wide):
            names = validation_metrics(recipe, data)
        if metric not in names:
            raise ValueError(sentence("sweep", "metric", f"one of {', '.join(names)}", repr(metric), nearest(metric, names)))
    mode = mode or mode_of(metric, members[0].recipe.metrics)
    if mode is None or mode not in get_args(Mode):
        own = "" if mode else f", for {metric} is a metric of your own"
        raise ValueError(sentence("sweep", "mode", f"'min' or 'max'{own}", repr(mode)))
    return mode


def _built(build: Callable[..., Recipe], hyperparameters: dict[str, Any]) -> Recipe:
    recipe = build(**hyperparameters)
    if not isinstance(recipe, Recipe):
        raise TypeError(sentence("sweep", "build", "a function that returns a Recipe", f"{type(recipe).__name__} from {hyperparameters}"))
    return recipe


def _complete(arrivals: Iterator[tuple[int, Run]], runs_each: int) -> Iterator[tuple[int, list[Run]]]:
    """Trials whose runs (seeds and folds) have all arrived, as (trial number, runs in order)."""
    pending: dict[int, dict[int, Run]] = {}
    for index, run in arrivals:
        number, place = divmod(index, runs_each)
        pending.setdefault(number, {})[place] = run
        if len(pending[number]) == runs_each:
            runs = pending.pop(number)
            yield number, [runs[place] for place in range(runs_each)]
