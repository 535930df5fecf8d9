"""What a report is about: plain values only, so that it can be filled from a live sweep or from its files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Value = float | int | str | None
"""A hyperparameter; None is an option like any other, the one that leaves a part out."""


@dataclass(frozen=True)
class Dataset:
    """The data of a sweep: `splits` are rows by part, such as `{"train": 1149, "validation": 288, "test": 360}`."""

    name: str
    rows: int
    columns: int
    task: str
    splits: Mapping[str, int]
    classes: Sequence[str] = ()


@dataclass(frozen=True)
class Dimension:
    """How one hyperparameter was searched: `kind` is `uniform`, `log`, `integer` or `choice`.

    The first three have `low` and `high`, a choice has `options`.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    options: Sequence[Value] = ()


@dataclass(frozen=True)
class Trial:
    """One run of the sweep: `status` is `finished`, `stopped early` or `diverged`; `score` is the validation score, higher is better.

    `history` holds one value an epoch under `loss`, `validation_loss` and `validation_<metric>`; what is missing is not drawn.
    """

    number: int
    status: str
    hyperparameters: Mapping[str, Value]
    score: float
    loss: float = math.nan
    epochs: int = 0
    best_epoch: int | None = None
    seconds: float = math.nan
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def ranks(self) -> bool:
        """Whether it can be compared with others at all."""
        return self.status != "diverged" and math.isfinite(self.score)


@dataclass(frozen=True)
class Report:
    """Everything the page shows.

    `winner` is the number of the chosen trial, None where none was left to choose. `test_scores` and `baselines` map a name
    (`winner`, `ensemble of 5`, `majority class`) to the metric on the test rows; the winner's goes under `winner`. `seconds`
    maps a stage (`compile`, `run`, `total`) to its duration. `confusion[i][j]` counts test rows of class i that were taken for
    class j; `predictions` are pairs (true, predicted) of a regression. `model_path` is as a person would type it.
    """

    title: str
    created: str
    dataset: Dataset
    metric: str
    trials: Sequence[Trial]
    space: Mapping[str, Dimension]
    winner: int | None = None
    test_scores: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] = ()
    predictions: Sequence[tuple[float, float]] = ()
    recipe: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    model_path: str = "model.safetensors"
    notes: Sequence[str] = ()

    def ranked(self) -> list[Trial]:
        """The winner, then the others by score; what diverged comes last. Ties keep the order given."""
        return sorted(self.trials, key=lambda trial: (trial.number != self.winner, not trial.ranks, -trial.score if trial.ranks else 0.0))

    def best(self) -> Trial | None:
        """The chosen trial."""
        return next((trial for trial in self.trials if trial.number == self.winner), None)
