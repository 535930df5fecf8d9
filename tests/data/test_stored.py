"""What a file may claim preprocessing to be: anything but what jaxnn writes is refused in a sentence."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn.data import Dataset, Preprocessing, Table


def stored(kind: str = "classification") -> dict:
    table = Table.build("t", {"a": np.arange(4.0), "b": np.arange(4.0) ** 2, "hue": np.array(["x", "y", "x", "y"], object)})
    dataset = Dataset(**vars(table), target=np.array([0, 1, 1, 0]), target_name="y")
    return Preprocessing.fit(dataset, np.arange(4), kind=kind, impute=True).to_dict()


def put(values: dict, path: str, value) -> dict:
    """A copy with the value at the dotted path replaced."""
    values = copy.deepcopy(values)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = values
    for part in parents:
        place = place[part]
    place[last] = value
    return values


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"),
    [
        ("classification", "extra", 1, "preprocessing must be an object with exactly columns, numbers, texts, target"),
        ("classification", "columns", "abc", "columns must be a list"),
        ("classification", "columns.0", 3, "columns[0] must be text"),
        ("classification", "columns.0", "c", "columns must be the names of all number and text columns, at least one, each once"),
        ("classification", "columns", ["a", "a", "b"], "columns must be names that differ"),
        ("classification", "numbers", [], "numbers must be an object with exactly names, mean, scale, fill"),
        ("classification", "numbers.mean", [1.0], "numbers.mean must be 2 numbers, one for each column"),
        ("classification", "numbers.mean.1", "2", "numbers.mean[1] must be a finite number"),
        ("classification", "numbers.mean.1", True, "numbers.mean[1] must be a finite number"),
        ("classification", "numbers.mean.1", float("nan"), "numbers.mean[1] must be a finite number"),
        ("classification", "numbers.mean.1", 10**400, "numbers.mean[1] must be a finite number"),
        ("classification", "numbers.scale.0", 0.0, "numbers.scale must be above 0"),
        ("classification", "numbers.scale.0", float("inf"), "numbers.scale[0] must be a finite number"),
        ("classification", "numbers.fill", [None, 1.0], "numbers.fill[0] must be a finite number"),
        ("classification", "texts.0.categories", ["y", "x"], "texts[0].categories must be at least one category, sorted"),
        ("classification", "texts.0.categories", [], "texts[0].categories must be at least one category, sorted"),
        ("classification", "texts.0.fill", "z", "texts[0].fill must be one of the categories"),
        ("classification", "texts.0.fill", ["x"], "texts[0].fill must be one of the categories"),
        ("classification", "numbers.fill", None, "texts must be with a fill just where numbers have one"),
        ("classification", "target", None, "target.kind must be 'classification' or 'regression'"),
        ("classification", "target.kind", "ranking", "target.kind must be 'classification' or 'regression'"),
        ("classification", "target.kind", "regression", "target must be an object with exactly kind, name, mean, scale"),
        ("classification", "target.classes", ["0"], "target.classes must be two classes or more"),
        ("classification", "target.classes", ["0", "0"], "target.classes must be names that differ"),
        ("classification", "target.name", "a", "target.name must be a column apart from the features"),
        ("regression", "target.scale", -1.0, "target.scale must be above 0"),
        ("regression", "target.mean", None, "target.mean must be a finite number"),
    ],
)
def test_tampered_values_are_refused(kind, path, value, expected):
    with pytest.raises(ValueError) as error:
        Preprocessing.from_dict(put(stored(kind), path, value))
    assert str(error.value) == f"The preprocessing in this file is not one that jaxnn wrote: {expected}. Save the model again."


@pytest.mark.parametrize("values", [None, [], 3, "text", {}])
def test_no_record_at_all_is_refused(values):
    with pytest.raises(ValueError, match=r"preprocessing must be an object with exactly columns, numbers, texts, target"):
        Preprocessing.from_dict(values)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    "columns",
    "columns.1",
    "numbers.names",
    "numbers.names.0",
    "numbers.scale.1",
    "numbers.fill",
    "texts",
    "texts.0",
    "texts.0.name",
    "target",
]


@given(st.sampled_from(PLACES), JSON)
def test_any_json_is_taken_or_refused_but_never_trips(path, value):
    values = put(stored(), path, value)
    try:
        preprocessing = Preprocessing.from_dict(values)
    except ValueError as error:
        assert str(error).startswith("The preprocessing in this file is not one that jaxnn wrote: ")
    else:
        assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing
