"""Files of ONNX predict in onnxruntime what the models do, for any number of rows; what they tell of themselves, what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from jaxnn import Classification, Model, Regression, Run, fit, layers, load_model, models, save_model
from jaxnn.export import save_onnx
from jaxnn.layers import Layer
from jaxnn.tasks import Task
from jaxnn.typing import Sequences
from tests.catalogue import LAYERS, normal
from tests.catalogue_of_tasks import TASKS
from tests.export.samples import ROWS, cast, drawn, model_of
from tests.export.sessions import run, session_of
from tests.programs import quick_jit
from tests.samples import classification, plane, regression
from tests.tolerances import assert_close, precision


def task_and(name: str) -> tuple[Model, Any]:
    """A model of that task, and x."""
    example, random = TASKS[name], np.random.default_rng(0)
    x = cast(example.inputs(random, max(ROWS)))
    return drawn(example.make(), x, None if example.targets is None else cast(example.targets(random, max(ROWS)))), x


def assert_same_predictions(path: Path, model: Model | Run, x: Any, dtype: str = "float32") -> None:
    session, wanted = session_of(path), np.asarray(quick_jit(model.recipe.task.predict)(model.params, x))
    for rows in ROWS:
        (got,) = run(session, jax.tree.map(lambda leaf, rows=rows: leaf[:rows], x))
        assert got.dtype == wanted.dtype
        assert_close(got, wanted[:rows], dtype)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_predict_in_onnxruntime_what_they_predict_here(tmp_path, name):
    model, x = task_and(name)
    assert_same_predictions(save_onnx(tmp_path / "model.onnx", model), model, x)


def test_a_trained_run_in_float64(tmp_path):
    with precision("float64"):
        trained = fit(regression(), plane(dtype="float64"))
        path = save_onnx(tmp_path / "model.onnx", trained)
        assert_same_predictions(path, trained, plane(max(ROWS), dtype="float64")[0], "float64")


def test_a_trained_reader_of_texts_predicts_as_its_run_does(tmp_path):
    random = np.random.default_rng(0)
    x = Sequences(random.integers(0, 6, (max(ROWS), 5)).astype("int32"), (1 + np.arange(max(ROWS)) % 5).astype("int32"))
    network = models.rnn((3, 2), 3, cell="gru", tokens=6, embedding=2, bidirectional=True, dropout=0.1)
    trained = fit(classification(epochs=1).replace(task=Classification(network)), (x, (x.values[:, 0] % 3).astype("int32")))
    session, wanted = session_of(save_onnx(tmp_path / "model.onnx", trained)), trained.predict(x)
    for rows in ROWS:
        some = {"x_values": x.values[:rows], "x_lengths": x.lengths[:rows]}
        assert_close(session.run(["predictions"], some)[0], wanted[:rows], "float32")


def test_what_a_file_tells_of_itself(tmp_path):
    model = model_of(layers.Dense(3), np.ones((2, 4), "float32"))
    first, again = (save_onnx(tmp_path / name, model, extras={"classes": ["a", "b", "ç"]}) for name in ("first", "again"))
    assert first.read_bytes() == again.read_bytes()
    session = session_of(first)
    assert json.loads(session.get_modelmeta().custom_metadata_map["extras"]) == {"classes": ["a", "b", "ç"]}
    assert described(session) == [("x", ["rows", 4], "tensor(float)"), ("predictions", ["rows", 3], "tensor(float)")]


def described(session: Any) -> list[tuple[str, list[Any], str]]:
    return [(value.name, value.shape, value.type) for value in (*session.get_inputs(), *session.get_outputs())]


def test_inputs_of_several_arrays_have_names_by_their_places(tmp_path):
    model, _ = task_and("NextToken of translations")
    assert described(session_of(save_onnx(tmp_path / "model.onnx", model)))[:-1] == [
        ("x_0_values", ["rows", 5], "tensor(int32)"),
        ("x_0_lengths", ["rows"], "tensor(int32)"),
        ("x_1_values", ["rows", 5], "tensor(int32)"),
        ("x_1_lengths", ["rows"], "tensor(int32)"),
    ]


def test_extras_of_a_loaded_model_go_along(tmp_path):
    model = model_of(layers.Dense(3), np.ones((2, 4), "float32"))
    model = load_model(save_model(tmp_path / "model.safetensors", model, extras={"unit": "cm"}))
    session = session_of(save_onnx(tmp_path / "model.onnx", model))
    assert json.loads(session.get_modelmeta().custom_metadata_map["extras"]) == {"unit": "cm"}


class Doubled(Layer):
    def forward(self, params, x, key=None):
        return 2 * x, None

    def backward(self, params, residuals, dy):
        return (), 2 * dy


def doubled(graph, layer, params, x):
    return graph.node("Add", x.name, x.name)


def test_a_layer_of_ones_own_is_written_by_its_rule_and_refused_without(tmp_path):
    x = cast(normal(4)(np.random.default_rng(0), max(ROWS)))
    model = model_of(layers.Chain((layers.Dense(3), Doubled())), x)
    assert_same_predictions(save_onnx(tmp_path / "model", model, rules={Doubled: doubled}), model, x)
    with pytest.raises(
        ValueError, match=r"made of layers that have a rule, got Doubled\. Give its rule, rules=\{\.\.\.\}, or take save_stab"
    ):
        save_onnx(tmp_path / "model", model)


class Odd(Regression):
    pass


def test_other_tasks_are_refused_by_name(tmp_path):
    x = np.ones((2, 4), "float32")
    task: Task = Odd(layers.Dense(1))
    with pytest.raises(ValueError, match=r"save_onnx: the task must be one of .*Regression.*, got Odd\. Take save_stablehlo, which takes"):
        save_onnx(tmp_path / "model", drawn(task, x, x[:, 0]))


def test_half_precision_is_refused_and_written_in_float32_where_asked_for(tmp_path):
    model = model_of(layers.Dense(3), np.ones((2, 4), jax.numpy.bfloat16))
    with pytest.raises(ValueError, match=r'save_onnx: the parameters must be float32 or float64, got bfloat16\. Write dtype="float32", or'):
        save_onnx(tmp_path / "model", model)
    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    (got,) = run(session_of(save_onnx(tmp_path / "model", model, dtype="float32")), x)
    assert_close(got, x @ model.params["kernel"].astype("float32") + model.params["bias"].astype("float32"), "float32")


def test_a_model_in_float64_is_written_in_float32_where_asked_for(tmp_path):
    with precision("float64"):
        example = LAYERS["Recurrent of lengths"]
        x = cast(example.inputs(np.random.default_rng(0), 5), "float64")
        model = model_of(layers.Chain((layers.Recurrent(layers.LSTM(3)), layers.Dense(1))), x)
        wanted = model.predict(x)
        session = session_of(save_onnx(tmp_path / "model", model, dtype="float32"))
    (got,) = run(session, cast(x))
    assert_close(got, wanted.astype("float32"), "float32")


def test_other_dtypes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"save_onnx: dtype must be 'float32', or None for that of the model, got 'float16'"):
        save_onnx(tmp_path / "model", model_of(layers.Dense(3), np.ones((2, 4), "float32")), dtype="float16")


def test_without_onnx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "jaxnn-toolkit\[onnx\]"'):
        save_onnx(tmp_path / "model", None)
