"""A data set made ready for training: which rows, which scaling, which arrays."""

from dataclasses import dataclass

import numpy as np

from jaxnn.data import Dataset, Kind, Preprocessing, infer_kind, load, split_rows
from jaxnn.data.targets import Classes
from jaxnn.loop import Data

SHARE = 0.2
"""Of all rows the test split takes this share, of the rest the validation split."""


@dataclass(frozen=True)
class Study:
    """Arrays and splits of one data set. Scaling and categories were learned on the training rows alone."""

    dataset: Dataset
    preprocessing: Preprocessing
    data: Data
    test: np.ndarray

    @property
    def kind(self) -> Kind:
        """Classification or regression."""
        return self.preprocessing.kind

    @property
    def metric(self) -> str:
        """What scores are called; higher is better."""
        return "accuracy" if self.kind == "classification" else "R2"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the data that its user should know."""
        return self.dataset.notes + self.preprocessing.notes(self.dataset)

    def describe(self) -> str:
        """The data in one line."""
        classes = f", {self.outputs} classes" if self.kind == "classification" else ""
        splits = ", ".join(f"{count} {part}" for part, count in self.splits.items())
        return f"{self.dataset.name}: {self.dataset.rows} rows, {len(self.dataset.columns)} columns, {self.kind}{classes}; rows to {splits}"

    @property
    def outputs(self) -> int:
        """Outputs of a network for it."""
        return len(self.preprocessing.class_names) or 1

    @property
    def splits(self) -> dict[str, int]:
        """Rows of each part."""
        return {"train": len(self.data.train), "validation": len(self.data.validation), "test": len(self.test)}

    def score(self, validation_metric: float) -> float:
        """A validation metric of a run as a score: accuracy as it is, squared error as the share of variance explained."""
        if self.kind == "classification":
            return validation_metric
        return 1 - validation_metric / float(np.var(self.data.y[self.data.validation]))


def prepare(source: str, target: str | None, *, kind: str, impute: bool, seed: int) -> Study:
    """Loads, splits and scales. kind: 'auto', 'classification' or 'regression'. Raises ValueError in one sentence for bad data."""
    dataset = load(source, target)
    chosen: Kind = infer_kind(dataset.target) if kind == "auto" else kind  # type: ignore[assignment]
    classes, names = None, None
    if chosen == "classification":
        known = Classes.fit(dataset.target_name, dataset.target)
        classes, names = known.encode(dataset.target), known.classes
    rest, test = split_rows(dataset.rows, SHARE, seed=seed, classes=classes, names=names)
    within = None if classes is None else classes[rest]
    train, validation = (rest[part] for part in split_rows(len(rest), SHARE, seed=seed, classes=within, names=names))
    preprocessing = Preprocessing.fit(dataset, train, kind=chosen, impute=impute)
    x, y = preprocessing.encode(dataset)
    return Study(dataset, preprocessing, Data(x=x, y=y, train=train, validation=validation), test)
