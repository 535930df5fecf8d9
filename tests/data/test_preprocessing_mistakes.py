"""What preprocessing refuses, sentence by sentence."""

import numpy as np
import pytest

from jaxnn.data import Preprocessing, Table
from tests.data.samples import dataset, everything, mixed, refused, text


def test_missing_values_are_refused():
    data = dataset(a=np.array([1, np.nan, np.nan, 2]), hue=text("x", "y", None, "x"), b=np.zeros(4))
    assert refused(lambda: everything(data)) == (
        "t.csv has missing values in 2 columns: 'a' (2 rows), 'hue' (1 row). Fill these in, or let --impute do it."
    )
    preprocessing = everything(dataset(a=np.arange(4.0), hue=text("x", "y", "y", "x")))
    assert refused(lambda: preprocessing.transform(data)) == (
        "t.csv has missing values in 2 columns: 'a' (2 rows), 'hue' (1 row). Fill these in, or train again with --impute."
    )


def test_infinity_is_refused():
    data = dataset(a=np.array([1, np.inf, -np.inf, 2]))
    message = "t.csv has infinity in 1 column: 'a' (2 rows). Correct these or leave the rows out; --impute fills missing values only."
    assert refused(lambda: everything(data, impute=True)) == message
    assert refused(lambda: everything(dataset(a=np.arange(4.0))).transform(data)) == message


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: dataset(target=text("a", "a"), x=np.arange(2.0)),
            "classification",
            "The target 'y' has one class only, 'a': expected two or more. Check --target.",
        ),
        (
            lambda: dataset(target=text("1", "n/k"), x=np.arange(2.0)),
            "regression",
            "The target 'y' holds text such as 'n/k': regression needs numbers. Learn it as classification.",
        ),
        (
            lambda: dataset(target=np.ones(2), x=np.arange(2.0)),
            "regression",
            "The target 'y' is 1 in all training rows: nothing to learn. Check --target.",
        ),
        (
            lambda: dataset(target=np.array([-1e308, 1e308]), x=np.arange(2.0)),
            "regression",
            "The target 'y' has values too large to be scaled. Use another unit.",
        ),
        (
            lambda: dataset(target=np.arange(1200), x=np.arange(1200.0)),
            "classification",
            "The target 'y' has 1,200 different values, too many for classes (at most 1,000). Learn it as regression.",
        ),
        (
            lambda: dataset(x=np.arange(1200).astype(str).astype(object)),
            "classification",
            "Text column 'x' has 1,200 categories: expected at most 1,000. Leave it out of the file or turn it into numbers.",
        ),
        (
            lambda: dataset(x=np.array([-1e308, 1e308])),
            "classification",
            "These columns have values too large to be scaled: 'x'. Use another unit.",
        ),
        (
            lambda: dataset(x=np.arange(2.0)),
            "clustering",
            "Preprocessing.fit: kind must be 'classification' or 'regression', got 'clustering'.",
        ),
    ],
)
def test_bad_data_sets(make, kind, message):
    assert refused(lambda: everything(make(), kind)) == message


def test_columns_without_any_value_cannot_be_imputed():
    data = dataset(a=np.array([np.nan, np.nan, 1.0]), b=np.arange(3.0))
    fit = lambda data: Preprocessing.fit(data, np.array([0, 1]), kind="classification", impute=True)  # noqa: E731
    assert refused(lambda: fit(data)) == "These columns have no value at all in the training rows: 'a'. Leave them out of the file."
    assert refused(lambda: fit(dataset(a=text(None, None, "x")))) == (
        "Column 'a' has no value at all in the training rows. Leave it out of the file."
    )


def test_no_rows_are_refused():
    assert refused(lambda: Preprocessing.fit(mixed(), np.array([], int), kind="regression")) == (
        "Preprocessing.fit: rows must be at least one row to learn from, got none."
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"ag": [1.0], "hue": text("a")},
            "new.csv lacks 1 of the 2 columns the model was trained on: 'age'. Add them. Did you mean ag?",
        ),
        ({"hue": text("a")}, "new.csv lacks 1 of the 2 columns the model was trained on: 'age'. Add them."),
        (
            {"age": text("1", "old"), "hue": text("a", "b")},
            "Column 'age' of new.csv holds text such as 'old': the model was trained on numbers there.",
        ),
        (
            {"age": [1.0], "hue": [2.0]},
            "Column 'hue' of new.csv holds numbers such as 2: the model was trained on text there.",
        ),
        (
            {"age": [1.0, 2.0], "hue": text("c", "a")},
            "new.csv has values the model has never seen, in 'hue': 'c' (1 row). Correct or leave out these rows.",
        ),
        (
            {"age": [1e300, 2.0], "hue": text("b", "a")},
            "new.csv has values too far from those of training rows to be scaled, in 'age'. Correct them.",
        ),
        (
            {"age": [1.0], "hue": [np.nan]},
            "new.csv has missing values in 1 column: 'hue' (1 row). Fill these in, or train again with --impute.",
        ),
    ],
)
def test_tables_that_do_not_match(columns, message):
    preprocessing = everything(dataset(age=np.array([1.0, 2.0]), hue=text("a", "b")))
    table = Table.build("new.csv", {name: np.asarray(values) for name, values in columns.items()})
    assert refused(lambda: preprocessing.transform(table)) == message


def test_encoding_targets_that_do_not_fit():
    classes, quantity = everything(mixed()), everything(mixed(), "regression")
    assert refused(lambda: classes.encode_target(np.array([0, 7]))) == (
        "The target 'y' has classes that no training row has: '7'. Leave these rows out."
    )
    assert refused(lambda: classes.decode(np.array([0, 2]))) == "Class numbers must be from 0 to 1, got 0 to 2."
    assert refused(lambda: classes.restore(np.zeros(2))) == "The target 'y' has classes and no units. Use decode."
    assert refused(lambda: quantity.decode(np.zeros(2, int))) == "The target 'y' is a quantity and has no class names. Use restore."
