"""Preprocessing as a part of the graph: raw columns in, class names or the target's own units out, as in Python."""

import json
from typing import Any

import numpy as np
import pytest

from jaxnn import BinaryClassification, Classification, Model, Regression, models
from jaxnn.data import Dataset, Preprocessing, Table
from jaxnn.export import save_onnx
from jaxnn.tasks import Task
from tests.export.samples import drawn
from tests.export.sessions import session_of
from tests.tolerances import assert_close

NUMBERS = {"size": np.array([1.5, 1700000000.25, 3.0, -2.0, 8.0, 8.0]), "age": np.array([3, 1, 4, 1, 5, 9])}
TEXTS = {"hue": np.array(["red", "blué", "red", "green", "red", "blué"], object), "kind": np.array(["a", "a", "b", "b", "b", "a"], object)}
CLASSES, NAMES = np.array(["no", "yes", "çela", "no", "yes", "no"], object), np.array(["no", "yes"] * 3, object)
TASKS: dict[str, tuple[Any, np.ndarray]] = {
    "binary": (lambda: BinaryClassification(models.mlp((), 1)), NAMES),
    "classes": (lambda: Classification(models.mlp((4,), 3, activation="tanh")), CLASSES),
    "numbers": (lambda: Regression(models.mlp((4,), 1, activation="tanh")), np.array([100.0, 250.5, 90.0, 30.0, 60.0, 75.0])),
}


def learned(columns: dict[str, np.ndarray], target: np.ndarray, **options: Any) -> tuple[Table, Preprocessing]:
    table = Table.build("t.csv", columns)
    data = Dataset(**vars(table), target=target, target_name="y")
    kind = "regression" if target.dtype.kind == "f" else "classification"
    return table, Preprocessing.fit(data, np.arange(table.rows), kind=kind, **options)


def model_of(task: Task, table: Table, preprocessing: Preprocessing, target: np.ndarray) -> Model:
    return drawn(task, preprocessing.transform(table), preprocessing.encode_target(target))


def columns_of(table: Table) -> dict[str, np.ndarray]:
    """What a graph is given: numbers in float64, texts with "" for what is missing, in the order of the preprocessing."""
    texts = [[text or "" for text in column] for column in table.texts.values()]
    both = {"numbers": table.numbers.astype(np.float64), "texts": np.array(texts, object).T}
    return {name: values for name, values in both.items() if values.size}


@pytest.mark.parametrize("columns", [NUMBERS, TEXTS, TEXTS | NUMBERS], ids=["numbers", "texts", "both"])
@pytest.mark.parametrize("task", TASKS)
def test_raw_columns_give_what_preprocessing_model_and_names_give(tmp_path, task, columns):
    make, target = TASKS[task]
    table, preprocessing = learned(columns, target)
    model = model_of(make(), table, preprocessing, target)
    session = session_of(save_onnx(tmp_path / "model.onnx", model, preprocessing=preprocessing))
    for rows in (1, 6):
        raw = {name: values[:rows] for name, values in columns_of(table).items()}
        outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, raw), strict=True))
        wanted = model.predict(preprocessing.transform(table))[:rows]
        if task == "numbers":
            assert_close(outputs["predictions"], preprocessing.restore(wanted), "float32")
            assert outputs.keys() == {"predictions"}
        else:
            assert_close(outputs["predictions"], wanted, "float32")
            best = wanted.argmax(axis=1) if task == "classes" else (wanted > 0.5).astype(int)
            assert outputs["names"].tolist() == preprocessing.decode(best).tolist()


def test_missing_values_are_filled_and_unknown_categories_are_zeros(tmp_path):
    size, hue = np.array([1.0, np.nan, 3.0, 8.0]), np.array([None, "red", "red", "blue"], object)
    target = np.array(["no", "yes", "no", "yes"], object)
    _, preprocessing = learned({"size": size, "hue": hue}, target, impute=True)
    new = Table.build("new.csv", {"size": np.array([np.nan, 2.0, 1.0]), "hue": np.array(["blue", None, "mauve"], object)})
    x = preprocessing.transform(new, unseen="zeros")
    model = drawn(Classification(models.mlp((), 2)), x, np.array([0, 1, 0], np.int32))
    session = session_of(save_onnx(tmp_path / "model.onnx", model, preprocessing=preprocessing))
    predictions, _ = session.run(None, columns_of(new))
    assert_close(predictions, model.predict(x), "float32")


def test_the_file_tells_the_order_of_its_columns(tmp_path):
    table, preprocessing = learned(TEXTS | NUMBERS, CLASSES)
    model = model_of(TASKS["classes"][0](), table, preprocessing, CLASSES)
    session = session_of(save_onnx(tmp_path / "model.onnx", model, preprocessing=preprocessing, extras={"unit": "cm"}))
    extras = json.loads(session.get_modelmeta().custom_metadata_map["extras"])
    assert Preprocessing.from_dict(extras["preprocessing"]) == preprocessing
    assert extras["unit"] == "cm"
    inputs = [(value.name, value.shape, value.type) for value in session.get_inputs()]
    assert inputs == [("numbers", ["rows", 2], "tensor(double)"), ("texts", ["rows", 2], "tensor(string)")]
    assert [text["name"] for text in extras["preprocessing"]["texts"]] == ["hue", "kind"]


def test_the_preprocessing_of_another_model_is_refused(tmp_path):
    table, preprocessing = learned(TEXTS | NUMBERS, CLASSES)
    _, narrow = learned(NUMBERS, CLASSES)
    _, two = learned(TEXTS | NUMBERS, NAMES)
    _, quantity = learned(TEXTS | NUMBERS, TASKS["numbers"][1])
    model = model_of(TASKS["classes"][0](), table, preprocessing, CLASSES)
    for other, match in (
        (narrow, r"rows of \(7,\), .* got rows of \(2,\)"),
        (two, "3 classes, .* got 2 classes"),
        (quantity, "got a quan"),
    ):
        with pytest.raises(ValueError, match=f"save_onnx: .*preprocessing must be .*{match}"):
            save_onnx(tmp_path / "model.onnx", model, preprocessing=other)
