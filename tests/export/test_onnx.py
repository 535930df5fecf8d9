"""Graphs of ONNX, run by onnxruntime, predict what the models do, for any number of rows."""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnxruntime
import pytest

from jaxnn import Model, Regression, fit, layers, load_model, models, save_model
from jaxnn.export import save_onnx
from jaxnn.export.rules import RULES
from jaxnn.layers import Layer, VariationalAutoencoder
from jaxnn.layers.base import children
from tests.catalogue import LAYERS, MODELS, TASKS, LayerExample
from tests.export.samples import ROWS, cast, drawn
from tests.programs import quick_jit
from tests.samples import plane, regression
from tests.tolerances import RELATIVE, precision, relative_error

PREDICTED = ("BinaryClassification", "Classification", "Reconstruction", "Reconstruction of images, denoising", "Regression of series")
PREDICTED += ("Variational", "Variational of probabilities")
"""Tasks whose predictions can be written."""


def written(layer: Layer) -> bool:
    """Whether every layer in it has a rule; variational ones belong to a task of their own."""
    return type(layer) in RULES and all(map(written, children(layer).values())) and not isinstance(layer, VariationalAutoencoder)


def one_array(example: LayerExample) -> bool:
    return hasattr(example.inputs(np.random.default_rng(0), 1), "shape")


EXAMPLES = {name: example for part in (LAYERS, MODELS) for name, example in part.items() if one_array(example) and written(example.make())}


def rows_of(example: Any) -> Any:
    return cast(example.inputs(np.random.default_rng(0), max(ROWS)))


def with_outputs(layer: Layer, x: Any, **options: Any) -> Model:
    """The layer as a model whose predictions are its outputs."""
    key = jax.random.key(0)
    outputs = jax.eval_shape(lambda x: layer.apply(layer.init(key, x), x), x)
    return drawn(Regression(layer), x, np.zeros(outputs.shape, outputs.dtype), **options)


def assert_same_predictions(path: Path, model: Model, x: np.ndarray, dtype: str = "float32") -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = np.asarray(quick_jit(model.recipe.task.predict)(model.params, x))
    for rows in ROWS:
        (got,) = session.run(["predictions"], {"x": x[:rows]})
        assert got.dtype == wanted.dtype
        assert relative_error(got, wanted[:rows]) < RELATIVE[dtype]


def test_the_examples_are_what_they_should_be():
    assert {"mlp", "cnn", "autoencoder", "conv_autoencoder", "wide_deep", "residual_mlp"} <= set(EXAMPLES)
    assert {cls.__name__ for cls in RULES} - {name.split(" ")[0] for name in EXAMPLES} == {"VariationalAutoencoder"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_layers_give_in_onnxruntime_what_they_give_here(tmp_path, name):
    x = rows_of(EXAMPLES[name])
    model = with_outputs(EXAMPLES[name].make(), x)
    assert_same_predictions(save_onnx(tmp_path / "model.onnx", model), model, x)


@pytest.mark.parametrize("name", PREDICTED)
def test_tasks_predict_in_onnxruntime_what_they_predict_here(tmp_path, name):
    x, targets = rows_of(TASKS[name]), TASKS[name].targets
    model = drawn(TASKS[name].make(), x, None if targets is None else cast(targets(np.random.default_rng(0), max(ROWS))))
    assert_same_predictions(save_onnx(tmp_path / "model.onnx", model), model, x)


def test_a_trained_run_in_float64(tmp_path):
    with precision("float64"):
        run = fit(regression(), plane(dtype="float64"))
        path = save_onnx(tmp_path / "model.onnx", run)
        assert_same_predictions(path, run, plane(max(ROWS), dtype="float64")[0], "float64")


def test_what_a_file_tells_of_itself(tmp_path):
    model = with_outputs(layers.Dense(3), np.ones((2, 4), "float32"))
    first, again = (save_onnx(tmp_path / name, model, extras={"classes": ["a", "b", "ç"]}) for name in ("first", "again"))
    assert first.read_bytes() == again.read_bytes()
    session = onnxruntime.InferenceSession(first)
    assert json.loads(session.get_modelmeta().custom_metadata_map["extras"]) == {"classes": ["a", "b", "ç"]}
    described = [(value.name, value.shape, value.type) for value in (*session.get_inputs(), *session.get_outputs())]
    assert described == [("x", ["rows", 4], "tensor(float)"), ("predictions", ["rows", 3], "tensor(float)")]


def test_extras_of_a_loaded_model_go_along(tmp_path):
    model = with_outputs(layers.Dense(3), np.ones((2, 4), "float32"))
    model = load_model(save_model(tmp_path / "model.safetensors", model, extras={"unit": "cm"}))
    session = onnxruntime.InferenceSession(save_onnx(tmp_path / "model.onnx", model))
    assert json.loads(session.get_modelmeta().custom_metadata_map["extras"]) == {"unit": "cm"}


def test_other_layers_are_refused_by_name(tmp_path):
    model = with_outputs(models.rnn((3,), 2), np.ones((2, 5, 2), "float32"))
    with pytest.raises(ValueError, match=r"save_onnx: the model must be made of Autoencoder, .*, got Recurrent\. Take save_stablehlo"):
        save_onnx(tmp_path / "model", model)


@pytest.mark.parametrize("name", ["NextToken", "Adversarial"])
def test_other_tasks_are_refused_by_name(tmp_path, name):
    model = drawn(TASKS[name].make(), rows_of(TASKS[name]), None)
    with pytest.raises(ValueError, match=rf"save_onnx: the task must be one of .*Regression.*, of one array x, got {name}"):
        save_onnx(tmp_path / "model", model)


def test_inputs_of_several_arrays_are_refused(tmp_path):
    x = cast({"a": np.ones((2, 3)), "b": np.ones((2, 3))})
    model = drawn(Regression(layers.Function(difference)), x, np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match=r"of one array x, got Regression of several"):
        save_onnx(tmp_path / "model", model)


def difference(x: Any) -> Any:
    return x["a"] - x["b"]


def test_half_precision_is_refused(tmp_path):
    model = with_outputs(layers.Dense(3), np.ones((2, 4), jax.numpy.bfloat16))
    with pytest.raises(ValueError, match=r"save_onnx: the parameters must be float32 or float64, got bfloat16"):
        save_onnx(tmp_path / "model", model)


def test_without_onnx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "jaxnn-toolkit\[onnx\]"'):
        save_onnx(tmp_path / "model", None)
