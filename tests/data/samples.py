"""Small data sets of named columns, and the sentence that an action is refused with."""

import numpy as np
import pytest

from jaxnn.data import Dataset, Preprocessing, Table

GENERATOR = np.random.default_rng(0)


def text(*values) -> np.ndarray:
    return np.array(values, dtype=object)


def dataset(target=None, **columns) -> Dataset:
    table = Table.build("t.csv", columns)
    target = np.arange(table.rows) % 2 if target is None else target
    return Dataset(**vars(table), target=target, target_name="y")


def everything(data: Dataset, kind="classification", **options) -> Preprocessing:
    return Preprocessing.fit(data, np.arange(data.rows), kind=kind, **options)


def mixed(rows: int = 40) -> Dataset:
    return dataset(
        a=GENERATOR.normal(size=rows),
        hue=GENERATOR.choice(["red", "blue"], rows).astype(object),
        b=GENERATOR.integers(0, 9, rows),
        size=GENERATOR.choice(["s", "m", "l"], rows).astype(object),
    )


def refused(action) -> str:
    with pytest.raises(ValueError) as error:
        action()
    return str(error.value)
