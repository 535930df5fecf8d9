"""Preprocessing against scikit-learn's transformers, and its round trips."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jaxnn.data import Dataset, Preprocessing, Table, infer_kind, load, load_features
from tests.data.samples import GENERATOR, dataset, everything, mixed, refused, text

MEASURES = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))  # finer ones can lie too far from training rows to be scaled at all


@given(arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=MEASURES), st.integers(0, 99))
def test_training_rows_have_mean_0_and_deviation_1(values, seed):
    rows = np.random.default_rng(seed).permutation(len(values))[: max(2, len(values) // 2)]
    data = dataset(target=np.arange(len(values)), x=values)
    preprocessing = Preprocessing.fit(data, rows, kind="regression")
    x = preprocessing.transform(data).astype(np.float64)
    constant = values[rows].min(axis=0) == values[rows].max(axis=0)
    assert np.all(x[rows][:, constant] == 0)
    np.testing.assert_allclose(x[rows].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x[rows][:, ~constant].std(axis=0), 1, rtol=1e-5)
    scale, mean = np.array(preprocessing.numbers.scale), np.array(preprocessing.numbers.mean)
    np.testing.assert_allclose(x * scale + mean, values, rtol=1e-5, atol=1e-5 * np.abs(values).max())


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "diabetes"])
def test_scaling_is_that_of_scikit_learn(name):
    data = load(name)
    rows = GENERATOR.permutation(data.rows)[: data.rows // 2]
    preprocessing = Preprocessing.fit(data, rows, kind=infer_kind(data.target))
    theirs = StandardScaler().fit(data.numbers[rows])
    np.testing.assert_allclose(preprocessing.numbers.mean, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(preprocessing.numbers.scale, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(preprocessing.transform(data), theirs.transform(data.numbers), rtol=1e-6, atol=1e-6)


def test_medians_are_those_of_scikit_learn():
    values = np.where(GENERATOR.random((101, 70)) < 0.2, np.nan, GENERATOR.normal(size=(101, 70)))
    data, rows = dataset(x=values), np.arange(50)
    preprocessing = Preprocessing.fit(data, rows, kind="classification", impute=True)
    imputer = SimpleImputer(strategy="median").fit(values[rows])
    scaler = StandardScaler().fit(imputer.transform(values[rows]))
    np.testing.assert_allclose(preprocessing.numbers.fill, imputer.statistics_, rtol=1e-12)
    np.testing.assert_allclose(preprocessing.transform(data), scaler.transform(imputer.transform(values)), rtol=1e-6, atol=1e-6)


def test_categories_are_those_of_scikit_learn():
    hue, size = GENERATOR.choice(["red", "blue", "Zoë", ""], 60), GENERATOR.choice(["s", "m", "l"], 60)
    data = dataset(hue=hue.astype(object), size=size.astype(object))
    preprocessing = everything(data)
    theirs = OneHotEncoder(sparse_output=False, dtype=np.float32).fit(np.stack([hue, size], axis=1))
    np.testing.assert_array_equal(preprocessing.transform(data), theirs.transform(np.stack([hue, size], axis=1)))
    assert list(preprocessing.feature_names) == [
        name.replace("x0_", "hue=").replace("x1_", "size=") for name in theirs.get_feature_names_out()
    ]


def test_missing_text_becomes_the_most_frequent_category():
    data = dataset(hue=text("b", "c", None, "c", "b", "a"))
    preprocessing = Preprocessing.fit(data, np.arange(5), kind="classification", impute=True)
    theirs = SimpleImputer(strategy="most_frequent", missing_values=None).fit(data.texts["hue"][:5, None])
    assert preprocessing.texts[0].fill == theirs.statistics_[0] == "b"
    assert preprocessing.encode(data)[0].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0]]


def test_constant_columns_are_only_moved():
    data = dataset(x=np.full(10, 0.1), big=np.full(10, 1e300), tiny=np.array([0.0, 5e-324] * 5))
    assert everything(data).numbers.scale == (1.0, 1.0, 1.0)
    assert np.all(everything(data).transform(data) == 0)


def test_large_offsets_keep_their_digits():
    seconds = 1.7e9 + np.arange(10.0)
    data = dataset(time=seconds)
    np.testing.assert_allclose(everything(data).transform(data)[:, 0], (seconds - seconds.mean()) / seconds.std(), rtol=1e-6)


@given(st.permutations(["a", "hue", "b", "size", "extra"]))
def test_the_order_of_columns_changes_no_bit(order):
    data = mixed()
    preprocessing, columns = everything(data), {name: data.column(name) for name in data.columns} | {"extra": np.zeros(40)}
    table = Table.build("new.csv", {name: columns[name] for name in order})
    assert np.array_equal(preprocessing.transform(table), preprocessing.transform(data))


@given(st.integers(1, 39))
def test_a_row_is_the_same_in_any_company(rows):
    data = mixed()
    preprocessing = everything(data)
    part = Table.build("new.csv", {name: data.column(name)[:rows] for name in data.columns})
    assert np.array_equal(preprocessing.transform(part), preprocessing.transform(data)[:rows])


@pytest.mark.parametrize("number", [np.uint8, np.int64, np.float32, np.float64])
def test_the_type_of_numbers_changes_no_bit(number):
    values = GENERATOR.integers(0, 256, (30, 3))
    data = dataset(x=values.astype(np.float64))
    table = Table.build("new.csv", {"x": values.astype(number)})
    assert np.array_equal(everything(data).transform(table), everything(data).transform(data))


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("impute", [False, True])
def test_json_round_trip(kind, impute):
    data = replace(mixed(), target=np.arange(40) % 3)
    preprocessing = everything(data, kind, impute=impute)
    again = Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict(), allow_nan=False)))
    assert again == preprocessing
    assert np.array_equal(again.transform(data), preprocessing.transform(data))
    assert (again.kind, again.imputes, again.width, again.target_name) == (kind, impute, 7, "y")


def test_training_rows_alone_decide():
    data = mixed()
    other = Table.build("t.csv", {name: np.concatenate([data.column(name)[:20], data.column(name)[:20]]) for name in data.columns})
    changed = Dataset(**vars(other), target=data.target, target_name="y")
    assert Preprocessing.fit(data, np.arange(20), kind="classification") == Preprocessing.fit(changed, np.arange(20), kind="classification")


def test_held_out_rows_with_an_unseen_category_are_zeros_and_noted():
    data = dataset(hue=text("a", "b", "a", "b", "new"))
    preprocessing = Preprocessing.fit(data, np.arange(4), kind="classification")
    x, y = preprocessing.encode(data)
    assert x[-1].tolist() == [0, 0]
    assert y.tolist() == [0, 1, 0, 1, 0]
    assert preprocessing.notes(data) == ("No training row has these values, which count as none of the known ones: 'hue': 'new' (1 row).",)


def test_trouble_in_a_column_the_model_does_not_know_is_no_trouble():
    preprocessing = everything(dataset(a=np.arange(4.0)))
    table = Table.build("new.csv", {"a": np.arange(4.0), "b": np.array([np.nan, np.inf, 1, 2])})
    assert preprocessing.transform(table).shape == (4, 1)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("age,code,y\n30,1,yes\n40,2,no\n50,x,yes\n")
    data = load("train.csv", "y")
    return tmp_path, everything(data), data


def test_predicting_from_another_order_with_extra_columns_and_the_target(files):
    folder, preprocessing, data = files
    (folder / "new.csv").write_text("code,day,y,age\n2,2024-01-31,no,40\n1,2024-01-31,yes,30\n")
    table = load_features("new.csv", preprocessing)
    assert np.array_equal(preprocessing.transform(table), preprocessing.transform(data)[[1, 0]])
    assert table.notes == ("The columns of new.csv are in another order than in training; they are matched by name.",)
    (folder / "new.csv").write_text("age,code,weight,height\n40,2,1,1\n")
    assert load_features("new.csv", preprocessing).notes == (
        "new.csv has 2 columns the model was not trained on, which it ignores: 'weight', 'height'.",
    )


def test_predicting_where_numbers_should_be(files):
    folder, preprocessing, _ = files
    (folder / "new.csv").write_text("age,code\nforty,2\n")
    assert refused(lambda: preprocessing.transform(load_features("new.csv", preprocessing))) == (
        "Column 'age' of new.csv holds text such as 'forty': the model was trained on numbers there."
    )


def test_predicting_from_a_bundled_name():
    data = load("wine")
    preprocessing = everything(data)
    assert np.array_equal(preprocessing.transform(load_features("wine", preprocessing)), preprocessing.transform(data))
    assert "lacks 13 of the 13 columns" in refused(lambda: preprocessing.transform(load_features("iris", preprocessing)))
