"""ONNX: predictions as a graph of plain operations, for runtimes that know nothing of JAX."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.export.graph import Graph, Value
from jaxnn.export.rules import write
from jaxnn.losses import BinaryCrossEntropy
from jaxnn.model_files import write_at_once
from jaxnn.tasks import BinaryClassification, Classification, Reconstruction, Regression, Task, Variational

OPERATIONS, FORMAT = 21, 10
"""Versions of ONNX's operations and of its files; onnxruntime reads them since 1.18."""


def save_onnx(path: str | Path, model: Any, *, extras: Mapping[str, Any] | None = None) -> Path:
    """Writes what ``predict`` of a Run or a Model computes, for any number of rows, and returns the file's path.

    The graph takes ``x`` (rows, ...) in the dtype of training and gives ``predictions``. extras: anything that JSON can hold, such
    as preprocessing and class names; it stands in the file's metadata under "extras", by default that of a loaded Model.
    A token out of range is NaN here and an error there. Raises ImportError without the package onnx, ValueError for models of other
    layers than the feed-forward ones, tasks without one array to predict from, and dtypes but float32 and float64.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError('save_onnx needs onnx: pip install "jaxnn-toolkit[onnx]"') from error

    graph, x, y = _graph(model)
    about = json.dumps(dict(extras if extras is not None else getattr(model, "extras", {})), allow_nan=False)

    def described(value: Value) -> Any:
        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.like.dtype))
        return onnx.helper.make_tensor_value_info(value.name, kind, ("rows", *value.like.shape[1:]))

    nodes = [onnx.helper.make_node(node.operation, node.inputs, [node.output], **node.attributes) for node in graph.nodes]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in graph.arrays.items()]
    body = onnx.helper.make_graph(nodes, "jaxnn", [described(x)], [described(y)], arrays)
    operations = [onnx.helper.make_opsetid("", OPERATIONS)]
    made = onnx.helper.make_model(body, producer_name="jaxnn", opset_imports=operations, ir_version=FORMAT)
    onnx.helper.set_model_props(made, {"extras": about})
    onnx.checker.check_model(made, full_check=True)
    return write_at_once(Path(path), made.SerializeToString(deterministic=True))


def _graph(model: Any) -> tuple[Graph, Value, Value]:
    """The graph of the model and of what its task makes of the outputs, its input and its output."""
    task, like = model.recipe.task, model.examples[0]
    if type(task) not in PREDICTIONS or not hasattr(like, "shape"):
        expected = f"one of {', '.join(cls.__name__ for cls in PREDICTIONS)}, of one array x"
        got = type(task).__name__ + ("" if hasattr(like, "shape") else " of several")
        raise ValueError(sentence("save_onnx", "the task", expected, got, "Take save_stablehlo, which takes every model."))
    graph = Graph(np.dtype(jnp.result_type(*jax.tree.leaves(model.params) or [like.dtype])))
    if graph.dtype not in (np.float32, np.float64):
        raise ValueError(sentence("save_onnx", "the parameters", "float32 or float64", graph.dtype))
    x = Value("x", jax.ShapeDtypeStruct((1, *like.shape), like.dtype))
    outputs = write(graph, task.model, model.params, x)
    graph.node("Identity", PREDICTIONS[type(task)](graph, task, outputs), output="predictions")
    return graph, x, Value("predictions", jax.eval_shape(task.predict, model.params, x.like))


def _squeezed(graph: Graph, task: Regression, y: Value) -> str:
    return graph.node("Squeeze", y.name, graph.whole(1)) if y.like.shape == (1, 1) else y.name


def _probability(graph: Graph, task: BinaryClassification, y: Value) -> str:
    return graph.node("Squeeze", graph.node("Sigmoid", y.name), graph.whole(1))


def _probabilities(graph: Graph, task: Classification, y: Value) -> str:
    return graph.node("Softmax", y.name, axis=-1)


def _in_units_of_x(graph: Graph, task: Reconstruction | Variational, y: Value) -> str:
    return graph.node("Sigmoid", y.name) if isinstance(task.loss, BinaryCrossEntropy) else y.name


PREDICTIONS: dict[type[Task], Callable[[Graph, Any, Value], str]] = {
    BinaryClassification: _probability,
    Classification: _probabilities,
    Reconstruction: _in_units_of_x,
    Regression: _squeezed,
    Variational: _in_units_of_x,
}
"""What each task makes of the model's outputs: (graph, task, outputs) -> the name of the predictions."""
