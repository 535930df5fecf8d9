"""Preprocessing against scikit-learn's transformers, its round trips, and the sentence for every table it cannot take."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jaxnn.data import Classes, Dataset, Preprocessing, Quantity, Table, infer_kind, load, load_features

GENERATOR = np.random.default_rng(0)


def text(*values) -> np.ndarray:
    return np.array(values, dtype=object)


def dataset(target=None, **columns) -> Dataset:
    table = Table.build("t.csv", columns)
    target = np.arange(table.rows) % 2 if target is None else target
    return Dataset(**vars(table), target=target, target_name="y")


def everything(data: Dataset, kind="classification", **options) -> Preprocessing:
    return Preprocessing.fit(data, np.arange(data.rows), kind=kind, **options)


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


def mixed(rows: int = 40) -> Dataset:
    return dataset(
        a=GENERATOR.normal(size=rows),
        hue=GENERATOR.choice(["red", "blue"], rows).astype(object),
        b=GENERATOR.integers(0, 9, rows),
        size=GENERATOR.choice(["s", "m", "l"], rows).astype(object),
    )


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


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (text("a", "b"), "classification"),
        (np.array([True, False]), "classification"),
        (np.arange(20), "classification"),
        (np.arange(21), "regression"),
        (np.array([0.0, 1.0, 1.0]), "classification"),
        (np.array([0.5, 1.0]), "regression"),
        (np.arange(500.0), "regression"),
    ],
)
def test_infer_kind(target, kind):
    assert infer_kind(target) == kind


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (np.array([10, 9, -1]), ("-1", "9", "10")),
        (np.array([1.0, 0.5]), ("0.5", "1")),
        (np.array([True, False]), ("False", "True")),
        (text("b", "a", "B"), ("B", "a", "b")),
    ],
)
def test_class_names_and_numbers(target, names):
    classes = Classes.fit("y", target)
    assert classes.classes == names
    assert classes.encode(target).dtype == np.int32
    assert [names[code] for code in classes.encode(target)] == classes.decode(classes.encode(target)).tolist()


def test_whole_numbers_written_as_fractions_are_the_same_classes():
    assert Classes.fit("y", np.array([0, 1])).encode(np.array([1.0, 0.0])).tolist() == [1, 0]


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6, width=32), unique=True))
def test_quantities_come_back_in_their_units(target):
    quantity = Quantity.fit("y", target)
    encoded = quantity.encode(target)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded.mean(dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(quantity.restore(encoded), target, rtol=1e-6, atol=1e-6 * np.abs(target).max() + 1e-6 * quantity.scale)


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


def refused(action) -> str:
    with pytest.raises(ValueError) as error:
        action()
    return str(error.value)


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


def test_trouble_in_a_column_the_model_does_not_know_is_no_trouble():
    preprocessing = everything(dataset(a=np.arange(4.0)))
    table = Table.build("new.csv", {"a": np.arange(4.0), "b": np.array([np.nan, np.inf, 1, 2])})
    assert preprocessing.transform(table).shape == (4, 1)


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
