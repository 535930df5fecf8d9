"""From raw columns to the arrays a network takes, learned on training rows, kept with the model, and the same at prediction."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from jaxnn.checks import sentence
from jaxnn.data.categories import OneHot
from jaxnn.data.loading import read_features
from jaxnn.data.matching import differences, refuse_infinite, refuse_mismatch, refuse_missing, text_column
from jaxnn.data.scaling import Scaling
from jaxnn.data.stored import from_values, to_values
from jaxnn.data.table import Dataset, Table
from jaxnn.data.targets import Classes, Kind, Quantity


@dataclass(frozen=True)
class Preprocessing:
    """Everything learned from raw columns: what turns a table into x, and labels into y and back.

    Columns are found by name, so the order of a file never matters. Of x, float32 of shape (rows, width), the first columns are
    the scaled numbers and the rest the categories of each text column.

    >>> table = Table.build("t", {"size": np.array([1.0, 3.0, 9.0]), "hue": np.array(["red", "blue", "red"], object)})
    >>> dataset = Dataset(**vars(table), target=np.array(["no", "yes", "no"], object), target_name="buy")
    >>> preprocessing = Preprocessing.fit(dataset, np.array([0, 1]), kind="classification")
    >>> preprocessing.transform(table).tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [7.0, 0.0, 1.0]]
    >>> preprocessing.class_names
    ('no', 'yes')
    """

    columns: tuple[str, ...]
    numbers: Scaling
    texts: tuple[OneHot, ...]
    target: Classes | Quantity

    @classmethod
    def fit(cls, dataset: Dataset, rows: np.ndarray, *, kind: Kind, impute: bool = False) -> "Preprocessing":
        """Learns from the given rows of a data set, an index array; `impute` fills missing values instead of refusing them.

        Missing values and infinity are refused anywhere in the data set, for all of it will be transformed.
        """
        if kind not in ("classification", "regression"):
            raise ValueError(sentence("Preprocessing.fit", "kind", "'classification' or 'regression'", repr(kind)))
        if len(rows) == 0:
            raise ValueError(sentence("Preprocessing.fit", "rows", "at least one row to learn from", "none"))
        refuse_infinite(dataset, dataset.columns)
        if not impute:
            refuse_missing(dataset, dataset.columns, "Fill these in, or let --impute do it.")
        labels = dataset.target[rows]
        return cls(
            columns=dataset.columns,
            numbers=Scaling.fit(dataset, rows, impute=impute),
            texts=tuple(OneHot.fit(dataset, name, rows, impute=impute) for name in dataset.texts),
            target=(Classes if kind == "classification" else Quantity).fit(dataset.target_name, labels),
        )

    @property
    def kind(self) -> Kind:
        """Classification or regression."""
        return "classification" if isinstance(self.target, Classes) else "regression"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of class 0, 1, ...; none for regression."""
        return self.target.classes if isinstance(self.target, Classes) else ()

    @property
    def target_name(self) -> str:
        """The column that was learned."""
        return self.target.name

    @property
    def imputes(self) -> bool:
        """Whether missing values are filled in."""
        return self.numbers.fill is not None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each column of x: a number column's own, `column=category` for a category."""
        return self.numbers.names + tuple(f"{text.name}={category}" for text in self.texts for category in text.categories)

    @property
    def width(self) -> int:
        """Number of columns of x."""
        return len(self.numbers.names) + sum(len(text.categories) for text in self.texts)

    def transform(self, table: Table, *, unseen: Literal["refuse", "zeros"] = "refuse") -> np.ndarray:
        """x of a table, float32 of shape (rows, width). A row's bits depend on its own values only.

        unseen: a category that no training row had is refused, or has zeros in all columns of its text column. Zeros are for scoring rows
        held out of the same data set; whoever predicts should hear of it.

        Raises `ValueError` for columns that are absent or of the other kind, missing values, infinity and unseen categories.
        """
        refuse_mismatch(table, self.numbers.names, [text.name for text in self.texts])
        refuse_infinite(table, self.columns)
        if not self.imputes:
            refuse_missing(table, self.columns, "Fill these in, or train again with --impute.")
        if unseen == "refuse":
            self._refuse_unseen(table)
        x = np.zeros((table.rows, self.width), np.float32)
        start = len(self.numbers.names)
        self.numbers.write(table, x[:, :start])
        for text in self.texts:
            text.write(text_column(table, text.name), x[:, start : start + len(text.categories)])
            start += len(text.categories)
        return x

    def encode(self, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the data set this was fitted on, its held-out rows included: their unseen categories become zeros."""
        return self.transform(dataset, unseen="zeros"), self.encode_target(dataset.target)

    def encode_target(self, target: np.ndarray) -> np.ndarray:
        """y, shape (rows,): int32 classes, or float32 with mean 0 and standard deviation 1 over training rows."""
        return self.target.encode(target)

    def decode(self, classes: np.ndarray) -> np.ndarray:
        """Names of int classes, str (dtype object)."""
        if not isinstance(self.target, Classes):
            raise ValueError(f"The target {self.target_name!r} is a quantity and has no class names. Use restore.")
        return self.target.decode(classes)

    def restore(self, standardised: np.ndarray) -> np.ndarray:
        """Predicted quantities in the target's own units, float64."""
        if not isinstance(self.target, Quantity):
            raise ValueError(f"The target {self.target_name!r} has classes and no units. Use decode.")
        return self.target.restore(standardised)

    def notes(self, table: Table) -> tuple[str, ...]:
        """Sentences on what differs from training and was got over: unknown columns, another order, categories encoded as zeros."""
        unseen = [f"No training row has these values, which count as none of the known ones: {words}." for words in self._unseen(table)]
        return differences(table, self.columns) + tuple(unseen)

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; `from_dict` makes an equal record of them."""
        return to_values(self.columns, self.numbers, self.texts, self.target)

    @classmethod
    def from_dict(cls, values: Any) -> "Preprocessing":
        """The record of `to_dict`. Raises `ValueError` for anything else, whatever a file may hold."""
        return cls(**from_values(values))

    def _unseen(self, table: Table) -> list[str]:
        return [words for text in self.texts if (words := text.unseen_in_words(text_column(table, text.name)))]

    def _refuse_unseen(self, table: Table) -> None:
        if words := self._unseen(table):
            raise ValueError(
                f"{table.name} has values the model has never seen, in {'; in '.join(words)}. Correct or leave out these rows."
            )


def load_features(source: str, preprocessing: Preprocessing) -> Table:
    """Reads what a model is to predict from, a bundled name or a file, by the columns it was trained on; the target may be absent.

    The table's `notes` tell of columns that are ignored and of another order; `Preprocessing.transform` refuses what cannot be used.
    """
    texts = [text.name for text in preprocessing.texts]
    table = read_features(source, columns=preprocessing.columns, texts=texts, target=preprocessing.target_name)
    return replace(table, notes=table.notes + differences(table, preprocessing.columns))
